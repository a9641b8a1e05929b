"""What knowing some beliefs exactly would do to one number: its interval, its band, and what one would lose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from riskcast.challenge.loss_rules import LossRule
from riskcast.challenge.regression import Regression
from riskcast.challenge.target_draws import TargetDraws
from riskcast.machinery.array_types import Floats

BLOCKS: Final = 10
# Of numbers that are nothing, so many are told by chance.
BY_CHANCE: Final = 0.01
# A draw or two in a thousand may say that a belief explains so much of the variance.
NOTHING: Final = 0.003
# A conditional spread is at least this share of the mean one: a straight line would go below 0.
LEAST_SPREAD: Final = 0.25


@dataclass(frozen=True)
class Known:
    """A number with its Monte Carlo standard error."""

    value: float
    error: float

    @property
    def chance(self) -> float:
        """How often something that is nothing would be as large by chance: of Student's t, with one degree of freedom
        less than there are blocks behind its error."""
        from scipy.special import stdtr

        if self.error == 0.0:
            return 0.0 if self.value > 0.0 else 1.0
        return float(stdtr(BLOCKS - 1, -self.value / self.error))

    def is_told(self, least: float = 0.0) -> bool:
        """Whether it can be told apart from nothing, and is more than `least`, which sums or single draws leave of
        nothing."""
        return self.value > least and self.chance < BY_CHANCE


@dataclass(frozen=True)
class Worth:
    """What it would do to a target to know some beliefs exactly.

    narrower: by how many points its 90 % interval would be narrower on average, as its standard deviation would be;
    explained: share of the variance that is due to them; other_band: chance that band, or estimative word, would be
    another, by more than the number's own Monte Carlo error; saved: expected loss that would be saved, None without a
    rule.
    """

    narrower: Known
    explained: Known
    other_band: Known
    saved: Known | None


def _told(drawn: TargetDraws, expected: Floats, expectation: Floats, rest: Floats, rule: LossRule | None) -> Floats:
    """Worth in plain numbers, from what is expected, what one would tell, and what would remain, (draws,) each."""
    spread, width = float(expected.std()), drawn.estimate.high - drawn.estimate.low
    left = _mean_spread(expectation, rest) / spread if spread > 0.0 else 1.0
    explained = float(expectation.var()) / spread**2 if spread > 0.0 else 0.0
    another = float(drawn.leaves(expectation).mean())
    saved = [] if rule is None else [rule.saved(expectation)]
    return np.array([width * (1.0 - left), explained, another, *saved])


def _mean_spread(expectation: Floats, rest: Floats) -> float:
    """Mean standard deviation that remains, where how far it spreads goes with what is expected, in a straight line."""
    size, away = np.abs(rest), expectation - expectation.mean()
    mean, variance = float(size.mean()), float(away.var())
    if mean == 0.0:
        return 0.0
    slope = float((away * size).mean()) / variance if variance > 0.0 else 0.0
    spread = np.maximum(mean + slope * away, LEAST_SPREAD * mean)
    return float(rest.std() * spread.mean() / np.sqrt(np.square(spread).mean()))


def conditional(
    drawn: TargetDraws, found: Regression, place: int, averages: Floats, expected: Floats
) -> tuple[Floats, Floats, float]:
    """What one would tell of a target, did one know the beliefs, and what would remain, (draws,) each; and how much of
    the regression is no noise.

    place: of the target among the regression's numbers, which are all targets' averages, then what they let expect. A
    regression with m polynomials fits m times the variance of its mean's error to noise: what is fitted is drawn
    towards the mean by so much. What remains has the variance that is left of the target's own.
    """
    fitted = found.fitted[:, place]
    away = fitted - fitted.mean()
    total, noise = float(away.var()), float((averages - fitted).var())
    chance = found.freedom * noise / max(len(averages) - found.freedom - 1, 1)
    kept = float(np.sqrt(max(0.0, 1.0 - chance / total))) if total > 0.0 else 0.0
    rest = expected - found.fitted[:, found.fitted.shape[1] // 2 + place]
    left, held = max(float(expected.var()) - kept**2 * total, 0.0), float(rest.var())
    scaled = rest * np.sqrt(left / held) if held > 0.0 else rest
    return drawn.estimate.mean + kept * away, scaled - scaled.mean(), kept


def judge_all(
    drawn: Sequence[TargetDraws], found: Regression, numbers: Floats, rule: LossRule | None
) -> tuple[Floats, Floats]:
    """What knowing the beliefs of a regression is worth to every target, (targets, 3 or 4), and the same without each
    tenth of the draws in turn, (10, targets, 3 or 4)."""

    def told(fit: Regression, numbers: Floats) -> Floats:
        half = len(drawn)
        ends = (conditional(one, fit, i, numbers[:, i], numbers[:, half + i]) for i, one in enumerate(drawn))
        told = enumerate(zip(drawn, ends, strict=True))
        return np.stack([_told(one, numbers[:, half + i], *end[:2], rule) for i, (one, end) in told])

    draws = len(numbers)
    edges = [draws * block // BLOCKS for block in range(BLOCKS + 1)]
    parts = []
    for first, last in pairwise(edges):
        less = found.without(numbers, slice(first, last))
        parts.append(told(less, np.concatenate([numbers[:first], numbers[last:]])))
    return told(found, numbers), np.stack(parts)


def known(whole: Floats, parts: Floats, wider: float = 1.0) -> Worth:
    """Worth, (3 or 4,), with the errors that a jackknife over ten blocks of draws finds, (10, 3 or 4).

    `wider`: by how much, where draws count for fewer. Quenouille, Notes on bias in estimation, Biometrika 43, 1956.
    """
    errors = wider * np.sqrt((len(parts) - 1.0) / len(parts) * np.square(parts - parts.mean(axis=0)).sum(axis=0))
    found = [Known(float(value), float(error)) for value, error in zip(whole, errors, strict=True)]
    return Worth(found[0], found[1], found[2], found[3] if len(found) > 3 else None)


def mean_worth(worths: Sequence[Worth]) -> Worth:
    """The mean of what was judged apart, with the mean of the errors, which is no less than theirs would be.

    >>> one = Worth(Known(1.0, 0.1), Known(0.5, 0.1), Known(0.0, 0.0), None)
    >>> mean_worth([one, one]).narrower
    Known(value=1.0, error=0.1)
    """

    def mean(each: Sequence[Known]) -> Known:
        return Known(float(np.mean([one.value for one in each])), float(np.mean([one.error for one in each])))

    saved = [one.saved for one in worths if one.saved is not None]
    return Worth(
        mean([one.narrower for one in worths]),
        mean([one.explained for one in worths]),
        mean([one.other_band for one in worths]),
        mean(saved) if saved else None,
    )
