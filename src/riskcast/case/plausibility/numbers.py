"""Quantities that say nothing, or more than anybody can mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from riskcast.case import quantity_ids as ids
from riskcast.case.judgements import Found
from riskcast.case.links import base_rate_link
from riskcast.case.model import Case, Indicator
from riskcast.case.moves import total_drifts
from riskcast.case.plausibility.limits import found_at, quantities_of, written_levels
from riskcast.case.quantities import Quantity, check_domain
from riskcast.case.settings import PER_TIME
from riskcast.case.where import SERIES_FILE
from riskcast.machinery.array_types import Floats
from riskcast.numbers import factor_text

# How far apart the ends of a 90 % interval may be before it says nothing.
WIDEST_RATE: Final = 1000.0
WIDEST_FACTOR: Final = 100.0
WIDEST_STEPS: Final = 20.0
WIDEST_SHARE: Final = 0.9
WIDEST_SLOPE: Final = 10.0
WIDEST_ODDS: Final = math.log(1e5)
STRONGEST: Final = 1000.0
STRONGEST_STEP: Final = 20.0
LARGEST_FACTOR: Final = 1000.0
RUNAWAY_RATE: Final = 10_000.0
STEEPEST: Final = 10.0
FASTEST: Final = 10.0
LEAST_REMEMBERED: Final = 0.05
BURNT_IN: Final = 0.9
FINEST: Final = 1e4
_FACTORS = (ids.RATE_RATIO, ids.HALF_LIFE, ids.SD_DYAD, ids.SD_TIME, ids.DRIFT, ids.RISE_HALF_LIFE)


def wide_spreads(case: Case) -> Iterator[Found]:
    mend = "narrow it, or look for evidence: an interval like this says nothing"
    rate = base_rate_link(case.periods_per_year)
    kinds = (*_FACTORS, ids.BASE_RATE, ids.PASSED_ON, ids.RISE, ids.PERSISTENCE)
    for key, kind, quantity in quantities_of(case, *kinds):
        if quantity.is_fixed:
            continue
        low, high = quantity.range
        wrong = ""
        if kind is ids.BASE_RATE:
            ratio = math.exp(min(float(rate.forward(high)) - float(rate.forward(low)), 700.0))
            if not ratio <= WIDEST_RATE:
                wrong = f"{low:g} to {high:g} spans rates that differ {_times(ratio)}"
        elif kind in _FACTORS:
            if not high / low <= WIDEST_FACTOR:
                wrong = f"{low:g} to {high:g} differ {_times(high / low)}"
        elif kind in (ids.PASSED_ON, ids.RISE):
            if not high - low <= WIDEST_SLOPE:
                each = "a step" if kind is ids.PASSED_ON else "an event"
                wrong = f"{low:g} to {high:g} lie {high - low:.3g} steps for {each} apart"
        elif not float(ids.LOGIT.forward(high) - ids.LOGIT.forward(low)) <= WIDEST_ODDS:
            wrong = f"{low:g} to {high:g} leaves nearly everything between 0 and 1 open"
        if wrong:
            yield found_at(case, key, quantity, wrong, mend, low)
    for name, indicator in case.indicators.items():
        for path, quantity in written_levels(name, indicator):
            if quantity.is_fixed or check_domain(quantity, indicator.link) is not None:
                continue
            wrong = _wide_level(indicator, *quantity.range)
            if wrong:
                yield Found("indicators", (*path, "interval"), wrong, mend, (("indicators", name),))
    for place, row in enumerate(case.series_rows):
        indicator = case.indicators.get(row.indicator)
        fits = indicator is not None and all(low < row.low <= row.high < high for low, high in [indicator.link.domain])
        wrong = _wide_level(indicator, row.low, row.high) if indicator is not None and fits else ""
        if wrong:
            yield Found(SERIES_FILE, (place, "low"), wrong, mend, (("indicators", row.indicator),))


def _wide_level(indicator: Indicator, low: float, high: float) -> str:
    """What is wrong with an interval of a level that leaves everything open; nothing where it does not."""
    apart = float(indicator.steps(high)) - float(indicator.steps(low))
    least, most = indicator.bounds or (-math.inf, math.inf)
    # Of what is or is not, both ends may well be open.
    is_all = most - least > 2 * indicator.step and not high - low < WIDEST_SHARE * (most - least)
    if indicator.scale != "log" and is_all:
        return f"{low:g} to {high:g} is nearly all that it can be, {least:g} to {most:g}"
    return "" if apart <= WIDEST_STEPS else f"{low:g} to {high:g} lie {apart:.3g} steps apart"


def _times(ratio: float) -> str:
    return f"by a factor of {ratio:.3g}"


def strong_effects(case: Case) -> Iterator[Found]:
    steps = {effect.quantity_id for effect in case.effects if effect.source in case.indicators}
    on_half_life = {effect.quantity_id for effect in case.effects if effect.on == "half_life"}
    for key, _, quantity in quantities_of(case, ids.RATE_RATIO):
        most, what = (STRONGEST_STEP, "step") if key in steps else (STRONGEST, "event")
        if not 1 / most <= quantity.center <= most:
            of = "half-life" if key in on_half_life else "rate"
            wrong = (
                f"one {what} multiplies the {of} by {quantity.center:g}, and more than {most:g} times up or down is "
            )
            wrong += "beyond what is known"
            mend = f"check that it is a factor on the {of} for one step or one event, and not a per cent"
            yield found_at(case, key, quantity, wrong, mend, quantity.center)


def runaway_rates(case: Case) -> Iterator[Found]:
    if case.panel is not None:
        return
    steps = {name: _steps_today(case, name) for name in case.indicators}
    for name in case.events:
        parts = {
            effect.source: math.log(effect.rate_ratio.center) * steps[effect.source]
            for effect in case.effects_on(name)
            if effect.source in steps and effect.rate_ratio.center > 0
        }
        total = sum(parts.values(), np.zeros(len(case.dyads)))
        beyond = np.flatnonzero(~(np.abs(total) <= math.log(RUNAWAY_RATE)))
        if len(beyond):
            unit = int(beyond[0])
            first = max(parts, key=lambda source: abs(parts[source][unit]))
            times = factor_text(math.exp(min(abs(total[unit]), 700.0)))
            wrong = f"its rate for {case.dyads[unit]} is {times} times {'larger' if total[unit] > 0 else 'smaller'} "
            wrong += f"than at reference levels, most of it by {first}"
            mend = f"check today's level, `reference:` and `step:` of {first}, and its effect"
            yield Found("outcomes", (name,), wrong, mend, (("outcomes", name), ("indicators", first)))


def _steps_today(case: Case, name: str) -> Floats:
    """Today's middle levels of all dyads in steps from the reference, 0 where there is none: (dyads,)."""

    indicator = case.indicators[name]

    def steps(level: Quantity) -> float:
        return float(indicator.steps(level.center)) if check_domain(level, indicator.link) is None else 0.0

    units = case.units_of(name)
    found = np.array([steps(case.now_of(name, unit)) for unit in units])
    return np.broadcast_to(found, (len(case.dyads),))


