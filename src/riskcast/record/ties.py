"""Which dyads see which by a table of neighbours: events of a tied state elsewhere, or in the place of an own one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from riskcast.case.model import Case, Effect
from riskcast.case.panel import TieTable
from riskcast.machinery.array_types import Bools, Floats, Ints

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NEIGHBOURS: Final = "neighbours"
# Whose events are seen by a table of neighbours.
TIED: Final = (NEIGHBOURS, "in_place")


@dataclass(frozen=True, eq=False)
class Seeing:
    """Which dyads each dyad sees, while ties stay as they are: (dyads, dyads), 1 where the row's sees the other."""

    matrix: csr_array

    def seen(self, whose: str, events: Floats, out: Floats | None = None) -> Floats:
        """Events of the dyads that each one sees: (..., dyads) as given."""
        flat = events.reshape(-1, events.shape[-1])
        return np.asarray((self.matrix @ flat.T).T).reshape(events.shape).astype(events.dtype, copy=False)

    def sees(self, dyad: int, other: int) -> bool:
        """Whether one dyad sees another, by their places."""
        return bool(self.matrix[[dyad], [other]][0])


@dataclass(frozen=True, eq=False)
class Ties:
    """Which dyads an edge sees, spell by spell: `first` (spells,), the number of the period with which each begins."""

    first: Ints
    spells: tuple[Seeing, ...]

    @classmethod
    def of(cls, effect: Effect, case: Case) -> Ties:
        """What an edge with a table of neighbours sees from the first period of a case's record to its last."""
        assert case.panel is not None
        table = case.panel.ties[str(effect.by)]
        begin, last = (case.calendar.number(day) for day in (case.settings.history_from, case.as_of))
        turns = np.unique(np.concatenate([[begin], table.first, table.last + 1]))
        turns = turns[(turns >= begin) & (turns <= last)]
        spells = tuple(_seeing(case, str(effect.whose), table, turn) for turn in turns.tolist())
        return cls(turns, spells)

    def at(self, period: int) -> Seeing:
        """What is seen in a period, by its number; after the record what was seen at its end."""
        return self.spells[int(np.searchsorted(self.first, period, side="right")) - 1]

    def seen(self, events: Floats, begin: int) -> Floats:
        """Events that are seen in successive periods, of which `begin` is the first: (periods, ..., dyads) as given."""
        out = np.empty_like(events)
        bounds = np.clip(np.append(self.first, begin + len(events)) - begin, 0, len(events))
        for one, start, end in zip(self.spells, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            out[start:end] = one.seen(NEIGHBOURS, events[start:end])
        return out


def _seeing(case: Case, whose: str, table: TieTable, period: int) -> Seeing:
    """What dyads see in one period.

    With n(A) the states that are tied to A: `neighbours` of A-B are the dyads with a state in n(A) or n(B), and with
    neither A nor B; `in_place` are C-B with C in n(A) and A-C with C in n(B), either way round where dyads are not
    directed.
    """
    from scipy.sparse import csr_array

    pairs = [pair.states for pair in case.pairs.values()]
    states = {state: place for place, state in enumerate(dict.fromkeys(state for pair in pairs for state in pair))}
    sides = np.array([[states[state] for state in pair] for pair in pairs], dtype=np.int64)
    tied = np.zeros((len(states), len(states)), dtype=bool)
    held = (table.first <= period) & (period <= table.last)
    for one, other in table.pair[held].tolist():
        places = [states.get(table.states[place]) for place in (one, other)]
        if None not in places:
            tied[places[0], places[1]] = tied[places[1], places[0]] = True
    own = np.zeros((len(pairs), len(states)), dtype=bool)
    np.put_along_axis(own, sides, True, axis=1)
    if whose == NEIGHBOURS:
        member = csr_array(own.astype(np.float32))
        near = csr_array(((tied[sides[:, 0]] | tied[sides[:, 1]]) & ~own).astype(np.float32))
        met, shared = (near @ member.T).astype(bool), (member @ member.T).astype(bool)
        return Seeing(csr_array((met > met.multiply(shared)).astype(np.float32)))
    directed = case.settings.panel is not None and case.settings.panel.directed
    seen = [_in_place(sides, tied, own, side, directed) for side in (0, 1)]
    rows, columns = (np.concatenate([part[axis] for part in seen]) for axis in (0, 1))
    return Seeing(csr_array((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(len(pairs), len(pairs))))


def _in_place(sides: Ints, tied: Bools, own: Bools, side: int, directed: bool) -> tuple[Ints, Ints]:
    """Dyads, and those in which a state that is tied to their first (0) or second (1) one stands in its place."""
    places = np.full(tied.shape, -1, dtype=np.int64)
    if not directed:
        places[sides[:, 1], sides[:, 0]] = np.arange(len(sides))
    places[sides[:, 0], sides[:, 1]] = np.arange(len(sides))
    kept = sides[:, 1 - side]
    candidates = places[:, kept].T if side == 0 else places[kept]
    rows, others = np.nonzero(tied[sides[:, side]] & ~own & (candidates >= 0))
    return rows, candidates[rows, others]
