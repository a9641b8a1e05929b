"""Scores, calibration curves and resampled scores against libraries, cases computed by hand, and their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from model_diagnostics.scoring import ElementaryScore, SquaredError, decompose as library_decompose
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from riskcast.errors import OptionError
from riskcast.verification.metrics import (
    auc,
    average_precision,
    brier_scores,
    calibration_curve,
    decompose,
    log_scores,
    murphy_curve,
    percentile_interval,
    ranked_probability_scores,
    recalibrate,
    resample_clusters,
    resampled_means,
    resampled_ranks,
    skill_score,
)

BRIEFLY = settings(deadline=None, max_examples=60)

# Multiples of a tenth bring ties, the ends bring certainty.
probabilities = st.one_of(st.integers(0, 10).map(lambda k: k / 10), st.floats(0, 1))
pairs = st.lists(st.tuples(st.integers(0, 1), probabilities), min_size=1, max_size=40).map(
    lambda rows: tuple(np.array(rows, dtype=float).T)
)


def calibrated(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    forecast = rng.beta(1.0, 4.0, rows)
    return (rng.random(rows) < forecast).astype(float), forecast


def bent(forecast: np.ndarray, slope: float, shift: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(slope * np.log(forecast / (1 - forecast)) + shift)))


def test_scores_of_rows_computed_by_hand() -> None:
    outcome, forecast = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.9, 0.25, 0.0])
    np.testing.assert_allclose(brier_scores(outcome, forecast), [0.01, 0.81, 0.5625, 0.0])
    np.testing.assert_allclose(log_scores(outcome, forecast), [-math.log(0.9), math.log(10), math.log(4), 0.0])


@BRIEFLY
@given(pairs)
def test_the_brier_score_is_the_squared_error(rows) -> None:
    np.testing.assert_allclose(brier_scores(*rows), (rows[1] - rows[0]) ** 2)


def test_the_log_score_is_that_of_scikit_learn() -> None:
    outcome, forecast = calibrated(500, 1)
    assert log_scores(outcome, forecast).mean() == pytest.approx(log_loss(outcome, forecast))


def test_certainty_that_proves_wrong_scores_infinity_and_right_zero() -> None:
    found = log_scores(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0, 0.0]))
    assert found.tolist() == [math.inf, math.inf, 0.0, 0.0]
    assert not np.signbit(found).any()


@pytest.mark.parametrize("tiny", [1e-12, 1e-17, 1e-300])
def test_a_tiny_probability_of_what_happened_keeps_its_size(tiny: float) -> None:
    assert log_scores(np.ones(1), np.array([tiny]))[0] == pytest.approx(-math.log(tiny), rel=1e-12)


@BRIEFLY
@given(
    levels=st.integers(1, 6),
    shares=st.lists(st.lists(st.floats(0.01, 1), min_size=7, max_size=7), min_size=1, max_size=5),
    worst=st.lists(st.integers(0, 6), min_size=5, max_size=5),
)
def test_the_ranked_probability_score_is_that_of_its_definition_by_category(levels, shares, worst) -> None:
    mass = np.array([row[: levels + 1] for row in shares])
    mass /= mass.sum(axis=1, keepdims=True)
    category = np.minimum(worst[: len(mass)], levels)
    exceedance = np.clip(1 - np.cumsum(mass, axis=1)[:, :-1], 0, 1)
    reached = (category[:, None] > np.arange(levels)).astype(float)
    found = ranked_probability_scores(reached.ravel(), exceedance.ravel(), np.repeat(np.arange(len(mass)), levels))
    came = (category[:, None] == np.arange(levels + 1)).astype(float)
    apart = np.cumsum(mass, axis=1) - np.cumsum(came, axis=1)
    np.testing.assert_allclose(found, (apart**2).sum(axis=1) / levels, atol=1e-12)
    np.testing.assert_allclose(found, ((exceedance - reached) ** 2).sum(axis=1) / levels)


def test_cases_may_have_different_levels_in_any_order_and_exceedances_may_cross() -> None:
    reached, exceedance = np.array([0.0, 1.0, 0.0]), np.array([0.5, 0.4, 0.7])
    found = ranked_probability_scores(reached, exceedance, np.array([1, 0, 1]))
    np.testing.assert_allclose(found, [0.36, (0.25 + 0.49) / 2])


@pytest.mark.parametrize("case", [np.array([0, 2]), np.array([0]), np.array([-1, 0])])
def test_cases_with_gaps_or_without_rows_are_refused(case: np.ndarray) -> None:
    with pytest.raises(OptionError, match=r"case.*(give|number)"):
        ranked_probability_scores(np.ones(2), np.ones(2), case)


def test_skill_is_one_for_perfection_and_negative_for_worse_than_the_reference() -> None:
    np.testing.assert_allclose(skill_score(np.array([0.0, 0.1, 0.3]), np.array([0.2])), [1.0, 0.5, -0.5])


@BRIEFLY
@given(st.floats(0, 1))
def test_the_reference_has_no_skill_against_itself(score: float) -> None:
    assert skill_score(score, score) == 0.0


@BRIEFLY
@given(pairs)
def test_ranks_are_those_of_scikit_learn_and_undefined_for_one_class(rows) -> None:
    outcome, forecast = rows
    if 0 < outcome.sum() < len(outcome):
        assert auc(outcome, forecast) == pytest.approx(roc_auc_score(outcome, forecast))
        assert average_precision(outcome, forecast) == pytest.approx(average_precision_score(outcome, forecast))
    else:
        assert auc(outcome, forecast) is None
        assert average_precision(outcome, forecast) is None


def test_the_auc_counts_pairs() -> None:
    outcome, forecast = np.array([1, 1, 0, 0, 0.0]), np.array([0.8, 0.3, 0.3, 0.1, 0.9])
    wins = np.sign(forecast[outcome == 1][:, None] - forecast[outcome == 0]) / 2 + 0.5
    assert auc(outcome, forecast) == pytest.approx(wins.mean())


def test_a_constant_forecast_ranks_nothing() -> None:
    outcome = np.array([1.0, 0.0, 0.0, 0.0])
    assert auc(outcome, np.full(4, 0.2)) == 0.5
    assert average_precision(outcome, np.full(4, 0.2)) == 0.25


@BRIEFLY
@given(pairs)
def test_the_decomposition_adds_up_and_its_parts_are_not_negative(rows) -> None:
    parts = decompose(*rows)
    assert parts.score == pytest.approx(brier_scores(*rows).mean(), abs=1e-12)
    assert parts.score == pytest.approx(parts.miscalibration - parts.discrimination + parts.uncertainty, abs=1e-12)
    assert min(parts.miscalibration, parts.discrimination, parts.uncertainty) > -1e-12


@BRIEFLY
@given(pairs)
def test_the_decomposition_is_that_of_model_diagnostics(rows) -> None:
    # The library takes no single row, and no forecasts that differ by less than 1e-15.
    outcome, forecast = np.tile(rows[0], 2), np.tile(rows[1].round(9), 2)
    row = library_decompose(outcome, forecast, scoring_function=SquaredError()).row(0, named=True)
    parts = decompose(outcome, forecast)
    assert {name: getattr(parts, name) for name in row} == pytest.approx(row, abs=1e-9)


def test_forecasts_that_only_rounding_sets_apart_are_decomposed() -> None:
    parts = decompose(np.array([0.0, 1.0, 0.0]), np.array([0.1, 0.3, 0.1 + 0.2]))
    assert parts.score == pytest.approx((0.01 + 0.49 + 0.09) / 3)
    assert parts.discrimination == pytest.approx(2 / 9 - 0.5 / 3)


def test_a_single_forecast_is_all_miscalibration() -> None:
    parts = decompose(np.ones(1), np.array([0.3]))
    assert parts.score == parts.miscalibration == pytest.approx(0.49)
    assert parts.discrimination == parts.uncertainty == 0.0


def test_a_constant_forecast_discriminates_nothing() -> None:
    parts = decompose(np.array([1.0, 0.0, 0.0, 0.0]), np.full(4, 0.35))
    assert parts.miscalibration == pytest.approx(0.1**2)
    assert parts.discrimination == pytest.approx(0.0, abs=1e-15)
    assert parts.uncertainty == pytest.approx(0.25 * 0.75)


@BRIEFLY
@given(pairs)
def test_recalibration_is_isotonic_regression_and_never_falls(rows) -> None:
    outcome, forecast = rows
    found = recalibrate(outcome, forecast)
    assert (np.diff(found[np.argsort(forecast, kind="stable")]) >= 0).all()
    assert found.mean() == pytest.approx(outcome.mean())
    coarse = forecast.round(6)
    theirs = IsotonicRegression().fit(coarse, outcome).predict(coarse)
    np.testing.assert_allclose(recalibrate(outcome, coarse), theirs, atol=1e-9)


@BRIEFLY
@given(pairs, st.integers(0, 20))
def test_elementary_scores_are_those_of_model_diagnostics(rows, ticks: int) -> None:
    threshold = ticks / 20
    expected = ElementaryScore(threshold, functional="mean")(*rows)
    assert murphy_curve(*rows, np.array([threshold]))[0] == pytest.approx(expected, abs=1e-12)


@BRIEFLY
@given(pairs)
def test_the_area_under_the_murphy_curve_is_half_the_brier_score(rows) -> None:
    """The curve is straight between forecasts, so that midpoints give its area exactly."""
    borders = np.unique(np.concatenate([[0.0, 1.0], rows[1]]))
    area = murphy_curve(*rows, (borders[1:] + borders[:-1]) / 2) @ np.diff(borders)
    assert area == pytest.approx(brier_scores(*rows).mean() / 2, abs=1e-12)


def test_a_murphy_curve_counts_the_cost_of_misses_and_false_alarms() -> None:
    outcome, forecast = np.array([1, 1, 0, 0.0]), np.array([0.2, 0.9, 0.7, 0.5])
    # At 0.5 one event is missed, and two forecasts, one of them just there, raise a false alarm.
    np.testing.assert_allclose(murphy_curve(outcome, forecast, np.array([0.5])), (0.5 * 1 + 0.5 * 2) / 4)
    assert murphy_curve(outcome, forecast, np.array([0.0, 1.0])).tolist() == [0.0, 0.0]


def test_a_murphy_threshold_is_a_probability() -> None:
    with pytest.raises(OptionError, match="outside 0 to 1; give"):
        murphy_curve(np.ones(1), np.ones(1), np.array([1.2]))


@BRIEFLY
@given(pairs)
def test_a_calibration_curve_of_few_forecasts_is_the_recalibration(rows) -> None:
    outcome, forecast = rows
    curve = calibration_curve(outcome, forecast, np.random.default_rng(1), replicates=5)
    assert curve.forecast.tolist() == sorted(set(forecast))
    np.testing.assert_allclose(curve.frequency[np.searchsorted(curve.forecast, forecast)], recalibrate(*rows))
    assert (curve.low <= curve.high).all()


def test_a_calibration_curve_of_many_forecasts_shows_some_of_them_from_end_to_end() -> None:
    outcome, forecast = calibrated(25_000, 3)
    curve = calibration_curve(outcome, forecast, np.random.default_rng(1), replicates=2)
    assert 150 <= len(curve.forecast) <= 200
    assert (curve.forecast[0], curve.forecast[-1]) == (forecast.min(), forecast.max())
    # A hundredth of the range, and the widest gap between forecasts.
    assert np.diff(curve.forecast).max() < np.ptp(forecast) / 99 + np.diff(np.sort(forecast)).max()
    position = [int(np.flatnonzero(forecast == p)[0]) for p in curve.forecast]
    np.testing.assert_allclose(curve.frequency, recalibrate(outcome, forecast)[position])


def test_the_band_of_one_forecast_is_that_of_the_binomial() -> None:
    curve = calibration_curve(np.zeros(100), np.full(100, 0.3), np.random.default_rng(2), replicates=2000)
    # Binomial(100, 0.3) has its 5th and 95th percentile at 23 and 38.
    assert (curve.low[0], curve.high[0]) == (0.23, 0.38)


def share_inside(outcome: np.ndarray, forecast: np.ndarray, seed: int) -> float:
    curve = calibration_curve(outcome, forecast, np.random.default_rng(seed), replicates=100, points=50)
    return float(((curve.low <= curve.frequency) & (curve.frequency <= curve.high)).mean())


def test_a_calibrated_forecaster_lies_within_the_band_as_often_as_it_says() -> None:
    shares = [share_inside(*calibrated(800, seed), seed) for seed in range(30)]
    assert 0.85 < np.mean(shares) < 0.96


@pytest.mark.parametrize(("slope", "shift"), [(2.0, 0.0), (0.4, 0.0), (1.0, 0.8), (1.0, -0.8)])
def test_biased_forecasters_are_found_out(slope: float, shift: float) -> None:
    """Over-confident, under-confident, too high and too low: miscalibration grows, the curve leaves the band."""
    outcome, forecast = calibrated(8000, 7)
    honest, biased = decompose(outcome, forecast), decompose(outcome, bent(forecast, slope, shift))
    assert honest.miscalibration < 0.0015
    assert biased.miscalibration > 5 * honest.miscalibration
    assert biased.discrimination == pytest.approx(honest.discrimination)
    assert share_inside(outcome, forecast, 1) > 0.75
    assert share_inside(outcome, bent(forecast, slope, shift), 1) < 0.4


def test_miscalibration_of_calibrated_forecasts_goes_to_zero() -> None:
    few, many = (decompose(*calibrated(rows, 5)).miscalibration for rows in (300, 30_000))
    assert 10 * many < few
    assert many < 0.0007


def test_resampling_draws_as_many_clusters_as_there_are_each_equally_often() -> None:
    counts = resample_clusters(8, 20_000, np.random.default_rng(1))
    assert (counts.sum(axis=1) == 8).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=0.03)
    np.testing.assert_allclose(counts.var(axis=0), 7 / 8, atol=0.05)


def rows_drawn(cluster: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(cluster)), count[cluster].astype(int))


@BRIEFLY
@given(pairs, st.integers(1, 6), st.integers(0, 1000))
def test_resampled_scores_are_those_of_the_rows_drawn(rows, clusters: int, seed: int) -> None:
    outcome, forecast = rows
    rng = np.random.default_rng(seed)
    cluster, counts = rng.integers(0, clusters, len(outcome)), resample_clusters(clusters, 5, rng)
    means = resampled_means(brier_scores(outcome, forecast), cluster, counts)
    areas, precisions = resampled_ranks(outcome, forecast, cluster, counts)
    for replicate, count in enumerate(counts):
        drawn = rows_drawn(cluster, count)
        if not len(drawn):
            assert np.isnan(means[replicate])
            continue
        assert means[replicate] == pytest.approx(brier_scores(outcome[drawn], forecast[drawn]).mean())
        weight = count[cluster]
        if 0 < outcome[drawn].sum() < len(drawn):
            assert areas[replicate] == pytest.approx(roc_auc_score(outcome, forecast, sample_weight=weight))
            expected = average_precision_score(outcome, forecast, sample_weight=weight)
            assert precisions[replicate] == pytest.approx(expected)
            assert areas[replicate] == pytest.approx(auc(outcome[drawn], forecast[drawn]))
        else:
            assert np.isnan([areas[replicate], precisions[replicate]]).all()


def test_resampled_ranks_of_many_rows_are_computed_in_blocks() -> None:
    outcome, forecast = calibrated(500, 4)
    cluster, counts = np.arange(500) % 40, resample_clusters(40, 7, np.random.default_rng(1))
    whole = resampled_ranks(outcome, forecast, cluster, counts)
    np.testing.assert_array_equal(whole, resampled_ranks(outcome, forecast, cluster, counts, cells=1000))


def test_an_infinite_score_counts_only_where_its_cluster_is_drawn() -> None:
    counts = np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    found = resampled_means(np.array([0.1, 0.3, np.inf]), np.array([0, 0, 1]), counts)
    np.testing.assert_allclose(found, [0.2, np.inf, np.inf])


def test_an_interval_leaves_out_five_percent_at_each_end_and_what_is_undefined() -> None:
    values = np.random.default_rng(1).permutation(np.arange(1001.0))
    assert percentile_interval(np.append(values, [np.nan] * 10)) == (50.0, 950.0)
    assert percentile_interval(np.array([*range(90), *[np.inf] * 10])) == (5.0, np.inf)
    assert np.isnan(percentile_interval(np.full(3, np.nan))).all()


def coverage(clusters: int, rows: int, trials: int = 300) -> tuple[float, float]:
    """How often 90 % intervals from resampled clusters, and from resampled rows, hold the true Brier score.

    Each cluster has its own chance of the event, uniform from 0 to 1, so its rows hang together; the forecast is 0.3.
    """
    rng = np.random.default_rng(3)
    truth = 0.5 * 0.7**2 + 0.5 * 0.3**2
    held = np.zeros((trials, 2))
    by_cluster, by_row = np.repeat(np.arange(clusters), rows), np.arange(clusters * rows)
    for trial in range(trials):
        outcome = (rng.random(clusters * rows) < np.repeat(rng.random(clusters), rows)).astype(float)
        scores = (0.3 - outcome) ** 2
        for column, group in enumerate((by_cluster, by_row)):
            counts = resample_clusters(int(group.max()) + 1, 200, rng)
            low, high = percentile_interval(resampled_means(scores, group, counts))
            held[trial, column] = low <= truth <= high
    return tuple(held.mean(axis=0))


def test_resampling_dyads_covers_the_truth_and_resampling_rows_would_not() -> None:
    dyads, rows = coverage(clusters=40, rows=10)
    assert 0.85 < dyads < 0.95
    assert rows < 0.75


def test_intervals_from_few_dyads_are_too_narrow() -> None:
    assert coverage(clusters=5, rows=10)[0] < 0.85


SCORERS = [brier_scores, log_scores, auc, average_precision, decompose, recalibrate]
BAD = [
    (np.array([1.0]), np.array([0.1, 0.2]), "one of each for every row"),
    (np.array([[1.0]]), np.array([[0.1]]), "one of each for every row"),
    (np.array([]), np.array([]), "at least one row"),
    (np.array([2.0]), np.array([0.1]), "neither 0 nor 1; give"),
    (np.array([np.nan]), np.array([0.1]), "neither 0 nor 1; give"),
    (np.array([1.0]), np.array([1.0 + 1e-9]), "outside 0 to 1; give"),
    (np.array([1.0]), np.array([-0.1]), "outside 0 to 1; give"),
    (np.array([1.0]), np.array([np.nan]), "outside 0 to 1; give"),
]


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize(("outcome", "forecast", "message"), BAD)
def test_what_is_no_outcome_or_probability_is_refused(scorer, outcome, forecast, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        scorer(outcome, forecast)


def test_options_that_cannot_be_used_are_refused() -> None:
    rng, one = np.random.default_rng(1), np.ones(1)
    with pytest.raises(OptionError, match="at least 2"):
        calibration_curve(one, one, rng, points=1)
    with pytest.raises(OptionError, match="at least 2"):
        calibration_curve(one, one, rng, replicates=1)
    with pytest.raises(OptionError, match="at least 1"):
        resample_clusters(0, 5, rng)
    with pytest.raises(OptionError, match="at least 1"):
        resample_clusters(5, 0, rng)
    for cluster in (np.array([1]), np.array([0, 0])):
        with pytest.raises(OptionError, match="numbers of cluster do not fit 1 rows"):
            resampled_means(one, cluster, np.ones((2, 1)))
        with pytest.raises(OptionError, match="numbers of cluster do not fit 1 rows"):
            resampled_ranks(one, one, cluster, np.ones((2, 1)))
