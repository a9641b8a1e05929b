"""Streamlit as the app knows it: every text passes here, and is words unless it is Markdown of the app's own.

Nearly every text of Streamlit is Markdown, labels and tooltips too. Here a text that is no `Markdown` is escaped,
wherever it comes from. What is never drawn as Markdown (options of lists, cells, code) stands as it is, and what is
not named here is not used.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

import streamlit as st

from parts.markdown import escape

TEXTS = frozenset({"body", "label", "help", "title", "text"})
MEASURED = frozenset({"value", "delta"})


def _escaped(value: Any) -> Any:
    """A text as Markdown, texts in a list too, and what is told of columns; anything else as it is."""
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return {
            name: {**column, "help": _escaped(column.get("help"))} if isinstance(column, Mapping) else column
            for name, column in value.items()
        }
    return [_escaped(each) for each in value] if isinstance(value, list | tuple) else value


def _words[Drawn: Callable[..., Any]](draw: Drawn, *more: str) -> Drawn:
    """A function of Streamlit whose texts are escaped: those of the usual names, and more."""
    signature, texts = inspect.signature(draw), TEXTS | {*more}

    @functools.wraps(draw)
    def drawn(*args: Any, **options: Any) -> Any:
        given = signature.bind(*args, **options)
        for name in texts & given.arguments.keys():
            given.arguments[name] = _escaped(given.arguments[name])
        return draw(*given.args, **given.kwargs)

    return cast("Drawn", drawn)


def _choices[Drawn: Callable[..., Any]](draw: Drawn) -> Drawn:
    """A function of Streamlit that draws the texts of its options as Markdown too."""
    drawn = _words(draw)

    @functools.wraps(draw)
    def chosen(*args: Any, format_func: Callable[[Any], str] = str, **options: Any) -> Any:
        return drawn(*args, format_func=lambda option: escape(format_func(option)), **options)

    return cast("Drawn", chosen)


Page = _words(st.Page)
button = _words(st.button)
caption = _words(st.caption)
dataframe = _words(st.dataframe, "column_config")
date_input = _words(st.date_input)
dialog = _words(st.dialog)
download_button = _words(st.download_button)
error = _words(st.error)
expander = _words(st.expander)
file_uploader = _words(st.file_uploader)
info = _words(st.info)
markdown = _words(st.markdown)
metric = _words(st.metric, *MEASURED)
multiselect = _words(st.multiselect)
number_input = _words(st.number_input)
page_link = _words(st.page_link)
pills = _choices(st.pills)
progress = _words(st.progress)
radio = _choices(st.radio)
segmented_control = _choices(st.segmented_control)
select_slider = _choices(st.select_slider)
selectbox = _words(st.selectbox)
slider = _words(st.slider)
spinner = _words(st.spinner)
subheader = _words(st.subheader)
success = _words(st.success)
tabs = _words(st.tabs, "tabs")
text_area = _words(st.text_area)
text_input = _words(st.text_input)
title = _words(st.title)
toast = _words(st.toast)
toggle = _words(st.toggle)
warning = _words(st.warning)

altair_chart = st.altair_chart
cache_resource = st.cache_resource
code = st.code
column_config = st.column_config
columns = st.columns
container = st.container
context = st.context
divider = st.divider
empty = st.empty
fragment = st.fragment
html = st.html
login = st.login
navigation = st.navigation
query_params = st.query_params
switch_page = st.switch_page
rerun = st.rerun
secrets = st.secrets
session_state = st.session_state
set_page_config = st.set_page_config
sidebar = st.sidebar
stop = st.stop
user = st.user
