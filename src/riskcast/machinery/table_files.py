"""A table in a file -> columns of cells, and where their rows stand: the one reader of everything that has rows.

Text with commas, semicolons, tabs or vertical bars, also packed (.gz), Excel workbooks and Parquet.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskcast.errors import MOST_SHOWN, CaseError, Problem, refusal, shorten, show, suggest
from riskcast.machinery.number_cells import MARKS_IN_USE, TRUE_WORDS, Bools, Cells, Floats, read_number_columns
from riskcast.machinery.texts import INVISIBLE, ODD_SPACES, UTF8, decode, read_at_most, read_bytes

MAX_ROWS: Final = 2_000_000
# Rows are what is limited; this keeps a file that unpacks without end out of memory.
MAX_BYTES: Final = 2_000_000_000
MOST_OF_A_KIND: Final = 5
TEXT_SUFFIXES: Final = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
SUFFIXES: Final = (*TEXT_SUFFIXES, ".xlsx", ".parquet")
SEPARATORS: Final[Mapping[str, str]] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
READ: Final = "CSV (.csv, .tsv, also with .gz), Excel (.xlsx) or Parquet (.parquet)"
SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)\1*"?[^\S\r\n]*(\r\n?|\n|$)', re.IGNORECASE)
_TAIL: Final = re.compile(r"[^;\r\n]*(;+)[^\S\r\n]*(?:[\r\n]|\Z)")
ROW_NUMBERS: Final = re.compile(r"Unnamed: 0|__index_level_0__|\.\.\.1")
_OTHERS: Final = (
    (b"PAR1", ".parquet", "is a Parquet file"),
    (b"PK\x03\x04", ".xlsx", "is an Excel workbook, or another zip"),
    (b"\x1f\x8b", ".gz", "is packed by gzip"),
    (b"\xd0\xcf\x11\xe0", ".xls", "is an old Excel workbook (.xls), or one with a password"),
)
# Endings of tables that are not read, also behind .csv.
_UNREAD: Final = re.compile(
    r"(\.csv)?\.(xls|xlsm|xlsb|ods|numbers|txt|json|jsonl|dta|sav|rds|rdata|feather|zip|bz2|xz|zst|7z)", re.IGNORECASE
)
BLANKS: Final = f" \t\r\n\x0b\x0c\x85{ODD_SPACES}{INVISIBLE}"
_LINE_END: Final = re.compile(r"\r\n?|\n")
_BLOCK: Final = 50_000
# How many characters a header may take.
_HEAD: Final = 1_000_000


@dataclass(frozen=True)
class Dialect:
    """How a table was read, as far as its file does not say so itself.

    separator: empty where the file is no text; decimal: the decimal sign; encoding; sample: where that is a guess, a
    word that depends on it; sheet, other_sheets: which sheet of a workbook, and which were not read; skipped: columns
    without a name that number the rows; without_value: rows left out, as their value is a mark of a missing one.
    """

    file: str
    separator: str = ""
    decimal: str = "."
    encoding: str = UTF8
    sample: str = ""
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    without_value: int = 0

    @property
    def told(self) -> str:
        """What is not as in a plain CSV file in UTF-8, in words; empty where nothing is.

        >>> Dialect("history/events.csv", separator=";", decimal=",").told
        'separated by semicolons, decimal commas'
        """
        parts = []
        if self.separator not in ("", ","):
            parts.append(f"separated by {SEPARATORS.get(self.separator, self.separator)}")
        if self.decimal != ".":
            parts.append("decimal commas")
        if self.encoding != UTF8:
            parts.append(self.encoding)
        if self.sheet:
            parts.append(f"sheet {self.sheet!r}")
        if self.skipped:
            parts.append("a first column of row numbers left out")
        if self.without_value:
            parts.append(f"{self.without_value} rows without a value left out")
        return ", ".join(parts)


@dataclass(frozen=True)
class TableFile:
    """A table as it stands in a file.

    columns: cells by name, text without blanks around it as an array of str, or numbers where the file has types;
    lines: (rows,) in which line, row of a sheet or row of a Parquet file each stands; dialect: how it was read.
    """

    name: str
    columns: Mapping[str, Cells]
    lines: NDArray[np.int64]
    dialect: Dialect

    def __len__(self) -> int:
        return len(self.lines)

    def texts(self, column: str) -> list[str]:
        """The cells of a column as text, empty where nothing stands; whole numbers without a point."""
        cells = self.columns[column]
        return cells.tolist() if cells.dtype.kind == "O" else [_plain_text(value) for value in cells.tolist()]

    def numbers(self, columns: Iterable[str]) -> Mapping[str, Floats]:
        """Those of some columns that are there as numbers, with decimal points or commas; NaN where a cell is none.

        Raises CaseError where cells do not tell how decimals are written.
        """
        cells = {name: self.columns[name] for name in columns if name in self.columns}
        texts = {text for own in cells.values() if own.dtype.kind == "O" for text in own.tolist()}
        words = [text for text in texts if text in TRUE_WORDS or text.lower() in MARKS_IN_USE]
        read = read_number_columns(cells, words, semicolons=self.dialect.separator == ";")
        unclear = [one for one in read.unread if one.once]
        if unclear:
            raise CaseError(
                [p for one in unclear for p in self.problems(one.column, one.rows, one.wrong, one.mend, once=True)]
            )
        return read.values

    def cell(self, column: str, row: int) -> Any:
        """One cell, as text or as a number."""
        value = self.columns[column][row]
        return value.item() if isinstance(value, np.generic) else value

    def problems(self, column: str, rows: Bools, wrong: str, mend: str, *, once: bool = False) -> list[Problem]:
        """A problem for each of the first rows marked, and the number of the others; `{}` stands for the cell.

        With `once`, one for all of them, in the first.
        """
        places = np.flatnonzero(rows)
        most = 1 if once else MOST_OF_A_KIND
        found = [
            Problem(self.name, int(self.lines[i]), column, wrong.replace("{}", show(self.cell(column, i))), mend)
            for i in places[:most]
        ]
        if len(places) > most and not once:
            rest = f"and in {len(places) - most} more rows"
            found.append(Problem(self.name, int(self.lines[places[most]]), column, rest, mend))
        return found


@dataclass(frozen=True)
class Wanted:
    """Which columns are read, and what is said of others.

    columns: all that must be there; ignored: what may be there and is not read; instead: what else can be done about a
    column that is unknown; optional: what is read where it is there; others_ignored: whether all else may be there.
    """

    columns: Sequence[str]
    ignored: Collection[str] = field(default=())
    instead: str = ""
    optional: Sequence[str] = ()
    others_ignored: bool = False

    @property
    def read(self) -> tuple[str, ...]:
        """All columns that are read."""
        return (*self.columns, *self.optional)


@dataclass(frozen=True)
class Grid:
    """All cells of a table with a header, text by text, before anything is known of its columns.

    line: where the header stands; lines: (rows,).
    """

    header: Sequence[str]
    line: int
    columns: Sequence[list[str]]
    lines: NDArray[np.int64]
    dialect: Dialect


def suffix_of(name: str) -> str:
    """The ending of a file's name that says what kind of table it holds; empty where it is none of them.

    >>> suffix_of("history/events.CSV.gz"), suffix_of("notes.txt")
    ('.csv.gz', '')
    """
    return max((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), key=len, default="")


def find_table(folder: Path, stem: str) -> str | None:
    """The file of a table within a folder, whatever its ending, such as history/events.xlsx for history/events.

    None where there is none. Raises CaseError where there are several, or one that is not read.
    """
    parent, _, last = stem.rpartition("/")
    try:
        names = sorted(entry.name for entry in (folder / parent).iterdir() if not entry.is_dir())
    except OSError:
        return None
    own = [name for name in names if name.lower().startswith(f"{last.lower()}.")]
    found = [f"{parent}/{name}" if parent else name for name in own if name[len(last) :].lower() in SUFFIXES]
    if len(found) > 1:
        raise refusal(found[0], f"stands beside {' and '.join(found[1:])}", "keep one of them")
    unread = [name for name in own if _UNREAD.fullmatch(name[len(last) :])]
    if not found and unread:
        shown = f"{parent}/{unread[0]}" if parent else unread[0]
        raise refusal(shown, "is no kind of table that is read", f"save it as {READ}")
    return found[0] if found else None


def read_table(file: Path, name: str, wanted: Wanted, suffix: str | None = None) -> TableFile:
    """The table in a file, whose name says what kind it is, else `suffix`; `name` is what errors call it.

    Raises CaseError with what is wrong with the file, its header and the number of cells in its rows.
    """
    suffix = suffix_of(name) if suffix is None else suffix
    if not suffix:
        raise refusal(name, "is no kind of table that is read", f"save it as {READ}")
    if suffix == ".parquet":
        from riskcast.machinery.parquet_columns import read_parquet

        return read_parquet(file, name, wanted)
    return parse_table(read_bytes(file, name, MAX_BYTES, _TOO_LARGE), name, wanted, suffix)


def parse_table(raw: bytes, name: str, wanted: Wanted, suffix: str | None = None) -> TableFile:
    """The table in the bytes of a file that is no Parquet, as `read_table` reads it."""
    suffix = suffix_of(name) if suffix is None else suffix
    if suffix == ".xlsx":
        from riskcast.machinery.workbook_sheets import read_sheet

        grid = read_sheet(raw, name, wanted)
    else:
        grid = read_delimited(_unpacked(raw, name) if suffix.endswith(".gz") else raw, name, wanted)
    return _chosen(grid, name, wanted)


_TOO_LARGE: Final = f"keep it below {MAX_BYTES // 1_000_000_000} GB: shorten descriptions, or save it as Parquet"


def header_problems(name: str, line: int | None, header: Sequence[str], wanted: Wanted) -> list[Problem]:
    """What is wrong with the names of the columns."""
    columns, named = wanted.columns, [title for title in header if title]
    if named and not set(named) & set(columns):
        shown = ", ".join(named[:5]) + (", ..." if len(named) > 5 else "")
        wrong = f"has none of the columns of this table, but {shown}"
        return [Problem(name, line, "", wrong, f"start with the header {','.join(columns)}")]
    unknown = dict.fromkeys(title for title in named if title not in wanted.read and title not in wanted.ignored)
    if wanted.others_ignored:
        unknown = {}
    problems = [
        Problem(name, line, title, "is an unknown column", suggest(title, wanted.read) + wanted.instead)
        for title in islice(unknown, MOST_SHOWN)
    ]
    for title in wanted.read:
        if title not in header and title in columns:
            mend = f"add the column; the columns are {','.join(columns)}"
            problems.append(Problem(name, line, title, "is missing", mend))
        elif list(header).count(title) > 1:
            problems.append(Problem(name, line, title, "stands twice", "keep one of the columns"))
    return problems


def row_problems(name: str, rows: int) -> list[Problem]:
    """What is wrong with the number of rows."""
    if rows <= MAX_ROWS:
        return []
    return [Problem(name, None, "", "has too many rows", f"keep at most {MAX_ROWS}")]


def numbers_rows(cells: Sequence[Any]) -> bool:
    """Whether a column without a name plainly numbers its rows: whole numbers, none twice.

    >>> numbers_rows(["1", "2", "7"]), numbers_rows(["1", "1"]), numbers_rows(["a"])
    (True, False, False)
    """
    texts = [str(cell) for cell in cells]
    return all(text.isdecimal() and text.isascii() for text in texts) and len(set(texts)) == len(texts)


def _chosen(grid: Grid, name: str, wanted: Wanted) -> TableFile:
    """The wanted columns of a grid."""
    header, columns, problems, skipped = list(grid.header), list(grid.columns), [], []
    for place, title in reversed(list(enumerate(grid.header))):
        known = title in wanted.read or title in wanted.ignored
        if known or (title and not ROW_NUMBERS.fullmatch(title)):
            continue
        if place == 0 and len(columns[0]) and numbers_rows(columns[0]):
            skipped.append(title)
        elif title:
            continue
        elif any(columns[place]):
            which = "the first column" if place == 0 else f"column {place + 1}"
            mend = "name it, or remove it" + (" (row numbers? R: row.names=FALSE, pandas: index=False)" * (place == 0))
            problems.append(Problem(name, grid.line, "", f"has no name for {which}", mend))
        del header[place], columns[place]
    told = header_problems(name, grid.line, header, wanted)
    # Of a line that is no header, its cells say nothing.
    problems = told if set(header).isdisjoint(wanted.columns) and told else [*told, *reversed(problems)]
    if grid.dialect.sheet:
        problems = [replace(problem, wrong=f"{problem.wrong} (sheet {grid.dialect.sheet!r})") for problem in problems]
    if not problems:
        problems = row_problems(name, len(grid.lines))
    if problems:
        raise CaseError(problems)
    found = {title: text_cells(cells) for title, cells in zip(header, columns, strict=True) if title in wanted.read}
    return TableFile(name, found, grid.lines, replace(grid.dialect, skipped=tuple(skipped)))


def text_cells(cells: list[str]) -> Cells:
    """A column of text."""
    out = np.empty(len(cells), dtype=object)
    out[:] = cells
    return out


def _plain_text(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else number_text(value)
    return str(value)


def number_text(value: float) -> str:
    """A number as text, a whole one without a point.

    >>> number_text(2024.0), number_text(0.5)
    ('2024', '0.5')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _unpacked(raw: bytes, name: str) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        raise refusal(name, "is not packed by gzip", "name it without .gz, or pack it")
    try:
        with gzip.open(io.BytesIO(raw)) as opened:
            content = read_at_most(opened, MAX_BYTES)
    except (OSError, EOFError, zlib.error):
        raise refusal(name, "is damaged (gzip)", "pack it anew") from None
    if content is None:
        raise refusal(name, "unpacks to too much", _TOO_LARGE)
    return content


