"""The reference engine against the model's mathematics in `hazard`, and against the default engine."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psutil
import pytest
import xarray

from riskcast import build_model, fit, forecast, load_case
from riskcast.case.model import Case, SeriesRow
from riskcast.case.quantities import Quantity
from riskcast.case.settings import Hyperpriors
from riskcast.engines import pymc_data, pymc_model
from riskcast.engines.draws import EventDraws, draw_prior, natural_draws
from riskcast.engines.hazard import build_event_model, log_posterior, natural_hyper, year_factor
from riskcast.engines.posterior import ESS_LIMIT, RHAT_LIMIT
from riskcast.engines.pymc_data import FlatCase
from riskcast.errors import UnreliablePosteriorError
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import Record, build_record
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, random_case, thinned_case
from tests.support.clusters import until
from tests.support.numbered import numbered
from tests.support.remembering import needing, remembering, remembering_panel, some_rows
from tests.support.smallpanel import panel_case

Point = dict[str, Floats]

BETWEEN_MONTE_CARLO_ERRORS = 5.0


def flatten(case: Case, record: Record) -> FlatCase:
    return pymc_data.flatten(case, record, {name: build_event_model(case, record, name) for name in case.order})


def series_case() -> Case:
    """A random case whose indicators, on the logit and the log scale, are away from their reference in every month."""
    case = random_case(3)
    rng = np.random.default_rng(5)
    rows = [
        SeriesRow(
            indicator=name,
            unit=unit,
            date=dt.date(year, month, 15),
            value=value,
            low=value,
            high=value,
            published=dt.date(year, month, 20),
            sources=(),
            status="judgement",
        )
        for name, units in (("mood", (case.host,)), ("trade", case.dyads))
        for unit in units
        for year in range(case.settings.history_from.year, case.as_of.year + 1)
        for month in range(1, 13)
        for value in [float(np.exp(rng.normal(1.0, 0.5)))]
    ]
    scales = {"mood": {"scale": "logit", "bounds": (-20.0, 60.0)}, "trade": {}}
    indicators = {
        name: one.model_copy(update={"history": "series", **scales[name]}) for name, one in case.indicators.items()
    }
    return case.revised(indicators=indicators, series_rows=tuple(rows))


def plain_case(**changes: Any) -> Case:
    """Two event types without indicators or escalation, of which the record holds one only."""
    days = [(2016, 3), (2016, 9), (2019, 1)]
    rows = tuple(event_row(dt.date(year, month, 10), "a", "HHH-P001") for year, month in days)
    events = {"a": event(quantity(0.3, 0.1, 0.6)), "b": event(quantity(0.1, 0.03, 0.3))}
    return make_case(events, rows=rows, **changes)


def fixed_case() -> Case:
    """No spread, but between years of one event type; a rate, a ratio and all half-lives but one held fixed."""
    case = random_case(6)
    zero = Quantity(value=0.0)
    half_life = case.settings.memories["fast"].half_life
    memories = {"fast": case.settings.memories["fast"].model_copy(update={"half_life": Quantity(value=2.5)})}
    settings = case.settings.model_copy(
        update={"hyperpriors": Hyperpriors(sd_dyad=zero, sd_time=zero, persistence=zero), "memories": memories}
    )
    protest = case.events["protest"].model_copy(
        update={
            "half_life": {"fast": half_life},
            "base_rate": Quantity(value=0.4),
            "sd_time": Quantity(median=0.4, interval=(0.2, 0.8)),
        }
    )
    effects = (case.effects[0].model_copy(update={"rate_ratio": Quantity(value=1.7)}), *case.effects[1:])
    return case.revised(settings=settings, events={**case.events, "protest": protest}, effects=effects)


def yearly_case() -> Case:
    """Periods of a year, and an event type recorded from the last of them only."""
    case = random_case(7, partners=3, years=12)
    late = case.events["break_off"].model_copy(update={"recorded_from": case.as_of})
    settings = case.settings.model_copy(update={"period": "year"})
    return case.revised(settings=settings, events={**case.events, "break_off": late})


def record_with_holes(case: Case) -> Record:
    """The record of a case from which two years are missing, and of one event type everything."""
    record = build_record(case)
    kept = ~np.isin(record.years, (2017, 2018))
    exposure = {name: share * kept[:, None] for name, share in record.exposure.items()}
    return replace(record, exposure={**exposure, "decree": np.zeros_like(exposure["decree"])})


CASES: dict[str, Callable[[], Case]] = {
    "random 1": lambda: random_case(1),
    "random 2": lambda: random_case(2, partners=2, years=4),
    "series": series_case,
    "some fixed": fixed_case,
    "yearly": yearly_case,
    "no edges": lambda: plain_case(sd_dyad=quantity(0.5, 0.2, 1.2), sd_time=quantity(0.4, 0.1, 1.0)),
    "nothing free but rates": plain_case,
    "record with holes": lambda: random_case(4),
    "panel": panel_case,
    "memories": lambda: remembering(some_rows(1)),
    "half-lives": needing,
    "memories of a panel": remembering_panel,
    "numbers": numbered,
    "recall": lambda: thinned_case(8, partners=2, years=4),
}


def flat_of(name: str) -> FlatCase:
    case = CASES[name]()
    return flatten(case, record_with_holes(case) if name == "record with holes" else build_record(case))


def random_point(flat: FlatCase, rng: np.random.Generator) -> Point:
    """Standardised coordinates by free variable, in its shape; without those that would be empty."""
    lengths = {name: len(labels) for name, labels in flat.coords.items()}
    shapes = {
        "z": (lengths["coefficient"],),
        "e": (lengths["year"],),
        "d": (lengths["dyad_event"], lengths["dyad"]),
        "xi": (lengths["free_hyper"],),
    }
    return {name: rng.standard_normal(shape) for name, shape in shapes.items() if np.prod(shape)}


def split(flat: FlatCase, point: Point) -> dict[str, Point]:
    """The coordinates of every event type, in the order of the regressions."""
    rest = {name: point[name].ravel() if name in point else np.zeros(0) for name in ("z", "e", "d", "xi")}
    parts = {}
    for model in flat.models:
        counts = {
            "z": len(model.coefficients),
            "e": len(model.years),
            "d": len(model.units) if model.has_dyad_effects else 0,
            "xi": len(model.free_hyper),
        }
        parts[model.event] = {name: rest[name][:count] for name, count in counts.items()}
        rest = {name: rest[name][count:] for name, count in counts.items()}
    assert not any(len(left) for left in rest.values())
    return parts


def log_posterior_by_type(flat: FlatCase, point: Point) -> float:
    parts = split(flat, point)
    return sum(
        log_posterior(
            model,
            parts[model.event]["z"],
            parts[model.event]["e"],
            parts[model.event]["d"],
            dict(zip(model.free_hyper, parts[model.event]["xi"].tolist(), strict=True)),
        )
        for model in flat.models
    )


@pytest.mark.parametrize("name", list(CASES))
def test_log_posterior_and_its_gradient_are_those_of_the_event_types_together(name: str) -> None:
    flat = flat_of(name)
    model = pymc_model.assemble(flat)
    # Without rewrites, so that nothing depends on them; other tests run what numba compiles.
    density = model.logp()
    assert not isinstance(density, list)
    function = model.compile_fn([density, model.dlogp()], mode="FAST_COMPILE")
    names = [variable.name for variable in model.value_vars]
    rng = np.random.default_rng(11)
    for _ in range(6):
        point, direction = random_point(flat, rng), random_point(flat, rng)
        assert set(point) == set(names)
        value, gradient = function(point)
        assert float(value) == pytest.approx(log_posterior_by_type(flat, point), rel=1e-8)

        step = 1e-5
        ahead = {key: point[key] + step * direction[key] for key in names}
        behind = {key: point[key] - step * direction[key] for key in names}
        slope = (log_posterior_by_type(flat, ahead) - log_posterior_by_type(flat, behind)) / (2 * step)
        along = gradient @ np.concatenate([direction[key].ravel() for key in names])
        assert float(along) == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_the_cases_reach_every_part_of_the_graph() -> None:
    flats = {name: flat_of(name) for name in CASES}
    assert flats["no edges"].data["exposure"].max() > 1
    assert not flats["no edges"].coords["memory"]
    assert not flats["no edges"].coords["effect"]
    assert not flats["nothing free but rates"].coords["free_hyper"]
    assert len(flats["series"].data["step_size"]) > 100
    assert np.isneginf(flats["some fixed"].data["hyper_middle"]).any()
    assert (flats["some fixed"].data["coefficient_spread"] == 0).sum() == 2
    assert 0 < len(flats["some fixed"].coords["free_hyper"]) < len(flats["some fixed"].coords["hyper"])
    assert max(flats["yearly"].layout["past_count"]) > 1
    assert max(flats["record with holes"].layout["year_gap"]) == 3
    assert not any(label.startswith("decree:") for label in flats["record with holes"].coords["row"])


@pytest.mark.parametrize("name", ["series", "some fixed"])
def test_deterministics_are_the_quantities_in_their_natural_units(name: str) -> None:
    flat = flat_of(name)
    model = pymc_model.assemble(flat)
    natural = [variable.name for variable in model.deterministics]
    values = model.compile_fn(model.replace_rvs_by_values(model.deterministics), inputs=model.value_vars)
    point = random_point(flat, np.random.default_rng(12))
    found = dict(zip(natural, values(point), strict=True))
    places = {dim: {label: i for i, label in enumerate(labels)} for dim, labels in flat.coords.items()}
    for regression in flat.models:
        part = split(flat, point)[regression.event]
        event_name = regression.event
        hyper = natural_hyper(regression, dict(zip(regression.free_hyper, part["xi"], strict=True)))
        coefficients = regression.natural(part["z"])
        shocks = year_factor(regression.years, hyper["sd_time"], hyper["persistence"]) @ part["e"]

        def at(dim: str, label: str, event_name: str = event_name) -> int:
            return places[dim][f"{event_name}:{label}"]

        for label, value in zip(regression.coefficients, coefficients, strict=True):
            assert found["coefficients"][at("coefficient", label)] == pytest.approx(value, rel=1e-12)
        for label, value in list(zip(regression.coefficients, coefficients, strict=True))[1:]:
            assert found["rate_ratio"][at("effect", label)] == pytest.approx(np.exp(value), rel=1e-12)
        for year, value in zip(regression.years, shocks, strict=True):
            assert found["year_shock"][at("year", str(year))] == pytest.approx(value, rel=1e-9, abs=1e-300)
        for memory in regression.memories:
            half_life = float(hyper[f"half_life.{memory}"])
            assert found["half_life"][at("memory", memory)] == pytest.approx(half_life, rel=1e-12)
        row = places["event"][event_name]
        in_a_year = 1.0 - np.exp(-12.0 * np.exp(coefficients[0]))
        assert found["base_rate"][row] == pytest.approx(in_a_year, rel=1e-9)
        assert found["sd_time"][row] == pytest.approx(float(hyper["sd_time"]), rel=1e-12)
        assert found["persistence"][row] == pytest.approx(float(hyper["persistence"]), rel=1e-12)
        if regression.has_dyad_effects:
            dyads = places["dyad_event"][event_name]
            assert found["sd_dyad"][dyads] == pytest.approx(float(hyper["sd_dyad"]), rel=1e-12)
            np.testing.assert_allclose(found["dyad_effect"][dyads], hyper["sd_dyad"] * part["d"], rtol=1e-12)


def revised_priors(case: Case) -> Case:
    """The case with every prior moved and widened."""

    def moved(one: Quantity) -> Quantity:
        low, high = one.range
        return Quantity(median=0.9 * one.center, interval=(0.7 * low, 1.1 * high if high > 1 else high**0.9))

    hyper = case.settings.hyperpriors
    memories = {
        name: one.model_copy(update={"half_life": moved(one.half_life)})
        for name, one in case.settings.memories.items()
        if one.half_life is not None
    }
    hyperpriors = Hyperpriors(
        sd_dyad=moved(hyper.sd_dyad), sd_time=moved(hyper.sd_time), persistence=moved(hyper.persistence)
    )
    return case.revised(
        settings=case.settings.model_copy(update={"hyperpriors": hyperpriors, "memories": memories}),
        events={name: one.model_copy(update={"base_rate": moved(one.base_rate)}) for name, one in case.events.items()},
        effects=tuple(one.model_copy(update={"rate_ratio": moved(one.rate_ratio)}) for one in case.effects),
    )


def test_setting_the_data_of_the_priors_is_building_anew() -> None:
    import pymc as pm

    case = random_case(1)
    model, new = build_model(case), pymc_data.flatten_case(revised_priors(case))
    parts = ("middle", "spread", "skew")
    names = tuple(f"{whose}_{part}" for whose in ("coefficient", "hyper") for part in parts)
    old = {name: model[name].get_value() for name in names}
    assert all((old[name] != new.data[name]).all() for name in names)
    logp = model.compile_logp()
    point = random_point(new, np.random.default_rng(13))
    before = float(logp(point))
    with model:
        pm.set_data({name: new.data[name] for name in names})
    anew = float(pymc_model.assemble(new).compile_logp()(point))
    assert float(logp(point)) == pytest.approx(anew, rel=1e-12)
    assert anew == pytest.approx(log_posterior_by_type(new, point), rel=1e-8)
    assert before != pytest.approx(anew, rel=1e-3)


def test_posterior_predictive_draws_are_events_at_the_rate_of_each_row() -> None:
    import pymc as pm

    flat = flat_of("no edges")
    draws = 400
    coordinates = {name: np.zeros_like(value) for name, value in random_point(flat, np.random.default_rng(0)).items()}
    held = xarray.Dataset(
        {
            name: (
                ("chain", "draw", *(f"{name}_{axis}" for axis in range(value.ndim))),
                np.tile(value, (1, draws, *[1] * value.ndim)),
            )
            for name, value in coordinates.items()
        }
    )
    with pymc_model.assemble(flat):
        drawn = pm.sample_posterior_predictive(held, freeze_vars=list(coordinates), random_seed=1, progressbar=False)
    occurred = drawn["posterior_predictive"].to_dataset()["occurred"]
    assert occurred.dims == ("chain", "draw", "row")
    assert occurred.shape == (1, draws, len(flat.coords["row"]))
    assert set(np.unique(occurred)) == {0, 1}
    assert tuple(occurred["row"].values) == flat.coords["row"]
    for model in flat.models:
        mine = [i for i, label in enumerate(flat.coords["row"]) if label.startswith(f"{model.event}:")]
        exposure = flat.data["exposure"][mine]
        chance = -np.expm1(-exposure * np.exp(model.middle[0]))
        for pooled in (True, False):
            chosen = (exposure > 1) == pooled
            if chosen.any():
                counts = occurred.values[0][:, mine][:, chosen].sum()
                expected = draws * chance[chosen].sum()
                spread = np.sqrt(draws * (chance * (1 - chance))[chosen].sum())
                assert abs(counts - expected) < BETWEEN_MONTE_CARLO_ERRORS * spread


@dataclass(frozen=True)
class Sampled:
    """A small case, sampled once for several tests."""

    case: Case
    draws: int
    events: dict[str, EventDraws]
    reports: list[tuple[str, int, int]]


def sample(
    case: Case, draws: int, seed: int, report: Callable[[str, int, int], None] | None = None
) -> dict[str, EventDraws]:
    record = build_record(case)
    models = {name: build_event_model(case, record, name) for name in case.order}
    return pymc_model.sample(case, record, models, draws=draws, seed=seed, progress=report).events


@pytest.fixture(scope="module")
def sampled() -> Sampled:
    case = random_case(8, partners=3, years=5)
    reports: list[tuple[str, int, int]] = []
    events = sample(case, 2000, 1, lambda *report: reports.append(report))
    return Sampled(case, 2000, events, reports)


def assert_same_draws(left: dict[str, EventDraws], right: dict[str, EventDraws]) -> None:
    for name in left:
        np.testing.assert_array_equal(left[name].coefficients, right[name].coefficients)
        np.testing.assert_array_equal(left[name].effects, right[name].effects)
        np.testing.assert_array_equal(left[name].shocks, right[name].shocks)


def test_both_engines_find_the_same_posterior(sampled: Sampled) -> None:
    laplace = fit(sampled.case, draws=4000, seed=2)
    for name, nuts in sampled.events.items():
        other = laplace.events[name]
        assert nuts.ess > sampled.draws / 20
        assert nuts.rhat < 1.05
        assert nuts.divergences <= sampled.draws / 100
        assert np.isnan(nuts.khat)
        error = np.sqrt(1.0 / nuts.ess + 1.0 / other.ess)
        pairs = [
            (nuts.coefficients, other.coefficients),
            (nuts.shocks, other.shocks),
            (nuts.effects, other.effects),
            *((np.log(nuts.hyper[key])[:, None], np.log(other.hyper[key])[:, None]) for key in nuts.hyper),
        ]
        for ours, theirs in pairs:
            assert ours.shape == (sampled.draws, theirs.shape[1])
            spread = theirs.std(axis=0)
            far = np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) - BETWEEN_MONTE_CARLO_ERRORS * error * spread
            assert far.max() <= 0.0, name
            moving = spread > 0
            np.testing.assert_allclose(ours.std(axis=0)[moving], spread[moving], rtol=5 * error)


def test_progress_counts_all_draws_of_all_chains(sampled: Sampled) -> None:
    assert sampled.reports[0] == ("compiling", 0, 4000)
    assert sampled.reports[-1] == ("sampling", 4000, 4000)
    done = [done for _, done, _ in sampled.reports]
    assert done == sorted(done)


def test_a_seed_gives_the_same_draws_whatever_their_number(sampled: Sampled) -> None:
    again = sample(sampled.case, sampled.draws, 1)
    assert_same_draws(again, sampled.events)
    other = sample(sampled.case, 333, 2)
    for name, drawn in other.items():
        assert drawn.coefficients.shape == (333, sampled.events[name].coefficients.shape[1])
        assert not np.isin(drawn.coefficients[:, 0], sampled.events[name].coefficients[:, 0]).any()
        assert drawn.ess <= 333


def test_a_compiled_model_with_new_data_samples_as_one_compiled_anew(sampled: Sampled) -> None:
    def draws(compiled: Any) -> Floats:
        return pymc_model.draw_chains(compiled, 100, 3, tune=100)["posterior"].to_dataset()["z"].values

    before, after = (pymc_data.flatten_case(case) for case in (sampled.case, revised_priors(sampled.case)))
    old, reused = (draws(pymc_model.compile_flat(flat)) for flat in (before, after))
    np.testing.assert_array_equal(reused, draws(pymc_model.compile_model(pymc_model.assemble(after))))
    assert not np.array_equal(reused, old)


def test_an_interrupt_ends_the_chains_and_reaches_the_caller(sampled: Sampled) -> None:
    finished: list[int] = []

    def interrupt(label: str, done: int, total: int) -> None:
        if label == "sampling" and done:
            finished.append(total - done)
            raise KeyboardInterrupt

    running = psutil.Process().num_threads()
    with pytest.raises(KeyboardInterrupt):
        sample(sampled.case, 1_000_000, 1, interrupt)
    assert len(finished) == 1
    # Left alone, the chains would take many times the patience of `until`.
    assert finished[0] > 900_000
    until(lambda: psutil.Process().num_threads() <= running, "the chains to end")


def test_rates_beyond_all_reason_are_refused_in_plain_words(sampled: Sampled) -> None:
    flat = pymc_data.flatten_case(sampled.case)
    compiled = pymc_model.compile_flat(flat).with_data(coefficient_middle=flat.data["coefficient_middle"] + 800.0)
    with pytest.raises(UnreliablePosteriorError, match=r"nuts could not sample.*interval"):
        pymc_model.draw_chains(compiled, 100, 1)


def test_chains_that_cannot_start_leave_draws_of_the_priors_and_a_verdict(
    sampled: Sampled, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, honest = sampled.case, pymc_model.compile_flat

    def beyond_reason(flat: FlatCase) -> object:
        return honest(flat).with_data(coefficient_middle=flat.data["coefficient_middle"] + 800.0)

    monkeypatch.setattr(pymc_model, "compile_flat", beyond_reason)
    with pytest.raises(UnreliablePosteriorError, match=r"nuts could not sample .* draws are those of its priors"):
        fit(case, engine="nuts", draws=100)
    posterior = fit(case, engine="nuts", draws=100, allow_unreliable=True)
    assert len(posterior.diagnostics.failures) == len(case.order)
    for name, drawn in posterior.events.items():
        assert drawn.is_finite
        np.testing.assert_array_equal(drawn.coefficients, draw_prior(posterior.models[name], 100, 1).coefficients)


def test_an_event_type_without_a_log_posterior_is_named_and_not_sampled() -> None:
    case = make_case(
        {"a": event(quantity(0.3, 0.1, 0.6))},
        [edge("mood", "a", quantity(1e6))],
        {"mood": indicator(history="series", step=1e-6, now=quantity(0.0))},
    )
    rows = [
        SeriesRow(
            indicator="mood",
            unit="HHH",
            date=dt.date(2016, 1, 31),
            value=5.0,
            low=5.0,
            high=5.0,
            published=dt.date(2016, 1, 31),
            sources=(),
            status="judgement",
        )
    ]
    told: list[str] = []
    posterior = fit(
        case.revised(series_rows=tuple(rows)),
        engine="nuts",
        draws=100,
        allow_unreliable=True,
        progress=lambda label, done, total: told.append(label),
    )
    [failure] = posterior.diagnostics.failures
    assert failure.startswith("a: its log posterior could not be evaluated")
    assert posterior.events["a"].is_finite
    assert "sampling" not in told


def test_a_parameter_that_never_is_a_number_is_not_healthy() -> None:
    values = np.random.default_rng(1).normal(size=(2, 200, 3))
    values[:, :, 1] = np.nan
    ess, rhat = pymc_model._health(values)
    assert not ess >= ESS_LIMIT
    assert not rhat <= RHAT_LIMIT


def trace_of(flat: FlatCase, chains: int, draws: int, seed: int, apart: float = 0.0) -> xarray.DataTree:
    """Independent draws of the coordinates as nutpie would give them, every chain `apart` from the one before."""
    rng = np.random.default_rng(seed)
    shapes = {name: value.shape for name, value in random_point(flat, rng).items()}
    drawn = {
        name: rng.standard_normal((chains, draws, *shape))
        + apart * np.arange(chains).reshape(-1, *[1] * (1 + len(shape)))
        for name, shape in shapes.items()
    }
    variables = {
        name: (("chain", "draw", *(f"{name}_{i}" for i in range(value.ndim - 2))), value)
        for name, value in drawn.items()
    }
    diverging = np.zeros((chains, draws), dtype=bool)
    diverging[0, :3] = True
    return xarray.DataTree.from_dict(
        {
            "posterior": xarray.Dataset(variables),
            "sample_stats": xarray.Dataset({"diverging": (("chain", "draw"), diverging)}),
        }
    )


@pytest.mark.parametrize("name", ["some fixed", "nothing free but rates", "record with holes"])
def test_health_passes_over_what_is_fixed(name: str) -> None:
    flat = flat_of(name)
    for events in (
        pymc_model.natural_events(flat, trace_of(flat, 2, 500, 1), 1000),
        pymc_model.natural_events(flat, trace_of(flat, 2, 500, 1, apart=3.0), 1000),
    ):
        assert all(np.isfinite([drawn.ess, drawn.rhat]).all() for drawn in events.values())
        assert all(drawn.divergences == 3 for drawn in events.values())
    near, far = (pymc_model.natural_events(flat, trace_of(flat, 2, 500, 1, apart=apart), 1000) for apart in (0.0, 3.0))
    for event_name in near:
        assert near[event_name].rhat < 1.05
        assert near[event_name].ess > 400
        assert far[event_name].rhat > 1.3
        assert far[event_name].ess < 50


def test_draws_are_thinned_evenly_and_chains_laid_end_to_end() -> None:
    flat = flat_of("series")
    trace = trace_of(flat, 2, 12, 3)
    events = pymc_model.natural_events(flat, trace, draws=7, thin=3)
    drawn = trace["posterior"].to_dataset()
    for model in flat.models:
        for number, (chain, draw) in enumerate([(0, 2), (0, 5), (0, 8), (0, 11), (1, 2), (1, 5), (1, 8)]):
            point = {str(name): drawn[name].values[chain, draw] for name in drawn}
            part = split(flat, point)[model.event]
            xi = {name: part["xi"][[place]] for place, name in enumerate(model.free_hyper)}
            theta = np.concatenate([part["z"], part["e"]])[None]
            coefficients, hyper, shocks = natural_draws(model, theta, xi)
            found = events[model.event]
            assert len(found.coefficients) == len(found.effects) == len(found.shocks) == 7
            np.testing.assert_allclose(found.coefficients[number], coefficients[0], rtol=1e-12)
            np.testing.assert_allclose(found.shocks[number], shocks[0], rtol=1e-12)
            for key, value in hyper.items():
                assert found.hyper[key][number] == pytest.approx(value[0], rel=1e-12)
            if model.has_dyad_effects:
                np.testing.assert_allclose(found.effects[number], hyper["sd_dyad"][0] * part["d"], rtol=1e-12)
            else:
                assert not found.effects.any()


def test_importing_the_module_does_not_import_pymc() -> None:
    heavy = "{'pymc', 'pytensor', 'nutpie', 'numba', 'arviz', 'arviz_stats'}"
    code = f"import sys, riskcast.engines.pymc_model; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_notebook_can_extend_the_model_and_draw_from_it() -> None:
    """Notebook 04 samples the model of the real case by PyMC's own means, and replicates its record."""
    import pymc as pm

    with build_model(random_case(1)) as model:
        pm.Deterministic("doubled", 2.0 * model["rate_ratio"], dims="effect")
        trace = pm.sample_prior_predictive(100, random_seed=1)
    np.testing.assert_allclose(trace["prior"]["doubled"], 2.0 * trace["prior"]["rate_ratio"])
    occurred, happened = (trace[part].to_dataset()["occurred"] for part in ("prior_predictive", "observed_data"))
    assert occurred.sizes == {"chain": 1, "draw": 100, **happened.sizes}
    totals = occurred.sum("row").values.ravel()
    assert totals.min() < int(happened.sum()) < totals.max()


