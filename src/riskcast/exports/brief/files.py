"""The brief as a file to hand over: one self-contained HTML page, or a PDF."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from riskcast.charts.canvas import ASSUMED, ink_on, word_colours
from riskcast.charts.forecast import map_chart, score_chart
from riskcast.charts.theme import DARK, LIGHT, Palette
from riskcast.charts.verification import to_svg
from riskcast.errors import visible
from riskcast.exports.brief.content import MOST_DYADS, Brief, make_brief
from riskcast.exports.brief.sentences import ranked_dyads
from riskcast.exports.dossier import Dossier
from riskcast.exports.files import write_all
from riskcast.exports.html_pages import render_page
from riskcast.machinery.tables import Table

WIDTH: Final = 460
HEIGHT: Final = 330
SIZES: Final = (1.0, 0.93)
TYPEFACE: Final = "Libertinus Serif"
PDF_STANDARD: Final = "ua-1"
NO_GLYPH: Final = "could not be displayed"
UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
READING: Final = (
    ("Probability", "Of at least one event of the kind within the horizon, given all that the model holds."),
    ("90 % interval", "Nine times in ten, more knowledge of the parameters would leave the number within it."),
    ("Paired change", "The same draws and the same chance under both futures: what differs is due to what is assumed."),
    ("Points of a driver", "What it adds to the score when its turn comes, averaged over all orders of the drivers."),
    ("Words of probability", "Those of US Intelligence Community Directive 203, as in the legend of the table."),
)


@dataclass(frozen=True)
class Drawn:
    """A chart as SVG on light and on dark paper, and what it shows in words."""

    light: str
    dark: str
    told: str


def write_html(dossier: Dossier, folder: Path) -> None:
    """Write `brief.html`."""
    write_all(folder, {"brief.html": brief_html(dossier).encode()})


def write_pdf(dossier: Dossier, folder: Path) -> None:
    """Write `brief.pdf`."""
    write_all(folder, {"brief.pdf": brief_pdf(dossier)})


def brief_html(dossier: Dossier) -> str:
    """The brief as one HTML page that asks nothing of the network, light and dark, for screens, phones and paper.

    >>> import riskcast
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> page = brief_html(riskcast.make_dossier(riskcast.score(riskcast.forecast(posterior))))
    >>> page.startswith("<!DOCTYPE html>")
    True
    """
    brief = _plain(make_brief(dossier))
    return render_page(
        "brief",
        title=brief["title"],
        summary=[brief["about"]],
        cautions=[],
        words=READING,
        provenance=dict(brief["origin"]),
        brief=brief,
        drawn=_draw(dossier),
        light=_word_fills(LIGHT),
        dark=_word_fills(DARK),
    )


def brief_pdf(dossier: Dossier) -> bytes:
    """The brief as a PDF/UA-1 of A4 pages, which screen readers can follow; the same dossier gives the same bytes."""
    import typst

    template = files("riskcast").joinpath("templates/brief.typ").read_bytes()
    # Texts of a case travel as data: pasted into the template, they could be read as commands.
    data = _printable(_data(make_brief(dossier), _draw(dossier)))
    sized = [{"brief": json.dumps(data | {"size": size})} for size in SIZES]
    # A smaller type is taken only where it saves a page, which else would hold a few lines.
    pages = [_count_pages(template, inputs) for inputs in sized]
    inputs = sized[pages.index(min(pages))]

    def compiled(**options: Any) -> bytes:
        return typst.compile(template, format="pdf", sys_inputs=inputs, **options)

    try:
        return compiled(ignore_system_fonts=True, pdf_standards=PDF_STANDARD)
    except typst.TypstError as error:
        if NO_GLYPH not in str(error):
            raise
    # A script that the typst package has no font for: the machine's own fonts may have it.
    try:
        return compiled(pdf_standards=PDF_STANDARD)
    except typst.TypstError as error:
        if NO_GLYPH not in str(error):
            raise
    return compiled()


def _draw(dossier: Dossier) -> Drawn:
    """The map, or the scores with their intervals where no partner has a place on it."""
    risk = dossier.headline
    kept = replace(risk, dyads=tuple(ranked_dyads(risk)[:MOST_DYADS]))

    def chart(palette: Palette) -> Any:
        drawn = map_chart(risk, width=WIDTH, height=HEIGHT, palette=palette)
        return drawn if drawn is not None else score_chart(kept, width=WIDTH, palette=palette)

    light = chart(LIGHT)
    return Drawn(to_svg(light), to_svg(chart(DARK)), str(light.to_dict().get("description", "")))


def _word_fills(palette: Palette) -> list[tuple[str, str]]:
    """Paper and ink of every estimative word, and of what a scenario assumes, which comes last."""
    colours = word_colours(palette, assumed=True)
    assumed = colours.pop(ASSUMED)
    return [(fill, ink_on(fill, palette)) for fill in (*colours.values(), assumed)]


def _data(brief: Brief, drawn: Drawn) -> dict[str, Any]:
    names = ("muted", "rule", "grid", "alarm", "ink", "model")
    return {
        "brief": _plain(brief),
        # The fonts of the page are in typst's package, so that no machine draws the chart with others.
        "chart": re.sub(r'font-family="[^"]*"', f'font-family="{TYPEFACE}"', drawn.light),
        "told": drawn.told,
        "fills": _word_fills(LIGHT),
        "typeface": TYPEFACE,
        **{name: getattr(LIGHT, name) for name in names},
    }


def _plain(value: Any) -> Any:
    """A brief for templates: records by the names of their fields, and the texts of tables."""
    if isinstance(value, Table):
        return {
            "caption": value.about,
            "header": [column.name for column in value.columns],
            "rows": [[cell.text for cell in row] for row in value.shown()],
            "texts": sum(column.is_text for column in value.columns),
            "note": value.note,
            "total": value.has_total,
        }
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _count_pages(template: bytes, inputs: dict[str, str]) -> int:
    import typst

    found = typst.query(template, "<pages>", field="value", one=True, sys_inputs=inputs, ignore_system_fonts=True)
    return int(json.loads(found))


def _printable(value: Any) -> Any:
    """Plain data with a space for every run of characters that no font can show."""
    if isinstance(value, str):
        return visible(UNPRINTABLE.sub(" ", value))
    if isinstance(value, dict):
        return {key: _printable(each) for key, each in value.items()}
    return [_printable(each) for each in value] if isinstance(value, list | tuple) else value
