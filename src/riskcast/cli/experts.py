"""The commands that hear several experts."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskcast.cli.options import (
    AsOfOption,
    DrawsOption,
    HorizonOption,
    JsonOption,
    NamedCase,
    SeedOption,
    UnreliableOption,
    earned_in_ledger,
    named_path,
    print_json,
    progress,
    read_case,
    tell,
)
from riskcast.errors import OptionError, UnknownNameError, visible
from riskcast.numbers import counted, more

if TYPE_CHECKING:
    from riskcast.case.model import Case
    from riskcast.experts.hearing import Hearing
    from riskcast.experts.panels import Panel, Weighting

SCORE = "score"

MOST_BLANKS = 8
experts = typer.Typer(
    name="experts",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Several experts on one case: what each forecasts, what they disagree about, what they say together.",
)
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
ScenarioOption = Annotated[str | None, typer.Option(metavar="NAME", help="A scenario.", show_default="baseline")]


AgainstOption = Annotated[
    str | None,
    typer.Option(
        metavar="[published|pool|NAME]",
        help="What experts are held against.",
        show_default="published; of two, the first",
    ),
]


@experts.command()
def disagree(
    case: NamedCase,
    panel: PanelOption = None,
    expert: ExpertOption = None,
    weights: WeightsOption = None,
    cutoff: CutoffOption = None,
    blanks: BlanksOption = None,
    against: AgainstOption = None,
    of: OfOption = SCORE,
    scenario: ScenarioOption = None,
    as_of: AsOfOption = None,
    horizon: HorizonOption = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    permutations: Annotated[int, typer.Option(help="Orders to sample where beliefs are many; 0: no parts.")] = 16,
    allow_unreliable: UnreliableOption = False,
    as_json: JsonOption = False,
) -> None:
    """What each expert forecasts, how far they are apart, and which beliefs that is due to."""
    from riskcast.experts.hearing_data import hearing_data

    heard = hear(
        case,
        panel,
        expert,
        weights,
        cutoff,
        blanks,
        against,
        of,
        scenario,
        as_of,
        horizon,
        draws,
        seed,
        permutations,
        allow_unreliable,
    )
    if as_json:
        print_json(hearing_data(heard))
    else:
        from riskcast.terminal.experts import hearing_view
        from riskcast.terminal.forecasts import make_console

        make_console().print(hearing_view(heard, of))


@experts.command()
def pool(
    case: NamedCase,
    panel: PanelOption = None,
    expert: ExpertOption = None,
    weights: WeightsOption = None,
    cutoff: CutoffOption = None,
    blanks: BlanksOption = None,
    quantities: Annotated[
        str, typer.Option(metavar="[quantile|linear]", help="How beliefs about quantities are pooled.")
    ] = "quantile",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the pooled quantities as an overlay to this file.", parser=named_path, metavar="<path>"
        ),
    ] = None,
    of: OfOption = SCORE,
    scenario: ScenarioOption = None,
    as_of: AsOfOption = None,
    horizon: HorizonOption = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    allow_unreliable: UnreliableOption = False,
    as_json: JsonOption = False,
) -> None:
    """What a panel says together: pools, the mixture, a case of pooled quantities, and what each expert moves."""
    from riskcast.experts.hearing_data import together_data
    from riskcast.experts.pools import QUANTITY_POOLS
    from riskcast.experts.together import pool_panel

    way = one_of("--quantities", quantities, QUANTITY_POOLS)
    if out is not None and out.exists():
        raise OptionError(f"{out} exists; name another file")
    if out is not None and not out.parent.is_dir():
        raise OptionError(f"{out.parent} is no folder; make it, or name a file elsewhere")
    # Alone each forecast is made; what beliefs do one by one is not asked.
    heard = hear(
        case,
        panel,
        expert,
        weights,
        cutoff,
        blanks,
        None,
        of,
        scenario,
        as_of,
        horizon,
        draws,
        seed,
        0,
        allow_unreliable,
    )
    with progress("Pooling") as report:
        report(0, 1)
        together = pool_panel(heard, way)
    if out is not None:
        from riskcast.machinery.staging import write_atomically

        write_atomically(out, together.overlay_text())
    if as_json:
        print_json(together_data(together))
    else:
        from riskcast.terminal.experts import together_view
        from riskcast.terminal.forecasts import make_console

        make_console().print(together_view(together, of))
    if out is not None:
        print(f"riskcast: wrote {out}; go on with it: riskcast forecast {case} --overlay {out}", file=sys.stderr)


@experts.command()
def weights(
    seeds: Annotated[Path, typer.Argument(help="A table of answers to seed questions.")],
    cutoff: CutoffOption = None,
    as_json: JsonOption = False,
) -> None:
    """What answers to seed questions earn each expert, by the classical model."""
    from riskcast.experts.hearing_data import seed_data
    from riskcast.experts.seed_scores import classical_model
    from riskcast.experts.seed_table import read_seeds

    found = classical_model(read_seeds(seeds), cutoff)
    if as_json:
        print_json(seed_data(found))
    else:
        from riskcast.terminal.experts import seeds_view
        from riskcast.terminal.forecasts import make_console

        make_console().print(seeds_view(found))


@experts.command()
def sheet(
    case: NamedCase,
    out: Annotated[
        Path, typer.Option(help="Where to: a workbook (.xlsx), or a form (.html).", parser=named_path, metavar="<path>")
    ],
    quantity: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="What to ask for, or a pattern; repeatable.", show_default="levels of today"),
    ] = None,
    method: Annotated[
        str, typer.Option(metavar="[quantiles|chips]", help="Whether experts give quantiles or place chips.")
    ] = "quantiles",
    training: Annotated[
        Path | None,
        typer.Option(
            help="A table of questions whose answers are known, to come first: question, answer, unit, scale."
        ),
    ] = None,
    show_answers: Annotated[
        bool, typer.Option("--show-answers", help="Send the answers of training questions along, for practice.")
    ] = False,
    show_published: Annotated[
        bool, typer.Option("--show-published", help="Show the case's own numbers, which draw answers towards them.")
    ] = False,
) -> None:
    """Questions to an expert as a workbook or a form, with feedback of what answers imply."""
    from riskcast.experts.sheets import METHODS, USUAL, make_sheet
    from riskcast.exports.elicitation import write_sheet

    way = one_of("--method", method, METHODS)
    made = make_sheet(
        read_case(case),
        quantity or USUAL,
        method=way,
        training=training,
        show_answers=show_answers,
        show_published=show_published,
    )
    write_sheet(made, out)
    practice = f" and {counted(len(made.training), 'training question')}" if made.training else ""
    print(f"{out}: {counted(len(made.questions), 'quantity', 'quantities')}{practice}")


@experts.command()
def read(
    case: NamedCase,
    answers: Annotated[Path, typer.Argument(help="A sheet that came back: a workbook, or what a form saved (.json).")],
    out: Annotated[Path, typer.Option(help="The expert's overlay to write.", parser=named_path, metavar="<path>")],
    training: Annotated[
        Path | None, typer.Option(help="The table of training questions that the sheet was made of, with answers.")
    ] = None,
    seeds: Annotated[
        Path | None,
        typer.Option(
            help="A table of seed answers to add the expert's training answers to.", parser=named_path, metavar="<path>"
        ),
    ] = None,
) -> None:
    """A sheet that came back, validated, as an expert's overlay; its training answers as seed questions."""
    from riskcast.experts.sheet_answers import add_seed_rows, read_answers
    from riskcast.experts.sheets import read_training
    from riskcast.machinery.staging import write_atomically

    if (training is None) != (seeds is None):
        raise OptionError("--training and --seeds go together; give both, or neither")
    if out.exists():
        raise OptionError(f"{out} exists; name another file")
    found = read_answers(answers, read_case(case))
    rows = None
    if training is not None and seeds is not None:
        rows = add_seed_rows(found, {one.text: one for one in read_training(training)}, seeds)
    write_atomically(out, found.overlay_text())
    print(f"{out}: {counted(len(found.quantities), 'quantity', 'quantities')} of {visible(found.who)}")
    if found.blanks:
        print(f"left blank: {', '.join(found.blanks[:MOST_BLANKS])}{more(found.blanks, MOST_BLANKS)}")
    if rows is not None and seeds is not None:
        write_atomically(seeds, rows)
        print(f"{seeds}: {counted(len(found.training), 'training answer')} added")


