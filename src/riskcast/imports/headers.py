"""What the columns of a table are called, before anything else is read."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from riskcast.errors import refusal
from riskcast.machinery.table_files import MAX_BYTES, SEPARATORS, Wanted, suffix_of
from riskcast.machinery.texts import decode


def read_header(file: Path) -> tuple[str, ...]:
    """Names of the columns of a table."""
    name, suffix = str(file), suffix_of(file.name)
    if not file.is_file():
        raise refusal(name, "is missing", "check its name and folder")
    if not suffix:
        raise refusal(name, "is no kind of table that is read", "save it as CSV, Excel or Parquet")
    if suffix == ".parquet":
        import pyarrow.parquet

        try:
            titles: Sequence[str] = pyarrow.parquet.read_schema(file).names
        except Exception:
            raise refusal(name, "is damaged (Parquet)", "write it anew") from None
    elif suffix == ".xlsx":
        from riskcast.machinery.texts import read_bytes
        from riskcast.machinery.workbook_sheets import read_sheet

        titles = read_sheet(read_bytes(file, name, MAX_BYTES, "save it as Parquet"), name, Wanted(())).header
    else:
        import gzip

        with gzip.open(file, "rb") if suffix.endswith(".gz") else file.open("rb") as opened:
            start = opened.read(200_000)
        first = decode(start, name, guess=True).content.lstrip("\r\n").splitlines()[:1]
        if not first:
            raise refusal(name, "is empty", "check that it is the whole file", 1)
        separator = max(SEPARATORS, key=first[0].count)
        titles = next(csv.reader([first[0]], delimiter=separator), [])
    return tuple(dict.fromkeys(title.strip() for title in titles if title.strip()))
