"""Results -> plain data for programs and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from riskcast.case.doubts import find_scenario_doubts
from riskcast.case.model import Case
from riskcast.case.quantity_names import ids_behind_driver
from riskcast.forecasting.attribution import Explanation
from riskcast.forecasting.contrasts import Contrast
from riskcast.forecasting.contributions import Contribution
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.lineage import provenance, rounded
from riskcast.forecasting.phases import CONTINUATION, ONSET
from riskcast.forecasting.scoring import DyadRisk, OutcomeRisk, Risk
from riskcast.names import RAISED, TENSION_TODAY


def forecast_data(risk: Risk, explanation: Explanation) -> dict[str, Any]:
    """A forecast as plain data: scores, probabilities and drivers of every dyad, and the shared outcomes.

    Probabilities are from 0 to 1, scores and contributions in points of 0-100; `by_month` holds the probability of at
    least one event by the end of each period; `exceedance` holds the chance that a dyad's worst own outcome has at
    least each severity, and `grave`, where the case says which outcomes are grave, that of at least one such; `burden`
    is the sum of severity times probability, of all own outcomes and of those that would be onsets or continuations;
    `rank` the chance of the highest score and the expected rank; drivers add up to score less `reference_score`;
    `notes`, where there are any, say where something else is used than the scenario says.
    """
    dyads = []
    for dyad in risk.dyads:
        drivers = [
            {
                "indicator": c.id,
                "contribution": rounded(c.points),
                "kind": c.kind,
                "error": rounded(c.error),
                **_ends(c),
            }
            for c in explanation.contributions[dyad.id]
        ]
        dyads.append(
            _standing(risk, dyad)
            | {
                "reference_score": rounded(explanation.reference[dyad.id]),
                "outcomes": [_outcome(outcome) for outcome in dyad.outcomes],
                "drivers": drivers,
            }
        )
    return {**_head(risk.forecast), "dyads": dyads, "shared": _shared(risk)}


def risk_data(risk: Risk, dyads: Sequence[str] | None = None) -> dict[str, Any]:
    """Scores and probabilities without what drives them, of all dyads or of some, as `forecast_data` has them."""
    shown = [dyad for dyad in risk.dyads if dyads is None or dyad.id in dyads]
    told = [_standing(risk, dyad) | {"outcomes": [_outcome(one) for one in dyad.outcomes]} for dyad in shown]
    return {**_head(risk.forecast), "dyads": told, "shared": _shared(risk)}


def _head(ahead: Forecast) -> dict[str, Any]:
    doubts = find_scenario_doubts(ahead.case, ahead.scenario_name, ahead.scenario)
    return provenance(ahead) | ({"notes": [doubt.wrong for doubt in doubts]} if doubts else {})


def _shared(risk: Risk) -> list[dict[str, Any]]:
    return [_outcome(outcome) | {"applies_to": list(outcome.applies_to)} for outcome in risk.shared]


def _standing(risk: Risk, dyad: DyadRisk) -> dict[str, Any]:
    """A dyad's score, and what is told of how severe its outcomes may be."""
    standing = risk.standings[dyad.id]
    return {
        "id": dyad.id,
        "partner": dyad.partner,
        "score": {**_estimate(dyad.score), "band": dyad.band},
        **({} if dyad.grave is None else {"grave": rounded(dyad.grave)}),
        "exceedance": [{"severity": level, "probability": rounded(chance)} for level, chance in dyad.exceedance],
        "burden": rounded(dyad.burden),
        "burden_of_onsets": rounded(dyad.burden_of(ONSET)),
        "burden_of_continuations": rounded(dyad.burden_of(CONTINUATION)),
        "rank": {"first": rounded(standing.first), "expected": rounded(standing.expected)},
    }


def explanation_data(explanation: Explanation) -> dict[str, Any]:
    """An explanation as plain data, without any rounding: what `read_explanation` reads."""
    contributions = {
        dyad: [_contribution(c) | ({} if c.low is None else {"low": c.low, "high": c.high}) for c in own]
        for dyad, own in explanation.contributions.items()
    }
    return {"reference": explanation.reference, "score": explanation.score, "contributions": contributions}


