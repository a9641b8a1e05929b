"""The horizon, simulated: as many futures of every draw of the parameters as it takes, and what they average to.

Random numbers come from streams that depend only on the seed and on what they are for, so that a baseline, a
scenario and an overlay meet the same chance and their differences are sharp.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from riskcast.case.model import Scenario
from riskcast.errors import RiskcastError
from riskcast.forecasting.futures import Futures, draw_chance, simulate_futures
from riskcast.forecasting.plan import Plan
from riskcast.forecasting.score_rule import most_points, scored_outcomes
from riskcast.forecasting.work_arrays import WORK, Block
from riskcast.machinery.array_types import Floats

BLOCK_CELLS = 32_768
# Futures of each draw: so many at first, doubled until they are enough, and never more than so many.
PATHS, MOST_PATHS = 4, 64
# What paths leave in the standard errors of headline numbers is to be below one point of a hundred.
ENOUGH = 0.01


@dataclass(frozen=True)
class Simulated:
    """What the horizon holds, given each draw of the parameters and over all of them.

    paths: futures of each draw, 0 where a closed form took their place; probability[event]: (draws, units) of at least
    one event, in [0, 1]; score: (draws, dyads), the mean of what the dyad's own outcomes add up to, in [0, 100]; the
    `_error` of each: half the difference between the averages over two halves of the paths, whose mean square is the
    variance that so few paths leave in the average; by_period[event]: (cells, units), over all draws, cumulative, the
    last of which is the headline probability; mean_score: (dyads,), the headline score; peaks[severity]: (dyads,)
    chance that the worst of the dyad's own outcomes has at least this severity, as a share of all paths where there are
    any; recorded: the same of what is recorded, None where that is all; weights: (draws,) of draws whose paths count
    unequally, None where all count the same.
    """

    paths: int
    probability: Mapping[str, Floats]
    probability_error: Mapping[str, Floats]
    by_period: Mapping[str, Floats]
    score: Floats
    score_error: Floats
    mean_score: Floats
    peaks: Mapping[float, Floats]
    recorded: Simulated | None = None
    weights: Floats | None = None

    @cached_property
    def rows(self) -> Any:
        """Which draws stand for all, in proportion to their weights: (draws,), or a slice of all of them."""
        if self.weights is None:
            return slice(None)
        draws = len(self.weights)
        shares = np.cumsum(self.weights / self.weights.sum())
        return np.searchsorted(shares[:-1], (np.arange(draws) + 0.5) / draws, side="right")

    @property
    def verifiable(self) -> Simulated:
        """The same of what is recorded, as far as a search like today's finds it: what a record can tell."""
        return self.recorded or self

    def headline(self, event: str) -> Floats:
        """Probability of at least one event within the horizon, over all draws: (units,)."""
        return self.by_period[event][-1]


