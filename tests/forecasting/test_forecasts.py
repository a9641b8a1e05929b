"""Common random numbers, paired differences, and intervals that show what is not known rather than chance."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from riskcast import contrast, fit, forecast, score
from riskcast.case.model import Case, Scenario
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError
from riskcast.forecasting.estimates import summarise
from riskcast.forecasting.forecasts import Forecast
from tests.support.cases import assert_mean, edge, event, indicator, make_case, quantity, random_case


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return fit(random_case(2), draws=300)


def assert_same_digits(one: Forecast, two: Forecast, events: tuple[str, ...] | None = None) -> None:
    for name in events or one.case.order:
        np.testing.assert_array_equal(one.simulated.probability[name], two.simulated.probability[name])
        np.testing.assert_array_equal(one.simulated.by_period[name], two.simulated.by_period[name])
        np.testing.assert_array_equal(one.simulated.probability_error[name], two.simulated.probability_error[name])
    if events is None:
        np.testing.assert_array_equal(one.simulated.score, two.simulated.score)
        np.testing.assert_array_equal(one.simulated.mean_score, two.simulated.mean_score)


def test_the_same_seed_gives_the_same_digits_and_another_seed_others(posterior: Posterior) -> None:
    one = forecast(posterior, seed=3)
    assert_same_digits(one, forecast(posterior, seed=3))
    assert (one.simulated.score != forecast(posterior, seed=4).simulated.score).any()


def test_a_scenario_that_assumes_nothing_is_the_baseline_to_the_last_digit(posterior: Posterior) -> None:
    nothing = Scenario(label="Nothing", story="As it is.")
    assert_same_digits(forecast(posterior), forecast(posterior, nothing))
    # A move by nothing goes through all of the scenario's arithmetic.
    still = Scenario.model_validate(
        {"label": "Still", "story": "As it is.", "indicators": [{"indicator": "mood", "shift": 0.0}]}
    )
    assert_same_digits(forecast(posterior), forecast(posterior, still))


def test_equal_forecasts_differ_by_exactly_nothing(posterior: Posterior) -> None:
    change = contrast(forecast(posterior), forecast(posterior))
    for estimate in [*change.probability.values(), *change.score.values()]:
        assert (estimate.mean, estimate.low, estimate.high) == (0.0, 0.0, 0.0)


def test_a_scenario_leaves_what_it_does_not_reach_exactly_as_it_was() -> None:
    edges = [
        edge("trade", "a", quantity(2.0, 1.2, 3.0)),
        edge("a", "b", quantity(3.0, 1.5, 6.0), whose="own", memory="fast", acts="next"),
    ]
    events = {name: event(quantity(0.3, 0.1, 0.6)) for name in ("a", "b", "apart")}
    case = make_case(events, edges, {"trade": indicator(scope="dyad", drift=quantity(0.5))})
    posterior = fit(case, draws=300)
    shock = Scenario.model_validate(
        {"label": "S", "story": "S.", "indicators": [{"indicator": "trade", "shift": 2.0, "dyads": ["HHH-P002"]}]}
    )
    change = contrast(forecast(posterior, shock), forecast(posterior))
    for (name, unit), estimate in change.probability.items():
        if unit == "HHH-P002" and name != "apart":
            assert estimate.mean > 0.01
        else:
            assert (estimate.mean, estimate.low, estimate.high) == (0.0, 0.0, 0.0)
    assert [change.score[dyad].mean > 0 for dyad in case.dyads] == [False, True, False]


def test_paired_differences_are_sharper_than_the_forecasts_themselves(posterior: Posterior) -> None:
    base, storm, other = forecast(posterior), forecast(posterior, "storm"), forecast(posterior, "storm", seed=99)
    paired = (storm.simulated.score - base.simulated.score).var(axis=0)
    unpaired = (other.simulated.score - base.simulated.score).var(axis=0)
    assert (paired < 0.7 * unpaired).all()


@pytest.mark.parametrize("scenario", [None, "storm"])
def test_how_the_work_is_cut_does_not_change_the_digits(posterior: Posterior, scenario: str | None) -> None:
    whole = forecast(posterior, scenario)
    for cells in (1, 7 * 16, 50 * 16):
        cut = forecast(posterior, scenario, cells=cells)
        for name in whole.case.order:
            np.testing.assert_array_equal(whole.simulated.probability[name], cut.simulated.probability[name])
            # Sums over all paths are taken block by block.
            np.testing.assert_allclose(whole.simulated.by_period[name], cut.simulated.by_period[name], rtol=1e-12)
        np.testing.assert_array_equal(whole.simulated.score, cut.simulated.score)


def test_the_number_of_threads_does_not_change_the_digits(
    posterior: Posterior, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for cores in (1, 2, 8):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        found.append(forecast(posterior, cells=20 * 16))
    assert_same_digits(found[0], found[1])
    assert_same_digits(found[0], found[2])


def test_an_unrelated_event_type_changes_no_digit_of_the_others() -> None:
    case = random_case(2)
    plain = case.model_dump(by_alias=True)
    plain["events"] = {"aside": event(quantity(0.4, 0.2, 0.6), kind="trigger"), **plain["events"]}
    more = Case.model_validate(plain)
    one, two = (forecast(fit(given, draws=200)) for given in (case, more))
    assert_same_digits(one, two, case.order)
    np.testing.assert_array_equal(one.simulated.score, two.simulated.score)


def test_more_draws_of_the_same_paths_extend_the_fewer() -> None:
    case = make_case({"a": event(quantity(0.3))})
    few, many = (forecast(fit(case, draws=n, prior_only=True), seed=1).simulated for n in (100, 300))
    np.testing.assert_array_equal(few.probability["a"], many.probability["a"][:100])


def fixed_case(**changes: Any) -> Case:
    feeds = [edge("a", "b", quantity(8.0), whose="own", memory="fast", acts="same")]
    return make_case({"a": event(quantity(0.3)), "b": event(quantity(0.2), severity=80.0)}, feeds, **changes)


def test_with_everything_known_the_interval_is_a_point_though_outcomes_are_random() -> None:
    ahead = forecast(fit(fixed_case(), draws=4000, prior_only=True), paths=64)
    assert (ahead.simulated.probability_error["b"].std(axis=0) > 0.01).all()
    for dyad in ahead.case.dyads:
        estimate = ahead.probability("a", dyad)
        assert (estimate.low, estimate.mean, estimate.high) == pytest.approx((0.3, 0.3, 0.3), abs=1e-6)
        fed = ahead.probability("b", dyad)
        raw = np.quantile(ahead.simulated.probability["b"][:, ahead.case.dyads.index(dyad)], [0.05, 0.95])
        assert 0.25 < fed.low < fed.mean < fed.high < fed.low + 0.4 * (raw[1] - raw[0])


@pytest.mark.parametrize("seed", range(10))
def test_with_everything_known_few_paths_leave_no_more_than_they_cannot_tell(seed: int) -> None:
    draws, paths = 1000, 4
    ahead = forecast(fit(fixed_case(), draws=draws, prior_only=True), paths=paths, seed=seed)
    for dyad in range(3):
        found = ahead.simulated.probability["b"][:, dyad]
        estimate = ahead.probability("b", ahead.case.dyads[dyad])
        # Variance among draws and its estimate from pairs of half means both have a relative standard error of
        # sqrt(2 / draws), more as the chances are far from normal: four such errors are the variance left at most.
        kurtosis = float(((found - found.mean()) ** 4).mean() / found.var() ** 2)
        left = 4 * math.sqrt((kurtosis - 1 + 2) / draws)
        widest = np.quantile(found, 0.95) - np.quantile(found, 0.05)
        assert estimate.high - estimate.low <= math.sqrt(left) * widest
        assert estimate.high - estimate.low < 0.5 * widest


def test_the_interval_of_few_paths_is_that_of_many() -> None:
    case = make_case(
        {"a": event(quantity(0.3, 0.1, 0.6)), "b": event(quantity(0.2, 0.1, 0.4), severity=80.0)},
        [edge("a", "b", quantity(8.0, 4.0, 16.0), whose="own", memory="fast", acts="same")],
        sd_dyad=quantity(0.4, 0.2, 0.8),
    )
    posterior = fit(case, draws=4000, prior_only=True)
    few, many = forecast(posterior, paths=4), forecast(posterior, paths=64)
    for name in case.order:
        for dyad in case.dyads:
            one, two = few.probability(name, dyad), many.probability(name, dyad)
            assert one.low == pytest.approx(two.low, abs=0.015)
            assert one.high == pytest.approx(two.high, abs=0.03)
            raw = np.quantile(few.simulated.probability[name][:, case.dyads.index(dyad)], [0.05, 0.95])
            # Without the correction, chance would widen the interval beyond what these tolerances allow.
            assert name == "a" or raw[1] - raw[0] > (two.high - two.low) + 0.02
    for dyad in case.dyads:
        one, two = few.score(dyad), many.score(dyad)
        assert one.high - one.low == pytest.approx(two.high - two.low, rel=0.06)


@pytest.mark.parametrize("paths", [4, 16])
def test_the_interval_is_that_of_the_probability_given_the_parameters(paths: int) -> None:
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6))})
    ahead = forecast(fit(case, draws=8000, prior_only=True), paths=paths)
    estimate = ahead.probability("a", "HHH-P001")
    alpha = ahead.posterior.events["a"].coefficients[:, 0]
    low, high = np.quantile(-np.expm1(-12 * np.exp(alpha)), [0.05, 0.95])
    assert estimate.low == pytest.approx(low, abs=0.012)
    assert estimate.high == pytest.approx(high, abs=0.012)


@pytest.mark.parametrize("paths", [2, 3, 4, 5, 16])
def test_the_stated_error_of_few_paths_is_their_true_one(paths: int) -> None:
    simulated = forecast(fit(fixed_case(), draws=8000, prior_only=True), paths=paths).simulated
    for values, error in (
        (simulated.probability["b"], simulated.probability_error["b"]),
        (simulated.score, simulated.score_error),
    ):
        for column in range(3):
            kurtosis = ((values[:, column] - values[:, column].mean()) ** 4).mean() / values[:, column].var() ** 2
            ratio = float(np.square(error[:, column], dtype=float).mean()) / values[:, column].var()
            assert ratio == pytest.approx(1.0, abs=5 * math.sqrt((2 * kurtosis + 1) / 8000))


def test_summaries_are_kept_within_what_is_possible() -> None:
    rng = np.random.default_rng(1)
    drawn, error = rng.beta(99.0, 1.0, (1, 1000)), rng.normal(0.0, 0.05, (1, 1000))
    (estimate,) = summarise(drawn, error, np.zeros((1, 1, 1000)), np.array([0.999]), 0.0, 1.0)
    assert 0.9 < estimate.low < estimate.mean < estimate.high < 1.0
    (point,) = summarise(np.full((1, 100), 0.25), np.zeros((1, 100)), None, np.array([0.25]), 0.0, 1.0)
    assert (point.mean, point.low, point.high) == (0.25, 0.25, 0.25)


def test_an_interval_is_never_narrower_than_the_simulations_own_error() -> None:
    drawn, error = np.full((1, 100), 0.25), np.full((1, 100), 0.03)
    (found,) = summarise(drawn, error, np.zeros((1, 1, 100)), np.array([0.25]), 0.0, 1.0)
    assert found.high - found.low == pytest.approx(2 * norm.ppf(0.95) * 0.03 / 10, rel=0.02)


def test_cumulative_paths_rise_to_the_probability(posterior: Posterior) -> None:
    ahead = forecast(posterior, "storm")
    for name in ahead.case.order:
        rising = ahead.simulated.by_period[name]
        assert (np.diff(rising, axis=0) >= 0).all()
        assert rising[-1].tolist() == [ahead.probability(name, unit).mean for unit in ahead.case.units(name)]
        assert_mean(ahead.simulated.probability[name], rising[-1])


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one() -> None:
    edges = [edge("a", "b", quantity(2.0, 1.0, 4.0), whose="others", memory="fast", acts="same")]
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6)), "b": event(quantity(0.3, 0.1, 0.6))}, edges)
    posterior = fit(case, draws=300)
    short, long = forecast(posterior, horizon=3), forecast(posterior, horizon=9)
    for name in short.case.order:
        np.testing.assert_array_equal(short.simulated.by_period[name], long.simulated.by_period[name][:3])


def test_forecasts_that_do_not_share_chance_are_not_compared(posterior: Posterior) -> None:
    others = (forecast(posterior, seed=5), forecast(posterior, paths=8), forecast(posterior, horizon=6))
    for other in others:
        with pytest.raises(OptionError, match="differ in"):
            contrast(other, forecast(posterior, paths=4))


def test_changing_one_effect_refits_one_event_type_and_no_digit_of_the_rest() -> None:
    case = random_case(2)
    plain = case.model_dump(by_alias=True)
    changed = [effect for effect in plain["effects"] if (effect["from"], effect["to"]) == ("trade", "break_off")]
    changed[0]["rate_ratio"] = quantity(3.0, 2.0, 4.5)
    one = fit(case, draws=200)
    two = fit(Case.model_validate(plain), draws=200, reuse=one)
    kept = [name for name in case.order if two.events[name] is one.events[name]]
    assert sorted(kept) == sorted(set(case.order) - {"break_off"})
    change = contrast(forecast(two), forecast(one))
    assert all(e.mean == 0.0 for (name, _), e in change.probability.items() if name != "break_off")
    assert any(e.mean != 0.0 for (name, _), e in change.probability.items() if name == "break_off")
    assert score(forecast(two)).to_frame().shape == (4, 6)
