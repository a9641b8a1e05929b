"""Claims of a case's sources, held against its model: reproduced, weak, contradicted or not encoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from riskcast.case.where import Where
from riskcast.challenge.claim_counts import NotEncodedError, hold_counts
from riskcast.challenge.claim_paths import quantities_between
from riskcast.challenge.claim_quantities import (
    ITSELF,
    quantities_behind,
    starts_of,
    told_object,
    told_subject,
    unit_label,
    ways_of,
)
from riskcast.challenge.claim_reading import check_claims
from riskcast.challenge.claim_records import (
    SMALL_CHANCE,
    SMALL_LOG,
    SMALL_SCORE,
    SMALL_SHARE,
    SMALL_STEPS,
    Finding,
    JudgedClaim,
    JudgedClaims,
    Reason,
    Status,
    judge,
    judge_alone,
    overall,
)
from riskcast.challenge.claim_scenarios import scenario_of
from riskcast.challenge.claim_terms import (
    Alone,
    Assertion,
    Base,
    Chance,
    Change,
    Comparison,
    Contribution,
    Effect,
    Ending,
    Extreme,
    Level,
    MemoryEffect,
    Number,
    Recorded,
    Rise,
    ScoreOf,
    Subject,
    unit_of,
)
from riskcast.challenge.claim_values import TooFewError, Worlds
from riskcast.engines.mixing import refuse_mixture
from riskcast.errors import OptionError
from riskcast.forecasting.attribution import explain
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast, forecast
from riskcast.forecasting.questions import Count
from riskcast.forecasting.simulation import BLOCK_CELLS, stages
from riskcast.names import BASELINE

Progress = Callable[[int, int], None]
# Futures of each draw on which conditions are counted, unasked.
MOST_PATHS = 32


def judge_claims(
    baseline: Forecast,
    claims: Sequence[str] | None = None,
    *,
    where: Where | None = None,
    progress: Progress | None = None,
) -> JudgedClaims:
    """Hold a baseline forecast against the claims of its case, all of them or some by id.

    All claims share what they need: one further forecast for each indicator, event or scenario that is moved, under the
    same chance; one explanation of the scores; one count of the baseline's futures for all probabilities. Raises
    CaseError where an assertion cannot be read, OptionError where there are no claims, or the forecast is of a scenario
    or adjusted by numbers from outside, UnknownNameError for an unknown claim.

    >>> from riskcast import fit, forecast, load_case
    >>> ahead = forecast(fit(load_case("central_asia_2024"), draws=200), paths=4)
    >>> judge_claims(ahead, ["xenophobia_brings_abuse"]).claims[0].status
    'reproduced'
    """
    refuse_mixture(baseline.posterior, "claim")
    case = baseline.case
    if baseline.scenario_name != BASELINE:
        raise OptionError(f"claims are held against the baseline, not against {baseline.scenario_name}; leave it out")
    if baseline.outside is not None and baseline.outside.acts:
        raise OptionError("claims are held against the model as it stands; leave out the numbers from outside")
    asserted = check_claims(case, claims, baseline.horizon, where)
    wanted = dict.fromkeys(claims or case.claims)
    worlds = _make_worlds(baseline, asserted, progress)
    judged = []
    for id in wanted:
        claim = case.claims[id]
        findings = tuple(found for one in asserted.get(id, ()) for found in _findings(worlds, one))
        if findings or claim.missing is not None:
            judged.append(JudgedClaim(id, claim, overall(findings), findings))
    untested = {id: case.claims[id] for id in wanted if case.claims[id].untested is not None}
    return JudgedClaims(baseline, tuple(judged), untested, len(worlds.moved))


def _make_worlds(
    baseline: Forecast, asserted: Mapping[str, tuple[Assertion, ...]], progress: Progress | None
) -> Worlds:
    """Everything that the assertions speak of, made once."""
    case = baseline.case
    told = [one for many in asserted.values() for one in many if not one.beyond]
    terms = [term for one in told for part in one.parts for term in part.terms]
    subjects = dict.fromkeys(change.subject for one in told for change in one.changes if ways_of(case, change))
    queries = dict.fromkeys(term.query for term in terms if isinstance(term, Chance))
    explains = any(isinstance(term, Contribution) for term in terms)
    steps, done = len(subjects) + explains + bool(queries), 0

    def tell() -> None:
        nonlocal done
        if progress is not None:
            progress(done, steps)
        done += 1

    moved: dict[Subject, Forecast] = {}
    for subject in subjects:
        tell()
        assumed = scenario_of(case, subject, baseline.dyads)
        moved[subject] = forecast(
            baseline.posterior, assumed, baseline.horizon, baseline.seed, paths=baseline.paths or None
        )
    explained = None
    if explains:
        tell()
        explained = explain(baseline)
    count, places = None, {}
    if queries:
        tell()
        asked = [(q, d) for q in queries for d in (baseline.dyads if q.is_open else (None,))]
        count = Count(baseline, [(q if d is None else q.about(d), d) for q, d in asked], BLOCK_CELLS)
        given = baseline.paths if baseline.paths_given and baseline.paths else None
        for first, last in stages(given or MOST_PATHS):
            count.add(first, last, None)
            if given is None and count.is_enough():
                break
        places = {pair: place for place, pair in enumerate(asked)}
    tell()
    return Worlds(baseline, moved, explained, count, places)


def _findings(worlds: Worlds, assertion: Assertion) -> Iterator[Finding]:
    for part in assertion.parts:
        term = part.change if isinstance(part, Alone) else part.left
        sign = ">" if isinstance(part, Alone) else part.sign
        behind = quantities_behind(worlds.case, part)
        try:
            if assertion.beyond:
                raise TooFewError(assertion.beyond)
            alone = isinstance(part, Alone)
            found = _alone(worlds, part, assertion.text) if alone else _compared(worlds, part, assertion.text)
        except NotEncodedError as missing:
            found = Finding(assertion.text, "not encoded", "absent", unit_of(term), sign, told=str(missing))
        except TooFewError as few:
            found = Finding(assertion.text, "weak", "few", unit_of(term), sign, told=str(few))
        yield replace(found, quantities=behind, label=unit_label(worlds.case, term))


def _compared(worlds: Worlds, part: Comparison, text: str) -> Finding:
    left, right = part.left, part.right
    changes = [term for term in part.terms if isinstance(term, Change)]
    if changes and not any(ways_of(worlds.case, term) for term in changes):
        one = changes[0]
        raise NotEncodedError(f"no way leads from {told_subject(one.subject)} to {told_object(one)}")
    number, against = worlds.value(left), worlds.value(right)
    unit = unit_of(left)
    if isinstance(left, Change | ScoreOf) and isinstance(right, Change | ScoreOf):
        difference = worlds.mixed([(1.0, left), (-part.factor, right)])
    elif isinstance(left, Chance) and isinstance(right, Chance):
        difference = worlds.chances(left.query, right.query, part.factor)
    elif unit == "factor":
        difference = worlds.log_ratio(left, right, part.factor)
    else:
        difference = number.less(against, part.factor)
    is_counted = unit in ("points", "score", "share")
    status, reason = judge(difference, part.sign, _small(worlds, part), is_counted=is_counted)
    told = difference.flaw
    if isinstance(left, Recorded):
        status, reason, told = _counted(worlds, part)
    held, shown = against.estimate.times(part.factor), difference.estimate
    if unit == "factor":
        shown = Estimate(*(math.exp(end) for end in (shown.mean, shown.low, shown.high)))
    return Finding(text, status, reason, unit, part.sign, number.estimate, number.error, held, shown, told)


def _counted(worlds: Worlds, part: Comparison) -> tuple[Status, Reason, str]:
    """What counts of the record make of an assertion, and what it cannot tell; raises NotEncodedError where days decide
    that it lacks."""
    holds, missing = hold_counts(worlds.case, part.left, part.right, part.factor, part.sign)
    if holds is not None:
        is_equal = worlds.value(part.left).estimate == worlds.value(part.right).estimate.times(part.factor)
        return ("reproduced", "clear", "") if holds else ("contradicted", "equal" if is_equal else "opposite", "")
    if missing:
        raise NotEncodedError(missing)
    return "weak", "open", "some are known by their month or year alone"


def _alone(worlds: Worlds, part: Alone, text: str) -> Finding:
    if part.level is not None:
        starts = starts_of(worlds.case, part.change.subject)
        direct = (ITSELF,) if part.level in starts else ()
        ways = (*direct, *quantities_between(worlds.case, starts, [part.level]))
        told = f"a way leads there, by {ways[0]}" if ways else "no way leads there, as the claim has it"
        status = "contradicted" if ways else "reproduced"
        return Finding(text, status, "flaw" if ways else "absent", "steps", ">", told=told)
    if not ways_of(worlds.case, part.change):
        return Finding(text, "reproduced", "absent", "points", ">", told="no way leads there, as the claim has it")
    found = worlds.value(part.change)
    status, reason = judge_alone(found, _small_change(worlds, part.change))
    one, none = found.estimate, Estimate(0.0, 0.0, 0.0)
    return Finding(text, status, reason, "points", ">", one, found.error, none, one)


def _small(worlds: Worlds, part: Comparison) -> float:
    """What is too small to matter; nothing is, where the assertion says by how much."""
    usual = 1.0 if unit_of(part.left) == "factor" else 0.0
    if part.factor != 1.0 or (isinstance(part.right, Number) and part.right.value != usual):
        return 0.0
    match part.left, part.right:
        case Change() as change, _:
            return _small_change(worlds, change)
        case (Contribution() | ScoreOf(), _):
            return SMALL_SCORE
        case (Effect() | MemoryEffect() | Extreme() | Ending(), _):
            return SMALL_LOG
        case Rise(), _:
            return SMALL_STEPS
        case (Chance() | Base(), Chance() | Base() as other):
            return min(SMALL_CHANCE / 100.0, SMALL_SHARE * worlds.value(other).estimate.mean)
        case Level(indicator), Level(other) if indicator == other:
            held = worlds.case.indicators[indicator]
            return abs(float(held.level(SMALL_STEPS)) - held.reference)
        case _:
            return 0.0


def _small_change(worlds: Worlds, change: Change) -> float:
    """Half a point of a score; a point of a probability, or a tenth of it where that is less."""
    if change.event is None:
        return SMALL_SCORE
    ahead, event = worlds.baseline, change.event
    whom = [change.whom] if change.whom is not None else ahead.dyads
    chance = sum(ahead.probability(event, one).mean for one in whom) / len(whom)
    return min(SMALL_CHANCE, 100.0 * SMALL_SHARE * chance)
