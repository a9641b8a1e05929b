"""The case: what is believed, about whom, as of which date; as frozen, validated records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, InstanceOf, Tag, model_validator

from riskcast.case import quantity_ids as ids
from riskcast.case.claims import Claim
from riskcast.case.dyads import Dyad
from riskcast.case.judgements import Allowed
from riskcast.case.links import Link, base_rate_link
from riskcast.case.nowcast import level_today
from riskcast.case.panel import Panel
from riskcast.case.periods import Calendar, date_label, date_span
from riskcast.case.quantities import Finite, Prior, Quantity, Strict, elicit
from riskcast.case.quantity_ids import QuantityId
from riskcast.case.registered import NameIn
from riskcast.case.scales import SCALES, VERBS, Scale, Verb
from riskcast.case.settings import Day, Id, Month, Positive, Settings, Text
from riskcast.machinery.digests import digest
from riskcast.machinery.ordering import topological_order
from riskcast.machinery.table_files import Dialect
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.names import BASELINE, SYSTEM
from riskcast.numbers import MOST_NAMED, counted, plain_number

if TYPE_CHECKING:
    import pandas

HALF_LIFE_PATH = "half_life"
ONE_QUANTITY, PER_DYAD = "one quantity", "per dyad"


def _recall(given: Any) -> Any:
    """A share of what happened; of what is never found there is no record."""
    if isinstance(given, int | float) and not isinstance(given, bool) and not 0.0 < given <= 1.0:
        raise ValueError(f"is {given:g}; give a share above 0 and up to 1, such as 0.8")
    return given


# After how many days a value, or a new judgement, is due: no number depends on it.
Days = Annotated[int, Field(gt=0, le=36525, strict=True)]
# How much of what happened a search finds.
Recall = Annotated[Finite, BeforeValidator(_recall), Field(gt=0, le=1)]


def _shape_of_level(given: Any) -> str:
    """Which of its two forms a level has, so that errors speak of one form only."""
    if not isinstance(given, Mapping) or {"median", "interval", "value", "evidence", "dated"} & set(given):
        return ONE_QUANTITY
    return PER_DYAD


class StatedLevel(Quantity):
    """A level as it is stated: of today, or of the day that it is `dated`, from which on it ages."""

    dated: Day | None = Field(default=None, exclude_if=lambda day: day is None)

    @model_validator(mode="before")
    @classmethod
    def _of_today(cls, given: Any) -> Any:
        """A quantity without a day is a level of today."""
        is_plain = isinstance(given, Quantity) and not isinstance(given, StatedLevel)
        return {name: getattr(given, name) for name in Quantity.model_fields} if is_plain else given


Level = Annotated[
    Annotated[StatedLevel, Tag(ONE_QUANTITY)] | Annotated[dict[str, StatedLevel], Tag(PER_DYAD)],
    Discriminator(_shape_of_level),
]


class Raise(Strict):
    """How many steps each event of a type lifts an indicator, from the period after its own on, and how that fades.

    `whose` events count, as on an edge; left after a gap of so many periods: steps * 2^(-gap / half-life).
    """

    steps: Quantity
    half_life: Quantity
    whose: Literal["own", "others", "host", "any"]


class Measure(Strict):
    """What one of several series measures: value = offset + scale * level + error, all in steps.

    error: standard deviation of what each value is off by, beyond what its own low and high say; expected_every: after
    how many days the next value is due.
    """

    label: Text
    offset: Quantity | None = None
    scale: Quantity | None = None
    error: Positive | None = None
    expected_every: Days | None = Field(default=None, exclude_if=lambda days: days is None)


class Indicator(Strict):
    """A measurable driver; its scale says how levels become steps from the reference (`riskcast.case.scales`)."""

    label: Text
    question: Text
    scope: Literal["host", "dyad"]
    unit: Text
    scale: Annotated[str, NameIn(SCALES)]
    reference: Finite
    step: Positive
    bounds: tuple[Finite, Finite] | None = None
    history: Literal["series", "reference", "panel"]
    now: Level | None = None
    missing: tuple[Literal["hold", "reference", "drop"], ...] = ()
    drift: Quantity
    parents: dict[Id, Quantity] = Field(default_factory=dict)
    raises: dict[Id, Raise] = Field(default_factory=dict, exclude_if=lambda raises: not raises)
    reversion: Quantity | None = Field(default=None, exclude_if=lambda reversion: reversion is None)
    series: dict[Id, Measure] = Field(default_factory=dict, exclude_if=lambda series: not series)
    past: Literal["line", "smoothed"] | None = Field(default=None, exclude_if=lambda past: past is None)
    expected_every: Days | None = Field(default=None, exclude_if=lambda days: days is None)
    allow: Allowed = ()

    @model_validator(mode="after")
    def _today(self) -> Indicator:
        if self.history == "panel" and self.now is not None:
            raise ValueError("has a level of today beside the panel's; remove `now:`, or say another `history:`")
        if self.history == "reference" and self.now is None:
            raise ValueError("has no level of today; add `now:`")
        if self.history != "series" and (self.series or self.past is not None):
            key = "series" if self.series else "past"
            raise ValueError(f"has `{key}:` but no history of dated values; remove it, or say history: series")
        if self.past == "line" and (self.now is None or self.series):
            raise ValueError("draws a line through values that today's level is inferred from; write past: smoothed")
        if self.history != "panel" and self.missing:
            raise ValueError("says how missing cells of a panel are treated, but has no panel; remove `missing:`")
        return self

    @property
    def is_smoothed(self) -> bool:
        """Whether levels of the past are inferred from all dated values, as today's is where none is stated, rather
        than by lines from each value to the next."""
        if self.history != "series" or self.past is not None:
            return self.past == "smoothed"
        return self.now is None or bool(self.series)

    @property
    def measure(self) -> Scale:
        """The scale with this indicator's numbers."""
        return SCALES.get(self.scale)(self.reference, self.step, self.bounds, self.unit)

    @property
    def link(self) -> Link:
        """The link on which levels drift."""
        return self.measure.link

    @property
    def prior_link(self) -> Link:
        """The link of what is believed of a level."""
        return self.measure.prior_link

    def steps(self, level: Any) -> Any:
        """Levels in the natural unit -> steps from the reference level."""
        return self.measure.steps(level)

    def level(self, steps: Any) -> Any:
        """Steps from the reference level -> levels in the natural unit."""
        return self.measure.level(steps)

    def now_of(self, unit: str) -> StatedLevel:
        """The level that is stated of one dyad, or of the host; raises LookupError where there is none."""
        stated = self.stated(unit)
        if stated is None:
            raise LookupError("no level of today is stated")
        return stated

    def stated(self, unit: str) -> StatedLevel | None:
        """The level that is stated of one dyad, or of the host; None where there is none."""
        return self.now.get(unit) if isinstance(self.now, dict) else self.now


