"""Levels of today and of the past that are inferred from dated values, and stated ones that age."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import riskcast
from riskcast import apply_overlay, case_as_of, fit, load_case, write_case
from riskcast.case.model import Case, SeriesRow
from riskcast.case.nowcast import infer_steps
from riskcast.case.quantities import Z90
from riskcast.errors import CaseError
from riskcast.forecasting.futures import draw_chance
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.work_arrays import Block
from riskcast.record.arrays import build_record
from tests.forecasting.test_parents import BASELINE
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity
from tests.support.smallcase import FILES, write_files, write_level_files

YEAR = 365.2425
LAST = dt.date(2020, 12, 31)


def value(
    day: dt.date, level: float, half: float, series: str | None = None, published: dt.date | None = None
) -> SeriesRow:
    return SeriesRow(
        indicator="mood",
        unit="HHH",
        date=day,
        value=level,
        low=level - half,
        high=level + half,
        published=published or day,
        sources=(),
        status="judgement",
        series=series,
    )


ROWS = (
    value(dt.date(2016, 3, 1), 1.0, 0.8),
    value(dt.date(2018, 7, 1), -0.5, 1.6),
    value(dt.date(2020, 2, 1), 2.0, 0.5),
)


def inferred(rows: tuple[SeriesRow, ...] = ROWS, events: tuple = (), **changes: Any) -> Case:
    plain = indicator(history="series", drift=quantity(0.6, 0.3, 1.2), now=None, **changes)
    effects = [edge("mood", "protest", quantity(1.5, 1.1, 2.0))]
    return make_case(
        {"protest": event(quantity(0.4)), "spark": event(quantity(0.3), kind="trigger")},
        effects,
        {"mood": plain},
        partners=2,
        rows=events,
    ).revised(series_rows=rows)


def years(day: dt.date) -> float:
    return (day - dt.date(2016, 3, 1)).days / YEAR


def by_hand(times: list[float], seen: list[tuple[float, float, float]], drift: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation at some times of a walk of which nothing was known before its first value."""
    every = np.array([*times, *(at for at, _, _ in seen)])
    cov = 50.0**2 + drift**2 * np.minimum.outer(every, every)
    error = np.diag([sd**2 for _, _, sd in seen])
    known, here = slice(len(times), None), slice(0, len(times))
    gain = cov[here, known] @ np.linalg.inv(cov[known, known] + error)
    mean = gain @ np.array([own for _, own, _ in seen])
    return mean, np.sqrt(np.diag(cov[here, here] - gain @ cov[known, here]))


SEEN = [(years(row.date), row.value, (row.high - row.low) / (2 * Z90)) for row in ROWS]


def test_todays_level_is_that_of_a_walk_seen_with_errors() -> None:
    case = inferred()
    mean, sd = (float(one[0]) for one in by_hand([years(LAST)], SEEN, 0.6))
    assert infer_steps(case, "mood", "HHH") == pytest.approx((mean, sd), rel=1e-6)
    now = case.now_of("mood", "HHH")
    # In few digits, which are the ones that are used.
    assert now.center == pytest.approx(mean, abs=0.05 * sd)
    assert now.range == pytest.approx((mean - Z90 * sd, mean + Z90 * sd), abs=0.05 * sd)
    assert all(len(f"{number:g}") <= 5 for number in (now.center, *now.range))
    assert ("indicators.mood.now", now) in [(key, told) for key, told, _ in case.quantities()]
    assert now.evidence is not None
    assert "3 dated values, the last of 2020-02-01" in now.evidence.claim
    drawn = plan_simulation(fit(case, draws=4000, prior_only=True), 3, 1).today["mood"][:, 0]
    assert drawn.mean() == pytest.approx(mean, abs=5 * sd / math.sqrt(4000))
    assert drawn.std() == pytest.approx(sd, rel=0.06)


def test_the_longer_ago_a_value_the_less_is_known_today() -> None:
    earlier = case_as_of(inferred(), dt.date(2020, 3, 1))
    assert infer_steps(inferred(), "mood", "HHH")[1] > 1.3 * infer_steps(earlier, "mood", "HHH")[1]


