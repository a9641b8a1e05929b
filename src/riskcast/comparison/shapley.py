"""Shapley values of a finite game: by all coalitions, or by random orders in antithetic pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import factorial

import numpy as np
from numpy.typing import NDArray

from riskcast.machinery.random_streams import generator

Floats = NDArray[np.float64]


def shapley_values(
    values: Mapping[int, Floats], players: int, orders: Sequence[Sequence[int]] | None, width: int
) -> tuple[Floats, Floats]:
    """Shapley values and their Monte Carlo standard errors, each (players, width).

    values[mask]: (width,) worth of the coalition whose bits are set, of all coalitions where `orders` is None, else of
    those met in the orders, which come in pairs, each followed by its reverse. The error is the standard deviation of
    the means of pairs, over the square root of their number. The values add up to the worth of all less that of none.

    >>> worth = {0: np.zeros(1), 1: np.ones(1), 2: np.zeros(1), 3: np.array([4.0])}
    >>> shapley_values(worth, 2, None, 1)[0].ravel().tolist()
    [2.5, 1.5]
    >>> shapley_values(worth, 2, [(0, 1), (1, 0)], 1)[0].ravel().tolist()
    [2.5, 1.5]
    """
    points, errors = _average(values, players, orders, width)
    if players:
        total = values[(1 << players) - 1] - values[0]
        slack = np.abs(points.sum(axis=0) - total).max(initial=0.0)
        assert slack <= 1e-9 * max(1.0, float(np.abs(total).max(initial=0.0))), f"shares miss the sum by {slack}"
    return points, errors


def _average(
    values: Mapping[int, Floats], players: int, orders: Sequence[Sequence[int]] | None, width: int
) -> tuple[Floats, Floats]:
    points = np.zeros((players, width))
    if orders is None:
        for i in range(players):
            for mask in range(1 << players):
                if not mask >> i & 1:
                    size = mask.bit_count()
                    weight = factorial(size) * factorial(players - size - 1) / factorial(players)
                    points[i] += weight * (values[mask | 1 << i] - values[mask])
        return points, np.zeros_like(points)
    gains = np.zeros((len(orders), players, width))
    for row, order in zip(gains, orders, strict=True):
        mask = 0
        for i in order:
            row[i] = values[mask | 1 << i] - values[mask]
            mask |= 1 << i
    pairs = (gains[0::2] + gains[1::2]) / 2.0
    spread = pairs.std(axis=0, ddof=1) if len(pairs) > 1 else np.zeros_like(points)
    return pairs.mean(axis=0), spread / np.sqrt(len(pairs))


def antithetic_orders(players: int, count: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """Random orders, each followed by its reverse.

    >>> first, reverse, *_ = antithetic_orders(5, 4, seed=1)
    >>> first == reverse[::-1]
    True
    """
    rng = generator(seed, "orders of changes")
    drawn = [tuple(rng.permutation(players).tolist()) for _ in range(count // 2)]
    return tuple(order for one in drawn for order in (one, one[::-1]))


def coalitions(k: int, orders: Sequence[Sequence[int]] | None) -> tuple[int, ...]:
    """Masks of the coalitions whose worth is needed, the small ones first: all, or those met in the orders.

    >>> coalitions(2, None), coalitions(3, [(2, 0, 1)])
    ((0, 1, 2, 3), (0, 4, 5, 7))
    """
    masks = set(range(1 << k)) if orders is None else {0}
    for order in orders or ():
        mask = 0
        for i in order:
            mask |= 1 << i
            masks.add(mask)
    return tuple(sorted(masks, key=lambda mask: (mask.bit_count(), mask)))


def find_culprits(members: Sequence[int], k: int, is_valid: Callable[[Sequence[int]], bool]) -> tuple[int, int]:
    """Of a coalition that makes no valid case: the change that spoils it, and one that mends it; the lower first."""
    chosen: list[int] = []
    for spoiler in members:
        chosen.append(spoiler)
        if not is_valid(chosen):
            break
    rest = [j for j in range(k) if j not in chosen]
    remedy = next((j for j in rest if is_valid([*chosen, j])), None)
    if remedy is None:
        grown = list(chosen)
        for remedy in rest:
            grown.append(remedy)
            if is_valid(grown):
                break
    assert remedy is not None
    return min(chosen[-1], remedy), max(chosen[-1], remedy)
