"""The paths of a forecast again, with an eye on what some terms speak of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.futures import Steer, draw_chance, simulate_futures
from riskcast.forecasting.plan import EventPlan, Plan
from riskcast.forecasting.query_paths import PathRecord
from riskcast.forecasting.query_terms import Happens, Term
from riskcast.forecasting.work_arrays import Block
from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator

Progress = Callable[[int, int], None]
NEARLY = np.float32(1.0 - 2.0**-12)


@dataclass(frozen=True)
class MadeHappen:
    """Makes an event of one unit happen for the first time in a period that is drawn for each path: share (cells,)."""

    setup: Plan
    cause: Happens
    share: Floats
    seed: int

    def steers(self, block: Block) -> Steer:
        """What exchanges the uniforms of a block."""
        cause, plan = self.cause, self.setup
        units = plan.case.units(cause.event)
        unit = units.index(cause.whom) if cause.whom in units else 0
        drawn = generator(self.seed, "made happen", cause.event, unit, block.first, block.stage).random(len(block.draw))
        when: Ints = np.searchsorted(np.cumsum(self.share)[:-1], drawn, side="right")

        def steer(p: EventPlan, cell: int, rate: Floats, uniform: Floats) -> Floats:
            if p.event != cause.event or cell < cause.first - 1:
                return uniform
            # As in the simulation, to the last digit: what is held just below a chance must be below it there.
            chance = -np.expm1(rate[:, unit] * -plan.shares[cell])
            out, own = np.array(uniform), uniform[:, unit]
            out[:, unit] = np.where(
                when == cell, own * chance * NEARLY, np.where(when > cell, chance + own * (1 - chance), own)
            )
            return out

        return steer


def watched_paths(
    forecast: Forecast,
    terms: Sequence[Term],
    first: int,
    last: int,
    cells: int,
    progress: Progress | None,
    made: MadeHappen | None = None,
) -> Iterator[tuple[slice, PathRecord]]:
    """What futures `first` to `last` of each draw hold of some terms, a block of draws at a time: the very paths of the
    forecast, or those on which something is `made` to happen."""
    plan, scenario, paths = forecast.plan, forecast.scenario, last - first
    size = max(1, cells // (len(plan.case.dyads) * paths))
    parts = [slice(begin, min(begin + size, plan.draws)) for begin in range(0, plan.draws, size)]

    def run(part: slice) -> PathRecord:
        block = Block(np.repeat(np.arange(part.start, part.stop), paths), part.start * paths, first)
        record = PathRecord.of(plan, terms, len(block.draw))
        steer = None if made is None else made.steers(block)
        chance = draw_chance(plan, scenario, block)
        record.close(simulate_futures(plan, chance, scenario, score_only=True, steer=steer, watch=record))
        return record

    workers = min(os.cpu_count() or 1, 8) if len(parts) > 4 else 1
    executor = ThreadPoolExecutor(workers)
    try:
        for done, (part, record) in enumerate(zip(parts, executor.map(run, parts), strict=True)):
            yield part, record
            if progress is not None:
                progress(done + 1, len(parts))
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
