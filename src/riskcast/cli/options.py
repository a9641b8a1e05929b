"""What commands share: the options that a forecast is asked for with, progress, printing."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from riskcast.cli.streams import can_hold
from riskcast.engines.registry import DEFAULT_ENGINE, ENGINES
from riskcast.errors import UNSEEN, OptionError, RiskcastError, visible
from riskcast.names import MANIFEST

if TYPE_CHECKING:
    from riskcast.case.judgements import Doubt
    from riskcast.case.model import Case
    from riskcast.case.where import Where
    from riskcast.engines.posterior import Posterior
    from riskcast.forecasting.forecasts import Forecast
    from riskcast.forecasting.outside_numbers import OutsideProbability
    from riskcast.forecasting.requests import Request
    from riskcast.runs.making import Run
    from riskcast.verification.track_rows import TrackRecord

CaseArgument = Annotated[
    str | None, typer.Argument(help="A bundled case, or a case folder.", show_default="the bundled case")
]
NamedCase = Annotated[str, typer.Argument(help="A bundled case, or a case folder.")]
ScenarioOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A scenario of the case.", show_default="baseline")
]
ScenariosOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="A scenario of the case; repeatable, the first is the headline.", show_default="baseline"
    ),
]
OverlayOption = Annotated[
    list[Path] | None, typer.Option("--overlay", help="A file of changed quantities; repeatable.")
]
AsOfOption = Annotated[
    dt.datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Know nothing later than this day.")
]
HorizonOption = Annotated[int | None, typer.Option(help="Periods to forecast.", show_default="the case's")]
DrawsOption = Annotated[int, typer.Option(help="Draws of the parameters.")]
PathsOption = Annotated[
    int | None, typer.Option(help="Simulated futures of each draw.", show_default="as many as are enough")
]
SeedOption = Annotated[int, typer.Option(help="Seed of all random numbers.")]
EngineOption = Annotated[
    str,
    typer.Option(
        metavar=f"[{'|'.join(ENGINES)}]", help="; ".join(f"{name} {ENGINES.about(name)}" for name in ENGINES) + "."
    ),
]
PriorOnlyOption = Annotated[bool, typer.Option("--prior-only", help="Leave the record out.")]
UnreliableOption = Annotated[
    bool,
    typer.Option("--allow-unreliable", help="Go on with a posterior that failed its checks, and mark every output."),
]
OutsideOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A table of others' probabilities: question, probability, forecaster, date."),
]
OutsideWeightOption = Annotated[
    float | None, typer.Option(metavar="W", help="How much they weigh, 0 to 1.", show_default="0, or what is earned")
]
WorkersOption = Annotated[
    int | None, typer.Option(help="Worker processes on this machine.", show_default="one for each processor")
]
ClusterOption = Annotated[
    str | None, typer.Option(metavar="tcp://HOST:PORT", help="Run on the Dask cluster with this scheduler.")
]
GroupOption = Annotated[
    Path | None, typer.Option("--panel", metavar="FILE", help="A panel of experts: forecast the mixture of theirs.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@dataclass(frozen=True)
class Asked:
    """The options that a forecast is asked for with, as they were typed."""

    case: CaseArgument = None
    scenario: ScenarioOption = None
    overlay: OverlayOption = None
    as_of: AsOfOption = None
    horizon: HorizonOption = None
    draws: DrawsOption = 1000
    paths: PathsOption = None
    seed: SeedOption = 1
    engine: EngineOption = DEFAULT_ENGINE
    prior_only: PriorOnlyOption = False
    allow_unreliable: UnreliableOption = False
    outside: OutsideOption = None
    outside_weight: OutsideWeightOption = None
    panel: GroupOption = None

    def request(self) -> Request:
        """The request, with its case and overlays read and its scenarios checked."""
        return self.request_with_lines()[0]

    def request_with_lines(self) -> tuple[Request, Where]:
        """The request, and where each part of its case stands in its files."""
        from riskcast.case.yaml_lines import read_text
        from riskcast.forecasting.requests import OverlayFile, Request, blanks_of, check_request, request_doubts

        base, where = read_case_with_lines(self.case)
        request = Request(
            base=base,
            as_of=None if self.as_of is None else self.as_of.date(),
            overlays=tuple(OverlayFile(read_text(file, str(file)), str(file)) for file in self.overlay or ()),
            scenarios=tuple(self.scenario or (None,)),
            horizon=self.horizon,
            draws=self.draws,
            paths=self.paths,
            seed=self.seed,
            engine=self.engine,
            prior_only=self.prior_only,
            allow_unreliable=self.allow_unreliable,
            outside=self._outside(base.as_of if self.as_of is None else self.as_of.date()),
        )
        check_request(request)
        # What scenarios say stands beside their numbers.
        tell(request_doubts(replace(request, scenarios=())))
        note(blanks_of(request))
        return (request if self.panel is None else self._mixed(request, self.panel)), where

    def _mixed(self, request: Request, file: Path) -> Request:
        """The request for the mixture of a panel's experts."""
        from riskcast.case.overlays import nameless_overlays
        from riskcast.experts.mixture import with_panel
        from riskcast.experts.panels import load_panel
        from riskcast.experts.weighing import weighting_of

        panel = load_panel(file)
        if panel.case is None and panel.case_hash is None:
            tell(nameless_overlays(request.case, [(one.overlay, one.document) for one in panel.experts]))
        track = track_by(request.case.as_of) if weighting_of(panel) == "ledger" else None
        group = with_panel(request, panel, track=track)
        note(group.told)
        return group.request

    def _outside(self, day: dt.date) -> tuple[OutsideProbability, ...]:
        """Numbers from outside, each with its weight."""
        from riskcast.forecasting.outside_numbers import read_outside

        if self.outside is None:
            if self.outside_weight is not None:
                raise OptionError("--outside-weight weighs nothing; give --outside FILE")
            return ()
        weight = self.outside_weight or 0.0
        earned = earned_in_ledger(day) if self.outside_weight is None else {}
        if not 0.0 <= weight <= 1.0:
            raise OptionError(f"--outside-weight is {self.outside_weight}; give a number from 0 to 1")
        return tuple(
            one if one.weight is not None else replace(one, weight=earned.get(one.forecaster, weight))
            for one in read_outside(self.outside)
        )


