"""Runs published, answered and scored: who said what, when, and what is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import riskcast
from riskcast.errors import CaseError, OptionError, RiskcastError, UnknownNameError
from riskcast.ledger import resolving
from riskcast.ledger.outside_numbers import OutsideNumber, read_numbers, read_probability
from riskcast.verification.forecasters import OF_RECORD, PRIOR_ONLY
from riskcast.verification.record_alone import chance_by_reference
from riskcast.verification.resolution import what_followed
from tests.ledger.conftest import AS_OF, MORNING
from tests.support import smallcase

AFTER = dt.datetime(2021, 1, 1, 9, tzinfo=dt.UTC)
FORECASTERS = {"model", PRIOR_ONLY, *OF_RECORD}


def number(question: str, chance: float) -> OutsideNumber:
    return OutsideNumber(question, chance)


@pytest.fixture
def published(place: str, run: riskcast.Run) -> str:
    """A ledger with the questions of a run."""
    riskcast.publish(run, place, now=MORNING)
    return place


def test_a_run_is_published_with_all_that_is_verified(place: str, run: riskcast.Run) -> None:
    made = riskcast.publish(run, place, now=MORNING)
    contents = riskcast.read_ledger(place)
    ahead = run.forecasts[0]
    assert [(q.unit, q.outcome) for q in made.questions] == [
        ("HHH-AAA", "protest"),
        ("HHH-BBB", "protest"),
        ("HHH", "decree"),
    ]
    for question in made.questions:
        kind = run.case.events[question.outcome]
        assert (question.first, question.last) == (dt.date(2020, 1, 1), dt.date(2020, 12, 31)) == ahead.window
        assert (question.deadline, question.severity) == (question.last, kind.severity)
        assert question.rules == (kind.resolution.yes, kind.resolution.no, kind.resolution.resolved_by)
        assert {who for name, who in contents.forecasts if name == question.id} == FORECASTERS
        [(_, model)] = contents.forecasts[question.id, "model"]
        estimate = ahead.recorded(question.outcome, question.unit)
        assert (model.probability, model.low, model.high) == pytest.approx((estimate.mean, estimate.low, estimate.high))
        column = run.case.units(question.outcome).index(question.unit)
        for name in OF_RECORD:
            [(_, said)] = contents.forecasts[question.id, name]
            expected = chance_by_reference(name, ahead.posterior.record, question.outcome, 12)[column]
            assert said.probability == pytest.approx(float(expected))
    assert made.receipt == riskcast.verify_ledger(place).last


def test_a_run_that_is_there_is_not_added_again(published: str, run: riskcast.Run) -> None:
    before = riskcast.read_ledger(published).entries
    again = riskcast.publish(run, published, now=MORNING + dt.timedelta(days=3))
    assert (again.entries, again.already, again.receipt) == ((), 3 * len(FORECASTERS), "")
    assert riskcast.read_ledger(published).entries == before


def test_shorter_windows_are_questions_of_their_own(place: str, run: riskcast.Run) -> None:
    made = riskcast.publish(run, place, horizons=[1, 12], now=MORNING)
    by_window = {q.last: q for q in made.questions if q.outcome == "decree"}
    assert sorted(by_window) == [dt.date(2020, 1, 31), dt.date(2020, 12, 31)]
    said = {(f.question, f.forecaster): f.probability for f in made.forecasts}
    short, long = by_window[dt.date(2020, 1, 31)].id, by_window[dt.date(2020, 12, 31)].id
    ahead = run.forecasts[0]
    assert said[short, "model"] == pytest.approx(float(ahead.simulated.verifiable.by_period["decree"][0, 0]))
    assert all(said[short, name] < said[long, name] for name in FORECASTERS - {"persistence"})
    with pytest.raises(OptionError, match="from 1 to the run's 12"):
        riskcast.publish(run, place, horizons=[13], now=MORNING)


def test_registration_comes_before_answers(place: str, run: riskcast.Run, case: riskcast.Case) -> None:
    with pytest.raises(OptionError, match="was to be forecast by 2020-12-31; add --late"):
        riskcast.publish(run, place, now=AFTER)
    assert riskcast.publish(run, place, now=AFTER, late=True).late == 3 * len(FORECASTERS)
    riskcast.resolve(case, place, now=AFTER)
    record = riskcast.track(place, AFTER.date())
    assert (record.questions, record.late) == (0, 3 * len(FORECASTERS))
    assert riskcast.track(place, AFTER.date(), count_late=True).questions == 3


def test_a_deadline_ends_registration(place: str, run: riskcast.Run) -> None:
    riskcast.publish(run, place, deadline=dt.date(2020, 2, 1), now=MORNING)
    late = dt.datetime(2020, 2, 2, 1, tzinfo=dt.UTC)
    with pytest.raises(OptionError, match="was to be forecast by 2020-02-01"):
        riskcast.publish_numbers([number("HHH-AAA protest", 0.3)], "me", place, now=late)
    with pytest.raises(OptionError, match="after the end of a window"):
        riskcast.publish(run, place, deadline=dt.date(2021, 2, 1), now=MORNING)


def test_the_record_answers_by_rule(published: str, case: riskcast.Case, run: riskcast.Run) -> None:
    early = riskcast.resolve(run.case, published, now=MORNING)
    assert early.entries == ()
    assert {why for _, why in early.open} == {"its window begins on 2020-01-01"}
    found = riskcast.resolve(case, published, now=AFTER)
    questions = riskcast.read_ledger(published).questions
    said = {(questions[a.question].unit, questions[a.question].outcome): a for a in found.answers}
    assert said["HHH-AAA", "protest"].answer == "yes"
    assert said["HHH-AAA", "protest"].happened == dt.date(2020, 10, 1)
    assert (said["HHH-BBB", "protest"].answer, said["HHH", "decree"].answer) == ("no", "no")
    assert all(answer.by_rule and answer.case_hash == case.hash for answer in found.answers)
    # Nothing is answered twice.
    assert riskcast.resolve(case, published, now=AFTER).entries == ()


def test_questions_of_one_kind_and_window_are_looked_up_in_the_record_once(
    published: str, case: riskcast.Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def watched(case: riskcast.Case, record: Any, event: str, *window: dt.date, disputed: bool) -> Any:
        asked.append((event, disputed))
        return what_followed(case, record, event, *window, disputed=disputed)

    monkeypatch.setattr(resolving, "what_followed", watched)
    assert len(riskcast.resolve(case, published, now=AFTER).answers) == 3
    assert sorted(asked) == [("decree", False), ("decree", True), ("protest", False), ("protest", True)]


def test_what_the_record_cannot_tell_stays_open(published: str, tmp_path: Path) -> None:
    short = smallcase.CASE.replace("recorded_until: 2020-12-31", "recorded_until: 2020-11-30")
    folder = smallcase.write_files(tmp_path / "small", case_yaml=short)
    found = riskcast.resolve(riskcast.load_case(folder), published, now=AFTER)
    assert [answer.answer for answer in found.answers] == ["yes"]
    assert {why for _, why in found.open} == {
        "the record does not cover all of its window, or an event is known to the month or year alone"
    }


def test_a_disputed_event_is_scored_both_ways(published: str, tmp_path: Path) -> None:
    events = smallcase.EVENTS_CSV.replace("A late protest,survey,located", "A late protest,survey,disputed")
    disputed = riskcast.load_case(smallcase.write_files(tmp_path / "small", history_events_csv=events))
    found = riskcast.resolve(disputed, published, now=AFTER)
    assert sorted(answer.answer for answer in found.answers) == ["disputed", "no", "no"]
    model = riskcast.track(published, AFTER.date()).forecasters[0]
    assert model.disputed == 1
    assert model.brier_range is not None
    assert model.brier_range[0] < model.brier_range[1]


def test_a_late_find_is_told_and_superseded_only_when_asked(
    published: str, case: riskcast.Case, tmp_path: Path
) -> None:
    riskcast.resolve(case, published, now=AFTER)
    events = smallcase.EVENTS_CSV + '2020-06-07,day,decree,HHH,HHH,"Found later",archive,located\n'
    other = riskcast.load_case(smallcase.write_files(tmp_path / "small", history_events_csv=events))
    found = riskcast.resolve(other, published, now=AFTER)
    assert [(q.outcome, was, now) for q, was, now in found.changed] == [("decree", "no", "yes")]
    assert found.entries == ()
    again = riskcast.resolve(other, published, now=AFTER, supersede=True)
    assert [(answer.answer, answer.supersedes is not None) for answer in again.answers] == [("yes", True)]
    contents = riskcast.read_ledger(published)
    [decree] = [q for q in contents.questions.values() if q.outcome == "decree"]
    assert [a.answer for _, a in contents.history_of_answers[decree.id]] == ["no", "yes"]
    assert riskcast.verify_ledger(published).holds


def test_answers_by_hand(published: str) -> None:
    contents = riskcast.read_ledger(published)
    first, second, third = contents.questions
    june = dt.datetime(2020, 6, 8, tzinfo=dt.UTC)
    usual: dict[str, Any] = {"answer": "yes", "source": "A paper", "ledger": published, "now": june}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"answer": "maybe"}, "give one of yes, no, void, disputed"),
        ({"source": " "}, "needs a source"),
        ({"answer": "no"}, "runs until 2020-12-31"),
        ({}, "give it with --happened"),
        ({"happened": dt.date(2019, 6, 7)}, "outside the window"),
        ({"happened": dt.date(2020, 6, 9)}, "lies ahead"),
        ({"answer": "void", "happened": dt.date(2020, 6, 7)}, "exclude one another"),
    ]
    for given, told in wrong:
        with pytest.raises(OptionError, match=told):
            riskcast.resolve_by_hand(first, **usual | given)
    with pytest.raises(UnknownNameError):
        riskcast.resolve_by_hand("ffff", "void", "A paper", published, now=june)
    riskcast.resolve_by_hand(first[:6], "yes", "A paper", published, happened=dt.date(2020, 6, 7), now=june)
    with pytest.raises(OptionError, match=r"was answered yes on 2020-06-08.*add --supersede"):
        riskcast.resolve_by_hand(first, "void", "Another paper", published, now=june)
    riskcast.resolve_by_hand(first, "void", "Another paper", published, now=june, supersede=True)
    riskcast.resolve_by_hand(second, "disputed", "Two papers", published, now=june)
    riskcast.resolve_by_hand(third, "no", "An archive", published, now=AFTER)
    record = riskcast.track(published, dt.date(2021, 1, 2))
    assert (record.questions, record.void, record.waiting) == (2, 1, 0)


def test_people_and_crowds_are_scored_beside_the_model(published: str, case: riskcast.Case, tmp_path: Path) -> None:
    riskcast.publish_numbers([number("HHH-AAA protest", 0.9)], "me", published, now=MORNING)
    file = tmp_path / "crowd.csv"
    file.write_text("unit,outcome,probability,source\nHHH-AAA,protest,0.6,https://example.org/1\nHHH,decree,0.1,\n")
    crowd = riskcast.publish_numbers(read_numbers(file), "Metaculus", published, kind="crowd", now=MORNING)
    assert [(each.probability, each.kind) for each in crowd.forecasts] == [(0.6, "crowd"), (0.1, "crowd")]
    # In June somebody learns more; in November everybody knows.
    june, november = (dt.datetime(2020, month, 1, tzinfo=dt.UTC) for month in (6, 11))
    with pytest.raises(OptionError, match=r"has said 0\.9 already.*add --supersede"):
        riskcast.publish_numbers([number("HHH-AAA protest", 0.7)], "me", published, now=june)
    riskcast.publish_numbers([number("HHH-AAA protest", 0.7)], "me", published, now=june, supersede=True)
    riskcast.publish_numbers([number("HHH-AAA protest", 1.0)], "me", published, now=november, supersede=True)
    riskcast.resolve(case, published, now=AFTER)
    record = riskcast.track(published, dt.date(2021, 1, 5))
    by_name = {each.forecaster: each for each in record.forecasters}
    # The last forecast before the event counts.
    assert by_name["me"].brier.value == pytest.approx(0.3**2)
    assert by_name["Metaculus"].brier.value == pytest.approx((0.4**2 + 0.1**2) / 2)
    assert [each.forecaster for each in record.forecasters][:3] == ["model", "me", "Metaculus"]
    assert ("me", "model") in {(pair.forecaster, pair.against) for pair in record.pairs}
    with pytest.raises(OptionError, match="is answered: yes"):
        riskcast.publish_numbers([number("HHH-AAA protest", 0.5)], "she", published, now=AFTER)


def test_what_changed_under_a_published_question_is_told(
    published: str, case: riskcast.Case, run: riskcast.Run, tmp_path: Path
) -> None:
    outcomes = smallcase.OUTCOMES.replace("severity: 30", "severity: 45").replace(
        "yes: It is signed.", "yes: It is read."
    )
    changed = riskcast.load_case(smallcase.write_files(tmp_path / "small", outcomes_yaml=outcomes))
    again = riskcast.publish(riskcast.run(changed, as_of=AS_OF, draws=100), published, now=MORNING, supersede=True)
    assert any("the severity of protest was 30" in line and "is 45 now" in line for line in again.told)
    assert any("the rule of decree changed" in line for line in again.told)
    # The question by the new rule is another one.
    assert [question.outcome for question in again.questions] == ["decree"]
    found = riskcast.resolve(changed, published, now=AFTER)
    assert any("severity of protest" in line for line in found.told)
    assert [why for _, why in found.open] == ["its rule changed since it was published; answer it by hand"]


def test_another_case_is_refused(published: str, run: riskcast.Run, tmp_path: Path) -> None:
    texts = {name: text.replace("HHH", "GGG") for name, text in smallcase.FILES.items()}
    folder = tmp_path / "small"
    smallcase.write_files(folder, **{name.replace("/", "_").replace(".", "_"): text for name, text in texts.items()})
    other = riskcast.load_case(folder)
    with pytest.raises(OptionError, match=r"is of HHH .*this run of GGG"):
        riskcast.publish(riskcast.run(other, as_of=AS_OF, draws=100), published, now=MORNING)
    with pytest.raises(OptionError, match=r"is of HHH .*this one of GGG"):
        riskcast.resolve(other, published, now=AFTER)
    with pytest.raises(OptionError, match="no question of elsewhere"):
        riskcast.resolve(other.revised(name="elsewhere"), published, now=AFTER)
    with pytest.raises(OptionError, match="give the later edition"):
        riskcast.resolve(riskcast.case_as_of(run.case, dt.date(2019, 6, 30)), published, now=AFTER)


def test_what_cannot_be_verified_is_refused(place: str, case: riskcast.Case) -> None:
    storm = riskcast.run(case, ["storm"], as_of=AS_OF, draws=100)
    with pytest.raises(OptionError, match="has no baseline"):
        riskcast.publish(storm, place, now=MORNING)
    alone = riskcast.run(case, as_of=AS_OF, draws=100, prior_only=True)
    with pytest.raises(OptionError, match="leaves the record out"):
        riskcast.publish(alone, place, now=MORNING)
    with pytest.raises(OptionError, match="no ledger"):
        riskcast.read_ledger(place)


def test_nothing_is_begun_by_an_answer_or_a_number(place: str, case: riskcast.Case, tmp_path: Path) -> None:
    for act in (
        lambda: riskcast.resolve(case, place, now=AFTER),
        lambda: riskcast.resolve_by_hand("aaaa", "void", "A paper", place, now=AFTER),
        lambda: riskcast.publish_numbers([number("HHH-AAA protest", 0.3)], "me", place, now=MORNING),
    ):
        with pytest.raises(OptionError, match=r"no ledger.*riskcast publish RUN"):
            act()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("30", "write 0.3 for 30 %"),
        ("30 %", "write 0.3"),
        ("often", "a number from 0 to 1"),
        ("nan", "0 to 1"),
        ("-1", "0 to 1"),
    ],
)
def test_what_is_no_probability_is_told(given: str, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        read_probability(given)


def test_a_table_says_which_lines_are_wrong(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("question,probability,as_of\naaaa,30,\nbbbb,0.3,yesterday\ncccc,0.2,2020-01-01\n")
    with pytest.raises(CaseError) as found:
        read_numbers(file)
    assert "mine.csv:2: 30 is no probability; write 0.3 for 30 %" in str(found.value)
    assert "mine.csv:3: as_of is 'yesterday'; give a day as YYYY-MM-DD" in str(found.value)
    file.write_text('question,probability\naaaa,"30,5"\nbbbb,30 %\ncccc,na\ndddd,true\n')
    with pytest.raises(CaseError) as found:
        read_numbers(file)
    for line, wrong in enumerate(
        ("30.5 is no probability; write 0.305", "'30 %' is no", "'na' is no", "'true' is no"), 2
    ):
        assert f"mine.csv:{line}: {wrong}" in str(found.value)
    file.write_text("probability\n0.3\n")
    with pytest.raises(CaseError, match="neither a column `question`"):
        read_numbers(file)


def test_a_table_with_decimal_commas_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("question;probability\naaaa;0,35\nbbbb;0\n")
    assert [each.probability for each in read_numbers(file)] == [0.35, 0.0]
    file.write_text("question;probability\naaaa;0,35\nbbbb;0.4\n")
    with pytest.raises(CaseError, match="write all decimals with points"):
        read_numbers(file)


@pytest.mark.parametrize(
    ("question", "by", "told"),
    [
        ("HHH-CCC protest", "me", "unknown question 'HHH-CCC protest'; did you mean"),
        ("ffffffff", "me", "unknown question 'ffffffff'"),
        ("protest", "me", "names no question"),
        ("HHH-AAA protest 2019-01-31", "me", "none of the questions"),
        ("HHH-AAA protest", "model", "a forecaster of riskcast's own"),
        ("HHH-AAA protest", " ", "give 1 to 100 with --by"),
    ],
)
def test_questions_and_names_that_are_none_are_told(published: str, question: str, by: str, told: str) -> None:
    with pytest.raises(RiskcastError, match=told):
        riskcast.publish_numbers([number(question, 0.3)], by, published, now=MORNING)


def test_no_forecast_is_added_where_one_of_them_is_refused(published: str) -> None:
    before = riskcast.read_ledger(published).entries
    numbers = [number("HHH-AAA protest", 0.3), number("HHH-CCC protest", 0.3)]
    with pytest.raises(RiskcastError):
        riskcast.publish_numbers(numbers, "me", published, now=MORNING)
    twice = [number("HHH-AAA protest", 0.3), replace(numbers[0], probability=0.4)]
    with pytest.raises(OptionError, match="is given two probabilities"):
        riskcast.publish_numbers(twice, "me", published, now=MORNING)
    assert riskcast.read_ledger(published).entries == before
