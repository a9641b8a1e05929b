"""Event types that share tension and trust: against the reference engine's graph, exact ratios, and brute force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay
from riskcast.case.quantities import stretch, unstretch
from riskcast.engines import pymc_model
from riskcast.engines.fitting import fit
from riskcast.engines.hazard import (
    LOADING,
    EventModel,
    build_event_model,
    log_likelihood,
    tension_shocks,
    year_factor,
)
from riskcast.engines.path_weights import EventPaths, draws_at_center
from riskcast.engines.posterior import Posterior
from riskcast.engines.pymc_data import FlatCase, flatten_case
from riskcast.engines.shared import PERSISTENCE, TRUST, Coordinates, Shared, build_shared, log_joint
from riskcast.engines.tension_paths import Paths, explore_shared, propose_paths
from riskcast.engines.together import couple
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from tests.support.cases import (
    edge,
    event,
    event_row,
    indicator,
    make_case,
    quantity,
    random_case,
    series_row,
)

LOADINGS = quantity(0.6, 0.25, 1.2)
DOUBT = quantity(0.7, 0.4, 1.3)


def shared_case(case: Case, trust: dict[str, Any] | None = None, **tension: Any) -> Case:
    """The case with tension as said, if anything is, and trust."""
    plain = case.settings.model_dump()
    if tension:
        plain["tension"] = {"period": "quarter", "loading": LOADINGS} | tension
    if trust is not None:
        plain["trust"] = trust
    return case.revised(settings=plain)


def mixed_loadings() -> Case:
    case = shared_case(random_case(3), period="year")
    own = {"protest": quantity(0.3), "decree": quantity(0.0), "spark": quantity(1.0, 0.4, 1.5)}
    events = {name: {**part.model_dump(), "tension": own.get(name)} for name, part in case.events.items()}
    return case.revised(events=events)


CASES: dict[str, Callable[[], Case]] = {
    "quarters": lambda: shared_case(random_case(1), period="quarter"),
    "months, persistence free": lambda: shared_case(
        random_case(2, partners=2, years=4), period="month", persistence=quantity(0.9, 0.7, 0.97)
    ),
    "loadings of their own": mixed_loadings,
    "tension and trust": lambda: shared_case(random_case(1), DOUBT, period="quarter"),
    "trust alone": lambda: shared_case(random_case(1), DOUBT),
    "trust fixed": lambda: shared_case(random_case(1), quantity(0.6), period="year"),
}


def models_of(case: Case) -> tuple[dict[str, EventModel], Shared]:
    record = build_record(case)
    return {name: build_event_model(case, record, name) for name in case.order}, build_shared(case, record)


def coordinates(flat: FlatCase, point: Mapping[str, Floats]) -> Coordinates:
    """A point of the graph's free variables, event type by event type."""
    rest = {name: point[name].ravel() if name in point else np.zeros(0) for name in ("z", "e", "d", "xi")}
    found: dict[str, dict[str, Floats]] = {name: {} for name in rest}
    for model in flat.models:
        counts = {
            "z": len(model.middle),
            "e": 0 if flat.shared.has_tension else len(model.years),
            "d": len(model.units) if model.has_dyad_effects else 0,
            "xi": len(model.free_hyper),
        }
        for name, count in counts.items():
            found[name][model.event], rest[name] = rest[name][:count], rest[name][count:]
    xi = {
        model.event: dict(zip(model.free_hyper, found["xi"][model.event].tolist(), strict=True))
        for model in flat.models
    }
    own = dict(zip(flat.shared.free_hyper, rest["xi"].tolist(), strict=True))
    return Coordinates(found["z"], found["e"], found["d"], xi, rest["e"], own)


