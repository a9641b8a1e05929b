"""The model's mathematics, against plain loops over the case, complex steps and numerical integration."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, strategies as st
from scipy.special import expit
from scipy.stats import norm

from riskcast.case.model import Case, SeriesRow
from riskcast.engines import hazard
from riskcast.engines.hazard import EventModel, build_event_model, event_slopes, log_event, log_posterior, year_factor
from riskcast.engines.laplace import log_target
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import Record, build_record
from tests.support.cases import (
    edge,
    event,
    event_row,
    indicator,
    make_case,
    quantity,
    random_case,
    searched,
    thinned_case,
)
from tests.support.priors import value_at


def models_of(case: Case) -> tuple[Record, dict[str, EventModel]]:
    record = build_record(case)
    return record, {name: build_event_model(case, record, name) for name in case.order}


def random_point(model: EventModel, seed: int) -> tuple[Floats, Floats, Floats, dict[str, float]]:
    rng = np.random.default_rng(seed)
    units = len(model.units) if model.has_dyad_effects else 0
    z, e, d = rng.normal(size=len(model.middle)), rng.normal(size=len(model.years)), rng.normal(size=units)
    return z, e, d, {name: float(rng.normal()) for name in model.free_hyper}


def naive_log_posterior(
    case: Case, record: Record, model: EventModel, z: Floats, e: Floats, d: Floats, xi: Mapping[str, float]
) -> float:
    """The joint density from the case alone: every unit and period in turn, and nothing of the engine's algebra."""
    target = model.event
    edges = case.effects_on(target)

    def link_value(low: float, high: float, middle: float, score: float) -> float:
        return float(value_at(score, low, middle, high))

    def log_of(key: str, given_quantity) -> float:
        low, high = np.log(given_quantity.range)
        return link_value(low, high, math.log(given_quantity.center), xi.get(key, 0.0))

    p = case.events[target].base_rate
    bounds = [math.log(-math.log1p(-value) / 12) for value in (*p.range, p.center)]
    coefficient = {"base": link_value(*bounds, z[0])}
    ordered = [edge for edge in edges if not edge.is_escalation] + [edge for edge in edges if edge.is_escalation]
    for place, effect in enumerate(ordered):
        low, high = np.log(effect.rate_ratio.range)
        coefficient[effect.id] = link_value(low, high, math.log(effect.rate_ratio.center), z[1 + place])
    settings = case.settings.hyperpriors
    sd_time = math.exp(log_of("sd_time", case.sd_time(target)))
    sd_dyad = math.exp(log_of("sd_dyad", case.sd_dyad(target))) if model.has_dyad_effects else 0.0
    low, high = (math.log(v / (1 - v)) for v in settings.persistence.range)
    center = settings.persistence.center
    rho = expit(link_value(low, high, math.log(center / (1 - center)), xi.get("persistence", 0.0)))
    years = sorted(set(record.years.tolist()))
    shock = {years[0]: sd_time * e[0]}
    for place, (before, now) in enumerate(itertools.pairwise(years)):
        kept = rho ** (now - before)
        shock[now] = kept * shock[before] + sd_time * math.sqrt(1 - kept**2) * e[1 + place]
    total = 0.0
    for unit in range(len(case.units(target))):
        for t in range(record.timeline.length):
            eta = coefficient["base"] + shock[int(record.years[t])]
            if model.has_dyad_effects:
                eta += sd_dyad * d[unit]
            for effect in edges:
                if not effect.is_escalation:
                    level = record.levels[effect.source]
                    eta += coefficient[effect.id] * level[t, min(unit, level.shape[1] - 1)]
                    continue
                assert effect.memory is not None
                half_life = math.exp(log_of(f"half_life.{effect.memory}", case.half_life(target, effect.memory)))
                freshest = t if effect.acts == "same" else t - 1
                left = 0.0
                for source_unit in range(len(case.units(effect.source))):
                    if effect.whose == "own" and source_unit != unit:
                        continue
                    if effect.whose == "others" and source_unit == unit:
                        continue
                    for then in range(freshest + 1):
                        happened = record.occurred[effect.source][then, source_unit]
                        left += happened * 2.0 ** (-(freshest - then) / half_life)
                eta += coefficient[effect.id] * math.log2(1.0 + left)
            chance = -math.expm1(-math.exp(eta) * record.exposure[target][t, unit])
            total += math.log(chance) if record.occurred[target][t, unit] else math.log1p(-chance)
    return total + float(norm.logpdf([*z, *e, *d, *xi.values()]).sum())


