"""The app in a browser: what people do with it, from the first page to a file that others can use."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openpyxl
import pytest
import yaml

import riskcast

pytest.importorskip("playwright.sync_api", reason="drives a browser with Playwright")

import browser as app
import psutil
from playwright.sync_api import Browser, BrowserContext, Page, expect

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(app.CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
LEVEL, EFFECT = "indicators.xenophobia.now", "effects.unpredictability->criticism"
HOME = {"127.0.0.1", "localhost"}


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
def fresh(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Makes pages, each in a context of its own: another user's browser, in whose eyes nothing is kept."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> Page:
        contexts.append(chromium.new_context(**options))
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


def test_every_page_opens_and_asks_nothing_of_the_outside(address: str, fresh: Callable[..., Page]) -> None:
    page = fresh()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    app.visit(page, address)
    for name in app.PAGES:
        app.turn_to(page, name.capitalize())
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_role("img").or_(page.get_by_test_id("stCode")).first).to_be_visible()
    places = {(urlsplit(url).scheme, urlsplit(url).hostname) for url in asked}
    assert {scheme for scheme, _ in places} >= {"http", "ws"}
    assert {host for scheme, host in places if scheme not in ("data", "blob")} <= HOME


def test_a_change_shows_at_once_and_its_address_shows_the_same_numbers_to_a_colleague(
    address: str, fresh: Callable[..., Page]
) -> None:
    mine = fresh()
    app.visit(mine, f"{address}/assumptions")
    before = app.scores(mine)
    app.choose_assumption(mine, LEVEL)
    app.change(mine, 55)
    changed = app.scores(mine)
    assert changed.keys() == before.keys()
    assert all(changed[pair] != before[pair] for pair in before)
    theirs = fresh()
    app.visit(theirs, mine.url)
    assert app.scores(theirs) == changed
    expect(theirs.get_by_text("1 changed assumption")).to_be_visible()


def test_two_people_who_change_numbers_at_the_same_time_see_their_own_alone(
    address: str, fresh: Callable[..., Page]
) -> None:
    people = {LEVEL: fresh(), EFFECT: fresh()}
    for key, page in people.items():
        app.visit(page, f"{address}/assumptions")
        app.choose_assumption(page, key)
    for level, effect in ((55, 1.3), (61, 1.5)):
        # Both are given before either is awaited, so that the server works on them at the same time.
        app.give(app.median(people[LEVEL]), level)
        app.give(app.median(people[EFFECT]), effect)
        app.await_change(people[LEVEL], level)
        app.await_change(people[EFFECT], effect)
    for key, page in people.items():
        overlay = app.overlay_of(page.url)
        assert set(overlay) == {key}
        changed = riskcast.apply_overlay(riskcast.load_case("central_asia_2024"), overlay)
        risk = riskcast.score(riskcast.forecast(riskcast.fit(changed, draws=1000, seed=1)))
        shown = {pair: cells.split()[:2] for pair, cells in app.scores(page).items()}
        assert shown == {
            dyad.partner_name: [f"{dyad.score.mean:.1f}", f"{dyad.score.low:.0f}–{dyad.score.high:.0f}"]
            for dyad in risk.dyads
        }


def test_changes_can_be_taken_back_brought_again_and_reset(address: str, fresh: Callable[..., Page]) -> None:
    page = fresh()
    app.visit(page, f"{address}/assumptions")
    published = app.scores(page)
    app.choose_assumption(page, LEVEL)
    app.change(page, 55)
    once = app.scores(page)
    app.change(page, 60)
    twice = app.scores(page)
    assert len({json.dumps(each) for each in (published, once, twice)}) == 3
    for button, scores, median in (
        ("Undo", once, "55"),
        ("Undo", published, "47"),
        ("Redo", once, "55"),
        ("Redo", twice, "60"),
        ("Reset", published, "47"),
        ("Undo", twice, "60"),
    ):
        page.get_by_test_id("stSidebar").get_by_role("button", name=button, exact=True).click()
        expect(app.median(page)).to_have_value(median)
        app.settle(page)
        assert app.scores(page) == scores


def test_a_built_future_stands_beside_the_baseline(address: str, fresh: Callable[..., Page]) -> None:
    page = fresh()
    app.visit(page, f"{address}/scenarios")
    page.get_by_text("Make a future: build or combine").click()
    page.get_by_role("button", name="Add this move").click()
    app.settle(page)
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("A harder line")
    name.press("Enter")
    app.settle(page)
    page.get_by_role("button", name="Save and compare").click()
    expect(page.get_by_role("tab", name="A harder line")).to_be_visible(timeout=app.PATIENCE_MS)
    app.settle(page)
    page.get_by_role("tab", name="A harder line").click()
    expect(page.get_by_text("A harder line less Baseline")).to_be_visible()
    theirs = fresh()
    app.visit(theirs, page.url)
    theirs.get_by_test_id("stSidebar").get_by_role("combobox", name="Scenario").click()
    theirs.get_by_role("option", name="A harder line (built here)").click()
    expect(theirs).to_have_url(re.compile("scenario=a_harder_line"))


def test_files_can_be_opened_and_the_command_line_prints_their_digits(
    address: str, fresh: Callable[..., Page], tmp_path: Path
) -> None:
    page = fresh()
    app.visit(page, f"{address}/assumptions")
    app.choose_assumption(page, LEVEL)
    app.change(page, 55)
    overlay = app.overlay_of(page.url)
    shown = {pair: float(cells.split()[0]) for pair, cells in app.scores(page).items()}
    app.turn_to(page, "Export")
    files = {label: app.download(page, label, tmp_path) for label in ("JSON", "Excel", "CSV (zip)", "Overlay (YAML)")}

    told = json.loads(files["JSON"].read_text())
    assert yaml.safe_load(files["Overlay (YAML)"].read_text())["changes"] == overlay
    book = openpyxl.load_workbook(files["Excel"], read_only=True)
    sheet = next(book[name] for name in book.sheetnames if "score" in name.lower())
    cells = {cell for row in sheet.iter_rows(values_only=True) for cell in row}
    with zipfile.ZipFile(files["CSV (zip)"]) as archive:
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("scores.csv"), "utf-8")))
    assert {row["partner"]: round(float(row["score"]), 1) for row in rows} == shown
    assert {float(row["score"]) for row in rows} <= cells

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
    assert by_command == {key: told[key] for key in by_command}
    assert told.keys() - by_command.keys() == {"assumptions"}


def test_bad_files_are_refused_by_line_and_leave_the_view_alone(
    address: str, fresh: Callable[..., Page], tmp_path: Path
) -> None:
    page = fresh()
    app.visit(page, f"{address}/assumptions")
    app.choose_assumption(page, LEVEL)
    app.change(page, 55)
    before, view = app.scores(page), page.url
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(f"label: Mine\nchanges:\n  {LEVEL}:\n    median: 90\n    interval: [40, 60]\n")
    hostile = tmp_path / "hostile.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("case/../../case.yaml", "name: mine\n")
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_text("Open a case or overlay").click()
    for file, told in ((overlay, re.compile(r"mine\.yaml:\d+.*;", re.DOTALL)), (hostile, "leads out of the folder")):
        sidebar.locator("input[type=file]").set_input_files(file)
        expect(sidebar.get_by_test_id("stCode")).to_contain_text(told, timeout=app.PATIENCE_MS)
        expect(sidebar.get_by_text("nothing has changed")).to_be_visible()
        app.settle(page)
        assert (app.scores(page), page.url) == (before, view)


def test_a_verification_can_be_cancelled_and_leaves_no_process(
    server: tuple[str, subprocess.Popen[bytes]], fresh: Callable[..., Page]
) -> None:
    address, process = server
    page = fresh()
    app.visit(page, address)
    idle = set(psutil.Process(process.pid).children(recursive=True))
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("button", name="Verify with the reference engine").click()
    expect(sidebar.get_by_text(re.compile("^(Compiling the model|Sampling)"))).to_be_visible(timeout=app.PATIENCE_MS)
    working = set(psutil.Process(process.pid).children(recursive=True)) - idle
    assert working
    sidebar.get_by_role("button", name="Cancel").click()
    expect(sidebar.get_by_text("The verification was cancelled.")).to_be_visible(timeout=app.PATIENCE_MS)
    _, alive = psutil.wait_procs(working, timeout=app.PATIENCE)
    assert not alive


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(address: str, fresh: Callable[..., Page], scheme: str) -> None:
    page = fresh(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    for name in app.PAGES:
        app.visit(page, f"{address}/{'' if name == 'overview' else name}")
        expect(page.get_by_test_id("stException")).to_have_count(0)
        assert app.overflow(page) == 0, name
