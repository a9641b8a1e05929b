"""Forecasts -> Altair charts: who is at risk of what, and by when; with the charts of what stands behind them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from riskcast.case.dyads import Dyad
from riskcast.case.model import Case
from riskcast.case.states import recognise, states
from riskcast.charts.assumptions import density_chart, effects_matrix_chart
from riskcast.charts.canvas import (
    ASSUMED,
    LABEL_ROOM,
    Width,
    band_channel,
    band_colours,
    band_ranges,
    dyad_label,
    finish,
    highest,
    ink_on,
    lookup,
    plot,
    rows_axis,
    swatches,
    tips,
    window_text,
    word_colours,
    word_ranges,
)
from riskcast.charts.comparison import contrast_chart, scenarios_chart, tornado_chart, waterfall_chart
from riskcast.charts.geography import View, capital_place, feature_of, label_place, view_of
from riskcast.charts.record import series_chart, timeline_chart
from riskcast.charts.theme import LIGHT, Palette, wrap
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.scoring import OutcomeRisk, Risk, score_text
from riskcast.numbers import MOST_NAMED, between, interval, more, percent, short_date

if TYPE_CHECKING:
    import altair as alt

__all__ = [
    "band_colours",
    "contrast_chart",
    "density_chart",
    "effects_matrix_chart",
    "heatmap_chart",
    "ink_on",
    "map_chart",
    "months_chart",
    "scenarios_chart",
    "score_chart",
    "series_chart",
    "timeline_chart",
    "tornado_chart",
    "waterfall_chart",
]

MOST_COLUMNS: Final = 8
LATELY: Final = {
    "onset": "none recorded: an onset",
    "continuation": "recorded: a continuation",
    "unknown": "not known in full",
}
LIMITS: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
ROW: Final = 30
MONTHS_ROW: Final = 66
SHARE: Final = 0.62
NAME: Final[dict[str, Any]] = {"text": "width < 560 ? datum.code : datum.state", "fontSize": 12}
SCORE: Final[dict[str, Any]] = {"text": "datum.text", "fontSize": 14, "fontWeight": "bold"}
# Square pixels of the point of a state without an outline.
POINT: Final = 500


def map_chart(
    risk: Risk,
    *,
    height: int = 420,
    selected: str | None = None,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart | None:
    """The partners of the dyads on a map, coloured by the band of their score, with the host outlined; None where no
    partner has a place.

    A state without an outline is a point at its capital; who is not in the table of states is named above the map.
    selected: a dyad whose partner is outlined. Raises UnknownNameError where it is not forecast.
    """
    import altair as alt

    case = risk.forecast.case
    if selected is not None and selected not in risk.forecast.dyads:
        raise UnknownNameError("dyad at the start of the horizon", selected, risk.forecast.dyads)
    known = {dyad.id: _table_id(case, dyad.partner) for dyad in risk.dyads} if case.panel is None else {}
    view = view_of([state for state in known.values() if state])
    if view is None:
        return None
    placed = _placed(risk, known, view, palette)
    others = [
        feature_of(shape, state=states()[state].name)
        for state, shape in view.shown.items()
        if state not in known.values()
    ]
    tooltip = tips(state="state", text="score", interval="90 % interval", band="band")
    colour = band_channel(case, palette)
    context = plot(others).mark_geoshape(fill=palette.grid, stroke=palette.paper, strokeWidth=0.8, clip=True)
    layers = [context.encode(tooltip=alt.Tooltip("state:N", title="state"))]
    if placed.shapes:
        shapes = plot(placed.shapes).mark_geoshape(stroke=palette.paper, strokeWidth=1, clip=True)
        layers.append(shapes.encode(color=colour, tooltip=tooltip))
    host = case.state_names.get(case.host, case.host)
    border, host_words = _host_layers(case, view, palette)
    layers += border
    chosen = [shape for shape in placed.shapes if shape["dyad"] == selected]
    if chosen:
        ring = plot(chosen).mark_geoshape(fill=None, stroke=palette.ink, strokeWidth=2.6, clip=True)
        layers.append(ring)
    if placed.labels:
        labels = plot(placed.labels)
        layers += [*_written(labels, NAME, -7), *_written(labels, SCORE, 8)]
    if placed.points:
        edge = alt.condition(f"datum.dyad === {json.dumps(selected)}", alt.value(palette.ink), alt.value(palette.paper))
        points = plot(placed.points)
        dots = points.mark_circle(size=POINT, opacity=1, strokeWidth=2, clip=True)
        layers.append(dots.encode(longitude="lon:Q", latitude="lat:Q", color=colour, stroke=edge, tooltip=tooltip))
        layers += [*_written(points, NAME, -19), *_written(points, SCORE, 0)]
    lon, lat = view.centre
    corners = {"type": "MultiPoint", "coordinates": [list(corner) for corner in view.corners]}
    projection = alt.Projection(
        type="azimuthalEqualArea",
        clipAngle=115,
        rotate=[-round(lon, 2), -round(lat, 2)],
        fit={"type": "Feature", "geometry": corners, "properties": {}},
    )
    bands = risk.forecast.case.settings.bands
    first = highest(risk)[0]
    ranked = ", ".join(f"{dyad_label(d)} {score_text(d.score.mean, bands)} ({d.band})" for d in first)
    lacking = f"not on the map: {', '.join(placed.missing[:MOST_NAMED])}{more(placed.missing)}"
    lacking = lacking if placed.missing else ""
    sentences = (f"Map of scores: {ranked}.", host_words, f"N{lacking[1:]}." if lacking else "")
    subtitle = f"score (0–100): what a pair's own outcomes add up to\n{window_text(risk)}"
    return finish(
        layers,
        palette=palette,
        width=width,
        height=height,
        title=f"Risk scores of partners of {host}",
        subtitle=f"{subtitle}\n{lacking}" if lacking else subtitle,
        description=" ".join(filter(None, sentences)),
        projection=projection,
    )


@dataclass(frozen=True)
class _Placed:
    """Dyads on a map, as rows: shapes of partners with an outline and labels in them, points at the capitals of those
    without, and the names of those that have no place."""

    shapes: list[dict[str, Any]]
    labels: list[dict[str, Any]]
    points: list[dict[str, Any]]
    missing: list[str]


def _placed(risk: Risk, known: Mapping[str, str], view: View, palette: Palette) -> _Placed:
    """Where each dyad's partner stands on a map; known: its id in the table of states by dyad, empty where unknown."""
    colours, found = band_colours(risk.forecast.case, palette), _Placed([], [], [], [])
    for dyad in risk.dyads:
        fields = {
            "dyad": dyad.id,
            "state": dyad_label(dyad),
            "score": dyad.score.mean,
            "text": score_text(dyad.score.mean, risk.forecast.case.settings.bands),
            "interval": between(dyad.score),
            "band": dyad.band,
        }
        state, fill = known[dyad.id], colours[dyad.band]
        place = label_place(state) if state in view.shown else capital_place(state)
        if place is None:
            found.missing.append(dyad_label(dyad))
            continue
        label = {"code": dyad.partner, "ink": ink_on(fill, palette), "fill": fill, "lon": place[0], "lat": place[1]}
        if state in view.shown:
            found.shapes.append(feature_of(view.shown[state], **fields))
            found.labels.append(fields | label)
        else:
            found.points.append(fields | label)
    return found


