"""The ledger's tables, as statements are built on them; `migrations` makes them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, Integer, MetaData, Table, Text
from sqlalchemy.types import REAL

# Of the entry before the first.
NOTHING_BEFORE: Final = "0" * 64
VERSION_TABLE: Final = "ledger_version"

_meta: Final = MetaData()
_number: Final = Double().with_variant(REAL(), "sqlite")


def _table(name: str, *columns: str, **numbers: type[Integer] | None) -> Table:
    """A table of texts, with columns of whole numbers (a type) and of others (None)."""
    kinds = {column: Integer() if kind is not None else _number for column, kind in numbers.items()}
    return Table(name, _meta, *(Column(each, kinds.get(each, Text())) for each in columns))


ENTRIES: Final = _table("ledger_entries", "number", "kind", "entered", "author", "previous", "hash", number=Integer)
QUESTIONS: Final = _table(
    "ledger_questions",
    *("entry", "id", "case_name", "title", "host", "case_hash", "run", "unit", "unit_label", "outcome", "label"),
    *("first", "last", "deadline", "rule", "not_rule", "resolved_by", "severity", "as_of"),
    entry=Integer,
    severity=None,
)
FORECASTS: Final = _table(
    "ledger_forecasts",
    *("entry", "question", "forecaster", "kind", "probability", "low", "high", "happens", "known", "source", "run"),
    *("late", "supersedes"),
    entry=Integer,
    probability=None,
    low=None,
    high=None,
    happens=None,
    late=Integer,
    supersedes=Integer,
)
ANSWERS: Final = _table(
    "ledger_answers",
    *("entry", "question", "answer", "happened", "source", "by_rule", "case_hash", "known", "supersedes"),
    entry=Integer,
    by_rule=Integer,
    supersedes=Integer,
)
OF_KIND: Final = {"question": QUESTIONS, "forecast": FORECASTS, "answer": ANSWERS}
TABLES: Final = (ENTRIES, *OF_KIND.values())
