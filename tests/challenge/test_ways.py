"""Reverse stress tests against plain formulas and brute force."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from riskcast.case.quantities import Z90
from riskcast.challenge import find_ways, ways_data
from riskcast.challenge.event_ways import find_event_ways
from riskcast.challenge.goals import read_goal
from riskcast.challenge.held import Bench
from riskcast.challenge.ways import farthest_point, nearest_point
from riskcast.errors import OptionError
from riskcast.forecasting.requests import Request
from tests.challenge.test_sensitivities import IDS, by_hand, yearly
from tests.support.cases import event, make_case, quantity

SCORE = "score:HHH-P001"


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-0.4, 0.4)), min_size=2, max_size=2),
    st.floats(0.5, 12.0),
)
@example([(0.0, 0.0), (0.0, 0.25)], 1.0)
@example([(0.0, 0.3), (1.0, 0.3)], 2.0)
@example([(-1e-9, 0.2), (1.0, -0.4)], 1.5)
@settings(max_examples=40, deadline=None)
def test_no_point_of_the_box_that_gets_there_is_nearer(curves: list[tuple[float, float]], short: float) -> None:
    slope, bend = (np.array(part) for part in zip(*curves, strict=True))
    found = nearest_point(slope, bend, short)
    grid = np.array(list(product(np.linspace(-3, 3, 61), repeat=2)))
    # A billionth more, as sums are rounded.
    there = grid[(grid @ slope + grid**2 @ bend) >= short + 1e-9]
    if found is None:
        assert len(there) == 0
        return
    assert np.abs(found).max() <= 3.0
    assert (found * slope + found**2 * bend).sum() >= short - 1e-9
    assert np.sqrt((found**2).sum()) <= np.sqrt((there**2).sum(axis=1)).min(initial=np.inf) + 1e-6


@given(st.floats(-5, 5), st.floats(-0.4, 0.4))
@settings(max_examples=40, deadline=None)
def test_the_farthest_point_has_the_largest_sum(slope: float, bend: float) -> None:
    [found] = farthest_point(np.array([slope]), np.array([bend]))
    grid = np.linspace(-3, 3, 61)
    assert abs(found) <= 3.0
    assert slope * found + bend * found**2 >= (slope * grid + bend * grid**2).max() - 1e-9


@pytest.fixture(scope="module")
def stressed(tmp_path_factory: pytest.TempPathFactory):
    request = Request(yearly(), draws=3000, prior_only=True)
    folder = tmp_path_factory.mktemp("kept")
    return find_ways(request, f"{SCORE} > 36", quantities=IDS, cache=folder, workers_count=1)


def test_beliefs_on_the_way_reach_the_goal_by_a_plain_formula(stressed) -> None:
    case = yearly()
    rng = np.random.default_rng(5)
    assert stressed.values[0] == pytest.approx(by_hand(case, rng.standard_normal((200_000, 5))).mean(), abs=1.5)
    assert any(way.is_there for way in stressed.ways)
    for way in stressed.ways:
        z = rng.standard_normal((100_000, 5))
        for move in way.moves:
            z[:, IDS.index(move.quantity)] = move.z
        exact = float(by_hand(case, z).mean())
        assert way.values[0] == pytest.approx(exact, abs=4 * way.errors[0] + 0.1)
        assert way.is_there == (way.values[0] >= 36.0)
        assert way.distance == pytest.approx(np.sqrt(sum(move.z**2 for move in way.moves)))
        assert way.density == pytest.approx(np.exp(-0.5 * way.distance**2))


def test_together_takes_no_more_than_one_belief_alone(stressed) -> None:
    there = {way.name: way.distance for way in stressed.ways if way.is_there}
    alone = stressed.ways[[way.name for way in stressed.ways].index("one belief alone")]
    assert there["all beliefs"] <= alone.distance + 0.05
    assert len({tuple(sorted(move.quantity for move in way.moves)) for way in stressed.ways}) == len(stressed.ways)
    assert max(abs(move.z) for way in stressed.ways for move in way.moves) <= 3.0 + 1e-9
    assert len(ways_data(stressed)["ways"]) == len(stressed.ways)


def test_the_one_belief_is_where_a_plain_formula_crosses(stressed) -> None:
    [alone] = [way for way in stressed.ways if way.name == "one belief alone"]
    [move] = alone.moves
    z = np.random.default_rng(6).standard_normal((20_000, 5))
    grid = np.linspace(0, 3, 61)
    level = []
    for at in grid:
        z[:, IDS.index(move.quantity)] = at * np.sign(move.z)
        level.append(by_hand(yearly(), z).mean())
    exact = float(np.interp(36.0, level, grid))
    assert abs(move.z) == pytest.approx(exact, abs=0.15)
    assert abs(move.z) < 3 * Z90


def test_the_most_probable_events_are_counted_and_will_do() -> None:
    case = make_case(
        {"grave": event(quantity(0.2), severity=70.0), "mild": event(quantity(0.6), severity=10.0)}, partners=1
    )
    request = Request(case, draws=500, prior_only=True)
    goal = read_goal(case, 12, f"{SCORE} > 50")
    [way] = find_event_ways(Bench.of(request, goal.targets, 500, 8), goal)
    assert way.events == (("grave", "HHH-P001", True),)
    assert way.reached == 1.0
    assert way.chance == pytest.approx(0.2, abs=4 * way.error)


def test_what_is_reached_already_takes_no_belief(tmp_path: Path) -> None:
    request = Request(yearly(), draws=200, prior_only=True)
    found = find_ways(request, f"{SCORE} > 5", quantities=IDS, cache=tmp_path, workers_count=1)
    assert found.is_reached
    assert found.ways == ()


@pytest.mark.parametrize("text", ["score", "score > 3", f"{SCORE} > much", f"{SCORE} > 300", "clash:HHH-P001 > 0.4"])
def test_what_is_no_goal_is_refused(text: str) -> None:
    case = make_case({"clash": event(quantity(0.2))}, partners=2)
    with pytest.raises(OptionError):
        read_goal(case, 12, text)


def test_goals_know_bands_and_others() -> None:
    case = make_case({"clash": event(quantity(0.2))}, partners=2)
    assert read_goal(case, 12, f"{SCORE} > high").bound == 50.0
    goal = read_goal(case, 12, f"{SCORE} < score:HHH-P002")
    assert float(goal.gap(np.array([30.0, 40.0]))) == 10.0
