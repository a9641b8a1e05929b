"""What a brief says: sentences and tables composed from the numbers of a dossier, before any layout."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from riskcast.case.addresses import followed
from riskcast.case.doubts import find_scenario_doubts
from riskcast.case.model import Case, Effect, Scenario
from riskcast.case.places import Places, find_places
from riskcast.case.quantities import Evidence, quantity_text
from riskcast.case.quantity_names import ratio_is_for
from riskcast.charts.canvas import word_ranges
from riskcast.exports.brief.changes import Changes, changes_of
from riskcast.exports.brief.claims_section import claims_part
from riskcast.exports.brief.history import history_part
from riskcast.exports.brief.origin import footer, origin_rows
from riskcast.exports.brief.sentences import (
    headline_sentences,
    joined,
    listed,
    meaning_of_scores,
    method_sentences,
    name_of,
    ranked_dyads,
    since_sentences,
    touched,
)
from riskcast.exports.brief.severity import severity_table
from riskcast.exports.brief.track_section import TrackSection, track_section
from riskcast.exports.dossier import Dossier
from riskcast.forecasting.contributions import Contribution
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.phases import CONTINUATION
from riskcast.forecasting.remembered import remembered_events
from riskcast.forecasting.scoring import WORDS, DyadRisk, OutcomeRisk, Risk
from riskcast.machinery.tables import Column, Table
from riskcast.names import RAISED
from riskcast.numbers import figure, interval, long_date, number, percent, plain_number, signed_ends, signed_number

MOST_DYADS: Final = 12
MOST_COLUMNS: Final = 6
MOST_OUTCOMES: Final = 14
MOST_DRIVERS: Final = 8
MOST_ENDS: Final = 3
MOST_REASONS: Final = 6
MOST_SOURCES: Final = 3
MOST_MOVED: Final = 6
MOST_REMEMBERED: Final = 6
MOST_ASSUMED: Final = 10
LONGEST: Final = 320
FELT: Final = 0.25


@dataclass(frozen=True)
class Chance:
    """A probability with its interval, its estimative word, and the word's place on the scale, from 0; what a scenario
    takes as given comes after the last."""

    text: str
    interval: str
    word: str
    level: int


@dataclass(frozen=True)
class ChanceTable:
    """Outcomes by dyad, the most severe first; a row with a single chance is shared by all dyads."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Chance, ...]], ...]
    scale: tuple[tuple[int, str], ...]
    note: str


@dataclass(frozen=True)
class Cited:
    """A source by title, with its address where that can be followed."""

    title: str
    url: str = ""


@dataclass(frozen=True)
class Reason:
    """A driver, what is known of it, and the sources of that; `place`: file and line of its prior."""

    label: str
    told: str
    claim: str
    cited: tuple[Cited, ...]
    place: str


@dataclass(frozen=True)
class Future:
    """A scenario: what it assumes, and how it changes every score."""

    label: str
    story: str
    assumed: tuple[str, ...]
    changes: Table


@dataclass(frozen=True)
class Brief:
    """All texts of a brief, in the order in which they are read."""

    title: str
    about: str
    warning: str
    headline: tuple[str, ...]
    given: tuple[str, ...]
    scores: Table
    meaning: str
    outcomes: ChanceTable
    severity: Table
    history: Table | None
    moved: Table | None
    since: tuple[str, ...]
    changes: Changes | None
    drivers: Table
    reasons: tuple[Reason, ...]
    remembered: Table | None
    futures: tuple[Future, ...]
    track: TrackSection | None
    claims: Table | None
    method: tuple[str, ...]
    origin: tuple[tuple[str, str], ...]
    foot: str