def _contribution(c: Contribution) -> dict[str, Any]:
    return {"driver": c.id, "label": c.label, "kind": c.kind, "points": c.points, "error": c.error}


def _ends(c: Contribution) -> dict[str, float | None]:
    """The 90 % interval of a contribution, where it has one."""
    return {} if c.interval is None else {"low": rounded(c.interval.low), "high": rounded(c.interval.high)}


def outcome_data(forecast: Forecast, explanation: Explanation, dyad: str) -> dict[str, Any]:
    """What makes up one dyad's score, or the probability of an outcome in percent, as plain data."""
    own = explanation.contributions[dyad]
    drivers = [_contribution(c) | _ends(c) for c in own]
    return {
        **provenance(forecast),
        "dyad": dyad,
        "of": explanation.of,
        "value": rounded(explanation.score[dyad]),
        "at_reference": rounded(explanation.reference[dyad]),
        "drivers": [{**d, "points": rounded(d["points"]), "error": rounded(d["error"])} for d in drivers],
    }


def read_explanation(plain: Any) -> Explanation:
    """An explanation from plain data; raises ValueError or KeyError where it is none.

    >>> own = [{"driver": "trade", "label": "Trade", "kind": "indicator", "points": 2.0, "error": 0.1}]
    >>> plain = {"reference": {"A-B": 10.0}, "score": {"A-B": 12.0}, "contributions": {"A-B": own}}
    >>> explanation_data(read_explanation(plain)) == plain
    True
    """
    own = TypeAdapter(dict[str, list[dict[str, Any]]]).validate_python(plain["contributions"])
    named = {dyad: [{**each, "id": each["driver"]} for each in rows] for dyad, rows in own.items()}
    return TypeAdapter(Explanation).validate_python({**plain, "contributions": named})


def contrast_data(change: Contrast, first: Forecast, second: Forecast) -> dict[str, Any]:
    """Paired differences as plain data: second less first."""
    scores = [{"dyad": dyad, "difference": _estimate(e)} for dyad, e in change.score.items()]
    events = [
        {"event": event, "unit": unit, "difference": _estimate(e)} for (event, unit), e in change.probability.items()
    ]
    return {
        **provenance(second),
        "first": first.scenario_name,
        "second": second.scenario_name,
        "scores": scores,
        "probabilities": events,
    }


def evidence_of(case: Case, driver: str) -> list[tuple[str, str, str]]:
    """For a driver: quantity id, basis and claim of each edge that starts from it; of tension, those of its own; behind
    what past events have raised, how far they do and for how long."""
    kind, _, event = driver.partition(":")
    if driver == TENSION_TODAY or kind == RAISED:
        behind = ids_behind_driver(case, driver, "")
        found = {key: quantity.evidence for key, quantity, _ in case.quantities() if key in behind}
    else:
        found = {e.quantity_id: e.rate_ratio.evidence for e in case.effects if e.source == (event or driver)}
    return [(key, told.basis, told.claim) for key, told in found.items() if told is not None]


def _outcome(outcome: OutcomeRisk) -> dict[str, Any]:
    estimate, recorded = outcome.probability, outcome.verifiable
    return {
        "id": outcome.id,
        "severity": rounded(outcome.severity),
        "phase": outcome.phase,
        "probability": rounded(estimate.mean),
        "low": rounded(estimate.low),
        "high": rounded(estimate.high),
        "words": outcome.words,
        "recorded": rounded(recorded.mean),
        "recorded_low": rounded(recorded.low),
        "recorded_high": rounded(recorded.high),
        "by_month": [rounded(p) for p in outcome.by_period],
        "assumed": outcome.assumed,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"mean": rounded(estimate.mean), "low": rounded(estimate.low), "high": rounded(estimate.high)}
