"""Tables for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from riskcast.machinery.tables import Mark, Table, show

WIDTH: Final = 80
STYLES: Final[dict[Mark, str]] = {"best": "bold", "good": "green", "bad": "red"}


class Part(NamedTuple):
    """A column to show: its place in the table, its heading, that of what stands small (None: not shown), and its
    digits after the point (None: its own)."""

    place: int
    heading: str
    small: str | None = None
    digits: int | None = None


def ruled_table() -> RichTable:
    """A table without columns as yet: a line beneath its headings, a blank before each cell, as wide as a terminal."""
    return RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1), width=WIDTH)


def rich_table(table: Table, parts: Sequence[Part]) -> RichTable:
    """Some columns of a table; what stands small goes beneath words, and into a column of its own beside figures."""
    shown = ruled_table()
    columns = []
    for part in parts:
        column = table.columns[part.place]
        columns.append(column if part.digits is None else replace(column, digits=part.digits))
        if column.is_text:
            shown.add_column(part.heading, ratio=1, overflow="fold")
            continue
        shown.add_column(part.heading, justify="right", no_wrap=True)
        if part.small is not None:
            shown.add_column(part.small, justify="right", no_wrap=True, style="dim")
    for row in table.rows:
        cells: list[Text | str] = []
        for part, column in zip(parts, columns, strict=True):
            cell = show(row[part.place], column)
            text = Text(cell.text, style=STYLES.get(cell.mark, ""))
            beneath = f"\n{cell.small}" if column.is_text and cell.small else ""
            cells.append(text.append(beneath, style="dim"))
            if part.small is not None:
                cells.append(cell.small)
        shown.add_row(*cells)
    return shown
