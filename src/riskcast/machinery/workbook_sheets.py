"""A sheet of an Excel workbook -> a grid of text: days, numbers, truth values and the results of formulas."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final
from xml.parsers import expat

import numpy as np

from riskcast.errors import CaseError, refusal
from riskcast.machinery.table_files import Dialect, Grid, Wanted, number_text, row_problems

# What a workbook may unpack to, and how many cells a sheet may span: its reader holds all of them at once.
MAX_UNPACKED: Final = 1_000_000_000
MAX_CELLS: Final = 25_000_000
_NEEDED: Final = (".xml", ".rels")
_CHUNK: Final = 1 << 20
_CELL: Final = re.compile(rb"<(?:\w+:)?c\s([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_PLACE: Final = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,6})([0-9]{1,9})["']""")
_COLUMN_OF_CELL: Final = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]+)[0-9]""")
_ROW_OF_CELL: Final = re.compile(rb"""\sr\s*=\s*["'][A-Za-z]*([0-9]+)["']""")
_ODD_PLACE: Final = re.compile(rb"""\sr\s*=\s*["'][^"'>]{0,99}&""")
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[\s/>]")
_VALUE: Final = re.compile(rb"<(?:\w+:)?v>(.*?)</(?:\w+:)?v>", re.DOTALL)
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


def read_sheet(raw: bytes, name: str, wanted: Wanted) -> Grid:
    """The sheet of a workbook that is named after the table, else the first with one of its columns.

    Only sheets that are not hidden count; where none has a column of the table, it is the first.

    Raises CaseError where the file is no workbook or unpacks to too much, or where formulas have no results yet.
    """
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    packed = _repacked(raw, name)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(packed))
        sheets = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
        ]
        if not sheets:
            raise refusal(name, "has no visible sheet", "add one with the table")
        stem = PurePosixPath(name).name.partition(".")[0].lower()
        named = [sheet for sheet in sheets if sheet.lower() == stem]
        # The first again, where none of them will do.
        for chosen in named[:1] or [*sheets, sheets[0]]:
            errors = _scanned(packed, name, chosen)
            rows = workbook.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
            header = next((cells for cells in rows if any(map(_text, cells))), [])
            if not set(wanted.columns).isdisjoint(map(_text, header)):
                break
    except CaseError:
        raise
    # The reader is written in another language, whose panics are no ordinary exceptions.
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        wrong = f"cannot be read as an Excel workbook ({(str(error).splitlines() or ['broken'])[0]})"
        raise refusal(name, wrong, "save it anew as .xlsx, or as CSV (UTF-8)") from None
    for (row, column), text in errors.items():
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = text
    others = tuple(sheet for sheet in sheets if sheet != chosen)
    return _grid(rows, name, wanted, Dialect(name, sheet=chosen if others else "", other_sheets=others))


def _grid(rows: list[list[Any]], name: str, wanted: Wanted, dialect: Dialect) -> Grid:
    texts = ((place, [_text(cell) for cell in cells]) for place, cells in enumerate(rows, 1))
    filled = ((place, cells) for place, cells in texts if any(cells))
    at, header = next(filled, (1, []))
    if not header:
        raise refusal(name, "is empty", f"start with the header {','.join(wanted.columns)}", 1)
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in header]
    for place, cells in filled:
        lines.append(place)
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
    problems = row_problems(name, len(lines))
    if problems:
        raise CaseError(problems)
    return Grid(header, at, columns, np.array(lines, dtype=np.int64), dialect)


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return number_text(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, (dt.date, dt.time)) else str(cell)


