"""The model's mathematics: one complementary-log-log regression per event type, in standardised coordinates.

The model is written in coordinates that are standard normal a priori: z for coefficients, e for year shocks, xi for
hyper-parameters, d for dyad effects. With coefficients c = middle + spread * u(z), hyper-parameters exp or logistic of
middle + spread * u(xi), where u(z) = z + skew * (sqrt(z^2 + k^2) - k) gives every prior its elicited quantiles, year
shocks b = F(sd_time, rho) e and dyad effects a = sd_dyad * d,

    eta[i] = X[i] c + b[year(i)] + a[unit(i)],      P(event in row i) = 1 - exp(-exposure[i] exp(eta[i])).

Where a case has tension, its periods stand in place of years, and b = loading * g - loading^2 / 2 with one g for all
event types (`riskcast.engines.shared`). Trust multiplies the coefficients of indicators: what is stated times trust is
what acts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from riskcast.case.links import LOG, LOGIT
from riskcast.case.model import Case, Effect
from riskcast.case.periods import calendar_of
from riskcast.case.quantities import Prior, elicit, stretch
from riskcast.case.settings import COUNT, MEMORY_KINDS, TIMELESS
from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.digests import SILENT_AT
from riskcast.names import BASE_RATE
from riskcast.record.arrays import Record
from riskcast.record.memory import Memory, Sight, seen_events
from riskcast.record.sights import is_plain, sight_of

LOADING = "loading"
LOG_2PI = math.log(2.0 * math.pi)
# A rate below the smallest is told by its logarithm; a log rate above the largest is an event for certain.
SMALLEST_RATE = 1e-300
LARGEST_LOG_RATE = 700.0
# Hyper-parameters are held within these: a spread of 1e30 has no end, one of 1e-100 is none. Their squares are numbers
# still, and they have a place in the single precision of the simulation.
SMALLEST_HYPER, LARGEST_HYPER = 1e-100, 1e30
LARGEST_SHARE = 1.0 - 2.0**-53
HALF_LIFE_RATIO = "half_life_ratio"
# A half-life at which all that ever happened is remembered.
ENDLESS = 1e6


@dataclass(frozen=True)
class Escalation:
    """A memory column of the regression: what each unit sees of past events, and how it fades.

    `memory` is the name of the memory in the case, `kind` what it does; `seen` (periods, units) whether there are
    events; `sight` all that the edge sees, where that is more; `stretches` what acts on its half-life: names of
    hyper-parameters, with levels (periods, units) in steps.
    """

    seen: Floats
    memory: str
    same_period: bool
    kind: str = field(default=COUNT, metadata={SILENT_AT: COUNT})
    sight: Sight | None = field(default=None, metadata={SILENT_AT: None})
    stretches: tuple[tuple[str, Floats], ...] = field(default=(), metadata={SILENT_AT: ()})

    @property
    def is_plain(self) -> bool:
        """Whether it is told by `seen` and one half-life."""
        return self.sight is None and not self.stretches

    @property
    def fades(self) -> bool:
        """Whether it has a half-life."""
        return self.kind not in TIMELESS

    @property
    def recall(self) -> Memory:
        """What the memory does."""
        return MEMORY_KINDS.get(self.kind)

    @cached_property
    def timeless(self) -> Floats:
        """The column of a memory without a half-life, which is the same at all hyper-parameters: (periods, units)."""
        return self.recall.columns_of(self.sight or Sight(self.seen), 1.0, self.same_period)


@dataclass(frozen=True)
class Rows:
    """Unit-periods at risk, sorted by unit and period; event-free neighbours with equal covariates are pooled.

    unit, period, year: (rows,) indices; exposure: (rows,) periods pooled into the row, or the part of one that it is,
    times the share of what happened that is recorded; x: (rows, 1 + indicators) ones and indicator steps.
    """

    unit: Ints
    period: Ints
    year: Ints
    exposure: Floats
    x: Floats

    def take(self, index: slice | Ints | NDArray[np.bool_]) -> Rows:
        """Some of the rows; a slice of them is a view."""
        return Rows(self.unit[index], self.period[index], self.year[index], self.exposure[index], self.x[index])

    def join(self, other: Rows) -> Rows:
        """These rows, then others."""
        pairs = ((getattr(self, item.name), getattr(other, item.name)) for item in fields(self))
        return Rows(*(np.concatenate(pair) for pair in pairs))

    def __len__(self) -> int:
        return len(self.unit)


@dataclass(frozen=True)
class EventModel:
    """The regression of one event type: priors, rows without and with the event, and what escalates it.

    coefficients: ids in order (base rate, indicator edges, escalation edges); middle, spread, skew: (coefficients,) of
    their priors, the first two on the link; hyper: priors of half-lives, sd_dyad, sd_time and persistence by name;
    years: calendar years with rows. With tension, hyper has its loading in place of the last two, and years are the
    numbers of all its periods; g: the tension, (periods,), at which the event type is looked at, None while it is open.
    """

    event: str
    units: tuple[str, ...]
    coefficients: tuple[str, ...]
    middle: Floats
    spread: Floats
    hyper: Mapping[str, Prior]
    years: Ints
    free: Rows
    hits: Rows
    escalations: tuple[Escalation, ...]
    has_dyad_effects: bool
    skew: Floats = field(metadata={SILENT_AT: 0.0})
    g: Floats | None = field(default=None, metadata={SILENT_AT: None})

    @property
    def has_tension(self) -> bool:
        """Whether tension stands in place of year shocks."""
        return LOADING in self.hyper

    def held(self, g: Floats | None, trust: float = 1.0) -> EventModel:
        """The event type at one tension and one trust, which moves into the priors of indicators' effects."""
        acting = np.ones(len(self.middle))
        acting[1 : self.indicators] = trust
        return replace(self, g=g, middle=self.middle * acting, spread=self.spread * acting)

    def natural(self, z: Floats) -> Floats:
        """Coefficients on the link at standardised ones: (..., coefficients)."""
        return self.middle + self.spread * stretch(z, self.skew)[0]

    @property
    def indicators(self) -> int:
        """Number of columns that do not depend on half-lives: the constant and the indicator edges."""
        return self.free.x.shape[1]

    @cached_property
    def rows(self) -> Rows:
        """Rows without the event, then those with it."""
        return self.free.join(self.hits)

    @property
    def memories(self) -> tuple[str, ...]:
        """Names of the memories that the escalation edges use."""
        return tuple(dict.fromkeys(edge.memory for edge in self.escalations))

    @property
    def free_hyper(self) -> tuple[str, ...]:
        """Hyper-parameters that are not fixed."""
        return tuple(name for name, prior in self.hyper.items() if not prior.is_fixed)


