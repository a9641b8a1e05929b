"""Edits of a case: validated on the whole of it, written at once, told, taken back."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import riskcast
from riskcast.errors import OptionError, RiskcastError
from riskcast.machinery import joint_writes
from riskcast.updates import NewDay, NewEvent, NewSource, NewValue, Searched
from riskcast.updates.case_files import find_editable
from riskcast.updates.journal import JOURNAL
from tests.support.smallcase import CASE, EVENTS_CSV, INDICATORS, SERIES_CSV, write_files

ENTERED = "2021-01-04"
NEXT = dt.date(2021, 1, 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "small")


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != JOURNAL)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def event(folder: Path, **changed: Any) -> riskcast.Update:
    given: dict[str, Any] = {"type": "protest", "dyad": "HHH-AAA", "date": "2020-11-05"}
    given |= {"description": 'Said "no", twice', "sources": ["archive"], "entered": ENTERED, **changed}
    return riskcast.add_event(folder, **given)


def test_an_event_is_one_row_and_nothing_else(folder: Path) -> None:
    before, old = riskcast.load_case(folder), contents(folder)
    done = event(folder, author="Ann")
    after, new = riskcast.load_case(folder), contents(folder)
    assert {name for name in new if new[name] != old[name]} == {"history/events.csv"}
    [row] = [row for row in after.event_rows if row not in before.event_rows]
    assert (row.type, row.initiator, row.status, row.sources) == ("protest", "AAA", "located", ("archive",))
    assert row.description == 'Said "no", twice'
    assert row.entered == dt.date(2021, 1, 4)
    assert (done.before, done.after, done.author, done.number) == (before.hash, after.hash, "Ann", 1)


def test_the_journal_changes_no_hash_and_says_what_who_and_when(folder: Path) -> None:
    done = event(folder, author="Ann")
    digest = riskcast.load_case(folder).hash
    [entry] = riskcast.read_journal(folder)
    assert (entry.author, entry.before, entry.after) == ("Ann", done.before, digest)
    assert dt.datetime.fromisoformat(entry.when).tzinfo is not None
    assert b"Said" in entry.files["history/events.csv"].added
    (folder / JOURNAL).unlink()
    assert riskcast.load_case(folder).hash == digest


@pytest.mark.parametrize(
    "table",
    [
        EVENTS_CSV.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + EVENTS_CSV.encode(),
        EVENTS_CSV.encode("utf-16"),
        EVENTS_CSV.replace('"A spark, in spring"', "A spark in spring").replace(",", ";").encode(),
        b"sep=,\n" + EVENTS_CSV.encode(),
        EVENTS_CSV.rstrip("\n").encode(),
        (EVENTS_CSV + "\n\n").encode(),
        EVENTS_CSV.replace('"A spark, in spring"', '"A spark,\nin spring"').encode(),
        EVENTS_CSV.replace("A note", "Une conférence").encode("cp1252"),
    ],
)
def test_rows_are_added_in_any_dialect_and_taken_back(tmp_path: Path, table: bytes) -> None:
    folder = write_files(tmp_path / "small", history_events_csv=table)
    old, rows = contents(folder), riskcast.load_case(folder).event_rows
    event(folder)
    assert riskcast.load_case(folder).event_rows[:-1] == rows
    riskcast.undo_edit(folder)
    assert contents(folder) == old


def test_values_are_written_with_the_decimal_sign_of_their_file(tmp_path: Path) -> None:
    table = SERIES_CSV.replace(",", ";").replace("50.5", "50,5")
    folder = write_files(tmp_path / "small", history_indicators_csv=table)
    done = riskcast.add_value(folder, "mood", "HHH", "2020-12-01", 53.25, low=50.5, high=56, sources=["survey"])
    written = (folder / "history/indicators.csv").read_text(encoding="utf-8").splitlines()[-1]
    assert written.startswith("mood;HHH;2020-12-01;53,25;50,5;56;2020-12-01;survey;located;")
    assert any("new column, entered" in note for note in done.notes)
    assert riskcast.load_case(folder).series_rows[-1].value == 53.25


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"date": "2021-02-01"}, "roll the case first"),
        ({"date": "2020-02-30"}, "not a day of the calendar"),
        ({"date": "yesterday"}, "write the day as YYYY-MM-DD"),
        ({"date": "2010-01-01"}, "history_from"),
        ({"type": "protst"}, "did you mean 'protest'"),
        ({"dyad": "HHH-CCC"}, "HHH-AAA"),
        ({"type": "decree"}, "known: HHH"),
        ({"dyad": "ALL"}, "say who acted"),
        ({"initiator": "ZZZ"}, "unknown actor 'ZZZ'"),
        ({"sources": ["archve"]}, "did you mean 'archive'"),
        ({"sources": [], "status": "located"}, "is empty on a located row"),
        ({"status": "sure"}, "status"),
        ({"precision": "week"}, "precision"),
        ({"description": "  "}, "no description"),
        ({"published": "2020-11-01"}, "before it happened"),
        ({"published": "2021-03-01"}, "after the case's day"),
        ({"entered": "2020-01-01"}, "before it happened"),
        ({"date": "2020-10-01", "precision": "month", "description": "A late protest"}, "in these words already"),
        ({"author": "a\nb\x1b[31m"}, "author"),
    ],
)
def test_what_the_case_cannot_hold_is_told_and_not_written(folder: Path, changed: dict[str, Any], told: str) -> None:
    old = contents(folder)
    with pytest.raises(RiskcastError, match=told):
        event(folder, **changed)
    assert contents(folder) == old
    assert riskcast.read_journal(folder) == ()


def test_another_event_of_the_same_day_is_noted(folder: Path) -> None:
    event(folder)
    done = event(folder, description="And once more")
    assert any("entered as another event" in note for note in done.notes)
    assert len(riskcast.read_journal(folder)) == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("moot", "HHH", "2020-12-01", 50), "did you mean 'mood'"),
        (("mood", "HHH-AAA", "2020-12-01", 50), "known: HHH"),
        (("mood", "HHH", "2021-12-01", 50), "roll the case first"),
        (("mood", "HHH", "2020-01-31", 50), "has a value at 2020-01-31 already"),
        (("mood", "HHH", "2020-12-01", 150), "outside what mood can be"),
        (("mood", "HHH", "2020-12-01", float("nan")), "finite"),
        (("trade", "HHH-AAA", "2020-12-01", 9), "has no dated values"),
    ],
)
def test_values_that_the_case_cannot_hold(folder: Path, given: tuple[Any, ...], told: str) -> None:
    old = contents(folder)
    with pytest.raises(RiskcastError, match=told):
        riskcast.add_value(folder, *given, sources=["survey"])
    assert contents(folder) == old


def test_a_source_comes_with_its_row_in_one_edit(folder: Path) -> None:
    old = contents(folder)
    source = NewSource("wire_2020", "A wire: of 5 November", "Wire", dt.date(2020, 11, 6), url="https://example.org/w")
    event(folder, sources=[source])
    case = riskcast.load_case(folder)
    assert case.sources["wire_2020"].title == "A wire: of 5 November"
    assert case.event_rows[-1].sources == ("wire_2020",)
    assert contents(folder)["sources.yaml"].startswith(old["sources.yaml"])
    riskcast.undo_edit(folder)
    assert contents(folder) == old


def test_edits_are_all_made_or_none(folder: Path) -> None:
    old = contents(folder)
    good = NewEvent(dt.date(2020, 11, 5), "protest", "HHH-AAA", "One", sources=("archive",))
    bad = NewValue("mood", "HHH", dt.date(2020, 12, 1), 400.0, sources=("survey",))
    with pytest.raises(RiskcastError, match="nothing was written"):
        riskcast.edit_case(folder, [good, bad])
    assert contents(folder) == old


def test_a_quantity_changes_in_its_place(folder: Path) -> None:
    riskcast.set_quantity(folder, "indicators.mood.now", 60, (55, 66), claim="Seen anew", dated="2020-12-01")
    text = (folder / "indicators.yaml").read_text(encoding="utf-8")
    changed = [line for line in text.splitlines() if line not in INDICATORS.splitlines()]
    assert changed == ["    median: 60", "    interval: [55, 66]", "    dated: 2020-12-01", "      claim: Seen anew"]
    stated = riskcast.load_case(folder).indicators["mood"].stated("HHH")
    assert stated is not None
    assert (stated.median, stated.interval) == (60, (55, 66))
    riskcast.set_quantity(folder, "effects.mood->decree", 1.3, (1.1, 1.6))
    riskcast.set_quantity(folder, "hyperpriors.sd_dyad", value=0.5)
    case = riskcast.load_case(folder)
    assert case.settings.hyperpriors.sd_dyad.is_fixed
    assert {key: own for key, own, _ in case.quantities()}["effects.mood->decree"].interval == (1.1, 1.6)
    for _ in range(3):
        riskcast.undo_edit(folder)
    assert (folder / "indicators.yaml").read_text(encoding="utf-8") == INDICATORS


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"quantity": "indicators.mod.now", "value": 1}, "did you mean"),
        ({"quantity": "indicators.mood.now", "median": 60}, "needs a median with both ends"),
        ({"quantity": "indicators.mood.now", "median": 60, "interval": (61, 70)}, "excludes its median"),
        ({"quantity": "indicators.mood.now", "value": 200}, "leaves the bounds"),
        ({"quantity": "hyperpriors.persistence", "value": 0.5, "dated": "2020-01-01"}, "is no level"),
    ],
)
def test_numbers_that_mean_nothing_are_not_written(folder: Path, given: dict[str, Any], told: str) -> None:
    old = contents(folder)
    with pytest.raises(RiskcastError, match=told):
        riskcast.set_quantity(folder, **given)
    assert contents(folder) == old


def test_what_was_changed_by_hand_is_not_undone_over(folder: Path) -> None:
    event(folder)
    path = folder / "history/events.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("A note", "A short note"), encoding="utf-8")
    with pytest.raises(OptionError, match="changed by hand"):
        riskcast.undo_edit(folder)
    assert "A short note" in path.read_text(encoding="utf-8")
    assert "Said" in path.read_text(encoding="utf-8")


def test_undo_goes_back_step_by_step_and_no_further(folder: Path) -> None:
    states = [contents(folder)]
    event(folder)
    states.append(contents(folder))
    riskcast.roll_case(folder, NEXT)
    undone = riskcast.undo_edit(folder)
    assert undone.what[0].startswith("edit 2 taken back")
    kept = {name for name in contents(folder) if name.startswith("vintages/")}
    assert kept
    assert {n: c for n, c in contents(folder).items() if n not in kept} == states[1]
    riskcast.undo_edit(folder)
    assert {n: c for n, c in contents(folder).items() if n not in kept} == states[0]
    with pytest.raises(OptionError, match="no edit to take back"):
        riskcast.undo_edit(folder)
    assert len(riskcast.read_journal(folder)) == 4


def test_a_broken_journal_is_told_and_keeps_out_of_the_way_of_reading(folder: Path) -> None:
    event(folder)
    with (folder / JOURNAL).open("a", encoding="utf-8") as file:
        file.write("{}\n")
    assert riskcast.load_case(folder).name == "small"
    with pytest.raises(RiskcastError, match=r"journal.jsonl:2: is no entry"):
        event(folder, description="Another")


def test_bundled_cases_vintages_and_locked_folders_are_not_edited(folder: Path) -> None:
    with pytest.raises(OptionError, match="riskcast copy central_asia_2024"):
        riskcast.roll_case("central_asia_2024", "2024-06-01")
    riskcast.roll_case(folder, NEXT)
    with pytest.raises(RiskcastError, match="kept vintage"):
        event(folder / "vintages" / riskcast.list_vintages(folder)[0].name)
    folder.chmod(0o555)
    try:
        with pytest.raises(RiskcastError, match="cannot be written to"):
            event(folder)
    finally:
        folder.chmod(0o755)
    with pytest.raises(RiskcastError, match="unknown case"):
        find_editable("nowhere")


def test_a_copy_is_byte_for_byte_and_takes_no_place(tmp_path: Path, folder: Path) -> None:
    event(folder)
    made = riskcast.copy_case(folder, tmp_path / "mine")
    assert contents(made) == contents(folder)
    with pytest.raises(OptionError, match="is there already"):
        riskcast.copy_case(folder, made)
    assert riskcast.load_case(made).hash == riskcast.load_case(folder).hash


class Killed(BaseException):
    """The end of a writer, in place of a signal."""


def test_a_copy_has_what_a_killed_writer_has_edited(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(joint_writes, "_bring", killed)
        with pytest.raises(Killed):
            event(folder)
    assert (folder / joint_writes.PENDING).exists()
    made = riskcast.copy_case(folder, tmp_path / "mine")
    assert riskcast.load_case(made).event_rows[-1].description == 'Said "no", twice'
    assert not (folder / joint_writes.PENDING).exists()


def test_a_panel_takes_no_rows(tmp_path: Path) -> None:
    from tests.support.smallpanel import write_panel_case

    folder = tmp_path / "panel"
    write_panel_case(folder)
    case = riskcast.load_case(folder)
    with pytest.raises(OptionError, match="is a panel"):
        riskcast.add_event(folder, next(iter(case.events)), case.dyads[0], case.as_of, "x")
    with pytest.raises(OptionError, match="is a panel"):
        riskcast.mark_checked(folder)


CHILD = """
import sys, riskcast
riskcast.add_event(sys.argv[1], "protest", "HHH-AAA", "2020-11-05", sys.argv[2], entered="2021-01-04")
"""


def test_writers_at_once_lose_nothing(folder: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", CHILD, str(folder), f"Writer {number}"]) for number in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    words = {row.description for row in riskcast.load_case(folder).event_rows}
    assert {"Writer 0", "Writer 1", "Writer 2"} <= words
    assert [entry.number for entry in riskcast.read_journal(folder)] == [1, 2, 3]
    lines = (folder / JOURNAL).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3]


def test_a_case_that_does_not_load_is_not_edited(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "small", case_yaml=CASE.replace("horizon: 12", "horizn: 12"))
    with pytest.raises(RiskcastError, match="horizn"):
        event(folder)
    assert not (folder / JOURNAL).exists()


def test_a_linked_folder_and_a_linked_file_are_edited_where_they_are(tmp_path: Path, folder: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    elsewhere = tmp_path / "events_elsewhere.csv"
    (folder / "history/events.csv").rename(elsewhere)
    (folder / "history/events.csv").symlink_to(elsewhere)
    event(link)
    assert (folder / "history/events.csv").is_symlink()
    assert "Said" in elsewhere.read_text(encoding="utf-8")


def test_searches_are_operations_of_the_same_edit(folder: Path) -> None:
    done = riskcast.edit_case(folder, [NewDay(NEXT), Searched()])
    case = riskcast.load_case(folder)
    assert (case.as_of, case.settings.recorded_until) == (NEXT, NEXT)
    assert done.vintage is not None
