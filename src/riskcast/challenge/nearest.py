"""Where a sum of parabolas is largest, and the nearest point at which it is large enough."""

from __future__ import annotations

import numpy as np

from riskcast.challenge.walks import FARTHEST
from riskcast.machinery.array_types import Floats


def farthest_point(slope: Floats, bend: Floats, farthest: float = FARTHEST) -> Floats:
    """The z, no |z| beyond the farthest, at which the sum of slope z + bend z^2 is largest: (quantities,).

    >>> farthest_point(np.array([1.0, -1.0]), np.array([-0.25, 0.0])).tolist()
    [2.0, -3.0]
    """
    with np.errstate(all="ignore"):
        return np.where(bend < 0.0, np.clip(slope / (-2.0 * bend), -farthest, farthest), _sides(slope) * farthest)


def nearest_point(slope: Floats, bend: Floats, short: float, farthest: float = FARTHEST) -> Floats | None:
    """The z of least |z| at which the sum of slope z + bend z^2 reaches `short` > 0, (quantities,); None where none is.

    Of all points with no |z| beyond the farthest, none that gets there is nearer. At a multiplier m, z = m slope /
    (1 - 2 m bend), or the farthest, has the least |z|^2 / 2 - m (the sum) of them all, so that nothing nearer reaches
    what it reaches (Everett, 1963); the sum rises with m. Where it leaps, as a parabola without slope takes over, all
    points in between have as little.

    >>> nearest_point(np.array([3.0, 4.0]), np.zeros(2), 10.0).round(3).tolist()
    [1.2, 1.6]
    >>> nearest_point(np.zeros(1), np.array([0.25]), 1.0).round(3).tolist()
    [2.0]
    """

    def at(m: float) -> Floats:
        room = 1.0 - 2.0 * m * bend
        with np.errstate(all="ignore"):
            return np.where(room > 0.0, np.clip(m * slope / room, -farthest, farthest), _sides(slope) * farthest)

    def reached(z: Floats) -> float:
        return float((slope * z + bend * z**2).sum())

    last = farthest_point(slope, bend, farthest)
    if reached(last) < short:
        return None
    low, high = 0.0, 1e-6
    while reached(at(high)) < short and high < 1e12:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if reached(at(middle)) < short else (low, middle)
    before, beyond = at(low), at(high) if reached(at(high)) >= short else last
    near, far = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (near + far)
        near, far = (middle, far) if reached(before + middle * (beyond - before)) < short else (near, middle)
    return before + far * (beyond - before)


def _sides(slope: Floats) -> Floats:
    return np.where(slope < 0.0, -1.0, 1.0)