def hear(
    case: str,
    panel: Path | None,
    files: list[Path] | None,
    weights: str | None,
    cutoff: float | None,
    blanks: str | None,
    against: str | None,
    of: str,
    scenario: str | None,
    as_of: dt.datetime | None,
    horizon: int | None,
    draws: int,
    seed: int,
    permutations: int,
    allow_unreliable: bool,
) -> Hearing:
    """The panel of the options, heard; with a progress bar."""
    from riskcast.case.vintage import case_as_of
    from riskcast.experts.consulting import consult_panel
    from riskcast.experts.panels import BLANKS

    base = read_case(case)
    if as_of is not None:
        base = case_as_of(base, as_of.date())
    if of != SCORE and of not in base.outcomes:
        raise UnknownNameError("outcome", of, (SCORE, *base.outcomes))
    found = read_panel(case, base, panel, files)
    weighting, earned = weigh(found, base, weights, cutoff)
    with progress("Hearing the experts", remaining=True) as report:
        return consult_panel(
            base,
            found,
            weights=weighting,
            earned=earned,
            blanks=None if blanks is None else one_of("--blanks", blanks, BLANKS),
            against=against,
            scenario=scenario,
            horizon=horizon,
            draws=draws,
            seed=seed,
            permutations=permutations,
            allow_unreliable=allow_unreliable,
            progress=report,
        )


