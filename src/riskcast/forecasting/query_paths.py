"""Which terms of a query hold on which paths of a block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case
from riskcast.forecasting.futures import Futures
from riskcast.forecasting.plan import Plan
from riskcast.forecasting.query_terms import (
    ANY,
    EVERY,
    And,
    Counted,
    Follows,
    Happens,
    LevelIs,
    Not,
    Or,
    ScoreIs,
    Term,
    leaves,
)
from riskcast.machinery.array_types import Bools, Floats, Ints

COMPARED = {">=": np.greater_equal, "<=": np.less_equal, ">": np.greater, "<": np.less}


@dataclass
class PathRecord:
    """What a block of paths held of what some terms speak of: a `Watch` of `simulate_futures`.

    happened[event]: (cells, paths, units); levels[indicator]: (paths, units) in steps, in the last cell; points:
    (paths, dyads), what occurred scores.
    """

    setup: Plan
    happened: dict[str, Bools]
    indicators: frozenset[str]
    levels: dict[str, Floats]
    points: Floats

    @classmethod
    def of(cls, plan: Plan, terms: Iterable[Term], count: int) -> PathRecord:
        """An empty record of so many paths."""
        asked = [leaf for term in terms for leaf in leaves(term)]
        units = {p.event: p.units for p in plan.events}
        named = dict.fromkeys(leaf.event for leaf in asked if isinstance(leaf, Happens))
        happened = {event: np.zeros((plan.cells, count, units[event]), dtype=bool) for event in named}
        levels = frozenset(leaf.indicator for leaf in asked if isinstance(leaf, LevelIs))
        return cls(plan, happened, levels, {}, np.zeros((count, 0)))

    def __call__(
        self, cell: int, happened: Mapping[str, Floats], recorded: Mapping[str, Floats], levels: Mapping[str, Floats]
    ) -> None:
        """Take notice of a cell."""
        for event, seen in self.happened.items():
            np.greater(happened[event], 0.0, out=seen[cell])
        if cell == self.setup.cells - 1:
            self.levels = {name: np.array(levels[name], dtype=float) for name in self.indicators}

    def close(self, futures: Futures) -> None:
        """Take notice of what the paths add up to."""
        self.points = futures.points

    def holds(self, term: Term) -> Bools:
        """On which paths a term holds: (paths,)."""
        match term:
            case Happens():
                return self._happens(term)
            case Follows():
                return self._follows(term)
            case Counted(least, most, terms):
                number = np.sum([self.holds(each) for each in terms], axis=0)
                return (number >= least) & (number <= (len(terms) if most is None else most))
            case ScoreIs(comparison, value, whom):
                # Single precision may end just beside what it stands for.
                return self._of(whom, COMPARED[comparison](self.points.round(4), np.float32(round(value, 4))))
            case LevelIs(indicator, comparison, value, whom):
                level = self.setup.case.indicators[indicator].measure.level(self.levels[indicator])
                return self._of(whom, COMPARED[comparison](level, value))
            case Not(inner):
                return ~self.holds(inner)
            case And(terms):
                return np.logical_and.reduce([self.holds(each) for each in terms])
            case Or(terms):
                return np.logical_or.reduce([self.holds(each) for each in terms])

    def first_cell(self, term: Happens) -> Ints:
        """The cell of the first event on every path, counted from 0; that after the last where none comes."""
        came = self._came(term)
        return np.where(came.any(axis=0), came.argmax(axis=0), self.setup.cells)

    def _happens(self, term: Happens) -> Bools:
        part = self.happened[term.event][term.first - 1 : term.last].any(axis=0)
        return self._of(term.whom, part)

    def _came(self, term: Happens) -> Bools:
        """In which cells the event comes, where it counts, in one unit or in any: (cells, paths)."""
        all_cells = self.happened[term.event]
        came = np.zeros(all_cells.shape[:2], dtype=bool)
        part = slice(term.first - 1, term.last)
        came[part] = np.stack([self._of(term.whom, cell) for cell in all_cells[part]])
        return came

    def _follows(self, term: Follows) -> Bools:
        later, first = self._came(term.later), self.first_cell(term.earlier)
        cell = np.arange(self.setup.cells)[:, None]
        after = cell >= first if acts_at_once(self.setup.case, term.earlier, term.later) else cell > first
        if term.within is not None:
            after &= cell <= first + term.within
        return (later & after).any(axis=0)

    def _of(self, whom: str | None, values: Bools) -> Bools:
        """Values of units, (paths, units), in the one that is meant, in any or in every one: (paths,)."""
        if values.shape[1] == 1:
            return values[:, 0]
        if whom in (ANY, EVERY):
            there = values[:, self.setup.present]
            return there.any(axis=1) if whom == ANY else there.all(axis=1)
        assert whom is not None
        return values[:, self.setup.case.dyads.index(whom)]


def acts_at_once(case: Case, earlier: Happens, later: Happens) -> bool:
    """Whether the case lets one event act on another within the same period, at first hand or by way of others, so that
    it comes first there; between two dyads none does."""
    hosted = case.host in (earlier.whom, later.whom)
    if earlier.event == later.event or not (hosted or earlier.whom == later.whom):
        return False
    reached, waiting = {earlier.event}, [earlier.event]
    while waiting:
        source = waiting.pop()
        for effect in case.effects:
            at_once = effect.source == source and effect.is_escalation and effect.acts == "same"
            if at_once and effect.target not in reached:
                reached.add(effect.target)
                waiting.append(effect.target)
    return later.event in reached
