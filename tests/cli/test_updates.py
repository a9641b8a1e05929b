"""The commands that keep a case alive."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import pty
import select
import shlex
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import riskcast
from riskcast.cli.update_questions import ask_for_update
from riskcast.machinery import joint_writes
from riskcast.terminal.updates import command_lines
from riskcast.updates.operations import NewEvent, NewNumbers, NewSource, NewValue, Operation
from tests.support.command_line import Run, runner
from tests.support.smallcase import INDICATORS, write_files


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "small")


def test_a_week_by_commands(run: Run, folder: Path) -> None:
    status, out, err = run("update", folder, "--as-of", "2021-01-07", "--yes", "--author", "Ann")
    assert (status, err) == (0, "")
    assert "Not searched" in out
    assert "Kept as it stood: 2020-12-31-" in out
    new = ("--new-source", "wire", "A wire", "Wire", "2021-01-05", "--url", "https://example.org/w")
    assert run("add-event", folder, "protest", "HHH-AAA", "2021-01-04", "A note, again", *new)[0] == 0
    assert (
        run("add-value", folder, "mood", "HHH", "2021-01-02", 57, "--low", 54, "--high", 60, "--source", "wire")[0] == 0
    )
    assert run("checked", folder)[0] == 0
    assert run("set", folder, "hyperpriors.persistence", "--value", 0.75, "--claim", "Judged anew.")[0] == 0
    assert run("undo", folder)[0] == 0
    case = riskcast.load_case(folder)
    assert case.event_rows[-1].sources == ("wire",)
    assert case.settings.recorded_until == case.as_of
    status, out, _ = run("journal", folder, "--json")
    assert [entry["number"] for entry in json.loads(out)] == [1, 2, 3, 4, 5, 6]
    assert json.loads(out)[0]["author"] == "Ann"
    assert "taken back" in run("journal", folder)[1]
    [kept] = json.loads(run("vintages", folder, "--json")[1])
    assert kept["as_of"] == "2020-12-31"
    assert kept["name"] in run("vintages", folder)[1]
    status, out, err = run("scenarios", f"{folder}@2020-12-31")
    assert (status, err) == (0, "")


def test_many_rows_come_from_one_file(run: Run, folder: Path, tmp_path: Path) -> None:
    events = tmp_path / "week.csv"
    events.write_text(
        'type;dyad;date;description;initiator;sources\nprotest;HHH-AAA;2020-11-02;"One; two";;archive\n'
        "spark;ALL;2020-11-03;Three;other;\n",
        encoding="utf-8",
    )
    assert run("add-event", folder, "--from", events)[0] == 0
    assert [row.description for row in riskcast.load_case(folder).event_rows[-2:]] == ["One; two", "Three"]
    assert len(riskcast.read_journal(folder)) == 1
    values = tmp_path / "values.csv"
    values.write_text("indicator,unit,date,value\nmood,HHH,2020-11-02,51\nmood,HHH,2020-11-02,52\n", encoding="utf-8")
    status, _, err = run("add-value", folder, "--from", values)
    assert status == 2
    assert "values.csv:3" in err
    assert "already" in err
    values.write_text("indicator,unit,date,value\nmood,HHH,2.11.2020,51\nmood,HHH,,x\n", encoding="utf-8")
    status, _, err = run("add-value", folder, "--from", values)
    assert status == 2
    assert "values.csv" in err
    assert "Traceback" not in err
    assert run("add-event", folder, "protest", "--from", events)[0] == 2


def test_stale_is_told_and_nothing_changed(run: Run, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    status, out, _ = run("update", folder, "--as-of", "2021-06-30", "--dry-run")
    assert status == 0
    assert "181" in out
    found = json.loads(run("update", folder, "--as-of", "2021-06-30", "--dry-run", "--json")[1])
    assert found["unsearched"][0]["days"] == 181
    status, _, err = run("update", folder)
    assert status == 0
    assert "--as-of" in err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert run("update", "central_asia_2024", "--as-of", "2024-05-31", "--dry-run")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("update", "central_asia_2024", "--as-of", "2024-06-01"), "riskcast copy"),
        (("update", "FOLDER", "--as-of", "2020-06-01"), "no later day"),
        (("update", "FOLDER", "--as-of", "2999-06-01"), "has not come yet"),
        (("update", "FOLDER", "--as-of", "1.6.2021"), "--as-of"),
        (("update", "FOLDER", "--yes"), "--as-of"),
        (("update", "FOLDER", "--as-of", "2021-01-07", "--dry-run", "--yes"), "leave one of the two out"),
        (("update", "FOLDER", "--dry-run", "--yes"), "leave one of the two out"),
        (("add-event", "FOLDER", "protest"), "TYPE DYAD DATE DESCRIPTION"),
        (("add-event", "FOLDER", "protest", "HHH-AAA", "2020-11-04", "x", "--status", "sure"), "--status"),
        (("add-event", "FOLDER", "protest", "HHH-AAA", "2020-11-04", "x", "--url", "u"), "--new-source"),
        (("add-value", "FOLDER", "mood", "HHH", "2020-11-04", "5", "--low", "4"), "both low and high"),
        (("add-event", "FOLDER", "--from", "nowhere.csv"), "is missing"),
        (("set", "FOLDER", "indicators.mood.now", "--median", "5", "--low", "4"), "--low and --high"),
        (("undo", "FOLDER"), "no edit to take back"),
        (("vintages", "FOLDER@2020-12-31"), "unknown vintage"),
        (("copy", "FOLDER", "FOLDER"), "is there already"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(run: Run, folder: Path, words: tuple[str, ...], told: str) -> None:
    status, _, err = run(*(word.replace("FOLDER", str(folder)) for word in words))
    assert status == 2
    assert told in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "operation",
    [
        NewValue("mood", "HHH", dt.date(2020, 11, 2), -3.5, -5.0, -2.5, sources=("survey",)),
        NewValue("mood", "HHH", dt.date(2020, 11, 2), -3.5),
        NewValue("mood", "HHH", dt.date(2020, 11, 2), 3.5, -1.0, 5.0, status="judgement"),
        NewEvent(dt.date(2020, 11, 2), "protest", "HHH-AAA", "--author of a note, 'again'", sources=("archive",)),
        NewEvent(dt.date(2020, 11, 2), "protest", "HHH-AAA", "-", precision="month"),
        NewEvent(dt.date(2020, 11, 2), "protest", "HHH-AAA", "A note - again"),
        NewSource("wire", "--", "-wire", dt.date(2020, 11, 2), note="-1"),
        NewNumbers("indicators.mood.now", -3.5, (-5.0, -2.5), claim="-"),
        NewNumbers("indicators.mood.now", value=-3.5),
    ],
)
def test_an_edit_told_as_a_command_can_be_typed(run: Run, tmp_path: Path, operation: Operation) -> None:
    indicators = INDICATORS.replace("bounds: [0, 100]", "bounds: [-100, 100]")
    typed, meant = (write_files(tmp_path / name / "small", indicators_yaml=indicators) for name in ("typed", "meant"))
    [line] = command_lines([operation.command], str(typed))
    status, _, err = run(*shlex.split(line)[1:])
    assert (status, err) == (0, "")
    riskcast.edit_case(meant, [operation])
    assert riskcast.load_case(typed).hash == riskcast.load_case(meant).hash


class Killed(BaseException):
    """The end of a writer, in place of a signal."""


@pytest.fixture
def interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case whose roll to 7 January 2021 has happened, while its files are not in their places yet."""

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(joint_writes, "_bring", killed)
        with pytest.raises(Killed):
            riskcast.roll_case(folder, "2021-01-07")
    assert (folder / joint_writes.PENDING).exists()
    return folder


