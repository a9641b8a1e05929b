"""What commands share: options, reading and fitting a case with progress, printing."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from riskcast.case.model import Case
    from riskcast.engines.posterior import Posterior
    from riskcast.forecasting.forecasts import Forecast


class Engine(StrEnum):
    """The engines that can fit a case."""

    laplace = "laplace"
    nuts = "nuts"


CaseArgument = Annotated[
    str | None, typer.Argument(help="A bundled case, or a case folder.", show_default="the bundled case")
]
NamedCase = Annotated[str, typer.Argument(help="A bundled case, or a case folder.")]
OverlayOption = Annotated[
    list[Path] | None, typer.Option("--overlay", help="A file of changed quantities; repeatable.")
]
AsOfOption = Annotated[
    dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Know nothing later than this day.")
]
HorizonOption = Annotated[int | None, typer.Option(help="Periods to forecast.", show_default="the case's")]
DrawsOption = Annotated[int, typer.Option(help="Draws of the parameters.")]
SeedOption = Annotated[int, typer.Option(help="Seed of all random numbers.")]
EngineOption = Annotated[Engine, typer.Option(help="laplace is fast; nuts is the reference, and takes minutes.")]
PriorOnlyOption = Annotated[bool, typer.Option("--prior-only", help="Leave the record out.")]
UnreliableOption = Annotated[
    bool,
    typer.Option("--allow-unreliable", help="Go on with a posterior that failed its checks, and mark every output."),
]
WorkersOption = Annotated[
    int | None, typer.Option(help="Worker processes on this machine.", show_default="one for each processor")
]
ClusterOption = Annotated[
    str | None, typer.Option(metavar="tcp://HOST:PORT", help="Run on the Dask cluster with this scheduler.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def read_case(case: str | None, overlays: list[Path] | None, as_of: dt.datetime | None) -> Case:
    from riskcast.case.files import list_cases, load_case
    from riskcast.case.overlays import apply_overlay, load_overlay
    from riskcast.case.vintage import case_as_of

    read = load_case(case if case is not None else list_cases()[0])
    # What an overlay says of a level holds on the day of the forecast: an earlier day must not overwrite it.
    if as_of is not None:
        read = case_as_of(read, as_of.date())
    for file in overlays or ():
        overlay, document = load_overlay(file)
        read = apply_overlay(read, overlay, document)
    return read


def check_future(case: Case, scenarios: Sequence[str | None], horizon: int | None) -> None:
    """Refuse an unknown scenario or a bad horizon before the fit, which takes longest."""
    from riskcast.forecasting.forecasts import check_horizon, check_reach
    from riskcast.forecasting.scenarios import resolve_scenario

    periods = check_horizon(case, horizon)
    for scenario in scenarios:
        check_reach(*resolve_scenario(case, scenario), periods)


def fit_case(case: Case, engine: Engine, draws: int, seed: int, prior_only: bool, allow_unreliable: bool) -> Posterior:
    from riskcast.engines.fitting import fit

    with progress("Fitting") as report:
        return fit(
            case,
            engine=engine.value,
            draws=draws,
            seed=seed,
            prior_only=prior_only,
            allow_unreliable=allow_unreliable,
            progress=lambda event, done, total: report(done, total),
        )


def simulate(posterior: Posterior, scenario: str | None, horizon: int | None) -> Forecast:
    from riskcast.forecasting.forecasts import forecast as simulate

    with progress("Simulating") as report:
        return simulate(posterior, scenario, horizon, progress=report)


@contextmanager
def progress(label: str, remaining: bool = False) -> Generator[Callable[[int, int], None]]:
    """A progress bar on standard error, gone when done; `remaining`: with the time left."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns: list[ProgressColumn] = [
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    ]
    if remaining:
        columns += [TimeRemainingColumn(), TextColumn("left")]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False))
