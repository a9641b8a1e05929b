"""Levels of indicators in every cell of the horizon, on every path of a block."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from riskcast.case.model import Scenario
from riskcast.case.moves import bounded
from riskcast.forecasting.plan import Plan
from riskcast.forecasting.scenarios import LevelPaths, move_levels
from riskcast.forecasting.work_arrays import Active, Block, empty_paths, work
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import NormalTable


class LevelsAhead:
    """The levels that rates feel, cell by cell: those of `level_paths`, of the drivers that are switched on."""

    def __init__(self, paths: LevelPaths, active: Active | None) -> None:
        if active is not None:
            paths = {name: path * active.indicators[name][:, None] for name, path in paths.items()}
        self._paths = paths

    def at(self, cell: int) -> Mapping[str, Floats]:
        """By indicator: (paths, units) in steps."""
        return {name: path[cell] for name, path in self._paths.items()}


def level_paths(plan: Plan, scenario: Scenario, block: Block) -> LevelPaths:
    """Indicator paths (cells, paths, units) in steps: today's level, a random walk, the scenario; within bounds."""
    case, draw, out = plan.case, block.draw, {}
    for name in case.indicators:
        today, drift = plan.today[name][draw], plan.drift[name][draw]
        units = today.shape[1]
        path = empty_paths(plan.cells, len(draw), units)
        if not drift.any():
            path[:] = bounded(case, name, today)
            out[name] = path
            continue
        noise = NormalTable(plan.seed, block.purpose("drift path", name), block.first, len(draw), units)
        spread = drift[:, None] / np.sqrt(case.periods_per_year)
        walk, level = np.zeros_like(today), np.empty_like(today)
        for t in range(plan.cells):
            fresh = noise.page(t, out=level)
            walk += fresh if plan.shares[t] == 1.0 else np.multiply(fresh, np.sqrt(plan.shares[t]), out=fresh)
            np.multiply(walk, spread, out=level)
            level += today
            path[t] = bounded(case, name, level)
        out[name] = path
    weights = {key: work(value[draw]) for key, value in plan.passed_on.items()}
    return move_levels(case, scenario, out, weights)
