"""A case as of an earlier day: nothing dated or published later may change a digit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from riskcast import Case, Forecast, case_as_of, fit, forecast, load_case
from riskcast.case.checks import find_problems
from riskcast.case.model import EventRow, SeriesRow
from riskcast.case.quantities import Z90, elicit
from riskcast.errors import OptionError
from tests.support.smallcase import write_files

DAY = dt.date(2019, 6, 14)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_case(write_files(tmp_path_factory.mktemp("small")))


def row(day: dt.date, precision: str = "day", kind: str = "protest", dyad: str = "HHH-AAA") -> EventRow:
    return EventRow.model_validate(
        {
            "date": day,
            "precision": precision,
            "type": kind,
            "dyad": dyad,
            "initiator": "HHH",
            "description": "Added.",
            "sources": (),
            "status": "judgement",
        }
    )


def level(day: dt.date, published: dt.date, value: float, half: float = 3.0) -> SeriesRow:
    return SeriesRow.model_validate(
        {
            "indicator": "mood",
            "unit": "HHH",
            "date": day,
            "value": value,
            "low": value - half,
            "high": value + half,
            "published": published,
            "sources": (),
            "status": "judgement",
        }
    )


def forecast_as_of(case: Case, day: dt.date, **options: Any) -> Forecast:
    return forecast(fit(case_as_of(case, day), draws=100, allow_unreliable=True), **options)


def assert_same_digits(one: Forecast, other: Forecast) -> None:
    assert one.posterior.fingerprints == other.posterior.fingerprints
    for event in one.case.events:
        np.testing.assert_array_equal(one.simulated.probability[event], other.simulated.probability[event])
        np.testing.assert_array_equal(one.simulated.by_period[event], other.simulated.by_period[event])
    np.testing.assert_array_equal(one.simulated.score, other.simulated.score)


LATER = st.dates(DAY + dt.timedelta(days=1), dt.date(2020, 12, 31))
UNITS = st.sampled_from(
    [("protest", "HHH-AAA"), ("protest", "ALL"), ("spark", "HHH-BBB"), ("decree", "HHH"), ("context", "ALL")]
)
LATER_EVENTS = st.one_of(
    st.builds(lambda day, unit: row(day, "day", *unit), LATER, UNITS),
    # The first of June, and of the year, come before the day, but the event may not.
    st.builds(lambda day, unit: row(day, "month", *unit), st.dates(dt.date(2019, 6, 1), dt.date(2020, 12, 31)), UNITS),
    st.builds(lambda day, unit: row(day, "year", *unit), st.dates(dt.date(2019, 1, 1), dt.date(2020, 12, 31)), UNITS),
)
LATER_LEVELS = st.builds(
    lambda day, published, value: level(day, max(day, published), value),
    st.dates(dt.date(2016, 1, 1), dt.date(2020, 12, 31)),
    LATER,
    st.floats(10, 90),
)


@settings(deadline=None, max_examples=40)
@given(
    events=st.lists(LATER_EVENTS, max_size=6), levels=st.lists(LATER_LEVELS, max_size=4), kept=st.integers(0, 2**11 - 1)
)
@example(events=[row(dt.date(2019, 6, 1), "month")], levels=[], kept=0)
@example(events=[row(dt.date(2019, 1, 1), "year")], levels=[], kept=0)
@example(events=[], levels=[level(dt.date(2019, 1, 1), DAY + dt.timedelta(days=1), 90.0)], kept=0)
def test_nothing_dated_or_published_later_changes_a_digit(
    events: list[EventRow], levels: list[SeriesRow], kept: int, case: Case
) -> None:
    rows = [*case.event_rows, *case.series_rows]
    known = [r.known_on <= DAY if isinstance(r, EventRow) else r.published <= DAY for r in rows]
    left = [r for n, (r, keep) in enumerate(zip(rows, known, strict=True)) if keep or kept >> n & 1]
    other = case.revised(
        event_rows=(*events, *(r for r in left if isinstance(r, EventRow))),
        series_rows=(*levels, *(r for r in left if isinstance(r, SeriesRow))),
    )
    assert_same_digits(forecast_as_of(case, DAY, scenario="storm"), forecast_as_of(other, DAY, scenario="storm"))
    assert case_as_of(other, DAY).hash == case_as_of(case, DAY).hash


@pytest.mark.parametrize(
    "extra",
    [row(DAY), row(dt.date(2019, 5, 1), "month"), row(dt.date(2018, 1, 1), "year"), level(DAY, DAY, 80.0)],
    ids=["that day", "the month before", "the year before", "published that day"],
)
def test_what_was_known_by_the_day_does_change_the_forecast(extra: EventRow | SeriesRow, case: Case) -> None:
    if isinstance(extra, EventRow):
        other = case.revised(event_rows=(*case.event_rows, extra))
    else:
        other = case.revised(series_rows=(*case.series_rows, extra))
    one, two = forecast_as_of(case, DAY), forecast_as_of(other, DAY)
    assert not np.array_equal(one.simulated.score, two.simulated.score)


def test_events_that_may_lie_after_the_day_are_dropped(case: Case) -> None:
    uncertain = {
        "month, ends after": row(dt.date(2019, 6, 1), "month"),
        "year, ends after": row(dt.date(2019, 1, 1), "year"),
        "next day": row(DAY + dt.timedelta(days=1)),
    }
    certain = {
        "same day": row(DAY, kind="spark"),
        "month, ends before": row(dt.date(2019, 5, 31), "month"),
        "year, ends before": row(dt.date(2018, 3, 1), "year"),
    }
    other = case.revised(event_rows=(*uncertain.values(), *certain.values()))
    assert case_as_of(other, DAY).event_rows == tuple(certain.values())
    assert case_as_of(other, dt.date(2019, 6, 30)).event_rows[0] == uncertain["month, ends after"]


def test_levels_come_from_the_last_value_published_by_the_day(case: Case) -> None:
    earlier = case_as_of(case, DAY)
    assert earlier.indicators["mood"].now_of(case.host).median == 50.5
    # The value for January 2020 was published in June.
    assert case_as_of(case, dt.date(2020, 5, 31)).indicators["mood"].now_of(case.host).median == 50.5
    assert case_as_of(case, dt.date(2020, 6, 1)).indicators["mood"].now_of(case.host).median == 54
    # Of several published by then, the one that is dated last.
    stale = level(dt.date(2017, 1, 1), dt.date(2019, 6, 1), 30.0)
    revised = case.revised(series_rows=(*case.series_rows, stale))
    assert case_as_of(revised, DAY).indicators["mood"].now == earlier.indicators["mood"].now


def test_the_interval_of_a_level_widens_with_the_drift_since(case: Case) -> None:
    mood = case.indicators["mood"]
    prior = elicit(case_as_of(case, DAY).indicators["mood"].now_of(case.host), mood.link)
    years = (DAY - dt.date(2018, 1, 31)).days / 365.2425
    expected = np.hypot((53 - 48) / (2 * Z90), 0.5 * 5 * np.sqrt(years))
    assert prior.sd == pytest.approx(expected, rel=1e-12)
    later = elicit(case_as_of(case, DAY + dt.timedelta(days=100)).indicators["mood"].now_of(case.host), mood.link)
    assert later.sd > prior.sd


def test_an_indicator_without_a_series_stands_at_its_reference(case: Case) -> None:
    now = case_as_of(case, DAY).indicators["trade"].now
    assert isinstance(now, dict)
    assert {unit: quantity.median for unit, quantity in now.items()} == {"HHH-AAA": 10, "HHH-BBB": 10}
    nothing = case.revised(series_rows=())
    assert case_as_of(nothing, DAY).indicators["mood"].now_of(case.host).median == 50


@settings(deadline=None, max_examples=60)
@given(
    day=st.dates(dt.date(2017, 1, 1), dt.date(2020, 12, 31)),
    value=st.sampled_from([1e-12, 1e-3, 1.0, 1e6, 1e12]),
    width=st.sampled_from([1.0, 1 + 1e-15, 1.1, 1e9]),
)
def test_levels_of_every_size_give_a_case(day: dt.date, value: float, width: float, case: Case) -> None:
    fields = {"indicator": "trade", "unit": "HHH-AAA", "value": value, "low": value / width}
    low = level(dt.date(2016, 5, 1), dt.date(2016, 5, 1), 0.0)
    extreme = low.model_copy(update={**fields, "high": min(value * width, 1e12)})
    other = case.revised(series_rows=(*case.series_rows, extreme))
    quantity = case_as_of(other, day).indicators["trade"].now_of("HHH-AAA")
    assert quantity.center == value or day == case.as_of


@settings(deadline=None, max_examples=60)
@given(day=st.dates(dt.date(2017, 1, 1), dt.date(2020, 12, 31)))
def test_a_case_as_of_any_day_is_sound(day: dt.date, case: Case) -> None:
    earlier = case_as_of(case, day)
    assert earlier.as_of == day
    # Sources of later evidence stay: base rates and effects are as they were elicited.
    assert {problem.file for problem in find_problems(earlier, evidence=False)} <= {"sources.yaml", "outcomes.yaml"}
    assert case_as_of(earlier, day) is earlier


def test_going_back_in_two_steps_is_going_back_in_one(case: Case) -> None:
    halfway = case_as_of(case, dt.date(2020, 6, 30))
    one, two = case_as_of(case, DAY), case_as_of(halfway, DAY)
    assert (one.event_rows, one.series_rows) == (two.event_rows, two.series_rows)
    assert one.indicators["mood"].now == two.indicators["mood"].now


def test_an_event_type_that_was_not_yet_recorded_does_not_count_as_never_having_happened(case: Case) -> None:
    young = case.events["decree"].model_copy(update={"recorded_from": dt.date(2020, 1, 1)})
    changed = case.revised(events={**case.events, "decree": young})
    posterior = fit(case_as_of(changed, DAY), draws=100, allow_unreliable=True)
    assert posterior.record.at_risk["decree"].sum() == 0


def test_days_outside_the_case_are_refused_with_the_days_that_may_be_given(case: Case) -> None:
    with pytest.raises(OptionError, match="give a day up to its own as_of 2020-12-31"):
        case_as_of(case, dt.date(2021, 1, 1))
    with pytest.raises(OptionError, match="give a day from 2017-01-01 on"):
        case_as_of(case, dt.date(2016, 12, 31))
    assert case_as_of(case, case.as_of) is case


def test_the_bundled_case_can_be_forecast_as_of_an_earlier_day() -> None:
    ahead = forecast_as_of(load_case("central_asia_2024"), dt.date(2022, 2, 23), horizon=3)
    assert max(r.known_on for r in ahead.case.event_rows) <= dt.date(2022, 2, 23)
    assert max(r.published for r in ahead.case.series_rows) <= dt.date(2022, 2, 23)
    assert ahead.window == (dt.date(2022, 2, 24), dt.date(2022, 5, 23))


@pytest.mark.parametrize("day", [dt.date(2024, 5, 5), dt.date(2024, 5, 7), dt.date(2024, 5, 8)])
def test_an_eventless_day_changes_no_score_of_the_bundled_case_by_more_than_a_point(day: dt.date) -> None:
    case = load_case("central_asia_2024")

    def scores(of: Case) -> np.ndarray:
        return forecast(fit(of, draws=1000), paths=8).simulated.mean_score

    if day < case.as_of:
        moved = case_as_of(case, day)
    else:
        moved = case.revised(settings=case.settings.model_copy(update={"as_of": day, "recorded_until": day}))
    assert np.abs(scores(moved) - scores(case)).max() < 1.0
