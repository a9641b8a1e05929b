"""Simulated events of which a search records some: against every possible future, chains of draws and closed forms."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from riskcast import case_as_of, explain, fit, forecast
from riskcast.case.model import Case
from riskcast.forecasting.counts import count_events
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.simulation import Simulated
from riskcast.machinery.array_types import Floats
from tests.support.cases import (
    assert_mean,
    edge,
    enumerate_futures,
    event,
    event_row,
    every_record,
    make_case,
    quantity,
    random_case,
    searched,
    thinned_case,
)

DRAWS = 4000
FIRST, LAST = dt.date(2015, 1, 1), dt.date(2020, 12, 31)
Row = tuple[str, str, float]


def link(source: str, target: str, ratio: float, whose: str, acts: str = "next", **changes: Any) -> dict[str, Any]:
    return edge(source, target, quantity(ratio), whose=whose, memory="fast", acts=acts, **changes)


def found(case: Case, *rows: Row) -> Case:
    """The case with shares by type and unit, the same throughout its record."""
    return searched(
        case, *((kind, unit, case.settings.history_from, case.as_of, recall) for kind, unit, recall in rows)
    )


def ahead_of(case: Case, horizon: int, scenario: str | None = None, draws: int = DRAWS, paths: int = 4) -> Forecast:
    return forecast(fit(case, draws=draws, prior_only=True), scenario, horizon=horizon, seed=7, paths=paths)


@dataclass(frozen=True)
class Told:
    """By enumeration: probability[event] (periods, units), cumulative; mean score and chance of the worst, (dyads,)."""

    probability: dict[str, Floats]
    score: Floats
    peaks: dict[float, Floats]


def enumerate_thinned(case: Case, horizon: int, recall: dict[tuple[str, int], float]) -> tuple[Told, Told]:
    """What happens and what is recorded, over every way in which each cell holds nothing, something that is missed, or
    something that is recorded; own and others' memories, medians alone, a record without events."""
    weight, state = every_record(case, horizon, recall)

    def told(least: int) -> Told:
        ever = {name: np.maximum.accumulate(own >= least, axis=1) for name, own in state.items()}
        left, worst = np.ones((len(weight), len(case.dyads))), np.zeros((len(weight), len(case.dyads)))
        for name in case.outcomes:
            severity = float(case.events[name].severity or 0.0)
            left *= 1.0 - severity / 100.0 * ever[name][:, -1]
            worst = np.maximum(worst, severity * ever[name][:, -1])
        levels = {float(case.events[name].severity or 0.0) for name in case.outcomes}
        return Told(
            {name: np.tensordot(weight, own.astype(float), 1) for name, own in ever.items()},
            weight @ (100.0 * (1.0 - left)),
            {level: weight @ (worst >= level) for level in levels},
        )

    return told(1), told(2)


def assert_told(simulated: Simulated, exact: Told, draws: int) -> None:
    for name, probability in exact.probability.items():
        assert_mean(simulated.probability[name], probability[-1])
        error = np.sqrt(probability * (1.0 - probability) / (draws * simulated.paths))
        np.testing.assert_array_less(np.abs(simulated.by_period[name] - probability), 5.0 * error + 2e-6)
    assert_mean(simulated.score, exact.score)
    for level, share in exact.peaks.items():
        error = np.sqrt(share * (1.0 - share) / (draws * simulated.paths))
        np.testing.assert_array_less(np.abs(simulated.peaks[level] - share), 5.0 * error + 2e-6)


SELF = [link("a", "a", 6.0, "own")]
MIXED = [link("spark", "a", 5.0, "own", "same"), link("a", "spark", 3.0, "others"), link("a", "a", 2.0, "own")]
CHAIN = [link("spark", "a", 5.0, "own", "same"), link("a", "b", 4.0, "own"), link("b", "spark", 3.0, "own")]
ONE = {"a": event(quantity(0.9))}
TWO = ONE | {"spark": event(quantity(0.8), kind="trigger", label="Spark")}
THREE = TWO | {"b": event(quantity(0.5), severity=20.0, label="Other")}


