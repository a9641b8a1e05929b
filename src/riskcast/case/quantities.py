"""Elicited quantities: a median and a 90 % interval <-> a prior that has exactly these quantiles.

On the link scale a prior is middle + spread * u(z), with z standard normal and

    u(z) = z + skew * (sqrt(z^2 + k^2) - k),   k = 0.5:

a Normal where skew is 0, else one whose two sides differ in length. It has Gaussian tails, and rises with z while
|skew| < 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from riskcast.case.links import LOG, LOGIT, MOST_LOPSIDED, HeldLink, Link
from riskcast.machinery.digests import SILENT_AT
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import plain_number, span

if TYPE_CHECKING:
    import pandas

Z90 = 1.6448536269514722
LARGEST = 1e12
# What programs write in columns of numbers where there is none.
MISSING_NUMBERS = (-9.0, -99.0, -999.0, -9999.0, -8.0, -88.0, -7.0, -77.0)
KNEE = 0.5
BEND_AT_END = math.sqrt(Z90**2 + KNEE**2) - KNEE
# Mean and variance of sqrt(z^2 + k^2) - k over a standard normal z.
BEND_MEAN, BEND_VARIANCE = 0.4972550003492169, 0.2554824642784834
# How the sides of an interval are measured, in words, by link.
MEASURED = {"identity": "", "held": "", "logit": " in log odds", "log": " in logarithms", "cloglog": " in log rates"}
# Links round: what is symmetric but for that is symmetric.
SYMMETRIC = 1e-9
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST, le=LARGEST, strict=True)]


class Strict(BaseModel):
    """A frozen record that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Evidence(Strict):
    """Why a quantity has the value it has: the claim in our own words, its sources, and what kind of basis it is."""

    basis: Literal["data", "source", "judgement", "record"]
    claim: str = Field(min_length=1)
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _sourced(self) -> Evidence:
        if self.basis != "judgement" and not self.sources:
            raise ValueError(f"has basis {self.basis} but no source; name a source id, or write basis: judgement")
        return self


class Quantity(Strict):
    """One elicited number in its natural unit: a median with a 90 % interval, or a value held fixed.

    >>> Quantity(median=1.5, interval=(1.1, 2.2)).is_fixed
    False
    """

    median: Finite | None = None
    interval: tuple[Finite, Finite] | None = None
    value: Finite | None = None
    evidence: Evidence | None = None

    @field_validator("interval")
    @classmethod
    def _around_median(cls, interval: tuple[float, float] | None, info: ValidationInfo) -> tuple[float, float] | None:
        if interval is None:
            return None
        (low, high), median = interval, info.data.get("median")
        if not low < high:
            raise ValueError(f"interval [{low:g}, {high:g}] is empty; write [low, high] with low < high")
        if median is None:
            return interval
        if not low <= median <= high:
            raise ValueError(
                f"interval [{low:g}, {high:g}] excludes its median {median:g}; {_around_mend(median, low, high)}"
            )
        if median in interval:
            end, side = ("low", "below") if median == low else ("high", "above")
            raise ValueError(
                f"{end} end {median:g} is the median itself, so that nothing could lie {side} it; "
                "move the end or the median, or give a value to hold the quantity fixed"
            )
        return interval

    @model_validator(mode="after")
    def _complete(self) -> Quantity:
        if self.value is not None:
            if self.median is not None or self.interval is not None:
                raise ValueError("has both a fixed value and a median or interval; keep one form")
            return self
        if self.median is None or self.interval is None:
            lacks = " and ".join(key for key in ("median", "interval") if getattr(self, key) is None)
            raise ValueError(f"lacks {lacks}; give median and interval (90 %), or value to hold it fixed")
        return self

    @property
    def is_fixed(self) -> bool:
        """Whether the quantity is held at one value."""
        return self.value is not None

    @property
    def center(self) -> float:
        """The median, or the fixed value, in the natural unit."""
        center = self.median if self.value is None else self.value
        assert center is not None
        return center

    @property
    def range(self) -> tuple[float, float]:
        """The 90 % interval; both ends are the value where it is fixed."""
        return self.interval if self.interval is not None else (self.center, self.center)

    def to_frame(self) -> pandas.DataFrame:
        """One row: columns center, low, high (90 %), fixed, basis, claim."""
        import pandas

        told = (None, None) if self.evidence is None else (self.evidence.basis, self.evidence.claim)
        columns = ["center", "low", "high", "fixed", "basis", "claim"]
        return pandas.DataFrame([(self.center, *self.range, self.is_fixed, *told)], columns=columns)

    def _repr_html_(self) -> str:
        spread = "held fixed" if self.is_fixed else " to ".join(map(plain_number, self.range))
        claim = f"{self.evidence.basis}: {self.evidence.claim}" if self.evidence else "no evidence given"
        columns = (Column("median"), Column("90 % interval"))
        return to_html(Table("Quantity", columns, [(plain_number(self.center), spread)], note=claim))