class Resolution(Strict):
    """When the event counts as having happened, when not, and who would say so."""

    yes: Text
    no: Text
    resolved_by: Text

    @property
    def rules(self) -> tuple[str, str, str]:
        """What a question is resolved by: when yes, when no, and who says so."""
        return self.yes, self.no, self.resolved_by


class EventType(Strict):
    """A kind of event that is forecast: an outcome with a severity, or a trigger that only drives others.

    applies_to: the dyads that a shared outcome can touch, all where None; implied_by: outcomes that cannot happen
    without this one, in the same period as which it adds nothing to a score; at_least: the number, in a panel's cell,
    from which the event of a period has happened.
    """

    label: Text
    kind: Literal["outcome", "trigger"]
    scope: Literal["dyad", "host"]
    initiator: Literal["host", "partner", "either", "other"]
    severity: Annotated[Finite, Field(gt=0, le=100)] | None = None
    resolution: Resolution
    base_rate: Quantity
    half_life: dict[Id, Quantity] = Field(default_factory=dict)
    sd_dyad: Quantity | None = None
    sd_time: Quantity | None = None
    tension: Quantity | None = Field(default=None, exclude_if=lambda loading: loading is None)
    recorded_from: Day | None = None
    recorded_until: Day | None = Field(default=None, exclude_if=lambda day: day is None)
    applies_to: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None, exclude_if=lambda dyads: dyads is None
    )
    implied_by: tuple[Id, ...] = Field(default=(), exclude_if=lambda outcomes: not outcomes)
    recall: Recall = Field(default=1.0, exclude_if=lambda recall: recall == 1.0)
    at_least: Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)] = Field(
        default=1, exclude_if=lambda number: number == 1
    )
    allow: Allowed = ()

    @property
    def is_scored(self) -> bool:
        """Whether the event adds to scores: an outcome of one dyad."""
        return self.kind == "outcome" and self.scope == "dyad"

    @model_validator(mode="after")
    def _severity(self) -> EventType:
        if (self.kind == "outcome") != (self.severity is not None):
            if self.kind == "outcome":
                raise ValueError("is an outcome without severity; add `severity:`, a number from 0 to 100")
            raise ValueError("is a trigger with a severity; remove `severity:`, or write kind: outcome")
        return self


