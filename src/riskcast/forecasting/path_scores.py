"""What the events of a path add up to: its score, with as little left to chance as can be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from riskcast.forecasting.plan import Plan
from riskcast.forecasting.score_rule import count_alone
from riskcast.forecasting.work_arrays import full
from riskcast.machinery.array_types import Floats

# No factor of a product is taken to be less, so that it can be divided out again.
LEAST_FACTOR = np.float32(1e-6)


class PathScores:
    """Scores of a block of paths, (paths, dyads), as cells go by.

    What occurred on a path scores 100 (1 - W), W the product of 1 - share over outcomes that count (`score_rule`). Its
    control variate takes out what each cell brings beyond its chance: sum over outcomes k and cells of
    beta (1{k} - chance of k), beta = 100 share[k] exp(-rate[k] left) G[-k], for an outcome that does not count yet and
    `left` periods after the cell. G is what is to be expected of W at the end of the horizon, were rates to stay as
    they are and outcomes independent: the product of 1 - share over outcomes that count and of
    1 - share (1 - exp(-rate left)) over the others; G[-k] leaves k out. beta is known before k is drawn, so that the
    score is unbiased whatever feeds back on what (Glynn and Szechtman, 2002), and where nothing does it is the mean on
    every path.

    `forced`: units in which a scenario makes an event happen, by cell and event type: what is sure to count is no news
    when it does.
    """

    def __init__(self, plan: Plan, count: int, forced: Mapping[tuple[int, str], list[int]]) -> None:
        dyads = len(plan.case.dyads)
        self.outcomes = tuple(p for p in plan.events if p.severity > 0)
        self._open = {p.event: full(count, dyads, 1.0) for p in self.outcomes}
        self._share = {p.event: np.float32(p.severity / 100.0) for p in self.outcomes}
        self._implied = {p.event: p.implied_by for p in self.outcomes if p.implied_by}
        self._waiting = {name: full(count, dyads, 1.0) for name in self._implied}
        self._held = {name: held for name in self._implied if (held := plan.implied_in_running(name)).any()}
        for (_, name), units in forced.items():
            if name in self._open and name not in self._implied:
                self._open[name][:, units] = 0.0
        self._factor = {p.event: full(count, dyads, 1.0) for p in self.outcomes}
        self._expected, self._news = full(count, dyads, 1.0), full(count, dyads, 0.0)
        for name, still_open in self._open.items():
            self._expected *= 1 - self._share[name] * (1 - still_open)
        self._spare, self._other = full(count, dyads, 0.0), full(count, dyads, 0.0)

    def expect(self, event: str, rate: Floats, left: float) -> None:
        """Take the rates of an outcome, (paths, dyads), as those of all `left` periods of the horizon."""
        still = np.exp(np.multiply(rate, -left, out=self._other), out=self._other)
        self._set_factor(event, still)

    def add(self, event: str, still: Floats, drawn: Floats, happened: Mapping[str, Floats]) -> None:
        """Add the events of one outcome in one cell, (paths, dyads).

        still: chance of none in what is left of the horizon after it; drawn: `still` times the chance of the cell less
        what happened; happened: by event type, what has happened in the cell so far.
        """
        waits, share = self._open[event], self._share[event]
        np.divide(self._expected, self._factor[event], out=self._expected)
        beyond = np.multiply(drawn, waits, out=self._spare)
        for other in self._implied.get(event, ()):
            beyond *= np.subtract(1, happened[other], out=self._other)
        beyond *= self._expected
        beyond *= 100 * share
        self._news += beyond
        if event not in self._implied:
            self._count(event, np.multiply(waits, happened[event], out=self._spare))
        self._set_factor(event, still)

    def step(self, happened: Mapping[str, Floats]) -> None:
        """Let the cell go by: outcomes that others imply count where they stand alone in it."""
        for event, implying in self._implied.items():
            alone = count_alone(happened[event], [happened[other] for other in implying])
            if event in self._held:
                alone = np.where(self._held[event], np.float32(0.0), alone)
            self._waiting[event] *= 1 - happened[event]
            np.divide(self._expected, self._factor[event], out=self._expected)
            counts = np.multiply(alone, self._open[event], out=self._spare)
            # What counts has no more to add.
            np.copyto(self._factor[event], 1, where=counts > 0)
            self._count(event, counts)
            self._expected *= self._factor[event]
        self._held = {}

    def points(self) -> Floats:
        """What occurred on each path scores: (paths, dyads)."""
        left = full(*self._expected.shape, 1.0)
        for event, waits in self._open.items():
            left *= 1 - self._share[event] * (1 - waits)
        return 100 * (1 - left)

    def result(self) -> Floats:
        """Scores with their control variate, (paths, dyads)."""
        return self.points() + self._news

    def peak(self) -> Floats:
        """The largest severity that occurred: (paths, dyads)."""
        worst = full(*self._expected.shape, 0.0)
        for p in self.outcomes:
            waits = self._waiting.get(p.event, self._open[p.event])
            np.maximum(worst, p.severity * (1 - waits), out=worst)
        return worst

    def _count(self, event: str, counts: Floats) -> None:
        """Let an outcome count where `counts` is 1; it may be written over."""
        self._open[event] -= counts
        counts *= -self._share[event]
        counts += 1
        self._expected *= counts

    def _set_factor(self, event: str, still: Floats) -> None:
        """What an outcome that does not count yet is expected to leave, into its factor and the product."""
        factor = np.subtract(1, still, out=self._factor[event])
        factor *= self._open[event]
        factor *= -self._share[event]
        factor += 1
        if 1 - self._share[event] < LEAST_FACTOR:
            np.maximum(factor, LEAST_FACTOR, out=factor)
        self._expected *= factor
