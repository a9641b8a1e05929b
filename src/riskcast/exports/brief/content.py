"""What a brief says: sentences and tables composed from the numbers of a dossier, before any layout."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from riskcast.case.model import Case, Effect, Scenario
from riskcast.case.places import Places, find_places
from riskcast.case.quantities import Evidence, Quantity
from riskcast.charts.canvas import word_ranges
from riskcast.exports.brief.sentences import (
    footer,
    headline_sentences,
    joined,
    listed,
    meaning_of_scores,
    method_sentences,
    name_of,
    origin_rows,
    ranked_dyads,
    since_sentences,
    whole_range,
)
from riskcast.exports.dossier import Dossier
from riskcast.forecasting.contributions import Contribution
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.remembered import remembered_events
from riskcast.forecasting.scoring import WORDS, DyadRisk, OutcomeRisk, Risk
from riskcast.numbers import interval, percent, signed, signed_range

MOST_DYADS: Final = 12
MOST_COLUMNS: Final = 6
MOST_OUTCOMES: Final = 14
MOST_DRIVERS: Final = 8
MOST_REASONS: Final = 6
MOST_SOURCES: Final = 3
MOST_MOVED: Final = 6
MOST_REMEMBERED: Final = 6
MOST_ASSUMED: Final = 10
LONGEST: Final = 320
FELT: Final = 0.25


@dataclass(frozen=True)
class Grid:
    """A table of texts; the first `texts` columns are words, the others figures; `note` says what it leaves out.

    `total`: whether the last row sums up the others.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    note: str = ""
    total: bool = False


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
    changes: Grid


@dataclass(frozen=True)
class Brief:
    """All texts of a brief, in the order in which they are read."""

    title: str
    about: str
    warning: str
    headline: tuple[str, ...]
    given: tuple[str, ...]
    scores: Grid
    meaning: str
    outcomes: ChanceTable
    moved: Grid | None
    since: tuple[str, ...]
    drivers: Grid
    reasons: tuple[Reason, ...]
    remembered: Grid | None
    futures: tuple[Future, ...]
    method: tuple[str, ...]
    origin: tuple[tuple[str, str], ...]
    foot: str


def make_brief(dossier: Dossier) -> Brief:
    """The brief of a dossier.

    >>> import riskcast
    >>> from riskcast.exports.dossier import make_dossier
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> brief = make_brief(make_dossier(riskcast.score(riskcast.forecast(posterior))))
    >>> brief.headline[0].startswith("Tajikistan has the highest score: ")
    True
    """
    risk = dossier.headline
    ahead, case = risk.forecast, dossier.case
    first, last = ahead.window
    shown = ranked_dyads(risk)[:MOST_COLUMNS]
    drivers = _strongest(dossier, shown)
    posterior = ahead.posterior
    alone = " From the priors alone: the record is left out." if posterior.prior_only else ""
    changed = " With changed quantities, listed at the end." if case.overlay_hash else ""
    return Brief(
        title=case.settings.title,
        about=f"As of {case.as_of:%-d %B %Y}. Forecast for {first:%-d %B %Y} to {last:%-d %B %Y}. "
        f"Scenario: {ahead.scenario.label}.{alone}{changed}",
        warning=posterior.warning,
        headline=tuple(headline_sentences(dossier)),
        given=tuple(_assumed(case, ahead.scenario)),
        scores=_scores(risk),
        meaning=meaning_of_scores(case),
        outcomes=_outcomes(risk, shown),
        moved=_moved(dossier.previous, risk) if dossier.previous else None,
        since=tuple(since_sentences(dossier.previous, risk)) if dossier.previous else (),
        drivers=_points(dossier, shown, drivers),
        reasons=_reasons(case, drivers, shown[0].id),
        remembered=_remembered(ahead, shown[:3]),
        futures=tuple(_future(dossier, other) for other in dossier.risks[1:]),
        method=tuple(method_sentences(ahead)),
        origin=tuple(origin_rows(dossier)),
        foot=footer(ahead),
    )


def _rest(shown: int, whole: int, what: str, table: str) -> str:
    return f"The {shown} highest of {whole:,} {what}; the table {table} of the export has all." if whole > shown else ""


def _scores(risk: Risk) -> Grid:
    ranked = ranked_dyads(risk)
    rows = tuple((name_of(d), d.band, f"{d.score.mean:.0f}", whole_range(d.score)) for d in ranked[:MOST_DYADS])
    note = _rest(len(rows), len(ranked), "pairs", "scores")
    return Grid("Risk scores, the highest first", ("Pair", "Band", "Score", "90 %"), rows, 2, note)


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
    shared = {outcome.id for outcome in risk.shared}
    notes = [_rest(len(shown), len(risk.dyads), "pairs", "probabilities")]
    if len(kept) < len(rows):
        notes.append(f"The {len(kept)} likeliest of {len(rows)} outcomes.")
    named = {name: case.events[name].label + (" (all pairs at once)" if name in shared else "") for name in kept}
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
        return Chance("given", "", "assumed", len(WORDS))
    level = [word for _, word in WORDS].index(outcome.words)
    span = interval(outcome.probability).removesuffix(" %")
    return Chance(joined(percent(outcome.probability.mean)), span, outcome.words, level)


