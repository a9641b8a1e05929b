"""The history of scores as a record: every dyad's score as of past days, what it is today, and what has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from riskcast.case.model import Case
from riskcast.case.periods import shift_months
from riskcast.errors import UnknownNameError
from riskcast.forecasting.estimates import HIGH, LOW, Estimate
from riskcast.machinery.array_types import Floats

if TYPE_CHECKING:
    import pandas

HINDSIGHT: Final = (
    "Every point is fitted on what was known on its day, but base rates, effects and severities are those of the case "
    "today: whoever stated them knew what came later."
)


@dataclass(frozen=True)
class Change:
    """How a score differs from that as of an earlier day: `then`, and the difference, whose ends are not a number where
    draws were not kept."""

    since: dt.date
    then: float
    difference: Estimate


@dataclass(frozen=True)
class DyadHistory:
    """One dyad's scores over time; arrays are (days,), with no number where the dyad did not exist.

    score, low, high: with its 90 % interval; first, rank: chance of the highest score and expected rank; percentile:
    the share of earlier days with a lower score than on the last one (half of equal ones), None without earlier days;
    since_month, since_year: the change since the day nearest to a month and a year before, None where the history does
    not reach.
    """

    dyad: str
    days: tuple[dt.date, ...]
    score: Floats
    low: Floats
    high: Floats
    first: Floats
    rank: Floats
    percentile: float | None
    since_month: Change | None
    since_year: Change | None

    @property
    def today(self) -> Estimate:
        """The score as of the last day."""
        return Estimate(float(self.score[-1]), float(self.low[-1]), float(self.high[-1]))


@dataclass(frozen=True)
class ScoreHistory:
    """Scores, probabilities and ranks of a case as of past days, each from what was known on it.

    days: month ends and last the case's own day; scores: a row for each day and dyad; probabilities: a row for each
    day, event type and unit; health: a row for each day; draws: by day, (draws, dyads) scores given the parameters,
    in the order of that day's rows, none where there are too many dyads to keep them; error: the largest Monte Carlo
    standard error of a score, in points.
    """

    case: Case
    horizon: int
    size: int
    seed: int
    days: tuple[dt.date, ...]
    scores: pandas.DataFrame
    probabilities: pandas.DataFrame
    health: pandas.DataFrame
    draws: Mapping[dt.date, Floats] = field(repr=False)

    @property
    def error(self) -> float:
        """The largest Monte Carlo standard error of a score on any day, in points."""
        return float(self.health["error"].max())

    @property
    def unreliable(self) -> tuple[dt.date, ...]:
        """Days whose posterior failed its checks."""
        failed = self.health.loc[~self.health["reliable"].astype(bool), "day"]
        return tuple(dt.date.fromisoformat(day) for day in failed)

    @cached_property
    def dyads(self) -> tuple[str, ...]:
        """The dyads that are forecast on the last day."""
        last = self.scores[self.scores["day"] == self.days[-1].isoformat()]
        return tuple(last["dyad"])

    def of(self, dyad: str) -> DyadHistory:
        """One dyad's history; raises UnknownNameError where it is not forecast on the last day."""
        return self._of[self._known(dyad)]

    @cached_property
    def ranked(self) -> tuple[DyadHistory, ...]:
        """Every dyad's history, from the highest score today to the lowest."""
        return tuple(sorted(self._of.values(), key=lambda own: -own.today.mean))

    def probability(self, event: str, unit: str) -> tuple[Estimate, ...]:
        """The probability of an event type in a unit on every day, not a number where it was not forecast."""
        own = self.probabilities[(self.probabilities["event"] == event) & (self.probabilities["unit"] == unit)]
        if own.empty:
            raise UnknownNameError("event", event, tuple(dict.fromkeys(self.probabilities["event"])))
        whole = own.set_index("day").reindex([day.isoformat() for day in self.days])
        rows = zip(*(whole[name].tolist() for name in ("probability", "low", "high")), strict=True)
        return tuple(Estimate(*row) for row in rows)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each day and dyad: score with its interval, chance of the highest score, expected rank."""
        return self.scores.copy()

    def __repr__(self) -> str:
        span = f"{len(self.days)} days from {self.days[0]} to {self.days[-1]}"
        return f"<ScoreHistory of {self.case.name}: {span}, {len(self.dyads)} dyads>"

    def _known(self, dyad: str) -> str:
        if dyad not in self._of:
            raise UnknownNameError("dyad at the start of the horizon", dyad, self.dyads)
        return dyad

    @cached_property
    def _of(self) -> dict[str, DyadHistory]:
        names = [day.isoformat() for day in self.days]
        values = ("score", "low", "high", "first", "rank")
        grids = {
            name: self.scores.pivot(index="day", columns="dyad", values=name).reindex(names).reindex(columns=self.dyads)
            for name in values
        }
        found = {}
        for dyad in self.dyads:
            own = {name: grid[dyad].to_numpy(dtype=float) for name, grid in grids.items()}
            month, year = (self._change(dyad, own["score"], months) for months in (1, 12))
            found[dyad] = DyadHistory(dyad, self.days, **own, **_changes(percentile(own["score"]), month, year))
        return found

    def _change(self, dyad: str, score: Floats, months: int) -> Change | None:
        """The change since the day nearest to so many months before the last one."""
        place = nearest(self.days, months)
        if place is None or not np.isfinite(score[place]):
            return None
        now, then = (self._draws_of(day, dyad) for day in (self.days[-1], self.days[place]))
        moved = float(score[-1] - score[place])
        if now is None or then is None or len(now) != len(then):
            return Change(self.days[place], float(score[place]), Estimate(moved, float("nan"), float("nan")))
        low, high = np.quantile(now - then, (LOW, HIGH)).tolist()
        return Change(self.days[place], float(score[place]), Estimate(moved, min(low, moved), max(high, moved)))

    def _draws_of(self, day: dt.date, dyad: str) -> Floats | None:
        if day not in self.draws:
            return None
        names = self.scores.loc[self.scores["day"] == day.isoformat(), "dyad"].tolist()
        return self.draws[day][:, names.index(dyad)] if dyad in names else None


def _changes(share: float | None, month: Change | None, year: Change | None) -> dict[str, float | Change | None]:
    return {"percentile": share, "since_month": month, "since_year": year}


def percentile(scores: Floats) -> float | None:
    """The share of earlier scores that lie below the last one, half of equal ones; None where there are none.

    >>> percentile(np.array([10.0, 20.0, np.nan, 30.0, 20.0]))
    0.5
    """
    earlier = scores[:-1][np.isfinite(scores[:-1])]
    if not len(earlier):
        return None
    return float((earlier < scores[-1]).mean() + 0.5 * (earlier == scores[-1]).mean())


def nearest(days: Sequence[dt.date], months: int) -> int | None:
    """The place of the day nearest to so many months before the last one, None where the history begins later.

    >>> days = [dt.date(2024, 2, 29), dt.date(2024, 3, 31), dt.date(2024, 4, 30), dt.date(2024, 5, 6)]
    >>> nearest(days, 1), nearest(days, 12)
    (1, None)
    """
    wanted = shift_months(days[-1], -months)
    earlier = days[:-1]
    if not earlier or (earlier[0] - wanted).days > 16:
        return None
    return min(range(len(earlier)), key=lambda place: (abs((earlier[place] - wanted).days), place))
