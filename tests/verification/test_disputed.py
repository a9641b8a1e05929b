"""Disputed events: part of the record, and scored both as having happened and as not."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest

from riskcast.case.coverage import disputed_rows
from riskcast.case.model import Case
from riskcast.case.vintage import case_as_of
from riskcast.exports.backtest_report import cautions_of, write_backtest
from riskcast.record.arrays import build_record
from riskcast.terminal.forecasts import coverage_view, make_console
from riskcast.terminal.verification import evaluation_view
from riskcast.verification.backtesting import Backtest, backtest
from riskcast.verification.coverage import coverage_data, report_coverage
from riskcast.verification.evaluation import Evaluation, evaluation_data
from riskcast.verification.forecasters import MODEL
from riskcast.verification.origins import Truth, asked_vectors
from riskcast.verification.resolution import what_followed
from tests.support.cases import event_row
from tests.support.origins import small_case

START = dt.date(2016, 12, 31)
ONE, OTHER = "HHH-P001", "HHH-P002"


def disputed_case() -> Case:
    """A case whose years hold one event that is disputed, and in one dyad another beside it that is not."""
    case = small_case(1)
    kept = tuple(row for row in case.event_rows if not (row.type == "rupture" and row.date.year >= 2017))
    doubted = [
        event_row(dt.date(2017, 3, 3), "rupture", ONE),
        event_row(dt.date(2017, 4, 4), "rupture", OTHER),
        event_row(dt.date(2019, 5, 5), "decree", "HHH"),
    ]
    rows = (*kept, *(row.model_copy(update={"status": "disputed"}) for row in doubted))
    return case.revised(event_rows=(*rows, event_row(dt.date(2017, 8, 8), "rupture", OTHER)))


@pytest.fixture(scope="module")
def tested() -> Backtest:
    return backtest(disputed_case(), START, every="year", draws=150, workers_count=1)


@pytest.fixture(scope="module")
def evaluation(tested: Backtest) -> Evaluation:
    return tested.evaluate()


def test_a_disputed_event_is_part_of_the_record() -> None:
    case = disputed_case()
    firm = case.revised(event_rows=tuple(row.model_copy(update={"status": "located"}) for row in case.event_rows))
    one, two = build_record(case), build_record(firm)
    for name in case.events:
        np.testing.assert_array_equal(one.occurred[name], two.occurred[name])
    assert [row.when for row in disputed_rows(case)] == ["2017-03-03", "2017-04-04", "2019-05-05"]
    assert disputed_rows(case_as_of(case, dt.date(2018, 12, 31))) == disputed_rows(case)[:2]


def test_a_unit_whose_only_events_are_disputed_flips() -> None:
    case = disputed_case()
    window = dt.date(2017, 1, 1), dt.date(2017, 12, 31)
    record = build_record(case)
    yes, no = (what_followed(case, record, "rupture", *window, disputed=way) for way in (True, False))
    assert yes.happened.tolist() == [True, True, False]
    assert no.happened.tolist() == [False, True, False]
    assert no.told.all()


def test_tables_hold_both_ways(tested: Backtest) -> None:
    rows = tested.forecasts
    changed = rows[rows["outcome"] != rows["undisputed"]]
    found = set(changed[["origin", "event", "unit"]].itertuples(index=False, name=None))
    assert found == {("2016-12-31", "rupture", ONE), ("2018-12-31", "decree", "HHH")}
    peaks = tested.peaks[(tested.peaks["origin"] == "2016-12-31") & (tested.peaks["level"] == 90.0)].set_index("unit")
    assert peaks["reached"].tolist() == [1, 1, 0]
    assert peaks["undisputed"].tolist() == [0, 1, 0]
    scores = tested.scores[tested.scores["origin"] == "2016-12-31"].set_index("unit")
    assert scores.loc[ONE, "came"] >= 90.0
    assert scores.loc[ONE, "undisputed"] < 40.0
    assert scores.loc[OTHER, "came"] == scores.loc[OTHER, "undisputed"]
    other = tested.vectors.set_index("origin")
    moved = other.loc[["2016-12-31", "2018-12-31"]]
    assert (moved["events"] - moved["events_undisputed"]).tolist() == [1, 1]
    assert (moved["model"] != moved["model_undisputed"]).all()
    assert other.loc["2017-12-31", "model"] == other.loc["2017-12-31", "model_undisputed"]


def test_the_distribution_is_scored_both_ways(tested: Backtest, evaluation: Evaluation) -> None:
    other = evaluation.undisputed
    assert other is not None
    scores = tested.scores
    same = (scores["came"] == scores["undisputed"]).to_numpy()
    assert 0 < (~same).sum() < len(scores)
    for name in evaluation.scores:
        column = f"crps_{name}"
        if column not in scores:
            continue
        one, two = scores[column].to_numpy(), scores[f"{column}_undisputed"].to_numpy()
        np.testing.assert_array_equal(one[same], two[same])
        assert (one[~same] != two[~same]).all()
        for found, mean in ((evaluation.scores[name].crps, one.mean()), (other.scores[name].crps, two.mean())):
            assert found is not None
            assert found.value == pytest.approx(mean)


def test_only_vectors_that_differ_are_asked_for_twice() -> None:
    case = disputed_case()
    truth = Truth.of(case)
    asked = {year: asked_vectors(truth, case_as_of(case, dt.date(year, 12, 31)), 12) for year in (2016, 2017)}
    assert {year: list(vectors) for year, vectors in asked.items()} == {
        2016: ["as recorded", "undisputed"],
        2017: ["as recorded"],
    }


def test_every_measure_is_there_both_ways(tested: Backtest, evaluation: Evaluation) -> None:
    other = evaluation.undisputed
    assert other is not None
    assert other.undisputed is None
    # The same forecasts against a case in which nobody entered the disputed events, but which forecast with them.
    rows = tested.forecasts
    model = rows[MODEL].to_numpy()
    brier = other.slices["all"].performances[MODEL].brier
    assert brier.value == pytest.approx(((model - rows["undisputed"]) ** 2).mean())
    assert evaluation.slices["all"].performances[MODEL].brier.value == pytest.approx(
        ((model - rows["outcome"]) ** 2).mean()
    )
    frame = evaluation.to_frame().set_index(["slice", "forecaster", "score"])
    assert frame.loc[("all", MODEL, "brier"), "undisputed"] == pytest.approx(brier.value)
    for score in ("rps", "score_rmse", "vector_log_probability", "log_score"):
        assert frame.loc[("all", MODEL, score), "undisputed"] != frame.loc[("all", MODEL, score), "value"]
    data = json.loads(json.dumps(evaluation_data(evaluation), allow_nan=False))
    assert data["undisputed"]["slices"]["all"]["performances"][MODEL]["brier"]["value"] == round(brier.value, 10)
    assert data["undisputed"]["undisputed"] is None


def test_pages_say_both_ways(tested: Backtest, evaluation: Evaluation, tmp_path, capsys) -> None:
    make_console().print(evaluation_view("A test", evaluation, cautions_of(tested)))
    told = " ".join(capsys.readouterr().out.split())
    value = (
        f"{evaluation.undisputed.slices['all'].performances[MODEL].brier.value:.4f}" if evaluation.undisputed else ""
    )
    assert f"{value} if disputed events did not happen" in told
    assert "Had no disputed event happened" in told
    assert "3 events are disputed (2017-03-03 rupture HHH-P001, 2017-04-04 rupture HHH-P002, 2019-05-05" in told
    page = write_backtest(tested, evaluation, tmp_path / "report").read_text()
    assert f"{value} if disputed events did not happen" in page
    assert "Sources disagree whether some events of the record happened." in page
    csv = (tmp_path / "report" / "scores.csv").read_text().splitlines()
    assert csv[0] == "slice,forecaster,score,value,low,high,undisputed"
    assert (tmp_path / "report" / "vectors.parquet").exists()


def test_where_nothing_is_disputed_nothing_is_said_of_it(capsys) -> None:
    tested = backtest(small_case(1), dt.date(2018, 12, 31), every="year", draws=100, workers_count=1)
    evaluation = tested.evaluate()
    assert "undisputed" not in tested.forecasts
    assert evaluation.undisputed is None
    make_console().print(evaluation_view("A test", evaluation, cautions_of(tested)))
    assert "isputed" not in capsys.readouterr().out
    frame = evaluation.to_frame()
    np.testing.assert_array_equal(frame["value"], frame["undisputed"])


def test_check_counts_and_names_them(capsys) -> None:
    report = report_coverage(disputed_case(), draws=200)
    make_console().print(coverage_view(report))
    told = " ".join(capsys.readouterr().out.split())
    assert "which backtests score both ways: 3 events (2017-03-03 rupture HHH-P001" in told
    assert [row["date"] for row in coverage_data(report)["disputed"]] == ["2017-03-03", "2017-04-04", "2019-05-05"]
    assert coverage_data(report_coverage(small_case(1), draws=200))["disputed"] == []