def _around_mend(median: float, low: float, high: float) -> str:
    """How to mend an interval that excludes its median: one of the two may be in per cent, or lack its sign."""
    for times in (100.0, 0.01):
        if low <= median * times <= high:
            other = f"[{low / times:g}, {high / times:g}] for [{low:g}, {high:g}]"
            return f"give all of it in one unit: {median * times:g} for {median:g}, or {other}"
    if low <= -median <= high:
        return "correct the sign of one of the two, widen it or move the median"
    return "widen it or move the median"


def stretch(z: ArrayLike, skew: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """u(z) = z + skew * (sqrt(z^2 + k^2) - k), its first and its second derivative; z itself where skew is 0.

    >>> stretch(1.2, -0.5)[0].round(6).tolist()
    0.8
    """
    z = np.asarray(z, dtype=float)
    root = np.sqrt(z**2 + KNEE**2)
    return z + skew * (root - KNEE), 1.0 + skew * (z / root), skew * (KNEE**2 / root**3)


def unstretch(u: ArrayLike, skew: ArrayLike) -> NDArray[np.float64]:
    """The score z at which `stretch` gives u.

    >>> unstretch(0.8, -0.5).round(6).tolist()
    1.2
    """
    skew = np.asarray(skew, dtype=float)
    # What a link sends to an end has no last digit that could matter.
    u = np.clip(np.asarray(u, dtype=float), -1e150, 1e150)
    # Of the quadratic for z, the root in the form that loses no digits on either side.
    shifted, steep = u + skew * KNEE, 1.0 - skew**2
    root = skew * np.sqrt(shifted**2 + KNEE**2 * steep)
    far = shifted * skew > 0
    z = np.where(far, u * (shifted + skew * KNEE) / np.where(far, shifted + root, 1.0), (shifted - root) / steep)
    return np.where(skew == 0.0, u, z)


@dataclass(frozen=True)
class Prior:
    """What is believed of a quantity: middle + spread * u(z) on its link, u(z) = z + skew * (sqrt(z^2 + k^2) - k).

    z is standard normal and k = 0.5; spread is 0 where the quantity is fixed, skew 0 where the prior is Normal.
    """

    middle: float
    spread: float
    link: Link
    skew: float = field(default=0.0, metadata={SILENT_AT: 0.0})

    @property
    def is_fixed(self) -> bool:
        """Whether there is nothing to learn."""
        return self.spread == 0.0

    @property
    def mean(self) -> float:
        """Its mean on the link."""
        return self.middle + self.spread * self.skew * BEND_MEAN

    @property
    def sd(self) -> float:
        """Its standard deviation on the link."""
        return self.spread * math.sqrt(1.0 + self.skew**2 * BEND_VARIANCE)

    def on_link(self, z: ArrayLike) -> NDArray[np.float64]:
        """Value on the link at the standard normal score `z`."""
        return self.middle + self.spread * stretch(z, self.skew)[0]

    def quantile(self, z: ArrayLike) -> NDArray[np.float64]:
        """Natural value at the standard normal score `z`.

        >>> prior = elicit(Quantity(median=2.0, interval=(1.0, 5.0)), LOG)
        >>> prior.quantile([-Z90, 0.0, Z90]).round(6).tolist()
        [1.0, 2.0, 5.0]
        """
        return self.link.inverse(self.on_link(z))

    def score(self, value: ArrayLike) -> NDArray[np.float64]:
        """Standard normal score of natural values, the inverse of `quantile`; only where the quantity is not fixed.

        >>> prior = elicit(Quantity(median=2.0, interval=(1.0, 5.0)), LOG)
        >>> prior.score([1.0, 2.0, 5.0]).round(3).tolist()
        [-1.645, 0.0, 1.645]
        """
        with np.errstate(divide="ignore"):
            return self.score_on_link(self.link.forward(value))

    def score_on_link(self, value: ArrayLike) -> NDArray[np.float64]:
        """Standard normal score of values on the link, the inverse of `on_link`: also of those that no natural value
        tells from a bound."""
        return unstretch((np.asarray(value, dtype=float) - self.middle) / self.spread, self.skew)

    @property
    def held(self) -> dict[float, float]:
        """Which share of it lies at a bound itself, by bound; of a quantity that is not fixed, and none below 0.1 %.

        >>> from riskcast.case.links import BoundedLink
        >>> {at: round(share, 3) for at, share in elicit(
        ...     Quantity(median=0.3, interval=(0.0, 1.0)), BoundedLink(0.0, 100.0)
        ... ).held.items()}
        {0.0: 0.05}
        """
        if self.is_fixed or not isinstance(self.link, HeldLink):
            return {}
        scores = zip(self.link.domain, self.score(self.link.domain).tolist(), (1.0, -1.0), strict=True)
        shares = {bound: 0.5 * math.erfc(-side * z / math.sqrt(2.0)) for bound, z, side in scores}
        return {bound: share for bound, share in shares.items() if share >= 0.001}

    def log_density(self, value: ArrayLike) -> NDArray[np.float64]:
        """Log density at natural values, per unit; of what is spread between the bounds where some lies at them.

        log phi(z) - log(spread * u'(z)) + log g'(value), with z the score of the value and g the link.

        >>> from riskcast.case.links import IDENTITY
        >>> float(Prior(10.0, 2.0, IDENTITY).log_density(10.0).round(4))
        -1.6121
        """
        z = self.score(value)
        rise = self.spread * stretch(z, self.skew)[1]
        return -0.5 * z**2 - 0.5 * math.log(2.0 * math.pi) - np.log(rise) + np.log(self.link.slope(value))


def quantity_text(quantity: Quantity | Mapping[str, Any], text: Callable[[float], str] = plain_number) -> str:
    """A quantity in a few words, from a record or as plain data; `text` makes one of each of its numbers.

    >>> quantity_text({"median": 55.0, "interval": [47, 63]}), quantity_text(Quantity(value=-0.8))
    ('55 (47–63)', '−0.8')
    >>> quantity_text({"median": -0.2, "interval": [-0.5, 0.1]})
    '−0.2 (−0.5 to 0.1)'
    """
    if not isinstance(quantity, Quantity):
        quantity = Quantity.model_validate(
            {key: part for key, part in quantity.items() if key in Quantity.model_fields}
        )
    given = quantity
    if given.is_fixed:
        return text(given.center)
    low, high = given.range
    return f"{text(given.center)} ({span(text(low), text(high))})"


@dataclass(frozen=True)
class Misfit:
    """Why no prior has the numbers of a quantity: the part that is wrong, what is wrong with it, and how to mend it."""

    part: Literal["median", "interval", "value"]
    wrong: str
    mend: str


def check_domain(quantity: Quantity, link: Link) -> str | None:
    """Say which number of a quantity a link does not take, or None."""
    low, high = link.domain
    numbers = (quantity.center, *quantity.range)
    # What lies beyond an end is worse than what lies at it.
    for number in sorted(numbers, key=lambda number: low <= number <= high):
        if not link.takes(number):
            limits = f"above {low:g}" if math.isinf(high) else f"strictly between {low:g} and {high:g}"
            return f"{number:g} must be {limits}"
    return None


def find_misfit(quantity: Quantity, link: Link) -> Misfit | None:
    """Say why no prior on a link has the median and the interval of a quantity, or None.

    >>> find_misfit(Quantity(median=55.0, interval=(54.0, 99.0)), LOG).mend
    'give a low end of at most 50.3, or a high end of at most 62.1'
    """
    low, high = quantity.range
    numbers = (low, quantity.center, high)
    own = link.fitting(*numbers)
    outside = check_domain(quantity, own)
    if outside is not None:
        part = "value" if quantity.is_fixed else "interval" if own.takes(quantity.center) else "median"
        if part == "median":
            outside = check_domain(Quantity(value=quantity.center), own)
        return Misfit(part, str(outside), _unit_mend(numbers, own))
    if quantity.is_fixed or own.is_even(*numbers):
        return None
    below, above = own.sides(*numbers)
    if not (below > 0 and above > 0):
        wrong = f"interval [{low:.15g}, {high:.15g}] is narrower than numbers can tell apart"
        return Misfit("interval", wrong, "widen it, or give a value to hold the quantity fixed")
    times, longer, shorter = max((above / below, "above", "below"), (below / above, "below", "above"))
    measured = MEASURED.get(own.name, f" on the {own.name} scale")
    wrong = (
        f"interval [{low:.9g}, {high:.9g}] reaches {times:.3g} times as far {longer} the median "
        f"{quantity.center:.9g} as {shorter} it{measured}; a prior can have {MOST_LOPSIDED:g} times at most"
    )
    ways = _other_ends(numbers, own, link)
    return Misfit("interval", wrong, f"give {', or '.join(ways)}" if ways else "make its two sides more alike")


def _unit_mend(numbers: tuple[float, float, float], link: Link) -> str:
    """How to mend a number outside the domain of a link: shares may have been given in per cent."""
    mend = "correct the number, or the unit it is in"
    if link.domain == (0.0, 1.0) and numbers[0] > 0.0 and numbers[1] > 1.0 and numbers[2] <= 100.0:
        return f"{mend}: give {numbers[1] / 100:g} for {numbers[1]:g} %"
    return mend


def _other_ends(numbers: tuple[float, float, float], own: Link, link: Link) -> list[str]:
    """Which other end will do beside each end of an interval that is too lopsided, in words."""
    low, _, high = numbers
    below, above = own.sides(*numbers)
    middle, most = float(own.forward(numbers[1])), MOST_LOPSIDED
    if above > below:
        limit, ends = "at most", (middle - above / most, middle + most * below)
    else:
        limit, ends = "at least", (middle - most * above, middle + below / most)
    ways = [(side, limit, float(own.inverse(end))) for side, end in zip(("low", "high"), ends, strict=True)]
    if own != link:
        # Off its bound an end is measured in log odds, where there is room for it.
        side, far = ("high", low) if link.takes(low) else ("low", high)
        if link.takes(far):
            ways.append((side, "such as", float(link.inverse(2 * link.forward(numbers[1]) - link.forward(far)))))
    found = [(side, limit, _nearest_legal(numbers, link, side, end)) for side, limit, end in ways]
    return [
        f"a {side} end {'of ' if 'at' in limit else ''}{limit} {end:.15g}"
        for side, limit, end in found
        if end is not None
    ]


def _nearest_legal(numbers: tuple[float, float, float], link: Link, side: str, end: float) -> float | None:
    """The shortest number near a new end of an interval with which there is a prior; None if there is none."""
    low, middle, high = numbers
    for digits in range(3, 17):
        rounded = float(f"{end:.{digits - 1}e}")
        unit = 10.0 ** (math.floor(math.log10(abs(end))) - digits + 1) if end else 0.0
        for near in (rounded, rounded - unit, rounded + unit):
            near = float(f"{near:.15g}")
            new = (near, middle, high) if side == "low" else (low, middle, near)
            own = link.fitting(*new)
            if new[0] < middle < new[2] and abs(near) <= LARGEST and all(map(own.takes, new)) and own.is_even(*new):
                return near
    return None


@lru_cache(maxsize=4096)
def elicit(quantity: Quantity, link: Link) -> Prior:
    """The prior that has an elicited median and 90 % interval as its quantiles.

    On the link g, with m, lo and hi the median and the ends there, middle = m, spread = (hi - lo) / (2 z95) and
    skew = ((hi + lo) / 2 - m) / (spread * (sqrt(z95^2 + k^2) - k)), z95 = 1.645: all three are kept exactly, and the
    prior is Normal where the interval is symmetric on the link. A value fixed at 0 (no drift, no spread) has the link
    value -inf. Raises ValueError for what `find_misfit` finds: numbers outside the link's domain, or an interval of
    which one side is more than 6.7 times as long as the other.

    After O'Hagan et al., Uncertain judgements, 2006, ch. 5, whose fit to a Normal keeps the median and the width only.
    """
    if quantity.is_fixed and quantity.center == 0 and link in (LOG, LOGIT):
        return Prior(-math.inf, 0.0, link)
    misfit = find_misfit(quantity, link)
    if misfit is not None:
        raise ValueError(f"{misfit.wrong}; {misfit.mend}")
    link = link.fitting(quantity.range[0], quantity.center, quantity.range[1])
    middle = float(link.forward(quantity.center))
    if quantity.is_fixed:
        return Prior(middle, 0.0, link)
    low, high = link.forward(np.asarray(quantity.range))
    spread = float(high - low) / (2.0 * Z90)
    skew = (float(high + low) / 2.0 - middle) / (spread * BEND_AT_END)
    return Prior(middle, spread, link, 0.0 if abs(skew) < SYMMETRIC else skew)