@pytest.mark.parametrize(
    ("events", "edges", "partners", "horizon", "rows"),
    [
        (ONE, SELF, 1, 8, [("a", "ALL", 0.5)]),
        (ONE, SELF, 2, 4, [("a", "HHH-P001", 0.2), ("a", "HHH-P002", 0.9)]),
        (TWO, MIXED, 2, 2, [("a", "HHH-P001", 0.3), ("a", "HHH-P002", 1.0), ("spark", "ALL", 0.6)]),
        (THREE, CHAIN, 1, 3, [("a", "ALL", 1.0), ("spark", "ALL", 0.25), ("b", "ALL", 0.7)]),
    ],
)
def test_what_happens_and_what_is_recorded_are_those_of_every_future(
    events: dict[str, Any], edges: list[dict[str, Any]], partners: int, horizon: int, rows: list[Row]
) -> None:
    case = found(make_case(events, edges, partners=partners, half_life=quantity(2.0)), *rows)
    recall = {
        (kind, u): share
        for kind, unit, share in rows
        for u, name in enumerate(case.units(kind))
        if unit in ("ALL", name)
    }
    happens, recorded = enumerate_thinned(case, horizon, recall)
    ahead = ahead_of(case, horizon)
    assert ahead.simulated.recorded is not None
    assert_told(ahead.simulated, happens, DRAWS)
    assert_told(ahead.simulated.recorded, recorded, DRAWS)
    # Were every event remembered, others would come more often.
    blind = enumerate_futures(case, horizon)
    assert (blind.probability["a"][-1] > happens.probability["a"][-1] + 0.01).all() == ("spark" in events)


def months_of_a_chain(remembered: float, ratio: float = 5.0, base: float = 0.025, counted: bool = False) -> float:
    """The share of months with an event, in chains in which so much of what happens is remembered, by whether it came
    or by how often."""
    rng = np.random.default_rng(2)
    left, months = np.zeros(4000), []
    for _ in range(180):
        rate = base * ratio ** np.log2(1.0 + left)
        events = rng.poisson(np.minimum(rate, 1e6))
        found = rng.binomial(events, remembered)
        seen = found if counted else found > 0
        left = left * 2.0 ** (-1.0 / 6.0) + seen
        months.append((events > 0).mean())
    return float(np.mean(months[60:]))


def test_half_found_and_self_exciting_a_type_does_not_run_away() -> None:
    half, whole = months_of_a_chain(0.5), months_of_a_chain(1.0)
    assert half == pytest.approx(0.054, abs=0.004)
    assert whole > 0.4
    base = event(quantity(-math.expm1(-12 * 0.025)))
    case = found(make_case({"a": base}, SELF5, partners=4, half_life=quantity(6.0)), ("a", "ALL", 0.5))
    posterior = fit(case, draws=500, prior_only=True)
    early, all_of_it = (count_events(posterior, horizon=months, paths=2, seed=3) for months in (60, 180))
    months = (all_of_it.happened["a"].mean() - early.happened["a"].mean()) / (120 * 4)
    error = all_of_it.happened["a"].std() / math.sqrt(1000) / (120 * 4)
    assert abs(months - half) < 5 * error + 0.001
    recorded = (all_of_it.recorded["a"].mean() - early.recorded["a"].mean()) / (120 * 4)
    # Half of the events, and more of the months, as some hold several.
    assert 0.5 * months < recorded < 0.65 * months


SELF5 = [link("a", "a", 5.0, "own")]


def test_a_memory_that_counts_counts_what_is_recorded() -> None:
    half, whole = (months_of_a_chain(share, 1.6, 0.2, counted=True) for share in (0.4, 1.0))
    assert whole > 1.1 * half
    base = event(quantity(-math.expm1(-12 * 0.2)))
    case = make_case({"a": base}, [link("a", "a", 1.6, "own")], partners=4, half_life=quantity(6.0))
    memory = case.settings.memories["fast"].model_copy(update={"weight": "count"})
    settings = case.settings.model_copy(update={"memories": {"fast": memory}})
    posterior = fit(found(case.revised(settings=settings), ("a", "ALL", 0.4)), draws=500, prior_only=True)
    early, all_of_it = (count_events(posterior, horizon=months, paths=2, seed=3) for months in (60, 180))
    months = (all_of_it.happened["a"].mean() - early.happened["a"].mean()) / (120 * 4)
    error = all_of_it.happened["a"].std() / math.sqrt(1000) / (120 * 4)
    assert abs(months - half) < 5 * error + 0.002


