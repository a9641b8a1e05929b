"""Priors with sides of unequal length in the engine: what was said is what is drawn, and what Newton climbs."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.engines.draws import draw_prior, standardise_hyper
from riskcast.engines.fitting import fingerprint
from riskcast.engines.hazard import EventModel, build_event_model, log_posterior, natural_hyper
from riskcast.engines.laplace import find_mode
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity

LOPSIDED = {
    "base_rate": quantity(0.2, 0.16, 0.5),
    "effect": quantity(1.5, 0.7, 1.7),
    "escalation": quantity(1.6, 1.4, 3.5),
    "half_life": quantity(3.0, 2.5, 8.0),
    "sd_time": quantity(0.5, 0.1, 0.7),
    "persistence": quantity(0.3, 0.24, 0.6),
}


def lopsided_case() -> Case:
    """Decrees of a host, which remember protests, and whose every prior is longer on one side."""
    return make_case(
        {
            "decree": event(LOPSIDED["base_rate"], scope="host"),
            "protest": event(quantity(0.3), kind="trigger"),
        },
        [
            edge("mood", "decree", LOPSIDED["effect"]),
            edge("protest", "decree", LOPSIDED["escalation"], whose="any", memory="fast", acts="next"),
        ],
        {"mood": indicator(reference=1.0, now=quantity(1.0))},
        half_life=LOPSIDED["half_life"],
        sd_time=LOPSIDED["sd_time"],
        persistence=LOPSIDED["persistence"],
        rows=(
            *(event_row(dt.date(2016 + k, 5, 2), "decree", "HHH") for k in range(4)),
            *(event_row(dt.date(2015 + k, 4, 9), "protest", "HHH-P001") for k in range(5)),
        ),
    )


def decree_model() -> EventModel:
    case = lopsided_case()
    return build_event_model(case, build_record(case), "decree")


def test_draws_from_the_priors_have_the_elicited_quantiles() -> None:
    model = decree_model()
    drawn = draw_prior(model, 100_000, seed=1)
    chance = -np.expm1(-12.0 * np.exp(drawn.coefficients[:, 0]))
    found = {
        "base_rate": chance,
        "effect": np.exp(drawn.coefficients[:, 1]),
        "escalation": np.exp(drawn.coefficients[:, 2]),
        "half_life": drawn.hyper["half_life.fast"],
        "sd_time": drawn.hyper["sd_time"],
        "persistence": drawn.hyper["persistence"],
    }
    for name, values in found.items():
        low, high = LOPSIDED[name]["interval"]
        below = [(values < end).mean() for end in (low, LOPSIDED[name]["median"], high)]
        np.testing.assert_allclose(below, [0.05, 0.5, 0.95], atol=0.004, err_msg=name)


def test_natural_hyper_parameters_go_back_to_the_standardised_ones_they_came_from() -> None:
    model = decree_model()
    xi = {name: np.linspace(-5.0, 5.0, 41) for name in model.free_hyper}
    assert len(xi) == 3
    back = standardise_hyper(model, natural_hyper(model, dict(xi)))
    for name, values in back.items():
        np.testing.assert_allclose(values, xi[name], atol=1e-8)


@pytest.mark.parametrize("hyper", [-1.5, 0.0, 1.0])
def test_the_mode_is_where_the_log_posterior_is_flat_and_its_curvature_is_that_without_the_knee(hyper: float) -> None:
    model = decree_model()
    xi = dict.fromkeys(model.free_hyper, hyper)
    mode = find_mode(model, xi)
    p, size = len(model.middle), len(mode.theta)

    def height(theta: Floats) -> float:
        return log_posterior(model, theta[:p], theta[p:], np.zeros(0), xi)

    step, axes = 1e-4, np.eye(size)
    top = height(mode.theta)
    slope = [(height(mode.theta + step * axis) - height(mode.theta - step * axis)) / (2 * step) for axis in axes]
    # The last Newton step gains less than half of 1e-4.
    assert float(np.array(slope) @ np.linalg.solve(mode.curvature, slope)) < 1e-4
    z = mode.theta[:p]
    rise, turn = 1.0 + model.skew * z / np.sqrt(z**2 + 0.25), model.skew * 0.25 / (z**2 + 0.25) ** 1.5
    # The slope of the likelihood in u is z / u'(z) at the mode.
    knee = np.diag(np.concatenate([z * turn / rise, np.zeros(size - p)]))
    for i in range(size):
        for j in range(i + 1):
            corners = [
                height(mode.theta + step * (a * axes[i] + b * axes[j])) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))
            ]
            bend = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * step**2)
            wanted = mode.curvature[i, j] - knee[i, j]
            assert -bend == pytest.approx(wanted, abs=2e-2 * np.sqrt(mode.curvature[i, i]))
    assert np.linalg.eigvalsh(mode.curvature).min() > 0
    assert all(height(mode.theta + 0.3 * side * axis) < top for axis in axes for side in (-1, 1))


def test_a_model_with_even_priors_alone_has_the_fingerprint_of_kept_runs() -> None:
    rows = (event_row(dt.date(2017, 3, 4), "a", "HHH-P001"),)
    case = make_case({"a": event(quantity(0.3))}, sd_time=quantity(0.5, 0.25, 1.0), rows=rows)
    model = build_event_model(case, build_record(case), "a")
    assert fingerprint("laplace", 1000, 1, model) == "a82cab63e443d4a815ee5a78e818f5e7eb23b9923ae097ea50e21aadc0a27d0e"
    lopsided = make_case({"a": event(quantity(0.3))}, sd_time=quantity(0.5, 0.25, 1.1), rows=rows)
    other = build_event_model(lopsided, build_record(lopsided), "a")
    assert fingerprint("laplace", 1000, 1, other) != fingerprint("laplace", 1000, 1, model)
