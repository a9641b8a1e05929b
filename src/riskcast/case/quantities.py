"""Elicited quantities: a median and a 90 % interval <-> a Normal on a link scale."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import written

if TYPE_CHECKING:
    import pandas

Z90 = 1.6448536269514722
LARGEST = 1e12
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST, le=LARGEST, strict=True)]


class Strict(BaseModel):
    """A frozen record that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Evidence(Strict):
    """Why a quantity has the value it has: the claim in our own words, its sources, and what kind of basis it is."""

    basis: Literal["data", "source", "judgement"]
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
        if median is not None and not low <= median <= high:
            raise ValueError(
                f"interval [{low:g}, {high:g}] excludes its median {median:g}; widen it or move the median"
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
        spread = "held fixed" if self.is_fixed else " to ".join(map(written, self.range))
        claim = f"{self.evidence.basis}: {self.evidence.claim}" if self.evidence else "no evidence given"
        columns = (Column("median"), Column("90 % interval"))
        return to_html(Table("Quantity", columns, [(written(self.center), spread)], note=claim))


@dataclass(frozen=True)
class Link(ABC):
    """A scale on which a quantity is Normal."""

    name: ClassVar[str]
    is_linear: ClassVar[bool] = False

    @property
    def parts(self) -> tuple[str | float, ...]:
        """What tells it from other links, as fingerprints of posteriors have it: its name, then its numbers."""
        return self.name, 0.0

    @property
    @abstractmethod
    def domain(self) -> tuple[float, float]:
        """The open range of natural values that the link accepts."""

    @abstractmethod
    def forward(self, value: ArrayLike) -> NDArray[np.float64]:
        """Natural unit -> link scale."""

    @abstractmethod
    def inverse(self, link_value: ArrayLike) -> NDArray[np.float64]:
        """Link scale -> natural unit."""


@dataclass(frozen=True)
class IdentityLink(Link):
    """y."""

    name: ClassVar[str] = "identity"
    is_linear: ClassVar[bool] = True

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
        return np.log(share) - np.log1p(-share)

    def inverse(self, link_value: ArrayLike) -> NDArray[np.float64]:
        """Link scale -> natural unit."""
        share = 1.0 / (1.0 + np.exp(-np.asarray(link_value, dtype=float)))
        return self.low + (self.high - self.low) * share


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


IDENTITY = IdentityLink()
LOG = LogLink()
LOGIT = LogitLink()


@dataclass(frozen=True)
class Prior:
    """A Normal on a link scale: mean and standard deviation (0 where the quantity is fixed)."""

    mean: float
    sd: float
    link: Link

    @property
    def is_fixed(self) -> bool:
        """Whether there is nothing to learn."""
        return self.sd == 0.0

    def quantile(self, z: ArrayLike) -> NDArray[np.float64]:
        """Natural value at the standard normal score `z`.

        >>> prior = elicit(Quantity(median=2.0, interval=(1.0, 4.0)), LOG)
        >>> prior.quantile([-Z90, 0.0, Z90]).round(6).tolist()
        [1.0, 2.0, 4.0]
        """
        return self.link.inverse(self.mean + self.sd * np.asarray(z, dtype=float))


def quantity_text(quantity: Quantity | Mapping[str, Any], text: Callable[[float], str] = written) -> str:
    """A quantity in a few words, from a record or as plain data; `text` makes one of each of its numbers.

    >>> quantity_text({"median": 55.0, "interval": [47, 63]}), quantity_text(Quantity(value=0.8))
    ('55 (47–63)', '0.8')
    """
    given = quantity if isinstance(quantity, Quantity) else Quantity.model_validate(dict(quantity))
    if given.is_fixed:
        return text(given.center)
    low, high = given.range
    return f"{text(given.center)} ({text(low)}–{text(high)})"


def check_domain(quantity: Quantity, link: Link) -> str | None:
    """Say what is wrong with a quantity for this link, or None."""
    low, high = link.domain
    for number in dict.fromkeys((*quantity.range, quantity.center)):
        if not low < number < high:
            return f"{number:g} must be " + (
                f"above {low:g}" if math.isinf(high) else f"strictly between {low:g} and {high:g}"
            )
    return None


def elicit(quantity: Quantity, link: Link) -> Prior:
    """Fit the Normal on the link scale to an elicited median and 90 % interval.

    The mean is the link of the median; the standard deviation is (g(high) - g(low)) / (2 * 1.645), so that the median
    is kept exactly, and both ends too where the interval is symmetric on the link scale (O'Hagan et al., 2006, ch. 5).
    A value fixed at 0 (no drift, no spread) has the link value -inf. Raises ValueError outside the link's domain.
    """
    if quantity.is_fixed and quantity.center == 0 and link in (LOG, LOGIT):
        return Prior(-math.inf, 0.0, link)
    wrong = check_domain(quantity, link)
    if wrong:
        raise ValueError(wrong)
    mean = float(link.forward(quantity.center))
    if quantity.is_fixed:
        return Prior(mean, 0.0, link)
    low, high = link.forward(np.asarray(quantity.range))
    return Prior(mean, float(high - low) / (2.0 * Z90), link)


def base_rate_link(periods_per_year: float) -> Link:
    """Link of a base rate: probability of at least one event in a year <-> log rate per period.

    >>> float(base_rate_link(12).inverse(base_rate_link(12).forward(0.3)).round(12))
    0.3
    """
    return CloglogLink(math.log(periods_per_year))
