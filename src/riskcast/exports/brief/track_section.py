"""What a brief says of a track record: the verdict, biases, last month's misses, scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from riskcast.machinery.tables import Column, Table
from riskcast.numbers import between, number
from riskcast.verification.track_rows import TrackRecord
from riskcast.verification.track_words import (
    bias_in_words,
    disputed_in_track,
    left_out_in_words,
    miss_in_words,
    misses_in_words,
    track_verdict,
)
from riskcast.verification.verdicts import label_of

MOST_MISSES: Final = 5


@dataclass(frozen=True)
class TrackSection:
    """Sentences in the order in which they are read, misses as a list, and scores by forecaster, None where there are
    none yet."""

    sentences: tuple[str, ...]
    misses: tuple[str, ...]
    scores: Table | None


def track_section(record: TrackRecord) -> TrackSection:
    """The section of a track record.

    >>> import datetime as dt
    >>> from riskcast.verification.track_record import make_track_record
    >>> track_section(make_track_record([], dt.date(2024, 5, 6))).sentences[0]
    'There is no track record yet.'
    """
    verdict = track_verdict(record)
    others = [each for each in record.forecasters[1:] if each.kind in ("person", "crowd")]
    told = [
        verdict.headline,
        verdict.detail,
        *map(bias_in_words, others),
        *map(disputed_in_track, record.forecasters[:1]),
    ]
    if record.forecasters:
        told.append(misses_in_words(record))
    misses = tuple(miss_in_words(miss) for miss in record.misses[:MOST_MISSES])
    told.append(left_out_in_words(record))
    return TrackSection(tuple(each for each in told if each), misses, _scores(record) if record.forecasters else None)


def _scores(record: TrackRecord) -> Table:
    columns = (
        Column("Forecaster"),
        Column("Questions", form="count"),
        Column("Brier score", form="figure", digits=3),
        Column("90 %"),
        Column("Said", form="proportion"),
        Column("Came", form="proportion"),
    )
    rows = [
        (
            label_of(each.forecaster),
            each.questions,
            number(each.brier.value, 3),
            between(each.brier, 3),
            each.mean_forecast,
            each.frequency,
        )
        for each in record.forecasters
    ]
    return Table("Published forecasts against what came, lower scores are better", columns, rows)
