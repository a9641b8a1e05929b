"""Which past events a dyad's event types still remember, and how much of each is left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.dyads import states_of
from riskcast.case.model import Case, Effect, EventRow
from riskcast.case.settings import NEVER, SINCE
from riskcast.engines.posterior import Posterior
from riskcast.errors import UnknownNameError
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.names import ALL_DYADS
from riskcast.record.arrays import Dated, day_number
from riskcast.record.memory import SIDES, memory_of
from riskcast.record.sights import is_answered, settings_of, share_reached
from riskcast.record.ties import TIED, Ties

if TYPE_CHECKING:
    import pandas


# Kinds of memory that keep how long it has been, or whether it ever was, and no event.
FEATURES = (SINCE, NEVER)


@dataclass(frozen=True)
class RememberedEvent:
    """A past event that a dyad's event types still remember.

    row: the event as the record has it, None where a panel only counts it; type, label: its event type, by id and in
    words; unit: where it happened: a dyad, the host, or ALL; day: when, the last day of a panel's period; when:
    the same as exactly as it is known, 2024-03-22, 2024-03, 2024Q1 or 2024; precision: how exactly that is; share:
    what is left of a fresh event, 0 to 1; is_own: whether it befell the dyad that remembers it, alone or with all
    others; effects: ids of the effects that remember it; number: how many a panel has of the period; happened: False
    where these are too few for the event of the period to have happened, and only memories of numbers know of them.
    """

    row: EventRow | None
    type: str
    label: str
    unit: str
    day: dt.date
    when: str
    precision: str
    share: float
    is_own: bool
    effects: tuple[str, ...]
    number: int = 1
    happened: bool = True

    @property
    def what(self) -> str:
        """The event type in words, and what the record says of the event."""
        if self.row is not None:
            return f"{self.label}. {self.row.description}"
        if not self.happened:
            return f"{self.label}: {self.number:,}, fewer than count as an event."
        return f"{self.label}." if self.number == 1 else f"{self.label}, {self.number:,} of them."

    def __str__(self) -> str:
        return self.what if self.is_own else f"{self.unit}: {self.what}"


class RememberedEvents(tuple[RememberedEvent, ...]):
    """Past events that are still remembered, the freshest first; `whose`: the dyad whose event types remember them."""

    whose: str

    def __new__(cls, events: Iterable[RememberedEvent], whose: str) -> RememberedEvents:
        """The events that one dyad remembers."""
        made = super().__new__(cls, events)
        made.whose = whose
        return made

    def __getnewargs__(self) -> tuple[tuple[RememberedEvent, ...], str]:
        return tuple(self), self.whose

    def by(self, effects: Iterable[str]) -> RememberedEvents:
        """Those of the events that some effects remember; `effects`: their ids."""
        asked = set(effects)
        return RememberedEvents((event for event in self if not asked.isdisjoint(event.effects)), self.whose)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each event: columns day (as exactly as it is known), unit, type, left (percent), event."""
        import pandas

        rows = [(event.when, event.unit, event.type, 100.0 * event.share, event.what) for event in self]
        return pandas.DataFrame(rows, columns=["day", "unit", "type", "left", "event"])

    def _repr_html_(self) -> str:
        rows = [(event.when, str(event), f"{100.0 * event.share:.0f} %") for event in self]
        columns = (Column("day"), Column("event"), Column("left", form="share"))
        note = "Left: what remains of a fresh event's effect, at the longest half-life of the edges from its type."
        return to_html(Table(f"Events that {self.whose} remembers", columns, rows, note=note))


def counts_for(whose: str | None, where: str, dyad: str) -> bool:
    """Whether an effect counts an event of one dyad (or of all, or of the host) for another.

    >>> [counts_for(whose, "RUS-KAZ", "RUS-TJK") for whose in ("own", "others", "any")]
    [False, True, True]
    >>> [counts_for(whose, "TJK-RUS", "RUS-TJK") for whose in ("reverse", "others", "sender")]
    [True, False, False]
    >>> [counts_for(whose, "TJK-KAZ", "RUS-TJK") for whose in ("sender", "by_receiver")]
    [False, True]
    """
    if whose in ("any", "host") or where == ALL_DYADS:
        return True
    if where == dyad or whose == "own":
        return where == dyad and whose == "own"
    theirs, own = states_of(where), states_of(dyad)
    # The same two states the other way round are no other dyad that shares one of them.
    is_reverse = theirs == own[::-1]
    if whose is not None and whose in SIDES:
        side, mine = SIDES[whose]
        return theirs[side] == own[mine] and not is_reverse
    return is_reverse if whose == "reverse" else not is_reverse and not set(theirs).isdisjoint(own)


