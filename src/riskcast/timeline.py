"""The calendar of a case: periods counted back from, and on from, the last day it knows."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from riskcast.names import PERIODS_PER_YEAR


@dataclass(frozen=True)
class Timeline:
    """Periods that end on `as_of` and whole months before it, so that no period is half known.

    Period `t` of the record (t = 0 ... length - 1) ends on `ends[t]`; the horizon begins on the day after `as_of`.

    >>> line = Timeline(dt.date(2024, 5, 6), "month", dt.date(2024, 1, 1))
    >>> line.length, line.index(dt.date(2024, 5, 6)), line.index(dt.date(2024, 4, 6))
    (5, 4, 3)
    >>> line.horizon(12)
    (datetime.date(2024, 5, 7), datetime.date(2025, 5, 6))
    """

    as_of: dt.date
    unit: str
    start: dt.date

    @property
    def periods_per_year(self) -> int:
        """Periods in a year."""
        return PERIODS_PER_YEAR[self.unit]

    @property
    def months_per_period(self) -> int:
        """Months in a period."""
        return 12 // self.periods_per_year

    def end(self, steps: int) -> dt.date:
        """The last day of the period `steps` after the one that ends on `as_of`."""
        return shift_months(self.as_of, steps * self.months_per_period)

    @cached_property
    def length(self) -> int:
        """How many periods lie between `start` and `as_of`, the first perhaps in part."""
        months = (self.as_of.year - self.start.year) * 12 + self.as_of.month - self.start.month
        count = months // self.months_per_period + 2
        while count > 1 and self.end(1 - count) < self.start:
            count -= 1
        return count

    @cached_property
    def ends(self) -> NDArray[np.datetime64]:
        """Last day of every period of the record."""
        return np.array([self.end(t + 1 - self.length) for t in range(self.length)], dtype="datetime64[D]")

    def index(self, day: dt.date) -> int:
        """The period of the record that holds a day; days before the record fall into the first."""
        return int(np.searchsorted(self.ends, np.datetime64(day)))

    def years(self, horizon: int = 0) -> NDArray[np.int64]:
        """The calendar year that holds the middle of every period of the record and of the horizon."""
        half = dt.timedelta(days=365 // (2 * self.periods_per_year))
        return np.array([(self.end(t + 1 - self.length) - half).year for t in range(self.length + horizon)])

    def middles(self) -> NDArray[np.float64]:
        """The middle of every period of the record, in days since 1970."""
        return self.ends.astype(float) - 365.25 / (2 * self.periods_per_year)

    def horizon(self, periods: int) -> tuple[dt.date, dt.date]:
        """First and last day of a horizon of so many periods."""
        return self.as_of + dt.timedelta(days=1), self.end(periods)


def shift_months(day: dt.date, months: int) -> dt.date:
    """The same day of another month, or that month's last day.

    >>> shift_months(dt.date(2024, 5, 31), -3)
    datetime.date(2024, 2, 29)
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))