def make_brief(dossier: Dossier) -> Brief:
    """The brief of a dossier.

    >>> import riskcast
    >>> from riskcast.exports.dossier import make_dossier
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> brief = make_brief(make_dossier(riskcast.score(riskcast.forecast(posterior))))
    >>> brief.headline[0].startswith("Kazakhstan has the highest score: ")
    True
    """
    risk = dossier.headline
    ahead, case = risk.forecast, dossier.case
    first, last = ahead.window
    shown = ranked_dyads(risk)[:MOST_COLUMNS]
    drivers = _strongest(dossier, shown)
    posterior = ahead.posterior
    alone = " From the priors alone: the record is left out." if posterior.prior_only else ""
    adjusted = "" if ahead.outside is None else f" {ahead.outside.told}"
    changed = " With changed quantities, listed at the end." if case.overlay_hash else ""
    return Brief(
        title=case.settings.title,
        about=f"As of {long_date(case.as_of)}. Forecast for {long_date(first)} to {long_date(last)}. "
        f"Scenario: {ahead.scenario.label}.{alone}{changed}{adjusted}",
        warning=posterior.warning,
        headline=tuple(headline_sentences(dossier)),
        given=tuple(_assumed(ahead)),
        scores=_scores(risk),
        meaning=meaning_of_scores(case),
        outcomes=_outcomes(risk, shown),
        severity=severity_table(risk),
        history=history_part(dossier.history) if dossier.history is not None else None,
        moved=_moved(dossier.previous, risk) if dossier.previous else None,
        since=tuple(since_sentences(dossier.previous, risk)) if dossier.previous else (),
        changes=changes_of(dossier.changed),
        drivers=_points(dossier, shown, drivers),
        reasons=_reasons(case, drivers, shown[0].id),
        remembered=_remembered(ahead, shown[:3]),
        futures=tuple(_future(dossier, other) for other in dossier.risks[1:]),
        track=track_section(dossier.track) if dossier.track is not None else None,
        claims=claims_part(dossier.claims) if dossier.claims is not None else None,
        method=tuple(method_sentences(ahead)),
        origin=tuple(origin_rows(dossier)),
        foot=footer(ahead),
    )


def _rest(shown: int, whole: int, what: str, table: str) -> str:
    return f"The {shown} highest of {whole:,} {what}; the table {table} of the export has all." if whole > shown else ""


def _scores(risk: Risk) -> Table:
    ranked = ranked_dyads(risk)
    columns = (Column("Pair"), Column("Band"), Column("Score", form="score"), Column("90 %", form="score range"))
    rows = tuple((name_of(d), d.band, d.score.mean, d.score) for d in ranked[:MOST_DYADS])
    note = _rest(len(rows), len(ranked), "pairs", "scores")
    return Table("Risk scores, the highest first", columns, rows, note=note)


def _outcomes(risk: Risk, shown: Sequence[DyadRisk]) -> ChanceTable:
    case = risk.forecast.case
    rows: dict[str, tuple[Chance, ...]] = {}
    for own in zip(*(dyad.outcomes for dyad in shown), strict=True):
        rows[own[0].id] = tuple(map(_chance, own))
    rows |= {outcome.id: (_chance(outcome),) for outcome in risk.shared}
    likeliest = {o.id: 0.0 for o in (*shown[0].outcomes, *risk.shared)}
    for outcome in (*(o for dyad in shown for o in dyad.outcomes), *risk.shared):
        likeliest[outcome.id] = max(likeliest[outcome.id], outcome.probability.mean)
    kept = sorted(rows, key=lambda name: -likeliest[name])[:MOST_OUTCOMES]
    kept.sort(key=lambda name: -(case.events[name].severity or 0.0))
    spread = {o.id: touched(risk, o).removeprefix("for ") for o in risk.shared}
    notes = [_rest(len(shown), len(risk.dyads), "pairs", "probabilities")]
    goes_on = [o for dyad in shown for o in dyad.outcomes if o.phase == CONTINUATION and not o.assumed]
    goes_on += [o for o in risk.shared if o.phase == CONTINUATION and not o.assumed]
    if any(outcome.id in kept for outcome in goes_on):
        notes.append("* Recorded in the last year: another would be a continuation. Of the others none is known there.")
    if len(kept) < len(rows):
        notes.append(f"The {len(kept)} likeliest of {len(rows)} outcomes.")
    named = {name: case.events[name].label + (f" ({spread[name]})" if name in spread else "") for name in kept}
    assumed = any(cell.level == len(WORDS) for own in rows.values() for cell in own)
    scale = [*enumerate(word_ranges().values()), *([(len(WORDS), "assumed by the scenario")] if assumed else [])]
    return ChanceTable(
        "Probability of at least one event within the horizon, with its 90 % interval; the most severe outcome first",
        tuple(name_of(dyad) for dyad in shown),
        tuple((named[name], rows[name]) for name in kept),
        tuple(scale),
        " ".join(note for note in notes if note),
    )


