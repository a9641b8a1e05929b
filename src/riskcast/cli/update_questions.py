"""A case rolled forward on a terminal, step by step: nothing is written before the last answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from riskcast.errors import RiskcastError, suggest, visible
from riskcast.names import ALL_DYADS

if TYPE_CHECKING:
    from riskcast.case.model import Case
    from riskcast.updates.case_files import CaseFiles
    from riskcast.updates.operations import Operation
    from riskcast.updates.stale import Staleness

LEAVE = ("q", "quit")
NEW = "new"


class Left(Exception):
    """Whoever is asked has left."""


@dataclass
class Session:
    """What was entered so far, and the case as it would be; kept while questions are asked, whoever leaves when.

    before: the case as it stands; files, case: as they would be with these operations.
    """

    before: Case
    files: CaseFiles
    case: Case
    operations: tuple[Operation, ...] = ()

    def add(self, *more: Operation) -> None:
        """Add edits; raises RiskcastError, and adds none, where the case would not hold."""
        from riskcast.updates.editing import draft_edits

        draft = draft_edits(self.files, more)
        for note in draft.notes:
            _say(f"  to note: {note}")
        self.files, self.case, self.operations = draft.files, draft.after, (*self.operations, *more)


def ask_for_update(case: str, as_of: dt.date | None, dating: bool, author: str | None) -> None:
    """Ask for a new day, events, values and searches, then write all of it at once, or nothing."""
    from riskcast.machinery.joint_writes import read_steadily
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.updates import staleness_view, update_view
    from riskcast.updates.case_files import find_editable, read_files
    from riskcast.updates.editing import make_edits
    from riskcast.updates.stale import find_stale

    folder = find_editable(case)
    files = read_steadily(folder, lambda: read_files(folder))
    before, _ = files.load()
    session = Session(before, files, before)
    _say(f"{session.case.settings.title}, as of {session.case.as_of}.")
    _say("Nothing is written before the end; q leaves at any point.")
    try:
        _roll(session, as_of, dating)
        found = find_stale(session.before, session.case.as_of)
        make_console().print(staleness_view(found))
        _events(session)
        _values(session, found)
        _searched(session)
        if not session.operations:
            _say("Nothing to write.")
            return
        _say("\nTo be written, all at once:")
        for operation in session.operations:
            _say(f"- {operation.told}")
        if not _yes("Write it", default=True):
            raise Left
    except (Left, KeyboardInterrupt, EOFError) as left:
        _say_left(session, case)
        if isinstance(left, KeyboardInterrupt):
            raise
        return
    done = make_edits(case, session.operations, author)
    # What is of note was said when it was entered.
    make_console().print(update_view(replace(done, notes=()), case))


def _say_left(session: Session, case: str) -> None:
    from riskcast.terminal.updates import command_lines

    _say("\nNothing was written.")
    if session.operations:
        _say("What you entered, as commands:")
        for line in command_lines([operation.command for operation in session.operations], case):
            _say(f"  {line}")


def _roll(session: Session, as_of: dt.date | None, dating: bool) -> None:
    from riskcast.updates.operations import NewDay

    start = session.case.as_of
    while True:
        day = as_of or _ask_day("The case's new day", max(dt.date.today(), start))
        if as_of is None and day == start:
            _say(f"The day stays {start}.")
            return
        try:
            session.add(NewDay(day, dating))
            return
        except RiskcastError as error:
            if as_of is not None:
                raise
            _say(f"  {error}")


def _events(session: Session) -> None:
    from riskcast.updates.operations import NewEvent

    while _yes("\nEnter an event", default=False):
        given: dict[str, Any] = {}
        while True:
            case = session.case
            types = {name: event.label for name, event in case.events.items()}
            kind = _choose("What happened", types, given.get("type"))
            _say(f"  It counts as one where: {case.events[kind].resolution.yes}")
            units = [case.host] if case.events[kind].scope == "host" else [*case.dyads, ALL_DYADS]
            dyad = _choose("Between whom", {unit: _unit(case, unit) for unit in units}, given.get("dyad"))
            day = _ask_day("On which day", given.get("date"))
            words = _ask("Who did what, in a sentence", given.get("description"))
            sources, new = _ask_sources(case)
            given = {"type": kind, "dyad": dyad, "date": day, "description": words}
            try:
                session.add(*new, NewEvent(day, kind, dyad, words, sources=sources))
                break
            except RiskcastError as error:
                _say(f"  {error}\n  Once more, with your answers in brackets; q leaves.")
        _say(f"  Noted: {session.operations[-1].told}")


def _values(session: Session, found: Staleness) -> None:
    from riskcast.updates.operations import NewValue

    due = {late.indicator for late in found.series if not late.level}
    while _yes(f"\nEnter a value of a series{f' ({len(due)} due)' if due else ''}", default=False):
        given: dict[str, Any] = {}
        while True:
            case = session.case
            known = {name: one.label for name, one in case.indicators.items() if one.history == "series"}
            if not known:
                _say("  No indicator of this case has dated values.")
                return
            named = {name: label + (" (due)" if name in due else "") for name, label in known.items()}
            name = _choose("Of which indicator", named, given.get("indicator"))
            measures = {key: measure.label for key, measure in case.indicators[name].series.items()}
            series = _choose("Which series", measures, given.get("series")) if measures else None
            units = {unit: _unit(case, unit) for unit in case.units_of(name)}
            unit = next(iter(units)) if len(units) == 1 else _choose("Of whom", units, given.get("unit"))
            day = _ask_day("Of which day", given.get("date"))
            value = _ask_number(f"Value ({case.indicators[name].unit})", given.get("value"))
            low = _ask_number("Lower end of its 90 % interval", given.get("low", value))
            high = _ask_number("Upper end", given.get("high", value))
            published = _ask_day("Published on", given.get("published", day))
            sources, new = _ask_sources(case)
            given = {"indicator": name, "series": series, "unit": unit, "date": day, "value": value}
            given |= {"low": low, "high": high, "published": published}
            try:
                session.add(*new, NewValue(sources=sources, **given))
                break
            except RiskcastError as error:
                _say(f"  {error}\n  Once more, with your answers in brackets; q leaves.")
        _say(f"  Noted: {session.operations[-1].told}")


def _searched(session: Session) -> None:
    from riskcast.updates.operations import Searched

    case = session.case
    if case.panel is not None:
        return
    choices = {"all": "all types of events", "some": "some of them", "none": "nothing yet"}
    _say(f"\nA day without a recorded event counts as peace only where it was searched, until {case.as_of}.")
    while True:
        chosen = _choose("What was searched", choices, "none")
        if chosen == "none":
            return
        types: tuple[str, ...] = ()
        if chosen == "some":
            types = tuple(_ask(f"Which types, parted by blanks ({', '.join(case.events)})").replace(",", " ").split())
        try:
            session.add(Searched(types))
            return
        except RiskcastError as error:
            _say(f"  {error}")


def _ask_sources(case: Case) -> tuple[tuple[str, ...], list[Any]]:
    """Sources of a row, by id, and a new one where wanted."""
    from riskcast.updates.operations import NewSource

    while True:
        text = _ask("Sources by id, parted by blanks; `new` for a new one; Enter for none", "")
        ids = text.replace(",", " ").split()
        unknown = [one for one in ids if one not in case.sources and one != NEW]
        if unknown:
            _say(f"  unknown source {unknown[0]}; {suggest(unknown[0], case.sources)}")
            continue
        new = []
        if NEW in ids:
            ids.remove(NEW)
            name = _ask("  Its id, such as rferl_note_2024")
            title, publisher = _ask("  Its title"), _ask("  Its publisher")
            day = _ask_day("  Published on", None)
            url = _ask("  Its address, Enter for none", "")
            new.append(NewSource(name, title, publisher, day, url=url or None))
            ids.append(name)
        return tuple(dict.fromkeys(ids)), new


def _unit(case: Case, unit: str) -> str:
    return "every pair" if unit == ALL_DYADS else case.name_of(unit)


def _say(text: str) -> None:
    print(visible(text), flush=True)


def _ask(question: str, default: str | None = None) -> str:
    while True:
        shown = f" [{default}]" if default else ""
        text = input(visible(f"{question}{shown}: ")).strip()
        if text.lower() in LEAVE:
            raise Left
        if text or default is not None:
            return text or default or ""
        _say("  an answer is needed; q leaves")


def _ask_day(question: str, default: dt.date | None) -> dt.date:
    return _parsed(f"{question} (YYYY-MM-DD)", default, dt.date.fromisoformat, "write it as YYYY-MM-DD")


def _ask_number(question: str, default: float | None) -> float:
    return _parsed(question, default, float, "write a plain number such as 12 or 0.25")


def _parsed[Value](question: str, default: Value | None, parse: Callable[[str], Value], mend: str) -> Value:
    from riskcast.numbers import plain_number

    shown = plain_number(default) if isinstance(default, float) else default
    while True:
        text = _ask(question, None if default is None else str(shown))
        if default is not None and text == str(shown):
            return default
        try:
            return parse(text)
        except ValueError:
            _say(f"  {text!r} is none; {mend}")


def _yes(question: str, *, default: bool) -> bool:
    while True:
        text = _ask(f"{question}? ({'Y/n' if default else 'y/N'})", "").lower()
        if text in ("", "y", "yes", "n", "no"):
            return default if text == "" else text.startswith("y")
        _say("  answer y or n; q leaves")


def _choose(question: str, options: Mapping[str, str], default: str | None = None) -> str:
    """One of some names, by its number or itself."""
    names: Sequence[str] = list(options)
    for number, name in enumerate(names, 1):
        _say(f"  {number:>2} {name:<24} {options[name]}")
    while True:
        text = _ask(question, default)
        if text in options:
            return text
        if text.isdecimal() and 1 <= int(text) <= len(names):
            return names[int(text) - 1]
        _say(f"  {text!r} is none of them; {suggest(text, names)}")
