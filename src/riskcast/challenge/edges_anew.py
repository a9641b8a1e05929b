"""Escalation edges on many worlds that go on from a record: what of each is as it was, and what has happened anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case, Effect
from riskcast.case.settings import IMMEDIATE, PER_TIME
from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import EventModel
from riskcast.machinery.array_types import Bools, Floats
from riskcast.record.arrays import Record
from riskcast.record.half_lives import stretched
from riskcast.record.memory import Neighbours, memory_of, reached
from riskcast.record.sights import came_before, period_starts, periods_reached, settings_of, sight_of, source_grid
from riskcast.record.ties import TIED, Ties


@dataclass
class Happenings:
    """What has happened of one type in the period that goes by: happened (worlds, units) of bool; as_told, where that
    is as the record that is told has it; day and number (worlds, units), of what has happened anew."""

    happened: Bools
    as_told: Bools
    day: Floats
    number: Floats


def state_before(case: Case, record: Record, model: EventModel, place: int, drawn: EventDraws, since: int) -> Floats:
    """What one of a model's edges remembers of the periods of a record before `since`: (draws, units), behind its parts
    where states are stacked."""
    effect, edge = edge_effect(case, model, place), model.escalations[place]
    draws, units = len(drawn.coefficients), len(case.units(effect.target))
    half_life = drawn.hyper[f"half_life.{effect.memory}"] if edge.fades else np.ones(1)
    stretches = [(drawn.hyper[name], levels) for name, levels in edge.stretches]
    sight = sight_of(effect, case, record) if edge.sight is None else edge.sight
    memory = memory_of(case, str(effect.memory))
    state = memory.state_of(sight, half_life, since, edge.same_period, stretches)
    return np.broadcast_to(state, (*state.shape[:-2], draws, units))


def edge_effect(case: Case, model: EventModel, place: int) -> Effect:
    """The effect of a case that is one of a model's escalation edges."""
    return [one for one in case.effects_on(model.event) if one.is_escalation][place]