def test_past_levels_are_the_smoothed_means_and_know_no_level_of_today() -> None:
    case = inferred()
    levels = build_record(case).levels["mood"][:, 0]
    days = [dt.date(2018, 3, 1) + dt.timedelta(days=n) for n in range(31)]
    mean, _ = by_hand([years(day) for day in days], SEEN, 0.6)
    assert levels[12 * 3 + 2] == pytest.approx(mean.mean(), rel=1e-5)
    # Not the values themselves.
    assert abs(levels[12 * 3 + 6] - -0.5) > 0.2
    told = apply_overlay(case, {"indicators.mood.now": quantity(9.0, 8.0, 10.0)})
    assert told.now_of("mood", "HHH").center == 9.0
    np.testing.assert_array_equal(build_record(told).levels["mood"][:, 0], levels)
    by_file = case.revised(
        indicators={
            "mood": {**case.indicators["mood"].model_dump(), "now": quantity(9.0, 8.0, 10.0), "past": "smoothed"}
        }
    )
    assert told.hash == by_file.hash


def test_a_series_on_another_question_counts_by_its_offset_and_scale() -> None:
    rows = (
        value(dt.date(2016, 3, 1), 1.0, 0.8, "plain"),
        value(dt.date(2018, 7, 1), 3.1, 1.6, "other"),
        value(dt.date(2020, 2, 1), 4.4, 0.5, "other"),
    )
    series = {
        "plain": {"label": "Plain"},
        "other": {"label": "Other", "offset": quantity(2.0, 1.0, 3.0), "scale": quantity(1.5), "error": 0.7},
    }
    case = inferred(rows, series=series)
    times = np.array([years(LAST), *(years(row.date) for row in rows)])
    cov = 2500.0 + 0.36 * np.minimum.outer(times, times)
    scale, offset = np.array([1.0, 1.5, 1.5]), np.array([0.0, 1.0, 1.0])
    spread = np.outer(scale, scale) * cov[1:, 1:] + (1.0 / Z90) ** 2 * np.outer(offset, offset)
    spread += np.diag([(0.8 / Z90) ** 2, (1.6 / Z90) ** 2 + 0.49, (0.5 / Z90) ** 2 + 0.49])
    gain = (scale * cov[0, 1:]) @ np.linalg.inv(spread)
    mean = gain @ (np.array([row.value for row in rows]) - 2.0 * offset)
    sd = math.sqrt(cov[0, 0] - gain @ (scale * cov[0, 1:]))
    assert infer_steps(case, "mood", "HHH") == pytest.approx((mean, sd), rel=1e-6)
    known = {key: told for key, told, _ in case.quantities()}
    assert known["indicators.mood.series.other.offset"].center == 2.0
    assert riskcast.name_quantity(case, "indicators.mood.series.other.scale").label == "Indicator: scale of Other"
    higher = apply_overlay(case, {"indicators.mood.series.other.offset": quantity(3.0, 2.0, 4.0)})
    assert infer_steps(higher, "mood", "HHH")[0] < mean - 0.2


def test_a_level_that_goes_back_to_its_reference_forgets_old_values() -> None:
    drift, half_life = 0.6, 0.8
    case = inferred(reversion=quantity(half_life))
    lasting = drift**2 * half_life / (2 * math.log(2))
    times = np.array([years(LAST), *(years(row.date) for row in ROWS)])
    cov = lasting * 2.0 ** (-np.abs(np.subtract.outer(times, times)) / half_life)
    spread = cov[1:, 1:] + np.diag([sd**2 for _, _, sd in SEEN])
    gain = cov[0, 1:] @ np.linalg.inv(spread)
    mean, sd = gain @ np.array([row.value for row in ROWS]), math.sqrt(cov[0, 0] - gain @ cov[0, 1:])
    assert infer_steps(case, "mood", "HHH") == pytest.approx((mean, sd), rel=1e-6)
    # Ahead it goes on going back.
    plan = plan_simulation(fit(case, draws=100, prior_only=True), 12, 1)
    paths = 40_000
    level = draw_chance(plan, BASELINE, Block(np.zeros(paths, dtype=int), 0)).levels["mood"][-1][:, 0]
    today, own = plan.today["mood"][0, 0], plan.drift["mood"][0]
    wanted = own * math.sqrt(lasting * (1 - 2.0 ** (-2 / half_life))) / drift
    assert level.mean() == pytest.approx(today * 2.0 ** (-(11.5 / 12) / half_life), abs=5 * wanted / math.sqrt(paths))
    assert level.std() == pytest.approx(wanted, rel=0.02)


