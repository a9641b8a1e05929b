"""What a brief says: sentences and tables composed from the numbers of a dossier, before any layout."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from riskcast import __version__
from riskcast.attribution import Contribution, remembered_events
from riskcast.case import Case, Effect, Scenario
from riskcast.displays import percent, signed, signed_range
from riskcast.dossier import Dossier
from riskcast.forecasting import Estimate, Forecast
from riskcast.places import Places, find_places
from riskcast.quantities import Evidence, quantity_text
from riskcast.scoring import DyadRisk, OutcomeRisk, Risk

MOST_DYADS: Final = 12
MOST_COLUMNS: Final = 6
MOST_DRIVERS: Final = 7
MOST_MOVED: Final = 8
MOST_REMEMBERED: Final = 6
MOST_CHANGES: Final = 12
WORTH_NAMING: Final = 0.2
FELT: Final = 0.25
NO_BREAK: Final = "\u00a0"


@dataclass(frozen=True)
class Grid:
    """A table of texts; the first `texts` columns are words, the others figures; `note` says what it leaves out."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    note: str = ""


@dataclass(frozen=True)
class Cited:
    """A source by title, its address where it has one that can be followed, and where the claim is written."""

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
    scores: Grid
    meaning: str
    outcomes: Grid
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
    >>> from riskcast.dossier import make_dossier
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> brief = make_brief(make_dossier(riskcast.score(riskcast.forecast(posterior))))
    >>> brief.headline[0].startswith("Tajikistan has the highest score, ")
    True
    """
    risk = dossier.headline
    ahead, case = risk.forecast, dossier.case
    first, last = ahead.window
    places = find_places(case)
    shown = _highest(risk)[:MOST_COLUMNS]
    drivers = _strongest(dossier, shown)
    posterior = ahead.posterior
    alone = " From the priors alone: the record is left out." if posterior.prior_only else ""
    return Brief(
        title=case.settings.title,
        about=f"As of {case.as_of:%-d %B %Y}. Forecast for {first:%-d %B %Y} to {last:%-d %B %Y}. "
        f"Scenario: {ahead.scenario.label}.{alone}",
        warning=posterior.warning,
        headline=tuple(_headline(risk)),
        scores=_scores(risk),
        meaning=_meaning(case),
        outcomes=_outcomes(risk),
        moved=_moved(dossier.previous, risk) if dossier.previous else None,
        since=tuple(_since(dossier.previous, risk)) if dossier.previous else (),
        drivers=_points(dossier, shown, drivers),
        reasons=tuple(_reason(case, driver, shown[0].id, places) for driver in drivers),
        remembered=_remembered(ahead, shown[:3]),
        futures=tuple(_future(dossier, other) for other in dossier.risks[1:]),
        method=tuple(_method(ahead)),
        origin=tuple(_origin(dossier)),
        foot=_foot(ahead),
    )


def name_of(dyad: DyadRisk) -> str:
    """What a dyad is called: by its partner's name where the case gives one."""
    return dyad.partner_name or dyad.id


def _highest(risk: Risk) -> list[DyadRisk]:
    return sorted(risk.dyads, key=lambda dyad: -dyad.score.mean)


def _whole(estimate: Estimate) -> str:
    return f"{estimate.low:.0f}–{estimate.high:.0f}"


def _chance(outcome: OutcomeRisk) -> str:
    if outcome.assumed:
        return f"{outcome.label} (assumed)"
    return f"{outcome.label}, {outcome.words} ({_percent(outcome.probability.mean)})"


