"""Fits that go on as a record grows: against the likelihood row by row, fits from nothing, and records that do not."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.case.vintage import case_as_of
from riskcast.engines.fitting import fit
from riskcast.engines.growth import Growth, go_on, goes_on, log_likelihood
from riskcast.engines.hazard import build_event_model, log_likelihood as log_likelihood_of, model_since, tension_shocks
from riskcast.engines.posterior import Posterior
from riskcast.engines.shared import build_shared
from riskcast.record.arrays import build_record
from tests.support.cases import event_row
from tests.support.origins import tense_case

EARLY, LATER = dt.date(2020, 6, 30), dt.date(2020, 8, 31)
SETTINGS: dict[str, Any] = {"draws": 300, "seed": 1, "allow_unreliable": True, "grows": True}


def eventful_case() -> Case:
    """One event of every type lies between the two days."""
    case = tense_case(years=6)
    new = [event_row(dt.date(2020, 7, 10), kind, case.units(kind)[0]) for kind in ("quarrel", "rupture", "decree")]
    return case.revised(event_rows=(*(row for row in case.event_rows if not EARLY < row.date <= LATER), *new))


@pytest.fixture(scope="module")
def early() -> Posterior:
    return fit(case_as_of(eventful_case(), EARLY), **SETTINGS)


def growth_of(posterior: Posterior) -> Growth:
    assert isinstance(posterior.kept.growth, Growth)
    return posterior.kept.growth


def has_grown(posterior: Posterior) -> bool:
    return not posterior.kept.marks


def test_a_draw_weighs_what_its_new_rows_say(early: Posterior) -> None:
    before, later = growth_of(early), case_as_of(eventful_case(), LATER)
    record, length = build_record(later), before.record.timeline.length
    paths = go_on(before.paths, build_shared(later, record), 1)
    assert paths.g.shape[1] == before.paths.g.shape[1] + 1
    np.testing.assert_array_equal(paths.g[:, :-1], before.paths.g)
    rng = np.random.default_rng(3)
    for name, drawn in before.events.items():
        whole, told = build_event_model(later, record, name), build_event_model(before.case, before.record, name)
        rows = model_since(whole, later, record, length)
        assert len(rows.hits) == 1
        found = log_likelihood(drawn, rows, paths, before.shifts[name])
        for path, draw in zip(rng.integers(len(paths), size=4), rng.integers(len(drawn), size=4), strict=True):
            coefficients = drawn.coefficients[draw].copy()
            coefficients[0] += before.shifts[name][path, draw]
            hyper = {key: values[draw] for key, values in drawn.hyper.items()}
            d = drawn.effects[draw] / hyper["sd_dyad"] if whole.has_dyad_effects else np.zeros(0)
            shocks = tension_shocks(paths.g[path], drawn.loading[draw])
            by_hand = log_likelihood_of(whole, coefficients, shocks, d, hyper)
            by_hand -= log_likelihood_of(told, coefficients, shocks[:-1], d, hyper)
            assert found[path, draw] == pytest.approx(by_hand, abs=2e-4)


def test_a_fit_that_went_on_is_that_of_the_longer_record(early: Posterior) -> None:
    later = case_as_of(eventful_case(), LATER)
    grown, anew = fit(later, reuse=early, **SETTINGS), fit(later, **SETTINGS)
    assert has_grown(grown)
    assert not has_grown(anew)
    assert grown.is_reliable
    assert grown.shared is not None
    assert anew.shared is not None
    np.testing.assert_array_equal(grown.shared.periods, anew.shared.periods)
    pairs = [(grown.shared.tension[:, -1], anew.shared.tension[:, -1], grown.shared.ess)]
    for name, own in grown.events.items():
        other = anew.events[name]
        pairs += [(own.coefficients[:, i], other.coefficients[:, i], own.ess) for i in range(own.coefficients.shape[1])]
        pairs += [(own.shocks[:, -1], other.shocks[:, -1], own.ess)]
    for one, two, ess in pairs:
        error = np.hypot(one.std(), two.std()) / np.sqrt(min(ess, len(one)))
        assert abs(one.mean() - two.mean()) < 4.0 * error + 1e-12
        assert 0.75 * two.std() - 1e-12 <= one.std() <= 1.3 * two.std() + 1e-12


def test_it_goes_on_in_steps_as_at_once(early: Posterior) -> None:
    middle = fit(case_as_of(eventful_case(), dt.date(2020, 7, 31)), reuse=early, **SETTINGS)
    later = case_as_of(eventful_case(), LATER)
    once, steps = fit(later, reuse=early, **SETTINGS), fit(later, reuse=middle, **SETTINGS)
    assert has_grown(middle)
    assert has_grown(steps)
    for name, own in growth_of(steps).log_weights.items():
        np.testing.assert_allclose(own, growth_of(once).log_weights[name], atol=1e-3)


def test_what_says_something_else_of_its_past_is_fitted_anew(early: Posterior) -> None:
    late = event_row(dt.date(2020, 3, 5), "rupture", "HHH-P001")
    case = eventful_case()
    found = case.revised(event_rows=(*case.event_rows, late.model_copy(update={"published": dt.date(2020, 7, 20)})))
    effects = (*case.effects[:-1], case.effects[-1].model_copy(update={"rate_ratio": case.effects[0].rate_ratio}))
    for other in (found, case.revised(effects=effects)):
        later = case_as_of(other, LATER)
        again = fit(later, reuse=early, **SETTINGS)
        assert not has_grown(again)
        anew = fit(later, **SETTINGS)
        for name, own in again.events.items():
            np.testing.assert_array_equal(own.coefficients, anew.events[name].coefficients)


def test_a_period_that_was_cut_short_does_not_go_on() -> None:
    case = eventful_case()
    whole, part, later = (build_record(case_as_of(case, day)) for day in (EARLY, EARLY - dt.timedelta(days=10), LATER))
    assert goes_on(whole, later)
    assert goes_on(whole, whole)
    assert not goes_on(later, whole)
    assert not goes_on(part, later)
    name, dated = next((name, dated) for name, dated in whole.dated.items() if len(dated.unit))
    moved = {**whole.dated, name: replace(dated, latest=dated.latest + 1)}
    assert not goes_on(replace(whole, dated=moved), later)


def test_a_fit_that_shall_not_grow_has_the_digits_of_one_that_shall(early: Posterior) -> None:
    # With as many draws as a forecast has, as many paths are drawn.
    plain, growing = (
        fit(early.case, draws=1000, seed=1, allow_unreliable=True, grows=grows) for grows in (False, True)
    )
    assert plain.kept.growth is None
    assert growing.kept.growth is not None
    for name, own in plain.events.items():
        np.testing.assert_array_equal(own.coefficients, growing.events[name].coefficients)
