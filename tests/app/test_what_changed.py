"""What changed since an earlier day, as the app shows it once it is asked for."""

from __future__ import annotations

import datetime as dt

import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from state import results
from state.session import View
from tests.comparison.test_what_changed import toy


def page() -> None:
    from parts import what_changed
    from state import results, session

    what_changed.show(results.current(session.view()))


def test_what_changed_is_worked_out_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "DRAWS", 100)
    case = toy()
    app = AppTest.from_function(page, default_timeout=300)
    app.session_state["undo"], app.session_state["redo"], app.session_state["view"] = [], [], View(case)
    app.run()
    assert not app.exception
    assert not [text for text in app.markdown if "rose from" in text.value]
    [day] = app.date_input
    day.set_value(dt.date(2020, 11, 20)).run()
    [go] = app.button
    go.click().run()
    assert not app.exception
    found = riskcast.changed(case, since=dt.date(2020, 11, 20), draws=100, allow_unreliable=True)
    told = [text.value for text in app.markdown]
    assert any("Partner 1" in text for text in told)
    assert len([text for text in told if "Partner" in text]) >= len(found.scores)
    [table] = app.dataframe
    assert list(table.value.columns) == ["what changed it", "points", "± MC"]
