"""Which days a file holds: as its map says, or to its last row; and where the two hardly go together."""

from __future__ import annotations

import datetime as dt

from riskcast.case.periods import calendar_of
from riskcast.errors import OptionError
from riskcast.imports.maps import TableMap
from riskcast.numbers import counted

# From how many periods without any row on, at either end, what was searched is doubted.
_DOUBTED = 2


def settle(chart: TableMap, span: tuple[dt.date, dt.date] | None) -> TableMap:
    """A map whose `searched` ends on a day: that of the last row, where it says so.

    Raises OptionError where there is no row with a day, or none after the first day that was searched.
    """
    searched = chart.searched
    if searched is None or searched.until != "last":
        return chart
    if span is None:
        raise OptionError("no row of the table has a day, so that it cannot be told until when it was searched")
    if span[1] < searched.start:
        raise OptionError(f"the last row is of {span[1]}, before `searched.from` of the map, {searched.start}")
    return chart.model_copy(update={"searched": searched.model_copy(update={"until": span[1]})})


def doubts(chart: TableMap, span: tuple[dt.date, dt.date] | None) -> list[str]:
    """Where a file's rows begin later, or end earlier, than its map says: no row there may well mean not searched."""
    searched, found = chart.searched, []
    if searched is None or span is None or chart.rows != "events":
        return []
    calendar = calendar_of(chart.period)
    first, last = map(calendar.number, span)
    begin, end = calendar.number(searched.start), calendar.number(searched.end)
    # Periods that were searched in part are left out.
    before = first - begin - (calendar.first_day(begin) < searched.start)
    after = end - last - (calendar.last_day(end) > searched.end)
    taken = f"taken for {chart.period}s without events; if they were not searched, correct"
    if before >= _DOUBTED:
        wrong = f"The first row is of {span[0]}, though searched from {searched.start}"
        found.append(f"{wrong}: {counted(before, chart.period)} before it are {taken} `searched.from` of the map")
    if after >= _DOUBTED:
        wrong = f"The last row is of {span[1]}, though searched until {searched.end}"
        found.append(f"{wrong}: {counted(after, chart.period)} after it are {taken} `searched.until` of the map")
    return found
