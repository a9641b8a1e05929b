"""The calendar of a case: how time is cut into periods, and which of them are record and which horizon."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from riskcast.machinery.array_types import Floats, Ints
from riskcast.names import PERIODS_PER_YEAR

DAYS_PER_YEAR = 365.2425
_PERIODS = {
    "year": r"(\d{4})",
    "quarter": r"(\d{4})-?Q([1-4])",
    "month": r"(\d{4})-(0[1-9]|1[0-2])",
    "week": r"(\d{4})-?W(0[1-9]|[1-4]\d|5[0-3])",
}
PERIOD_EXAMPLES = {"year": "1961", "quarter": "1961Q2", "month": "1961-05", "week": "1961-W18"}


@dataclass(frozen=True)
class Calendar(ABC):
    """Periods that follow each other without a gap; each has a number, one more than that of the period before."""

    unit: str

    @property
    def periods_per_year(self) -> float:
        """Periods in a year."""
        return PERIODS_PER_YEAR[self.unit]

    @abstractmethod
    def number(self, day: dt.date) -> int:
        """The number of the period that holds a day."""

    @abstractmethod
    def first_day(self, number: int) -> dt.date:
        """The first day of a period."""

    def last_day(self, number: int) -> dt.date:
        """The last day of a period."""
        return self.first_day(number + 1) - dt.timedelta(days=1)

    @abstractmethod
    def label(self, number: int) -> str:
        """A period as people write it."""

    @abstractmethod
    def read(self, text: str) -> int | None:
        """The number of a period from its label, None where the text is none."""

    @abstractmethod
    def shift(self, day: dt.date, periods: int) -> dt.date:
        """The day so many periods later; the last day of a period stays one."""


@dataclass(frozen=True)
class Months(Calendar):
    """Months, quarters or years; these begin with January, or with the first month of a fiscal year.

    A fiscal year goes by the calendar year in which it ends, or by the one in which it begins.

    >>> quarters, fiscal = Months("quarter"), Months("year", first_month=10)
    >>> quarters.label(quarters.number(dt.date(1961, 5, 9))), quarters.shift(dt.date(1961, 5, 31), 1)
    ('1961Q2', datetime.date(1961, 8, 31))
    >>> year = fiscal.number(dt.date(2023, 11, 5))
    >>> fiscal.label(year), fiscal.first_day(year), fiscal.last_day(year)
    ('2024', datetime.date(2023, 10, 1), datetime.date(2024, 9, 30))
    """

    first_month: int = 1
    named_by_end: bool = True

    @property
    def _months(self) -> int:
        return 12 // PERIODS_PER_YEAR[self.unit]

    @property
    def _ahead(self) -> int:
        """How many years the name of a fiscal year is ahead of the calendar year in which it begins."""
        return int(self.named_by_end and self.first_month > 1)

    def number(self, day: dt.date) -> int:
        """The number of the period that holds a day, counted from the year 0."""
        return (day.year * 12 + day.month - self.first_month) // self._months

    def first_day(self, number: int) -> dt.date:
        """The first day of a period."""
        year, month = divmod(number * self._months + self.first_month - 1, 12)
        return dt.date(year, month + 1, 1)

    def label(self, number: int) -> str:
        """1961, 1961Q2 or 1961-05."""
        year, place = divmod(number, PERIODS_PER_YEAR[self.unit])
        if self.unit == "month":
            return f"{year:04d}-{place + 1:02d}"
        return f"{year + self._ahead:04d}" + (f"Q{place + 1}" if self.unit == "quarter" else "")

    def read(self, text: str) -> int | None:
        """The number of a period from its label, None where the text is none."""
        found = re.fullmatch(_PERIODS[self.unit], text)
        if found is None:
            return None
        year, *place = (int(part) for part in found.groups())
        return (year - self._ahead) * PERIODS_PER_YEAR[self.unit] + (place[0] - 1 if place else 0)

    def shift(self, day: dt.date, periods: int) -> dt.date:
        """The day so many periods later; a month's last day stays one."""
        return shift_months(day, periods * self._months)