def read_delimited(raw: bytes, name: str, wanted: Wanted) -> Grid:
    """The cells of a text with separators, of which the header tells which they are."""
    for magic, suffix, what in _OTHERS:
        if raw.startswith(magic):
            mend = "save it as .csv or .xlsx" if suffix == ".xls" else f"let its name end in {suffix}"
            if name.lower().endswith(suffix):
                what, mend = "is packed by gzip twice", "unpack it once"
            raise refusal(name, what, mend)
    text = decode(raw, name, guess=True)
    content, skipped = text.content, 0
    given = SEPARATOR_LINE.match(content)
    if given is not None:
        content, skipped = content[given.end() :], 1
    separator = given[1] if given is not None else find_separator(content, wanted)
    if separator in '"\r\n':
        mend = "write sep=; or sep=, or remove the line"
        raise refusal(name, f"names {separator!r} as its separator", mend, 1)
    tail = _TAIL.match(content) if separator == "," else None
    if tail is not None:
        # Excel ends rows of a single column so, where it separates by semicolons.
        content = re.sub(rf"{tail[1]}(?=[^\S\r\n]*(?:[\r\n]|\Z))", "", content)
    dialect = Dialect(name, separator, ".", text.encoding, text.sample)
    blanks = BLANKS if not content.isascii() else " \t\r\n"
    if content.isascii() and " " not in content and (separator == "\t" or "\t" not in content):
        blanks = ""
    try:
        return _parse(content, name, wanted, skipped, dialect, blanks, _BLOCK)
    except csv.Error:
        # Row by row, to know the one.
        return _parse(content, name, wanted, skipped, dialect, blanks, 1)
    except CaseError:
        if f'{separator} "' not in content:
            raise
        with suppress(csv.Error, CaseError):
            return _parse(content, name, wanted, skipped, dialect, blanks, _BLOCK, spaced=True)
        raise


