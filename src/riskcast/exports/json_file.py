"""`forecast.json`: all that a dossier says as plain data, and the JSON Schema that it keeps to."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from pydantic import ConfigDict, Field, TypeAdapter, with_config

from riskcast.case.registered import NameIn
from riskcast.engines.registry import ENGINES
from riskcast.exports.dossier import Dossier
from riskcast.exports.files import json_bytes, write_all
from riskcast.exports.plain_data import contrast_data, forecast_data
from riskcast.exports.tables import assumption_table, diagnostic_table, notes_table, previous_table
from riskcast.forecasting.drivers_now import Quantiles
from riskcast.forecasting.lineage import provenance, rounded
from riskcast.forecasting.tension_now import tension_today
from riskcast.machinery.tables import Table

NAME = "forecast.json"
SCHEMA_VERSION = 2
CLOSED = ConfigDict(extra="forbid")
Chance = Annotated[float, Field(ge=0, le=1, description="Probability, 0 to 1")]
Score = Annotated[float, Field(ge=0, le=100, description="Points, 0 to 100")]
Points = Annotated[float, Field(description="Score points")]
Change = Annotated[float, Field(ge=-1, le=1, description="Difference of probabilities")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="Day, YYYY-MM-DD")]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="sha256")]
Natural = Annotated[int, Field(ge=0)]


@with_config(CLOSED)
class CaseOrigin(TypedDict):
    """The case."""

    name: str
    as_of: Day
    hash: Digest


@with_config(CLOSED)
class EngineOrigin(TypedDict):
    """The engine and the health of its draws; figures that it does not have are null."""

    name: Annotated[str, NameIn(ENGINES)]
    khat_max: float | None
    ess_min: float | None
    rhat_max: float | None
    divergences: Natural | None
    draws: Natural
    paths: Annotated[int, Field(ge=0, description="Futures of each draw; 0 where a closed form took their place")]
    probability_error_max: Annotated[
        float, Field(ge=0, description="Largest Monte Carlo standard error of a headline probability, 0 to 1")
    ]
    probability_error_of_paths: Annotated[float, Field(ge=0, description="What paths have in it, at most, 0 to 1")]
    score_error_max: Annotated[
        float, Field(ge=0, description="Largest Monte Carlo standard error of a headline score, points")
    ]
    score_error_of_paths: Annotated[float, Field(ge=0, description="What paths have in it, at most, points")]
    seed: int
    simulation_seed: int
    prior_only: bool
    reliable: bool
    failures: list[str]


@with_config(CLOSED)
class HorizonOrigin(TypedDict):
    """The time that is forecast."""

    periods: Natural
    unit: Literal["week", "month", "quarter", "year"]
    # `from` cannot be written as a field of a class body.
    first: Annotated[Day, Field(alias="from")]
    until: Day


@with_config(CLOSED)
class ScoreEstimate(TypedDict):
    """A score with its 90 % interval, and its band."""

    mean: Score
    low: Score
    high: Score
    band: str


@with_config(CLOSED)
class Outcome(TypedDict):
    """Probability of at least one such event within the horizon, and by the end of each period."""

    id: str
    severity: Score
    phase: Annotated[
        Literal["onset", "continuation", "unknown"],
        Field(description="Whether one was recorded in the last year; unknown where the record lacks a part of it"),
    ]
    probability: Chance
    low: Chance
    high: Chance
    words: Annotated[str, Field(description="Estimative term, ICD 203; `assumed` or `assumed not` by the scenario")]
    recorded: Annotated[Chance, Field(description="Probability that at least one is recorded, which can be verified")]
    recorded_low: Chance
    recorded_high: Chance
    by_month: Annotated[list[Chance], Field(description="By the end of each period of the horizon")]
    assumed: Annotated[bool, Field(description="Whether the scenario says that it happens, or that it does not")]


@with_config(CLOSED)
class SharedOutcome(Outcome):
    """An outcome that dyads share, which adds to no score, with the dyads that it can touch."""

    applies_to: list[str]


@with_config(CLOSED)
class Exceedance(TypedDict):
    """The chance that a dyad's worst own outcome within the horizon has at least a severity."""

    severity: Score
    probability: Chance


@with_config(CLOSED)
class Rank(TypedDict):
    """A dyad's place by score among all dyads, over what is not known of the parameters."""

    first: Annotated[Chance, Field(description="Probability of the highest score")]
    expected: Annotated[float, Field(ge=1, description="Mean rank, 1 for the highest score")]


@with_config(CLOSED)
class Driver(TypedDict):
    """Score points that are due to a driver; all of a dyad add up to its score less the reference score."""

    indicator: str
    contribution: Points
    kind: Literal["indicator", "recent", "raised", "tension", "outside"]
    error: Annotated[float, Field(ge=0, description="Monte Carlo standard error, score points")]
    low: NotRequired[Annotated[float, Field(description="Lower end of the 90 % interval over the parameters")]]
    high: NotRequired[Annotated[float, Field(description="Upper end of the 90 % interval over the parameters")]]


