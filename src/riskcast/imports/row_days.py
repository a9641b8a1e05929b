"""When a row was: its day, how exactly that is known, and the period it falls into."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from riskcast.case.periods import Calendar, calendar_of
from riskcast.errors import CaseError, Problem
from riskcast.imports.map_parts import Moment
from riskcast.imports.maps import TableMap
from riskcast.imports.reading import LINE, problem_at
from riskcast.imports.reports import MOST_EXAMPLES, Loss
from riskcast.imports.row_columns import DAY, END, EXACT, LAST, MONTH, PERIOD, YEAR, lose

if TYPE_CHECKING:
    import polars

_COARSENESS: Final = {"day": 0, "month": 1, "year": 2}


def with_days(frame: polars.DataFrame, names: Sequence[str], chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
    """Rows of which the day, and how exactly it is known, can be told."""
    import polars

    calendar = calendar_of(chart.period)
    frame = frame.with_columns(
        *(e.alias(c) for e, c in zip(_read_moment(chart.date, frame, calendar), (DAY, EXACT), strict=True))
    )
    bad = frame.filter(polars.col(DAY).is_null())
    empty = bad.filter(polars.all_horizontal(polars.col(c).is_null() for c in chart.date.columns))
    wrong = bad.filter(~polars.col(LINE).is_in(empty[LINE].implode()))
    if len(wrong):
        raise CaseError(_day_problems(wrong, names, chart.date))
    lose(losses, empty, "had no day", chart.date.columns, names)
    frame = frame.filter(polars.col(DAY).is_not_null())
    if chart.end is not None:
        end, exact = _read_moment(chart.end, frame, calendar)
        # An end that is known to the month or year begins no earlier than what it ends.
        frame = frame.with_columns(
            polars.when(exact == "day").then(end).otherwise(polars.max_horizontal(end, DAY)).alias(END)
        )
        before = frame.filter(polars.col(END) < polars.col(DAY))
        if len(before):
            shown = before.row(0, named=True)
            wrong, mend = f"ends before {shown[DAY]}, when it begins", "exchange the two days"
            raise CaseError([problem_at(names, int(shown[LINE]), chart.end.columns[0], wrong, mend)])
    else:
        frame = frame.with_columns(polars.lit(None, dtype=polars.Date).alias(END))
    return _with_precision(frame, names, chart, losses)


def span_of(frame: polars.DataFrame, chart: TableMap) -> tuple[dt.date, dt.date] | None:
    """The first and the last day of rows, as far as they can be read; a month or year ends on its last."""
    import polars

    day, exact = _read_moment(chart.date, frame, calendar_of(chart.period))
    end = polars.when(exact == YEAR).then(day.dt.offset_by("12mo").dt.offset_by("-1d"))
    end = end.when(exact == MONTH).then(day.dt.month_end()).otherwise(day)
    first, last = frame.select(day.min().alias("first"), end.max().alias("last")).row(0)
    return None if first is None else (first, last)


def _with_precision(
    frame: polars.DataFrame, names: Sequence[str], chart: TableMap, losses: list[Loss]
) -> polars.DataFrame:
    import polars

    rule = chart.precision
    if rule is None:
        return frame
    known = frame[rule.column].unique().drop_nulls().to_list()

    def codes(listed: tuple[str | float, ...]) -> list[str]:
        return [cell for cell in known if any(_is_code(cell, code) for code in listed)]

    cell = polars.col(rule.column)
    coarse = polars.when(cell.is_in(codes(rule.year))).then(polars.lit(YEAR))
    coarse = coarse.when(cell.is_in(codes(rule.month)) & (polars.col(EXACT) != YEAR)).then(polars.lit(MONTH))
    frame = frame.with_columns(coarse.otherwise(polars.col(EXACT)).alias(EXACT))
    dropped = cell.is_in(codes(rule.drop)).fill_null(False)
    lose(losses, frame.filter(dropped), "had a day that the map calls too inexact", (rule.column,), names)
    return frame.filter(~dropped)


def _is_code(cell: str, code: str | float) -> bool:
    if isinstance(code, str):
        return cell == code
    try:
        return float(cell) == code
    except ValueError:
        return False


def _read_moment(moment: Moment, frame: polars.DataFrame, calendar: Calendar) -> tuple[polars.Expr, polars.Expr]:
    """The day, null where it cannot be told, and how exactly it is known."""
    import polars

    exact = polars.lit("day")
    if moment.day is not None:
        cell = polars.col(moment.day)
        # Midnight behind a day is dropped.
        cell = cell.str.replace(r"[ T]00:00(:00(\.0+)?)?$", "")
        return polars.coalesce(cell.str.to_date(form, strict=False) for form in moment.formats), exact
    if moment.period is not None:
        days = {text: _first_day(text, calendar) for text in frame[moment.period].unique().drop_nulls().to_list()}
        found = polars.col(moment.period).replace_strict(
            list(days) or [""], list(days.values()) or [None], default=None, return_dtype=polars.Date
        )
        return found, exact

    def number(column: str | None) -> polars.Expr:
        if column is None:
            return polars.lit(None, dtype=polars.Int64)
        return polars.col(column).cast(polars.Float64, strict=False).cast(polars.Int64, strict=False)

    year, month, day = number(moment.year), number(moment.month), number(moment.day_of_month)
    exact = (
        polars.when(month.is_null()).then(polars.lit(YEAR)).when(day.is_null()).then(polars.lit(MONTH)).otherwise(exact)
    )
    parts = (
        year.cast(polars.String).str.zfill(4),
        month.fill_null(1).cast(polars.String).str.zfill(2),
        polars.when(month.is_null()).then(1).otherwise(day.fill_null(1)).cast(polars.String).str.zfill(2),
    )
    return polars.concat_str(parts, separator="-").str.to_date("%Y-%m-%d", strict=False), exact


_WHOLE_YEAR: Final = re.compile(r"(\d{4})\.0+")
_UNITS: Final = ("year", "quarter", "month", "week")
_MONTHS: Final = re.compile(r"(\d{4})-?M?(\d{2})")


def _first_day(text: str, calendar: Calendar) -> dt.date | None:
    """The first day of the period that a cell names; a day is itself, and a period longer than the case's is none."""
    whole = _WHOLE_YEAR.fullmatch(text)
    for unit in _UNITS[_UNITS.index(calendar.unit) :]:
        number = calendar_of(unit).read(whole[1] if whole else text)
        if number is not None:
            return calendar_of(unit).first_day(number)
    months = _MONTHS.fullmatch(text) if calendar.unit != "week" else None
    try:
        return dt.date(int(months[1]), int(months[2]), 1) if months else dt.date.fromisoformat(text[:10])
    except ValueError:
        return None


