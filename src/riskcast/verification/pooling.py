"""How much an outside forecaster's numbers are to weigh beside the model's, learned from answered questions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Bools, Floats
from riskcast.verification.forecasters import MODEL
from riskcast.verification.track_rows import NO, YES, TrackRecord, TrackRow

# Chances are taken to be no nearer to 0 and 1: one sure miss would decide all.
NEAREST = 0.005
# A weight below 1.64 of its standard errors is taken for chance: one of twenty noise sources is given any.
PENALTY = 1.645**2
STEPS = 60
# So many questions' worth of equal weights: a handful of answers says little of who is right.
EVEN = 10.0
MOST_ROUNDS = 10_000


@dataclass(frozen=True)
class Earned:
    """Weights of forecasters among themselves: in their order, 1 in all; questions: how many they rest on, as they
    count; even: how many questions' worth of equal weights count beside them."""

    weights: tuple[float, ...]
    questions: int
    even: float


@dataclass(frozen=True)
class PoolWeight:
    """How much an outside forecaster weighs in the log-linear pool with the model.

    weight: what it has earned, 0 to 1; best: what would have been best on these questions; gain: nats of log score that
    the earned weight would have added in all; questions: how many were answered, as they count.
    """

    weight: float
    best: float
    gain: float
    questions: int


def pool_weight(model: Floats, outside: Floats, came: Bools, blocks: Sequence[Hashable] | None = None) -> PoolWeight:
    """The weight w of an outside forecaster in p ∝ model^(1 - w) outside^w, by penalised log score.

    model, outside: (questions,) probabilities; came: (questions,) answers; blocks: questions that hang together, which
    count as one by their mean. The log score L(w) of the pool is concave on the scale of log odds. With w* its best on
    [0, 1], the weight maximises L(w) - 2.7 w / w* (the adaptive lasso; Zou, 2006): about w* (1 - 2.7 / z^2), z being w*
    in standard errors, so that what chance could have done earns nothing, noise goes to 0, and one who knows the
    answers to 1. Raises OptionError for arrays of other sizes, or probabilities outside 0 to 1.

    >>> knows = pool_weight(np.full(40, 0.5), np.tile([0.99, 0.01], 20), np.tile([True, False], 20))
    >>> knows.weight > 0.9, pool_weight(np.array([0.5]), np.array([0.6]), np.array([True])).weight
    (True, 0.0)
    """
    sizes = {len(model), len(outside), len(came), len(model) if blocks is None else len(blocks)}
    if len(sizes) > 1:
        raise OptionError(f"probabilities and answers differ in number ({sorted(sizes)}); give one of each")
    if not all(((p >= 0.0) & (p <= 1.0)).all() for p in (model, outside)):
        raise OptionError("a probability lies outside 0 to 1; give probabilities")
    if not len(model):
        return PoolWeight(0.0, 0.0, 0.0, 0)
    counts, count = _shares(blocks, len(model))
    own, other = (_log_odds(each) for each in (model, outside))
    step, answer = other - own, np.asarray(came, dtype=float)

    def slope(weight: float) -> float:
        """dL / dw."""
        return float(counts @ ((answer - 1.0 / (1.0 + np.exp(-(own + weight * step)))) * step))

    def score(weight: float) -> float:
        return -float(counts @ np.logaddexp(0.0, np.where(answer > 0.0, -1.0, 1.0) * (own + weight * step)))

    best = _root(slope)
    if best == 0.0:
        return PoolWeight(0.0, 0.0, 0.0, count)
    weight = _root(lambda each: slope(each) - PENALTY / best)
    return PoolWeight(weight, best, score(weight) - score(0.0), count)


def earned_weights(track: TrackRecord, day: dt.date | None = None) -> dict[str, PoolWeight]:
    """By forecaster other than the model and its references: the weight that its answered questions have earned.

    Only questions that both answered in time count, and answers that were told by `day`, where it is given. The same
    outcome of one unit in windows that end in the same month is one question, however often it was put.
    """
    answered = [row for row in track.rows if row.answer in (YES, NO) and not row.late and _is_told(row, day)]
    own = {row.question: row.probability for row in answered if row.forecaster == MODEL}
    found = {}
    for name in dict.fromkeys(row.forecaster for row in answered if row.kind in ("person", "crowd")):
        rows = [row for row in answered if row.forecaster == name and row.question in own]
        found[name] = pool_weight(
            np.array([own[row.question] for row in rows], dtype=float),
            np.array([row.probability for row in rows], dtype=float),
            np.array([row.answer == YES for row in rows], dtype=bool),
            [_block(row) for row in rows],
        )
    return found


