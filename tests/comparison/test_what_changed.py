"""What changed from one forecast to a later one: parts that add up, null changes, signs, and each thing by its name."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import riskcast
from riskcast import Case, ChangePart, ChangeSplit, WhatChanged, case_as_of, changed, fit, forecast
from riskcast.comparison import splitting, what_changed
from riskcast.comparison.change_splits import changed_data
from riskcast.comparison.days_between import what_days_do
from riskcast.comparison.in_between import InBetween, Numbers, posed
from riskcast.comparison.news import BELIEFS, DAYS, EVENTS, RELEARNING, VALUES, VERSION, find_news, roll
from riskcast.errors import OptionError
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.requests import Request
from riskcast.record.arrays import build_record
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, series_row

DRAWS = 100
FIRST, LAST = dt.date(2020, 10, 20), dt.date(2020, 12, 5)
OLD = (
    event_row(dt.date(2019, 3, 4), "attack", "HHH-P001"),
    event_row(dt.date(2019, 5, 6), "protest", "HHH-P002"),
    event_row(dt.date(2020, 8, 2), "attack", "HHH-P002"),
    event_row(dt.date(2020, 9, 9), "protest", "HHH-P001"),
)
NEW = (
    event_row(dt.date(2020, 11, 3), "attack", "HHH-P001"),
    event_row(dt.date(2020, 11, 10), "talks", "HHH-P002"),
    event_row(dt.date(2020, 12, 1), "protest", "HHH-P001"),
)
VALUES_OF_MOOD = (series_row("mood", dt.date(2019, 1, 1), 0.0), series_row("mood", dt.date(2020, 11, 15), 2.0))


EVIDENCE = {"evidence": {"basis": "judgement", "claim": "Judged."}}


def said(*numbers: float) -> dict[str, Any]:
    return quantity(*numbers) | EVIDENCE


def toy(as_of: dt.date = LAST, rows: Any = (*OLD, *NEW), series: Any = VALUES_OF_MOOD, tension: bool = False) -> Case:
    """Attacks raise protests for months and talks lower them; mood, which is measured, raises them too."""
    rate = said(0.3, 0.1, 0.6)
    events = {
        "attack": event(rate, kind="trigger", label="Attack"),
        "talks": event(rate, kind="trigger", label="Talks"),
        "protest": event(rate, severity=40.0, label="Protest"),
        "decree": event(said(0.2, 0.1, 0.4), severity=30.0, scope="host", label="Decree"),
    }
    effects = [
        edge("mood", "protest", said(1.5, 1.3, 1.8)),
        edge("attack", "protest", said(4.0, 3.0, 5.0), whose="own", memory="fast", acts="next"),
        edge("talks", "protest", said(0.3, 0.2, 0.4), whose="own", memory="fast", acts="next"),
    ]
    mood = indicator(history="series", now=None, past="smoothed", drift=said(0.5, 0.2, 1.0), label="Mood")
    still = dict.fromkeys(("sd_dyad", "sd_time", "persistence"), said(0.0))
    options: dict[str, Any] = {"partners": 2, "years": 2, "horizon": 6, "as_of": as_of, "half_life": said(3.0), **still}
    case = make_case(events, effects, {"mood": mood}, rows=tuple(rows), **options)
    case = case.revised(series_rows=tuple(series))
    if tension:
        shared = {"period": "quarter", "persistence": said(0.9), "loading": said(0.5, 0.3, 0.8)}
        settings = type(case.settings).model_validate(case.settings.model_dump() | {"tension": shared})
        case = case.revised(settings=settings)
    return case


def ask(first: Case, second: Case | None = None, **options: Any) -> WhatChanged:
    asked: dict[str, Any] = {"draws": DRAWS, "allow_unreliable": True, "orders": 2, **options}
    return changed(first, second, **asked)


def groups(found: WhatChanged) -> set[str]:
    return {part.group for split in found.splits for part in split.parts}


def part(found: WhatChanged, unit: str, name: str, quantity: str = "score") -> float:
    [own] = [each for each in found.split(unit, quantity).parts if each.id.startswith(name)]
    return own.points


def assert_adds_up(found: WhatChanged) -> None:
    assert found.splits
    for split in found.splits:
        assert abs(sum(own.points for own in split.parts) - (split.after - split.before)) < 1e-9


@pytest.fixture(scope="module")
def found() -> WhatChanged:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitting, "MOST_EXACT", 100)
        return ask(toy(), since=FIRST)


def test_parts_add_up_to_the_difference_of_the_two_forecasts(found: WhatChanged) -> None:
    assert_adds_up(found)
    ends = [
        forecast(fit(case_as_of(toy(), day), draws=DRAWS, allow_unreliable=True), paths=64) for day in (FIRST, LAST)
    ]
    for split in found.scores:
        for value, ahead in zip((split.before, split.after), ends, strict=True):
            assert value == pytest.approx(ahead.score(split.unit).mean, abs=3.0)
    assert {split.quantity for split in found.splits} == {"score", "protest", "decree"}
    assert groups(found) >= {DAYS, EVENTS, VALUES, RELEARNING}


def test_new_events_have_the_sign_of_their_effects_and_their_names(found: WhatChanged) -> None:
    assert part(found, "HHH-P001", "events.attack") > 0.5
    assert part(found, "HHH-P002", "events.talks") < -0.5
    told = {own.label for split in found.scores for own in split.parts if own.group == EVENTS}
    assert told == {"Attack, 3 Nov 2020", "Talks, 10 Nov 2020"}
    # What nothing remembers moves nothing.
    assert not [own for own in found.split("HHH-P001").parts if own.id.startswith("events.protest")]


def test_a_new_value_moves_what_its_indicator_drives(found: WhatChanged) -> None:
    for unit in ("HHH-P001", "HHH-P002"):
        assert part(found, unit, "indicators.mood") > 0.5
    assert not [own for own in found.split("HHH", "decree").parts if own.group in (EVENTS, VALUES)]


def test_old_memories_fade(found: WhatChanged) -> None:
    [faded] = [own for own in found.split("HHH-P002").parts if own.id == "days.forgetting.attack"]
    assert faded.points < 0.0
    assert faded.fades
    assert "as memories of Attack fade" in found.split("HHH-P002").sentence or abs(faded.points) < 0.05


def test_nothing_new_changes_nothing() -> None:
    same = ask(toy(), toy())
    assert_adds_up(same)
    assert all(not split.parts and split.points == 0.0 for split in same.splits)


def test_an_eventless_day_moves_the_window_alone() -> None:
    first = toy(dt.date(2020, 11, 18))
    later = first.revised(settings=first.settings.model_copy(update={"as_of": dt.date(2020, 11, 19)}))
    found = ask(first, later, prior_only=True)
    assert_adds_up(found)
    assert groups(found) == {DAYS}
    assert max(abs(split.points) for split in found.scores) < 3.0
    # One more day of the running period is learned of, in which nothing happened.
    learned = ask(first, later)
    assert_adds_up(learned)
    assert groups(learned) <= {DAYS, RELEARNING}


def test_changed_beliefs_are_named_and_learned_under() -> None:
    first = toy()
    second = riskcast.apply_overlay(
        first,
        {"outcomes.protest.base_rate": quantity(0.6, 0.4, 0.8), "effects.mood->protest": quantity(1.1, 1.0, 1.2)},
    )
    found = ask(first, second)
    assert_adds_up(found)
    assert part(found, "HHH-P001", "outcomes.protest.base_rate") > 0.0
    assert part(found, "HHH-P001", "effects.mood->protest") < 0.0
    # The record is the same: nothing is learned anew.
    assert groups(found) == {BELIEFS}
    assert found.split("HHH", "decree").parts == ()


def test_relearned_tension_is_told_apart_and_a_ripple_is_said_to_be_one() -> None:
    found = ask(toy(tension=True), since=FIRST)
    assert_adds_up(found)
    ids = {own.id for own in found.split("HHH-P002").parts}
    assert {"relearning.rates", "relearning.tension"} <= ids
    shared = found.split("HHH", "decree")
    assert shared.ripple
    assert {own.group for own in shared.parts} <= {DAYS, RELEARNING}
    assert not found.split("HHH-P001").ripple
    if abs(shared.groups[RELEARNING]) >= 0.05:
        assert "a ripple, as the record has no new event of the kind" in shared.sentence


def test_relearning_is_one_clause_of_a_sentence() -> None:
    parts = (
        ChangePart("relearning", "relearning.tension", "", 2.0, 0.1),
        ChangePart("relearning", "relearning.rates", "", -0.5, 0.1),
    )
    split = ChangeSplit("score", "Score", "HHH-AAA", "Aland", 40.0, 41.5, parts, ripple=True)
    assert split.sentence == (
        "Aland rose from 40.0 to 41.5 (+1.5): relearning adds +1.5 (+2.0 through how restless the times are), "
        "a ripple, as the record has no new event of Aland."
    )


def test_sampled_orders_keep_the_sums_of_groups_and_come_near_the_exact_parts(
    found: WhatChanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splitting, "MOST_EXACT", 0)
    sampled = ask(toy(), since=FIRST, orders=8)
    assert_adds_up(sampled)
    assert sampled.is_sampled
    assert not found.is_sampled
    for one, two in zip(found.splits, sampled.splits, strict=True):
        assert dict(one.groups) == pytest.approx(dict(two.groups), abs=1e-9)
        exact = {own.id: own.points for own in one.parts}
        for own in two.parts:
            assert own.points == pytest.approx(exact.get(own.id, 0.0), abs=1.5 + 5.0 * own.error)


def test_a_plan_of_pieces_is_the_plan_from_scratch() -> None:
    """Whatever is chosen of what is new, only what it touches is made anew, and the rest is right as it stands."""
    first, second = case_as_of(toy(), FIRST), toy()
    news = find_news(first, second, "baseline")
    request = Request(second, draws=DRAWS, allow_unreliable=True)
    between = InBetween(news, request, Numbers.of(first, second), (None, None), lambda: None)
    everything = (*news.events, *news.values)
    assert len(everything) == 4
    for bits in (0, 1, 6, 9, 14):
        chosen = [new for place, new in enumerate(everything) if bits >> place & 1]
        case = news.case_with(chosen)
        plan = between.planned(chosen, ["rates"])
        again = plan_simulation(posed(case, build_record(case), between.fit((), True)), 6, 1)
        for p, q in zip(plan.events, again.events, strict=True):
            for one, two in zip(p.edges, q.edges, strict=True):
                np.testing.assert_array_equal(one.start, two.start)
        for name, levels in plan.today.items():
            np.testing.assert_array_equal(levels, again.today[name])
        assert {name: own.tolist() for name, own in plan.begun.items()} == {
            name: own.tolist() for name, own in again.begun.items()
        }


def test_late_finds_and_corrections_are_events_too() -> None:
    first = toy(rows=OLD)
    late = event_row(dt.date(2020, 11, 3), "attack", "HHH-P001")
    moved = OLD[2].model_copy(update={"date": dt.date(2020, 11, 2)})
    found = ask(first, toy(rows=(*OLD[:2], moved, *OLD[3:], late)))
    assert_adds_up(found)
    assert DAYS not in groups(found)
    labels = {own.label for split in found.scores for own in split.parts if own.group == EVENTS}
    assert labels == {"Attack, 3 Nov 2020", "Attack, 2 Nov 2020 (corrected)"}
    gone = ask(toy(), toy(rows=(*OLD, *NEW[1:])))
    [own] = [own for own in gone.split("HHH-P001").parts if own.group == EVENTS]
    assert own.label.endswith("(withdrawn)")
    assert own.points < 0.0


def test_runs_of_this_version_are_taken_as_they_were_kept() -> None:
    one, two = [
        riskcast.run(case_as_of(toy(), day), draws=DRAWS, allow_unreliable=True, paths=4) for day in (FIRST, LAST)
    ]
    found = changed(one, two, orders=2, allow_unreliable=True)
    assert_adds_up(found)
    assert VERSION not in groups(found)
    for split in found.scores:
        assert split.before == one.forecasts[0].score(split.unit).mean
        assert split.after == two.forecasts[0].score(split.unit).mean
    # A run whose numbers another version would not give again: what is left is that version's.
    ahead = one.forecasts[0]
    shifted = replace(ahead.simulated, mean_score=ahead.simulated.mean_score + 1.0, score=ahead.simulated.score + 1.0)
    about = {**one.provenance, "versions": {**one.provenance["versions"], "riskcast": "0.0.9"}}
    risk = replace(one.risks[0], forecast=replace(ahead, simulated=shifted))
    other = changed(replace(one, risks=(risk,), provenance=about), two, orders=2, allow_unreliable=True)
    assert_adds_up(other)
    assert part(other, "HHH-P001", "version") == pytest.approx(-1.0, abs=1e-6)
    assert other.versions[0] == "0.0.9"
    assert "another version: made by riskcast 0.0.9" in other.split("HHH-P001").sentence


def test_what_days_do_is_named_only_where_it_is_felt() -> None:
    first, second = case_as_of(toy(), FIRST), toy()
    between = InBetween(
        find_news(first, second, "baseline"),
        Request(second, draws=DRAWS, allow_unreliable=True),
        Numbers.of(first, second),
        (None, None),
        lambda: None,
    )
    assert what_days_do(between.first_plan(), between.planned((), ())) == ("levels", "forgetting:attack", "window")


def test_a_level_of_the_first_day_ages_unless_it_is_stated_anew() -> None:
    def stated(as_of: dt.date, level: float) -> Case:
        mood = indicator(now=said(level, level - 0.5, level + 0.5), drift=said(0.5, 0.2, 1.0), label="Mood")
        rate = said(0.3, 0.1, 0.6)
        return make_case({"protest": event(rate)}, [], {"mood": mood}, partners=1, years=2, as_of=as_of)

    first = stated(FIRST, 1.0)
    same, other = (roll(first, stated(LAST, level)).indicators["mood"].stated("HHH") for level in (1.0, 2.0))
    assert same is not None
    assert same.dated is None
    assert other is not None
    assert other.dated == FIRST
    assert roll(first, first) is first


def test_of_very_many_events_those_of_one_kind_and_pair_are_one() -> None:
    days = [dt.date(2020, 10, 25) + dt.timedelta(days=number) for number in range(20)]
    rows = [event_row(day, "attack", unit) for day in days for unit in ("HHH-P001", "HHH-P002")]
    news = find_news(toy(FIRST, OLD), toy(rows=(*OLD, *rows)), "baseline")
    assert [new.label for new in news.events] == [
        "Attack, 20 events (HHH-P001)",
        "Attack, 20 events (HHH-P002)",
    ]
    assert len(news.case_with([]).event_rows) == len(OLD)
    assert len(news.case_with(news.events[:1]).event_rows) == len(OLD) + 20


def test_records_read_as_tables_and_data(found: WhatChanged) -> None:
    frame = found.to_frame()
    split = found.split("HHH-P001")
    own = frame[(frame.unit == "HHH-P001") & (frame.quantity == "score")]
    assert own.points.sum() == pytest.approx(split.points, abs=1e-9)
    plain = changed_data(found)
    assert plain["numbers"][0]["sentence"] == split.sentence
    assert plain["days"] == [FIRST.isoformat(), LAST.isoformat()]
    assert "Partner 1" in found._repr_html_()
    assert split.sentence.startswith("Partner 1 ")


def test_what_cannot_be_compared_is_refused_in_one_line() -> None:
    case = toy()
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "no day to compare it with"),
        ({"since": LAST}, "give the earlier one first"),
        ({"since": FIRST, "orders": 3}, "give an even number"),
        ({"since": FIRST, "scenario": "storm"}, "unknown scenario"),
    )
    for options, told in wrong:
        with pytest.raises((OptionError, riskcast.RiskcastError), match=told):
            ask(case, **options)
    with pytest.raises(OptionError, match="give the earlier one first"):
        ask(case, case_as_of(case, FIRST))
    with pytest.raises(OptionError, match="two sides are given"):
        ask(case, case, since=FIRST)
    assert what_changed.ORDERS % 2 == 0
