"""The language of queries: `P(RUS-TJK:demarche by month 3 | RUS-TJK:mass_expulsion)` as terms."""

from __future__ import annotations

import datetime as dt
from typing import NoReturn

from riskcast.errors import suggest
from riskcast.forecasting.query_terms import (
    ANY,
    COMPARISONS,
    EVERY,
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
    within,
)
from riskcast.forecasting.query_tokens import WORDS, QueryError, Token, quoted, split

MOST_DEPTH = 40


def parse_query(text: str, names: Vocabulary) -> Query:
    """A query from its text; raises QueryError with the column of what cannot be read.

    >>> ends = (dt.date(2030, 1, 31), dt.date(2030, 2, 28), dt.date(2030, 3, 31))
    >>> events, dyads = {"note": False, "law": True}, {"A-B": "A-B", "B": "A-B"}
    >>> names = Vocabulary(events, {}, ("note",), dyads, "A", ends, 3, "month")
    >>> str(parse_query("P(B:note by month 2 | law and not B:note in month 1)", names))
    'P(A-B:note by period 2 | A:law and not A-B:note in period 1)'
    >>> parse_query("P(B:nota)", names)
    Traceback (most recent call last):
    ...
    riskcast.forecasting.query_tokens.QueryError: the query cannot be read: column 5: unknown event or...
    """
    reader = _Reader(text, names)
    return reader.query()


