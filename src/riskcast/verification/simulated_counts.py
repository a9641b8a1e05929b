"""A simulated year ahead held against the record: how often each event type comes, and how often it came."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from riskcast.case.model import Case
from riskcast.engines.fitting import fit
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.counts import count_events
from riskcast.machinery.array_types import Floats
from riskcast.numbers import between, factor_text, figure, number
from riskcast.record.arrays import Record

DRAWS, PATHS = 1000, 2
LATELY_YEARS: Final = 5
# A difference that is told: so many times as many a year, and so many of them.
MOST_TIMES: Final = 2.0
LEAST_EXCESS: Final = 1.0
AS_RECORDED, MORE, FEWER, BEYOND = "as recorded", "more", "fewer", "more than ever"


@dataclass(frozen=True)
class SimulatedCount:
    """In how many periods and units a year ahead holds a recorded event of a type, against the record's years.

    mean, low, high: of simulated years, the last two their 5 and 95 % points; a_year, lately: recorded ones a year,
    over the whole record and over its last five years, at today's recall and for as many units as today's, not a number
    where nothing was searched; most: in the calendar year of the record with most of them.
    """

    event: str
    label: str
    mean: float
    low: float
    high: float
    a_year: float
    lately: float
    most: int

    @property
    def recorded(self) -> float:
        """What the year ahead is held against: what came a year of late or over the whole record, if that is more."""
        return float(np.fmax(self.a_year, self.lately))

    @property
    def verdict(self) -> str:
        """How the year ahead compares with the record's, in a word or two."""
        if math.isnan(self.recorded):
            return ""
        if self.low > self.most:
            return BEYOND
        over, under = self.mean - self.recorded, self.recorded - self.mean
        if over >= LEAST_EXCESS and self.mean > MOST_TIMES * self.recorded:
            return MORE if self.recorded == 0.0 else f"{factor_text(self.mean / self.recorded)} times as many"
        if under >= LEAST_EXCESS and self.recorded > MOST_TIMES * self.mean:
            return FEWER
        return AS_RECORDED

    def told(self, unit: str) -> str:
        """In a sentence; `unit`: what is counted, such as unit-months.

        >>> SimulatedCount("a", "Advisory", 13.2, 1.0, 39.0, 0.16, 0.6, 2).told("unit-months")
        'Advisory: 13.2 unit-months ahead (1–39), the record has 0.16 a year and 0.6 of late: 22 times as many.'
        """
        lately = "" if math.isnan(self.lately) else f" and {figure(self.lately, 2)} of late"
        a_year = "is silent" if math.isnan(self.a_year) else f"has {figure(self.a_year, 2)} a year{lately}"
        verdict = f": {self.verdict}" if self.verdict else ""
        ahead = f"{number(self.mean, 1)} {unit} ahead ({between(self)})"
        return f"{self.label}: {ahead}, the record {a_year}{verdict}."


def simulated_year(posterior: Posterior, paths: int = PATHS, seed: int | None = None) -> tuple[SimulatedCount, ...]:
    """Recorded events of each type in simulated years ahead, under the baseline, against those of the record.

    A count is of periods and units that hold at least one, as in the record. Rates of the record are events by the
    exposure that is behind them: n / sum over units and periods of (exposure / today's recall), times today's units.

    >>> from riskcast import fit, load_case
    >>> found = simulated_year(fit(load_case("central_asia_2024"), draws=200))
    >>> len(found) == len(load_case("central_asia_2024").events)
    True
    """
    case, record = posterior.case, posterior.record
    ahead = count_events(posterior, None, max(1, round(case.periods_per_year)), paths=paths, seed=seed)
    return tuple(_against(case, record, event, ahead.recorded[event]) for event in case.events)


def simulate_counts(case: Case, seed: int = 1) -> tuple[tuple[SimulatedCount, ...], tuple[str, ...]]:
    """`simulated_year` of a case that is fitted for them, and which checks its posterior failed."""
    posterior = fit(case, draws=DRAWS, seed=seed, allow_unreliable=True)
    return simulated_year(posterior), posterior.diagnostics.failures


def _against(case: Case, record: Record, event: str, ahead: Floats) -> SimulatedCount:
    counted, share = record.counted[event], record.exposure[event] / record.recall[event]
    units = int(record.present.sum()) if case.events[event].scope == "dyad" else 1
    lately = slice(-round(LATELY_YEARS * case.periods_per_year), None)

    def a_year(part: slice) -> float:
        exposed = float(share[part].sum())
        return float(counted[part].sum()) * units * case.periods_per_year / exposed if exposed > 0.0 else math.nan

    by_year = np.bincount(record.years - record.years[0], weights=counted.sum(axis=1))
    low, high = np.quantile(ahead, [0.05, 0.95]).tolist()
    label = case.events[event].label
    return SimulatedCount(
        event, label, float(ahead.mean()), low, high, a_year(slice(None)), a_year(lately), int(by_year.max(initial=0))
    )
