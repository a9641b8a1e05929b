"""The chart of one probability under several futures shows the numbers of their forecasts."""

from __future__ import annotations

import json

import pytest

import riskcast
from riskcast import charts
from riskcast.errors import OptionError
from tests.support.cases import random_case


@pytest.fixture(scope="module")
def forecasts() -> dict[str, riskcast.Forecast]:
    posterior = riskcast.fit(random_case(1), draws=100, prior_only=True)
    return {"Baseline": riskcast.forecast(posterior), "Storm": riskcast.forecast(posterior, "storm")}


def test_every_future_has_a_line_through_its_probabilities(forecasts: dict[str, riskcast.Forecast]) -> None:
    spec = charts.futures_chart(forecasts, "spark", "HHH-P001").to_dict()
    json.dumps(spec)
    rows = spec["layer"][0]["data"]["values"] if "data" in spec["layer"][0] else spec["data"]["values"]
    for label, ahead in forecasts.items():
        own = [row for row in rows if row["scenario"] == label]
        assert [row["probability"] for row in own] == [0.0, *ahead.by_period("spark", "HHH-P001")]
        assert (own[0]["day"], own[-1]["day"]) == (ahead.case.as_of.isoformat(), ahead.window[1].isoformat())
        assert {row["assumed"] for row in own} == {ahead.is_assumed("spark", "HHH-P001")}


def test_more_futures_than_colours_are_refused(forecasts: dict[str, riskcast.Forecast]) -> None:
    for given in ({}, {str(number): forecasts["Storm"] for number in range(5)}):
        with pytest.raises(OptionError, match="give 1 to 4"):
            charts.futures_chart(given, "spark", "HHH-P001")