def test_what_is_stale_is_told_after_the_edit_of_a_killed_writer(run: Run, interrupted: Path) -> None:
    status, out, err = run("update", interrupted, "--as-of", "2021-01-14", "--yes")
    assert (status, err) == (0, "")
    assert "as of 7 Jan 2021, seen from 14 Jan 2021" in " ".join(out.split())


def test_a_guided_update_begins_after_the_edit_of_a_killed_writer(
    interrupted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "q")
    ask_for_update(str(interrupted), None, True, "Ann")
    assert "Small, as of 2021-01-07." in capsys.readouterr().out


def test_a_guided_update_says_each_note_once_when_it_is_new(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [["y", "protest", "HHH-AAA", "2021-01-04", words, ""] for words in ("One note", "Another note")]
    answers = iter([*events[0], *events[1], "n", "n", "none", "y"])
    said: list[str] = []

    def answer(_: str) -> str:
        said.append(capsys.readouterr().out)
        return next(answers)

    monkeypatch.setattr("builtins.input", answer)
    ask_for_update(str(folder), dt.date(2021, 1, 7), True, "Ann")
    first, second = said[6], said[12]
    assert "history/events.csv has a new column, entered" in first
    assert "as another event" not in first
    assert "on 2021-01-04 already (One note); this is entered as another event" in second
    assert "new column" not in second
    assert not list(answers)
    assert [row.description for row in riskcast.load_case(folder).event_rows[-2:]] == ["One note", "Another note"]
    assert len(riskcast.read_journal(folder)) == 1


def talk(folder: Path, answers: list[str], signal: bytes = b"") -> tuple[int, str]:
    """Run the guided update in a pseudo-terminal, and answer its questions one after the other."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "80"}
    command = [sys.executable, "-m", "riskcast", "update", str(folder), "--author", "Ann"]
    child = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
        # Ctrl-C reaches whoever the terminal controls.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    heard, left, until, asked = "", list(answers), time.monotonic() + 900, 0
    while time.monotonic() < until:
        ready, _, _ = select.select([ours], [], [], 1.0)
        if ready:
            try:
                chunk = os.read(ours, 65536).decode(errors="replace")
            except OSError:
                break
            if not chunk:
                break
            heard += chunk
            if heard[asked:].rstrip(" ").endswith(":") and heard.endswith(": "):
                asked = len(heard)
                os.write(ours, (left.pop(0) + "\n").encode() if left else signal or b"q\n")
        elif child.poll() is not None:
            break
    status = child.wait(timeout=300)
    os.close(ours)
    return status, heard


EVENT = ["2021-01-07", "y", "protest", "1", "2021-01-04", "A note, again", "new archive", "wire", "A wire", "Wire"]


def test_a_guided_update_writes_all_at_once(folder: Path) -> None:
    answers = [*EVENT, "2021-01-05", "", "n", "y", "mood", "2021-01-02", "57", "54", "60", "", "wire", "n", "all", "y"]
    status, heard = talk(folder, answers)
    assert status == 0, heard
    case = riskcast.load_case(folder)
    assert case.as_of.isoformat() == "2021-01-07", heard
    assert case.event_rows[-1].sources == ("archive", "wire")
    assert case.series_rows[-1].value == 57
    assert case.settings.recorded_until == case.as_of
    assert len(riskcast.read_journal(folder)) == 1


@pytest.mark.parametrize("signal", [b"q\n", b"\x03", b"\x04"])
def test_a_guided_update_can_be_left_with_nothing_done(folder: Path, signal: bytes) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    status, heard = talk(folder, [*EVENT, "5.1.2021", "2021-01-05", ""], signal)
    assert status == (130 if signal == b"\x03" else 0)
    assert "is none; write it as YYYY-MM-DD" in heard
    assert "Nothing was written" in heard
    assert f"riskcast update {folder}" in heard
    assert "riskcast add-event" in heard
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
