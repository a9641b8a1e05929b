"""The future, simulated: indicator paths, year shocks and events month by month, for every draw of the parameters.

Random numbers come from streams that depend only on the seed and on what they are for, so that a baseline, a
scenario and an overlay meet the same chance and their differences are sharp.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from riskcast.case import Case, Scenario
from riskcast.hazard import Floats
from riskcast.history import residue, seen_events
from riskcast.posterior import Posterior
from riskcast.quantities import IDENTITY, LOG, elicit
from riskcast.scenarios import LevelPaths, assumed_events, move_levels
from riskcast.streams import normals, uniforms

BLOCK_CELLS = 32_768
LN2 = float(np.log(2.0))


@dataclass(frozen=True)
class Edge:
    """An escalation edge ready to simulate: gain = log rate ratio / log 2, and the state that the record leaves."""

    source: str
    whose: str
    same_period: bool
    gain: Floats
    decay: Floats
    start: Floats


@dataclass(frozen=True)
class EventPlan:
    """One event type ready to simulate; arrays have one row per parameter draw."""

    event: str
    units: int
    severity: float
    base: Floats
    slopes: tuple[tuple[str, Floats], ...]
    edges: tuple[Edge, ...]
    last_shock: Floats
    sd_time: Floats
    persistence: Floats
    last_year: int


@dataclass(frozen=True)
class Plan:
    """Everything the simulation needs, as arrays; built once for a posterior and reused for every scenario."""

    case: Case
    events: tuple[EventPlan, ...]
    today: Mapping[str, Floats]
    drift: Mapping[str, Floats]
    passed_on: Mapping[tuple[str, str], Floats]
    years: tuple[int, ...]
    horizon: int
    draws: int
    seed: int


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
    score_by_period: (periods, units), cumulative."""

    probability: Mapping[str, Floats]
    probability_error: Mapping[str, Floats]
    by_period: Mapping[str, Floats]
    score: Floats
    score_error: Floats
    score_by_period: Floats


def plan_simulation(posterior: Posterior, horizon: int, seed: int) -> Plan:
    """Turn a posterior into arrays to simulate from, with today's levels drawn from their priors."""
    case, record, draws = posterior.case, posterior.record, posterior.draws
    today, drift, passed_on = {}, {}, {}

    def draw(quantity_prior: tuple[float, float], *purpose: str) -> Floats:
        mean, sd = quantity_prior
        return mean + sd * normals(seed, purpose, 0, draws, 1)[:, 0] if sd > 0 else np.full(draws, mean)

    for name, indicator in case.indicators.items():
        units = case.dyads if indicator.scope == "dyad" else (case.host,)
        columns = []
        for unit in units:
            prior = elicit(indicator.now_of(unit), indicator.link)
            level = indicator.link.inverse(draw((prior.mean, prior.sd), "today", name, unit))
            columns.append(indicator.steps(_within(level, indicator.bounds)))
        today[name] = np.stack(columns, axis=1)
        prior = elicit(indicator.drift, LOG)
        drift[name] = np.exp(draw((prior.mean, prior.sd), "drift", name))
        for parent, quantity in indicator.parents.items():
            prior = elicit(quantity, IDENTITY)
            passed_on[name, parent] = draw((prior.mean, prior.sd), "passed on", name, parent)
    events = tuple(_plan_event(posterior, name) for name in case.order)
    years = tuple(int(year) for year in record.timeline.years(horizon)[record.timeline.length :])
    return Plan(case, events, today, drift, passed_on, years, horizon, draws, seed)


def _within(level: Floats, bounds: tuple[float, float] | None) -> Floats:
    return level if bounds is None else np.clip(level, *bounds)


def _plan_event(posterior: Posterior, name: str) -> EventPlan:
    case, drawn, model = posterior.case, posterior.events[name], posterior.models[name]
    effects = case.effects_on(name)
    by_indicator = [effect for effect in effects if not effect.is_escalation]
    by_event = [effect for effect in effects if effect.is_escalation]
    coefficients = drawn.coefficients
    first = 1 + len(by_indicator)
    edges = []
    for column, effect in enumerate(by_event):
        seen = seen_events(effect, case, posterior.record.occurred)
        if effect.whose in ("any", "host"):
            seen = seen[:, :1]
        half_life = drawn.hyper[f"half_life.{effect.memory}"]
        edges.append(
            Edge(
                source=effect.source,
                whose=str(effect.whose),
                same_period=effect.acts == "same",
                gain=coefficients[:, first + column] / LN2,
                decay=np.exp2(-1.0 / half_life),
                start=residue(seen, half_life),
            )
        )
    return EventPlan(
        event=name,
        units=len(case.units(name)),
        severity=float(case.events[name].severity or 0.0),
        base=coefficients[:, :1] + drawn.effects,
        slopes=tuple((effect.source, coefficients[:, 1 + i]) for i, effect in enumerate(by_indicator)),
        edges=tuple(edges),
        last_shock=drawn.shocks[:, -1],
        sd_time=drawn.hyper["sd_time"],
        persistence=drawn.hyper["persistence"],
        last_year=int(model.years[-1]),
    )


