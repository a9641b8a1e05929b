"""Which belief matters, as a tornado."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskcast.challenge.sensitivity_records import Sensitivities
from riskcast.charts.canvas import Width
from riskcast.charts.comparison import MOST_SWINGS, tornado_chart
from riskcast.charts.theme import LIGHT, Palette
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
    target = target or found.targets[0]
    swings = {s.label: (s.low, s.high) for s in found.swings(target) if s.is_told}
    base = float(found.base[found.targets.index(target)])
    return tornado_chart(
        swings,
        title=f"Which belief matters for {target}",
        subtitle=f"points beyond {number(base, 1)} when one quantity stands at an end of its 90 % interval",
        axis_title="change, points",
        most=most,
        width=width,
        palette=palette,
    )
