"""Where numbers come from: one record, of which every file, page and terminal shows what it has room for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskcast.case.model import Case
from riskcast.engines.mixtures import Mixture
from riskcast.engines.posterior import Diagnostics, Posterior
from riskcast.forecasting.accuracy import Accuracy
from riskcast.forecasting.outside_numbers import Outside
from riskcast.version import __version__

if TYPE_CHECKING:
    from riskcast.forecasting.forecasts import Forecast

DIGITS = 10
SHORT = 12


@dataclass(frozen=True)
class ExpertLineage:
    """An expert of a mixture: who, the share of its draws, and the sha256 of the overlay, None where there is none."""

    name: str
    share: float
    overlay_hash: str | None

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {"who": self.name, "share": rounded(self.share), "overlay_hash": self.overlay_hash}


@dataclass(frozen=True)
class CaseLineage:
    """Which case: `hash` is the sha256 of the case before any overlay, `overlay_hash` that of the overlay; experts: of
    a mixture, whose draws they are."""

    name: str
    title: str
    as_of: dt.date
    hash: str
    overlay_hash: str | None
    experts: tuple[ExpertLineage, ...] = ()

    @property
    def short_hash(self) -> str:
        """The first digits of the case's hash."""
        return self.hash[:SHORT]

    @property
    def short_overlay_hash(self) -> str:
        """The first digits of the overlay's hash; empty without one."""
        return (self.overlay_hash or "")[:SHORT]

    @property
    def overlay(self) -> str:
        """In short, the overlay, and how many experts are mixed; empty without either."""
        own = [f"overlay {self.short_overlay_hash}"] if self.overlay_hash else []
        return ", ".join(own + ([f"mixture of {len(self.experts)} experts"] if self.experts else []))

    def plain(self) -> dict[str, str]:
        """As plain data, without the overlay."""
        return {"name": self.name, "as_of": self.as_of.isoformat(), "hash": self.hash}


@dataclass(frozen=True)
class Lineage:
    """Which case, scenario, horizon, engine and seeds a forecast comes from, what the engine's checks said, and how far
    the headline numbers may be off for want of draws and paths.

    `window` holds the first and the last day of the horizon of `periods` periods of one `unit`.
    """

    case: CaseLineage
    scenario: str
    scenario_label: str
    periods: int
    unit: str
    window: tuple[dt.date, dt.date]
    engine: str
    draws: int
    paths: int
    seed: int
    simulation_seed: int
    prior_only: bool
    health: Diagnostics
    cautions: tuple[str, ...]
    accuracy: Accuracy
    outside: Outside | None = None
    riskcast_version: str = __version__


def case_lineage(case: Case, mixture: Mixture | None = None) -> CaseLineage:
    """Which case it is, and whose mixture."""
    parts = () if mixture is None else mixture.parts
    experts = tuple(ExpertLineage(part.name, part.share, part.case.overlay_hash) for part in parts)
    return CaseLineage(case.name, case.settings.title, case.as_of, case.original_hash, case.overlay_hash, experts)


def lineage_of(forecast: Forecast) -> Lineage:
    """Where the numbers of a forecast come from.

    >>> from riskcast import fit, forecast, load_case
    >>> case = load_case("central_asia_2024")
    >>> found = lineage_of(forecast(fit(case, draws=200, seed=3)))
    >>> found.case.short_hash == case.hash[:12], found.engine, found.seed
    (True, 'laplace', 3)
    """
    posterior = forecast.posterior
    return Lineage(
        case=case_lineage(forecast.case, posterior.mixture),
        scenario=forecast.scenario_name,
        scenario_label=forecast.scenario.label,
        periods=forecast.horizon,
        unit=forecast.case.settings.period,
        window=forecast.window,
        engine=posterior.engine,
        draws=posterior.draws,
        paths=forecast.paths,
        seed=posterior.seed,
        simulation_seed=forecast.seed,
        prior_only=posterior.prior_only,
        health=posterior.diagnostics,
        cautions=forecast.cautions,
        accuracy=forecast.accuracy,
        outside=forecast.outside,
    )


def provenance(forecast: Forecast) -> dict[str, Any]:
    """Which case, scenario, overlay, engine and horizon a result comes from, as plain data."""
    found = lineage_of(forecast)
    health, (first, last) = found.health, found.window
    return {
        "riskcast_version": found.riskcast_version,
        "case": found.case.plain(),
        "scenario": found.scenario,
        "overlay_hash": found.case.overlay_hash,
        **_experts(found.case),
        "cautions": list(found.cautions),
        **({} if found.outside is None else {"outside": _outside(found.outside)}),
        "engine": {
            "name": found.engine,
            "khat_max": rounded(health.khat_max),
            "ess_min": rounded(health.ess_min),
            "rhat_max": rounded(health.rhat_max),
            "divergences": health.divergences,
            "draws": found.draws,
            "paths": found.paths,
            "probability_error_max": rounded(found.accuracy.probability),
            "probability_error_of_paths": rounded(found.accuracy.probability_of_paths),
            "score_error_max": rounded(found.accuracy.score),
            "score_error_of_paths": rounded(found.accuracy.score_of_paths),
            "seed": found.seed,
            "simulation_seed": found.simulation_seed,
            "prior_only": found.prior_only,
            "reliable": health.is_reliable,
            "failures": list(health.failures),
        },
        "horizon": {
            "periods": found.periods,
            "unit": found.unit,
            "from": first.isoformat(),
            "until": last.isoformat(),
        },
    }


def fit_provenance(posterior: Posterior) -> dict[str, Any]:
    """Which case, overlay, engine and seed what rests on a posterior alone comes from, as plain data."""
    case, health = case_lineage(posterior.case, posterior.mixture), posterior.diagnostics
    return {
        "riskcast_version": __version__,
        "case": case.plain(),
        "overlay_hash": case.overlay_hash,
        **_experts(case),
        "cautions": list(posterior.cautions),
        "engine": {
            "name": posterior.engine,
            "khat_max": rounded(health.khat_max),
            "ess_min": rounded(health.ess_min),
            "rhat_max": rounded(health.rhat_max),
            "divergences": health.divergences,
            "draws": posterior.draws,
            "seed": posterior.seed,
            "prior_only": posterior.prior_only,
            "reliable": health.is_reliable,
            "failures": list(health.failures),
        },
    }


def _experts(case: CaseLineage) -> dict[str, Any]:
    """Whose mixture it is, as plain data; nothing where it is none."""
    return {"experts": [expert.plain() for expert in case.experts]} if case.experts else {}


def _outside(outside: Outside) -> dict[str, Any]:
    """What a forecast was adjusted by, as plain data."""
    numbers = [
        one.number.plain() | {"weight": rounded(one.weight), "model": rounded(one.model), "used": rounded(one.target)}
        for one in outside.numbers
    ]
    worth = {"effective_futures": rounded(outside.effective), "effective_draws": rounded(outside.effective_draws)}
    return {"adjusted": outside.acts, "numbers": numbers, "futures": outside.paths, **worth}


def rounded(value: float | None) -> float | None:
    """Ten digits after the point: beyond them, sums differ between machines."""
    return None if value is None or value != value or abs(value) == float("inf") else round(float(value), DIGITS)
