"""A panel's table -> rows that a case can use, with every problem by row and column."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.dyads import SEPARATOR, Dyad
from riskcast.case.model import EventType, Indicator
from riskcast.case.panel import Floats, Panel, Treated
from riskcast.case.periods import PERIOD_EXAMPLES, Calendar
from riskcast.case.quantities import LARGEST, MISSING_NUMBERS
from riskcast.case.settings import STATE_ID, Settings
from riskcast.case.states import SYSTEMS, CodeSystem, of_code, states
from riskcast.case.yaml_lines import NUMBER_MEND, TIME_ZONE
from riskcast.errors import CaseError, OptionError, Problem, refusal
from riskcast.machinery.number_cells import in_rows, mark_text, read_number_columns
from riskcast.machinery.table_files import (
    READ,
    Dialect,
    TableFile,
    Wanted,
    find_table,
    read_table,
    suffix_of,
)
from riskcast.names import DYAD, PERIOD

_EVENT_MEND = "write how many there were, such as 1, 0 for none, and nothing where it is not known"
# Whole years come out of other programs as numbers.
_YEAR = re.compile(r"([0-9]{4})[.,]0+")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T][0-9:.]+" + TIME_ZONE + r")?")


def read_panel(
    folder: Path,
    settings: Settings,
    indicators: Mapping[str, Indicator],
    events: Mapping[str, EventType],
    names: Mapping[str, str] | None = None,
) -> tuple[Panel, Dialect]:
    """Read and check the table that `panel.file` names, with columns dyad, period, covariates and event types.

    `names`: what the case's YAML files are called. Returns the panel, and how its file was read.

    Missing covariates are refused unless their indicator says how they are treated, in this order of choice: `hold` the
    dyad's last earlier value, take the `reference`, or `drop` the row. Raises CaseError with every problem found.
    """
    if settings.panel is None:
        raise ValueError("the case has no panel")
    name = settings.panel.file
    covariates = [key for key, indicator in indicators.items() if indicator.history == "panel"]
    columns = (DYAD, PERIOD, *covariates, *events)
    files = {document: f"{document}.yaml" for document in ("case", "indicators", "outcomes")} | dict(names or {})
    taken = [(files["indicators"], covariates), (files["outcomes"], list(events))]
    problems = [
        Problem(file, None, key, "is the id of another column of the panel", "choose another id")
        for file, keys in taken
        for key in keys
        if key in (DYAD, PERIOD)
    ]
    if problems:
        raise CaseError(problems)
    table = _read(folder, name, columns, settings.panel.ignore)
    period = _periods(table, settings, problems)
    dyads, dyad = _dyads(table, settings.panel.states, problems)
    read = read_number_columns(
        {key: table.columns[key] for key in (*covariates, *events)},
        settings.na,
        truths=frozenset(events),
        semicolons=table.dialect.separator == ";",
        mend=NUMBER_MEND,
    )
    for one in read.unread:
        if one.once:
            problems += table.problems(one.column, one.rows, one.wrong, one.mend, once=True)
        else:
            problems += _rows_problems(table, one.column, one.rows, one.wrong, one.mend)
    for key, values in read.values.items():
        problems += table.problems(key, np.isinf(values), "is {}, too large a number", "give a finite number")
        large = np.isfinite(values) & ~(np.abs(values) <= LARGEST)
        problems += table.problems(key, large, "is {}", f"give a number of at most {LARGEST:g}, in a larger unit")
    levels = {key: read.values[key] for key in covariates}
    happened = {key: read.values[key] for key in events}
    for key, values in happened.items():
        odd = np.isfinite(values) & ((values < 0.0) | (values != np.floor(values)))
        problems += _marks_problems(table, key, values, odd, ", no number of events", _EVENT_MEND)
    for key, values in levels.items():
        outside = _outside(indicators[key], values) & (np.abs(values) <= LARGEST)
        problems += _marks_problems(table, key, values, outside, ", outside what it can be", "check the unit")
    if problems:
        raise CaseError(problems)
    places = {pair: place for place, pair in enumerate(dyads)}
    unit = np.fromiter(map(places.__getitem__, dyad), dtype=np.int64, count=len(dyad))
    order = np.lexsort((period, unit))
    calendar = settings.calendar
    problems += _repeats(table, unit, period, order, dyads, calendar)
    problems += _beyond(table, settings, period, happened)
    if problems:
        raise CaseError(problems)
    panel = Panel(
        dyads,
        unit[order].astype(np.int64),
        period[order],
        {key: values[order] for key, values in levels.items()},
        {key: values[order] for key, values in happened.items()},
    )
    panel, problems = _treat_missing(panel, indicators, table, order, calendar, files["indicators"])
    problems += _shared(panel, indicators, events, name, calendar)
    lack = panel.lack(calendar.number(settings.as_of), calendar)
    if lack is not None and not problems:
        problems.append(Problem(name, None, *lack, "add what is missing, or move as_of"))
    if problems:
        raise CaseError(problems)
    return panel, replace(table.dialect, decimal=read.decimal)


def write_panel(panel: Panel, settings: Settings, folder: Path) -> None:
    """Write a panel as the table that `panel.file` names; raises OptionError where that lies outside the folder."""
    import pandas

    if settings.panel is None:
        raise ValueError("the case has no panel")
    if _is_outside(settings.panel.file):
        wrong = f"the panel's file {settings.panel.file} lies outside the case"
        raise OptionError(f"{wrong}; name one within its folder")
    dyads = np.array([_as_written(dyad, settings.panel.states) for dyad in panel.dyads], dtype=object)
    frame = pandas.DataFrame(
        {DYAD: dyads[panel.unit], PERIOD: [settings.calendar.label(p) for p in panel.period.tolist()]}
        | dict(panel.levels)
        | dict(panel.events)
    )
    file = folder / settings.panel.file
    file.parent.mkdir(parents=True, exist_ok=True)
    suffix = suffix_of(file.name)
    if suffix == ".parquet":
        frame.to_parquet(file, index=False)
    elif suffix == ".xlsx":
        _write_workbook(frame, file)
    else:
        text = frame.to_csv(index=False, lineterminator="\n", sep="\t" if ".tsv" in suffix else ",").encode()
        # Without the time of day: the same panel is the same file.
        file.write_bytes(gzip.compress(text, mtime=0) if suffix.endswith(".gz") else text)


def _write_workbook(frame: Any, file: Path) -> None:
    """A sheet with a table, every number with all its digits: as text where Excel would keep fifteen."""
    import xlsxwriter

    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet(file.name.partition(".")[0][:31])
        sheet.write_row(0, 0, list(frame.columns))
        for row, cells in enumerate(frame.itertuples(index=False), 1):
            for column, cell in enumerate(cells):
                if isinstance(cell, str):
                    sheet.write_string(row, column, cell)
                elif not np.isnan(cell):
                    exact = float(f"{cell:.16G}") == cell
                    (sheet.write_number if exact else sheet.write_string)(row, column, cell if exact else repr(cell))


def _read(folder: Path, name: str, columns: tuple[str, ...], ignored: tuple[str, ...]) -> TableFile:
    """The columns that matter."""
    place = Path(name)
    if _is_outside(name):
        raise refusal(name, "lies outside the case", "name a file within the case's folder, such as history/panel.csv")
    suffix = suffix_of(name)
    if not suffix:
        raise refusal(name, "is no kind of table that is read", f"name a file that is {READ}")
    if not (folder / place).is_file():
        other = find_table(folder, name[: -len(suffix)])
        mend = "add the file, or correct `panel.file`" + ("" if other is None else f": {other} is there")
        raise refusal(name, "is missing", mend)
    table = read_table(folder / place, name, Wanted(columns, ignored, ", or list it under panel.ignore"))
    if not len(table):
        raise refusal(name, "has no rows", "add one row for every dyad and period")
    return table


def _is_outside(name: str) -> bool:
    # A case travels between systems: what is a place of its own on one of them is none within the folder on another.
    ways = PurePosixPath(name), PureWindowsPath(name)
    return any(way.is_absolute() or way.drive or way.root or ".." in way.parts for way in ways)


def _rows_problems(
    table: TableFile, column: str, rows: NDArray[np.bool_], wrong: str, mend: str, *, once: bool = False
) -> list[Problem]:
    """Problems of rows, in one line with their number where that is asked for or most rows have them."""
    once = once or 2 * int(rows.sum()) > len(rows)
    count = f" {in_rows(rows)}" if once else ""
    return table.problems(column, rows, wrong + count, mend, once=once)


def _periods(table: TableFile, settings: Settings, problems: list[Problem]) -> NDArray[np.int64]:
    """The number of every row's calendar period."""
    unit, calendar = settings.period, settings.calendar
    texts = table.texts(PERIOD)
    found = {text: _period(text, calendar) for text in set(texts)}
    bad = {text for text, number in found.items() if number is None}
    rows = np.fromiter((text in bad for text in texts), dtype=bool, count=len(texts))
    mend = f"write it as {PERIOD_EXAMPLES[unit]}, or as a day within it"
    problems += _rows_problems(table, PERIOD, rows, f"is {{}}, not a {unit}", mend)
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


