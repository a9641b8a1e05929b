"""The commands that bring in tables of others, and draft a case from one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskcast.cli.options import JsonOption, named_path, print_json
from riskcast.errors import OptionError

if TYPE_CHECKING:
    from riskcast.imports.forecast_maps import ForecastMap
    from riskcast.imports.reports import Report

FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        parser=named_path,
        metavar="FILE...",
        help="CSV, Excel, Parquet, a zip or folder of them, or worldbank:SERIES,SERIES.",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="MAP",
        help="A map file, or a ready map: one for all files, or one for each, which join the first.",
    ),
]


def import_files(
    files: FilesArgument,
    maps: MapOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=named_path, metavar="FOLDER", help="Where the tables go.", show_default="nothing is written"
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over tables that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Turn tables of others into the tables of a case, by maps of their columns, and tell what was dropped and why."""
    from riskcast.imports.forecast_maps import list_forecast_maps, load_forecast_map
    from riskcast.imports.importing import import_tables
    from riskcast.imports.maps import list_maps, load_map
    from riskcast.imports.writing import check_free, write_tables

    if not maps:
        ready = ", ".join([*list_maps(), *list_forecast_maps()])
        raise OptionError(f"no map is named; give --map FILE, or a ready one ({ready}), or draft one by `riskcast new`")
    forecasts = [found for name in maps if (found := load_forecast_map(name)) is not None]
    if forecasts:
        if len(maps) > 1:
            raise OptionError("a map of forecasts stands alone; import them by themselves")
        _import_forecasts(files, forecasts[0], out, replace, as_json)
        return
    charts = [load_map(name) for name in maps]
    if out is not None and not replace:
        check_free(out)
    found = import_tables(files, charts)
    written = () if out is None else write_tables(found, out)
    _tell(found.reports, written, as_json)


def _import_forecasts(files: list[Path], chart: ForecastMap, out: Path | None, replace: bool, as_json: bool) -> None:
    """Somebody's forecasts as numbers from outside."""
    from riskcast.imports.forecasts_of_others import OUTSIDE, import_forecasts
    from riskcast.imports.writing import write_files

    found = import_forecasts(files, chart)
    if out is not None and not replace and (out / OUTSIDE).exists():
        raise OptionError(f"{out / OUTSIDE} is there already; name another folder, or add --replace")
    written = () if out is None else write_files({OUTSIDE: found.content()}, out)
    _tell((found.report,), written, as_json)


def _tell(reports: tuple[Report, ...], written: tuple[Path, ...], as_json: bool) -> None:
    """What was read, and the files that were written."""
    from riskcast.imports.reports import report_data

    if as_json:
        print_json([report_data(report) for report in reports])
    else:
        from riskcast.terminal.forecasts import make_console
        from riskcast.terminal.imports import import_view

        make_console().print(import_view(reports))
        if not written:
            print("Nothing was written: name a folder, --out FOLDER.", file=sys.stderr)
    for path in written:
        print(path, file=sys.stderr if as_json else sys.stdout)


def new(
    name: Annotated[Path, typer.Argument(parser=named_path, metavar="NAME", help="A folder that is not there.")],
    files: Annotated[
        list[Path],
        typer.Option("--from", parser=named_path, metavar="FILE", help="A table; further ones join the first."),
    ],
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="MAP", help="As of import.", show_default="proposed from the table"),
    ] = None,
    event: Annotated[
        list[str] | None, typer.Option("--event", metavar="COLUMN", help="A column of events; repeatable.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What the case is called.", show_default="as its folder")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draft a case from a table: its map, its files with first numbers, and its record, to be edited."""
    from riskcast.imports.new_cases import draft_folder
    from riskcast.imports.reports import report_data

    made = draft_folder(name, files, maps, tuple(event or ()), title)
    if as_json:
        reports = [report_data(report) for report in made.reports]
        print_json({"folder": str(made.folder), "reports": reports, "notes": list(made.notes)})
        return
    from riskcast.errors import visible
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.imports import import_view

    make_console().print(import_view(made.reports))
    for note in made.notes:
        print(f"- {visible(note)}")
    print(f"Drafted {made.folder}. Edit it, then: riskcast check {made.folder}; riskcast forecast {made.folder}")
