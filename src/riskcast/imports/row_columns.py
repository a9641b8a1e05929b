"""What columns are called that rows of a table get while they are read, and how lost rows are noted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from riskcast.imports.reading import LINE, place_of
from riskcast.imports.reports import MOST_EXAMPLES, Loss

if TYPE_CHECKING:
    import polars

# Columns of what was read: unit; which of its states is named first in the file; days; how exactly they are known.
UNIT, TURNED, DAY, END = "\0unit", "\0turned", "\0day", "\0end"
EXACT, PERIOD, LAST = "\0exact", "\0period", "\0last"
YEAR, MONTH = "year", "month"


def lose(
    losses: list[Loss], lost: polars.DataFrame, why: str, columns: Iterable[str], names: Sequence[str], mend: str = ""
) -> None:
    """Note that rows do not come in: how many, why, and the first of them by line and cell."""
    if len(lost):
        listed = list(columns)
        examples = tuple(
            f"{line_of(names, row[LINE])}: {' | '.join('' if row[c] is None else str(row[c]) for c in listed)}"
            for row in lost.head(MOST_EXAMPLES).iter_rows(named=True)
        )
        losses.append(Loss(len(lost), why, mend, examples))


def line_of(names: Sequence[str], line: int) -> str:
    """Where a row is, in words; with its file where there are several.

    >>> line_of(("a.csv",), 7), line_of(("a.csv", "b.csv"), 7 + 2**40)
    ('line 7', 'b.csv, line 7')
    """
    file, number = place_of(names, line)
    return f"line {number}" if len(names) == 1 else f"{file}, line {number}"
