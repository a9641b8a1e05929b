"""The least surprising change of beliefs that brings a conclusion down, and other ways there.

In standard normal scores z of the priors, what is asked is the point nearest to 0 at which a goal is reached: the
design point of the first-order reliability method (Hasofer and Lind, 1974). Its density is exp(-|z|^2 / 2) of that at
the medians. The tornado tells what each quantity does at both ends of its interval; sums of parabolas through these
propose points, and through these and the medians better ones. Forecasts with all of a way's quantities held check them
and set how far along one has to go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from riskcast.case.quantities import Z90, Prior
from riskcast.case.quantity_ids import LEVEL, parse_id
from riskcast.case.quantity_names import name_quantity
from riskcast.challenge.ends import Setup, TaskRun, open_kept
from riskcast.challenge.event_ways import EventWay
from riskcast.challenge.goals import Goal, read_goal
from riskcast.challenge.nearest import farthest_point, nearest_point
from riskcast.challenge.sensitivities import PATHS, find_sensitivities
from riskcast.challenge.sensitivity_records import Sensitivities
from riskcast.challenge.walks import NEAR, hold_median, priors_of, walk, watch_events
from riskcast.challenge.way_records import Move, Way, Ways
from riskcast.forecasting.requests import Request
from riskcast.machinery.array_types import Floats
from riskcast.machinery.checkpoints import Finished

# A way holds so many quantities; those that are moved by less than this share of the largest move are left alone.
MOST_MOVES, LEAST_MOVE = 8, 0.1


def find_ways(
    request: Request,
    goal: str,
    *,
    quantities: Iterable[str] | None = None,
    paths: int = PATHS,
    workers_count: int | None = None,
    cluster: str | None = None,
    cache: str | Path | None = None,
    use_cache: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Ways:
    """A reverse stress test: the least surprising beliefs, and the most probable events, that reach a goal.

    goal: such as `score:RUS-TJK > 60`, see `read_goal`. All quantities that are not fixed are free, or those in
    `quantities`. Told are the way with all of them, ways with those of one kind alone, one without the largest moves of
    the first, and the single belief that comes farthest; each is forecast with its beliefs held and the rest relearned.
    Of a goal that is reached already, none is. Other parameters and errors as for `find_sensitivities`, whose results
    are used and kept, as ways and events are; `progress` hears of quantities, and then of ways and events.
    """
    aim = read_goal(request.case, request.periods, goal)
    found = find_sensitivities(
        request,
        [target.id for target in aim.targets],
        quantities=quantities,
        paths=paths,
        pairs=0,
        workers_count=workers_count,
        cluster=cluster,
        cache=cache,
        use_cache=use_cache,
        progress=progress,
    )
    is_reached = bool(aim.is_reached(found.base))
    ways, refused, events = (), {}, ()
    if not is_reached:
        setup = Setup(request, aim.targets, request.draws, paths)
        run = TaskRun(setup, workers_count, cluster, progress or (lambda done, total: None))
        with open_kept(setup, cache) if use_cache else nullcontext() as run.checkpoints:
            search = _Search(run, aim, priors_of(request.case), found)
            ways, refused = search.ways()
            events = search.events()
    return Ways(
        case=request.case,
        scenario=found.scenario,
        horizon=found.horizon,
        goal=aim,
        values=tuple(found.base.tolist()),
        errors=tuple(found.base_error.tolist()),
        is_reached=is_reached,
        ways=ways,
        refused=refused,
        events=events,
        draws=request.draws,
        paths=paths,
        warning=found.warning,
        made=found.made,
    )


@dataclass(frozen=True)
class _Search:
    run: TaskRun
    goal: Goal
    priors: Mapping[str, Prior]
    found: Sensitivities

    @property
    def short(self) -> float:
        """What is missing, and a little more, so that the goal is there and not all but there."""
        return 0.5 * NEAR - float(self.goal.gap(self.found.base))

    def ways(self) -> tuple[tuple[Way, ...], Mapping[str, str]]:
        """Ways that hold different beliefs, the least surprising first, then those that do not get there, the nearest
        first; and why some are none."""
        told = [key for row, key in enumerate(self.found.quantities) if self.found.told[row].any()]
        if not told:
            return (), {}
        asked = {"all beliefs": self._chosen(told), "one belief alone": [min(told, key=self._lacks)]}
        for name, kind in _KINDS.items():
            own = [key for key in told if kind(key)]
            if 0 < len(own) < len(told):
                asked[name] = self._chosen(own)
        made = self._walk({name: keys for name, keys in asked.items() if keys})
        whole = made.get("all beliefs")
        largest = {move.quantity for move in whole.moves[:3]} if isinstance(whole, Way) else set()
        rest = [key for key in told if key not in largest]
        others = self._chosen(rest) if largest and rest else []
        if others:
            made = {"all beliefs": made["all beliefs"], **self._walk({_OTHERS: others}), **made}
        distinct: dict[frozenset[str], Way] = {}
        for way in made.values():
            if isinstance(way, Way):
                distinct.setdefault(frozenset(move.quantity for move in way.moves), way)
        ways = sorted(distinct.values(), key=self._order)
        return tuple(ways), {name: why for name, why in made.items() if isinstance(why, str)}

    def _order(self, way: Way) -> tuple[bool, float]:
        return not way.is_there, way.distance if way.is_there else -float(self.goal.gap(np.array(way.values)))

    def events(self) -> tuple[EventWay, ...]:
        """Ways by events."""
        key = f"events to {self.goal.text}"
        done = self.run.finish(watch_events, {key: (self.run.setup, self.goal)})[key]
        numbers = ("chance", "error", "reached", "reached_error")
        return tuple(
            EventWay(
                tuple((event, unit, happens) for event, unit, happens in way["events"]),
                *(float(way[name]) for name in numbers),
            )
            for way in done.facts["ways"]
        )

    def _walk(self, asked: Mapping[str, Sequence[str]]) -> dict[str, Way | str]:
        """Ways that hold some quantities, by name; or why one could not be forecast."""
        setup, goal = self.run.setup, self.goal
        every = list(dict.fromkeys(key for keys in asked.values() for key in keys))
        held = self.run.finish(
            hold_median, {f"{key} at its median for {goal.text}": (setup, goal, key) for key in every}
        )
        medians = {key: float(one.facts.get("median", 0.0)) for key, one in zip(every, held.values(), strict=True)}
        tasks = {}
        for name, keys in asked.items():
            slope, bend = self._curves(keys, medians)
            start = sum(medians[key] for key in keys)
            short = max(self.short - start, 0.1 * NEAR)
            z = nearest_point(slope, bend, short)
            # As far as all may go: it may be there all the same, as beliefs act together.
            z = farthest_point(slope, bend) if z is None else z
            tasks[name] = (setup, goal, list(keys), z.tolist(), start + float(goal.gap(self.found.base)))
        kept = {name: f"{goal.text} by {task[2]} at {np.round(task[3], 6).tolist()}" for name, task in tasks.items()}
        done = self.run.finish(walk, {kept[name]: task for name, task in tasks.items()})
        return {name: self._told(name, asked[name], done[kept[name]]) for name in asked}

    def _curves(self, keys: Sequence[str], medians: Mapping[str, float] | None = None) -> tuple[Floats, Floats]:
        """Slope and bend of what each quantity does to the gap: parabolas through both ends and its median, for which
        where the targets stand stands in until it is known."""
        rows = [self.found.quantities.index(key) for key in keys]
        middle = np.array([0.0 if medians is None else medians[key] for key in keys])
        nothing = self.goal.gap(self.found.base)
        low, high = (
            np.array([self.goal.gap(self.found.base + ends[row]) - nothing for row in rows])
            for ends in (self.found.low, self.found.high)
        )
        return (high - low) / (2.0 * Z90), (high + low - 2.0 * middle) / (2.0 * Z90**2)

    def _chosen(self, keys: Sequence[str]) -> list[str]:
        """The quantities that a way moves when some are free."""
        slope, bend = self._curves(keys)
        z = nearest_point(slope, bend, self.short)
        if z is None:
            z = farthest_point(slope, bend)
            gains = slope * z + bend * z**2
            return [keys[i] for i in np.argsort(-gains, kind="stable")[:MOST_MOVES].tolist() if gains[i] > 0.0]
        size = np.abs(z)
        kept = np.flatnonzero((size > 0.0) & (size >= LEAST_MOVE * size.max(initial=0.0)))
        return [keys[i] for i in kept[np.argsort(-size[kept], kind="stable")][:MOST_MOVES].tolist()]

    def _lacks(self, key: str) -> tuple[float, float]:
        """What one belief alone leaves missing at the best, and how far that is away."""
        slope, bend = self._curves([key])
        z, far = nearest_point(slope, bend, self.short), farthest_point(slope, bend)
        if z is not None:
            return 0.0, float(np.abs(z[0]))
        return self.short - float((slope * far + bend * far**2)[0]), float(np.abs(far[0]))

    def _told(self, name: str, keys: Sequence[str], done: Finished) -> Way | str:
        facts: Mapping[str, Any] = done.facts
        if "refused" in facts:
            return f"could not be held: {facts['refused']}"
        gain = facts["gap"] - float(self.goal.gap(self.found.base))
        if gain <= 0.0:
            return "held together, these beliefs lead away from it, though each alone leads there"
        case, z = self.found.case, [float(one) for one in facts["z"]]
        moves = [
            Move(key, name_quantity(case, key).label, *(float(self.priors[key].quantile(at)) for at in (0.0, one)), one)
            for key, one in zip(keys, z, strict=True)
        ]
        distance = math.sqrt(sum(one**2 for one in z))
        within_chance = abs(facts["gap"]) < Z90 * facts["gap_error"]
        return Way(
            name=name,
            moves=tuple(sorted(moves, key=lambda move: -abs(move.z))),
            distance=distance,
            distance_error=distance * facts["gap_error"] / gain if facts["is_there"] or within_chance else math.nan,
            density=math.exp(-0.5 * distance**2),
            values=tuple(facts["values"]),
            errors=tuple(facts["errors"]),
            is_there=facts["is_there"],
            within_chance=within_chance,
            is_good=facts["is_good"],
        )


_OTHERS = "without the three largest moves of the first way"
_KINDS: Mapping[str, Callable[[str], bool]] = {
    "today's levels alone": lambda key: parse_id(key).kind is LEVEL,
    "effects alone": lambda key: parse_id(key).section == "effects",
    "base rates alone": lambda key: parse_id(key).kind.field == "base_rate",
}
