"""Events and series -> arrays on the case's calendar, and the memories that event types have of past events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from riskcast.case.coverage import covered_spans, is_covered, latest_recall, searches, shares
from riskcast.case.model import Case
from riskcast.case.nowcast import smoothed_levels
from riskcast.case.panel import Panel
from riskcast.case.periods import Timeline
from riskcast.case.raises import PastEvents, moment, raised_at
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

    occurred[event]: (periods, units) of 0 or 1, what memories see; covered[event]: (periods, units) share of the period
    that was searched for the event, 0 where that is missing; exposure[event]: the same times the share of what happened
    that such a search finds, which multiplies the rate of what is recorded; recall[event]: (units,) that share at the
    record's end; counted[event]: (periods, units) of bool, whether it is recorded on a day that is covered;
    levels[indicator]: (periods, units) in steps from the reference, one column for an indicator of the host; present:
    (dyads,) of bool, which of them exist at the start of the horizon; today[indicator]: (units,) in steps, the levels
    that a panel holds for the horizon's start; behind: (dyads,) periods between a panel's last row of a dyad and the
    one that its forecast needs, through which that row's levels are held; unraised[indicator]:
    (periods, units), for those that events raise, `levels` without what events have raised; dated[event]: the
    events one by one with their days, which a panel does not know; numbers[event]: (periods, units) how many a panel
    has, those that are too few for the event of the period to have happened as well.
    """

    timeline: Timeline
    occurred: Mapping[str, Floats]
    exposure: Mapping[str, Floats]
    counted: Mapping[str, Bools]
    levels: Mapping[str, Floats]
    present: Bools
    today: Mapping[str, Floats]
    behind: Ints
    covered: Mapping[str, Floats]
    recall: Mapping[str, Floats]
    unraised: Mapping[str, Floats] = field(default_factory=dict)
    dated: Mapping[str, Dated] = field(default_factory=dict)
    numbers: Mapping[str, Floats] = field(default_factory=dict)

    @cached_property
    def at_risk(self) -> Mapping[str, Bools]:
        """By event type: (periods, units) of bool, whether any part of the period is covered."""
        return {event: share > 0.0 for event, share in self.exposure.items()}

    def is_thinned(self, event: str) -> bool:
        """Whether some search found less than what happened."""
        return bool((self.exposure[event] < self.covered[event]).any())

    @property
    def years(self) -> Ints:
        """The calendar year of every period."""
        return self.timeline.years

    def completed(self, event: str) -> tuple[Floats, Bools]:
        """What happened in the periods that have ended, and which of them are covered throughout: (periods, units)."""
        last = self.timeline.complete
        return self.occurred[event][:last], self.covered[event][:last] > 1.0 - 1e-9


def build_record(case: Case) -> Record:
    """Put a case's events and series, or its panel, on its calendar."""
    settings = case.settings
    timeline = Timeline(settings.as_of, case.calendar, settings.history_from)
    if case.panel is not None:
        return _panel_record(case, case.panel, timeline)
    found = searches(case)
    occurred, counted, dated = _placed(case, timeline)
    covered, exposure = {}, {}
    for name in case.events:
        covered[name], exposure[name] = shares(found, case, name, timeline)
    plain = {name: _levels(case, name, timeline) for name in case.indicators}
    levels, unraised = _raise_levels(case, plain, timeline)
    dyads = len(case.dyads)
    return Record(
        timeline=timeline,
        occurred=occurred,
        exposure=exposure,
        counted=counted,
        levels=levels,
        present=np.ones(dyads, dtype=bool),
        today={},
        behind=np.zeros(dyads, dtype=np.int64),
        covered=covered,
        recall={name: latest_recall(found, case, name) for name in case.events},
        unraised=unraised,
        dated=dated,
    )


def _placed(case: Case, timeline: Timeline) -> tuple[dict[str, Floats], dict[str, Bools], dict[str, Dated]]:
    """The events that a case knows of on its calendar: what occurred, what of it counts, and the events one by one."""
    shapes = {name: (timeline.length, len(case.units(name))) for name in case.events}
    occurred: dict[str, Floats] = {name: np.zeros(shape) for name, shape in shapes.items()}
    counted: dict[str, Bools] = {name: np.zeros(shape, dtype=bool) for name, shape in shapes.items()}
    spans = covered_spans(case)
    dated: dict[str, list[tuple[int, int, int, int, int]]] = {name: [] for name in case.events}
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
    return occurred, counted, {name: Dated.of(rows) for name, rows in dated.items()}


def with_events_of(record: Record, case: Case) -> Record:
    """A record with the events of another edition of its case, all else as it was: what memories would see.

    The two differ in rows of events alone; levels of the past, which the fit alone reads, stay.
    """
    occurred, counted, dated = _placed(case, record.timeline)
    return replace(record, occurred=occurred, counted=counted, dated=dated)


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
    exposure, covered = dict(record.exposure), dict(record.covered)
    for name, event in case.events.items():
        for own in (exposure, covered) if event.scope == "dyad" else ():
            own[name] = own[name].copy()
            own[name][:, column] = 0.0
    return replace(record, exposure=exposure, covered=covered)


