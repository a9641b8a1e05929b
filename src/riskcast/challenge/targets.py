"""What a belief can matter for: scores, probabilities of outcomes, and what queries ask, draw by draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case, Scenario
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.attribution import SCORE, check_explained
from riskcast.forecasting.closed_form import is_closed, solve
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.plan import Plan
from riskcast.forecasting.query_names import read_ahead
from riskcast.forecasting.query_terms import Term
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.simulation import BLOCK_CELLS, PATHS, Simulated, simulate
from riskcast.forecasting.watched_paths import watched_paths
from riskcast.machinery.array_types import Floats

QUERY = "P("
# Of more dyads, a target must name its own.
MOST_TARGETS = 600


@dataclass(frozen=True)
class Target:
    """A number that beliefs can move, in points of 100.

    id: what it goes by, `score:RUS-TJK`, `demarche:RUS-TJK`, or a query; event: the event type, empty for a score or a
    query; unit: the dyad or the host, empty for a query that names its own; term: what a query asks.
    """

    id: str
    event: str
    unit: str
    term: Term | None = None


def find_targets(case: Case, horizon: int, of: Iterable[str] = ()) -> tuple[Target, ...]:
    """What is asked for, in order; all scores where nothing is.

    Each is `score` or an event type, of all that have one or with `:` and whose; or a query without condition as
    `ask` takes it, such as `P(demarche by month 3)`. Raises UnknownNameError for an unknown event type or dyad,
    QueryError for a query that cannot be read, and OptionError for one with a condition.

    >>> from riskcast import load_case
    >>> [t.id for t in find_targets(load_case("central_asia_2024"), 12, ["demarche:RUS-TJK", "restrictive_act"])]
    ['demarche:RUS-TJK', 'restrictive_act:RUS']
    """
    found: dict[str, Target] = {}
    for text in of or (SCORE,):
        for target in _queried(case, horizon, text) if text.strip().startswith(QUERY) else _named(case, text):
            found[target.id] = target
    if len(found) > MOST_TARGETS:
        raise OptionError(f"{len(found):,} numbers are asked for, at most {MOST_TARGETS}; name dyads, as in score:DYAD")
    return tuple(found.values())


def _named(case: Case, text: str) -> list[Target]:
    name, _, unit = text.strip().partition(":")
    check_explained(case, name)
    event = "" if name == SCORE else name
    units = case.units(event) if event else case.dyads
    if unit and unit not in units:
        raise UnknownNameError("dyad" if len(units) > 1 else "unit", unit, units)
    return [Target(f"{name}:{one}", event, one) for one in ([unit] if unit else units)]


def _queried(case: Case, horizon: int, text: str) -> list[Target]:
    query, dyads = read_ahead(case, horizon, text)
    if query.given is not None:
        raise OptionError(f"{text} has a condition, which no belief is held against; leave out what stands after |")
    if not query.is_open:
        return [Target(query.text, "", "", query.event)]
    return [Target(f"{query.text}:{dyad}", "", dyad, query.about(dyad).event) for dyad in dyads]


def values_of(
    posterior: Posterior,
    plan: Plan,
    scenario: str | Scenario | None,
    horizon: int,
    paths: int,
    targets: Sequence[Target],
) -> Floats:
    """Every target's value given each draw, over so many futures of it: (draws, targets), in points of 100."""
    _, assumed = resolve_scenario(posterior.case, scenario)
    simulated = solve(plan, assumed, BLOCK_CELLS) if is_closed(plan) else simulate(plan, assumed, paths)
    asked = [target for target in targets if target.term is not None]
    held: dict[str, Floats] = {}
    if asked:
        held = shares_of(ahead_of(posterior, plan, scenario, horizon, simulated), asked, paths or PATHS)
    columns = []
    for target in targets:
        if target.term is not None:
            columns.append(held[target.id])
        elif target.event:
            place = posterior.case.units(target.event).index(target.unit)
            columns.append(100.0 * simulated.probability[target.event][:, place])
        else:
            columns.append(simulated.score[:, posterior.case.dyads.index(target.unit)])
    return np.stack(columns, axis=1).astype(float)


def ahead_of(
    posterior: Posterior, plan: Plan, scenario: str | Scenario | None, horizon: int, simulated: Simulated
) -> Forecast:
    """The forecast that a plan's simulation is, so that its futures can be watched."""
    name, assumed = resolve_scenario(posterior.case, scenario)
    return Forecast(posterior, name, assumed, horizon, simulated.paths, plan.seed, plan, simulated, True)


def shares_of(ahead: Forecast, asked: Sequence[Target], paths: int) -> dict[str, Floats]:
    """On how many of a draw's futures every query holds, in percent."""
    terms = [target.term for target in asked if target.term is not None]
    out = np.zeros((len(asked), ahead.plan.draws))
    for draws, record in watched_paths(ahead, terms, 0, paths, BLOCK_CELLS, None):
        for place, term in enumerate(terms):
            out[place, draws] = 100.0 * record.holds(term).reshape(draws.stop - draws.start, -1).mean(axis=1)
    return {target.id: own for target, own in zip(asked, out, strict=True)}
