"""Scores of answered questions against scores by hand, by enumeration, and of forecasters whose bias is known."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from riskcast.errors import OptionError
from riskcast.verification.track_record import make_track_record
from riskcast.verification.track_resampling import Drawn, dependence_of, more_to_tell
from riskcast.verification.track_rows import Kind, TrackRow

DAY = dt.date(2023, 1, 1)
TODAY = dt.date(2026, 1, 10)


def month(number: int, length: int = 1) -> tuple[dt.date, dt.date]:
    """The window of so many months that begins so many months after January 2023."""
    first, after = ((2023 * 12 + n) for n in (number, number + length))
    ends = [dt.date(n // 12, n % 12 + 1, 1) for n in (first, after)]
    return ends[0], ends[1] - dt.timedelta(days=1)


def row(
    question: str, who: str, chance: float, answer: Any, number: int = 0, kind: Kind = "person", **more
) -> TrackRow:
    window = month(number)
    told = window[1] + dt.timedelta(days=1)
    given: dict[str, Any] = {"outcome": "protest", "unit": "HHH-AAA", "host": "small", "told": told} | more
    return TrackRow(question, who, chance, answer, window[0] - dt.timedelta(days=1), window, kind=kind, **given)


def test_scores_are_those_by_hand() -> None:
    rows = [
        row("a", "me", 0.3, "yes"),
        row("b", "me", 0.1, "no"),
        row("c", "me", 0.8, "yes"),
        row("d", "me", 0.9, "void"),
    ]
    [found] = make_track_record(rows, TODAY).forecasters
    assert found.questions == 3
    assert found.brier.value == pytest.approx((0.7**2 + 0.1**2 + 0.2**2) / 3, abs=1e-12)
    assert found.log_score.value == pytest.approx(-(math.log(0.3) + math.log(0.9) + math.log(0.8)) / 3, abs=1e-12)
    assert found.mean_forecast == pytest.approx(0.4)
    assert found.frequency == pytest.approx(2 / 3)
    assert found.bias.value == pytest.approx(0.4 - 2 / 3)
    assert found.brier_range is None
    # One month alone: there is nothing to resample.
    assert math.isnan(found.brier.low)


def test_void_and_late_forecasts_are_counted_apart() -> None:
    rows = [row("a", "me", 0.3, "yes"), row("b", "me", 0.1, "no", late=True), row("c", "me", 0.8, "void")]
    record = make_track_record(rows, TODAY, waiting=4, overdue=1)
    assert (record.questions, record.late, record.void, record.waiting, record.overdue) == (1, 1, 1, 4, 1)
    assert record.rows == tuple(rows)
    assert make_track_record(rows, TODAY, count_late=True).questions == 2
    empty = make_track_record([row("c", "me", 0.8, "void")], TODAY)
    assert (empty.questions, empty.forecasters, empty.pairs, empty.void) == (0, (), (), 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.sampled_from(["yes", "no", "disputed"])), min_size=1, max_size=6))
def test_ranges_hold_every_way_in_which_disputed_questions_can_be_decided(given_: list[tuple[float, str]]) -> None:
    rows = [row(str(n), "me", chance, answer) for n, (chance, answer) in enumerate(given_)]
    rows += [replace(each, forecaster="pooled_rate", kind="reference", probability=0.4) for each in rows]
    record = make_track_record(rows, TODAY, replicates=4)
    [found, pair] = record.forecasters[0], record.pairs[0]
    answers = [("yes", "no") if answer == "disputed" else (answer,) for _, answer in given_]
    ways = []
    for way in product(*answers):
        decided = [replace(each, answer=way[int(each.question)]) for each in rows]
        other = make_track_record(decided, TODAY, replicates=4)
        ways.append((other.forecasters[0], other.pairs[0]))
    if len(ways) == 1:
        assert found.brier_range is found.log_range is found.bias_range is pair.difference_range is None
        return
    for got, values in (
        (found.brier_range, [one.brier.value for one, _ in ways]),
        (found.log_range, [one.log_score.value for one, _ in ways]),
        (found.bias_range, [one.bias.value for one, _ in ways]),
        (pair.difference_range, [one.difference.value for _, one in ways]),
    ):
        assert got == pytest.approx((min(values), max(values)), abs=1e-12)
    # What stands first is with all of them as having come.
    assert found.brier.value == pytest.approx(ways[0][0].brier.value)


def test_a_pair_is_compared_on_what_both_answered() -> None:
    rows = [row("a", "me", 0.3, "yes"), row("b", "me", 0.1, "no"), row("c", "me", 0.8, "yes")]
    rows += [row(q, "model", p, a, kind="model") for q, p, a in (("b", 0.2, "no"), ("c", 0.5, "yes"), ("d", 0.5, "no"))]
    record = make_track_record(rows, TODAY)
    assert [each.forecaster for each in record.forecasters] == ["model", "me"]
    [pair] = record.pairs
    assert (pair.forecaster, pair.against, pair.questions) == ("me", "model", 2)
    own, other = (0.01 + 0.04) / 2, (0.04 + 0.25) / 2
    assert pair.difference.value == pytest.approx(own - other)
    assert pair.skill is not None
    assert pair.skill.value == pytest.approx(1 - own / other)


def test_windows_of_a_host_that_overlap_come_and_go_together() -> None:
    rows = [replace(row(str(n), "me", 0.3, "no", n), window=month(n, 3), host="one") for n in range(9)]
    depend = dependence_of(rows, 50, 1)
    drawn = depend.of(rows)
    assert drawn.cluster.tolist() == list(range(9))
    assert drawn.independent == pytest.approx(3.0)
    # Runs of three months in a row, in a circle: each is drawn with a neighbour on some side.
    assert all(((row > 0) & ((np.roll(row, 1) > 0) | (np.roll(row, -1) > 0)))[row > 0].all() for row in drawn.counts)
    # As many months as a window reaches into say nothing of how sure a score is.
    few = dependence_of(rows[:3], 50, 1)
    assert few.of(rows[:3]).counts.shape == (50, 1)
    assert math.isnan(few.of(rows[:3]).measure(0.3, np.ones(50)).low)
    # Two such hosts are two groups.
    both = [*rows[:3], *(replace(each, host="two") for each in rows[:3])]
    two = dependence_of(both, 50, 1).of(both)
    assert two.cluster.tolist() == [0, 0, 0, 1, 1, 1]
    assert (two.counts.sum(axis=1) == 2).all()
    assert two.independent == 2.0


def test_a_year_of_overlapping_windows_is_not_surer_than_it_can_be() -> None:
    rows = [replace(row(str(n), "me", 0.3, "no", n), window=month(n, 4), host="one") for n in range(13)]
    drawn = dependence_of(rows, 300, 1).of(rows)
    rng = np.random.default_rng(4)
    # What four months share: a value is the mean of the next four draws of chance.
    noise = rng.normal(size=(1000, 16))
    values = np.stack([noise[:, n : n + 4].mean(axis=1) for n in range(13)], axis=1)
    found = [drawn.measure(float(one.mean()), drawn.means(one)) for one in values]
    bare = [np.quantile(drawn.means(one), [0.05, 0.95]) for one in values]
    held = np.mean([one.low <= 0.0 <= one.high for one in found])
    assert 0.83 < held < 0.95
    assert np.mean([low <= 0.0 <= high for low, high in bare]) < 0.75


def answered_by_two(number: int, seed: int, bias: float) -> list[TrackRow]:
    """A forecaster who says the truth, and one who says so much more, on independent monthly questions."""
    rng = np.random.default_rng(seed)
    chances = rng.uniform(0.05, 0.6, number)
    came = rng.random(number) < chances
    rows = []
    for n, (chance, yes) in enumerate(zip(chances.tolist(), came.tolist(), strict=True)):
        answer = "yes" if yes else "no"
        rows.append(row(str(n), "model", chance, answer, n, "model"))
        rows.append(row(str(n), "biased", chance + bias, answer, n))
    return rows


def test_a_biased_forecaster_is_found_and_a_calibrated_one_is_not() -> None:
    record = make_track_record(answered_by_two(400, 5, 0.2), TODAY)
    model, biased = record.forecasters
    assert model.bias.low < 0 < model.bias.high
    assert biased.bias.low > 0.1
    assert biased.bias.value == pytest.approx(model.bias.value + 0.2)
    [pair] = record.pairs
    assert pair.difference.low > 0
    assert pair.more == 0


def test_intervals_hold_the_truth_about_nine_times_in_ten() -> None:
    held = 0
    for seed in range(60):
        model = make_track_record(answered_by_two(80, seed, 0.0)[::2], TODAY, replicates=200).forecasters[0]
        held += model.bias.low <= 0 <= model.bias.high
    assert 44 <= held <= 60


def alone(number: int) -> Drawn:
    """Questions that all hang together."""
    return Drawn(np.zeros(number, dtype=int), np.ones((2, 1)), 1.0)


def test_so_many_more_questions_have_the_power_that_is_promised() -> None:
    # Differences of mean m and standard deviation s: the promised number tells m from none about 8 times in 10.
    rng = np.random.default_rng(3)
    sample = rng.normal(0.05, 0.3, 60)
    more = more_to_tell(sample, alone(60))
    assert more is not None
    number, mean, spread = 60 + more, sample.mean(), sample.std(ddof=1)
    means = rng.normal(mean, spread / math.sqrt(number), 20_000)
    told = np.abs(means) / (spread / math.sqrt(number)) > 1.6449
    assert told.mean() == pytest.approx(0.8, abs=0.02)


def test_nobody_is_told_to_wait_for_what_cannot_come() -> None:
    assert more_to_tell(np.array([0.1]), alone(1)) is None
    assert more_to_tell(np.zeros(4), alone(4)) is None


def test_misses_of_the_last_month_come_the_worst_first() -> None:
    rows = [
        row("a", "me", 0.3, "yes"),
        row("b", "me", 0.05, "yes"),
        row("c", "me", 0.1, "no"),
        row("d", "me", 0.7, "no"),
    ]
    rows += [replace(rows[1], forecaster="pooled_rate", kind="reference"), row("old", "me", 0.01, "yes", -2)]
    record = make_track_record(rows, dt.date(2023, 2, 20))
    assert [miss.question for miss in record.misses] == ["b", "a", "d"]
    assert make_track_record(rows, dt.date(2023, 4, 20)).misses == ()


def test_slices_are_by_outcome_unit_and_horizon() -> None:
    rows = [row("a", "me", 0.3, "yes"), row("b", "me", 0.2, "no", outcome="decree", unit="HHH")]
    rows.append(replace(row("c", "me", 0.4, "no"), window=month(0, 12)))
    found = {(each.by, each.name): each for each in make_track_record(rows, TODAY).slices}
    assert set(found) == {
        *(("outcome", name) for name in ("protest", "decree")),
        *(("unit", name) for name in ("HHH", "HHH-AAA")),
        *(("horizon", name) for name in ("up to a month", "up to a year")),
    }
    assert found["outcome", "protest"].brier.value == pytest.approx((0.49 + 0.16) / 2)
    assert found["horizon", "up to a month"].questions == 2


def test_a_certain_forecast_that_is_wrong_costs_no_end_and_breaks_nothing() -> None:
    rows = [row("a", "me", 0.0, "yes"), row("b", "me", 0.1, "no")]
    rows += [replace(each, forecaster="model", kind="model", probability=0.0) for each in rows]
    record = make_track_record(rows, TODAY)
    assert math.isinf(record.forecasters[0].log_score.value)
    assert math.isnan(record.pairs[0].log_difference.value)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row("a", "me", 30.0, "yes")], "a probability of 30.0; give one from 0 to 1"),
        ([row("a", "me", float("nan"), "yes")], "give one from 0 to 1"),
        ([row("a", "me", 0.3, "maybe")], "give one of yes, no, void, disputed"),
        ([row("a", "me", 0.3, "yes"), row("a", "me", 0.4, "yes")], "two forecasts for question a"),
    ],
)
def test_what_cannot_be_scored_is_refused(rows: list[TrackRow], told: str) -> None:
    with pytest.raises(OptionError, match=told):
        make_track_record(rows, TODAY)


def test_scores_are_those_of_an_independent_library() -> None:
    from sklearn.metrics import brier_score_loss, log_loss

    rows = answered_by_two(30, 2, 0.1)[1::2]
    outcome = np.array([each.answer == "yes" for each in rows], dtype=float)
    forecast = np.array([each.probability for each in rows])
    [found] = make_track_record(rows, TODAY).forecasters
    assert found.brier.value == pytest.approx(brier_score_loss(outcome, forecast))
    assert found.log_score.value == pytest.approx(log_loss(outcome, forecast))
