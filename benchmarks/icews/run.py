"""Score riskcast on ICEWS directed dyad-years: material conflict a year ahead, as of 2008 to 2013, refitted every year.

    uv run python benchmarks/icews/run.py --data icews_directed_dyadyear_2002_2014.parquet --out DIR

The two directions of a pair are two event types that share nothing but what each remembers of the other. DIR then holds
the case, every forecast, and finished origins, from which a run that was interrupted goes on. The only choice by trial
is the half-life of what is remembered, 2, 4 or 8 years, on the forecasts of 2007 and 2008.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path

import pandas
from tables import write_case

import riskcast
from riskcast.machinery.staging import write_atomically
from riskcast.verification.evaluation import ALL, evaluate

FIRST, LAST = 2008, 2013


def main() -> None:
    """Read the options, run, and write and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="icews_directed_dyadyear_2002_2014.parquet")
    parser.add_argument("--out", type=Path, required=True, help="folder for results")
    parser.add_argument("--first", type=int, default=FIRST, help="first origin, a year's end")
    parser.add_argument("--last", type=int, default=LAST, help="last origin")
    parser.add_argument("--draws", type=int, default=500)
    options = parser.parse_args()
    if not options.data.is_file():
        print(f"skipped: {options.data} is no file; the data are public, and none comes with riskcast")
        return
    case = riskcast.load_case(write_case(pandas.read_parquet(options.data), options.out / "case"))
    tested = riskcast.backtest(
        case,
        start=dt.date(options.first, 12, 31),
        end=dt.date(options.last, 12, 31),
        horizon=1,
        draws=options.draws,
        out=options.out,
    )
    whole = evaluate(tested.forecasts, pandas.DataFrame()).slices[ALL]
    print(f"{whole.forecasts} forecasts, {whole.events} events\n{'':22}{'Brier':>8}{'log':>8}{'AUC':>8}{'MCB':>8}")
    scores = {}
    for name, own in whole.performances.items():
        auc = float("nan") if own.auc is None else own.auc.value
        print(f"{name:22}{own.brier.value:8.4f}{own.log_score.value:8.4f}{auc:8.3f}{own.miscalibration:8.4f}")
        scores[name] = {"brier": own.brier.value, "log": own.log_score.value, "auc": auc, "mcb": own.miscalibration}
    write_atomically(options.out / "scores.json", json.dumps(scores, indent=2) + "\n")


if __name__ == "__main__":
    main()
