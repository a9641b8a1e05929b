"""Where dyads stand among one another: the chance of having the highest score, and the expected rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.forecasting.blocks import BASIS_CELLS
from riskcast.forecasting.estimates import given_parameters, span
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import generator


@dataclass(frozen=True)
class Standing:
    """A dyad's place among all dyads by score, over what is not known of the parameters.

    first: probability that no other score is higher; expected: mean rank, 1 for the highest score.
    """

    first: float
    expected: float


def score_draws(ahead: Forecast) -> Floats:
    """Each draw's score, (draws, dyads), without the chance of its few paths, about the headline score.

    Draws are those that intervals are quantiles of (`given_parameters`), moved so that their mean is the score.
    """
    size = max(1, BASIS_CELLS // (ahead.plan.draws * len(ahead.plan.events)))
    parts = []
    for begin in range(0, len(ahead.columns), size):
        block = ahead.columns[begin : begin + size]
        drawn, error, mean = ahead.score_averages(block)
        basis = span(ahead.plan.chances(block)[:, ahead.simulated.rows]) if error.any() else None
        given = given_parameters(np.ascontiguousarray(drawn.T), np.ascontiguousarray(error.T), basis).T
        parts.append(np.clip(given + (mean - given.mean(axis=0)), 0.0, 100.0))
    return np.concatenate(parts, axis=1) if parts else np.zeros((ahead.plan.draws, 0))


def find_standings(ahead: Forecast) -> Mapping[str, Standing]:
    """Every dyad's standing, by paired draws of the parameters.

    Each draw ranks all dyads. Scores are blurred by what paths leave in their means, so that chance does not put one
    of two equal dyads first; those that are equal all the same share their places. The chances of being first add up
    to 1, the expected ranks of n dyads to n (n + 1) / 2.

    >>> from riskcast import fit, forecast, load_case
    >>> found = find_standings(forecast(fit(load_case("central_asia_2024"), draws=200)))
    >>> round(sum(one.first for one in found.values()), 6), round(sum(one.expected for one in found.values()), 6)
    (1.0, 15.0)
    """
    scores = score_draws(ahead)
    _, error, _ = ahead.score_averages(ahead.columns)
    blur = np.sqrt(np.square(error, dtype=float).mean(axis=0) / len(scores))
    noise = generator(ahead.seed, "standings").standard_normal(scores.shape)
    first, expected = rank_scores(scores + blur * noise)
    return {
        dyad: Standing(*pair) for dyad, pair in zip(ahead.dyads, np.stack([first, expected], 1).tolist(), strict=True)
    }


def rank_scores(scores: Floats) -> tuple[Floats, Floats]:
    """From scores (draws, dyads): the chance of being first and the mean rank of every dyad, (dyads,) each.

    Rank 1 + higher scores + half of the other equal ones; of equal highest scores each is first in its share.

    >>> first, expected = rank_scores(np.array([[3.0, 1.0, 3.0], [1.0, 2.0, 0.0]]))
    >>> first.tolist(), expected.tolist()
    ([0.25, 0.5, 0.25], [1.75, 2.0, 2.25])
    """
    count = scores.shape[1]
    first, expected = np.zeros(count), np.zeros(count)
    for own in scores:
        ordered = np.sort(own)
        below, upto = np.searchsorted(ordered, own, "left"), np.searchsorted(ordered, own, "right")
        expected += 1.0 + (count - upto) + (upto - below - 1) / 2.0
        first += (upto == count) / (count - below)
    return first / len(scores), expected / len(scores)
