"""Pages of a case with every mechanism in it say of each what is so, and of what is assumed that it is."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from parts import reasons
from state import results
from state.session import View
from tests.support.fullcase import write_full_case

PAGE = """
import sidebar
from views import {page}
sidebar.show()
{page}.show()
"""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> riskcast.Case:
    return riskcast.load_case(write_full_case(tmp_path_factory.mktemp("full") / "full"))


def opened(page: str, view: View) -> AppTest:
    app = AppTest.from_string(PAGE.format(page=page), default_timeout=120)
    app.session_state["undo"], app.session_state["redo"], app.session_state["view"] = [], [], view
    app.run()
    assert not app.exception
    return app


def told(app: AppTest) -> list[str]:
    return [each.value for each in (*app.main.markdown, *app.main.caption)]


def test_the_chance_of_a_grave_outcome_is_told_of_every_pair(case: riskcast.Case) -> None:
    view = View(case)
    lines = told(opened("overview", view))
    grave = [dyad.grave for dyad in sorted(results.current(view).risk.dyads, key=lambda each: -each.score.mean)]
    expected = [f"Outcome of severity 60 or more: {riskcast.percent(chance)}" for chance in grave if chance is not None]
    assert [line for line in lines if line.startswith("Outcome of severity")] == expected
    assert len(expected) == 2
    assert any("stands in files as" in line for line in lines)


def test_what_a_scenario_assumes_is_no_judgement_of_the_overview(case: riskcast.Case) -> None:
    view = View(case, scenario="quiet")
    lines = told(opened("overview", view))
    assert lines.count("Outcome of severity 60 or more: ruled out by the scenario") == 2
    [headline] = [line for line in lines if "has the highest score" in line]
    highest = max(results.current(view).risk.dyads, key=lambda dyad: dyad.score.mean)
    estimated = [outcome for outcome in highest.outcomes if not outcome.assumed]
    assert all(outcome.label.lower() in headline for outcome in estimated)
    assert "almost certain" not in headline
    assert ": ." not in headline
    assert sum("against the published baseline" in line for line in lines) == 2


def test_why_tells_tension_and_what_it_does(case: riskcast.Case) -> None:
    view = View(case)
    app = opened("why", view)
    assert any("average times and nothing recent" in line for line in told(app))
    app.toggle(key="why_open:tension:today").set_value(True).run()
    assert not app.exception
    found = riskcast.tension_today(results.current(view).posterior)
    assert found is not None
    tables = [each.value for each in app.main.dataframe if list(each.value.columns) == ["Acts on", "Now"]]
    assert len(tables) == 1
    labels = [case.events[event].label for event in found.factors]
    assert tables[0]["Acts on"].tolist() == labels
    assert tables[0]["Now"].tolist() == [f"×{reasons.ratio(each)}" for each in found.factors.values()]


def test_why_names_no_effect_on_what_the_scenario_rules_out(case: riskcast.Case) -> None:
    view = View(case, scenario="quiet")
    result = results.current(view)
    for dyad in case.dyads:
        now = reasons.today(result, dyad)
        for contribution in results.explained(view).contributions[dyad]:
            acting = reasons.strongest(now, contribution)
            assert acting is None or acting.target != "rupture"
    before = View(case)
    felt = [
        reasons.strongest(reasons.today(results.current(before), dyad), one)
        for dyad in case.dyads
        for one in results.explained(before).contributions[dyad]
    ]
    assert "rupture" in {one.target for one in felt if one is not None}


def test_record_and_priors_are_compared_by_what_is_recorded(case: riskcast.Case) -> None:
    lines = told(opened("record", View(case)))
    assert any("The chance that at least one event is recorded from" in line for line in lines)
