"""The command line: read options, call the public functions, print."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from riskcast.cli import program
from riskcast.cli.agents import mcp
from riskcast.cli.app_server import open_app
from riskcast.cli.changed import changed
from riskcast.cli.claims import claims
from riskcast.cli.counterfactual import counterfactual
from riskcast.cli.differences import diff
from riskcast.cli.evidence import evidence
from riskcast.cli.experts import experts
from riskcast.cli.exports import export
from riskcast.cli.history import history
from riskcast.cli.imports import import_files, new
from riskcast.cli.learning import learned
from riskcast.cli.ledger import ledger, publish, resolve
from riskcast.cli.merging import merge
from riskcast.cli.options import (
    Asked,
    GroupOption,
    JsonOption,
    NamedCase,
    OverlayOption,
    SeedOption,
    asks,
    forecast_asked,
    one_scenario,
    print_json,
    progress,
    read_case,
    tell,
)
from riskcast.cli.questions import ask
from riskcast.cli.runs import rerun, run
from riskcast.cli.sensitivity import sensitivity
from riskcast.cli.stress import stress
from riskcast.cli.track import track
from riskcast.cli.updates import (
    add_event,
    add_source,
    add_value,
    checked,
    copy,
    journal,
    set_numbers,
    undo,
    update,
    vintages,
)
from riskcast.cli.verification import backtest, calibrate
from riskcast.errors import OptionError, UnknownNameError
from riskcast.version import __version__

PairOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Give it twice: first, then what to compare with it.")
]

app = typer.Typer(
    name="riskcast",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: importing what draws panels would double the time to start.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Forecast friction between states from priors and the record of events, and turn it into risk scores.",
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, with the words that the program was called with where none are given.

    Raises SystemExit with the status: `riskcast.cli.program` says what each means.
    """
    sys.exit(program.run(arguments))


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit()


@app.command()
@asks(panel=GroupOption)
def forecast(
    asked: Asked,
    as_json: JsonOption = False,
) -> None:
    """Probabilities of every outcome and a risk score for every dyad."""
    from riskcast.exports.plain_data import forecast_data
    from riskcast.forecasting.attribution import explain
    from riskcast.forecasting.scoring import score
    from riskcast.terminal.forecasts import forecast_view, make_console

    one_scenario(asked)
    [ahead] = forecast_asked(asked.request())
    with progress("Explaining the scores") as report:
        explanation = explain(ahead, progress=report)
    risk = score(ahead)
    if as_json:
        print_json(forecast_data(risk, explanation))
    else:
        make_console().print(forecast_view(risk, explanation))


@app.command()
def cases() -> None:
    """List the bundled cases."""
    from riskcast.case.files import list_cases, load_bundled
    from riskcast.terminal.forecasts import make_console

    for name in list_cases():
        settings = load_bundled(name).settings
        make_console().print(f"{name}\n  {settings.title} (as of {settings.as_of})", markup=False)


