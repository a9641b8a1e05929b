"""What the moves of a scenario do to paths of indicators, in steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case, IndicatorMove, Scenario
from riskcast.machinery.array_types import Floats
from riskcast.machinery.ordering import topological_order


def indicator_order(case: Case) -> tuple[str, ...]:
    """Indicators, parents first."""
    return topological_order({name: set(indicator.parents) for name, indicator in case.indicators.items()})


def bounded(case: Case, name: str, path: Floats) -> Floats:
    """Steps of an indicator held within its bounds."""
    indicator = case.indicators[name]
    return path if indicator.bounds is None else np.clip(path, *indicator.measure.limits)


def share_done(move: IndicatorMove, periods: int) -> NDArray[np.float64]:
    """How much of a move is done in each period, (periods,): it grows evenly over `over` periods and ends at `until`.

    >>> share_done(IndicatorMove(indicator="mood", shift=1.0, start=2, over=2, until=4), 5).tolist()
    [0.0, 0.5, 1.0, 1.0, 0.0]
    """
    period = np.arange(1, periods + 1)
    share = np.clip((period - move.start + 1) / move.over, 0.0, 1.0)
    share[period > (move.until or periods)] = 0.0
    return share


def moved_units(case: Case, move: IndicatorMove) -> slice | list[int]:
    """The columns of an indicator's paths that a move acts on."""
    if move.dyads is None or case.indicators[move.indicator].scope == "host":
        return slice(None)
    places = {dyad: place for place, dyad in enumerate(case.dyads)}
    return [places[dyad] for dyad in move.dyads]


def apply_move(case: Case, move: IndicatorMove, path: Floats, middle: Floats | None) -> Floats:
    """Paths in steps, (periods, paths, units), after a move; `middle` is as `middle_levels` gives it."""
    scale, units = case.indicators[move.indicator].measure, moved_units(case, move)
    share = share_done(move, len(path))[:, None, None].astype(path.dtype)
    change = {"set": scale.set, "shift": scale.shift, "multiply": scale.multiply}[move.verb]
    if isinstance(units, slice):
        return change(path, share, middle, move.size).astype(path.dtype, copy=False)
    out = np.array(np.broadcast_to(path, path.shape))
    out[:, :, units] = change(path[:, :, units], share, None if middle is None else middle[:, :, units], move.size)
    return out


def middle_levels(case: Case, scenario: Scenario, periods: int) -> list[Floats | None]:
    """For each move of a scenario, the middle level of its indicator just before it, (periods, 1, units) in steps.

    It starts from the median of today's level, or from the panel's freshest value, and follows earlier moves, and
    those of parents by the medians of what they pass on. None everywhere if no scale asks for it.
    """
    found: list[Floats | None] = [None] * len(scenario.indicators)
    if not any(case.indicators[m.indicator].measure.moves_middle and m.verb != "set" for m in scenario.indicators):
        return found
    start: dict[str, Floats] = {}
    moved: dict[str, Floats] = {}
    for name in indicator_order(case):
        steps = case.indicators[name].steps(levels_today(case, name))
        path = start[name] = np.broadcast_to(steps, (periods, 1, len(steps)))
        for parent, weight in case.indicators[name].parents.items():
            path = path + weight.center * (moved[parent] - start[parent])
        for place, move in enumerate(scenario.indicators):
            if move.indicator == name:
                found[place] = path
                path = apply_move(case, move, path, path)
        moved[name] = bounded(case, name, path)
    return found


def levels_today(case: Case, name: str) -> Floats:
    """The middle of today's level in every unit, (units,) in the natural unit."""
    indicator, panel = case.indicators[name], case.panel
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    if indicator.now is not None:
        return np.array([indicator.now_of(unit).center for unit in units])
    assert panel is not None
    freshest = panel.freshest if indicator.scope == "dyad" else panel.period.argmax(keepdims=True)
    return panel.levels[name][freshest]
