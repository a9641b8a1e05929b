"""Which questions hang together, how they are resampled, and how many more would tell a difference."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator
from riskcast.numbers import leaves_out_zero
from riskcast.verification.measured import Measured
from riskcast.verification.metrics import percentile_interval, resample_blocks, resample_clusters, resampled_means

# Of a 90 % interval that leaves out nought, and of a power of .8.
TOLD_BEYOND: Final = 1.6449
POWER_BEYOND: Final = 0.8416
# Of fewer groups nobody can say how much groups differ.
LEAST_INDEPENDENT: Final = 2.0


class Asked(Protocol):
    """A question with those of whom it is one, and its days."""

    @property
    def host(self) -> str:
        """Whose questions hang together."""

    @property
    def window(self) -> tuple[dt.date, dt.date]:
        """First and last day of what is asked."""


@dataclass(frozen=True)
class Drawn:
    """Rows as they are drawn again: cluster (rows,), the group of each; counts (replicates, groups); independent: as
    how many independent groups these count.

    With few of them replicates vary too little, as groups are held against a mean that they made themselves, and are
    too few to know how much they vary: with k of them deviations are stretched by sqrt(k / (k - 1)) t(k - 1) / z, the
    95 % quantiles of Student's t and of the normal (as after Cameron, Gelbach and Miller, 2008). Of fewer than two
    nothing is known.
    """

    cluster: Ints
    counts: Floats
    independent: float

    @property
    def stretch(self) -> float:
        """How much further than replicates the truth may lie.

        >>> [round(Drawn(np.zeros(1, int), np.ones((2, 1)), k).stretch, 2) for k in (2.0, 4.0, 12.0, 1000.0)]
        [5.43, 1.65, 1.14, 1.0]
        """
        from scipy.special import stdtrit

        k = self.independent
        return math.sqrt(k / (k - 1.0)) * float(stdtrit(k - 1.0, 0.95)) / TOLD_BEYOND

    def means(self, values: Floats) -> Floats:
        """The mean in every replicate of values (rows,): (replicates,)."""
        return resampled_means(values, self.cluster, self.counts)

    def measure(self, value: float, replicates: Floats, least: float = -math.inf, most: float = math.inf) -> Measured:
        """A number with the 90 % interval that its replicates leave, within what it can be."""
        if self.independent < LEAST_INDEPENDENT:
            return Measured(value, math.nan, math.nan)
        low, high = percentile_interval(replicates)
        if not math.isfinite(value):
            return Measured(value, low, high)
        low, high = (value + self.stretch * (end - value) for end in (low, high))
        return Measured(value, max(low, least), min(high, most))


@dataclass(frozen=True)
class Dependence:
    """Groups of questions, and how often each replicate draws them.

    places: number of the group by host and month in which a window begins; counts: (replicates, groups); shares:
    (groups,), as how many independent groups each counts.
    """

    places: dict[tuple[str, int], int]
    counts: Floats
    shares: Floats

    def of(self, rows: Sequence[Asked]) -> Drawn:
        """Rows as they are drawn again, in the groups that they are in."""
        groups = np.array([self.places[row.host, month_of(row.window[0])] for row in rows])
        used, cluster = np.unique(groups, return_inverse=True)
        return Drawn(cluster, self.counts[:, used], float(self.shares[used].sum()))


def month_of(day: dt.date) -> int:
    """The number of a day's month.

    >>> month_of(dt.date(2024, 5, 7)) - month_of(dt.date(2023, 12, 31))
    5
    """
    return 12 * day.year + day.month - 1


def dependence_of(rows: Iterable[Asked], replicates: int, seed: int) -> Dependence:
    """How questions are resampled so that those of one host and of windows that overlap come and go together.

    Of each host the months in which windows begin stand in a circle, and runs of as many in a row as the longest
    window reaches into are drawn (moving blocks, Künsch, 1989; as `resample_blocks`). A host that has no more months
    than that is one group, and such hosts are drawn among themselves (as `resample_clusters`).
    """
    months: dict[str, set[int]] = {}
    reach: dict[str, int] = {}
    for row in rows:
        first, last = (month_of(day) for day in row.window)
        months.setdefault(row.host, set()).add(first)
        reach[row.host] = max(reach.get(row.host, 1), 1 + last - first)
    places: dict[tuple[str, int], int] = {}
    columns: list[Floats] = []
    shares: list[float] = []
    short = sorted(host for host, own in months.items() if len(own) <= reach[host])
    for host in short:
        places |= {(host, month): short.index(host) for month in months[host]}
    if short:
        columns.append(resample_clusters(len(short), replicates, generator(seed, "track", "hosts")))
        shares += [1.0] * len(short)
    count = len(short)
    for host in sorted(set(months) - set(short)):
        ordered = sorted(months[host])
        places |= {(host, month): count + place for place, month in enumerate(ordered)}
        count += len(ordered)
        shares += [1.0 / reach[host]] * len(ordered)
        columns.append(resample_blocks(len(ordered), reach[host], replicates, generator(seed, "track", "host", host)))
    drawn = np.concatenate(columns, axis=1) if columns else np.ones((replicates, 0))
    return Dependence(places, drawn, np.array(shares))


def more_to_tell(differences: Floats, drawn: Drawn) -> int | None:
    """How many further questions like these would tell their mean difference from none, with a power of .8.

    With n questions, mean m and standard error e, from resampled groups, or that of independent questions where they
    cannot be resampled: n ((1.6449 + .8416) e / m)^2 - n, and 0 where the 90 % interval leaves out 0 already; None for
    a single question or no difference. As e comes from few groups where there are few, it is the order that counts.
    differences: (rows,).

    >>> more_to_tell(np.array([0.3, 0.1, -0.1, 0.1]), Drawn(np.zeros(4, dtype=int), np.ones((2, 1)), 1.0))
    13
    """
    number, mean = len(differences), float(differences.mean())
    if number < 2 or mean == 0.0:
        return None
    if drawn.independent >= LEAST_INDEPENDENT:
        replicates = drawn.means(differences)
        if leaves_out_zero(drawn.measure(mean, replicates)):
            return 0
        error = drawn.stretch * float(np.nanstd(replicates))
    else:
        error = float(differences.std(ddof=1)) / math.sqrt(number)
    needed = number * ((TOLD_BEYOND + POWER_BEYOND) * error / abs(mean)) ** 2
    return max(0, math.ceil(needed - number)) if math.isfinite(needed) else None
