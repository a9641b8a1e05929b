"""Pareto-smoothed weights against ArviZ, and resampling against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.special import logsumexp
from scipy.stats import cauchy, genpareto, norm, t

from riskcast.engines.importance import fit_pareto, resample, smooth_weights
from riskcast.engines.posterior import KHAT_LIMIT


def log_ratios(kind: str, draws: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=draws)
    target = {"near": norm(0.1, 1.05), "wide": norm(0, 1.35), "student": t(5), "heavy": cauchy()}[kind]
    return target.logpdf(x) - norm.logpdf(x)


# Numbers of draws whose tails are whole: ArviZ rounds the tail's length down, the paper and riskcast round it up.
@pytest.mark.parametrize("draws", [100, 400, 3600])
@pytest.mark.parametrize("kind", ["near", "wide", "student", "heavy"])
def test_khat_and_weights_are_those_of_arviz(kind: str, draws: int) -> None:
    array_stats = pytest.importorskip("arviz_stats.base").array_stats
    ratios = log_ratios(kind, draws, seed=draws)
    found = smooth_weights(ratios)
    # psislw takes log likelihoods of left-out points: the negative of log ratios.
    theirs, khat = array_stats.psislw(-ratios)
    assert found.khat == pytest.approx(float(khat), abs=1e-6)
    np.testing.assert_allclose(found.weights, np.exp(theirs - logsumexp(theirs)), rtol=1e-6, atol=1e-12)


def test_equal_ratios_give_equal_weights_and_full_size() -> None:
    found = smooth_weights(np.full(500, -3.0))
    assert found.ess == pytest.approx(500)
    np.testing.assert_allclose(found.weights, 1 / 500)


@given(shift=st.floats(-700, 700))
def test_weights_do_not_depend_on_the_constant(shift: float) -> None:
    ratios = log_ratios("wide", 300, 4)
    one, two = smooth_weights(ratios), smooth_weights(ratios + shift)
    np.testing.assert_allclose(one.weights, two.weights, rtol=1e-9)
    assert one.khat == pytest.approx(two.khat, abs=1e-9)


def test_a_proposal_too_narrow_for_its_target_is_flagged() -> None:
    for seed in range(5):
        assert smooth_weights(log_ratios("heavy", 2000, seed)).khat > KHAT_LIMIT
        assert smooth_weights(log_ratios("near", 2000, seed)).khat < 0.5


@pytest.mark.parametrize("spoiled", [np.full(200, -np.inf), np.full(200, np.nan)])
def test_ratios_without_a_finite_one_are_flagged(spoiled: np.ndarray) -> None:
    found = smooth_weights(spoiled)
    assert found.khat == np.inf
    assert found.ess == 0.0


def test_impossible_draws_get_no_weight() -> None:
    ratios = log_ratios("near", 400, 1)
    ratios[:50] = -np.inf
    found = smooth_weights(ratios)
    assert (found.weights[:50] == 0.0).all()
    assert found.weights.sum() == pytest.approx(1.0)
    assert found.khat < KHAT_LIMIT
    assert found.unknown == 0


@pytest.mark.parametrize("count", [1, 10, 399])
def test_draws_whose_ratio_is_unknown_get_no_weight_and_are_told(count: int) -> None:
    ratios = log_ratios("near", 400, 1)
    ratios[:count] = np.nan
    found = smooth_weights(ratios)
    assert (found.weights[:count] == 0.0).all()
    assert found.weights.sum() == pytest.approx(1.0)
    assert found.unknown == count
    assert found.khat == np.inf


def test_an_endless_ratio_leaves_no_weights() -> None:
    ratios = log_ratios("near", 400, 1)
    ratios[7] = np.inf
    found = smooth_weights(ratios)
    assert (found.khat, found.ess) == (np.inf, 0.0)
    assert np.isfinite(found.weights).all()


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_the_pareto_fit_finds_the_shape_up_to_its_prior(shape: float) -> None:
    n = 4000
    found = [fit_pareto(np.sort(genpareto.rvs(shape, size=n, random_state=seed)))[0] for seed in range(10)]
    # Asymptotic standard error of the maximum-likelihood shape: (1 + k) / sqrt(n); the prior weighs 10 of n + 10.
    error = (1 + shape) / np.sqrt(n)
    assert np.mean(found) == pytest.approx((n * shape + 5) / (n + 10), abs=5 * error / np.sqrt(10) + 2 * error**2)


weights_and_order = st.integers(0, 10_000).map(
    lambda seed: (
        np.random.default_rng(seed).dirichlet(np.full(12, 0.4)),
        np.random.default_rng(seed + 1).normal(size=12),
    )
)


@given(given_=weights_and_order, draws=st.integers(1, 60))
def test_every_draw_is_taken_as_often_as_its_weight_says_up_to_one(given_: tuple, draws: int) -> None:
    weights, order = given_
    counts = np.bincount(resample(weights, order, draws, 0.5), minlength=len(weights))
    assert counts.sum() == draws
    assert (np.abs(counts - draws * weights) <= 1.0 + 1e-9).all()


@given(given_=weights_and_order)
def test_resampling_is_unbiased_over_its_uniform(given_: tuple) -> None:
    weights, order = given_
    grid = (np.arange(400) + 0.5) / 400
    counts = sum(np.bincount(resample(weights, order, 7, u), minlength=len(weights)) for u in grid)
    # Each count jumps at most twice along the grid, each time displaced by at most one grid cell.
    np.testing.assert_allclose(counts / 400, 7 * weights, atol=4 / 400)


def test_a_small_change_of_weights_moves_draws_only_to_near_neighbours() -> None:
    rng = np.random.default_rng(3)
    summary = rng.normal(size=2000)
    weights = rng.dirichlet(np.full(2000, 5.0))
    tilted = weights * np.exp(0.01 * summary)
    one = summary[resample(weights, summary, 1000, 0.5)]
    two = summary[resample(tilted / tilted.sum(), summary, 1000, 0.5)]
    # Tilting a standard normal by exp(c x) moves every quantile by c.
    assert np.median(np.abs(two - one)) < 0.03
    assert np.mean(two - one) == pytest.approx(0.01, abs=0.005)
