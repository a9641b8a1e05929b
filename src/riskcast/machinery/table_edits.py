"""Rows added to a table of text, and cells changed in it: every other byte of the file stays as it is."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from riskcast.errors import refusal
from riskcast.machinery.table_files import (
    BLANKS,
    ROW_NUMBERS,
    SEPARATOR_LINE,
    TEXT_SUFFIXES,
    Wanted,
    find_separator,
    numbers_rows,
    suffix_of,
)
from riskcast.machinery.texts import Coded, decode_as_coded

QUOTE: Final = '"'
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Row:
    """Where a row of a text stands: from its first character to the last before its end of line, and its cells."""

    start: int
    end: int
    cells: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class TableText:
    """A table as the text of its file, which edits leave as it is but for what they change.

    coded: the text and how its bytes are made; separator; newline: how its lines end; header: its columns by name;
    rows: those beneath, empty ones left out; packed: whether the file is packed by gzip.
    """

    name: str
    coded: Coded
    separator: str
    newline: str
    head: Row
    rows: tuple[Row, ...]
    packed: bool = False

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns, as they stand."""
        return self.head.cells

    def to_bytes(self) -> bytes:
        """The file."""
        raw = self.coded.to_bytes(self.name)
        return gzip.compress(raw, mtime=0) if self.packed else raw

    def with_rows(self, rows: Sequence[Mapping[str, str]]) -> TableText:
        """The table with rows at its end, in its own order of columns and its own way of writing.

        Columns that a row says nothing in stay empty; one that it speaks of and the table lacks is added first.
        """
        lacking = dict.fromkeys(key for row in rows for key, cell in row.items() if cell and key not in self.header)
        table = self
        for column in lacking:
            table = table.with_column(column)
        if not rows:
            return table
        text, width = table.coded.text, len(table.header)
        # Some programs end every row, but not the header, with a separator.
        tail = (
            [""] if table.rows and all(len(row.cells) == width + 1 and not row.cells[-1] for row in table.rows) else []
        )
        first = table._first_number()
        out = io.StringIO()
        writer = csv.writer(out, delimiter=table.separator, lineterminator=table.newline)
        for place, row in enumerate(rows):
            cells = [row.get(column, "") for column in table.header] + tail
            if first is not None:
                cells[0] = str(first + place)
            writer.writerow(cells)
        if text and not text.endswith(("\n", "\r")):
            text += table.newline
        return table.with_text(text + out.getvalue())

    def with_column(self, column: str) -> TableText:
        """The table with one column more, the last, which is empty in every row."""
        text = self.coded.text
        width = len(self.header)
        for row in reversed(self.rows):
            if len(row.cells) == width:
                text = text[: row.end] + self.separator + text[row.end :]
        text = text[: self.head.end] + self.separator + column + text[self.head.end :]
        return self.with_text(text)

    def with_cell(self, row: int, column: str, cell: str) -> TableText:
        """The table with another text in one cell; `row` counts those of `rows`."""
        start, end = self.rows[row].spans[self.header.index(column)]
        text = self.coded.text
        return self.with_text(text[:start] + _written(cell, self.separator) + text[end:])

    def with_text(self, text: str) -> TableText:
        """The table with another text, written in the same way."""
        head, rows = _parsed(text, self.separator, self.name)
        return replace(self, coded=replace(self.coded, text=text), head=head, rows=rows)

    def _first_number(self) -> int | None:
        """The number of the next row, where a first column without a name numbers them."""
        title = self.header[0]
        if title and not ROW_NUMBERS.fullmatch(title):
            return None
        cells = [row.cells[0] for row in self.rows]
        return max(map(int, cells), default=0) + 1 if numbers_rows(cells) else None


def open_table(raw: bytes, name: str, wanted: Wanted) -> TableText:
    """A table of text as it can be edited; `name` is what errors call it, `wanted` tells its separator.

    Raises CaseError for kinds of files in which nothing can be changed without writing them anew.

    >>> table = open_table(b"day;what\\r\\n2024-01-01;a\\r\\n", "t.csv", Wanted(("day", "what")))
    >>> table.with_rows([{"what": "b; c", "day": "2024-01-02"}]).to_bytes()
    b'day;what\\r\\n2024-01-01;a\\r\\n2024-01-02;"b; c"\\r\\n'
    """
    if suffix_of(name) not in TEXT_SUFFIXES:
        mend = "save the table as CSV (.csv), or add the row there by hand"
        raise refusal(name, "is no text, so that riskcast adds no rows to it", mend)
    packed = name.lower().endswith(".gz")
    if packed:
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError):
            raise refusal(name, "is damaged (gzip)", "pack it anew") from None
    coded = decode_as_coded(raw, name)
    given = SEPARATOR_LINE.match(coded.text)
    begin = 0 if given is None else given.end()
    separator = find_separator(coded.text[begin:], wanted) if given is None else given[1]
    ends = _LINE_END.search(coded.text)
    head, rows = _parsed(coded.text, separator, name)
    return TableText(name, coded, separator, "\n" if ends is None else ends[0], head, rows, packed)


def new_table(name: str, columns: Sequence[str]) -> TableText:
    """An empty table in plain CSV with a header."""
    return open_table((",".join(columns) + "\n").encode(), name, Wanted(columns))


def _written(cell: str, separator: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="").writerow([cell, ""])
    return out.getvalue()[: -len(separator)]


def _parsed(text: str, separator: str, name: str) -> tuple[Row, tuple[Row, ...]]:
    """The header and rows of a text, each where it stands."""
    given = SEPARATOR_LINE.match(text)
    rows = [row for row in _rows(text, 0 if given is None else given.end(), separator) if any(row.cells)]
    if not rows:
        raise refusal(name, "is empty", "start it with its header", 1)
    return rows[0], tuple(rows[1:])


def _rows(text: str, start: int, separator: str) -> list[Row]:
    """All rows of a text; a quoted cell may hold separators and ends of lines."""
    found, at, size = [], start, len(text)
    while at < size:
        begin, spans = at, []
        while True:
            end, following = _cell_end(text, at, separator)
            spans.append((at, end))
            at = following
            if end >= size or text[end] != separator:
                break
        found.append(Row(begin, spans[-1][1], tuple(_plain(text[a:b]) for a, b in spans), tuple(spans)))
        if spans[-1][1] >= size:
            break
    return found


def _cell_end(text: str, at: int, separator: str) -> tuple[int, int]:
    """Where a cell ends, and where what follows it begins."""
    size, place, quoted = len(text), at, False
    opening = at
    while opening < size and text[opening] == " ":
        opening += 1
    if opening < size and text[opening] == QUOTE:
        quoted, place = True, opening + 1
    while place < size:
        letter = text[place]
        if quoted:
            if letter == QUOTE:
                if text[place + 1 : place + 2] == QUOTE:
                    place += 1
                else:
                    quoted = False
        elif letter == separator:
            return place, place + 1
        elif letter in "\r\n":
            return place, place + (2 if text[place : place + 2] == "\r\n" else 1)
        place += 1
    return size, size


def _plain(raw: str) -> str:
    cell = raw.strip(BLANKS)
    if len(cell) > 1 and cell[0] == cell[-1] == QUOTE:
        cell = cell[1:-1].replace(QUOTE * 2, QUOTE).strip(BLANKS)
    return cell
