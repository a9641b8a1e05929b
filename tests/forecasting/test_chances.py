"""Probabilities and scores that stay in their range, draw by draw: against enumeration, closed forms and many paths."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from riskcast import contrast, fit, forecast, score
from riskcast.case.model import Case, Scenario
from riskcast.errors import RiskcastError
from riskcast.forecasting.closed_form import is_closed, solve
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.plan import Plan, plan_simulation
from riskcast.forecasting.requests import Request, fit_requested, forecast_requested
from riskcast.forecasting.simulation import MOST_PATHS, PATHS, simulate
from riskcast.terminal.forecasts import error_words
from tests.support.cases import (
    assert_forecast,
    assert_mean,
    edge,
    enumerate_futures,
    event,
    indicator,
    make_case,
    quantity,
    random_case,
)

BASELINE = Scenario(label="Baseline", story="As it is.")


def feeds(source: str, target: str, ratio: float, acts: str = "next", whose: str = "own") -> dict[str, Any]:
    return edge(source, target, quantity(ratio), whose=whose, memory="fast", acts=acts)


def from_priors(case: Case, draws: int = 2000, **options: Any) -> Forecast:
    return forecast(fit(case, draws=draws, prior_only=True), seed=3, **options)


def plan_of(case: Case, horizon: int, draws: int = 500, **changes: Any) -> Plan:
    return replace(plan_simulation(fit(case, draws=draws, prior_only=True), horizon, 3), **changes)


def test_an_echo_of_the_first_event_does_not_count() -> None:
    # 1 - prod(1 - p) along the path would take it in: .70 and more in place of .56.
    case = make_case({"a": event(quantity(0.56))}, [feeds("a", "a", 12.0)], partners=2)
    ahead = from_priors(case)
    np.testing.assert_allclose(ahead.simulated.probability["a"], 0.56, rtol=2e-6)
    for dyad in ahead.dyads:
        found = ahead.probability("a", dyad)
        assert [found.low, found.mean, found.high] == pytest.approx([0.56] * 3, rel=2e-6)


@pytest.mark.parametrize("base", [0.2, 0.9, 0.9999])
def test_what_feeds_on_itself_and_on_others_is_unbiased(base: float) -> None:
    edges = [feeds("a", "a", 6.0), feeds("a", "b", 8.0, "same"), feeds("b", "a", 3.0), feeds("b", "b", 0.3)]
    events = {"a": event(quantity(base), severity=30.0), "b": event(quantity(0.5), severity=70.0)}
    case = make_case(events, edges, partners=1)
    exact = enumerate_futures(case, 6)
    ahead = from_priors(case, 4000, horizon=6)
    assert_forecast(ahead, exact)
    for name in case.order:
        # What clipping takes is given back: at most .002 of it may be left.
        bias = ahead.simulated.probability[name].mean() - exact.probability[name][-1, 0]
        spread = ahead.simulated.probability[name].std() / math.sqrt(4000)
        assert abs(bias) < 0.002 + 4 * spread
        headline = ahead.simulated.headline(name)[0]
        assert abs(headline - exact.probability[name][-1, 0]) < 5 * spread + 1e-5


def test_without_feedback_every_draw_is_the_closed_form() -> None:
    case = make_case({"a": event(quantity(0.6, 0.05, 0.99)), "b": event(quantity(0.1, 0.01, 0.5), scope="host")})
    for horizon in (2, 12, 30):
        ahead = from_priors(case, horizon=horizon)
        for name in case.order:
            rate = np.exp(ahead.posterior.events[name].coefficients[:, :1])
            exact = np.broadcast_to(-np.expm1(-horizon * rate), ahead.simulated.probability[name].shape)
            np.testing.assert_allclose(ahead.simulated.probability[name], exact, rtol=1e-5, atol=1e-6)
            found = ahead.probability(name, ahead.units(name)[0])
            ends = np.quantile(exact[:, 0], [0.05, 0.95])
            assert [found.low, found.high] == pytest.approx(ends.tolist(), abs=1e-4)
            assert found.mean == pytest.approx(exact[:, 0].mean(), abs=0.01)


def test_intervals_are_honest_near_certainty() -> None:
    sparks = [feeds("spark", "a", 5.0, "same"), feeds("a", "a", 2.0)]
    events = {"spark": event(quantity(0.8, 0.5, 0.95), kind="trigger"), "a": event(quantity(0.98, 0.8, 0.9995))}
    case = make_case(events, sparks, partners=2)
    posterior = fit(case, draws=1500, prior_only=True)
    few, many = (forecast(posterior, paths=paths) for paths in (4, 256))
    for dyad in case.dyads:
        one, two = few.probability("a", dyad), many.probability("a", dyad)
        assert one.mean == pytest.approx(two.mean, abs=0.005)
        assert one.low == pytest.approx(two.low, abs=0.015)
        assert one.high == pytest.approx(two.high, abs=0.005)
        truth = many.simulated.probability["a"][:, case.dyads.index(dyad)]
        assert [two.low, two.high] == pytest.approx(np.quantile(truth, [0.05, 0.95]).tolist(), abs=0.003)
        # An end is a bound only where draws are.
        assert (one.high < 1.0) == (few.simulated.probability["a"][:, case.dyads.index(dyad)] < 1.0).all()


def test_draws_vary_less_than_what_occurs() -> None:
    case = random_case(2)
    ahead = forecast(fit(case, draws=600), paths=4, seed=5)
    plain = np.concatenate([values * (1.0 - values) / 4 for values in ahead.simulated.probability.values()], axis=1)
    left = np.concatenate(
        [np.square(error, dtype=float) for error in ahead.simulated.probability_error.values()], axis=1
    )
    assert (left.mean(axis=0) < 0.5 * plain.mean(axis=0)).all()
    assert left.mean() < 0.15 * plain.mean()


chances = st.floats(1e-9, 0.999999)
ratios = st.floats(-7.0, 7.0).map(math.exp)


@settings(max_examples=40, deadline=None)
@given(
    bases=st.tuples(chances, chances, chances),
    strengths=st.tuples(ratios, ratios, ratios, ratios),
    horizon=st.integers(1, 8),
    paths=st.sampled_from([None, 2, 3, 8]),
    month=st.integers(1, 8),
    shared=st.booleans(),
)
def test_nothing_ever_leaves_its_range(
    bases: tuple[float, ...],
    strengths: tuple[float, ...],
    horizon: int,
    paths: int | None,
    month: int,
    shared: bool,
) -> None:
    a, b, c = bases
    events = {
        "a": event(quantity(a), severity=100.0),
        "b": event(quantity(b), severity=40.0, scope="host" if shared else "dyad"),
        "c": event(quantity(c), kind="trigger"),
    }
    one, two, three, four = strengths
    edges = [
        feeds("a", "a", one),
        feeds("c", "a", two, "same"),
        feeds("b", "a", three, whose="host" if shared else "others"),
        feeds("a", "c", four),
    ]
    drift = {"mood": indicator(drift=quantity(2.0))}
    case = make_case(events, [*edges, edge("mood", "a", quantity(two))], drift, partners=2, sd_time=quantity(0.8))
    storm = Scenario.model_validate(
        {"label": "S", "story": "S.", "events": [{"event": "a", "dyads": ["HHH-P002"], "month": min(month, horizon)}]}
    )
    posterior = fit(case, draws=100, prior_only=True)
    ahead = [forecast(posterior, each, horizon, paths=paths or 4) for each in (BASELINE, storm)]
    for each in (*ahead, forecast(posterior, storm, horizon, paths=paths)):
        found = each.simulated
        for name in case.order:
            assert found.probability[name].min() >= 0.0
            assert found.probability[name].max() <= 1.0
            assert found.by_period[name].min() >= 0.0
            assert found.by_period[name].max() <= 1.0
            assert (np.diff(found.by_period[name], axis=0) >= 0.0).all()
            for unit, estimate in zip(each.units(name), each.estimates[name], strict=True):
                assert 0.0 <= estimate.low <= estimate.mean <= estimate.high <= 1.0
                assert each.by_period(name, unit)[-1] == estimate.mean
        assert found.score.min() >= 0.0
        assert found.score.max() <= 100.0
        assert all(0.0 <= e.low <= e.mean <= e.high <= 100.0 for e in each.scores)
        assert all(0.0 <= values.min() <= values.max() <= 1.0 for values in found.peaks.values())
        assert 0.0 <= each.accuracy.probability <= 1.0
    assert (ahead[1].simulated.probability["a"][:, 1] == 1.0).all()
    change = contrast(ahead[1], ahead[0])
    for (name, unit), estimate in change.probability.items():
        after, before = (each.probability(name, unit).mean for each in (ahead[1], ahead[0]))
        assert estimate.mean == after - before
        assert -1.0 <= estimate.low <= estimate.high <= 1.0


def one_cell(**changes: Any) -> Case:
    events = {
        "a": event(quantity(0.5, 0.2, 0.8), severity=30.0),
        "b": event(quantity(0.2, 0.05, 0.5), severity=80.0),
        "c": event(quantity(0.3, 0.1, 0.6), severity=30.0, scope="host"),
    }
    still = {"mood": indicator(now=quantity(1.0, 0.0, 2.0))}
    edges = [edge("mood", "a", quantity(2.0)), feeds("a", "b", 3.0)]
    return make_case(events, edges, still, partners=3, period="year", **changes)


@pytest.mark.parametrize("spread", [0.0, 0.25, 0.45, 0.9, 1.4])
def test_a_single_cell_is_solved_as_many_paths_would_have_it(spread: float) -> None:
    plan = plan_of(one_cell(sd_time=quantity(spread), persistence=quantity(0.5), sd_dyad=quantity(0.4)), 1)
    assert is_closed(plan)
    exact, many = solve(plan, BASELINE, 1000), simulate(plan, BASELINE, 400)
    for name, found in exact.probability.items():
        error = np.maximum(many.probability_error[name].std(axis=0), 1e-6)
        assert (np.abs(found - many.probability[name]) < 8 * error).all()
        assert_mean(found - many.probability[name], 0.0)
        np.testing.assert_allclose(exact.headline(name), found.mean(axis=0))
    assert_mean(exact.score - many.score, 0.0)
    np.testing.assert_allclose(exact.mean_score, exact.score.mean(axis=0))
    for level, share in exact.peaks.items():
        np.testing.assert_allclose(share, many.peaks[level], atol=5 * math.sqrt(0.25 / (400 * 500)) + 0.002)
    for cells in (1, 10**6):
        other = solve(plan, BASELINE, cells)
        np.testing.assert_array_equal(other.score, exact.score)


def test_a_single_cell_simulates_nothing_and_says_so() -> None:
    case = one_cell(sd_time=quantity(0.6))
    ahead = from_priors(case, 300, horizon=1)
    assert ahead.paths == 0
    assert ahead.accuracy.probability_of_paths == ahead.accuracy.score_of_paths == 0.0
    assert "paths" not in error_words(ahead.accuracy)
    storm = Scenario.model_validate({"label": "S", "story": "S.", "events": [{"event": "b", "month": 1}]})
    after = from_priors(case, 300, horizon=1, scenario=storm, paths=50)
    assert (after.simulated.probability["b"] == 1.0).all()
    mild = after.simulated.probability["a"].mean(axis=0)
    np.testing.assert_allclose(after.scores.mean, 80.0 + 20.0 * 0.3 * mild)
    calm = Scenario.model_validate({"label": "C", "story": "C.", "events": [{"event": "b", "happens": False}]})
    without = from_priors(case, 300, horizon=1, scenario=calm)
    assert (without.simulated.probability["b"] == 0.0).all()
    np.testing.assert_allclose(without.scores.mean, 30.0 * mild)
    assert (without.simulated.peaks[80.0] == 0.0).all()
    change = contrast(after, ahead)
    for dyad in ahead.dyads:
        assert change.probability["b", dyad].mean == pytest.approx(1.0 - ahead.probability("b", dyad).mean)
    drawn = ahead.simulated.probability["a"][:, 0]
    found = ahead.probability("a", ahead.dyads[0])
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.05, 0.95])), rel=1e-12)


def test_what_feeds_or_drifts_within_the_cell_is_simulated() -> None:
    events = {"a": event(quantity(0.5)), "b": event(quantity(0.2))}
    assert not is_closed(plan_of(make_case(events, [feeds("a", "b", 3.0, "same")]), 1))
    assert is_closed(plan_of(make_case(events, [feeds("a", "b", 1.0, "same")]), 1))
    assert not is_closed(plan_of(make_case(events, [feeds("a", "b", 3.0)]), 2))
    mood = {"mood": indicator(drift=quantity(0.5))}
    assert not is_closed(plan_of(make_case(events, [edge("mood", "a", quantity(2.0))], mood), 1))
    assert is_closed(plan_of(make_case(events, [], mood), 1))


def test_partial_cells_count_for_their_share() -> None:
    case = make_case({"a": event(quantity(0.6, 0.3, 0.9), severity=40.0)})
    shares = np.array([0.25, 1.0, 1.0, 0.5])
    plan = plan_of(case, 4, shares=shares, years=(2021,) * 4)
    found = simulate(plan, BASELINE, 4)
    rate = np.exp(plan.events[0].intercept)[:, None]
    exact = -np.expm1(-rate * shares.sum())
    np.testing.assert_allclose(found.probability["a"], np.repeat(exact, 3, axis=1), rtol=1e-5)
    np.testing.assert_allclose(found.score, 40.0 * found.probability["a"], rtol=1e-5)
    assert len(found.by_period["a"]) == 4
    by_cell = (-np.expm1(-rate * np.cumsum(shares))).mean(axis=0)
    np.testing.assert_allclose(found.by_period["a"][:, 0], by_cell, atol=0.01)
    np.testing.assert_allclose(plan.chances(np.arange(3))[0, :, 0], exact[:, 0], rtol=1e-5)
    one = plan_of(case, 1, shares=np.array([0.3]), years=(2021,))
    exact = np.repeat(-np.expm1(-0.3 * rate), 3, axis=1)
    np.testing.assert_allclose(solve(one, BASELINE, 1000).probability["a"], exact, rtol=1e-5)


def test_drift_grows_with_the_share_of_a_cell() -> None:
    case = make_case(
        {"a": event(quantity(0.3))}, [edge("mood", "a", quantity(2.0))], {"mood": indicator(drift=quantity(1.5))}
    )
    short = plan_of(case, 1, 4000, shares=np.array([0.25]))
    spread, rate = 1.5 * math.sqrt(0.25 / 12), -math.log1p(-0.3) / 12
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    exact = weights @ -np.expm1(-0.25 * rate * 2.0 ** (spread * nodes)) / weights.sum()
    assert_mean(simulate(short, BASELINE, 4).probability["a"], exact)


def excited(draws: int, **options: Any) -> Forecast:
    edges = [feeds("spark", "a", 20.0, "same")]
    case = make_case({"spark": event(quantity(0.7), kind="trigger"), "a": event(quantity(0.2))}, edges)
    return from_priors(case, draws, **options)


def test_paths_are_doubled_until_they_are_enough_and_always_to_the_same_digits() -> None:
    ahead = excited(100)
    assert PATHS < ahead.paths < MOST_PATHS
    assert ahead.accuracy.probability_of_paths < 0.01
    assert excited(100, paths=ahead.paths // 2).accuracy.probability_of_paths > 0.01
    for other in (excited(100), excited(100, cells=50), excited(100, paths=ahead.paths)):
        assert other.paths == ahead.paths
        for name, found in ahead.simulated.probability.items():
            np.testing.assert_array_equal(other.simulated.probability[name], found)
            np.testing.assert_array_equal(
                other.simulated.probability_error[name], ahead.simulated.probability_error[name]
            )
            np.testing.assert_allclose(other.simulated.by_period[name], ahead.simulated.by_period[name], rtol=1e-12)
        np.testing.assert_array_equal(other.simulated.score, ahead.simulated.score)
    assert excited(2000).paths == PATHS


def test_paths_that_were_asked_for_stay() -> None:
    ahead = excited(100, paths=2)
    assert ahead.paths == 2
    assert not ahead.accuracy.has_enough_paths
    assert "2 paths are few" in error_words(ahead.accuracy)


def test_what_is_compared_has_equal_paths() -> None:
    ahead = excited(100)
    calm = Scenario.model_validate({"label": "C", "story": "C.", "events": [{"event": "spark", "month": 1}]})
    after = forecast(ahead.posterior, calm, seed=3)
    assert after.paths < ahead.paths
    change = contrast(after, ahead)
    same = contrast(forecast(ahead.posterior, calm, seed=3, paths=ahead.paths), ahead)
    assert change.probability == same.probability
    asked = Request(ahead.case, scenarios=(calm, None), draws=100, prior_only=True)
    made = forecast_requested(asked, fit_requested(asked))
    assert len({each.paths for each in made}) == 1
    fixed = replace(asked, paths=6)
    assert [each.paths for each in forecast_requested(fixed, fit_requested(fixed))] == [6, 6]
    assert fixed.id != asked.id
    assert "paths" not in asked.options()


def test_the_stated_error_is_what_other_seeds_show() -> None:
    case = random_case(2)
    found = [forecast(fit(case, draws=250, prior_only=True, seed=seed), paths=4) for seed in range(30)]
    for name in case.order:
        seen = np.std([each.simulated.headline(name) for each in found], axis=0, ddof=1)
        told = np.mean([each.standard_errors[name] for each in found], axis=0)
        # A standard deviation of 30 has a relative error of .13.
        assert 0.75 < np.sqrt(np.square(seen).mean() / np.square(told).mean()) < 1.3
    assert all(0.0 < each.accuracy.probability <= each.accuracy.points / 100 for each in found)


def test_a_rate_beyond_all_numbers_is_a_certainty() -> None:
    case = make_case({"a": event(quantity(0.3)), "b": event(quantity(0.3))}, [feeds("a", "b", 2.0)])
    for horizon in (1, 5):
        plan = plan_of(case, horizon, 100)
        hot = replace(plan.events[0], intercept=np.full(100, 1e5))
        plan = replace(plan, events=(hot, *plan.events[1:]))
        found = solve(plan, BASELINE, 100) if is_closed(plan) else simulate(plan, BASELINE, 4)
        assert (found.probability[hot.event] == 1.0).all()
        assert (found.headline(hot.event) == 1.0).all()
        assert np.isfinite(found.score).all()


@pytest.mark.parametrize("horizon", [1, 5])
def test_a_rate_that_is_no_number_is_told(horizon: int) -> None:
    plan = plan_of(make_case({"a": event(quantity(0.3)), "b": event(quantity(0.3))}), horizon, 100)
    wrong = replace(plan.events[1], intercept=np.where(np.arange(100) == 7, np.nan, -3.0))
    plan = replace(plan, events=(plan.events[0], wrong))
    with pytest.raises(RiskcastError, match=f"the rate of {wrong.event} is no number in 1 of 100 draws"):
        solve(plan, BASELINE, 100) if is_closed(plan) else simulate(plan, BASELINE, 4)


def test_scores_of_one_outcome_are_its_severity_times_its_chance() -> None:
    case = make_case({"a": event(quantity(0.97, 0.6, 0.9999), severity=100.0)}, [feeds("a", "a", 5.0)])
    ahead = from_priors(case)
    np.testing.assert_allclose(ahead.simulated.score, 100.0 * ahead.simulated.probability["a"], atol=1e-3)
    for dyad in score(ahead).dyads:
        assert dyad.score.mean == pytest.approx(100.0 * dyad.outcomes[0].probability.mean, abs=1.0)
        assert dyad.score.high < 100.0