def fast_drifts(case: Case) -> Iterator[Found]:
    for name, indicator in case.indicators.items():
        drift = indicator.drift.center
        low, high = indicator.measure.limits
        span = high - low
        most = min(FASTEST, span) if math.isfinite(span) and span > 0 else FASTEST
        if not drift <= most:
            wrong = f"is {drift:g} steps a year, more than {most:.3g}"
            wrong += ", which is all that the indicator can be" if most < FASTEST else ""
            mend = "give the standard deviation of a year's change in steps, not in the unit of the level"
            yield Found("indicators", (name, "drift"), wrong, mend, (("indicators", name),))


def steep_slopes(case: Case) -> Iterator[Found]:
    for key, kind, quantity in quantities_of(case, ids.PASSED_ON, ids.RISE):
        if not abs(quantity.center) <= STEEPEST:
            wrong = f"passes on {quantity.center:g} steps for one step of the parent"
            mend = "give steps for a step"
            if kind is ids.RISE:
                wrong, mend = f"lifts the level by {quantity.center:g} steps for one event", "give steps for an event"
            yield found_at(case, key, quantity, wrong, mend, quantity.center)


def floored_drifts(case: Case) -> Iterator[Found]:
    """Drifts that are less than what parents pass on, at the medians."""
    drift = {name: np.array(one.drift.center) for name, one in case.indicators.items()}
    weights = {(name, p): np.array(w.center) for name, one in case.indicators.items() for p, w in one.parents.items()}
    total = total_drifts(case, drift, weights)
    for name, indicator in case.indicators.items():
        stated, passed_on = indicator.drift.center, float(total[name])
        if indicator.parents and passed_on > stated * (1.0 + 1e-9):
            wrong = (
                f"is {stated:g} steps a year, all told, and parents alone pass on {passed_on:.3g}: no drift is its own"
            )
            mend = "raise the drift, which is that of the whole level, or lower what parents pass on"
            yield Found("indicators", (name, "drift"), wrong, mend, (("indicators", name),))


