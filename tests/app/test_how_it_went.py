"""How scores went, beside a pair's score."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

import riskcast
from parts import how_it_went
from riskcast.charts.sparklines import BLOCKS
from tests.support.histories import made_up
from tests.support.smallcase import write_files

DAYS = (dt.date(2020, 10, 31), dt.date(2020, 11, 30), dt.date(2020, 12, 31))


def test_lines_of_a_young_pair_and_of_its_elders_share_one_scale(tmp_path: Path) -> None:
    case = riskcast.load_case(write_files(tmp_path / "small"))
    history = made_up(case, DAYS, np.array([[10.0, np.nan], [20.0, np.nan], [90.0, 50.0]]))
    old, young = (str(how_it_went.line_of(history, dyad)) for dyad in case.dyads)
    assert [sign for sign in old if sign in BLOCKS] == ["▁", "▂", "█"]
    assert [sign for sign in young if sign in BLOCKS] == ["▅"]
