"""Rows of a record in the order of their units and periods: sums by unit, by unit and period, and in blocks.

Numbers of a block of rows for a few dozen draws fit the processor's cache, those of a large panel's rows do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from riskcast.machinery.array_types import Floats, Ints

ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Groups:
    """Rows sorted by unit: each row's unit, the first row of every unit that has any, and those units."""

    unit: NDArray[np.int64]
    starts: NDArray[np.int64]
    present: NDArray[np.int64]

    @classmethod
    def of(cls, unit: NDArray[np.int64]) -> Groups:
        """The groups of rows with these units."""
        starts = np.flatnonzero(np.diff(unit, prepend=-1))
        return cls(unit, starts, unit[starts])

    def add(self, out: Floats, values: Floats) -> None:
        """Add rows (rows, ...) to their units in `out` (units, ...)."""
        if len(self.starts):
            out[self.present] += np.add.reduceat(values, self.starts, axis=0)

    def sum(self, values: Floats, units: int) -> Floats:
        """Sum rows (rows, ...) into (units, ...)."""
        out = np.zeros((units, *values.shape[1:]))
        self.add(out, values)
        return out


@dataclass(frozen=True)
class Cells:
    """Neighbouring rows of one unit and period: where each cell begins, its unit, its period, and how many rows."""

    starts: Ints
    unit: Ints
    period: Ints
    rows: int

    @classmethod
    def of(cls, unit: Ints, period: Ints) -> Cells:
        """The cells of rows with these units and periods."""
        starts = np.flatnonzero((np.diff(unit, prepend=-1) != 0) | (np.diff(period, prepend=-1) != 0))
        return cls(starts, unit[starts], period[starts], len(unit))

    def sum(self, values: Floats) -> Floats:
        """Rows (rows, ...) summed in every cell: (cells, ...)."""
        return np.add.reduceat(values, self.starts, axis=0) if len(self.starts) else np.zeros((0, *values.shape[1:]))

    def by_period(self, sums: Floats, effects: Floats, periods: int) -> Floats:
        """Sums of cells times exp of the effect of each unit (units, draws), by period: (periods, draws)."""
        out = np.zeros((periods, sums.shape[1]), dtype=sums.dtype)
        if not len(self.starts):
            return out
        cells = sums * np.exp(effects.astype(sums.dtype))[self.unit]
        for begin, end in pairwise([*np.flatnonzero(np.diff(self.unit, prepend=-1)).tolist(), len(self.unit)]):
            # Within a unit no period comes twice.
            out[self.period[begin:end]] += cells[begin:end]
        return out

    def blocks(self, most: int = ROWS_AT_ONCE) -> Iterator[tuple[slice, slice, Cells]]:
        """Whole units with about so many rows together: their rows, their cells, and these as cells of their own.

        >>> cells = Cells.of(np.array([0, 0, 1, 1, 1, 2]), np.array([4, 5, 4, 4, 5, 4]))
        >>> [(rows.start, rows.stop, own.starts.tolist()) for rows, _, own in cells.blocks(3)]
        [(0, 2, [0, 1]), (2, 5, [0, 2]), (5, 6, [0])]
        """
        first = np.flatnonzero(np.diff(self.unit, prepend=-1))
        at, ends = 0, np.append(self.starts[first], self.rows)
        while at < len(first):
            after = max(int(np.searchsorted(ends, ends[at] + most, side="right")) - 1, at + 1)
            rows = slice(int(ends[at]), int(ends[after]))
            part = slice(int(first[at]), int(first[after]) if after < len(first) else len(self.unit))
            own = Cells(self.starts[part] - rows.start, self.unit[part], self.period[part], rows.stop - rows.start)
            yield rows, part, own
            at = after
