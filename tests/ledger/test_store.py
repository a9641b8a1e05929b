"""Nothing in a ledger can be changed: not by hostile SQL, not by writers at once, not by one that is killed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from riskcast.errors import OptionError, RiskcastError
from riskcast.ledger import read_ledger, store, verify_ledger
from riskcast.ledger.entries import append
from riskcast.ledger.places import find_place
from riskcast.ledger.records import LedgerAnswer, LedgerForecast, LedgerQuestion
from riskcast.ledger.tables import TABLES
from tests.ledger.conftest import MORNING

DAY = dt.date(2020, 1, 1)
QUESTION = LedgerQuestion(
    *("aaaabbbbcccc", "small", "Small", "HHH", "0" * 64, "run", "HHH-AAA", "Aland", "protest", "Protest"),
    *(DAY, dt.date(2020, 12, 31), dt.date(2020, 12, 31)),
    *("It is made.", "Anything less.", "The record", 30.0, dt.date(2019, 12, 31)),
)
FORECAST = LedgerForecast(QUESTION.id, "model", "model", 0.3, 0.1, 0.5, known=dt.date(2019, 12, 31))
MINE = LedgerForecast(QUESTION.id, "Zoë “the analyst”", "person", 0.1)
ANSWER = LedgerAnswer(QUESTION.id, "yes", dt.date(2020, 10, 1), "the record", True, "0" * 64, dt.date(2020, 12, 31))
LATER = dt.datetime(2021, 1, 1, 9, tzinfo=dt.UTC)

WRITER = """
import datetime as dt, sys
from riskcast.ledger.entries import append
from riskcast.ledger.places import find_place
from riskcast.ledger.records import LedgerForecast
from riskcast.ledger.store import writing

