"""What parents pass on of their drift, against the covariance of a linear system."""

from __future__ import annotations

import numpy as np
import pytest

from riskcast import fit
from riskcast.case.model import Case, Scenario
from riskcast.case.moves import own_drifts, total_drifts
from riskcast.case.plausibility.judge import judge
from riskcast.forecasting.futures import draw_chance
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.work_arrays import Block
from riskcast.machinery.array_types import Floats
from tests.support.cases import edge, event, indicator, make_case, quantity

BASELINE = Scenario(label="Baseline", story="Nothing.")
PATHS = 40_000
# A diamond with a tail, two of it shared by all dyads.
DRIFTS = {"a": 0.6, "b": 0.5, "c": 0.8, "d": 0.7, "e": 0.9}
WEIGHTS = {("b", "a"): 0.5, ("c", "a"): -0.4, ("d", "b"): 0.6, ("d", "c"): 0.7, ("e", "d"): -0.3, ("e", "a"): 0.2}
DYADIC = ("c", "d", "e")


def diamond(drifts: dict[str, float] = DRIFTS) -> Case:
    indicators = {
        name: indicator(
            scope="dyad" if name in DYADIC else "host",
            now=quantity(0.0),
            drift=quantity(drifts[name]),
            parents={p: quantity(w) for (c, p), w in WEIGHTS.items() if c == name},
        )
        for name in drifts
    }
    return make_case({"x": event(quantity(0.3))}, [edge("e", "x", quantity(1.2))], indicators, partners=2)


def paths_of(case: Case, scenario: Scenario = BASELINE, horizon: int = 12) -> dict[str, Floats]:
    """(cells, paths, units) by indicator."""
    plan = plan_simulation(fit(case, draws=100, prior_only=True), horizon, 1)
    return draw_chance(plan, scenario, Block(np.zeros(PATHS, dtype=int), 0)).levels


def linear_system(drifts: dict[str, float], own: dict[str, float]) -> Floats:
    """Covariance of a year's changes: (I - W)^-1 D (I - W)^-T."""
    names = list(drifts)
    pull = np.zeros((len(names), len(names)))
    for (child, parent), weight in WEIGHTS.items():
        pull[names.index(child), names.index(parent)] = weight
    spread = np.linalg.inv(np.eye(len(names)) - pull)
    return spread @ np.diag([own[name] ** 2 for name in names]) @ spread.T


def assert_covariance(columns: Floats, wanted: Floats) -> None:
    error = np.sqrt((np.outer(np.diag(wanted), np.diag(wanted)) + wanted**2) / columns.shape[1])
    np.testing.assert_array_less(np.abs(np.cov(columns) - wanted), 5.0 * error + 1e-6)


def own_parts(case: Case) -> dict[str, float]:
    drift = {name: np.array(one.drift.center) for name, one in case.indicators.items()}
    weights = {key: np.array(weight) for key, weight in WEIGHTS.items()}
    return {name: float(own) for name, own in own_drifts(case, drift, weights).items()}


def test_own_parts_are_those_with_which_a_linear_system_has_the_stated_drifts() -> None:
    own = own_parts(diamond())
    np.testing.assert_allclose(np.sqrt(np.diag(linear_system(DRIFTS, own))), list(DRIFTS.values()), rtol=1e-12)


def test_paths_have_the_covariance_of_the_linear_system() -> None:
    levels = paths_of(diamond())
    wanted = linear_system(DRIFTS, own_parts(diamond()))
    assert_covariance(np.stack([levels[name][-1][:, -1] for name in DRIFTS]), wanted)
    halfway = np.stack([levels[name][5][:, 0] for name in DRIFTS])
    assert_covariance(halfway, wanted / 2.0)


def test_two_dyads_share_what_their_common_parents_pass_on_and_nothing_else() -> None:
    levels = paths_of(diamond())
    wanted = linear_system(DRIFTS, own_parts(diamond()))
    own_of_c = own_parts(diamond())["c"] ** 2
    shared = np.array([[wanted[2, 2], wanted[2, 2] - own_of_c], [wanted[2, 2] - own_of_c, wanted[2, 2]]])
    assert_covariance(levels["c"][-1].T, shared)


def test_a_drift_below_what_parents_pass_on_is_floored_and_told() -> None:
    small = DRIFTS | {"d": 0.1}
    case = diamond(small)
    own = own_parts(case)
    assert own["d"] == 0.0
    levels = paths_of(case)
    wanted = linear_system(small, own)
    assert wanted[3, 3] > 0.1**2
    assert levels["d"][-1].std() == pytest.approx(np.sqrt(wanted[3, 3]), rel=0.02)
    drift = {name: np.array(value) for name, value in small.items()}
    weights = {key: np.array(weight) for key, weight in WEIGHTS.items()}
    assert float(total_drifts(case, drift, weights)["d"]) == pytest.approx(np.sqrt(wanted[3, 3]))
    (told,) = [doubt for doubt in judge(case, quick=True) if doubt.judgement == "floored-drift"]
    assert told.key == "d.drift"
    assert not [doubt for doubt in judge(diamond(), quick=True) if doubt.judgement == "floored-drift"]


def test_a_level_that_is_set_has_no_drift_and_one_that_is_shifted_keeps_that_of_its_parents() -> None:
    def scenario(**move: float) -> Scenario:
        plain = {"label": "S", "story": "S.", "indicators": [{"indicator": "b", **move}]}
        return Scenario.model_validate(plain)

    still = paths_of(diamond(), scenario(set=2.0))
    np.testing.assert_allclose(still["b"], 2.0, atol=1e-6)
    # What b passed on to d has gone with its drift, and its change comes to d in full.
    own = own_parts(diamond()) | {"b": 0.0}
    cut = {key: (0.0 if key == ("b", "a") else weight) for key, weight in WEIGHTS.items()}
    spread = own["d"] ** 2 + (cut["d", "c"] * DRIFTS["c"]) ** 2
    assert still["d"][-1].std() == pytest.approx(np.sqrt(spread), rel=0.02)
    assert still["d"][-1].mean() == pytest.approx(0.6 * 2.0, abs=0.02)
    plain, shifted = paths_of(diamond()), paths_of(diamond(), scenario(shift=1.0))
    np.testing.assert_allclose(shifted["b"], plain["b"] + 1.0, atol=1e-5)
    np.testing.assert_allclose(shifted["d"], plain["d"] + 0.6, atol=1e-5)
