"""Cooke's classical model: experts weighed by what they said of seed questions whose answers are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Bools, Floats

if TYPE_CHECKING:
    import pandas

# Shares of answers that are to lie below an expert's 5 % end, below the median, below the 95 % end, and above it.
SHARES: Final = np.array([0.05, 0.45, 0.45, 0.05])
LEVELS: Final = np.array([0.05, 0.5, 0.95])
OVERSHOOT: Final = 0.1
# Experts with the same shares in another order are equally calibrated, but for rounding.
TIED: Final = 1e-9
# Fewer seed questions tell next to nothing of calibration; ten or more are usual (Cooke and Goossens, 2008).
FEW_SEEDS: Final = 8


@dataclass(frozen=True)
class SeedAnswers:
    """What experts said of questions whose answers are known.

    quantiles: (experts, questions, 3), the 5, 50 and 95 % quantiles that each expert gave; answers: (questions,);
    logarithmic: (questions,), whether a question's numbers are compared in logarithms.
    """

    experts: tuple[str, ...]
    questions: tuple[str, ...]
    quantiles: Floats
    answers: Floats
    logarithmic: Bools


@dataclass(frozen=True)
class SeedScore:
    """How somebody did on seed questions: calibration, a p-value between 0 and 1; information, in nats more than a
    background that is even over all that was said; their product, and the weight, 1 in all, 0 below the cutoff."""

    name: str
    calibration: float
    information: float
    weight: float
    caught: int

    @property
    def product(self) -> float:
        """Calibration times information, which nobody can raise in the long run but by saying what they believe."""
        return self.calibration * self.information


@dataclass(frozen=True)
class ClassicalModel:
    """What seed questions make of experts: scores of each, the cutoff below which calibration earns no weight, and how
    the group would have done with these weights and with equal ones, by the same scores."""

    scores: tuple[SeedScore, ...]
    cutoff: float
    questions: int
    group: SeedScore
    equal: SeedScore

    def __repr__(self) -> str:
        told = ", ".join(f"{score.name} {score.weight:.2f}" for score in self.scores)
        return f"<ClassicalModel on {self.questions} seed questions: {told}>"

    @property
    def weights(self) -> tuple[float, ...]:
        """Of each expert, in their order; 1 in all."""
        return tuple(score.weight for score in self.scores)

    @property
    def told(self) -> tuple[str, ...]:
        """What to keep in mind."""
        if self.questions >= FEW_SEEDS:
            return ()
        return (
            f"{self.questions} seed questions tell little of calibration; {FEW_SEEDS} to 20 are usual, and fewer leave "
            "weights to chance.",
        )

    def to_frame(self) -> pandas.DataFrame:
        """One row for each expert and group: columns name, calibration, information, product, weight."""
        import pandas

        rows = [
            (s.name, s.calibration, s.information, s.product, s.weight) for s in (*self.scores, self.group, self.equal)
        ]
        return pandas.DataFrame(rows, columns=["name", "calibration", "information", "product", "weight"])


def classical_model(seeds: SeedAnswers, cutoff: float | None = None, overshoot: float = OVERSHOOT) -> ClassicalModel:
    """Weights of experts by the classical model, with global weights.

    Calibration is the chance of a worse fit than theirs, were all quantiles true: 1 - F(2 N I(s, p)), F of chi-square
    with 3 degrees of freedom, N the fewest questions, s the shares of answers between quantiles, p = (.05, .45, .45,
    .05), I = sum of s log(s / p). Information is the mean over questions of log(U - L) + sum of p log(p / width), with
    [L, U] all that was said and the answer, widened by `overshoot` of it on both sides. Weights go as calibration times
    information of those whose calibration is at least the cutoff; where None, the cutoff under which the group's own
    calibration times information is the highest, the group being the mixture of experts, even between quantiles.
    Cooke, Experts in uncertainty, 1991, chs. 8 and 12. Raises OptionError for a cutoff that leaves nobody.

    >>> sure = [[0.9, 1.0, 1.1]] * 10
    >>> wide = [[0.5, 1.0, 1.7]] * 10
    >>> said = SeedAnswers(("sure", "wide"), tuple("abcdefghij"), np.array([sure, wide]),
    ...     np.array([0.6, 0.7, 0.8, 0.95, 0.99, 1.05, 1.2, 1.3, 1.4, 1.5]), np.zeros(10, dtype=bool))
    >>> found = classical_model(said)
    >>> found.weights[1] > 0.9, found.scores[0].information > found.scores[1].information
    (True, True)
    """
    low, high, said, answers = _scaled(seeds, overshoot)
    calibration = np.array([_calibration(own, answers) for own in said])
    information = np.array([_information(own, low, high) for own in said])
    equal = np.full(len(said), 1.0 / len(said))
    best: tuple[float, Floats] | None = None
    for least in np.unique(calibration).tolist() if cutoff is None else [cutoff]:
        earned = np.where(calibration >= least * (1.0 - TIED), calibration * information, 0.0)
        if not earned.sum() > 0.0:
            continue
        weights = earned / earned.sum()
        together = _mixture(said, weights, low, high)
        product = _calibration(together, answers) * _information(together, low, high)
        if best is None or product > best[0]:
            best, chosen = (product, weights), least
    if best is None:
        highest = calibration.max()
        wrong = "no expert's calibration is above 0" if cutoff is None else f"a cutoff of {cutoff:g} leaves no expert"
        raise OptionError(f"{wrong} (the highest is {highest:.3g}); take equal weights, or a lower cutoff")
    scores = tuple(
        SeedScore(name, float(calibration[i]), float(information[i]), float(best[1][i]), _caught(said[i], answers))
        for i, name in enumerate(seeds.experts)
    )
    groups = [
        SeedScore(name, _calibration(own, answers), _information(own, low, high), 1.0, _caught(own, answers))
        for name, own in (
            ("group, earned weights", _mixture(said, best[1], low, high)),
            ("group, equal weights", _mixture(said, equal, low, high)),
        )
    ]
    return ClassicalModel(scores, float(chosen), len(answers), groups[0], groups[1])


def chi_square_tail(x: float) -> float:
    """The chance that chi-square with 3 degrees of freedom is above x: erfc(sqrt(x / 2)) + sqrt(2 x / pi) exp(-x / 2).

    >>> round(chi_square_tail(7.814727903251179), 12)
    0.05
    """
    return math.erfc(math.sqrt(x / 2.0)) + math.sqrt(2.0 * x / math.pi) * math.exp(-x / 2.0)


def _scaled(seeds: SeedAnswers, overshoot: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Both ends of each question's range, what was said and the answers, in logarithms where they are compared so."""
    logarithmic = seeds.logarithmic
    said, answers = seeds.quantiles.astype(float).copy(), seeds.answers.astype(float).copy()
    said[:, logarithmic] = np.log(said[:, logarithmic])
    answers[logarithmic] = np.log(answers[logarithmic])
    low = np.minimum(said.min(axis=(0, 2)), answers)
    high = np.maximum(said.max(axis=(0, 2)), answers)
    more = overshoot * (high - low)
    return low - more, high + more, said, answers


