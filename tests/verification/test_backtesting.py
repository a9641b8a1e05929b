"""Rolling origins see nothing of what follows, resume where they stopped, and resolve as the record says."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import os
import signal
import subprocess
import sys
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas
import pytest

from riskcast.case.model import Case
from riskcast.case.panel import Panel
from riskcast.case.vintage import case_as_of
from riskcast.errors import OptionError
from riskcast.forecasting.requests import Request
from riskcast.record.arrays import build_record
from riskcast.verification.backtesting import backtest, choose_origins
from riskcast.verification.forecasters import (
    DYAD_MEAN,
    DYAD_RATE,
    LAST_TWO_YEARS,
    LEFT_OUT,
    MODEL,
    PERSISTENCE,
    POOL,
    POOLED_MEAN,
    POOLED_RATE,
    PRIOR_ONLY,
)
from riskcast.verification.origins import AtOrigin, Known, Truth, forecast_origin, resolve, severities
from riskcast.verification.past_scores import past_scores, realised_scores, score_references
from tests.support.cases import edge, event, event_row, make_case, quantity
from tests.support.clusters import Cluster, needs_distributed
from tests.support.origins import panel_case, small_case
from tests.support.places import ROOT

FORECASTERS = [MODEL, PRIOR_ONLY, POOLED_RATE, DYAD_RATE, PERSISTENCE, LAST_TWO_YEARS]
RIVALS = ("logit", POOL)
ORIGIN = dt.date(2017, 12, 31)


def what_is_known(case: Case, draws: int, leave_one_dyad_out: bool = False) -> Known:
    """What a forecast of a year from a case's last day may use."""
    return Known(Request(case, horizon=12, draws=draws, allow_unreliable=True), leave_one_dyad_out)


def scrambled(case: Case, after: dt.date, seed: int = 5) -> Case:
    """The case with everything after a day shuffled: events on other days and dyads, other covariates."""
    rng = np.random.default_rng(seed)
    if case.panel is not None:
        panel, later = case.panel, case.panel.period > after.year
        events = {name: values.copy() for name, values in panel.events.items()}
        levels = {name: values.copy() for name, values in panel.levels.items()}
        for values in events.values():
            values[later] = 1.0 - values[later]
        for values in levels.values():
            much_later = panel.period > after.year + 1
            values[much_later] = rng.permutation(values[much_later])
        return case.revised(panel=dataclasses.replace(panel, events=events, levels=levels))
    rows = {}
    for row in case.event_rows:
        if row.date > after:
            day = after + dt.timedelta(days=int(rng.integers(1, (case.as_of - after).days)))
            units = case.units(row.type)
            row = event_row(day, row.type, units[int(rng.integers(len(units)))])
        rows[row.type, row.dyad, row.date] = row
    return case.revised(event_rows=tuple(rows.values()))


@pytest.mark.parametrize("case", [small_case(), panel_case()], ids=["events", "panel"])
def test_shuffling_the_future_changes_no_earlier_forecast(case: Case) -> None:
    other = scrambled(case, ORIGIN)
    assert other.hash != case.hash
    begin = dt.date(2015, 1, 1)
    first, second = (backtest(each, begin, ORIGIN, draws=100, workers_count=1, rivals=RIVALS) for each in (case, other))
    keys = ["origin", "event", "unit"]
    assert len(first.forecasts) > 20
    both = first.forecasts.merge(second.forecasts, on=keys, suffixes=("", "_other"))
    assert len(both) == len(first.forecasts)
    for name in (*FORECASTERS, *RIVALS):
        assert (both[name] == both[f"{name}_other"]).all()
    assert len(first.steps) == len(second.steps) > 0 or first.horizon == 1
    for name in RIVALS if len(first.steps) else ():
        assert (first.steps[name] == second.steps[name]).all()
    assert first.weights.equals(second.weights)
    last = both[both["origin"] == ORIGIN.isoformat()]
    assert (last["outcome"] != last["outcome_other"]).any()
    # Forecasts do depend on the past: a shuffle before the origin shows.
    third = backtest(scrambled(case, dt.date(2015, 12, 31)), begin, ORIGIN, draws=100, workers_count=1)
    moved = first.forecasts.merge(third.forecasts, on=keys, suffixes=("", "_other"))
    for name in (MODEL, POOLED_RATE, DYAD_RATE, PERSISTENCE):
        assert (moved[name] != moved[f"{name}_other"]).any()