@pytest.mark.parametrize("name", list(CASES))
def test_the_joint_log_posterior_and_its_gradient_are_those_of_the_reference_engine(name: str) -> None:
    flat = flatten_case(CASES[name]())
    models = {model.event: model for model in flat.models}
    graph = pymc_model.assemble(flat)
    density = graph.logp()
    assert not isinstance(density, list)
    function = graph.compile_fn([density, graph.dlogp()], mode="FAST_COMPILE")
    shapes = {variable.name: graph.initial_point()[str(variable.name)].shape for variable in graph.value_vars}
    rng = np.random.default_rng(5)

    def by_hand(point: Mapping[str, Floats]) -> float:
        return log_joint(models, flat.shared, coordinates(flat, point))

    for _ in range(4):
        point, direction = ({str(key): rng.standard_normal(shape) for key, shape in shapes.items()} for _ in range(2))
        value, gradient = function(point)
        assert float(value) == pytest.approx(by_hand(point), rel=1e-8)
        step = 1e-5
        ahead, behind = ({key: point[key] + way * step * direction[key] for key in point} for way in (1, -1))
        along = gradient @ np.concatenate([direction[str(v.name)].ravel() for v in graph.value_vars])
        assert float(along) == pytest.approx((by_hand(ahead) - by_hand(behind)) / (2 * step), rel=1e-5, abs=1e-5)


def paths_and_draws(case: Case, name: str) -> tuple[Paths, EventPaths]:
    models, shared = models_of(case)
    found = explore_shared(models, shared, {})
    paths = propose_paths(found, shared, 200, np.random.default_rng(1))
    return paths, draws_at_center(models[name], paths, not shared.hyper[TRUST].is_fixed, 300, 1)


@pytest.mark.parametrize(
    ("name", "kind", "within"),
    [("quarters", "protest", 2e-3), ("loadings of their own", "spark", 2e-3), ("tension and trust", "protest", 2e-2)],
)
def test_a_weight_on_a_path_is_the_exact_ratio_of_the_posteriors(name: str, kind: str, within: float) -> None:
    paths, found = paths_and_draws(CASES[name](), kind)
    log_weights = found.log_weights(paths) - np.log(found.smoothed.weights)
    model = found.model

    def posterior(coefficients: Floats, g: Floats, draw: int) -> float:
        hyper = {key: values[draw] for key, values in found.hyper.items()}
        d = found.effects[draw] / hyper["sd_dyad"] if model.has_dyad_effects else np.zeros(0)
        score = unstretch((coefficients[0] - model.middle[0]) / model.spread[0], model.skew[0])
        prior = -0.5 * score**2 - np.log(stretch(score, model.skew[0])[1])
        shocks = tension_shocks(g, hyper[LOADING])
        return log_likelihood(model, coefficients, shocks, d, hyper) + float(prior)

    rng, errors = np.random.default_rng(2), []
    for _ in range(60):
        path, draw = int(rng.integers(len(paths))), int(rng.integers(len(found)))
        moved = found.draw(paths, np.array([path]), np.array([draw]), 1.0)
        exact = posterior(moved.coefficients[0], paths.g[path], draw)
        exact -= posterior(found.coefficients[draw], found.center[0], draw)
        if exact > -5.0:
            errors.append(float(log_weights[path, draw]) - exact)
    assert len(errors) > 30
    assert np.sqrt(np.mean(np.square(errors))) < within


def restless_case(**changes: Any) -> Case:
    """Two event types of one pair, restless in the last of four years; nothing but base rates, loadings and tension."""
    rows = tuple(
        event_row(dt.date(year, month, 10), kind, "HHH-P001")
        for year, month, kind in (
            (2017, 3, "a"), (2020, 1, "a"), (2020, 3, "a"), (2020, 5, "a"), (2020, 9, "a"),
            (2018, 7, "b"), (2020, 2, "b"), (2020, 6, "b"), (2020, 10, "b"),
        )
    )  # fmt: skip
    rate = quantity(0.7, 0.3, 0.95)
    case = make_case({"a": event(rate), "b": event(rate)}, partners=1, years=4, rows=rows)
    given: dict[str, Any] = {
        "period": "year",
        "persistence": quantity(0.5),
        "loading": quantity(0.8, 0.3, 1.6),
    } | changes
    return shared_case(case, **given)