def build_event_model(case: Case, record: Record, event: str, *, pooled: bool = True) -> EventModel:
    """The regression of one event type from a case and its record; `pooled` joins event-free rows that are alike."""
    edges = case.effects_on(event)
    by_indicator = [edge for edge in edges if not edge.is_escalation]
    by_event = [edge for edge in edges if edge.is_escalation]
    priors = [case.base_rate_prior(event)] + [elicit(edge.rate_ratio, LOG) for edge in by_indicator + by_event]
    memories = dict.fromkeys(
        edge.memory for edge in by_event if edge.memory and case.settings.memories[edge.memory].fades
    )
    hyper = {f"half_life.{name}": elicit(case.half_life(event, name), LOG) for name in memories}
    hyper |= {half_life_ratio(edge): elicit(edge.rate_ratio, LOG) for edge in case.half_life_effects_on(event)}
    has_dyad_effects = case.events[event].scope == "dyad" and case.sd_dyad(event).center > 0
    if has_dyad_effects:
        hyper["sd_dyad"] = elicit(case.sd_dyad(event), LOG)
    loading = case.loading(event)
    if loading is None:
        hyper["sd_time"] = elicit(case.sd_time(event), LOG)
        hyper["persistence"] = elicit(case.settings.hyperpriors.persistence, LOGIT)
    else:
        hyper[LOADING] = elicit(loading, LOG)

    escalations = build_escalations(case, record, event)
    rows, happened, years = _rows_at_risk(case, record, event)
    if pooled:
        rows, happened = _pool(rows, happened, _touched(escalations, rows))
    model = EventModel(
        event=event,
        units=case.units(event),
        coefficients=(BASE_RATE, *(edge.id for edge in by_indicator), *(edge.id for edge in by_event)),
        middle=np.array([prior.middle for prior in priors]),
        spread=np.array([prior.spread for prior in priors]),
        skew=np.array([prior.skew for prior in priors]),
        hyper=hyper,
        years=years,
        free=rows.take(~happened),
        hits=rows.take(happened),
        escalations=escalations,
        has_dyad_effects=has_dyad_effects,
    )
    trust = case.settings.trust
    return model.held(None, trust.center) if trust.is_fixed and trust.center != 1.0 else model


