"""Posterior -> plan: all that the simulation of the horizon starts from, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.links import IDENTITY, LOG
from riskcast.case.model import Case, Effect
from riskcast.case.moves import indicator_order, own_drifts
from riskcast.case.periods import Timeline, calendar_of
from riskcast.case.quantities import Prior, elicit
from riskcast.case.raises import left_at, moment, past_events, seen_by
from riskcast.case.settings import COUNT, PER_TIME, Memory as MemorySettings
from riskcast.engines.hazard import LOADING, Escalation, half_life_ratio
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.work_arrays import WORK
from riskcast.machinery.array_types import Bools, Floats, Ints
from riskcast.machinery.random_streams import normals
from riskcast.record.arrays import day_number
from riskcast.record.memory import Memory, Neighbours, Sight, count_left, fading, follow, memory_of, seen_events
from riskcast.record.sights import (
    Begun,
    begun_of,
    is_plain,
    numbers_of_events,
    period_starts,
    periods_reached,
    settings_of,
    sight_of,
)

# No level, slope or gain of a simulation is larger: their products and sums stay numbers in working precision.
MOST = 1e15
ALL = slice(None)


@dataclass(frozen=True)
class DaysAhead:
    """The days of a horizon's cells: begins, the day of its period, from 1, on which each cell begins; spans, its days;
    lengths, the days of its whole period, and of periods after the last one."""

    begins: Ints
    spans: Ints
    lengths: Ints

    @classmethod
    def of(cls, case: Case, timeline: Timeline, horizon: int, later: int) -> DaysAhead:
        """The days of a horizon's cells, and of so many `later` periods."""
        cells = timeline.cells(horizon)
        starts = period_starts(case, timeline, timeline.complete, len(cells) + later + 1)
        first = np.array([day_number(day) for day in cells.first])
        last = np.array([day_number(day) for day in cells.last])
        return cls(first - starts[: len(cells)] + 1, last - first + 1, np.diff(starts))


@dataclass(frozen=True)
class Beyond:
    """What an edge asks for beyond whether events happened.

    target: the event type that spends its triggers, empty where none does; settings: its memory in the case; weight:
    how much an event counts; later: periods after its own that an event can reach; without: what would be left had
    there been no event, shaped like the edge's start; begun: what the running period has had, where one is split;
    half_life (draws,), stretches: indicators that act on it, with the logarithm of their ratio, (draws,).
    """

    target: str
    settings: MemorySettings
    weight: float
    later: int
    without: Floats
    begun: Begun | None = None
    half_life: Floats | None = None
    stretches: tuple[tuple[str, Floats], ...] = ()


@dataclass(frozen=True)
class Edge:
    """An escalation edge ready to simulate.

    gain: log rate ratio / unit of its memory; start: what the past leaves, (draws, units), behind its parts where
    states are stacked; beyond: what its memory asks for beyond whether events happened, if it does.
    """

    source: str
    whose: str
    neighbours: Neighbours
    same_period: bool
    memory: Memory
    gain: Floats
    decay: Floats
    start: Floats
    beyond: Beyond | None = None

    @property
    def felt(self) -> Floats:
        """The memory as rates feel it at the start of the horizon, in `unit`s: (draws, units)."""
        return self.memory.shape(self.memory.ahead(self.start))

    @property
    def without(self) -> Floats:
        """What would be left had no event ever been seen, shaped like `start`."""
        return np.zeros_like(self.start) if self.beyond is None else self.beyond.without


@dataclass(frozen=True)
class Rise:
    """What events of one type do to an indicator, ready to simulate.

    steps, half_life: (draws,); left: (draws, units of the indicator) fresh events that the record leaves at the start
    of the horizon; events of a cell are felt from the next one on.
    """

    indicator: str
    source: str
    whose: str
    neighbours: Neighbours
    steps: Floats
    half_life: Floats
    left: Floats


