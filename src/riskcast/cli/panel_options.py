"""The options by which commands name a panel of experts, and how it is heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from riskcast.cli.options import (
    Asked,
    ClusterOption,
    WorkersOption,
    named_path,
    one_scenario,
    progress,
    tell,
    track_by,
)
from riskcast.errors import OptionError, UnknownNameError

if TYPE_CHECKING:
    from riskcast.case.model import Case
    from riskcast.experts.hearing import Hearing
    from riskcast.experts.panels import ExpertPanel

SCORE = "score"
PanelOption = Annotated[
    Path | None, typer.Option("--panel", help="A panel of experts.", show_default="panel.yaml of a case folder")
]
ExpertOption = Annotated[
    list[Path] | None,
    typer.Option("--expert", help="An expert's overlay, with who, when and why; repeatable, in place of a panel."),
]
WeightsOption = Annotated[
    str | None,
    typer.Option(metavar="[equal|given|seeds|ledger]", help="How experts weigh.", show_default="the panel's, or equal"),
]
CutoffOption = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="The calibration below which seed questions earn no weight.",
        show_default="that under which the group does best",
    ),
]
BlanksOption = Annotated[
    str | None,
    typer.Option(
        metavar="[published|others]",
        help="What stands where an expert gives no number: the published one, or what the others pool to.",
        show_default="the panel's, or published; shown",
    ),
]
OfOption = Annotated[str, typer.Option(metavar="OUTCOME", help="An outcome, for its probability.")]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder in which finished forecasts are kept.",
        parser=named_path,
        metavar="<path>",
        show_default="RISKCAST_CACHE, or the system's",
    ),
]


@dataclass(frozen=True)
class PanelAsked:
    """A panel and how it is heard, as they were typed."""

    panel: PanelOption = None
    expert: ExpertOption = None
    weights: WeightsOption = None
    cutoff: CutoffOption = None
    blanks: BlanksOption = None
    of: OfOption = SCORE
    workers: WorkersOption = None
    cluster: ClusterOption = None
    cache: CacheOption = None

    def hear(self, asked: Asked, against: str | None = None, permutations: int = 0) -> Hearing:
        """The panel, heard; with a progress bar."""
        from riskcast.experts.consulting import consult_panel
        from riskcast.experts.panels import BLANKS
        from riskcast.experts.weighing import weighting_of

        one_scenario(asked)
        request = asked.request()
        if self.of != SCORE and self.of not in request.case.outcomes:
            raise UnknownNameError("outcome", self.of, (SCORE, *request.case.outcomes))
        panel = self.read(str(asked.case), request.case)
        way = weighting_of(panel, self.weights)
        with progress("Hearing the experts", remaining=True) as report:
            return consult_panel(
                request,
                panel,
                weights=self.weights,
                cutoff=self.cutoff,
                track=track_by(request.case.as_of) if way == "ledger" else None,
                blanks=None if self.blanks is None else one_of("--blanks", self.blanks, BLANKS),
                against=against,
                permutations=permutations,
                workers_count=self.workers,
                cluster=self.cluster,
                cache=self.cache,
                progress=report,
            )

    def read(self, named: str, case: Case) -> ExpertPanel:
        """The panel that was named, the overlays of experts, or panel.yaml of the case's folder."""
        from riskcast.case.files import find_folder
        from riskcast.case.overlays import nameless_overlays
        from riskcast.experts.panels import gather_experts, load_panel

        if self.expert and self.panel is not None:
            raise OptionError("--panel and --expert are both given; give a panel, or experts one by one")
        if self.expert:
            found = gather_experts(self.expert)
        else:
            own = find_folder(named) / "panel.yaml"
            if self.panel is None and not own.is_file():
                raise OptionError(f"no panel: {own} is no file; give --panel FILE, or --expert FILE for each expert")
            found = load_panel(own if self.panel is None else self.panel)
        if found.case is None and found.case_hash is None:
            tell(nameless_overlays(case, [(expert.overlay, expert.document) for expert in found.experts]))
        return found


def names_panel(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of `PanelAsked`; it is called with all of them as its parameter `panel`."""
    hints = get_type_hints(PanelAsked, include_extras=True)
    own = [each for each in signature(command, eval_str=True).parameters.values() if each.name != "panel"]
    options = [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(PanelAsked)
    ]

    @wraps(command)
    def called(**given: Any) -> None:
        chosen = PanelAsked(**{each.name: given.pop(each.name) for each in fields(PanelAsked)})
        command(panel=chosen, **given)

    keyword = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own]
    vars(called).update(__signature__=Signature([*options, *keyword]))
    called.__annotations__ = {}
    return called


def one_of[Choice: str](option: str, given: str, choices: Sequence[Choice]) -> Choice:
    """The choice that an option was given; raises OptionError for what is none."""
    found = next((each for each in choices if each == given), None)
    if found is None:
        raise OptionError(f"{option} is {given!r}; give one of {', '.join(choices)}")
    return found
