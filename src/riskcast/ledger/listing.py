"""What a ledger holds as tables and plain data."""

from __future__ import annotations

import datetime as dt
from typing import Any

from riskcast.ledger.reading import LedgerContents
from riskcast.ledger.records import ENTERED, LedgerQuestion, to_row
from riskcast.machinery.tables import Column, Table
from riskcast.verification.forecasters import MODEL, forecaster_label


def questions_table(contents: LedgerContents, today: dt.date, *, only: str = "all", case: str | None = None) -> Table:
    """Questions, the latest first: all, those that are open, overdue (open, and the window is over), or answered."""
    waiting = {question.id for question in contents.waiting}
    overdue = {question.id for question in contents.overdue(today)}
    chosen = {"open": waiting, "overdue": overdue, "answered": set(contents.answers)}.get(only, set(contents.questions))
    rows = []
    for question in reversed(list(contents.questions.values())):
        if question.id not in chosen or case not in (None, question.case_name):
            continue
        said = contents.forecasts.get((question.id, MODEL))
        standing = contents.answers.get(question.id)
        state = standing[1].answer if standing else "overdue" if question.id in overdue else "open"
        chance = None if said is None else said[-1][1].probability
        rows.append((question.id, f"{question.label}, {question.unit_label}", question.last, chance, state))
    columns = (
        Column("question"),
        Column("what"),
        Column("until", form="day"),
        Column("riskcast", form="share"),
        Column("answer"),
    )
    return Table(f"Questions of the ledger {contents.place}", columns, rows)


def forecasts_table(contents: LedgerContents, question: LedgerQuestion) -> Table:
    """Every forecast of one question, superseded ones among them, in the order in which they were registered."""
    last = {said[-1][0].number for said in contents.forecasts.values()}
    rows = [
        (
            forecaster_label(forecast.forecaster),
            forecast.kind,
            forecast.probability,
            entry.entered.date(),
            "late" if forecast.late else "" if entry.number in last else "superseded",
            forecast.source,
        )
        for (name, _), said in contents.forecasts.items()
        if name == question.id
        for entry, forecast in said
    ]
    columns = (
        Column("forecaster"),
        Column("kind"),
        Column("probability", form="share"),
        Column("registered", form="day"),
        Column("note"),
        Column("source"),
    )
    return Table("Forecasts", columns, rows)


def question_lines(contents: LedgerContents, question: LedgerQuestion) -> list[tuple[str, str]]:
    """What is asked, and how it was answered, as names and texts."""
    lines = [
        ("Question", f"{question.id}: {question.text}"),
        ("Yes", question.rule),
        ("No", question.not_rule),
        ("Resolved by", question.resolved_by),
        ("Severity", f"{question.severity:g}"),
        ("Verified", "whether such an event is recorded"),
        ("Deadline", f"{question.deadline}, the last day for a forecast"),
        ("Case", f"{question.case_name} as of {question.as_of}, {question.case_hash[:12]}; run {question.run[:12]}"),
    ]
    for entry, answer in contents.history_of_answers.get(question.id, ()):
        day = f" on {answer.happened}" if answer.happened else ""
        how = "by rule" if answer.by_rule else "by hand"
        told = f"{answer.answer}{day}; {answer.source} ({how}, {entry.entered:%Y-%m-%d}, entry {entry.number})"
        lines.append(("Answer", told))
    if question.id not in contents.answers:
        lines.append(("Answer", "none yet"))
    return lines


def ledger_data(contents: LedgerContents) -> list[dict[str, Any]]:
    """Every entry as plain data, with all that its hash is made of: whoever has it can work the chain out again."""
    return [
        {
            "number": entry.number,
            "kind": entry.kind,
            "entered": entry.entered.strftime(ENTERED),
            "author": entry.author,
            "previous": entry.previous,
            "hash": entry.hash,
            "content": to_row(entry.content),
        }
        for entry in contents.entries
    ]