@dataclass(frozen=True)
class Weeks(Calendar):
    """Weeks from Monday to Sunday, as ISO 8601 counts them.

    >>> weeks = Weeks()
    >>> week = weeks.number(dt.date(2021, 1, 3))
    >>> weeks.label(week), weeks.first_day(week), weeks.read("2020-W53") == week
    ('2020-W53', datetime.date(2020, 12, 28), True)
    """

    unit: str = "week"

    @property
    def periods_per_year(self) -> float:
        """Weeks in the mean Gregorian year."""
        return DAYS_PER_YEAR / 7.0

    def number(self, day: dt.date) -> int:
        """The number of the week that holds a day, counted from the year 1, which began on a Monday."""
        return (day.toordinal() - 1) // 7

    def first_day(self, number: int) -> dt.date:
        """The Monday of a week."""
        return dt.date.fromordinal(number * 7 + 1)

    def label(self, number: int) -> str:
        """1961-W18."""
        year, week, _ = self.first_day(number).isocalendar()
        return f"{year:04d}-W{week:02d}"

    def read(self, text: str) -> int | None:
        """The number of a week from its label, None where the text is none or the year has no such week."""
        found = re.fullmatch(_PERIODS["week"], text)
        try:
            return None if found is None else self.number(dt.date.fromisocalendar(int(found[1]), int(found[2]), 1))
        except ValueError:
            return None

    def shift(self, day: dt.date, periods: int) -> dt.date:
        """The day so many weeks later."""
        return day + dt.timedelta(weeks=periods)


def calendar_of(unit: str, first_month: int = 1, named_by_end: bool = True) -> Calendar:
    """The calendar of weeks, or of months, quarters or years of a year that begins with a month.

    >>> calendar_of("week").label(calendar_of("week").number(dt.date(2024, 5, 6)))
    '2024-W19'
    """
    return Weeks() if unit == "week" else Months(unit, first_month, named_by_end)


