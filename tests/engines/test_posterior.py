"""What the draws of an engine are held against: what is not a number passes nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from riskcast.engines.draws import EventDraws
from riskcast.engines.posterior import judge


def drawn(**health: Any) -> EventDraws:
    """Draws of a small event type with this health."""
    hyper: dict[str, Any] = {"sd_time": np.ones(200)}
    return EventDraws("quarrel", np.zeros((200, 2)), hyper, np.zeros((200, 1)), np.zeros((200, 3)), **health)


LAPLACE = {"khat": 0.3, "ess": 900.0}
NUTS = {"rhat": 1.001, "ess": 900.0}


@pytest.mark.parametrize("health", [LAPLACE, NUTS, LAPLACE | NUTS])
def test_good_figures_of_either_engine_pass(health: dict[str, Any]) -> None:
    assert judge("laplace", {"quarrel": drawn(**health)}, 200).is_reliable


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (LAPLACE | {"khat": 0.71}, "k-hat 0.71 is above 0.7"),
        (LAPLACE | {"khat": math.inf}, "k-hat inf is above 0.7"),
        (LAPLACE | {"khat": math.nan}, "neither k-hat nor R-hat could be computed"),
        (LAPLACE | {"ess": 99.0}, "99 effective draws are fewer than 100"),
        (LAPLACE | {"ess": math.nan}, "effective draws could not be computed"),
        (NUTS | {"ess": math.nan}, "effective draws could not be computed"),
        (NUTS | {"rhat": math.inf}, "R-hat inf is above 1.02"),
        (NUTS | {"rhat": math.nan}, "neither k-hat nor R-hat could be computed"),
        (NUTS | {"divergences": 1}, "1 divergences"),
        (LAPLACE | {"failed": "Newton's method found no mode"}, "Newton's method found no mode"),
    ],
)
def test_a_figure_beyond_its_limit_or_without_a_number_fails(health: dict[str, Any], said: str) -> None:
    found = judge("laplace", {"good": drawn(**LAPLACE), "quarrel": drawn(**health)}, 200)
    assert not found.is_reliable
    assert len(found.failures) == 1
    assert found.failures[0].startswith("quarrel: ")
    assert said in found.failures[0]
    assert not math.isnan(found.ess_min)


@pytest.mark.parametrize("part", ["coefficients", "shocks", "effects", "hyper"])
@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_draws_that_are_not_numbers_fail_whatever_their_figures(part: str, odd: float) -> None:
    good = drawn(**LAPLACE)
    spoiled = {"sd_time": np.full(200, odd)} if part == "hyper" else np.full_like(getattr(good, part), odd)
    found = judge("laplace", {"quarrel": replace(good, **{part: spoiled})}, 200)
    assert found.failures == ("quarrel: some draws are not numbers",)