def brute_force(case: Case, draws: int = 400_000) -> dict[str, float]:
    """Posterior means by weighing draws of the priors with the exact likelihood."""
    models, shared = models_of(case)
    rng = np.random.default_rng(9)
    persistence = shared.natural({name: rng.standard_normal(draws) for name in shared.free_hyper})[PERSISTENCE]
    factors = year_factor(shared.periods, 1.0, np.broadcast_to(persistence, (draws,)))
    g = np.einsum("sij,sj->si", factors, rng.standard_normal((draws, len(shared.periods))))
    log_weights, values = np.zeros(draws), {"last": g[:, -1], "first": g[:, 0]}
    for name, model in models.items():
        base = model.natural(rng.standard_normal((draws, 1)))[:, 0]
        loading = model.hyper[LOADING].quantile(rng.standard_normal(draws))
        values |= {f"{name} base": base, f"{name} loading": loading}
        exposure = np.bincount(model.free.year, model.free.exposure, minlength=len(shared.periods))
        eta = base[:, None] + tension_shocks(g, loading)
        log_weights -= np.exp(eta) @ exposure
        log_weights += np.log(-np.expm1(-np.exp(eta[:, model.hits.year]))).sum(axis=1)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    assert 1.0 / (weights @ weights) > 5_000
    return {name: float(weights @ value) for name, value in values.items()}


@pytest.mark.parametrize("changes", [{}, {"persistence": quantity(0.5, 0.1, 0.9)}], ids=["fixed", "persistence free"])
def test_posterior_means_are_those_of_brute_force(changes: dict[str, Any]) -> None:
    case = restless_case(**changes)
    wanted = brute_force(case)
    found: dict[str, list[Floats]] = {name: [] for name in wanted}
    for seed in (1, 2):
        posterior = fit(case, draws=2000, seed=seed)
        assert posterior.shared is not None
        found["first"].append(posterior.shared.tension[:, 0])
        found["last"].append(posterior.shared.tension[:, -1])
        for name, drawn in posterior.events.items():
            found[f"{name} base"].append(drawn.coefficients[:, 0])
            found[f"{name} loading"].append(drawn.hyper[LOADING])
            shocks = tension_shocks(posterior.shared.tension, drawn.hyper[LOADING])
            np.testing.assert_allclose(drawn.shocks, shocks)
    for name, parts in found.items():
        values = np.concatenate(parts)
        assert values.mean() == pytest.approx(wanted[name], abs=0.12 * float(values.std())), name


def driven_case() -> Case:
    """An indicator that is said to double a rate with each step, in a record in which it does not."""
    rng = np.random.default_rng(4)
    days = {dt.date(2011 + int(year), int(rng.integers(1, 13)), 5) for year in rng.integers(0, 10, 60)}
    case = make_case(
        {"a": event(quantity(0.9, 0.5, 0.99))},
        [edge("mood", "a", quantity(2.0, 1.4, 2.8))],
        {"mood": indicator(history="series")},
        partners=1,
        years=10,
        rows=tuple(event_row(day, "a", "HHH-P001") for day in sorted(days)),
    )
    series = tuple(series_row("mood", dt.date(2011 + year, 6, 1), float(year % 2) * 3.0) for year in range(10))
    return shared_case(case.revised(series_rows=series), DOUBT)


def test_trust_and_what_is_stated_are_those_of_brute_force() -> None:
    case = driven_case()
    models, shared = models_of(case)
    model, rng, draws = models["a"], np.random.default_rng(8), 60_000
    trust = shared.hyper[TRUST].quantile(rng.standard_normal(draws))
    stated = model.natural(rng.standard_normal((draws, 2)))
    acting = stated * np.stack([np.ones(draws), trust], axis=1)
    weights = np.log(-np.expm1(-np.exp(acting @ model.hits.x.T))).sum(axis=1)
    weights -= np.exp(acting @ model.free.x.T) @ model.free.exposure
    weights = np.exp(weights - weights.max())
    weights /= weights.sum()
    assert 1.0 / (weights @ weights) > 1_000
    posterior = fit(case, draws=2000)
    for found, wanted in (
        (posterior.trust, trust),
        (posterior.stated("a")[:, 1], stated[:, 1]),
        (posterior.events["a"].coefficients[:, 1], acting[:, 1]),
    ):
        middle = float(weights @ wanted)
        spread = float(np.sqrt(weights @ (wanted - middle) ** 2))
        assert found.mean() == pytest.approx(middle, abs=0.15 * spread)
        assert found.std() == pytest.approx(spread, rel=0.15)


@pytest.fixture(scope="module")
def fitted() -> Posterior:
    return fit(CASES["quarters"](), draws=600)


