"""Derived columns over the horizon: on every path they are what the table would hold, had the path come true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from riskcast import Case, Posterior, fit, forecast
from riskcast.case.derived_columns import Recipe, derive_columns
from riskcast.case.model import IndicatorMove, Scenario
from riskcast.case.panel import Inputs, StateTable
from riskcast.forecasting.closed_form import is_closed
from riskcast.forecasting.futures import draw_chance, simulate_futures
from riskcast.forecasting.levels_ahead import LevelsAhead, level_paths
from riskcast.forecasting.plan import Plan, plan_simulation
from riskcast.forecasting.work_arrays import Block
from tests.support.derivedpanel import DERIVE, derived_case

PATHS, CELLS = 12, 3
PLAIN = Scenario(label="Plain", story="Nothing is assumed.")
FROZEN = "usual_mood"


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return fit(derived_case(), draws=100, seed=3)


@pytest.fixture(scope="module")
def plan(posterior: Posterior) -> Plan:
    return plan_simulation(posterior, CELLS, seed=3)


@dataclass(frozen=True)
class Walked:
    """Levels in natural units by indicator, and events by type: (cells, paths, units)."""

    levels: Mapping[str, np.ndarray]
    events: Mapping[str, np.ndarray]


def _walk(plan: Plan, scenario: Scenario = PLAIN) -> Walked:
    block = Block(np.arange(PATHS), 0)
    levels: dict[str, list[np.ndarray]] = {name: [] for name in plan.case.indicators}
    events: dict[str, list[np.ndarray]] = {name: [] for name in plan.case.events}

    def watch(cell: int, happened: Mapping, recorded: Mapping, now: Mapping) -> None:
        for name, steps in now.items():
            levels[name].append(np.asarray(plan.case.indicators[name].level(steps.astype(float))))
        for name, own in recorded.items():
            events[name].append(own.astype(float))

    simulate_futures(plan, draw_chance(plan, scenario, block), scenario, watch=watch)
    return Walked(*({name: np.stack(own) for name, own in each.items()} for each in (levels, events)))


def _told(case: Case, walked: Walked, path: int) -> dict[str, np.ndarray]:
    """Derived columns of the horizon, (cells, dyads), of a table to which a path was added."""
    panel = case.panel
    assert panel is not None
    assert panel.inputs is not None
    assert case.settings.panel is not None
    own, states, last = panel.inputs, panel.inputs.states, case.calendar.number(case.as_of)
    assert states is not None
    kept = own.period <= last
    places = np.array([own.dyads.index(dyad) for dyad in panel.dyads])
    count = len(places)
    ahead = np.repeat(last + 1 + np.arange(CELLS), count)

    def extended(name: str, values: np.ndarray, found: Mapping[str, np.ndarray]) -> np.ndarray:
        # Of input events there are none ahead.
        new = np.broadcast_to(found[name][:, path] if name in found else 0.0, (CELLS, count)).ravel()
        return np.concatenate([values[kept], new])

    unit = np.concatenate([own.unit[kept], np.tile(places, CELLS)])
    period = np.concatenate([own.period[kept], ahead])
    order = np.lexsort((period, unit))
    # States stay as they are in the first period of the horizon.
    newest = states.period == last + 1
    held = [np.flatnonzero(newest)] * (CELLS - 1)
    rows = np.concatenate([np.arange(len(states.period)), *held])
    later = np.concatenate([states.period, *(states.period[one] + 1 + place for place, one in enumerate(held))])
    inputs = Inputs(
        own.dyads,
        unit[order],
        period[order],
        {name: extended(name, values, walked.levels)[order] for name, values in own.columns.items()},
        {name: extended(name, values, walked.events)[order] for name, values in own.events.items()},
        StateTable(
            states.states,
            states.state[rows],
            later,
            {n: np.where((later > last) & (n == "coup"), 0.0, v[rows]) for n, v in states.columns.items()},
        ),
    )
    recipe = Recipe.of(case.settings.panel, case.indicators, case.events)
    found = derive_columns(recipe, inputs, last).columns
    out = {}
    for name, values in found.items():
        grid = np.full((CELLS, len(own.dyads)), np.nan)
        beyond = inputs.period > last
        grid[inputs.period[beyond] - last - 1, inputs.unit[beyond]] = values[beyond]
        out[name] = grid[:, places]
    return out


def test_on_every_path_columns_are_those_of_a_table_that_holds_the_path(plan: Plan) -> None:
    walked = _walk(plan)
    assert plan.derived is not None
    assert set(plan.derived.names) == set(DERIVE)
    there = np.flatnonzero(plan.present)
    for path in range(PATHS):
        told = _told(plan.case, walked, path)
        for name in set(DERIVE) - {FROZEN}:
            wanted = told[name][:, there]
            known = ~np.isnan(wanted)
            found = walked.levels[name][:, path][:, there]
            assert known.any()
            np.testing.assert_allclose(found[known], wanted[known], rtol=2e-4, atol=2e-3, err_msg=name)
    # Something happened, and what was derived from it moved.
    for event, name in (("clash", "clashes"), ("clash", "peace"), ("raid", "fading_raids")):
        assert walked.events[event][:, :, there].any()
        assert np.ptp(walked.levels[name][-1][:, there], axis=0).any()
    assert np.ptp(walked.levels["mean_mood"][-1], axis=0).all()


def test_a_count_of_events_rises_by_those_of_the_cell_before(plan: Plan) -> None:
    walked, there = _walk(plan), np.flatnonzero(plan.present)
    rise = np.diff(walked.levels["clashes"], axis=0)[:, :, there]
    np.testing.assert_allclose(rise, walked.events["clash"][:-1][:, :, there], atol=1e-4)


def test_the_first_cell_is_what_the_panel_holds_where_nothing_has_moved(plan: Plan) -> None:
    panel, walked = plan.case.panel, _walk(plan)
    assert panel is not None
    there = np.flatnonzero(plan.present)
    for name in ("trade_before", "log_trade", "trade_change", "peace", "clashes", "free_first", "peace_bent"):
        today = panel.levels[name][panel.freshest][there]
        np.testing.assert_allclose(walked.levels[name][0][:, there], np.tile(today, (PATHS, 1)), rtol=1e-5, atol=1e-4)


def test_what_is_usual_ahead_is_what_the_record_has_shown(plan: Plan) -> None:
    panel, walked, there = plan.case.panel, _walk(plan), np.flatnonzero(plan.present)
    assert panel is not None
    known = panel.levels["mood"][panel.period <= plan.case.calendar.number(plan.case.as_of)]
    wanted = (walked.levels["mood"] - known.mean()) / known.std(ddof=1)
    np.testing.assert_allclose(walked.levels[FROZEN][:, :, there], wanted[:, :, there], rtol=1e-3, atol=1e-3)


def test_scenarios_move_what_columns_take_and_columns_themselves(plan: Plan) -> None:
    doubled = IndicatorMove(indicator="trade", multiply=2.0)
    held = IndicatorMove(indicator="clashes", set=7.0)
    there = np.flatnonzero(plan.present)
    plain, moved = _walk(plan), _walk(plan, PLAIN.model_copy(update={"indicators": (doubled, held)}))
    log_two = moved.levels["log_trade"] - plain.levels["log_trade"]
    np.testing.assert_allclose(log_two[:, :, there], np.log(2.0), atol=1e-4)
    lagged = moved.levels["trade_before"][:, :, there] / plain.levels["trade_before"][:, :, there]
    np.testing.assert_allclose(lagged, np.array([1.0, 2.0, 2.0])[:, None, None] * np.ones_like(lagged), rtol=1e-4)
    np.testing.assert_allclose(moved.levels["clashes"][:, :, there], 7.0, atol=1e-4)


def test_forecasts_of_one_and_of_several_periods_stand_on_derived_columns(posterior: Posterior) -> None:
    one, several = (forecast(posterior, horizon=horizon, seed=3) for horizon in (1, CELLS))
    for found in (one, several):
        assert all(0.0 < chance < 1.0 for chance in found.to_frame()["probability"])


def test_one_period_in_which_nothing_feeds_back_is_solved_at_the_panels_own_levels() -> None:
    still = (
        ("indicators.yaml", "drift: {value: 0.1", "drift: {value: 0"),
        ("effects.yaml", "  acts: same\n", "  acts: next\n"),
    )
    case = derived_case({name: DERIVE[name] for name in ("peace", "trade_before", "free_apart")}, edits=still)
    plan = plan_simulation(fit(case, draws=100, seed=3), 1, seed=3)
    block = Block(np.arange(PATHS), 0)
    assert is_closed(plan)
    levels = LevelsAhead(plan, PLAIN, block.draw, level_paths(plan, PLAIN, block)).at(0)
    there = np.flatnonzero(plan.present)
    for name in ("peace", "trade_before", "free_apart"):
        assert levels[name].shape == (PATHS, len(case.dyads))
        wanted = np.broadcast_to(plan.today[name][:PATHS], levels[name].shape)
        np.testing.assert_allclose(levels[name][:, there], wanted[:, there], rtol=1e-5, atol=1e-5)


def test_what_nobody_finds_is_not_counted() -> None:
    recall = ("outcomes.yaml", "  base_rate: {median: 0.2", "  recall: 0.4\n  base_rate: {median: 0.2")
    case = derived_case({"clashes": DERIVE["clashes"]}, edits=(recall,))
    plan = plan_simulation(fit(case, draws=100, seed=3), CELLS, seed=3)
    block, counts, found, met = Block(np.arange(100), 0), [], [], []

    def watch(cell: int, happened: Mapping, recorded: Mapping, now: Mapping) -> None:
        counts.append(np.asarray(case.indicators["clashes"].level(now["clashes"].astype(float))))
        found.append(recorded["clash"].astype(float))
        met.append(happened["clash"].astype(float))

    simulate_futures(plan, draw_chance(plan, PLAIN, block), PLAIN, watch=watch)
    assert np.sum(met) > np.sum(found) > 0.0
    np.testing.assert_allclose(np.diff(counts, axis=0), np.stack(found[:-1]), atol=1e-4)
