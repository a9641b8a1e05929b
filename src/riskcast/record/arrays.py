"""Events and series -> arrays on the case's calendar, and the memories that event types have of past events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from riskcast.case.coverage import covered_spans, is_covered, share_covered
from riskcast.case.model import Case
from riskcast.case.panel import Panel
from riskcast.case.periods import Timeline
from riskcast.machinery.array_types import Bools, Floats, Ints
from riskcast.names import ALL_DYADS, CONTEXT

# Steps from the reference beyond which nothing changes any more: any rate ratio to that power is 0, 1 or endless.
FARTHEST = 1e30


@dataclass(frozen=True)
class Dated:
    """The events of one type, one by one: (events,) each.

    period, unit: where they stand on the calendar; earliest, latest: the first and the last day on which each can have
    happened; placed: the day at which it enters the record; all days are counted from 1970.
    """

    period: Ints
    unit: Ints
    earliest: Ints
    latest: Ints
    placed: Ints

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int, int]]) -> Dated:
        """From rows of (period, unit, earliest, latest, placed)."""
        return cls(*np.array(rows, dtype=np.int64).reshape(-1, 5).T)


@dataclass(frozen=True)
class Record:
    """What a case knows of the past, as arrays on the case's calendar.

    occurred[event]: (periods, units) of 0 or 1, what memories see; exposure[event]: (periods, units) share of the
    period of which the record would hold the event had it happened, 0 where that is missing; counted[event]: (periods,
    units) of bool, whether it happened on a day that is covered; levels[indicator]: (periods, units) in steps from the
    reference, one column for an indicator of the host; present: (dyads,) of bool, which of them exist at the start of
    the horizon; today[indicator]: (units,) in steps, the levels that a panel holds for the horizon's start; behind:
    (dyads,) periods between a panel's last row of a dyad and the one that its forecast needs, through which that row's
    levels are held; dated[event]: the events one by one with their days, which a panel does not know.
    """

    timeline: Timeline
    occurred: Mapping[str, Floats]
    exposure: Mapping[str, Floats]
    counted: Mapping[str, Bools]
    levels: Mapping[str, Floats]
    present: Bools
    today: Mapping[str, Floats]
    behind: Ints
    dated: Mapping[str, Dated] = field(default_factory=dict)

    @cached_property
    def at_risk(self) -> Mapping[str, Bools]:
        """By event type: (periods, units) of bool, whether any part of the period is covered."""
        return {event: share > 0.0 for event, share in self.exposure.items()}

    @property
    def years(self) -> Ints:
        """The calendar year of every period."""
        return self.timeline.years

    def completed(self, event: str) -> tuple[Floats, Bools]:
        """What happened in the periods that have ended, and which of them are covered throughout: (periods, units)."""
        last = self.timeline.complete
        return self.occurred[event][:last], self.exposure[event][:last] > 1.0 - 1e-9


def build_record(case: Case) -> Record:
    """Put a case's events and series, or its panel, on its calendar."""
    settings = case.settings
    timeline = Timeline(settings.as_of, case.calendar, settings.history_from)
    periods = timeline.length
    if case.panel is not None:
        return _panel_record(case, case.panel, timeline)
    occurred = {name: np.zeros((periods, len(case.units(name)))) for name in case.events}
    counted = {name: np.zeros(grid.shape, dtype=bool) for name, grid in occurred.items()}
    dated: dict[str, list[tuple[int, int, int, int, int]]] = {name: [] for name in case.events}
    spans = covered_spans(case)
    places = {unit: column for column, unit in enumerate(case.dyads)} | {case.host: 0}
    for row in case.event_rows:
        if row.type == CONTEXT or row.known_on > case.as_of:
            continue
        t, units = timeline.index(row.placed_on), case.units(row.type)
        for unit in units if row.dyad == ALL_DYADS else (row.dyad,):
            column = places[unit]
            occurred[row.type][t, column] = 1.0
            counted[row.type][t, column] |= is_covered(spans[row.type, unit], row.placed_on)
            first, last, placed = map(day_number, (*row.span, row.placed_on))
            dated[row.type].append((t, column, first, last, placed))
    exposure = {name: share_covered(spans, case, name, timeline) for name in case.events}
    levels = {name: _levels(case, name, timeline) for name in case.indicators}
    dyads = len(case.dyads)
    here, on_time = np.ones(dyads, dtype=bool), np.zeros(dyads, dtype=np.int64)
    one_by_one = {name: Dated.of(rows) for name, rows in dated.items()}
    return Record(timeline, occurred, exposure, counted, levels, here, {}, on_time, one_by_one)


def day_number(day: dt.date) -> int:
    """A day, counted from 1970.

    >>> day_number(dt.date(1970, 1, 2))
    1
    """
    return (day - dt.date(1970, 1, 1)).days


