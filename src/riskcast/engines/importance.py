"""Importance sampling: how good the weights are, and draws from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


# A tail whose ratios all lie within a tenth of the largest is none: its shape says nothing of what is rare.
FLAT = 0.1


@dataclass(frozen=True)
class Weights:
    """Smoothed, normalised importance weights with Pareto k-hat, effective sample size, and how many ratios were NaN,
    and so of no weight."""

    weights: Floats
    khat: float
    ess: float
    unknown: int = 0


def smooth_weights(log_ratios: Floats) -> Weights:
    """Pareto-smoothed importance weights.

    The largest min(S / 5, 3 sqrt(S)) ratios are replaced by quantiles of a generalised Pareto distribution fitted to
    them; its shape is k-hat, and ESS = 1 / sum of squared weights (Vehtari, Simpson, Gelman, Yao and Gabry, 2024).
    A ratio that is NaN has no weight and is counted; k-hat is infinite where one is, as nobody knows what it leaves
    out. A ratio of infinity leaves no weights at all: k-hat is infinite and ESS 0.

    >>> flat = smooth_weights(np.zeros(100))
    >>> round(flat.ess), flat.khat < 0.1
    (100, True)
    >>> smooth_weights(np.array([np.inf, 0.0])).ess, smooth_weights(np.array([np.nan, 0.0])).khat
    (0.0, inf)
    """
    draws = len(log_ratios)
    unknown = int(np.isnan(log_ratios).sum())
    if not np.isfinite(log_ratios).any() or np.isposinf(log_ratios).any():
        return Weights(np.full(draws, 1.0 / draws), math.inf, 0.0, unknown)
    log_weights = np.where(np.isnan(log_ratios), -np.inf, log_ratios) - np.nanmax(log_ratios)
    impossible = np.isneginf(log_weights)
    tail = math.ceil(min(0.2 * draws, 3.0 * math.sqrt(draws)))
    khat = -math.inf
    if tail >= 5:
        order = np.argsort(log_weights)
        last = order[-tail:]
        cutoff = max(float(log_weights[order[-tail - 1]]), math.log(np.finfo(float).tiny))
        excess = np.exp(log_weights[last]) - math.exp(cutoff)
        if excess[-1] > FLAT:
            khat, sigma = fit_pareto(np.maximum(excess, 0.0))
            smooth = (np.arange(tail) + 0.5) / tail
            quantiles = sigma * (np.expm1(-khat * np.log1p(-smooth)) / khat if abs(khat) > 1e-9 else -np.log1p(-smooth))
            log_weights[last] = np.minimum(np.log(quantiles + math.exp(cutoff)), 0.0)
        else:
            khat = 0.0
    # No smoothing makes the impossible possible, though few enough weights may leave it in their tail.
    log_weights[impossible] = -np.inf
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    # A shape that is not a number says nothing good of the weights.
    khat = math.inf if unknown or math.isnan(khat) else khat
    return Weights(weights, khat, float(1.0 / (weights @ weights)), unknown)


def fit_pareto(excess: Floats) -> tuple[float, float]:
    """Shape k and scale of a generalised Pareto distribution for sorted excesses (Zhang and Stephens, 2009).

    The shape is drawn towards 0.5 as by ten further observations.
    """
    n = len(excess)
    grid = 30 + int(math.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    theta = 1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))
    theta = theta / (3.0 * max(quartile, 1e-300)) + 1.0 / excess[-1]
    shape = np.log1p(-theta[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-theta / shape) - shape - 1.0)
    with np.errstate(over="ignore"):
        weights = 1.0 / np.exp(profile - profile[:, None]).sum(axis=1)
    best = float((theta * weights).sum() / weights.sum())
    k = float(np.log1p(-best * excess).mean())
    sigma = -k / best
    return (n * k + 10 * 0.5) / (n + 10), sigma


def resample(weights: Floats, order_by: Floats, draws: int, uniform: float) -> NDArray[np.int64]:
    """Systematic resampling along the order of a summary, so that a small change of weights moves draws but a little.

    >>> resample(np.array([0.5, 0.0, 0.5]), np.array([3.0, 1.0, 2.0]), 4, 0.5).tolist()
    [2, 2, 0, 0]
    """
    order = np.argsort(order_by, kind="stable")
    cumulative = np.cumsum(weights[order])
    points = (np.arange(draws) + uniform) / draws * cumulative[-1]
    return order[np.minimum(np.searchsorted(cumulative, points), len(order) - 1)]
