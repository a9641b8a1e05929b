"""The command that holds a model against what its sources say: claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskcast.cli.options import (
    Asked,
    JsonOption,
    NamedCase,
    asks,
    forecast_asked,
    named_path,
    one_scenario,
    print_json,
    progress,
)
from riskcast.errors import OptionError, RiskcastError

if TYPE_CHECKING:
    from riskcast.challenge.claim_records import JudgedClaims

ClaimOption = Annotated[
    list[str] | None,
    typer.Option("--claim", metavar="ID", help="Only this claim, in full; repeatable.", show_default="all"),
]


@asks(case=NamedCase)
def claims(
    asked: Asked,
    claim: ClaimOption = None,
    in_full: Annotated[bool, typer.Option("--full", help="Show every assertion and the quantities behind it.")] = False,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page in Markdown.", parser=named_path)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Whether the model says what its sources say: claims reproduced, weak, contradicted or not encoded."""
    from riskcast.challenge.claim_data import claims_data
    from riskcast.challenge.claim_judging import judge_claims
    from riskcast.challenge.claim_reading import check_claims
    from riskcast.machinery.staging import check_writable

    one_scenario(asked)
    if asked.scenario or asked.outside is not None:
        given = "--scenario" if asked.scenario else "--outside"
        raise OptionError(f"claims are held against the baseline as it stands; leave out {given}")
    if page is not None:
        check_writable(page)
    request, where = asked.request_with_lines()
    check_claims(request.case, claim, request.periods, where)
    [ahead] = forecast_asked(request)
    with progress("Holding claims against it", remaining=True) as report:
        found = judge_claims(ahead, claim, progress=report)
    if as_json:
        print_json(claims_data(found))
    if page is not None:
        _write(found, page, is_shown=as_json)
    elif not as_json:
        _show(found, in_full=in_full or claim is not None)


def _write(found: JudgedClaims, page: Path, is_shown: bool) -> None:
    """Write the page; show what would be lost where that fails."""
    from riskcast.exports.claims_page import write_claims_page

    try:
        write_claims_page(found, page)
    except RiskcastError:
        if not is_shown:
            _show(found, in_full=True)
        raise


def _show(found: JudgedClaims, in_full: bool) -> None:
    from riskcast.challenge.claim_records import STATUSES
    from riskcast.terminal.claims import claims_view
    from riskcast.terminal.forecasts import make_console

    make_console().print(claims_view(found, STATUSES if in_full else ("contradicted",)))
