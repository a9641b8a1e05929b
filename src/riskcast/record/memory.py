"""What event types remember of past events: which ones they see, and how these fade."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskcast.case.dyads import Dyad
from riskcast.case.model import Case, Effect
from riskcast.case.settings import MEMORY_KINDS
from riskcast.machinery.array_types import Bools, Floats
from riskcast.record.half_lives import Stretches, stretched, worn
from riskcast.record.ties import TIED, Ties

LOG_2 = float(np.log(2.0))
# Of other dyads, those whose first (0) or second (1) state is the own dyad's first or second one: (theirs, own).
SIDES: Final[Mapping[str, tuple[int, int]]] = {
    "sender": (0, 0),
    "receiver": (1, 1),
    "against_sender": (1, 0),
    "by_receiver": (0, 1),
}


def seen_events(effect: Effect, case: Case, occurred: Mapping[str, Floats]) -> Floats:
    """Events of the edge's source that each unit of its target sees: (periods, units of target).

    `own` and `host`: its own, or the host's; `others`: those of other dyads that share a state with it; `any`: all;
    `reverse`: those of the same two states the other way round; of other dyads, `sender`, `receiver`: those with the
    same first, or the same second, state; `against_sender`: those whose second state is the own first one;
    `by_receiver`: those whose first state is the own second one; `neighbours`, `in_place`: by a table, as `Ties` says.
    """
    return seen_of(effect, case, occurred[effect.source])


def seen_of(effect: Effect, case: Case, source: Floats) -> Floats:
    """The same of an array (..., units of the source): (..., units of the target); by a table of neighbours, of one
    whose first axis is the periods of the record."""
    if effect.whose in TIED:
        return Ties.of(effect, case).seen(source, case.calendar.number(case.settings.history_from))
    units = len(case.units(effect.target))
    if effect.whose in ("own", "host"):
        return _spread(source, units)
    if effect.whose == "any":
        return _spread(source.sum(axis=-1, keepdims=True), units)
    # Differences of large numbers may come out below nothing.
    return np.maximum(Neighbours.of(case.pairs.values()).seen(str(effect.whose), source), 0.0)


def _spread(source: Floats, units: int) -> Floats:
    """What so many units see alike, or each of its own: (..., units), not to be written to."""
    if source.shape[-1] != units:
        return np.broadcast_to(source, (*source.shape[:-1], units))
    seen = source.view()
    seen.flags.writeable = False
    return seen


@dataclass(frozen=True)
class Neighbours:
    """Which dyads share a state: sides (dyads, 2) states by index, member (dyads, states) 1 where a state belongs;
    turned (dyads,): place of the same two states the other way round, -1 where it is none."""

    sides: NDArray[np.int64]
    member: NDArray[np.float32]
    one_host: bool
    turned: NDArray[np.int64]

    @classmethod
    def of(cls, dyads: Iterable[Dyad]) -> Neighbours:
        """The neighbours of dyads, such as those of a case."""
        given = list(dyads)
        pairs = [dyad.states for dyad in given]
        places = {dyad: place for place, dyad in enumerate(given)}
        turned = np.array([places.get(dyad.reverse, -1) for dyad in given], dtype=np.int64)
        states = {state: i for i, state in enumerate(dict.fromkeys(state for pair in pairs for state in pair))}
        sides = np.array([[states[state] for state in pair] for pair in pairs], dtype=np.int64)
        one_host = len(set(sides[:, 0])) == 1
        member = np.zeros((len(sides), len(states)), dtype=np.float32)
        if not one_host:
            np.put_along_axis(member, sides, 1.0, axis=1)
        return cls(sides, member, one_host, turned)

    def seen(self, whose: str, events: Floats, out: Floats | None = None) -> Floats:
        """Events of other dyads that `others`, `reverse` or one of SIDES means: (..., dyads) as given; `out` as for
        `others`."""
        if whose == "reverse":
            return self.reversed(events)
        return self.at_side(events, *SIDES[whose]) if whose in SIDES else self.others(events, out)

    def at_side(self, events: Floats, theirs: int, own: int) -> Floats:
        """Events of other dyads whose first (0) or second (1) state, `theirs`, is the own dyad's first or second one,
        `own`: (..., dyads) as given. Those of the same two states, either way round, are not among them.

        >>> dyads = [Dyad.parse(id) for id in ("A-B", "A-C", "C-B", "B-A")]
        >>> near, events = Neighbours.of(dyads), np.array([1.0, 2.0, 4.0, 8.0])
        >>> [near.at_side(events, *SIDES[whose]).tolist() for whose in ("sender", "receiver", "by_receiver")]
        [[2.0, 1.0, 0.0, 0.0], [4.0, 0.0, 1.0, 0.0], [0.0, 4.0, 8.0, 2.0]]
        """
        members = self._members[theirs]
        exact = np.result_type(events.dtype, members.dtype)
        by_state = events.astype(exact, copy=False) @ members.astype(exact, copy=False)
        mine = events if theirs == own else self.reversed(events)
        return (by_state[..., self.sides[:, own]] - mine).astype(events.dtype, copy=False)

    @cached_property
    def _members(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(dyads, states) 1 where a state is the first, and where it is the second."""
        one = np.eye(int(self.sides.max(initial=0)) + 1, dtype=np.float32)
        return one[self.sides[:, 0]], one[self.sides[:, 1]]

    def reversed(self, events: Floats) -> Floats:
        """Events of the same two states the other way round, none where these are no dyad: (..., dyads) as given.

        >>> dyads = [Dyad.parse(id) for id in ("A-B", "B-A", "A-C")]
        >>> Neighbours.of(dyads).reversed(np.array([[1.0, 0.0, 1.0]])).tolist()
        [[0.0, 1.0, 0.0]]
        """
        return np.where(self.turned >= 0, events[..., self.turned], 0.0).astype(events.dtype, copy=False)

    def others(self, events: Floats, out: Floats | None = None) -> Floats:
        """Events of other dyads at either state: those of both states less twice its own, and twice those of the same
        states the other way round, (..., dyads) as given; `out`, like `events`, may be written over with them.

        >>> dyads = [Dyad.parse(id) for id in ("A-B", "B-C", "C-D")]
        >>> Neighbours.of(dyads).others(np.array([[1.0, 0.0, 0.0]])).tolist()
        [[0.0, 1.0, 0.0]]
        """
        if self.one_host:
            return np.subtract(events.sum(axis=-1, keepdims=True), events, out=out)
        exact = np.result_type(events.dtype, self.member.dtype)
        by_state = events.astype(exact, copy=False) @ self.member.astype(exact, copy=False)
        both = by_state[..., self.sides[:, 0]] + by_state[..., self.sides[:, 1]]
        own = events if (self.turned < 0).all() else events + self.reversed(events)
        return (both - 2.0 * own).astype(events.dtype)


