"""The app's server, and what tests and benchmarks do with its pages in a browser.

Whatever is read from a page is read once a condition on its content holds: the page may be drawn late, or in parts.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TITLES = {
    "Overview": "Russia and Central Asia after the Crocus attack",
    **{name: name for name in ("Assumptions", "Scenarios", "Why", "Record", "Update", "Export")},
}
PATIENCE = 120.0
PATIENCE_MS = 120_000
LOOK = """
() => {
  const app = document.querySelector('[data-testid=stApp]')
  const live = document.querySelector('.st-key-live')
  const table = live && [...live.querySelectorAll('table')].find(
    one => [...one.querySelectorAll('th')].some(cell => cell.innerText.trim() === 'Score'))
  const read = cell => cell.innerText.replaceAll('\\u2060', '')
  const codes = [...document.querySelectorAll('.st-key-editor code')].map(each => each.innerText)
  const title = document.querySelector('[data-testid=stMain] h1')
  return {
    url: location.href,
    idle: !!app && app.dataset.testConnectionState === 'CONNECTED' && app.dataset.testScriptState === 'notRunning'
      && !(live && live.querySelector('[data-stale=true]')),
    title: title ? title.innerText.trim() : '',
    rows: table ? [...table.querySelectorAll('tbody tr')].map(row => [...row.cells].map(read)) : [],
    key: codes.length ? codes[codes.length - 1] : '',
    failed: document.querySelectorAll('[data-testid=stException]').length,
  }
}
"""


@dataclass(frozen=True)
class Shown:
    """What stands on a page at one moment.

    `idle`: connected, and nothing is being computed; `rows`: of the live table, cell by cell; `key`: the id of the
    quantity in the editor; `failed`: how many exceptions are shown.
    """

    url: str
    idle: bool
    title: str
    rows: list[list[str]]
    key: str
    failed: int

    @property
    def scores(self) -> dict[str, str]:
        """Score, interval and change by pair, from the live table."""
        return {row[0]: " ".join(row[1:]) for row in self.rows}

    @property
    def overlay(self) -> dict[str, Any]:
        """The changes that the address holds."""
        packed = parse_qs(urlsplit(self.url).query).get("overlay", [""])[0]
        if not packed:
            return {}
        return json.loads(zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))))


@contextmanager
def app_server(environment: Mapping[str, str] | None = None) -> Generator[tuple[str, subprocess.Popen[bytes]]]:
    """The app's address and process, once it answers; interrupted at the end, and all it started killed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "riskcast", "app", "--port", str(port), "--no-browser"],
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | dict(environment or {}),
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    told.seek(0)
                    raise RuntimeError(f"the app does not answer: {told.read().decode(errors='replace')}")
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def chromium() -> Generator[Browser]:
    """Debian's Chromium, without a screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking"],
            timeout=PATIENCE_MS,
        )
        try:
            yield browser
        finally:
            browser.close()


def look(page: Page) -> Shown:
    """What stands on the page now, all read in one go."""
    return Shown(**page.evaluate(LOOK))


def await_shown(page: Page, what: str, condition: Callable[[Shown], bool]) -> Shown:
    """What stands on the page once it is at rest and a condition holds; an assertion fails where it never does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        shown = look(page)
        if shown.idle and condition(shown):
            return shown
        assert time.monotonic() < deadline, f"not {what}: {shown}"
        page.wait_for_timeout(50)


def visit(page: Page, address: str, title: str) -> Shown:
    """Open an address and wait for the page of a title; its live table, if it has one, is there."""
    page.goto(address, timeout=PATIENCE_MS)
    return await_page(page, title)


def await_page(page: Page, title: str) -> Shown:
    """Wait until the page of a title is drawn to its end."""
    live = title == TITLES["Assumptions"]
    # The address names the case once the script has come to its end.
    return await_shown(
        page, f"at {title}", lambda now: now.title == title and "case=" in now.url and (bool(now.rows) or not live)
    )


def turn_to(page: Page, name: str) -> Shown:
    """Go to another page of the app by its link, as a fresh address would be a fresh session."""
    page.get_by_role("link", name=name).first.click()
    expect(page).to_have_url(re.compile(rf"/{'' if name == 'Overview' else name.lower()}(\?|$)"), timeout=PATIENCE_MS)
    return await_page(page, TITLES[name])


def choose_assumption(page: Page, key: str) -> Shown:
    """Open an assumption in the editor, by its id."""
    box = page.get_by_label("Search all assumptions")
    box.fill(key)
    box.press("Enter")
    return await_shown(page, f"editing {key}", lambda now: now.key == key and bool(now.rows))


def median(page: Page) -> Locator:
    """The number input of the median in the editor."""
    return page.get_by_role("spinbutton", name="Median")


def give(box: Locator, number: float) -> None:
    """Type a number into a number input."""
    box.fill(f"{number:g}")
    box.press("Enter")


def change(page: Page, number: float) -> Shown:
    """Give another median to the open assumption, and wait for the numbers that follow."""
    before = look(page)
    give(median(page), number)
    return await_change(page, before, {before.key: number})


def await_change(page: Page, before: Shown, medians: Mapping[str, float]) -> Shown:
    """Wait until the address holds just these medians, and the live table other numbers than before."""

    def arrived(now: Shown) -> bool:
        held = {key: quantity.get("median") for key, quantity in now.overlay.items()}
        return held == medians and bool(now.rows) and now.rows != before.rows

    return await_shown(page, f"changed to {medians}", arrived)


def download(page: Page, label: str, folder: Path) -> Path:
    """Press a button of a download, and keep its file."""
    with page.expect_download(timeout=PATIENCE_MS) as caught:
        page.get_by_role("button", name=label, exact=True).first.click()
    place = folder / caught.value.suggested_filename
    caught.value.save_as(place)
    return place


def overflow(page: Page) -> Any:
    """By how many pixels the page is wider than its window."""
    return page.evaluate(
        "() => { const m = document.querySelector('[data-testid=stMain]'), d = document.scrollingElement;"
        " return Math.max(d.scrollWidth - d.clientWidth, m.scrollWidth - m.clientWidth) }"
    )


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
