"""Charts as files: SVG and PNG on paper of their own, with where their numbers come from at the foot."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from xml.sax.saxutils import escape

from riskcast.charts import forecast as forecast_charts, theme, verification as charts
from riskcast.exports.dossier import Dossier
from riskcast.exports.tables import Value, origin, told
from riskcast.forecasting.contrasts import contrast
from riskcast.forecasting.scoring import Risk

WIDTH = 900
SCALE = 2
MARGIN = 14
FOOT = 13
LETTERS = 190


class Picture(StrEnum):
    """The kinds of charts that can be handed over."""

    MAP = "Map of scores"
    SCORES = "Scores with intervals"
    TABLE = "Probabilities (heat map)"
    MONTHS = "Probability over time"
    WHY = "Why (waterfall)"
    RECORD = "Record (timeline)"
    CHANGE = "What changes"

    @property
    def is_of_one_dyad(self) -> bool:
        """Whether it shows one dyad."""
        return self in (Picture.MONTHS, Picture.WHY)


@dataclass(frozen=True)
class Wish:
    """Which chart: of one dyad where its kind is of one, and against which other result where it shows a change."""

    kind: Picture
    dyad: str
    against: Risk
    palette: theme.Palette = theme.LIGHT


def draw_picture(dossier: Dossier, wish: Wish, width: Any = WIDTH) -> Any:
    """The chart of the headline; None where there is nothing to draw, as the map of a case without known states."""
    risk, case = dossier.headline, dossier.case
    look: dict[str, Any] = {"width": width, "palette": wish.palette}
    if wish.kind is Picture.MAP:
        return forecast_charts.map_chart(risk, **look)
    if wish.kind is Picture.SCORES:
        return forecast_charts.score_chart(risk, **look)
    if wish.kind is Picture.TABLE:
        return forecast_charts.heatmap_chart(risk, **look)
    if wish.kind is Picture.MONTHS:
        return forecast_charts.months_chart(risk, dyad=wish.dyad, **look)
    if wish.kind is Picture.WHY:
        explanation = dossier.explanations[risk.forecast.scenario_name]
        named = {dyad.id: dyad.partner_name or dyad.id for dyad in risk.dyads}
        return forecast_charts.waterfall_chart(explanation, wish.dyad, name=named[wish.dyad], **look)
    if wish.kind is Picture.RECORD:
        return forecast_charts.timeline_chart(case, **look) if case.event_rows or case.panel is not None else None
    before = wish.against.forecast
    change = contrast(risk.forecast, before)
    compared = [before.scenario, risk.forecast.scenario]
    return forecast_charts.contrast_chart(change, case, scenarios=compared, **look)


def to_svg(dossier: Dossier, wish: Wish) -> bytes:
    """The chart as SVG; nothing where there is nothing to draw."""
    drawn = draw_picture(dossier, wish)
    return _framed(charts.to_svg(drawn), dossier, wish.palette).encode() if drawn is not None else b""


def to_png(dossier: Dossier, wish: Wish) -> bytes:
    """The chart as PNG, at twice its size."""
    import vl_convert

    svg = to_svg(dossier, wish)
    if not svg:
        return b""
    png = vl_convert.svg_to_png(svg.decode(), scale=SCALE)
    return _noted(png, {name: str(value) for name, value in _full(dossier).items()})


def _full(dossier: Dossier) -> dict[str, Value]:
    return {**origin(dossier), "scenario": dossier.headline.forecast.scenario_name}


def _framed(svg: str, dossier: Dossier, palette: theme.Palette) -> str:
    """A chart on its paper, with its origin at the foot and, in full, in its metadata."""
    found = re.search(r'width="([\d.]+)" height="([\d.]+)" viewBox="[^"]*"', svg)
    if found is None:
        raise ValueError("the chart has no size")
    width, height = (float(size) for size in found.groups())
    lines = textwrap.wrap(told(dossier), max(int(LETTERS * width / WIDTH), 40))
    wide, high = width + 2 * MARGIN, height + 2 * MARGIN + FOOT * len(lines) + 6
    size = f'width="{wide:g}" height="{high:g}" viewBox="{-MARGIN} {-MARGIN} {wide:g} {high:g}"'
    full = "; ".join(f"{name}: {value}" for name, value in _full(dossier).items())
    paper = f'<rect x="{-MARGIN}" y="{-MARGIN}" width="{wide:g}" height="{high:g}" fill="{palette.paper}"/>'
    look = f'font-family="{escape(theme.FONT)}" font-size="9.5" fill="{palette.muted}"'
    foot = "".join(
        f'<text x="4" y="{height + 6 + FOOT * place:g}" {look}>{escape(line)}</text>'
        for place, line in enumerate(lines, 1)
    )
    svg = svg.replace(found.group(0), size, 1).replace(
        "</title>", f"</title><metadata>{escape(full)}</metadata>{paper}", 1
    )
    return svg.removesuffix("</svg>") + foot + "</svg>"


def _noted(png: bytes, notes: Mapping[str, str]) -> bytes:
    """The same picture with texts in it (iTXt chunks)."""
    from PIL import Image, PngImagePlugin

    texts = PngImagePlugin.PngInfo()
    for name, text in notes.items():
        texts.add_itxt(name, text)
    out = io.BytesIO()
    picture = Image.open(io.BytesIO(png))
    picture.save(out, "png", pnginfo=texts, dpi=picture.info.get("dpi"))
    return out.getvalue()
