"""How far the headline numbers of a forecast may be off for want of draws and paths: their Monte Carlo errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from riskcast.forecasting.plan import Plan
from riskcast.forecasting.simulation import ENOUGH, Simulated, errors_of_paths
from riskcast.machinery.array_types import Floats


@dataclass(frozen=True)
class Accuracy:
    """The largest Monte Carlo standard error of any headline probability (0 to 1) and of any headline score (points),
    what paths have in each, and the number of paths of each draw; 0 paths where a closed form took their place."""

    probability: float
    probability_of_paths: float
    score: float
    score_of_paths: float
    paths: int

    @property
    def points(self) -> float:
        """The larger of the two errors, in points of a hundred, rounded up to a tenth."""
        return _tenths(self.probability, self.score)

    @property
    def points_of_paths(self) -> float:
        """The larger of what paths have in them, in points of a hundred, rounded up to a tenth."""
        return _tenths(self.probability_of_paths, self.score_of_paths)

    @property
    def has_enough_paths(self) -> bool:
        """Whether paths leave no more than a point in any error; if not, there are as many as are ever made unasked, or
        fewer were asked for."""
        return max(self.probability_of_paths, self.score_of_paths / 100.0) <= ENOUGH


def _tenths(probability: float, score: float) -> float:
    return math.ceil(10.0 * max(100.0 * probability, score) - 1e-9) / 10.0


def standard_errors(draws: Floats) -> Floats:
    """Standard error of the mean over draws that each carry the chance of a few paths: sd / sqrt(draws), (units,).

    >>> standard_errors(np.array([[0.1], [0.3]])).round(3).tolist()
    [0.071]
    """
    return draws.std(axis=0) / math.sqrt(len(draws))


def accuracy_of(plan: Plan, simulated: Simulated) -> Accuracy:
    """The largest errors over all event types and dyads that are forecast."""
    there, found, rows = np.flatnonzero(plan.present), simulated, simulated.rows
    which = {p.event: there if p.units > 1 else slice(None) for p in plan.events}
    return Accuracy(
        max(_largest(standard_errors(found.probability[event][rows][:, own])) for event, own in which.items()),
        max(_largest(errors_of_paths(found.probability_error[event][rows][:, own])) for event, own in which.items()),
        _largest(standard_errors(found.score[rows][:, there])),
        _largest(errors_of_paths(found.score_error[rows][:, there])),
        found.paths,
    )


def _largest(errors: Floats) -> float:
    return float(errors.max(initial=0.0))
