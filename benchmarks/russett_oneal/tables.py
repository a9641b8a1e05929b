"""The Russett-Oneal dyad-years as the table of a panel case."""

from __future__ import annotations

from pathlib import Path

import pandas
import yaml

CASE = Path(__file__).parent / "case"
# From which Polity score a state is taken to be a democracy, as usual.
DEMOCRATIC = 6
# The log distance, in miles, from which the bend of distance is measured: the case's reference level of it.
USUAL_DISTANCE = 7.6
WORLD_WARS = (1914, 1939)


def panel_table(data: pandas.DataFrame) -> pandas.DataFrame:
    """One row for each dyad and year that is forecast: the covariates of the year before, and whether a dispute is on.

    The label of a row of year Y says what happens in Y + 1, so its period is Y + 1. `noncontg` and `minrpwrs` are -1 or
    0, in the sense opposite to their names: -1 marks contiguous pairs, and pairs without a major power.

    Three columns are shapes of others, after theory: whether both are democracies, as peace among them is of pairs and
    not of degrees (Maoz and Russett, 1993); the square of log distance, as strength is lost faster the farther off
    (Boulding, 1962); and whether the year is one in which a world war breaks out.

    What pairs are like says where disputes begin, and little of how long they last (Beck, Epstein, Jackman and
    O'Halloran, 2001): where one was on in Y all but the last column stand at the case's reference levels.
    """
    year = data["year"].astype(int)
    democracy = data[["demauta", "demautb"]].min(axis=1)
    table = pandas.DataFrame(
        {
            "dyad": [
                f"C{a:03d}-C{b:03d}"
                for a, b in zip(data["statea"].astype(int), data["stateb"].astype(int), strict=True)
            ],
            "period": year + 1,
            "democracy": democracy,
            "democracies": (democracy >= DEMOCRATIC).astype(float),
            "trade": data[["dependa", "dependb"]].min(axis=1),
            "organisations": data["smigoabi"] + 1,
            "allies": data["allies"],
            "capability_ratio": data["lcaprat2"],
            "contiguity": -data["noncontg"] + 0.0,
            "distance": data["logdstab"],
            "distance_bend": (data["logdstab"] - USUAL_DISTANCE) ** 2,
            "major_power": 1.0 + data["minrpwrs"],
            "world_war": (year + 1).isin(WORLD_WARS).astype(float),
            "dispute": data["dispute1"].astype(int),
        }
    )
    levels = yaml.safe_load((CASE / "indicators.yaml").read_text(encoding="utf-8"))
    disputes = table.loc[table["dispute"] > 0, ["dyad", "period"]]
    rows = pandas.MultiIndex.from_frame(table[["dyad", "period"]])
    going_on = rows.isin(pandas.MultiIndex.from_frame(disputes.assign(period=disputes["period"] + 1)))
    for name in table.columns.drop(["dyad", "period", "world_war", "dispute"]):
        table[name] = table[name].astype(float).mask(going_on, float(levels[name]["reference"]))
    return table