def test_what_an_event_has_raised_is_known_but_for_its_size() -> None:
    """Drift aside: today is the last value and what an event after it has raised, as uncertain as both."""
    rise = {"spark": {"steps": quantity(1.0, 0.2, 1.8), "half_life": quantity(6.0), "whose": "any"}}
    rows = (value(dt.date(2020, 2, 1), 2.0, 0.5),)
    sparks = (event_row(dt.date(2020, 10, 16), "spark", "HHH-P001"),)
    left = 2.0 ** (-(12 - (9 + 15.5 / 31)) / 6.0)
    case = inferred(rows, sparks, raises=rise)
    mean, sd = infer_steps(case, "mood", "HHH")
    drifted = 0.36 * (LAST - dt.date(2020, 2, 1)).days / YEAR
    known = 1 / (1 / 2500.0 + (Z90 / 0.5) ** 2)
    assert mean == pytest.approx(2.0 + left, rel=1e-3)
    assert sd == pytest.approx(math.sqrt(known + drifted + (left * 0.8 / Z90) ** 2), rel=1e-6)
    # A value after the event has seen what it raised.
    later = (*rows, value(dt.date(2020, 10, 20), 4.0, 0.5))
    seen = inferred(later, sparks, raises=rise)
    assert infer_steps(seen, "mood", "HHH")[1] < sd
    levels = build_record(seen).levels["mood"][:, 0]
    assert levels[-2] - levels[-1] == pytest.approx(
        2.0 ** (-(1 - 15.5 / 31 + 0.5) / 6) * (1 - 2.0 ** (-1 / 6)), abs=0.02
    )


def aged(**now: Any) -> Case:
    plain = indicator(drift=quantity(0.8), now={"median": 1.0, "interval": (0.0, 1.5)} | now)
    return make_case({"a": event(quantity(0.3))}, [edge("mood", "a", quantity(1.3))], {"mood": plain})


def test_a_stated_level_ages_from_its_day_on_each_side_by_itself() -> None:
    day = dt.date(2019, 12, 31)
    level = aged(dated=day).now_of("mood", "HHH")
    drifted = Z90 * 0.8 * math.sqrt(366 / YEAR)
    assert level.center == 1.0
    assert level.range == pytest.approx((1 - math.hypot(1.0, drifted), 1 + math.hypot(0.5, drifted)), abs=0.005)
    assert aged(dated=LAST).now_of("mood", "HHH").range == (0.0, 1.5)
    assert aged().now_of("mood", "HHH").range == (0.0, 1.5)
    set_today = apply_overlay(aged(dated=day), {"indicators.mood.now": quantity(1.0, 0.5, 1.5)})
    assert set_today.now_of("mood", "HHH").range == (0.5, 1.5)


def test_a_stated_level_moves_with_what_events_have_raised_since() -> None:
    rise = {"spark": {"steps": quantity(2.0), "half_life": quantity(3.0), "whose": "any"}}
    sparks = (
        event_row(dt.date(2020, 9, 16), "spark", "HHH-P001"),
        event_row(dt.date(2020, 11, 16), "spark", "HHH-P002"),
    )
    plain = indicator(
        drift=quantity(0.0), raises=rise, now={"value": 1.0, "dated": dt.date(2020, 10, 16)}, reversion=quantity(2.0)
    )
    case = make_case(
        {"a": event(quantity(0.3)), "spark": event(quantity(0.3))},
        [edge("mood", "a", quantity(1.3))],
        {"mood": plain},
        rows=sparks,
    )

    def left(day: float, to: float) -> float:
        return 2.0 * 2.0 ** (-(to - day) / 3.0)

    first, second, day = 8 + 15.5 / 30, 10 + 15.5 / 30, 9 + 15.5 / 31
    kept = 2.0 ** (-((LAST - dt.date(2020, 10, 16)).days / YEAR) / 2.0)
    wanted = kept * (1.0 - left(first, day)) + left(first, 12) + left(second, 12)
    assert case.now_of("mood", "HHH").center == pytest.approx(wanted, rel=1e-9)


def test_a_vintage_infers_anew_and_keeps_a_stated_level_that_was_dated_by_then() -> None:
    late = value(dt.date(2020, 6, 1), 5.0, 0.5, published=dt.date(2020, 9, 1))
    case = inferred((*ROWS, late))
    then = case_as_of(case, dt.date(2020, 8, 31))
    assert then.indicators["mood"].now is None
    want = by_hand([years(dt.date(2020, 8, 31))], SEEN, 0.6)
    assert infer_steps(then, "mood", "HHH") == pytest.approx((want[0][0], want[1][0]), rel=1e-6)
    assert infer_steps(case, "mood", "HHH")[0] > 3.0
    stated = case.revised(
        indicators={
            "mood": {
                **case.indicators["mood"].model_dump(),
                "now": quantity(4.0, 3.0, 5.0) | {"dated": dt.date(2020, 8, 1)},
                "past": "smoothed",
            }
        }
    )
    assert case_as_of(stated, dt.date(2020, 8, 31)).now_of("mood", "HHH").center == 4.0
    assert case_as_of(stated, dt.date(2020, 8, 1)).now_of("mood", "HHH").range == (3.0, 5.0)
    assert case_as_of(stated, dt.date(2020, 7, 31)).indicators["mood"].now is None
    halfway = case_as_of(case_as_of(stated, dt.date(2020, 8, 31)), dt.date(2020, 7, 31))
    assert halfway.hash == case_as_of(stated, dt.date(2020, 7, 31)).hash


