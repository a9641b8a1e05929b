"""Results -> Altair charts in one house style, and charts -> SVG without browser or network."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import numpy as np

from riskcast.charts.theme import (
    LIGHT,
    PERCENT,
    SIGNED,
    Palette,
    chart_rows,
    finite,
    identify,
    make_title,
    probability_axis,
    style,
    wrap,
)
from riskcast.errors import visible
from riskcast.numbers import p_value
from riskcast.verification.calibration import Calibration
from riskcast.verification.evaluation import Evaluation, Measured, Reliability, Slice
from riskcast.verification.forecasters import reference_names
from riskcast.verification.ranks import RankHistogram
from riskcast.verification.verdicts import label_of

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

type Chart = alt.LayerChart | alt.VConcatChart | alt.ConcatChart

WIDTH: Final = 360
PANEL: Final = 250
RANK_PANEL: Final = 180
RARE: Final = 0.15
MOST_POINTS: Final = 160
FEW_POINTS: Final = 3
LABEL_WIDTH: Final = 22
LONG_LABEL_WIDTH: Final = 30
TITLE_WIDTH: Final = 46
LIMITS: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
RESOLVED: Final[Any] = {"x": "shared", "color": "independent", "strokeDash": "independent"}
COUNT_TICKS: Final = (0, 10, 100, 1_000, 10_000, 100_000, 1_000_000)


def reliability_chart(
    reliability: Mapping[str, Reliability],
    *,
    columns: int = 3,
    limit: float | None = None,
    stretched: bool | None = None,
    palette: Palette = LIGHT,
) -> Chart:
    """CORP reliability diagrams: a curve near the diagonal, within its band, belongs to probabilities that can be taken
    at their word.

    One panel for each forecaster, with a histogram of its forecasts beneath. Axes end at `limit`, which holds all
    curves if it is not given. Where events are rare forecasts crowd near zero: `stretched` axes grow with the square
    root, which keeps the diagonal straight; if it is not given, they are where the mean forecast is below 15 %.
    """
    import altair as alt

    limit = limit or reliability_limit(reliability)
    stretched = is_rare(reliability) if stretched is None else stretched
    panels = [_reliability_panel(name, item, limit, stretched, palette) for name, item in reliability.items()]
    if len(panels) == 1:
        return style(panels[0], palette)
    return style(alt.concat(*panels, columns=columns, spacing=24), palette)


def reliability_limit(reliability: Mapping[str, Reliability]) -> float:
    """The end of the axes that holds every forecast and frequency.

    >>> point = np.array([0.07])
    >>> reliability_limit({"model": Reliability(point, point, point, 2 * point, np.array([0.0, 1.0]), np.array([9.0]))})
    0.25
    """
    tops = (np.concatenate([r.forecast, r.frequency, r.high]) for r in reliability.values())
    top = max((float(np.max(values)) for values in tops if values.size), default=1.0)
    return next((limit for limit in LIMITS if top <= limit), 1.0)


def is_rare(reliability: Mapping[str, Reliability]) -> bool:
    """Whether forecasts crowd near zero, so that linear axes would hide them."""
    means = [
        float(np.average((r.edges[1:] + r.edges[:-1]) / 2, weights=r.counts))
        for r in reliability.values()
        if r.counts.sum() > 0
    ]
    return bool(means) and float(np.median(means)) < RARE


def murphy_chart(scores: Slice, *, palette: Palette = LIGHT) -> Chart:
    """Murphy diagram: mean elementary score by decision threshold; the lowest curve serves that threshold best."""
    import altair as alt

    rows = [
        {"threshold": float(t), "score": float(s), "forecaster": label_of(name)}
        for name, curve in scores.murphy.items()
        for t, s in zip(scores.thresholds, curve, strict=True)
    ]
    rare = scores.events < RARE * scores.forecasts
    x = probability_axis("threshold", "threshold of the decision: act when the probability is above it", 1, rare, alt.X)
    curves = (
        chart_rows(rows)
        .mark_line(clip=True)
        .encode(
            x=x,
            y=alt.Y("score:Q", title="mean elementary score, lower is better", axis=alt.Axis(format="~g", tickCount=5)),
            **identify(scores.murphy, palette),
            tooltip=["forecaster:N", alt.Tooltip("threshold:Q", format=".1%"), alt.Tooltip("score:Q", format=".5f")],
        )
        .properties(
            width=WIDTH, height=240, title=make_title("Murphy diagram", "which forecaster serves which decision")
        )
    )
    return style(alt.layer(curves), palette)


def skill_chart(evaluation: Evaluation, *, part: str = "all", palette: Palette = LIGHT) -> Chart:
    """Brier score of each forecaster as a dot, its 90 % interval as a line."""
    scores = evaluation.slices[part]
    rows = [(label_of(name), name, item.brier) for name, item in scores.performances.items()]
    title = make_title(
        "Brier score by forecaster", f"dot: score, line: 90 % interval from resampled {evaluation.resampling.by}"
    )
    return style(_whiskers(rows, "Brier score, lower is better", None, title, palette), palette)


def slices_chart(
    evaluation: Evaluation,
    *,
    labels: Mapping[str, str] | None = None,
    title: str = "Skill by part of the test",
    palette: Palette = LIGHT,
) -> Chart | None:
    """Brier skill of the first forecaster by slice against the best reference there; none where no skill is known.

    labels: what to call slices, where not by their names.
    """
    named = {name: (labels or {}).get(name, name) for name in evaluation.slices}
    shared = [label for label in named.values() if list(named.values()).count(label) > 1]
    rows: list[tuple[str, str, Measured]] = []
    for name, part in evaluation.slices.items():
        first = next(iter(part.performances.values()), None)
        if first is not None and first.skill is not None:
            label = f"{named[name]} ({name})" if named[name] in shared else named[name]
            rows.append((label, first.forecaster, first.skill))
    if not rows:
        return None
    heading = make_title(title, "dot: skill, line: 90 % interval, cut at −100 %; left of 0 %: worse")
    axis = "Brier skill against the best reference there"
    return style(_whiskers(rows, axis, 0.0, heading, palette, LONG_LABEL_WIDTH), palette)


def origins_chart(frame: pd.DataFrame, *, reference: str | None = None, palette: Palette = LIGHT) -> Chart:
    """Brier score by origin over time; beneath it who was better, the first forecaster or the reference, and, where the
    frame says, the share of forecasts that came true.

    frame: columns origin, forecaster, brier, and perhaps forecasts and events; reference: the forecaster to compare
    with, if it is not given the reference with the lowest mean score.
    """
    import altair as alt
    import pandas as pd

    table = frame.assign(origin=pd.to_datetime(frame["origin"]).dt.strftime("%Y-%m-%d"))
    wide = table.pivot(index="origin", columns="forecaster", values="brier")
    names = list(dict.fromkeys(table["forecaster"]))
    years = int(max(table["origin"])[:4]) - int(min(table["origin"])[:4])
    axis = alt.Axis(grid=False, labelFlush=True, format="%Y" if years > 3 else "%b %Y", tickCount=min(max(years, 4), 6))
    x = alt.X("origin:T", title=None, axis=axis, scale=alt.Scale(padding=9))
    panels = [_score_lines(table, names, x, palette)]
    others = [reference] if reference in names[1:] else [name for name in names[1:] if name in reference_names()]
    if others:
        best = min(others, key=lambda name: float(wide[name].mean()))
        panels.append(_advantage(wide[names[0]], wide[best], x, palette))
    if {"forecasts", "events"} <= set(table.columns):
        own = table[table["forecaster"] == names[0]]
        rates = (own["events"] / own["forecasts"]).tolist()
        rows = [{"origin": o, "rate": finite(r)} for o, r in zip(own["origin"], rates, strict=True)]
        y = probability_axis("rate", "came true", None, False, alt.Y, ticks=2)
        panels.append(_origin_bars(rows, alt.value(palette.bar), x, y).properties(width=WIDTH, height=46))
    return style(alt.vconcat(*panels, spacing=14).resolve_scale(**RESOLVED), palette)


def _score_lines(table: pd.DataFrame, names: Sequence[str], x: Any, palette: Palette) -> Any:
    import altair as alt

    rows = [
        {"origin": o, "forecaster": label_of(f), "brier": finite(b)}
        for o, f, b in zip(table["origin"], table["forecaster"], table["brier"], strict=True)
    ]
    encoding: dict[str, Any] = {
        "x": x,
        "y": alt.Y("brier:Q", title="Brier score", axis=alt.Axis(format="~g", tickCount=5)),
        "tooltip": ["origin:T", "forecaster:N", alt.Tooltip("brier:Q", format=".4f")],
        **identify(names, palette),
    }
    first = [row for row in rows if row["forecaster"] == label_of(names[0])]
    thin, thick = (
        chart_rows(part).mark_line(strokeWidth=width, point={"size": 8 * width}).encode(**encoding)
        for part, width in ((rows, 1.2), (first, 3.0))
    )
    title = make_title("Brier score by origin", "lower is better; it rises where more events happen")
    return alt.layer(thin, thick).properties(width=WIDTH, height=190, title=title)


def _advantage(own: pd.Series, reference: pd.Series, x: Any, palette: Palette) -> Any:
    """Bars in the colour of whichever forecaster was better."""
    import altair as alt

    first, second = str(own.name), str(reference.name)
    rows = [{"origin": o, "advantage": finite(a)} for o, a in (reference - own).items()]
    colour = alt.condition(
        alt.datum.advantage >= 0, alt.value(palette.forecaster(first)), alt.value(palette.forecaster(second))
    )
    ticks = alt.Axis(tickCount=3, labelExpr=SIGNED)
    compared = f"Brier score of “{label_of(second)}” less that of “{label_of(first)}”"
    title = make_title(wrap(compared, TITLE_WIDTH), f"above 0: {label_of(first)} was better")
    return _origin_bars(rows, colour, x, alt.Y("advantage:Q", title="difference", axis=ticks)).properties(
        width=WIDTH, height=80, title=title
    )


def _origin_bars(rows: Sequence[Mapping[str, Any]], colour: Any, x: Any, y: Any) -> Any:
    size = max(2.0, min(14.0, 0.6 * WIDTH / max(len(rows), 1)))
    return chart_rows(list(rows)).mark_bar(size=size).encode(x=x, y=y, color=colour)


def rank_chart(histogram: RankHistogram, *, title: str | None = None, palette: Palette = LIGHT) -> Chart:
    """Histogram of the truth's ranks among posterior draws with its simultaneous band; bins outside it stand out."""
    return style(_rank_panel(histogram, title, palette), palette)