def simulate(
    plan: Plan,
    scenario: Scenario,
    paths_per_draw: int,
    active: Active | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Simulated:
    """Simulate `paths_per_draw` futures for every parameter draw and average them.

    The probability of at least one event is the average of the sum of p[t] up to the first event, and the score that
    of p[t] * (severity - largest severity so far)+ over all event types: both replace a 0/1 outcome by its chance
    given the path so far, which leaves the mean as it is and takes most of the noise away (Rao-Blackwell).
    """
    case, draws, paths = plan.case, plan.draws, paths_per_draw
    dyads = len(case.dyads)
    per_block = max(1, BLOCK_CELLS // (dyads * paths))
    blocks = [(first, min(first + per_block, draws)) for first in range(0, draws, per_block)]
    probability = {p.event: np.empty((draws, p.units)) for p in plan.events}
    error = {p.event: np.empty((draws, p.units), dtype=np.float32) for p in plan.events}
    by_period = {p.event: np.zeros((plan.horizon, p.units)) for p in plan.events}
    score, score_error = np.empty((draws, dyads)), np.empty((draws, dyads))
    score_by_period = np.zeros((plan.horizon, dyads))

    def run(block: tuple[int, int]) -> _Block:
        return _simulate_block(plan, scenario, block, paths, active)

    done = 0
    workers = min(os.cpu_count() or 1, 8) if len(blocks) > 4 else 1
    executor = ThreadPoolExecutor(workers)
    try:
        for block, result in zip(blocks, executor.map(run, blocks), strict=True):
            part = slice(*block)
            for name in probability:
                probability[name][part], error[name][part] = _over_paths(result.probability[name], paths)
                by_period[name] += result.by_period[name]
            score[part], score_error[part] = _over_paths(result.score, paths)
            score_by_period += result.score_by_period
            done += 1
            if progress is not None:
                progress(done, len(blocks))
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
    )


def _over_paths(values: Floats, paths: int) -> tuple[Floats, Floats]:
    """Mean over the paths of each draw, and half the difference between the means of their two halves."""
    split = values.reshape(-1, paths, values.shape[1])
    mean = split.mean(axis=1)
    if paths == 1:
        return mean, np.zeros_like(mean)
    half = paths // 2
    balance = np.sqrt(half * (paths - half)) / paths
    return mean, balance * (split[:, :half].mean(axis=1) - split[:, half:].mean(axis=1))


@dataclass(frozen=True)
class _Block:
    probability: dict[str, Floats]
    by_period: dict[str, Floats]
    score: Floats
    score_by_period: Floats


def _simulate_block(plan: Plan, scenario: Scenario, block: tuple[int, int], paths: int, active: Active | None) -> _Block:
    case, (low, high) = plan.case, block
    count, first, dyads = (high - low) * paths, low * paths, len(case.dyads)

    def spread(values: Floats) -> Floats:
        return np.repeat(values[low:high], paths, axis=0)

    levels = _level_paths(plan, scenario, first, count, spread)
    if active is not None:
        levels = {name: level * active.indicators[name][first : first + count, None] for name, level in levels.items()}
    forced = assumed_events(case, scenario, plan.horizon)
    base = {p.event: spread(p.base) for p in plan.events}
    slopes = {p.event: [(name, spread(slope)[:, None]) for name, slope in p.slopes] for p in plan.events}
    gains = {p.event: [spread(edge.gain)[:, None] for edge in p.edges] for p in plan.events}
    decays = {p.event: [spread(edge.decay)[:, None] for edge in p.edges] for p in plan.events}
    states = {p.event: [spread(edge.start) for edge in p.edges] for p in plan.events}
    if active is not None:
        for p in plan.events:
            kept = [active.recent[edge.source][first : first + count, None] for edge in p.edges]
            states[p.event] = [state * keep for state, keep in zip(states[p.event], kept, strict=True)]
    shocks = {p.event: spread(p.last_shock)[:, None] for p in plan.events}
    shock_years = {p.event: p.last_year for p in plan.events}
    waiting = {p.event: np.ones((count, p.units)) for p in plan.events}
    probability = {p.event: np.zeros((count, p.units)) for p in plan.events}
    by_period = {p.event: np.zeros((plan.horizon, p.units)) for p in plan.events}
    peak, score = np.zeros((count, dyads)), np.zeros((count, dyads))
    score_by_period = np.zeros((plan.horizon, dyads))

    for t in range(plan.horizon):
        happened: dict[str, Floats] = {}
        for p in plan.events:
            name = p.event
            if plan.years[t] != shock_years[name]:
                shocks[name] = _next_shock(plan, p, shocks[name], plan.years[t] - shock_years[name], t, first, spread)
                shock_years[name] = plan.years[t]
            eta = base[name] + shocks[name]
            for indicator, slope in slopes[name]:
                eta += slope * levels[indicator][t]
            for edge, gain, decay, state in zip(p.edges, gains[name], decays[name], states[name], strict=True):
                seen = state * decay + _seen(edge, happened) if edge.same_period else state
                eta += gain * np.log(1.0 + seen)
            with np.errstate(over="ignore"):
                chance = 1.0 - np.exp(-np.exp(eta))
            occurs = uniforms(plan.seed, ("event", name, t), first, count, p.units) < chance
            units = forced.get((t, name))
            if units:
                chance[:, units] = 1.0
                occurs[:, units] = True
            happened[name] = occurs.astype(float)
            probability[name] += waiting[name] * chance
            waiting[name] *= ~occurs
            by_period[name][t] = probability[name].sum(axis=0)
            if p.severity > 0:
                score += chance * np.maximum(p.severity - peak, 0.0)
                np.maximum(peak, p.severity * happened[name], out=peak)
        for p in plan.events:
            for i, edge in enumerate(p.edges):
                states[p.event][i] = states[p.event][i] * decays[p.event][i] + _seen(edge, happened)
        score_by_period[t] = score.sum(axis=0)
    return _Block(probability, by_period, score, score_by_period)


def _seen(edge: Edge, happened: Mapping[str, Floats]) -> Floats:
    events = happened[edge.source]
    if edge.whose in ("own", "host"):
        return events
    total = events.sum(axis=1, keepdims=True)
    return total if edge.whose == "any" else total - events


def _next_shock(
    plan: Plan, p: EventPlan, shock: Floats, years: int, t: int, first: int, spread: Callable[[Floats], Floats]
) -> Floats:
    kept = spread(p.persistence)[:, None] ** years
    fresh = normals(plan.seed, ("year", p.event, t), first, len(shock), 1)
    return kept * shock + spread(p.sd_time)[:, None] * np.sqrt(1.0 - kept**2) * fresh


def _level_paths(
    plan: Plan, scenario: Scenario, first: int, count: int, spread: Callable[[Floats], Floats]
) -> LevelPaths:
    """Indicator paths (periods, paths, units) in steps: today's level, a random walk, then the scenario, within bounds."""
    case, out = plan.case, {}
    for name in case.indicators:
        today, drift = spread(plan.today[name]), spread(plan.drift[name])
        units = today.shape[1]
        path = np.broadcast_to(today, (plan.horizon, count, units))
        if drift.any():
            noise = normals(plan.seed, ("drift path", name), first, count, plan.horizon * units)
            walk = noise.reshape(count, plan.horizon, units).cumsum(axis=1).transpose(1, 0, 2)
            path = path + walk * (drift[:, None] / np.sqrt(case.periods_per_year))
        out[name] = _bounded(case, name, path)
    weights = {key: spread(value) for key, value in plan.passed_on.items()}
    moved = move_levels(case, scenario, out, weights)
    return {name: path if path is out[name] else _bounded(case, name, path) for name, path in moved.items()}


def _bounded(case: Case, name: str, path: Floats) -> Floats:
    indicator = case.indicators[name]
    if indicator.bounds is None:
        return path
    low, high = indicator.bounds
    ends = [-np.inf if indicator.scale == "log" and low <= 0 else float(indicator.steps(low)), float(indicator.steps(high))]
    return np.clip(path, *ends)
