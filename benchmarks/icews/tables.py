"""The ICEWS directed dyad-years as the table of a panel case of directed pairs.

What was chosen by trial, on the forecasts of 2009 to 2011 alone: a half-life of 4 years for what is remembered, of 2, 4
and 8, and the columns, step by step: usual years and activity of states, peaks and late years, and bends. Log scores of
these three years fell from 0.4214 to 0.4181 by peaks, to 0.4166 by late years, to 0.4141 by bends, to 0.4135 by states.
"""

from __future__ import annotations

import numpy as np
import pandas

PAIRS, CHOSEN_UNTIL, FEWEST = 1200, 2006, 20
COUNTS = {"words": "verbCoop", "aid": "matlCoop", "threats": "verbConf", "force": "matlConf"}
# Of what counts most for itself, the last years alone: half as much with every so many years.
LATELY, HALF_LIFE = ("words", "threats", "force"), 2.0
BENDS = (1.0, 2.5)
BENT = ("force", "force_back", "usual_force")
STATES = {"sender": "i", "receiver": "j"}


def chosen_pairs(data: pandas.DataFrame) -> pandas.DataFrame:
    """Rows, in both directions, of the 1,200 unordered pairs with the most events of all kinds until 2006."""
    first, second = np.minimum(data["i_iso3c"], data["j_iso3c"]), np.maximum(data["i_iso3c"], data["j_iso3c"])
    data = data.assign(pair=first + "-" + second)
    counts = data[list(COUNTS.values())].sum(axis=1).where(data["year"] <= CHOSEN_UNTIL, 0)
    totals = counts.groupby(data["pair"]).sum().sort_values(ascending=False, kind="stable")
    return data[data["pair"].isin(totals[totals >= FEWEST].index[:PAIRS])]


def panel_table(data: pandas.DataFrame) -> pandas.DataFrame:
    """One row for each directed pair and year that is forecast: what was counted up to the year before in both
    directions, what its states did to all, and how many acts of material conflict follow."""
    counted = data.assign(acts=np.log1p(data["matlConf"]))
    rows = chosen_pairs(counted).set_index(["i_iso3c", "j_iso3c", "year"]).sort_index()
    table = pandas.DataFrame({name: np.log1p(rows[column]) for name, column in COUNTS.items()})
    for side, letter in STATES.items():
        table[f"polity_{side}"] = rows[f"{letter}_polity2"]
        table[f"product_{side}"], table[f"people_{side}"] = np.log(rows[f"{letter}_gdp"]), np.log(rows[f"{letter}_pop"])
    back = table[list(COUNTS)].rename_axis(["j_iso3c", "i_iso3c", "year"]).add_suffix("_back")
    table = table.join(back.reorder_levels(["i_iso3c", "j_iso3c", "year"]))
    for name, letter in (("acts", "i"), ("suffers", "j")):
        usual = counted.groupby([f"{letter}_iso3c", "year"])["acts"].mean().rename(name)
        table = table.join(usual, on=[f"{letter}_iso3c", "year"])
    own = table.groupby(level=[0, 1])
    for name in LATELY:
        for column in (name, f"{name}_back"):
            table[f"lately_{column}"] = own[column].transform(lambda each: each.ewm(halflife=HALF_LIFE).mean())
    # Usual years and peaks are derived in the case; a bend of one of them is worked out here.
    bent = table.assign(usual_force=own["force"].transform(lambda each: each.expanding().mean()))
    for name in BENT:
        for number, bend in enumerate(BENDS, start=1):
            table[f"{name}_bend_{number}"] = np.maximum(bent[name] - bend, 0.0)
    table["conflict"] = rows["matlConf"].astype(float).groupby(level=[0, 1]).shift(-1)
    table = table[table["conflict"].notna()].reset_index()
    table = table.assign(dyad=table["i_iso3c"] + "-" + table["j_iso3c"], period=table["year"] + 1)
    table["conflict"] = table["conflict"].astype(int)
    return table.drop(columns=["i_iso3c", "j_iso3c", "year"]).sort_values(["dyad", "period"], ignore_index=True)