def read_panel(named: str, case: Case, panel: Path | None, files: list[Path] | None) -> Panel:
    """The panel that was named, the overlays of experts, or panel.yaml of the case's folder."""
    from riskcast.case.files import find_folder
    from riskcast.experts.panels import gather_experts, load_panel

    if files and panel is not None:
        raise OptionError("--panel and --expert are both given; give a panel, or experts one by one")
    if files:
        found = gather_experts(files)
    else:
        own = find_folder(named) / "panel.yaml"
        if panel is None and not own.is_file():
            raise OptionError(f"no panel: {own} is no file; give --panel FILE, or --expert FILE for each expert")
        found = load_panel(own if panel is None else panel)
    from riskcast.case.overlays import nameless_overlays

    tell(nameless_overlays(case, [(expert.overlay, expert.document) for expert in found.experts]))
    return found


def one_of[Choice: str](option: str, given: str, choices: Sequence[Choice]) -> Choice:
    """The choice that an option was given; raises OptionError for what is none."""
    found = next((each for each in choices if each == given), None)
    if found is None:
        raise OptionError(f"{option} is {given!r}; give one of {', '.join(choices)}")
    return found


def weigh(
    panel: Panel, case: Case, weights: str | None, cutoff: float | None
) -> tuple[Weighting | None, list[float] | None]:
    """How experts are weighed, with what each has earned where that is asked for."""
    from riskcast.experts.panels import WEIGHTINGS

    way = panel.weights if weights is None else one_of("--weights", weights, WEIGHTINGS)
    if cutoff is not None and way != "seeds":
        raise OptionError("--cutoff is of weights by seed questions; give --weights seeds")
    if way == "ledger":
        earned = earned_in_ledger(case.as_of)
        lacking = [name for name in panel.names if name not in earned]
        if len(lacking) < len(panel.names):
            for name in lacking:
                print(f"riskcast: to note: {name} has earned nothing in the ledger: weight 0", file=sys.stderr)
        return way, [earned.get(name, 0.0) for name in panel.names]
    if way == "seeds":
        from riskcast.experts.seed_scores import classical_model, seeds_of
        from riskcast.experts.seed_table import read_seeds

        if panel.seeds is None:
            raise OptionError("the panel names no seed questions; write `seeds: FILE` in it, or take other weights")
        found = classical_model(seeds_of(read_seeds(panel.seeds), panel.names), cutoff)
        for told in found.told:
            print(f"riskcast: to note: {told}", file=sys.stderr)
        return way, list(found.weights)
    return way, None
