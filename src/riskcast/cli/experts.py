"""The commands that hear several experts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from riskcast.cli.options import Asked, JsonOption, NamedCase, asks, named_path, print_json, progress
from riskcast.cli.panel_options import CutoffOption, PanelAsked, names_panel, one_of
from riskcast.cli.sheets import read, sheet
from riskcast.errors import OptionError

OUTSIDE = ("outside", "outside_weight")
experts = typer.Typer(
    name="experts",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Several experts on one case: what each forecasts, what they disagree about, what they say together.",
)
AgainstOption = Annotated[
    str | None,
    typer.Option(
        metavar="[published|pool|NAME]",
        help="What experts are held against.",
        show_default="published; of two, the first",
    ),
]


@experts.command()
@asks(case=NamedCase, without=OUTSIDE)
@names_panel
def disagree(
    asked: Asked,
    panel: PanelAsked,
    against: AgainstOption = None,
    permutations: Annotated[int, typer.Option(help="Orders to sample where beliefs are many; 0: no parts.")] = 16,
    as_json: JsonOption = False,
) -> None:
    """What each expert forecasts, how far they are apart, and which beliefs that is due to."""
    from riskcast.experts.hearing_data import hearing_data

    heard = panel.hear(asked, against, permutations)
    if as_json:
        print_json(hearing_data(heard))
    else:
        from riskcast.terminal.experts import hearing_view
        from riskcast.terminal.forecasts import make_console

        make_console().print(hearing_view(heard, panel.of))


@experts.command()
@asks(case=NamedCase, without=OUTSIDE)
@names_panel
def pool(
    asked: Asked,
    panel: PanelAsked,
    quantities: Annotated[
        str, typer.Option(metavar="[quantile|linear]", help="How beliefs about quantities are pooled.")
    ] = "quantile",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the pooled quantities as an overlay to this file; it is not the mixture.",
            parser=named_path,
            metavar="<path>",
        ),
    ] = None,
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
    heard = panel.hear(asked)
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

        make_console().print(together_view(together, panel.of))
    if out is not None:
        told = f"go on with it: riskcast forecast {asked.case} --overlay {out}; with the mixture: --panel FILE"
        print(f"riskcast: wrote {out}; {told}", file=sys.stderr)


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
        from riskcast.terminal.forecasts import make_console
        from riskcast.terminal.seeds import seeds_view

        make_console().print(seeds_view(found))


experts.command()(sheet)
experts.command()(read)
