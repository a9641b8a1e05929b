"""How severe a dyad's worst outcome may be -> an Altair chart: the exceedance curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from riskcast.charts.canvas import Width, dyad_label, finish, highest, plot, tips, window_text
from riskcast.charts.theme import LIGHT, Palette, probability_axis
from riskcast.errors import UnknownNameError
from riskcast.forecasting.scoring import DyadRisk, Risk
from riskcast.numbers import percent

if TYPE_CHECKING:
    import altair as alt

HEIGHT: Final = 230
# Curves of other dyads behind the chosen one: with more, none can be told apart.
MOST_OTHERS: Final = 8


def exceedance_chart(
    risk: Risk, dyad: str | None = None, *, width: Width = "container", palette: Palette = LIGHT
) -> alt.LayerChart:
    """P(worst own outcome >= s) over severity s as steps, of a dyad before those of the others; the dyad with the
    highest score where none is given. A rule stands where outcomes begin to be grave, if the case says so.

    Raises UnknownNameError for a dyad that is not forecast.
    """
    import altair as alt

    found = {item.id: item for item in risk.dyads}
    own = highest(risk)[0][0] if dyad is None else found.get(dyad)
    if own is None:
        raise UnknownNameError("dyad at the start of the horizon", str(dyad), risk.forecast.dyads)
    others = [one for one in highest(risk, MOST_OTHERS + 1)[0] if one.id != own.id][:MOST_OTHERS]
    case = risk.forecast.case
    labels: dict[float, list[str]] = {}
    for event in case.own_outcomes:
        labels.setdefault(float(case.events[event].severity or 0.0), []).append(case.events[event].label)
    x_scale = alt.Scale(domain=[0, 100], nice=False)
    x = alt.X("severity:Q", title="severity", scale=x_scale, axis=alt.Axis(grid=False, tickCount=6))
    y = probability_axis("probability", None, 1.0, False, alt.Y)
    steps: dict[str, Any] = {"interpolate": "step-before", "clip": True}
    rows = [{**row, "curve": one.id} for one in others for row in _steps(one)]
    layers = []
    if rows:
        behind = plot(rows).mark_line(color=palette.rule, strokeWidth=1.2, opacity=0.7, **steps)
        layers.append(behind.encode(x=x, y=y, detail="curve:N", tooltip=tips(label="pair")))
    chosen = _steps(own)
    curve = plot(chosen)
    layers.append(curve.mark_area(color=palette.model, opacity=0.14, **steps).encode(x=x, y=y))
    layers.append(curve.mark_line(color=palette.model, strokeWidth=2.4, **steps).encode(x=x, y=y))
    dots = [
        {
            "severity": severity,
            "probability": chance,
            "text": percent(chance),
            "least": f"{severity:g} or more",
            "outcomes": ", ".join(labels.get(severity, ())),
        }
        for severity, chance in own.exceedance
    ]
    tooltip = tips(least="severity", text="chance of such an outcome", outcomes="outcomes of just this severity")
    points = plot(dots)
    layers.append(
        points.mark_point(color=palette.model, filled=True, size=52, opacity=1).encode(x=x, y=y, tooltip=tooltip)
    )
    grave = case.settings.grave
    told = ""
    if grave is not None and own.grave is not None:
        mark = [{"severity": grave, "text": f"grave: {percent(own.grave)}", "top": 1.0}]
        rule = plot(mark)
        layers.append(rule.mark_rule(color=palette.muted, strokeDash=[4, 3]).encode(x=x))
        layers.append(
            rule.mark_text(color=palette.ink, align="left", dx=5, baseline="top", fontSize=12).encode(
                x=x, y=alt.Y("top:Q"), text="text:N"
            )
        )
        told = f" Grave, {grave:g} or more: {percent(own.grave)}."
    spoken = ", ".join(f"{dot['least']} {dot['text']}" for dot in dots)
    grey = "\ngrey: the other pairs" if rows else ""
    return finish(
        layers,
        palette=palette,
        width=width,
        height=HEIGHT,
        title=f"How severe the worst may be: {dyad_label(own)}",
        subtitle=f"chance that the worst own outcome has at least a severity\n{window_text(risk)}{grey}",
        description=f"Chance that the worst outcome of {dyad_label(own)} has a severity of {spoken}.{told}",
    )


def _steps(dyad: DyadRisk) -> list[dict[str, Any]]:
    """Corners of a dyad's curve from severity 0 to 100."""
    corners = [(0.0, dyad.exceedance[0][1]), *dyad.exceedance, (100.0, 0.0)] if dyad.exceedance else []
    return [{"severity": level, "probability": chance, "label": dyad_label(dyad)} for level, chance in corners]
