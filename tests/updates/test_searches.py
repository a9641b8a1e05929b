"""What was searched: coverage says so afterwards of what was named, and of nothing else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import riskcast
from riskcast.case.coverage import covered_spans, searches
from riskcast.errors import RiskcastError
from riskcast.updates.case_files import read_files
from riskcast.updates.editing import draft_edits
from riskcast.updates.operations import Searched
from tests.support.smallcase import CASE, OUTCOMES, write_files

COVERAGE = """\
unit,type,from,until,recall
ALL,ALL,2016-01-01,2018-12-31,0.6
ALL,ALL,2019-01-01,2020-12-31,0.9
"""
START, LATER = dt.date(2020, 12, 31), dt.date(2021, 2, 10)


def rolled(folder: Path) -> Path:
    riskcast.roll_case(folder, LATER)
    return folder


def test_all_types_extend_the_day_that_the_case_states(tmp_path: Path) -> None:
    folder = rolled(write_files(tmp_path / "small"))
    riskcast.mark_checked(folder)
    case = riskcast.load_case(folder)
    assert case.settings.recorded_until == LATER
    assert not case.coverage
    assert all(own[-1][1] == LATER for own in covered_spans(case).values())


def test_where_nothing_says_how_far_the_record_reaches_it_is_said(tmp_path: Path) -> None:
    folder = rolled(write_files(tmp_path / "small", case_yaml=CASE.replace("recorded_until: 2020-12-31\n", "")))
    riskcast.mark_checked(folder)
    assert (folder / "case.yaml").read_text(encoding="utf-8").splitlines()[2:4] == [
        f"as_of: {LATER}",
        f"recorded_until: {LATER}",
    ]


def test_rows_that_say_it_all_are_extended_in_their_place(tmp_path: Path) -> None:
    folder = rolled(write_files(tmp_path / "small", history_coverage_csv=COVERAGE))
    riskcast.mark_checked(folder)
    assert (folder / "history/coverage.csv").read_text(encoding="utf-8") == COVERAGE.replace("2020-12-31", str(LATER))


@pytest.mark.parametrize("coverage", [None, COVERAGE])
def test_some_types_leave_the_others_as_they_are(tmp_path: Path, coverage: str | None) -> None:
    given = {} if coverage is None else {"history_coverage_csv": coverage}
    folder = rolled(write_files(tmp_path / "small", **given))
    before = searches(riskcast.load_case(folder))
    riskcast.mark_checked(folder, ["protest"], ["HHH-AAA"])
    after = searches(riskcast.load_case(folder))
    assert after["protest", "HHH-AAA"][-1][1] == LATER
    assert {pair: own for pair, own in after.items() if pair != ("protest", "HHH-AAA")} == {
        pair: own for pair, own in before.items() if pair != ("protest", "HHH-AAA")
    }
    riskcast.undo_edit(folder)
    assert searches(riskcast.load_case(folder)) == before


def test_the_end_of_a_type_gives_way(tmp_path: Path) -> None:
    outcomes = OUTCOMES.replace("  recorded_from: 2017-01-01\n", "  recorded_until: 2020-06-30   # so far\n")
    folder = rolled(write_files(tmp_path / "small", outcomes_yaml=outcomes))
    riskcast.mark_checked(folder, ["decree"], start="2020-07-01")
    case = riskcast.load_case(folder)
    assert covered_spans(case)["decree", "HHH"][-1][1] == LATER
    assert f"recorded_until: {LATER}   # so far" in (folder / "outcomes.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"types": ["protst"]}, "did you mean 'protest'"),
        ({"units": ["HHH-CCC"]}, "unknown unit"),
        ({"types": ["decree"], "units": ["HHH-AAA"]}, "cannot happen in"),
        ({"until": "2021-03-01"}, "roll the case first"),
        ({"until": "2020-12-31"}, "already"),
        ({"recall": 1.5}, "recall"),
        ({"start": "2020-13-01"}, "day"),
    ],
)
def test_what_cannot_have_been_searched(tmp_path: Path, given: dict, told: str) -> None:
    folder = rolled(write_files(tmp_path / "small", history_coverage_csv=COVERAGE))
    with pytest.raises(RiskcastError, match=told):
        riskcast.mark_checked(folder, **given)


PAIRS = [("protest", "HHH-AAA"), ("protest", "HHH-BBB"), ("decree", "HHH"), ("spark", "HHH-AAA"), ("spark", "HHH-BBB")]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    top = tmp_path_factory.mktemp("searched")
    return [rolled(write_files(top / "one")), rolled(write_files(top / "two", history_coverage_csv=COVERAGE))]


STEP = st.tuples(
    st.lists(st.sampled_from(["protest", "decree", "spark"]), max_size=2, unique=True),
    st.lists(st.sampled_from(["HHH", "HHH-AAA", "HHH-BBB"]), max_size=2, unique=True),
    st.dates(START + dt.timedelta(days=1), LATER),
    st.sampled_from([None, None, 0.5]),
)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([0, 1]), st.lists(STEP, min_size=1, max_size=3))
def test_any_searches_say_what_was_named_and_no_more(both: list[Path], which: int, steps: list) -> None:
    """Against a plain account, day by day, of what each search says."""
    files = read_files(both[which])
    case = draft_edits(files, ()).before
    account = {
        pair: {day for first, last in own for day in range(first.toordinal(), last.toordinal() + 1)}
        for pair, own in covered_spans(case).items()
    }
    for types, units, until, recall in steps:
        operation = Searched(tuple(types), tuple(units), None, until, recall)
        named = [(kind, unit) for kind, unit in PAIRS if (not types or kind in types) and (not units or unit in units)]
        try:
            draft = draft_edits(files, [operation])
        except RiskcastError:
            assert all(max(account[pair]) >= until.toordinal() for pair in named)
            continue
        files = draft.files
        for pair in named:
            account[pair] |= set(range(max(account[pair]) + 1, until.toordinal() + 1))
        found = {
            pair: {day for first, last in own for day in range(first.toordinal(), last.toordinal() + 1)}
            for pair, own in covered_spans(draft.after).items()
        }
        assert found == account
