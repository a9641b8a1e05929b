"""What an import read, dropped and merged, and why: as records that terminal, page and JSON show."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Loss:
    """Rows that did not come in: how many, why, and examples with their lines."""

    rows: int
    why: str
    mend: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """What became of a column: its id in the case, what it is, from which column, how many cells hold something.

    kind: event or covariate; cells: rows of the result in which it is known; nonzero: in which it is not zero; least,
    most: over known cells, None where there is none.
    """

    id: str
    kind: str
    source: str
    cells: int
    nonzero: int
    least: float | None
    most: float | None


@dataclass(frozen=True)
class Report:
    """An import: rows of the file, what was lost on the way, what came out.

    merged: rows that were joined with others of the same unit and period; units: dyads, or states; rows: of the
    result; first, last: labels of its first and last period; doubts: what may well be wrong, with its mend; notes:
    what else was assumed.
    """

    file: str
    title: str
    read: int
    taken: int
    merged: int
    units: int
    rows: int
    first: str
    last: str
    losses: tuple[Loss, ...]
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = field(default=())
    doubts: tuple[str, ...] = field(default=())

    @property
    def dropped(self) -> int:
        """Rows of the file that did not come in."""
        return sum(loss.rows for loss in self.losses)


def report_data(report: Report) -> dict[str, Any]:
    """A report as plain data."""
    return asdict(report) | {"dropped": report.dropped}
