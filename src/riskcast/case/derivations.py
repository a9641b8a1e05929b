"""Columns that a panel case works out of others: what is done to what."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from riskcast.case.quantities import Finite, Strict
from riskcast.machinery.ordering import topological_order

# Before the name of a column of the table of states: its values of both states of a dyad, the first one's first.
OF_STATES: Final = "states."
Operation = Literal[
    "lag",
    "log",
    "difference",
    "mean",
    "min",
    "max",
    "product",
    "ratio",
    "either",
    "both",
    "first",
    "second",
    "spline",
    "standardise",
    "since",
    "cumulative",
    "fading",
]
# How many columns each takes: the least and the most, None for any number.
_TAKES: Final[Mapping[str, tuple[int, int | None]]] = {
    **dict.fromkeys(("lag", "log", "spline", "standardise", "since", "cumulative", "fading"), (1, 1)),
    **dict.fromkeys(("first", "second", "ratio"), (2, 2)),
    **dict.fromkeys(("product", "either", "both"), (2, None)),
    **dict.fromkeys(("mean", "min", "max"), (1, None)),
    "difference": (1, 2),
}
_IN_TIME: Final = ("lag", "difference", "mean", "min", "max")
_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "periods": _IN_TIME,
    "plus": ("log",),
    "knots": ("spline",),
    "part": ("spline",),
    "half_life": ("fading",),
}


def _names(given: Any) -> Any:
    """One name as a list of one."""
    return [given] if isinstance(given, str) else given


Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_names), Field(min_length=1, max_length=20)
]


class Derivation(Strict):
    """One column out of others: `do` it to the columns that `of` names.

    A name means a column of the panel's table, another derived column, an event type (whether it happened in the period
    before), input events (how many there were in the period before), or, as `states.NAME`, a column of the table of
    states for both states of a dyad. `periods`: how far back a lag or a difference reaches, or over how many periods up
    to the own one a mean, a least or a greatest value runs; `plus`: what is added before the logarithm; `knots`,
    `part`: of a natural cubic spline; `half_life`: in periods.

    >>> Derivation(do="lag", of="trade").reach
    1
    """

    do: Operation
    of: Names
    periods: Annotated[int, Field(ge=1, le=600, strict=True)] | None = Field(
        default=None, exclude_if=lambda periods: periods is None
    )
    plus: Finite | None = Field(default=None, exclude_if=lambda added: added is None)
    knots: tuple[Finite, ...] | None = Field(default=None, exclude_if=lambda knots: knots is None)
    part: Annotated[int, Field(ge=1, strict=True)] | None = Field(default=None, exclude_if=lambda part: part is None)
    half_life: Annotated[Finite, Field(gt=0)] | None = Field(default=None, exclude_if=lambda periods: periods is None)

    @property
    def inputs(self) -> tuple[tuple[str, int], ...]:
        """The columns that it takes, in order: their names, and which state's value is meant, -1 where no state's is.

        >>> Derivation(do="min", of="states.polity").inputs
        (('states.polity', 0), ('states.polity', 1))
        """
        found = (((name, 0), (name, 1)) if name.startswith(OF_STATES) else ((name, -1),) for name in self.of)
        return tuple(one for each in found for one in each)

    @property
    def reach(self) -> int:
        """Over how many periods it runs, or how far back it reaches."""
        return self.periods or 1

    @property
    def is_in_time(self) -> bool:
        """Whether it takes one column at several periods."""
        return self.do in _IN_TIME and len(self.inputs) == 1

    @model_validator(mode="after")
    def _fitting(self) -> Derivation:
        for key, kinds in _OWN.items():
            if getattr(self, key) is not None and self.do not in kinds:
                raise ValueError(f"has `{key}:`, which `do: {self.do}` does not use; remove it")
        count, (least, most) = len(self.inputs), _TAKES[self.do]
        if count < least or (most is not None and count > most):
            asked = f"{least}" if most == least else f"{least} or more" if most is None else f"{least} to {most}"
            wrong = f"takes {count} columns, and `do: {self.do}` takes {asked}"
            raise ValueError(f"{wrong}; correct `of:`, where states.NAME stands for two columns, one of each state")
        if self.do in ("first", "second") and not self.of[0].startswith(OF_STATES):
            raise ValueError(f"takes the {self.do} state's value of no state's column; write `of: states.NAME`")
        if self.do in ("mean", "min", "max") and count == 1 and self.periods is None:
            raise ValueError("takes one column and does not say over how many periods; add `periods:`")
        if self.do in _IN_TIME and count > 1 and self.periods is not None:
            raise ValueError("takes several columns of one period; remove `periods:`, or take one column")
        if (self.do == "fading") != (self.half_life is not None):
            raise ValueError("does not say how long events last; add `half_life:`, in periods")
        if self.do == "spline":
            self._check_knots()
        return self

    def _check_knots(self) -> None:
        knots = self.knots or ()
        if len(knots) < 3 or any(one >= other for one, other in pairwise(knots)):
            raise ValueError("has fewer than three knots, or knots that do not rise; write `knots: [0, 5, 10]`")
        if self.part is None or self.part > len(knots) - 2:
            wrong = "does not say which part of the spline it is"
            raise ValueError(f"{wrong}; add `part:`, from 1 to {len(knots) - 2}, beside the column itself")


def derived_order(derive: Mapping[str, Derivation]) -> tuple[str, ...]:
    """Derived columns, each after those that it takes; raises ValueError (graphlib.CycleError) on a circle.

    >>> derived_order({"b": Derivation(do="log", of="a"), "a": Derivation(do="lag", of="x")})
    ('a', 'b')
    """
    return topological_order({name: {one for one in own.of if one in derive} for name, own in derive.items()})
