"""The commands that keep a case alive: roll its day, enter what is new, say what was searched, take it back."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from riskcast.cli.options import JsonOption, NamedCase, named_path, print_json
from riskcast.errors import OptionError

if TYPE_CHECKING:
    from riskcast.updates.editing import Update
    from riskcast.updates.operations import NewSource, Operation

DAY = "%Y-%m-%d"
EditedCase = Annotated[str, typer.Argument(help="A case folder of your own.")]
AuthorOption = Annotated[
    str | None,
    typer.Option(
        "--author", metavar="NAME", help="Who makes the edit.", show_default="RISKCAST_AUTHOR, or who is logged in"
    ),
]
SourceOption = Annotated[
    list[str] | None, typer.Option("--source", metavar="ID", help="A source of sources.yaml; repeatable.")
]
NewSourceOption = Annotated[
    tuple[str, str, str, str] | None,
    typer.Option("--new-source", metavar="ID TITLE PUBLISHER DATE", help="A source that is added to sources.yaml."),
]
UrlOption = Annotated[str | None, typer.Option("--url", help="The address of the new source.")]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", parser=named_path, metavar="FILE", help="Many rows at once: CSV, Excel or Parquet."),
]


def _days(*names: str, help: str, show: str | None = None) -> Any:
    return typer.Option(*names, formats=[DAY], help=help, show_default=show or False)


PublishedOption = Annotated[
    dt.datetime | None, _days("--published", help="The day on which the world could know.", show="the day itself")
]
EnteredOption = Annotated[
    dt.datetime | None, _days("--entered", help="The day on which it came into this case.", show="today")
]


def update(
    case: EditedCase,
    as_of: Annotated[dt.datetime | None, _days("--as-of", help="The case's new day.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: roll the day.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what is stale, and change nothing.")] = False,
    levels_hold: Annotated[
        bool, typer.Option("--levels-hold", help="Take levels stated without a day for levels of the new day.")
    ] = False,
    author: AuthorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Roll a case to a later day: what is stale, what is new, what was searched; on a terminal step by step."""
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.updates import staleness_view
    from riskcast.updates.operations import NewDay
    from riskcast.updates.stale import find_stale

    day = None if as_of is None else as_of.date()
    asks = not (yes or dry_run or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
    if asks:
        from riskcast.cli.update_questions import ask_for_update

        ask_for_update(case, day, not levels_hold, author)
        return
    if yes and dry_run:
        raise OptionError("--yes rolls the day and --dry-run changes nothing; leave one of the two out")
    if dry_run or day is None:
        if yes:
            raise OptionError("--yes needs the new day; add --as-of YYYY-MM-DD")
        from riskcast.case.files import load_case

        found = find_stale(load_case(case), day or dt.date.today())
        if as_json:
            print_json(_plain(found))
            return
        make_console().print(staleness_view(found))
        if not dry_run:
            print("Nothing was changed: name the new day, --as-of YYYY-MM-DD.", file=sys.stderr)
        return
    from riskcast.case.files import read_case
    from riskcast.updates.case_files import find_editable

    folder = find_editable(case)
    if not as_json:
        make_console().print(staleness_view(find_stale(read_case(folder), day)))
    _edit(case, [NewDay(day, not levels_hold)], author, as_json)


def add_event(
    case: EditedCase,
    type: Annotated[str | None, typer.Argument(help="An event type of outcomes.yaml.", show_default=False)] = None,
    dyad: Annotated[
        str | None, typer.Argument(help="Whom it is of, such as RUS-TJK, or ALL.", show_default=False)
    ] = None,
    date: Annotated[
        dt.datetime | None, typer.Argument(formats=[DAY], help="The day it happened.", show_default=False)
    ] = None,
    description: Annotated[str | None, typer.Argument(help="Who did what, in a sentence.", show_default=False)] = None,
    precision: Annotated[str, typer.Option(metavar="[day|month|year]", help="How exactly the day is known.")] = "day",
    initiator: Annotated[
        str | None, typer.Option(metavar="WHO", help="Who acted.", show_default="the type's usual")
    ] = None,
    source: SourceOption = None,
    new_source: NewSourceOption = None,
    url: UrlOption = None,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="[located|unverified|judgement|disputed]",
            help="On what it rests.",
            show_default="located with a source, else unverified",
        ),
    ] = None,
    published: PublishedOption = None,
    entered: EnteredOption = None,
    rows: FromOption = None,
    author: AuthorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an event to a case's record, or many from a file."""
    from riskcast.updates.operations import NewEvent
    from riskcast.updates.row_files import read_event_file

    first, ids = _sources(source, new_source, url)
    if rows is not None:
        _refuse_beside("--from", type, dyad, date, description, initiator, source, status, published, entered)
        _edit(case, [*first, *read_event_file(rows)], author, as_json)
        return
    if type is None or dyad is None or date is None or description is None:
        raise OptionError("add-event needs TYPE DYAD DATE DESCRIPTION after the case, or --from FILE")
    plain: dict[str, Any] = {
        "type": type,
        "dyad": dyad,
        "date": date.date(),
        "description": description,
        "precision": precision,
    }
    plain |= {"initiator": initiator, "sources": ids, "status": status}
    _edit(case, [*first, _made(NewEvent, plain, published, entered)], author, as_json)


