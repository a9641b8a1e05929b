"""The house style of charts: colours, type, axes, and how forecasters are told apart."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from riskcast.errors import visible
from riskcast.verification.forecasters import (
    DYAD_RATE,
    LEFT_OUT,
    PERSISTENCE,
    POOLED_RATE,
    PRIOR_ONLY,
    forecaster_names,
)
from riskcast.verification.verdicts import label_of

FONT: Final = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
DASHES: Final = {
    LEFT_OUT: (6, 3),
    PRIOR_ONLY: (2, 2),
    POOLED_RATE: (8, 3, 2, 3),
    DYAD_RATE: (5, 2),
    PERSISTENCE: (1, 0),
}
STRETCHED_TICKS: Final = {
    0.05: (0, 0.002, 0.01, 0.03, 0.05),
    0.1: (0, 0.01, 0.05, 0.1),
    0.25: (0, 0.01, 0.05, 0.1, 0.25),
    0.5: (0, 0.02, 0.1, 0.25, 0.5),
    1.0: (0, 0.05, 0.25, 0.5, 1),
}
PERCENT: Final = "replace(format(round(datum.value * 100000) / 1000, '~g'), '-', '−') + ' %'"
SIGNED: Final = "replace(format(datum.value, '~g'), '-', '−')"


@dataclass(frozen=True)
class Palette:
    """Colours of charts and pages; forecasters keep theirs everywhere, from the palette of Okabe and Ito.

    All colours of a palette differ, so that one palette can be exchanged for another in a drawn chart.
    """

    paper: str
    ink: str
    muted: str
    rule: str
    grid: str
    band: str
    bar: str
    alarm: str
    model: str
    left_out: str
    prior_only: str
    pooled_rate: str
    dyad_rate: str
    persistence: str
    spare: str

    def forecaster(self, key: str) -> str:
        """The colour of a forecaster; one that the house does not know gets the spare colour.

        >>> LIGHT.forecaster("model"), LIGHT.forecaster("oracle")
        ('#0072b2', '#c98500')
        """
        return str(getattr(self, key, self.spare)) if key in forecaster_names() else self.spare


LIGHT: Final = Palette(
    paper="#ffffff",
    ink="#1b2430",
    muted="#5a6675",
    rule="#9aa5b1",
    grid="#e6eaee",
    band="#d3dde7",
    bar="#7f97ad",
    alarm="#b3261e",
    model="#0072b2",
    left_out="#56b4e9",
    prior_only="#c0649a",
    pooled_rate="#767676",
    dyad_rate="#009e73",
    persistence="#d55e00",
    spare="#c98500",
)
DARK: Final = Palette(
    paper="#161c24",
    ink="#eef2f6",
    muted="#a9b4c0",
    rule="#6b7785",
    grid="#29323d",
    band="#34424f",
    bar="#7d93a8",
    alarm="#ff8a80",
    model="#3ea6e6",
    left_out="#a5dcff",
    prior_only="#e39cc4",
    pooled_rate="#b0b0b0",
    dyad_rate="#2fcf9f",
    persistence="#ff8b3d",
    spare="#f0b73a",
)


def chart_rows(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A chart of rows, without a mark as yet."""
    import altair as alt

    # Altair copies lists at every step of the making of a chart, and leaves a tuple alone.
    return alt.Chart(alt.Data(values=tuple(rows)))


def identify(forecasters: Iterable[str], palette: Palette) -> dict[str, Any]:
    """Colour and dashes of forecasters, which one legend explains."""
    import altair as alt

    names = list(forecasters)
    labels = [label_of(name) for name in names]
    legend = alt.Legend(
        title=None,
        orient="bottom",
        columns=2,
        labelLimit=220,
        symbolStrokeWidth=2.4,
        symbolSize=260,
        symbolType="stroke",
    )
    dashes = [list(DASHES.get(name, (1, 0))) for name in names]
    colours = [palette.forecaster(name) for name in names]
    return {
        "color": alt.Color("forecaster:N", scale=alt.Scale(domain=labels, range=colours), legend=legend),
        "strokeDash": alt.StrokeDash("forecaster:N", scale=alt.Scale(domain=labels, range=dashes), legend=legend),
    }


def probability_axis(
    field: str, title: str | None, limit: float | None, stretched: bool, channel: Any, ticks: int | None = None
) -> Any:
    """A position channel for probabilities, in percent."""
    import altair as alt

    domain = alt.Undefined if limit is None else [0, limit]
    scale = alt.Scale(type="sqrt" if stretched else "linear", domain=domain, nice=limit is None)
    axis = alt.Axis(labelExpr=PERCENT, tickCount=ticks or 5)
    if limit is not None and stretched:
        axis.values = list(STRETCHED_TICKS.get(limit, STRETCHED_TICKS[1.0]))
        axis.labelOverlap = False
    return channel(f"{field}:Q", title=title, scale=scale, axis=axis)


def make_title(text: str | list[str], *subtitle: str) -> Any:
    """A title, of several lines if it is a list, with what a reader needs to know beneath it."""
    import altair as alt

    return alt.TitleParams(text, subtitle=list(subtitle)) if subtitle else alt.TitleParams(text)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most so many characters where words allow; at least one line.

    >>> wrap("riskcast without the dyad's own record", 22)
    ['riskcast without the', "dyad's own record"]
    """
    return textwrap.wrap(text, width) or [text]


def finite(value: float) -> float | None:
    """A number that JSON can hold, or none.

    >>> finite(0.5), finite(float("nan"))
    (0.5, None)
    """
    return float(value) if math.isfinite(value) else None


def readable(part: Any) -> Any:
    """A part of a chart with every text as it is written; objects of altair are changed in place."""
    import altair as alt

    if isinstance(part, str):
        return visible(part)
    if isinstance(part, alt.SchemaBase):
        part._kwds.update({name: readable(each) for name, each in part._kwds.items()})
    elif isinstance(part, dict):
        return {name: readable(each) for name, each in part.items()}
    elif isinstance(part, list | tuple):
        return type(part)(map(readable, part))
    return part


def style(chart: Any, palette: Palette) -> Any:
    """Give a chart the house style: little ink, grid lines only where they help, nothing behind the chart; and let no
    text in it turn the direction of writing."""
    import altair as alt

    readable(chart)
    # `configure` would copy the chart and join its layers anew.
    chart.config = alt.Config(
        background="transparent",
        font=FONT,
        aria=False,
        padding=4,
        view={"stroke": None},
        axis={
            "domainColor": palette.rule,
            "tickColor": palette.rule,
            "gridColor": palette.grid,
            "labelColor": palette.muted,
            "titleColor": palette.muted,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "labelPadding": 4,
            "tickSize": 4,
        },
        axisY={"domain": False, "ticks": False},
        title={
            "anchor": "start",
            "frame": "group",
            "color": palette.ink,
            "fontSize": 14,
            "fontWeight": "bold",
            "subtitleColor": palette.muted,
            "subtitleFontSize": 12,
            "subtitlePadding": 4,
            "offset": 10,
        },
        legend={"labelColor": palette.ink, "labelFontSize": 12, "rowPadding": 4, "columnPadding": 18, "offset": 14},
        line={"strokeWidth": 2},
    )
    return chart
