"""Rows of text -> rows with a unit and a period; what cannot be told is refused, or dropped and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskcast.errors import CaseError, Problem
from riskcast.imports.maps import TableMap
from riskcast.imports.reading import LINE, Rows
from riskcast.imports.reports import Loss
from riskcast.imports.row_columns import lose
from riskcast.imports.row_days import with_days, with_periods
from riskcast.imports.row_units import with_units

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, eq=False)
class Clean:
    """Rows with a unit and a period, and what was lost on the way."""

    frame: polars.DataFrame
    losses: tuple[Loss, ...]


def clean(rows: Rows, chart: TableMap) -> Clean:
    """Rows with UNIT (an id of a dyad or state), TURNED, DAY, EXACT, PERIOD and LAST; raises CaseError by row.

    LAST is the period of the end where the map has one, else PERIOD. Days that are known less exactly than the case's
    periods are dropped, as is what is of a state with itself.
    """
    losses: list[Loss] = []
    short = rows.total - len(rows.frame)
    if short:
        losses.append(Loss(short, "did not meet `where` of the map"))
    frame = _without_repeats(rows, chart, losses)
    frame = with_units(frame, rows.name, chart, losses)
    frame = with_days(frame, rows.name, chart, losses)
    return Clean(with_periods(frame, chart, losses), tuple(losses))


def _without_repeats(rows: Rows, chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
    import polars

    frame = rows.frame
    if chart.repeats is None:
        return frame
    by = list(chart.repeats.by)
    again = frame.filter(polars.struct(by).is_duplicated())
    if chart.repeats.keep == "refuse" and len(again):
        line = int(again[LINE][1])
        wrong = f"repeats {', '.join(map(str, again.select(by).row(1)))}"
        raise CaseError([Problem(rows.name, line, by[0], wrong, "remove the row, or write keep: first in the map")])
    kept = frame.unique(by, keep="last" if chart.repeats.keep == "last" else "first", maintain_order=True)
    if len(kept) < len(frame):
        lose(losses, len(frame) - len(kept), f"repeat another row in {', '.join(by)}", again, by)
    return kept
