"""The page Export: its files are those of the command line and of a notebook, and carry the same numbers."""

from __future__ import annotations

import csv
import io
import json
import re
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
from PIL import Image
from streamlit.testing.v1 import AppTest

import riskcast
from files import downloads
from riskcast.charts import theme
from riskcast.exports import Picture, Wish, pictures, tables as sheets
from state import results, session
from state.kept_cases import short_hash
from state.session import View
from tests.support import smallpanel
from tests.support.uploaded import read_case_upload
from views import export

CHANGES = {
    "indicators.xenophobia.now": {"median": 55.0, "interval": [47.0, 63.0]},
    "hyperpriors.persistence": {"value": 0.7},
}
SCENARIO = "crackdown_visa_regime"  # One that has something to note.
TABLES = (
    *("scores", "exceedance", "probabilities", "by_period", "contributions"),
    *("acting", "assumptions", "diagnostics", "notes"),
)


@pytest.fixture(scope="module")
def view() -> View:
    return View(riskcast.load_case("central_asia_2024"), CHANGES, SCENARIO)


@pytest.fixture(scope="module")
def dossier(view: View) -> riskcast.Dossier:
    return downloads.dossier_of(view, explained=True)


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


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def table_of(dossier: riskcast.Dossier, name: str) -> list[dict[str, str]]:
    return rows_of(downloads.one_table(dossier, sheets.make_table(dossier, name), "csv"))


def test_the_downloaded_scores_are_those_of_a_notebook(dossier: riskcast.Dossier, risk: riskcast.Risk) -> None:
    found = [(r["dyad"], float(r["score"]), float(r["low"]), float(r["high"])) for r in table_of(dossier, "scores")]
    assert found == [(d.id, d.score.mean, d.score.low, d.score.high) for d in risk.dyads]
    rows = table_of(dossier, "scores")
    assert {(row["overlay_hash"], row["scenario"]) for row in rows} == {(risk.forecast.case.overlay_hash, SCENARIO)}


def test_assumptions_tell_what_was_changed_in_the_app(dossier: riskcast.Dossier, view: View) -> None:
    rows = {r["quantity"]: r for r in table_of(dossier, "assumptions")}
    assert list(rows) == [key for key, _, _ in view.case.quantities()]
    assert {key for key, row in rows.items() if row["changed"] == "true"} == set(CHANGES)
    changed = rows["indicators.xenophobia.now"]
    was = session.quantities(riskcast.load_case("central_asia_2024"))["indicators.xenophobia.now"]
    published = [float(changed[name]) for name in ("published", "published_low", "published_high")]
    assert published == [was.center, *was.range]
    assert [float(changed[name]) for name in ("now", "now_low", "now_high")] == [55.0, 47.0, 63.0]
    fixed = rows["hyperpriors.persistence"]
    assert (fixed["now"], fixed["now_low"], fixed["now_high"]) == ("0.7", "", "")


def test_the_zip_of_tables_holds_each_as_it_is_alone(dossier: riskcast.Dossier) -> None:
    archive = zipfile.ZipFile(io.BytesIO(downloads.everything(dossier, "csv")))
    assert set(archive.namelist()) == {*(f"{name}.csv" for name in TABLES), "datapackage.json"}
    alone = downloads.one_table(dossier, sheets.make_table(dossier, "scores"), "csv")
    assert archive.read("scores.csv") == alone
    archive = zipfile.ZipFile(io.BytesIO(downloads.everything(dossier, "parquet")))
    assert set(archive.namelist()) == {f"{name}.parquet" for name in TABLES}


def test_one_table_as_a_workbook_and_as_json(dossier: riskcast.Dossier, risk: riskcast.Risk) -> None:
    table = sheets.make_table(dossier, "scores")
    book = openpyxl.load_workbook(io.BytesIO(downloads.one_table(dossier, table, "xlsx")))
    assert book.sheetnames == ["scores", "provenance"]
    found = json.loads(downloads.one_table(dossier, table, "json"))
    assert [row["score"] for row in found["scores"]] == [dyad.score.mean for dyad in risk.dyads]
    assert found["overlay_hash"] == risk.forecast.case.overlay_hash


def test_a_posterior_that_failed_its_checks_is_marked(dossier: riskcast.Dossier) -> None:
    ahead = dossier.headline.forecast
    failed = replace(
        ahead.posterior, diagnostics=replace(ahead.posterior.diagnostics, failures=("demarche: k-hat 0.9",))
    )
    marked = riskcast.make_dossier(riskcast.score(replace(ahead, posterior=failed)), dossier.published)
    assert "FAILED" in pictures.to_svg(marked, wish_for(marked, Picture.SCORES)).decode()
    assert "--allow-unreliable" in export.command(marked, "x", "")
    assert "allow_unreliable=True" in export.notebook_code(marked, "x", "")


