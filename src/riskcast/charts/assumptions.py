"""What a case assumes -> Altair charts: densities of quantities, and the matrix of effects."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskcast.case.links import LOGIT, CloglogLink
from riskcast.case.model import Case
from riskcast.case.quantities import Z90, Prior
from riskcast.charts.canvas import (
    LABEL_ROOM,
    Width,
    finish,
    ink_on,
    lookup,
    plot,
    ramps_of,
    rows_axis,
    swatches,
    tips,
)
from riskcast.charts.theme import LIGHT, PERCENT, SIGNED, Palette
from riskcast.errors import OptionError
from riskcast.numbers import figure, percent, percent_figure

if TYPE_CHECKING:
    import altair as alt

type Floats = NDArray[np.float64]

REACH: Final = (-3.0, 2.7)
POINTS: Final = 120
NAMES: Final = ("as published", "as changed", "with the record")
STEPS: Final = (1.05, 1.25, 2.0, 8.0)


def density_chart(
    before: Prior,
    after: Prior | None = None,
    draws: ArrayLike | None = None,
    *,
    label: str = "",
    unit: str = "",
    names: tuple[str, str, str] = NAMES,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """Density of an elicited quantity on its natural scale, before and after a change, and of posterior draws of it;
    median and 90 % interval of each stand beneath.

    draws: (draws,) in the natural unit. An `after` that equals `before` is not drawn twice; a quantity held fixed is a
    line at its value.
    """
    import altair as alt

    colours = (palette.pooled_rate, palette.model, palette.persistence)
    given: list[tuple[str, str, Floats, Floats, Floats]] = [(names[0], colours[0], *prior_curve(before))]
    held_at = {names[0]: before.held}
    if after is not None and after != before:
        given.append((names[1], colours[1], *prior_curve(after)))
        held_at[names[1]] = after.held
    if draws is not None:
        given.append((names[2], colours[2], *draws_curve(draws, before)))
    peak = max((float(density.max()) for _, _, _, density, _ in given if density.size), default=1.0)
    unit_is_share = before.link == LOGIT or isinstance(before.link, CloglogLink)
    form = percent_figure if unit_is_share else figure
    curves, marks = [], []
    for place, (name, colour, value, density, points) in enumerate(given):
        low, median, high = (float(point) for point in points)
        strip = -peak * (0.10 + 0.11 * place)
        for x, p in zip(value.tolist(), density.tolist(), strict=True):
            curves.append({"name": name, "value": x, "density": p, "zero": 0.0})
        held = "" if low < high else "held fixed"
        span = held or f"{form(low)} to {form(high)}"
        span += "".join(f", {percent(share)} at {form(bound)} itself" for bound, share in held_at.get(name, {}).items())
        marks.append(
            {"name": name, "low": low, "median": median, "high": high, "strip": strip, "colour": colour}
            | {"top": peak if held else 0.0, "zero": 0.0, "held": bool(held), "at": form(median), "interval": span}
        )
    shown = [name for name, *_ in given]
    legend = swatches(1, 0, symbolType="circle", labelLimit=330, labelExpr=lookup(_told(marks)))
    colour = alt.Color(
        "name:N", scale=alt.Scale(domain=shown, range=[colour for _, colour, *_ in given]), legend=legend
    )
    axis = alt.Axis(labelExpr=PERCENT if unit_is_share else SIGNED, tickCount=6, grid=False)
    ends = [row["value"] for row in curves] + [row[end] for row in marks for end in ("low", "high")]

    def x(field: str) -> Any:
        scale = alt.Scale(domain=[min(ends), max(ends)], zero=False, nice=min(ends) == max(ends))
        return alt.X(f"{field}:Q", title=unit or None, scale=scale, axis=axis)

    def y(field: str) -> Any:
        floor = -peak * (0.10 + 0.11 * len(given))
        return alt.Y(f"{field}:Q", axis=None, scale=alt.Scale(domain=[floor, 1.05 * peak], nice=False))

    tooltip = tips(name="which", at="median", interval="90 % interval")
    curve, mark = plot(curves), plot(marks)
    fixed = plot([row for row in marks if row["held"]])
    layers = [
        curve.mark_area(opacity=0.14).encode(x=x("value"), y=y("zero"), y2="density:Q", color=colour),
        curve.mark_line(strokeWidth=2.2).encode(x=x("value"), y=y("density"), color=colour),
        plot([{"zero": 0.0}]).mark_rule(color=palette.rule, strokeWidth=1).encode(y=y("zero")),
        mark.mark_rule(strokeWidth=3).encode(x=x("low"), x2="high:Q", y=y("strip"), color=colour, tooltip=tooltip),
        mark.mark_point(filled=True, size=80, opacity=1).encode(
            x=x("median"), y=y("strip"), color=colour, tooltip=tooltip
        ),
        fixed.mark_rule(strokeWidth=2.2).encode(x=x("median"), y=y("zero"), y2="top:Q", color=colour, tooltip=tooltip),
    ]
    told = "; ".join(f"{name} {text}" for name, text in _told(marks).items())
    return finish(
        layers if curves else layers[2:],
        palette=palette,
        width=width,
        height=170 + 18 * len(given),
        title=label or "Density",
        subtitle="beneath the curves: median and 90 % interval",
        description=f"Density of {label or 'a quantity'}{f' in {unit}' if unit else ''}: {told}.",
    )


def prior_curve(prior: Prior) -> tuple[Floats, Floats, Floats]:
    """Natural values, the density there, and the 5, 50 and 95 % points; no curve where the quantity is fixed.

    >>> from riskcast.case.links import IDENTITY
    >>> value, density, points = prior_curve(Prior(10.0, 2.0, IDENTITY))
    >>> points.round(2).tolist(), bool(density.max() > 0.19)
    ([6.71, 10.0, 13.29], True)
    """
    if prior.is_fixed:
        return np.empty(0), np.empty(0), np.full(3, float(prior.quantile(0.0)))
    z = np.linspace(*(-3.0, 3.0) if prior.link.is_linear else REACH, POINTS)
    value = prior.quantile(z)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.exp(prior.log_density(value))
    # What is held at a bound, or so close that no digit tells it from one, has no density.
    low, high = prior.link.domain
    spread = (low < value) & (value < high) & np.isfinite(density)
    return value[spread], density[spread], prior.quantile([-Z90, 0.0, Z90])


def draws_curve(draws: ArrayLike, prior: Prior) -> tuple[Floats, Floats, Floats]:
    """The same of draws (draws,), smoothed on the prior's link scale by Silverman's rule; no curve where all agree."""
    values = np.asarray(draws, dtype=float).ravel()
    points = np.quantile(values, [0.05, 0.5, 0.95])
    low, high = prior.link.domain
    steps = prior.link.forward(values[(values > low) & (values < high)])
    if steps.size < 2 or not steps.std() > 0:
        return np.empty(0), np.empty(0), points
    middle = float(np.subtract(*np.quantile(steps, [0.75, 0.25]))) / 1.349
    sizes = [size for size in (float(steps.std()), middle) if size > 0]
    breadth = 0.9 * min(sizes) * steps.size**-0.2
    low, high = np.quantile(steps, [0.002, 0.998])
    grid = np.linspace(low - breadth, high + breadth, POINTS)
    kernel = np.exp(-(((grid[:, None] - steps) / breadth) ** 2) / 2).mean(axis=1) / (breadth * math.sqrt(2 * math.pi))
    value = prior.link.inverse(grid)
    return value, kernel / np.gradient(value, grid), points


def _told(marks: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {row["name"]: f"{row['name']}: {row['at']} ({row['interval']})" for row in marks}


def effects_matrix_chart(
    case: Case,
    *,
    changed: Collection[str] = (),
    events: bool = False,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """Median rate ratios of indicators on event types, those that lower in blue and those that raise in orange, on a
    log scale around 1; several paths between the same two are multiplied.

    changed: ids of quantities (`effects.a->b`) whose cells are outlined; events: effects of past events instead. A
    click on a cell, an empty one too, sets the point parameter `cell` with the fields `source` and `target`.
    """
    import altair as alt

    paths: dict[tuple[str, str], list[Any]] = {}
    for effect in case.effects:
        if effect.on == "rate" and effect.is_escalation == events:
            paths.setdefault((effect.source, effect.target), []).append(effect)
    if not paths:
        raise OptionError("the case has no such effects; there is nothing to draw")
    ramp, marked = ramps_of(palette).change, set(changed)
    names = {name: indicator.label for name, indicator in case.indicators.items()}
    types = {name: event.label for name, event in case.events.items()}
    names = types if events else names
    rows: list[dict[str, Any]] = []
    for (source, target), found in paths.items():
        ratio = math.prod(effect.rate_ratio.center for effect in found)
        colour = ramp[shade(ratio)]
        each = [
            f"{effect.path + ': ' if effect.path else ''}{effect.rate_ratio.center:g} "
            f"({effect.rate_ratio.range[0]:g}–{effect.rate_ratio.range[1]:g})"
            for effect in found
        ]
        rows.append(
            {
                "source": source,
                "target": target,
                "from": names[source],
                "to": types[target],
                "ratio": ratio,
                "text": f"{ratio:.2f}".rstrip("0").rstrip(".") + ("*" if len(found) > 1 else ""),
                "paths": "; ".join(each),
                "class": shade(ratio),
                "ink": ink_on(colour, palette),
                "changed": any(effect.quantity_id in marked for effect in found),
            }
        )
    down = {name: label for name, label in names.items() if any(source == name for source, _ in paths)}
    ranked = sorted(types, key=lambda name: (case.events[name].kind, -(case.events[name].severity or 0.0)))
    across = {name: types[name] for name in ranked if any(target == name for _, target in paths)}
    room = f"width / {len(across)}"
    axis = alt.Axis(
        orient="top",
        labelAngle=-90,
        labelLimit=180,
        ticks=False,
        domain=False,
        labelExpr=lookup(across),
        labelOverlap=False,
    )
    x = alt.X("target:N", title=None, sort=list(across), scale=alt.Scale(domain=list(across)), axis=axis)
    y = alt.Y("source:N", title=None, sort=list(down), scale=alt.Scale(domain=list(down)), axis=rows_axis(down))
    legend = swatches(3, LABEL_ROOM, labelExpr=lookup(shade_ranges()))
    classes = [str(i) for i in range(len(ramp))]
    colour = alt.Color("class:N", scale=alt.Scale(domain=classes, range=list(ramp)), legend=legend)
    pick = alt.selection_point(name="cell", fields=["source", "target"], toggle=False, empty=False)
    tooltip = tips(**{"from": "from", "to": "to", "text": "rate ratio", "paths": "medians (90 %)"})
    edge = alt.condition(pick, alt.value(palette.alarm), alt.value(palette.paper))
    border = alt.condition(pick, alt.value(3), alt.value(1.5))
    outlined = plot([row for row in rows if row["changed"]])
    for row in rows:
        row["class"] = str(row["class"])
    blank = [{"source": source, "target": target} for source in down for target in across]
    layers = [
        plot(blank).mark_rect(color=palette.grid, opacity=0.35, stroke=palette.paper).encode(x=x, y=y),
        plot(rows)
        .mark_rect(cursor="pointer")
        .encode(x=x, y=y, color=colour, stroke=edge, strokeWidth=border, tooltip=tooltip)
        .add_params(pick),
        outlined.mark_rect(fill=None, stroke=palette.ink, strokeWidth=2.2).encode(x=x, y=y),
        plot(rows)
        .mark_text(fontSize=11, text=alt.ExprRef(f"{room} < 27 ? '' : datum.text"))
        .encode(x=x, y=y, color=alt.Color("ink:N", scale=None), tooltip=tooltip),
    ]
    strongest = max(rows, key=lambda row: abs(math.log(row["ratio"])))
    many = "; *: several paths, multiplied" if any(len(found) > 1 for found in paths.values()) else ""
    step = "one fresh event multiplies" if events else "one step of an indicator multiplies"
    return finish(
        layers,
        palette=palette,
        width=width,
        height=alt.Step(29),
        title="Effects of past events" if events else "Effects of indicators",
        subtitle=f"by how much {step} the rate{many}" + ("; outlined: changed" if marked else ""),
        description=(
            f"{len(rows)} median rate ratios; the strongest: {strongest['from']} on {strongest['to']}, "
            f"{strongest['text']}."
        ),
    )


def shade(ratio: float) -> int:
    """The place of a rate ratio among the nine colours from those that lower to those that raise.

    >>> [shade(ratio) for ratio in (0.1, 1.0, 1.3, 150.0)]
    [0, 4, 6, 8]
    """
    size = max(ratio, 1 / ratio) if ratio > 0 else math.inf
    place = sum(size >= step for step in STEPS)
    return len(STEPS) + (place if ratio > 1 else -place)


def shade_ranges() -> dict[str, str]:
    """What each of the nine colours stands for, by its place."""
    up = [*STEPS, math.inf]
    rises = [f"{a:g}–{b:g}" if b < math.inf else f"above {a:g}" for a, b in zip(STEPS, up[1:], strict=True)]
    falls = [
        f"{1 / b:.2g}–{1 / a:.2g}" if b < math.inf else f"below {1 / a:.2g}" for a, b in zip(STEPS, up[1:], strict=True)
    ]
    return {str(i): text for i, text in enumerate([*reversed(falls), f"{1 / STEPS[0]:.2g}–{STEPS[0]:g}", *rises])}
