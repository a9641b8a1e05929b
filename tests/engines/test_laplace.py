"""The default engine against maximum likelihood by statsmodels and against quadrature on grids."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from rich.console import Console
from scipy.stats import norm

from riskcast import fit, forecast, score
from riskcast.case.model import Case, EventRow, SeriesRow
from riskcast.engines import laplace, log_rates
from riskcast.engines.draws import EventDraws, draw_prior
from riskcast.engines.hazard import EventModel, build_event_model, log_event
from riskcast.engines.importance import smooth_weights
from riskcast.engines.jobs import Job
from riskcast.engines.laplace import find_mode, fit_event
from riskcast.engines.laplace_engine import Laplace
from riskcast.engines.registry import ENGINES
from riskcast.errors import UnreliablePosteriorError
from riskcast.exports import plain_data
from riskcast.forecasting.attribution import explain
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from riskcast.terminal import forecasts
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, random_case, series_row
from tests.support.priors import log_density, value_at

DRAWS = 4000
SPREAD = norm.ppf(0.95) - norm.ppf(0.05)


def model_of(case: Case, name: str = "a") -> EventModel:
    return build_event_model(case, build_record(case), name)


def rows_on(days: dict[str, list[tuple[int, int]]], kind: str = "a") -> tuple[EventRow, ...]:
    """Events on the tenth of the given (year, month)s, by dyad."""
    return tuple(event_row(dt.date(y, m, 10), kind, dyad) for dyad, when in days.items() for y, m in when)


def assert_draws_follow(drawn: Floats, found: EventDraws, grid: Floats, density: Floats) -> None:
    """Mean and quantiles of draws equal those of a density on a grid within five Monte Carlo standard errors.

    Weighted draws carry the variance of `ess` draws, and resampling adds at most that of as many draws as are kept.
    """
    share = 1.0 / found.ess + 1.0 / len(drawn)
    mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) * np.diff(grid))])
    mass /= mass[-1]
    weight = density * np.gradient(grid)
    weight /= weight.sum()
    mean = weight @ grid
    sd = math.sqrt(weight @ (grid - mean) ** 2)
    assert drawn.mean() == pytest.approx(mean, abs=5 * sd * math.sqrt(share))
    for p in (0.05, 0.5, 0.95):
        reached = float(np.interp(np.quantile(drawn, p), grid, mass))
        assert reached == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) * share)), p


def panel_case(years: int = 15, partners: int = 12, seed: int = 2) -> Case:
    """Hardly any prior: events simulated from known effects of two indicators and of the dyad's own last events."""
    rng = np.random.default_rng(seed)
    first = 2020 - years + 1
    value = {"mood": rng.normal(size=years * 12), "trade": np.exp(0.5 * rng.normal(size=years * 12))}

    def series(name: str) -> list[SeriesRow]:
        days = [dt.date(first + t // 12, t % 12 + 1, 15) for t in range(years * 12)]
        return [series_row(name, day, v) for day, v in zip(days, value[name].tolist(), strict=True)]

    def vague() -> dict:
        return quantity(1.0, 1e-9, 1e9)

    indicators = {
        "mood": indicator(history="series", now=quantity(0.0)),
        "trade": indicator(history="series", scale="log", reference=1.0, step=2.0, now=quantity(1.0)),
    }
    effects = [
        edge("mood", "a", vague()),
        edge("trade", "a", vague()),
        edge("a", "a", vague(), whose="own", memory="fast", acts="next"),
    ]
    case = make_case(
        {"a": event(quantity(0.5, 1e-9, 1 - 1e-9))}, effects, indicators, partners=partners, years=years
    ).revised(series_rows=tuple(series("mood") + series("trade")))
    levels = build_record(case).levels
    days: dict[str, list[tuple[int, int]]] = {}
    for dyad in case.dyads:
        last: list[int] = []
        for t in range(years * 12):
            memory = math.log2(1 + sum(2 ** (-(t - 1 - s) / 3.0) for s in last))
            eta = -3.2 + 0.5 * levels["mood"][t, 0] - 0.3 * levels["trade"][t, 0] + 0.6 * memory
            if rng.random() < -math.expm1(-math.exp(eta)):
                last.append(t)
                days.setdefault(dyad, []).append((first + t // 12, t % 12 + 1))
    return case.revised(event_rows=rows_on(days))


def test_with_vague_priors_mode_and_curvature_are_the_maximum_likelihood_fit_of_statsmodels() -> None:
    case = panel_case()
    record = build_record(case)
    happened = record.occurred["a"]
    periods, units = happened.shape
    x = []
    for t in range(periods):
        for unit in range(units):
            past = sum(2.0 ** (-(t - 1 - s) / 3.0) for s in np.flatnonzero(happened[:t, unit]))
            x.append([1.0, record.levels["mood"][t, 0], record.levels["trade"][t, 0], math.log2(1 + past)])
    assert happened.sum() > 100
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    glm = sm.GLM(happened.ravel(), np.array(x), family=family).fit(tol=1e-12)
    # The widest base rate is lopsided, and pulls where it is narrow; as vague as it is wide, it is a Normal.
    model = replace(model_of(case), skew=np.zeros(4))
    mode = find_mode(model, {})
    p = len(model.middle)
    coefficients = model.natural(mode.theta[:p])
    np.testing.assert_allclose(coefficients, glm.params, atol=1e-3)
    errors = model.spread * np.sqrt(np.diag(np.linalg.inv(mode.curvature))[:p])
    # bse uses the expected information; the engine's curvature is the observed one.
    observed = np.linalg.inv(-glm.model.hessian(glm.params, observed=True))
    np.testing.assert_allclose(errors, np.sqrt(np.diag(observed)), rtol=1e-3)
    drawn = fit_event(model, DRAWS, 1)
    np.testing.assert_allclose(drawn.coefficients.mean(axis=0), glm.params, atol=0.25 * errors.max())
    np.testing.assert_allclose(drawn.coefficients.std(axis=0), errors, rtol=0.1)


@pytest.mark.parametrize("months", [[], [(2016, 3)], [(2016, 3), (2017, 5), (2018, 1), (2018, 7), (2020, 12)]])
@pytest.mark.parametrize(
    "prior", [(0.1, 0.3, 0.7), (0.25, 0.3, 0.75), (0.03, 0.3, 0.42)], ids=["even", "longer above", "longer below"]
)
def test_a_base_rate_alone_has_the_posterior_of_quadrature(
    prior: tuple[float, float, float], months: list[tuple[int, int]]
) -> None:
    case = make_case({"a": event(quantity(prior[1], prior[0], prior[2]))}, rows=rows_on({"HHH-P001": months}))
    model = model_of(case)
    found = fit_event(model, DRAWS, 3)
    assert found.khat < 0.5
    low, middle, high = (math.log(-math.log1p(-p) / 12) for p in prior)
    alpha = np.linspace(middle - 6, middle + 6, 20_001)
    events, quiet = len(months), 72 * 3 - len(months)
    rate = np.exp(alpha)
    log_joint = log_density(alpha, low, middle, high) - quiet * rate + events * np.log(-np.expm1(-rate))
    assert_draws_follow(found.coefficients[:, 0], found, alpha, np.exp(log_joint - log_joint.max()))


@pytest.mark.parametrize("counts", [(0, 0, 0, 0, 0), (0, 0, 1, 2, 9)])
def test_a_spread_of_dyads_alone_has_the_posterior_of_quadrature(counts: tuple[int, ...]) -> None:
    days = {f"HHH-P{i + 1:03d}": [(2015 + k // 2, 1 + 6 * (k % 2)) for k in range(n)] for i, n in enumerate(counts)}
    case = make_case({"a": event(quantity(0.2))}, partners=5, sd_dyad=quantity(0.6, 0.15, 2.4), rows=rows_on(days))
    found = fit_event(model_of(case), DRAWS, 5)
    assert found.khat < 0.7
    base = -math.log1p(-0.2) / 12
    log_sd = np.linspace(math.log(0.6) - 5, math.log(0.6) + 4, 901)
    log_joint = norm.logpdf(log_sd, math.log(0.6), (math.log(2.4) - math.log(0.15)) / SPREAD)
    d, step = np.linspace(-9, 9, 1201, retstep=True)
    effect_at = []
    for k, sd in enumerate(np.exp(log_sd)):
        rate = base * np.exp(sd * d)
        for n in counts:
            log_likelihood = -(72 - n) * rate + n * np.log(-np.expm1(-rate))
            mass = np.exp(log_likelihood) * norm.pdf(d) * step
            log_joint[k] += math.log(mass.sum())
        # The last dyad is the last in the loop: its expected effect at this spread.
        effect_at.append((mass @ (sd * d)) / mass.sum())
    density = np.exp(log_joint - log_joint.max())
    # Draws are compared on the log scale, where the density was written down.
    assert_draws_follow(np.log(found.hyper["sd_dyad"]), found, log_sd, density)
    expected = float(np.average(effect_at, weights=density))
    drawn = found.effects[:, -1]
    spread = float(drawn.std())
    error = spread * math.sqrt(1 / found.ess + 1 / DRAWS)
    # Five standard errors, and the tabulated conditional's own bias (see test_collapse).
    assert drawn.mean() == pytest.approx(expected, abs=5 * error + 0.01 * spread)


def test_a_spread_of_dyads_with_a_vague_base_rate_has_the_posterior_of_a_grid() -> None:
    """The base rate is the less certain the wider the spread: the proposal's own density must be accounted for."""
    counts = (2, 6, 12, 25, 1)
    days = {f"HHH-P{i + 1:03d}": [(2015 + k // 12, 1 + k % 12) for k in range(n)] for i, n in enumerate(counts)}
    base_rate = quantity(0.9, 0.01, 1 - 1e-8)
    case = make_case({"a": event(base_rate)}, partners=5, sd_dyad=quantity(0.8, 0.2, 3.2), rows=rows_on(days))
    found = fit_event(model_of(case), DRAWS, 11)
    assert found.ess > DRAWS
    low, middle, high = (math.log(-math.log1p(-p) / 12) for p in (0.01, 0.9, 1 - 1e-8))
    alpha = np.linspace(-5.5, 1.5, 141)
    log_sd = np.linspace(math.log(0.8) - 2.5, math.log(0.8) + 2.5, 101)
    d, step = np.linspace(-7, 7, 281, retstep=True)
    log_joint = log_density(alpha, low, middle, high)[:, None] + norm.logpdf(
        log_sd, math.log(0.8), math.log(3.2 / 0.2) / SPREAD
    )
    for k, sd in enumerate(np.exp(log_sd)):
        rate = np.exp(alpha[:, None] + sd * d)
        for n in counts:
            log_likelihood = -(72 - n) * rate + n * log_event(rate)
            log_joint[:, k] += np.log(np.exp(log_likelihood) @ norm.pdf(d) * step)
    joint = np.exp(log_joint - log_joint.max())
    assert_draws_follow(found.coefficients[:, 0], found, alpha, joint.sum(axis=1))
    assert_draws_follow(np.log(found.hyper["sd_dyad"]), found, log_sd, joint.sum(axis=0))


@pytest.mark.parametrize(
    ("ratio", "half_life"),
    [((0.8, 1.6, 3.2), (0.8, 3.0, 11.0)), ((1.3, 1.6, 5.0), (0.8, 3.0, 4.0))],
    ids=["even", "lopsided"],
)
def test_escalation_with_an_uncertain_half_life_has_the_posterior_of_a_grid(
    ratio: tuple[float, float, float], half_life: tuple[float, float, float]
) -> None:
    days = {"HHH-P001": [(2016, 2), (2016, 3), (2016, 5), (2018, 9), (2018, 10)], "HHH-P002": [(2017, 7), (2019, 7)]}
    loop = edge("a", "a", quantity(ratio[1], ratio[0], ratio[2]), whose="own", memory="fast", acts="next")
    remembered = quantity(half_life[1], half_life[0], half_life[2])
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6))}, [loop], half_life=remembered, rows=rows_on(days))
    found = fit_event(model_of(case), DRAWS, 7)
    assert found.khat < 0.7
    happened = np.zeros((72, 3))
    for unit, when in enumerate(days.values()):
        for year, month in when:
            happened[(year - 2015) * 12 + month - 1, unit] = 1.0
    low, middle, high = (math.log(-math.log1p(-p) / 12) for p in (0.1, 0.3, 0.6))
    priors = [(low, middle, high), tuple(map(math.log, ratio)), tuple(map(math.log, half_life))]
    # Even steps of the standard normal scores: there every prior is as wide on either side.
    score = np.linspace(-4.5, 4.5, 71)
    alpha, gamma, log_half_life = grids = [value_at(score, *prior) for prior in priors]
    log_joint = np.empty((71, 71, 71))
    for k, periods in enumerate(np.exp(log_half_life)):
        memory = np.zeros((72, 3))
        for t in range(72):
            for s in range(t):
                memory[t] += happened[s] * 2.0 ** (-(t - 1 - s) / periods)
        memory = np.log2(1 + memory)
        touched, struck = memory[(memory > 0) & (happened == 0)], memory[happened > 0]
        untouched = int(((memory == 0) & (happened == 0)).sum())
        growth = np.exp(np.multiply.outer(gamma, touched)).sum(axis=1)
        log_joint[:, :, k] = -np.exp(alpha)[:, None] * (untouched + growth)
        for m in struck:
            rate = np.exp(alpha[:, None] + gamma * m)
            log_joint[:, :, k] += np.log(-np.expm1(-rate))
    for axis in range(3):
        log_joint += norm.logpdf(score).reshape([71 if other == axis else 1 for other in range(3)])
    joint = np.exp(log_joint - log_joint.max())
    drawn = (*found.coefficients.T, np.log(found.hyper["half_life.fast"]))
    for axis, (values, grid) in enumerate(zip(drawn, grids, strict=True)):
        marginal = np.moveaxis(joint, axis, 0).reshape(71, -1).sum(axis=1)
        assert_draws_follow(np.interp(values, grid, score), found, score, marginal)


def test_year_shocks_have_the_posterior_of_a_grid() -> None:
    days = {"HHH-P001": [(2020, m) for m in (1, 2, 5, 9, 12)], "HHH-P002": [(2020, 6), (2019, 6)]}
    case = make_case(
        {"a": event(quantity(0.3))}, years=2, sd_time=quantity(0.8), persistence=quantity(0.6), rows=rows_on(days)
    )
    found = fit_event(model_of(case), DRAWS, 9)
    grid = np.linspace(-4.5, 4.5, 181)
    base = -math.log1p(-0.3) / 12
    covariance = 0.64 * np.array([[1.0, 0.6], [0.6, 1.0]])
    precision = np.linalg.inv(covariance)
    first, second = np.meshgrid(grid, grid, indexing="ij")
    log_joint = -0.5 * (precision[0, 0] * first**2 + 2 * precision[0, 1] * first * second + precision[1, 1] * second**2)
    for shock, events in ((first, 1), (second, 6)):
        rate = base * np.exp(shock)
        log_joint += -(36 - events) * rate + events * np.log(-np.expm1(-rate))
    joint = np.exp(log_joint - log_joint.max())
    assert_draws_follow(found.shocks[:, 0], found, grid, joint.sum(axis=1))
    assert_draws_follow(found.shocks[:, 1], found, grid, joint.sum(axis=0))


def test_draws_without_the_record_have_the_elicited_quantiles() -> None:
    case = random_case(3)
    found = draw_prior(model_of(case, "protest"), DRAWS, 1)
    protest = case.events["protest"]
    checks = [(-np.expm1(-12 * np.exp(found.coefficients[:, 0])), protest.base_rate)]
    ratios = [effect.rate_ratio for effect in case.effects_on("protest")]
    checks += [(np.exp(found.coefficients[:, 1 + k]), ratio) for k, ratio in enumerate(ratios)]
    checks.append((found.hyper["half_life.fast"], case.half_life("protest", "fast")))
    checks.append((found.hyper["sd_dyad"], case.settings.hyperpriors.sd_dyad))
    checks.append((found.hyper["persistence"], case.settings.hyperpriors.persistence))
    for values, elicited in checks:
        below = np.mean(values < elicited.center)
        assert below == pytest.approx(0.5, abs=5 * math.sqrt(0.25 / DRAWS))
        # An asymmetric interval keeps its width on the link scale, not both its ends.
        inside = np.mean((values > elicited.range[0]) & (values < elicited.range[1]))
        assert inside == pytest.approx(0.9, abs=5 * math.sqrt(0.09 / DRAWS) + 0.02)


def test_the_same_seed_gives_the_same_draws_and_another_seed_others() -> None:
    model = model_of(random_case(3), "protest")
    one, two, other = fit_event(model, 200, 1), fit_event(model, 200, 1), fit_event(model, 200, 2)
    np.testing.assert_array_equal(one.coefficients, two.coefficients)
    np.testing.assert_array_equal(one.effects, two.effects)
    assert (one.coefficients != other.coefficients).any()


def test_one_draw_is_weighted_as_among_many() -> None:
    model = model_of(random_case(3), "protest")
    rng = np.random.default_rng(1)
    theta = rng.normal(size=(5, len(model.middle) + len(model.years)))
    xi = {name: rng.normal(size=5) for name in model.free_hyper}
    together = target_of(model, theta, xi)
    for k in range(5):
        alone = target_of(model, theta[k : k + 1], {name: value[k : k + 1] for name, value in xi.items()})
        assert alone[0] == pytest.approx(together[k], rel=1e-8)


def target_of(model: EventModel, theta: Floats, xi: Mapping[str, Floats]) -> Floats:
    from riskcast.engines.laplace import log_target

    return log_target(model, theta, xi)[0]


class Unreliable(Laplace):
    """The default engine, whose weights are poor."""

    def sample(self, job: Job) -> dict[str, EventDraws]:
        return {name: replace(drawn, khat=0.93) for name, drawn in super().sample(job).items()}


@pytest.fixture
def unreliable() -> Iterator[str]:
    ENGINES.add("unreliable", "has poor weights", Unreliable())
    yield "unreliable"
    ENGINES.remove("unreliable")


def test_a_posterior_that_fails_its_checks_is_refused_and_else_marked_everywhere(unreliable: str) -> None:
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6))})
    with pytest.raises(UnreliablePosteriorError, match=r"a: Pareto k-hat 0\.93 is above 0\.7"):
        fit(case, engine=unreliable, draws=200)
    posterior = fit(case, engine=unreliable, draws=200, allow_unreliable=True)
    assert not posterior.is_reliable
    assert posterior.to_dataset().attrs["reliable"] == 0
    ahead = forecast(posterior)
    risk, explanation = score(ahead), explain(ahead, paths=100)
    data = plain_data.forecast_data(risk, explanation)
    assert data["engine"]["reliable"] is False
    assert data["engine"]["khat_max"] == 0.93
    assert "k-hat 0.93" in data["engine"]["failures"][0]
    shown = io.StringIO()
    Console(file=shown, width=200).print(forecasts.forecast_view(risk, explanation))
    assert "UNRELIABLE: a: Pareto k-hat 0.93 is above 0.7" in shown.getvalue()
    assert "CHECKS FAILED" in shown.getvalue()


@pytest.mark.parametrize("beside", [0.0, 4.0])
def test_a_proposal_that_misses_the_posterior_is_made_wider_or_refused_by_the_engines_own_checks(
    beside: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from riskcast.engines import laplace

    honest, expected = laplace.find_mode, fit(random_case(3), draws=2000).events

    def overconfident(*given, **named) -> laplace.Mode:
        mode = honest(*given, **named)
        return replace(mode, theta=mode.theta + beside, curvature=mode.curvature * 25.0)

    monkeypatch.setattr(laplace, "find_mode", overconfident)
    if beside:
        with pytest.raises(UnreliablePosteriorError, match="k-hat"):
            fit(random_case(3), draws=500)
        return
    for name, drawn in fit(random_case(3), draws=2000).events.items():
        base, other = drawn.coefficients[:, 0], expected[name].coefficients[:, 0]
        error = float(other.std()) * math.sqrt(1.0 / drawn.ess + 1.0 / expected[name].ess + 2.0 / 2000)
        assert base.mean() == pytest.approx(other.mean(), abs=5 * error)


def test_an_honest_fit_of_every_part_of_the_model_passes_its_checks() -> None:
    for seed in (1, 2, 3):
        posterior = fit(random_case(seed), draws=500, seed=seed)
        assert posterior.is_reliable
        assert posterior.diagnostics.khat_max is not None
        assert posterior.diagnostics.khat_max < 0.7


def lively_case() -> Case:
    """A record that tells its years apart: many events of many pairs, in years that differ."""
    rng = np.random.default_rng(5)
    pace = {2020 - years: rate for years, rate in enumerate((0.05, 0.3, 0.1, 0.15, 0.04, 0.2))}
    days = {
        f"HHH-P{number:03}": [(y, m) for y in sorted(pace) for m in range(1, 13) if rng.random() < pace[y]]
        for number in range(1, 41)
    }
    return make_case(
        {"a": event(quantity(0.5, 0.1, 0.7), sd_dyad=quantity(0.3, 0.1, 0.9))},
        years=6,
        partners=40,
        sd_time=quantity(0.4, 0.1, 1.2),
        persistence=quantity(0.5, 0.2, 0.8),
        rows=rows_on({dyad: when for dyad, when in days.items() if when}),
    )


def test_shocks_that_the_record_tells_are_proposed_as_they_are_and_weigh_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, weights = model_of(lively_case()), {}
    for told in (0.0, laplace.TOLD_SHOCKS):
        monkeypatch.setattr(laplace, "TOLD_SHOCKS", told)
        rng = np.random.default_rng(3)
        found = laplace.explore(model)
        assert laplace._tells_shocks(model, found) == (told > 0.0)
        drawn = laplace.propose_draws(model, found, 3000, rng)
        target, _ = laplace.log_target(model, drawn.theta, drawn.xi)
        weights[told] = target - drawn.log_density
        with monkeypatch.context() as patched:
            patched.setattr(log_rates, "ROWS_AT_ONCE", 50)
            np.testing.assert_allclose(laplace.log_target(model, drawn.theta, drawn.xi)[0], target, rtol=1e-10)
    # The mean weight is the probability of the record, wherever draws are proposed.
    evidence = {told: np.logaddexp.reduce(found) - math.log(len(found)) for told, found in weights.items()}
    errors = {told: math.sqrt(1.0 / smooth_weights(found).ess) for told, found in weights.items()}
    (plain, shocks), error = evidence.values(), math.hypot(*errors.values())
    assert error < 0.1
    assert plain == pytest.approx(shocks, abs=4 * error)
    # And they are nearer to one another.
    assert errors[laplace.TOLD_SHOCKS] < errors[0.0]
