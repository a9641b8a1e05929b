"""Posterior -> plan: all that the simulation of the horizon starts from, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.links import IDENTITY, LOG
from riskcast.case.model import Case
from riskcast.case.moves import indicator_order, own_drifts
from riskcast.case.periods import calendar_of
from riskcast.case.quantities import Prior, elicit
from riskcast.case.quantity_ids import DRIFT, PASSED_ON, REVERSION, RISE, RISE_HALF_LIFE, Kind
from riskcast.case.raises import left_at, moment, past_events, seen_by
from riskcast.engines.hazard import LOADING
from riskcast.engines.mixing import part_of
from riskcast.engines.mixtures import mix_records
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.days_ahead import DaysAhead
from riskcast.forecasting.derived_ahead import DerivedPlan, plan_derived
from riskcast.forecasting.drawn_ahead import ahead_scores, today_scores
from riskcast.forecasting.edge_plans import Edge, plan_edges
from riskcast.forecasting.work_arrays import WORK, finite
from riskcast.machinery.array_types import Bools, Floats, Ints
from riskcast.record.arrays import Record
from riskcast.record.memory import Neighbours
from riskcast.record.sights import numbers_of_events

ALL = slice(None)


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
        effects = self.effects[draws] if units is ALL else self.effects[draws][:, units]
        log_rates = (self.intercept[draws, None] + effects).astype(WORK)
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
    are Poisson; derived: where derived columns go on from, None where the case has none.
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
    derived: DerivedPlan | None = None

    @property
    def cells(self) -> int:
        """How many cells the horizon has."""
        return len(self.shares)

    @cached_property
    def drifting(self) -> frozenset[str]:
        """Indicators that leave today's level by drift or return: their own, a parent's, or that of what they take."""
        found = {name for name, drift in self.drift.items() if drift.any()} | set(self.reversion)
        for name in indicator_order(self.case):
            passed = (p for p in self.case.indicators[name].parents if self.passed_on[name, p].any())
            if not found.isdisjoint(passed):
                found.add(name)
        return frozenset(found) | (frozenset() if self.derived is None else self.derived.moved_by(frozenset(found)))

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


def _of(values: Floats, dyads: NDArray[np.int64]) -> Floats:
    """The columns (draws, dyads) of some dyads, or the one that all share."""
    return values[:, dyads] if values.shape[1] > 1 else values


def plan_simulation(posterior: Posterior, horizon: int, seed: int) -> Plan:
    """Turn a posterior into arrays to simulate from, with today's levels drawn from their priors, or each from
    those of its expert."""
    mixture = posterior.mixture
    if mixture is not None:
        plans = [plan_simulation(part_of(posterior, place), horizon, seed) for place in range(len(mixture.parts))]
        return replace(mix_records(plans, mixture.whose, "plan"), case=posterior.case)
    case, record, draws = posterior.case, posterior.record, posterior.draws
    today, drift, passed_on, reversion = {}, {}, {}, {}

    def draw(prior: Prior, kind: Kind, *names: str) -> Floats:
        return prior.on_link(ahead_scores(prior, draws, seed, kind, *names))

    for name, indicator in case.indicators.items():
        today[name] = draw_today(case, record, name, draws, seed)
        drift[name] = finite(np.exp(draw(elicit(indicator.drift, LOG), DRIFT, name)))
        if indicator.reversion is not None:
            reversion[name] = np.exp(draw(elicit(indicator.reversion, LOG), REVERSION, name))
        for parent, quantity in indicator.parents.items():
            passed_on[name, parent] = finite(draw(elicit(quantity, IDENTITY), PASSED_ON, name, parent))
    drift = {name: finite(own) for name, own in own_drifts(case, drift, passed_on).items()}
    neighbours = Neighbours.of(case.pairs.values())
    raises = tuple(
        plan_rise(case, name, event, neighbours, draws, seed)
        for name in case.indicators
        for event in case.indicators[name].raises
    )
    events = tuple(plan_event(posterior, name, neighbours) for name in case.order)
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
        derived=plan_derived(case),
    )


def draw_today(case: Case, record: Record, name: str, draws: int, seed: int) -> Floats:
    """Today's level of an indicator, drawn from its prior or as a panel holds it, in steps: (draws, units)."""
    indicator = case.indicators[name]
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    columns, scale = [], indicator.measure
    for unit in units if name not in record.today else ():
        prior = elicit(case.now_of(name, unit), scale.prior_link)
        columns.append(scale.steps_at(prior, today_scores(prior, draws, seed, name, unit)))
    known = record.today.get(name)
    levels = np.stack(columns, axis=1) if known is None else known
    return np.broadcast_to(finite(levels), (draws, len(units)))


def plan_rise(case: Case, name: str, event: str, neighbours: Neighbours, draws: int, seed: int) -> Rise:
    """What events of a type do to an indicator, and what those of the record leave of it."""
    rise = case.indicators[name].raises[event]
    size, half = elicit(rise.steps, IDENTITY), elicit(rise.half_life, LOG)
    steps = finite(size.on_link(ahead_scores(size, draws, seed, RISE, name, event)))
    half_life = np.exp(half.on_link(ahead_scores(half, draws, seed, RISE_HALF_LIFE, name, event)))
    past, units = past_events(case, event), len(case.units(event))
    start = np.array([moment(case.calendar, case.as_of, 1.0)])
    # One half-life for all draws is worked out once.
    each = half_life[:1] if (half_life == half_life[0]).all() else half_life
    left = seen_by(case, rise, event, name, left_at(past, units, np.repeat(start, len(each)), each[:, None]))
    left = np.broadcast_to(left.astype(WORK), (draws, left.shape[1]))
    return Rise(name, event, rise.whose, neighbours, steps, half_life, left)


def _plan_tension(posterior: Posterior, horizon: int) -> TensionAhead | None:
    tension, shared = posterior.case.settings.tension, posterior.shared
    if tension is None or shared is None:
        return None
    periods = posterior.record.timeline.numbers_ahead(calendar_of(tension.period), horizon)
    return TensionAhead(shared.tension[:, -1], shared.persistence, int(shared.periods[-1]), periods)


def plan_event(posterior: Posterior, name: str, neighbours: Neighbours) -> EventPlan:
    """One event type of a posterior, ready to simulate."""
    case, drawn, model = posterior.case, posterior.events[name], posterior.models[name]
    by_indicator = [effect for effect in case.effects_on(name) if not effect.is_escalation]
    coefficients = drawn.coefficients
    units = len(case.units(name))
    return EventPlan(
        event=name,
        units=units,
        severity=float(case.events[name].severity or 0.0) if case.events[name].is_scored else 0.0,
        implied_by=case.implied_by.get(name, ()),
        intercept=coefficients[:, 0],
        effects=drawn.effects,
        present=posterior.record.present if case.events[name].scope == "dyad" else np.ones(units, dtype=bool),
        slopes=tuple((effect.source, finite(coefficients[:, 1 + i])) for i, effect in enumerate(by_indicator)),
        edges=plan_edges(posterior, name, neighbours),
        last_shock=drawn.shocks[:, -1],
        # Tension has a plan of its own: what event types share is no shock of one.
        sd_time=drawn.hyper.get("sd_time", np.zeros(posterior.draws)),
        persistence=drawn.hyper.get("persistence", np.ones(posterior.draws)),
        last_year=int(model.years[-1]),
        recall=posterior.record.recall[name],
        loading=drawn.hyper.get(LOADING),
    )
