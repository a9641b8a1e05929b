"""What columns are called that rows of a table get while they are read, and how lost rows are noted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from riskcast.imports.reading import LINE
from riskcast.imports.reports import MOST_EXAMPLES, Loss

if TYPE_CHECKING:
    import polars

# Columns of what was read: unit; which of its states is named first in the file; days; how exactly they are known.
UNIT, TURNED, DAY, END = "\0unit", "\0turned", "\0day", "\0end"
EXACT, PERIOD, LAST = "\0exact", "\0period", "\0last"
YEAR, MONTH = "year", "month"


def lose(
    losses: list[Loss], rows: int, why: str, shown: polars.DataFrame, columns: Iterable[str], mend: str = ""
) -> None:
    """Note that rows do not come in: how many, why, and the first of them by line and cell."""
    if rows:
        listed = list(columns)
        examples = tuple(
            f"line {row[LINE]}: {', '.join('' if row[c] is None else str(row[c]) for c in listed)}"
            for row in shown.head(MOST_EXAMPLES).iter_rows(named=True)
        )
        losses.append(Loss(rows, why, mend, examples))
