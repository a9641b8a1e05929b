"""What tension and trust cost: CPU time of fits of the first case with them, against the same case without.

From nothing, after one changed effect, and after one changed level, each with a forecast and scores where said. With
`--against FOLDER`, a checkout of another edition of riskcast (`git worktree add FOLDER v0.1.0`), its times on its own
edition of the case stand beside them, measured by turns in one run, as no machine is the same from one minute to
the next.
Run: uv run python benchmarks/tension.py [--against FOLDER] [--repeat 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

CASES: dict[str, dict[str, Any]] = {
    "without": {},
    "tension by year": {"period": "year"},
    "tension by quarter": {"period": "quarter"},
    "tension by month": {"period": "month"},
    "tension and trust": {"period": "quarter", "trust": {"median": 0.7, "interval": (0.4, 1.2)}},
}
LOADING = {"median": 0.6, "interval": (0.25, 1.2)}
AIMS = {"from nothing": 3.0, "one effect": 1.6, "one effect, scored": 1.6, "one level, scored": 1.0}
# What another edition runs as well: nothing that only some editions have.
MEASURE = """
import gc, json, sys, time
import riskcast

def cpu(action):
    # What others left behind is not to be cleared away in this one's time.
    gc.collect()
    began = time.process_time()
    result = action()
    return result, time.process_time() - began

def measure(case):
    effect = next(effect for effect in case.effects if effect.target == case.outcomes[0])
    center = effect.rate_ratio.center
    one = {f"effects.{effect.id}": {"median": center * 1.3, "interval": [center, center * 1.69]}}
    level = {"indicators.xenophobia.now": {"median": 55.0, "interval": [48.0, 62.0]}}
    effect_changed, level_changed = (riskcast.apply_overlay(case, change) for change in (one, level))
    posterior, fitted = cpu(lambda: riskcast.fit(case))

    def scored(changed):
        return riskcast.score(riskcast.forecast(riskcast.fit(changed, reuse=posterior)))

    scored(effect_changed)
    return {
        "from nothing": fitted,
        "one effect": cpu(lambda: riskcast.fit(effect_changed, reuse=posterior))[1],
        "one effect, scored": cpu(lambda: scored(effect_changed))[1],
        "one level, scored": cpu(lambda: scored(level_changed))[1],
    }, posterior
"""
OTHER = (
    MEASURE
    + """
case = riskcast.load_case("central_asia_2024")
riskcast.fit(case)
print(json.dumps([measure(case)[0] for _ in range(int(sys.argv[1]))]))
"""
)


def run(against: Path | None, repeat: int) -> dict[str, Any]:
    """Median CPU seconds of every case and step, with the health of the weights."""
    space: dict[str, Any] = {}
    exec(MEASURE, space)
    import riskcast

    plain = riskcast.load_case("central_asia_2024")
    riskcast.fit(plain)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CASES}
    health: dict[str, dict[str, float]] = {}
    for _ in range(repeat):
        if against is not None:
            command = ["uv", "run", "--project", str(against), "python", "-c", OTHER, "1"]
            made = subprocess.run(command, cwd=against, capture_output=True, text=True, check=True)
            found.setdefault("other edition", []).extend(json.loads(made.stdout))
        for name, given in CASES.items():
            settings = plain.settings.model_dump()
            if "period" in given:
                settings["tension"] = {"period": given["period"], "loading": LOADING}
            if "trust" in given:
                settings["trust"] = given["trust"]
            seconds, posterior = space["measure"](plain.revised(settings=settings))
            found[name].append(seconds)
            if posterior.shared is not None:
                inner = min(drawn.ess for drawn in posterior.events.values())
                health[name] = {"khat": posterior.shared.khat, "ess": posterior.shared.ess, "inner_ess": inner}
    steps = list(found["without"][0])
    seconds = {
        name: {step: statistics.median(one[step] for one in own) for step in steps} for name, own in found.items()
    }
    base = seconds["other edition" if against is not None else "without"]
    ratios = {name: {step: own[step] / base[step] for step in steps} for name, own in seconds.items()}
    return {"seconds": seconds, "ratios": ratios, "health": health, "aims": AIMS}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="a checkout of another edition to measure beside")
    parser.add_argument("--repeat", type=int, default=5, help="runs of everything; medians count")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    result = run(options.against, options.repeat)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print("CPU seconds, and how many times those of", "the other edition" if options.against else "the case without")
    for name, own in result["seconds"].items():
        cells = (f"{step} {value:.2f} s ({result['ratios'][name][step]:.2f} x)" for step, value in own.items())
        told = ", ".join(f"{key} {value:.2f}" for key, value in result["health"].get(name, {}).items())
        print(f"{name:20} {'; '.join(cells)}  {told}")
    print("aims:", ", ".join(f"{step} at most {most:g} x" for step, most in AIMS.items()), file=sys.stderr)


if __name__ == "__main__":
    main()
