"""Claims of a case's sources, held against its model: reproduced, weak, contradicted or not encoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from riskcast.case.model import Case
from riskcast.case.where import Where
from riskcast.challenge.claim_names import ClaimError, Names
from riskcast.challenge.claim_parser import parse_assertion
from riskcast.challenge.claim_paths import quantities_between
from riskcast.challenge.claim_quantities import name_of, quantities_behind, starts_of, unit_label, ways_of
from riskcast.challenge.claim_records import (
    SMALL_CHANCE,
    SMALL_LOG,
    SMALL_SCORE,
    SMALL_SHARE,
    SMALL_STEPS,
    Finding,
    JudgedClaim,
    JudgedClaims,
    judge,
    overall,
)
from riskcast.challenge.claim_scenarios import scenario_of
from riskcast.challenge.claim_terms import (
    Alone,
    Assertion,
    Chance,
    Change,
    Comparison,
    Contribution,
    Effect,
    Ending,
    Extreme,
    MemoryEffect,
    Number,
    Rise,
    ScoreOf,
    Subject,
    Term,
    unit_of,
)
from riskcast.challenge.claim_values import NotEncodedError, TooFewError, Value, Worlds
from riskcast.errors import CaseError, OptionError, Problem, UnknownNameError
from riskcast.forecasting.attribution import explain
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast, forecast
from riskcast.forecasting.questions import Count
from riskcast.forecasting.simulation import BLOCK_CELLS, stages
from riskcast.names import BASELINE

Progress = Callable[[int, int], None]
# Futures of each draw on which conditions are counted, unasked.
MOST_PATHS = 32


def read_claims(case: Case, horizon: int | None = None, where: Where | None = None) -> dict[str, tuple[Assertion, ...]]:
    """The assertions of every claim of a case, by its id; none of those that are untested.

    Raises CaseError with every assertion that cannot be read: its file and line, the column, and how to mend it.

    >>> from riskcast import load_case
    >>> len(read_claims(load_case("central_asia_2024"))) > 50
    True
    """
    names, where, problems = Names.of(case, horizon), where or Where(), list[Problem]()
    found: dict[str, tuple[Assertion, ...]] = {}
    for id, claim in case.claims.items():
        read = []
        for index, text in enumerate(claim.asserts):
            try:
                read.append(parse_assertion(text, names))
            except ClaimError as error:
                wrong = f"column {error.column}: {error.wrong}"
                problems.append(where.problem("claims", (id, "asserts", index), wrong, error.mend))
        if claim.asserts:
            found[id] = tuple(read)
    if problems:
        raise CaseError(problems)
    return found


def check_claims(
    case: Case, claims: Sequence[str] | None = None, horizon: int | None = None, where: Where | None = None
) -> dict[str, tuple[Assertion, ...]]:
    """The assertions of some claims of a case by id, of all where none are named; none of those that are untested.

    Raises OptionError where the case states no claims, UnknownNameError for one that it does not, and CaseError where
    an assertion cannot be read, also of a claim that is not named.

    >>> from riskcast import load_case
    >>> list(check_claims(load_case("central_asia_2024"), ["xenophobia_brings_abuse"]))
    ['xenophobia_brings_abuse']
    """
    if not case.claims:
        raise OptionError(f"the case {case.name} states no claims; write claims.yaml, as docs/claims.md says")
    for id in claims or ():
        if id not in case.claims:
            raise UnknownNameError("claim", id, case.claims)
    read = read_claims(case, horizon, where)
    return read if not claims else {id: found for id, found in read.items() if id in claims}


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
    CaseError where an assertion cannot be read, OptionError where there are no claims or the forecast is of a scenario,
    UnknownNameError for an unknown claim.

    >>> from riskcast import fit, forecast, load_case
    >>> ahead = forecast(fit(load_case("central_asia_2024"), draws=200), paths=4)
    >>> judge_claims(ahead, ["xenophobia_brings_abuse"]).claims[0].status
    'reproduced'
    """
    case = baseline.case
    if baseline.scenario_name != BASELINE:
        raise OptionError(f"claims are held against the baseline, not against {baseline.scenario_name}; leave it out")
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
    terms = [term for many in asserted.values() for one in many for term in _terms(one)]
    case = baseline.case
    changes = [term for term in terms if isinstance(term, Change) and ways_of(case, term)]
    subjects = dict.fromkeys(term.subject for term in changes)
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
        assumed = scenario_of(case, subject)
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


