"""Tables: named columns and rows of values; whoever shows a table makes texts of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape as escape_html
from itertools import islice
from typing import Any, Final, Literal, overload

from riskcast.errors import visible
from riskcast.numbers import (
    NOTHING,
    between,
    interval,
    number,
    p_value,
    percent,
    plain_number,
    share,
    signed,
    signed_range,
    skill,
)

Form = Literal[
    "text",
    "number",
    "figure",
    "count",
    "score",
    "points",
    "share",
    "change",
    "day",
    "flag",
    "proportion",
    "p",
    "score range",
    "share range",
    "points range",
    "measured",
    "skill",
]
Mark = Literal["", "best", "good", "bad", "open", "first"]

WIDE: Final = 12
MOST_ROWS: Final = 30
UNITS: Final[Mapping[Form, str]] = {
    "score": "points, 0 to 100",
    "points": "score points",
    "share": "probability, 0 to 1",
    "change": "difference of probabilities, -1 to 1",
    "day": "date",
    "flag": "true or false",
}
# How a value of a form is shown, and its digits after the point where a column does not give any.
TEXTS: Final[Mapping[Form, tuple[Callable[[Any, int], str], int]]] = {
    "text": (lambda value, _: str(value), 0),
    "number": (lambda value, _: plain_number(value), 0),
    "figure": (number, 3),
    "count": (lambda value, _: f"{value:,}", 0),
    "score": (number, 0),
    "points": (signed, 1),
    "share": (lambda value, _: percent(value), 0),
    "change": (lambda value, digits: signed(100 * value, digits), 1),
    "day": (lambda value, _: f"{value:%Y-%m-%d}", 0),
    "flag": (lambda value, _: "yes" if value else "no", 0),
    "proportion": (lambda value, _: share(value), 0),
    "p": (lambda value, _: p_value(value, ""), 0),
    "score range": (between, 0),
    "share range": (lambda value, _: interval(value), 0),
    "points range": (signed_range, 1),
    "measured": (lambda value, digits: number(value.value, digits), 4),
    "skill": (lambda value, _: skill(value)[0], 0),
}
LOOK: Final = "padding:.2em .7em;text-align:{side};vertical-align:top"
ALARM: Final = "color:#d0402f;font-weight:bold"
RULE: Final = "border-bottom:1px solid color-mix(in srgb, currentColor 25%, transparent)"


@dataclass(frozen=True)
class Column:
    """A column: its name, what its cells mean and are, how wide a sheet shows it, its unit, and how many digits after
    the point people see (None: what its form has)."""

    name: str
    about: str = ""
    form: Form = "text"
    width: int = WIDE
    measure: str = ""
    digits: int | None = None

    @property
    def unit(self) -> str:
        """The unit of its cells; empty for text.

        >>> Column("low", "Lower end", "score").unit
        'points, 0 to 100'
        """
        return self.measure or UNITS.get(self.form, "")

    @property
    def is_text(self) -> bool:
        """Whether its cells are words, which stand flush left."""
        return self.form == "text"


@dataclass(frozen=True)
class Cell:
    """A value with what stands small beneath it, and how it is marked."""

    value: Any
    small: str = ""
    mark: Mark = ""


@dataclass(frozen=True)
class Shown:
    """A cell as people see it."""

    text: str
    small: str = ""
    mark: Mark = ""


@dataclass(frozen=True)
class Rows(Sequence[tuple[Any, ...]]):
    """Rows that are made when they are asked for, so that many of them need not be in memory.

    >>> rows = Rows(3, lambda: ((n, 2 * n) for n in range(3)))
    >>> len(rows), list(rows), rows[-1], rows[1:]
    (3, [(0, 0), (1, 2), (2, 4)], (2, 4), ((1, 2), (2, 4)))
    """

    length: int
    make: Callable[[], Iterator[tuple[Any, ...]]]

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self.make()

    @overload
    def __getitem__(self, place: int) -> tuple[Any, ...]: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[tuple[Any, ...], ...]: ...

    def __getitem__(self, place: int | slice) -> tuple[Any, ...] | tuple[tuple[Any, ...], ...]:
        if isinstance(place, slice):
            return tuple(self)[place]
        return next(islice(self, range(self.length)[place], None))


@dataclass(frozen=True)
class Table:
    """Columns and rows of values or of cells; a row of one cell is a heading over those that follow.

    `about` is what it shows; `name` and `key` (the columns that tell rows apart) are those of a file; `note` stands
    beneath it, `warning` above it; `groups` are headings over several columns, with how many; `has_total`: the last row
    sums up the others; `left_out`: how many further rows there are that were not even made.
    """

    about: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    name: str = ""
    key: tuple[str, ...] = ()
    note: str = ""
    warning: str = ""
    groups: tuple[tuple[str, int], ...] = ()
    has_total: bool = False
    left_out: int = 0

    def records(self) -> list[dict[str, Any]]:
        """The rows as mappings of column names to values."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def shown(self, most: int | None = None) -> list[list[Shown]]:
        """The rows as people see them, the first `most` of them."""
        return [[show(*each) for each in zip(row, self.columns, strict=len(row) > 1)] for row in self.rows[:most]]


def show(cell: Any, column: Column) -> Shown:
    """A cell as people see it: a text stays as it is, what is missing is a dash.

    >>> show(0.004, Column("chance", form="share")).text, show(None, Column("AUC", form="measured")).text
    ('<1 %', '–')
    """
    given = cell if isinstance(cell, Cell) else Cell(cell)
    value = given.value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Shown(NOTHING, given.small, given.mark)
    if isinstance(value, str):
        return Shown(visible(value), visible(given.small), given.mark)
    text, usual = TEXTS[column.form]
    digits = usual if column.digits is None else column.digits
    small = given.small
    if column.form == "measured":
        small = between(value, digits)
    elif column.form == "skill":
        small = skill(value)[1]
    return Shown(text(value, digits), small, given.mark)


def escape(text: str) -> str:
    """A text as HTML shows it as it is written.

    >>> escape("<b> & \\x1b")
    '&lt;b&gt; &amp; \\\\x1b'
    """
    return escape_html(visible(text))


def to_html(table: Table, most: int = MOST_ROWS) -> str:
    """A table as HTML that stands alone in a notebook, light or dark; every text is escaped.

    Words stand flush left, figures right. Of more than `most` rows the first are shown, and the rest counted.

    >>> to_html(Table("Scores", (Column("dyad"), Column("score", form="score")), [("<A>", 42.0)])).count("&lt;A&gt;")
    1
    """
    left_out = max(len(table.rows) - most, 0) + table.left_out
    styles = [LOOK.format(side="left" if column.is_text else "right") for column in table.columns]
    head = "".join(
        f'<th scope="col" style="{style};{RULE}">{escape(column.name)}</th>'
        for column, style in zip(table.columns, styles, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{style}">{escape(cell.text)}</td>' for cell, style in zip(row, styles, strict=True))
        + "</tr>"
        for row in table.shown(most)
    )
    rest = f"{left_out:,} more rows: see to_frame(). " if left_out else ""
    alarm = f'<p role="alert" style="{ALARM}">{escape(table.warning)}</p>' if table.warning else ""
    foot = f'<p style="opacity:.75;max-width:60em">{escape(rest + table.note)}</p>' if rest or table.note else ""
    return (
        f'<div>{alarm}<table style="border-collapse:collapse"><caption style="text-align:left;font-weight:bold;'
        f'padding:.3em .7em">{escape(table.about)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"{foot}</div>"
    )
