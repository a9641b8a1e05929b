"""Tables hold values; what people read of them is made in one place."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from riskcast.forecasting.estimates import Estimate
from riskcast.machinery.tables import TEXTS, Cell, Column, Form, Table, show, to_html
from riskcast.verification.evaluation import Measured

VALUES: dict[Form, tuple[object, str, str]] = {
    "text": ("<b>", "<b>", ""),
    "number": (0.25, "0.25", ""),
    "figure": (-0.0004, "0.000", ""),
    "count": (12_345, "12,345", ""),
    "score": (41.6, "42", ""),
    "points": (-3.14, "−3.1", ""),
    "share": (0.997, ">99 %", ""),
    "change": (0.031, "+3.1", ""),
    "day": (dt.date(2024, 5, 6), "2024-05-06", ""),
    "flag": (True, "yes", ""),
    "proportion": (0.0468, "4.7 %", ""),
    "p": (0.0001, "< 0.001", ""),
    "score range": (Estimate(42.0, 32.4, 56.2), "32–56", ""),
    "share range": (Estimate(0.5, 0.004, 0.61), "<1–61 %", ""),
    "points range": (Estimate(3.42, -0.71, 7.3), "+3.4 (−0.7 to +7.3)", ""),
    "measured": (Measured(0.04, 0.035, 0.0452), "0.0400", "0.0350–0.0452"),
    "skill": (Measured(0.083, -0.012, 0.131), "+8.3 %", "−1.2 to +13.1 %"),
}


@pytest.mark.parametrize("form", TEXTS)
def test_a_value_of_every_form_has_a_text(form: Form) -> None:
    value, text, small = VALUES[form]
    column = Column("x", form=form)
    found = show(value, column)
    assert (found.text, found.small) == (text, small)
    assert show(None, column).text == show(math.nan, column).text == "–"
    assert show("as it is", column).text == "as it is"
    assert show(Cell(value, mark="best"), column).mark == "best"


def test_a_column_may_have_digits_of_its_own() -> None:
    assert show(0.12345, Column("x", form="figure", digits=1)).text == "0.1"
    found = show(Measured(0.12345, 0.1, 0.2), Column("x", form="measured", digits=2))
    assert (found.text, found.small) == ("0.12", "0.10–0.20")


def test_a_row_has_a_cell_for_each_column_or_is_a_heading() -> None:
    columns = (Column("a"), Column("b"))
    (heading,), whole = Table("Two", columns, [("Part one",), ("x", "y")]).shown()
    assert (heading.text, whole[1].text) == ("Part one", "y")
    with pytest.raises(ValueError, match="zip"):
        Table("Two", (*columns, Column("c")), [("x", "y")]).shown()


def test_html_escapes_texts_and_counts_what_it_leaves_out() -> None:
    table = Table("<i>", (Column("<u>"),), [("<b>",)] * 5, note="<s>", warning="<p>", left_out=10)
    text = to_html(table, most=2)
    assert not any(tag in text for tag in ("<i>", "<u>", "<b>", "<s>", "<p>"))
    assert text.count("&lt;b&gt;") == 2
    assert "13 more rows" in text