def add_value(
    case: EditedCase,
    indicator: Annotated[
        str | None, typer.Argument(help="An indicator of indicators.yaml.", show_default=False)
    ] = None,
    unit: Annotated[
        str | None, typer.Argument(help="The dyad, or the host, that it is of.", show_default=False)
    ] = None,
    date: Annotated[
        dt.datetime | None, typer.Argument(formats=[DAY], help="The day it is of.", show_default=False)
    ] = None,
    value: Annotated[
        float | None,
        typer.Argument(help="In the indicator's unit; a negative one stands behind --.", show_default=False),
    ] = None,
    low: Annotated[float | None, typer.Option(help="Lower end of its 90 % interval.", show_default="the value")] = None,
    high: Annotated[float | None, typer.Option(help="Upper end of it.", show_default="the value")] = None,
    series: Annotated[str | None, typer.Option(metavar="NAME", help="Which of its series, where it has some.")] = None,
    source: SourceOption = None,
    new_source: NewSourceOption = None,
    url: UrlOption = None,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="[located|unverified|judgement]",
            help="On what it rests.",
            show_default="located with a source, else unverified",
        ),
    ] = None,
    published: PublishedOption = None,
    entered: EnteredOption = None,
    rows: FromOption = None,
    author: AuthorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a dated value of an indicator, or many from a file."""
    from riskcast.updates.operations import NewValue
    from riskcast.updates.row_files import read_value_file

    first, ids = _sources(source, new_source, url)
    if rows is not None:
        _refuse_beside("--from", indicator, unit, date, value, low, high, series, source, status, published, entered)
        _edit(case, [*first, *read_value_file(rows)], author, as_json)
        return
    if indicator is None or unit is None or date is None or value is None:
        raise OptionError("add-value needs INDICATOR UNIT DATE VALUE after the case, or --from FILE")
    plain: dict[str, Any] = {
        "indicator": indicator,
        "unit": unit,
        "date": date.date(),
        "value": value,
        "low": low,
        "high": high,
    }
    plain |= {"series": series, "sources": ids, "status": status}
    _edit(case, [*first, _made(NewValue, plain, published, entered)], author, as_json)


def add_source(
    case: EditedCase,
    id: Annotated[str, typer.Argument(help="What rows call it, such as rferl_note_2024.")],
    title: Annotated[str, typer.Argument(help="What it is called.")],
    publisher: Annotated[str, typer.Option(help="Who published it.")],
    date: Annotated[dt.datetime, typer.Option(formats=[DAY], help="The day it was published.")],
    author_of_it: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who wrote it.")] = None,
    url: Annotated[str | None, typer.Option(help="Its address.")] = None,
    note: Annotated[str | None, typer.Option(help="What else to say of it.")] = None,
    author: AuthorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a source to a case's sources.yaml."""
    from riskcast.updates.operations import NewSource

    _edit(case, [NewSource(id, title, publisher, date.date(), author_of_it, url, note)], author, as_json)


