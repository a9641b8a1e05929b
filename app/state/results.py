"""Forecasts of what is looked at, kept for whoever looks at the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

import riskcast
from state.session import View

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


@st.cache_resource(max_entries=MOST_CASES, show_spinner=False, hash_funcs={riskcast.Case: _key})
def _fitted(case: riskcast.Case, changes: str, observed: str) -> riskcast.Posterior:
    posterior = published(case).posterior
    now = View(case, changes=json.loads(changes), observed=json.loads(observed))
    if now.changes or now.observed:
        return riskcast.fit(now.changed, draws=DRAWS, seed=SEED, allow_unreliable=True, reuse=posterior)
    return posterior


@st.cache_resource(max_entries=MOST_RESULTS, show_spinner=False, hash_funcs={riskcast.Case: _key})
def _changed(case: riskcast.Case, changes: str, observed: str, scenario: str, built: str) -> Result:
    own = riskcast.Scenario.model_validate(json.loads(built)) if built else None
    return _forecast(_fitted(case, changes, observed), scenario, own)


def _forecast(posterior: riskcast.Posterior, scenario: str, built: riskcast.Scenario | None = None) -> Result:
    ahead = riskcast.forecast(posterior, built or scenario)
    if built is not None:
        # Under the name that it has in a downloaded scenarios.yaml, so that both lead to the same results.
        ahead = replace(ahead, scenario_name=scenario)
    return Result(posterior.case, posterior, ahead, riskcast.score(ahead))


def _what(view: View, scenario: str) -> tuple[riskcast.Case, str, str, str, str]:
    """What a result depends on, as text that caches compare."""
    changes, observed = (json.dumps(plain, sort_keys=True) for plain in (view.changes, view.observed))
    built = json.dumps(view.built[scenario], sort_keys=True) if scenario in view.built else ""
    return view.case, changes, observed, scenario, built


def current(view: View, scenario: str | None = None) -> Result:
    """What is looked at: the case with its changes, under the chosen scenario or another."""
    return _changed(*_what(view, scenario or view.scenario))


@st.cache_resource(max_entries=MOST_RESULTS, show_spinner=False, hash_funcs={riskcast.Case: _key})
def _explained(case: riskcast.Case, changes: str, observed: str, scenario: str, built: str) -> riskcast.Explanation:
    return riskcast.explain(_changed(case, changes, observed, scenario, built).forecast)


def explained(view: View) -> riskcast.Explanation:
    """Why the scores are what they are."""
    return _explained(*_what(view, view.scenario))


@st.cache_resource(max_entries=MOST_RESULTS, show_spinner=False, hash_funcs={riskcast.Case: _key})
def _priors_alone(case: riskcast.Case, changes: str, observed: str, scenario: str, built: str) -> Result:
    now = View(case, changes=json.loads(changes), observed=json.loads(observed)).changed
    own = riskcast.Scenario.model_validate(json.loads(built)) if built else None
    return _forecast(riskcast.fit(now, draws=DRAWS, seed=SEED, prior_only=True), scenario, own)


def priors_alone(view: View) -> Result:
    """What is looked at, had nothing been learned from the record."""
    return _priors_alone(*_what(view, view.scenario))


@st.cache_resource(max_entries=MOST_CASES, show_spinner=False, hash_funcs={riskcast.Case: _key})
def coverage(case: riskcast.Case) -> Any:
    """How far the record of a case reaches, and each event type's record against its priors."""
    return riskcast.report_coverage(case)


@st.cache_resource(max_entries=MOST_CASES, show_spinner=False, hash_funcs={riskcast.Case: _key})
def conflicts(case: riskcast.Case) -> tuple[Any, ...]:
    """Each event type's record against its priors."""
    return riskcast.check_priors(case)


def difference(now: Result, before: Result) -> riskcast.Contrast:
    """What differs between two results that met the same chance."""
    return riskcast.contrast(now.forecast, before.forecast)
