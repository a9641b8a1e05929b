"""`riskcast learned` as people call it: its width, what it refuses."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.support.command_line import Run

CASE = "central_asia_2024"
QUICK = ("--of", "score:RUS-TJK", "--draws", "200", "--horizon", "3", "--paths", "2", "--allow-unreliable")


def test_the_view_fits_the_width_and_marks_what_rests_on_the_record(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = run("learned", CASE, *QUICK)
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines()) <= 80
    told = " ".join(out.split())
    for part in ("All priors together", "this record", "RUS-TJK, score", "Moved", "Its record"):
        assert part in told


def test_priors_alone_are_refused(run: Run) -> None:
    status, out, err = run("learned", CASE, "--prior-only")
    assert (status, out) == (2, "")
    assert "No such option: --prior-only" in " ".join(err.split())
