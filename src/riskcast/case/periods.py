"""The calendar of a case: periods counted back from, and on from, the last day it knows."""

from __future__ import annotations

import calendar
import datetime as dt
import re
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
    """The same day of another month, or that month's last day; a month's last day stays one.

    >>> shift_months(dt.date(2024, 5, 31), -3), shift_months(dt.date(2024, 6, 30), 1)
    (datetime.date(2024, 2, 29), datetime.date(2024, 7, 31))
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = _last_of_month(year, month + 1)
    at_end = day.day == _last_of_month(day.year, day.month)
    return dt.date(year, month + 1, last if at_end else min(day.day, last))


def _last_of_month(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def period_number(day: dt.date, unit: str) -> int:
    """The number of the calendar period that holds a day, counted from the year 0.

    >>> period_number(dt.date(1961, 5, 1), "year"), period_number(dt.date(1961, 5, 1), "quarter")
    (1961, 7845)
    """
    per_year = PERIODS_PER_YEAR[unit]
    return day.year * per_year + (day.month - 1) * per_year // 12


def last_day(number: int, unit: str) -> dt.date:
    """The last day of a calendar period.

    >>> last_day(7845, "quarter")
    datetime.date(1961, 6, 30)
    """
    per_year = PERIODS_PER_YEAR[unit]
    year, place = divmod(number, per_year)
    month = (place + 1) * 12 // per_year
    return dt.date(year, month, _last_of_month(year, month))


def period_label(number: int, unit: str) -> str:
    """A calendar period as people write it.

    >>> period_label(1961, "year"), period_label(7845, "quarter"), period_label(23536, "month")
    ('1961', '1961Q2', '1961-05')
    """
    year, place = divmod(number, PERIODS_PER_YEAR[unit])
    return {"year": f"{year:04d}", "quarter": f"{year:04d}Q{place + 1}", "month": f"{year:04d}-{place + 1:02d}"}[unit]


def date_label(day: dt.date, precision: str) -> str:
    """A day as exactly as it is known: the day itself, or the month, quarter or year that holds it.

    >>> date_label(dt.date(1961, 5, 9), "day"), date_label(dt.date(1961, 5, 9), "month")
    ('1961-05-09', '1961-05')
    """
    return day.isoformat() if precision == "day" else period_label(period_number(day, precision), precision)


_PERIODS = {"year": r"(\d{4})", "quarter": r"(\d{4})-?Q([1-4])", "month": r"(\d{4})-(0[1-9]|1[0-2])"}
PERIOD_EXAMPLES = {"year": "1961", "quarter": "1961Q2", "month": "1961-05"}


def read_period(text: str, unit: str) -> int | None:
    """The number of a calendar period from its label, None where the text is none.

    >>> read_period("1961Q2", "quarter"), read_period("1961Q5", "quarter")
    (7845, None)
    """
    found = re.fullmatch(_PERIODS[unit], text)
    if found is None:
        return None
    year, *place = (int(part) for part in found.groups())
    return year * PERIODS_PER_YEAR[unit] + (place[0] - 1 if place else 0)
