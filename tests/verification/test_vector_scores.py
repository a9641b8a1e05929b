"""Joint log scores of a backtest: whose probability of what, and that no forecast knows what is asked."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pandas
import pytest

from riskcast.case.model import Case
from riskcast.case.vintage import case_as_of
from riskcast.errors import OptionError
from riskcast.forecasting.requests import Request
from riskcast.verification.backtesting import Backtest, backtest
from riskcast.verification.forecasters import CELL_BY_CELL, LEFT_OUT, MODEL, POOLED_RATE
from riskcast.verification.measured import Resampling
from riskcast.verification.origins import Known, Truth, Vector, asked_vectors, forecast_origin
from riskcast.verification.vector_scores import score_vectors
from tests.support.cases import searched
from tests.support.origins import small_case

START = dt.date(2016, 12, 31)


@pytest.fixture(scope="module")
def tested() -> Backtest:
    return backtest(small_case(1), START, every="year", draws=400, workers_count=1)


def test_every_origin_has_the_vector_of_its_forecasts(tested: Backtest) -> None:
    assert tested.vectors["origin"].tolist() == [day.isoformat() for day in tested.origins]
    for row in tested.vectors.to_dict("records"):
        own = tested.forecasts[tested.forecasts["origin"] == row["origin"]]
        assert (row["cells"], row["events"]) == (len(own), own["outcome"].sum())
        for name, column in ((CELL_BY_CELL, MODEL), (POOLED_RATE, POOLED_RATE)):
            expected = np.log(np.where(own["outcome"] == 1, own[column], 1 - own[column])).sum()
            assert row[name] == pytest.approx(float(expected))
        assert row[MODEL] < 0.0
        assert 0.0 < row["error"] < 0.5
        # Dependence moves the probability of the whole, but not by orders of magnitude here.
        assert abs(row[MODEL] - row[CELL_BY_CELL]) < 3.0


def test_scores_are_means_over_origins(tested: Backtest) -> None:
    found = tested.evaluate().vectors
    assert list(found)[:2] == [MODEL, CELL_BY_CELL]
    assert LEFT_OUT not in found
    pooled, model = found[POOLED_RATE], found[MODEL]
    assert pooled.log_probability.value == pytest.approx(tested.vectors[POOLED_RATE].mean())
    assert pooled.gain is not None
    assert pooled.gain.value == pytest.approx((tested.vectors[MODEL] - tested.vectors[POOLED_RATE]).mean())
    assert pooled.gain.low <= pooled.gain.value <= pooled.gain.high
    assert model.gain is None
    errors = tested.vectors["error"]
    assert model.error == pytest.approx(math.sqrt((errors**2).sum()) / len(errors))
    assert model.bias == pytest.approx(-0.5 * (errors**2).mean())
    frame = tested.evaluate().to_frame().set_index(["slice", "forecaster", "score"])
    assert frame.loc[("all", POOLED_RATE, "vector_gain"), "value"] == pytest.approx(pooled.gain.value)


def test_no_forecast_depends_on_the_vectors_that_are_asked_for() -> None:
    case = small_case(2)
    known = case_as_of(case, START)
    request = Request(known, horizon=12, draws=100, allow_unreliable=True)
    asked = asked_vectors(Truth.of(case), known, 12)
    other = {name: dataclasses.replace(one, came={e: ~v for e, v in one.came.items()}) for name, one in asked.items()}
    plain, one, two = (forecast_origin(Known(request, asked=vectors)) for vectors in ({}, asked, other))
    for made in (one, two):
        for name, events in plain.probability.items():
            for event, chance in events.items():
                np.testing.assert_array_equal(made.probability[name][event], chance)
    assert not plain.joint
    assert one.joint["as recorded"].log_probability != two.joint["as recorded"].log_probability


def test_what_the_record_cannot_tell_is_no_part_of_a_vector() -> None:
    case = small_case(1)
    first, turn, last = case.settings.history_from, dt.date(2017, 5, 31), case.as_of
    rows = [(name, "ALL", first, last, 1.0) for name in ("rupture", "decree")]
    quarrel = [("quarrel", "ALL", first, turn, 1.0), ("quarrel", "ALL", dt.date(2018, 1, 1), last, 1.0)]
    blind = searched(case, *rows, *quarrel)
    known = case_as_of(blind, START)
    vector = asked_vectors(Truth.of(blind), known, 12)["as recorded"]
    quarrels = {row.dyad for row in case.event_rows if row.type == "quarrel" and START < row.date <= turn}
    # An event is known to have happened on days that were searched; that none did takes all of them.
    assert vector.told["quarrel"].tolist() == [dyad in quarrels for dyad in case.dyads]
    assert vector.told["rupture"].all()
    found = backtest(blind, START, START, every="year", draws=100, workers_count=1)
    assert found.vectors["cells"].tolist() == [3 + 1 + len(quarrels)] == [len(found.forecasts)]
    assert found.health["left_out"].tolist() == [3 - len(quarrels)]


def table(**columns: object) -> pandas.DataFrame:
    rows = {
        "origin": ["2019-12-31", "2020-12-31"],
        "cells": 4,
        "events": 1,
        "error": 0.1,
        "model": [-2.0, -1.0],
        "pooled_rate": [-2.5, -1.5],
    } | columns
    return pandas.DataFrame({name: value for name, value in rows.items() if value is not None})


def test_an_impossible_year_is_minus_infinity() -> None:
    found = score_vectors(table(pooled_rate=[-np.inf, -1.5]), Resampling("years"), 200)
    assert found["pooled_rate"].log_probability.value == -np.inf
    assert found["pooled_rate"].gain is not None
    assert found["pooled_rate"].gain.value == np.inf
    assert found["pooled_rate"].gain.low == 0.5
    assert found["model"].log_probability.low == -2.0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"model": None}, "vectors has no column 'model'; it needs origin, cells, events, error, model"),
        ({"pooled_rate": None}, "vectors has nobody to compare with; give one of cell_by_cell"),
        ({"origin": "2019-12-31"}, "two rows for one origin"),
        ({"pooled_rate": [0.5, -1.0]}, "pooled_rate is no log probability in some row"),
        ({"model": [float("nan"), -1.0]}, "model is no log probability in some row"),
    ],
)
def test_tables_that_cannot_be_scored_are_refused(columns: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        score_vectors(table(**columns))


def test_a_vector_holds_what_its_case_has() -> None:
    case: Case = small_case(1)
    vector = asked_vectors(Truth.of(case), case_as_of(case, START), 12)["as recorded"]
    assert isinstance(vector, Vector)
    assert {name: grid.shape for name, grid in vector.near.items()} == {
        "quarrel": (12, 3),
        "rupture": (12, 3),
        "decree": (12, 1),
    }
    for name, grid in vector.near.items():
        np.testing.assert_array_equal(grid.any(axis=0), vector.came[name])