def _written(places: Any, look: Mapping[str, Any], dy: float) -> list[Any]:
    """A text at each of some places, on a halo in the state's own colour, as a label may be broader than its state."""
    import altair as alt

    layers, font = [], {key: value for key, value in look.items() if key != "text"}
    for hue, halo in (("fill", 4), ("ink", 0)):
        text = alt.ExprRef(look["text"])
        mark = places.mark_text(text=text, dy=dy, strokeWidth=halo, strokeJoin="round", clip=True, **font)
        hues = {"color": alt.Color(f"{hue}:N", scale=None), "stroke": alt.Stroke(f"{hue}:N", scale=None)}
        layers.append(mark.encode(longitude="lon:Q", latitude="lat:Q", **hues))
    return layers


def _table_id(case: Case, id: str) -> str:
    """The id of a state of the case in the table of states, empty where it is none of them."""
    found = recognise(id, case.state_names.get(id))
    return "" if found is None else found.id


def _host_layers(case: Case, view: View, palette: Palette) -> tuple[list[Any], str]:
    """The host on a map, where it is in sight, and the sentence that says how it is marked."""
    import altair as alt

    state, name = _table_id(case, case.host), case.state_names.get(case.host, case.host)
    if state in view.shown:
        border = plot([feature_of(view.shown[state])])
        seen = any(view.holds(np.array(polygon[0])) for polygon in view.shown[state])
        layer = border.mark_geoshape(fill=None, stroke=palette.muted, strokeWidth=1.6, clip=True)
        return [layer], f"{name} is outlined." if seen else ""
    place = capital_place(state)
    if place is None or not view.holds(np.array([place])):
        return [], ""
    look: dict[str, Any] = {"stroke": palette.muted, "fill": palette.paper, "strokeWidth": 2, "opacity": 1}
    mark = plot([{"state": name, "lon": place[0], "lat": place[1]}]).mark_point(size=POINT / 4, clip=True, **look)
    tooltip = alt.Tooltip("state:N", title="state")
    return [mark.encode(longitude="lon:Q", latitude="lat:Q", tooltip=tooltip)], f"{name} is marked with a ring."


