"""Assumed futures: what a scenario does to indicator paths and which events it takes as given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from riskcast.case.checks import scenario_problems
from riskcast.case.model import Case, Scenario
from riskcast.case.moves import apply_move, bounded, indicator_order, middle_levels
from riskcast.case.where import Where
from riskcast.errors import CaseError, UnknownNameError
from riskcast.machinery.array_types import Floats
from riskcast.names import BASELINE

LevelPaths = dict[str, Floats]


def resolve_scenario(case: Case, scenario: str | Scenario | None) -> tuple[str, Scenario]:
    """A scenario by name or as it is; raises UnknownNameError, or CaseError where it does not fit the case.

    One made in code may not, nor one of a panel case as of a day on which some of its dyads did not exist yet.
    """
    name = scenario.label if isinstance(scenario, Scenario) else BASELINE if scenario is None else scenario
    if not isinstance(scenario, Scenario):
        if name != BASELINE and name not in case.scenarios:
            raise UnknownNameError("scenario", name, list(dict.fromkeys([BASELINE, *case.scenarios])))
        scenario = case.scenario(name)
    problems = list(scenario_problems(case, name, scenario, Where()))
    if problems:
        raise CaseError(problems)
    return name, scenario


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
    middles = middle_levels(case, scenario, len(next(iter(levels.values()))))
    for name in indicator_order(case):
        indicator = case.indicators[name]
        path = levels[name]
        for parent in indicator.parents:
            if moved[parent] is not levels[parent]:
                path = path + weights[name, parent][None, :, None] * (moved[parent] - levels[parent])
        for move, middle in zip(scenario.indicators, middles, strict=True):
            if move.indicator == name:
                path = apply_move(case, move, path, middle)
        moved[name] = path if path is levels[name] else bounded(case, name, path)
    return moved


def assumed_events(
    case: Case, scenario: Scenario, horizon: int, present: NDArray[np.bool_] | None = None
) -> dict[tuple[int, str], list[int]]:
    """Units in which the scenario makes an event happen, by period (0 is the first) and event type.

    `present` (dyads,) tells which dyads exist within the horizon; where it is not given, all do.
    """
    there = np.arange(len(case.dyads)) if present is None else np.flatnonzero(present)
    return _units_by_period(case, scenario, horizon, there, happens=True)


def excluded_events(
    case: Case, scenario: Scenario, horizon: int, present: NDArray[np.bool_] | None = None
) -> dict[tuple[int, str], list[int]]:
    """Units in which the scenario rules an event out, as `assumed_events` has those in which it happens."""
    there = np.arange(len(case.dyads)) if present is None else np.flatnonzero(present)
    return _units_by_period(case, scenario, horizon, there, happens=False)


def _units_by_period(
    case: Case, scenario: Scenario, horizon: int, there: NDArray[np.int64], happens: bool
) -> dict[tuple[int, str], list[int]]:
    out: dict[tuple[int, str], list[int]] = {}
    for assumed in scenario.events:
        if assumed.happens != happens:
            continue
        units = case.units(assumed.event)
        everywhere = there.tolist() if case.events[assumed.event].scope == "dyad" else [0]
        chosen = everywhere if assumed.dyads is None else _places(units, assumed.dyads)
        first, last = assumed.span(horizon)
        for period in range(first, min(last, horizon) + 1):
            out.setdefault((period - 1, assumed.event), []).extend(chosen)
    return out


def _places(units: Sequence[str], chosen: Sequence[str]) -> list[int]:
    """Where some units stand among all."""
    places = {unit: place for place, unit in enumerate(units)}
    return [places[unit] for unit in chosen]