def _marks_problems(
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


def _dyads(table: TableFile, system: CodeSystem | None, problems: list[Problem]) -> tuple[tuple[str, ...], list[str]]:
    """Ids of all dyads, sorted, and that of every row."""
    written = table.texts(DYAD)
    ids = {text: _dyad_id(text, system) for text in dict.fromkeys(written)}

    def found(texts: Iterable[str], wrong: str, mend: str, *, once: bool = False) -> None:
        if which := set(texts):
            rows = np.fromiter((text in which for text in written), dtype=bool, count=len(written))
            problems.extend(_rows_problems(table, DYAD, rows, wrong, mend, once=once))

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
        form = f"by their codes in {SYSTEMS[system]}, such as {_as_written('USA-CAN', system)}"
    found(bad - offered, "is {}", f"write two different states {form}")
    pairs = {id: Dyad.parse(id) for id in ids.values() if id}
    turned = {id for id, pair in pairs.items() if Dyad(pair.second, pair.first).id in pairs}
    again = (text for text, id in ids.items() if id in turned and pairs[id].first > pairs[id].second)
    found(again, "is {}, and stands the other way round too", "write each dyad in one way")
    return tuple(sorted(set(ids.values()))), list(map(ids.__getitem__, written))


def _dyad_id(text: str, system: CodeSystem | None) -> str:
    """The id of a dyad as it is written in a system of codes; empty where it is none."""
    first, _, second = text.partition(SEPARATOR)
    if system is None:
        return text if first != second and re.match(STATE_ID, first) and re.match(STATE_ID, second) else ""
    one, other = of_code(first, system), of_code(second, system)
    return "" if one is None or other is None or one == other else Dyad(one.id, other.id).id


def _as_written(dyad: str, system: CodeSystem | None) -> str:
    """A dyad as a panel writes it that has said in which system of codes."""
    return dyad if system is None else SEPARATOR.join(states()[id].code_in(system) for id in Dyad.parse(dyad).states)


def _outside(indicator: Indicator, values: Floats) -> NDArray[np.bool_]:
    """Where a level lies outside the bounds of its indicator or the domain of its scale."""
    low, high = indicator.bounds or (-np.inf, np.inf)
    least, most = indicator.link.domain
    inside = (low <= values) & (values <= high) & (least < values) & (values < most)
    return np.isfinite(values) & ~inside


def _repeats(
    table: TableFile,
    unit: NDArray[Any],
    period: NDArray[np.int64],
    order: NDArray[Any],
    dyads: tuple[str, ...],
    calendar: Calendar,
) -> list[Problem]:
    again = np.zeros(len(unit), dtype=bool)
    again[order[1:]] = (np.diff(unit[order]) == 0) & (np.diff(period[order]) == 0)
    if not again.any():
        return []
    first = int(np.flatnonzero(again)[0])
    what = f"repeats {dyads[unit[first]]} in {calendar.label(int(period[first]))}"
    return table.problems(PERIOD, again, what, "keep one row for each dyad and period")


def _beyond(
    table: TableFile, settings: Settings, period: NDArray[np.int64], happened: Mapping[str, Floats]
) -> list[Problem]:
    """Rows outside the record: none before it begins, and after `as_of` only covariates of the next period."""
    first, last = (settings.calendar.number(day) for day in (settings.history_from, settings.as_of))
    begin, end = (settings.calendar.label(number) for number in (first, last))
    problems = table.problems(PERIOD, period < first, f"is {{}}, before history_from ({begin})", "remove the row")
    ahead = int(settings.panel is not None and settings.panel.covariates == "before")
    mend = "remove the row, or move as_of"
    problems += table.problems(PERIOD, period > last + ahead, f"is {{}}, after as_of ({end})", mend)
    for key, values in happened.items():
        known = (last < period) & (period <= last + ahead) & np.isfinite(values)
        problems += table.problems(key, known, f"is {{}} after as_of ({end})", "leave the cell empty, or move as_of")
    return problems


def _treat_missing(
    panel: Panel,
    indicators: Mapping[str, Indicator],
    table: TableFile,
    order: NDArray[Any],
    calendar: Calendar,
    file: str,
) -> tuple[Panel, list[Problem]]:
    """Fill or drop missing covariates as their indicators say; what nothing is said about is a problem."""
    levels, treated, problems = dict(panel.levels), [], []
    filled = {key: np.isnan(values) for key, values in levels.items() if np.isnan(values).any()}
    dropped = np.zeros(len(panel), dtype=bool)
    for key, values in levels.items():
        missing = np.isnan(values)
        total = int(missing.sum())
        for treatment in indicators[key].missing:
            before = int(missing.sum())
            if treatment == "hold":
                values = _held(values, panel.unit)
            elif treatment == "reference":
                values = np.where(missing, indicators[key].reference, values)
            else:
                dropped |= missing
                values = np.where(missing, indicators[key].reference, values)
            missing = np.isnan(values)
            if before > missing.sum():
                treated.append(Treated(key, treatment, before - int(missing.sum())))
        levels[key] = values
        if missing.any():
            first = int(np.flatnonzero(missing)[0])
            row = int(table.lines[order[first]])
            place = f"{panel.dyads[panel.unit[first]]} in {calendar.label(int(panel.period[first]))}"
            rest = "" if total == missing.sum() else f" that no `{'`, `'.join(indicators[key].missing)}` treats"
            wrong = f"is missing {in_rows(missing)}{rest}, first for {place}"
            mend = f"fill the cells, or add to {key} in {file} one or more of `missing: [hold, reference, drop]`"
            problems.append(Problem(table.name, row, key, wrong, mend))
    kept = np.flatnonzero(~dropped)
    present, unit = np.unique(panel.unit[kept], return_inverse=True)
    done = Panel(
        tuple(panel.dyads[i] for i in present),
        unit.astype(np.int64),
        panel.period[kept],
        {key: values[kept] for key, values in levels.items()},
        {key: values[kept] for key, values in panel.events.items()},
        tuple(treated),
        {key: cells[kept] for key, cells in filled.items()},
    )
    return done, problems


def _held(values: Floats, unit: NDArray[np.int64]) -> Floats:
    """Missing values replaced by the last earlier one of the same dyad."""
    rows = np.arange(len(values))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows))
    same = (last >= 0) & (unit[np.maximum(last, 0)] == unit)
    return np.where(same, values[np.maximum(last, 0)], np.nan)


def _shared(
    panel: Panel, indicators: Mapping[str, Indicator], events: Mapping[str, EventType], file: str, calendar: Calendar
) -> list[Problem]:
    """What all dyads share must be the same in all rows of a period."""
    columns = {key: values for key, values in panel.levels.items() if indicators[key].scope == "host"}
    columns |= {key: values for key, values in panel.events.items() if events[key].scope == "host"}
    problems = []
    for key, values in columns.items():
        order = np.argsort(panel.period, kind="stable")
        known = order[~np.isnan(values[order])]
        differs = (np.diff(panel.period[known]) == 0) & (np.diff(values[known]) != 0)
        if differs.any():
            at = calendar.label(int(panel.period[known[np.flatnonzero(differs)[0]]]))
            wrong = f"differs between dyads in {at}, but its scope is host"
            problems.append(Problem(file, None, key, wrong, "give all rows of a period one value, or set scope: dyad"))
    return problems
