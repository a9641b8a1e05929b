"""What a case has on record -> Altair charts: the chronology of events, and dated values of indicators."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from riskcast.case.model import Case, EventRow
from riskcast.charts.canvas import (
    LABEL_ROOM,
    Width,
    finish,
    hues,
    lookup,
    plot,
    rows_axis,
    swatches,
    tips,
    unit_label,
)
from riskcast.charts.theme import LIGHT, SIGNED, Palette
from riskcast.errors import UnknownNameError
from riskcast.names import ALL_DYADS, CONTEXT
from riskcast.numbers import figure
from riskcast.record.arrays import build_record

if TYPE_CHECKING:
    import altair as alt

MOST_EVENTS: Final = 2000
MOST_HUES: Final = 7
TRIGGERS: Final = "triggers:"


def timeline_chart(
    case: Case, *, rows: Sequence[EventRow] | None = None, width: Width = "container", palette: Palette = LIGHT
) -> alt.LayerChart:
    """The event chronology: a dot for each event, in the row of its type and the colour of its dyad; triggers are set
    apart, and dots are hollow where only the month or year is known.

    rows: events to show, if not all of the case; a panel's events stand at the ends of their periods.
    """
    import altair as alt

    every = _panel_events(case) if case.panel is not None and rows is None else _dated_events(case, rows)
    events = sorted(every, key=lambda event: event["day"])[-MOST_EVENTS:]
    order = sorted(case.events, key=lambda name: -(case.events[name].severity or 0.0))
    seen = {event["type"] for event in events}
    labels = {name: case.events[name].label for name in order if name in seen and case.events[name].kind == "outcome"}
    apart = {name: case.events[name].label for name in order if name in seen and name not in labels}
    if apart:
        labels |= {TRIGGERS: "Triggers", **apart}
    if CONTEXT in seen:
        labels |= {CONTEXT: "Context"}
    units = [unit for unit in (*case.dyads, ALL_DYADS) if any(event["unit"] == unit for event in events)]
    few = len(units) <= MOST_HUES
    axis = rows_axis(labels, (TRIGGERS,), grid=True)
    y = alt.Y("type:N", title=None, sort=list(labels), scale=alt.Scale(domain=list(labels)), axis=axis)
    span = [case.as_of.isoformat() if not events else events[0]["day"], case.as_of.isoformat()]
    ticks = alt.Axis(grid=False, tickCount=6, format="%Y" if span[1][:4] > f"{int(span[0][:4]) + 2:04d}" else "%b %Y")
    x = alt.X("day:T", title=None, scale=alt.Scale(type="utc", domain=span, nice=False, padding=8), axis=ticks)
    encoding: dict[str, Any] = {"x": x, "y": y}
    if few:
        named = lookup({unit: unit_label(case, unit) for unit in units})
        legend = swatches(3, LABEL_ROOM, symbolType="circle", labelExpr=named)
        scale = alt.Scale(domain=units, range=list(hues(palette)[: len(units)]))
        encoding["fill"] = alt.Fill("unit:N", scale=scale, legend=legend)
        encoding["stroke"] = alt.Stroke("unit:N", scale=scale, legend=None)
        encoding["yOffset"] = alt.YOffset("unit:N", sort=units, scale=alt.Scale(domain=units, paddingOuter=0.8))
    encoding["fillOpacity"] = alt.condition("datum.exact", alt.value(0.85), alt.value(0.0))
    encoding["tooltip"] = tips(when="date", label="what", where="where", description="event", sources="sources")
    plain = {} if few else {"fill": palette.model, "stroke": palette.model}
    dots = plot(events).mark_point(size=46, strokeWidth=1.4, opacity=0.9, shape="circle", **plain).encode(**encoding)
    hidden = len(every) - len(events)
    more = f"the latest {len(events):,} of {len(every):,}" if hidden else ""
    hollow = "" if all(event["exact"] for event in events) else "hollow: only the month or year is known"
    return finish(
        [dots],
        palette=palette,
        width=width,
        height=alt.Step(28, **{"for": "position"}) if few else alt.Step(28),
        title="Events on record",
        subtitle="; ".join(note for note in (hollow, more) if note) or "each dot is an event",
        description=f"{len(events)} events of {len(seen)} types, {span[0]} to {span[1]}.",
    )


def _dated_events(case: Case, rows: Sequence[EventRow] | None) -> list[dict[str, Any]]:
    return [
        {
            "day": row.placed_on.isoformat(),
            "when": row.when,
            "precision": row.precision,
            "exact": row.precision == "day",
            "type": row.type,
            "label": case.events[row.type].label if row.type in case.events else "Context",
            "unit": ALL_DYADS if row.dyad == case.host else row.dyad,
            "where": unit_label(case, row.dyad),
            "description": row.description,
            "sources": "; ".join(case.sources[source].title for source in row.sources if source in case.sources),
        }
        for row in (case.event_rows if rows is None else rows)
    ]


def _panel_events(case: Case) -> list[dict[str, Any]]:
    record, period = build_record(case), case.settings.period
    found = []
    for name, occurred in record.occurred.items():
        for t, unit in np.argwhere(occurred > 0).tolist():
            where = case.units(name)[unit]
            found.append(
                {
                    "day": str(record.timeline.ends[t]),
                    "when": record.timeline.label(t),
                    "precision": period,
                    "exact": True,
                    "type": name,
                    "label": case.events[name].label,
                    "unit": ALL_DYADS if where == case.host else where,
                    "where": unit_label(case, where),
                    "description": "",
                    "sources": "the panel",
                }
            )
    return found


def series_chart(
    case: Case,
    indicator: str,
    *,
    units: Sequence[str] | None = None,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """An indicator's dated values with their range, today's level with its 90 % interval, and its reference level.

    units: dyads to show, if not the first seven. Raises UnknownNameError for an unknown indicator or dyad.
    """
    import altair as alt

    if indicator not in case.indicators:
        raise UnknownNameError("indicator", indicator, tuple(case.indicators))
    own = case.indicators[indicator]
    every = case.dyads if own.scope == "dyad" else (case.host,)
    for unit in units or ():
        if unit not in every:
            raise UnknownNameError("dyad", unit, every)
    shown = list(units or every)[:MOST_HUES]
    values = _panel_values(case, indicator, shown) if own.history == "panel" else _dated_values(case, indicator, shown)
    first = min((row["day"] for row in values), default=case.settings.history_from.isoformat())
    start = dt.date.fromisoformat(first)
    gap = max((case.as_of - start).days, 30)
    now = []
    for place, unit in enumerate(shown if own.history != "panel" else ()):
        quantity = case.now_of(indicator, unit)
        low, high = quantity.range
        # Levels of today stand side by side, after the last day.
        day = case.as_of + dt.timedelta(days=round(gap * 0.022 * (place + 1)))
        now.append(
            {"unit": unit, "day": day.isoformat(), "when": f"today ({case.as_of})", "level": quantity.center}
            | {"low": low, "high": high, "text": figure(quantity.center), "range": f"{figure(low)}–{figure(high)}"}
        )
    for row in values + now:
        row["where"] = case.state_names.get(case.host, "host") if own.scope == "host" else unit_label(case, row["unit"])
    ticks = alt.Axis(grid=False, tickCount=6, format="%Y" if gap > 3 * 366 else "%b %Y")
    levels = [own.reference, *(row[end] for row in values + now for end in ("low", "high"))]
    kind = "log" if own.measure.axis == "log" and min(levels) > 0 else "linear"

    def x(field: str) -> Any:
        scale = alt.Scale(type="utc", nice=False, padding=8)
        return alt.X(f"{field}:T", title=None, scale=scale, axis=ticks)

    def y(field: str) -> Any:
        scale = alt.Scale(type=kind, zero=False, nice=True, padding=6)
        axis = alt.Axis(tickCount=6, labelExpr=SIGNED)
        if kind == "log":
            axis.values = log_ticks(min(levels), max(levels))
        return alt.Y(f"{field}:Q", title=own.unit, scale=scale, axis=axis)

    many = len(shown) > 1
    legend = (
        swatches(3, 0, symbolType="circle", labelExpr=lookup({u: unit_label(case, u) for u in shown})) if many else None
    )
    colour = alt.Color("unit:N", scale=alt.Scale(domain=shown, range=list(hues(palette)[: len(shown)])), legend=legend)
    tooltip = tips(where="where", when="date", text="level", range="range")
    line, today = plot(values), plot(now)
    reference = plot([{"level": own.reference}])
    layers = [
        reference.mark_rule(color=palette.muted, strokeDash=[5, 4]).encode(y=y("level")),
        line.mark_rule(strokeWidth=5, opacity=0.25).encode(
            x=x("day"), y=y("low"), y2="high:Q", color=colour, tooltip=tooltip
        ),
        line.mark_line(strokeWidth=1.8).encode(x=x("day"), y=y("level"), color=colour),
        line.mark_point(filled=True, size=34, opacity=1).encode(
            x=x("day"), y=y("level"), color=colour, tooltip=tooltip
        ),
        today.mark_rule(strokeWidth=2.2).encode(x=x("day"), y=y("low"), y2="high:Q", color=colour, tooltip=tooltip),
        today.mark_point(filled=True, shape="diamond", size=120, opacity=1).encode(
            x=x("day"), y=y("level"), color=colour, tooltip=tooltip
        ),
    ]
    if not values:
        layers = [layers[0], *layers[4:]]
    more = f"; {len(shown)} of {len(every)} dyads" if len(shown) < len(every) else ""
    ranges = any(row["low"] < row["high"] for row in values)
    notes = ["bars: range of a value" if ranges else "" if values else "no dated values"]
    notes.append("diamond: today, 90 % interval" if now else "")
    legend_text = "; ".join(note for note in notes if note) or "dots: values of the panel"
    told = ", ".join(f"{row['where']} {row['text']} ({row['range']})" for row in now)
    return finish(
        layers if now else layers[:-2],
        palette=palette,
        width=width,
        height=260,
        title=own.label,
        subtitle=f"{legend_text}\ndashed: reference, {figure(own.reference)}{more}",
        description=f"{own.label}, {own.unit}: {len(values)} dated values. Today: {told or 'as the panel has it'}.",
    )


def _dated_values(case: Case, indicator: str, units: Collection[str]) -> list[dict[str, Any]]:
    """Dated values; of several series, those of the level that each tells, at the medians of offset and scale."""
    own, found = case.indicators[indicator], []
    for row in case.series_rows:
        if row.indicator != indicator or row.unit not in units:
            continue
        measure = own.series.get(row.series or "")
        low, level, high = row.low, row.value, row.high
        if measure is not None:
            offset = 0.0 if measure.offset is None else measure.offset.center
            scale = 1.0 if measure.scale is None else measure.scale.center
            low, level, high = (
                float(own.level((float(own.steps(each)) - offset) / scale)) for each in (low, level, high)
            )
        when = str(row.date) if measure is None else f"{row.date}, {measure.label}"
        found.append(
            {"unit": row.unit, "day": row.date.isoformat(), "when": when, "level": level, "low": low}
            | {"high": high, "text": figure(level), "range": f"{figure(low)}–{figure(high)}"}
        )
    return found


def _panel_values(case: Case, indicator: str, units: Collection[str]) -> list[dict[str, Any]]:
    """Values of a panel at the ends of its periods; those of the host once for each period."""
    panel = case.panel
    assert panel is not None
    found: dict[tuple[str, int], float] = {}
    for unit, number, level in zip(
        panel.unit.tolist(), panel.period.tolist(), panel.levels[indicator].tolist(), strict=True
    ):
        name = case.host if case.indicators[indicator].scope == "host" else panel.dyads[unit]
        if name in units and math.isfinite(level):
            found[name, number] = level
    return [
        {"unit": name, "day": case.calendar.last_day(number).isoformat(), "when": case.calendar.label(number)}
        | {"level": level, "low": level, "high": level, "text": figure(level), "range": ""}
        for (name, number), level in sorted(found.items())
    ]


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers for a log scale: 1, 2 and 5 of each decade; where there are many, 1 and 3, or 1 alone.

    >>> log_ticks(0.5, 4.0), log_ticks(0.03, 3000.0)
    ([0.5, 1.0, 2.0, 5.0], [0.1, 1.0, 10.0, 100.0, 1000.0])
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    digits = (1, 2, 5) if last - first <= 2 else (1, 3) if last - first <= 4 else (1,)
    ticks = [float(f"{digit}e{power}") for power in range(first, last + 1) for digit in digits]
    return [tick for tick in ticks if low / 2 < tick < 2 * high]
