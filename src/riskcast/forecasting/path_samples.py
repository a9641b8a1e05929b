"""The futures of a forecast met again: what every one of them scores, and its worst outcome."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.futures import Futures, draw_chance, simulate_futures
from riskcast.forecasting.simulation import BLOCK_CELLS, PATHS, stages
from riskcast.forecasting.work_arrays import Block
from riskcast.machinery.array_types import Floats


def score_samples(ahead: Forecast) -> Floats:
    """What the dyads' own recorded outcomes score on every simulated future: (draws x paths, dyads), 0 to 100.

    They are the futures of the forecast itself, met again by the same chance; where a closed form took their place,
    some that are as likely. A row is one future of all dyads.
    """
    return _of_futures(ahead, lambda futures: futures.points)


def severity_samples(ahead: Forecast) -> Floats:
    """The severity of the dyads' worst own recorded outcome on every simulated future, in single precision, 0 for
    none: (draws x paths, dyads), in the order of `score_samples`."""
    return _of_futures(ahead, lambda futures: futures.peak)


def sampled_paths(ahead: Forecast) -> int:
    """How many futures of each draw there are samples of."""
    return ahead.paths or PATHS


def _of_futures(ahead: Forecast, told: Callable[[Futures], Floats]) -> Floats:
    plan, columns = ahead.plan, ahead.columns
    finds_all = ahead.simulated.recorded is None
    found = []
    for before, until in stages(sampled_paths(ahead)):
        paths = until - before
        per_block = max(1, BLOCK_CELLS // (len(ahead.case.dyads) * paths))
        for first in range(0, plan.draws, per_block):
            draws = np.repeat(np.arange(first, min(first + per_block, plan.draws)), paths)
            chance = draw_chance(plan, ahead.scenario, Block(draws, first * paths, before))
            futures = simulate_futures(plan, chance, ahead.scenario, score_only=finds_all)
            found.append(told(futures.recorded or futures)[:, columns])
    return np.concatenate(found)
