"""Simulated frequencies against closed forms, quadrature and the enumeration of every possible future."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from riskcast import fit, forecast
from riskcast.case.model import Case
from riskcast.engines.hazard import build_event_model, memory_columns, natural_hyper
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.futures import draw_chance
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.work_arrays import Block
from riskcast.record.arrays import build_record
from riskcast.record.memory import COUNT
from tests.support.cases import (
    assert_forecast,
    assert_mean,
    edge,
    enumerate_futures,
    event,
    event_row,
    indicator,
    make_case,
    quantity,
    random_case,
)

DRAWS = 4000


def ahead_of(
    case: Case, horizon: int = 12, scenario: str | None = None, draws: int = DRAWS, paths: int = 4
) -> Forecast:
    """A forecast in which every quantity stands at its prior, fixed in most of these cases."""
    return forecast(fit(case, draws=draws, prior_only=True), scenario, horizon=horizon, seed=7, paths=paths)


def yearly(p: float) -> float:
    """Rate per month of a yearly probability."""
    return -math.log1p(-p) / 12


def trigger(p: float, **changes: Any) -> dict[str, Any]:
    return event(quantity(p), kind="trigger", **changes)


def link(source: str, target: str, ratio: float, whose: str, acts: str = "next", **changes: Any) -> dict[str, Any]:
    return edge(source, target, quantity(ratio), whose=whose, memory="fast", acts=acts, **changes)


def test_a_constant_hazard_gives_its_closed_form_month_by_month() -> None:
    ahead = ahead_of(make_case({"a": event(quantity(0.3))}))
    months = np.arange(1, 13)
    exact = 1 - (1 - 0.3) ** (months / 12)
    assert_mean(ahead.simulated.probability["a"], 0.3)
    for column in range(3):
        found = ahead.simulated.by_period["a"][:, column]
        error = np.sqrt(exact * (1 - exact) / (DRAWS * 4))
        np.testing.assert_array_less(np.abs(found - exact), 5 * error)


@pytest.mark.parametrize(("period", "per_year"), [("quarter", 4), ("year", 1)])
def test_a_base_rate_is_yearly_whatever_the_period(period: str, per_year: int) -> None:
    ahead = ahead_of(make_case({"a": event(quantity(0.3))}, period=period), horizon=per_year)
    assert_mean(ahead.simulated.probability["a"], 0.3)


def test_the_score_of_independent_outcomes_has_its_closed_form() -> None:
    case = make_case({"mild": event(quantity(0.6), severity=20.0), "grave": event(quantity(0.2), severity=80.0)})
    ahead = ahead_of(case)
    exact = 100 * (1 - (1 - 0.8 * 0.2) * (1 - 0.2 * 0.6))
    assert_mean(ahead.simulated.score, exact)
    # Nothing feeds on anything: the control variate leaves nothing to chance.
    np.testing.assert_allclose(ahead.simulated.score, exact, rtol=1e-5)


def test_a_self_exciting_trigger_is_solved_over_all_its_histories() -> None:
    edges = [link("spark", "spark", 4.0, "own"), link("spark", "a", 5.0, "own")]
    case = make_case({"spark": trigger(0.8), "a": event(quantity(0.3))}, edges, partners=1, half_life=quantity(1.5))
    horizon, exact = 10, 0.0
    for history in itertools.product((0.0, 1.0), repeat=horizon):
        memory = COUNT.columns(np.array(history)[:, None], 1.5, same_period=False)[:, 0]
        chance = -np.expm1(-yearly(0.8) * 4.0**memory)
        weight = np.where(np.array(history) > 0, chance, 1 - chance).prod()
        exact += weight * -math.expm1(-(yearly(0.3) * 5.0**memory).sum())
    assert exact > 0.4  # without escalation: 0.26
    assert_mean(ahead_of(case, horizon).simulated.probability["a"], exact)


def test_an_edge_within_the_month_has_its_closed_form() -> None:
    case = make_case(
        {"b": event(quantity(0.2)), "a": trigger(0.7)}, [link("a", "b", 6.0, "own", "same")], half_life=quantity(2.0)
    )
    p, rate = 1 - math.exp(-yearly(0.7)), yearly(0.2)
    exact = p * (1 - math.exp(-rate * 6.0)) + (1 - p) * (1 - math.exp(-rate))
    assert_mean(ahead_of(case, 1, draws=20_000).simulated.probability["b"], exact)
    alone = make_case(
        {"b": event(quantity(0.2)), "a": trigger(0.7)},
        [link("a", "b", 6.0, "own", "same")],
        partners=1,
        half_life=quantity(2.0),
    )
    assert_forecast(ahead_of(alone, 6), enumerate_futures(alone, 6))


RECENT = (
    event_row(dt.date(2020, 11, 20), "a", "HHH-P001"),
    event_row(dt.date(2020, 12, 20), "a", "HHH-P002"),
    event_row(dt.date(2020, 6, 2), "b", "HHH-P001"),
)


@pytest.mark.parametrize("rows", [(), RECENT])
@pytest.mark.parametrize("acts", ["next", "same"])
def test_spillover_between_two_dyads_is_that_of_the_enumeration(acts: str, rows: tuple) -> None:
    edges = [
        link("a", "a", 3.0, "others"),
        link("a", "a", 1.5, "own", path="own"),
        link("a", "b", 5.0, "others", acts),
    ]
    events = {"a": event(quantity(0.8), severity=30.0), "b": event(quantity(0.4), severity=70.0)}
    case = make_case(events, edges, partners=2, rows=rows)
    assert_forecast(ahead_of(case, 4), enumerate_futures(case, 4))


@pytest.mark.parametrize("acts", ["next", "same"])
def test_events_shared_by_all_dyads_are_those_of_the_enumeration(acts: str) -> None:
    events = {
        "spark": trigger(0.7),
        "decree": event(quantity(0.5), scope="host", severity=40.0),
        "a": event(quantity(0.4), severity=60.0),
    }
    edges = [
        link("spark", "decree", 4.0, "any", acts),
        link("decree", "a", 5.0, "host", acts),
        link("a", "decree", 0.5, "any"),
        link("decree", "decree", 2.0, "own"),
    ]
    rows = (event_row(dt.date(2020, 12, 20), "decree", "HHH"),)
    case = make_case(events, edges, partners=2, rows=rows)
    assert_forecast(ahead_of(case, 3), enumerate_futures(case, 3))


def test_two_memories_of_different_length_each_keep_their_own() -> None:
    edges = [
        link("a", "b", 3.0, "own"),
        edge("a", "b", quantity(2.0), whose="own", memory="slow", acts="next", path="slow"),
    ]
    case = make_case(
        {"a": trigger(0.8), "b": event(quantity(0.5))}, [edges[0]], partners=1, half_life=quantity(0.7), rows=RECENT[:1]
    )
    plain = case.model_dump(by_alias=True)
    plain["settings"]["memories"]["slow"] = {"label": "Slow", "half_life": quantity(9.0)}
    plain["effects"] = edges
    case = Case.model_validate(plain)
    assert_forecast(ahead_of(case, 6), enumerate_futures(case, 6))


def test_assumed_events_are_certain_and_drive_the_others() -> None:
    edges = [link("a", "b", 5.0, "own", "same"), link("a", "a", 3.0, "others"), link("b", "a", 2.0, "own")]
    storm = {"label": "Storm", "story": "It comes.", "events": [{"event": "a", "dyads": ["HHH-P001"], "month": 2}]}
    case = make_case(
        {"a": event(quantity(0.6), severity=30.0), "b": event(quantity(0.4), severity=70.0)},
        edges,
        partners=2,
        scenarios={"storm": storm},
    )
    ahead = ahead_of(case, 4, "storm")
    assert (ahead.simulated.probability["a"][:, 0] == 1.0).all()
    assert (ahead.simulated.by_period["a"][1:, 0] == 1.0).all()
    assert 0 < ahead.simulated.by_period["a"][0, 0] < 1
    assert ahead.simulated.score[:, 0].mean() > 30.0
    assert ahead.happens("a", "HHH-P001")
    assert ahead.is_assumed("a", "HHH-P001")
    assert not ahead.is_assumed("a", "HHH-P002")
    assert_forecast(ahead, enumerate_futures(case, 4, assumed=frozenset({(1, "a", 0)})))


def test_assumed_events_for_all_dyads_and_for_the_host_are_certain_too() -> None:
    storm = {
        "label": "Storm",
        "story": "It comes.",
        "events": [{"event": "spark", "month": 1}, {"event": "decree", "month": 3}],
    }
    events = {"spark": trigger(0.3), "decree": event(quantity(0.3), scope="host", severity=40.0)}
    case = make_case(events, [link("spark", "decree", 4.0, "any")], partners=2, scenarios={"storm": storm})
    ahead = ahead_of(case, 4, "storm")
    assumed = frozenset({(0, "spark", 0), (0, "spark", 1), (2, "decree", 0)})
    assert_forecast(ahead, enumerate_futures(case, 4, assumed=assumed))
    assert (ahead.simulated.probability["decree"] == 1.0).all()


@pytest.mark.parametrize("acts", ["next", "same"])
def test_what_is_assumed_not_to_happen_does_not_and_nothing_feels_it(acts: str) -> None:
    edges = [link("a", "b", 5.0, "own", acts), link("a", "a", 3.0, "others"), link("b", "a", 2.0, "own")]
    calm = {
        "label": "Calm",
        "story": "It stays away.",
        "events": [
            {"event": "a", "dyads": ["HHH-P001"], "happens": False, "month": 2, "until": 3},
            {"event": "b", "dyads": ["HHH-P002"], "happens": False},
            {"event": "b", "dyads": ["HHH-P001"], "month": 4},
        ],
    }
    case = make_case(
        {"a": event(quantity(0.6), severity=30.0), "b": event(quantity(0.4), severity=70.0)},
        edges,
        partners=2,
        rows=RECENT,
        scenarios={"calm": calm},
    )
    ahead = ahead_of(case, 4, "calm")
    excluded = {(1, "a", 0), (2, "a", 0), *((t, "b", 1) for t in range(4))}
    exact = enumerate_futures(case, 4, assumed=frozenset({(3, "b", 0)}), excluded=frozenset(excluded))
    assert_forecast(ahead, exact)
    found = ahead.simulated.by_period["a"][:, 0]
    np.testing.assert_allclose(found[:3], found[0])
    assert found[3] > found[2]
    assert (ahead.simulated.probability["b"][:, 1] == 0.0).all()
    assert (ahead.simulated.by_period["b"][:, 1] == 0.0).all()
    assert ahead.is_ruled_out("b", "HHH-P002")
    assert ahead.is_assumed("b", "HHH-P002")
    assert not ahead.is_ruled_out("a", "HHH-P001")
    assert not ahead.is_assumed("a", "HHH-P001")


def test_a_shared_event_that_is_ruled_out_is_felt_by_nobody() -> None:
    events = {"decree": event(quantity(0.9), scope="host", severity=40.0), "a": event(quantity(0.4), severity=60.0)}
    calm = {"label": "Calm", "story": "None.", "events": [{"event": "decree", "happens": False}]}
    case = make_case(events, [link("decree", "a", 8.0, "host", "same")], partners=2, scenarios={"calm": calm})
    ahead = ahead_of(case, 12, "calm")
    assert (ahead.simulated.probability["decree"] == 0.0).all()
    assert_mean(ahead.simulated.probability["a"], 0.4)
    assert_mean(ahead.simulated.score, 24.0)


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "b", "a")])
@pytest.mark.parametrize("acts", ["next", "same"])
def test_an_implied_outcome_counts_where_it_stands_alone(acts: str, order: tuple[str, ...]) -> None:
    """Of three, each implies the next; ids change places, so that what implies is drawn first or last."""
    top, middle, low = order
    events = {
        top: event(quantity(0.5), severity=60.0),
        middle: event(quantity(0.7), severity=30.0, implied_by=(top,)),
        low: event(quantity(0.9), severity=20.0, implied_by=(middle,)),
    }
    edges = [link(top, low, 6.0, "own", acts), link(middle, middle, 3.0, "own"), link(low, top, 2.0, "own")]
    case = make_case(events, edges, partners=1, rows=RECENT[:1])
    assert case.implied_by == {middle: (top,), low: (top, middle)}
    ahead = ahead_of(case, 4, paths=8)
    exact = enumerate_futures(case, 4)
    assert_forecast(ahead, exact)
    plain = make_case({n: {**e, "implied_by": ()} for n, e in events.items()}, edges, partners=1, rows=RECENT[:1])
    assert exact.score[0] < enumerate_futures(plain, 4).score[0] - 0.3


GRID = np.linspace(-8, 8, 4001)
MASS = norm.pdf(GRID) / norm.pdf(GRID).sum()


def test_spread_between_dyads_is_averaged_as_by_quadrature() -> None:
    case = make_case({"a": event(quantity(0.3))}, sd_dyad=quantity(1.2))
    exact = MASS @ -np.expm1(-12 * yearly(0.3) * np.exp(1.2 * GRID))
    assert_mean(ahead_of(case).simulated.probability["a"], exact)


def test_year_shocks_of_a_new_year_are_averaged_as_by_quadrature() -> None:
    case = make_case({"a": event(quantity(0.3))}, sd_time=quantity(0.9), persistence=quantity(0.6))
    found = ahead_of(case, 24).simulated
    one = MASS @ -np.expm1(-12 * yearly(0.3) * np.exp(0.9 * GRID))
    coarse = np.linspace(-6, 6, 401)
    mass = norm.pdf(coarse) / norm.pdf(coarse).sum()
    first, second = np.meshgrid(coarse, coarse, indexing="ij")
    later = 0.6 * first + math.sqrt(1 - 0.36) * second
    both = mass @ -np.expm1(-12 * yearly(0.3) * (np.exp(0.9 * first) + np.exp(0.9 * later))) @ mass
    assert_mean(found.probability["a"], both)
    assert found.by_period["a"][11].mean() == pytest.approx(one, abs=5 * math.sqrt(one * (1 - one) / DRAWS))


def test_year_shocks_ahead_have_the_covariance_of_the_model() -> None:
    case = make_case({"a": event(quantity(0.3))}, sd_time=quantity(0.9), persistence=quantity(0.6))
    count = 20_000
    plan = plan_simulation(fit(case, draws=count, prior_only=True), 36, 1)
    drawn = draw_chance(plan, resolve_scenario(case, None)[1], Block(np.arange(count), 0)).shocks.shocks["a"]
    assert all((drawn[t] == drawn[t - t % 12]).all() for t in range(36))
    last = plan.events[0].last_shock
    found = np.cov([last, *(drawn[t][:, 0] for t in (0, 12, 24))])
    years = np.arange(4)
    wanted = 0.81 * 0.6 ** np.abs(years[:, None] - years)
    error = np.sqrt((0.81**2 + wanted**2) / count)
    np.testing.assert_array_less(np.abs(found - wanted), 5 * error)


def test_the_shock_of_a_year_that_is_under_way_goes_on_unchanged() -> None:
    case = make_case(
        {"a": event(quantity(0.3))}, sd_time=quantity(0.9), persistence=quantity(0.6), as_of=dt.date(2020, 6, 30)
    )
    ahead = ahead_of(case, 1)
    shock = ahead.posterior.events["a"].shocks[:, -1]
    exact = -np.expm1(-yearly(0.3) * np.exp(shock))
    np.testing.assert_allclose(ahead.simulated.probability["a"], np.repeat(exact[:, None], 3, axis=1), rtol=1e-5)


def test_uncertain_levels_of_today_and_their_drift_are_averaged_as_by_quadrature() -> None:
    mood = indicator(now=quantity(1.0, 0.0, 2.0), drift=quantity(1.5), step=2.0)
    case = make_case({"a": event(quantity(0.3))}, [edge("mood", "a", quantity(2.0))], {"mood": mood})
    spread = math.sqrt((1 / 1.6448536 / 2) ** 2 + 1.5**2 / 12)
    exact = MASS @ -np.expm1(-yearly(0.3) * 2.0 ** (0.5 + spread * GRID))
    assert_mean(ahead_of(case, 1, paths=2).simulated.probability["a"], exact)


def test_drift_is_a_random_walk_in_steps_with_its_yearly_spread() -> None:
    case = make_case(
        {"a": event(quantity(0.3))}, [edge("mood", "a", quantity(2.0))], {"mood": indicator(drift=quantity(0.8))}
    )
    plan = plan_simulation(fit(case, draws=200, prior_only=True), 12, 1)
    draws = np.zeros(20_000, dtype=int)
    levels = draw_chance(plan, resolve_scenario(case, None)[1], Block(draws, 0)).levels["mood"][:, :, 0]
    months = np.arange(1, 13)
    wanted = 0.64 * np.minimum.outer(months, months) / 12
    # Standard error of a covariance: sqrt((variance product + covariance squared) / n).
    error = np.sqrt((np.multiply.outer(np.diag(wanted), np.diag(wanted)) + wanted**2) / len(draws))
    np.testing.assert_array_less(np.abs(np.cov(levels) - wanted), 5 * error)


def test_levels_stay_within_their_bounds() -> None:
    mood = indicator(now=quantity(0.5), drift=quantity(5.0), bounds=(0.0, 1.0))
    case = make_case({"a": event(quantity(0.3))}, [edge("mood", "a", quantity(2.0))], {"mood": mood})
    plan = plan_simulation(fit(case, draws=200, prior_only=True), 12, 1)
    levels = draw_chance(plan, resolve_scenario(case, None)[1], Block(np.arange(200), 0)).levels["mood"]
    assert levels.min() == 0.0
    assert levels.max() == 1.0


@pytest.mark.parametrize("acts", ["next", "same"])
def test_the_record_goes_over_into_the_simulation_without_a_seam(acts: str) -> None:
    """The first simulated month is the last row of a record that is one month longer and in which nothing happened."""
    edges = [
        link("a", "b", 3.0, "own", acts),
        link("a", "b", 1.7, "others", acts, path="spill"),
        link("b", "b", 2.0, "own"),
    ]
    events = {"a": trigger(1e-9), "b": event(quantity(0.3))}
    case = make_case(events, edges, partners=2, rows=RECENT, half_life=quantity(2.5))
    later = make_case(events, edges, partners=2, rows=RECENT, half_life=quantity(2.5), as_of=dt.date(2021, 1, 31))
    later = later.revised(settings=later.settings.model_copy(update={"history_from": case.settings.history_from}))
    record = build_record(later)
    assert record.timeline.length == build_record(case).timeline.length + 1
    model = build_event_model(later, record, "b")
    rows = model.free.join(model.hits)
    columns = np.concatenate([rows.x, memory_columns(model, rows, natural_hyper(model, {}))], axis=1)
    last = rows.period == record.timeline.length - 1
    exact = -np.expm1(-np.exp(columns[last] @ model.middle))
    assert len(exact) == 2
    assert exact.min() > 1.5 * yearly(0.3)
    found = ahead_of(case, 1, draws=100).simulated.probability["b"]
    np.testing.assert_allclose(found, np.broadcast_to(exact, found.shape), rtol=1e-5)


@pytest.mark.parametrize("acts", ["next", "same"])
def test_a_later_start_after_a_quiet_month_is_the_same_future(acts: str) -> None:
    """Months 2 to 5 of a forecast in which month 1 stays quiet are months 1 to 4 of a forecast made one month later."""
    edges = [link("a", "b", 3.0, "own", acts), link("b", "b", 2.0, "own")]
    events = {"a": trigger(1e-9), "b": event(quantity(0.3))}
    early = make_case(events, edges, partners=1, rows=RECENT[:1])
    late = make_case(events, edges, partners=1, rows=RECENT[:1], as_of=dt.date(2021, 1, 31))
    by_month = ahead_of(early, 5).simulated.by_period["b"][:, 0]
    given_quiet = (by_month[1:] - by_month[0]) / (1 - by_month[0])
    found = ahead_of(late, 4).simulated.by_period["b"][:, 0]
    error = np.sqrt(found * (1 - found) * 2 / (DRAWS * 4))
    np.testing.assert_array_less(np.abs(found - given_quiet), 5 * error)


def test_simulated_memories_are_those_of_the_fit_for_every_draw() -> None:
    case = random_case(4)
    posterior = fit(case, draws=100)
    plan = plan_simulation(posterior, 3, 1)
    for p in plan.events:
        model = posterior.models[p.event]
        for escalation, planned in zip(model.escalations, p.edges, strict=True):
            longer = np.concatenate([escalation.seen, np.zeros((1, escalation.seen.shape[1]))])
            half_life = posterior.events[p.event].hyper[f"half_life.{escalation.memory}"]
            wanted = COUNT.columns(longer, half_life, escalation.same_period)[:, -1]
            left = planned.start * (planned.decay[:, None] if escalation.same_period else 1.0)
            found = np.broadcast_to(np.log2(1 + left), wanted.shape)
            # The simulation works in single precision.
            np.testing.assert_allclose(found, wanted, atol=1e-6)
