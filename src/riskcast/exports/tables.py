"""A dossier as tidy tables: rows of plain cells, columns with units, and where the numbers come from."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from riskcast.case.doubts import find_scenario_doubts
from riskcast.case.judgements import JUDGEMENTS
from riskcast.case.model import Case, EventType
from riskcast.case.panel import TREATMENTS
from riskcast.case.plausibility.judge import judge
from riskcast.case.quantities import Evidence, Quantity
from riskcast.case.quantity_ids import parse_id
from riskcast.case.quantity_names import unit_of
from riskcast.engines.posterior import SHARED_NAME
from riskcast.errors import UnknownNameError
from riskcast.exports.dossier import Dossier
from riskcast.exports.history_data import history_table
from riskcast.forecasting.drivers_now import acting
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.level_bounds import held_levels
from riskcast.forecasting.lineage import case_lineage, lineage_of
from riskcast.forecasting.mixed_priors import mixed_quantities
from riskcast.forecasting.phases import CONTINUATION, ONSET
from riskcast.forecasting.scoring import words_of
from riskcast.machinery.tables import UNITS, Column, Form, Rows, Table

Value = str | float | int | bool | dt.date | None


# A row for each effect and dyad, which would outgrow all other tables of a large panel.
MOST_ACTING: Final = 500
POINTS: Final = "points"
SCENARIO: Final = Column("scenario", "Id of the scenario", width=18)
DYAD: Final = Column("dyad", "Id of the dyad", width=11)
UNIT: Final = Column("unit", "Dyad, or the host for events that all dyads share", width=11)
EVENT: Final = Column("event", "Id of the event type", width=24)
LABEL: Final = Column("label", "Event type in words", width=34)


def origin(dossier: Dossier) -> dict[str, Value]:
    """Which case, overlay, engine and seed all numbers of a dossier come from, as plain cells."""
    found = lineage_of(dossier.headline.forecast)
    failures, mixture = found.health.failures, dossier.headline.forecast.posterior.mixture
    return {
        "case": found.case.name,
        "as_of": found.case.as_of.isoformat(),
        "horizon_until": found.window[1].isoformat(),
        "case_hash": found.case.hash,
        "overlay_hash": found.case.overlay_hash or "none",
        **({} if mixture is None else {"experts": "; ".join(part.told for part in mixture.parts)}),
        "engine": found.engine,
        "record": "left out" if found.prior_only else "used",
        "draws": found.draws,
        "seed": found.seed,
        "checks": "FAILED: " + "; ".join(failures) if failures else "passed",
        "cautions": " ".join(found.cautions) or "none",
        "riskcast_version": found.riskcast_version,
    }


def told(dossier: Dossier, scenarios: bool = True) -> str:
    """Where numbers come from, in one line, with hashes in short."""
    cells, case = origin(dossier), lineage_of(dossier.headline.forecast).case
    named = ", ".join(risk.forecast.scenario_name for risk in dossier.risks)
    parts = [
        f"riskcast {cells['riskcast_version']}",
        f"case {case.name} {case.short_hash}, as of {case.as_of}",
        case.overlay or "overlay none",
        *([f"scenario{'s' if len(dossier.risks) > 1 else ''} {named}"] if scenarios else []),
        f"engine {cells['engine']}, record {cells['record']}, {cells['draws']} draws, seed {cells['seed']}",
        f"checks {cells['checks']}",
    ]
    return " · ".join(parts)


def dyad_score_table(dossier: Dossier) -> Table:
    """One row for each scenario and dyad: score with its interval, band, rank and burden, and the chance of a grave
    outcome where the case says which ones are."""
    rows: list[tuple[Value, ...]] = []
    for risk in dossier.risks:
        for d in risk.dyads:
            standing, grave = risk.standings[d.id], () if d.grave is None else (d.grave,)
            burdens = (d.burden, d.burden_of(ONSET), d.burden_of(CONTINUATION))
            front = (_name(risk.forecast), d.id, d.partner, d.partner_name or d.partner, *_cells(d.score), d.band)
            rows.append((*front, standing.first, standing.expected, *burdens, *grave))
    columns = (
        SCENARIO,
        DYAD,
        Column("partner", "Id of the dyad's second state", width=9),
        Column("partner_name", "Name of the dyad's second state", width=20),
        *_interval("score", "score", "What the dyad's own outcomes within the horizon add up to on average"),
        Column("band", "Band of the case that the score falls into", width=14),
        Column("rank_first", "Probability that no other dyad has a higher score", "share", 11),
        Column("rank", "Expected rank by score, 1 for the highest", "figure", 9, "rank"),
        Column("burden", "Sum of severity times probability over the dyad's own outcomes", "figure", 10, POINTS),
        Column("burden_onsets", "Of it, outcomes that were not recorded in the last year", "figure", 14, POINTS),
        Column("burden_continuations", "Of it, outcomes that were recorded in the last year", "figure", 20, POINTS),
    )
    least = dossier.case.settings.grave
    if least is not None:
        about = f"Chance of at least one own outcome of severity {least:g} or more within the horizon"
        columns += (Column("grave", about, "share", 10),)
    return Table("Risk score of every dyad", columns, tuple(rows), "scores", ("scenario", "dyad"))


def exceedance_table(dossier: Dossier) -> Table:
    """One row for each scenario, dyad and severity: chance that the dyad's worst own outcome has at least that much."""
    events = dossier.case.events
    named: dict[float, list[str]] = {}
    for event in dossier.case.own_outcomes:
        named.setdefault(float(events[event].severity or 0.0), []).append(events[event].label)
    rows = tuple(
        (_name(r.forecast), d.id, severity, ", ".join(named.get(severity, ())), chance)
        for r in dossier.risks
        for d in r.dyads
        for severity, chance in d.exceedance
    )
    columns = (
        SCENARIO,
        DYAD,
        Column("severity", "Severity of some outcome of the case", "score", 10),
        Column("outcomes", "Own outcomes of just this severity", width=48),
        Column("probability", "Chance that the dyad's worst own outcome has at least it", "share", 12),
    )
    return Table("How severe the worst outcome may be", columns, rows, "exceedance", ("scenario", "dyad", "severity"))


