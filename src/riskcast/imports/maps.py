"""A map: how the columns of somebody's table become dyads, days, events and covariates of a case."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from riskcast.case.files import validate
from riskcast.case.quantities import Finite, Strict
from riskcast.case.settings import Day, Id, NaMark, State, StateId, Text
from riskcast.case.yaml_lines import parse_yaml, read_text
from riskcast.errors import CaseError, Problem, UnknownNameError, show

MAP_FILE: Final = "map.yaml"
_FOLDER: Final = resources.files("riskcast").joinpath("data", "maps")


def _scalar(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError(f"is {show(given)}; write a word or a number")
    return given if isinstance(given, str) else float(given)


Scalar = Annotated[str | float, BeforeValidator(_scalar)]
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


class Reading(Strict):
    """How the file is read, as far as it does not say so itself.

    header: names of its columns where the first line is no header; separator: of such a file; na: marks of a missing
    value, beside empty cells.
    """

    header: tuple[Text, ...] | None = None
    separator: Literal["comma", "semicolon", "tab", "bar"] | None = None
    na: tuple[NaMark, ...] = ()


class Units(Strict):
    """Whom a row is of: two states in two columns or in one, or a single state.

    codes: the system in which they are written; names: own spellings, to an id or to nothing (null), which go before
    the system; pattern: what in a cell names the state, the first group of a regular expression; unknown: whether a
    cell that names no known state is refused, or its row dropped and told; direction: `none` takes A-B and B-A for
    one, `split` makes two columns of each, of what the first state of the pair did and what the second did.
    """

    first: Text | None = None
    second: Text | None = None
    dyad: Text | None = None
    separator: Text = "-"
    state: Text | None = None
    codes: Literal["iso3166", "cow", "gw", "names"] = "iso3166"
    names: dict[str, StateId | None] = Field(default_factory=dict)
    pattern: Text | None = None
    unknown: Literal["refuse", "drop"] = "refuse"
    direction: Literal["none", "split"] = "none"

    @model_validator(mode="after")
    def _one_way(self) -> Units:
        pair = self.first is not None and self.second is not None
        if (self.first is None) != (self.second is None):
            raise ValueError("names the column of one state of two; give both `first:` and `second:`")
        if pair + (self.dyad is not None) + (self.state is not None) != 1:
            raise ValueError("names no unit, or several; give `first:` and `second:`, or `dyad:`, or `state:`")
        if self.state is not None and self.direction == "split":
            raise ValueError("splits directions of a single state; remove `direction:`")
        if self.pattern is not None:
            _check_pattern(self.pattern)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that say whom a row is of."""
        return tuple(name for name in (self.first, self.second, self.dyad, self.state) if name is not None)


def _check_pattern(pattern: str) -> None:
    import re

    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"pattern is no regular expression ({error}); correct it") from None
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
    """From which day until which the file holds what happened: there, and only there, no row means that nothing did."""

    start: Day = Field(alias="from")
    until: Day

    @model_validator(mode="after")
    def _in_order(self) -> Searched:
        if self.until < self.start:
            raise ValueError("ends before it begins; exchange the two days")
        return self


class Origin(Strict):
    """Where the table is from, as a source of the case."""

    id: Id
    title: Text
    publisher: Text
    date: Day
    url: Text | None = None
    author: Text | None = None


class TableMap(Strict):
    """map.yaml: what a row is (an event, or one unit in one period), and what becomes of its columns.

    A table of pairs becomes the table of a panel case, or, with a host, the dated events and values of a case with
    partners. A table of single states becomes values of indicators, or enters pairs.
    """

    title: Text
    rows: Literal["events", "periods"]
    period: Literal["week", "month", "quarter", "year"]
    units: Units
    date: Moment
    end: Moment | None = None
    precision: Precision | None = None
    where: Where = Field(default_factory=dict)
    repeats: Repeats | None = None
    events: dict[Id, Occurrence] = Field(default_factory=dict)
    covariates: dict[Id, Covariate] = Field(default_factory=dict)
    searched: Searched | None = None
    kept: Kept = Kept()
    host: State | None = None
    partners: tuple[State, ...] = ()
    source: Origin | None = None
    read: Reading = Reading()
    note: Text | None = None

    @model_validator(mode="after")
    def _fitting(self) -> TableMap:
        if not self.events and not self.covariates:
            raise ValueError("takes nothing from the table; add `events:` or `covariates:`")
        if self.units.state is not None and self.events:
            raise ValueError("has events of single states; give both states of each event in `units:`")
        if self.rows == "events" and self.host is None and self.events and self.searched is None:
            raise ValueError("does not say which days were searched, so that no row cannot mean none; add `searched:`")
        if self.end is None and any(rule.lasts == "goes_on" for rule in self.events.values()):
            raise ValueError("has events that go on, but no end; add `end:`, or write lasts: begins")
        if (self.host is None) != (not self.partners):
            raise ValueError("has a host without partners, or partners without a host; give both, or neither")
        if self.host is not None and self.units.direction == "split":
            raise ValueError("splits directions with a host; tell apart who acted by `where:`, or remove `direction:`")
        if self.rows == "periods" and self.end is not None:
            raise ValueError("has an end though each row is of one period; remove `end:`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file that is read."""
        rules = (*self.events.values(), *self.covariates.values())
        named = [*self.units.columns, *self.date.columns, *(self.end.columns if self.end else ()), *self.where]
        named += [self.precision.column] if self.precision else []
        named += self.repeats.by if self.repeats else ()
        named += [column for rule in rules for column in rule.where]
        named += [rule.number for rule in self.events.values() if rule.number]
        named += [rule.column for rule in self.covariates.values()]
        named += [column for rule in self.events.values() for column in rule.description]
        return tuple(dict.fromkeys(named))

    @property
    def is_record(self) -> bool:
        """Whether it becomes dated events and values of a case with a host, and no panel."""
        return self.host is not None


def list_maps() -> tuple[str, ...]:
    """Names of the maps that come with riskcast.

    >>> "ucdp_ged" in list_maps()
    True
    """
    return tuple(sorted(Path(each.name).stem for each in _FOLDER.iterdir() if each.name.endswith(".yaml")))


def map_text(name: str) -> str:
    """The text of a map that comes with riskcast; raises UnknownNameError where there is none of this name."""
    if name not in list_maps():
        raise UnknownNameError("map", name, list_maps())
    return _FOLDER.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def load_map(named: str | Path) -> TableMap:
    """A map: a file, or the name of one that comes with riskcast; raises CaseError with every line that is wrong.

    >>> load_map("ucdp_ged").units.codes
    'gw'
    """
    file = Path(named)
    if file.suffix in (".yaml", ".yml") or file.is_file():
        return read_map(read_text(file, str(named)), str(named))
    return read_map(map_text(str(named)), f"{named}.yaml")


def read_map(text: str, file: str = MAP_FILE) -> TableMap:
    """A map from its text; `file` is what errors call it."""
    document = parse_yaml(text, file)
    problems: list[Problem] = []
    found = validate(TableMap, document.data, document, (), problems)
    if problems:
        raise CaseError(problems)
    return found


def map_schema() -> dict[str, Any]:
    """JSON Schema of map.yaml."""
    schema = TypeAdapter(TableMap).json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": MAP_FILE} | schema