def _moved(previous: Risk, now: Risk) -> Grid:
    """What has moved most since an earlier run: scores, then probabilities."""
    old = {dyad.id: dyad for dyad in previous.dyads}
    scores, chances = [], []
    for dyad in now.dyads:
        then = old.get(dyad.id)
        if then is None:
            continue
        step = dyad.score.mean - then.score.mean
        row = (name_of(dyad), "Score", f"{then.score.mean:.1f}", f"{dyad.score.mean:.1f}", signed(step))
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
    header = ("Pair", "What", "Then", "Now", "Change, points")
    return Grid("Scores, and the probabilities that moved most", header, tuple(rows), 2, " ".join(notes))


def _steps(
    name: str, outcomes: Sequence[OutcomeRisk], earlier: Sequence[OutcomeRisk]
) -> list[tuple[float, tuple[str, str, str, str, str]]]:
    found = []
    before = {outcome.id: outcome.probability.mean for outcome in earlier}
    for outcome in outcomes:
        if outcome.id in before:
            then, now = before[outcome.id], outcome.probability.mean
            row = (name, outcome.label, joined(percent(then)), joined(percent(now)), signed(100 * (now - then)))
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


def _points(dossier: Dossier, shown: Sequence[DyadRisk], drivers: Sequence[Contribution]) -> Grid:
    explanation = dossier.explanations[dossier.headline.forecast.scenario_name]
    by_dyad = {dyad.id: {c.id: c.points for c in explanation.contributions[dyad.id]} for dyad in shown}
    errors = [c.error for dyad in shown for c in explanation.contributions[dyad.id]]
    rows = [("Reference levels, nothing recent", *(f"{explanation.reference[dyad.id]:.1f}" for dyad in shown))]
    for driver in drivers:
        rows.append((driver.label, *(signed(by_dyad[dyad.id].get(driver.id, 0.0)) for dyad in shown)))
    named = {driver.id for driver in drivers}
    left_out = {name for own in by_dyad.values() for name in own} - named
    if left_out:
        rests = [sum(points for name, points in by_dyad[dyad.id].items() if name in left_out) for dyad in shown]
        rows.append((f"{len(left_out)} other drivers", *(signed(rest) for rest in rests)))
    rows.append(("Score", *(f"{explanation.score[dyad.id]:.1f}" for dyad in shown)))
    notes = [_rest(len(shown), len(dossier.headline.dyads), "pairs", "contributions")]
    if errors:
        notes.insert(0, f"Standard error of the simulation: at most {max(errors):.1f} points.")
    text = "Points of the score that each driver adds or takes (Shapley values: averaged over all orders)"
    header = ("Driver", *(name_of(dyad) for dyad in shown))
    return Grid(text, header, tuple(rows), 1, " ".join(note for note in notes if note), total=True)


def _reasons(case: Case, drivers: Sequence[Contribution], dyad: str) -> tuple[Reason, ...]:
    places = find_places(case)
    return tuple(_reason(case, driver, dyad, places) for driver in drivers[:MOST_REASONS])


def _reason(case: Case, driver: Contribution, dyad: str, places: Places | None) -> Reason:
    """What is known of a driver: its level, the strongest edge, its claim and its sources."""
    source = driver.id.split(":")[-1]
    edges = sorted((e for e in case.effects if e.source == source), key=_strength, reverse=True)
    told, level = "", None
    indicator = case.indicators.get(source)
    if indicator is not None and indicator.now is not None:
        unit = dyad if indicator.scope == "dyad" else case.host
        level = indicator.now_of(unit)
        whose = f" for {case.state_names.get(unit.partition('-')[2], unit)}" if indicator.scope == "dyad" else ""
        told = f"Stands at {rounded(level)} {indicator.unit}{whose}; reference {indicator.reference:g}. "
    if edges:
        ratio, target = edges[0].rate_ratio, case.events[edges[0].target].label
        step = f"a step of {indicator.step:g}" if indicator is not None else "one fresh event"
        told += f"Felt most in “{target}”: {step} multiplies its rate by {rounded(ratio)}."
    # A claim belongs to its own edge: that of another edge would be read as if it bore the number beside it.
    evidence = edges[0].rate_ratio.evidence if edges else None
    cited = tuple(dict.fromkeys(_sources(case, [level.evidence if level else None, evidence])))
    place = places.quantity(f"effects.{edges[0].id}") if places is not None and edges else None
    claim = ""
    if evidence is not None:
        claim = f"{evidence.basis.capitalize()}: {shortened(evidence.claim)}"
    more = (Cited(f"and {len(cited) - MOST_SOURCES} more"),) if len(cited) > MOST_SOURCES else ()
    return Reason(driver.label, told, claim, (*cited[:MOST_SOURCES], *more), str(place or ""))


def shortened(text: str) -> str:
    """A text of the case in so many characters as a brief has room for, cut between words."""
    return textwrap.shorten(text, LONGEST, placeholder=" …")


