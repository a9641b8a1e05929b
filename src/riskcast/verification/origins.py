"""One origin of a backtest: what was known then -> forecasts of model and references; and what followed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.requests import Request, fit_requested, forecast_requested
from riskcast.machinery.array_types import Bools, Floats
from riskcast.machinery.threads import single_thread
from riskcast.record.arrays import Record
from riskcast.verification.forecasters import LEFT_OUT, MODEL, OF_RECORD, PRIOR_ONLY
from riskcast.verification.past_scores import realised_scores, score_references
from riskcast.verification.record_alone import chance_by_reference
from riskcast.verification.resolution import what_followed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Known:
    """What a forecast at one origin may use: a request for the case as of that day."""

    request: Request
    leave_one_dyad_out: bool = False


@dataclass(frozen=True)
class AtOrigin:
    """Forecasts made at one origin, by forecaster, in the order of the case's units and severities.

    probability[forecaster][event]: (units,) that at least one event is recorded within the horizon; peaks[forecaster]:
    (severities, dyads) that the worst one that is recorded has at least that severity; scores[forecaster]: (dyads,) the
    forecast score of what is recorded; recent[event]: (units,) whether it happened in the last year; health:
    seconds, k-hat, ESS and failed checks of the model's posterior.
    """

    origin: dt.date
    probability: Mapping[str, Mapping[str, Floats]]
    peaks: Mapping[str, Floats]
    scores: Mapping[str, Floats]
    recent: Mapping[str, NDArray[np.bool_]]
    seconds: float
    khat: float
    ess: float
    failures: tuple[str, ...]


def severities(case: Case) -> tuple[float, ...]:
    """The severities of the outcomes that dyads have of their own, each once, from low to high."""
    return tuple(sorted({float(case.events[name].severity or 0.0) for name in case.own_outcomes}))


def forecast_origin(known: Known) -> AtOrigin:
    """Forecast from one origin with the model and with every reference.

    It is handed the case as of the origin, so that it cannot see what follows. Posteriors that fail their checks are
    used all the same, and said to have failed.
    """
    begun = time.monotonic()
    request, case = known.request, known.request.case
    posterior = fit_requested(request)
    [ahead] = forecast_requested(request, posterior)
    seconds = time.monotonic() - begun
    probability = {MODEL: _means(ahead)}
    peaks, scores = {MODEL: _peaks(ahead)}, {MODEL: _scores(ahead)}
    health = posterior.diagnostics
    failures = list(health.failures)
    if known.leave_one_dyad_out:
        probability[LEFT_OUT], peaks[LEFT_OUT], scores[LEFT_OUT] = _left_out(request, ahead, failures)
    from_priors = replace(request, prior_only=True)
    [alone] = forecast_requested(from_priors, fit_requested(from_priors))
    probability[PRIOR_ONLY], peaks[PRIOR_ONLY] = _means(alone), _peaks(alone)
    scores[PRIOR_ONLY] = _scores(alone)
    for name, rates in _references(case, posterior.record, request.periods).items():
        probability[name], peaks[name] = rates, _joint(case, rates)
    scores |= score_references(case, posterior.record, request.periods, probability)
    return AtOrigin(
        origin=case.as_of,
        probability=probability,
        peaks=peaks,
        scores=scores,
        recent=_recent(case, posterior.record),
        seconds=seconds,
        khat=float("nan") if health.khat_max is None else health.khat_max,
        ess=health.ess_min,
        failures=tuple(failures),
    )


def _means(ahead: Forecast) -> dict[str, Floats]:
    return {event: ahead.simulated.verifiable.headline(event) for event in ahead.case.outcomes}


def _peaks(ahead: Forecast) -> Floats:
    return np.array([ahead.simulated.verifiable.peaks[level] for level in severities(ahead.case)])


def _scores(ahead: Forecast) -> Floats:
    return ahead.simulated.verifiable.mean_score


def _left_out(request: Request, model: Forecast, failures: list[str]) -> tuple[dict[str, Floats], Floats, Floats]:
    """Every dyad's forecast from a posterior that has not learned from its record; shared events stay as they are.
    Checks that such a posterior failed are added to `failures`."""
    case = request.case
    rates, worst = {event: values.copy() for event, values in _means(model).items()}, _peaks(model)
    scores = _scores(model).copy()
    for column, dyad in enumerate(case.dyads):
        posterior = fit_requested(request, without=dyad)
        failures += [f"without {dyad}: {failure}" for failure in posterior.diagnostics.failures]
        [ahead] = forecast_requested(request, posterior)
        worst[:, column], scores[column] = _peaks(ahead)[:, column], _scores(ahead)[column]
        for event, values in _means(ahead).items():
            if case.events[event].scope == "dyad":
                rates[event][column] = values[column]
    return rates, worst, scores


def _references(case: Case, record: Record, horizon: int) -> dict[str, dict[str, Floats]]:
    with single_thread():
        return {name: {e: chance_by_reference(name, record, e, horizon) for e in case.outcomes} for name in OF_RECORD}


def _joint(case: Case, rates: Mapping[str, Floats]) -> Floats:
    """Chance that the worst of a dyad's own outcomes has at least each severity, were outcomes independent:
    (severities, dyads)."""
    none = np.ones((len(severities(case)), len(case.dyads)))
    for place, level in enumerate(severities(case)):
        for event in case.own_outcomes:
            if (case.events[event].severity or 0.0) >= level:
                none[place] *= 1.0 - rates[event]
    return 1.0 - none


def _recent(case: Case, record: Record) -> dict[str, NDArray[np.bool_]]:
    return {event: record.occurred[event][-round(case.periods_per_year) :].any(axis=0) for event in case.outcomes}


@dataclass(frozen=True)
class Resolved:
    """One origin's forecasts joined to what followed: the tables that `evaluate` takes; left_out: how many forecasts
    are not in them, as the record cannot tell what followed."""

    forecasts: pandas.DataFrame
    peaks: pandas.DataFrame
    scores: pandas.DataFrame
    left_out: int


def resolve(case: Case, record: Record, made: AtOrigin, known: Case, horizon: int) -> Resolved:
    """Join one origin's forecasts to what the whole record says followed (`what_followed`) in the window they name."""
    import pandas

    window = made.origin + dt.timedelta(days=1), case.calendar.shift(made.origin, horizon)
    left_out = 0
    rows, worst = [], np.zeros(len(known.dyads))
    complete = np.ones(len(known.dyads), dtype=bool)
    came: dict[str, Bools] = {}
    for event in case.outcomes:
        units = case.units(event)
        places = [units.index(unit) for unit in known.units(event)]
        followed = what_followed(case, record, event, *window)
        happened, told = followed.happened[places], followed.told[places]
        if case.events[event].is_scored:
            worst = np.maximum(worst, np.where(happened, float(case.events[event].severity or 0.0), 0.0))
            complete &= told
            came[event] = followed.happened
        left_out += int((~told).sum())
        told = np.flatnonzero(told)
        frame = {
            "origin": made.origin.isoformat(),
            "event": event,
            "unit": [known.units(event)[i] for i in told.tolist()],
            "outcome": happened[told].astype(int),
            "recent": made.recent[event][told].astype(bool),
        }
        rows.append(pandas.DataFrame(frame | {name: own[event][told] for name, own in made.probability.items()}))
    kept = np.flatnonzero(complete)
    peaks = [
        pandas.DataFrame(
            {
                "origin": made.origin.isoformat(),
                "unit": [known.dyads[i] for i in kept.tolist()],
                "level": level,
                "reached": (worst[kept] >= level).astype(int),
            }
            | {name: values[place, kept] for name, values in made.peaks.items()}
        )
        for place, level in enumerate(severities(case))
    ]
    first, last = record.timeline.index(window[0]), record.timeline.index(window[1])
    columns = [case.dyads.index(dyad) for dyad in known.dyads]
    followed_scores = realised_scores(case, record, came, first, last)[columns]
    scores = pandas.DataFrame(
        {
            "origin": made.origin.isoformat(),
            "unit": [known.dyads[i] for i in kept.tolist()],
            "came": followed_scores[kept],
        }
        | {name: values[kept] for name, values in made.scores.items()}
    )
    joined = pandas.concat(peaks, ignore_index=True) if peaks else pandas.DataFrame()
    return Resolved(pandas.concat(rows, ignore_index=True), joined, scores, left_out)
