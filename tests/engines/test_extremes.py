"""Whatever the priors and the record allow: a posterior that is right, or a verdict in words; and never a NaN."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from scipy.special import logsumexp
from scipy.stats import norm

from riskcast import acting, explain, fit, forecast, score
from riskcast.case.model import Case
from riskcast.case.quantities import stretch, unstretch
from riskcast.engines import laplace
from riskcast.engines.draws import Unfitted
from riskcast.engines.hazard import EventModel, build_event_model, log_event, log_posterior
from riskcast.engines.posterior import Posterior, judge
from riskcast.errors import UnreliablePosteriorError
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from riskcast.verification.coverage import report_coverage
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, series_row

pytestmark = pytest.mark.filterwarnings("error")

DRAWS = 100
YEARS = 3
LAST = 2020


def rows_in(months: set[tuple[int, int]], kinds: tuple[str, ...] = ("clash",), partners: int = 2) -> Any:
    """Events of each kind, on days of their own, in every one of these months and every pair."""
    return tuple(
        event_row(dt.date(year, month, 3 + place), kind, f"HHH-P{partner:03d}")
        for year, month in sorted(months)
        for partner in range(1, partners + 1)
        for place, kind in enumerate(kinds)
    )


def every_month() -> set[tuple[int, int]]:
    return {(year, month) for year in range(LAST - YEARS + 1, LAST + 1) for month in range(1, 13)}


FEW = {(2018, 5), (2019, 11), (2020, 7)}


def case_of(
    base_rate: dict[str, Any] | None = None,
    ratio: dict[str, Any] | None = None,
    mood: dict[str, Any] | None = None,
    levels: tuple[float, ...] = (48.0, 50.5, 54.0),
    partners: int = 2,
    years: int = YEARS,
    rows: Any = None,
    **hyper: Any,
) -> Case:
    """A trigger and an outcome of every pair, an indicator with a series, and memories of own and others' events."""
    indicators = {
        "mood": indicator(
            **{"reference": 50.0, "step": 5.0, "now": quantity(55, 48, 62), "history": "series", **(mood or {})}
        )
    }
    effects = [
        edge("mood", "clash", ratio or quantity(1.3, 0.9, 1.9)),
        edge("spark", "clash", quantity(2.0, 1.0, 4.0), whose="own", memory="fast", acts="same"),
        edge("clash", "clash", quantity(1.2, 0.9, 1.6), whose="any", memory="fast", acts="next", path="spread"),
    ]
    events = {
        "spark": event(quantity(0.4, 0.2, 0.7), kind="trigger"),
        "clash": event(base_rate or quantity(0.3, 0.1, 0.6), severity=50.0),
    }
    spreads: dict[str, Any] = {
        "half_life": quantity(3.0, 1.5, 6.0),
        "sd_dyad": quantity(0.5, 0.2, 1.2),
        "sd_time": quantity(0.4, 0.15, 1.0),
        "persistence": quantity(0.7, 0.4, 0.9),
    }
    days = [dt.date(LAST - 2 + place, 1, 31) for place in range(len(levels))]
    series = tuple(series_row("mood", day, level) for day, level in zip(days, levels, strict=True))
    rows = rows_in(FEW, partners=partners) if rows is None else rows
    case = make_case(
        events, effects, indicators, partners=partners, years=years, rows=rows, horizon=3, **(spreads | hyper)
    )
    return case.revised(series_rows=series)


def log_prior(model: EventModel, alpha: Floats) -> Floats:
    """Log density of a base rate on its link: a standard normal, stretched."""
    z = unstretch((alpha - model.middle[0]) / model.spread[0], model.skew[0])
    return norm.logpdf(z) - np.log(model.spread[0] * stretch(z, model.skew[0])[1])


def model_of(case: Case, name: str = "clash") -> EventModel:
    return build_event_model(case, build_record(case), name)


