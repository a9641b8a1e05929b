"""Why a score is what it is: Shapley values of indicators, recent events, what past events raised, and tension."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskcast.forecasting.contributions import Contribution, Split, contribution_rows, ranked, splits_html
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.futures import draw_chance, simulate_futures
from riskcast.forecasting.plan import Plan
from riskcast.forecasting.simulation import BLOCK_CELLS
from riskcast.forecasting.work_arrays import WORK, Active, Block
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import generator
from riskcast.names import RAISED, RECENT, TENSION_TODAY
from riskcast.numbers import MOST_NAMED, more, signed

if TYPE_CHECKING:
    import pandas

PATHS = 800


@dataclass(frozen=True)
class Explanation:
    """Each dyad's score, the score at reference levels with nothing recent, and what makes up the difference."""

    reference: dict[str, float]
    score: dict[str, float]
    contributions: dict[str, tuple[Contribution, ...]]

    def to_frame(self) -> pandas.DataFrame:
        """One row for each dyad and driver."""
        import pandas

        return pandas.DataFrame(contribution_rows(self), columns=["dyad", "driver", "label", "kind", "points", "error"])

    def __repr__(self) -> str:
        strongest = [f"{d} {own[0].label} {signed(own[0].points)}" for d, own in self.contributions.items() if own]
        return f"<Explanation. Strongest drivers: {'; '.join(strongest[:MOST_NAMED])}{more(strongest)}>"

    def split(self, dyad: str) -> Split:
        """A dyad's score from reference levels to what it is."""
        names = ("reference levels, nothing recent", "score")
        return Split(self.reference[dyad], self.score[dyad], names, self.contributions[dyad])

    def _repr_html_(self) -> str:
        note = "Shapley values, in points of the score: what each driver adds when its turn comes, over all orders."
        return splits_html("What makes up the scores", self, "driver", note)


