"""`riskcast evidence` as people call it: its width, its JSON, what it refuses."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from riskcast import load_case
from tests.support.command_line import Run

CASE = "central_asia_2024"
QUICK = ("--draws", "200", "--horizon", "3", "--paths", "2", "--prior-only", "--allow-unreliable", "--no-placebos")
OF = ("--of", "score:RUS-TJK", "--of", "demarche:RUS-KGZ")


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_view_fits_the_width_and_ends_in_where_to_look(
    columns: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    status, out, err = run("evidence", CASE, *OF, "--cost", "1", "--loss", "3", *QUICK)
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines()) <= 80
    told = " ".join(out.split())
    case = load_case(CASE)
    for part in ("Look here next", "Saved", "RUS-TJK, score", case.events["demarche"].label, "All of today's levels"):
        assert part in told


def test_json_holds_targets_beliefs_and_the_rule(run: Run) -> None:
    status, out, _ = run("evidence", CASE, "--of", "score:RUS-TJK", *QUICK, "--json")
    assert status == 0
    found = json.loads(out)
    assert [one["target"] for one in found["targets"]] == ["score:RUS-TJK"]
    assert found["rule"] is None
    kinds = {one["kind"] for one in found["beliefs"]}
    assert kinds == {"quantity", "place", "kind", "state"}
    for one in found["beliefs"]:
        assert one["overall"]["saved"] is None
        assert 0.0 <= one["overall"]["other_band"]["value"] <= 1.0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--cost", "1"), "--cost and --loss"),
        (("--cost", "4", "--loss", "1"), "below the loss"),
        (("--of", "score:RUS-TJX"), "RUS-TJK"),
        (("--of", "demarsh:RUS-TJK"), "demarche"),
    ],
)
def test_what_is_no_target_or_rule_is_refused_with_the_mend(run: Run, options: tuple[str, ...], told: str) -> None:
    status, out, err = run("evidence", CASE, *options, *QUICK)
    assert (status, out) == (2, "")
    assert told in " ".join(err.split())