def score_chart(risk: Risk, *, width: Width = "container", palette: Palette = LIGHT) -> alt.LayerChart:
    """Dyads by score, the highest first, with 90 % intervals, on the scale of the case's bands."""
    import altair as alt

    case, (shown, more) = risk.forecast.case, highest(risk)
    labels = {dyad.id: dyad_label(dyad) for dyad in shown}
    rows = [
        {
            "dyad": d.id,
            "name": labels[d.id],
            "score": d.score.mean,
            "text": score_text(d.score.mean, case.settings.bands),
            "low": d.score.low,
            "high": d.score.high,
            "interval": between(d.score),
            "band": d.band,
        }
        for d in shown
    ]
    x = score_axis()
    y = alt.Y("dyad:N", title=None, sort=list(labels), axis=rows_axis(labels))
    tooltip = tips(name="dyad", text="score", interval="90 % interval", band="band")
    base = plot(rows)
    layers = [
        band_backdrop(case, palette),
        base.mark_rule(color=palette.ink, strokeWidth=2.2).encode(x=x("low"), x2="high:Q", y=y, tooltip=tooltip),
        base.mark_point(filled=True, stroke=palette.ink, strokeWidth=1.8, size=150, opacity=1).encode(
            x=x("score"), y=y, color=band_channel(case, palette, LABEL_ROOM), tooltip=tooltip
        ),
        base.mark_text(color=palette.ink, dy=-14, fontWeight="bold", fontSize=12).encode(
            x=x("score"), y=y, text="text:N"
        ),
    ]
    told = ", ".join(f"{row['name']} {row['text']} ({row['interval']}, {row['band']})" for row in rows)
    return finish(
        layers,
        palette=palette,
        width=width,
        height=alt.Step(ROW + 12),
        title="Risk scores",
        subtitle=f"dot: score; line: 90 % interval{more}",
        description=f"Scores with 90 % intervals: {told}.",
    )


def score_axis() -> Any:
    """A function from a field to a horizontal axis of scores, 0 to 100."""
    import altair as alt

    axis = alt.Axis(values=[0, 20, 40, 60, 80, 100], grid=False, labelFlush=True)
    title = "score: what own outcomes add up to"
    return lambda field: alt.X(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, 100], nice=False), axis=axis)


def band_backdrop(case: Case, palette: Palette) -> Any:
    """The bands as a background of a horizontal axis of scores."""
    rows = [{"band": name, "from": low, "to": high} for name, (low, high) in band_ranges(case).items()]
    shade = plot(rows).mark_rect(opacity=0.35)
    return shade.encode(x=score_axis()("from"), x2="to:Q", color=band_channel(case, palette, LABEL_ROOM))