@pytest.mark.parametrize("name", ["spark", "protest", "break_off", "decree"])
def test_log_posterior_is_the_definition_row_by_row(name: str) -> None:
    case = random_case(5, partners=3, years=4)
    record, models = models_of(case)
    for seed in range(3):
        point = random_point(models[name], seed)
        wanted = naive_log_posterior(case, record, models[name], *point)
        assert log_posterior(models[name], *point) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("name", ["spark", "protest", "break_off", "decree"])
def test_recall_multiplies_the_rate_of_what_is_recorded(name: str) -> None:
    case = thinned_case(5, partners=3, years=4)
    record, models = models_of(case)
    for seed in range(3):
        point = random_point(models[name], seed)
        wanted = naive_log_posterior(case, record, models[name], *point)
        assert log_posterior(models[name], *point) == pytest.approx(wanted, rel=1e-10)


def test_half_found_at_a_rate_is_all_found_at_half_of_it() -> None:
    case = yearly_case()
    first, last = case.settings.history_from, case.as_of
    half, all_found = (
        build_event_model(one, build_record(one), "a")
        for one in (searched(case, *((kind, "ALL", first, last, 0.5) for kind in ("a", "spark"))), case)
    )
    assert len(half.free) == len(all_found.free)
    for seed in range(4):
        z, e, d, xi = random_point(half, seed)
        twice = z.copy()
        # Without skew a coefficient is linear in its coordinate.
        flat = [replace(model, skew=np.zeros_like(model.skew)) for model in (half, all_found)]
        twice[0] += math.log(2.0) / half.spread[0]
        prior = 0.5 * (twice @ twice - z @ z)
        found = log_posterior(flat[0], twice, e, d, xi) + prior
        assert found == pytest.approx(log_posterior(flat[1], z, e, d, xi), rel=1e-12)


def integral_over_effects(model: EventModel, z: Floats, e: Floats, xi: Mapping[str, float]) -> float:
    """log of the integral of the joint density over both dyads' d, by the trapezoidal rule on a square."""
    grid, step = np.linspace(-8.0, 8.0, 33, retstep=True)
    values = [log_posterior(model, z, e, np.array(d), xi) for d in itertools.product(grid, grid)]
    return float(np.logaddexp.reduce(values) + 2 * math.log(step))


@pytest.mark.parametrize("name", ["spark", "protest"])
def test_joint_density_integrated_over_dyad_effects_is_the_engines_target(name: str) -> None:
    _, models = models_of(random_case(7, partners=2, years=3))
    model = models[name]
    for seed in range(2):
        z, e, _, xi = random_point(model, seed)
        found = log_target(model, np.concatenate([z, e])[None], {key: np.array([value]) for key, value in xi.items()})
        constant = -0.5 * hazard.LOG_2PI * (len(z) + len(e) + len(xi))
        # What nine quadrature nodes a dyad leave at spreads like these (see test_collapse).
        assert float(found[0][0]) + constant == pytest.approx(integral_over_effects(model, z, e, xi), abs=1e-3)


def test_target_of_a_host_event_is_the_joint_density() -> None:
    _, models = models_of(random_case(7, partners=2, years=3))
    z, e, d, xi = random_point(models["decree"], 3)
    assert len(d) == 0
    theta = np.concatenate([z, e])[None]
    found = log_target(models["decree"], theta, {key: np.array([value]) for key, value in xi.items()})
    constant = -0.5 * hazard.LOG_2PI * (theta.size + len(xi))
    assert float(found[0][0]) + constant == pytest.approx(log_posterior(models["decree"], z, e, d, xi), rel=1e-10)


def log_chance(eta: complex) -> complex:
    """log(1 - exp(-rate)) in complex arithmetic, in forms whose imaginary part does not cancel."""
    rate = np.exp(eta)
    if rate.real < 1.0:
        # 1 - exp(-rate) = 2 exp(-rate / 2) sinh(rate / 2).
        return np.log(2.0 * np.sinh(rate / 2)) - rate / 2
    powers = np.arange(1, 45)
    return -(np.exp(-powers * rate) / powers).sum()


def slope_of_log_chance(eta: complex) -> complex:
    """rate / (exp(rate) - 1) in complex arithmetic."""
    rate = np.exp(eta)
    return rate / (2.0 * np.exp(rate / 2) * np.sinh(rate / 2))