def ecdf_chart(histogram: RankHistogram, *, title: str | None = None, palette: Palette = LIGHT) -> Chart:
    """Share of ranks up to a point, less the point, with its simultaneous band; a curve that leaves it stands out."""
    import altair as alt

    found = histogram.ecdf
    rows = [
        {"point": float(x), "difference": float(d), "low": float(low), "high": float(high)}
        for x, d, low, high in zip(found.points, found.difference, found.low, found.high, strict=True)
    ]
    base = chart_rows(rows)
    x = _rank_axis("point")
    axis = alt.Axis(tickCount=3, labelExpr=SIGNED)
    low, high = (alt.Y(f"{field}:Q", title="difference", axis=axis) for field in ("low", "difference"))
    band = base.mark_area(color=palette.band).encode(x=x, y=low, y2="high:Q")
    zero = chart_rows([{"zero": 0}]).mark_rule(color=palette.rule, strokeDash=[4, 3]).encode(y="zero:Q")
    tooltip = [alt.Tooltip(f"{field}:Q", format=".3f") for field in ("point", "difference", "low", "high")]
    colour = palette.model if found.inside else palette.alarm
    curve = base.mark_line(color=colour).encode(x=x, y=high, tooltip=tooltip)
    heading = title or f"{histogram.label}, cumulated"
    panel = alt.layer(band, zero, curve).properties(
        width=RANK_PANEL, height=90, title=_rank_title(heading, found.inside, histogram.level, found.p_value)
    )
    return style(panel, palette)


