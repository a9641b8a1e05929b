"""The reference engine against the model's mathematics in `hazard`, and against the default engine."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray
from numpy.typing import NDArray
from support import edge, event, event_row, indicator, make_case, quantity, random_case

from riskcast import fit, forecast, load_case, reference
from riskcast.case import Case, SeriesRow
from riskcast.draws import EventDraws
from riskcast.errors import UnreliablePosteriorError
from riskcast.fitting import fit as fit_case
from riskcast.hazard import (
    EventModel,
    build_event_model,
    log_posterior,
    memory_columns,
    natural_hyper,
    year_factor,
)
from riskcast.history import Record, build_record
from riskcast.posterior import Posterior
from riskcast.reference import FlatCase

Floats = NDArray[np.float64]
Point = dict[str, Floats]


def flatten(case: Case, record: Record | None = None) -> FlatCase:
    record = record or build_record(case)
    return reference.flatten(case, record, {name: build_event_model(case, record, name) for name in case.order})


def with_series(case: Case) -> Case:
    """The case with values of both indicators that differ from the reference in every month."""
    rng = np.random.default_rng(5)
    rows = [
        SeriesRow(
            indicator=name,
            unit=unit,
            date=dt.date(year, month, 15),
            value=value,
            low=value,
            high=value,
            published=dt.date(year, month, 20),
            sources=(),
            status="judgement",
        )
        for name, units in (("mood", (case.host,)), ("trade", case.dyads))
        for unit in units
        for year in range(case.settings.history_from.year, case.as_of.year + 1)
        for month in range(1, 13)
        for value in [float(np.exp(rng.normal(2.0, 0.5)))]
    ]
    indicators = {name: one.model_copy(update={"history": "series"}) for name, one in case.indicators.items()}
    return case.revised(indicators=indicators, series_rows=tuple(rows))


def simple_case(**changes: Any) -> Case:
    """Two event types without indicators or escalation, the second of them never seen."""
    days = [(2016, 3), (2016, 9), (2019, 1)]
    rows = tuple(event_row(dt.date(year, month, 10), "a", "HHH-P001") for year, month in days)
    events = {"a": event(quantity(0.3, 0.1, 0.6)), "b": event(quantity(0.1, 0.03, 0.3), scope="host")}
    return make_case(events, rows=rows, **changes)


def fixed_case() -> Case:
    """Escalation with one half-life, effect and base rate held fixed, and no spread between dyads or years."""
    case = random_case(6)
    fixed = {"sd_dyad": quantity(0.0), "sd_time": quantity(0.0), "persistence": quantity(0.0)}
    settings = case.settings.model_copy(
        update={
            "hyperpriors": type(case.settings.hyperpriors).model_validate(fixed),
            "memories": {
                "fast": case.settings.memories["fast"].model_copy(
                    update={"half_life": type(case.events["spark"].base_rate).model_validate(quantity(2.5))}
                )
            },
        }
    )
    free = case.events["protest"].model_copy(
        update={"half_life": {"fast": case.settings.memories["fast"].half_life}, "base_rate": quantity_of(0.4)}
    )
    effects = (case.effects[0].model_copy(update={"rate_ratio": quantity_of(1.7)}), *case.effects[1:])
    return case.revised(settings=settings, events={**case.events, "protest": free}, effects=effects)


def quantity_of(value: float) -> Any:
    return type(random_case(1).events["spark"].base_rate).model_validate(quantity(value))


def yearly_case() -> Case:
    """Periods of a year, a memory in every scope, and an event type that the record does not cover."""
    case = random_case(7, partners=3, years=12)
    events = {**case.events, "break_off": case.events["break_off"].model_copy(update={"recorded_from": case.as_of})}
    return case.revised(settings=case.settings.model_copy(update={"period": "year"}), events=events)


def record_with_holes(case: Case) -> Record:
    """The record of a case of which whole years are missing, for one event type all of them."""
    record = build_record(case)
    kept = ~np.isin(record.years, (2017, 2018))
    at_risk = {name: at & kept[:, None] for name, at in record.at_risk.items()}
    return replace(record, at_risk={**at_risk, "decree": np.zeros_like(at_risk["decree"])})