def assert_sound(posterior: Posterior) -> None:
    """Every number is one, from the draws to the reasons; what cannot be relied on is named, and refused."""
    for drawn in posterior.events.values():
        assert drawn.is_finite
    ahead = forecast(posterior, horizon=3)
    for values in (*ahead.simulated.probability.values(), *ahead.simulated.by_period.values(), ahead.simulated.score):
        assert np.isfinite(values).all()
    for dyad in score(ahead).dyads:
        assert 0.0 <= dyad.score.low <= dyad.score.mean <= dyad.score.high <= 100.0
    for contribution in explain(ahead).to_frame().select_dtypes("number").to_numpy().ravel():
        assert math.isfinite(contribution)
    for effect in acting(ahead).effects:
        assert all(0.0 < figure < math.inf for figure in effect.now)
    if not posterior.is_reliable:
        assert posterior.warning
        with pytest.raises(UnreliablePosteriorError, match=posterior.diagnostics.failures[0].partition(":")[0]):
            fit(posterior.case, draws=posterior.draws, seed=posterior.seed)


MADE: dict[str, Callable[[], Case]] = {
    "an event in every month": lambda: case_of(rows=rows_in(every_month())),
    "every event in every month": lambda: case_of(rows=rows_in(every_month(), ("spark", "clash"))),
    "no event of any kind": lambda: case_of(rows=()),
    "a step of a millionth": lambda: case_of(mood={"step": 1e-6}),
    "a step of a million": lambda: case_of(mood={"step": 1e6}),
    "a base rate of nearly 1": lambda: case_of(quantity(0.999999, 0.5, 1.0 - 1e-12)),
    "a base rate that may be anything": lambda: case_of(quantity(0.5, 1e-6, 0.9999)),
    "a base rate of 1e-200 and no event": lambda: case_of(quantity(1e-200, 1e-201, 1e-199), rows=()),
    "a rate ratio that may be anything": lambda: case_of(ratio=quantity(1.0, 1e-6, 1e6)),
    "a half-life of nothing": lambda: case_of(half_life=quantity(1e-12)),
    "a half-life without end": lambda: case_of(half_life=quantity(1e12)),
    "a half-life that may be anything": lambda: case_of(half_life=quantity(1.0, 1e-12, 1e12)),
    "a persistence of nearly 0": lambda: case_of(persistence=quantity(0.5, 1e-6, 0.9)),
    "a persistence of nearly 1": lambda: case_of(persistence=quantity(1.0 - 1e-16)),
    "spreads of nothing": lambda: case_of(sd_dyad=quantity(1e-300), sd_time=quantity(1e-300)),
    "dyads as far apart as numbers go": lambda: case_of(sd_dyad=quantity(1e5)),
    "one dyad": lambda: case_of(partners=1),
    "one year": lambda: case_of(years=1, levels=(50.0,), rows=rows_in({(2020, 7)})),
}
FITTED = set(MADE)

