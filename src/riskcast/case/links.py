"""Links: scales on which the two sides of an elicited interval are measured."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

# How many times as long as the other one side of an interval can be: near it, the prior would cease to rise.
MOST_LOPSIDED = 6.7


@dataclass(frozen=True)
class Link(ABC):
    """A scale on which a quantity's two sides are measured: where they are alike, it is Normal there."""

    name: ClassVar[str]

    @property
    def is_linear(self) -> bool:
        """Whether people count the quantity in even steps."""
        return False

    @property
    def parts(self) -> tuple[str | float, ...]:
        """What tells it from other links, as fingerprints of posteriors have it: its name, then its numbers."""
        return self.name, 0.0

    @property
    @abstractmethod
    def domain(self) -> tuple[float, float]:
        """The range of natural values that the link accepts, without its ends unless `takes` says otherwise."""

    def takes(self, value: float) -> bool:
        """Whether the link accepts a natural value."""
        low, high = self.domain
        return low < value < high

    @property
    def own_scale(self) -> Link:
        """The link of the quantity's own scale, where this one is another because of bounds."""
        return self

    def fitting(self, low: float, middle: float, high: float) -> Link:
        """The link for a quantity with this median and interval."""
        return self

    def sides(self, low: float, middle: float, high: float) -> tuple[float, float]:
        """How far an interval reaches below and above its median, on the link."""
        ends = self.forward([low, middle, high]).tolist()
        return ends[1] - ends[0], ends[2] - ends[1]

    def is_even(self, low: float, middle: float, high: float) -> bool:
        """Whether neither side of an interval is more than 6.7 times as long as the other, on the link."""
        below, above = self.sides(low, middle, high)
        return 0 < below <= MOST_LOPSIDED * above and 0 < above <= MOST_LOPSIDED * below

    @abstractmethod
    def forward(self, value: ArrayLike) -> NDArray[np.float64]:
        """Natural unit -> link scale."""

    @abstractmethod
    def inverse(self, link_value: ArrayLike) -> NDArray[np.float64]:
        """Link scale -> natural unit."""

    def slope(self, value: ArrayLike) -> NDArray[np.float64]:
        """Derivative of `forward` at natural values; by differences where a link does not say better."""
        at = self.forward(value)
        return 2e-5 / (self.inverse(at + 1e-5) - self.inverse(at - 1e-5))


@dataclass(frozen=True)
class IdentityLink(Link):
    """y."""

    name: ClassVar[str] = "identity"

    @property
    def is_linear(self) -> bool:
        """They do."""
        return True

    @property
    def domain(self) -> tuple[float, float]:
        """All numbers."""
        return -math.inf, math.inf

    def forward(self, value: ArrayLike) -> NDArray[np.float64]:
        """Natural unit -> link scale."""
        return np.asarray(value, dtype=float)

    def inverse(self, link_value: ArrayLike) -> NDArray[np.float64]:
        """Link scale -> natural unit."""
        return np.asarray(link_value, dtype=float)

    def slope(self, value: ArrayLike) -> NDArray[np.float64]:
        """Derivative of `forward` at natural values."""
        return np.ones_like(np.asarray(value, dtype=float))


@dataclass(frozen=True)
class LogLink(Link):
    """log y."""

    name: ClassVar[str] = "log"

    @property
    def domain(self) -> tuple[float, float]:
        """Above 0."""
        return 0.0, math.inf

    def forward(self, value: ArrayLike) -> NDArray[np.float64]:
        """Natural unit -> link scale."""
        return np.log(np.asarray(value, dtype=float))

    def inverse(self, link_value: ArrayLike) -> NDArray[np.float64]:
        """Link scale -> natural unit."""
        return np.exp(np.asarray(link_value, dtype=float))

    def slope(self, value: ArrayLike) -> NDArray[np.float64]:
        """Derivative of `forward` at natural values."""
        return 1.0 / np.asarray(value, dtype=float)


@dataclass(frozen=True)
class LogitLink(Link):
    """log((y - low) / (high - y)): the log odds of a share, or of a level between any two bounds.

    >>> float(LogitLink(0.0, 100.0).inverse(0.0))
    50.0
    """

    name: ClassVar[str] = "logit"
    low: float = 0.0
    high: float = 1.0

    @property
    def parts(self) -> tuple[str | float, ...]:
        """Its name, and its bounds where they are not those of a share."""
        return super().parts if (self.low, self.high) == (0.0, 1.0) else (*super().parts, self.low, self.high)

    @property
    def domain(self) -> tuple[float, float]:
        """Between the bounds."""
        return self.low, self.high

    def forward(self, value: ArrayLike) -> NDArray[np.float64]:
        """Natural unit -> link scale."""
        share = (np.asarray(value, dtype=float) - self.low) / (self.high - self.low)
        # What no number tells from a bound stands at it, endlessly far away.
        with np.errstate(divide="ignore"):
            return np.log(share) - np.log1p(-share)

    def inverse(self, link_value: ArrayLike) -> NDArray[np.float64]:
        """Link scale -> natural unit."""
        with np.errstate(over="ignore"):
            share = 1.0 / (1.0 + np.exp(-np.asarray(link_value, dtype=float)))
        return self.low + (self.high - self.low) * share

    def slope(self, value: ArrayLike) -> NDArray[np.float64]:
        """Derivative of `forward` at natural values."""
        level = np.asarray(value, dtype=float)
        return 1.0 / (level - self.low) + 1.0 / (self.high - level)


