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
from riskcast.names import ALL_DYADS, CONTEXT, DISPUTED
from riskcast.numbers import MOST_NAMED, more

Span = tuple[dt.date, dt.date]
Spans = Mapping[tuple[str, str], tuple[Span, ...]]
Searched = tuple[dt.date, dt.date, float]
Searches = Mapping[tuple[str, str], tuple[Searched, ...]]
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
    found: dict[tuple[str, str], tuple[Span, ...]] = {}
    for key, own in searches(case, events).items():
        joined = _apart((first, last, 1.0) for first, last, _ in own)
        found[key] = tuple((first, last) for first, last, _ in joined)
    return found


def searches(case: Case, events: Iterable[str] | None = None) -> Searches:
    """The days of `covered_spans`, and how much of what happened on them was found: (first, last, recall), in order.

    The recall is that of the row of `history/coverage.csv`, or where there is none of the event type.

    >>> from riskcast import load_case
    >>> searches(load_case("central_asia_2024"))["travel_advisory", "RUS-TJK"]
    ((datetime.date(2005, 1, 1), datetime.date(2024, 5, 6), 0.95),)
    """
    settings, found = case.settings, {}
    shown = case.as_of if case.coverage else end_of_rows(case)
    stated = stated_searches(case)
    for event in case.events if events is None else events:
        kind = case.events[event]
        first = max(settings.history_from, kind.recorded_from or settings.history_from)
        last = min(case.as_of, kind.recorded_until or settings.recorded_until or shown)
        for unit in case.units(event):
            spans = [(first, last, kind.recall)]
            if case.coverage:
                spans = [
                    case.coverage[row].searched
                    for named in product((event, ALL_DYADS), (unit, ALL_DYADS))
                    for row in stated.get(named, ())
                ]
            inside = ((max(start, first), min(until, last), recall) for start, until, recall in spans)
            found[event, unit] = tuple(_apart(span for span in inside if span[0] <= span[1]))
    return found


def stated_searches(case: Case) -> Mapping[tuple[str, str], list[int]]:
    """The rows of `history/coverage.csv` by the type and unit that they name, which may be `ALL`."""
    stated: dict[tuple[str, str], list[int]] = {}
    for place, row in enumerate(case.coverage):
        stated.setdefault((row.type, row.unit), []).append(place)
    return stated


def rows_between(
    case: Case, event: str, first: dt.date, last: dt.date
) -> Iterator[tuple[EventRow, tuple[str, ...], bool]]:
    """Rows of an event type that may be dated from one day to another: each with the units that it is of, and whether
    all days that it may be of lie within.

    >>> from riskcast import load_case
    >>> case, days = load_case("central_asia_2024"), (dt.date(2024, 3, 22), dt.date(2024, 5, 6))
    >>> [found[1:] for found in rows_between(case, "mass_expulsion", *days)]
    [(('RUS-TJK',), True)]
    """
    for row in case.event_rows:
        earliest, latest = row.span
        if row.type == event and latest >= first and earliest <= last:
            whom = case.units(event) if row.dyad == ALL_DYADS else (row.dyad,)
            yield row, whom, first <= earliest and latest <= last


def find_clash(case: Case, alike: bool = False) -> tuple[int, int, str, str] | None:
    """Two rows of `history/coverage.csv` that cover one day of an event type and unit with different recall, or where
    they are to be `alike` with the same; with the type and unit, or None where there are none."""
    stated = stated_searches(case) if alike or any(row.recall < 1.0 for row in case.coverage) else {}
    for event in case.events if stated else ():
        for unit in case.units(event):
            named = product((event, ALL_DYADS), (unit, ALL_DYADS))
            own = sorted((case.coverage[row].searched, row) for name in named for row in stated.get(name, ()))
            last: dict[float, tuple[dt.date, int]] = {}
            for (start, until, recall), row in own:
                for other, (end, earlier) in last.items():
                    if (other == recall) == alike and start <= end:
                        return min(earlier, row), max(earlier, row), event, unit
                if recall not in last or until > last[recall][0]:
                    last[recall] = until, row
    return None


def shares(found: Searches, case: Case, event: str, timeline: Timeline) -> tuple[Floats, Floats]:
    """The share of every period of the record that is covered, and the same times recall: (periods, units) each, 0
    where it is missing."""
    units = case.units(event)
    covered, exposure = np.zeros((2, timeline.length, len(units)))
    same: dict[tuple[Searched, ...], tuple[Floats, Floats]] = {}
    for column, unit in enumerate(units):
        own = found[event, unit]
        if own not in same:
            parts, whole = [(timeline.covered(*span), recall) for *span, recall in own], np.zeros(timeline.length)
            same[own] = (
                sum((part for part, _ in parts), whole),
                sum((part * recall for part, recall in parts), whole),
            )
        covered[:, column], exposure[:, column] = same[own]
    return covered, exposure


def latest_recall(found: Searches, case: Case, event: str) -> Floats:
    """How much of what happens today a search finds: that of the last day that is covered, (units,); where none is,
    that of the event type."""
    of_type = case.events[event].recall
    return np.array([own[-1][2] if (own := found[event, unit]) else of_type for unit in case.units(event)])


def is_covered(spans: tuple[Span, ...], day: dt.date) -> bool:
    """Whether a day lies within one of the spans."""
    return any(first <= day <= last for first, last in spans)


def end_of_rows(case: Case) -> dt.date:
    """The last day of which a record's rows show that somebody looked at it: that of its last event of any type.

    >>> from riskcast import load_case
    >>> end_of_rows(load_case("central_asia_2024"))
    datetime.date(2024, 5, 3)
    """
    days = (row.span[1] for row in case.event_rows if row.type != CONTEXT and row.known_on <= case.as_of)
    return max(days, default=case.settings.history_from)


def vague_rows(case: Case) -> tuple[EventRow, ...]:
    """Events that are dated to a month or year of several periods: they enter the record in the middle of it, and
    resolve only what holds all of it.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> vague = case.event_rows[0].model_copy(update={"precision": "year"})
    >>> [row.when for row in vague_rows(case.revised(event_rows=(vague, *case.event_rows[1:])))]
    ['2005']
    """
    number = case.calendar.number
    return tuple(row for row in case.event_rows if number(row.span[0]) != number(row.span[1]))


def disputed_rows(case: Case) -> tuple[EventRow, ...]:
    """Events of which it is disputed whether they happened: part of the record, with which backtests score a second
    time had they not.

    >>> from riskcast import load_case
    >>> rows = disputed_rows(load_case("central_asia_2024"))
    >>> {row.status for row in rows}
    {'disputed'}
    """
    return tuple(row for row in case.event_rows if row.status == DISPUTED and row.type != CONTEXT)


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
        counted = sum(row.type == event and row.span[1] <= day for row in case.event_rows)
        expected += counted * (case.as_of - day).days / max(1, (day - case.settings.history_from).days)
    said = bool(case.coverage) or case.settings.recorded_until is not None
    said = said or all(case.events[event].recorded_until for event in late)
    return RecordEnd(min(late.values()), case.as_of, said, tuple(late), len(late) == len(case.events), expected)


def _apart(spans: Iterable[Searched]) -> Iterator[Searched]:
    """Spans joined where they touch and find as much, in order."""
    current: Searched | None = None
    for start, until, recall in sorted(spans):
        if current is None or start > current[1] + DAY or recall != current[2]:
            if current is not None:
                yield current
            current = start, until, recall
        else:
            current = current[0], max(current[1], until), recall
    if current is not None:
        yield current