class Effect(Strict):
    """An edge: how much one step of an indicator, or one fresh event, multiplies the rate of an event type.

    With `on: half_life` one step of an indicator multiplies the half-life of a memory of the event type instead, and
    `rate_ratio` is the ratio of half-lives.
    """

    source: Id = Field(alias="from")
    target: Id = Field(alias="to")
    path: Id | None = None
    rate_ratio: Quantity
    rationale: Text
    on: Literal["rate", "half_life"] = Field(default="rate", exclude_if=lambda on: on == "rate")
    whose: (
        Literal[
            "own",
            "others",
            "host",
            "any",
            "reverse",
            "sender",
            "receiver",
            "against_sender",
            "by_receiver",
            "neighbours",
            "in_place",
        ]
        | None
    ) = None
    # The table of neighbours by which it sees.
    by: Id | None = Field(default=None, exclude_if=lambda table: table is None)
    memory: Id | None = None
    acts: Literal["next", "same"] | None = None
    # Whether an answer, an event of the target, ends what triggers before it do to the target.
    spent: Annotated[bool, Field(strict=True)] = Field(default=False, exclude_if=lambda spent: not spent)
    allow: Allowed = ()

    @property
    def id(self) -> str:
        """`from->to`, or `from->to/path` where several edges join the same two; the path of one that acts on a
        half-life is half_life where none is named."""
        path = self.path or (HALF_LIFE_PATH if self.on == "half_life" else "")
        return f"{self.source}->{self.target}" + (f"/{path}" if path else "")

    @property
    def quantity_id(self) -> str:
        """The id of its rate ratio, which overlays use."""
        return str(QuantityId("effects", ids.RATE_RATIO, self.id))

    @property
    def is_escalation(self) -> bool:
        """Whether the edge comes from an event rather than an indicator."""
        return self.memory is not None and self.on == "rate"


class IndicatorMove(Strict):
    """What a scenario does to an indicator: `set` a level, `shift` it by so much, or `multiply` it."""

    indicator: Id
    dyads: tuple[str, ...] | None = None
    set: Finite | None = None
    shift: Finite | None = None
    multiply: Positive | None = None
    start: Month = 1
    until: Month | None = None
    over: Annotated[int, Field(ge=1, le=600, strict=True)] = 1

    @model_validator(mode="after")
    def _one_verb(self) -> IndicatorMove:
        if sum(getattr(self, verb) is not None for verb in VERBS) != 1:
            raise ValueError(f"does not say what happens; give exactly one of {', '.join(VERBS)}")
        if self.until is not None and self.until < self.start:
            raise ValueError(
                f"ends in month {self.until}, before it starts in month {self.start}; correct one of the two"
            )
        return self

    @property
    def verb(self) -> Verb:
        """What happens: set, shift or multiply."""
        return next(verb for verb in VERBS if getattr(self, verb) is not None)

    @property
    def size(self) -> float:
        """The level that is set, or by how much the indicator is shifted or multiplied."""
        return float(getattr(self, self.verb))


