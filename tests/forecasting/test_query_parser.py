"""The language of queries: what it reads, what it writes back, and what it says of what it cannot read."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, strategies as st

from riskcast.forecasting.query_parser import parse_query
from riskcast.forecasting.query_terms import (
    And,
    Counted,
    Follows,
    Happens,
    LevelIs,
    Not,
    Or,
    Query,
    ScoreIs,
    Term,
    Vocabulary,
    bound,
    leaves,
)
from riskcast.forecasting.query_tokens import QueryError

ENDS = tuple(dt.date(2030, month, 28) for month in range(1, 6))
NAMES = Vocabulary(
    events={"note": False, "rupture": False, "mass_expulsion": False, "decree": True},
    indicators={"mood": True, "trade": False},
    outcomes=("note", "rupture"),
    dyads={"RUS-TJK": "RUS-TJK", "TJK": "RUS-TJK", "RUS-UZB": "RUS-UZB", "UZB": "RUS-UZB"},
    host="RUS",
    ends=ENDS,
    horizon=4,
    period="month",
)
NOTE, RUPTURE, DECREE = Happens("note"), Happens("rupture"), Happens("decree", "RUS")


def read(text: str) -> Query:
    return parse_query(text, NAMES)


@pytest.mark.parametrize(
    ("text", "event", "given_that"),
    [
        ("note", NOTE, None),
        ("P(note)", NOTE, None),
        ("P(note | decree)", NOTE, DECREE),
        ("note given RUS:decree", NOTE, DECREE),
        ("P(TJK:note by month 3 | RUS-UZB:rupture)", Happens("note", "RUS-TJK", 1, 3), Happens("rupture", "RUS-UZB")),
        ("note in month 2", Happens("note", None, 2, 2), None),
        ("note in months 2 to 4", Happens("note", None, 2, 4), None),
        ("note in months 2-4", Happens("note", None, 2, 4), None),
        ("note from month 2", Happens("note", None, 2, 5), None),
        ("note within 3 months", Happens("note", None, 1, 3), None),
        ("note within 4 months", Happens("note", None, 1, 5), None),
        ("note by 2030-02-28", Happens("note", None, 1, 2), None),
        ("any:note or every:rupture", Or((Happens("note", "any"), Happens("rupture", "every"))), None),
        ("not note and rupture or decree", Or((And((Not(NOTE), RUPTURE)), DECREE)), None),
        ("not (note or rupture)", Not(Or((NOTE, RUPTURE))), None),
        (
            "(note or rupture in month 1) by month 2",
            Or((Happens("note", None, 1, 2), Happens("rupture", None, 1, 1))),
            None,
        ),
        ("note after mass_expulsion", Follows(NOTE, Happens("mass_expulsion")), None),
        ("note before rupture", Follows(RUPTURE, NOTE), None),
        ("note within 2 months after rupture", Follows(NOTE, RUPTURE, 2), None),
        ("score >= 60", ScoreIs(">=", 60.0), None),
        ("UZB:score ≤ 12.5", ScoreIs("<=", 12.5, "RUS-UZB"), None),
        ("mood > -3", LevelIs("mood", ">", -3.0, "RUS"), None),
        ("trade < 4", LevelIs("trade", "<", 4.0), None),
        ("at least 2 outcomes", Counted(2, None, (NOTE, RUPTURE), "at least 2 outcomes"), None),
        ("at most 1 of (note, decree)", Counted(0, 1, (NOTE, DECREE), "at most 1 of (note, decree)"), None),
        ("exactly 1 outcomes", Counted(1, 1, (NOTE, RUPTURE), "exactly 1 outcomes"), None),
    ],
)
def test_queries_mean_what_they_say(text: str, event: Term, given_that: Term | None) -> None:
    found = read(text)
    assert (found.event, found.given) == (event, given_that)
    assert found.is_open == any(leaf.whom is None for term in (event, given_that) if term for leaf in leaves(term))
    asked = found.about("RUS-UZB")
    assert not asked.is_open
    assert asked.event == bound(event, "RUS-UZB")


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        ("", 1, "it is empty"),
        ("P(nota)", 3, "unknown event or indicator 'nota'; did you mean 'note'?"),
        ("expulsion", 1, "did you mean 'mass_expulsion'?"),
        ("TJQ:note", 1, "unknown dyad 'TJQ'; did you mean 'TJK'?"),
        ("TJK", 1, "TJK is a dyad; write TJK: and an event"),
        ("TJK:decree", 5, "the same for all dyads; write decree without a dyad"),
        ("RUS:note", 5, "note is of a dyad, not of RUS"),
        ("note by month 6", 15, "the horizon ends in month 5"),
        ("note by month 0", 15, "no whole number from 1"),
        ("note by week 2", 9, "the case counts months"),
        ("note within 9 months", 6, "the horizon has 4 months"),
        ("note within 2 weeks", 15, "the case counts months"),
        ("note by 2030-02-15", 9, "ends on 2030-02-15; give 2030-01-28 or 2030-02-28"),
        ("note by 2030-02-31", 9, "is no day"),
        ("note in 2030-02-28", 9, "a day ends a time"),
        ("note in months 3 to 2", 18, "it ends in month 2, before it begins"),
        ("note and", 9, "the query ends here; name an event"),
        ("note rupture", 6, "`rupture` is not expected here; join terms"),
        ("P(note | decree", 16, "`)` ends what P( begins"),
        ("(note", 6, "`)` ends what `(` begins"),
        ("note)", 5, "`)` is not expected here"),
        ("score", 6, "a comparison follows score"),
        ("score > 101", 9, "scores lie from 0 to 100"),
        ("score > note", 9, "a number follows >"),
        ("score > 5 by month 2", 11, "leave out the time"),
        ("mood after note", 6, "a comparison follows mood"),
        ("(note or rupture) after decree", 19, "stands between two events"),
        ("note after score > 5", 12, "stands between two events"),
        ("every:note after rupture", 12, "not of every:"),
        ("at last 2 outcomes", 1, "write at least, at most or exactly"),
        ("at least 3 outcomes", 12, "it counts 2 terms, of which 3 cannot hold"),
        ("at least 2 things", 12, "write `outcomes`, or a list"),
        ("note & rupture", 6, "'&' has no meaning here"),
        ("(" * 60 + "note", 41, "nested more than 40 deep"),
        ("note " * 600, 1, "characters; ask with at most 2,000"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_column_and_mend(text: str, column: int, told: str) -> None:
    with pytest.raises(QueryError) as caught:
        read(text)
    assert caught.value.column == column, str(caught.value)
    assert told in str(caught.value)
    *_, shown, mark = str(caught.value).splitlines()
    assert len(mark) == 2 + column
    assert shown.strip() or not text.strip()


SPANS = st.one_of(
    st.just((1, None)), st.tuples(st.integers(1, 5), st.integers(1, 5)).map(lambda pair: tuple(sorted(pair)))
)
WHOM = st.sampled_from([None, "RUS-TJK", "RUS-UZB", "any"])
EVENTS = st.builds(
    lambda event, whom, span: Happens(event, "RUS" if NAMES.events[event] else whom, *span),
    st.sampled_from(sorted(NAMES.events)),
    WHOM,
    SPANS,
)
LEAVES = st.one_of(
    EVENTS,
    st.builds(Follows, EVENTS, EVENTS, st.sampled_from([None, 1, 3])).filter(
        lambda term: term.later.last is None or not term.within
    ),
    st.builds(ScoreIs, st.sampled_from([">", "<="]), st.sampled_from([0.0, 37.5]), WHOM),
    st.builds(
        lambda sign, value: LevelIs("mood", sign, value, "RUS"),
        st.sampled_from([">=", "<"]),
        st.sampled_from([-2.0, 4.0]),
    ),
)
TERMS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.filter(lambda term: not isinstance(term, Not)).map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: And(tuple(terms))),
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: Or(tuple(terms))),
    ),
    max_leaves=6,
)


@given(TERMS, st.none() | TERMS)
def test_what_a_query_is_written_as_reads_as_the_same(event: Term, given_that: Term | None) -> None:
    written = str(Query(event, given_that, ""))
    found = read(written)
    assert (found.event, found.given) == (event, given_that), written


PIECES = (
    "P",
    "(",
    ")",
    "|",
    "note",
    "TJK",
    ":",
    "decree",
    "and",
    "or",
    "not",
    "by",
    "month",
    "3",
    "after",
    "at",
    "least",
)
PIECES = (
    *PIECES,
    "2",
    "outcomes",
    "score",
    ">",
    "within",
    "months",
    "2030-01-28",
    ",",
    "é",
    "-",
    "$",
    "of",
    "in",
    "any",
)


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_no_text_gives_anything_but_a_query_or_a_refusal_in_its_bounds(pieces: list[str]) -> None:
    text = " ".join(pieces)
    found = column = None
    try:
        found = read(text)
    except QueryError as error:
        column = error.column
    if found is None:
        assert column in range(1, len(text) + 2)
    elif not any(isinstance(term, Counted) for term in (found.event, found.given)):
        assert read(str(found)).event == found.event