@app.command()
def check(
    case: NamedCase,
    overlay: OverlayOption = None,
    seed: SeedOption = 1,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit status 1 where anything is told that `allow:` does not accept.")
    ] = False,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Fit the case, and hold a simulated year ahead against the record.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Validate a case; report coverage, unused quantities, priors against the record, and what can hardly be meant."""
    from riskcast.case.files import load_case_with_lines
    from riskcast.case.overlays import beneath_overlays, load_overlay, nameless_overlays
    from riskcast.terminal.forecasts import coverage_view, make_console
    from riskcast.verification.coverage import coverage_data, report_coverage

    published, where = load_case_with_lines(case)
    if published.claims:
        from riskcast.challenge.claim_reading import read_claims

        read_claims(published, where=where)
    overlays = [load_overlay(file) for file in overlay or ()]
    found, where = beneath_overlays(published, overlays, where)
    tell(nameless_overlays(published, overlays))
    report = report_coverage(found, seed=seed, where=where, simulate=simulate)
    if as_json:
        print_json(coverage_data(report))
    else:
        make_console().print(coverage_view(report))
    if strict and report.told:
        raise typer.Exit(1)


@app.command()
def scenarios(case: NamedCase) -> None:
    """List the scenarios of a case."""
    from riskcast.terminal.forecasts import make_console, scenarios_view

    make_console().print(scenarios_view(read_case(case)))


@app.command()
@asks(case=NamedCase, scenario=PairOption, panel=GroupOption)
def compare(
    asked: Asked,
    as_json: JsonOption = False,
) -> None:
    """Paired differences of two scenarios, with intervals."""
    from riskcast.exports.plain_data import contrast_data
    from riskcast.forecasting.contrasts import contrast
    from riskcast.terminal.forecasts import contrast_view, make_console

    count = len(asked.scenario or ())
    if count != 2:
        raise OptionError(f"compare takes two scenarios, and {count} given; write --scenario A --scenario B")
    first, second = forecast_asked(asked.request())
    change = contrast(second, first)
    if as_json:
        print_json(contrast_data(change, first, second))
    else:
        make_console().print(contrast_view(change, first, second))


@app.command()
@asks(case=NamedCase, panel=GroupOption)
def explain(
    asked: Asked,
    dyad: Annotated[str, typer.Argument(help="A dyad, such as RUS-TJK.")],
    of: Annotated[str, typer.Option(metavar="OUTCOME", help="An outcome, to explain its probability.")] = "score",
    as_json: JsonOption = False,
) -> None:
    """Why a dyad's score or an outcome's probability is what it is: drivers, what acts now, events, evidence."""
    from riskcast.exports.plain_data import outcome_data
    from riskcast.forecasting.attribution import check_explained, explain as attribute
    from riskcast.forecasting.drivers_now import acting
    from riskcast.forecasting.remembered import remembered_events
    from riskcast.forecasting.scoring import score
    from riskcast.terminal.forecasts import explanation_view, make_console

    one_scenario(asked)
    request = asked.request()
    if dyad not in request.case.dyads:
        raise UnknownNameError("dyad", dyad, request.case.dyads)
    check_explained(request.case, of)
    [ahead] = forecast_asked(request)
    with progress("Explaining it") as report:
        explanation = attribute(ahead, of, progress=report)
    if as_json:
        print_json(outcome_data(ahead, explanation, dyad))
        return
    past, now = remembered_events(ahead.posterior, dyad), acting(ahead, dyad)
    make_console().print(explanation_view(score(ahead), explanation, dyad, past, now))


@app.command()
def schema(
    file: Annotated[
        str | None, typer.Argument(help="One file, such as effects.yaml or forecast.json.", show_default="all")
    ] = None,
) -> None:
    """Print the JSON Schema of the case files, for editors, and of the exported forecast.json and track.json."""
    from riskcast.case.schemas import case_schemas
    from riskcast.exports.track_report import NAME, track_schema
    from riskcast.exports.writers import export_schemas
    from riskcast.imports.forecast_maps import SCHEMA_NAME, forecast_map_schema
    from riskcast.imports.maps import MAP_FILE, map_schema

    schemas = {**case_schemas(), **export_schemas(), NAME: track_schema()}
    schemas |= {MAP_FILE: map_schema(), SCHEMA_NAME: forecast_map_schema()}
    if file is not None and file not in schemas:
        raise UnknownNameError("file", file, schemas)
    print_json(schemas if file is None else schemas[file])


for _command in (
    ask,
    claims,
    sensitivity,
    stress,
    evidence,
    learned,
    export,
    history,
    run,
    rerun,
    publish,
    resolve,
    track,
    backtest,
    calibrate,
    diff,
    changed,
    counterfactual,
    mcp,
):
    app.command()(_command)
for _command in (merge, copy, update, add_event, add_value, add_source, checked, undo, journal, vintages):
    app.command()(_command)
app.command()(new)
app.command("import")(import_files)
app.command("set")(set_numbers)
app.command("app")(open_app)
app.add_typer(ledger)
app.add_typer(experts)
