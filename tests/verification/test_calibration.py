"""Calibration of a case: sound engines pass, wrong ones are found out, and records follow the model's definition."""

from __future__ import annotations

import datetime as dt
import json
import math
import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import replace
from typing import Any, TypedDict

import numpy as np
import pytest

from riskcast.case.model import Case, SeriesRow
from riskcast.engines.draws import EventDraws, draw_prior
from riskcast.engines.hazard import EventModel, build_event_model
from riskcast.engines.jobs import Job, Joint
from riskcast.engines.laplace import fit_event
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import Record, build_record
from riskcast.verification import calibration
from riskcast.verification.calibration import (
    Calibration,
    calibrate,
    calibrate_record,
    calibration_data,
    draw_record,
    rank_histogram,
)
from tests.support.cases import (
    assert_mean,
    edge,
    enumerate_futures,
    event,
    indicator,
    make_case,
    quantity,
    random_case,
    searched,
    series_row,
)

RECORDS = 60
BLOCKS = [
    "base_rate",
    "effects",
    "escalations",
    "half_life.fast",
    "sd_dyad",
    "sd_time",
    "persistence",
    "dyad_effects",
    "year_shocks",
    "log_likelihood",
]
PARAMETERS = BLOCKS[:-1]


def series(name: str, years: int, rng: np.random.Generator) -> tuple[SeriesRow, ...]:
    days = [dt.date(2020 - years + 1 + t // 12, t % 12 + 1, 15) for t in range(12 * years)]
    return tuple(
        series_row(name, day, value) for day, value in zip(days, rng.normal(size=len(days)).tolist(), strict=True)
    )


def small_case() -> Case:
    """Two event types that between them have every block of parameters, none of them fixed."""
    case = make_case(
        {"a": event(quantity(0.6, 0.3, 0.9)), "b": event(quantity(0.5, 0.2, 0.8))},
        [
            edge("mood", "a", quantity(1.5, 0.8, 2.8)),
            edge("mood", "b", quantity(1.2, 0.6, 2.4)),
            edge("a", "a", quantity(1.5, 0.7, 3.2), whose="own", memory="fast", acts="next"),
            edge("a", "b", quantity(1.5, 0.7, 3.2), whose="others", memory="fast", acts="same"),
        ],
        {"mood": indicator(history="series", now=quantity(0.0))},
        partners=3,
        years=3,
        half_life=quantity(3.0, 1.0, 9.0),
        sd_dyad=quantity(0.6, 0.2, 1.8),
        sd_time=quantity(0.4, 0.15, 1.0),
        persistence=quantity(0.6, 0.3, 0.85),
    )
    return case.revised(series_rows=series("mood", 3, np.random.default_rng(0)))


def recalled_case() -> Case:
    """The small case of which little was found at first, and different shares of the two types later on."""
    case, early, late = small_case(), dt.date(2019, 2, 10), dt.date(2019, 2, 11)
    first, last = case.settings.history_from, case.as_of
    return searched(
        case,
        ("a", "ALL", first, early, 0.25),
        ("a", "ALL", late, last, 0.6),
        *(("b", dyad, first, last, share) for dyad, share in zip(case.dyads, (0.2, 0.5, 0.9), strict=True)),
    )


# Wrong engines --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fits() -> dict[tuple[str, int], EventDraws]:
    """Posteriors by event type and seed, so that wrong engines need not fit again."""
    return {}


@pytest.fixture
def calibrated(fits: dict[tuple[str, int], EventDraws]) -> Callable[..., Calibration]:
    def run(distort: Callable[[EventDraws], EventDraws] = lambda drawn: drawn) -> Calibration:
        def engine(model: EventModel, draws: int, seed: int) -> EventDraws:
            if (model.event, seed) not in fits:
                fits[model.event, seed] = fit_event(model, draws, seed)
            return distort(fits[model.event, seed])

        return calibrate(small_case(), RECORDS, draws=400, seed=3, engine=engine)

    return run


def everywhere(change: Callable[[Floats], Floats]) -> Callable[[EventDraws], EventDraws]:
    """Change the draws of every parameter, hyper-parameters on their link scales."""

    def distort(drawn: EventDraws) -> EventDraws:
        hyper = {name: np.exp(change(np.log(own))) for name, own in drawn.hyper.items()}
        odds = np.log(drawn.hyper["persistence"]) - np.log1p(-drawn.hyper["persistence"])
        hyper["persistence"] = 1.0 / (1.0 + np.exp(-change(odds)))
        return replace(
            drawn,
            coefficients=change(drawn.coefficients),
            hyper=hyper,
            shocks=change(drawn.shocks),
            effects=change(drawn.effects),
        )

    return distort


def p_values(found: Calibration) -> dict[str, float]:
    return {block: one.joint_p_value for block, one in found.histograms.items()}


def test_a_sound_engine_has_uniform_ranks_in_every_block(calibrated: Callable[..., Calibration]) -> None:
    found = calibrated()
    assert list(found.histograms) == BLOCKS
    assert all(len(one.ranks) == 2 * RECORDS for one in found.histograms.values())
    assert found.is_calibrated, p_values(found)
    assert min(p_values(found).values()) > 0.01, p_values(found)


@pytest.mark.parametrize(
    "change",
    [
        lambda own: own.mean(axis=0) + 2.0 * (own - own.mean(axis=0)),
        lambda own: own.mean(axis=0) + 0.5 * (own - own.mean(axis=0)),
        lambda own: own + 0.6 * own.std(axis=0),
    ],
    ids=["too wide", "too narrow", "shifted"],
)
def test_a_wrong_posterior_is_found_out_in_every_block(
    calibrated: Callable[..., Calibration], change: Callable[[Floats], Floats]
) -> None:
    found = calibrated(everywhere(change))
    assert max(p_values(found)[block] for block in PARAMETERS) < 0.01, p_values(found)
    assert not found.is_calibrated


def test_a_memory_that_fades_too_fast_is_found_out_where_it_is_wrong(calibrated: Callable[..., Calibration]) -> None:
    def halved(drawn: EventDraws) -> EventDraws:
        return replace(drawn, hyper=drawn.hyper | {"half_life.fast": 0.5 * drawn.hyper["half_life.fast"]})

    found = p_values(calibrated(halved))
    assert found["half_life.fast"] < 0.001
    assert min(found[block] for block in PARAMETERS if block != "half_life.fast") > 0.01


def test_a_fault_in_one_event_type_is_traced_to_it(calibrated: Callable[..., Calibration]) -> None:
    def one_shifted(drawn: EventDraws) -> EventDraws:
        shift = 0.8 * drawn.coefficients.std(axis=0) * (drawn.event == "b")
        return replace(drawn, coefficients=drawn.coefficients + shift)

    found = calibrated(one_shifted)
    for block in ("base_rate", "effects", "escalations"):
        assert found.worst(block)[0] == "b"
        assert found.worst(block)[1] < 0.01
        assert found.by_event["a"][block].joint_p_value > 0.01


def test_a_record_of_which_less_was_found_gives_the_truth_back() -> None:
    found = calibrate(recalled_case(), RECORDS, draws=400, seed=3)
    assert found.is_calibrated, p_values(found)
    assert min(p_values(found).values()) > 0.01, p_values(found)


def all_found(model: EventModel, draws: int, seed: int) -> EventDraws:
    """A posterior that takes a record for all that happened."""
    free, hits = (replace(rows, exposure=np.ceil(rows.exposure)) for rows in (model.free, model.hits))
    return fit_event(replace(model, free=free, hits=hits), draws, seed)


def test_an_engine_that_takes_what_was_found_for_all_that_happened_is_found_out() -> None:
    found = p_values(calibrate(recalled_case(), RECORDS, draws=400, seed=3, engine=all_found))
    assert found["base_rate"] < 0.001
    assert found["log_likelihood"] < 0.001


def priors_alone(model: EventModel, draws: int, seed: int) -> EventDraws:
    # Truths are drawn from the stream of the seed itself.
    return draw_prior(model, draws, seed ^ 1)


def test_an_engine_that_hands_back_its_priors_is_found_out_by_the_log_likelihood_alone() -> None:
    found = p_values(calibrate(small_case(), RECORDS, draws=400, seed=3, engine=priors_alone))
    assert found["log_likelihood"] < 0.001
    assert min(found[block] for block in PARAMETERS) > 0.01


def test_fits_that_fail_their_checks_are_counted_and_kept() -> None:
    def engine(model: EventModel, draws: int, seed: int) -> EventDraws:
        drawn = priors_alone(model, draws, seed)
        return replace(drawn, khat=0.9) if model.event == "a" else drawn

    found = calibrate(small_case(), 20, draws=100, engine=engine)
    assert (found.unreliable, found.fits) == (20, 40)
    assert found.unreliable_by_event == {"a": 20, "b": 0}
    assert all(len(one.ranks) == 40 for one in found.histograms.values())


# Records --------------------------------------------------------------------------------------------------------------


def blank_of(case: Case) -> Record:
    record = build_record(case)
    return replace(record, occurred={name: np.zeros_like(own) for name, own in record.occurred.items()})


def models_of(case: Case, blank: Record) -> dict[str, EventModel]:
    return {name: build_event_model(case, blank, name) for name in case.order}


def draw_many(case: Case, count: int, seed: int) -> dict[str, Floats]:
    """Records of a case in which everything is fixed: (records, periods, units) of 0 or 1."""
    blank, rng = blank_of(case), np.random.default_rng(seed)
    models = models_of(case, blank)
    truth = {name: draw_prior(model, 1, 1) for name, model in models.items()}
    drawn: dict[str, list[Floats]] = {name: [] for name in case.order}
    for _ in range(count):
        uniforms = {name: rng.random(blank.occurred[name].shape) for name in case.order}
        record = draw_record(case, blank, models, truth, uniforms)
        for name in case.order:
            drawn[name].append(record.occurred[name])
    return {name: np.array(own) for name, own in drawn.items()}


def slow_record(
    case: Case, blank: Record, truth: Mapping[str, EventDraws], uniforms: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Cell by cell, with every memory summed anew over all events before it; coefficients in the order of the edges."""
    happened: dict[str, Floats] = {name: np.zeros(blank.occurred[name].shape) for name in case.events}
    for t, year in enumerate(blank.years.tolist()):
        for name in case.order:
            edges = [one for one in case.effects if one.target == name]
            edges = [one for one in edges if one.memory is None] + [one for one in edges if one.memory]
            drawn = truth[name]
            years = sorted({y for y, r in zip(blank.years.tolist(), blank.at_risk[name].any(axis=1), strict=True) if r})
            for u in range(len(case.units(name))):
                if not blank.at_risk[name][t, u]:
                    continue
                eta = drawn.coefficients[0, 0] + drawn.effects[0, u] + drawn.shocks[0, years.index(year)]
                for slope, one in zip(drawn.coefficients[0, 1:], edges, strict=True):
                    if one.memory is None:
                        level = blank.levels[one.source]
                        eta += slope * level[t, u if level.shape[1] > 1 else 0]
                        continue
                    assert one.whose is not None
                    half_life = drawn.hyper[f"half_life.{one.memory}"][0]
                    last, left = (t if one.acts == "same" else t - 1), 0.0
                    for s in range(last + 1):
                        for other in range(len(case.units(one.source))):
                            seen = {"own": other == u, "others": other != u, "host": True, "any": True}[one.whose]
                            left += seen * happened[one.source][s, other] * 0.5 ** ((last - s) / half_life)
                    eta += slope * math.log2(1.0 + left)
                happened[name][t, u] = uniforms[name][t, u] < 1.0 - math.exp(-math.exp(eta))
    return happened


def several_kinds(seed: int) -> Case:
    """Host and dyad scopes, edges of all kinds, and an event type that the record holds from a later day only."""
    case = random_case(seed, partners=3, years=4)
    late = {"recorded_from": dt.date(2018, 5, 1)}
    events = {
        name: one.model_copy(update=late if name == "protest" else {"base_rate": one.base_rate})
        for name, one in case.events.items()
    }
    return case.revised(events=events)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_record_is_that_of_a_slow_loop(seed: int) -> None:
    case, rng = several_kinds(seed), np.random.default_rng(seed)
    assert {one.whose for one in case.effects if one.memory} == {"own", "others", "any", "host"}
    assert {one.acts for one in case.effects if one.memory} == {"same", "next"}
    blank = blank_of(case)
    blank = replace(blank, levels={name: rng.normal(size=own.shape) for name, own in blank.levels.items()})
    models = models_of(case, blank)
    truth = {name: draw_prior(model, 1, seed) for name, model in models.items()}
    uniforms = {name: rng.random(own.shape) for name, own in blank.occurred.items()}
    record = draw_record(case, blank, models, truth, uniforms)
    expected = slow_record(case, blank, truth, uniforms)
    for name in case.events:
        np.testing.assert_array_equal(record.occurred[name], expected[name])
    assert sum(own.sum() for own in record.occurred.values()) >= 10


def test_nothing_happens_where_it_would_not_be_recorded() -> None:
    case = several_kinds(1)
    blank = blank_of(case)
    models = models_of(case, blank)
    truth = {name: draw_prior(model, 1, 1) for name, model in models.items()}
    record = draw_record(case, blank, models, truth, dict.fromkeys(case.order, np.zeros((len(blank.years), 1))))
    first = blank.timeline.index(dt.date(2018, 5, 1))
    assert first > 0
    assert not record.occurred["protest"][:first].any()
    assert record.occurred["protest"][first:].all()
    assert record.occurred["spark"].all()


def test_events_of_a_fixed_rate_are_as_frequent_as_the_rate_says() -> None:
    case = make_case({"a": event(quantity(0.7)), "b": event(quantity(0.2), scope="host")}, partners=2, years=2)
    drawn = draw_many(case, 1500, seed=1)
    for name, yearly in (("a", 0.7), ("b", 0.2)):
        rate = -math.log(1.0 - yearly) / 12
        assert_mean(drawn[name], np.full(drawn[name].shape[1:], 1.0 - math.exp(-rate)))


def test_records_are_as_probable_as_an_enumeration_says() -> None:
    case = make_case(
        {
            "a": event(quantity(0.4)),
            "b": event(quantity(0.3)),
            "h": event(quantity(0.35), scope="host"),
        },
        [
            edge("a", "b", quantity(3.0), whose="own", memory="fast", acts="same"),
            edge("a", "h", quantity(2.0), whose="any", memory="fast", acts="same"),
            edge("b", "b", quantity(2.5), whose="others", memory="fast", acts="next"),
            edge("h", "a", quantity(0.3), whose="host", memory="fast", acts="next"),
        ],
        partners=2,
        years=3,
        period="year",
        half_life=quantity(2.0),
    )
    exact = enumerate_futures(case, 3)
    drawn = draw_many(case, 5000, seed=2)
    for name, probability in exact.probability.items():
        assert_mean(np.maximum.accumulate(drawn[name], axis=1), probability)


def test_years_share_shocks_and_dyads_keep_their_effects() -> None:
    case = make_case({"a": event(quantity(0.5))}, partners=3, years=3, sd_dyad=quantity(0.7), sd_time=quantity(0.6))
    blank = blank_of(case)
    models = models_of(case, blank)
    truth = {"a": draw_prior(models["a"], 1, 5)}
    rng = np.random.default_rng(5)
    drawn = np.array(
        [
            draw_record(case, blank, models, truth, {"a": rng.random((36, 3))}).occurred["a"].reshape(3, 12, 3).mean(1)
            for _ in range(1500)
        ]
    )
    base = math.log(-math.log(0.5) / 12)
    eta = base + truth["a"].shocks[0][:, None] + truth["a"].effects[0]
    assert np.ptp(eta) > 0.5
    assert_mean(drawn, 1.0 - np.exp(-np.exp(eta)))


# Ranks, seeds, executors ----------------------------------------------------------------------------------------------


def ranks(found: Calibration) -> dict[str, list[float]]:
    return {block: one.ranks.tolist() for block, one in found.histograms.items()}


def test_same_seed_same_digits_whatever_works_on_the_records() -> None:
    case = make_case({"a": event(quantity(0.6, 0.3, 0.9))}, years=3, sd_dyad=quantity(0.5, 0.2, 1.2))
    seen: list[tuple[int, int]] = []
    here = calibrate(case, 20, draws=100, seed=7, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 20) for done in range(1, 21)]
    seen.clear()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = calibrate(
            case, 20, draws=100, seed=7, executor=pool, progress=lambda done, total: seen.append((done, total))
        )
    assert seen == [(done, 20) for done in range(1, 21)]
    assert ranks(here) == ranks(there)
    assert calibration_data(here) == calibration_data(there)
    other = calibrate(case, 20, draws=100, seed=8)
    assert all(set(own).isdisjoint(ranks(other)[block]) for block, own in ranks(here).items())


def test_the_recorded_events_do_not_matter_but_the_record_is_as_long_and_wide() -> None:
    case = random_case(1)
    bare = case.revised(event_rows=())
    assert case.event_rows
    assert calibrate_record(case, 1, 0, 100) == calibrate_record(bare, 1, 0, 100)


def test_one_parameter_of_each_block_is_ranked_for_every_event_type() -> None:
    found = calibrate_record(random_case(1), 1, 0, 100)
    common = {"base_rate", "sd_time", "persistence", "year_shocks", "log_likelihood"}
    assert {name: set(own) - common for name, own in found.ranks.items()} == {
        "spark": {"sd_dyad", "dyad_effects"},
        "protest": {"sd_dyad", "dyad_effects", "effects", "escalations", "half_life.fast"},
        "break_off": {"sd_dyad", "dyad_effects", "effects", "escalations", "half_life.fast"},
        "decree": {"effects", "escalations", "half_life.fast"},
    }
    assert all(common <= set(own) for own in found.ranks.values())


def test_what_is_fixed_is_not_ranked() -> None:
    case = make_case(
        {"a": event(quantity(0.6)), "b": event(quantity(0.6))},
        [edge("a", "b", quantity(2.0, 1.0, 4.0), whose="own", memory="fast", acts="next")],
        years=2,
        sd_time=quantity(0.4),
        persistence=quantity(0.5),
    )
    found = calibrate_record(case, 1, 0, 100)
    assert {name: set(own) for name, own in found.ranks.items()} == {
        "a": {"year_shocks", "log_likelihood"},
        "b": {"escalations", "year_shocks", "log_likelihood"},
    }
    assert calibrate_record(make_case({"a": event(quantity(0.6))}, years=2), 1, 0, 100).ranks == {"a": {}}


def test_ties_are_broken_at_random() -> None:
    rng = np.random.default_rng(0)
    broken = np.array([calibration._rank(np.array([0.0, 1.0, 1.0, 1.0, 2.0]), 1.0, rng) for _ in range(20_000)])
    assert broken.min() >= 1 / 6
    assert broken.max() < 5 / 6
    assert abs(broken.mean() - 0.5) < 0.01
    assert abs((broken < 0.25).mean() - 0.125) < 0.012


def test_work_not_begun_is_cancelled_when_interrupted() -> None:
    class Interrupted(Executor):
        def __init__(self) -> None:
            self.futures: list[Future] = []

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
            future: Future = Future()
            if len(self.futures) == 3:
                future.set_exception(KeyboardInterrupt())
            self.futures.append(future)
            return future

    pool = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        calibrate(small_case(), 20, draws=100, executor=pool)
    assert len(pool.futures) == 20
    assert all(future.cancelled() for place, future in enumerate(pool.futures) if place != 3)


class Options(TypedDict, total=False):
    """How much a calibration does."""

    records: int
    draws: int
    seed: int


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"records": 19}, "records is 19; give a number from 20"),
        ({"records": 10_001}, "records is 10001; give"),
        ({"draws": 99}, "draws is 99; give a number from 100"),
        ({"draws": 10_001}, "draws is 10001; give"),
        ({"seed": -1}, "seed is -1; give"),
    ],
)
def test_options_outside_their_range_are_refused(options: Options, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        calibrate(small_case(), **options)


def test_a_case_without_anything_uncertain_is_refused() -> None:
    with pytest.raises(OptionError, match="every quantity of the case is held fixed; give"):
        calibrate(make_case({"a": event(quantity(0.6))}, years=2), 20, draws=100)


# Bands ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [20, 200, 900])
def test_bands_hold_uniform_ranks_as_often_as_they_say(number: int) -> None:
    rng = np.random.default_rng(number)
    found = [rank_histogram("x", "X", rng.random(number)) for _ in range(2500)]
    for test in (found, [one.ecdf for one in found]):
        inside = np.array([one.inside for one in test])
        p_value = np.array([one.p_value for one in test])
        np.testing.assert_array_equal(inside, p_value > 0.05)
        # Counts are whole, so that the level is met from above; fewer ranks, larger steps.
        assert 0.935 < inside.mean() < (0.985 if number > 20 else 0.999)
        assert (p_value <= 0.01).mean() < 0.017
    joint = np.array([one.joint_p_value for one in found])
    assert (joint <= 0.05).mean() < 0.065


@pytest.mark.parametrize("number", [20, 200, 3000])
def test_bins_hold_enough_ranks_and_all_of_them(number: int) -> None:
    values = np.random.default_rng(1).random(number)
    found = rank_histogram("x", "X", values)
    assert found.counts.sum() == number
    assert 4 <= len(found.counts) <= 20
    assert number / len(found.counts) >= 5
    assert (found.low <= number / len(found.counts)).all()
    assert (found.high >= number / len(found.counts)).all()
    at = [(values < point).mean() - point for point in found.ecdf.points]
    np.testing.assert_allclose(found.ecdf.difference, at, atol=1e-12)
    assert found.ecdf.largest == np.abs(at).max()


def test_ranks_at_one_end_leave_the_band() -> None:
    narrow = np.random.default_rng(2).beta(0.5, 0.5, 200)
    found = rank_histogram("x", "X", narrow)
    assert not found.inside
    assert not found.ecdf.inside
    assert found.p_value < 0.01
    assert found.counts[0] > found.high[0]


# Tables and data ------------------------------------------------------------------------------------------------------


def test_results_are_a_table_and_plain_data() -> None:
    case = small_case()
    found = calibrate(case, 20, draws=100, seed=5, engine=priors_alone)
    frame = found.to_frame()
    assert len(frame) == 3 * len(BLOCKS)
    pooled = frame[frame["event"].isna()]
    assert pooled["block"].tolist() == BLOCKS
    assert pooled["ranks"].tolist() == [40] * len(BLOCKS)
    assert set(frame["event"].dropna()) == {"a", "b"}

    data = calibration_data(found)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["case"] == {"name": "toy", "as_of": "2020-12-31", "hash": case.hash}
    assert (data["records"], data["draws"], data["seed"], data["fits"]) == (20, 100, 5, 40)
    assert data["riskcast_version"]
    for block, one in zip(data["blocks"], found.histograms.values(), strict=True):
        assert sum(block["counts"]) == block["ranks"] == 40
        assert block["inside"] == one.inside
        assert block["worst"]["event"] in case.events
        assert len(block["ecdf"]["points"]) == len(block["ecdf"]["high"])
    assert data["p_value"] == min(1.0, len(BLOCKS) * min(block["joint_p_value"] for block in data["blocks"]))
    assert set(data["p_values_by_event"]["a"]) == set(BLOCKS)


def test_a_case_with_tension_is_fitted_whole_and_ranks_what_is_shared() -> None:
    plain = make_case({"a": event(quantity(0.5, 0.2, 0.8)), "b": event(quantity(0.5))}, partners=2, years=4)
    given = {
        **plain.settings.model_dump(),
        "tension": {"period": "year", "persistence": quantity(0.6, 0.2, 0.9), "loading": quantity(0.7, 0.3, 1.4)},
        "trust": quantity(0.8, 0.4, 1.6),
    }
    case = plain.revised(settings=given)
    found = calibrate(case, records=20, draws=100)
    assert list(found.histograms) == [
        "base_rate", "loading", "tension", "tension_persistence", "trust", "log_likelihood",
    ]  # fmt: skip
    # One event type of each record enters the pool: ranks of one record move together.
    assert {len(one.ranks) for one in found.histograms.values()} == {20}
    assert set(found.by_event) == {"tension and trust", "a", "b"}
    assert found.by_event["tension and trust"].keys() == {"tension", "tension_persistence", "trust"}
    assert found.is_calibrated
    one = calibrate_record(case, seed=1, number=0, draws=100)
    assert calibrate_record(case, seed=1, number=0, draws=100) == one
    with pytest.raises(OptionError, match="they share tension or trust"):
        calibrate(case, records=20, draws=100, engine=lambda model, draws, seed: fit_event(model, draws, seed))


def test_tension_that_is_too_sure_of_itself_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case({"a": event(quantity(0.9)), "b": event(quantity(0.9))}, partners=1, years=6)
    tension = {"period": "quarter", "persistence": quantity(0.5), "loading": quantity(0.8)}
    case = case.revised(settings={**case.settings.model_dump(), "tension": tension})
    right = calibrate(case, records=60, draws=100)
    assert right.histograms["tension"].inside
    whole = calibration.fit_together

    def too_sure(job: Job) -> Joint:
        joint = whole(job)
        assert joint.shared is not None
        middle = joint.shared.tension.mean(axis=0)
        return replace(joint, shared=replace(joint.shared, tension=middle + 0.2 * (joint.shared.tension - middle)))

    monkeypatch.setattr(calibration, "fit_together", too_sure)
    wrong = calibrate(case, records=60, draws=100)
    assert not wrong.histograms["tension"].inside
