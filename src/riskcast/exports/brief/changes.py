"""What changed since an earlier forecast, as a section of the brief."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from riskcast.comparison.change_splits import WhatChanged
from riskcast.exports.change_tables import groups_table, moved_probabilities
from riskcast.machinery.tables import Table
from riskcast.numbers import long_date

MOST_SENTENCES: Final = 6
MOST_CHANCES: Final = 3


@dataclass(frozen=True)
class Changes:
    """Sentences on scores and on the probabilities that moved most; scores by what their change is due to."""

    about: str
    sentences: tuple[str, ...]
    chances: tuple[str, ...]
    groups: Table
    note: str


def changes_of(found: WhatChanged | None) -> Changes | None:
    """The section, where something was compared."""
    if found is None:
        return None
    one, two = (long_date(day) for day in found.days)
    failed = f" A posterior failed its checks: {'; '.join(found.failures)}." if found.failures else ""
    return Changes(
        about=f"From {one} to {two}, scenario {found.scenario}.{failed}",
        sentences=found.sentences[:MOST_SENTENCES],
        chances=tuple(split.sentence for split in moved_probabilities(found, MOST_CHANCES)),
        groups=groups_table(found, MOST_SENTENCES),
        note=(
            "Owen values, in points: parts add up to the change. Relearning is the newer posterior in place of the "
            "older one, all else held; a ripple moves what has no new event."
        ),
    )
