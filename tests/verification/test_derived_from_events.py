"""Records that are drawn or retold refuse columns that events would move."""

from __future__ import annotations

import pytest

from riskcast import Case, calibrate
from riskcast.case.derived_columns import moved_by_events
from riskcast.challenge.removals import find_removed
from riskcast.errors import OptionError
from tests.support.derivedpanel import DERIVE, derived_case


@pytest.fixture(scope="module")
def case() -> Case:
    return derived_case({name: DERIVE[name] for name in ("peace", "peace_bent", "trade_before")})


def test_what_events_move_is_known_through_other_columns(case: Case) -> None:
    assert moved_by_events(case) == ("peace", "peace_bent")


def test_records_are_not_drawn_where_events_move_columns(case: Case) -> None:
    with pytest.raises(OptionError, match="peace is derived from events"):
        calibrate(case, records=20, draws=100)
    with pytest.raises(OptionError, match="remember them by an edge"):
        find_removed(case, ["2005:clash:AAA-BBB"])