class AssumedEvent(Strict):
    """An event that a scenario takes as happening in one period of the horizon, or as not happening in it, in all from
    it to `until`, or in the whole horizon where no period is given."""

    event: Id
    dyads: tuple[str, ...] | None = None
    month: Month | None = None
    until: Month | None = Field(default=None, exclude_if=lambda month: month is None)
    happens: Annotated[bool, Field(strict=True)] = Field(default=True, exclude_if=lambda happens: happens)

    @model_validator(mode="after")
    def _when(self) -> AssumedEvent:
        if self.happens and self.month is None:
            raise ValueError("does not say when it happens; add `month:`, 1 for the first, or write happens: false")
        if self.happens and self.until is not None:
            raise ValueError("happens once and has an end; remove `until:`, or write happens: false")
        if self.until is not None and self.until < (self.month or 1):
            raise ValueError(
                f"ends in month {self.until}, before it starts in month {self.month}; correct one of the two"
            )
        return self

    def span(self, horizon: int) -> tuple[int, int]:
        """First and last period, counted from 1, of which it is assumed; the horizon ends in period `horizon`.

        >>> AssumedEvent(event="rupture", happens=False).span(12)
        (1, 12)
        """
        if self.month is None:
            return 1, self.until or horizon
        return self.month, self.until or self.month


class Scenario(Strict):
    """An assumed future: indicator paths that are set or shifted, events that are assumed to happen or not to."""

    label: Text
    story: Text
    indicators: tuple[IndicatorMove, ...] = ()
    events: tuple[AssumedEvent, ...] = ()
    allow: Allowed = ()

    def to_frame(self) -> pandas.DataFrame:
        """One row for each assumption: columns what (indicator or event), verb, value, start, until, over, dyads."""
        import pandas

        columns = ["what", "verb", "value", "start", "until", "over", "dyads"]
        return pandas.DataFrame(self._assumptions(), columns=columns)

    def _assumptions(self) -> list[tuple[str, str, float | None, int, int | None, int | None, Any]]:
        rows: list[tuple[str, str, float | None, int, int | None, int | None, Any]] = []
        for move in self.indicators:
            rows.append((move.indicator, move.verb, move.size, move.start, move.until, move.over, move.dyads))
        for event in self.events:
            if event.happens:
                rows.append((event.event, "happens", None, event.month or 1, event.month, None, event.dyads))
                continue
            end = event.until or event.month
            rows.append((event.event, "does not happen", None, event.month or 1, end, None, event.dyads))
        return rows

    def _repr_html_(self) -> str:
        rows = [
            (what, verb, "" if value is None else plain_number(value), start)
            for what, verb, value, start, *_ in self._assumptions()
        ]
        words = (Column("indicator or event"), Column("what it does"))
        columns = (*words, Column("by", form="number"), Column("from period", form="count"))
        return to_html(Table(self.label, columns, rows or [("nothing is assumed", "", "", "")], note=self.story))


class Source(Strict):
    """Where a claim or a figure comes from."""

    title: Text
    publisher: Text
    date: Day
    author: Text | None = None
    url: Text | None = None
    note: Text | None = None