def test_a_stated_level_with_a_line_through_its_values_stays_where_it_is_dated(tmp_path: Path) -> None:
    text = FILES["indicators.yaml"].replace(
        "    interval: [48, 62]\n", "    interval: [48, 62]\n    dated: 2020-06-30\n"
    )
    case = load_case(write_files(tmp_path, indicators_yaml=text))
    assert case_as_of(case, dt.date(2020, 9, 30)).indicators["mood"].now_of("HHH").median == 55
    assert case_as_of(case, dt.date(2020, 6, 29)).indicators["mood"].now_of("HHH").median == 54
    plain = load_case(write_files(tmp_path / "plain"))
    then = case_as_of(case, dt.date(2019, 6, 14)).indicators["mood"]
    assert then == case_as_of(plain, dt.date(2019, 6, 14)).indicators["mood"]
    wider = case.now_of("mood", "HHH").range
    assert wider[0] < 48
    assert wider[1] > 62


def test_without_a_value_known_yet_a_level_has_drifted_from_its_reference_since_the_record_began() -> None:
    then = case_as_of(inferred(ROWS[2:]), dt.date(2019, 12, 31))
    mean, sd = infer_steps(then, "mood", "HHH")
    assert (mean, sd) == pytest.approx(
        (0.0, 0.6 * math.sqrt((dt.date(2019, 12, 31) - dt.date(2015, 1, 1)).days / YEAR))
    )


def test_a_level_that_does_not_drift_stands_where_it_was_measured_last() -> None:
    rows = (value(dt.date(2016, 3, 1), 0.0, 0.0), value(dt.date(2018, 7, 1), 1.0, 0.0))
    case = inferred(rows)
    still = apply_overlay(case, {"indicators.mood.drift": {"value": 0.0}})
    assert still.now_of("mood", "HHH").value == 1.0


def test_levels_by_dyad_can_be_set_one_by_one() -> None:
    rows = tuple(
        ROWS[0].model_copy(
            update={"indicator": "trade", "unit": dyad, "value": level, "low": level - 1, "high": level + 1}
        )
        for dyad, level in (("HHH-P001", 1.0), ("HHH-P002", 2.0))
    )
    plain = indicator(scope="dyad", history="series", drift=quantity(0.6), now=None)
    case = make_case({"a": event(quantity(0.4))}, [edge("trade", "a", quantity(1.5))], {"trade": plain}, partners=2)
    case = case.revised(series_rows=rows)
    keys = [key for key, _, _ in case.quantities() if ".now" in key]
    assert keys == ["indicators.trade.now.HHH-P001", "indicators.trade.now.HHH-P002"]
    changed = apply_overlay(case, {"indicators.trade.now.HHH-P002": {"value": 7.0}})
    assert changed.now_of("trade", "HHH-P002").center == 7.0
    assert changed.now_of("trade", "HHH-P001") == case.now_of("trade", "HHH-P001")
    (change,) = riskcast.diff(case, changed, draws=100, allow_unreliable=True).changes
    assert (change.id, change.kind) == ("indicators.trade.now", "quantity")
    again = apply_overlay(changed, {"indicators.trade.now.HHH-P002": {"value": 8.0}})
    (change,) = riskcast.diff(changed, again, draws=100, allow_unreliable=True).changes
    assert change.id == "indicators.trade.now.HHH-P002"


@pytest.mark.parametrize("stated", [False, True])
def test_a_case_with_every_key_of_levels_is_written_and_read_back(stated: bool, tmp_path: Path) -> None:
    case = load_case(write_level_files(tmp_path / "first", stated=stated))
    assert len(case.series_rows) == 3
    write_case(case, tmp_path / "again")
    assert load_case(tmp_path / "again").hash == case.hash
    assert {key for key, _, _ in case.quantities() if key.startswith("indicators.mood")} == {
        "indicators.mood.now",
        "indicators.mood.drift",
        "indicators.mood.reversion",
        "indicators.mood.raises.spark.steps",
        "indicators.mood.raises.spark.half_life",
        "indicators.mood.series.two.offset",
        "indicators.mood.series.two.scale",
    }
    for key, told, _ in case.quantities():
        changed = apply_overlay(case, {key: {"value": told.center * 0.9}})
        assert changed.hash != case.hash
        assert riskcast.name_quantity(case, key).unit


