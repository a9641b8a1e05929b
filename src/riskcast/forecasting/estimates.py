"""What a few paths for each draw say of quantities: their means, and the 90 % intervals that are not chance."""

from __future__ import annotations

from collections.abc import Iterator
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


@dataclass(frozen=True, eq=False)
class Estimates:
    """A number of every unit with its 90 % interval, (units,) each; item i is the `Estimate` of unit i.

    >>> found = Estimates(np.array([0.2, 0.5]), np.array([0.1, 0.3]), np.array([0.4, 0.6]))
    >>> found[1]
    Estimate(mean=0.5, low=0.3, high=0.6)
    """

    mean: Floats
    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        for values in (self.mean, self.low, self.high):
            values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, unit: int) -> Estimate:
        return Estimate(float(self.mean[unit]), float(self.low[unit]), float(self.high[unit]))

    def __iter__(self) -> Iterator[Estimate]:
        rows = zip(self.mean.tolist(), self.low.tolist(), self.high.tolist(), strict=True)
        return (Estimate(mean, low, high) for mean, low, high in rows)


def summarise(
    draws: Floats, error: Floats, basis: Floats | None, mean: Floats, floor: float, ceiling: float
) -> Estimates:
    """90 % intervals of quantities given the parameters, from noisy averages over a few paths each, about their `mean`
    (units,), which is known better.

    `draws` (units, draws) lie between `floor` and `ceiling`; see `given_parameters` for how chance is taken out of
    them, so that chance within the horizon does not pass for lack of knowledge. No interval is narrower than the
    simulation's own error of the mean, and none has an end at `floor` or `ceiling` unless draws or mean are there.

    >>> drawn, none = np.array([[0.0, 0.2, 0.4, 0.6]]), np.zeros((1, 4))
    >>> estimates = summarise(drawn, none, None, np.array([0.3]), 0.0, 1.0)
    >>> estimates[0].mean, round(estimates[0].low, 3)
    (0.3, 0.03)
    """
    noise = np.square(error, dtype=float).mean(axis=1)
    low, high = _ends(given_parameters(draws, error, basis))
    blur = Z90 * np.sqrt(noise / draws.shape[1])
    return Estimates(
        mean.copy(),
        np.minimum(low, mean - _towards(mean - floor, blur)),
        np.maximum(high, mean + _towards(ceiling - mean, blur)),
    )


def _towards(room: Floats, step: Floats) -> Floats:
    """A step that never leaves its room: room * (1 - exp(-step / room)), which is `step` where there is room enough."""
    share = np.divide(step, room, out=np.zeros_like(room), where=room > 0.0)
    return -room * np.expm1(-share)


def given_parameters(draws: Floats, error: Floats, basis: Floats | None) -> Floats:
    """What each draw's parameters let one expect, (units, draws), from averages over a few paths.

    Each unit's `draws` are regressed on its `basis` (units, columns, draws), orthonormal or zero, which spans functions
    of the parameters alone. The fitted part, held to the range of the draws, carries no chance; the rest has the
    variance of what the regression misses plus the mean square of `error` (units, draws), and draws move towards
    their fits until only the former is left. As means of draws and fits, results stay in the range of the draws.
    Without a `basis`, draws have no error.

    >>> given_parameters(np.array([[0.0, 0.5, 1.0]]), np.zeros((1, 3)), None).tolist()
    [[0.0, 0.5, 1.0]]
    """
    if basis is None:
        return draws
    mean = draws.mean(axis=1, keepdims=True)
    centred = draws - mean
    with single_thread():
        fitted = (basis.swapaxes(1, 2) @ (basis @ centred[:, :, None]))[:, :, 0]
    rest = centred - fitted
    variance = rest.var(axis=1, keepdims=True)
    noise = np.square(error, dtype=float).mean(axis=1, keepdims=True)
    chance = np.divide(noise, variance, out=np.ones_like(variance), where=variance > 0.0)
    kept = np.sqrt(np.maximum(0.0, 1.0 - chance))
    held = np.clip(mean + fitted, draws.min(axis=1, keepdims=True), draws.max(axis=1, keepdims=True))
    return held + kept * (draws - held)


def span(columns: Floats) -> Floats:
    """An orthonormal basis of what each unit's columns (units, draws, columns) span beside a constant, as (units,
    columns, draws), with zeros where they span less.

    >>> basis = span(np.array([[[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]]))
    >>> np.abs(basis[0]).sum(axis=1).round(3).tolist()
    [1.414, 0.0]
    """
    centred = columns - columns.mean(axis=1, keepdims=True)
    with single_thread():
        basis, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    kept = sizes > 1e-8 * np.maximum(sizes.max(axis=1, keepdims=True, initial=0.0), 1e-300)
    rows = np.ascontiguousarray(basis.swapaxes(1, 2))
    return rows if kept.all() else rows * kept[:, :, None]


def _ends(values: Floats) -> tuple[Floats, Floats]:
    """The 5 % and 95 % quantiles of each row, between order statistics by straight line (Hyndman and Fan, type 7)."""
    ordered = np.sort(values, axis=1)
    ends = []
    for share in (LOW, HIGH):
        place = share * (values.shape[1] - 1)
        below = int(place)
        one, two = ordered[:, below], ordered[:, min(below + 1, values.shape[1] - 1)]
        # From the nearer end, as numpy's own quantile has it: monotone in the last digit too.
        part = place - below
        ends.append(one + (two - one) * part if part < 0.5 else two - (two - one) * (1.0 - part))
    return ends[0], ends[1]