@given(eta=st.floats(-25.0, 5.0))
@example(eta=4.96875)
def test_slopes_of_the_log_event_probability_equal_complex_steps(eta: float) -> None:
    h = 1e-30
    rate = np.array([math.exp(eta)])
    first, second = event_slopes(rate)
    ahead = complex(eta, h)
    assert float(log_event(rate)[0]) == pytest.approx(float(log_chance(complex(eta, 0)).real), rel=1e-12)
    assert float(first[0]) == pytest.approx(float(log_chance(ahead).imag / h), rel=1e-12, abs=0)
    assert float(second[0]) == pytest.approx(float(slope_of_log_chance(ahead).imag / h), rel=1e-6, abs=1e-15)


def test_log_event_holds_at_the_ends() -> None:
    found = log_event(np.array([1e-18, 1e-8, 50.0]))
    np.testing.assert_allclose(found, [math.log(1e-18), math.log(1e-8) - 5e-9, -math.exp(-50.0)], rtol=1e-12)


@given(
    years=st.lists(st.integers(1990, 2030), min_size=1, max_size=6, unique=True).map(sorted),
    sd=st.floats(0.0, 3.0),
    rho=st.floats(0.0, 0.999),
)
def test_year_shocks_are_a_stationary_autoregression_across_gaps(years: list[int], sd: float, rho: float) -> None:
    factor = year_factor(np.array(years), sd, rho)
    wanted = [[sd**2 * rho ** abs(s - t) for t in years] for s in years]
    np.testing.assert_allclose(factor @ factor.T, wanted, atol=1e-9)
    assert (np.triu(factor, 1) == 0).all()


def yearly_case() -> Case:
    """A covariate that stands still within a year, escalation, and few events: most rows can be pooled."""
    edges = [
        edge("trade", "a", quantity(1.5, 0.8, 2.5)),
        edge("spark", "a", quantity(2.0, 1.0, 4.0), whose="own", memory="fast", acts="same"),
        edge("a", "a", quantity(1.5, 0.8, 3.0), whose="own", memory="fast", acts="next"),
    ]
    rows = (
        event_row(dt.date(2018, 5, 3), "a", "HHH-P001"),
        event_row(dt.date(2019, 7, 3), "spark", "HHH-P002"),
        event_row(dt.date(2020, 2, 3), "a", "HHH-P003"),
    )
    return make_case(
        {"spark": event(quantity(0.1, 0.05, 0.3), kind="trigger"), "a": event(quantity(0.1, 0.05, 0.3))},
        edges,
        {"trade": indicator()},
        sd_dyad=quantity(0.5, 0.2, 1.0),
        sd_time=quantity(0.3, 0.1, 0.9),
        persistence=quantity(0.6, 0.3, 0.9),
        half_life=quantity(3.0, 1.0, 9.0),
        rows=rows,
    )


@pytest.mark.parametrize("name", ["spark", "a"])
def test_pooled_rows_have_the_same_posterior_as_single_ones(name: str) -> None:
    case = yearly_case()
    record, models = models_of(case)
    pooled, periods = models[name], 72 * 3
    assert len(pooled.free) < periods / 2
    assert pooled.free.exposure.sum() + len(pooled.hits) == periods
    for seed in range(4):
        point = random_point(pooled, seed)
        wanted = naive_log_posterior(case, record, pooled, *point)
        assert log_posterior(pooled, *point) == pytest.approx(wanted, rel=1e-12)


def test_a_covariate_that_moves_each_month_is_not_pooled() -> None:
    series = tuple(
        SeriesRow(
            indicator="trade",
            unit="HHH",
            date=day,
            value=float(place),
            low=float(place),
            high=float(place),
            published=day,
            sources=(),
            status="judgement",
        )
        for place, day in enumerate([*(dt.date(year, 1, 1) for year in range(2015, 2021)), dt.date(2020, 12, 31)])
    )
    case = make_case(
        {"a": event(quantity(0.3, 0.1, 0.5))},
        [edge("trade", "a", quantity(1.5, 0.8, 2.5))],
        {"trade": indicator(history="series", now=quantity(9.0, 8.0, 10.0))},
    )
    _, models = models_of(case.revised(series_rows=series))
    assert len(models["a"].free) == 72 * 3
