"""What a record lacks of what a forecast from it stands on, and what to say of it before any number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskcast.case.coverage import RecordEnd, record_end
from riskcast.case.model import Case
from riskcast.numbers import MOST_NAMED, more
from riskcast.record.arrays import Record

LONGEST_UNTOLD = 31


@dataclass(frozen=True)
class Gaps:
    """What a record lacks at the start of the horizon.

    end: where the record of events ends, if that is more than a month before the case's own day; held: dyads whose
    freshest row of a panel is not the one that the forecast needs, so that levels are held from it; oldest: how many
    periods old the oldest of these rows is; ended: dyads that the case says to have ended, which are not forecast;
    unit: what a period is.
    """

    end: RecordEnd | None
    held: tuple[str, ...]
    oldest: int
    ended: tuple[str, ...]
    unit: str

    @property
    def told(self) -> tuple[str, ...]:
        """In sentences, each with its mend."""
        found = [] if self.end is None else [self.end.told]
        if self.held:
            named = ", ".join(self.held[:MOST_NAMED]) + more(self.held)
            many = len(self.held) > 1
            found.append(
                f"{len(self.held):,} dyad{'s lack' if many else ' lacks'} the panel's freshest row ({named}): "
                f"{'their' if many else 'its'} levels are held from the last one, up to {self.oldest:,} "
                f"{self.unit}{'s' if self.oldest > 1 else ''} old. A missing row ends nothing; name dyads that have "
                "ended in `panel.until`, or give a rule, `panel.ended_after`."
            )
        return tuple(found)


def find_gaps(case: Case, record: Record) -> Gaps:
    """What a case's record lacks at the start of the horizon.

    >>> from riskcast import load_case
    >>> from riskcast.record.arrays import build_record
    >>> case = load_case("central_asia_2024")
    >>> find_gaps(case, build_record(case)).told
    ()
    """
    end = record_end(case)
    late = np.flatnonzero((record.behind > 0) & record.present).tolist()
    return Gaps(
        end=end if end is not None and end.days > LONGEST_UNTOLD else None,
        held=tuple(case.dyads[i] for i in late),
        oldest=int(record.behind[late].max()) if late else 0,
        ended=tuple(case.dyads[i] for i in np.flatnonzero(~record.present).tolist()),
        unit=case.settings.period,
    )
