"""Every page of the app draws without an error, and shows what the package computes."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import riskcast

PATIENCE = 120
PAGES = ("overview", "assumptions", "scenarios", "why", "record", "export")
CHANGE = {"indicators.xenophobia.now": {"median": 55.0, "interval": [47.0, 63.0]}}


def script(page: str) -> str:
    return f"""
import sidebar
from state import session
from views import {page}
session.view()
sidebar.show()
{page}.show()
"""


ANY_PAGE = """
import importlib
import sidebar
from parts import door as st
from state import session
session.view()
sidebar.show()
importlib.import_module(f"views.{st.session_state['page']}").show()
"""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_draws(page: str) -> None:
    drawn = AppTest.from_string(script(page), default_timeout=PATIENCE).run()
    assert not drawn.exception
    assert not drawn.error
    assert len(drawn.title) == 1
    assert any("checks passed" in each.value for each in drawn.caption)


def test_pages_of_one_session_take_nothing_of_one_another() -> None:
    drawn = AppTest.from_string(ANY_PAGE, default_timeout=PATIENCE)
    drawn.session_state["page"] = "scenarios"
    drawn.run()
    drawn.session_state["page"] = "assumptions"
    drawn.run()
    drawn.number_input(key="edit:low:indicators.xenophobia.now").set_value(90.0).run()
    assert "Not applied" in " ".join(each.value for each in drawn.error)
    for page in (*PAGES, *reversed(PAGES)):
        drawn.session_state["page"] = page
        drawn.run()
        assert not drawn.exception, page


def test_a_changed_assumption_gives_the_packages_own_numbers() -> None:
    drawn = AppTest.from_string(script("overview"), default_timeout=PATIENCE)
    drawn.run()
    view = drawn.session_state["view"]
    from state import session

    drawn.session_state["view"] = session.replace(view, changes=CHANGE)
    drawn.run()
    assert not drawn.exception
    case = riskcast.apply_overlay(riskcast.load_case("central_asia_2024"), CHANGE)
    posterior = riskcast.fit(case, draws=1000, seed=1)
    risk = riskcast.score(riskcast.forecast(posterior))
    highest = max(risk.dyads, key=lambda dyad: dyad.score.mean)
    told = " ".join(each.value for each in drawn.markdown)
    assert f"**{highest.partner_name}** has the highest score, {highest.score.mean:.0f} of 100" in told
    assert any("1 changed assumption" in each.value for each in drawn.sidebar.markdown)


def test_undo_and_reset_take_changes_back() -> None:
    drawn = AppTest.from_string(script("overview"), default_timeout=PATIENCE)
    drawn.run()
    from state import session

    published = drawn.session_state["view"]
    drawn.session_state["view"] = session.replace(published, changes=CHANGE)
    drawn.run()
    drawn.button(key="reset_button").click().run()
    assert not drawn.session_state["view"].changes
    drawn.button(key="undo_button").click().run()
    assert dict(drawn.session_state["view"].changes) == CHANGE
    drawn.button(key="redo_button").click().run()
    assert not drawn.session_state["view"].changes
