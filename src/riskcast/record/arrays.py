"""Events and series -> arrays on the case's calendar, and the memories that event types have of past events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case
from riskcast.case.panel import Panel
from riskcast.case.periods import Timeline, period_number
from riskcast.machinery.array_types import Floats
from riskcast.names import ALL_DYADS, CONTEXT

# Steps from the reference beyond which nothing changes any more: any rate ratio to that power is 0, 1 or endless.
FARTHEST = 1e30


@dataclass(frozen=True)
class Record:
    """What a case knows of the past, as arrays.

    occurred[event]: (periods, units) of 0 or 1; at_risk[event]: (periods, units) of bool, whether the record would
    hold the event had it happened; levels[indicator]: (periods, units) in steps from the reference, one column for an
    indicator of the host; years: calendar year of every period; present: (dyads,) of bool, which of them exist at the
    start of the horizon; today[indicator]: (units,) in steps, the levels that a panel holds for the horizon's start.
    """

    timeline: Timeline
    occurred: Mapping[str, Floats]
    at_risk: Mapping[str, NDArray[np.bool_]]
    levels: Mapping[str, Floats]
    years: NDArray[np.int64]
    present: NDArray[np.bool_]
    today: Mapping[str, Floats]


def build_record(case: Case) -> Record:
    """Put a case's events and series, or its panel, on its calendar."""
    settings = case.settings
    timeline = Timeline(settings.as_of, settings.period, settings.history_from)
    periods = timeline.length
    if case.panel is not None:
        return _panel_record(case, case.panel, timeline)
    occurred = {name: np.zeros((periods, len(case.units(name)))) for name in case.events}
    dyads = {dyad: index for index, dyad in enumerate(case.dyads)}
    for row in case.event_rows:
        if row.type == CONTEXT or row.known_on > case.as_of:
            continue
        t = timeline.index(row.placed_on)
        if row.dyad == ALL_DYADS or case.events[row.type].scope == "host":
            occurred[row.type][t, :] = 1.0
        else:
            occurred[row.type][t, dyads[row.dyad]] = 1.0
    at_risk = {}
    for name, event in case.events.items():
        first = timeline.index(event.recorded_from) if event.recorded_from else 0
        at_risk[name] = np.zeros(occurred[name].shape, dtype=bool)
        at_risk[name][first:, :] = True
    levels = {name: _levels(case, name, timeline) for name in case.indicators}
    present = np.ones(len(case.dyads), dtype=bool)
    return Record(timeline, occurred, at_risk, levels, timeline.years(), present, {})


def leave_out(record: Record, case: Case, dyad: str) -> Record:
    """The record without the rows of one dyad: what it says of itself is not learned from, though others still see it.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> int(leave_out(build_record(case), case, "RUS-TJK").at_risk["demarche"].any(axis=0).sum())
    4
    """
    column = case.dyads.index(dyad)
    at_risk = dict(record.at_risk)
    for name, event in case.events.items():
        if event.scope == "dyad":
            at_risk[name] = record.at_risk[name].copy()
            at_risk[name][:, column] = False
    return replace(record, at_risk=at_risk)


def _panel_record(case: Case, panel: Panel, timeline: Timeline) -> Record:
    """The record of a panel: a dyad is at risk where its row says whether the event happened."""
    periods, dyads = timeline.length, len(panel.dyads)
    place = panel.period - period_number(case.as_of, case.settings.period) + periods - 1
    past = place < periods
    row, unit = place[past], panel.unit[past]
    occurred, at_risk = {}, {}
    for name, event in case.events.items():
        grid = np.full((periods, dyads), np.nan)
        grid[row, unit] = panel.events[name][past]
        if event.scope == "host":
            known = ~np.isnan(grid)
            grid = np.where(known.any(axis=1), np.where(known, grid, 0.0).max(axis=1), np.nan)[:, None]
        first = timeline.index(event.recorded_from) if event.recorded_from else 0
        at_risk[name] = ~np.isnan(grid) & (np.arange(periods) >= first)[:, None]
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
    return Record(timeline, occurred, at_risk, levels, timeline.years(), place[freshest] == place.max(), today)


def _levels(case: Case, name: str, timeline: Timeline) -> Floats:
    """Steps of one indicator in every period: between dated values by straight line, beyond the first and last level.

    Today's level has no part in it: a belief about the present does not rewrite what the record was fitted on.
    """
    indicator = case.indicators[name]
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    steps = np.zeros((timeline.length, len(units)))
    if indicator.history == "reference":
        return steps
    middles = timeline.middles()
    dated: dict[str, list[tuple[float, float]]] = {unit: [] for unit in units}
    for row in case.series_rows:
        if row.indicator == name and row.published <= case.as_of:
            dated[row.unit].append((float(np.datetime64(row.date).astype(int)), row.value))
    for column, unit in enumerate(units):
        if not dated[unit]:
            # As of an early day, a series may not have begun: its past is that of an indicator without one.
            continue
        days, values = np.array(sorted(dated[unit])).T
        steps[:, column] = np.interp(middles, days, indicator.steps(values))
    return steps
