"""Today's level of an indicator: as it is stated, aged since the day that it is dated, or inferred from dated values.

Levels are in steps from the reference. What past events have raised (`riskcast.case.raises`) is known but for how many
steps each of them is worth; the rest of a level moves of itself, as `riskcast.case.state_space` says.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.links import IDENTITY, LOG, Link
from riskcast.case.periods import DAYS_PER_YEAR
from riskcast.case.quantities import LARGEST, Z90, Evidence, Prior, Quantity, elicit, find_misfit
from riskcast.case.raises import PastEvents, left_at, mean_rise, moment, past_events, raised_at, seen_by
from riskcast.case.state_space import Belief, Measurement, Motion, between, filter_level, smooth_level
from riskcast.machinery.array_types import Floats

if TYPE_CHECKING:
    from riskcast.case.model import Case, Indicator, SeriesRow, StatedLevel

# How much of the way to a bound an interval may take, and how much of an interval lies between a median and its bound.
NEARLY, OFF_BOUND = 0.95, 1.0 / 6.0
# A level of which nothing is known before its first value, and the least error of a value, in steps.
ANYWHERE, LEAST_ERROR = 50.0, 1e-4


def motion_of(indicator: Indicator) -> Motion:
    """How a level moves of itself, at the medians of its drift and of its return to the reference."""
    return Motion(indicator.drift.center, None if indicator.reversion is None else indicator.reversion.center)


def level_today(case: Case, name: str, unit: str) -> Quantity:
    """Today's level of an indicator in one unit; raises LookupError where a panel holds it."""
    indicator = case.indicators[name]
    stated = indicator.stated(unit)
    if indicator.history != "panel" and not is_sound(case, name):
        # What is wrong is told where it is written.
        return Quantity(value=indicator.reference) if stated is None else stated
    if stated is not None:
        level = _aged(case, name, unit, stated)
        return level if level is stated else _in_few_digits(indicator, level)
    if indicator.history != "series":
        raise LookupError("the level of today stands in the panel")
    return _in_few_digits(indicator, infer_level(case, name, unit))


def is_sound(case: Case, name: str) -> bool:
    """Whether every number that a level of today is worked out from can be what it says."""
    indicator, link = case.indicators[name], case.indicators[name].link
    quantities: list[tuple[Quantity | None, Link]] = [(indicator.reversion, LOG)]
    quantities += [(rise.steps, IDENTITY) for rise in indicator.raises.values()]
    quantities += [(rise.half_life, LOG) for rise in indicator.raises.values()]
    quantities += [(measure.offset, IDENTITY) for measure in indicator.series.values()]
    quantities += [(measure.scale, LOG) for measure in indicator.series.values()]
    numbers = [number for row in case.series_rows if row.indicator == name for number in (row.low, row.value, row.high)]
    return (
        indicator.drift.center >= 0.0
        and all(event in case.events for event in indicator.raises)
        and all(quantity is None or find_misfit(quantity, of) is None for quantity, of in quantities)
        and all(link.takes(number) for number in numbers)
    )


def _in_few_digits(indicator: Indicator, level: Quantity) -> Quantity:
    """A level in digits that people can read: each number to a fiftieth of the interval, and of itself on a scale of
    ratios, or better. What is told is what is used."""
    if level.is_fixed:
        return level
    low, high = level.range
    is_ratio = indicator.measure.axis == "log"

    def short(number: float) -> float:
        unit = min(high - low, abs(number) if is_ratio else math.inf) / 50.0
        return round(number, -math.floor(math.log10(unit))) if unit > 0.0 else number

    few = Quantity.model_construct(
        median=short(level.center), interval=(short(low), short(high)), value=None, evidence=level.evidence
    )
    is_sound = few.range[0] < few.center < few.range[1] and find_misfit(few, indicator.prior_link) is None
    return few if is_sound else level


def aged_level(case: Case, name: str, unit: str, level: Quantity, since: dt.date) -> Quantity:
    """A level of some day as it is to be believed on the last day that the case knows of.

    What past events had raised fades, later ones have raised more, and the rest drifts, each side of the interval by
    itself: in steps, side^2 = (what is left of it)^2 + z95^2 q, q the variance of the drift since.
    """
    indicator, motion = case.indicators[name], motion_of(case.indicators[name])
    years = (case.as_of - since).days / DAYS_PER_YEAR
    kept, reach = motion.kept(years), Z90 * math.sqrt(motion.variance(years))
    column = case.units_of(name).index(unit)
    on = np.array([moment(case.calendar, since), moment(case.calendar, case.as_of, 1.0)])
    before, now = raised_at(case, name, on)[:, column].tolist()
    moved = kept < 1.0 or before != 0.0 or now != 0.0
    if reach == 0.0 and not moved:
        return level
    low, middle, high = (float(indicator.steps(number)) for number in (level.range[0], level.center, level.range[1]))
    center = kept * (middle - before) + now if moved else middle
    below, above = math.hypot(kept * (middle - low), reach), math.hypot(kept * (high - middle), reach)
    with np.errstate(over="ignore"):
        at = held_level(indicator, float(indicator.level(center))) if moved else level.center
        ends = indicator.level(np.array([center - below, center + above])).tolist()
    if below == 0.0 and above == 0.0:
        return Quantity(value=at, evidence=level.evidence)
    quantity = _between_ends(indicator, at, *ends)
    if quantity is None:
        quantity = level_around(indicator, at, max(below, above) * float(indicator.measure.width))
    return quantity.model_copy(update={"evidence": level.evidence})