def test_what_followed_is_what_the_record_holds() -> None:
    case = small_case(3)
    tested = backtest(case, dt.date(2016, 1, 1), None, 6, 12, draws=100, workers_count=1)
    rows = tested.forecasts
    for row in rows.to_dict("records"):
        begin = dt.date.fromisoformat(row["origin"])
        end = dt.date(begin.year + 1, begin.month, begin.day)
        own = [e.date for e in case.event_rows if e.type == row["event"] and e.dyad == row["unit"]]
        assert row["outcome"] == any(begin < day <= end for day in own)
        assert row["recent"] == any(dt.date(begin.year - 1, begin.month, begin.day) < day <= begin for day in own)
    assert set(rows["event"]) == set(case.outcomes)
    severity = {name: outcome.severity for name, outcome in case.events.items() if outcome.severity is not None}
    for row in tested.peaks.to_dict("records"):
        begin = dt.date.fromisoformat(row["origin"])
        end = dt.date(begin.year + 1, begin.month, begin.day)
        seen = [severity[e.type] for e in case.event_rows if begin < e.date <= end]
        own = [e for e in case.event_rows if begin < e.date <= end and e.dyad == row["unit"]]
        worst = max((severity[e.type] for e in own), default=0.0)
        assert row["reached"] == (worst >= row["level"]), seen
    assert sorted(set(tested.peaks["level"])) == list(severities(case))
    for row in tested.scores.to_dict("records"):
        begin = dt.date.fromisoformat(row["origin"])
        end = dt.date(begin.year + 1, begin.month, begin.day)
        types = {e.type for e in case.event_rows if begin < e.date <= end and e.dyad == row["unit"]}
        left = math.prod(1 - severity[name] / 100 for name in types)
        assert row["came"] == pytest.approx(100 * (1 - left))
    assert len(tested.scores) == len(tested.origins) * len(case.dyads)
    by = {MODEL, PRIOR_ONLY, POOLED_MEAN, DYAD_MEAN}
    assert set(tested.scores.columns) == {"origin", "unit", "came", *by, *(f"crps_{name}" for name in by)}
    assert 0.0 < tested.scores["came"].mean() < 100.0


def test_an_implied_outcome_adds_to_what_came_where_a_month_holds_it_alone() -> None:
    events = {"note": event(quantity(0.3), severity=40.0), "word": event(quantity(0.3), severity=10.0)}
    events["word"]["implied_by"] = ("note",)
    rows = (
        event_row(dt.date(2020, 3, 5), "note", "HHH-P001"),
        event_row(dt.date(2020, 3, 20), "word", "HHH-P001"),
        event_row(dt.date(2020, 3, 5), "note", "HHH-P002"),
        event_row(dt.date(2020, 4, 5), "word", "HHH-P002"),
        event_row(dt.date(2019, 4, 5), "word", "HHH-P003"),
    )
    case = make_case(events, rows=rows)
    record = build_record(case)
    happened = {name: record.occurred[name][-12:].any(axis=0) for name in events}
    came = realised_scores(case, record, happened, record.timeline.length - 12, record.timeline.length - 1)
    np.testing.assert_allclose(came, [40.0, 46.0, 0.0])
    np.testing.assert_allclose(past_scores(case, record, 12)[-2:], [[0.0, 0.0, 10.0], [40.0, 46.0, 0.0]], atol=1e-9)
    np.testing.assert_allclose(past_scores(case, record, 24)[-1], [40.0, 46.0, 10.0])