def test_the_overlay_read_back_is_the_same(overlay: Path, dossier: riskcast.Dossier, view: View) -> None:
    read, document = riskcast.load_overlay(overlay)
    again = riskcast.apply_overlay(view.case, read, document)
    assert read.label == "My view"
    assert read.hash == dossier.case.overlay_hash
    assert again.hash == dossier.case.hash


def test_the_command_line_writes_the_downloaded_files(dossier: riskcast.Dossier, overlay: Path) -> None:
    words = shlex.split(export.command(dossier, "central_asia_2024", overlay.name))
    assert words[:3] == ["uv", "run", "riskcast"]
    subprocess.run(
        [sys.executable, "-m", *words[2:]], cwd=overlay.parent, capture_output=True, text=True, check=True, timeout=120
    )
    out = overlay.parent / "export"
    assert (out / "forecast.json").read_bytes() == downloads.everything(dossier, "json")
    archive = zipfile.ZipFile(io.BytesIO(downloads.everything(dossier, "csv")))
    for name in archive.namelist():
        assert (out / "csv" / name).read_bytes() == archive.read(name), name


def test_the_notebook_gives_the_downloaded_scores(
    dossier: riskcast.Dossier, overlay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(overlay.parent)
    names: dict[str, Any] = {}
    exec(export.notebook_code(dossier, "central_asia_2024", overlay.name), names)
    own = table_of(dossier, "scores")
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
    added = replace(view, observed=(row,), built={"mine": built}, scenario="mine")
    handed = added.handed
    read = read_case_upload("x.zip", downloads.case_zip(handed))
    assert read.hash == handed.hash != view.case.hash
    assert len(read.event_rows) == len(view.case.event_rows) + 1
    posterior = riskcast.fit(riskcast.apply_overlay(read, CHANGES), draws=1000, seed=1)
    elsewhere = riskcast.score(riskcast.forecast(posterior, "mine"))
    here = results.handed(added).risk
    assert [dyad.score for dyad in elsewhere.dyads] == [dyad.score for dyad in here.dyads]
    shown = results.current(added).risk
    assert [dyad.score for dyad in shown.dyads] != [dyad.score for dyad in here.dyads]
    for one, other in zip(shown.dyads, here.dyads, strict=True):
        assert one.score.mean == pytest.approx(other.score.mean, abs=2.0)


def test_a_published_case_is_handed_over_as_it_is(view: View) -> None:
    assert view.handed is view.case
    assert read_case_upload("x.zip", downloads.case_zip(view.case)).hash == view.case.published_hash


def test_files_of_different_forecasts_differ_in_name(view: View) -> None:
    row = view.case.event_rows[0].model_dump(mode="json")
    row |= {"date": "2024-05-01", "precision": "day", "published": "2024-05-01"}
    plain = replace(view, changes={})
    moves = [{"indicator": "xenophobia", "shift": shift} for shift in (5.0, 9.0)]
    built = [{"mine": {"label": "M", "story": "S", "indicators": [move]}} for move in moves]
    views = [view, plain, replace(view, scenario="baseline"), replace(plain, observed=(row,))]
    views += [replace(plain, built=each, scenario="mine") for each in built]
    stems = [downloads.file_stem(downloads.dossier_of(one)) for one in views]
    assert len(set(stems)) == len(views)
    assert all(downloads.safe_name(stem) == stem for stem in stems)


def wish_for(dossier: riskcast.Dossier, kind: Picture, palette: theme.Palette = theme.LIGHT) -> Wish:
    before = results.published(riskcast.load_case("central_asia_2024")).risk
    return Wish(kind, dossier.headline.dyads[0].id, before, palette)


@pytest.mark.parametrize("kind", Picture)
def test_a_chart_as_svg_is_a_picture_of_its_own(dossier: riskcast.Dossier, kind: Picture) -> None:
    text = pictures.to_svg(dossier, wish_for(dossier, kind)).decode()
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert pictures.WIDTH * 0.5 < float(root.attrib["width"]) < pictures.WIDTH * 1.5
    written = " ".join(root.itertext())
    case = dossier.case
    assert f"{case.name} {str(case.published_hash)[:12]}" in written
    assert str(case.overlay_hash) in written
    assert f"scenario {SCENARIO}" in written
    assert "seed 1" in written
    assert "http" not in text.replace("http://www.w3.org/", "")


def test_the_chart_of_scores_shows_the_scores(dossier: riskcast.Dossier, risk: riskcast.Risk) -> None:
    root = ElementTree.fromstring(pictures.to_svg(dossier, wish_for(dossier, Picture.SCORES)))
    written = set(root.itertext())
    assert {riskcast.score_text(dyad.score.mean, risk.forecast.case.settings.bands) for dyad in risk.dyads} <= written
    assert {dyad.partner_name for dyad in risk.dyads} <= written


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK])
def test_a_chart_as_png_stands_on_paper_at_twice_its_size(dossier: riskcast.Dossier, palette: theme.Palette) -> None:
    wish = wish_for(dossier, Picture.SCORES, palette)
    root = ElementTree.fromstring(pictures.to_svg(dossier, wish))
    image = Image.open(io.BytesIO(pictures.to_png(dossier, wish)))
    image.load()
    assert image.size == tuple(round(pictures.SCALE * float(root.attrib[side])) for side in ("width", "height"))
    corner = image.convert("RGB").getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert "#{:02x}{:02x}{:02x}".format(*corner) == palette.paper
    case = dossier.case
    assert image.info["case_hash"] == case.published_hash
    assert image.info["overlay_hash"] == case.overlay_hash
    assert (image.info["seed"], image.info["scenario"]) == ("1", SCENARIO)


