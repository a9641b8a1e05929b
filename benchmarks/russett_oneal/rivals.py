"""Rival forecasts of the Russett-Oneal dyad-years: base rate, logistic regressions and boosted trees, refitted yearly.

`dispute1` of row year Y says whether a dispute is ongoing in Y + 1. At the end of an origin year Y, labels are known of
rows up to Y - 1 and covariates of rows up to Y; what is forecast are the labels of row year Y.
Run: uv run python benchmarks/russett_oneal/rivals.py PARQUET [--first 1960] [--last 1991]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]

KEYS = ["dyad", "period", "outcome"]
BASE_RATE = "base_rate"
BOOSTING = "boosting"
# A ridge this faint only keeps regressions finite in years when few disputes are known.
RIDGE = 1e-3


def covariates(data: pandas.DataFrame) -> Floats:
    """The eight covariates of Russett and Oneal (2001), Triangulating Peace, as the file has them.

    Returns (rows, 8): the lower democracy score (-10 to 10), the lower dependence on trade (share of GDP), joint
    memberships, alliance, log capability ratio, `noncontg`, log distance, `minrpwrs`.
    """
    lower_democracy = np.minimum(data["demauta"], data["demautb"])
    lower_dependence = np.minimum(data["dependa"], data["dependb"])
    rest = ["smigoabi", "allies", "lcaprat2", "noncontg", "logdstab", "minrpwrs"]
    return np.column_stack([lower_democracy, lower_dependence, data[rest]]).astype(float)


def memories(data: pandas.DataFrame) -> Floats:
    """What is known of a dyad's disputes at the end of each row's year Y, from labels of rows before Y alone.

    Returns (rows, 3): calendar years since the last dispute, or since the dyad's first row; whether a dispute was
    ongoing in Y, 0 where no row says so; the number of earlier rows with a dispute.
    """
    ordered = data.sort_values(["dyad", "year"])
    dyad = ordered["dyad"]
    hit = ordered["dispute1"].astype(float)
    last = (ordered["year"] + 1.0).where(hit > 0.0).groupby(dyad).ffill().groupby(dyad).shift()
    first = ordered.groupby("dyad")["year"].transform("min")
    years = ordered["year"] - last.fillna(first)
    earlier = hit.groupby(dyad).cumsum() - hit
    frame = pandas.DataFrame({"years": years, "lagged": (last == ordered["year"]).astype(float), "count": earlier})
    return frame.loc[data.index].to_numpy(dtype=float)


def features(data: pandas.DataFrame) -> dict[str, Floats]:
    """The columns that each rival but the base rate sees, by rival: (rows, columns)."""
    plain, memory = covariates(data), memories(data)
    years, lagged, count = memory.T / np.array([[10.0], [1.0], [1.0]])
    # Carter and Signorino (2010): time since the last event as t, t^2 and t^3.
    with_years = np.column_stack([plain, years, years**2, years**3])
    return {
        "logit": plain,
        "logit_peace_years": with_years,
        "logit_memory": np.column_stack([with_years, lagged, np.log1p(count)]),
        BOOSTING: np.column_stack([plain, memory]),
    }


def classifier(rival: str) -> Any:
    """An unfitted classifier of scikit-learn; the trees never stop early, so that no row is held back."""
    if rival == BOOSTING:
        return HistGradientBoostingClassifier(
            max_iter=150,
            learning_rate=0.05,
            max_leaf_nodes=15,
            min_samples_leaf=50,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=0,
        )
    return make_pipeline(StandardScaler(), LogisticRegression(C=1.0 / RIDGE, solver="newton-cholesky", tol=1e-8))


def rivals(
    data: pandas.DataFrame, origins: range, progress: Callable[[int, int], None] | None = None
) -> pandas.DataFrame:
    """Probabilities of a dispute in the year after each origin, by rival, with what followed.

    Parameters: data, one row for each dyad-year, with the columns of the file; origins, years at whose end the next
    year is forecast for every dyad with a row; progress, called with origins done and their number.
    Returns one row for each forecast: dyad, period (the year that is forecast), outcome, and one column for each rival.
    Raises ValueError for two rows of one dyad-year, and for an origin before which no row has a dispute or all have.
    """
    dyads = [f"C{a:03d}-C{b:03d}" for a, b in zip(data["statea"], data["stateb"], strict=True)]
    data = data.assign(dyad=dyads).sort_values(["year", "dyad"], ignore_index=True)
    if data.duplicated(["dyad", "year"]).any():
        raise ValueError("a dyad-year has more than one row")
    columns = features(data)
    year, label = data["year"].to_numpy(dtype=int), data["dispute1"].to_numpy(dtype=int)
    parts = []
    for done, origin in enumerate(origins, start=1):
        past, now = year < origin, year == origin
        if len(np.unique(label[past])) < 2:
            raise ValueError(f"before {origin}, no row has a dispute or all have; start later")
        part = pandas.DataFrame({"dyad": data["dyad"][now], "period": year[now] + 1, "outcome": label[now]})
        part[BASE_RATE] = (label[past].sum() + 0.5) / (past.sum() + 1.0)
        for rival, seen in columns.items():
            # Threads that wait for one another cost more than they give where other work keeps the cores busy.
            with threadpool_limits(1):
                model = classifier(rival).fit(seen[past], label[past])
                part[rival] = model.predict_proba(seen[now])[:, 1] if now.any() else np.empty(0)
        parts.append(part)
        if progress:
            progress(done, len(origins))
    return pandas.concat(parts, ignore_index=True)


def scores(forecasts: pandas.DataFrame) -> pandas.DataFrame:
    """Brier score, area under the ROC curve and log loss (natural log) of every rival in a table of `rivals`."""
    outcome = forecasts["outcome"]
    rows = {
        rival: {
            "brier": float(((forecasts[rival] - outcome) ** 2).mean()),
            "auc": float(roc_auc_score(outcome, forecasts[rival])),
            "log_loss": float(log_loss(outcome, forecasts[rival], labels=[0, 1])),
        }
        for rival in forecasts.columns.drop(KEYS)
    }
    return pandas.DataFrame.from_dict(rows, orient="index")


def main() -> None:
    """Forecast every origin and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="parquet file of dyad-years")
    parser.add_argument("--first", type=int, default=1960, help="first origin")
    parser.add_argument("--last", type=int, default=1991, help="last origin")
    options = parser.parse_args()

    def report(done: int, total: int) -> None:
        print(f"\rorigin {done} of {total}", end="" if done < total else "\n", file=sys.stderr, flush=True)

    found = rivals(pandas.read_parquet(options.data), range(options.first, options.last + 1), progress=report)
    print(f"{len(found)} forecasts, {found['outcome'].sum()} with a dispute")
    print(scores(found).round(4).to_string())


if __name__ == "__main__":
    main()
