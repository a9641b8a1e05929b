"""How much of what happened a search finds: what it does to a record, and what is refused."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from riskcast import Case, CaseError, case_as_of, load_case
from riskcast.case.checks import find_problems
from riskcast.case.coverage import covered_spans, searches
from riskcast.case.files import write_case
from riskcast.record.arrays import build_record, leave_out
from tests.support.cases import event, event_row, make_case, quantity, searched
from tests.support.smallcase import CASE, OUTCOMES, write_files
from tests.support.smallpanel import panel_case

FIRST, LAST = dt.date(2019, 1, 1), dt.date(2020, 12, 31)
DAYS = (LAST - FIRST).days + 1
HEAD = "unit,type,from,until,recall\n"


def small(*rows: tuple[str, str, dt.date, dt.date, float]) -> Case:
    events = tuple(event_row(dt.date(2019, month, 5), "a", "HHH-P001") for month in (2, 3, 9))
    return searched(make_case({"a": event(quantity(0.3, 0.1, 0.6))}, rows=events, years=2, partners=2), *rows)


def read(folder: Path, rows: str, head: str = HEAD, **changed: str) -> Case:
    write_files(folder, **changed)
    (folder / "history" / "coverage.csv").write_text(head + rows)
    return load_case(folder)


@given(
    cuts=st.lists(st.integers(1, DAYS - 1), min_size=1, max_size=4, unique=True),
    found=st.lists(st.sampled_from([None, 0.2, 0.5, 1.0]), min_size=5, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_exposure_is_what_every_day_holds(cuts: list[int], found: list[float | None]) -> None:
    ends = [0, *sorted(cuts), DAYS]
    recall = np.concatenate([np.full(b - a, r or 0.0) for a, b, r in zip(ends, ends[1:], found, strict=False)])
    day = [FIRST + dt.timedelta(days=n) for n in range(DAYS)]
    rows = [
        ("a", "HHH-P001", day[a], day[b - 1], r)
        for a, b, r in zip(ends, ends[1:], found, strict=False)
        if r is not None
    ]
    case = small(*rows, ("a", "HHH-P002", FIRST, LAST, 0.7))
    record = build_record(case)
    months = [(2019 + n // 12, 1 + n % 12) for n in range(24)]
    for t, month in enumerate(months):
        own = recall[[(one.year, one.month) == month for one in day]]
        assert record.exposure["a"][t, 0] == pytest.approx(own.mean())
        assert record.covered["a"][t, 0] == pytest.approx((own > 0).mean())
        assert record.at_risk["a"][t, 0] == (own > 0).any()
    np.testing.assert_allclose(record.exposure["a"][:, 1], 0.7)
    latest = next((r for r in reversed(recall.tolist()) if r), 1.0)
    assert record.recall["a"].tolist() == [latest, 0.7]
    joined = covered_spans(case)["a", "HHH-P001"]
    assert sum((until - start).days + 1 for start, until in joined) == int((recall > 0).sum())
    assert all((after[0] - before[1]).days > 1 for before, after in pairwise(joined))


def test_a_column_of_shares_is_read_written_and_left_out_where_it_says_nothing(tmp_path: Path) -> None:
    without = read(tmp_path / "a", "ALL,ALL,2016-01-01,2020-12-31\n", "unit,type,from,until\n")
    silent = read(tmp_path / "b", "ALL,ALL,2016-01-01,2020-12-31,\n")
    all_found = read(tmp_path / "c", "ALL,ALL,2016-01-01,2020-12-31,1\n")
    assert without.hash == silent.hash == all_found.hash
    rows = "ALL,ALL,2016-01-01,2018-12-31,0.5\nALL,ALL,2019-01-01,2020-12-31,\n"
    half = read(tmp_path / "d", rows)
    assert half.hash != without.hash
    assert searches(half)["spark", "HHH-AAA"] == (
        (dt.date(2016, 1, 1), dt.date(2018, 12, 31), 0.5),
        (dt.date(2019, 1, 1), dt.date(2020, 12, 31), 1.0),
    )
    for case, last in ((without, "until"), (half, "recall")):
        folder = tmp_path / f"again {last}"
        folder.mkdir()
        write_case(case, folder)
        assert (folder / "history" / "coverage.csv").read_text().splitlines()[0].split(",")[-1] == last
        assert load_case(folder).hash == case.hash
    comma = read(tmp_path / "e", rows.replace(",", ";").replace("0.5", "0,5"), HEAD.replace(",", ";"))
    assert comma.hash == half.hash
    marked = read(tmp_path / "f", rows.replace("2020-12-31,", "2020-12-31,NA"), case_yaml=CASE + "na: [NA]\n")
    assert marked.coverage == half.coverage


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        (
            "ALL,ALL,2016-01-01,2020-12-31,0",
            r"coverage.csv:2: recall: is 0; give a share above 0 and up to 1, such as 0.8",
        ),
        ("ALL,ALL,2016-01-01,2020-12-31,1.2", r"coverage.csv:2: recall: is 1.2; give a share above 0 and up to 1"),
        ("ALL,ALL,2016-01-01,2020-12-31,-0.5", r"coverage.csv:2: recall: is -0.5; give a share above 0"),
        ("ALL,ALL,2016-01-01,2020-12-31,most", r"coverage.csv:2: recall: is 'most'"),
        ("ALL,ALL,2016-01-01,2020-12-31,1e999", r"coverage.csv:2: recall: is '?1e999'?, too large a number"),
        (
            "ALL,ALL,2016-01-01,2018-12-31,0.5\nHHH-AAA,protest,2018-12-31,2020-12-31,0.8",
            r"coverage.csv:3: recall: is 0.8 for protest of HHH-AAA on days of which row 2 says 0.5; let each day",
        ),
        (
            "HHH-AAA,ALL,2018-01-01,2018-12-31,1\nALL,ALL,2016-01-01,2020-12-31,0.4",
            r"coverage.csv:3: recall: is 0.4 for protest of HHH-AAA on days of which row 2 says 1; let each day",
        ),
    ],
)
def test_what_no_share_can_be_and_two_shares_for_one_day_are_refused(tmp_path: Path, rows: str, wrong: str) -> None:
    with pytest.raises(CaseError, match=wrong):
        read(tmp_path, rows + "\n")


def test_rows_that_say_the_same_may_overlap(tmp_path: Path) -> None:
    rows = (
        "ALL,ALL,2016-01-01,2019-12-31,0.5\nHHH-AAA,ALL,2018-01-01,2020-12-31,0.5\nALL,ALL,2020-01-01,2020-12-31,0.5\n"
    )
    case = read(tmp_path, rows)
    assert searches(case)["protest", "HHH-AAA"] == ((dt.date(2016, 1, 1), dt.date(2020, 12, 31), 0.5),)


def test_a_share_for_the_whole_record_of_a_type(tmp_path: Path) -> None:
    outcomes = OUTCOMES.replace("recorded_from: 2017-01-01", "recorded_from: 2017-01-01\n  recall: 0.8")
    case = load_case(write_files(tmp_path / "one", outcomes_yaml=outcomes))
    record, plain = build_record(case), build_record(load_case(write_files(tmp_path / "two")))
    np.testing.assert_allclose(record.exposure["decree"], 0.8 * plain.exposure["decree"])
    np.testing.assert_array_equal(record.covered["decree"], plain.covered["decree"])
    np.testing.assert_array_equal(record.exposure["spark"], plain.exposure["spark"])
    assert record.recall["decree"].tolist() == [0.8]
    wrong = r"outcomes.yaml:\d+: decree.recall: stands beside history/coverage.csv, which says how much was found"
    with pytest.raises(CaseError, match=wrong):
        read(tmp_path / "three", "ALL,ALL,2016-01-01,2020-12-31,\n", outcomes_yaml=outcomes)
    none = OUTCOMES.replace("recorded_from: 2017-01-01", "recorded_from: 2017-01-01\n  recall: 0")
    with pytest.raises(CaseError, match=r"decree.recall: is 0; give a share above 0"):
        load_case(write_files(tmp_path / "four", outcomes_yaml=none))


def test_a_panel_may_say_how_much_of_a_type_it_holds() -> None:
    case = panel_case()
    name = next(iter(case.events))
    some = case.revised(events={**case.events, name: case.events[name].model_copy(update={"recall": 0.4})})
    one, other = build_record(some), build_record(case)
    np.testing.assert_allclose(one.exposure[name], 0.4 * other.exposure[name])
    np.testing.assert_array_equal(one.counted[name], other.counted[name])
    assert set(one.recall[name].tolist()) == {0.4}
    assert not find_problems(some, evidence=False)


def test_whole_periods_are_whole_however_little_was_found() -> None:
    case = small(("a", "ALL", FIRST, LAST, 0.3))
    record = build_record(case)
    assert record.completed("a")[1].all()
    left_out = leave_out(record, case, "HHH-P001")
    assert not left_out.at_risk["a"][:, 0].any()
    assert not left_out.completed("a")[1][:, 0].any()
    assert left_out.completed("a")[1][:, 1].all()


def test_an_earlier_day_knows_what_a_search_found_by_then() -> None:
    early, late = ("a", "ALL", FIRST, dt.date(2020, 6, 30), 0.3), ("a", "ALL", dt.date(2020, 7, 1), LAST, 0.9)
    case = small(early, late)
    assert build_record(case).recall["a"].tolist() == [0.9, 0.9]
    assert build_record(case_as_of(case, dt.date(2020, 6, 30))).recall["a"].tolist() == [0.3, 0.3]
