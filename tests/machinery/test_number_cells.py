"""Cells as numbers: marks of missing values, decimal signs, thousands, and what is not guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from riskcast.machinery.number_cells import Numbers, is_mark, mark_text, read_number_columns

NUMBER = st.floats(-1e9, 1e9).map(lambda number: float(f"{number:.12g}"))


def read(*cells: str, marks: Any = (), **how: Any) -> Numbers:
    return read_number_columns({"x": np.array(cells, dtype=object)}, marks, **how)


def values(*cells: str, **how: Any) -> list[float]:
    found = read(*cells, **how)
    assert found.unread == (), found.unread
    return found.values["x"].tolist()


def told(*cells: str, **how: Any) -> list[str]:
    return [
        f"{one.wrong.replace('{}', repr(cells[int(one.rows.argmax())]))}; {one.mend}"
        for one in read(*cells, **how).unread
    ]


@given(st.lists(NUMBER, min_size=1, max_size=9))
def test_plain_numbers_are_those_that_python_reads(numbers: list[float]) -> None:
    assert values(*map(repr, numbers)) == numbers


@given(st.lists(NUMBER, max_size=9), st.sampled_from(["\u00a0", "\u202f", "\u2009"]))
def test_decimal_commas_and_spaces_between_thousands_change_no_number(numbers: list[float], space: str) -> None:
    numbers = [0.5, *numbers]
    written = [f"{number:,.12f}".replace(",", space).replace(".", ",") for number in numbers]
    found = read(*written, semicolons=True)
    assert found.decimal == ","
    assert found.values["x"].tolist() == [float(f"{number:.12f}") for number in numbers]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1.234.567,8", "0,5"), [1234567.8, 0.5]),
        (("1,234,567.8", "0.5"), [1234567.8, 0.5]),
        (("1,234,567",), [1234567.0]),
        (("\u22125", "3"), [-5.0, 3.0]),
        (("1,5e3", "2"), [1500.0, 2.0]),
        (("", "1"), [float("nan"), 1.0]),
        (("TRUE", "false", ""), [1.0, 0.0, float("nan")]),
        # With a decimal comma elsewhere in the table, this is one and a bit.
        (("1,234", "0,5"), [1.234, 0.5]),
    ],
)
def test_numbers_that_can_be_told_are_read(cells: tuple[str, ...], expected: list[float]) -> None:
    np.testing.assert_array_equal(values(*cells), expected)


@pytest.mark.parametrize(
    ("cells", "semicolons", "words"),
    [
        (("1,234", "5"), False, "could be 1234 or 1.234: no cell shows"),
        (("1.234", "5"), True, "could be 1234 or 1.234: no cell shows"),
        (("1.234", "0,5"), True, "could be 1234 or 1.234; write"),
        (("1,5", "0.5"), False, "with a decimal comma, where x has '0.5' with a point"),
        (("1_000",), False, "is '1_000'"),
        (("12 345",), False, "is '12 345'"),
        (("1 234.5",), False, "nothing between thousands"),
        (("1'234.5",), False, "nothing between thousands"),
        ((".a", "1"), False, "`na: [.a]` in case.yaml"),
        (("inf",), False, "is 'inf'"),
        (("40 %",), False, "is '40 %'"),
        (("\uff15",), False, "is '５'"),
        (("TRUE", "2"), False, "is 'TRUE'"),
        (("T",), False, "is 'T'"),
    ],
)
def test_what_could_be_two_numbers_or_is_none_is_told(cells: tuple[str, ...], semicolons: bool, words: str) -> None:
    (said,) = told(*cells, semicolons=semicolons)
    assert words in said


def test_a_point_before_three_digits_is_a_decimal_point_where_commas_separate() -> None:
    assert values("1.234") == [1.234]
    assert values("1.234", "0.5", semicolons=True) == [1.234, 0.5]


def test_events_may_be_letters_and_words() -> None:
    assert values("T", "F", "1", "True", truths=["x"]) == [1.0, 0.0, 1.0, 1.0]


def test_marks_of_missing_values_are_those_that_are_named() -> None:
    cells = ("NA", "-9", "-9.00", "", "3")
    np.testing.assert_array_equal(values(*cells, marks=["NA", -9]), [np.nan, np.nan, np.nan, np.nan, 3.0])
    np.testing.assert_array_equal(values("-9,0", "1,5", marks=["-9"]), [np.nan, 1.5])
    floats = read_number_columns({"x": np.array([-9.0, 1.0])}, [-9]).values["x"]
    np.testing.assert_array_equal(floats, [np.nan, 1.0])
    assert (is_mark("-9.0", [-9]), is_mark("na", ["NA"])) == (True, False)


def test_marks_that_nobody_named_are_told_once_with_what_to_paste() -> None:
    (said,) = told("NA", "NA", ".", "3")
    assert "is '.' or 'NA' in 3 of 4 rows" in said
    assert "`na: [., NA]` in case.yaml" in said
    assert mark_text(["NA", ".", -9.0, "#N/A", "-"]) == "na: [NA, ., -9, '#N/A', '-']"
