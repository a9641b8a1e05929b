"""What acts now: effects with the size that they have today, today's levels, base rates, and what the record moved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from riskcast.case.links import LOG, base_rate_link
from riskcast.case.model import HALF_LIFE_PATH, Case, Effect
from riskcast.case.quantity_ids import BASE_RATE, QuantityId
from riskcast.engines.hazard import LARGEST_LOG_RATE, half_life_ratio
from riskcast.engines.posterior import Posterior
from riskcast.errors import UnknownNameError
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.mixed_priors import believed
from riskcast.machinery.array_types import Floats
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import factor_text, plain_number, signed

if TYPE_CHECKING:
    import pandas

Verdict = Literal["fixed", "hardly", "narrowed", "raised", "lowered"]

UNMOVED = 0.3
MUCH = 1.0
STILL_AS_WIDE = 0.85
NINETY = (0.05, 0.95)
MOST_SHOWN = 60


@dataclass(frozen=True)
class Quantiles:
    """A median with the ends of its 90 % interval."""

    median: float
    low: float
    high: float

    def __iter__(self) -> Iterator[float]:
        return iter((self.median, self.low, self.high))


@dataclass(frozen=True)
class Moved:
    """How the record moved a prior on its link scale.

    shift: (mean after - mean before) / standard deviation before; width: standard deviation after / before. `verdict`:
    fixed (there was nothing to learn), raised or lowered (|shift| of 0.3 or more), narrowed (not shifted, but width
    below 0.85), else hardly.
    """

    shift: float
    width: float
    verdict: Verdict

    @property
    def is_much(self) -> bool:
        """Whether it is shifted by a standard deviation of the prior or more."""
        return abs(self.shift) >= MUCH


def moved_by_record(mean: float, sd: float, mean_after: float, sd_after: float) -> Moved:
    """How a prior and what became of it differ; means and standard deviations on the link scale.

    >>> moved_by_record(0.0, 0.5, 0.6, 0.3)
    Moved(shift=1.2, width=0.6, verdict='raised')
    """
    if sd == 0.0:
        return Moved(0.0, 1.0, "fixed")
    shift, width = (mean_after - mean) / sd, sd_after / sd
    if abs(shift) >= UNMOVED:
        return Moved(shift, width, "raised" if shift > 0 else "lowered")
    return Moved(shift, width, "hardly" if sd_after > STILL_AS_WIDE * sd else "narrowed")


@dataclass(frozen=True)
class ActingEffect:
    """An effect on an event type in one unit, with the size that it has today.

    key: id of its rate ratio, as overlays write it; source and target with their labels; unit: the dyad, or the host;
    is_event: whether its source is an event type; steps: today's level in steps from its reference, or the memory of
    past events (1: one fresh event); now: the factor that it puts on the rate today; prior, posterior: the rate ratio
    for one step or one fresh event, as it is stated; acting: as it acts, which is posterior to the power of trust for
    an indicator, else the same; moved: what the record did to it; on: whether it acts on the rate, or on a
    half-life, of which all factors and ratios are then.
    """

    key: str
    source: str
    source_label: str
    target: str
    target_label: str
    unit: str
    path: str
    rationale: str
    is_event: bool
    steps: float
    now: Quantiles
    prior: Quantiles
    posterior: Quantiles
    acting: Quantiles
    moved: Moved
    on: Literal["rate", "half_life"] = "rate"


@dataclass(frozen=True)
class Acting:
    """The effects that act today, those that change a rate most first, then those on half-lives; `origin`: what they
    come from, in a sentence."""

    unit: str | None
    effects: tuple[ActingEffect, ...]
    origin: str = ""
    warning: str = ""

    def __iter__(self) -> Iterator[ActingEffect]:
        return iter(self.effects)

    def __len__(self) -> int:
        return len(self.effects)

    def of(self, source: str) -> tuple[ActingEffect, ...]:
        """The effects that start from one indicator or event type."""
        return tuple(effect for effect in self.effects if effect.source == source)

    def on(self, event: str) -> tuple[ActingEffect, ...]:
        """The effects on one event type."""
        return tuple(effect for effect in self.effects if effect.target == event)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each effect and unit: steps, the factor now, prior and posterior rate ratio and that which acts
        with their 90 % intervals, and what the record did."""
        import pandas

        columns = ["unit", "event", "source", "path", "steps"]
        columns += [f"{name}{end}" for name in ("now", "prior", "posterior", "acting") for end in ("", "_low", "_high")]
        rows = [
            (e.unit, e.target, e.source, e.path, e.steps, *e.now, *e.prior, *e.posterior, *e.acting, e.moved.verdict)
            for e in self.effects
        ]
        return pandas.DataFrame(rows, columns=[*columns, "moved"])

    def __repr__(self) -> str:
        whom = "all units" if self.unit is None else self.unit
        return f"<Acting: {len(self.effects):,} effects now in {whom}. {self.origin}>"

    def _repr_html_(self) -> str:
        rows = (
            (e.target_label, e.source_label, e.unit, signed(e.steps, 2), *map(_told, (e.now, e.prior, e.posterior)))
            for e in self.effects
        )
        header = ("acts on", "driver", "unit", "steps", "factor now (90 %)", "believed", "after the record")
        columns = tuple(Column(name, form="text" if place < 3 else "figure") for place, name in enumerate(header))
        note = (
            "Factor now: rate ratio ^ steps. Believed, after the record: rate ratio for one step or one fresh event. "
        )
        return to_html(
            Table("What acts now", columns, list(rows), note=note + self.origin, warning=self.warning), MOST_SHOWN
        )


