"""What changed between two cases, as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.case.quantities import quantity_text
from riskcast.comparison.attribute_changes import Difference
from riskcast.comparison.changes import Change
from riskcast.forecasting.contributions import Contribution
from riskcast.numbers import NOTHING, error_size, plain_number, signed
from riskcast.terminal.forecasts import MOST_DYADS
from riskcast.terminal.tables import WIDTH

MOST_CHANGES = 40
MOST_SHARES = 6
MOST_SILENT = 12
CELL = 24
DIGITS, FULL = 4, 15


def difference_view(difference: Difference, most: int | None = None) -> RenderableType:
    """What changed, old and new; then each dyad's two scores and the shares that make up the difference.

    `most` limits the changes, the dyads and the shares of each dyad that are shown.
    """
    changes, dyads, shares = (most or usual for usual in (MOST_CHANGES, MOST_DYADS, MOST_SHARES))
    parts: list[RenderableType] = [
        Text.assemble(("From ", "dim"), (difference.first, "bold"), (" to ", "dim"), (difference.second, "bold"))
    ]
    parts += [Text(f"UNRELIABLE: {failure}", style="bold red") for failure in difference.failures]
    parts.append(Text())
    if not difference.changes:
        parts.append(Text("Nothing that can move a score has changed.", style="bold"))
    else:
        parts += [_changes(difference.changes, changes), Text("Scores", style="bold")]
        parts += _scores(difference, dyads, shares)
    if difference.silent:
        parts += _silent(difference.silent, most or MOST_SILENT)
    gone = (("first", difference.only_first), ("second", difference.only_second))
    for where, dyads in gone:
        if dyads:
            more = ", ..." if len(dyads) > MOST_DYADS else ""
            parts.append(Text(f"Only in the {where}, and not scored: {', '.join(dyads[:MOST_DYADS])}{more}"))
    parts += [Text(note, style="magenta") for note in difference.notes]
    return Group(*parts, *_footer(difference))


def _changes(changes: Sequence[Change], most: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    table.add_column("What changed", ratio=1, overflow="fold")
    table.add_column("Old", justify="right", max_width=CELL)
    table.add_column("New", justify="right", max_width=CELL)
    for change in changes[:most]:
        sides = ((change.before, change.after), (change.after, change.before))
        old, new = (value_text(*side) for side in sides)
        if old == new and change.before != change.after:
            old, new = (value_text(*side, digits=FULL) for side in sides)
        table.add_row(Text.assemble(change.label, "\n", (change.id, "dim")), old, new)
    if changes[most:]:
        table.add_row(Text(f"{len(changes) - most} more; --json lists all", style="dim"), "", "")
    return table


def value_text(value: Any, other: Any = None, digits: int = DIGITS) -> str:
    """One side of a change in a cell, its numbers to so many digits; `other` is the other side.

    >>> value_text({"median": 55.0, "interval": [47.0, 63.0]}), value_text(None), value_text({"date": "2020-01-01"})
    ('55 (47–63)', '–', 'present')
    """
    if value is None:
        return NOTHING
    if isinstance(value, Mapping):
        if {"median", "value"} & set(value) and not {"date", "low"} & set(value):
            said = {name: value[name] for name in ("median", "interval", "value") if value.get(name) is not None}
            return quantity_text(said, partial(plain_number, digits=digits))
        if {"value", "date"} <= set(value):
            return plain_number(value["value"], digits)
        if {"precision", "date"} <= set(value) and isinstance(other, Mapping):
            return f"{value['date']}, {value['precision']}"
        return "present" if other is None else "as before" if value == other else "changed"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return plain_number(value, digits) if isinstance(value, float) else str(value)


def _scores(difference: Difference, most_dyads: int, most_shares: int) -> list[RenderableType]:
    """One table of all dyads' scores and their largest shares."""
    ranked = sorted(difference.scores, key=lambda dyad: -abs(_gain(difference, dyad)))
    shown = [dyad for dyad in difference.scores if dyad in ranked[:most_dyads]]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=WIDTH)
    table.add_column("Dyad", no_wrap=True)
    table.add_column("Old", justify="right", no_wrap=True)
    table.add_column("New", justify="right", no_wrap=True)
    table.add_column("Points", justify="right", no_wrap=True)
    if not difference.exact:
        table.add_column("± MC", justify="right", no_wrap=True, style="dim")
    table.add_column("Due to", ratio=1)
    for dyad in shown:
        one, two = difference.scores[dyad]
        own = difference.contributions[dyad]
        blank = [] if difference.exact else [""]
        total = Text(signed(two - one), style="bold")
        table.add_row(Text(dyad, style="bold"), f"{one:.1f}", f"{two:.1f}", total, *blank, "")
        for share in own[:most_shares]:
            error = [] if difference.exact else [error_size(share.error)]
            table.add_row("", "", "", _points(share), *error, share.label)
        rest = own[most_shares:]
        if rest:
            points = Text(signed(sum(share.points for share in rest)), style="dim")
            table.add_row(
                "", "", "", points, *blank, Text(f"{len(rest)} other{'s' if len(rest) > 1 else ''}", style="dim")
            )
    parts: list[RenderableType] = [table]
    if len(shown) < len(difference.scores):
        told = f"the {most_dyads} that move most of {len(difference.scores)} dyads; --json lists all"
        parts.insert(0, Text(told, style="dim"))
    return parts


def _gain(difference: Difference, dyad: str) -> float:
    one, two = difference.scores[dyad]
    return two - one


def _points(share: Contribution) -> Text:
    return Text(signed(share.points), style="red" if share.points > 0 else "green")


def _silent(silent: Sequence[Change], most: int) -> list[RenderableType]:
    """Changes that no score depends on, in one line each."""
    lines = [Text("Also changed, without effect on these scores", style="bold")]
    lines += [Text(f"  {change.label}", style="dim") for change in silent[:most]]
    if silent[most:]:
        lines.append(Text(f"  {len(silent) - most} more; --json lists all", style="dim"))
    return [*lines, Text()]


def _footer(difference: Difference) -> list[Text]:
    lines = []
    if difference.changes:
        way = "all coalitions" if difference.exact else f"{difference.permutations} orders of the changes"
        lines.append(f"Shapley values by {way}: they add up to the difference of the two scores.")
        lines.append("All forecasts meet the same chance, draw by draw.")
    one, two = difference.horizons
    horizon = f"horizon {one}" if one == two else f"horizons {one} and {two}"
    told = [f"scenario {difference.scenario}", horizon, f"{difference.draws} draws", f"seed {difference.seed}"]
    lines.append(" · ".join([*told, f"{difference.forecasts} forecasts"]))
    lines.append(f"cases {difference.hashes[0][:12]} and {difference.hashes[1][:12]}")
    return [Text(line, style="dim") for line in lines]
