"""Forecasts with an indicator held over its plausible range."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from riskcast import fit, plausible_range, respond
from riskcast.case.model import Case
from riskcast.errors import OptionError, UnknownNameError
from tests.support.cases import edge, event, indicator, make_case, quantity, series_row

NOW = quantity(4.0, 3.0, 5.0) | {"dated": dt.date(2020, 12, 31)}


def toy(ratio: float) -> Case:
    levels = indicator(now=NOW, history="series", reference=0.0, step=1.0)
    case = make_case(
        {"a": event(quantity(0.2))}, [edge("x", "a", quantity(ratio))], {"x": levels}, partners=2, horizon=12,
        sd_dyad=quantity(0.0), sd_time=quantity(0.0),
    )  # fmt: skip
    return case.revised(
        series_rows=(series_row("x", dt.date(2017, 3, 1), 1.5), series_row("x", dt.date(2019, 3, 1), 3.5))
    )


def test_a_range_spans_the_record_and_today() -> None:
    assert plausible_range(toy(1.0), "x", "HHH") == pytest.approx((1.5, 5.0), abs=0.01)


def test_held_levels_have_the_probability_of_their_closed_form() -> None:
    # One edge, nothing else uncertain: the yearly rate is that of the base times ratio ** level.
    found = respond(fit(toy(1.4), draws=100, seed=1), "x", points=3)
    assert found.levels["HHH"] == pytest.approx((1.5, 3.25, 5.0), abs=0.01)
    for level, one in zip(found.levels["HHH"], found.forecasts, strict=True):
        rate = -math.log(0.8) * 1.4**level
        assert one.probability("a", "HHH-P001").mean == pytest.approx(1 - math.exp(-rate), abs=0.005)
    change = found.change().probability["a", "HHH-P002"]
    ends = [one.probability("a", "HHH-P002").mean for one in found.forecasts]
    assert change.mean == pytest.approx(ends[-1] - ends[0], abs=1e-6)


def test_what_acts_on_nothing_moves_nothing() -> None:
    change = respond(fit(toy(1.0), draws=100, seed=1), "x", points=2).change()
    assert all(one.mean == 0.0 for one in (*change.probability.values(), *change.score.values()))


def test_frames_have_a_row_for_each_level_unit_and_outcome() -> None:
    frame = respond(fit(toy(1.4), draws=100, seed=1), "x", points=2, horizon=3).to_frame()
    assert len(frame) == 2 * 2 * 2
    assert set(frame["level"].round(2)) == {1.5, 5.0}


def test_ranges_that_do_not_exist_are_refused() -> None:
    posterior = fit(toy(1.2), draws=100, seed=1)
    with pytest.raises(UnknownNameError, match="unknown indicator"):
        respond(posterior, "nothing")
    with pytest.raises(UnknownNameError, match="unknown indicator"):
        plausible_range(posterior.case, "nothing", "HHH")
    with pytest.raises(OptionError, match="no range"):
        respond(posterior, "x", points=1)
