"""One origin of a backtest: what was known then -> forecasts of model and references; and what followed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.outcome_vectors import VectorProbability, vector_probability
from riskcast.forecasting.path_samples import score_samples
from riskcast.forecasting.requests import Request, fit_requested, forecast_requested
from riskcast.machinery.array_types import Bools, Floats
from riskcast.machinery.threads import single_thread
from riskcast.names import DISPUTED
from riskcast.record.arrays import Record, build_record
from riskcast.verification.crps import Ensemble, crps
from riskcast.verification.forecasters import CELL_BY_CELL, LEFT_OUT, MODEL, OF_RECORD, PRIOR_ONLY, crps_column
from riskcast.verification.past_scores import past_ensembles, realised_scores, score_references
from riskcast.verification.record_alone import chance_by_reference
from riskcast.verification.resolution import Followed, what_followed
from riskcast.verification.rival_forecasts import Chances, forecast_rivals, references_within, steps_of

if TYPE_CHECKING:
    import pandas

# Of more dyads, every future of which would be carried along, no CRPS of scores is told.
MOST_SAMPLED = 50
AS_RECORDED, UNDISPUTED = "as recorded", "undisputed"


@dataclass(frozen=True)
class Known:
    """What a forecast at one origin may use: a request for the case as of that day.

    asked: vectors of outcomes of which the joint probability is wanted, once everything has been forecast; rivals: by
    name, those that forecast as well.
    """

    request: Request
    leave_one_dyad_out: bool = False
    asked: Mapping[str, Vector] = field(default_factory=dict)
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vector:
    """What may have come of outcomes within a horizon, by event type: came and told, (units,) of bool; near, (cells,
    units) of all event types: events near which futures that hold it are looked for."""

    came: Mapping[str, Bools]
    told: Mapping[str, Bools]
    near: Mapping[str, Bools]


@dataclass(frozen=True)
class AtOrigin:
    """Forecasts made at one origin, by forecaster, in the order of the case's units and severities.

    probability[forecaster][event]: (units,) that at least one event is recorded within the horizon; peaks[forecaster]:
    (severities, dyads) that the worst one that is recorded has at least that severity; scores[forecaster]: (dyads,) the
    forecast score of what is recorded; recent[event]: (units,) whether it happened in the last year; health:
    seconds, k-hat, ESS and failed checks of the model's posterior; joint: the model's probability of each vector that
    was asked for; ensembles[forecaster]: what scores may come, of those who say more than a mean, where there are few
    enough dyads; steps[forecaster][step]: where rivals forecast, chances of at least one event within so many periods.
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
    joint: Mapping[str, VectorProbability] = field(default_factory=dict)
    ensembles: Mapping[str, Ensemble] = field(default_factory=dict)
    steps: Mapping[str, Mapping[int, Chances]] = field(default_factory=dict)


def severities(case: Case) -> tuple[float, ...]:
    """The severities of the outcomes that dyads have of their own, each once, from low to high."""
    return tuple(sorted({float(case.events[name].severity or 0.0) for name in case.own_outcomes}))


