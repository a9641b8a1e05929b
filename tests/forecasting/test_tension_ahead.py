"""Tension in forecasts: it goes on from its last value, all event types share it, and it has its line."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import norm

from riskcast.case.model import Case
from riskcast.case.quantity_names import ids_behind_driver
from riskcast.engines.fitting import fit
from riskcast.engines.posterior import Posterior
from riskcast.exports.dossier import make_dossier
from riskcast.exports.json_file import dossier_data
from riskcast.exports.netcdf import to_tree
from riskcast.exports.tables import diagnostic_table
from riskcast.forecasting.attribution import explain
from riskcast.forecasting.drivers_now import acting, base_rate_after
from riskcast.forecasting.forecasts import forecast
from riskcast.forecasting.futures import draw_chance
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.scoring import score
from riskcast.forecasting.tension_now import tension_today
from riskcast.forecasting.work_arrays import Active, Block
from riskcast.names import TENSION_TODAY
from riskcast.terminal.forecasts import explanation_view
from tests.support.cases import event, event_row, make_case, quantity, random_case

COUNT = 20_000
LOADING = {"a": 0.8, "b": 0.4, "calm": 0.0}


def tense_case(as_of: dt.date = dt.date(2020, 12, 31), period: str = "quarter", kept: float = 0.8) -> Case:
    """Three event types with fixed loadings, of which one feels no tension; nothing else is uncertain but tension."""
    events = {name: event(quantity(0.3), tension=quantity(size)) for name, size in LOADING.items()}
    case = make_case(events, partners=1, years=3, as_of=as_of)
    tension = {"period": period, "persistence": quantity(kept), "loading": quantity(0.5)}
    return case.revised(settings={**case.settings.model_dump(), "tension": tension}, events=case.events)


def prior_of(case: Case, draws: int = COUNT) -> Posterior:
    return fit(case, draws=draws, prior_only=True)


def test_shocks_ahead_have_the_covariance_of_the_model_over_cells_and_event_types() -> None:
    posterior = prior_of(tense_case())
    plan = plan_simulation(posterior, 9, 1)
    chance = draw_chance(plan, resolve_scenario(posterior.case, None)[1], Block(np.arange(COUNT), 0))
    drawn = {name: np.stack([chance.shocks.at(name, t, None)[:, 0] for t in range(9)], axis=1) for name in LOADING}
    for own in drawn.values():
        assert all((own[:, t] == own[:, t - t % 3]).all() for t in range(9))
    assert not drawn["calm"].any()
    assert posterior.shared is not None
    g = np.column_stack([posterior.shared.tension[:, -1], (drawn["a"][:, ::3] + 0.32) / 0.8])
    np.testing.assert_allclose((drawn["b"][:, ::3] + 0.08) / 0.4, g[:, 1:], atol=1e-5)
    wanted = 0.8 ** np.abs(np.arange(4)[:, None] - np.arange(4))
    np.testing.assert_array_less(np.abs(np.cov(g.T) - wanted), 5 * np.sqrt((1 + wanted**2) / COUNT))
    assert np.exp(drawn["a"].astype(float)).mean(axis=0) == pytest.approx(1.0, abs=0.03)


def test_the_period_that_is_under_way_keeps_its_tension() -> None:
    posterior = prior_of(tense_case(dt.date(2020, 11, 30)), 500)
    chance = draw_chance(
        plan_simulation(posterior, 2, 1), resolve_scenario(posterior.case, None)[1], Block(np.arange(500), 0)
    )
    shock = chance.shocks.at("a", 0, None)[:, 0]
    np.testing.assert_allclose(shock, posterior.events["a"].shocks[:, -1], rtol=1e-5, atol=1e-6)
    assert not np.allclose(chance.shocks.at("a", 1, None)[:, 0], shock)


def test_probabilities_are_those_of_quadrature_and_events_come_together() -> None:
    ahead = forecast(prior_of(tense_case()), horizon=3, paths=2)
    grid = np.linspace(-6, 6, 401)
    mass = norm.pdf(grid) / norm.pdf(grid).sum()
    rate = -3 * math.log1p(-0.3) / 12
    chances = {name: -np.expm1(-rate * np.exp(size * grid - size**2 / 2)) for name, size in LOADING.items()}
    for name, chance in chances.items():
        exact = float(mass @ chance)
        assert ahead.simulated.headline(name)[0] == pytest.approx(exact, abs=5 * math.sqrt(exact / (2 * COUNT)))


def test_without_todays_tension_rates_are_those_of_average_times() -> None:
    posterior = prior_of(tense_case())
    plan = plan_simulation(posterior, 6, 1)
    chance = draw_chance(plan, resolve_scenario(posterior.case, None)[1], Block(np.arange(COUNT), 0))
    off = np.zeros(COUNT, dtype=np.float32)
    assert posterior.shared is not None
    last = posterior.shared.tension[:, -1]
    for t in (0, 3):
        without = chance.shocks.at("a", t, Active({}, {}, tension=off))[:, 0]
        assert np.exp(without.astype(float)).mean() == pytest.approx(1.0, abs=0.03)
        assert abs(np.corrcoef(without, last)[0, 1]) < 0.03
        on = chance.shocks.at("a", t, Active({}, {}, tension=off + 1))
        np.testing.assert_array_equal(on, chance.shocks.at("a", t, None))


@pytest.fixture(scope="module")
def restless() -> Posterior:
    """A record that is quiet for two years and full in the third."""
    days = [dt.date(2020, month, 10) for month in range(3, 13)]
    rows = tuple(event_row(day, name, "HHH-P001") for day in days for name in ("a", "b"))
    case = tense_case()
    return fit(case.revised(event_rows=rows), draws=400)


def test_tension_has_its_line_and_the_lines_add_up(restless: Posterior) -> None:
    ahead = forecast(restless, horizon=6, paths=8)
    found = explain(ahead)
    own = {one.id: one for one in found.contributions["HHH-P001"]}
    assert own[TENSION_TODAY].kind == "tension"
    assert own[TENSION_TODAY].points > 5 * own[TENSION_TODAY].error
    total = found.reference["HHH-P001"] + sum(one.points for one in own.values())
    assert total == pytest.approx(found.score["HHH-P001"])


def test_a_case_without_tension_has_no_such_line() -> None:
    case = make_case({"a": event(quantity(0.3))}, partners=1, years=3)
    found = explain(forecast(fit(case, draws=200), horizon=3))
    assert TENSION_TODAY not in {one.id for own in found.contributions.values() for one in own}


def test_draws_of_tension_are_exported_with_their_units(restless: Posterior) -> None:
    flat = restless.to_dataset()
    assert restless.shared is not None
    np.testing.assert_array_equal(flat["tension"].to_numpy(), restless.shared.tension)
    assert list(flat["tension_period"].to_numpy()[[0, -1]]) == ["2018Q1", "2020Q4"]
    assert "a.year_shocks" not in flat
    group = to_tree(make_dossier(score(forecast(restless, horizon=3))))["posterior"]
    assert group["tension"].attrs["units"] == "standard deviations"
    assert group["trust"].attrs["units"] == "factor"
    assert group["a.loading"].attrs["units"] == "log rate"
    assert group["tension.persistence"].attrs["units"] == "share, 0 to 1"


def test_todays_tension_is_told_with_what_it_does(restless: Posterior) -> None:
    found = tension_today(restless)
    assert found is not None
    assert restless.shared is not None
    assert found.period == "2020Q4"
    assert found.level.median == pytest.approx(float(np.median(restless.shared.tension[:, -1])))
    assert found.level.low < found.level.median < found.level.high
    assert found.factors["a"].median > found.factors["b"].median > 1.0
    assert found.factors["calm"].median == 1.0
    assert found.trust_with_tension is None
    assert list(found.to_frame().columns) == ["period", "level", "low", "high"]
    assert len(found.to_frame()) == 12
    rate = base_rate_after(restless, "a", "HHH-P001")
    assert rate.year == "2020Q4"
    assert set(ids_behind_driver(restless.case, TENSION_TODAY, "HHH-P001")) == {
        "tension.persistence", "tension.loading", *(f"outcomes.{name}.tension" for name in LOADING),
    }  # fmt: skip


def test_tension_that_no_event_type_feels_is_not_told() -> None:
    case = tense_case()
    still = {name: event(quantity(0.3), tension=quantity(0.0)) for name in LOADING}
    quiet = make_case(still, partners=1, years=3, as_of=case.as_of).revised(settings=case.settings.model_dump())
    for one, is_told in ((case, True), (quiet, False)):
        posterior = prior_of(one, 200)
        found = tension_today(posterior)
        assert found is not None
        assert found.is_felt is is_told
        ahead = forecast(posterior, horizon=2)
        with (console := Console(width=120)).capture() as printed:
            console.print(explanation_view(score(ahead), explain(ahead, paths=100), "HHH-P001", ()))
        assert ("Tension in" in printed.get()) is is_told


def test_under_trust_stated_and_acting_ratios_are_both_told() -> None:
    case = random_case(1)
    trust = {"median": 0.6, "interval": (0.3, 1.1)}
    posterior = fit(case.revised(settings={**case.settings.model_dump(), "trust": trust}), draws=400)
    effects = acting(forecast(posterior, horizon=3), "HHH-P001")
    mine = next(one for one in effects if one.key == "effects.mood->protest")
    stated = np.exp(posterior.stated("protest")[:, 1])
    assert mine.posterior.median == pytest.approx(float(np.median(stated)))
    assert mine.acting.median == pytest.approx(float(np.median(stated**posterior.trust)))
    event_effect = next(one for one in effects if one.is_event)
    assert event_effect.acting == event_effect.posterior


def test_health_and_parameters_of_what_is_shared_are_told(restless: Posterior) -> None:
    assert restless.shared is not None
    frame = restless.to_frame().set_index(["event", "parameter"])
    assert frame.loc[("tension and trust", "persistence"), "mean"] == pytest.approx(0.8)
    assert "What all event types share" in restless._repr_html_()
    dossier = make_dossier(score(forecast(restless, horizon=3)))
    told = diagnostic_table(dossier).records()[-1]
    assert told["event"] == "tension and trust"
    assert told["khat"] == restless.shared.khat
    assert told["ess"] == restless.shared.ess
    found = dossier_data(dossier)["tension"]
    assert found["period"] == "2020Q4"
    assert found["level"]["median"] == pytest.approx(float(np.median(restless.shared.tension[:, -1])))
    assert {one["event"] for one in found["factors"]} == set(LOADING)
    assert found["trust_with_tension"] is None
