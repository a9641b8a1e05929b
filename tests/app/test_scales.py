"""A case with an indicator on the logit scale in the app: its numbers, its words, its moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from assumptions.numbers import Numbers, find_problem, made_uncertain, numbers_of, ticks, with_median
from assumptions.words import Subject, subjects
from state import session
from state.session import View
from tests.support.scales import case_on_scale

KEY = "indicators.mood.now"


@pytest.fixture
def case(tmp_path: Path) -> riskcast.Case:
    return case_on_scale(tmp_path / "case", "logit")


@pytest.fixture
def subject(case: riskcast.Case) -> Subject:
    return subjects(case)[KEY]


def assumptions_page() -> None:
    from state import session
    from views import assumptions

    session.view()
    assumptions.show()


def scenarios_page() -> None:
    from state import session
    from views import scenarios

    session.view()
    scenarios.show()


def opened(page: Callable[[], None], case: riskcast.Case) -> AppTest:
    """A page that looks at the case."""
    test = AppTest.from_function(page, default_timeout=60)
    test.session_state["undo"], test.session_state["redo"] = [], []
    test.session_state["view"] = View(case)
    test.run()
    assert not test.exception
    return test


def test_numbers_of_a_level_between_bounds_stay_between_them(case: riskcast.Case, subject: Subject) -> None:
    published = numbers_of(session.quantities(case)[KEY])
    offered = ticks(subject, published, published)
    assert offered == sorted(offered)
    assert 0 < offered[0] < 48
    assert 62 < offered[-1] < 100
    for median in (0.5, 20.0, 97.0, 99.9):
        moved = with_median(subject, published, median, follow=True)
        assert find_problem(subject, moved) is None, moved
        assert 0 < moved.low < median < moved.high < 100
    held = Numbers(99.0, 99.0, 99.0, uncertain=False)
    assert find_problem(subject, made_uncertain(subject, held, published)) is None
    assert find_problem(subject, Numbers(60.0, 50.0, 100.0)) == ("The upper end, 100, must be below 100. Lower it.")


def test_a_step_is_told_in_points_at_the_reference(case: riskcast.Case) -> None:
    words = subjects(case)
    assert "5 points, from 50 to 55" in words["effects.mood->protest"].label
    assert words[KEY].unit == "points"
    assert words["hyperpriors.persistence"].may_be_zero


def test_the_editor_shows_and_changes_the_level(case: riskcast.Case) -> None:
    test = opened(assumptions_page, case)
    test.selectbox(key="chosen_widget").set_value(KEY).run()
    test.number_input(key=f"edit:median:{KEY}").set_value(90.0).run()
    assert not test.exception
    changed = test.session_state["view"].changes[KEY]
    assert changed["median"] == 90.0
    assert 80 < changed["interval"][0] < 90 < changed["interval"][1] < 100


def test_the_builder_offers_every_verb_and_tells_what_cannot_be(case: riskcast.Case) -> None:
    test = opened(scenarios_page, case)
    test.selectbox(key="move_indicator").set_value("mood").run()
    verbs = test.segmented_control(key="move_verb:mood")
    assert verbs.options == ["Set to", "Shift by", "Multiply by"]
    assert "middle level" in verbs.help
    verbs.set_value("shift").run()
    size = test.number_input(key="move_value:mood:shift")
    assert size.value == 5.0
    size.set_value(60.0).run()
    test.button(key="add_move").click().run()
    assert "60 takes mood from 55 to 115" in " ".join(error.value for error in test.error)
    test.number_input(key="move_value:mood:shift").set_value(8.0).run()
    test.button(key="add_move").click().run()
    assert not test.exception
    assert [move.shift for move in test.session_state["future_draft"].indicators] == [8.0]
    test.button(key="add_move").click().run()
    test.number_input(key="move_value:mood:shift").set_value(30.0).run()
    test.button(key="add_move").click().run()
    assert "30 takes mood from 71 to 101" in " ".join(error.value for error in test.error)
