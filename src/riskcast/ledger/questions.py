"""A kept run -> the questions that it answers with a probability, and what each forecaster says of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from riskcast.case.model import Case
from riskcast.errors import OptionError
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.requests import fit_requested, forecast_requested
from riskcast.ledger.records import LedgerForecast, LedgerQuestion, question_id
from riskcast.machinery.array_types import Floats
from riskcast.machinery.threads import single_thread
from riskcast.names import BASELINE
from riskcast.runs.making import Run
from riskcast.verification.forecasters import MODEL, OF_RECORD, PRIOR_ONLY
from riskcast.verification.record_alone import chance_by_reference


@dataclass(frozen=True)
class Asked:
    """A question of a run, with what everybody who forecasts says of it."""

    question: LedgerQuestion
    forecasts: tuple[LedgerForecast, ...]


def baseline_of(run: Run) -> Forecast:
    """The forecast of a run that takes nothing as given; raises OptionError where it has none, or has learned nothing.

    What happens under a scenario is a forecast of a world that may never be, which no record can answer.
    """
    found = next((ahead for ahead in run.forecasts if ahead.scenario_name == BASELINE), None)
    if found is None:
        wrong = f"the run {run.name} has no baseline, and what a scenario assumes cannot be verified"
        raise OptionError(f"{wrong}; make one with --scenario {BASELINE}")
    if run.request.experts:
        wrong = f"the run {run.name} is a mixture of experts, and what is published is the model's own forecast"
        raise OptionError(f"{wrong}; publish a run without --panel, and the group's numbers as an outside forecaster's")
    if run.request.prior_only:
        wrong = f"the run {run.name} leaves the record out"
        raise OptionError(f"{wrong}; publish one that has learned from it: priors alone are published beside it")
    return found


def asked_by(run: Run, horizons: Sequence[int] = (), deadline: dt.date | None = None) -> tuple[Asked, ...]:
    """Every outcome in every unit, within the run's horizon or shorter ones, in the case's periods.

    A shorter window ends with a cell of the horizon: the first with the period that runs. What is forecast is that an
    event is recorded. References say what they do in a backtest, over as much time; the priors alone are simulated
    from the run's own request. Raises OptionError as `baseline_of` does, and for a horizon beyond the run's.
    """
    ahead = baseline_of(run)
    chosen = tuple(sorted(set(horizons))) or (ahead.horizon,)
    for horizon in chosen:
        if not 1 <= horizon <= ahead.horizon:
            raise OptionError(f"a horizon is {horizon}; give a number of periods from 1 to the run's {ahead.horizon}")
    alone = replace(run.request, scenarios=(None,), prior_only=True, allow_unreliable=True, paths=None)
    [priors] = forecast_requested(alone, fit_requested(alone))
    return tuple(each for horizon in chosen for each in _within(run, ahead, priors, horizon, deadline))


def _within(run: Run, ahead: Forecast, priors: Forecast, horizon: int, deadline: dt.date | None) -> list[Asked]:
    case, whole = ahead.case, horizon == ahead.horizon
    cell = (len(ahead.cells) if whole else horizon) - 1
    window = ahead.window[0], ahead.window[1] if whole else ahead.cells.last[cell]
    periods = float(ahead.cells.shares[: cell + 1].sum())
    if deadline is not None and deadline > window[1]:
        raise OptionError(f"the deadline {deadline} is after the end of a window, {window[1]}; give an earlier day")
    found = []
    for event in case.outcomes:
        said: dict[str, Callable[[int], float]] = {
            name: partial(_from, _by_reference(name, ahead, event, horizon, periods)) for name in OF_RECORD
        }
        said[PRIOR_ONLY] = partial(_from, priors.simulated.verifiable.by_period[event][cell])
        own, happens = (one.by_period[event][cell] for one in (ahead.simulated.verifiable, ahead.simulated))
        shared = case.events[event].scope == "host"
        columns = [0] if shared else ahead.columns.tolist()
        for place, column in enumerate(columns):
            unit = ahead.units(event)[place]
            question = _question(run, case, event, unit, window, deadline)
            estimate = ahead.recorded_estimates[event][place]
            common: dict[str, Any] = {"question": question.id, "known": case.as_of, "run": run.provenance["id"]}
            model = LedgerForecast(
                forecaster=MODEL,
                kind="model",
                probability=_held(own[column]),
                low=estimate.low if whole else None,
                high=estimate.high if whole else None,
                happens=_held(happens[column]),
                source="" if ahead.posterior.is_reliable else "the posterior failed its checks",
                **common,
            )
            others = [
                LedgerForecast(forecaster=name, kind="reference", probability=_held(chance(column)), **common)
                for name, chance in said.items()
            ]
            found.append(Asked(question, (model, *others)))
    return found


def _question(
    run: Run, case: Case, event: str, unit: str, window: tuple[dt.date, dt.date], deadline: dt.date | None
) -> LedgerQuestion:
    kind = case.events[event]
    rules = kind.resolution.rules
    return LedgerQuestion(
        id=question_id(case.name, unit, event, window, rules),
        case_name=case.name,
        title=case.settings.title,
        host=case.host,
        case_hash=case.hash,
        run=run.provenance["id"],
        unit=unit,
        unit_label=case.name_of(unit),
        outcome=event,
        label=kind.label,
        first=window[0],
        last=window[1],
        deadline=window[1] if deadline is None else deadline,
        rule=rules[0],
        not_rule=rules[1],
        resolved_by=rules[2],
        severity=float(kind.severity or 0.0),
        as_of=case.as_of,
    )


def _by_reference(name: str, ahead: Forecast, event: str, horizon: int, periods: float) -> Floats:
    """What a reference says over a window of so many periods, (units,): 1 - (1 - p)^(periods / horizon)."""
    with single_thread():
        whole = chance_by_reference(name, ahead.posterior.record, event, horizon)
    with np.errstate(divide="ignore"):
        return -np.expm1(periods / horizon * np.log1p(-whole))


def _from(chances: Floats, column: int) -> float:
    return float(chances[column])


def _held(chance: float) -> float:
    """A probability without what rounding adds beyond 0 and 1."""
    return min(1.0, max(0.0, float(chance)))