SERIES = "indicator,unit,date,value,low,high,published,sources,status,series\n"
OTHER = "{label: Other, offset: {median: -2, interval: [-5, 1], evidence: {basis: judgement, claim: Judged.}}}"


@pytest.mark.parametrize(
    ("key", "rows", "told"),
    [
        (
            "{one: {label: One}, two: {label: Two}}",
            "one two",
            "series.two: measures the same as one, without an offset",
        ),
        (f"{{one: {{label: One}}, two: {OTHER}}}", "one two", "HHH has one value of two, which says nothing; narrow"),
        ("{one: {label: One}}", "one tow", "'tow' is not a series of mood"),
        ("{one: {label: One}}", "one -", "series: is empty, but mood has several; name one of one"),
    ],
)
def test_series_that_say_nothing_are_refused(key: str, rows: str, told: str, tmp_path: Path) -> None:
    text = FILES["indicators.yaml"].replace("  history: series\n", f"  history: series\n  series: {key}\n")
    lines = [
        f"mood,HHH,201{8 + n}-01-31,50,48,53,201{8 + n}-03-01,,judgement,{one.strip('-')}\n"
        for n, one in enumerate(rows.split())
    ]
    with pytest.raises(CaseError) as refused:
        load_case(write_files(tmp_path, indicators_yaml=text, history_indicators_csv=SERIES + "".join(lines)))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "    interval: [48, 62]\n",
            "    interval: [48, 62]\n    dated: 2021-01-01\n",
            "now.dated: is 2021-01-01, after as_of",
        ),
        (
            "  history: reference\n",
            "  history: reference\n  past: smoothed\n",
            "has `past:` but no history of dated values",
        ),
        (
            "  bounds: [0, 100]\n",
            "  reversion: {value: 0, evidence: {basis: judgement, claim: J.}}\n",
            "reversion.value: 0 must be above 0",
        ),
    ],
)
def test_keys_that_make_no_sense_are_refused(old: str, new: str, told: str, tmp_path: Path) -> None:
    text = FILES["indicators.yaml"].replace(old, new, 1)
    with pytest.raises(CaseError) as refused:
        load_case(write_files(tmp_path, indicators_yaml=text))
    assert told in str(refused.value)


@pytest.mark.parametrize("stated", [False, True])
@pytest.mark.parametrize(
    ("key", "told"),
    [
        (
            "raises: {spark: {whose: any, steps: {median: 1, interval: [0.9, 9], WHY}, half_life: {value: 2, WHY}}}",
            "6.7 times",
        ),
        ("raises: {spark: {whose: any, steps: {value: 1, WHY}, half_life: {value: 0, WHY}}}", "0 must be above 0"),
        ("series: {one: {label: One, offset: {median: 0, interval: [-1, 99], WHY}}}", "6.7 times"),
        ("series: {one: {label: One, scale: {value: -1, WHY}}}", "-1 must be above 0"),
    ],
)
def test_numbers_that_no_level_can_come_from_are_told_where_they_stand(
    key: str, told: str, stated: bool, tmp_path: Path
) -> None:
    text = FILES["indicators.yaml"].replace("  bounds: [0, 100]\n", f"  bounds: [0, 100]\n  {key}\n", 1)
    text = text.replace("WHY", "evidence: {basis: judgement, claim: J.}")
    if stated:
        text = text.replace("    interval: [48, 62]\n", "    interval: [48, 62]\n    dated: 2019-06-30\n", 1)
    else:
        text = text[: text.index("  now:\n")] + text[text.index("  drift:") :]
    series = FILES["history/indicators.csv"]
    if "series:" in key:
        series = "".join(f"{line},{'one' if n else 'series'}\n" for n, line in enumerate(series.splitlines()))
    with pytest.raises(CaseError) as refused:
        load_case(write_files(tmp_path, indicators_yaml=text, history_indicators_csv=series))
    assert told in str(refused.value)


def test_a_case_without_the_new_keys_says_none_of_them(tmp_path: Path) -> None:
    case = load_case(write_files(tmp_path))
    plain = case.model_dump(mode="json")
    assert not {"raises", "reversion", "series", "past"} & set(plain["indicators"]["mood"])
    assert "dated" not in plain["indicators"]["mood"]["now"]
    assert "series" not in plain["series_rows"][0]
