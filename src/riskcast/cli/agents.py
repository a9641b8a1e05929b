"""The command that answers programs which reason: mcp."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from riskcast.cli.options import DrawsOption, PriorOnlyOption, SeedOption, UnreliableOption
from riskcast.errors import OptionError

if TYPE_CHECKING:
    from riskcast.case.model import Case
    from riskcast.ledger.places import LedgerPlace


def mcp(
    case: Annotated[
        list[str] | None,
        typer.Argument(help="Cases that may be asked about: bundled ones, or folders.", show_default="all bundled"),
    ] = None,
    draws: DrawsOption = 1000,
    seed: SeedOption = 1,
    prior_only: PriorOnlyOption = False,
    allow_unreliable: UnreliableOption = False,
    place: Annotated[
        str | None,
        typer.Option(
            "--ledger", metavar="PATH|URL", help="The ledger that `track` may read.", show_default="no ledger"
        ),
    ] = None,
) -> None:
    """Answer agents over standard input and output, by the Model Context Protocol: they only read."""
    from riskcast.agents.desk import Desk
    from riskcast.agents.serving import make_server
    from riskcast.case.files import list_cases
    from riskcast.cli.options import read_case
    from riskcast.cli.program import leave_on_signals
    from riskcast.engines.fitting import check_draws

    check_draws(draws, seed)
    opened: dict[str, Case] = {}
    named: dict[str, str] = {}
    for given in dict.fromkeys(case or list_cases()):
        found = read_case(given)
        if found.name in opened:
            raise OptionError(
                f"{named[found.name]} and {given} are both called {found.name}, and agents ask by name; rename a folder"
            )
        opened[found.name], named[found.name] = found, given
    ledger = None if place is None else _ledger(place)
    desk = Desk(opened, draws, seed, prior_only, allow_unreliable, ledger)
    server = make_server(desk)
    leave_on_signals()
    if sys.stdin.isatty():
        print("riskcast: waiting for an agent on standard input; Ctrl-C ends it", file=sys.stderr)
    server.run("stdio")


def _ledger(given: str) -> LedgerPlace:
    """A ledger that can be read, under a name that tells an agent nothing of where it is."""
    from riskcast.ledger.places import find_place
    from riskcast.ledger.store import reading

    place = find_place(given)
    with reading(place, upgrade=False):
        return replace(place, shown="--ledger")