def heatmap_chart(risk: Risk, *, width: Width = "container", palette: Palette = LIGHT) -> alt.LayerChart:
    """Probability of every outcome for every dyad, coloured by estimative word; the most severe outcomes first, and
    those that dyads share in rows or columns of their own.

    Outcomes are rows; where there are many dyads, dyads are.
    """
    import altair as alt

    case, (shown, more) = risk.forecast.case, highest(risk)
    upright = len(shown) <= MOST_COLUMNS
    dyads = {dyad.id: dyad_label(dyad) for dyad in (risk.dyads if upright else shown)}
    own, shared = (
        by_severity(case, outcomes) for outcomes in (risk.dyads[0].outcomes if risk.dyads else (), risk.shared)
    )
    outcomes = {name: case.events[name].label for name in own} | {
        one.id: f"{one.label} ({spread_text(risk, one).removesuffix(' dyads')})"
        for one in sorted(risk.shared, key=lambda one: shared.index(one.id))
    }
    colours = word_colours(
        palette, any(o.assumed for d in shown for o in d.outcomes) or any(o.assumed for o in risk.shared)
    )
    cells = [
        cell(dyad.id, dyads[dyad.id], outcome, colours, palette)
        for dyad in risk.dyads
        if dyad.id in dyads
        for outcome in dyad.outcomes
    ]
    wide = [cell("", spread_text(risk, outcome), outcome, colours, palette) for outcome in risk.shared]
    across, down = (dyads, outcomes) if upright else (outcomes, dyads)
    fields = ("dyad", "outcome") if upright else ("outcome", "dyad")
    room = f"width / {max(len(across), 1)}"
    x = alt.X(
        f"{fields[0]}:N",
        title=None,
        sort=list(across),
        axis=columns_axis(across, room, upright),
        scale=alt.Scale(domain=list(across)),
    )
    y = alt.Y(f"{fields[1]}:N", title=None, sort=list(down), axis=rows_axis(down), scale=alt.Scale(domain=list(down)))
    legend = swatches(
        2, LABEL_ROOM, labelExpr=lookup(word_ranges() | {ASSUMED: "assumed by the scenario"}), labelFontSize=11
    )
    colour = alt.Color("word:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=legend)
    tooltip = tips(
        name="dyad", label="outcome", text="probability", interval="90 % interval", word="in words", lately="last year"
    )
    layers: list[Any] = []
    for rows, position in ((cells, {"x": x, "y": y}), (wide, {"y": y} if upright else {"x": x})):
        if not rows:
            continue
        base = plot(rows)
        written = {"align": "center", "baseline": "middle", "fontSize": 12}
        if "x" not in position:
            written["x"] = alt.ExprRef("width / 2")
        if "y" not in position:
            written["y"] = alt.ExprRef("height / 2")
        text = alt.ExprRef(f"{room} < 38 ? replace(datum.text, ' %', '') : datum.text")
        layers += [
            base.mark_rect(stroke=palette.paper, strokeWidth=2).encode(color=colour, tooltip=tooltip, **position),
            base.mark_text(text=text, **written).encode(
                color=alt.Color("ink:N", scale=None), tooltip=tooltip, **position
            ),
        ]
    worst = max(cells + wide, key=lambda row: row["probability"] * (row["interval"] != ASSUMED), default=None)
    top = f" Highest: {worst['label']}, {worst['name']}, {worst['text']}." if worst else ""
    return finish(
        layers,
        palette=palette,
        width=width,
        height=alt.Step(ROW),
        title="Probability of at least one event",
        subtitle=f"percent, {window_text(risk)}; the most severe first{more}",
        description=f"Table of probabilities of {len(outcomes)} outcomes for {len(dyads)} dyads.{top}",
    )


def spread_text(risk: Risk, outcome: OutcomeRisk) -> str:
    """How many dyads a shared outcome can touch."""
    whole, touched = len(risk.forecast.dyads), len(outcome.applies_to)
    return "all dyads" if touched == whole else f"{touched:,} of {whole:,} dyads"


def by_severity(case: Case, outcomes: Sequence[OutcomeRisk]) -> list[str]:
    """Ids of outcomes, the most severe first."""
    return sorted((outcome.id for outcome in outcomes), key=lambda name: -(case.events[name].severity or 0.0))


def cell(dyad: str, name: str, outcome: OutcomeRisk, colours: Mapping[str, str], palette: Palette) -> dict[str, Any]:
    """One cell of the table of probabilities."""
    word = ASSUMED if outcome.assumed else outcome.words
    given = "ruled out" if outcome.is_ruled_out else "given"
    return {
        "dyad": dyad,
        "name": name,
        "outcome": outcome.id,
        "label": outcome.label,
        "probability": outcome.probability.mean,
        "text": given if outcome.assumed else percent(outcome.probability.mean),
        "interval": ASSUMED if outcome.assumed else interval(outcome.probability),
        "word": word,
        "ink": ink_on(colours[word], palette),
        "lately": LATELY[outcome.phase],
    }


def columns_axis(labels: Mapping[str, str], room: str, codes: bool) -> Any:
    """An axis of columns on top; where columns are narrow, dyads go by their partner's code, outcomes upright."""
    import altair as alt

    plain: dict[str, Any] = {"orient": "top", "ticks": False, "domain": False, "labelLimit": 170, "labelOverlap": False}
    if codes:
        code = {key: Dyad.parse(key).second if Dyad.names_one(key) else key for key in labels}
        short = lookup({key: key if label == key else code[key] for key, label in labels.items()})
        longest = max((len(label) for label in labels.values()), default=1)
        return alt.Axis(labelAngle=0, labelExpr=f"{room} < {7 * longest} ? {short} : {lookup(labels)}", **plain)
    if len(labels) <= 3:
        return alt.Axis(
            labelAngle=0,
            labelExpr=lookup({key: wrap(label, 14) for key, label in labels.items()}),
            labelBaseline="bottom",
            **plain,
        )
    return alt.Axis(labelAngle=-90, labelExpr=lookup(labels), **plain)


def months_chart(
    risk: Risk,
    dyad: str | None = None,
    *,
    outcome: str | None = None,
    outcomes: Sequence[str] | None = None,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """Probability of at least one event by the end of each period, one row for each curve: all outcomes of a dyad, or
    all dyads of an outcome; with neither given, the dyad with the highest score.

    outcomes: those to show of a dyad. Raises OptionError where both are given, UnknownNameError for unknown names.
    """
    import altair as alt

    if dyad is not None and outcome is not None:
        raise OptionError("both a dyad and an outcome are given; give one")
    forecast, case = risk.forecast, risk.forecast.case
    if outcome is not None:
        curves, title = curves_of_outcome(risk, outcome)
    else:
        curves, title = curves_of_dyad(risk, dyad, outcomes)
    top = max((max(o.probability.high, *o.by_period) for _, _, o in curves), default=1.0)
    limit = next(limit for limit in LIMITS if top <= limit or limit == 1.0)
    scale = SHARE / limit
    # An unseen line goes on beyond the horizon, so that numbers have room at the right end of the curves.
    days = [case.as_of, *forecast.ends]
    beyond = days[-1] + (days[-1] - days[0]) * 0.16
    lines, ends = [], []
    for place, (key, label, shown) in enumerate(curves):
        floor = len(curves) - 1 - place
        for day, p in zip(days, (0.0, *shown.by_period), strict=True):
            at = {"day": day.isoformat(), "by": short_date(day), "probability": p, "text": percent(p)}
            lines.append({"curve": key, "label": label, **at, "floor": floor, "height": floor + scale * p})
        estimate = shown.probability
        ends.append(
            {
                "curve": key,
                "label": label,
                "start": days[0].isoformat(),
                "day": days[-1].isoformat(),
                "beyond": beyond.isoformat(),
                "probability": estimate.mean,
                "text": ASSUMED if shown.assumed else percent(estimate.mean),
                "interval": ASSUMED if shown.assumed else interval(estimate),
                "word": ASSUMED if shown.assumed else shown.words,
                "floor": floor,
                "ceiling": floor + SHARE,
                "height": floor + scale * estimate.mean,
                "low": floor + scale * estimate.low,
                "high": floor + scale * estimate.high,
            }
        )
    x = months_axis(days)
    level = alt.Scale(domain=[0, len(curves)], nice=False, zero=True)

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q", scale=level, axis=None)

    tooltip = tips(label="curve", by="by", text="probability")
    closing = tips(label="curve", text="probability", interval="90 % interval", word="in words")
    curve, end = plot(lines), plot(ends)
    detail = alt.Detail("curve:N")
    plain = {"align": "left", "clip": False}
    layers = [
        end.mark_rule(color=palette.rule, strokeWidth=1).encode(x=x("start"), x2="day:T", y=y("floor")),
        end.mark_rule(opacity=0).encode(x=x("start"), x2="beyond:T", y=y("floor")),
        end.mark_rule(color=palette.grid, strokeWidth=1).encode(x=x("start"), x2="day:T", y=y("ceiling")),
        curve.mark_area(color=palette.model, opacity=0.18).encode(
            x=x("day"), y=y("floor"), y2="height:Q", detail=detail
        ),
        curve.mark_line(color=palette.model, strokeWidth=2).encode(x=x("day"), y=y("height"), detail=detail),
        curve.mark_point(color=palette.model, filled=True, size=18, opacity=1).encode(
            x=x("day"), y=y("height"), tooltip=tooltip
        ),
        end.mark_rule(color=palette.ink, strokeWidth=2).encode(x=x("day"), y=y("low"), y2="high:Q", tooltip=closing),
        end.mark_point(color=palette.ink, filled=True, size=46, opacity=1).encode(
            x=x("day"), y=y("height"), tooltip=closing
        ),
        end.mark_text(color=palette.ink, dx=9, fontSize=12, fontWeight="bold", **plain).encode(
            x=x("day"), y=y("height"), text="text:N", tooltip=closing
        ),
        end.mark_text(color=palette.ink, dx=1, dy=-9, fontSize=12, **plain).encode(
            x=x("start"), y=y("ceiling"), text="label:N"
        ),
    ]
    told = ", ".join(f"{label} {row['text']}" for (_, label, _), row in zip(curves, ends, strict=True))
    return finish(
        layers,
        palette=palette,
        width=width,
        height=MONTHS_ROW * max(len(curves), 1),
        title=title,
        subtitle=f"each row from 0 to {percent(limit) if limit < 1 else '100 %'}; line at the end: 90 % interval",
        description=f"{title}, by {short_date(days[-1])}: {told}.",
    )


def curves_of_dyad(
    risk: Risk, dyad: str | None, outcomes: Sequence[str] | None
) -> tuple[list[tuple[str, str, OutcomeRisk]], str]:
    """Id, label and probabilities of a dyad's outcomes, the most severe first, and a title."""
    case = risk.forecast.case
    found = {item.id: item for item in risk.dyads}
    own = highest(risk)[0][0] if dyad is None else found.get(dyad)
    if own is None:
        raise UnknownNameError("dyad at the start of the horizon", str(dyad), risk.forecast.dyads)
    known = {o.id: o for o in (*own.outcomes, *risk.touching(own.id))}
    for name in outcomes or ():
        if name not in known:
            raise UnknownNameError("outcome", name, tuple(known))
    ranked = by_severity(case, tuple(known.values()))
    shared = {o.id: spread_text(risk, o) for o in risk.shared}
    curves = [
        (name, known[name].label + (f" ({shared[name]})" if name in shared else ""), known[name])
        for name in ranked
        if outcomes is None or name in outcomes
    ]
    return curves, f"Probability by {case.settings.period}: {dyad_label(own)}"


def curves_of_outcome(risk: Risk, outcome: str) -> tuple[list[tuple[str, str, OutcomeRisk]], str]:
    """Id, label and probabilities of an outcome in every dyad, the highest scores first, and a title."""
    case = risk.forecast.case
    if outcome not in case.outcomes:
        raise UnknownNameError("outcome", outcome, case.outcomes)
    title = f"Probability by {case.settings.period}: {case.events[outcome].label}"
    shared = [("all", spread_text(risk, o), o) for o in risk.shared if o.id == outcome]
    curves = [(d.id, dyad_label(d), o) for d in highest(risk)[0] for o in d.outcomes if o.id == outcome]
    return shared or curves, title


def months_axis(days: Sequence[dt.date]) -> Any:
    """A function from a field to an axis of dates whose ticks are ends of periods."""
    import altair as alt

    step = max(1, -(-(len(days) - 1) // 4))
    ticks = [alt.DateTime(year=d.year, month=d.month, date=d.day, utc=True) for d in days[::step]]
    long = (days[-1] - days[0]).days > 4 * 366
    axis = alt.Axis(values=ticks, format="%Y" if long else "%b %Y", grid=False, labelFlush=False)
    scale = alt.Scale(type="utc", nice=False)
    return lambda field: alt.X(f"{field}:T", title=None, scale=scale, axis=axis)