def rank_grid(calibration: Calibration, *, columns: int = 3, palette: Palette = LIGHT) -> Chart:
    """Rank histograms of all blocks of a calibration, side by side."""
    import altair as alt

    panels = [_rank_panel(histogram, None, palette) for histogram in calibration.histograms.values()]
    return style(alt.concat(*panels, columns=columns, spacing=24), palette)


def to_svg(chart: Chart) -> str:
    """A chart as SVG text with a title for screen readers; ids are unique to the chart, so that many fit one page."""
    import altair as alt
    import vl_convert

    spec = chart.to_dict()
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    svg = visible(vl_convert.vegalite_to_svg(spec, vl_version=version, allowed_base_urls=[]))
    # Vega numbers ids through the life of a process; numbered anew, the same chart is the same text.
    for place, found in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg))):
        svg = re.sub(rf'(\bid="|url\(#){re.escape(found)}(?=["\)])', rf"\g<1>part-{place}", svg)
    prefix = "c" + hashlib.sha256(svg.encode()).hexdigest()[:8]
    svg = re.sub(r'(\bid="|url\(#)part-', rf"\g<1>{prefix}-", svg)
    name = escape(_name_of(spec), {'"': "&quot;"})
    return re.sub(
        r"<svg ([^>]*)>",
        rf'<svg role="img" aria-label="{_literal(name)}" \1><title>{_literal(name)}</title>',
        svg,
        count=1,
    )


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\")


