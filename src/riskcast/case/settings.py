"""case.yaml as frozen, validated records: whom the case is about, until when, and how results are read."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from riskcast.case.derivations import OF_STATES, Derivation, derived_order
from riskcast.case.judgements import Allowed
from riskcast.case.periods import Calendar, calendar_of
from riskcast.case.quantities import Evidence, Finite, Quantity, Strict
from riskcast.case.registered import NameIn
from riskcast.case.states import CodeSystem, offer
from riskcast.case.yaml_lines import read_day
from riskcast.errors import show
from riskcast.machinery.registry import Entry, Registry

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
STATE_ID: Final = r"^[A-Z][A-Z0-9]{2,7}$"


def _offered(given: Any) -> Any:
    """An id as it is; where it is none, but a code or name that the table of states knows, an error that offers one."""
    if isinstance(given, str | int) and not isinstance(given, bool) and not re.match(STATE_ID, str(given)):
        offered = offer(str(given))
        if offered:
            raise ValueError(f"is {show(given)}; use 3 to 8 capitals, such as {offered}")
    return given


StateId = Annotated[str, Field(pattern=STATE_ID), BeforeValidator(_offered)]
Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[Finite, Field(gt=0)]
Month = Annotated[int, Field(ge=1, le=600, strict=True)]
FIRST_YEAR, LAST_YEAR = 1000, 2999


def _day(given: Any) -> Any:
    """A day as a date or as YYYY-MM-DD; pydantic alone would read a bare number as seconds since 1970."""
    if isinstance(given, str):
        given = read_day(given)
    if not isinstance(given, dt.date) or isinstance(given, dt.datetime):
        raise ValueError(f"is {show(given)}; write the day as YYYY-MM-DD")
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        raise ValueError(f"is {given}; give a year from {FIRST_YEAR} to {LAST_YEAR}")
    return given


def _na_mark(given: Any) -> Any:
    """A mark of a missing value: a word, or a number that is meant by its value."""
    if isinstance(given, bool) or not isinstance(given, (str, int, float)) or (isinstance(given, str) and not given):
        raise ValueError(f"is {show(given)}; write a word or a number, such as NA or -9")
    return given.strip() if isinstance(given, str) else float(given)


NaMark = Annotated[str | float, BeforeValidator(_na_mark)]
Day = Annotated[dt.date, BeforeValidator(_day)]


class State(Strict):
    """A state by its id, best its ISO 3166 alpha-3 code, and its name."""

    id: StateId
    name: Text


class Band(Strict):
    """A named range of the score, from `start` up to the next band."""

    name: Text
    start: Annotated[Finite, Field(ge=0, lt=100)]


# What each kind does stands in the room of the record, which is imported when it is asked for.
MEMORY_KINDS = Registry[Any](
    "kind of memory",
    {
        "count": Entry(
            "discounted count of events: log2(1 + sum of 2^(-gap / half-life))", "riskcast.record.memory:COUNT"
        ),
        "immediate": Entry(
            "an event's own period, and the shares of the next ones that so many `days` from it reach: "
            "log2(1 + sum of shares)",
            "riskcast.record.memory:IMMEDIATE",
        ),
        "since": Entry(
            "log(1 + periods since the last event, or since the record of the unit began)",
            "riskcast.record.memory:SINCE",
        ),
        "never": Entry("1 until the first event, then 0", "riskcast.record.memory:NEVER"),
        "rate": Entry(
            "discounted events over discounted time on record: log2(1 + events * longest / time), longest the time "
            "of an endless record",
            "riskcast.record.memory:RATE",
        ),
        "mean": Entry(
            "discounted mean of what periods on record have had: sum of 2^(-gap / half-life) * events / sum of "
            "2^(-gap / half-life)",
            "riskcast.record.memory:MEAN",
        ),
    },
)
COUNT, IMMEDIATE, SINCE, NEVER, RATE, MEAN = "count", "immediate", "since", "never", "rate", "mean"
# Kinds of memory in which nothing fades by a half-life.
TIMELESS = (IMMEDIATE, SINCE, NEVER)
# Kinds that hold events against the time on record.
PER_TIME = (RATE, MEAN)


class Memory(Strict):
    """How past events are remembered, and for how long: the half-life, in periods, of event types that do not say
    their own, or the days that an immediate memory reaches.

    `weight`: how much the events of one period count: 1 together where it is not given, their `severity` in shares of
    100, their number (`count`), or log2(1 + their number) (`log_count`).
    """

    label: Text
    half_life: Quantity | None = Field(default=None, exclude_if=lambda half_life: half_life is None)
    # Left out where it is the usual one, so that hashes of cases that do not name a kind stay as they are.
    kind: Annotated[str, NameIn(MEMORY_KINDS)] = Field(default=COUNT, exclude_if=lambda kind: kind == COUNT)
    days: Annotated[int, Field(ge=1, le=3660, strict=True)] | None = Field(
        default=None, exclude_if=lambda days: days is None
    )
    weight: Literal["severity", "count", "log_count"] | None = Field(
        default=None, exclude_if=lambda weight: weight is None
    )

    @property
    def fades(self) -> bool:
        """Whether it fades by a half-life."""
        return self.half_life is not None

    @property
    def is_numbered(self) -> bool:
        """Whether it counts how many events a period has had."""
        return self.weight in ("count", "log_count")

    @model_validator(mode="after")
    def _fitting(self) -> Memory:
        if (self.kind in TIMELESS) == (self.half_life is not None):
            if self.half_life is None:
                raise ValueError(f"is of the kind {self.kind} and has no half-life; add `half_life:`")
            raise ValueError(f"is of the kind {self.kind}, which has no half-life; remove `half_life:`")
        if (self.kind == IMMEDIATE) == (self.days is None):
            if self.days is None:
                raise ValueError("is immediate, but does not say how many days it reaches; add `days:`")
            raise ValueError(f"is of the kind {self.kind}, which has no days; remove `days:`, or say kind: {IMMEDIATE}")
        if self.weight is not None and self.kind not in (COUNT, *PER_TIME):
            wrong = f"is of the kind {self.kind}, which does not weigh events"
            raise ValueError(f"{wrong}; remove `weight:`, or say kind: {COUNT}, {RATE} or {MEAN}")
        return self


class Hyperpriors(Strict):
    """Spread between dyads and between years on the log-rate scale, and how far a year's shock lasts into the next."""

    sd_dyad: Quantity
    sd_time: Quantity
    persistence: Quantity


