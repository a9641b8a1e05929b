"""Forecasts of what is looked at, kept for whoever looks at the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import streamlit as st
from session import View

import riskcast

DRAWS = 1000
SEED = 1
MOST_CASES = 4
MOST_RESULTS = 24


@dataclass(frozen=True)
class Result:
    """A case with its posterior, forecast and scores."""

    case: riskcast.Case
    posterior: riskcast.Posterior
    forecast: riskcast.Forecast
    risk: riskcast.Risk


def _key(case: riskcast.Case) -> str:
    return f"{case.name} {case.hash}"


@st.cache_resource(
    max_entries=MOST_CASES, show_spinner="Fitting the case to its record …", hash_funcs={riskcast.Case: _key}
)
def published(case: riskcast.Case) -> Result:
    """The case as it was published, at baseline."""
    return _forecast(riskcast.fit(case, draws=DRAWS, seed=SEED, allow_unreliable=True), "baseline")


@st.cache_resource(max_entries=MOST_RESULTS, show_spinner=False, hash_funcs={riskcast.Case: _key})
def _changed(case: riskcast.Case, changes: str, scenario: str) -> Result:
    plain = json.loads(changes)
    before = published(case)
    now = riskcast.apply_overlay(case, plain) if plain else case
    posterior = before.posterior
    if plain:
        posterior = riskcast.fit(now, draws=DRAWS, seed=SEED, allow_unreliable=True, reuse=posterior)
    return _forecast(posterior, scenario)


def _forecast(posterior: riskcast.Posterior, scenario: str) -> Result:
    ahead = riskcast.forecast(posterior, scenario)
    return Result(posterior.case, posterior, ahead, riskcast.score(ahead))


def current(view: View, scenario: str | None = None) -> Result:
    """What is looked at: the case with its changes, under the chosen scenario or another."""
    return _changed(view.case, json.dumps(view.changes, sort_keys=True), scenario or view.scenario)


@st.cache_resource(max_entries=MOST_RESULTS, show_spinner=False, hash_funcs={riskcast.Case: _key})
def _explained(case: riskcast.Case, changes: str, scenario: str) -> riskcast.Explanation:
    return riskcast.explain(_changed(case, changes, scenario).forecast)


def explained(view: View) -> riskcast.Explanation:
    """Why the scores are what they are."""
    return _explained(view.case, json.dumps(view.changes, sort_keys=True), view.scenario)


@st.cache_resource(max_entries=MOST_CASES, show_spinner=False, hash_funcs={riskcast.Case: _key})
def conflicts(case: riskcast.Case) -> tuple[Any, ...]:
    """Each event type's record against its priors."""
    return riskcast.check_priors(case)


def difference(now: Result, before: Result) -> riskcast.Contrast:
    """What differs between two results that met the same chance."""
    return riskcast.contrast(now.forecast, before.forecast)
