"""Numbers and tables as people read them: honest digits, and small HTML tables for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from html import escape
from itertools import islice
from typing import Protocol

MOST_ROWS = 30
MOST_NAMED = 8
CELL = "padding:.2em .7em;text-align:{side};vertical-align:top"
RULE = "border-bottom:1px solid color-mix(in srgb, currentColor 25%, transparent)"


class Range(Protocol):
    """Anything with a mean, and a low and a high end of its 90 % interval."""

    @property
    def mean(self) -> float:
        """The middle."""

    @property
    def low(self) -> float:
        """The lower end."""

    @property
    def high(self) -> float:
        """The upper end."""


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


def interval(estimate: Range) -> str:
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


def signed_range(estimate: Range, digits: int = 1) -> str:
    """A difference with its 90 % interval.

    >>> from riskcast.forecasting.estimates import Estimate
    >>> signed_range(Estimate(3.42, -0.71, 7.3))
    '+3.4 (−0.7 to +7.3)'
    """
    ends = f"{signed(estimate.low, digits)} to {signed(estimate.high, digits)}"
    return f"{signed(estimate.mean, digits)} ({ends})"


def more(given: Sized, most: int = MOST_NAMED) -> str:
    """What to write behind the first `most` of some things where there are more.

    >>> more("abc", 2), more("ab", 2)
    (', …', '')
    """
    return ", …" if len(given) > most else ""


def html_table(
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    note: str = "",
    *,
    warning: str = "",
    texts: int = 1,
    most: int = MOST_ROWS,
    total: int | None = None,
) -> str:
    """A table as HTML that stands alone in a notebook, light or dark; every text is escaped.

    The first `texts` columns are set flush left as words, the others flush right as figures. Of more than `most` rows
    the first are shown, and the rest counted; where `total` says how many there are, the rest are not even made.
    `warning` stands above all, for results that are not to be relied on.

    >>> html_table("Scores", ["dyad", "score"], [("<A>", "42")]).count("&lt;A&gt;")
    1
    """
    given = list(rows if total is None else islice(rows, most))
    left_out = (len(given) if total is None else total) - most
    styles = [CELL.format(side="left" if place < texts else "right") for place in range(len(header))]
    head = "".join(
        f'<th scope="col" style="{style};{RULE}">{escape(name)}</th>'
        for name, style in zip(header, styles, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{style}">{escape(str(cell))}</td>' for cell, style in zip(row, styles, strict=True))
        + "</tr>"
        for row in given[:most]
    )
    rest = f"{left_out:,} more rows: see to_frame(). " if left_out > 0 else ""
    alarm = f'<p role="alert" style="color:#d0402f;font-weight:bold">{escape(warning)}</p>' if warning else ""
    foot = f'<p style="opacity:.75;max-width:60em">{escape(rest + note)}</p>' if rest or note else ""
    return (
        f'<div>{alarm}<table style="border-collapse:collapse"><caption style="text-align:left;font-weight:bold;'
        f'padding:.3em .7em">{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"{foot}</div>"
    )
