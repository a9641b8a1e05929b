"""Counts of triggers that answers spend: trigger by trigger, and period by period."""

from __future__ import annotations

import numpy as np
import pytest

from riskcast.record.memory import COUNT, Sight, fading, follow


def drawn_sights(rng: np.random.Generator) -> tuple[Sight, Sight]:
    """Counts of a trigger that nothing answers, and the same with answers."""
    shape = rng.integers(1, 30), rng.integers(1, 4)
    seen, answered = rng.poisson(0.4, shape).astype(float), rng.random(shape) < 0.2
    upto = np.where(answered, np.minimum(seen, rng.poisson(0.5, shape)), 0.0)
    return Sight(seen), Sight(seen, answered, upto, np.where(answered, seen - upto, 0.0))


@pytest.mark.parametrize("same_period", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_trigger_by_trigger_is_period_by_period(seed: int, same_period: bool) -> None:
    sights = drawn_sights(np.random.default_rng(seed))
    half_lives = np.array([0.3, 2.0, 9.0])
    for sight in sights:
        columns, left = follow(COUNT, sight, fading(COUNT, half_lives), same_period)
        np.testing.assert_allclose(COUNT.columns_of(sight, half_lives, same_period), columns, atol=1e-12)
        np.testing.assert_allclose(COUNT.columns_of(sight, 2.0, same_period), columns[1], atol=1e-12)
        np.testing.assert_allclose(COUNT.state_of(sight, half_lives, len(sight.seen), same_period), left, atol=1e-12)


@pytest.mark.parametrize("same_period", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_from_trigger_to_trigger_under_stretched_half_lives_is_period_by_period(seed: int, same_period: bool) -> None:
    rng = np.random.default_rng(seed)
    sights = drawn_sights(rng)
    shape = sights[0].seen.shape
    half_lives, end = rng.lognormal(0.5, 1.0, 3), int(rng.integers(1, shape[0] + 1))
    stretches = [(rng.lognormal(0.0, 0.4, 3), rng.normal(size=shape)) for _ in range(rng.integers(1, 3))]
    alone = [(ratio[1], levels) for ratio, levels in stretches]
    for sight in sights:
        fade = fading(COUNT, half_lives, stretches)
        columns, _ = follow(COUNT, sight, fade, same_period)
        _, left = follow(COUNT, sight, fade, same_period, end, kept=False)
        np.testing.assert_allclose(COUNT.columns_of(sight, half_lives, same_period, stretches), columns, atol=1e-12)
        np.testing.assert_allclose(COUNT.columns_of(sight, half_lives[1], same_period, alone), columns[1], atol=1e-12)
        np.testing.assert_allclose(COUNT.state_of(sight, half_lives, end, same_period, stretches), left, atol=1e-12)


def test_half_lives_beyond_the_legal_range_are_held_at_its_ends() -> None:
    sight, levels = Sight(np.array([[1.0], [0.0], [0.0]])), np.array([[0.0], [200.0], [-200.0]])
    columns = COUNT.columns_of(sight, 1.0, same_period=True, stretches=[(np.array(1e3), levels)])
    np.testing.assert_allclose(columns.ravel(), [1.0, np.log2(1.0 + 2.0**-1e-4), 0.0], atol=1e-12)
