"""The command that tells what the record taught: learned."""

from __future__ import annotations

from typing import Annotated

import typer

from riskcast.cli.evidence import OfOption
from riskcast.cli.options import Asked, JsonOption, NamedCase, asks, forecast_asked, one_scenario, print_json


@asks(case=NamedCase, without=("outside", "outside_weight", "prior_only"))
def learned(
    asked: Asked,
    of: OfOption = None,
    shown: Annotated[int, typer.Option(help="The most quantities to print.", min=1)] = 15,
    as_json: JsonOption = False,
) -> None:
    """What the record moved, where it and the priors pull apart, and which of the two scores lean on."""
    from riskcast.challenge.learning import report_learning
    from riskcast.challenge.targets import find_targets

    one_scenario(asked)
    request = asked.request()
    find_targets(request.case, request.periods, of or ())
    [ahead] = forecast_asked(request)
    found = report_learning(ahead, of)
    if as_json:
        from riskcast.challenge.plain_learning import learning_data

        print_json(learning_data(found))
    else:
        from riskcast.terminal.forecasts import make_console
        from riskcast.terminal.learning import learning_view

        make_console().print(learning_view(found, shown))
