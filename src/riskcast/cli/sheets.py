"""The commands that ask experts, and read what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskcast.cli.options import NamedCase, named_path, read_case
from riskcast.cli.panel_options import one_of
from riskcast.errors import OptionError, visible
from riskcast.numbers import counted


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
    if seeds is not None and seeds.resolve() == out.resolve():
        raise OptionError(f"--out and --seeds are both {out}; name two files")
    asked = None if training is None else read_training(training)
    found = read_answers(answers, read_case(case), asked)
    # What can fail is done first: a run after it finds nothing half.
    if asked is not None and seeds is not None:
        write_atomically(seeds, add_seed_rows(found, asked, seeds))
    write_atomically(out, found.overlay_text())
    print(f"{out}: {counted(len(found.quantities), 'quantity', 'quantities')} of {visible(found.who)}")
    if found.blanks:
        print(f"left blank: {', '.join(found.blanks)}")
    if seeds is not None:
        print(f"{seeds}: {counted(len(found.training), 'training answer')} added")