class EdgeAnew:
    """One edge on some worlds, from a period of a record on, where its state is `start`.

    `told` is the record whose events stand where nothing has changed. Events that happen anew have the order of the
    forecast: within a period that of the edges, and no other.
    """

    def __init__(
        self, case: Case, told: Record, model: EventModel, place: int, drawn: EventDraws, start: Floats
    ) -> None:
        effect, edge = edge_effect(case, model, place), model.escalations[place]
        self.source, self.target, self.same = effect.source, effect.target, edge.same_period
        self._effect, self._case, self._told = effect, case, told
        self._memory, self._settings = memory_of(case, str(effect.memory)), settings_of(effect, case)
        self._slope = drawn.coefficients[:, model.indicators + place, None]
        half_life = drawn.hyper[f"half_life.{effect.memory}"][:, None] if edge.fades else np.ones((1, 1))
        acting = [one.source for one in case.half_life_effects_on(effect.target) if one.memory == effect.memory]
        ratios = [np.log(drawn.hyper[name])[:, None] for name, _ in edge.stretches]
        self._stretches = list(zip(acting, ratios, strict=True))
        self._log_half_life, self._decay = np.log(half_life), self._memory.decay(half_life)
        self._blank = None if edge.sight is None else edge.sight.blank
        self._units, self._state = len(case.units(effect.target)), start
        self._fresh = np.full_like(start, self._memory.first)
        self._grid = source_grid(effect, case, told)
        self._ties = Ties.of(effect, case) if effect.whose in TIED else None
        plain = self._ties is not None or effect.whose in ("own", "host", "any")
        self._neighbours = None if plain else Neighbours.of(case.pairs.values())
        self._answered = told.occurred[effect.target] > 0.0 if effect.spent else None
        days, line = self._settings.days, told.timeline
        self._later = 0 if days is None else periods_reached(case, days)
        self._lengths = np.diff(period_starts(case, line, 0, 0 if days is None else line.length + self._later + 2))

    def felt(self, t: int, levels: Mapping[str, Floats], now: Mapping[str, Happenings]) -> Floats:
        """What the edge adds to log rates in a period: (worlds, units)."""
        memory = self._memory
        if not self.same:
            return self._slope * memory.value(memory.ahead(self._state))
        fade, mine = self._fade(levels), now[self.source]
        felt = memory.value(memory.step(self._state, fade, self._seen(t, mine, self._grid[t])))
        if self._answered is not None:
            # A cell in which an answer is told feels the triggers that came before it.
            for unit in np.flatnonzero(self._answered[t]).tolist():
                upto = self._seen(t, mine, self._part(t, unit, before=True))
                felt[:, unit] = memory.value(memory.step(self._state, fade, upto))[:, unit]
        return self._slope * felt

    def step(self, t: int, levels: Mapping[str, Floats], now: Mapping[str, Happenings]) -> None:
        """Let a period go by, of which all events are known."""
        memory, fade, mine = self._memory, self._fade(levels), now[self.source]
        seen = self._seen(t, mine, self._grid[t])
        state = memory.step(self._state, fade, seen)
        if self._answered is not None:
            answers = now[self.target]
            left = np.zeros_like(seen) if self.same else seen
            after = memory.step(self._fresh, fade, left)
            for unit in np.flatnonzero(self._answered[t]).tolist():
                seen_after = self._seen(t, mine, self._part(t, unit, before=False), anew=not self.same)
                stepped = memory.step(self._fresh, fade, seen_after)
                after[..., unit] = np.where(answers.as_told[:, unit], stepped[..., unit], after[..., unit])
            state = np.where(answers.happened, after, state)
        self._state = state if self._blank is None else np.where(self._blank[t], self._fresh, state)

    def _fade(self, levels: Mapping[str, Floats]) -> Floats:
        """What the period leaves of what was there before: (worlds, 1), or (worlds, units) under indicators."""
        if not self._stretches:
            return self._decay
        moved = [(ratio, levels[name]) for name, ratio in self._stretches]
        return self._memory.decay(stretched(self._log_half_life, moved))

    def _part(self, t: int, unit: int, before: bool) -> Floats:
        """What is told of the source in a period up to the answer that is told of a unit, or after it; shaped like a
        row of `source_grid`."""
        effect, case, told = self._effect, self._case, self._told
        triggers, answers = told.dated.get(self.source), told.dated.get(self.target)
        if triggers is None or answers is None:
            return self._grid[t] if before == self.same else np.zeros_like(self._grid[t])
        here = np.flatnonzero(triggers.period == t)
        if not len(here) and self._settings.kind not in PER_TIME:
            return np.zeros_like(self._grid[t])
        first = came_before(triggers, here, answers, t, unit, self.same)
        return source_grid(effect, case, told, (t, here[first if before else ~first]))[0]

    def _seen(self, t: int, mine: Happenings, told: Floats, anew: bool = True) -> Floats:
        """What units of the target see: of `told` where the source is as told, else of what has happened anew, if that
        is to be seen: (worlds, units), behind the parts."""
        fresh = mine.happened.astype(float)
        counted = self._weighed(mine, fresh)
        if self._settings.kind == IMMEDIATE:
            lengths = self._lengths[t : t + self._later + 1].tolist()
            shares = reached(mine.day, lengths, int(self._settings.days or 0)) * fresh
            counted = np.concatenate([fresh[None], shares])
        elif self._settings.kind in PER_TIME:
            covered = np.broadcast_to(told[1], fresh.shape)
            counted = np.stack([np.where(covered > 0.0, counted, 0.0), covered])
        if not anew:
            counted = np.zeros_like(counted)
        return self._visible(t, np.where(mine.as_told, told[..., None, :], counted))

    def _weighed(self, mine: Happenings, fresh: Floats) -> Floats:
        """What has happened anew as the memory counts it: (worlds, units)."""
        weight = self._settings.weight
        if weight == "severity":
            return fresh * float(self._case.events[self.source].severity or 0.0) / 100.0
        if weight == "log_count":
            return np.log2(1.0 + mine.number)
        return mine.number if weight == "count" else fresh

    def _visible(self, t: int, source: Floats) -> Floats:
        if self._ties is not None:
            return self._ties.at(self._told.timeline.first + t).seen(str(self._effect.whose), source)
        if self._neighbours is not None:
            return np.maximum(self._neighbours.seen(str(self._effect.whose), source), 0.0)
        if self._effect.whose == "any":
            source = source.sum(axis=-1, keepdims=True)
        return np.broadcast_to(source, (*source.shape[:-1], self._units))