def build_escalations(case: Case, record: Record, event: str) -> tuple[Escalation, ...]:
    """What the edges from events to an event type see of a record, in the order of its coefficients."""
    return tuple(build_escalation(case, record, edge) for edge in case.effects_on(event) if edge.is_escalation)


def build_escalation(case: Case, record: Record, edge: Effect) -> Escalation:
    """What one edge from an event sees of a record."""
    shape = record.occurred[edge.target].shape
    return Escalation(
        seen_events(edge, case, record.occurred),
        str(edge.memory),
        edge.acts == "same",
        case.settings.memories[str(edge.memory)].kind,
        None if is_plain(edge, case) else sight_of(edge, case, record),
        tuple(
            (half_life_ratio(one), np.broadcast_to(record.levels[one.source], shape))
            for one in case.half_life_effects_on(edge.target)
            if one.memory == edge.memory
        ),
    )


def tension_periods(case: Case, record: Record) -> Ints | None:
    """The number of the tension's period of every period of the record; None where the case has no tension."""
    tension = case.settings.tension
    return None if tension is None else record.timeline.numbers(calendar_of(tension.period))


def half_life_ratio(effect: Effect) -> str:
    """The name of the hyper-parameter that is an edge's ratio of half-lives."""
    return ".".join(part for part in (HALF_LIFE_RATIO, str(effect.memory), effect.source, effect.path or "") if part)


def model_since(model: EventModel, case: Case, record: Record, first: int) -> EventModel:
    """An event type with the rows of a record from one period on, none of them pooled."""
    rows, happened, _ = _rows_at_risk(case, record, model.event)
    new = rows.period >= first
    return replace(model, free=rows.take(new & ~happened), hits=rows.take(new & happened))


def _rows_at_risk(case: Case, record: Record, event: str) -> tuple[Rows, NDArray[np.bool_], Ints]:
    shape, shared = record.occurred[event].shape, tension_periods(case, record)
    levels = [record.levels[edge.source] for edge in case.effects_on(event) if not edge.is_escalation]
    columns: list[Floats] = [np.ones(shape), *(np.broadcast_to(own, shape) for own in levels)]
    unit, period = np.nonzero(record.at_risk[event].T)
    if shared is None:
        # With no row at all, such as when the only dyad is left out, the horizon still follows on some year's shock.
        years, year = np.unique(record.years[period] if len(period) else record.years[-1:], return_inverse=True)
    else:
        years, year = np.arange(shared[0], shared[-1] + 1), shared[period] - shared[0]
    x = np.stack([column[period, unit] for column in columns], axis=1)
    happened = record.counted[event][period, unit]
    return (
        Rows(unit, period, year[: len(period)].astype(np.int64), record.exposure[event][period, unit], x),
        happened,
        years,
    )


def _touched(escalations: tuple[Escalation, ...], rows: Rows) -> NDArray[np.bool_]:
    """Rows whose memory of some past event is not zero; their covariates differ from their neighbours'."""
    touched = np.zeros(len(rows), dtype=bool)
    for edge in escalations:
        if edge.sight is not None:
            # Whether a memory is zero does not depend on how fast it fades, but for underflow.
            lasting: dict[str, Floats] = {name: np.array(1.0) for name, _ in edge.stretches}
            lasting[f"half_life.{edge.memory}"] = np.array(ENDLESS)
            touched |= edge_columns(edge, lasting)[rows.period, rows.unit] != 0.0
            continue
        seen = np.maximum.accumulate(edge.seen > 0, axis=0)
        if not edge.same_period:
            seen = np.concatenate([np.zeros_like(seen[:1]), seen[:-1]])
        touched |= seen[rows.period, rows.unit]
    return touched


def _pool(rows: Rows, happened: NDArray[np.bool_], touched: NDArray[np.bool_]) -> tuple[Rows, NDArray[np.bool_]]:
    """Join neighbouring event-free rows that have the same unit, year and covariates: -n * rate is exact."""
    plain = ~(happened | touched)
    joins = np.zeros(len(rows), dtype=bool)
    joins[1:] = (
        plain[1:]
        & plain[:-1]
        & (rows.unit[1:] == rows.unit[:-1])
        & (rows.year[1:] == rows.year[:-1])
        & (rows.x[1:] == rows.x[:-1]).all(axis=1)
    )
    first = np.flatnonzero(~joins)
    if len(first) == len(rows) or len(rows) == 0:
        return rows, happened
    pooled = rows.take(first)
    exposure = np.add.reduceat(rows.exposure, first)
    return Rows(pooled.unit, pooled.period, pooled.year, exposure, pooled.x), happened[first]


