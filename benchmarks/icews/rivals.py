"""Rival forecasts of material conflict between directed pairs of states, refitted yearly: a base rate, a regression and
LightGBM's boosted trees, these with and without memories of counts.

At the end of an origin year, rows of the panel's table are known up to its period; the next is forecast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
from icews.tables import COUNTS, panel_table
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

THRESHOLD = 3
FIRST_SCORED = 2004
BASE_RATE = "base_rate"
PLAIN = (
    *COUNTS,
    *(f"{name}_back" for name in COUNTS),
    *(f"{name}_{side}" for name in ("polity", "product", "people") for side in ("sender", "receiver")),
)


def features(table: pandas.DataFrame) -> dict[str, list[str]]:
    """The columns that each rival sees, which are put into the table: what is plain, and with memories of counts, the
    share of past years with the event in either direction, whether the last had it, and means of all counts so far."""
    own = table.groupby("dyad")
    table["share"] = own["outcome"].transform(lambda each: each.shift().expanding().mean()).fillna(0.0)
    table["last"] = own["outcome"].shift().fillna(0.0)
    turned = table["dyad"].str[4:] + "-" + table["dyad"].str[:3]
    known = table.set_index(["dyad", "period"])["share"]
    table["share_back"] = known.reindex(pandas.MultiIndex.from_arrays([turned, table["period"]])).fillna(0.0).to_numpy()
    means = [f"mean_{name}{side}" for name in COUNTS for side in ("", "_back")]
    for name in means:
        table[name] = own[name.removeprefix("mean_")].transform(lambda each: each.expanding().mean())
    memories = [*means, "share", "share_back", "last"]
    return {
        "logit": list(PLAIN),
        "logit_memory": [*PLAIN, *memories],
        "lightgbm": list(PLAIN),
        "lightgbm_memory": [*PLAIN, *memories],
    }


def classifier(rival: str) -> Any:
    """An unfitted classifier: a faint ridge, or 200 small trees."""
    if rival.startswith("logit"):
        ridge = LogisticRegression(C=10.0, max_iter=500)
        return make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), ridge)
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=200,
        learning_rate=0.04,
        num_leaves=8,
        min_child_samples=50,
        n_jobs=1,
        random_state=0,
        verbose=-1,
    )


def rivals(data: pandas.DataFrame, origins: range) -> pandas.DataFrame:
    """Probabilities of at least three acts in the year after each origin, by rival, with what followed: one row for
    each forecast, with dyad, period, outcome, and one column for each rival."""
    table = panel_table(data)
    table["outcome"] = (table["conflict"] >= THRESHOLD).astype(int)
    columns, parts = features(table), []
    for origin in origins:
        past = table[(table["period"] <= origin) & (table["period"] >= FIRST_SCORED)]
        now = table[table["period"] == origin + 1]
        part = now[["dyad", "period", "outcome"]].assign(**{BASE_RATE: past["outcome"].mean()})
        for rival, seen in columns.items():
            with threadpool_limits(1):
                model = classifier(rival).fit(past[seen], past["outcome"])
                part[rival] = np.asarray(model.predict_proba(now[seen]))[:, 1]
        parts.append(part)
    return pandas.concat(parts, ignore_index=True)
