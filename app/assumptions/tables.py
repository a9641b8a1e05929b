"""Tables in which a cell opens the editor of its quantity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

import riskcast
from assumptions.numbers import quantity_words, text
from assumptions.words import Subject
from parts import door as st

CHANGED = "●"
LISTED = ("Now", "Published")
MOST_COLUMNS = 24
# Columns that share the room evenly, and the widths of others, in pixels.
MOST_SHARING = 3
NARROWEST, LETTER, CELL_PADDING = 92, 8, 18
STRONGEST = math.log(5.0)
RAISES, LOWERS = "213, 94, 0", "0, 114, 178"


@dataclass(frozen=True)
class Table:
    """Rows and columns by name, and the ids of the quantities in each cell."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], tuple[str, ...]]

    def at(self, row: int, column: str) -> tuple[str, ...]:
        """The quantities of a cell, by position of the row and name of the column."""
        return self.cells.get((self.rows[row], column), ()) if row < len(self.rows) else ()

    def cell_of(self, key: str) -> tuple[int, str] | None:
        """Where a quantity stands."""
        found = next((place for place, keys in self.cells.items() if key in keys), None)
        return None if found is None else (self.rows.index(found[0]), found[1])


def arrange(chosen: Iterable[Subject]) -> Table:
    """Quantities of one group as rows and columns."""
    cells: dict[tuple[str, str], tuple[str, ...]] = {}
    for subject in chosen:
        place = subject.row, subject.column
        cells[place] = (*cells.get(place, ()), subject.key)
    columns = tuple(dict.fromkeys(column for _, column in cells))
    return Table(tuple(dict.fromkeys(row for row, _ in cells)), columns, cells)


def as_list(chosen: Iterable[Subject]) -> Table:
    """Quantities one below the other, with their values now and as published."""
    found = list(chosen)
    cells = {(subject.short, column): (subject.key,) for subject in found for column in LISTED}
    return Table(tuple(subject.short for subject in found), LISTED, cells)


def draw(
    table: Table,
    words: Mapping[str, Subject],
    now: Mapping[str, riskcast.Quantity],
    published: Mapping[str, riskcast.Quantity],
    changed: Iterable[str],
    key: str,
    on_select: Any,
) -> None:
    """Draw a table; `on_select` is called after a cell was chosen."""
    marked = set(changed)

    def shown(row: str, column: str) -> str:
        keys = table.cells.get((row, column), ())
        source = published if column == "Published" else now
        short = bool(keys) and words[keys[0]].is_effect and column not in LISTED
        parts = [
            text(words[each], source[each].center) if short else quantity_words(words[each], source[each])
            for each in keys
        ]
        return (f"{CHANGED} " if marked & set(keys) and column != "Published" else "") + " · ".join(parts)

    frame = pd.DataFrame(
        [[shown(row, column) for column in table.columns] for row in table.rows],
        index=pd.Index(table.rows, name=""),
        columns=list(table.columns),
    )
    colours = pd.DataFrame(
        [[_colour(table.cells.get((row, column), ()), words, now) for column in table.columns] for row in table.rows],
        index=frame.index,
        columns=frame.columns,
    )
    st.dataframe(
        frame.style.apply(lambda _: colours, axis=None) if frame.index.is_unique else frame,
        key=key,
        on_select=on_select,
        selection_mode="single-cell",
        height=min(38 + 35 * len(table.rows), 510),
        column_config={"": st.column_config.TextColumn(width="medium", pinned=True)}
        | {column: st.column_config.TextColumn(help=column, width=_width(frame, column)) for column in table.columns},
    )


def _width(frame: pd.DataFrame, column: str) -> int | None:
    """Pixels for a column in which no number is cut; none where few columns share the room."""
    if len(frame.columns) <= MOST_SHARING:
        return None
    longest = int(frame[column].str.len().max()) if len(frame) else 0
    return max(NARROWEST, LETTER * longest + CELL_PADDING)


def _colour(keys: tuple[str, ...], words: Mapping[str, Subject], now: Mapping[str, riskcast.Quantity]) -> str:
    """A tint for effects: warm where they raise the rate, cool where they lower it, deeper the stronger."""
    if not keys or not words[keys[0]].is_effect:
        return ""
    strength = sum(math.log(max(now[key].center, 1e-6)) for key in keys)
    share = min(abs(strength) / STRONGEST, 1.0) ** 0.6
    return f"background-color: rgba({RAISES if strength > 0 else LOWERS}, {0.55 * share:.2f})"
