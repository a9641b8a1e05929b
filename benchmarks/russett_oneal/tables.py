"""The Russett-Oneal dyad-years as the table of a panel case."""

from __future__ import annotations

import pandas


def panel_table(data: pandas.DataFrame) -> pandas.DataFrame:
    """One row for each dyad and year that is forecast: the covariates of the year before, and whether a dispute is on.

    The label of a row of year Y says what happens in Y + 1, so its period is Y + 1. `noncontg` and `minrpwrs` are -1 or
    0, in the sense opposite to their names: -1 marks contiguous pairs, and pairs without a major power.
    """
    year = data["year"].astype(int)
    return pandas.DataFrame(
        {
            "dyad": [
                f"C{a:03d}-C{b:03d}"
                for a, b in zip(data["statea"].astype(int), data["stateb"].astype(int), strict=True)
            ],
            "period": year + 1,
            "democracy": data[["demauta", "demautb"]].min(axis=1),
            "trade": data[["dependa", "dependb"]].min(axis=1),
            "organisations": data["smigoabi"] + 1,
            "allies": data["allies"],
            "capability_ratio": data["lcaprat2"],
            "contiguity": -data["noncontg"] + 0.0,
            "distance": data["logdstab"],
            "major_power": 1.0 + data["minrpwrs"],
            "dispute": data["dispute1"].astype(int),
        }
    )
