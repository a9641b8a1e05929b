"""How much of the spread of averages over a few paths of each draw is lack of knowledge, and not chance."""

from __future__ import annotations

import numpy as np

from riskcast.forecasting.estimates import HIGH, LOW
from riskcast.machinery.array_types import Floats
from riskcast.machinery.threads import single_thread


def parameter_basis(columns: Floats, weights: Floats) -> Floats:
    """What functions of the parameters, columns (draws, k), span beside a constant: (draws, rank), orthonormal once the
    rows are multiplied by the square roots of the draws' shares of the weight."""
    share = weights / weights.sum()
    with single_thread():
        basis, sizes, _ = np.linalg.svd((columns - share @ columns) * np.sqrt(share)[:, None], full_matrices=False)
    return basis[:, sizes > 1e-8 * max(float(sizes.max(initial=0.0)), 1e-300)]


def without_chance(values: Floats, noise: Floats, basis: Floats, weights: Floats) -> Floats:
    """What each draw's parameters let one expect, (draws,), from averages over a few paths each.

    values: the averages; noise: the variance that chance leaves in each; basis: of functions of the parameters
    (`parameter_basis`); weights: of the draws. Values are regressed on the basis b. Of the fit, chance has put in
    sum over columns k and draws d of w[d] b[k, d]^2 e[d]^2, where e is what the regression leaves (White, 1980); of
    the rest, the mean of `noise`. Fit and rest are drawn towards the mean until their variances are what remains
    without it.

    >>> rng, skill = np.random.default_rng(1), np.linspace(-1.0, 1.0, 2000)
    >>> noisy, even = skill + rng.normal(0.0, 2.0, 2000), np.ones(2000)
    >>> clean = without_chance(noisy, np.full(2000, 4.0), parameter_basis(skill[:, None], even), even)
    >>> round(float(skill.std()), 2), round(float(noisy.std()), 1), bool(abs(clean.std() - skill.std()) < 0.2)
    (0.58, 2.1, True)
    """
    share = weights / weights.sum()
    root = np.sqrt(share)
    mean = float(share @ values)
    away = values - mean
    with single_thread():
        size = basis.T @ (root * away)
        fitted = np.divide(basis @ size, root, out=np.zeros_like(away), where=root > 0.0)
    rest = away - fitted
    of_fit = float(np.square(basis).sum(axis=1) @ (share * np.square(rest)))
    kept_fit = _kept(float(share @ np.square(fitted)), of_fit)
    kept_rest = _kept(float(share @ np.square(rest)), float(share @ noise))
    return mean + kept_fit * fitted + kept_rest * rest


def _kept(variance: float, noise: float) -> float:
    return float(np.sqrt(max(0.0, 1.0 - noise / variance))) if variance > 0.0 else 0.0


def weighted_ends(values: Floats, weights: Floats) -> tuple[float, float]:
    """The 5 % and 95 % quantiles of values with weights, between the middles of their shares by straight line.

    >>> weighted_ends(np.array([0.0, 1.0, 2.0]), np.array([1.0, 8.0, 1.0]))
    (0.0, 2.0)
    """
    order = np.argsort(values, kind="stable")
    ordered, share = values[order], weights[order] / weights.sum()
    middles = np.cumsum(share) - share / 2.0
    low, high = np.interp([LOW, HIGH], middles, ordered)
    return float(low), float(high)
