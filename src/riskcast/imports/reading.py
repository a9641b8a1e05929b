"""A file -> its rows as text, of the columns that a map names, whatever its size."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from riskcast.errors import CaseError, Problem, refusal, suggest
from riskcast.imports.headers import read_header
from riskcast.imports.map_parts import Condition, Selection, Where
from riskcast.machinery.number_cells import is_mark
from riskcast.machinery.table_files import MAX_ROWS, READ, SEPARATORS, Dialect, Wanted, read_table, suffix_of

if TYPE_CHECKING:
    import polars

# The line, row of a sheet or row of a Parquet file in which a row stands; no column of a file can be called so.
LINE: Final = "\0line"
# From this size on a text is scanned in parts, in which only rows and columns that are asked for are held.
LARGE: Final = 100_000_000
_NAMED_SEPARATOR: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
_PLAIN_SEPARATOR: Final = {".tsv": "\t", ".tsv.gz": "\t"}


class _Everything(Collection[str]):
    """All names there can be: what is not named in a map is not read."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


EVERYTHING: Final = _Everything()


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a file that a map asks for.

    name: what errors call the file; frame: LINE and columns of text, null where a cell is empty or marks a missing
    value; total: rows of the whole file; dialect: how it was read.
    """

    name: str
    frame: polars.DataFrame
    total: int
    dialect: Dialect


def read_rows(file: Path, chart: Selection, name: str | None = None, *, large: int = LARGE) -> Rows:
    """The rows of a file that the map's `where` lets through, as text.

    large: from how many bytes on a text is scanned by polars, in parts, in which decimals and encodings other than
    UTF-8 are not guessed. Raises CaseError where the file is none that is read, or lacks a column.
    """
    import polars

    name = name or file.name
    suffix = suffix_of(file.name)
    if not file.is_file():
        raise refusal(name, "is missing", "check its name and folder")
    if not suffix and chart.read.header is None:
        raise refusal(name, "is no kind of table that is read", f"save it as {READ}")
    if chart.read.header is not None or _is_large(file, suffix, large):
        lazy, dialect = _scan(file, name, suffix, chart)
    else:
        _check_columns(name, list(read_header(file)), chart)
        table = read_table(file, name, Wanted(chart.columns, ignored=EVERYTHING))
        columns: dict[str, Any] = {column: table.texts(column) for column in chart.columns}
        lazy = polars.DataFrame({LINE: table.lines} | columns, schema_overrides=dict.fromkeys(columns, polars.String))
        lazy, dialect = lazy.lazy(), table.dialect
    blank = polars.col(polars.String).str.strip_chars()
    lazy = lazy.with_columns(polars.when(blank == "").then(None).otherwise(blank).name.keep())
    try:
        total = int(lazy.select(polars.len()).collect(engine="streaming").item())
        frame = lazy.filter(meets(chart.where)).collect(engine="streaming")
    except polars.exceptions.PolarsError as error:
        raise refusal(
            name, f"cannot be read ({_first_line(error)})", "correct the row, or save the file anew"
        ) from None
    if total == 0:
        raise refusal(name, "has no rows", "check that it is the whole file")
    return Rows(name, _without_marks(frame, chart), total, dialect)


def meets(where: Where) -> polars.Expr:
    """Whether a row meets every condition.

    >>> import polars
    >>> rows = polars.DataFrame({"kind": ["1", "3", None]})
    >>> rows.filter(meets({"kind": Condition(among=(1.0, 2.0))})).rows()
    [('1',)]
    """
    import polars

    return reduce(lambda one, other: one & other, (_met(c, given) for c, given in where.items()), polars.lit(True))


def _met(column: str, condition: Condition) -> polars.Expr:
    import polars

    cell = polars.col(column)
    number = cell.cast(polars.Float64, strict=False)

    def one_of(listed: tuple[str | float, ...]) -> polars.Expr:
        texts = [each for each in listed if isinstance(each, str)]
        numbers = [each for each in listed if not isinstance(each, str)]
        return cell.is_in(texts).fill_null(False) | number.is_in(numbers).fill_null(False)

    found = polars.lit(True)
    if condition.among is not None:
        found &= one_of(condition.among)
    if condition.without is not None:
        found &= ~one_of(condition.without)
    if condition.starts is not None:
        found &= polars.any_horizontal(cell.str.starts_with(start) for start in condition.starts).fill_null(False)
    if condition.least is not None:
        found &= (number >= condition.least).fill_null(False)
    if condition.most is not None:
        found &= (number <= condition.most).fill_null(False)
    return found


def _is_large(file: Path, suffix: str, large: int) -> bool:
    if suffix == ".parquet":
        import pyarrow.parquet

        try:
            with pyarrow.parquet.ParquetFile(file) as parquet:
                return parquet.metadata.num_rows > MAX_ROWS
        except Exception:
            # What is wrong with it is told by whoever reads it.
            return False
    return suffix != ".xlsx" and file.stat().st_size > large


def _scan(file: Path, name: str, suffix: str, chart: Selection) -> tuple[polars.LazyFrame, Dialect]:
    """The columns of a large file, or of one without a header."""
    import polars

    header = None if chart.read.header is None else list(chart.read.header)
    try:
        if suffix == ".parquet":
            lazy = polars.scan_parquet(file, row_index_name=LINE, row_index_offset=1)
            found = lazy.collect_schema().names()
            _check_columns(name, found[1:], chart)
            return lazy.select(LINE, *(_as_text(c) for c in chart.columns)), Dialect(name)
        separator = (
            _NAMED_SEPARATOR.get(chart.read.separator or "") or _PLAIN_SEPARATOR.get(suffix) or _separator(file, suffix)
        )
        lazy = polars.scan_csv(
            file,
            has_header=header is None,
            separator=separator,
            infer_schema=False,
            new_columns=header,
            encoding="utf8-lossy",
            # A file without a header is plain: a quote in it is a character like any other.
            quote_char='"' if header is None else None,
            row_index_name=LINE,
            row_index_offset=1 if header is not None else 2,
        )
        found = lazy.collect_schema().names()
    except (polars.exceptions.PolarsError, OSError) as error:
        wrong = f"cannot be read ({_first_line(error)})"
        raise refusal(name, wrong, "check `read:` of the map against the file") from None
    _check_columns(name, found[1:], chart)
    return lazy.select(LINE, *chart.columns), Dialect(name, separator)


def _as_text(column: str) -> polars.Expr:
    """Cells as text; whole numbers without a point."""
    import polars

    text = polars.col(column).cast(polars.String)
    return text.str.replace(r"^(-?\d+)\.0$", "$1").alias(column)


def _separator(file: Path, suffix: str) -> str:
    """The separator that stands most often in the first line."""
    import gzip

    with gzip.open(file, "rb") if suffix.endswith(".gz") else file.open("rb") as opened:
        first = opened.readline(1_000_000).decode("utf-8", errors="replace")
    return max(SEPARATORS, key=first.count)


def _check_columns(name: str, header: list[str], chart: Selection) -> None:
    missing = [column for column in chart.columns if column not in header]
    if missing:
        raise CaseError(
            Problem(name, 1, column, "is missing, though the map names it", suggest(column, header))
            for column in missing
        )


def _without_marks(frame: polars.DataFrame, chart: Selection) -> polars.DataFrame:
    """Cells that mark a missing value, as nothing."""
    import polars

    if not chart.read.na:
        return frame
    changed = []
    for column in chart.columns:
        marks = [cell for cell in frame[column].unique().to_list() if cell is not None and is_mark(cell, chart.read.na)]
        if marks:
            cell = polars.col(column)
            changed.append(polars.when(cell.is_in(marks)).then(None).otherwise(cell).alias(column))
    return frame.with_columns(changed)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