def odd_half_lives(case: Case) -> Iterator[Found]:
    unit = case.settings.period
    record = case.calendar.number(case.as_of) - case.calendar.number(case.settings.history_from) + 1
    for key, _, quantity in quantities_of(case, ids.HALF_LIFE, ids.RISE_HALF_LIFE):
        wrong = ""
        if not quantity.center >= LEAST_REMEMBERED:
            wrong = f"{quantity.center:g} {unit}s: at the end of a {unit} nothing of an event is left"
        elif not quantity.center <= record:
            wrong = f"{quantity.center:g} {unit}s is longer than the record, {record} {unit}s: nothing is forgotten"
        if wrong:
            yield found_at(case, key, quantity, wrong, f"give the half-life in {unit}s", quantity.center)


def short_burn_ins(case: Case) -> Iterator[Found]:
    unit = case.settings.period
    record = case.calendar.number(case.as_of) - case.calendar.number(case.settings.history_from) + 1
    for key, _, quantity in quantities_of(case, ids.HALF_LIFE):
        found = ids.parse_id(key)
        memory = case.settings.memories.get(found.of or found.name)
        if memory is None or memory.kind not in PER_TIME or not quantity.center > 0:
            continue
        share = 1.0 - 2.0 ** (-record / quantity.center)
        if not share >= BURNT_IN:
            needed = -quantity.center * math.log2(1.0 - BURNT_IN)
            wrong = f"{quantity.center:g} {unit}s: a record of {record} {unit}s holds {100 * share:.0f} % of what an "
            wrong += f"endless one would weigh, and {memory.kind}s are rough until it holds {100 * BURNT_IN:.0f} %, "
            wrong += f"after {needed:.0f} {unit}s"
            mend = "give a shorter half-life or a longer record, or accept that few events move it much"
            yield found_at(case, key, quantity, wrong, mend, quantity.center)


def odd_steps(case: Case) -> Iterator[Found]:
    values: dict[str, list[float]] = {name: [] for name in case.indicators}
    for row in case.series_rows:
        if row.indicator in values:
            values[row.indicator].append(abs(row.value))
    for name, indicator in case.indicators.items():
        wrong = ""
        if indicator.scale == "log":
            if not indicator.step <= LARGEST_FACTOR:
                wrong = f"is a factor of {indicator.step:g}"
        elif indicator.bounds is not None:
            span = indicator.bounds[1] - indicator.bounds[0]
            if not indicator.step <= span:
                wrong = f"is {indicator.step:g}, but the bounds are {span:g} apart"
            elif not span / indicator.step <= FINEST:
                wrong = f"is {indicator.step:g}: the bounds are {span / indicator.step:.3g} steps apart"
        else:
            levels = [abs(indicator.reference), *values[name]]
            levels += [abs(quantity.center) for _, quantity in written_levels(name, indicator)]
            if case.panel is not None and name in case.panel.levels:
                levels.append(float(np.max(np.abs(case.panel.levels[name]), initial=0.0)))
            largest = max(levels)
            if largest > 0 and not indicator.step <= 1000 * largest:
                wrong = f"is {indicator.step:g}, but no level is larger than {largest:g}"
        if wrong:
            mend = "give the change that effects speak of, in the unit of the level"
            yield Found("indicators", (name, "step"), wrong, mend, (("indicators", name),))
