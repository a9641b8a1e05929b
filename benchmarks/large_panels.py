"""What large panels cost: reading, fitting and an origin of a backtest, beside an older checkout and LightGBM's fit.

Panels are made up, in the shape of those that users have: monthly, many dyads, twelve covariates, one rare event type
with a memory of its own, effects of dyads and years. Every measure is of a process of its own: processor seconds of
all threads, peak memory. Aims, without tension: a fit four times faster than version 0.1.0, below 1 GB.

    uv run python benchmarks/large_panels.py [--shapes tiny yearly monthly long] [--beside CHECKOUT]

CHECKOUT is another working copy of riskcast with an environment of its own; it runs the same case.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas


@dataclass(frozen=True)
class Shape:
    """How large a panel is: a row for every dyad and period; `rate`, of an event in a period."""

    dyads: int
    periods: int
    unit: str
    rate: float


SHAPES = {
    "tiny": Shape(300, 24, "month", 0.03),
    "yearly": Shape(1200, 15, "year", 0.2),
    "monthly": Shape(6048, 56, "month", 0.01),
    "long": Shape(1861, 310, "month", 0.01),
}
COVARIATES = tuple(f"x{number}" for number in range(12))
JUDGED = "evidence: {basis: judgement, claim: Made up.}"

CASE = f"""\
title: Made-up panel
as_of: %s
panel: {{file: panel.parquet, covariates: before}}
period: %s
history_from: %s
horizon: 12
bands: [{{name: any, start: 0}}]
memories:
  slow: {{label: Slow, half_life: {{value: 12, {JUDGED}}}}}
hyperpriors:
  sd_dyad: {{median: 0.6, interval: [0.3, 1.2], {JUDGED}}}
  sd_time: {{median: 0.3, interval: [0.1, 0.9], {JUDGED}}}
  persistence: {{value: 0.7, {JUDGED}}}
