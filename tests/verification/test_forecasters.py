"""Every reference that needs the record alone, and a stranger's, forecasts from the past and from nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pytest

from riskcast.machinery.array_types import Bools, Floats
from riskcast.verification.backtesting import backtest
from riskcast.verification.forecasters import OF_RECORD, forecaster_label, forecaster_names, reference_names
from tests.support.origins import small_case

STRANGER = "coin"


def coin(occurred: Floats, at_risk: Bools, horizon: int) -> Floats:
    """An even chance for everybody."""
    return np.full(occurred.shape[1], 0.5)


@pytest.fixture
def stranger() -> Iterator[str]:
    OF_RECORD.add(STRANGER, "a coin", coin)
    yield STRANGER
    OF_RECORD.remove(STRANGER)


@pytest.fixture(params=[*OF_RECORD, STRANGER])
def reference(request: pytest.FixtureRequest, stranger: str) -> str:
    return request.param


def record(seed: int, units: int = 4, periods: int = 40) -> tuple[Floats, Bools]:
    rng = np.random.default_rng(seed)
    at_risk = rng.random((periods, units)) < 0.9
    return ((rng.random((periods, units)) < 0.2) & at_risk).astype(float), at_risk


@pytest.mark.parametrize("seed", range(5))
def test_a_reference_gives_a_probability_for_every_unit(reference: str, seed: int) -> None:
    occurred, at_risk = record(seed)
    before = occurred.copy(), at_risk.copy()
    chance = OF_RECORD.get(reference)(occurred, at_risk, 3)
    assert chance.shape == (4,)
    assert ((chance > 0.0) & (chance < 1.0)).all()
    np.testing.assert_array_equal(chance, OF_RECORD.get(reference)(occurred, at_risk, 3))
    np.testing.assert_array_equal(occurred, before[0])
    np.testing.assert_array_equal(at_risk, before[1])


def test_a_reference_forecasts_from_an_empty_record(reference: str) -> None:
    chance = OF_RECORD.get(reference)(np.zeros((2, 3)), np.zeros((2, 3), dtype=bool), 12)
    assert ((chance > 0.0) & (chance < 1.0)).all()


def test_a_reference_is_told_in_words(reference: str) -> None:
    assert forecaster_label(reference) == OF_RECORD.about(reference) != ""
    assert reference in reference_names()
    assert reference in forecaster_names()


def test_a_stranger_s_reference_stands_in_a_backtest(stranger: str) -> None:
    tested = backtest(small_case(), dt.date(2019, 1, 1), draws=100, workers_count=1)
    assert (tested.forecasts[stranger] == 0.5).all()
    scores = tested.evaluate().slices["all"].performances[stranger]
    assert scores.brier.value == pytest.approx(0.25)
