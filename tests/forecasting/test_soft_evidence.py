"""Weights of paths that hold given probabilities, against Jeffrey's rule and a search over all weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from scipy.optimize import minimize

from riskcast.forecasting.soft_evidence import log_odds, pooled, tilts
from riskcast.machinery.array_types import Bools, Floats

CHANCES = st.floats(0.01, 0.99)


@given(CHANCES, CHANCES, st.floats(0.0, 1.0))
def test_a_pool_is_the_mean_of_log_odds(model: float, outside: float, weight: float) -> None:
    found = pooled(model, outside, weight)
    assert min(model, outside) - 1e-12 <= found <= max(model, outside) + 1e-12
    assert log_odds(found) == pytest.approx((1 - weight) * log_odds(model) + weight * log_odds(outside), abs=1e-9)
    assert pooled(model, outside, 0.0) == model
    assert pooled(model, outside, 1.0) == outside


def weights_of(holds: Bools, targets: Floats) -> Floats:
    found = tilts(holds, targets)
    assert found is not None
    weight = np.exp(holds @ found)
    return weight / weight.sum()


@given(st.integers(0, 2**31), st.floats(0.02, 0.98))
def test_one_number_is_jeffreys_rule(seed: int, target: float) -> None:
    holds = np.random.default_rng(seed).random((60, 1)) < 0.3
    assume(0 < holds.sum() < 60)
    weight, inside = weights_of(holds, np.array([target])), holds[:, 0]
    assert weight[inside] == pytest.approx(target / inside.sum())
    assert weight[~inside] == pytest.approx((1 - target) / (~inside).sum())


@pytest.mark.parametrize("seed", range(3))
def test_several_numbers_are_held_by_the_nearest_weights_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    holds = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=bool)
    holds = np.repeat(holds, rng.integers(1, 5, 8), axis=0)
    targets = rng.uniform(0.3, 0.7, 3)
    weight, count = weights_of(holds, targets), len(holds)
    assert weight @ holds == pytest.approx(targets, abs=1e-9)

    def divergence(shares: Floats) -> float:
        held = np.maximum(shares, 1e-300)
        return float(np.sum(held * np.log(held * count)))

    equal = [
        {"type": "eq", "fun": lambda shares: shares @ holds - targets},
        {"type": "eq", "fun": lambda shares: shares.sum() - 1.0},
    ]
    start, bounds = np.full(count, 1.0 / count), [(1e-9, 1.0)] * count
    searched = minimize(divergence, start, constraints=equal, bounds=bounds, method="SLSQP")
    assert divergence(weight) == pytest.approx(searched.fun, abs=1e-4)


def test_numbers_that_contradict_one_another_have_no_weights() -> None:
    inside = np.array([[True, True], [False, True], [False, False]])
    assert tilts(inside, np.array([0.5, 0.6])) is not None
    assert tilts(inside, np.array([0.7, 0.6])) is None
    assert tilts(np.array([[True], [True]]), np.array([0.5])) is None


def test_log_odds_are_those_of_the_definition() -> None:
    assert log_odds(0.8) == pytest.approx(math.log(4.0))