def _parse(
    content: str,
    name: str,
    wanted: Wanted,
    skipped: int,
    dialect: Dialect,
    blanks: str,
    most: int,
    *,
    spaced: bool = False,
) -> Grid:
    """The cells of a text; `spaced` where quotes may stand behind a blank."""
    reader = csv.reader(
        io.StringIO(content, newline=""), delimiter=dialect.separator, strict=True, skipinitialspace=spaced
    )
    line, header, ragged = 1 + skipped, [], _Ragged(name, dialect.separator)
    columns: list[list[str]] = []
    lines: list[int] = []
    block: list[list[str]] = []
    are_cut = False
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                header = [cell.strip(BLANKS) for cell in cells]
                break
            line = reader.line_num + 1 + skipped
        if not header:
            mend = f"start with the header {','.join(wanted.columns)}"
            raise refusal(name, "is empty", mend, 1)
        _refuse_one_cell(name, line, header, wanted, skipped > 0)
        at, width = line, len(header)
        columns = [[] for _ in header]
        line = reader.line_num + 1 + skipped
        while block := list(islice(reader, most)):
            numbers: Sequence[int] = range(line, line + len(block))
            end = reader.line_num + 1 + skipped
            if end - line != len(block):
                # Cells of several lines.
                longer = (sum(len(_LINE_END.findall(cell)) for cell in cells) for cells in block)
                numbers = list(accumulate((1 + more for more in longer), initial=line))[:-1]
            if not lines:
                are_cut = _end_in_a_separator(block, width)
            if are_cut:
                block = [cells[:-1] if len(cells) == width + 1 and not cells[-1].strip() else cells for cells in block]
            if len(set(map(len, block))) > 1 or len(block[0]) != width:
                for number, cells in zip(numbers, block, strict=True):
                    if len(cells) != width and any(map(str.strip, cells)):
                        ragged.note(number, cells, width)
                numbers = [number for number, cells in zip(numbers, block, strict=True) if len(cells) == width]
                block = [cells for cells in block if len(cells) == width]
            lines.extend(numbers)
            _pour(block, columns, blanks)
            problems = row_problems(name, len(lines))
            if problems:
                raise CaseError(problems)
            line = end
    except csv.Error as error:
        if most > 1:
            raise
        mend = 'close every quote, and write a quote within a quoted cell as ""'
        raise refusal(name, f"is not valid CSV ({error})", mend, line) from None
    problems = ragged.problems(width, len(lines))
    if problems:
        # What is wrong with the header may be what is wrong with the rows.
        told = header_problems(name, at, [title for title in header if title], wanted)
        raise CaseError(told if set(header).isdisjoint(wanted.columns) else [*told, *problems])
    return Grid(header, at, *_without_empty_rows(columns, np.array(lines, dtype=np.int64)), dialect)


