"""Records drawn period by period: what edges feel of what has been drawn, and the events as a record holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from riskcast.case.model import Case, Effect
from riskcast.case.settings import RATE
from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import EventModel, half_life_ratio
from riskcast.forecasting.days_ahead import DaysAhead, draw_day
from riskcast.forecasting.edges_ahead import draw_known_number, draw_number
from riskcast.machinery.array_types import Bools, Floats, Ints
from riskcast.record.arrays import Dated, Record, day_number
from riskcast.record.memory import fading, memory_of, seen_of
from riskcast.record.sights import numbers_of_events, periods_reached, settings_of, source_grid

NO_ROWS = np.zeros((0, 5), dtype=np.int64)
NOTHING = Dated(*NO_ROWS.T)


class RecordDrawing:
    """A record that is drawn over the periods and rows at risk of another, `blank`.

    `levels`: by indicator, (periods, units) in steps, of which those that events raise are written as periods go by.
    """

    def __init__(
        self, case: Case, blank: Record, models: Mapping[str, EventModel], levels: Mapping[str, Floats]
    ) -> None:
        self._case, self._blank, self._models, self._levels = case, blank, models, levels
        self.occurred = {event: np.zeros_like(blank.occurred[event]) for event in case.order}
        self._dated: dict[str, list[Ints]] = {event: [] for event in case.order}
        line = blank.timeline
        starts, ends = (days.astype("datetime64[D]").astype(np.int64) for days in (line.starts, line.ends))
        self._wholes = np.array([day_number(case.calendar.first_day(line.first + t)) for t in range(line.length + 1)])
        self._days = DaysAhead(starts - self._wholes[:-1] + 1, ends - starts + 1, np.diff(self._wholes))
        self._now: dict[str, Dated] = {}
        self._quiet: dict[str, Floats] = {}
        self._known = {event: numbers_of_events(case, blank, event) for event in blank.numbers}
        self._numbers = {event: np.zeros_like(blank.numbers[event]) for event in blank.numbers}

    def edges_of(self, event: str, truth: EventDraws) -> list[EdgeDrawn]:
        """The escalation edges of an event type, at the first draw of its parameters."""
        effects = [effect for effect in self._case.effects_on(event) if effect.is_escalation]
        acting = self._case.half_life_effects_on(event)
        shape = self._blank.occurred[event].shape
        stretches = {
            effect.id: [
                (truth.hyper[half_life_ratio(one)][0], np.broadcast_to(self._levels[one.source], shape))
                for one in acting
                if one.memory == effect.memory
            ]
            for effect in effects
        }
        return [
            EdgeDrawn(self, self._case, self._models[event], effect, truth, stretches[effect.id]) for effect in effects
        ]

    def note(self, event: str, t: int, at_risk: Bools, uniform: Floats, chance: Floats, mean: Floats) -> None:
        """Draw the events of one type in a period: they happen where the uniform is below their chance."""
        happened = at_risk & (uniform < chance)
        self.occurred[event][t] = happened
        if event in self._known:
            self._numbers[event][t] = draw_known_number(uniform, chance, self._known[event], happened)
            return
        if not happened.any():
            self._now[event] = NOTHING
            self._dated[event].append(NO_ROWS)
            return
        unit = np.flatnonzero(happened)
        placed = draw_day(uniform, chance, self._days, t)[unit].astype(np.int64) - 1 + self._wholes[t]
        # Nothing is known of the order within a period but that of same-period edges.
        first, last = self._wholes[t], self._wholes[t + 1] - 1
        number = draw_number(uniform, mean, happened)[unit].astype(np.int64)
        one = [np.full(len(unit), t), unit, np.full(len(unit), first), np.full(len(unit), last), placed]
        rows = np.repeat(np.stack(one, axis=1), number, axis=0)
        self._now[event] = Dated(*rows.T)
        self._dated[event].append(rows)

    def seen(self, effect: Effect, t: int) -> Floats:
        """What an edge sees of a period, as its memory's steps take it: (units,), behind the parts."""
        source = effect.source
        if source in self._numbers:
            own, numbers = self.occurred[source][t : t + 1], self._numbers[source][t : t + 1]
            part = replace(self._blank, occurred={source: own}, numbers={source: numbers})
            return seen_of(effect, self._case, source_grid(effect, self._case, part, (t, np.zeros(0, np.int64))))[0]
        now = self._now[source]
        # Most periods hold nothing, which all but rates see alike whenever it is.
        quiet = not len(now.unit) and settings_of(effect, self._case).kind != RATE
        if quiet and effect.id in self._quiet:
            return self._quiet[effect.id]
        part = replace(self._blank, dated={source: now})
        seen = seen_of(effect, self._case, source_grid(effect, self._case, part, (t, np.arange(len(now.unit)))))[0]
        if quiet:
            self._quiet[effect.id] = seen
        return seen

    def answered(self, effect: Effect, t: int) -> Bools:
        """In which units the target of an edge has happened in a period."""
        return self.occurred[effect.target][t] > 0.0

    def record(self) -> Record:
        """The blank record with what was drawn."""
        counted = {event: happened > 0.0 for event, happened in self.occurred.items()}
        dated = {event: Dated(*np.concatenate(rows).T) for event, rows in self._dated.items() if rows}
        return replace(self._blank, occurred=self.occurred, counted=counted, dated=dated, numbers=self._numbers)


class EdgeDrawn:
    """An escalation edge on a record that is drawn period by period."""

    def __init__(
        self,
        drawing: RecordDrawing,
        case: Case,
        model: EventModel,
        effect: Effect,
        truth: EventDraws,
        stretches: list[tuple[Floats, Floats]],
    ) -> None:
        self._drawing, self._effect = drawing, effect
        edges = [own for own in model.coefficients if own in {one.id for one in case.effects if one.is_escalation}]
        edge = model.escalations[edges.index(effect.id)]
        self._slope = truth.coefficients[0, model.coefficients.index(effect.id)]
        self._memory, self._same = memory_of(case, str(effect.memory)), edge.same_period
        half_life = truth.hyper[f"half_life.{effect.memory}"][0] if edge.fades else np.ones(())
        self._fade = fading(self._memory, half_life, stretches)
        self._blank = None if edge.sight is None else edge.sight.blank
        units = len(case.units(effect.target))
        days = settings_of(effect, case).days
        parts = () if not self._memory.stacked else (2 if days is None else 1 + periods_reached(case, days),)
        self._fresh = self._state = np.full((*parts, units), self._memory.first)

    def felt(self, t: int) -> Floats:
        """What the edge adds to log rates in a period: (units,)."""
        if not self._same:
            return self._slope * self._memory.value(self._memory.ahead(self._state))
        seen = self._drawing.seen(self._effect, t)
        return self._slope * self._memory.value(self._memory.step(self._state, self._fade(t), seen))

    def step(self, t: int) -> None:
        """Let a period go by, of which all events are drawn."""
        seen = self._drawing.seen(self._effect, t)
        state = self._memory.step(self._state, self._fade(t), seen)
        if self._effect.spent:
            left = np.zeros_like(seen) if self._same else seen
            after = self._memory.step(self._fresh, self._fade(t), left)
            state = np.where(self._drawing.answered(self._effect, t), after, state)
        self._state = state if self._blank is None else np.where(self._blank[t], self._fresh, state)