def test_one_cell_has_its_closed_form() -> None:
    case = make_case(
        {"a": event(quantity(0.3), severity=40.0), "b": event(quantity(0.6), severity=90.0, label="Other")},
        period="year",
        partners=2,
    )
    case = found(case, ("a", "HHH-P001", 0.5), ("a", "HHH-P002", 1.0), ("b", "ALL", 0.25))
    ahead = forecast(fit(case, draws=100, prior_only=True), horizon=1)
    assert ahead.paths == 0
    assert ahead.probability("a", "HHH-P001").mean == pytest.approx(0.3, rel=1e-6)
    a, b = 1.0 - 0.7 ** np.array([0.5, 1.0]), 1.0 - 0.4**0.25
    for column, dyad in enumerate(case.dyads):
        assert ahead.recorded("a", dyad).mean == pytest.approx(a[column], rel=1e-6)
        assert ahead.recorded("b", dyad).mean == pytest.approx(b, rel=1e-6)
    told = ahead.simulated.verifiable
    np.testing.assert_allclose(told.mean_score, 100 * (1 - (1 - 0.4 * a) * (1 - 0.9 * b)), rtol=1e-6)
    np.testing.assert_allclose(told.peaks[40.0], 1 - (1 - a) * (1 - b), rtol=1e-6)


def test_where_all_is_found_what_is_recorded_is_what_happens() -> None:
    case = random_case(3)
    ahead = ahead_of(case, 6, draws=200)
    assert ahead.simulated.recorded is None
    assert ahead.simulated.verifiable is ahead.simulated
    assert ahead.recorded_estimates is ahead.estimates
    stated = ahead_of(found(case, ("ALL", "ALL", 1.0)), 6, draws=200)
    for name in case.events:
        np.testing.assert_array_equal(stated.simulated.probability[name], ahead.simulated.probability[name])


def test_what_a_scenario_makes_happen_is_recorded_and_felt() -> None:
    case = make_case(
        {"a": event(quantity(0.2))},
        [link("a", "a", 4.0, "own")],
        partners=1,
        half_life=quantity(3.0),
        scenarios={"now": {"label": "Now", "story": "It happens.", "events": [{"event": "a", "month": 1}]}},
    )
    some, all_found = (ahead_of(one, 2, "now", draws=2000) for one in (found(case, ("a", "ALL", 0.3)), case))
    assert some.recorded("a", "HHH-P001").mean == 1.0
    # The second month, after an event that everybody knows of.
    np.testing.assert_allclose(
        count_events(some.posterior, "now", 2, paths=4).happened["a"].mean(),
        count_events(all_found.posterior, "now", 2, paths=4).happened["a"].mean(),
        atol=1e-12,
    )


def test_what_a_search_finds_is_told_in_a_sentence() -> None:
    assert forecast(fit(random_case(1), draws=100, prior_only=True), horizon=1).found_in_part == ""
    told = forecast(fit(thinned_case(1), draws=100, prior_only=True), horizon=1).found_in_part
    assert told.startswith("A search like today's finds 25 % to 90 % of what happens (Event, Event, Event).")


def test_a_forecast_as_of_an_earlier_day_thins_by_what_was_found_then() -> None:
    rows = tuple(event_row(dt.date(2015 + n, 5, 5), "a", "HHH-P001") for n in range(5))
    case = make_case({"a": event(quantity(0.5, 0.3, 0.7))}, rows=rows)
    middle = dt.date(2018, 12, 31)
    case = searched(case, ("a", "ALL", FIRST, middle, 0.2), ("a", "ALL", middle + dt.timedelta(days=1), LAST, 0.8))
    for day, recall in ((middle, 0.2), (LAST, 0.8)):
        then = case_as_of(case, day)
        ahead = forecast(fit(then, draws=200, prior_only=True), horizon=1)
        happens, recorded = ahead.simulated.headline("a"), ahead.simulated.verifiable.headline("a")
        np.testing.assert_allclose(np.log1p(-recorded) / np.log1p(-happens), recall, rtol=0.02)


def test_explanations_add_up_to_the_score_of_what_happens() -> None:
    ahead = forecast(fit(thinned_case(2), draws=200), horizon=6)
    told = explain(ahead, paths=200)
    for dyad, parts in told.contributions.items():
        assert told.reference[dyad] + sum(part.points for part in parts) == pytest.approx(told.score[dyad])
        assert told.score[dyad] == pytest.approx(ahead.score(dyad).mean)
    for name in ahead.case.events:
        for unit in ahead.units(name):
            assert ahead.recorded(name, unit).mean <= ahead.probability(name, unit).mean + 1e-9
