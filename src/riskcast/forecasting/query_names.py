"""The names that queries to a forecast can use, and queries read with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from riskcast.case.model import Case
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.query_parser import parse_query
from riskcast.forecasting.query_terms import Query, Vocabulary
from riskcast.record.arrays import build_record


def read_query(forecast: Forecast, text: str) -> Query:
    """A query to a forecast; raises QueryError where it cannot be read."""
    return parse_query(text, _vocabulary(forecast.case, forecast.dyads, forecast.ends, forecast.horizon))


def read_ahead(case: Case, horizon: int, text: str) -> tuple[Query, tuple[str, ...]]:
    """A query to a forecast of so many periods that is still to be made, and the dyads that it will have."""
    names, there = names_ahead(case, horizon)
    return parse_query(text, names), there


def names_ahead(case: Case, horizon: int) -> tuple[Vocabulary, tuple[str, ...]]:
    """The names of a forecast of so many periods that is still to be made, and the dyads that it will have."""
    record = build_record(case)
    there = tuple(case.dyads[i] for i in np.flatnonzero(record.present))
    return _vocabulary(case, there, record.timeline.cells(horizon).last, horizon), there


def _vocabulary(case: Case, dyads: Sequence[str], ends: tuple[dt.date, ...], horizon: int) -> Vocabulary:
    """The names of the case, and of the dyads that are forecast."""
    hosted = case.settings.host is not None
    return Vocabulary(
        {name: event.scope == "host" for name, event in case.events.items()},
        {name: indicator.scope == "host" for name, indicator in case.indicators.items()},
        case.own_outcomes,
        {dyad: dyad for dyad in dyads} | ({case.pairs[dyad].second: dyad for dyad in dyads} if hosted else {}),
        case.host,
        ends,
        horizon,
        case.settings.period,
    )