def _name_of(spec: Any) -> str:
    """Titles of a chart, read in order."""
    if isinstance(spec, dict):
        title = spec.get("title")
        if isinstance(title, dict) and "text" in title:
            parts = [title["text"], title.get("subtitle", "")]
            return ": ".join(" ".join(p) if isinstance(p, list) else str(p) for p in parts if p)
        found = [_name_of(child) for key in ("concat", "vconcat", "hconcat", "layer") for child in spec.get(key, ())]
        return "; ".join(name for name in found if name)
    return ""


def _reliability_panel(name: str, item: Reliability, limit: float, stretched: bool, palette: Palette) -> Any:
    import altair as alt

    keep = _thinned(item, stretched)
    rows = [
        {"forecast": float(p), "frequency": float(f), "low": float(low), "high": float(high)}
        for p, f, low, high in zip(
            item.forecast[keep], item.frequency[keep], item.low[keep], item.high[keep], strict=True
        )
    ]
    base, colour = chart_rows(rows), palette.forecaster(name)
    x = probability_axis("forecast", None, limit, stretched, alt.X)
    x.axis.labels, x.axis.ticks = False, False
    y = probability_axis("frequency", "what happened (recalibrated)", limit, stretched, alt.Y)
    band = {
        "x": x,
        "y": probability_axis("low", "what happened (recalibrated)", limit, stretched, alt.Y),
        "y2": "high:Q",
    }
    tooltip = [alt.Tooltip(f"{field}:Q", format=".2%") for field in ("forecast", "frequency", "low", "high")]
    few = len(rows) <= FEW_POINTS
    shade = base.mark_rule(color=palette.band, size=9) if few else base.mark_area(color=palette.band, clip=True)
    line = chart_rows([{"forecast": 0, "frequency": 0}, {"forecast": limit, "frequency": limit}])
    diagonal = line.mark_line(color=palette.rule, strokeDash=[4, 3], size=1.2).encode(x=x, y=y)
    curve = base.mark_line(color=colour, size=2.2, clip=True).encode(x=x, y=y, tooltip=tooltip)
    layers = [shade.encode(**band), diagonal, curve]
    if len(rows) <= MOST_POINTS // 8:
        layers.append(base.mark_point(color=colour, filled=True, size=34).encode(x=x, y=y, tooltip=tooltip))
    top = alt.layer(*layers).properties(width=PANEL, height=PANEL, title=make_title(wrap(label_of(name), 40)))
    return alt.vconcat(top, _forecast_histogram(item, limit, stretched, palette), spacing=6)


