"""What event types remember of past events: which ones they see, and how these fade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case, Effect
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
        pairs = [pair.states for pair in case.pairs.values()]
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

        >>> from types import SimpleNamespace
        >>> from riskcast.case.dyads import Dyad
        >>> pairs = {id: Dyad.parse(id) for id in ("A-B", "B-C", "C-D")}
        >>> Neighbours.of(SimpleNamespace(pairs=pairs)).others(np.array([[1.0, 0.0, 0.0]])).tolist()
        [[0.0, 1.0, 0.0]]
        """
        if self.one_host:
            return np.subtract(events.sum(axis=-1, keepdims=True), events, out=out)
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
