"""A row of numbers as a line of blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int, low: float, high: float) -> str:
    """Numbers from `low` to `high` as at most `width` blocks, the last of them the last number; a space where there is
    none.

    Of more numbers than that every block shows the last of its share, so that the right end is today.

    >>> sparkline([0.0, 5.0, 10.0, math.nan, 10.0], 5, 0.0, 10.0), sparkline([1.0, 2.0, 3.0, 4.0], 2, 1.0, 4.0)
    ('▁▅█ █', '▃█')
    """
    if not values or width < 1:
        return ""
    count = min(width, len(values))
    shown = [values[math.ceil((place + 1) * len(values) / count) - 1] for place in range(count)]
    room = high - low
    marks = []
    for value in shown:
        if not math.isfinite(value):
            marks.append(" ")
            continue
        share = (value - low) / room if room > 0 else 0.5
        marks.append(BLOCKS[min(max(int(share * len(BLOCKS)), 0), len(BLOCKS) - 1)])
    return "".join(marks)
