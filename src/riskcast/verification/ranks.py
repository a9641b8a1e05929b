"""Whether ranks are uniform: histograms and ECDFs with simultaneous bands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator

LEVEL, ECDF_STEPS, DIGITS = 0.95, 50, 10
MOST_BINS, FEWEST_BINS, RANKS_PER_BIN = 20, 4, 10
# One less than a multiple of 20, so that a p-value of 5 % lies exactly on the edge of the band.
SIMULATED = 3999


@dataclass(frozen=True)
class EcdfDifference:
    """Share of ranks up to a point, less the point: near 0 for uniform ranks. More powerful than bins against
    posteriors that are shifted, too wide or too narrow.

    points, difference, low, high: (points,); low, high: simultaneous band at the histogram's level; p_value: of
    uniformity, by the statistic that the band is made of.
    """

    points: Floats
    difference: Floats
    low: Floats
    high: Floats
    p_value: float

    @property
    def inside(self) -> bool:
        """Whether the difference stays within the simultaneous band."""
        return bool(((self.difference >= self.low) & (self.difference <= self.high)).all())

    @property
    def largest(self) -> float:
        """The largest difference in absolute value: how far a stated probability may be off."""
        return float(np.abs(self.difference).max())


@dataclass(frozen=True)
class RankHistogram:
    """Ranks of the truth among posterior draws for one block of parameters, over all records.

    ranks: between 0 and 1, (ranks,); counts (bins,); low, high (bins,): simultaneous band at `level` for uniform ranks;
    inside: whether every bin lies in the band; p_value: of uniformity, by the statistic that the band is made of.
    """

    block: str
    label: str
    ranks: Floats
    counts: Ints
    low: Ints
    high: Ints
    level: float
    p_value: float
    ecdf: EcdfDifference

    @property
    def inside(self) -> bool:
        """Whether every bin lies within the simultaneous band."""
        return bool(((self.counts >= self.low) & (self.counts <= self.high)).all())

    @property
    def joint_p_value(self) -> float:
        """P-value of bins and ECDF together: twice the smaller one, at most 1 (Bonferroni)."""
        return min(1.0, 2.0 * min(self.p_value, self.ecdf.p_value))

    def summary(self) -> dict[str, Any]:
        """What the two tests of uniformity say, as plain data."""
        return {
            "block": self.block,
            "label": self.label,
            "ranks": len(self.ranks),
            "p_value": self.p_value,
            "inside": self.inside,
            "ecdf_p_value": self.ecdf.p_value,
            "ecdf_inside": self.ecdf.inside,
            "largest_difference": round(self.ecdf.largest, DIGITS),
            "joint_p_value": self.joint_p_value,
        }


@dataclass(frozen=True)
class _UniformLaw:
    """What counts of uniform ranks do: tails (points, ranks + 1), the smaller tail probability of every count at every
    point; smallest: that of the least likely point in simulated samples, sorted; limit: one that 95 % of them reach."""

    tails: Floats
    smallest: Floats
    limit: float

    def p_value(self, counts: Ints) -> float:
        least = self.tails[np.arange(len(self.tails)), counts].min()
        return (1 + int(np.searchsorted(self.smallest, least, side="right"))) / (1 + len(self.smallest))

    def band(self) -> tuple[Ints, Ints]:
        within = self.tails >= self.limit
        return within.argmax(axis=1), within.shape[1] - 1 - within[:, ::-1].argmax(axis=1)


@lru_cache(maxsize=32)
def _uniform_law(ranks: int, cells: int, cumulative: bool) -> _UniformLaw:
    chances = np.arange(1, cells) / cells if cumulative else np.full(cells, 1.0 / cells)
    k = np.arange(ranks + 1)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(k[1:]))])
    ways = factorials[-1] - factorials - factorials[::-1]
    mass = np.exp(ways + k * np.log(chances)[:, None] + (ranks - k) * np.log1p(-chances)[:, None])
    tails = np.minimum(mass.cumsum(axis=1), mass[:, ::-1].cumsum(axis=1)[:, ::-1])
    counts = generator(0, "uniform ranks", ranks, cells).multinomial(ranks, np.full(cells, 1.0 / cells), SIMULATED)
    counts = counts.cumsum(axis=1)[:, :-1] if cumulative else counts
    smallest = np.sort(tails[np.arange(len(tails)), counts].min(axis=1))
    return _UniformLaw(tails, smallest, float(smallest[round((1.0 - LEVEL) * (SIMULATED + 1)) - 1]))


def rank_histogram(block: str, label: str, ranks: Floats) -> RankHistogram:
    """The histogram and the ECDF of ranks, with simultaneous 95 % bands for independent uniform ranks.

    The band of a bin (of the ECDF at a point) holds the counts whose smaller binomial tail probability is at least g;
    g is so chosen by simulation that all bins (points) lie within for 95 % of uniform samples. The p-value is the share
    of uniform samples whose least likely bin (point) is no more likely. About ten ranks or more fall into each bin.

    Parameters: ranks between 0 and 1, (ranks,). Source: Säilynoja, Bürkner and Vehtari, Graphical test for discrete
    uniformity and its applications in goodness-of-fit evaluation and multiple sample comparison, 2022.

    >>> even = rank_histogram("base_rate", "Base rate", (np.arange(200) + 0.5) / 200)
    >>> even.inside, even.ecdf.inside, even.counts.tolist() == [10] * 20
    (True, True, True)
    >>> rank_histogram("base_rate", "Base rate", (np.arange(200) + 0.5) / 400).ecdf.p_value
    0.00025
    """
    number, bins = len(ranks), min(MOST_BINS, max(FEWEST_BINS, len(ranks) // RANKS_PER_BIN))
    law, ecdf_law = _uniform_law(number, bins, cumulative=False), _uniform_law(number, ECDF_STEPS, cumulative=True)
    counts = np.histogram(ranks, bins, (0.0, 1.0))[0].astype(np.int64)
    upto = np.histogram(ranks, ECDF_STEPS, (0.0, 1.0))[0].astype(np.int64).cumsum()[:-1]
    points = np.arange(1, ECDF_STEPS) / ECDF_STEPS
    difference, lowest, highest = (counted / number - points for counted in (upto, *ecdf_law.band()))
    ecdf = EcdfDifference(points, difference, lowest, highest, ecdf_law.p_value(upto))
    return RankHistogram(block, label, ranks, counts, *law.band(), LEVEL, law.p_value(counts), ecdf)