def tension_of(posterior: Posterior) -> Floats:
    assert posterior.shared is not None
    return posterior.shared.tension


def test_the_same_case_again_has_the_same_draws(fitted: Posterior) -> None:
    for again in (fit(fitted.case, draws=600), fit(fitted.case, draws=600, reuse=fitted)):
        np.testing.assert_array_equal(tension_of(again), tension_of(fitted))
        for name, drawn in fitted.events.items():
            np.testing.assert_array_equal(again.events[name].coefficients, drawn.coefficients)


def test_after_one_changed_effect_draws_of_other_event_types_stay_where_paths_do(fitted: Posterior) -> None:
    case = apply_overlay(fitted.case, {"effects.spark->protest": {"median": 1.2, "interval": [0.8, 1.8]}})
    changed, anew = fit(case, draws=600, reuse=fitted), fit(case, draws=600)
    stayed = (tension_of(changed) == tension_of(fitted)).all(axis=1)
    assert 0.7 < stayed.mean() < 1.0
    for name, drawn in fitted.events.items():
        if name != "protest":
            np.testing.assert_array_equal(changed.events[name].coefficients[stayed], drawn.coefficients[stayed])
    spread = tension_of(anew).std(axis=0)
    assert np.abs(tension_of(changed).mean(axis=0) - tension_of(anew).mean(axis=0)).max() < 0.2 * spread.max()
    mine, theirs = (posterior.events["protest"].coefficients for posterior in (changed, anew))
    assert np.abs(mine.mean(axis=0) - theirs.mean(axis=0)).max() < 0.2 * theirs.std(axis=0).max()
    # Draws still belong together: shocks are those of the tension of the same draw.
    for drawn in changed.events.values():
        np.testing.assert_allclose(drawn.shocks, tension_shocks(tension_of(changed), drawn.hyper[LOADING]))


def test_a_change_of_what_all_share_is_fitted_anew(fitted: Posterior) -> None:
    case = apply_overlay(fitted.case, {"tension.loading": {"median": 0.3, "interval": [0.1, 0.6]}})
    again = fit(case, draws=600, reuse=fitted)
    np.testing.assert_array_equal(tension_of(again), tension_of(fit(case, draws=600)))


def test_coupling_keeps_the_law_of_the_weights_and_as_many_paths_as_can_be() -> None:
    rng = np.random.default_rng(6)
    before, after = (rng.dirichlet(np.ones(5)) for _ in range(2))
    counts, stayed, draws = np.zeros(5), 0.0, 4000
    for _ in range(20):
        chosen = rng.choice(5, size=draws, p=before)
        moved = couple(chosen, before, after, rng)
        counts += np.bincount(moved, minlength=5)
        stayed += float((moved == chosen).mean()) / 20
    assert np.abs(counts / counts.sum() - after).max() < 0.01
    assert stayed == pytest.approx(np.minimum(before, after).sum(), abs=0.01)


def test_priors_alone_have_rates_that_are_right_on_average() -> None:
    posterior = fit(restless_case(loading=quantity(0.6)), draws=20_000, prior_only=True)
    assert posterior.shared is not None
    assert np.exp(posterior.events["a"].shocks).mean(axis=0) == pytest.approx(1.0, abs=0.03)
    assert tension_of(posterior).std(axis=0) == pytest.approx(1.0, abs=0.02)
    lag = np.corrcoef(tension_of(posterior)[:, 0], tension_of(posterior)[:, 1])[0, 1]
    assert lag == pytest.approx(0.5, abs=0.02)


def test_an_event_type_that_cannot_be_fitted_is_named_and_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from riskcast.engines import path_weights
    from riskcast.engines.draws import Unfitted

    whole = path_weights.weigh_proposal

    def failing(model: EventModel, *rest: Any) -> Any:
        if model.event == "decree":
            raise Unfitted("it is made to fail")
        return whole(model, *rest)

    monkeypatch.setattr(path_weights, "weigh_proposal", failing)
    posterior = fit(CASES["quarters"](), draws=200, allow_unreliable=True)
    assert not posterior.is_reliable
    assert [name for name, drawn in posterior.events.items() if drawn.failed] == ["decree"]
    assert "decree: it is made to fail" in posterior.diagnostics.failures[0]
