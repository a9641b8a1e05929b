"""Derived columns, one period after the other: each sees its own period and what it kept of earlier ones alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.derivations import Derivation

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
# What a derived column keeps from one period to the next: arrays that fit (..., units).
Kept = tuple[Floats, ...]

_NOTHING = np.array(np.nan)
_NONE = np.array(0.0)


def begin(derivation: Derivation) -> Kept:
    """What a derived column keeps before the first period."""
    if derivation.do == "standardise":
        return _NONE, _NONE, _NONE
    if derivation.do == "since":
        return (_NOTHING,)
    if derivation.do in ("cumulative", "fading"):
        return (_NONE,)
    if derivation.is_in_time:
        return (_NOTHING,) * (derivation.reach - int(derivation.do in ("mean", "min", "max")))
    return ()


def step(
    derivation: Derivation, kept: Kept, inputs: Sequence[Floats], here: Bools, frozen: bool = False
) -> tuple[Kept, Floats]:
    """What a derived column keeps after a period, and its value in it, NaN where that is missing: (..., units).

    With x[t] what it takes, k `periods`, and sums over what is known of the record so far:

        lag: x[t - k]; difference: x[t] - x[t - k], or a - b; mean, min, max: of x[t - k + 1..t], or of several columns;
        log: log(x + plus); product; ratio: a / b; either, both: 1 where any of, or all of, several are not 0, else 0;
        spline: `spline_part`; standardise: (x - mean) / sd of all dyads' rows up to t, 0 where they do not differ;
        since: periods since x was last not 0, or since the record of the unit began; cumulative: sum of x;
        fading: sum of x[s] 2^(-(t - s) / half-life).

    Parameters: inputs as `Derivation.inputs` names them; here (units,): whether the unit has a row in the period;
    frozen: whether `standardise` keeps mean and sd, as it does ahead.

    >>> known = np.array([True])
    >>> kept, out = step(Derivation(do="lag", of="x"), (np.array([3.0]),), [np.array([4.0])], known)
    >>> float(out[0]), float(kept[0][0])
    (3.0, 4.0)
    """
    first = inputs[0]
    match derivation.do:
        case "lag":
            return (*kept[1:], first), _like(kept[0], first)
        case "difference":
            return ((*kept[1:], first), first - kept[0]) if derivation.is_in_time else ((), first - inputs[1])
        case "mean" | "min" | "max":
            window = [*kept, first] if derivation.is_in_time else list(inputs)
            # A mean over time is one of what is known; of several columns none may be missing.
            return tuple(window[1:]) if derivation.is_in_time else (), _over(derivation, window)
        case "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                told = np.log(first + (derivation.plus or 0.0))
            return (), np.where(np.isfinite(told), told, np.nan)
        case "product":
            return (), _product(inputs)
        case "ratio":
            with np.errstate(divide="ignore", invalid="ignore"):
                told = first / inputs[1]
            return (), np.where(np.isfinite(told), told, np.nan)
        case "either" | "both":
            return (), _of_all(inputs, derivation.do == "both")
        case "first" | "second":
            return (), inputs[derivation.do == "second"]
        case "spline":
            return (), spline_part(first, derivation.knots or (), derivation.part or 1)
        case "standardise":
            return _standardise(kept, first, frozen)
        case "since":
            met = np.nan_to_num(first) != 0.0
            begun = np.where(here, 0.0, np.nan)
            told = np.where(np.isnan(kept[0]), begun, np.where(met, 0.0, kept[0] + 1.0))
            return (told,), told
        case "cumulative":
            total = kept[0] + np.nan_to_num(first)
            return (total,), total
        case "fading":
            left = kept[0] * np.exp2(-1.0 / float(derivation.half_life or 1.0)) + np.nan_to_num(first)
            return (left,), left


def spline_part(values: Floats, knots: Sequence[float], part: int) -> Floats:
    """A part of the natural cubic spline with so many knots, in the unit of the values: it is 0 up to the knot of its
    number, and a straight line beyond the last one; with the column itself the K - 2 parts span all of them.

    With c(x) = max(0, x)^3, knots k_1..k_K and j the part:

        [c(x - k_j) - c(x - k_{K-1}) (k_K - k_j) / (k_K - k_{K-1}) + c(x - k_K) (k_{K-1} - k_j) / (k_K - k_{K-1})]
        / (k_K - k_1)^2.

    Source: Harrell (2015), Regression Modeling Strategies, section 2.4.5.

    >>> spline_part(np.array([0.0, 1.0, 2.0]), (0.0, 1.0, 2.0), 1).tolist()
    [0.0, 0.25, 1.5]
    """
    own, before, last = knots[part - 1], knots[-2], knots[-1]

    def cube(knot: float) -> Floats:
        return np.maximum(values - knot, 0.0) ** 3

    wide = last - before
    bent = cube(own) - cube(before) * ((last - own) / wide) + cube(last) * ((before - own) / wide)
    return bent / (last - knots[0]) ** 2


def _over(derivation: Derivation, window: Sequence[Floats]) -> Floats:
    """Mean, least or greatest of arrays; of a window in time of what is known of it."""
    stacked = np.stack(np.broadcast_arrays(*window))
    if not derivation.is_in_time:
        return {"mean": np.mean, "min": np.min, "max": np.max}[derivation.do](stacked, axis=0)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    if derivation.do == "mean":
        told = np.where(known, stacked, 0.0).sum(axis=0) / np.maximum(count, 1)
    elif derivation.do == "min":
        told = np.where(known, stacked, np.inf).min(axis=0)
    else:
        told = np.where(known, stacked, -np.inf).max(axis=0)
    return np.where(count > 0, told, np.nan)


def _product(inputs: Sequence[Floats]) -> Floats:
    told = inputs[0]
    for other in inputs[1:]:
        told = told * other
    return told


def _of_all(inputs: Sequence[Floats], every: bool) -> Floats:
    """1 where any, or every one, is not 0; missing where what is missing would decide."""
    known = [np.isnan(one) for one in inputs]
    held = [(one != 0.0) & ~lacks for one, lacks in zip(inputs, known, strict=True)]
    lacking = np.logical_or.reduce(np.broadcast_arrays(*known))
    if every:
        refuted = np.logical_or.reduce(
            np.broadcast_arrays(*((one == 0.0) & ~lacks for one, lacks in zip(inputs, known, strict=True)))
        )
        return np.where(refuted, 0.0, np.where(lacking, np.nan, 1.0))
    return np.where(np.logical_or.reduce(np.broadcast_arrays(*held)), 1.0, np.where(lacking, np.nan, 0.0))


def _standardise(kept: Kept, values: Floats, frozen: bool) -> tuple[Kept, Floats]:
    """Count, mean and sum of squares so far (Chan, Golub and LeVeque, 1983), with the period's own rows among them."""
    count, mean, squares = kept
    known = values[~np.isnan(values)]
    if not frozen and known.size:
        own = known.mean()
        total = count + known.size
        apart = own - mean
        squares = squares + ((known - own) ** 2).sum() + apart**2 * count * known.size / total
        mean = mean + apart * known.size / total
        count = total
    spread = np.sqrt(squares / np.maximum(count - 1.0, 1.0))
    # Sums of equal numbers leave no more than rounding.
    differs = spread > 1e-12 * np.maximum(np.abs(mean), 1.0)
    told = np.where(np.isnan(values), np.nan, (values - mean) / (spread if differs else 1.0) if differs else 0.0)
    return (np.asarray(count), np.asarray(mean), np.asarray(squares)), told


def _like(kept: Floats, other: Floats) -> Floats:
    return np.broadcast_to(kept, np.broadcast_shapes(np.shape(kept), np.shape(other)))