# What is kept of tension from one period to the next where a case does not say: .95 from a quarter to the next.
_KEPT = {"year": 0.81, "quarter": 0.95, "month": 0.983}
_KEPT_CLAIM = "What riskcast takes where a case says nothing: half of what is unusual is gone after some three years."


class Tension(Strict):
    """Restless times: a level g that all event types of the host share, the same in all dyads, one for each `period`.

    g is a stationary AR(1) with mean 0 and standard deviation 1, of which the share `persistence` is kept from one
    period to the next. It multiplies the rate of an event type by exp(loading * g - loading^2 / 2), which is 1 on
    average: base rates are those of the average over quiet and restless times. Year shocks are off.
    """

    period: Literal["year", "quarter", "month"]
    persistence: Quantity
    loading: Quantity

    @model_validator(mode="before")
    @classmethod
    def _kept(cls, given: Any) -> Any:
        """The usual persistence where none is given."""
        if not isinstance(given, dict) or "persistence" in given:
            return given
        # A period that is none is refused by itself; what it would keep is not missing beside that.
        kept = _KEPT.get(str(given.get("period")), _KEPT["year"])
        return {**given, "persistence": {"value": kept, "evidence": {"basis": "judgement", "claim": _KEPT_CLAIM}}}


FULL_TRUST = Quantity(
    value=1.0,
    evidence=Evidence(basis="judgement", claim="Effects act as they are stated, unless a case says otherwise."),
)


