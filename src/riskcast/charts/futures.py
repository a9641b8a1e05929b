"""One probability under several futures, by the end of each period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from riskcast.charts.canvas import Width
from riskcast.charts.theme import LIGHT, Palette, chart_rows, make_title, probability_axis, style, wrap
from riskcast.errors import OptionError
from riskcast.forecasting.forecasts import Forecast
from riskcast.numbers import percent, short_date

if TYPE_CHECKING:
    import altair as alt

MOST_FUTURES = 4
LIMITS = (0.05, 0.1, 0.25, 0.5, 1.0)


def futures_chart(
    forecasts: Mapping[str, Forecast],
    event: str,
    unit: str,
    *,
    width: Width = "container",
    palette: Palette = LIGHT,
) -> alt.LayerChart:
    """Probability of at least one event in a unit by the end of each period, a line for each of up to four futures.

    `forecasts`: by label; a line is dashed where its future takes the event as given. Raises OptionError for no
    forecast or more than four.
    """
    import altair as alt

    if not 1 <= len(forecasts) <= MOST_FUTURES:
        raise OptionError(f"{len(forecasts)} forecasts are given; give 1 to {MOST_FUTURES}")
    rows = [row for label, ahead in forecasts.items() for row in _line(label, ahead, event, unit)]
    limit = next(limit for limit in LIMITS if limit >= max(row["probability"] for row in rows) or limit == 1.0)
    names = list(forecasts)
    colours = [palette.model, palette.persistence, palette.dyad_rate, palette.prior_only][: len(names)]
    legend = alt.Legend(
        title=None, orient="bottom", columns=1, labelLimit=330, symbolType="stroke", symbolStrokeWidth=3
    )
    days = sorted({row["day"] for row in rows})
    shown = days[:: max(1, -(-(len(days) - 1) // 4))]
    axis = alt.Axis(format="%b %Y", values=shown, grid=False, labelFlush=True)
    base = chart_rows(rows).encode(
        x=alt.X("day:T", title=None, axis=axis, scale=alt.Scale(type="utc", domain=[days[0], days[-1]], nice=False)),
        y=probability_axis("probability", None, limit, False, alt.Y),
        color=alt.Color("scenario:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
        tooltip=[
            alt.Tooltip("scenario:N", title="scenario"),
            alt.Tooltip("by:N", title="by"),
            alt.Tooltip("text:N", title="probability"),
        ],
    )
    dash = alt.StrokeDash("assumed:N", scale=alt.Scale(domain=[False, True], range=[[1, 0], [6, 4]]), legend=None)
    first = next(iter(forecasts.values()))
    kind = first.case.events[event].label
    where = "all pairs" if unit == first.case.host else first.case.name_of(unit)
    spoken = ", ".join(f"{row['scenario']} {row['text']}" for row in rows if row["day"] == days[-1])
    chart = alt.layer(
        base.mark_line(strokeWidth=2.4).encode(strokeDash=dash), base.mark_point(filled=True, size=30, opacity=1)
    ).properties(
        width=width,
        height=280,
        title=make_title(wrap(f"{kind}: {where}", 44), "probability of at least one by the end of each period"),
        description=f"{kind}, {where}, by the end of the horizon: {spoken}.",
    )
    return style(chart, palette)


def _line(label: str, ahead: Forecast, event: str, unit: str) -> list[dict[str, Any]]:
    days = [ahead.case.as_of, *ahead.ends]
    assumed = ahead.is_assumed(event, unit)
    rows = []
    for day, probability in zip(days, (0.0, *ahead.by_period(event, unit)), strict=True):
        rows.append(
            {
                "scenario": label,
                "day": day.isoformat(),
                "by": short_date(day),
                "probability": probability,
                "text": percent(probability) + (" (assumed)" if assumed else ""),
                "assumed": assumed,
            }
        )
    return rows
