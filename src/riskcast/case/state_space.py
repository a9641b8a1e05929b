"""A level that drifts, and what is measured of it: Kalman's filter and the fixed-interval smoother, exact.

The level x is a random walk, or one that is pulled back to 0, and beside it stand unknowns c that never change, such as
the offset of a series:

    x[t + d] = 2^(-d / half-life) x[t] + Normal(0, q(d)),    z = scale x[t] + design c + Normal(0, sd^2),

with q(d) = drift^2 d for a walk, and drift^2 (1 - 2^(-2 d / half-life)) half-life / (2 ln 2) where it is pulled back.
Everything is Gaussian, so that filter and smoother give the conditional distributions themselves (Kalman, 1960; Durbin
and Koopman, Time series analysis by state space methods, 2012, 4.3 and 4.4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskcast.machinery.array_types import Floats


@dataclass(frozen=True)
class Motion:
    """How a level moves of itself; drift: standard deviation of a year's change; half_life: years after which half of
    the distance from 0 is left, None for a walk that nothing pulls back."""

    drift: float
    half_life: float | None = None

    def kept(self, years: float) -> float:
        """What is left of the distance from 0 after some years.

        >>> Motion(1.0, 2.0).kept(4.0), Motion(1.0).kept(4.0)
        (0.25, 1.0)
        """
        return 1.0 if self.half_life is None else 2.0 ** (-years / self.half_life)

    def variance(self, years: float) -> float:
        """Variance of what some years add.

        >>> Motion(0.5).variance(4.0), round(Motion(0.5, 2.0).variance(1000.0), 3)
        (1.0, 0.361)
        """
        if self.half_life is None or years == 0.0:
            return self.drift**2 * years
        pull = math.log(2.0) / self.half_life
        return self.drift**2 * -math.expm1(-2.0 * pull * years) / (2.0 * pull)

    @property
    def lasting(self) -> float:
        """The variance that a level which is pulled back has in the long run; endless for a walk."""
        return math.inf if self.half_life is None else self.drift**2 * self.half_life / (2.0 * math.log(2.0))


@dataclass(frozen=True)
class Measurement:
    """A value of a level; years: when; sd: of its error; scale, design (unknowns,): see the top of the module."""

    years: float
    value: float
    sd: float
    scale: float
    design: Floats


@dataclass(frozen=True)
class Belief:
    """What is known of the level and then of the unknowns at some time, in years: mean (1 + unknowns,) and cov."""

    at: float
    mean: Floats
    cov: Floats

    def later(self, motion: Motion, at: float) -> Belief:
        """The same, some time later."""
        kept, mean, cov = motion.kept(at - self.at), self.mean.copy(), self.cov.copy()
        mean[0] *= kept
        cov[0] *= kept
        cov[:, 0] *= kept
        cov[0, 0] += motion.variance(at - self.at)
        return Belief(at, mean, cov)

    def of(self, scale: float, design: Floats) -> tuple[float, float]:
        """Mean and standard deviation of scale x + design c."""
        row = np.concatenate([[scale], design])
        return float(row @ self.mean), math.sqrt(max(float(row @ self.cov @ row), 0.0))


def filter_level(motion: Motion, start: Belief, measurements: Sequence[Measurement]) -> list[Belief]:
    """What is known just before each measurement, and last what is known after all of them.

    Measurements stand in the order of their days, `start` not after the first. Each has an error, or else the level
    some room before it.

    >>> start = Belief(0.0, np.zeros(1), np.eye(1))
    >>> after = filter_level(Motion(0.0), start, [Measurement(1.0, 2.0, 1.0, 1.0, np.zeros(0))])[-1]
    >>> after.mean.tolist(), after.cov.tolist()
    ([1.0], [[0.5]])
    """
    beliefs, now = [], start
    for one in measurements:
        before = now.later(motion, one.years)
        beliefs.append(before)
        gain, surprise, variance = _innovation(before, one)
        cov = before.cov - np.outer(gain, gain) / variance
        now = Belief(one.years, before.mean + gain * (surprise / variance), cov)
    return [*beliefs, now]


def smooth_level(motion: Motion, start: Belief, measurements: Sequence[Measurement]) -> list[Belief]:
    """What is known at each measurement, given all of them."""
    beliefs = filter_level(motion, start, measurements)
    size = len(start.mean)
    weight, precision = np.zeros(size), np.zeros((size, size))
    found: list[Belief] = []
    for place in range(len(measurements) - 1, -1, -1):
        one, before = measurements[place], beliefs[place]
        row = np.concatenate([[one.scale], one.design])
        gain, surprise, variance = _innovation(before, one)
        onward = np.eye(size) - np.outer(gain, row) / variance
        if place + 1 < len(measurements):
            onward[0] *= motion.kept(measurements[place + 1].years - one.years)
        weight = row * (surprise / variance) + onward.T @ weight
        precision = np.outer(row, row) / variance + onward.T @ precision @ onward
        found.append(
            Belief(one.years, before.mean + before.cov @ weight, before.cov - before.cov @ precision @ before.cov)
        )
    return found[::-1]


def between(motion: Motion, at: Floats, known: Floats, years: Floats) -> Floats:
    """The mean level at some times, (times,), from its means at those of measurements, in ascending order.

    A straight line for a walk; else, with p = ln 2 / half-life and d the distance to the one before and the one after,
    (x[a] sinh(p d[b]) + x[b] sinh(p d[a])) / sinh(p (d[a] + d[b])). Beyond the ends it is held, or goes back to 0.

    >>> between(Motion(1.0, 2.0), np.array([4.0]), np.array([0.0, 1.0]), np.array([0.0, 2.0])).tolist()
    [0.5]
    """
    if motion.half_life is None:
        return np.interp(at, years, known)
    pull = math.log(2.0) / motion.half_life
    after = np.clip(np.searchsorted(years, at, side="right"), 1, max(len(years) - 1, 1))
    low, high = years[after - 1], years[np.minimum(after, len(years) - 1)]
    whole = np.where(high > low, high - low, 1.0)
    since, until = np.clip(at - low, 0.0, whole), np.clip(high - at, 0.0, whole)
    inside = (known[after - 1] * _share(pull, until, whole)) + known[np.minimum(after, len(years) - 1)] * _share(
        pull, since, whole
    )
    out = np.where(at <= years[0], known[0] * np.exp(-pull * np.clip(years[0] - at, 0.0, None)), inside)
    return np.where(at >= years[-1], known[-1] * np.exp(-pull * np.clip(at - years[-1], 0.0, None)), out)


def _share(pull: float, distance: Floats, whole: Floats) -> Floats:
    """sinh(pull distance) / sinh(pull whole), where sinh itself may be beyond all numbers."""
    return np.exp(pull * (distance - whole)) * -np.expm1(-2.0 * pull * distance) / -np.expm1(-2.0 * pull * whole)


def _innovation(before: Belief, one: Measurement) -> tuple[Floats, float, float]:
    """Covariance of everything with a measurement, how far it is from what was expected, and the variance of that."""
    row = np.concatenate([[one.scale], one.design])
    gain = before.cov @ row
    return gain, one.value - float(row @ before.mean), float(row @ gain) + one.sd**2
