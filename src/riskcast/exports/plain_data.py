"""Results -> plain data for programs and files."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from riskcast.case.model import Case, Effect, EventType, Indicator, Scenario, Source
from riskcast.case.overlays import Overlay
from riskcast.case.settings import Settings
from riskcast.forecasting.attribution import Explanation
from riskcast.forecasting.forecasts import Contrast, Estimate, Forecast
from riskcast.forecasting.scoring import OutcomeRisk, Risk
from riskcast.version import __version__

DIGITS = 10


def provenance(forecast: Forecast) -> dict[str, Any]:
    """Which case, scenario, overlay, engine and horizon a result comes from."""
    case, posterior, health = forecast.case, forecast.posterior, forecast.posterior.diagnostics
    first, last = forecast.window
    return {
        "riskcast_version": __version__,
        "case": {"name": case.name, "as_of": case.as_of.isoformat(), "hash": case.published_hash or case.hash},
        "scenario": forecast.scenario_name,
        "overlay_hash": case.overlay_hash,
        "engine": {
            "name": posterior.engine,
            "khat_max": _rounded(health.khat_max),
            "ess_min": _rounded(health.ess_min),
            "rhat_max": _rounded(health.rhat_max),
            "divergences": health.divergences,
            "draws": posterior.draws,
            "paths": forecast.paths,
            "seed": posterior.seed,
            "simulation_seed": forecast.seed,
            "prior_only": posterior.prior_only,
            "reliable": posterior.is_reliable,
            "failures": list(health.failures),
        },
        "horizon": {
            "periods": forecast.horizon,
            "unit": case.settings.period,
            "from": first.isoformat(),
            "until": last.isoformat(),
        },
    }


def forecast_data(risk: Risk, explanation: Explanation) -> dict[str, Any]:
    """A forecast as plain data: scores, probabilities and drivers of every dyad, and the shared outcomes.

    Probabilities are from 0 to 1, scores and contributions in points of 0-100; `by_month` holds the probability of at
    least one event by the end of each period; drivers add up to score less `reference_score`.
    """
    dyads = []
    for dyad in risk.dyads:
        drivers = [
            {"indicator": c.driver, "contribution": _rounded(c.points), "kind": c.kind, "error": _rounded(c.error)}
            for c in explanation.contributions[dyad.id]
        ]
        dyads.append(
            {
                "id": dyad.id,
                "partner": dyad.partner,
                "score": {**_estimate(dyad.score), "band": dyad.band},
                "reference_score": _rounded(explanation.reference[dyad.id]),
                "outcomes": [_outcome(outcome) for outcome in dyad.outcomes],
                "drivers": drivers,
            }
        )
    return {**provenance(risk.forecast), "dyads": dyads, "shared": [_outcome(outcome) for outcome in risk.shared]}


def contrast_data(change: Contrast, first: Forecast, second: Forecast) -> dict[str, Any]:
    """Paired differences as plain data: second less first."""
    scores = [{"dyad": dyad, "difference": _estimate(e)} for dyad, e in change.score.items()]
    events = [
        {"event": event, "unit": unit, "difference": _estimate(e)} for (event, unit), e in change.probability.items()
    ]
    return {
        **provenance(second),
        "first": first.scenario_name,
        "second": second.scenario_name,
        "scores": scores,
        "probabilities": events,
    }


def case_schemas() -> dict[str, Any]:
    """JSON Schema of every YAML file of a case, and of an overlay, by file name."""
    shapes: dict[str, Any] = {
        "case.yaml": Settings,
        "indicators.yaml": dict[str, Indicator],
        "outcomes.yaml": dict[str, EventType],
        "effects.yaml": list[Effect],
        "scenarios.yaml": dict[str, Scenario],
        "sources.yaml": dict[str, Source],
        "overlay.yaml": Overlay,
    }
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name}
        | TypeAdapter(shape).json_schema(by_alias=True)
        for name, shape in shapes.items()
    }


def evidence_of(case: Case, driver: str) -> list[tuple[str, str, str]]:
    """For a driver: quantity id, basis and claim of each edge that starts from it."""
    out = []
    for effect in case.effects:
        if effect.source == driver.split(":")[-1] and effect.rate_ratio.evidence:
            out.append((f"effects.{effect.id}", effect.rate_ratio.evidence.basis, effect.rate_ratio.evidence.claim))
    return out


def _outcome(outcome: OutcomeRisk) -> dict[str, Any]:
    estimate = outcome.probability
    return {
        "id": outcome.id,
        "probability": _rounded(estimate.mean),
        "low": _rounded(estimate.low),
        "high": _rounded(estimate.high),
        "words": outcome.words,
        "by_month": [_rounded(p) for p in outcome.by_period],
        "assumed": outcome.assumed,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"mean": _rounded(estimate.mean), "low": _rounded(estimate.low), "high": _rounded(estimate.high)}


def _rounded(value: float | None) -> float | None:
    """Ten digits after the point: beyond them, sums differ between machines."""
    return None if value is None or value != value or abs(value) == float("inf") else round(float(value), DIGITS)
