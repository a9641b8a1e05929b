"""What is told of the events of a block of paths: whether any came, by which cell, and what they score."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from riskcast.forecasting.path_scores import PathScores
from riskcast.forecasting.plan import EventPlan, Plan
from riskcast.forecasting.work_arrays import full
from riskcast.machinery.array_types import Floats


class PathEvents:
    """First events and scores on a block of paths, as cells go by.

    probability[event]: (paths, units), Y of `simulate`; chances, waited: (cells, units), sums over paths without an
    event so far, of the chance of one and of 1. With `score_only` these stay zero. counts[event]: (paths,), in how many
    cells and units it occurred, where they are `counted`. `forced`: units in which a scenario makes an event happen, by
    cell and event type.
    """

    def __init__(
        self,
        plan: Plan,
        count: int,
        forced: Mapping[tuple[int, str], list[int]],
        *,
        score_only: bool = False,
        counted: bool = False,
    ) -> None:
        self._forced, self._score_only = forced, score_only
        self._left = [float(plan.shares[t + 1 :].sum()) for t in range(plan.cells)]
        self._waiting = {p.event: full(count, p.units, 1.0) for p in plan.events}
        self.probability = {p.event: full(count, p.units, 0.0) for p in plan.events}
        self.chances = {p.event: np.zeros((plan.cells, p.units)) for p in plan.events}
        self.waited = {p.event: np.zeros((plan.cells, p.units)) for p in plan.events}
        self.counts = {p.event: np.zeros(count) for p in plan.events} if counted else {}
        self.scores = PathScores(plan, count, forced)
        sizes = {p.units for p in plan.events}
        # Written over at every step: fresh arrays of this size cost more than the arithmetic.
        self._spare, self._news = ({units: full(count, units, 0.0) for units in sizes} for _ in range(2))

    def add(self, p: EventPlan, cell: int, rate: Floats, chance: Floats, happened: Mapping[str, Floats]) -> None:
        """Add the events of one type in one cell, (paths, units).

        rate: in a full period; chance: of at least one in the cell, which may be written over; happened: by event type,
        what has happened in the cell so far.
        """
        name, waiting = p.event, self._waiting[p.event]
        if self.counts:
            self.counts[name] += happened[name].sum(axis=1)
        surprise = np.subtract(chance, happened[name], out=self._news[p.units])
        if not self._score_only:
            # Counts, which working precision adds without error.
            self.waited[name][cell] = waiting.sum(axis=0)
            np.multiply(waiting, chance, out=chance)
            chance.sum(axis=0, dtype=float, out=self.chances[name][cell])
        if self._score_only and not p.severity:
            return
        still = none_left(rate, self._left[cell], self._spare[p.units])
        drawn = np.multiply(still, surprise, out=surprise)
        if not self._score_only:
            self.probability[name] += np.multiply(drawn, waiting, out=chance)
            waiting -= np.multiply(waiting, happened[name], out=chance)
        if p.severity > 0:
            self.scores.add(name, still, drawn, happened)

    def met(self) -> Mapping[str, Floats]:
        """Close the horizon: by event type, 1 where it has occurred, (paths, units)."""
        met = {name: np.subtract(1.0, waiting, out=waiting) for name, waiting in self._waiting.items()}
        for name, occurred in met.items():
            self.probability[name] += occurred
        for (_, name), units in self._forced.items():
            self.probability[name][:, units] = 1.0
        return met


def none_left(rate: Floats, left: float, out: Floats) -> Floats:
    """exp(-rate left), into `out`: the chance of no event in what is left of the horizon, in periods."""
    if not left:
        out.fill(1.0)
        return out
    return np.exp(np.multiply(rate, -left, out=out), out=out)