class PanelSettings(Strict):
    """Where a panel case keeps its table, and when a row's covariates are known: `before` its period begins, so that
    those of the horizon's first period are used in its forecast, or `during` it, so that they are known at its end.

    A row that is missing ends no dyad. One that has ended is named in `until` with its last period, or is known by a
    rule: it has lacked rows for as many periods as `ended_after`. Where `states` names a system of codes, dyads are
    written in it (2-20 for USA-CAN), and known by ISO 3166 alpha-3. `derive`: columns that are worked out of others;
    `state_table`: a table with one row for each state and period, of which they take columns; `directed`: whether
    A-B and B-A are two dyads, of what A does to B and what B does to A; `neighbours`: tables of states that are tied to
    one another, by the names under which edges see by them; `inputs`: columns of either table with events that are
    neither learned nor forecast, and from which columns are derived.
    """

    file: Text
    covariates: Literal["before", "during"]
    ignore: tuple[Text, ...] = ()
    states: CodeSystem | None = Field(default=None, exclude_if=lambda system: system is None)
    until: dict[str, Text] = Field(default_factory=dict, exclude_if=lambda ends: not ends)
    ended_after: Annotated[int, Field(ge=1, le=600, strict=True)] | None = Field(
        default=None, exclude_if=lambda periods: periods is None
    )
    derive: dict[Id, Derivation] = Field(default_factory=dict, exclude_if=lambda derive: not derive)
    state_table: Text | None = Field(default=None, exclude_if=lambda file: file is None)
    directed: Annotated[bool, Field(strict=True)] = Field(default=False, exclude_if=lambda directed: not directed)
    inputs: tuple[Text, ...] = Field(default=(), exclude_if=lambda columns: not columns)
    neighbours: dict[Id, Text] = Field(default_factory=dict, exclude_if=lambda tables: not tables)

    @model_validator(mode="after")
    def _derived(self) -> PanelSettings:
        taken = {name for one in self.derive.values() for name in one.of}
        of_states = sorted(name for name in taken if name.startswith(OF_STATES))
        if of_states and self.state_table is None:
            raise ValueError(f"derives from {of_states[0]} and has no table of states; add `state_table:`")
        if self.state_table is not None and not of_states:
            raise ValueError("has a table of states that nothing is derived from; remove `state_table:`")
        untaken = [name for name in self.inputs if name not in taken]
        if untaken:
            raise ValueError(f"has the input events {untaken[0]}, from which nothing is derived; remove them")
        try:
            derived_order(self.derive)
        except ValueError as error:
            raise ValueError(f"derives columns in a circle ({error}); take one of them from the table") from None
        return self

    def ends_before(self, dyad: str, period: int, calendar: Calendar) -> bool:
        """Whether the case states that a dyad's last period lies before the one of a number."""
        last = calendar.read(self.until.get(dyad, ""))
        return last is not None and last < period


class FiscalYear(Strict):
    """A year that does not begin in January: with which month it begins, and by which of its calendar years it goes."""

    starts: Annotated[int, Field(ge=1, le=12, strict=True)]
    named_by: Literal["start", "end"]


class Settings(Strict):
    """case.yaml: either a host with its partners and a record of dated events, or a panel."""

    title: Text
    as_of: Day
    host: State | None = None
    partners: tuple[State, ...] = ()
    panel: PanelSettings | None = None
    period: Literal["week", "month", "quarter", "year"]
    fiscal_year: FiscalYear | None = Field(default=None, exclude_if=lambda year: year is None)
    history_from: Day
    recorded_until: Day | None = Field(default=None, exclude_if=lambda day: day is None)
    horizon: Month
    bands: tuple[Band, ...] = Field(min_length=1)
    memories: dict[Id, Memory]
    hyperpriors: Hyperpriors
    tension: Tension | None = Field(default=None, exclude_if=lambda tension: tension is None)
    # What multiplies all logarithms of indicators' rate ratios: how much drivers are worth as a body.
    trust: Quantity = Field(default=FULL_TRUST, exclude_if=lambda trust: trust == FULL_TRUST)
    # The severity from which an outcome is grave.
    grave: Annotated[Finite, Field(gt=0, le=100)] | None = Field(
        default=None, exclude_if=lambda severity: severity is None
    )
    note: Text | None = None
    # What stands for a missing value in cells of the case's tables, beside empty ones.
    na: tuple[NaMark, ...] = Field(default=(), exclude_if=lambda marks: not marks)
    allow: Allowed = ()

    @model_validator(mode="after")
    def _whom(self) -> Settings:
        if self.panel is None and (self.host is None or not self.partners):
            missing = "host" if self.host is None else "partners"
            raise ValueError(f"has no {missing}; add `{missing}:`, or `panel:` where one table holds the dyads")
        if self.panel is not None and self.partners:
            raise ValueError("has both partners and a panel; remove `partners:`, as the table names the dyads")
        return self

    @model_validator(mode="after")
    def _when(self) -> Settings:
        if self.fiscal_year is not None and self.period not in ("quarter", "year"):
            wrong = f"has a fiscal year, but its periods are {self.period}s"
            raise ValueError(f"{wrong}; remove `fiscal_year:`, or write period: quarter or year")
        return self

    @property
    def calendar(self) -> Calendar:
        """How the case cuts time into periods."""
        if self.fiscal_year is None:
            return calendar_of(self.period)
        return calendar_of(self.period, self.fiscal_year.starts, self.fiscal_year.named_by == "end")
