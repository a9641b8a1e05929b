"""Columns of a Parquet file -> text or numbers, whatever type they are stored as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from riskcast.errors import CaseError, Problem, refusal
from riskcast.machinery.number_cells import Cells
from riskcast.machinery.table_files import (
    Dialect,
    TableFile,
    Wanted,
    header_problems,
    numbers_rows,
    row_problems,
    text_cells,
)

if TYPE_CHECKING:
    import pyarrow

_PERIOD: Final = "pandas.period"
_ROW_NUMBERS: Final = ("", "Unnamed: 0", "__index_level_0__")
# Periods whose own labels say all: others are written with their first and last day.
_PLAIN_PERIODS: Final = ("M", "Q-DEC", "Y-DEC", "A-DEC", "D")
# Days from 1970-01-01 that a calendar of the years 1 to 9999 has, and how many of a unit a day has.
_FIRST_DAY: Final = -719_162
_LAST_DAY: Final = 2_932_896
_IN_A_DAY: Final = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}


def read_parquet(file: Path, name: str, wanted: Wanted) -> TableFile:
    """The wanted columns of a Parquet file.

    Text, also as bytes or in a dictionary, numbers, truth values and days are read; of a moment the day on the clock of
    its own time zone, which must be midnight there; of pandas' periods their labels. Raises CaseError with the column
    and its type for the rest.
    """
    import pyarrow
    import pyarrow.parquet

    if not file.is_file():
        raise refusal(name, "is missing", "add the file, or check its name")
    try:
        with pyarrow.parquet.ParquetFile(file) as parquet:
            schema = parquet.schema_arrow
            numbered = [title for title in schema.names if title in _ROW_NUMBERS and title not in wanted.read]
            plain = [title for title in numbered if _is_whole(parquet, title)]
            header = [title for title in schema.names if title not in plain]
            problems = header_problems(name, None, header, wanted)
            problems = problems or row_problems(name, parquet.metadata.num_rows)
            if problems:
                raise CaseError(problems)
            there = [title for title in wanted.read if title in header]
            table = parquet.read(columns=there)
    except CaseError:
        raise
    except (ValueError, OSError, LookupError, TypeError, OverflowError, pyarrow.ArrowException) as error:
        raise refusal(name, f"cannot be read ({_first_line(error)})", "write it anew as Parquet, or as CSV") from None
    columns: dict[str, Cells] = {}
    problems = []
    for title in there:
        place = table.schema.get_field_index(title)
        try:
            columns[title] = _cells(table.column(place), table.schema.field(place))
        except _Unreadable as error:
            problems.append(Problem(name, error.row, title, str(error), error.mend))
        except (ValueError, OSError, LookupError, TypeError, OverflowError, pyarrow.ArrowException) as error:
            wrong = f"is of type {table.schema.field(place).type}, and cannot be read ({_first_line(error)})"
            problems.append(Problem(name, None, title, wrong, "write it as text or numbers"))
    if problems:
        raise CaseError(problems)
    # Else what reading took stays with the process.
    rows = table.num_rows
    del table
    pyarrow.default_memory_pool().release_unused()
    lines = np.arange(1, rows + 1, dtype=np.int64)
    return TableFile(name, columns, lines, Dialect(name, skipped=tuple(plain)))


class _Unreadable(ValueError):
    """A column, or a cell of it, that is neither text nor a number."""

    def __init__(self, wrong: str, mend: str = "write it as text or numbers", row: int | None = None) -> None:
        super().__init__(wrong)
        self.mend, self.row = mend, row


def _is_whole(parquet: Any, title: str) -> bool:
    """Whether a column plainly numbers the rows."""
    import pyarrow.types as types

    if not types.is_integer(parquet.schema_arrow.field(title).type):
        return False
    return numbers_rows(parquet.read(columns=[title]).column(0).to_pylist())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _cells(column: pyarrow.ChunkedArray, field: pyarrow.Field) -> Cells:
    """One column as an array of text or of numbers, empty text or NaN where nothing stands."""
    import pyarrow
    import pyarrow.compute as compute
    import pyarrow.types as types

    period = _period_of(field)
    kind = column.type
    if isinstance(kind, pyarrow.BaseExtensionType):
        column = pyarrow.chunked_array([chunk.storage for chunk in column.chunks], type=kind.storage_type)
        kind = column.type
    if period is not None:
        return _periods(column, period)
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if types.is_null(kind):
        return text_cells([""] * len(column))
    if types.is_integer(kind) and not column.null_count:
        return column.to_numpy()
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return column.cast(pyarrow.float64(), safe=False).to_numpy()
    if types.is_boolean(kind):
        return column.cast(pyarrow.int8()).cast(pyarrow.float64()).to_numpy()
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return text_cells([(cell or "").strip() for cell in column.to_pylist()])
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind) or _is_fixed(kind):
        return text_cells(_decoded(column.to_pylist(), kind))
    if types.is_date(kind):
        _refuse_beyond_the_years(column, 1 if types.is_date32(kind) else _IN_A_DAY["ms"])
        return text_cells([cell.isoformat() if cell is not None else "" for cell in column.to_pylist()])
    if types.is_timestamp(kind):
        zone = kind.tz
        _refuse_beyond_the_years(column, _IN_A_DAY[kind.unit])
        local = column if zone is None else compute.call_function("local_timestamp", [column])
        moments = local.cast(pyarrow.timestamp("us"), safe=False).to_pylist()
        return text_cells([_moment(moment, zone, row) for row, moment in enumerate(moments, 1)])
    raise _Unreadable(f"is of type {kind}, which holds neither text nor numbers")


def _refuse_beyond_the_years(column: pyarrow.ChunkedArray, in_a_day: int) -> None:
    import pyarrow
    import pyarrow.types as types

    whole = pyarrow.int32() if types.is_date32(column.type) else pyarrow.int64()
    days = column.cast(whole).fill_null(0).to_numpy() // in_a_day
    beyond = np.flatnonzero((days < _FIRST_DAY) | (days > _LAST_DAY))
    if len(beyond):
        wrong = f"is of type {column.type}, and its day lies beyond the years 1 to 9999"
        raise _Unreadable(wrong, "correct it, or leave it empty", int(beyond[0]) + 1)


def _is_fixed(kind: Any) -> bool:
    import pyarrow.types as types

    return types.is_fixed_size_binary(kind)


def _decoded(cells: list[bytes | None], kind: Any) -> list[str]:
    found = []
    for row, cell in enumerate(cells, 1):
        try:
            found.append("" if cell is None else cell.decode("utf-8").strip())
        except UnicodeDecodeError:
            raise _Unreadable(f"is of type {kind}, whose bytes are no text in UTF-8", "write it as text", row) from None
    return found


def _moment(moment: Any, zone: str | None, row: int) -> str:
    """The day of a moment on the clock of its own zone; elsewhere it may be another day, month or year."""
    if moment is None:
        return ""
    if moment.hour == moment.minute == moment.second == moment.microsecond == 0:
        return moment.date().isoformat()
    if zone is not None:
        wrong = (
            f"is {moment.isoformat(sep=' ')} in the time zone {zone}, not the start of a day there, so that the day "
        )
        wrong += "depends on the zone"
        raise _Unreadable(wrong, "write it without a time zone, or as text", row)
    return moment.isoformat(sep=" ")


def _period_of(field: pyarrow.Field) -> str | None:
    """The frequency of a column of pandas' periods; the same whether or not pandas has made its type known."""
    metadata = field.metadata or {}
    if metadata.get(b"ARROW:extension:name", b"").decode("utf-8", "replace") == _PERIOD:
        try:
            return str(json.loads(metadata.get(b"ARROW:extension:metadata", b"{}"))["freq"])
        except (ValueError, LookupError, TypeError):
            raise _Unreadable("is a column of pandas periods of an unknown kind", "write them as text") from None
    return str(field.type.freq) if getattr(field.type, "extension_name", "") == _PERIOD else None


def _periods(ordinals: Any, frequency: str) -> Cells:
    """The labels of periods, or their first and last day where a label does not say all."""
    import pandas

    known = ordinals.fill_null(0).to_numpy()
    missing = np.asarray(ordinals.is_null())
    try:
        # Of each period once: a panel has few.
        distinct, at = np.unique(known, return_inverse=True)
        periods = pandas.PeriodIndex.from_ordinals(distinct, freq=frequency)
    except (ValueError, TypeError, AttributeError):
        wrong = f"is a column of pandas periods with the frequency {frequency!r}, which is unknown"
        raise _Unreadable(wrong, "write them as text") from None
    if frequency in _PLAIN_PERIODS:
        labels = periods.astype(str)
    else:
        labels = [f"{one.start_time.date()}/{one.end_time.date()}" for one in periods]
    cells = np.array([str(label) for label in labels], dtype=object)[at]
    cells[missing] = ""
    return cells