def _panel_record(case: Case, panel: Panel, timeline: Timeline) -> Record:
    """The record of a panel: a dyad is at risk where its row says whether the event happened."""
    periods, dyads = timeline.length, len(panel.dyads)
    place = panel.period - timeline.first
    past = place < periods
    row, unit = place[past], panel.unit[past]
    occurred, covered, numbers = {}, {}, {}
    for name, event in case.events.items():
        grid = np.full((periods, dyads), np.nan)
        grid[row, unit] = panel.events[name][past]
        if event.scope == "host":
            known = ~np.isnan(grid)
            grid = np.where(known.any(axis=1), np.where(known, grid, 0.0).max(axis=1), np.nan)[:, None]
        first = timeline.index(event.recorded_from) if event.recorded_from else 0
        last = timeline.index(event.recorded_until) if event.recorded_until else periods
        when = np.arange(periods)[:, None]
        covered[name] = (~np.isnan(grid) & (when >= first) & (when <= last)).astype(float)
        numbers[name] = np.nan_to_num(grid)
        occurred[name] = (numbers[name] >= event.at_least).astype(float)
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
    counted = {name: (happened > 0.0) & (covered[name] > 0.0) for name, happened in occurred.items()}
    behind = place.max() - place[freshest]
    present = ~has_ended(case, panel, behind)
    raised, unraised = _raise_levels(case, {name: levels[name] for name in levels if name not in today}, timeline)
    return Record(
        timeline=timeline,
        occurred=occurred,
        exposure={name: share * case.events[name].recall for name, share in covered.items()},
        counted=counted,
        levels=levels | raised,
        present=present,
        today=today,
        behind=behind,
        covered=covered,
        recall={name: np.full(share.shape[1], case.events[name].recall) for name, share in covered.items()},
        unraised=unraised,
        numbers=numbers,
    )


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


def middles(timeline: Timeline) -> Floats:
    """The middle of every period of the record, or of the part of it that is record, in periods: (periods,)."""
    days = zip(timeline.starts.tolist(), timeline.ends.tolist(), strict=True)
    calendar = timeline.calendar
    return np.array([(moment(calendar, first, 0.0) + moment(calendar, last, 1.0)) / 2.0 for first, last in days])


def raised_in(case: Case, name: str, record: Record, period: int) -> Floats:
    """By how many steps a record's own events lift an indicator in one of its periods: (1, units of the indicator).

    For records that are drawn and know no days: each event stands in the middle of its period.
    """
    first, at = record.timeline.first, middles(record.timeline)
    events = {}
    for event in case.indicators[name].raises:
        place, unit = np.nonzero(record.occurred[event][:period])
        events[event] = PastEvents(unit, first + place, at[place])
    return raised_at(case, name, at[period : period + 1], np.array([first + period]), events)


def _raise_levels(
    case: Case, plain: Mapping[str, Floats], timeline: Timeline
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Levels with what past events have raised, and without it those that events raise.

    A period's row feels, at its middle, what events of earlier periods have left: what happened in the period itself
    must not explain itself.
    """
    raised, unraised = dict(plain), {}
    periods = timeline.first + np.arange(timeline.length)
    for name in plain:
        if case.indicators[name].raises:
            unraised[name] = plain[name]
            raised[name] = plain[name] + raised_at(case, name, middles(timeline), periods)
    return raised, unraised


def _levels(case: Case, name: str, timeline: Timeline) -> Floats:
    """Steps of one indicator in every period: the mean over its days of the line through the dated values.

    Between dated values, less what events had raised by then, runs a straight line on the indicator's own scale; beyond
    the first and the last their levels are held. Where levels are inferred, the line is that of the smoothed means. The
    mean is of levels in their natural unit, so that a series with
    many values a period enters as its time-weighted mean. Today's level has no part in it: a belief about the present
    does not rewrite what the record was fitted on.
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
        if indicator.is_smoothed:
            daily = np.asarray(indicator.level(smoothed_levels(case, name, unit, days)))
            steps[:, column] = indicator.steps(np.add.reduceat(daily, begins) / lengths)
            continue
        if not dated[unit]:
            # As of an early day, a series may not have begun: its past is that of an indicator without one.
            continue
        when, values = np.array(sorted(dated[unit])).T
        plain = indicator.steps(values)
        if indicator.raises:
            on = [moment(timeline.calendar, np.datetime64(int(day), "D").astype(dt.date)) for day in when.tolist()]
            plain = plain - raised_at(case, name, np.array(on))[:, column]
        daily = np.asarray(indicator.level(np.interp(days, when, plain)))
        steps[:, column] = indicator.steps(np.add.reduceat(daily, begins) / lengths)
    return steps
