"""Cells of a panel's tables: periods, dyads and numbers, with what is wrong with them by row and column."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from riskcast.case.dyads import SEPARATOR, Dyad
from riskcast.case.model import Indicator
from riskcast.case.panel import Floats
from riskcast.case.periods import PERIOD_EXAMPLES, Calendar
from riskcast.case.quantities import MISSING_NUMBERS
from riskcast.case.settings import STATE_ID, Settings
from riskcast.case.states import SYSTEMS, CodeSystem, of_code, states
from riskcast.case.yaml_lines import NUMBER_MEND, TIME_ZONE
from riskcast.errors import Problem
from riskcast.machinery.number_cells import Numbers, in_rows, mark_text, read_number_columns
from riskcast.machinery.table_files import TableFile
from riskcast.names import DYAD, PERIOD

# Whole years come out of other programs as numbers.
_YEAR = re.compile(r"([0-9]{4})[.,]0+")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T][0-9:.]+" + TIME_ZONE + r")?")


def is_outside(name: str) -> bool:
    # A case travels between systems: what is a place of its own on one of them is none within the folder on another.
    ways = PurePosixPath(name), PureWindowsPath(name)
    return any(way.is_absolute() or way.drive or way.root or ".." in way.parts for way in ways)


def rows_problems(
    table: TableFile, column: str, rows: NDArray[np.bool_], wrong: str, mend: str, *, once: bool = False
) -> list[Problem]:
    """Problems of rows, in one line with their number where that is asked for or most rows have them."""
    once = once or 2 * int(rows.sum()) > len(rows)
    count = f" {in_rows(rows)}" if once else ""
    return table.problems(column, rows, wrong + count, mend, once=once)


def read_numbers(
    table: TableFile,
    columns: Iterable[str],
    settings: Settings,
    problems: list[Problem],
    truths: frozenset[str] = frozenset(),
) -> Numbers:
    """Columns as numbers, NaN where a cell is missing, `truths` as 0 and 1; what is wrong goes to `problems`."""
    read = read_number_columns(
        {name: table.columns[name] for name in columns},
        settings.na,
        truths=truths,
        semicolons=table.dialect.separator == ";",
        mend=NUMBER_MEND,
    )
    for one in read.unread:
        if one.once:
            problems += table.problems(one.column, one.rows, one.wrong, one.mend, once=True)
        else:
            problems += rows_problems(table, one.column, one.rows, one.wrong, one.mend)
    return read


def read_periods(
    table: TableFile, settings: Settings, problems: list[Problem], column: str = PERIOD, blank: int | None = None
) -> NDArray[np.int64]:
    """The number of every row's calendar period; `blank`: what an empty cell means, where it may be empty."""
    unit, calendar = settings.period, settings.calendar
    texts = table.texts(column)
    found = {text: _period(text, calendar) if text or blank is None else blank for text in set(texts)}
    bad = {text for text, number in found.items() if number is None}
    rows = np.fromiter((text in bad for text in texts), dtype=bool, count=len(texts))
    mend = f"write it as {PERIOD_EXAMPLES[unit]}, or as a day within it"
    problems += rows_problems(table, column, rows, f"is {{}}, not a {unit}", mend)
    numbers = {text: 0 if number is None else number for text, number in found.items()}
    return np.fromiter(map(numbers.__getitem__, texts), dtype=np.int64, count=len(texts))


def _period(text: str, calendar: Calendar) -> int | None:
    """The number of the period that a label, a day, or a first and last day mean; None where they mean none."""
    number = calendar.read(text)
    if number is not None:
        return number
    year = _YEAR.fullmatch(text)
    if year is not None and calendar.unit == "year":
        return calendar.read(year[1])
    days = [_DAY.fullmatch(part) for part in text.split("/")]
    try:
        numbers = {calendar.number(dt.date.fromisoformat(day[1])) for day in days if day is not None}
    except ValueError:
        return None
    return numbers.pop() if len(numbers) == 1 and None not in days and len(days) <= 2 else None


def marks_problems(
    table: TableFile, key: str, values: Floats, odd: NDArray[np.bool_], wrong: str, mend: str
) -> list[Problem]:
    """Numbers that cannot be; those that other programs write for missing ones once each."""
    problems = []
    for mark in MISSING_NUMBERS:
        rows = odd & (values == mark)
        if rows.any():
            said = f"is {{}} {in_rows(rows)}{wrong}"
            offer = f"{mend}, or add `{mark_text([mark])}` to case.yaml where it marks a missing value"
            problems += table.problems(key, rows, said, offer, once=True)
            odd = odd & ~rows
    return problems + table.problems(key, odd, f"is {{}}{wrong}", mend)


