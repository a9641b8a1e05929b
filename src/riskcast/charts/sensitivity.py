"""Which belief matters, as a tornado."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskcast.case.model import Case
from riskcast.challenge.sensitivity_records import Sensitivities
from riskcast.charts.canvas import Width, unit_label
from riskcast.charts.comparison import MOST_SWINGS, tornado_chart
from riskcast.charts.theme import LIGHT, Palette
from riskcast.forecasting.attribution import SCORE
from riskcast.numbers import number

if TYPE_CHECKING:
    import altair as alt


def sensitivity_chart(
    found: Sensitivities,
    target: str | None = None,
    *,
    most: int = MOST_SWINGS,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """The tornado of one target, the first where none is named: the swings that can be told from chance, the widest
    first. Raises UnknownNameError for a target that was not asked for."""
    target = found.targets[0] if target is None else target
    swings = {s.label: (s.low, s.high) for s in found.swings(target) if s.is_told}
    unit = "points" if target.partition(":")[0] == SCORE else "percentage points"
    base = float(found.base[found.targets.index(target)])
    return tornado_chart(
        swings,
        title=f"Which belief matters: {_name(found.case, target)}",
        subtitle=f"{unit} beyond {number(base, 1)} when one quantity stands at an end of its 90 % interval"
        if swings
        else "no quantity moves it by more than chance does here; more draws may tell",
        axis_title=f"change, {unit}",
        most=most,
        width=width,
        palette=palette,
    )


def _name(case: Case, target: str) -> str:
    """A target as people call it; a query as it was asked."""
    name, _, unit = target.partition(":")
    if name == SCORE:
        return f"score of {unit_label(case, unit)}"
    return f"{case.events[name].label}, {unit_label(case, unit)}" if name in case.events else target
