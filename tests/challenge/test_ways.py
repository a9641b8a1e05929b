"""Reverse stress tests against plain formulas and brute force."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from riskcast.case.model import Case
from riskcast.case.quantities import Z90
from riskcast.challenge import Ways, ends, find_ways, ways_data
from riskcast.challenge.event_ways import EventWay, find_event_ways
from riskcast.challenge.goals import read_goal
from riskcast.challenge.held import Bench
from riskcast.challenge.nearest import farthest_point, nearest_point
from riskcast.errors import OptionError
from riskcast.forecasting.requests import Request
from tests.challenge.test_sensitivities import IDS, by_hand, yearly
from tests.support.cases import edge, event, indicator, make_case, quantity

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


GOAL = f"{SCORE} > 36"


@dataclass(frozen=True)
class Stressed:
    found: Ways
    folder: Path
    heard: list[tuple[int, int]]


@pytest.fixture(scope="module")
def stressed(tmp_path_factory: pytest.TempPathFactory) -> Stressed:
    request = Request(yearly(), draws=3000, prior_only=True)
    folder, heard = tmp_path_factory.mktemp("kept"), []
    found = find_ways(
        request, GOAL, quantities=IDS, cache=folder, workers_count=1, progress=lambda *now: heard.append(now)
    )
    return Stressed(found, folder, heard)


def test_beliefs_on_the_way_reach_the_goal_by_a_plain_formula(stressed: Stressed) -> None:
    case, found = yearly(), stressed.found
    rng = np.random.default_rng(5)
    assert found.values[0] == pytest.approx(by_hand(case, rng.standard_normal((200_000, 5))).mean(), abs=1.5)
    assert any(way.is_there for way in found.ways)
    for way in found.ways:
        z = rng.standard_normal((100_000, 5))
        for move in way.moves:
            z[:, IDS.index(move.quantity)] = move.z
        exact = float(by_hand(case, z).mean())
        assert way.values[0] == pytest.approx(exact, abs=4 * way.errors[0] + 0.1)
        assert way.is_there == (way.values[0] >= 36.0)
        assert way.distance == pytest.approx(np.sqrt(sum(move.z**2 for move in way.moves)))
        assert way.density == pytest.approx(np.exp(-0.5 * way.distance**2))


def test_together_takes_no_more_than_one_belief_alone(stressed: Stressed) -> None:
    found = stressed.found
    there = {way.name: way.distance for way in found.ways if way.is_there}
    alone = found.ways[[way.name for way in found.ways].index("one belief alone")]
    assert there["all beliefs"] <= alone.distance + 0.05
    assert len({tuple(sorted(move.quantity for move in way.moves)) for way in found.ways}) == len(found.ways)
    assert max(abs(move.z) for way in found.ways for move in way.moves) <= 3.0 + 1e-9
    assert len(ways_data(found)["ways"]) == len(found.ways)


def test_beliefs_that_lead_away_when_they_are_held_together_are_no_way(tmp_path: Path) -> None:
    # A smaller effect lowers the score where the level is high, and a low level where the effect is large.
    case = make_case(
        {"clash": event(quantity(0.3, 0.29, 0.31), severity=60.0)},
        [edge("mood", "clash", quantity(1.2, 0.4, 3.0))],
        {"mood": indicator(now=quantity(0.2, -1.5, 1.9))},
        partners=1,
        period="year",
        horizon=1,
    )
    found = find_ways(Request(case, draws=500, prior_only=True), f"{SCORE} < 10", cache=tmp_path, workers_count=1)
    assert "lead away" in found.refused["all beliefs"]
    assert found.ways
    assert all(way.values[0] < found.values[0] for way in found.ways)


def test_the_one_belief_is_where_a_plain_formula_crosses(stressed: Stressed) -> None:
    [alone] = [way for way in stressed.found.ways if way.name == "one belief alone"]
    [move] = alone.moves
    z = np.random.default_rng(6).standard_normal((20_000, 5))
    grid = np.linspace(0, 3, 61)
    level = []
    for at in grid:
        z[:, IDS.index(move.quantity)] = at * np.sign(move.z)
        level.append(by_hand(yearly(), z).mean())
    exact = float(np.interp(36.0, level, grid))
    assert abs(move.z) == pytest.approx(exact, abs=0.05 + 3 * alone.distance_error)
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
    assert way.reached_error == 0.0
    assert way.chance == pytest.approx(0.2, abs=4 * way.error)


def test_what_is_reached_already_takes_no_belief_and_no_event(tmp_path: Path) -> None:
    request = Request(yearly(), draws=200, prior_only=True)
    found = find_ways(request, f"{SCORE} > 5", quantities=IDS, cache=tmp_path, workers_count=1)
    assert found.is_reached
    assert (found.ways, found.events) == ((), ())


def by_events(case: Case, text: str) -> tuple[EventWay, ...]:
    goal = read_goal(case, 12, text)
    return find_event_ways(Bench.of(Request(case, draws=300, prior_only=True), goal.targets, 300, 4), goal)


def test_a_tie_is_not_there_yet() -> None:
    clash = make_case({"clash": event(quantity(0.4), severity=60.0)}, partners=2)
    ways = by_events(clash, f"{SCORE} > score:HHH-P002")
    assert ways
    assert all(("clash", "HHH-P001", True) in way.events for way in ways)
    alone = make_case({"clash": event(quantity(0.4), severity=60.0)}, partners=1)
    assert by_events(alone, f"{SCORE} > 60") == ()
    assert [way.events for way in by_events(alone, f"{SCORE} > 59.9")] == [(("clash", "HHH-P001", True),)]
    band = make_case({"clash": event(quantity(0.4), severity=50.0)}, partners=1)
    assert len(by_events(band, f"{SCORE} > high")) == 1
    assert by_events(band, f"{SCORE} > 50") == ()


def test_events_that_leave_the_goal_as_probable_as_it_was_are_no_way() -> None:
    idle = {f"idle_{i}": event(quantity(0.5), kind="trigger") for i in range(4)}
    case = make_case({"clash": event(quantity(0.7), severity=60.0), **idle}, partners=1)
    assert [way.events for way in by_events(case, f"{SCORE} > 55")] == [(("clash", "HHH-P001", True),)]


def test_of_many_dyads_events_are_of_any() -> None:
    events = {"clash": event(quantity(0.1), severity=60.0), "decree": event(quantity(0.05), scope="host")}
    case = make_case(
        events, [edge("clash", "decree", quantity(300.0), whose="any", memory="fast", acts="same")], partners=14
    )
    [way] = by_events(case, "decree:HHH > 90 %")
    assert way.events == (("clash", "any", True),)


def test_a_second_call_fits_nothing_and_says_the_same(stressed, monkeypatch: pytest.MonkeyPatch) -> None:
    found, folder, heard = stressed.found, stressed.folder, stressed.heard
    assert (len(IDS), len(IDS)) in heard
    assert heard[-1] == (1, 1)
    monkeypatch.setattr(Bench, "of", None)
    monkeypatch.setattr(ends, "_BENCH", {})
    again = find_ways(Request(yearly(), draws=3000, prior_only=True), GOAL, quantities=IDS, cache=folder)
    assert ways_data(again) == ways_data(found)


def test_beliefs_that_lower_a_score_are_found_too(tmp_path: Path) -> None:
    request = Request(yearly(), draws=500, prior_only=True)
    found = find_ways(request, f"{SCORE} < 10", quantities=IDS, cache=tmp_path, workers_count=1)
    [first, *_] = found.ways
    assert first.is_there
    assert first.values[0] < 10.0
    assert next(move for move in first.moves if move.quantity == "outcomes.clash.base_rate").z < 0.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("score", "no goal"),
        ("score > 3", "name one"),
        (f"{SCORE} > much", "band"),
        (f"{SCORE} > 300", "outside"),
        (f"{SCORE} < low", "begins at 0"),
        (f"{SCORE} > {SCORE}", "against itself"),
        ("clash:HHH-P001 > 0.4", "write 40 %"),
        ("P(clash) > 40 %", "asks a query"),
    ],
)
def test_what_is_no_goal_is_refused(text: str, told: str) -> None:
    case = make_case({"clash": event(quantity(0.2))}, partners=2)
    with pytest.raises(OptionError, match=told):
        read_goal(case, 12, text)


def test_goals_know_bands_and_others() -> None:
    case = make_case({"clash": event(quantity(0.2))}, partners=2)
    assert read_goal(case, 12, f"{SCORE} > high").bound == 50.0
    assert read_goal(case, 12, f"{SCORE} > 0.5").bound == 0.5
    assert [
        bool(read_goal(case, 12, f"{SCORE} {end}").is_reached(np.array([50.0]))) for end in ("> high", "< high", "> 50")
    ] == [True, False, False]
    goal = read_goal(case, 12, f"{SCORE} < score:HHH-P002")
    assert float(goal.gap(np.array([30.0, 40.0]))) == 10.0