def rounded(quantity: Quantity) -> str:
    """A quantity in digits for people, with its interval.

    >>> rounded(Quantity(median=2.25303, interval=(1.25168, 4055.45)))
    '2.25 (1.25–4,055)'
    """

    def digits(number: float) -> str:
        return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"

    if quantity.is_fixed:
        return digits(quantity.center)
    low, high = quantity.range
    return f"{digits(quantity.center)} ({digits(low)}–{digits(high)})"


def _strength(effect: Effect) -> float:
    ratio = effect.rate_ratio.center
    return max(ratio, 1.0 / ratio) if ratio > 0 else 1.0


def _sources(case: Case, evidence: Sequence[Evidence | None]) -> Iterator[Cited]:
    for name in (name for each in evidence if each is not None for name in each.sources):
        source = case.sources.get(name)
        if source is not None:
            url = source.url or ""
            safe = url if url.lower().startswith(("https://", "http://")) else ""
            yield Cited(f"{source.title}, {source.publisher}, {source.date.year}", safe)


def _remembered(ahead: Forecast, shown: Sequence[DyadRisk]) -> Grid | None:
    """Recent events that still weigh, the freshest first, each once, with those whom they befell."""
    named = {dyad.id: name_of(dyad) for dyad in shown}
    whom: dict[tuple[str, str], set[str]] = {}
    left: dict[tuple[str, str], str] = {}
    for dyad in shown:
        for when, share, told in remembered_events(ahead.posterior, dyad.id, FELT):
            where, _, words = told.partition(": ")
            own = where not in ahead.case.dyads
            key = (when, told if own else words)
            partner = dyad.id if own else where
            known = ahead.case.state_names.get(partner.partition("-")[2], partner)
            whom.setdefault(key, set()).add(named.get(partner, known))
            left.setdefault(key, joined(share))
    if not whom:
        return None
    keys = sorted(whom, reverse=True)
    rows = tuple((key[0], listed(sorted(whom[key])), shortened(key[1]), left[key]) for key in keys[:MOST_REMEMBERED])
    rest = len(keys) - MOST_REMEMBERED
    note = f"{rest:,} earlier ones are left out; the page Why of the app has them." if rest > 0 else ""
    text = f"Recent events that still weigh for {listed(list(named.values()))}, and the share of their first force left"
    return Grid(text, ("When", "Pair", "What", "Left"), rows, 3, note)


def _future(dossier: Dossier, other: Risk) -> Future:
    scenario, case, first = other.forecast.scenario, dossier.case, dossier.headline
    change = dossier.contrasts[other.forecast.scenario_name].score
    before = {dyad.id: dyad.score.mean for dyad in first.dyads}
    rows = []
    for dyad in sorted(other.dyads, key=lambda each: -abs(change[each.id].mean))[:MOST_DYADS]:
        moved = change[dyad.id]
        sure = "rises" if moved.low > 0 else "falls" if moved.high < 0 else "not distinguishable from zero"
        ends = (f"{before[dyad.id]:.0f}", f"{dyad.score.mean:.0f}")
        rows.append((name_of(dyad), sure, *ends, signed_range(moved)))
    text = f"Paired change of scores from “{first.forecast.scenario.label}”, draw by draw under the same chance"
    whole = len(other.dyads)
    note = (
        f"The {len(rows)} that change most of {whole:,} pairs; the table score_differences of the export has all."
        if whole > len(rows)
        else ""
    )
    header = ("Pair", "Reading", "From", "To", "Change (90 %)")
    return Future(
        scenario.label, scenario.story, tuple(_assumed(case, scenario)), Grid(text, header, tuple(rows), 2, note)
    )


def _assumed(case: Case, scenario: Scenario) -> Iterator[str]:
    lines = list(_assumptions(case, scenario))
    yield from lines[:MOST_ASSUMED]
    if len(lines) > MOST_ASSUMED:
        yield f"And {len(lines) - MOST_ASSUMED} more, in scenarios.yaml."


def _assumptions(case: Case, scenario: Scenario) -> Iterator[str]:
    period = case.settings.period
    for move in scenario.indicators:
        indicator = case.indicators[move.indicator]
        if move.set is not None:
            what = f"set to {move.set:g} {indicator.unit}"
        elif move.shift is not None:
            what = f"{move.shift:+g} {indicator.unit}".replace("-", "−", 1) if move.shift < 0 else ""
            what = what or f"{move.shift:+g} {indicator.unit}"
        else:
            what = f"multiplied by {move.multiply:g}"
        over = f", reached over {move.over} {period}s" if move.over > 1 else ""
        end = f", until {period} {move.until}" if move.until is not None else ""
        yield f"{indicator.label}{_whom(case, move.dyads)}: {what}, from {period} {move.start}{over}{end}."
    for event in scenario.events:
        yield f"{case.events[event.event].label}{_whom(case, event.dyads)} happens in {period} {event.month}."


def _whom(case: Case, dyads: Sequence[str] | None) -> str:
    if not dyads:
        return ""
    names = [case.state_names.get(dyad.partition("-")[2], dyad) for dyad in dyads]
    return f" for {listed(names)}" if len(names) <= MOST_DYADS else f" for {len(names)} pairs"
