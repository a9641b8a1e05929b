"""Arrays of a block of paths: their precision and layout, and which paths and drivers a block has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from riskcast.machinery.array_types import Floats

# Simulated paths carry Monte Carlo error far above 1e-7, and single precision halves their cost.
WORK = np.float32
# No level, slope or gain of a simulation is larger: their products and sums stay numbers in working precision.
MOST = 1e15


@dataclass(frozen=True)
class Block:
    """Which paths to simulate together: path `first + i` of its stage belongs to parameter draw `draw[i]`; the stage is
    named by how many paths of each draw came before it."""

    draw: NDArray[np.int64]
    first: int
    stage: int = 0

    def purpose(self, *purpose: str | int) -> tuple[str | int, ...]:
        """What a stream of random numbers of this stage is for."""
        return (*purpose, self.stage) if self.stage else purpose


@dataclass(frozen=True)
class Active:
    """Which drivers act on each path: an indicator not in it stands at its reference, an event type not in it has
    left no memory, and nothing in the levels that it raised; arrays (paths,) of 0 or 1.

    tension: whether today's acts, None where it always does.
    """

    indicators: Mapping[str, Floats]
    recent: Mapping[str, Floats]
    raised: Mapping[str, Floats] = field(default_factory=dict)
    tension: Floats | None = None


def work(values: Floats) -> Floats:
    """Working precision, with the longer of paths and units contiguous: inner loops run over it."""
    return np.asarray(values, dtype=WORK, order="F" if values.shape[0] > values.shape[-1] else "C")


def empty_paths(cells: int, count: int, units: int) -> Floats:
    """Room for (cells, paths, units), laid out as `work` lays out each cell."""
    if count <= units:
        return np.empty((cells, count, units), dtype=WORK)
    return np.empty((cells, units, count), dtype=WORK).transpose(0, 2, 1)


def full(count: int, units: int, value: float) -> Floats:
    """(paths, units) of one value, in working precision."""
    out = np.empty((count, units), dtype=WORK, order="F" if count > units else "C")
    out.fill(value)
    return out


def finite(values: Floats) -> Floats:
    """Numbers held to what the simulation can multiply and add."""
    return np.clip(values, -MOST, MOST)