class Memory(ABC):
    """A kind of memory: what an event type remembers of the events that it sees, as a state that periods hand on.

    state[t] = step(state[t - 1], decay, seen[t]), and the regression's column is m[t] = value(state[t]). A further kind
    is one class with `step` and `shape`, and one line in `MEMORY_KINDS` of the room of the case.

    unit: what `shape` gives for one fresh event, m = shape / unit; first: the state before anything is known, to which
    an answer leads back, and which steps without events leave as it is; stacked: whether states, and what is seen, have
    a first axis of parts that the kind explains.
    """

    unit: float = 1.0
    first: float = 0.0
    stacked: bool = False

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

    def ahead(self, state: Floats) -> Floats:
        """A period's state as the next one feels it before anything has happened there: as an event of gap 0."""
        return state

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

    def columns_of(self, sight: Sight, half_life: ArrayLike, same_period: bool, stretches: Stretches = ()) -> Floats:
        """The memory of what an edge sees in every period: S + (periods, units), for half-lives shaped S, which
        `stretches` act on (`fading`); for a memory without one any does."""
        return follow(self, sight, fading(self, half_life, stretches), same_period)[0]

    def state_of(
        self, sight: Sight, half_life: Floats, periods: int, same_period: bool, stretches: Stretches = ()
    ) -> Floats:
        """The state after the first `periods` of what an edge sees: (draws, units) behind its parts where states are
        stacked, for half-lives (draws,) or (1,); parameters as for `columns_of`."""
        return follow(self, sight, fading(self, half_life, stretches), same_period, periods, kept=False)[1]