def acting(forecast: Forecast, unit: str | None = None, event: str | None = None) -> Acting:
    """The effects that act today on event types of a dyad: those that change a rate most first, on half-lives last.

    For each effect, factor now = exp(beta * m): beta the log rate ratio; m today's level in steps from its reference,
    or the memory of past events. Its median is taken as exp(mean beta * mean m), as the prior holds the two
    apart; the 90 % interval is that of beta * m over the draws.

    `unit`: a dyad, with what its host's event types meet, or the host; all units where None. `event`: one event type;
    all where None. A scenario changes nothing here: it starts after today. Raises UnknownNameError for a unit that is
    not forecast or an event type that the case does not have.

    >>> import riskcast
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> now = acting(riskcast.forecast(posterior), "RUS-TJK", "mass_expulsion")
    >>> now.effects[0].source, now.effects[0].is_event
    ('security_pressure', False)
    """
    case = forecast.case
    if unit is not None and unit not in (*forecast.dyads, case.host):
        raise UnknownNameError("dyad at the start of the horizon", unit, (*forecast.dyads, case.host))
    _check_event(forecast, event)
    found: dict[str, list[ActingEffect]] = {}
    for name in (event,) if event is not None else case.events:
        units = forecast.units(name)
        if unit is not None and case.events[name].scope == "dyad":
            units = (unit,) if unit in forecast.dyads else ()
        for effect in _effects_on(forecast, name, units) if units else ():
            found.setdefault(effect.unit if unit is None else "", []).append(effect)
    place = {f"effects.{effect.id}": number for number, effect in enumerate(case.effects)}
    by_size = [
        sorted(own, key=lambda one: (one.on != "rate", -abs(math.log(one.now.median)), place[one.key]))
        for own in found.values()
    ]
    posterior = forecast.posterior
    return Acting(unit, tuple(effect for own in by_size for effect in own), posterior.origin, posterior.warning)


def _factor(log_factor: ArrayLike) -> Floats:
    """exp, held to what is a number and has a logarithm: no factor is 0, and none infinite."""
    return np.exp(np.clip(log_factor, -LARGEST_LOG_RATE, LARGEST_LOG_RATE))


