"""Records that are drawn with levels that their own events raise, and whether fits to them are calibrated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws, draw_prior
from riskcast.engines.hazard import EventModel, Rows, build_event_model
from riskcast.engines.laplace import fit_event
from riskcast.record.arrays import build_record
from riskcast.verification.calibration import Calibration, calibrate, draw_record
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity
from tests.support.drawn import draw_from_priors

RECORDS, YEARS = 40, 8


def raised_case() -> Case:
    """Sparks and protests that lift pressure, which drives protests: events feed on what they have raised."""

    def rise(steps: float, whose: str) -> dict:
        return {
            "steps": quantity(steps, steps - 0.5, steps + 0.5),
            "half_life": quantity(4.0, 2.0, 8.0),
            "whose": whose,
        }

    events = {"spark": event(quantity(0.7, 0.5, 0.9), kind="trigger"), "protest": event(quantity(0.4, 0.2, 0.7))}
    raises = {"spark": rise(1.0, "any"), "protest": rise(-0.8, "any")}
    return make_case(
        events,
        [edge("pressure", "protest", quantity(1.6, 1.1, 2.4)), edge("pressure", "spark", quantity(0.9, 0.7, 1.2))],
        {"pressure": indicator(raises=raises)},
        partners=2,
        years=YEARS,
        sd_time=quantity(0.3, 0.15, 0.6),
    )


@pytest.mark.parametrize("seed", range(3))
def test_levels_of_a_drawn_record_are_those_of_a_slow_loop(seed: int) -> None:
    case = raised_case()
    found = draw_from_priors(case, seed)
    blank, record = found.blank, found.record
    assert record.occurred["spark"].sum() > 3
    for t in range(len(blank.years)):
        level = 0.0
        for name, steps in (("spark", 1.0), ("protest", -0.8)):
            for s in range(t):
                level += steps * record.occurred[name][s].sum() * 2 ** (-(t - s) / 4.0)
        assert record.levels["pressure"][t, 0] == pytest.approx(level, abs=1e-9)
        for name in case.order:
            drawn = found.truth[name]
            rate = np.exp(drawn.coefficients[0] @ [1.0, level] + drawn.shocks[0, t // 12])
            wanted = found.uniforms[name][t] < -math.expm1(-rate)
            assert (record.occurred[name][t] == wanted).all()


def test_a_record_and_the_fit_agree_on_what_its_events_have_raised() -> None:
    """Levels of a drawn record are those of a case whose rows stand in the middle of the periods, within days."""
    case = raised_case()
    blank = build_record(case)
    models = {name: build_event_model(case, blank, name) for name in case.order}
    truth = {name: draw_prior(model, 1, 5) for name, model in models.items()}
    always = draw_record(case, blank, models, truth, {name: np.full((96, 2), 0.1) for name in case.order})
    rows = []
    for name, happened in always.occurred.items():
        for t, unit in np.argwhere(happened > 0).tolist():
            day = blank.timeline.starts[t].astype(object).replace(day=15)
            rows.append(event_row(day, name, case.dyads[unit]))
    known = build_record(case.revised(event_rows=tuple(rows)))
    np.testing.assert_allclose(known.levels["pressure"], always.levels["pressure"], rtol=0.02, atol=0.02)


def p_values(found: Calibration) -> dict[str, float]:
    return {block: one.joint_p_value for block, one in found.histograms.items()}


def test_fits_to_records_whose_events_raise_levels_are_calibrated() -> None:
    found = calibrate(raised_case(), RECORDS, draws=200, seed=2)
    assert found.is_calibrated, p_values(found)
    assert found.unreliable == 0


def test_a_fit_that_takes_what_is_raised_for_lowered_is_found_out() -> None:
    def turned(rows: Rows) -> Rows:
        return replace(rows, x=rows.x * np.array([1.0, -1.0]))

    def wrong(model: EventModel, draws: int, seed: int) -> EventDraws:
        return fit_event(replace(model, free=turned(model.free), hits=turned(model.hits)), draws, seed)

    found = calibrate(raised_case(), RECORDS, draws=200, seed=2, engine=wrong)
    assert p_values(found)["effects"] <= 0.001, p_values(found)
    assert not found.is_calibrated
