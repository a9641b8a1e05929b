"""Many events or values from one table, for those who gather them elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from riskcast.case.yaml_lines import ScalarError, read_day
from riskcast.errors import CaseError, Problem, refusal
from riskcast.machinery.number_cells import read_number_columns
from riskcast.machinery.table_files import TableFile, Wanted, read_table, suffix_of
from riskcast.updates.operations import NewEvent, NewValue

EVENT_FILE = Wanted(
    ("date", "type", "dyad", "description"),
    optional=("precision", "initiator", "sources", "status", "published", "entered"),
)
VALUE_FILE = Wanted(
    ("indicator", "unit", "date", "value"),
    optional=("low", "high", "published", "sources", "status", "series", "entered"),
)
_DAYS = ("date", "published", "entered")
_NUMBERS = ("value", "low", "high")
MEND = "write every day as YYYY-MM-DD, and the columns as docs/updates.md has them"


def read_event_file(file: str | Path) -> tuple[NewEvent, ...]:
    """The events of a table: CSV, Excel or Parquet; raises CaseError with every row that is none.

    Columns: date, type, dyad, description, and precision, initiator, sources, status, published, entered where wanted.
    """
    table = _read(Path(file), EVENT_FILE)
    return tuple(_made(NewEvent, table, EVENT_FILE))


def read_value_file(file: str | Path) -> tuple[NewValue, ...]:
    """The values of a table: CSV, Excel or Parquet; raises CaseError with every row that is none.

    Columns: indicator, unit, date, value, and low, high, published, sources, status, series, entered where wanted.
    """
    table = _read(Path(file), VALUE_FILE)
    return tuple(_made(NewValue, table, VALUE_FILE))


def _read(file: Path, wanted: Wanted) -> TableFile:
    if not suffix_of(file.name):
        raise refusal(str(file), "is no kind of table that is read", "save it as CSV, Excel or Parquet")
    table = read_table(file, str(file), wanted)
    if len(table) == 0:
        raise refusal(str(file), "has no rows", "write one beneath the header for each event or value")
    return table


def _made[New: (NewEvent, NewValue)](kind: type[New], table: TableFile, wanted: Wanted) -> list[New]:
    """The rows of a table as what they are to be."""
    problems: list[Problem] = []
    texts = {name: table.texts(name) for name in wanted.read if name in table.columns}
    given = {name: table.columns[name] for name in _NUMBERS if name in table.columns}
    numbers: Mapping[str, Any] = {}
    if given:
        read = read_number_columns(given, (), semicolons=table.dialect.separator == ";", mend=MEND)
        for one in read.unread:
            problems += table.problems(one.column, one.rows, one.wrong, one.mend, once=one.once)
        numbers = read.values
    if problems:
        raise CaseError(problems)
    adapter, found = TypeAdapter(kind), []
    for place in range(len(table)):
        line = int(table.lines[place])
        row: dict[str, Any] = {"place": f"{table.name}:{line}"}
        try:
            for name, cells in texts.items():
                if name in _NUMBERS:
                    number = float(numbers[name][place])
                    row |= {name: number} if number == number else {}
                elif cells[place] and name in _DAYS:
                    row[name] = _day(cells[place])
                elif cells[place]:
                    row[name] = tuple(cells[place].split()) if name == "sources" else cells[place]
            found.append(adapter.validate_python(row))
        except ScalarError as error:
            problems.append(Problem(table.name, line, "", error.wrong, error.mend))
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0]) if first["loc"] else ""
            wrong = "is empty" if first["type"] == "missing" else str(first["msg"])
            problems.append(Problem(table.name, line, key, wrong, MEND))
    if problems:
        raise CaseError(problems)
    return found


def _day(cell: str) -> dt.date:
    return read_day(cell[:10] if cell[10:].strip("T ") in ("00:00", "00:00:00") else cell)
