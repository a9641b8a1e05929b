"""What a forecast draws from priors that no record teaches: today's levels, drift, what moves levels and how long."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import numpy as np

from riskcast.case.quantities import Prior
from riskcast.case.quantity_ids import DRIFT, PASSED_ON, REVERSION, RISE, RISE_HALF_LIFE, Kind
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import normals

# Names of streams are part of the digits.
STREAMS: Final = MappingProxyType(
    {
        DRIFT: "drift",
        REVERSION: "reversion",
        PASSED_ON: "passed on",
        RISE: "raised",
        RISE_HALF_LIFE: "raised half-life",
    }
)


def today_scores(prior: Prior, draws: int, seed: int, name: str, unit: str) -> Floats:
    """Standard normal draws of an indicator's level today in one unit, (draws,); zeros where it is fixed."""
    return _scores(prior, draws, seed, "today", name, unit)


def ahead_scores(prior: Prior, draws: int, seed: int, kind: Kind, *names: str) -> Floats:
    """Standard normal draws of a quantity of one of the kinds in `STREAMS`, (draws,); zeros where it is fixed.

    `names`: the indicator, and what passes on or raises, where the kind is of something.
    """
    return _scores(prior, draws, seed, STREAMS[kind], *names)


def _scores(prior: Prior, draws: int, seed: int, *purpose: str) -> Floats:
    return np.zeros(draws) if prior.is_fixed else normals(seed, purpose, 0, draws, 1)[:, 0]
