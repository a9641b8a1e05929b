"""What an assertion of a claim speaks of: terms that have a number, and how two of them are compared."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from riskcast.forecasting.query_terms import Query

type Sign = Literal[">", "<", ">=", "<="]
type Unit = Literal["points", "score", "share", "factor", "steps", "level", "periods", "events"]


@dataclass(frozen=True)
class Step:
    """An indicator is so many steps off its path, in every dyad, from the first period on."""

    indicator: str
    steps: float


@dataclass(frozen=True)
class Assumed:
    """A scenario of the case."""

    scenario: str


@dataclass(frozen=True)
class Made:
    """An event happens in the first period, in a dyad or of the host."""

    event: str
    whom: str


type Subject = Step | Assumed | Made


@dataclass(frozen=True)
class Change:
    """Points of a probability within the horizon, or of the score where `event` is None, under a subject less without.

    whom: a dyad or the host; None for the mean over all dyads but `beside`.
    """

    subject: Subject
    event: str | None
    whom: str | None
    beside: str | None = None


@dataclass(frozen=True)
class ScoreOf:
    """A dyad's score, or the mean of all where `whom` is None."""

    whom: str | None


@dataclass(frozen=True)
class Chance:
    """A probability, as `riskcast ask` asks for it; of all dyads together where it names none."""

    query: Query


@dataclass(frozen=True)
class Level:
    """Today's level of an indicator, in its unit, of a dyad or of the host; `reference`: its reference in its place."""

    indicator: str
    whom: str | None
    reference: bool = False


@dataclass(frozen=True)
class Base:
    """The base rate of an event type, as the record leaves it: chance of one within a year."""

    event: str


@dataclass(frozen=True)
class Fading:
    """A half-life in periods: of a memory, or of it in one event type."""

    memory: str
    event: str | None


@dataclass(frozen=True)
class Recorded:
    """How many events of a type the record holds, in some days, of a dyad or of all."""

    event: str
    whom: str | None
    first: dt.date
    last: dt.date


@dataclass(frozen=True)
class Effect:
    """Factor on the rate of an event type for one step of an indicator, or one fresh event; all paths where None."""

    source: str
    target: str
    path: str | None = None


@dataclass(frozen=True)
class MemoryEffect:
    """Factor on the half-life of a memory of an event type for one step of an indicator; None where no edge leads to
    any of its memories."""

    indicator: str
    event: str
    memory: str | None = None


@dataclass(frozen=True)
class Rise:
    """By how many steps an event, or a step of another, moves an indicator, by way of all that lies between."""

    source: str
    indicator: str


@dataclass(frozen=True)
class Extreme:
    """The highest, or the lowest, factor among all effects of an indicator on rates."""

    source: str
    highest: bool


@dataclass(frozen=True)
class Ending:
    """The factor on an answer's rate that a cause loses once it has been answered."""

    answer: str
    cause: str


@dataclass(frozen=True)
class Contribution:
    """Points of a dyad's score that are due to some drivers: indicators, and events with all that is left of them."""

    drivers: tuple[str, ...]
    whom: str


@dataclass(frozen=True)
class Number:
    """A number that is written in the assertion."""

    value: float


type Term = (
    Change
    | ScoreOf
    | Chance
    | Level
    | Base
    | Fading
    | Recorded
    | Effect
    | MemoryEffect
    | Rise
    | Extreme
    | Ending
    | Contribution
    | Number
)


@dataclass(frozen=True)
class Comparison:
    """`left` is held against `factor` times `right`."""

    left: Term
    sign: Sign
    right: Term
    factor: float = 1.0

    @property
    def terms(self) -> tuple[Term, ...]:
        """What it speaks of."""
        return (self.left, self.right)


@dataclass(frozen=True)
class Alone:
    """A subject does not move what `change` speaks of: no way leads there, or what leads there does next to nothing; or
    no way leads to the indicator `level`."""

    change: Change
    level: str | None = None

    @property
    def terms(self) -> tuple[Term, ...]:
        """What it speaks of that has a number."""
        return () if self.level is not None else (self.change,)


@dataclass(frozen=True)
class Assertion:
    """An assertion as it is written, and the comparisons that must all hold; `beyond`: why a forecast is too short for
    it, empty where it is not."""

    text: str
    parts: tuple[Comparison | Alone, ...]
    beyond: str = ""

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change that it speaks of."""
        terms = (term for part in self.parts for term in part.terms)
        return tuple(term for term in terms if isinstance(term, Change))


def unit_of(term: Term) -> Unit:
    """What the number of a term is a number of."""
    match term:
        case Change() | Contribution():
            return "points"
        case ScoreOf():
            return "score"
        case Chance() | Base():
            return "share"
        case Effect() | MemoryEffect() | Extreme() | Ending():
            return "factor"
        case Rise():
            return "steps"
        case Level():
            return "level"
        case Fading():
            return "periods"
        case Recorded() | Number():
            return "events"
