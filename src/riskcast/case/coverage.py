"""Which days of which units and event types a record covers: the others are missing, neither an event nor none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from riskcast.case.model import Case, EventRow
from riskcast.case.periods import Timeline
from riskcast.machinery.array_types import Floats
from riskcast.names import ALL_DYADS, CONTEXT
from riskcast.numbers import MOST_NAMED, more

Span = tuple[dt.date, dt.date]
Spans = Mapping[tuple[str, str], tuple[Span, ...]]
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class RecordEnd:
    """Where a case's record of events ends before the case's own day, `as_of`.

    day: the last day of it; stated: whether the case says so, or its last row shows it; events: the event types of
    which later days are missing; every: whether they are all; expected: how many events of these types their own pace
    would bring in the days that are missing.
    """

    day: dt.date
    as_of: dt.date
    stated: bool
    events: tuple[str, ...]
    every: bool
    expected: float

    @property
    def days(self) -> int:
        """How many days before the case's own the record ends."""
        return (self.as_of - self.day).days

    @property
    def told(self) -> str:
        """What to say of it before any number, and how to mend it."""
        why = "" if self.stated else " with its last row"
        named = ", ".join(self.events[:MOST_NAMED]) + more(self.events)
        many = "fewer than 1" if self.expected < 0.5 else f"about {self.expected:.0f}"
        return (
            f"The record of {'events' if self.every else named} ends{why} on {self.day:%Y-%m-%d}, {self.days:,} days "
            f"before {self.as_of:%Y-%m-%d}. Later days are missing: nothing is learned from them, memories of past "
            f"events fade through them, and no number knows the events that they would hold, {many} at the record's "
            "pace. Enter them, or state that these days were searched: `recorded_until:` in case.yaml, or "
            "history/coverage.csv."
        )


def covered_spans(case: Case, events: Iterable[str] | None = None) -> Spans:
    """The days on which the record would hold an event had it happened: spans apart and in order, by type and unit.

    They are those that `history/coverage.csv` states, or else all; from `recorded_from` of the event type to its
    `recorded_until` or that of the case. Where nothing says how far the record reaches, it is to its last row
    (`end_of_rows`): that nothing is entered of later days does not say that they were searched. `events`: of which
    types, of all where none are named.

    >>> from riskcast import load_case
    >>> covered_spans(load_case("central_asia_2024"))["demarche", "RUS-TJK"]
    ((datetime.date(2005, 1, 1), datetime.date(2024, 5, 6)),)
    """
    settings, found = case.settings, {}
    shown = case.as_of if case.coverage else end_of_rows(case)
    stated: dict[tuple[str, str], list[Span]] = {}
    for row in case.coverage:
        stated.setdefault((row.type, row.unit), []).append((row.start, row.until))
    for event in case.events if events is None else events:
        kind = case.events[event]
        first = max(settings.history_from, kind.recorded_from or settings.history_from)
        last = min(case.as_of, kind.recorded_until or settings.recorded_until or shown)
        for unit in case.units(event):
            spans = [(first, last)]
            if case.coverage:
                spans = [
                    span for named in product((event, ALL_DYADS), (unit, ALL_DYADS)) for span in stated.get(named, ())
                ]
            inside = ((max(start, first), min(until, last)) for start, until in spans)
            found[event, unit] = tuple(_apart(span for span in inside if span[0] <= span[1]))
    return found


def share_covered(spans: Spans, case: Case, event: str, timeline: Timeline) -> Floats:
    """The share of every period of the record that is covered: (periods, units), 0 where it is missing."""
    units = case.units(event)
    out = np.zeros((timeline.length, len(units)))
    same: dict[tuple[Span, ...], Floats] = {}
    for column, unit in enumerate(units):
        own = spans[event, unit]
        if own not in same:
            same[own] = sum((timeline.covered(*span) for span in own), np.zeros(timeline.length))
        out[:, column] = same[own]
    return out


def is_covered(spans: tuple[Span, ...], day: dt.date) -> bool:
    """Whether a day lies within one of the spans."""
    return any(first <= day <= last for first, last in spans)


def end_of_rows(case: Case) -> dt.date:
    """The last day of which a record's rows show that somebody looked at it: that of its last event of any type.

    >>> from riskcast import load_case
    >>> end_of_rows(load_case("central_asia_2024"))
    datetime.date(2024, 5, 3)
    """
    days = (row.known_on for row in case.event_rows if row.type != CONTEXT and row.known_on <= case.as_of)
    return max(days, default=case.settings.history_from)


def vague_rows(case: Case) -> tuple[EventRow, ...]:
    """Events that are dated to a month or year of several periods: they enter the record in the middle of it, and
    resolve only what holds all of it.

    >>> from riskcast import load_case
    >>> [row.when for row in vague_rows(load_case("central_asia_2024"))]
    ['2013', '2023']
    """
    number = case.calendar.number
    return tuple(row for row in case.event_rows if number(row.span[0]) != number(row.span[1]))


def record_end(case: Case) -> RecordEnd | None:
    """Where the record of a case ends before the case's own day; None where it reaches it, as a panel must."""
    if case.panel is not None:
        return None
    spans = covered_spans(case)
    late: dict[str, dt.date] = {}
    for event in case.events:
        ends = [own[-1][1] for unit in case.units(event) if (own := spans[event, unit])]
        last = max(ends, default=case.settings.history_from)
        if last < case.as_of:
            late[event] = last
    if not late:
        return None
    expected = 0.0
    for event, day in late.items():
        counted = sum(row.type == event and row.known_on <= day for row in case.event_rows)
        expected += counted * (case.as_of - day).days / max(1, (day - case.settings.history_from).days)
    said = bool(case.coverage) or case.settings.recorded_until is not None
    said = said or all(case.events[event].recorded_until for event in late)
    return RecordEnd(min(late.values()), case.as_of, said, tuple(late), len(late) == len(case.events), expected)


def _apart(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans joined where they touch, in order."""
    current: Span | None = None
    for start, until in sorted(spans):
        if current is None or start > current[1] + DAY:
            if current is not None:
                yield current
            current = start, until
        else:
            current = current[0], max(current[1], until)
    if current is not None:
        yield current
