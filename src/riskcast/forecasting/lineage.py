"""Which case, scenario, overlay, engine and horizon a result comes from."""

from __future__ import annotations

from typing import Any

from riskcast.forecasting.forecasts import Forecast
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
            "khat_max": rounded(health.khat_max),
            "ess_min": rounded(health.ess_min),
            "rhat_max": rounded(health.rhat_max),
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


def rounded(value: float | None) -> float | None:
    """Ten digits after the point: beyond them, sums differ between machines."""
    return None if value is None or value != value or abs(value) == float("inf") else round(float(value), DIGITS)
