"""The parts of a map: how a file is read, whom rows are of, when, which rows, and what becomes of columns."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field, model_validator

from riskcast.case.quantities import Finite, Strict
from riskcast.case.settings import Day, Id, NaMark, StateId, Text
from riskcast.errors import show


def _scalar(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError(f"is {show(given)}; write a word or a number")
    return given if isinstance(given, str) else float(given)


Scalar = Annotated[str | float, BeforeValidator(_scalar)]
Codes = Literal["iso3166", "cow", "gw", "names"]
Count = Annotated[int, Field(ge=1, strict=True)]


class Condition(Strict):
    """What a cell must be: one of some, none of some, between two numbers, or text that starts with one of some."""

    among: tuple[Scalar, ...] | None = None
    without: tuple[Scalar, ...] | None = None
    starts: tuple[Text, ...] | None = None
    least: Finite | None = None
    most: Finite | None = None

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """A list alone says what the cell is among."""
        return {"among": given} if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("says nothing; write a list, or one of among, without, starts, least, most")
        return self


Where = dict[Text, Condition]


class Spread(Strict):
    """Columns that are to become rows: those whose whole name fits a regular expression.

    name: the column that then says what they were called (what the one group of the expression takes of it, if it has
    one); value: the column that then holds their cells. Empty cells become no row.
    """

    columns: Text
    name: Text
    value: Text

    @model_validator(mode="after")
    def _fitting(self) -> Spread:
        if _groups(self.columns, "columns") > 1:
            raise ValueError("columns has several groups; put parentheses around one part, or none")
        if self.name == self.value:
            raise ValueError("calls two columns the same; give `name:` and `value:` different names")
        return self


class Reading(Strict):
    """How the file is read, as far as it does not say so itself.

    header: names of its columns where the first line is no header; separator: of such a file; na: marks of a missing
    value, beside empty cells; spread: columns that are to become rows.
    """

    spread: Spread | None = None
    header: tuple[Text, ...] | None = None
    separator: Literal["comma", "semicolon", "tab", "bar"] | None = None
    na: tuple[NaMark, ...] = ()


class Selection(Protocol):
    """What is read of a file: which columns, which rows, and how."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        ...

    @property
    def where(self) -> Where:
        """What rows must meet."""
        ...

    @property
    def read(self) -> Reading:
        """How the file is read."""
        ...


class Units(Strict):
    """Whom a row is of: two states in two columns or in one, or a single state.

    codes: the system in which they are written; names: own spellings, to an id or to nothing (null), which go before
    the system; pattern: what in a cell names the state, the first group of a regular expression; unknown: whether a
    cell that names no known state is refused, or its row dropped and told; direction: `none` takes A-B and B-A for
    one; `directed` takes them for two, with rows of their own; `split` makes two columns of each, of what the first
    state of the pair did and what the second did.
    """

    first: Text | None = None
    second: Text | None = None
    dyad: Text | None = None
    separator: Text = "-"
    state: Text | None = None
    codes: Codes = "iso3166"
    names: dict[str, StateId | None] = Field(default_factory=dict)
    pattern: Text | None = None
    unknown: Literal["refuse", "drop"] = "refuse"
    direction: Literal["none", "directed", "split"] = "none"

    @model_validator(mode="after")
    def _one_way(self) -> Units:
        pair = self.first is not None and self.second is not None
        if (self.first is None) != (self.second is None):
            raise ValueError("names the column of one state of two; give both `first:` and `second:`")
        if pair + (self.dyad is not None) + (self.state is not None) != 1:
            raise ValueError("names no unit, or several; give `first:` and `second:`, or `dyad:`, or `state:`")
        if self.state is not None and self.direction != "none":
            raise ValueError("tells directions of a single state apart; remove `direction:`")
        if self.pattern is not None:
            _check_pattern(self.pattern)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that say whom a row is of."""
        return tuple(name for name in (self.first, self.second, self.dyad, self.state) if name is not None)


def _groups(pattern: str, key: str) -> int:
    """How many groups a regular expression has."""
    try:
        return re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{key} is no regular expression ({error}); correct it") from None


def _check_pattern(pattern: str) -> None:
    groups = _groups(pattern, "pattern")
    if groups != 1:
        raise ValueError(f"pattern has {groups} groups; put parentheses around the one part that names the state")


class Moment(Strict):
    """When something was: a column of days (in `formats` of strptime, YYYY-MM-DD where none is said), columns of year,
    month and day, of which missing ones make it less exact, or a column of periods such as 1961 or 1961-05."""

    day: Text | None = None
    formats: tuple[Text, ...] = ("%Y-%m-%d",)
    year: Text | None = None
    month: Text | None = None
    day_of_month: Text | None = None
    period: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Moment:
        if sum(name is not None for name in (self.day, self.year, self.period)) != 1:
            raise ValueError("says in no way, or in several, when it was; give `day:`, or `year:`, or `period:`")
        if self.year is None and (self.month or self.day_of_month):
            raise ValueError("has a month or a day of month without a year; add `year:`")
        if self.day_of_month and not self.month:
            raise ValueError("has a day of month without a month; add `month:`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that say when."""
        named = (self.day, self.year, self.month, self.day_of_month, self.period)
        return tuple(name for name in named if name is not None)


