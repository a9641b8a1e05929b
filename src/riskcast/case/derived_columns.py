"""A panel's table and its table of states -> derived columns, period by period, and where each stands at an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.derivations import OF_STATES, Derivation, derived_order
from riskcast.case.derived_steps import Bools, Floats, Kept, begin, step
from riskcast.case.dyads import Dyad
from riskcast.case.model import Case, EventType, Indicator
from riskcast.case.panel import Inputs, Ints, StateTable
from riskcast.case.settings import PanelSettings

# A column by its name and, for one of states, whether it is the first or the second state's; -1 for all others.
Leaf = tuple[str, int]


@dataclass(frozen=True)
class Recipe:
    """What is derived from what.

    derive: derived columns, each after those that it takes; indicators: those that are columns of the panel, drawn from
    its table or derived; at_least: by event type, from which number on it has happened; inputs: columns of either table
    that hold events of no type.
    """

    derive: Mapping[str, Derivation]
    indicators: Mapping[str, Indicator]
    at_least: Mapping[str, int]
    inputs: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, settings: PanelSettings, indicators: Mapping[str, Indicator], events: Mapping[str, EventType]
    ) -> Recipe:
        """The recipe of a case's parts."""
        return cls(
            {name: settings.derive[name] for name in derived_order(settings.derive)},
            {name: one for name, one in indicators.items() if one.history == "panel"},
            {name: event.at_least for name, event in events.items()},
            settings.inputs,
        )

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All that is taken and not derived: columns of both tables, and event types."""
        taken = (leaf for one in self.derive.values() for leaf in one.inputs)
        return tuple(dict.fromkeys(leaf for leaf in taken if leaf[0] not in self.derive))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the panel's table that are taken, but those of events."""
        return tuple(name for name, side in self.leaves if side < 0 and name not in self.events)

    @property
    def state_columns(self) -> tuple[str, ...]:
        """The columns of the table of states that are taken, by their names there."""
        return tuple(dict.fromkeys(name.removeprefix(OF_STATES) for name, side in self.leaves if side >= 0))

    @property
    def events(self) -> tuple[str, ...]:
        """The event types and input events of the panel's table that are taken."""
        return tuple(name for name, side in self.leaves if side < 0 and (name in self.at_least or name in self.inputs))

    def advance(
        self,
        kept: Mapping[str, Kept],
        leaves: Mapping[Leaf, Floats],
        here: Bools,
        settle: Callable[[str, Floats], Floats],
        frozen: bool = False,
    ) -> tuple[dict[str, Kept], dict[str, Floats]]:
        """What derived columns keep after a period, and their values in it, (..., units), from what is taken in it.

        `settle`: what others see of a derived column's value, such as what is made of a missing one; `here`, `frozen`
        as for `step`.
        """
        known, left, values = dict(leaves), {}, {}
        for name, derivation in self.derive.items():
            left[name], values[name] = step(
                derivation, kept[name], [known[one] for one in derivation.inputs], here, frozen
            )
            known[name, -1] = settle(name, values[name])
        return left, values


def moved_by_events(case: Case) -> tuple[str, ...]:
    """The indicators of a case that are derived from events, themselves or by way of another column.

    >>> from riskcast import load_case
    >>> moved_by_events(load_case("central_asia_2024"))
    ()
    """
    settings = case.settings.panel
    if settings is None:
        return ()
    recipe = Recipe.of(settings, case.indicators, case.events)
    found: set[str] = set()
    for name, one in recipe.derive.items():
        if any(taken in case.events or taken in found for taken in one.of):
            found.add(name)
    return tuple(name for name in recipe.indicators if name in found)


@dataclass(frozen=True)
class Standing:
    """Where derived columns stand at the end of a period: what they keep, and what the next one begins with, (units,).

    leaves: of columns what the next period's row says, or the last known value where there is none; of event types what
    happened in the period.
    """

    kept: Mapping[str, Kept]
    leaves: Mapping[Leaf, Floats]


@dataclass(frozen=True)
class Derived:
    """Derived columns of all rows, (rows,) each, NaN where missing; undefined: by column, the rows in which what is
    taken is known and has no logarithm or no ratio; standing: at the end of the period that was asked for."""

    columns: Mapping[str, Floats]
    undefined: Mapping[str, Bools]
    standing: Standing