def _chance(outcome: OutcomeRisk) -> Chance:
    if outcome.assumed:
        return Chance("ruled out" if outcome.is_ruled_out else "given", "", "assumed", len(WORDS))
    level = [word for _, word in WORDS].index(outcome.words)
    span = interval(outcome.probability).removesuffix(" %")
    mark = "*" if outcome.phase == CONTINUATION else ""
    return Chance(joined(percent(outcome.probability.mean)), span + mark, outcome.words, level)


def _moved(previous: Risk, now: Risk) -> Table:
    """What has moved most since an earlier run: scores, then probabilities."""
    old = {dyad.id: dyad for dyad in previous.dyads}
    scores, chances = [], []
    for dyad in now.dyads:
        then = old.get(dyad.id)
        if then is None:
            continue
        step = dyad.score.mean - then.score.mean
        row = (name_of(dyad), "Score", number(then.score.mean, 1), number(dyad.score.mean, 1), step)
        scores.append((abs(step), row))
        chances += _steps(name_of(dyad), dyad.outcomes, then.outcomes)
    chances += _steps("All pairs at once", now.shared, previous.shared)
    chances = [each for each in chances if each[0] >= 0.005]
    rows = [row for _, row in sorted(scores, key=lambda each: -each[0])[:MOST_DYADS]]
    rows += [row for _, row in sorted(chances, key=lambda each: -each[0])[:MOST_MOVED]]
    notes = []
    if len(scores) > MOST_DYADS:
        notes.append(f"The {MOST_DYADS} of {len(scores):,} scores that moved most.")
    if len(chances) > MOST_MOVED:
        notes.append(f"The {MOST_MOVED} of {len(chances):,} probabilities that moved most.")
    notes += ["The table since_previous of the export has all scores."] if notes else []
    ends = (Column("Then", form="figure"), Column("Now", form="figure"), Column("Change, points", form="points"))
    columns = (Column("Pair"), Column("What"), *ends)
    return Table("Scores, and the probabilities that moved most", columns, rows, note=" ".join(notes))


def _steps(
    name: str, outcomes: Sequence[OutcomeRisk], earlier: Sequence[OutcomeRisk]
) -> list[tuple[float, tuple[str, str, str, str, float]]]:
    found = []
    before = {outcome.id: outcome.probability.mean for outcome in earlier}
    for outcome in outcomes:
        if outcome.id in before:
            then, now = before[outcome.id], outcome.probability.mean
            row = (name, outcome.label, joined(percent(then)), joined(percent(now)), 100 * (now - then))
            found.append((abs(now - then), row))
    return found


def _strongest(dossier: Dossier, shown: Sequence[DyadRisk]) -> list[Contribution]:
    """The drivers that weigh most in any of the shown dyads, each once."""
    explanation = dossier.explanations[dossier.headline.forecast.scenario_name]
    found: dict[str, Contribution] = {}
    for contribution in (c for dyad in shown for c in explanation.contributions[dyad.id]):
        known = found.get(contribution.id)
        if known is None or abs(contribution.points) > abs(known.points):
            found[contribution.id] = contribution
    return sorted(found.values(), key=lambda each: -abs(each.points))[:MOST_DRIVERS]


def _ends(dyad: DyadRisk, own: Mapping[str, Contribution], drivers: Sequence[Contribution]) -> str:
    """The 90 % intervals of a pair's strongest drivers, in a sentence; empty where they were not worked out."""
    found = [own[driver.id] for driver in drivers[:MOST_ENDS] if driver.id in own]
    told = [f"{c.label} {signed_ends(c.interval)}" for c in found if c.interval is not None]
    return f"What more knowledge could change, 90 %, for {name_of(dyad)}: {'; '.join(told)}." if told else ""


