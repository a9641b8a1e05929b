"""What events raise: when those that lift an indicator happened, and what is left of them at a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.links import IDENTITY, LOG
from riskcast.case.periods import Calendar
from riskcast.case.quantities import elicit
from riskcast.machinery.array_types import Floats, Ints
from riskcast.names import ALL_DYADS

if TYPE_CHECKING:
    from riskcast.case.model import Case, Raise


@dataclass(frozen=True)
class PastEvents:
    """The events of one type in a record, one for each unit and period: (events,) each.

    unit: where, by its place among the units of the type; period: the number of its period; at: when, in periods.
    """

    unit: Ints
    period: Ints
    at: Floats


def moment(calendar: Calendar, day: dt.date, part: float = 0.5) -> float:
    """A day, at so much of it, as a number of periods: the period's own, and the share of it that has gone by.

    >>> from riskcast.case.periods import Months
    >>> moment(Months("month"), dt.date(2024, 4, 15), 1.0) - Months("month").number(dt.date(2024, 4, 15))
    0.5
    """
    number = calendar.number(day)
    first, after = calendar.first_day(number), calendar.first_day(number + 1)
    return number + ((day - first).days + part) / (after - first).days


def past_events(case: Case, event: str) -> PastEvents:
    """The events of a type that the record holds; of several in one unit and period the first.

    An event stands in the middle of its day, or of a panel's period.
    """
    calendar, found = case.calendar, dict[tuple[int, int], float]()
    if case.panel is not None:
        happened = np.nan_to_num(case.panel.happened(event, case.events[event].at_least)) > 0.0
        is_past = case.panel.period <= calendar.number(case.as_of)
        shared = case.events[event].scope == "host"
        for row in np.flatnonzero(happened & is_past).tolist():
            unit, period = 0 if shared else int(case.panel.unit[row]), int(case.panel.period[row])
            found[unit, period] = period + 0.5
    units = {unit: place for place, unit in enumerate(case.units(event))}
    for row in case.event_rows:
        if row.type != event or row.known_on > case.as_of:
            continue
        at, period = moment(calendar, row.placed_on), calendar.number(row.placed_on)
        for unit in units.values() if row.dyad == ALL_DYADS else (units[row.dyad],):
            found[unit, period] = min(at, found.get((unit, period), at))
    keys = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    return PastEvents(keys[:, 0], keys[:, 1], np.array([found[unit, period] for unit, period in keys.tolist()]))


def left_at(past: PastEvents, units: int, at: Floats, half_life: float | Floats, before: Ints | None = None) -> Floats:
    """How many fresh events are left of those that have happened by some moments, in each unit: (moments, units).

    The sum of 2^(-gap / half-life), gap in periods, half_life one for all or (moments, 1); with `before`, of events in
    periods before those numbers alone.
    """
    gap = at[:, None] - past.at
    felt = gap >= 0.0 if before is None else past.period < before[:, None]
    left = np.where(felt, np.exp2(-np.maximum(gap, 0.0) / half_life), 0.0)
    out = np.zeros((len(at), units))
    for unit in np.unique(past.unit).tolist():
        out[:, unit] = left[:, past.unit == unit].sum(axis=1)
    return out


def seen_by(case: Case, rise: Raise, event: str, name: str, left: Floats) -> Floats:
    """What units of an indicator see of what is left in those of an event type: (moments, units of the indicator)."""
    units = len(case.dyads) if case.indicators[name].scope == "dyad" else 1
    if rise.whose in ("own", "host"):
        return np.broadcast_to(left, (len(left), units))
    if rise.whose == "any":
        return np.broadcast_to(left.sum(axis=1, keepdims=True), (len(left), units))
    pairs = [pair.states for pair in case.pairs.values()]
    states = {state: place for place, state in enumerate(dict.fromkeys(state for pair in pairs for state in pair))}
    by_state = np.zeros((len(left), len(states)))
    sides = np.array([[states[state] for state in pair] for pair in pairs])
    for dyad, side in np.ndindex(sides.shape):
        by_state[:, sides[dyad, side]] += left[:, dyad]
    own, places = left.copy(), {pair: place for place, pair in enumerate(pairs)}
    for place, (first, second) in enumerate(pairs):
        # The same two states the other way round share both, and are no other dyad that shares one.
        if (second, first) in places:
            own[:, place] += left[:, places[second, first]]
    return by_state[:, sides[:, 0]] + by_state[:, sides[:, 1]] - 2.0 * own


def mean_rise(rise: Raise) -> tuple[float, float]:
    """Steps and half-life at the means of their priors, the latter's on the logarithmic scale."""
    half_life = elicit(rise.half_life, LOG)
    return float(elicit(rise.steps, IDENTITY).mean), float(np.exp(half_life.mean))


def raised_at(
    case: Case, name: str, at: Floats, before: Ints | None = None, events: Mapping[str, PastEvents] | None = None
) -> Floats:
    """By how many steps past events lift an indicator at some moments: (moments, units of the indicator).

    sum over event types of steps * sum over events of 2^(-gap / half-life), at the means of the priors; arguments as
    for `left_at`, and `events` where they are not those of the record.
    """
    units = len(case.dyads) if case.indicators[name].scope == "dyad" else 1
    total = np.zeros((len(at), units))
    for event, rise in case.indicators[name].raises.items():
        steps, half_life = mean_rise(rise)
        past = past_events(case, event) if events is None else events[event]
        left = left_at(past, len(case.units(event)), at, half_life, before)
        total += steps * seen_by(case, rise, event, name, left)
    return total