def explain(
    forecast: Forecast,
    *,
    paths: int = PATHS,
    cells: int = BLOCK_CELLS,
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Shapley values of every dyad's score against all indicators at reference and nothing recent.

    phi[j] is the mean, over orders in which the drivers are switched on, of what driver j adds when its turn comes
    (Shapley, 1953); here every simulated path draws its own order, balanced so that each driver stands as often at
    each place (Mitchell, Cooper, Frank and Holmes, 2022), and meets the same chance at every step. The contributions
    add up to the score less the reference score exactly. What past events have raised in a level is theirs, and not the
    indicator's; what events of the horizon raise is the indicator's. `cells`: how many numbers (paths times dyads) are
    simulated together, which bounds memory.
    """
    case, scenario = forecast.case, forecast.scenario
    plan = forecast.plan
    players = [*_drivers(plan, forecast), *(f"{RECENT}:{event}" for event in _remembered(plan))]
    players += [f"{RAISED}:{event}" for event in _raised(plan)]
    players += _restless(plan)
    count = min(paths, plan.draws)
    turn = _balanced_orders(len(players), count, generator(forecast.seed, "orders"))
    chosen = np.linspace(0, plan.draws, count, endpoint=False).astype(int)
    per_block = max(1, cells // len(case.dyads))
    total = np.zeros((len(players), len(case.dyads)))
    squares = np.zeros_like(total)
    for first in range(0, count, per_block):
        part = slice(first, min(first + per_block, count))
        chance = draw_chance(plan, scenario, Block(chosen[part], first), keep=True)
        rungs = []
        for rung in range(len(players) + 1):
            active = _switched_on(plan, players, turn[part] < rung)
            rungs.append(simulate_futures(plan, chance, scenario, active, score_only=True).score.astype(float))
            if progress is not None:
                progress(first * (len(players) + 1) + len(chance.draw) * (rung + 1), count * (len(players) + 1))
        gains = np.diff(np.array(rungs), axis=0)
        own = np.take_along_axis(gains, turn[part].T[:, :, None], axis=0)
        total += own.sum(axis=1)
        squares += (own**2).sum(axis=1)
    points = total / count
    errors = np.sqrt(np.maximum(squares / count - points**2, 0.0) / count)
    full = forecast.simulated.mean_score
    columns = dict(zip(forecast.dyads, forecast.columns.tolist(), strict=True))
    return Explanation(
        {dyad: float(full[i] - points[:, i].sum()) for dyad, i in columns.items()},
        {dyad: float(full[i]) for dyad, i in columns.items()},
        {dyad: _ranked(forecast, players, points[:, i], errors[:, i]) for dyad, i in columns.items()},
    )


def _ranked(forecast: Forecast, players: list[str], points: Floats, errors: Floats) -> tuple[Contribution, ...]:
    """One dyad's contributions, the largest first."""
    case, found = forecast.case, []
    for player, value, error in zip(players, points.tolist(), errors.tolist(), strict=True):
        kind, _, event = player.partition(":")
        if player == TENSION_TODAY:
            found.append(Contribution(player, "Tension today", "tension", value, error))
        elif event:
            told = {RECENT: "recent", RAISED: "through what it raised"}[kind]
            found.append(Contribution(player, f"{case.events[event].label} ({told})", kind, value, error))
        else:
            found.append(Contribution(player, case.indicators[player].label, "indicator", value, error))
    return ranked(found)


def _drivers(plan: Plan, forecast: Forecast) -> list[str]:
    """Indicators that have an edge and can leave their reference level."""
    with_edge = _acting(plan)
    moved = {move.indicator for move in forecast.scenario.indicators}
    moved |= {child for child, _ in plan.passed_on} if moved else set()
    moved |= {*plan.drifting, *plan.raised}
    return [n for n in sorted(plan.case.indicators) if n in with_edge and (n in moved or plan.today[n].any())]


def _acting(plan: Plan) -> set[str]:
    """Indicators that act on a rate, or on how long an event is remembered."""
    slopes = {source for p in plan.events for source, _ in p.slopes}
    special = (edge.beyond for p in plan.events for edge in p.edges if edge.beyond is not None)
    return slopes | {name for beyond in special for name, _ in beyond.stretches}


def _switched_on(plan: Plan, players: list[str], on: NDArray[np.bool_]) -> Active:
    """The drivers that act on each path: on (paths, players)."""
    columns: dict[str, Floats] = dict(zip(players, on.T.astype(WORK), strict=True))
    off: Floats = np.zeros(len(on), dtype=WORK)
    return Active(
        {name: columns.get(name, off) for name in plan.case.indicators},
        {name: columns.get(f"{RECENT}:{name}", off) for name in plan.case.events},
        {name: columns.get(f"{RAISED}:{name}", off) for name in plan.case.events},
        tension=columns.get(TENSION_TODAY),
    )


def _raised(plan: Plan) -> list[str]:
    """Event types of which some indicator that acts still stands higher, or lower, at the start of the horizon."""
    with_edge = _acting(plan)
    acting = (rise for rise in plan.raises if rise.indicator in with_edge)
    left = {rise.source for rise in acting if (np.abs(rise.steps[:, None] * rise.left)).max(initial=0.0) > 1e-3}
    return [p.event for p in plan.events if p.event in left]


def _restless(plan: Plan) -> list[str]:
    """Today's tension, where any event type feels it."""
    felt = any(p.loading is not None and p.loading.any() for p in plan.events)
    return [TENSION_TODAY] if plan.tension is not None and felt else []


def _remembered(plan: Plan) -> list[str]:
    """Event types of which some memory is left at the start of the horizon, or that the running period has had."""
    edges = [edge for p in plan.events for edge in p.edges]
    left = {
        edge.source for edge in edges if np.abs(edge.memory.ahead(edge.start - edge.without)).max(initial=0.0) > 1e-3
    }
    left |= {edge.source for edge in edges if edge.source in plan.begun and plan.begun[edge.source].any()}
    return [p.event for p in plan.events if p.event in left]


def _balanced_orders(players: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """turn[path, player]: random orders in which every player stands equally often at every place."""
    turns: list[NDArray[np.int64]] = []
    while len(turns) < count:
        order = rng.permutation(players)
        turns.extend((order + shift) % max(players, 1) for shift in rng.permutation(max(players, 1)))
    return np.array(turns[:count], dtype=np.int64).reshape(count, players)
