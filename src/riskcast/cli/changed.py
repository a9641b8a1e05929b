"""The command that tells what changed from one forecast to a later one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riskcast.cli.options import (
    HorizonOption,
    JsonOption,
    UnreliableOption,
    named_path,
    print_json,
    progress,
    read_run,
    read_side,
)
from riskcast.errors import OptionError
from riskcast.names import MANIFEST

if TYPE_CHECKING:
    from riskcast.case.model import Case
    from riskcast.comparison.change_splits import WhatChanged
    from riskcast.comparison.what_changed import KeptRun
    from riskcast.forecasting.requests import Request

SIDE = "The folder of an earlier run, a bundled case, or a case folder."


def changed(
    a: Annotated[str, typer.Argument(help=SIDE)],
    b: Annotated[
        str | None, typer.Argument(help="The later one; leave it out for one case on two days.", show_default=False)
    ] = None,
    since: Annotated[
        dt.datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, of one case.")
    ] = None,
    until: Annotated[
        dt.datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="The second day, of one case.", show_default="the case's own"),
    ] = None,
    scenario: Annotated[str | None, typer.Option(help="A scenario of both.", show_default="baseline")] = None,
    horizon: HorizonOption = None,
    draws: Annotated[int | None, typer.Option(help="Draws of the parameters.", show_default="1000")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all random numbers.", show_default="1")] = None,
    orders: Annotated[int, typer.Option(help="Orders to sample where many things are new.")] = 6,
    shown: Annotated[int | None, typer.Option(help="The most parts of a number to print.", show_default="8")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write it as a page to this file as well.", parser=named_path, metavar="<path>")
    ] = None,
    allow_unreliable: UnreliableOption = False,
    as_json: JsonOption = False,
) -> None:
    """What changed from one forecast to a later one, and how much of each difference is due to what."""
    from riskcast.comparison.change_splits import changed_data
    from riskcast.comparison.what_changed import changed as split_changes

    if shown is not None and shown < 1:
        raise OptionError(f"shown is {shown}; give a number from 1")
    first, second = read_side(a), None if b is None else read_side(b)
    with progress("Forecasting what lies between", remaining=True) as report:
        found = split_changes(
            first,
            second,
            since=None if since is None else since.date(),
            until=None if until is None else until.date(),
            scenario=scenario,
            horizon=horizon,
            draws=draws,
            seed=seed,
            orders=orders,
            allow_unreliable=allow_unreliable,
            progress=report,
        )
    if html is not None:
        from riskcast.exports.changed_page import write_changed_page

        write_changed_page(found, html)
    if as_json:
        print_json(changed_data(found))
    else:
        from riskcast.terminal.forecasts import make_console
        from riskcast.terminal.what_changed import changed_view

        make_console().print(changed_view(found, shown))


def changed_since(since: str, now: Request | KeptRun) -> WhatChanged:
    """What changed since an earlier day, or an earlier run, up to a request's case or a run; with a progress bar.

    Raises OptionError for what is neither a day nor the folder of a run.
    """
    from riskcast.case.vintage import case_as_of
    from riskcast.comparison.what_changed import changed as split_changes
    from riskcast.forecasting.requests import Request, refuse_experts

    options: dict[str, Any] = {}
    if isinstance(now, Request):
        refuse_experts(now, "list of what changed")
        scenario = now.scenarios[0]
        options = {"draws": now.draws, "seed": now.seed, "prior_only": now.prior_only, "horizon": now.horizon}
        options |= {"scenario": scenario if isinstance(scenario, str) else None}
        options |= {"allow_unreliable": now.allow_unreliable}
    case = now.case
    earlier: Case | KeptRun
    if (Path(since) / MANIFEST).is_file():
        earlier = read_run(Path(since))
    else:
        try:
            day = dt.date.fromisoformat(since)
        except ValueError:
            wrong = f"--since {since} is neither a day (YYYY-MM-DD) nor the folder of an earlier run"
            raise OptionError(f"{wrong}; give one of the two") from None
        if day >= case.as_of:
            raise OptionError(f"--since {day} is not before {case.as_of}, the day of the forecast; give an earlier day")
        earlier = case_as_of(case, day)
    with progress("Splitting what changed", remaining=True) as report:
        return split_changes(earlier, case if isinstance(now, Request) else now, progress=report, **options)
