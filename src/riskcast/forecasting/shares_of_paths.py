"""Shares of weighted paths on which something holds: with the error of so few, and what more knowledge could change."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from riskcast.forecasting.draw_spread import parameter_basis, without_chance
from riskcast.forecasting.estimates import HIGH, LOW, Estimate
from riskcast.machinery.array_types import Floats

# No answer from fewer paths or draws, as they count.
LEAST_PATHS, LEAST_DRAWS = 100.0, 20.0


@dataclass(frozen=True)
class Share:
    """A probability with its 90 % interval over what is not known of the parameters, and the standard error that so few
    draws and paths leave in it."""

    estimate: Estimate
    error: float

    @property
    def mean(self) -> float:
        """The probability itself."""
        return self.estimate.mean


@dataclass(frozen=True)
class Tally:
    """Sums over the paths of each draw, (draws,): of the weights of those on which the condition holds, `held`, also
    the event, `both`; on which the event does in any case, `alone`; of all, `every`; of squared weights; and the number
    of paths on which the condition holds.
    """

    both: Floats
    held: Floats
    alone: Floats
    every: Floats
    held_squares: Floats
    every_squares: Floats
    number: Floats

    @classmethod
    def empty(cls, draws: int) -> Tally:
        """Of no path."""
        return cls(*(np.zeros(draws) for _ in range(7)))

    @property
    def effective(self) -> float:
        """Kish's effective number of paths on which the condition holds, (sum w)^2 / sum w^2 (Kish, 1965)."""
        squares = float(self.held_squares.sum())
        return float(self.held.sum()) ** 2 / squares if squares else 0.0

    @property
    def effective_draws(self) -> float:
        """The same of draws, each with the weight of its paths on which the condition holds."""
        squares = float(np.square(self.held).sum())
        return float(self.held.sum()) ** 2 / squares if squares else 0.0

    def given(self, columns: Floats) -> Share:
        """The probability of the event given the condition."""
        return share_of(self.both, self.held, self.held_squares, columns)

    def unconditional(self, columns: Floats) -> Share:
        """The probability of the event, whatever becomes of the condition."""
        return share_of(self.alone, self.every, self.every_squares, columns)

    def condition(self, columns: Floats) -> Share:
        """The probability of the condition."""
        return share_of(self.held, self.every, self.every_squares, columns)

    def ratio(self) -> tuple[float, float]:
        """How many times as probable the event is where the condition holds, and the standard error of that."""
        given, alone = self.both.sum() / self.held.sum(), self.alone.sum() / self.every.sum()
        if alone == 0.0:
            return math.nan, math.nan
        ratio = float(given / alone)
        if given == 0.0:
            return ratio, math.nan
        of_given = (self.both - given * self.held) / (self.held.sum() * given)
        of_alone = (self.alone - alone * self.every) / (self.every.sum() * alone)
        return ratio, ratio * _size(of_given - of_alone)


def share_of(hits: Floats, held: Floats, squares: Floats, columns: Floats) -> Share:
    """A share sum hits / sum held of weighted paths, from the sums of each draw, (draws,).

    error: that of a ratio of sums over n draws, sqrt(n / (n - 1) sum (hits - p held)^2) / sum held. The interval is of
    p given the parameters, draws weighted by `held`: where the condition has been seen, draws that let one expect it
    count for more. What paths leave to chance is taken out (`without_chance`), `columns` (draws, k) being functions of
    the parameters: what is left of their variance is that of a Beta distribution, which keeps its ends from 0 and 1.

    >>> even = share_of(np.array([1.0, 3.0]), np.array([4.0, 4.0]), np.array([4.0, 4.0]), np.zeros((2, 1)))
    >>> even.mean, round(even.error, 3)
    (0.5, 0.25)
    """
    total = float(held.sum())
    mean = min(max(float(hits.sum()) / total, 0.0), 1.0)
    error = _size(hits - mean * held) / total
    some = held > 0.0
    weights, values = held[some], hits[some] / held[some]
    number = np.square(weights) / squares[some]
    clean, basis = np.full_like(values, mean), parameter_basis(columns[some], weights)
    for _ in range(2):
        noise = np.clip(clean, 0.0, 1.0)
        noise *= (1.0 - noise) / number
        clean = without_chance(values, noise, basis, weights)
    variance = float(weights @ np.square(clean - mean)) / total
    # No narrower than what paths leave in the mean.
    low, high = beta_ends(mean, max(variance, float(np.square(weights) @ noise) / total**2))
    return Share(Estimate(mean, low, high), error)


def beta_ends(mean: float, variance: float) -> tuple[float, float]:
    """The 5 % and 95 % quantiles of the Beta distribution with a mean and a variance.

    >>> [round(end, 2) for end in beta_ends(0.5, 1.0 / 12.0)], beta_ends(0.0, 0.0)
    ([0.05, 0.95], (0.0, 0.0))
    """
    from scipy.special import betaincinv

    most = mean * (1.0 - mean)
    if variance <= 0.0 or most <= 0.0:
        return mean, mean
    size = most / min(variance, 0.98 * most) - 1.0
    low, high = betaincinv(mean * size, (1.0 - mean) * size, np.array([LOW, HIGH]))
    return min(float(low), mean), max(float(high), mean)


def _size(parts: Floats) -> float:
    """Standard error of a sum over draws that is nought on average."""
    count = len(parts)
    return math.sqrt(float(np.square(parts).sum()) * count / (count - 1)) if count > 1 else math.nan