def _aged(case: Case, name: str, unit: str, stated: StatedLevel) -> Quantity:
    misfit = find_misfit(stated, case.indicators[name].prior_link)
    # What has no prior is told where it is written.
    if stated.dated is None or stated.dated >= case.as_of or misfit is not None:
        return stated
    return aged_level(case, name, unit, stated, stated.dated)


def _between_ends(indicator: Indicator, center: float, low: float, high: float) -> Quantity | None:
    """A quantity with these numbers, held to the bounds; None where no prior has them."""
    bottom, top = indicator.bounds or (-LARGEST, LARGEST)
    center, low, high = (min(max(number, bottom), top) for number in (center, low, high))
    if not (math.isfinite(center) and low < center < high):
        return None
    quantity = Quantity(median=center, interval=(low, high))
    return quantity if find_misfit(quantity, indicator.prior_link) is None else None


def infer_level(case: Case, name: str, unit: str) -> Quantity:
    """Today's level from the dated values of one unit, with what is known of the error of each."""
    indicator, rows = case.indicators[name], rows_of(case, name, unit)
    mean, sd = infer_steps(case, name, unit)
    sources = tuple(dict.fromkeys(source for row in rows for source in row.sources))
    told = f"{len(rows)} dated values, the last of {rows[-1].date}" if rows else "no dated value, so from the reference"
    since = "what events have raised, and the drift since" if indicator.raises else "and the drift since"
    claim = f"Inferred from {told}, {since}."
    evidence = Evidence(basis="data" if sources else "judgement", claim=claim, sources=sources)
    with np.errstate(over="ignore"):
        level = float(indicator.level(mean))
    reach = Z90 * sd * float(indicator.measure.width)
    return level_around(indicator, held_level(indicator, level), reach).model_copy(update={"evidence": evidence})


def held_level(indicator: Indicator, level: float) -> float:
    """A level held to what it can be."""
    least, most = np.nextafter(indicator.link.domain, (np.inf, -np.inf)).tolist()
    low, high = indicator.bounds or (-LARGEST, LARGEST)
    return min(max(level, low, least, -LARGEST), high, most, LARGEST)


def infer_steps(case: Case, name: str, unit: str) -> tuple[float, float]:
    """Mean and standard deviation, in steps, of today's level of one unit given its dated values.

    An indicator that does not drift stands where it was measured last.
    """
    seen = _Seen.of(case, name, unit, free_rises=True)
    if seen.motion.drift == 0.0 and seen.motion.half_life is None and seen.measurements:
        last = seen.measurements[-1]
        if last.scale == 1.0 and not last.design.any():
            return last.value, 0.0 if last.sd == LEAST_ERROR else last.sd
    today = filter_level(seen.motion, seen.start, seen.measurements)[-1].later(seen.motion, seen.today)
    return today.of(1.0, seen.design(case.as_of, 1.0, None, 1.0))


def smoothed_levels(case: Case, name: str, unit: str, days: Floats) -> Floats:
    """The mean level, without what events have raised, on some days given all dated values, in steps: (days,).

    days: since 1970. Rises stand at the means of their priors, as they do in the fit.
    """
    seen = _Seen.of(case, name, unit, free_rises=False)
    if not seen.measurements:
        return np.zeros(len(days))
    known = smooth_level(seen.motion, seen.start, seen.measurements)
    years = np.array([one.years for one in seen.measurements])
    last = np.append(years[1:] != years[:-1], True)
    level = np.array([belief.mean[0] for belief in known])
    return between(seen.motion, days / DAYS_PER_YEAR, level[last], years[last])


def rows_of(case: Case, name: str, unit: str) -> list[SeriesRow]:
    """The dated values of one unit that are published by the last day that the case knows of, oldest first."""
    rows = (row for row in case.series_rows if row.indicator == name and row.unit == unit)
    return sorted((row for row in rows if row.published <= case.as_of), key=lambda row: (row.date, row.series or ""))


def _years(day: dt.date) -> float:
    return float(np.datetime64(day, "D").astype(np.int64)) / DAYS_PER_YEAR


