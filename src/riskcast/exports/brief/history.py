"""The brief's table of how scores went: sparklines, places in their own past, and changes."""

from __future__ import annotations

from typing import Final

import numpy as np

from riskcast.charts.sparklines import sparkline
from riskcast.exports.history_data import change_words
from riskcast.machinery.tables import Column, Table
from riskcast.numbers import NOTHING, percent, short_date
from riskcast.verification.history_records import HINDSIGHT, ScoreHistory

MOST_PAIRS: Final = 12
BLOCKS: Final = 24


def history_part(history: ScoreHistory) -> Table:
    """How the score of every dyad went: those with the highest scores today."""
    found = history.ranked[:MOST_PAIRS]
    low = min((float(np.nanmin(own.score)) for own in found), default=0.0)
    high = max((float(np.nanmax(own.score)) for own in found), default=100.0)
    rows = tuple(
        (
            history.case.name_of(own.dyad),
            sparkline(own.score.tolist(), BLOCKS, low, high),
            f"{own.today.mean:.0f}",
            NOTHING if own.percentile is None else percent(own.percentile),
            change_words(own.since_month),
            change_words(own.since_year),
        )
        for own in found
    )
    span = f"{short_date(history.days[0])} to {short_date(history.days[-1])}"
    columns = (
        Column("Pair"),
        Column(f"{low:.0f} to {high:.0f} points"),
        Column("Score"),
        Column("Above"),
        Column("Since a month"),
        Column("Since a year"),
    )
    since = [change.since for own in found[:1] for change in (own.since_month, own.since_year) if change is not None]
    told = f"Above: share of the {len(history.days) - 1} earlier days with a lower score. "
    if since:
        told += f"Changes are since {' and '.join(map(short_date, since))}, draw by draw, with 90 % intervals. "
    failed = ", ".join(day.isoformat() for day in history.unreliable)
    told += f"Checks failed as of {failed}. " if failed else ""
    return Table(f"Scores as of month ends, {span}", columns, rows, note=told + HINDSIGHT)
