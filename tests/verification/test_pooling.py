"""The weight of outside forecasters, learned from simulated ones of whom the truth is known."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, strategies as st

from riskcast.errors import OptionError
from riskcast.forecasting.soft_evidence import pooled
from riskcast.machinery.array_types import Bools, Floats
from riskcast.verification.forecasters import MODEL
from riskcast.verification.pooling import earned_among, earned_weights, pool_weight
from riskcast.verification.track_record import make_track_record
from riskcast.verification.track_rows import Kind, TrackRow


def odds(p: Floats) -> Floats:
    return np.log(p) - np.log1p(-p)


def chance(eta: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-eta))


def world(count: int, seed: int) -> tuple[np.random.Generator, Floats, Floats, Bools]:
    """A model that is calibrated and knows a part; what there is to know; what came."""
    rng = np.random.default_rng(seed)
    known, hidden = rng.normal(0.0, 1.0, count), rng.normal(0.0, 1.5, count)
    truth = chance(known + hidden)
    # The mean of the logistic over the hidden part, by the usual probit factor.
    model = chance(known / np.sqrt(1.0 + 3.0 * 1.5**2 / np.pi**2))
    return rng, model, truth, rng.random(count) < truth


def test_noise_earns_nothing() -> None:
    earned = []
    for seed in range(60):
        rng, model, _, came = world(100, seed)
        earned.append(pool_weight(model, chance(odds(model) + rng.normal(0.0, 1.0, 100)), came).weight)
    assert np.mean(np.array(earned) == 0.0) > 0.85
    rng, model, _, came = world(20_000, 99)
    assert pool_weight(model, rng.uniform(0.05, 0.95, 20_000), came).weight < 0.02


def test_one_who_knows_what_there_is_to_know_earns_all_in_time() -> None:
    _, model, truth, came = world(5000, 3)
    assert pool_weight(model, truth, came).weight > 0.9
    sure = np.where(came, 0.99, 0.01)
    weights = [pool_weight(model[:count], sure[:count], came[:count]).weight for count in (1, 10, 40, 400)]
    assert weights == sorted(weights)
    assert weights[0] < 0.7
    assert weights[-1] > 0.97


def test_a_bias_costs_weight_and_never_makes_the_pool_worse_than_the_model() -> None:
    rng, model, truth, came = world(4000, 5)
    heard = odds(truth) + rng.normal(0.0, 0.7, 4000)
    fair, biased = pool_weight(model, chance(heard), came), pool_weight(model, chance(heard + 1.5), came)
    assert fair.weight > biased.weight + 0.1
    assert biased.gain >= 0.0
    assert pool_weight(model, chance(-odds(truth)), came).weight == 0.0


@given(st.integers(0, 2**31), st.integers(2, 40))
def test_the_best_weight_is_that_of_a_grid_and_the_earned_one_is_no_larger(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    model, outside = rng.uniform(0.02, 0.98, (2, count))
    came = rng.random(count) < 0.5
    found = pool_weight(model, outside, came)

    def score(weight: float) -> float:
        both = zip(model.tolist(), outside.tolist(), came.tolist(), strict=True)
        return sum(np.log(pooled(m, o, weight) if y else 1.0 - pooled(m, o, weight)) for m, o, y in both)

    grid = np.linspace(0.0, 1.0, 51)
    best = grid[int(np.argmax([score(weight) for weight in grid.tolist()]))]
    assert abs(best - found.best) <= 0.0201
    assert 0.0 <= found.weight <= found.best <= 1.0
    assert found.gain >= -1e-12


def test_questions_that_hang_together_count_as_one() -> None:
    model, outside, came = np.array([0.4, 0.6, 0.3]), np.array([0.8, 0.2, 0.7]), np.array([True, False, True])
    once = pool_weight(model, outside, came)
    often = pool_weight(*(np.repeat(each, 7) for each in (model, outside, came)), np.repeat(np.arange(3), 7).tolist())
    assert often.best == pytest.approx(once.best)
    assert often.weight == pytest.approx(once.weight)
    assert often.questions == once.questions == 3


def test_bad_arrays_are_refused() -> None:
    with pytest.raises(OptionError, match="differ in number"):
        pool_weight(np.ones(2), np.ones(3), np.ones(2, dtype=bool))
    with pytest.raises(OptionError, match="outside 0 to 1"):
        pool_weight(np.array([0.5]), np.array([1.5]), np.ones(1, dtype=bool))


def test_a_track_record_earns_weights_by_forecaster() -> None:
    rng, rows = np.random.default_rng(1), []
    for place in range(60):
        day = dt.date(2020, 1, 1) + dt.timedelta(days=31 * place)
        came = bool(rng.random() < 0.5)
        named: dict[str, tuple[float, Kind]] = {
            MODEL: (0.5, "model"),
            "oracle": (0.95 if came else 0.05, "crowd"),
            "dice": (float(rng.uniform(0.1, 0.9)), "person"),
        }
        for name, (probability, kind) in named.items():
            window = (day, day + dt.timedelta(days=30))
            told = "yes" if came else "no"
            rows.append(TrackRow(f"q{place}", name, probability, told, day, window, "RUS", "note", "RUS-TJK", kind))
    record = make_track_record(rows, dt.date(2026, 1, 1), replicates=20)
    among = earned_among(record, ["dice", "oracle"])
    assert among.questions == 60
    assert among.weights[1] > 0.8
    # Of no answer is it known when it was told.
    with pytest.raises(OptionError, match=r"in common by 2020-03-15 \(answered in time: dice 0, oracle 0\)"):
        earned_among(record, ["dice", "oracle"], dt.date(2020, 3, 15))
    with pytest.raises(OptionError, match=r"no answered question in common \(answered in time: oracle 60, nobody 0\)"):
        earned_among(record, ["oracle", "nobody"])
    found = earned_weights(record)
    assert set(found) == {"oracle", "dice"}
    assert found["oracle"].weight > 0.9
    assert found["dice"].weight < 0.3
    assert found["oracle"].questions == 60
    assert earned_weights(make_track_record(rows, dt.date(2026, 1, 1), replicates=20), dt.date(2019, 1, 1)) == {}
