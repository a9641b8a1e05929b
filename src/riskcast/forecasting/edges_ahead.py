"""Escalation edges, on the paths of a block, whose memories ask for more than whether events happened: for the day of
each event, the number of events, an answer that spends them, or a half-life that indicators stretch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.settings import IMMEDIATE, PER_TIME
from riskcast.forecasting.edge_plans import Beyond, Edge
from riskcast.forecasting.plan import EventPlan, Plan
from riskcast.forecasting.work_arrays import WORK, Active, empty_paths, full, work
from riskcast.machinery.array_types import Bools, Floats, Ints
from riskcast.record.half_lives import stretched
from riskcast.record.memory import reached

MOST_EVENTS = 1000.0
# From there the number of events is near enough to its mean.
MANY_EVENTS = 30.0


@dataclass
class Drawn:
    """What is known of the events of one type in the cell that goes by, (paths, units) each: day, the day of its
    period, from 1, where it is asked for; number, how many there were, where it is asked for."""

    day: Floats | None = None
    number: Floats | None = None


def draw_number(uniform: Floats, mean: Floats, happened: Bools) -> Floats:
    """How many events there were where there were any: Poisson of a mean, at least 1, by inversion at 1 - uniform.

    There is at least one where uniform < 1 - exp(-mean), which is where 1 - uniform is beyond exp(-mean).

    >>> draw_number(np.array([0.5, 0.01, 0.9]), np.full(3, 1.0), np.array([True, True, False])).tolist()
    [1.0, 4.0, 0.0]
    """
    out = np.zeros(np.shape(mean))
    at = np.nonzero(happened)
    level, size = 1.0 - np.broadcast_to(uniform, out.shape)[at], np.asarray(mean, dtype=float)[at]
    few = np.minimum(size, MANY_EVENTS)
    share = np.exp(-few)
    total, count = share.copy(), np.zeros(len(few))
    for k in range(1, 200):
        more = (level > total) & (count == k - 1)
        if not more.any():
            break
        count[more] = k
        share = share * few / k
        total = total + share
    out[at] = np.maximum(np.where(size > MANY_EVENTS, np.minimum(np.round(size), MOST_EVENTS), count), 1.0)
    return out


def draw_known_number(uniform: Floats, chance: Floats, known: Floats, happened: Bools) -> Floats:
    """How many events there were where there were enough: one of the numbers `known` of such periods, from the least.

    The event happened where uniform < chance, and 1 - uniform / chance is uniform there.

    >>> draw_known_number(np.array([0.0, 0.35, 0.6]), np.full(3, 0.5), np.array([3.0, 9.0]), np.array([1, 1, 0]) > 0)
    array([9., 3., 0.])
    """
    out = np.zeros(np.shape(chance))
    at = np.nonzero(happened)
    place = np.broadcast_to(uniform, out.shape)[at] / np.asarray(chance, dtype=float)[at]
    from_top = np.minimum((place * len(known)).astype(np.int64), len(known) - 1)
    out[at] = known[len(known) - 1 - from_top]
    return out


class EdgeAhead:
    """One such edge on a block of paths: what it adds to log rates cell by cell, and how its memory steps.

    `happened`, `drawn`: by event type, what has happened in the cell so far, kept up to date by whoever simulates.
    """

    def __init__(
        self,
        plan: Plan,
        p: EventPlan,
        edge: Edge,
        beyond: Beyond,
        draw: Ints,
        happened: Mapping[str, Floats],
        drawn: Mapping[str, Drawn],
        active: Active | None,
    ) -> None:
        self._edge, self._beyond, self._happened, self._drawn = edge, beyond, happened, drawn
        self._days, self._units = plan.days, p.units
        self._there = work(next(one.present for one in plan.events if one.event == edge.source).astype(float)[None])
        self._gain, self._decay = work(edge.gain[draw, None]), work(edge.decay[draw, None])
        self._keep = None if active is None else active.recent[edge.source][:, None]
        start = edge.start[..., draw, :]
        if self._keep is not None:
            without = beyond.without[..., draw, :]
            start = without + self._keep * (start - without)
        self._state = _laid(start)
        # Written over at every step: fresh arrays of this size cost more than the arithmetic.
        self._next, self._shaped = np.empty_like(self._state), full(len(draw), p.units, 0.0)
        self._stretches = [(name, work(size[draw, None])) for name, size in beyond.stretches]
        self._log_half_life = None if beyond.half_life is None else work(np.log(beyond.half_life)[draw, None])

    def felt(self, cell: int, levels: Mapping[str, Floats]) -> Floats:
        """What the edge adds to the log rates of its target in a cell: (paths, units), written over the next time."""
        memory, edge = self._edge.memory, self._edge
        if not edge.same_period:
            felt = memory.shape(memory.ahead(self._state), out=self._shaped)
            return np.multiply(self._gain, felt, out=felt)
        begun = self._beyond.begun
        if cell == 0 and begun is not None and begun.answered.any() and not self._beyond.target:
            alone = memory.shape(memory.step(self._state, self._fade(levels), self._seen(cell, alone=True)))
            felt = memory.shape(self._step(cell, levels), out=self._shaped)
            return self._gain * np.where(begun.answered, alone, felt)
        felt = memory.shape(self._step(cell, levels), out=self._shaped)
        return np.multiply(self._gain, felt, out=felt)

    def step(self, cell: int, levels: Mapping[str, Floats]) -> None:
        """Let a cell go by: the memory fades, takes up its events, and ends where they are answered."""
        # On a same-period edge the target has felt all that there is to take up.
        after = self._next if self._edge.same_period else self._step(cell, levels)
        if self._beyond.target:
            memory, answers = self._edge.memory, self._happened[self._beyond.target]
            answered = answers > 0.0
            if self._edge.same_period and memory.first == 0.0:
                after *= np.subtract(1, answers, out=self._shaped)
            elif self._edge.same_period:
                np.copyto(after, memory.first, where=answered)
            else:
                # What came before the cell in its period came before the answer.
                fresh = np.full_like(after, memory.first)
                np.copyto(after, memory.step(fresh, self._fade(levels), self._seen(cell, alone=True)), where=answered)
        self._state, self._next = after, self._state

    def _step(self, cell: int, levels: Mapping[str, Floats]) -> Floats:
        """The state at the end of a cell, as far as its events are drawn and nothing is answered."""
        return self._edge.memory.step(self._state, self._fade(levels), self._seen(cell), out=self._next)

    def _fade(self, levels: Mapping[str, Floats]) -> Floats:
        """What the cell leaves of what was there before: (paths, 1), or (paths, units) under indicators."""
        if not self._stretches or self._log_half_life is None:
            return self._decay
        moved = [(size, levels[name]) for name, size in self._stretches]
        return self._edge.memory.decay(stretched(self._log_half_life, moved)).astype(WORK)

    def _seen(self, cell: int, alone: bool = False) -> Floats:
        """What the edge sees of the cell, as its memory's steps take it; `alone`: not of what its period had before."""
        own = self._source(cell)
        begun = None if cell or alone else self._beyond.begun
        if begun is None:
            return self._visible(own)
        together = np.array(self._visible(self._joined(own, begun.grid)))
        for unit, left in begun.left.items():
            together[..., unit] = self._visible(self._joined(own, left))[..., unit]
        return together

    def _joined(self, own: Floats, before: Floats) -> Floats:
        """Events of the cell and of its period before it, as one period has them."""
        before = np.array(before, dtype=WORK)[..., None, :]
        before = before if self._keep is None else before * self._keep
        if self._beyond.settings.kind in PER_TIME:
            before[1] = 0.0
        if self._beyond.settings.weight == "log_count":
            return np.log2(np.exp2(own) + np.exp2(before) - 1.0)
        return own + before if self._beyond.settings.weight == "count" else np.maximum(own, before)

    def _source(self, cell: int) -> Floats:
        """The source's events of the cell as `source_grid` has those of a record: (paths, units), behind the parts."""
        beyond, source = self._beyond, self._edge.source
        happened, drawn = self._happened[source], self._drawn[source]
        if beyond.settings.kind == IMMEDIATE and drawn.day is not None:
            lengths = self._days.lengths[cell : cell + beyond.later + 1].tolist()
            shares = reached(drawn.day, lengths, int(beyond.settings.days or 0)) * happened
            return np.concatenate([happened[None], shares]).astype(WORK)
        counted = drawn.number if drawn.number is not None and beyond.settings.is_numbered else happened
        if beyond.settings.weight == "log_count":
            counted = np.log2(1.0 + counted)
        if counted is not happened or beyond.weight != 1.0:
            counted = work(counted * beyond.weight)
        return np.stack([counted, self._on_record(counted)]) if beyond.settings.kind in PER_TIME else counted

    def _on_record(self, counted: Floats) -> Floats:
        """Which share of the cell will be on record: all of it, but of what no longer exists where others see it."""
        if self._edge.whose in ("own", "host"):
            return np.ones_like(counted)
        return np.broadcast_to(self._there, counted.shape)

    def _visible(self, source: Floats) -> Floats:
        """What units of the target see of the source's units: (..., paths, units)."""
        edge = self._edge
        if edge.whose == "any":
            source = source.sum(axis=-1, keepdims=True)
        elif edge.whose not in ("own", "host"):
            source = edge.neighbours.seen(edge.whose, source)
            if self._beyond.settings.is_numbered:
                # Differences of large numbers may come out below nothing.
                np.maximum(source, 0.0, out=source)
        if source.shape[-1] == self._units:
            return source
        out = empty_paths(int(np.prod(source.shape[:-2])), source.shape[-2], self._units)
        out[:] = source.reshape(len(out), source.shape[-2], -1)
        return out.reshape(*source.shape[:-1], self._units)


def _laid(state: Floats) -> Floats:
    """A state, (paths, units) behind its parts, laid out as `work` lays out each part."""
    if state.ndim == 2:
        return work(state)
    out = empty_paths(*state.shape)
    out[:] = state
    return out
