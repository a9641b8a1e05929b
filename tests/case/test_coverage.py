"""What a record covers: stated, or shown by its rows; the rest is missing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from riskcast import Case, CaseError, case_as_of, fit, load_case
from riskcast.case.coverage import covered_spans, end_of_rows, record_end
from riskcast.case.files import write_case
from riskcast.record.arrays import build_record
from tests.support.cases import event, event_row, make_case, quantity
from tests.support.smallcase import CASE, EVENTS_CSV, OUTCOMES, write_files

HEAD = "unit,type,from,until\n"
UNSTATED = CASE.replace("recorded_until: 2020-12-31\n", "")
YEAR_END = dt.date(2020, 12, 31)


def busy_case(last: dt.date, every: int = 20) -> Case:
    """Events of two types in turns, `every` so many days up to a last one."""
    days = [last - dt.timedelta(days=every * n) for n in range(200)]
    kept = [day for day in days if day >= dt.date(2015, 1, 1)]
    rows = tuple(event_row(day, "ab"[n % 2], "HHH-P001") for n, day in enumerate(reversed(kept)))
    return unstated(make_case({"a": event(quantity(0.3)), "b": event(quantity(0.3))}, rows=rows))


def unstated(case: Case) -> Case:
    """The case without a word on how far its record reaches."""
    return case.revised(settings=case.settings.model_copy(update={"recorded_until": None}))


def searched(folder: Path, rows: str, **changed: str) -> Case:
    """The small case with a table of what was searched."""
    write_files(folder, **changed)
    (folder / "history" / "coverage.csv").write_text(HEAD + rows)
    return load_case(folder)


def test_a_record_that_falls_silent_is_not_learned_from_as_peace() -> None:
    case = busy_case(dt.date(2019, 6, 30))
    end = record_end(case)
    assert end is not None
    assert (end.day, end.as_of, end.stated, end.events) == (dt.date(2019, 6, 30), YEAR_END, False, ("a", "b"))
    assert end.expected == pytest.approx(550 / 20, rel=0.05)
    assert "The record of events ends with its last row on 2019-06-30, 550 days before 2020-12-31" in end.told
    record = build_record(case)
    t = record.timeline.index(dt.date(2019, 7, 1))
    assert not record.at_risk["a"][t:].any()
    assert record.at_risk["a"][:t].all()


def test_a_day_without_rows_changes_nothing_that_was_learned() -> None:
    case = busy_case(dt.date(2019, 6, 30))
    one, two = (
        build_record(case.revised(settings=case.settings.model_copy(update={"as_of": day})))
        for day in (dt.date(2020, 8, 30), dt.date(2020, 8, 31))
    )
    np.testing.assert_array_equal(one.exposure["a"], two.exposure["a"])
    np.testing.assert_array_equal(one.counted["a"], two.counted["a"])


def test_a_record_without_rows_shows_that_nothing_was_looked_at() -> None:
    case = unstated(make_case({"a": event(quantity(0.3))}))
    assert end_of_rows(case) == case.settings.history_from
    end = record_end(case)
    assert end is not None
    assert end.expected == 0.0


def test_searched_and_found_nothing_is_peace(tmp_path: Path) -> None:
    # Four events a year until the middle of 2018, and none since.
    days = [dt.date(2016 + n // 4, 1 + 3 * (n % 4), 9) for n in range(10)]
    rows = "\n".join(f"{day},day,protest,HHH-AAA,AAA,A note,archive,located" for day in days)
    events = EVENTS_CSV.splitlines()[0] + "\n" + rows + "\n"
    silent = load_case(write_files(tmp_path / "silent", history_events_csv=events, case_yaml=UNSTATED))
    end = record_end(silent)
    assert end is not None
    assert end.day == dt.date(2018, 4, 9)
    told = load_case(write_files(tmp_path / "stated", history_events_csv=events))
    rows = "ALL,ALL,2016-01-01,2020-12-31\n"
    covered = searched(tmp_path / "covered", rows, history_events_csv=events, case_yaml=UNSTATED)
    for case in (told, covered):
        assert record_end(case) is None
        assert build_record(case).at_risk["protest"].all()
        assert case.hash != silent.hash


def test_a_month_outside_coverage_is_missing(tmp_path: Path) -> None:
    rows = (
        "HHH-AAA,protest,2016-01-01,2018-03-15\n"
        "HHH-AAA,protest,2018-03-16,2018-04-30\n"
        "HHH-AAA,protest,2019-01-01,2020-12-31\n"
        "ALL,spark,2016-01-01,2020-12-31\n"
        "HHH-BBB,ALL,2017-01-01,2020-06-30\n"
        "HHH,decree,2016-01-01,2020-12-31\n"
    )
    case = searched(tmp_path, rows)
    spans = covered_spans(case)
    assert spans["protest", "HHH-AAA"] == (
        (dt.date(2016, 1, 1), dt.date(2018, 4, 30)),
        (dt.date(2019, 1, 1), YEAR_END),
    )
    assert spans["protest", "HHH-BBB"] == ((dt.date(2017, 1, 1), dt.date(2020, 6, 30)),)
    assert spans["spark", "HHH-BBB"] == ((dt.date(2016, 1, 1), YEAR_END),)
    record = build_record(case)
    missing = [str(day)[:7] for day in record.timeline.ends[~record.at_risk["protest"][:, 0]]]
    assert missing == [f"2018-{month:02d}" for month in range(5, 13)]
    end = record_end(case)
    assert end is None or end.events == ()
    assert load_case(written(case, tmp_path / "again")).hash == case.hash


def written(case: Case, folder: Path) -> Path:
    folder.mkdir()
    write_case(case, folder)
    return folder


def test_an_event_outside_what_was_searched_is_remembered_and_not_learned_from(tmp_path: Path) -> None:
    case = searched(tmp_path, "ALL,ALL,2016-04-01,2020-12-31\n")
    record = build_record(case)
    march = record.timeline.index(dt.date(2016, 3, 20))
    assert record.occurred["protest"][march, 0] == 1.0
    assert not record.counted["protest"][march, 0]
    assert record.exposure["protest"][march, 0] == 0.0


def test_an_event_type_may_be_recorded_for_a_while_only(tmp_path: Path) -> None:
    until = OUTCOMES.replace("recorded_from: 2017-01-01", "recorded_from: 2017-01-01\n  recorded_until: 2019-12-31")
    case = load_case(write_files(tmp_path, outcomes_yaml=until))
    record, end = build_record(case), record_end(case)
    assert np.flatnonzero(record.at_risk["decree"][:, 0]).tolist() == list(range(12, 48))
    assert end is not None
    assert (end.events, end.stated) == (("decree",), True)


def test_of_an_earlier_day_only_earlier_rows_tell_how_far_the_record_reached() -> None:
    case = busy_case(dt.date(2020, 12, 1))
    quiet = tuple(row for row in case.event_rows if not dt.date(2017, 6, 1) < row.date < dt.date(2018, 6, 1))
    then = record_end(case_as_of(case.revised(event_rows=quiet), dt.date(2018, 5, 31)))
    assert then is not None
    assert (then.day < dt.date(2017, 6, 2), then.stated) == (True, False)
    stated = case.settings.model_copy(update={"recorded_until": YEAR_END})
    assert record_end(case_as_of(case.revised(event_rows=quiet, settings=stated), dt.date(2018, 5, 31))) is None


def test_an_earlier_day_knows_what_was_searched_by_then(tmp_path: Path) -> None:
    rows = "ALL,protest,2016-01-01,2020-12-31\nALL,spark,2016-01-01,2017-06-30\nHHH,decree,2019-01-01,2020-12-31\n"
    case = searched(tmp_path, rows)
    then = case_as_of(case, dt.date(2018, 3, 31))
    spans = covered_spans(then)
    assert spans["protest", "HHH-AAA"] == ((dt.date(2016, 1, 1), dt.date(2018, 3, 31)),)
    assert spans["spark", "HHH-AAA"] == ((dt.date(2016, 1, 1), dt.date(2017, 6, 30)),)
    assert spans["decree", "HHH"] == ()
    assert build_record(then).exposure["decree"].sum() == 0.0
    # What is not covered at all has the posterior of its prior.
    posterior = fit(then, draws=200, allow_unreliable=True)
    prior = fit(then, draws=200, prior_only=True)
    found, believed = (np.exp(one.events["decree"].coefficients[:, 0]) for one in (posterior, prior))
    assert np.median(found) == pytest.approx(np.median(believed), rel=0.2)


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("ALL,protets,2016-01-01,2020-12-31", r"coverage.csv:2: type: unknown event type 'protets'; .*protest"),
        ("HHH,protest,2016-01-01,2020-12-31", r"coverage.csv:2: unit: 'HHH' cannot have protest"),
        ("ALL,ALL,2017-01-01,2016-12-31", r"coverage.csv:2: ends on 2016-12-31, before it begins on 2017-01-01"),
        ("ALL,ALL,2010-01-01,2011-12-31", r"coverage.csv:2: until: 2011-12-31 lies before history_from"),
        ("ALL,protest,2016-01-01,2020-12-31", r"coverage.csv: type: says nothing of decree"),
        ("ALL,ALL,soon,2020-12-31", r"coverage.csv:2: from: is 'soon'; write the day as YYYY-MM-DD"),
    ],
)
def test_a_row_of_coverage_that_cannot_be_meant_is_refused(tmp_path: Path, row: str, wrong: str) -> None:
    with pytest.raises(CaseError, match=wrong):
        searched(tmp_path, row + "\n")


def test_a_record_ends_after_it_begins(tmp_path: Path) -> None:
    early = CASE.replace("recorded_until: 2020-12-31", "recorded_until: 2016-01-01")
    with pytest.raises(CaseError, match=r"recorded_until: does not lie after history_from"):
        load_case(write_files(tmp_path, case_yaml=early))
