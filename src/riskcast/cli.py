"""The command line: read options, call the public functions, print."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import socket
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riskcast import __version__
from riskcast.errors import OptionError, RiskcastError, UnknownNameError, show

if TYPE_CHECKING:
    from riskcast.case import Case
    from riskcast.forecasting import Forecast
    from riskcast.posterior import Posterior

app = typer.Typer(
    name="riskcast",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: importing what draws panels would double the time to start.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Forecast friction between states from priors and the record of events, and turn it into risk scores.",
)


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


def main() -> None:
    """Run the command line; problems that the user can mend go to standard error with exit status 2."""
    try:
        app()
    except RiskcastError as error:
        print(f"riskcast: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit()


@app.command()
def forecast(
    case: CaseArgument = None,
    scenario: Annotated[str | None, typer.Option(help="A scenario of the case.", show_default="baseline")] = None,
    overlay: OverlayOption = None,
    as_of: AsOfOption = None,
    horizon: HorizonOption = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    engine: EngineOption = Engine.laplace,
    prior_only: PriorOnlyOption = False,
    allow_unreliable: UnreliableOption = False,
    as_json: JsonOption = False,
) -> None:
    """Probabilities of every outcome and a risk score for every dyad."""
    from riskcast.attribution import explain
    from riskcast.console import forecast_view, make_console
    from riskcast.exports import forecast_data
    from riskcast.scoring import score

    read = _read(case, overlay, as_of)
    _check_future(read, [scenario], horizon)
    posterior = _fit(read, engine, draws, seed, prior_only, allow_unreliable)
    ahead = _simulate(posterior, scenario, horizon)
    with _progress("Explaining the scores") as report:
        explanation = explain(ahead, progress=report)
    risk = score(ahead)
    if as_json:
        _print_json(forecast_data(risk, explanation))
    else:
        make_console().print(forecast_view(risk, explanation))


@app.command()
def cases() -> None:
    """List the bundled cases."""
    from riskcast.casefiles import list_cases, load_case
    from riskcast.console import make_console

    for name in list_cases():
        settings = load_case(name).settings
        make_console().print(f"{name}\n  {settings.title} (as of {settings.as_of})", markup=False)


@app.command()
def check(case: NamedCase, seed: SeedOption = 1) -> None:
    """Validate a case; report coverage, unused quantities, and priors against the record."""
    from riskcast.console import coverage_view, make_console
    from riskcast.coverage import report_coverage

    make_console().print(coverage_view(report_coverage(_read(case, None, None), seed=seed)))


@app.command()
def scenarios(case: NamedCase) -> None:
    """List the scenarios of a case."""
    from riskcast.console import make_console, scenarios_view

    make_console().print(scenarios_view(_read(case, None, None)))


@app.command()
def compare(
    case: NamedCase,
    scenario: Annotated[
        list[str] | None, typer.Option(help="Give it twice: first, then what to compare with it.")
    ] = None,
    overlay: OverlayOption = None,
    as_of: AsOfOption = None,
    horizon: HorizonOption = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    engine: EngineOption = Engine.laplace,
    prior_only: PriorOnlyOption = False,
    allow_unreliable: UnreliableOption = False,
    as_json: JsonOption = False,
) -> None:
    """Paired differences of two scenarios, with intervals."""
    from riskcast.console import contrast_view, make_console
    from riskcast.exports import contrast_data
    from riskcast.forecasting import contrast

    if scenario is None or len(scenario) != 2:
        raise OptionError(
            f"compare takes two scenarios, and {len(scenario or [])} given; write --scenario A --scenario B"
        )
    read = _read(case, overlay, as_of)
    _check_future(read, scenario, horizon)
    posterior = _fit(read, engine, draws, seed, prior_only, allow_unreliable)
    first, second = (_simulate(posterior, name, horizon) for name in scenario)
    change = contrast(second, first)
    if as_json:
        _print_json(contrast_data(change, first, second))
    else:
        make_console().print(contrast_view(change, first, second))


@app.command()
def explain(
    case: NamedCase,
    dyad: Annotated[str, typer.Argument(help="A dyad, such as RUS-TJK.")],
    scenario: Annotated[str | None, typer.Option(help="A scenario of the case.", show_default="baseline")] = None,
    overlay: OverlayOption = None,
    as_of: AsOfOption = None,
    horizon: HorizonOption = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    engine: EngineOption = Engine.laplace,
    prior_only: PriorOnlyOption = False,
    allow_unreliable: UnreliableOption = False,
) -> None:
    """Why a dyad's score is what it is: drivers, remembered events, evidence."""
    from riskcast.attribution import explain as attribute
    from riskcast.attribution import remembered_events
    from riskcast.console import explanation_view, make_console
    from riskcast.scoring import score

    read = _read(case, overlay, as_of)
    if dyad not in read.dyads:
        raise UnknownNameError("dyad", dyad, read.dyads)
    _check_future(read, [scenario], horizon)
    posterior = _fit(read, engine, draws, seed, prior_only, allow_unreliable)
    ahead = _simulate(posterior, scenario, horizon)
    with _progress("Explaining the scores") as report:
        explanation = attribute(ahead, progress=report)
    make_console().print(explanation_view(score(ahead), explanation, dyad, remembered_events(posterior, dyad)))