class EventRow(Strict):
    """One dated event of the record; `precision` says how exactly the date is known.

    published: the day on which the world could know of it, that of the event where none is given; entered: the day on
    which it came into this record. One whose `status` is disputed is part of the record like any other, and forecasts
    are scored both with it and without.
    """

    date: Day
    precision: Literal["day", "month", "year"]
    type: str
    dyad: str
    initiator: str
    description: Text
    sources: tuple[str, ...]
    status: Literal["located", "unverified", "judgement", "disputed"]
    published: Day | None = Field(default=None, exclude_if=lambda day: day is None)
    entered: Day | None = Field(default=None, exclude_if=lambda day: day is None)

    @model_validator(mode="after")
    def _known_after(self) -> EventRow:
        begun = date_span(self.date, self.precision)[0]
        for word, day in (("published", self.published), ("entered", self.entered)):
            if day is not None and day < begun:
                raise ValueError(f"is {word} on {day}, before it happened ({self.when}); correct one of the two days")
        return self

    @property
    def when(self) -> str:
        """The date as exactly as it is known: 2024-03-22, 2024-03 or 2024."""
        return date_label(self.date, self.precision)

    @property
    def span(self) -> tuple[dt.date, dt.date]:
        """First and last day on which the event can have happened; it had when it was published."""
        first, last = date_span(self.date, self.precision)
        return first, last if self.published is None else min(last, self.published)

    @property
    def known_on(self) -> dt.date:
        """The day from which on the event is known: that on which it was published, or else the last on which it can
        have happened."""
        return self.published or self.span[1]

    @property
    def placed_on(self) -> dt.date:
        """The day at which the event enters the record: the middle of what its precision allows, or the day on which
        it was published if that is earlier."""
        middle = {
            "day": self.date,
            "month": self.date.replace(day=15),
            "year": dt.date(self.date.year, 7, 1),
        }[self.precision]
        return middle if self.published is None else min(middle, self.published)


class SeriesRow(Strict):
    """One dated value of an indicator, and the day on which it was published; series: which of its series it is of.

    entered: the day on which it came into this record, which changes no number.
    """

    indicator: str
    unit: str
    date: Day
    value: Finite
    low: Finite
    high: Finite
    published: Day
    sources: tuple[str, ...]
    status: Literal["located", "unverified", "judgement"]
    series: Id | None = Field(default=None, exclude_if=lambda series: series is None)
    entered: Day | None = Field(default=None, exclude_if=lambda day: day is None)

    @model_validator(mode="after")
    def _ordered(self) -> SeriesRow:
        if self.entered is not None and self.entered < self.date:
            raise ValueError(f"is entered on {self.entered}, before its day {self.date}; correct one of the two days")
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"value {self.value:g} lies outside low..high {self.low:g}..{self.high:g}; correct the row"
            )
        return self


class CoverageRow(Strict):
    """A span of days in which the record was searched for events of a type in a unit, or in `ALL`.

    recall: the share of what happened that such a search finds.
    """

    unit: str
    type: str
    start: Day = Field(alias="from")
    until: Day
    recall: Recall = Field(default=1.0, exclude_if=lambda recall: recall == 1.0)

    @model_validator(mode="after")
    def _ordered(self) -> CoverageRow:
        if self.until < self.start:
            raise ValueError(f"ends on {self.until}, before it begins on {self.start}; correct one of the two")
        return self

    @property
    def searched(self) -> tuple[dt.date, dt.date, float]:
        """First and last day, and recall."""
        return self.start, self.until, self.recall


