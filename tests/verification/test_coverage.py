"""What `check` reports about a valid case."""

from __future__ import annotations

import datetime as dt
import math

from riskcast.verification.coverage import check_priors, find_unused
from tests.support.cases import event, event_row, make_case, quantity


def test_months_pooled_into_one_row_are_still_counted_one_by_one() -> None:
    case = make_case({"a": event(quantity(0.9999999))}, partners=1, years=5)
    (check,) = check_priors(case, draws=500, seed=1)
    rate = -math.log(1e-7) / 12
    expected = 60 * (1 - math.exp(-rate))
    assert abs(check.median - expected) < 3


def test_a_record_far_from_its_priors_is_a_conflict() -> None:
    rows = tuple(event_row(dt.date(2016 + k // 12, k % 12 + 1, 10), "a", "HHH-P001") for k in range(0, 48, 2))
    case = make_case({"a": event(quantity(0.02, 0.005, 0.08))}, partners=1, years=6, rows=rows)
    (check,) = check_priors(case, draws=500, seed=1)
    assert check.recorded == 24
    assert check.verdict == "conflict: far more than expected"


def test_what_nothing_uses_is_named() -> None:
    spark = event(quantity(0.2), kind="trigger")
    assert find_unused(make_case({"a": event(quantity(0.2)), "spark": spark})) == (
        "memories.fast",
        "outcomes.spark (a trigger that drives nothing)",
    )
