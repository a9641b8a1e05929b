"""Addresses that name no page: they lead home, with all that they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from parts import door as st
from state import session

KNOWN = ("", "assumptions", "scenarios", "why", "record", "update", "track_record", "export")
HOME = "overview"
MOST_NAME = 200


def pages(home: Any) -> list[Any]:
    """What the browser's address names, where that is no page: pages in no menu that lead home."""
    path = urlsplit(st.context.url or "").path.rstrip("/").rpartition("/")[2]
    names = dict.fromkeys(name for name in (HOME, path, unquote(path)) if name not in KNOWN and _is_name(name))
    return [st.Page(_leading(home, name), title=name, url_path=name, visibility="hidden") for name in names]


def _is_name(name: str) -> bool:
    return len(name) <= MOST_NAME and "/" not in name and name.strip() == name != ""


def _leading(home: Any, name: str) -> Callable[[], None]:
    """A page that leads home, with words unless home is what it is called."""

    def lead() -> None:
        if name != HOME:
            session.complain(f"There is no page {name!r} here: this is the Overview.")
        st.switch_page(home, query_params=st.query_params.to_dict())

    return lead
