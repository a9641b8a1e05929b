"""From a changed number to the changed score on the page, in headless Chromium; and the server's memory under changes.

A level and an effect are changed by typing (Enter) and by the slider (an arrow key). The clock runs inside the page,
from the key that gives the change to the frame in which the live result shows other numbers; where a tick moves no
score by a tenth, these are the probabilities below, or the hash of the case.
Run: uv run python benchmarks/app.py [--changes 30] [--soak 200] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Locator, Page

from tests.support import browser as app

LEVEL, EFFECT = "indicators.xenophobia.now", "effects.unpredictability->criticism"
SPANS: Mapping[str, tuple[float, float]] = {
    LEVEL: (40.0, 60.0),
    EFFECT: (1.0, 1.5),
    "outcomes.criticism.base_rate": (5.0, 30.0),
    "outcomes.demarche.base_rate": (3.0, 20.0),
    "memories.fast.half_life": (3.0, 9.0),
    "memories.slow.half_life": (18.0, 48.0),
}
WARM_UP = 3
SOAK_STEP = 20
SAME_QUANTITY = 5
STOPWATCH = """
() => {
  const shown = () => (document.querySelector('.st-key-live') || {innerText: ''}).innerText
  window.took = null
  const start = event => {
    if (!['Enter', 'ArrowRight'].includes(event.key)) return
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


@dataclass(frozen=True)
class Way:
    """A way to change a quantity: by the number or by the slider."""

    what: str
    key: str
    by: str


WAYS = tuple(Way(what, key, by) for what, key in (("level", LEVEL), ("effect", EFFECT)) for by in ("number", "slider"))


def time_change(page: Page, box: Locator, key: str) -> float:
    """Seconds from a key that gives a change to the frame that shows other scores."""
    before = app.look(page)
    page.evaluate(STOPWATCH)
    box.press(key)
    page.wait_for_function("() => window.took !== null", timeout=app.PATIENCE_MS)
    app.await_shown(page, "changed", lambda now: now.overlay != before.overlay)
    return page.evaluate("() => window.took") / 1000


def measure(page: Page, way: Way, changes: int, advance: Callable[[], None]) -> list[float]:
    """Seconds of each change of one quantity after some for warming up, none to a value that was shown before."""
    app.choose_assumption(page, way.key)
    low, high = SPANS[way.key]
    many = changes + WARM_UP
    took = []
    if way.by == "slider":
        app.change(page, low)
    for place in range(many):
        if way.by == "number":
            box = app.median(page)
            box.fill(f"{low + (high - low) * (place + 0.5) / many:.4g}")
            took.append(time_change(page, box, "Enter"))
        else:
            took.append(time_change(page, page.locator("input[type=range][aria-label=Median]"), "ArrowRight"))
        advance()
    return took[WARM_UP:]


def describe(seconds: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {"median": statistics.median(seconds), "p95": statistics.quantiles(seconds, n=20, method="inclusive")[-1]}


def soak(page: Page, server: psutil.Process, changes: int, advance: Callable[[], None]) -> dict[int, float]:
    """The server's resident megabytes in the course of random changes of several quantities, by number of changes."""
    chance = random.Random(1)
    found = {0: megabytes(server)}
    for count in range(1, changes + 1):
        if count % SAME_QUANTITY == 1:
            key = chance.choice(list(SPANS))
            app.choose_assumption(page, key)
        before = app.look(page)
        app.give(app.median(page), float(f"{chance.uniform(*SPANS[key]):.4g}"))
        app.await_shown(page, f"changed {key}", lambda now, before=before: now.overlay != before.overlay)
        if count % SOAK_STEP == 0 or count == changes:
            found[count] = megabytes(server)
        advance()
    return found


def megabytes(server: psutil.Process) -> float:
    """Resident memory of the server and all it started."""
    return sum(each.memory_info().rss for each in (server, *server.children(recursive=True))) / 1e6


def slope(found: Mapping[int, float], last: int = 100) -> float:
    """Least-squares slope over the last changes, in megabytes per 100 changes; NaN for less than two points."""
    end = max(found)
    points = [(count, size) for count, size in found.items() if count >= end - last]
    if len(points) < 2:
        return float("nan")
    counts, sizes = zip(*points, strict=True)
    return 100 * statistics.linear_regression(counts, sizes).slope


def run(changes: int, steps: int) -> dict[str, Any]:
    """All measurements, with progress on standard error."""
    found: dict[str, Any] = {"seconds": {}, "megabytes": {}}
    with (
        app.app_server() as (address, process),
        app.chromium() as browser,
        Progress(console=Console(stderr=True)) as progress,
    ):
        for way in WAYS if changes else ():
            name = f"{way.what}, {way.by}"
            task = progress.add_task(name, total=changes + WARM_UP)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            app.visit(page, f"{address}/assumptions", "Assumptions")
            found["seconds"][name] = describe(measure(page, way, changes, lambda task=task: progress.advance(task)))
            page.close()
        if steps:
            task = progress.add_task("soak", total=steps)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            app.visit(page, f"{address}/assumptions", "Assumptions")
            found["megabytes"] = soak(page, psutil.Process(process.pid), steps, lambda: progress.advance(task))
    found["slope"] = slope(found["megabytes"]) if steps else None
    found["load"] = os.getloadavg()
    return found


def show(found: Mapping[str, Any]) -> None:
    """Print tables for people."""
    console = Console()
    if found["seconds"]:
        table = Table("Change", "Median, s", "95th percentile, s", title="From the key to the changed score")
        for name, numbers in found["seconds"].items():
            table.add_row(name, f"{numbers['median']:.2f}", f"{numbers['p95']:.2f}")
        console.print(table)
    if found["megabytes"]:
        table = Table("Changes", "Server, MB", title="Memory")
        for count, size in found["megabytes"].items():
            table.add_row(str(count), f"{size:.0f}")
        console.print(table)
        console.print(f"Slope over the last 100 changes: {found['slope']:+.1f} MB per 100 changes")
    console.print("Load average at the end: " + ", ".join(f"{each:.2f}" for each in found["load"]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--changes", type=int, default=30, help="of each kind that are timed; 0 leaves them out")
    parser.add_argument("--soak", type=int, default=200, help="random changes; 0 leaves them out")
    options = parser.parse_args()
    if app.CHROMIUM is None:
        parser.error("Chromium is missing; apt-get install chromium")
    if options.changes == 1:
        parser.error("--changes is 1; give 0, or 2 and more, for a percentile")
    found = run(options.changes, options.soak)
    if options.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