def earned_in_ledger(day: dt.date) -> dict[str, float]:
    """By forecaster: the weight that its track record has earned by a day, from the ledger of RISKCAST_LEDGER or of
    this folder; nothing where there is none."""
    from riskcast.ledger.places import find_place

    place = find_place()
    if place.file is not None and not place.file.is_file():
        return {}
    from riskcast.ledger.tracking import track
    from riskcast.verification.pooling import earned_weights

    return {name: found.weight for name, found in earned_weights(track(None, day), day).items()}


def track_by(day: dt.date) -> TrackRecord:
    """The track record by a day, from the ledger of RISKCAST_LEDGER or of this folder; OptionError where none is."""
    from riskcast.ledger.places import ENVIRONMENT, find_place
    from riskcast.ledger.tracking import track

    place = find_place()
    if place.file is not None and not place.file.is_file():
        raise OptionError(f"there is no ledger at {place}; set {ENVIRONMENT} to one, or take other weights")
    return track(None, day)


def asks(*, without: Collection[str] = (), **reworded: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command every option of `Asked`; it is called with all of them as its parameter `asked`.

    `reworded` are annotations of options that this command has its own words for, by name; a `case` among them must be
    given, and a `panel` is an option of those alone that name it; `without`: options that it does not have.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(Asked, include_extras=True) | reworded
        left_out = {*without, *({"panel"} - set(reworded))}
        named = [each for each in fields(Asked) if each.name not in left_out]
        case, *shared = (
            Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
            for each in named
        )
        if "case" in reworded:
            case = case.replace(default=Parameter.empty)
        own = [
            parameter.replace(kind=Parameter.KEYWORD_ONLY)
            for name, parameter in signature(command, eval_str=True).parameters.items()
            if name != "asked"
        ]
        # What a command prints for programs is the last thing that its help speaks of.
        first, last = ([each for each in own if (each.name == "as_json") is at_end] for at_end in (False, True))

        @wraps(command)
        def called(**given: Any) -> None:
            asked = Asked(**{each.name: given.pop(each.name) for each in named})
            command(asked=asked, **given)

        # Typer reads a command's parameters from its signature.
        vars(called).update(__signature__=Signature([case, *first, *shared, *last]))
        called.__annotations__ = {}
        return called

    return decorate


def one_scenario(asked: Asked) -> None:
    """Raise OptionError where a command that takes one scenario is given several."""
    if asked.scenario is not None and len(asked.scenario) > 1:
        listed = " and ".join(asked.scenario)
        raise OptionError(f"--scenario is given {len(asked.scenario)} times ({listed}); give it once, or use compare")


def tell(doubts: Iterable[Doubt]) -> None:
    """Say on standard error what is used though it can hardly be meant."""
    note(map(str, doubts))


def note(told: Iterable[str]) -> None:
    """Say on standard error what a reader should know."""
    for each in told:
        print(f"riskcast: to note: {visible(each)}", file=sys.stderr)


def read_case(case: str | None) -> Case:
    """A case by name or folder, the bundled one where none is given."""
    return read_case_with_lines(case)[0]


def read_case_with_lines(case: str | None) -> tuple[Case, Where]:
    """The same, with where each part of it stands in its files."""
    from riskcast.case.files import list_cases, load_bundled, load_case_with_lines
    from riskcast.case.where import Where

    # Of what came with riskcast there are no lines that anybody could mend.
    return (load_bundled(list_cases()[0]), Where()) if case is None else load_case_with_lines(case)


def read_run(folder: Path) -> Run:
    """The run that a folder holds."""
    from riskcast.runs.bundles import read_bundle

    return read_bundle(folder)


def read_side(side: str) -> Case | Run:
    """The run of a folder that holds one, else a case by name or folder."""
    return read_run(Path(side)) if (Path(side) / MANIFEST).is_file() else read_case(side)


def fit_asked(request: Request) -> Posterior:
    """The posterior that a request asks for, with a progress bar."""
    from riskcast.forecasting.requests import fit_requested

    with progress("Fitting") as report:
        return fit_requested(request, progress=lambda event, done, total: report(done, total))


def forecast_asked(request: Request) -> tuple[Forecast, ...]:
    """The forecasts that a request asks for, with progress bars."""
    from riskcast.forecasting.requests import forecast_requested

    posterior = fit_asked(request)
    with progress("Simulating") as report:
        return forecast_requested(request, posterior, report)


def named_path(text: str | Path) -> Path:
    """The path of an option; raises RiskcastError for an empty one, which Python takes for the working directory."""
    if text == "":
        raise RiskcastError("the path is empty; name a folder (. is where you are)")
    return Path(text)


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
    """Print plain data as JSON, with escapes where the stream cannot hold a name, or a terminal would obey it."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    if not can_hold(sys.stdout, text):
        text = json.dumps(content, indent=2)
    print(UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