def _percent(probability: float) -> str:
    """A probability that no line break tears from its sign."""
    return percent(probability).replace(" ", NO_BREAK)


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _headline(risk: Risk) -> Iterator[str]:
    ranked = _highest(risk)
    top = ranked[0]
    text = f"{name_of(top)} has the highest score, {top.score.mean:.0f} of 100 ({top.band}, 90 % {_whole(top.score)})"
    if len(ranked) > 1:
        second = ranked[1]
        sure = risk.forecast.chance_above(top.id, second.id)
        text += f"; {name_of(second)} follows with {second.score.mean:.0f}. "
        text += f"That {name_of(top)} stands above {name_of(second)} has a probability of {_percent(sure)}"
        text += ", so their order is open" if sure < 0.8 else ""
    yield f"{text}."
    likely = sorted(top.outcomes, key=lambda outcome: -outcome.probability.mean)[:3]
    if likely:
        yield f"Likeliest for {name_of(top)}: {'; '.join(_chance(outcome) for outcome in likely)}."
    if risk.shared:
        shared = sorted(risk.shared, key=lambda outcome: -outcome.probability.mean)[:2]
        yield f"For all pairs at once: {'; '.join(_chance(outcome) for outcome in shared)}."
    case = risk.forecast.case
    grave = max(case.outcomes, key=lambda name: case.events[name].severity or 0.0)
    chances = [(o, dyad) for dyad in risk.dyads for o in dyad.outcomes if o.id == grave]
    if chances:
        worst, whose = max(chances, key=lambda pair: pair[0].probability.mean)
        most = (
            f" for any pair, at most {_percent(worst.probability.mean)} ({name_of(whose)})" if len(chances) > 1 else ""
        )
        told = f"{worst.words}{most}" if most else f"{worst.words} ({_percent(worst.probability.mean)})"
        yield f"The gravest outcome, {worst.label}, is {told}."


def _rest(shown: int, whole: int, what: str, where: str) -> str:
    return f"The {shown} highest of {whole:,} {what}; {where} has all." if whole > shown else ""


def _scores(risk: Risk) -> Grid:
    ranked = _highest(risk)
    rows = tuple((name_of(d), d.band, f"{d.score.mean:.0f}", _whole(d.score)) for d in ranked[:MOST_DYADS])
    note = _rest(len(rows), len(ranked), "pairs", "the table scores of the export")
    return Grid("Risk scores", ("Pair", "Band", "Score", "90 %"), rows, 2, note)


def _meaning(case: Case) -> str:
    starts = [band.start for band in case.settings.bands]
    ends = [*starts[1:], 100.0]
    bands = ", ".join(
        f"{band.name} {start:g}–{end:g}" for band, start, end in zip(case.settings.bands, starts, ends, strict=True)
    )
    return (
        "Score: the expected severity, from 0 to 100, of the worst outcome within the horizon. "
        f"Bands: {bands}. Interval: nine times in ten, more knowledge of the parameters would leave the number within "
        "it."
    )


def _outcomes(risk: Risk) -> Grid:
    rows = []
    ranked = _highest(risk)
    for dyad in ranked[:MOST_DYADS]:
        rows.append((name_of(dyad), _by_words(dyad.outcomes)))
    if risk.shared:
        rows.append(("All pairs at once", _by_words(risk.shared)))
    note = f"Outcomes below {100 * WORTH_NAMING:.0f} % are left out here."
    rest = _rest(min(len(ranked), MOST_DYADS), len(ranked), "pairs", "the table probabilities of the export")
    return Grid("What is likely, in words", ("Pair", "Within the horizon"), tuple(rows), 2, f"{note} {rest}".strip())


def _by_words(outcomes: Sequence[OutcomeRisk]) -> str:
    """Outcomes worth naming by estimative word, the likeliest first."""
    groups: dict[str, list[str]] = {}
    for outcome in sorted(outcomes, key=lambda each: -each.probability.mean):
        if outcome.probability.mean >= WORTH_NAMING or outcome.assumed:
            word = "assumed" if outcome.assumed else outcome.words
            groups.setdefault(word, []).append(f"{outcome.label} ({_percent(outcome.probability.mean)})")
    return "; ".join(f"{word}: {', '.join(named)}" for word, named in groups.items()) or "nothing above remote chances"


