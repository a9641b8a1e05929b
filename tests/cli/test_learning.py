"""`riskcast learned` as people call it: its width, its JSON, what it refuses."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from tests.support.command_line import Run

CASE = "central_asia_2024"
QUICK = ("--of", "score:RUS-TJK", "--draws", "200", "--horizon", "3", "--paths", "2", "--allow-unreliable")


def test_view_and_json_tell_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = run("learned", CASE, *QUICK)
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines()) <= 80
    told = " ".join(out.split())
    for part in ("All priors together", "this record", "RUS-TJK, score", "Moved", "Its record"):
        assert part in told
    status, out, _ = run("learned", CASE, *QUICK, "--json")
    found = json.loads(out)
    assert found["targets"][0]["target"] == "score:RUS-TJK"
    assert {one["verdict"] for one in found["quantities"]} > {"not learned"}
    assert sum(one["from_record"] for one in found["quantities"]) > 0


def test_priors_alone_are_refused(run: Run) -> None:
    status, out, err = run("learned", CASE, "--prior-only")
    assert (status, out) == (2, "")
    assert "leave out --prior-only" in err
