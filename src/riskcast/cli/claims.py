"""The command that holds a model against what its sources say: claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from riskcast.errors import OptionError

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
    from riskcast.case.files import load_case_with_lines
    from riskcast.challenge.claim_data import claims_data
    from riskcast.challenge.claim_judging import check_claims, judge_claims
    from riskcast.challenge.claim_records import STATUSES

    one_scenario(asked)
    if asked.scenario or asked.outside is not None:
        given = "--scenario" if asked.scenario else "--outside"
        raise OptionError(f"claims are held against the baseline as it stands; leave out {given}")
    request = asked.request()
    _, where = load_case_with_lines(str(asked.case))
    check_claims(request.case, claim, request.periods, where)
    [ahead] = forecast_asked(request)
    with progress("Holding claims against it", remaining=True) as report:
        found = judge_claims(ahead, claim, progress=report)
    if page is not None:
        from riskcast.exports.claims_page import write_claims_page

        write_claims_page(found, page)
    if as_json:
        print_json(claims_data(found))
    elif page is None:
        from riskcast.terminal.claims import claims_view
        from riskcast.terminal.forecasts import make_console

        make_console().print(claims_view(found, STATUSES if in_full or claim else ("contradicted",)))