def _forecast_histogram(item: Reliability, limit: float, stretched: bool, palette: Palette) -> Any:
    """Counts on a log scale: most forecasts of rare events lie in one bin, and the few large ones matter most."""
    import altair as alt

    rows = [
        {"from": float(a), "to": min(float(b), limit), "count": float(n)}
        for a, b, n in zip(item.edges[:-1], item.edges[1:], item.counts, strict=True)
        if n > 0 and a < limit
    ]
    top = max((row["count"] for row in rows), default=1.0)
    ticks = [tick for tick in COUNT_TICKS if tick <= 2 * top]
    ticks = ticks[:: max(1, math.ceil(len(ticks) / 4))]
    scale = alt.Scale(type="symlog", domain=[0, top])
    y = alt.Y("count:Q", title="forecasts", scale=scale, axis=alt.Axis(values=ticks, format=",d"))
    return (
        chart_rows(rows)
        .mark_rect(color=palette.bar, stroke=palette.paper, strokeWidth=0.6, clip=True)
        .encode(
            x=probability_axis("from", "forecast probability", limit, stretched, alt.X),
            x2="to:Q",
            y=y,
            y2=alt.Y2Datum(0),
            tooltip=[alt.Tooltip("from:Q", format=".1%"), alt.Tooltip("to:Q", format=".1%"), "count:Q"],
        )
        .properties(width=PANEL, height=54)
    )


def _thinned(item: Reliability, stretched: bool) -> np.ndarray:
    """Places of the points that a curve of a few hundred pixels can show: a grid on the axis, and the curve's steps."""
    size = item.forecast.size
    if size <= MOST_POINTS:
        return np.arange(size)
    place = np.sqrt(np.clip(item.forecast, 0, 1)) if stretched else item.forecast
    grid = np.searchsorted(place, np.linspace(place[0], place[-1], MOST_POINTS)).clip(0, size - 1)
    steps = np.flatnonzero(np.diff(item.frequency) > 0)
    if steps.size > MOST_POINTS:
        steps = steps[np.argsort(-np.diff(item.frequency)[steps], kind="stable")[:MOST_POINTS]]
    return np.unique(np.concatenate([[0, size - 1], grid, steps, steps + 1]))


