"""Dyad effects integrated out, against finite differences and against quadrature by scipy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from riskcast.engines import dyad_effects
from riskcast.engines.cells import Cells, Groups
from riskcast.engines.dyad_effects import Design, draw_effects, effect_modes, evaluate, log_marginal
from riskcast.machinery.array_types import Floats

EVENTS = (0, 0, 1, 4, 2, 0)
LEVELS = (-5.0, -3.0, -1.0)
# What nine nodes (up to an sd of 1.5) and twenty-one nodes leave of the integral, about three times what was measured.
VALUE_ERROR = {0.0: 1e-10, 0.3: 1e-7, 1.2: 5e-4, 1.5: 1.5e-3, 1.6: 3e-5, 2.0: 2e-4, 3.0: 3e-3}
SLOPE_ERROR = {0.0: 1e-8, 0.3: 1e-6, 1.2: 8e-3, 1.5: 2e-2, 1.6: 4e-4, 2.0: 2e-3, 3.0: 2e-2}
# The drawn effects' distribution function, tabulated at 25 points: log-linear between them.
DRAW_ERROR = {0.3: 2e-3, 1.2: 6e-3, 1.6: 7e-3, 3.0: 1.5e-2}
MANY_NODES = 51


def make_design(sd: float, seed: int = 3, level: float = -3.0, events: tuple[int, ...] = EVENTS) -> Design:
    """Units with none, one and several events, two covariates and three years; some units have no free row at all."""
    rng = np.random.default_rng(seed)
    units, years, p = len(events), 3, 3
    free_rows = [0 if unit == units - 1 and events[unit] else 12 for unit in range(units)]
    free_unit, hit_unit = np.repeat(np.arange(units), free_rows), np.repeat(np.arange(units), events)

    def covariates(rows: int) -> Floats:
        return np.column_stack([np.ones(rows), rng.normal(size=(rows, p - 1))])

    def in_order(unit: np.ndarray) -> np.ndarray:
        year = rng.integers(0, years, len(unit))
        return year[np.lexsort((year, unit))]

    return Design(
        x_free=covariates(len(free_unit)),
        offset_free=level + 0.3 * rng.normal(size=len(free_unit)),
        year_free=in_order(free_unit),
        free=Groups.of(free_unit),
        x_hits=covariates(len(hit_unit)),
        offset_hits=level + 0.3 * rng.normal(size=len(hit_unit)),
        year_hits=in_order(hit_unit),
        hits=Groups.of(hit_unit),
        units=units,
        years=years,
        sd_dyad=sd,
    )


def row_rates(design: Design, theta: Floats) -> tuple[Floats, Floats]:
    p = design.x_free.shape[1]
    z, b = theta[:p], theta[p:]
    free = np.exp(design.offset_free + design.x_free @ z + b[design.year_free])
    hits = np.exp(design.offset_hits + design.x_hits @ z + b[design.year_hits])
    return free, hits


def unit_likelihood(a: float | Floats, free: Floats, hits: Floats) -> Floats:
    """Likelihood of one unit's rows at an effect, from the definition: prod of (1 - p) and of p, p by cloglog."""
    growth = np.exp(np.asarray(a, dtype=float))[..., None]
    return np.prod(np.exp(-free * growth), axis=-1) * np.prod(-np.expm1(-hits * growth), axis=-1)


def joint_density(free: Floats, hits: Floats, sd: float, a: float) -> float:
    return float(unit_likelihood(a, free, hits) * norm.pdf(a, 0, sd))


def exact_log_marginal(design: Design, theta: Floats) -> float:
    free, hits = row_rates(design, theta)
    total = 0.0
    for unit in range(design.units):
        own, struck = free[design.free.unit == unit], hits[design.hits.unit == unit]
        if design.sd_dyad == 0.0:
            total += float(np.log(unit_likelihood(0.0, own, struck)))
            continue
        sd = design.sd_dyad
        mode, _ = effect_modes(np.array([own.sum()]), struck, Groups.of(np.zeros(len(struck), int)), np.asarray(sd))
        value, _ = quad(
            partial(joint_density, own, struck, sd),
            -9 * sd,
            9 * sd,
            points=[float(mode[0])],
            epsabs=0,
            epsrel=1e-11,
            limit=400,
        )
        total += np.log(value)
    return total


def dense_log_marginal(design: Design, theta: Floats) -> float:
    """The same by the trapezoidal rule, which converges exponentially on a bell: fast enough for differences."""
    sd = design.sd_dyad
    if sd == 0.0:
        return exact_log_marginal(design, theta)
    free, hits = row_rates(design, theta)
    grid, step = np.linspace(-9 * sd, 9 * sd, 1501, retstep=True)
    weight = norm.pdf(grid, 0, sd) * step
    units = [(free[design.free.unit == unit], hits[design.hits.unit == unit]) for unit in range(design.units)]
    return float(sum(np.log(unit_likelihood(grid, *rows) @ weight) for rows in units))


def differences(function: Callable[[Floats], float | Floats], theta: Floats, step: float) -> Floats:
    """Central differences with one Richardson step: error of order step^4."""

    def central(h: float) -> Floats:
        moved = h * np.eye(len(theta))
        return np.array([(function(theta + d) - function(theta - d)) / (2 * h) for d in moved])

    return (4 * central(step / 2) - central(step)) / 3


THETA = np.array([0.2, 0.4, -0.3, 0.1, -0.2, 0.3])