@dataclass(frozen=True)
class EventPlan:
    """One event type ready to simulate; arrays have one row per parameter draw.

    severity: points of 100, 0 where it adds to no score; implied_by: outcomes that cannot happen without it; recall:
    (units,) share of what happens that is recorded.
    A unit's log rate at reference levels with nothing recent is intercept (draws,) plus effects (draws, units), where
    it is present (units,): one that no longer exists has no events, and none that others could see.
    """

    event: str
    units: int
    severity: float
    implied_by: tuple[str, ...]
    intercept: Floats
    effects: Floats
    present: NDArray[np.bool_]
    slopes: tuple[tuple[str, Floats], ...]
    edges: tuple[Edge, ...]
    last_shock: Floats
    sd_time: Floats
    persistence: Floats
    last_year: int
    recall: Floats
    loading: Floats | None = None

    @property
    def is_thinned(self) -> bool:
        """Whether not all that happens is recorded."""
        return bool((self.recall < 1.0).any())

    def base(self, draws: Any = ALL, units: Any = ALL) -> Floats:
        """Log rates of some draws and units, all where none are named: (draws, units)."""
        log_rates = (self.intercept[draws, None] + self.effects[draws][:, units]).astype(WORK)
        if not self.present.all():
            log_rates[:, ~self.present[units]] = -np.inf
        return log_rates


@dataclass(frozen=True)
class TensionAhead:
    """Where tension goes on from: its last value and persistence (draws,), the number of its last period, and that of
    the period of every cell."""

    last: Floats
    persistence: Floats
    last_period: int
    periods: tuple[int, ...]

    def kept(self, period: int) -> Floats:
        """How much of today's tension is left in a period: persistence^(periods from the last), (draws,)."""
        return self.persistence ** float(period - self.last_period)


@dataclass(frozen=True)
class Plan:
    """Everything the simulation needs, as arrays; built once for a posterior and reused for every scenario.

    The horizon is cut into cells, one after the other: `years` (cells,) holds the calendar year of each, `shares`
    (cells,) how much of a whole period it is, which multiplies its rates. begun: by event type, (units,) 1 where it has
    happened already in the period of which the first cell is the rest, nothing where that is a whole one. today: levels
    in steps; drift: the part of each indicator's drift that no parent passes on, (draws,); raises: what lifts levels;
    reversion: by indicator whose level goes back to its reference, (draws,) half-life in years; tension:
    None where the case has none, and shocks are those of years; numbers: by event type that is remembered by number,
    how many there were in each period in which a panel has the event, from the least, (periods,), none where numbers
    are Poisson.
    """

    case: Case
    present: NDArray[np.bool_]
    events: tuple[EventPlan, ...]
    today: Mapping[str, Floats]
    drift: Mapping[str, Floats]
    passed_on: Mapping[tuple[str, str], Floats]
    years: tuple[int, ...]
    shares: Floats
    begun: Mapping[str, Floats]
    horizon: int
    draws: int
    seed: int
    days: DaysAhead
    raises: tuple[Rise, ...] = ()
    reversion: Mapping[str, Floats] = field(default_factory=dict)
    tension: TensionAhead | None = None
    numbers: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """How many cells the horizon has."""
        return len(self.shares)

    @cached_property
    def drifting(self) -> frozenset[str]:
        """Indicators that leave today's level by drift or return, their own or a parent's."""
        found = {name for name, drift in self.drift.items() if drift.any()} | set(self.reversion)
        for name in indicator_order(self.case):
            passed = (p for p in self.case.indicators[name].parents if self.passed_on[name, p].any())
            if not found.isdisjoint(passed):
                found.add(name)
        return frozenset(found)

    @cached_property
    def raised(self) -> tuple[str, ...]:
        """Indicators that events can lift, and those to which parents pass that on, parents first."""
        found = dict.fromkeys(rise.indicator for rise in self.raises)
        for name in indicator_order(self.case):
            if any(parent in found for parent in self.case.indicators[name].parents):
                found[name] = None
        return tuple(name for name in indicator_order(self.case) if name in found)

    def kept(self, name: str, draw: Ints) -> list[Floats]:
        """What is left, in the middle of every cell, of a level's distance from its reference: (paths, 1) each."""
        if name not in self.reversion:
            return [np.ones((1, 1))] * self.cells
        half_life = self.reversion[name][draw, None] * self.case.periods_per_year
        return [np.exp2(-middle / half_life) for middle in self.middles]

    @cached_property
    def middles(self) -> Floats:
        """How many periods after the start of the horizon the middle of every cell lies: (cells,)."""
        return np.cumsum(self.shares) - self.shares / 2.0

    def implied_in_running(self, event: str) -> Bools:
        """Where the period of which the first cell is the rest holds an outcome already that implies this one, so that
        it adds nothing there: (dyads,)."""
        held = np.zeros(len(self.case.dyads), dtype=bool)
        for other in self.case.implied_by.get(event, ()):
            if other in self.begun:
                held |= self.begun[other] > 0.0
        return held

    def chances(self, dyads: NDArray[np.int64]) -> Floats:
        """Probability of at least one event of each type within the horizon, were all to stay as it is at its start:
        (dyads, draws, event types), of some dyads and the host. A close stand-in, without chance, for what is
        simulated."""
        columns = np.empty((len(dyads), self.draws, len(self.events)))
        length = float(self.shares.sum())
        for place, p in enumerate(self.events):
            eta = p.base(units=dyads if p.units > 1 else ALL) + p.last_shock[:, None]
            for name, slope in p.slopes:
                eta = eta + slope[:, None] * _of(self.today[name], dyads)
            for edge in p.edges:
                eta = eta + edge.gain[:, None] * _of(edge.felt, dyads)
            columns[:, :, place] = -np.expm1(-length * np.exp(np.minimum(eta, 50.0))).T
        return columns


