"""The command that writes risk scores as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskcast.cli.options import (
    AsOfOption,
    DrawsOption,
    Engine,
    EngineOption,
    HorizonOption,
    OverlayOption,
    PriorOnlyOption,
    SeedOption,
    UnreliableOption,
    check_future,
    fit_case,
    progress,
    read_case,
    simulate,
)
from riskcast.errors import OptionError
from riskcast.exports.writers import names_of

if TYPE_CHECKING:
    from riskcast.case.model import Case
    from riskcast.forecasting.attribution import Explanation
    from riskcast.forecasting.scoring import Risk

MANIFEST = "manifest.json"


def export(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="A bundled case, a case folder, or the folder of an earlier run.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
    formats: Annotated[
        str | None,
        typer.Option(
            metavar="F,F,...",
            help=f"Any of {','.join(names_of())}.",
            show_default="all",
        ),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="A scenario of the case; repeatable, the first is the headline.", show_default="baseline"),
    ] = None,
    overlay: OverlayOption = None,
    as_of: AsOfOption = None,
    horizon: HorizonOption = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    engine: EngineOption = Engine.laplace,
    prior_only: PriorOnlyOption = False,
    allow_unreliable: UnreliableOption = False,
    previous: Annotated[
        Path | None, typer.Option(help="The folder of an earlier run, to show what has moved since.")
    ] = None,
) -> None:
    """Write scores and all that they rest on as files, for statisticians, offices and programs."""
    from riskcast.exports.folder import check_formats, check_out, export as write

    chosen = None if formats is None else [name.strip() for name in formats.split(",") if name.strip()]
    check_formats(chosen)
    check_out(out)
    before = None if previous is None else _headline(previous)
    explanations: tuple[tuple[str, Explanation], ...] = ()
    if (Path(case) / MANIFEST).is_file():
        _refuse_options(context, case)
        risks, published, explanations = _read_run(Path(case))
    else:
        published = read_case(case, None, as_of)
        read = read_case(case, overlay, as_of) if overlay else published
        names = list(scenario or [None])
        check_future(read, names, horizon)
        posterior = fit_case(read, engine, draws, seed, prior_only, allow_unreliable)
        from riskcast.forecasting.scoring import score

        risks = [score(simulate(posterior, name, horizon)) for name in names]
    with progress("Writing") as report:
        for path in write(
            risks, out, chosen, published=published, previous=before, explanations=explanations, progress=report
        ):
            print(path)


def _refuse_options(context: typer.Context, run: str) -> None:
    """Raise OptionError for an option that would make another run than the one that is kept."""
    kept = ("case", "out", "formats", "previous")
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


def _read_run(folder: Path) -> tuple[list[Risk], Case | None, tuple[tuple[str, Explanation], ...]]:
    """Risks, published case and explanations of an earlier run."""
    from riskcast.runs.bundles import read_bundle

    run = read_bundle(folder)
    return list(run.risks), run.published, tuple(dict(run.explanations).items())


def _headline(folder: Path) -> Risk:
    """The first risk of an earlier run; raises OptionError where the folder holds none."""
    if not (folder / MANIFEST).is_file():
        raise OptionError(f"{folder} holds no run: there is no {MANIFEST} in it; give the folder of an earlier run")
    return _read_run(folder)[0][0]
