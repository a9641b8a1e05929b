"""A panel: one table of dyad-periods with covariates and events, from which a case takes its dyads and its record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from riskcast.case.periods import Calendar
from riskcast.names import PERIOD

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]


TREATMENTS: Final[Mapping[str, str]] = {
    "hold": "held at the last earlier value",
    "reference": "taken as the reference",
    "drop": "row dropped",
}


@dataclass(frozen=True)
class Treated:
    """How many missing cells of an indicator were treated in which way."""

    indicator: str
    treatment: str
    cells: int


@dataclass(frozen=True, eq=False)
class StateTable:
    """Columns of a table of states: one row for each state and period.

    states: ids; state, period: (rows,) index of the state, and number of the calendar period; columns: (rows,) each,
    NaN where missing.
    """

    states: tuple[str, ...]
    state: Ints
    period: Ints
    columns: Mapping[str, Floats]

    def until(self, last: int) -> StateTable:
        """The rows up to a period, and the states that they are of."""
        kept = np.flatnonzero(self.period <= last)
        present, state = np.unique(self.state[kept], return_inverse=True)
        columns = {name: values[kept] for name, values in self.columns.items()}
        return StateTable(tuple(self.states[i] for i in present), state.astype(np.int64), self.period[kept], columns)


@dataclass(frozen=True, eq=False)
class TieTable:
    """Which states are tied to which, such as by a border, and for how long.

    states: ids; pair: (rows, 2) indices of two states, in either order; first, last: (rows,) numbers of the first and
    last calendar period of the tie, ALWAYS and STILL where it has none.
    """

    ALWAYS: ClassVar[int] = -(10**9)
    STILL: ClassVar[int] = 10**9

    states: tuple[str, ...]
    pair: Ints
    first: Ints
    last: Ints

    def until(self, last: int) -> TieTable:
        """What is known of them at the end of a period: ties that begin later are not, nor is when others end.

        >>> ties = TieTable(("A", "B"), np.array([[0, 1], [0, 1]]), np.array([1950, 1970]), np.array([1960, 1980]))
        >>> known = ties.until(1955)
        >>> known.first.tolist(), bool(known.last[0] == TieTable.STILL)
        ([1950], True)
        """
        kept = np.flatnonzero(self.first <= last)
        present, place = np.unique(self.pair[kept], return_inverse=True)
        ends = np.where(self.last[kept] >= last, self.STILL, self.last[kept])
        states = tuple(self.states[i] for i in present)
        return TieTable(states, place.reshape(-1, 2).astype(np.int64), self.first[kept], ends)


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a panel's derived columns are made of: all rows of its table as it holds them, sorted by dyad and period.

    dyads: ids; unit, period: as in `Panel`; columns, events: (rows,) each, NaN where missing, before anything is done
    about that; states: the table of states, where the case has one.
    """

    dyads: tuple[str, ...]
    unit: Ints
    period: Ints
    columns: Mapping[str, Floats]
    events: Mapping[str, Floats]
    states: StateTable | None = None

    def until(self, last: int, covariates_ahead: bool) -> Inputs:
        """What is known of them at the end of period `last`, as `Panel.until` says."""
        newest = last + int(covariates_ahead)
        kept = np.flatnonzero(self.period <= newest)
        past = self.period[kept] <= last
        present, unit = np.unique(self.unit[kept], return_inverse=True)
        return Inputs(
            tuple(self.dyads[i] for i in present),
            unit.astype(np.int64),
            self.period[kept],
            {name: values[kept] for name, values in self.columns.items()},
            {name: np.where(past, values[kept], np.nan) for name, values in self.events.items()},
            None if self.states is None else self.states.until(newest),
        )


