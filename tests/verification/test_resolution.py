"""What followed a forecast, against plain loops over days."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from riskcast import backtest, case_as_of, fit, forecast
from riskcast.case.model import Case, CoverageRow, EventRow
from riskcast.record.arrays import build_record
from riskcast.verification.resolution import what_followed
from tests.support.cases import event, event_row, make_case, quantity
from tests.support.smallpanel import panel_case, table

FIRST, LAST = dt.date(2018, 1, 1), dt.date(2020, 12, 31)
ROWS = st.builds(
    lambda day, precision, dyad: event_row(day, "a", dyad).model_copy(update={"precision": precision}),
    st.dates(FIRST, LAST),
    st.sampled_from(["day", "month", "year"]),
    st.sampled_from(["HHH-P001", "HHH-P002", "ALL"]),
)
SPANS = st.lists(st.tuples(st.dates(FIRST, LAST), st.integers(0, 500)), max_size=3)


def small(
    rows: tuple[EventRow, ...], as_of: dt.date = LAST, coverage: tuple[CoverageRow, ...] = (), years: int = 3
) -> Case:
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6))}, rows=rows, years=years, partners=2)
    return case.revised(settings=case.settings.model_copy(update={"as_of": as_of}), coverage=coverage)


@given(rows=st.lists(ROWS, max_size=6), spans=SPANS, begin=st.dates(FIRST, LAST), days=st.integers(0, 400))
@settings(max_examples=150, deadline=None)
def test_what_followed_is_what_every_day_it_may_lie_on_tells(
    rows: list[EventRow], spans: list[tuple[dt.date, int]], begin: dt.date, days: int
) -> None:
    end = min(begin + dt.timedelta(days=days), LAST)
    covered = [(start, min(start + dt.timedelta(days=length), LAST)) for start, length in spans]
    coverage = tuple(
        CoverageRow.model_validate({"unit": "ALL", "type": "ALL", "from": start, "until": until})
        for start, until in covered
    )
    case = small(tuple(rows), coverage=coverage)
    searched = {start + dt.timedelta(days=n) for start, until in covered for n in range((until - start).days + 1)} or {
        FIRST + dt.timedelta(days=n) for n in range((LAST - FIRST).days + 1)
    }
    window = {begin + dt.timedelta(days=n) for n in range((end - begin).days + 1)}
    found = what_followed(case, build_record(case), "a", begin, end)
    for column, dyad in enumerate(case.dyads):
        certain = possible = False
        for row in rows:
            first, last = row.span
            if row.dyad not in (dyad, "ALL"):
                continue
            days_of = {first + dt.timedelta(days=n) for n in range((last - first).days + 1)}
            certain |= days_of <= window and row.placed_on in searched
            possible |= bool(days_of & window) and not days_of <= window
        assert found.happened[column] == certain
        assert found.told[column] == (certain or (window <= searched and not possible))


@pytest.mark.parametrize("as_of", [dt.date(2020, 9, 29), dt.date(2020, 10, 30), dt.date(2020, 8, 31)])
def test_a_forecast_is_scored_on_the_window_that_it_names(as_of: dt.date) -> None:
    days = [
        dt.date(2019, 7, 31),
        dt.date(2019, 8, 1),
        dt.date(2019, 10, 30),
        dt.date(2020, 2, 29),
        dt.date(2020, 3, 31),
    ]
    case = small(tuple(event_row(day, "a", "HHH-P001") for day in days), as_of)
    rows = backtest(case, start=dt.date(2019, 6, 1), every=1, horizon=1, draws=100, workers_count=1).to_frame()
    assert len(rows) > 20
    for row in rows[rows["unit"] == "HHH-P001"].itertuples():
        then = case_as_of(case, dt.date.fromisoformat(str(row.origin)))
        first, last = forecast(fit(then, draws=100, allow_unreliable=True), horizon=1).window
        assert bool(row.outcome) == any(first <= day <= last for day in days)


def test_an_event_known_to_the_year_resolves_the_year_and_none_of_its_months() -> None:
    row = event_row(dt.date(2019, 1, 1), "a", "HHH-P001").model_copy(update={"precision": "year"})
    case = small((row,), years=4)
    monthly = backtest(case, dt.date(2018, 12, 31), None, every=1, horizon=1, draws=100, workers_count=1)
    own = monthly.forecasts[monthly.forecasts["unit"] == "HHH-P001"]
    assert sorted(own["origin"])[0] == "2019-12-31"
    assert len(own) == 12
    assert own["outcome"].sum() == 0
    assert monthly.health["left_out"].sum() == 12
    yearly = backtest(case, dt.date(2018, 12, 31), None, every=12, horizon=12, draws=100, workers_count=1)
    told = yearly.forecasts.set_index(["origin", "unit"])["outcome"]
    assert told["2018-12-31", "HHH-P001"] == 1
    assert told["2019-12-31", "HHH-P001"] == 0


def test_a_year_of_record_that_begins_on_a_leap_day_can_be_tested() -> None:
    days = tuple(event_row(dt.date(year, 5, 5), "a", "HHH-P001") for year in range(2013, 2020))
    case = small(days)
    case = case.revised(settings=case.settings.model_copy(update={"history_from": dt.date(2012, 2, 29)}))
    tested = backtest(case, draws=100, workers_count=1)
    assert tested.origins[0] == dt.date(2017, 12, 31)


def test_rows_that_a_panel_lacks_tell_nothing() -> None:
    rows = table("month")
    gone = (rows["dyad"] == "AAA-BBB") & (rows["period"] == "2001-11")
    case = panel_case(rows[~gone], unit="month")
    record = build_record(case)
    found = what_followed(case, record, "clash", dt.date(2001, 11, 1), dt.date(2001, 12, 31))
    column = case.dyads.index("AAA-BBB")
    happened = rows.set_index(["dyad", "period"]).loc[("AAA-BBB", "2001-12"), "clash"] > 0
    assert found.happened[column] == happened
    assert found.told[column] == happened
    others = np.array([dyad not in ("AAA-BBB", "CCC-DDD") for dyad in case.dyads])
    assert found.told[others].all()
