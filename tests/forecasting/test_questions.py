"""Conditional probabilities on joint futures against closed forms, enumeration, and futures made one at a time."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss

from riskcast.case.model import Case
from riskcast.case.quantities import Z90
from riskcast.engines.fitting import fit
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.forecasts import Forecast, forecast
from riskcast.forecasting.query_tokens import QueryError
from riskcast.forecasting.questions import Answer, ask, check_query
from tests.forecasting.test_plain_futures import everything
from tests.support.cases import edge, event, indicator, make_case, quantity
from tests.support.plain_futures import PlainWorld

HORIZON = 6


def ahead_of(case: Case, draws: int = 1000, paths: int = 16) -> Forecast:
    return forecast(fit(case, draws=draws, prior_only=True), horizon=HORIZON, paths=paths)


def one(ahead: Forecast, query: str) -> Answer:
    [answer] = ask(ahead, query).answers
    return answer


def assert_is(answer: Answer, given: float, alone: float | None = None) -> None:
    assert answer.given is not None, answer.refusal
    assert answer.given.mean == pytest.approx(given, abs=4.5 * answer.given.error + 1e-9)
    if alone is not None:
        assert answer.alone.mean == pytest.approx(alone, abs=4.5 * answer.alone.error + 1e-9)


@pytest.fixture(scope="module")
def free() -> Forecast:
    """Three outcomes that nothing drives, .3, .2 and .6 a year, of two dyads, and one of the host."""
    events = {
        "a": event(quantity(0.3), severity=50.0),
        "b": event(quantity(0.2), severity=20.0),
        "c": event(quantity(0.6), severity=40.0),
        "law": event(quantity(0.4), severity=40.0, scope="host"),
    }
    return ahead_of(make_case(events, partners=2), draws=500, paths=32)


def by(year: float, months: int) -> float:
    """The chance within some months of what has this chance a year."""
    return 1.0 - (1.0 - year) ** (months / 12)


def test_what_nothing_joins_is_as_probable_given_one_another_as_without(free: Forecast) -> None:
    for query, alone in (
        ("P(P001:a | P001:c)", by(0.3, 6)),
        ("P(P001:a by month 2 | P002:a)", by(0.3, 2)),
        ("P(P001:c in months 3 to 5 | law)", by(0.6, 3)),
        ("P(P002:b from month 4 | not law)", by(0.2, 3)),
    ):
        assert_is(one(free, query), alone, alone)


def test_combinations_are_those_of_their_parts(free: Forecast) -> None:
    a, b, c = by(0.3, 6), by(0.2, 6), by(0.6, 6)
    assert_is(one(free, "P(P001:a and P001:b | P001:a)"), b, a * b)
    assert_is(one(free, "P(P001:a | P001:a or P001:b)"), a / (1 - (1 - a) * (1 - b)), a)
    assert_is(one(free, "P(P001:a | P001:a by month 2)"), 1.0, a)
    assert_is(one(free, "P(P001:a by month 2 | P001:a)"), by(0.3, 2) / a)
    assert_is(one(free, "P(any:a | P001:a)"), 1.0, 1 - (1 - a) ** 2)
    assert_is(one(free, "P(every:a | any:a)"), a**2 / (1 - (1 - a) ** 2), a**2)
    counted = sum(
        math.prod(p if on else 1 - p for p, on in zip((a, b, c), ons, strict=True))
        for ons in product((0, 1), repeat=3)
        if sum(ons) >= 2
    )
    assert_is(one(free, "P(at least 2 P001:outcomes | P001:a or not P001:a)"), counted)
    assert_is(one(free, "P(P001:a | exactly 1 of (P001:a, P001:b))"), a * (1 - b) / (a * (1 - b) + b * (1 - a)))


def test_scores_of_paths_are_those_of_the_rule(free: Forecast) -> None:
    chances, severities = (by(0.3, 6), by(0.2, 6), by(0.6, 6)), (0.5, 0.2, 0.4)
    above = with_a = 0.0
    for ons in product((0, 1), repeat=3):
        weight = math.prod(p if on else 1 - p for p, on in zip(chances, ons, strict=True))
        points = 100 * (1 - math.prod(1 - s * on for s, on in zip(severities, ons, strict=True)))
        if points >= 52.0 - 1e-9:
            above += weight
            with_a += weight * ons[0]
    assert_is(one(free, "P(P002:a | P002:score >= 52)"), with_a / above)
    assert one(free, "P002:score >= 52").alone.mean == pytest.approx(above, abs=0.02)


def test_order_is_that_of_periods(free: Forecast) -> None:
    p, q = by(0.3, 1), by(0.6, 1)

    def follows(within: int) -> float:
        total = 0.0
        for first in range(HORIZON):
            months = min(within, HORIZON - 1 - first)
            total += (1 - q) ** first * q * (1 - (1 - p) ** months)
        return total

    a = by(0.3, 6)
    assert one(free, "P001:a after P001:c").alone.mean == pytest.approx(follows(HORIZON), abs=0.02)
    assert one(free, "P001:a within 2 months after P001:c").alone.mean == pytest.approx(follows(2), abs=0.02)
    assert_is(one(free, "P(P001:c before P001:a | P001:a)"), follows(HORIZON) / a)


def test_within_a_period_what_acts_at_once_comes_first() -> None:
    events = {"spark": event(quantity(0.9), kind="trigger"), "a": event(quantity(0.2))}
    joined = edge("spark", "a", quantity(3.0), whose="own", memory="fast", acts="same")
    at_once = ahead_of(make_case(events, [joined], partners=1), draws=300)
    later = one(at_once, "P(P001:a after P001:spark | P001:a and P001:spark)")
    same = one(at_once, "P(P001:a and P001:spark | P001:a and P001:spark)")
    against = one(at_once, "P(P001:spark after P001:a | P001:a and P001:spark)")
    assert later.given is not None
    assert against.given is not None
    assert same.given is not None
    assert later.given.mean > 0.55 > against.given.mean
    assert one(at_once, "P001:a in month 1 after P001:spark in month 1").alone.mean > 0.0
    assert one(at_once, "P001:spark in month 1 after P001:a in month 1").alone.mean == 0.0


def joined_by_mood(spread: float, ratio: float) -> Case:
    """Two outcomes that one uncertain indicator drives, and nothing else joins."""
    mood = indicator(now=quantity(0.0, -spread, spread))
    effects = [edge("mood", name, quantity(ratio)) for name in ("a", "b")]
    return make_case({"a": event(quantity(0.2)), "b": event(quantity(0.3))}, effects, {"mood": mood}, partners=1)


def test_seeing_tells_of_what_drives_both_and_making_happen_does_not() -> None:
    """By quadrature over the indicator: P(a | b) = E[p q] / E[q]; b made to happen leaves a as it is."""
    spread, ratio = 2.0, 2.5
    ahead = ahead_of(joined_by_mood(spread, ratio), draws=2000, paths=16)
    nodes, weights = hermegauss(60)
    weights = weights / weights.sum()
    steps = nodes * spread / Z90
    p, q = (1 - (1 - year) ** (ratio**steps * HORIZON / 12) for year in (0.2, 0.3))
    exact, alone = float(weights @ (p * q) / (weights @ q)), float(weights @ p)
    found = one(ahead, "P(P001:a | P001:b)")
    assert_is(found, exact, alone)
    assert found.ratio[0] == pytest.approx(exact / alone, abs=4.5 * found.ratio[1])
    assert found.intervened is not None
    assert found.intervened.mean == pytest.approx(alone, abs=4.5 * found.intervened.error)
    assert exact - alone > 10 * found.intervened.error
    # What is not known of the parameters once b has been seen: p, where draws weigh as q.
    order = np.argsort(p)
    cumulative = np.cumsum((weights * q)[order]) / (weights @ q)
    low, high = np.interp([0.05, 0.95], cumulative, p[order])
    assert found.given is not None
    assert found.given.estimate.low == pytest.approx(low, abs=0.06)
    assert found.given.estimate.high == pytest.approx(high, abs=0.06)


def test_a_cause_that_is_made_to_happen_does_what_it_does_where_it_is_seen() -> None:
    """Where nothing but the cause joins two events and none of it is uncertain, seeing and doing are one."""
    events = {"spark": event(quantity(0.4), kind="trigger"), "a": event(quantity(0.2))}
    joined = edge("spark", "a", quantity(6.0), whose="own", memory="fast", acts="next")
    ahead = ahead_of(make_case(events, [joined], partners=2), draws=2000)
    found = one(ahead, "P(P001:a | P001:spark by month 3)")
    assert found.given is not None
    assert found.intervened is not None
    assert found.intervened.mean - found.alone.mean > 0.1
    blur = math.hypot(found.given.error, found.intervened.error)
    assert found.intervened.mean == pytest.approx(found.given.mean, abs=4.5 * blur)
    itself = one(ahead, "P(P001:spark by month 3 | P001:spark by month 3)")
    assert itself.intervened is not None
    assert itself.intervened.mean == 1.0
    assert one(ahead, "P(P001:a | P001:spark and P002:spark)").intervened is None


def test_joint_futures_are_those_that_the_files_mean() -> None:
    draws, futures, horizon = 100, 10, 4
    posterior = fit(everything(tension=True), draws=draws, seed=3, prior_only=True)
    ahead = forecast(posterior, horizon=horizon, seed=5, paths=32)
    world = PlainWorld(posterior, horizon, seed=12)
    pairs = {
        "P(P001:rupture | P002:rupture)": (("rupture", 0), ("rupture", 1)),
        "P(P001:protest | decree)": (("protest", 0), ("decree", 0)),
        "P(P002:rupture | P002:protest)": (("rupture", 1), ("protest", 1)),
    }
    hits, held = (np.zeros((len(pairs), draws)) for _ in range(2))
    for draw in range(draws):
        for _ in range(futures):
            happened = world.future(draw).happened
            for place, (first, second) in enumerate(pairs.values()):
                held[place, draw] += second in happened
                hits[place, draw] += {first, second} <= happened
    for place, query in enumerate(pairs):
        plain = hits[place].sum() / held[place].sum()
        found = one(ahead, query)
        assert found.given is not None
        # The same draws: what both have in common is no error.
        own = found.given.mean
        error = np.sqrt(np.square(hits[place] - plain * held[place]).sum()) / held[place].sum()
        assert own == pytest.approx(plain, abs=4.5 * error), query


def test_levels_at_the_end_are_held_against_a_number() -> None:
    mood = indicator(now=quantity(10.0, 8.0, 12.0), drift=quantity(0.0), unit="points")
    ahead = ahead_of(
        make_case({"a": event(quantity(0.2))}, [edge("mood", "a", quantity(1.0))], {"mood": mood}), 2000, 2
    )
    sd = 2.0 / Z90
    exact = 0.5 * math.erfc((11.0 - 10.0) / sd / math.sqrt(2.0))
    assert one(ahead, "mood > 11").alone.mean == pytest.approx(exact, abs=0.045)


def test_laws_of_probability_hold_on_the_same_paths() -> None:
    ahead = ahead_of(joined_by_mood(1.5, 2.0), draws=300, paths=8)
    both, given, without = (
        one(ahead, q) for q in ("P001:a and P001:b", "P(P001:a | P001:b)", "P(P001:a | not P001:b)")
    )
    assert given.given is not None
    assert given.condition is not None
    assert without.given is not None
    share = given.condition.mean
    assert both.alone.mean == pytest.approx(given.given.mean * share, abs=1e-12)
    assert given.alone.mean == pytest.approx(given.given.mean * share + without.given.mean * (1 - share), abs=1e-12)
    low, high = given.given.estimate.low, given.given.estimate.high
    assert 0.0 < low < given.given.mean < high < 1.0


def test_the_same_digits_however_paths_are_cut(free: Forecast) -> None:
    whole, cut = (ask(free, "P(a | c)", cells=cells) for cells in (1 << 20, 512))
    for first, second in zip(whole.answers, cut.answers, strict=True):
        assert (first.given, first.alone, first.held) == (second.given, second.alone, second.held)


def test_a_query_without_a_dyad_is_asked_of_all_or_of_those_that_are_named(free: Forecast) -> None:
    assert [one.dyad for one in ask(free, "P(a | c)").answers] == ["HHH-P001", "HHH-P002"]
    [only] = ask(free, "P(a | c)", ["HHH-P002"]).answers
    assert only.given == ask(free, "P(P002:a | P002:c)").answers[0].given
    with pytest.raises(UnknownNameError, match="unknown dyad"):
        ask(free, "a", ["HHH-P009"])
    with pytest.raises(OptionError, match="leaves no dyad open"):
        ask(free, "P001:a", ["HHH-P002"])
    with pytest.raises(QueryError):
        check_query(free.case, HORIZON, "P(q)")
    check_query(free.case, HORIZON, "P(a by month 6 | law)", ["HHH-P001"])


def test_too_few_futures_give_no_answer_but_a_way_to_one() -> None:
    case = make_case({"a": event(quantity(0.3)), "rare": event(quantity(0.004))}, partners=1)
    found = one(ahead_of(case, draws=300, paths=4), "P(P001:a | P001:rare by month 2)")
    assert found.given is None
    assert found.effective < 100
    assert "too few to tell" in found.refusal
    assert "{event: rare, dyads: [HHH-P001], month: 1}" in found.refusal
    assert f"{found.held:,} of 1,200 futures" in found.refusal
    never = one(ahead_of(case, draws=300, paths=4), "P(P001:a | P001:rare and not P001:rare)")
    assert never.given is None
    assert never.held == 0


def test_more_futures_are_made_until_they_are_enough() -> None:
    case = make_case({"a": event(quantity(0.3)), "b": event(quantity(0.05))}, partners=1)
    posterior = fit(case, draws=500, prior_only=True)
    ahead = forecast(posterior, horizon=HORIZON)
    seen: list[tuple[int, int]] = []
    found = ask(ahead, "P(P001:a | P001:b)", progress=lambda done, total: seen.append((done, total)))
    assert seen
    assert found.paths > 4
    assert found.answers[0].effective >= 400
    assert ask(ahead, "P(P001:a | P001:b)", paths=8).paths == 8
