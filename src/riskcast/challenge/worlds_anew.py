"""A record gone through again on many worlds, period by period: rates, levels and memories as what happens changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskcast.case.model import Case
from riskcast.case.raises import mean_rise, seen_by
from riskcast.challenge.edges_anew import EdgeAnew, Happenings
from riskcast.challenge.removals import Reduced
from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import EventModel, tension_periods
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.days_ahead import DaysAhead, draw_day
from riskcast.forecasting.edges_ahead import draw_known_number, draw_number
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import Record, day_number, middles
from riskcast.record.sights import numbers_of_events

# Event type, period, rates of what is recorded (worlds, units): what happens in the period.
Decide = Callable[[str, int, Floats], Happenings]


@dataclass
class Raising:
    """What events of one type do to an indicator, against what those of the record have done: steps, half-life in
    periods, and `away` (worlds, units of the type), fresh events by which worlds differ at the middle of the period."""

    indicator: str
    event: str
    steps: float
    half_life: float
    away: Floats


class Worlds:
    """Worlds that share the past of a record up to a period: of each, one draw of the parameters and what happens.

    Levels are the record's, with what the worlds' own events raise in place of the record's, at the prior means, as in
    the fit; shocks, tension and dyad effects are those of the draw. starts: the states of edges before; told: the
    record that happenings `as_told` are as in, and moments, when they were; of_record: the same of the record itself.
    """

    def __init__(
        self,
        posterior: Posterior,
        events: Mapping[str, EventDraws],
        told: Record,
        since: int,
        starts: Mapping[str, Sequence[Floats]],
        moments: Mapping[str, Floats],
        of_record: Mapping[str, Floats],
    ) -> None:
        case, record = posterior.case, posterior.record
        self.case, self.told, self.since, self.until = case, told, since, record.timeline.length
        self._record, self._moments, self._of_record = record, moments, of_record
        self._worlds = len(next(iter(events.values())).coefficients)
        self._settled = {name: _Settled(case, record, posterior.models[name], events[name]) for name in case.order}
        self._edges = {
            name: [
                EdgeAnew(case, told, posterior.models[name], place, events[name], start)
                for place, start in enumerate(starts[name])
            ]
            for name in case.order
        }
        self._raising = [
            Raising(name, event, *mean_rise(rise), np.zeros((self._worlds, len(case.units(event)))))
            for name in record.unraised
            for event, rise in case.indicators[name].raises.items()
        ]
        self._middles = middles(record.timeline)

    def go_on(self, decide: Decide) -> None:
        """Go through the record's periods from the first that is not shared to its last."""
        for t in range(self.since, self.until):
            levels, now = self._levels(t), dict[str, Happenings]()
            for event in self.case.order:
                eta = self._settled[event].log_rate(t, levels)
                for edge in self._edges[event]:
                    eta = eta + edge.felt(t, levels, now)
                with np.errstate(over="ignore", invalid="ignore"):
                    rate = self._record.exposure[event][t] * np.exp(eta)
                now[event] = decide(event, t, rate)
            for edges in self._edges.values():
                for edge in edges:
                    edge.step(t, levels, now)
            if t + 1 < self.until:
                for raising in self._raising:
                    self._let_fade(raising, t, now[raising.event])

    def _levels(self, t: int) -> dict[str, Floats]:
        """Every indicator's level in a period, in steps: (1 or worlds, units)."""
        levels = {name: own[t][None] for name, own in self._record.levels.items()}
        for raising in self._raising:
            rise = self.case.indicators[raising.indicator].raises[raising.event]
            seen = seen_by(self.case, rise, raising.event, raising.indicator, raising.away)
            levels[raising.indicator] = levels[raising.indicator] + raising.steps * seen
        return levels

    def _let_fade(self, raising: Raising, t: int, mine: Happenings) -> None:
        """Take what worlds differ by from the middle of a period to that of the next, with the period's events."""
        at, event = self._middles[t + 1], raising.event
        first = self._record.timeline.first + t
        begin = self.case.calendar.first_day(first)
        length = (self.case.calendar.first_day(first + 1) - begin).days
        anew = np.where(mine.happened, first + (mine.day - 0.5) / length, np.nan)
        moment = np.where(mine.as_told, self._moments[event][t], anew)
        fresh, recorded = (
            np.nan_to_num(np.exp2(-(at - when) / raising.half_life)) for when in (moment, self._of_record[event][t])
        )
        kept = np.exp2(-(at - self._middles[t]) / raising.half_life)
        raising.away = raising.away * kept + (fresh - recorded)


