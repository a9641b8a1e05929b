"""Linear algebra for proposals: the textbook's answer where there is one, and always an answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from riskcast.engines.linear_algebra import (
    inverse_factor,
    log_determinant,
    lower_factor,
    make_positive,
    solve_uphill,
)


def matrix(seed: int, size: int = 4, scales: float = 0.0) -> np.ndarray:
    """A positive definite matrix, its rows and columns in very different units."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    units = 10.0 ** rng.uniform(-scales, scales, size)
    return (root @ root.T + np.eye(size)) * np.outer(units, units)


@given(seed=st.integers(0, 1000), scales=st.sampled_from([0.0, 3.0, 6.0]))
def test_a_positive_definite_matrix_is_taken_as_it_is(seed: int, scales: float) -> None:
    given_, gradient = matrix(seed, scales=scales), np.random.default_rng(seed).normal(size=4)
    np.testing.assert_array_equal(solve_uphill(given_, gradient), np.linalg.solve(given_, gradient))
    np.testing.assert_array_equal(lower_factor(given_), np.linalg.cholesky(given_))
    assert log_determinant(given_) == np.linalg.slogdet(given_)[1]
    np.testing.assert_allclose(inverse_factor(given_) @ np.linalg.cholesky(given_), np.eye(4), atol=1e-6)


@pytest.mark.parametrize(
    "ill",
    [
        np.zeros((3, 3)),
        np.ones((3, 3)),
        np.diag([1.0, -2.0, 3.0]),
        np.diag([1e300, 1.0, 1e-300]),
        np.array([[1e24, 1e12, 0.0], [1e12, 1.0 - 1e-9, 0.0], [0.0, 0.0, 1.0]]),
        np.full((3, 3), np.nan),
        np.full((3, 3), np.inf),
    ],
)
def test_an_ill_matrix_gives_a_factor_and_a_step_that_climbs(ill: np.ndarray) -> None:
    made = make_positive(ill)
    assert np.linalg.eigvalsh(made).min() > 0.0
    assert np.isfinite(inverse_factor(ill)).all()
    assert np.isfinite(lower_factor(ill)).all()
    gradient = np.array([1.0, -2.0, 0.5])
    step = solve_uphill(ill, gradient)
    if np.isfinite(ill).all():
        assert np.isfinite(step).all()
        assert gradient @ step >= 0.0
    else:
        assert np.isnan(step).all()
