"""The command that tells the record again without some of its events."""

from __future__ import annotations

from typing import Annotated

import typer

from riskcast.cli.options import (
    Asked,
    AsOfOption,
    DrawsOption,
    EngineOption,
    JsonOption,
    NamedCase,
    OverlayOption,
    PriorOnlyOption,
    SeedOption,
    UnreliableOption,
    fit_asked,
    print_json,
    progress,
)
from riskcast.engines.registry import DEFAULT_ENGINE

WithoutOption = Annotated[
    list[str],
    typer.Option(
        "--without",
        metavar="DATE:TYPE[:UNIT]",
        help="An event of the record that had not happened, such as 2024-03-22:mass_casualty_attack; repeatable.",
    ),
]


def counterfactual(
    case: NamedCase,
    without: WithoutOption,
    overlay: OverlayOption = None,
    as_of: AsOfOption = None,
    draws: DrawsOption = 1000,
    paths: Annotated[int, typer.Option(help="Worlds of each draw.")] = 4,
    seed: SeedOption = 1,
    engine: EngineOption = DEFAULT_ENGINE,
    prior_only: PriorOnlyOption = False,
    allow_unreliable: UnreliableOption = False,
    as_json: JsonOption = False,
) -> None:
    """What of the record had happened without some of its events, given all that did happen."""
    from riskcast.challenge.removals import find_removed
    from riskcast.challenge.retelling import check_paths, retell

    asked = Asked(
        case=case,
        overlay=overlay,
        as_of=as_of,
        draws=draws,
        seed=seed,
        engine=engine,
        prior_only=prior_only,
        allow_unreliable=allow_unreliable,
    )
    request = asked.request()
    check_paths(paths)
    find_removed(request.case, without)
    posterior = fit_asked(request)
    with progress("Going through worlds") as report:
        found = retell(posterior, without, paths=paths, progress=report)
    if as_json:
        from riskcast.exports.counterfactual_data import counterfactual_data

        print_json(counterfactual_data(found))
    else:
        from riskcast.terminal.counterfactual import counterfactual_view
        from riskcast.terminal.forecasts import make_console

        make_console().print(counterfactual_view(found))
