"""`riskcast sensitivity` as people call it: its width, its JSON, its chart, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.command_line import Run
from tests.support.smallcase import write_files

TWO = ("--quantity", "outcomes.protest.base_rate", "--quantity", "effects.mood->protest")


@pytest.fixture
def asked(tmp_path: Path) -> tuple[str, ...]:
    case = write_files(tmp_path / "small")
    quick = ("--draws", "100", "--prior-only", "--paths", "2", "--workers", "1", "--pairs", "2")
    return ("sensitivity", str(case), *TWO, *quick, "--cache", str(tmp_path / "kept"))


def test_a_tornado_fits_the_width_and_a_second_call_says_the_same(
    asked: tuple[str, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    drawn = tmp_path / "tornado.svg"
    status, out, err = run(*asked, "--of", "score:HHH-AAA", "--chart", drawn)
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines()) <= 80
    assert "Score of HHH-AAA" in out
    assert "Protest" in out
    picture = drawn.read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert "Which belief matters: score of " in picture
    assert run(*asked, "--of", "score:HHH-AAA") == (0, out, "")


def test_json_has_every_swing_with_its_error(asked: tuple[str, ...], run: Run) -> None:
    status, out, _ = run(*asked, "--of", "protest", "--of", "P(protest by month 3)", "--json")
    found = json.loads(out)
    assert status == 0
    assert [one["target"] for one in found["targets"]][:2] == ["protest:HHH-AAA", "protest:HHH-BBB"]
    assert len(found["targets"]) == 4
    base = next(s for s in found["targets"][0]["swings"] if s["quantity"] == "outcomes.protest.base_rate")
    assert base["low"]["mean"] < 0 < base["high"]["mean"]
    assert base["standard_error"] > 0
    assert base["told_from_chance"]
    assert found["case"]["name"] == "small"
    assert found["engine"]["seed"] == 1


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (("--of", "protst"), "did you mean 'protest'"),
        (("--of", "score:AAA"), "HHH-AAA"),
        (("--quantity", "effects.mood->decree"), "held fixed"),
        (("--chart", "tornado.png"), ".svg"),
        (("--chart", "nowhere/tornado.svg"), "no folder nowhere"),
        (("--shown", "0"), "from 1"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(
    extra: tuple[str, ...], told: str, asked: tuple[str, ...], run: Run
) -> None:
    status, out, err = run(*asked, *extra)
    assert status != 0
    assert out == ""
    assert told in err
    assert len(err.strip().splitlines()) == 1
