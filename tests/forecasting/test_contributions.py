"""Contributions to a score and to its change: one record, one table, one waterfall."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from riskcast.charts.comparison import waterfall_chart
from riskcast.comparison.attribute_changes import Difference, difference_data
from riskcast.exports.plain_data import explanation_data, read_explanation
from riskcast.forecasting.attribution import Explanation
from riskcast.forecasting.contributions import Contribution, contribution_rows, ranked

OWN = (
    Contribution("a", "First <b>", "indicator", 3.0, 0.1),
    Contribution("b + c", "Two together", "recent", -1.5, 0.2, ("b", "c")),
    *(Contribution(f"x{n}", f"Small {n}", "indicator", 0.1, 0.0) for n in range(5)),
)


def explanation() -> Explanation:
    return Explanation({"X-Y": 10.0}, {"X-Y": 12.0}, {"X-Y": OWN})


def difference() -> Difference:
    return Difference(
        first="May",
        second="June",
        changes=(),
        silent=(),
        scores={"X-Y": (10.0, 12.0)},
        contributions={"X-Y": OWN},
        exact=True,
        permutations=0,
        forecasts=2,
        scenario="baseline",
        horizons=(12, 12),
        draws=100,
        seed=1,
        hashes=("0", "1"),
        notes=("A note.",),
        failures=("a: k-hat",),
    )


def test_the_largest_comes_first_up_or_down() -> None:
    assert [each.id for each in ranked(OWN[::-1])][:2] == ["a", "b + c"]


@pytest.mark.parametrize(("made", "names"), [(explanation, ("reference", "score")), (difference, ("May", "June"))])
def test_both_are_told_in_one_table(made: Callable[[], Explanation | Difference], names: tuple[str, str]) -> None:
    attribution = made()
    split = attribution.split("X-Y")
    assert (split.start, split.end, split.contributions) == (10.0, 12.0, OWN)
    told = attribution._repr_html_()
    assert all(f"{text}" in told for text in (*names, "First &lt;b&gt;", "+3.0", "2 others", "+0.2", "10.0", "12.0"))
    assert told.index(names[0]) < told.index("First") < told.index("2 others")
    frame = attribution.to_frame()
    assert [tuple(row)[:6] for row in frame.itertuples(index=False)] == [
        row[:6] for row in contribution_rows(attribution)
    ]


def test_columns_are_named_for_what_they_split() -> None:
    rest = ["label", "kind", "points", "error"]
    assert list(explanation().to_frame().columns) == ["dyad", "driver", *rest, "low", "high"]
    assert list(difference().to_frame().columns) == ["dyad", "change", *rest]


def test_a_difference_has_a_waterfall_from_case_to_case() -> None:
    chart = waterfall_chart(difference(), "X-Y", name="Yland").to_dict()
    rows = [row for layer in chart["layer"] for row in layer["data"]["values"]]
    assert {row["row"]: row["text"] for row in rows if "value" in row} == {"reference": "10.0", "score": "12.0"}
    assert [row["label"] for row in rows if "value" in row][:2] == ["May", "June"]
    assert [row["text"] for row in rows if "points" in row][:2] == ["+3.0", "−1.5"]
    assert "What changed the score of Yland by +2.0" in str(chart["title"])


def test_files_keep_the_names_of_their_keys() -> None:
    plain = explanation_data(explanation())
    assert list(plain) == ["reference", "score", "contributions"]
    assert all(list(each) == ["driver", "label", "kind", "points", "error"] for each in plain["contributions"]["X-Y"])
    (dyad,) = difference_data(difference())["dyads"]
    assert [list(each) for each in dyad["shares"]] == 7 * [
        ["id", "label", "kind", "points", "error", "low", "high", "changes"]
    ]
    assert dyad["shares"][1]["changes"] == ("b", "c")


@pytest.mark.parametrize(
    "broken",
    [
        {"driver": "a", "label": "A", "kind": "recent", "points": 1.0},
        {"label": "A", "kind": "recent", "points": 1.0, "error": 0.0},
        {"driver": "a", "label": "A", "kind": "recent", "points": "many", "error": 0.0},
        "a",
    ],
)
def test_what_is_no_explanation_is_refused(broken: object) -> None:
    plain = explanation_data(explanation())
    with pytest.raises((ValueError, KeyError)):
        read_explanation(plain | {"contributions": {"X-Y": [broken]}})
