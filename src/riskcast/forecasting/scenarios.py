"""Assumed futures: what a scenario does to indicator paths and which events it takes as given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from riskcast.case.checks import scenario_problems
from riskcast.case.model import Case, IndicatorMove, Scenario
from riskcast.case.moves import apply_move, bounded, indicator_order, middle_levels, share_done
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


class Moves:
    """What a scenario does to indicators in so many cells."""

    def __init__(self, case: Case, scenario: Scenario, cells: int) -> None:
        middles = middle_levels(case, scenario, cells)
        self._case, self._cells = case, cells
        self._own: dict[str, list[tuple[IndicatorMove, Floats | None]]] = {}
        for move, middle in zip(scenario.indicators, middles, strict=True):
            self._own.setdefault(move.indicator, []).append((move, middle))

    def apply(self, name: str, path: Floats, first: int = 0) -> Floats:
        """Steps of an indicator in the cells from `first` on, (cells, paths, units), moved and within its bounds."""
        own = self._own.get(name, ())
        for move, middle in own:
            part = slice(first, first + len(path))
            share = share_done(move, self._cells)[part]
            path = apply_move(self._case, move, path, None if middle is None else middle[part], share)
        return bounded(self._case, name, path) if own else path


def move_levels(
    case: Case,
    moves: Moves,
    levels: LevelPaths,
    weights: Mapping[tuple[str, str], Floats],
    today: Mapping[str, Floats],
    free: Collection[str] = (),
) -> LevelPaths:
    """Indicator paths from what each does of itself: changes pass from parents to children, then a scenario's moves
    apply.

    A child moves by weight times the change of its parent from today's level, whatever moved it; what happens to a
    child does not move its parents. Shapes: levels[indicator] (cells, paths, units) in steps, which may be written
    over; weights[child, parent] (paths,); today[indicator] (paths, units). Those that are `free` get what parents pass
    on that are not, and neither bounds nor moves.
    """
    moved: LevelPaths = {}
    for name in indicator_order(case):
        path = levels[name]
        for parent in (parent for parent in case.indicators[name].parents if parent not in free):
            weight = weights[name, parent][:, None]
            # Cell by cell: arrays of one cell stay in the processor's cache.
            for own, level in zip(path, moved[parent], strict=True):
                own += weight * (level - today[parent])
        moved[name] = path if name in free else moves.apply(name, bounded(case, name, path, out=path))
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
