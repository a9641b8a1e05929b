"""Power scaling against a closed form, ArviZ, and the model's own likelihood."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from riskcast.case.files import load_case
from riskcast.challenge.beliefs import drawn_beliefs
from riskcast.challenge.densities import log_likelihoods, taught_beliefs
from riskcast.challenge.power_scaling import SENSITIVE, distance, scale
from riskcast.engines.fitting import fit
from riskcast.engines.hazard import log_likelihood
from riskcast.forecasting.forecasts import forecast
from tests.support.cases import random_case
from tests.support.fullcase import write_full_case

DRAWS = 4000
# A standard normal prior, and a normal likelihood about 3 that is twice as precise.
PRECISION, SEEN = 2.0, 3.0
NORMAL = NormalDist()
Z = np.array([NORMAL.inv_cdf((i + 0.5) / DRAWS) for i in range(DRAWS)])


def posterior(prior: float, record: float) -> tuple[float, float]:
    """Mean and standard deviation with prior and likelihood at these powers."""
    total = prior + record * PRECISION
    return record * PRECISION * SEEN / total, 1.0 / math.sqrt(total)


MEAN, SD = posterior(1.0, 1.0)
VALUES = MEAN + SD * Z
PARTS = {"prior": -0.5 * VALUES**2, "record": -0.5 * PRECISION * (VALUES - SEEN) ** 2}


@pytest.mark.parametrize("part", ["prior", "record"])
def test_weights_give_the_posterior_that_a_conjugate_update_gives(part: str) -> None:
    scaled = scale(PARTS[part])
    assert scaled.is_good
    for power, weights in zip(scaled.powers, (scaled.lower, scaled.upper), strict=True):
        mean, sd = posterior(*((power, 1.0) if part == "prior" else (1.0, power)))
        found = float(weights @ VALUES)
        assert found == pytest.approx(mean, abs=0.01)
        assert math.sqrt(float(weights @ (VALUES - found) ** 2)) == pytest.approx(sd, abs=0.01)
    change, error = scaled.change(VALUES)
    ends = [posterior(*((p, 1.0) if part == "prior" else (1.0, p)))[0] for p in scaled.powers]
    assert change == pytest.approx((ends[1] - ends[0]) / (2.0 * math.log2(1.25)), abs=0.02)
    assert 0.0 < error < 0.05


@pytest.mark.parametrize("part", ["prior", "record"])
def test_the_distance_is_that_of_the_exact_distribution_functions(part: str) -> None:
    """The integrals by the trapezoidal rule, over what the draws reach, and over their negatives."""
    power, weights = 1.25, scale(PARTS[part]).upper
    mean, sd = posterior(*((power, 1.0) if part == "prior" else (1.0, power)))

    def exact(sign: float) -> float:
        x = np.linspace(*sorted((sign * VALUES[0], sign * VALUES[-1])), 4001)
        p, q = (np.array([NormalDist(sign * m, s).cdf(v) for v in x]) for m, s in ((MEAN, SD), (mean, sd)))
        middle, step = np.log2((p + q) / 2.0), (q - p) / (2.0 * math.log(2.0))
        total = np.trapezoid(p * (np.log2(p) - middle) + step, x) + np.trapezoid(q * (np.log2(q) - middle) - step, x)
        return math.sqrt(total / np.trapezoid(p + q, x))

    assert distance(VALUES, weights) == pytest.approx(max(exact(1.0), exact(-1.0)), rel=0.02)


def test_the_distance_has_no_unit_and_grows_with_the_shift() -> None:
    weights = [np.exp(step * Z) for step in (0.0, 0.1, 0.3)]
    none, some, more = (distance(Z, each) for each in weights)
    assert none == 0.0
    assert 0.0 < some < more < 1.0
    assert distance(1000.0 * Z + 7.0, weights[1]) == pytest.approx(some, rel=1e-6)


def test_what_weights_cannot_reach_is_tried_nearer_and_else_said() -> None:
    heavy = -np.exp(3.0 * np.random.default_rng(3).standard_normal(1000))
    found = scale(50.0 * heavy)
    assert found.powers == (0.99, 1.01)
    assert not scale(np.where(np.arange(1000) == 0, 1e6, 0.0)).is_good


def test_chance_is_not_told_as_a_part_that_counts() -> None:
    rng = np.random.default_rng(4)
    told = noisy = 0
    for _ in range(60):
        part, idle = 4.0 * rng.standard_normal(200), rng.standard_normal(200)
        found = replace(scale(part), khat=0.0).hang(idle)
        told, noisy = told + found.is_told, noisy + (found.moved >= SENSITIVE)
    # Without the floor most of them would be told; by chance one in 21 is.
    assert noisy > 30
    assert told <= 9


@pytest.mark.parametrize("part", ["prior", "record"])
def test_what_counts_is_told_also_where_draws_count_for_fewer(part: str) -> None:
    every = slice(None, None, 10)
    found = scale(PARTS[part][every]).hang(VALUES[every])
    assert found.is_told
    assert found.moved == pytest.approx(scale(PARTS[part]).sensitivity(VALUES), rel=0.3)
    wider = scale(PARTS[part][every]).hang(VALUES[every], 2.0)
    assert wider.floor == pytest.approx(2.0 * found.floor)


def test_what_chance_does_is_the_distance_of_values_that_were_dealt_out() -> None:
    rng = np.random.default_rng(9)
    scaled, values = scale(rng.standard_normal(300)), rng.standard_normal(300)
    dealt = [scaled.sensitivity(rng.permutation(values)) for _ in range(200)]
    assert np.quantile(dealt, 0.5) < scaled.hang(values).floor < 1.5 * max(dealt)


@pytest.mark.parametrize("kind", ["plain", "full"])
def test_the_likelihood_of_every_draw_is_that_of_the_model(kind: str, tmp_path: Path) -> None:
    case = random_case(5) if kind == "plain" else load_case(write_full_case(tmp_path / "full"))
    drawn = fit(case, draws=100, allow_unreliable=True)
    found = log_likelihoods(drawn)
    for name, model in drawn.models.items():
        own = drawn.events[name]
        exact = []
        for draw in range(4):
            hyper = {key: values[draw] for key, values in own.hyper.items()}
            effects = own.effects[draw] / hyper["sd_dyad"] if model.has_dyad_effects else np.zeros(0)
            exact.append(log_likelihood(model, own.coefficients[draw], own.shocks[draw], effects, hyper))
        assert found[name][:4] == pytest.approx(exact, rel=1e-6, abs=1e-6), name
    shared = {
        one.belief.key: one
        for one in taught_beliefs(drawn_beliefs(forecast(drawn, horizon=2, paths=2)))
        if not one.event
    }
    assert set(shared) == ({"trust"} if kind == "full" else set())
    for one in shared.values():
        assert one.prior.quantile(one.scores) == pytest.approx(one.values)