def _end_in_a_separator(block: list[list[str]], width: int) -> bool:
    """Whether rows have an empty cell more than the header, and their first cells are no row numbers."""
    rows = [cells for cells in block if any(map(str.strip, cells))]
    if not rows or any(len(cells) != width + 1 or cells[-1].strip() for cells in rows):
        return False
    return [cells[0].strip() for cells in rows] != [str(row) for row in range(1, len(rows) + 1)]


def _pour(block: list[list[str]], columns: list[list[str]], blanks: str) -> None:
    """Rows of text into columns, without blanks around the cells."""
    for column, cells in zip(columns, zip(*block, strict=True), strict=False):
        column.extend([cell.strip(blanks) for cell in cells] if blanks else cells)


def _without_empty_rows(
    columns: list[list[str]], lines: NDArray[np.int64]
) -> tuple[list[list[str]], NDArray[np.int64]]:
    empty = [row for row, cell in enumerate(columns[0]) if not cell and not any(column[row] for column in columns)]
    if not empty:
        return columns, lines
    kept = np.delete(np.arange(len(lines)), empty)
    return [[column[row] for row in kept.tolist()] for column in columns], lines[kept]


def find_separator(content: str, wanted: Wanted) -> str:
    """The separator by which the header has most of the columns that are wanted; a comma where that says nothing."""

    head = content[:_HEAD]

    def columns(separator: str) -> int:
        try:
            for cells in csv.reader(io.StringIO(head, newline=""), delimiter=separator):
                if any(map(str.strip, cells)):
                    return len({cell.strip(BLANKS) for cell in cells} & set(wanted.columns))
        except csv.Error:
            pass
        return 0

    return max(SEPARATORS, key=columns)


