"""Whole cases: every quantity is used as it was said, today, on an earlier day, after an overlay, and in a forecast."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from riskcast import CaseError, acting, apply_overlay, case_as_of, fit, forecast, list_cases, load_case
from riskcast.case.checks import find_problems
from riskcast.case.model import Case, SeriesRow
from riskcast.case.quantities import Z90, elicit
from riskcast.forecasting.plan import plan_simulation
from tests.support import smallcase
from tests.support.cases import edge, event, indicator, make_case, quantity

ENDS = np.array([-Z90, 0.0, Z90])


def off(case: Case) -> dict[str, float]:
    """By how much of its width each uncertain quantity is used otherwise than it was said."""
    found = {}
    for key, given_, link in case.quantities():
        if not given_.is_fixed:
            low, high = given_.range
            used = elicit(given_, link).quantile(ENDS)
            found[key] = float(np.abs(used - [low, given_.center, high]).max() / (high - low))
    return found


@pytest.mark.parametrize("name", list_cases())
def test_no_quantity_of_a_bundled_case_is_used_otherwise_than_it_was_said(name: str) -> None:
    found = off(load_case(name))
    assert len(found) > 100
    assert max(found.values()) < 1e-6


@pytest.mark.parametrize("name", list_cases())
@pytest.mark.parametrize("day", [dt.date(2012, 5, 6), dt.date(2019, 12, 31), dt.date(2024, 5, 1)])
def test_neither_is_one_of_a_case_as_of_an_earlier_day(name: str, day: dt.date) -> None:
    case = case_as_of(load_case(name), day)
    assert max(off(case).values()) < 1e-6
    assert not [problem for problem in find_problems(case) if "bounds" in problem.wrong]


def test_the_simulation_starts_from_what_was_said_of_today() -> None:
    levels = {
        "even": quantity(5.0, 3.0, 7.0),
        "lopsided": quantity(2.0, 1.5, 6.0),
        "at_its_bound": quantity(1.0, 0.0, 2.5),
        "far": quantity(40.0, 10.0, 60.0),
    }
    indicators = {
        name: indicator(now=now, bounds=None if name == "far" else (0.0, 10.0), drift=quantity(0.5, 0.1, 0.9))
        for name, now in levels.items()
    }
    indicators["even"]["parents"] = {"far": quantity(0.2, 0.1, 0.6)}
    case = make_case({"a": event(quantity(0.3))}, [edge("even", "a", quantity(1.2, 1.1, 1.9))], indicators)
    draws = 20_000
    plan = plan_simulation(fit(case, draws=draws, seed=1), horizon=3, seed=1)

    def below(values: np.ndarray, said: dict) -> list[float]:
        low, high = said["interval"]
        return [float((values <= end).mean()) for end in (low, said["median"], high)]

    error = 5 * np.sqrt(0.25 / draws)
    for name, said in levels.items():
        reached = case.indicators[name].level(plan.today[name][:, 0])
        np.testing.assert_allclose(below(reached, said), [0.05, 0.5, 0.95], atol=error, err_msg=name)
        if name != "even":
            np.testing.assert_allclose(below(plan.drift[name], quantity(0.5, 0.1, 0.9)), [0.05, 0.5, 0.95], atol=error)
    # What was said of its drift holds of all of it, that of its parent included, where that is not more.
    total = np.hypot(plan.drift["even"], plan.passed_on["even", "far"] * plan.drift["far"])[plan.drift["even"] > 0]
    assert below(total, quantity(0.5, 0.1, 0.9))[1] == pytest.approx(0.5, abs=0.06)
    passed_on = plan.passed_on["even", "far"]
    np.testing.assert_allclose(below(passed_on, quantity(0.2, 0.1, 0.6)), [0.05, 0.5, 0.95], atol=error)


def test_what_acts_is_told_with_the_ratio_that_was_said() -> None:
    case = load_case("central_asia_2024")
    now = acting(forecast(fit(case, draws=200, seed=1), horizon=2))
    said = {effect.quantity_id: effect.rate_ratio for effect in case.effects}
    assert now.effects
    for effect in now.effects:
        assert tuple(effect.prior) == (said[effect.key].center, *said[effect.key].range)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "median as an end": ({"median": 55.0, "interval": [55.0, 60.0]}, "low end 55 is the median itself"),
    "beyond its bounds": ({"median": 55.0, "interval": [48.0, 120.0]}, "leaves the bounds 0..100 (points)"),
    "lopsided": ({"median": 55.0, "interval": [54.0, 99.0]}, "reaches 109 times as far above the median 55 as below"),
}
MENDS = {
    "median as an end": "move the end or the median",
    "beyond its bounds": "give numbers from 0 to 100",
    "lopsided": "give a low end of at most 38.8, or a high end of at most 61.6",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_case_and_an_overlay_with_an_interval_that_no_prior_has_are_refused_with_the_mend(
    name: str, tmp_path: Path
) -> None:
    plain, wrong = REFUSED[name]
    low, high = plain["interval"]
    text = smallcase.INDICATORS.replace("interval: [48, 62]", f"interval: [{low}, {high}]")
    assert text != smallcase.INDICATORS
    with pytest.raises(CaseError) as told:
        load_case(smallcase.write_files(tmp_path / "wrong", indicators_yaml=text))
    assert "indicators.yaml:" in str(told.value)
    assert "mood.now" in str(told.value)
    assert wrong in str(told.value)
    assert MENDS[name] in str(told.value)
    case = load_case(smallcase.write_files(tmp_path / "right"))
    with pytest.raises(CaseError) as told:
        apply_overlay(case, {"indicators.mood.now": plain})
    assert "indicators.mood.now" in str(told.value)
    assert wrong in str(told.value)
    assert MENDS[name] in str(told.value)


@settings(max_examples=60, deadline=None)
@given(
    value=st.sampled_from([0.0, 0.003, 0.4, 5.0, 9.0, 9.99, 10.0]) | st.floats(0.0, 10.0),
    room=st.floats(0.0, 1.0),
    drift=st.sampled_from([0.0, 1e-6, 0.5, 8.0]),
    scale=st.sampled_from(["identity", "log", "logit"]),
)
@example(value=10.0, room=0.0, drift=8.0, scale="log")
def test_a_level_as_of_an_earlier_day_always_has_a_prior_within_its_bounds(
    value: float, room: float, drift: float, scale: str
) -> None:
    low, high = (0.0, 10.0) if scale == "identity" else (0.01, 10.0)
    edge_ = 0.01 if scale == "logit" else 0.0
    value = min(max(value, low + edge_), high - edge_)
    given_ = quantity(5.0, 4.0, 6.0)
    mood = indicator(
        scale=scale, bounds=(low, high), reference=5.0, step=2.0, now=given_, history="series", drift=quantity(drift)
    )
    day = dt.date(2018, 1, 1)
    row = SeriesRow(
        indicator="mood",
        unit="HHH",
        date=day,
        value=value,
        low=value - room * (value - low - edge_),
        high=value + room * (high - edge_ - value),
        published=day,
        sources=(),
        status="judgement",
    )
    case = make_case({"a": event(quantity(0.3))}, [edge("mood", "a", quantity(1.2))], {"mood": mood})
    earlier = case_as_of(case.revised(series_rows=(row,)), dt.date(2019, 6, 30)).indicators["mood"]
    now = earlier.now_of("HHH")
    prior = elicit(now, earlier.prior_link)
    np.testing.assert_allclose(
        prior.quantile(ENDS), [now.range[0], now.center, now.range[1]], rtol=1e-6, atol=1e-6 * (high - low)
    )
    assert (prior.quantile([-9.0, 9.0]) >= low).all()
    assert (prior.quantile([-9.0, 9.0]) <= high).all()
    assert now.center == pytest.approx(value, abs=0.17 * (high - low))
    if 0.1 * (high - low) < value - low < 0.9 * (high - low):
        assert now.center == value
