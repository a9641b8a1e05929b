"""The command that tells which belief matters: sensitivity."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskcast.cli.options import (
    Asked,
    ClusterOption,
    JsonOption,
    NamedCase,
    WorkersOption,
    asks,
    named_path,
    one_scenario,
    print_json,
    progress,
)
from riskcast.errors import OptionError

OfOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NUMBER",
        help='score, an outcome, of one pair (score:RUS-TJK), or a query such as "P(demarche by month 3)"; repeatable.',
        show_default="all scores",
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder in which finished quantities are kept.",
        parser=named_path,
        metavar="<path>",
        show_default="RISKCAST_CACHE, or the system's",
    ),
]


@asks(case=NamedCase)
def sensitivity(
    asked: Asked,
    of: OfOption = None,
    quantity: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A quantity to hold; repeatable.", show_default="all that are not fixed"),
    ] = None,
    pairs: Annotated[int, typer.Option(help="How many of the largest to hold by twos; 0 for no interactions.")] = 10,
    every: Annotated[
        bool, typer.Option("--every", help="All draws for every quantity, not only for those that may matter.")
    ] = False,
    shown: Annotated[
        int | None, typer.Option(help="The most quantities of each number to print.", show_default="12, or 6")
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option(help="Write the tornado of the first number as SVG.", parser=named_path, metavar="FILE"),
    ] = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Which belief matters: what scores and probabilities gain with each quantity at its own 5 % and 95 %."""
    from riskcast.challenge.sensitivities import PATHS, find_sensitivities
    from riskcast.challenge.sensitivity_records import sensitivities_data
    from riskcast.machinery.staging import check_writable

    one_scenario(asked)
    if shown is not None and shown < 1:
        raise OptionError(f"shown is {shown}; give a number from 1")
    if chart is not None and chart.suffix.lower() != ".svg":
        raise OptionError(f"--chart {chart} is no .svg file; name one that ends in .svg")
    if chart is not None:
        check_writable(chart)
    request = asked.request()
    with progress("Holding quantities", remaining=True) as report:
        found = find_sensitivities(
            request,
            of or (),
            quantities=quantity,
            paths=asked.paths or PATHS,
            screen=not every,
            pairs=pairs,
            workers_count=workers,
            cluster=cluster,
            cache=cache,
            progress=report,
        )
    if as_json:
        print_json(sensitivities_data(found))
    else:
        from riskcast.terminal.forecasts import make_console
        from riskcast.terminal.sensitivity import sensitivities_view

        make_console().print(sensitivities_view(found, shown))
    if chart is not None:
        from riskcast.charts.sensitivity import sensitivity_chart
        from riskcast.charts.stills import WIDTH
        from riskcast.charts.verification import to_svg
        from riskcast.machinery.staging import write_atomically

        write_atomically(chart, to_svg(sensitivity_chart(found, width=WIDTH)))
