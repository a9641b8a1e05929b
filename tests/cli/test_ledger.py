"""The commands of a ledger, from a run that is kept to a track record."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import riskcast
from riskcast.exports.track_report import track_schema
from riskcast.ledger import publishing, resolving
from tests.support import smallcase
from tests.support.command_line import Run, runner


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LOGNAME", "somebody")
    return runner(capsys)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A case folder, and a run of it a year earlier."""
    top = tmp_path_factory.mktemp("kept")
    folder = smallcase.write_files(top / "small")
    made = riskcast.run(riskcast.load_case(folder), as_of=dt.date(2019, 12, 31), draws=100)
    return folder, riskcast.write_bundle(made, top / "runs")


def at(monkeypatch: pytest.MonkeyPatch, year: int, month: int, day: int) -> None:
    """Set the clock of the ledger."""
    now = dt.datetime(year, month, day, 12, tzinfo=dt.UTC)
    for module in (publishing, resolving):
        monkeypatch.setattr(module, "now_of", lambda given: given or now)


def test_a_year_from_publication_to_track_record(
    run: Run, kept: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case, bundle = kept
    at(monkeypatch, 2020, 1, 1)
    status, out, err = run("track")
    assert (status, out) == (2, "")
    assert "there is no ledger at ledger.sqlite; begin one with: riskcast publish RUN" in err
    status, out, err = run("publish", bundle)
    assert (status, err) == (0, "")
    assert "3 questions, 18 forecasts by 6 forecasters: ledger.sqlite" in out
    found = re.search(r"Receipt: ([0-9a-f]{64})", out)
    assert found is not None
    assert run("publish", bundle)[1].startswith("18 forecasts were there already")
    assert run("publish", bundle, "--mine", "0.8", "--question", "HHH-AAA protest", "--by", "me")[0] == 0
    status, out, _ = run("ledger", "list", "--only", "open")
    assert status == 0
    assert "Protest, Aland" in out
    assert max(map(len, out.splitlines())) <= 80
    status, out, err = run("track")
    assert status == 0
    assert "There is no track record yet." in out
    assert "3 questions wait" in out
    at(monkeypatch, 2021, 1, 2)
    status, out, _ = run("resolve", case)
    assert status == 0
    assert out.startswith("3 answered, 0 open.")
    status, out, err = run("track", "--as-of", "2021-01-05", "--by", "outcome", "--out", "track")
    assert (status, err) == (0, "")
    assert "3 questions answered" in out
    assert "me says 80 % on average where 100 % came" in out
    assert max(len(line) for line in out.splitlines() if "track/" not in line) <= 80
    page = (tmp_path / "track" / "index.html").read_text(encoding="utf-8")
    assert "<h1>Track record</h1>" in page
    data = json.loads(run("track", "--as-of", "2021-01-05", "--json")[1])
    Draft202012Validator(track_schema()).validate(data)
    assert data == json.loads((tmp_path / "track" / "track.json").read_text(encoding="utf-8"))
    status, out, _ = run("ledger", "verify", "--receipt", found[1][:12])
    assert status == 0
    assert "entries are as they were written" in out
    assert run("ledger", "verify", "--receipt", "f" * 12)[0] == 1
    question = data["rows"][0]["question"]
    status, out, _ = run("ledger", "show", question)
    assert "Yes: It is made." in out
    assert run("ledger", "export", "--out", "all.json")[0] == 0
    entries = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert [entry["number"] for entry in entries] == list(range(1, 3 + 18 + 1 + 3 + 1))


@pytest.mark.parametrize(
    "words",
    [
        ("resolve", "--question", "aaaa", "--answer", "void", "--source", "A paper"),
        ("publish", "--mine", "0.3", "--question", "aaaa"),
    ],
)
def test_a_wrong_folder_is_told_and_no_ledger_begun_in_it(run: Run, words: tuple[str, ...], tmp_path: Path) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert "there is no ledger at ledger.sqlite; begin one with: riskcast publish RUN" in err
    assert not list(tmp_path.iterdir())


def test_the_place_can_come_from_the_environment(
    run: Run, kept: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at(monkeypatch, 2020, 1, 1)
    monkeypatch.setenv("RISKCAST_LEDGER", str(tmp_path / "there" / "mine.sqlite"))
    assert run("publish", kept[1])[0] == 0
    assert (tmp_path / "there" / "mine.sqlite").is_file()
    assert not (tmp_path / "ledger.sqlite").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("publish",), "nothing is given to publish"),
        (("publish", "nowhere"), "nowhere is no folder"),
        (("publish", "--mine", "0.3"), "add --question"),
        (("publish", "--mine", "30", "--question", "aaaa"), "write 0.3 for 30 %"),
        (("publish", "--from", "crowd.csv"), "add --by"),
        (("publish", "--mine", "0.3", "--question", "aaaa", "--horizon", "3"), "belong to the questions of a run"),
        (("resolve",), "give either a case"),
        (("resolve", "--question", "aaaa"), "takes --answer and --source"),
        (("resolve", "central_asia_2024", "--answer", "yes"), "add --question"),
        (("track", "--by", "weather"), "unknown part"),
        (("ledger", "list", "--only", "mine"), "unknown choice"),
        (("ledger", "verify", "--ledger", "postgresql://me:s3cret@host:port/y"), "the ledger's URL cannot be read"),
    ],
)
def test_bad_words_are_told_in_one_line(run: Run, words: tuple[str, ...], told: str) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert told in err
    assert "s3cret" not in err
    assert "Traceback" not in err
