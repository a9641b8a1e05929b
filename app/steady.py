"""Widgets that both the user and the app set: what a browser says before it has heard of the app's value is no wish.

A browser reports all its widgets whenever one of them is used. Where it has not heard yet that the app has set a
widget, as the run that said so was broken off or its message is on the way, it repeats what the widget showed before,
or what a widget without a value shows. So every run that sets widgets draws one more, unseen, with a number of its own:
a browser that reports the number has heard of all that was set before it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import streamlit as st

HEARD = "heard"
TOLD = "told"


@dataclass(frozen=True)
class Told:
    """What a widget showed before the app set it, and the number of the run that set it."""

    before: frozenset[Hashable]
    number: int

    @property
    def is_heard(self) -> bool:
        """Whether the browser has reported that number, or a later one."""
        return st.session_state.get(HEARD, 0) >= self.number


def put(key: str, value: Any) -> None:
    """Let a widget show a value; one that is known to show it already is left alone, so that what is being typed stays.

    Call it before the widget is drawn, and `finish` once all are.
    """
    unheard = _unheard(key)
    known = key in st.session_state
    shown = st.session_state.get(key)
    if known and shown == value and unheard is None:
        return
    before = frozenset() if unheard is None else unheard.before
    _told()[key] = Told(before | {shown} if known and shown != value else before, _number() + 1)
    st.session_state[key] = value


def finish() -> None:
    """Ask the browser to report when it has heard of this run."""
    kept = {key: told for key, told in _told().items() if not told.is_heard}
    st.session_state[TOLD] = kept
    st.session_state["told_number"] = max((told.number for told in kept.values()), default=_number())
    if st.session_state.get(HEARD) != _number():
        st.session_state[HEARD] = _number()
    with st.container(key="heard_box"):
        st.html("<style>.st-key-heard_box { display: none; }</style>")
        st.number_input("Drawn", min_value=0, key=HEARD, label_visibility="collapsed")


def is_echo(key: str) -> bool:
    """Whether a reported change of a widget is only what it showed before the app set it; for its callback."""
    unheard = _unheard(key)
    if unheard is not None and st.session_state.get(key) in unheard.before:
        return True
    _told().pop(key, None)
    return False


def _unheard(key: str) -> Told | None:
    told = _told().get(key)
    return None if told is None or told.is_heard else told


def _told() -> dict[str, Told]:
    return st.session_state.setdefault(TOLD, {})


def _number() -> int:
    return st.session_state.get("told_number", 0)
