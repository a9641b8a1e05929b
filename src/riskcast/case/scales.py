"""Scales of indicators: what a step is, how levels become steps and back, and what a scenario can do to them.

To add a scale, write its class here and name it in `SCALES`: whatever counts, moves, draws or explains levels asks the
scale of the indicator.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from riskcast.case.links import IDENTITY, LOG, BoundedLink, Link, LogitLink
from riskcast.case.quantities import Prior
from riskcast.machinery.registry import Entry, Registry

Verb = Literal["set", "shift", "multiply"]
VERBS: tuple[Verb, ...] = ("set", "shift", "multiply")


@dataclass(frozen=True)
class Refusal:
    """Why a scenario cannot move an indicator in some way, and what will do instead."""

    wrong: str
    mend: str


@dataclass(frozen=True)
class Wrong:
    """A field of an indicator that does not fit its scale, what is wrong with it and how to mend it."""

    field: str
    wrong: str
    mend: str


@dataclass(frozen=True)
class Scale(ABC):
    """How levels of one indicator are counted in steps from its reference level.

    x = (g(level) - g(reference)) / width, where g is the link on which levels drift and width one step on it.

    reference, step, bounds: as the case gives them, in the natural unit `unit`.
    """

    axis: ClassVar[Literal["linear", "log"]] = "linear"
    needs_bounds: ClassVar[bool] = False
    refused: ClassVar[Mapping[Verb, Refusal]] = {}
    moves_middle: ClassVar[bool] = False
    """Whether `shift` and `multiply` are said of the middle level, and every path moves by as many steps as it does."""
    moves_help: ClassVar[str] = ""

    reference: float
    step: float
    bounds: tuple[float, float] | None = None
    unit: str = ""

    @property
    @abstractmethod
    def link(self) -> Link:
        """The link on which levels drift, and are Normal where they have no bounds."""

    @property
    def prior_link(self) -> Link:
        """The link of what is believed of a level: within bounds their log odds, so that no prior leaves them."""
        return self.link if self.bounds is None else BoundedLink(*self.bounds, self.link)

    @property
    @abstractmethod
    def width(self) -> float:
        """One step, on the link."""

    @property
    @abstractmethod
    def step_words(self) -> str:
        """One step in the natural unit, such as `5 points of % agreeing`."""

    def problems(self) -> Iterator[Wrong]:
        """What does not fit between the scale and the numbers of the indicator."""
        yield from ()

    def steps(self, level: Any) -> Any:
        """Levels in the natural unit -> steps from the reference level; endless ones where steps are too small."""
        with np.errstate(over="ignore"):
            return (self.link.forward(level) - self.link.forward(self.reference)) / self.width

    def level(self, steps: Any) -> Any:
        """Steps from the reference level -> levels in the natural unit."""
        return self.link.inverse(self.link.forward(self.reference) + steps * self.width)

    def steps_at(self, prior: Prior, z: Any) -> Any:
        """Steps from the reference level at standard normal scores of what is believed of a level."""
        return self.steps(prior.quantile(z))

    @property
    def limits(self) -> tuple[float, float]:
        """The bounds, in steps; infinite where the scale has no end."""
        low, high = self.bounds or (-np.inf, np.inf)
        least, most = self.link.domain
        return (
            -np.inf if low <= least else float(self.steps(low)),
            np.inf if high >= most else float(self.steps(high)),
        )

    def reached(self, verb: Verb, level: Any, size: float) -> Any:
        """Levels, in the natural unit, after a move of such a size."""
        if verb == "set":
            return np.full_like(level, size)
        return level + size if verb == "shift" else level * size

    def set(self, path: Any, share: Any, middle: Any, level: float) -> Any:
        """Paths in steps, of which a share of the way to a level is gone.

        path: (periods, paths, units); share: how much of the move is done, (periods, 1, 1); middle: the middle level in
        steps, (periods, 1, units), before the move.
        """
        return path + share * (float(self.steps(level)) - path)

    @abstractmethod
    def shift(self, path: Any, share: Any, middle: Any, amount: float) -> Any:
        """Paths moved by an amount in the natural unit; shapes as in `set`."""

    @abstractmethod
    def multiply(self, path: Any, share: Any, middle: Any, factor: float) -> Any:
        """Paths moved to a multiple of their level; shapes as in `set`."""

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """What a scenario can do to an indicator on this scale."""
        return tuple(verb for verb in VERBS if verb not in self.refused)

    def step_move(self, steps: float, middle: float) -> tuple[Verb, float]:
        """The move, and its size, that takes a middle level, itself in steps, so many steps further; every path goes as
        far where the scale can say so."""
        return "shift", float(self.level(middle + steps) - self.level(middle))

    def increment(self, verb: Verb) -> float:
        """How much the buttons of a number field add to the size of a move."""
        return 0.1 if verb == "multiply" else self.step / 5


class IdentityScale(Scale):
    """Levels that add up; a step is so much, in the natural unit."""

    @property
    def link(self) -> Link:
        """The level itself."""
        return IDENTITY

    @property
    def width(self) -> float:
        """The step."""
        return self.step

    @property
    def step_words(self) -> str:
        """The step with its unit."""
        step, unit = f"{self.step:g}", self.unit
        if unit.startswith("%"):
            return f"{step} points of {unit}"
        if unit.startswith("index"):
            return f"{step} on the {unit}"
        return "from 0 to 1" if unit == "0 or 1" else f"{step} {unit}"

    def step_move(self, steps: float, middle: float) -> tuple[Verb, float]:
        """A shift by so many steps."""
        return "shift", steps * self.step

    def shift(self, path: Any, share: Any, middle: Any, amount: float) -> Any:
        """Every path moves by the amount."""
        return path + share * (amount / self.step)

    def multiply(self, path: Any, share: Any, middle: Any, factor: float) -> Any:
        """Every path moves to the multiple of its own level."""
        origin = self.reference / self.step
        return (origin + path) * (1.0 + share * (factor - 1.0)) - origin


class LogScale(Scale):
    """Levels that grow by factors; a step is a factor."""

    axis = "log"
    refused: ClassVar[Mapping[Verb, Refusal]] = {"shift": Refusal("cannot shift on the log scale", "use multiply")}
    moves_help = "This indicator lives on a scale of ratios, where shifting makes no sense."

    @property
    def link(self) -> Link:
        """The logarithm."""
        return LOG

    @property
    def width(self) -> float:
        """The logarithm of the factor."""
        return np.float64(self.link.forward(self.step))

    @property
    def step_words(self) -> str:
        """The factor with what it multiplies."""
        return f"a doubling of {self.unit}" if self.step == 2 else f"{self.step:g} times as many {self.unit}"

    def problems(self) -> Iterator[Wrong]:
        """The reference must have a logarithm, and the step must be a factor."""
        if self.reference <= 0:
            yield Wrong("reference", "must be above 0 on the log scale", "raise it")
        if self.step <= 1:
            wrong = f"is {self.step:g}; on the log scale a step is a factor"
            yield Wrong("step", wrong, "give a factor above 1, such as 1.5")

    def step_move(self, steps: float, middle: float) -> tuple[Verb, float]:
        """The multiple that so many steps are."""
        return "multiply", self.step**steps

    def shift(self, path: Any, share: Any, middle: Any, amount: float) -> Any:
        """Nobody can say by how much; refused before it comes to this."""
        raise NotImplementedError(self.refused["shift"].wrong)

    def multiply(self, path: Any, share: Any, middle: Any, factor: float) -> Any:
        """Every path moves to the multiple of its own level."""
        return path + share * (math.log(factor) / math.log(self.step))

    def increment(self, verb: Verb) -> float:
        """A tenth."""
        return 0.1


class LogitScale(Scale):
    """Levels between two bounds, such as per cent and shares, on their log odds: no level ever leaves the bounds.

    A step is so much, in the natural unit, up from the reference level; elsewhere it is as large in log odds, and so
    smaller the nearer a bound is.

    >>> scale = LogitScale(reference=50.0, step=10.0, bounds=(0.0, 100.0))
    >>> scale.level(np.array([-1.0, 0.0, 1.0, 5.0])).round(1).tolist()
    [40.0, 50.0, 60.0, 88.4]
    """

    needs_bounds = True
    moves_middle = True
    moves_help = (
        "Shift and multiply are said of today's middle level, or of the one that an earlier move has set; no level "
        "ever reaches its bounds."
    )

    @property
    def link(self) -> Link:
        """The log odds within the bounds."""
        return LogitLink(*(self.bounds or (0.0, 1.0)))

    @property
    def width(self) -> float:
        """The log odds of a step above the reference less those of the reference."""
        return float(self.link.forward(self.reference + self.step) - self.link.forward(self.reference))

    @property
    def step_words(self) -> str:
        """The step at the reference, with its unit."""
        points = "points of " if self.unit.startswith("%") else ""
        return f"{self.step:g} {points}{self.unit}, from {self.reference:g} to {self.reference + self.step:g}"

    def problems(self) -> Iterator[Wrong]:
        """Bounds must be there; the reference, and a step above it, must lie between them."""
        if self.bounds is None:
            mend = "add what the level can lie between, such as bounds: [0, 100]"
            yield Wrong("bounds", "is missing, but the scale is logit", mend)
            return
        low, high = self.bounds
        if not low < self.reference < high:
            wrong = f"{self.reference:g} is not between the bounds {low:g} and {high:g}, as the logit scale needs it"
            yield Wrong("reference", wrong, "move it inside, or say scale: identity")
        elif not self.reference + self.step < high:
            wrong = f"{self.step:g} up from the reference {self.reference:g} reaches the upper bound {high:g}"
            yield Wrong("step", wrong, f"on the logit scale, give a step below {high - self.reference:g}")

    @property
    def prior_link(self) -> Link:
        """The same."""
        return self.link

    def steps_at(self, prior: Prior, z: Any) -> Any:
        """Steps from the reference level at standard normal scores; exact next to the bounds too."""
        return (prior.on_link(z) - self.link.forward(self.reference)) / self.width

    def shift(self, path: Any, share: Any, middle: Any, amount: float) -> Any:
        """The middle level moves by the amount, and every path by as many steps."""
        return self._with_middle(path, share, middle, "shift", amount)

    def multiply(self, path: Any, share: Any, middle: Any, factor: float) -> Any:
        """The middle level moves to its multiple, and every path by as many steps."""
        return self._with_middle(path, share, middle, "multiply", factor)

    def _with_middle(self, path: Any, share: Any, middle: Any, verb: Verb, size: float) -> Any:
        with np.errstate(invalid="ignore", divide="ignore"):
            change = self.steps(self.reached(verb, self.level(middle), size)) - middle
        # Periods outside the move may stand at another level, from which the move would leave the bounds.
        return path + np.where(share > 0, share * change, 0)


SCALES = Registry[type[Scale]](
    "scale",
    {
        "identity": Entry("for what adds up; a step is so much", IdentityScale),
        "log": Entry("for what grows by factors; a step is a factor", LogScale),
        "logit": Entry("for per cent and shares, between bounds; a step is so much up from the reference", LogitScale),
    },
)
