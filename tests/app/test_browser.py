"""The app in a browser: what people do with it, from the first page to a file that others can use."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import openpyxl
import pyarrow.parquet as parquet
import pytest
import yaml

import riskcast
from state import session
from state.kept_cases import short_hash
from tests.support.smallcase import FILES

pytest.importorskip("playwright.sync_api", reason="drives a browser with Playwright")

import psutil
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.support import browser as app

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(app.CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
expect.set_options(timeout=app.PATIENCE_MS)
LEVEL, EFFECT = "indicators.xenophobia.now", "effects.unpredictability->criticism"
LEVEL_TODAY = session.quantities(riskcast.load_case("central_asia_2024"))[LEVEL]
MEDIAN = LEVEL_TODAY.center
HOME = {"127.0.0.1", "localhost"}
ASSUMPTIONS, OVERVIEW = "Assumptions", app.TITLES["Overview"]
Fresh = Callable[..., Page]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with app.app_server() as running:
        yield running


@pytest.fixture(scope="module")
def address(server: tuple[str, subprocess.Popen[bytes]]) -> str:
    return server[0]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with app.chromium() as running:
        yield running


@pytest.fixture
def fresh(chromium: Browser) -> Iterator[Fresh]:
    """Makes pages, each in a context of its own: another user's browser, in whose eyes nothing is kept."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> Page:
        contexts.append(chromium.new_context(**options))
        contexts[-1].set_default_timeout(app.PATIENCE_MS)
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def assumptions(address: str, fresh: Fresh) -> Page:
    """The page of assumptions, with the level open in the editor."""
    page = fresh()
    app.visit(page, f"{address}/assumptions", ASSUMPTIONS)
    app.choose_assumption(page, LEVEL)
    return page