def _points(dossier: Dossier, shown: Sequence[DyadRisk], drivers: Sequence[Contribution]) -> Table:
    explanation = dossier.explanations[dossier.headline.forecast.scenario_name]
    own = {dyad.id: {c.id: c for c in explanation.contributions[dyad.id]} for dyad in shown}
    by_dyad = {dyad: {name: c.points for name, c in found.items()} for dyad, found in own.items()}
    errors = [c.error for dyad in shown for c in explanation.contributions[dyad.id]]
    rows: list[tuple[str | float, ...]] = [
        ("Reference levels, nothing recent", *(number(explanation.reference[dyad.id], 1) for dyad in shown))
    ]
    for driver in drivers:
        rows.append((driver.label, *(by_dyad[dyad.id].get(driver.id, 0.0) for dyad in shown)))
    named = {driver.id for driver in drivers}
    left_out = {name for own in by_dyad.values() for name in own} - named
    if left_out:
        rests = [sum(points for name, points in by_dyad[dyad.id].items() if name in left_out) for dyad in shown]
        rows.append((f"{len(left_out)} other drivers", *rests))
    rows.append(("Score", *(number(explanation.score[dyad.id], 1) for dyad in shown)))
    notes = [_rest(len(shown), len(dossier.headline.dyads), "pairs", "contributions")]
    if errors:
        notes.insert(0, f"Standard error of the simulation: at most {max(errors):.1f} points.")
        notes.insert(0, _ends(shown[0], own[shown[0].id], drivers))
    text = "Points of the score that each driver adds or takes (Shapley values: averaged over all orders)"
    columns = (Column("Driver"), *(Column(name_of(dyad), form="points") for dyad in shown))
    return Table(text, columns, rows, note=" ".join(note for note in notes if note), has_total=True)


def _reasons(case: Case, drivers: Sequence[Contribution], dyad: str) -> tuple[Reason, ...]:
    places = find_places(case)
    return tuple(_reason(case, driver, dyad, places) for driver in drivers[:MOST_REASONS])


def _reason(case: Case, driver: Contribution, dyad: str, places: Places | None) -> Reason:
    """What is known of a driver: its level, the strongest edge, its claim and its sources."""
    source = driver.id.split(":")[-1]
    lifted = [name for name, one in case.indicators.items() if driver.kind == RAISED and source in one.raises]
    named = lifted or [source]
    edges = sorted((e for e in case.effects if e.source in named and e.on == "rate"), key=_strength, reverse=True)
    told, level = "", None
    if lifted:
        told = f"Has moved {', '.join(case.indicators[name].label for name in lifted)}, which fades. "
    indicator = case.indicators.get(source)
    if indicator is not None and indicator.history != "panel":
        unit = dyad if indicator.scope == "dyad" else case.host
        level = case.now_of(source, unit)
        whose = f" for {case.state_names.get(unit.partition('-')[2], unit)}" if indicator.scope == "dyad" else ""
        usual = plain_number(indicator.reference)
        told = f"Stands at {quantity_text(level, figure)} {indicator.unit}{whose}; reference {usual}. "
    if edges:
        ratio, target = edges[0].rate_ratio, case.events[edges[0].target].label
        moving = case.indicators.get(edges[0].source)
        step = f"a step of {moving.step:g}" if moving is not None else ratio_is_for(case, edges[0])
        told += f"Felt most in “{target}”: {step} multiplies its rate by {quantity_text(ratio, figure)}."
    # A claim belongs to its own edge: that of another edge would be read as if it bore the number beside it.
    evidence = edges[0].rate_ratio.evidence if edges else None
    cited = tuple(dict.fromkeys(_sources(case, [level.evidence if level else None, evidence])))
    place = places.quantity(edges[0].quantity_id) if places is not None and edges else None
    claim = ""
    if evidence is not None:
        claim = f"{evidence.basis.capitalize()}: {shortened(evidence.claim)}"
    more = (Cited(f"and {len(cited) - MOST_SOURCES} more"),) if len(cited) > MOST_SOURCES else ()
    return Reason(driver.label, told, claim, (*cited[:MOST_SOURCES], *more), str(place or ""))


def shortened(text: str) -> str:
    """A text of the case in so many characters as a brief has room for, cut between words."""
    return textwrap.shorten(text, LONGEST, placeholder=" …")


def _strength(effect: Effect) -> float:
    ratio = effect.rate_ratio.center
    return max(ratio, 1.0 / ratio) if ratio > 0 else 1.0


def _sources(case: Case, evidence: Sequence[Evidence | None]) -> Iterator[Cited]:
    for name in (name for each in evidence if each is not None for name in each.sources):
        source = case.sources.get(name)
        if source is not None:
            leads = followed(source.url) or ""
            is_of_web = (source.url or "").lower().startswith(("https://", "http://"))
            told = f" ({source.url})" if is_of_web and not leads else ""
            yield Cited(f"{source.title}, {source.publisher}, {source.date.year}{told}", leads)


