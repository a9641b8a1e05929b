"""Rows of text -> rows with a unit and a period; what cannot be told is refused, or dropped and counted."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskcast.errors import CaseError
from riskcast.imports.maps import TableMap
from riskcast.imports.reading import LINE, Rows, problem_at
from riskcast.imports.reports import Loss
from riskcast.imports.row_columns import lose
from riskcast.imports.row_days import span_of, with_days, with_periods
from riskcast.imports.row_units import with_units

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, eq=False)
class Clean:
    """Rows with a unit and a period, and what was lost on the way.

    span: the first and last day of all rows, before those without a unit were dropped.
    """

    frame: polars.DataFrame
    losses: tuple[Loss, ...]
    span: tuple[dt.date, dt.date] | None


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
    span = span_of(frame, chart)
    frame = with_units(frame, rows.names, chart, losses)
    frame = with_days(frame, rows.names, chart, losses)
    return Clean(with_periods(frame, rows.names, chart, losses), tuple(losses), span)


def _without_repeats(rows: Rows, chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
    import polars

    frame = rows.frame
    if chart.repeats is None:
        return frame
    by, keep = list(chart.repeats.by), chart.repeats.keep
    key = polars.struct(by)
    stays = key.is_last_distinct() if keep == "last" else key.is_first_distinct()
    again = frame.filter(~stays)
    if keep == "refuse" and len(again):
        wrong = f"repeats {', '.join(map(str, again.select(by).row(0)))}"
        mend = "remove the row, or write keep: first in the map"
        raise CaseError([problem_at(rows.names, int(again[LINE][0]), by[0], wrong, mend)])
    lose(losses, again, f"repeated another row in {', '.join(by)}", by, rows.names)
    return frame.filter(stays)