def forecast_origin(known: Known) -> AtOrigin:
    """Forecast from one origin with the model, with every reference, and with the rivals that are asked for.

    It is handed the case as of the origin, so that it cannot see what follows but in vectors that are asked for, which
    no forecast depends on. Posteriors that fail their checks are used all the same, and said to have failed.
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
    steps: dict[str, Mapping[int, Chances]] = {}
    if known.rivals:
        horizon, short = request.periods, steps_of(request.periods)
        steps = {MODEL: {step: _means(ahead, step) for step in short}}
        with single_thread():
            steps |= references_within(case, posterior.record, short)
        for name, by_step in forecast_rivals(case, posterior.record, known.rivals, horizon, request.seed).items():
            probability[name] = by_step[horizon]
            peaks[name], steps[name] = _joint(case, by_step[horizon]), {step: by_step[step] for step in short}
    ensembles: dict[str, Ensemble] = {}
    if len(ahead.dyads) == len(case.dyads) <= MOST_SAMPLED:
        with single_thread():
            ensembles = {MODEL: Ensemble.equal(score_samples(ahead)), PRIOR_ONLY: Ensemble.equal(score_samples(alone))}
        ensembles |= past_ensembles(case, posterior.record, request.periods)
    return AtOrigin(
        origin=case.as_of,
        probability=probability,
        peaks=peaks,
        scores=scores,
        ensembles=ensembles,
        recent=_recent(case, posterior.record),
        seconds=seconds,
        khat=float("nan") if health.khat_max is None else health.khat_max,
        ess=health.ess_min,
        failures=tuple(failures),
        joint={
            name: vector_probability(posterior, one.came, one.told, request.periods, near=one.near)
            for name, one in known.asked.items()
        },
        steps=steps,
    )


def _means(ahead: Forecast, within: int = 0) -> dict[str, Floats]:
    """Chances of at least one event within so many periods, 0 for the horizon."""
    found = ahead.simulated.verifiable.by_period
    return {event: found[event][within - 1] for event in ahead.case.outcomes}


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
class Came:
    """What the whole record says followed an origin, in the units of the case as it was then.

    followed[event]: of every outcome; scores: (dyads,) what the dyads' own outcomes scored; complete: (dyads,) whether
    all of these are told.
    """

    followed: Mapping[str, Followed]
    scores: Floats
    complete: Bools

    def vector(self, near: Mapping[str, Bools]) -> Vector:
        """The outcomes as one vector."""
        happened, told = ({e: getattr(one, part) for e, one in self.followed.items()} for part in ("happened", "told"))
        return Vector(happened, told, near)


@dataclass(frozen=True)
class Truth:
    """What the whole record says, with disputed events as having happened and as not: cases with their records.

    undisputed: None where no event is disputed.
    """

    case: Case
    record: Record
    undisputed: Record | None

    @classmethod
    def of(cls, case: Case) -> Truth:
        """What a case's record says."""
        rows = tuple(row for row in case.event_rows if row.status != DISPUTED)
        without = None if len(rows) == len(case.event_rows) else build_record(case.revised(event_rows=rows))
        return cls(case, build_record(case), without)

    def came(self, known: Case, horizon: int, disputed: bool = True) -> Came:
        """What came after the day of a case as it was known then, within the horizon."""
        case, window = self.case, _window(known, horizon)
        record = self.record if disputed or self.undisputed is None else self.undisputed
        own, whole, followed = {}, {}, {}
        complete = np.ones(len(known.dyads), dtype=bool)
        for event in case.outcomes:
            whole[event] = what_followed(case, self.record, event, *window, disputed=disputed)
            followed[event] = self._then(whole[event], known, event)
            if case.events[event].is_scored:
                own[event] = whole[event].happened
                complete &= followed[event].told
        first, last = (record.timeline.index(day) for day in window)
        scores = realised_scores(case, record, own, first, last)[[case.dyads.index(dyad) for dyad in known.dyads]]
        return Came(followed, scores, complete)

    def within(self, known: Case, event: str, periods: int) -> Followed:
        """Whether an event type came within so many periods after the day of a case as it was known then."""
        return self._then(what_followed(self.case, self.record, event, *_window(known, periods)), known, event)

    def _then(self, followed: Followed, known: Case, event: str) -> Followed:
        """What followed in the units of the case as it was known then."""
        units = self.case.units(event)
        places = [units.index(unit) for unit in known.units(event)]
        return Followed(followed.happened[places], followed.told[places])

    def near(self, known: Case, horizon: int) -> dict[str, Bools]:
        """The cells of the horizon in which the record has events, (cells, units) by event type, where the whole
        record holds these cells and units."""
        first, last = (self.record.timeline.index(day) for day in _window(known, horizon))
        found = {}
        for event in self.case.events:
            grid, units = self.record.occurred[event], self.case.units(event)
            places = [units.index(unit) for unit in known.units(event)]
            found[event] = grid[first : last + 1][:, places] > 0.0
        return found if all(len(grid) == horizon for grid in found.values()) else {}


def _window(known: Case, horizon: int) -> tuple[dt.date, dt.date]:
    return known.as_of + dt.timedelta(days=1), known.calendar.shift(known.as_of, horizon)


def asked_vectors(truth: Truth, known: Case, horizon: int) -> dict[str, Vector]:
    """The vectors of which a joint log score wants the probability: what came, and where that differs, what came had
    no disputed event happened."""
    near, came = truth.near(known, horizon), truth.came(known, horizon)
    asked = {AS_RECORDED: came.vector(near)}
    if truth.undisputed is not None:
        other = truth.came(known, horizon, disputed=False)
        if any((other.followed[e].happened != one.happened).any() for e, one in came.followed.items()):
            asked[UNDISPUTED] = other.vector(near)
    return asked


@dataclass(frozen=True)
class Resolved:
    """One origin's forecasts joined to what followed: the tables that `evaluate` takes; left_out: how many forecasts
    are not in them, as the record cannot tell what followed."""

    forecasts: pandas.DataFrame
    peaks: pandas.DataFrame
    scores: pandas.DataFrame
    vectors: pandas.DataFrame
    left_out: int


