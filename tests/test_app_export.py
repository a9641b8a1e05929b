"""Files of the page Export: opened again by other readers, they carry the numbers of `riskcast.score`."""

from __future__ import annotations

import csv
import io
import json
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
import smallpanel
from PIL import Image
from streamlit.testing.v1 import AppTest

import riskcast
from riskcast import forecast_charts, theme

sys.path.insert(0, str(Path(__file__).parents[1] / "app"))

import downloads
import pictures
import results
import session
import uploads
import workbook
from downloads import Report
from pictures import Wish
from session import View
from views import export

CHANGES = {
    "indicators.xenophobia.now": {"median": 55.0, "interval": [47.0, 63.0]},
    "hyperpriors.persistence": {"value": 0.7},
}
SCENARIO = "second_attack"
ORIGIN = ("case", "as_of", "case_hash", "overlay_hash", "scenario", "engine", "draws", "seed", "riskcast_version")
BAITS = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", '=HYPERLINK("http://127.0.0.1","x")')


def report_of(view: View) -> Report:
    return Report(results.current(view), view.case, lambda: results.explained(view))


@pytest.fixture(scope="module")
def view() -> View:
    return View(riskcast.load_case("central_asia_2024"), CHANGES, SCENARIO)


@pytest.fixture(scope="module")
def report(view: View) -> Report:
    return report_of(view)


