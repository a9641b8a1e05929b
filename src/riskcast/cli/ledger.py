"""The commands that publish forecasts, answer questions, and look into a ledger."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskcast.cli.options import JsonOption, named_path, print_json, progress, read_case
from riskcast.errors import OptionError, visible
from riskcast.numbers import counted

if TYPE_CHECKING:
    from riskcast.ledger.publishing import Publication

LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="PATH|URL",
        help="A file of SQLite, or postgresql://USER@HOST/DATABASE.",
        envvar="RISKCAST_LEDGER",
        show_envvar=True,
        show_default="ledger.sqlite",
    ),
]
DayOption = dt.datetime | None
DAYS = ["%Y-%m-%d"]
SHOWN_RECEIPT = 16
MOST_LISTED = 12
ONLY = ("all", "open", "overdue", "answered")

ledger = typer.Typer(
    name="ledger",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Look into a ledger of published forecasts, and see whether it is as it was written.",
)


def publish(
    run: Annotated[str | None, typer.Argument(help="The folder of a run.", show_default="none")] = None,
    mine: Annotated[
        str | None,
        typer.Option(metavar="P|FILE", help="Your own probability, such as 0.3, or a table of them."),
    ] = None,
    question: Annotated[
        str | None,
        typer.Option(metavar="ID|'UNIT OUTCOME'", help="Which question --mine answers."),
    ] = None,
    crowd: Annotated[
        Path | None,
        typer.Option(
            "--from", help="A table of a crowd's or market's probabilities.", parser=named_path, metavar="FILE"
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose forecast it is.", show_default="who is logged in")
    ] = None,
    horizon: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Periods that windows last; repeatable.", show_default="the run's"),
    ] = None,
    deadline: Annotated[
        DayOption,
        typer.Option(formats=DAYS, help="The last day on which forecasts are in time.", show_default="the window's"),
    ] = None,
    late: Annotated[bool, typer.Option("--late", help="Register what comes too late, marked and not scored.")] = False,
    supersede: Annotated[bool, typer.Option("--supersede", help="Put it in the place of an earlier forecast.")] = False,
    place: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a run's questions and probabilities into a ledger, or your own, before anybody knows the answers."""
    from riskcast.ledger.outside_numbers import OutsideNumber, read_numbers, read_probability
    from riskcast.ledger.publishing import publish as put, publish_numbers

    if run is None and mine is None and crowd is None:
        raise OptionError("nothing is given to publish; name a run's folder, or give --mine or --from")
    if crowd is not None and by is None:
        raise OptionError('--from needs to know whose probabilities these are; add --by, such as --by "Metaculus"')
    if mine is not None and crowd is not None:
        raise OptionError("--mine and --from are given; publish one after the other")
    is_file = mine is not None and Path(mine).is_file()
    if mine is not None and not is_file and question is None:
        raise OptionError("--mine needs to know which question it answers; add --question ID or 'UNIT OUTCOME'")
    if question is not None and (mine is None or is_file):
        raise OptionError("--question goes with one number, as in --mine 0.3; a table names its questions itself")
    numbers = ()
    if mine is not None:
        numbers = read_numbers(mine) if is_file else (OutsideNumber(question or "", read_probability(mine, "--mine")),)
    elif crowd is not None:
        numbers = read_numbers(crowd)
    made, request = [], None
    if run is not None:
        from riskcast.runs.bundles import read_bundle

        with progress("Reading the run"):
            kept = read_bundle(run)
        request = kept.request
        day = None if deadline is None else deadline.date()
        made.append(
            put(
                kept,
                place,
                by=by or "",
                horizons=horizon or (),
                deadline=day,
                late=late,
                # Whoever adds a number to a run that is published means to change that number alone.
                supersede=supersede and not numbers,
            )
        )
    elif horizon or deadline is not None:
        raise OptionError("--horizon and --deadline belong to the questions of a run; name its folder")
    if numbers:
        kind = "person" if crowd is None else "crowd"
        name = by or _logged_in()
        made.append(publish_numbers(numbers, name, place, kind=kind, request=request, late=late, supersede=supersede))
    if as_json:
        print_json(_published_data(made))
    else:
        for each in made:
            _tell_published(each)


