"""Why a score or probability is what it is: Shapley values of indicators, recent events, what past events raised, and
tension."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case
from riskcast.case.quantities import Z90
from riskcast.errors import UnknownNameError
from riskcast.forecasting.contributions import Contribution, Split, ranked, splits_html
from riskcast.forecasting.draw_spread import parameter_basis, weighted_ends, without_chance
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.futures import Chance, draw_chance, simulate_futures
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
SCORE = "score"
# Numbers that are kept for intervals; panels with more go without.
MOST_KEPT = 1 << 25


@dataclass(frozen=True)
class Explanation:
    """Each dyad's score, the score at reference levels with nothing recent, and what makes up the difference; or, `of`
    an outcome, the same of its probability, in percent."""

    reference: dict[str, float]
    score: dict[str, float]
    contributions: dict[str, tuple[Contribution, ...]]
    of: str = SCORE

    def to_frame(self) -> pandas.DataFrame:
        """One row for each dyad and driver."""
        import pandas

        rows = [
            (d, c.id, c.label, c.kind, c.points, c.error, c.low, c.high)
            for d, own in self.contributions.items()
            for c in own
        ]
        columns = ["dyad", "driver", "label", "kind", "points", "error", "low", "high"]
        return pandas.DataFrame(rows, columns=columns).astype({"low": float, "high": float})

    def __repr__(self) -> str:
        strongest = [f"{d} {own[0].label} {signed(own[0].points)}" for d, own in self.contributions.items() if own]
        return f"<Explanation. Strongest drivers: {'; '.join(strongest[:MOST_NAMED])}{more(strongest)}>"

    def split(self, dyad: str) -> Split:
        """A dyad's score from reference levels to what it is."""
        names = ("reference levels, nothing recent", SCORE if self.of == SCORE else "probability, %")
        return Split(self.reference[dyad], self.score[dyad], names, self.contributions[dyad])

    def _repr_html_(self) -> str:
        whose = "the score" if self.of == SCORE else f"the probability of {self.of}, in percent"
        note = f"Shapley values, in points of {whose}: what each driver adds when its turn comes, over all orders."
        title = "What makes up the scores" if self.of == SCORE else f"What makes up the probability of {self.of}"
        return splits_html(title, self, "driver", note)


