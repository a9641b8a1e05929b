"""What is old on a day: series by their own rhythm or a stated one, coverage, levels without a day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import riskcast
from riskcast.updates.stale import find_stale
from tests.support.smallcase import INDICATORS, SERIES_CSV, write_files

QUARTERS = """\
indicator,unit,date,value,low,high,published,sources,status
mood,HHH,2020-03-31,48,45,51,2020-04-30,archive,located
mood,HHH,2020-06-30,50.5,48,53,2020-07-30,archive,located
mood,HHH,2020-09-30,54,51,57,2020-10-30,survey,located
"""


def case_of(tmp_path: Path, indicators: str = INDICATORS, series: str = SERIES_CSV) -> riskcast.Case:
    return riskcast.load_case(write_files(tmp_path, indicators_yaml=indicators, history_indicators_csv=series))


def test_a_series_is_due_after_its_own_rhythm_and_delay(tmp_path: Path) -> None:
    case = case_of(tmp_path, series=QUARTERS)
    # A gap of 92 days (the median of 91 and 92, rounded), half a gap of patience, 30 days until publication.
    due = dt.date(2020, 9, 30) + dt.timedelta(days=138 + 30)
    assert not find_stale(case, due).series
    [late] = find_stale(case, due + dt.timedelta(days=1)).series
    assert (late.indicator, late.units, late.last, late.every, late.stated) == (
        "mood",
        ("HHH",),
        dt.date(2020, 9, 30),
        92,
        False,
    )
    assert late.due == due


def test_a_stated_rhythm_has_no_patience_and_changes_no_hash_where_it_is_not_said(tmp_path: Path) -> None:
    plain = case_of(tmp_path / "plain", series=QUARTERS)
    said = INDICATORS.replace("  history: series\n", "  history: series\n  expected_every: 90\n", 1)
    case = case_of(tmp_path / "said", indicators=said, series=QUARTERS)
    [late] = find_stale(case, dt.date(2021, 2, 1)).series
    assert (late.every, late.stated, late.due) == (90, True, dt.date(2020, 9, 30) + dt.timedelta(days=120))
    assert plain.hash != case.hash
    assert "expected_every" not in plain.model_dump(mode="json")["indicators"]["mood"]


def test_two_values_make_no_rhythm(tmp_path: Path) -> None:
    two = "".join(QUARTERS.splitlines(keepends=True)[:3])
    assert not find_stale(case_of(tmp_path, series=two), dt.date(2030, 1, 1)).series


def test_a_stated_level_is_due_where_the_case_says_how_often(tmp_path: Path) -> None:
    said = INDICATORS.replace("  history: reference\n", "  history: reference\n  expected_every: 30\n", 1)
    case = case_of(tmp_path, indicators=said)
    late = [one for one in find_stale(case, dt.date(2021, 3, 1)).series if one.level]
    assert [(one.indicator, one.units, one.last) for one in late] == [
        ("trade", ("HHH-AAA", "HHH-BBB"), dt.date(2020, 12, 31))
    ]


def test_levels_without_a_day_are_named_before_a_roll_takes_them_for_later(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    assert find_stale(case).undated == ()
    assert find_stale(case, dt.date(2021, 1, 8)).undated == ("mood", "trade")


def test_days_that_nobody_searched_are_told_with_what_they_would_hold(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    assert not find_stale(case).unsearched
    found = find_stale(case, dt.date(2021, 12, 31))
    [one] = found.unsearched
    assert set(one.types) == set(case.events)
    assert (one.until, one.days) == (dt.date(2020, 12, 31), 365)
    by_hand = {
        "protest": 4 * 365 / (dt.date(2020, 12, 31) - dt.date(2016, 1, 1)).days,
        "decree": 1 * 365 / (dt.date(2020, 12, 31) - dt.date(2017, 1, 1)).days,
        "spark": 2 * 365 / (dt.date(2020, 12, 31) - dt.date(2016, 1, 1)).days,
    }
    assert one.expected == sum(by_hand.values())
    assert found.last_event == dt.date(2020, 10, 1)


def test_a_fresh_case_says_so(tmp_path: Path) -> None:
    case = case_of(tmp_path, series=QUARTERS)
    assert find_stale(case).is_fresh
