"""A ledger's database: opened, brought to today's tables, read and added to; what goes wrong is said in one line."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from riskcast.errors import OptionError, RiskcastError, shorten
from riskcast.ledger.places import LedgerPlace
from riskcast.ledger.tables import VERSION_TABLE

# How long a writer waits for another, in seconds.
WAIT: Final = 30.0
CONNECT_SECONDS: Final = 10
MIGRATIONS: Final = Path(__file__).with_name("migrations")
# Any number, the same for all: who holds it in a PostgreSQL database may add to the ledger there.
LOCK: Final = 7_475_636_574
OLDEST_SQLITE: Final = (3, 37)
BEGIN: Final = "begin one with: riskcast publish RUN"
UPGRADE: Final = "bring it up to date with: riskcast ledger verify"
# What is committed is on the disk, so that neither a killed process nor a lost power takes it away.
SETTINGS: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
READ_ONLY: Final = ("query_only = ON",)
MENDS: Final = (
    ("locked", "is locked by another program", "wait until that is done, then run again"),
    ("lock timeout", "is locked by another program", "wait until that is done, then run again"),
    ("not a database", "is no ledger, nor any database of SQLite", "name another file, or restore a copy of this one"),
    ("malformed", "is damaged", "restore a copy of it"),
    ("unable to open", "cannot be opened", "give a path within a folder that exists and that you may write to"),
    ("readonly", "may not be written to", "give yourself permission, also for its folder"),
    ("permission denied", "may not be written to by this user", "ask whoever runs the database for the permission"),
    ("disk is full", "cannot grow", "make room on the disk, then run again"),
    ("password authentication", "does not let this user in", "see the user's name and password"),
    ("connection failed", "cannot be reached", "see whether the server runs, and that host, port and name are right"),
    ("connection refused", "cannot be reached", "see whether the server runs, and that host, port and name are right"),
    ("could not translate host", "cannot be reached", "see whether the host's name is right"),
)


@contextmanager
def reading(place: LedgerPlace, *, upgrade: bool = True) -> Generator[Connection]:
    """A connection to a ledger that is there, for reading; all that is read is of one moment.

    One of an earlier riskcast is brought up to date first; without `upgrade` it is refused, and nothing is written.
    Raises OptionError where there is none, and RiskcastError where it cannot be read.
    """
    _check_there(place)
    with _telling(place), _connected(place, SETTINGS if upgrade else READ_ONLY) as connection:
        connection.exec_driver_sql(
            "BEGIN" if place.file is not None else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        )
        _check_begun(place, connection)
        if _version(connection) != _head():
            _is_known(place, connection)
            connection.rollback()
            if not upgrade:
                raise RiskcastError(f"{place} was written by an earlier riskcast; {UPGRADE}")
            _bring_up_to_date(place, connection)
        yield connection
        connection.rollback()


@contextmanager
def writing(place: LedgerPlace, *, begin: bool = True) -> Generator[Connection]:
    """A connection to a ledger for adding to it, begun where there is none; nobody else adds until it is done.

    All that is added is kept where nothing is raised, and else nothing. Raises RiskcastError where it cannot be
    written, or is locked for longer than `WAIT`; and unless it is to `begin` one, OptionError where there is none.
    """
    if not begin:
        _check_there(place)
    elif place.file is not None and not place.file.parent.is_dir():
        with _telling(place):
            place.file.parent.mkdir(parents=True, exist_ok=True)
    with _telling(place), _connected(place) as connection:
        if not begin:
            _check_begun(place, connection)
        _bring_up_to_date(place, connection)
        _alone(place, connection)
        yield connection
        connection.commit()


def _check_there(place: LedgerPlace) -> None:
    if place.file is not None and not place.file.exists():
        raise OptionError(f"there is no ledger at {place}; {BEGIN}")


def _check_begun(place: LedgerPlace, connection: Connection) -> None:
    if not inspect(connection).has_table(VERSION_TABLE):
        raise OptionError(f"{place} holds no ledger; {BEGIN}")


def guards_missing(connection: Connection) -> list[str]:
    """The triggers that a ledger should have and has not, or has in other words."""
    from riskcast.ledger.guards import postgresql_triggers, sqlite_guards

    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        kept = {row[0]: row[1] for row in found.all()}
        return [name for name, sql in sqlite_guards().items() if kept.get(name) != sql]
    found = connection.execute(text("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"))
    enabled = {name for name, how in found.all() if how in ("A", b"A")}
    return [name for _, name in postgresql_triggers() if name not in enabled]


def _engine(place: LedgerPlace, settings: Sequence[str]) -> Engine:
    if place.file is None:
        assert place.url is not None
        try:
            # Tables of texts and whole transactions: nothing that a pool would help with.
            return create_engine(place.url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_SECONDS})
        except ModuleNotFoundError:
            raise RiskcastError(
                "a ledger in PostgreSQL needs psycopg; install it with: pip install 'riskcast[postgres]'"
            ) from None
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        least = ".".join(map(str, OLDEST_SQLITE))
        raise RiskcastError(f"SQLite is {sqlite3.sqlite_version} here; a ledger needs {least} or later")
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(str(place.file), timeout=WAIT, isolation_level=None),
        poolclass=NullPool,
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, record: Any) -> None:
        for setting in settings:
            connection.execute(f"PRAGMA {setting}")

    return engine


@contextmanager
def _connected(place: LedgerPlace, settings: Sequence[str] = SETTINGS) -> Generator[Connection]:
    engine = _engine(place, settings)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _alone(place: LedgerPlace, connection: Connection) -> None:
    """Begin a transaction that only one writer can be in."""
    if place.file is not None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(WAIT * 1000)}")
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _head() -> str | None:
    return _scripts().get_current_head()


def _version(connection: Connection) -> str | None:
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _bring_up_to_date(place: LedgerPlace, connection: Connection) -> None:
    """Make or change the tables as today's program has them, in one transaction.

    Raises RiskcastError for tables of a later version, which this program would not understand.
    """
    if inspect(connection).has_table(VERSION_TABLE) and _is_known(place, connection) == _head():
        connection.rollback()
        return
    connection.rollback()
    _alone(place, connection)
    # Another writer may have made them meanwhile.
    if not (inspect(connection).has_table(VERSION_TABLE) and _is_known(place, connection) == _head()):
        scripts = _scripts()
        config = Config()
        with EnvironmentContext(
            config, scripts, fn=lambda revision, _: scripts._upgrade_revs("head", revision)
        ) as made:
            made.configure(connection=connection, version_table=VERSION_TABLE, transactional_ddl=True)
            with made.begin_transaction():
                made.run_migrations()
    connection.commit()


def _is_known(place: LedgerPlace, connection: Connection) -> str | None:
    found = _version(connection)
    if found is not None and found not in {each.revision for each in _scripts().walk_revisions()}:
        wrong = f"{place} was written by a later riskcast (its tables are of version {shorten(found, 20)})"
        raise RiskcastError(f"{wrong}; bring riskcast up to date")
    return found


@contextmanager
def _telling(place: LedgerPlace) -> Generator[None]:
    """Say in one line what went wrong with a database, without its password."""
    try:
        yield
    except DBAPIError as error:
        raise RiskcastError(_told(place, str(error.orig))) from None
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise RiskcastError(_told(place, str(error))) from None
    except OSError as error:
        raise RiskcastError(_told(place, error.strerror or str(error))) from None
    except UnicodeError:
        raise RiskcastError(f"the ledger {place} holds text that is no UTF-8; restore a copy of it") from None


def _told(place: LedgerPlace, said: str) -> str:
    said = " ".join(said.split())
    if place.secret:
        said = said.replace(place.secret, "***")
    said = shorten(said, 200)
    for sign, wrong, mend in MENDS:
        if sign in said.lower():
            return f"the ledger {place} {wrong} ({said}); {mend}"
    return f"the ledger {place} refused ({said}); nothing was added"