def test_references_of_scores_are_means_of_past_windows() -> None:
    case = small_case(2)
    known = case_as_of(case, ORIGIN)
    record = build_record(known)
    rates = {POOLED_RATE: {name: np.full(len(known.units(name)), 0.2) for name in known.outcomes}}
    found = score_references(known, record, 12, rates)
    past = np.array(
        [
            [
                100
                * (
                    1
                    - math.prod(
                        1 - (case.events[name].severity or 0.0) / 100
                        for name in known.own_outcomes
                        if any(
                            e.type == name and e.dyad == dyad and start < e.date <= start.replace(year=start.year + 1)
                            for e in known.event_rows
                        )
                    )
                )
                for dyad in known.dyads
            ]
            for start in (ORIGIN.replace(year=year) for year in range(ORIGIN.year - 1, 2009, -1))
        ]
    )
    whole = len(past_scores(known, record, 12))
    past = past[:whole]
    np.testing.assert_allclose(found[POOLED_MEAN], np.full(len(known.dyads), past.mean()))
    np.testing.assert_allclose(found[DYAD_MEAN], (past.sum(axis=0) + past.mean()) / (whole + 1))
    # Without a whole window of the record, base rates stand in.
    short = score_references(known, record, 10_000, rates)
    np.testing.assert_allclose(short[POOLED_MEAN], 100 * (1 - (1 - 0.3 * 0.2) * (1 - 0.9 * 0.2)))
    np.testing.assert_allclose(short[DYAD_MEAN], short[POOLED_MEAN])


def made_by_hand(case: Case, origin: dt.date) -> tuple[AtOrigin, Case]:
    known = case_as_of(case, origin)
    rates = {name: np.full(len(known.units(name)), 0.25) for name in case.outcomes}
    peaks = np.full((len(severities(case)), len(known.dyads)), 0.25)
    recent = {name: np.zeros(len(known.units(name)), dtype=bool) for name in case.outcomes}
    scores = {MODEL: np.full(len(known.dyads), 20.0)}
    return AtOrigin(origin, {MODEL: rates}, {MODEL: peaks}, scores, recent, 0.0, 0.1, 500.0, ()), known


def test_forecasts_that_cannot_be_told_are_left_out() -> None:
    panel = Panel(
        ("S01-S02", "S01-S03", "S02-S03", "S02-S04"),
        np.array([0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3]),
        np.array([2018, 2019, 2020, 2018, 2019, 2018, 2019, 2020, 2018, 2019, 2020]),
        {},
        {"war": np.array([0.0, 0, 0, 0, 0, 0, 1, np.nan, 0, 0, 1])},
    )
    case = make_case({"war": event(quantity(0.1, 0.03, 0.3))}, period="year", horizon=2, years=5, panel=panel)
    made, known = made_by_hand(case, dt.date(2018, 12, 31))
    found = resolve(Truth.of(case), made, known, 2)
    forecasts, peaks = found.forecasts, found.peaks
    # S01-S03 leaves the record after a quiet year; S02-S03 leaves it too, but after its event.
    assert dict(zip(forecasts["unit"], forecasts["outcome"], strict=True)) == {
        "S01-S02": 0,
        "S02-S03": 1,
        "S02-S04": 1,
    }
    assert dict(zip(peaks["unit"], peaks["reached"], strict=True)) == {"S01-S02": 0, "S02-S03": 1, "S02-S04": 1}
    came = dict(zip(found.scores["unit"], found.scores["came"], strict=True))
    assert came == pytest.approx({"S01-S02": 0.0, "S02-S03": 50.0, "S02-S04": 50.0})


def test_references_join_outcomes_as_if_independent() -> None:
    case = small_case(1)
    made = forecast_origin(what_is_known(case_as_of(case, ORIGIN), 100))
    rates = made.probability[POOLED_RATE]
    quarrel, rupture = rates["quarrel"], rates["rupture"]
    assert severities(case) == (30.0, 90.0)
    expected = [1 - (1 - quarrel) * (1 - rupture), rupture]
    np.testing.assert_allclose(made.peaks[POOLED_RATE], expected)
    assert (np.diff(made.peaks[MODEL], axis=0) <= 0).all()