def _effects_on(forecast: Forecast, event: str, units: Sequence[str]) -> Iterator[ActingEffect]:
    """The effects on an event type in some of its units, effect by effect."""
    case, plan = forecast.case, next(plan for plan in forecast.plan.events if plan.event == event)
    model, drawn = forecast.posterior.models[event], forecast.posterior.events[event]
    effects = (*case.effects_on(event), *case.half_life_effects_on(event))
    memories = dict(zip([effect.id for effect in effects if effect.is_escalation], plan.edges, strict=True))
    place = {unit: number for number, unit in enumerate(case.units(event))}
    columns = [place[unit] for unit in units]
    for effect in effects:
        prior, left = believed(forecast.posterior, effect.quantity_id, effect.rate_ratio, LOG), memories.get(effect.id)
        size = (
            drawn.coefficients[:, model.coefficients.index(effect.id)]
            if effect.on == "rate"
            else np.log(drawn.hyper[half_life_ratio(effect)])
        )
        steps = (
            _of_units(forecast.plan.today[effect.source], columns)
            if left is None
            else _of_units(left.memory.value(left.memory.ahead(left.start.astype(float))), columns)
        )
        middle = steps.mean(axis=1)
        low, high = np.quantile(size * steps, NINETY, axis=1)
        now = _factor([size.mean() * middle, low, high])
        acts = Quantiles(*_factor(np.quantile(size, (0.5, *NINETY))).tolist())
        trusted = effect.on == "rate" and not effect.is_escalation
        stated = size / forecast.posterior.trust if trusted else size
        posterior = Quantiles(*_factor(np.quantile(stated, (0.5, *NINETY))).tolist()) if trusted else acts
        moved = moved_by_record(prior.mean, prior.sd, float(stated.mean()), float(stated.std()))
        # What all units share was worked out once.
        shares = [0] * len(units) if len(middle) == 1 else range(len(units))
        for unit, row in zip(units, shares, strict=True):
            yield ActingEffect(
                key=f"effects.{effect.id}",
                source=effect.source,
                source_label=_label(forecast, effect),
                target=event,
                target_label=case.events[event].label,
                unit=unit,
                path=effect.path or (HALF_LIFE_PATH if effect.on == "half_life" else ""),
                rationale=effect.rationale,
                is_event=effect.is_escalation,
                steps=float(middle[row]),
                now=Quantiles(*now[:, row].tolist()),
                prior=Quantiles(prior.median, prior.low, prior.high),
                posterior=posterior,
                acting=acts,
                moved=moved,
                on=effect.on,
            )


def _label(forecast: Forecast, effect: Effect) -> str:
    case = forecast.case
    return case.events[effect.source].label if effect.is_escalation else case.indicators[effect.source].label


def _of_units(values: Floats, columns: Sequence[int]) -> Floats:
    """Columns of (draws, units) as rows, (columns, draws); one row where all units share what there is."""
    chosen = values[:, columns] if values.shape[1] > 1 else values
    return np.ascontiguousarray(chosen.T, dtype=float)


@dataclass(frozen=True)
class BaseRate:
    """The base rate of an event type, and what raises or lowers it in one unit and in the record's last year.

    prior, posterior: chance of at least one event in a year at reference levels with nothing recent, 0 to 1, before and
    after the record; apart: factor on the rate by which the unit differs beyond its indicators, None without a unit and
    for an event of the host; year_factor: factor on the rate that all units share in `year`, or that of tension.
    """

    event: str
    unit: str | None
    prior: Quantiles
    posterior: Quantiles
    apart: float | None
    year: int | str
    year_factor: float


def base_rate_after(posterior: Posterior, event: str, unit: str | None = None) -> BaseRate:
    """The base rate of an event type before and after the record, and what sets a unit and the last year apart.

    Chance in a year = 1 - exp(-n exp(b)), with b the log rate per period and n periods in a year. The factors are
    exp(mean a[unit]) and exp(mean s[year]), of the dyad's effect and the year's shock over the draws. Raises
    UnknownNameError for an event type or unit that the case does not have.

    >>> import riskcast
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> rate = base_rate_after(posterior, "demarche", "RUS-TJK")
    >>> rate.year, rate.posterior.low < rate.posterior.median < rate.posterior.high
    ('2024Q2', True)
    """
    case = posterior.case
    if event not in case.events:
        raise UnknownNameError("event type", event, case.events)
    units = case.units(event)
    if unit is not None and unit not in units:
        raise UnknownNameError(f"unit of {event}", unit, units)
    drawn, stated = posterior.events[event], case.events[event].base_rate
    key = str(QuantityId("outcomes", BASE_RATE, event))
    prior = believed(posterior, key, stated, base_rate_link(case.periods_per_year))
    rate = _factor(drawn.coefficients[:, 0]) * case.periods_per_year
    apart = None
    if unit is not None and case.events[event].scope == "dyad":
        apart = float(_factor(drawn.effects[:, units.index(unit)].mean()))
    return BaseRate(
        event=event,
        unit=unit,
        prior=Quantiles(prior.median, prior.low, prior.high),
        posterior=Quantiles(*(-np.expm1(-np.quantile(rate, (0.5, *NINETY)))).tolist()),
        apart=apart,
        year=posterior.tension_periods[-1] if posterior.tension_periods else int(posterior.models[event].years[-1]),
        year_factor=float(_factor(drawn.shocks[:, -1].mean())),
    )


