"""What the moves of a scenario do to paths of indicators, in steps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case, IndicatorMove, Scenario
from riskcast.machinery.array_types import Floats
from riskcast.machinery.ordering import topological_order


def indicator_order(case: Case) -> tuple[str, ...]:
    """Indicators, parents first."""
    return topological_order({name: set(indicator.parents) for name, indicator in case.indicators.items()})


def bounded(case: Case, name: str, path: Floats, out: Floats | None = None) -> Floats:
    """Steps of an indicator held within its bounds, written into `out` where it has any."""
    indicator = case.indicators[name]
    return path if indicator.bounds is None else np.clip(path, *indicator.measure.limits, out=out)


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


def apply_move(
    case: Case, move: IndicatorMove, path: Floats, middle: Floats | None, share: Floats | None = None
) -> Floats:
    """Paths in steps, (periods, paths, units), after a move; `middle` is as `middle_levels` gives it.

    `share`: how much of the move is done in each period, as `share_done` says where it is not given.
    """
    scale, units = case.indicators[move.indicator].measure, moved_units(case, move)
    share = (share_done(move, len(path)) if share is None else share)[:, None, None].astype(path.dtype)
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


def own_drifts(case: Case, drift: Mapping[str, Floats], weights: Mapping[tuple[str, str], Floats]) -> dict[str, Floats]:
    """The part of every indicator's drift that is its own: what is left of its variance after what parents pass on.

    With x[c] = e[c] + sum over parents p of w[c, p] x[p] for a year's changes x and Var x[c] = drift[c]^2,

        own[c]^2 = max(0, drift[c]^2 - sum over p, q of w[c, p] w[c, q] Cov(x[p], x[q])),

    worked out along the graph (Wright, 1934). Parameters: drift by indicator and weights by (child, parent), of one
    shape such as (draws,).

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> drift = {name: np.array(indicator.drift.center) for name, indicator in case.indicators.items()}
    >>> weights = {(c, p): np.array(w.center) for c, one in case.indicators.items() for p, w in one.parents.items()}
    >>> round(float(own_drifts(case, drift, weights)["xenophobia"]), 3)
    0.753
    """
    return _drifts(case, drift, weights)[0]


def total_drifts(
    case: Case, drift: Mapping[str, Floats], weights: Mapping[tuple[str, str], Floats]
) -> dict[str, Floats]:
    """The drift that every indicator has, all told: as stated, but where parents pass on more; as for `own_drifts`."""
    return _drifts(case, drift, weights)[1]


def _drifts(
    case: Case, drift: Mapping[str, Floats], weights: Mapping[tuple[str, str], Floats]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Own and total drifts."""
    shared: dict[tuple[str, str], Floats] = {}
    own: dict[str, Floats] = {}
    total: dict[str, Floats] = {}
    for name in indicator_order(case):
        nothing = np.zeros_like(drift[name])
        parents = tuple(case.indicators[name].parents)
        for other in own:
            passed = (weights[name, parent] * shared[parent, other] for parent in parents)
            shared[name, other] = shared[other, name] = sum(passed, nothing)
        passed_on = sum((weights[name, parent] * shared[name, parent] for parent in parents), nothing)
        own[name] = np.sqrt(np.maximum(np.square(drift[name]) - passed_on, 0.0)) if parents else drift[name]
        shared[name, name] = np.square(own[name]) + passed_on
        total[name] = np.sqrt(shared[name, name]) if parents else drift[name]
    return own, total


def levels_today(case: Case, name: str) -> Floats:
    """The middle of today's level in every unit, (units,) in the natural unit."""
    indicator, panel = case.indicators[name], case.panel
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    if indicator.history != "panel":
        return np.array([case.now_of(name, unit).center for unit in units])
    assert panel is not None
    freshest = panel.freshest if indicator.scope == "dyad" else panel.period.argmax(keepdims=True)
    return panel.levels[name][freshest]