def derive_columns(recipe: Recipe, inputs: Inputs, last: int) -> Derived:
    """Derived columns of a panel, and where they stand at the end of period `last`.

    A period sees the columns of its own row and the events of the period before, input events among them;
    `Recipe.advance` goes through the periods one by one, and is handed nothing later.
    """
    units = len(inputs.dyads)
    table = _StateGrid.of(inputs, recipe) if inputs.states is not None else None
    rows = np.argsort(inputs.period, kind="stable")
    periods = inputs.period[rows]
    first = int(min(periods[0], periods[0] if table is None else table.first))
    columns = {name: np.full(len(rows), np.nan) for name in recipe.derive}
    undefined = {name: np.zeros(len(rows), dtype=bool) for name in recipe.derive}
    kept: Mapping[str, Kept] = {name: begin(one) for name, one in recipe.derive.items()}
    happened = {name: np.full(units, np.nan) for name in recipe.events}
    held = {name: np.full(units, np.nan) for name in recipe.indicators}
    newest = {leaf: np.full(units, np.nan) for leaf in recipe.leaves}
    standing, ends = Standing(kept, {}), int(max(periods[-1], last + 1))
    of_events = {*recipe.events, *recipe.inputs}

    def settle(name: str, values: Floats) -> Floats:
        """What an indicator makes of missing values, but for rows that it drops."""
        if name not in recipe.indicators:
            return values
        known = ~np.isnan(values)
        for treatment in recipe.indicators[name].missing:
            # A row that is not there has no cells to fill.
            lacks = np.isnan(values) & here
            if treatment == "hold":
                values = np.where(lacks, held[name], values)
            elif treatment == "reference":
                values = np.where(lacks, recipe.indicators[name].reference, values)
            else:
                break
        held[name] = np.where(known, values, held[name])
        return values

    for period in range(first, ends + 1):
        own = rows[slice(*np.searchsorted(periods, (period, period + 1)))]
        unit = inputs.unit[own]
        here = np.zeros(units, dtype=bool)
        here[unit] = True

        def spread(values: Floats, own: Ints = own, unit: Ints = unit) -> Floats:
            out = np.full(units, np.nan)
            out[unit] = values[own]
            return out

        leaves: dict[Leaf, Floats] = {(name, -1): settle(name, spread(inputs.columns[name])) for name in recipe.columns}
        leaves |= {(name, -1): happened[name] for name in recipe.events}
        if table is not None:
            leaves |= table.at(period)
        if period == last + 1:
            standing = Standing(
                kept,
                {leaf: np.where(here | (leaf[0] in of_events), now, newest[leaf]) for leaf, now in leaves.items()},
            )
        kept, values = recipe.advance(kept, leaves, here, settle)
        for name, told in values.items():
            columns[name][own] = told[unit]
            if recipe.derive[name].do in ("log", "ratio"):
                taken = (leaves[one] if one in leaves else values[one[0]] for one in recipe.derive[name].inputs)
                undefined[name][own] = np.logical_and.reduce([np.isnan(told), *(~np.isnan(one) for one in taken)])[unit]
        newest = {leaf: np.where(np.isnan(now), newest[leaf], now) for leaf, now in leaves.items()}
        happened = {
            name: np.where(np.isnan(now), np.nan, now >= recipe.at_least[name]) if name in recipe.at_least else now
            for name in recipe.events
            for now in (spread(inputs.events[name]),)
        }
    return Derived(columns, undefined, standing)


@dataclass(frozen=True)
class _StateGrid:
    """Columns of a table of states by period and state, and which states each dyad joins.

    grids: by column (periods, states), the last state one of which nothing is known; sides: (2, units), places of
    states; inputs: columns that are taken of the period before.
    """

    first: int
    grids: Mapping[str, Floats]
    sides: Ints
    inputs: frozenset[str]

    @classmethod
    def of(cls, inputs: Inputs, recipe: Recipe) -> _StateGrid:
        table: StateTable | None = inputs.states
        assert table is not None
        count, first = len(table.states), int(table.period.min()) if len(table.period) else int(inputs.period.min())
        length = int(table.period.max()) - first + 1 if len(table.period) else 1
        grids = {}
        for name in recipe.state_columns:
            grid = np.full((length, count + 1), np.nan)
            grid[table.period - first, table.state] = table.columns[name]
            grids[name] = grid
        places = {state: place for place, state in enumerate(table.states)}
        pairs = [Dyad.parse(id) for id in inputs.dyads]
        sides = [[places.get(getattr(pair, side), count) for pair in pairs] for side in ("first", "second")]
        taken_late = frozenset(name.removeprefix(OF_STATES) for name in recipe.inputs if name.startswith(OF_STATES))
        return cls(first, grids, np.array(sides, dtype=np.int64), taken_late)

    def at(self, period: int) -> dict[Leaf, Floats]:
        """What is taken of both states of every dyad in a period: (units,) each."""
        units = self.sides.shape[1]
        out: dict[Leaf, Floats] = {}
        for name, grid in self.grids.items():
            place = period - self.first - int(name in self.inputs)
            for side in (0, 1):
                inside = 0 <= place < len(grid)
                out[f"{OF_STATES}{name}", side] = grid[place, self.sides[side]] if inside else np.full(units, np.nan)
        return out
