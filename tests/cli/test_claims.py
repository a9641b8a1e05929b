"""`riskcast claims` as people call it: its width, its JSON, its page, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.command_line import Run
from tests.support.smallcase import write_files

QUICK = ("--draws", "100", "--horizon", "3", "--paths", "4", "--allow-unreliable")
CLAIMS = """\
mood_brings_protest:
  claim: A sour mood brings protest.
  source: survey
  at: page 1
  asserts: [mood raises AAA:protest, mood raises the rate of decree]
weather:
  claim: It rained.
  source: survey
  at: page 2
  missing: There is no weather.
"""


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = write_files(tmp_path / "small")
    (folder / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    return folder


@pytest.mark.parametrize("columns", ["80", "120"])
def test_statuses_numbers_and_places_fit_the_width(
    case: Path, columns: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    status, out, _ = run("claims", case, *QUICK, "--full")
    assert status == 0
    assert max(cell_len(line.rstrip()) for line in out.splitlines()) <= int(columns)
    told = " ".join(out.split())
    for part in (
        "A sour mood brings protest.",
        "Survey of opinion; page 1 (survey)",
        "effects.mood->protest",
        "1 not encoded",
    ):
        assert part in told


def test_json_and_page_hold_the_numbers(case: Path, tmp_path: Path, run: Run) -> None:
    page = tmp_path / "claims.md"
    status, out, _ = run("claims", case, *QUICK, "--json", "--page", page)
    assert status == 0
    data = json.loads(out)
    first = data["claims"][0]["assertions"][0]
    assert first["number"]["low"] <= first["number"]["mean"] <= first["number"]["high"]
    assert first["quantities"][0] == "effects.mood->protest"
    assert data["claims"][1]["status"] == "not encoded"
    assert "`mood raises AAA:protest`" in page.read_text(encoding="utf-8")


def test_mends_are_told_and_nothing_is_computed(case: Path, run: Run) -> None:
    for given, told in (
        (("--claim", "mood"), "did you mean 'mood_brings_protest'"),
        (("--scenario", "storm"), "leave out --scenario"),
    ):
        status, out, err = run("claims", case, *QUICK, *given)
        assert (status, out) == (2, "")
        assert told in err
    (case / "claims.yaml").write_text(CLAIMS.replace("mood raises AAA", "mod raises AAA"), encoding="utf-8")
    for command in (("claims", case), ("check", case)):
        status, out, err = run(*command)
        assert (status, out) == (2, "")
        assert "claims.yaml:5: mood_brings_protest.asserts.0: column 1:" in err
        assert "did you mean 'mood'" in err
    (case / "claims.yaml").unlink()
    status, _, err = run("claims", case)
    assert (status, "write claims.yaml" in err) == (2, True)


def test_what_cannot_end_well_ends_before_anything_is_fitted(
    case: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was fitted")

    monkeypatch.setattr("riskcast.cli.claims.forecast_asked", never)
    monkeypatch.setattr("riskcast.cli.exports.forecast_asked", never)
    plain = write_files(tmp_path / "plain")
    steep = write_files(tmp_path / "steep")
    (steep / "claims.yaml").write_text(CLAIMS.replace("mood raises AAA", "mood +40 steps raises AAA"), encoding="utf-8")
    export = ("--out", tmp_path / "out", "--claims")
    for command, told in (
        (("claims", case, "--page", tmp_path / "nowhere" / "x.md"), "there is no folder"),
        (("claims", case, "--page", tmp_path), "is a folder"),
        (("claims", steep), "claims.yaml:5: mood_brings_protest.asserts.0: column 6: no step of that size"),
        (("export", steep, *export), "claims.yaml:5: mood_brings_protest.asserts.0: column 6: no step of that size"),
        (("export", plain, *export), "states no claims"),
    ):
        status, out, err = run(*command)
        assert (status, out) == (2, "")
        assert told in err


def test_a_forecast_that_is_too_short_for_a_claim_says_so(case: Path, run: Run) -> None:
    late = CLAIMS.replace("mood raises the rate of decree", "P(protest in month 9) < P(protest in month 1)")
    (case / "claims.yaml").write_text(late, encoding="utf-8")
    status, out, _ = run("claims", case, *QUICK, "--full")
    assert status == 0
    assert "the horizon ends in month 3" in " ".join(out.split())
