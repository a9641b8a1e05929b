"""Forecasts and what followed -> scores with intervals, relative to the references that a sceptic would ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskcast.hazard import Floats


@dataclass(frozen=True)
class Measured:
    """A score with its 90 % interval from a bootstrap that resamples dyads."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """A CORP reliability diagram: forecasts, their recalibrated frequency (isotonic), the 90 % consistency band in
    which the curve would lie were the forecasts calibrated, and where the forecasts lie.

    forecast, frequency, low, high: (points,) probabilities; edges (bins + 1,) and counts (bins,): a histogram of forecasts.
    """

    forecast: Floats
    frequency: Floats
    low: Floats
    high: Floats
    edges: Floats
    counts: Floats


@dataclass(frozen=True)
class Performance:
    """How one forecaster did on a set of forecasts.

    brier, log_score (natural log; both lower is better); skill: Brier skill score against the best reference; auc and
    average_precision: None where all outcomes are alike; miscalibration, discrimination, uncertainty: brier =
    miscalibration - discrimination + uncertainty (Dimitriadis, Gneiting and Jordan, 2021).
    """

    forecaster: str
    brier: Measured
    log_score: Measured
    skill: Measured | None
    auc: Measured | None
    average_precision: Measured | None
    miscalibration: float
    discrimination: float
    uncertainty: float
    mean_forecast: float


@dataclass(frozen=True)
class Slice:
    """Scores on a set of forecasts: all of them, onset or continuation alone, or one event type.

    performances: by forecaster, the model first; murphy[forecaster]: (thresholds,) mean elementary scores
    (Ehm, Gneiting, Jordan and Krueger, 2016).
    """

    name: str
    forecasts: int
    events: int
    dyads: int
    best_reference: str
    performances: Mapping[str, Performance]
    reliability: Mapping[str, Reliability]
    thresholds: Floats
    murphy: Mapping[str, Floats]


@dataclass(frozen=True)
class SeverityScore:
    """Ranked probability score of a dyad's peak severity, from 0 to 1, lower is better; skill against the best reference."""

    forecaster: str
    rps: Measured
    skill: Measured | None


@dataclass(frozen=True)
class Evaluation:
    """Scores of all forecasters: slices[name] with names `all`, `onset`, `continuation` and, where there is more than
    one, event types; severity by forecaster."""

    slices: Mapping[str, Slice]
    severity: Mapping[str, SeverityScore]
