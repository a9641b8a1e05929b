"""The command that answers programs which reason: mcp."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from riskcast.cli.ledger import LedgerOption
from riskcast.cli.options import DrawsOption, PriorOnlyOption, SeedOption, UnreliableOption


def mcp(
    case: Annotated[
        list[str] | None,
        typer.Argument(help="Cases that may be asked about: bundled ones, or folders.", show_default="all bundled"),
    ] = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    prior_only: PriorOnlyOption = False,
    allow_unreliable: UnreliableOption = False,
    place: LedgerOption = None,
) -> None:
    """Answer agents over standard input and output, by the Model Context Protocol: they only read."""
    from riskcast.agents.desk import Desk
    from riskcast.agents.serving import make_server
    from riskcast.case.files import list_cases
    from riskcast.cli.options import read_case
    from riskcast.cli.program import leave_on_signals
    from riskcast.engines.fitting import check_draws

    check_draws(draws, seed)
    opened = [read_case(name) for name in case or list_cases()]
    desk = Desk({one.name: one for one in opened}, draws, seed, prior_only, allow_unreliable, place)
    server = make_server(desk)
    leave_on_signals()
    if sys.stdin.isatty():
        print("riskcast: waiting for an agent on standard input; Ctrl-C ends it", file=sys.stderr)
    server.run("stdio")