def test_peaks_agree_with_probabilities_where_only_one_outcome_can_cause_them() -> None:
    case = small_case(1)
    made = forecast_origin(what_is_known(case_as_of(case, ORIGIN), 4000))
    np.testing.assert_allclose(made.peaks[MODEL][-1], made.probability[MODEL]["rupture"], atol=0.02)


def test_a_dyad_left_out_is_forecast_without_its_own_record() -> None:
    case = small_case(2)
    busy = case.dyads[0]
    days = [dt.date(year, month, 20) for year in range(2013, 2018) for month in range(1, 13)]
    more = tuple(event_row(day, "quarrel", busy) for day in days)
    loud = case.revised(event_rows=(*case.event_rows, *more))
    made = forecast_origin(what_is_known(case_as_of(loud, dt.date(2019, 12, 31)), 400, leave_one_dyad_out=True))
    with_record, without = (made.probability[name]["quarrel"] for name in (MODEL, LEFT_OUT))
    assert with_record[0] > without[0] + 0.05
    assert made.probability[LEFT_OUT]["decree"] == made.probability[MODEL]["decree"]


def test_same_digits_on_any_workers() -> None:
    case = small_case()
    start = dt.date(2017, 1, 1)
    here = backtest(case, start, draws=100, workers_count=1)
    processes = backtest(case, start, draws=100, workers_count=2)
    with ThreadPoolExecutor(2) as pool:
        threads = backtest(case, start, draws=100, executor=pool)
    for other in (processes, threads):
        pandas.testing.assert_frame_equal(here.forecasts, other.forecasts)
        pandas.testing.assert_frame_equal(here.peaks, other.peaks)


@needs_distributed
def test_a_cluster_that_loses_a_worker_gives_the_same_digits(tmp_path: Path) -> None:
    case, start = small_case(), dt.date(2015, 1, 1)
    here = backtest(case, start, draws=100, workers_count=1)
    with Cluster(tmp_path) as cluster:
        victim, _ = cluster.add_worker(), cluster.add_worker()
        reports = []

        def kill(done: int, total: int) -> None:
            reports.append(done)
            if done == 2:
                victim.kill()

        there = backtest(case, start, draws=100, cluster=cluster.address, progress=kill)
        assert victim.wait() != 0
    assert reports == list(range(len(here.origins) + 1))
    pandas.testing.assert_frame_equal(here.forecasts, there.forecasts)


def written(out: Path) -> dict[str, int]:
    """Files of finished origins and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (out / "finished").glob("*.zip")}


def test_finished_origins_are_not_repeated(tmp_path: Path) -> None:
    case = small_case()
    short = backtest(case, dt.date(2018, 1, 1), draws=100, workers_count=1, out=tmp_path)
    before = written(tmp_path)
    longer = backtest(case, dt.date(2017, 1, 1), draws=100, workers_count=1, out=tmp_path)
    assert len(before) == len(short.origins) < len(longer.origins) == len(written(tmp_path))
    assert before.items() <= written(tmp_path).items()
    again = longer.forecasts[longer.forecasts["origin"] >= short.origins[0].isoformat()].reset_index(drop=True)
    pandas.testing.assert_frame_equal(again, short.forecasts)
    with pytest.raises(OptionError, match="holds another run: draws is 100 there, 200 here"):
        backtest(case, dt.date(2018, 1, 1), draws=200, workers_count=1, out=tmp_path)


SCRIPT = """
import datetime as dt, sys
sys.path.insert(0, {tests!r})
from tests.support.origins import small_case
from riskcast.verification.backtesting import backtest
if __name__ == "__main__":
    backtest(small_case(), dt.date(2014, 1, 1), every=6, draws=100, workers_count={workers}, out={out!r},
             progress=lambda done, total: print(done, total, flush=True))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, workers: int) -> None:
    out = tmp_path / "out"
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.format(tests=str(ROOT), out=str(out), workers=workers))
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line.split()[0]) >= 3:
            os.killpg(process.pid, signal.SIGKILL)
            break
    # Its output ends when it and all its workers have.
    process.communicate()
    before = written(out)
    start = dt.date(2014, 1, 1)
    resumed = backtest(small_case(), start, every=6, draws=100, workers_count=1, out=out)
    assert 3 <= len(before) < len(resumed.origins) == len(written(out))
    assert before.items() <= written(out).items()
    whole = backtest(small_case(), start, every=6, draws=100, workers_count=1)
    pandas.testing.assert_frame_equal(resumed.forecasts, whole.forecasts)
    pandas.testing.assert_frame_equal(resumed.peaks, whole.peaks)


