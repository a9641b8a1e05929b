"""Owen values: what each player adds when players come in groups, and groups and members take turns in all orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, combinations
from math import factorial

import numpy as np

from riskcast.comparison.shapley import Floats
from riskcast.machinery.random_streams import generator


def owen_values(worth: Mapping[int, Floats], groups: Sequence[Sequence[int]]) -> Floats:
    """Owen values of a game, (players, width), in the order in which `groups` name the players, 0 to players - 1.

    phi[i] = sum over sets H of other groups, and sets S of i's own group without i, of
        |H|! (m - |H| - 1)! / m! * |S|! (g - |S| - 1)! / g! * (v(H + S + i) - v(H + S)),
    m groups, g members of i's own: the mean of what i adds over all orders in which every group's members stand
    together (Owen, 1977). worth[mask]: (width,) of the coalition whose bits are set, of all in `owen_coalitions`. The
    values add up to the worth of all less that of none; those of a group to the Shapley value of the game that groups
    play; with one group, or with one member in each, they are Shapley values.

    >>> worth = {0: np.zeros(1), 1: np.zeros(1), 2: np.zeros(1), 4: np.zeros(1), 3: np.ones(1), 5: np.ones(1)}
    >>> worth |= {6: np.zeros(1), 7: np.ones(1)}
    >>> owen_values(worth, [[0, 1], [2]]).ravel().tolist()
    [0.75, 0.25, 0.0]
    """
    found = {i: np.zeros_like(next(iter(worth.values())), dtype=float) for own in groups for i in own}
    for own, others in _each(groups):
        for outside in _subsets(others):
            before = _mask(chain.from_iterable(outside))
            first = _share(len(outside), len(groups))
            for i in own:
                for within in _subsets([j for j in own if j != i]):
                    held = before | _mask(within)
                    found[i] += first * _share(len(within), len(own)) * (worth[held | 1 << i] - worth[held])
    return np.array([found[i] for own in groups for i in own])


def owen_coalitions(groups: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Masks of all coalitions whose worth `owen_values` asks for, the small ones first: whole groups, and any part of
    one more.

    >>> owen_coalitions([[0, 1], [2]])
    (0, 1, 2, 4, 3, 5, 6, 7)
    """
    masks = {
        _mask(chain.from_iterable(outside)) | _mask(within)
        for own, others in _each(groups)
        for outside in _subsets(others)
        for within in _subsets(own)
    }
    return tuple(sorted(masks or {0}, key=lambda mask: (mask.bit_count(), mask)))


def orders_by_group(groups: Sequence[Sequence[int]], count: int, seed: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Random orders of groups, and of the members within each, each followed by its reverse: `count` in all.

    Of a reverse, what comes before a group is what came after it.

    >>> first, reverse = orders_by_group([[0, 1, 2], [3]], 2, seed=1)
    >>> [own[::-1] for own in reverse[::-1]] == list(first)
    True
    """
    rng = generator(seed, "orders of groups")
    found: list[tuple[tuple[int, ...], ...]] = []
    for _ in range((count + 1) // 2):
        turns = [groups[place] for place in rng.permutation(len(groups)).tolist()]
        one = tuple(tuple(own[place] for place in rng.permutation(len(own)).tolist()) for own in turns)
        found += [one, tuple(own[::-1] for own in one[::-1])]
    return tuple(found)


def _each(groups: Sequence[Sequence[int]]) -> list[tuple[Sequence[int], list[Sequence[int]]]]:
    """Every group, and the other ones."""
    return [(own, [other for k, other in enumerate(groups) if k != place]) for place, own in enumerate(groups)]


def _subsets[T](items: Sequence[T]) -> list[tuple[T, ...]]:
    return [chosen for size in range(len(items) + 1) for chosen in combinations(items, size)]


def _share(before: int, players: int) -> float:
    """The share of all orders in which so many of the others stand before a player."""
    return factorial(before) * factorial(players - before - 1) / factorial(players)


def _mask(members: chain[int] | Sequence[int]) -> int:
    return sum(1 << i for i in members)
