"""The continuous ranked probability score of weighted ensembles, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskcast.machinery.array_types import Floats


@dataclass(frozen=True)
class Ensemble:
    """What may come, as values (members, units) and the weight of each, which add up to 1 in every unit."""

    values: Floats
    weights: Floats

    @classmethod
    def equal(cls, values: Floats) -> Ensemble:
        """Members (members, units) of equal weight."""
        return cls(values, np.full(values.shape, 1.0 / max(len(values), 1)))

    def take(self, units: np.ndarray) -> Ensemble:
        """Some of the units."""
        return Ensemble(self.values[:, units], self.weights[:, units])


def crps(ensemble: Ensemble, came: Floats) -> Floats:
    """CRPS = E|X - y| - E|X - X'| / 2 of every unit, in the unit of what came; lower is better, 0 is perfect.

    X, X' are independent members; with x sorted, cumulative weight C and weights w, E|X - X'| / 2 is the sum of
    x w (2 C - w - 1). For one member it is the absolute error. Parameters: values and weights (members, units), came
    (units,). Source: Gneiting and Raftery (2007), equation 21.

    >>> crps(Ensemble.equal(np.array([[0.0], [10.0]])), np.array([0.0])).tolist()
    [2.5]
    """
    order = np.argsort(ensemble.values, axis=0, kind="stable")
    values = np.take_along_axis(ensemble.values, order, axis=0).astype(float)
    weights = np.take_along_axis(ensemble.weights, order, axis=0)
    reached = np.cumsum(weights, axis=0)
    away = (weights * np.abs(values - came)).sum(axis=0)
    spread = (values * weights * (2.0 * reached - weights - 1.0)).sum(axis=0)
    return np.maximum(away - spread, 0.0)