def _moved(previous: Risk, now: Risk) -> Grid:
    """What has moved most since an earlier run: scores, then probabilities."""
    old = {dyad.id: dyad for dyad in previous.dyads}
    scores, chances = [], []
    for dyad in now.dyads:
        then = old.get(dyad.id)
        if then is None:
            continue
        step = dyad.score.mean - then.score.mean
        row = (name_of(dyad), "score", f"{then.score.mean:.1f}", f"{dyad.score.mean:.1f}", signed(step))
        scores.append((abs(step), row))
        before = {outcome.id: outcome.probability.mean for outcome in then.outcomes}
        chances += _steps(name_of(dyad), dyad.outcomes, before)
    before = {outcome.id: outcome.probability.mean for outcome in previous.shared}
    chances += _steps("All pairs at once", now.shared, before)
    rows = [row for size, row in sorted(scores, key=lambda each: -each[0])[:MOST_DYADS]]
    rows += [row for size, row in sorted(chances, key=lambda each: -each[0])[:MOST_MOVED] if size >= 0.005]
    header = ("Pair", "What", "Then", "Now", "Change, points")
    return Grid("What has moved since the earlier run", header, tuple(rows), 2)


def _steps(
    name: str, outcomes: Sequence[OutcomeRisk], before: dict[str, float]
) -> list[tuple[float, tuple[str, str, str, str, str]]]:
    found = []
    for outcome in outcomes:
        if outcome.id in before:
            then, now = before[outcome.id], outcome.probability.mean
            row = (name, outcome.label, _percent(then), _percent(now), signed(100 * (now - then)))
            found.append((abs(now - then), row))
    return found


def _since(previous: Risk, now: Risk) -> Iterator[str]:
    """Which two runs are held against each other, and what cannot be compared."""
    then, ahead = previous.forecast, now.forecast
    yield (
        f"Earlier run: {then.case.settings.title}, as of {then.case.as_of:%-d %B %Y}, scenario {then.scenario.label}, "
        f"case {then.case.hash[:12]}. This run: case {ahead.case.hash[:12]}."
    )
    if then.horizon != ahead.horizon or then.case.settings.period != ahead.case.settings.period:
        yield "The two look ahead over different horizons: differences are due to that as well."
    gone = sorted({dyad.id for dyad in previous.dyads} ^ {dyad.id for dyad in now.dyads})
    if gone:
        yield f"In one of the two runs only, and not compared: {', '.join(gone[:MOST_CHANGES])}."
    others = sorted(set(then.case.outcomes) ^ set(ahead.case.outcomes))
    if others:
        yield f"Outcomes in one of the two runs only, and not compared: {', '.join(others[:MOST_CHANGES])}."


def _strongest(dossier: Dossier, shown: Sequence[DyadRisk]) -> list[Contribution]:
    """The drivers that weigh most in any of the shown dyads, each once."""
    explanation = dossier.explanations[dossier.headline.forecast.scenario_name]
    found: dict[str, Contribution] = {}
    for contribution in (c for dyad in shown for c in explanation.contributions[dyad.id]):
        known = found.get(contribution.driver)
        if known is None or abs(contribution.points) > abs(known.points):
            found[contribution.driver] = contribution
    return sorted(found.values(), key=lambda each: -abs(each.points))[:MOST_DRIVERS]


def _points(dossier: Dossier, shown: Sequence[DyadRisk], drivers: Sequence[Contribution]) -> Grid:
    explanation = dossier.explanations[dossier.headline.forecast.scenario_name]
    by_dyad = {dyad.id: {c.driver: c.points for c in explanation.contributions[dyad.id]} for dyad in shown}
    rows = [("Reference levels, nothing recent", *(f"{explanation.reference[dyad.id]:.1f}" for dyad in shown))]
    for driver in drivers:
        rows.append((driver.label, *(signed(by_dyad[dyad.id].get(driver.driver, 0.0)) for dyad in shown)))
    named = {driver.driver for driver in drivers}
    rests = [sum(points for name, points in by_dyad[dyad.id].items() if name not in named) for dyad in shown]
    if any(len(set(own) - named) for own in by_dyad.values()):
        rows.append(("All other drivers", *(signed(rest) for rest in rests)))
    rows.append(("Score", *(f"{explanation.score[dyad.id]:.1f}" for dyad in shown)))
    note = _rest(len(shown), len(dossier.headline.dyads), "pairs", "the table contributions of the export")
    text = "Points of the score that each driver adds or takes (Shapley values: averaged over all orders)"
    return Grid(text, ("Driver", *(name_of(dyad) for dyad in shown)), tuple(rows), 1, note)


