"""Time and peak memory of fit, forecast, score and export against the number of dyads, outcomes and periods.

Each size runs in a process of its own, so that its peak memory is its own, and times are of the processor, of all
threads together, so that other work on the machine does not count. A slope is of log time on log dyads (for the fit,
on log rows), by least squares over the sizes from 50 dyads on. Aims: scores with their intervals take less than half
of the forecast's time at any size, with a slope of at most 1.05; forecast, score and export of the largest size take
less than 90 seconds and 4 GB. Run: uv run python benchmarks/scale.py [--json] [--fit]
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

DYADS = (5, 50, 500, 4000, 19900)
LARGEST = (19900, 11)
PERIODS = (30, 60, 120, 240)
FORMATS = ("csv", "parquet", "json")
STEPS = ("forecast", "score", "explain", *FORMATS)
# What `explain` is measured with: its time is in proportion to the paths, of which it takes 800 by itself.
EXPLAINED = 16
# Draws as NetCDF hold every draw a second time: they are written where that fits.
DRAWN_CELLS = 50_000_000


class Watch:
    """Seconds by step, of the processor and of the clock, the least of its repeats; and the process's peak memory in GB
    after each."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.clock: dict[str, float] = {}
        self.peaks: dict[str, float] = {}

    def time[T](self, step: str, work: Callable[[], T]) -> T:
        """Do the work of a step and keep its time."""
        began, at = time.process_time(), time.perf_counter()
        result = work()
        self.seconds[step] = min(time.process_time() - began, self.seconds.get(step, math.inf))
        self.clock[step] = min(time.perf_counter() - at, self.clock.get(step, math.inf))
        self.peaks[step] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        return result


def measure(dyads: int, outcomes: int, draws: int, paths: int) -> dict[str, Any]:
    """Forecast, score and export of one size; draws come from the priors, so that the record does not matter."""
    from synthetic import make_case

    from riskcast import explain, export, fit, forecast, score

    # What is loaded and made once for a process is not what grows with the size.
    _once(explain, export, fit, forecast, score, make_case(2, 12, 1))
    case = make_case(dyads, 12, outcomes)
    posterior = fit(case, draws=draws, seed=1, prior_only=True)
    watch = Watch()
    for _ in range(5 if dyads <= 500 else 1):
        ahead = watch.time("forecast", lambda: forecast(posterior, paths=paths))
        risk = watch.time("score", lambda ahead=ahead: score(ahead))
    known = [("baseline", watch.time("explain", lambda: explain(ahead, paths=EXPLAINED)))]
    formats = [*FORMATS, *(["netcdf"] if dyads * outcomes * draws <= DRAWN_CELLS else [])]
    for name in formats:
        with tempfile.TemporaryDirectory() as folder:
            watch.time(name, lambda name=name, folder=folder: export(risk, folder, [name], explanations=known))
    size = {"dyads": dyads, "outcomes": outcomes, "draws": draws, "paths": paths}
    return size | {"seconds": watch.seconds, "clock": watch.clock, "peak_gb": watch.peaks}


def _once(explain: Any, export: Any, fit: Any, forecast: Any, score: Any, case: Any) -> None:
    risk = score(forecast(fit(case, draws=100, prior_only=True), paths=2))
    known = [("baseline", explain(risk.forecast, paths=2))]
    with tempfile.TemporaryDirectory() as folder:
        export(risk, folder, [*FORMATS, "netcdf"], explanations=known)


def measure_fit(dyads: int, outcomes: int, draws: int, periods: int) -> dict[str, Any]:
    """The fit of one size."""
    from synthetic import make_case

    from riskcast import fit

    case = make_case(dyads, periods, outcomes)
    watch = Watch()
    posterior = watch.time("fit", lambda: fit(case, draws=draws, seed=1, allow_unreliable=True))
    size = {"dyads": dyads, "outcomes": outcomes, "draws": draws, "periods": periods}
    health = {"khat_max": posterior.diagnostics.khat_max, "ess_min": posterior.diagnostics.ess_min}
    return size | {"rows": dyads * periods * outcomes, "seconds": watch.seconds, "peak_gb": watch.peaks} | health


