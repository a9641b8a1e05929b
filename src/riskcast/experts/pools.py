"""Pools: one probability, or one belief about a quantity, from several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np

from riskcast.case.links import Link
from riskcast.case.model import Case
from riskcast.case.quantities import Prior, Quantity, elicit, find_misfit, quantity_text
from riskcast.case.quantity_ids import parse_id
from riskcast.case.quantity_names import link_of
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats

QuantityPool = Literal["quantile", "linear"]
QUANTITY_POOLS: Final[tuple[QuantityPool, ...]] = ("quantile", "linear")
# Digits that a pooled number keeps: what experts say has three at most.
DIGITS: Final = 6
STEPS: Final = 200


def pool_linear(chances: Floats, weights: Floats) -> Floats:
    """The linear pool sum of w p of probabilities, (experts, ...) -> (...): the chance under one expert drawn by weight
    (Stone, 1961).

    >>> float(pool_linear(np.array([0.1, 0.5]), np.array([0.5, 0.5])))
    0.3
    """
    return np.tensordot(weights, chances, axes=1)


def pool_log(chances: Floats, weights: Floats) -> Floats:
    """The logarithmic pool p ∝ product of p^w of probabilities of an event, (experts, ...) -> (...): the weighted mean
    of log odds (Genest and Zidek, 1986). Who is sure, and weighs anything, decides; where two are sure of opposite
    things it is not a number.

    >>> float(pool_log(np.array([0.2, 0.8]), np.array([0.5, 0.5])).round(12))
    0.5
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(chances) - np.log1p(-chances)
        counts = weights.reshape(-1, *([1] * (chances.ndim - 1)))
        return 1.0 / (1.0 + np.exp(-np.where(counts > 0.0, counts * odds, 0.0).sum(axis=0)))


def pool_quantity(
    quantities: Sequence[Quantity], weights: Sequence[float], link: Link, way: QuantityPool = "quantile"
) -> Quantity:
    """One belief about a quantity from several.

    quantile: the weighted means of the medians and of the ends of the intervals, on the link (Vincent, 1912; Ratcliff,
    1979; Lichtendahl, Grushka-Cockayne and Winkler, 2013): experts who are sure of different things pool to one who is
    as sure as they are. linear: median and 5 and 95 % quantiles of the mixture, which is as wide as they are apart.
    Raises OptionError for a mixture that no prior fits, and for weights that are none or all 0.

    >>> from riskcast.case.links import LOG
    >>> two = [Quantity(median=2.0, interval=(1.0, 4.0)), Quantity(median=8.0, interval=(4.0, 16.0))]
    >>> pool_quantity(two, [0.5, 0.5], LOG).interval, pool_quantity(two, [0.5, 0.5], LOG, "linear").median
    ((2.0, 8.0), 4.0)
    """
    if len(weights) != len(quantities) or not sum(weights) > 0.0 or min(weights) < 0.0:
        raise OptionError(
            f"weights are {list(weights)}; give one of at least 0 for each of {len(quantities)}, not all 0"
        )
    first = quantities[0]
    if all(_numbers(one) == _numbers(first) for one in quantities):
        return first.model_copy(update={"evidence": None})
    numbers = np.array([_numbers(one) for one in quantities])
    scale = link if all(link.takes(number) for number in numbers.ravel().tolist()) else link.own_scale
    if not all(scale.takes(number) for number in numbers.ravel().tolist()):
        raise OptionError("is held at 0 by some and not by others, which no one number pools")
    share = np.asarray(weights, dtype=float) / float(sum(weights))
    if way == "quantile":
        ends = share @ scale.forward(numbers)
    else:
        ends = _mixture_quantiles([elicit(one, link) for one in quantities], scale.forward(numbers), share, scale)
    low, middle, high = (float(f"{value:.{DIGITS}g}") for value in scale.inverse(ends).tolist())
    if low == high:
        return Quantity(value=middle)
    pooled = Quantity(median=middle, interval=(low, high))
    misfit = find_misfit(pooled, link)
    if misfit is not None:
        raise OptionError(f"pools to {quantity_text(pooled)}, which no prior has: {misfit.wrong}; {misfit.mend}")
    return pooled


def pool_quantities(
    case: Case, beliefs: Mapping[str, Sequence[Quantity]], weights: Sequence[float], way: QuantityPool = "quantile"
) -> dict[str, Quantity]:
    """By id: what experts' beliefs about quantities of a case pool to, `beliefs` in the order of `weights`; an expert
    without any weight is not asked. Raises OptionError with the id of what cannot be pooled."""
    heard = [place for place, weight in enumerate(weights) if weight > 0.0]
    found = {}
    for key, own in beliefs.items():
        try:
            chosen = [own[place] for place in heard]
            found[key] = pool_quantity(chosen, [weights[place] for place in heard], link_of(case, parse_id(key)), way)
        except OptionError as error:
            raise OptionError(f"{key} {error}") from None
    return found


def _numbers(quantity: Quantity) -> tuple[float, float, float]:
    low, high = quantity.range
    return low, quantity.center, high


def _mixture_quantiles(priors: Sequence[Prior], ends: Floats, share: Floats, scale: Link) -> Floats:
    """The 5, 50 and 95 % quantiles of a mixture on a link, by halving what lies between those of its parts: (3,)."""
    low, high = ends.min(axis=0), ends.max(axis=0)
    wanted = np.array([0.05, 0.5, 0.95])
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        at = scale.inverse(middle)
        below = np.zeros(3)
        for prior, weight, own in zip(priors, share.tolist(), ends, strict=True):
            below += weight * ((middle >= own[1]) if prior.is_fixed else _normal_share(prior.score(at)))
        low, high = np.where(below < wanted, middle, low), np.where(below < wanted, high, middle)
    return high


def _normal_share(z: Floats) -> Floats:
    return np.array([0.5 * math.erfc(-each / math.sqrt(2.0)) for each in z.tolist()])
