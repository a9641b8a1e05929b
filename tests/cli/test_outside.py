"""Numbers from outside at the command line: what is told of them, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from riskcast.verification.track_record import make_track_record
from riskcast.verification.track_rows import TrackRow
from tests.support.command_line import Run

CASE = "central_asia_2024"
QUICK = ("--draws", "200", "--horizon", "3", "--prior-only", "--allow-unreliable", "--paths", "4")


@pytest.fixture
def crowd(tmp_path: Path) -> str:
    file = tmp_path / "crowd.csv"
    file.write_text("question,probability,forecaster,date\nTJK:criticism,0.6,crowd,2024-05-02\n", encoding="utf-8")
    return str(file)


def test_an_adjusted_forecast_says_by_whom_and_with_which_weight(run: Run, crowd: str) -> None:
    status, out, _ = run("forecast", CASE, *QUICK, "--outside", crowd, "--outside-weight", "1", "--json")
    assert status == 0
    found = json.loads(out)
    [number] = found["outside"]["numbers"]
    assert (number["forecaster"], number["weight"], number["used"]) == ("crowd", 1.0, 0.6)
    assert found["cautions"][0].startswith("Adjusted by numbers from outside")
    [dyad] = [one for one in found["dyads"] if one["id"] == "RUS-TJK"]
    [outcome] = [one for one in dyad["outcomes"] if one["id"] == "criticism"]
    assert outcome["probability"] == pytest.approx(0.6, abs=1e-9)
    assert "outside" in {driver["kind"] for driver in dyad["drivers"]}


def test_without_a_weight_nothing_is_adjusted_and_that_is_said(run: Run, crowd: str) -> None:
    plain, same = (json.loads(run("forecast", CASE, *QUICK, *more, "--json")[1]) for more in ((), ("--outside", crowd)))
    assert same["dyads"] == plain["dyads"]
    assert same["outside"]["adjusted"] is False
    assert "nothing is adjusted" in same["cautions"][0]


def test_a_weight_that_is_earned_is_used_and_shown(
    run: Run, crowd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [dt.date(2015, 1, 1) + dt.timedelta(days=31 * place) for place in range(80)]
    rows = []
    for place, day in enumerate(days):
        told, window = ("yes", "no")[place % 2], (day, day + dt.timedelta(days=30))
        for name, chance in (("model", 0.5), ("crowd", 0.98 if told == "yes" else 0.02)):
            kind = "model" if name == "model" else "crowd"
            row = TrackRow(f"q{place}", name, chance, told, day, window, "RUS", "note", "RUS-TJK", kind)
            rows.append(replace(row, told=window[1]))
    ledger = tmp_path / "ledger.sqlite"
    ledger.touch()
    monkeypatch.setenv("RISKCAST_LEDGER", str(ledger))
    made = make_track_record(rows, dt.date(2024, 5, 6), replicates=20)
    monkeypatch.setattr("riskcast.ledger.tracking.track", lambda place, day: made)
    found = json.loads(run("forecast", CASE, *QUICK, "--outside", crowd, "--json")[1])
    assert found["outside"]["adjusted"] is True
    assert found["outside"]["numbers"][0]["weight"] > 0.9


def test_bad_numbers_are_told_before_anything_is_fitted(run: Run, crowd: str, tmp_path: Path) -> None:
    late = tmp_path / "late.csv"
    late.write_text("question,probability,forecaster,date\nTJK:criticism,0.6,crowd,2024-06-01\n", encoding="utf-8")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("question,probability,forecaster,date\nTJK:critcism,0.6,crowd,2024-05-01\n", encoding="utf-8")
    for words, told in (
        (("--outside", late), "was not known on 2024-05-06"),
        (("--outside", wrong), "did you mean 'criticism'?"),
        (("--outside", tmp_path / "none.csv"), "none.csv"),
        (("--outside-weight", "0.3"), "give --outside FILE"),
        (("--outside", crowd, "--outside-weight", "3"), "from 0 to 1"),
        (("--outside", crowd, "--scenario", "second_attack"), "the world as it is"),
    ):
        status, out, err = run("forecast", CASE, *QUICK, *words)
        assert (status, out) == (2, ""), words
        assert told in err, words