def sidebar(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar")


def published(rows: list[list[str]]) -> bool:
    """Whether a live table says of every pair that nothing changed."""
    return bool(rows) and all(row[-1] == "–" for row in rows)


def test_every_page_opens_and_asks_nothing_of_the_outside(address: str, fresh: Fresh) -> None:
    page = fresh()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    app.visit(page, address, OVERVIEW)
    for name in app.TITLES:
        shown = app.turn_to(page, name)
        assert shown.failed == 0, name
        if name not in (ASSUMPTIONS, "Update"):
            expect(
                page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first
            ).to_be_visible()
    places = {(urlsplit(url).scheme, urlsplit(url).hostname) for url in asked}
    assert {scheme for scheme, _ in places} >= {"http", "ws"}
    assert {host for scheme, host in places if scheme not in ("data", "blob")} <= HOME


@pytest.mark.parametrize(
    ("path", "told"),
    [("/overview", ""), ("/no-such-page?scenario=second_attack", "no-such-page"), ("/a/b?scenario=second_attack", "b")],
)
def test_an_address_that_names_no_page_leads_home(address: str, fresh: Fresh, path: str, told: str) -> None:
    page = fresh()
    shown = app.visit(page, address + path, OVERVIEW)
    assert urlsplit(shown.url).path == "/"
    assert ("scenario=second_attack" in shown.url) == bool(told)
    expect(page.get_by_text("There is no page")).to_have_count(1 if told else 0)
    expect(page.get_by_text("Page not found")).to_have_count(0)


def test_a_change_shows_at_once_and_its_address_shows_the_same_numbers_to_a_colleague(
    assumptions: Page, fresh: Fresh
) -> None:
    before = app.look(assumptions).scores
    changed = app.change(assumptions, 55)
    assert changed.scores.keys() == before.keys()
    assert all(changed.scores[pair] != before[pair] for pair in before)
    theirs = fresh()
    opened = app.visit(theirs, changed.url, ASSUMPTIONS)
    assert opened.scores == changed.scores
    assert opened.overlay == changed.overlay
    expect(sidebar(theirs).get_by_text("1 changed assumption", exact=True)).to_be_visible()


def test_two_people_who_change_numbers_at_the_same_time_see_their_own_alone(address: str, fresh: Fresh) -> None:
    people = {LEVEL: fresh(), EFFECT: fresh()}
    shown = {}
    for key, page in people.items():
        app.visit(page, f"{address}/assumptions", ASSUMPTIONS)
        shown[key] = app.choose_assumption(page, key)
    for numbers in ({LEVEL: 55.0, EFFECT: 1.3}, {LEVEL: 61.0, EFFECT: 1.5}):
        # Both are given before either is awaited, so that the server works on them at the same time.
        for key, page in people.items():
            app.give(app.median(page), numbers[key])
        for key, page in people.items():
            shown[key] = app.await_change(page, shown[key], {key: numbers[key]})
    for now in shown.values():
        assert scores_of(now) == scores_by_library(now.overlay)


def test_four_people_who_come_at_once_see_their_own_numbers_alone(address: str, fresh: Fresh) -> None:
    published = riskcast.load_case("central_asia_2024")
    levels = [38.0 + 4 * n for n in range(4)]
    beliefs = [{LEVEL: {"median": level, "interval": [level - 8, level + 8]}} for level in levels]
    pages = [fresh() for _ in beliefs]
    # All are on their way before the first is awaited.
    for page, belief in zip(pages, beliefs, strict=True):
        words = urlencode({"case": published.name, "hash": short_hash(published), "overlay": session.encode(belief)})
        page.goto(f"{address}/assumptions?{words}", wait_until="commit", timeout=app.PATIENCE_MS)
    shown = [app.await_page(page, ASSUMPTIONS) for page in pages]
    for page in pages:
        app.choose_assumption(page, LEVEL)
    for page, level in zip(pages, levels, strict=True):
        app.give(app.median(page), level + 1)
    after = [
        app.await_change(page, before, {LEVEL: level + 1})
        for page, before, level in zip(pages, shown, levels, strict=True)
    ]
    for before, belief in zip(shown, beliefs, strict=True):
        assert scores_of(before) == scores_by_library(belief)
    for now in after:
        assert scores_of(now) == scores_by_library(now.overlay)


def scores_of(shown: app.Shown) -> dict[str, list[str]]:
    return {pair: cells.split()[:2] for pair, cells in shown.scores.items()}


def scores_by_library(changes: dict[str, Any]) -> dict[str, list[str]]:
    """The scores and intervals that the library gives where it goes on from the published fit, as the live table
    writes them."""
    case = riskcast.load_case("central_asia_2024")
    changed = riskcast.apply_overlay(case, changes)
    published = riskcast.fit(case, draws=1000, seed=1)
    risk = riskcast.score(riskcast.forecast(riskcast.fit(changed, draws=1000, seed=1, reuse=published)))
    return {
        str(dyad.partner_name): [f"{dyad.score.mean:.1f}", f"{dyad.score.low:.0f}–{dyad.score.high:.0f}"]
        for dyad in risk.dyads
    }


def test_changes_can_be_taken_back_brought_again_and_reset(assumptions: Page) -> None:
    first = app.look(assumptions)
    once = app.change(assumptions, 55)
    twice = app.change(assumptions, 60)
    assert len({json.dumps(each.rows) for each in (first, once, twice)}) == 3
    for button, wanted, median in (
        ("Undo", once, "55"),
        ("Undo", first, f"{MEDIAN:g}"),
        ("Redo", once, "55"),
        ("Redo", twice, "60"),
        ("Reset", first, f"{MEDIAN:g}"),
        ("Undo", twice, "60"),
    ):
        sidebar(assumptions).get_by_role("button", name=button, exact=True).click()
        app.await_shown(
            assumptions,
            f"after {button} as {wanted}",
            lambda now, wanted=wanted: now.rows == wanted.rows and now.overlay == wanted.overlay,
        )
        expect(app.median(assumptions)).to_have_value(median)


def test_fast_use_changes_only_what_was_meant(assumptions: Page) -> None:
    box = assumptions.get_by_label("Search all assumptions")
    for key in (EFFECT, LEVEL, EFFECT, LEVEL):
        # Letter by letter, each of which draws the page anew before it is drawn to its end.
        box.fill("")
        box.press_sequentially(key, delay=25)
        box.press("Enter")
        shown = app.await_shown(assumptions, f"editing {key}", lambda now, key=key: now.key == key and bool(now.rows))
        assert shown.overlay == {}
        assert published(shown.rows)
    slider = assumptions.locator("input[type=range][aria-label=Median]")
    slider.focus()
    for _ in range(6):
        assumptions.keyboard.press("ArrowRight")
        assumptions.wait_for_timeout(90)
    app.await_shown(
        assumptions,
        "at rest where the slider is",
        lambda now: (
            now.overlay.get(LEVEL, {}).get("median", MEDIAN)
            == float(str(slider.get_attribute("aria-valuetext")))
            == float(app.median(assumptions).input_value())
            > MEDIAN
        ),
    )
    changes = app.look(assumptions).overlay
    moved = changes[LEVEL]["median"] - MEDIAN
    ends = pytest.approx([end + moved for end in LEVEL_TODAY.range], abs=0.1)
    assert changes == {LEVEL: {"median": pytest.approx(MEDIAN + moved), "interval": ends}}


def test_a_cell_of_the_matrix_opens_its_effect(assumptions: Page) -> None:
    search = assumptions.get_by_label("Search all assumptions")
    search.fill("")
    search.press("Enter")
    assumptions.get_by_role("radio", name="Effects of indicators").or_(
        assumptions.get_by_role("button", name="Effects of indicators")
    ).first.click()
    app.await_shown(assumptions, "at an effect", lambda now: now.key.startswith("effects."))
    table = assumptions.get_by_test_id("stDataFrame")
    # The canvas is drawn for the eye; the table beneath it is what assistive technology reads.
    cell = table.get_by_test_id("glide-cell-1-1")
    expect(cell).to_have_text(re.compile(r"^[\d.]+$"))
    table.locator(".dvn-scroller").click(position={"x": 240, "y": 35 * 2.5})
    app.await_shown(assumptions, f"at {EFFECT}", lambda now: now.key == EFFECT)
    expect(app.median(assumptions)).to_have_value(cell.inner_text())


def test_a_number_can_be_changed_by_keyboard_alone(assumptions: Page) -> None:
    app.change(assumptions, 55)
    before = app.look(assumptions)
    assumptions.evaluate("() => document.activeElement.blur()")
    reached: list[str] = []
    for _ in range(120):
        assumptions.keyboard.press("Tab")
        reached.append(
            assumptions.evaluate(
                "() => { const e = document.activeElement;"
                " return `${e.tagName} ${e.type} ${e.getAttribute('aria-label') || e.innerText}` }"
            ).strip()
        )
        if reached[-1] == "INPUT number Median":
            break
    told = [each.split(" ", 2)[2] for each in reached if each.startswith("BUTTON")]
    assert {"Undo", "Reset"} <= set(told), reached
    assert any("Verify with the reference engine" in each for each in told)
    assert reached[-1] == "INPUT number Median", reached
    for key in ("Control+A", "5", "8", "Enter"):
        assumptions.keyboard.press(key)
    typed = app.await_change(assumptions, before, {LEVEL: 58.0})
    # Back from the number to the slider above it, past the three other numbers and ends.
    for _ in range(12):
        assumptions.keyboard.press("Shift+Tab")
        if assumptions.evaluate("() => [document.activeElement.type, document.activeElement.ariaLabel].join()") == (
            "range,Median"
        ):
            break
    assumptions.keyboard.press("ArrowRight")
    moved = app.await_shown(assumptions, "moved by the slider", lambda now: now.rows != typed.rows)
    assert moved.overlay[LEVEL]["median"] > 58.0


def test_a_built_future_stands_beside_the_baseline(address: str, fresh: Fresh) -> None:
    page = fresh()
    app.visit(page, f"{address}/scenarios", "Scenarios")
    page.get_by_text("Make a future: build or combine").click()
    page.get_by_role("button", name="Add this move").click()
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("A harder line")
    name.press("Enter")
    save = page.get_by_role("button", name="Save and compare")
    expect(save).to_be_enabled()
    save.click()
    page.get_by_role("tab", name="A harder line").click()
    expect(page.get_by_text("A harder line less Baseline")).to_be_visible()
    shown = app.await_shown(page, "built", lambda now: "built=" in now.url)
    theirs = fresh()
    app.visit(theirs, shown.url, "Scenarios")
    sidebar(theirs).get_by_role("combobox", name="Scenario").click()
    theirs.get_by_role("option", name="A harder line (built here)").click()
    expect(theirs).to_have_url(re.compile("scenario=a_harder_line"))


def test_files_can_be_opened_and_the_command_line_prints_their_digits(assumptions: Page, tmp_path: Path) -> None:
    changed = app.change(assumptions, 55)
    shown = {pair: float(cells.split()[0]) for pair, cells in changed.scores.items()}
    app.turn_to(assumptions, "Export")
    files = {
        label: app.download(assumptions, label, tmp_path)
        for label in ("JSON", "Excel", "CSV (zip)", "Parquet (zip)", "Overlay (YAML)", "PNG", "SVG")
    }

    told = json.loads(files["JSON"].read_text())
    assert yaml.safe_load(files["Overlay (YAML)"].read_text())["changes"] == changed.overlay
    with zipfile.ZipFile(files["CSV (zip)"]) as archive:
        assert archive.testzip() is None
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("scores.csv"), "utf-8")))
    assert {row["partner_name"]: round(float(row["score"]), 1) for row in rows} == shown
    with zipfile.ZipFile(files["Parquet (zip)"]) as archive:
        table = parquet.read_table(io.BytesIO(archive.read("scores.parquet"))).to_pylist()
    assert {row["partner_name"]: row["score"] for row in table} == {
        row["partner_name"]: float(row["score"]) for row in rows
    }
    book = openpyxl.load_workbook(files["Excel"], read_only=True)
    sheet = next(book[name] for name in book.sheetnames if "score" in name.lower())
    numbers = [cell for row in sheet.iter_rows(values_only=True) for cell in row if isinstance(cell, float)]
    assert all(any(cell == pytest.approx(float(row["score"]), rel=1e-14) for cell in numbers) for row in rows)
    picture = files["PNG"].read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert min(struct.unpack(">II", picture[16:24])) > 300
    written = set(ElementTree.fromstring(files["SVG"].read_text()).itertext())
    assert set(shown) <= written

    printed = subprocess.run(
        [
            *(sys.executable, "-m", "riskcast", "forecast", "central_asia_2024", "--json", "--draws", "1000"),
            *("--seed", "1", "--overlay", str(files["Overlay (YAML)"])),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    by_command = json.loads(printed.stdout)
    [downloaded] = told["scenarios"]
    assert by_command == {key: (downloaded if key in downloaded else told)[key] for key in by_command}


def test_bad_files_are_refused_with_line_and_mend_and_leave_the_view_alone(
    assumptions: Page, address: str, tmp_path: Path
) -> None:
    before = app.change(assumptions, 55)
    files = {
        "order.yaml": f"label: Mine\nchanges:\n  {LEVEL}:\n    median: 90\n    interval: [40, 60]\n".encode(),
        "tag.yaml": b"label: !!python/object/apply:os.system ['touch /tmp/never']\nchanges: {}\n",
        "way_out.zip": zipped("case/../../case.yaml", b"name: mine\n"),
        "bomb.zip": zipped("case/case.yaml", bytes(100_000_000)),
    }
    told = {
        "order.yaml": r"order\.yaml:\d+: .*; \w+",
        "tag.yaml": r"tag\.yaml:1: .*; \w+",
        "way_out.zip": r"way_out\.zip: .*leads out of the folder; \w+",
        "bomb.zip": r"bomb\.zip: unpacks to more than 20 MB; \w+",
    }
    side = sidebar(assumptions)
    side.get_by_text("Open a case or overlay").click()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        side.locator("input[type=file]").set_input_files(tmp_path / name)
        expect(side.get_by_test_id("stCode")).to_contain_text(re.compile(told[name], re.DOTALL))
        expect(side.get_by_text("nothing has changed")).to_be_visible()
        after = app.await_shown(assumptions, f"at rest after {name}", lambda now: bool(now.rows))
        assert (after.rows, after.overlay, after.failed) == (before.rows, before.overlay, 0)


def test_a_file_of_100_megabytes_is_refused_before_it_is_sent(
    server: tuple[str, subprocess.Popen[bytes]], fresh: Fresh, tmp_path: Path
) -> None:
    page = fresh()
    app.visit(page, server[0], OVERVIEW)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method in ("PUT", "POST") else None)
    heavy = tmp_path / "heavy.zip"
    with heavy.open("wb") as out:
        out.truncate(100_000_000)
    side = sidebar(page)
    side.get_by_text("Open a case or overlay").click()
    side.locator("input[type=file]").set_input_files(heavy)
    expect(side.get_by_text(re.compile(r"must be 20(\.0)?\s?MB or smaller"))).to_be_visible()
    assert not [url for url in sent if "upload" in url]


def test_a_verification_can_be_cancelled_and_leaves_no_process(
    server: tuple[str, subprocess.Popen[bytes]], fresh: Fresh
) -> None:
    address, process = server
    page = fresh()
    app.visit(page, address, OVERVIEW)
    idle = set(psutil.Process(process.pid).children(recursive=True))
    side = sidebar(page)
    side.get_by_role("button", name="Verify with the reference engine").click()
    expect(side.get_by_text(re.compile("^(Compiling the model|Sampling)"))).to_be_visible()
    working = set(psutil.Process(process.pid).children(recursive=True)) - idle
    assert working
    side.get_by_role("button", name="Cancel").click()
    expect(side.get_by_text("The verification was cancelled.")).to_be_visible()
    _, alive = psutil.wait_procs(working, timeout=app.PATIENCE)
    assert not alive


def test_a_verification_shows_both_engines_numbers(address: str, fresh: Fresh, tmp_path: Path) -> None:
    small = tmp_path / "mine.zip"
    with zipfile.ZipFile(small, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(f"mine/{name}", text)
    page = fresh()
    app.visit(page, address, OVERVIEW)
    side = sidebar(page)
    side.get_by_text("Open a case or overlay").click()
    side.locator("input[type=file]").set_input_files(small)
    app.await_shown(page, "at the small case", lambda now: now.title == "Small")
    side.get_by_role("button", name="Verify with the reference engine").click()
    numbers = side.get_by_role("button", name="Both engines' numbers")
    # Sampling takes as long as it takes; a machine at work with other things takes several times as long.
    expect(numbers).to_be_visible(timeout=3 * app.PATIENCE_MS)
    expect(side.get_by_text("Both engines agree.")).to_be_visible()
    numbers.click()
    grids = page.get_by_role("dialog").locator("table[role=grid]")
    expect(grids).to_have_count(2)
    expect(grids.first.locator("tbody tr")).to_have_count(2)
    rows = [row.locator("td").all_inner_texts() for row in grids.first.locator("tbody tr").all()]
    folder = tmp_path / "mine"
    with zipfile.ZipFile(small) as archive:
        archive.extractall(tmp_path)
    risk = riskcast.score(riskcast.forecast(riskcast.fit(riskcast.load_case(folder), draws=1000, seed=1)))
    for row, dyad in zip(rows, risk.dyads, strict=True):
        assert row[0] == dyad.partner_name
        fast, reference, difference = (float(row[place]) for place in (1, 3, 5))
        assert fast == pytest.approx(dyad.score.mean, abs=1e-6)
        assert reference != fast
        assert difference == pytest.approx(reference - fast, abs=1e-6)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(address: str, fresh: Fresh, scheme: str) -> None:
    page = fresh(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    for name, title in app.TITLES.items():
        shown = app.visit(page, f"{address}/{'' if name == 'Overview' else name.lower()}", title)
        assert shown.failed == 0, name
        background = page.evaluate(
            "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
        )
        brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3])
        assert (brightness < 3 * 128) == (scheme == "dark"), background
        assert app.overflow(page) == 0, name


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()
