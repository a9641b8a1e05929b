"""Judgements held against a case: what is refused, what is told, and what the case allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from riskcast.case.judgements import (
    ALLOWS_NOTHING,
    JUDGEMENTS,
    NAMELESS,
    OF_READING,
    WHOLE_CASE,
    Doubt,
    Found,
    Judgement,
    Owner,
)
from riskcast.case.model import Case, Scenario
from riskcast.case.quantity_ids import find_id
from riskcast.case.quantity_names import id_at
from riskcast.case.where import COVERAGE_FILE, EVENTS_FILE, SERIES_FILE, Where
from riskcast.errors import Problem
from riskcast.machinery.table_files import suffix_of

Allowances = Mapping[Owner, tuple[str, ...]]


def allowances(case: Case) -> dict[Owner, tuple[str, ...]]:
    """What is allowed, for the whole case and beside its parts."""
    found: dict[Owner, tuple[str, ...]] = {WHOLE_CASE: case.settings.allow}
    found |= {("indicators", name): indicator.allow for name, indicator in case.indicators.items()}
    found |= {("outcomes", name): event.allow for name, event in case.events.items()}
    found |= {("effects", index): effect.allow for index, effect in enumerate(case.effects)}
    found |= {("scenarios", name): scenario.allow for name, scenario in case.scenarios.items()}
    return {owner: names for owner, names in found.items() if names}


def refusals(case: Case, where: Where) -> Iterator[Problem]:
    """What a case says, outside its scenarios, that is refused and not allowed."""
    allowed = allowances(case)
    for name, judgement in _chosen(refuses=True, of_scenarios=False):
        for found in judgement.find(case):
            if _accepts(allowed, name, found) is None:
                yield _problem(where, found, _with_name(name, found.mend))


def scenario_refusals(case: Case, name: str, scenario: Scenario, where: Where) -> Iterator[Problem]:
    """What a scenario says that is refused and not allowed."""
    for doubt in scenario_doubts(case, name, scenario, where, refuses=True):
        if not doubt.allowed:
            yield Problem(doubt.file, doubt.line, doubt.key, doubt.wrong, _with_name(doubt.judgement, doubt.mend))


def scenario_doubts(
    case: Case, name: str, scenario: Scenario, where: Where | None = None, *, refuses: bool | None = None
) -> Iterator[Doubt]:
    """What a scenario says that can hardly be meant, and what is used instead; `refuses` takes one kind alone."""
    allowed = {WHOLE_CASE: case.settings.allow, ("scenarios", name): scenario.allow}
    for label, judgement in _chosen(refuses=refuses, of_scenarios=True):
        for found in judgement.find(case, name, scenario):
            yield _doubt(case, label, judgement, found, where or Where(), _accepts(allowed, label, found) is not None)


def judge(
    case: Case, where: Where | None = None, *, quick: bool = False, known: Mapping[str, Iterable[Found]] | None = None
) -> tuple[Doubt, ...]:
    """Everything that a case says and can hardly mean, also what it allows.

    `quick` leaves out what has to be simulated; `known` holds what some judgements have found already.
    """
    where, known, allowed = where or Where(), known or {}, allowances(case)
    doubts: list[Doubt] = []
    used: set[tuple[Owner, str]] = set()
    left_out = {ALLOWS_NOTHING, NAMELESS}
    for name, judgement in _chosen():
        if name in known:
            found = known[name]
        elif judgement.is_slow and quick:
            left_out.add(name)
            continue
        elif judgement.of_scenarios:
            found = (one for key, scenario in case.scenarios.items() for one in judgement.find(case, key, scenario))
        else:
            found = judgement.find(case)
        for one in found:
            owner = _accepts(allowed, name, one)
            if owner is not None:
                used.add((owner, name))
            doubts.append(_doubt(case, name, judgement, one, where, owner is not None))
    for owner, names in allowed.items():
        for index, name in enumerate(names):
            if name not in left_out and (owner, name) not in used:
                document, part = owner
                path = (*(() if owner == WHOLE_CASE else (part,)), "allow", index)
                idle = Found(document, path, f"allows {name}, and there is nothing of the kind", "remove it")
                accepted = _accepts(allowed, ALLOWS_NOTHING, idle) is not None
                doubts.append(_doubt(case, ALLOWS_NOTHING, JUDGEMENTS.get(ALLOWS_NOTHING), idle, where, accepted))
    return tuple(doubts)


def reading_doubts(case: Case) -> Iterator[Doubt]:
    """What was guessed where the case's tables were read, unless the case allows it."""
    allowed = allowances(case)
    for name in OF_READING:
        for found in JUDGEMENTS.get(name).find(case):
            if _accepts(allowed, name, found) is None:
                yield _doubt(case, name, JUDGEMENTS.get(name), found, Where(), False)


def _chosen(refuses: bool | None = None, of_scenarios: bool | None = None) -> Iterator[tuple[str, Judgement]]:
    for name in JUDGEMENTS:
        judgement = JUDGEMENTS.get(name)
        if refuses in (None, judgement.refuses) and of_scenarios in (None, judgement.of_scenarios):
            yield name, judgement


def _accepts(allowed: Allowances, name: str, found: Found) -> Owner | None:
    """Where it is allowed; None where it is not."""
    return next((owner for owner in (*found.owners, WHOLE_CASE) if name in allowed.get(owner, ())), None)


def _doubt(case: Case, name: str, judgement: Judgement, found: Found, where: Where, allowed: bool) -> Doubt:
    told, quantity = _problem(where, found, found.mend), _quantity(case, found)
    place = (told.file, told.line, told.key)
    return Doubt(name, *place, told.wrong, told.mend, judgement.refuses, allowed, quantity)


def _quantity(case: Case, found: Found) -> str:
    """The id of the quantity at a place, or of that which the place is part of; empty where there is none."""
    if found.document not in ("case", "indicators", "outcomes", "effects"):
        return ""
    ids = (id_at(case, found.document, found.path[:end]) for end in range(len(found.path), 0, -1))
    return next((key for key in ids if find_id(key) is not None), "")


def _problem(where: Where, found: Found, mend: str) -> Problem:
    if found.document in (EVENTS_FILE, SERIES_FILE, COVERAGE_FILE) and len(found.path) == 2:
        index, key = found.path
        return where.row(found.document, int(index), str(key), found.wrong, mend)
    if suffix_of(found.document):
        return Problem(found.document, None, ".".join(map(str, found.path)), found.wrong, mend)
    return where.problem(found.document, found.path, found.wrong, mend)


def _with_name(name: str, mend: str) -> str:
    return f"{mend}, or accept it in the case: allow: [{name}]"
