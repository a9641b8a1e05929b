"""Derived columns of a panel in every cell of the horizon, as the levels and events of each path make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.derived_columns import Leaf, Recipe, derive_columns
from riskcast.case.derived_steps import Kept
from riskcast.case.model import Case
from riskcast.forecasting.work_arrays import finite, work
from riskcast.machinery.array_types import Floats

# Indicator, steps (paths, dyads) -> within bounds and moved by the scenario.
Settle = Callable[[str, Floats], Floats]


@dataclass(frozen=True)
class DerivedPlan:
    """Where derived columns go on from, (dyads,): what they keep at the end of the record; what of columns that are no
    indicators the next period's row says, which holds from then on; what happened in the record's last period; and
    today's levels of those that are indicators, which stand where a column is missing."""

    recipe: Recipe
    kept: Mapping[str, Kept]
    leaves: Mapping[Leaf, Floats]
    today: Mapping[str, Floats]

    @property
    def names(self) -> tuple[str, ...]:
        """The indicators that are derived, each after those that it takes."""
        return tuple(name for name in self.recipe.derive if name in self.recipe.indicators)

    def moved_by(self, indicators: frozenset[str]) -> frozenset[str]:
        """The derived columns that take some of these indicators, themselves or by way of another one."""
        found: set[str] = set()
        for name, one in self.recipe.derive.items():
            if any(taken in indicators or taken in found for taken in one.of):
                found.add(name)
        return frozenset(found)


def plan_derived(case: Case) -> DerivedPlan | None:
    """Where a case's derived columns go on from; None where it has none."""
    panel, settings = case.panel, case.settings.panel
    if panel is None or panel.inputs is None or settings is None:
        return None
    recipe, inputs = Recipe.of(settings, case.indicators, case.events), panel.inputs
    standing = derive_columns(recipe, inputs, case.calendar.number(case.as_of)).standing
    places = {dyad: place for place, dyad in enumerate(inputs.dyads)}
    own = np.array([places[dyad] for dyad in panel.dyads])

    def of_own(values: Floats) -> Floats:
        return values[own] if values.shape == (len(inputs.dyads),) else values

    return DerivedPlan(
        recipe,
        {name: tuple(map(of_own, kept)) for name, kept in standing.kept.items()},
        {leaf: of_own(values) for leaf, values in standing.leaves.items()},
        {name: panel.levels[name][panel.freshest] for name in recipe.derive if name in recipe.indicators},
    )


class DerivedAhead:
    """Levels of derived indicators on a block of paths, cell by cell.

    A cell sees its own levels of the indicators that a column takes, once a scenario has moved them, and the recorded
    events of the cell before; of input events there are none. `at` may be asked again for one cell; `step` lets it go
    by.
    """

    def __init__(
        self, plan: DerivedPlan, shape: tuple[int, int], recorded: Mapping[str, Floats], settle: Callable[[int], Settle]
    ) -> None:
        self._plan, self._shape, self._recorded, self._settle = plan, shape, recorded, settle
        self._here = np.ones(1, dtype=bool)
        self._now = dict(plan.kept), dict(plan.today)
        self._next = self._now

    def at(self, cell: int, levels: Mapping[str, Floats]) -> dict[str, Floats]:
        """Steps of derived indicators, (paths, dyads), at those of the others."""
        recipe = self._plan.recipe
        kept, held = self._now
        leaves = {leaf: self._taken(leaf, cell, levels) for leaf in recipe.leaves}
        left, steps = dict(held), dict[str, Floats]()
        settle = self._settle(cell)

        def seen(name: str, values: Floats) -> Floats:
            if name not in held:
                return values
            indicator = recipe.indicators[name]
            left[name] = values = np.where(np.isnan(values), held[name], values)
            with np.errstate(over="ignore"):
                own = work(np.broadcast_to(finite(indicator.steps(values)), self._shape))
            steps[name] = settle(name, own)
            return values if steps[name] is own else np.asarray(indicator.level(steps[name].astype(float)))

        self._next = recipe.advance(kept, leaves, self._here, seen, frozen=True)[0], left
        return steps

    def step(self) -> None:
        """Let a cell go by."""
        self._now = self._next

    def _taken(self, leaf: Leaf, cell: int, levels: Mapping[str, Floats]) -> Floats:
        """What a column takes: a level in its own unit, whether an event happened, or what does not change."""
        name = leaf[0]
        if name in levels:
            return np.asarray(self._plan.recipe.indicators[name].level(levels[name].astype(float)))
        if cell and name in self._plan.recipe.inputs:
            return np.zeros(1)
        # A copy: what happens is written over from cell to cell, and a lag remembers it.
        return self._recorded[name].astype(float) if cell and name in self._recorded else self._plan.leaves[leaf]