"""

# Run in the environment of whichever version is measured: only what both have.
MEASURE = """
import json, resource, sys, time
import riskcast
def spent():
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime
folder, draws = sys.argv[1], int(sys.argv[2])
told = {}
begun = spent(); clock = time.perf_counter()
case = riskcast.load_case(folder)
told["load"] = spent() - begun
begun = spent(); clock = time.perf_counter()
posterior = riskcast.fit(case, draws=draws, seed=1, allow_unreliable=True)
told["fit"], told["fit_clock"] = spent() - begun, time.perf_counter() - clock
told["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
begun = spent()
ahead = riskcast.forecast(posterior, horizon=1)
told["forecast"] = spent() - begun
told["peak_all_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
told["khat"], told["ess"] = posterior.diagnostics.khat_max, posterior.diagnostics.ess_min
print(json.dumps(told))
"""

BOOST = """
import json, resource, sys, time
import lightgbm, numpy, pandas
table = pandas.read_parquet(sys.argv[1] + "/panel.parquet").dropna()
def spent():
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime
begun = spent()
columns = [name for name in table.columns if name.startswith("x")]
model = lightgbm.LGBMClassifier(n_estimators=200, learning_rate=0.04, num_leaves=8, min_child_samples=50, verbose=-1)
model.fit(table[columns], table["clash"])
print(json.dumps({"fit": spent() - begun, "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))
"""


def state(number: int) -> str:
    """A made-up code of three letters."""
    return "".join(chr(65 + number // base % 26) for base in (676, 26, 1))


def write_case(folder: Path, shape: Shape, seed: int = 1) -> Path:
    """A panel case of a shape: twelve covariates of which four act, and events that remember themselves."""
    rng = np.random.default_rng(seed)
    width = next(n for n in range(2, 999) if n * (n - 1) // 2 >= shape.dyads)
    pairs = [f"{state(i)}-{state(j)}" for i in range(width) for j in range(i + 1, width)][: shape.dyads]
    labels = [str(one) for one in pandas.period_range("1990-01", freq=shape.unit[0].upper(), periods=shape.periods + 1)]
    x = rng.normal(size=(shape.periods + 1, shape.dyads, len(COVARIATES)))
    for t in range(1, shape.periods + 1):
        x[t] = 0.9 * x[t - 1] + np.sqrt(1 - 0.81) * x[t]
    own = rng.normal(0.0, 0.7, shape.dyads)
    years = rng.normal(0.0, 0.3, shape.periods + 1)
    memory, happened = np.zeros(shape.dyads), np.zeros((shape.periods + 1, shape.dyads))
    for t in range(shape.periods):
        step = 12 if shape.unit == "month" else 1
        eta = np.log(shape.rate) + x[t, :, :4] @ [0.4, -0.3, 0.2, 0.1] + 0.5 * memory + own + years[t // step] - 0.4
        happened[t] = rng.random(shape.dyads) < 1.0 - np.exp(-np.exp(eta))
        memory = memory * 0.5 ** (1 / 12) + happened[t]
    happened[shape.periods] = np.nan
    columns: dict[str, Any] = {"dyad": np.tile(pairs, shape.periods + 1), "period": np.repeat(labels, shape.dyads)}
    columns |= {name: x[:, :, place].ravel() for place, name in enumerate(COVARIATES)}
    columns["clash"] = happened.ravel()
    folder.mkdir(parents=True, exist_ok=True)
    pandas.DataFrame(columns).to_parquet(folder / "panel.parquet")
    last = pandas.period_range("1990-01", freq=shape.unit[0].upper(), periods=shape.periods).end_time[-1].date()
    (folder / "case.yaml").write_text(CASE % (last, shape.unit, "1990-01-01"), encoding="utf-8")
    (folder / "indicators.yaml").write_text(
        "".join(
            f"{name}: {{label: {name}, question: Made up., scope: dyad, unit: points, scale: identity, reference: 0, "
            f"step: 1, history: panel, drift: {{value: 0, {JUDGED}}}}}\n"
            for name in COVARIATES
        ),
        encoding="utf-8",
    )
    chance = 1.0 - (1.0 - shape.rate) ** (12 if shape.unit == "month" else 1)
    (folder / "outcomes.yaml").write_text(
        "clash: {label: Clash, kind: outcome, scope: dyad, initiator: either, severity: 60, resolution: "
        '{"yes": Drawn., "no": Not drawn., resolved_by: The generator.}, base_rate: '
        f"{{median: {chance:.4f}, interval: [{chance / 3:.4f}, {min(2 * chance, 0.95):.4f}], {JUDGED}}}}}\n",
        encoding="utf-8",
    )
    (folder / "effects.yaml").write_text(
        "".join(
            f"- {{from: {name}, to: clash, rate_ratio: {{median: 1, interval: [0.5, 2], {JUDGED}}}, "
            "rationale: Made up.}\n"
            for name in COVARIATES
        )
        + "- {from: clash, to: clash, whose: own, memory: slow, acts: next, rate_ratio: "
        + f"{{median: 1.5, interval: [0.8, 3], {JUDGED}}}, rationale: Made up.}}\n",
        encoding="utf-8",
    )
    for name, nothing in (("scenarios", "{}"), ("sources", "{}")):
        (folder / f"{name}.yaml").write_text(f"{nothing}\n", encoding="utf-8")
    return folder


def measure(python: Path, script: str, folder: Path, *more: str) -> dict[str, Any]:
    """What a script tells of itself, run by an interpreter on one thread's worth of linear algebra."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [str(python), "-c", script, str(folder), *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure every shape that is asked for and print seconds, memory and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, help="another checkout of riskcast, with its .venv")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=["tiny", "monthly"])
    parser.add_argument("--draws", type=int, default=500)
    options = parser.parse_args()
    for name in options.shapes:
        shape = SHAPES[name]
        with tempfile.TemporaryDirectory() as place:
            folder = write_case(Path(place) / "case", shape)
            print(f"{name}: {shape.dyads * shape.periods:,} rows, {shape.dyads:,} dyads, {shape.unit}ly", flush=True)
            now = measure(Path(sys.executable), MEASURE, folder, str(options.draws))
            print("  now   ", json.dumps({key: round(value, 2) for key, value in now.items()}), flush=True)
            if options.beside is not None:
                old = measure(options.beside / ".venv/bin/python", MEASURE, folder, str(options.draws))
                print("  beside", json.dumps({key: round(value, 2) for key, value in old.items()}), flush=True)
                for key in ("load", "fit", "forecast", "peak_gb"):
                    print(f"  {key}: {old[key] / now[key]:.2f} times", flush=True)
            try:
                boost = measure(Path(sys.executable), BOOST, folder)
                print(f"  LightGBM fits in {boost['fit']:.1f} s, {now['fit'] / boost['fit']:.1f} times", flush=True)
            except subprocess.CalledProcessError:
                print("  LightGBM is not installed: no ratio to it", flush=True)


if __name__ == "__main__":
    main()