def leave_out(record: Record, case: Case, dyad: str) -> Record:
    """The record without the rows of one dyad: what it says of itself is not learned from, though others still see it.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> int(leave_out(build_record(case), case, "RUS-TJK").at_risk["demarche"].any(axis=0).sum())
    4
    """
    column = case.dyads.index(dyad)
    exposure = dict(record.exposure)
    for name, event in case.events.items():
        if event.scope == "dyad":
            exposure[name] = record.exposure[name].copy()
            exposure[name][:, column] = 0.0
    return replace(record, exposure=exposure)


def _panel_record(case: Case, panel: Panel, timeline: Timeline) -> Record:
    """The record of a panel: a dyad is at risk where its row says whether the event happened."""
    periods, dyads = timeline.length, len(panel.dyads)
    place = panel.period - timeline.first
    past = place < periods
    row, unit = place[past], panel.unit[past]
    occurred, exposure = {}, {}
    for name, event in case.events.items():
        grid = np.full((periods, dyads), np.nan)
        grid[row, unit] = panel.events[name][past]
        if event.scope == "host":
            known = ~np.isnan(grid)
            grid = np.where(known.any(axis=1), np.where(known, grid, 0.0).max(axis=1), np.nan)[:, None]
        first = timeline.index(event.recorded_from) if event.recorded_from else 0
        last = timeline.index(event.recorded_until) if event.recorded_until else periods
        when = np.arange(periods)[:, None]
        exposure[name] = (~np.isnan(grid) & (when >= first) & (when <= last)).astype(float)
        occurred[name] = np.nan_to_num(grid)
    # The freshest row of every dyad: where covariates are known ahead, that of the first period of the horizon.
    freshest = panel.freshest
    levels, today = {}, {}
    for name, indicator in case.indicators.items():
        if indicator.history != "panel":
            levels[name] = _levels(case, name, timeline)
            continue
        with np.errstate(over="ignore"):
            steps = np.clip(indicator.steps(panel.levels[name]), -FARTHEST, FARTHEST)
        grid = np.zeros((periods, dyads))
        grid[row, unit] = steps[past]
        today[name] = steps[freshest]
        if indicator.scope == "host":
            filled = np.zeros((periods, dyads), dtype=bool)
            filled[row, unit] = True
            grid = grid[np.arange(periods), filled.argmax(axis=1)][:, None]
            today[name] = steps[[int(place.argmax())]]
        levels[name] = grid
    counted = {name: (happened > 0.0) & (exposure[name] > 0.0) for name, happened in occurred.items()}
    behind = place.max() - place[freshest]
    present = ~has_ended(case, panel, behind)
    return Record(timeline, occurred, exposure, counted, levels, present, today, behind)


def has_ended(case: Case, panel: Panel, behind: Ints) -> Bools:
    """Which dyads the case says to exist no longer at the start of the horizon: (dyads,) of bool.

    A row that is missing ends nothing. A dyad has ended where `panel.until` names its last period, or where it has
    lacked rows for as many periods as the rule `panel.ended_after` says.
    """
    settings = case.settings.panel
    if settings is None:
        return np.zeros(len(panel.dyads), dtype=bool)
    last = case.calendar.number(case.as_of)
    ended = np.array([settings.ends_before(dyad, last + 1, case.calendar) for dyad in panel.dyads])
    return ended if settings.ended_after is None else ended | (behind >= settings.ended_after)


def _levels(case: Case, name: str, timeline: Timeline) -> Floats:
    """Steps of one indicator in every period: the mean over its days of the line through the dated values.

    Between dated values runs a straight line on the indicator's own scale; beyond the first and the last their levels
    are held. The mean is of levels in their natural unit, so that a series with many values a period enters as its
    time-weighted mean. Today's level has no part in it: a belief about the present does not rewrite what the record
    was fitted on.
    """
    indicator = case.indicators[name]
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    steps = np.zeros((timeline.length, len(units)))
    if indicator.history == "reference":
        return steps
    days = np.arange(timeline.starts[0], timeline.ends[-1] + np.timedelta64(1, "D")).astype(float)
    begins = (timeline.starts - timeline.starts[0]).astype(np.int64)
    lengths = np.diff(np.append(begins, len(days)))
    dated: dict[str, list[tuple[float, float]]] = {unit: [] for unit in units}
    for row in case.series_rows:
        if row.indicator == name and row.published <= case.as_of:
            dated[row.unit].append((float(np.datetime64(row.date).astype(int)), row.value))
    for column, unit in enumerate(units):
        if not dated[unit]:
            # As of an early day, a series may not have begun: its past is that of an indicator without one.
            continue
        when, values = np.array(sorted(dated[unit])).T
        daily = np.asarray(indicator.level(np.interp(days, when, indicator.steps(values))))
        steps[:, column] = indicator.steps(np.add.reduceat(daily, begins) / lengths)
    return steps
