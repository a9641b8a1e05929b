"""Pools against closed forms and against an independent solver; the classical model against an independent package."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import brentq
from scipy.stats import chi2

from riskcast import CaseError, Quantity, pool_linear, pool_log, pool_quantity
from riskcast.case.links import IDENTITY, LOG, LOGIT, BoundedLink
from riskcast.case.quantities import elicit
from riskcast.errors import OptionError
from riskcast.experts.seed_scores import SeedAnswers, chi_square_tail, classical_model, seeds_of
from riskcast.experts.seed_table import read_seeds
from riskcast.forecasting.soft_evidence import pooled

CHANCES = st.floats(0.001, 0.999)
WEIGHTS = st.floats(0.0, 1.0)


@given(CHANCES, CHANCES, WEIGHTS)
@settings(max_examples=50)
def test_pools_of_two_are_those_by_hand(one: float, two: float, weight: float) -> None:
    chances, weights = np.array([one, two]), np.array([1.0 - weight, weight])
    assert float(pool_linear(chances, weights)) == pytest.approx((1 - weight) * one + weight * two)
    assert float(pool_log(chances, weights)) == pytest.approx(pooled(one, two, weight), abs=1e-12)


def test_a_log_pool_is_externally_bayesian() -> None:
    """To learn and then to pool is to pool and then to learn, as weights add up to 1 (Genest, 1984)."""
    chances, weights, likelihood = np.array([0.2, 0.6, 0.9]), np.array([0.5, 0.2, 0.3]), 3.7
    learned = chances * likelihood / (chances * likelihood + 1.0 - chances)
    after = float(pool_log(chances, weights))
    assert float(pool_log(learned, weights)) == pytest.approx(after * likelihood / (after * likelihood + 1.0 - after))


def test_who_has_no_weight_is_not_heard() -> None:
    assert float(pool_log(np.array([0.3, 1.0]), np.array([1.0, 0.0]))) == pytest.approx(0.3)
    assert np.isnan(pool_log(np.array([0.0, 1.0]), np.array([0.5, 0.5])))


def test_quantile_pools_are_means_on_the_link() -> None:
    two = [Quantity(median=2.0, interval=(1.0, 5.0)), Quantity(median=18.0, interval=(9.0, 45.0))]
    found = pool_quantity(two, [0.5, 0.5], LOG)
    assert (found.median, found.interval) == (6.0, (3.0, 15.0))
    fixed = pool_quantity([Quantity(value=1.0), Quantity(value=3.0)], [3.0, 1.0], IDENTITY)
    assert fixed == Quantity(value=1.5)
    assert pool_quantity([two[0], two[0]], [0.1, 0.9], LOG) == two[0]


@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.8, 0.2)])
def test_linear_pools_are_quantiles_of_the_mixture(weights: tuple[float, float]) -> None:
    two = [Quantity(median=0.2, interval=(0.1, 0.35)), Quantity(median=0.4, interval=(0.2, 0.7))]
    found = pool_quantity(two, weights, LOGIT, "linear")
    draws = np.random.default_rng(1).standard_normal(200_000)
    own = [elicit(one, LOGIT).quantile(draws) for one in two]
    count = round(weights[0] * len(draws))
    mixture = np.concatenate([own[0][:count], own[1][count:]])
    assert (found.range[0], found.center, found.range[1]) == pytest.approx(
        np.quantile(mixture, (0.05, 0.5, 0.95)), rel=0.02
    )

    def below(level: float) -> float:
        from scipy.stats import norm

        return sum(w * float(norm.cdf(elicit(one, LOGIT).score(level))) for w, one in zip(weights, two, strict=True))

    assert found.center == pytest.approx(brentq(lambda level: below(level) - 0.5, 0.1, 0.7), rel=1e-5)


def test_what_no_prior_has_is_refused() -> None:
    apart = [Quantity(median=1.0, interval=(0.99, 1.01)), Quantity(median=50.0, interval=(40.0, 60.0))]
    with pytest.raises(OptionError, match="which no prior has"):
        pool_quantity(apart, [0.9, 0.1], LOG, "linear")
    with pytest.raises(OptionError, match="held at 0 by some"):
        pool_quantity([Quantity(value=0.0), apart[0]], [0.5, 0.5], LOG)
    at_end = [Quantity(median=0.3, interval=(0.0, 1.0)), Quantity(median=2.3, interval=(1.0, 4.0))]
    assert pool_quantity(at_end, [0.5, 0.5], BoundedLink(0.0, 100.0)).range == (0.5, 2.5)


@given(st.floats(0.0, 60.0))
@settings(max_examples=30)
def test_the_tail_is_that_of_chi_square(x: float) -> None:
    assert chi_square_tail(x) == pytest.approx(float(chi2.sf(x, 3)), rel=1e-9, abs=1e-15)


def seeds() -> SeedAnswers:
    """Four invented experts on ten invented questions, two of them compared in logarithms."""
    answers = np.array([10.0, 25.0, 3.0, 48.0, 7.0, 60.0, 33.0, 12.0, 200.0, 5000.0])
    steps = np.array(
        [
            [(-0.4, 0.1, 0.6), (-0.5, -0.1, 0.5), (-0.3, 0.2, 0.5), (-0.6, 0.0, 0.4), (-0.2, 0.1, 0.7)],
            [(-0.1, 0.3, 0.5), (0.1, 0.2, 0.3), (-0.3, -0.2, -0.1), (0.2, 0.3, 0.4), (-0.2, -0.1, 0.1)],
            [(-0.8, -0.3, 0.2), (-0.9, 0.2, 0.9), (-0.7, 0.4, 0.9), (-0.9, -0.4, 0.3), (-0.8, 0.3, 0.8)],
            [(-0.3, -0.1, 0.2), (-0.3, 0.15, 0.3), (0.05, 0.2, 0.4), (-0.4, -0.2, 0.1), (-0.2, 0.1, 0.3)],
        ]
    )
    said = answers[None, :, None] * (1.0 + np.concatenate([steps, 0.9 * steps[:, ::-1]], axis=1))
    return SeedAnswers(("a", "b", "c", "d"), tuple(map(str, range(10))), said, answers, np.arange(10) >= 8)


def test_the_classical_model_is_that_of_an_independent_package() -> None:
    """What anduryl 1.2.2 gives with an overshoot of .1; `benchmarks/classical_model.py` holds both together on more."""
    found = classical_model(seeds())
    assert [score.calibration for score in found.scores] == pytest.approx(
        [0.11346850289686, 0.00131056972868, 0.47350087928329, 0.30051637477007]
    )
    assert [score.information for score in found.scores] == pytest.approx(
        [0.43977244041661, 1.54587382419466, 0.12022672925892, 1.00224693646847]
    )
    assert (found.group.calibration, found.group.information) == pytest.approx((0.47350087928329, 0.28402030364231))


def test_a_wide_honest_expert_outweighs_a_sure_one_who_errs() -> None:
    found = classical_model(seeds())
    scores = {score.name: score for score in found.scores}
    assert scores["b"].information == max(score.information for score in found.scores)
    assert scores["b"].weight == 0.0
    assert sum(found.weights) == pytest.approx(1.0)
    assert found.group.product >= found.equal.product
    assert seeds_of(seeds(), ["d", "a"]).experts == ("d", "a")
    with pytest.raises(OptionError, match="z answered no seed question"):
        seeds_of(seeds(), ["z"])
    with pytest.raises(OptionError, match="leaves no expert"):
        classical_model(seeds(), cutoff=1.1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("q1,a,1,2,3,2,log", "q1,a,2,1,3,2,log", "seeds.csv:2: median: 2, 1, 3 do not rise"),
        ("q1,a,1,2,3,2,log", "q1,a,1,2,3,x,log", "seeds.csv:2: answer: is 'x'; give a number"),
        ("q1,a,1,2,3,2,log", "q1,,1,2,3,2,log", "seeds.csv:2: expert: is empty"),
        ("q1,a,1,2,3,2,log", "q1,a,1,2,3,2,root", "seeds.csv:2: scale: is 'root'; write linear or log"),
        ("q1,b,1,2,3,2,log", "q1,b,1,2,3,4,log", "seeds.csv:3: answer: q1 has another answer"),
        ("q1,b,1,2,3,2,log\n", "", "b does not answer q1; add the row"),
        ("q2,b,1,2,3,2,log\n", "q3,c,1,2,3,2,log\n", "c does not answer q1; add the row"),
        ("q2,b,1,2,3,2,log\n", "q3,c,1,2,3,2,log\n", "b does not answer q3; add the row"),
        ("q1,b,1", "q1,a,1", "a answers q1 twice"),
    ],
)
def test_a_table_of_seeds_is_refused_with_its_row(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = "question,expert,low,median,high,answer,scale\nq1,a,1,2,3,2,log\nq1,b,1,2,3,2,log\n"
    text += "q2,a,1,2,3,2,log\nq2,b,1,2,3,2,log\n"
    file = tmp_path / "seeds.csv"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CaseError) as caught:
        read_seeds(file)
    assert said in str(caught.value)