def test_a_panel_has_tables_and_no_map() -> None:
    own = downloads.dossier_of(View(smallpanel.panel_case()))
    rows = table_of(own, "by_period")
    assert {row["unit"] for row in rows} == {*smallpanel.PRESENT, "SYSTEM"}
    assert pictures.draw_picture(own, Wish(Picture.MAP, smallpanel.PRESENT[0], own.headline)) is None
    scores = [float(row["score"]) for row in table_of(own, "scores")]
    assert scores == [dyad.score.mean for dyad in own.headline.dyads]


def page() -> None:
    import streamlit as st

    from views import export

    st.set_page_config(layout="wide")
    export.show()


@pytest.fixture
def opened(view: View) -> AppTest:
    """The page, opened at an address with changes."""
    test = AppTest.from_function(page, default_timeout=60)
    test.query_params["hash"] = short_hash(view.case)
    test.query_params["overlay"] = session.encode(view.changes)
    test.query_params["scenario"] = SCENARIO
    return test.run()


def labels(test: AppTest) -> list[str]:
    return [button.label for button in test.download_button]


def test_the_page_offers_every_format(opened: AppTest) -> None:
    assert not opened.exception
    assert labels(opened) == [
        *("CSV (zip)", "Parquet (zip)", "JSON", "Excel", "NetCDF", "Hubverse (zip)", "Brief (HTML)", "Brief (PDF)"),
        *("PNG", "SVG", "Overlay (YAML)", "Case (zip)"),
    ]
    codes = [block.value for block in opened.code]
    assert f"--scenario {SCENARIO} --overlay My_view.yaml" in codes[0]
    assert "My_view.yaml" in codes[1]


@pytest.mark.parametrize("name", TABLES)
def test_the_page_shows_each_table_before_it_is_taken(opened: AppTest, dossier: riskcast.Dossier, name: str) -> None:
    opened.pills(key="export_table").set_value(name).run()
    assert not opened.exception
    assert labels(opened)[:3] == ["Excel", "JSON", "CSV"]
    table = sheets.make_table(dossier, name)
    shown = opened.dataframe[0].value
    assert list(shown.columns) == [column.name for column in table.columns]
    assert len(shown) == min(len(table.rows), export.MOST_SHOWN)


def test_every_table_of_one_forecast_has_words() -> None:
    of_two = {"score_differences", "probability_differences", "since_previous"}
    assert set(export.WORDS) >= set(sheets.TABLES) - of_two


@pytest.mark.parametrize("kind", Picture)
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


def test_downloads_name_their_files(view: View, dossier: riskcast.Dossier, monkeypatch: pytest.MonkeyPatch) -> None:
    offered: dict[str, Mapping[str, Any]] = {}
    monkeypatch.setattr(export.st, "download_button", lambda label, **given: offered.update({label: given}))
    export._elsewhere(dossier, view)
    export._numbers(dossier, view)
    export._brief(dossier, view)
    assert riskcast.overlay_text(view.changes, "My view", view.case).encode() == offered["Overlay (YAML)"]["data"]()
    assert offered["Overlay (YAML)"]["file_name"] == "My_view.yaml"
    assert offered["Excel"]["data"]().startswith(b"PK")
    assert offered["Brief (PDF)"]["data"]().startswith(b"%PDF")
    assert "What has moved" in offered["Brief (HTML)"]["data"]().decode()
    assert json.loads(offered["JSON"]["data"]())["scenarios"][0]["scenario"] == SCENARIO
    assert re.fullmatch(rf"central_asia_2024-{SCENARIO}-[0-9a-f]{{8}}\.xlsx", offered["Excel"]["file_name"])
