"""Numbers and days as people read them: honest digits, real minus signs, and no more digits than count."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sized
from typing import Final, Protocol

MOST_NAMED: Final = 8
NOTHING: Final = "–"
LEAST_SKILL: Final = -9.99
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class Interval(Protocol):
    """Anything with a low and a high end of its 90 % interval."""

    @property
    def low(self) -> float:
        """The lower end."""

    @property
    def high(self) -> float:
        """The upper end."""


class Range(Interval, Protocol):
    """An interval with a mean."""

    @property
    def mean(self) -> float:
        """The middle."""


class Score(Interval, Protocol):
    """A measured value with an interval, whose ends are not finite where there is none."""

    @property
    def value(self) -> float:
        """What was measured."""


def percent(probability: float) -> str:
    """A probability for people: no false precision near 0 and 1.

    >>> percent(0.004), percent(0.123), percent(0.997)
    ('<1 %', '12 %', '>99 %')
    """
    if probability < 0.01:
        return "<1 %"
    if probability > 0.99:
        return ">99 %"
    return f"{100 * probability:.0f} %"


def interval(estimate: Interval) -> str:
    """A 90 % interval of a probability, in whole percent.

    >>> from riskcast.forecasting.estimates import Estimate
    >>> interval(Estimate(0.5, 0.004, 0.996))
    '<1–99 %'
    """
    low = "<1" if estimate.low < 0.01 else f"{min(100 * estimate.low, 99):.0f}"
    high = "<1" if estimate.high < 0.01 else f"{min(100 * estimate.high, 99):.0f}"
    return f"{low} %" if low == high else f"{low}–{high} %"


def factor_text(value: float) -> str:
    """A factor on a rate with the digits that count.

    >>> factor_text(0.934), factor_text(1.724), factor_text(612.3)
    ('0.93', '1.7', '612')
    """
    if value >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"


def signed(points: float, digits: int = 1) -> str:
    """A difference with its sign; one that rounds to nothing has none."""
    text = f"{points:+.{digits}f}".replace("-", "−")
    return text if float(f"{abs(points):.{digits}f}") else f"{0:.{digits}f}"


def signed_ends(estimate: Interval, digits: int = 1, times: float = 1.0) -> str:
    """The 90 % interval of a difference, `times` its size.

    >>> from riskcast.forecasting.estimates import Estimate
    >>> signed_ends(Estimate(0.03, -0.007, 0.073), times=100)
    '−0.7 to +7.3'
    """
    return f"{signed(times * estimate.low, digits)} to {signed(times * estimate.high, digits)}"


def signed_range(estimate: Range, digits: int = 1, times: float = 1.0) -> str:
    """A difference with its 90 % interval, `times` its size.

    >>> from riskcast.forecasting.estimates import Estimate
    >>> signed_range(Estimate(3.42, -0.71, 7.3))
    '+3.4 (−0.7 to +7.3)'
    """
    return f"{signed(times * estimate.mean, digits)} ({signed_ends(estimate, digits, times)})"


def number(value: float, digits: int) -> str:
    """A number with a real minus sign; what is not a number is a dash.

    >>> number(-0.04712, 3), number(-0.00001, 3), number(float("nan"), 3), number(float("inf"), 3)
    ('−0.047', '0.000', '–', '∞')
    """
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if text.strip("-0.,") else text.removeprefix("-")


def between(estimate: Interval, digits: int = 0) -> str:
    """The ends of an interval; empty where there is none.

    >>> from riskcast.forecasting.estimates import Estimate
    >>> between(Estimate(42.5, 32.5, 56.0)), between(Estimate(0.04, 0.035, 0.0452), 3)
    ('32–56', '0.035–0.045')
    >>> between(Estimate(-1.0, -3.4, 1.0), 1)
    '−3.4 to 1.0'
    """
    if not has_ends(estimate):
        return ""
    return span(number(estimate.low, digits), number(estimate.high, digits))


def has_ends(estimate: Interval) -> bool:
    """Whether both ends are known: a score on a single dyad has none."""
    return math.isfinite(estimate.low) and math.isfinite(estimate.high)


def leaves_out_zero(estimate: Interval) -> bool:
    """Whether both ends are known and lie on one side of zero, so that a difference can be told from none.

    >>> from riskcast.forecasting.estimates import Estimate
    >>> leaves_out_zero(Estimate(0.2, 0.1, 0.3)), leaves_out_zero(Estimate(0.1, -0.1, 0.3))
    (True, False)
    """
    return has_ends(estimate) and (estimate.low > 0 or estimate.high < 0)


def digits_of(scores: Iterable[Interval]) -> int:
    """Digits after the point that leave two digits of the narrowest interval's half width.

    >>> from riskcast.forecasting.estimates import Estimate
    >>> digits_of([Estimate(0.0391, 0.0347, 0.0435)]), digits_of([Estimate(0.12, 0.05, 0.19)])
    (4, 3)
    """
    widths = [each.high - each.low for each in scores if has_ends(each) and each.high > each.low]
    return max(2, min(5, 1 - math.floor(math.log10(min(widths) / 2)))) if widths else 4


def share(value: float) -> str:
    """A share in percent with two digits that count, never rounded to all or nothing before it is.

    >>> share(0.0468), share(0.4), share(0.0004), share(0.0), share(0.9973)
    ('4.7 %', '40 %', '0.04 %', '0 %', '99.7 %')
    """
    if not math.isfinite(value):
        return NOTHING
    points = 100 * value
    rest = min(points, 100 - points) if points < 100 else 0.0
    digits = 0 if rest == 0 or 10 <= points < 99.5 else 1 if rest >= 0.095 else 2
    return f"{number(points, digits)} %"


def figure(value: float, digits: int = 3) -> str:
    """A number with so many digits that count, and all of those before the point.

    >>> figure(1.43219), figure(-290.0), figure(4055.45)
    ('1.43', '−290', '4,055')
    """
    text = f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"
    return text.replace("-", "−", 1)


def percent_figure(value: float) -> str:
    """A stated probability in percent, with two digits that count, more near 1.

    >>> percent_figure(0.04), percent_figure(0.015), percent_figure(0.9973)
    ('4 %', '1.5 %', '99.73 %')
    """
    return f"{figure(100 * value, 2 if value < 0.995 else 4)} %"


def written(value: float, digits: int = 6) -> str:
    """A number as a file of a case has it, rounded to so many digits that count.

    >>> written(55.0), written(1 / 3, 4), written(1234567.0)
    ('55', '0.3333', '1234570')
    """
    return f"{float(f'{value:.{digits}g}'):.15g}"


def plain_number(value: float, digits: int = 6) -> str:
    """A number as it was given, for people: rounded to so many digits that count, with a real minus sign.

    >>> plain_number(55.0), plain_number(-0.2), plain_number(-1234567.0)
    ('55', '−0.2', '−1234570')
    """
    return written(value, digits).replace("-", "−")


def signed_number(value: float, digits: int = 6) -> str:
    """A change as it was given, with its sign; none has none.

    >>> signed_number(4.0), signed_number(-0.25), signed_number(0.0)
    ('+4', '−0.25', '0')
    """
    return f"{'+' if value > 0 else ''}{plain_number(value or 0.0, digits)}"


def span(low: str, high: str) -> str:
    """Two numbers in words as the ends of a range: a dash before a number is taken for its sign.

    >>> span("3", "5"), span("−3", "5")
    ('3–5', '−3 to 5')
    """
    return f"{low} to {high}" if {low[:1], high[:1]} & {"−", "-", "+"} else f"{low}–{high}"


def error_size(error: float) -> str:
    """A standard error in points; a small one is not called 0.

    >>> error_size(0.0), error_size(0.02), error_size(0.26)
    ('0.0', '<0.1', '0.3')
    """
    return "<0.1" if 0.0 < error < 0.05 else f"{error:.1f}"


def p_value(chance: float, name: str = "p ") -> str:
    """A p-value with the digits that it deserves; without a name the number alone.

    >>> p_value(0.4321), p_value(0.00002), p_value(0.004, "")
    ('p = 0.43', 'p < 0.001', '0.004')
    """
    if chance < 0.001:
        return f"{name}< 0.001"
    return f"{name}{'= ' if name else ''}{chance:.{3 if chance < 0.01 else 2}f}"


def skill(score: Score) -> tuple[str, str]:
    """Skill in percent, and its interval, empty where there is none.

    >>> from types import SimpleNamespace
    >>> skill(SimpleNamespace(value=0.083, low=-0.012, high=0.131))
    ('+8.3 %', '−1.2 to +13.1 %')
    """
    value = f"{signed(100 * score.value)} %" if math.isfinite(score.value) else NOTHING
    if not has_ends(score):
        return value, ""
    low = signed(100 * score.low) if score.low > LEAST_SKILL else f"below {number(100 * LEAST_SKILL, 0)}"
    return value, f"{low} to {signed(100 * score.high)} %"


def long_date(day: dt.date) -> str:
    """A day in words, the same on every system and in every locale.

    >>> long_date(dt.date(2024, 2, 6))
    '6 February 2024'
    """
    return f"{day.day} {month_year(day)}"


def short_date(day: dt.date) -> str:
    """A day in few words.

    >>> short_date(dt.date(2024, 2, 6))
    '6 Feb 2024'
    """
    return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def month_year(day: dt.date) -> str:
    """The month of a day.

    >>> month_year(dt.date(2024, 2, 6))
    'February 2024'
    """
    return f"{MONTHS[day.month - 1]} {day.year}"


def counted(count: int, word: str, words: str | None = None) -> str:
    """A count with its noun, in the singular or the plural.

    >>> counted(1, "doubt"), counted(4800, "fit"), counted(2, "series", "series")
    ('1 doubt', '4,800 fits', '2 series')
    """
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def more(given: Sized, most: int = MOST_NAMED) -> str:
    """What to write behind the first `most` of some things where there are more.

    >>> more("abc", 2), more("ab", 2)
    (', …', '')
    """
    return ", …" if len(given) > most else ""
