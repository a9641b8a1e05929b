"""Scores of forecasters and ranks of a calibration, made up so that what is shown of them is known."""

from __future__ import annotations

import functools
import math

import numpy as np
import pandas as pd

from riskcast.case.files import load_case
from riskcast.verification.calibration import Calibration
from riskcast.verification.evaluation import Evaluation, Measured, Performance, Reliability, SeverityScore, Slice
from riskcast.verification.forecasters import reference_names
from riskcast.verification.ranks import EcdfDifference, RankHistogram
from riskcast.verification.score_accuracy import ScoreAccuracy, score_accuracies

NAMES = ("model", "left_out", "prior_only", "pooled_rate", "dyad_rate", "persistence")
NOISE = {"model": 0.25, "left_out": 0.7, "prior_only": 1.1, "pooled_rate": 0.0, "dyad_rate": 0.8, "persistence": 0.45}
BLOCKS = {
    "base_rate": "Base rate",
    "effects": "Effects of indicators",
    "escalations": "Effects of past events",
    "half_life.fast": "Half-life of the fast memory",
    "dyad_effects": "Dyad effects",
    "log_likelihood": "Log likelihood of the record",
}
THRESHOLDS = np.linspace(0.0, 1.0, 201)


def probabilities(name: str, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if name == "pooled_rate":
        return np.full(truth.size, truth.mean())
    logit = np.log(truth / (1 - truth)) + rng.normal(0, NOISE[name], truth.size)
    return 1 / (1 + np.exp(-logit * (1.25 if name == "persistence" else 1)))


def reliability_of(p: np.ndarray, y: np.ndarray) -> Reliability:
    from sklearn.isotonic import IsotonicRegression

    points, index = np.unique(np.round(p, 4), return_inverse=True)
    weights = np.bincount(index)
    frequency = IsotonicRegression().fit_transform(points, np.bincount(index, y) / weights, sample_weight=weights)
    near = np.maximum(np.convolve(weights, np.ones(max(points.size // 12, 1)), "same"), 1)
    spread = 1.645 * np.sqrt(points * (1 - points) / near)
    counts, edges = np.histogram(p, bins=20, range=(0, 1))
    low, high = np.clip(points - spread, 0, 1), np.clip(points + spread, 0, 1)
    return Reliability(points, frequency, low, high, edges, counts.astype(float))


def measured(value: float, width: float) -> Measured:
    return Measured(value, value - width, value + width)


def slice_of(name: str, forecasts: dict[str, np.ndarray], y: np.ndarray, dyads: int) -> Slice:
    brier = {key: float(np.mean((p - y) ** 2)) for key, p in forecasts.items()}
    references = [key for key in forecasts if key in reference_names()]
    best = min(references, key=brier.__getitem__, default="")
    width = 1.645 * math.sqrt(y.mean() * (1 - y.mean()) / y.size) * 2
    mixed = 0 < y.sum() < y.size
    performances, reliability, murphy = {}, {}, {}
    for key, p in forecasts.items():
        reliability[key] = corp = reliability_of(p, y)
        recalibrated = np.interp(p, corp.forecast, corp.frequency)
        unsure = float(y.mean() * (1 - y.mean()))
        better = float(np.mean((recalibrated - y) ** 2))
        clipped = np.clip(p, 1e-9, 1 - 1e-9)
        order = np.argsort(np.argsort(p)) + 1
        auc = (order[y == 1].mean() - (y.sum() + 1) / 2) / (y == 0).sum() if mixed else math.nan
        performances[key] = Performance(
            key,
            measured(brier[key], width),
            measured(float(-np.mean(np.log(np.where(y == 1, clipped, 1 - clipped)))), 3 * width),
            measured(1 - brier[key] / brier[best], 0.0 if key == best else 0.03) if best else None,
            measured(float(auc), 0.02) if mixed else None,
            measured(float(y[np.argsort(-p)][: int(y.sum())].mean()), 0.03) if mixed else None,
            brier[key] - better,
            unsure - better,
            unsure,
            float(p.mean()),
        )
        over = p[:, None] > THRESHOLDS
        cost = np.where(over, (1 - y)[:, None] * THRESHOLDS, y[:, None] * (1 - THRESHOLDS))
        murphy[key] = cost.mean(axis=0)
    return Slice(name, y.size, int(y.sum()), dyads, best, performances, reliability, THRESHOLDS, murphy)


def accuracies() -> dict[str, ScoreAccuracy]:
    """How made-up scores did: the model forecasts six points too much, and sees which dyads have more."""
    rng = np.random.default_rng(13)
    rows = 8 * 12
    level = np.repeat(rng.uniform(10, 60, 8), 12)
    came = np.clip(level + rng.normal(0, 15, rows), 0, 100)
    table = pd.DataFrame(
        {
            "origin": np.tile([f"{year}-12-31" for year in range(2001, 2013)], 8),
            "unit": np.repeat([f"A-{letter}" for letter in "BCDEFGHI"], 12),
            "came": came,
            "model": np.clip(level + 6.0, 0, 100),
            "pooled_mean": came.mean(),
        }
    )
    return score_accuracies(table, 100, 1)


@functools.cache
def evaluation_of(size: int = 24_571, rate: float = 0.047, dyads: int = 1186, events: int = 1) -> Evaluation:
    """Scores of six forecasters on made-up truth: the model sees it best."""
    rng = np.random.default_rng(7)
    truth = rng.beta(0.35, 0.35 / rate - 0.35, size).clip(1e-4, 1 - 1e-4)
    y = (rng.random(size) < truth).astype(float)
    forecasts = {name: probabilities(name, truth, rng) for name in NAMES}
    onset = truth < np.quantile(truth, 0.9)
    kinds = rng.integers(0, events, size)
    parts = {"all": np.full(size, True), "onset": onset, "continuation": ~onset}
    if events > 1:
        parts |= {f"event_{k}": kinds == k for k in range(events)}
    slices = {
        name: slice_of(name, {key: p[rows] for key, p in forecasts.items()}, y[rows], dyads)
        for name, rows in parts.items()
    }
    severity = {}
    for k, name in enumerate(NAMES):
        skill = measured(0.0, 0.0) if k == 5 else measured(0.1 - 0.04 * k, 0.05)
        severity[name] = SeverityScore(name, measured(0.03 + 0.004 * k, 0.002), skill)
    return Evaluation(slices, severity, accuracies())


def origins_of(evaluation: Evaluation, origins: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    whole = evaluation.slices["all"]
    share = whole.forecasts // origins
    rows = []
    for k in range(origins):
        events = int(rng.binomial(share, whole.events / whole.forecasts) * rng.uniform(0.6, 1.5))
        for name, item in whole.performances.items():
            level = item.brier.value * events / share / (whole.events / whole.forecasts)
            date = pd.Timestamp("2010-01-01") + pd.DateOffset(months=6 * k)
            rows.append((date, name, level + rng.normal(0, 0.0008), share, events))
    return pd.DataFrame(rows, columns=["origin", "forecaster", "brier", "forecasts", "events"])


def histogram_of(block: str, label: str, ranks: np.ndarray, p_value: float, bins: int = 20) -> RankHistogram:
    even, points = ranks.size / bins, np.linspace(0.02, 0.98, 49)
    counts = np.histogram(ranks, bins, (0, 1))[0].astype(np.int64)
    width = 2.9 * math.sqrt(even * (1 - 1 / bins))
    reach = 1.4 * np.sqrt(points * (1 - points) / ranks.size) * 2
    difference = np.searchsorted(np.sort(ranks), points, side="right") / ranks.size - points
    ecdf = EcdfDifference(points, difference, -reach, reach, p_value)
    low, high = (np.full(bins, round(edge)) for edge in (max(even - width, 0), even + width))
    return RankHistogram(block, label, ranks, counts, low, high, 0.95, p_value, ecdf)


@functools.cache
def calibration_of(records: int = 300, wrong: str = "dyad_effects") -> Calibration:
    """Rank histograms of a real case; in the wrong block the ranks crowd at both ends."""
    case = load_case("central_asia_2024")
    rng = np.random.default_rng(11)
    by_event: dict[str, dict[str, RankHistogram]] = {event: {} for event in case.order}
    histograms = {}
    for block, label in BLOCKS.items():
        ranks = rng.random((len(case.order), records))
        if block == wrong:
            ranks = rng.beta(0.75, 0.75, ranks.shape)
        p_value = 0.00004 if block == wrong else float(rng.uniform(0.1, 0.95))
        histograms[block] = histogram_of(block, label, ranks.ravel(), p_value)
        for place, event in enumerate(case.order):
            by_event[event][block] = histogram_of(block, label, ranks[place], float(rng.uniform(0.01, 0.95)))
    failed = dict.fromkeys(case.order, 0) | {case.order[0]: 2}
    return Calibration(case, records, 400, 1, histograms, 2, by_event, failed)


@functools.cache
def small_evaluation() -> Evaluation:
    return evaluation_of(size=1500, rate=0.06, dyads=40, events=3)
