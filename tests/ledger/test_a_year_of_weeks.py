"""Weeks lived with the tool in a world whose truth is known: rolled, forecast, published, answered, told."""

from __future__ import annotations

import datetime as dt
import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import riskcast
from riskcast.verification.track_words import bias_in_words
from tests.support.places import ROOT

SEED, WEEKS, DYADS, DRAWS = 1, 9, 3, 100
# What moves all questions of a year alike: its shock, of 0.25 in log rates by its prior, and base rates not yet known.
SHARED = 0.35


@pytest.fixture(scope="module")
def year() -> Iterator[Any]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("living_year")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def lived(year: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return year.live(tmp_path_factory.mktemp("weeks"), SEED, WEEKS, DYADS, DRAWS)


def test_everything_is_entered_answered_and_as_it_was_written(lived: Any) -> None:
    assert riskcast.verify_ledger(lived.ledger).holds
    contents = riskcast.read_ledger(lived.ledger)
    units = 2 * DYADS + 1
    assert len(contents.questions) == (WEEKS + 1) * units * 2
    assert not contents.waiting
    assert lived.track.late == 0
    assert {each.questions for each in lived.track.forecasters} == {len(contents.questions)}
    case = riskcast.load_case(lived.folder)
    assert len(riskcast.list_vintages(lived.folder)) == WEEKS + 1
    # Something was found late, which is what a year with the tool is about.
    assert lived.late > 0
    assert any((row.entered - row.date).days > 7 for row in case.event_rows if row.entered is not None)


def test_answers_are_what_came(year: Any, lived: Any) -> None:
    knows, rows = year.of(lived.track, year.KNOWS)
    assert knows.questions == len(rows)
    # Who knows what comes is as wrong as it says, to the last question: so every answer is that of the world.
    assert knows.brier.value == pytest.approx((1.0 - year.SURE) ** 2, abs=1e-12)


def test_what_is_found_late_touches_no_kept_vintage(lived: Any, year: Any) -> None:
    for day, own, kept in year.replays(lived, every=4):
        assert own, day
        assert kept, day


def test_who_knows_has_all_the_weight_and_noise_none(lived: Any, year: Any) -> None:
    weight = {name: found.weight for name, found in lived.weights.items()}
    assert weight[year.KNOWS] > 0.8
    assert weight[year.NOISE] < 0.1


def test_an_excess_is_found_with_its_size(lived: Any, year: Any) -> None:
    model, analyst = (year.shift_of(year.of(lived.track, name)[1]) for name in ("model", year.ANALYST))
    # The same questions and the same order of probabilities: what one says more than the other is the excess.
    assert analyst.value - model.value == pytest.approx(year.EXCESS, abs=1e-9)
    assert abs(model.value) < 3.0 * math.hypot(model.error, SHARED)


@pytest.mark.slow
def test_a_year_is_calibrated_and_tells_who_is_right(year: Any, tmp_path: Path) -> None:
    # Windows that end in one month count as one: four weeks at a time tell as much as each by itself.
    lived = year.live(tmp_path, SEED, 52, DYADS, DRAWS, step=4)
    assert riskcast.verify_ledger(lived.ledger).holds
    assert all(own and kept for _, own, kept in year.replays(lived, every=5))
    model, rows = year.of(lived.track, "model")
    shift = year.shift_of(rows)
    assert abs(shift.value) < 3.0 * math.hypot(shift.error, SHARED)
    # Nine of ten intervals hold what is true; that of the model is to hold 0 to within its own width.
    assert abs(model.bias.value) < model.bias.high - model.bias.low
    analyst = year.of(lived.track, year.ANALYST)[0]
    # The same questions with the same chance in them: whatever that did, the excess stands out.
    assert analyst.bias.low > 0.0
    assert "too high by" in bias_in_words(analyst)
    assert analyst.brier.value > model.brier.value
    weight = {name: found.weight for name, found in lived.weights.items()}
    assert weight[year.KNOWS] > 0.9
    assert weight[year.NOISE] < 0.05
    assert lived.track.as_of > year.FIRST + dt.timedelta(days=400)
