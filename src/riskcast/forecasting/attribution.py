"""Why a score is what it is: Shapley values of indicators and recent events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskcast.case.periods import period_label, period_number
from riskcast.engines.hazard import Floats
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.simulation import BLOCK_CELLS, WORK, Active, Block, Plan, draw_chance, simulate_futures
from riskcast.machinery.random_streams import generator
from riskcast.names import ALL_DYADS, RECENT
from riskcast.numbers import MOST_NAMED, html_table, more, signed

if TYPE_CHECKING:
    import pandas

PATHS = 800
MOST_SHOWN = 5


@dataclass(frozen=True)
class Contribution:
    """How many score points of a dyad are due to one driver; `error` is the Monte Carlo standard error."""

    driver: str
    label: str
    kind: str
    points: float
    error: float


@dataclass(frozen=True)
class Explanation:
    """Each dyad's score, the score at reference levels with nothing recent, and what makes up the difference."""

    reference: dict[str, float]
    score: dict[str, float]
    contributions: dict[str, tuple[Contribution, ...]]

    def to_frame(self) -> pandas.DataFrame:
        """One row for each dyad and driver."""
        import pandas

        rows = [(d, c.driver, c.label, c.kind, c.points, c.error) for d, own in self.contributions.items() for c in own]
        return pandas.DataFrame(rows, columns=["dyad", "driver", "label", "kind", "points", "error"])

    def __repr__(self) -> str:
        strongest = [f"{d} {own[0].label} {signed(own[0].points)}" for d, own in self.contributions.items() if own]
        return f"<Explanation. Strongest drivers: {'; '.join(strongest[:MOST_NAMED])}{more(strongest)}>"

    def _repr_html_(self) -> str:
        rows = []
        for dyad, own in self.contributions.items():
            rows.append((dyad, "reference levels, nothing recent", f"{self.reference[dyad]:.1f}"))
            rows += [("", c.label, signed(c.points)) for c in own[:MOST_SHOWN]]
            if own[MOST_SHOWN:]:
                rest = signed(sum(c.points for c in own[MOST_SHOWN:]))
                rows.append(("", f"{len(own) - MOST_SHOWN} others", rest))
            rows.append(("", "score", f"{self.score[dyad]:.1f}"))
        note = "Shapley values, in points of the score: what each driver adds when its turn comes, over all orders."
        return html_table("What makes up the scores", ("dyad", "driver", "points"), rows, note, texts=2, most=80)


