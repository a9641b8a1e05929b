"""How many events futures hold: what a forecast comes to when it is held against how many were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.engines.posterior import Posterior
from riskcast.forecasting.futures import draw_chance, simulate_futures
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.simulation import BLOCK_CELLS
from riskcast.forecasting.work_arrays import Block
from riskcast.machinery.array_types import Floats


@dataclass(frozen=True)
class Counts:
    """In how many periods and units each event type happens within a horizon, and is recorded: (futures,) by type."""

    happened: Mapping[str, Floats]
    recorded: Mapping[str, Floats]


def count_events(
    posterior: Posterior,
    scenario: str | None = None,
    horizon: int | None = None,
    *,
    paths: int = 1,
    seed: int | None = None,
    cells: int = BLOCK_CELLS,
) -> Counts:
    """Counts of every event type in `paths` futures of each draw, under a scenario, within so many periods.

    `cells`: how many numbers (paths times dyads) are simulated together, which bounds memory. Raises UnknownNameError
    for an unknown scenario.

    >>> from riskcast import fit, load_case
    >>> counts = count_events(fit(load_case("central_asia_2024"), draws=200), horizon=3)
    >>> counts.happened["demarche"].shape
    (200,)
    """
    case = posterior.case
    _, assumed = resolve_scenario(case, scenario)
    plan = plan_simulation(posterior, horizon or case.settings.horizon, posterior.seed if seed is None else seed)
    per_block = max(1, cells // (len(case.dyads) * paths))
    parts = []
    for first in range(0, plan.draws, per_block):
        draws = np.repeat(np.arange(first, min(first + per_block, plan.draws)), paths)
        chance = draw_chance(plan, assumed, Block(draws, first * paths))
        parts.append(simulate_futures(plan, chance, assumed, counted=True))
    happened = {name: np.concatenate([part.counts[name] for part in parts]) for name in case.events}
    found = [part.recorded or part for part in parts]
    return Counts(happened, {name: np.concatenate([part.counts[name] for part in found]) for name in case.events})