def _refuse_one_cell(name: str, line: int, header: list[str], wanted: Wanted, is_given: bool) -> None:
    """Refuse a table whose every row stands in one cell, within which are the columns."""
    if len(header) > 1:
        return

    def is_meant(inside: list[str]) -> bool:
        return len(inside) > 1 and not set(wanted.columns).isdisjoint(cell.strip("\"' ") for cell in inside)

    for separator, words in SEPARATORS.items():
        if is_meant(header[0].split(separator)):
            wrong = f"has a header of one cell with {words} in it ({shorten(header[0], 40)})"
            mend = "take the quotes around whole rows away, or save the sheet again as CSV (UTF-8)"
            if is_given:
                mend = "correct the separator in the first line, `sep=`, or remove that line"
            raise refusal(name, wrong, mend, line)
    if is_meant(header[0].split()):
        wrong = f"has a header of one cell ({shorten(header[0], 40)})"
        raise refusal(name, wrong, "separate the columns by commas, semicolons or tabs", line)


class _Ragged:
    """Rows with more or fewer cells than the header."""

    def __init__(self, name: str, separator: str) -> None:
        self.name, self.separator = name, separator
        self.first: list[tuple[int, list[str]]] = []
        self.counts: Counter[int] = Counter()

    def note(self, line: int, cells: list[str], width: int) -> None:
        self.counts[len(cells)] += 1
        if len(self.first) <= MOST_OF_A_KIND:
            self.first.append((line, cells))

    def problems(self, width: int, whole: int) -> list[Problem]:
        """What to say of them: once where all are wrong in one way."""
        if not self.first:
            return []
        line, cells = self.first[0]
        total = self.counts.total()
        wrong = f"has {len(cells)} cells where the header has {width}"
        other = _other_separator(self.separator.join(cells), self.separator, width)
        if other is not None:
            said = SEPARATORS.get(self.separator, repr(self.separator))
            wrong = f"is separated by {SEPARATORS[other]}, but the header by {said}"
            return [Problem(self.name, line, "", wrong, "use one separator in the whole file")]
        if whole == 0 and len(self.counts) == 1 and total > 1:
            wrong = f"and all rows after it {wrong.replace('has', 'have', 1)}"
            mend = "give every column a name, and every row a cell for it"
            if len(cells) == width + 1:
                mend = "name all columns; of R's row names, write the table with row.names=FALSE"
            return [Problem(self.name, line, "", wrong, mend)]
        quoted = SEPARATORS.get(self.separator, self.separator)
        mend = f"quote cells that contain {quoted}"
        if any(mark in cell for _, each in self.first for cell in each for mark in "“”„'"):
            mend += ', with straight double quotes (")'
        found = [
            Problem(self.name, at, "", f"has {len(each)} cells where the header has {width}", mend)
            for at, each in self.first[:MOST_OF_A_KIND]
        ]
        if total > MOST_OF_A_KIND:
            rest = f"and {total - MOST_OF_A_KIND} more rows have other numbers of cells"
            found.append(Problem(self.name, self.first[MOST_OF_A_KIND][0], "", rest, mend))
        return found


def _other_separator(row: str, separator: str, width: int) -> str | None:
    """By which other separator a row has as many cells as the header."""
    for other in SEPARATORS:
        if other != separator and width > 1:
            try:
                cells = next(csv.reader([row], delimiter=other), [])
            except csv.Error:
                continue
            if len(cells) == width:
                return other
    return None
