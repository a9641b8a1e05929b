"""Forecast scores against what followed: bias, correlation, error against references, and calibration by bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats, Ints
from riskcast.verification.forecasters import LEFT_OUT, MODEL, crps_column, score_forecasters
from riskcast.verification.measured import (
    BY_DYADS,
    Measured,
    Resampling,
    best_reference,
    measured,
    measured_skill,
    resample_rows,
)
from riskcast.verification.metrics import resampled_means

if TYPE_CHECKING:
    import pandas

MOST_BINS, LEAST_IN_BIN = 5, 8
KEYS = ("origin", "unit", "came")


@dataclass(frozen=True)
class ScoreBin:
    """Forecasts of a score that lie next to one another: how many, from which to which, their mean, and the mean score
    that came."""

    forecasts: int
    low: float
    high: float
    mean_forecast: float
    mean_came: float


@dataclass(frozen=True)
class ScoreAccuracy:
    """How one forecaster's scores did, in points of 100.

    bias: mean forecast less mean score that came; ratio: mean forecast over mean score that came, None where nothing
    did; rmse: root of the mean squared error; correlation: None where
    forecasts or what came do not vary; skill: 1 - mean squared error / that of the best reference, None where that one
    is without error; bins: calibration, from low forecasts to high ones; crps: continuous ranked probability score of
    what was held possible, in points, None of those who say no more than a mean; crps_skill: 1 - it / that of the best
    reference by it, None for that one.
    """

    forecaster: str
    mean_forecast: float
    mean_came: float
    bias: Measured
    rmse: Measured
    correlation: Measured | None
    skill: Measured | None
    bins: tuple[ScoreBin, ...]
    ratio: Measured | None = None
    crps: Measured | None = None
    crps_skill: Measured | None = None


def score_accuracies(
    scores: pandas.DataFrame, replicates: int, seed: int, resampling: Resampling = BY_DYADS
) -> dict[str, ScoreAccuracy]:
    """Accuracy of every forecaster's scores, the model first, with 90 % intervals from resampled dyads or years.

    scores: a row for each origin and unit with columns origin, unit, came (the score of what followed) and each
    forecaster's score; and for those who say what may come, its CRPS (`crps_column`). Raises OptionError for a table
    that cannot be used.

    >>> import pandas
    >>> table = pandas.DataFrame({"origin": "2020-12-31", "unit": ["A-B", "A-C"], "came": [20.0, 40.0],
    ...                           "model": [30.0, 40.0], "pooled_mean": [30.0, 30.0]})
    >>> found = score_accuracies(table, 50, 1)["model"]
    >>> found.bias.value, round(found.rmse.value, 2), found.correlation.value, found.skill.value
    (5.0, 7.07, 1.0, 0.5)
    """
    forecasters = _check(scores)
    came = scores["came"].to_numpy(dtype=float)
    cluster, counts = resample_rows(scores, resampling, replicates, seed, "scores")
    forecast = {name: scores[name].to_numpy(dtype=float) for name in forecasters}
    squares = {name: (own - came) ** 2 for name, own in forecast.items()}
    resampled = {name: resampled_means(own, cluster, counts) for name, own in squares.items()}
    reference = best_reference(squares)
    sharp = _crps(scores, forecasters, cluster, counts)
    return {
        name: ScoreAccuracy(
            name,
            float(own.mean()),
            float(came.mean()),
            measured(float((own - came).mean()), resampled_means(own - came, cluster, counts), counts),
            measured(float(np.sqrt(squares[name].mean())), np.sqrt(resampled[name]), counts),
            _correlation(own, came, cluster, counts),
            measured_skill(squares, resampled, name, reference, counts),
            score_bins(own, came),
            ratio_of(own, came, cluster, counts),
            *sharp.get(name, (None, None)),
        )
        for name, own in forecast.items()
    }


def _crps(
    scores: pandas.DataFrame, forecasters: Sequence[str], cluster: Ints, counts: Floats
) -> dict[str, tuple[Measured, Measured | None]]:
    """By forecaster that says what may come: its mean CRPS, and its skill against the best reference by it."""
    found = {
        name: scores[column].to_numpy(dtype=float)
        for name in forecasters
        if (column := crps_column(name)) in scores.columns and scores[column].notna().all()
    }
    resampled = {name: resampled_means(own, cluster, counts) for name, own in found.items()}
    references = set(found) - {MODEL, LEFT_OUT}
    best = best_reference(found) if references else ""
    return {
        name: (
            measured(float(own.mean()), resampled[name], counts),
            None if name == best or not best else measured_skill(found, resampled, name, best, counts),
        )
        for name, own in found.items()
    }


def ratio_of(forecast: Floats, came: Floats, cluster: Ints, counts: Floats) -> Measured | None:
    """What was forecast over what came, sum by sum, None where nothing came; infinite ends where replicates hold
    nothing that came.

    >>> one = np.array([1.0, 2.0])
    >>> ratio_of(3.0 * one, one, np.array([0, 1]), np.eye(2)).value
    3.0
    """
    if not came.sum() > 0.0:
        return None
    expected, seen = (resampled_means(values, cluster, counts) for values in (forecast, came))
    replicates = np.divide(expected, seen, out=np.full(len(seen), np.inf), where=seen > 0.0)
    return measured(float(forecast.sum() / came.sum()), replicates, counts)


def score_bins(forecast: Floats, came: Floats) -> tuple[ScoreBin, ...]:
    """Up to five bins of about as many forecasts each, at least eight; forecasts that are alike share one.

    >>> found = score_bins(np.repeat([10.0, 30.0], 8), np.repeat([0.0, 40.0], 8))
    >>> [(one.forecasts, one.mean_forecast, one.mean_came) for one in found]
    [(8, 10.0, 0.0), (8, 30.0, 40.0)]
    """
    wanted = max(1, min(MOST_BINS, len(forecast) // LEAST_IN_BIN))
    edges = np.unique(np.quantile(forecast, np.linspace(0.0, 1.0, wanted + 1)[1:-1])) if wanted > 1 else np.zeros(0)
    bins = np.searchsorted(edges, forecast, side="left")
    return tuple(
        ScoreBin(
            int(own.sum()),
            float(forecast[own].min()),
            float(forecast[own].max()),
            float(forecast[own].mean()),
            float(came[own].mean()),
        )
        for own in (bins == place for place in np.unique(bins))
    )


def _correlation(forecast: Floats, came: Floats, cluster: Ints, counts: Floats) -> Measured | None:
    """Pearson's correlation; replicates in which something does not vary are left out."""
    if np.ptp(forecast) < 1e-9 or np.ptp(came) < 1e-9:
        return None
    # From the middle, so that differences of squares keep their digits.
    x, y = forecast - forecast.mean(), came - came.mean()
    mean_x, mean_y, square_x, square_y, both = (
        resampled_means(values, cluster, counts) for values in (x, y, x * x, y * y, x * y)
    )
    spread = (square_x - mean_x**2) * (square_y - mean_y**2)
    varies = spread > 1e-12
    found = (both - mean_x * mean_y)[varies] / np.sqrt(spread[varies])
    value = float((x * y).mean() / np.sqrt((x * x).mean() * (y * y).mean()))
    return measured(value, np.clip(found, -1.0, 1.0), counts) if len(found) else Measured(value, np.nan, np.nan)


def _check(scores: pandas.DataFrame) -> Sequence[str]:
    """The forecasters of a table, the model first."""
    missing = [column for column in (*KEYS, MODEL) if column not in scores.columns]
    if missing:
        raise OptionError(f"scores has no column {missing[0]!r}; it needs {', '.join((*KEYS, MODEL))}")
    forecasters = [name for name in score_forecasters() if name in scores.columns]
    if not set(forecasters) - {MODEL, LEFT_OUT}:
        raise OptionError(f"scores has no reference to compare with; give one of {', '.join(score_forecasters()[2:])}")
    if scores.duplicated(["origin", "unit"]).any():
        raise OptionError("scores has two rows for one origin and unit; give one")
    for column in ("came", *forecasters):
        if not scores[column].between(0, 100).all():
            raise OptionError(f"scores: {column} is outside 0 to 100 in some row; give a score in every row")
    return forecasters
