"""Changes of a case's YAML files: a new source, other numbers of a quantity, a later day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from riskcast.case.model import Case, StatedLevel
from riskcast.case.quantity_ids import LEVEL, parse_id
from riskcast.case.quantity_names import locate
from riskcast.case.yaml_lines import parse_yaml
from riskcast.errors import CaseError, OptionError, RiskcastError, UnknownNameError, refusal
from riskcast.machinery.texts import decode_as_coded
from riskcast.machinery.yaml_edits import edit_yaml, put, put_after, put_in_place_of
from riskcast.updates.case_files import CaseFiles, Edited
from riskcast.updates.levels import undated_levels
from riskcast.updates.operations import NewDay, NewNumbers, NewSource

_SOURCE_ID = re.compile(r"[a-z][a-z0-9_]*")


def change_yaml(files: CaseFiles, stem: str, change: Callable[[Any], None]) -> CaseFiles:
    """The files with a change of one of the YAML files; every line that it does not touch stays as it is.

    Raises CaseError where the change cannot be made without changing something else.
    """
    name = files.yaml(stem)
    coded = decode_as_coded(files.contents[name], name)
    mend = "change it in an editor, then run riskcast check"
    try:
        text = edit_yaml(coded.text, change)
    except CaseError:
        raise
    except ValueError as error:
        raise refusal(name, f"cannot be changed by riskcast ({error})", mend) from None
    wanted = deepcopy(parse_yaml(coded.text, name).data)
    change(wanted)
    if parse_yaml(text, name).data != wanted:
        raise refusal(name, "is written in a way in which riskcast cannot change this alone", mend)
    return files.with_file(name, type(coded)(text, coded.codec, coded.mark).to_bytes(name))


def add_source_entry(files: CaseFiles, case: Case, new: NewSource) -> Edited:
    """The files with a source more."""
    if _SOURCE_ID.fullmatch(new.id) is None:
        raise OptionError(
            f"{new.id!r} is no id of a source; write small letters, digits and _, such as rferl_note_2024"
        )
    if new.id in case.sources:
        raise OptionError(f"the source {new.id} is there already ({case.sources[new.id].title}); give another id")
    given: dict[str, Any] = {"title": new.title, "publisher": new.publisher, "date": new.date}
    given |= {"author": new.author, "url": new.url, "note": new.note}
    entry = {key: value for key, value in given.items() if value is not None}
    return change_yaml(files, "sources", lambda data: put(data, new.id, entry)), ()


def set_numbers(files: CaseFiles, case: Case, new: NewNumbers) -> Edited:
    """The files with other numbers of a quantity."""
    known = {key: quantity for key, quantity, _ in case.quantities()}
    if new.quantity not in known:
        raise UnknownNameError("quantity", new.quantity, known)
    is_fixed = new.value is not None
    if is_fixed == (new.median is not None) or (new.median is None) != (new.interval is None):
        raise OptionError(
            f"{new.quantity} needs a median with both ends of its 90 % interval, or a value to hold it fixed"
        )
    for source in new.sources:
        if source not in case.sources:
            raise UnknownNameError("source", source, case.sources)
    stem, path = locate(case, new.quantity)
    own = known[new.quantity]
    stated = isinstance(own, StatedLevel) or parse_id(new.quantity).kind is LEVEL
    if new.dated is not None and not stated:
        raise OptionError(f"{new.quantity} is no level, and so has no day; leave dated out")
    numbers: dict[str, Any] = {"value": _plain(new.value)} if is_fixed else {}
    if new.median is not None and new.interval is not None:
        numbers = {"median": _plain(new.median), "interval": [_plain(end) for end in new.interval]}
    notes: list[str] = []

    def change(data: Any) -> None:
        node = data
        for step in path:
            if not (step in node if isinstance(node, dict) else isinstance(node, list) and int(step) < len(node)):
                raise refusal(
                    files.yaml(stem),
                    f"does not state {new.quantity}, which is inferred or has its usual value",
                    "add a dated value (riskcast add-value), or write the entry by hand",
                )
            node = node[step]
        old = [key for key in ("median", "interval", "value") if key in node]
        if old == list(numbers):
            for key, value in numbers.items():
                put(node, key, value)
        elif is_fixed:
            del node["interval"]
            put_in_place_of(node, "median", numbers)
        else:
            put_in_place_of(node, "value", numbers)
        if stated and (new.dated is not None or "dated" in node):
            day = new.dated or case.as_of
            if "dated" in node:
                put(node, "dated", day)
            else:
                put_after(node, list(numbers)[-1], "dated", day)
        if new.claim is not None or new.basis is not None or new.sources:
            if "evidence" not in node:
                put(node, "evidence", {})
            said = {"basis": new.basis, "claim": new.claim, "sources": list(new.sources) or None}
            for key, value in said.items():
                if value is not None:
                    put(node["evidence"], key, value)

    changed = change_yaml(files, stem, change)
    if own.evidence is not None and new.claim is None:
        notes.append(f"its evidence stays as it is written: {own.evidence.claim} (--claim gives another)")
    return changed, tuple(notes)


def roll_day(files: CaseFiles, case: Case, new: NewDay) -> Edited:
    """The files as of a later day; what is stated of today without a day is dated, so that it ages."""
    if new.as_of <= case.as_of:
        raise OptionError(
            f"the case is as of {case.as_of}, and {new.as_of} is no later day; give a later one (riskcast undo takes "
            "the last step back, CASE@DAY is the case as it was kept)"
        )
    files = change_yaml(files, "case", lambda data: put(data, "as_of", new.as_of))
    undated = undated_levels(case) if new.dating else ()
    if not undated:
        return files, ()

    def date(data: Any) -> None:
        for name, unit in undated:
            node = data[name]["now"]
            node = node[unit] if unit else node
            put_after(node, "value" if "value" in node else list(node)[_last_number(node)], "dated", case.as_of)

    told = ", ".join(dict.fromkeys(name for name, _ in undated))
    note = (
        f"levels that were stated of today are dated {case.as_of} now, and age from then on: {told} "
        "(riskcast set gives another, --levels-hold takes them for levels of the new day)"
    )
    return change_yaml(files, "indicators", date), (note,)


def raise_recorded_until(files: CaseFiles, case: Case, event: str | None, day: dt.date) -> CaseFiles:
    """The files with a later `recorded_until`, of one event type or of the case."""
    if event is not None:
        return change_yaml(files, "outcomes", lambda data: put(data[event], "recorded_until", day))

    def change(data: Any) -> None:
        if "recorded_until" in data:
            put(data, "recorded_until", day)
        else:
            put_after(data, "as_of", "recorded_until", day)

    return change_yaml(files, "case", change)


def _last_number(node: Any) -> int:
    return max(place for place, key in enumerate(node) if key in ("median", "interval"))


def _plain(number: float | None) -> int | float:
    if number is None or number != number or abs(number) == float("inf"):
        raise RiskcastError(f"{number} is no finite number; give one such as 0.25")
    return int(number) if number == int(number) and abs(number) < 1e15 else float(number)
