"""Histories of scores made up, so that what is shown of them is known and costs nothing."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from riskcast.case.model import Case
from riskcast.verification.history_records import ScoreHistory


def made_up(case: Case, days: tuple[dt.date, ...], scores: np.ndarray, draws: int = 200) -> ScoreHistory:
    """A history with these scores, (days, dyads), draws about them, and one day whose checks failed: the first."""
    rng = np.random.default_rng(1)
    rows, kept = [], {}
    for day, own in zip(days, scores, strict=True):
        drawn = np.clip(own + rng.normal(0.0, 3.0, (draws, len(own))), 0.0, 100.0)
        kept[day] = drawn
        order = np.argsort(np.argsort(-own)) + 1.0
        rows += [
            (day.isoformat(), dyad, value, value - 5.0, value + 5.0, 1.0 if rank == 1 else 0.0, rank, np.nan)
            for dyad, value, rank in zip(case.dyads, own.tolist(), order.tolist(), strict=True)
        ]
    names = ["day", "dyad", "score", "low", "high", "first", "rank", "grave"]
    event = case.outcomes[0]
    chances = [(day.isoformat(), event, unit, 0.1, 0.05, 0.2) for day in days for unit in case.units(event)]
    health = [
        {"day": day.isoformat(), "reliable": day != days[0], "failures": "", "error": 0.4, "paths": 4} for day in days
    ]
    return ScoreHistory(
        case,
        case.settings.horizon,
        draws,
        1,
        days,
        pd.DataFrame(rows, columns=names),
        pd.DataFrame(chances, columns=["day", "event", "unit", "probability", "low", "high"]),
        pd.DataFrame(health),
        kept,
    )
