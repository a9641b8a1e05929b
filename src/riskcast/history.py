"""Events and series -> arrays on the case's calendar, and the memories that event types have of past events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case import Case, Effect
from riskcast.names import ALL_DYADS, CONTEXT
from riskcast.timeline import Timeline

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Record:
    """What a case knows of the past, as arrays.

    occurred[event]: (periods, units) of 0 or 1; at_risk[event]: (periods, units) of bool, whether the record would
    hold the event had it happened; levels[indicator]: (periods, units) in steps from the reference, one column for an
    indicator of the host; years: calendar year of every period.
    """

    timeline: Timeline
    occurred: Mapping[str, Floats]
    at_risk: Mapping[str, NDArray[np.bool_]]
    levels: Mapping[str, Floats]
    years: NDArray[np.int64]


def build_record(case: Case) -> Record:
    """Put a case's events and series on its calendar."""
    settings = case.settings
    timeline = Timeline(settings.as_of, settings.period, settings.history_from)
    periods = timeline.length
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
    return Record(timeline, occurred, at_risk, levels, timeline.years())


def _levels(case: Case, name: str, timeline: Timeline) -> Floats:
    """Steps of one indicator in every period: between dated values by straight line, beyond the first held level."""
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
    today = float(np.datetime64(case.as_of).astype(int))
    for column, unit in enumerate(units):
        points = sorted([*dated[unit], (today, indicator.now_of(unit).center)])
        days, values = np.array(points).T
        steps[:, column] = np.interp(middles, days, indicator.steps(values))
    return steps


def seen_events(effect: Effect, case: Case, occurred: Mapping[str, Floats]) -> Floats:
    """Events of the edge's source that each unit of its target sees: (periods, units of target)."""
    source = occurred[effect.source]
    units = len(case.units(effect.target))
    if effect.whose in ("own", "host"):
        return np.broadcast_to(source, (len(source), units))
    total = source.sum(axis=1, keepdims=True)
    if effect.whose == "any":
        return np.broadcast_to(total, (len(source), units))
    return total - source


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