class Count(Memory):
    """The discounted count of events, on a log scale: m = log2(1 + sum over events of 2^(-gap / half-life)).

    >>> COUNT.columns(np.array([[1.0], [0.0], [0.0]]), 1.0, same_period=False).ravel().round(3).tolist()
    [0.0, 1.0, 0.585]
    """

    unit = LOG_2

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

    def columns_of(self, sight: Sight, half_life: ArrayLike, same_period: bool, stretches: Stretches = ()) -> Floats:
        """`follow`, trigger by trigger where nothing stretches half-lives: quiet periods cost nothing.

        >>> answered, none = np.array([[False], [True], [False]]), np.zeros((3, 1))
        >>> sight = Sight(np.array([[1.0], [0.0], [0.0]]), answered, none, none)
        >>> COUNT.columns_of(sight, 1.0, same_period=True).ravel().round(3).tolist()
        [1.0, 0.585, 0.0]
        """
        if stretches:
            return self._felt(sight, worn(half_life, stretches), same_period)
        periods, units = sight.seen.shape
        half_life = np.asarray(half_life, dtype=float)
        left = self.left(np.arange(periods + 1), half_life[..., None])
        total = np.zeros((*half_life.shape, periods, units))
        amounts = carried(sight)
        for unit in range(units):
            ends = () if sight.answered is None else np.flatnonzero(sight.answered[:, unit])
            for period in np.flatnonzero(amounts[:, unit]).tolist():
                place = int(np.searchsorted(ends, period, side="right"))
                # A row in which the answer happened feels what came before it.
                until = int(ends[place]) + 1 if place < len(ends) else periods
                answered = sight.answered is not None and bool(sight.answered[period, unit])
                first = period if same_period and not answered else period + 1
                gap = first - period - (0 if same_period else 1)
                if until > first:
                    felt = amounts[period, unit] * left[..., gap : gap + until - first]
                    total[..., first:until, unit] += felt
        if same_period and sight.answered is not None and sight.upto is not None:
            total += np.where(sight.answered, sight.upto, 0.0)
        return self.value(total)

    def state_of(
        self, sight: Sight, half_life: Floats, periods: int, same_period: bool, stretches: Stretches = ()
    ) -> Floats:
        """`follow`, trigger by trigger; what answers have spent is left out."""
        amounts = carried(sight)[:periods].copy()
        if sight.answered is not None:
            later = np.logical_or.accumulate(sight.answered[:periods][::-1], axis=0)[::-1]
            amounts[:-1][later[1:]] = 0.0
        if not stretches:
            return self.residue(amounts, half_life)
        return self._left(amounts, half_life, stretches)

    def _left(self, amounts: Floats, half_life: Floats, stretches: Stretches) -> Floats:
        """`residue` where indicators act on half-lives: S + (units,)."""
        out = np.zeros((*np.shape(half_life), amounts.shape[1]))
        happened = np.argwhere(amounts).tolist()
        if happened:
            begin = happened[0][0]
            spent = worn(half_life, [(ratio, levels[begin : len(amounts)]) for ratio, levels in stretches])
            for period, unit in happened:
                out[..., unit] += amounts[period, unit] * np.exp2(spent[period - begin, unit] - spent[-1, unit])
        return out

    def _felt(self, sight: Sight, spent: Floats, same_period: bool) -> Floats:
        """The columns of `follow` from one trigger or answer to the next, between which the state is
        state[t] = state[p] * 2^(spent[p] - spent[t]).

        `spent`: half-lives that have passed by the end of every period, (periods, units) + S, as `worn` gives them.
        """
        periods, units = spent.shape[:2]
        amounts, answered = carried(sight), np.zeros((periods, units), dtype=bool)
        if sight.answered is not None and sight.after is not None:
            answered = sight.answered
        felt = np.zeros_like(spent)
        for unit in range(units):
            left = np.zeros(spent.shape[2:])
            turns = np.flatnonzero((amounts[:, unit] != 0.0) | answered[:, unit]).tolist()
            for begin, end in pairwise([*turns, periods]):
                state = amounts[begin, unit] + (0.0 if answered[begin, unit] else left)
                if same_period and answered[begin, unit] and sight.upto is not None:
                    felt[begin, unit] = left + sight.upto[begin, unit]
                    first, gap = begin + 1, 1
                else:
                    first, gap = (begin, 0) if same_period else (begin + 1, 0)
                reached = np.exp2(spent[begin, unit] - spent[begin : end + 1, unit])
                reached *= state
                until = end if same_period else min(end + 1, periods)
                felt[first:until, unit] = reached[gap : gap + until - first]
                left = reached[-1]
        return np.moveaxis(self.value(felt), (0, 1), (-2, -1))