@dataclass(frozen=True)
class BoundedLink(LogitLink):
    """The log odds of a level between the bounds of its indicator, so that no prior leaves them.

    An end that is a bound has no log odds, and one close to it makes them lopsided; there the link is that `of` the
    indicator's scale, held at the bounds.

    >>> level = BoundedLink(0.0, 100.0)
    >>> level.fitting(0.1, 0.3, 1.0) == level
    True
    >>> level.fitting(0.0, 0.3, 1.0)
    HeldLink(low=0.0, high=100.0, of=IdentityLink())
    """

    of: Link = field(default_factory=IdentityLink)

    @property
    def own_scale(self) -> Link:
        """That of the indicator."""
        return self.of

    @property
    def is_linear(self) -> bool:
        """As on the indicator's own scale."""
        return self.of.is_linear

    def fitting(self, low: float, middle: float, high: float) -> Link:
        """This one, unless only the indicator's own scale has a prior with this median and interval."""
        numbers, held = (low, middle, high), HeldLink(self.low, self.high, self.of)
        if not all(map(held.takes, numbers)):
            return self
        if not all(map(self.takes, numbers)):
            return held
        return held if low < high and not self.is_even(*numbers) and held.is_even(*numbers) else self


@dataclass(frozen=True)
class HeldLink(Link):
    """Another link within bounds, at which what would lie beyond is held.

    So an interval whose end is a bound means what it says: the level is the bound itself one time in twenty.
    """

    name: ClassVar[str] = "held"
    low: float
    high: float
    of: Link

    @property
    def own_scale(self) -> Link:
        """That of the indicator."""
        return self.of

    @property
    def is_linear(self) -> bool:
        """As on the other link."""
        return self.of.is_linear

    @property
    def parts(self) -> tuple[str | float, ...]:
        """Its name and bounds, and what tells the other link."""
        return (*super().parts, self.low, self.high, *self.of.parts)

    @property
    def domain(self) -> tuple[float, float]:
        """From bound to bound."""
        return self.low, self.high

    def takes(self, value: float) -> bool:
        """Whether a value lies within the bounds or at one."""
        return self.low <= value <= self.high and self.of.takes(value)

    def forward(self, value: ArrayLike) -> NDArray[np.float64]:
        """Natural unit -> link scale."""
        return self.of.forward(value)

    def inverse(self, link_value: ArrayLike) -> NDArray[np.float64]:
        """Link scale -> natural unit, within the bounds."""
        return np.clip(self.of.inverse(link_value), self.low, self.high)

    def slope(self, value: ArrayLike) -> NDArray[np.float64]:
        """Derivative of `forward` at natural values."""
        return self.of.slope(value)


@dataclass(frozen=True)
class CloglogLink(Link):
    """log(-log(1 - y)) - offset: the log rate per period whose probability of at least one event in a year is y, with
    offset = log(periods per year)."""

    name: ClassVar[str] = "cloglog"
    offset: float = 0.0

    @property
    def parts(self) -> tuple[str | float, ...]:
        """Its name and its offset."""
        return self.name, self.offset

    @property
    def domain(self) -> tuple[float, float]:
        """Between 0 and 1."""
        return 0.0, 1.0

    def forward(self, value: ArrayLike) -> NDArray[np.float64]:
        """Natural unit -> link scale."""
        return np.log(-np.log1p(-np.asarray(value, dtype=float))) - self.offset

    def inverse(self, link_value: ArrayLike) -> NDArray[np.float64]:
        """Link scale -> natural unit."""
        return -np.expm1(-np.exp(np.asarray(link_value, dtype=float) + self.offset))

    def slope(self, value: ArrayLike) -> NDArray[np.float64]:
        """Derivative of `forward` at natural values."""
        share = np.asarray(value, dtype=float)
        return -1.0 / ((1.0 - share) * np.log1p(-share))


IDENTITY = IdentityLink()
LOG = LogLink()
LOGIT = LogitLink()


def base_rate_link(periods_per_year: float) -> Link:
    """Link of a base rate: probability of at least one event in a year <-> log rate per period.

    >>> float(base_rate_link(12).inverse(base_rate_link(12).forward(0.3)).round(12))
    0.3
    """
    return CloglogLink(math.log(periods_per_year))
