"""What each quantity of a case can do to a score or probability, as records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantities import Z90
from riskcast.case.quantity_names import name_quantity
from riskcast.errors import UnknownNameError
from riskcast.forecasting.estimates import Estimate
from riskcast.machinery.array_types import Bools, Floats
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import signed

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Swing:
    """What one quantity does to one target, in points, as it is held at an end of its 90 % interval.

    ends: the two values, in its natural unit; low, high: the change at each, with the 90 % interval of its Monte Carlo
    error; size: how far the target reaches over both ends and where it stands, with its standard error; is_told:
    whether it can be told from chance, see `chance_bar`; how: `untouched`, `weighed`, `refitted`, `unreliable` (a new
    fit that failed its checks), or `screened`, where fewer draws said that it is small; refused: why it was not held.
    """

    quantity: str
    label: str
    ends: tuple[float, float]
    low: Estimate
    high: Estimate
    size: float
    error: float
    is_told: bool
    how: str
    refused: str = ""


@dataclass(frozen=True)
class Interaction:
    """By how many points the swing of one quantity grows as the other goes from its low end to its high end; with its
    standard error, and whether it can be told from chance among all pairs, see `chance_bar`."""

    first: str
    second: str
    points: float
    error: float
    is_told: bool


def chance_bar(count: int, ends: int = 1) -> float:
    """How many standard errors a number must be from 0 to be told from chance, as one of `count` with so many ends.

    Of numbers that are 0, and of which each end may be off to either side, no more than one of all passes on average,
    and no more than one of ten passes at all.

    >>> [round(chance_bar(count, 2), 2) for count in (1, 10, 200)], round(chance_bar(45), 2)
    ([1.96, 1.96, 3.02], 2.29)
    """
    return NormalDist().inv_cdf(1.0 - min(0.1, 1.0 / max(count, 1)) / (2.0 * ends))


def reach(low: Floats, high: Floats) -> Floats:
    """How far changes at two ends reach over both and 0.

    >>> reach(np.array([-1.0, 1.0]), np.array([2.0, 3.0])).tolist()
    [3.0, 3.0]
    """
    return np.maximum(np.maximum(low, high), 0.0) - np.minimum(np.minimum(low, high), 0.0)


def reach_error(low: Floats, high: Floats, low_error: Floats, high_error: Floats, swing_error: Floats) -> Floats:
    """The standard error of `reach`: of the difference, or, where both ends lie on one side, of the one farther out.

    >>> low, high, low_error, high_error, swing_error = (np.array([-1.0, 1.0]), *np.array([[2.0], [3.0], [4.0], [1.0]]))
    >>> reach_error(low, high, low_error, high_error, swing_error).tolist()
    [1.0, 4.0]
    """
    farther = np.where(np.abs(low) > np.abs(high), low_error, high_error)
    return np.where(low * high < 0.0, swing_error, farther)


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """What each quantity of a case does to some targets, in points of 100.

    targets, quantities: their ids; base, base_error: (targets,) where nothing is held; low, high: (quantities, targets)
    changes with a quantity at the low and the high end of its 90 % interval, NaN where it could not be held; low_error,
    high_error, swing_error: standard errors of these and of their difference; ends: (quantities, 2) in natural units;
    how: by quantity, see `Swing`; refused: why a quantity could not be held; fixed: ids of those that are no question;
    interactions: by target, of its largest swings, the largest first; draws, paths, screen_draws: how many were used;
    made: which case, engine and seed the fit comes from.
    """

    case: Case
    scenario: str
    horizon: int
    seed: int
    targets: tuple[str, ...]
    quantities: tuple[str, ...]
    base: Floats
    base_error: Floats
    low: Floats
    high: Floats
    low_error: Floats
    high_error: Floats
    swing_error: Floats
    ends: Floats
    how: tuple[str, ...]
    refused: Mapping[str, str]
    fixed: tuple[str, ...]
    interactions: Mapping[str, tuple[Interaction, ...]]
    draws: int
    paths: int
    screen_draws: int
    warning: str = ""
    made: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sizes(self) -> Floats:
        """How far every target reaches over both ends and where it stands: (quantities, targets)."""
        return reach(self.low, self.high)

    @cached_property
    def errors(self) -> Floats:
        """Standard errors of the sizes: (quantities, targets)."""
        return reach_error(self.low, self.high, self.low_error, self.high_error, self.swing_error)

    @cached_property
    def told(self) -> Bools:
        """Which swings can be told from chance: (quantities, targets)."""
        return (self.sizes > chance_bar(len(self.quantities), 2) * self.errors) & (self.sizes > 0.0)

    def swings(self, target: str) -> tuple[Swing, ...]:
        """The swings of one target, the largest first; those that could not be worked out last.

        Raises UnknownNameError for a target that was not asked for.
        """
        if target not in self.targets:
            raise UnknownNameError("target", target, self.targets)
        place = self.targets.index(target)
        found = [self._swing(row, place) for row in range(len(self.quantities))]
        return tuple(sorted(found, key=lambda swing: (math.isnan(swing.size), -swing.size)))

    def _swing(self, row: int, place: int) -> Swing:
        key = self.quantities[row]
        low, high = (
            Estimate(float(mean), float(mean - Z90 * error), float(mean + Z90 * error))
            for mean, error in (
                (self.low[row, place], self.low_error[row, place]),
                (self.high[row, place], self.high_error[row, place]),
            )
        )
        one, two = self.ends[row].tolist()
        return Swing(
            quantity=key,
            label=name_quantity(self.case, key).label,
            ends=(one, two),
            low=low,
            high=high,
            size=float(self.sizes[row, place]),
            error=float(self.errors[row, place]),
            is_told=bool(self.told[row, place]),
            how=self.how[row],
            refused=self.refused.get(key, ""),
        )

    def to_frame(self) -> pandas.DataFrame:
        """One row for each target and quantity, the largest swings first: target, quantity, label, low_end, high_end,
        low, high (changes in points), low_error, high_error, size, error, told, how."""
        import pandas

        rows = []
        for place, target in enumerate(self.targets):
            for s in self.swings(target):
                at = self.quantities.index(s.quantity)
                errors = (float(self.low_error[at, place]), float(self.high_error[at, place]))
                numbers = (*s.ends, s.low.mean, s.high.mean, *errors, s.size, s.error)
                rows.append((target, s.quantity, s.label, *numbers, s.is_told, s.how))
        columns = ["target", "quantity", "label", "low_end", "high_end", "low", "high", "low_error", "high_error"]
        return pandas.DataFrame(rows, columns=[*columns, "size", "error", "told", "how"])

    def __repr__(self) -> str:
        first = self.swings(self.targets[0])[:3]
        told = "; ".join(f"{s.quantity} {signed(s.low.mean)} to {signed(s.high.mean)}" for s in first)
        return f"<Sensitivities of {len(self.targets)} targets to {len(self.quantities)} quantities. {told}>"

    def _repr_html_(self) -> str:
        target = self.targets[0]
        forms = ("at its low end", "at its high end", "size", "error")
        columns = (Column("quantity"), *(Column(name, form="figure", digits=1) for name in forms))
        rows = [(s.label, s.low.mean, s.high.mean, s.size, s.error) for s in self.swings(target)[:12]]
        note = f"Points of {target}, {self.base[0]:.1f} as it stands, with each held at an end of its 90 % interval."
        left = max(len(self.quantities) - len(rows), 0)
        return to_html(Table("Which belief matters", columns, rows, note=note, warning=self.warning, left_out=left))


def sensitivities_data(found: Sensitivities) -> dict[str, Any]:
    """The same as plain data: where each target stands, its swings, the largest first, and their interactions."""

    def swing(s: Swing) -> dict[str, Any]:
        if s.refused:
            return {"quantity": s.quantity, "label": s.label, "refused": s.refused}
        return {
            "quantity": s.quantity,
            "label": s.label,
            "ends": list(s.ends),
            "low": _plain(s.low),
            "high": _plain(s.high),
            "size": s.size,
            "standard_error": s.error,
            "told_from_chance": s.is_told,
            "how": s.how,
        }

    return {
        **found.made,
        "scenario": found.scenario,
        "horizon": found.horizon,
        "draws": found.draws,
        "paths": found.paths,
        "screened_with_draws": found.screen_draws or None,
        "unit": "points of 100",
        "warning": found.warning or None,
        "fixed": list(found.fixed),
        "targets": [
            {
                "target": target,
                "base": float(found.base[place]),
                "standard_error": float(found.base_error[place]),
                "swings": [swing(s) for s in found.swings(target)],
                "interactions": [
                    {"quantities": [i.first, i.second], "points": i.points, "standard_error": i.error}
                    | {"told_from_chance": i.is_told}
                    for i in found.interactions.get(target, ())
                ],
            }
            for place, target in enumerate(found.targets)
        ],
    }


def _plain(estimate: Estimate) -> dict[str, float]:
    return {"mean": estimate.mean, "low": estimate.low, "high": estimate.high}