def probability_table(dossier: Dossier) -> Table:
    """One row for each scenario, event type and unit: probability of at least one event within the horizon."""
    rows: list[tuple[Value, ...]] = []
    for ahead, unit, name, event in _events(dossier):
        estimate = ahead.probability(name, unit)
        assumed = ahead.is_assumed(name, unit)
        front = (_name(ahead), unit, name, event.label, event.kind)
        recorded, phase = ahead.recorded(name, unit).mean, ahead.phase(name, unit)
        rows.append((*front, *_cells(estimate), words_of(estimate.mean, assumed), assumed, recorded, phase))
    columns = (
        SCENARIO,
        UNIT,
        EVENT,
        LABEL,
        Column("kind", "outcome or trigger", width=10),
        *_interval("probability", "share", "Probability of at least one event within the horizon"),
        Column("words", "Estimative term for the probability, ICD 203 (2015); assumed, or assumed not", width=20),
        Column("assumed", "Whether the scenario says that it happens, or that it does not", "flag", 10),
        Column("recorded", "Probability that at least one is recorded, which can be verified", "share", 12),
        Column("phase", "onset or continuation, by whether one was recorded in the last year; or unknown", width=13),
    )
    about = "Probability of every event type in every unit"
    return Table(about, columns, tuple(rows), "probabilities", ("scenario", "unit", "event"))


