"""What the events of a path add up to: its score, with as little left to chance as can be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from riskcast.forecasting.plan import EventPlan, Plan
from riskcast.forecasting.work_arrays import full
from riskcast.machinery.array_types import Floats


class PathScores:
    """Scores of a block of paths, (paths, dyads), as cells go by.

    The score of a path is the largest severity that occurred, less beta * (severity - largest so far)+ * (1{event} -
    its chance) over all outcomes and cells: unbiased as Y of `simulate` is, with beta the chance that nothing at least
    as severe happens in what is left of the horizon, at the rates of the cell before. Where such an event is all but
    certain beta is 0 and the path scores what occurred on it, so that scores do not leave their range by more than
    chance has to be taken out of them.

    `forced`: units in which a scenario makes an event happen, by cell and event type: what is sure to occur is no news
    when it does.
    """

    def __init__(self, plan: Plan, count: int, forced: Mapping[tuple[int, str], list[int]]) -> None:
        dyads = len(plan.case.dyads)
        self.outcomes = [p for p in sorted(plan.events, key=lambda p: -p.severity) if p.severity > 0]
        self._score, self.peak = full(count, dyads, 0.0), full(count, dyads, 0.0)
        for p in self.outcomes:
            for (_, name), units in forced.items():
                if name == p.event:
                    which = units if p.units > 1 else slice(None)
                    self.peak[:, which] = np.maximum(self.peak[:, which], p.severity)
        self._as_severe = {p.severity: full(count, dyads, 0.0) for p in self.outcomes}
        self._more, self._spare = full(count, dyads, 0.0), full(count, dyads, 0.0)
        self._own = {p.units: full(count, p.units, 0.0) for p in self.outcomes}

    def feel(self, rate: Mapping[str, Floats]) -> None:
        """Take the rates of all outcomes, (paths, units), as those of what is left of the horizon."""
        for place, p in enumerate(self.outcomes):
            before = self._as_severe[self.outcomes[place - 1].severity] if place else 0.0
            np.add(before, rate[p.event], out=self._as_severe[p.severity])

    def add(self, p: EventPlan, left: float, surprise: Floats, happened: Floats) -> None:
        """Add the events of one outcome in one cell; `left`: what is left of the horizon after it, in periods;
        `surprise`: their chance less `happened`, (paths, units)."""
        more = np.maximum(np.subtract(p.severity, self.peak, out=self._more), 0.0, out=self._more)
        self._score += control(self._as_severe[p.severity], left, surprise, more, self._spare)
        np.maximum(self.peak, np.multiply(p.severity, happened, out=self._own[p.units]), out=self.peak)

    def result(self) -> Floats:
        """Scores of all paths: (paths, dyads)."""
        return self._score + self.peak


def control(rate: Floats, left: float, surprise: Floats, weight: Floats, out: Floats) -> Floats:
    """weight * exp(-rate * left) * surprise, into `out`: what is expected of a cell beyond what occurred in it."""
    if not left:
        return np.multiply(weight, surprise, out=out)
    np.exp(np.multiply(rate, -left, out=out), out=out)
    np.multiply(out, surprise, out=out)
    return np.multiply(out, weight, out=out)
