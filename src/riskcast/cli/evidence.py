"""The command that tells which belief is worth looking into: evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from riskcast.cli.options import Asked, JsonOption, NamedCase, asks, forecast_asked, one_scenario, print_json, progress
from riskcast.errors import OptionError

OfOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NUMBER",
        help='score, an outcome, of one dyad (score:RUS-TJK), or a query such as "P(demarche by month 3)"; repeatable.',
        show_default="all scores",
    ),
]


@asks(case=NamedCase, without=("outside", "outside_weight"))
def evidence(
    asked: Asked,
    of: OfOption = None,
    cost: Annotated[float | None, typer.Option(help="What it costs to act; with --loss.")] = None,
    loss: Annotated[float | None, typer.Option(help="What it costs not to act, if it happens.")] = None,
    shown: Annotated[int, typer.Option(help="The most beliefs of each kind to print.", min=1)] = 10,
    placebos: Annotated[bool, typer.Option(help="Look for effects that move nothing.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Which belief is worth looking into: what knowing it would do to scores, bands and losses."""
    from riskcast.challenge.evidence import value_evidence
    from riskcast.challenge.loss_rules import LossRule
    from riskcast.challenge.targets import find_targets

    one_scenario(asked)
    if (cost is None) != (loss is None):
        raise OptionError("a rule needs both numbers; give --cost and --loss, such as --cost 1 --loss 4")
    rule = None if cost is None or loss is None else LossRule(cost, loss)
    request = asked.request()
    find_targets(request.case, request.periods, of or ())
    [ahead] = forecast_asked(request)
    with progress("Weighing beliefs") as report:
        found = value_evidence(ahead, of, rule=rule, placebos=placebos, progress=report)
    if as_json:
        from riskcast.challenge.plain_evidence import evidence_data

        print_json(evidence_data(found))
    else:
        from riskcast.terminal.evidence import evidence_view
        from riskcast.terminal.forecasts import make_console

        make_console().print(evidence_view(found, shown))