class Case(Strict):
    """Everything that one case folder says; `dialects` is how its tables were read, which is no part of what it says,
    and `claims` what its sources say, which the model is held against.

    >>> from riskcast import load_case
    >>> load_case("central_asia_2024").dyads
    ('RUS-KAZ', 'RUS-KGZ', 'RUS-TJK', 'RUS-TKM', 'RUS-UZB')
    """

    name: str
    settings: Settings
    indicators: dict[Id, Indicator]
    events: dict[Id, EventType]
    effects: tuple[Effect, ...]
    scenarios: dict[Id, Scenario]
    sources: dict[Id, Source]
    event_rows: tuple[EventRow, ...] = ()
    series_rows: tuple[SeriesRow, ...] = ()
    coverage: tuple[CoverageRow, ...] = Field(default=(), exclude_if=lambda rows: not rows)
    panel: Annotated[InstanceOf[Panel] | None, Field(exclude=True)] = None
    published_hash: str | None = None
    overlay_hash: str | None = None
    dialects: Annotated[tuple[InstanceOf[Dialect], ...], Field(exclude=True)] = ()
    # Apart from what the hash is of: a claim says what a source says, and no forecast depends on it.
    claims: Annotated[dict[Id, Claim], Field(exclude=True)] = Field(default_factory=dict)

    @cached_property
    def dyads(self) -> tuple[str, ...]:
        """Ids of the dyads, such as HOST-PARTNER."""
        if self.panel is not None:
            return self.panel.dyads
        return tuple(Dyad(self.host, partner.id).id for partner in self.settings.partners)

    @cached_property
    def pairs(self) -> Mapping[str, Dyad]:
        """Every dyad by its id, in the order of `dyads`."""
        return {id: Dyad.parse(id) for id in self.dyads}

    def name_of(self, unit: str) -> str:
        """The name by which people tell a unit apart: the partner's where the case has a host, else the dyad's id.

        The host goes by its own name; what the case gives no name for goes by its id.
        """
        if unit in self.pairs and self.panel is None:
            return self.state_names.get(self.pairs[unit].second, unit)
        return self.state_names.get(unit, unit)

    @cached_property
    def state_names(self) -> Mapping[str, str]:
        """Names of states by id, as far as the case gives them."""
        return {state.id: state.name for state in (self.settings.host, *self.settings.partners) if state is not None}

    @property
    def host(self) -> str:
        """Id of the host, or of the system of states that a panel's dyads share."""
        return SYSTEM if self.settings.host is None else self.settings.host.id

    @property
    def as_of(self) -> dt.date:
        """The last day that the case knows of."""
        return self.settings.as_of

    @property
    def calendar(self) -> Calendar:
        """How time is cut into periods."""
        return self.settings.calendar

    @property
    def periods_per_year(self) -> float:
        """Periods in a year: 12, 4, 1, or the weeks of a year."""
        return self.calendar.periods_per_year

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """Ids of the outcomes: event types with a severity."""
        return tuple(name for name, event in self.events.items() if event.kind == "outcome")

    @cached_property
    def own_outcomes(self) -> tuple[str, ...]:
        """Ids of the outcomes that add to scores: those of one dyad."""
        return tuple(name for name, event in self.events.items() if event.is_scored)

    @cached_property
    def implied_by(self) -> Mapping[str, tuple[str, ...]]:
        """By outcome that others imply: all that imply it, also by way of a third one."""
        direct = {name: event.implied_by for name, event in self.events.items() if event.implied_by}
        found: dict[str, tuple[str, ...]] = {}
        for name in direct:
            waiting, seen = list(direct[name]), set[str]()
            while waiting:
                one = waiting.pop()
                if one not in seen:
                    seen.add(one)
                    waiting += direct.get(one, ())
            found[name] = tuple(event for event in self.events if event in seen)
        return found

    def touched_by(self, event: str) -> tuple[str, ...]:
        """The dyads that an event of the host can touch."""
        named = self.events[event].applies_to
        return self.dyads if named is None else tuple(dyad for dyad in self.dyads if dyad in named)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Event types in same-period order, else by name: a source comes before what it drives within the period."""
        return same_period_order(tuple(sorted(self.events)), self.effects)

    def units(self, event: str) -> tuple[str, ...]:
        """The units that can have the event: the dyads, or the host."""
        return self.dyads if self.events[event].scope == "dyad" else (self.host,)

    def effects_on(self, event: str) -> tuple[Effect, ...]:
        """The edges that act on the rate of an event type, in file order."""
        return tuple(effect for effect in self.effects if effect.target == event and effect.on == "rate")

    def half_life_effects_on(self, event: str) -> tuple[Effect, ...]:
        """The edges from indicators that act on half-lives of an event type, in file order."""
        return tuple(effect for effect in self.effects if effect.target == event and effect.on == "half_life")

    def half_life(self, event: str, memory: str) -> Quantity:
        """The half-life, in periods, of a memory of an event type; raises LookupError for one that has none."""
        found = self.events[event].half_life.get(memory, self.settings.memories[memory].half_life)
        if found is None:
            raise LookupError(f"the memory {memory} has no half-life")
        return found

    def sd_dyad(self, event: str) -> Quantity:
        """The spread of an event type's log rate between dyads."""
        return self.events[event].sd_dyad or self.settings.hyperpriors.sd_dyad

    def sd_time(self, event: str) -> Quantity:
        """The spread of an event type's log rate between years."""
        return self.events[event].sd_time or self.settings.hyperpriors.sd_time

    def loading(self, event: str) -> Quantity | None:
        """By how much an event type's log rate rises with a standard deviation of tension; None where that is off."""
        tension = self.settings.tension
        return None if tension is None else self.events[event].tension or tension.loading

    def base_rate_prior(self, event: str) -> Prior:
        """Prior of the log rate per period at reference levels with nothing recent."""
        return elicit(self.events[event].base_rate, base_rate_link(self.periods_per_year))

    def scenario(self, name: str) -> Scenario:
        """The scenario of that name; the baseline assumes nothing."""
        if name == BASELINE and name not in self.scenarios:
            return Scenario(label="Baseline", story="Nothing is assumed beyond the priors and the record.")
        return self.scenarios[name]

    def quantities(self) -> Iterator[tuple[str, Quantity, Link]]:
        """Every quantity of the case: its id, which overlays use, itself, and the link of its prior."""
        rate = base_rate_link(self.periods_per_year)
        for found, quantity in self._named_quantities():
            link = self.indicators[found.name].prior_link if found.kind is ids.LEVEL else found.kind.link
            yield str(found), quantity, link or rate

    def _units_now(self, name: str) -> Iterator[tuple[str, str]]:
        """Units that have a level of today, one for each level, and what its id says of it."""
        indicator, units = self.indicators[name], self.units_of(name)
        if indicator.history == "panel":
            return
        if isinstance(indicator.now, StatedLevel) or indicator.scope == "host":
            yield units[0], ""
        else:
            known = indicator.now or {}
            yield from ((unit, unit) for unit in units if indicator.is_smoothed or unit in known)

    def _named_quantities(self) -> Iterator[tuple[QuantityId, Quantity]]:
        for name, memory in self.settings.memories.items():
            if memory.half_life is not None:
                yield QuantityId("memories", ids.HALF_LIFE, name), memory.half_life
        for kind in (ids.SD_DYAD, ids.SD_TIME, ids.PERSISTENCE):
            yield QuantityId("hyperpriors", kind), getattr(self.settings.hyperpriors, kind.field)
        yield QuantityId("trust", ids.TRUST), self.settings.trust
        if self.settings.tension is not None:
            yield QuantityId("tension", ids.TENSION_PERSISTENCE), self.settings.tension.persistence
            yield QuantityId("tension", ids.LOADING), self.settings.tension.loading
        for name, indicator in self.indicators.items():
            for unit, of in self._units_now(name):
                yield QuantityId("indicators", ids.LEVEL, name, of), self.now_of(name, unit)
            yield QuantityId("indicators", ids.DRIFT, name), indicator.drift
            if indicator.reversion is not None:
                yield QuantityId("indicators", ids.REVERSION, name), indicator.reversion
            for key, measure in indicator.series.items():
                for kind, quantity in ((ids.OFFSET, measure.offset), (ids.SERIES_SCALE, measure.scale)):
                    if quantity is not None:
                        yield QuantityId("indicators", kind, name, key), quantity
            for parent, weight in indicator.parents.items():
                yield QuantityId("indicators", ids.PASSED_ON, name, parent), weight
            for event_name, rise in indicator.raises.items():
                yield QuantityId("indicators", ids.RISE, name, event_name), rise.steps
                yield QuantityId("indicators", ids.RISE_HALF_LIFE, name, event_name), rise.half_life
        for name, event in self.events.items():
            yield QuantityId("outcomes", ids.BASE_RATE, name), event.base_rate
            for memory_name, half_life in event.half_life.items():
                yield QuantityId("outcomes", ids.HALF_LIFE, name, memory_name), half_life
            for kind in (ids.SD_DYAD, ids.SD_TIME, ids.OWN_LOADING):
                own = getattr(event, kind.field)
                if own is not None:
                    yield QuantityId("outcomes", kind, name), own
        for effect in self.effects:
            yield QuantityId("effects", ids.RATE_RATIO, effect.id), effect.rate_ratio

    def units_of(self, indicator: str) -> tuple[str, ...]:
        """The units that have a level of an indicator: the dyads, or the host."""
        return self.dyads if self.indicators[indicator].scope == "dyad" else (self.host,)

    def now_of(self, indicator: str, unit: str) -> Quantity:
        """Today's level of an indicator in one dyad, or of the host, as it is stated or has aged since its day.

        Raises LookupError where a panel holds it.
        """
        if (indicator, unit) not in self._levels_now:
            self._levels_now[indicator, unit] = level_today(self, indicator, unit)
        return self._levels_now[indicator, unit]

    @cached_property
    def _levels_now(self) -> dict[tuple[str, str], Quantity]:
        return {}

    def to_frame(self) -> pandas.DataFrame:
        """One row for each quantity: columns quantity, center, low, high (90 %), fixed, scale, basis, claim."""
        import pandas

        rows = []
        for key, quantity, link in self.quantities():
            told = (None, None) if quantity.evidence is None else (quantity.evidence.basis, quantity.evidence.claim)
            rows.append((key, quantity.center, *quantity.range, quantity.is_fixed, link.name, *told))
        columns = ["quantity", "center", "low", "high", "fixed", "scale", "basis", "claim"]
        return pandas.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        counts = f"{counted(len(self.dyads), 'dyad')}, {counted(len(self.events), 'event type')}, "
        counts += counted(len(self.indicators), "indicator")
        return f"<Case {self.name} as of {self.as_of:%Y-%m-%d}: {counts}; {self.hash[:12]}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        dyads = ", ".join(self.dyads[:MOST_NAMED]) + (" …" if len(self.dyads) > MOST_NAMED else "")
        history = len(self.event_rows) if self.panel is None else len(self.panel.period)
        rows = [
            ("As of", f"{self.as_of:%Y-%m-%d}, record from {self.settings.history_from:%Y-%m-%d}"),
            ("Dyads", f"{len(self.dyads):,}: {dyads}"),
            ("Outcomes", f"{len(self.outcomes)}: {', '.join(self.outcomes)}"),
            ("Triggers", ", ".join(name for name in self.events if name not in self.outcomes) or "none"),
            ("Indicators", f"{len(self.indicators)}: {', '.join(self.indicators)}"),
            ("Effects", f"{len(self.effects)}"),
            ("Record", f"{history:,} rows"),
            ("Scenarios", ", ".join(self.scenarios) or "none but the baseline"),
            (
                "Hash",
                self.hash[:12] + (f", changed by the overlay {self.overlay_hash[:12]}" if self.overlay_hash else ""),
            ),
        ]
        return to_html(Table(self.settings.title, (Column(""), Column("")), rows, note="Quantities: to_frame()."))

    def revised(self, **changes: Any) -> Case:
        """The case with some of its parts replaced, validated anew; no longer the published one unless it says so."""
        parts = {name: getattr(self, name) for name in Case.model_fields} | {"published_hash": None}
        return Case.model_validate(parts | changes)

    @cached_property
    def hash(self) -> str:
        """sha256 of everything the case says, with its history; blind to key order, comments and layout."""
        content = self.model_dump(mode="json", by_alias=True, exclude={"published_hash", "overlay_hash", "name"})
        return digest(content if self.panel is None else content | {"panel": self.panel.digest})

    @property
    def original_hash(self) -> str:
        """The hash of the case before any overlay."""
        return self.published_hash or self.hash


def same_period_order(events: tuple[str, ...], effects: tuple[Effect, ...]) -> tuple[str, ...]:
    """Order event types so that same-period sources come first, else as in the file; raises ValueError on a cycle.

    >>> edge = Effect.model_validate({"from": "b", "to": "a", "rate_ratio": {"value": 2}, "rationale": "r",
    ...                               "whose": "own", "memory": "fast", "acts": "same"})
    >>> same_period_order(("a", "b"), (edge,))
    ('b', 'a')
    """
    sources: dict[str, set[str]] = {event: set() for event in events}
    for effect in effects:
        if effect.acts == "same":
            sources[effect.target].add(effect.source)
    return topological_order(sources)
