"""Why a score is what it is: Shapley values of indicators and recent events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from riskcast.forecasting import Forecast
from riskcast.names import ALL_DYADS, RECENT
from riskcast.posterior import Posterior
from riskcast.simulation import Active, Plan, plan_simulation, simulate
from riskcast.streams import generator

if TYPE_CHECKING:
    import pandas

PATHS = 1200


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


def explain(forecast: Forecast, *, paths: int = PATHS, progress: Callable[[int, int], None] | None = None) -> Explanation:
    """Shapley values of every dyad's score against all indicators at reference and nothing recent.

    phi[j] is the mean, over orders in which the drivers are switched on, of what driver j adds when its turn comes
    (Shapley, 1953); here every simulated path draws its own order, orders being balanced so that each driver stands
    as often at each place (Mitchell, Cooper, Frank and Holmes, 2022). Contributions add up to the difference between
    the score and the reference score exactly: what sampling leaves open is shared in proportion to each driver's
    sampling variance.
    """
    case = forecast.case
    plan = plan_simulation(forecast.posterior, forecast.horizon, forecast.seed)
    recent = _remembered(plan)
    players = [name for name in case.indicators if _matters(plan, forecast, name)] + [f"{RECENT}:{e}" for e in recent]
    full = forecast.simulated.score.mean(axis=0)
    nothing = Active({n: np.zeros(1) for n in case.indicators}, {e: np.zeros(1) for e in case.events})
    reference = simulate(plan, forecast.scenario, forecast.paths, _spread(nothing, plan.draws * forecast.paths))
    start = reference.score.mean(axis=0)
    dyads = len(case.dyads)
    if not players:
        return _assemble(forecast, [], start, full, np.zeros((0, dyads)), np.zeros((0, dyads)))

    count = min(paths, plan.draws)
    few = _thin(plan, count)
    turn = _balanced_orders(len(players), count, generator(forecast.seed, "orders"))
    rungs = []
    for rung in range(len(players) + 1):
        on = turn < rung
        active = Active(
            {n: _column(on, players, n, count) for n in case.indicators},
            {e: _column(on, players, f"{RECENT}:{e}", count) for e in case.events},
        )
        rungs.append(simulate(few, forecast.scenario, 1, active).score)
        if progress is not None:
            progress(rung + 1, len(players) + 1)
    gains = np.diff(np.array(rungs), axis=0)
    own = np.take_along_axis(gains, turn.T[:, :, None], axis=0)
    points = own.mean(axis=1)
    variance = own.var(axis=1) / count
    return _assemble(forecast, players, start, full, points, variance)


def _assemble(
    forecast: Forecast,
    players: list[str],
    start: np.ndarray,
    full: np.ndarray,
    points: np.ndarray,
    variance: np.ndarray,
) -> Explanation:
    case = forecast.case
    total = variance.sum(axis=0)
    share = np.divide(variance, total, out=np.full_like(variance, 1.0 / max(len(players), 1)), where=total > 0)
    points = points + share * (full - start - points.sum(axis=0))
    contributions = {}
    for column, dyad in enumerate(case.dyads):
        found = []
        for row, player in enumerate(players):
            event = player.removeprefix(f"{RECENT}:")
            is_recent = event != player
            label = f"Recent: {case.events[event].label.lower()}" if is_recent else case.indicators[player].label
            kind = "recent" if is_recent else "indicator"
            error = float(np.sqrt(variance[row, column]))
            found.append(Contribution(player, label, kind, float(points[row, column]), error))
        contributions[dyad] = tuple(sorted(found, key=lambda c: -abs(c.points)))
    return Explanation(
        dict(zip(case.dyads, start.tolist(), strict=True)),
        dict(zip(case.dyads, full.tolist(), strict=True)),
        contributions,
    )


def _matters(plan: Plan, forecast: Forecast, name: str) -> bool:
    """Whether an indicator has an edge and can leave its reference level."""
    has_edge = any(source == name for p in plan.events for source, _ in p.slopes)
    moved = any(move.indicator == name for move in forecast.scenario.indicators) or any(
        name in forecast.case.indicators and parent for (child, parent) in plan.passed_on if child == name
    )
    return has_edge and bool(plan.today[name].any() or plan.drift[name].any() or moved)


def _remembered(plan: Plan) -> list[str]:
    """Event types of which some memory is left at the start of the horizon."""
    left = {edge.source for p in plan.events for edge in p.edges if edge.start.max(initial=0.0) > 1e-3}
    return [p.event for p in plan.events if p.event in left]


def _column(on: np.ndarray, players: list[str], name: str, count: int) -> np.ndarray:
    return on[:, players.index(name)].astype(float) if name in players else np.zeros(count)


def _spread(active: Active, count: int) -> Active:
    return Active(
        {k: np.repeat(v, count) for k, v in active.indicators.items()},
        {k: np.repeat(v, count) for k, v in active.recent.items()},
    )


def _balanced_orders(players: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """turn[path, player]: random orders in which every player stands equally often at every place."""
    turns = []
    while len(turns) < count:
        order = rng.permutation(players)
        turns.extend((order + shift) % players for shift in rng.permutation(players))
    return np.array(turns[:count])


def _thin(plan: Plan, count: int) -> Plan:
    """The plan with `count` of its parameter draws, evenly spread."""
    chosen = np.linspace(0, plan.draws - 1, count).astype(int)

    def cut(values: np.ndarray) -> np.ndarray:
        return values[chosen]

    events = tuple(
        replace(
            p,
            base=cut(p.base),
            slopes=tuple((name, cut(slope)) for name, slope in p.slopes),
            edges=tuple(replace(e, gain=cut(e.gain), decay=cut(e.decay), start=cut(e.start)) for e in p.edges),
            last_shock=cut(p.last_shock),
            sd_time=cut(p.sd_time),
            persistence=cut(p.persistence),
        )
        for p in plan.events
    )
    return replace(
        plan,
        events=events,
        today={k: cut(v) for k, v in plan.today.items()},
        drift={k: cut(v) for k, v in plan.drift.items()},
        passed_on={k: cut(v) for k, v in plan.passed_on.items()},
        draws=count,
    )


def remembered_events(posterior: Posterior, dyad: str, least: float = 0.05) -> list[tuple[str, str, str]]:
    """Past events that a dyad's event types still remember: day, share of a fresh event that is left, description.

    The share is 2^(-gap / half-life), at the largest median half-life of the edges that start from the event's type;
    events of other dyads count where an edge lets them spill over. Freshest first.
    """
    case, timeline = posterior.case, posterior.record.timeline
    found = []
    for row in case.event_rows:
        if row.type not in case.events or row.known_on > case.as_of:
            continue
        own = row.dyad in (dyad, ALL_DYADS, case.host)
        edges = [e for e in case.effects if e.source == row.type and (own or e.whose in ("others", "any"))]
        half_lives = [float(np.median(posterior.events[e.target].hyper[f"half_life.{e.memory}"])) for e in edges]
        if not half_lives:
            continue
        gap = timeline.length - 1 - timeline.index(row.placed_on)
        left = 2.0 ** (-gap / max(half_lives))
        if left >= least:
            where = "" if own else f"{row.dyad}: "
            text = f"{where}{case.events[row.type].label}. {row.description}"
            found.append((row.placed_on, (str(row.date), f"{100 * left:.0f} %", text)))
    return [shown for _, shown in sorted(found, key=lambda item: item[0], reverse=True)]
