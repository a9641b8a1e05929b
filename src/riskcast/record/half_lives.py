"""Half-lives on which indicators act: how long they are, and how many of them have passed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from riskcast.machinery.array_types import Floats

# What indicators make of a half-life, in periods, is held within these, the legal range of half-lives.
SHORTEST, LONGEST = 1e-3, 1e4
# Ratios of half-lives S, each with levels in steps (periods, units).
Stretches = Sequence[tuple[Floats, Floats]]


def worn(half_life: ArrayLike, stretches: Stretches) -> Floats:
    """How many half-lives have passed by the end of every period, where indicators act on them: (periods, units) + S.

    The sum over periods of 1 / h, with h as in `fading`.

    >>> worn(1.0, [(np.array(2.0), np.array([[0.0, 1.0], [0.0, -1.0]]))]).tolist()
    [[1.0, 0.5], [2.0, 2.5]]
    """
    # What all units have in common is worked out once.
    units = max((levels.shape[1] for _, levels in stretches), default=0)
    if units > 1 and all((levels == levels[:, :1]).all() for _, levels in stretches):
        own = worn(half_life, [(ratio, levels[:, :1]) for ratio, levels in stretches])
        return np.repeat(own, units, axis=1)
    middle = np.log(np.asarray(half_life, dtype=float))
    # One half-life may go with many ratios.
    every = (..., *(None,) * max(np.ndim(middle), *(np.ndim(ratio) for ratio, _ in stretches)))
    spent = 1.0 / stretched(middle, [(np.log(ratio), np.asarray(levels)[every]) for ratio, levels in stretches])
    # Row by row: numpy sums along a first axis against the grain of memory.
    for before, now in pairwise(spent):
        now += before
    return spent


def stretched(log_half_life: Floats, stretches: Iterable[tuple[Floats, Floats]]) -> Floats:
    """Half-lives under indicators: exp(log_half_life + sum of log ratio * level), within what a half-life can be."""
    total = log_half_life
    with np.errstate(over="ignore", invalid="ignore"):
        for log_ratio, level in stretches:
            total = total + log_ratio * level
        return np.exp(np.clip(total, np.log(SHORTEST), np.log(LONGEST), dtype=np.asarray(total).dtype))