@dataclass(frozen=True)
class _Seen:
    """What is measured of an indicator in one unit, ready for the filter.

    Unknowns are the offsets of series, by name, and how far each event type lifts the level beyond what is expected.
    """

    case: Case
    name: str
    column: int
    motion: Motion
    series: tuple[str, ...]
    rises: Mapping[str, PastEvents]
    start: Belief
    measurements: tuple[Measurement, ...] = ()

    @property
    def today(self) -> float:
        return _years(self.case.as_of)

    @classmethod
    def of(cls, case: Case, name: str, unit: str, free_rises: bool) -> _Seen:
        indicator, rows = case.indicators[name], rows_of(case, name, unit)
        offsets = {key: elicit(one.offset, IDENTITY) for key, one in indicator.series.items() if one.offset is not None}
        lifts = {key: elicit(rise.steps, IDENTITY) for key, rise in indicator.raises.items()}
        if not free_rises:
            lifts = {key: Prior(prior.mean, 0.0, IDENTITY) for key, prior in lifts.items()}
        priors = [*offsets.values(), *lifts.values()]
        motion = motion_of(indicator)
        first = _years(rows[0].date if rows else case.settings.history_from)
        spread = motion.lasting if motion.half_life is not None else ANYWHERE**2 if rows else 0.0
        start = Belief(
            first,
            np.array([0.0, *(prior.mean for prior in priors)]),
            np.diag([spread, *(prior.sd**2 for prior in priors)]),
        )
        column = case.units_of(name).index(unit)
        past = {event: past_events(case, event) for event in lifts}
        seen = cls(case, name, column, motion, tuple(offsets), past, start)
        return replace(seen, measurements=tuple(map(seen.measured, rows)))

    def measured(self, row: SeriesRow) -> Measurement:
        """One dated value."""
        indicator = self.case.indicators[self.name]
        measure = None if row.series is None else indicator.series.get(row.series)
        low, value, high = (float(indicator.steps(number)) for number in (row.low, row.value, row.high))
        own = (high - low) / (2.0 * Z90)
        sd = math.hypot(own, 0.0 if measure is None or measure.error is None else measure.error)
        scale = 1.0 if measure is None or measure.scale is None else measure.scale.center
        design = self.design(row.date, scale, row.series, 0.5)
        return Measurement(_years(row.date), value, max(sd, LEAST_ERROR), scale, design)

    def design(self, day: dt.date, scale: float, series: str | None, part: float) -> Floats:
        """What each unknown adds to a value of a series on a day."""
        at = np.array([moment(self.case.calendar, day, part)])
        lifted = []
        for event, past in self.rises.items():
            rise = self.case.indicators[self.name].raises[event]
            left = left_at(past, len(self.case.units(event)), at, mean_rise(rise)[1])
            lifted.append(scale * float(seen_by(self.case, rise, event, self.name, left)[0, self.column]))
        return np.array([*(float(series == key) for key in self.series), *lifted])


def level_around(indicator: Indicator, center: float, reach: float) -> Quantity:
    """A level with an interval that reaches as far either way on the indicator's scale, within what it can be.

    Where bounds are in the way, the side with more room keeps its end, and the other has one as far off in log odds;
    a median at a bound moves off it by a sixth of the interval.
    """
    link, prior_link = indicator.link, indicator.prior_link
    middle = float(link.forward(center))
    with np.errstate(over="ignore"):
        ends = link.inverse(np.array([middle - reach, middle + reach]))
    least, most = np.nextafter(link.domain, (np.inf, -np.inf))
    low, high = np.clip(ends, max(least, -LARGEST), min(most, LARGEST)).tolist()
    if not low < center < high:
        # The spread is below the precision of the level itself.
        return Quantity(value=center)
    quantity = Quantity(median=center, interval=(low, high))
    if indicator.bounds is None or find_misfit(quantity, prior_link) is None:
        return quantity
    bottom, top = indicator.bounds
    rises = top - center > center - bottom
    bound = bottom if rises else top
    if center != bound:
        far = min(high, center + NEARLY * (top - center)) if rises else max(low, center - NEARLY * (center - bottom))
        near = float(prior_link.inverse(2.0 * prior_link.forward(center) - prior_link.forward(far)))
        ends = (near, far) if rises else (far, near)
        if ends[0] < center < ends[1]:
            quantity = Quantity(median=center, interval=ends)
            if find_misfit(quantity, prior_link) is None:
                return quantity
    far = min(high, top) if rises else max(low, bottom)
    edge = float(link.forward(bound))
    center = float(link.inverse(edge + OFF_BOUND * (float(link.forward(far)) - edge)))
    # A sixth of an interval on a log scale may be most of the range: then the interval is the shorter one.
    farthest = OFF_BOUND * (top - bottom)
    if abs(center - bound) > farthest:
        center = bound + farthest if rises else bound - farthest
        far = float(link.inverse(edge + (float(link.forward(center)) - edge) / OFF_BOUND))
    return Quantity(median=center, interval=(bound, far) if rises else (far, bound))
