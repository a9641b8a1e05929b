"""From a changed number to the changed score on the page, in headless Chromium; and the server's memory under changes.

A level and an effect are changed by typing (Enter) and by the slider (an arrow key). The clock runs inside the page,
from the key that gives the change to the first score that differs.
Run: uv run python benchmarks/app.py [--repeat 20] [--changes 200] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import browser as app
from playwright.sync_api import Page

LEVEL, EFFECT = "indicators.xenophobia.now", "effects.unpredictability.criticism"
SPANS = {LEVEL: (40.0, 60.0), EFFECT: (1.0, 1.5)}
STOPWATCH = """
() => {
  const shown = () => (document.querySelector('.st-key-live table') || {innerText: ''}).innerText
  window.took = null
  const start = event => {
    if (!['Enter', 'ArrowRight', 'ArrowLeft'].includes(event.key)) return
    document.removeEventListener('keydown', start, true)
    const before = shown(), began = performance.now()
    const look = () => {
      const now = shown()
      if (now && now !== before) window.took = performance.now() - began
      else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  }
  document.addEventListener('keydown', start, true)
}
"""


def time_change(page: Page, give: Any) -> float:
    """Seconds from the key to a score that differs."""
    page.evaluate(STOPWATCH)
    give()
    page.wait_for_function("() => window.took !== null", timeout=app.PATIENCE_MS)
    took = page.evaluate("() => window.took") / 1000
    app.settle(page)
    return took


def by_typing(page: Page, key: str, place: int, repeat: int) -> float:
    """Give a median that was not given before, so that no cache answers."""
    low, high = SPANS[key]
    box = app.median(page)
    box.fill(f"{low + (high - low) * (place + 0.5) / repeat:.4g}")
    return time_change(page, lambda: box.press("Enter"))


def by_slider(page: Page, key: str, place: int, repeat: int) -> float:
    """Move the slider on by a tick, always the same way, so that no cache answers."""
    slider = page.get_by_role("slider", name="Median").first
    return time_change(page, lambda: slider.press("ArrowRight"))


def describe(seconds: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {"median": statistics.median(seconds), "p95": statistics.quantiles(seconds, n=20, method="inclusive")[-1]}


def soak(page: Page, server: psutil.Process, changes: int) -> dict[str, float]:
    """The server's resident megabytes, before and in the course of random changes of levels and effects."""
    chance = random.Random(1)
    found = {"0": megabytes(server)}
    key = ""
    for count in range(1, changes + 1):
        if count % 10 == 1:
            key = chance.choice(list(SPANS))
            app.choose_assumption(page, key)
        app.change(page, float(f"{chance.uniform(*SPANS[key]):.4g}"))
        if count % 50 == 0 or count == changes:
            found[str(count)] = megabytes(server)
    return found


def megabytes(server: psutil.Process) -> float:
    """Resident memory of the server and all it started."""
    return sum(each.memory_info().rss for each in (server, *server.children(recursive=True))) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--changes", type=int, default=200, help="of the soak; 0 leaves it out")
    options = parser.parse_args()
    found: dict[str, Any] = {"seconds": {}}
    with app.app_server() as (address, process), app.chromium() as browser:
        for what, key in (("level", LEVEL), ("effect", EFFECT)):
            for how, give in (("number", by_typing), ("slider", by_slider)):
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                app.visit(page, f"{address}/assumptions")
                app.choose_assumption(page, key)
                took = [give(page, key, place, options.repeat) for place in range(options.repeat)]
                found["seconds"][f"{what}, {how}"] = describe(took)
                page.close()
        if options.changes:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            app.visit(page, f"{address}/assumptions")
            found["megabytes"] = soak(page, psutil.Process(process.pid), options.changes)
    if options.json:
        print(json.dumps(found))
        return
    for name, numbers in found["seconds"].items():
        print(f"{name:16} median {numbers['median']:.2f} s, 95th percentile {numbers['p95']:.2f} s")
    for count, size in found.get("megabytes", {}).items():
        print(f"after {count:>3} changes: {size:.0f} MB")


if __name__ == "__main__":
    main()