def _terms(assertion: Assertion) -> Iterator[Term]:
    for part in assertion.parts:
        if isinstance(part, Comparison):
            yield from (part.left, part.right)
        elif part.level is None:
            yield part.change


def _findings(worlds: Worlds, assertion: Assertion) -> Iterator[Finding]:
    for part in assertion.parts:
        term = part.change if isinstance(part, Alone) else part.left
        sign = ">" if isinstance(part, Alone) else part.sign
        behind = quantities_behind(worlds.case, part)
        try:
            found = (
                _alone(worlds, part, assertion.text) if isinstance(part, Alone) else _compared(worlds, part, assertion)
            )
        except NotEncodedError as missing:
            found = Finding(assertion.text, "not encoded", "absent", unit_of(term), sign, told=str(missing))
        except TooFewError as few:
            found = Finding(assertion.text, "weak", "few", unit_of(term), sign, told=str(few))
        yield replace(found, quantities=behind, label=unit_label(worlds.case, term))


def _compared(worlds: Worlds, part: Comparison, assertion: Assertion) -> Finding:
    left, right = part.left, part.right
    for term in (left, right):
        if isinstance(term, Change) and not ways_of(worlds.case, term):
            raise NotEncodedError(f"no way leads from {name_of(term.subject)} to {term.event or 'a score'}")
    number, against = worlds.value(left), worlds.value(right)
    unit = unit_of(left)
    if isinstance(left, Change | ScoreOf) and isinstance(right, Change | ScoreOf):
        difference = worlds.mixed([(1.0, left), (-part.factor, right)])
    elif isinstance(left, Chance) and isinstance(right, Chance):
        difference = worlds.chances(left.query, right.query, part.factor)
    elif unit == "factor":
        difference = _in_logs(number).less(_in_logs(against), 1.0)
    else:
        difference = number.less(against, part.factor)
    status, reason = judge(difference, part.sign, _small(worlds, part))
    told = number.flaw
    held, shown = against.estimate.times(part.factor), difference.estimate
    if unit == "factor":
        shown = Estimate(*(math.exp(end) for end in (shown.mean, shown.low, shown.high)))
    return Finding(assertion.text, status, reason, unit, part.sign, number.estimate, number.error, held, shown, told)


def _alone(worlds: Worlds, part: Alone, text: str) -> Finding:
    if part.level is not None:
        ways = quantities_between(worlds.case, starts_of(worlds.case, part.change.subject), [part.level])
        told = f"a way leads there, by {ways[0]}" if ways else "no way leads there, as the claim has it"
        status = "contradicted" if ways else "reproduced"
        return Finding(text, status, "flaw" if ways else "absent", "steps", ">", told=told)
    if not ways_of(worlds.case, part.change):
        return Finding(text, "reproduced", "absent", "points", ">", told="no way leads there, as the claim has it")
    found = worlds.value(part.change)
    small = _small_change(worlds, part.change)
    one = found.estimate
    inside = max(abs(one.low), abs(one.high)) < small
    status = "reproduced" if inside else "weak" if abs(one.mean) < small else "contradicted"
    reason = "clear" if inside else "open" if status == "weak" else "opposite"
    none = Estimate(0.0, 0.0, 0.0)
    return Finding(text, status, reason, "points", ">", one, found.error, none, one)


def _in_logs(value: Value) -> Value:
    one = value.estimate
    logs = (math.log(max(end, 1e-300)) for end in (one.mean, one.low, one.high))
    return Value(Estimate(*logs), value.error / max(one.mean, 1e-300), value.flaw)


def _small(worlds: Worlds, part: Comparison) -> float:
    """What is too small to matter; nothing is, where the assertion says by how much."""
    sized = isinstance(part.right, Number) and part.right.value not in (0.0, 1.0)
    match part.left:
        case _ if sized:
            return 0.0
        case Change() as change:
            return _small_change(worlds, change)
        case Contribution() | ScoreOf():
            return SMALL_SCORE
        case Effect() | MemoryEffect() | Extreme() | Ending():
            return SMALL_LOG
        case Rise():
            return SMALL_STEPS
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
