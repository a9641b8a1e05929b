"""Numbers of one quantity while it is edited: which are in order, how they move together, what a slider offers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import riskcast
from assumptions.words import Subject

TICKS = 160
REACH = 6.0
INSTEAD_OF_ZERO = 0.3


@dataclass(frozen=True)
class Numbers:
    """A median with its 90 % interval in the natural unit, or one value where the quantity is not uncertain."""

    median: float
    low: float
    high: float
    uncertain: bool = True

    @property
    def plain(self) -> dict[str, Any]:
        """The quantity as an overlay has it."""
        if not self.uncertain:
            return {"value": self.median}
        return {"median": self.median, "interval": [self.low, self.high]}


def numbers_of(quantity: riskcast.Quantity) -> Numbers:
    """The numbers of a quantity."""
    low, high = quantity.range
    return Numbers(quantity.center, low, high, not quantity.is_fixed)


def shown(subject: Subject, value: float) -> float:
    """A natural value in the unit that people see; percent without the dust of binary fractions."""
    return value if subject.scale == 1.0 else round(value * subject.scale, 10)


def natural(subject: Subject, value: float) -> float:
    """The value that a person gave, in the natural unit."""
    return float(value) if subject.scale == 1.0 else round(value / subject.scale, 12)


def text(subject: Subject, value: float) -> str:
    """A natural value as people see it, exact, without its unit except for percent."""
    return f"{shown(subject, value):.10g}" + (" %" if subject.scale != 1.0 else "")


def quantity_words(subject: Subject, quantity: riskcast.Quantity | Mapping[str, Any]) -> str:
    """Median and interval as people see them."""
    numbers = numbers_of(quantity if isinstance(quantity, riskcast.Quantity) else riskcast.Quantity(**quantity))
    if not numbers.uncertain:
        return text(subject, numbers.median)
    low, high = (f"{shown(subject, value):.10g}" for value in (numbers.low, numbers.high))
    return f"{text(subject, numbers.median)} ({low}–{high})"


def with_median(subject: Subject, old: Numbers, median: float, follow: bool) -> Numbers:
    """The numbers after the median moved; where the interval follows, it keeps its width on the quantity's scale."""
    if not old.uncertain or not follow or not _within(subject, median):
        return replace(old, median=median)
    forward = subject.link.forward
    move = float(forward(median)) - float(forward(old.median))
    low, high = (_rounded(subject, float(subject.link.inverse(forward(end) + move))) for end in _ends(old))
    return Numbers(median, min(low, median), max(high, median))


def made_uncertain(subject: Subject, old: Numbers, published: Numbers) -> Numbers:
    """A value with an interval around it: as wide as published, or by a plausible room."""
    link = subject.link
    center = old.median
    if center <= link.domain[0]:
        center = INSTEAD_OF_ZERO
    room = subject.room
    if published.uncertain:
        low, high = (float(link.forward(end)) for end in _ends(published))
        room = (high - low) / 2
    middle = float(link.forward(center))
    low, high = (_rounded(subject, float(link.inverse(middle + side))) for side in (-room, room))
    return Numbers(center, min(low, center), max(high, center))


def find_problem(subject: Subject, numbers: Numbers) -> str | None:
    """What is wrong with the range or order of numbers, and how to mend it, in plain words; None if nothing is."""
    outside = _find_outside(subject, numbers)
    if outside is not None:
        return outside
    say = {part: text(subject, getattr(numbers, part)) for part in ("median", "low", "high")}
    if numbers.uncertain and numbers.low > numbers.median:
        return (
            f"The lower end, {say['low']}, is above the median, {say['median']}. "
            f"Lower it to {say['median']} or less, or raise the median."
        )
    if numbers.uncertain and numbers.high < numbers.median:
        return (
            f"The upper end, {say['high']}, is below the median, {say['median']}. "
            f"Raise it to {say['median']} or more, or lower the median."
        )
    if numbers.uncertain and numbers.low == numbers.high:
        return "The interval has no width. Move one of its ends, or switch “Uncertain” off to hold the value fixed."
    return None


