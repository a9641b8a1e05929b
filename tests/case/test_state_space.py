"""The filter and the smoother against the conditional distribution of one large Gaussian vector."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from riskcast.case.state_space import Belief, Measurement, Motion, between, filter_level, smooth_level
from riskcast.machinery.array_types import Floats


def joint(motion: Motion, start: Belief, times: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of the level at some times and then of the unknowns, from the definition alone."""
    size = len(times)
    since = times - start.at
    kept = np.array([motion.kept(float(gap)) for gap in since])
    mean = np.concatenate([kept * start.mean[0], start.mean[1:]])
    cov = np.zeros((size + len(start.mean) - 1,) * 2)
    for i in range(size):
        for j in range(size):
            first, last = min(since[i], since[j]), max(since[i], since[j])
            own = motion.variance(float(first)) * motion.kept(float(last - first))
            cov[i, j] = own + kept[i] * kept[j] * start.cov[0, 0]
    cov[:size, size:] = kept[:, None] * start.cov[0, 1:]
    cov[size:, :size] = cov[:size, size:].T
    cov[size:, size:] = start.cov[1:, 1:]
    return mean, cov


def conditional(motion: Motion, start: Belief, seen: list[Measurement], times: Floats) -> tuple[Floats, Floats]:
    """The level at some times and the unknowns, given measurements, by the formula for a Gaussian vector."""
    all_times = np.concatenate([times, [one.years for one in seen]])
    mean, cov = joint(motion, start, all_times)
    pick = np.zeros((len(seen), len(mean)))
    for row, one in enumerate(seen):
        pick[row, len(times) + row] = one.scale
        pick[row, len(all_times) :] = one.design
    spread = pick @ cov @ pick.T + np.diag([one.sd**2 for one in seen])
    gain = np.linalg.solve(spread, pick @ cov).T
    given_mean = mean + gain @ (np.array([one.value for one in seen]) - pick @ mean)
    given_cov = cov - gain @ pick @ cov
    kept = [*range(len(times)), *range(len(all_times), len(mean))]
    return given_mean[kept], given_cov[np.ix_(kept, kept)]


MOTIONS = st.builds(Motion, st.floats(0.05, 3.0), st.none() | st.floats(0.1, 20.0))


@st.composite
def problems(draw: st.DrawFn) -> tuple[Motion, Belief, list[Measurement]]:
    motion = draw(MOTIONS)
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    unknowns, count = draw(st.integers(0, 3)), draw(st.integers(1, 7))
    root = rng.normal(size=(1 + unknowns, 1 + unknowns))
    start = Belief(0.0, rng.normal(size=1 + unknowns), root @ root.T + 0.1 * np.eye(1 + unknowns))
    # Some on one day.
    years = np.sort(np.round(rng.uniform(0.0, 6.0, count) * 2) / 2)
    seen = [
        Measurement(
            float(at),
            float(rng.normal(0, 2)),
            float(rng.uniform(0.05, 2)),
            float(rng.uniform(0.3, 2)),
            rng.normal(size=unknowns),
        )
        for at in years
    ]
    return motion, start, seen


@settings(deadline=None, max_examples=80)
@given(problems(), st.floats(0.0, 3.0))
def test_the_filter_is_the_conditional_distribution(problem: tuple, later: float) -> None:
    motion, start, seen = problem
    beliefs = filter_level(motion, start, seen)
    at = seen[-1].years + later
    mean, cov = conditional(motion, start, seen, np.array([at]))
    now = beliefs[-1].later(motion, at)
    np.testing.assert_allclose(now.mean, mean, atol=1e-7)
    np.testing.assert_allclose(now.cov, cov, atol=1e-7)
    for place, before in enumerate(beliefs[:-1]):
        mean, cov = conditional(motion, start, seen[:place], np.array([seen[place].years]))
        np.testing.assert_allclose(before.mean, mean, atol=1e-7)
        np.testing.assert_allclose(before.cov, cov, atol=1e-7)


@settings(deadline=None, max_examples=80)
@given(problems())
def test_the_smoother_is_the_conditional_distribution(problem: tuple) -> None:
    motion, start, seen = problem
    for one, belief in zip(seen, smooth_level(motion, start, seen), strict=True):
        mean, cov = conditional(motion, start, seen, np.array([one.years]))
        np.testing.assert_allclose(belief.mean, mean, atol=1e-7)
        np.testing.assert_allclose(belief.cov, cov, atol=1e-7)


@settings(deadline=None, max_examples=60)
@given(problems(), st.lists(st.floats(0.0, 9.0), min_size=1, max_size=5))
def test_means_between_measurements_are_those_of_the_conditional_distribution(problem: tuple, times: list) -> None:
    motion, _, seen = problem
    # A walk of which nothing was known before; or a level that has long gone back and forth.
    spread = 1e8 if motion.half_life is None else motion.lasting
    years = np.array([one.years for one in seen])
    early = float(years[0]) - 3.0
    first = Belief(float(years[0]), np.zeros(1), np.array([[spread]]))
    plain = [Measurement(one.years, one.value, one.sd, one.scale, np.zeros(0)) for one in seen]
    known = np.array([belief.mean[0] for belief in smooth_level(motion, first, plain)])
    last = np.append(years[1:] != years[:-1], True)
    at = np.array([early, *times])
    found = between(motion, at, known[last], years[last])
    start = Belief(early - 1.0, np.zeros(1), np.array([[spread]]))
    mean, _ = conditional(motion, start, plain, at)
    np.testing.assert_allclose(found, mean, atol=1e-4)


def test_a_return_has_the_variance_of_its_stationary_law_in_the_long_run() -> None:
    motion = Motion(0.7, 2.0)
    pull = math.log(2.0) / 2.0
    assert motion.lasting == pytest.approx(0.49 / (2 * pull))
    assert motion.variance(1e4) == pytest.approx(motion.lasting)
    # In two pieces it is the same as in one.
    assert motion.variance(3.0) == pytest.approx(motion.variance(1.0) + motion.kept(1.0) ** 2 * motion.variance(2.0))
