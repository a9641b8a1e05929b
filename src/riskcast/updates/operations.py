"""What can be done to a case's files: each as a frozen record, which says itself in a sentence and as a command."""

from __future__ import annotations

import datetime as dt
import shlex
from dataclasses import dataclass
from typing import Literal

from riskcast.numbers import plain_number

Precision = Literal["day", "month", "year"]
EventStatus = Literal["located", "unverified", "judgement", "disputed"]
ValueStatus = Literal["located", "unverified", "judgement"]


def _command(name: str, *words: object, **options: object) -> str:
    """A command line; options without a value are left out.

    >>> _command("add-value", "mood", -3.5, status="judgement")
    'riskcast add-value CASE --status judgement -- mood -3.5'
    """
    given = [shlex.quote(str(word)) for word in words]
    flags = [
        f"--{key.replace('_', '-')} {shlex.quote(str(one))}"
        for key, value in options.items()
        for one in (value if isinstance(value, tuple) else () if value is None else (value,))
    ]
    # Before `--`, a word that begins with a dash is taken for an option; behind it, an option is taken for a word.
    has_dash = any(str(word).startswith("-") for word in words)
    return " ".join([f"riskcast {name} CASE", *([*flags, "--", *given] if has_dash else [*given, *flags])])


@dataclass(frozen=True)
class NewSource:
    """A source for sources.yaml."""

    id: str
    title: str
    publisher: str
    date: dt.date
    author: str | None = None
    url: str | None = None
    note: str | None = None

    @property
    def told(self) -> str:
        """What it does, in a sentence."""
        return f"source {self.id}: {self.title} ({self.publisher}, {self.date})"

    @property
    def command(self) -> str:
        """The command that does the same."""
        rest = {"author": self.author, "url": self.url, "note": self.note}
        return _command("add-source", self.id, self.title, publisher=self.publisher, date=self.date, **rest)


@dataclass(frozen=True)
class NewEvent:
    """An event for the record.

    initiator: who acted, the usual one of the type where none is named; status: located where there are sources, else
    unverified; published: when the world could know of it; entered: when this case did, the day of the edit; place: the
    row of the file that it was read from.
    """

    date: dt.date
    type: str
    dyad: str
    description: str
    precision: Precision = "day"
    initiator: str | None = None
    sources: tuple[str, ...] = ()
    status: EventStatus | None = None
    published: dt.date | None = None
    entered: dt.date | None = None
    place: str = ""

    @property
    def told(self) -> str:
        """What it does, in a sentence."""
        return f"event {self.type} of {self.dyad} on {self.date}: {self.description}"

    @property
    def command(self) -> str:
        """The command that does the same."""
        precision = None if self.precision == "day" else self.precision
        rest = {"precision": precision, "initiator": self.initiator, "source": self.sources, "status": self.status}
        days = {"published": self.published, "entered": self.entered}
        return _command("add-event", self.type, self.dyad, self.date, self.description, **rest, **days)


@dataclass(frozen=True)
class NewValue:
    """A dated value of an indicator, with the ends of its 90 % interval, which are the value where none are given."""

    indicator: str
    unit: str
    date: dt.date
    value: float
    low: float | None = None
    high: float | None = None
    published: dt.date | None = None
    sources: tuple[str, ...] = ()
    status: ValueStatus | None = None
    series: str | None = None
    entered: dt.date | None = None
    place: str = ""

    @property
    def told(self) -> str:
        """What it does, in a sentence."""
        series = f" ({self.series})" if self.series else ""
        return f"value {plain_number(self.value)} of {self.indicator}{series} of {self.unit} at {self.date}"

    @property
    def command(self) -> str:
        """The command that does the same."""
        ends = {"low": self.low, "high": self.high, "published": self.published, "source": self.sources}
        rest = {"status": self.status, "series": self.series, "entered": self.entered}
        return _command("add-value", self.indicator, self.unit, self.date, self.value, **ends, **rest)


@dataclass(frozen=True)
class Searched:
    """Days that were searched for events, whether or not anything was found: types and units, all where none are named.

    start: the day after the last that was searched, where none is given; until: the case's own day; recall: the share
    of what happened that such a search finds, as the last one did where none is given.
    """

    types: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    start: dt.date | None = None
    until: dt.date | None = None
    recall: float | None = None

    @property
    def told(self) -> str:
        """What it does, in a sentence."""
        what = ", ".join(self.types) or "all types"
        whom = ", ".join(self.units) or "all units"
        until = "the case's day" if self.until is None else str(self.until)
        return f"searched for {what} of {whom} until {until}"

    @property
    def command(self) -> str:
        """The command that does the same."""
        options = {"type": self.types, "unit": self.units, "from": self.start, "until": self.until}
        return _command("checked", **options, recall=self.recall)


@dataclass(frozen=True)
class NewNumbers:
    """Other numbers of one quantity: a median with its 90 % interval, or a value held fixed.

    claim, basis, sources: its evidence, as it stands where nothing is given; dated: of which day a level is, the case's
    own where the level has a day already.
    """

    quantity: str
    median: float | None = None
    interval: tuple[float, float] | None = None
    value: float | None = None
    claim: str | None = None
    basis: str | None = None
    sources: tuple[str, ...] = ()
    dated: dt.date | None = None

    @property
    def numbers(self) -> str:
        """The numbers as text."""
        if self.value is not None or self.median is None or self.interval is None:
            return plain_number(self.value if self.value is not None else self.median or 0.0)
        return f"{plain_number(self.median)} ({plain_number(self.interval[0])} to {plain_number(self.interval[1])})"

    @property
    def told(self) -> str:
        """What it does, in a sentence."""
        return f"{self.quantity} is {self.numbers}"

    @property
    def command(self) -> str:
        """The command that does the same."""
        ends = {} if self.interval is None else {"low": self.interval[0], "high": self.interval[1]}
        rest = {"claim": self.claim, "basis": self.basis, "source": self.sources, "dated": self.dated}
        return _command("set", self.quantity, median=self.median, **ends, value=self.value, **rest)


@dataclass(frozen=True)
class NewDay:
    """A later day for the case; the case as it stood is kept as a vintage.

    dating: whether levels that are stated without a day become levels of the day that is left, so that they age.
    """

    as_of: dt.date
    dating: bool = True

    @property
    def told(self) -> str:
        """What it does, in a sentence."""
        return f"as of {self.as_of}"

    @property
    def command(self) -> str:
        """The command that does the same."""
        return _command("update", as_of=self.as_of) + ("" if self.dating else " --levels-hold") + " --yes"


Operation = NewSource | NewEvent | NewValue | Searched | NewNumbers | NewDay
