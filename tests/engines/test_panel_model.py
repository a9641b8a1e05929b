"""Panel cases in the model: the record, memories, spillover, earlier days, absent dyads, and the command line."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from rich.cells import cell_len

from riskcast import Case, Forecast, case_as_of, contrast, explain, fit, forecast, score
from riskcast.case.dyads import Dyad
from riskcast.case.model import Scenario, SeriesRow, StatedLevel
from riskcast.case.panel import Panel
from riskcast.case.periods import calendar_of
from riskcast.engines.hazard import build_event_model, memory_columns
from riskcast.errors import CaseError, OptionError, UnknownNameError
from riskcast.forecasting.remembered import counts_for, remembered_events
from riskcast.record.arrays import build_record, leave_out
from riskcast.record.memory import COUNT, Neighbours, seen_events
from riskcast.verification.coverage import check_priors, report_coverage
from tests.support.cases import (
    assert_forecast,
    edge,
    enumerate_futures,
    event,
    indicator,
    make_case,
    quantity,
    random_case,
)
from tests.support.command_line import Run
from tests.support.smallpanel import EVENTS, FIRST, GONE, PERIODS, PRESENT, panel_case, table, write_panel_case

nan = np.nan
DAY = dt.date(2009, 12, 31)
BEFORE = ()
DURING = (("case.yaml", "covariates: before", "covariates: during"),)


def hand_panel(rows: Mapping[str, Mapping[int, tuple[float, float]]], name: str = "mood", kind: str = "war") -> Panel:
    """A panel from {dyad: {period: (level, event)}}."""
    cells = [(unit, period, *cell) for unit, own in enumerate(rows.values()) for period, cell in own.items()]
    unit, period, level, happened = np.array(cells, dtype=float).T
    return Panel(tuple(rows), unit.astype(np.int64), period.astype(np.int64), {name: level}, {kind: happened})


def hand_case(panel: Panel, effects: list[dict[str, Any]] | None = None, **options: Any) -> Case:
    mood = indicator(scope="dyad", history="panel", now=None, reference=10.0, step=2.0)
    base = options.pop("base", quantity(0.2, 0.05, 0.5))
    options = {"period": "year", "years": 5, "horizon": 2, **options}
    return make_case({"war": event(base)}, effects or [], {"mood": mood}, panel=panel, **options)


# AAA-BBB has a row in every year and in the next; AAA-CCC enters, misses a year, and says nothing of the next; BBB-CCC
# leaves; CCC-DDD enters with the horizon, so that it has no past.
ROWS = {
    "AAA-BBB": {2016: (10, 0), 2017: (12, 1), 2018: (14, 0), 2019: (8, nan), 2020: (6, 0), 2021: (20, nan)},
    "AAA-CCC": {2018: (12, 0), 2020: (10, 1), 2021: (4, nan)},
    "BBB-CCC": {2016: (14, 1), 2017: (10, 0)},
    "CCC-DDD": {2021: (16, nan)},
}


def test_the_record_holds_every_row_at_its_period_and_dyad() -> None:
    record = build_record(hand_case(hand_panel(ROWS)))
    assert record.timeline.ends.astype(str).tolist() == [f"{year}-12-31" for year in range(2016, 2021)]
    assert record.years.tolist() == [2016, 2017, 2018, 2019, 2020]
    at_risk = [[1, 0, 1, 0], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]]
    assert record.at_risk["war"].tolist() == (np.array(at_risk) > 0).tolist()
    occurred = [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert record.occurred["war"].tolist() == occurred
    levels = [[0, 0, 2, 0], [1, 0, 0, 0], [2, 1, 0, 0], [-1, 0, 0, 0], [-2, 0, 0, 0]]
    assert record.levels["mood"].tolist() == levels
    assert record.present.tolist() == [True, True, False, True]
    assert record.today["mood"].tolist() == [5.0, -3.0, 0.0, 3.0]


def test_without_rows_of_the_next_period_the_last_ones_hold_the_levels_of_today() -> None:
    known = {dyad: {year: cell for year, cell in own.items() if year < 2021} for dyad, own in ROWS.items()}
    record = build_record(hand_case(hand_panel({dyad: own for dyad, own in known.items() if own})))
    assert record.present.tolist() == [True, True, False]
    assert record.today["mood"].tolist() == [-2.0, 0.0, 0.0]


def test_a_log_covariate_counts_in_factors_from_its_reference() -> None:
    trade = indicator(scope="dyad", history="panel", now=None, scale="log", reference=10.0, step=2.0)
    panel = hand_panel({"AAA-BBB": {2019: (5, 0), 2020: (40, 0), 2021: (20, nan)}}, "trade")
    case = make_case({"war": event(quantity(0.2))}, [], {"trade": trade}, period="year", years=2, panel=panel)
    record = build_record(case)
    assert record.levels["trade"].ravel().tolist() == pytest.approx([-1.0, 2.0], abs=1e-12)
    assert record.today["trade"].tolist() == pytest.approx([1.0], abs=1e-12)


def test_what_all_dyads_share_is_one_column() -> None:
    case = panel_case()
    rows, record = table(), build_record(panel_case())
    by_period = rows.groupby("period")
    assert record.levels["tension"].shape == (PERIODS, 1)
    np.testing.assert_allclose(record.levels["tension"][:, 0], by_period["tension"].first()[:PERIODS], atol=1e-12)
    assert record.today["tension"].tolist() == [by_period["tension"].first()["2013"]]
    assert record.occurred["summit"][:, 0].tolist() == by_period["summit"].first()[:PERIODS].tolist()
    assert record.at_risk["summit"].all()
    assert case.units("summit") == ("SYSTEM",)


@pytest.mark.parametrize("happened", [0.0, 1.0])
def test_a_shared_event_is_known_where_any_row_says_so(happened: float) -> None:
    rows = table()
    rows.loc[rows["period"] == "2004", "summit"] = nan
    rows.loc[(rows["period"] == "2004") & (rows["dyad"] == "BBB-DDD"), "summit"] = happened
    rows.loc[rows["period"] == "2007", "summit"] = nan
    record = build_record(panel_case(rows))
    assert np.flatnonzero(~record.at_risk["summit"][:, 0]).tolist() == [6]
    wanted = table().groupby("period")["summit"].first()[:PERIODS].to_numpy(copy=True)
    wanted[[3, 6]] = happened, 0.0
    assert record.occurred["summit"][:, 0].tolist() == wanted.tolist()


def test_an_event_type_is_at_risk_from_the_period_in_which_its_record_begins() -> None:
    record = build_record(
        panel_case(edits=(("outcomes.yaml", "severity: 60", "severity: 60\n  recorded_from: 2005-03-01"),))
    )
    plain = build_record(panel_case())
    assert not record.at_risk["clash"][:4].any()
    np.testing.assert_array_equal(record.at_risk["clash"][4:], plain.at_risk["clash"][4:])
    np.testing.assert_array_equal(record.occurred["clash"], plain.occurred["clash"])


@pytest.mark.parametrize(
    ("unit", "start"), [("year", "2001-12-31"), ("quarter", "2001-03-31"), ("month", "2001-01-31")]
)
def test_a_panel_of_any_unit_has_its_calendar_periods(unit: str, start: str) -> None:
    case = panel_case(unit=unit)
    record = build_record(case)
    first = calendar_of(unit).number(FIRST)
    assert record.timeline.ends[0] == np.datetime64(start)
    assert record.timeline.ends.tolist() == [calendar_of(unit).last_day(first + t) for t in range(PERIODS)]
    rows = table(unit)
    for t in range(PERIODS):
        own = rows[rows["period"] == calendar_of(unit).label(first + t)].set_index("dyad")
        for column, dyad in enumerate(case.dyads):
            assert record.at_risk["clash"][t, column] == (dyad in own.index)
            if dyad in own.index:
                assert record.occurred["clash"][t, column] == own["clash"][dyad]
                assert record.levels["mood"][t, column] == pytest.approx((own["mood"][dyad] - 50.0) / 10.0)
    ahead = forecast(fit(case, draws=100, allow_unreliable=True), horizon=2)
    assert ahead.window == (
        calendar_of(unit).last_day(first + 11) + dt.timedelta(days=1),
        calendar_of(unit).last_day(first + 13),
    )


def test_gaps_count_by_the_calendar_across_rows_that_the_table_lacks() -> None:
    loop = edge("war", "war", quantity(2.0), whose="own", memory="fast", acts="next")
    rows = {"AAA-BBB": {2016: (10, 1), 2020: (10, 0)}, "CCC-DDD": {2016: (10, 0), 2018: (10, 1), 2020: (10, 0)}}
    case = hand_case(hand_panel(rows), [loop], half_life=quantity(2.0))
    record = build_record(case)
    model = build_event_model(case, record, "war")
    memory = memory_columns(model, model.rows, {"half_life.fast": np.array(2.0)})[:, 0]
    found = {
        (model.units[u], int(record.years[t])): m
        for u, t, m in zip(model.rows.unit, model.rows.period, memory, strict=True)
    }
    assert set(found) == {(dyad, year) for dyad, own in rows.items() for year in own}
    assert found["AAA-BBB", 2020] == pytest.approx(np.log2(1 + 2.0 ** (-3 / 2)))
    assert found["CCC-DDD", 2020] == pytest.approx(np.log2(1 + 2.0 ** (-1 / 2)))
    assert found["CCC-DDD", 2018] == 0.0


def test_a_dyad_that_left_is_still_remembered() -> None:
    spill = edge("war", "war", quantity(2.0), whose="others", memory="fast", acts="next")
    case = hand_case(hand_panel(ROWS), [spill], half_life=quantity(2.0))
    record = build_record(case)
    seen = seen_events(case.effects[0], case, record.occurred)
    # BBB-CCC fought in 2016, and CCC-DDD, which does not exist yet, will remember it.
    assert seen[0].tolist() == [1.0, 1.0, 0.0, 1.0]
    assert COUNT.columns(seen, 2.0, False)[1, 3] == pytest.approx(1.0)


# Whose events a dyad sees.


def others_one_by_one(pairs: list[tuple[str, str]], events: NDArray[Any]) -> NDArray[Any]:
    out = np.zeros(events.shape)
    for u, mine in enumerate(pairs):
        for v, other in enumerate(pairs):
            if u != v and set(mine) & set(other):
                out[..., u] += events[..., v]
    return out


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[str, str]]:
    states = "ABCDEFG"[: draw(st.integers(2, 7))]
    every = [(a, b) for i, a in enumerate(states) for b in states[i + 1 :]]
    turned = st.sampled_from(every).flatmap(lambda pair: st.sampled_from([pair, pair[::-1]]))
    return draw(st.lists(turned, min_size=1, max_size=15, unique_by=lambda pair: tuple(sorted(pair))))


@given(pairs=graphs(), seed=st.integers(0, 1000))
def test_others_are_the_events_of_dyads_that_share_a_state(pairs: list[tuple[str, str]], seed: int) -> None:
    events = np.random.default_rng(seed).integers(0, 2, (6, len(pairs))).astype(float)
    neighbours = Neighbours.of(Dyad(*pair) for pair in pairs)
    for kind in (np.float64, np.float32):
        found = neighbours.others(events.astype(kind))
        assert found.dtype == kind
        np.testing.assert_array_equal(found, others_one_by_one(pairs, events))


@given(partners=st.integers(1, 8), seed=st.integers(0, 1000))
def test_dyads_of_one_host_all_see_one_another(partners: int, seed: int) -> None:
    pairs = [("HHH", f"P{number:03d}") for number in range(partners)]
    events = np.random.default_rng(seed).integers(0, 2, (6, partners)).astype(float)
    hub = Neighbours.of(Dyad(*pair) for pair in pairs)
    spokes = Neighbours.of(Dyad(*pair[::-1]) for pair in pairs)
    total = events.sum(axis=1, keepdims=True) - events
    np.testing.assert_array_equal(hub.others(events), total)
    np.testing.assert_array_equal(spokes.others(events), total)
    assert (hub.one_host, spokes.one_host) == (True, partners == 1)


def test_the_edges_of_a_panel_see_the_events_they_name() -> None:
    case = panel_case()
    record = build_record(case)
    clash = record.occurred["clash"]
    seen = {
        (e.source, e.target, e.whose): seen_events(e, case, record.occurred) for e in case.effects if e.is_escalation
    }
    np.testing.assert_array_equal(
        seen["clash", "clash", "others"], others_one_by_one([pair.states for pair in case.pairs.values()], clash)
    )
    np.testing.assert_array_equal(seen["clash", "summit", "any"], clash.sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(seen["raid", "clash", "own"], record.occurred["raid"])
    np.testing.assert_array_equal(seen["summit", "raid", "host"], np.repeat(record.occurred["summit"], 5, axis=1))


def test_leaving_a_dyad_out_keeps_its_events_for_the_others() -> None:
    case = panel_case()
    record = build_record(case)
    without = leave_out(record, case, "BBB-CCC")
    for name in ("clash", "raid"):
        assert not without.at_risk[name][:, 2].any()
        kept = [0, 1, 3, 4]
        np.testing.assert_array_equal(without.at_risk[name][:, kept], record.at_risk[name][:, kept])
        np.testing.assert_array_equal(without.occurred[name], record.occurred[name])
    np.testing.assert_array_equal(without.at_risk["summit"], record.at_risk["summit"])
    posterior = fit(case, draws=100, without="BBB-CCC", allow_unreliable=True)
    assert 2 not in posterior.models["clash"].rows.unit
    assert 2 in fit(case, draws=100, allow_unreliable=True).models["clash"].rows.unit
    ahead = forecast(posterior)
    assert 0 < ahead.probability("clash", "BBB-CCC").mean < 1


# The same data as a panel and as events and series of a host.


def host_case() -> Case:
    """A case of a host whose levels of today are fixed, and whose indicators have a series."""
    case = random_case(5)
    rng = np.random.default_rng(8)
    rows, indicators = [], {}
    for name, one in case.indicators.items():
        units = case.dyads if one.scope == "dyad" else (case.host,)
        for unit in units:
            for year in range(case.settings.history_from.year, case.as_of.year + 1):
                day, value = dt.date(year, 5, 15), float(rng.normal())
                plain: dict[str, Any] = {
                    "indicator": name,
                    "unit": unit,
                    "date": day,
                    "value": value,
                    "low": value,
                    "high": value,
                }
                rows.append(SeriesRow(**plain, published=day, sources=(), status="judgement"))
        today = {unit: StatedLevel(value=float(rng.normal())) for unit in units}
        # Steps of one point from zero keep every digit on the way to the panel and back.
        changes = {"scale": "identity", "reference": 0.0, "step": 1.0, "history": "series"}
        changes["now"] = today if one.scope == "dyad" else today[case.host]
        indicators[name] = one.model_copy(update=changes)
    return case.revised(indicators=indicators, series_rows=tuple(rows))


def panel_twin(case: Case) -> Case:
    """The same record as a panel; the levels of today stand in the rows of the next period."""
    record = build_record(case)
    periods, dyads = record.timeline.length, len(case.dyads)
    last = calendar_of(case.settings.period).number(case.as_of)
    unit = np.repeat(np.arange(dyads), periods + 1)
    period = np.tile(np.arange(last - periods + 1, last + 2), dyads)

    def column(past: NDArray[Any], ahead: NDArray[Any]) -> NDArray[Any]:
        grid = np.concatenate([past, np.atleast_2d(ahead)])
        return np.ascontiguousarray(np.broadcast_to(grid, (periods + 1, dyads)).T).ravel()

    levels = {}
    for name, one in case.indicators.items():
        units = case.dyads if one.scope == "dyad" else (case.host,)
        levels[name] = column(record.levels[name], np.array([one.now_of(unit).center for unit in units]))
    happened = {name: column(past, np.full(past.shape[1], nan)) for name, past in record.occurred.items()}
    settings = case.settings.model_copy(update={"partners": (), "panel": hand_case(hand_panel(ROWS)).settings.panel})
    indicators = {
        name: one.model_copy(update={"history": "panel", "now": None}) for name, one in case.indicators.items()
    }
    panel = Panel(case.dyads, unit, period, levels, happened)
    return case.revised(settings=settings, indicators=indicators, panel=panel, event_rows=(), series_rows=())


def test_a_panel_is_fitted_and_forecast_to_the_same_digits_as_the_same_record_of_a_host() -> None:
    host = host_case()
    one, two = fit(host, draws=200), fit(panel_twin(host), draws=200)
    assert host.event_rows
    assert one.fingerprints == two.fingerprints
    for name, drawn in one.events.items():
        np.testing.assert_array_equal(drawn.coefficients, two.events[name].coefficients)
        np.testing.assert_array_equal(drawn.effects, two.events[name].effects)
    for scenario in (None, "storm"):
        first, second = forecast(one, scenario), forecast(two, scenario)
        for name, probability in first.simulated.probability.items():
            np.testing.assert_array_equal(second.simulated.probability[name], probability)
        np.testing.assert_array_equal(second.simulated.score, first.simulated.score)
        assert explain(second, paths=50) == explain(first, paths=50)
    assert check_priors(host, 200, 1) == check_priors(two.case, 200, 1)
    # Within a period a panel knows of no order.
    remembered = [(past.when[:7], past.share) for past in remembered_events(one, "HHH-P001")]
    assert sorted((past.when, past.share) for past in remembered_events(two, "HHH-P001")) == sorted(remembered)


# The horizon.


def test_a_forecast_is_that_of_all_futures_from_the_levels_of_the_next_period() -> None:
    rows = {
        "AAA-BBB": {2019: (10, 1), 2020: (12, 0), 2021: (14, nan)},
        "AAA-CCC": {2019: (10, 0), 2020: (12, 1), 2021: (8, nan)},
        "BBB-CCC": {2020: (12, 0), 2021: (11, nan)},
    }
    effects = [
        edge("mood", "war", quantity(1.5)),
        edge("war", "war", quantity(1.8), whose="own", memory="fast", acts="next"),
        edge("war", "war", quantity(1.4), whose="others", memory="fast", acts="next", path="spillover"),
    ]
    case = hand_case(hand_panel(rows), effects, base=quantity(0.3), half_life=quantity(2.0), years=2)
    levels = {"mood": np.tile([2.0, -1.0, 0.5], (3, 1))}
    exact = enumerate_futures(case, 3, levels)
    ahead = forecast(fit(case, draws=4000, prior_only=True), horizon=3, seed=2)
    assert_forecast(ahead, exact)
    # Peaks: one event type, so that its worst outcome is reached where the event happens.
    share = exact.probability["war"][-1]
    error = np.sqrt(share * (1 - share) / (4000 * ahead.paths))
    assert (np.abs(ahead.simulated.peaks[50.0] - share) < 5 * error).all()


def test_peaks_are_shares_of_paths_by_severity() -> None:
    ahead = forecast(fit(panel_case(), draws=2000, prior_only=True))
    peaks, mean = ahead.simulated.peaks, {n: p.mean(axis=0) for n, p in ahead.simulated.probability.items()}
    assert set(peaks) == {30.0, 60.0}
    assert (peaks[60.0] <= peaks[30.0]).all()
    np.testing.assert_allclose(peaks[60.0], mean["clash"], atol=0.03)
    # Both together leave 70 % of 40: 72 points, 18 less than the two alone.
    both = mean["raid"] + mean["clash"] - peaks[30.0]
    expected = 30.0 * mean["raid"] + 60.0 * mean["clash"] - 18.0 * both
    np.testing.assert_allclose(expected, ahead.simulated.score.mean(axis=0), atol=1.5)


@pytest.fixture(scope="module")
def ahead() -> Forecast:
    return forecast(fit(panel_case(), draws=200, allow_unreliable=True))


def test_a_dyad_that_left_is_forecast_nowhere(ahead: Forecast) -> None:
    column = ahead.case.dyads.index(GONE)
    assert ahead.dyads == PRESENT
    assert ahead.units("clash") == PRESENT
    assert ahead.units("summit") == ("SYSTEM",)
    risk, why = score(ahead), explain(ahead, paths=50)
    assert tuple(dyad.id for dyad in risk.dyads) == PRESENT
    assert set(why.contributions) == set(why.score) == set(why.reference) == set(PRESENT)
    assert set(ahead.to_frame()["dyad"]) == {*PRESENT, "SYSTEM"}
    change = contrast(forecast(ahead.posterior, "storm"), ahead)
    assert set(change.score) == set(PRESENT)
    assert {unit for _, unit in change.probability} == {*PRESENT, "SYSTEM"}
    for name in ("clash", "raid"):
        assert not ahead.simulated.probability[name][:, column].any()
    assert not ahead.simulated.peaks[30.0][column]
    for ask in (
        lambda: ahead.probability("clash", GONE),
        lambda: ahead.by_period("clash", GONE),
        lambda: ahead.score(GONE),
        lambda: ahead.score("AAA-ZZZ"),
    ):
        with pytest.raises(UnknownNameError, match="dyad at the start of the horizon"):
            ask()


def test_a_dyad_that_left_sends_no_events_to_its_neighbours() -> None:
    """Between AAA-BBB and CCC-DDD stands BBB-CCC alone: only through it can raids elsewhere lead to war."""
    raids = edge("raid", "war", quantity(20.0), whose="others", memory="fast", acts="next")
    everywhere = {"label": "Raids", "story": "All raid.", "events": [{"event": "raid", "month": 1}]}

    def war(last: int, scenario: str | None) -> NDArray[Any]:
        """Probability of war by the end of the second year, where BBB-CCC has rows up to a year."""
        ends = {"AAA-BBB": 2021, "BBB-CCC": last, "CCC-DDD": 2021}
        rows = {
            dyad: {year: (10.0, 0.0 if year < 2021 else nan) for year in range(2019, end + 1)}
            for dyad, end in ends.items()
        }
        panel = hand_panel(rows)
        panel = Panel(panel.dyads, panel.unit, panel.period, {}, {**panel.events, "raid": panel.events["war"]})
        kinds = {"war": event(quantity(0.01)), "raid": event(quantity(0.3), kind="trigger")}
        case = make_case(kinds, [raids], period="year", years=2, panel=panel, scenarios={"everywhere": everywhere})
        posterior = fit(case, draws=100, prior_only=True)
        return forecast(posterior, scenario, horizon=2).simulated.by_period["war"][1]

    assert war(2020, "everywhere")[1] == war(2020, None)[1] == 0.0
    assert war(2020, "everywhere")[0] == war(2020, None)[0]
    assert war(2021, "everywhere")[0] > 3 * war(2020, None)[0]
    # Without an assumption too, raids of the dyad between add to the chance of war.
    assert war(2021, None)[0] > 1.5 * war(2020, None)[0]


@pytest.mark.parametrize("move", ["events", "indicators"])
def test_a_scenario_cannot_name_a_dyad_that_left(move: str, ahead: Forecast) -> None:
    plain: dict[str, Any] = {"label": "L", "story": "S."}
    what = {"event": "raid", "month": 1} if move == "events" else {"indicator": "mood", "shift": 1.0}
    scenario = Scenario.model_validate(plain | {move: [{**what, "dyads": [GONE]}]})
    with pytest.raises(OptionError, match="names CCC-DDD, which has no row at the start of the horizon"):
        forecast(ahead.posterior, scenario)
    everywhere = Scenario.model_validate(plain | {move: [what]})
    assert forecast(ahead.posterior, everywhere).dyads == PRESENT


# Earlier days.


def changed_later(rows: pandas.DataFrame, seed: int, known: str, covariates: str) -> pandas.DataFrame:
    """The table with everything after two labels altered: events after `known`, covariates after `covariates`."""
    rng = np.random.default_rng(seed)
    out = rows.copy()
    out = out[(out["period"] <= covariates) | (rng.random(len(out)) < 0.8)]
    # Somebody must be left in the last period, and in the one after it where covariates are known before.
    out = pandas.concat([out, rows[(rows["dyad"] == "AAA-BBB")]]).drop_duplicates(["dyad", "period"])
    late = out["period"] > covariates
    out.loc[late, "mood"] = rng.integers(0, 100, late.sum()).astype(float)
    out.loc[late, "trade"] = np.exp(rng.normal(size=late.sum()))
    tension = dict(zip(sorted(set(out["period"])), rng.normal(size=len(set(out["period"]))), strict=True))
    out.loc[late, "tension"] = out.loc[late, "period"].map(tension)
    unknown = (out["period"] > known) & (out["period"] <= "2012")
    out.loc[unknown, "clash"] = rng.choice([0.0, 1.0, nan], unknown.sum())
    out.loc[unknown, "raid"] = rng.choice([0.0, 1.0, nan], unknown.sum())
    out.loc[unknown, "summit"] = nan
    entrant = rows[(rows["dyad"] == "AAA-BBB") & (rows["period"] > covariates)].assign(dyad="AAA-AAB")
    entrant = entrant.drop(columns=["tension", "summit"]).merge(
        out[["period", "tension"]].drop_duplicates("period"), on="period"
    )
    return pandas.concat([out, entrant.assign(summit=nan)], ignore_index=True)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["before", "during"]))
def test_nothing_after_the_day_changes_a_digit(seed: int, kind: str) -> None:
    rows, edits = (table(), BEFORE) if kind == "before" else (table()[lambda r: r["period"] <= "2012"], DURING)
    changed = changed_later(rows, seed, "2009", "2010" if kind == "before" else "2009")
    one, two = (case_as_of(panel_case(each, edits=edits), DAY) for each in (rows, changed))
    assert panel_case(changed, edits=edits).hash != panel_case(rows, edits=edits).hash
    assert one.hash == two.hash
    first, second = (forecast(fit(case, draws=100, prior_only=True), "storm") for case in (one, two))
    assert first.dyads == second.dyads
    assert first.posterior.fingerprints == second.posterior.fingerprints
    np.testing.assert_array_equal(first.simulated.score, second.simulated.score)


@pytest.mark.parametrize("kind", ["before", "during"])
def test_covariates_of_the_next_period_count_only_where_they_are_known_ahead(kind: str) -> None:
    rows, edits = (table(), BEFORE) if kind == "before" else (table()[lambda r: r["period"] <= "2012"], DURING)
    changed = rows.copy()
    ahead = (changed["period"] == "2010") & (changed["dyad"] == "BBB-DDD")
    changed.loc[ahead, "mood"] = 99.0
    one, two = (case_as_of(panel_case(each, edits=edits), DAY) for each in (rows, changed))
    assert (one.hash != two.hash) == (kind == "before")
    record = build_record(two)
    here = rows[(rows["dyad"] == "BBB-DDD") & (rows["period"] == "2009")]["mood"].item()
    today = 99.0 if kind == "before" else here
    assert record.today["mood"][two.dyads.index("BBB-DDD")] == pytest.approx((today - 50.0) / 10.0)
    assert record.timeline.ends[-1] == np.datetime64(DAY)
    # Its last row is that of 2009: it is seen to leave only where the rows of 2010 are known.
    assert record.present[two.dyads.index(GONE)] == (kind == "during")


@pytest.mark.parametrize("column", ["mood", "trade", "clash", "raid"])
def test_what_was_known_by_the_day_does_count(column: str) -> None:
    rows = table()
    at = np.flatnonzero((rows["dyad"] == "AAA-BBB") & (rows["period"] == "2009"))[0]
    changed = rows.copy()
    changed.loc[at, column] = 1.0 - rows[column][at] if column in EVENTS else rows[column][at] + 1.0
    one, two = (case_as_of(panel_case(each), DAY) for each in (rows, changed))
    assert one.hash != two.hash
    first, second = (fit(each, draws=100, prior_only=True) for each in (one, two))
    assert first.fingerprints != second.fingerprints


def test_an_earlier_day_is_the_case_that_its_table_alone_would_make(tmp_path: Path) -> None:
    rows = table()
    then = rows[rows["period"] <= "2010"].copy()
    then.loc[then["period"] == "2010", list(EVENTS)] = nan
    edits = (
        ("case.yaml", "as_of: 2012-12-31", f"as_of: {DAY}"),
        ("indicators.yaml", "now: {median: 1, interval: [0.5, 1.5]", "now: {median: 0, interval: [-0.5, 0.5]"),
    )
    earlier, alone = case_as_of(panel_case(), DAY), panel_case(then, edits=edits)
    assert earlier.panel is not None
    assert alone.panel is not None
    assert earlier.panel.digest == alone.panel.digest
    # An indicator without a record stands at its reference: what is said of today was not known then.
    assert earlier.indicators["climate"].now_of("SYSTEM").center == 0.0
    assert earlier.indicators["climate"].now_of("SYSTEM").range == pytest.approx((-0.5, 0.5))
    assert case_as_of(earlier, DAY) is earlier
    halfway = case_as_of(case_as_of(panel_case(), dt.date(2011, 12, 31)), DAY)
    assert halfway.hash == earlier.hash
    assert earlier.published_hash == panel_case().hash


def test_levels_of_today_are_those_of_the_dyads_of_the_day() -> None:
    case = panel_case()
    wealth = indicator(scope="dyad", now={dyad: quantity(2.0) for dyad in case.dyads})
    case = case.revised(indicators={**case.indicators, "wealth": wealth})
    earlier = case_as_of(case, dt.date(2003, 12, 31))
    assert earlier.dyads == ("AAA-BBB", "BBB-CCC", "BBB-DDD", "CCC-DDD")
    levels = earlier.indicators["wealth"].now
    assert isinstance(levels, dict)
    assert {dyad: level.center for dyad, level in levels.items()} == dict.fromkeys(earlier.dyads, 0.0)
    assert forecast(fit(earlier, draws=100, allow_unreliable=True)).dyads == (
        "AAA-BBB",
        "BBB-CCC",
        "BBB-DDD",
        "CCC-DDD",
    )


def test_an_event_type_recorded_only_later_is_missing_and_not_at_risk() -> None:
    case = panel_case(edits=(("outcomes.yaml", "severity: 60", "severity: 60\n  recorded_from: 2011-01-01"),))
    posterior = fit(case_as_of(case, DAY), draws=100, allow_unreliable=True)
    assert not posterior.record.at_risk["clash"].any()


@pytest.mark.parametrize(
    ("unit", "day", "words"),
    [
        ("year", "2009-06-30", "within a year of the panel; give its end, 2008-12-31 or 2009-12-31"),
        ("quarter", "2003-05-31", "within a quarter of the panel; give its end, 2003-03-31 or 2003-06-30"),
        ("month", "2002-02-27", "give a day up to its own as_of 2001-12-31"),
        ("year", "2013-12-31", "give a day up to its own as_of 2012-12-31"),
        ("year", "2001-12-31", "give a day from 2002-01-02 on"),
    ],
)
def test_days_that_end_no_period_of_the_record_are_refused(unit: str, day: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        case_as_of(panel_case(unit=unit), dt.date.fromisoformat(day))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[rows["period"] > "2009"], "period of the panel has no row up to 2009"),
        (lambda rows: rows[~rows["period"].isin(["2009", "2010"])], "period of the panel ends with 2008, before 2009"),
        (
            lambda rows: rows.assign(raid=rows["raid"].where(rows["period"] > "2009")),
            "raid of the panel is known in no row",
        ),
    ],
    ids=["no rows yet", "a gap", "an event not yet known"],
)
def test_days_from_which_the_panel_cannot_be_forecast_are_refused(change: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        case_as_of(panel_case(change(table())), DAY)


def test_a_scenario_for_a_dyad_that_did_not_exist_yet_is_refused() -> None:
    case = panel_case(edits=(("scenarios.yaml", "AAA-BBB", "AAA-CCC"),))
    posterior = fit(case_as_of(case, dt.date(2003, 12, 31)), draws=100, allow_unreliable=True)
    assert forecast(posterior).dyads == ("AAA-BBB", "BBB-CCC", "BBB-DDD", "CCC-DDD")
    with pytest.raises(CaseError, match="'AAA-CCC' is not a dyad"):
        forecast(posterior, "storm")


# Reports and the command line.


def test_the_report_counts_rows_and_years_of_the_panel() -> None:
    report = report_coverage(panel_case(unit="quarter"), draws=100)
    mood = next(item for item in report.series if item.indicator == "mood")
    assert (mood.values, mood.first, mood.last, mood.share) == (len(table("quarter")), 2001, 2004, 1.0)
    assert {check.event: check.recorded for check in report.priors}["clash"] == table("quarter")["clash"].sum()


def test_prior_checks_are_the_same_in_law_whatever_the_blocks() -> None:
    whole = check_priors(panel_case(), 2000, 1)
    for one, two in zip(whole, check_priors(panel_case(), 2000, 1, cells=3000), strict=True):
        assert (one.event, one.recorded) == (two.event, two.recorded)
        assert two.median == pytest.approx(one.median, abs=1)
        assert two.tail == pytest.approx(one.tail, abs=0.1)


def test_remembered_events_are_own_ones_and_those_of_neighbours() -> None:
    case = panel_case()
    record = build_record(case)
    told = remembered_events(fit(case, draws=100, allow_unreliable=True), "AAA-BBB", least=0.0)
    labels = {name: case.events[name].label for name in case.events}
    wanted = []
    for name, whose in (("clash", "others"), ("clash", "any"), ("raid", "own"), ("summit", "host")):
        for period, unit in np.argwhere(record.occurred[name]).tolist():
            where = case.units(name)[unit]
            near = not set(where.split("-")).isdisjoint({"AAA", "BBB"})
            sees = {"others": near and where != "AAA-BBB", "any": True, "own": where == "AAA-BBB", "host": True}[whose]
            own = where in ("AAA-BBB", "SYSTEM")
            if sees:
                wanted.append((str(2001 + period), f"{'' if own else where + ': '}{labels[name]}."))
    assert {(past.when, str(past)) for past in told} == set(wanted)
    assert all(past.row is None and past.unit in case.units(past.type) for past in told)
    years = [int(past.when) for past in told]
    assert years == sorted(years, reverse=True)


@pytest.mark.parametrize(
    ("whose", "where", "sees"),
    [
        ("own", "AAA-BBB", True),
        ("own", "BBB-CCC", False),
        ("own", "ALL", True),
        ("others", "AAA-BBB", False),
        ("others", "BBB-CCC", True),
        ("others", "CCC-AAA", True),
        ("others", "CCC-DDD", False),
        ("any", "CCC-DDD", True),
        ("host", "SYSTEM", True),
    ],
)
def test_an_edge_counts_the_events_of_the_dyads_that_it_names(whose: str, where: str, sees: bool) -> None:
    assert counts_for(whose, where, "AAA-BBB") == sees


QUICK = ("--draws", "200", "--allow-unreliable")
BASE = ("--scenario", "baseline", "--scenario", "storm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = table()
    rows.loc[3, "mood"] = nan
    edits = (("indicators.yaml", "reference: 50", "reference: 50\n  missing: [hold, drop]"),)
    return write_panel_case(tmp_path_factory.mktemp("panel"), rows, edits=edits)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("forecast", *QUICK), ("Small panel", "1 Jan 2013 to 31 Dec 2015", *PRESENT, "Clash", "Raid")),
        (("forecast", "--as-of", "2009-12-31", *QUICK), ("as of 31 December 2009", "1 Jan 2010", "BBB-DDD")),
        (("forecast", "--prior-only", *QUICK), ("from the priors alone", "AAA-CCC")),
        (("check",), ("is valid", "5 dyads", "53 rows of a panel", "mood: 1 cells held at the last earlier value")),
        (("compare", *BASE, *QUICK), ("Storm against Baseline", "AAA-BBB  Clash", "BBB-CCC")),
        (("explain", *QUICK), ("AAA-BBB", "Events still remembered", "Mood", "BBB-CCC: Clash.")),
        (("scenarios",), ("storm", "Opinion sours")),
    ],
    ids=["forecast", "as of", "prior only", "check", "compare", "explain", "scenarios"],
)
def test_every_command_prints_a_panel_case_within_the_width(
    command: tuple[str, ...], words: tuple[str, ...], run: Run, folder: Path
) -> None:
    name, *options = command
    status, out, err = run(name, folder, *(("AAA-BBB",) if name == "explain" else ()), *options)
    assert (status, err) == (0, "")
    for word in words:
        assert word in out
    assert max(cell_len(line) for line in out.splitlines()) <= 80


def test_the_json_of_a_panel_case_holds_the_dyads_that_exist(run: Run, folder: Path) -> None:
    told = json.loads(run("forecast", folder, "--json", *QUICK)[1])
    assert [dyad["id"] for dyad in told["dyads"]] == list(PRESENT)
    assert all(len(outcome["by_month"]) == 3 for dyad in told["dyads"] for outcome in dyad["outcomes"])
    change = json.loads(run("compare", folder, *BASE, "--json", *QUICK)[1])
    assert [item["dyad"] for item in change["scores"]] == list(PRESENT)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("explain", GONE), ("unknown dyad at the start of the horizon 'CCC-DDD'", "known: AAA-BBB")),
        (("explain", "AAA-BBC"), ("unknown dyad 'AAA-BBC'", "did you mean 'AAA-BBB'")),
        (("forecast", "--as-of", "2009-06-30"), ("within a year of the panel", "2008-12-31 or 2009-12-31")),
    ],
)
def test_what_a_panel_case_cannot_answer_is_told_without_a_traceback(
    command: tuple[str, ...], words: tuple[str, ...], run: Run, folder: Path
) -> None:
    name, *options = command
    status, out, err = run(name, folder, *options, *QUICK)
    assert (status, out) == (2, "")
    assert err.startswith("riskcast: ")
    assert all(word in err for word in words), err


STATES = ("CAA", "CBB", "CCC", "CDD", "CEE", "CFF", "CGG")


def first_words(out: str, known: dict[str, float]) -> list[str]:
    return [words[0] for words in map(str.split, out.splitlines()) if words and words[0] in known]


def test_of_many_dyads_the_twenty_that_matter_most_are_shown(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    base = table()[lambda rows: rows["dyad"] == "AAA-BBB"]
    pairs = [f"{a}-{b}" for n, a in enumerate(STATES) for b in STATES[n + 1 :]]
    parts = [
        base.assign(
            dyad=pair,
            mood=rng.integers(10, 90, len(base)).astype(float),
            clash=base["clash"].where(base["period"] == "2013", rng.random(len(base)) < 0.2).astype(float),
        )
        for pair in ["AAA-BBB", *pairs]
    ]
    folder = write_panel_case(tmp_path, pandas.concat(parts, ignore_index=True))
    status, out, err = run("forecast", folder, *QUICK)
    assert (status, err) == (0, "")
    assert f"the 20 highest scores of {len(pairs) + 1} dyads; --json lists all" in " ".join(out.split())
    told = json.loads(run("forecast", folder, "--json", *QUICK)[1])
    scores = {dyad["id"]: dyad["score"]["mean"] for dyad in told["dyads"]}
    best = sorted(scores, key=lambda dyad: -scores[dyad])
    assert len(scores) == len(pairs) + 1
    assert first_words(out, scores)[:20] == best[:20]
    status, out, err = run("compare", folder, *BASE, *QUICK)
    assert (status, err) == (0, "")
    assert f"the 20 that move most of {len(pairs) + 1} dyads" in " ".join(out.split())
    change = json.loads(run("compare", folder, *BASE, "--json", *QUICK)[1])
    moves = {item["dyad"]: abs(item["difference"]["mean"]) for item in change["scores"]}
    assert first_words(out, moves)[:20] == sorted(moves, key=lambda dyad: -moves[dyad])[:20]
