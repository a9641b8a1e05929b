"""What is looked at, on every page: case, scenario, changes, and the way back."""

from __future__ import annotations

import session
import streamlit as st
from session import View

import riskcast

MOST_LISTED = 8


def show() -> None:
    """Draw the sidebar."""
    now = session.view()
    complaint = st.session_state.pop("complaint", None)
    if complaint:
        st.warning(complaint, icon=":material/info:")
    with st.sidebar:
        st.markdown(f"### {now.case.settings.title}")
        st.caption(f"As of {now.case.as_of:%-d %B %Y}. Nothing later is known to it.")
        _case(now)
        _scenario(now)
        _changes(now)
        _share(now)


def _case(now: View) -> None:
    names = list(riskcast.list_cases())
    if len(names) > 1 or now.case.name not in names:
        shown = names if now.case.name in names else [now.case.name, *names]
        chosen = st.selectbox("Case", shown, index=shown.index(now.case.name), key=f"case:{now.case.name}")
        if chosen != now.case.name:
            session.show(View(riskcast.load_case(chosen)))
            st.rerun()


def _scenario(now: View) -> None:
    names = list(dict.fromkeys(["baseline", *now.case.scenarios]))
    chosen = st.selectbox(
        "Scenario",
        names,
        index=names.index(now.scenario),
        format_func=lambda name: now.case.scenario(name).label,
        key=f"scenario:{now.scenario}",
        help="An assumed future. All pages show the chosen one; the page Scenarios compares several.",
    )
    if chosen != now.scenario:
        session.choose_scenario(chosen)
        st.rerun()


def _changes(now: View) -> None:
    count = len(now.changes)
    st.markdown(f"**{count} changed assumption{'s' if count != 1 else ''}**")
    for key in list(now.changes)[:MOST_LISTED]:
        st.caption(f"{key}: {riskcast.quantity_text(now.changes[key])}")
    if count > MOST_LISTED:
        st.caption(f"and {count - MOST_LISTED} more")
    back, forth, clear = st.columns(3)
    back.button("Undo", on_click=session.undo, disabled=not session.can_undo(), key="undo_button")
    forth.button("Redo", on_click=session.redo, disabled=not session.can_redo(), key="redo_button")
    clear.button("Reset", on_click=session.reset, disabled=not count, key="reset_button", help="Take back all changes.")


def _share(now: View) -> None:
    if now.case.name in riskcast.list_cases():
        st.caption("The address of this page holds case, scenario and changes: copy it for a colleague.")
    else:
        st.caption("An uploaded case is not in the address: hand on its file beside the overlay (page Export).")
