"""The command that joins two analysts' edits of one case."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from riskcast.cli.options import JsonOption, NamedCase, named_path, print_json
from riskcast.errors import OptionError
from riskcast.numbers import counted


def merge(
    base: Annotated[str, typer.Argument(help="The case that both began with; CASE@DAY is one as it was kept.")],
    mine: NamedCase,
    theirs: NamedCase,
    out: Annotated[
        Path | None,
        typer.Option(help="The folder to write the joined case to.", parser=named_path, metavar="<path>"),
    ] = None,
    take: Annotated[
        list[str] | None, typer.Option(metavar="ID=SIDE", help="Settle a conflict: mine or theirs; repeatable.")
    ] = None,
    prefer: Annotated[
        str | None, typer.Option(metavar="[mine|theirs]", help="Settle all conflicts that are left.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Join two analysts' edits of one case: what only one changed is taken, what both did is shown as a conflict."""
    from riskcast.case.files import find_folder, load_case
    from riskcast.experts.three_way import SIDES, merge_cases
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.merging import merged_view

    chosen = {}
    for each in take or ():
        key, _, side = each.rpartition("=")
        if side not in SIDES or not key:
            raise OptionError(f"--take {each} is not ID=mine or ID=theirs; write such as indicators.mood.now=mine")
        if chosen.setdefault(key, side) != side:
            raise OptionError(f"--take {key} is given both ways; give it once")
    preferred = next((side for side in SIDES if side == prefer), None)
    if prefer is not None and preferred is None:
        raise OptionError(f"--prefer is {prefer!r}; give mine or theirs")
    if out is not None and out.exists():
        raise OptionError(f"{out} is there already; name a folder that is not")
    cases = [load_case(side) for side in (base, mine, theirs)]
    found = merge_cases(*cases, take=chosen, prefer=preferred)
    if as_json:
        plain = {"conflicts": [asdict(one) for one in found.conflicts], "mine": found.mine, "theirs": found.theirs}
        print_json(plain | {"both": found.both, "case_hash": None if found.case is None else found.case.hash})
    else:
        make_console().print(merged_view(found))
    if found.open:
        many = counted(len(found.open), "conflict is", "conflicts are")
        raise OptionError(f"{many} open, and nothing was written; settle with --take ID=mine or theirs, or --prefer")
    if out is not None and found.case is not None:
        from riskcast.updates.merged_files import join_files, write_joined

        joined = join_files(found, *(find_folder(side) for side in (base, mine, theirs)))
        write_joined(joined, out)
        if not as_json:
            print(f"{out}: case {found.case.hash[:12]}")
            if joined.anew:
                print(f"written anew, without the comments that stood there: {', '.join(joined.anew)}")