def _finite(values: Floats) -> Floats:
    """Numbers held to what the simulation can multiply and add."""
    return np.clip(values, -MOST, MOST)


def _of(values: Floats, dyads: NDArray[np.int64]) -> Floats:
    """The columns (draws, dyads) of some dyads, or the one that all share."""
    return values[:, dyads] if values.shape[1] > 1 else values


def plan_simulation(posterior: Posterior, horizon: int, seed: int) -> Plan:
    """Turn a posterior into arrays to simulate from, with today's levels drawn from their priors."""
    case, record, draws = posterior.case, posterior.record, posterior.draws
    today, drift, passed_on, reversion = {}, {}, {}, {}

    def scores(prior: Prior, *purpose: str) -> Floats:
        return np.zeros(draws) if prior.is_fixed else normals(seed, purpose, 0, draws, 1)[:, 0]

    def draw(prior: Prior, *purpose: str) -> Floats:
        return prior.on_link(scores(prior, *purpose))

    for name, indicator in case.indicators.items():
        units = case.dyads if indicator.scope == "dyad" else (case.host,)
        columns, scale = [], indicator.measure
        for unit in units if name not in record.today else ():
            prior = elicit(case.now_of(name, unit), scale.prior_link)
            columns.append(scale.steps_at(prior, scores(prior, "today", name, unit)))
        known = record.today.get(name)
        levels = np.stack(columns, axis=1) if known is None else known
        today[name] = np.broadcast_to(_finite(levels), (draws, len(units)))
        drift[name] = _finite(np.exp(draw(elicit(indicator.drift, LOG), "drift", name)))
        if indicator.reversion is not None:
            reversion[name] = np.exp(draw(elicit(indicator.reversion, LOG), "reversion", name))
        for parent, quantity in indicator.parents.items():
            passed_on[name, parent] = _finite(draw(elicit(quantity, IDENTITY), "passed on", name, parent))
    drift = {name: _finite(own) for name, own in own_drifts(case, drift, passed_on).items()}
    neighbours = Neighbours.of(case.pairs.values())
    raises = tuple(
        _plan_rise(case, name, event, neighbours, draws, draw)
        for name in case.indicators
        for event in case.indicators[name].raises
    )
    events = tuple(_plan_event(posterior, name, neighbours) for name in case.order)
    timeline = record.timeline
    cells = timeline.cells(horizon)
    begun = {name: grid[-1] for name, grid in record.occurred.items()} if cells.split else {}
    years = timeline.years_ahead(horizon)
    beyond = [(edge.source, edge.beyond) for p in events for edge in p.edges if edge.beyond is not None]
    later = max((asked.later for _, asked in beyond), default=0)
    numbered = dict.fromkeys(source for source, asked in beyond if asked.settings.is_numbered)
    return Plan(
        case=case,
        present=record.present,
        events=events,
        today=today,
        drift=drift,
        passed_on=passed_on,
        years=years,
        shares=cells.shares,
        begun=begun,
        horizon=horizon,
        draws=draws,
        seed=seed,
        days=DaysAhead.of(case, timeline, horizon, later),
        raises=raises,
        reversion=reversion,
        tension=_plan_tension(posterior, horizon),
        numbers={name: numbers_of_events(case, record, name) for name in numbered},
    )


