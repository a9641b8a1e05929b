"""Two edits of a case joined, as text for a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from riskcast.experts.three_way import Merged
from riskcast.terminal.differences import value_text
from riskcast.terminal.tables import ruled_table

MOST_IDS = 8


def merged_view(merged: Merged) -> RenderableType:
    """What each side changed, and what both did."""
    parts: list[RenderableType] = []
    for title, ids in (("Mine alone", merged.mine), ("Theirs alone", merged.theirs), ("Both alike", merged.both)):
        shown = ", ".join(ids[:MOST_IDS]) + (f", and {len(ids) - MOST_IDS} more" if ids[MOST_IDS:] else "")
        parts.append(Text.assemble((f"{title}: ", "bold"), shown or "nothing"))
    if not merged.conflicts:
        return Group(*parts, Text("No conflict.", style="green"))
    table = ruled_table()
    table.add_column("Conflict", ratio=1, overflow="fold")
    for title in ("Base", "Mine", "Theirs"):
        table.add_column(title, justify="right", max_width=15, overflow="fold")
    table.add_column("Taken", no_wrap=True)
    for one in merged.conflicts:
        cells = [_side(value) for value in (one.base, one.mine, one.theirs)]
        taken = Text(one.taken or "open", style="green" if one.taken else "bold red")
        table.add_row(Text.assemble(one.label, "\n", (one.id, "dim")), *cells, taken)
    return Group(*parts, table)


def _side(value: Any) -> str:
    if isinstance(value, dict) and not {"median", "value"} & set(value):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return value_text(value)
