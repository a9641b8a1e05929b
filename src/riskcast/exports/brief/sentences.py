"""The sentences of a brief: who stands where, what is likely, what has moved, how it was made, all from the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from riskcast.case.model import Case
from riskcast.engines.posterior import KHAT_LIMIT, RHAT_LIMIT
from riskcast.exports.dossier import Dossier
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.lineage import Lineage, lineage_of
from riskcast.forecasting.scoring import DyadRisk, OutcomeRisk, Risk, band_of, estimative_words
from riskcast.numbers import between, long_date, month_year, number, percent, signed_range

MOST_NAMED: Final = 3
MOST_LISTED: Final = 8
FEW_DYADS: Final = 20
TABLED: Final = 6
LIKELY: Final = 0.55
SETTLED: Final = 0.8
NO_BREAK: Final = "\u00a0"
NINETY: Final = f"90{NO_BREAK}%"


def name_of(dyad: DyadRisk) -> str:
    """What a dyad is called: by its partner's name where the case gives one."""
    return dyad.partner_name or dyad.id


def ranked_dyads(risk: Risk) -> list[DyadRisk]:
    """Dyads by score, the highest first."""
    return sorted(risk.dyads, key=lambda dyad: -dyad.score.mean)


def joined(text: str) -> str:
    """A number that no line break tears from its sign.

    >>> joined("63 %") == "63\\u00a0%"
    True
    """
    return text.replace(" ", NO_BREAK)


