"""A case as it could have been known on an earlier day."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np

from riskcast.case.links import LOG
from riskcast.case.model import Case, Indicator, SeriesRow
from riskcast.case.panel import Panel
from riskcast.case.periods import DAYS_PER_YEAR
from riskcast.case.quantities import LARGEST, Z90, Quantity, elicit, find_misfit
from riskcast.errors import OptionError

# How much of the way to a bound an interval may take, and how much of an interval lies between a median and its bound.
NEARLY, OFF_BOUND = 0.95, 1.0 / 6.0


def case_as_of(case: Case, day: dt.date) -> Case:
    """The case with everything dated or published after `day` left out.

    Events that may have happened after the day and values published after it go; today's level of an indicator with
    a series becomes the last value published by then, its interval widened by the drift since; an indicator without
    one stands at its reference. Base rates and effects stay as they were elicited. Of a panel stay the rows up to
    the day, which must end a period, and the covariates of the next period where they are known ahead. Raises
    OptionError for a day outside the case.

    >>> from riskcast import load_case
    >>> case_as_of(load_case("central_asia_2024"), dt.date(2020, 1, 1)).as_of
    datetime.date(2020, 1, 1)
    """
    if day > case.as_of:
        raise OptionError(f"as-of {day} lies after what the case knows; give a day up to its own as_of {case.as_of}")
    earliest = case.settings.history_from + dt.timedelta(days=366)
    if day < earliest:
        raise OptionError(f"as-of {day} leaves less than a year of record; give a day from {earliest} on")
    if day == case.as_of:
        return case
    panel = None if case.panel is None else _panel_as_of(case, case.panel, day)
    events = tuple(row for row in case.event_rows if row.known_on <= day)
    series = tuple(row for row in case.series_rows if row.published <= day)
    dyads = case.dyads if panel is None else panel.dyads
    indicators = {
        name: indicator
        if indicator.history == "panel"
        else _indicator_as_of(dyads if indicator.scope == "dyad" else (case.host,), name, indicator, series, day)
        for name, indicator in case.indicators.items()
    }
    return case.revised(
        published_hash=case.published_hash,
        settings=case.settings.model_copy(update={"as_of": day}),
        indicators=indicators,
        event_rows=events,
        series_rows=series,
        panel=panel,
    )


def _panel_as_of(case: Case, panel: Panel, day: dt.date) -> Panel:
    calendar = case.calendar
    number = calendar.number(day)
    if day != calendar.last_day(number):
        ends = f"{calendar.last_day(number - 1)} or {calendar.last_day(number)}"
        raise OptionError(f"as-of {day} lies within a {calendar.unit} of the panel; give its end, {ends}")
    ahead = case.settings.panel is not None and case.settings.panel.covariates == "before"
    known = panel.until(number, ahead)
    lack = known.lack(number, calendar)
    if lack is not None:
        raise OptionError(f"as-of {day} is no day to forecast from: {lack[0]} of the panel {lack[1]}; give another day")
    return known


def _indicator_as_of(
    units: tuple[str, ...], name: str, indicator: Indicator, series: tuple[SeriesRow, ...], day: dt.date
) -> Indicator:
    levels = {unit: _level_as_of(indicator, unit, [r for r in series if r.indicator == name], day) for unit in units}
    now = levels[units[0]] if indicator.scope == "host" else levels
    return indicator.model_copy(update={"now": now})


def _level_as_of(indicator: Indicator, unit: str, rows: list[SeriesRow], day: dt.date) -> Quantity:
    link, width = indicator.link, float(indicator.measure.width)
    now = indicator.now_of(unit)
    drift = 0.0 if indicator.drift.center == 0 else float(elicit(indicator.drift, LOG).quantile(0.0)) * width
    known = [row for row in rows if row.unit == unit]
    if known:
        last = max(known, key=lambda row: row.date)
        center = last.value
        low, high = float(link.forward(last.low)), float(link.forward(last.high))
        spread = math.hypot((high - low) / (2 * Z90), drift * math.sqrt((day - last.date).days / DAYS_PER_YEAR))
    else:
        center = indicator.reference
        low, high = link.forward(now.range).tolist()
        spread = (high - low) / (2 * Z90)
    if spread == 0.0 or (now.is_fixed and drift == 0.0):
        return Quantity(value=center)
    return _level_around(indicator, center, Z90 * spread)


def _level_around(indicator: Indicator, center: float, reach: float) -> Quantity:
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