def period_table(dossier: Dossier) -> Table:
    """One row for each scenario, event type, unit and period: probability of at least one event by its end."""

    def rows() -> Iterator[tuple[Value, ...]]:
        for ahead, unit, name, event in _events(dossier):
            front = (_name(ahead), unit, name, event.label)
            for place, (end, probability) in enumerate(zip(ahead.ends, ahead.by_period(name, unit), strict=True), 1):
                yield (*front, place, end, probability)

    forecasts = [risk.forecast for risk in dossier.risks]
    count = sum(len(ahead.ends) * len(ahead.units(name)) for ahead in forecasts for name in ahead.case.events)
    period = dossier.case.settings.period
    columns = (
        SCENARIO,
        UNIT,
        EVENT,
        LABEL,
        Column("period", "Number of the period, from 1", "count", 9, f"{period}s"),
        Column("until", "Last day of the period", "day", 13),
        Column("probability", "Probability of at least one event by that day", "share", 12),
    )
    about = f"Probability of every event type by the end of each {period} of the horizon"
    return Table(about, columns, Rows(count, rows), "by_period", ("scenario", "unit", "event", "period"))


def contribution_table(dossier: Dossier) -> Table:
    """One row for each scenario, dyad and driver; with the row of the reference, points add up to the score."""
    rows: list[tuple[Value, ...]] = []
    for scenario, explanation in dossier.explanations.items():
        for dyad, contributions in explanation.contributions.items():
            at_reference = (explanation.reference[dyad], None, None, None)
            rows.append((scenario, dyad, "reference", "All at reference, nothing recent", "reference", *at_reference))
            rows += [(scenario, dyad, c.id, c.label, c.kind, c.points, c.error, c.low, c.high) for c in contributions]
    columns = (
        SCENARIO,
        DYAD,
        Column("driver", "Indicator, recent:EVENT, raised:EVENT, tension:today, or reference", width=28),
        Column("label", "Driver in words", width=40),
        Column("kind", "indicator, recent, raised, tension, outside, or reference", width=11),
        Column("points", "Shapley value of the driver; all of a dyad add up to its score", "points"),
        Column("error", "Monte Carlo standard error of the points", "figure", 12, UNITS["points"]),
        Column("low", "Lower end of the 90 % interval over the parameters", "points"),
        Column("high", "Upper end of the 90 % interval over the parameters", "points"),
    )
    about = "What makes up every score"
    return Table(about, columns, tuple(rows), "contributions", ("scenario", "dyad", "driver"))


def acting_table(dossier: Dossier) -> Table:
    """One row for each effect and unit: its size today, its rate ratio before and after the record."""
    rows = tuple(
        (
            *(e.unit, e.target, e.target_label, e.source, e.source_label, e.path or None),
            *(
                "half-life" if e.on == "half_life" else "event" if e.is_event else "indicator",
                e.steps,
                *e.now,
                *e.prior,
                *e.posterior,
                *e.acting,
            ),
            *(e.moved.shift, e.moved.verdict, e.key),
        )
        for e in acting(dossier.headline.forecast)
    )
    per_step = "Rate ratio for one step or one fresh event"
    columns = (
        UNIT,
        EVENT,
        LABEL,
        Column("driver", "Indicator or event type that the effect starts from", width=28),
        Column("driver_label", "Driver in words", width=40),
        Column("path", "Which of several effects from that driver; else empty", width=16),
        Column("kind", "indicator, event, or half-life: an indicator on one, of which all factors are", width=10),
        Column(
            "steps", "Today's level in steps from its reference, or what is remembered of events", "figure", 10, "steps"
        ),
        *_ratios("now", "Factor on the rate today: rate ratio ^ steps"),
        *_ratios("prior", f"{per_step}, as believed"),
        *_ratios("posterior", f"{per_step}, after the record"),
        *_ratios("acting", f"{per_step}, as it acts: that after the record to the power of trust"),
        Column(
            "shift", "How far the record moved the mean of its logarithm", "figure", 10, "prior standard deviations"
        ),
        Column("moved", "fixed, hardly, narrowed, raised, or lowered by the record", width=10),
        Column("quantity", "Id of the rate ratio, as overlays write it", width=44),
    )
    about = "What acts today on every event type, whatever the scenario"
    return Table(about, columns, rows, "acting", ("unit", "quantity"))