def _find_outside(subject: Subject, numbers: Numbers) -> str | None:
    """Which number the quantity cannot be; said before their order, as moving another would not mend it."""
    parts = {"median": numbers.median, "lower end": numbers.low, "upper end": numbers.high}
    if not numbers.uncertain:
        parts = {"value": numbers.median}
    if subject.scale != 1.0 and not all(0 < value < 1 for value in parts.values()):
        return "A chance lies above 0 % and below 100 %. Correct the number that does not."
    (low, high), (above, below) = subject.bounds, subject.link.domain
    for name, value in parts.items():
        said = f"The {name}, {text(subject, value)},"
        if value < low:
            return f"{said} is below {text(subject, low)}, the least that this can be. Raise it."
        if value > high:
            return f"{said} is above {text(subject, high)}, the most that this can be. Lower it."
        # A value that is held fixed may be at the edge; the case knows which.
        if numbers.uncertain and not above < value < below:
            edge, way, mend = (above, "above", "Raise") if value <= above else (below, "below", "Lower")
            return f"{said} must be {way} {text(subject, edge)}. {mend} it."
    return None


def ticks(subject: Subject, published: Numbers, applied: Numbers) -> list[float]:
    """What a slider offers: round values, even on the quantity's own scale, and the exact ones now and as published."""
    low, high = _window(subject, published)
    offered = _round_levels(low, high) if subject.link.is_linear else _round_on_link(subject, low, high)
    if not applied.uncertain and subject.may_be_zero:
        offered = [0.0, *offered]
    exact = [value for each in (published, applied) for value in (each.median, each.low, each.high)]
    takes_zero = not applied.uncertain or subject.link.domain[0] < 0
    # A slider tells its values apart by their text.
    return sorted({text(subject, value): value for value in (*offered, *exact) if value or takes_zero}.values())


def spinner_step(subject: Subject, value: float) -> float:
    """How much the buttons of a number field add: about a twentieth of the value, and round."""
    size = abs(shown(subject, value)) / 20 or 0.05
    return nice(size)


def nice(size: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten.

    >>> nice(0.23), nice(7.0)
    (0.2, 5.0)
    """
    power = 10.0 ** math.floor(math.log10(size))
    times = min((1, 2, 5, 10), key=lambda each: abs(math.log(each * power / size)))
    return float(f"{times * power:.3g}")


def significant(value: float, digits: int) -> float:
    """A value to so many significant digits.

    >>> significant(0.123456, 3)
    0.123
    """
    return float(f"{value:.{digits}g}")


def _window(subject: Subject, published: Numbers) -> tuple[float, float]:
    link = subject.link
    center = published.median
    if center <= link.domain[0]:
        center = INSTEAD_OF_ZERO
    room = subject.room
    if published.uncertain:
        room = (float(link.forward(published.high)) - float(link.forward(published.low))) / 2
    middle, reach = float(link.forward(center)), REACH / 1.645 * room
    return _clip(subject, float(link.inverse(middle - reach))), _clip(subject, float(link.inverse(middle + reach)))


def _round_levels(low: float, high: float) -> list[float]:
    step = nice((high - low) / TICKS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{each * step:.10g}") for each in range(first, last + 1)]


def _round_on_link(subject: Subject, low: float, high: float) -> list[float]:
    link = subject.link
    start, end = _inside(subject, low), _inside(subject, high)
    first, last = float(link.forward(start)), float(link.forward(end))
    points = (first + (last - first) * each / TICKS for each in range(TICKS + 1))
    rounded = (significant(float(link.inverse(point)) * subject.scale, 3) for point in points)
    values = (natural(subject, value) for value in rounded)
    return [value for value in values if _clip(subject, value) == value and _inside(subject, value) == value]


def _inside(subject: Subject, value: float) -> float:
    """The value, or the nearest that the link takes."""
    low, high = subject.link.domain
    return min(max(value, low + 1e-6), high - 1e-3 if math.isfinite(high) else high)


def _within(subject: Subject, value: float) -> bool:
    low, high = subject.link.domain
    return low < value < high and _clip(subject, value) == value


def _rounded(subject: Subject, value: float) -> float:
    """To four digits, but off an edge that the link does not take; within the bounds."""
    low, high = subject.link.domain
    rounded = _clip(subject, significant(value, 4))
    return rounded if low < rounded < high else _clip(subject, value)


def _clip(subject: Subject, value: float) -> float:
    low, high = subject.bounds
    return min(max(value, low), high)


def _ends(numbers: Numbers) -> tuple[float, float]:
    return numbers.low, numbers.high
