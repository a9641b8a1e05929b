"""The command that tells what changed between two cases, overlays or runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskcast.cli.options import (
    HorizonOption,
    JsonOption,
    UnreliableOption,
    print_json,
    progress,
    read_side,
    tell,
)
from riskcast.errors import OptionError

if TYPE_CHECKING:
    from riskcast.case.model import Case
    from riskcast.comparison.attribute_changes import Run

OVERLAYS = (".yaml", ".yml")
SIDE = "A bundled case, a case folder, the folder of an earlier run, or an overlay file."


class Group(StrEnum):
    """What changes are put together by."""

    part = "part"
    file = "file"
    kind = "kind"


def diff(
    a: Annotated[str, typer.Argument(help=SIDE)],
    b: Annotated[str, typer.Argument(help=SIDE)],
    case: Annotated[
        str | None, typer.Option(help="The case that overlays change.", show_default="that of the other side")
    ] = None,
    scenario: Annotated[str | None, typer.Option(help="A scenario of both cases.", show_default="baseline")] = None,
    horizon: HorizonOption = None,
    draws: Annotated[int | None, typer.Option(help="Draws of the parameters.", show_default="1000")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all random numbers.", show_default="1")] = None,
    permutations: Annotated[int, typer.Option(help="Orders to sample where changes are many.")] = 16,
    group: Annotated[
        Group | None,
        typer.Option(help="One value for the changes of one part, file or kind.", show_default="only above 24 changes"),
    ] = None,
    shown: Annotated[
        int | None,
        typer.Option(help="The most changes, dyads, and shares of a dyad to print.", show_default="40, 20, 6"),
    ] = None,
    allow_unreliable: UnreliableOption = False,
    as_json: JsonOption = False,
) -> None:
    """What changed between two cases, overlays or runs, and how much of each score change is due to it."""
    from riskcast.comparison.attribute_changes import diff as compare, difference_data

    if shown is not None and shown < 1:
        raise OptionError(f"shown is {shown}; give a number from 1")
    first, second = _read_sides(a, b, case)
    with progress("Forecasting the cases in between", remaining=True) as report:
        found = compare(
            first,
            second,
            scenario=scenario,
            horizon=horizon,
            draws=draws,
            seed=seed,
            permutations=permutations,
            group=group,
            allow_unreliable=allow_unreliable,
            names=(a, b),
            progress=report,
        )
    if as_json:
        print_json(difference_data(found))
    else:
        from riskcast.terminal.differences import difference_view
        from riskcast.terminal.forecasts import make_console

        make_console().print(difference_view(found, shown))


def _read_sides(a: str, b: str, case: str | None) -> tuple[Case | Run, Case | Run]:
    """Both sides; an overlay changes `case`, else the published case of the other side."""
    from riskcast.case.files import load_case
    from riskcast.case.overlays import apply_overlay, load_overlay, nameless_overlays

    overlays = {side: _is_overlay(side) for side in (a, b)}
    if case is None and all(overlays.values()):
        raise OptionError(f"{a} and {b} are both overlays; name the case that they change, with --case")
    if case is not None and not any(overlays.values()):
        raise OptionError(f"neither {a} nor {b} is an overlay; leave out --case {case}")
    read = {side: _read(side) for side, is_overlay in overlays.items() if not is_overlay}
    if any(overlays.values()):
        published = load_case(case) if case is not None else next(found for _, found in read.values())
        for side, is_overlay in overlays.items():
            if is_overlay:
                overlay = load_overlay(side)
                read[side] = apply_overlay(published, *overlay), published
                tell(nameless_overlays(published, [overlay]))
    return read[a][0], read[b][0]


def _is_overlay(side: str) -> bool:
    path = Path(side)
    return not path.is_dir() and (path.is_file() or path.suffix.lower() in OVERLAYS)


def _read(side: str) -> tuple[Case | Run, Case]:
    """A case or run, and the case as published, before any overlay."""
    from riskcast.case.model import Case

    found = read_side(side)
    return found, found if isinstance(found, Case) else found.published
