"""Triggers that refuse whatever would change a ledger, in both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from riskcast.ledger.tables import NOTHING_BEFORE

REFUSED: Final = "the ledger is append-only: nothing in it can be changed or removed, only superseded"
NAMES: Final = ("ledger_entries", "ledger_questions", "ledger_forecasts", "ledger_answers")

_LAST: Final = "(SELECT {} FROM ledger_entries ORDER BY number DESC LIMIT 1)"
# What must not hold of a new row, and what is said then. `IS DISTINCT FROM` is written otherwise in SQLite, which knows
# it from version 3.39 on only. Unique columns are named once more, as INSERT OR REPLACE removes whatever is in its way
# without asking the triggers that guard against removal.
RULES: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "ledger_entries": (
        (
            "next",
            f"coalesce(NEW.number, 0) <> coalesce({_LAST.format('number')}, 0) + 1",
            "an entry has the number after that of the last one",
        ),
        (
            "chain",
            f"coalesce(NEW.previous, '') <> coalesce({_LAST.format('hash')}, '{NOTHING_BEFORE}')",
            "an entry holds the hash of the one before it",
        ),
        (
            "later",
            f"coalesce(NEW.entered, '') < coalesce({_LAST.format('entered')}, '')",
            "an entry is no older than the one before it",
        ),
        ("once", "EXISTS (SELECT 1 FROM ledger_entries WHERE hash = NEW.hash)", "this entry is there already"),
    ),
    "ledger_questions": (
        (
            "kind",
            "NOT EXISTS (SELECT 1 FROM ledger_entries WHERE number = NEW.entry AND kind = 'question')",
            "a question belongs to an entry of its kind",
        ),
        (
            "once",
            "EXISTS (SELECT 1 FROM ledger_questions WHERE id = NEW.id OR entry = NEW.entry)",
            "this question is there already",
        ),
    ),
    "ledger_forecasts": (
        (
            "kind",
            "NOT EXISTS (SELECT 1 FROM ledger_entries WHERE number = NEW.entry AND kind = 'forecast')",
            "a forecast belongs to an entry of its kind",
        ),
        (
            "once",
            "EXISTS (SELECT 1 FROM ledger_forecasts WHERE entry = NEW.entry OR supersedes = NEW.supersedes "
            "OR (NEW.supersedes IS NULL AND question = NEW.question AND forecaster = NEW.forecaster))",
            "this forecaster has a forecast for this question; supersede its last one",
        ),
        (
            "own",
            "NEW.supersedes IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_forecasts WHERE "
            "entry = NEW.supersedes AND question = NEW.question AND forecaster = NEW.forecaster)",
            "a forecast supersedes one of the same forecaster for the same question",
        ),
        (
            "late",
            "NEW.late = 0 AND (EXISTS (SELECT 1 FROM ledger_questions q, ledger_entries e WHERE q.id = NEW.question "
            "AND e.number = NEW.entry AND substr(e.entered, 1, 10) > q.deadline) "
            "OR EXISTS (SELECT 1 FROM ledger_answers a WHERE a.question = NEW.question))",
            "a forecast that is registered after the deadline or the answer is late",
        ),
    ),
    "ledger_answers": (
        (
            "kind",
            "NOT EXISTS (SELECT 1 FROM ledger_entries WHERE number = NEW.entry AND kind = 'answer')",
            "an answer belongs to an entry of its kind",
        ),
        (
            "once",
            "EXISTS (SELECT 1 FROM ledger_answers WHERE entry = NEW.entry OR supersedes = NEW.supersedes "
            "OR (NEW.supersedes IS NULL AND question = NEW.question))",
            "this question is answered; supersede its last answer",
        ),
        (
            "own",
            "NEW.supersedes IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_answers WHERE "
            "entry = NEW.supersedes AND question = NEW.question)",
            "an answer supersedes one of the same question",
        ),
    ),
}


def sqlite_guards() -> dict[str, str]:
    """The statement that makes each trigger in SQLite, by name."""
    found = {}
    for table in NAMES:
        for verb in ("update", "delete"):
            found[f"{table}_no_{verb}"] = (
                f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
            )
        for name, wrong, told in RULES[table]:
            found[f"{table}_{name}"] = (
                f"CREATE TRIGGER {table}_{name} BEFORE INSERT ON {table} WHEN {wrong} "
                f"BEGIN SELECT RAISE(ABORT, '{told}'); END"
            )
    return found


def postgresql_guards() -> Iterator[str]:
    """The statements that make functions and triggers in PostgreSQL, which fire in every session, also in one that
    replays what others did."""
    yield (
        "CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
    )
    for table in NAMES:
        yield (
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        )
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
        )
        checks = " ".join(f"IF {wrong} THEN RAISE EXCEPTION '{told}'; END IF;" for _, wrong, told in RULES[table])
        yield (
            f"CREATE FUNCTION {table}_check() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {checks} RETURN NEW; END $$"
        )
        yield (f"CREATE TRIGGER {table}_check BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_check()")
    for table, name in postgresql_triggers():
        yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"


def postgresql_triggers() -> tuple[tuple[str, str], ...]:
    """Table and name of every trigger in PostgreSQL."""
    return tuple((table, f"{table}_{name}") for table in NAMES for name in ("no_change", "no_truncate", "check"))
