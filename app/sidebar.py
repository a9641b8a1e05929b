"""What is looked at, on every page: case, scenario, changes, and the way back."""

from __future__ import annotations

import riskcast
from files import open_case
from parts import door as st
from parts.markdown import Markdown, code
from reference_run import page_part
from state import results, session
from state.session import View

MOST_LISTED = 8


def show() -> None:
    """Draw the sidebar."""
    now = session.view()
    for complaint in st.session_state.pop("complaints", ()):
        st.warning(complaint, icon=":material/info:")
    with st.sidebar:
        st.markdown(Markdown("### {}", now.case.settings.title))
        st.caption(f"As of {riskcast.long_date(now.case.as_of)}. Nothing later is known to it.")
        _case(now)
        _scenario(now)
        _changes(now)
        _doubts(now)
        page_part.show()
        open_case.show()
        _share(now)


def _case(now: View) -> None:
    names = list(riskcast.list_cases())
    if len(names) > 1 or now.case.name not in names:
        shown = names if now.case.name in names else [now.case.name, *names]
        chosen = st.selectbox("Case", shown, index=shown.index(now.case.name), key=f"case:{now.id}")
        if chosen != now.case.name:
            session.show(View(riskcast.load_case(chosen)))
            st.rerun()


def _scenario(now: View) -> None:
    known = now.titles
    names = list(known)
    chosen = st.selectbox(
        "Scenario",
        names,
        index=names.index(now.scenario),
        format_func=lambda name: known[name] + (" (built here)" if name in now.built else ""),
        key=f"scenario:{now.scenario}",
        help="An assumed future. All pages show the chosen one; the page Scenarios compares several.",
    )
    if chosen != now.scenario:
        session.choose_scenario(chosen)
        st.rerun()


def _changes(now: View) -> None:
    count = len(now.changes)
    st.markdown(Markdown("**{} changed assumption{}**", count, "s" if count != 1 else ""))
    for key in list(now.changes)[:MOST_LISTED]:
        st.caption(f"{key}: {riskcast.quantity_text(now.changes[key])}")
    if count > MOST_LISTED:
        st.caption(f"and {count - MOST_LISTED} more")
    if now.observed:
        events = "1 event" if len(now.observed) == 1 else f"{len(now.observed)} events"
        st.caption(Markdown(":material/add_notes: {} added to the record (page Scenarios).", events))
    with st.container(horizontal=True, gap="small"):
        st.button("Undo", on_click=session.undo, disabled=not session.can_undo(), key="undo_button")
        st.button("Redo", on_click=session.redo, disabled=not session.can_redo(), key="redo_button")
        reset_help = "Take back all changes."
        st.button("Reset", on_click=session.reset, disabled=not count, key="reset_button", help=reset_help)


def _doubts(now: View) -> None:
    """What the case, as it is changed here, says and can hardly mean."""
    found = results.doubts(now.changed)
    if not found:
        return
    many = f"{len(found)} doubt{'s' if len(found) != 1 else ''} about this case"
    with st.expander(many, icon=":material/rule:"):
        st.caption(Markdown("What can hardly be meant. `allow: [name]` in the case's files accepts it by name."))
        for doubt in found[:MOST_LISTED]:
            st.caption(doubt_words(doubt))
        if len(found) > MOST_LISTED:
            st.caption(Markdown("and {} more: `riskcast check` lists them", len(found) - MOST_LISTED))


def doubt_words(doubt: riskcast.Doubt) -> Markdown:
    """A doubt in Markdown: where, what is wrong, the mend, and the name that accepts it."""
    place = doubt.file if doubt.line is None else f"{doubt.file}:{doubt.line}"
    where = f"{place} {doubt.key}".strip()
    return Markdown("**{}**: {}; {} {}", where, doubt.wrong, doubt.mend, code(doubt.judgement))


def _share(now: View) -> None:
    if now.case.name in riskcast.list_cases():
        st.caption("The address of this page holds case, scenarios, changes and added events: copy it for a colleague.")
    else:
        st.caption(
            "The address of this page leads back to this uploaded case while the app runs and keeps it; hand on its "
            "file beside it (page Export)."
        )
