"""What a number is expected to be, once some of what is believed is known: regression on posterior draws.

E[number | beliefs] is the value that one would tell, did one know the beliefs exactly; its spread over draws is what
knowing them is worth. It is regressed on polynomials of the beliefs' normal scores, of the degree that generalised
cross-validation chooses, after Strong, Oakley and Brennan, Estimating multiparameter partial expected value of perfect
information from a probabilistic sensitivity analysis sample: a nonparametric regression approach, Medical Decision
Making 34, 2014; Heath, Manolopoulou and Baio, A review of methods for analysis of the expected value of information,
Medical Decision Making 37, 2017.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from statistics import NormalDist

import numpy as np

from riskcast.machinery.array_types import Floats

# Of so many draws for each column of a basis; with fewer, what is fitted is noise.
DRAWS_PER_COLUMN = 8
MOST_DEGREE = 3
# Fewer draws than these for each belief leave nothing to tell what it does from noise.
LEAST_DRAWS_PER_BELIEF = 2


@lru_cache(maxsize=8)
def _quantiles(draws: int) -> Floats:
    normal = NormalDist()
    return np.array([normal.inv_cdf((place + 0.5) / draws) for place in range(draws)])


def normal_scores(values: Floats) -> Floats:
    """Each column's ranks as standard normal quantiles, equal values at their mean: (draws, columns).

    >>> normal_scores(np.array([[3.0], [1.0], [2.0], [2.0]])).round(2).ravel().tolist()
    [1.15, -1.15, 0.0, 0.0]
    """
    out = np.empty(values.shape)
    quantiles = _quantiles(len(values))
    for column, own in enumerate(values.T):
        _, place, count = np.unique(own, return_inverse=True, return_counts=True)
        ends = np.cumsum(count)
        sums = np.concatenate([[0.0], np.cumsum(quantiles)])
        out[:, column] = ((sums[ends] - sums[ends - count]) / count)[place]
    return out


@dataclass(frozen=True)
class Shape:
    """Which polynomials a regression uses: of each column up to a degree, and products of every two columns."""

    degree: int
    products: bool = False

    def columns(self, scores: Floats) -> Floats:
        """The polynomials at normal scores, (draws, columns): 1, then Hermite's x, x^2 - 1, x^3 - 3x of each."""
        powers = [np.ones((len(scores), 1)), scores, scores**2 - 1.0, scores**3 - 3.0 * scores]
        parts = powers[: 1 + self.degree]
        if self.products:
            parts += [
                (scores[:, one] * scores[:, two])[:, None] for one, two in combinations(range(scores.shape[1]), 2)
            ]
        return np.concatenate(parts, axis=1)

    def size(self, columns: int) -> int:
        """How many polynomials there are of so many columns."""
        return 1 + self.degree * columns + (columns * (columns - 1) // 2 if self.products else 0)


@dataclass(frozen=True)
class Regression:
    """Some numbers regressed on beliefs.

    shape, basis: of polynomials, (draws, polynomials); gram: their products, (polynomials, polynomials); weights:
    (polynomials, numbers).
    """

    shape: Shape
    basis: Floats
    gram: Floats
    weights: Floats

    @cached_property
    def fitted(self) -> Floats:
        """The fitted numbers: (draws, numbers)."""
        return self.basis @ self.weights

    @property
    def freedom(self) -> int:
        """How many polynomials there are beside the constant."""
        return self.basis.shape[1] - 1

    def at(self, scores: Floats) -> Floats:
        """Fitted numbers at other normal scores of the beliefs, (points, columns): (points, numbers)."""
        return self.shape.columns(scores) @ self.weights

    def without(self, numbers: Floats, left_out: slice) -> Regression:
        """The same regression on all draws but some."""
        own = self.basis[left_out]
        basis, kept = (
            np.concatenate([part[: left_out.start], part[left_out.stop :]]) for part in (self.basis, numbers)
        )
        return _regress(self.shape, basis, kept, self.gram - own.T @ own)


def draws_needed(columns: int) -> int:
    """How many draws a regression on so many columns of beliefs takes at least: straight lines through half as many
    points as there are to tell them from noise.

    >>> draws_needed(50)
    100
    """
    return LEAST_DRAWS_PER_BELIEF * columns


def shapes(draws: int, columns: int) -> Iterator[Shape]:
    """The shapes that so many draws can tell apart: from straight lines to curves, and what beliefs do together.

    >>> [(shape.degree, shape.products) for shape in shapes(1000, 1)]
    [(1, False), (2, False), (3, False)]
    """
    offered = [Shape(degree) for degree in range(1, MOST_DEGREE + 1)]
    if columns > 1:
        offered += [Shape(2, products=True), Shape(3, products=True)]
    found = [shape for shape in offered if DRAWS_PER_COLUMN * shape.size(columns) <= draws]
    yield from found or [Shape(1)]


def regress(numbers: Floats, scores: Floats, judged: int) -> Regression:
    """Numbers, (draws, numbers), regressed on beliefs at normal scores, (draws, columns).

    The shape is the one of which generalised cross-validation, n RSS / (n - m)^2, is least: the sum of its logarithms
    over the first `judged` numbers.

    >>> rng = np.random.default_rng(1)
    >>> x = normal_scores(rng.normal(size=(500, 1)))
    >>> found = regress(2.0 * x + 0.1 * rng.normal(size=(500, 1)), x, 1)
    >>> found.at(np.array([[1.0], [-0.5]])).round(1).tolist()
    [[2.0], [-1.0]]
    """
    best, least = None, np.inf
    for shape in shapes(len(scores), scores.shape[1]):
        basis = shape.columns(scores)
        found = _regress(shape, basis, numbers, basis.T @ basis)
        rest = np.square(numbers[:, :judged] - found.fitted[:, :judged]).sum(axis=0)
        worth = float(np.log(np.maximum(rest, 1e-300)).sum()) - 2.0 * judged * np.log(len(scores) - found.freedom - 1.0)
        if best is None or worth < least:
            best, least = found, worth
    assert best is not None
    return best


def _regress(shape: Shape, basis: Floats, numbers: Floats, gram: Floats) -> Regression:
    # Beliefs that are alike in all draws leave a matrix of less than full rank.
    held = gram + np.eye(len(gram)) * (1e-9 * len(basis))
    return Regression(shape, basis, gram, np.linalg.solve(held, basis.T @ numbers))