class Precision(Strict):
    """How exactly a day is known, by codes in a column; codes that are not named mean the day."""

    column: Text
    month: tuple[Scalar, ...] = ()
    year: tuple[Scalar, ...] = ()
    drop: tuple[Scalar, ...] = ()


class Occurrence(Strict):
    """An event type from rows: which rows, and how many each stands for.

    number: a column with how many, 1 where none is named; combine: how rows of one unit and period become one number;
    lasts: with an end, whether an event is of the period in which it begins, or of each until it ends.
    """

    label: Text | None = None
    where: Where = Field(default_factory=dict)
    number: Text | None = None
    combine: Literal["sum", "max", "any"] = "sum"
    at_least: Count = 1
    severity: Annotated[Finite, Field(gt=0, le=100)] = 50.0
    lasts: Literal["begins", "goes_on"] = "begins"
    description: tuple[Text, ...] = ()


class Covariate(Strict):
    """An indicator from a column: which rows, and how those of one unit and period become one level.

    lag: by how many periods it is known before it is used, 1 where a row of 1961 is to hold what was measured in 1960;
    absent: what stands where a period that was searched has no row; enter: of a state, how it enters a pair.
    """

    column: Text
    label: Text | None = None
    unit: Text = "as in the file"
    where: Where = Field(default_factory=dict)
    combine: Literal["mean", "sum", "max", "min", "first", "last"] = "mean"
    lag: Annotated[int, Field(ge=0, le=600, strict=True)] = 0
    absent: Literal["missing", "zero"] = "missing"
    enter: tuple[Literal["first", "second", "min", "max", "mean"], ...] = ("min", "max")


class Repeats(Strict):
    """Rows that are one: those alike in `by`; which of them stays, or that such rows are refused."""

    by: Annotated[tuple[Text, ...], Field(min_length=1)]
    keep: Literal["first", "last", "refuse"] = "first"


class Kept(Strict):
    """Which pairs become rows: all that are seen; those of some `states`, all pairs of them where `seen` is false;
    those with at least `fewest` rows up to `counted_until`, the `most` frequent of them."""

    states: tuple[StateId, ...] | None = None
    seen: Annotated[bool, Field(strict=True)] = True
    fewest: Count = 1
    most: Count | None = None
    counted_until: Day | None = None

    @model_validator(mode="after")
    def _known(self) -> Kept:
        if not self.seen and self.states is None:
            raise ValueError("takes pairs that are not seen, but does not say of which states; add `states:`")
        return self


class Searched(Strict):
    """From which day until which the file holds what happened: there, and only there, no row means that nothing did.

    until: `last` for the last day of any row of the file that `where` lets through.
    """

    start: Day = Field(alias="from")
    until: Literal["last"] | Day

    @model_validator(mode="after")
    def _in_order(self) -> Searched:
        if self.until != "last" and self.until < self.start:
            raise ValueError("ends before it begins; exchange the two days")
        return self

    @property
    def end(self) -> dt.date:
        """The last day that was searched; raises ValueError where it is still to be read from the file."""
        if self.until == "last":
            raise ValueError("the last day is not read yet")
        return self.until


class Origin(Strict):
    """Where the table is from, as a source of the case."""

    id: Id
    title: Text
    publisher: Text
    date: Day
    url: Text | None = None
    author: Text | None = None
