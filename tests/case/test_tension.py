"""Tension and trust in the files of a case: what is read, refused, named and reached by overlays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import riskcast
from riskcast.case.checks import find_problems
from riskcast.case.files import write_case
from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay
from riskcast.case.quantity_names import locate, name_quantity
from riskcast.case.settings import FULL_TRUST
from riskcast.comparison.changes import compare_cases
from riskcast.comparison.parts import put_together, take_apart
from riskcast.errors import CaseError
from tests.support.origins import panel_case
from tests.support.smallcase import write_files

TENSION = """
tension:
  period: quarter
  loading: {median: 0.6, interval: [0.25, 1.2], evidence: {basis: judgement, claim: Judged.}}
"""
TRUST = "trust: {median: 0.8, interval: [0.5, 1.3], evidence: {basis: judgement, claim: Judged.}}\n"


def small(folder: Path, more: str = "", outcomes: tuple[str, str] = ("", "")) -> Case:
    write_files(folder)
    with (folder / "case.yaml").open("a", encoding="utf-8") as file:
        file.write(more)
    if outcomes[0]:
        text = (folder / "outcomes.yaml").read_text(encoding="utf-8")
        assert outcomes[0] in text
        (folder / "outcomes.yaml").write_text(text.replace(*outcomes, 1), encoding="utf-8")
    return riskcast.load_case(folder)


def test_a_case_that_says_nothing_has_neither(tmp_path: Path) -> None:
    case = small(tmp_path / "case")
    assert case.settings.tension is None
    assert case.settings.trust == FULL_TRUST
    assert {"tension", "trust"}.isdisjoint(case.settings.model_dump(mode="json"))


def test_quantities_have_ids_names_units_and_places(tmp_path: Path) -> None:
    own = "tension: {value: 0, evidence: {basis: judgement, claim: It does not feel it.}}"
    case = small(tmp_path / "case", TENSION + TRUST, ("base_rate:", f"{own}\n  base_rate:"))
    event = next(name for name, part in case.events.items() if part.tension is not None)
    found = {key: quantity for key, quantity, _ in case.quantities()}
    assert found["trust"].median == 0.8
    assert found["tension.persistence"].value == 0.95
    assert found["tension.loading"].median == 0.6
    assert found[f"outcomes.{event}.tension"].value == 0.0
    assert name_quantity(case, "tension.loading").unit == "log rate"
    assert locate(case, "trust") == ("case", ("trust",))
    places = riskcast.find_places(tmp_path / "case")
    assert places is not None
    lines = (tmp_path / "case" / "case.yaml").read_text(encoding="utf-8").splitlines()
    for key in ("trust", "tension.loading"):
        place = places.quantity(key)
        assert place is not None
        assert lines[place.line - 1].strip().startswith(key.rpartition(".")[2])
    assert case.loading(event) == case.events[event].tension


def test_a_case_is_written_and_read_again(tmp_path: Path) -> None:
    case = small(tmp_path / "case", TENSION + TRUST)
    write_case(case, tmp_path / "again")
    assert riskcast.load_case(tmp_path / "again").hash == case.hash


def test_overlays_reach_trust_where_no_file_states_it(tmp_path: Path) -> None:
    case = small(tmp_path / "case")
    changed = apply_overlay(case, {"trust": {"value": 0.5}})
    assert changed.settings.trust.center == 0.5
    assert changed.hash != case.hash
    back = apply_overlay(changed, {"trust": {"value": 1.0}})
    assert back.settings.trust.evidence == FULL_TRUST.evidence
    assert back.hash == case.hash


@pytest.mark.parametrize("more", [TENSION, TENSION + TRUST])
def test_two_cases_are_compared_part_by_part(tmp_path: Path, more: str) -> None:
    plain, tense = small(tmp_path / "a"), small(tmp_path / "b", more)
    assert put_together(take_apart(tense), tense, tense).hash == tense.hash
    found = compare_cases(plain, tense)
    assert {step.change.id for step in found.steps} == {"tension"} | ({"trust"} if more != TENSION else set())
    assert found.between(found.steps).settings == tense.settings
    assert found.between([]).settings.tension is None
    louder = apply_overlay(tense, {"tension.loading": {"value": 0.5}})
    assert [step.change.label for step in compare_cases(tense, louder).steps] == ["Loading of tension"]


REFUSED: dict[str, tuple[str, str]] = {
    TENSION.replace("quarter", "week"): ("tension.period", ""),
    TENSION.replace("0.25", "-0.25"): ("tension.loading", "must be above 0"),
    TENSION + "  persistence: {value: 1.5, evidence: {basis: judgement, claim: No.}}\n": ("tension.persistence", ""),
    TRUST.replace("median: 0.8, interval: [0.5, 1.3]", "value: 0"): ("trust", "must be above 0"),
    TENSION.replace("quarter", "decade"): ("tension.period", ""),
    "tension: {period: quarter}\n": ("tension.loading", ""),
}


@pytest.mark.parametrize("more", REFUSED)
def test_what_has_no_meaning_is_refused_with_file_line_and_mend(tmp_path: Path, more: str) -> None:
    with pytest.raises(CaseError) as error:
        small(tmp_path / "case", more)
    key, wrong = REFUSED[more]
    assert all(problem.key.startswith(key) for problem in error.value.problems), error.value
    problem = error.value.problems[0]
    assert problem.file.endswith("case.yaml")
    assert problem.line
    assert wrong in problem.wrong
    assert problem.mend


def test_a_loading_without_tension_is_refused(tmp_path: Path) -> None:
    own = "tension: {value: 0.3, evidence: {basis: judgement, claim: It feels it.}}"
    with pytest.raises(CaseError, match=r"outcomes\.yaml:\d+: \w+\.tension: is a loading, but the case has no tension"):
        small(tmp_path / "case", "", ("base_rate:", f"{own}\n  base_rate:"))


def test_tension_finer_than_the_periods_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path / "case")
    path = tmp_path / "case" / "case.yaml"
    text = path.read_text(encoding="utf-8")
    assert "period: month" in text
    path.write_text(text.replace("period: month", "period: year") + TENSION, encoding="utf-8")
    with pytest.raises(CaseError, match=r"tension\.period: is quarter, shorter than the years of the case; write year"):
        riskcast.load_case(path.parent)


def test_panels_refuse_what_would_be_shared() -> None:
    case = panel_case()
    for key, value, wrong in (
        (
            "tension",
            {"period": "year", "loading": {"value": 0.5}},
            "tension: is given, but in a panel",
        ),
        ("trust", {"median": 0.8, "interval": (0.5, 1.3)}, "trust: is uncertain, but a panel's fit"),
    ):
        plain: dict[str, Any] = case.settings.model_dump() | {key: value}
        found = find_problems(case.revised(settings=plain), evidence=False)
        assert any(wrong in str(problem) for problem in found)