def _repacked(raw: bytes, name: str) -> bytes:
    """What of a workbook is read, unpacked within limits, so that what was measured is what is read."""

    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise refusal(
            name, "is an old Excel workbook (.xls), or one with a password", "save it as .xlsx without a password"
        )
    if not raw.startswith(b"PK"):
        raise refusal(name, "is no Excel workbook", "save it as .xlsx, or let its name end in .csv")
    out, left = io.BytesIO(), MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(out, "w") as again:
            names = set()
            for entry in archive.infolist():
                if not entry.filename.endswith(_NEEDED) or entry.filename in names:
                    continue
                names.add(entry.filename)
                with archive.open(entry) as opened, again.open(entry.filename, "w", force_zip64=True) as kept:
                    while chunk := opened.read(_CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            mend = "save the table alone, as .xlsx or as CSV"
                            raise refusal(name, f"unpacks to more than {MAX_UNPACKED // 1_000_000_000} GB", mend)
                        kept.write(chunk)
    except _BROKEN as error:
        if isinstance(error, CaseError):
            raise
        raise refusal(name, "is damaged, or no Excel workbook", "save it anew as .xlsx, or as CSV (UTF-8)") from None
    return out.getvalue()


def _scanned(packed: bytes, name: str, sheet: str) -> dict[tuple[int, int], str]:
    """Cells of a sheet that hold errors such as #N/A, which its reader leaves empty; refuses what it spans too wide."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        content = archive.read(_part_of(archive, sheet))
    # Its reader is lenient; of XML that is whole, and in bytes that are plain, places are where one looks for them.
    expat.ParserCreate().Parse(content, True)
    if b"\0" in content:
        raise ValueError("XML in an unusual encoding")
    rows = max((int(number[:9]) for number in set(_ROW_OF_CELL.findall(content))), default=0)
    columns = max((_number(letters[:6].decode()) for letters in set(_COLUMN_OF_CELL.findall(content))), default=0)
    # A place that is written in a roundabout way could be any.
    if rows * columns > MAX_CELLS or _ODD_PLACE.search(content):
        wrong = f"spans {rows:,} rows and {columns:,} columns, of which most are empty"
        raise refusal(name, wrong, "delete the cells beyond the table, or save it as CSV")
    errors: dict[tuple[int, int], str] = {}
    if b"<f" not in content and b":f" not in content and b't="e"' not in content:
        return errors
    for row, column, attributes, inside in _cells_of(content):
        if _FORMULA.search(inside) and not (_VALUE.search(inside) or b't="str"' in attributes):
            mend = "open the workbook in Excel and save it, or put values in place of formulas"
            wrong = f"holds a formula without a result in {_letters(column)}{row}"
            raise refusal(name, wrong, mend, row)
        if b't="e"' in attributes:
            value = _VALUE.search(inside)
            errors[row - 1, column - 1] = "#ERROR" if value is None else value[1].decode("utf-8", "replace")
    return errors


def _cells_of(content: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Row, column, attributes and content of the cells of a sheet."""
    row = column = 0
    for cell in _CELL.finditer(content):
        place = _PLACE.search(b" " + cell[1])
        if place is not None:
            row, column = int(place[2]), _number(place[1].decode())
        else:
            column += 1
        yield row, column, cell[1], cell[2] or b""


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """The part of a workbook that holds a sheet."""
    from xml.etree import ElementTree

    def parsed(part: str) -> ElementTree.Element:
        return ElementTree.fromstring(archive.read(part))

    targets = {one.get("Id"): str(one.get("Target")).removeprefix("/") for one in parsed("xl/_rels/workbook.xml.rels")}
    found = [one for one in parsed("xl/workbook.xml").iter() if one.tag.rpartition("}")[2] == "sheet"]
    element = next(one for one in found if one.get("name") == sheet)
    target = targets[next(value for key, value in element.items() if key.rpartition("}")[2] == "id")]
    return target if target.startswith("xl/") else f"xl/{target}"


def _number(letters: str) -> int:
    """The number of a column from its letters, A being 1."""
    total = 0
    for letter in letters.upper():
        total = total * 26 + ord(letter) - 64
    return total


def _letters(number: int) -> str:
    out = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out
