"""The formats that a forecast is written in: a new one is a file in this room, and an entry in WRITERS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal

from riskcast.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

    from riskcast.exports.dossier import Dossier

Write = Callable[["Dossier", "Path"], None]
Schemas = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True)
class Writer:
    """A format.

    `name` is what commands call it, `label` what people do; `files` are the paths that it writes below its folder, and
    `about` says for whom, in Markdown. `write` puts a dossier's files into a folder that is there, and nowhere else:
    the same bytes for the same dossier, each with where its numbers come from. `kind`: tables and draws, or pages to
    read. `needs`: a package that is not always installed. `schemas`: JSON Schemas of its files, by name.
    """

    name: str
    label: str
    files: tuple[str, ...]
    about: str
    write: Write
    kind: Literal["numbers", "pages"] = "numbers"
    needs: str = ""
    schemas: Schemas = dict

    @property
    def is_single(self) -> bool:
        """Whether it writes one file, whose name is known."""
        (first, *others) = self.files
        return not others and "*" not in first and not first.endswith("/")

    def check(self) -> None:
        """Raise OptionError where the package that it needs is not installed."""
        if self.needs and find_spec(self.needs) is None:
            wrong = f"the format {self.name} needs the package {self.needs}, which is not installed"
            raise OptionError(f"{wrong}; run pip install {self.needs}, or leave {self.name} out of the formats")


def _in(place: str) -> Callable[..., Any]:
    """A function of this room by `module:name`, which is imported when it is called: help texts take no time."""

    def call(*given: Any) -> Any:
        module, _, name = place.partition(":")
        return getattr(import_module(f"riskcast.exports.{module}"), name)(*given)

    return call


WRITERS: Final = (
    Writer(
        "csv",
        "CSV",
        ("csv/*.csv", "csv/datapackage.json"),
        "any program; the [data package](https://specs.frictionlessdata.io) holds types, units and sha256",
        _in("csv_parquet:write_csv"),
    ),
    Writer(
        "parquet",
        "Parquet",
        ("parquet/*.parquet",),
        "R, Python, DuckDB; unit and meaning in the metadata of each field, origin in that of the file",
        _in("csv_parquet:write_parquet"),
    ),
    Writer(
        "json",
        "JSON",
        ("forecast.json",),
        "programs; keeps to [forecast.schema.json](schemas/forecast.schema.json), which `riskcast schema "
        "forecast.json` prints",
        _in("json_file:write_json"),
        schemas=_in("json_file:schemas"),
    ),
    Writer(
        "xlsx",
        "Excel",
        ("forecast.xlsx",),
        "an office: a sheet to brief from, then every table, then what the columns mean",
        _in("workbook:write_workbook"),
    ),
    Writer(
        "netcdf",
        "NetCDF",
        ("draws.nc",),
        "ArviZ, xarray, R: every draw",
        _in("netcdf:write_netcdf"),
        needs="h5py",
    ),
    Writer("html", "HTML", ("brief.html",), "readers, on screens", _in("brief.files:write_html"), kind="pages"),
    Writer("pdf", "PDF", ("brief.pdf",), "readers, on paper", _in("brief.files:write_pdf"), kind="pages"),
    Writer(
        "hubverse",
        "Hubverse",
        ("hubverse/",),
        "a [hubverse](https://docs.hubverse.io) hub: model output, metadata, `tasks.json`",
        _in("hubverse:write_hubverse"),
    ),
)
"""In the order in which they are listed and written."""


def names_of(writers: Iterable[Writer] = WRITERS) -> tuple[str, ...]:
    """What formats are called.

    >>> names_of()
    ('csv', 'parquet', 'json', 'xlsx', 'netcdf', 'html', 'pdf', 'hubverse')
    """
    return tuple(writer.name for writer in writers)


def export_schemas(writers: Iterable[Writer] = WRITERS) -> dict[str, Any]:
    """JSON Schema of every exported file that has one, by file name.

    >>> list(export_schemas())
    ['forecast.json']
    """
    return {name: schema for writer in writers for name, schema in writer.schemas().items()}


def formats_table(writers: Iterable[Writer] = WRITERS) -> str:
    """The formats as the table in Markdown that docs/exports.md holds."""
    rows = [("format", "files", "for"), ("---",) * 3]
    rows += [(f"`{w.name}`", ", ".join(f"`{file}`" for file in w.files), w.about) for w in writers]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows).replace("| --- | --- | --- |", "|---|---|---|")