def weights_among(chances: Floats, blocks: Sequence[Hashable] | None = None, even: float = EVEN) -> Earned:
    """Weights w of k forecasters in the linear pool sum of w q that would have told best what came.

    chances: (forecasters, questions), what each gave to the answer that came; blocks as for `pool_weight`. The weights
    maximise the sum over questions of log(sum of w q) + (even / k) sum of log w, which is concave: with few answers
    they stay near 1 / k, as if `even` questions had told nothing apart. By expectation and maximisation (Dempster,
    Laird and Rubin, 1977).

    >>> told = weights_among(np.array([[0.9] * 40, [0.5] * 40]))
    >>> told.weights[0] > 0.75, weights_among(np.array([[0.9, 0.8], [0.9, 0.8]])).weights
    (True, (0.5, 0.5))
    """
    count = len(chances)
    counts, questions = _shares(blocks, chances.shape[1])
    said = np.clip(chances, NEAREST, 1.0 - NEAREST)
    weights = np.full(count, 1.0 / count)
    for _ in range(MOST_ROUNDS):
        part = weights[:, None] * said
        found = (part / part.sum(axis=0)) @ counts + even / count
        found /= found.sum()
        if np.abs(found - weights).max() < 1e-12:
            break
        weights = found
    return Earned(tuple(found.tolist()), questions, even)


def earned_among(track: TrackRecord, names: Sequence[str], day: dt.date | None = None) -> Earned:
    """What answered questions make of forecasters among themselves, by `weights_among`.

    Only questions that all of them answered in time count, and answers that were told by `day`, where it is given.
    Raises OptionError where there is none, with how many each has.
    """
    answered = [row for row in track.rows if row.answer in (YES, NO) and not row.late and _is_told(row, day)]
    said = {name: {row.question: row for row in answered if row.forecaster == name} for name in names}
    common = [question for question in said[names[0]] if all(question in own for own in said.values())]
    if not common:
        each = ", ".join(f"{name} {len(own)}" for name, own in said.items())
        by = "" if day is None else f" by {day}"
        wrong = f"the experts have no answered question in common{by} (answered in time: {each})"
        raise OptionError(f"{wrong}; register their forecasts of the same questions, or take other weights")
    rows = [[own[question] for question in common] for own in said.values()]
    chances = [[row.probability if row.answer == YES else 1.0 - row.probability for row in own] for own in rows]
    return weights_among(np.array(chances, dtype=float), [_block(row) for row in rows[0]])


def _block(row: TrackRow) -> Hashable:
    """Windows that end in the same month hold one question about an outcome of a unit."""
    return row.host, row.unit, row.outcome, row.window[1].year, row.window[1].month


def _is_told(row: TrackRow, day: dt.date | None) -> bool:
    return day is None or (row.told is not None and row.told <= day)


def _log_odds(chances: Floats) -> Floats:
    held = np.clip(chances, NEAREST, 1.0 - NEAREST)
    return np.log(held) - np.log1p(-held)


def _shares(blocks: Sequence[Hashable] | None, questions: int) -> tuple[Floats, int]:
    """How much each question counts, and how many there are as they count."""
    if blocks is None:
        return np.ones(questions), questions
    named = {block: place for place, block in enumerate(dict.fromkeys(blocks))}
    places = np.array([named[block] for block in blocks])
    return 1.0 / np.bincount(places)[places], len(named)


def _root(falls: Callable[[float], float]) -> float:
    """Where a falling function is 0 on [0, 1]; the nearer end where it is nowhere."""
    if falls(0.0) <= 0.0:
        return 0.0
    if falls(1.0) >= 0.0:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if falls(middle) > 0.0 else (low, middle)
    return (low + high) / 2.0
