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
from riskcast.forecasting.path_events import PathEvents
from riskcast.forecasting.plan import EventPlan, Plan
from riskcast.forecasting.recorded_ahead import RecordedAhead
from riskcast.forecasting.scenarios import LevelPaths, assumed_events, excluded_events
from riskcast.forecasting.shocks_ahead import ShocksAhead, shocks_ahead
from riskcast.forecasting.work_arrays import Active, Block, full, work
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import UniformTable

# Event type, cell, rates in a full period and uniforms, (paths, units) both -> the uniforms to use in their place.
Steer = Callable[[EventPlan, int, Floats, Floats], Floats]
# Cell, what happened in it by event type, what of it is recorded, and levels in it in steps, (paths, units) each, which
# are written over.
Watch = Callable[[int, Mapping[str, Floats], Mapping[str, Floats], Mapping[str, Floats]], None]


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
    pages: dict[int, Floats] = {}
    for p in plan.events:
        table = UniformTable(plan.seed, block.purpose("event", p.event), block.first, len(block.draw), p.units)
        if keep:
            uniform[p.event] = [work(table.page(t)) for t in range(plan.cells)].__getitem__
            continue
        if p.units not in pages:
            pages[p.units] = full(len(block.draw), p.units, 0.0)
        uniform[p.event] = partial(table.page, out=pages[p.units])
    return Chance(block.draw, level_paths(plan, scenario, block), shocks_ahead(plan, block), uniform)


@dataclass(frozen=True)
class Futures:
    """Simulated futures.

    occurred[event]: (paths, units), 1 where it has; probability[event]: (paths, units), Y of `simulate`; chances,
    waiting: (cells, units), sums over paths without an event so far, of the chance of one and of 1; score: (paths,
    dyads), see `PathScores`; points: (paths, dyads), what occurred scores; peak: (paths, dyads), the largest severity
    of an outcome of the dyad that occurred; counts[event]: (paths,) cells and units in which it did; recorded: the same
    of what is recorded, None where that is all.
    """

    occurred: Mapping[str, Floats]
    probability: Mapping[str, Floats]
    chances: Mapping[str, Floats]
    waiting: Mapping[str, Floats]
    score: Floats
    points: Floats
    peak: Floats
    counts: Mapping[str, Floats]
    recorded: Futures | None = None


def simulate_futures(
    plan: Plan,
    chance: Chance,
    scenario: Scenario,
    active: Active | None = None,
    *,
    score_only: bool = False,
    counted: bool = False,
    steer: Steer | None = None,
    watch: Watch | None = None,
) -> Futures:
    """Simulate a block of paths cell by cell, event types in same-period order.

    With `score_only`, probabilities stay zero: attribution asks for scores alone, many times over. Events are `counted`
    where that is asked for. `steer` exchanges the uniforms that decide over the events of one type in one cell; `watch`
    sees every cell when all that happens in it is drawn.
    """
    draw = chance.draw
    count = len(draw)
    forced = assumed_events(plan.case, scenario, plan.cells, plan.present)
    ruled_out = excluded_events(plan.case, scenario, plan.cells, plan.present)
    base = {p.event: np.asarray(p.base(draw), order="F" if count > p.units else "C") for p in plan.events}
    slopes = {p.event: [(name, work(slope[draw, None])) for name, slope in p.slopes] for p in plan.events}
    # Written over at every step: fresh arrays of this size cost more than the arithmetic.
    happened = {p.event: full(count, p.units, 0.0) for p in plan.events}
    rate = {p.event: full(count, p.units, 0.0) for p in plan.events}
    sizes = {1, len(plan.case.dyads), *(p.units for p in plan.events)}
    eta, spare = ({units: full(count, units, 0.0) for units in sizes} for _ in range(2))
    occurred = {units: np.empty_like(values, dtype=bool) for units, values in eta.items()}
    recorded = RecordedAhead(plan, happened, forced, ruled_out, score_only=score_only, counted=counted)
    levels = LevelsAhead(plan, scenario, draw, chance.levels, happened, active, recorded.events)
    memories = MemoriesAhead(plan, draw, recorded.events, active)
    told = PathEvents(plan, count, forced, score_only=score_only, counted=counted)

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
            now, whole = levels.at(0), float(plan.shares.sum())
            for p in told.scores.outcomes:
                ahead = rates(p, now, 0)
                told.scores.expect(p.event, ahead, whole)
                recorded.expect(p, ahead, whole)
        for t in range(plan.cells):
            now = levels.at(t)
            for p in plan.events:
                name, of_rate = p.event, rates(p, now, t)
                chance_of = np.multiply(of_rate, -plan.shares[t], out=eta[p.units])
                np.negative(np.expm1(chance_of, out=chance_of), out=chance_of)
                uniform = chance.uniform[name](t)
                if steer is not None:
                    uniform = steer(p, t, of_rate, uniform)
                occurs = np.less(uniform, chance_of, out=occurred[p.units])
                units = forced.get((t, name))
                if units:
                    chance_of[:, units] = 1.0
                    occurs[:, units] = True
                units = ruled_out.get((t, name))
                if units:
                    chance_of[:, units] = 0.0
                    occurs[:, units] = False
                np.copyto(happened[name], occurs)
                chance_found, rate_found = recorded.draw(p, t, of_rate, uniform, chance_of)
                memories.note(name, t, uniform, chance_found, rate_found)
                recorded.tell(p, t, rate_found)
                told.add(p, t, of_rate, chance_of, happened)
            if watch is not None:
                watch(t, happened, recorded.events, now)
            memories.step(plan, t, now)
            levels.step(t)
            told.scores.step(happened)
            recorded.step()
    return _futures(told, None if recorded.told is None else _futures(recorded.told))


def _futures(told: PathEvents, recorded: Futures | None = None) -> Futures:
    """What is told of events on paths, at the end of the horizon."""
    scores, met = told.scores, told.met()
    found = scores.result(), scores.points(), scores.peak()
    return Futures(met, told.probability, told.chances, told.waited, *found, told.counts, recorded)