def _reason(case: Case, driver: Contribution, dyad: str, places: Places | None) -> Reason:
    """What is known of a driver: its level or its freshest events, the strongest edge, its claim and its sources."""
    source = driver.driver.split(":")[-1]
    edges = sorted((e for e in case.effects if e.source == source), key=_strength, reverse=True)
    told, level = "", None
    indicator = case.indicators.get(source)
    if indicator is not None and indicator.now is not None:
        unit = dyad if indicator.scope == "dyad" else case.host
        level = indicator.now_of(unit)
        told = f"stands at {quantity_text(level)} {indicator.unit}, reference {indicator.reference:g}. "
    if edges:
        ratio = edges[0].rate_ratio
        per = (
            "one fresh event" if edges[0].is_escalation else f"a step of {indicator.step:g}" if indicator else "a step"
        )
        told += f"Felt most in {case.events[edges[0].target].label}: {per} multiplies its rate by "
        told += f"{quantity_text(ratio)}."
    evidence = next((e.rate_ratio.evidence for e in edges if e.rate_ratio.evidence), None)
    cited = dict.fromkeys(_sources(case, [level.evidence if level else None, evidence]))
    place = places.quantity(f"effects.{edges[0].id}") if places is not None and edges else None
    return Reason(driver.label, told, evidence.claim if evidence else "", tuple(cited), str(place or ""))


def _strength(effect: Effect) -> float:
    ratio = effect.rate_ratio.center
    return max(ratio, 1.0 / ratio) if ratio > 0 else 1.0


def _sources(case: Case, evidence: Sequence[Evidence | None]) -> Iterator[Cited]:
    for name in (name for each in evidence if each is not None for name in each.sources):
        source = case.sources.get(name)
        if source is not None:
            url = source.url or ""
            safe = url if url.startswith(("https://", "http://")) else ""
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
            left.setdefault(key, share.replace(" ", NO_BREAK))
    if not whom:
        return None
    keys = sorted(whom, reverse=True)
    rows = tuple((key[0], _listed(sorted(whom[key])), key[1], left[key]) for key in keys[:MOST_REMEMBERED])
    note = f"{len(keys) - MOST_REMEMBERED} earlier ones are left out." if len(keys) > MOST_REMEMBERED else ""
    text = (
        f"Recent events that still weigh for {_listed(list(named.values()))}, and how much of a fresh event's force "
        "is left"
    )
    return Grid(text, ("When", "Pair", "What", "Left"), rows, 3, note)


def _future(dossier: Dossier, other: Risk) -> Future:
    scenario, case = other.forecast.scenario, dossier.case
    change = dossier.contrasts[other.forecast.scenario_name]
    rows = []
    for dyad in _highest(other)[:MOST_DYADS]:
        moved = change.score[dyad.id]
        sure = "rises" if moved.low > 0 else "falls" if moved.high < 0 else "may be nothing"
        rows.append((name_of(dyad), sure, f"{dyad.score.mean:.0f}", signed_range(moved)))
    text = f"Scores under “{scenario.label}”, and the paired change from “{dossier.headline.forecast.scenario.label}”"
    note = _rest(len(rows), len(other.dyads), "pairs", "the table score_differences of the export")
    grid = Grid(text, ("Pair", "Direction", "Score", "Change (90 %)"), tuple(rows), 2, note)
    return Future(scenario.label, scenario.story, tuple(_assumed(case, scenario)), grid)


def _assumed(case: Case, scenario: Scenario) -> Iterator[str]:
    period = case.settings.period
    for move in scenario.indicators:
        indicator = case.indicators[move.indicator]
        if move.set is not None:
            what = f"set to {move.set:g} {indicator.unit}"
        elif move.shift is not None:
            what = f"{move.shift:+g} {indicator.unit}".replace("-", "−")
        else:
            what = f"multiplied by {move.multiply:g}"
        whom = f" for {', '.join(move.dyads)}" if move.dyads else ""
        end = f" until {period} {move.until}" if move.until is not None else ""
        yield f"{indicator.label}{whom}: {what}, from {period} {move.start}{end}."
    for event in scenario.events:
        whom = f" for {', '.join(event.dyads)}" if event.dyads else ""
        yield f"{case.events[event.event].label}{whom} happens in {period} {event.month}."