@dataclass(frozen=True, eq=False)
class Panel:
    """Rows of a panel, sorted by dyad and period.

    dyads: ids such as USA-CAN; unit, period: (rows,) index of the dyad, and number of the calendar period; levels by
    indicator: (rows,) in natural units, none missing; events by event type: (rows,) how many there were, a whole
    number, NaN where it is not known, so that the row is not at risk; treated: what was done about missing covariates;
    filled by indicator, where any was missing: (rows,) whether the cell was, so that the level is one held over or the
    reference; inputs: what derived columns are made of, where the case has any; ties: tables of neighbours by name.
    """

    dyads: tuple[str, ...]
    unit: Ints
    period: Ints
    levels: Mapping[str, Floats]
    events: Mapping[str, Floats]
    treated: tuple[Treated, ...] = field(default=())
    filled: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    inputs: Inputs | None = None
    ties: Mapping[str, TieTable] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.unit)

    def until(self, last: int, covariates_ahead: bool) -> Panel:
        """What is known at the end of period `last`: its rows and, with `covariates_ahead`, the covariates of the next.

        >>> table = Panel(("A-B",), np.zeros(3, int), np.array([1960, 1961, 1962]), {"x": np.array([1.0, 2.0, 3.0])},
        ...               {"war": np.array([0.0, 1.0, 1.0])})
        >>> known = table.until(1960, covariates_ahead=True)
        >>> known.levels["x"].tolist(), known.events["war"].tolist()
        ([1.0, 2.0], [0.0, nan])
        """
        kept = np.flatnonzero(self.period <= last + int(covariates_ahead))
        past = self.period[kept] <= last
        present, unit = np.unique(self.unit[kept], return_inverse=True)
        return Panel(
            tuple(self.dyads[i] for i in present),
            unit.astype(np.int64),
            self.period[kept],
            {name: values[kept] for name, values in self.levels.items()},
            {name: np.where(past, values[kept], np.nan) for name, values in self.events.items()},
            self.treated,
            {name: cells[kept] for name, cells in self.filled.items()},
            None if self.inputs is None else self.inputs.until(last, covariates_ahead),
            {name: table.until(last) for name, table in self.ties.items()},
        )

    def happened(self, event: str, at_least: int) -> Floats:
        """Where the event of a row happened, as there were `at_least` so many: (rows,) 1 or 0, NaN where unknown.

        >>> table = Panel(("A-B",), np.zeros(3, int), np.arange(3), {}, {"raid": np.array([2.0, 7.0, np.nan])})
        >>> table.happened("raid", 3).tolist()
        [0.0, 1.0, nan]
        """
        numbers = self.events[event]
        return np.where(np.isnan(numbers), np.nan, numbers >= at_least)

    def given(self, indicator: str) -> NDArray[np.bool_]:
        """Where the table holds a level of an indicator itself, (rows,).

        >>> table = Panel(("A-B",), np.zeros(2, int), np.array([1960, 1961]), {"x": np.array([1.0, 1.0])}, {},
        ...               filled={"x": np.array([False, True])})
        >>> table.given("x").tolist()
        [True, False]
        """
        return ~self.filled[indicator] if indicator in self.filled else np.ones(len(self), dtype=bool)

    def lack(self, last: int, calendar: Calendar) -> tuple[str, str] | None:
        """The column, and what it lacks, of a panel that cannot be forecast from the end of period `last` on.

        >>> table = Panel(("A-B",), np.zeros(2, int), np.array([1960, 1961]), {}, {"war": np.array([np.nan, 0.0])})
        >>> from riskcast.case.periods import Months
        >>> years = Months("year")
        >>> table.lack(1961, years), table.lack(1960, years)
        (None, ('war', 'is known in no row up to 1960'))
        """
        until = calendar.label(last)
        if not len(self) or self.period.min() > last:
            return PERIOD, f"has no row up to {until}"
        newest = int(self.period.max())
        if newest < last:
            return PERIOD, f"ends with {calendar.label(newest)}, before {until}"
        for name, values in self.events.items():
            if np.isnan(values[self.period <= last]).all():
                return name, f"is known in no row up to {until}"
        return None

    @cached_property
    def freshest(self) -> Ints:
        """The last row of every dyad, (dyads,): where covariates are known ahead, that of the period after the last.

        >>> table = Panel(("A-B", "A-C"), np.array([0, 0, 1]), np.array([1960, 1961, 1960]), {}, {})
        >>> table.freshest.tolist()
        [1, 2]
        """
        return np.append(np.flatnonzero(np.diff(self.unit)), len(self) - 1)

    @cached_property
    def digest(self) -> str:
        """sha256 of the rows, blind to the order of rows and columns in the file."""
        tables: list[_Table] = [(self.dyads, (self.unit, self.period), (self.levels, self.events))]
        if self.inputs is not None:
            own, states = self.inputs, self.inputs.states
            tables.append((own.dyads, (own.unit, own.period), (own.columns, own.events)))
            if states is not None:
                tables.append((states.states, (states.state, states.period), (states.columns,)))
        for name, ties in sorted(self.ties.items()):
            tables.append(((name, *ties.states), (ties.pair, ties.first, ties.last), ()))
        total = hashlib.sha256()
        for part in (part for table in tables for part in _parts(*table)):
            total.update(part)
        return total.hexdigest()


_Table = tuple[tuple[str, ...], tuple[Ints, ...], tuple[Mapping[str, Floats], ...]]


def _parts(names: Iterable[str], places: Iterable[Ints], columns: Iterable[Mapping[str, Floats]]) -> Iterator[bytes]:
    """A table as bytes, column by column in the order of their names."""
    yield "\n".join(names).encode()
    for values in places:
        yield np.ascontiguousarray(values, dtype="<i8").tobytes()
    for group in columns:
        for name in sorted(group):
            yield name.encode()
            # Adding zero turns minus zero into zero; every NaN is made the same.
            values = np.where(np.isnan(group[name]), np.nan, group[name] + 0.0)
            yield np.ascontiguousarray(values, dtype="<f8").tobytes()
