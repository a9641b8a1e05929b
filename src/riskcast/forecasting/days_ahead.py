"""The days of a horizon's cells, and on which of them events happen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case
from riskcast.case.periods import Timeline
from riskcast.machinery.array_types import Floats, Ints
from riskcast.record.arrays import day_number
from riskcast.record.sights import period_starts


@dataclass(frozen=True)
class DaysAhead:
    """The days of a horizon's cells: begins, the day of its period, from 1, on which each cell begins; spans, its days;
    lengths, the days of its whole period, and of periods after the last one."""

    begins: Ints
    spans: Ints
    lengths: Ints

    @classmethod
    def of(cls, case: Case, timeline: Timeline, horizon: int, later: int) -> DaysAhead:
        """The days of a horizon's cells, and of so many `later` periods."""
        cells = timeline.cells(horizon)
        starts = period_starts(case, timeline, timeline.complete, len(cells) + later + 1)
        first = np.array([day_number(day) for day in cells.first])
        last = np.array([day_number(day) for day in cells.last])
        return cls(first - starts[: len(cells)] + 1, last - first + 1, np.diff(starts))


def draw_day(uniform: Floats, chance: Floats, days: DaysAhead, cell: int) -> Floats:
    """The day of its period, from 1, on which an event happened: uniform over the cell's days.

    An event happens where uniform < chance, and uniform / chance is uniform there.

    >>> days = DaysAhead(np.array([11]), np.array([20]), np.array([30]))
    >>> draw_day(np.array([0.0, 0.05, 0.099]), np.full(3, 0.1), days, 0).tolist()
    [11.0, 21.0, 30.0]
    """
    place = np.divide(uniform, chance, out=np.zeros(np.shape(chance)), where=chance > 0.0)
    span = float(days.spans[cell])
    return np.minimum(np.floor(place * span), span - 1.0) + float(days.begins[cell])