def _plan_rise(
    case: Case,
    name: str,
    event: str,
    neighbours: Neighbours,
    draws: int,
    draw: Callable[..., Floats],
) -> Rise:
    rise = case.indicators[name].raises[event]
    steps = _finite(draw(elicit(rise.steps, IDENTITY), "raised", name, event))
    half_life = np.exp(draw(elicit(rise.half_life, LOG), "raised half-life", name, event))
    past, units = past_events(case, event), len(case.units(event))
    start = np.array([moment(case.calendar, case.as_of, 1.0)])
    # One half-life for all draws is worked out once.
    each = half_life[:1] if (half_life == half_life[0]).all() else half_life
    left = np.concatenate([seen_by(case, rise, event, name, left_at(past, units, start, one)) for one in each.tolist()])
    left = np.broadcast_to(left.astype(WORK), (draws, left.shape[1]))
    return Rise(name, event, rise.whose, neighbours, steps, half_life, left)


def _plan_tension(posterior: Posterior, horizon: int) -> TensionAhead | None:
    tension, shared = posterior.case.settings.tension, posterior.shared
    if tension is None or shared is None:
        return None
    periods = posterior.record.timeline.numbers_ahead(calendar_of(tension.period), horizon)
    return TensionAhead(shared.tension[:, -1], shared.persistence, int(shared.periods[-1]), periods)


def _plan_event(posterior: Posterior, name: str, neighbours: Neighbours) -> EventPlan:
    case, drawn, model = posterior.case, posterior.events[name], posterior.models[name]
    effects = case.effects_on(name)
    by_indicator = [effect for effect in effects if not effect.is_escalation]
    by_event = [effect for effect in effects if effect.is_escalation]
    coefficients = drawn.coefficients
    first = 1 + len(by_indicator)
    edges = []
    for column, effect in enumerate(by_event):
        if not (is_plain(effect, case) and model.escalations[column].is_plain):
            gain, same = coefficients[:, first + column], model.escalations[column]
            edges.append(_special_edge(posterior, effect, same, _finite(gain), neighbours))
            continue
        seen = seen_events(effect, case, posterior.record.occurred)[: posterior.record.timeline.complete]
        if effect.whose in ("any", "host"):
            seen = seen[:, :1]
        half_life = drawn.hyper[f"half_life.{effect.memory}"]
        memory = memory_of(case, str(effect.memory))
        edges.append(
            Edge(
                source=effect.source,
                whose=str(effect.whose),
                neighbours=neighbours,
                same_period=effect.acts == "same",
                memory=memory,
                gain=_finite(coefficients[:, first + column] / memory.unit),
                decay=memory.decay(half_life),
                start=_residue(memory, seen, half_life),
            )
        )
    units = len(case.units(name))
    return EventPlan(
        event=name,
        units=units,
        severity=float(case.events[name].severity or 0.0) if case.events[name].is_scored else 0.0,
        implied_by=case.implied_by.get(name, ()),
        intercept=coefficients[:, 0],
        effects=drawn.effects,
        present=posterior.record.present if case.events[name].scope == "dyad" else np.ones(units, dtype=bool),
        slopes=tuple((effect.source, _finite(coefficients[:, 1 + i])) for i, effect in enumerate(by_indicator)),
        edges=tuple(edges),
        last_shock=drawn.shocks[:, -1],
        # Tension has a plan of its own: what event types share is no shock of one.
        sd_time=drawn.hyper.get("sd_time", np.zeros(posterior.draws)),
        persistence=drawn.hyper.get("persistence", np.ones(posterior.draws)),
        last_year=int(model.years[-1]),
        recall=posterior.record.recall[name],
        loading=drawn.hyper.get(LOADING),
    )


