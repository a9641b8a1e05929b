"""Records that are drawn are what the regressions fitted to them say they are, whatever kinds of memory there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.engines.draws import draw_prior
from riskcast.engines.hazard import build_event_model, memory_columns
from riskcast.record.arrays import build_record
from riskcast.verification.calibration import calibrate, draw_record
from tests.support.remembering import answering, needing, remembering, remembering_panel

CASES: dict[str, Callable[[], Case]] = {
    "answers": answering,
    "half-lives": needing,
    "every kind": remembering,
    "panel": remembering_panel,
}


@pytest.mark.parametrize("name", CASES)
def test_a_drawn_event_happens_where_its_uniform_is_below_the_chance_that_the_fit_gives_it(name: str) -> None:
    case = CASES[name]()
    blank = build_record(case)
    blank = replace(blank, occurred={event: np.zeros_like(own) for event, own in blank.occurred.items()}, dated={})
    models = {event: build_event_model(case, blank, event) for event in case.order}
    rng = np.random.default_rng(4)
    for seed in range(3):
        truth = {event: draw_prior(model, 1, seed) for event, model in models.items()}
        uniforms = {event: rng.random(own.shape) for event, own in blank.occurred.items()}
        record = draw_record(case, blank, models, truth, uniforms)
        for event in case.order:
            model = build_event_model(case, record, event, pooled=False)
            drawn = truth[event]
            columns = memory_columns(model, model.rows, {key: own[0] for key, own in drawn.hyper.items()})
            eta = np.concatenate([model.rows.x, columns], axis=1) @ drawn.coefficients[0]
            eta += drawn.shocks[0, model.rows.year] + drawn.effects[0, model.rows.unit]
            chance = -np.expm1(-model.rows.exposure * np.exp(eta))
            happened = np.arange(len(eta)) >= len(model.free)
            below = uniforms[event][model.rows.period, model.rows.unit] < chance
            np.testing.assert_array_equal(happened, below)
        assert sum(own.sum() for own in record.occurred.values()) > 10


@pytest.mark.parametrize("make", [answering, needing])
def test_truths_have_uniform_ranks(make: Callable[..., Case]) -> None:
    found = calibrate(make(years=4), records=40, draws=200, seed=3)
    assert found.is_calibrated
    assert found.unreliable <= 2
    if make is needing:
        assert {"half_life_ratio.fast.need", "half_life_ratio.fast.calm.calming"} <= set(found.histograms)
