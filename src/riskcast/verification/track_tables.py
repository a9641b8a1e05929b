"""A track record as tables: forecasters, pairs, misses, slices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from riskcast.machinery.tables import Cell, Column, Table
from riskcast.numbers import digits_of, has_ends, leaves_out_zero, number, signed, signed_ends
from riskcast.verification.measured import Measured
from riskcast.verification.track_rows import By, TrackRecord
from riskcast.verification.track_words import MOST_MORE
from riskcast.verification.verdicts import label_of

HEADINGS: Final[Mapping[By, str]] = {"outcome": "By outcome", "unit": "By dyad", "horizon": "By horizon"}
WIDE: Final = 40


def forecasters_table(record: TrackRecord) -> Table:
    """Scores of every forecaster, with bias in points; the best scores are marked."""
    own = record.forecasters
    best = min((each.brier.value for each in own), default=0.0)
    lowest = min((each.log_score.value for each in own), default=0.0)
    digits = max(3, min(4, digits_of(each.brier for each in own)))
    rows = [
        (
            Cell(label_of(each.forecaster), each.kind, "first" if place == 0 else ""),
            Cell(each.questions, f"{each.events:,} came"),
            Cell(each.brier, mark="best" if each.brier.value == best else ""),
            Cell(each.log_score, mark="best" if each.log_score.value == lowest else ""),
            each.mean_forecast,
            each.frequency,
            _points(each.bias),
        )
        for place, each in enumerate(own)
    ]
    columns = (
        Column("Forecaster"),
        Column("Questions", form="count"),
        Column("Brier", form="measured", digits=digits),
        Column("Log score", form="measured", digits=digits),
        Column("Said", form="proportion"),
        Column("Came", form="proportion"),
        Column("Bias, points", form="text"),
    )
    about = "Lower scores are better. Small: 90 % intervals. Forecasters may have answered different questions."
    return Table(about, columns, rows)


def pairs_table(record: TrackRecord) -> Table:
    """Each forecaster against each rival, on the questions that both answered."""
    rows = [
        (
            Cell(label_of(pair.forecaster), f"against {label_of(pair.against)}"),
            pair.questions,
            pair.skill,
            Cell(pair.difference),
            _more(pair.more, pair.difference),
        )
        for pair in record.pairs
    ]
    columns = (
        Column("Forecaster"),
        Column("Questions", form="count"),
        Column("Skill", form="skill"),
        Column("Brier less", form="measured", digits=4),
        Column("More questions", form="text"),
    )
    about = "On the questions that both answered. Skill above 0 and a difference below 0 favour the forecaster."
    return Table(about, columns, rows)


def misses_table(record: TrackRecord) -> Table:
    """The last month's misses, the worst first."""
    rows = [
        (
            Cell(row.text or row.question, row.question),
            label_of(row.forecaster),
            row.probability,
            row.answer,
            row.day,
        )
        for row in record.misses
    ]
    columns = (
        Column("Question", width=WIDE),
        Column("Forecaster"),
        Column("Said", form="share"),
        Column("Answer"),
        Column("Registered", form="day"),
    )
    return Table("Forecasts that gave what came less than one half, the worst first", columns, rows)


def slices_table(record: TrackRecord, by: By, names: Mapping[str, str] | None = None) -> Table:
    """Each forecaster's scores by outcome, dyad or horizon."""
    called = dict(names or {})
    rows: list[tuple[object, ...]] = []
    last = None
    for part in (each for each in record.slices if each.by == by):
        if part.name != last:
            rows.append((Cell(called.get(part.name, part.name)),))
            last = part.name
        rows.append(
            (
                label_of(part.forecaster),
                Cell(part.questions, f"{part.events:,} came"),
                Cell(part.brier),
                _points(part.bias),
            )
        )
    columns = (
        Column("Forecaster"),
        Column("Questions", form="count"),
        Column("Brier", form="measured", digits=3),
        Column("Bias, points", form="text"),
    )
    return Table("Lower Brier scores are better. Small: 90 % intervals.", columns, rows)


def _points(bias: Measured) -> Cell:
    """A bias in points with its interval, marked where it can be told."""
    ends = signed_ends(bias, 0, 100) if has_ends(bias) else ""
    return Cell(signed(100 * bias.value, 0), ends, "bad" if leaves_out_zero(bias) else "")


def _more(more: int | None, difference: Measured) -> str:
    if leaves_out_zero(difference):
        return "told"
    if more is None:
        return "–"
    return f"{MOST_MORE:,}+" if more > MOST_MORE else number(more, 0)
