"""Time and peak memory of fit and forecast against the number of dyads and periods.

Each size runs in a process of its own, so that its peak memory is its own. Slopes are of log time on log rows, by
least squares over the sizes; the aim is at most 1.1. Run: uv run python benchmarks/scale.py [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

DYADS = (5, 50, 500, 5000, 20000)
PERIODS = (30, 60, 120, 240)


def measure(dyads: int, periods: int, outcomes: int, draws: int, forecast_only: bool) -> dict[str, Any]:
    """Seconds and megabytes for one size; with `forecast_only`, draws come from the priors."""
    from synthetic import make_case

    from riskcast.engines.fitting import fit
    from riskcast.forecasting.forecasts import forecast
    from riskcast.forecasting.scoring import score

    case = make_case(dyads, periods, outcomes)
    began = time.perf_counter()
    posterior = fit(case, draws=draws, seed=1, prior_only=forecast_only, allow_unreliable=True)
    fitted = time.perf_counter()
    ahead = forecast(posterior, paths=2)
    simulated = time.perf_counter()
    if dyads <= 1000:
        score(ahead)
    return {
        "dyads": dyads,
        "periods": periods,
        "outcomes": outcomes,
        "draws": draws,
        "rows": dyads * periods * outcomes,
        "fit_seconds": fitted - began,
        "forecast_seconds": simulated - fitted,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "khat_max": None if forecast_only else posterior.diagnostics.khat_max,
        "ess_min": posterior.diagnostics.ess_min,
    }


def in_process(**size: Any) -> dict[str, Any]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps(size)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def slope(rows: list[dict[str, Any]], key: str) -> float:
    """Least-squares slope of log time on log rows."""
    x = [math.log(row["rows"]) for row in rows]
    y = [math.log(row[key]) for row in rows]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def main() -> None:
    """Run all sizes and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--outcomes", type=int, default=3, help="event types in the series over sizes")
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--largest", type=int, default=max(DYADS), help="most dyads to try")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(**json.loads(options.one))))
        return

    def run(label: str, **size: Any) -> dict[str, Any]:
        print(f"{label} ...", file=sys.stderr, flush=True)
        return in_process(draws=options.draws, **size)

    sizes = [d for d in DYADS if d <= options.largest]
    by_dyads = [run(f"{d} dyads", dyads=d, periods=60, outcomes=options.outcomes, forecast_only=False) for d in sizes]
    by_periods = [
        run(f"{p} periods", dyads=500, periods=p, outcomes=options.outcomes, forecast_only=False) for p in PERIODS
    ]
    large = run("19900 dyads x 11 outcomes, forecast only", dyads=19900, periods=12, outcomes=11, forecast_only=True)
    result = {
        "by_dyads": by_dyads,
        "by_periods": by_periods,
        "slopes": {
            "fit_by_dyads": slope(by_dyads, "fit_seconds"),
            "forecast_by_dyads": slope(by_dyads, "forecast_seconds"),
            "fit_by_periods": slope(by_periods, "fit_seconds"),
        },
        "large_forecast": large,
    }
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'dyads':>6} {'periods':>8} {'rows':>9} {'fit s':>8} {'forecast s':>11} {'peak GB':>8} {'k-hat':>6}")
    for row in [*by_dyads, *by_periods, large]:
        khat = "" if row["khat_max"] is None else f"{row['khat_max']:.2f}"
        print(
            f"{row['dyads']:>6} {row['periods']:>8} {row['rows']:>9} {row['fit_seconds']:>8.2f}"
            f" {row['forecast_seconds']:>11.2f} {row['peak_gb']:>8.2f} {khat:>6}"
        )
    for name, value in result["slopes"].items():
        print(f"slope of log time on log rows, {name.replace('_', ' ')}: {value:.2f} (aim: at most 1.1)")


if __name__ == "__main__":
    main()
