"""The record on its calendar, and memories of it, against plain loops over dated events."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from riskcast.case.model import EventRow
from riskcast.record.arrays import build_record
from riskcast.record.memory import COUNT, seen_events
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, series_row

counts = st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1, max_size=12)
half_lives = st.floats(0.2, 60.0)


def naive_memory(seen: list[list[int]], half_life: float, same_period: bool) -> list[list[float]]:
    """log2(1 + sum of 2^(-gap / half-life)), one event after the other, from the definition."""
    out = []
    for now in range(len(seen)):
        freshest = now if same_period else now - 1
        row = []
        for unit in range(2):
            total = sum(seen[then][unit] * 2.0 ** (-(freshest - then) / half_life) for then in range(freshest + 1))
            row.append(math.log2(1.0 + total))
        out.append(row)
    return out


@given(seen=counts, half_life=half_lives, same_period=st.booleans())
def test_memory_is_the_sum_over_past_events(seen: list[list[int]], half_life: float, same_period: bool) -> None:
    found = COUNT.columns(np.array(seen, dtype=float), half_life, same_period)
    np.testing.assert_allclose(found, naive_memory(seen, half_life, same_period), atol=1e-12)


@given(seen=counts, several=st.lists(half_lives, min_size=1, max_size=3), same_period=st.booleans())
def test_many_half_lives_at_once_are_each_alone(seen: list[list[int]], several: list[float], same_period: bool) -> None:
    events = np.array(seen, dtype=float)
    together = COUNT.columns(events, np.array(several), same_period)
    for found, half_life in zip(together, several, strict=True):
        np.testing.assert_array_equal(found, COUNT.columns(events, half_life, same_period))


@given(seen=counts, several=st.lists(half_lives, min_size=1, max_size=3))
def test_what_the_record_leaves_is_its_memory_one_period_on(seen: list[list[int]], several: list[float]) -> None:
    events = np.array(seen, dtype=float)
    left = COUNT.residue(events, np.array(several))
    np.testing.assert_allclose(left, COUNT.states(events, np.array(several))[:, -1], atol=1e-12)
    longer = np.concatenate([events, np.zeros((1, 2))])
    for own, half_life in zip(left, several, strict=True):
        np.testing.assert_allclose(np.log2(1 + own), COUNT.columns(longer, half_life, False)[-1], atol=1e-12)
        decayed = own * 2.0 ** (-1.0 / half_life)
        np.testing.assert_allclose(np.log2(1 + decayed), COUNT.columns(longer, half_life, True)[-1], atol=1e-12)


def test_one_fresh_event_has_memory_one_and_halves_after_a_half_life() -> None:
    lagged = COUNT.columns(np.array([[1.0], [0.0], [0.0], [0.0], [0.0]]), 3.0, same_period=False).ravel()
    same = COUNT.columns(np.array([[1.0], [0.0], [0.0], [0.0]]), 3.0, same_period=True).ravel()
    assert lagged[:2].tolist() == [0.0, 1.0]
    assert lagged[4] == pytest.approx(math.log2(1.5))
    assert same[[0, 3]].tolist() == pytest.approx([1.0, math.log2(1.5)])


def test_each_kind_of_edge_sees_the_events_it_names() -> None:
    effects = [
        edge("a", "b", quantity(2.0), whose=whose, memory="fast", acts="next", path=f"p_{whose}")
        for whose in ("own", "others")
    ]
    effects += [
        edge("a", "decree", quantity(2.0), whose="any", memory="fast", acts="next"),
        edge("decree", "b", quantity(2.0), whose="host", memory="fast", acts="next"),
    ]
    case = make_case(
        {"a": event(quantity(0.3)), "b": event(quantity(0.3)), "decree": event(quantity(0.3), scope="host")}, effects
    )
    occurred = {"a": np.array([[1.0, 0.0, 1.0]]), "b": np.zeros((1, 3)), "decree": np.array([[1.0]])}
    seen = {(e.target, e.whose): seen_events(e, case, occurred).tolist() for e in case.effects}
    assert seen["b", "own"] == [[1.0, 0.0, 1.0]]
    assert seen["b", "others"] == [[1.0, 2.0, 1.0]]
    assert seen["decree", "any"] == [[2.0]]
    assert seen["b", "host"] == [[1.0, 1.0, 1.0]]


def test_nothing_later_than_the_as_of_day_enters_the_record() -> None:
    rows = (
        event_row(dt.date(2020, 12, 31), "a", "HHH-P001"),
        event_row(dt.date(2021, 1, 1), "a", "HHH-P002"),
        EventRow(
            date=dt.date(2020, 12, 1),
            precision="year",
            type="a",
            dyad="HHH-P003",
            initiator="HHH",
            description="A test.",
            sources=(),
            status="judgement",
        ),
    )
    case = make_case({"a": event(quantity(0.3))}, rows=rows)
    occurred = build_record(case).occurred["a"]
    assert occurred.sum(axis=0).tolist() == [1.0, 0.0, 1.0]
    assert np.flatnonzero(occurred[:, 0]).tolist() == [71]
    earlier = make_case({"a": event(quantity(0.3))}, rows=rows, as_of=dt.date(2020, 12, 30))
    # An event known only by its year may have happened up to the last day of that year.
    assert build_record(earlier).occurred["a"].sum() == 0.0


def test_gaps_are_counted_by_the_calendar_across_periods_the_record_lacks() -> None:
    loop = edge("a", "a", quantity(2.0), whose="own", memory="fast", acts="next")
    rows = (event_row(dt.date(2018, 12, 15), "a", "HHH-P001"),)
    case = make_case(
        {"a": event(quantity(0.3), recorded_from=dt.date(2019, 6, 1))}, [loop], rows=rows, half_life=quantity(3.0)
    )
    record = build_record(case)
    assert not record.at_risk["a"][:53].any()
    assert record.at_risk["a"][53:].all()
    memory = COUNT.columns(seen_events(case.effects[0], case, record.occurred), 3.0, False)
    assert memory[53, 0] == pytest.approx(math.log2(1 + 2.0 ** (-5 / 3.0)))


def test_series_are_read_between_dated_values_and_never_from_later_publications() -> None:
    series = (
        series_row("mood", dt.date(2018, 1, 1), 2.0, dt.date(2018, 2, 1)),
        series_row("mood", dt.date(2019, 1, 1), 6.0, dt.date(2019, 2, 1)),
        series_row("mood", dt.date(2020, 1, 1), 99.0, dt.date(2021, 2, 1)),
    )
    mood = indicator(history="series", now=quantity(8.0, 7.0, 9.0), reference=2.0, step=2.0)
    case = make_case({"a": event(quantity(0.3))}, indicators={"mood": mood}).revised(series_rows=series)
    record = build_record(case)
    line = record.timeline
    days = [np.arange(first, last + np.timedelta64(1, "D")) for first, last in zip(line.starts, line.ends, strict=True)]
    known = [np.datetime64(day).astype(int) for day in ("2018-01-01", "2019-01-01")]
    wanted = [np.interp(own.astype(int), known, [0.0, 2.0]).mean() for own in days]
    np.testing.assert_allclose(record.levels["mood"][:, 0], wanted, atol=1e-12)
    assert record.levels["mood"][0, 0] == 0.0


def test_a_belief_about_today_does_not_rewrite_the_past() -> None:
    series = (series_row("mood", dt.date(2018, 1, 1), 2.0, dt.date(2018, 2, 1)),)
    levels = []
    for today in (3.0, 9.0):
        mood = indicator(history="series", now=quantity(today))
        case = make_case({"a": event(quantity(0.3))}, indicators={"mood": mood}).revised(series_rows=series)
        levels.append(build_record(case).levels["mood"])
    low, high = levels
    np.testing.assert_array_equal(low, high)


def test_a_period_that_the_record_covers_in_part_counts_in_part() -> None:
    rows = (event_row(dt.date(2018, 3, 10), "a", "HHH-P001"), event_row(dt.date(2018, 3, 20), "a", "HHH-P002"))
    kind = event(quantity(0.3), recorded_from=dt.date(2018, 3, 16))
    record = build_record(make_case({"a": kind}, rows=rows, as_of=dt.date(2019, 2, 7)))
    march = record.timeline.index(dt.date(2018, 3, 1))
    assert record.exposure["a"][march - 1 : march + 2, 0].tolist() == [0.0, 16 / 31, 1.0]
    assert record.exposure["a"][-1, 0] == 7 / 28
    # What lies before the record began is remembered, but not learned from.
    assert record.occurred["a"][march].tolist() == [1.0, 1.0, 0.0]
    assert record.counted["a"][march].tolist() == [False, True, False]
    assert not record.completed("a")[1][march].any()
    assert len(record.completed("a")[0]) == record.timeline.length - 1


def test_a_series_denser_than_the_periods_enters_as_its_time_weighted_mean() -> None:
    days = [dt.date(2018, 1, 1) + dt.timedelta(days=n) for n in range(1096)]
    levels = {day: 90.0 if day.day == 16 else 10.0 + day.month for day in days}
    mood = indicator(history="series", now=quantity(8.0, 7.0, 9.0), reference=2.0, step=2.0)
    for scale in ("identity", "log"):
        series = tuple(series_row("mood", day, level) for day, level in levels.items())
        case = make_case({"a": event(quantity(0.3))}, indicators={"mood": mood | {"scale": scale}})
        own = case.indicators["mood"]
        record = build_record(case.revised(series_rows=series))
        for t in range(record.timeline.index(days[0]), record.timeline.length):
            first, last = record.timeline.starts[t].item(), record.timeline.ends[t].item()
            inside = [level for day, level in levels.items() if first <= day <= last]
            assert own.level(record.levels["mood"][t, 0]) == pytest.approx(sum(inside) / len(inside))


@given(day=st.dates(dt.date(2019, 1, 1), dt.date(2020, 12, 30)), period=st.sampled_from(["week", "month", "quarter"]))
@settings(max_examples=30, deadline=None)
def test_a_later_day_without_events_bins_nothing_anew(day: dt.date, period: str) -> None:
    series = tuple(
        series_row("mood", when, value) for when, value in ((dt.date(2015, 2, 3), 2.0), (dt.date(2018, 1, 9), 6.0))
    )
    mood = indicator(history="series", now=quantity(8.0, 7.0, 9.0), reference=2.0, step=2.0)
    rows = tuple(event_row(dt.date(2016 + n // 4, 1 + 3 * (n % 4), 29), "a", "HHH-P001") for n in range(12))
    case = make_case({"a": event(quantity(0.3))}, indicators={"mood": mood}, rows=rows)
    case = case.revised(series_rows=series, settings=case.settings.model_copy(update={"period": period}))
    one, two = (
        build_record(case.revised(settings=case.settings.model_copy(update={"as_of": day + dt.timedelta(days=n)})))
        for n in (0, 1)
    )
    shared = one.timeline.complete
    np.testing.assert_array_equal(one.occurred["a"][:shared], two.occurred["a"][:shared])
    np.testing.assert_array_equal(one.exposure["a"][:shared], two.exposure["a"][:shared])
    np.testing.assert_array_equal(one.levels["mood"][:shared], two.levels["mood"][:shared])
    assert one.years[:shared].tolist() == two.years[:shared].tolist()
    ahead = [record.timeline.cells(12 if period != "week" else 52) for record in (one, two)]
    common = set(ahead[0].last[1:-1]) & set(ahead[1].last[1:-1])
    assert len(common) >= len(ahead[0]) - 4
    days = [sum((b - a).days + 1 for a, b in zip(cells.first, cells.last, strict=True)) for cells in ahead]
    assert abs(days[0] - days[1]) <= 3