def explain(
    forecast: Forecast, *, paths: int = PATHS, progress: Callable[[int, int], None] | None = None
) -> Explanation:
    """Shapley values of every dyad's score against all indicators at reference and nothing recent.

    phi[j] is the mean, over orders in which the drivers are switched on, of what driver j adds when its turn comes
    (Shapley, 1953); here every simulated path draws its own order, balanced so that each driver stands as often at
    each place (Mitchell, Cooper, Frank and Holmes, 2022), and meets the same chance at every step. The contributions
    add up to the score less the reference score exactly.
    """
    case, scenario = forecast.case, forecast.scenario
    plan = forecast.plan
    players = [*_drivers(plan, forecast), *(f"{RECENT}:{event}" for event in _remembered(plan))]
    count = min(paths, plan.draws)
    turn = _balanced_orders(len(players), count, generator(forecast.seed, "orders"))
    chosen = np.linspace(0, plan.draws, count, endpoint=False).astype(int)
    per_block = max(1, BLOCK_CELLS // len(case.dyads))
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
    full = forecast.simulated.score.mean(axis=0)
    columns = {dyad: case.dyads.index(dyad) for dyad in forecast.dyads}
    return Explanation(
        {dyad: float(full[i] - points[:, i].sum()) for dyad, i in columns.items()},
        {dyad: float(full[i]) for dyad, i in columns.items()},
        {dyad: _ranked(forecast, players, points[:, i], errors[:, i]) for dyad, i in columns.items()},
    )


def _ranked(forecast: Forecast, players: list[str], points: Floats, errors: Floats) -> tuple[Contribution, ...]:
    """One dyad's contributions, the largest first."""
    case, found = forecast.case, []
    for player, value, error in zip(players, points.tolist(), errors.tolist(), strict=True):
        event = player.removeprefix(f"{RECENT}:")
        if event != player:
            found.append(Contribution(player, f"{case.events[event].label} (recent)", "recent", value, error))
        else:
            found.append(Contribution(player, case.indicators[player].label, "indicator", value, error))
    return tuple(sorted(found, key=lambda contribution: -abs(contribution.points)))


def _drivers(plan: Plan, forecast: Forecast) -> list[str]:
    """Indicators that have an edge and can leave their reference level."""
    with_edge = {source for p in plan.events for source, _ in p.slopes}
    moved = {move.indicator for move in forecast.scenario.indicators}
    moved |= {child for child, _ in plan.passed_on} if moved else set()
    return [
        n
        for n in sorted(plan.case.indicators)
        if n in with_edge and (n in moved or plan.today[n].any() or plan.drift[n].any())
    ]


def _switched_on(plan: Plan, players: list[str], on: NDArray[np.bool_]) -> Active:
    """The drivers that act on each path: on (paths, players)."""
    columns: dict[str, Floats] = dict(zip(players, on.T.astype(WORK), strict=True))
    off: Floats = np.zeros(len(on), dtype=WORK)
    return Active(
        {name: columns.get(name, off) for name in plan.case.indicators},
        {name: columns.get(f"{RECENT}:{name}", off) for name in plan.case.events},
    )


def _remembered(plan: Plan) -> list[str]:
    """Event types of which some memory is left at the start of the horizon."""
    left = {edge.source for p in plan.events for edge in p.edges if edge.start.max(initial=0.0) > 1e-3}
    return [p.event for p in plan.events if p.event in left]


def _balanced_orders(players: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """turn[path, player]: random orders in which every player stands equally often at every place."""
    turns: list[NDArray[np.int64]] = []
    while len(turns) < count:
        order = rng.permutation(players)
        turns.extend((order + shift) % max(players, 1) for shift in rng.permutation(max(players, 1)))
    return np.array(turns[:count], dtype=np.int64).reshape(count, players)


@dataclass(frozen=True)
class _PastEvent:
    """An event of the record: its type, where it happened, when (as people write it), periods ago, description."""

    type: str
    where: str
    when: str
    gap: int
    description: str


def _past_events(posterior: Posterior) -> list[_PastEvent]:
    """The events of the record, the freshest first."""
    case, timeline = posterior.case, posterior.record.timeline
    if case.panel is None:
        rows = [row for row in case.event_rows if row.type in case.events and row.known_on <= case.as_of]
        rows = sorted(rows, key=lambda row: row.placed_on, reverse=True)
        shown = {"day": 10, "month": 7, "year": 4}
        days = [str(row.date)[: shown[row.precision]] for row in rows]
        gaps = [timeline.length - 1 - timeline.index(row.placed_on) for row in rows]
        return [
            _PastEvent(r.type, r.dyad, day, gap, r.description) for r, day, gap in zip(rows, days, gaps, strict=True)
        ]
    last = period_number(case.as_of, case.settings.period)
    found = []
    for name, occurred in posterior.record.occurred.items():
        for period, unit in np.argwhere(occurred > 0).tolist():
            gap = timeline.length - 1 - period
            when = period_label(last - gap, case.settings.period)
            found.append(_PastEvent(name, case.units(name)[unit], when, gap, ""))
    return sorted(found, key=lambda event: event.gap)


def _sees(whose: str | None, where: str, dyad: str) -> bool:
    """Whether an edge counts an event of one dyad (or of all, or of the host) for another."""
    if whose in ("any", "host") or where == ALL_DYADS:
        return True
    if where == dyad or whose == "own":
        return where == dyad and whose == "own"
    return not set(where.split("-")).isdisjoint(dyad.split("-"))


class RememberedEvents(list[tuple[str, str, str]]):
    """Past events that are still remembered, the freshest first: day, share of a fresh event that is left, description.

    `whose`: the dyad whose event types remember them.
    """

    def __init__(self, rows: Iterable[tuple[str, str, str]], whose: str) -> None:
        super().__init__(rows)
        self.whose = whose

    def to_frame(self) -> pandas.DataFrame:
        """One row for each event: columns day (as exact as known), left (percent of a fresh event), event."""
        import pandas

        rows = [(day, float(left.removesuffix(" %")), text) for day, left, text in self]
        return pandas.DataFrame(rows, columns=["day", "left", "event"])

    def _repr_html_(self) -> str:
        rows = [(day, text, left) for day, left, text in self]
        note = "Left: what remains of a fresh event's effect, at the longest half-life of the edges from its type."
        return html_table(f"Events that {self.whose} remembers", ("day", "event", "left"), rows, note, texts=2)


def remembered_events(posterior: Posterior, dyad: str, least: float = 0.05) -> RememberedEvents:
    """Past events that a dyad's event types still remember: day, share of a fresh event that is left, description.

    The share is 2^(-gap / half-life), at the largest median half-life of the edges that start from the event's type;
    events of other dyads count where an edge lets them spill over. Freshest first.
    """
    case, found = posterior.case, list[tuple[str, str, str]]()
    half_lives = {
        (edge.target, edge.memory): float(np.median(posterior.events[edge.target].hyper[f"half_life.{edge.memory}"]))
        for edge in case.effects
        if edge.is_escalation
    }
    for event in _past_events(posterior):
        edges = [e for e in case.effects if e.source == event.type and _sees(e.whose, event.where, dyad)]
        if not edges:
            continue
        left = 2.0 ** (-event.gap / max(half_lives[e.target, e.memory] for e in edges))
        if left >= least:
            own = event.where in (dyad, ALL_DYADS, case.host)
            where = "" if own else f"{event.where}: "
            text = f"{where}{case.events[event.type].label}. {event.description}".rstrip()
            found.append((event.when, f"{100 * left:.0f} %", text))
    return RememberedEvents(found, dyad)
