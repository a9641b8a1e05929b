"""Answered questions -> a track record: how right each forecaster was, against whom, and how much is known of that."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, get_args

import numpy as np

from riskcast.errors import OptionError, shorten, show
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import generator
from riskcast.verification.evaluation import reliability_diagram
from riskcast.verification.forecasters import MODEL, forecaster_names
from riskcast.verification.measured import Measured
from riskcast.verification.metrics import brier_scores, log_scores, skill_score
from riskcast.verification.track_resampling import Dependence, Drawn, dependence_of, more_to_tell
from riskcast.verification.track_rows import (
    ANSWERS,
    HORIZONS,
    IN_DISPUTE,
    KINDS,
    LONGER,
    VOID,
    YES,
    By,
    ForecasterRecord,
    Paired,
    TrackRecord,
    TrackRow,
    TrackSlice,
)

REPLICATES: Final = 1000
# A forecast that gave what came less than this is a miss.
MISSED: Final = 0.5


def make_track_record(
    rows: Iterable[TrackRow],
    as_of: dt.date,
    *,
    count_late: bool = False,
    waiting: int = 0,
    overdue: int = 0,
    replicates: int = REPLICATES,
    seed: int = 1,
) -> TrackRecord:
    """Score answered forecasts by forecaster, pair of forecasters, outcome, unit and horizon.

    Void questions are not scored, nor are late forecasts unless `count_late`. Intervals are 90 %, from questions
    resampled together where one host and overlapping windows make them depend on one another (`dependence_of`). The
    Brier score is (Brier, 1950), the log score (Good, 1952), the curve CORP (Dimitriadis, Gneiting and Jordan, 2021).
    Raises OptionError for a probability outside 0 to 1, an unknown answer, or two forecasts of one forecaster for one
    question.

    >>> day, window = dt.date(2024, 1, 1), (dt.date(2024, 1, 2), dt.date(2024, 2, 1))
    >>> rows = [TrackRow("a", "me", 0.3, "yes", day, window), TrackRow("b", "me", 0.1, "no", day, window)]
    >>> [found] = make_track_record(rows, dt.date(2024, 2, 2)).forecasters
    >>> found.questions, round(found.brier.value, 3), round(found.bias.value, 3)
    (2, 0.25, -0.3)
    """
    kept = tuple(rows)
    _check(kept)
    answered = [row for row in kept if row.answer != VOID]
    counted = [row for row in answered if count_late or not row.late]
    names = _in_order(counted)
    if not names:
        return TrackRecord(kept, as_of, (), (), (), (), 0, _void(kept), len(answered) - len(counted), waiting, overdue)
    depend = dependence_of(counted, replicates, seed)
    by_name = {name: [row for row in counted if row.forecaster == name] for name in names}
    return TrackRecord(
        rows=kept,
        as_of=as_of,
        forecasters=tuple(_record(by_name[name], depend, seed) for name in names),
        pairs=tuple(_pairs(by_name, depend)),
        slices=tuple(
            _slice(by, value, part, depend)
            for by in get_args(By)
            for value in _values(counted, by)
            for name in names
            if (part := [row for row in by_name[name] if getattr(row, by) == value])
        ),
        misses=tuple(
            sorted(
                (r for r in counted if r.kind != "reference" and r.is_settled_since(as_of) and r.surprise > MISSED),
                key=lambda row: (-row.surprise, row.question, row.forecaster),
            )
        ),
        questions=len({row.question for row in counted}),
        void=_void(kept),
        late=len(answered) - len(counted),
        waiting=waiting,
        overdue=overdue,
    )


def _check(rows: Sequence[TrackRow]) -> None:
    for row in rows:
        if not 0.0 <= row.probability <= 1.0:
            wrong = f"{row.forecaster} gives question {row.question} a probability of {row.probability}"
            raise OptionError(f"{wrong}; give one from 0 to 1")
        if row.answer not in ANSWERS:
            wrong = f"question {row.question} has the answer {show(row.answer)}"
            raise OptionError(f"{wrong}; give one of {', '.join(ANSWERS)}")
    twice = [pair for pair, n in Counter((row.question, row.forecaster) for row in rows).items() if n > 1]
    if twice:
        question, forecaster = twice[0]
        raise OptionError(f"{shorten(forecaster)} has two forecasts for question {question}; give the one that counts")


def _void(rows: Sequence[TrackRow]) -> int:
    return len({row.question for row in rows if row.answer == VOID})


def _in_order(rows: Sequence[TrackRow]) -> list[str]:
    """Forecasters: the model, people, crowds, references."""
    kinds = {row.forecaster: row.kind for row in rows}
    usual = forecaster_names()
    return sorted(
        kinds,
        key=lambda name: (KINDS.index(kinds[name]), usual.index(name) if name in usual else len(usual), name),
    )


def _values(rows: Sequence[TrackRow], by: By) -> list[str]:
    found = {getattr(row, by) for row in rows} - {""}
    lengths = [*(name for _, name in HORIZONS), LONGER]
    return sorted(found, key=lengths.index) if by == "horizon" else sorted(found)


def _arrays(rows: Sequence[TrackRow], disputed: bool = True) -> tuple[Floats, Floats]:
    """Outcomes, with disputed ones as having come or not, and forecasts: (rows,) each."""
    came = (YES, IN_DISPUTE) if disputed else (YES,)
    outcome = np.array([float(row.answer in came) for row in rows])
    return outcome, np.array([row.probability for row in rows], dtype=float)


def _range(rows: Sequence[TrackRow], score: Callable[[Floats, Floats], Floats]) -> tuple[float, float] | None:
    """The lowest and the highest mean score, whichever way each disputed question is decided."""
    if all(row.answer != IN_DISPUTE for row in rows):
        return None
    ways = np.stack([score(*_arrays(rows, disputed)) for disputed in (True, False)])
    return float(ways.min(axis=0).mean()), float(ways.max(axis=0).mean())


def _measured(values: Floats, drawn: Drawn, least: float, most: float) -> Measured:
    """The mean of one value for each row, with its interval within what it can be."""
    return drawn.measure(float(values.mean()), drawn.means(values), least, most)


def _record(rows: Sequence[TrackRow], depend: Dependence, seed: int) -> ForecasterRecord:
    outcome, forecast = _arrays(rows)
    name = rows[0].forecaster
    drawn = depend.of(rows)
    return ForecasterRecord(
        forecaster=name,
        kind=rows[0].kind,
        questions=len(rows),
        events=int(outcome.sum()),
        disputed=sum(row.answer == IN_DISPUTE for row in rows),
        brier=_measured(brier_scores(outcome, forecast), drawn, 0.0, 1.0),
        log_score=_measured(log_scores(outcome, forecast), drawn, 0.0, math.inf),
        mean_forecast=float(forecast.mean()),
        bias=_measured(forecast - outcome, drawn, -1.0, 1.0),
        brier_range=_range(rows, brier_scores),
        log_range=_range(rows, log_scores),
        bias_range=_range(rows, lambda came, said: said - came),
        reliability=reliability_diagram(outcome, forecast, generator(seed, "track", name)),
        clusters=drawn.counts.shape[1],
    )


def _slice(by: By, value: str, rows: Sequence[TrackRow], depend: Dependence) -> TrackSlice:
    outcome, forecast = _arrays(rows)
    drawn = depend.of(rows)
    brier = _measured(brier_scores(outcome, forecast), drawn, 0.0, 1.0)
    bias = _measured(forecast - outcome, drawn, -1.0, 1.0)
    return TrackSlice(by, value, rows[0].forecaster, len(rows), int(outcome.sum()), brier, bias)


def _pairs(by_name: dict[str, list[TrackRow]], depend: Dependence) -> Iterable[Paired]:
    """Everybody against every reference, and people and crowds against the model."""
    for name, rows in by_name.items():
        for other, others in by_name.items():
            rival = others[0].kind == "reference" or other == MODEL
            if name == other or not rival or rows[0].kind == "reference":
                continue
            theirs = {row.question: row for row in others}
            shared = [row for row in rows if row.question in theirs]
            if shared:
                yield _paired(shared, [theirs[row.question] for row in shared], depend)


def _paired(rows: Sequence[TrackRow], others: Sequence[TrackRow], depend: Dependence) -> Paired:
    drawn = depend.of(rows)
    outcome, forecast = _arrays(rows)
    said = _arrays(others)[1]
    name, other = rows[0].forecaster, others[0].forecaster
    own, theirs = brier_scores(outcome, forecast), brier_scores(outcome, said)
    scores = {name: own, other: theirs}
    resampled = {each: drawn.means(values) for each, values in scores.items()}
    with np.errstate(invalid="ignore"):
        # Two forecasts that were as sure and as wrong differ by no number.
        logs = log_scores(outcome, forecast) - log_scores(outcome, said)
    finite = bool(np.isfinite(logs).all())
    nan = Measured(float("nan"), float("nan"), float("nan"))
    return Paired(
        forecaster=name,
        against=other,
        questions=len(rows),
        difference=_measured(own - theirs, drawn, -1.0, 1.0),
        log_difference=_measured(logs, drawn, -math.inf, math.inf) if finite else nan,
        skill=_skill(scores, resampled, name, other, drawn),
        difference_range=_range(rows, lambda came, mine: brier_scores(came, mine) - brier_scores(came, said)),
        more=more_to_tell(own - theirs, drawn),
    )


def _skill(
    scores: dict[str, Floats], resampled: dict[str, Floats], name: str, other: str, drawn: Drawn
) -> Measured | None:
    """Skill of one against the other, None where that one is without error."""
    mine, theirs = float(scores[name].mean()), float(scores[other].mean())
    if theirs == 0.0:
        return None
    replicates = skill_score(resampled[name], resampled[other])
    return drawn.measure(float(skill_score(mine, theirs)), replicates, most=1.0)