def assumption_table(dossier: Dossier) -> Table:
    """One row for each quantity of the case: as published, as it is now, and the evidence for it."""
    published = {key: quantity for key, quantity, _ in dossier.published.quantities()}
    held: dict[str, float] = {}
    for one in held_levels(dossier.case, dossier.headline.forecast.horizon):
        held[one.key] = held.get(one.key, 0.0) + one.ahead
    mixed = mixed_quantities(dossier.headline.forecast.posterior)
    rows: list[tuple[Value, ...]] = []
    for key, quantity, _ in dossier.case.quantities():
        before, evidence = published.get(key), quantity.evidence
        then, now = (None, None, None) if before is None else _numbers(before), _numbers(quantity)
        if key in mixed:
            found, told = mixed[key]
            now = (found.median, found.low, found.high)
            evidence = Evidence(basis="judgement", claim=f"mixture of experts: {told}")
        cited = _sources(dossier.case, evidence.sources) if evidence else ""
        basis = (evidence.basis, evidence.claim or None, cited or None) if evidence else (None, None, None)
        rows.append((key, unit_of(dossier.case, parse_id(key)), then != now, *then, *now, held.get(key), *basis))
    number = "Empty where the quantity is held fixed"
    columns = (
        Column("quantity", "Id of the quantity, as overlays write it", width=44),
        Column("unit", "Unit of its numbers", width=18),
        Column("changed", "Whether an overlay changed it", "flag", 10),
        *(
            Column(f"{when}{end}", f"{words}, {told}. {number if end else ''}".strip(), "number", 14, "see unit")
            for when, told in (("published", "as published"), ("now", "as used here"))
            for end, words in (("", "Median"), ("_low", "5 % quantile"), ("_high", "95 % quantile"))
        ),
        Column(
            "held",
            "Share of futures in which a level ends at a bound, where it drifts to; empty below 1 %",
            "share",
            10,
        ),
        Column("basis", "What the number rests on", width=11),
        Column("claim", "What the evidence says", width=56),
        Column("sources", "Sources of the claim", width=56),
    )
    return Table("Every quantity of the case", columns, tuple(rows), "assumptions", ("quantity",))


def diagnostic_table(dossier: Dossier) -> Table:
    """One row for each event type, and one for tension and trust: how healthy the engine's draws are; figures that it
    does not have are empty."""
    posterior = dossier.headline.forecast.posterior
    rows: list[tuple[Value, ...]] = []
    labels = {name: event.label for name, event in dossier.case.events.items()}
    # What event types share has draws, and health, of its own.
    shared = {} if posterior.shared is None else {SHARED_NAME: posterior.shared}
    for name, drawn in {**posterior.events, **shared}.items():
        failures = [f for f in posterior.diagnostics.failures if f.startswith(f"{name}: ")]
        chains = math.isfinite(drawn.rhat)
        figures: tuple[Value, ...] = (None, None, None, None)
        if not posterior.prior_only:
            found = (_finite(drawn.khat), _finite(drawn.ess), _finite(drawn.rhat))
            figures = (*found, drawn.divergences if chains else None)
        failed = "; ".join(f.removeprefix(f"{name}: ") for f in failures) or None
        rows.append((name, labels.get(name, "What all event types share"), *figures, not failures, failed))
    columns = (
        EVENT,
        LABEL,
        Column("khat", "Pareto k-hat of the importance weights; at most 0.7", "figure", 10, "none"),
        Column("ess", "Effective draws; at least 100", "score", 10, "draws"),
        Column("rhat", "Rank-normalised split R-hat; at most 1.02", "figure", 10, "none"),
        Column("divergences", "Divergent transitions of the whole model", "count", 12, "draws"),
        Column("reliable", "Whether every check was passed", "flag", 10),
        Column("failures", "The checks that failed", width=48),
    )
    return Table("Health of the posterior of every event type", columns, tuple(rows), "diagnostics", ("event",))


