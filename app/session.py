"""What one user looks at: case, changed assumptions, scenario; kept in the session, written into the address."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

import riskcast

MOST_UNDO = 100
MOST_ADDRESS = 60_000
Changes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class View:
    """A case, what was changed in it, and the scenario that is shown.

    `changes`: quantities by id, as an overlay has them: {"median": 55.0, "interval": [47.0, 63.0]} or {"value": 0.8}.
    `scenario`: a name of the case; `built`: a scenario made in the app, under the name that `scenario` holds.
    """

    case: riskcast.Case
    changes: Changes = field(default_factory=dict)
    scenario: str = "baseline"

    @property
    def changed(self) -> riskcast.Case:
        """The case with the changes applied."""
        return riskcast.apply_overlay(self.case, self.changes) if self.changes else self.case


def view() -> View:
    """What this session looks at; opened from the address on the first run."""
    if "view" not in st.session_state:
        st.session_state["undo"], st.session_state["redo"] = [], []
        st.session_state["view"] = _from_address()
    return st.session_state["view"]


def show(new: View) -> None:
    """Look at something else, so that it can be undone."""
    old = view()
    if new == old:
        return
    st.session_state["undo"] = [*st.session_state["undo"], old][-MOST_UNDO:]
    st.session_state["redo"] = []
    _set(new)


def change(key: str, quantity: Mapping[str, Any]) -> None:
    """Change one quantity of the case; a quantity as published is no change."""
    old = view()
    changes = dict(old.changes)
    changes[key] = dict(quantity)
    if is_published(old.case, key, quantity):
        del changes[key]
    show(replace(old, changes=changes))


def reset(key: str | None = None) -> None:
    """Take back the change of one quantity, or all changes."""
    old = view()
    changes = {} if key is None else {other: q for other, q in old.changes.items() if other != key}
    show(replace(old, changes=changes))


def choose_scenario(name: str) -> None:
    """Show another scenario."""
    show(replace(view(), scenario=name))


def undo() -> None:
    """Go back by one change."""
    _step("undo", "redo")


def redo() -> None:
    """Go forward again."""
    _step("redo", "undo")


def can_undo() -> bool:
    """Whether there is anything to undo."""
    return bool(st.session_state.get("undo"))


def can_redo() -> bool:
    """Whether there is anything to redo."""
    return bool(st.session_state.get("redo"))


def quantities(case: riskcast.Case) -> dict[str, Any]:
    """The quantities of a case by id."""
    return {key: quantity for key, quantity, _ in case.quantities()}


def is_published(case: riskcast.Case, key: str, quantity: Mapping[str, Any]) -> bool:
    """Whether a quantity is the published one."""
    own = quantities(case)[key]
    if own.is_fixed:
        return quantity.get("value") == own.center
    interval = quantity.get("interval")
    return quantity.get("median") == own.center and interval is not None and tuple(interval) == own.range


def encode(changes: Changes) -> str:
    """Changes as text for an address."""
    plain = json.dumps(changes, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(zlib.compress(plain.encode(), 9)).decode().rstrip("=")


def decode(text: str) -> dict[str, Any]:
    """The changes that an address holds; raises ValueError where it holds none."""
    if len(text) > MOST_ADDRESS:
        raise ValueError("the address is too long")
    unpacker = zlib.decompressobj()
    packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    try:
        plain = unpacker.decompress(packed, 1_000_000)
    except zlib.error as error:
        raise ValueError("the address is damaged") from error
    found = json.loads(plain)
    if not isinstance(found, dict):
        raise ValueError("the address holds no changes")
    return found


def write_address() -> None:
    """Put what is shown into the address, for a colleague."""
    now = view()
    wanted: dict[str, str] = {}
    if now.case.name in riskcast.list_cases():
        wanted["case"] = now.case.name
    if now.scenario != "baseline":
        wanted["scenario"] = now.scenario
    if now.changes:
        wanted["overlay"] = encode(now.changes)
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def complain(message: str) -> None:
    """Say at the top of the next page that something could not be done."""
    st.session_state["complaint"] = message


def _from_address() -> View:
    known = riskcast.list_cases()
    asked = st.query_params.get("case", known[0])
    if asked not in known:
        complain(f"The address asks for the case {asked!r}, which is not here; {known[0]} is shown.")
        asked = known[0]
    opened = View(riskcast.load_case(asked))
    scenario = st.query_params.get("scenario", "baseline")
    if scenario in opened.case.scenarios or scenario == "baseline":
        opened = replace(opened, scenario=scenario)
    else:
        complain(f"The address asks for the scenario {scenario!r}, which the case does not have.")
    text = st.query_params.get("overlay")
    if text is None:
        return opened
    try:
        with_changes = replace(opened, changes=decode(text))
        _ = with_changes.changed
    except (ValueError, TypeError, AttributeError) as error:
        complain(f"The changes in the address cannot be used: {error}")
        return opened
    return with_changes


def _set(new: View) -> None:
    st.session_state["view"] = new


def _step(back: str, forth: str) -> None:
    if st.session_state[back]:
        *rest, last = st.session_state[back]
        st.session_state[back] = rest
        st.session_state[forth] = [*st.session_state[forth], view()]
        _set(last)
