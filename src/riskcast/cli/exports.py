"""The command that writes risk scores as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskcast.cli.changed import changed_since
from riskcast.cli.options import (
    Asked,
    GroupOption,
    ScenariosOption,
    asks,
    forecast_asked,
    named_path,
    progress,
    read_run,
)
from riskcast.errors import OptionError
from riskcast.exports.writers import names_of
from riskcast.names import MANIFEST

if TYPE_CHECKING:
    from riskcast.case.model import Case
    from riskcast.case.where import Where
    from riskcast.forecasting.attribution import Explanation
    from riskcast.forecasting.scoring import Risk
    from riskcast.verification.track_rows import TrackRecord


@asks(
    case=Annotated[str, typer.Argument(help="A bundled case, a case folder, or the folder of an earlier run.")],
    scenario=ScenariosOption,
    panel=GroupOption,
)
def export(
    context: typer.Context,
    asked: Asked,
    out: Annotated[Path, typer.Option(help="The folder to write into.", parser=named_path, metavar="<path>")],
    formats: Annotated[
        str | None,
        typer.Option(
            metavar="F,F,...",
            help=f"Any of {','.join(names_of())}.",
            show_default="all",
        ),
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(help="The folder of an earlier run, to show what has moved since.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Also say how scores went over the last five years; see `history`.")
    ] = False,
    claims: Annotated[
        bool, typer.Option("--claims", help="Also hold the case's claims against it, for the brief; see `claims`.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DATE|RUN", help="An earlier day, or the folder of an earlier run, to say what changed since."
        ),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option(
            "--ledger", metavar="PATH|URL", help="A ledger whose track record goes into the brief.", show_default="none"
        ),
    ] = None,
) -> None:
    """Write scores and all that they rest on as files, for statisticians, offices and programs."""
    from riskcast.case.where import Where
    from riskcast.exports.dossier import check_previous
    from riskcast.exports.folder import check_formats, check_out, export as write

    chosen = None if formats is None else [name.strip() for name in formats.split(",") if name.strip()]
    check_formats(chosen)
    check_out(out)
    before = None if previous is None else _headline(previous)
    record = None if place is None else _track(place)
    explanations: tuple[tuple[str, Explanation], ...] = ()
    folder, split = Path(str(asked.case)), None
    if (folder / MANIFEST).is_file():
        _refuse_options(context, str(folder))
        run = read_run(folder)
        risks, published, explanations = list(run.risks), run.published, run.explanations
        if claims:
            first = run.risks[0].forecast
            _check_claims(first.case, first.horizon, Where(), first.outside is not None and first.outside.acts)
        if since is not None:
            split = changed_since(since, run)
    else:
        from riskcast.forecasting.scoring import score

        request, where = asked.request_with_lines()
        if claims:
            from riskcast.forecasting.requests import refuse_experts

            refuse_experts(request, "claim")
            _check_claims(request.case, request.periods, where, asked.outside is not None)
        if before is not None:
            check_previous(before, request.case)
        if since is not None:
            split = changed_since(since, request)
        risks, published = [score(ahead) for ahead in forecast_asked(request)], request.published
    past = None
    if history:
        from riskcast.verification.history import score_history

        with progress("Looking back", remaining=True) as report:
            past = score_history(risks[0].forecast.case, progress=report)
    judged = None
    if claims:
        from riskcast.challenge.claim_judging import judge_claims
        from riskcast.forecasting.forecasts import forecast
        from riskcast.names import BASELINE

        first = risks[0].forecast
        if first.scenario_name != BASELINE:
            first = forecast(first.posterior, None, first.horizon, first.seed, paths=first.paths or None)
        with progress("Holding claims against it", remaining=True) as report:
            judged = judge_claims(first, progress=report)
    with progress("Writing") as report:
        for path in write(
            risks,
            out,
            chosen,
            published=published,
            previous=before,
            explanations=explanations,
            history=past,
            changed=split,
            track=record,
            claims=judged,
            progress=report,
        ):
            print(path)


def _check_claims(case: Case, horizon: int, where: Where, has_outside: bool) -> None:
    """Raise what `judge_claims` would, before anything is forecast."""
    from riskcast.challenge.claim_reading import check_claims

    if has_outside:
        raise OptionError("claims are held against the model as it stands; leave out --claims or the outside numbers")
    check_claims(case, None, horizon, where)


def _refuse_options(context: typer.Context, run: str) -> None:
    """Raise OptionError for an option that would make another run than the one that is kept."""
    kept = ("case", "out", "formats", "previous", "since", "history", "claims", "place")
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in kept
        and (source := context.get_parameter_source(str(parameter.name))) is not None
        and source.name == "COMMANDLINE"
    ]
    if given:
        wrong = f"{given[0]} cannot change {run}, which is a finished run"
        raise OptionError(f"{wrong}; leave it out, or export the case itself")


def _track(place: str) -> TrackRecord:
    """The track record of a ledger."""
    from riskcast.ledger.tracking import track

    return track(place)


def _headline(folder: Path) -> Risk:
    """The first risk of an earlier run; raises OptionError where the folder holds none."""
    if not (folder / MANIFEST).is_file():
        raise OptionError(f"{folder} holds no run: there is no {MANIFEST} in it; give the folder of an earlier run")
    return read_run(folder).risks[0]
