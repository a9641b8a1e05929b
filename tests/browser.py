"""The app's server, and what tests and benchmarks do with its pages in a browser."""

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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGES = ("overview", "assumptions", "scenarios", "why", "record", "export")
PATIENCE = 40.0
PATIENCE_MS = 30_000


@contextmanager
def app_server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app's address and process, once it answers; interrupted at the end, and all it started killed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "riskcast", "app", "--port", str(port), "--no-browser"],
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
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
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            yield browser
        finally:
            browser.close()


def settle(page: Page) -> None:
    """Wait until the app has drawn the page to its end."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED", timeout=PATIENCE_MS)
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE_MS)


def visit(page: Page, address: str) -> None:
    """Open an address and wait for the page."""
    page.goto(address)
    settle(page)


def turn_to(page: Page, name: str) -> None:
    """Go to another page of the app by its link, as a fresh address would be a fresh session."""
    page.get_by_role("link", name=name).first.click()
    expect(page).to_have_url(re.compile(rf"/{'' if name == 'Overview' else name.lower()}(\?|$)"))
    settle(page)


def choose_assumption(page: Page, key: str) -> None:
    """Open an assumption in the editor, by its id."""
    box = page.get_by_label("Search all assumptions")
    box.fill(key)
    box.press("Enter")
    expect(page.locator(".st-key-editor code", has_text=key)).to_be_visible(timeout=PATIENCE_MS)
    settle(page)


def median(page: Page) -> Locator:
    """The number input of the median in the editor."""
    return page.get_by_role("spinbutton", name="Median")


def give(box: Locator, number: float) -> None:
    """Type a number into a number input."""
    box.fill(f"{number:g}")
    box.press("Enter")


def change(page: Page, number: float) -> None:
    """Give another median to the open assumption, and wait until the numbers that follow stand there."""
    give(median(page), number)
    await_change(page, number)


def await_change(page: Page, number: float) -> None:
    """Wait until the address holds a number that was given, and the page the numbers that follow."""
    key = page.locator(".st-key-editor code").last.inner_text()
    # The address is written last, after all numbers of the page.
    deadline = time.monotonic() + PATIENCE
    while overlay_of(page.url).get(key, {}).get("median") != number:
        assert time.monotonic() < deadline, f"{key} is not {number:g} in {page.url}"
        page.wait_for_timeout(50)
    settle(page)


def overlay_of(url: str) -> dict[str, Any]:
    """The changes that an address holds."""
    packed = parse_qs(urlsplit(url).query).get("overlay", [""])[0]
    return json.loads(zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))) if packed else {}


def download(page: Page, label: str, folder: Path) -> Path:
    """Press a button of a download, and keep its file."""
    with page.expect_download(timeout=PATIENCE_MS) as caught:
        page.get_by_role("button", name=label, exact=True).first.click()
    place = folder / caught.value.suggested_filename
    caught.value.save_as(place)
    return place


def scores(page: Page) -> dict[str, str]:
    """Scores by pair, from the live table beside the editor."""
    rows = page.locator(".st-key-live table").first.locator("tbody tr").all()
    cells = [row.locator("td").all_inner_texts() for row in rows]
    return {row[0]: " ".join(row[1:]) for row in cells}


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
