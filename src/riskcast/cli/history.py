"""The command that tells how scores went: history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskcast.cli.options import (
    HorizonOption,
    JsonOption,
    NamedCase,
    SeedOption,
    WorkersOption,
    named_path,
    print_json,
    progress,
    read_case,
)


def history(
    case: NamedCase,
    years: Annotated[int, typer.Option(help="How many years back; of a panel at least 20 periods.")] = 5,
    horizon: HorizonOption = None,
    draws: Annotated[int, typer.Option(help="Draws of the parameters on each day.")] = 300,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder in which finished days are kept.",
            parser=named_path,
            metavar="<path>",
            show_default="RISKCAST_CACHE, or the system's",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Scores and ranks as of each month end of the last years, each from what was known on that day."""
    from riskcast.exports.history_data import history_data
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.history import history_view
    from riskcast.verification.history import score_history

    read = read_case(case)
    with progress("Looking back", remaining=True) as report:
        found = score_history(
            read,
            years,
            horizon=horizon,
            draws=draws,
            seed=seed,
            workers_count=workers,
            cache=cache,
            progress=report,
        )
    if as_json:
        print_json(history_data(found))
    else:
        make_console().print(history_view(found))
