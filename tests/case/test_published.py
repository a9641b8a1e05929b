"""Events that the world came to know of after they had happened: what an earlier day knew, and how they resolve."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from riskcast import Case, CaseError, backtest, case_as_of, load_case
from riskcast.case.coverage import end_of_rows
from riskcast.case.files import write_case
from riskcast.case.model import EventRow
from riskcast.record.arrays import build_record
from riskcast.verification.resolution import what_followed
from tests.support.cases import event, event_row, make_case, quantity
from tests.support.smallcase import EVENTS_CSV, write_files

HAPPENED, KNOWN = dt.date(2019, 3, 20), dt.date(2019, 9, 2)


def row(**changes: Any) -> EventRow:
    return EventRow.model_validate(event_row(HAPPENED, "a", "HHH-P001").model_dump() | changes)


def small(*rows: EventRow) -> Case:
    return make_case({"a": event(quantity(0.3, 0.1, 0.6))}, rows=rows, years=4, partners=1)


def table(*cells: str) -> str:
    """The small case's events with `published` and `entered` behind them, blank but in the first rows."""
    head, *rows = EVENTS_CSV.splitlines()
    filled = [*cells, *[","] * (len(rows) - len(cells))]
    return "\n".join([head + ",published,entered", *(f"{a},{b}" for a, b in zip(rows, filled, strict=True))]) + "\n"


def test_an_event_is_in_no_forecast_from_before_the_world_knew_of_it() -> None:
    case = small(row(published=KNOWN))
    march = build_record(case).timeline.index(HAPPENED)
    for day, known in ((dt.date(2019, 9, 1), False), (KNOWN, True)):
        then = case_as_of(case, day)
        assert (len(then.event_rows) == 1) is known
        assert bool(build_record(then).occurred["a"][march, 0]) is known


def test_it_resolves_the_days_on_which_it_happened() -> None:
    case = small(row(published=KNOWN))
    record = build_record(case)
    spring = what_followed(case, record, "a", dt.date(2019, 3, 1), dt.date(2019, 3, 31))
    autumn = what_followed(case, record, "a", dt.date(2019, 9, 1), dt.date(2019, 9, 30))
    assert (bool(spring.happened[0]), bool(spring.told[0])) == (True, True)
    assert (bool(autumn.happened[0]), bool(autumn.told[0])) == (False, True)


def test_a_backtest_forecasts_from_what_was_known_and_scores_what_happened() -> None:
    late, prompt = (
        backtest(small(one), dt.date(2018, 12, 1), None, every=1, horizon=3, draws=100, workers_count=1).forecasts
        for one in (row(published=KNOWN), row())
    )
    assert late["outcome"].tolist() == prompt["outcome"].tolist()
    recent = {"2019-06-30": (False, True), "2019-09-30": (True, True)}
    for origin, (one, other) in recent.items():
        assert bool(late.loc[late["origin"] == origin, "recent"].iloc[0]) is one
        assert bool(prompt.loc[prompt["origin"] == origin, "recent"].iloc[0]) is other


def test_an_event_known_to_the_month_had_happened_when_it_was_published() -> None:
    early = row(precision="month", published=dt.date(2019, 3, 9))
    assert early.span == (dt.date(2019, 3, 1), dt.date(2019, 3, 9))
    assert early.placed_on == early.known_on == dt.date(2019, 3, 9)
    late = row(precision="month", published=KNOWN)
    assert late.span == (dt.date(2019, 3, 1), dt.date(2019, 3, 31))
    assert (late.placed_on, late.known_on) == (dt.date(2019, 3, 15), KNOWN)


def test_what_was_published_late_does_not_show_that_later_days_were_searched() -> None:
    case = small(row(published=KNOWN))
    silent = case.revised(settings=case.settings.model_copy(update={"recorded_until": None}))
    assert end_of_rows(silent) == HAPPENED


def test_days_of_publication_and_entry_are_read_written_and_part_of_the_hash(tmp_path: Path) -> None:
    plain = load_case(write_files(tmp_path / "plain"))
    blank = load_case(write_files(tmp_path / "blank", history_events_csv=table()))
    assert blank.hash == plain.hash
    case = load_case(write_files(tmp_path / "said", history_events_csv=table("2016-03-09,", ",2020-11-30")))
    assert (case.event_rows[0].published, case.event_rows[1].entered) == (dt.date(2016, 3, 9), dt.date(2020, 11, 30))
    assert (case.event_rows[0].entered, case.event_rows[1].published) == (None, None)
    assert case.hash != plain.hash
    (tmp_path / "again").mkdir()
    write_case(case, tmp_path / "again")
    assert load_case(tmp_path / "again").hash == case.hash
    write_case(plain, tmp_path / "again")
    assert "published" not in (tmp_path / "again" / "history" / "events.csv").read_text()


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        ("2016-03-01,", r"events.csv:2: is published on 2016-03-01, before it happened \(2016-03-05\); correct one"),
        (",2016-03-01", r"events.csv:2: is entered on 2016-03-01, before it happened \(2016-03-05\); correct one"),
        ("2021-01-01,", r"events.csv:2: published: 2021-01-01 lies after as_of 2020-12-31, so that nobody knew of it"),
        ("soon,", r"events.csv:2: published: is 'soon'; write the day as YYYY-MM-DD"),
        ("NA,", r"events.csv:2: published: is 'NA'; write the day as YYYY-MM-DD"),
    ],
)
def test_days_that_cannot_be_are_refused(tmp_path: Path, cells: str, wrong: str) -> None:
    with pytest.raises(CaseError, match=wrong):
        load_case(write_files(tmp_path, history_events_csv=table(cells)))
