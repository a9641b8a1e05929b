"""Which past events a dyad's event types still remember, and how much of each is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.periods import period_label, period_number
from riskcast.engines.posterior import Posterior
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.names import ALL_DYADS

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class _PastEvent:
    """An event of the record: its type, where it happened, when (as people write it), periods ago, description."""

    type: str
    where: str
    when: str
    gap: int
    description: str


def _past_events(posterior: Posterior) -> list[_PastEvent]:
    """The events of the record, the freshest first."""
    case, timeline = posterior.case, posterior.record.timeline
    if case.panel is None:
        rows = [row for row in case.event_rows if row.type in case.events and row.known_on <= case.as_of]
        rows = sorted(rows, key=lambda row: row.placed_on, reverse=True)
        shown = {"day": 10, "month": 7, "year": 4}
        days = [str(row.date)[: shown[row.precision]] for row in rows]
        gaps = [timeline.length - 1 - timeline.index(row.placed_on) for row in rows]
        return [
            _PastEvent(r.type, r.dyad, day, gap, r.description) for r, day, gap in zip(rows, days, gaps, strict=True)
        ]
    last = period_number(case.as_of, case.settings.period)
    found = []
    for name, occurred in posterior.record.occurred.items():
        for period, unit in np.argwhere(occurred > 0).tolist():
            gap = timeline.length - 1 - period
            when = period_label(last - gap, case.settings.period)
            found.append(_PastEvent(name, case.units(name)[unit], when, gap, ""))
    return sorted(found, key=lambda event: event.gap)


def _sees(whose: str | None, where: str, dyad: str) -> bool:
    """Whether an edge counts an event of one dyad (or of all, or of the host) for another."""
    if whose in ("any", "host") or where == ALL_DYADS:
        return True
    if where == dyad or whose == "own":
        return where == dyad and whose == "own"
    return not set(where.split("-")).isdisjoint(dyad.split("-"))


class RememberedEvents(list[tuple[str, str, str]]):
    """Past events that are still remembered, the freshest first: day, share of a fresh event that is left, description.

    `whose`: the dyad whose event types remember them.
    """

    def __init__(self, rows: Iterable[tuple[str, str, str]], whose: str) -> None:
        super().__init__(rows)
        self.whose = whose

    def to_frame(self) -> pandas.DataFrame:
        """One row for each event: columns day (as exact as known), left (percent of a fresh event), event."""
        import pandas

        rows = [(day, float(left.removesuffix(" %")), text) for day, left, text in self]
        return pandas.DataFrame(rows, columns=["day", "left", "event"])

    def _repr_html_(self) -> str:
        rows = [(day, text, left) for day, left, text in self]
        note = "Left: what remains of a fresh event's effect, at the longest half-life of the edges from its type."
        columns = (Column("day"), Column("event"), Column("left", form="share"))
        return to_html(Table(f"Events that {self.whose} remembers", columns, rows, note=note))


def remembered_events(posterior: Posterior, dyad: str, least: float = 0.05) -> RememberedEvents:
    """Past events that a dyad's event types still remember: day, share of a fresh event that is left, description.

    The share is 2^(-gap / half-life), at the largest median half-life of the edges that start from the event's type;
    events of other dyads count where an edge lets them spill over. Freshest first.
    """
    case, found = posterior.case, list[tuple[str, str, str]]()
    half_lives = {
        (edge.target, edge.memory): float(np.median(posterior.events[edge.target].hyper[f"half_life.{edge.memory}"]))
        for edge in case.effects
        if edge.is_escalation
    }
    for event in _past_events(posterior):
        edges = [e for e in case.effects if e.source == event.type and _sees(e.whose, event.where, dyad)]
        if not edges:
            continue
        left = 2.0 ** (-event.gap / max(half_lives[e.target, e.memory] for e in edges))
        if left >= least:
            own = event.where in (dyad, ALL_DYADS, case.host)
            where = "" if own else f"{event.where}: "
            text = f"{where}{case.events[event.type].label}. {event.description}".rstrip()
            found.append((event.when, f"{100 * left:.0f} %", text))
    return RememberedEvents(found, dyad)
