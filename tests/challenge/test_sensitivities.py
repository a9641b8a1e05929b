"""Held quantities against closed forms, integrals on a grid, SALib and new fits."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import numpy as np
import pytest
from SALib.analyze import morris as morris_analysis, sobol as sobol_analysis
from SALib.sample import morris as morris_sample, sobol as sobol_sample

from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay
from riskcast.case.quantities import Z90, elicit
from riskcast.challenge import find_sensitivities, sensitivities_data
from riskcast.challenge.held import Bench, error_of
from riskcast.challenge.relearned import Learned, refit, relearn
from riskcast.challenge.targets import find_targets
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.requests import Request
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, random_case

SEVERITY = 60.0


def yearly(rows: tuple = (), base: dict | None = None) -> Case:
    """One partner, one outcome in a year ahead, and two levels with an effect each: a closed form."""
    return make_case(
        events={"clash": event(base or quantity(0.3, 0.1, 0.6), severity=SEVERITY)},
        effects=[edge("mood", "clash", quantity(1.6, 1.1, 2.4)), edge("trade", "clash", quantity(0.8, 0.6, 1.1))],
        indicators={
            "mood": indicator(now=quantity(0.5, -0.5, 2.5)),
            "trade": indicator(now=quantity(-0.2, -1.0, 0.8)),
        },
        partners=1,
        period="year",
        horizon=1,
        rows=rows,
    )


def by_hand(case: Case, z: np.ndarray) -> np.ndarray:
    """The score at standard normal scores (points, 5): base rate, two effects, two levels."""
    base = case.base_rate_prior("clash").on_link(z[:, 0])
    scale = {name: one.measure for name, one in case.indicators.items()}
    for place, effect in enumerate(case.effects):
        name = effect.source
        level = elicit(case.now_of(name, "HHH"), scale[name].prior_link)
        ratio = elicit(effect.rate_ratio, case_link(case, effect.id))
        base = base + ratio.on_link(z[:, 1 + place]) * scale[name].steps_at(level, z[:, 3 + place])
    return -SEVERITY * np.expm1(-np.exp(base))


def case_link(case: Case, effect: str):
    return next(link for key, _, link in case.quantities() if key == f"effects.{effect}")


IDS = (
    "outcomes.clash.base_rate",
    "effects.mood->clash",
    "effects.trade->clash",
    "indicators.mood.now",
    "indicators.trade.now",
)
PROBLEM = {"num_vars": 5, "names": list(IDS), "bounds": [[0.0, 1.0]] * 5, "dists": ["norm"] * 5}


@pytest.fixture(scope="module")
def priors_alone():
    request = Request(yearly(), draws=4000, prior_only=True)
    return find_sensitivities(request, quantities=IDS, pairs=0, use_cache=False, workers_count=1)


def test_local_swings_are_the_conditional_expectations_of_a_plain_formula(priors_alone) -> None:
    z = sobol_sample.sample(PROBLEM, 512, calc_second_order=False, seed=1)
    for swing in priors_alone.swings("score:HHH-P001"):
        place = IDS.index(swing.quantity)
        for end, found in ((-Z90, swing.low), (Z90, swing.high)):
            held = z.copy()
            held[:, place] = end
            exact = by_hand(yearly(), held).mean() - by_hand(yearly(), z).mean()
            assert abs(found.mean - exact) < 4 * (found.high - found.low) / (2 * Z90) + 0.05


def test_global_shares_agree_with_sobol(priors_alone) -> None:
    z = sobol_sample.sample(PROBLEM, 2048, calc_second_order=False, seed=2)
    y = by_hand(yearly(), z)
    exact = sobol_analysis.analyze(PROBLEM, y, calc_second_order=False, seed=2)["S1"] * y.var()
    found = priors_alone.first_order("score:HHH-P001")
    for key, variance in zip(IDS, exact.tolist(), strict=True):
        assert found[key] == pytest.approx(variance, abs=0.12 * exact.max())


def test_ranks_agree_with_morris(priors_alone) -> None:
    problem = PROBLEM | {"bounds": [[-Z90, Z90]] * 5, "dists": ["unif"] * 5}
    z = morris_sample.sample(problem, 200, num_levels=6, seed=3)
    star = np.asarray(morris_analysis.analyze(problem, z, by_hand(yearly(), z), num_levels=6, seed=3)["mu_star"])
    size = {swing.quantity: swing.size for swing in priors_alone.swings("score:HHH-P001")}
    # Two that are all but equal may change places.
    for one, two in itertools.permutations(range(5), 2):
        if star[one] > 1.3 * star[two]:
            assert size[IDS[one]] > size[IDS[two]]


def test_what_the_record_teaches_of_the_rest_is_an_integral_on_a_grid() -> None:
    rows = tuple(event_row(dt.date(year, 3, 1), "clash", "HHH-P001") for year in (2015, 2016, 2018, 2019, 2020))
    case = yearly(rows)
    request = Request(case, draws=4000)
    bench = Bench.of(request, find_targets(case, 1, ["clash"]), 4000, 2)
    model = bench.original.models["clash"]
    assert len(model.hits) == 5
    # At reference levels the record tells of the base rate alone.
    grid = np.linspace(-6, 6, 2001)
    rate = np.exp(case.base_rate_prior("clash").on_link(grid))
    log_posterior = -0.5 * grid**2 + 5 * np.log(-np.expm1(-rate)) - model.free.exposure.sum() * rate
    weight = np.exp(log_posterior - log_posterior.max())
    rng = np.random.default_rng(1)
    drawn = rng.choice(grid, 40_000, p=weight / weight.sum())
    for key, end in itertools.product(IDS, (0, 1)):
        z = rng.standard_normal((40_000, 5))
        z[:, 0] = drawn
        at = (-Z90, Z90)[end]
        z[:, IDS.index(key)] = at
        exact = 100.0 * (by_hand(case, z) / SEVERITY).mean()
        known = {name: quantity for name, quantity, _ in case.quantities()}
        held = bench.hold({key: known[key].range[end]}, may_refit=False)
        error = float(error_of(held.influence)[0])
        assert abs(float(held.means[0]) - exact) < 4 * error + 0.3, (key, end)


def test_weighed_draws_agree_with_new_fits() -> None:
    case = random_case(3, partners=2, years=4)
    request = Request(case, draws=600, allow_unreliable=True)
    bench = Bench.of(request, find_targets(case, case.settings.horizon), 600, 2)
    known = {key: quantity for key, quantity, _ in case.quantities() if not quantity.is_fixed}
    told = [key for key in known if key.startswith(("effects.", "memories.", "hyperpriors.sd_dyad"))][:5]
    weighed = 0
    for key in told:
        value = known[key].range[1]
        held = bench.hold({key: value}, may_refit=False)
        if held.how != "weighed" or not held.is_good:
            continue
        weighed += 1
        fitted = refit(bench.original, apply_overlay(case, {key: {"value": value}}), 600)
        again = bench.measure(fitted, bench.planned(fitted, (key,)), (key,))
        error = np.hypot(error_of(held.influence), error_of(again.influence))
        assert (np.abs(held.means - again.means) < 4 * error + 0.2).all(), key
    assert weighed


def test_draws_where_nothing_changed_are_those_that_were() -> None:
    case = yearly()
    bench = Bench.of(Request(case, draws=200), find_targets(case, 1), 200, 2)
    found = relearn(Learned.of(bench.original), case, ["effects.mood->clash"])
    assert found.how == "weighed"
    assert found.weights == pytest.approx(np.ones(200), abs=1e-6)
    for name, drawn in bench.original.events.items():
        np.testing.assert_allclose(found.posterior.events[name].coefficients, drawn.coefficients, rtol=1e-9)


def test_interactions_are_those_of_four_corners(tmp_path: Path) -> None:
    request = Request(yearly(), draws=2000, prior_only=True)
    chosen = ("effects.mood->clash", "indicators.mood.now")
    found = find_sensitivities(request, quantities=chosen, pairs=2, cache=tmp_path, workers_count=1)
    [pair] = found.interactions["score:HHH-P001"]
    z = sobol_sample.sample(PROBLEM, 512, calc_second_order=False, seed=4)
    exact = 0.0
    for one, two in itertools.product((-1, 1), (-1, 1)):
        z[:, 1], z[:, 3] = one * Z90, two * Z90
        exact += one * two * by_hand(yearly(), z).mean()
    assert pair.points == pytest.approx(exact, abs=4 * pair.error + 0.1)


def test_a_run_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    request = Request(yearly(), draws=200)
    heard: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        if total == len(IDS) and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_sensitivities(request, cache=tmp_path, pairs=0, workers_count=1, progress=stop)
    again = find_sensitivities(
        request, cache=tmp_path, pairs=0, workers_count=1, progress=lambda *now: heard.append(now)
    )
    assert (2, len(IDS)) in heard
    assert (1, len(IDS)) not in heard
    whole = find_sensitivities(request, pairs=0, workers_count=1, use_cache=False)
    np.testing.assert_array_equal(again.low, whole.low)
    assert set(again.quantities) == set(IDS)
    assert "hyperpriors.sd_dyad" in again.fixed
    assert len(sensitivities_data(again)["targets"][0]["swings"]) == len(IDS)


def test_what_cannot_be_asked_is_refused() -> None:
    request = Request(yearly(), draws=200)
    with pytest.raises(UnknownNameError, match="clash"):
        find_sensitivities(request, ["clsh"], use_cache=False)
    with pytest.raises(UnknownNameError, match="P001"):
        find_sensitivities(request, ["score:HHH-P002"], use_cache=False)
    with pytest.raises(OptionError, match="condition"):
        find_sensitivities(request, ["P(clash | score > 3)"], use_cache=False)
    with pytest.raises(OptionError, match="held fixed"):
        find_sensitivities(request, quantities=["hyperpriors.sd_dyad"], use_cache=False)