class _Settled:
    """The part of an event type's log rates that no event changes, but for indicators that events raise."""

    def __init__(self, case: Case, record: Record, model: EventModel, drawn: EventDraws) -> None:
        self._base = drawn.coefficients[:, 0, None] + drawn.effects
        ids = list(model.coefficients)
        self._slopes = [
            (one.source, drawn.coefficients[:, ids.index(one.id), None])
            for one in case.effects_on(model.event)
            if not one.is_escalation
        ]
        periods = tension_periods(case, record)
        # Years without rows at risk have no shock; nothing is recorded in them, so that any will do.
        self._year = np.searchsorted(model.years, record.years if periods is None else periods)
        self._year = self._year.clip(0, len(model.years) - 1)
        self._shocks = drawn.shocks

    def log_rate(self, t: int, levels: Mapping[str, Floats]) -> Floats:
        """In a period, at some levels: (worlds, units)."""
        eta = self._base + self._shocks[:, self._year[t], None]
        for source, slope in self._slopes:
            eta = eta + slope * levels[source]
        return eta


class Factual:
    """Decides as the record has it, and keeps the rates: by event type and period, (worlds, units)."""

    def __init__(self, record: Record) -> None:
        self._record, self.rates = record, dict[tuple[str, int], Floats]()

    def __call__(self, event: str, t: int, rate: Floats) -> Happenings:
        self.rates[event, t] = rate
        happened = np.broadcast_to(self._record.occurred[event][t] > 0.0, rate.shape)
        nothing = np.zeros(rate.shape)
        return Happenings(happened, np.ones(rate.shape, dtype=bool), nothing, nothing)


class Abducted:
    """Decides by uniforms that are drawn given what the record has, at other rates than the record's.

    Given that an event happened, its uniform u is uniform below the chance p0 that it had; given that none did, above.
    At a chance p1 it happens where u < p1: kept with chance min(1, p1 / p0), and anew with (p1 - p0) / (1 - p0), which
    is 1 - exp(-(r1 - r0)) of the rates, so that the day and the number of what is new are those of the added rate.

    By event type and period, (worlds, units) each: kept, the chance that a cell of the record is as it was; added, that
    an empty one has an event; now, what has happened. `rates` are those of the record; `uniforms` gives new ones.
    """

    def __init__(
        self,
        case: Case,
        record: Record,
        reduced: Reduced,
        rates: Mapping[tuple[str, int], Floats],
        uniforms: Callable[[str, int], Floats],
    ) -> None:
        self._reduced, self._rates, self._uniforms = reduced, rates, uniforms
        self.kept, self.added, self.now = (dict[tuple[str, int], Any]() for _ in range(3))
        self._known = {event: numbers_of_events(case, record, event) for event in record.numbers}
        line = record.timeline
        starts, ends = (days.astype("datetime64[D]").astype(np.int64) for days in (line.starts, line.ends))
        # In the first period what is new comes after the day from which worlds differ.
        starts[reduced.since] = max(starts[reduced.since], day_number(reduced.first_day))
        wholes = np.array([day_number(case.calendar.first_day(line.first + t)) for t in range(line.length + 1)])
        self._days = DaysAhead(starts - wholes[:-1] + 1, np.maximum(ends - starts + 1, 1), np.diff(wholes))

    def __call__(self, event: str, t: int, rate: Floats) -> Happenings:
        told = self._reduced.told.occurred[event][t] > 0.0
        settled = self._reduced.settled[event][t]
        before, uniform = self._rates[event, t], self._uniforms(event, t)
        kept = kept_chance(before, rate)
        kept[:, settled] = 1.0
        with np.errstate(invalid="ignore"):
            added = np.where(rate > before, rate - before, 0.0)
        chance = np.where(told | settled, 0.0, -np.expm1(-added))
        # The chance of a cell that is kept is below 1 only where its rate has fallen.
        happened = np.where(told, (kept >= 1.0) | (uniform < kept), uniform < chance)
        anew = happened & ~told
        day = draw_day(uniform, chance, self._days, t) if anew.any() else np.zeros(rate.shape)
        if event in self._known:
            number = draw_known_number(uniform, chance, self._known[event], anew)
        else:
            number = draw_number(uniform, added, anew)
        self.kept[event, t], self.added[event, t] = kept, chance
        self.now[event, t] = Happenings(happened, happened == told, day, number)
        return self.now[event, t]


def kept_chance(before: Floats, after: Floats) -> Floats:
    """The chance that what happened at one rate would have happened at another: min(1, p1 / p0), p = 1 - exp(-rate).

    >>> kept_chance(np.array([0.1, 0.1]), np.array([0.2, 0.05])).round(3).tolist()
    [1.0, 0.512]
    """
    fallen = after < before
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.expm1(-after) / np.expm1(-before)
    return np.where(fallen, np.minimum(ratio, 1.0), 1.0)
