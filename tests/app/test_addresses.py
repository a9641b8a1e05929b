"""Addresses: each says which case it belongs to, and changes no other; what no page made of one is refused in words."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from state import session
from state.kept_cases import KeptCases, kept_cases, short_hash, size_of
from state.session import View
from tests.support.smallcase import FILES, write_files

LEVEL = "indicators.xenophobia.now"
HIGHER = {LEVEL: {"median": 55.0, "interval": [47.0, 63.0]}}


def page() -> None:
    import sidebar
    from state import session

    session.view()
    sidebar.show()
    session.write_address()


def opened(**address: str) -> AppTest:
    """A fresh session at an address."""
    test = AppTest.from_function(page, default_timeout=60)
    for key, value in address.items():
        test.query_params[key] = value
    return test.run()


def address_of(test: AppTest) -> dict[str, str]:
    return {key: value[0] if isinstance(value, list) else value for key, value in test.query_params.items()}


def seen(test: AppTest) -> View:
    assert not test.exception
    return test.session_state["view"]


def warned(test: AppTest) -> str:
    return "\n".join(warning.value for warning in test.warning)


def packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(content)).decode().rstrip("=")


@pytest.fixture(scope="module")
def published() -> riskcast.Case:
    return riskcast.load_case("central_asia_2024")


@pytest.fixture
def ministry(tmp_path: Path) -> riskcast.Case:
    """A case that somebody has uploaded."""
    return riskcast.load_case(write_files(tmp_path / "ministry"))


def at(view: View) -> dict[str, str]:
    """The address of a view."""
    test = AppTest.from_function(page, default_timeout=60)
    test.session_state["view"], test.session_state["undo"], test.session_state["redo"] = view, [], []
    return address_of(test.run())


def test_an_address_names_its_case_and_hash(published: riskcast.Case) -> None:
    assert at(View(published)) == {"case": "central_asia_2024", "hash": published.hash[:16]}
    assert seen(opened(**at(View(published, HIGHER)))) == View(published, HIGHER)


def test_an_address_of_another_edition_changes_nothing_and_says_so(published: riskcast.Case) -> None:
    test = opened(**(at(View(published, HIGHER, "second_attack")) | {"hash": "0123456789abcdef"}))
    assert seen(test) == View(published)
    assert "another edition of central_asia_2024" in warned(test)
    assert "Nothing in the address is applied" in warned(test)


@pytest.mark.parametrize("name", ["overlay", "built", "observed"])
def test_changes_that_do_not_say_whose_they_are_are_not_applied(name: str, published: riskcast.Case) -> None:
    test = opened(case="central_asia_2024", **{name: session.encode(HIGHER)})
    assert seen(test) == View(published)
    assert "does not say by hash" in warned(test)


def test_the_address_of_an_uploaded_case_leads_back_to_it_while_the_app_keeps_it(ministry: riskcast.Case) -> None:
    changes = {"indicators.mood.now": {"median": 60.0, "interval": [52.0, 68.0]}}
    address = at(View(ministry, changes))
    test = opened(**address)
    assert seen(test).case.name == "central_asia_2024"
    assert not seen(test).changes
    assert "'ministry', which is not here" in warned(test)
    kept_cases().keep(ministry)
    assert seen(opened(**address)) == View(ministry, changes)
    kept_cases.clear()


def test_an_uploaded_case_is_kept(ministry: riskcast.Case) -> None:
    test = opened()
    for name, text in FILES.items():
        test.file_uploader[0].upload(f"ministry/{name}", text.encode())
    view = seen(test.run())
    assert kept_cases().find(view.case.name, short_hash(view.case)) == view.case
    assert seen(opened(**address_of(test))).case == view.case
    kept_cases.clear()


def test_the_cases_that_were_looked_at_last_are_kept(ministry: riskcast.Case) -> None:
    kept = KeptCases(most_bytes=2 * size_of(ministry))
    second, third = (ministry.revised(name=name) for name in ("second", "third"))
    kept.keep(ministry)
    kept.keep(second)
    assert kept.find("ministry", short_hash(ministry)) == ministry
    kept.keep(third)
    assert kept.find("second", short_hash(second)) is None
    assert kept.find("ministry", short_hash(ministry)) == ministry
    alone = KeptCases(most_bytes=1)
    alone.keep(second)
    assert alone.find("second", short_hash(second)) == second


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (packed(b'{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}"), "nests too deeply"),
        (packed(b"[" * 400_000 + b"]" * 400_000), "holds too much"),
        (packed(b'{"%b":{"value":1},"%b":{"value":2}}' % (LEVEL.encode(), LEVEL.encode())), "a key twice"),
        (packed(b'{"%b":{"value":NaN}}' % LEVEL.encode()), "NaN, which is no number"),
        (packed(json.dumps({LEVEL: {"value": 1.0, "evidence": {"claim": "x" * 3000}}}).encode()), "2000 characters"),
        (packed(b"[1]"), "nothing by name"),
        (packed(b"3"), "nothing by name"),
        (packed(b'{"a"'), "cannot be used"),
        (packed(b"\xff\xfe"), "cannot be used"),
        (packed(b'{"a":1}')[:-6], "cannot be used"),
        ("&&&", "cannot be used"),
        ("x" * 60_001, "too long"),
        ("", "cannot be used"),
    ],
)
def test_what_no_page_has_written_is_refused_in_words(text: str, said: str, published: riskcast.Case) -> None:
    test = opened(hash=short_hash(published), overlay=text)
    assert seen(test) == View(published)
    assert said in warned(test)
    assert "changes in the address cannot be used" in warned(test)


def test_more_assumptions_than_anybody_builds_are_refused(published: riskcast.Case) -> None:
    move = {"indicator": "xenophobia", "shift": 0.1}
    built = {"many": {"label": "Many", "story": "S", "indicators": [move] * 101}}
    test = opened(hash=short_hash(published), built=session.encode(built))
    assert not seen(test).built
    assert "101 assumptions in one scenario" in warned(test)


def test_an_address_that_says_something_twice_is_not_applied(published: riskcast.Case) -> None:
    test = AppTest.from_function(page, default_timeout=60)
    test.query_params["hash"] = short_hash(published)
    test.query_params["overlay"] = [session.encode(HIGHER), session.encode({LEVEL: {"value": 60.0}})]
    assert seen(test.run()) == View(published)
    assert "says twice what overlay is" in warned(test)


@pytest.mark.parametrize("digits", [16, 20, 64])
def test_a_hash_may_be_given_with_all_its_digits(published: riskcast.Case, digits: int) -> None:
    test = opened(hash=published.hash[:digits], overlay=session.encode(HIGHER))
    assert seen(test) == View(published, HIGHER)


def test_all_that_is_wrong_is_told(published: riskcast.Case) -> None:
    test = opened(hash=short_hash(published), overlay="&", built="&", scenario="nowhere")
    assert len(test.warning) == 3


def event(case: riskcast.Case, **other: Any) -> dict[str, Any]:
    row = {"date": "2020-06-01", "precision": "day", "type": "protest", "dyad": "HHH-AAA", "initiator": "AAA"}
    return row | {"description": "A march", "sources": [], "status": "unverified"} | other


def observing() -> None:
    from state import session

    session.view()
    for row in session.st.session_state["rows"]:
        try:
            session.observe(row)
        except ValueError as error:
            session.complain(str(error))


def test_an_event_alike_in_every_cell_is_refused_and_no_other_is_lost(ministry: riskcast.Case) -> None:
    test = AppTest.from_function(observing, default_timeout=60)
    test.session_state["view"], test.session_state["undo"], test.session_state["redo"] = View(ministry), [], []
    rows = [event(ministry), event(ministry, date="2020-07-01"), event(ministry)]
    test.session_state["rows"] = rows
    assert seen(test.run()).observed == tuple(rows[:2])
    [complaint] = test.session_state["complaints"]
    assert "is added already" in complaint
