"""What a case says and can hardly mean: found in a case, in what overlays change, and in one scenario."""

from __future__ import annotations

from pathlib import Path

from riskcast.case.files import load_case_with_lines
from riskcast.case.judgements import Doubt
from riskcast.case.model import Case, Scenario
from riskcast.case.places import find_places
from riskcast.case.plausibility.judge import judge, scenario_doubts
from riskcast.case.where import Where


def find_doubts(case: Case | str | Path, *, quick: bool = False) -> tuple[Doubt, ...]:
    """Everything that a case says and can hardly mean, also what it allows (`allow:` in its files).

    The case is a record, a bundled name or a folder; lines of files are known of the latter two, and of a bundled case.
    `quick` leaves out what has to be simulated: whether the priors expect what is recorded. What is refused and not
    allowed is an error where a case is read. Raises CaseError and UnknownNameError as `load_case` does.

    >>> from riskcast import apply_overlay, load_case
    >>> low = {"indicators.xenophobia.now": {"median": 5.0, "interval": (3.0, 7.0)}}
    >>> found = find_doubts(apply_overlay(load_case("central_asia_2024"), low), quick=True)
    >>> [(doubt.judgement, doubt.quantity) for doubt in found if doubt.quantity]
    [('today-jumps', 'indicators.xenophobia.now')]
    """
    if not isinstance(case, Case):
        return judge(*load_case_with_lines(case), quick=quick)
    places = find_places(case)
    return judge(case, None if places is None else places.where, quick=quick)


def find_scenario_doubts(case: Case, name: str, scenario: Scenario | None = None) -> tuple[Doubt, ...]:
    """What a scenario says and can hardly mean, and what is used in its place; one of the case, or one made in code.

    >>> from riskcast import load_case
    >>> found = find_scenario_doubts(load_case("central_asia_2024"), "crackdown_visa_regime")
    >>> [doubt.judgement for doubt in found]
    ['clipped-move']
    """
    return tuple(scenario_doubts(case, name, case.scenario(name) if scenario is None else scenario, Where()))
