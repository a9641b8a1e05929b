"""Owen values: closed forms, brute force over all orders that keep groups together, and what they add up to."""

from __future__ import annotations

from itertools import chain, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from riskcast.comparison.owen import orders_by_group, owen_coalitions, owen_values
from riskcast.comparison.shapley import Floats, shapley_values

GROUPS = ([[0, 1], [2]], [[0], [1], [2]], [[0, 1, 2]], [[0, 1], [2, 3], [4]], [[2, 0, 3], [1]])


def by_brute_force(worth: dict[int, Floats], groups: list[list[int]]) -> dict[int, Floats]:
    """The mean of what each player adds over every order in which groups stand together."""
    inner = [list(permutations(own)) for own in groups]
    gains: dict[int, list[Floats]] = {i: [] for own in groups for i in own}
    for turn in permutations(range(len(groups))):
        for chosen in product(*inner):
            mask = 0
            for i in chain.from_iterable(chosen[k] for k in turn):
                gains[i].append(worth[mask | 1 << i] - worth[mask])
                mask |= 1 << i
    return {i: np.mean(own, axis=0) for i, own in gains.items()}


def random_game(players: int, seed: int) -> dict[int, Floats]:
    rng = np.random.default_rng(seed)
    return {mask: rng.normal(size=2) for mask in range(1 << players)}


@pytest.mark.parametrize("groups", GROUPS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_they_are_means_over_all_orders_that_keep_groups_together(groups: list[list[int]], seed: int) -> None:
    players = sum(map(len, groups))
    worth = random_game(players, seed)
    wanted = set(owen_coalitions(groups))
    found = owen_values({mask: own for mask, own in worth.items() if mask in wanted}, groups)
    by_hand = by_brute_force(worth, groups)
    order = [i for own in groups for i in own]
    np.testing.assert_allclose(found, [by_hand[i] for i in order], atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=0), worth[(1 << players) - 1] - worth[0], atol=1e-12)


def test_with_one_group_or_none_they_are_shapley_values() -> None:
    worth = random_game(4, 1)
    shapley = shapley_values(worth, 4, None, 2)[0]
    for groups in ([[0, 1, 2, 3]], [[0], [1], [2], [3]]):
        np.testing.assert_allclose(owen_values(worth, groups), shapley, atol=1e-12)


def test_a_group_has_what_groups_as_players_have() -> None:
    groups = [[0, 1], [2, 3], [4]]
    worth = random_game(5, 2)
    masks = [0b11, 0b1100, 0b10000]
    outer = {
        bits: worth[sum(mask for k, mask in enumerate(masks) if bits >> k & 1)] for bits in range(1 << len(groups))
    }
    totals = shapley_values(outer, 3, None, 2)[0]
    found = owen_values(worth, groups)
    np.testing.assert_allclose([found[:2].sum(axis=0), found[2:4].sum(axis=0), found[4]], totals, atol=1e-12)


def test_a_union_of_gloves_by_hand() -> None:
    """Player 0 has a left glove, 1 and 2 a right one. Where 0 and 1 stand together, 2 comes first or last: it adds
    nothing last, and nothing first; 0 adds 1 unless 1 has come before it and 2 has not (Owen, 1977): 3/4, 1/4, 0."""
    worth = {mask: np.array([float(mask & 1 and mask & 6 != 0)]) for mask in range(8)}
    assert owen_values(worth, [[0, 1], [2]]).ravel() == pytest.approx([0.75, 0.25, 0.0])
    # The two right gloves together have as much as the left one.
    assert owen_values(worth, [[0], [1, 2]]).ravel() == pytest.approx([0.5, 0.25, 0.25])


def test_orders_keep_groups_together_and_come_with_their_reverse() -> None:
    groups = [[0, 1, 2], [3], [4, 5]]
    orders = orders_by_group(groups, 6, seed=1)
    assert len(orders) == 6
    for order in orders:
        assert sorted(sorted(own) for own in order) == [[0, 1, 2], [3], [4, 5]]
    for one, two in zip(orders[::2], orders[1::2], strict=True):
        assert [own[::-1] for own in two[::-1]] == list(one)
    assert orders == orders_by_group(groups, 6, seed=1)
