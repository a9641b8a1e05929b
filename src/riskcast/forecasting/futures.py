"""Futures of a block of paths: events drawn cell by cell, given all that fate deals to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Scenario
from riskcast.forecasting.levels_ahead import LevelsAhead, level_paths
from riskcast.forecasting.memories_ahead import MemoriesAhead
from riskcast.forecasting.path_scores import PathScores
from riskcast.forecasting.plan import EventPlan, Plan
from riskcast.forecasting.scenarios import LevelPaths, assumed_events, excluded_events
from riskcast.forecasting.shocks_ahead import ShocksAhead, shocks_ahead
from riskcast.forecasting.work_arrays import Active, Block, full, work
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import UniformTable


@dataclass(frozen=True)
class Chance:
    """What fate deals to a block of paths, whatever drives the events: indicator paths, shocks, uniforms.

    levels[indicator]: (cells, paths, units) in steps; uniform[event]: for each cell (paths,
    units). Path i belongs to parameter draw `draw[i]`.
    """

    draw: NDArray[np.int64]
    levels: LevelPaths
    shocks: ShocksAhead
    uniform: Mapping[str, Callable[[int], Floats]]


def draw_chance(plan: Plan, scenario: Scenario, block: Block, keep: bool = False) -> Chance:
    """Chance of a block of paths; `keep` holds the uniforms for use again and again, else the next ones that are asked
    for are written over them."""
    uniform: dict[str, Callable[[int], Floats]] = {}
    pages: dict[int, NDArray[np.float64]] = {}
    for p in plan.events:
        table = UniformTable(plan.seed, block.purpose("event", p.event), block.first, len(block.draw), p.units)
        once = partial(table.page, out=pages.setdefault(p.units, np.empty((len(block.draw), p.units))))
        uniform[p.event] = [table.page(t) for t in range(plan.cells)].__getitem__ if keep else once
    return Chance(block.draw, level_paths(plan, scenario, block), shocks_ahead(plan, block), uniform)


@dataclass(frozen=True)
class Futures:
    """Simulated futures.

    occurred[event]: (paths, units), 1 where it has; probability[event]: (paths, units), Y of `simulate`; chances,
    waiting: (cells, units), sums over paths without an event so far, of the chance of one and of 1; score: (paths,
    dyads), see `PathScores`; points: (paths, dyads), what occurred scores; peak: (paths, dyads), the largest severity
    of an outcome of the dyad that occurred.
    """

    occurred: Mapping[str, Floats]
    probability: Mapping[str, Floats]
    chances: Mapping[str, Floats]
    waiting: Mapping[str, Floats]
    score: Floats
    points: Floats
    peak: Floats


def simulate_futures(
    plan: Plan, chance: Chance, scenario: Scenario, active: Active | None = None, score_only: bool = False
) -> Futures:
    """Simulate a block of paths cell by cell, event types in same-period order.

    With `score_only`, probabilities stay zero: attribution asks for scores alone, many times over.
    """
    draw = chance.draw
    count = len(draw)
    forced = assumed_events(plan.case, scenario, plan.cells, plan.present)
    ruled_out = excluded_events(plan.case, scenario, plan.cells, plan.present)
    left = [float(plan.shares[t + 1 :].sum()) for t in range(plan.cells)]
    base = {p.event: np.asarray(p.base(draw), order="F" if count > p.units else "C") for p in plan.events}
    slopes = {p.event: [(name, work(slope[draw, None])) for name, slope in p.slopes] for p in plan.events}
    waiting = {p.event: full(count, p.units, 1.0) for p in plan.events}
    probability = {p.event: full(count, p.units, 0.0) for p in plan.events}
    chances = {p.event: np.zeros((plan.cells, p.units)) for p in plan.events}
    waited = {p.event: np.zeros((plan.cells, p.units)) for p in plan.events}
    # Written over at every step: fresh arrays of this size cost more than the arithmetic.
    happened = {p.event: full(count, p.units, 0.0) for p in plan.events}
    rate = {p.event: full(count, p.units, 0.0) for p in plan.events}
    sizes = {1, len(plan.case.dyads), *(p.units for p in plan.events)}
    eta, spare, news = ({units: full(count, units, 0.0) for units in sizes} for _ in range(3))
    occurred = {units: np.empty_like(values, dtype=bool) for units, values in eta.items()}
    levels = LevelsAhead(plan, scenario, draw, chance.levels, happened, active)
    memories = MemoriesAhead(plan, draw, happened, active)
    scores = PathScores(plan, count, forced)

    def rates(p: EventPlan, now: Mapping[str, Floats], t: int) -> Floats:
        """Rates of an event type in a full period, given the path so far."""
        log_rate = np.add(base[p.event], chance.shocks.at(p.event, t, active), out=eta[p.units])
        for indicator, slope in slopes[p.event]:
            level = now[indicator]
            log_rate += np.multiply(slope, level, out=spare[level.shape[1]])
        memories.add_to(log_rate, p, t, now)
        return np.exp(log_rate, out=rate[p.event])

    with np.errstate(over="ignore", invalid="ignore"):
        if plan.cells > 1:
            for p in scores.outcomes:
                scores.expect(p.event, rates(p, levels.at(0), 0), float(plan.shares.sum()))
        for t in range(plan.cells):
            now = levels.at(t)
            for p in plan.events:
                name, of_rate = p.event, rates(p, now, t)
                chance_of = np.multiply(of_rate, -plan.shares[t], out=eta[p.units])
                np.negative(np.expm1(chance_of, out=chance_of), out=chance_of)
                drawn = chance.uniform[name](t)
                occurs = np.less(drawn, chance_of, out=occurred[p.units])
                units = forced.get((t, name))
                if units:
                    chance_of[:, units] = 1.0
                    occurs[:, units] = True
                units = ruled_out.get((t, name))
                if units:
                    chance_of[:, units] = 0.0
                    occurs[:, units] = False
                np.copyto(happened[name], occurs)
                memories.note(name, t, drawn, chance_of, of_rate)
                surprise = np.subtract(chance_of, happened[name], out=news[p.units])
                if not score_only:
                    # Counts, which working precision adds without error.
                    waited[name][t] = waiting[name].sum(axis=0)
                    np.multiply(waiting[name], chance_of, out=chance_of)
                    chance_of.sum(axis=0, dtype=float, out=chances[name][t])
                if score_only and not p.severity:
                    continue
                still = none_left(of_rate, left[t], spare[p.units])
                beyond = np.multiply(still, surprise, out=surprise)
                if not score_only:
                    probability[name] += np.multiply(beyond, waiting[name], out=chance_of)
                    waiting[name] -= np.multiply(waiting[name], happened[name], out=chance_of)
                if p.severity > 0:
                    scores.add(name, still, beyond, happened)
            memories.step(plan, t, now)
            scores.step(happened)
            levels.step(t)
    met = {name: np.subtract(1.0, still, out=still) for name, still in waiting.items()}
    for name, occurred_ever in met.items():
        probability[name] += occurred_ever
    for (_, name), units in forced.items():
        probability[name][:, units] = 1.0
    return Futures(met, probability, chances, waited, scores.result(), scores.points(), scores.peak())


def none_left(rate: Floats, left: float, out: Floats) -> Floats:
    """exp(-rate left), into `out`: the chance of no event in what is left of the horizon, in periods."""
    if not left:
        out.fill(1.0)
        return out
    return np.exp(np.multiply(rate, -left, out=out), out=out)