NAMED: dict[str, Callable[[], Case]] = {
    "a base rate of 1e-200 and events": lambda: case_of(quantity(1e-200, 1e-201, 1e-199), sd_dyad=quantity(0.0)),
    "spreads of 1e5": lambda: case_of(sd_dyad=quantity(1e5, 1e4, 1e6), sd_time=quantity(1e5, 1e4, 1e6)),
    "a certain effect of endless steps": lambda: case_of(ratio=quantity(1e6), mood={"step": 1e-6}),
    "dyads that may lie 1e3 apart, and no event": lambda: case_of(
        quantity(1e-173, 1e-176, 1e-170), rows=(), sd_dyad=quantity(1e3, 5e2, 2e3)
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_extremes_that_have_a_posterior_are_fitted(name: str) -> None:
    posterior = fit(MADE[name](), draws=DRAWS, seed=1)
    assert posterior.is_reliable
    assert_sound(posterior)


@pytest.mark.parametrize("name", NAMED)
def test_what_priors_and_record_cannot_both_be_is_reliable_or_named(name: str) -> None:
    assert_sound(fit(NAMED[name](), draws=DRAWS, seed=1, allow_unreliable=True))


@pytest.mark.parametrize("name", ["an event in every month", "a step of a millionth", "one dyad"])
def test_priors_alone_left_out_dyads_and_checks_take_extremes_too(name: str) -> None:
    case = MADE[name]()
    assert_sound(fit(case, draws=DRAWS, prior_only=True))
    left = fit(case, draws=DRAWS, without=case.dyads[0], allow_unreliable=True)
    assert all(np.isfinite(values).all() for values in forecast(left, horizon=3).simulated.probability.values())
    report_coverage(case)


powers = st.integers(-12, 6).map(lambda power: 10.0**power)


@settings(max_examples=8, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rate=st.integers(-200, -1).map(lambda power: 10.0**power),
    wide=st.sampled_from([2.0, 1e3, 1e30]),
    step=powers,
    ratio=st.sampled_from([1.0, 1e-6, 1e6]),
    spread=powers,
    half_life=powers,
    persistence=st.sampled_from([0.0, 1e-12, 0.5, 1.0 - 1e-12]),
    partners=st.integers(1, 3),
    months=st.sampled_from([set(), FEW, every_month()]),
)
def test_no_legal_case_ends_in_anything_but_numbers_or_a_verdict(
    rate: float,
    wide: float,
    step: float,
    ratio: float,
    spread: float,
    half_life: float,
    persistence: float,
    partners: int,
    months: set[tuple[int, int]],
) -> None:
    case = case_of(
        quantity(rate, rate / wide, min(rate * wide, 0.999)),
        quantity(ratio, ratio / 2.0, ratio * 2.0),
        {"step": step},
        partners=partners,
        rows=rows_in(months, partners=partners),
        sd_dyad=quantity(spread, spread / 2.0, spread * 2.0),
        sd_time=quantity(spread),
        half_life=quantity(half_life),
        persistence=quantity(persistence),
    )
    assert_sound(fit(case, draws=DRAWS, seed=1, allow_unreliable=True))


def test_an_event_in_every_month_has_the_base_rate_of_quadrature() -> None:
    case = make_case(
        {"a": event(quantity(0.3, 0.1, 0.7))}, partners=2, years=YEARS, rows=rows_in(every_month(), ("a",))
    )
    model = model_of(case, "a")
    drawn = laplace.fit_event(model, 4000, 1)
    assert drawn.khat < 0.7
    alpha = np.linspace(-12.0, 12.0, 40_001)
    months = 2 * 12 * YEARS
    log_density = log_prior(model, alpha) + months * log_event(np.exp(alpha))
    weight = np.exp(log_density - logsumexp(log_density))
    mean = weight @ alpha
    sd = math.sqrt(weight @ (alpha - mean) ** 2)
    assert drawn.coefficients[:, 0].mean() == pytest.approx(mean, abs=5 * sd / math.sqrt(drawn.ess))
    for p in (0.05, 0.5, 0.95):
        reached = float(np.interp(np.quantile(drawn.coefficients[:, 0], p), alpha, np.cumsum(weight)))
        assert reached == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) * (1 / drawn.ess + 1 / 4000)))


