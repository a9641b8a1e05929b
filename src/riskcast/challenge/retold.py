"""A record retold without some of its events: what would have happened all the same, and what instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskcast.challenge.removals import Removed
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.shares_of_paths import Share
from riskcast.machinery.tables import Column, Table, to_html

if TYPE_CHECKING:
    import pandas

# Events that are as sure as this are not listed one by one where people read.
AS_IT_WAS = 0.995


@dataclass(frozen=True)
class RetoldEvent:
    """What the record holds of one event type, unit and period, and how probable it is that it would have held some of
    it without the events that are left out.

    when: the dates of its events, as exactly as they are known; told: what they were, in words of the case; period: as
    people write it.
    """

    event: str
    label: str
    unit: str
    period: str
    when: tuple[str, ...]
    told: tuple[str, ...]
    probability: Share


@dataclass(frozen=True)
class Instead:
    """What would have happened of one event type in one unit in periods in which the record has none: the probability
    of at least one such period, and how many are to be expected."""

    event: str
    label: str
    unit: str
    probability: Share
    expected: Share


@dataclass(frozen=True)
class RetoldCount:
    """Periods and units with an event of a type, from the first event that is left out: as recorded, and as expected
    without it."""

    event: str
    label: str
    recorded: int
    expected: Share


@dataclass(frozen=True)
class Counterfactual:
    """The record of a posterior retold without some events.

    removed: these; events: every later one that the record holds, by period; instead: what would have happened, most
    probable first; counts: by event type; earlier: how many cells of the first period hold events of days before, and
    unsearched, how many later ones events that no search covers: both stand as they are.
    """

    posterior: Posterior
    removed: tuple[Removed, ...]
    events: tuple[RetoldEvent, ...]
    instead: tuple[Instead, ...]
    counts: tuple[RetoldCount, ...]
    earlier: int
    unsearched: int
    paths: int
    seed: int

    @property
    def moved(self) -> tuple[RetoldEvent, ...]:
        """Events that would not surely have happened all the same."""
        return tuple(one for one in self.events if one.probability.mean < AS_IT_WAS)

    def of(self, event: str, unit: str) -> tuple[RetoldEvent, ...]:
        """The retold events of one type and unit."""
        return tuple(one for one in self.events if (one.event, one.unit) == (event, unit))

    def to_frame(self) -> pandas.DataFrame:
        """One row for each recorded event type, unit and period: probability, its interval, its Monte Carlo error."""
        import pandas

        columns = ["event", "unit", "period", "when", "probability", "low", "high", "error"]
        return pandas.DataFrame(list(self._rows()), columns=columns)

    def _rows(self) -> Iterator[tuple[str, str, str, str, float, float, float, float]]:
        for one in self.events:
            found = one.probability.estimate
            when = ", ".join(one.when)
            yield one.event, one.unit, one.period, when, found.mean, found.low, found.high, one.probability.error

    def __repr__(self) -> str:
        ids = ", ".join(one.id for one in self.removed)
        return f"<Record without {ids}: {len(self.events)} later events, {len(self.moved)} of them in doubt.>"

    def _repr_html_(self) -> str:
        columns = (
            *(Column(name) for name in ("event", "unit", "when")),
            *(Column(name, form="share") for name in ("all the same", "low", "high")),
        )
        rows = [(one.label, one.unit, ", ".join(one.when), *_ends(one.probability)) for one in self.moved]
        title = "Without " + ", ".join(one.id for one in self.removed)
        return to_html(Table(title, columns, rows, note=self.posterior.origin, warning=self.posterior.warning))


def _ends(share: Share) -> tuple[float, float, float]:
    return share.estimate.mean, share.estimate.low, share.estimate.high
