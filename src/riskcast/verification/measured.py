"""Scores with intervals from resampled dyads or years, and skill against references, for every table of scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator
from riskcast.verification.forecasters import LEFT_OUT, MODEL, POOL
from riskcast.verification.metrics import percentile_interval, resample_blocks, resample_clusters, skill_score

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Resampling:
    """What is drawn again and again, with all its forecasts, to make intervals.

    by: `dyads`, where they are many and little of what befalls them is shared; `years`, those in which the windows that
    are forecast begin, where it is time that forecasts share. block: how many years in a row come and go together, as
    many as a window reaches into.
    """

    by: Literal["dyads", "years"] = "dyads"
    block: int = 1


BY_DYADS: Final = Resampling()
BY_YEARS: Final = Resampling("years")


@dataclass(frozen=True)
class Measured:
    """A score with its 90 % interval from a bootstrap that resamples dyads or years (`Resampling`); low and high are
    not a number where there is nothing to resample."""

    value: float
    low: float
    high: float


def begun_in(origins: pandas.Series) -> Ints:
    """The calendar years in which the windows after these origins begin: (rows,).

    >>> import pandas
    >>> begun_in(pandas.Series(["2011-12-31", "2012-03-31"])).tolist()
    [2012, 2012]
    """
    days = origins.to_numpy().astype("datetime64[D]") + np.timedelta64(1, "D")
    return days.astype("datetime64[Y]").astype(np.int64) + 1970


def resample_rows(
    rows: pandas.DataFrame, resampling: Resampling, replicates: int, seed: int, purpose: str
) -> tuple[Ints, Floats]:
    """Number of each row's dyad or year, (rows,), and how often each replicate draws each, (replicates, clusters).

    Where no more years are there than stay together, all rows are one cluster. Rows have columns unit and origin.
    """
    if resampling.by == "dyads":
        return resample_units(rows["unit"], replicates, seed, purpose)
    years, cluster = np.unique(begun_in(rows["origin"]), return_inverse=True)
    if len(years) <= resampling.block:
        return np.zeros(len(rows), dtype=np.int64), np.ones((replicates, 1))
    rng = generator(seed, "years", purpose)
    return cluster, resample_blocks(len(years), resampling.block, replicates, rng)


def resample_units(units: pandas.Series, replicates: int, seed: int, purpose: str) -> tuple[Ints, Floats]:
    """Number of each row's unit, (rows,), and how often each replicate draws each unit, (replicates, units)."""
    names, cluster = np.unique(units.to_numpy(dtype=str), return_inverse=True)
    return cluster, resample_clusters(len(names), replicates, generator(seed, "dyads", purpose))


def best_reference(scores: Mapping[str, Floats]) -> str:
    """The reference with the lowest mean score."""
    references = [name for name in scores if name not in (MODEL, LEFT_OUT, POOL)]
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


def model_skill(
    scores: Mapping[str, Floats], resampled: Mapping[str, Floats], name: str, counts: Floats
) -> Measured | None:
    """Skill of the model against a forecaster, None for the model itself and where that one is without error."""
    return None if name == MODEL else measured_skill(scores, resampled, MODEL, name, counts)
