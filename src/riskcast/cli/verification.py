"""The commands that score forecasts against records: backtest, calibrate."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from riskcast.cli.options import (
    ClusterOption,
    DrawsOption,
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
from riskcast.errors import OptionError


def backtest(
    case: NamedCase,
    start: Annotated[str | None, typer.Option("--from", metavar="YEAR|DAY", help="First origin.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="YEAR|DAY", help="Last origin.")] = None,
    every: Annotated[
        str | None,
        typer.Option(help="Periods between origins, or month, quarter, year.", metavar="N|WORD", show_default="a year"),
    ] = None,
    horizon: HorizonOption = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for results.", parser=named_path, metavar="<path>", show_default="backtests/CASE"),
    ] = None,
    folds: Annotated[str, typer.Option(help="Only `rolling`: random folds leak the dyad and the future.")] = "rolling",
    leave_one_dyad_out: Annotated[
        bool, typer.Option("--leave-one-dyad-out", help="Also forecast each dyad without its own record.")
    ] = False,
    rivals: Annotated[
        str | None,
        typer.Option(
            help="Rivals with the same information: logit, boosting, forest; pool for a pool of all.", metavar="NAMES"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast from earlier days, fitting on what was known then, and score against what followed."""
    from riskcast.exports.backtest_report import backtest_data, cautions_of, write_backtest
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.verification import evaluation_view
    from riskcast.verification.backtesting import backtest as run

    read = read_case(case)
    folder = out or Path("backtests") / read.name
    with progress("Backtesting", remaining=True) as report:
        tested = run(
            read,
            _day(start, "--from", last=False),
            _day(end, "--to", last=True),
            _step(every),
            horizon,
            draws=draws,
            seed=seed,
            folds=folds,
            leave_one_dyad_out=leave_one_dyad_out,
            rivals=[name.strip() for name in (rivals or "").split(",") if name.strip()],
            workers_count=workers,
            cluster=cluster,
            out=folder,
            progress=report,
        )
    with progress("Scoring") as report:
        evaluation = tested.evaluate(progress=report)
    page = write_backtest(tested, evaluation, folder)
    if as_json:
        print_json(backtest_data(tested, evaluation))
    else:
        period = read.settings.period
        make_console().print(evaluation_view(read.settings.title, evaluation, cautions_of(tested), period))
        print(f"\nThe page with plots, and beside it scores.json, scores.csv and every forecast:\n{page}")


def calibrate(
    case: NamedCase,
    records: Annotated[int, typer.Option(help="Records to draw from the priors.")] = 200,
    draws: Annotated[int, typer.Option(help="Draws of the parameters for each record.")] = 400,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for a page and data.", parser=named_path, metavar="<path>", show_default="none"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw records from the priors, fit them, and see whether posteriors hold the truth as often as they say."""
    from riskcast.exports.backtest_report import write_calibration
    from riskcast.machinery.workers import workers as open_workers
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.verification import calibration_view
    from riskcast.verification.calibration import calibrate as run, calibration_data

    read = read_case(case)
    with progress("Calibrating", remaining=True) as report, open_workers(workers, cluster) as ready:
        found = run(read, records, draws, seed, executor=ready.executor, progress=report)
    if as_json:
        print_json(calibration_data(found))
    else:
        make_console().print(calibration_view(found))
    if out is not None:
        page = write_calibration(found, out)
        if not as_json:
            print(f"\nThe page with plots, and beside it scores.json:\n{page}")


def _step(text: str | None) -> int | str | None:
    """A number of periods, or a word."""
    return int(text) if text is not None and text.isdecimal() else text


def _day(text: str | None, option: str, last: bool) -> dt.date | None:
    """A day, or the first or last of a year."""
    if text is None:
        return None
    if text.isdecimal() and len(text) == 4:
        text = f"{text}-12-31" if last else f"{text}-01-01"
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise OptionError(f"{option} is {text!r}; give a year such as 1960, or a day such as 1960-12-31") from None