def resolve(truth: Truth, made: AtOrigin, known: Case, horizon: int) -> Resolved:
    """Join one origin's forecasts to what the whole record says followed (`what_followed`) in the window they name.

    Where events are disputed, a column `undisputed` says what followed had they not happened.
    """
    import pandas

    case, origin = truth.case, made.origin.isoformat()
    came = truth.came(known, horizon)
    other = None if truth.undisputed is None else truth.came(known, horizon, disputed=False)
    left_out, rows = 0, []
    for event, followed in came.followed.items():
        left_out += int((~followed.told).sum())
        told = np.flatnonzero(followed.told)
        frame = {
            "origin": origin,
            "event": event,
            "unit": [known.units(event)[i] for i in told.tolist()],
            "outcome": followed.happened[told].astype(int),
            "recent": made.recent[event][told].astype(bool),
        }
        if other is not None:
            own = other.followed[event]
            frame["undisputed"] = np.where(own.told, own.happened, np.nan)[told]
        rows.append(pandas.DataFrame(frame | {name: own[event][told] for name, own in made.probability.items()}))
    kept = np.flatnonzero(came.complete)
    dyads = [known.dyads[i] for i in kept.tolist()]
    worst, less = _worst(case, known, came), None if other is None else _worst(case, known, other)
    peaks = []
    for place, level in enumerate(severities(case)):
        frame = {"origin": origin, "unit": dyads, "level": level, "reached": (worst[kept] >= level).astype(int)}
        if less is not None and other is not None:
            frame["undisputed"] = np.where(other.complete, less >= level, np.nan)[kept]
        peaks.append(pandas.DataFrame(frame | {name: values[place, kept] for name, values in made.peaks.items()}))
    frame = {"origin": origin, "unit": dyads, "came": came.scores[kept]}
    if other is not None:
        frame["undisputed"] = np.where(other.complete, other.scores, np.nan)[kept]
    frame |= {name: values[kept] for name, values in made.scores.items()}
    for name, one in made.ensembles.items():
        ensemble = one.take(kept)
        frame[crps_column(name)] = crps(ensemble, came.scores[kept])
        if other is not None:
            sharp = crps(ensemble, other.scores[kept])
            frame[crps_column(name, disputed=False)] = np.where(other.complete[kept], sharp, np.nan)
    scores = pandas.DataFrame(frame)
    joined = pandas.concat(peaks, ignore_index=True) if peaks else pandas.DataFrame()
    return Resolved(pandas.concat(rows, ignore_index=True), joined, scores, _vectors(made, came, other), left_out)


def resolve_steps(truth: Truth, made: AtOrigin, known: Case) -> pandas.DataFrame:
    """Join one origin's forecasts of steps short of the horizon to what the whole record says followed within them: a
    row for each step, event and unit of which that is told; none where no rival forecast."""
    import pandas

    rows = []
    for step in made.steps.get(MODEL, {}):
        for event in truth.case.outcomes:
            followed = truth.within(known, event, step)
            told = np.flatnonzero(followed.told)
            frame = {
                "origin": made.origin.isoformat(),
                "step": step,
                "event": event,
                "unit": [known.units(event)[i] for i in told.tolist()],
                "outcome": followed.happened[told].astype(int),
            }
            rows.append(pandas.DataFrame(frame | {name: own[step][event][told] for name, own in made.steps.items()}))
    return pandas.concat(rows, ignore_index=True) if rows else pandas.DataFrame()


def _worst(case: Case, known: Case, came: Came) -> Floats:
    """The severity of the worst own outcome that came: (dyads,)."""
    worst = np.zeros(len(known.dyads))
    for event, followed in came.followed.items():
        if case.events[event].is_scored:
            severity = float(case.events[event].severity or 0.0)
            worst = np.maximum(worst, np.where(followed.happened, severity, 0.0))
    return worst


def _vectors(made: AtOrigin, came: Came, other: Came | None) -> pandas.DataFrame:
    """One row: how probable each forecaster called what came, and as `_undisputed` had no disputed event happened."""
    import pandas

    if AS_RECORDED not in made.joint:
        return pandas.DataFrame()
    row: dict[str, object] = {"origin": made.origin.isoformat(), **_log_probabilities(made, came, AS_RECORDED)}
    if other is not None:
        name = UNDISPUTED if UNDISPUTED in made.joint else AS_RECORDED
        row |= {f"{key}_undisputed": value for key, value in _log_probabilities(made, other, name).items()}
    return pandas.DataFrame([row])


def _log_probabilities(made: AtOrigin, came: Came, vector: str) -> dict[str, float]:
    joint = made.joint[vector]
    told = sum(int(one.told.sum()) for one in came.followed.values())
    events = sum(int((one.told & one.happened).sum()) for one in came.followed.values())
    found = {"cells": told, "events": events, "error": joint.error, MODEL: joint.log_probability}
    for name, probability in made.probability.items():
        total = 0.0
        for event, one in came.followed.items():
            chance = np.where(one.happened, probability[event], 1.0 - probability[event])[one.told]
            with np.errstate(divide="ignore"):
                total += float(np.log(chance).sum())
        found[CELL_BY_CELL if name == MODEL else name] = total
    return found
