"""Events and series -> arrays on the case's calendar, and the memories that event types have of past events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case, Effect
from riskcast.case.panel import Panel
from riskcast.case.periods import Timeline, period_number
from riskcast.names import ALL_DYADS, CONTEXT

Floats = NDArray[np.floating[Any]]


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
    freshest = np.append(np.flatnonzero(np.diff(panel.unit)), len(panel) - 1)
    levels, today = {}, {}
    for name, indicator in case.indicators.items():
        if indicator.history != "panel":
            levels[name] = _levels(case, name, timeline)
            continue
        steps = np.asarray(indicator.steps(panel.levels[name]))
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


def seen_events(effect: Effect, case: Case, occurred: Mapping[str, Floats]) -> Floats:
    """Events of the edge's source that each unit of its target sees: (periods, units of target).

    `own` and `host`: its own, or the host's; `others`: those of other dyads that share a state with it; `any`: all.
    """
    source = occurred[effect.source]
    units = len(case.units(effect.target))
    if effect.whose in ("own", "host"):
        return np.broadcast_to(source, (len(source), units))
    if effect.whose == "any":
        return np.broadcast_to(source.sum(axis=1, keepdims=True), (len(source), units))
    return Neighbours.of(case).others(source)


@dataclass(frozen=True)
class Neighbours:
    """Which dyads share a state: sides (dyads, 2) states by index, member (dyads, states) 1 where a state belongs."""

    sides: NDArray[np.int64]
    member: NDArray[np.float32]
    one_host: bool

    @classmethod
    def of(cls, case: Case) -> Neighbours:
        """The neighbours of a case's dyads."""
        states = {state: i for i, state in enumerate(dict.fromkeys(state for pair in case.sides for state in pair))}
        sides = np.array([[states[state] for state in pair] for pair in case.sides], dtype=np.int64)
        one_host = len(set(sides[:, 0])) == 1
        member = np.zeros((len(sides), len(states)), dtype=np.float32)
        if not one_host:
            np.put_along_axis(member, sides, 1.0, axis=1)
        return cls(sides, member, one_host)

    def others(self, events: Floats) -> Floats:
        """Events of other dyads at either state: those of both states less twice its own, (..., dyads) as given.

        >>> from types import SimpleNamespace
        >>> pairs = (("A", "B"), ("B", "C"), ("C", "D"))
        >>> Neighbours.of(SimpleNamespace(sides=pairs)).others(np.array([[1.0, 0.0, 0.0]])).tolist()
        [[0.0, 1.0, 0.0]]
        """
        if self.one_host:
            return events.sum(axis=-1, keepdims=True) - events
        by_state = events.astype(self.member.dtype) @ self.member
        both = by_state[..., self.sides[:, 0]] + by_state[..., self.sides[:, 1]]
        return (both - 2.0 * events).astype(events.dtype)


def fade(seen: Floats, half_life: float | Floats) -> Floats:
    """What is left of the events seen up to and in every period: sum of 2^(-gap / half_life), gap 0 in the period.

    Parameters: seen (periods, ...) event counts; half_life in periods, a number or an array of shape S.
    Returns S + (periods, ...).
    """
    decay = np.exp2(-1.0 / np.asarray(half_life, dtype=float))
    decay = decay.reshape(decay.shape + (1,) * (seen.ndim - 1))
    out = np.empty((len(seen), *np.broadcast_shapes(decay.shape, seen.shape[1:])))
    state = np.zeros(out.shape[1:])
    for t, now in enumerate(seen):
        state *= decay
        state += now
        out[t] = state
    return np.moveaxis(out, 0, np.ndim(half_life))


def remember(seen: Floats, half_life: float | Floats, same_period: bool) -> Floats:
    """Memory of past events in every period.

    m[t] = log2(1 + sum over events i seen up to t of 2^(-gap_i / half_life)). An event in the same period has gap 0 on
    a same-period edge; on any other edge, one in the period before has.

    Parameters: seen (periods, ...) event counts; half_life in periods, a number or an array of shape S.
    Returns S + (periods, ...).

    >>> remember(np.array([[1.0], [0.0], [0.0]]), 1.0, same_period=False).ravel().round(3).tolist()
    [0.0, 1.0, 0.585]
    """
    left = fade(seen, half_life)
    if not same_period:
        left = np.roll(left, 1, axis=np.ndim(half_life))
        left[(slice(None),) * np.ndim(half_life) + (0,)] = 0.0
    return np.log2(1.0 + left)


def residue(seen: Floats, half_life: Floats) -> Floats:
    """What is left of past events at the end of the record: sum of 2^(-gap / half_life), an event of the last period
    having gap 0.

    Parameters: seen (periods, units); half_life (draws,) in periods. Returns (draws, units).
    """
    active = np.flatnonzero(seen.any(axis=1))
    if active.size == 0:
        return np.zeros((len(half_life), seen.shape[1]))
    gaps = len(seen) - 1 - active
    return np.exp2(-gaps[None, :] / np.asarray(half_life, dtype=float)[:, None]) @ seen[active]
