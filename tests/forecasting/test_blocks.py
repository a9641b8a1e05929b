"""Whole blocks against the definition, one unit and one quantity at a time; work as counts, not as seconds."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import norm

from riskcast import contrast, fit, forecast, score
from riskcast.case.model import Scenario
from riskcast.forecasting.blocks import Averages, estimate_all
from riskcast.forecasting.estimates import Estimate, span, summarise
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats
from tests.support.cases import event, make_case, quantity, random_case
from tests.support.smallpanel import GONE, PRESENT, panel_case

Numbers = tuple[float, float, float]


def by_definition(
    draws: Floats, error: Floats, chances: Floats, headline: float, floor: float, ceiling: float
) -> Numbers:
    """Mean and interval of one quantity in one unit: draws, error (draws,), chances (draws, event types)."""
    centred = chances - chances.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    basis = left[:, sizes > 1e-8 * max(sizes.max(initial=0.0), 1e-300)]
    mean, noise = float(draws.mean()), np.square(error.astype(float)).mean()
    fitted = basis @ (basis.T @ (draws - mean))
    rest = draws - mean - fitted
    kept = np.sqrt(max(0.0, 1.0 - noise / rest.var())) if rest.var() > 0.0 else 0.0
    held = np.clip(mean + fitted, draws.min(), draws.max())
    low, high = np.quantile((1.0 - kept) * held + kept * draws, [0.05, 0.95])
    blur = norm.ppf(0.95) * np.sqrt(noise / len(draws))
    down, up = (
        room * (1.0 - np.exp(-blur / room)) if room > 0 else 0.0 for room in (headline - floor, ceiling - headline)
    )
    return headline, min(low, headline - down), max(high, headline + up)


def numbers(estimate: Estimate) -> Numbers:
    return estimate.mean, estimate.low, estimate.high


def chances_of(ahead: Forecast, dyad: int) -> Floats:
    """Chances of all event types, were all to stay as it is at its start, one type after the other: (draws, types)."""
    plan, columns = ahead.plan, []

    def at(values: Floats) -> Floats:
        return values[:, dyad if values.shape[1] > 1 else 0]

    for p in plan.events:
        eta = at(p.base()) + p.last_shock
        for name, slope in p.slopes:
            eta = eta + slope * at(plan.today[name])
        for edge in p.edges:
            eta = eta + edge.gain * np.log(1.0 + at(edge.start))
        columns.append(-np.expm1(-plan.shares.sum() * np.exp(np.minimum(eta, 50.0))))
    return np.stack(columns, axis=1)


def panel_forecast() -> Forecast:
    return forecast(fit(panel_case(), draws=150, allow_unreliable=True), horizon=3)


@pytest.fixture(scope="module", params=["all", "one dyad", "panel"])
def ahead(request: pytest.FixtureRequest) -> Forecast:
    if request.param == "panel":
        return panel_forecast()
    partners = 1 if request.param == "one dyad" else 4
    return forecast(fit(random_case(3, partners=partners), draws=150, allow_unreliable=True), "storm")


def place(ahead: Forecast, unit: str) -> int:
    return ahead.case.dyads.index(unit) if unit in ahead.case.dyads else 0


def test_every_estimate_is_that_of_its_definition(ahead: Forecast) -> None:
    simulated = ahead.simulated
    for name in ahead.case.events:
        for unit in ahead.units(name):
            at = ahead.case.units(name).index(unit)
            drawn = simulated.probability[name][:, at], simulated.probability_error[name][:, at]
            headline = simulated.by_period[name][-1, at]
            wanted = by_definition(*drawn, chances_of(ahead, place(ahead, unit)), headline, 0.0, 1.0)
            assert numbers(ahead.probability(name, unit)) == pytest.approx(wanted, abs=1e-12)
    for dyad in ahead.dyads:
        at = place(ahead, dyad)
        drawn = simulated.score[:, at], simulated.score_error[:, at]
        wanted = by_definition(*drawn, chances_of(ahead, at), simulated.mean_score[at], 0.0, 100.0)
        assert numbers(ahead.score(dyad)) == pytest.approx(wanted, abs=1e-10)


def test_every_difference_is_that_of_its_definition(ahead: Forecast) -> None:
    calm = Scenario(label="Calm", story="As it is.")
    moves = [{"indicator": "mood", "shift": 1.0}]
    rise = Scenario.model_validate({"label": "Rise", "story": "It rises.", "indicators": moves})
    one, two = (forecast(ahead.posterior, each, horizon=3, paths=4) for each in (calm, rise))
    change = contrast(two, one)
    assert list(change.probability) == [(name, unit) for name in one.case.events for unit in one.units(name)]
    assert list(change.score) == list(one.dyads)
    for (name, unit), found in change.probability.items():
        at, (a, b) = one.case.units(name).index(unit), (one.simulated, two.simulated)
        moved = (b.probability[name] - a.probability[name])[:, at]
        error = (b.probability_error[name] - a.probability_error[name])[:, at]
        headline = (b.by_period[name] - a.by_period[name])[-1, at]
        wanted = by_definition(moved, error, chances_of(one, place(one, unit)), headline, -1.0, 1.0)
        assert numbers(found) == pytest.approx(wanted, abs=1e-12)
    for dyad, found in change.score.items():
        at, (a, b) = place(one, dyad), (one.simulated, two.simulated)
        drawn = (b.score - a.score)[:, at], (b.score_error - a.score_error)[:, at]
        wanted = by_definition(*drawn, chances_of(one, at), (b.mean_score - a.mean_score)[at], -100.0, 100.0)
        assert numbers(found) == pytest.approx(wanted, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    units=st.integers(1, 5),
    draws=st.integers(2, 40),
    columns=st.integers(1, 6),
    rank=st.integers(0, 4),
    noise=st.sampled_from([0.0, 0.01, 1.0]),
)
def test_a_block_is_its_units_one_by_one(
    seed: int, units: int, draws: int, columns: int, rank: int, noise: float
) -> None:
    rng = np.random.default_rng(seed)
    chances = rng.random((units, draws, rank)) @ rng.random((units, rank, columns))
    values, error = rng.uniform(0.1, 0.9, (units, draws)), noise * rng.normal(size=(units, draws))
    means = rng.uniform(0.1, 0.9, units)
    found = summarise(values, error, span(chances), means, 0.1, 0.9)
    assert len(found) == units
    for unit, estimate in enumerate(found):
        wanted = by_definition(values[unit], error[unit], chances[unit], means[unit], 0.1, 0.9)
        assert numbers(estimate) == pytest.approx(wanted, abs=1e-9)
        assert 0.1 <= estimate.low <= estimate.mean <= estimate.high <= 0.9
        assert estimate == found[unit]


@settings(deadline=None)
@given(values=st.lists(st.integers(-1000, 1000), min_size=1, max_size=60))
def test_without_chance_the_interval_is_made_of_quantiles_to_the_last_digit(values: list[int]) -> None:
    drawn = np.array([values]) / 64.0
    for basis in (None, np.zeros((1, 1, len(values)))):
        (found,) = summarise(drawn, np.zeros_like(drawn), basis, drawn.mean(axis=1), -20.0, 20.0)
        low, high = np.quantile(drawn[0], [0.05, 0.95])
        assert found.low == pytest.approx(min(low, drawn[0].mean()), rel=1e-14)
        assert found.high == pytest.approx(max(high, drawn[0].mean()), rel=1e-14)


def test_the_size_of_blocks_does_not_change_a_digit(ahead: Forecast) -> None:
    quantities: dict[str, Averages] = {
        name: Averages(partial(ahead.averages, name), 0.0, 1.0, found.scope == "host")
        for name, found in ahead.case.events.items()
    }
    for cells in (1, 2 * ahead.plan.draws * len(ahead.plan.events)):
        cut = estimate_all(ahead.plan, ahead.columns, quantities, cells)
        for name, found in cut.items():
            for end in ("mean", "low", "high"):
                np.testing.assert_array_equal(getattr(found, end), getattr(ahead.estimates[name], end))


def test_numbers_of_one_unit_are_views_of_the_block(ahead: Forecast) -> None:
    risk, frame, data = score(ahead), ahead.to_frame().set_index(["event", "dyad"]), ahead.to_dataset()
    for name in ahead.case.events:
        for unit, one in zip(ahead.units(name), ahead.estimates[name], strict=True):
            assert ahead.probability(name, unit) == one
            assert tuple(frame.loc[(name, unit), ["probability", "low", "high"]]) == numbers(one)
            which = {"dyad": unit, "event": name} if name in data.coords.get("event", []) else {"shared_event": name}
            front = "" if "event" in which else "shared_"
            assert tuple(data[f"{front}probability"].sel(which).to_numpy()) == numbers(one)
            assert data[f"{front}by_period"].sel(which).to_numpy().tolist() == ahead.by_period(name, unit)
    for dyad, one in zip(risk.dyads, ahead.scores, strict=True):
        assert dyad.score == ahead.score(dyad.id) == one
        assert tuple(data["score"].sel(dyad=dyad.id).to_numpy()) == numbers(one)
        for outcome in dyad.outcomes:
            assert outcome.probability == ahead.probability(outcome.id, dyad.id)
            assert outcome.by_period == tuple(ahead.by_period(outcome.id, dyad.id))
    with pytest.raises(ValueError, match="read-only"):
        ahead.scores.mean[0] = 0.0


def test_dyads_that_are_gone_have_no_column() -> None:
    ahead = panel_forecast()
    assert GONE in ahead.case.dyads
    assert ahead.dyads == PRESENT
    assert [ahead.case.dyads[i] for i in ahead.columns] == list(PRESENT)
    assert len(ahead.scores) == len(PRESENT) == len(score(ahead).dyads)


def test_assumed_events_are_told_of_the_dyads_that_are_named() -> None:
    case = make_case({"a": event(quantity(0.3)), "b": event(quantity(0.2)), "c": event(quantity(0.2), scope="host")})
    assumed = [
        {"event": "a", "dyads": ["HHH-P002"], "month": 1},
        {"event": "a", "dyads": ["HHH-P003"], "month": 2},
        {"event": "c", "month": 1},
    ]
    storm = Scenario.model_validate({"label": "S", "story": "S.", "events": assumed})
    ahead = forecast(fit(case, draws=100, prior_only=True), storm)
    found = {(name, unit): ahead.is_assumed(name, unit) for name in case.events for unit in ahead.units(name)}
    assert [key for key, given in found.items() if given] == [("a", "HHH-P002"), ("a", "HHH-P003"), ("c", "HHH")]


@pytest.fixture
def factored(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes that singular values are asked of, as they are asked."""
    shapes: list[tuple[int, ...]] = []
    whole = np.linalg.svd

    def counted(values: Any, *given: Any, **options: Any) -> Any:
        shapes.append(np.shape(values))
        return whole(values, *given, **options)

    monkeypatch.setattr(np.linalg, "svd", counted)
    return shapes


