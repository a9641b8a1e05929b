"""The page Track record: what to do where nothing is published, and what became of what is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from riskcast.ledger.entries import append
from riskcast.ledger.places import find_place
from riskcast.ledger.records import LedgerAnswer, LedgerForecast, LedgerQuestion
from riskcast.ledger.store import writing

PAGE = "from views import track_record\n\ntrack_record.show()\n"


def drawn() -> AppTest:
    page = AppTest.from_string(PAGE, default_timeout=120).run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    return "\n".join(each.value for kind in (page.markdown, page.caption, page.info, page.title) for each in kind)


def fill(place: Path) -> None:
    """Twelve months of questions: the model knows a little, somebody says too much and writes markup."""
    now = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
    questions, forecasts, answers = [], [], []
    for month in range(1, 13):
        first = dt.date(2023, month, 2)
        last = dt.date(2023 + month // 12, month % 12 + 1, 1)
        name = f"{month:012x}"
        questions.append(
            LedgerQuestion(
                *(name, "small", "Small", "HHH", "0" * 64, "run", "HHH-AAA", "*Aland*", "protest", "Protest"),
                *(first, last, last, "It is made.", "Less.", "The record", 30.0, dt.date(2023, month, 1)),
            )
        )
        came = month % 4 == 0
        for who, kind, chance in (("model", "model", 0.4 if came else 0.2), ("**she**", "person", 0.8)):
            forecasts.append(LedgerForecast(name, who, kind, chance))
        answer = "yes" if came else "no"
        answers.append(LedgerAnswer(name, answer, last if came else None, "record", True, "0" * 64, last))
    with writing(find_place(place)) as connection:
        append(connection, [*questions, *forecasts], "tester", now)
    with writing(find_place(place)) as connection:
        append(connection, answers, "tester", dt.datetime.now(dt.UTC))


def test_where_nothing_is_published_the_page_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKCAST_LEDGER", str(tmp_path / "none.sqlite"))
    said = words(drawn())
    assert "there is no ledger" in said
    assert "riskcast publish runs/RUN" in said
    assert not list(tmp_path.iterdir())


def test_the_page_shows_misses_biases_and_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "ledger.sqlite"
    fill(place)
    monkeypatch.setenv("RISKCAST_LEDGER", str(place))
    page = drawn()
    said = words(page)
    assert "12 questions answered" in said
    assert "says 80 % on average where 25 % came: too high by" in said
    assert "did worse than riskcast on 12 questions that both answered" in said
    assert "Protest" in said
    # What others wrote is words.
    assert "**she**" not in said
    assert "*Aland*" not in said
    assert page.selectbox(key="track_curve").options == ["riskcast", "**she**"]


def test_a_track_record_is_worked_out_once_until_the_ledger_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "ledger.sqlite"
    fill(place)
    monkeypatch.setenv("RISKCAST_LEDGER", str(place))
    worked_out, track = [], riskcast.track
    monkeypatch.setattr(
        riskcast, "track", lambda contents, *given, **more: (worked_out.append(1), track(contents, *given, **more))[1]
    )
    page = drawn()
    page.selectbox(key="track_curve").set_value("**she**").run()
    assert not page.exception
    assert len(worked_out) == 1
    contents = riskcast.read_ledger(place)
    name = next(iter(contents.questions))
    with writing(find_place(place)) as connection:
        late = LedgerForecast(name, "late", "person", 0.5, late=True)
        append(connection, [late], "tester", dt.datetime.now(dt.UTC))
    page.run()
    assert not page.exception
    assert len(worked_out) == 2
