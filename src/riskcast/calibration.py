"""Simulation-based calibration of a case: do posteriors of records drawn from its priors hold the truth as often as
they say?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskcast.case import Case
from riskcast.hazard import Floats


@dataclass(frozen=True)
class RankHistogram:
    """Ranks of the truth among posterior draws for one block of parameters, over all records.

    counts (bins,); low, high (bins,): simultaneous band at `level` for uniform ranks; inside: whether every bin lies in
    the band; p_value: of uniformity, by the statistic that the band is made of.
    """

    block: str
    label: str
    ranks: Floats
    counts: Floats
    low: Floats
    high: Floats
    level: float
    p_value: float

    @property
    def inside(self) -> bool:
        """Whether every bin lies within the simultaneous band."""
        return bool(((self.counts >= self.low) & (self.counts <= self.high)).all())


@dataclass(frozen=True)
class Calibration:
    """Rank histograms by block (such as `demarche.base_rate`, `demarche.effects`, `demarche.dyad_effects`)."""

    case: Case
    records: int
    draws: int
    seed: int
    histograms: Mapping[str, RankHistogram]
    unreliable: int
