"""What a posterior would be if priors, or the record, counted a little more: by weights on its draws.

A factor f(theta) of the posterior, a prior or a likelihood, is raised to a power alpha; each draw then weighs
f^(alpha - 1), Pareto-smoothed. After Kallioinen, Paananen, Buerkner and Vehtari, Detecting and diagnosing prior and
likelihood sensitivity with power-scaling, Statistics and Computing 34, 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from riskcast.engines.importance import smooth_weights
from riskcast.engines.posterior import KHAT_LIMIT
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import generator

# A fifth less and a quarter more; or, where weights do not carry that far, next to nothing.
STEPS: Final = ((0.8, 1.25), (0.99, 1.01))
# From this on a posterior is said to lean on a part (Kallioinen et al., section 3.3).
SENSITIVE: Final = 0.05
# How often values are dealt out anew to the weights, which says how far chance alone moves a distribution.
DEALS: Final = 20
DEALT: Final = 20240506


@dataclass(frozen=True)
class Hang:
    """How far a quantity's distribution moves for a doubling of a part of the posterior, and how far chance alone moves
    one of as many draws that has nothing to do with it; khat: of the weights, which tell neither where they fail."""

    moved: float
    floor: float
    khat: float

    @property
    def is_known(self) -> bool:
        """Whether the weights hold."""
        return self.khat <= KHAT_LIMIT

    @property
    def is_told(self) -> bool:
        """Whether it hangs on the part, and by more than chance."""
        return self.is_known and self.moved >= SENSITIVE and self.moved > self.floor


@dataclass(frozen=True)
class Scaled:
    """Weights of draws with a part of the posterior at a lower and at an upper power, (draws,) each, of sum 1.

    khat: the larger one of both; from 0.7 on nothing is to be read out of them.
    """

    powers: tuple[float, float]
    lower: Floats
    upper: Floats
    khat: float

    @property
    def is_good(self) -> bool:
        """Whether the weights can be relied on."""
        return self.khat <= KHAT_LIMIT

    @property
    def _ends(self) -> tuple[tuple[float, Floats], ...]:
        """The doublings of each power, and the weights at it."""
        return tuple((abs(np.log2(p)), w) for p, w in zip(self.powers, (self.lower, self.upper), strict=True))

    def sensitivity(self, values: Floats) -> float:
        """How far a quantity's distribution moves for a doubling of the part: the mean over both powers of the
        cumulative Jensen-Shannon distance over |log2 power|, 0 where it does not move.

        values: (draws,).
        """
        return float(np.mean([distance(values, weights) / doublings for doublings, weights in self._ends]))

    def hang(self, values: Floats, wider: float = 1.0) -> Hang:
        """The sensitivity beside the largest of `DEALS` ones whose weights were dealt out to the same values by chance,
        `wider` where draws count for fewer.

        values: (draws,).
        """
        if not np.ptp(values):
            return Hang(0.0, 0.0, self.khat)
        gaps = np.diff(np.sort(values))
        by_end = [
            _apart(gaps, dealt) / doublings for (doublings, _), dealt in zip(self._ends, self._dealt, strict=True)
        ]
        floor = wider * float(np.mean(by_end, axis=0).max())
        return Hang(self.sensitivity(values), floor, self.khat)

    @cached_property
    def _dealt(self) -> tuple[Floats, ...]:
        """Distribution functions with the weights of each power dealt out by chance: (deals, draws - 1)."""
        rng = generator(DEALT, "power_scaling")
        orders = np.argsort(rng.random((DEALS, len(self.lower))), axis=1)
        return tuple(np.cumsum(weights[orders], axis=1)[:, :-1] / weights.sum() for _, weights in self._ends)

    def change(self, values: Floats) -> tuple[float, float]:
        """By how much a mean changes for a doubling of the part, and the Monte Carlo standard error of that.

        values: (draws,).
        """
        span = float(np.log2(self.powers[1]) - np.log2(self.powers[0]))
        lower, upper = (float(weights @ values) for weights in (self.lower, self.upper))
        influence = self.upper * (values - upper) - self.lower * (values - lower)
        return (upper - lower) / span, float(np.sqrt(np.square(influence).sum())) / span


def scale(log_part: Floats) -> Scaled:
    """Weights of draws with a part of the posterior, given by its logarithm in each draw, (draws,), at both powers.

    >>> flat = scale(np.zeros(100))
    >>> flat.powers, flat.sensitivity(np.arange(100.0)) < 1e-9
    ((0.8, 1.25), True)
    """
    found = None
    for powers in STEPS:
        lower, upper = (smooth_weights((power - 1.0) * log_part) for power in powers)
        found = Scaled(powers, lower.weights, upper.weights, max(lower.khat, upper.khat))
        if found.is_good:
            break
    assert found is not None
    return found


def distance(values: Floats, weights: Floats) -> float:
    """Cumulative Jensen-Shannon distance, 0 to 1, of draws and the same draws with weights: the larger one of that of
    values and of that of their negatives.

    sqrt((D(P, Q) + D(Q, P)) / integral of P + Q), D(P, Q) = integral of P log2(2 P / (P + Q)) + (Q - P) / (2 ln 2),
    with P and Q the distribution functions (Nguyen and Vreeken, Non-parametric Jensen-Shannon divergence, 2015).
    Shapes: (draws,) both.

    >>> distance(np.array([0.0, 1.0, 2.0]), np.ones(3))
    0.0
    """
    return max(_distance(values, weights), _distance(-values, weights))


def _distance(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])
    return float(_one_sided(gaps, np.cumsum(weights[order] / weights.sum())[:-1])) if gaps.any() else 0.0


def _apart(gaps: Floats, other: Floats) -> Floats:
    """The distances of values with these gaps from the same with other distribution functions, (..., draws - 1): the
    larger ones of those of values and of their negatives."""
    return np.maximum(_one_sided(gaps, other), _one_sided(gaps[::-1], 1.0 - other[..., ::-1]))


def _one_sided(gaps: Floats, other: Floats) -> Floats:
    draws = len(gaps) + 1
    one = np.arange(1, draws) / draws
    middle = np.log2(0.5 * (one + other))
    low, high = gaps @ one, other @ gaps
    step = 0.5 / np.log(2.0) * (high - low)
    apart, back = ((each * (np.log2(np.maximum(each, 1e-300)) - middle)) @ gaps for each in (one, other))
    total, whole = np.maximum(0.0, apart + step) + np.maximum(0.0, back - step), low + high
    # Two sums of the same numbers may differ in their last digit.
    return np.where(total > 1e-13 * whole, np.sqrt(total / whole), 0.0)
