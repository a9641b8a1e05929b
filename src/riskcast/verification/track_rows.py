"""Answered forecasts, and what becomes of them: the records of a track record."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal, get_args

from riskcast.verification.evaluation import Reliability
from riskcast.verification.measured import Measured

Answer = Literal["yes", "no", "void", "disputed"]
Kind = Literal["model", "person", "crowd", "reference"]
By = Literal["outcome", "unit", "horizon"]

YES, NO, VOID, IN_DISPUTE = ANSWERS = get_args(Answer)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
MONTH_DAYS: Final = 31
HORIZONS: Final = (
    (31, "up to a month"),
    (92, "up to three months"),
    (184, "up to half a year"),
    (366, "up to a year"),
)
LONGER: Final = "more than a year"


@dataclass(frozen=True)
class TrackRow:
    """One forecaster's probability of one question, and how the question was answered.

    day: when the forecast was registered; window: first and last day of what was asked; host: whose questions hang
    together, as what befalls it befalls them all; late: whether the forecast was registered when the answer could be
    known; told: when the question was answered, happened: the day of the event, None where there was none or it is not
    known; text: the question in words.
    """

    question: str
    forecaster: str
    probability: float
    answer: Answer
    day: dt.date
    window: tuple[dt.date, dt.date]
    host: str = ""
    outcome: str = ""
    unit: str = ""
    kind: Kind = "person"
    late: bool = False
    told: dt.date | None = None
    happened: dt.date | None = None
    text: str = ""

    @property
    def horizon(self) -> str:
        """How long the window is, in words.

        >>> day = dt.date(2024, 5, 7)
        >>> TrackRow("q", "me", 0.3, "yes", day, (day, dt.date(2024, 6, 6))).horizon
        'up to a month'
        """
        days = (self.window[1] - self.window[0]).days + 1
        return next((name for most, name in HORIZONS if days <= most), LONGER)

    @property
    def surprise(self) -> float:
        """What the forecast left to the answer that did not come: 1 minus the probability of the one that did."""
        return 1.0 - self.probability if self.answer == YES else self.probability

    def is_settled_since(self, day: dt.date) -> bool:
        """Whether it was in time, and its question answered yes or no in the month that ends with a day."""
        if self.answer not in (YES, NO) or self.late or self.told is None:
            return False
        return day - dt.timedelta(days=MONTH_DAYS) < self.told <= day


@dataclass(frozen=True)
class ForecasterRecord:
    """How one forecaster did on the questions that it answered in time.

    events: questions answered yes, or disputed; brier, log_score, bias: with disputed questions as yes; bias is the
    mean forecast less the share that came; the ranges hold what they would be whichever way each disputed question is
    decided, and are None where none is disputed; clusters: groups of questions that are resampled for the intervals.
    """

    forecaster: str
    kind: Kind
    questions: int
    events: int
    disputed: int
    brier: Measured
    log_score: Measured
    mean_forecast: float
    bias: Measured
    brier_range: tuple[float, float] | None
    log_range: tuple[float, float] | None
    bias_range: tuple[float, float] | None
    reliability: Reliability
    clusters: int

    @property
    def frequency(self) -> float:
        """The share of the questions that came, disputed ones among them."""
        return self.events / self.questions


@dataclass(frozen=True)
class Paired:
    """Two forecasters on the questions that both answered.

    difference, log_difference: mean score of the forecaster less that of the other, below 0 where it is the better
    one; skill: 1 - Brier / Brier of the other, None where that one is without error; difference_range: whichever way
    each disputed question is decided; more: how many further questions like these would tell the difference nine times
    in ten from none with a power of .8, 0 where it is told, None where there is no difference or a single question.
    """

    forecaster: str
    against: str
    questions: int
    difference: Measured
    log_difference: Measured
    skill: Measured | None
    difference_range: tuple[float, float] | None
    more: int | None


@dataclass(frozen=True)
class TrackSlice:
    """How one forecaster did on the questions about one outcome or unit, or of one length."""

    by: By
    name: str
    forecaster: str
    questions: int
    events: int
    brier: Measured
    bias: Measured


@dataclass(frozen=True)
class TrackRecord:
    """What became of published forecasts.

    rows: every answered forecast; as_of: the day of the record; forecasters, pairs, slices: scores of what was answered
    yes, no or disputed and forecast in time; misses: forecasts of other than references that gave what came in the
    last month less than one half, the worst first; questions: how many were answered so, void and late left out;
    waiting: questions without an answer, and overdue: those of them whose window is over.
    """

    rows: tuple[TrackRow, ...]
    as_of: dt.date
    forecasters: tuple[ForecasterRecord, ...]
    pairs: tuple[Paired, ...]
    slices: tuple[TrackSlice, ...]
    misses: tuple[TrackRow, ...]
    questions: int
    void: int
    late: int
    waiting: int = 0
    overdue: int = 0

    @property
    def last_month(self) -> tuple[TrackRow, ...]:
        """Forecasts, in time, whose questions were answered in the last month."""
        return tuple(row for row in self.rows if row.is_settled_since(self.as_of))

    def __repr__(self) -> str:
        return f"<TrackRecord as of {self.as_of}: {self.questions} questions, {len(self.forecasters)} forecasters>"
