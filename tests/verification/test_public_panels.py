"""What the benchmarks on public panels make of their files, on rows made here."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas
import pytest

from tests.support.places import ROOT


@pytest.fixture(scope="module")
def panels() -> Iterator[Any]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("panels")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def dyad_years(**columns: list[float]) -> pandas.DataFrame:
    """Rows of one pair of states in the columns of the Russett-Oneal file."""
    count = len(columns["year"])
    usual = {
        "statea": 2.0,
        "stateb": 20.0,
        "demauta": 10.0,
        "demautb": 7.0,
        "dependa": 0.02,
        "dependb": 0.3,
        "smigoabi": 40.0,
        "allies": 1.0,
        "lcaprat2": 2.0,
        "noncontg": -1.0,
        "logdstab": 6.6,
        "minrpwrs": 0.0,
    }
    return pandas.DataFrame({name: [value] * count for name, value in usual.items()} | columns)


def test_what_pairs_are_like_acts_on_beginnings_alone(panels: Any) -> None:
    data = dyad_years(year=[1912.0, 1913.0, 1936.0, 1938.0], dispute1=[1.0, 0.0, 0.0, 1.0])
    table = panels.russett_oneal.tables.panel_table(data).set_index("period")
    assert table["dyad"].unique().tolist() == ["C002-C020"]
    assert table["dispute"].tolist() == [1, 0, 0, 1]
    assert table["world_war"].tolist() == [0.0, 1.0, 0.0, 1.0]
    # The dispute of 1913 goes on when 1914 is forecast; that of 1914 would have to be known for 1937.
    assert table["democracies"].tolist() == [1.0, 0.0, 1.0, 1.0]
    assert table["democracy"].tolist() == [7.0, -5.0, 7.0, 7.0]
    assert table["organisations"].tolist() == [41.0, 20.0, 41.0, 41.0]
    np.testing.assert_allclose(table["distance_bend"], [1.0, 0.0, 1.0, 1.0], atol=1e-12)
    assert table["contiguity"].tolist() == [1.0, 0.0, 1.0, 1.0]


def test_skill_of_logarithms_is_told_with_what_other_dyads_would_have_shown(panels: Any) -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.9, size=400)
    outcome = (rng.random(400) < p).astype(int)
    rows = pandas.DataFrame({"unit": np.arange(400) // 8, "outcome": outcome, "model": p, "flat": outcome.mean()})
    found = panels.log_skill(rows, "flat")
    loss = [-np.log(np.where(outcome > 0, own, 1.0 - own)).mean() for own in (p, outcome.mean())]
    assert found["value"] == pytest.approx(1.0 - loss[0] / loss[1])
    low, high = found["interval_90"]
    assert 0.0 < low < found["value"] < high < 1.0
    assert panels.log_skill(rows, "model") == {"value": 0.0, "interval_90": [0.0, 0.0]}
    alone = panels.log_skill(rows.assign(unit=0), "flat")
    assert alone["interval_90"] == pytest.approx([found["value"]] * 2)
