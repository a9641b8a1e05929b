"""What one user looks at: case, changed assumptions, scenario; kept in the session, written into the address."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sized
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st
from pydantic import ValidationError

import riskcast
from state.kept_cases import DIGITS, kept_cases, short_hash
from state.own_folder import own_case

MOST_UNDO = 100
MOST_ADDRESS = 60_000
MOST_UNPACKED = 200_000
MOST_TEXT = 2000
MOST_BUILT = 20
MOST_ASSUMED = 100
MOST_OBSERVED = 50
# A bundled case that was changed on disk is seen by those who come so much later.
SECONDS_KEPT = 300
EVENTS_FILE = "history/events.csv"
PARAMETERS = ("case", "hash", "scenario", "overlay", "built", "observed")
Changes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class View:
    """A case, what was changed in it, and the scenario that is shown.

    `changes`: quantities by id, as an overlay has them: {"median": 55.0, "interval": [47.0, 63.0]} or {"value": 0.8}.
    `scenario`: a name of the case or of `built`: scenarios made in the app, as scenarios.yaml has them, by name.
    `observed`: events added to the record, as the columns of events.csv.
    """

    case: riskcast.Case
    changes: Changes = field(default_factory=dict)
    scenario: str = "baseline"
    built: Changes = field(default_factory=dict)
    observed: tuple[Mapping[str, Any], ...] = ()

    @property
    def id(self) -> str:
        """What tells its case from all others, for what is kept of it under a name: keys of widgets, drafts."""
        return f"{self.case.name}:{short_hash(self.case)}"

    @property
    def recorded(self) -> riskcast.Case:
        """The case with the added events in its record, without the changes of quantities."""
        if not self.observed:
            return self.case
        return self.case.revised(event_rows=(*self.case.event_rows, *self.observed))

    @property
    def handed(self) -> riskcast.Case:
        """The case that the changes apply to elsewhere: with the events and scenarios that were added in the app."""
        if not self.built:
            return self.recorded
        own = {name: found for name, found in self.scenarios.items() if name in self.built}
        return self.recorded.revised(scenarios={**self.case.scenarios, **own})

    @property
    def changed(self) -> riskcast.Case:
        """The case with the added events, and with the changes applied."""
        return riskcast.apply_overlay(self.recorded, self.changes) if self.changes else self.recorded

    @property
    def scenarios(self) -> dict[str, riskcast.Scenario]:
        """Every scenario by name: the baseline, those of the case, those made in the app."""
        own = {name: self.case.scenario(name) for name in dict.fromkeys(("baseline", *self.case.scenarios))}
        return own | {name: riskcast.Scenario.model_validate(plain) for name, plain in self.built.items()}

    @property
    def titles(self) -> dict[str, str]:
        """What every scenario is called, no two the same, as lists to choose from know their entries by it."""
        called: dict[str, str] = {}
        for name, scenario in self.scenarios.items():
            called[name] = scenario.label if scenario.label not in called.values() else f"{scenario.label} ({name})"
        return called


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


def build(name: str, scenario: riskcast.Scenario, replaced: str | None = None) -> None:
    """Keep a scenario made in the app, in place of another one if told; raises ValueError (CaseError among them) where
    it does not fit the case."""
    old = view()
    check_scenario(old.case, scenario)
    built = {other: plain for other, plain in old.built.items() if other != replaced}
    built[name] = scenario.model_dump(mode="json", exclude_defaults=True)
    _check_count(built, MOST_BUILT, "scenarios")
    show(replace(old, built=built, scenario=name if old.scenario == replaced else old.scenario))


def check_scenario(case: riskcast.Case, scenario: riskcast.Scenario) -> None:
    """Raise ValueError (CaseError among them) where a scenario does not fit the case or reaches beyond its horizon."""
    _check_count((*scenario.events, *scenario.indicators), MOST_ASSUMED, "assumptions in one scenario")
    horizon, period = case.settings.horizon, case.settings.period
    last = max((*(e.month or 1 for e in scenario.events), *(move.start for move in scenario.indicators)), default=1)
    if last > horizon:
        raise ValueError(
            f"{period} {last} lies beyond the horizon of {horizon} {period}s and would go unheard; "
            f"choose a {period} from 1 to {horizon}"
        )
    riskcast.resolve_scenario(case, scenario)


def discard(name: str) -> None:
    """Delete a scenario made in the app."""
    old = view()
    built = {other: plain for other, plain in old.built.items() if other != name}
    show(replace(old, built=built, scenario="baseline" if old.scenario == name else old.scenario))


def observe(row: Mapping[str, Any]) -> None:
    """Add an event to the record; raises ValueError (CaseError among them) where the case cannot hold it."""
    old = view()
    if dict(row) in old.observed:
        raise ValueError("this event is added already, word for word; describe what sets the two apart")
    new = replace(old, observed=(*old.observed, dict(row)))
    _check_record(new)
    show(new)


def forget(row: Mapping[str, Any]) -> None:
    """Take an added event out of the record."""
    old = view()
    show(replace(old, observed=tuple(other for other in old.observed if other != row)))


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


def encode(given: Any) -> str:
    """Changes, scenarios or events as text for an address."""
    plain = json.dumps(given, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(zlib.compress(plain.encode(), 9)).decode().rstrip("=")


def decode(text: str) -> Any:
    """What an address holds; raises ValueError where that is nothing, too much, or not said in one way.

    >>> decode(encode({"one": {"value": 1.0}}))
    {'one': {'value': 1.0}}
    """
    if len(text) > MOST_ADDRESS:
        raise ValueError("the address is too long")
    unpacker = zlib.decompressobj()
    packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    try:
        plain = unpacker.decompress(packed, MOST_UNPACKED)
    except zlib.error as error:
        raise ValueError("the address is damaged") from error
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("the address is cut, or holds too much")
    try:
        found = json.loads(plain, object_pairs_hook=_distinct, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("the address nests too deeply") from None
    _check_texts(found)
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("the address holds a key twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"the address holds {text}, which is no number")


def _check_texts(given: Any) -> None:
    """Raise ValueError for a text longer than any that the app lets one type."""
    if isinstance(given, str) and len(given) > MOST_TEXT:
        raise ValueError(f"the address holds a text of more than {MOST_TEXT} characters")
    parts = [*given, *given.values()] if isinstance(given, dict) else given if isinstance(given, list) else ()
    for part in parts:
        _check_texts(part)


def write_address() -> None:
    """Put what is shown into the address, for a colleague."""
    if not is_heard():
        st.query_params.from_dict(_address())


def is_heard() -> bool:
    """Whether the browser has heard of all that is looked at: its address says the same."""
    return st.query_params.to_dict() == _address()


def _address() -> dict[str, str]:
    now = view()
    wanted = {"case": now.case.name, "hash": short_hash(now.case)}
    if now.scenario != "baseline":
        wanted["scenario"] = now.scenario
    for name, plain in (("overlay", now.changes), ("built", now.built), ("observed", now.observed)):
        if plain:
            wanted[name] = encode(plain)
    return wanted


def complain(message: str) -> None:
    """Say at the top of the next page that something could not be done."""
    st.session_state.setdefault("complaints", []).append(message)


@st.cache_resource(ttl=SECONDS_KEPT, show_spinner=False)
def _bundled(name: str) -> riskcast.Case:
    return riskcast.load_case(name)


def _from_address() -> View:
    twice = [name for name in PARAMETERS if len(st.query_params.get_all(name)) > 1]
    if twice:
        _complain_of_case(f"The address says twice what {twice[0]} is.")
    case = None if twice else _addressed_case()
    if case is None:
        return View(_bundled(riskcast.list_cases()[0]))
    opened = View(case)
    is_named = "hash" in st.query_params
    for name, read, what in (
        ("observed", _with_observed, "added events"),
        ("built", _with_built, "scenarios"),
        ("overlay", _with_changes, "changes"),
    ):
        text = st.query_params.get(name)
        if text is None:
            continue
        try:
            if not is_named:
                raise ValueError("it does not say by hash which edition of the case they belong to")
            opened = read(opened, decode(text))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            complain(f"The {what} in the address cannot be used: {_told(error)}")
    scenario = st.query_params.get("scenario", "baseline")
    if scenario in opened.scenarios:
        return replace(opened, scenario=scenario)
    complain(f"The address asks for the scenario {scenario!r}, which the case does not have.")
    return opened


def _told(error: Exception) -> str:
    """What is wrong, in a line: of what does not validate, the first thing."""
    if isinstance(error, ValidationError):
        first = json.loads(error.json(include_url=False, include_context=False))[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).partition("\n")[0]


def _has_hash(case: riskcast.Case, digits: str | None) -> bool:
    """Whether digits of an address, enough of them, begin the hash of a case."""
    return digits is not None and len(digits) >= DIGITS and case.hash.startswith(digits)


def _addressed_case() -> riskcast.Case | None:
    """The case that the address asks for; None, said why, where it is not here or is another edition."""
    known = riskcast.list_cases()
    own = own_case()
    usual = known[0] if own is None else own.name
    asked, digits = st.query_params.get("case", usual), st.query_params.get("hash")
    found = None if digits is None else kept_cases().find(asked, digits[:DIGITS])
    if found is not None and _has_hash(found, digits):
        return found
    if own is not None and asked == own.name and (digits is None or _has_hash(own, digits)):
        return own
    if asked not in known:
        mend = "open its file in the sidebar, then use the address again" if digits else "open its file in the sidebar"
        _complain_of_case(f"The address asks for the case {asked!r}, which is not here: {mend}.")
        return None
    case = _bundled(asked)
    if digits is not None and not _has_hash(case, digits):
        made_for, here = digits[:64], case.hash[: len(digits)]
        _complain_of_case(
            f"The address belongs to another edition of {asked} ({made_for!r}; here it is {here}): "
            "open the file of that edition in the sidebar, then use the address again."
        )
        return None
    return case


def _complain_of_case(message: str) -> None:
    complain(f"{message} Nothing in the address is applied; {riskcast.list_cases()[0]} is shown as published.")


def _with_changes(opened: View, plain: Any) -> View:
    new = replace(opened, changes=_mapping(plain))
    _ = new.changed
    return new


def _with_built(opened: View, plain: Any) -> View:
    _check_count(_mapping(plain), MOST_BUILT, "scenarios")
    for name, given in plain.items():
        if name in opened.scenarios or re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name) is None:
            raise ValueError(f"{name!r} cannot be the name of a built scenario")
        check_scenario(opened.case, riskcast.Scenario.model_validate(given))
    return replace(opened, built=plain)


def _with_observed(opened: View, plain: Any) -> View:
    if not isinstance(plain, list) or not all(isinstance(row, dict) for row in plain):
        raise ValueError("the address holds no list of events")
    new = replace(opened, observed=tuple(plain))
    _check_record(new)
    return new


def _mapping(plain: Any) -> dict[str, Any]:
    if not isinstance(plain, dict):
        raise ValueError("the address holds nothing by name")
    return plain


def _check_record(new: View) -> None:
    """Raise ValueError where the case cannot hold the added events."""
    _check_count(new.observed, MOST_OBSERVED, "added events")
    if new.case.panel is not None and new.observed:
        raise ValueError("a panel holds its events in its own table; add a row there")
    known = set(riskcast.find_problems(new.case))
    problems = [problem for problem in riskcast.find_problems(new.recorded) if problem not in known]
    if problems:
        raise riskcast.CaseError(_of_added_events(problem, len(new.case.event_rows)) for problem in problems)


def _of_added_events(problem: Any, written: int) -> Any:
    """A problem of an added event by its number, as no file holds it."""
    # The rows of a table that nobody wrote are counted on beneath its header.
    number = 0 if problem.line is None else problem.line - 1 - written
    if problem.file != EVENTS_FILE or number < 1:
        return problem
    return replace(problem, file=f"added event {number}", line=None)


def _check_count(given: Sized, most: int, what: str) -> None:
    if len(given) > most:
        raise ValueError(f"there are {len(given)} {what}; keep at most {most}")


def _set(new: View) -> None:
    st.session_state["view"] = new


def _step(back: str, forth: str) -> None:
    if st.session_state[back]:
        *rest, last = st.session_state[back]
        st.session_state[back] = rest
        st.session_state[forth] = [*st.session_state[forth], view()]
        _set(last)