def listed(parts: Sequence[str]) -> str:
    """Parts as a list in a sentence.

    >>> listed(["A", "B", "C"])
    'A, B and C'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def headline_sentences(dossier: Dossier) -> Iterator[str]:
    """The judgement: standing of the dyads, what is likely for the first, the gravest outcomes, and what moves them."""
    risk = dossier.headline
    ranked = ranked_dyads(risk)
    yield _standing(risk, ranked)
    if len(ranked) > 1:
        yield _order(risk, ranked)
    if len(ranked) > TABLED:
        counts = Counter(dyad.band for dyad in ranked)
        bands = [f"{counts[b.name]:,} {b.name}" for b in reversed(risk.forecast.case.settings.bands) if counts[b.name]]
        whole = f"All {len(ranked):,} pairs stand in the band {ranked[0].band}."
        yield whole if len(bands) == 1 else f"Of {len(ranked):,} pairs, by band: {listed(bands)}."
    yield from _likely(risk, ranked)
    yield from _gravest(risk)
    if dossier.previous is not None:
        yield from _most_moved(dossier.previous, risk)
    yield from (_under(dossier, other) for other in dossier.risks[1:])


def _standing(risk: Risk, ranked: Sequence[DyadRisk]) -> str:
    top, shown = ranked[0], f"{ranked[0].score.mean:.0f}"
    level = [dyad for dyad in ranked if f"{dyad.score.mean:.0f}" == shown]
    if 1 < len(level) <= MOST_NAMED:
        spans = [f"{name_of(d)} {between(d.score)}" for d in level]
        names = listed([name_of(dyad) for dyad in level])
        return f"{names} score highest: {shown} of 100 each ({NINETY} intervals: {', '.join(spans)})."
    if len(level) > 1:
        return f"{len(level):,} of {len(ranked):,} pairs share the highest score, {shown} of 100 ({top.band})."
    bands = risk.forecast.case.settings.bands
    low, high = band_of(top.score.low, bands), band_of(top.score.high, bands)
    reach = f", {low} to {high}" if low != high else ""
    told = f"{shown} of 100 ({top.band}; {NINETY} interval {between(top.score)}{reach})"
    return f"{name_of(top)} {'has the highest score:' if len(ranked) > 1 else 'scores'} {told}."


def _order(risk: Risk, ranked: Sequence[DyadRisk]) -> str:
    """How sure the order is: of the first two by the paired difference of their draws, then of the others."""
    top, second, last = ranked[0], ranked[1], ranked[-1]
    sure = risk.forecast.chance_above(top.id, second.id)
    overlap = top.score.low <= second.score.high
    text = f"That {name_of(top)} stands above {name_of(second)} ({second.score.mean:.0f}) is "
    text += f"{_verb(estimative_words(sure))} ({joined(percent(sure))})"
    if not sure >= SETTLED:
        text += ": their order is open"
    elif overlap:
        text += ", though their intervals overlap"
    if len(ranked) == 2:
        return f"{text}."
    rest, ends = len(ranked) - 1, (f"{last.score.mean:.0f}", f"{second.score.mean:.0f}")
    among = f"The other {rest:,} all score {ends[0]}" if ends[0] == ends[1] else f"The other {rest:,} score "
    among += "" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
    if not risk.forecast.chance_above(second.id, last.id) >= SETTLED:
        among += "; their order is open" + ("" if sure >= SETTLED else " too")
    return f"{text}. {among}."


def _chance(outcome: OutcomeRisk) -> str:
    return f"{outcome.label} ({outcome.words}, {joined(percent(outcome.probability.mean))})"


def _verb(words: str) -> str:
    """An estimative word as it follows "is".

    >>> _verb("roughly even chance"), _verb("likely")
    ('a roughly even chance', 'likely')
    """
    return f"a {words}" if words.endswith("chance") else words


def _severity(case: Case, outcome: OutcomeRisk) -> float:
    return case.events[outcome.id].severity or 0.0


def _open(outcomes: Iterable[OutcomeRisk]) -> list[OutcomeRisk]:
    """Outcomes that the scenario does not take as given."""
    return [outcome for outcome in outcomes if not outcome.assumed]


def _likely(risk: Risk, ranked: Sequence[DyadRisk]) -> Iterator[str]:
    """What is at least likely: for the first dyad, for another where that is graver, and what pairs share."""
    case, top = risk.forecast.case, ranked[0]

    def worst_first(outcomes: Iterable[OutcomeRisk]) -> list[OutcomeRisk]:
        likely = [outcome for outcome in _open(outcomes) if outcome.probability.mean >= LIKELY]
        return sorted(likely, key=lambda outcome: -_severity(case, outcome))

    own = worst_first(top.outcomes)
    if own:
        more = f"; and {len(own) - MOST_NAMED} less grave" if len(own) > MOST_NAMED else ""
        order = ", the gravest first" if len(own) > 1 else ""
        yield f"At least likely for {name_of(top)}{order}: {', '.join(map(_chance, own[:MOST_NAMED]))}{more}."
    elif _open(top.outcomes):
        best = max(_open(top.outcomes), key=lambda outcome: outcome.probability.mean)
        yield f"No outcome is likely for {name_of(top)}; nearest comes {_chance(best)}."
    others = [(worst_first(dyad.outcomes), dyad) for dyad in ranked[1:]]
    graver = max(
        ((found[0], dyad) for found, dyad in others if found),
        key=lambda pair: (_severity(case, pair[0]), pair[0].probability.mean),
        default=None,
    )
    if graver is not None and (not own or _severity(case, graver[0]) > _severity(case, own[0])):
        yield f"Graver and at least likely elsewhere: {_chance(graver[0])} for {name_of(graver[1])}."
    shared = sorted(_open(risk.shared), key=lambda outcome: -outcome.probability.mean)[:2]
    for outcome in shared:
        yield f"Shared, and in no score: {_chance(outcome)}, {touched(risk, outcome)}."


def touched(risk: Risk, outcome: OutcomeRisk) -> str:
    """Whom a shared outcome can touch, in words."""
    names = [name_of(dyad) for dyad in risk.dyads if dyad.id in outcome.applies_to]
    spared = [name_of(dyad) for dyad in risk.dyads if dyad.id not in outcome.applies_to]
    if not spared:
        return "for all pairs at once"
    if len(spared) <= MOST_NAMED < len(names):
        return f"for all pairs but {listed(spared)}"
    return (
        f"for {listed(names)}" if 0 < len(names) <= MOST_LISTED else f"for {len(names):,} of {len(risk.dyads):,} pairs"
    )


def _gravest(risk: Risk) -> Iterator[str]:
    case = risk.forecast.case
    yield from _grave(risk)
    grave = max(case.outcomes, key=lambda name: case.events[name].severity or 0.0, default=None)
    chances = [(o, dyad) for dyad in risk.dyads for o in _open(dyad.outcomes) if o.id == grave]
    if not chances or len(case.outcomes) == 1:
        return
    worst, whose = max(chances, key=lambda pair: pair[0].probability.mean)
    most = joined(percent(worst.probability.mean))
    if len(chances) == 1:
        yield f"The gravest outcome of the case, {worst.label}, is {_verb(worst.words)} ({most})."
    else:
        word = _verb(worst.words)
        yield f"The gravest outcome of the case, {worst.label}, is {word} at most ({most}, {name_of(whose)})."


def _grave(risk: Risk) -> Iterator[str]:
    """The chance of a grave outcome, where the case says which ones are."""
    least, known = risk.forecast.case.settings.grave, [dyad for dyad in risk.dyads if dyad.grave is not None]
    if least is None or not known:
        return
    grave = f"A grave outcome (severity {least:g} or more)"
    chances = ((dyad.grave or 0.0, name_of(dyad)) for dyad in known if not dyad.grave_is_assumed)
    if ranked := sorted(chances, reverse=True)[:MOST_NAMED]:
        yield f"{grave} is likeliest for {listed([f'{name} {joined(percent(chance))}' for chance, name in ranked])}."
    for words, chance in (("is assumed", 1.0), ("is assumed not to happen", 0.0)):
        assumed = [name_of(dyad) for dyad in known if dyad.grave_is_assumed and dyad.grave == chance]
        if assumed:
            whom = listed(assumed) if len(assumed) <= MOST_NAMED else f"{len(assumed):,} pairs"
            yield f"{grave} {words} for {whom}."


def _most_moved(previous: Risk, now: Risk) -> Iterator[str]:
    old = {dyad.id: dyad.score.mean for dyad in previous.dyads}
    both = [dyad for dyad in now.dyads if dyad.id in old]
    if both:
        most = max(both, key=lambda dyad: abs(dyad.score.mean - old[dyad.id]))
        yield (
            f"Against the earlier run, the score of {name_of(most)} has moved most: from {old[most.id]:.1f} to "
            f"{most.score.mean:.1f}."
        )


def _under(dossier: Dossier, other: Risk) -> str:
    """One sentence on a scenario: how many scores it moves for sure, and the largest of these."""
    change, names = dossier.contrasts[other.forecast.scenario_name].score, {d.id: name_of(d) for d in other.dyads}
    moved = sorted(((d, e) for d, e in change.items() if e.low > 0 or e.high < 0), key=lambda pair: -abs(pair[1].mean))
    label = f"Under “{other.forecast.scenario.label}”"
    if not moved:
        return f"{label} no change of a score can be told from zero."
    dyad, most = moved[0]
    told = f"{names[dyad]} by {joined(signed_range(most))} points"
    if len(change) == 1:
        return f"{label} the score changes: {told}."
    count = f"{len(moved):,} of {len(change):,} changes of scores can be told from zero ({NINETY})"
    return f"{label} {count}; the largest of these: {told}."


def since_sentences(previous: Risk, now: Risk) -> Iterator[str]:
    """Which two runs are held against each other, how far that goes, and what cannot be compared."""
    then, ahead = previous.forecast, now.forecast
    yield f"Earlier run: {_run_in_words(lineage_of(then))}. This run: {_run_in_words(lineage_of(ahead))}."
    if then.posterior.warning:
        yield f"Of the earlier run: {then.posterior.warning}"
    if (then.horizon, then.case.settings.period) != (ahead.horizon, ahead.case.settings.period):
        yield "The two look ahead over different horizons: differences are due to that as well."
    if (then.seed, then.posterior.seed) != (ahead.seed, ahead.posterior.seed):
        yield "The two were drawn with different seeds: differences hold some chance of the simulation."
    for what, gone in (
        ("Pairs", sorted({dyad.id for dyad in previous.dyads} ^ {dyad.id for dyad in now.dyads})),
        ("Outcomes", sorted(set(then.case.outcomes) ^ set(ahead.case.outcomes))),
    ):
        if gone:
            rest = f" and {len(gone) - MOST_LISTED:,} more" if len(gone) > MOST_LISTED else ""
            yield f"{what} in one of the two runs only, and not compared: {', '.join(gone[:MOST_LISTED])}{rest}."


def _run_in_words(found: Lineage) -> str:
    case = found.case
    overlay = f" with {case.overlay}" if case.overlay else ""
    return (
        f"{case.title}, as of {long_date(case.as_of)}, scenario {found.scenario_label}, "
        f"case {case.short_hash}{overlay}, {found.draws:,} draws, seed {found.seed}"
    )


def meaning_of_scores(case: Case) -> str:
    """What a score, its bands and its interval mean."""
    starts = [band.start for band in case.settings.bands]
    ends = [*starts[1:], 100.0]
    bands = ", ".join(
        f"{band.name} {start:g}–{end:g}" for band, start, end in zip(case.settings.bands, starts, ends, strict=True)
    )
    return (
        "Score, from 0 to 100: what a pair's own outcomes within the horizon add up to on average; each takes its "
        f"severity, in per cent, of what the others leave of 100. What pairs share stands apart. Bands: {bands}. "
        f"{NINETY} interval: nine times in ten, more knowledge of the parameters would leave the "
        "number within it."
    )


def method_sentences(ahead: Forecast) -> Iterator[str]:
    """How the numbers are made, what an interval holds and what it does not, and whether the engine's checks passed."""
    case, posterior = ahead.case, ahead.posterior
    health, period = posterior.diagnostics, case.settings.period
    record = (
        "The record is left out of this forecast."
        if posterior.prior_only
        else f"The record since {month_year(case.settings.history_from)} corrects these priors as far as it can."
    )
    simulated = (
        f"The horizon is then simulated {period} by {period}: {posterior.draws:,} draws of the parameters with "
        f"{ahead.paths} futures each."
        if ahead.paths
        else f"The horizon is one {period}; its chances follow in closed form from each of {posterior.draws:,} draws."
    )
    yield (
        f"Each kind of event has a rate per {period} for every pair. Analysts' priors tie it to indicators and to "
        f"recent events (a Bayesian hazard model). {record} {simulated}"
    )
    yield (
        "An interval says how far more knowledge of the parameters could move a number. It does not hold what the "
        "model leaves out: indicators that nobody listed, kinds of event that have not been seen, a break with the "
        "past. Contributions of drivers describe the model; they are not proof of causes."
    )
    pairs = len(ahead.dyads)
    few = (
        f"With {'one pair' if pairs == 1 else f'{pairs} pairs'} only, the record can correct the priors but a little. "
    )
    yield (
        f"{few if pairs < FEW_DYADS else ''}Priors are judgements with their reasons; a reader who disagrees can "
        "change any of them and see what follows. Events that nobody reported are not in the record, so quiet may "
        "mean unseen."
    )
    if case.settings.note:
        yield " ".join(case.settings.note.split())
    khat = "" if health.khat_max is None else f"k-hat at most {max(health.khat_max, 0.0):.2f} (limit {KHAT_LIMIT}), "
    rhat = "" if health.rhat_max is None else f"R-hat at most {health.rhat_max:.3f} (limit {RHAT_LIMIT}), "
    draws = "" if posterior.prior_only else f"at least {health.ess_min:,.0f} effective draws; "
    state = "all checks passed" if posterior.is_reliable else "CHECKS FAILED: " + "; ".join(health.failures)
    error = f"Monte Carlo error of every number at most {number(ahead.accuracy.points, 1)} points; "
    yield f"Engine {posterior.engine}: {'' if posterior.prior_only else khat}{rhat}{draws}{error}{state}."
