"""Counts of triggers that answers spend: trigger by trigger, and period by period."""

from __future__ import annotations

import numpy as np
import pytest

from riskcast.record.memory import COUNT, Sight, fading, follow


@pytest.mark.parametrize("same_period", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_trigger_by_trigger_is_period_by_period(seed: int, same_period: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 30), rng.integers(1, 4)
    seen, answered = rng.poisson(0.4, shape).astype(float), rng.random(shape) < 0.2
    upto = np.where(answered, np.minimum(seen, rng.poisson(0.5, shape)), 0.0)
    after = np.where(answered, seen - upto, 0.0)
    half_lives = np.array([0.3, 2.0, 9.0])
    for sight in (Sight(seen), Sight(seen, answered, upto, after)):
        columns, left = follow(COUNT, sight, fading(COUNT, half_lives), same_period)
        np.testing.assert_allclose(COUNT.columns_of(sight, half_lives, same_period), columns, atol=1e-12)
        np.testing.assert_allclose(COUNT.columns_of(sight, 2.0, same_period), columns[1], atol=1e-12)
        np.testing.assert_allclose(COUNT.state_of(sight, half_lives, len(seen), same_period), left, atol=1e-12)
