"""What the columns of a table are called, before anything else is read."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING

from riskcast.errors import refusal
from riskcast.machinery.table_files import MAX_BYTES, SEPARATOR_LINE, SEPARATORS, Wanted
from riskcast.machinery.texts import decode

if TYPE_CHECKING:
    from riskcast.imports.gathering import Part

_START = 500_000


def read_header(part: Part) -> tuple[str, ...]:
    """Names of the columns of a table, each once; raises CaseError where the file cannot be read."""
    if part.suffix == ".parquet":
        import pyarrow.parquet

        try:
            titles: Sequence[str] = pyarrow.parquet.read_schema(part.path).names
        except Exception:
            raise refusal(part.name, "is damaged (Parquet)", "write it anew") from None
    elif part.suffix == ".xlsx":
        from riskcast.machinery.texts import read_bytes
        from riskcast.machinery.workbook_sheets import read_sheet

        raw = read_bytes(part.path, part.name, MAX_BYTES, "save it as Parquet")
        titles = read_sheet(raw, part.name, Wanted(())).header
    else:
        import gzip
        import zlib

        try:
            with gzip.open(part.path, "rb") if part.suffix.endswith(".gz") else part.path.open("rb") as opened:
                start = opened.read(_START)
        except (OSError, EOFError, zlib.error) as error:
            raise refusal(part.name, f"cannot be read ({error})", "check the file") from None
        # Nothing is cut within a letter.
        whole = start[: start.rfind(b"\n") + 1] or start
        lines = decode(whole, part.name, guess=True).content.lstrip("\r\n")
        given = SEPARATOR_LINE.match(lines)
        lines = lines[given.end() :] if given else lines
        first = lines.splitlines()[:1]
        if not first:
            raise refusal(part.name, "is empty", "check that it is the whole file", 1)
        separator = given[1] if given else max(SEPARATORS, key=first[0].count)
        titles = next(csv.reader([first[0]], delimiter=separator), [])
    return tuple(dict.fromkeys(title.strip() for title in titles if title.strip()))
