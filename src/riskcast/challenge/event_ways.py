"""The most probable events that bring a conclusion down, from the futures of a forecast."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantities import Z90
from riskcast.challenge.goals import Goal
from riskcast.challenge.held import Bench
from riskcast.challenge.sensitivity_records import chance_bar
from riskcast.challenge.targets import Target, ahead_of
from riskcast.forecasting.query_paths import PathRecord
from riskcast.forecasting.query_terms import ANY, Happens
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.shares_of_paths import LEAST_DRAWS, LEAST_PATHS, share_of
from riskcast.forecasting.simulation import BLOCK_CELLS, simulate
from riskcast.forecasting.watched_paths import watched_paths
from riskcast.machinery.array_types import Bools, Floats, Ints

# Where so many of the futures that hold some events reach the goal, these are a way there.
ENOUGH = 2.0 / 3.0
MOST_EVENTS, MOST_WAYS = 3, 4
# Sets are made of so many events, those that tell most of the goal; of more dyads, events are of any.
MOST_LITERALS, MOST_DYADS = 40, 12


@dataclass(frozen=True)
class EventWay:
    """Events that, where all of them happen (or do not), mean that the goal is reached.

    events: event type, unit (`any` for at least one dyad) and whether it happens; chance: that they do, with its
    standard error; reached: on which share of these futures the goal is reached, with its standard error.
    """

    events: tuple[tuple[str, str, bool], ...]
    chance: float
    error: float
    reached: float
    reached_error: float


def find_event_ways(bench: Bench, goal: Goal) -> tuple[EventWay, ...]:
    """The most probable sets of at most three events on whose futures the goal is reached two times of three.

    That share must lie above two thirds, and above that of all futures, by more than chance makes of so many sets. No
    set holds a smaller one that will do. On a future, a score is what its own outcomes add up to, and a probability is
    100 or 0. Where nothing else will do, sets may hold that something does not happen.
    """
    futures = _futures(bench, goal)
    happening = np.flatnonzero([happens for _, _, happens in futures.literals])
    for chosen in (happening, np.arange(len(futures.literals))):
        found = futures.sets(chosen)
        if found:
            return found
    return ()


@dataclass(frozen=True)
class _Futures:
    """What can be said of every future, and whether it holds, (futures, literals); and whether the goal is reached,
    (futures,), in the order of draws; wider: by how much errors are wider as draws were weighed."""

    literals: list[tuple[str, str, bool]]
    holds: Bools
    reached: Bools
    draws: int
    wider: float

    def sets(self, chosen: Ints) -> tuple[EventWay, ...]:
        """Sets of some literals that will do, the most probable first."""
        useful = self._telling(chosen)
        sizes = range(1, MOST_EVENTS + 1)
        tried = [each for size in sizes for each in itertools.combinations(useful, size)]
        bar, whole = chance_bar(len(tried)), float(self.reached.mean())
        found: dict[tuple[int, ...], EventWay] = {}
        for each in tried:
            if any(set(known) <= set(each) for known in found):
                continue
            both = self.holds[:, each].all(axis=1)
            if both.sum() < LEAST_PATHS or self.reached[both].mean() <= max(ENOUGH, whole):
                continue
            way = self._way(each, both, bar, whole)
            if way is not None:
                found[each] = way
        return tuple(sorted(found.values(), key=lambda way: -way.chance)[:MOST_WAYS])

    def _telling(self, chosen: Ints) -> list[int]:
        """Literals that enough futures hold; of many, those that part the futures that reach the goal best."""
        count = self.holds[:, chosen].sum(axis=0)
        with np.errstate(all="ignore"):
            share = (self.holds[:, chosen] & self.reached[:, None]).sum(axis=0) / count
        apart = np.where(count >= LEAST_PATHS, np.abs(share - self.reached.mean()), -1.0)
        best = np.argsort(-apart, kind="stable")[:MOST_LITERALS]
        return sorted(chosen[best[apart[best] >= 0.0]].tolist())

    def _way(self, each: tuple[int, ...], both: Bools, bar: float, whole: float) -> EventWay | None:
        """A set as a way, where it is one beyond chance."""
        by_draw = both.reshape(self.draws, -1)
        held, every = by_draw.sum(axis=1).astype(float), np.full(self.draws, float(by_draw.shape[1]))
        if held.sum() ** 2 < LEAST_DRAWS * np.square(held).sum():
            return None
        hits = (both & self.reached).reshape(self.draws, -1).sum(axis=1).astype(float)
        nothing = np.zeros((self.draws, 1))
        share, chance = share_of(hits, held, held, nothing), share_of(held, every, every, nothing)
        error = self.wider * share.error
        if share.mean - Z90 * error <= ENOUGH or share.mean - whole <= bar * error:
            return None
        events = tuple(self.literals[i] for i in each)
        return EventWay(events, chance.mean, self.wider * chance.error, share.mean, error)


def _futures(bench: Bench, goal: Goal) -> _Futures:
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
    reached = goal.is_reached(np.concatenate(values))
    literals = [(term.event, str(term.whom), happens) for happens in (True, False) for term in terms]
    return _Futures(literals, np.concatenate([holds, ~holds], axis=1), reached, plan.draws, bench.base.wider)


def _events_of(case: Case, goal: Goal) -> list[tuple[str, str]]:
    """What can bear on the goal's targets: events of their dyads and of the host."""
    dyads = list(dict.fromkeys(target.unit for target in goal.targets if target.unit in case.dyads)) or list(case.dyads)
    dyads = dyads if len(dyads) <= MOST_DYADS else [ANY]
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
