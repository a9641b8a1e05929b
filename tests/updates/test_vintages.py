"""Kept vintages: whole, found by day, never edited, and blind to what is found later."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import riskcast
from riskcast.errors import CaseError, OptionError, RiskcastError, UnknownNameError
from riskcast.updates.operations import NewEvent, NewValue, Searched
from tests.support.smallcase import INDICATORS, write_files

DAYS = [dt.date(2021, 1, 7), dt.date(2021, 1, 14)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "small")


def test_a_roll_keeps_the_case_as_it_stood(folder: Path) -> None:
    before = riskcast.load_case(folder)
    done = riskcast.roll_case(folder, DAYS[0], dating=False)
    [kept] = riskcast.list_vintages(folder)
    assert done.vintage == kept.folder
    assert kept.name == f"2020-12-31-{before.hash[:12]}"
    found = riskcast.load_case(f"{folder}@2020-12-31")
    assert (found.hash, found.name, found.as_of) == (before.hash, "small", before.as_of)
    for other in (kept.folder, f"{folder}@{kept.name}", f"{folder}@{kept.name[:15]}"):
        assert riskcast.load_case(other).hash == before.hash
    assert riskcast.load_case(folder).as_of == DAYS[0]


@pytest.mark.parametrize("day", ["2020-12-31", "2020-01-01"])
def test_a_day_that_is_no_later_is_refused(folder: Path, day: str) -> None:
    with pytest.raises(OptionError, match="no later day"):
        riskcast.roll_case(folder, day)
    assert riskcast.list_vintages(folder) == ()


def test_a_day_that_has_not_come_is_refused(folder: Path) -> None:
    with pytest.raises(OptionError, match="has not come yet"):
        riskcast.roll_case(folder, dt.date.today() + dt.timedelta(days=1))


def test_levels_stated_of_today_are_dated_and_age(folder: Path) -> None:
    held = write_files(folder.parent / "held")
    riskcast.roll_case(folder, "2022-12-31")
    riskcast.roll_case(held, "2022-12-31", dating=False)
    aged, plain = riskcast.load_case(folder), riskcast.load_case(held)
    text = (folder / "indicators.yaml").read_text(encoding="utf-8")
    assert (held / "indicators.yaml").read_text(encoding="utf-8") == INDICATORS
    assert [line for line in text.splitlines() if line not in INDICATORS.splitlines()] == [
        "    dated: 2020-12-31",
        "    HHH-AAA: {median: 12, interval: [8, 18], dated: 2020-12-31, evidence: {basis: judgement, claim: Judged.}}",
        "      dated: 2020-12-31",
    ]
    for unit in plain.dyads:
        assert plain.now_of("trade", unit).range == riskcast.load_case(f"{held}@2020-12-31").now_of("trade", unit).range
    low, high = aged.now_of("mood", "HHH").range
    assert high - low > 62 - 48


def test_a_vintage_that_was_touched_is_refused(folder: Path) -> None:
    riskcast.roll_case(folder, DAYS[0])
    kept = riskcast.list_vintages(folder)[0].folder
    events = kept / "history/events.csv"
    whole = events.read_bytes()
    events.write_bytes(whole + b"\n")
    with pytest.raises(CaseError, match="changed after this vintage was kept"):
        riskcast.load_case(kept)
    events.write_bytes(whole)
    (kept / "history/coverage.csv").write_text("unit,type,from,until\n", encoding="utf-8")
    with pytest.raises(CaseError, match="added to a kept vintage"):
        riskcast.load_case(kept)
    (kept / "history/coverage.csv").unlink()
    events.unlink()
    with pytest.raises(CaseError, match="missing from a kept vintage"):
        riskcast.load_case(kept)


def test_a_vintage_that_is_not_kept_is_told_with_those_that_are(folder: Path) -> None:
    riskcast.roll_case(folder, DAYS[0])
    with pytest.raises(UnknownNameError, match="2020-12-31"):
        riskcast.load_case(f"{folder}@2020-12-30")
    with pytest.raises(RiskcastError, match="unknown vintage"):
        riskcast.load_case(f"{folder}@")
    with pytest.raises(RiskcastError, match="unknown vintage"):
        riskcast.load_case("central_asia_2024@2024-05-06")


def test_a_vintage_can_be_kept_without_a_roll(folder: Path) -> None:
    made = riskcast.keep_vintage(folder)
    assert riskcast.keep_vintage(folder) == made
    assert riskcast.load_case(made).hash == riskcast.load_case(folder).hash


KEPT: dict[str, np.ndarray] = {}


def digits(named: str) -> np.ndarray:
    """All numbers of a forecast."""
    case = riskcast.load_case(named)
    ahead = riskcast.forecast(riskcast.fit(case, draws=100, seed=1), horizon=2, seed=1, paths=2)
    return riskcast.score(ahead).to_frame()[["score", "low", "high"]].to_numpy()


LATE = st.one_of(
    st.tuples(
        st.just("event"),
        st.sampled_from(["protest", "spark"]),
        st.sampled_from(["HHH-AAA", "HHH-BBB"]),
        st.dates(dt.date(2018, 1, 1), dt.date(2020, 12, 31)),
    ),
    st.tuples(st.just("value"), st.floats(20, 90), st.dates(dt.date(2018, 6, 1), dt.date(2020, 12, 30))),
    st.tuples(st.just("searched")),
)


@settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LATE, min_size=1, max_size=3), st.booleans())
def test_a_late_find_never_touches_an_earlier_vintage(
    tmp_path_factory: pytest.TempPathFactory, finds: list[tuple], undone: bool
) -> None:
    """Whatever happened before a kept day and is entered after it, the kept forecast has the same digits."""
    folder = write_files(tmp_path_factory.mktemp("late") / "small")
    riskcast.roll_case(folder, DAYS[0])
    [kept] = riskcast.list_vintages(folder)
    # Every example begins with the same case.
    if kept.hash not in KEPT:
        KEPT[kept.hash] = digits(str(kept.folder))
    operations = []
    for number, (what, *given_) in enumerate(finds):
        if what == "event":
            kind, dyad, day = given_
            other = "other" if kind == "spark" else dyad[-3:]
            operations.append(NewEvent(day, kind, dyad, f"Found late, {number}", initiator=other, entered=DAYS[0]))
        elif what == "value":
            value, day = given_
            operations.append(NewValue("mood", "HHH", day, value, published=day, entered=DAYS[0]))
        elif not any(isinstance(one, Searched) for one in operations):
            operations.append(Searched())
    values = [one for one in operations if isinstance(one, NewValue)]
    if len({one.date for one in values}) < len(values):
        with pytest.raises(OptionError, match="already"):
            riskcast.edit_case(folder, operations)
        return
    riskcast.edit_case(folder, operations)
    riskcast.roll_case(folder, DAYS[1])
    if undone:
        riskcast.undo_edit(folder)
    assert riskcast.load_case(f"{folder}@2020-12-31").hash == kept.hash
    np.testing.assert_array_equal(digits(f"{folder}@2020-12-31"), KEPT[kept.hash])


def test_backtests_know_what_was_published_whenever_it_was_entered(folder: Path) -> None:
    riskcast.add_event(
        folder, "protest", "HHH-BBB", "2020-03-01", "Found late", published="2020-03-05", sources=["archive"]
    )
    riskcast.add_event(
        folder, "protest", "HHH-BBB", "2020-04-01", "Published late", published="2020-09-05", sources=["archive"]
    )
    then = riskcast.case_as_of(riskcast.load_case(folder), dt.date(2020, 6, 30))
    assert [row.description for row in then.event_rows if "late" in row.description] == ["Found late"]