def explain(
    forecast: Forecast,
    of: str = SCORE,
    *,
    paths: int = PATHS,
    cells: int = BLOCK_CELLS,
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Shapley values of every dyad's score, or `of` the probability of an event type, against all indicators at
    reference and nothing recent.

    phi[j] is the mean, over orders in which the drivers are switched on, of what driver j adds when its turn comes
    (Shapley, 1953); here every simulated path draws its own order, balanced so that each driver stands as often at
    each place (Mitchell, Cooper, Frank and Holmes, 2022), and meets the same chance at every step. The contributions
    add up to the score less the reference score exactly; those of a probability are in percentage points. What past
    events have raised in a level is theirs, and not the indicator's; what events of the horizon raise is the
    indicator's. Every draw of the parameters has two paths: what they differ by is chance, and what is left of the
    spread between draws without it gives the 90 % interval of phi[j] over what is not known of the parameters. What
    numbers from outside do to an adjusted forecast is a contribution of its own. `cells`: how many numbers (paths times
    dyads) are simulated together, which bounds memory. Raises UnknownNameError for an unknown event type.
    """
    case, scenario = forecast.case, forecast.scenario
    check_explained(case, of)
    plan = forecast.plan
    players = [*_drivers(plan, forecast), *(f"{RECENT}:{event}" for event in _remembered(plan))]
    players += [f"{RAISED}:{event}" for event in _raised(plan)]
    players += _restless(plan)
    draws = max(1, min(paths // 2, plan.draws))
    turn = _turns(len(players), draws, forecast.seed)
    chosen = np.linspace(0, plan.draws, draws, endpoint=False).astype(int)
    per_block = max(1, cells // (2 * len(case.dyads)))
    gained, steps = [], draws * (len(players) + 1)
    for first in range(0, draws, per_block):
        part = slice(first, min(first + per_block, draws))
        block = Block(np.repeat(chosen[part], 2), 2 * first)
        chance, own = draw_chance(plan, scenario, block, keep=True), turn[2 * part.start : 2 * part.stop]
        rungs = []
        for rung in range(len(players) + 1):
            active = _switched_on(plan, players, own < rung)
            rungs.append(_values(forecast, of, chance, active))
            if progress is not None:
                progress(first * (len(players) + 1) + (part.stop - first) * (rung + 1), steps)
        gains = np.diff(np.array(rungs), axis=0)
        pairs = np.take_along_axis(gains, own.T[:, :, None], axis=0)
        gained.append(pairs.reshape(len(players), part.stop - first, 2, len(case.dyads)).astype(WORK))
    gains = np.concatenate(gained, axis=1)
    return _explanation(forecast, of, players, gains, chosen)


def check_explained(case: Case, of: str) -> None:
    """Raise UnknownNameError for what is neither the score nor an event type of the case."""
    if of != SCORE and of not in case.events:
        raise UnknownNameError("outcome", of, [SCORE, *case.events])


def _values(forecast: Forecast, of: str, chance: Chance, active: Active) -> Floats:
    """What is explained, on every path with some drivers switched on: (paths, dyads), in points of 100."""
    plan, scenario = forecast.plan, forecast.scenario
    if of == SCORE:
        return simulate_futures(plan, chance, scenario, active, score_only=True).score.astype(float)
    found = 100.0 * simulate_futures(plan, chance, scenario, active).probability[of].astype(float)
    return np.broadcast_to(found, (len(found), len(plan.case.dyads)))


def _turns(players: int, draws: int, seed: int) -> NDArray[np.int64]:
    """turn[path, player]: the orders of two paths of each draw, which know nothing of one another."""
    turn = np.empty((2 * draws, players), dtype=np.int64)
    for place, purpose in enumerate(("orders", "orders again")):
        turn[place::2] = _balanced_orders(players, draws, generator(seed, purpose))
    return turn


def _explanation(
    forecast: Forecast, of: str, players: list[str], gains: Floats, chosen: NDArray[np.int64]
) -> Explanation:
    """Contributions from what each driver adds on the two paths of each draw: gains (players, draws, 2, dyads)."""
    outside, simulated = forecast.outside, forecast.simulated
    full = simulated.mean_score if of == SCORE else 100.0 * simulated.headline(of)
    full = np.broadcast_to(full, (gains.shape[-1],))
    by_draw = gains.mean(axis=2, dtype=float)
    points, draws = by_draw.mean(axis=1), by_draw.shape[1]
    errors = by_draw.std(axis=1) / math.sqrt(draws)
    noise = np.square((gains[:, :, 0] - gains[:, :, 1]) / 2.0, dtype=float)
    given, contributions = np.zeros_like(full), {}
    if outside is not None and outside.acts:
        given = full - (outside.before.mean_score if of == SCORE else 100.0 * outside.before.headline(of))
    even, known = np.ones(draws), gains.size <= MOST_KEPT and draws > 1
    for dyad, column in zip(forecast.dyads, forecast.columns.tolist(), strict=True):
        basis = parameter_basis(forecast.plan.chances(np.array([column]))[0][chosen], even) if known else None
        ends: list[tuple[float, float] | None] = [
            None if basis is None else _ends(by_draw[place, :, column], noise[place, :, column], basis)
            for place in range(len(players))
        ]
        found = _contributions(forecast, players, points[:, column], errors[:, column], ends)
        if given[column]:
            found.append(Contribution("outside", "Numbers from outside", "outside", float(given[column]), 0.0))
        contributions[dyad] = ranked(found)
    columns = dict(zip(forecast.dyads, forecast.columns.tolist(), strict=True))
    return Explanation(
        {dyad: float(full[i] - given[i] - points[:, i].sum()) for dyad, i in columns.items()},
        {dyad: float(full[i]) for dyad, i in columns.items()},
        contributions,
        of,
    )


def _ends(values: Floats, noise: Floats, basis: Floats) -> tuple[float, float]:
    """The 90 % interval of a contribution given the parameters, no narrower than what paths leave in its mean."""
    even, mean = np.ones(len(values)), float(values.mean())
    low, high = weighted_ends(without_chance(values, noise, basis, even), even)
    blur = Z90 * math.sqrt(float(noise.mean()) / len(values))
    return min(low, mean - blur), max(high, mean + blur)


def _contributions(
    forecast: Forecast, players: list[str], points: Floats, errors: Floats, ends: list[tuple[float, float] | None]
) -> list[Contribution]:
    """One dyad's contributions."""
    case, found = forecast.case, []
    for player, value, error, own in zip(players, points.tolist(), errors.tolist(), ends, strict=True):
        kind, _, event = player.partition(":")
        if player == TENSION_TODAY:
            label, kind = "Tension today", "tension"
        elif event:
            label = f"{case.events[event].label} ({({RECENT: 'recent', RAISED: 'through what it raised'})[kind]})"
        else:
            label, kind = case.indicators[player].label, "indicator"
        low, high = own or (None, None)
        found.append(Contribution(player, label, kind, value, error, low=low, high=high))
    return found


def _drivers(plan: Plan, forecast: Forecast) -> list[str]:
    """Indicators that have an edge and can leave their reference level."""
    with_edge = _acting(plan)
    moved = {move.indicator for move in forecast.scenario.indicators}
    moved |= {child for child, _ in plan.passed_on} if moved else set()
    moved |= {*plan.drifting, *plan.raised, *(() if plan.derived is None else plan.derived.names)}
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
