"""All that a ledger holds, read at one moment, and what counts of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from riskcast.errors import UnknownNameError
from riskcast.ledger.entries import all_entries
from riskcast.ledger.places import LedgerPlace, find_place
from riskcast.ledger.records import Content, LedgerAnswer, LedgerEntry, LedgerForecast, LedgerQuestion
from riskcast.ledger.store import reading

LEAST_DIGITS = 4


@dataclass(frozen=True)
class LedgerContents:
    """Every entry of a ledger, from the first to the last."""

    place: str
    entries: tuple[LedgerEntry, ...]

    @cached_property
    def questions(self) -> Mapping[str, LedgerQuestion]:
        """The questions by id, in the order in which they were published."""
        return {e.content.id: e.content for e in self.entries if isinstance(e.content, LedgerQuestion)}

    @cached_property
    def forecasts(self) -> Mapping[tuple[str, str], tuple[tuple[LedgerEntry, LedgerForecast], ...]]:
        """By question and forecaster: all forecasts with their entries, each superseding the one before it."""
        found: dict[tuple[str, str], tuple[tuple[LedgerEntry, LedgerForecast], ...]] = {}
        for entry in self.entries:
            if isinstance(content := entry.content, LedgerForecast):
                key = content.question, content.forecaster
                found[key] = (*found.get(key, ()), (entry, content))
        return found

    @cached_property
    def answers(self) -> Mapping[str, tuple[LedgerEntry, LedgerAnswer]]:
        """By question: the answer that stands, with its entry."""
        return {e.content.question: (e, e.content) for e in self.entries if isinstance(e.content, LedgerAnswer)}

    @cached_property
    def history_of_answers(self) -> Mapping[str, tuple[tuple[LedgerEntry, LedgerAnswer], ...]]:
        """By question: every answer that was given, in order."""
        found: dict[str, tuple[tuple[LedgerEntry, LedgerAnswer], ...]] = {}
        for entry in self.entries:
            if isinstance(content := entry.content, LedgerAnswer):
                found[content.question] = (*found.get(content.question, ()), (entry, content))
        return found

    @property
    def waiting(self) -> tuple[LedgerQuestion, ...]:
        """Questions that have no answer yet."""
        return tuple(question for name, question in self.questions.items() if name not in self.answers)

    def overdue(self, day: dt.date) -> tuple[LedgerQuestion, ...]:
        """Questions without an answer whose window is over before a day."""
        return tuple(question for question in self.waiting if question.last < day)

    def today(self, now: dt.datetime) -> dt.date:
        """The day of an entry that is added now: a ledger never goes back in time, whatever the clock does."""
        return max([now, *(entry.entered for entry in self.entries[-1:])]).date()

    def of_cases(self, names: Collection[str]) -> LedgerContents:
        """The entries that are of some cases, by name."""
        own = {id for id, question in self.questions.items() if question.case_name in names}

        def is_theirs(content: Content) -> bool:
            return (content.id if isinstance(content, LedgerQuestion) else content.question) in own

        return replace(self, entries=tuple(entry for entry in self.entries if is_theirs(entry.content)))

    def question(self, name: str) -> LedgerQuestion:
        """The question of an id, of which the first four digits or more are enough; raises UnknownNameError where none
        begins so, or several do."""
        found = [each for each in self.questions if len(name) >= LEAST_DIGITS and each.startswith(name.lower())]
        if len(found) != 1:
            raise UnknownNameError("question", name, found or self.questions)
        return self.questions[found[0]]

    def __repr__(self) -> str:
        counts = f"{len(self.questions)} questions, {len(self.answers)} answered"
        return f"<LedgerContents of {self.place}: {counts}, {len(self.entries)} entries>"


def read_ledger(ledger: str | Path | LedgerPlace | None = None, *, upgrade: bool = True) -> LedgerContents:
    """All that a ledger holds; `ledger` is a file or a URL, by default RISKCAST_LEDGER or `ledger.sqlite` here.

    One of an earlier riskcast is brought up to date first, or refused where it may not be (`upgrade`). Raises
    OptionError where there is none, and RiskcastError where it cannot be read.
    """
    place = ledger if isinstance(ledger, LedgerPlace) else find_place(ledger)
    with reading(place, upgrade=upgrade) as connection:
        return LedgerContents(str(place), all_entries(connection))
