"""The desk at which questions are answered: the cases that are open on it, and what was worked out for earlier ones."""

from __future__ import annotations

import datetime as dt
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from riskcast.case.model import Case
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.requests import (
    OverlayFile,
    Request,
    check_request,
    fit_requested,
    forecast_requested,
)

if TYPE_CHECKING:
    from riskcast.ledger.places import LedgerPlace

MOST_POSTERIORS, MOST_FORECASTS = 6, 24


@dataclass
class Desk:
    """Cases by name, how many draws with which seed, and what is kept of posteriors and forecasts.

    Nothing but these cases is ever read, and of the ledger, if there is one, what is of them; nothing is written.
    `progress` hears how much of the work of a question is done.
    """

    cases: Mapping[str, Case]
    draws: int = 1000
    seed: int = 1
    prior_only: bool = False
    allow_unreliable: bool = False
    ledger: LedgerPlace | None = None
    progress: Callable[[int, int], None] | None = None
    _posteriors: OrderedDict[str, Posterior] = field(default_factory=OrderedDict)
    _forecasts: OrderedDict[str, Forecast] = field(default_factory=OrderedDict)

    def case(self, name: str, as_of: str | None = None) -> Case:
        """An open case, as it could have been known on a day."""
        return self.request(name, as_of=as_of).case

    def request(
        self,
        name: str,
        *,
        as_of: str | None = None,
        changes: Mapping[str, Any] | None = None,
        scenarios: Sequence[str | None] = (None,),
        horizon: int | None = None,
    ) -> Request:
        """What is asked of a forecast; raises UnknownNameError for a case that is not open, and as `check_request`."""
        if name not in self.cases:
            raise UnknownNameError("case", name, self.cases)
        overlays = () if changes is None else (_overlay(name, changes),)
        request = Request(
            base=self.cases[name],
            as_of=None if as_of is None else read_day(as_of),
            overlays=overlays,
            scenarios=tuple(scenarios),
            horizon=horizon,
            draws=self.draws,
            seed=self.seed,
            prior_only=self.prior_only,
            allow_unreliable=self.allow_unreliable,
        )
        check_request(request)
        return request

    def posterior(self, request: Request) -> Posterior:
        """The posterior of a request, worked out once; after a change only what it touches is fitted anew."""
        first = Request(request.base, request.as_of, draws=request.draws, seed=request.seed)
        before = self._posteriors.get(first.id)

        def fit() -> Posterior:
            return fit_requested(request, reuse=before)

        whole = Request(request.base, request.as_of, request.overlays, draws=request.draws, seed=request.seed)
        return _kept(self._posteriors, whole.id, MOST_POSTERIORS, fit)

    def forecasts(self, request: Request) -> tuple[Forecast, ...]:
        """The forecasts of a request, each worked out once."""
        posterior = self.posterior(request)
        if len(request.scenarios) > 1:
            return forecast_requested(request, posterior)
        return (_kept(self._forecasts, request.id, MOST_FORECASTS, lambda: forecast_requested(request, posterior)[0]),)


def read_day(text: str) -> dt.date:
    """A day as YYYY-MM-DD; raises OptionError for what is none.

    >>> read_day("2024-05-06")
    datetime.date(2024, 5, 6)
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise OptionError(f"{text!r} is no day; write YYYY-MM-DD") from None


def _overlay(case: str, changes: Mapping[str, Any]) -> OverlayFile:
    if not changes:
        raise OptionError("changes are empty; give ids of quantities with a median and interval, or a value, each")
    # JSON is YAML.
    return OverlayFile(json.dumps({"label": "What if", "case": case, "changes": dict(changes)}), "changes")


def _kept[Value](store: OrderedDict[str, Value], key: str, most: int, make: Callable[[], Value]) -> Value:
    """What is kept under a key, made where it is not; the least lately asked for makes room."""
    if key not in store:
        store[key] = make()
        while len(store) > most:
            store.popitem(last=False)
    store.move_to_end(key)
    return store[key]
