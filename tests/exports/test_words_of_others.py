"""Whatever a case says, files that are handed over hold it as words: nothing runs or is fetched, no link lives."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pypdf
import pytest

import riskcast
from riskcast import charts, exports
from riskcast.charts.verification import to_svg
from riskcast.errors import UNSEEN
from riskcast.exports.brief.files import brief_html, brief_pdf
from riskcast.exports.csv_parquet import neutral
from riskcast.exports.workbook import all_tables
from riskcast.forecasting.forecasts import with_equal_paths
from tests.support.hostile import OUTSIDE, words_of, write_hostile_case
from tests.support.smallcase import write_files

DRAWN = {"svg", "g", "path", "text", "tspan", "rect", "line", "title", "defs", "clipPath", "circle"}
RUNS = re.compile("[=+@\t＝＋－＠-]")


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> riskcast.Dossier:
    """A hostile case under two scenarios, with all that a brief says of it."""
    case = riskcast.load_case(write_hostile_case(tmp_path_factory.mktemp("cases") / "mine"))
    posterior = riskcast.fit(case, draws=200, seed=1, allow_unreliable=True)
    ahead = with_equal_paths([riskcast.forecast(posterior, name) for name in ("baseline", "storm")])
    given = [(each.scenario_name, riskcast.explain(each, paths=20)) for each in ahead]
    return riskcast.make_dossier([riskcast.score(each) for each in ahead], case, explanations=given)


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_no_element_of_theirs(dossier: riskcast.Dossier) -> None:
    page = Elements(brief_html(dossier))
    tags = {tag for tag, _ in page.found}
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "input", "base", "image"}
    assert not [attrs for tag, attrs in page.found if tag == "a" and not str(attrs["href"]).startswith("#")]
    assert not [name for _, attrs in page.found for name in attrs if name.startswith("on")]
    outside = [(name, value) for _, attrs in page.found for name, value in attrs.items() if OUTSIDE in str(value)]
    assert {name for name, _ in outside} <= {"aria-label"}
    policy = next(attrs["content"] for _, attrs in page.found if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    seen = re.sub(r"\s+", " ", page.text)
    assert words_of(dossier.case.settings.title) in seen
    assert words_of(dossier.case.scenario("storm").story) in seen


def test_the_pdf_holds_no_link_and_runs_nothing(dossier: riskcast.Dossier) -> None:
    read = pypdf.PdfReader(io.BytesIO(brief_pdf(dossier)))
    assert not [note for page in read.pages for note in page.get("/Annots") or []]
    assert not {"/OpenAction", "/JavaScript"} & {*re.findall(r"/\w+", str(read.trailer["/Root"]))}
    assert dossier.case.settings.title.replace(" ", "") in read.pages[0].extract_text().replace("\n", "").replace(
        " ", ""
    )


def test_a_link_lives_where_whoever_runs_riskcast_names_its_host(
    dossier: riskcast.Dossier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKCAST_LINKS", OUTSIDE)
    page = Elements(brief_html(dossier))
    leads = {str(attrs["href"]) for tag, attrs in page.found if tag == "a" and not str(attrs["href"]).startswith("#")}
    assert leads
    assert all(address.startswith(f"https://{OUTSIDE}/") for address in leads)


def test_cells_of_the_workbook_are_text_and_lead_nowhere(dossier: riskcast.Dossier) -> None:
    with zipfile.ZipFile(io.BytesIO(all_tables(dossier))) as book:
        parts = {name: book.read(name).decode() for name in book.namelist() if name.endswith((".xml", ".rels"))}
    assert not [name for name, text in parts.items() if "<f>" in text or "<hyperlink" in text]
    assert not [name for name, text in parts.items() if name.endswith(".rels") and 'TargetMode="External"' in text]
    read = openpyxl.load_workbook(io.BytesIO(all_tables(dossier)))
    cells = [cell for sheet in read for row in sheet for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert any(cell.value == words_of(str(cell.value)) and OUTSIDE in str(cell.value) for cell in cells)


@pytest.mark.parametrize("parted_by", [",", ";", "\t", "|"])
def test_no_cell_of_a_csv_runs_in_a_spreadsheet_whatever_it_parts_cells_by(
    dossier: riskcast.Dossier, parted_by: str
) -> None:
    for name in exports.names_of_tables(dossier):
        text = exports.to_csv(exports.make_table(dossier, name), exports.origin(dossier)).decode()
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=parted_by):
            for cell in row:
                odd = RUNS.match(cell) and not re.fullmatch(r"[+-]?[0-9.]+(e[+-]?\d+)?([,;].*)?", cell, re.DOTALL)
                assert not odd, (name, cell)


def test_a_mark_stands_only_where_a_formula_would() -> None:
    assert neutral("a; -1 b, =2") == "a; -1 b, =2"
    assert neutral("a;=1|@b\n+c") == "a;'=1|'@b\n'+c"


def test_no_cell_of_a_csv_is_obeyed_by_a_terminal(dossier: riskcast.Dossier) -> None:
    files = [
        exports.to_csv(exports.make_table(dossier, name), {}).decode() for name in exports.names_of_tables(dossier)
    ]
    assert not [text for text in files if UNSEEN.search(text.replace("\r\n", "\n"))]
    assert any("\\x1b[31mletters" in text for text in files)


def test_a_chart_is_one_picture_without_links(dossier: riskcast.Dossier) -> None:
    ahead = {risk.forecast.scenario.label: risk.forecast for risk in dossier.risks}
    case, risk = dossier.case, dossier.headline
    drawn = [
        charts.score_chart(risk),
        charts.heatmap_chart(risk),
        charts.timeline_chart(case),
        charts.series_chart(case, "mood"),
        charts.futures_chart(ahead, "protest", case.dyads[0]),
        charts.waterfall_chart(dossier.explanations["baseline"], case.dyads[0]),
        charts.scenarios_chart({label: riskcast.score(one) for label, one in ahead.items()}),
    ]
    for chart in drawn:
        assert not {"\u202e", "\\u202e", "\u2066"} & {*re.findall(r"[\u202e\u2066]|(?<!\\)\\u202e", chart.to_json())}
        tree = ElementTree.fromstring(to_svg(chart))
        tags = {str(element.tag).rpartition("}")[2] for element in tree.iter()}
        assert tags <= {"svg", "g", "path", "text", "tspan", "rect", "line", "title", "defs", "clipPath", "circle"}, (
            tags
        )
        assert not [name for element in tree.iter() for name in element.attrib if name.endswith("href")]


def test_every_format_holds_a_text_with_characters_that_no_file_shows(tmp_path: Path) -> None:
    odd = "nothing \0, red \x1b[31m, \x9b, \ufffe"
    folder = write_files(tmp_path / "odd")
    for name in ("case.yaml", "outcomes.yaml", "indicators.yaml", "scenarios.yaml", "effects.yaml"):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(re.sub(r"\b(title|label|story|rationale|name): (.*?)([,}\n])", _with(odd), text))
    case = riskcast.load_case(folder)
    assert odd in case.settings.title
    ahead = riskcast.forecast(riskcast.fit(case, draws=200, allow_unreliable=True))
    paths = riskcast.export([riskcast.score(ahead)], tmp_path / "out")
    assert len({path.suffix for path in paths}) >= 8
    with zipfile.ZipFile(next(path for path in paths if path.suffix == ".xlsx")) as book:
        for name in book.namelist():
            ElementTree.fromstring(book.read(name))
    ElementTree.fromstring(to_svg(charts.heatmap_chart(riskcast.score(ahead))))


def _with(odd: str) -> Callable[[re.Match[str]], str]:
    return lambda found: f"{found[1]}: {json.dumps(found[2] + odd)}{found[3]}"


def test_metadata_and_programs_get_the_texts_as_they_are(dossier: riskcast.Dossier, tmp_path: Path) -> None:
    paths = riskcast.export(dossier.risks, tmp_path, ["netcdf", "hubverse", "json"], published=dossier.published)
    told = next(path for path in paths if path.name == "forecast.json").read_text(encoding="utf-8")
    assert dossier.case.scenario("storm").label in _strings(told)


def _strings(text: str) -> set[str]:
    found: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, str):
            found.add(value)
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(each)

    walk(json.loads(text))
    return found
