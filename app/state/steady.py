"""Widgets that both the user and the app set: what a browser says before it has heard of the app's value is no wish.

A browser reports all its widgets whenever one of them is used. Where it has not heard yet that the app has set a
widget, as the run that said so was broken off or its message is on the way, it repeats what the widget showed before.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import streamlit as st

from state import session


def put(key: str, value: Any) -> dict[str, Any]:
    """Let a widget show a value; gives the options to draw it with, just then.

    One that shows it already is left alone, so that what is being typed stays.
    """
    shown = st.session_state.get(key, value)
    if shown == value:
        # A browser that missed the run in which the widget first appeared would show Streamlit's own default.
        return {"value": value}
    told = _told()
    told[key] = told.get(key, frozenset()) | {shown}
    st.session_state[key] = value
    return {}


def is_echo(key: str) -> bool:
    """Whether a reported change of a widget is only what it showed before the app set it; for its callback."""
    told = _told()
    if session.is_heard():
        # All that was set before has been heard of.
        told.clear()
    return st.session_state.get(key) in told.get(key, ())


def _told() -> dict[str, frozenset[Hashable]]:
    return st.session_state.setdefault("told", {})