class Immediate(Memory):
    """What happened lately, to the day: m = log2(1 + sum over events of the share of the period that each reaches).

    An event reaches all of its own period, and of later ones the share that lies within so many days after its own day.
    Parts of a state: what reaches the period itself, then each of those after it; what is seen has the same parts.

    >>> seen = np.zeros((3, 2, 1))
    >>> seen[0, :, 0] = 1.0, 0.25
    >>> follow(IMMEDIATE, Sight(seen), lambda t: np.ones(1), same_period=True)[0].ravel().round(3).tolist()
    [1.0, 0.322, 0.0]
    """

    unit = LOG_2
    stacked = True

    def step(self, state: Floats, decay: Floats, seen: Floats, out: Floats | None = None) -> Floats:
        """state[1:], and what is seen added to it."""
        if out is None:
            out = np.empty(np.broadcast_shapes(state.shape, seen.shape), np.result_type(state, seen))
        out[:-1] = state[1:]
        out[-1] = 0.0
        return np.add(out, seen, out=out)

    def shape(self, state: Floats, out: Floats | None = None) -> Floats:
        """log(1 + state[0])."""
        return np.log(np.add(state[0], 1.0, out=out), out=out)

    def ahead(self, state: Floats) -> Floats:
        """state[1:]: an event's own period is over."""
        return state[1:]


class Since(Memory):
    """Time since the last event, or since the record of the unit began: m = log(1 + periods).

    Source: the peace years of Beck, Katz and Tucker (1998), here on a log scale.

    >>> seen = np.array([[0.0], [1.0], [0.0], [0.0]])
    >>> follow(SINCE, Sight(seen), lambda t: np.ones(1), same_period=False)[0].ravel().round(3).tolist()
    [0.0, 0.693, 0.0, 0.693]
    """

    def step(self, state: Floats, decay: Floats, seen: Floats, out: Floats | None = None) -> Floats:
        """state + 1, or 0 where an event is seen."""
        quiet = seen <= 0.0
        return np.multiply(np.add(state, 1.0, out=out), quiet, out=out)

    def shape(self, state: Floats, out: Floats | None = None) -> Floats:
        """log(1 + state)."""
        return np.log(np.add(state, 1.0, out=out), out=out)


class Never(Memory):
    """1 until the first event that is seen, then 0."""

    first = 1.0

    def step(self, state: Floats, decay: Floats, seen: Floats, out: Floats | None = None) -> Floats:
        """state, or 0 where an event is seen."""
        return np.multiply(state, seen <= 0.0, out=out)

    def shape(self, state: Floats, out: Floats | None = None) -> Floats:
        """The state as it is."""
        return np.multiply(state, 1.0, out=out)


class Rate(Memory):
    """Discounted events over discounted time on record: m = log2(1 + S / E), with S the sum over events of
    2^(-gap / half-life), and E that of 2^(-gap / half-life) over covered periods, as a share of an endless record's.

    On a record without a beginning it is what `count` is; one that begins late does not grow by itself. Parts of a
    state: S and E; what is seen: events, and the share of the period that is covered.

    >>> seen = np.ones((2, 2, 1))
    >>> follow(RATE, Sight(seen), lambda t: np.array([0.5]), same_period=True)[0].ravel().round(3).tolist()
    [1.585, 1.585]
    """

    unit = LOG_2
    stacked = True

    def step(self, state: Floats, decay: Floats, seen: Floats, out: Floats | None = None) -> Floats:
        """S * decay + events, and E * decay + (1 - decay) * covered."""
        out = np.multiply(state, decay, out=out)
        out[0] += seen[0]
        out[1] += (1.0 - decay) * seen[1]
        return out

    def shape(self, state: Floats, out: Floats | None = None) -> Floats:
        """log(1 + S / E); where nothing is covered there is no event either."""
        rate = np.divide(state[0], state[1], out=np.array(state[0]), where=state[1] > 0.0)
        return np.log1p(rate, out=out)


class Mean(Memory):
    """The discounted mean of what covered periods have had, as it is: m = S / E, with S the sum over events of
    2^(-gap / half-life), and E that of 2^(-gap / half-life) over covered periods.

    Parts of a state, and what is seen, are those of `Rate`; both sums carry the factor 1 - 2^(-1 / half-life).

    >>> seen = np.array([[[2.0], [1.0]], [[0.0], [1.0]]])
    >>> follow(MEAN, Sight(seen), lambda t: np.array([0.5]), same_period=True)[0].ravel().round(3).tolist()
    [2.0, 0.667]
    """

    stacked = True

    def step(self, state: Floats, decay: Floats, seen: Floats, out: Floats | None = None) -> Floats:
        """state * decay + (1 - decay) * seen."""
        out = np.multiply(state, decay, out=out)
        return np.add(out, (1.0 - decay) * seen, out=out)

    def shape(self, state: Floats, out: Floats | None = None) -> Floats:
        """S / E; where nothing is covered there is no event either."""
        mean = np.divide(state[0], state[1], out=np.array(state[0]), where=state[1] > 0.0)
        return np.multiply(mean, 1.0, out=out)


COUNT = Count()
IMMEDIATE, SINCE, NEVER, RATE, MEAN = Immediate(), Since(), Never(), Rate(), Mean()


