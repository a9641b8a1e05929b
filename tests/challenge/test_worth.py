"""What knowing beliefs is worth against closed forms: normal beliefs whose number is a sum, or a product, of them."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from riskcast.challenge.loss_rules import LossRule
from riskcast.challenge.regression import normal_scores, regress
from riskcast.challenge.target_draws import TargetDraws
from riskcast.challenge.targets import Target
from riskcast.challenge.turns import respond_to
from riskcast.challenge.worth import Known, Worth, conditional, judge_all, known
from riskcast.errors import OptionError
from riskcast.forecasting.estimates import Estimate

DRAWS, WIDTH = 3000, 2.0 * NormalDist().inv_cdf(0.95)
NOISE = 4.0
PLACES, NAMES = (45.0, 60.0), ("low", "middle", "high")
RNG = np.random.default_rng(7)
BELIEFS = RNG.standard_normal((DRAWS, 3))


def drawn(values: np.ndarray, sd: float, mean: float = 50.0) -> TargetDraws:
    """A number with the mean 50, of which each draw is known with an error."""
    half = WIDTH / 2.0 * sd
    estimate = Estimate(mean, mean - half, mean + half)
    noisy = values + NOISE * RNG.standard_normal(len(values))
    return TargetDraws(
        Target("score:A-B", "", "A-B"), estimate, noisy, np.full(len(values), NOISE), values, PLACES, NAMES
    )


SUM = drawn(50.0 + 8.0 * BELIEFS[:, 0] + 6.0 * BELIEFS[:, 1], 10.0)
RULE = LossRule(1.0, 2.5)


def judged(one: TargetDraws, columns: list[int], rule: LossRule | None = RULE) -> Worth:
    numbers = np.stack([one.averages, one.expected], axis=1)
    fit = regress(numbers, normal_scores(np.exp(BELIEFS[:, columns])), 1)
    whole, parts = judge_all([one], fit, numbers, rule)
    return known(whole[0], parts[:, 0])


def saved_at_best(mean: float, sd: float) -> float:
    """min(cost, loss m / 100) less E min(cost, loss x / 100) of a normal x: the unit normal loss integral."""
    at = 100.0 * RULE.cost / RULE.loss
    z = (at - mean) / sd
    above = sd * (NormalDist().pdf(z) - z * (1.0 - NormalDist().cdf(z)))
    return min(RULE.cost, RULE.loss * mean / 100.0) - RULE.loss * (mean - above) / 100.0


@pytest.mark.parametrize(("column", "share"), [(0, 0.64), (1, 0.36)])
def test_a_part_of_a_sum_of_normals_is_worth_what_theory_says(column: int, share: float) -> None:
    found = judged(SUM, [column])
    sd = 10.0 * math.sqrt(share)
    exact = {
        "narrower": 10.0 * WIDTH * (1.0 - math.sqrt(1.0 - share)),
        "explained": share,
        "saved": saved_at_best(50.0, sd),
    }
    for name, value in exact.items():
        known_one = getattr(found, name)
        assert 0.0 < known_one.error < 0.2 * value, name
        assert known_one.value == pytest.approx(value, abs=4.0 * known_one.error), name
    other = NormalDist(50.0, sd)
    blur = SUM.error
    chance = other.cdf(45.0 - blur) + 1.0 - other.cdf(60.0 + blur)
    assert found.other_band.value == pytest.approx(chance, abs=0.04)


def test_what_the_number_does_not_hang_on_is_worth_nothing() -> None:
    found = judged(SUM, [2])
    assert not found.explained.is_told()
    assert abs(found.narrower.value) < 0.1
    assert found.explained.value < 0.004


def test_all_that_it_hangs_on_leaves_nothing() -> None:
    found = judged(SUM, [0, 1, 2])
    assert found.explained.value == pytest.approx(1.0, abs=0.05)
    assert found.narrower.value == pytest.approx(10.0 * WIDTH, rel=0.15)


def test_two_beliefs_may_be_worth_much_together_and_nothing_alone() -> None:
    product = drawn(50.0 + 10.0 * BELIEFS[:, 0] * BELIEFS[:, 1], 10.0)
    assert judged(product, [0]).explained.value < 0.02
    assert judged(product, [0, 1]).explained.value > 0.8


def test_a_curve_is_followed() -> None:
    curve = drawn(50.0 + 5.0 * (BELIEFS[:, 0] ** 2 - 1.0) + 5.0 * BELIEFS[:, 1], math.sqrt(75.0))
    assert judged(curve, [0]).explained.value == pytest.approx(50.0 / 75.0, abs=0.06)


def test_the_band_turns_where_the_line_crosses_it() -> None:
    numbers = np.stack([SUM.averages, SUM.expected], axis=1)
    values = np.exp(BELIEFS[:, [0]])
    fit = regress(numbers, normal_scores(values), 1)
    kept = conditional(SUM, fit, 0, SUM.averages, SUM.expected)[2]
    response, turns = respond_to(SUM, fit, 0, kept, values)
    assert response.low == pytest.approx(50.0 - 8.0 * WIDTH / 2.0, abs=1.0)
    assert response.high == pytest.approx(50.0 + 8.0 * WIDTH / 2.0, abs=1.0)
    below, above = turns
    assert (below.band, below.above, above.band, above.above) == ("low", False, "high", True)
    assert below.value == pytest.approx(math.exp(-5.0 / 8.0), rel=0.12)
    assert above.value == pytest.approx(math.exp(10.0 / 8.0), rel=0.15)
    assert below.chance == pytest.approx(NormalDist().cdf(-5.0 / 8.0), abs=0.05)


def test_no_turn_is_told_within_the_error_of_the_number_itself() -> None:
    near = drawn(SUM.expected, 10.0, mean=45.0 + 1e-6)
    assert near.stands == "middle"
    assert not near.leaves(np.array([45.0 - 0.5 * near.error])).any()
    assert near.leaves(np.array([45.0 - 2.0 * near.error, 61.0])).all()


@pytest.mark.parametrize(("cost", "loss"), [(0.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1.0, math.inf), (math.nan, 1.0)])
def test_a_rule_that_leaves_nothing_to_decide_is_refused(cost: float, loss: float) -> None:
    with pytest.raises(OptionError, match="--cost 1 --loss 4"):
        LossRule(cost, loss)


def test_nothing_is_saved_where_one_would_act_the_same_whatever_is_learned() -> None:
    assert LossRule(1.0, 100.0).saved(np.linspace(40.0, 60.0, 11)) == pytest.approx(0.0, abs=1e-12)
    assert RULE.saved(np.array([30.0, 50.0])) == pytest.approx(1.0 - (0.75 + 1.0) / 2.0)


def test_of_numbers_that_are_nothing_one_in_a_hundred_is_told() -> None:
    """Over their jackknife errors of ten blocks, means of normal numbers have Student's t with nine degrees."""
    rng = np.random.default_rng(2)
    means = rng.standard_normal((4000, 10))
    found = [Known(float(one.mean()), float(one.std(ddof=1) / math.sqrt(10.0))) for one in means]
    assert np.mean([one.is_told() for one in found]) == pytest.approx(0.01, abs=0.005)
    assert np.mean([one.chance < 0.3 for one in found]) == pytest.approx(0.3, abs=0.025)
    assert not Known(1e-30, 1e-32).is_told(1e-9)
    assert Known(0.1, 0.0).is_told()