def natural_hyper(model: EventModel, xi: Mapping[str, float | Floats]) -> dict[str, Floats]:
    """Hyper-parameters in their natural units at standardised values; those left out stand at their median."""
    with np.errstate(over="ignore"):
        return {name: _held(prior.quantile(xi.get(name, 0.0)), prior) for name, prior in model.hyper.items()}


def _held(value: Floats, prior: Prior) -> Floats:
    """A hyper-parameter within what the mathematics can take; one that is fixed at 0 stays there."""
    if math.isinf(prior.mean):
        return value
    return np.clip(value, SMALLEST_HYPER, LARGEST_SHARE if prior.link == LOGIT else LARGEST_HYPER)


def memory_columns(model: EventModel, rows: Rows, hyper: Mapping[str, Floats]) -> Floats:
    """Memories of past events in each row: (rows, escalations), or S + (rows, escalations) for half-lives shaped S."""
    fading_by = [f"half_life.{edge.memory}" for edge in model.escalations if edge.fades]
    fading_by += [name for edge in model.escalations for name, _ in edge.stretches]
    shape = np.broadcast_shapes(*(np.shape(hyper[name]) for name in fading_by))
    out = np.zeros((*shape, len(rows), len(model.escalations)))
    for place, edge in enumerate(model.escalations):
        if not edge.is_plain:
            out[..., place] = edge_columns(edge, hyper)[..., rows.period, rows.unit]
    plain = [(i, edge) for i, edge in enumerate(model.escalations) if edge.is_plain]
    for memory, same_period in dict.fromkeys((edge.memory, edge.same_period) for _, edge in plain):
        alike = [i for i, edge in plain if (edge.memory, edge.same_period) == (memory, same_period)]
        seen = np.stack([model.escalations[i].seen for i in alike], axis=1)
        recall = model.escalations[alike[0]].recall
        memories = recall.columns(seen, hyper[f"half_life.{memory}"], same_period)
        for place, column in enumerate(alike):
            out[..., column] = memories[..., rows.period, place, rows.unit]
    return out


def edge_columns(edge: Escalation, hyper: Mapping[str, Floats]) -> Floats:
    """A memory of past events in every period: S + (periods, units), for hyper-parameters shaped S."""
    if not edge.fades:
        return edge.timeless
    half_life = hyper[f"half_life.{edge.memory}"]
    stretches = [(np.asarray(hyper[name]), levels) for name, levels in edge.stretches]
    return edge.recall.columns_of(edge.sight or Sight(edge.seen), half_life, edge.same_period, stretches)


def year_factor(years: Ints, sd_time: float | Floats, rho: float | Floats) -> Floats:
    """Lower-triangular F with b = F e, e standard normal, for year shocks b.

    b is a stationary AR(1) sampled at the given calendar years: cov(b[s], b[t]) = sd_time^2 rho^|s - t|, also across
    years that the record lacks. Shapes: sd_time, rho (S...); returns (S..., years, years).

    >>> factor = year_factor(np.array([2000, 2001, 2003]), 2.0, 0.5)
    >>> (factor @ factor.T).round(6).tolist()
    [[4.0, 2.0, 0.5], [2.0, 4.0, 1.0], [0.5, 1.0, 4.0]]
    """
    rho = np.asarray(rho, dtype=float)
    factor = np.zeros((*rho.shape, len(years), len(years)))
    for t in range(len(years)):
        if t == 0:
            factor[..., 0, 0] = 1.0
            continue
        kept = rho ** float(years[t] - years[t - 1])
        factor[..., t, :t] = kept[..., None] * factor[..., t - 1, :t]
        factor[..., t, t] = np.sqrt(1.0 - kept**2)
    return factor * np.asarray(sd_time, dtype=float)[..., None, None]


