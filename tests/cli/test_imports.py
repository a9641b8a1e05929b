"""`riskcast import` and `riskcast new` as people call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

import riskcast
from tests.support.command_line import Run


@pytest.fixture(scope="module")
def disputes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A yearly panel in codes of the Correlates of War, with a gap."""
    file = tmp_path_factory.mktemp("tables") / "disputes.csv"
    lines = ["statea,stateb,year,dispute,trade"]
    for place, (a, b) in enumerate(((2, 20), (2, 365), (200, 365))):
        for year in range(2000, 2012):
            trade = "NA" if year == 2004 else (year * 7 + place * 13) % 10 / 10
            lines.append(f"{a},{b},{year},{int((year + place) % 5 == 0)},{trade}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_a_table_becomes_a_case_that_can_be_forecast(run: Run, disputes: Path, tmp_path: Path) -> None:
    made = tmp_path / "disputes"
    status, out, err = run("new", made, "--from", disputes)
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines() if "/" not in line) <= 100
    for part in ("36 rows read, 36 taken, 0 dropped", "read as cow", "Taken for missing: NA", "lag: 1"):
        assert part in out
    case = riskcast.load_case(made)
    assert case.panel is not None
    assert case.panel.dyads == ("CAN-USA", "GBR-RUS", "RUS-USA")
    # What was measured in a year is used in the next.
    row = next(i for i in range(len(case.panel)) if (case.panel.unit[i], case.panel.period[i]) == (0, 2001))
    assert case.panel.levels["trade"][row] == (2000 * 7 % 10) / 10
    status, out, err = run("forecast", made, "--draws", "100", "--json")
    assert status == 0, err
    again = run("new", made, "--from", disputes)
    assert (again[0], "is there already" in again[2]) == (2, True)


def test_the_map_that_was_proposed_imports_the_same(run: Run, disputes: Path, tmp_path: Path) -> None:
    assert run("new", tmp_path / "one", "--from", disputes)[0] == 0
    chart = tmp_path / "one" / "map.yaml"
    status, out, err = run("import", disputes, "--map", chart, "--out", tmp_path / "two", "--json")
    assert status == 0, err
    assert json.loads(out)[0]["read"] == 36
    one, two = ((tmp_path / name / "history" / "panel.csv").read_bytes() for name in ("one", "two"))
    assert one == two
    status, _, err = run("import", disputes, "--map", chart, "--out", tmp_path / "two")
    assert (status, "add --replace" in err) == (2, True)


def test_what_cannot_be_seen_is_asked_for(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "odd.csv"
    table.write_text("who,year,x\nus all,2001,1\nthem all,2002,2\n", encoding="utf-8")
    status, out, err = run("new", tmp_path / "case", "--from", table)
    assert (status, out) == (2, "")
    assert "no column names states" in err
    assert not (tmp_path / "case").exists()
    status, _, err = run("import", table)
    assert (status, "no map is named" in err, "ucdp_ged" in err) == (2, True, True)
    status, _, err = run("import", table, "--map", "ucpd_ged")
    assert (status, "did you mean 'ucdp_ged'" in err) == (2, True)
