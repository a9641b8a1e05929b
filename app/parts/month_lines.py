"""One probability under several futures, by the end of each period, as an Altair chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

import riskcast
from riskcast.charts import theme
from state.results import Result

LIMITS = (0.05, 0.1, 0.25, 0.5, 1.0)


def month_lines(found: Mapping[str, Result], event: str, unit: str, palette: theme.Palette) -> Any:
    """A line for each future, by its label; dashed where the future assumes the event in question."""
    rows = [row for label, result in found.items() for row in _line(label, result, event, unit)]
    limit = next(limit for limit in LIMITS if limit >= max(row["probability"] for row in rows) or limit == 1.0)
    names = list(found)
    colours = [palette.model, palette.persistence, palette.dyad_rate, palette.prior_only][: len(names)]
    legend = alt.Legend(
        title=None, orient="bottom", columns=1, labelLimit=330, symbolType="stroke", symbolStrokeWidth=3
    )
    days = sorted({row["day"] for row in rows})
    shown = days[:: max(1, -(-(len(days) - 1) // 4))]
    axis = alt.Axis(format="%b %Y", values=shown, grid=False, labelFlush=True)
    base = theme.chart_rows(rows).encode(
        x=alt.X("day:T", title=None, axis=axis, scale=alt.Scale(type="utc", domain=[days[0], days[-1]], nice=False)),
        y=theme.probability_axis("probability", None, limit, False, alt.Y),
        color=alt.Color("scenario:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
        tooltip=[
            alt.Tooltip("scenario:N", title="scenario"),
            alt.Tooltip("by:N", title="by"),
            alt.Tooltip("text:N", title="probability"),
        ],
    )
    dash = alt.StrokeDash("assumed:N", scale=alt.Scale(domain=[False, True], range=[[1, 0], [6, 4]]), legend=None)
    first = next(iter(found.values()))
    kind = first.case.events[event].label
    where = "all pairs" if unit == first.case.host else first.case.name_of(unit)
    spoken = ", ".join(f"{row['scenario']} {row['text']}" for row in rows if row["day"] == days[-1])
    chart = alt.layer(
        base.mark_line(strokeWidth=2.4).encode(strokeDash=dash), base.mark_point(filled=True, size=30, opacity=1)
    ).properties(
        width="container",
        height=280,
        title=theme.make_title(
            theme.wrap(f"{kind}: {where}", 44), "probability of at least one by the end of each period"
        ),
        description=f"{kind}, {where}, by the end of the horizon: {spoken}.",
    )
    return theme.style(chart, palette)


def _line(label: str, result: Result, event: str, unit: str) -> list[dict[str, Any]]:
    ahead, timeline = result.forecast, result.posterior.record.timeline
    assumed = ahead.is_assumed(event, unit)
    rows = []
    for number, probability in enumerate((0.0, *ahead.by_period(event, unit))):
        day = timeline.end(number)
        rows.append(
            {
                "scenario": label,
                "day": day.isoformat(),
                "by": f"{day:%-d %b %Y}",
                "probability": probability,
                "text": riskcast.percent(probability) + (" (assumed)" if assumed else ""),
                "assumed": assumed,
            }
        )
    return rows
