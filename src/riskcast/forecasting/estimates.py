"""What a few paths for each draw say of a quantity: its mean, and the 90 % interval that is not chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskcast.case.quantities import Z90
from riskcast.machinery.array_types import Floats
from riskcast.machinery.threads import single_thread

LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with its 90 % interval: what more knowledge of the parameters could make of it."""

    mean: float
    low: float
    high: float

    def times(self, factor: float) -> Estimate:
        """The same in other units, such as percentage points of a probability.

        >>> Estimate(0.5, 0.25, 0.75).times(100)
        Estimate(mean=50.0, low=25.0, high=75.0)
        """
        return Estimate(factor * self.mean, factor * self.low, factor * self.high)


def summarise(draws: Floats, error: Floats, stand_in: Floats, floor: float, ceiling: float) -> Estimate:
    """Mean and 90 % interval of a quantity given the parameters, from noisy averages over a few paths each.

    `draws` (draws,) are regressed on `stand_in` (draws, columns), the span of functions of the parameters alone. The
    fitted part carries no chance; the rest has the variance of what the regression misses plus the mean square of
    `error`, and is drawn in until only the former is left. So chance within the horizon does not pass for lack of
    knowledge. The interval is never narrower than the simulation's own error of the mean.

    >>> estimate = summarise(np.array([0.0, 0.2, 0.4, 0.6]), np.zeros(4), np.zeros((4, 1)), floor=0.0, ceiling=1.0)
    >>> round(estimate.mean, 3), round(estimate.low, 3)
    (0.3, 0.03)
    """
    mean = float(draws.mean())
    noise = float(np.square(error, dtype=float).mean())
    low, high = np.quantile(given_parameters(draws, error, stand_in), [LOW, HIGH])
    blur = Z90 * float(np.sqrt(noise / len(draws)))
    mean = min(max(mean, floor), ceiling)
    return Estimate(mean, max(floor, min(float(low), mean - blur)), min(ceiling, max(float(high), mean + blur)))


def given_parameters(draws: Floats, error: Floats, stand_in: Floats) -> Floats:
    """What each draw's parameters let one expect, (draws,), from averages over a few paths: see `summarise`."""
    mean = float(draws.mean())
    fitted = stand_in @ (stand_in.T @ (draws - mean))
    rest = draws - mean - fitted
    noise = float(np.square(error, dtype=float).mean())
    kept = np.sqrt(max(0.0, 1.0 - noise / rest.var())) if rest.any() else 0.0
    return mean + fitted + kept * rest


def span(columns: Floats) -> Floats:
    """An orthonormal basis of what columns (draws, columns) span beside a constant.

    >>> span(np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])).shape
    (3, 1)
    """
    centred = columns - columns.mean(axis=0)
    with single_thread():
        basis, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return basis[:, sizes > 1e-8 * max(float(sizes.max(initial=0.0)), 1e-300)]