def _residue(memory: Memory, seen: Floats, half_life: Floats) -> Floats:
    """What the record leaves of past events, (draws, units); one row for all draws where the half-life is fixed."""
    if (half_life == half_life[0]).all():
        return np.broadcast_to(memory.residue(seen, half_life[:1]).astype(WORK), (len(half_life), seen.shape[1]))
    return memory.residue(seen, half_life).astype(WORK)


def _special_edge(posterior: Posterior, effect: Effect, edge: Escalation, size: Floats, neighbours: Neighbours) -> Edge:
    """An edge whose memory asks for more than whether events happened."""
    case, record, draws = posterior.case, posterior.record, posterior.draws
    memory, settings = memory_of(case, str(effect.memory)), settings_of(effect, case)
    complete, units = record.timeline.complete, len(case.units(effect.target))
    hyper, sight = posterior.events[effect.target].hyper, sight_of(effect, case, record)
    half_life, fade = None, fading(memory, np.ones(1))
    acting = {
        half_life_ratio(one): one.source
        for one in case.half_life_effects_on(effect.target)
        if one.memory == effect.memory
    }
    if edge.fades:
        half_life = hyper[f"half_life.{effect.memory}"]
        fade = fading(memory, half_life, [(hyper[name], levels) for name, levels in edge.stretches])
    quiet = replace(sight, seen=np.zeros_like(sight.seen), answered=None)
    if settings.kind in PER_TIME:
        quiet.seen[:, 1] = sight.seen[:, 1]
    begun = None if record.timeline.ends_period else begun_of(effect, case, record)

    def left(what: Sight) -> Floats:
        if settings.kind == COUNT and half_life is not None and not edge.stretches:
            return count_left(what, half_life, complete).astype(WORK)
        state = follow(memory, what, fade, edge.same_period, complete, kept=False)[1]
        return np.broadcast_to(state, (*state.shape[:-2], draws, units)).astype(WORK)

    start, without = left(sight), left(quiet)
    if effect.spent and begun is not None:
        start[..., begun.answered] = memory.first
    severity = float(case.events[effect.source].severity or 0.0)
    return Edge(
        source=effect.source,
        whose=str(effect.whose),
        neighbours=neighbours,
        same_period=edge.same_period,
        memory=memory,
        gain=_finite(size / memory.unit),
        decay=np.ones(draws) if half_life is None else memory.decay(half_life),
        start=start,
        beyond=Beyond(
            target=effect.target if effect.spent else "",
            settings=settings,
            weight=severity / 100.0 if settings.weight == "severity" else 1.0,
            later=0 if settings.days is None else periods_reached(case, settings.days),
            without=without,
            begun=begun,
            half_life=half_life,
            stretches=tuple((name, np.log(hyper[ratio])) for ratio, name in acting.items()),
        ),
    )
