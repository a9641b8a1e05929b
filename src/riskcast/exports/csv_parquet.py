"""Tables as CSV with a Frictionless data package, as Parquet, and one alone as JSON."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from pathlib import Path
from typing import Any, Final

from riskcast.errors import visible
from riskcast.exports.dossier import Dossier
from riskcast.exports.files import json_bytes, write_all
from riskcast.exports.tables import Value, make_tables, origin
from riskcast.machinery.tables import Column, Form, Table

# What spreadsheets take for the beginning of a formula, in wide letters too.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Where a spreadsheet that parts cells by something else than commas would begin one within a text.
WITHIN: Final = re.compile(r"(?<=[;|\t\r\n])(?=[=+\-@＝＋－＠])")
# Rows that are made at a time, so that a large file is in memory once.
PART: Final = 10_000
TYPES: Final[Mapping[Form, str]] = {"text": "string", "count": "integer", "day": "date", "flag": "boolean"}


def neutral(cell: Value) -> Value:
    """A cell whose text no spreadsheet runs as a formula, and no terminal obeys.

    >>> neutral("=1+1"), neutral("fine; -1"), neutral("a;=1+1"), neutral(-1.5)
    ("'=1+1", 'fine; -1', "a;'=1+1", -1.5)
    """
    if not isinstance(cell, str):
        return cell
    within = WITHIN.sub("'", visible(cell))
    return f"'{within}" if within.startswith(FORMULA_STARTS) else within


def write_csv(dossier: Dossier, folder: Path) -> None:
    """Write every table as CSV below `csv`, with the data package that describes them."""
    files = csv_files(dossier, make_tables(dossier))
    write_all(folder, {f"csv/{name}": content for name, content in files.items()})


def write_parquet(dossier: Dossier, folder: Path) -> None:
    """Write every table as Parquet below `parquet`."""
    came_from, tables = origin(dossier), make_tables(dossier)
    write_all(folder, {f"parquet/{table.name}.parquet": to_parquet(table, came_from) for table in tables})


def to_csv(table: Table, came_from: Mapping[str, Value]) -> bytes:
    """A table as CSV in UTF-8 (RFC 4180); every row ends with where its numbers come from, so that files can be joined.

    Numbers are written with the shortest digits that give the same double again.
    """
    out = io.BytesIO()
    out.write("".join(_csv_lines([[*(column.name for column in table.columns), *came_from]])).encode())
    # Written once, as it is the same in every row.
    last = "".join(_csv_lines([[neutral(cell) for cell in came_from.values()]]))
    end, plain = f",{last}" if came_from else last, _Plain()
    for rows in batched(table.rows, PART):
        cells = ([cell if type(cell) is float else plain[type(cell), cell] for cell in row] for row in rows)
        out.write("".join([line[:-2] + end for line in _csv_lines(cells)]).encode())
    return out.getvalue()


def _csv_lines(rows: Iterable[Sequence[Value]]) -> list[str]:
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines


class _Lines(list[str]):
    """Lines as they are written."""

    def write(self, line: str) -> None:
        """Keep a line."""
        self.append(line)


class _Plain(dict[tuple[type, Value], Value]):
    """Cells by type and value as CSV has them, each worked out once: names and days stand in many rows."""

    def __missing__(self, key: tuple[type, Value]) -> Value:
        cell = key[1]
        self[key] = str(cell).lower() if isinstance(cell, bool) else neutral(cell)
        return self[key]


def to_parquet(table: Table, came_from: Mapping[str, Value]) -> bytes:
    """A table as Parquet: unit and meaning in the metadata of every field, where it comes from in that of the file."""
    import pyarrow
    import pyarrow.parquet

    kinds = {
        "string": pyarrow.string(),
        "integer": pyarrow.int64(),
        "date": pyarrow.date32(),
        "boolean": pyarrow.bool_(),
        "number": pyarrow.float64(),
    }
    fields = [
        pyarrow.field(column.name, kinds[_type(column)], metadata={"unit": column.unit, "description": column.about})
        for column in table.columns
    ]
    about = {"description": table.about, **{name: str(value) for name, value in came_from.items()}}
    schema = pyarrow.schema(fields, about)
    parts = []
    for rows in batched(table.rows, PART):
        columns = zip(*rows, strict=True)
        arrays = [pyarrow.array(cells, field.type) for cells, field in zip(columns, fields, strict=True)]
        parts.append(pyarrow.record_batch(arrays, schema=schema))
    out = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_batches(parts, schema), out)
    return out.getvalue().to_pybytes()


def to_json(table: Table, came_from: Mapping[str, Value]) -> bytes:
    """A table as JSON: where its numbers come from, and its rows."""
    return json_bytes({**came_from, table.name: table.records()})


def csv_files(dossier: Dossier, tables: Sequence[Table]) -> dict[str, bytes]:
    """Every table as CSV, and `datapackage.json` beside them, by file name."""
    came_from = origin(dossier)
    files = {f"{table.name}.csv": to_csv(table, came_from) for table in tables}
    package = {
        "profile": "tabular-data-package",
        "name": str(came_from["case"]).lower(),
        "title": dossier.case.settings.title,
        "description": "Risk scores with all that they rest on. Every row ends with where it comes from.",
        "riskcast": came_from,
        "resources": [_resource(table, files[f"{table.name}.csv"], came_from) for table in tables],
    }
    return {**files, "datapackage.json": json_bytes(package)}


def _resource(table: Table, content: bytes, came_from: Mapping[str, Value]) -> dict[str, Any]:
    """What a data package says of a table: https://specs.frictionlessdata.io/tabular-data-resource."""
    numbers = ("draws", "seed")
    fields = [
        {"name": c.name, "type": _type(c), "description": c.about, **({"unit": c.unit} if c.unit else {})}
        for c in table.columns
    ]
    fields += [
        {
            "name": name,
            "type": "integer" if name in numbers else "date" if name in ("as_of", "horizon_until") else "string",
        }
        | {"description": "Where the row comes from"}
        for name in came_from
    ]
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        "path": f"{table.name}.csv",
        "description": table.about,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": {"fields": fields, "missingValues": [""], "primaryKey": list(table.key)},
    }


def _type(column: Column) -> str:
    return TYPES.get(column.form, "number")
