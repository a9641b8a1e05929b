"""Score riskcast on public panels: forecasts a year ahead, refitted every year, beside rivals where there are any.

    uv run python benchmarks/panels.py russett_oneal --data russett_oneal_dyad_year.parquet --out DIR
    uv run python benchmarks/panels.py icews --data icews_directed_dyadyear_2002_2014.parquet --out DIR --rivals logit

DIR then holds the case, `scores.json`, a page `report/index.html`, every forecast, and finished origins, from which a
run that was interrupted goes on. A benchmark is a folder with a case and a module `tables`, and one
line in `BENCHMARKS`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import icews.rivals
import icews.tables
import numpy as np
import pandas
import russett_oneal.rivals
import russett_oneal.tables
from numpy.typing import NDArray

import riskcast
from riskcast.exports.backtest_report import write_backtest
from riskcast.machinery.staging import write_atomically
from riskcast.verification.backtesting import Backtest
from riskcast.verification.evaluation import ALL, CONTINUATION, ONSET, Evaluation, Performance, Slice, evaluate
from riskcast.verification.forecasters import MODEL
from riskcast.verification.rival_words import rivals_in_words

HERE = Path(__file__).parent
KEYS = ("dyad", "period", "outcome")


@dataclass(frozen=True)
class Benchmark:
    """A panel to forecast: `first` and `last`, the years at whose end the next one is forecast; draws of each fit.

    table: the rows of the public file as the table of the case that stands in the benchmark's folder; rivals: forecasts
    of the same rows by others, from those rows and the origins: columns dyad, period, outcome, and one for each.
    """

    first: int
    last: int
    draws: int
    table: Callable[[pandas.DataFrame], pandas.DataFrame]
    rivals: Callable[[pandas.DataFrame, range], pandas.DataFrame] | None = None


BENCHMARKS = {
    "russett_oneal": Benchmark(1960, 1991, 1000, russett_oneal.tables.panel_table, russett_oneal.rivals.rivals),
    "icews": Benchmark(2008, 2013, 500, icews.tables.panel_table, icews.rivals.rivals),
}


def main() -> None:
    """Read the options, run, and write and print what was measured."""
    options = read_options()
    benchmark: Benchmark = BENCHMARKS[options.benchmark]
    if not options.data.is_file():
        print(f"skipped: {options.data} is no file; the data are public (see README), and none comes with riskcast")
        return
    first, last = options.first or benchmark.first, options.last or benchmark.last
    data = pandas.read_parquet(options.data)
    case = riskcast.load_case(write_case(options.benchmark, benchmark.table(data), options.out / "case"))
    begun = time.monotonic()
    learners = [name.strip() for name in options.rivals.split(",") if name.strip()]

    def report(done: int, total: int) -> None:
        if done:
            print(f"{done} of {total} origins, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)

    tested = riskcast.backtest(
        case,
        start=dt.date(first, 12, 31),
        end=dt.date(last, 12, 31),
        horizon=1,
        draws=options.draws or benchmark.draws,
        seed=options.seed,
        rivals=learners,
        workers_count=options.workers,
        out=options.out,
        progress=report,
    )
    forecasts, rivals = tested.forecasts, ()
    if benchmark.rivals is not None and not learners:
        others = benchmark.rivals(data, range(first, last + 1))
        forecasts, rivals = beside_rivals(tested, others), tuple(others.columns.drop(list(KEYS)))
    # Severities are alike, so that ranked probability scores would say what Brier scores say.
    by_years = tested.by_years
    evaluation = evaluate(
        forecasts, pandas.DataFrame(), steps=tested.steps, weights=tested.weights, by_years=by_years, rivals=rivals
    )
    scores = as_scores(evaluation, forecasts) | {"seconds": round(time.monotonic() - begun, 1)}
    write_atomically(options.out / "scores.json", json.dumps(scores, indent=2) + "\n")
    write_backtest(tested, evaluation, options.out / "report", forecasts)
    print(as_text(scores))
    print("", *rivals_in_words(evaluation, case.settings.period), sep="\n")


def read_options() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("benchmark", choices=list(BENCHMARKS))
    parser.add_argument("--data", type=Path, required=True, help="the public file")
    parser.add_argument("--out", type=Path, required=True, help="folder for results")
    parser.add_argument("--first", type=int, help="first origin, a year's end")
    parser.add_argument("--last", type=int, help="last origin")
    parser.add_argument("--draws", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--rivals", default="", help="those of `riskcast backtest`, in place of the benchmark's own")
    return parser.parse_args()


def write_case(name: str, table: pandas.DataFrame, folder: Path) -> Path:
    """Copy the files of a benchmark's case into a folder and put the table beside them."""
    shutil.copytree(HERE / name / "case", folder, dirs_exist_ok=True)
    (folder / "history").mkdir(exist_ok=True)
    table.to_parquet(folder / "history" / "panel.parquet", index=False)
    return folder


