"""A ledger -> the track record of everybody who forecasts in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

from riskcast.errors import UnknownNameError
from riskcast.ledger.reading import LedgerContents, read_ledger
from riskcast.ledger.records import LedgerAnswer, LedgerEntry, LedgerForecast, LedgerQuestion
from riskcast.names import SYSTEM
from riskcast.verification.track_record import make_track_record
from riskcast.verification.track_rows import TrackRecord, TrackRow


def track(
    ledger: str | Path | LedgerContents | None = None,
    as_of: dt.date | None = None,
    *,
    case: str | None = None,
    count_late: bool = False,
) -> TrackRecord:
    """The track record that a ledger holds, of one case by name or of all, as of a day (today where none is given).

    Of each forecaster's forecasts of a question the last counts that was in time: by the deadline, and before the day
    of the event; where there is none, the last one is late. Raises what `read_ledger` raises, and UnknownNameError for
    a case that the ledger does not have.
    """
    contents = ledger if isinstance(ledger, LedgerContents) else read_ledger(ledger)
    day = dt.datetime.now(dt.UTC).date() if as_of is None else as_of
    names = sorted({question.case_name for question in contents.questions.values()})
    if case is not None and case not in names:
        raise UnknownNameError("case", case, names)
    meant = [q for q in contents.waiting if case in (None, q.case_name)]
    return make_track_record(
        track_rows(contents, case),
        day,
        count_late=count_late,
        waiting=len(meant),
        overdue=sum(question.last < day for question in meant),
    )


def outcome_names(contents: LedgerContents) -> dict[str, str]:
    """What outcomes and units are called, by id, as they were published last."""
    named = {question.outcome: question.label for question in contents.questions.values()}
    return named | {question.unit: question.unit_label for question in contents.questions.values()}


def track_rows(contents: LedgerContents, case: str | None = None) -> tuple[TrackRow, ...]:
    """Every answered forecast of a ledger that counts, of one case or of all."""
    return tuple(_rows(contents, case))


def _rows(contents: LedgerContents, case: str | None) -> Iterator[TrackRow]:
    for (name, forecaster), said in contents.forecasts.items():
        question, standing = contents.questions[name], contents.answers.get(name)
        if standing is None or case not in (None, question.case_name):
            continue
        told, answer = standing
        entry, forecast, late = _counting(said, question, answer)
        yield TrackRow(
            question=name,
            forecaster=forecaster,
            probability=forecast.probability,
            answer=answer.answer,
            day=entry.entered.date(),
            window=(question.first, question.last),
            # Dyads of a panel hardly share what befalls them.
            host=f"{question.case_name} {question.unit if question.host == SYSTEM else question.host}",
            outcome=question.outcome,
            unit=question.unit,
            kind=forecast.kind,
            late=late,
            told=told.entered.date(),
            happened=answer.happened,
            text=question.text,
        )


def _counting(
    said: Sequence[tuple[LedgerEntry, LedgerForecast]], question: LedgerQuestion, answer: LedgerAnswer
) -> tuple[LedgerEntry, LedgerForecast, bool]:
    """The last forecast that was in time; where there is none the last one, which is late."""
    for entry, forecast in reversed(said):
        day = entry.entered.date()
        known = answer.happened is not None and day >= answer.happened
        if not (forecast.late or known or day > question.deadline):
            return entry, forecast, False
    return *said[-1], True
