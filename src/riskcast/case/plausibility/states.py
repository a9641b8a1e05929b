"""Ids, names and dates that do not go with the table of states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from riskcast.case.dyads import Dyad, states_of
from riskcast.case.judgements import Found
from riskcast.case.model import Case
from riskcast.case.plausibility.limits import panel_file, row_words
from riskcast.case.settings import State
from riskcast.case.states import SYSTEMS, CodeSystem, KnownState, bearers, of_code, recognise, states, states_named
from riskcast.case.where import EVENTS_FILE
from riskcast.names import ALL_DYADS, DYAD
from riskcast.numbers import more

MOST_CODES: Final = 6


def misnamed_states(case: Case) -> Iterator[Found]:
    """Names of one state beside the code of another."""
    for path, state, named in _named(case):
        # What maps and other tables take an id for is its meaning in ISO 3166.
        system: CodeSystem = "cow" if of_code(state.id, "iso3166") is None else "iso3166"
        taken = of_code(state.id, system)
        if taken is not None and not any(taken.is_kin(one) for one in named):
            wrong = f"{state.id} is {taken.name} in {SYSTEMS[system]}, but is named {state.name}, {_codes_of(named[0])}"
            yield Found("case", path, wrong, f"write {named[0].id}, or correct the name")


def unknown_codes(case: Case) -> Iterator[Found]:
    """Three letters that are nobody's code, beside the name of a state that has one."""
    for path, state, named in _named(case):
        taken = any(of_code(state.id, system) is not None for system in SYSTEMS)
        if len(state.id) == 3 and not taken and state.id not in states():
            wrong = f"{state.id} is no code of {state.name}, {_codes_of(named[0])}"
            yield Found("case", path, wrong, f"write {named[0].id}, so that other tables join")


def foreign_codes(case: Case) -> Iterator[Found]:
    """Ids of a panel that are abbreviations of the Correlates of War, where nothing says so."""
    if case.settings.panel is None or case.settings.panel.states is not None:
        return
    ids = sorted({state for dyad in case.dyads for state in states_of(dyad)})
    read = {id: (of_code(id, "iso3166"), of_code(id, "cow")) for id in ids}
    unknown = [id for id, (iso, _) in read.items() if iso is None]
    foreign = [f"{id} ({cow.name}, {cow.id})" for id, (iso, cow) in read.items() if iso is None and cow is not None]
    # States that are made up may well have an id that is somebody's code.
    if 2 * len(foreign) <= len(unknown):
        return
    listed = ", ".join(foreign[:MOST_CODES]) + more(foreign, MOST_CODES)
    wrong = f"writes {len(foreign)} states as the Correlates of War do and ISO 3166 does not: {listed}"
    for id, (iso, cow) in read.items():
        if iso is not None and cow is not None and not iso.is_kin(cow):
            wrong += f"; then {id} is {cow.name} and not {iso.name}"
            break
    mend = "say `states: cow` beneath `panel:`, or write ISO 3166 alpha-3 codes"
    yield Found(panel_file(case), (DYAD,), wrong, mend)


def outside_existence(case: Case) -> Iterator[Found]:
    """Events of a state in years in which there was none, and states that are not there when they are forecast."""
    yield from _panel_outside(case) if case.panel is not None else _rows_outside(case)


def _rows_outside(case: Case) -> Iterator[Found]:
    known = {id: found for id, name in case.state_names.items() if (found := recognise(id, name)) is not None}
    outside: dict[str, list[int]] = {}
    for place, row in enumerate(case.event_rows):
        units = () if row.dyad == ALL_DYADS else states_of(row.dyad)
        first, last = (day.year for day in row.span)
        for id in dict.fromkeys((*units, row.initiator)):
            if id in known and not known[id].existed(first, last):
                outside.setdefault(id, []).append(place)
    for id, places in outside.items():
        row = case.event_rows[places[0]]
        count = (
            f"{len(places)} event{'' if len(places) == 1 else 's'}, the first {row.type} of {row.dyad} on {row.when}"
        )
        told, mend = _existence(known[id], row.date.year)
        yield Found(EVENTS_FILE, (places[0], "date"), f"{id} has {count}, outside of its years ({told})", mend)
    year = case.as_of.year
    for path, state in _host_and_partners(case):
        if state.id in known and state.id not in outside and not known[state.id].existed(year, year):
            told, mend = _existence(known[state.id], year)
            wrong = f"{state.id} is forecast from {case.as_of} on, outside of its years ({told})"
            yield Found("case", path, wrong, mend)


def _panel_outside(case: Case) -> Iterator[Found]:
    panel, settings = case.panel, case.settings.panel
    if panel is None or settings is None or next(foreign_codes(case), None) is not None:
        return
    known = _known_of_panel(case, settings.states)
    if not known:
        return
    pairs = [Dyad.parse(id).states for id in panel.dyads]
    numbers, where = np.unique(panel.period, return_inverse=True)
    spans = [(case.calendar.first_day(number).year, case.calendar.last_day(number).year) for number in numbers.tolist()]
    for id, borne in known.items():
        lacks = np.array([not any(state.existed(*span) for state in borne) for span in spans])
        if not lacks.any():
            continue
        of_state = np.array([id in pair for pair in pairs])
        rows = np.flatnonzero(lacks[where] & of_state[panel.unit])
        if len(rows):
            first = rows[np.lexsort((panel.unit[rows], panel.period[rows]))[0]]
            count = f"{len(rows)} row{'' if len(rows) == 1 else 's'}, the first {row_words(case, panel, int(first))}"
            told, mend = _existence(borne[0], spans[int(where[first])][0])
            yield Found(panel_file(case), (DYAD,), f"{id} has {count}, outside of its years ({told})", mend)


def _known_of_panel(case: Case, system: CodeSystem | None) -> Mapping[str, tuple[KnownState, ...]]:
    """The states that each id of a panel stands for: all that bore its number, where numbers were read."""
    found: dict[str, tuple[KnownState, ...]] = {}
    for id in sorted({state for dyad in case.dyads for state in states_of(dyad)}):
        state = states().get(id) if system else recognise(id)
        if state is not None:
            found[id] = bearers(state, system) if system in ("cow", "gw") else (state,)
    return found


def _existence(state: KnownState, year: int) -> tuple[str, str]:
    """Years of a state in words, and how to mend an event of another year."""
    heirs = [one for one in states().values() if one.is_kin(state) and one != state and one.existed(year, year)]
    mend = "correct the state or the date"
    if heirs:
        mend += f"; in {year} it is {heirs[0].name}, {heirs[0].id}"
    return f"{state.name}: {state.years}", mend


def _named(case: Case) -> Iterator[tuple[tuple[str | int, ...], State, tuple[KnownState, ...]]]:
    """Host and partners whose name is that of a state, with their place in case.yaml."""
    for path, state in _host_and_partners(case):
        named = states_named(state.name)
        if named:
            yield path, state, named


def _host_and_partners(case: Case) -> Iterator[tuple[tuple[str | int, ...], State]]:
    """Host and partners with their place in case.yaml."""
    if case.settings.host is not None:
        yield ("host", "id"), case.settings.host
    for place, state in enumerate(case.settings.partners):
        yield ("partners", place, "id"), state


def _codes_of(state: KnownState) -> str:
    """The codes of a state as a clause."""
    iso = f"which is {state.alpha3 or 'without a code'} in {SYSTEMS['iso3166']}"
    return f"{iso} and {state.cow_code} in {SYSTEMS['cow']}" if state.cow_code else iso