@pytest.mark.parametrize(("period", "horizon", "every"), [("month", 12, 6), ("year", 1, 1)])
def test_frequent_events_are_forecast_and_scored(period: str, horizon: int, every: int) -> None:
    rng = np.random.default_rng(4)
    days = [dt.date(year, month, 15) for year in range(2012, 2021) for month in range(1, 13)]
    rows = tuple(event_row(day, "clash", f"HHH-P{p:03d}") for day in days for p in (1, 2, 3) if rng.random() < 0.6)
    habit = [edge("clash", "clash", quantity(1.5, 1.0, 2.2), whose="own", memory="fast", acts="next")]
    clash = {"clash": event(quantity(0.9, 0.5, 0.99), severity=90.0)}
    spread = quantity(0.2)
    case = make_case(clash, habit, years=9, period=period, horizon=horizon, rows=rows, sd_time=spread)
    tested = backtest(case, start=dt.date(2017, 1, 1), every=every, draws=100, workers_count=1)
    assert ((tested.forecasts[MODEL] >= 0.0) & (tested.forecasts[MODEL] <= 1.0)).all()
    assert ((tested.peaks[MODEL] >= 0.0) & (tested.peaks[MODEL] <= 1.0)).all()
    assert MODEL in tested.evaluate().severity


def test_random_folds_are_refused_with_the_reason() -> None:
    with pytest.raises(OptionError, match=r"only `rolling` is accepted: random folds put rows of one dyad"):
        backtest(small_case(), folds="random")


def test_origins_are_counted_back_from_what_can_be_scored() -> None:
    case = small_case()
    found, unscored = choose_origins(case, dt.date(2016, 1, 1), None, None, 12)
    assert found == tuple(dt.date(year, 12, 31) for year in range(2016, 2020))
    assert unscored == (dt.date(2020, 12, 31),)
    found, unscored = choose_origins(case, dt.date(2019, 1, 1), dt.date(2019, 8, 31), 2, 3)
    assert [day.month for day in found] == [1, 3, 5, 7]
    assert unscored == ()


class Options(TypedDict, total=False):
    """Options of a backtest, each of which can be wrong."""

    start: dt.date
    every: int
    horizon: int
    workers_count: int
    executor: Executor


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": dt.date(2013, 6, 1)}, "origin 2013-12-31 leaves less than a year of record; begin from 2014-01-02"),
        ({"start": dt.date(2020, 2, 1)}, "the record allows 2014-12-31 to 2019-12-31"),
        ({"every": 0}, "every is 0; give a number of months from 1 on"),
        ({"horizon": 0}, "horizon is 0"),
        ({"workers_count": 0}, "number of workers is 0"),
        ({"executor": ThreadPoolExecutor(1), "workers_count": 2}, "an executor is given beside workers_count"),
    ],
)
def test_bad_options_are_told(options: Options, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        backtest(small_case(), **options)


def test_leaving_out_every_dyad_of_a_large_panel_is_refused() -> None:
    case = panel_case()
    panel = case.panel
    assert panel is not None
    many = Panel(
        tuple(f"A{i:03d}-B{i:03d}" for i in range(60)),
        np.arange(60),
        np.full(60, 2020),
        {"mood": np.zeros(60)},
        {"war": np.zeros(60)},
    )
    with pytest.raises(OptionError, match="leaving out one of 60 dyads"):
        backtest(case.revised(panel=many), leave_one_dyad_out=True)
