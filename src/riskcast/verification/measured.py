"""Scores with intervals from resampled dyads, and skill against the best reference, for every table of scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator
from riskcast.verification.forecasters import LEFT_OUT, MODEL
from riskcast.verification.metrics import percentile_interval, resample_clusters, skill_score

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Measured:
    """A score with its 90 % interval from a bootstrap that resamples dyads; low and high are not a number where there
    is only one dyad, as then there is nothing to resample."""

    value: float
    low: float
    high: float


def resample_units(units: pandas.Series, replicates: int, seed: int, purpose: str) -> tuple[Ints, Floats]:
    """Number of each row's unit, (rows,), and how often each replicate draws each unit, (replicates, units)."""
    names, cluster = np.unique(units.to_numpy(dtype=str), return_inverse=True)
    return cluster, resample_clusters(len(names), replicates, generator(seed, "dyads", purpose))


def best_reference(scores: Mapping[str, Floats]) -> str:
    """The reference with the lowest mean score."""
    references = [name for name in scores if name not in (MODEL, LEFT_OUT)]
    return min(references, key=lambda name: float(scores[name].mean()))


def measured(value: float, replicates: Floats, counts: Floats) -> Measured:
    """A score with the interval of its replicates."""
    low, high = percentile_interval(replicates) if counts.shape[1] > 1 else (float("nan"), float("nan"))
    return Measured(value, low, high)


def measured_skill(
    scores: Mapping[str, Floats], resampled: Mapping[str, Floats], name: str, reference: str, counts: Floats
) -> Measured | None:
    """Skill of a forecaster against a reference, None where that one is without error."""
    score, other = float(scores[name].mean()), float(scores[reference].mean())
    if other == 0:
        return None
    return measured(float(skill_score(score, other)), skill_score(resampled[name], resampled[reference]), counts)
