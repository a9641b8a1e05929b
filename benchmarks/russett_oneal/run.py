"""Score riskcast on the Russett-Oneal dyad-years: rolling origins 1960 to 1991, refitted every year, beside rivals.

    uv run python benchmarks/russett_oneal/run.py --data russett_oneal_dyad_year.parquet --out DIR

DIR then holds `scores.json`, a page `index.html`, every forecast, and finished origins, from which a run that was
interrupted goes on.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from pathlib import Path
from typing import Any

import pandas
from rich.console import Console
from rivals import rivals
from tables import write_case

import riskcast
from riskcast.exports.backtest_report import write_backtest
from riskcast.machinery.staging import write_atomically
from riskcast.verification.backtesting import Backtest
from riskcast.verification.evaluation import ALL, CONTINUATION, ONSET, Evaluation, Performance, Slice, evaluate
from riskcast.verification.forecasters import MODEL

FIRST, LAST = 1960, 1991
RIVALS = ("base_rate", "logit", "logit_peace_years", "logit_memory", "boosting")


def main() -> None:
    """Read the options, run, and write what was measured."""
    options = read_options()
    if not options.data.is_file():
        print(f"skipped: {options.data} is no file; the data are public (see README), and none comes with riskcast")
        return
    console = Console()
    data = pandas.read_parquet(options.data)
    case = riskcast.load_case(write_case(data, options.out / "case"))
    begun = time.monotonic()

    def report(done: int, total: int) -> None:
        if done:
            console.print(f"{done} of {total} origins, {time.monotonic() - begun:.0f} s")

    tested = riskcast.backtest(
        case,
        start=dt.date(options.first, 12, 31),
        end=dt.date(options.last, 12, 31),
        horizon=1,
        draws=options.draws,
        seed=options.seed,
        workers_count=options.workers,
        out=options.out,
        progress=report,
    )
    console.print("rivals ...")
    joined = beside_rivals(tested, rivals(data, range(options.first, options.last + 1)))
    # There is one severity, so that its ranked probability score would say what the Brier score says.
    evaluation = evaluate(joined, pandas.DataFrame(), rivals=RIVALS)
    scores = as_scores(evaluation)
    scores["seconds"] = round(time.monotonic() - begun, 1)
    write_atomically(options.out / "scores.json", json.dumps(scores, indent=2) + "\n")
    write_backtest(tested, evaluation, options.out / "report", joined)
    print(as_text(evaluation))


def read_options() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="russett_oneal_dyad_year.parquet")
    parser.add_argument("--out", type=Path, required=True, help="folder for results")
    parser.add_argument("--first", type=int, default=FIRST, help="first origin, a year's end")
    parser.add_argument("--last", type=int, default=LAST, help="last origin")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=None)
    return parser.parse_args()


def beside_rivals(tested: Backtest, others: pandas.DataFrame) -> pandas.DataFrame:
    """The backtest's forecasts with a column for each rival; stops where the two do not speak of the same rows."""
    ours = tested.forecasts.assign(period=tested.forecasts["origin"].str[:4].astype(int) + 1)
    both = ours.merge(others, left_on=["unit", "period"], right_on=["dyad", "period"], suffixes=("", "_of_rival"))
    if len(both) != len(ours) or len(both) != len(others) or (both["outcome"] != both["outcome_of_rival"]).any():
        sys.exit("the rivals forecast other rows than the backtest; nothing was scored")
    return both.drop(columns=["period", "dyad", "outcome_of_rival"])


def as_scores(evaluation: Evaluation) -> dict[str, Any]:
    """Scores of the model and its references: of all forecasts, and of onset and continuation apart."""
    whole = evaluation.slices[ALL]
    out = _scores_of(whole) | {"forecasts": whole.forecasts, "events": whole.events, "dyads": whole.dyads}
    for name in (ONSET, CONTINUATION):
        part = evaluation.slices[name]
        out[name] = _scores_of(part) | {"forecasts": part.forecasts, "events": part.events}
    return out


def _scores_of(part: Slice) -> dict[str, Any]:
    own = {name: _scores(found) for name, found in part.performances.items()}
    return {"model": own.pop(MODEL), "references": own, "best_reference": part.best_reference}


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


def as_text(evaluation: Evaluation) -> str:
    """The table that one looks at first."""
    lines = []
    for name in (ALL, ONSET, CONTINUATION):
        part = evaluation.slices[name]
        lines.append(f"\n{name}: {part.forecasts} forecasts, {part.events} events")
        lines.append(f"{'':22}{'Brier':>8}{'log loss':>10}{'AUC':>8}{'AP':>8}{'MCB':>9}{'DSC':>9}{'skill':>8}")
        for forecaster, p in part.performances.items():
            auc, ap = (float("nan") if own is None else own.value for own in (p.auc, p.average_precision))
            skill = float("nan") if p.skill is None else p.skill.value
            line = f"{forecaster:22}{p.brier.value:8.4f}{p.log_score.value:10.4f}{auc:8.3f}{ap:8.3f}"
            lines.append(f"{line}{p.miscalibration:9.4f}{p.discrimination:9.4f}{skill:8.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
