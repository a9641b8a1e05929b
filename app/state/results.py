"""Forecasts of what is looked at, kept for whoever looks at the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
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


BY_CONTENT: dict[str | type, Callable[[Any], Any]] = {
    riskcast.Case: lambda case: f"{case.name} {case.hash}",
    riskcast.Request: lambda request: request.id,
}
kept = partial(st.cache_resource, show_spinner=False, hash_funcs=BY_CONTENT)


def request(view: View, scenario: str | None = None) -> riskcast.Request:
    """What is asked for by looking at a view, under its scenario or another."""
    name = scenario or view.scenario
    overlays = (riskcast.OverlayFile(riskcast.overlay_text(view.changes)),) if view.changes else ()
    return riskcast.Request(
        view.recorded,
        overlays=overlays,
        scenarios=(view.scenarios[name] if name in view.built else name,),
        draws=DRAWS,
        seed=SEED,
        allow_unreliable=True,
    )


@kept(max_entries=MOST_CASES, show_spinner="Fitting the case to its record …")
def published(case: riskcast.Case) -> Result:
    """The case as it was published, at baseline."""
    asked = request(View(case))
    return _forecast(asked, riskcast.fit_requested(asked), "baseline")


@kept(max_entries=MOST_CASES)
def _fitted(asked: riskcast.Request, before: riskcast.Case) -> riskcast.Posterior:
    """The posterior of a request; `before` is the published case, whose draws serve where nothing changed."""
    return riskcast.fit_requested(asked, reuse=published(before).posterior)


@kept(max_entries=MOST_RESULTS)
def _made(asked: riskcast.Request, before: riskcast.Case, name: str) -> Result:
    # All scenarios come from one posterior.
    return _forecast(asked, _fitted(replace(asked, scenarios=(None,)), before), name)


def _forecast(asked: riskcast.Request, posterior: riskcast.Posterior, name: str) -> Result:
    [ahead] = riskcast.forecast_requested(asked, posterior)
    # A built scenario goes by the name that it has in a downloaded scenarios.yaml: both lead to the same results.
    ahead = replace(ahead, scenario_name=name)
    return Result(posterior.case, posterior, ahead, riskcast.score(ahead))


def current(view: View, scenario: str | None = None) -> Result:
    """What is looked at: the case with its changes, under the chosen scenario or another."""
    name = scenario or view.scenario
    return _made(request(view, name), view.case, name)


@kept(max_entries=MOST_CASES, show_spinner="Fitting anew, as whoever opens the file will …")
def _fitted_anew(asked: riskcast.Request) -> riskcast.Posterior:
    return riskcast.fit_requested(asked)


@kept(max_entries=MOST_RESULTS)
def _handed(asked: riskcast.Request, before: riskcast.Case, name: str) -> Result:
    near = _made(asked, before, name)
    if near.posterior.fingerprints == published(before).posterior.fingerprints:
        return near
    return _forecast(asked, _fitted_anew(replace(asked, scenarios=(None,))), name)


def handed(view: View) -> Result:
    """What is looked at as files hold it: fitted from nothing, to the digits that anybody gets who makes it again.

    What is shown goes on from the published fit after a change, and so may differ by Monte Carlo error.
    """
    return _handed(request(view), view.case, view.scenario)


@kept(max_entries=MOST_RESULTS)
def _explained(asked: riskcast.Request, of: str, _result: Result) -> riskcast.Explanation:
    return riskcast.explain(_result.forecast, of)


def explained(view: View, of: str = "score") -> riskcast.Explanation:
    """Why the scores, or the probabilities of an outcome, are what they are."""
    return _explained(request(view), of, current(view))


@kept(max_entries=MOST_RESULTS)
def _explained_anew(asked: riskcast.Request, _result: Result) -> riskcast.Explanation:
    return riskcast.explain(_result.forecast)


def explained_as_handed(view: View) -> riskcast.Explanation:
    """Why the scores are what files say."""
    result = handed(view)
    return explained(view) if result is current(view) else _explained_anew(request(view), result)


@kept(max_entries=MOST_RESULTS)
def _from_priors(asked: riskcast.Request, name: str) -> Result:
    return _forecast(asked, riskcast.fit_requested(asked), name)


def priors_alone(view: View) -> Result:
    """What is looked at, had nothing been learned from the record."""
    return _from_priors(replace(request(view), prior_only=True), view.scenario)


def simulated_year(view: View, result: Result) -> tuple[riskcast.SimulatedCount, ...]:
    """A year ahead of what is looked at, under the baseline, beside the years of its record."""
    return _simulated_year(request(view, "baseline"), result.posterior)


@kept(max_entries=MOST_CASES)
def _simulated_year(asked: riskcast.Request, _posterior: riskcast.Posterior) -> tuple[riskcast.SimulatedCount, ...]:
    return riskcast.simulated_year(_posterior)


@kept(max_entries=MOST_CASES)
def coverage(case: riskcast.Case) -> Any:
    """How far the record of a case reaches, and each event type's record against its priors."""
    return riskcast.report_coverage(case)


@kept(max_entries=MOST_RESULTS)
def doubts(case: riskcast.Case) -> tuple[riskcast.Doubt, ...]:
    """What a case says and can hardly mean, and does not allow; what has to be simulated stands on the page Record."""
    return tuple(doubt for doubt in riskcast.find_doubts(case, quick=True) if not doubt.allowed)


@kept(max_entries=MOST_CASES)
def held_levels(case: riskcast.Case) -> tuple[riskcast.HeldLevel, ...]:
    """Where today's levels, or what they drift to, are held at their bounds."""
    return riskcast.held_levels(case)


@kept(max_entries=MOST_CASES)
def conflicts(case: riskcast.Case) -> tuple[Any, ...]:
    """Each event type's record against its priors."""
    return riskcast.check_priors(case)


def changed_since(view: View, day: dt.date, report: Callable[[int, int], None]) -> riskcast.WhatChanged:
    """What changed from an earlier day to what is looked at; of a scenario that was built here, under the baseline."""
    return _changed_since(request(view, "baseline" if view.scenario in view.built else view.scenario), day, report)


@kept(max_entries=MOST_CASES)
def _changed_since(asked: riskcast.Request, day: dt.date, _report: Callable[[int, int], None]) -> riskcast.WhatChanged:
    [scenario] = asked.scenarios
    return riskcast.changed(
        asked.case,
        since=day,
        scenario=str(scenario),
        draws=asked.draws,
        seed=asked.seed,
        allow_unreliable=True,
        progress=_report,
    )


def track_record(contents: riskcast.LedgerContents, case: str | None) -> riskcast.TrackRecord:
    """The track record that a ledger holds today, of one case by name or of all."""
    last = contents.entries[-1].hash if contents.entries else ""
    return _track_record(contents.place, last, case, dt.datetime.now(dt.UTC).date(), contents)


@kept(max_entries=MOST_RESULTS)
def _track_record(
    place: str, last: str, case: str | None, day: dt.date, _contents: riskcast.LedgerContents
) -> riskcast.TrackRecord:
    """`last` stands for all that the ledger holds: it is the hash of its last entry, and of those before it."""
    return riskcast.track(_contents, day, case=case)


def difference(now: Result, before: Result) -> riskcast.Contrast:
    """What differs between two results that met the same chance."""
    return riskcast.contrast(now.forecast, before.forecast)
