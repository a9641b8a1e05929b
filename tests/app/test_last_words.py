"""What a page says where something ends that nobody foresaw."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from riskcast.errors import DEBUG

PATIENCE = 60.0


def failing(kind: str) -> None:
    import numpy as np
    import streamlit as st

    import riskcast
    from parts import last_words

    errors = {
        "singular": np.linalg.LinAlgError("Singular matrix"),
        "memory": MemoryError(),
        "refused": riskcast.RiskcastError("the case has no *pairs*; add some"),
    }
    with last_words.spoken():
        st.write("begun")
        raise errors[kind]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("singular", "LinAlgError (Singular matrix)"),
        ("memory", "not enough memory"),
        ("refused", r"the case has no \*pairs\*; add some"),
    ],
)
def test_a_page_that_ends_says_so_in_words(kind: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEBUG)
    drawn = AppTest.from_function(failing, default_timeout=PATIENCE, args=(kind,)).run()
    assert not drawn.exception
    [said] = drawn.error
    assert words in said.value
    assert "Undo" in drawn.caption[0].value


def test_with_debug_set_the_error_itself_is_shown() -> None:
    drawn = AppTest.from_function(failing, default_timeout=PATIENCE, args=("singular",)).run()
    assert [each.message for each in drawn.exception] == ["Singular matrix"]
    assert not drawn.error


def test_the_sidebar_stands_where_a_page_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.places import APP
    from views import overview

    def fail() -> None:
        raise FloatingPointError("overflow")

    monkeypatch.delenv(DEBUG)
    monkeypatch.setattr(overview, "show", fail)
    drawn = AppTest.from_file(str(APP / "main.py"), default_timeout=PATIENCE).run()
    assert not drawn.exception
    assert any("FloatingPointError (overflow)" in each.value for each in drawn.error)
    assert any("Russia" in each.value for each in drawn.sidebar.markdown)