@with_config(CLOSED)
class Dyad(TypedDict):
    """A dyad's score, its own outcomes, how severe the worst may be, and drivers."""

    id: str
    partner: str
    score: ScoreEstimate
    grave: NotRequired[Annotated[Chance, Field(description="Of at least one outcome that the case calls grave")]]
    exceedance: Annotated[
        list[Exceedance], Field(description="By severity of the case's own outcomes, from low to high")
    ]
    burden: Annotated[float, Field(ge=0, description="Sum of severity times probability over own outcomes, points")]
    burden_of_onsets: Annotated[float, Field(ge=0, description="Of outcomes not recorded in the last year, points")]
    burden_of_continuations: Annotated[float, Field(ge=0, description="Of outcomes recorded in the last year, points")]
    rank: Rank
    reference_score: Points
    outcomes: list[Outcome]
    drivers: list[Driver]


@with_config(CLOSED)
class ScenarioResult(TypedDict):
    """The results under one scenario; the first is the headline."""

    scenario: str
    label: str
    dyads: list[Dyad]
    shared: list[SharedOutcome]


@with_config(CLOSED)
class PointsEstimate(TypedDict):
    """A difference of scores with its 90 % interval."""

    mean: Points
    low: Points
    high: Points


@with_config(CLOSED)
class ChangeEstimate(TypedDict):
    """A difference of probabilities with its 90 % interval."""

    mean: Change
    low: Change
    high: Change


@with_config(CLOSED)
class ScoreDifference(TypedDict):
    """What changes in a dyad's score."""

    dyad: str
    difference: PointsEstimate


@with_config(CLOSED)
class ProbabilityDifference(TypedDict):
    """What changes in the probability of an event."""

    event: str
    unit: str
    difference: ChangeEstimate


@with_config(CLOSED)
class Difference(TypedDict):
    """A scenario less the headline, draw by draw under the same chance."""

    scenario: str
    against: str
    scores: list[ScoreDifference]
    probabilities: list[ProbabilityDifference]


@with_config(CLOSED)
class Assumption(TypedDict):
    """A quantity as published and as used; no low and high where it is held fixed."""

    quantity: str
    unit: str
    changed: bool
    published: float | None
    published_low: float | None
    published_high: float | None
    now: float
    now_low: float | None
    now_high: float | None
    held: float | None
    basis: str | None
    claim: str | None
    sources: str | None


@with_config(CLOSED)
class Diagnostic(TypedDict):
    """Health of the draws of an event type."""

    event: str
    label: str
    khat: float | None
    ess: float | None
    rhat: float | None
    divergences: Natural | None
    reliable: bool
    failures: str | None


@with_config(CLOSED)
class Spread(TypedDict):
    """A median with the ends of its 90 % interval."""

    median: float
    low: float
    high: float


@with_config(CLOSED)
class TensionFactor(TypedDict):
    """What today's tension multiplies the rate of an event type by."""

    event: str
    factor: Spread


@with_config(CLOSED)
class TensionOrigin(TypedDict):
    """Today's tension in standard deviations from average times, and trust in the effects of indicators."""

    period: str
    level: Spread
    persistence: Spread
    factors: list[TensionFactor]
    trust: Spread
    trust_with_tension: Annotated[
        float | None, Field(description="Posterior correlation of trust with tension lately; null where trust is fixed")
    ]


@with_config(CLOSED)
class SincePrevious(TypedDict):
    """A dyad's score now and in an earlier run, which need not share case, scenario or day."""

    dyad: str
    score: Score
    low: Score
    high: Score
    band: str
    previous_score: Score | None
    previous_low: Score | None
    previous_high: Score | None
    previous_band: str | None
    moved: Points | None
    previous_as_of: Day
    previous_case_hash: Digest
    previous_scenario: str


@with_config(CLOSED)
class Note(TypedDict):
    """Something that is not used as it was said, or can hardly be meant."""

    scenario: Annotated[str, Field(description="Id of the scenario; empty where it is the case")]
    judgement: str
    place: str
    note: str
    allowed: Annotated[bool, Field(description="Whether the case allows it")]


@with_config(CLOSED)
class WeighedNumber(TypedDict):
    """A probability from outside that was weighed in: whose, of which day, and what became of it."""

    question: Annotated[str, Field(description="A query that names one event")]
    probability: Annotated[float, Field(gt=0, lt=1)]
    forecaster: str
    date: Day
    weight: Annotated[float, Field(ge=0, le=1, description="In the log-linear pool with the model's own probability")]
    model: Annotated[float, Field(ge=0, le=1, description="The model's own probability")]
    used: Annotated[float, Field(ge=0, le=1, description="What the two pool to")]


