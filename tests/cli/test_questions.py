"""`riskcast ask` as people call it: its width, its JSON, what it refuses."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from riskcast import load_case
from tests.support.command_line import Run

CASE = "central_asia_2024"
QUICK = ("--draws", "200", "--horizon", "3", "--prior-only", "--allow-unreliable")
QUERY = "P(criticism by month 2 | abuse_incident)"


@pytest.mark.parametrize("columns", ["80", "120"])
def test_answers_fit_the_width_and_say_that_to_condition_is_not_to_intervene(
    columns: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    status, out, err = run("ask", CASE, QUERY, *QUICK)
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines()) <= 80
    told = " ".join(out.split())
    case = load_case(CASE)
    for dyad in case.dyads:
        assert dyad in told
    for part in (
        "To condition is not to intervene",
        "If made",
        case.events["criticism"].label,
        "month 2 ends on 30 June",
    ):
        assert part in told


def test_json_holds_every_number_of_the_answer(run: Run) -> None:
    status, out, _ = run("ask", CASE, QUERY, *QUICK, "--dyad", "RUS-TJK", "--json")
    assert status == 0
    found = json.loads(out)
    assert found["query"] == QUERY
    [answer] = found["answers"]
    assert answer["dyad"] == "RUS-TJK"
    assert answer["read_as"] == "P(RUS-TJK:criticism by period 2 | RUS-TJK:abuse_incident)"
    given, alone = answer["given"]["mean"], answer["unconditional"]["mean"]
    assert answer["ratio"]["mean"] == pytest.approx(given / alone)
    assert answer["given"]["low"] < given < answer["given"]["high"]
    assert answer["futures_held"] == pytest.approx(answer["condition"]["mean"] * answer["futures"])
    assert answer["refused"] is None


def test_a_refusal_is_an_answer_and_says_what_would_mend_it(run: Run) -> None:
    status, out, _ = run("ask", CASE, "P(criticism | RUS-TJK:rupture in month 1)", *QUICK, "--paths", "2")
    assert status == 0
    told = " ".join(out.split())
    assert "no answer" in told
    assert "event: rupture, dyads: [RUS-TJK], month: 1" in told
    status, out, _ = run("ask", CASE, "P(criticism | RUS-TJK:rupture in month 1)", *QUICK, "--paths", "2", "--json")
    assert all(one["given"] is None and one["refused"] for one in json.loads(out)["answers"])


def test_what_cannot_be_read_is_told_before_anything_is_fitted(run: Run) -> None:
    status, out, err = run("ask", CASE, "P(critcism)", *QUICK)
    assert (status, out) == (2, "")
    assert "column 3" in err
    assert "did you mean 'criticism'?" in err
    status, _, err = run("ask", CASE, "criticism", *QUICK, "--dyad", "RUS-TJX")
    assert status == 2
    assert "did you mean 'RUS-TJK'?" in err