@pytest.mark.parametrize("sd", [3.0, 30.0, 3000.0])
def test_far_apart_dyads_with_an_event_in_every_month_have_the_base_rate_of_quadrature(sd: float) -> None:
    case = make_case(
        {"a": event(quantity(0.3, 0.1, 0.7))},
        partners=2,
        years=YEARS,
        rows=rows_in(every_month(), ("a",), partners=1),
        sd_dyad=quantity(sd),
    )
    model = model_of(case, "a")
    drawn = laplace.fit_event(model, 4000, 1)
    assert drawn.khat < 0.7
    alpha = model.middle[0] + model.spread[0] * np.linspace(-6.0, 6.0, 241)
    near, far = np.linspace(-60.0, 60.0, 12_001), np.linspace(-8.0 * sd, 8.0 * sd, 12_001)
    a = np.unique(np.concatenate([near, far]))
    width = np.gradient(a)
    months = 12 * YEARS
    eta = np.clip(alpha[:, None] + a, -600.0, 600.0)
    prior = norm.logpdf(a, 0.0, sd) + np.log(width)
    struck = logsumexp(prior + months * np.where(eta < -30.0, eta, log_event(np.exp(eta))), axis=1)
    quiet = logsumexp(prior - months * np.exp(eta), axis=1)
    log_density = log_prior(model, alpha) + struck + quiet
    weight = np.exp(log_density - logsumexp(log_density))
    mean = weight @ alpha
    spread = math.sqrt(weight @ (alpha - mean) ** 2)
    assert drawn.coefficients[:, 0].mean() == pytest.approx(mean, abs=5 * spread / math.sqrt(drawn.ess))
    # The dyad with an event in every month lies above, the one without any below.
    assert (drawn.effects[:, 0] > drawn.effects[:, 1]).all()


def test_the_log_posterior_of_an_event_at_any_rate_is_a_number() -> None:
    case = make_case({"a": event(quantity(1e-300))}, partners=1, years=YEARS, rows=rows_in({(2020, 7)}, ("a",), 1))
    model = model_of(case, "a")
    z, e, d = (np.zeros(count) for count in (len(model.middle), len(model.years), 0))
    prior = -0.5 * (len(z) + len(e)) * math.log(2.0 * math.pi)
    # One event at a rate of 1e-300 a year is as unlikely as that, and quiet months cost nothing.
    expected = -300.0 * math.log(10.0) - math.log(12.0)
    assert log_posterior(model, z, e, d, {}) == pytest.approx(expected + prior, rel=1e-12)
    deeper = replace(model, middle=model.middle - 2000.0)
    assert log_posterior(deeper, z, e, d, {}) == pytest.approx(expected - 2000.0 + prior, rel=1e-12)


def test_newton_finds_the_mode_where_the_medians_give_rates_without_numbers() -> None:
    model = model_of(case_of(ratio=quantity(1.3, 0.9, 1.9), mood={"step": 1e-6}))
    found = laplace.find_mode(model, {})
    assert math.isfinite(found.log_marginal)
    # The indicator's coefficient is pinned to nearly nothing, and no more is claimed than a step is worth.
    beta = model.natural(found.theta[: len(model.middle)])[1]
    steps = np.abs(model.rows.x[:, 1]).max()
    assert abs(beta) * steps < 50.0
    assert np.linalg.eigvalsh(found.curvature).min() > 0.0


def test_reasons_of_every_kind_end_in_draws_of_the_priors_and_in_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of()
    model = model_of(case)

    def without_mode(*_: Any) -> Any:
        raise Unfitted("Newton's method found no mode of its log posterior")

    def singular(*_: Any) -> Any:
        raise np.linalg.LinAlgError("Singular matrix")

    def nowhere(*given: Any) -> Any:
        target, rates = kept(*given)
        return np.full_like(target, np.nan), rates

    def in_part(*given: Any) -> Any:
        target, rates = kept(*given)
        target[:7] = np.nan
        return target, rates

    kept = laplace.log_target
    stand = "its draws are those of its priors"
    for name, instead, said in (
        ("explore", without_mode, f"Newton's method found no mode of its log posterior; {stand}"),
        ("explore", singular, rf"linear algebra failed \(singular matrix\); {stand}"),
        ("log_target", nowhere, f"its log posterior could not be evaluated; {stand}"),
        ("log_target", in_part, "its log posterior could not be evaluated at 7 of"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(laplace, name, instead)
            drawn = laplace.fit_event(model, DRAWS, 1)
            assert drawn.is_finite
            found = judge("laplace", {"clash": drawn}, DRAWS)
            assert not found.is_reliable
            with pytest.raises(UnreliablePosteriorError, match=rf"clash: {said}"):
                fit(case, draws=DRAWS)
            assert_sound(fit(case, draws=DRAWS, allow_unreliable=True))
