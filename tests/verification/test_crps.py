"""CRPS in closed form against the integral that defines it, and as backtests use it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

import riskcast
from riskcast.forecasting.path_samples import score_samples
from riskcast.record.arrays import build_record
from riskcast.verification.crps import Ensemble, crps
from riskcast.verification.origins import Known, Truth, forecast_origin, resolve
from riskcast.verification.past_scores import past_ensembles, score_references
from riskcast.verification.score_accuracy import score_accuracies
from tests.support.cases import random_case
from tests.support.origins import small_case

MEMBERS = st.lists(st.tuples(st.floats(0, 100), st.floats(0.05, 1.0)), min_size=1, max_size=9)


def integral(values: np.ndarray, weights: np.ndarray, came: float) -> float:
    """The integral over z of (P(X <= z) - 1{y <= z})^2, exactly, as it is constant between values."""
    edges = np.unique([*values, came])
    total = 0.0
    for low, high in pairwise(edges.tolist()):
        below = weights[values <= low].sum()
        total += (high - low) * (below - (came <= low)) ** 2
    return total


@given(members=MEMBERS, came=st.floats(0, 100))
def test_the_closed_form_is_the_integral(members: list[tuple[float, float]], came: float) -> None:
    values, weights = np.array(members).T
    weights = weights / weights.sum()
    found = crps(Ensemble(values[:, None], weights[:, None]), np.array([came]))
    assert found[0] == pytest.approx(integral(values, weights, came), abs=1e-9)


def test_one_member_has_its_absolute_error_and_the_right_spread_is_best() -> None:
    assert crps(Ensemble.equal(np.array([[3.0, 8.0]])), np.array([5.0, 5.0])).tolist() == [2.0, 3.0]
    rng = np.random.default_rng(1)
    came = rng.normal(50, 10, 4000)
    scores = [crps(Ensemble.equal(rng.normal(50, sd, (300, 4000))), came).mean() for sd in (3.0, 10.0, 30.0)]
    assert scores[1] == min(scores)


def test_samples_have_the_score_as_their_mean() -> None:
    ahead = riskcast.forecast(riskcast.fit(random_case(1), draws=200), paths=8)
    samples = score_samples(ahead)
    error = samples.std(axis=0) / np.sqrt(len(samples))
    assert samples.shape == (200 * 8, len(ahead.dyads))
    np.testing.assert_array_less(np.abs(samples.mean(axis=0) - ahead.scores.mean), 5 * error + 1e-6)


def test_references_hold_possible_what_has_the_mean_that_they_forecast() -> None:
    case = small_case()
    record = build_record(case)
    means = score_references(case, record, 12, {})
    found = past_ensembles(case, record, 12)
    assert set(found) == set(means)
    for name, one in found.items():
        np.testing.assert_allclose(one.weights.sum(axis=0), 1.0)
        np.testing.assert_allclose((one.values * one.weights).sum(axis=0), means[name])


def test_an_origin_is_resolved_with_the_crps_of_all_who_say_what_may_come() -> None:
    case = small_case()
    day = riskcast.history_days(case, 3)[0]
    known = riskcast.case_as_of(case, day)
    made = forecast_origin(Known(riskcast.Request(known, horizon=6, draws=100, allow_unreliable=True)))
    found = resolve(Truth.of(case), made, known, 6).scores
    for name, one in made.ensembles.items():
        hand = crps(one, found["came"].to_numpy())
        assert found[f"crps_{name}"].tolist() == pytest.approx(hand.tolist())
    assert {"model", "prior_only", "pooled_mean", "dyad_mean"} == set(made.ensembles)
    accuracy = score_accuracies(found, 20, 1)
    assert accuracy["model"].crps is not None
    assert accuracy["model"].crps.value == pytest.approx(found["crps_model"].mean())
    skills = [one.crps_skill for one in accuracy.values() if one.crps is not None]
    assert skills.count(None) == 1


def test_an_origin_with_disputed_events_is_resolved_with_a_second_crps() -> None:
    case = small_case()
    day = riskcast.history_days(case, 3)[0]
    rows = [row.model_copy(update={"status": "disputed"}) if row.date > day else row for row in case.event_rows]
    case = case.revised(event_rows=tuple(rows))
    known = riskcast.case_as_of(case, day)
    made = forecast_origin(Known(riskcast.Request(known, horizon=6, draws=100, allow_unreliable=True)))
    found = resolve(Truth.of(case), made, known, 6).scores
    assert (found["came"] != found["undisputed"]).any()
    for name, one in made.ensembles.items():
        for column, came in ((f"crps_{name}", "came"), (f"crps_{name}_undisputed", "undisputed")):
            assert found[column].tolist() == pytest.approx(crps(one, found[came].to_numpy()).tolist())


def test_a_table_without_crps_is_scored_all_the_same() -> None:
    table = pd.DataFrame({"origin": "2020-12-31", "unit": ["A-B", "A-C"], "came": [20.0, 40.0]})
    table = table.assign(model=[30.0, 40.0], pooled_mean=[30.0, 30.0])
    assert score_accuracies(table, 10, 1)["model"].crps is None
