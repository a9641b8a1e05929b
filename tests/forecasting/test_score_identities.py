"""What must hold of scores, ranks, burdens and exceedance of any forecast; onsets and continuations by the record."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import riskcast
from riskcast.case.model import Case
from riskcast.forecasting.phases import phases_of
from riskcast.forecasting.score_rule import Scored, points
from riskcast.forecasting.scoring import Risk
from riskcast.forecasting.standings import find_standings, rank_scores, score_draws
from riskcast.record.arrays import build_record
from tests.support.cases import event, event_row, make_case, quantity, random_case, searched
from tests.support.origins import panel_case


@functools.cache
def risk_of(seed: int) -> Risk:
    return riskcast.score(riskcast.forecast(riskcast.fit(random_case(seed), draws=100), paths=4))


@given(st.lists(st.tuples(st.floats(0.0, 0.99), st.booleans()), min_size=1, max_size=8))
def test_on_a_path_the_logarithm_of_what_is_left_adds_up_over_outcomes(outcomes: list[tuple[float, bool]]) -> None:
    scored = tuple(Scored(f"e{place}", share) for place, (share, _) in enumerate(outcomes))
    counted = {one.event: np.array(float(on)) for one, (_, on) in zip(scored, outcomes, strict=True)}
    parts = [float(points((one,), counted)) for one in scored]
    left = np.log1p(-float(points(scored, counted)) / 100)
    assert left == pytest.approx(sum(np.log1p(-part / 100) for part in parts), abs=1e-9)


@given(seed=st.integers(1, 6), raised=st.sampled_from(["protest", "break_off"]), severity=st.floats(50.0, 100.0))
@settings(max_examples=8)
def test_a_score_is_bounded_and_rises_with_every_outcomes_severity(seed: int, raised: str, severity: float) -> None:
    before = risk_of(seed).forecast
    case = before.case
    own = case.events[raised]
    events = {**case.events, raised: own.model_copy(update={"severity": max(severity, own.severity or 0.0)})}
    fitted = replace(before.posterior, case=case.revised(events=events))
    after = riskcast.score(riskcast.forecast(fitted, paths=4))
    for dyad, old in zip(after.dyads, risk_of(seed).dyads, strict=True):
        assert 0.0 <= dyad.score.low <= dyad.score.mean <= dyad.score.high <= 100.0
        assert dyad.score.mean >= old.score.mean - 1e-4


@pytest.mark.parametrize("rate", [0.05, 0.9])
def test_a_shared_act_that_drives_nothing_leaves_own_scores_and_ranks_alone(rate: float) -> None:
    own = {"a": event(quantity(0.3), severity=50.0), "b": event(quantity(0.2, 0.1, 0.4), severity=20.0)}
    alone = riskcast.forecast(riskcast.fit(make_case(own, horizon=3), draws=100, prior_only=True), paths=4)
    decree = event(quantity(rate), scope="host", severity=90.0)
    beside = riskcast.forecast(
        riskcast.fit(make_case({**own, "decree": decree}, horizon=3), draws=100, prior_only=True), paths=4
    )
    np.testing.assert_array_equal(alone.scores.mean, beside.scores.mean)
    assert list(alone.exceedance) == list(beside.exceedance)
    for first, second in zip(riskcast.score(alone).dyads, riskcast.score(beside).dyads, strict=True):
        assert (first.exceedance, first.burden) == (second.exceedance, second.burden)
    # Ranks are blurred by what paths leave, which is the same.
    assert find_standings(alone) == find_standings(beside)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_burden_curve_and_score_agree_with_the_probabilities(seed: int) -> None:
    risk = risk_of(seed)
    events = risk.forecast.case.events
    for dyad in risk.dyads:
        parts = [(events[o.id].severity or 0.0) * o.probability.mean for o in dyad.outcomes]
        assert dyad.burden == pytest.approx(sum(parts))
        split = sum(dyad.burden_of(phase) for phase in ("onset", "continuation", "unknown"))
        assert split == pytest.approx(dyad.burden)
        levels, chances = zip(*dyad.exceedance, strict=True)
        assert list(levels) == sorted(levels)
        assert all(a >= b for a, b in itertools.pairwise(chances))
        # The worst outcome alone scores no more than all of them, and these no more than their sum.
        steps = zip(levels, (0.0, *levels), chances, strict=False)
        worst = sum((level - below) * chance for level, below, chance in steps)
        tolerance = 100 * 4 * 0.5 / np.sqrt(400)
        assert worst - tolerance <= dyad.score.mean <= dyad.burden + tolerance


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=12),
)
def test_ranks_are_those_that_counting_gives(rows: list[list[int]]) -> None:
    first, expected = rank_scores(np.array(rows, dtype=float))
    assert first.sum() == pytest.approx(1.0)
    assert expected.sum() == pytest.approx(6.0)
    for dyad in range(3):
        places, shares = [], []
        for row in rows:
            above, level = sum(x > row[dyad] for x in row), sum(x == row[dyad] for x in row)
            places.append(above + (level + 1) / 2)
            shares.append(0.0 if above else 1 / level)
        assert expected[dyad] == pytest.approx(np.mean(places))
        assert first[dyad] == pytest.approx(np.mean(shares))


def test_ranks_of_two_pairs_are_what_their_paired_differences_say() -> None:
    ahead = risk_of(1).forecast
    found = find_standings(ahead)
    pairs = list(itertools.permutations(ahead.dyads, 2))
    for dyad in ahead.dyads:
        above = sum(ahead.chance_above(other, dyad) for one, other in pairs if one == dyad)
        assert found[dyad].expected == pytest.approx(1 + above, abs=0.35)
    drawn = score_draws(ahead)
    np.testing.assert_allclose(drawn.mean(axis=0), ahead.scores.mean, atol=0.05)


def test_equal_pairs_have_equal_chances_of_the_highest_score() -> None:
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6), severity=50.0)}, partners=4)
    ahead = riskcast.forecast(riskcast.fit(case, draws=400, prior_only=True), paths=4)
    for standing in find_standings(ahead).values():
        assert standing.first == pytest.approx(0.25, abs=0.15)
        assert standing.expected == pytest.approx(2.5, abs=0.4)


def recorded_case() -> Case:
    rows = (
        event_row(dt.date(2020, 1, 1), "a", "HHH-P001"),
        event_row(dt.date(2019, 12, 31), "a", "HHH-P002"),
        event_row(dt.date(2020, 12, 31), "a", "HHH-P003"),
    )
    return make_case({"a": event(quantity(0.3)), "decree": event(quantity(0.2), scope="host")}, rows=rows)


def test_an_event_of_the_last_year_makes_the_next_one_a_continuation() -> None:
    record = build_record(recorded_case())
    assert phases_of(record, "a") == ("continuation", "onset", "continuation")
    assert phases_of(record, "decree") == ("onset",)


def test_where_the_record_lacks_a_part_of_the_year_no_onset_is_claimed() -> None:
    span = (dt.date(2015, 1, 1), dt.date(2020, 6, 30))
    case = searched(recorded_case(), *(("a", unit, *span, 1.0) for unit in recorded_case().dyads))
    assert phases_of(build_record(case), "a") == ("continuation", "unknown", "continuation")


def test_a_panels_phases_are_those_of_its_last_periods() -> None:
    case = panel_case()
    record = build_record(case)
    name = case.outcomes[0]
    last = record.occurred[name][-1] > 0
    found = np.array(phases_of(record, name))
    assert (found[last] == "continuation").all()
    assert (found[~last] != "continuation").all()
