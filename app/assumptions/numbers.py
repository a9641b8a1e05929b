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
    return riskcast.plain_number(shown(subject, value), 10) + (" %" if subject.scale != 1.0 else "")


def quantity_words(subject: Subject, quantity: riskcast.Quantity | Mapping[str, Any]) -> str:
    """Median and interval as people see them."""
    numbers = numbers_of(quantity if isinstance(quantity, riskcast.Quantity) else riskcast.Quantity(**quantity))
    if not numbers.uncertain:
        return text(subject, numbers.median)
    low, high = (riskcast.plain_number(shown(subject, value), 10) for value in (numbers.low, numbers.high))
    return f"{text(subject, numbers.median)} ({riskcast.span(low, high)})"


def with_median(subject: Subject, old: Numbers, median: float, follow: bool) -> Numbers:
    """The numbers after the median moved; where the interval follows, it keeps its width on the quantity's scale, or in
    log odds where that would leave the bounds."""
    if not old.uncertain or not follow or not _within(subject, median):
        return replace(old, median=median)

    def moved(link: Any) -> Numbers:
        move = float(link.forward(median)) - float(link.forward(old.median))
        low, high = (_rounded(subject, float(link.inverse(link.forward(end) + move))) for end in (old.low, old.high))
        return Numbers(median, low, high)

    own = moved(subject.link.own_scale)
    return own if _fits(subject, own) else moved(subject.link.fitting(old.low, old.median, old.high))


def made_uncertain(subject: Subject, old: Numbers, published: Numbers) -> Numbers:
    """A value with an interval around it: as wide as published, or by a plausible room; narrower beside a bound."""
    center = _off_edges(subject, old.median)

    def around(link: Any, reach: float) -> Numbers:
        middle = float(link.forward(center))
        low, high = (_rounded(subject, float(link.inverse(middle + side))) for side in (-reach, reach))
        return Numbers(center, low, high)

    scale, reach = subject.link.own_scale, _reach(subject, published)
    own = around(scale, reach)
    if _fits(subject, own) or scale == subject.link:
        return own
    return around(subject.link, min(1.0, reach * float(subject.link.slope(center)) / float(scale.slope(center))))


def find_problem(subject: Subject, numbers: Numbers) -> str | None:
    """What is wrong with the range or order of numbers, and how to mend it, in plain words; None if nothing is."""
    outside = _find_outside(subject, numbers)
    if outside is not None:
        return outside
    say = {part: text(subject, getattr(numbers, part)) for part in ("median", "low", "high")}
    if numbers.uncertain and numbers.low == numbers.high:
        return "The interval has no width. Move one of its ends, or switch “Uncertain” off to hold the value fixed."
    if numbers.uncertain and numbers.low >= numbers.median:
        how = "is above" if numbers.low > numbers.median else "is also"
        return (
            f"The lower end, {say['low']}, {how} the median{', ' + say['median'] if how == 'is above' else ''}. "
            f"Lower it below {say['median']}, or raise the median."
        )
    if numbers.uncertain and numbers.high <= numbers.median:
        how = "is below" if numbers.high < numbers.median else "is also"
        return (
            f"The upper end, {say['high']}, {how} the median{', ' + say['median'] if how == 'is below' else ''}. "
            f"Raise it above {say['median']}, or lower the median."
        )
    return None


def _find_outside(subject: Subject, numbers: Numbers) -> str | None:
    """Which number the quantity cannot be; said before their order, as moving another would not mend it."""
    parts = {"median": numbers.median, "lower end": numbers.low, "upper end": numbers.high}
    if not numbers.uncertain:
        parts = {"value": numbers.median}
    if subject.scale != 1.0 and not all(0 < value < 1 for value in parts.values()):
        return "A chance lies above 0 % and below 100 %. Correct the number that does not."
    (low, high), link = subject.bounds, subject.link.fitting(numbers.low, numbers.median, numbers.high)
    above, below = link.domain
    for name, value in parts.items():
        said = f"The {name}, {text(subject, value)},"
        if value < low:
            return f"{said} is below {text(subject, low)}, the least that this can be. Raise it."
        if value > high:
            return f"{said} is above {text(subject, high)}, the most that this can be. Lower it."
        # A value that is held fixed may be at the edge; the case knows which.
        if numbers.uncertain and not link.takes(value):
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
    takes_zero = not applied.uncertain or subject.link.own_scale.takes(0.0)
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
    link, reach = subject.link.own_scale, REACH / 1.645 * _reach(subject, published)
    middle = float(link.forward(_off_edges(subject, published.median)))
    return _clip(subject, float(link.inverse(middle - reach))), _clip(subject, float(link.inverse(middle + reach)))


def _reach(subject: Subject, published: Numbers) -> float:
    """How far the published interval, or a plausible one, reaches either way on the quantity's own scale."""
    if not published.uncertain:
        return subject.room
    return sum(subject.link.own_scale.sides(published.low, published.median, published.high)) / 2


def _fits(subject: Subject, numbers: Numbers) -> bool:
    """Whether there is a prior with these numbers, strictly within the bounds."""
    given = (numbers.low, numbers.median, numbers.high)
    return all(map(subject.link.takes, given)) and subject.link.fitting(*given).is_even(*given)


def _off_edges(subject: Subject, value: float) -> float:
    """The value, or one inside of where it cannot be uncertain."""
    low, high = subject.link.domain
    if low < value < high:
        return value
    inside = min(INSTEAD_OF_ZERO, INSTEAD_OF_ZERO * (high - low))
    return low + inside if value <= low else high - inside


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
    size = high - low if math.isfinite(high - low) else 1.0
    return min(max(value, low + 1e-6 * size), high - 1e-3 * size)


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