def beside_rivals(tested: Backtest, others: pandas.DataFrame) -> pandas.DataFrame:
    """The backtest's forecasts with a column for each rival; stops where the two do not speak of the same rows."""
    ours = tested.forecasts.assign(period=tested.forecasts["origin"].str[:4].astype(int) + 1)
    both = ours.merge(others, left_on=["unit", "period"], right_on=["dyad", "period"], suffixes=("", "_of_rival"))
    if len(both) != len(ours) or len(both) != len(others) or (both["outcome"] != both["outcome_of_rival"]).any():
        sys.exit("the rivals forecast other rows than the backtest; nothing was scored")
    return both.drop(columns=["period", "dyad", "outcome_of_rival"])


def log_skill(forecasts: pandas.DataFrame, reference: str, replicates: int = 2000, seed: int = 1) -> dict[str, Any]:
    """Skill of the model's log score against a reference, 1 - score / its score, with a 90 % interval.

    The interval is of resamplings of dyads with all their rows, the same for both forecasters.
    """
    units, dyads = pandas.factorize(forecasts["unit"])
    losses = np.stack([_loss(forecasts, name) for name in (MODEL, reference)])
    totals = np.stack([np.bincount(units, weights=loss, minlength=len(dyads)) for loss in losses])
    drawn = np.random.default_rng(seed).multinomial(len(dyads), np.full(len(dyads), 1.0 / len(dyads)), replicates)
    model, other = totals @ drawn.T
    low, high = np.quantile(1.0 - model / other, (0.05, 0.95)).tolist()
    return {"value": float(1.0 - losses[0].sum() / losses[1].sum()), "interval_90": [low, high]}


def _loss(forecasts: pandas.DataFrame, name: str) -> NDArray[np.float64]:
    """The log loss of every row."""
    p, happened = forecasts[name].to_numpy(dtype=float), forecasts["outcome"].to_numpy(dtype=bool)
    return -np.log(np.where(happened, p, 1.0 - p))


def as_scores(evaluation: Evaluation, forecasts: pandas.DataFrame) -> dict[str, Any]:
    """Scores of the model and its references: of all forecasts, and of onset and continuation apart."""
    rows = {ALL: forecasts, ONSET: forecasts[~forecasts["recent"]], CONTINUATION: forecasts[forecasts["recent"]]}
    return {name: _scores_of(evaluation.slices[name], own) for name, own in rows.items()}


def _scores_of(part: Slice, rows: pandas.DataFrame) -> dict[str, Any]:
    own = {name: _scores(found) for name, found in part.performances.items()}
    return {
        "forecasts": part.forecasts,
        "events": part.events,
        "dyads": part.dyads,
        "best_reference": part.best_reference,
        "log_skill": log_skill(rows, part.best_reference),
        "model": own.pop(MODEL),
        "references": own,
    }


def _scores(found: Performance) -> dict[str, Any]:
    intervals = {"brier": found.brier, "log_loss": found.log_score, "auc": found.auc, "skill": found.skill}
    return {
        "brier": found.brier.value,
        "log_loss": found.log_score.value,
        "auc": None if found.auc is None else found.auc.value,
        "average_precision": None if found.average_precision is None else found.average_precision.value,
        "mcb": found.miscalibration,
        "dsc": found.discrimination,
        "unc": found.uncertainty,
        "skill": None if found.skill is None else found.skill.value,
        "intervals_90": {name: [own.low, own.high] for name, own in intervals.items() if own is not None},
    }


def as_text(scores: dict[str, Any]) -> str:
    """The tables that one looks at first, one for each of the slices in `as_scores`."""
    columns = {"Brier": "brier", "log": "log_loss", "AUC": "auc", "AP": "average_precision", "MCB": "mcb", "DSC": "dsc"}
    lines = []
    for name in (ALL, ONSET, CONTINUATION):
        part = scores[name]
        lines.append(f"\n{name}: {part['forecasts']} forecasts, {part['events']} events")
        lines.append(f"{'':22}" + "".join(f"{column:>9}" for column in columns))
        for forecaster, own in {MODEL: part["model"], **part["references"]}.items():
            values = (float("nan") if own[key] is None else own[key] for key in columns.values())
            lines.append(f"{forecaster:22}" + "".join(f"{value:9.4f}" for value in values))
        told = [("Brier", part["model"]["skill"], part["model"]["intervals_90"].get("skill"))]
        told.append(("log", part["log_skill"]["value"], part["log_skill"]["interval_90"]))
        for score, value, interval in told:
            if value is not None and interval is not None:
                between = f"{100 * interval[0]:+.1f} to {100 * interval[1]:+.1f} %"
                lines.append(f"{score} skill against {part['best_reference']}: {100 * value:+.1f} % ({between})")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
