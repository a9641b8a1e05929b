"""Change any assumption, and see at once what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import riskcast
from assumptions import editor, tables as assumption_tables
from assumptions.numbers import quantity_words
from assumptions.tables import Table
from assumptions.words import GROUPS, Subject, subjects
from parts import door as st, widgets
from state import results, session
from state.results import Result
from state.session import View

CHANGED_ONLY = "Changed"
WIDE = """
<style>
@media (min-width: 900px) {
  [data-testid="stColumn"]:has(> [data-testid="stVerticalBlock"] > .st-key-live) {
    position: sticky; top: 4rem; align-self: flex-start; max-height: calc(100vh - 5rem); overflow-y: auto;
  }
}
.st-key-live table { font-size: 0.85rem; width: 100%; }
.st-key-live th, .st-key-live td { padding: 0.3rem 0.45rem !important; }
.st-key-live td:not(:first-child), .st-key-live th:not(:first-child) { white-space: nowrap; }
</style>
"""


def show() -> None:
    """Draw the page."""
    now = session.view()
    widgets.heading(
        "Assumptions",
        "Change what is believed and see what follows. Nothing is written to the case: your changes stand in the "
        "address of this page and can be taken back in the sidebar.",
    )
    st.html(WIDE)
    left, right = st.columns([4, 3], gap="medium")
    # The result first, as it is what people wait for.
    with right, st.container(key="live"):
        result = _live(now)
    with left:
        words = _words(now.case)
        chosen = _choose(now, result.case, words)
        if chosen is not None:
            editor.show(now, result.case, chosen)


def _live(now: View) -> Result:
    result = results.current(now)
    before = results.current(replace(now, changes={}))
    widgets.live(result, before)
    widgets.health(result)
    return result


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={riskcast.Case: lambda case: case.hash})
def _words(case: riskcast.Case) -> dict[str, Subject]:
    return subjects(case)


def _choose(now: View, current: riskcast.Case, words: Mapping[str, Subject]) -> Subject | None:
    """Which quantity to edit: by search, by group, in the table, or in the list."""
    search = st.text_input(
        "Search all assumptions",
        placeholder="A word of the name, id or evidence, such as remittance",
        icon=":material/search:",
        key="search",
        type="search",
        live=True,
    )
    group = _group([kind for kind in GROUPS if any(subject.group == kind for subject in words.values())])
    if search:
        found = [subject for subject in words.values() if subject.matches(search)]
    elif group == CHANGED_ONLY:
        found = [words[key] for key in now.changes]
    else:
        found = [subject for subject in words.values() if subject.group == group]
    if not found:
        st.info(f"No assumption matches {search!r}." if search else "Nothing is changed yet.")
        return None
    _table(now, current, words, found, listed=bool(search) or group == CHANGED_ONLY)
    return words[_list(current, words, found, now)]


def _group(kinds: Sequence[str]) -> str:
    """Which of the kinds of assumptions that the case has is looked at, or those that are changed."""
    offered = (*kinds, CHANGED_ONLY)
    if st.session_state.get("group") not in offered:
        st.session_state["group"] = offered[0]
    st.session_state["group_widget"] = st.session_state["group"]

    def remember() -> None:
        st.session_state["group"] = st.session_state["group_widget"] or st.session_state["group"]

    st.pills(
        "Kind of assumption",
        offered,
        key="group_widget",
        on_change=remember,
        label_visibility="collapsed",
    )
    return st.session_state["group"]


def _table(now: View, current: riskcast.Case, words: Mapping[str, Subject], found: list[Subject], listed: bool) -> None:
    table = assumption_tables.as_list(found) if listed else assumption_tables.arrange(found)
    if len(table.columns) > assumption_tables.MOST_COLUMNS:
        table = assumption_tables.as_list(found)
    name = f"table:{'list' if listed else found[0].group}"
    place = table.cell_of(st.session_state.get("chosen", ""))
    _select(name, place)
    assumption_tables.draw(
        table,
        words,
        session.quantities(current),
        session.quantities(now.case),
        now.changes,
        name,
        on_select=lambda: _opened(name, table),
    )
    st.caption(
        f"Choose a cell to edit it. {assumption_tables.CHANGED} marks what you changed."
        + (" Warm: raises the rate; cool: lowers it." if found[0].is_effect and not listed else "")
    )


def _select(name: str, place: tuple[int, str] | None) -> None:
    """Let the table show which cell is open."""
    wanted = [] if place is None else [place]
    held = st.session_state.get(name, {}).get("selection", {}).get("cells", [])
    if [tuple(cell) for cell in held] != wanted:
        st.session_state[name] = {"selection": {"rows": [], "columns": [], "cells": wanted}}


def _opened(name: str, table: Table) -> None:
    cells = st.session_state[name]["selection"]["cells"]
    keys = table.at(*cells[0]) if cells else ()
    if keys:
        st.session_state["chosen"] = keys[0]


def _list(current: riskcast.Case, words: Mapping[str, Subject], found: list[Subject], now: View) -> str:
    """The quantity that is edited, chosen from those found; each with its value."""
    keys = [subject.key for subject in found]
    if st.session_state.get("chosen") not in keys:
        st.session_state["chosen"] = keys[0]
    st.session_state["chosen_widget"] = st.session_state["chosen"]
    values = session.quantities(current)

    def option(key: str) -> str:
        mark = f"{assumption_tables.CHANGED} " if key in now.changes else ""
        return f"{mark}{words[key].short} · {quantity_words(words[key], values[key])}"

    def remember() -> None:
        st.session_state["chosen"] = st.session_state["chosen_widget"]

    return st.selectbox("Edit", keys, format_func=option, key="chosen_widget", on_change=remember)