def resolve(
    case: Annotated[
        str | None, typer.Argument(help="A case whose record answers its questions.", show_default="none")
    ] = None,
    question: Annotated[str | None, typer.Option(metavar="ID", help="A question to answer by hand.")] = None,
    answer: Annotated[
        str | None, typer.Option(metavar="yes|no|void|disputed", help="The answer that is given by hand.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Who tells it, and where.")] = None,
    happened: Annotated[DayOption, typer.Option(formats=DAYS, help="The day of the event.")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who answers.")] = None,
    supersede: Annotated[bool, typer.Option("--supersede", help="Answer anew what is answered otherwise.")] = False,
    place: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer published questions: from the record of a case by their rule, or one by hand with its source."""
    from riskcast.ledger.records import to_row
    from riskcast.ledger.resolving import resolve as by_rule, resolve_by_hand

    if (case is None) == (question is None):
        raise OptionError("give either a case, whose record answers, or --question with --answer and --source")
    if question is not None:
        if answer is None or source is None:
            raise OptionError("an answer by hand takes --answer and --source")
        day = None if happened is None else happened.date()
        entry = resolve_by_hand(
            question, answer, source, place, happened=day, by=by or _logged_in(), supersede=supersede
        )
        if as_json:
            print_json([{"entry": entry.number, "hash": entry.hash, **to_row(entry.content)}])
        else:
            print(f"Answered {answer}. Receipt: {entry.hash[:SHOWN_RECEIPT]}")
        return
    if answer is not None or source is not None or happened is not None:
        raise OptionError("--answer, --source and --happened answer one question by hand; add --question")
    found = by_rule(read_case(case), place, by=by or "", supersede=supersede)
    if as_json:
        print_json(
            {
                "answers": [{"entry": e.number, "hash": e.hash, **to_row(e.content)} for e in found.entries],
                "open": [{"question": q.id, "why": why} for q, why in found.open],
                "changed": [{"question": q.id, "was": was, "is": now} for q, was, now in found.changed],
                "told": list(found.told),
            }
        )
        return
    from riskcast.ledger.reading import read_ledger

    questions = read_ledger(place).questions
    for line in found.told:
        print(f"riskcast: to note: {visible(line)}", file=sys.stderr)
    answers = found.answers
    print(f"{len(answers):,} answered, {len(found.open):,} open.")
    shown = sorted(answers, key=lambda each: each.answer == "no")
    for each in shown[:MOST_LISTED]:
        when = f" on {each.happened}" if each.happened else ""
        print(f"  {each.question}  {each.answer:<8} {visible(questions[each.question].text)}{when}")
    if len(shown) > MOST_LISTED:
        print(f"  and {len(shown) - MOST_LISTED:,} more: riskcast ledger list --only answered")
    for asked, was, now in found.changed:
        what = "superseded" if supersede else "stands; add --supersede to answer it anew"
        print(f"  {asked.id}  was answered {was}, the record says {now}: {what}")
    _tell_open([why for _, why in found.open])


@ledger.command("list")
def list_questions(
    only: Annotated[str, typer.Option(metavar=f"[{'|'.join(ONLY)}]", help="Which questions.")] = "all",
    case: Annotated[str | None, typer.Option(metavar="NAME", help="Of one case.", show_default="all")] = None,
    place: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List questions, the latest first."""
    from riskcast.errors import UnknownNameError
    from riskcast.ledger.listing import questions_table
    from riskcast.ledger.reading import read_ledger
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.tables import Part, rich_table

    if only not in ONLY:
        raise UnknownNameError("choice", only, ONLY)
    contents = read_ledger(place)
    table = questions_table(contents, dt.datetime.now(dt.UTC).date(), only=only, case=case)
    if as_json:
        print_json([{**each, "until": str(each["until"])} for each in table.records()])
        return
    print(f"{len(table.rows):,} questions in {visible(contents.place)}")
    if table.rows:
        parts = [Part(place, column.name) for place, column in enumerate(table.columns)]
        make_console().print(rich_table(table, parts))


@ledger.command()
def show(
    question: Annotated[str, typer.Argument(help="The first digits of a question's id.")],
    place: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one question: its rule, every forecast, every answer."""
    from riskcast.ledger.listing import forecasts_table, question_lines
    from riskcast.ledger.reading import read_ledger
    from riskcast.ledger.records import to_row
    from riskcast.terminal.forecasts import make_console
    from riskcast.terminal.tables import Part, rich_table

    contents = read_ledger(place)
    asked = contents.question(question)
    if as_json:
        own = [
            e
            for e in contents.entries
            if asked.id in (getattr(e.content, "question", ""), getattr(e.content, "id", ""))
        ]
        print_json([{"entry": e.number, "kind": e.kind, "hash": e.hash, **to_row(e.content)} for e in own])
        return
    console = make_console()
    for name, told in question_lines(contents, asked):
        print(f"{name}: {visible(told)}")
    shown = forecasts_table(contents, asked)
    parts = [Part(place, column.name) for place, column in enumerate(shown.columns[:-1])]
    console.print(rich_table(shown, parts))


@ledger.command()
def verify(
    receipt: Annotated[
        str | None, typer.Option(help="A receipt that was kept elsewhere, to see whether it is still there.")
    ] = None,
    place: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Work out every receipt again; exit status 0 where nothing was changed, 1 and the first broken entry otherwise."""
    from riskcast.ledger.receipts import verify_ledger

    found = verify_ledger(place, receipt)
    if as_json:
        broken = None if found.broken is None else {"entry": found.broken[0], "why": found.broken[1]}
        print_json(
            {
                "holds": found.holds,
                "entries": found.entries,
                "last": found.last,
                "broken": broken,
                "unguarded": list(found.unguarded),
                "missing": found.missing or None,
            }
        )
    else:
        if found.broken is not None:
            number, why = found.broken
            print(f"Entry {number} is broken: {visible(why)}. What stands before it holds.")
        if found.unguarded:
            listed = ", ".join(found.unguarded)
            print(f"What refuses changes is gone or was changed ({visible(listed)}): somebody altered the database.")
        if found.missing:
            print(f"The receipt {found.missing} is of no entry: entries are gone, or it belongs to another ledger.")
        if found.holds:
            print(f"{found.entries:,} entries are as they were written. Receipt of all of them: {found.last}")
    if not found.holds:
        raise typer.Exit(1)


@ledger.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write.", parser=named_path, metavar="FILE.json")],
    place: LedgerOption = None,
) -> None:
    """Write every entry as JSON, with all that its hash is made of."""
    from riskcast.exports.files import json_bytes
    from riskcast.ledger.listing import ledger_data
    from riskcast.ledger.reading import read_ledger
    from riskcast.machinery.staging import write_atomically

    write_atomically(out, json_bytes(ledger_data(read_ledger(place))))
    print(out)


def _logged_in() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise OptionError("nobody is logged in by name; say whose it is with --by") from None


def _tell_published(made: Publication) -> None:
    for line in made.told:
        print(f"riskcast: to note: {visible(line)}", file=sys.stderr)
    who = len({forecast.forecaster for forecast in made.forecasts})
    if made.entries:
        asked = f"{len(made.questions):,} questions, " if made.questions else ""
        print(f"{asked}{len(made.forecasts):,} forecasts by {counted(who, 'forecaster')}: {visible(made.place)}")
    if made.already:
        print(f"{made.already:,} forecasts were there already, word for word; nothing was written of them.")
    if made.late:
        print(f"{made.late:,} forecasts come late, are marked so, and are not scored.")
    if made.receipt:
        print(f"Receipt: {made.receipt}")
        print("Keep it elsewhere: riskcast ledger verify --receipt finds whether anything before it was changed.")


def _published_data(made: Sequence[Publication]) -> list[dict[str, object]]:
    return [
        {
            "ledger": each.place,
            "questions": [question.id for question in each.questions],
            "forecasts": len(each.forecasts),
            "already": each.already,
            "late": each.late,
            "told": list(each.told),
            "receipt": each.receipt or None,
        }
        for each in made
    ]


def _tell_open(reasons: Sequence[str]) -> None:
    """Why questions stay open, each reason once with how many."""
    for why in list(dict.fromkeys(reasons))[:MOST_LISTED]:
        print(f"  {reasons.count(why):,} open: {visible(why)}")
