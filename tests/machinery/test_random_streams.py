"""Random numbers that depend on a seed and a purpose alone, and are as random as they claim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import kstest

from riskcast.machinery.random_streams import UniformTable, generator, normals

seeds = st.integers(0, 2**63 - 1)


@given(seed=seeds, cut=st.integers(0, 12), columns=st.integers(1, 4), pages=st.lists(st.integers(0, 40), max_size=4))
def test_rows_are_the_same_however_they_are_cut(seed: int, cut: int, columns: int, pages: list[int]) -> None:
    whole = UniformTable(seed, ("event", "a"), 0, 12, columns)
    head = UniformTable(seed, ("event", "a"), 0, cut, columns)
    tail = UniformTable(seed, ("event", "a"), cut, 12 - cut, columns)
    for page in pages:
        joined = np.concatenate([head.page(page), tail.page(page)])
        np.testing.assert_array_equal(whole.page(page), joined)


@given(seed=seeds, cut=st.integers(1, 11))
def test_normals_are_the_same_however_they_are_cut(seed: int, cut: int) -> None:
    whole = normals(seed, ("drift", "x"), 0, 12, 3)
    np.testing.assert_array_equal(whole[cut:], normals(seed, ("drift", "x"), cut, 12 - cut, 3))


def test_pages_can_be_read_in_any_order() -> None:
    table = UniformTable(1, ("x",), 0, 5, 2)
    forward = [table.page(t) for t in range(4)]
    again = UniformTable(1, ("x",), 0, 5, 2)
    for t in (3, 0, 2, 1, 2):
        np.testing.assert_array_equal(again.page(t), forward[t])


@pytest.mark.parametrize(
    ("one", "two"),
    [((1, "a"), (2, "a")), ((1, "a"), (1, "b")), ((1, "a", 1), (1, "a", 2)), ((1, "a", "b"), (1, "b", "a"))],
)
def test_another_seed_or_purpose_gives_unrelated_numbers(one: tuple, two: tuple) -> None:
    n = 4000
    first, second = generator(*one).random(n), generator(*two).random(n)
    assert not np.isin(first, second).any()
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / math.sqrt(n)


def test_pages_of_one_table_are_unrelated() -> None:
    n = 4000
    table = UniformTable(3, ("x",), 0, n, 1)
    pages = np.array([table.page(t)[:, 0] for t in range(6)])
    apart = np.corrcoef(pages) - np.eye(6)
    assert np.abs(apart).max() < 5 / math.sqrt(n)
    # No page repeats a stretch of another at some distance.
    assert len(np.unique(pages)) == pages.size


def test_numbers_have_the_distribution_they_claim() -> None:
    uniform = UniformTable(11, ("event", "a"), 0, 20_000, 2).page(5)
    assert kstest(uniform.ravel(), "uniform").pvalue > 1e-4
    normal = normals(11, ("drift", "a"), 0, 20_000, 2)
    assert kstest(normal.ravel(), "norm").pvalue > 1e-4
    assert abs(np.corrcoef(normal.T)[0, 1]) < 5 / math.sqrt(20_000)