@with_config(CLOSED)
class ExpertOrigin(TypedDict):
    """An expert of a mixture: the share of its draws, and the sha256 of what the expert changed"""

    who: str
    share: float
    overlay_hash: Digest | None


@with_config(CLOSED)
class OutsideOrigin(TypedDict):
    """Numbers from outside by which the forecast was adjusted, and what their weights leave of its futures."""

    adjusted: Annotated[bool, Field(description="Whether any number has a weight above 0")]
    numbers: list[WeighedNumber]
    futures: int
    effective_futures: float
    effective_draws: float


@with_config(CLOSED)
class ForecastFile(TypedDict):
    """Risk scores of one case under one or more scenarios, with what they rest on. Numbers have ten digits."""

    schema_version: Annotated[Literal[2], Field(description="1, without this key, is what riskcast 0.1 wrote")]
    riskcast_version: str
    title: str
    case: CaseOrigin
    overlay_hash: Digest | None
    experts: NotRequired[list[ExpertOrigin]]
    cautions: list[str]
    engine: EngineOrigin
    horizon: HorizonOrigin
    scenarios: Annotated[list[ScenarioResult], Field(min_length=1)]
    differences: list[Difference]
    assumptions: list[Assumption]
    diagnostics: list[Diagnostic]
    outside: NotRequired[OutsideOrigin]
    tension: NotRequired[TensionOrigin]
    notes: list[Note]
    since_previous: NotRequired[list[SincePrevious]]


def _tension(dossier: Dossier) -> dict[str, Any]:
    """Today's tension as plain data; nothing where the case has none."""
    found = tension_today(dossier.headline.forecast.posterior)
    if found is None:
        return {}

    def spread(quantiles: Quantiles) -> dict[str, float | None]:
        return {name: rounded(value) for name, value in zip(("median", "low", "high"), quantiles, strict=True)}

    together = found.trust_with_tension
    told = {name: spread(getattr(found, name)) for name in ("level", "persistence", "trust")}
    factors = [{"event": event, "factor": spread(factor)} for event, factor in found.factors.items()]
    whole = {"period": found.period, **told, "factors": factors}
    return {"tension": whole | {"trust_with_tension": None if together is None else rounded(together)}}


def dossier_data(dossier: Dossier) -> dict[str, Any]:
    """A dossier as plain data that keeps to `export_schema()`; raises ValueError if it did not.

    >>> import riskcast
    >>> from riskcast.exports.dossier import make_dossier
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> data = dossier_data(make_dossier(riskcast.score(riskcast.forecast(posterior))))
    >>> [result["scenario"] for result in data["scenarios"]]
    ['baseline']
    """
    first = dossier.headline.forecast
    front = provenance(first)
    del front["scenario"]
    scenarios = []
    for risk in dossier.risks:
        name = risk.forecast.scenario_name
        full = forecast_data(risk, dossier.explanations[name])
        scenarios.append({"scenario": name, "label": risk.forecast.scenario.label, **_only(full, "dyads", "shared")})
    differences = [
        {
            "scenario": risk.forecast.scenario_name,
            "against": first.scenario_name,
            **_only(
                contrast_data(dossier.contrasts[risk.forecast.scenario_name], first, risk.forecast),
                "scores",
                "probabilities",
            ),
        }
        for risk in dossier.risks[1:]
    ]
    data = {
        "schema_version": SCHEMA_VERSION,
        **_only(front, "riskcast_version"),
        "title": dossier.case.settings.title,
        **front,
        "scenarios": scenarios,
        "differences": differences,
        "assumptions": _plain(assumption_table(dossier)),
        "diagnostics": _plain(diagnostic_table(dossier)),
        **_tension(dossier),
        "notes": _plain(notes_table(dossier)),
    }
    if dossier.previous is not None:
        data["since_previous"] = _plain(previous_table(dossier))
    _shape().validate_python(data, strict=True)
    return data


def write_json(dossier: Dossier, folder: Path) -> None:
    """Write `forecast.json`."""
    write_all(folder, {NAME: to_json_file(dossier)})


def schemas() -> dict[str, Any]:
    """The schema of `forecast.json`, under its name."""
    return {NAME: export_schema()}


def to_json_file(dossier: Dossier) -> bytes:
    """`forecast.json`, in UTF-8."""
    return json_bytes(dossier_data(dossier))


def export_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `forecast.json`: strict, no other keys are allowed."""
    front = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return front | _shape().json_schema(by_alias=True) | {"title": NAME}


@cache
def _shape() -> TypeAdapter[Any]:
    return TypeAdapter(ForecastFile)


def _only(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: data[name] for name in names}


def _plain(table: Table) -> list[dict[str, Any]]:
    """Rows with days as text."""
    return [
        {name: cell.isoformat() if isinstance(cell, dt.date) else cell for name, cell in record.items()}
        for record in table.records()
    ]
