"""Which value a quantity would have to have for a number to fall into another band."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from riskcast.challenge.regression import Regression, normal_scores
from riskcast.challenge.target_draws import TargetDraws
from riskcast.machinery.array_types import Floats

# From one end of what is believed to the other, 98 % of it: beyond, nothing was drawn to regress on.
REACH: Final = NormalDist().inv_cdf(0.99)
POINTS: Final = 201


@dataclass(frozen=True)
class Turn:
    """From which value of a quantity on a number would be in another band: `above` or below it.

    band: that band, or estimative word; chance: how probable such a value is by what is believed now.
    """

    value: float
    above: bool
    band: str
    chance: float


@dataclass(frozen=True)
class Response:
    """What one would tell of a number, did one know that a quantity is at a low or a high end of its 90 % interval."""

    low: float
    high: float


def respond_to(
    drawn: TargetDraws, found: Regression, place: int, kept: float, values: Floats
) -> tuple[Response, tuple[Turn, ...]]:
    """What one would tell at both ends of what is believed of a quantity, and where bands turn on the way from its
    median to either end, by more than the number's Monte Carlo error; the nearest turn on each side.

    place: of the number among those of the regression; kept: how much of the regression is no noise; values: (draws,
    columns) of the quantity, which all have one value.
    """
    scores = np.linspace(-REACH, REACH, POINTS)
    points = _scores_at(values, scores)
    told = drawn.estimate.mean + kept * (found.at(points)[:, place] - found.fitted[:, place].mean())
    ends = np.interp((-NormalDist().inv_cdf(0.95), NormalDist().inv_cdf(0.95)), scores, told)
    steps, left, middle = drawn.step(told), drawn.leaves(told), POINTS // 2
    turns = []
    # A quantity at its median need not give the number as it stands: turns are looked for where it does.
    if not left[middle]:
        for above, way in ((False, range(middle, -1, -1)), (True, range(middle, POINTS))):
            first = next((point for point in way if left[point]), None)
            if first is not None:
                score = float(scores[first])
                tail = NormalDist().cdf(-score if above else score)
                turns.append(Turn(_value_at(values, score), above, drawn.names[int(steps[first])], tail))
    return Response(float(ends[0]), float(ends[1])), tuple(turns)


def _scores_at(values: Floats, scores: Floats) -> Floats:
    """At which normal score of its own each column lies, where all have the value that lies at a score of all of them
    pooled: (points, columns)."""
    if values.shape[1] == 1:
        return scores[:, None]
    at = [_value_at(values, score) for score in scores.tolist()]
    own = normal_scores(values)
    return np.stack([np.interp(at, np.sort(v), np.sort(s)) for v, s in zip(values.T, own.T, strict=True)], axis=1)


def _value_at(values: Floats, score: float) -> float:
    """A quantity's value at a normal score, over all its columns."""
    pooled = np.sort(values.ravel())
    return float(np.interp(score, np.sort(normal_scores(pooled[:, None])[:, 0]), pooled))
