"""The command that tells what it takes for a conclusion to fall: stress."""

from __future__ import annotations

from typing import Annotated

import typer

from riskcast.cli.options import (
    Asked,
    ClusterOption,
    JsonOption,
    NamedCase,
    WorkersOption,
    asks,
    one_scenario,
    print_json,
    progress,
)
from riskcast.cli.sensitivity import CacheOption


@asks(case=NamedCase)
def stress(
    asked: Asked,
    goal: Annotated[
        str, typer.Argument(help='What is to be reached, such as "score:RUS-TJK > 60"; docs/challenge.md has the rest.')
    ],
    quantity: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A quantity that may move; repeatable.", show_default="all that are not fixed"),
    ] = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """What it takes: the least surprising beliefs, and the most probable events, that reach a goal."""
    from riskcast.challenge.goals import read_goal
    from riskcast.challenge.sensitivities import PATHS
    from riskcast.challenge.way_records import ways_data
    from riskcast.challenge.ways import find_ways

    one_scenario(asked)
    request = asked.request()
    read_goal(request.case, request.periods, goal)
    with progress("Holding quantities", remaining=True) as report:
        found = find_ways(
            request,
            goal,
            quantities=quantity,
            paths=asked.paths or PATHS,
            workers_count=workers,
            cluster=cluster,
            cache=cache,
            progress=report,
        )
    if as_json:
        print_json(ways_data(found))
    else:
        from riskcast.terminal.forecasts import make_console
        from riskcast.terminal.stress import ways_view

        make_console().print(ways_view(found))
