"""Random numbers that depend on a seed and a purpose alone, and are as random as they claim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import kstest

from riskcast.machinery.random_streams import (
    KEPT_NUMBERS,
    WORD,
    NormalTable,
    UniformTable,
    generator,
    normal_pages,
    normals,
)

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


def test_normals_that_are_kept_are_those_that_are_drawn() -> None:
    drawn = normals(5, ("today", "x"), 0, KEPT_NUMBERS + 1, 1)
    for _ in range(2):
        np.testing.assert_array_equal(normals(5, ("today", "x"), 0, KEPT_NUMBERS, 1), drawn[:-1])
    with pytest.raises(ValueError, match="read-only"):
        normals(5, ("today", "x"), 0, 3, 1)[0] = 1.0


@pytest.mark.parametrize("keep", [True, False])
def test_pages_of_normals_are_those_of_their_table(keep: bool) -> None:
    for rows, columns in ((6, 2), (2, 6)):
        table = NormalTable(9, ("path", "x"), 2, rows, columns)
        wanted = [table.page(number) for number in range(5)]
        for _ in range(2):
            pages = normal_pages(9, ("path", "x"), 2, rows, columns, 5, keep=keep)
            for page, known in zip(pages, wanted, strict=True):
                np.testing.assert_array_equal(page, known)
                assert page.flags.writeable is not keep


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
    # No page repeats a stretch of another at some distance; a few numbers of 24 bits are equal by chance.
    assert len(np.unique(pages)) > pages.size - 100


@given(seed=seeds, cut=st.integers(0, 12), columns=st.integers(1, 4), pages=st.lists(st.integers(0, 40), max_size=4))
def test_tables_of_normals_are_the_same_however_they_are_cut(
    seed: int, cut: int, columns: int, pages: list[int]
) -> None:
    whole, head, tail = (
        NormalTable(seed, ("path", "a"), first, rows, columns) for first, rows in ((0, 12), (0, cut), (cut, 12 - cut))
    )
    for page in pages:
        joined = np.concatenate([head.page(page), tail.page(page)])
        np.testing.assert_array_equal(whole.page(page), joined)


@pytest.mark.parametrize("table", [UniformTable, NormalTable])
def test_a_page_does_not_depend_on_the_layout_it_is_written_into(table: type[UniformTable] | type[NormalTable]) -> None:
    for rows, columns in ((3, 7), (7, 3), (5, 1)):
        plain = table(1, ("x",), 3, rows, columns).page(3)
        for order in ("C", "F"):
            out = np.empty((rows, columns), dtype=np.float32, order=order)
            assert table(1, ("x",), 3, rows, columns).page(3, out=out) is out
            np.testing.assert_array_equal(out, plain)


def test_pages_of_normals_are_unrelated_also_in_their_size() -> None:
    n = 40_000
    table = NormalTable(3, ("x",), 0, n, 1)
    pages = np.array([table.page(t)[:, 0] for t in range(6)], dtype=float)
    for found in (pages, pages**2, np.abs(pages)):
        apart = np.corrcoef(found) - np.eye(6)
        assert np.abs(apart).max() < 5 / math.sqrt(n)


def test_numbers_have_the_distribution_they_claim() -> None:
    uniform = UniformTable(11, ("event", "a"), 0, 20_000, 2).page(5)
    assert kstest(uniform.ravel(), "uniform").pvalue > 1e-4
    assert uniform.min() >= 0.0
    assert uniform.max() < 1.0
    table = NormalTable(11, ("path", "a"), 0, 20_000, 2)
    for normal in (normals(11, ("drift", "a"), 0, 20_000, 2), table.page(4), table.page(5)):
        assert kstest(normal.ravel(), "norm").pvalue > 1e-4
        assert abs(np.corrcoef(normal.T)[0, 1]) < 5 / math.sqrt(20_000)


def test_the_largest_and_the_least_words_make_numbers() -> None:
    words = np.array([0, 2**32 - 1], dtype=np.uint32).astype(np.float32)
    assert (words * WORD).tolist()[0] == 0.0
    assert (words * WORD).max() < 1.0