def read_dyads(
    table: TableFile, system: CodeSystem | None, problems: list[Problem], *, directed: bool = False
) -> tuple[tuple[str, ...], list[str]]:
    """Ids of all dyads, sorted, and that of every row; `directed`: whether a pair may stand both ways round."""
    written = table.texts(DYAD)
    ids = {text: _dyad_id(text, system) for text in dict.fromkeys(written)}

    def found(texts: Iterable[str], wrong: str, mend: str, *, once: bool = False) -> None:
        if which := set(texts):
            rows = np.fromiter((text in which for text in written), dtype=bool, count=len(written))
            problems.extend(rows_problems(table, DYAD, rows, wrong, mend, once=once))

    bad = {text for text, id in ids.items() if not id}
    offered: set[str] = set()
    by_system = {
        other: {text: id for text in ids if text in bad and (id := _dyad_id(text, other))} for other in SYSTEMS
    }
    # What reads most of them is what was meant; ISO 3166 where several do.
    for other in sorted(SYSTEMS, key=lambda other: -len(by_system[other])) if system is None else ():
        readable = {text: id for text, id in by_system[other].items() if text not in offered}
        if readable:
            text, id = next(iter(readable.items()))
            mend = f"say `states: {other}` beneath `panel:`, by which {text} is {id} ({SYSTEMS[other]})"
            found(readable, "is {}", f"{mend}, or write ISO 3166 alpha-3 codes", once=True)
            offered |= set(readable)
    form = "of 3 to 8 capitals or digits, such as USA-CAN"
    if system is not None:
        form = f"by their codes in {SYSTEMS[system]}, such as {as_written('USA-CAN', system)}"
    found(bad - offered, "is {}", f"write two different states {form}")
    pairs = {id: Dyad.parse(id) for id in ids.values() if id}
    turned = set() if directed else {id for id, pair in pairs.items() if pair.reverse.id in pairs}
    again = (text for text, id in ids.items() if id in turned and pairs[id].first > pairs[id].second)
    found(
        again,
        "is {}, and stands the other way round too",
        "write each dyad in one way, or say `directed: true` beneath `panel:`",
    )
    return tuple(sorted(set(ids.values()))), list(map(ids.__getitem__, written))


def _dyad_id(text: str, system: CodeSystem | None) -> str:
    """The id of a dyad as it is written in a system of codes; empty where it is none."""
    first, _, second = text.partition(SEPARATOR)
    if system is None:
        return text if first != second and re.match(STATE_ID, first) and re.match(STATE_ID, second) else ""
    one, other = of_code(first, system), of_code(second, system)
    return "" if one is None or other is None or one == other else Dyad(one.id, other.id).id


def read_states(table: TableFile, column: str, system: CodeSystem | None, problems: list[Problem]) -> list[str]:
    """The id of the state in every row, empty where it is none."""
    written = table.texts(column)
    ids = {text: _state_id(text, system) for text in dict.fromkeys(written)}
    bad = np.fromiter((not ids[text] for text in written), dtype=bool, count=len(written))
    form = "of 3 to 8 capitals or digits, such as USA" if system is None else f"by its code in {SYSTEMS[system]}"
    problems += rows_problems(table, column, bad, "is {}", f"write the state {form}")
    return [ids[text] for text in written]


def _state_id(text: str, system: CodeSystem | None) -> str:
    if system is None:
        return text if re.match(STATE_ID, text) else ""
    known = of_code(text, system)
    return "" if known is None else known.id


def state_as_written(id: str, system: CodeSystem | None) -> str:
    """A state as a panel writes it that has said in which system of codes."""
    return id if system is None else str(states()[id].code_in(system))


def as_written(dyad: str, system: CodeSystem | None) -> str:
    """A dyad as a panel writes it that has said in which system of codes."""
    return dyad if system is None else SEPARATOR.join(states()[id].code_in(system) for id in Dyad.parse(dyad).states)


def outside(indicator: Indicator, values: Floats) -> NDArray[np.bool_]:
    """Where a level lies outside the bounds of its indicator or the domain of its scale."""
    low, high = indicator.bounds or (-np.inf, np.inf)
    least, most = indicator.link.domain
    inside = (low <= values) & (values <= high) & (least < values) & (values < most)
    return np.isfinite(values) & ~inside
