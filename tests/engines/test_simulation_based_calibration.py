"""Simulation-based calibration: records drawn from the model's own priors give the truth back with uniform ranks.

Talts, Betancourt, Simpson, Vehtari and Gelman (2018); the joint log likelihood as a further quantity catches engines
that ignore part of the record (Modrak et al., 2023). Nothing here uses the simulation that makes forecasts.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chi2, chisquare, kstest, norm
from threadpoolctl import threadpool_limits

from riskcast.case.model import Case, SeriesRow
from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import build_event_model
from riskcast.engines.laplace import fit_event
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity

RECORDS = 240
DRAWS = 400
YEARS, DYADS = 4, 3
PERSISTENCE, SD_TIME = 0.5, 0.3
# Eight quantities and two tests of each: a sound engine passes all of them at this level 98 times in 100.
LEVEL = 0.001
NAMES = ("base_rate", "effect", "escalation", "half_life", "sd_dyad", "dyad", "shock", "log_likelihood")
Draws = dict[str, Floats]


def calibration_case() -> Case:
    """Few dyads and years, so that priors, record and skewed dyad effects all matter."""
    rng = np.random.default_rng(0)
    first = 2020 - YEARS + 1
    series = [
        SeriesRow(
            indicator="mood",
            unit="HHH",
            date=dt.date(first + t // 12, t % 12 + 1, 15),
            value=value,
            low=value,
            high=value,
            published=dt.date(first + t // 12, t % 12 + 1, 20),
            sources=(),
            status="judgement",
        )
        for t, value in enumerate(rng.normal(size=YEARS * 12).tolist())
    ]
    case = make_case(
        {"a": event(quantity(0.6, 0.3, 0.9))},
        [
            edge("mood", "a", quantity(1.5, 0.8, 2.8)),
            edge("a", "a", quantity(1.5, 0.7, 3.2), whose="own", memory="fast", acts="next"),
        ],
        {"mood": indicator(history="series", now=quantity(0.0))},
        partners=DYADS,
        years=YEARS,
        half_life=quantity(3.0, 1.0, 9.0),
        sd_dyad=quantity(0.6, 0.2, 1.8),
        sd_time=quantity(SD_TIME),
        persistence=quantity(PERSISTENCE),
    )
    return case.revised(series_rows=tuple(series))


def elicited(low: float, middle: float, high: float, rng: np.random.Generator) -> float:
    return rng.normal(middle, (high - low) / (norm.ppf(0.95) - norm.ppf(0.05)))


def draw_truth(rng: np.random.Generator) -> dict[str, float | Floats]:
    """Parameters from the elicited priors, written out anew."""
    rates = [math.log(-math.log1p(-p) / 12) for p in (0.3, 0.6, 0.9)]
    sd_dyad = math.exp(elicited(*np.log([0.2, 0.6, 1.8]), rng))
    shocks = [SD_TIME * rng.normal()]
    for _ in range(YEARS - 1):
        shocks.append(PERSISTENCE * shocks[-1] + SD_TIME * math.sqrt(1 - PERSISTENCE**2) * rng.normal())
    return {
        "base_rate": elicited(*rates, rng),
        "effect": elicited(*np.log([0.8, 1.5, 2.8]), rng),
        "escalation": elicited(*np.log([0.7, 1.5, 3.2]), rng),
        "half_life": math.exp(elicited(*np.log([1.0, 3.0, 9.0]), rng)),
        "sd_dyad": sd_dyad,
        "dyads": sd_dyad * rng.normal(size=DYADS),
        "shocks": np.array(shocks),
    }


def draw_record(truth: dict, mood: Floats, rng: np.random.Generator) -> Floats:
    """Events month by month: (months, dyads) of 0 or 1."""
    happened = np.zeros((YEARS * 12, DYADS))
    for t in range(YEARS * 12):
        for unit in range(DYADS):
            past = sum(2.0 ** (-(t - 1 - s) / truth["half_life"]) for s in np.flatnonzero(happened[:t, unit]))
            eta = truth["base_rate"] + truth["effect"] * mood[t] + truth["escalation"] * math.log2(1 + past)
            eta += truth["shocks"][t // 12] + truth["dyads"][unit]
            happened[t, unit] = rng.random() < -math.expm1(-math.exp(eta))
    return happened


def log_likelihood(draws: Draws, dyads: Floats, shocks: Floats, mood: Floats, happened: Floats) -> Floats:
    """Of every draw; dyads (draws, units), shocks (draws, years)."""
    months = len(mood)
    gaps = np.arange(months)[:, None] - 1 - np.arange(months)[None, :]
    left = np.where(gaps >= 0, 2.0 ** (-np.maximum(gaps, 0) / draws["half_life"][:, None, None]), 0.0)
    memory = np.log2(1 + left @ happened)
    eta = draws["base_rate"][:, None, None] + draws["escalation"][:, None, None] * memory
    eta = eta + (draws["effect"][:, None] * mood)[:, :, None] + dyads[:, None, :]
    eta += np.repeat(shocks, 12, axis=1)[:, :, None]
    rate = np.exp(eta)
    return np.where(happened > 0, np.log(-np.expm1(-rate)), -rate).sum(axis=(1, 2))


def as_draws(found: EventDraws, mood: Floats, happened: Floats) -> Draws:
    draws = {name: found.coefficients[:, k] for k, name in enumerate(("base_rate", "effect", "escalation"))}
    draws |= {"half_life": found.hyper["half_life.fast"], "sd_dyad": found.hyper["sd_dyad"]}
    likelihood = log_likelihood(draws, found.effects, found.shocks, mood, happened)
    return draws | {"dyad": found.effects[:, 0], "shock": found.shocks[:, -1], "log_likelihood": likelihood}


Calibration = list[tuple[Draws, dict[str, float]]]


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    """Posterior draws and the truth for every simulated record."""
    case, rng, out = calibration_case(), np.random.default_rng(20_240_322), []
    mood = build_record(case).levels["mood"][:, 0]
    first = 2020 - YEARS + 1
    with threadpool_limits(1):
        for seed in range(RECORDS):
            truth = draw_truth(rng)
            happened = draw_record(truth, mood, rng)
            rows = tuple(
                event_row(dt.date(first + t // 12, t % 12 + 1, 10), "a", case.dyads[unit])
                for t, unit in np.argwhere(happened > 0).tolist()
            )
            known = case.revised(event_rows=rows)
            model = build_event_model(known, build_record(known), "a")
            draws = as_draws(fit_event(model, DRAWS, seed), mood, happened)
            single = {name: np.array([truth[name]]) for name in NAMES[:5]}
            dyads, shocks = np.array([truth["dyads"]]), np.array([truth["shocks"]])
            single["log_likelihood"] = log_likelihood(single, dyads, shocks, mood, happened)
            single |= {"dyad": dyads[:, 0], "shock": shocks[:, -1]}
            out.append((draws, {name: float(value[0]) for name, value in single.items()}))
    return out


def p_values(calibration: Calibration, distort: Callable[[Floats], Floats]) -> dict[str, tuple[float, float, float]]:
    """For each quantity: uniformity of its ranks by Kolmogorov and Smirnov, by chi-square in ten bins, and their
    spread: squared normal scores sum to a chi-square, too small for posteriors too wide and too large for too narrow.
    """
    out = {}
    for name in NAMES:
        ranks = np.array(
            [(np.sum(distort(draws[name]) < truth[name]) + 0.5) / (DRAWS + 1) for draws, truth in calibration]
        )
        squares = float((norm.ppf(ranks) ** 2).sum())
        tail = chi2.cdf(squares, len(ranks))
        bins = np.histogram(ranks, bins=10, range=(0, 1))[0]
        out[name] = (kstest(ranks, "uniform").pvalue, chisquare(bins).pvalue, 2 * min(tail, 1 - tail))
    return out


def test_ranks_of_the_truth_are_uniform(calibration: Calibration) -> None:
    found = p_values(calibration, lambda draws: draws)
    failed = {name: values for name, values in found.items() if min(values) < LEVEL}
    assert not failed, found


@pytest.mark.parametrize("name", NAMES)
def test_posteriors_of_twice_the_variance_are_found_out(calibration: Calibration, name: str) -> None:
    wide = p_values(calibration, lambda draws: draws.mean() + math.sqrt(2.0) * (draws - draws.mean()))
    assert min(wide[name]) < LEVEL


@pytest.mark.parametrize("name", NAMES)
def test_posteriors_of_half_the_variance_are_found_out(calibration: Calibration, name: str) -> None:
    narrow = p_values(calibration, lambda draws: draws.mean() + math.sqrt(0.5) * (draws - draws.mean()))
    assert min(narrow[name]) < LEVEL


@pytest.mark.parametrize("name", NAMES)
def test_posteriors_off_by_two_fifths_of_a_standard_deviation_are_found_out(
    calibration: Calibration, name: str
) -> None:
    moved = p_values(calibration, lambda draws: draws + 0.4 * draws.std())
    assert min(moved[name]) < LEVEL
