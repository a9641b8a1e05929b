"""The commands that score riskcast: what they print, what they write, and what they refuse."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pandas
import pytest
from rich.cells import cell_len

from tests.support.clusters import PATIENCE, until
from tests.support.command_line import Run
from tests.support.smallcase import write_files

CASE = "central_asia_2024"
QUICK = ("--draws", "100", "--workers", "1")
ORIGINS = 24


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_backtest_is_printed_and_kept(run: Run, tmp_path: Path) -> None:
    status, out, err = run("backtest", CASE, "--from", "2022", "--to", "2024", *QUICK)
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines()[:-1]) <= 80
    assert "base rate, pooled" in out
    assert "Not scored, as the record does not cover their horizon: 2024-04-30." in " ".join(out.split())
    folder = tmp_path / "backtests" / CASE
    forecasts = pandas.read_parquet(folder / "forecasts.parquet")
    assert sorted(forecasts["origin"].unique()) == ["2022-04-30", "2023-04-30"]
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    brier = scores["evaluation"]["slices"]["all"]["performances"]["model"]["brier"]["value"]
    assert brier == pytest.approx(((forecasts["model"] - forecasts["outcome"]) ** 2).mean(), abs=1e-9)
    assert "<svg" in (folder / "index.html").read_text(encoding="utf-8")
    status, again, _ = run("backtest", CASE, "--from", "2022", "--to", "2024", *QUICK, "--json")
    assert status == 0
    assert json.loads(again) == scores


def test_a_backtest_goes_by_quarters_of_the_calendar(run: Run, tmp_path: Path) -> None:
    options = ("--from", "2022-09-30", "--to", "2022", "--every", "quarter", "--rivals", "logit, pool")
    status, out, err = run("backtest", CASE, *options, *QUICK)
    assert (status, err) == (0, "")
    told = " ".join(out.split())
    assert "90 % intervals: from calendar years drawn again and again, 2 in a row" in told
    assert "All outcomes together" in told
    assert "rate of the last two years" in told
    vectors = pandas.read_parquet(tmp_path / "backtests" / CASE / "vectors.parquet")
    assert vectors["origin"].tolist() == ["2022-09-30", "2022-12-31"]
    folder = tmp_path / "backtests" / CASE
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "All outcomes together" in page
    assert "Rivals with the same information" in page
    [first, *_] = json.loads((folder / "scores.json").read_text(encoding="utf-8"))["reading"]
    assert first in told
    assert first in page
    steps = pandas.read_parquet(folder / "steps.parquet")
    assert sorted(steps["step"].unique()) == [1, 2, 3, 6]
    assert pandas.read_parquet(folder / "weights.parquet").columns.tolist() == ["origin", "model", "logit"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--folds", "random"), "only `rolling` is accepted: random folds put rows of one dyad"),
        (("--from", "last year"), "--from is 'last year'; give a year such as 1960"),
        (("--to", "2023-02-30"), "--to is '2023-02-30'"),
        (("--every", "fortnight"), "every is 'fortnight'; give a number of periods, or one of month, quarter, year"),
        (("--from", "2024-05-07"), "no origin from 2024-05-07"),
        (("--from", "2005"), "leaves less than a year of record"),
        (("--rivals", "oracle"), "there is no rival 'oracle'; choose among logit, boosting, forest, pool"),
        (("--rivals", "pool"), "a pool needs rivals; add some of logit, boosting, forest"),
        (("--cluster", "somewhere"), "give the address of its scheduler, such as tcp://host:8786"),
    ],
)
def test_what_cannot_be_backtested_is_told(run: Run, arguments: tuple[str, ...], message: str) -> None:
    status, out, err = run("backtest", CASE, *arguments, "--draws", "100")
    assert (status, out) == (2, "")
    assert message in err


def test_a_calibration_is_printed_and_kept(run: Run, tmp_path: Path) -> None:
    case = write_files(tmp_path / "small")
    arguments = ("calibrate", case, "--records", "20", *QUICK, "--out", tmp_path / "calibration")
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert max(cell_len(line) for line in out.splitlines()[:-1]) <= 80
    assert "20 simulated records, 60 fits of 100 draws, seed 1" in out
    data = json.loads((tmp_path / "calibration" / "scores.json").read_text(encoding="utf-8"))
    assert data["records"] == 20
    assert "<svg" in (tmp_path / "calibration" / "index.html").read_text(encoding="utf-8")


def test_an_interrupted_backtest_ends_without_a_traceback_and_goes_on_later(tmp_path: Path) -> None:
    case = str(write_files(tmp_path / "small"))
    arguments = [sys.executable, "-m", "riskcast", "backtest", case, "--from", "2018", "--every", "1"]
    arguments += ["--draws", "100", "--workers", "2", "--out", str(tmp_path / "out")]
    finished = tmp_path / "out" / "finished"
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    until(lambda: list(finished.glob("*.zip")), "an origin to be finished")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert "Traceback" not in err
    kept = {path.name: path.stat().st_mtime_ns for path in finished.glob("*.zip")}
    assert 0 < len(kept) < ORIGINS
    subprocess.run(arguments, check=True, capture_output=True)
    after = {path.name: path.stat().st_mtime_ns for path in finished.glob("*.zip")}
    assert len(after) == ORIGINS
    assert {name: after[name] for name in kept} == kept
