"""How often levels meet their bounds: told as often as it happens in a simulation by hand."""

from __future__ import annotations

import numpy as np
import pytest

from riskcast import apply_overlay, held_levels, load_case
from riskcast.case.quantities import Z90
from riskcast.forecasting.level_bounds import HeldLevel
from riskcast.terminal.forecasts import coverage_view, make_console
from riskcast.verification.coverage import report_coverage
from tests.support.cases import edge, event, indicator, make_case, quantity


def level_case(now: dict, drift: dict, horizon: int = 24):
    mood = indicator(bounds=(0.0, 10.0), reference=5.0, step=2.0, now=now, drift=drift)
    return make_case({"a": event(quantity(0.3))}, [edge("mood", "a", quantity(1.2))], {"mood": mood}, horizon=horizon)


def test_shares_at_both_bounds_are_those_of_a_simulation() -> None:
    case = level_case(quantity(5.0, 0.0, 10.0), quantity(1.0, 0.5, 2.0))
    found = {one.bound: one for one in held_levels(case)}
    assert set(found) == {0.0, 10.0}
    rng = np.random.default_rng(1)
    z, drift = rng.standard_normal(400_000), np.exp(np.log(2.0) / Z90 * rng.standard_normal(400_000))
    today = np.clip(5.0 + 5.0 / Z90 * z, 0.0, 10.0)
    ahead = today + 2.0 * drift * np.sqrt(2.0) * rng.standard_normal(400_000)
    for bound, there, then in ((0.0, today <= 0, ahead <= 0), (10.0, today >= 10, ahead >= 10)):
        assert found[bound].today == pytest.approx(there.mean(), abs=0.003)
        assert found[bound].ahead == pytest.approx(then.mean(), abs=0.004)
        assert (found[bound].key, found[bound].unit) == ("indicators.mood.now", "HHH")


@pytest.mark.parametrize(
    ("now", "drift"), [(quantity(0.0), quantity(0.0)), (quantity(5.0, 4.0, 6.0), quantity(0.1, 0.05, 0.2))]
)
def test_what_is_fixed_at_a_bound_or_far_from_it_is_not_told(now: dict, drift: dict) -> None:
    assert held_levels(level_case(now, drift)) == ()


def test_a_level_fixed_at_a_bound_drifts_off_it_in_half_of_all_futures() -> None:
    (one,) = held_levels(level_case(quantity(0.0), quantity(0.5)))
    assert one == HeldLevel("indicators.mood.now", "mood", "Indicator", "HHH", 0.0, "points", 1.0, 0.5)


def test_the_check_tells_it_and_an_overlay_moves_it(capsys: pytest.CaptureFixture[str]) -> None:
    case = load_case("central_asia_2024")
    key = "indicators.remittance_dependency.now.RUS-TKM"
    before = next(one for one in held_levels(case) if one.key == key)
    assert before.today == pytest.approx(0.05, abs=0.01)
    make_console().print(coverage_view(report_coverage(case, draws=100)))
    told = capsys.readouterr().out
    assert "Levels held at a bound after 12 months" in told
    assert "Remittance dependency, Turkmenistan: at 0 in 45 % of futures, today in 5 %" in told
    farther = apply_overlay(case, {key: {"median": 30.0, "interval": (25.0, 35.0)}})
    assert key not in {one.key for one in held_levels(farther)}
