"""Words, bands and scores: borders, and the expected worst severity against averages of simulated maxima."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from riskcast import fit, forecast, score
from riskcast.case.settings import Band
from riskcast.forecasting.scoring import band_of, estimative_words
from tests.support.cases import edge, event, make_case, quantity, random_case

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


def test_the_score_is_the_average_of_simulated_maxima() -> None:
    """Outcomes drawn as 0 or 1 month by month with other random numbers, and their largest severity averaged."""
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
    decreed, worst, fade = np.zeros((count, 1)), np.zeros((count, 2)), 2.0 ** (-1 / 2.0)
    for _ in range(6):
        decree = rng.random((count, 1)) < -np.expm1(-rate["decree"])
        mild = rng.random((count, 2)) < -np.expm1(-rate["mild"] * 3.0 ** np.log2(1 + decreed))
        seen = left["mild"] * fade + mild
        chance = -np.expm1(-rate["grave"] * 4.0 ** np.log2(1 + seen) * 0.3 ** np.log2(1 + left["grave"]))
        grave = rng.random((count, 2)) < chance
        left = {"mild": seen, "grave": left["grave"] * fade + grave}
        decreed = decreed * fade + decree
        worst = np.maximum(worst, np.maximum(20.0 * mild, np.maximum(90.0 * grave, 50.0 * decree)))
    error = np.sqrt(worst.var(axis=0) / count + ahead.simulated.score.var(axis=0) / 4000)
    np.testing.assert_array_less(np.abs(worst.mean(axis=0) - ahead.simulated.score.mean(axis=0)), 5 * error)
    # The same number of 0/1 futures would be noisier than their chances are.
    assert (ahead.simulated.score.var(axis=0) < worst.var(axis=0) / ahead.paths).all()


def test_risk_carries_the_forecasts_own_numbers() -> None:
    ahead = forecast(fit(random_case(2), draws=200), "storm")
    risk = score(ahead)
    assert [dyad.id for dyad in risk.dyads] == list(ahead.case.dyads)
    for dyad in risk.dyads:
        assert dyad.score == ahead.severity(dyad.id)
        assert dyad.band == ("high" if dyad.score.mean >= 50 else "low")
        # Triggers drive outcomes but are not scored; an event of the host is listed once for all dyads.
        assert [outcome.id for outcome in dyad.outcomes] == ["protest", "break_off"]
        for outcome in dyad.outcomes:
            assert outcome.probability == ahead.probability(outcome.id, dyad.id)
            assert outcome.words == estimative_words(outcome.probability.mean)
            assert list(outcome.by_period) == ahead.by_period(outcome.id, dyad.id)
    assert [outcome.id for outcome in risk.shared] == ["decree"]
    assert risk.to_frame()["score"].tolist() == [dyad.score.mean for dyad in risk.dyads]


def test_an_outcome_of_the_host_counts_in_the_score_of_every_dyad() -> None:
    case = make_case({"decree": event(quantity(0.4), scope="host", severity=60.0)})
    found = forecast(fit(case, draws=4000, prior_only=True)).simulated.score
    assert (found == found[:, :1]).all()
    assert found.mean() == pytest.approx(24.0, rel=1e-6)


def test_a_score_lies_between_nothing_and_the_worst_severity() -> None:
    case = make_case({"a": event(quantity(0.999), severity=100.0), "b": event(quantity(0.9), severity=5.0)})
    risk = score(forecast(fit(case, draws=1000, prior_only=True)))
    for dyad in risk.dyads:
        assert 0 <= dyad.score.low <= dyad.score.mean <= dyad.score.high <= 100.0
        assert dyad.score.mean > 95
