"""What can be asked of a future: terms that hold on a path or do not, and how they read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

ANY, EVERY = "any", "every"
COMPARISONS: Final = (">=", "<=", ">", "<")


@dataclass(frozen=True)
class Happens:
    """An event type happens at least once in some periods of the horizon, counted from 1 (the last one where None).

    whom: a dyad, the host, `any` or `every` dyad, or None for the dyad that is asked about.
    """

    event: str
    whom: str | None = None
    first: int = 1
    last: int | None = None

    def __str__(self) -> str:
        return f"{_of(self.whom)}{self.event}{_when(self.first, self.last)}"


@dataclass(frozen=True)
class Follows:
    """The later event happens after the first of the earlier ones, within so many periods of it where that is given."""

    later: Happens
    earlier: Happens
    within: int | None = None

    def __str__(self) -> str:
        gap = "" if self.within is None else f" within {self.within} periods"
        return f"{self.later}{gap} after {self.earlier}"


@dataclass(frozen=True)
class Counted:
    """At least, and at most, so many of some terms hold."""

    least: int
    most: int | None
    terms: tuple[Term, ...]
    said: str

    def __str__(self) -> str:
        return self.said


@dataclass(frozen=True)
class ScoreIs:
    """What the dyad's own outcomes of the horizon add up to, 0 to 100, held against a number."""

    comparison: str
    value: float
    whom: str | None = None

    def __str__(self) -> str:
        return f"{_of(self.whom)}score {self.comparison} {self.value:g}"


@dataclass(frozen=True)
class LevelIs:
    """An indicator's level in the last period of the horizon, in its natural unit, held against a number."""

    indicator: str
    comparison: str
    value: float
    whom: str | None = None

    def __str__(self) -> str:
        return f"{_of(self.whom)}{self.indicator} {self.comparison} {self.value:g}"


@dataclass(frozen=True)
class Not:
    """A term does not hold."""

    term: Term

    def __str__(self) -> str:
        return f"not {_inner(self.term)}"


@dataclass(frozen=True)
class And:
    """All terms hold."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " and ".join(_inner(term) for term in self.terms)


@dataclass(frozen=True)
class Or:
    """At least one term holds."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " or ".join(_inner(term) for term in self.terms)


type Term = Happens | Follows | Counted | ScoreIs | LevelIs | Not | And | Or


@dataclass(frozen=True)
class Query:
    """How probable a term is, given another where one is named; `text`: as it was asked."""

    event: Term
    given: Term | None
    text: str

    @property
    def is_open(self) -> bool:
        """Whether it speaks of a dyad without naming it, and so asks about each."""
        terms = (self.event,) if self.given is None else (self.event, self.given)
        return any(leaf.whom is None for term in terms for leaf in leaves(term))

    def about(self, dyad: str) -> Query:
        """The same of a dyad, where none is named."""
        return replace(
            self, event=bound(self.event, dyad), given=None if self.given is None else bound(self.given, dyad)
        )

    def __str__(self) -> str:
        return f"P({self.event}{'' if self.given is None else f' | {self.given}'})"


def leaves(term: Term) -> Iterator[Happens | ScoreIs | LevelIs]:
    """What a term is made of."""
    match term:
        case Happens() | ScoreIs() | LevelIs():
            yield term
        case Follows(later, earlier):
            yield later
            yield earlier
        case Not(inner):
            yield from leaves(inner)
        case Counted() | And() | Or():
            for each in term.terms:
                yield from leaves(each)


def bound(term: Term, dyad: str) -> Term:
    """A term of a dyad, where none is named."""
    match term:
        case Happens() | ScoreIs() | LevelIs():
            return _bound(term, dyad)
        case Follows(later, earlier):
            one, two = _bound(later, dyad), _bound(earlier, dyad)
            return replace(term, later=one, earlier=two)
        case Not(inner):
            return Not(bound(inner, dyad))
        case Counted():
            return replace(term, terms=tuple(bound(each, dyad) for each in term.terms))
        case And(terms) | Or(terms):
            return type(term)(tuple(bound(each, dyad) for each in terms))


def within(term: Term, first: int, last: int) -> Term:
    """A term of which every event is to happen in some periods, unless it says itself in which."""
    match term:
        case Happens():
            return _timed(term, first, last)
        case Follows(later, earlier):
            one, two = (_timed(each, first, last) for each in (later, earlier))
            return replace(term, later=one, earlier=two)
        case Not(inner):
            return Not(within(inner, first, last))
        case Counted():
            terms = tuple(within(each, first, last) for each in term.terms)
            return replace(term, terms=terms, said=f"{term.said}{_when(first, last)}")
        case And(terms) | Or(terms):
            return type(term)(tuple(within(each, first, last) for each in terms))
        case ScoreIs() | LevelIs():
            return term


@dataclass(frozen=True)
class Vocabulary:
    """The names that a query can use.

    events, indicators: by id, whether the host has it; dyads: by every name of one, its id; ends: last day of every
    period of the horizon; horizon: how many whole periods that is; period: what one is called.
    """

    events: dict[str, bool]
    indicators: dict[str, bool]
    outcomes: tuple[str, ...]
    dyads: dict[str, str]
    host: str
    ends: tuple[dt.date, ...]
    horizon: int
    period: str


def _bound[T: Happens | ScoreIs | LevelIs](leaf: T, dyad: str) -> T:
    return replace(leaf, whom=dyad) if leaf.whom is None else leaf


def _timed(event: Happens, first: int, last: int) -> Happens:
    return replace(event, first=first, last=last) if (event.first, event.last) == (1, None) else event


def _of(whom: str | None) -> str:
    return "" if whom is None else f"{whom}:"


def _when(first: int, last: int | None) -> str:
    if last is None:
        return "" if first == 1 else f" from period {first}"
    if first == last:
        return f" in period {first}"
    return f" by period {last}" if first == 1 else f" in periods {first} to {last}"


def _inner(term: Term) -> str:
    return f"({term})" if isinstance(term, And | Or) else str(term)
