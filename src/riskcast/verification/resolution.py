"""What a case's record says followed a forecast: an event, none, or nothing that can be told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from riskcast.case.coverage import covered_spans, is_covered, rows_between
from riskcast.case.model import Case
from riskcast.machinery.array_types import Bools
from riskcast.names import DISPUTED
from riskcast.record.arrays import Record


@dataclass(frozen=True)
class Followed:
    """What followed in the units of an event type: happened and told, (units,) of bool; what is not told may be either
    of the two."""

    happened: Bools
    told: Bools


def what_followed(
    case: Case, record: Record, event: str, first: dt.date, last: dt.date, disputed: bool = True
) -> Followed:
    """Whether an event happened from one day to another, as far as the whole record can tell.

    It did where one is dated within, for certain; it did not where the record covers all of these days and holds none
    that may lie within. An event known to the month or year that lies in the window only in part tells nothing, nor do
    days or rows that the record lacks. Of a panel the days must be those of whole periods. `disputed`: whether events
    that are disputed count as having happened; if not, a unit that has no others had none.

    >>> from riskcast import load_case
    >>> from riskcast.record.arrays import build_record
    >>> case = load_case("central_asia_2024")
    >>> spring = what_followed(case, build_record(case), "mass_expulsion", dt.date(2024, 3, 1), dt.date(2024, 4, 30))
    >>> spring.happened.tolist(), spring.told.all()
    ([False, False, True, False, False], np.True_)
    """
    if case.panel is not None:
        at, until = record.timeline.index(first), record.timeline.index(last)
        happened = record.counted[event][at : until + 1].any(axis=0)
        whole = until < record.timeline.length
        return Followed(happened, happened | (record.at_risk[event][at : until + 1].all(axis=0) & whole))
    units, spans = case.units(event), covered_spans(case, [event])
    places = {unit: column for column, unit in enumerate(units)}
    happened, possible = np.zeros((2, len(units)), dtype=bool)
    covered = np.array([any(a <= first and last <= b for a, b in spans[event, unit]) for unit in units])
    for row, whom, inside in rows_between(case, event, first, last):
        if row.status == DISPUTED and not disputed:
            continue
        for unit in whom:
            happened[places[unit]] |= inside and is_covered(spans[event, unit], row.placed_on)
            possible[places[unit]] |= not inside
    return Followed(happened, happened | (covered & ~possible))
