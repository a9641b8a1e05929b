"""What acts now: sizes, levels and base rates against closed forms, and records of what is remembered."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import numpy as np
import pytest

import riskcast
from riskcast.case.model import Case
from riskcast.errors import UnknownNameError
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity

DRAWS = 200
# As of 2020-12-31: one period before the last.
DAY = dt.date(2020, 11, 20)


def known_case() -> Case:
    """Fixed quantities only: an indicator of the host, one of each dyad, a spark of one dyad that others see too."""
    indicators = {
        "mood": indicator(now=quantity(1.5)),
        "trade": indicator(
            scope="dyad",
            scale="log",
            reference=10.0,
            step=2.0,
            now={"HHH-P001": quantity(40.0), "HHH-P002": quantity(10.0)},
        ),
    }
    effects = [
        edge("mood", "a", quantity(2.0)),
        edge("trade", "a", quantity(0.5)),
        edge("spark", "a", quantity(4.0), whose="own", memory="fast", acts="next"),
        edge("spark", "a", quantity(3.0), whose="others", memory="fast", acts="next", path="spillover"),
        edge("mood", "decree", quantity(3.0)),
    ]
    events = {
        "spark": event(quantity(0.01), kind="trigger"),
        "a": event(quantity(0.3)),
        "decree": event(quantity(0.2), scope="host"),
    }
    return make_case(events, effects, indicators, partners=2, rows=(event_row(DAY, "spark", "HHH-P001"),))


@pytest.fixture(scope="module")
def ahead() -> riskcast.Forecast:
    return riskcast.forecast(riskcast.fit(known_case(), draws=DRAWS, prior_only=True))


def test_effects_have_the_size_that_ratio_and_level_give_them(ahead: riskcast.Forecast) -> None:
    memory = math.log2(1.0 + 2.0 ** (-1.0 / 3.0))
    own = {(one.source, one.path): one for one in riskcast.acting(ahead, "HHH-P001").on("a")}
    assert own["mood", ""].steps == pytest.approx(1.5)
    assert own["mood", ""].now.median == pytest.approx(2.0**1.5)
    assert own["trade", ""].steps == pytest.approx(2.0)
    assert own["trade", ""].now.median == pytest.approx(0.25)
    assert own["spark", ""].steps == pytest.approx(memory, rel=1e-6)
    assert own["spark", ""].now.median == pytest.approx(4.0**memory, rel=1e-6)
    assert own["spark", "spillover"].now.median == 1.0
    other = {(one.source, one.path): one for one in riskcast.acting(ahead, "HHH-P002").on("a")}
    assert other["trade", ""].now.median == pytest.approx(1.0)
    assert other["spark", ""].now.median == 1.0
    assert other["spark", "spillover"].now.median == pytest.approx(3.0**memory, rel=1e-6)
    assert all(one.moved.verdict == "fixed" for one in (*own.values(), *other.values()))
    for one in own.values():
        assert one.now.low == pytest.approx(one.now.high) == pytest.approx(one.now.median)


def test_what_acts_most_comes_first_and_a_host_s_events_belong_to_every_dyad(ahead: riskcast.Forecast) -> None:
    now = riskcast.acting(ahead, "HHH-P001")
    sizes = [abs(math.log(one.now.median)) for one in now]
    assert sizes == sorted(sizes, reverse=True)
    assert [one.unit for one in now.on("decree")] == ["HHH"]
    assert {one.target for one in now.of("mood")} == {"a", "decree"}
    assert {one.unit for one in riskcast.acting(ahead, "HHH")} == {"HHH"}
    assert list(riskcast.acting(ahead, "HHH-P001", "a")) == list(now.on("a"))


def test_all_units_at_once_are_those_one_by_one(ahead: riskcast.Forecast) -> None:
    every = {(one.unit, one.key): one for one in riskcast.acting(ahead)}
    each = [one for unit in ("HHH-P001", "HHH-P002", "HHH") for one in riskcast.acting(ahead, unit)]
    assert {(one.unit, one.key): one for one in each} == every
    frame = riskcast.acting(ahead).to_frame()
    assert len(frame) == len(every)
    assert set(frame["moved"]) == {"fixed"}


def test_results_of_today_are_tables_for_notebooks(ahead: riskcast.Forecast) -> None:
    for shown in (riskcast.acting(ahead, "HHH-P001"), riskcast.levels_today(ahead, "HHH-P001")):
        assert "<table" in shown._repr_html_()
        assert "\n" not in repr(shown)
        assert "case" in repr(shown)


def test_levels_of_today_are_in_steps_and_in_their_own_measure(ahead: riskcast.Forecast) -> None:
    levels = riskcast.levels_today(ahead, "HHH-P001").levels
    assert (levels["trade"].unit, levels["mood"].unit) == ("HHH-P001", "HHH")
    assert levels["trade"].steps == pytest.approx(2.0)
    assert list(levels["trade"].level) == pytest.approx([40.0, 40.0, 40.0])
    frame = riskcast.levels_today(ahead, "HHH-P002").to_frame().set_index("indicator")
    assert frame.loc["trade", "level"] == pytest.approx(10.0)


def test_a_base_rate_that_is_held_fixed_stays(ahead: riskcast.Forecast) -> None:
    rate = riskcast.base_rate_after(ahead.posterior, "a", "HHH-P001")
    assert list(rate.posterior) == pytest.approx([0.3, 0.3, 0.3])
    assert list(rate.prior) == [0.3, 0.3, 0.3]
    assert (rate.apart, rate.year, rate.year_factor) == (pytest.approx(1.0), 2020, pytest.approx(1.0))
    assert riskcast.base_rate_after(ahead.posterior, "decree", "HHH").apart is None


@pytest.mark.parametrize(
    ("after", "verdict", "much"),
    [
        ((0.1, 0.5), "hardly", False),
        ((0.1, 0.3), "narrowed", False),
        ((0.3, 0.3), "raised", False),
        ((-0.3, 0.5), "lowered", False),
        ((0.6, 0.2), "raised", True),
        ((-0.6, 0.2), "lowered", True),
    ],
)
def test_whether_the_record_moved_a_prior(after: tuple[float, float], verdict: str, much: bool) -> None:
    moved = riskcast.moved_by_record(0.0, 0.5, *after)
    assert (moved.verdict, moved.is_much) == (verdict, much)
    assert moved.shift == pytest.approx(after[0] / 0.5)
    assert riskcast.moved_by_record(0.0, 0.0, *after).verdict == "fixed"


def test_names_that_are_not_there_are_told(ahead: riskcast.Forecast) -> None:
    for ask in (
        lambda: riskcast.acting(ahead, "HHH-P003"),
        lambda: riskcast.acting(ahead, "HHH-P001", "b"),
        lambda: riskcast.levels_today(ahead, "HHH"),
        lambda: riskcast.base_rate_after(ahead.posterior, "b"),
        lambda: riskcast.base_rate_after(ahead.posterior, "a", "HHH"),
        lambda: riskcast.past_rates(ahead, "HHH"),
        lambda: riskcast.remembered_events(ahead.posterior, "HHH"),
    ):
        with pytest.raises(UnknownNameError):
            ask()


def test_events_that_read_alike_keep_their_own_rows() -> None:
    case = known_case()
    twins = (event_row(DAY, "spark", "HHH-P001"), event_row(DAY, "spark", "HHH-P002"))
    case = case.revised(event_rows=twins)
    past = riskcast.remembered_events(riskcast.fit(case, draws=DRAWS, prior_only=True), "HHH-P001")
    assert {one.unit: one.row for one in past} == {twin.dyad: twin for twin in twins}
    assert {one.unit: one.is_own for one in past} == {"HHH-P001": True, "HHH-P002": False}
    assert [one.unit for one in past.by(["spark->a"])] == ["HHH-P001"]
    assert [one.unit for one in past.by(["spark->a/spillover"])] == ["HHH-P002"]
    assert past.by(()) == ()
    assert past.to_frame()["unit"].tolist() == [one.unit for one in past]


def test_events_of_one_day_stay_several() -> None:
    case = known_case()
    alike = [event_row(DAY, "spark", "HHH-P001")] * 2
    past = riskcast.remembered_events(
        riskcast.fit(case.revised(event_rows=alike), draws=DRAWS, prior_only=True), "HHH-P001"
    )
    assert [one.when for one in past] == ["2020-11-20"] * 2


def test_the_record_alone_counts_and_rates_each_event_type(ahead: riskcast.Forecast) -> None:
    rates = {rate.event: rate for rate in riskcast.past_rates(ahead, "HHH-P001")}
    record = ahead.posterior.record
    assert (rates["spark"].unit, rates["spark"].recorded) == ("HHH-P001", 1)
    assert (rates["decree"].unit, rates["decree"].recorded) == ("HHH", 0)
    own = riskcast.dyad_rate(record.occurred["spark"], record.at_risk["spark"], ahead.horizon)
    assert rates["spark"].own == own[0]
    assert rates["spark"].pooled == pytest.approx(1.5 / 13)


def test_periods_of_the_horizon_follow_one_another(ahead: riskcast.Forecast) -> None:
    days = [ahead.days_of(period) for period in range(1, ahead.horizon + 1)]
    assert (days[0][0], days[-1][1]) == ahead.window
    assert all(after[0] - before[1] == dt.timedelta(days=1) for before, after in itertools.pairwise(days))


def test_a_posterior_knows_what_its_record_holds(ahead: riskcast.Forecast) -> None:
    assert ahead.posterior.holds("spark", "HHH-P001", dt.date(2020, 11, 3))
    assert not ahead.posterior.holds("spark", "HHH-P002", DAY)
    assert not ahead.posterior.holds("spark", "HHH-P001", dt.date(2020, 12, 3))


def test_a_type_whose_label_holds_a_colon_is_remembered_from_a_panel() -> None:
    from tests.support.smallpanel import panel_case

    case = panel_case()
    clash = case.events["clash"].model_copy(update={"label": "Clash: at the border"})
    case = case.revised(events={**case.events, "clash": clash})
    past = riskcast.remembered_events(riskcast.fit(case, draws=100, allow_unreliable=True), "AAA-BBB", least=0.0)
    told = {str(one) for one in past if one.type == "clash"}
    assert "BBB-CCC: Clash: at the border." in told
    assert all(one.row is None and one.label == case.events[one.type].label for one in past)
    assert all(np.isfinite(one.share) for one in past)