@dataclass(frozen=True, eq=False)
class Sight:
    """What an edge sees of a record, as its memory's steps take it: (periods, units), or (periods, parts, units) where
    states are stacked.

    seen: all events of the period. Where triggers are spent: answered (periods, units), whether the target happened;
    upto and after, shaped like `seen`: the triggers of such a period up to the answer, which it feels, and those after
    it, which are left. blank: (periods, units), where the record of the unit has not begun.
    """

    seen: Floats
    answered: Bools | None = None
    upto: Floats | None = None
    after: Floats | None = None
    blank: Bools | None = None


def follow(
    memory: Memory,
    sight: Sight,
    fade: Callable[[int], Floats],
    same_period: bool,
    periods: int | None = None,
    kept: bool = True,
) -> tuple[Floats, Floats]:
    """A memory through the first `periods` of a record, all where not given: its columns, S + (periods, units), none
    unless they are `kept`, and the state at their end, S + (units,), behind its parts where states are stacked.

    `fade`: what a period leaves of what was there before, S + (units,) or S + (1,), for a vector S of parameters or ().
    An answer ends what came before it: state[t] = step(first, decay, after[t]) where answered, else
    step(state[t - 1], decay, seen[t]); a row feels step(state[t - 1], decay, upto[t]) there on a same-period edge.
    """
    total, units = len(sight.seen) if periods is None else periods, sight.seen.shape[-1]
    outer = np.shape(fade(0))[:-1]
    parts = sight.seen.shape[1:-1]

    def shaped(seen: Floats) -> Floats:
        return seen.reshape(*parts, *(1,) * len(outer), units)

    fresh = np.full((*parts, *outer, units), memory.first)
    state, columns = fresh, np.empty((*outer, total if kept else 0, units))
    for t in range(total):
        decay = fade(t)
        before, state = state, memory.step(state, decay, shaped(sight.seen[t]))
        answered = None if sight.answered is None or not sight.answered[t].any() else sight.answered[t]
        felt = state if same_period else memory.ahead(before)
        if answered is not None and sight.upto is not None and sight.after is not None:
            if same_period:
                felt = np.where(answered, memory.step(before, decay, shaped(sight.upto[t])), state)
            state = np.where(answered, memory.step(fresh, decay, shaped(sight.after[t])), state)
        if kept:
            columns[..., t, :] = memory.value(felt)
        if sight.blank is not None:
            state = np.where(sight.blank[t], fresh, state)
    return columns, state


def carried(sight: Sight) -> Floats:
    """What every period hands on to later ones, until an answer: all that is seen, or what comes after the answer."""
    if sight.answered is None or sight.after is None:
        return sight.seen
    return np.where(sight.answered, sight.after, sight.seen)


def fading(memory: Memory, half_life: ArrayLike, stretches: Stretches = ()) -> Callable[[int], Floats]:
    """What every period leaves of what was there before, for `follow`: S + (1,), or S + (units,) where it is stretched.

    decay[t] = 2^(-1 / h[t]), h[t] = half_life * prod over `stretches`, pairs of a ratio S and of levels in steps,
    (periods, units), of ratio^level[t], held from 0.001 to 10,000 periods.

    >>> by = fading(COUNT, np.array(1.0), [(np.array(2.0), np.array([[0.0, 1.0]]))])
    >>> by(0).round(3).tolist()
    [0.5, 0.707]
    """
    half_life = np.asarray(half_life, dtype=float)[..., None]
    if not stretches:
        decay = memory.decay(half_life)
        return lambda period: decay
    middle = np.log(half_life)
    logs = [(np.log(ratio)[..., None], levels) for ratio, levels in stretches]

    def fade(period: int) -> Floats:
        return memory.decay(stretched(middle, [(size, levels[period]) for size, levels in logs]))

    return fade


def reached(day: Floats, lengths: Sequence[ArrayLike], days: int) -> Floats:
    """The shares of the periods after its own that an event reaches: (periods after, ...).

    `day`: the day of its own period, from 1; `lengths`: days of its own period and those after it, numbers or arrays.

    >>> reached(np.array([24.0]), (30, 31, 30), 14).round(3).ravel().tolist()
    [0.258, 0.0]
    """
    begins = np.cumsum(np.asarray(lengths, dtype=float), axis=0)[:-1]
    return np.stack(
        [np.clip(day + (days - begin), 0.0, own) / own for begin, own in zip(begins, lengths[1:], strict=True)]
    )


def memory_of(case: Case, name: str) -> Memory:
    """What a memory of a case does, by its name there."""
    return MEMORY_KINDS.get(case.settings.memories[name].kind)
