"""The page of assumptions: found, chosen, changed by slider and number, refused, taken back; evidence and conflicts."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from assumptions import tables as assumption_tables, words as assumption_words
from parts import widgets
from state import session
from state.session import View
from tests.support.smallcase import write_level_files
from tests.support.smallpanel import write_panel_case
from views import assumptions as view_of_assumptions

LEVEL, EFFECT = "indicators.xenophobia.now", "effects.unpredictability->criticism"
OUTSIDE = "outcomes.trade_ban.base_rate"  # A prior that no part of the record was used for.
FIXED, CHANCE = "hyperpriors.persistence", "outcomes.criticism.base_rate"
LEVEL_TODAY = session.quantities(riskcast.load_case("central_asia_2024"))[LEVEL]
LOW, MEDIAN, HIGH = LEVEL_TODAY.range[0], LEVEL_TODAY.center, LEVEL_TODAY.range[1]


def page() -> None:
    import sidebar
    from state import session
    from views import assumptions

    session.view()
    sidebar.show()
    assumptions.show()
    session.write_address()


@pytest.fixture
def assumptions() -> AppTest:
    """The page in a fresh session."""
    return AppTest.from_function(page, default_timeout=60).run()


def seen(test: AppTest) -> View:
    assert not test.exception
    return test.session_state["view"]


def texts(elements: Any) -> str:
    return " ".join(element.value for element in elements)


def plain(words: str) -> str:
    return words.replace("\u2060", "").replace("\\", "")


def search(test: AppTest, words: str) -> AppTest:
    return test.text_input(key="search").set_value(words).run()


def offered(test: AppTest) -> list[str]:
    """What the list of quantities calls those found, without marks and values."""
    return [option.removeprefix("● ").split(" · ")[0] for option in test.selectbox(key="chosen_widget").options]


def number(test: AppTest, part: str, key: str = LEVEL) -> Any:
    return test.number_input(key=f"edit:{part}:{key}")


def give(test: AppTest, part: str, value: float, key: str = LEVEL) -> AppTest:
    return number(test, part, key).set_value(value).run()


def slider(test: AppTest, key: str = LEVEL) -> Any:
    return test.select_slider(key=f"edit:median_slider:{key}")


def ends(test: AppTest) -> Any:
    """The slider with two ends."""
    return next(each for each in test.select_slider if each.label == "90 % interval")


def uncertain(test: AppTest, key: str = LEVEL) -> Any:
    return test.toggle(key=f"edit:uncertain:{key}")


def numbers(test: AppTest, key: str = LEVEL) -> tuple[float, ...]:
    return tuple(number(test, part, key).value for part in ("low", "median", "high"))


def around(median: float) -> tuple[float, ...]:
    """The published interval, moved along with a median that is typed."""
    return round(LOW + median - MEDIAN, 1), median, round(HIGH + median - MEDIAN, 1)


def undo(test: AppTest) -> AppTest:
    return test.button(key="undo_button").click().run()


def live(test: AppTest) -> dict[str, list[str]]:
    """Score, interval and change by pair, from the live table."""
    table = next(each.value for each in test.markdown if each.value.startswith("| Pair "))
    rows = [plain(line).replace("**", "").strip("|").split("|") for line in table.splitlines()[2:]]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def test_it_opens_with_what_is_published_and_says_that_nothing_moved(assumptions: AppTest) -> None:
    assert seen(assumptions).changes == {}
    assert [change for _, _, change in live(assumptions).values()] == ["–"] * 5
    assert "Nothing is changed" in texts(assumptions.caption)
    assert numbers(assumptions) == (LOW, MEDIAN, HIGH)
    assert (slider(assumptions).value, ends(assumptions).value) == (MEDIAN, (LOW, HIGH))
    assert uncertain(assumptions).value
    assert assumptions.button(key="reset_one").disabled


def panel_page(folder: Path, *dropped: str) -> AppTest:
    """The page of a panel case that lacks some of its indicators."""
    write_panel_case(folder)
    for name in dropped:
        file = folder / "indicators.yaml"
        file.write_text(re.sub(rf"(?ms)^{name}:.*?(?=^\w|\Z)", "", file.read_text(encoding="utf-8")), encoding="utf-8")
        file = folder / "effects.yaml"
        kept = [line for line in file.read_text(encoding="utf-8").splitlines() if f"from: {name}" not in line]
        file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    test = AppTest.from_function(page, default_timeout=60)
    test.session_state["undo"], test.session_state["redo"] = [], []
    test.session_state["view"] = View(riskcast.load_case(folder))
    return test.run()


def kinds(test: AppTest) -> list[str]:
    (pills,) = (each for each in test.button_group if each.label == "Kind of assumption")
    return [option.content for option in pills.proto.options]


def test_kinds_that_a_case_lacks_are_not_offered(assumptions: AppTest, tmp_path: Path) -> None:
    assert kinds(assumptions) == [*assumption_words.GROUPS, view_of_assumptions.CHANGED_ONLY]
    held = panel_page(tmp_path, "climate")
    assert not held.exception
    assert kinds(held) == [
        group
        for group in (*assumption_words.GROUPS, view_of_assumptions.CHANGED_ONLY)
        if group != assumption_words.LEVELS
    ]
    assert not held.info
    assert offered(held)


def test_a_kind_that_the_next_case_lacks_gives_way_to_one_that_it_has(assumptions: AppTest, tmp_path: Path) -> None:
    assert assumptions.session_state["group"] == assumption_words.LEVELS
    write_panel_case(tmp_path / "held")
    held = panel_page(tmp_path / "held", "climate")
    assumptions.session_state["view"] = held.session_state["view"]
    assumptions.run()
    assert not assumptions.exception
    assert assumptions.session_state["group"] == assumption_words.EFFECTS


def risks(scores: dict[str, float]) -> Any:
    dyads = [SimpleNamespace(id=id, score=SimpleNamespace(mean=score)) for id, score in scores.items()]
    return SimpleNamespace(risk=SimpleNamespace(dyads=dyads))


def test_without_room_for_all_pairs_those_that_move_go_before_those_with_the_highest_scores() -> None:
    scores = {f"P{i:02d}": float(i) for i in range(30)}

    def listed(**moved: float) -> list[str]:
        told = {id: SimpleNamespace(mean=points) for id, points in moved.items()}
        return [dyad.id for dyad in widgets.listed(risks(scores), told)]

    assert listed() == [f"P{i:02d}" for i in range(20, 30)]
    assert listed(P03=0.2, P01=-4.0) == ["P01", "P03", *(f"P{i:02d}" for i in range(22, 30))]
    assert listed(**{f"P{i:02d}": 20.0 - i for i in range(20)}) == [f"P{i:02d}" for i in range(10)]
    assert widgets.which_pairs(567) == "The 10 of 567 pairs with the highest scores."
    assert "those that move, 2, and then" in widgets.which_pairs(567, 2)
    assert widgets.which_pairs(567, 10) == "The 10 of 567 pairs that move most."


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("summer and autumn of raids", "indicators.xenophobia.raises.mass_casualty_attack.steps"),
        (f" {EFFECT.upper()} ", EFFECT),
        ("unpredictability criticism", EFFECT),
    ],
)
def test_a_search_finds_by_id_word_and_evidence(assumptions: AppTest, asked: str, found: str) -> None:
    words = assumption_words.subjects(seen(assumptions).case)
    search(assumptions, asked)
    assert words[found].short in offered(assumptions)
    assert len(offered(assumptions)) < 5
    assert seen(assumptions).changes == {}


def test_a_search_that_finds_nothing_says_so(assumptions: AppTest) -> None:
    search(assumptions, "no such thing")
    assert "No assumption matches 'no such thing'" in texts(assumptions.info)
    search(assumptions, "")
    assert numbers(assumptions) == (LOW, MEDIAN, HIGH)


@pytest.mark.parametrize("group", assumption_words.GROUPS)
def test_every_kind_of_assumption_can_be_listed_and_each_opened(assumptions: AppTest, group: str) -> None:
    words = assumption_words.subjects(seen(assumptions).case)
    own = [key for key, subject in words.items() if subject.group == group]
    assumptions.pills(key="group_widget").set_value(group).run()
    assert offered(assumptions) == [words[key].short for key in own]
    for key in {own[0], own[len(own) // 2], own[-1]}:
        assumptions.selectbox(key="chosen_widget").set_value(key).run()
        quantity = session.quantities(seen(assumptions).case)[key]
        assert number(assumptions, "median", key).value == pytest.approx(quantity.center * words[key].scale, rel=1e-12)
        assert f"Id in overlay files: `{key}`" in texts(assumptions.caption)
    assert seen(assumptions).changes == {}


def test_the_matrix_of_effects_holds_every_effect_and_tints_it(assumptions: AppTest) -> None:
    assumptions.pills(key="group_widget").set_value(assumption_words.EFFECTS).run()
    shown = assumptions.dataframe[0].value
    case = seen(assumptions).case
    effect = next(each for each in case.effects if f"effects.{each.id}" == EFFECT)
    row, column = case.indicators[effect.source].label, case.events[effect.target].label
    assert float(shown.loc[row, column]) == effect.rate_ratio.center
    direct = [each for each in case.effects if not each.is_escalation]
    assert sum(len(cell.split(" · ")) for cell in shown.to_numpy().ravel() if cell) == len(direct)


def test_a_cell_of_the_matrix_opens_its_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    words = assumption_words.subjects(riskcast.load_case("central_asia_2024"))
    table = assumption_tables.arrange(each for each in words.values() if each.group == assumption_words.EFFECTS)
    place = table.cell_of(EFFECT)
    assert place is not None
    empty = next((0, column) for column in table.columns if not table.at(0, column))
    state: dict[str, Any] = {"chosen": "before", "table": {"selection": {"cells": [empty]}}}
    monkeypatch.setattr(view_of_assumptions, "st", SimpleNamespace(session_state=state))
    view_of_assumptions._opened("table", table)
    assert state["chosen"] == "before"
    state["table"] = {"selection": {"cells": [place]}}
    view_of_assumptions._opened("table", table)
    assert state["chosen"] == EFFECT


def test_the_interval_moves_along_with_a_typed_median_or_stays(assumptions: AppTest) -> None:
    give(assumptions, "median", 55.0)
    assert numbers(assumptions) == around(55.0)
    assert (slider(assumptions).value, ends(assumptions).value) == (55, around(55.0)[::2])
    assumptions.toggle(key="follow_widget").set_value(False).run()
    give(assumptions, "median", 60.0)
    assert numbers(assumptions) == (around(55.0)[0], 60.0, around(55.0)[2])
    assert seen(assumptions).changes == {LEVEL: {"median": 60.0, "interval": list(around(55.0)[::2])}}


def test_an_effect_moves_by_its_factor(assumptions: AppTest) -> None:
    search(assumptions, EFFECT)
    low, middle, high = numbers(assumptions, EFFECT)
    give(assumptions, "median", 2 * middle, EFFECT)
    assert numbers(assumptions, EFFECT) == pytest.approx((2 * low, 2 * middle, 2 * high), rel=1e-3)


def test_sliders_and_numbers_change_the_same_quantity(assumptions: AppTest) -> None:
    slider(assumptions).set_value(50.0).run()
    assert numbers(assumptions) == around(50.0)
    ends(assumptions).set_value((40.0, 65.0)).run()
    assert numbers(assumptions) == (40, 50, 65)
    give(assumptions, "low", 35.5)
    give(assumptions, "high", 66.5)
    assert ends(assumptions).value == (35.5, 66.5)
    assert seen(assumptions).changes == {LEVEL: {"median": 50.0, "interval": [35.5, 66.5]}}


def test_a_quantity_can_be_held_fixed_and_made_uncertain_again(assumptions: AppTest) -> None:
    uncertain(assumptions).set_value(False).run()
    assert seen(assumptions).changes == {LEVEL: {"value": MEDIAN}}
    assert number(assumptions, "median").label == slider(assumptions).label == "Value"
    assert not [each for each in assumptions.number_input if each.key in (f"edit:low:{LEVEL}", f"edit:high:{LEVEL}")]
    give(assumptions, "median", 52.0)
    assert seen(assumptions).changes == {LEVEL: {"value": 52.0}}
    uncertain(assumptions).set_value(True).run()
    # As wide as published, around the value.
    half = (HIGH - LOW) / 2
    assert numbers(assumptions) == pytest.approx((52 - half, 52, 52 + half), abs=0.1)


def test_a_quantity_published_as_fixed_can_be_changed(assumptions: AppTest) -> None:
    search(assumptions, FIXED)
    assert not uncertain(assumptions, FIXED).value
    give(assumptions, "median", 0.5, FIXED)
    assert seen(assumptions).changes == {FIXED: {"value": 0.5}}
    give(assumptions, "median", 0.8, FIXED)
    assert seen(assumptions).changes == {}


def test_a_chance_is_given_in_percent(assumptions: AppTest) -> None:
    search(assumptions, CHANCE)
    published = session.quantities(seen(assumptions).case)[CHANCE]
    assert numbers(assumptions, CHANCE)[1] == pytest.approx(100 * published.center)
    give(assumptions, "median", 12.5, CHANCE)
    assert seen(assumptions).changes[CHANCE]["median"] == 0.125
    give(assumptions, "median", 100.0, CHANCE)
    assert "A chance lies above 0 % and below 100 %" in texts(assumptions.error)
    assert seen(assumptions).changes[CHANCE]["median"] == 0.125


def test_one_change_is_reset_and_the_others_stay(assumptions: AppTest) -> None:
    give(assumptions, "median", 55.0)
    search(assumptions, EFFECT)
    give(assumptions, "median", 1.5, EFFECT)
    assert set(seen(assumptions).changes) == {LEVEL, EFFECT}
    assumptions.button(key="reset_one").click().run()
    assert set(seen(assumptions).changes) == {LEVEL}
    assert numbers(assumptions, EFFECT)[1] == session.quantities(seen(assumptions).case)[EFFECT].center
    search(assumptions, "")
    assumptions.pills(key="group_widget").set_value("Changed").run()
    assert len(offered(assumptions)) == 1
    assert numbers(assumptions) == around(55.0)


def test_steps_are_undone_one_by_one_in_every_widget(assumptions: AppTest) -> None:
    give(assumptions, "median", 55.0)
    ends(assumptions).set_value((40.0, 65.0)).run()
    uncertain(assumptions).set_value(False).run()
    undo(assumptions)
    assert numbers(assumptions) == (40, 55, 65)
    undo(assumptions)
    assert (numbers(assumptions), ends(assumptions).value) == (around(55.0), around(55.0)[::2])
    undo(assumptions)
    assert (numbers(assumptions), slider(assumptions).value) == ((LOW, MEDIAN, HIGH), MEDIAN)
    assert seen(assumptions).changes == {}
    assert assumptions.button(key="undo_button").disabled


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        (
            "low",
            MEDIAN + 3,
            f"The lower end, {MEDIAN + 3:g}, is above the median, {MEDIAN:g}. Lower it below {MEDIAN:g}, or",
        ),
        (
            "low",
            MEDIAN,
            f"The lower end, {MEDIAN:g}, is also the median. Lower it below {MEDIAN:g}, or raise the median.",
        ),
        (
            "high",
            MEDIAN - 7,
            f"The upper end, {MEDIAN - 7:g}, is below the median, {MEDIAN:g}. Raise it above {MEDIAN:g}, or",
        ),
        (
            "high",
            MEDIAN,
            f"The upper end, {MEDIAN:g}, is also the median. Raise it above {MEDIAN:g}, or lower the median.",
        ),
        ("low", round(MEDIAN - 0.1, 1), "; give a low end of at most "),
        ("high", 120.0, "The upper end, 120, is above 100, the most that this can be. Lower it."),
        ("median", -5.0, "The median, −5, is below 0, the least that this can be. Raise it."),
    ],
)
def test_numbers_that_do_not_fit_are_refused_with_the_mend_and_nothing_is_lost(
    assumptions: AppTest, part: str, value: float, told: str
) -> None:
    before = live(assumptions)
    give(assumptions, part, value)
    assert "**Not applied.**" in texts(assumptions.error)
    assert told in texts(assumptions.error)
    assert number(assumptions, part).value == value
    assert (seen(assumptions).changes, live(assumptions)) == ({}, before)
    assert not assumptions.button(key="reset_one").disabled
    # What was typed stays while the rest is mended.
    if part == "low":
        higher = MEDIAN + 5
        give(assumptions, "median", higher)
        assert not assumptions.error
        assert seen(assumptions).changes == {LEVEL: {"median": higher, "interval": [value, HIGH]}}
    else:
        assumptions.button(key="reset_one").click().run()
        assert not assumptions.error
        assert numbers(assumptions) == (LOW, MEDIAN, HIGH)


def test_a_factor_of_nothing_is_refused(assumptions: AppTest) -> None:
    search(assumptions, EFFECT)
    give(assumptions, "low", 0.0, EFFECT)
    assert "The lower end, 0, must be above 0. Raise it." in texts(assumptions.error)
    assert seen(assumptions).changes == {}


def test_a_refused_number_does_not_undo_what_was_changed_before(assumptions: AppTest) -> None:
    give(assumptions, "median", 55.0)
    changed = seen(assumptions).changes
    give(assumptions, "high", 54.0)
    assert seen(assumptions).changes == changed
    search(assumptions, EFFECT)
    give(assumptions, "median", 1.5, EFFECT)
    assert seen(assumptions).changes[LEVEL] == changed[LEVEL]
    assert not assumptions.error


def test_an_emptied_number_stands_there_again(assumptions: AppTest) -> None:
    number(assumptions, "median").set_value(None).run()
    assert seen(assumptions).changes == {}
    assert numbers(assumptions) == (LOW, MEDIAN, HIGH)


@pytest.mark.parametrize("key", [LEVEL, EFFECT, "indicators.xenophobia.drift"])
def test_evidence_is_shown_with_every_source(assumptions: AppTest, key: str) -> None:
    search(assumptions, key)
    case = seen(assumptions).case
    evidence = session.quantities(case)[key].evidence
    assert f"[{evidence.basis}]" in texts(assumptions.markdown)
    assert evidence.claim in plain(texts(assumptions.markdown))
    told = plain(texts(assumptions.caption))
    for name in evidence.sources:
        source = case.sources[name]
        assert source.title in told
        assert f"{source.publisher}, {source.date.day} {source.date:%B %Y}" in told


def test_a_conflict_of_prior_and_record_is_marked(assumptions: AppTest) -> None:
    search(assumptions, OUTSIDE)
    assert "Prior and record agree" in texts(assumptions.caption)
    assert not assumptions.warning
    give(assumptions, "median", 95.0, OUTSIDE)
    told = texts(assumptions.warning)
    assert "**Prior and record disagree** (conflict: far fewer than expected)" in told
    case = riskcast.apply_overlay(riskcast.load_case("central_asia_2024"), seen(assumptions).changes)
    check = next(each for each in riskcast.check_priors(case) if each.event == OUTSIDE.split(".")[1])
    assert f"{check.recorded} in the record; from the priors alone {check.low:.0f}–{check.high:.0f}" in plain(told)
    undo(assumptions)
    assert not assumptions.warning


def test_the_live_result_is_the_packages_own_against_the_published_case(assumptions: AppTest) -> None:
    give(assumptions, "median", 55.0)
    published = riskcast.load_case("central_asia_2024")
    changed = riskcast.apply_overlay(published, seen(assumptions).changes)
    before, now = (riskcast.forecast(riskcast.fit(case, draws=1000, seed=1)) for case in (published, changed))
    moved = riskcast.contrast(now, before)
    shown = live(assumptions)
    risk = riskcast.score(now)
    assert len(shown) == len(risk.dyads)
    for dyad in risk.dyads:
        score, interval, change = shown[dyad.partner_name]
        assert score == f"{dyad.score.mean:.1f}"
        assert interval == f"{dyad.score.low:.0f}–{dyad.score.high:.0f}"
        by = moved.score[dyad.id]
        told = f"{by.mean:+.1f} ({by.low:+.1f} to {by.high:+.1f})"
        # What rounds to nothing has no sign.
        assert change.replace("−", "-") == re.sub(r"[+-]0\.0\b", "0.0", told)
    moved_most = next(each.value for each in assumptions.markdown if each.value.startswith("| Outcome "))
    told = [line.rpartition("|")[0].rpartition("|")[2].replace("−", "-") for line in moved_most.splitlines()[2:]]
    points = [float(cell.split("**")[1]) for cell in told]
    outcomes = [e.mean for (event, _), e in moved.probability.items() if published.events[event].kind == "outcome"]
    largest = sorted((100 * mean for mean in outcomes if abs(mean) >= 0.005), key=abs, reverse=True)[:8]
    assert points == [round(each, 1) for each in largest]


def test_what_a_browser_says_before_it_has_heard_of_an_undo_is_no_wish(assumptions: AppTest) -> None:
    give(assumptions, "median", 55.0)
    give(assumptions, "median", 60.0)
    address = dict(assumptions.query_params)
    undo(assumptions)
    # A second click before the first was answered: the address and the numbers are still the old ones.
    assumptions.query_params = address
    number(assumptions, "median").set_value(60.0)
    number(assumptions, "low").set_value(around(60.0)[0])
    slider(assumptions).set_value(60.0)
    undo(assumptions)
    assert seen(assumptions).changes == {}
    assert (numbers(assumptions), slider(assumptions).value) == ((LOW, MEDIAN, HIGH), MEDIAN)
    give(assumptions, "median", 60.0)
    assert seen(assumptions).changes[LEVEL]["median"] == 60.0


def test_a_widget_that_a_browser_first_sees_late_shows_its_value_by_default(assumptions: AppTest) -> None:
    search(assumptions, EFFECT).run()
    quantity = session.quantities(seen(assumptions).case)[EFFECT]
    assert uncertain(assumptions, EFFECT).proto.default
    assert number(assumptions, "median", EFFECT).proto.default == quantity.center
    assert number(assumptions, "low", EFFECT).proto.default == quantity.range[0]
    assert (
        slider(assumptions, EFFECT).options[int(slider(assumptions, EFFECT).proto.default[0])] == f"{quantity.center:g}"
    )


def test_a_level_far_from_the_last_dated_value_is_told_beside_it(assumptions: AppTest) -> None:
    assert "Can this be meant?" not in texts(assumptions.warning)
    give(assumptions, "median", 5.0)
    told = texts(assumptions.warning)
    assert "Can this be meant?" in told
    assert f"from what the dated values of RUS say together, {MEDIAN:g}" in told
    assert "`today-jumps`" in told


def test_an_interval_that_ends_at_its_bound_is_edited_and_what_is_held_there_is_told(assumptions: AppTest) -> None:
    key = "indicators.remittance_dependency.now.RUS-TKM"
    search(assumptions, key)
    assert numbers(assumptions, key) == (0, 0.3, 1.17)
    assert ends(assumptions).value == (0.0, 1.17)
    assert "Held at 0 in 45 % of futures after 12 months, today in 5 %" in texts(assumptions.caption)
    give(assumptions, "high", 2.0, key)
    assert seen(assumptions).changes == {key: {"median": 0.3, "interval": [0.0, 2.0]}}
    give(assumptions, "high", 20.0, key)
    assert "reaches 65.7 times as far above the median 0.3 as below it" in texts(assumptions.error)
    assert "give a high end of at most 2.3, or a low end such as" in texts(assumptions.error)
    assumptions.button(key="reset_one").click().run()
    give(assumptions, "median", 90.0, key)
    changed = seen(assumptions).changes[key]
    assert 0 < changed["interval"][0] < 90.0 < changed["interval"][1] < 100


def test_a_level_held_at_its_bound_can_be_made_uncertain(assumptions: AppTest) -> None:
    key = "indicators.eaeu_membership.now.RUS-KAZ"
    search(assumptions, key)
    uncertain(assumptions, key).set_value(True).run()
    assert not assumptions.error
    low, median, high = numbers(assumptions, key)
    assert 0 < low < median < high < 1


def test_every_quantity_of_a_level_has_words(tmp_path: Path) -> None:
    case = riskcast.load_case(write_level_files(tmp_path))
    subjects = assumption_words.subjects(case)
    assert set(subjects) == {key for key, _, _ in case.quantities()}
    columns = {key: subject.column for key, subject in subjects.items() if key.startswith("indicators.mood")}
    assert columns == {
        "indicators.mood.now": "Host",
        "indicators.mood.drift": "Drift in a year",
        "indicators.mood.reversion": "Return to the reference",
        "indicators.mood.series.two.offset": "Two: offset",
        "indicators.mood.series.two.scale": "Two: scale",
        "indicators.mood.raises.spark.steps": "Raised by Spark: steps",
        "indicators.mood.raises.spark.half_life": "Raised by Spark: half-life",
    }
