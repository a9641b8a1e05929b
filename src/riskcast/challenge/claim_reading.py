"""The assertions of a case's claims, read and tried before anything is forecast."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from riskcast.case.model import Case
from riskcast.case.where import Where
from riskcast.challenge.claim_names import ClaimError, Names
from riskcast.challenge.claim_parser import parse_assertion
from riskcast.challenge.claim_scenarios import scenario_of
from riskcast.challenge.claim_terms import Assertion, Step, Subject
from riskcast.errors import CaseError, OptionError, Problem, RiskcastError, UnknownNameError
from riskcast.forecasting.forecasts import check_reach, check_whom
from riskcast.forecasting.scenarios import resolve_scenario


def read_claims(case: Case, horizon: int | None = None, where: Where | None = None) -> dict[str, tuple[Assertion, ...]]:
    """The assertions of every claim of a case, by its id; none of those that are untested.

    One that asks for more than the horizon has, though not for more than the case's own, is read as it stands and says
    so in `beyond`. Raises CaseError with every assertion that cannot be read, or whose subject cannot be simulated: its
    file and line, the column, and how to mend it.

    >>> from riskcast import load_case
    >>> len(read_claims(load_case("central_asia_2024"))) > 50
    True
    """
    return _read(case, case.claims, horizon, where)


def check_claims(
    case: Case, claims: Sequence[str] | None = None, horizon: int | None = None, where: Where | None = None
) -> dict[str, tuple[Assertion, ...]]:
    """The assertions of some claims of a case by id, of all where none are named; none of those that are untested.

    Raises OptionError where the case states no claims, UnknownNameError for one that it does not, and CaseError where
    an assertion of those that are named cannot be read.

    >>> from riskcast import load_case
    >>> list(check_claims(load_case("central_asia_2024"), ["xenophobia_brings_abuse"]))
    ['xenophobia_brings_abuse']
    """
    if not case.claims:
        raise OptionError(f"the case {case.name} states no claims; write claims.yaml, as docs/claims.md says")
    for id in claims or ():
        if id not in case.claims:
            raise UnknownNameError("claim", id, case.claims)
    return _read(case, claims or case.claims, horizon, where)


def _read(
    case: Case, claims: Iterable[str], horizon: int | None, where: Where | None
) -> dict[str, tuple[Assertion, ...]]:
    where, problems = where or Where(), list[Problem]()
    reader = _Reader(case, case.settings.horizon if horizon is None else horizon)
    found: dict[str, tuple[Assertion, ...]] = {}
    for id in dict.fromkeys(claims):
        read = []
        for index, text in enumerate(case.claims[id].asserts):
            try:
                read.append(reader.read(text))
            except ClaimError as error:
                wrong = f"column {error.column}: {error.wrong}"
                problems.append(where.problem("claims", (id, "asserts", index), wrong, error.mend))
        if case.claims[id].asserts:
            found[id] = tuple(read)
    if problems:
        raise CaseError(problems)
    return found


class _Reader:
    """Reads assertions for one horizon, and tries each subject once."""

    def __init__(self, case: Case, horizon: int) -> None:
        own = case.settings.horizon
        self._case, self._asked = case, (horizon, Names.of(case, horizon))
        self._own = (own, Names.of(case, own)) if own > horizon else None
        self._tried: dict[tuple[Subject, int], tuple[str, str] | None] = {}

    def read(self, text: str) -> Assertion:
        """One assertion; raises ClaimError where it cannot be read at the case's own horizon either."""
        try:
            return self._read(text, *self._asked)
        except ClaimError as error:
            if self._own is None:
                raise
            return replace(self._read(text, *self._own), beyond=error.wrong)

    def _read(self, text: str, horizon: int, names: Names) -> Assertion:
        found = parse_assertion(text, names)
        for change in found.changes:
            self._try(text, change.subject, horizon, names.dyads)
        return found

    def _try(self, text: str, subject: Subject, horizon: int, dyads: Collection[str]) -> None:
        if (subject, horizon) not in self._tried:
            self._tried[subject, horizon] = _refusal(self._case, subject, horizon, dyads)
        refused = self._tried[subject, horizon]
        if refused is not None:
            raise ClaimError(text, 1, *refused)


def _refusal(case: Case, subject: Subject, horizon: int, dyads: Collection[str]) -> tuple[str, str] | None:
    """Why a subject cannot be simulated, and what will do instead; None where it can."""
    try:
        name, assumed = resolve_scenario(case, scenario_of(case, subject, dyads))
        check_reach(name, assumed, horizon)
        check_whom(name, assumed, dyads)
    except CaseError as error:
        problem = error.problems[0]
        return problem.wrong, "write a smaller step" if isinstance(subject, Step) else problem.mend
    except RiskcastError as error:
        wrong, _, mend = str(error).partition("; ")
        return wrong, mend or "name another subject"
    except (ValueError, OverflowError):
        return "it moves an indicator by no size that has a number", "write a smaller step"
    return None