def _calibration(said: Floats, answers: Floats) -> float:
    """Of one expert's quantiles, (questions, 3)."""
    # An answer at a quantile lies below it.
    place = (answers[:, None] > said).sum(axis=1)
    shares = np.bincount(place, minlength=4) / len(answers)
    held = shares > 0.0
    apart = float((shares[held] * np.log(shares[held] / SHARES[held])).sum())
    return chi_square_tail(2.0 * len(answers) * max(apart, 0.0))


def _information(said: Floats, low: Floats, high: Floats) -> float:
    widths = np.diff(np.column_stack([low, said, high]), axis=1)
    return float((np.log(high - low) + (SHARES * np.log(SHARES / widths)).sum(axis=1)).mean())


def _caught(said: Floats, answers: Floats) -> int:
    """How many answers lie within the 90 % intervals."""
    return int(((said[:, 0] < answers) & (answers <= said[:, 2])).sum())


def _mixture(said: Floats, weights: Floats, low: Floats, high: Floats) -> Floats:
    """Quantiles of the mixture of experts, each even between quantiles: (questions, 3)."""
    edges = np.array([0.0, *LEVELS, 1.0])
    found = np.empty(said.shape[1:])
    for question in range(said.shape[1]):
        ends = [low[question], high[question]]
        at = np.unique(np.concatenate([said[:, question].ravel(), ends]))
        below = sum(
            weight * np.interp(at, [ends[0], *own, ends[1]], edges)
            for weight, own in zip(weights.tolist(), said[:, question], strict=True)
        )
        found[question] = np.interp(LEVELS, below, at)
    return found


def seeds_of(seeds: SeedAnswers, names: Sequence[str]) -> SeedAnswers:
    """The answers of some experts, in their order; raises OptionError for one who answered none."""
    lacking = [name for name in names if name not in seeds.experts]
    if lacking:
        raise OptionError(f"{', '.join(lacking)} answered no seed question; add the answers, or take equal weights")
    places = [seeds.experts.index(name) for name in names]
    return SeedAnswers(tuple(names), seeds.questions, seeds.quantiles[places], seeds.answers, seeds.logarithmic)