def score_difference_table(dossier: Dossier) -> Table:
    """One row for each further scenario and dyad: its score less the headline's, draw by draw."""
    rows = tuple(
        (name, change.first, dyad, *_cells(estimate))
        for name, change in dossier.contrasts.items()
        for dyad, estimate in change.score.items()
    )
    columns = (SCENARIO, _against(), DYAD, *_interval("difference", "points", "Difference of scores, paired"))
    about = "What each scenario changes in the scores"
    return Table(about, columns, rows, "score_differences", ("scenario", "dyad"))


def probability_difference_table(dossier: Dossier) -> Table:
    """One row for each further scenario, event type and unit: its probability less the headline's, draw by draw."""
    events = dossier.case.events
    rows = tuple(
        (name, change.first, unit, event, events[event].label, *_cells(estimate))
        for name, change in dossier.contrasts.items()
        for (event, unit), estimate in change.probability.items()
    )
    words = "Difference of probabilities, paired"
    columns = (SCENARIO, _against(), UNIT, EVENT, LABEL, *_interval("difference", "change", words))
    about = "What each scenario changes in the probabilities"
    return Table(about, columns, rows, "probability_differences", ("scenario", "unit", "event"))


def previous_table(dossier: Dossier) -> Table:
    """One row for each dyad: its headline score now and in the earlier run; empty where that run has no such dyad."""
    rows: list[tuple[Value, ...]] = []
    previous = dossier.previous
    if previous is not None:
        then = {dyad.id: dyad for dyad in previous.dyads}
        case = case_lineage(previous.forecast.case)
        source = (case.as_of, case.hash, _name(previous.forecast))
        for dyad in dossier.headline.dyads:
            old = then.get(dyad.id)
            before = (*_cells(old.score), old.band) if old else (None, None, None, None)
            moved = dyad.score.mean - old.score.mean if old else None
            rows.append((dyad.id, *_cells(dyad.score), dyad.band, *before, moved, *source))
    columns = (
        DYAD,
        *_interval("score", "score", "Score now"),
        Column("band", "Band now", width=14),
        *_interval("previous_score", "score", "Score in the earlier run", "previous_low", "previous_high"),
        Column("previous_band", "Band in the earlier run", width=14),
        Column("moved", "Score now less score then; the runs are not paired", "points"),
        Column("previous_as_of", "Day that the earlier run knows up to", "day", 14),
        Column("previous_case_hash", "sha256 of the earlier run's case", width=20),
        Column("previous_scenario", "Scenario of the earlier run", width=18),
    )
    return Table("What has moved since the earlier run", columns, tuple(rows), "since_previous", ("dyad",))


def notes_table(dossier: Dossier) -> Table:
    """One row for each thing that is not used as it was said, or can hardly be meant, in the case or a scenario."""
    case = dossier.case
    rows: list[tuple[Value, ...]] = []
    for risk in dossier.risks:
        ahead = risk.forecast
        found = find_scenario_doubts(case, ahead.scenario_name, ahead.scenario)
        rows += [(ahead.scenario_name, doubt.judgement, doubt.key, doubt.wrong, doubt.allowed) for doubt in found]
    for doubt in judge(case, quick=True):
        # Scenarios that are not handed over have no part in these numbers.
        if not JUDGEMENTS.get(doubt.judgement).of_scenarios:
            rows.append(("", doubt.judgement, f"{doubt.file}: {doubt.key}", doubt.wrong, doubt.allowed))
    for one in () if case.panel is None else case.panel.treated:
        said = f"{one.cells} missing cells of {one.indicator}: {TREATMENTS[one.treatment]}"
        rows.append(("", "missing", one.indicator, said, True))
    columns = (
        Column("scenario", "Id of the scenario; empty where it is the case", width=18),
        Column("judgement", "Name of the judgement, as `allow:` has it; `missing` for filled cells", width=20),
        Column("place", "Where it is said", width=34),
        Column("note", "What is said, and what is used in its place", width=80),
        Column("allowed", "Whether the case allows it", "flag", 10),
    )
    return Table("What is not used as it was said, or can hardly be meant", columns, tuple(rows), "notes", ("place",))


def _history(dossier: Dossier) -> Table:
    """One row for each earlier day and dyad, where a history is handed over."""
    if dossier.history is None:
        return Table("Scores as of earlier days", (), (), "history", ("day", "dyad"))
    return history_table(dossier.history)


