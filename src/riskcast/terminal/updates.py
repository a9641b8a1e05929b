"""What is stale, what was changed, and which vintages are kept, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.case.vintage_folders import KeptVintage
from riskcast.numbers import MOST_NAMED, more, short_date
from riskcast.terminal.tables import ruled_table
from riskcast.updates.editing import Update
from riskcast.updates.journal import Entry
from riskcast.updates.stale import Staleness, StaleSeries, Unsearched

MOST_ROWS = 40


def staleness_view(found: Staleness) -> RenderableType:
    """What of a case is old on a day, and how to mend it."""
    parts: list[RenderableType] = [
        Text.assemble((found.case, "bold"), f" as of {short_date(found.as_of)}, seen from {short_date(found.day)}")
    ]
    if found.last_event is not None:
        parts.append(Text(f"The last event of the record is of {short_date(found.last_event)}."))
    if found.unsearched:
        table = _table("Not searched", "Since", "Days", "Events")
        for one in found.unsearched[:MOST_ROWS]:
            table.add_row(unsearched_words(one), _since(one), str(one.days), expected_words(one))
        told = "Events: how many the record's own pace would bring. Nothing found? riskcast checked. Found? add-event."
        parts += [table, Text(told, style="dim")]
    if found.series:
        table = _table("Series whose next value is due", "Last", "Every", "Due since")
        for late in found.series[:MOST_ROWS]:
            table.add_row(series_words(late), short_date(late.last), _every(late), short_date(late.due))
        told = "* as so far. Found a newer value? riskcast add-value; a judged level: riskcast set."
        parts += [table, Text(told, style="dim")]
    if found.undated:
        told = (
            f"Levels stated of {short_date(found.as_of)} without a day: {', '.join(found.undated)}. "
            "With a roll they are dated, and age; --levels-hold takes them for levels of the new day."
        )
        parts.append(Text(f"\n{told}"))
    if found.is_fresh:
        parts.append(Text("Nothing is stale."))
    return Group(*parts)


def _table(first: str, *others: str) -> Table:
    table = ruled_table()
    table.add_column(first, ratio=1, overflow="fold")
    for other in others:
        table.add_column(other, justify="right", no_wrap=True)
    return table


def unsearched_words(one: Unsearched) -> str:
    """Which types and units were not searched.

    >>> unsearched_words(Unsearched(("demarche",), (), None, 7, 0.2))
    'demarche'
    """
    named = ", ".join(one.types[:MOST_NAMED]) + more(one.types)
    units = f" ({', '.join(one.units[:MOST_NAMED])}{more(one.units)})" if one.units else ""
    return named + units


def series_words(late: StaleSeries) -> str:
    """Which series, or stated level, is meant, and of which units."""
    series = f" / {late.series}" if late.series else ""
    level = ", stated level" if late.level else ""
    units = ", ".join(late.units[:MOST_NAMED]) + more(late.units)
    return f"{late.indicator}{series} ({units}{level})"


def expected_words(one: Unsearched) -> str:
    """How many events the days that were not searched would hold."""
    return "?" if one.until is None else "<1" if one.expected < 0.5 else f"~{one.expected:.0f}"


def _since(one: Unsearched) -> str:
    return "never" if one.until is None else short_date(one.until)


def _every(late: StaleSeries) -> str:
    return f"{late.every} d" + ("" if late.stated else "*")


def update_view(done: Update, case: str) -> RenderableType:
    """What an edit did, and how to take it back."""
    lines = [Text(f"✓ {what}") for what in done.what]
    lines += [Text(f"  to note: {note}", style="dim") for note in done.notes]
    if done.vintage is not None:
        lines.append(Text(f"Kept as it stood: {done.vintage.name}; riskcast forecast {case}@{done.vintage.name[:10]}"))
    told = (
        f"Written: {', '.join(done.files)}. As of {short_date(done.as_of)}; case {done.before[:12]} → {done.after[:12]}"
    )
    lines.append(Text(f"{told}. riskcast undo {case} takes it back."))
    return Group(*lines)


def journal_view(entries: Sequence[Entry]) -> RenderableType:
    """The edits of a case, the last one at the end."""
    if not entries:
        return Text("riskcast has made no edit of this case.")
    gone = {entry.undone for entry in entries}
    table = ruled_table()
    for name, ratio in (("No.", None), ("When (UTC)", None), ("Who", None), ("What", 1)):
        table.add_column(name, overflow="fold", ratio=ratio)
    for entry in entries:
        what = Text("\n".join(entry.what), style="dim strike" if entry.number in gone else "")
        table.add_row(str(entry.number), entry.when[:16].replace("T", " "), entry.author, what)
    return table


def vintages_view(vintages: Sequence[KeptVintage], case: str) -> RenderableType:
    """The kept vintages of a case, and how to use one."""
    if not vintages:
        return Text("No vintage is kept yet: one is with every roll of the day (riskcast update).")
    table = _table("Vintage", "As of", "Kept (UTC)", "By")
    for one in vintages:
        table.add_row(one.name, short_date(one.as_of), one.kept[:16].replace("T", " "), one.author)
    return Group(
        table, Text(f"riskcast forecast {case}@{vintages[-1].as_of} forecasts from the last one.", style="dim")
    )


def command_lines(commands: Sequence[str], case: str) -> Iterator[str]:
    """Commands for a case, as they can be typed."""
    for command in commands:
        yield command.replace(" CASE", f" {case}", 1)
