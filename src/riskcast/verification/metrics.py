"""Probabilities and outcomes -> scores, calibration curves and resampled scores, as pure functions of arrays.

Throughout, outcome (rows,) is 0 or 1 and forecast (rows,) is a probability from 0 to 1; scores are better when lower.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats, Ints

LOW, HIGH = 0.05, 0.95
POINTS = 200
BAND_REPLICATES = 200
BLOCK = 1 << 22


def brier_scores(outcome: Floats, forecast: Floats) -> Floats:
    """Brier score of every row: (forecast - outcome)^2, from 0 to 1 (Brier, 1950).

    Returns (rows,). Raises OptionError where outcome or forecast is none.

    >>> brier_scores(np.array([1.0, 0.0]), np.array([0.5, 0.2])).round(4).tolist()
    [0.25, 0.04]
    """
    outcome, forecast = _checked(outcome, forecast)
    return (forecast - outcome) ** 2


def log_scores(outcome: Floats, forecast: Floats) -> Floats:
    """Logarithmic score of every row: minus the natural log of the probability given to what happened (Good, 1952).

    Nothing is clipped: a forecast of exactly 0 or 1 that proves wrong scores infinity, and so does any mean with it.
    Returns (rows,) in nats. Raises OptionError where outcome or forecast is none.

    >>> log_scores(np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.0, 0.0])).round(4).tolist()
    [0.6931, 0.0, inf]
    """
    from scipy.special import xlogy

    outcome, forecast = _checked(outcome, forecast)
    # Adding zero turns -0.0 into 0.0.
    return -xlogy(outcome, forecast) - xlogy(1.0 - outcome, 1.0 - forecast) + 0.0


def ranked_probability_scores(reached: Floats, exceedance: Floats, case: Ints) -> Floats:
    """Ranked probability score of every case: the mean over its levels of (exceedance - reached)^2 (Epstein, 1969).

    reached (rows,): whether a case reached a level, 0 or 1; exceedance (rows,): the forecast probability that it does;
    case (rows,): number of the row's case, from 0 without gaps. Dividing by the number of levels keeps the score
    from 0 to 1 and lets cases with different levels be averaged. Exceedances may cross, as those of forecasters made
    level by level can. Returns (cases,). Raises OptionError where an argument is none.

    >>> ranked_probability_scores(np.array([1.0, 0.0]), np.array([0.6, 0.2]), np.array([0, 0])).round(4).tolist()
    [0.1]
    """
    # The mean Brier score over levels, as a probability mass function, which libraries ask for, cannot hold crossings.
    scores = brier_scores(reached, exceedance)
    case = _checked_groups(case, len(scores), "case")
    sizes = np.bincount(case)
    if not sizes.all():
        raise OptionError(f"case {int(np.argmin(sizes))} has no row; number cases from 0 without gaps")
    return np.bincount(case, scores) / sizes


def skill_score(score: Floats | float, reference: Floats | float) -> Floats:
    """Skill against a reference: 1 - score / reference, at most 1, and 0 where both are equal (Murphy, 1973).

    Where only the reference is without error, skill is minus infinity. Shapes broadcast.

    >>> skill_score(np.array([0.1, 0.2, 0.0, 0.1]), np.array([0.2, 0.2, 0.0, 0.0])).tolist()
    [0.5, 0.0, 0.0, -inf]
    """
    score, reference = np.broadcast_arrays(np.asarray(score, dtype=float), np.asarray(reference, dtype=float))
    ratio = np.divide(score, reference, out=np.full(score.shape, np.inf), where=reference > 0)
    return np.where(score == reference, 0.0, 1.0 - ratio)


def auc(outcome: Floats, forecast: Floats) -> float | None:
    """Area under the ROC curve: the chance that an event had a higher forecast than a non-event, ties counting half.

    None where all outcomes are alike (Hanley and McNeil, 1982). Raises OptionError where outcome or forecast is none.

    >>> auc(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    from sklearn.metrics import roc_auc_score

    outcome, forecast = _checked(outcome, forecast)
    return float(roc_auc_score(outcome, forecast)) if _mixed(outcome) else None


def average_precision(outcome: Floats, forecast: Floats) -> float | None:
    """Average precision: the sum over thresholds of the gain in recall times precision there, without interpolation.

    Equals the base rate for a constant forecast; None where all outcomes are alike (Davis and Goadrich, 2006). Raises
    OptionError where outcome or forecast is none.

    >>> average_precision(np.array([0.0, 1.0, 0.0, 0.0]), np.full(4, 0.3))
    0.25
    """
    from sklearn.metrics import average_precision_score

    outcome, forecast = _checked(outcome, forecast)
    return float(average_precision_score(outcome, forecast)) if _mixed(outcome) else None


@dataclass(frozen=True)
class Decomposition:
    """Parts of a mean Brier score: score = miscalibration - discrimination + uncertainty, none of them negative but
    for rounding."""

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


def decompose(outcome: Floats, forecast: Floats) -> Decomposition:
    """CORP decomposition of the mean Brier score S (Dimitriadis, Gneiting and Jordan, 2021).

    With S_c that of the forecasts recalibrated by isotonic regression and S_r that of the base rate in the data:
    miscalibration S - S_c, discrimination S_r - S_c, uncertainty S_r. The recalibrated forecasts are fitted to the
    same rows, so miscalibration is biased upwards where rows are few. Raises OptionError where outcome or forecast is
    none.

    >>> parts = decompose(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.2, 0.2, 0.2, 0.9]))
    >>> [round(part, 4) for part in (parts.score, parts.miscalibration, parts.discrimination, parts.uncertainty)]
    [0.1825, 0.0158, 0.0833, 0.25]
    """
    outcome, forecast = _checked(outcome, forecast)
    # The decomposition of model-diagnostics is the same but for forecasts that rounding sets apart, and single rows.
    base = np.full(len(outcome), outcome.mean())
    forecasts = (forecast, recalibrate(outcome, forecast), base)
    score, best, uncertainty = (float(brier_scores(outcome, values).mean()) for values in forecasts)
    return Decomposition(score, score - best, uncertainty - best, uncertainty)


def murphy_curve(outcome: Floats, forecast: Floats, thresholds: Floats) -> Floats:
    """Mean elementary score at every threshold t: t for a false alarm (forecast >= t), 1 - t for a miss (forecast < t).

    A decision maker who acts where forecast >= t, and for whom acting in vain costs t and failing to act 1 - t, loses
    this much; a forecast whose curve is nowhere higher is at least as good under every proper score. The area under the
    curve is half the mean Brier score (Ehm, Gneiting, Jordan and Krueger, 2016). thresholds (thresholds,) from 0 to 1;
    returns (thresholds,). Raises OptionError where an argument is none.

    >>> murphy_curve(np.array([0.0, 1.0]), np.array([0.3, 0.6]), np.array([0.2, 0.5, 0.8])).round(4).tolist()
    [0.1, 0.0, 0.1]
    """
    outcome, forecast = _checked(outcome, forecast)
    if not ((thresholds >= 0) & (thresholds <= 1)).all():
        raise OptionError("a threshold is outside 0 to 1; give probabilities")
    happened, quiet = np.sort(forecast[outcome == 1]), np.sort(forecast[outcome == 0])
    misses = np.searchsorted(happened, thresholds, side="left")
    false_alarms = len(quiet) - np.searchsorted(quiet, thresholds, side="left")
    return ((1.0 - thresholds) * misses + thresholds * false_alarms) / len(forecast)


def recalibrate(outcome: Floats, forecast: Floats) -> Floats:
    """Recalibrated forecast of every row: isotonic regression of outcome on forecast, equal forecasts pooled.

    The non-decreasing function of the forecast with the least mean Brier score (Dimitriadis, Gneiting and Jordan,
    2021). Returns (rows,) probabilities. Raises OptionError where outcome or forecast is none.

    >>> recalibrate(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.9])).tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    outcome, forecast = _checked(outcome, forecast)
    _, group, sizes = np.unique(forecast, return_inverse=True, return_counts=True)
    return _isotonic(np.bincount(group, outcome), sizes.astype(float))[group]


@dataclass(frozen=True)
class CalibrationCurve:
    """A recalibration curve at some of the forecasts, with the consistency band: (points,) probabilities each."""

    forecast: Floats
    frequency: Floats
    low: Floats
    high: Floats


def calibration_curve(
    outcome: Floats,
    forecast: Floats,
    rng: np.random.Generator,
    *,
    replicates: int = BAND_REPLICATES,
    points: int = POINTS,
) -> CalibrationCurve:
    """CORP reliability curve with its 90 % consistency band (Dimitriadis, Gneiting and Jordan, 2021).

    The curve is `recalibrate` at the forecasts; the band holds, point by point, the middle 90 % of curves refitted to
    outcomes that are drawn from the forecasts, each row on its own: where outcomes hang together, as over horizons
    that overlap, a calibrated curve leaves the band more often than that. Of more than `points` different forecasts,
    half are chosen evenly by rank and half evenly by value. Raises OptionError where outcome or forecast is none, or
    fewer than 2 points or replicates are asked for.

    >>> curve = calibration_curve(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.7]), np.random.default_rng(1))
    >>> curve.forecast.tolist(), curve.frequency.tolist()
    ([0.2, 0.7], [0.5, 1.0])
    """
    outcome, forecast = _checked(outcome, forecast)
    if points < 2 or replicates < 2:
        raise OptionError(f"points is {points} and replicates {replicates}; give at least 2 of both")
    order = np.argsort(forecast, kind="stable")
    ordered = forecast[order]
    values, starts, sizes = np.unique(ordered, return_index=True, return_counts=True)
    weights = sizes.astype(float)
    shown = _spread(values, points)
    frequency = _isotonic(np.add.reduceat(outcome[order], starts), weights)[shown]
    drawn = np.empty((replicates, len(shown)))
    for replicate in range(replicates):
        events = (rng.random(len(ordered)) < ordered).astype(float)
        drawn[replicate] = _isotonic(np.add.reduceat(events, starts), weights)[shown]
    low, high = np.quantile(drawn, [LOW, HIGH], axis=0)
    return CalibrationCurve(values[shown], frequency, low, high)


def resample_clusters(clusters: int, replicates: int, rng: np.random.Generator) -> Floats:
    """How often each cluster is drawn when as many as there are get drawn with replacement: (replicates, clusters).

    All rows of a cluster come and go together, which keeps their dependence (Davison and Hinkley, 1997, section 3.8).
    Raises OptionError where there is no cluster or no replicate.

    >>> counts = resample_clusters(3, 2, np.random.default_rng(1))
    >>> counts.shape, counts.sum(axis=1).tolist()
    ((2, 3), [3.0, 3.0])
    """
    if clusters < 1 or replicates < 1:
        raise OptionError(f"clusters is {clusters} and replicates {replicates}; give at least 1 of both")
    return rng.multinomial(clusters, np.full(clusters, 1.0 / clusters), size=replicates).astype(float)


def resample_blocks(clusters: int, block: int, replicates: int, rng: np.random.Generator) -> Floats:
    """How often each cluster is drawn when runs of `block` clusters in a row are drawn with replacement until there are
    as many as there were: (replicates, clusters).

    Clusters stand in a circle, so that each is drawn as often as any other, and what hangs together over up to `block`
    of them comes and goes together (moving blocks, Künsch, 1989; in a circle, Politis and Romano, 1992). Raises
    OptionError where there is no cluster or replicate, or a block that is no part of the circle.

    >>> counts = resample_blocks(6, 2, 100, np.random.default_rng(1))
    >>> counts.shape, set(counts.sum(axis=1).tolist())
    ((100, 6), {6.0})
    """
    if clusters < 1 or replicates < 1:
        raise OptionError(f"clusters is {clusters} and replicates {replicates}; give at least 1 of both")
    if not 1 <= block <= clusters:
        raise OptionError(f"block is {block} of {clusters} clusters; give a number from 1 to {clusters}")
    starts = rng.integers(0, clusters, size=(replicates, -(-clusters // block)))
    drawn = ((starts[:, :, None] + np.arange(block)) % clusters).reshape(replicates, -1)[:, :clusters]
    own = drawn + clusters * np.arange(replicates)[:, None]
    return np.bincount(own.ravel(), minlength=replicates * clusters).reshape(replicates, clusters).astype(float)


def resampled_means(scores: Floats, cluster: Ints, counts: Floats) -> Floats:
    """Mean score of every replicate: sum over drawn rows of the score / number of drawn rows.

    scores (rows,), where infinity is allowed; cluster (rows,): number of the row's cluster; counts (replicates,
    clusters) of `resample_clusters`. Returns (replicates,). Raises OptionError where shapes do not fit.

    >>> resampled_means(np.array([0.0, 1.0, 4.0]), np.array([0, 0, 1]), np.array([[1.0, 1.0], [2.0, 0.0]])).round(3)
    array([1.667, 0.5  ])
    """
    cluster = _checked_groups(cluster, len(scores), "cluster", counts.shape[1])
    infinite = np.isposinf(scores)
    columns = (np.where(infinite, 0.0, scores), infinite.astype(float), np.ones(len(scores)))
    totals = np.column_stack([np.bincount(cluster, column, counts.shape[1]) for column in columns])
    sums, infinities, sizes = (counts @ totals).T
    means = np.divide(sums, sizes, out=np.full(len(counts), np.nan), where=sizes > 0)
    return np.where(infinities > 0, np.inf, means)


def resampled_ranks(
    outcome: Floats, forecast: Floats, cluster: Ints, counts: Floats, *, cells: int = BLOCK
) -> tuple[Floats, Floats]:
    """`auc` and `average_precision` of every replicate, rows weighted by how often their cluster is drawn.

    cluster (rows,), counts (replicates, clusters) as for `resampled_means`. Rows are sorted once for all replicates,
    and about `cells` numbers are in memory at a time.
    Returns two (replicates,), not a number where a replicate has no event or nothing but events. Raises OptionError
    where outcome or forecast is none, or shapes do not fit.

    >>> outcome, forecast = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.4, 0.4, 0.8])
    >>> [found.tolist() for found in resampled_ranks(outcome, forecast, np.arange(4), np.ones((1, 4)))]
    [[0.875], [0.8333333333333333]]
    """
    outcome, forecast = _checked(outcome, forecast)
    cluster = _checked_groups(cluster, len(outcome), "cluster", counts.shape[1])
    order = np.argsort(-forecast, kind="stable")
    descending, owner = -forecast[order], cluster[order]
    event = np.flatnonzero(outcome[order])
    # Rows, and events, ahead of each event's forecast and down to it, ties included.
    above, down_to = (np.searchsorted(descending, descending[event], side=side) for side in ("left", "right"))
    events_above, events_down_to = np.searchsorted(event, above), np.searchsorted(event, down_to)
    areas, precisions = np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    size = max(1, cells // len(outcome))
    for first in range(0, len(counts), size):
        block = slice(first, first + size)
        rows = _cumulated(counts[block][:, owner])
        weight = counts[block][:, owner[event]]
        hits = _cumulated(weight)
        happened, quiet = hits[:, -1], rows[:, -1] - hits[:, -1]
        ahead = rows[:, above] - hits[:, events_above]
        level = rows[:, down_to] - hits[:, events_down_to]
        beaten = quiet[:, None] - (ahead + level) / 2.0
        reached = rows[:, down_to]
        precision = np.divide(hits[:, events_down_to], reached, out=np.zeros(weight.shape), where=reached > 0)
        known = (happened > 0) & (quiet > 0)
        pairs = (weight * beaten).sum(axis=1)
        np.divide(pairs, happened * quiet, out=areas[block], where=known)
        np.divide((weight * precision).sum(axis=1), happened, out=precisions[block], where=known)
    return areas, precisions


def percentile_interval(replicates: Floats) -> tuple[float, float]:
    """The middle 90 % of replicates (replicates,): their 5th and 95th percentile (Efron and Tibshirani, 1993).

    Replicates in which a score is undefined are left out; both ends are not a number where it is defined in none.
    Percentiles are replicates themselves, never averages of two, so that infinity can be one.

    >>> percentile_interval(np.append(np.arange(101.0), np.nan))
    (5.0, 95.0)
    """
    known = replicates[~np.isnan(replicates)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [LOW, HIGH], method="nearest")
    return float(low), float(high)


def _mixed(outcome: Floats) -> bool:
    return bool(0 < outcome.sum() < len(outcome))


def _isotonic(events: Floats, sizes: Floats) -> Floats:
    """Non-decreasing frequencies of groups in the order of their forecasts: (groups,)."""
    from scipy.optimize import isotonic_regression

    return isotonic_regression(events / sizes, weights=sizes).x


def _spread(values: Floats, points: int) -> Ints:
    """Positions of at most so many of the sorted values, half evenly by rank and half evenly by value."""
    count = len(values)
    if count <= points:
        return np.arange(count)
    by_rank = np.linspace(0, count - 1, points // 2).round().astype(np.int64)
    by_value = np.searchsorted(values, np.linspace(values[0], values[-1], points // 2))
    return np.unique(np.concatenate([by_rank, by_value]))


def _cumulated(weights: Floats) -> Floats:
    """Running sums along each row, from zero: (replicates, rows + 1)."""
    out = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=out[:, 1:])
    return out


def _checked(outcome: Floats, forecast: Floats) -> tuple[Floats, Floats]:
    outcome, forecast = np.asarray(outcome, dtype=float), np.asarray(forecast, dtype=float)
    if outcome.ndim != 1 or outcome.shape != forecast.shape:
        wrong = f"outcomes have shape {outcome.shape} and forecasts {forecast.shape}"
        raise OptionError(f"{wrong}; give one of each for every row")
    if not len(outcome):
        raise OptionError("there is no forecast to score; give at least one row")
    if not ((outcome == 0) | (outcome == 1)).all():
        raise OptionError("an outcome is neither 0 nor 1; give 1 where the event happened and 0 where it did not")
    if not ((forecast >= 0) & (forecast <= 1)).all():
        raise OptionError("a forecast is outside 0 to 1; give a probability in every row")
    return outcome, forecast


def _checked_groups(group: Ints, rows: int, what: str, count: int | None = None) -> Ints:
    group = np.asarray(group)
    fits = group.shape == (rows,) and (not rows or (group.min() >= 0 and (count is None or group.max() < count)))
    if not fits:
        limit = "" if count is None else f" below {count}"
        raise OptionError(f"the numbers of {what} do not fit {rows} rows; give one from 0{limit} for every row")
    return group
