"""What references say where a search finds another share ahead than it did: by hand, and against records drawn."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.record.arrays import build_record
from riskcast.verification.forecasters import DYAD_RATE, LAST_TWO_YEARS, OF_RECORD, PERSISTENCE, POOLED_RATE
from riskcast.verification.record_alone import LATELY, chance_by_reference
from tests.support.cases import event, event_row, make_case, quantity, searched

FIRST, LAST = dt.date(2015, 1, 1), dt.date(2020, 12, 31)
MIDDLE, AFTER = dt.date(2017, 12, 31), dt.date(2018, 1, 1)
ONE, OTHER = "HHH-P001", "HHH-P002"


def eventful(*rows: tuple[str, str, dt.date, dt.date, float], months: tuple[int, ...] = (2, 30, 31, 50)) -> Case:
    """A case of six years whose first dyad has events in these months, and which was searched as the rows say."""
    found = tuple(event_row(dt.date(2015 + m // 12, m % 12 + 1, 5), "a", ONE) for m in months)
    return searched(make_case({"a": event(quantity(0.3, 0.1, 0.6))}, rows=found), *rows)


def test_a_rate_is_multiplied_by_how_much_more_is_found() -> None:
    record = build_record(eventful(("a", "ALL", FIRST, MIDDLE, 0.3), ("a", "ALL", AFTER, LAST, 0.9)))
    # Three years at .3 and three at .9 were searched at .6 on average; the horizon is at .9, 1.5 times that.
    for name in set(OF_RECORD) - set(LATELY):
        past = OF_RECORD.get(name)(*record.completed("a"), 12)
        ahead = chance_by_reference(name, record, "a", 12)
        np.testing.assert_allclose(np.log1p(-ahead), 1.5 * np.log1p(-past), rtol=1e-12)


@pytest.mark.parametrize("name", [DYAD_RATE, PERSISTENCE, POOLED_RATE])
def test_a_share_that_never_changed_changes_nothing(name: str) -> None:
    record = build_record(eventful(("a", "ALL", FIRST, LAST, 0.35)))
    plain = OF_RECORD.get(name)(*record.completed("a"), 12)
    np.testing.assert_allclose(chance_by_reference(name, record, "a", 12), plain, rtol=1e-12)
    everything = build_record(eventful(("a", "ALL", FIRST, LAST, 1.0)))
    np.testing.assert_array_equal(chance_by_reference(name, everything, "a", 12), plain)


def test_a_pooled_rate_is_of_all_and_a_dyad_s_of_its_own_past() -> None:
    rows = [("a", ONE, FIRST, LAST, 0.8), ("a", OTHER, FIRST, MIDDLE, 0.2), ("a", OTHER, AFTER, LAST, 0.4)]
    record = build_record(eventful(*rows))
    past = {name: OF_RECORD.get(name)(*record.completed("a"), 12) for name in (POOLED_RATE, DYAD_RATE)}
    own, of_all = np.array([0.8, 0.3]), (0.8 + 0.3) / 2.0
    for name, mean in ((POOLED_RATE, np.full(3, of_all)), (DYAD_RATE, np.append(own, of_all))):
        # The third dyad was never searched: a search would find what the event type says, all of it.
        change = np.array([0.8, 0.4, 1.0]) / mean
        expected = 1.0 - (1.0 - past[name]) ** change
        np.testing.assert_allclose(chance_by_reference(name, record, "a", 12), expected, rtol=1e-12)


def test_a_record_without_a_whole_period_is_left_at_even_odds() -> None:
    days = dt.date(2018, 4, 3), dt.date(2018, 4, 20)
    record = build_record(eventful(("a", "ALL", *days, 0.5), months=()))
    np.testing.assert_array_equal(chance_by_reference(POOLED_RATE, record, "a", 12), [0.5] * 3)


def test_the_base_rate_is_that_of_what_a_better_search_records() -> None:
    # Twenty years of monthly events at one true rate, found at .2, and .8 from the last year on.
    rng, true = np.random.default_rng(5), 0.05
    first, last, turn = dt.date(2001, 1, 1), dt.date(2020, 12, 31), dt.date(2020, 1, 1)
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6))}, partners=60, years=20)
    share = np.where(np.arange(240) < 228, 0.2, 0.8)
    held = rng.random((240, 60)) < -np.expm1(-true * share)[:, None]
    months, dyads = np.nonzero(held)
    found = tuple(
        event_row(dt.date(2001 + m // 12, m % 12 + 1, 9), "a", case.dyads[u])
        for m, u in zip(months.tolist(), dyads.tolist(), strict=True)
    )
    old = "a", "ALL", first, turn - dt.timedelta(days=1), 0.2
    record = build_record(searched(case.revised(event_rows=found), old, ("a", "ALL", turn, last, 0.8)))
    recorded = -np.expm1(-true * 0.8)
    assert chance_by_reference(POOLED_RATE, record, "a", 1)[0] == pytest.approx(recorded, rel=0.1)
    assert OF_RECORD.get(POOLED_RATE)(*record.completed("a"), 1)[0] < 0.4 * recorded


def test_the_rate_of_late_is_that_of_the_last_two_years_and_of_what_was_found_in_them() -> None:
    # Of 72 dyad-months of the last two years two hold an event; those before hold four.
    months = (2, 30, 31, 45, 50, 61)
    r = (2 + 0.5) / (72 + 1)
    plain = build_record(eventful(months=months))
    expected = np.full(3, 1 - (1 - r) ** 12)
    np.testing.assert_allclose(chance_by_reference(LAST_TWO_YEARS, plain, "a", 12), expected, rtol=1e-12)
    # Found at .5 in the first of these years and at 1 in the second, and today at 1: 4/3 of what was found.
    turn = dt.date(2019, 12, 31), dt.date(2020, 1, 1)
    record = build_record(eventful(("a", "ALL", FIRST, turn[0], 0.5), ("a", "ALL", turn[1], LAST, 1.0), months=months))
    ahead = chance_by_reference(LAST_TWO_YEARS, record, "a", 12)
    np.testing.assert_allclose(np.log1p(-ahead), 12 / 0.75 * np.log1p(-r), rtol=1e-12)


def test_the_rate_of_late_is_that_of_all_the_record_where_it_does_not_cover_the_last_years() -> None:
    record = build_record(eventful(("a", "ALL", FIRST, MIDDLE, 1.0)))
    r = (3 + 0.5) / (108 + 1)
    np.testing.assert_allclose(
        chance_by_reference(LAST_TWO_YEARS, record, "a", 12), [1 - (1 - r) ** 12] * 3, rtol=1e-12
    )
