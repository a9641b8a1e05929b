"""A track record as a page and as data: whole, safe, and to its schema; and in the brief."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pypdf
from jsonschema import Draft202012Validator

import riskcast
from riskcast.exports.brief.files import brief_html, brief_pdf
from riskcast.exports.brief.track_section import track_section
from riskcast.exports.track_report import track_data, track_page, track_schema, write_track
from riskcast.verification.track_record import make_track_record
from riskcast.verification.track_rows import Kind, TrackRow
from tests.support import smallcase

TODAY = dt.date(2024, 1, 5)
WHO: list[tuple[str, float, Kind]] = [
    ("model", 0.3, "model"),
    ("<she>", 0.0, "person"),
    ("pooled_rate", 0.25, "reference"),
]


def rows() -> list[TrackRow]:
    found = []
    for month in range(1, 13):
        window = dt.date(2023, month, 1), dt.date(2023, month, 28)
        answer = "yes" if month % 4 == 0 else "disputed" if month == 5 else "no"
        common: dict[str, Any] = {"host": "small", "outcome": "protest", "unit": "HHH-AAA", "text": "Protest <b>&</b>"}
        for who, chance, kind in WHO:
            found.append(TrackRow(f"{month}", who, chance, answer, window[0], window, kind=kind, told=TODAY, **common))
    return found


def test_data_keep_to_the_schema_and_say_infinity_as_null(tmp_path: Path) -> None:
    record = make_track_record(rows(), TODAY, waiting=3, overdue=1)
    data = track_data(record, "ledger.sqlite")
    Draft202012Validator.check_schema(track_schema())
    Draft202012Validator(track_schema()).validate(json.loads(json.dumps(data)))
    she = next(each for each in data["forecasters"] if each["forecaster"] == "<she>")
    assert she["log_score"]["value"] is None
    page = write_track(record, tmp_path / "track", "ledger.sqlite")
    assert json.loads((page.parent / "track.json").read_text(encoding="utf-8")) == json.loads(json.dumps(data))


def test_the_page_stands_alone_and_texts_are_words() -> None:
    page = track_page(make_track_record(rows(), TODAY), "ledger.sqlite", {"protest": "Protest"})
    assert "&lt;she&gt;" in page
    assert "<she>" not in page
    assert "<b>&</b>" not in page
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")
    for heading in ("Last month", "Who beats whom", "Reliability", "By outcome", "1 question is disputed"):
        assert heading in page, heading


def test_an_empty_record_says_what_to_do_next() -> None:
    empty = make_track_record([], TODAY)
    assert "riskcast publish RUN" in track_page(empty)
    assert "riskcast publish RUN" in " ".join(track_section(empty).sentences)
    waiting = make_track_record([], TODAY, waiting=4, overdue=2)
    assert "2 questions wait though their window is over: riskcast resolve CASE" in track_page(waiting)


def test_the_brief_has_verdict_biases_and_scores() -> None:
    section = track_section(make_track_record(rows(), TODAY))
    told = " ".join(section.sentences)
    assert "12 questions answered" in told
    assert "<she> says 0 % on average where 33 % came: too low by" in told
    assert section.misses
    assert section.scores is not None
    assert [row[0] for row in section.scores.rows] == ["riskcast", "<she>", "base rate, pooled"]


def test_both_forms_of_the_brief_hold_the_section(tmp_path: Path) -> None:
    case = riskcast.load_case(smallcase.write_files(tmp_path / "small"))
    risk = riskcast.score(riskcast.forecast(riskcast.fit(case, draws=100, seed=1)))
    without = brief_html(riskcast.make_dossier(risk))
    dossier = riskcast.make_dossier(risk, track=make_track_record(rows(), TODAY))
    page = brief_html(dossier)
    assert "Were we right?" in page
    assert "Were we right?" not in without
    assert "12 questions answered" in page
    assert "<she>" not in page
    printed = " ".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(brief_pdf(dossier))).pages)
    assert "12 questions answered" in " ".join(printed.split())