TABLES: Final[Mapping[str, Callable[[Dossier], Table]]] = {
    "scores": dyad_score_table,
    "exceedance": exceedance_table,
    "probabilities": probability_table,
    "by_period": period_table,
    "contributions": contribution_table,
    "acting": acting_table,
    "assumptions": assumption_table,
    "diagnostics": diagnostic_table,
    "score_differences": score_difference_table,
    "probability_differences": probability_difference_table,
    "since_previous": previous_table,
    "history": _history,
    "notes": notes_table,
}


def names_of_tables(dossier: Dossier) -> list[str]:
    """The tables that say something of a dossier: differences take two scenarios, changes an earlier run, notes
    something to note.

    What acts today stands in a table of its own for up to 500 dyads; with more, `riskcast.acting` tells it of one.
    """
    said = {
        "score_differences": len(dossier.risks) > 1,
        "probability_differences": len(dossier.risks) > 1,
        "since_previous": dossier.previous is not None,
        "history": dossier.history is not None,
        "acting": len(dossier.headline.dyads) <= MOST_ACTING,
        "notes": bool(len(notes_table(dossier).rows)),
    }
    return [name for name in TABLES if said.get(name, True)]


def make_table(dossier: Dossier, name: str) -> Table:
    """A table of a dossier by its name; raises UnknownNameError for a name that is not in TABLES.

    >>> import riskcast
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> from riskcast.exports.dossier import make_dossier
    >>> make_table(make_dossier(riskcast.score(riskcast.forecast(posterior))), "scores").records()[0]["dyad"]
    'RUS-KAZ'
    """
    if name not in TABLES:
        raise UnknownNameError("table", name, TABLES)
    return TABLES[name](dossier)


def make_tables(dossier: Dossier) -> list[Table]:
    """Every table that says something of a dossier."""
    return [make_table(dossier, name) for name in names_of_tables(dossier)]


def _name(ahead: Forecast) -> str:
    return ahead.scenario_name


def _against() -> Column:
    return Column("against", "Id of the scenario that it is held against", width=18)


def _cells(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.mean, estimate.low, estimate.high


def _interval(name: str, form: Form, about: str, low: str = "low", high: str = "high") -> tuple[Column, ...]:
    """Three columns: a mean and the ends of its 90 % interval."""
    ends = ((low, "5 % quantile"), (high, "95 % quantile"))
    return (Column(name, about, form, 14), *(Column(end, f"{words} of it", form, 12) for end, words in ends))


def _ratios(name: str, about: str) -> tuple[Column, ...]:
    """Three columns: a median and the ends of its 90 % interval, of a factor."""
    ends = (("", about), ("_low", f"5 % quantile of {name}"), ("_high", f"95 % quantile of {name}"))
    return tuple(Column(f"{name}{end}", words, "figure", 12, "factor") for end, words in ends)


def _events(dossier: Dossier) -> Iterator[tuple[Forecast, str, str, EventType]]:
    """Forecast, unit, id and record of every event type that is forecast, scenario by scenario, unit by unit."""
    for risk in dossier.risks:
        ahead = risk.forecast
        events = ahead.case.events
        units = {name: dict.fromkeys(ahead.units(name)) for name in events}
        for unit in dict.fromkeys(unit for own in units.values() for unit in own):
            yield from ((ahead, unit, name, event) for name, event in events.items() if unit in units[name])


def _numbers(quantity: Quantity) -> tuple[float, float | None, float | None]:
    """Median and ends of the interval; no ends where the quantity is held fixed."""
    return (quantity.center, None, None) if quantity.is_fixed else (quantity.center, *quantity.range)


def _sources(case: Case, names: Sequence[str]) -> str:
    """Sources as people cite them."""
    found = [case.sources[name] for name in names if name in case.sources]
    return "; ".join(f"{s.title} ({s.publisher}, {s.date}){f' {s.url}' if s.url else ''}" for s in found)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
