"""`riskcast stress` as people call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.command_line import Run
from tests.support.smallcase import write_files


@pytest.fixture
def asked(tmp_path: Path) -> tuple[str, ...]:
    case = write_files(tmp_path / "small")
    free = ("--quantity", "outcomes.protest.base_rate", "--quantity", "effects.mood->protest")
    quick = ("--draws", "100", "--prior-only", "--paths", "2", "--workers", "1")
    return ("stress", str(case), *free, *quick, "--cache", str(tmp_path / "kept"))


def test_ways_fit_the_width_and_json_has_them_all(
    asked: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = run(*asked, "protest:HHH-AAA < 30 %")
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines()) <= 80
    assert "What it takes for protest:HHH-AAA < 30 %" in out
    assert "Protest: base rate" in out
    found = json.loads(run(*asked, "protest:HHH-AAA < 30 %", "--json")[1])
    assert found["today"][0]["value"] > 30
    assert found["case"]["name"] == "small"
    assert found["engine"]["draws"] == 100
    [nearest, *_] = found["ways"]
    assert nearest["is_there"]
    assert nearest["values"][0] <= 30
    base = next(move for move in nearest["moves"] if move["quantity"] == "outcomes.protest.base_rate")
    assert base["value"] < base["median"]
    assert base["z"] < 0


@pytest.mark.parametrize("goal", ["protest", "score:HHH-AAA > much", "score > 30", "protest:HHH-AAA > 0.3"])
def test_what_is_no_goal_is_said_in_a_line(goal: str, asked: tuple[str, ...], run: Run) -> None:
    status, out, err = run(*asked, goal)
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