def in_process(kind: str, **size: Any) -> dict[str, Any]:
    """`measure` or `measure_fit` in a process of its own."""
    print(f"{kind} {size} ...", file=sys.stderr, flush=True)
    command = [sys.executable, __file__, "--one", json.dumps([kind, size])]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def slope(rows: Sequence[dict[str, Any]], step: str, size: str = "dyads") -> float:
    """Least-squares slope of the log time of a step on the log size."""
    kept = [row for row in rows if row["dyads"] >= 50]
    x, y = [math.log(row[size]) for row in kept], [math.log(row["seconds"][step]) for row in kept]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread if spread else math.nan


def total(row: dict[str, Any], kind: str) -> float:
    """Seconds of forecast, score and export."""
    return sum(row[kind][step] for step in ("forecast", "score", *FORMATS))


def tell(rows: Sequence[dict[str, Any]], series: Sequence[dict[str, Any]]) -> None:
    """Print times by size, ratios and slopes."""
    steps = [step for step in (*STEPS, "netcdf") if any(step in row["seconds"] for row in rows)]
    print(f"{'dyads':>6} {'outcomes':>8} " + " ".join(f"{step:>8}" for step in steps), end="")
    print(f" {'together':>8} {'by clock':>8} {'score/forecast':>14} {'peak GB':>7}   (processor seconds)")
    for row in rows:
        cells = [f"{row['seconds'][s]:>8.3f}" if s in row["seconds"] else f"{'':>8}" for s in steps]
        ratio, peak = row["seconds"]["score"] / row["seconds"]["forecast"], max(row["peak_gb"].values())
        together = f"{total(row, 'seconds'):>8.2f} {total(row, 'clock'):>8.2f}"
        print(f"{row['dyads']:>6} {row['outcomes']:>8} {' '.join(cells)} {together} {ratio:>14.2f} {peak:>7.2f}")
    print(f"explain is of {EXPLAINED} paths, and not in `together`; export is csv, parquet and json.")
    if len(series) > 1:
        told = ", ".join(f"{step} {slope(series, step):.2f}" for step in STEPS)
        print(f"slope of log time on log dyads: {told} (aim for score: at most 1.05)")


def tell_fits(rows: Sequence[dict[str, Any]], by_dyads: int) -> None:
    """Print times of fits and their slopes."""
    print(f"{'dyads':>6} {'periods':>8} {'rows':>9} {'fit':>8} {'peak GB':>8} {'k-hat':>6}")
    for row in rows:
        peak = max(row["peak_gb"].values())
        print(
            f"{row['dyads']:>6} {row['periods']:>8} {row['rows']:>9} {row['seconds']['fit']:>8.2f} {peak:>8.2f}"
            f" {row['khat_max']:>6.2f}"
        )
    found = slope(rows[:by_dyads], "fit", "rows"), slope(rows[by_dyads:], "fit", "rows")
    print(f"slope of log time on log rows: by dyads {found[0]:.2f}, by periods {found[1]:.2f} (aim: at most 1.1)")


def main() -> None:
    """Run all sizes and print tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--fit", action="store_true", help="measure fits instead")
    parser.add_argument("--outcomes", type=int, default=4, help="event types in the series over sizes")
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--paths", type=int, default=2, help="futures of each draw")
    parser.add_argument("--largest", type=int, default=max(DYADS), help="most dyads to try")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        kind, size = json.loads(options.one)
        print(json.dumps((measure_fit if kind == "fit" else measure)(**size)))
        return
    sizes = [dyads for dyads in DYADS if dyads <= options.largest]
    common = {"draws": options.draws}
    if options.fit:
        pairs = [*((dyads, 60) for dyads in sizes), *((500, periods) for periods in PERIODS)]
        rows = [in_process("fit", dyads=d, periods=p, outcomes=options.outcomes, **common) for d, p in pairs]
    else:
        common["paths"] = options.paths
        rows = [in_process("forecast", dyads=dyads, outcomes=options.outcomes, **common) for dyads in sizes]
        if options.largest >= LARGEST[0]:
            rows.append(in_process("forecast", dyads=LARGEST[0], outcomes=LARGEST[1], **common))
    if options.json:
        print(json.dumps(rows, indent=2))
    elif options.fit:
        tell_fits(rows, len(sizes))
    else:
        tell(rows, rows[: len(sizes)])


if __name__ == "__main__":
    main()
