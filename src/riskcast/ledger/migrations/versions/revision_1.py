"""The ledger's tables and what guards them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from riskcast.ledger.guards import postgresql_guards, sqlite_guards

revision = "1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make tables, indexes and triggers."""
    number = sa.Double().with_variant(sa.REAL(), "sqlite")

    def text(name: str, check: str = "", nullable: bool = False) -> sa.Column[str]:
        return sa.Column(name, sa.Text, *([sa.CheckConstraint(check)] if check else []), nullable=nullable)

    def day(name: str, nullable: bool = False) -> sa.Column[str]:
        return text(name, f"length({name}) = 10", nullable)

    def entry() -> sa.Column[int]:
        key = sa.ForeignKey("ledger_entries.number")
        return sa.Column("entry", sa.Integer, key, primary_key=True, autoincrement=False)

    def chance(name: str, nullable: bool = True) -> sa.Column[float]:
        return sa.Column(name, number, sa.CheckConstraint(f"{name} >= 0 AND {name} <= 1"), nullable=nullable)

    def flag(name: str) -> sa.Column[int]:
        return sa.Column(name, sa.Integer, sa.CheckConstraint(f"{name} IN (0, 1)"), nullable=False)

    def question() -> sa.Column[str]:
        return sa.Column("question", sa.Text, sa.ForeignKey("ledger_questions.id"), nullable=False)

    def supersedes(table: str) -> sa.Column[int]:
        return sa.Column("supersedes", sa.Integer, sa.ForeignKey(f"{table}.entry"), nullable=True, unique=True)

    op.create_table(
        "ledger_entries",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        text("kind", "kind IN ('question', 'forecast', 'answer')"),
        text("entered", "length(entered) = 27"),
        text("author"),
        text("previous", "length(previous) = 64"),
        sa.Column("hash", sa.Text, sa.CheckConstraint("length(hash) = 64"), nullable=False, unique=True),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_questions",
        entry(),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        *(text(each) for each in ("case_name", "title", "host", "case_hash", "run", "unit", "unit_label")),
        *(text(each) for each in ("outcome", "label")),
        *(day(each) for each in ("first", "last", "deadline")),
        *(text(each) for each in ("rule", "not_rule", "resolved_by")),
        sa.Column("severity", number, sa.CheckConstraint("severity >= 0 AND severity <= 100"), nullable=False),
        day("as_of"),
        sa.CheckConstraint("as_of < first AND first <= last AND deadline <= last"),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_forecasts",
        entry(),
        question(),
        text("forecaster", "length(forecaster) > 0"),
        text("kind", "kind IN ('model', 'person', 'crowd', 'reference')"),
        chance("probability", nullable=False),
        *(chance(each) for each in ("low", "high", "happens")),
        day("known", nullable=True),
        *(text(each) for each in ("source", "run")),
        flag("late"),
        supersedes("ledger_forecasts"),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_answers",
        entry(),
        question(),
        text("answer", "answer IN ('yes', 'no', 'void', 'disputed')"),
        day("happened", nullable=True),
        text("source", "length(source) > 0"),
        flag("by_rule"),
        text("case_hash"),
        day("known"),
        supersedes("ledger_answers"),
        sa.CheckConstraint("happened IS NULL OR answer IN ('yes', 'disputed')"),
        sqlite_strict=True,
    )
    for table, columns in (("ledger_forecasts", ["question", "forecaster"]), ("ledger_answers", ["question"])):
        first = sa.text("supersedes IS NULL")
        op.create_index(f"{table}_first", table, columns, unique=True, postgresql_where=first, sqlite_where=first)
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in sqlite_guards().values() if is_sqlite else postgresql_guards():
        op.get_bind().exec_driver_sql(statement)
