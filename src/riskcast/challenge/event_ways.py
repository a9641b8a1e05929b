"""The most probable events that bring a conclusion down, from the futures of a forecast."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case
from riskcast.challenge.goals import Goal
from riskcast.challenge.held import Bench
from riskcast.challenge.targets import Target, ahead_of
from riskcast.forecasting.query_paths import PathRecord
from riskcast.forecasting.query_terms import Happens
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.simulation import BLOCK_CELLS, simulate
from riskcast.forecasting.watched_paths import watched_paths
from riskcast.machinery.array_types import Bools, Floats

# Where so many of the futures that hold some events reach the goal, these are a way there.
ENOUGH = 2.0 / 3.0
MOST_EVENTS, MOST_WAYS = 3, 4
# Sets that fewer futures hold say nothing.
LEAST_FUTURES = 20


@dataclass(frozen=True)
class EventWay:
    """Events that, where all of them happen (or do not), mean that the goal is reached.

    events: event type, unit and whether it happens; chance: that they do, with its standard error; reached: on which
    share of these futures the goal is reached.
    """

    events: tuple[tuple[str, str, bool], ...]
    chance: float
    error: float
    reached: float


def find_event_ways(bench: Bench, goal: Goal) -> tuple[EventWay, ...]:
    """The most probable sets of at most three events on whose futures the goal is reached two times of three.

    No set holds a smaller one that will do. On a future, a score is what its own outcomes add up to, and a probability
    is 100 or 0. Where nothing else will do, sets may hold that something does not happen.
    """
    literals, holds, reached, draws = _futures(bench, goal)
    happening = [i for i, (_, _, happens) in enumerate(literals) if happens]
    for chosen in (happening, range(len(literals))):
        found = _sets(holds[:, list(chosen)], reached, draws)
        if found:
            names = [literals[i] for i in chosen]
            return tuple(
                EventWay(tuple(names[i] for i in each), chance, error, share) for each, chance, error, share in found
            )
    return ()


def _futures(bench: Bench, goal: Goal) -> tuple[list[tuple[str, str, bool]], Bools, Bools, int]:
    """What can be said of every future, and whether it holds: (futures, literals); and whether the goal is reached."""
    posterior, request = bench.learned.posterior, bench.request
    case, plan = posterior.case, bench.plan
    _, assumed = resolve_scenario(case, bench.scenario)
    ahead = ahead_of(posterior, plan, bench.scenario, request.periods, simulate(plan, assumed, bench.paths))
    terms = [Happens(event, unit) for event, unit in _events_of(case, goal)]
    itself = [Happens(target.event, target.unit) for target in goal.targets if target.event]
    told, values = [], []
    for _, record in watched_paths(ahead, [*terms, *itself], 0, bench.paths, BLOCK_CELLS, None):
        held = [record.holds(term) for term in terms]
        told.append(np.stack(held, axis=1) if held else np.zeros((len(record.points), 0), dtype=bool))
        values.append(np.stack([_value(case, target, record) for target in goal.targets], axis=1))
    holds = np.concatenate(told)
    reached = goal.gap(np.concatenate(values)) >= 0.0
    literals = [(term.event, str(term.whom), happens) for happens in (True, False) for term in terms]
    return literals, np.concatenate([holds, ~holds], axis=1), reached, plan.draws


def _events_of(case: Case, goal: Goal) -> list[tuple[str, str]]:
    """What can bear on the goal's targets: events of their dyads and of the host."""
    dyads = list(dict.fromkeys(target.unit for target in goal.targets if target.unit in case.dyads)) or list(case.dyads)
    found = []
    for name, event in case.events.items():
        found += [(name, dyad) for dyad in dyads] if event.scope == "dyad" else [(name, case.host)]
    itself = {(target.event, target.unit) for target in goal.targets if target.event}
    return [each for each in found if each not in itself]


def _value(case: Case, target: Target, record: PathRecord) -> Floats:
    """What a target is on every future: (futures,), in points of 100."""
    if target.event:
        return 100.0 * record.holds(Happens(target.event, target.unit))
    return record.points[:, case.dyads.index(target.unit)].astype(float)


def _sets(holds: Bools, reached: Bools, draws: int) -> list[tuple[tuple[int, ...], float, float, float]]:
    """Sets of literals that will do, with their chance, its standard error and the share that reaches the goal."""
    found: list[tuple[tuple[int, ...], float, float, float]] = []
    useful = [i for i in range(holds.shape[1]) if holds[:, i].sum() >= LEAST_FUTURES]
    for size in range(1, MOST_EVENTS + 1):
        for chosen in itertools.combinations(useful, size):
            if any(set(known) <= set(chosen) for known, *_ in found):
                continue
            both = holds[:, chosen].all(axis=1)
            count = int(both.sum())
            if count >= LEAST_FUTURES and reached[both].mean() >= ENOUGH:
                by_draw = both.reshape(draws, -1).mean(axis=1)
                error = float(by_draw.std() / np.sqrt(draws))
                found.append((chosen, count / len(both), error, float(reached[both].mean())))
    return sorted(found, key=lambda one: -one[1])[:MOST_WAYS]
