"""Published questions answered: from the record of a case by rule, or by hand with a source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from riskcast.case.model import Case
from riskcast.errors import OptionError, shorten, visible
from riskcast.ledger.entries import all_entries, append, now_of
from riskcast.ledger.places import find_place
from riskcast.ledger.publishing import changes_under
from riskcast.ledger.reading import LedgerContents
from riskcast.ledger.records import LedgerAnswer, LedgerEntry, LedgerQuestion
from riskcast.ledger.store import writing
from riskcast.names import ALL_DYADS, DISPUTED
from riskcast.record.arrays import Record, build_record
from riskcast.verification.resolution import Followed, what_followed
from riskcast.verification.track_rows import ANSWERS, IN_DISPUTE, NO, YES, Answer

MOST_SOURCE: Final = 500


@dataclass(frozen=True)
class Resolutions:
    """What became of a case's questions.

    entries: the answers that were added; open: questions that stay without one, and why; changed: answers that the
    record gives otherwise now than they stand, which are superseded only where that is asked for; told: severities
    and rules that changed under questions.
    """

    place: str
    entries: tuple[LedgerEntry, ...]
    open: tuple[tuple[LedgerQuestion, str], ...] = ()
    changed: tuple[tuple[LedgerQuestion, Answer, Answer], ...] = ()
    told: tuple[str, ...] = ()

    @property
    def answers(self) -> tuple[LedgerAnswer, ...]:
        """The answers that were added."""
        return tuple(e.content for e in self.entries if isinstance(e.content, LedgerAnswer))


def resolve(
    case: Case,
    ledger: str | Path | None = None,
    *,
    by: str = "",
    supersede: bool = False,
    now: dt.datetime | None = None,
) -> Resolutions:
    """Answer the open questions of a case from its record, as far as that can tell (`what_followed`).

    Yes where an event is dated within the window; no where the window is over and the record covers all of it without
    one; disputed where all events within it are; else the question stays open. A question whose rule the case now has
    in other words stays open too: the record may follow the new ones. What was answered from an earlier record and is
    otherwise now is told, and superseded where `supersede` is set. Raises OptionError where the ledger has no question
    of this case or there is none, or the case is an earlier edition than one from which a question was published.
    """
    place, at = find_place(ledger), now_of(now)
    record = build_record(case)

    @cache
    def followed(event: str, first: dt.date, last: dt.date, disputed: bool) -> Followed:
        # Questions about all units of an event type have one answer from the record together.
        return what_followed(case, record, event, first, last, disputed=disputed)

    with writing(place, begin=False) as connection:
        before = LedgerContents(str(place), all_entries(connection))
        _check_case(before, case)
        new: list[LedgerAnswer] = []
        left: list[tuple[LedgerQuestion, str]] = []
        changed: list[tuple[LedgerQuestion, Answer, Answer]] = []
        told: dict[str, tuple[str, ...]] = {}
        for question in (q for q in before.questions.values() if q.case_name == case.name):
            standing = before.answers.get(question.id)
            if standing is not None and not standing[1].by_rule:
                continue
            why = _not_answerable(case, question)
            if standing is None and _is_in(case, question):
                told.setdefault(question.outcome, tuple(_changes(case, question)))
            found = None if why else _answer(case, record, question, followed)
            if found is None:
                if standing is None:
                    left.append((question, why or _why_untold(case, question)))
                continue
            answer, happened, source = found
            if standing is not None:
                if (standing[1].answer, standing[1].happened) == (answer, happened):
                    continue
                changed.append((question, standing[1].answer, answer))
                if not supersede:
                    continue
            new.append(
                LedgerAnswer(
                    question.id,
                    answer,
                    happened,
                    source,
                    by_rule=True,
                    case_hash=case.hash,
                    known=case.as_of,
                    supersedes=None if standing is None else standing[0].number,
                )
            )
        author = shorten(visible(by), 100) or "riskcast resolve"
        entries = append(connection, new, author, at)
    return Resolutions(
        str(place), entries, tuple(left), tuple(changed), tuple(each for own in told.values() for each in own)
    )


def resolve_by_hand(
    question: str,
    answer: str,
    source: str,
    ledger: str | Path | None = None,
    *,
    happened: dt.date | None = None,
    by: str = "",
    supersede: bool = False,
    now: dt.datetime | None = None,
) -> LedgerEntry:
    """Answer one question by its id: yes, no, void (it cannot be answered, and is not scored), or disputed.

    Raises OptionError for an answer that is none of these or comes before it can be known, without a source, for a
    question that is answered, unless `supersede` puts this answer in the place of that one, or where there is no
    ledger.
    """
    place, at = find_place(ledger), now_of(now)
    given = next((each for each in ANSWERS if each == answer), None)
    if given is None:
        raise OptionError(f"the answer is {shorten(repr(answer), 40)}; give one of {', '.join(ANSWERS)}")
    told = " ".join(visible(source).split())
    if not told or len(told) > MOST_SOURCE:
        raise OptionError(
            f"an answer by hand needs a source of 1 to {MOST_SOURCE} characters; say who tells it, and where"
        )
    with writing(place, begin=False) as connection:
        before = LedgerContents(str(place), all_entries(connection))
        asked = before.question(question)
        today = before.today(at)
        standing = before.answers.get(asked.id)
        if standing is not None and not supersede:
            entry, was = standing
            wrong = f"question {asked.id} ({asked.text}) was answered {was.answer} on {entry.entered:%Y-%m-%d}"
            raise OptionError(f"{wrong} ({shorten(was.source, 80)}); add --supersede to answer it anew")
        if answer == NO and today <= asked.last:
            raise OptionError(f"question {asked.id} runs until {asked.last}; a no can be given from the day after")
        if happened is not None and answer not in (YES, IN_DISPUTE):
            raise OptionError(f"an event on {happened} and the answer {answer} exclude one another; leave one out")
        if happened is not None and not asked.first <= happened <= asked.last:
            wrong = f"{happened} is outside the window of question {asked.id}, {asked.first} to {asked.last}"
            raise OptionError(f"{wrong}; see the day, or answer no")
        if happened is not None and happened > today:
            raise OptionError(f"{happened} lies ahead; see the day")
        if answer == YES and happened is None:
            raise OptionError(
                "a yes needs the day of the event, as forecasts after it are late; give it with --happened"
            )
        made = LedgerAnswer(
            asked.id,
            given,
            happened,
            told,
            by_rule=False,
            case_hash="",
            known=today,
            supersedes=None if standing is None else standing[0].number,
        )
        [entry] = append(connection, [made], shorten(visible(by), 100) or "by hand", at)
    return entry


def _check_case(contents: LedgerContents, case: Case) -> None:
    own = [q for q in contents.questions.values() if q.case_name == case.name]
    if not own:
        known = ", ".join(sorted({q.case_name for q in contents.questions.values()})) or "none"
        raise OptionError(f"the ledger has no question of {case.name} (cases in it: {known}); give one of these")
    other = next((q for q in own if q.host != case.host), None)
    if other is not None:
        raise OptionError(
            f"the ledger's case {case.name} is of {other.host} ({other.title}), and this one of {case.host}; "
            "give the case that was published"
        )
    latest = max(own, key=lambda q: q.as_of)
    if case.as_of < latest.as_of:
        raise OptionError(
            f"{case.name} is as of {case.as_of}, and question {latest.id} was published as of {latest.as_of}; "
            "give the later edition of the case"
        )


def _changes(case: Case, question: LedgerQuestion) -> Iterable[str]:
    kind = case.events[question.outcome]
    return changes_under(question, float(kind.severity or 0.0), kind.resolution.rules)


def _is_in(case: Case, question: LedgerQuestion) -> bool:
    """Whether the case has the outcome and the unit of a question."""
    return question.outcome in case.events and question.unit in case.units(question.outcome)


def _not_answerable(case: Case, question: LedgerQuestion) -> str:
    """Why a record cannot answer a question at all, in words; empty where it can."""
    if not _is_in(case, question):
        return f"the case no longer has {question.outcome} in {question.unit}; answer it by hand"
    if case.events[question.outcome].resolution.rules != question.rules:
        return "its rule changed since it was published; answer it by hand"
    if case.as_of < question.first:
        return f"its window begins on {question.first}"
    return ""


def _answer(
    case: Case, record: Record, question: LedgerQuestion, followed: Callable[[str, dt.date, dt.date, bool], Followed]
) -> tuple[Answer, dt.date | None, str] | None:
    """What the record says: answer, day of the event, and where that stands; None where it cannot tell."""
    if case.panel is not None and record.timeline.index(question.last) >= record.timeline.length:
        return None
    place = case.units(question.outcome).index(question.unit)
    found, other = (followed(question.outcome, question.first, question.last, way) for way in (True, False))
    about = f"record of {case.name} as of {case.as_of}"
    if other.happened[place]:
        return YES, _first_day(case, question, disputed=False), about
    if found.happened[place]:
        return IN_DISPUTE, _first_day(case, question, disputed=True), about
    over = case.as_of >= question.last
    return (NO, None, about) if over and found.told[place] else None


def _first_day(case: Case, question: LedgerQuestion, disputed: bool) -> dt.date | None:
    """The first day of the first event of a question that its window holds; of a panel, that of its window."""
    days = [
        row.span[0]
        for row in case.event_rows
        if row.type == question.outcome
        and row.dyad in (question.unit, ALL_DYADS)
        and question.first <= row.span[0]
        and row.span[1] <= question.last
        and (disputed or row.status != DISPUTED)
    ]
    return min(days, default=question.first if case.panel is not None else None)


def _why_untold(case: Case, question: LedgerQuestion) -> str:
    if case.as_of < question.last:
        return f"its window runs until {question.last}"
    return "the record does not cover all of its window, or an event is known to the month or year alone"
