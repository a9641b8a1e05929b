"""Dyad effects that spread very widely, against quadrature on a grid of tens of thousands of points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from riskcast.engines.cells import Groups
from riskcast.engines.dyad_effects import PLATEAU_SD, Conditional, draw_effects, log_marginal
from riskcast.engines.hazard import log_event
from riskcast.engines.wide_effects import legendre

# Quiet months' summed rate, number of events, and the rate of each.
DYADS = {
    "an event in every month": (0.0, 60, 0.02),
    "certain events in every month": (0.0, 60, 1.0),
    "no event": (1.2, 0, 0.02),
    "no event at large rates": (60.0, 0, 1.0),
    "no event at tiny rates": (1e-5, 0, 1.0),
    "one event": (1.18, 1, 0.02),
    "one event at a large rate": (295.0, 1, 5.0),
    "one event at a rate without number": (6e-5, 1, 0.0),
    "as many as not": (3.0, 30, 0.1),
    "nothing known": (0.0, 0, 1.0),
}
LOST = -800.0
SDS = np.array([6.0, 15.0, 100.0, 1e4])


def grid(sd: float) -> np.ndarray:
    return np.unique(np.concatenate([np.linspace(-60.0, 60.0, 40_001), np.linspace(-9.0 * sd, 9.0 * sd, 200_001)]))


def log_density(name: str, a: np.ndarray, sd: float) -> np.ndarray:
    quiet, events, rate = DYADS[name]
    eta = (math.log(rate) if rate else LOST) + a
    event = np.where(eta < -40.0, eta, log_event(np.exp(np.clip(eta, -40.0, 600.0))))
    return -0.5 * (a / sd) ** 2 - np.exp(np.minimum(a, 600.0)) * quiet + events * event


def arrays(name: str, draws: int) -> tuple[np.ndarray, np.ndarray, Groups, np.ndarray]:
    quiet, events, rate = DYADS[name]
    shape = (events, draws)
    log_hits = np.full(shape, math.log(rate) if rate else LOST)
    groups = Groups.of(np.zeros(events, dtype=np.int64))
    return np.full((1, draws), quiet), np.full(shape, rate), groups, log_hits


@pytest.mark.parametrize("name", DYADS)
def test_the_integral_is_that_of_a_fine_grid_at_any_spread(name: str) -> None:
    assert SDS.min() > PLATEAU_SD
    quiet, rates, groups, log_hits = arrays(name, len(SDS))
    found = log_marginal(quiet, rates, groups, SDS, log_hits)
    for place, sd in enumerate(SDS):
        a = grid(sd)
        own = log_density(name, a, sd)
        top = own.max()
        exact = top + math.log(np.trapezoid(np.exp(own - top), a)) - math.log(sd) - 0.5 * math.log(2.0 * math.pi)
        assert found[place] == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize("name", [name for name in DYADS if "without number" not in name])
def test_where_the_two_rules_meet_they_agree_up_to_what_the_narrower_one_can(name: str) -> None:
    quiet, rates, groups, log_hits = arrays(name, 2)
    near = PLATEAU_SD * np.array([1.0, 1.0 + 1e-9])
    below, above = log_marginal(quiet, rates, groups, near, log_hits)
    assert below == pytest.approx(above, abs=0.05)


@pytest.mark.parametrize("name", DYADS)
@pytest.mark.parametrize("sd", SDS)
def test_draws_have_the_quantiles_of_the_density(name: str, sd: float) -> None:
    levels = np.array([0.02, 0.1, 0.5, 0.9, 0.98])
    quiet, rates, groups, log_hits = arrays(name, len(levels))
    found = draw_effects(quiet, rates, groups, np.full(len(levels), sd), levels[None], log_hits=log_hits)[0]
    a = grid(sd)
    own = log_density(name, a, sd)
    density = np.exp(own - own.max())
    mass = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(a))])
    # Between the points of the table the log density is taken as straight.
    np.testing.assert_allclose(np.interp(found, a, mass / mass[-1]), levels, atol=0.01)


def test_the_mode_is_where_the_slope_ends_and_units_stand_for_themselves() -> None:
    free = np.array([[0.0, 1e-5], [3.0, 700.0], [0.0, 0.0]])
    log_hits = np.log(np.array([[0.02, 3.0], [0.1, 1e-9]]))
    groups, sd = Groups.of(np.array([0, 1])), np.array([6.0, 50.0])
    together = Conditional.of(free, log_hits, groups, sd)
    mode = together.mode()
    step = 0.1
    assert (together.log_density(mode) >= together.log_density(mode - step)).all()
    assert (together.log_density(mode) >= together.log_density(mode + step)).all()
    assert mode[2] == pytest.approx(0.0, abs=0.1)
    whole = log_marginal(free, np.exp(log_hits), groups, sd, log_hits)
    parts = np.zeros(2)
    for unit in range(3):
        own = [place for place, at in enumerate(groups.unit) if at == unit]
        alone = Groups.of(np.zeros(len(own), dtype=np.int64))
        parts += log_marginal(free[[unit]], np.exp(log_hits[own]), alone, sd, log_hits[own])
    np.testing.assert_allclose(whole, parts, rtol=1e-7)


def test_the_rule_is_exact_for_polynomials() -> None:
    nodes, weights = legendre(6)
    for power in range(12):
        assert weights @ nodes**power == pytest.approx(1.0 / (power + 1), rel=1e-12)
