"""Forecasts of many cases that differ in little, made from one another's fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws
from riskcast.engines.fitting import fingerprint
from riskcast.engines.hazard import build_event_model
from riskcast.engines.posterior import Posterior
from riskcast.errors import UnreliablePosteriorError
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.requests import Request, fit_requested, forecast_requested
from riskcast.record.arrays import build_record


class CaseForecasts:
    """Forecasts of cases that have most event types in common: each is fitted once for each of its fingerprints."""

    def __init__(self, request: Request, kept: Iterable[Posterior]) -> None:
        self.failures: dict[str, None] = {}
        self._request = request
        self._drawn: dict[tuple[str, str], EventDraws] = {}
        self._any: Posterior | None = None
        for posterior in kept:
            self._keep(posterior)

    def make(self, case: Case, told: str = "") -> Forecast:
        """The forecast of a case; `told`: which changes it holds, for errors."""
        asked = replace(self._request, base=case)
        try:
            posterior = fit_requested(asked, reuse=self._reusable(case))
        except UnreliablePosteriorError as error:
            raise UnreliablePosteriorError(f"{told}: {error}" if told else str(error)) from None
        self.failures |= dict.fromkeys(posterior.diagnostics.failures)
        self._keep(posterior)
        return forecast_requested(asked, posterior)[0]

    def keep_paths(self, paths: int) -> None:
        """Simulate all further forecasts from so many futures of each draw, that they meet the same chance."""
        self._request = replace(self._request, paths=paths or None)

    def _keep(self, posterior: Posterior) -> None:
        self._any = posterior
        for event, print_ in (posterior.fingerprints or {}).items():
            # What event types share has a fingerprint too, and no draws of its own.
            if event in posterior.events:
                self._drawn[event, print_] = posterior.events[event]

    def _reusable(self, case: Case) -> Posterior | None:
        """The draws of all event types of a case that some earlier case had in the same form."""
        if self._any is None:
            return None
        record, kind = build_record(case), "prior" if self._request.prior_only else self._request.engine
        known = {}
        for event in case.order:
            own = fingerprint(kind, self._request.draws, self._request.seed, build_event_model(case, record, event))
            if (event, own) in self._drawn:
                known[event] = own
        events = {event: self._drawn[event, own] for event, own in known.items()}
        return replace(self._any, events=events, fingerprints=known)