def _method(ahead: Forecast) -> Iterator[str]:
    case, posterior = ahead.case, ahead.posterior
    health = posterior.diagnostics
    first = case.settings.history_from
    yield (
        f"Each kind of event has a rate per {case.settings.period} for every pair, which analysts' priors tie to "
        "indicators and to recent events (a Bayesian hazard model). "
        + (
            "The record is left out of this forecast."
            if posterior.prior_only
            else f"The record since {first:%B %Y} moves the priors as far as it can."
        )
        + f" The horizon is then simulated {case.settings.period} by {case.settings.period}, "
        f"{posterior.draws:,} times with {ahead.paths} futures each."
    )
    yield (
        "An interval says how far more knowledge of the parameters could move a number. It does not hold what the "
        "model leaves out: indicators that nobody listed, kinds of event that have not been seen, a break with the "
        "past."
    )
    pairs = len(ahead.dyads)
    few = "With so few pairs, the record can correct the priors only a little. " if pairs < 20 else ""
    yield (
        f"{few}Priors are judgements with their reasons; a reader who disagrees can change any of them and see what "
        "follows. Events that nobody reported are not in the record, so quiet may mean unseen."
    )
    khat = "" if health.khat_max is None else f"k-hat at most {max(health.khat_max, 0.0):.2f} (limit 0.7), "
    rhat = "" if health.rhat_max is None else f"R-hat at most {health.rhat_max:.3f} (limit 1.02), "
    state = "all checks passed" if posterior.is_reliable else "CHECKS FAILED: " + "; ".join(health.failures)
    yield f"Engine {posterior.engine}: {khat}{rhat}at least {health.ess_min:,.0f} effective draws; {state}."
    if case.settings.note:
        yield case.settings.note


def _origin(dossier: Dossier) -> Iterator[tuple[str, str]]:
    ahead, case = dossier.headline.forecast, dossier.case
    posterior = ahead.posterior
    yield "Case", f"{case.name}, as of {case.as_of:%Y-%m-%d}"
    yield "sha256", case.published_hash or case.hash
    before = {key: quantity for key, quantity, _ in dossier.published.quantities()}
    changed = [
        f"{key}: {quantity_text(before[key])} → {quantity_text(quantity)}"
        for key, quantity, _ in case.quantities()
        if key in before and (before[key].center, before[key].range) != (quantity.center, quantity.range)
    ]
    if case.overlay_hash:
        yield "Overlay", case.overlay_hash
    if changed:
        rest = f"; and {len(changed) - MOST_CHANGES} more" if len(changed) > MOST_CHANGES else ""
        yield f"Changed quantities ({len(changed)})", "; ".join(changed[:MOST_CHANGES]) + rest
    yield "Scenarios", ", ".join(risk.forecast.scenario_name for risk in dossier.risks)
    yield "Engine", f"{posterior.engine}, {posterior.draws:,} draws, seed {posterior.seed}"
    yield "riskcast", __version__
    words = ["riskcast", "forecast", case.name, "--draws", str(posterior.draws), "--seed", str(posterior.seed)]
    words += ["--scenario", ahead.scenario_name] if ahead.scenario_name != "baseline" else []
    words += ["--overlay", "OVERLAY"] if case.overlay_hash else []
    words += ["--engine", posterior.engine] if posterior.engine != "laplace" else []
    words += ["--horizon", str(ahead.horizon)] if ahead.horizon != case.settings.horizon else []
    words += ["--prior-only"] if posterior.prior_only else []
    words += [] if posterior.is_reliable else ["--allow-unreliable"]
    yield "The same digits", shlex.join(words)


def _foot(ahead: Forecast) -> str:
    posterior = ahead.posterior
    alarm = "" if posterior.is_reliable else "CHECKS FAILED · "
    return (
        f"{alarm}riskcast {__version__} · {ahead.case.name} {ahead.case.hash[:12]} · as of "
        f"{ahead.case.as_of:%Y-%m-%d} · {posterior.engine}, seed {posterior.seed}"
    )