@app.command()
def backtest(
    case: NamedCase,
    start: Annotated[str | None, typer.Option("--from", metavar="YEAR|DAY", help="First origin.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="YEAR|DAY", help="Last origin.")] = None,
    every: Annotated[int | None, typer.Option(help="Periods between origins.", show_default="a year")] = None,
    horizon: HorizonOption = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.", show_default="backtests/CASE")] = None,
    folds: Annotated[str, typer.Option(help="Only `rolling`: random folds leak the dyad and the future.")] = "rolling",
    leave_one_dyad_out: Annotated[
        bool, typer.Option("--leave-one-dyad-out", help="Also forecast each dyad without its own record.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Forecast from earlier days, fitting on what was known then, and score against what followed."""
    from riskcast.backtesting import backtest as run
    from riskcast.console import make_console
    from riskcast.console_verification import evaluation_view
    from riskcast.reports import backtest_data, cautions_of, write_backtest

    read = _read(case, None, None)
    folder = out or Path("backtests") / read.name
    with _progress("Backtesting", remaining=True) as report:
        tested = run(
            read,
            _day(start, "--from", last=False),
            _day(end, "--to", last=True),
            every,
            horizon,
            draws=draws,
            seed=seed,
            folds=folds,
            leave_one_dyad_out=leave_one_dyad_out,
            workers_count=workers,
            cluster=cluster,
            out=folder,
            progress=report,
        )
    with _progress("Scoring") as report:
        evaluation = tested.evaluate(progress=report)
    page = write_backtest(tested, evaluation, folder)
    if as_json:
        _print_json(backtest_data(tested, evaluation))
    else:
        make_console().print(evaluation_view(read.settings.title, evaluation, cautions_of(tested)))
        print(f"\nThe page with plots, and beside it scores.json, scores.csv and every forecast:\n{page}")


@app.command()
def calibrate(
    case: NamedCase,
    records: Annotated[int, typer.Option(help="Records to draw from the priors.")] = 200,
    draws: Annotated[int, typer.Option(help="Draws of the parameters for each record.")] = 400,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for a page and data.", show_default="none")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw records from the priors, fit them, and see whether posteriors hold the truth as often as they say."""
    from riskcast.calibration import calibrate as run
    from riskcast.calibration import calibration_data
    from riskcast.console import make_console
    from riskcast.console_verification import calibration_view
    from riskcast.reports import write_calibration
    from riskcast.workers import workers as open_workers

    read = _read(case, None, None)
    with _progress("Calibrating", remaining=True) as report, open_workers(workers, cluster) as ready:
        found = run(read, records, draws, seed, executor=ready.executor, progress=report)
    if as_json:
        _print_json(calibration_data(found))
    else:
        make_console().print(calibration_view(found))
    if out is not None:
        page = write_calibration(found, out)
        if not as_json:
            print(f"\nThe page with plots, and beside it scores.json:\n{page}")


@app.command()
def schema(
    file: Annotated[str | None, typer.Argument(help="One file, such as effects.yaml.", show_default="all")] = None,
) -> None:
    """Print the JSON Schema of the case files, for editors."""
    from riskcast.exports import case_schemas

    schemas = case_schemas()
    if file is not None and file not in schemas:
        raise UnknownNameError("file", file, schemas)
    _print_json(schemas if file is None else schemas[file])


@app.command("app")
def open_app(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8501,
    address: Annotated[
        str, typer.Option(help="The address to listen on; any but 127.0.0.1 lets other machines in.")
    ] = "127.0.0.1",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the app in a browser, where there is a screen.")
    ] = True,
) -> None:
    """Open the app: adjust an assumption and see what follows."""
    if find_spec("streamlit") is None:
        raise OptionError("the app needs Streamlit, which is not installed; run pip install 'riskcast[app]'")
    _check_free(address, port)
    from streamlit.web.cli import main as streamlit

    url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
    print(f"riskcast runs at {url} until you press Ctrl-C.", flush=True)
    options = {
        "server.address": address,
        "server.port": port,
        "server.headless": str(not (browser and _has_screen())).lower(),
        "server.showEmailPrompt": "false",
        "browser.serverAddress": address,
        "browser.gatherUsageStats": "false",
        "logger.hideWelcomeMessage": "true",
    }
    streamlit(
        ["run", str(_app_folder() / "main.py"), *(f"--{name}={value}" for name, value in options.items())],
        standalone_mode=False,
    )


def _app_folder() -> Path:
    """The folder of the app: inside the package where it was installed, beside `src` in a clone."""
    here = Path(__file__).resolve().parent
    found = next((folder for folder in (here / "app", here.parents[1] / "app") if (folder / "main.py").is_file()), None)
    if found is None:
        raise OptionError("the app's files are missing; install riskcast anew")
    return found


def _check_free(address: str, port: int) -> None:
    """Refuse an address or port that nothing can listen on, before anything slow is imported."""
    try:
        family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(place[:2], family=family).close()
    except (OSError, UnicodeError) as error:
        code = getattr(error, "errno", None)
        if code == errno.EADDRINUSE:
            raise OptionError(f"port {port} is taken; give another, such as --port {port % 65535 + 1}") from None
        if code == errno.EACCES:
            raise OptionError(f"port {port} is not open to you; give one above 1023, such as --port 8501") from None
        wrong = f"--address is {show(address)}, which is no address of this machine"
        raise OptionError(f"{wrong}; leave it out to listen on 127.0.0.1") from None


def _has_screen() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _read(case: str | None, overlays: list[Path] | None, as_of: dt.datetime | None) -> Case:
    from riskcast.casefiles import list_cases, load_case
    from riskcast.overlay import apply_overlay, load_overlay
    from riskcast.vintage import case_as_of

    read = load_case(case if case is not None else list_cases()[0])
    # What an overlay says of a level holds on the day of the forecast: an earlier day must not overwrite it.
    if as_of is not None:
        read = case_as_of(read, as_of.date())
    for file in overlays or ():
        overlay, document = load_overlay(file)
        read = apply_overlay(read, overlay, document)
    return read


def _check_future(case: Case, scenarios: Sequence[str | None], horizon: int | None) -> None:
    """Refuse an unknown scenario or a bad horizon before the fit, which takes longest."""
    from riskcast.forecasting import check_horizon, check_reach
    from riskcast.scenarios import resolve_scenario

    periods = check_horizon(case, horizon)
    for scenario in scenarios:
        check_reach(*resolve_scenario(case, scenario), periods)


def _fit(case: Case, engine: Engine, draws: int, seed: int, prior_only: bool, allow_unreliable: bool) -> Posterior:
    from riskcast.fitting import fit

    with _progress("Fitting") as report:
        return fit(
            case,
            engine=engine.value,
            draws=draws,
            seed=seed,
            prior_only=prior_only,
            allow_unreliable=allow_unreliable,
            progress=lambda event, done, total: report(done, total),
        )


def _simulate(posterior: Posterior, scenario: str | None, horizon: int | None) -> Forecast:
    from riskcast.forecasting import forecast as simulate

    with _progress("Simulating") as report:
        return simulate(posterior, scenario, horizon, progress=report)


@contextmanager
def _progress(label: str, remaining: bool = False) -> Generator[Callable[[int, int], None]]:
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


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False))
