"""What `check` reports about a valid case."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pytest

from riskcast import load_case, report_coverage
from riskcast.verification.coverage import _compare, check_priors, find_unused
from tests.support.cases import edge, event, event_row, make_case, quantity
from tests.support.smallcase import write_files, write_level_files
from tests.support.smallpanel import table, write_panel_case


def test_months_pooled_into_one_row_are_still_counted_one_by_one() -> None:
    case = make_case({"a": event(quantity(0.9999999))}, partners=1, years=5)
    (check,) = check_priors(case, draws=500, seed=1)
    rate = -math.log(1e-7) / 12
    expected = 60 * (1 - math.exp(-rate))
    assert abs(check.median - expected) < 3


def test_a_record_far_from_its_priors_is_a_conflict() -> None:
    rows = tuple(event_row(dt.date(2016 + k // 12, k % 12 + 1, 10), "a", "HHH-P001") for k in range(0, 48, 2))
    case = make_case({"a": event(quantity(0.02, 0.005, 0.08))}, partners=1, years=6, rows=rows)
    (check,) = check_priors(case, draws=500, seed=1)
    assert check.recorded == 24
    assert check.verdict == "conflict: far more than expected"


def test_what_nothing_uses_is_named() -> None:
    spark = event(quantity(0.2), kind="trigger")
    assert find_unused(make_case({"a": event(quantity(0.2)), "spark": spark})) == (
        "memories.fast",
        "outcomes.spark (a trigger that drives nothing)",
    )


def test_priors_that_expect_twice_the_record_are_told_with_both_numbers() -> None:
    often = event(quantity(0.9, 0.8, 0.95))
    rows = tuple(event_row(dt.date(2016 + k, 3, 10), "a", "HHH-P001") for k in range(4))
    case = make_case({"a": often, "b": often | {"label": "Other"}}, partners=1, years=6, rows=rows)
    report = report_coverage(case, draws=500)
    found = [doubt for doubt in report.told if doubt.judgement == "priors-exceed-record"]
    assert [doubt.quantity for doubt in found] == ["outcomes.a.base_rate", "outcomes.b.base_rate", ""]
    assert "where the record holds 4" in found[0].wrong
    assert "where the record holds 0" in found[1].wrong
    assert "all event types together" in found[2].wrong
    assert f"expect {report.jointly.median:.0f} " in found[2].wrong
    accepting = case.revised(settings=case.settings.model_copy(update={"allow": ("priors-exceed-record",)}))
    assert not report_coverage(accepting, draws=500).told


def test_priors_are_judged_jointly_where_each_alone_agrees() -> None:
    # Eight types that each expect a little more than they have.
    events = {f"e{k}": event(quantity(0.25, 0.1, 0.5), label=f"Event {k}") for k in range(8)}
    rows = tuple(event_row(dt.date(2017, 3, 10), name, "HHH-P001") for name in events)
    report = report_coverage(make_case(events, partners=2, years=6, rows=rows), draws=2000)
    assert all(check.tail > 0.1 for check in report.priors)
    assert report.jointly.recorded == 8
    assert report.jointly.tail < 0.1
    assert report.jointly.median > sum(check.median for check in report.priors) * 0.9
    assert any(doubt.judgement == "priors-exceed-record" and not doubt.quantity for doubt in report.told)


def test_joint_counts_have_the_mean_and_spread_of_independent_ones() -> None:
    events = {"a": event(quantity(0.3)), "b": event(quantity(0.5), label="Other")}
    report = report_coverage(make_case(events, partners=3, years=10), draws=4000)
    chances = [1 - (1 - p) ** (1 / 12) for p in (0.3, 0.5)]
    mean = sum(360 * chance for chance in chances)
    sd = np.sqrt(sum(360 * chance * (1 - chance) for chance in chances))
    assert report.jointly.median == pytest.approx(mean, abs=1.5)
    assert report.jointly.high - report.jointly.low == pytest.approx(2 * 1.645 * sd, rel=0.1)


def test_priors_that_the_record_bears_out_are_not_told() -> None:
    rows = tuple(event_row(dt.date(2016 + k, 3, 10), "a", "HHH-P001") for k in range(4))
    report = report_coverage(
        make_case({"a": event(quantity(0.5, 0.3, 0.7))}, partners=1, years=6, rows=rows), draws=500
    )
    assert not [doubt for doubt in report.told if doubt.judgement == "priors-exceed-record"]


def test_priors_that_were_drawn_from_the_record_do_not_agree_with_it() -> None:
    rows = tuple(event_row(dt.date(2016 + k, 3, 10), "a", "HHH-P001") for k in range(4))
    seen = {"evidence": {"basis": "record", "claim": "Four in six years.", "sources": ["record"]}}
    base = quantity(0.5, 0.3, 0.7)

    def checked(base: dict[str, object], ratio: dict[str, object]) -> tuple[str, str]:
        events = {"a": event(base), "b": event(quantity(0.3, 0.2, 0.5), kind="trigger", label="Other")}
        case = make_case(
            events, [edge("b", "a", ratio, whose="own", memory="fast", acts="same")], partners=1, years=6, rows=rows
        )
        report = report_coverage(case, draws=500)
        return report.priors[0].verdict, " ".join(report.drawn)

    ratio = quantity(1.2, 1.0, 1.5)
    assert checked(base, ratio) == ("agree", "")
    assert checked(base | seen, ratio) == ("drawn from it", "outcomes.a.base_rate")
    assert checked(base, ratio | seen) == ("partly drawn from it", "effects.b->a")
    # What is far off is told whatever it rests on.
    assert checked(quantity(0.9999, 0.999, 0.99999) | seen, ratio)[0] == "conflict: far fewer than expected"


def test_years_are_held_against_what_all_priors_expect_of_them() -> None:
    events = {"a": event(quantity(0.3)), "b": event(quantity(0.5), label="Other")}
    rows = tuple(event_row(dt.date(2016, month, 10), "a", "HHH-P001") for month in range(1, 11))
    busiest, quiet = report_coverage(make_case(events, partners=3, years=5, rows=rows), draws=4000).by_year
    assert (busiest.recorded, quiet.recorded) == (10, pytest.approx(14 / 15))
    # Closed forms: no event of either type in a year of a pair; the largest of five binomial sums.
    assert quiet.median == pytest.approx(0.7 * 0.5, abs=1 / 15)
    chances = np.repeat([1 - (1 - p) ** (1 / 12) for p in (0.3, 0.5)], 36)
    whole = np.ones(1)
    for chance in chances:
        whole = np.convolve(whole, [1 - chance, chance])
    below = np.cumsum(whole) ** 5
    assert busiest.median == np.searchsorted(below, 0.5)
    assert busiest.high == pytest.approx(np.searchsorted(below, 0.95), abs=1)
    assert (busiest.verdict, quiet.verdict) == ("conflict: far more than expected",) * 2


def test_what_shares_do_not_fit_into_memory_is_left_out() -> None:
    case = make_case({"a": event(quantity(0.3))}, partners=3, years=5)
    checks = _compare(case, 500, 1, cells=500)[2]
    assert [check.measure for check in checks] == ["busiest"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_cells_that_are_held_over_are_no_data(suffix: str, tmp_path: Path) -> None:
    rows = table()
    late = rows["period"].astype(int) > 2005
    rows.loc[late, "mood"] = np.nan
    treated = ("indicators.yaml", "  bounds: [0, 100]\n", "  bounds: [0, 100]\n  missing: [hold, reference]\n")
    case = load_case(write_panel_case(tmp_path, rows, suffix=suffix, edits=(treated,)))
    mood, trade = (
        next(one for one in report_coverage(case, draws=50).series if one.indicator == name)
        for name in ("mood", "trade")
    )
    assert (mood.values, mood.filled, mood.first, mood.last) == ((~late).sum(), late.sum(), 2001, 2005)
    assert mood.share == pytest.approx((~late).mean())
    assert (trade.values, trade.filled, trade.share) == (len(rows), 0, 1.0)
    # What is known on an earlier day is told apart likewise.
    assert case.panel is not None
    until = case.panel.until(2006, covariates_ahead=False)
    assert until.given("mood").sum() == (~late).sum()
    assert len(until) == (rows["period"].astype(int) <= 2006).sum()


def test_what_tension_and_own_half_lives_replace_is_unused() -> None:
    case = make_case(
        {
            "a": event(quantity(0.2), half_life={"fast": quantity(2.0)}, sd_time=quantity(0.3)),
            "b": event(quantity(0.2)),
        },
        [edge("a", "a", quantity(2.0), whose="own", memory="fast", acts="next")],
    )
    assert find_unused(case) == ("memories.fast.half_life",)
    tension = {"period": "quarter", "loading": quantity(0.5), "persistence": quantity(0.9)}
    restless = case.revised(settings={**case.settings.model_dump(), "tension": tension})
    shocks = ("hyperpriors.sd_time", "hyperpriors.persistence", "outcomes.a.sd_time")
    assert find_unused(restless) == ("memories.fast.half_life", *shocks)


def test_a_series_of_which_no_value_is_known_is_unused(tmp_path: Path) -> None:
    case = load_case(write_level_files(tmp_path / "both"))
    assert find_unused(case) == find_unused(load_case(write_files(tmp_path / "plain")))
    alone = [row for row in case.series_rows if row.series != "two"]
    unused = set(find_unused(case.revised(series_rows=tuple(alone)))) - set(find_unused(case))
    assert unused == {"indicators.mood.series.two (no value is of it)"}
