"""Records of numbers drawn from their model: what is remembered of them, and calibration of fits to them."""

from __future__ import annotations

import numpy as np
import pytest

from riskcast.engines.hazard import build_event_model, edge_columns
from riskcast.record.sights import numbers_of_events
from riskcast.verification.calibration import calibrate
from tests.support.drawn import draw_from_priors
from tests.support.numbered import RAIDS_FROM, numbered

RECORDS = 40


@pytest.mark.parametrize("seed", range(3))
def test_a_drawn_record_is_that_of_its_own_rates_and_memories(seed: int) -> None:
    case = numbered()
    found = draw_from_priors(case, seed)
    record = found.record
    assert not record.dated
    raids = record.numbers["raid"]
    assert set(raids[raids > 0.0]) <= set(numbers_of_events(case, found.blank, "raid"))
    assert raids.max() > RAIDS_FROM
    np.testing.assert_array_equal(record.occurred["raid"] > 0.0, raids >= RAIDS_FROM)
    for name in case.order:
        model, drawn = build_event_model(case, record, name), found.truth[name]
        hyper = {key: values[:1] for key, values in drawn.hyper.items()}
        effects = case.effects_on(name)
        levels = [record.levels[effect.source] for effect in effects if not effect.is_escalation]
        memories = [edge_columns(edge, {key: value[0] for key, value in hyper.items()}) for edge in model.escalations]
        shape = record.occurred[name].shape
        columns = np.stack([np.ones(shape), *(np.broadcast_to(one, shape) for one in (*levels, *memories))], axis=-1)
        eta = columns @ drawn.coefficients[0] + drawn.effects[0]
        shocks = dict(zip(found.models[name].years.tolist(), drawn.shocks[0].tolist(), strict=True))
        eta = eta + np.array([shocks.get(year, 0.0) for year in record.years.tolist()])[:, None]
        wanted = (found.uniforms[name] < -np.expm1(-record.exposure[name] * np.exp(eta))) & record.at_risk[name]
        np.testing.assert_array_equal(record.occurred[name] > 0.0, wanted)


def test_fits_to_records_of_numbers_are_calibrated() -> None:
    found = calibrate(numbered(), RECORDS, draws=200, seed=3)
    assert found.is_calibrated, {block: one.joint_p_value for block, one in found.histograms.items()}