def _day_problems(wrong: polars.DataFrame, names: Sequence[str], moment: Moment) -> list[Problem]:
    mend = "correct the day"
    if moment.day is not None:
        mend = f"say how days are written: `formats: [...]` ({', '.join(moment.formats)})"
    elif moment.period is not None:
        mend = "write a period no longer than `period:` of the map (1961, 1961Q2, 1961-05, 1961-W18), or a day"
    found = []
    for row in wrong.head(MOST_EXAMPLES).iter_rows(named=True):
        shown = " ".join(str(row[column]) for column in moment.columns if row[column] is not None)
        found.append(problem_at(names, int(row[LINE]), moment.columns[0], f"is {shown!r}, no day", mend))
    if len(wrong) > MOST_EXAMPLES:
        rest = f"and in {len(wrong) - MOST_EXAMPLES} more rows"
        found.append(problem_at(names, int(wrong[LINE][MOST_EXAMPLES]), moment.columns[0], rest, mend))
    return found


def with_periods(
    frame: polars.DataFrame, names: Sequence[str], chart: TableMap, losses: list[Loss]
) -> polars.DataFrame:
    """The period of the day and of the end; a day that is known less exactly than a panel's periods has none."""
    import polars

    if not chart.is_record:
        finest = {"week": "day", "month": MONTH, "quarter": MONTH, "year": YEAR}[chart.period]
        coarse = polars.col(EXACT).replace_strict(_COARSENESS, return_dtype=polars.Int64) > _COARSENESS[finest]
        why = f"had a day that is known less exactly than a {chart.period}"
        lose(losses, frame.filter(coarse), why, chart.date.columns, names)
        frame = frame.filter(~coarse)
    number = calendar_of(chart.period).number

    def of(column: str) -> polars.Expr:
        return _mapped(frame, column, number)

    return frame.with_columns(of(DAY).alias(PERIOD), polars.coalesce(of(END), of(DAY)).alias(LAST))


def _mapped(frame: polars.DataFrame, column: str, function: Callable[[dt.date], int]) -> polars.Expr:
    import polars

    days = frame[column].unique().drop_nulls().to_list()
    if not days:
        return polars.lit(None, dtype=polars.Int64)
    return polars.col(column).replace_strict(
        days, [function(day) for day in days], default=None, return_dtype=polars.Int64
    )
