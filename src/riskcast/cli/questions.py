"""The command that asks joint futures: how probable one thing is given another."""

from __future__ import annotations

from typing import Annotated

import typer

from riskcast.cli.options import (
    Asked,
    GroupOption,
    JsonOption,
    NamedCase,
    asks,
    forecast_asked,
    one_scenario,
    print_json,
    progress,
)

QueryArgument = Annotated[
    str,
    typer.Argument(help='What to ask, such as "P(demarche by month 3 | mass_expulsion)"; docs/ask.md has the rest.'),
]
DyadsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--dyad", metavar="DYAD", help="Of which dyad, where the query names none; repeatable.", show_default="all"
    ),
]


@asks(case=NamedCase, panel=GroupOption)
def ask(
    asked: Asked,
    query: QueryArgument,
    dyad: DyadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """How probable something is given something else, by joint futures."""
    from riskcast.exports.answer_data import answers_data
    from riskcast.forecasting.questions import ask as answer, check_query

    one_scenario(asked)
    request = asked.request()
    check_query(request.case, request.periods, query, dyad)
    [ahead] = forecast_asked(request)
    with progress("Asking its futures") as report:
        found = answer(ahead, query, dyad, progress=report)
    if as_json:
        print_json(answers_data(found))
    else:
        from riskcast.terminal.forecasts import make_console
        from riskcast.terminal.questions import answers_view

        make_console().print(answers_view(found))
