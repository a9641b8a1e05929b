"""Events and dated values as rows of their tables."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from riskcast.case.files import TABLES
from riskcast.case.model import Case
from riskcast.case.where import EVENTS_FILE, SERIES_FILE
from riskcast.errors import OptionError, RiskcastError, UnknownNameError
from riskcast.machinery.table_edits import TableText, new_table, open_table
from riskcast.names import ALL_DYADS, CONTEXT, OTHER_ACTOR
from riskcast.updates.case_files import CaseFiles, Edited
from riskcast.updates.operations import NewEvent, NewValue


def table_of(files: CaseFiles, usual: str) -> TableText:
    """One of the tables of a case, ready for edits; a new one where there is none."""
    found = files.table(usual)
    if found is None:
        return new_table(usual, TABLES[usual].columns)
    return open_table(files.contents[found], found, TABLES[usual])


def add_event_rows(files: CaseFiles, case: Case, news: Sequence[NewEvent], entered: dt.date) -> Edited:
    """The files with events in their record; raises RiskcastError where the case cannot hold one of them."""
    _refuse_panel(case)
    seen = Counter((row.type, row.dyad, row.date, row.initiator, row.description) for row in case.event_rows)
    rows, notes = [], []
    for new in news:
        with _telling(new):
            row, told = _event_row(case, new, entered, seen)
        rows.append(row)
        notes += told
    return _grown(files, EVENTS_FILE, rows, notes)


def _event_row(
    case: Case, new: NewEvent, entered: dt.date, seen: Counter[tuple[str, str, dt.date, str, str]]
) -> tuple[dict[str, str], list[str]]:
    known = [*case.events, CONTEXT]
    if new.type not in known:
        raise UnknownNameError("event type", new.type, known)
    host_wide = new.type != CONTEXT and case.events[new.type].scope == "host"
    units = (case.host,) if host_wide else (*case.dyads, ALL_DYADS)
    units = (*units, case.host) if new.type == CONTEXT else units
    if new.dyad not in units:
        raise UnknownNameError(f"dyad for {new.type}", new.dyad, units)
    _refuse_later(case, "event", new.date, new.published)
    _refuse_sources(case, new.sources)
    if not new.description.strip():
        raise OptionError("the event has no description; say in a sentence who did what")
    initiator = new.initiator or _usual_initiator(case, new)
    told = " ".join(new.description.split())
    row = {
        "date": str(new.date),
        "precision": new.precision,
        "type": new.type,
        "dyad": new.dyad,
        "initiator": initiator,
        "description": told,
        "sources": " ".join(new.sources),
        "status": new.status or ("located" if new.sources else "unverified"),
        "published": "" if new.published is None else str(new.published),
        "entered": str(new.entered or entered),
    }
    key = (new.type, new.dyad, new.date, initiator, told)
    if seen[key]:
        raise OptionError(
            f"the record holds {new.type} of {new.dyad} on {new.date} in these words already; "
            "where it is another event, describe what sets the two apart"
        )
    alike = [other[4] for other in seen if other[:3] == key[:3]]
    seen[key] += 1
    notes = []
    if alike:
        notes.append(
            f"the record holds {new.type} of {new.dyad} on {new.date} already ({alike[0]}); "
            "this is entered as another event"
        )
    kind = case.events.get(new.type)
    if kind is not None and kind.recorded_from is not None and new.date < kind.recorded_from:
        notes.append(f"{new.type} is counted from {kind.recorded_from} on, so that this event changes no number")
    return row, notes


def add_value_rows(files: CaseFiles, case: Case, news: Sequence[NewValue], entered: dt.date) -> Edited:
    """The files with dated values among theirs; raises RiskcastError where the case cannot hold one of them."""
    _refuse_panel(case)
    seen = {(row.indicator, row.unit, row.date, row.series) for row in case.series_rows}
    rows, notes, decimal = [], [], _decimal(files, case)
    for new in news:
        with _telling(new):
            rows.append(_value_row(files, case, new, entered, seen, decimal))
        indicator = case.indicators[new.indicator]
        if indicator.now is not None and indicator.past != "smoothed":
            notes.append(
                f"the level of {new.indicator} today is stated in indicators.yaml and does not follow its values; "
                f"change it with riskcast set, or remove `now:` there"
            )
    return _grown(files, SERIES_FILE, rows, list(dict.fromkeys(notes)))


def _value_row(
    files: CaseFiles,
    case: Case,
    new: NewValue,
    entered: dt.date,
    seen: set[tuple[str, str, dt.date, str | None]],
    decimal: str,
) -> dict[str, str]:
    if new.indicator not in case.indicators:
        raise UnknownNameError("indicator", new.indicator, case.indicators)
    indicator, units = case.indicators[new.indicator], case.units_of(new.indicator)
    if new.unit not in units:
        raise UnknownNameError(f"unit of {new.indicator}", new.unit, units)
    if indicator.history != "series":
        raise OptionError(
            f"{new.indicator} has no dated values (history: {indicator.history}); "
            f"say history: series in indicators.yaml, or change its level: riskcast set CASE "
            f"indicators.{new.indicator}.now"
        )
    if indicator.series and new.series not in indicator.series:
        if new.series is None:
            raise OptionError(f"{new.indicator} has several series; name one of {', '.join(indicator.series)}")
        raise UnknownNameError(f"series of {new.indicator}", new.series, indicator.series)
    published = new.published or new.date
    _refuse_later(case, "value", new.date, published)
    _refuse_sources(case, new.sources)
    if (new.low is None) != (new.high is None):
        raise OptionError("one end of the interval is given; give both low and high, or none for an exact value")
    key = (new.indicator, new.unit, new.date, new.series)
    if key in seen:
        raise OptionError(
            f"{new.indicator} of {new.unit} has a value at {new.date} already; correct that row of "
            f"{files.table(SERIES_FILE) or SERIES_FILE} where it is wrong"
        )
    seen.add(key)
    numbers = [new.value if end is None else end for end in (new.value, new.low, new.high)]
    value, low, high = (_number(number, decimal) for number in numbers)
    return {
        "indicator": new.indicator,
        "unit": new.unit,
        "date": str(new.date),
        "value": value,
        "low": low,
        "high": high,
        "published": str(published),
        "sources": " ".join(new.sources),
        "status": new.status or ("located" if new.sources else "unverified"),
        "series": new.series or "",
        "entered": str(new.entered or entered),
    }


def _grown(files: CaseFiles, usual: str, rows: list[dict[str, str]], notes: list[str]) -> Edited:
    """The files with rows at the end of one of the tables."""
    table = table_of(files, usual)
    grown = table.with_rows(rows)
    notes += [f"{table.name} has a new column, {column}" for column in grown.header if column not in table.header]
    return files.with_file(table.name, grown.to_bytes()), tuple(notes)


@contextmanager
def _telling(new: NewEvent | NewValue) -> Generator[None]:
    """Say in which row of a file what is wrong stands."""
    try:
        yield
    except RiskcastError as error:
        if not new.place:
            raise
        raise OptionError(f"{new.place}: {error}") from None


def _usual_initiator(case: Case, new: NewEvent) -> str:
    if new.type == CONTEXT:
        return case.host if new.dyad == case.host else OTHER_ACTOR
    usual = case.events[new.type].initiator
    if usual != "partner":
        return case.host if usual == "host" else OTHER_ACTOR
    if new.dyad in case.pairs:
        return case.pairs[new.dyad].second
    raise OptionError(f"{new.type} comes from a partner, and {new.dyad} names none; say who acted (initiator)")


def _refuse_panel(case: Case) -> None:
    if case.panel is not None and case.settings.panel is not None:
        raise OptionError(f"this case's record is a panel; add rows to {case.settings.panel.file} by hand")


def _refuse_later(case: Case, what: str, date: dt.date, published: dt.date | None) -> None:
    for word, day in (("is dated", date), ("was published on", published)):
        if day is not None and day > case.as_of:
            raise OptionError(
                f"the {what} {word} {day}, after the case's day {case.as_of}; correct the day, or roll the case first: "
                f"riskcast update CASE --as-of {day}"
            )


def _refuse_sources(case: Case, sources: tuple[str, ...]) -> None:
    for source in sources:
        if source not in case.sources:
            known = UnknownNameError("source", source, case.sources)
            raise OptionError(f"{known}; or give it with the row (--new-source), or before it: riskcast add-source")


def _decimal(files: CaseFiles, case: Case) -> str:
    name = files.table(SERIES_FILE)
    return next((dialect.decimal for dialect in case.dialects if dialect.file == name), ".")


def _number(number: float, decimal: str) -> str:
    if number != number or number in (float("inf"), float("-inf")):
        raise OptionError(f"the value is {number}; give a finite number")
    text = repr(int(number)) if number == int(number) and abs(number) < 1e15 else repr(float(number))
    return text.replace(".", decimal)
