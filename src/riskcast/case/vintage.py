"""A case as it could have been known on an earlier day."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np

from riskcast.case.model import Case, Indicator, StatedLevel
from riskcast.case.nowcast import held_level, level_around, motion_of, rows_of
from riskcast.case.panel import Panel
from riskcast.case.periods import DAYS_PER_YEAR
from riskcast.case.quantities import Z90, Quantity
from riskcast.case.raises import moment, raised_at
from riskcast.errors import OptionError


def case_as_of(case: Case, day: dt.date) -> Case:
    """The case with everything dated or published after `day` left out.

    Events that may have happened after the day and values published after it go. A level that is stated and dated by
    the day stays, and ages from its date on; one that is not becomes the last value published by then, aged by what
    has drifted, been raised and faded since, and where there is none the reference. A level that is inferred from
    dated values is inferred anew from those that are left. Base rates and effects stay as they were elicited. Of a
    panel stay the rows up to the day, which must end a period, and the covariates of the next period where they are
    known ahead. Raises OptionError for a day outside the case.

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
    settings = case.settings.model_copy(update={"as_of": day})
    then = case.revised(settings=settings, event_rows=events, series_rows=series, panel=panel)
    indicators = {
        name: indicator if indicator.history == "panel" else _indicator_as_of(case, name, then)
        for name, indicator in case.indicators.items()
    }
    return then.revised(published_hash=case.published_hash, indicators=indicators)


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


def _indicator_as_of(case: Case, name: str, then: Case) -> Indicator:
    """An indicator as of the day of another case, which has the rows that were known by then."""
    indicator, units, day = case.indicators[name], then.units_of(name), then.as_of
    if indicator.is_smoothed:
        known = {unit: level for unit in units if (level := _dated_by(indicator, unit, day)) is not None}
        now: StatedLevel | dict[str, StatedLevel] | None = known or None
        if indicator.scope == "host" and known:
            now = known[units[0]]
        return indicator.model_copy(update={"now": now, "past": "smoothed"})
    levels = {unit: _dated_by(indicator, unit, day) or _level_as_of(then, name, unit) for unit in units}
    return indicator.model_copy(update={"now": levels[units[0]] if indicator.scope == "host" else levels})


def _dated_by(indicator: Indicator, unit: str, day: dt.date) -> StatedLevel | None:
    """The level that is stated of a unit and dated by a day."""
    stated = indicator.stated(unit)
    return stated if stated is not None and stated.dated is not None and stated.dated <= day else None


def _level_as_of(then: Case, name: str, unit: str) -> StatedLevel:
    """What was to be believed of a level by the dated values known then: the last one, aged; else the reference."""
    indicator, motion = then.indicators[name], motion_of(then.indicators[name])
    stated, known = indicator.stated(unit), rows_of(then, name, unit)
    assert stated is not None
    if not known:
        low, high = indicator.link.forward(stated.range).tolist()
        return _stated(level_around(indicator, indicator.reference, (high - low) / 2.0))
    last = known[-1]
    years = (then.as_of - last.date).days / DAYS_PER_YEAR
    on = np.array([moment(then.calendar, last.date), moment(then.calendar, then.as_of, 1.0)])
    before, now = raised_at(then, name, on)[:, then.units_of(name).index(unit)].tolist()
    center, kept = last.value, motion.kept(years)
    if kept < 1.0 or before != now:
        center = float(indicator.level(kept * (float(indicator.steps(last.value)) - before) + now))
        center = held_level(indicator, center)
    if stated.is_fixed and indicator.drift.center == 0:
        return StatedLevel(value=center)
    low, high = float(indicator.link.forward(last.low)), float(indicator.link.forward(last.high))
    drifted = math.sqrt(motion.variance(years)) * float(indicator.measure.width)
    return _stated(level_around(indicator, center, Z90 * math.hypot(kept * (high - low) / (2 * Z90), drifted)))


def _stated(level: Quantity) -> StatedLevel:
    return StatedLevel(median=level.median, interval=level.interval, value=level.value)
