"""Levels that events raise: in the record, on simulated paths, and in every possible future, counted one by one."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskcast import explain, fit, forecast, levels_today, load_case
from riskcast.case.model import Case, EventRow, Scenario
from riskcast.case.panel import Panel
from riskcast.engines.hazard import build_event_model
from riskcast.exports.plain_data import evidence_of
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.futures import draw_chance
from riskcast.forecasting.levels_ahead import LevelsAhead
from riskcast.forecasting.plan import Plan, plan_simulation
from riskcast.forecasting.work_arrays import Block
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from tests.support.cases import (
    assert_mean,
    edge,
    event,
    event_row,
    indicator,
    make_case,
    quantity,
    random_case,
    series_row,
)
from tests.support.smallcase import write_level_files

STEPS, HALF_LIFE, RATIO = 2.0, 1.5, 1.8
BASELINE = Scenario(label="Baseline", story="Nothing.")


def rise(whose: str, steps: float = STEPS, half_life: float = HALF_LIFE) -> dict[str, Any]:
    return {"steps": quantity(steps), "half_life": quantity(half_life), "whose": whose}


def pressed(
    raises: dict[str, Any],
    scope: str = "host",
    rows: tuple[EventRow, ...] = (),
    indicators: dict[str, Any] | None = None,
    **changes: Any,
) -> Case:
    """Sparks and decrees that raise pressure, which drives protests."""
    events = {
        "spark": event(quantity(0.6), kind="trigger"),
        "decree": event(quantity(0.5), kind="trigger", scope="host"),
        "protest": event(quantity(0.4)),
    }
    own = indicator(scope=scope, raises=raises, **changes)
    effects = [
        edge("pressure", "protest", quantity(RATIO)),
        edge("decree", "protest", quantity(1.0), whose="host", memory="fast", acts="next"),
    ]
    return make_case(events, effects, {"pressure": own} | (indicators or {}), partners=2, rows=rows)


def ahead_of(case: Case, horizon: int, **options: Any) -> Forecast:
    return forecast(fit(case, draws=4000, prior_only=True), horizon=horizon, seed=7, paths=4, **options)


def levels_without_events(case: Case, scenario: Scenario = BASELINE, horizon: int = 6) -> list[dict[str, Floats]]:
    """Levels, cell by cell, on a path on which nothing happens."""
    plan = plan_simulation(fit(case, draws=100, prior_only=True), horizon, 1)
    block = Block(np.zeros(1, dtype=int), 0)
    quiet = {p.event: np.zeros((1, p.units), dtype=np.float32) for p in plan.events}
    ahead = LevelsAhead(plan, scenario, block.draw, draw_chance(plan, scenario, block).levels, quiet)
    found = []
    for cell in range(plan.cells):
        found.append({name: level.copy() for name, level in ahead.at(cell).items()})
        ahead.step(cell)
    return found


PAST = (
    event_row(dt.date(2020, 9, 16), "spark", "HHH-P001"),
    event_row(dt.date(2020, 12, 4), "spark", "HHH-P002"),
    event_row(dt.date(2020, 12, 20), "spark", "HHH-P002"),
    event_row(dt.date(2020, 11, 1), "decree", "HHH"),
)


@pytest.mark.parametrize(
    ("whose", "scope", "seen"),
    [
        ("own", "dyad", [(8.5,), (11 + 3.5 / 31,)]),
        ("others", "dyad", [(11 + 3.5 / 31,), (8.5 + 0.5 / 30,)]),
        ("any", "host", [(8.5 + 0.5 / 30, 11 + 3.5 / 31)]),
    ],
)
def test_what_the_record_has_raised_fades_from_todays_level(whose: str, scope: str, seen: list) -> None:
    case = pressed({"spark": rise(whose)}, scope, PAST, now=quantity(1.0))
    if whose == "own":
        seen[0] = (8.5 + 0.5 / 30,)
    for cell, levels in enumerate(levels_without_events(case)):
        for unit, days in enumerate(seen):
            past = sum(STEPS * 2 ** (-(12 - day) / HALF_LIFE) for day in days)
            wanted = 1.0 + past * (2 ** (-(cell + 0.5) / HALF_LIFE) - 1)
            assert levels["pressure"][0, unit] == pytest.approx(wanted, rel=1e-5)


def test_rows_of_the_record_feel_events_of_earlier_periods_alone() -> None:
    case = pressed({"spark": rise("any"), "decree": rise("own", -1.0, 4.0)}, rows=PAST)
    levels = build_record(case).levels["pressure"][-12:, 0]
    for month in range(12):
        wanted = 0.0
        for day, period, steps, half_life in (
            (8 + 15.5 / 30, 8, STEPS, HALF_LIFE),
            (11 + 3.5 / 31, 11, STEPS, HALF_LIFE),
            (10 + 0.5 / 30, 10, -1.0, 4.0),
        ):
            wanted += steps * 2 ** (-(month + 0.5 - day) / half_life) if period < month else 0.0
        assert levels[month] == pytest.approx(wanted, abs=1e-12)


def test_dated_values_are_what_was_measured_with_what_events_had_raised() -> None:
    rows = (series_row("pressure", dt.date(2020, 8, 1), 0.5), series_row("pressure", dt.date(2020, 9, 30), 2.5))
    case = pressed({"spark": rise("any", 2.0, 2.0)}, rows=PAST[:1], history="series").revised(series_rows=rows)
    levels = build_record(case).levels["pressure"][:, 0]
    after = 2.5 - 2.0 * 2 ** (-(14 / 30) / 2.0)
    # Held from the last value on, less what the event had raised by then; and with what is left of it.
    for month in (9, 10, 11):
        wanted = after + 2.0 * 2 ** (-(month + 0.5 - (8 + 15.5 / 30)) / 2.0)
        assert levels[-12 + month] == pytest.approx(wanted, abs=1e-9)
    # The month of the event itself feels the line alone.
    days = np.arange(30)
    assert levels[-12 + 8] == pytest.approx(np.interp(days, [-31, 29], [0.5, after]).mean(), abs=1e-9)


ROWS = {
    "AAA-BBB": {2016: 0.0, 2017: 1.0, 2018: 0.0, 2019: 0.0, 2020: 0.0},
    "AAA-CCC": {2016: 0.0, 2017: 0.0, 2018: 0.0, 2019: 1.0, 2020: 1.0},
    "CCC-DDD": {2016: 1.0, 2017: 0.0, 2018: 0.0, 2019: 0.0, 2020: np.nan},
}


@pytest.mark.parametrize("whose", ["own", "others", "any"])
def test_an_event_of_a_panel_stands_in_the_middle_of_its_period(whose: str) -> None:
    """In the record and on paths, with the events of dyads that share a state, worked out dyad by dyad."""
    cells = [(unit, year, war) for unit, own in enumerate(ROWS.values()) for year, war in own.items()]
    unit, year, war = (np.array(column) for column in zip(*cells, strict=True))
    panel = Panel(tuple(ROWS), unit, year, {"mood": np.zeros(len(unit))}, {"war": war.astype(float)})
    tense = indicator(scope="dyad", raises={"war": rise(whose)}, now=quantity(0.0))
    mood = indicator(scope="dyad", history="panel", now=None)
    effects = [edge("tense", "war", quantity(1.5)), edge("mood", "war", quantity(1.0))]
    indicators = {"tense": tense, "mood": mood}
    case = make_case({"war": event(quantity(0.2))}, effects, indicators, panel=panel, period="year", years=5)
    names = list(ROWS)

    def seen(dyad: str) -> list[str]:
        others = [other for other in names if other != dyad and set(other.split("-")) & set(dyad.split("-"))]
        return {"own": [dyad], "others": others, "any": names}[whose]

    def raised(dyad: str, at: float, before: int) -> float:
        return sum(
            STEPS * 2 ** (-(at - (when + 0.5)) / HALF_LIFE)
            for other in seen(dyad)
            for when, happened in ROWS[other].items()
            if happened == 1.0 and when < before
        )

    wanted = [[raised(dyad, when + 0.5, when) for dyad in names] for when in range(2016, 2021)]
    np.testing.assert_allclose(build_record(case).levels["tense"], wanted, atol=1e-12)
    ahead = levels_without_events(case, horizon=2)
    today = np.array([raised(dyad, 2021.0, 2021) for dyad in names])
    for cell in range(2):
        fades = [raised(dyad, 2021.5 + cell, 2021) for dyad in names]
        np.testing.assert_allclose(ahead[cell]["tense"][0], fades - today, atol=1e-5)


def exact_protests(case: Case, horizon: int, whose: str, start: float) -> Floats:
    """P(protest by each month) in two dyads, over every history of sparks in both."""
    spark, protest = (-math.log1p(-case.events[name].base_rate.center) / 12 for name in ("spark", "protest"))
    chance = -math.expm1(-spark)
    out = np.zeros((horizon, 2))
    for history in itertools.product((0, 1), repeat=2 * horizon):
        sparks = np.array(history).reshape(horizon, 2)
        weight = np.where(sparks > 0, chance, 1 - chance).prod()
        quiet = np.ones(2)
        for t in range(horizon):
            level = np.full(2, start)
            for s in range(t):
                own = sparks[s] if whose == "own" else sparks[s][::-1] if whose == "others" else sparks[s].sum()
                level = level + STEPS * own * 2 ** (-(t - s) / HALF_LIFE)
            quiet *= np.exp(-protest * RATIO**level)
            out[t] += weight * (1 - quiet)
    return out


@pytest.mark.parametrize(("whose", "scope"), [("own", "dyad"), ("others", "dyad"), ("any", "dyad"), ("any", "host")])
def test_probabilities_are_those_of_all_histories(whose: str, scope: str) -> None:
    case = pressed({"spark": rise(whose)}, scope, now=quantity(0.4))
    exact = exact_protests(case, 4, whose, 0.4)
    ahead = ahead_of(case, 4)
    assert_mean(ahead.simulated.probability["protest"], exact[-1])
    error = np.sqrt(exact * (1 - exact) / (4 * 4000))
    np.testing.assert_array_less(np.abs(ahead.simulated.by_period["protest"] - exact), 5 * error)
    # It is not what fixed levels would give.
    assert abs(exact[-1, 0] + math.expm1(-4 * -math.log1p(-0.4) / 12 * RATIO**0.4)) > 0.01


def test_an_event_that_raises_its_own_driver_excites_itself() -> None:
    events = {"protest": event(quantity(0.8))}
    own = indicator(scope="dyad", raises={"protest": rise("own", 1.2, 2.0)})
    case = make_case(events, [edge("pressure", "protest", quantity(RATIO))], {"pressure": own}, partners=1)
    horizon, rate = 5, -math.log1p(-0.8) / 12
    expected = np.zeros(horizon)
    for history in itertools.product((0, 1), repeat=horizon):
        weight = 1.0
        for t in range(horizon):
            level = sum(1.2 * history[s] * 2 ** (-(t - s) / 2.0) for s in range(t))
            chance = -math.expm1(-rate * RATIO**level)
            weight *= chance if history[t] else 1 - chance
        expected += weight * np.array(history)
    plan = plan_simulation(fit(case, draws=4000, prior_only=True), horizon, 7)
    found = counts_by_cell(plan, 20_000)
    error = np.sqrt(expected * (1 - expected) / 20_000)
    np.testing.assert_array_less(np.abs(found - expected), 5 * error)
    # The months differ in nothing but what earlier events have raised.
    assert expected[-1] > 1.1 * expected[0]


def counts_by_cell(plan: Plan, paths: int) -> Floats:
    """Share of paths with the only event of a plan in each cell."""
    from riskcast.forecasting import futures

    seen: list[float] = []

    class Counted(LevelsAhead):
        def step(self, cell: int) -> None:
            seen.append(float(self._happened["protest"].mean()))
            super().step(cell)

    kept, futures.LevelsAhead = futures.LevelsAhead, Counted  # ty: ignore[invalid-assignment]
    try:
        chance = draw_chance(plan, BASELINE, Block(np.zeros(paths, dtype=int), 0))
        futures.simulate_futures(plan, chance, BASELINE)
    finally:
        futures.LevelsAhead = kept
    return np.array(seen)


def moved(case: Case, *moves: dict[str, Any]) -> list[dict[str, Floats]]:
    return levels_without_events(
        case, Scenario.model_validate({"label": "S", "story": "S.", "indicators": [*moves]}), 4
    )


def test_set_cuts_off_what_events_raise_and_shift_and_multiply_do_not() -> None:
    case = pressed({"spark": rise("any")}, rows=PAST, now=quantity(1.0))
    plain = [levels["pressure"][0, 0] for levels in moved(case)]
    still = [levels["pressure"][0, 0] for levels in moved(case, {"indicator": "pressure", "set": 2.0, "start": 2})]
    assert still == pytest.approx([plain[0], 2.0, 2.0, 2.0], abs=1e-6)
    half = [levels["pressure"][0, 0] for levels in moved(case, {"indicator": "pressure", "set": 2.0, "over": 2})]
    assert half[0] == pytest.approx((plain[0] + 2.0) / 2, abs=1e-6)
    up = [levels["pressure"][0, 0] for levels in moved(case, {"indicator": "pressure", "shift": 0.5})]
    assert up == pytest.approx([level + 0.5 for level in plain], abs=1e-6)
    twice = [levels["pressure"][0, 0] for levels in moved(case, {"indicator": "pressure", "multiply": 2.0})]
    assert twice == pytest.approx([2 * level for level in plain], abs=1e-6)


def test_a_raised_parent_passes_it_on_and_a_set_child_takes_nothing() -> None:
    child = indicator(scope="dyad", parents={"pressure": quantity(0.5)}, now=quantity(0.2))
    case = pressed({"spark": rise("any")}, rows=PAST, indicators={"fear": child})
    for levels in levels_without_events(case):
        np.testing.assert_allclose(levels["fear"], np.full((1, 2), 0.2) + 0.5 * levels["pressure"], atol=1e-6)
        assert levels["pressure"][0, 0] < -0.1
    for levels in moved(case, {"indicator": "fear", "set": 0.7}):
        np.testing.assert_allclose(levels["fear"], 0.7, atol=1e-6)


def test_the_record_goes_over_into_the_simulation_without_a_seam() -> None:
    rows = (event_row(dt.date(2020, 10, 16), "spark", "HHH-P001"),)
    case = pressed({"spark": rise("any")}, rows=rows)
    later = case.revised(
        settings=case.settings.model_copy(
            update={"as_of": dt.date(2021, 1, 31), "recorded_until": dt.date(2021, 1, 31)}
        )
    )
    row = build_event_model(later, build_record(later), "protest").rows.x[-1, 1]
    # Past levels stand at what is left in the middle of the month, over a base of 0; today's, at 0, includes it.
    start = STEPS * 2 ** (-(12 - (9 + 15.5 / 31)) / HALF_LIFE)
    assert levels_without_events(case, horizon=1)[0]["pressure"][0, 0] + start == pytest.approx(row, rel=1e-5)


def test_bounds_hold_what_events_raise() -> None:
    case = pressed({"spark": rise("any", 40.0)}, now=quantity(0.5), bounds=(-9.0, 1.0))
    spark, protest = (-math.log1p(-p) / 12 for p in (0.6, 0.4))
    # After the first spark of either dyad the level stands at its bound for good.
    exact, none = 0.0, math.exp(-2 * spark)
    for first in range(3):
        at_bound = 2 - first if first < 2 else 0
        weight = none**first * (1 - none) if first < 2 else none**2
        exact += weight * -math.expm1(-protest * ((3 - at_bound) * RATIO**0.5 + at_bound * RATIO))
    assert_mean(ahead_of(case, 3).simulated.probability["protest"], exact)


def test_what_past_events_have_raised_has_a_line_of_its_own() -> None:
    """Today's level is nothing but what a spark has raised: all that it adds is the spark's, and nothing its own."""
    left = STEPS * 2 ** (-(12 - (11 + 3.5 / 31)) / HALF_LIFE)
    events = {"spark": event(quantity(1e-9), kind="trigger"), "protest": event(quantity(0.4))}
    own = indicator(raises={"spark": rise("any")}, now=quantity(left))
    case = make_case(events, [edge("pressure", "protest", quantity(RATIO))], {"pressure": own}, rows=PAST[1:2])
    ahead = ahead_of(case, 3)
    found = explain(ahead)
    for dyad in ahead.dyads:
        lines = {one.id: one for one in found.contributions[dyad]}
        assert set(lines) == {"pressure", "raised:spark"}
        assert (lines["raised:spark"].kind, lines["raised:spark"].label) == ("raised", "Event (through what it raised)")
        assert lines["pressure"].points == pytest.approx(0.0, abs=1e-4)
        assert lines["raised:spark"].points > 1.0
        total = sum(one.points for one in lines.values())
        assert found.reference[dyad] + total == pytest.approx(found.score[dyad])
    protest = -math.log1p(-0.4) / 12
    rates = [protest * RATIO ** (left * 2 ** (-(t + 0.5) / HALF_LIFE)) for t in range(3)]
    apart = 50 * (math.exp(-3 * protest) - math.exp(-sum(rates)))
    line = next(one for one in found.contributions[ahead.dyads[0]] if one.kind == "raised")
    assert line.points == pytest.approx(apart, abs=5 * line.error + 0.02)
    level = levels_today(ahead, ahead.dyads[0]).levels["pressure"]
    assert level.raised == pytest.approx({"spark": left}, rel=1e-5)
    assert level.basis == "stated"
    frame = levels_today(ahead, ahead.dyads[0]).to_frame()
    assert frame.loc[0, ["raised", "basis"]].tolist() == [pytest.approx(left, rel=1e-5), "stated"]


def test_where_an_indicator_stands_higher_by_itself_and_by_an_event_each_has_its_part() -> None:
    left = STEPS * 2 ** (-(12 - (11 + 3.5 / 31)) / HALF_LIFE)
    events = {"spark": event(quantity(0.5), kind="trigger"), "protest": event(quantity(0.4))}
    own = indicator(raises={"spark": rise("any")}, now=quantity(left + 1.0), drift=quantity(0.3))
    case = make_case(events, [edge("pressure", "protest", quantity(RATIO))], {"pressure": own}, rows=PAST[1:2])
    found = explain(ahead_of(case, 3))
    lines = {one.id: one.points for one in found.contributions["HHH-P001"]}
    assert lines["pressure"] > 1.0
    assert lines["raised:spark"] > 1.0
    cut = Scenario.model_validate({"label": "S", "story": "S.", "indicators": [{"indicator": "pressure", "set": 1.5}]})
    still = {one.id: one.points for one in explain(ahead_of(case, 3, scenario=cut)).contributions["HHH-P001"]}
    # A level that is set leaves events nothing to raise.
    assert still["raised:spark"] == pytest.approx(0.0, abs=1e-6)
    assert still["pressure"] > 1.0


def test_what_past_events_have_raised_is_told_with_its_own_evidence(tmp_path: Path) -> None:
    case = load_case(write_level_files(tmp_path))
    behind = [f"indicators.mood.raises.spark.{part}" for part in ("steps", "half_life")]
    assert evidence_of(case, "raised:spark") == [(key, "judgement", "Judged.") for key in behind]
    assert [key for key, _, _ in evidence_of(case, "recent:spark")] == ["effects.spark->protest"]
    assert [key for key, _, _ in evidence_of(case, "mood")] == ["effects.mood->protest", "effects.mood->decree"]


def test_events_that_raise_by_nothing_change_no_digit() -> None:
    case = random_case(2)
    mood = case.indicators["mood"].model_dump()
    nothing = {"spark": {"steps": quantity(0.0), "half_life": quantity(3.0, 1.0, 9.0), "whose": "any"}}
    other = case.revised(indicators={**case.indicators, "mood": {**mood, "raises": nothing}})
    assert other.hash != case.hash
    one, two = (forecast(fit(each, draws=100, seed=3), "storm", paths=4) for each in (case, other))
    assert one.posterior.fingerprints == two.posterior.fingerprints
    for name in case.events:
        np.testing.assert_array_equal(one.simulated.probability[name], two.simulated.probability[name])
    np.testing.assert_array_equal(one.simulated.score, two.simulated.score)
    first, second = explain(one, paths=50), explain(two, paths=50)
    assert first.contributions == second.contributions


def test_a_forecast_of_a_raised_case_is_the_same_however_it_is_cut() -> None:
    case = pressed({"spark": rise("any"), "decree": rise("own", -1.0, 4.0)}, rows=PAST)
    posterior = fit(case, draws=200, seed=3)
    whole, cut = (forecast(posterior, horizon=5, paths=4, cells=cells) for cells in (10**6, 64))
    np.testing.assert_allclose(whole.simulated.score, cut.simulated.score, rtol=1e-6)
