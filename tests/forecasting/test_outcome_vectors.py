"""The probability of a whole vector of outcomes: against every possible record, closed forms and plain chance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.engines.fitting import fit
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.futures import draw_chance, simulate_futures
from riskcast.forecasting.outcome_vectors import VectorProbability, vector_probability
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.work_arrays import Block
from riskcast.machinery.array_types import Bools
from tests.forecasting.test_recorded_ahead import CHAIN, MIXED, ONE, SELF, THREE, TWO, found
from tests.forecasting.test_tension_ahead import LOADING, tense_case
from tests.support.cases import event, every_record, make_case, quantity, random_case, thinned_case

DRAWS, PATHS = 1500, 4
Vector = Mapping[str, Bools]


def vectors(case: Case, names: list[str]) -> list[Vector]:
    """Every vector of some event types."""
    cells = [(name, u) for name in names for u in range(len(case.units(name)))]
    out = []
    for values in itertools.product([False, True], repeat=len(cells)):
        vector = {name: np.zeros(len(case.units(name)), dtype=bool) for name in names}
        for (name, u), value in zip(cells, values, strict=True):
            vector[name][u] = value
        out.append(vector)
    return out


def all_told(vector: Vector) -> Vector:
    return {name: np.ones_like(own) for name, own in vector.items()}


def assert_close(estimate: VectorProbability, exact: float) -> None:
    """The estimate is as exact as it says."""
    assert estimate.log_probability == pytest.approx(math.log(exact), abs=5 * estimate.error + 1e-4)


RECORDS = [
    (ONE, SELF, 1, 8, {("a", "ALL"): 0.5}),
    (ONE, SELF, 2, 4, {("a", "HHH-P001"): 0.2, ("a", "HHH-P002"): 0.9}),
    (TWO, MIXED, 2, 2, {("a", "HHH-P001"): 0.3, ("a", "HHH-P002"): 1.0, ("spark", "ALL"): 0.6}),
    (THREE, CHAIN, 1, 3, {("a", "ALL"): 1.0, ("spark", "ALL"): 0.25, ("b", "ALL"): 0.7}),
]


@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize(("events", "edges", "partners", "horizon", "shares"), RECORDS)
def test_each_vector_is_as_probable_as_all_records_that_hold_it(
    events: dict[str, Any],
    edges: list[dict[str, Any]],
    partners: int,
    horizon: int,
    shares: dict[tuple[str, str], float],
    near: bool,
) -> None:
    case = make_case(events, edges, partners=partners, half_life=quantity(2.0))
    case = found(case, *((kind, unit, share) for (kind, unit), share in shares.items()))
    recall = {
        (kind, u): share
        for (kind, unit), share in shares.items()
        for u, name in enumerate(case.units(kind))
        if unit in ("ALL", name)
    }
    weight, state = every_record(case, horizon, recall)
    posterior = fit(case, draws=DRAWS, prior_only=True)
    # Of the trigger nothing is asked: it may come or not.
    names, total, rng = [name for name in case.order if name != "spark"], 0.0, np.random.default_rng(8)
    for vector in vectors(case, names):
        holds = np.ones(len(weight), dtype=bool)
        for name, own in vector.items():
            holds &= ((state[name] == 2).any(axis=1) == own).all(axis=1)
        hint = {name: rng.random((horizon, len(case.units(name)))) < 0.4 for name in case.order} if near else None
        found_now = vector_probability(posterior, vector, all_told(vector), horizon, near=hint, paths=PATHS, seed=5)
        assert_close(found_now, float(weight[holds].sum()))
        total += math.exp(found_now.log_probability)
    assert total == pytest.approx(1.0, abs=0.03)


def test_without_feedback_every_path_has_the_probability_that_its_draw_gives() -> None:
    base = event(quantity(0.4, 0.1, 0.8))
    case = make_case({"a": base, "b": base}, partners=2)
    posterior = fit(case, draws=400, prior_only=True)
    rates = {name: np.exp(posterior.events[name].coefficients[:, 0]) for name in ("a", "b")}
    vector = {"a": np.array([True, False]), "b": np.array([True, True])}
    told = {"a": np.array([True, True]), "b": np.array([True, False])}
    estimate = vector_probability(posterior, vector, told, 12, paths=3)
    none = {name: np.exp(-12.0 * rate) for name, rate in rates.items()}
    exact = (1.0 - none["a"]) * none["a"] * (1.0 - none["b"])
    np.testing.assert_allclose(np.exp(estimate.log_weights), exact, rtol=2e-5)
    assert estimate.log_probability == pytest.approx(math.log(exact.mean()), abs=2e-5)
    # What draws share makes the whole more probable than the product of its parts.
    apart = (1.0 - none["a"]).mean() * none["a"].mean() * (1.0 - none["b"]).mean()
    assert math.log(apart) != pytest.approx(estimate.log_probability, abs=0.05)


def test_tension_joins_event_types_and_times() -> None:
    posterior = fit(tense_case(), draws=6000, prior_only=True)
    rng, count = np.random.default_rng(4), 400_000
    g, total = rng.standard_normal(count), np.zeros(count)
    base = -math.log1p(-0.3) / 12
    for _ in range(4):
        g = 0.8 * g + 0.6 * rng.standard_normal(count)
        total += 3 * base * sum(np.exp(size * g - size**2 / 2) for size in LOADING.values())
    quiet = {name: np.zeros(1, dtype=bool) for name in LOADING}
    estimate = vector_probability(posterior, quiet, all_told(quiet), 12, paths=8)
    assert_close(estimate, float(np.exp(-total).mean()))
    apart = sum(
        vector_probability(posterior, {name: own}, {name: ~own}, 12, paths=8).log_probability
        for name, own in quiet.items()
    )
    assert estimate.log_probability > apart + 3 * estimate.error


def share_of(posterior: Posterior, vector: Vector, horizon: int, paths: int) -> tuple[float, float]:
    """The share of plain futures that hold a vector, with its standard error."""
    _, baseline = resolve_scenario(posterior.case, None)
    plan = plan_simulation(posterior, horizon, 9)
    block = Block(np.repeat(np.arange(plan.draws), paths), 0)
    futures = simulate_futures(plan, draw_chance(plan, baseline, block), baseline)
    told = futures.recorded or futures
    holds = np.ones(len(block.draw), dtype=bool)
    for name, own in vector.items():
        holds &= ((told.occurred[name] > 0) == own).all(axis=1)
    each = holds.reshape(plan.draws, paths).mean(axis=1)
    return float(each.mean()), float(each.std() / math.sqrt(plan.draws))


@pytest.mark.parametrize("make", [random_case, thinned_case])
def test_vectors_are_as_frequent_as_among_plain_futures(make) -> None:
    case = make(3, partners=2)
    posterior = fit(case, draws=2000, allow_unreliable=True)
    few = [vectors(case, list(case.outcomes))[place] for place in (0, 1, 6, 16)]
    for vector in few:
        share, error = share_of(posterior, vector, 6, 10)
        estimate = vector_probability(posterior, vector, all_told(vector), 6, paths=8, seed=2)
        off = math.exp(estimate.log_probability) - share
        assert abs(off) < 5 * math.hypot(error, estimate.error * share) + 1e-6
        assert share > 0.0


def test_what_cannot_come_is_impossible() -> None:
    case = make_case({"a": event(quantity(0.3)), "b": event(quantity(1e-12))}, partners=1)
    posterior = fit(case, draws=100, prior_only=True)
    once, never = np.ones(1, dtype=bool), np.zeros(1, dtype=bool)
    estimate = vector_probability(posterior, {"a": never, "b": once}, {"a": once, "b": once}, 1)
    assert estimate.log_probability < math.log(1e-12)
    assert VectorProbability(np.full(3, -np.inf)).log_probability == -np.inf
    assert VectorProbability(np.full(3, -np.inf)).effective == 0.0


def test_the_bias_of_a_log_is_half_the_variance_and_halves_with_twice_the_draws() -> None:
    rng = np.random.default_rng(1)
    for draws in (200, 400):
        many = [VectorProbability(rng.normal(-10.0 - 0.18, 0.6, draws)) for _ in range(4000)]
        off = np.mean([one.log_probability for one in many]) + 10.0
        assert off == pytest.approx(np.mean([one.bias for one in many]), abs=0.0015)
        spread = np.std([one.log_probability for one in many])
        assert spread == pytest.approx(np.mean([one.error for one in many]), rel=0.1)
        halves = np.mean([one.of_halves for one in many]) + 10.0
        assert halves == pytest.approx(2 * off, abs=0.002)
    assert VectorProbability(np.zeros(50)).effective == pytest.approx(50.0)
