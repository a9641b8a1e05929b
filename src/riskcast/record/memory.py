"""What event types remember of past events: which ones they see, and how these fade."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskcast.case.dyads import Dyad
from riskcast.case.model import Case, Effect
from riskcast.case.settings import MEMORY_KINDS
from riskcast.machinery.array_types import Floats


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
    return Neighbours.of(case.pairs.values()).others(source)


@dataclass(frozen=True)
class Neighbours:
    """Which dyads share a state: sides (dyads, 2) states by index, member (dyads, states) 1 where a state belongs."""

    sides: NDArray[np.int64]
    member: NDArray[np.float32]
    one_host: bool

    @classmethod
    def of(cls, dyads: Iterable[Dyad]) -> Neighbours:
        """The neighbours of dyads, such as those of a case."""
        pairs = [dyad.states for dyad in dyads]
        states = {state: i for i, state in enumerate(dict.fromkeys(state for pair in pairs for state in pair))}
        sides = np.array([[states[state] for state in pair] for pair in pairs], dtype=np.int64)
        one_host = len(set(sides[:, 0])) == 1
        member = np.zeros((len(sides), len(states)), dtype=np.float32)
        if not one_host:
            np.put_along_axis(member, sides, 1.0, axis=1)
        return cls(sides, member, one_host)

    def others(self, events: Floats, out: Floats | None = None) -> Floats:
        """Events of other dyads at either state: those of both states less twice its own, (..., dyads) as given;
        `out`, like `events`, may be written over with them.

        >>> dyads = [Dyad.parse(id) for id in ("A-B", "B-C", "C-D")]
        >>> Neighbours.of(dyads).others(np.array([[1.0, 0.0, 0.0]])).tolist()
        [[0.0, 1.0, 0.0]]
        """
        if self.one_host:
            return np.subtract(events.sum(axis=-1, keepdims=True), events, out=out)
        by_state = events.astype(self.member.dtype) @ self.member
        both = by_state[..., self.sides[:, 0]] + by_state[..., self.sides[:, 1]]
        return (both - 2.0 * events).astype(events.dtype)


class Memory(ABC):
    """A kind of memory: what an event type remembers of the events that it sees, as a state that periods hand on.

    state[t] = step(state[t - 1], decay, seen[t]), and the regression's column is m[t] = value(state[t]). A further kind
    is one class with `step` and `shape`, and one line in `MEMORY_KINDS` of the room of the case.
    """

    unit: float = 1.0
    """What `shape` gives for one fresh event: m = shape / unit."""

    def decay(self, half_life: ArrayLike) -> Floats:
        """What is left of an event after one period: 2^(-1 / half-life), for half-lives in periods."""
        return np.exp2(-1.0 / np.asarray(half_life, dtype=float))

    def left(self, gap: ArrayLike, half_life: ArrayLike) -> Floats:
        """The share of a fresh event that is left after `gap` periods: 2^(-gap / half-life)."""
        return np.exp2(-np.asarray(gap, dtype=float) / np.asarray(half_life, dtype=float))

    @abstractmethod
    def step(self, state: Floats, decay: Floats, seen: Floats, out: Floats | None = None) -> Floats:
        """The state after one more period in which so many events were seen; `out`, which may be `state`, to write it
        into, in the precision that is given."""

    @abstractmethod
    def shape(self, state: Floats, out: Floats | None = None) -> Floats:
        """The state as rates feel it, times `unit`, 0 where nothing was ever seen; `out` as for `step`."""

    def value(self, state: Floats) -> Floats:
        """The state as rates feel it, in fresh events: the m that a rate ratio is raised to."""
        return self.shape(state) / self.unit

    def states(self, seen: Floats, half_life: ArrayLike) -> Floats:
        """The state at the end of every period, events of the period included.

        Parameters: seen (periods, ...) event counts; half_life in periods, a number or an array of shape S.
        Returns S + (periods, ...).
        """
        decay = self.decay(half_life)
        decay = decay.reshape(decay.shape + (1,) * (seen.ndim - 1))
        out = np.empty((len(seen), *np.broadcast_shapes(decay.shape, seen.shape[1:])))
        state = np.zeros(out.shape[1:])
        for t, now in enumerate(seen):
            state = out[t] = self.step(state, decay, now)
        return np.moveaxis(out, 0, np.ndim(half_life))

    def columns(self, seen: Floats, half_life: ArrayLike, same_period: bool) -> Floats:
        """The memory in every period, as the regression takes it: S + (periods, ...); parameters as for `states`.

        An event in the same period has gap 0 on a same-period edge; on any other edge, one in the period before has.
        """
        left = self.states(seen, half_life)
        if not same_period:
            left = np.roll(left, 1, axis=np.ndim(half_life))
            left[(slice(None),) * np.ndim(half_life) + (0,)] = 0.0
        return self.value(left)

    def residue(self, seen: Floats, half_life: Floats) -> Floats:
        """The state at the end of the record. Parameters: seen (periods, units); half_life (draws,). (draws, units)."""
        return self.states(seen, half_life)[:, -1]


class Count(Memory):
    """The discounted count of events, on a log scale: m = log2(1 + sum over events of 2^(-gap / half-life)).

    >>> COUNT.columns(np.array([[1.0], [0.0], [0.0]]), 1.0, same_period=False).ravel().round(3).tolist()
    [0.0, 1.0, 0.585]
    """

    unit = float(np.log(2.0))

    def step(self, state: Floats, decay: Floats, seen: Floats, out: Floats | None = None) -> Floats:
        """state * decay + seen."""
        return np.add(np.multiply(state, decay, out=out), seen, out=out)

    def shape(self, state: Floats, out: Floats | None = None) -> Floats:
        """log(1 + state)."""
        return np.log(np.add(state, 1.0, out=out), out=out)

    def value(self, state: Floats) -> Floats:
        """log2(1 + state)."""
        return np.log2(1.0 + state)

    def residue(self, seen: Floats, half_life: Floats) -> Floats:
        """The sum of 2^(-gap / half-life), an event of the last period having gap 0; quiet periods cost nothing."""
        active = np.flatnonzero(seen.any(axis=1))
        if active.size == 0:
            return np.zeros((len(half_life), seen.shape[1]))
        return self.left(len(seen) - 1 - active[None, :], np.asarray(half_life, dtype=float)[:, None]) @ seen[active]


COUNT = Count()


def memory_of(case: Case, name: str) -> Memory:
    """What a memory of a case does, by its name there."""
    return MEMORY_KINDS.get(case.settings.memories[name].kind)
