"""Shapley values against brute force over all orders and against closed forms of the score."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import numpy as np
import pytest

from riskcast import explain, fit, forecast
from riskcast.case.model import Case
from riskcast.errors import UnknownNameError
from riskcast.forecasting import attribution
from riskcast.forecasting.attribution import Explanation
from riskcast.forecasting.futures import draw_chance, simulate_futures
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.remembered import remembered_events
from riskcast.forecasting.work_arrays import Active, Block
from riskcast.record.arrays import build_record
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, random_case

HORIZON, SEVERITY, RATE = 12, 80.0, -math.log1p(-0.3) / 12
SPARK = (event_row(dt.date(2020, 11, 20), "spark", "HHH-P001"),)


def closed_case(second: float = 1.0) -> Case:
    """One outcome that nothing random drives: two indicators away from reference, and the memory of one spark."""
    indicators = {
        "mood": indicator(now=quantity(1.0)),
        "trade": indicator(now=quantity(second)),
        "idle": indicator(now=quantity(3.0)),
        "calm": indicator(),
    }
    effects = [
        edge("mood", "a", quantity(2.0)),
        edge("trade", "a", quantity(2.0)),
        edge("calm", "a", quantity(2.0)),
        edge("spark", "a", quantity(4.0), whose="own", memory="fast", acts="next"),
    ]
    events = {"spark": event(quantity(1e-9), kind="trigger"), "a": event(quantity(0.3), severity=SEVERITY)}
    return make_case(events, effects, indicators, partners=2, rows=SPARK)


def exact_score(on: frozenset[str], second: float, dyad: int) -> float:
    """Score with some drivers switched on: severity times 1 - exp(-sum of rates), half-life three months."""
    total = 0.0
    for month in range(HORIZON):
        gap = month + 1 if dyad == 0 else math.inf
        memory = math.log2(1 + 2.0 ** (-gap / 3.0)) if "recent:spark" in on else 0.0
        steps = ("mood" in on) + second * ("trade" in on)
        total += RATE * 2.0**steps * 4.0**memory
    return SEVERITY * -math.expm1(-total)


def exact_shapley(second: float, dyad: int) -> dict[str, float]:
    drivers = ("mood", "trade", "recent:spark")
    out = dict.fromkeys(drivers, 0.0)
    orders = list(itertools.permutations(drivers))
    for order in orders:
        for place, driver in enumerate(order):
            before = frozenset(order[:place])
            gain = exact_score(before | {driver}, second, dyad) - exact_score(before, second, dyad)
            out[driver] += gain / len(orders)
    return out


def explained(case: Case, draws: int = 6000, paths: int = 6000) -> Explanation:
    return explain(forecast(fit(case, draws=draws, prior_only=True), horizon=HORIZON, paths=2), paths=paths)


@pytest.mark.parametrize("second", [1.0, 2.0])
def test_contributions_are_the_brute_force_shapley_values_of_the_closed_form(second: float) -> None:
    found = explained(closed_case(second))
    for column, dyad in enumerate(("HHH-P001", "HHH-P002")):
        exact = exact_shapley(second, column)
        points = {c.id: c for c in found.contributions[dyad]}
        assert set(points) == set(exact)
        for driver, value in exact.items():
            assert points[driver].points == pytest.approx(value, abs=5 * points[driver].error + 1e-4)
            assert points[driver].error < 1.0
        assert found.score[dyad] == pytest.approx(exact_score(frozenset(exact), second, column), abs=1.0)
        reference = exact_score(frozenset(), second, column)
        error = math.sqrt(sum(c.error**2 for c in points.values()))
        assert found.reference[dyad] == pytest.approx(reference, abs=5 * error + 0.5)


def test_a_probability_is_split_into_its_brute_force_shapley_values() -> None:
    found = explain(
        forecast(fit(closed_case(2.0), draws=3000, prior_only=True), horizon=HORIZON, paths=2), "a", paths=6000
    )
    assert found.of == "a"
    for column, dyad in enumerate(("HHH-P001", "HHH-P002")):
        exact = {driver: 100.0 * value / SEVERITY for driver, value in exact_shapley(2.0, column).items()}
        points = {c.id: c for c in found.contributions[dyad]}
        assert set(points) == set(exact)
        for driver, value in exact.items():
            assert points[driver].points == pytest.approx(value, abs=5 * points[driver].error + 1e-4)
        total = found.reference[dyad] + math.fsum(c.points for c in points.values())
        assert total == pytest.approx(found.score[dyad], abs=1e-9)
        assert found.score[dyad] == pytest.approx(
            100.0 * exact_score(frozenset(exact), 2.0, column) / SEVERITY, abs=1.5
        )
    with pytest.raises(UnknownNameError, match="did you mean 'a'"):
        explain(forecast(fit(closed_case(), draws=100, prior_only=True), horizon=HORIZON, paths=2), "aa")


def test_intervals_of_contributions_are_those_of_what_is_not_known() -> None:
    """One driver whose effect is uncertain: its points rise with the effect, and so do their quantiles."""
    low, high = 1.2, 3.5
    effects = [edge("mood", "a", quantity(2.0, low, high))]
    case = make_case({"a": event(quantity(0.3), severity=SEVERITY)}, effects, {"mood": indicator(now=quantity(1.0))})
    found = explain(forecast(fit(case, draws=1000, prior_only=True), horizon=HORIZON, paths=2), paths=2000)
    for own in found.contributions.values():
        [mood] = own
        assert mood.interval is not None
        for end, ratio in ((mood.interval.low, low), (mood.interval.high, high)):
            exact = SEVERITY * (math.exp(-HORIZON * RATE) - math.exp(-HORIZON * RATE * ratio))
            assert end == pytest.approx(exact, abs=2.5)
    known = explained(closed_case())
    for contribution in known.contributions["HHH-P001"]:
        assert contribution.interval is not None
        assert contribution.interval.low <= contribution.points <= contribution.interval.high
        assert contribution.interval.high - contribution.interval.low < 2.5
    frame = found.to_frame()
    assert ((frame["low"] <= frame["points"]) & (frame["points"] <= frame["high"])).all()


def test_drivers_without_an_edge_or_at_their_reference_get_nothing() -> None:
    drivers = {c.id for c in explained(closed_case(), 200, 200).contributions["HHH-P001"]}
    assert drivers == {"mood", "trade", "recent:spark"}


def test_alike_drivers_get_alike_shares_and_a_dyad_without_a_memory_none_of_it() -> None:
    found = explained(closed_case())
    for own in found.contributions.values():
        points = {c.id: c for c in own}
        gap = abs(points["mood"].points - points["trade"].points)
        assert gap < 5 * math.hypot(points["mood"].error, points["trade"].error)
        assert points["mood"].points > 5.0
    elsewhere = {c.id: c for c in found.contributions["HHH-P002"]}
    assert (elsewhere["recent:spark"].points, elsewhere["recent:spark"].error) == (0.0, 0.0)


@pytest.mark.parametrize("scenario", [None, "storm"])
def test_contributions_add_up_to_the_score_less_the_reference(scenario: str | None) -> None:
    ahead = forecast(fit(random_case(2), draws=200), scenario)
    found = explain(ahead, paths=100)
    for column, dyad in enumerate(ahead.case.dyads):
        total = math.fsum(c.points for c in found.contributions[dyad])
        assert found.reference[dyad] + total == pytest.approx(found.score[dyad], abs=1e-9)
        assert found.score[dyad] == pytest.approx(ahead.simulated.score[:, column].mean(), abs=1e-9)


def test_contributions_are_the_brute_force_shapley_values_of_simulated_scores() -> None:
    """Three drivers of a case with random escalation: every subset simulated on its own with other random numbers."""
    base = closed_case(2.0).model_dump(by_alias=True)
    base["events"]["spark"]["base_rate"] = quantity(0.6)
    base["effects"] = [
        *base["effects"],
        edge("mood", "spark", quantity(1.5)),
        edge("a", "spark", quantity(2.0), whose="others", memory="fast", acts="next"),
    ]
    case = Case.model_validate(base)
    found = explained(case)
    players = ("mood", "trade", "recent:spark")
    plan = plan_simulation(fit(case, draws=100, prior_only=True), HORIZON, seed=77)
    count = 20_000
    chance = draw_chance(plan, case.scenario("baseline"), Block(np.zeros(count, dtype=int), 0), keep=True)
    value, error = {}, {}
    for size in range(4):
        for chosen in itertools.combinations(players, size):
            switch = {name: np.full(count, float(name in chosen), dtype=np.float32) for name in case.indicators}
            kept = {name: np.full(count, float(f"recent:{name}" in chosen), dtype=np.float32) for name in case.events}
            score = simulate_futures(plan, chance, case.scenario("baseline"), Active(switch, kept)).score
            value[frozenset(chosen)] = score.mean(axis=0, dtype=float)
            error[frozenset(chosen)] = score.std(axis=0, dtype=float) / math.sqrt(count)
    for column, dyad in enumerate(case.dyads):
        for contribution in found.contributions[dyad]:
            exact = 0.0
            for order in itertools.permutations(players):
                before = frozenset(order[: order.index(contribution.id)])
                exact += (value[before | {contribution.id}] - value[before])[column] / 6
            blur = math.hypot(contribution.error, max(e[column] for e in error.values()))
            assert contribution.points == pytest.approx(exact, abs=5 * blur)


@pytest.mark.parametrize(("players", "count"), [(1, 5), (3, 12), (4, 20)])
def test_every_driver_stands_equally_often_at_every_place(players: int, count: int) -> None:
    turn = attribution._balanced_orders(players, count, np.random.default_rng(1))
    assert (np.sort(turn, axis=1) == np.arange(players)).all()
    for place in range(players):
        assert ((turn == place).sum(axis=0) == count // players).all()


def test_an_explanation_has_the_same_digits_however_it_is_cut() -> None:
    ahead = forecast(fit(random_case(2), draws=200))
    whole = explain(ahead, paths=120)
    cut = explain(ahead, paths=120, cells=40)
    for dyad in ahead.case.dyads:
        one, two = ({c.id: c.points for c in e.contributions[dyad]} for e in (whole, cut))
        assert one == pytest.approx(two, abs=1e-9)


def test_a_case_that_nothing_drives_has_its_reference_score() -> None:
    found = explained(make_case({"a": event(quantity(0.3), severity=SEVERITY)}), 200, 200)
    assert all(own == () for own in found.contributions.values())
    assert found.reference == found.score


def test_remembered_events_are_listed_with_the_share_that_is_left() -> None:
    case = closed_case()
    posterior = fit(case, draws=100, prior_only=True)
    assert build_record(case).timeline.length == 72
    shown = remembered_events(posterior, "HHH-P001")
    assert [(event.when, event.unit, event.row) for event in shown] == [("2020-11-20", "HHH-P001", case.event_rows[0])]
    assert shown[0].share == pytest.approx(2 ** (-1 / 3))
    assert remembered_events(posterior, "HHH-P002") == ()
