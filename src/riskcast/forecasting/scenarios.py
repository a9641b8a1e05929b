"""Assumed futures: what a scenario does to indicator paths and which events it takes as given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from riskcast.case.checks import Where, scenario_problems
from riskcast.case.model import Case, IndicatorMove, Scenario
from riskcast.errors import CaseError, UnknownNameError
from riskcast.machinery.array_types import Floats
from riskcast.machinery.ordering import topological_order
from riskcast.names import BASELINE

LevelPaths = dict[str, Floats]


def resolve_scenario(case: Case, scenario: str | Scenario | None) -> tuple[str, Scenario]:
    """A scenario by name or as it is; raises UnknownNameError, or CaseError where it does not fit the case.

    One made in code may not, nor one of a panel case as of a day on which some of its dyads did not exist yet.
    """
    name = scenario.label if isinstance(scenario, Scenario) else scenario or BASELINE
    if not isinstance(scenario, Scenario):
        if name != BASELINE and name not in case.scenarios:
            raise UnknownNameError("scenario", name, list(dict.fromkeys([BASELINE, *case.scenarios])))
        scenario = case.scenario(name)
    problems = list(scenario_problems(case, name, scenario, Where()))
    if problems:
        raise CaseError(problems)
    return name, scenario


def bounded(case: Case, name: str, path: Floats) -> Floats:
    """Steps of an indicator held within its bounds."""
    indicator = case.indicators[name]
    if indicator.bounds is None:
        return path
    low, high = indicator.bounds
    least = -np.inf if indicator.scale == "log" and low <= 0 else float(indicator.steps(low))
    return np.clip(path, least, float(indicator.steps(high)))


def indicator_order(case: Case) -> tuple[str, ...]:
    """Indicators, parents first."""
    return topological_order({name: set(indicator.parents) for name, indicator in case.indicators.items()})


def move_levels(
    case: Case, scenario: Scenario, levels: LevelPaths, weights: Mapping[tuple[str, str], Floats]
) -> LevelPaths:
    """Indicator paths under a scenario: changes pass from parents to children, then the scenario's own moves apply.

    A child moves by weight times the parent's change from its own baseline path; what a scenario does to a child does
    not move its parents. Shapes: levels[indicator] (periods, paths, units) in steps; weights[child, parent] (paths,).
    """
    if not scenario.indicators:
        return levels
    moved: LevelPaths = {}
    for name in indicator_order(case):
        indicator = case.indicators[name]
        path = levels[name]
        for parent in indicator.parents:
            if moved[parent] is not levels[parent]:
                path = path + weights[name, parent][None, :, None] * (moved[parent] - levels[parent])
        for move in scenario.indicators:
            if move.indicator == name:
                path = _apply(case, move, path)
        moved[name] = path if path is levels[name] else bounded(case, name, path)
    return moved


def _apply(case: Case, move: IndicatorMove, path: Floats) -> Floats:
    indicator = case.indicators[move.indicator]
    period = np.arange(1, len(path) + 1)
    share = np.clip((period - move.start + 1) / move.over, 0.0, 1.0)
    share[period > (move.until or len(path))] = 0.0
    share = share[:, None, None].astype(path.dtype)
    change: Callable[[Floats], Floats]
    if move.set is not None:
        target = float(indicator.steps(move.set))
        change = lambda x: x + share * (target - x)  # noqa: E731
    elif move.shift is not None:
        shift = move.shift / indicator.step
        change = lambda x: x + share * shift  # noqa: E731
    else:
        assert move.multiply is not None
        factor = move.multiply
        if indicator.scale == "log":
            shift = math.log(factor) / math.log(indicator.step)
            change = lambda x: x + share * shift  # noqa: E731
        else:
            origin = indicator.reference / indicator.step
            change = lambda x: (origin + x) * (1.0 + share * (factor - 1.0)) - origin  # noqa: E731
    if move.dyads is None or indicator.scope == "host":
        return change(path)
    chosen = _places(case.dyads, move.dyads)
    out = np.array(np.broadcast_to(path, path.shape))
    out[:, :, chosen] = change(path[:, :, chosen])
    return out


def assumed_events(
    case: Case, scenario: Scenario, horizon: int, present: NDArray[np.bool_] | None = None
) -> dict[tuple[int, str], list[int]]:
    """Units in which the scenario makes an event happen, by period (0 is the first) and event type.

    `present` (dyads,) tells which dyads exist within the horizon; where it is not given, all do.
    """
    there = np.arange(len(case.dyads)) if present is None else np.flatnonzero(present)
    out: dict[tuple[int, str], list[int]] = {}
    for assumed in scenario.events:
        if assumed.month > horizon:
            continue
        units = case.units(assumed.event)
        everywhere = there.tolist() if case.events[assumed.event].scope == "dyad" else [0]
        chosen = everywhere if assumed.dyads is None else _places(units, assumed.dyads)
        out.setdefault((assumed.month - 1, assumed.event), []).extend(chosen)
    return out


def _places(units: Sequence[str], chosen: Sequence[str]) -> list[int]:
    """Where some units stand among all."""
    places = {unit: place for place, unit in enumerate(units)}
    return [places[unit] for unit in chosen]
