"""What each quantity of a case can do to a score or probability, as records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
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
    error; size: how far the target reaches over both ends and where it stands; error: standard error of the difference
    between the ends; how: `untouched`, `weighed`, `refitted`, or `screened`, where fewer draws said that it is small;
    refused: why it could not be held.
    """

    quantity: str
    label: str
    ends: tuple[float, float]
    low: Estimate
    high: Estimate
    size: float
    error: float
    how: str
    refused: str = ""

    @property
    def is_told(self) -> bool:
        """Whether it can be told from chance: more than 1.645 standard errors."""
        return self.size > Z90 * self.error and self.size > 0.0


@dataclass(frozen=True)
class Interaction:
    """By how many points the swing of one quantity grows as the other goes from its low end to its high end; with its
    standard error."""

    first: str
    second: str
    points: float
    error: float

    @property
    def is_told(self) -> bool:
        """Whether it can be told from chance: more than 1.645 standard errors."""
        return abs(self.points) > Z90 * self.error


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """What each quantity of a case does to some targets, in points of 100.

    targets, quantities: their ids; base, base_error: (targets,) where nothing is held; low, high: (quantities, targets)
    changes with a quantity at the low and the high end of its 90 % interval, NaN where it could not be held; low_error,
    high_error, swing_error: standard errors of these and of their difference; ends: (quantities, 2) in natural units;
    how: by quantity, see `Swing`; refused: why a quantity could not be held; fixed: ids of those that are no question;
    interactions: by target, of its largest swings, the largest first; draws, paths, screen_draws: how many were used.
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

    @cached_property
    def sizes(self) -> Floats:
        """How far every target reaches over both ends and where it stands: (quantities, targets)."""
        ends = np.stack([self.low, np.zeros_like(self.low), self.high])
        return ends.max(axis=0) - ends.min(axis=0)

    @cached_property
    def told(self) -> Bools:
        """Which swings can be told from chance: (quantities, targets)."""
        return self.sizes > Z90 * self.swing_error

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
            error=float(self.swing_error[row, place]),
            how=self.how[row],
            refused=self.refused.get(key, ""),
        )

    def first_order(self, target: str) -> Mapping[str, float]:
        """By quantity, the variance of a target that its own prior makes, all else averaged, in points squared.

        E[target | z] is taken for a + b z + c z^2 in the prior's standard normal score z, through both ends and the
        mean: b^2 + 2 c^2. Over the variance of the target given all quantities this is its first Sobol index (Sobol,
        1993), where the record is left out; after the record the prior is not what is believed any more.
        """
        place = self.targets.index(target)
        low, high = self.low[:, place], self.high[:, place]
        b, c = (high - low) / (2.0 * Z90), (high + low) / (2.0 * (Z90**2 - 1.0))
        return dict(zip(self.quantities, (b**2 + 2.0 * c**2).tolist(), strict=True))

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
        "case": found.case.name,
        "case_hash": found.case.hash,
        "as_of": found.case.as_of.isoformat(),
        "scenario": found.scenario,
        "horizon": found.horizon,
        "draws": found.draws,
        "paths": found.paths,
        "screened_with_draws": found.screen_draws or None,
        "seed": found.seed,
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
