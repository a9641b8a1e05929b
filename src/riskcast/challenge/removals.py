"""Which events of a record are taken out of it: read from `DATE:TYPE[:UNIT]`, found, and the record without them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from riskcast.case.derived_columns import moved_by_events
from riskcast.case.model import Case, EventRow
from riskcast.case.periods import Timeline
from riskcast.case.raises import past_events
from riskcast.errors import OptionError, UnknownNameError, shorten
from riskcast.machinery.array_types import Bools, Floats
from riskcast.names import ALL_DYADS
from riskcast.record.arrays import Record, day_number, with_events_of

MOST_NAMED = 6
WRITTEN = re.compile(r"(?P<when>[^:]+):(?P<event>[^:]+)(?::(?P<unit>[^:]+))?")
DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


@dataclass(frozen=True)
class Removed:
    """One event that is taken out of a record, in one unit: `period` is that of the record, from 0; `day` the first on
    which it can have happened, `when` its date as exactly as it is known."""

    when: str
    event: str
    unit: str
    period: int
    day: dt.date
    description: str

    @property
    def id(self) -> str:
        """As it is written: 2024-03-22:mass_casualty_attack:RUS-TJK."""
        return f"{self.when}:{self.event}:{self.unit}"


@dataclass(frozen=True)
class Reduced:
    """A record without some events: `told` the rest of it, before anything that follows from their absence; `since` the
    first period in which one is missing; `settled[event]`: (periods, units), cells from there on that are held as
    `told` has them; `earlier`, those of them that came before the first missing event; `moments[event]`: (periods,
    units) when what happened in a cell did, in periods, not a number where nothing did."""

    removed: tuple[Removed, ...]
    told: Record
    since: int
    first_day: dt.date
    settled: dict[str, Bools]
    earlier: dict[str, Bools]
    moments: dict[str, Floats]


def find_removed(case: Case, without: Sequence[str]) -> tuple[Removed, ...]:
    """The events that some texts name, each once, in order of their days.

    Raises OptionError for a text that names none or several and for a case that derives columns from events,
    UnknownNameError for a type or a unit that is none.

    >>> from riskcast import load_case
    >>> [one] = find_removed(load_case("central_asia_2024"), ["2024-03-22:mass_casualty_attack"])
    >>> one.id
    '2024-03-22:mass_casualty_attack:RUS-TJK'
    """
    if not without:
        raise OptionError("no event is named; give one to do without, such as 2024-03-22:mass_casualty_attack")
    moved = moved_by_events(case)
    if moved:
        wrong = f"a record is retold with the levels that a case has, but {moved[0]} is derived from events"
        raise OptionError(f"{wrong}; remember them by an edge with a memory instead")
    found = {one.id: one for text in without for one in _find(case, text)}
    return tuple(sorted(found.values(), key=lambda one: (one.period, one.day, one.id)))


def _find(case: Case, text: str) -> tuple[Removed, ...]:
    parts = WRITTEN.fullmatch(text.strip())
    if parts is None:
        raise OptionError(
            f"{shorten(repr(text))} names no event; write DATE:TYPE or DATE:TYPE:UNIT, such as "
            "2024-03-22:mass_casualty_attack"
        )
    when, event, unit = (part and part.strip() for part in parts.group("when", "event", "unit"))
    if event not in case.events:
        raise UnknownNameError("event type", event, case.events)
    if unit and unit not in case.units(event):
        raise UnknownNameError("unit", unit, case.units(event))
    held = held_events(case, event)
    on_day = [one for one in held if one.when == when]
    if not on_day:
        raise OptionError(f"the record has no {event} dated {shorten(when, 40)}; {_nearest(case, held, event, when)}")
    chosen = [one for one in on_day if unit in (None, one.unit)]
    if not chosen:
        raise OptionError(f"the record has no {event} of {unit} on {when}; it has {_named(on_day)}")
    if chosen[0].period < 0:
        begins = case.settings.history_from
        raise OptionError(f"{chosen[0].id} lies before the record that is learned from, which begins on {begins}")
    if len({one.unit for one in chosen}) > 1 and not _is_of_all(case, chosen[0]):
        raise OptionError(f"{text} names {len(chosen)} events; say of which unit: {_named(chosen)}")
    return tuple(chosen)


def _named(events: Iterable[Removed]) -> str:
    ids = list(dict.fromkeys(one.id for one in events))
    rest = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return ", ".join(ids[:MOST_NAMED]) + rest


def _nearest(case: Case, held: Sequence[Removed], event: str, when: str) -> str:
    if not held:
        return f"it has none at all as of {case.as_of}"
    dates = list(dict.fromkeys(one.when for one in held))
    aim = _rough(when)
    if aim is not None:
        dates.sort(key=lambda one: abs((_rough(one) or 0.0) - aim))
        return f"the nearest are dated {', '.join(sorted(dates[:3]))}"
    return f"the last are dated {', '.join(dates[-3:])}"


def _rough(when: str) -> float | None:
    """A date as a number, near enough to tell which is near; None for what is no date."""
    found = DATE.match(when)
    if found is None:
        return None
    year, month, day = (int(part or usual) for part, usual in zip(found.groups(), (0, 7, 15), strict=True))
    return year * 372.0 + month * 31.0 + day


def _is_of_all(case: Case, one: Removed) -> bool:
    rows = (row for row in case.event_rows if row.type == one.event and row.when == one.when)
    return any(row.dyad == ALL_DYADS for row in rows)


def held_events(case: Case, event: str) -> list[Removed]:
    """The events of a type that a record holds, one for each unit that each concerns, in order of their days."""
    line = Timeline(case.as_of, case.calendar, case.settings.history_from)
    found = []
    if case.panel is not None:
        happened = np.nan_to_num(case.panel.happened(event, case.events[event].at_least)) > 0.0
        shared = case.events[event].scope == "host"
        for row in np.flatnonzero(happened & (case.panel.period <= case.calendar.number(case.as_of))).tolist():
            number = int(case.panel.period[row])
            unit = case.host if shared else case.panel.dyads[int(case.panel.unit[row])]
            first = case.calendar.first_day(number)
            found.append(Removed(case.calendar.label(number), event, unit, number - line.first, first, ""))
        return sorted(dict.fromkeys(found), key=lambda one: (one.day, one.unit))
    for row in case.event_rows:
        if row.type == event and row.known_on <= case.as_of:
            units = case.units(event) if row.dyad == ALL_DYADS else (row.dyad,)
            period = case.calendar.number(row.placed_on) - line.first
            found += [Removed(row.when, event, unit, period, row.span[0], row.description) for unit in units]
    return sorted(found, key=lambda one: (one.day, one.unit))


def without_events(case: Case, record: Record, removed: Sequence[Removed]) -> Reduced:
    """A record without some of its events, all else as it was.

    In the first period without one, what happened on days before it is settled; so is, in any period, what happened
    where nothing was searched, which no hazard tells, and the cells of the events themselves.
    """
    since, first_day = removed[0].period, removed[0].day
    if case.panel is not None:
        fewer, told = case, _panel_without(case, record, removed)
    else:
        fewer = _rows_without(case, removed)
        told = with_events_of(record, fewer)
    settled, earlier = {}, {}
    for event, happened in told.occurred.items():
        before = np.zeros(happened.shape, dtype=bool)
        dated = told.dated.get(event)
        if dated is not None:
            mine = (dated.period == since) & (dated.latest < day_number(first_day))
            before[since, dated.unit[mine]] = True
        earlier[event] = before
        # What is on record though nothing was searched was not drawn at any rate.
        settled[event] = before | ((happened > 0.0) & ~told.counted[event])
    for one in removed:
        settled[one.event][one.period, case.units(one.event).index(one.unit)] = True
    return Reduced(tuple(removed), told, since, first_day, settled, earlier, moments_of(fewer, told))


def _rows_without(case: Case, removed: Sequence[Removed]) -> Case:
    gone = {(one.when, one.event, one.unit) for one in removed}
    rows: list[EventRow] = []
    for row in case.event_rows:
        if row.type not in {one.event for one in removed}:
            rows.append(row)
            continue
        units = case.units(row.type) if row.dyad == ALL_DYADS else (row.dyad,)
        left = [unit for unit in units if (row.when, row.type, unit) not in gone]
        rows += [row] if len(left) == len(units) else [row.model_copy(update={"dyad": unit}) for unit in left]
    return case.revised(event_rows=tuple(rows))


def _panel_without(case: Case, record: Record, removed: Sequence[Removed]) -> Record:
    occurred, counted, numbers = dict(record.occurred), dict(record.counted), dict(record.numbers)
    for event in {one.event for one in removed}:
        occurred[event], counted[event] = occurred[event].copy(), counted[event].copy()
        numbers[event] = numbers[event].copy()
    for one in removed:
        place = one.period, case.units(one.event).index(one.unit)
        occurred[one.event][place] = numbers[one.event][place] = 0.0
        counted[one.event][place] = False
    return replace(record, occurred=occurred, counted=counted, numbers=numbers)


def moments_of(case: Case, record: Record) -> dict[str, Floats]:
    """When what happened in each cell of a record did, in periods of the calendar; of several events the first. Of the
    event types that raise an indicator: (periods, units), not a number where nothing happened."""
    found = {}
    for event in {event for indicator in case.indicators.values() for event in indicator.raises}:
        grid = np.full(record.occurred[event].shape, np.nan)
        if case.panel is not None:
            middle = record.timeline.first + np.arange(len(grid)) + 0.5
            grid[:] = np.where(record.occurred[event] > 0.0, middle[:, None], np.nan)
        else:
            past = past_events(case, event)
            inside = past.period >= record.timeline.first
            grid[past.period[inside] - record.timeline.first, past.unit[inside]] = past.at[inside]
        found[event] = grid
    return found
