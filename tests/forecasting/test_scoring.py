"""Words, bands and scores: borders, and scores against averages over simulated futures."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from riskcast import fit, forecast, score
from riskcast.case.settings import Band
from riskcast.forecasting.score_rule import Scored, expected_points, most_points, points
from riskcast.forecasting.scoring import band_of, estimative_words, score_text
from tests.support.cases import assert_mean, edge, event, make_case, quantity, random_case

# Intelligence Community Directive 203 (2015): 1-5 %, 5-20, 20-45, 45-55, 55-80, 80-95, 95-99.
BORDERS = [
    (0.0, "remote"),
    (0.05, "very unlikely"),
    (0.20, "unlikely"),
    (0.45, "roughly even chance"),
    (0.55, "likely"),
    (0.80, "very likely"),
    (0.95, "almost certain"),
]


@pytest.mark.parametrize(("border", "word"), BORDERS)
def test_a_term_begins_at_its_border_and_the_one_before_ends_just_below(border: float, word: str) -> None:
    assert estimative_words(border) == word
    if border > 0:
        before = BORDERS[[b for b, _ in BORDERS].index(border) - 1][1]
        assert estimative_words(math.nextafter(border, 0)) == before


def test_certainty_has_a_term() -> None:
    assert estimative_words(1.0) == "almost certain"


@given(p=st.floats(0, 1), q=st.floats(0, 1))
def test_terms_never_fall_as_probability_rises(p: float, q: float) -> None:
    order = [word for _, word in BORDERS]
    low, high = sorted((p, q))
    assert order.index(estimative_words(low)) <= order.index(estimative_words(high))


def test_a_band_begins_at_its_start() -> None:
    bands = [Band(name=name, start=start) for name, start in (("low", 0.0), ("guarded", 20.0), ("high", 60.0))]
    found = [band_of(s, bands) for s in (0.0, 19.999, 20.0, 59.999, 60.0, 100.0)]
    assert found == ["low", "low", "guarded", "guarded", "high", "high"]


def test_the_score_is_the_average_of_what_simulated_outcomes_add_up_to() -> None:
    """Outcomes drawn as 0 or 1 month by month with other random numbers, and 100 (1 - prod(1 - s)) averaged."""
    edges = [
        edge("mild", "grave", quantity(4.0), whose="own", memory="fast", acts="same"),
        edge("grave", "grave", quantity(0.3), whose="own", memory="fast", acts="next"),
        edge("decree", "mild", quantity(3.0), whose="host", memory="fast", acts="next"),
    ]
    events = {
        "mild": event(quantity(0.7), severity=20.0),
        "grave": event(quantity(0.2), severity=90.0),
        "decree": event(quantity(0.3), scope="host", severity=50.0),
    }
    case = make_case(events, edges, partners=2, half_life=quantity(2.0))
    ahead = forecast(fit(case, draws=4000, prior_only=True), horizon=6, seed=3)
    rng, count = np.random.default_rng(5), 60_000
    rate = {name: -math.log1p(-e.base_rate.center) / 12 for name, e in case.events.items()}
    left = {name: np.zeros((count, 2)) for name in ("mild", "grave")}
    decreed, fade = np.zeros((count, 1)), 2.0 ** (-1 / 2.0)
    ever = {name: np.zeros((count, 2)) for name in left}
    for _ in range(6):
        decree = rng.random((count, 1)) < -np.expm1(-rate["decree"])
        mild = rng.random((count, 2)) < -np.expm1(-rate["mild"] * 3.0 ** np.log2(1 + decreed))
        seen = left["mild"] * fade + mild
        chance = -np.expm1(-rate["grave"] * 4.0 ** np.log2(1 + seen) * 0.3 ** np.log2(1 + left["grave"]))
        grave = rng.random((count, 2)) < chance
        left = {"mild": seen, "grave": left["grave"] * fade + grave}
        decreed = decreed * fade + decree
        ever = {"mild": np.maximum(ever["mild"], mild), "grave": np.maximum(ever["grave"], grave)}
    made = 100.0 * (1.0 - (1.0 - 0.2 * ever["mild"]) * (1.0 - 0.9 * ever["grave"]))
    error = np.sqrt(made.var(axis=0) / count + ahead.simulated.score.var(axis=0) / 4000)
    np.testing.assert_array_less(np.abs(made.mean(axis=0) - ahead.simulated.score.mean(axis=0)), 5 * error)
    # The same number of 0/1 futures would be noisier than their chances are.
    assert (ahead.simulated.score.var(axis=0) < 0.4 * made.var(axis=0) / ahead.paths).all()
    worst = np.maximum(20.0 * ever["mild"], 90.0 * ever["grave"])
    for level, share in ahead.exceedance.items():
        np.testing.assert_allclose(share, (worst >= level).mean(axis=0), atol=0.02)
    assert list(ahead.exceedance) == [20.0, 90.0]


def test_risk_carries_the_forecasts_own_numbers() -> None:
    ahead = forecast(fit(random_case(2), draws=200), "storm")
    risk = score(ahead)
    assert [dyad.id for dyad in risk.dyads] == list(ahead.case.dyads)
    for dyad in risk.dyads:
        assert dyad.score == ahead.score(dyad.id)
        assert dyad.band == ("high" if dyad.score.mean >= 50 else "low")
        # Triggers drive outcomes but are not scored; an event of the host is listed once for all dyads.
        assert [outcome.id for outcome in dyad.outcomes] == ["protest", "break_off"]
        for outcome in dyad.outcomes:
            assert outcome.probability == ahead.probability(outcome.id, dyad.id)
            assert outcome.words == estimative_words(outcome.probability.mean)
            assert list(outcome.by_period) == ahead.by_period(outcome.id, dyad.id)
    assert [(outcome.id, outcome.applies_to) for outcome in risk.shared] == [("decree", ahead.case.dyads)]
    assert risk.to_frame()["score"].tolist() == [dyad.score.mean for dyad in risk.dyads]


def test_a_shared_outcome_stands_apart_from_scores_beside_the_dyads_that_it_can_touch() -> None:
    decree = event(quantity(0.4), scope="host", severity=60.0, applies_to=("HHH-P003", "HHH-P001"))
    case = make_case({"decree": decree, "a": event(quantity(0.3), severity=50.0)})
    ahead = forecast(fit(case, draws=4000, prior_only=True))
    assert_mean(ahead.simulated.score, 15.0)
    assert list(ahead.exceedance) == [50.0]
    risk = score(ahead)
    assert [(one.id, one.applies_to) for one in risk.shared] == [("decree", ("HHH-P001", "HHH-P003"))]
    assert [[one.id for one in risk.touching(dyad)] for dyad in ahead.dyads] == [["decree"], [], ["decree"]]
    assert risk.shared[0].probability.mean == pytest.approx(0.4, abs=0.02)
    alone = score(forecast(fit(make_case({"decree": {**decree, "applies_to": None}}), draws=200, prior_only=True)))
    assert [(dyad.score.mean, dyad.score.high, dyad.band, dyad.outcomes) for dyad in alone.dyads] == [
        (0.0, 0.0, "low", ())
    ] * 3


@pytest.mark.parametrize(("least", "above"), [(20.0, 20.0), (20.5, 90.0), (90.0, 90.0), (91.0, None)])
def test_the_chance_of_a_grave_outcome_is_that_of_the_exceedance_curve(least: float, above: float | None) -> None:
    case = make_case({"mild": event(quantity(0.7), severity=20.0), "grave": event(quantity(0.2), severity=90.0)})
    case = case.revised(settings=case.settings.model_copy(update={"grave": least}))
    ahead = forecast(fit(case, draws=2000, prior_only=True))
    chances = [dyad.grave for dyad in score(ahead).dyads]
    exact = {20.0: 1 - 0.3 * 0.8, 90.0: 0.2, None: 0.0}[above]
    assert chances == ([0.0] * 3 if above is None else ahead.exceedance[above].tolist())
    assert chances == pytest.approx([exact] * 3, abs=0.03)


def test_without_a_grave_severity_nothing_is_told_of_grave_outcomes() -> None:
    ahead = forecast(fit(make_case({"a": event(quantity(0.3))}), draws=100, prior_only=True))
    assert ahead.grave is None
    assert [dyad.grave for dyad in score(ahead).dyads] == [None] * 3


def scored_by_hand(scored: tuple[Scored, ...], chance: dict[str, float]) -> float:
    """Every way in which outcomes can turn out, with its weight and its score."""
    total = 0.0
    for ways in itertools.product((0, 1), repeat=len(scored)):
        on = {one.event for one, way in zip(scored, ways, strict=True) if way}
        weight = math.prod(chance[one.event] if one.event in on else 1 - chance[one.event] for one in scored)
        counted = [one.share for one in scored if one.event in on and not on & set(one.implied_by)]
        total += weight * 100 * (1 - math.prod(1 - share for share in counted))
    return total


@given(
    shares=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6),
    chances=st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6),
    implied=st.lists(st.sets(st.integers(0, 5)), min_size=6, max_size=6),
)
def test_the_mean_score_of_independent_outcomes_is_that_of_the_enumeration(
    shares: list[float], chances: list[float], implied: list[set[int]]
) -> None:
    names = "abcdef"[: len(shares)]
    # Later ones imply earlier ones, so that none implies itself.
    scored = tuple(
        Scored(name, share, tuple(names[i] for i in sorted(implied[place]) if place < i < len(names)))
        for place, (name, share) in enumerate(zip(names, shares, strict=True))
    )
    chance = dict(zip(names, chances, strict=False))
    found = expected_points(scored, {name: np.array([each, 0.0]) for name, each in chance.items()})
    assert float(found[0]) == pytest.approx(scored_by_hand(scored, chance), abs=1e-9)
    assert found[1] == 0.0
    assert -1e-9 <= found[0] <= most_points(scored) + 1e-9


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=8))
def test_every_outcome_raises_the_score_and_none_takes_it_beyond_100(outcomes: list[tuple[float, bool]]) -> None:
    scored = tuple(Scored(f"e{place}", share) for place, (share, _) in enumerate(outcomes))
    counted = {one.event: np.array(float(on)) for one, (_, on) in zip(scored, outcomes, strict=True)}
    found = float(points(scored, counted))
    assert -1e-9 <= found <= most_points(scored) + 1e-9
    for one in scored:
        more = float(points(scored, counted | {one.event: np.array(1.0)}))
        assert more >= found - 1e-9
        assert more >= 100 * one.share - 1e-9


def test_a_score_lies_between_nothing_and_the_worst_severity() -> None:
    case = make_case({"a": event(quantity(0.999), severity=100.0), "b": event(quantity(0.9), severity=5.0)})
    risk = score(forecast(fit(case, draws=1000, prior_only=True)))
    for dyad in risk.dyads:
        assert 0 <= dyad.score.low <= dyad.score.mean <= dyad.score.high <= 100.0
        assert dyad.score.mean > 95


@given(st.floats(0.0, 100.0), st.lists(st.integers(1, 99), max_size=4, unique=True))
def test_a_score_is_told_in_the_band_in_which_it_lies(value: float, starts: list[int]) -> None:
    bands = [Band(name=f"from {start}", start=start) for start in (0, *sorted(starts))]
    shown = score_text(value, bands)
    assert band_of(float(shown), bands) == band_of(value, bands)
    assert float(shown) == pytest.approx(value, abs=0.5)
    whole = f"{value:.0f}"
    assert (shown == whole) == (band_of(float(whole), bands) == band_of(value, bands))
