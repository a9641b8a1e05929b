"""The brief as a file to hand over: one self-contained HTML page, or a PDF."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import files
from typing import Any, Final

from riskcast import theme
from riskcast.brief_content import MOST_DYADS, Brief, make_brief
from riskcast.charts import to_svg
from riskcast.dossier import Dossier
from riskcast.forecast_charts import heatmap_chart, map_chart
from riskcast.pages import render_page
from riskcast.scoring import WORDS

MAP_WIDTH: Final = 460
HEAT_WIDTH: Final = 860
READING: Final = (
    ("Probability", "Of at least one event of the kind within the horizon, given all that the model holds."),
    ("90 % interval", "Nine times in ten, more knowledge of the parameters would leave the number within it."),
    ("Paired change", "The same draws and the same chance under both futures: what differs is due to what is assumed."),
)


def brief_html(dossier: Dossier) -> str:
    """The brief as one HTML page that asks nothing of the network, light and dark, for screens, phones and paper."""
    brief = make_brief(dossier)
    drawn = _charts(dossier)
    return render_page(
        "brief",
        title=brief.title,
        summary=[brief.about],
        cautions=[],
        words=[*READING, ("Words", _scale())],
        provenance=dict(brief.origin),
        brief=brief,
        map=drawn["map"],
        heat=drawn["heat"],
    )


def brief_pdf(dossier: Dossier) -> bytes:
    """The brief as a PDF of A4 pages; the same dossier gives the same bytes."""
    import typst

    template = files("riskcast").joinpath("templates/brief.typ").read_bytes()
    # Texts of a case travel as data: pasted into the template, they could be read as commands.
    return typst.compile(
        template,
        format="pdf",
        sys_inputs={"brief": json.dumps(_data(make_brief(dossier), _charts(dossier)))},
        ignore_system_fonts=True,
    )


def _charts(dossier: Dossier) -> dict[str, str | None]:
    """Map and heat map as SVG; None where there is nothing to draw, or too much."""
    risk = dossier.headline
    drawn = map_chart(risk, width=MAP_WIDTH)
    heat = heatmap_chart(risk, width=HEAT_WIDTH) if len(risk.dyads) <= MOST_DYADS else None
    return {
        "map": to_svg(drawn) if drawn is not None else None,
        "heat": to_svg(heat) if heat is not None else None,
    }


def _data(brief: Brief, drawn: dict[str, str | None]) -> dict[str, Any]:
    import vl_convert

    pictures = {name: list(vl_convert.svg_to_pdf(svg)) if svg is not None else None for name, svg in drawn.items()}
    palette = theme.LIGHT
    colours = {name: getattr(palette, name) for name in ("muted", "rule", "alarm", "ink")}
    return {"brief": asdict(brief), **pictures, **colours, "accent": palette.model}


def _scale() -> str:
    """The estimative words with their probabilities."""
    parts, low = [], 0.0
    for high, word in WORDS:
        parts.append(f"{word} {100 * low:.0f}–{100 * min(high, 1.0):.0f} %")
        low = high
    return ", ".join(parts) + " (US Intelligence Community Directive 203)."