def log_event(rate: Floats, log_rate: Callable[[], Floats] | None = None) -> Floats:
    """Log probability of at least one event at a rate: log(1 - exp(-rate)); exact for tiny and for large rates.

    `log_rate` gives the logarithms of the rates, for those that are too small to be written as numbers.

    >>> log_event(np.array([0.0, 1.0]), lambda: np.array([-2000.0, 0.0])).round(3).tolist()
    [-2000.0, -0.459]
    """
    known = np.maximum(rate, SMALLEST_RATE)
    with np.errstate(divide="ignore"):
        out = np.where(known < 0.7, np.log(-np.expm1(-known)), np.log1p(-np.exp(-known)))
    if log_rate is not None and (lost := rate < SMALLEST_RATE).any():
        out[lost] = _log_event_at(log_rate()[lost])
    return out


def _log_event_at(log_rate: Floats) -> Floats:
    """Log probability of at least one event at a log rate, however low: log(1 - exp(-exp(eta))) is eta to 16 digits
    where eta is below -40."""
    return np.where(log_rate < -40.0, log_rate, log_event(bounded_rate(log_rate)))


def bounded_rate(log_rate: Floats) -> Floats:
    """exp(eta) for the rate of a row with an event: 0 where it is too small to be exact, and finite where it is large.

    >>> bounded_rate(np.array([-2000.0, 0.0, 2000.0])).tolist()
    [0.0, 1.0, 1.0142320547350045e+304]
    """
    with np.errstate(under="ignore"):
        rate = np.exp(np.minimum(log_rate, LARGEST_LOG_RATE))
    rate[rate < SMALLEST_RATE] = 0.0
    return rate


def event_slopes(rate: Floats) -> tuple[Floats, Floats]:
    """First and second derivative of `log_event` by the log rate: r = rate / (exp(rate) - 1) and r (1 - rate - r)."""
    rate = np.clip(rate, SMALLEST_RATE, LARGEST_LOG_RATE)
    slope = rate / np.expm1(rate)
    return slope, slope * (1.0 - rate - slope)


def log_posterior(model: EventModel, z: Floats, e: Floats, d: Floats, xi: Mapping[str, float]) -> float:
    """Log of the joint posterior density in standardised coordinates, with all constants of the priors.

    sum over rows of [event] log(1 - exp(-exposure * exp(eta))) - [no event] exposure * exp(eta), plus a standard
    normal log density for every coordinate. Shapes: z (coefficients,), e (years,), d (units,) or empty for a host's
    event, xi by name for the hyper-parameters that are not fixed. With tension, which the event type must be held at, e
    is empty: it is no part of one event type.
    """
    hyper = natural_hyper(model, xi)
    if model.g is not None:
        shocks = tension_shocks(model.g, hyper[LOADING])
    else:
        shocks = year_factor(model.years, hyper["sd_time"], hyper["persistence"]) @ e
    coordinates = np.concatenate([z, e, d, [xi[name] for name in model.free_hyper]])
    return log_likelihood(model, model.natural(z), shocks, d, hyper) + log_normal(coordinates)


def log_normal(coordinates: Floats) -> float:
    """Log density of so many independent standard normal coordinates."""
    return float(-0.5 * (coordinates @ coordinates) - 0.5 * LOG_2PI * len(coordinates))


def tension_shocks(g: Floats, loading: float | Floats) -> Floats:
    """What tension adds to log rates: loading * g - loading^2 / 2, whose exponential is 1 on average.

    Shapes: g (..., periods), loading (...).

    >>> tension_shocks(np.array([0.0, 2.0]), 0.5).tolist()
    [-0.125, 0.875]
    """
    loading = np.asarray(loading, dtype=float)[..., None]
    return loading * g - 0.5 * loading**2


def log_likelihood(
    model: EventModel, coefficients: Floats, shocks: Floats, d: Floats, hyper: Mapping[str, Floats]
) -> float:
    """Log probability of an event type's record at natural parameters: coefficients on the link, shocks (years,)."""
    effects = hyper["sd_dyad"] * d if model.has_dyad_effects else np.zeros(len(model.units))

    def eta(rows: Rows) -> Floats:
        x = np.concatenate([rows.x, memory_columns(model, rows, hyper)], axis=1)
        return x @ coefficients + shocks[rows.year] + effects[rows.unit]

    with np.errstate(over="ignore", invalid="ignore"):
        hits = eta(model.hits) + np.log(model.hits.exposure)
        likelihood = log_event(bounded_rate(hits), lambda: hits).sum()
        likelihood -= (model.free.exposure * np.exp(eta(model.free))).sum()
    return float(likelihood)
