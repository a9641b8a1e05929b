"""A panel's table, CSV or Parquet -> rows that a case can use, with every problem by row and column."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import EventType, Indicator
from riskcast.case.panel import Floats, Panel, Treated
from riskcast.case.periods import PERIOD_EXAMPLES, Calendar
from riskcast.case.quantities import LARGEST
from riskcast.case.settings import Settings
from riskcast.case.yaml_lines import NUMBER_MEND
from riskcast.errors import MOST_SHOWN, CaseError, OptionError, Problem, show, suggest
from riskcast.names import DYAD, PERIOD

if TYPE_CHECKING:
    import pandas

MAX_ROWS = 2_000_000
MOST_OF_A_KIND = 5
_PAIR = re.compile(r"([A-Z][A-Z0-9]{2,7})-([A-Z][A-Z0-9]{2,7})")
_EVENT_MEND = "write 1 for an event, 0 for none, and nothing where it is not known"


@dataclass(frozen=True)
class _Table:
    """The table as it was read, and where its rows stand in the file."""

    name: str
    frame: pandas.DataFrame
    lines: NDArray[np.int64]

    def problems(self, column: str, rows: NDArray[np.bool_], wrong: str, mend: str) -> list[Problem]:
        """One problem for each of the first rows marked, and the number of the others; `{}` stands for the cell."""
        places = np.flatnonzero(rows)
        found = [
            Problem(self.name, int(self.lines[i]), column, wrong.format(show(self.cell(column, i))), mend)
            for i in places[:MOST_OF_A_KIND]
        ]
        if len(places) > MOST_OF_A_KIND:
            rest = f"and in {len(places) - MOST_OF_A_KIND} more rows"
            found.append(Problem(self.name, int(self.lines[places[MOST_OF_A_KIND]]), column, rest, mend))
        return found

    def text(self, column: str) -> pandas.Series:
        """A column as text, empty where a cell is."""
        return self.frame[column].astype("string").fillna("").str.strip()

    def cell(self, column: str, row: Any) -> Any:
        value = self.frame[column].iloc[int(row)]
        return value.item() if isinstance(value, np.generic) else value


def read_panel(
    folder: Path, settings: Settings, indicators: Mapping[str, Indicator], events: Mapping[str, EventType]
) -> Panel:
    """Read and check the table that `panel.file` names, with columns dyad, period, covariates and event types.

    Missing covariates are refused unless their indicator says how they are treated, in this order of choice: `hold` the
    dyad's last earlier value, take the `reference`, or `drop` the row. Raises CaseError with every problem found.
    """
    if settings.panel is None:
        raise ValueError("the case has no panel")
    name = settings.panel.file
    covariates = [key for key, indicator in indicators.items() if indicator.history == "panel"]
    columns = (DYAD, PERIOD, *covariates, *events)
    taken = [("indicators.yaml", covariates), ("outcomes.yaml", list(events))]
    problems = [
        Problem(file, None, key, "is the id of another column of the panel", "choose another id")
        for file, keys in taken
        for key in keys
        if key in (DYAD, PERIOD)
    ]
    if problems:
        raise CaseError(problems)
    table = _read(folder, name, columns, settings.panel.ignore)
    dyad = table.text(DYAD).to_numpy(dtype=object)
    period = _periods(table, settings, problems)
    dyads = _dyads(table, dyad, problems)
    levels = {key: _numbers(table, key, problems) for key in covariates}
    happened = {key: _numbers(table, key, problems) for key in events}
    for key, values in happened.items():
        odd = ~(np.isnan(values) | (values == 0.0) | (values == 1.0))
        problems += table.problems(key, odd, "is {}", _EVENT_MEND)
    for key, values in levels.items():
        problems += table.problems(
            key, _outside(indicators[key], values), "is {}, outside what it can be", "check the unit"
        )
    if problems:
        raise CaseError(problems)
    unit = np.searchsorted(np.array(dyads), dyad.astype(str))
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
    panel, problems = _treat_missing(panel, indicators, table, order, calendar)
    problems += _shared(panel, indicators, events, name, calendar)
    lack = panel.lack(calendar.number(settings.as_of), calendar)
    if lack is not None and not problems:
        problems.append(Problem(name, None, *lack, "add what is missing, or move as_of"))
    if problems:
        raise CaseError(problems)
    return panel


def write_panel(panel: Panel, settings: Settings, folder: Path) -> None:
    """Write a panel as the table that `panel.file` names; raises OptionError where that lies outside the folder."""
    import pandas

    if settings.panel is None:
        raise ValueError("the case has no panel")
    if _is_outside(settings.panel.file):
        wrong = f"the panel's file {settings.panel.file} lies outside the case"
        raise OptionError(f"{wrong}; name one within its folder")
    dyads = np.array(panel.dyads, dtype=object)
    frame = pandas.DataFrame(
        {DYAD: dyads[panel.unit], PERIOD: [settings.calendar.label(p) for p in panel.period.tolist()]}
        | dict(panel.levels)
        | dict(panel.events)
    )
    file = folder / settings.panel.file
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".parquet":
        frame.to_parquet(file, index=False)
    else:
        frame.to_csv(file, index=False, lineterminator="\n")


def _read(folder: Path, name: str, columns: tuple[str, ...], ignored: tuple[str, ...]) -> _Table:
    """The columns that matter, CSV cells as text."""
    place = Path(name)
    if _is_outside(name):
        raise _refusal(name, "lies outside the case", "name a file within the case's folder, such as history/panel.csv")
    if place.suffix not in (".csv", ".parquet"):
        raise _refusal(name, "is neither CSV nor Parquet", "name a file that ends in .csv or .parquet")
    file = folder / place
    if not file.is_file():
        raise _refusal(name, "is missing", "add the file, or correct `panel.file`")
    read = _read_csv if place.suffix == ".csv" else _read_parquet
    return read(file, name, columns, ignored)


def _is_outside(name: str) -> bool:
    # A case travels between systems: what is a place of its own on one of them is none within the folder on another.
    ways = PurePosixPath(name), PureWindowsPath(name)
    return any(way.is_absolute() or way.drive or way.root or ".." in way.parts for way in ways)


def _refusal(name: str, wrong: str, mend: str) -> CaseError:
    return CaseError([Problem(name, None, "", wrong, mend)])


def _read_csv(file: Path, name: str, columns: tuple[str, ...], ignored: tuple[str, ...]) -> _Table:
    import pandas

    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    line = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, strict=True)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    if not header:
                        header = [cell.strip() for cell in cells]
                        problems += _columns(name, line, header, columns, ignored)
                    elif len(cells) != len(header):
                        wrong = f"has {len(cells)} cells where the header has {len(header)}"
                        problems.append(Problem(name, line, "", wrong, "quote cells that contain commas"))
                    else:
                        rows.append(cells)
                        lines.append(line)
                if len(rows) > MAX_ROWS or len(problems) > MOST_SHOWN:
                    break
                line = reader.line_num + 1
    except (csv.Error, ValueError, OSError) as error:
        raise _refusal(name, f"cannot be read ({_first_line(error)})", "write it as plain UTF-8 CSV") from None
    if not header:
        problems.append(Problem(name, 1, "", "is empty", f"start with the header {','.join(columns)}"))
    problems += _size(name, len(rows)) if not problems else []
    if problems:
        raise CaseError(problems)
    return _Table(name, pandas.DataFrame(rows, columns=header, dtype=str), np.array(lines))


def _read_parquet(file: Path, name: str, columns: tuple[str, ...], ignored: tuple[str, ...]) -> _Table:
    import pandas
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(file) as parquet:
            problems = _columns(name, None, parquet.schema_arrow.names, columns, ignored)
            problems += _size(name, parquet.metadata.num_rows)
            table = None if problems else parquet.read(columns=list(columns))
        if table is None:
            raise CaseError(problems)
        # What pandas notes in the file would turn some columns into an index; 1 and 0 may be stored as true and false.
        types = {pyarrow.bool_(): pandas.BooleanDtype()}
        frame = table.to_pandas(ignore_metadata=True, types_mapper=types.get)
    except CaseError:
        raise
    except (ValueError, OSError, LookupError, pyarrow.ArrowException) as error:
        wrong = f"cannot be read ({_first_line(error)})"
        raise _refusal(name, wrong, "write it anew as Parquet, or as CSV") from None
    return _Table(name, frame, np.arange(1, len(frame) + 1))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _columns(
    name: str, line: int | None, header: list[str], columns: tuple[str, ...], ignored: tuple[str, ...]
) -> list[Problem]:
    """What is wrong with the names of the columns."""
    unknown = [column for column in header if column not in columns and column not in ignored]
    problems = [
        Problem(
            name, line, column, "is an unknown column", f"{suggest(column, columns)}, or list it under panel.ignore"
        )
        for column in dict.fromkeys(unknown)
    ]
    for column in columns:
        if column not in header:
            problems.append(Problem(name, line, column, "is missing", "add the column"))
        elif header.count(column) > 1:
            problems.append(Problem(name, line, column, "stands twice", "keep one of the columns"))
    return problems


def _size(name: str, rows: int) -> list[Problem]:
    if rows > MAX_ROWS:
        return [Problem(name, None, "", "has too many rows", f"keep at most {MAX_ROWS}")]
    if rows == 0:
        return [Problem(name, None, "", "has no rows", "add one row for every dyad and period")]
    return []


def _periods(table: _Table, settings: Settings, problems: list[Problem]) -> NDArray[np.int64]:
    """The number of every row's calendar period."""
    unit, found = settings.period, {}
    texts = table.text(PERIOD)
    for text in texts.unique():
        # Whole years come out of Parquet files as numbers such as 1961.0.
        plain = text[:-2] if unit == "year" and text.endswith(".0") else text
        found[text] = settings.calendar.read(plain)
    bad = texts.map({text: number is None for text, number in found.items()}).to_numpy(dtype=bool)
    problems += table.problems(PERIOD, bad, f"is {{}}, not a {unit}", f"write it as {PERIOD_EXAMPLES[unit]}")
    return texts.map({text: number or 0 for text, number in found.items()}).to_numpy(dtype=np.int64)


