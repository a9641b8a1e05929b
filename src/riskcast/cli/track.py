"""The command that tells how right published forecasts were."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from riskcast.cli.ledger import LedgerOption
from riskcast.cli.options import JsonOption, named_path, print_json
from riskcast.errors import UnknownNameError

BY = ("outcome", "unit", "horizon")


def track(
    case: Annotated[str | None, typer.Option(metavar="NAME", help="Of one case.", show_default="all")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar=f"[{'|'.join(BY)}]", help="Also show scores by these; repeatable.", show_default="none"),
    ] = None,
    as_of: Annotated[
        dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day whose last month is shown.")
    ] = None,
    late: Annotated[bool, typer.Option("--late", help="Score late forecasts too.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="A folder for the page and its data.", parser=named_path, metavar="<path>")
    ] = None,
    place: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """How right published forecasts were, by forecaster; last month's misses first."""
    from riskcast.exports.track_report import track_data, write_track
    from riskcast.ledger.reading import read_ledger
    from riskcast.ledger.tracking import outcome_names, track as keep
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.track import track_view

    parts = tuple(name for name in BY if name in (by or ()))
    unknown = next((name for name in by or () if name not in BY), None)
    if unknown is not None:
        raise UnknownNameError("part", unknown, BY)
    contents = read_ledger(place)
    record = keep(contents, None if as_of is None else as_of.date(), case=case, count_late=late)
    names = outcome_names(contents)
    page = None if out is None else write_track(record, out, place=contents.place, names=names)
    if as_json:
        print_json(track_data(record, contents.place))
        return
    make_console().print(track_view(record, contents.place, names, parts))
    if page is not None:
        print(f"\nThe page, and beside it track.json:\n{page}")