def checked(
    case: EditedCase,
    type: Annotated[
        list[str] | None, typer.Option(metavar="TYPE", help="An event type; repeatable.", show_default="all")
    ] = None,
    unit: Annotated[
        list[str] | None, typer.Option(metavar="UNIT", help="A dyad, or the host; repeatable.", show_default="all")
    ] = None,
    start: Annotated[
        dt.datetime | None, _days("--from", help="First day.", show="the day after the last that was searched")
    ] = None,
    until: Annotated[dt.datetime | None, _days("--until", help="Last day.", show="the case's day")] = None,
    recall: Annotated[
        float | None, typer.Option(help="Share of what happened that it finds.", show_default="as the last search")
    ] = None,
    author: AuthorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that days were searched for events, whether or not anything was found."""
    from riskcast.updates.operations import Searched

    days = [None if day is None else day.date() for day in (start, until)]
    _edit(case, [Searched(tuple(type or ()), tuple(unit or ()), *days, recall)], author, as_json)


def set_numbers(
    case: EditedCase,
    quantity: Annotated[str, typer.Argument(help="Its id, such as indicators.xenophobia.now.")],
    median: Annotated[float | None, typer.Option(help="Its median.")] = None,
    low: Annotated[float | None, typer.Option(help="Lower end of its 90 % interval.")] = None,
    high: Annotated[float | None, typer.Option(help="Upper end of it.")] = None,
    value: Annotated[float | None, typer.Option(help="Or a value to hold it fixed at.")] = None,
    claim: Annotated[str | None, typer.Option(help="What the numbers rest on, in a sentence.")] = None,
    basis: Annotated[str | None, typer.Option(help="judgement, data, source or record.")] = None,
    source: SourceOption = None,
    dated: Annotated[dt.datetime | None, _days("--dated", help="Of which day a level is.")] = None,
    author: AuthorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the numbers of one quantity in its file."""
    from riskcast.updates.operations import NewNumbers

    if (low is None) != (high is None):
        raise OptionError("one end of the interval is given; give both --low and --high")
    ends = None if low is None or high is None else (low, high)
    day = None if dated is None else dated.date()
    _edit(case, [NewNumbers(quantity, median, ends, value, claim, basis, tuple(source or ()), day)], author, as_json)


def undo(case: EditedCase, author: AuthorOption = None, as_json: JsonOption = False) -> None:
    """Take back the last edit of a case that riskcast made."""
    from riskcast.updates.editing import take_back

    _told(take_back(case, author), case, as_json)


def journal(case: NamedCase, as_json: JsonOption = False) -> None:
    """List every edit of a case that riskcast made: what, who, when."""
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.updates import journal_view
    from riskcast.updates.steps import read_journal

    entries = read_journal(case)
    if as_json:
        keys = ("number", "when", "author", "what", "as_of", "before", "after", "undone")
        print_json([{key: getattr(entry, key) for key in keys} for entry in entries])
    else:
        make_console().print(journal_view(entries))


def vintages(
    case: NamedCase,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the case as it stands now, too.")] = False,
    author: AuthorOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the kept vintages of a case; each can be named in place of a case, as CASE@DAY."""
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.updates import vintages_view
    from riskcast.updates.editing import keep_vintage
    from riskcast.updates.steps import list_vintages

    if keep:
        keep_vintage(case, author)
    found = list_vintages(case)
    if as_json:
        print_json([_plain(one) | {"name": one.name} for one in found])
    else:
        make_console().print(vintages_view(found, case))


def copy(
    case: NamedCase,
    folder: Annotated[Path, typer.Argument(parser=named_path, metavar="FOLDER", help="A folder that is not there.")],
) -> None:
    """Copy a case's files, byte for byte, into a folder of your own, to edit there."""
    from riskcast.updates.case_files import copy_case

    print(copy_case(case, folder))


def _sources(
    source: Sequence[str] | None, new: tuple[str, str, str, str] | None, url: str | None
) -> tuple[list[NewSource], tuple[str, ...]]:
    """New sources, and the ids of all that a row names."""
    from riskcast.updates.operations import NewSource
    from riskcast.updates.steps import day_of

    ids = tuple(source or ())
    if not new or new[0] is None:
        if url is not None:
            raise OptionError("--url is given without --new-source, whose address it is")
        return [], ids
    name, title, publisher, date = new
    return [NewSource(name, title, publisher, day_of(date), url=url)], (*ids, name)


def _refuse_beside(option: str, *given: Any) -> None:
    if any(each is not None for each in given):
        raise OptionError(f"{option} is given with parts of a single row; leave these out, or {option}")


def _made(kind: Any, plain: dict[str, Any], published: dt.datetime | None, entered: dt.datetime | None) -> Any:
    from pydantic import TypeAdapter, ValidationError

    days = {"published": published, "entered": entered}
    plain |= {key: None if day is None else day.date() for key, day in days.items()}
    try:
        return TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        first = error.errors()[0]
        raise OptionError(f"--{first['loc'][0]} is {first['input']!r}; {first['msg']}") from None


def _edit(case: str, operations: Sequence[Operation], author: str | None, as_json: bool) -> None:
    from riskcast.updates.editing import make_edits

    _told(make_edits(case, operations, author), case, as_json)


def _told(done: Update, case: str, as_json: bool) -> None:
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.updates import update_view

    if as_json:
        print_json(_plain(done))
    else:
        make_console().print(update_view(done, case))


def _plain(record: Any) -> dict[str, Any]:
    """A record as plain data."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [plain(each) for each in value]
        return str(value) if isinstance(value, dt.date | Path) else value

    return plain(asdict(record))