def _dyads(table: _Table, dyad: NDArray[Any], problems: list[Problem]) -> tuple[str, ...]:
    """Ids of all dyads, sorted."""
    dyads = sorted(set(dyad.tolist()))
    pairs = {text: _PAIR.fullmatch(text) for text in dyads}
    bad = {text for text, pair in pairs.items() if pair is None or pair[1] == pair[2]}
    mend = "write two different states of 3 to 8 capitals or digits, such as USA-CAN"
    problems += table.problems(DYAD, np.isin(dyad, list(bad)), "is {}", mend)
    turned = {text for text, pair in pairs.items() if pair and f"{pair[2]}-{pair[1]}" in pairs and pair[1] > pair[2]}
    problems += table.problems(
        DYAD, np.isin(dyad, list(turned)), "is {}, and stands the other way round too", "write each dyad in one way"
    )
    return tuple(dyads)


def _numbers(table: _Table, column: str, problems: list[Problem]) -> Floats:
    """A column as numbers, NaN where the cell is empty."""
    import pandas

    cells = table.frame[column]
    if cells.dtype.kind in "biuf":
        values = cells.to_numpy(dtype=float, na_value=np.nan)
        empty = np.isnan(values)
    else:
        text = table.text(column)
        empty = (text == "").to_numpy(dtype=bool)
        values = pandas.to_numeric(text.where(~pandas.Series(empty, index=text.index)), errors="coerce").to_numpy(
            dtype=float, na_value=np.nan
        )
    problems += table.problems(column, ~empty & ~np.isfinite(values), "is {}", f"{NUMBER_MEND}; nothing where missing")
    large = np.isfinite(values) & ~(np.abs(values) <= LARGEST)
    problems += table.problems(column, large, "is {}", f"give a number of at most {LARGEST:g}, in a larger unit")
    return values


def _outside(indicator: Indicator, values: Floats) -> NDArray[np.bool_]:
    """Where a level lies outside the bounds of its indicator or the domain of its scale."""
    low, high = indicator.bounds or (-np.inf, np.inf)
    least, most = indicator.link.domain
    inside = (low <= values) & (values <= high) & (least < values) & (values < most)
    return np.isfinite(values) & ~inside


def _repeats(
    table: _Table,
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
    table: _Table, settings: Settings, period: NDArray[np.int64], happened: Mapping[str, Floats]
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
    panel: Panel, indicators: Mapping[str, Indicator], table: _Table, order: NDArray[Any], calendar: Calendar
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
            wrong = f"is missing in {int(missing.sum())} of {len(panel)} rows{rest}, first for {place}"
            mend = (
                f"fill the cells, or add to {key} in indicators.yaml one or more of `missing: [hold, reference, drop]`"
            )
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
