"""Futures kept one by one, with the cell of every first event, so that they can be weighted afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.futures import Futures, draw_chance, simulate_futures
from riskcast.forecasting.plan import Plan
from riskcast.forecasting.query_paths import PathRecord
from riskcast.forecasting.query_terms import Term
from riskcast.forecasting.simulation import Simulated, stages
from riskcast.forecasting.work_arrays import WORK, Block
from riskcast.machinery.array_types import Bools, Floats

Cells = NDArray[np.int16]


@dataclass
class _Told:
    """Of each future, (draws, paths, units): the cell of the first event of each type, that after the last where none
    comes; what its events score and their largest severity, (draws, paths, dyads)."""

    first: dict[str, Cells]
    points: Floats
    peak: Floats

    @classmethod
    def of(cls, plan: Plan, paths: int) -> _Told:
        shape = (plan.draws, paths)
        first = {p.event: np.full((*shape, p.units), plan.cells, dtype=np.int16) for p in plan.events}
        points, peak = (np.zeros((*shape, len(plan.case.dyads)), dtype=WORK) for _ in range(2))
        return cls(first, points, peak)

    def take(self, draws: slice, paths: slice, first: Mapping[str, Cells], futures: Futures) -> None:
        """A block of futures."""
        rows = draws.stop - draws.start
        for name, cells in first.items():
            self.first[name][draws, paths] = cells.reshape(rows, -1, cells.shape[1])
        for kept, found in ((self.points, futures.points), (self.peak, futures.peak)):
            kept[draws, paths] = found.reshape(rows, -1, found.shape[1])

    def summed(self, plan: Plan, weight: Floats) -> Simulated:
        """Shares and means of weighted futures; weight: (draws, paths)."""
        total = weight.sum()
        by_draw = weight.sum(axis=1)
        probability, error, by_period = {}, {}, {}
        for name, first in self.first.items():
            probability[name], error[name] = _averages(weight, (first < plan.cells).astype(float))
            reached = [np.tensordot(weight, first <= cell, 2) / total for cell in range(plan.cells)]
            by_period[name] = np.stack(reached)
        score, score_error = _averages(weight, self.points.astype(float))
        mean_score = np.tensordot(weight, self.points.astype(float), 2) / total
        levels = sorted({p.severity for p in plan.events if p.severity})
        peaks = {s: np.tensordot(weight, self.peak >= np.float32(s), 2) / total for s in levels}
        paths = weight.shape[1]
        return Simulated(paths, probability, error, by_period, score, score_error, mean_score, peaks, weights=by_draw)


@dataclass
class KeptPaths:
    """Futures of a forecast, of each draw so many, and which of them hold some terms: holds (draws x paths, terms)."""

    setup: Plan
    terms: Sequence[Term]
    paths: int
    holds: Bools
    told: _Told
    recorded: _Told | None

    @classmethod
    def of(cls, plan: Plan, terms: Sequence[Term], paths: int) -> KeptPaths:
        """Room for futures."""
        holds = np.zeros((plan.draws * paths, len(terms)), dtype=bool)
        is_thinned = any(p.is_thinned for p in plan.events)
        return cls(plan, terms, paths, holds, _Told.of(plan, paths), _Told.of(plan, paths) if is_thinned else None)

    def simulate(self, forecast: Forecast, cells: int, progress: Callable[[int, int], None] | None) -> None:
        """Simulate the futures of the forecast once more, and keep them."""
        plan, by_draw = self.setup, self.holds.reshape(self.setup.draws, self.paths, -1)
        parts = []
        for begin, end in stages(self.paths):
            size = max(1, cells // (len(plan.case.dyads) * (end - begin)))
            parts += [(slice(i, min(i + size, plan.draws)), slice(begin, end)) for i in range(0, plan.draws, size)]
        for done, (draws, paths) in enumerate(parts):
            count = paths.stop - paths.start
            block = Block(np.repeat(np.arange(draws.start, draws.stop), count), draws.start * count, paths.start)
            record = PathRecord.of(plan, self.terms, len(block.draw))
            seen = _FirstEvents(plan, record, len(block.draw))
            chance = draw_chance(plan, forecast.scenario, block)
            futures = simulate_futures(plan, chance, forecast.scenario, score_only=self.recorded is None, watch=seen)
            record.close(futures)
            held = np.stack([record.holds(term) for term in self.terms], axis=1)
            by_draw[draws, paths] = held.reshape(draws.stop - draws.start, count, -1)
            self.told.take(draws, paths, seen.first, futures)
            if self.recorded is not None and futures.recorded is not None:
                self.recorded.take(draws, paths, seen.found, futures.recorded)
            if progress is not None:
                progress(done + 1, len(parts))

    def summed(self, weight: Floats) -> Simulated:
        """What the futures come to with weights, (draws x paths,)."""
        by_draw = weight.reshape(self.setup.draws, self.paths)
        found = self.told.summed(self.setup, by_draw)
        if self.recorded is None:
            return found
        return replace(found, recorded=self.recorded.summed(self.setup, by_draw))


class _FirstEvents:
    """The cell of the first event of each type on a block of paths, of what happens and of what is recorded, beside
    what a record of paths asks for: a `Watch`."""

    def __init__(self, plan: Plan, record: PathRecord, count: int) -> None:
        self._record = record
        self.first, self.found = (
            {p.event: np.full((count, p.units), plan.cells, dtype=np.int16) for p in plan.events} for _ in range(2)
        )

    def __call__(
        self, cell: int, happened: Mapping[str, Floats], recorded: Mapping[str, Floats], levels: Mapping[str, Floats]
    ) -> None:
        self._record(cell, happened, recorded, levels)
        for kept, now in ((self.first, happened), (self.found, recorded)):
            for name, cells in kept.items():
                np.minimum(cells, np.where(now[name] > 0.0, cell, np.iinfo(np.int16).max), out=cells, casting="unsafe")


def _averages(weight: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Each draw's weighted average and its error, (draws, units): half the difference of two halves of the futures, as
    if weights were numbers of futures; a draw without weight has the plain average."""
    weight = np.where(weight.sum(axis=1, keepdims=True) > 0.0, weight, 1.0)
    sums = np.einsum("dp,dpu->dpu", weight, values)
    half = weight.shape[1] // 2
    parts = [(weight[:, p].sum(axis=1)[:, None], sums[:, p].sum(axis=1)) for p in (slice(0, half), slice(half, None))]
    (one, first), (two, second) = parts
    total = one + two
    means = [np.divide(s, w, out=np.zeros_like(s), where=w > 0.0) for w, s in ((one, first), (two, second))]
    return (first + second) / total, np.sqrt(one * two) / total * (means[0] - means[1])
