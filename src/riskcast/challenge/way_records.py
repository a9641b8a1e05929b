"""Ways by which a conclusion falls, as records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from riskcast.case.model import Case
from riskcast.challenge.event_ways import EventWay
from riskcast.challenge.goals import Goal
from riskcast.machinery.tables import Column, Table, to_html

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Move:
    """One belief on the way: from its median to a value, z prior standard deviations away."""

    quantity: str
    label: str
    median: float
    value: float
    z: float


@dataclass(frozen=True)
class Way:
    """Beliefs that together reach a goal, or the nearest to it that was found.

    moves: the largest first; distance: |z|, in prior standard deviations, with the standard error of where the goal is
    reached on this way, NaN where it is not; density: of these beliefs, beside that of the medians; values, errors:
    of the goal's targets there, with standard errors; is_there: whether the goal is reached; within_chance: whether
    chance alone could put them on the other side; is_good: whether the fit behind it passed its checks.
    """

    name: str
    moves: tuple[Move, ...]
    distance: float
    distance_error: float
    density: float
    values: tuple[float, ...]
    errors: tuple[float, ...]
    is_there: bool
    within_chance: bool
    is_good: bool


@dataclass(frozen=True, eq=False)
class Ways:
    """What it takes for a goal to be reached: by beliefs, the least surprising first, and by events.

    values, errors: where the goal's targets stand today; is_reached: whether the goal is reached already; refused: ways
    that are none, and why; made: which case, engine and seed the fit comes from.
    """

    case: Case
    scenario: str
    horizon: int
    goal: Goal
    values: tuple[float, ...]
    errors: tuple[float, ...]
    is_reached: bool
    ways: tuple[Way, ...]
    refused: Mapping[str, str]
    events: tuple[EventWay, ...]
    draws: int
    paths: int
    warning: str = ""
    made: Mapping[str, Any] = field(default_factory=dict)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each belief of each way: way, distance, error, density, reached, quantity, label, median, value,
        z."""
        import pandas

        rows = [
            (*about, m.quantity, m.label, m.median, m.value, m.z)
            for way in self.ways
            for about in [(way.name, way.distance, way.distance_error, way.density, way.is_there)]
            for m in way.moves
        ]
        columns = ["way", "distance", "error", "density", "reached", "quantity", "label", "median", "value", "z"]
        return pandas.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        nearest = f"nearest {self.ways[0].distance:.1f} prior standard deviations away" if self.ways else "no way found"
        return f"<Ways to {self.goal.text}: {len(self.ways)}, {nearest}.>"

    def _repr_html_(self) -> str:
        columns = (Column("way"), Column("distance", form="figure", digits=1), Column("beliefs"))
        rows = [(way.name, way.distance, "; ".join(f"{m.label} {m.value:.3g}" for m in way.moves)) for way in self.ways]
        return to_html(Table(f"Ways to {self.goal.text}", columns, rows, note="In prior standard deviations."))


def ways_data(found: Ways) -> dict[str, Any]:
    """The same as plain data."""
    return {
        **found.made,
        "scenario": found.scenario,
        "horizon": found.horizon,
        "goal": found.goal.text,
        "unit": "points of 100",
        "draws": found.draws,
        "paths": found.paths,
        "warning": found.warning or None,
        "today": [
            {"target": target.id, "value": value, "standard_error": error}
            for target, value, error in zip(found.goal.targets, found.values, found.errors, strict=True)
        ],
        "is_reached": found.is_reached,
        "ways": [
            {
                "name": way.name,
                "prior_standard_deviations": way.distance,
                "standard_error": None if math.isnan(way.distance_error) else way.distance_error,
                "density": way.density,
                "values": list(way.values),
                "standard_errors": list(way.errors),
                "is_there": way.is_there,
                "within_chance": way.within_chance,
                "fit_is_reliable": way.is_good,
                "moves": [asdict(move) for move in way.moves],
            }
            for way in found.ways
        ],
        "refused": dict(found.refused),
        "events": [
            {
                "events": [{"event": event, "unit": unit, "happens": happens} for event, unit, happens in way.events],
                "chance": way.chance,
                "standard_error": way.error,
                "share_that_reaches": way.reached,
                "standard_error_of_share": way.reached_error,
            }
            for way in found.events
        ],
    }