def remembered_events(posterior: Posterior, dyad: str, least: float = 0.05) -> RememberedEvents:
    """Past events that a dyad's event types still remember, the freshest first, as records.

    share = 2^(-gap / half-life), gap in periods, at the largest median half-life of the effects that remember the
    event; events of other dyads count where an effect lets them spill over. For an immediate memory it is the share of
    the horizon's first period that the event reaches. A trigger that is spent is no longer remembered, and memories of
    the kinds `since` and `never` keep a time and no event. What a panel has too few of for the event of a period to
    have happened, memories of numbers remember alone. Those with a share below `least` are left out. Raises
    UnknownNameError for a dyad that the case does not have.

    >>> import riskcast
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> freshest = remembered_events(posterior, "RUS-TJK")[0]
    >>> freshest.type, freshest.when, freshest.unit, freshest.share
    ('deescalation', '2024-05-03', 'RUS-TJK', 1.0)
    """
    case = posterior.case
    if dyad not in case.dyads:
        raise UnknownNameError("dyad", dyad, case.dyads)
    escalations = [edge for edge in case.effects if edge.is_escalation and settings_of(edge, case).kind not in FEATURES]
    ties = {edge.id: Ties.of(edge, case) for edge in escalations if edge.whose in TIED}
    found = []
    for past in _past_events(posterior):
        edges = [
            edge
            for edge in escalations
            if edge.source == past.type
            and (past.happened or settings_of(edge, case).is_numbered)
            and _counts(posterior, edge, past, dyad, ties)
            and not is_answered(edge, posterior.record, _unit_of(case, edge, dyad), past.dated)
        ]
        if not edges:
            continue
        share = max(_share(posterior, edge, past) for edge in edges)
        if share >= least:
            found.append(
                RememberedEvent(
                    row=past.row,
                    type=past.type,
                    label=case.events[past.type].label,
                    unit=past.unit,
                    day=past.day,
                    when=past.when,
                    precision=past.precision,
                    share=share,
                    is_own=past.unit in (dyad, ALL_DYADS, case.host),
                    effects=tuple(edge.id for edge in edges),
                    number=past.number,
                    happened=past.happened,
                )
            )
    return RememberedEvents(found, dyad)


def _counts(posterior: Posterior, edge: Effect, past: _PastEvent, dyad: str, ties: Mapping[str, Ties]) -> bool:
    """Whether an edge counts a past event for a dyad."""
    if edge.id not in ties:
        return counts_for(edge.whose, past.unit, dyad)
    seeing = ties[edge.id].at(posterior.record.timeline.first + int(past.dated.period[0]))
    return seeing.sees(posterior.case.dyads.index(dyad), posterior.case.dyads.index(past.unit))


def _unit_of(case: Case, edge: Effect, dyad: str) -> int:
    """Where the unit that a dyad is, or shares, stands among those of an edge's target."""
    return case.dyads.index(dyad) if case.events[edge.target].scope == "dyad" else 0


def _share(posterior: Posterior, edge: Effect, past: _PastEvent) -> float:
    """What is left of a past event for an edge."""
    case, name = posterior.case, str(edge.memory)
    days = settings_of(edge, case).days
    if days is not None:
        return share_reached(case, posterior.record, past.dated, days)
    half_life = float(np.median(posterior.events[edge.target].hyper[f"half_life.{name}"]))
    return float(memory_of(case, name).left(past.gap, half_life))


@dataclass(frozen=True)
class _PastEvent:
    """An event of the record, how many periods ago it was, and its days; those of a panel are of its whole period, and
    may be several."""

    row: EventRow | None
    type: str
    unit: str
    day: dt.date
    when: str
    precision: str
    gap: int
    dated: Dated
    number: int = 1
    happened: bool = True


def _past_events(posterior: Posterior) -> list[_PastEvent]:
    """The events of the record, the freshest first."""
    case, timeline = posterior.case, posterior.record.timeline
    # What has happened in a period that still runs is as fresh as what happened in the one before.
    freshest = timeline.complete - 1
    if case.panel is None:
        rows = [row for row in case.event_rows if row.type in case.events and row.known_on <= case.as_of]
        return [
            _PastEvent(
                *(row, row.type, row.dyad, row.date, row.when, row.precision),
                max(0, freshest - timeline.index(row.placed_on)),
                _dated(timeline.index(row.placed_on), row.span, row.placed_on),
            )
            for row in sorted(rows, key=lambda row: row.placed_on, reverse=True)
        ]
    found = []
    for name, numbers in posterior.record.numbers.items():
        for place, unit in np.argwhere(numbers > 0).tolist():
            gap = max(0, freshest - place)
            day, when = case.calendar.last_day(timeline.first + place), timeline.label(place)
            dated = _dated(place, (day, day), day)
            number, happened = int(numbers[place, unit]), bool(posterior.record.occurred[name][place, unit])
            where = case.units(name)[unit]
            found.append(_PastEvent(None, name, where, day, when, case.settings.period, gap, dated, number, happened))
    return sorted(found, key=lambda event: event.gap)


def _dated(period: int, span: tuple[dt.date, dt.date], placed: dt.date) -> Dated:
    """One event with its days, as a record has it."""
    return Dated.of([(period, 0, day_number(span[0]), day_number(span[1]), day_number(placed))])
