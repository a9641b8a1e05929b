"""Estimates of all units at once: dyads a block at a time, each block with what its parameters let one expect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.forecasting.estimates import Estimates, span, summarise
from riskcast.forecasting.plan import ALL, Plan
from riskcast.machinery.array_types import Floats

# Numbers that a block's basis may hold: 8 MB, so that memory does not grow with the number of dyads.
BASIS_CELLS = 1 << 20

Dyads = NDArray[np.int64]
Drawn = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class Averages:
    """A quantity as averages over the paths of each draw: `of` some dyads, those of which it is given by their place,
    gives the averages and their errors, (draws, dyads) each, and the mean of all draws, (dyads,); a `shared` one has
    one column whichever they are."""

    of: Callable[[Dyads], Drawn]
    floor: float
    ceiling: float
    shared: bool = False


def estimate_all[K](
    plan: Plan, dyads: Dyads, quantities: Mapping[K, Averages], cells: int = BASIS_CELLS, rows: Any = ALL
) -> dict[K, Estimates]:
    """Means and 90 % intervals of quantities in every one of the dyads, or in the host: see `summarise`.

    A dyad's basis is worked out once for all quantities; what dyads share is regressed on the first one's. No more
    dyads are worked on at a time than have `cells` numbers in their bases. `rows`: which draws quantities are of, all
    where they are not named.
    """
    parts: dict[K, list[Estimates]] = {name: [] for name in quantities}
    for block in _blocks(plan, dyads, cells):
        basis: Floats | None = None
        for name, quantity in quantities.items():
            if quantity.shared and parts[name]:
                continue
            drawn, noise, mean = quantity.of(block)
            draws, error = np.ascontiguousarray(drawn.T), np.ascontiguousarray(noise.T)
            # Where nothing was left to chance there is none to take out.
            if basis is None and error.any():
                basis = span(plan.chances(block)[:, rows])
            parts[name].append(
                summarise(
                    draws,
                    error,
                    None if basis is None else basis[: len(draws)],
                    mean,
                    quantity.floor,
                    quantity.ceiling,
                )
            )
    return {name: _joined(found) for name, found in parts.items()}


def _blocks(plan: Plan, dyads: Dyads, cells: int) -> Iterable[Dyads]:
    size = max(1, cells // (plan.draws * len(plan.events)))
    return (dyads[first : first + size] for first in range(0, len(dyads), size))


def _joined(parts: list[Estimates]) -> Estimates:
    if len(parts) == 1:
        return parts[0]
    ends = ([getattr(part, end) for part in parts] for end in ("mean", "low", "high"))
    return Estimates(*(np.concatenate(values) if values else np.zeros(0) for values in ends))
