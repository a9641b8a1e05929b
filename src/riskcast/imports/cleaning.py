"""Rows of text -> whom each is of, and when it was; what cannot be told is refused, or dropped and counted."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from riskcast.case.dyads import Dyad
from riskcast.case.periods import Calendar, calendar_of
from riskcast.case.states import of_code, states, states_named
from riskcast.errors import CaseError, Problem
from riskcast.imports.maps import Moment, TableMap, Units
from riskcast.imports.reading import LINE, Rows
from riskcast.imports.reports import MOST_EXAMPLES, Loss

if TYPE_CHECKING:
    import polars

# Columns of what was read: unit; which of its states is named first in the file; days; how exactly they are known.
UNIT, TURNED, DAY, END = "\0unit", "\0turned", "\0day", "\0end"
EXACT, PERIOD, LAST = "\0exact", "\0period", "\0last"
YEAR, MONTH = "year", "month"
_COARSENESS: Final = {"day": 0, "month": 1, "year": 2}


@dataclass(frozen=True, eq=False)
class Clean:
    """Rows with a unit and a period, and what was lost on the way."""

    frame: polars.DataFrame
    losses: tuple[Loss, ...]


def clean(rows: Rows, chart: TableMap) -> Clean:
    """Rows with UNIT (an id of a dyad or state), TURNED, DAY, EXACT, PERIOD and LAST; raises CaseError by row.

    LAST is the period of the end where the map has one, else PERIOD. Days that are known less exactly than the case's
    periods are dropped, as is what is of a state with itself.
    """
    losses: list[Loss] = []
    short = rows.total - len(rows.frame)
    if short:
        losses.append(Loss(short, "did not meet `where` of the map"))
    frame = _without_repeats(rows, chart, losses)
    frame = _with_units(frame, rows.name, chart, losses)
    frame = _with_days(frame, rows.name, chart, losses)
    return Clean(_with_periods(frame, chart, losses), tuple(losses))


def _without_repeats(rows: Rows, chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
    import polars

    frame = rows.frame
    if chart.repeats is None:
        return frame
    by = list(chart.repeats.by)
    again = frame.filter(polars.struct(by).is_duplicated())
    if chart.repeats.keep == "refuse" and len(again):
        line = int(again[LINE][1])
        wrong = f"repeats {', '.join(map(str, again.select(by).row(1)))}"
        raise CaseError([Problem(rows.name, line, by[0], wrong, "remove the row, or write keep: first in the map")])
    kept = frame.unique(by, keep="last" if chart.repeats.keep == "last" else "first", maintain_order=True)
    if len(kept) < len(frame):
        _lose(losses, len(frame) - len(kept), f"repeat another row in {', '.join(by)}", again, by)
    return kept


def _with_units(frame: polars.DataFrame, name: str, chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
    """Rows of which the unit is known."""
    import polars

    units = chart.units
    cells = {
        column: [each for each in frame[column].unique().to_list() if each is not None] for column in units.columns
    }
    if units.dyad is not None:
        known = {
            text: _pair_of(text, units, None if chart.host is None else chart.host.id) for text in cells[units.dyad]
        }
        problems = _unknown(frame, name, units.dyad, (t for t, id in known.items() if id is None), units)
    else:
        codes = {text: _state_of(text, units) for texts in cells.values() for text in texts}
        problems = [
            problem
            for column, texts in cells.items()
            for problem in _unknown(frame, name, column, (t for t in texts if codes[t] is None), units)
        ]
    if problems and units.unknown == "refuse":
        raise CaseError(problems)
    if units.state is not None:
        told = frame.with_columns(_looked_up(units.state, codes).alias(UNIT), polars.lit(False).alias(TURNED))
    elif units.dyad is not None:
        pairs = {text: found[0] if found else "" for text, found in known.items()}
        turned = {text: "1" if found and found[1] else "" for text, found in known.items()}
        told = frame.with_columns(
            _looked_up(units.dyad, pairs).alias(UNIT), (_looked_up(units.dyad, turned) == "1").alias(TURNED)
        )
    else:
        told = _paired(frame, units, codes, chart)
    lost = told.filter(polars.col(UNIT).is_null() | (polars.col(UNIT) == ""))
    what = "name no known state" if units.state else "name no pair of known states"
    _lose(losses, len(lost), what, lost, units.columns, "add their spelling to `units.names`")
    own = told.filter(polars.col(UNIT) == _SELF)
    _lose(losses, len(own), "are of a state with itself", own, units.columns)
    return told.filter(polars.col(UNIT).is_not_null() & ~polars.col(UNIT).is_in(["", _SELF]))


_SELF: Final = "="


def _paired(
    frame: polars.DataFrame, units: Units, codes: Mapping[str, str | None], chart: TableMap
) -> polars.DataFrame:
    import polars

    one, other = "\0one", "\0other"
    host = chart.host.id if chart.host is not None else ""
    frame = frame.with_columns(
        _looked_up(units.first or "", codes).alias(one), _looked_up(units.second or "", codes).alias(other)
    )
    first, second = polars.col(one), polars.col(other)
    turned = ((first > second) & (first != host)) | (second == host)
    low = polars.when(turned).then(second).otherwise(first)
    high = polars.when(turned).then(first).otherwise(second)
    pair = polars.when(first == second).then(polars.lit(_SELF)).otherwise(low + "-" + high)
    known = first.is_not_null() & second.is_not_null() & (first != "") & (second != "")
    return frame.with_columns(polars.when(known).then(pair).alias(UNIT), turned.alias(TURNED)).drop(one, other)


def _looked_up(column: str, found: Mapping[str, str | None]) -> polars.Expr:
    import polars

    if not found:
        return polars.lit(None, dtype=polars.String)
    return polars.col(column).replace_strict(
        list(found), [id or None for id in found.values()], default=None, return_dtype=polars.String
    )


def _state_of(text: str, units: Units) -> str | None:
    """The id of the state that a cell names; empty where the map says that it names none, None where it is unknown."""
    if text in units.names:
        return units.names[text] or ""
    if units.pattern is not None:
        found = re.search(units.pattern, text)
        # What is no actor of a state is not unknown: it is none.
        if found is None or not found[1]:
            return ""
        text = found[1].strip()
        if text in units.names:
            return units.names[text] or ""
    if units.codes == "names":
        named = states_named(text)
        return named[0].id if len(named) == 1 else None
    state = of_code(text, units.codes)
    return None if state is None else state.id


def _pair_of(text: str, units: Units, host: str | None) -> tuple[str, bool] | None:
    first, separator, second = text.partition(units.separator)
    one, other = _state_of(first.strip(), units), _state_of(second.strip(), units)
    if not separator or one is None or other is None:
        return None
    if not one or not other:
        return "", False
    if one == other:
        return _SELF, False
    turned = (one > other and one != host) or other == host
    return (Dyad(other, one) if turned else Dyad(one, other)).id, turned


def _unknown(frame: polars.DataFrame, name: str, column: str, texts: Iterable[str], units: Units) -> list[Problem]:
    """Spellings that name no state, each once, with how many rows have it."""
    listed = list(texts)
    if not listed:
        return []
    import polars

    found = (
        frame.filter(polars.col(column).is_in(listed))
        .group_by(column)
        .agg(polars.len().alias("rows"), polars.col(LINE).min())
        .sort("rows", column, descending=[True, False])
    )
    mend = "add `{}: ID` to units.names of the map, `{}: null` where it is none, or write unknown: drop"
    mend += f" (read as {units.codes})"
    return [
        Problem(
            name,
            int(row[LINE]),
            column,
            f"{row[column]!r} names no known state, in {row['rows']} rows",
            mend.replace("{}", row[column]),
        )
        for row in found.iter_rows(named=True)
    ]


def _with_days(frame: polars.DataFrame, name: str, chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
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
        raise CaseError(_day_problems(wrong, name, chart.date))
    _lose(losses, len(empty), "have no day", empty, chart.date.columns)
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
            mend = "exchange the two days"
            raise CaseError(
                [
                    Problem(
                        name, int(shown[LINE]), chart.end.columns[0], f"ends before {shown[DAY]}, when it begins", mend
                    )
                ]
            )
    else:
        frame = frame.with_columns(polars.lit(None, dtype=polars.Date).alias(END))
    return _with_precision(frame, chart, losses)


def _with_precision(frame: polars.DataFrame, chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
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
    lost = frame.filter(dropped)
    _lose(losses, len(lost), f"have a day that is too inexact ({rule.column})", lost, (rule.column,))
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


def _day_problems(wrong: polars.DataFrame, name: str, moment: Moment) -> list[Problem]:
    mend = "correct the day"
    if moment.day is not None:
        mend = f"say how days are written: `formats: [...]` ({', '.join(moment.formats)})"
    elif moment.period is not None:
        mend = "write a period no longer than `period:` of the map (1961, 1961Q2, 1961-05, 1961-W18), or a day"
    found = []
    for row in wrong.head(MOST_EXAMPLES).iter_rows(named=True):
        shown = " ".join(str(row[column]) for column in moment.columns if row[column] is not None)
        found.append(Problem(name, int(row[LINE]), moment.columns[0], f"is {shown!r}, no day", mend))
    if len(wrong) > MOST_EXAMPLES:
        rest = f"and in {len(wrong) - MOST_EXAMPLES} more rows"
        found.append(Problem(name, int(wrong[LINE][MOST_EXAMPLES]), moment.columns[0], rest, mend))
    return found


def _with_periods(frame: polars.DataFrame, chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
    """The period of the day and of the end; a day that is known less exactly than a panel's periods has none."""
    import polars

    if not chart.is_record:
        finest = {"week": "day", "month": MONTH, "quarter": MONTH, "year": YEAR}[chart.period]
        coarse = polars.col(EXACT).replace_strict(_COARSENESS, return_dtype=polars.Int64) > _COARSENESS[finest]
        lost = frame.filter(coarse)
        _lose(
            losses, len(lost), f"have a day that is known less exactly than a {chart.period}", lost, chart.date.columns
        )
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


def _lose(
    losses: list[Loss], rows: int, why: str, shown: polars.DataFrame, columns: Iterable[str], mend: str = ""
) -> None:
    if rows:
        listed = list(columns)
        examples = tuple(
            f"line {row[LINE]}: {', '.join('' if row[c] is None else str(row[c]) for c in listed)}"
            for row in shown.head(MOST_EXAMPLES).iter_rows(named=True)
        )
        losses.append(Loss(rows, why, mend, examples))


def exists(dyad: str, first: int, last: int) -> bool:
    """Whether all states of a unit existed in some year from `first` to `last`, as far as is known.

    >>> exists("RUS-SUN", 2000, 2001), exists("RUS-USA", 2000, 2001)
    (False, True)
    """
    known = states()
    return all(id not in known or known[id].existed(first, last) for id in dyad.split("-"))
