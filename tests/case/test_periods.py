"""Calendars against the standard library, and the split of the period that runs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from riskcast import CaseError, load_case
from riskcast.case.periods import Calendar, Months, Timeline, Weeks, calendar_of, date_span, shift_months
from tests.support.smallcase import CASE, write_files

CALENDARS = st.one_of(
    st.sampled_from([calendar_of("week"), calendar_of("month"), calendar_of("quarter"), calendar_of("year")]),
    st.builds(Months, st.sampled_from(["quarter", "year"]), st.integers(1, 12), st.booleans()),
)
DAYS = st.dates(dt.date(1800, 1, 1), dt.date(2200, 12, 31))


@given(calendar=CALENDARS, day=DAYS)
def test_every_day_lies_in_one_period_that_goes_by_one_name(calendar: Calendar, day: dt.date) -> None:
    number = calendar.number(day)
    first, last = calendar.first_day(number), calendar.last_day(number)
    assert first <= day <= last
    assert calendar.number(last + dt.timedelta(days=1)) == number + 1
    assert calendar.number(first - dt.timedelta(days=1)) == number - 1
    assert calendar.read(calendar.label(number)) == number


@given(calendar=CALENDARS, day=DAYS, periods=st.integers(-40, 40))
def test_the_last_day_of_a_period_moves_to_the_last_day_of_another(
    calendar: Calendar, day: dt.date, periods: int
) -> None:
    number = calendar.number(day)
    assert calendar.shift(calendar.last_day(number), periods) == calendar.last_day(number + periods)
    assert calendar.number(calendar.shift(day, periods)) == number + periods


@given(day=DAYS)
def test_weeks_are_those_of_the_standard_library(day: dt.date) -> None:
    year, week, _ = day.isocalendar()
    assert Weeks().label(Weeks().number(day)) == f"{year:04d}-W{week:02d}"
    assert Weeks().first_day(Weeks().number(day)).weekday() == 0


@pytest.mark.parametrize(
    ("day", "starts", "by_end", "year", "quarter"),
    [
        ((2023, 9, 30), 10, True, "2023", "2023Q4"),
        ((2023, 10, 1), 10, True, "2024", "2024Q1"),
        ((2024, 3, 31), 4, False, "2023", "2023Q4"),
        ((2024, 4, 1), 4, False, "2024", "2024Q1"),
        ((2024, 7, 1), 7, True, "2025", "2025Q1"),
        ((2024, 6, 30), 7, True, "2024", "2024Q4"),
        ((2024, 12, 31), 1, True, "2024", "2024Q4"),
    ],
)
def test_fiscal_years_go_by_the_name_that_the_case_gives(
    day: tuple[int, int, int], starts: int, by_end: bool, year: str, quarter: str
) -> None:
    for unit, wanted in (("year", year), ("quarter", quarter)):
        calendar = Months(unit, starts, by_end)
        assert calendar.label(calendar.number(dt.date(*day))) == wanted


@given(calendar=CALENDARS, as_of=st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31)), periods=st.integers(1, 60))
def test_the_cells_of_a_horizon_are_its_days_each_once(calendar: Calendar, as_of: dt.date, periods: int) -> None:
    line = Timeline(as_of, calendar, as_of - dt.timedelta(days=900))
    cells, (first, last) = line.cells(periods), line.horizon(periods)
    assert cells.first[0] == first == as_of + dt.timedelta(days=1)
    assert cells.last[-1] == last
    assert all(b == a + dt.timedelta(days=1) for a, b in zip(cells.last[:-1], cells.first[1:], strict=True))
    assert cells.split == (calendar.number(first) == calendar.number(as_of))
    assert len(cells) == periods + cells.split
    assert (cells.shares[1:-1] == 1.0).all()
    assert (cells.shares > 0.0).all()
    assert (cells.shares <= 1.0).all()
    # The running period is whole: what has gone by and what is left of it.
    if cells.split:
        assert line.covered(calendar.first_day(calendar.number(as_of)), as_of)[-1] + cells.shares[0] == pytest.approx(
            1.0
        )
    assert len(line.years_ahead(periods)) == len(cells)


@given(day=st.dates(dt.date(2000, 1, 1), dt.date(2040, 12, 31)))
def test_the_end_of_a_horizon_never_moves_back_as_days_go_by(day: dt.date) -> None:
    ends = [shift_months(day + dt.timedelta(days=n), 1) for n in range(40)]
    assert ends == sorted(ends)


@pytest.mark.parametrize("as_of", ["2024-01-29", "2024-01-30", "2024-01-31", "2024-02-29", "2023-02-28", "2024-12-31"])
def test_a_record_that_ends_on_any_day_has_the_months_of_the_calendar(as_of: str) -> None:
    line = Timeline(dt.date.fromisoformat(as_of), calendar_of("month"), dt.date(2022, 11, 15))
    months = [str(day)[:7] for day in line.starts]
    assert months[:3] == ["2022-11", "2022-12", "2023-01"]
    assert months[-1] == as_of[:7]
    assert len(set(months)) == len(months) == 12 * (line.as_of.year - 2022) + line.as_of.month - 10
    shares = line.covered(line.start, line.as_of)
    assert shares[0] == 16 / 30
    assert (shares[1:-1] == 1.0).all()


@given(day=DAYS)
def test_a_date_spans_what_is_known_of_it(day: dt.date) -> None:
    assert date_span(day, "day") == (day, day)
    month = date_span(day, "month")
    assert (month[0].day, (month[1] + dt.timedelta(days=1)).day) == (1, 1)
    assert date_span(day, "year") == (dt.date(day.year, 1, 1), dt.date(day.year, 12, 31))


def with_period(folder: Path, lines: str) -> Path:
    return write_files(folder, case_yaml=CASE.replace("period: month", lines))


def test_a_fiscal_year_of_months_is_refused_with_the_mend(tmp_path: Path) -> None:
    folder = with_period(tmp_path, "period: month\nfiscal_year: {starts: 4, named_by: end}")
    with pytest.raises(CaseError, match="remove `fiscal_year:`, or write period: quarter or year"):
        load_case(folder)


def test_the_words_for_time_are_part_of_the_hash_only_where_they_are_used(tmp_path: Path) -> None:
    plain = load_case(with_period(tmp_path / "plain", "period: quarter"))
    fiscal = load_case(with_period(tmp_path / "fiscal", "period: quarter\nfiscal_year: {starts: 4, named_by: end}"))
    assert "fiscal_year" not in plain.settings.model_dump()
    assert plain.hash != fiscal.hash
    assert fiscal.calendar.label(fiscal.calendar.number(fiscal.as_of)) == "2021Q3"
