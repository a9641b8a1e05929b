"""`riskcast counterfactual` as people call it: its width, its JSON, what it refuses."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from riskcast import load_case
from tests.support.command_line import Run

CASE = "central_asia_2024"
QUICK = ("--draws", "100", "--paths", "2", "--prior-only", "--allow-unreliable")
ATTACK = "2024-03-22:mass_casualty_attack"


def test_what_is_told_fits_a_terminal_and_says_what_to_make_of_it(run: Run) -> None:
    status, out, err = run("counterfactual", CASE, "--without", ATTACK, *QUICK)
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines()) <= 80
    told = " ".join(out.split())
    case = load_case(CASE)
    for part in (
        case.events["demarche"].label,
        "2024-04-29",
        "All the same:",
        "stand and fall together",
        case.hash[:12],
    ):
        assert part in told


def test_json_holds_every_later_event_and_where_numbers_come_from(run: Run) -> None:
    status, out, _ = run("counterfactual", CASE, "--without", ATTACK, *QUICK, "--json")
    assert status == 0
    found = json.loads(out)
    case = load_case(CASE)
    assert found["case"]["hash"] == case.hash
    assert [one["id"] for one in found["without"]] == [f"{ATTACK}:RUS-TJK"]
    dates = {(one["event"], one["unit"], date) for one in found["events"] for date in one["dates"]}
    later = {
        (row.type, row.dyad, row.when)
        for row in case.event_rows
        if row.when >= "2024-03-22" and row.type in case.events and row.dyad in case.dyads
    }
    assert dates == later - {("mass_casualty_attack", "RUS-TJK", "2024-03-22")}
    for one in found["events"]:
        share = one["all_the_same"]
        assert 0.0 <= share["low"] <= share["mean"] <= share["high"] <= 1.0
    recorded = {one["event"]: one["recorded"] for one in found["counts"]}
    assert recorded["mass_casualty_attack"] == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--without", "2024-03-23:mass_casualty_attack"), "the nearest are dated"),
        (("--without", ATTACK, "--paths", "0"), "paths is 0"),
        (("--without", "2024-01-17:abuse_incident"), "2024-01-17:abuse_incident:RUS-KGZ"),
    ],
)
def test_what_cannot_be_told_is_refused_before_the_fit(run: Run, given: tuple[str, ...], told: str) -> None:
    status, _, err = run("counterfactual", CASE, *given)
    assert status == 2
    assert told in " ".join(err.split())
