"""Interventions, assumed events and passed-on changes against paths worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from riskcast import errors, fit, forecast
from riskcast.case.model import Case, Scenario
from riskcast.errors import CaseError, OptionError
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.scenarios import Moves, assumed_events, move_levels, resolve_scenario
from tests.support.cases import (
    assert_forecast,
    assert_mean,
    edge,
    enumerate_futures,
    event,
    indicator,
    make_case,
    quantity,
)

HORIZON = 6


def scenario_of(*moves: dict[str, Any], events: tuple[dict[str, Any], ...] = ()) -> Scenario:
    return Scenario.model_validate({"label": "S", "story": "S.", "indicators": moves, "events": events})


def case_with(*children: str, events: dict[str, Any] | None = None, effects: tuple[dict[str, Any], ...] = ()) -> Case:
    """A host indicator `mood` in units of two from 10, a dyad indicator `trade` on the log scale, and children."""
    indicators = {
        "mood": indicator(reference=10.0, step=2.0, now=quantity(11.0)),
        "trade": indicator(scope="dyad", scale="log", reference=10.0, step=2.0, now=quantity(20.0)),
    }
    for child in children:
        parent, name = child.split(">")
        scope = indicators[parent]["scope"]
        indicators[name] = indicator(scope=scope, step=5.0, parents={parent: quantity(0.3)})
    return make_case(events or {"a": event(quantity(0.3))}, list(effects), indicators, partners=2)


def moved(case: Case, *moves: dict[str, Any]) -> dict[str, np.ndarray]:
    start = {
        "mood": np.full((HORIZON, 1, 1), 0.5),
        "trade": np.full((HORIZON, 1, 2), 1.0),
        "fear": np.full((HORIZON, 1, 1), -0.25),
        "panic": np.full((HORIZON, 1, 1), 0.0),
    }
    levels = {name: start[name] for name in case.indicators}
    weights = {(name, p): np.array([0.3]) for name, i in case.indicators.items() for p in i.parents}
    today = {name: path[0].copy() for name, path in levels.items()}
    out = move_levels(case, Moves(case, scenario_of(*moves), HORIZON), levels, weights, today)
    return {name: path[:, 0, :] for name, path in out.items()}


def test_set_holds_the_level_from_its_start_until_its_end() -> None:
    path = moved(case_with(), {"indicator": "mood", "set": 14.0, "start": 2, "until": 4})["mood"]
    assert path.ravel().tolist() == [0.5, 2.0, 2.0, 2.0, 0.5, 0.5]


def test_shift_is_phased_in_evenly_over_its_months() -> None:
    path = moved(case_with(), {"indicator": "mood", "shift": 6.0, "start": 2, "over": 3})["mood"]
    np.testing.assert_allclose(path.ravel(), [0.5, 1.5, 2.5, 3.5, 3.5, 3.5])


def test_set_is_phased_in_from_wherever_the_path_is() -> None:
    path = moved(case_with(), {"indicator": "mood", "set": 10.0, "over": 4})["mood"]
    np.testing.assert_allclose(path.ravel(), [0.375, 0.25, 0.125, 0.0, 0.0, 0.0])


def test_multiply_acts_on_the_natural_level_on_either_scale() -> None:
    plain = moved(case_with(), {"indicator": "mood", "multiply": 1.5})["mood"]
    np.testing.assert_allclose(plain.ravel(), (11.0 * 1.5 - 10.0) / 2.0)
    logged = moved(case_with(), {"indicator": "trade", "multiply": 0.25, "start": 3})["trade"]
    np.testing.assert_allclose(logged[:, 0], [1.0, 1.0, -1.0, -1.0, -1.0, -1.0])


def test_a_move_of_some_dyads_leaves_the_others_alone() -> None:
    path = moved(case_with(), {"indicator": "trade", "set": 40.0, "dyads": ["HHH-P002"]})["trade"]
    np.testing.assert_allclose(path[:, 1], 2.0)
    assert (path[:, 0] == 1.0).all()


def test_moves_of_one_indicator_add_up_in_their_order() -> None:
    moves = ({"indicator": "mood", "set": 14.0}, {"indicator": "mood", "shift": 2.0, "start": 4})
    path = moved(case_with(), *moves)["mood"]
    np.testing.assert_allclose(path.ravel(), [2.0, 2.0, 2.0, 3.0, 3.0, 3.0])


def test_a_moved_parent_passes_its_change_on_down_the_line() -> None:
    case = case_with("mood>fear", "fear>panic")
    out = moved(case, {"indicator": "mood", "set": 15.0, "start": 3})
    change = np.array([0.0, 0.0, 2.0, 2.0, 2.0, 2.0])
    np.testing.assert_allclose(out["fear"].ravel(), -0.25 + 0.3 * change)
    np.testing.assert_allclose(out["panic"].ravel(), 0.09 * change)


def test_a_child_that_is_set_stays_set_and_does_not_move_its_parent() -> None:
    case = case_with("mood>fear")
    out = moved(case, {"indicator": "fear", "set": 5.0})
    assert (out["mood"] == 0.5).all()
    assert (out["fear"] == 1.0).all()
    both = moved(case, {"indicator": "mood", "shift": 4.0}, {"indicator": "fear", "set": 5.0})
    assert (both["fear"] == 1.0).all()


@given(shift=st.floats(-10, 10), start=st.integers(1, HORIZON), over=st.integers(1, 8), until=st.integers(1, HORIZON))
def test_nothing_moves_before_the_start_or_after_the_end(shift: float, start: int, over: int, until: int) -> None:
    until = max(start, until)
    path = moved(case_with(), {"indicator": "mood", "shift": shift, "start": start, "over": over, "until": until})
    change = path["mood"].ravel() - 0.5
    for month in range(1, HORIZON + 1):
        share = min((month - start + 1) / over, 1.0) if start <= month <= until else 0.0
        assert change[month - 1] == pytest.approx(share * shift / 2.0, abs=1e-9)


def test_assumed_events_are_placed_in_their_month_and_dyads() -> None:
    case = make_case({"a": event(quantity(0.3)), "decree": event(quantity(0.3), scope="host")})
    events = (
        {"event": "a", "dyads": ["HHH-P003"], "month": 2},
        {"event": "a", "month": 5},
        {"event": "decree", "month": 1},
        {"event": "a", "month": 9},
    )
    found = assumed_events(case, scenario_of(events=events), horizon=6)
    assert found == {(1, "a"): [2], (4, "a"): [0, 1, 2], (0, "decree"): [0]}


def test_an_unknown_scenario_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(errors.UnknownNameError, match="baseline"):
        resolve_scenario(case_with(), "basline")


def ahead_of(case: Case, scenario: Scenario | None) -> Forecast:
    return forecast(fit(case, draws=4000, prior_only=True), scenario, horizon=3, seed=5)


def test_a_phased_intervention_changes_the_forecast_as_the_enumeration_says() -> None:
    effects = (edge("mood", "a", quantity(2.0)), edge("trade", "a", quantity(0.5)))
    case = case_with(effects=effects, events={"a": event(quantity(0.6))})
    moves = (
        {"indicator": "mood", "set": 14.0, "start": 2, "over": 2},
        {"indicator": "trade", "multiply": 0.5, "dyads": ["HHH-P001"], "until": 1},
    )
    mood = np.array([[0.5], [0.5 + 0.5 * 1.5], [2.0]])
    trade = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    assert_forecast(ahead_of(case, scenario_of(*moves)), enumerate_futures(case, 3, {"mood": mood, "trade": trade}))


def test_a_set_parent_reaches_the_events_of_its_child_and_a_set_child_not_those_of_its_parent() -> None:
    effects = (edge("mood", "a", quantity(3.0)), edge("fear", "b", quantity(3.0)))
    events = {"a": event(quantity(0.3)), "b": event(quantity(0.3))}
    case = case_with("mood>fear", effects=effects, events=events)
    base = ahead_of(case, None).simulated.probability
    child = ahead_of(case, scenario_of({"indicator": "fear", "set": 10.0})).simulated.probability
    assert (child["a"] == base["a"]).all()
    assert_mean(child["b"], -math.expm1(3 / 12 * math.log(0.7) * 9.0))
    parent = ahead_of(case, scenario_of({"indicator": "mood", "set": 14.0})).simulated.probability
    assert_mean(parent["a"], -math.expm1(3 / 12 * math.log(0.7) * 9.0))
    assert_mean(parent["b"], -math.expm1(3 / 12 * math.log(0.7) * 3.0 ** (0.3 * 1.5)))


def test_a_moved_level_stays_within_the_bounds_of_its_indicator() -> None:
    case = make_case(
        {"a": event(quantity(0.3))},
        [edge("mood", "a", quantity(2.0))],
        {"mood": indicator(bounds=(0.0, 1.0))},
    )
    assert_mean(
        ahead_of(case, scenario_of({"indicator": "mood", "shift": 1.0})).simulated.probability["a"], 1 - 0.7**0.5
    )


def test_children_follow_a_parent_only_as_far_as_its_bounds() -> None:
    parent = indicator(bounds=[-1.0, 1.0])
    child = indicator(parents={"up": quantity(1.0)})
    storm = {"label": "Storm", "story": "Up.", "indicators": [{"indicator": "up", "shift": 2.0}]}
    edges = [edge("down", "a", quantity(1.5))]
    case = make_case({"a": event(quantity(0.2))}, edges, {"up": parent, "down": child}, scenarios={"storm": storm})
    ahead = forecast(fit(case, draws=200, prior_only=True), "storm")
    assert ahead.probability("a", "HHH-P001").mean == pytest.approx(1 - 0.8**1.5, abs=0.02)


def test_a_scenario_made_in_code_is_checked_like_one_from_a_file() -> None:
    case = make_case({"a": event(quantity(0.2))}, indicators={"mood": indicator(scale="log", reference=1.0, step=2.0)})
    posterior = fit(case, draws=100, prior_only=True)
    for wrong in (
        {"indicators": [{"indicator": "mod", "shift": 1.0}]},
        {"indicators": [{"indicator": "mood", "set": -5.0}]},
        {"events": [{"event": "b", "month": 1}]},
    ):
        with pytest.raises(CaseError, match="scenarios"):
            forecast(posterior, Scenario.model_validate({"label": "X", "story": "Y", **wrong}))


def test_what_lies_beyond_the_horizon_is_refused_and_not_dropped() -> None:
    late = {"label": "Late", "story": "Later.", "events": [{"event": "a", "month": 5}]}
    case = make_case({"a": event(quantity(0.2))}, scenarios={"late": late})
    posterior = fit(case, draws=100, prior_only=True)
    with pytest.raises(OptionError, match="beyond the horizon of 3"):
        forecast(posterior, "late", horizon=3)
    assert forecast(posterior, "late", horizon=5).is_assumed("a", "HHH-P001")
