"""The exceedance chart holds the curve of the risk that it is made of."""

from __future__ import annotations

import json

import pytest

import riskcast
from riskcast import charts
from riskcast.errors import UnknownNameError
from riskcast.exports.brief.severity import MOST_LEVELS, severity_table
from tests.support.cases import event, make_case, quantity, random_case


@pytest.fixture(scope="module")
def risk() -> riskcast.Risk:
    case = random_case(1)
    case = case.revised(settings=case.settings.model_copy(update={"grave": 50.0}))
    return riskcast.score(riskcast.forecast(riskcast.fit(case, draws=100, prior_only=True), paths=4))


def rows_of(spec: dict) -> list[dict]:
    return (
        [row for rows in spec.get("datasets", {}).values() for row in rows]
        + [row for layer in spec.get("layer", []) for row in rows_of(layer)]
        + spec.get("data", {}).get("values", [])
    )


@pytest.mark.parametrize("palette", [charts.LIGHT, charts.DARK])
def test_the_curve_runs_through_the_chances_of_the_pair(risk: riskcast.Risk, palette: charts.Palette) -> None:
    dyad = risk.dyads[-1]
    spec = charts.exceedance_chart(risk, dyad.id, palette=palette).to_dict()
    json.dumps(spec)
    dots = {(row["severity"], row["probability"]) for row in rows_of(spec) if "outcomes" in row}
    assert dots == set(dyad.exceedance)
    assert {row["curve"] for row in rows_of(spec) if "curve" in row} == {d.id for d in risk.dyads} - {dyad.id}
    assert "Grave, 50 or more" in spec["description"]


def test_the_pair_with_the_highest_score_is_drawn_where_none_is_named(risk: riskcast.Risk) -> None:
    top = max(risk.dyads, key=lambda dyad: dyad.score.mean)
    assert (top.partner_name or top.id) in charts.exceedance_chart(risk).to_dict()["description"]
    with pytest.raises(UnknownNameError):
        charts.exceedance_chart(risk, "HHH-ZZZ")


def test_the_briefs_table_shows_the_grave_severity_however_many_there_are() -> None:
    events = {f"e{level}": event(quantity(0.1), severity=float(level)) for level in range(5, 100, 7)}
    case = make_case(events, horizon=2)
    case = case.revised(settings=case.settings.model_copy(update={"grave": 60.0}))
    risk = riskcast.score(riskcast.forecast(riskcast.fit(case, draws=100, prior_only=True), paths=2))
    table = severity_table(risk)
    levels = [float(column.name[2:]) for column in table.columns[5:]]
    assert len(levels) <= MOST_LEVELS
    assert min(level for level in risk.forecast.exceedance if level >= 60.0) in levels
    for row, dyad in zip(table.rows, sorted(risk.dyads, key=lambda d: -d.score.mean), strict=True):
        assert list(row[5:]) == [dict(dyad.exceedance)[level] for level in levels]