@pytest.fixture(scope="module")
def overlay(view: View, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The downloaded overlay."""
    file = tmp_path_factory.mktemp("overlay") / "My_view.yaml"
    file.write_text(riskcast.overlay_text(view.changes, "My view"), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def risk(overlay: Path) -> riskcast.Risk:
    """The scores that a notebook makes from the downloaded overlay, without anything of the app."""
    case = riskcast.apply_overlay(riskcast.load_case("central_asia_2024"), *riskcast.load_overlay(overlay))
    return riskcast.score(riskcast.forecast(riskcast.fit(case, draws=1000, seed=1), SCENARIO))


@pytest.fixture(scope="module")
def baited() -> Report:
    """A small forecast of a case whose texts begin like formulas."""
    case = riskcast.load_case("central_asia_2024")
    outcomes = list(case.events)
    events = {
        name: event.model_copy(update={"label": BAITS[outcomes.index(name) % len(BAITS)]})
        for name, event in case.events.items()
    }
    evidence = {"basis": "judgement", "claim": BAITS[0]}
    changes = {"indicators.xenophobia.now": {"median": 50.0, "interval": [40.0, 60.0], "evidence": evidence}}
    case = riskcast.apply_overlay(case.revised(events=events), changes)
    posterior = riskcast.fit(case, draws=200, allow_unreliable=True)
    ahead = riskcast.forecast(posterior)
    result = results.Result(case, posterior, ahead, riskcast.score(ahead))
    return Report(result, case, lambda: riskcast.explain(ahead, paths=50))


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def sheets_of(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def cells_of(sheet: Any) -> list[dict[str, Any]]:
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_scores_as_csv(report: Report, risk: riskcast.Risk) -> None:
    rows = rows_of(downloads.to_csv(report, downloads.score_table(report)))
    found = [(r["dyad"], float(r["score"]), float(r["low"]), float(r["high"]), r["band"]) for r in rows]
    assert found == [(d.id, d.score.mean, d.score.low, d.score.high, d.band) for d in risk.dyads]


def test_probabilities_as_csv(report: Report, risk: riskcast.Risk) -> None:
    rows = rows_of(downloads.to_csv(report, downloads.probability_table(report)))
    found = {
        (r["unit"], r["event"]): (float(r["probability"]), float(r["low"]), float(r["high"]), r["words"]) for r in rows
    }
    host = risk.forecast.case.host
    told = [(d.id, o) for d in risk.dyads for o in d.outcomes] + [(host, o) for o in risk.shared]
    assert len(told) > 50
    for unit, o in told:
        assert found[unit, o.id] == (o.probability.mean, o.probability.low, o.probability.high, o.words)
    assumed = {r["event"] for r in rows if r["assumed"] == "yes"}
    assert assumed == {event.event for event in risk.forecast.scenario.events}


def test_probabilities_by_month_as_csv(report: Report, risk: riskcast.Risk) -> None:
    rows = rows_of(downloads.to_csv(report, downloads.month_table(report)))
    first = risk.dyads[0]
    for outcome in first.outcomes:
        path = [r for r in rows if (r["unit"], r["event"]) == (first.id, outcome.id)]
        assert [float(r["probability"]) for r in path] == list(outcome.by_period)
        assert [int(r["month"]) for r in path] == list(range(1, 13))
        assert (path[0]["until"], path[-1]["until"]) == ("2024-06-06", "2025-05-06")


def test_contributions_as_csv_add_up_to_the_score(report: Report, risk: riskcast.Risk) -> None:
    rows = rows_of(downloads.to_csv(report, downloads.contribution_table(report)))
    for dyad in risk.dyads:
        own = [float(r["points"]) for r in rows if r["dyad"] == dyad.id]
        assert len(own) > 10
        assert sum(own) == pytest.approx(dyad.score.mean, abs=1e-9)


def test_assumptions_as_csv_are_those_published_and_those_changed(report: Report, view: View) -> None:
    rows = {r["quantity"]: r for r in rows_of(downloads.to_csv(report, downloads.assumption_table(report)))}
    assert list(rows) == [key for key, _, _ in view.case.quantities()]
    assert {key for key, row in rows.items() if row["changed"] == "yes"} == set(CHANGES)
    changed = rows["indicators.xenophobia.now"]
    assert [float(changed[name]) for name in ("published", "published_low", "published_high")] == [47.0, 38.0, 57.0]
    assert [float(changed[name]) for name in ("now", "now_low", "now_high")] == [55.0, 47.0, 63.0]
    fixed = rows["hyperpriors.persistence"]
    assert (fixed["now"], fixed["now_low"], fixed["now_high"]) == ("0.7", "", "")
    for key, quantity, _ in view.case.quantities():
        assert rows[key]["claim"] == downloads.neutral(quantity.evidence.claim if quantity.evidence else "")
        for name in quantity.evidence.sources if quantity.evidence else ():
            assert view.case.sources[name].title in rows[key]["sources"]


@pytest.mark.parametrize("name", list(downloads.TABLES))
def test_every_csv_row_says_where_it_comes_from(report: Report, risk: riskcast.Risk, name: str) -> None:
    case = risk.forecast.case
    rows = rows_of(downloads.to_csv(report, downloads.TABLES[name](report)))
    assert rows
    for row in rows:
        assert (row["case"], row["case_hash"]) == (case.name, case.published_hash)
        assert (row["overlay_hash"], row["scenario"]) == (case.overlay_hash, SCENARIO)
        assert (row["engine"], row["draws"], row["seed"]) == ("laplace", "1000", "1")
        assert (row["checks"], row["riskcast_version"]) == ("passed", riskcast.__version__)


def test_the_zip_of_tables_holds_each_as_it_is_alone(report: Report) -> None:
    archive = zipfile.ZipFile(io.BytesIO(downloads.all_csv(report)))
    names = ["scores.csv", "probabilities.csv", "by_month.csv", "contributions.csv", "assumptions.csv"]
    assert archive.namelist() == names
    assert archive.read("scores.csv") == downloads.to_csv(report, downloads.score_table(report))


def as_in_excel(number: float) -> Any:
    """A number as a workbook holds it: with 16 digits."""
    return pytest.approx(number, rel=1e-15)


def test_the_workbook_carries_the_tables(report: Report, risk: riskcast.Risk) -> None:
    book = sheets_of(workbook.all_tables(report))
    names = ["summary", "scores", "probabilities", "by_month", "contributions", "assumptions", "provenance"]
    assert book.sheetnames == names
    for row, dyad in zip(cells_of(book["scores"]), risk.dyads, strict=True):
        assert (row["dyad"], row["band"]) == (dyad.id, dyad.band)
        numbers = (dyad.score.mean, dyad.score.low, dyad.score.high)
        assert (row["score"], row["low"], row["high"]) == tuple(as_in_excel(number) for number in numbers)
    probabilities = {(r["unit"], r["event"]): r["probability"] for r in cells_of(book["probabilities"])}
    for dyad in risk.dyads:
        for outcome in dyad.outcomes:
            assert probabilities[dyad.id, outcome.id] == as_in_excel(outcome.probability.mean)
    assert cells_of(book["by_month"])[11]["until"].date() == risk.forecast.window[1]
    for name in names[1:-1]:
        assert book[name].freeze_panes == "B2"
        assert book[name]["A1"].font.b
    told = {row[0]: row[1] for row in book["provenance"].iter_rows(values_only=True)}
    assert set(ORIGIN) <= set(told)
    assert told["overlay_hash"] == risk.forecast.case.overlay_hash


def test_the_first_sheet_shows_the_highest_score_first_in_the_colour_of_its_band(
    report: Report, risk: riskcast.Risk
) -> None:
    sheet = sheets_of(workbook.all_tables(report))["summary"]
    assert sheet["A1"].value == risk.forecast.case.settings.title
    header = [cell.value for cell in sheet[4]]
    ranked = sorted(risk.dyads, key=lambda dyad: -dyad.score.mean)
    colours = forecast_charts.band_colours(risk.forecast.case, theme.LIGHT)
    for row, dyad in enumerate(ranked, 5):
        cells = dict(zip(header, sheet[row], strict=True))
        assert (cells["Partner"].value, cells["Score"].value) == (dyad.partner_name, as_in_excel(dyad.score.mean))
        assert cells["Score"].number_format == "0.0"
        assert cells["Band"].fill.fgColor.rgb == f"FF{colours[dyad.band].removeprefix('#').upper()}"
        for outcome in dyad.outcomes:
            assert cells[outcome.label].value == as_in_excel(outcome.probability.mean)
            assert cells[outcome.label].number_format == "0.0%"
    assert sheet.freeze_panes == "B5"


def test_one_table_as_a_workbook(report: Report, risk: riskcast.Risk) -> None:
    book = sheets_of(workbook.one_table(report, downloads.score_table(report)))
    assert book.sheetnames == ["scores", "provenance"]
    assert book["scores"]["C2"].value == as_in_excel(risk.dyads[0].score.mean)


def test_one_table_as_json(report: Report, risk: riskcast.Risk) -> None:
    found = json.loads(downloads.to_json(report, downloads.score_table(report)))
    assert [row["score"] for row in found["scores"]] == [dyad.score.mean for dyad in risk.dyads]
    assert found["case"]["hash"] == risk.forecast.case.published_hash
    assert (found["overlay_hash"], found["engine"]["seed"]) == (risk.forecast.case.overlay_hash, 1)
    months = json.loads(downloads.to_json(report, downloads.month_table(report)))["by_month"]
    assert months[0]["until"] == "2024-06-06"


def test_texts_that_begin_like_formulas_are_text_in_csv(baited: Report) -> None:
    neutralised = 0
    for build in downloads.TABLES.values():
        for row in rows_of(downloads.to_csv(baited, build(baited))):
            for text in row.values():
                if text.startswith(downloads.FORMULA_STARTS):
                    float(text)
                neutralised += text.removeprefix("'") in BAITS
    assert neutralised > len(BAITS)


def test_texts_that_begin_like_formulas_are_text_in_workbooks(baited: Report) -> None:
    content = workbook.all_tables(baited)
    found = [cell for sheet in sheets_of(content) for row in sheet.iter_rows() for cell in row if cell.value in BAITS]
    assert len(found) > len(BAITS)
    assert {cell.data_type for cell in found} == {"s"}
    assert all(cell.quotePrefix for cell in found)
    archive = zipfile.ZipFile(io.BytesIO(content))
    sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert not any(b"<f>" in sheet or b"<hyperlink" in sheet for sheet in sheets)


def test_a_posterior_that_failed_its_checks_is_marked_in_every_file(report: Report) -> None:
    posterior = report.result.posterior
    failed = replace(posterior, diagnostics=replace(posterior.diagnostics, failures=("demarche: k-hat 0.9",)))
    ahead = replace(report.result.forecast, posterior=failed)
    marked = replace(report, result=results.Result(failed.case, failed, ahead, riskcast.score(ahead)))
    assert rows_of(downloads.to_csv(marked, downloads.score_table(marked)))[0]["checks"].startswith("FAILED: demarche")
    assert "FAILED" in sheets_of(workbook.all_tables(marked))["summary"]["A3"].value
    assert json.loads(downloads.all_json(marked))["engine"]["reliable"] is False
    assert "FAILED" in pictures.to_svg(marked, wish_for(marked, pictures.SCORES)).decode()
    assert "--allow-unreliable" in export.command(marked, "x", "")
    assert "allow_unreliable=True" in export.notebook_code(marked, "x", "")


def test_the_overlay_read_back_is_the_same(overlay: Path, report: Report, view: View) -> None:
    read, document = riskcast.load_overlay(overlay)
    again = riskcast.apply_overlay(view.case, read, document)
    assert read.label == "My view"
    assert read.hash == report.result.case.overlay_hash
    assert again.hash == report.result.case.hash


def test_the_command_line_prints_the_downloaded_json(report: Report, overlay: Path) -> None:
    words = shlex.split(export.command(report, "central_asia_2024", overlay.name))
    assert words[:3] == ["uv", "run", "riskcast"]
    done = subprocess.run(
        [sys.executable, "-m", *words[2:]], cwd=overlay.parent, capture_output=True, text=True, check=True, timeout=60
    )
    own = json.loads(downloads.all_json(report))
    assert own.pop("assumptions")
    assert json.loads(done.stdout) == own


def test_the_notebook_gives_the_downloaded_scores(
    report: Report, overlay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(overlay.parent)
    names: dict[str, Any] = {}
    exec(export.notebook_code(report, "central_asia_2024", overlay.name), names)
    own = rows_of(downloads.to_csv(report, downloads.score_table(report)))
    assert [dyad.score.mean for dyad in names["risk"].dyads] == [float(row["score"]) for row in own]


def test_what_was_added_in_the_app_travels_in_the_case(view: View) -> None:
    row = {
        "date": "2024-05-01",
        "precision": "day",
        "type": "demarche",
        "dyad": "RUS-TJK",
        "initiator": "TJK",
        "description": "A note.",
        "sources": [next(iter(view.case.sources))],
        "status": "judgement",
    }
    built = {"label": "Mine", "story": "A shift.", "indicators": [{"indicator": "xenophobia", "shift": 5.0}]}
    added = replace(view, observed={"one": row}, built={"mine": built}, scenario="mine")
    handed = export._handed_over(added)
    read = uploads.read_case_upload("x.zip", downloads.case_zip(handed))
    assert read.hash == handed.hash != view.case.hash
    assert len(read.event_rows) == len(view.case.event_rows) + 1
    posterior = riskcast.fit(riskcast.apply_overlay(read, CHANGES), draws=1000, seed=1)
    elsewhere = riskcast.score(riskcast.forecast(posterior, "mine"))
    here = results.current(added).risk
    assert [dyad.score for dyad in elsewhere.dyads] == [dyad.score for dyad in here.dyads]


def test_a_published_case_is_handed_over_as_it_is(view: View) -> None:
    assert export._handed_over(view) is view.case
    assert uploads.read_case_upload("x.zip", downloads.case_zip(view.case)).hash == view.case.published_hash


def test_files_of_different_forecasts_differ_in_name(view: View) -> None:
    views = [view, replace(view, changes={}), replace(view, scenario="baseline")]
    stems = [downloads.file_stem(report_of(one)) for one in views]
    assert len(set(stems)) == 3
    assert all(downloads.safe_name(stem) == stem for stem in stems)


def wish_for(report: Report, kind: str, palette: theme.Palette = theme.LIGHT) -> Wish:
    before = results.published(riskcast.load_case("central_asia_2024"))
    return Wish(kind, report.result.risk.dyads[0].id, before, palette)


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_a_chart_as_svg_is_a_picture_of_its_own(report: Report, kind: str) -> None:
    text = pictures.to_svg(report, wish_for(report, kind)).decode()
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert pictures.WIDTH * 0.5 < float(root.attrib["width"]) < pictures.WIDTH * 1.5
    written = " ".join(root.itertext())
    case = report.result.case
    assert f"{case.name} {str(case.published_hash)[: pictures.HASH]}" in written
    assert str(case.overlay_hash) in written
    assert f"scenario {SCENARIO}" in written
    assert "seed 1" in written
    assert "http" not in text.replace("http://www.w3.org/", "")


def test_the_chart_of_scores_shows_the_scores(report: Report, risk: riskcast.Risk) -> None:
    root = ElementTree.fromstring(pictures.to_svg(report, wish_for(report, pictures.SCORES)))
    written = set(root.itertext())
    assert {f"{dyad.score.mean:.0f}" for dyad in risk.dyads} <= written
    assert {dyad.partner_name for dyad in risk.dyads} <= written


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK])
def test_a_chart_as_png_stands_on_paper_at_twice_its_size(report: Report, palette: theme.Palette) -> None:
    wish = wish_for(report, pictures.SCORES, palette)
    root = ElementTree.fromstring(pictures.to_svg(report, wish))
    image = Image.open(io.BytesIO(pictures.to_png(report, wish)))
    image.load()
    assert image.size == tuple(round(pictures.SCALE * float(root.attrib[side])) for side in ("width", "height"))
    corner = image.convert("RGB").getpixel((0, 0))
    assert "#{:02x}{:02x}{:02x}".format(*corner) == palette.paper
    case = report.result.case
    assert image.info["case_hash"] == case.published_hash
    assert image.info["overlay_hash"] == case.overlay_hash
    assert (image.info["seed"], image.info["scenario"]) == ("1", SCENARIO)


def test_a_panel_has_tables_and_no_map() -> None:
    view = View(smallpanel.panel_case())
    own = report_of(view)
    rows = rows_of(downloads.to_csv(own, downloads.month_table(own)))
    assert "year" in rows[0]
    assert {row["unit"] for row in rows} == {*smallpanel.PRESENT, "SYSTEM"}
    assert pictures.draw(own, Wish(pictures.MAP, smallpanel.PRESENT[0], own.result)) is None
    scores = cells_of(sheets_of(workbook.all_tables(own))["scores"])
    assert [row["score"] for row in scores] == [as_in_excel(dyad.score.mean) for dyad in own.result.risk.dyads]


def page() -> None:
    import streamlit as st
    from views import export

    st.set_page_config(layout="wide")
    export.show()


@pytest.fixture
def opened(view: View) -> AppTest:
    """The page, opened at an address with changes."""
    test = AppTest.from_function(page, default_timeout=60)
    test.query_params["overlay"] = session.encode(view.changes)
    test.query_params["scenario"] = SCENARIO
    return test.run()


def labels(test: AppTest) -> list[str]:
    return [button.label for button in test.download_button]


def test_the_page_offers_every_format(opened: AppTest) -> None:
    assert not opened.exception
    assert labels(opened) == ["Excel", "JSON", "CSV (zip)", "PNG", "SVG", "Overlay (YAML)", "Case (zip)"]
    codes = [block.value for block in opened.code]
    assert f"--scenario {SCENARIO} --overlay My_view.yaml" in codes[0]
    assert "My_view.yaml" in codes[1]


@pytest.mark.parametrize("name", list(downloads.TABLES))
def test_the_page_shows_each_table_before_it_is_taken(opened: AppTest, report: Report, name: str) -> None:
    opened.pills(key="export_table").set_value(name).run()
    assert not opened.exception
    assert labels(opened)[:3] == ["Excel", "JSON", "CSV"]
    table = downloads.TABLES[name](report)
    shown = opened.dataframe[0].value
    assert list(shown.columns) == [column.name for column in table.columns]
    assert len(shown) == min(len(table.rows), export.MOST_SHOWN)


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_the_page_shows_each_chart(opened: AppTest, kind: str) -> None:
    opened.selectbox(key="export_chart").set_value(kind).run()
    assert not opened.exception
    assert {"PNG", "SVG"} <= set(labels(opened))
    assert len(opened.get("vega_lite_chart") or opened.get("arrow_vega_lite_chart")) == 1


def test_the_name_of_the_changes_names_file_and_commands(opened: AppTest) -> None:
    opened.text_input(key="export_label").set_value("Higher: =x/../y").run()
    assert "--overlay Higher_x_y.yaml" in opened.code[0].value


def test_an_unchanged_case_has_no_overlay() -> None:
    test = AppTest.from_function(page, default_timeout=60).run()
    assert not test.exception
    assert "Overlay (YAML)" not in labels(test)
    assert "--overlay" not in test.code[0].value


def test_downloads_name_their_files(view: View, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    offered: dict[str, Mapping[str, Any]] = {}
    monkeypatch.setattr(export.st, "download_button", lambda label, **given: offered.update({label: given}))
    export._elsewhere(report, view)
    export._numbers(report)
    assert riskcast.overlay_text(view.changes, "My view").encode() == offered["Overlay (YAML)"]["data"]()
    assert offered["Overlay (YAML)"]["file_name"] == "My_view.yaml"
    assert offered["Excel"]["data"]().startswith(b"PK")
    assert json.loads(offered["JSON"]["data"]())["scenario"] == SCENARIO
    overlay_hash = str(report.result.case.overlay_hash)
    assert offered["Excel"]["file_name"] == f"central_asia_2024-{SCENARIO}-{overlay_hash[:8]}.xlsx"
