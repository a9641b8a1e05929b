"""Soft evidence: probabilities that others give, pooled with the model's, and the weights of paths that hold them."""

from __future__ import annotations

import math

import numpy as np

from riskcast.machinery.array_types import Bools, Floats

SWEEPS, CLOSE = 20_000, 1e-12


def pooled(model: float, outside: float, weight: float) -> float:
    """The log-linear pool p ∝ model^(1 - w) outside^w of two probabilities of one event (Genest and Zidek, 1986).

    On the scale of log odds it is the mean with weights 1 - w and w: the model's at w = 0, the other's at w = 1, both
    to the last digit.

    >>> pooled(0.3, 0.9, 0.0), pooled(0.3, 0.9, 1.0), round(pooled(0.2, 0.8, 0.5), 6)
    (0.3, 0.9, 0.5)
    """
    if weight in (0.0, 1.0) or model in (0.0, 1.0):
        return outside if weight == 1.0 else model
    return float(1.0 / (1.0 + math.exp(-((1.0 - weight) * log_odds(model) + weight * log_odds(outside)))))


def log_odds(chance: float) -> float:
    """log(p / (1 - p))."""
    return math.log(chance) - math.log1p(-chance)


def tilts(holds: Bools, targets: Floats) -> Floats | None:
    """By how much paths on which each event holds weigh more, in log: (events,), so that every event has its target.

    holds: (paths, events); targets: (events,), between 0 and 1. With weights w ∝ exp(sum over events of tilt * holds)
    the share of each event is its target, and no other weights with these shares are nearer to equal ones in
    Kullback-Leibler divergence (Csiszár, 1975). One event gives Jeffrey's rule (Jeffrey, 1965): weights are equal on
    either side, so that what is conditional on the event, or on its absence, stays. More are fitted in turn until all
    hold (iterative proportional fitting; Deming and Stephan, 1940). None where no weights hold all targets.

    >>> holds = np.array([[True, False], [True, True], [False, True], [False, False]])
    >>> weights = np.exp(holds @ tilts(holds, np.array([0.8, 0.5])))
    >>> (weights / weights.sum()).round(6).tolist()
    [0.4, 0.4, 0.1, 0.1]
    """
    patterns, counts = np.unique(holds, axis=0, return_counts=True)
    own = np.zeros(holds.shape[1])
    share = counts / counts.sum()
    for _ in range(SWEEPS):
        worst = 0.0
        for event, target in enumerate(targets.tolist()):
            now = float(share @ patterns[:, event])
            if not 0.0 < now < 1.0:
                return None
            worst = max(worst, abs(now - target))
            step = log_odds(target) - log_odds(now)
            own[event] += step
            share = share * np.exp(step * patterns[:, event])
            share = share / share.sum()
        if worst < CLOSE:
            return own
    return None
