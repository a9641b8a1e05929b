"""The future, simulated: indicator paths, year shocks and events month by month, for every draw of the parameters.

Random numbers come from streams that depend only on the seed and on what they are for, so that a baseline, a
scenario and an overlay meet the same chance and their differences are sharp.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Scenario
from riskcast.case.moves import bounded
from riskcast.forecasting.plan import WORK, Edge, EventPlan, Plan
from riskcast.forecasting.scenarios import LevelPaths, assumed_events, move_levels
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import NormalTable, UniformTable, normals

BLOCK_CELLS = 32_768


@dataclass(frozen=True)
class Active:
    """Which drivers act on each path: an indicator not in it stands at its reference, an event type not in it has
    left no memory; arrays (paths,) of 0 or 1."""

    indicators: Mapping[str, Floats]
    recent: Mapping[str, Floats]


@dataclass(frozen=True)
class Simulated:
    """Averages over paths. probability[event] and score: (draws, units), of the probability of at least one event and
    of the largest severity, given the parameters; the `_error` of each: half the difference between the averages over
    two halves of the paths, whose mean square is the variance that so few paths leave in the average; by_period and
    score_by_period: (periods, units), cumulative; peaks[severity]: (dyads,) share of all paths on which the worst
    outcome has at least this severity."""

    probability: Mapping[str, Floats]
    probability_error: Mapping[str, Floats]
    by_period: Mapping[str, Floats]
    score: Floats
    score_error: Floats
    score_by_period: Floats
    peaks: Mapping[float, Floats]


def simulate(
    plan: Plan,
    scenario: Scenario,
    paths_per_draw: int,
    progress: Callable[[int, int], None] | None = None,
    cells: int = BLOCK_CELLS,
) -> Simulated:
    """Simulate `paths_per_draw` futures for every parameter draw and average them, a block of paths at a time.

    The probability of at least one event is the average of the sum of p[t] up to the first event, and the score that
    of p[t] * (severity - largest severity so far)+ over all event types: both replace a 0/1 outcome by its chance
    given the path so far, which leaves the mean as it is and takes most of the noise away (Rao-Blackwell).
    """
    draws, paths, dyads = plan.draws, paths_per_draw, len(plan.case.dyads)
    per_block = max(1, cells // (dyads * paths))
    blocks = [(first, min(first + per_block, draws)) for first in range(0, draws, per_block)]
    probability = {p.event: np.empty((draws, p.units)) for p in plan.events}
    error = {p.event: np.empty((draws, p.units), dtype=np.float32) for p in plan.events}
    by_period = {p.event: np.zeros((plan.horizon, p.units)) for p in plan.events}
    score, score_error = np.empty((draws, dyads)), np.empty((draws, dyads))
    score_by_period = np.zeros((plan.horizon, dyads))
    reached = {level: np.zeros(dyads) for level in sorted({p.severity for p in plan.events if p.severity > 0})}

    def run(block: tuple[int, int]) -> Futures:
        of_draws = Block(np.repeat(np.arange(*block), paths), block[0] * paths)
        return simulate_futures(plan, draw_chance(plan, scenario, of_draws), scenario)

    workers = min(os.cpu_count() or 1, 8) if len(blocks) > 4 else 1
    executor = ThreadPoolExecutor(workers)
    try:
        for done, (block, futures) in enumerate(_in_order(executor, run, blocks, 2 * workers)):
            part = slice(*block)
            for name in probability:
                probability[name][part], error[name][part] = _over_paths(futures.probability[name], paths)
                by_period[name] += futures.by_period[name]
            score[part], score_error[part] = _over_paths(futures.score, paths)
            score_by_period += futures.score_by_period
            for level, count in reached.items():
                count += (futures.peak >= np.float32(level)).sum(axis=0)
            if progress is not None:
                progress(done + 1, len(blocks))
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
    total = draws * paths
    return Simulated(
        probability,
        error,
        {name: value / total for name, value in by_period.items()},
        score,
        score_error,
        score_by_period / total,
        {level: count / total for level, count in reached.items()},
    )


def _in_order[T, R](executor: Executor, run: Callable[[T], R], items: Sequence[T], ahead: int) -> Iterator[tuple[T, R]]:
    """Items with their results, of which no more than `ahead` wait at a time, so that they do not fill memory."""
    waiting: deque[tuple[T, Future[R]]] = deque()
    for item in items:
        if len(waiting) == ahead:
            first, result = waiting.popleft()
            yield first, result.result()
        waiting.append((item, executor.submit(run, item)))
    for first, result in waiting:
        yield first, result.result()


def _over_paths(values: Floats, paths: int) -> tuple[Floats, Floats]:
    """Mean over the paths of each draw, and half the difference between the means of their two halves."""
    split = values.reshape(-1, paths, values.shape[1])
    mean = split.mean(axis=1, dtype=float)
    if paths == 1:
        return mean, np.zeros_like(mean)
    half = paths // 2
    balance = np.sqrt(half * (paths - half)) / paths
    return mean, balance * (split[:, :half].mean(axis=1) - split[:, half:].mean(axis=1))


@dataclass(frozen=True)
class Chance:
    """What fate deals to a block of paths, whatever drives the events: indicator paths, year shocks, uniforms.

    levels[indicator]: (periods, paths, units) in steps; shocks[event]: (paths, 1) for each period; uniform[event]:
    for each period (paths, units). Path i belongs to parameter draw `draw[i]`.
    """

    draw: NDArray[np.int64]
    levels: LevelPaths
    shocks: Mapping[str, list[Floats]]
    uniform: Mapping[str, Callable[[int], Floats]]


@dataclass(frozen=True)
class Block:
    """Which paths to simulate together: path `first + i` belongs to parameter draw `draw[i]`."""

    draw: NDArray[np.int64]
    first: int


def draw_chance(plan: Plan, scenario: Scenario, block: Block, keep: bool = False) -> Chance:
    """Chance of a block of paths; `keep` holds the uniforms for use again and again, else the next ones that are asked
    for are written over them."""
    uniform: dict[str, Callable[[int], Floats]] = {}
    pages: dict[int, NDArray[np.float64]] = {}
    for p in plan.events:
        table = UniformTable(plan.seed, ("event", p.event), block.first, len(block.draw), p.units)
        once = partial(table.page, out=pages.setdefault(p.units, np.empty((len(block.draw), p.units))))
        uniform[p.event] = [table.page(t) for t in range(plan.horizon)].__getitem__ if keep else once
    shocks = {p.event: _shock_paths(plan, p, block) for p in plan.events}
    return Chance(block.draw, _level_paths(plan, scenario, block), shocks, uniform)


@dataclass(frozen=True)
class Futures:
    """Simulated futures: per path, the chance of at least one event, the expected largest severity, and `peak`, the
    one that occurred."""

    probability: Mapping[str, Floats]
    by_period: Mapping[str, Floats]
    score: Floats
    score_by_period: Floats
    peak: Floats


def simulate_futures(
    plan: Plan, chance: Chance, scenario: Scenario, active: Active | None = None, score_only: bool = False
) -> Futures:
    """Simulate a block of paths month by month, event types in same-period order.

    With `score_only`, probabilities stay zero: attribution asks for scores alone, many times over.
    """
    draw, dyads = chance.draw, len(plan.case.dyads)
    count = len(draw)
    levels = chance.levels
    states = {p.event: [_work(edge.start[draw]) for edge in p.edges] for p in plan.events}
    if active is not None:
        levels = {name: level * active.indicators[name][:, None] for name, level in levels.items()}
        for p in plan.events:
            kept = [active.recent[edge.source][:, None] for edge in p.edges]
            states[p.event] = [state * keep for state, keep in zip(states[p.event], kept, strict=True)]
    forced = assumed_events(plan.case, scenario, plan.horizon, plan.present)
    base = {p.event: _work(p.base(draw)) for p in plan.events}
    slopes = {p.event: [(name, _work(slope[draw, None])) for name, slope in p.slopes] for p in plan.events}
    gains = {p.event: [_work(edge.gain[draw, None]) for edge in p.edges] for p in plan.events}
    decays = {p.event: [_work(edge.decay[draw, None]) for edge in p.edges] for p in plan.events}
    waiting = {p.event: _full(count, p.units, 1.0) for p in plan.events}
    probability = {p.event: _full(count, p.units, 0.0) for p in plan.events}
    by_period = {p.event: np.zeros((plan.horizon, p.units)) for p in plan.events}
    peak, score = _full(count, dyads, 0.0), _full(count, dyads, 0.0)
    score_by_period = np.zeros((plan.horizon, dyads))

    # Written over at every step: fresh arrays of this size cost more than the arithmetic.
    happened = {p.event: _full(count, p.units, 0.0) for p in plan.events}
    eta = {units: _full(count, units, 0.0) for units in {dyads, *(p.units for p in plan.events)}}
    spare = {units: _full(count, units, 0.0) for units in {1, *eta}}
    unseen = {units: np.empty_like(values) for units, values in eta.items()}
    occurred = {units: np.empty_like(values, dtype=bool) for units, values in eta.items()}
    with np.errstate(over="ignore"):
        for t in range(plan.horizon):
            for p in plan.events:
                name = p.event
                chance_of = np.add(base[name], chance.shocks[name][t], out=eta[p.units])
                for indicator, slope in slopes[name]:
                    level = levels[indicator][t]
                    chance_of += np.multiply(slope, level, out=spare[level.shape[1]])
                for edge, gain, decay, state in zip(p.edges, gains[name], decays[name], states[name], strict=True):
                    felt = spare[state.shape[1]]
                    if edge.same_period:
                        state = edge.memory.step(state, decay, _seen(edge, happened, unseen[p.units]), out=felt)
                    felt = edge.memory.shape(state, out=felt)
                    chance_of += np.multiply(gain, felt, out=felt)
                np.negative(np.exp(chance_of, out=chance_of), out=chance_of)
                np.negative(np.expm1(chance_of, out=chance_of), out=chance_of)
                occurs = np.less(chance.uniform[name](t), chance_of, out=occurred[p.units])
                units = forced.get((t, name))
                if units:
                    chance_of[:, units] = 1.0
                    occurs[:, units] = True
                np.copyto(happened[name], occurs)
                if not score_only:
                    probability[name] += np.multiply(waiting[name], chance_of, out=spare[p.units])
                    waiting[name] -= np.multiply(waiting[name], happened[name], out=spare[p.units])
                    probability[name].sum(axis=0, dtype=float, out=by_period[name][t])
                if p.severity > 0:
                    more = np.maximum(np.subtract(p.severity, peak, out=spare[dyads]), 0.0, out=spare[dyads])
                    score += np.multiply(chance_of, more, out=more)
                    np.maximum(peak, np.multiply(p.severity, happened[name], out=spare[p.units]), out=peak)
            for p in plan.events:
                for edge, decay, state in zip(p.edges, decays[p.event], states[p.event], strict=True):
                    edge.memory.step(state, decay, _seen(edge, happened, unseen[p.units]), out=state)
            score.sum(axis=0, dtype=float, out=score_by_period[t])
    for (t, name), units in forced.items():
        probability[name][:, units] = 1.0
        by_period[name][t:, units] = count
    return Futures(probability, by_period, score, score_by_period, peak)


def _work(values: Floats) -> Floats:
    """Working precision, with the longer of paths and units contiguous: inner loops run over it."""
    return np.asarray(values, dtype=WORK, order="F" if values.shape[0] > values.shape[-1] else "C")


def _empty_paths(periods: int, count: int, units: int) -> Floats:
    """The same for (periods, paths, units)."""
    if count <= units:
        return np.empty((periods, count, units), dtype=WORK)
    return np.empty((periods, units, count), dtype=WORK).transpose(0, 2, 1)


def _full(count: int, units: int, value: float) -> Floats:
    return _work(np.full((count, units), value))


def _seen(edge: Edge, happened: Mapping[str, Floats], out: Floats) -> Floats:
    """Events of this period that an edge sees; `out` may be written over."""
    events = happened[edge.source]
    if edge.whose in ("own", "host"):
        return events
    return events.sum(axis=1, keepdims=True) if edge.whose == "any" else edge.neighbours.others(events, out)


def _shock_paths(plan: Plan, p: EventPlan, block: Block) -> list[Floats]:
    """The year shock of every period, (paths, 1): the record's last one fades into new ones as years go by."""
    draw = block.draw
    shock, year, out = p.last_shock[draw, None], p.last_year, []
    for now in plan.years:
        if now != year:
            kept = p.persistence[draw, None] ** (now - year)
            fresh = normals(plan.seed, ("year", p.event, now), block.first, len(draw), 1)
            shock = kept * shock + p.sd_time[draw, None] * np.sqrt(1.0 - kept**2) * fresh
            year = now
        out.append(_work(shock))
    return out


def _level_paths(plan: Plan, scenario: Scenario, block: Block) -> LevelPaths:
    """Indicator paths (periods, paths, units) in steps: today's level, a random walk, the scenario; within bounds."""
    case, draw, out = plan.case, block.draw, {}
    for name in case.indicators:
        today, drift = plan.today[name][draw], plan.drift[name][draw]
        units = today.shape[1]
        path = _empty_paths(plan.horizon, len(draw), units)
        if not drift.any():
            path[:] = bounded(case, name, today)
            out[name] = path
            continue
        noise = NormalTable(plan.seed, ("drift path", name), block.first, len(draw), units)
        spread = drift[:, None] / np.sqrt(case.periods_per_year)
        walk, level = np.zeros_like(today), np.empty_like(today)
        for t in range(plan.horizon):
            walk += noise.page(t, out=level)
            np.multiply(walk, spread, out=level)
            level += today
            path[t] = bounded(case, name, level)
        out[name] = path
    weights = {key: _work(value[draw]) for key, value in plan.passed_on.items()}
    return move_levels(case, scenario, out, weights)
