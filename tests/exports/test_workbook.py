"""The workbook, opened by openpyxl: a sheet to brief from, every table, real numbers, and a set-up for paper."""

from __future__ import annotations

import io
import zipfile
from itertools import pairwise
from typing import Any

import openpyxl
import pytest

import riskcast
from riskcast.charts import canvas, theme
from riskcast.exports import tables as sheets, workbook
from tests.support import handover, smallpanel

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")


@pytest.fixture(scope="module")
def dossier() -> riskcast.Dossier:
    return handover.dossier()


@pytest.fixture(scope="module")
def content(dossier: riskcast.Dossier) -> bytes:
    return workbook.all_tables(dossier)


@pytest.fixture(scope="module")
def book(content: bytes) -> Any:
    return open_book(content)


def open_book(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def as_in_excel(number: float) -> Any:
    """A number as a workbook holds it: with 16 digits."""
    return pytest.approx(number, rel=1e-15)


def rows_of(sheet: Any, header: int = 1) -> list[list[Any]]:
    return [list(row) for row in sheet.iter_rows(min_row=header + 1)]


def row_of_header(sheet: Any) -> int:
    return next(row for row in range(1, 10) if sheet.cell(row, 2).value in ("Score", "Pair"))


def test_sheets_stand_in_the_order_of_reading(book: Any, dossier: riskcast.Dossier) -> None:
    assert book.sheetnames == [
        *("briefing", "scenarios", "scores", "exceedance", "probabilities", "by_period", "contributions", "acting"),
        *(
            "assumptions",
            "diagnostics",
            "score_differences",
            "probability_differences",
            "since_previous",
            *(["notes"] if "notes" in sheets.names_of_tables(dossier) else []),
            "columns",
            "provenance",
        ),
    ]
    assert book.active.title == "briefing"


def test_every_table_is_there_with_every_number(book: Any, dossier: riskcast.Dossier) -> None:
    for table in sheets.make_tables(dossier):
        sheet = book[table.name]
        assert [cell.value for cell in sheet[1]] == [column.name for column in table.columns]
        assert sheet.max_row == len(table.rows) + 1
        for shown, row in zip(rows_of(sheet), table.rows, strict=True):
            for cell, value, column in zip(shown, row, table.columns, strict=True):
                if isinstance(value, bool):
                    assert cell.value == ("yes" if value else "no")
                elif isinstance(value, float):
                    assert cell.value == as_in_excel(value)
                elif column.form == "day":
                    assert cell.value.date() == value
                else:
                    assert cell.value == (value or None)


def test_numbers_are_numbers_with_formats(book: Any) -> None:
    formats = {"score": "0.0", "probability": "0.0 %", "until": "d mmm yyyy", "points": "+0.0;−0.0;0.0"}
    for name, sheet in (("score", "scores"), ("probability", "probabilities"), ("until", "by_period")):
        place = [cell.value for cell in book[sheet][1]].index(name)
        assert {row[place].number_format for row in rows_of(book[sheet])} == {formats[name]}
        assert {row[place].data_type for row in rows_of(book[sheet])} <= {"n", "d"}
    place = [cell.value for cell in book["contributions"][1]].index("points")
    assert {row[place].number_format for row in rows_of(book["contributions"])} == {formats["points"]}


def test_the_first_sheet_says_what_it_is(book: Any, dossier: riskcast.Dossier) -> None:
    sheet = book["briefing"]
    assert sheet["A1"].value == dossier.case.settings.title
    about = sheet["A2"].value
    for part in ("As of 6 May 2024", "7 May 2024 to 6 May 2025", "Baseline", "Some assumptions are changed"):
        assert part in about
    foot = [row[0].value for row in rows_of(sheet) if row[0].value]
    assert foot[-1] == sheets.told(dossier)
    assert str(dossier.case.overlay_hash)[:12] in foot[-1]
    assert any(str(text).startswith("Limits. ") and dossier.case.settings.note in text for text in foot)
    assert any(str(text).startswith("Method. ") for text in foot)


def test_pairs_stand_by_score_beside_likely_outcomes_and_strong_drivers(book: Any, dossier: riskcast.Dossier) -> None:
    sheet = book["briefing"]
    colours = canvas.band_colours(dossier.case, theme.LIGHT)
    explanation = riskcast.explain(dossier.headline.forecast)
    at = row_of_header(sheet) + 1
    for dyad in sorted(dossier.headline.dyads, key=lambda dyad: -dyad.score.mean):
        name, score, low, high, band = (sheet.cell(at, column) for column in range(1, 6))
        assert (name.value, band.value) == (dyad.partner_name, dyad.band)
        assert (score.value, low.value, high.value) == tuple(
            as_in_excel(number) for number in (dyad.score.mean, dyad.score.low, dyad.score.high)
        )
        assert score.number_format == "0.0"
        assert band.fill.fgColor.rgb == f"FF{colours[dyad.band].removeprefix('#').upper()}"
        likeliest = sorted(dyad.outcomes, key=lambda outcome: -outcome.probability.mean)[:3]
        drivers = explanation.contributions[dyad.id][:3]
        for line, (outcome, driver) in enumerate(zip(likeliest, drivers, strict=True)):
            shown = [sheet.cell(at + line, column).value for column in range(6, 13)]
            chance = outcome.probability
            assert shown[0] == outcome.label
            assert shown[1:4] == [as_in_excel(number) for number in (chance.mean, chance.low, chance.high)]
            assert shown[4] == riskcast.estimative_words(chance.mean)
            assert shown[5:] == [driver.label, as_in_excel(driver.points)]
            assert "%" in sheet.cell(at + line, 7).number_format
        at += 3
    for line, outcome in enumerate(sorted(dossier.headline.shared, key=lambda o: -o.probability.mean)):
        assert sheet.cell(at + line, 6).value == outcome.label
        assert sheet.cell(at + line, 7).value == as_in_excel(outcome.probability.mean)


def test_what_moved_since_the_earlier_run_is_told(book: Any, dossier: riskcast.Dossier) -> None:
    assert dossier.previous is not None
    sheet = book["briefing"]
    at = row_of_header(sheet) + 1
    first = max(dossier.headline.dyads, key=lambda dyad: dyad.score.mean)
    old = next(dyad for dyad in dossier.previous.dyads if dyad.id == first.id)
    moved = f"{first.score.mean - old.score.mean:+.1f}".replace("-", "−")
    assert sheet.cell(at + 1, 1).value == f"{moved} since run of 6 May 2024"


def test_scenarios_stand_side_by_side_with_their_change(book: Any, dossier: riskcast.Dossier) -> None:
    sheet = book["scenarios"]
    change = riskcast.contrast(dossier.risks[1].forecast, dossier.headline.forecast)
    at = row_of_header(sheet) + 1 + 5
    assert sheet.cell(at, 1).value == dossier.risks[1].forecast.scenario.label
    for dyad in sorted(dossier.risks[1].dyads, key=lambda dyad: -dyad.score.mean):
        shown = [sheet.cell(at, column).value for column in range(2, 8)]
        moved = change.score[dyad.id]
        numbers = [as_in_excel(number) for number in (moved.mean, moved.low, moved.high)]
        assert shown == [dyad.partner_name, as_in_excel(dyad.score.mean), dyad.band, *numbers]
        at += 1


def test_bands_can_be_told_apart_without_colour() -> None:
    colours = list(canvas.band_colours(handover.published(), theme.LIGHT).values())
    grey = [canvas.luminance(colour) for colour in colours]
    assert all(light - dark > 0.08 for light, dark in pairwise(grey))
    assert all(canvas.contrast_ratio(c, canvas.ink_on(c, theme.LIGHT)) >= 4.5 for c in colours)


def test_every_sheet_is_set_up_for_paper_and_screen(book: Any) -> None:
    for sheet in book.worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == int(sheet.PAPERSIZE_A4)
        assert sheet.page_setup.fitToWidth in (None, 1), "one page wide, which is the default"
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert "&P" in sheet.oddFooter.right.text
        assert "central_asia_2024" in sheet.oddFooter.left.text
        if sheet.title not in ("briefing", "scenarios", "provenance"):
            assert sheet.freeze_panes == "B2"
            assert sheet.auto_filter.ref
            assert sheet.print_title_rows == "$1:$1"
    at = row_of_header(book["briefing"])
    assert book["briefing"].freeze_panes == f"B{at + 1}"
    assert book["briefing"].print_title_rows == f"${at}:${at}"


def test_the_properties_say_what_the_document_is(book: Any, dossier: riskcast.Dossier) -> None:
    properties = book.properties
    assert properties.title == dossier.case.settings.title
    assert properties.subject == "Risk scores as of 6 May 2024"
    assert properties.description == sheets.told(dossier)


def test_columns_and_provenance_are_told(book: Any, dossier: riskcast.Dossier) -> None:
    told = {(row[0].value, row[1].value): row[2].value for row in rows_of(book["columns"])}
    assert told["scores", "score"] == "points, 0 to 100"
    assert len(told) == sum(len(table.columns) for table in sheets.make_tables(dossier))
    found = {row[0].value: row[1].value for row in book["provenance"].iter_rows()}
    assert found["overlay_hash"] == dossier.case.overlay_hash
    assert found["scenarios"] == f"baseline, {handover.SCENARIO}"


def test_a_posterior_that_failed_its_checks_is_marked_on_paper_and_screen() -> None:
    marked = open_book(workbook.all_tables(handover.failed()))
    assert "FAILED" in marked["briefing"]["A3"].value
    for sheet in marked.worksheets:
        assert "CHECKS FAILED" in sheet.oddFooter.left.text
    assert "FAILED" not in str(open_book(workbook.all_tables(handover.single()))["briefing"]["A3"].value)


def test_texts_that_begin_like_formulas_are_text() -> None:
    content = workbook.all_tables(handover.baited())
    baits = {text.strip() for text in handover.BAITS}
    found = [cell for sheet in open_book(content) for row in sheet.iter_rows() for cell in row if cell.value in baits]
    assert len(found) > len(handover.BAITS)
    assert {cell.data_type for cell in found} == {"s"}
    assert all(cell.quotePrefix for cell in found)
    archive = zipfile.ZipFile(io.BytesIO(content))
    parts = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert not any(b"<f>" in part or b"<hyperlink" in part for part in parts)


def test_a_panel_of_many_pairs_shows_the_highest(monkeypatch: pytest.MonkeyPatch) -> None:
    posterior = riskcast.fit(smallpanel.panel_case(), draws=200, allow_unreliable=True)
    own = riskcast.make_dossier(riskcast.score(riskcast.forecast(posterior)))
    monkeypatch.setattr(workbook, "MOST_PAIRS", 1)
    book = open_book(workbook.all_tables(own))
    texts = [row[0].value for row in rows_of(book["briefing"]) if row[0].value]
    assert f"The 1 highest of {len(own.headline.dyads)} pairs; the sheet scores holds all." in texts
    assert book["scores"].max_row == len(own.headline.dyads) + 1


def test_one_table_stands_alone(dossier: riskcast.Dossier) -> None:
    book = open_book(workbook.one_table(dossier, sheets.make_table(dossier, "scores")))
    assert book.sheetnames == ["scores", "provenance"]