def stages(paths: int) -> tuple[tuple[int, int], ...]:
    """How so many futures of each draw are made, from which to which: doubled as often as it takes, or at once.

    >>> stages(16), stages(6)
    (((0, 4), (4, 8), (8, 16)), ((0, 6),))
    """
    if paths % PATHS or (paths // PATHS).bit_count() != 1:
        return ((0, paths),)
    doubled = [PATHS << times for times in range((paths // PATHS).bit_length())]
    return tuple(zip((0, *doubled), doubled, strict=False))


def simulate(
    plan: Plan,
    scenario: Scenario,
    paths: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cells: int = BLOCK_CELLS,
) -> Simulated:
    """Simulate `paths` futures for every parameter draw and average them, a block of paths at a time.

    Where `paths` is None there are 4, doubled while paths leave a standard error above .01 in some headline probability
    or above 1 in some score, at most 64. What draws leave in it, paths cannot mend.

    A draw's probability is the mean over its paths of Y = 1{event} - sum over cells t up to the first event of
    beta[t] (1{event in t} - p[t]), beta[t] = (1 - p[t])^(what is left of the horizon after t, in cells), held to
    [0, 1]: p[t], the chance of t given the path so far, is what is to be expected of 1{event in t}, so that Y is
    unbiased whatever feeds back on what (a control variate; Glynn and Szechtman, 2002), and with a constant chance Y
    is 1 - (1 - p)^T on every path. The sum is weighed by what leaves least to chance in each unit, by regression over
    all draws. What holding takes from their mean is given back to draws. The headline is that of the pooled life table:
    h[t], the mean of p[t] over paths without an event so far; 1 - prod(1 - h). Raises RiskcastError where a rate is no
    number.
    """
    tally = _Tally(plan)
    for first, last in stages(MOST_PATHS if paths is None else paths):
        tally.add(scenario, first, last, progress, cells)
        if paths is None and tally.is_enough():
            break
    return tally.result()


@dataclass(frozen=True)
class _Sums:
    """One quantity, (draws, units) each: what occurred, and Y, summed over paths, with the errors of their averages.

    `most`: the largest value that it can have.
    """

    occurred: Floats
    occurred_error: Floats
    drawn: Floats
    drawn_error: Floats
    most: float

    @classmethod
    def of(cls, draws: int, units: int, most: float) -> _Sums:
        shape = (draws, units)
        sums, errors = ([make(shape, dtype=WORK) for _ in range(2)] for make in (np.zeros, np.empty))
        return cls(sums[0], errors[0], sums[1], errors[1], most)

    def add(self, draws: slice, occurred: Floats, drawn: Floats, before: int) -> None:
        """More paths of some draws, of which there were so many `before`."""
        _join(self.occurred[draws], self.occurred_error[draws], occurred, before)
        _join(self.drawn[draws], self.drawn_error[draws], drawn, before)

    def trust(self) -> Floats:
        """How much of the control variate to use, 0 to 1, so that least is left to chance: (units,), in hundredths."""
        taken = self.occurred_error - self.drawn_error
        shared = (self.occurred_error * taken).sum(axis=0, dtype=float)
        square = np.square(taken, out=taken).sum(axis=0, dtype=float)
        return np.clip(np.divide(shared, square, out=np.ones_like(square), where=square > 0.0), 0.0, 1.0).round(2)

    def errors(self) -> Floats:
        """What the paths so far leave in each draw's average."""
        return self._weighed(self.trust())

    def _weighed(self, trust: Floats) -> Floats:
        if (trust == 1.0).all():
            return self.drawn_error
        part = trust.astype(np.float32)
        # A sum of products: exact where all of the one is taken.
        return part * self.drawn_error + (1 - part) * self.occurred_error

    def averages(self, paths: int) -> tuple[Floats, Floats, Floats]:
        """Each draw's average over so many paths and its error, both held to the range; and the mean over all draws."""
        trust = self.trust()
        error, values = self._weighed(trust), np.divide(self.drawn, paths, dtype=float)
        if (trust < 1.0).any():
            values *= trust
            values += self.occurred * ((1.0 - trust) / paths)
        mean = np.clip(values.mean(axis=0), 0.0, self.most)
        beyond = (values.min(axis=0) < 0.0) | (values.max(axis=0) > self.most)
        for unit in np.flatnonzero(beyond).tolist():
            own, off = values[:, unit], error[:, unit]
            error[:, unit] = (np.clip(own + off, 0.0, self.most) - np.clip(own - off, 0.0, self.most)) / 2.0
            values[:, unit] = _held(own, float(mean[unit]), self.most)
        return values, error, mean


class _Tally:
    """Sums over paths, stage by stage."""

    def __init__(self, plan: Plan) -> None:
        draws, dyads = plan.draws, len(plan.case.dyads)
        self._plan, self._paths = plan, 0
        self._sums = {p.event: _Sums.of(draws, p.units, 1.0) for p in plan.events}
        self._chances = {p.event: np.zeros((plan.cells, p.units)) for p in plan.events}
        self._waiting = {p.event: np.zeros((plan.cells, p.units)) for p in plan.events}
        self._reached = {level: np.zeros(dyads) for level in sorted({p.severity for p in plan.events if p.severity})}
        # Single precision may end just above what it stands for.
        most = min(100.0, most_points(scored_outcomes(plan.case)) * (1.0 + 1e-6))
        self._score = _Sums.of(draws, dyads, most)
        self._recorded: _Tally | None = None

    def add(
        self, scenario: Scenario, first: int, last: int, progress: Callable[[int, int], None] | None, cells: int
    ) -> None:
        """Simulate the futures `first` to `last` of every draw."""
        plan, paths = self._plan, last - first
        per_block = max(1, cells // (len(plan.case.dyads) * paths))
        parts = [(begin, min(begin + per_block, plan.draws)) for begin in range(0, plan.draws, per_block)]

        def run(part: tuple[int, int]) -> Futures:
            block = Block(np.repeat(np.arange(*part), paths), part[0] * paths, first)
            return simulate_futures(plan, draw_chance(plan, scenario, block), scenario)

        workers = min(os.cpu_count() or 1, 8) if len(parts) > 4 else 1
        executor = ThreadPoolExecutor(workers)
        try:
            for done, (part, futures) in enumerate(_in_order(executor, run, parts, 2 * workers)):
                self._take(slice(*part), futures, first)
                if progress is not None:
                    progress(done + 1, len(parts))
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
        self._close(last)

    def _take(self, draws: slice, futures: Futures, first: int) -> None:
        """Add a block of futures of some draws, of each of which there were `first`."""
        for name, sums in self._sums.items():
            sums.add(draws, futures.occurred[name], futures.probability[name], first)
            self._chances[name] += futures.chances[name]
            self._waiting[name] += futures.waiting[name]
        self._score.add(draws, futures.points, futures.score, first)
        for level, count in self._reached.items():
            count += (futures.peak >= np.float32(level)).sum(axis=0)
        if futures.recorded is not None:
            self._recorded = self._recorded or _Tally(self._plan)
            self._recorded._take(draws, futures.recorded, first)

    def _close(self, paths: int) -> None:
        """End a stage, after which each draw has so many paths."""
        self._paths = paths
        for name, sums in self._sums.items():
            check_numbers(self._plan, name, sums.drawn)
        if self._recorded is not None:
            self._recorded._close(paths)

    def is_enough(self) -> bool:
        """Whether no headline number has an error above a point for want of paths."""
        there = np.flatnonzero(self._plan.present)
        quantities = [(self._sums[p.event], 1.0, p.units > 1) for p in self._plan.events]
        for sums, unit, own in (*quantities, (self._score, 100.0, True)):
            if (errors_of_paths(sums.errors()[:, there if own else slice(None)]) > ENOUGH * unit).any():
                return False
        return True

    def result(self) -> Simulated:
        """Averages over all paths so far."""
        total = self._paths * self._plan.draws
        # One after the other, as all sums and all averages together would take twice the room.
        averages = {name: self._sums.pop(name).averages(self._paths) for name in list(self._sums)}
        score, score_error, mean_score = self._score.averages(self._paths)
        return Simulated(
            self._paths,
            {name: values for name, (values, _, _) in averages.items()},
            {name: error for name, (_, error, _) in averages.items()},
            {name: _life_table(chances, self._waiting[name]) for name, chances in self._chances.items()},
            score,
            score_error,
            mean_score,
            {level: count / total for level, count in self._reached.items()},
            None if self._recorded is None else self._recorded.result(),
        )


def _held(own: Floats, aim: float, most: float) -> Floats:
    """Averages of each draw, (draws,), held to [0, `most`], with `aim` as their mean over draws.

    What clipping takes from the mean is given back by y + a y (most - y) / most, which is monotone, stays in range and
    moves least what is all but sure; where -1 <= a <= 1 is not enough, all draws go a part of the way to the bound.
    """
    own = np.clip(own, 0.0, most)
    room = own * (most - own) / most
    middle = float(room.mean())
    if middle > 0.0:
        own = own + np.clip((aim - own.mean()) / middle, -1.0, 1.0) * room
    mean = float(own.mean())
    if aim > mean:
        own = own + (aim - mean) / (most - mean) * (most - own)
    elif aim < mean:
        own = own * (aim / mean)
    return np.clip(own, 0.0, most)


def errors_of_paths(error: Floats) -> Floats:
    """What paths leave in the standard error of the mean over draws, (units,), from their `error`, (draws, units).

    >>> errors_of_paths(np.array([[0.1], [-0.1], [0.1], [-0.1]])).tolist()
    [0.05]
    """
    return np.sqrt(np.square(error, dtype=float).mean(axis=0) / len(error))


def check_numbers(plan: Plan, event: str, values: Floats) -> None:
    """Raise RiskcastError where something of an event type is no number."""
    which = plan.present if values.shape[1] > 1 else slice(None)
    wrong = int(np.isnan(values[:, which]).any(axis=1).sum())
    if wrong:
        told = f"the rate of {event} is no number in {wrong:,} of {plan.draws:,} draws"
        raise RiskcastError(
            f"{told}; look for extreme levels, effects or spreads among what drives it (`riskcast check`)"
        )


def _life_table(chances: Floats, waiting: Floats) -> Floats:
    """1 - prod(1 - h), h = chances / waiting: cumulative, (cells, units); where nobody waits any more, the last h."""
    hazard = np.empty_like(chances)
    last = np.zeros(chances.shape[1])
    for t, (some, of) in enumerate(zip(chances, waiting, strict=True)):
        last = hazard[t] = np.clip(np.divide(some, of, out=last.copy(), where=of > 0.0), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        return -np.expm1(np.cumsum(np.log1p(-hazard), axis=0))


def _join(total: Floats, error: Floats, values: Floats, before: int) -> None:
    """Add more paths of each draw to their sum over those `before`, and set the error that they leave in an average."""
    split = values.reshape(len(total), -1, values.shape[1])
    paths = split.shape[1]
    half = paths // 2
    first, second = split[:, :half].sum(axis=1), split[:, half:].sum(axis=1)
    fresh = first + second
    if before:
        # As many as before: the two halves.
        error[:] = (total / before - fresh / paths) / 2.0
    elif half:
        error[:] = np.sqrt(half * (paths - half)) / paths * (first / half - second / (paths - half))
    else:
        error[:] = 0.0
    total += fresh


def _in_order[T, R](executor: Executor, run: Callable[[T], R], items: Sequence[T], ahead: int) -> Iterator[tuple[T, R]]:
    """Items with their results, of which no more than `ahead` wait at a time, so that they do not fill memory."""
    waiting: deque[tuple[T, Future[R]]] = deque()
    for item in items:
        if len(waiting) == ahead:
            first, result = waiting.popleft()
            yield first, result.result()
        waiting.append((item, executor.submit(run, item)))
    for first, result in waiting:
        yield first, result.result()
