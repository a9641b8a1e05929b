"""A track record -> a folder to keep: a page, and plain data that keeps to a schema."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypedDict

from pydantic import ConfigDict, Field, TypeAdapter, with_config

from riskcast.exports.files import json_bytes, write_all
from riskcast.exports.html_pages import Figure, render_page
from riskcast.forecasting.lineage import rounded
from riskcast.machinery.staging import write_folder
from riskcast.machinery.tables import Table
from riskcast.numbers import long_date, share, signed, skill as skill_text
from riskcast.verification.measured import Measured
from riskcast.verification.track_rows import ForecasterRecord, TrackRecord, TrackRow
from riskcast.verification.track_tables import HEADINGS, forecasters_table, misses_table, pairs_table, slices_table
from riskcast.verification.track_words import (
    TRACK_WORDS,
    bias_in_words,
    disputed_in_track,
    left_out_in_words,
    misses_in_words,
    pair_in_words,
    track_verdict,
)
from riskcast.verification.verdicts import label_of
from riskcast.version import __version__

NAME: Final = "track.json"
PAGE: Final = "index.html"
STAGE: Final = ".riskcast-track-"
FORMAT: Final = 1
FEWEST_CURVE: Final = 10
STRICT: Final = ConfigDict(extra="forbid")

Chance = Annotated[float, Field(ge=0, le=1)]
Whole = Annotated[int, Field(ge=0)]
Ends = tuple[float, float]


@with_config(STRICT)
class MeasuredPart(TypedDict):
    """A number with its 90 % interval, whose ends are null where there is none."""

    value: float | None
    low: float | None
    high: float | None


@with_config(STRICT)
class ForecasterPart(TypedDict):
    """How one forecaster did; ranges, where questions are disputed, are of every way to decide them."""

    forecaster: str
    label: str
    kind: Literal["model", "person", "crowd", "reference"]
    questions: Whole
    events: Whole
    disputed: Whole
    brier: MeasuredPart
    log_score: MeasuredPart
    mean_forecast: Chance
    frequency: Chance
    bias: MeasuredPart
    brier_range: Ends | None
    bias_range: Ends | None
    in_words: str


@with_config(STRICT)
class PairPart(TypedDict):
    """Two forecasters on what both answered; more: further questions that would tell them apart."""

    forecaster: str
    against: str
    questions: Whole
    difference: MeasuredPart
    skill: MeasuredPart | None
    difference_range: Ends | None
    more: Whole | None
    in_words: str


@with_config(STRICT)
class SlicePart(TypedDict):
    """One forecaster on one outcome, unit or horizon."""

    by: Literal["outcome", "unit", "horizon"]
    name: str
    forecaster: str
    label: str
    questions: Whole
    events: Whole
    brier: MeasuredPart
    bias: MeasuredPart


@with_config(STRICT)
class RowPart(TypedDict):
    """One answered forecast."""

    question: str
    text: str
    forecaster: str
    label: str
    kind: Literal["model", "person", "crowd", "reference"]
    probability: Chance
    answer: Literal["yes", "no", "void", "disputed"]
    registered: str
    first: str
    last: str
    outcome: str
    unit: str
    horizon: str
    late: bool
    answered: str | None
    happened: str | None


@with_config(STRICT)
class TrackFile(TypedDict):
    """A track record: what became of published forecasts."""

    format: Literal[1]
    riskcast_version: str
    ledger: str
    as_of: str
    questions: Whole
    void: Whole
    late: Whole
    waiting: Whole
    overdue: Whole
    verdict: str
    detail: str
    last_month: str
    left_out: str
    forecasters: list[ForecasterPart]
    pairs: list[PairPart]
    slices: list[SlicePart]
    misses: list[RowPart]
    rows: list[RowPart]


def track_data(record: TrackRecord, place: str = "") -> dict[str, Any]:
    """A track record as plain data that keeps to `track_schema()`; raises ValueError if it did not.

    >>> import datetime as dt
    >>> from riskcast.verification.track_record import make_track_record
    >>> track_data(make_track_record([], dt.date(2024, 5, 6)))["questions"]
    0
    """
    verdict = track_verdict(record)
    data = {
        "format": FORMAT,
        "riskcast_version": __version__,
        "ledger": place,
        "as_of": record.as_of.isoformat(),
        **{name: getattr(record, name) for name in ("questions", "void", "late", "waiting", "overdue")},
        "verdict": verdict.headline,
        "detail": verdict.detail,
        "last_month": misses_in_words(record),
        "left_out": left_out_in_words(record),
        "forecasters": [_forecaster(each) for each in record.forecasters],
        "pairs": [
            {
                "forecaster": pair.forecaster,
                "against": pair.against,
                "questions": pair.questions,
                "difference": _measured(pair.difference),
                "skill": None if pair.skill is None else _measured(pair.skill),
                "difference_range": pair.difference_range,
                "more": pair.more,
                "in_words": pair_in_words(pair),
            }
            for pair in record.pairs
        ],
        "slices": [
            {
                "by": part.by,
                "name": part.name,
                "forecaster": part.forecaster,
                "label": label_of(part.forecaster),
                "questions": part.questions,
                "events": part.events,
                "brier": _measured(part.brier),
                "bias": _measured(part.bias),
            }
            for part in record.slices
        ],
        "misses": [_row(row) for row in record.misses],
        "rows": [_row(row) for row in record.rows],
    }
    _shape().validate_python(data, strict=True)
    return data


def track_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `track.json`: strict, no other keys are allowed."""
    front = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return front | _shape().json_schema() | {"title": NAME}