@dataclass(frozen=True)
class Cells:
    """The periods of a horizon, of which the first and the last may be parts of one.

    first, last: (cells,) days; shares: (cells,) share of the whole period; split: whether the first is the rest of a
    period that the record has begun.
    """

    first: tuple[dt.date, ...]
    last: tuple[dt.date, ...]
    shares: Floats
    split: bool

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class Timeline:
    """The periods of a case's calendar from `start` on; the one that holds `as_of` is split at the end of that day.

    Period `t` of the record is t = 0 ... length - 1, the last perhaps in part. What is left of it is the first cell of
    the horizon, which ends so many periods after `as_of`, so that a later day bins nothing anew.

    >>> line = Timeline(dt.date(2024, 5, 6), Months("month"), dt.date(2024, 1, 1))
    >>> line.length, line.index(dt.date(2024, 5, 6)), line.index(dt.date(2024, 4, 6))
    (5, 4, 3)
    >>> line.horizon(12), len(line.cells(12)), line.cells(12).shares[[0, 1, -1]].round(3).tolist()
    ((datetime.date(2024, 5, 7), datetime.date(2025, 5, 6)), 13, [0.806, 1.0, 0.194])
    """

    as_of: dt.date
    calendar: Calendar
    start: dt.date

    @cached_property
    def first(self) -> int:
        """The calendar's number of the record's first period."""
        return self.calendar.number(self.start)

    @cached_property
    def length(self) -> int:
        """How many periods lie between `start` and `as_of`, the first and the last perhaps in part."""
        return self.calendar.number(self.as_of) - self.first + 1

    @cached_property
    def ends_period(self) -> bool:
        """Whether `as_of` is the last day of a period."""
        return self.as_of == self.calendar.last_day(self.first + self.length - 1)

    @cached_property
    def complete(self) -> int:
        """How many periods of the record have ended."""
        return self.length if self.ends_period else self.length - 1

    @cached_property
    def _bounds(self) -> Ints:
        """The first day of every period of the record and of the one after it, in days since 1970."""
        days = [self.calendar.first_day(self.first + t) for t in range(self.length + 1)]
        return np.array(days, dtype="datetime64[D]").astype(np.int64)

    @cached_property
    def starts(self) -> NDArray[np.datetime64]:
        """First day of every period of the record; that of the first is `start`."""
        first = np.datetime64(self.start, "D")
        return np.maximum(self._bounds[:-1].astype("datetime64[D]"), first)

    @cached_property
    def ends(self) -> NDArray[np.datetime64]:
        """Last day of every period of the record; that of the last is `as_of`."""
        last = np.datetime64(self.as_of, "D")
        return np.minimum((self._bounds[1:] - 1).astype("datetime64[D]"), last)

    def covered(self, first: dt.date, last: dt.date) -> Floats:
        """The share of every period of the record that lies between two days, both included, and within the record.

        >>> line = Timeline(dt.date(2024, 4, 15), Months("month"), dt.date(2024, 1, 1))
        >>> line.covered(dt.date(2024, 2, 15), dt.date(2030, 1, 1)).round(3).tolist()
        [0.0, 0.517, 1.0, 0.5]
        """
        since, until = np.datetime64(max(first, self.start), "D"), np.datetime64(min(last, self.as_of), "D")
        begins = np.maximum(self._bounds[:-1], since.astype(np.int64))
        ends = np.minimum(self._bounds[1:], until.astype(np.int64) + 1)
        return np.maximum(ends - begins, 0) / np.diff(self._bounds)

    def index(self, day: dt.date) -> int:
        """The period of the record that holds a day; days before the record fall into the first."""
        return max(0, self.calendar.number(day) - self.first)

    def label(self, period: int) -> str:
        """A period of the record, or after it, as people write it."""
        return self.calendar.label(self.first + period)

    def middle(self, number: int) -> dt.date:
        """The day in the middle of a period of the calendar, by its number."""
        first, last = self.calendar.first_day(number), self.calendar.last_day(number)
        return first + (last - first) / 2

    def _year(self, number: int) -> int:
        return self.middle(number).year

    def numbers(self, calendar: Calendar) -> Ints:
        """The number, in another calendar, of the period that holds the middle of every period of the record."""
        return _numbers(self, calendar)

    def numbers_ahead(self, calendar: Calendar, periods: int) -> tuple[int, ...]:
        """The same of the period of every cell of a horizon."""
        first = self.first + self.complete
        return tuple(calendar.number(self.middle(first + cell)) for cell in range(len(self.cells(periods))))

    @cached_property
    def years(self) -> Ints:
        """The calendar year that holds the middle of every period of the record."""
        return np.array([self._year(self.first + t) for t in range(self.length)], dtype=np.int64)

    def years_ahead(self, periods: int) -> tuple[int, ...]:
        """The calendar year that holds the middle of the period of every cell of a horizon."""
        first = self.first + self.complete
        return tuple(self._year(first + cell) for cell in range(len(self.cells(periods))))

    def horizon(self, periods: int) -> tuple[dt.date, dt.date]:
        """First and last day of a horizon of so many periods."""
        return self.as_of + dt.timedelta(days=1), self.calendar.shift(self.as_of, periods)

    def cells(self, periods: int) -> Cells:
        """The periods, or parts of them, that make a horizon of so many periods."""
        begin, end = self.horizon(periods)
        numbers = range(self.calendar.number(begin), self.calendar.number(end) + 1)
        spans = [(self.calendar.first_day(number), self.calendar.last_day(number)) for number in numbers]
        first = tuple(max(day, begin) for day, _ in spans)
        last = tuple(min(day, end) for _, day in spans)
        shares = [
            ((until - since).days + 1) / ((whole_until - whole_since).days + 1)
            for since, until, (whole_since, whole_until) in zip(first, last, spans, strict=True)
        ]
        return Cells(first, last, np.array(shares), not self.ends_period)


@lru_cache(maxsize=16)
def _numbers(timeline: Timeline, calendar: Calendar) -> Ints:
    """`Timeline.numbers`, which every event type asks for."""
    days = (timeline.middle(timeline.first + t) for t in range(timeline.length))
    return np.array([calendar.number(day) for day in days], dtype=np.int64)


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


def date_span(day: dt.date, precision: str) -> tuple[dt.date, dt.date]:
    """First and last day of what is known of a date: the day itself, or the month or year that holds it.

    >>> date_span(dt.date(2024, 2, 9), "month"), date_span(dt.date(2024, 2, 9), "day")
    ((datetime.date(2024, 2, 1), datetime.date(2024, 2, 29)), (datetime.date(2024, 2, 9), datetime.date(2024, 2, 9)))
    """
    if precision == "day":
        return day, day
    months = Months(precision)
    number = months.number(day)
    return months.first_day(number), months.last_day(number)


def date_label(day: dt.date, precision: str) -> str:
    """A day as exactly as it is known: the day itself, or the month or year that holds it.

    >>> date_label(dt.date(1961, 5, 9), "day"), date_label(dt.date(1961, 5, 9), "month")
    ('1961-05-09', '1961-05')
    """
    return day.isoformat() if precision == "day" else Months(precision).label(Months(precision).number(day))
