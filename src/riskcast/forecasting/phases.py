"""Onset or continuation: whether an outcome would begin within the horizon, or go on from what was recorded lately."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from riskcast.case.periods import shift_months
from riskcast.machinery.array_types import Bools
from riskcast.record.arrays import Record, day_number

Phase = Literal["onset", "continuation", "unknown"]
ONSET: Final[Phase] = "onset"
CONTINUATION: Final[Phase] = "continuation"
UNKNOWN: Final[Phase] = "unknown"
PHASES: Final[dict[Phase, str]] = {
    ONSET: "none was recorded in the last year, so one would be an onset",
    CONTINUATION: "one was recorded in the last year, so another would be its continuation",
    UNKNOWN: "none is known of the last year, of which the record lacks a part",
}


def phases_of(record: Record, event: str) -> tuple[Phase, ...]:
    """The phase of an event type in each of its units: `continuation` where one was recorded in the year up to the
    record's end, `onset` where none was, `unknown` where none is known and a part of that year is not covered.

    Where events have no days, the year is that of the last periods that begin within it.

    >>> from riskcast import load_case
    >>> from riskcast.record.arrays import build_record
    >>> phases_of(build_record(load_case("central_asia_2024")), "rupture")
    ('onset', 'onset', 'onset', 'onset', 'onset')
    """
    timeline = record.timeline
    since = shift_months(timeline.as_of, -12)
    within = timeline.starts > np.datetime64(since)
    happened: Bools = record.occurred[event][within].any(axis=0)
    if event in record.dated:
        dated = record.dated[event]
        happened = np.zeros(record.occurred[event].shape[1], dtype=bool)
        happened[dated.unit[dated.placed > day_number(since)]] = True
    _, whole = record.completed(event)
    told = whole[within[: len(whole)]].all(axis=0)
    return tuple(
        CONTINUATION if met else ONSET if known else UNKNOWN
        for met, known in zip(happened.tolist(), told.tolist(), strict=True)
    )