@dataclass(frozen=True)
class LevelToday:
    """An indicator's level today in one unit.

    unit: the dyad, or the host; steps: mean distance from the reference, in steps; level and reference in `measure`;
    raised: by event type, how many of the steps past events have raised, where they have; basis: whether the level is
    stated, aged since it was dated, inferred from dated values, or held by a panel.
    """

    indicator: str
    label: str
    unit: str
    steps: float
    level: Quantiles
    reference: float
    measure: str
    raised: Mapping[str, float] = field(default_factory=dict)
    basis: Literal["stated", "aged", "inferred", "panel"] = "stated"


@dataclass(frozen=True)
class LevelsToday:
    """Today's level of every indicator, as one dyad meets it; `levels` by id of the indicator."""

    dyad: str
    levels: Mapping[str, LevelToday]
    origin: str = ""
    warning: str = ""

    def to_frame(self) -> pandas.DataFrame:
        """One row for each indicator: unit, steps from the reference and how many of them past events have raised, the
        level with its 90 % interval, reference, and where the level comes from."""
        import pandas

        rows = [
            (name, one.unit, one.steps, sum(one.raised.values()), *one.level, one.reference, one.measure, one.basis)
            for name, one in self.levels.items()
        ]
        columns = ["indicator", "unit", "steps", "raised", "level", "low", "high", "reference", "measure", "basis"]
        return pandas.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        return f"<LevelsToday: {len(self.levels)} indicators of {self.dyad}. {self.origin}>"

    def _repr_html_(self) -> str:
        rows = []
        for one in self.levels.values():
            middle, low, high = (plain_number(value, 4) for value in one.level)
            usual, steps = plain_number(one.reference), signed(one.steps, 2)
            rows.append((one.label, one.measure, middle, f"{low} to {high}", usual, steps))
        header = ("indicator", "in", "today", "90 %", "reference", "steps")
        columns = tuple(Column(name, form="text" if place < 2 else "figure") for place, name in enumerate(header))
        table = Table(f"Levels today, {self.dyad}", columns, rows, note=self.origin, warning=self.warning)
        return to_html(table, MOST_SHOWN)


def levels_today(forecast: Forecast, dyad: str) -> LevelsToday:
    """Today's level of every indicator, the dyad's own or its host's: as believed, or as a panel holds it.

    Raises UnknownNameError for a dyad that is not forecast.

    >>> import riskcast
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> levels_today(riskcast.forecast(posterior), "RUS-TJK").levels["xenophobia"].reference
    52.0
    """
    if dyad not in forecast.dyads:
        raise UnknownNameError("dyad at the start of the horizon", dyad, forecast.dyads)
    case, found = forecast.case, {}
    for name, indicator in case.indicators.items():
        unit = dyad if indicator.scope == "dyad" else case.host
        column = case.dyads.index(dyad) if indicator.scope == "dyad" else 0
        (steps,) = _of_units(forecast.plan.today[name], (column,))
        level = Quantiles(*np.asarray(indicator.level(np.quantile(steps, (0.5, *NINETY)))).tolist())
        found[name] = LevelToday(
            indicator=name,
            label=indicator.label,
            unit=unit,
            steps=float(steps.mean()),
            level=level,
            reference=indicator.reference,
            measure=indicator.unit,
            raised=_raised_by(forecast, name, column),
            basis=_basis(case, name, unit),
        )
    posterior = forecast.posterior
    return LevelsToday(dyad, found, posterior.origin, posterior.warning)


def _raised_by(forecast: Forecast, name: str, column: int) -> dict[str, float]:
    """By event type, the mean number of steps that past events have raised in one unit of an indicator."""
    found = {}
    for rise in forecast.plan.raises:
        if rise.indicator == name:
            steps = float((rise.steps * rise.left[:, column]).mean())
            if steps:
                found[rise.source] = steps
    return found


def _basis(case: Case, name: str, unit: str) -> Literal["stated", "aged", "inferred", "panel"]:
    indicator = case.indicators[name]
    stated = indicator.stated(unit)
    if indicator.history == "panel":
        return "panel"
    if stated is None:
        return "inferred"
    return "stated" if case.now_of(name, unit) is stated else "aged"


def _check_event(forecast: Forecast, event: str | None) -> None:
    if event is not None and event not in forecast.case.events:
        raise UnknownNameError("event type", event, forecast.case.events)


def _told(quantiles: Quantiles) -> str:
    return f"{factor_text(quantiles.median)} ({factor_text(quantiles.low)}–{factor_text(quantiles.high)})"