@pytest.mark.parametrize(("dyads", "outcomes"), [(3, 1), (3, 6), (40, 6)])
def test_every_dyad_is_factored_once_whatever_is_asked(
    factored: list[tuple[int, ...]], dyads: int, outcomes: int
) -> None:
    events = {f"e{number}": event(quantity(0.3, 0.1, 0.6)) for number in range(outcomes)}
    ahead = forecast(fit(make_case(events, partners=dyads), draws=100, prior_only=True))
    assert not factored
    score(ahead)
    for name, dyad in itertools.product(events, ahead.dyads):
        ahead.probability(name, dyad)
        ahead.score(dyad)
    ahead.to_frame()
    score(ahead)
    assert factored == [(dyads, 100, outcomes)]
    contrast(forecast(ahead.posterior, horizon=6), forecast(ahead.posterior, horizon=6))
    assert factored == [(dyads, 100, outcomes)]


def test_no_block_is_larger_than_asked(factored: list[tuple[int, ...]]) -> None:
    events = {name: event(quantity(0.3, 0.1, 0.6)) for name in ("a", "b")}
    ahead = forecast(fit(make_case(events, partners=23), draws=100, prior_only=True))
    estimate_all(ahead.plan, ahead.columns, {"a": Averages(partial(ahead.averages, "a"), 0.0, 1.0)}, cells=1000)
    assert [shape[0] for shape in factored] == [5, 5, 5, 5, 3]