@pytest.fixture
def many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many nodes that the integral is exact and only the formulas of its derivatives are on trial."""
    monkeypatch.setattr(dyad_effects, "NODES", MANY_NODES)
    monkeypatch.setattr(dyad_effects, "NODES_WIDE", MANY_NODES)


def value_at(design: Design) -> Callable[[Floats], float]:
    return lambda theta: evaluate(design, theta[:3], theta[3:])[0]


def gradient_at(design: Design) -> Callable[[Floats], Floats]:
    return lambda theta: evaluate(design, theta[:3], theta[3:])[1]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("sd", VALUE_ERROR)
def test_value_equals_scipy_quadrature_of_the_row_likelihood(sd: float, level: float) -> None:
    design = make_design(sd, level=level)
    exact = exact_log_marginal(design, THETA)
    assert dense_log_marginal(design, THETA) == pytest.approx(exact, abs=1e-9)
    assert value_at(design)(THETA) == pytest.approx(exact, abs=VALUE_ERROR[sd])
    if sd:
        free, hits = row_rates(design, THETA)
        by_unit = design.free.sum(free, design.units)
        found = log_marginal(by_unit[:, None], hits[:, None], design.hits, np.array([sd]))
        assert float(found[0]) == pytest.approx(exact, abs=VALUE_ERROR[sd])


def test_log_marginal_treats_each_draw_by_its_own_sd() -> None:
    sds = np.array([0.2, 3.0, 1.5, 1.6])
    design = make_design(1.0)
    free, hits = row_rates(design, THETA)
    by_unit = design.free.sum(free, design.units)
    scale = np.array([0.5, 1.0, 2.0, 3.0])
    together = log_marginal(by_unit[:, None] * scale, hits[:, None] * scale, design.hits, sds)
    for k in range(len(sds)):
        alone = log_marginal(by_unit[:, None] * scale[k], hits[:, None] * scale[k], design.hits, sds[k : k + 1])
        assert together[k] == pytest.approx(float(alone[0]), rel=1e-12)


@pytest.mark.usefixtures("many_nodes")
@pytest.mark.parametrize("events", [EVENTS, (0, 0, 0), (3,), (1, 1)])
@pytest.mark.parametrize("sd", [0.0, 0.3, 1.2, 1.5])
def test_gradient_and_hessian_equal_finite_differences(sd: float, events: tuple[int, ...]) -> None:
    design = make_design(sd, events=events)
    _, gradient, negative, _ = evaluate(design, THETA[:3], THETA[3:])
    np.testing.assert_allclose(gradient, differences(value_at(design), THETA, 1e-3), atol=1e-6, rtol=0)
    np.testing.assert_allclose(negative, -differences(gradient_at(design), THETA, 1e-3), atol=3e-6, rtol=0)
    np.testing.assert_allclose(negative, negative.T, atol=1e-9)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("sd", SLOPE_ERROR)
def test_gradient_with_the_engines_own_nodes_is_that_of_the_exact_integral(sd: float, level: float) -> None:
    design = make_design(sd, level=level)
    gradient = gradient_at(design)(THETA)
    exact = differences(partial(dense_log_marginal, design), THETA, 1e-2)
    np.testing.assert_allclose(gradient, exact, atol=SLOPE_ERROR[sd], rtol=0)


def test_a_vanishing_sd_is_no_dyad_effect_at_all() -> None:
    with_effects, without = make_design(1e-4), make_design(0.0)
    for found, wanted in zip(
        evaluate(with_effects, THETA[:3], THETA[3:])[:3], evaluate(without, THETA[:3], THETA[3:])[:3], strict=True
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_starting_from_earlier_modes_changes_nothing() -> None:
    design = make_design(1.2)
    cold = evaluate(design, THETA[:3], THETA[3:])
    warm = evaluate(design, THETA[:3], THETA[3:], evaluate(design, 2 * THETA[:3], THETA[3:])[3])
    for one, two in zip(cold, warm, strict=True):
        assert one is not None
        assert two is not None
        np.testing.assert_allclose(one, two, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("sd", DRAW_ERROR)
def test_drawn_effects_invert_the_exact_conditional_distribution(sd: float, level: float) -> None:
    design = make_design(sd, level=level)
    free, hits = row_rates(design, THETA)
    uniform = np.array([0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999])
    draws = len(uniform)
    found = draw_effects(
        np.repeat(design.free.sum(free, design.units)[:, None], draws, axis=1),
        np.repeat(hits[:, None], draws, axis=1),
        design.hits,
        np.full(draws, sd),
        np.tile(uniform, (design.units, 1)),
    )
    grid = np.linspace(-10 * sd, 10 * sd, 20_001)
    for unit in range(design.units):
        own, struck = free[design.free.unit == unit], hits[design.hits.unit == unit]
        density = unit_likelihood(grid, own, struck) * norm.pdf(grid, 0, sd)
        distribution = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
        distribution /= distribution[-1]
        np.testing.assert_allclose(np.interp(found[unit], grid, distribution), uniform, atol=DRAW_ERROR[sd])


def test_blocks_of_rows_hold_whole_units_and_every_row_once() -> None:
    rng = np.random.default_rng(2)
    unit = np.sort(rng.integers(0, 40, 300))
    period = np.concatenate([np.sort(rng.integers(0, 6, size)) for size in np.bincount(unit)])
    cells, values = Cells.of(unit, period), rng.normal(size=(300, 2))
    seen, sums = [], np.zeros((len(cells.unit), 2))
    for rows, part, own in cells.blocks(25):
        seen += range(rows.start, rows.stop)
        assert own.rows == rows.stop - rows.start
        assert rows.start == 0 or unit[rows.start - 1] != unit[rows.start]
        assert own.rows <= 25 or len(np.unique(unit[rows])) == 1
        sums[part] = own.sum(values[rows])
    assert seen == list(range(300))
    np.testing.assert_array_equal(sums, cells.sum(values))
    assert len(list(cells.blocks(300))) == 1
    assert list(Cells.of(unit[:0], period[:0]).blocks()) == []