def _whiskers(
    rows: Sequence[tuple[str, str, Measured]],
    axis: str,
    zero: float | None,
    title: Any,
    palette: Palette,
    width: int = LABEL_WIDTH,
) -> Any:
    """Dots with intervals, one row each; the colour is that of the forecaster."""
    import altair as alt

    labels = ["\n".join(wrap(label, width)) for label, _, _ in rows]
    # A skill far below zero says no more than that; to scale, it would leave no room for the others.
    floor = -math.inf if zero is None else -1.0
    shown = [
        {
            "label": label,
            "colour": palette.forecaster(key),
            "value": finite(max(m.value, floor)),
            "low": finite(max(m.low if math.isfinite(m.low) else m.value, floor)),
            "high": finite(max(m.high if math.isfinite(m.high) else m.value, floor)),
        }
        for label, (_, key, m) in zip(labels, rows, strict=True)
    ]
    base = chart_rows(shown)
    axis_y = alt.Axis(labelExpr="split(datum.value, '\\n')", labelLimit=220, grid=True, ticks=False, domain=False)
    y = alt.Y("label:N", title=None, sort=labels, axis=axis_y)
    scale, colour = alt.Scale(zero=False, nice=True, padding=8), alt.Color("colour:N", scale=None, legend=None)
    ticks = alt.Axis(grid=False, tickCount=5, labelExpr=SIGNED if zero is None else PERCENT)
    tooltip = ["label:N", *(alt.Tooltip(f"{field}:Q", format=".4f") for field in ("value", "low", "high"))]
    shared = {"y": y, "color": colour, "tooltip": tooltip}
    layers = [
        base.mark_rule(size=2.4).encode(x=alt.X("low:Q", title=axis, scale=scale, axis=ticks), x2="high:Q", **shared),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x=alt.X("value:Q", title=axis, scale=scale, axis=ticks), **shared
        ),
    ]
    if zero is not None:
        line = chart_rows([{"zero": zero}]).mark_rule(color=palette.ink, strokeDash=[3, 3])
        layers.insert(0, line.encode(x=alt.X("zero:Q", title=axis, scale=scale, axis=ticks)))
    return alt.layer(*layers).properties(
        width=WIDTH - 120, height=alt.Step(34 if any("\n" in label for label in labels) else 27), title=title
    )


def _rank_panel(histogram: RankHistogram, title: str | None, palette: Palette) -> Any:
    import altair as alt

    bins = histogram.counts.size
    rows = [
        {
            "from": i / bins,
            "to": (i + 1) / bins,
            "count": float(n),
            "low": float(low),
            "high": float(high),
            "outside": bool(n < low or n > high),
        }
        for i, (n, low, high) in enumerate(zip(histogram.counts, histogram.low, histogram.high, strict=True))
    ]
    base = chart_rows(rows)
    x = _rank_axis("from")
    top = 1.08 * max([row["high"] for row in rows] + [row["count"] for row in rows] + [1.0])
    scale = alt.Scale(domain=[0, top], nice=False)
    y = alt.Y("count:Q", title="ranks", scale=scale, axis=alt.Axis(tickCount=3, format=",d"))
    colour = alt.condition("datum.outside", alt.value(palette.alarm), alt.value(palette.bar))
    bars = base.mark_rect(stroke=palette.paper, strokeWidth=0.6).encode(
        x=x, x2="to:Q", y=y, y2=alt.Y2Datum(0), color=colour, tooltip=["count:Q", "low:Q", "high:Q"]
    )
    band = base.mark_rect(color=palette.ink, opacity=0.13).encode(
        x=x, x2="to:Q", y=alt.Y("low:Q", title="ranks", scale=scale), y2="high:Q"
    )
    even = sum(row["count"] for row in rows) / max(bins, 1)
    line = (
        chart_rows([{"even": even}])
        .mark_rule(color=palette.ink, size=1)
        .encode(y=alt.Y("even:Q", title="ranks", scale=scale))
    )
    heading = _rank_title(title or histogram.label, histogram.inside, histogram.level, histogram.p_value)
    return alt.layer(bars, band, line).properties(width=RANK_PANEL, height=90, title=heading)


def _rank_axis(field: str) -> Any:
    import altair as alt

    words = "datum.value == 0 ? 'lowest' : datum.value == 1 ? 'highest' : ''"
    scale = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(values=[0, 0.5, 1], labelExpr=words, labelFlush=True, grid=False)
    return alt.X(f"{field}:Q", title="rank of the truth among draws", scale=scale, axis=axis)


def _rank_title(text: str, inside: bool, level: float, chance: float) -> Any:
    state = "inside" if inside else "outside"
    return make_title(wrap(text, 25), f"{state} the {100 * level:.0f} % band, {p_value(chance)}")