class _Reader:
    """Reads a query token by token, from left to right."""

    def __init__(self, text: str, names: Vocabulary) -> None:
        self._text, self._names, self._place, self._depth = text, names, 0, 0
        self._tokens = split(text)

    def query(self) -> Query:
        """The whole query."""
        if not self._text.strip():
            self._fail(1, "it is empty; write an event, such as P(demarche by month 3 | mass_expulsion)")
        wrapped = self._now.text in ("P", "p") and self._at(1).text == "("
        if wrapped:
            self._place += 2
        event = self._or()
        given = self._or() if self._take("|", "given") else None
        if wrapped:
            self._need(")", "`)` ends what P( begins")
        if self._now.kind != "end":
            self._fail_here(f"{self._shown} is not expected here; join terms with and, or, or | for a condition")
        return Query(event, given, self._text.strip())

    def _or(self) -> Term:
        terms = [self._and()]
        while self._take("or"):
            terms.append(self._and())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _and(self) -> Term:
        terms = [self._not()]
        while self._take("and"):
            terms.append(self._not())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _not(self) -> Term:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            self._fail_here(f"terms are nested more than {MOST_DEPTH} deep; ask something simpler")
        found = Not(self._not()) if self._take("not") else self._sequence()
        self._depth -= 1
        return found

    def _sequence(self) -> Term:
        term, gap = self._timed()
        if self._now.text not in ("after", "before"):
            return term
        word = self._next()
        if not isinstance(term, Happens):
            self._fail(word.column, f"`{word.text}` stands between two events; name one event before it")
        start = self._now
        other, later_gap = self._timed()
        if not isinstance(other, Happens) or later_gap is not None:
            self._fail(start.column, f"`{word.text}` stands between two events; name one event after it")
        if EVERY in (term.whom, other.whom):
            self._fail(word.column, f"`{word.text}` stands between events of one dyad, or of any:; not of every:")
        later, earlier = (term, other) if word.text == "after" else (other, term)
        return Follows(later, earlier, gap)

    def _timed(self) -> tuple[Term, int | None]:
        """A term with its time; or with the number of periods that may lie between it and another."""
        term = self._primary()
        if self._now.text not in ("by", "in", "from", "within"):
            return term, None
        start = self._next()
        if isinstance(term, ScoreIs | LevelIs):
            self._fail(start.column, "scores and levels are those of the whole horizon; leave out the time")
        if start.text == "within":
            count = self._count("how many periods, such as within 3 " + self._names.period + "s")
            self._period_word(plural=True)
            if self._now.text in ("after", "before"):
                return term, count
            if count > self._names.horizon:
                self._fail(start.column, f"the horizon has {self._periods}; give a number up to it, or --horizon")
            last = len(self._names.ends) if count == self._names.horizon else count
            return within(term, 1, last), None
        first, last = self._span(start)
        return within(term, first, last), None

    def _span(self, start: Token) -> tuple[int, int]:
        """First and last period of `by`, `in` or `from`."""
        if self._now.kind == "date":
            day = self._next()
            if start.text != "by":
                self._fail(day.column, f"a day ends a time; write by {day.text}")
            return 1, self._period_ending(day)
        self._period_word()
        first = self._period()
        if start.text == "by":
            return 1, first
        if self._take("to", "-"):
            before = self._tokens[self._place - 1].column
            last = self._period()
            if last < first:
                self._fail(before, f"it ends in {self._names.period} {last}, before it begins")
            return first, last
        return first, first if start.text == "in" else len(self._names.ends)

    def _primary(self) -> Term:
        if self._take("("):
            term = self._or()
            self._need(")", "`)` ends what `(` begins")
            return term
        if self._now.text in ("at", "exactly"):
            return self._counted()
        whom, token = self._whom()
        name = token.text
        if name == "score" and name not in self._names.events:
            return ScoreIs(*self._comparison(name), whom)
        known = (*self._names.events, *self._names.indicators, "score")
        if token.kind != "word" or (name in WORDS and name not in known):
            told = "the query ends here" if token.kind == "end" else f"{quoted(token)} is not expected here"
            self._fail(token.column, f"{told}; name an event, such as {self._sample}")
        if name in self._names.dyads:
            self._fail(token.column, f"{name} is a dyad; write {name}: and an event, such as {name}:{self._sample}")
        if name not in known:
            self._fail(token.column, f"unknown event or indicator {name!r}; {suggest(name, dict.fromkeys(known))}")
        shared = self._names.events[name] if name in self._names.events else self._names.indicators[name]
        if shared:
            if whom not in (None, self._names.host):
                mend = f"write {name} without a dyad"
                self._fail(token.column, f"{name} is of {self._names.host}, and the same for all dyads; {mend}")
            whom = self._names.host
        elif whom == self._names.host:
            self._fail(token.column, f"{name} is of a dyad, not of {whom}; name a dyad, any: or every:")
        if name in self._names.events:
            return Happens(name, whom)
        return LevelIs(name, *self._comparison(name), whom)

    def _whom(self) -> tuple[str | None, Token]:
        """The dyad that is named, or `any` or `every`, and the token of what is said of it."""
        token = self._next()
        if self._now.text != ":":
            return None, token
        names = {**self._names.dyads, self._names.host: self._names.host, ANY: ANY, EVERY: EVERY}
        if token.text not in names:
            self._fail(token.column, f"unknown dyad {token.text!r}; {suggest(token.text, dict.fromkeys(names))}")
        self._next()
        return names[token.text], self._next()

    def _counted(self) -> Term:
        start = self._next()
        bound = start.text
        if start.text == "at":
            bound = self._next().text
            if bound not in ("least", "most"):
                self._fail(start.column, "write at least, at most or exactly")
        number = self._count("a number, such as at least 2 outcomes")
        self._take("of")
        opened = self._now
        if self._take("("):
            terms = [self._or()]
            while self._take(","):
                terms.append(self._or())
            self._need(")", "`)` ends the list")
        else:
            whom, token = self._whom()
            if token.text not in ("outcomes", "outcome"):
                self._fail(token.column, "write `outcomes`, or a list in parentheses such as (demarche, rupture)")
            if whom in (ANY, EVERY, self._names.host):
                self._fail(token.column, "outcomes are counted in one dyad; name it, or leave it out")
            terms = [Happens(name, whom) for name in self._names.outcomes]
        if number > len(terms):
            self._fail(opened.column, f"it counts {len(terms)} terms, of which {number} cannot hold; give fewer")
        least = 0 if bound == "most" else number
        return Counted(least, None if bound == "least" else number, tuple(terms), self._between(start))

    def _between(self, start: Token) -> str:
        """The text from a token to where the reader stands."""
        return " ".join(self._text[start.column - 1 : self._now.column - 1].split())

    def _comparison(self, name: str) -> tuple[str, float]:
        sign = self._next()
        if sign.text not in COMPARISONS:
            self._fail(sign.column, f"a comparison follows {name}; write {name} > 50, or >=, <, <=")
        minus = self._take("-")
        value = self._next()
        if value.kind != "number":
            self._fail(value.column, f"a number follows {sign.text}; write {name} {sign.text} 50")
        if name == "score" and (minus or float(value.text) > 100.0):
            self._fail(value.column, "scores lie from 0 to 100; give a number between")
        return sign.text, -float(value.text) if minus else float(value.text)

    def _period_word(self, plural: bool = False) -> None:
        period = self._names.period
        if self._now.text not in (period, f"{period}s", "period", "periods"):
            sample = f"3 {period}s" if plural else f"{period} 3"
            self._fail_here(f"{self._shown} is not expected here; the case counts {period}s, so write `{sample}`")
        self._next()

    def _period(self) -> int:
        token, number = self._now, self._count(f"the number of a {self._names.period}")
        if number > len(self._names.ends):
            last = len(self._names.ends)
            self._fail(token.column, f"the horizon ends in {self._names.period} {last}; give 1 to {last}, or --horizon")
        return number

    def _period_ending(self, token: Token) -> int:
        """The period that ends on a day."""
        ends = self._names.ends
        try:
            day = dt.date.fromisoformat(token.text)
        except ValueError:
            self._fail(token.column, f"{token.text} is no day; write year-month-day")
        if day not in ends:
            near = sorted(sorted(ends, key=lambda end: abs(end - day))[:2])
            told = " or ".join(end.isoformat() for end in near)
            self._fail(token.column, f"no {self._names.period} of the horizon ends on {token.text}; give {told}")
        return ends.index(day) + 1

    def _count(self, what: str) -> int:
        token = self._next()
        if token.kind != "number" or "." in token.text or not 0 < int(token.text) <= 10_000:
            self._fail(token.column, f"{quoted(token)} is no whole number from 1; give {what}")
        return int(token.text)

    @property
    def _sample(self) -> str:
        return next(iter(self._names.outcomes or self._names.events), "an event")

    @property
    def _periods(self) -> str:
        return f"{self._names.horizon} {self._names.period}{'s' if self._names.horizon > 1 else ''}"

    @property
    def _now(self) -> Token:
        return self._at(0)

    @property
    def _shown(self) -> str:
        return "the end" if self._now.kind == "end" else quoted(self._now)

    def _at(self, ahead: int) -> Token:
        return self._tokens[min(self._place + ahead, len(self._tokens) - 1)]

    def _next(self) -> Token:
        token = self._now
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def _take(self, *texts: str) -> bool:
        if self._now.kind in ("word", "sign") and self._now.text in texts:
            self._next()
            return True
        return False

    def _need(self, text: str, why: str) -> None:
        if not self._take(text):
            self._fail_here(f"{self._shown} stands where {why}")

    def _fail_here(self, wrong: str) -> NoReturn:
        self._fail(self._now.column, wrong)

    def _fail(self, column: int, wrong: str) -> NoReturn:
        raise QueryError(self._text, column, wrong)
