"""Single edits of a case from Python: each is validated on the whole case, written at once, and can be undone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from riskcast.case.files import find_folder
from riskcast.case.vintage_folders import KeptVintage, kept_vintages
from riskcast.case.yaml_lines import ScalarError, read_day
from riskcast.errors import OptionError, show
from riskcast.updates.editing import Update, make_edits, take_back
from riskcast.updates.journal import Entry, journal_of
from riskcast.updates.operations import (
    EventStatus,
    NewDay,
    NewEvent,
    NewNumbers,
    NewSource,
    NewValue,
    Operation,
    Precision,
    Searched,
    ValueStatus,
)

DayLike = dt.date | str


def add_event(
    case: str | Path,
    type: str,
    dyad: str,
    date: DayLike,
    description: str,
    *,
    precision: Precision = "day",
    initiator: str | None = None,
    sources: Iterable[str | NewSource] = (),
    status: EventStatus | None = None,
    published: DayLike | None = None,
    entered: DayLike | None = None,
    author: str | None = None,
) -> Update:
    """Add an event to the record of the case in a folder.

    sources: ids of sources of the case, or new ones, which are added with it; entered: today where no day is given.
    Raises RiskcastError, and writes nothing, where the case cannot hold it.
    """
    new, ids = _split(sources)
    days = {"published": _day(published), "entered": _day(entered)}
    own = NewEvent(day_of(date), type, dyad, description, precision, initiator, ids, status, **days)
    return make_edits(case, [*new, own], author)


def add_value(
    case: str | Path,
    indicator: str,
    unit: str,
    date: DayLike,
    value: float,
    *,
    low: float | None = None,
    high: float | None = None,
    published: DayLike | None = None,
    sources: Iterable[str | NewSource] = (),
    status: ValueStatus | None = None,
    series: str | None = None,
    entered: DayLike | None = None,
    author: str | None = None,
) -> Update:
    """Add a dated value of an indicator, with its 90 % interval; raises RiskcastError where the case cannot hold it."""
    new, ids = _split(sources)
    days = (_day(published), _day(entered))
    own = NewValue(indicator, unit, day_of(date), value, low, high, days[0], ids, status, series, days[1])
    return make_edits(case, [*new, own], author)


def add_source(case: str | Path, source: NewSource, author: str | None = None) -> Update:
    """Add a source to sources.yaml."""
    return make_edits(case, [source], author)


def mark_checked(
    case: str | Path,
    types: Sequence[str] = (),
    units: Sequence[str] = (),
    *,
    start: DayLike | None = None,
    until: DayLike | None = None,
    recall: float | None = None,
    author: str | None = None,
) -> Update:
    """Say that days were searched for events: all types and units where none are named.

    start: the day after the last that was searched, where none is given; until: the case's own day.
    """
    own = Searched(tuple(types), tuple(units), _day(start), _day(until), recall)
    return make_edits(case, [own], author)


def set_quantity(
    case: str | Path,
    quantity: str,
    median: float | None = None,
    interval: tuple[float, float] | None = None,
    *,
    value: float | None = None,
    claim: str | None = None,
    basis: str | None = None,
    sources: Sequence[str] = (),
    dated: DayLike | None = None,
    author: str | None = None,
) -> Update:
    """Change the numbers of one quantity in its file: a median with its 90 % interval, or a value held fixed."""
    own = NewNumbers(quantity, median, interval, value, claim, basis, tuple(sources), _day(dated))
    return make_edits(case, [own], author)


def roll_case(case: str | Path, as_of: DayLike, *, dating: bool = True, author: str | None = None) -> Update:
    """Roll a case to a later day, and keep it as it stood as a vintage.

    dating: levels that are stated without a day become levels of the day that is left, so that they age.
    """
    return make_edits(case, [NewDay(day_of(as_of), dating)], author)


def edit_case(case: str | Path, operations: Sequence[Operation], author: str | None = None) -> Update:
    """Make several edits of a case as one: all of them or none, and one to undo."""
    return make_edits(case, operations, author)


def undo_edit(case: str | Path, author: str | None = None) -> Update:
    """Take back the last edit of a case; a vintage that it kept stays. Raises RiskcastError where there is none."""
    return take_back(case, author)


def list_vintages(case: str | Path) -> tuple[KeptVintage, ...]:
    """The kept vintages of a case, by day; each loads as `load_case(f"{case}@{day}")`."""
    return kept_vintages(find_folder(case))


def read_journal(case: str | Path) -> tuple[Entry, ...]:
    """Every edit that riskcast made of a case, in order: what, who, when, old and new."""
    return journal_of(find_folder(case))


def day_of(given: DayLike) -> dt.date:
    """A day, or one written as YYYY-MM-DD; raises OptionError.

    >>> day_of("2024-05-06")
    datetime.date(2024, 5, 6)
    """
    if isinstance(given, dt.datetime):
        return given.date()
    if isinstance(given, dt.date):
        return given
    try:
        return read_day(str(given))
    except ScalarError as error:
        raise OptionError(f"the day {show(given)} {error}") from None


def _day(given: DayLike | None) -> Any:
    return None if given is None else day_of(given)


def _split(sources: Iterable[str | NewSource]) -> tuple[list[NewSource], tuple[str, ...]]:
    """New sources, and the ids of all."""
    given = [sources] if isinstance(sources, str | NewSource) else list(sources)
    new = [each for each in given if isinstance(each, NewSource)]
    return new, tuple(each.id if isinstance(each, NewSource) else each for each in given)
