"""Held quantities against closed forms, integrals on a grid, SALib and new fits."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from SALib.analyze import morris as morris_analysis, sobol as sobol_analysis
from SALib.sample import morris as morris_sample, sobol as sobol_sample

from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay
from riskcast.case.quantities import Z90, Quantity, elicit
from riskcast.case.settings import Tension
from riskcast.challenge import find_sensitivities, relearned, sensitivities_data
from riskcast.challenge.ends import UNRELIABLE, Setup, hold_ends
from riskcast.challenge.held import Bench, Held, error_of, sum_error
from riskcast.challenge.relearned import Learned, refit, relearn
from riskcast.challenge.sensitivities import KEPT, that_may_matter
from riskcast.challenge.sensitivity_records import chance_bar, reach, reach_error
from riskcast.challenge.targets import find_targets
from riskcast.engines.fitting import fit
from riskcast.engines.posterior import widening
from riskcast.engines.shared import acting
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.requests import Request
from riskcast.machinery.checkpoints import Finished
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
    # y is taken for a + b z + c z^2 through both ends and the mean: b^2 + 2 c^2 is what its own prior makes of it.
    low, high = priors_alone.low[:, 0], priors_alone.high[:, 0]
    found = ((high - low) / (2.0 * Z90)) ** 2 + 2.0 * ((high + low) / (2.0 * (Z90**2 - 1.0))) ** 2
    assert found == pytest.approx(exact, abs=0.12 * exact.max())


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


def held_at(case: Case, values: dict[str, float]) -> Case:
    return apply_overlay(case, {key: {"value": value} for key, value in values.items()})


TRUSTED = Quantity(median=1.0, interval=(0.5, 2.0))


def test_a_trust_that_is_held_acts_once() -> None:
    plain = yearly()
    case = plain.revised(settings=plain.settings.model_copy(update={"trust": TRUSTED}))
    base = fit(case, draws=100, prior_only=True)
    for values in ({"trust": 2.0}, {"trust": 2.0, "effects.mood->clash": 1.3}):
        found = relearn(Learned.of(base), held_at(case, values), values).posterior
        stated = base.stated("clash")
        if len(values) > 1:
            stated[:, base.models["clash"].coefficients.index("mood->clash")] = np.log(1.3)
        by_hand = acting(base.models["clash"], stated, 2.0)
        np.testing.assert_allclose(found.events["clash"].coefficients, by_hand, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(found.trust, 2.0)


def test_a_trust_that_is_held_says_what_a_new_fit_says() -> None:
    rows = tuple(event_row(dt.date(year, 3, 1), "clash", "HHH-P001") for year in (2015, 2016, 2018))
    plain = yearly(rows)
    case = plain.revised(settings=plain.settings.model_copy(update={"trust": TRUSTED}))
    bench = Bench.of(Request(case, draws=1000), find_targets(case, 1), 1000, 2)
    for end in TRUSTED.range:
        held = bench.hold({"trust": end}, may_refit=False)
        fitted = refit(bench.original, held_at(case, {"trust": end}), 1000)
        again = bench.measure(fitted, bench.planned(fitted, ("trust",)), ("trust",))
        error = np.hypot(sum_error([(1.0, held)]), sum_error([(1.0, again)]))
        assert (np.abs(held.means - again.means) < 4 * error).all()


def test_the_persistence_of_tension_moves_draws_of_the_priors_too() -> None:
    kept = Quantity(median=0.5, interval=(0.2, 0.8))
    plain = yearly()
    restless = Tension(period="year", persistence=kept, loading=Quantity(median=0.5, interval=(0.2, 1.0)))
    case = plain.revised(settings=plain.settings.model_copy(update={"tension": restless}))
    base = fit(case, draws=100, prior_only=True)
    for end in kept.range:
        found = relearn(Learned.of(base), held_at(case, {"tension.persistence": end}), ["tension.persistence"])
        assert base.shared is not None
        assert found.posterior.shared is not None
        np.testing.assert_allclose(found.posterior.shared.persistence, end)
        assert not np.allclose(found.posterior.shared.tension, base.shared.tension)


def test_what_does_nothing_is_seldom_told_and_not_more_often_among_many() -> None:
    rng = np.random.default_rng(8)
    errors = {}
    for same in (0.0, 0.99):
        low, high = rng.standard_normal((2, 40_000))
        high = same * low + np.sqrt(1.0 - same**2) * high
        swing = np.full(40_000, np.sqrt(2.0 - 2.0 * same))
        even = np.ones(40_000)
        errors[same] = reach(low, high) / reach_error(low, high, even, even, swing)
    for beyond in errors.values():
        assert (beyond > chance_bar(1, 2)).mean() < 0.11
        assert 200 * (beyond > chance_bar(200, 2)).mean() < 1.3


def screened(low: float, error: float, good: bool) -> Finished:
    columns = {name: [error] for name in ("low_error", "high_error", "swing_error")}
    return Finished({"values": pd.DataFrame({"low": [low], "high": [0.0], **columns})}, {"good": good})


def test_weights_that_failed_do_not_keep_others_out() -> None:
    wild = {f"wild {i}": screened(-100.0, 0.1, good=False) for i in range(30)}
    small = {f"small {i}": screened(-0.1, 0.01, good=True) for i in range(20)}
    true = {f"true {i}": screened(-1.0 - 2.0 * i / KEPT, 0.01, good=True) for i in range(KEPT)}
    unsure = {"unsure": screened(-0.5, 0.3, good=True)}
    kept = that_may_matter(wild | small | true | unsure)
    assert set(kept) == {*wild, *true, *unsure}
    assert set(that_may_matter(wild | small)) == {*wild, *small}


def test_draws_that_stand_twice_count_once() -> None:
    values = np.random.default_rng(2).standard_normal((50, 1))
    once = Held(values, np.ones(50), "untouched", 0.0, 50.0)
    wider = widening(100, 50.0)
    twice = Held(np.repeat(values, 2, axis=0), np.ones(100), "untouched", 0.0, 50.0, wider=wider)
    np.testing.assert_allclose(sum_error([(1.0, twice)]), sum_error([(1.0, once)]))


def test_a_new_fit_that_fails_its_checks_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    case = yearly(tuple(event_row(dt.date(year, 3, 1), "clash", "HHH-P001") for year in (2015, 2016)))
    setup = Setup(Request(case, draws=100), find_targets(case, 1), 100, 2)
    key = "outcomes.clash.base_rate"
    failing = replace(setup.bench.original.diagnostics, failures=("it failed",))
    monkeypatch.setattr(relearned, "is_reliable", lambda khat, share, types: False)
    monkeypatch.setattr(relearned, "fit", lambda *args, **kw: replace(fit(*args, **kw), diagnostics=failing))
    done = hold_ends(setup, [key], False)
    assert done.facts["how"] == UNRELIABLE
    assert not done.facts["good"]
