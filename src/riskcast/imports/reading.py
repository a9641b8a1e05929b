"""Files -> their rows as text, of the columns that a map names, whatever their size."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from riskcast.errors import CaseError, Problem, refusal, suggest
from riskcast.imports.gathering import Part, Source
from riskcast.imports.headers import read_header
from riskcast.imports.map_parts import Condition, Selection, Where
from riskcast.machinery.number_cells import is_mark
from riskcast.machinery.table_files import MAX_ROWS, SEPARATORS, Dialect, Wanted, read_table

if TYPE_CHECKING:
    import polars

# Which file and line, row of a sheet or row of a Parquet file a row is from; no column of a file can be called so.
LINE: Final = "\0line"
# Rows of the file after the first are counted on from here.
_NEXT_FILE: Final = 1 << 40
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
    """Rows of a table that a map asks for.

    names: what errors call its files; frame: LINE and columns of text, null where a cell is empty or marks a missing
    value; total: rows of all files; dialect: how the first was read; notes: what became of its columns.
    """

    names: tuple[str, ...]
    frame: polars.DataFrame
    total: int
    dialect: Dialect
    notes: tuple[str, ...] = ()


def place_of(names: Sequence[str], line: int) -> tuple[str, int]:
    """The file that a row is from, and its line there.

    >>> place_of(("a.csv", "b.csv"), 7), place_of(("a.csv", "b.csv"), 7 + 2**40)
    (('a.csv', 7), ('b.csv', 7))
    """
    return names[line // _NEXT_FILE], line % _NEXT_FILE


def problem_at(names: Sequence[str], line: int, column: str, wrong: str, mend: str) -> Problem:
    """What is wrong with a row."""
    return Problem(*place_of(names, line), column, wrong, mend)


def read_rows(source: Source, chart: Selection, *, large: int = LARGE) -> Rows:
    """The rows of a table that the map's `where` lets through, as text; those of several files follow one another.

    large: from how many bytes on a text is scanned by polars, in parts, in which decimals and encodings other than
    UTF-8 are not guessed. Raises CaseError where a file is none that is read, or lacks a column.
    """
    import polars

    frames, totals, dialects, spread = [], [], [], []
    for place, part in enumerate(source.parts):
        lazy, dialect, columns = _lazy(part, chart, large)
        if columns:
            lazy = _as_rows(lazy, columns, chart)
            spread.append(len(columns))
        blank = polars.col(polars.String).str.strip_chars()
        lazy = lazy.with_columns(
            polars.col(LINE).cast(polars.Int64) + place * _NEXT_FILE,
            polars.when(blank == "").then(None).otherwise(blank).name.keep(),
        )
        if chart.read.spread is not None:
            lazy = lazy.filter(polars.col(chart.read.spread.value).is_not_null())
        try:
            totals.append(int(lazy.select(polars.len()).collect(engine="streaming").item()))
            frames.append(lazy.filter(meets(chart.where)).collect(engine="streaming"))
        except polars.exceptions.PolarsError as error:
            mend = "correct the row, or save the file anew"
            raise refusal(part.name, f"cannot be read ({_first_line(error)})", mend) from None
        dialects.append(dialect)
    if not sum(totals):
        raise refusal(source.name, "has no rows", "check that it is the whole file")
    notes = list(source.notes)
    if spread:
        notes.append(f"{max(spread):,} columns were read as rows, where they hold something")
    empty = [part.name for part, total in zip(source.parts, totals, strict=True) if not total]
    notes += [f"{name} has no rows" for name in empty]
    names = tuple(part.name for part in source.parts)
    return Rows(names, _without_marks(polars.concat(frames), chart), sum(totals), dialects[0], tuple(notes))


def _lazy(part: Part, chart: Selection, large: int) -> tuple[polars.LazyFrame, Dialect, tuple[str, ...]]:
    """The columns of a file that are read, how it was read, and which of them are to become rows."""
    import polars

    if chart.read.header is not None or _is_large(part, large):
        return _scan(part, chart)
    wanted, spread = _chosen(part.name, read_header(part), chart)
    table = read_table(part.path, part.name, Wanted(wanted, ignored=EVERYTHING), part.suffix)
    columns: dict[str, Any] = {column: table.texts(column) for column in wanted}
    frame = polars.DataFrame({LINE: table.lines} | columns, schema_overrides=dict.fromkeys(columns, polars.String))
    return frame.lazy(), table.dialect, spread


def _as_rows(lazy: polars.LazyFrame, columns: tuple[str, ...], chart: Selection) -> polars.LazyFrame:
    """Columns as rows: what they are called in one column, their cells in another."""
    import polars

    spread = chart.read.spread
    if spread is None:
        return lazy
    found = {column: re.fullmatch(spread.columns, column) for column in columns}
    called = [match[1] if match and match.re.groups else column for column, match in found.items()]
    kept = [column for column in chart.columns if column not in (spread.name, spread.value)]
    lazy = lazy.unpivot(on=columns, index=[LINE, *kept], variable_name=spread.name, value_name=spread.value)
    return lazy.with_columns(polars.col(spread.name).replace_strict(list(columns), called)).select(LINE, *chart.columns)


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


def _is_large(part: Part, large: int) -> bool:
    if part.suffix == ".parquet":
        import pyarrow.parquet

        try:
            with pyarrow.parquet.ParquetFile(part.path) as parquet:
                return parquet.metadata.num_rows > MAX_ROWS
        except Exception:
            # What is wrong with it is told by whoever reads it.
            return False
    return part.suffix != ".xlsx" and part.path.stat().st_size > large


def _scan(part: Part, chart: Selection) -> tuple[polars.LazyFrame, Dialect, tuple[str, ...]]:
    """The columns of a large file, or of one without a header."""
    import polars

    header = None if chart.read.header is None else list(chart.read.header)
    try:
        if part.suffix == ".parquet":
            lazy = polars.scan_parquet(part.path, row_index_name=LINE, row_index_offset=1)
            wanted, spread = _chosen(part.name, lazy.collect_schema().names()[1:], chart)
            return lazy.select(LINE, *(_as_text(c) for c in wanted)), Dialect(part.name), spread
        separator = _NAMED_SEPARATOR.get(chart.read.separator or "") or _PLAIN_SEPARATOR.get(part.suffix)
        separator = separator or _separator(part)
        lazy = polars.scan_csv(
            part.path,
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
        found = lazy.collect_schema().names()[1:]
    except (polars.exceptions.PolarsError, OSError) as error:
        mend = "check `read:` of the map against the file"
        raise refusal(part.name, f"cannot be read ({_first_line(error)})", mend) from None
    wanted, spread = _chosen(part.name, found, chart)
    return lazy.select(LINE, *wanted), Dialect(part.name, separator), spread


def _as_text(column: str) -> polars.Expr:
    """Cells as text; whole numbers without a point."""
    import polars

    text = polars.col(column).cast(polars.String)
    return text.str.replace(r"^(-?\d+)\.0$", "$1").alias(column)


def _separator(part: Part) -> str:
    """The separator that stands most often in the first line."""
    import gzip

    with gzip.open(part.path, "rb") if part.suffix.endswith(".gz") else part.path.open("rb") as opened:
        first = opened.readline(1_000_000).decode("utf-8", errors="replace")
    return max(SEPARATORS, key=first.count)


def _chosen(name: str, header: Sequence[str], chart: Selection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that are read, and those of them that become rows; raises CaseError for each that is missing."""
    spread = chart.read.spread
    own = [c for c in chart.columns if spread is None or c not in (spread.name, spread.value)]
    missing = [column for column in own if column not in header]
    if missing:
        raise CaseError(
            Problem(name, 1, column, "is missing, though the map names it", suggest(column, header))
            for column in missing
        )
    if spread is None:
        return tuple(own), ()
    found = [column for column in header if column not in own and re.fullmatch(spread.columns, column)]
    if not found:
        mend = f"correct `read.spread.columns` of the map; the columns are {', '.join(header[:5])}, ..."
        raise refusal(name, f"has no column that fits {spread.columns!r}", mend, 1)
    return (*own, *found), tuple(found)


def fits(chart: Selection, header: Sequence[str]) -> bool:
    """Whether a file with this header has all columns that a map names."""
    if chart.read.header is not None:
        return False
    try:
        _chosen("", header, chart)
    except CaseError:
        return False
    return True


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
