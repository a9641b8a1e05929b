"""Forecasts into which probabilities from outside are weighed: exact targets, coherence, and what stays as it was."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from riskcast.engines.fitting import fit
from riskcast.errors import CaseError, OptionError
from riskcast.forecasting.attribution import explain
from riskcast.forecasting.contrasts import contrast
from riskcast.forecasting.forecasts import Forecast, forecast
from riskcast.forecasting.lineage import provenance
from riskcast.forecasting.outside_numbers import OutsideProbability, read_outside
from riskcast.forecasting.questions import Answer, ask
from riskcast.forecasting.scoring import score
from riskcast.forecasting.soft_evidence import pooled
from riskcast.forecasting.weighed_paths import weigh_in
from tests.support.cases import edge, event, indicator, make_case, quantity

DAY = dt.date(2020, 12, 1)


@pytest.fixture(scope="module")
def ahead() -> Forecast:
    """Two dyads and two outcomes that an uncertain indicator joins, and a search that finds half of one of them."""
    mood = indicator(now=quantity(0.0, -1.5, 1.5))
    effects = [edge("mood", name, quantity(2.0)) for name in ("a", "b")]
    events = {"a": event(quantity(0.2), severity=60.0, recall=0.5), "b": event(quantity(0.3), severity=30.0)}
    case = make_case(events, effects, {"mood": mood}, partners=2)
    return forecast(fit(case, draws=200, prior_only=True), horizon=6, paths=8)


def crowd(question: str, probability: float, weight: float | None = None) -> OutsideProbability:
    return OutsideProbability(question, probability, "crowd", DAY, weight)


def one(ahead: Forecast, query: str) -> Answer:
    [answer] = ask(ahead, query).answers
    return answer


def given(ahead: Forecast, query: str) -> float:
    found = one(ahead, query).given
    assert found is not None
    return found.mean


def test_without_weight_every_digit_stays(ahead: Forecast) -> None:
    same = weigh_in(ahead, [crowd("P001:b", 0.9)])
    assert same.simulated is ahead.simulated
    assert same.paths == ahead.paths
    assert [d.score for d in score(same).dyads] == [d.score for d in score(ahead).dyads]
    assert "nothing is adjusted" in same.cautions[0]
    assert provenance(same)["outside"]["adjusted"] is False
    assert weigh_in(ahead, []) is ahead
    assert "outside" not in provenance(ahead)


def test_with_all_weight_the_number_holds_exactly_and_all_else_moves_with_it(ahead: Forecast) -> None:
    moved = weigh_in(ahead, [crowd("P001:b", 0.7)], 1.0)
    assert moved.probability("b", "HHH-P001").mean == pytest.approx(0.7, abs=1e-9)
    assert moved.by_period("b", "HHH-P001")[-1] == pytest.approx(0.7, abs=1e-9)
    for name, unit in (("a", "HHH-P001"), ("b", "HHH-P002")):
        estimate = moved.probability(name, unit)
        assert estimate.mean > ahead.probability(name, unit).mean + 0.02
        assert estimate.low < estimate.mean < estimate.high
    assert moved.score("HHH-P001").mean > ahead.score("HHH-P001").mean
    assert moved.recorded("a", "HHH-P001").mean < moved.probability("a", "HHH-P001").mean
    assert one(moved, "P001:b").alone.mean == pytest.approx(0.7, abs=1e-9)


def test_a_pool_lies_between_and_is_what_the_forecast_holds(ahead: Forecast) -> None:
    moved = weigh_in(ahead, [crowd("P001:b by month 3", 0.8)], {"crowd": 0.3})
    assert moved.outside is not None
    [used] = moved.outside.numbers
    assert used.target == pytest.approx(pooled(used.model, 0.8, 0.3))
    assert used.model < used.target < 0.8
    assert moved.by_period("b", "HHH-P001")[2] == pytest.approx(used.target, abs=1e-9)
    own = weigh_in(ahead, [crowd("P001:b by month 3", 0.8, weight=0.3)], 1.0)
    assert own.probability("a", "HHH-P001") == moved.probability("a", "HHH-P001")
    told = moved.cautions[0]
    for part in ("crowd", "2020-12-01", "weight 0.30", "80 %", f"{moved.outside.paths:,} futures"):
        assert part in told
    plain = provenance(moved)["outside"]
    assert plain["adjusted"] is True
    assert (plain["numbers"][0]["forecaster"], plain["numbers"][0]["weight"]) == ("crowd", 0.3)
    assert moved.outside.effective < moved.outside.paths


def test_what_is_conditional_on_the_event_stays_and_the_whole_is_the_sum_of_its_parts(ahead: Forecast) -> None:
    moved = weigh_in(ahead, [crowd("P001:b", 0.6)], 1.0)
    for query in ("P(P001:a | P001:b)", "P(P002:b by month 2 | not P001:b)", "P(P001:score >= 50 | P001:b)"):
        assert given(moved, query) == pytest.approx(given(ahead, query), abs=1e-9)
    whole = 0.6 * given(moved, "P(P001:a | P001:b)") + 0.4 * given(moved, "P(P001:a | not P001:b)")
    assert moved.probability("a", "HHH-P001").mean == pytest.approx(whole, abs=1e-9)
    assert one(moved, "P001:a").alone.mean == pytest.approx(whole, abs=1e-9)


def test_weighted_numbers_are_those_of_an_enumeration_of_all_futures(ahead: Forecast) -> None:
    """Shares of one pass over the same futures, split by what holds on them, put together by hand."""
    moved = weigh_in(ahead, [crowd("P001:b", 0.5), crowd("P002:a", 0.3)], 1.0)
    parts = {(b, a): f"{'' if b else 'not '}P001:b and {'' if a else 'not '}P002:a" for b in (1, 0) for a in (1, 0)}
    before = {key: one(ahead, text).alone.mean for key, text in parts.items()}
    table = np.array([[before[1, 1], before[1, 0]], [before[0, 1], before[0, 0]]])
    for _ in range(200):
        table *= (np.array([0.5, 0.5]) / table.sum(axis=1))[:, None]
        table *= np.array([0.3, 0.7]) / table.sum(axis=0)
    after = {key: one(moved, text).alone.mean for key, text in parts.items()}
    assert [after[key] for key in parts] == pytest.approx(table.ravel().tolist(), abs=1e-6)
    joint = {key: one(ahead, f"P002:b and {text}").alone.mean for key, text in parts.items()}
    other = sum(joint[key] / before[key] * after[key] for key in parts)
    assert moved.probability("b", "HHH-P002").mean == pytest.approx(other, abs=1e-6)


def test_an_explanation_names_what_numbers_from_outside_do(ahead: Forecast) -> None:
    moved = weigh_in(ahead, [crowd("P001:b", 0.7)], 1.0)
    for of in ("score", "a"):
        found, before = explain(moved, of, paths=40), explain(ahead, of, paths=40)
        for dyad in ahead.dyads:
            own = {c.id: c.points for c in found.contributions[dyad]}
            assert own["outside"] == pytest.approx(found.score[dyad] - before.score[dyad], abs=1e-9)
            assert found.reference[dyad] + sum(own.values()) == pytest.approx(found.score[dyad], abs=1e-9)
            assert found.reference[dyad] == pytest.approx(before.reference[dyad], abs=1e-9)


def test_what_cannot_be_weighed_in_is_refused_with_a_mend(ahead: Forecast) -> None:
    late = OutsideProbability("P001:b", 0.5, "crowd", dt.date(2021, 1, 1))
    for numbers, weight, told in (
        ([late], 1.0, "was not known on 2020-12-31"),
        ([crowd("P001:b", 0.5), crowd("P001:b", 0.6)], 1.0, "two outside numbers"),
        ([crowd("b", 0.5)], 1.0, "name the dyad"),
        ([crowd("P(P001:b | P001:a)", 0.5)], 1.0, "event alone"),
        ([crowd("P001:b", 0.5)], 1.5, "from 0 to 1"),
        ([crowd("P001:b", 0.2), crowd("P001:b by month 3", 0.4)], 1.0, "no weights of futures hold"),
        ([crowd("P001:b and not P001:b", 0.5)], 1.0, "no one of 1,600 futures"),
        ([crowd("P001:a in month 1 and P002:a in month 1 and P001:b in month 1", 0.99)], 1.0, "futures"),
    ):
        with pytest.raises(OptionError, match=told):
            weigh_in(ahead, numbers, weight)
    moved = weigh_in(ahead, [crowd("P001:b", 0.5)], 1.0)
    with pytest.raises(OptionError, match="no paired draws"):
        contrast(moved, ahead)


def test_a_table_of_outside_numbers_is_read_and_its_rows_are_named_where_they_are_wrong(tmp_path: Path) -> None:
    good = tmp_path / "crowd.csv"
    good.write_text(
        "question,probability,forecaster,date,weight\nP001:b,0.4,crowd,2020-12-01,\nP002:b,0.3,market,2020-12-02,0.5\n"
    )
    assert read_outside(good) == (
        OutsideProbability("P001:b", 0.4, "crowd", DAY),
        OutsideProbability("P002:b", 0.3, "market", dt.date(2020, 12, 2), 0.5),
    )
    bad = tmp_path / "bad.csv"
    bad.write_text("question,probability,forecaster,date,weight\n,1.4,,soon,2\n")
    with pytest.raises(CaseError) as caught:
        read_outside(bad)
    told = str(caught.value)
    for key in (
        "question: is empty",
        "probability: is '1.4'",
        "forecaster: is empty",
        "date: is 'soon'",
        "weight: is '2'",
    ):
        assert f"bad.csv:2: {key}" in told
    commas = tmp_path / "commas.csv"
    commas.write_text(
        "question;probability;forecaster;date;weight\nP001:b;0,4;crowd;2020-12-01;\nP002:b;0,35;crowd;2020-12-01;0,5\n"
    )
    assert [(each.probability, each.weight) for each in read_outside(commas)] == [(0.4, None), (0.35, 0.5)]
    for cells, wrong in (
        ("1,4;0,5", "probability: is '1,4'; give a number between 0 and 1, such as 0.35"),
        ("0,4;2,5", "weight: is '2,5'; give a number from 0 to 1, or leave it empty"),
        ("na;0,5", "probability: is 'na'; give a number between 0 and 1, such as 0.35"),
        ("TRUE;0,5", "probability: is 'TRUE'; give a number between 0 and 1, such as 0.35"),
        ("0,4;often", "weight: is 'often'; give a number from 0 to 1, or leave it empty"),
        ("0,4;0.5", "where weight has '0.5' with a point; write all decimals with points"),
    ):
        commas.write_text(f"question;forecaster;date;probability;weight\nP001:b;crowd;2020-12-01;{cells}\n")
        with pytest.raises(CaseError) as caught:
            read_outside(commas)
        assert wrong in str(caught.value)
    (tmp_path / "none.csv").write_text("question,probability,forecaster,date\n")
    with pytest.raises(CaseError):
        read_outside(tmp_path / "none.csv")