place, name, count = find_place(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    with writing(place) as connection:
        own = [LedgerForecast("aaaabbbbcccc", f"{name} {number} {half}", "person", 0.5) for half in range(2)]
        append(connection, own, name, dt.datetime(2020, 1, 2, tzinfo=dt.UTC))
    print(number, flush=True)
"""


@pytest.fixture
def filled(place: str) -> str:
    """A ledger of a question, two forecasts and an answer."""
    with store.writing(find_place(place)) as connection:
        append(connection, [QUESTION, FORECAST, MINE], "tester", MORNING)
    with store.writing(find_place(place)) as connection:
        append(connection, [ANSWER], "tester", LATER)
    return place


def execute(place: str, *statements: str) -> None:
    """SQL past riskcast, each statement for itself, as somebody with the file or the password would send it."""
    found = find_place(place)
    if found.file is not None:
        with closing(sqlite3.connect(found.file, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
        return
    import psycopg

    with psycopg.connect(place, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_what_was_written_reads_back(filled: str) -> None:
    contents = read_ledger(filled)
    assert [entry.content for entry in contents.entries] == [QUESTION, FORECAST, MINE, ANSWER]
    assert [entry.entered for entry in contents.entries] == [MORNING, MORNING, MORNING, LATER]
    assert verify_ledger(filled).holds


def test_receipts_are_made_of_what_a_stranger_can_see(tmp_path: Path) -> None:
    place = str(tmp_path / "ledger.sqlite")
    with store.writing(find_place(place)) as connection:
        append(connection, [QUESTION, FORECAST, MINE], "tester", MORNING)
    previous = "0" * 64
    with closing(sqlite3.connect(place)) as connection:
        connection.row_factory = sqlite3.Row
        entries = [dict(row) for row in connection.execute("SELECT * FROM ledger_entries ORDER BY number")]
        for entry in entries:
            [row] = connection.execute(f"SELECT * FROM ledger_{entry['kind']}s WHERE entry = ?", (entry["number"],))
            content = {name: row[name] for name in row.keys() if name != "entry"}  # noqa: SIM118
            whole = {"number": entry["number"], "kind": entry["kind"], "entered": entry["entered"]}
            whole |= {"author": entry["author"], "previous": previous, "content": content}
            text = json.dumps(floats(whole), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            previous = hashlib.sha256(text.encode()).hexdigest()
            assert previous == entry["hash"]
    assert len(entries) == 3


def floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: floats(item) for key, item in value.items()}
    return float(value) if isinstance(value, int | float) else value


VALUES = "'2099-01-01T00:00:00.000000Z', 'x'"
ZEROS = "0" * 64
HOSTILE = [
    "UPDATE ledger_forecasts SET probability = 0.9 WHERE entry = 2",
    "UPDATE ledger_questions SET severity = 1",
    "UPDATE ledger_entries SET hash = hash",
    "UPDATE ledger_answers SET answer = 'no', happened = NULL",
    "DELETE FROM ledger_answers",
    "DELETE FROM ledger_entries WHERE number = 4",
    "DELETE FROM ledger_forecasts",
    "DELETE FROM ledger_questions",
    # Out of order, twice, with another hash before it, back in time.
    f"INSERT INTO ledger_entries VALUES (9, 'forecast', {VALUES}, '{ZEROS}', '{'1' * 64}')",
    f"INSERT INTO ledger_entries VALUES (5, 'forecast', {VALUES}, '{ZEROS}', '{'1' * 64}')",
    f"INSERT INTO ledger_entries VALUES (NULL, 'forecast', {VALUES}, '{ZEROS}', '{'1' * 64}')",
    "INSERT INTO ledger_entries SELECT number, kind, entered, author, previous, hash FROM ledger_entries",
    "INSERT INTO ledger_entries SELECT 5, 'forecast', '2001-01-01T00:00:00.000000Z', 'x', hash, "
    f"'{'1' * 64}' FROM ledger_entries WHERE number = 4",
    # Content for an entry of another kind, or for none.
    "INSERT INTO ledger_forecasts SELECT 1, question, 'x', kind, probability, low, high, happens, known, source, run, "
    "late, NULL FROM ledger_forecasts WHERE entry = 2",
    "INSERT INTO ledger_answers SELECT 77, question, answer, happened, source, by_rule, case_hash, known, 4 "
    "FROM ledger_answers",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_hostile_statements_are_refused(filled: str, statement: str) -> None:
    before = read_ledger(filled).entries
    with pytest.raises(Exception, match=r"append-only|entry|answer|forecast|there already|null|constraint"):
        execute(filled, statement)
    assert read_ledger(filled).entries == before
    assert verify_ledger(filled).holds


def add_entry(kind: str) -> str:
    """SQL that adds an entry as the chain has it, of content that is still to come."""
    return (
        f"INSERT INTO ledger_entries SELECT number + 1, '{kind}', '2021-02-01T00:00:00.000000Z', 'x', hash, "
        f"'{'a' * 64}' FROM ledger_entries ORDER BY number DESC LIMIT 1"
    )


COLUMNS = "'aaaabbbbcccc', '{who}', 'person', {chance}, NULL, NULL, NULL, NULL, '', '', {late}, {over}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (("forecast", {"who": "x", "chance": 1.5, "late": 1, "over": "NULL"}), "constraint|check"),
        (("forecast", {"who": "x", "chance": "'NaN'", "late": 1, "over": "NULL"}), "constraint|REAL"),
        (("forecast", {"who": "x", "chance": 0.5, "late": 0, "over": "NULL"}), "after the deadline or the answer"),
        (("forecast", {"who": "model", "chance": 0.5, "late": 1, "over": "NULL"}), "supersede its last one"),
        (("forecast", {"who": "x", "chance": 0.5, "late": 1, "over": 2}), "same forecaster"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_the_database(filled: str, content: Any, told: str) -> None:
    kind, values = content
    with pytest.raises(Exception, match=told):
        execute(filled, add_entry(kind), f"INSERT INTO ledger_forecasts VALUES (5, {COLUMNS.format(**values)})")


def test_hostile_statements_of_sqlite_alone_are_refused(tmp_path: Path) -> None:
    place = str(tmp_path / "ledger.sqlite")
    with store.writing(find_place(place)) as connection:
        append(connection, [QUESTION, FORECAST, ANSWER], "tester", MORNING)
    before = read_ledger(place).entries
    for statement in (
        "INSERT OR REPLACE INTO ledger_entries SELECT * FROM ledger_entries WHERE number = 2",
        "INSERT OR REPLACE INTO ledger_forecasts SELECT entry, question, forecaster, kind, 0.99, low, high, happens, "
        "known, source, run, late, supersedes FROM ledger_forecasts",
        "INSERT OR REPLACE INTO ledger_questions SELECT * FROM ledger_questions",
        "INSERT OR REPLACE INTO ledger_answers SELECT * FROM ledger_answers",
        "INSERT INTO ledger_forecasts SELECT * FROM ledger_forecasts WHERE true "
        "ON CONFLICT (entry) DO UPDATE SET probability = 0.99",
        "UPDATE OR REPLACE ledger_forecasts SET probability = 0.99",
        "UPDATE OR IGNORE ledger_forecasts SET probability = 0.99",
    ):
        with pytest.raises(sqlite3.Error):
            execute(place, "PRAGMA recursive_triggers = OFF", "PRAGMA foreign_keys = OFF", statement)
    assert read_ledger(place).entries == before
    assert verify_ledger(place).holds


def test_hostile_statements_of_postgresql_alone_are_refused(socket: str) -> None:
    from tests.support.databases import new_database

    place = new_database(socket, "hostile")
    with store.writing(find_place(place)) as connection:
        append(connection, [QUESTION, FORECAST, ANSWER], "tester", MORNING)
    before = read_ledger(place).entries
    for statement in (
        "TRUNCATE ledger_entries CASCADE",
        "TRUNCATE ledger_answers",
        "INSERT INTO ledger_questions SELECT * FROM ledger_questions ON CONFLICT (id) DO UPDATE SET severity = 1",
    ):
        with pytest.raises(Exception, match=r"append-only|there already"):
            execute(place, statement)
    # Triggers stay on where a session says that it replays others' work.
    with pytest.raises(Exception, match="append-only"):
        execute(place, "SET session_replication_role = replica", "DELETE FROM ledger_answers")
    assert read_ledger(place).entries == before


FORGERIES: list[tuple[str, int, str]] = [
    ("UPDATE ledger_forecasts SET probability = 0.9 WHERE entry = 2", 2, "not what was written"),
    ("UPDATE ledger_questions SET severity = 1", 1, "not what was written"),
    ("UPDATE ledger_entries SET entered = '2019-01-01T00:00:00.000000Z' WHERE number = 3", 3, "not what was written"),
    ("DELETE FROM ledger_forecasts WHERE entry = 3", 3, "what it holds is gone"),
    ("UPDATE ledger_entries SET previous = hash WHERE number = 4", 4, "the hash of the entry before it"),
]


@pytest.mark.parametrize(("forgery", "number", "why"), FORGERIES)
def test_verify_names_the_first_entry_that_was_forged(filled: str, forgery: str, number: int, why: str) -> None:
    execute(filled, *without_guards(filled), forgery)
    found = verify_ledger(filled)
    assert not found.holds
    assert found.broken is not None
    assert found.broken[0] == number
    assert why in found.broken[1]
    assert found.unguarded


def without_guards(place: str) -> list[str]:
    from riskcast.ledger.guards import postgresql_triggers, sqlite_guards

    if find_place(place).file is not None:
        return [f"DROP TRIGGER {name}" for name in sqlite_guards()]
    return [f"DROP TRIGGER {name} ON {table}" for table, name in postgresql_triggers()]


def test_a_receipt_that_was_kept_tells_that_the_end_was_cut_off(filled: str) -> None:
    last = verify_ledger(filled).last
    assert verify_ledger(filled, last[:12]).holds
    cut = [*without_guards(filled), "DELETE FROM ledger_answers", "DELETE FROM ledger_entries WHERE number = 4"]
    execute(filled, *cut)
    found = verify_ledger(filled, last[:12])
    assert found.broken is None
    assert found.missing == last[:12]
    with pytest.raises(OptionError, match="at least 8 digits"):
        verify_ledger(filled, "abc")


def test_migrations_make_the_tables_that_statements_are_built_on(filled: str) -> None:
    from sqlalchemy import inspect

    with store.reading(find_place(filled)) as connection:
        found = inspect(connection)
        for table in TABLES:
            assert [each["name"] for each in found.get_columns(table.name)] == [each.name for each in table.columns]
        assert store.guards_missing(connection) == []


def test_writers_at_once_lose_nothing(place: str) -> None:
    with store.writing(find_place(place)) as connection:
        append(connection, [QUESTION], "tester", MORNING)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, place, name, "6"], stdout=-3) for name in "ab"]
    assert [each.wait(240) for each in writers] == [0, 0]
    names = [
        said.forecaster for entry in read_ledger(place).entries if isinstance(said := entry.content, LedgerForecast)
    ]
    assert sorted(names) == sorted(f"{who} {n} {half}" for who in "ab" for n in range(6) for half in range(2))
    assert verify_ledger(place).holds


def test_what_a_killed_writer_had_finished_is_there_and_nothing_is_half(place: str) -> None:
    with store.writing(find_place(place)) as connection:
        append(connection, [QUESTION], "tester", MORNING)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, place, "a", "100000"], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    done = [int(writer.stdout.readline()) for _ in range(3)]
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.stdout.read()
    writer.wait(60)
    said = max([*done, *(int(line) for line in rest.splitlines() if line.strip().isdigit())])
    # PostgreSQL ends the session of a client that is gone only when it hears of it.
    with store.writing(find_place(place)) as connection:
        append(connection, [MINE], "tester", MORNING)
    entries = read_ledger(place).entries
    assert len(entries) % 2 == 0
    assert len(entries) >= 2 * (said + 1) + 2
    assert verify_ledger(place).holds


def test_a_writer_that_fails_adds_nothing(filled: str) -> None:
    def fail() -> None:
        with store.writing(find_place(filled)) as connection:
            append(connection, [LedgerForecast(QUESTION.id, "x", "person", 0.5, late=True)], "x", LATER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(read_ledger(filled).entries) == 4


def test_a_clock_that_was_set_back_is_told_and_a_little_is_borne(filled: str) -> None:
    with store.writing(find_place(filled)) as connection:
        [entry] = append(
            connection, [LedgerForecast(QUESTION.id, "x", "person", 0.5, late=True)], "x", LATER - dt.timedelta(hours=1)
        )
    assert entry.entered == LATER
    with store.writing(find_place(filled)) as connection, pytest.raises(RiskcastError, match="set the clock"):
        append(connection, [LedgerForecast(QUESTION.id, "y", "person", 0.5, late=True)], "y", MORNING)


def test_a_ledger_of_a_later_version_is_refused(filled: str) -> None:
    execute(filled, "UPDATE ledger_version SET version_num = '99'")
    for act in (lambda: read_ledger(filled), lambda: enter(filled)):
        with pytest.raises(RiskcastError, match=r"by a later riskcast .*99.*bring riskcast up to date"):
            act()


def enter(place: str) -> None:
    with store.writing(find_place(place)):
        pass


def test_a_ledger_that_is_not_there_is_not_made_by_reading(place: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no ledger.*riskcast publish RUN"):
        read_ledger(place)
    assert not list(tmp_path.iterdir())


def test_a_ledger_that_is_not_there_is_begun_only_where_that_is_meant(place: str, tmp_path: Path) -> None:
    def add(begin: bool) -> None:
        with store.writing(find_place(place), begin=begin) as connection:
            append(connection, [QUESTION], "tester", MORNING)

    for _ in range(2):
        with pytest.raises(OptionError, match=r"no ledger.*riskcast publish RUN"):
            add(False)
        with pytest.raises(OptionError, match=r"no ledger"):
            read_ledger(place)
    assert not list(tmp_path.iterdir())
    add(True)
    with store.writing(find_place(place), begin=False) as connection:
        append(connection, [MINE], "tester", MORNING)
    assert len(read_ledger(place).entries) == 2


def test_a_locked_ledger_is_told(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WAIT", 0.2)
    with store.writing(find_place(filled)), pytest.raises(RiskcastError, match="locked by another program"):
        enter(filled)


def bad_file(folder: Path) -> Path:
    file = folder / "ledger.sqlite"
    file.write_bytes(b"this is no database" * 100)
    return file


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (bad_file, "is no ledger, nor any database of SQLite"),
        (lambda folder: folder, "cannot be opened"),
        (lambda folder: Path("/proc/nothing/ledger.sqlite"), "refused|cannot"),
    ],
)
def test_what_is_no_ledger_is_told_in_one_line(make: Callable[[Path], Path], told: str, tmp_path: Path) -> None:
    with pytest.raises(RiskcastError, match=told) as found:
        enter(str(make(tmp_path)))
    assert "\n" not in str(found.value)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    with store.writing(find_place(place)) as connection:
        append(connection, [QUESTION, FORECAST], "tester", MORNING)
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = place.read_bytes()
    place.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(RiskcastError, match=r"damaged|refused|no ledger"):
        read_ledger(place)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@127.0.0.1:1/nowhere",
        "postgresql://me:s3cret@[bad/nowhere",
        "mysql://me:s3cret@host/db",
        "postgresql://me:s3cret@127.0.0.1:port/db",
        "sqlite://",
    ],
)
def test_a_password_is_never_told(url: str) -> None:
    with pytest.raises(RiskcastError) as found:
        enter(url)
    assert "s3cret" not in str(found.value)
    assert "s3cret" not in repr(found.value.__cause__ or "")


def test_a_user_without_permission_is_told(socket: str) -> None:
    from tests.support.databases import new_database

    place = new_database(socket, "closed")
    enter(place)
    execute(place, "CREATE ROLE stranger LOGIN")
    other = place.replace("tester@", "stranger@")
    with pytest.raises(RiskcastError, match="permission"):
        read_ledger(other)


def test_reading_goes_on_while_somebody_writes(filled: str) -> None:
    with store.writing(find_place(filled)) as connection:
        append(connection, [LedgerForecast(QUESTION.id, "x", "person", 0.5, late=True)], "x", LATER)
        begun = time.monotonic()
        assert len(read_ledger(filled).entries) == 4
        assert time.monotonic() - begun < store.WAIT
    assert len(read_ledger(filled).entries) == 5
