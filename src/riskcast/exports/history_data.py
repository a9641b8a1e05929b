"""The history of scores as plain data and as a table."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from riskcast.forecasting.lineage import case_lineage, rounded
from riskcast.machinery.tables import Column, Table
from riskcast.numbers import NOTHING, signed, signed_ends
from riskcast.verification.history_records import HINDSIGHT, Change, ScoreHistory
from riskcast.version import __version__


def history_data(history: ScoreHistory) -> dict[str, Any]:
    """A history as plain data: by dyad its score, interval, chance of the highest score and rank on every day, its
    percentile and changes; and by event type and unit the probabilities."""
    case = case_lineage(history.case)
    return {
        "riskcast_version": __version__,
        "case": {"name": case.name, "as_of": case.as_of.isoformat(), "hash": case.hash},
        "horizon": history.horizon,
        "draws": history.size,
        "seed": history.seed,
        "score_error_max": rounded(history.error),
        "unreliable": [day.isoformat() for day in history.unreliable],
        "note": HINDSIGHT,
        "days": [day.isoformat() for day in history.days],
        "dyads": [_dyad(history, dyad) for dyad in history.dyads],
        "probabilities": [
            {"day": day, "event": event, "unit": unit, "probability": rounded(p), "low": rounded(a), "high": rounded(b)}
            for day, event, unit, p, a, b in history.probabilities.itertuples(index=False, name=None)
        ],
    }


def _dyad(history: ScoreHistory, dyad: str) -> dict[str, Any]:
    own = history.of(dyad)
    names = ("score", "low", "high", "first", "rank")
    series = {name: [rounded(each) for each in getattr(own, name)] for name in names}
    changes = {"since_month": _change(own.since_month), "since_year": _change(own.since_year)}
    share = None if own.percentile is None else rounded(own.percentile)
    return {"dyad": dyad, **series, "percentile": share, **changes}


def _change(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    moved = change.difference
    ends = {"mean": rounded(moved.mean), "low": rounded(moved.low), "high": rounded(moved.high)}
    return {"since": change.since.isoformat(), "then": rounded(change.then), "difference": ends}


def history_table(history: ScoreHistory) -> Table:
    """One row for each day and dyad: score with its interval, chance of the highest score, and expected rank."""
    names = ("day", "dyad", "score", "low", "high", "first", "rank")
    frame = history.scores[history.scores["dyad"].isin(history.dyads)]
    rows = tuple(frame[list(names)].itertuples(index=False, name=None))
    dated = tuple((dt.date.fromisoformat(row[0]), *row[1:]) for row in rows)
    columns = (
        Column("day", "Day as of which it was forecast, from what was known then", "day", 13),
        Column("dyad", "Id of the dyad", width=11),
        Column("score", "Score as of that day", "score", 9),
        Column("low", "5 % quantile of it", "score", 9),
        Column("high", "95 % quantile of it", "score", 9),
        Column("rank_first", "Probability that no other dyad had a higher score", "share", 11),
        Column("rank", "Expected rank by score, 1 for the highest", "figure", 9, "rank"),
    )
    return Table("Scores as of earlier days", columns, dated, "history", ("day", "dyad"))


def change_words(change: Change | None) -> str:
    """A change with its interval; a dash where the history does not reach so far."""
    if change is None:
        return NOTHING
    moved = change.difference
    ends = f" ({signed_ends(moved, 0)})" if math.isfinite(moved.low) else ""
    return f"{signed(moved.mean)}{ends}"
