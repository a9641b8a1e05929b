"""A case as it could have been known on an earlier day."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np

from riskcast.case.model import Case, Indicator, SeriesRow
from riskcast.case.panel import Panel
from riskcast.case.periods import DAYS_PER_YEAR
from riskcast.case.quantities import LARGEST, LOG, Z90, Quantity, elicit
from riskcast.errors import OptionError


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
    prior = elicit(indicator.now_of(unit), link)
    drift = 0.0 if indicator.drift.center == 0 else float(elicit(indicator.drift, LOG).quantile(0.0)) * width
    known = [row for row in rows if row.unit == unit]
    if known:
        last = max(known, key=lambda row: row.date)
        center = last.value
        low, high = float(link.forward(last.low)), float(link.forward(last.high))
        spread = math.hypot((high - low) / (2 * Z90), drift * math.sqrt((day - last.date).days / DAYS_PER_YEAR))
    else:
        center, spread = indicator.reference, prior.sd
    middle = float(link.forward(center))
    if spread == 0.0 or (prior.sd == 0.0 and drift == 0.0):
        return Quantity(value=center)
    with np.errstate(over="ignore"):
        ends = link.inverse(np.array([middle - Z90 * spread, middle + Z90 * spread]))
    least, most = np.nextafter(link.domain, (np.inf, -np.inf))
    low, high = np.clip(ends, max(least, -LARGEST), min(most, LARGEST)).tolist()
    if not (low < high and low <= center <= high):
        # The spread is below the precision of the level itself.
        return Quantity(value=center)
    return Quantity(median=center, interval=(low, high))
