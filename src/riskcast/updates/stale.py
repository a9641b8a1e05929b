"""What of a case is old on a later day: series, stated levels, and days that nobody has searched."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from riskcast.case.coverage import covered_spans
from riskcast.case.model import Case
from riskcast.names import CONTEXT
from riskcast.updates.levels import undated_levels

FEWEST_GAPS = 2
# A series without a rhythm of its own making is late once half a usual gap has gone by beyond it.
LATE = 1.5


@dataclass(frozen=True)
class StaleSeries:
    """A series, or a stated level, whose next value is due.

    unit: of one dyad, or of all that have the same rhythm and last value; last: the day of its last value; every: days
    between values, as its own rhythm or `expected_every` has it; stated: whether the case says so; due: the day on
    which the next value was to be known; level: whether it is a level that is stated, not a series.
    """

    indicator: str
    label: str
    series: str | None
    units: tuple[str, ...]
    last: dt.date
    every: int
    stated: bool
    due: dt.date
    level: bool = False


@dataclass(frozen=True)
class Unsearched:
    """Event types that were last searched on one day, before the day in question.

    until: that day, None where they never were; expected: how many events of these types and units their own pace would
    bring in the days since.
    """

    types: tuple[str, ...]
    units: tuple[str, ...]
    until: dt.date | None
    days: int
    expected: float


@dataclass(frozen=True)
class Staleness:
    """What of a case is old on a day.

    undated: indicators whose level is stated of the case's own day, without a day of its own: a later day would take it
    for a level of that day.
    """

    case: str
    as_of: dt.date
    day: dt.date
    series: tuple[StaleSeries, ...]
    unsearched: tuple[Unsearched, ...]
    undated: tuple[str, ...]
    last_event: dt.date | None

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is old."""
        return not (self.series or self.unsearched or self.undated)


def find_stale(case: Case, day: dt.date | None = None) -> Staleness:
    """What of a case is old on a day, that of the case where none is given.

    A series is old once its next value was to be known: last value + days between values + days until publication, both
    the medians of the series' own, or `expected_every`; without that, half a gap of patience is added. Days are
    unsearched after the last that its coverage states, by event type and unit.

    >>> from riskcast import load_case
    >>> found = find_stale(load_case("central_asia_2024"), dt.date(2024, 5, 13))
    >>> found.unsearched[0].days
    7
    """
    day = day or case.as_of
    late = sorted([*_late_series(case, day), *_late_levels(case, day)], key=lambda one: (one.due, one.label))
    undated = tuple(dict.fromkeys(name for name, _ in undated_levels(case))) if day > case.as_of else ()
    happened = [row.date for row in case.event_rows if row.type != CONTEXT]
    found = () if case.panel is not None else tuple(_unsearched(case, day))
    return Staleness(case.name, case.as_of, day, tuple(late), found, undated, max(happened, default=None))


def _late_series(case: Case, day: dt.date) -> Iterator[StaleSeries]:
    own: dict[tuple[str, str | None, str], list[tuple[dt.date, dt.date]]] = defaultdict(list)
    for row in case.series_rows:
        own[row.indicator, row.series, row.unit].append((row.date, row.published))
    alike: dict[tuple[str, str | None, dt.date, int, bool, dt.date], list[str]] = defaultdict(list)
    for (name, series, unit), values in own.items():
        values.sort()
        indicator, days = case.indicators[name], [date for date, _ in values]
        measure = indicator.series.get(series) if series is not None else None
        stated = (measure.expected_every if measure is not None else None) or indicator.expected_every
        gaps = [(later - earlier).days for earlier, later in pairwise(days)]
        never_moves = indicator.drift.is_fixed and indicator.drift.center == 0
        if stated is None and (len(gaps) < FEWEST_GAPS or never_moves):
            continue
        every = stated or max(1, round(median(gaps)))
        lag = round(median((published - date).days for date, published in values))
        due = days[-1] + dt.timedelta(days=round(every if stated else every * LATE) + lag)
        if due < day:
            alike[name, series, days[-1], every, stated is not None, due].append(unit)
    for (name, series, last, every, stated_so, due), units in alike.items():
        yield StaleSeries(name, case.indicators[name].label, series, tuple(units), last, every, stated_so, due)


def _late_levels(case: Case, day: dt.date) -> Iterator[StaleSeries]:
    """Levels whose judgement is to be renewed after `expected_every`."""
    for name, indicator in case.indicators.items():
        every = indicator.expected_every
        if every is None or indicator.history == "series":
            continue
        alike: dict[dt.date, list[str]] = defaultdict(list)
        for unit in case.units_of(name):
            level = indicator.stated(unit)
            if level is not None:
                alike[level.dated or case.as_of].append(unit)
        for last, units in alike.items():
            due = last + dt.timedelta(days=every)
            if due < day:
                yield StaleSeries(name, indicator.label, None, tuple(units), last, every, True, due, True)


def _unsearched(case: Case, day: dt.date) -> Iterator[Unsearched]:
    alike: dict[tuple[dt.date | None, str], list[str]] = defaultdict(list)
    for (event, unit), spans in covered_spans(case).items():
        until = spans[-1][1] if spans else None
        if until is None or until < day:
            alike[until, event].append(unit)
    grouped: dict[tuple[dt.date | None, tuple[str, ...]], list[str]] = defaultdict(list)
    for (until, event), units in alike.items():
        whole = tuple(units) == tuple(case.units(event))
        grouped[until, () if whole else tuple(units)].append(event)
    start = case.settings.history_from
    for (until, units), events in sorted(grouped.items(), key=lambda one: (one[0][0] or dt.date.min, one[0][1])):
        expected = 0.0
        for event in events if until is not None else ():
            rows = [row for row in case.event_rows if row.type == event and (not units or row.dyad in units)]
            begun = max(start, case.events[event].recorded_from or start)
            expected += len(rows) * (day - (until or day)).days / max(1, ((until or day) - begun).days)
        yield Unsearched(tuple(events), units, until, (day - (until or start)).days, expected)