def _remembered(ahead: Forecast, shown: Sequence[DyadRisk]) -> Table | None:
    """Recent events that still weigh, the freshest first, each once, with those whom they befell."""
    named = {dyad.id: name_of(dyad) for dyad in shown}
    whom: dict[tuple[str, str], set[str]] = {}
    left: dict[tuple[str, str], str] = {}
    for dyad in shown:
        for event in remembered_events(ahead.posterior, dyad.id, FELT):
            key = (event.when, event.what)
            partner = dyad.id if event.is_own else event.unit
            whom.setdefault(key, set()).add(named.get(partner, ahead.case.name_of(partner)))
            left.setdefault(key, joined(f"{100 * event.share:.0f} %"))
    if not whom:
        return None
    keys = sorted(whom, reverse=True)
    rows = tuple((key[0], listed(sorted(whom[key])), shortened(key[1]), left[key]) for key in keys[:MOST_REMEMBERED])
    rest = len(keys) - MOST_REMEMBERED
    note = f"{rest:,} earlier ones are left out; the page Why of the app has them." if rest > 0 else ""
    text = f"Recent events that still weigh for {listed(list(named.values()))}, and the share of their first force left"
    columns = (Column("When"), Column("Pair"), Column("What"), Column("Left", form="share"))
    return Table(text, columns, rows, note=note)


def _future(dossier: Dossier, other: Risk) -> Future:
    scenario, first = other.forecast.scenario, dossier.headline
    change = dossier.contrasts[other.forecast.scenario_name].score
    before = {dyad.id: dyad.score.mean for dyad in first.dyads}
    rows = []
    for dyad in sorted(other.dyads, key=lambda each: -abs(change[each.id].mean))[:MOST_DYADS]:
        moved = change[dyad.id]
        sure = "rises" if moved.low > 0 else "falls" if moved.high < 0 else "not distinguishable from zero"
        rows.append((name_of(dyad), sure, before[dyad.id], dyad.score.mean, moved))
    text = f"Paired change of scores from “{first.forecast.scenario.label}”, draw by draw under the same chance"
    whole = len(other.dyads)
    note = (
        f"The {len(rows)} that change most of {whole:,} pairs; the table score_differences of the export has all."
        if whole > len(rows)
        else ""
    )
    ends = (Column("From", form="score"), Column("To", form="score"))
    columns = (Column("Pair"), Column("Reading"), *ends, Column("Change (90 %)", form="points range"))
    changes = Table(text, columns, rows, note=note)
    return Future(scenario.label, scenario.story, tuple(_assumed(other.forecast)), changes)


def _assumed(ahead: Forecast) -> Iterator[str]:
    lines = list(_assumptions(ahead.case, ahead.scenario))
    yield from lines[:MOST_ASSUMED]
    if len(lines) > MOST_ASSUMED:
        yield f"And {len(lines) - MOST_ASSUMED} more, in scenarios.yaml."
    for doubt in find_scenario_doubts(ahead.case, ahead.scenario_name, ahead.scenario):
        yield f"To note: {doubt.wrong}."


def _assumptions(case: Case, scenario: Scenario) -> Iterator[str]:
    period = case.settings.period
    for move in scenario.indicators:
        indicator = case.indicators[move.indicator]
        if move.set is not None:
            what = f"set to {plain_number(move.set)} {indicator.unit}"
        elif move.shift is not None:
            what = f"{signed_number(move.shift)} {indicator.unit}"
        else:
            what = f"multiplied by {move.multiply:g}"
        over = f", reached over {move.over} {period}s" if move.over > 1 else ""
        end = f", until {period} {move.until}" if move.until is not None else ""
        yield f"{indicator.label}{_whom(case, move.dyads)}: {what}, from {period} {move.start}{over}{end}."
    for event in scenario.events:
        what, (first, last) = f"{case.events[event.event].label}{_whom(case, event.dyads)}", event.span(0)
        if event.happens:
            yield f"{what} happens in {period} {event.month}."
        elif event.month is None and event.until is None:
            yield f"{what} does not happen within the horizon."
        elif first == last:
            yield f"{what} does not happen in {period} {first}."
        else:
            yield f"{what} does not happen from {period} {first} to {last}."


def _whom(case: Case, dyads: Sequence[str] | None) -> str:
    if not dyads:
        return ""
    names = [case.name_of(dyad) for dyad in dyads]
    return f" for {listed(names)}" if len(names) <= MOST_DYADS else f" for {len(names)} pairs"