@pytest.mark.slow
def test_laplace_agrees_with_nuts_on_the_real_case() -> None:
    case = load_case("central_asia_2024")
    laplace = fit(case, engine="laplace", draws=8_000, seed=1)
    # As `sample` does, but with shorter chains: what chance leaves is in the errors below.
    flat = pymc_data.flatten_case(case)
    trace = pymc_model.draw_chains(pymc_model.compile_flat(flat), 500, 1, tune=500)
    common = pymc_model.natural_shared(flat, trace, 1000)
    assert common is not None
    events = pymc_model.natural_events(flat, trace, 1000, 1, common)
    models = {name: model.held(common.tension) for name, model in laplace.models.items()}
    nuts = replace(laplace, engine="nuts", draws=1000, models=models, events=events, shared=common)
    fast, slow = (forecast(posterior, horizon=12, seed=1) for posterior in (laplace, nuts))
    ess = laplace.diagnostics.ess_min
    apart = {}
    for name in case.events:
        drawn = slow.simulated.probability[name]
        spread = drawn.std(axis=0)
        error = spread * np.sqrt(1.0 / ess + 1.0 / effective_draws(drawn))
        off = fast.simulated.probability[name].mean(axis=0) - drawn.mean(axis=0)
        apart |= {(name, unit): far for unit, far in zip(case.units(name), (off / error).tolist(), strict=True)}
    where = max(apart, key=lambda place: abs(apart[place]))
    assert abs(apart[where]) <= BETWEEN_MONTE_CARLO_ERRORS, (where, apart[where])
    # An engine that is a little off everywhere would pass cell by cell.
    assert np.sqrt(np.mean(np.square(list(apart.values())))) < 2.0, apart


def effective_draws(drawn: Floats) -> Floats:
    """Effective sample size of the mean of every column of (draws, columns), chains laid end to end."""
    from arviz_stats.base import array_stats

    by_chain = drawn.reshape(pymc_model.CHAINS, -1, drawn.shape[1])
    return array_stats.ess(by_chain, chain_axis=0, draw_axis=1, method="mean")
