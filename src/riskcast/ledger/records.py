"""What a ledger holds, as records: questions, forecasts, answers, and the entries that keep them in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final, get_type_hints

from riskcast.machinery.digests import digest
from riskcast.verification.track_rows import Answer, Kind

ID_LENGTH: Final = 12
ENTERED: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class LedgerQuestion:
    """A question that was published: does an outcome happen in a unit within a window, by a rule?

    What is verified is whether an event is recorded. case_name, title, host, case_hash, run, as_of: where it comes
    from; first, last: the window; deadline: the last day on which a forecast is in time; rule, not_rule, resolved_by:
    when it counts, when not, who says so.
    """

    id: str
    case_name: str
    title: str
    host: str
    case_hash: str
    run: str
    unit: str
    unit_label: str
    outcome: str
    label: str
    first: dt.date
    last: dt.date
    deadline: dt.date
    rule: str
    not_rule: str
    resolved_by: str
    severity: float
    as_of: dt.date

    @property
    def text(self) -> str:
        """The question in words."""
        return f"{self.label}, {self.unit_label}, {self.first} to {self.last}"

    @property
    def rules(self) -> tuple[str, str, str]:
        """What a question is resolved by."""
        return self.rule, self.not_rule, self.resolved_by


@dataclass(frozen=True)
class LedgerForecast:
    """A forecaster's probability of one question.

    probability: that an event is recorded, with its 90 % interval where there is one; happens: that one happens, as
    far as the model tells both apart; known: the day of what the forecaster knew, where that is stated; late: whether
    it was registered after the deadline or the answer; supersedes: the entry of the forecast that it takes the place
    of.
    """

    question: str
    forecaster: str
    kind: Kind
    probability: float
    low: float | None = None
    high: float | None = None
    happens: float | None = None
    known: dt.date | None = None
    source: str = ""
    run: str = ""
    late: bool = False
    supersedes: int | None = None


@dataclass(frozen=True)
class LedgerAnswer:
    """How a question was answered: happened is the day of the event, by_rule whether the record of a case said so,
    known that record's day, or that on which the answer was given by hand."""

    question: str
    answer: Answer
    happened: dt.date | None
    source: str
    by_rule: bool
    case_hash: str
    known: dt.date
    supersedes: int | None = None


Content = LedgerQuestion | LedgerForecast | LedgerAnswer
KIND_OF: Final[dict[type[Content], str]] = {
    LedgerQuestion: "question",
    LedgerForecast: "forecast",
    LedgerAnswer: "answer",
}
OF_KIND: Final = {kind: record for record, kind in KIND_OF.items()}


@dataclass(frozen=True)
class LedgerEntry:
    """One entry of a ledger: its content, who made it and when (UTC), and its receipt: the hash of all that and of the
    entry before it."""

    number: int
    kind: str
    entered: dt.datetime
    author: str
    previous: str
    hash: str
    content: Content


def question_id(case_name: str, unit: str, outcome: str, window: tuple[dt.date, dt.date], rules: Any) -> str:
    """What a question is known by: the first digits of the sha256 of what makes it this question."""
    days = [day.isoformat() for day in window]
    return digest({"case": case_name, "unit": unit, "outcome": outcome, "window": days, "rules": list(rules)})[
        :ID_LENGTH
    ]


def to_row(content: Content) -> dict[str, Any]:
    """A record as the columns of its table, without the entry."""
    return {each.name: _plain(getattr(content, each.name)) for each in fields(content)}


def from_row(kind: str, row: Mapping[str, Any]) -> Content:
    """The record of a table's row; raises ValueError where it is none."""
    record = OF_KIND[kind]
    return record(**{name: _read(row[name], hint) for name, hint in _hints(record).items()})


@cache
def _hints(record: type[Content]) -> Mapping[str, Any]:
    """Types of a record's fields; a ledger of a year has ten thousand rows."""
    hints = get_type_hints(record)
    return {each.name: hints[each.name] for each in fields(record)}


def receipt(number: int, kind: str, entered: str, author: str, previous: str, row: Mapping[str, Any]) -> str:
    """The hash of an entry: sha256 over its number, kind, time, author, content, and the hash of the one before it."""
    return digest(
        {
            "number": number,
            "kind": kind,
            "entered": entered,
            "author": author,
            "previous": previous,
            "content": dict(row),
        }
    )


def read_time(text: str) -> dt.datetime:
    """The time of an entry; raises ValueError for a text that is none."""
    return dt.datetime.strptime(text, ENTERED).replace(tzinfo=dt.UTC)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value


def _read(value: Any, hint: Any) -> Any:
    if value is None:
        return None
    if hint in (dt.date, dt.date | None):
        return dt.date.fromisoformat(value)
    return bool(value) if hint is bool else value
