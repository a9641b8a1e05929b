"""`riskcast changed`, as it is typed: kept runs, editions, days; sentences, JSON, a page; refusals in one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import riskcast
from tests.comparison.test_what_changed import DRAWS, FIRST, toy
from tests.support.command_line import Run

USUAL = ("--draws", str(DRAWS), "--orders", "2", "--allow-unreliable")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("case") / "toy"
    riskcast.write_case(toy(), place)
    return place


def test_one_case_on_two_days(run: Run, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    status, out, err = run("changed", folder, "--from", FIRST, *USUAL, "--html", page)
    assert status == 0, err
    assert "Partner 1 rose from" in out
    assert "By what it is due to" in out
    assert max(map(len, out.splitlines())) <= 80
    text = page.read_text(encoding="utf-8")
    assert "Attack, 3 Nov 2020" in text
    assert "<script" not in text


def test_a_page_is_written_whole_or_not_at_all(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("changed", folder, "--from", FIRST, *USUAL, "--html")
    status, _, err = run(*words, tmp_path)
    assert status == 2
    assert err.strip().splitlines()[-1].endswith(f"{tmp_path} is a folder; give a file to write")
    page = tmp_path / "page.html"
    page.write_text("an older page")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, _, err = run(*words, page)
    assert status != 0
    assert "No space left on device" in err
    assert page.read_text() == "an older page"
    assert list(tmp_path.iterdir()) == [page]


def test_programs_read_all_digits(run: Run, folder: Path) -> None:
    _, out, _ = run("changed", folder, "--from", FIRST, *USUAL, "--json")
    plain = json.loads(out)
    for number in plain["numbers"]:
        found = sum(part["points"] for part in number["parts"])
        assert found == pytest.approx(number["after"] - number["before"], abs=1e-9)


def test_what_cannot_be_compared_is_told_in_one_line(run: Run, folder: Path) -> None:
    for words, wrong in (
        ((), "no day to compare it with"),
        (("--from", "2020-12-31"), "give the earlier one first"),
        (("--from", str(FIRST), "--orders", "1"), "give an even number"),
        (("--from", str(FIRST), "--shown", "0"), "give a number from 1"),
        ((str(folder), "--from", str(FIRST)), "two sides are given"),
    ):
        status, _, err = run("changed", folder, *words)
        assert status == 2
        assert wrong in err
        assert len(err.strip().splitlines()) == 1