@cache
def _shape() -> TypeAdapter[Any]:
    return TypeAdapter(TrackFile)


def write_track(
    record: TrackRecord, folder: str | Path, place: str = "", names: Mapping[str, str] | None = None
) -> Path:
    """Write a track record's page and data to a folder, all or none; returns the page.

    names: outcomes and units as people call them.
    """
    folder = Path(folder)
    contents = {PAGE: track_page(record, place, names).encode(), NAME: json_bytes(track_data(record, place))}
    write_folder(folder, lambda made: write_all(made, contents), STAGE, last=(PAGE,))
    return folder / PAGE


def track_page(record: TrackRecord, place: str = "", names: Mapping[str, str] | None = None) -> str:
    """A track record as one page of HTML: last month's misses, verdict, scores, reliability, slices, how to read it."""
    from riskcast.charts import verification as charts

    own = record.forecasters
    curves = {each.forecaster: each.reliability for each in own if each.questions >= FEWEST_CURVE}
    limit = charts.reliability_limit(curves) if curves else 1.0
    drawn = [
        charts.to_svg(charts.reliability_chart({name: curve}, limit=limit, stretched=charts.is_rare(curves)))
        for name, curve in curves.items()
    ]
    cut = {part.by for part in record.slices}
    slices: list[tuple[str, Table]] = [(HEADINGS[by], slices_table(record, by, names)) for by in HEADINGS if by in cut]
    left = left_out_in_words(record)
    shown = {
        "misses": "Last month" if own else "",
        "scores": "Scores" if own else "",
        "pairs": "Who beats whom" if record.pairs else "",
        "reliability": "Reliability" if drawn else "",
        "slices": "By outcome, dyad and horizon" if slices else "",
        "words": "How to read",
    }
    verdict = track_verdict(record)
    return render_page(
        "track",
        title="Track record",
        summary=[f"What became of published forecasts, as of {long_date(record.as_of)}."],
        provenance={"Ledger": place or "not told", "riskcast": __version__},
        cautions=[left] if left else [],
        words=TRACK_WORDS,
        verdict=verdict,
        figures=_figures(record),
        contents=[(anchor, name) for anchor, name in shown.items() if name],
        told=misses_in_words(record) if own else "",
        misses=misses_table(record) if record.misses else None,
        biases=[bias_in_words(each) for each in own],
        disputed=[told for each in own[:1] if (told := disputed_in_track(each))],
        scores=forecasters_table(record) if own else None,
        pairs=pairs_table(record) if record.pairs else None,
        pair_words=[pair_in_words(pair) for pair in record.pairs],
        charts=drawn,
        slices=slices,
    )


def _figures(record: TrackRecord) -> list[Figure]:
    waiting = f"{record.waiting:,} wait" if record.waiting else ""
    found = [Figure("Questions answered", f"{record.questions:,}", waiting)]
    if not record.forecasters:
        return found
    first = record.forecasters[0]
    name = label_of(first.forecaster)
    found.append(Figure("Came true", f"{first.events:,}", f"{share(first.frequency)} of those that {name} forecast"))
    found.append(Figure("Bias", f"{signed(100 * first.bias.value, 0)} points", f"of {name}"))
    pairs = [pair for pair in record.pairs if pair.forecaster == first.forecaster and pair.skill is not None]
    if pairs:
        worst = max(pairs, key=lambda pair: pair.difference.value)
        assert worst.skill is not None
        value, ends = skill_text(worst.skill)
        found.append(Figure("Brier skill", value, f"{ends}, against {label_of(worst.against)}".lstrip(", ")))
    return found


def _forecaster(each: ForecasterRecord) -> dict[str, Any]:
    return {
        "forecaster": each.forecaster,
        "label": label_of(each.forecaster),
        "kind": each.kind,
        "questions": each.questions,
        "events": each.events,
        "disputed": each.disputed,
        "brier": _measured(each.brier),
        "log_score": _measured(each.log_score),
        "mean_forecast": each.mean_forecast,
        "frequency": each.frequency,
        "bias": _measured(each.bias),
        "brier_range": each.brier_range,
        "bias_range": each.bias_range,
        "in_words": bias_in_words(each),
    }


def _row(row: TrackRow) -> dict[str, Any]:
    return {
        "question": row.question,
        "text": row.text,
        "forecaster": row.forecaster,
        "label": label_of(row.forecaster),
        "kind": row.kind,
        "probability": row.probability,
        "answer": row.answer,
        "registered": row.day.isoformat(),
        "first": row.window[0].isoformat(),
        "last": row.window[1].isoformat(),
        "outcome": row.outcome,
        "unit": row.unit,
        "horizon": row.horizon,
        "late": row.late,
        "answered": _day(row.told),
        "happened": _day(row.happened),
    }


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def _measured(found: Measured) -> dict[str, float | None]:
    return {name: rounded(getattr(found, name)) for name in ("value", "low", "high")}
