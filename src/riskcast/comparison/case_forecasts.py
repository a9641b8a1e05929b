"""Forecasts of many cases that differ in little, made from one another's fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from riskcast.case.model import Case
from riskcast.engines.posterior import Posterior
from riskcast.engines.refits import Refits
from riskcast.errors import UnreliablePosteriorError
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.requests import Request, fit_requested, forecast_requested


class CaseForecasts:
    """Forecasts of cases that have most event types in common: each is fitted once for each of its fingerprints."""

    def __init__(self, request: Request, kept: Iterable[Posterior]) -> None:
        self.failures: dict[str, None] = {}
        self._request = request
        self._known = Refits(kept)

    def make(self, case: Case, told: str = "", goes_on: bool = True) -> Forecast:
        """The forecast of a case; `told`: which changes it holds, for errors; goes_on: whether the next fit goes
        on from this one, or from where this one began."""
        posterior = self.fit(case, told, goes_on)
        return forecast_requested(replace(self._request, base=case), posterior)[0]

    def fit(self, case: Case, told: str = "", goes_on: bool = True) -> Posterior:
        """The posterior of a case, as `make` forecasts from it."""
        asked = replace(self._request, base=case)
        try:
            posterior = fit_requested(asked, reuse=self._known.reusable(case))
        except UnreliablePosteriorError as error:
            raise UnreliablePosteriorError(f"{told}: {error}" if told else str(error)) from None
        self.failures |= dict.fromkeys(posterior.diagnostics.failures)
        self._known.keep(posterior, goes_on)
        return posterior

    def keep_paths(self, paths: int) -> None:
        """Simulate all further forecasts from so many futures of each draw, that they meet the same chance."""
        self._request = replace(self._request, paths=paths or None)
