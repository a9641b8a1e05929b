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
from riskcast.verification.metrics import percentile_interval, resample_blocks, resample_clusters, resampled_means

# Of a 90 % interval that leaves out nought, and of a power of .8.
TOLD_BEYOND: Final = 1.6449
POWER_BEYOND: Final = 0.8416


class Asked(Protocol):
    """A question with those of whom it is one, and its days."""

    @property
    def host(self) -> str:
        """Whose questions hang together."""

    @property
    def window(self) -> tuple[dt.date, dt.date]:
        """First and last day of what is asked."""


@dataclass(frozen=True)
class Dependence:
    """Groups of questions, and how often each replicate draws them.

    places: number of the group by host and month in which a window begins; counts: (replicates, groups).
    """

    places: dict[tuple[str, int], int]
    counts: Floats

    def of(self, rows: Sequence[Asked]) -> tuple[Ints, Floats]:
        """The group of every row, (rows,), and how often each replicate draws the groups that they are in.

        Rows of one group alone have one column, which says that nothing can be resampled.
        """
        groups = np.array([self.places[row.host, month_of(row.window[0])] for row in rows])
        used, cluster = np.unique(groups, return_inverse=True)
        return cluster, self.counts[:, used]


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
    short = sorted(host for host, own in months.items() if len(own) <= reach[host])
    for host in short:
        places |= {(host, month): short.index(host) for month in months[host]}
    if short:
        columns.append(resample_clusters(len(short), replicates, generator(seed, "track", "hosts")))
    count = len(short)
    for host in sorted(set(months) - set(short)):
        ordered = sorted(months[host])
        places |= {(host, month): count + place for place, month in enumerate(ordered)}
        count += len(ordered)
        columns.append(resample_blocks(len(ordered), reach[host], replicates, generator(seed, "track", "host", host)))
    return Dependence(places, np.concatenate(columns, axis=1) if columns else np.ones((replicates, 0)))


def more_to_tell(differences: Floats, cluster: Ints, counts: Floats) -> int | None:
    """How many further questions like these would tell their mean difference from none, with a power of .8.

    With n questions, mean m and standard error e, from resampled groups, or that of independent questions where there
    is one group: n ((1.6449 + .8416) e / m)^2 - n, and 0 where the 90 % interval leaves out 0 already; None for a
    single question or no difference. As e comes from few groups where there are few, it is the order that counts.
    differences (rows,), cluster and counts as for `resampled_means`.

    >>> differences = np.array([0.3, 0.1, -0.1, 0.1])
    >>> more_to_tell(differences, np.zeros(4, dtype=int), np.ones((2, 1)))
    13
    """
    number, mean = len(differences), float(differences.mean())
    if number < 2 or mean == 0.0:
        return None
    if counts.shape[1] > 1:
        replicates = resampled_means(differences, cluster, counts)
        low, high = percentile_interval(replicates)
        if low > 0.0 or high < 0.0:
            return 0
        error = float(np.nanstd(replicates))
    else:
        error = float(differences.std(ddof=1)) / math.sqrt(number)
    needed = number * ((TOLD_BEYOND + POWER_BEYOND) * error / abs(mean)) ** 2
    return max(0, math.ceil(needed - number)) if math.isfinite(needed) else None
