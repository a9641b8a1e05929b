"""What charts of forecasts and assumptions share: graded colours, labels, legends of bands and words, the frame."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Final, Literal

from riskcast.case.model import Case
from riskcast.charts.theme import Palette, make_title, readable, style, wrap
from riskcast.errors import visible
from riskcast.forecasting.scoring import WORDS, DyadRisk, Risk
from riskcast.names import ALL_DYADS, BASELINE
from riskcast.numbers import short_date

type Width = int | Literal["container"]

TITLE_WIDTH: Final = 42
SUBTITLE_WIDTH: Final = 56
LABEL_WIDTH: Final = 19
MOST_UNITS: Final = 20
LABEL_ROOM: Final = 130
ASSUMED: Final = "assumed"


@dataclass(frozen=True)
class Ramps:
    """Graded colours of a palette, told apart by lightness: bands of risk, words of chance, and rate ratios from
    those that lower to those that raise.

    Whether ink or paper is readable on a colour is the same in every palette, so that one can be exchanged for another.
    """

    risk: tuple[str, ...]
    chance: tuple[str, ...]
    change: tuple[str, ...]


LIGHT_RAMPS: Final = Ramps(
    risk=("#fbeed3", "#f7cf87", "#ee9f3f", "#bf5008", "#7f2704"),
    chance=("#eef3f8", "#d6e4f0", "#b3cfe5", "#86b4d8", "#5596ca", "#21689f", "#0b3f73"),
    change=("#0b4f8a", "#4f93c8", "#94bfde", "#cfe1ef", "#efeeec", "#fbe0cc", "#f2b184", "#dc7a33", "#9c3d00"),
)
DARK_RAMPS: Final = Ramps(
    risk=("#3a332a", "#62491f", "#8f5d14", "#f0a23c", "#ffdf9e"),
    chance=("#212b36", "#23384d", "#254a6b", "#275d8b", "#2a6fa9", "#6db3ea", "#c4e4ff"),
    change=("#8cc8fa", "#2a6ea6", "#27587f", "#26425e", "#2b333d", "#4d3a2b", "#70462a", "#9c5318", "#ffb27a"),
)


def luminance(colour: str) -> float:
    """Relative luminance of a colour as WCAG 2 defines it, 0 for black and 1 for white.

    >>> luminance("#ffffff"), luminance("#000000")
    (1.0, 0.0)
    """
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast_ratio(one: str, other: str) -> float:
    """How well two colours are told apart, from 1 to 21; text needs 4.5.

    >>> contrast_ratio("#ffffff", "#000000")
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ramps_of(palette: Palette) -> Ramps:
    """The graded colours that suit a palette's paper."""
    return DARK_RAMPS if luminance(palette.paper) < luminance(palette.ink) else LIGHT_RAMPS


def ink_on(colour: str, palette: Palette) -> str:
    """Ink or paper, whichever is easier to read on a colour.

    >>> from riskcast.charts.theme import DARK, LIGHT
    >>> ink_on("#0b3f73", LIGHT), ink_on("#c4e4ff", DARK)
    ('#ffffff', '#161c24')
    """
    return max((palette.ink, palette.paper), key=lambda text: contrast_ratio(text, colour))


def spread(colours: Sequence[str], count: int) -> list[str]:
    """So many colours from the first to the last, mixed where they fall between two.

    >>> spread(("#000000", "#ffffff"), 3)
    ['#000000', '#808080', '#ffffff']
    """
    mixed = []
    for i in range(count):
        place = i / max(count - 1, 1) * (len(colours) - 1)
        low = min(int(place), len(colours) - 2)
        ends = [[int(colours[k][j : j + 2], 16) for j in (1, 3, 5)] for k in (low, low + 1)]
        parts = [round(a + (place - low) * (b - a) + 1e-9) for a, b in zip(*ends, strict=True)]
        mixed.append("#" + "".join(f"{part:02x}" for part in parts))
    return mixed


def hues(palette: Palette) -> tuple[str, ...]:
    """Seven colours that colour-blind readers tell apart, for what has no order."""
    p = palette
    return (p.model, p.persistence, p.dyad_rate, p.prior_only, p.spare, p.left_out, p.pooled_rate)


def band_colours(case: Case, palette: Palette) -> dict[str, str]:
    """The colour of every band, from the lowest to the highest."""
    names = [band.name for band in case.settings.bands]
    return dict(zip(names, spread(ramps_of(palette).risk, len(names)), strict=True))


def band_ranges(case: Case) -> dict[str, tuple[float, float]]:
    """Where every band starts and ends."""
    starts = [*(band.start for band in case.settings.bands), 100.0]
    return {band.name: ends for band, ends in zip(case.settings.bands, pairwise(starts), strict=True)}


def band_channel(case: Case, palette: Palette, shift: int = 0) -> Any:
    """Colour by the field `band`, with a legend that gives each band its range."""
    import altair as alt

    colours = band_colours(case, palette)
    named = {name: f"{name} {low:g}–{high:g}" for name, (low, high) in band_ranges(case).items()}
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color("band:N", scale=scale, legend=swatches(2 if shift else 3, shift, labelExpr=lookup(named)))


def word_ranges() -> dict[str, str]:
    """Estimative words with the probabilities that they stand for.

    >>> list(word_ranges().items())[:2]
    [('remote', 'remote, below 5 %'), ('very unlikely', 'very unlikely, 5–20 %')]
    """
    starts = [0.0, *(limit for limit, _ in WORDS[:-1])]
    named = {word: f"{word}, {100 * a:.0f}–{100 * min(b, 1):.0f} %" for a, (b, word) in zip(starts, WORDS, strict=True)}
    return named | {WORDS[0][1]: f"{WORDS[0][1]}, below {100 * WORDS[0][0]:.0f} %"}


def word_colours(palette: Palette, assumed: bool) -> dict[str, str]:
    """The colour of every estimative word, and of what a scenario assumes."""
    colours = dict(zip((word for _, word in WORDS), ramps_of(palette).chance, strict=True))
    return colours | ({ASSUMED: palette.band} if assumed else {})


def swatches(columns: int, shift: int = 0, **options: Any) -> Any:
    """A legend of squares beneath the chart in so many columns, moved to the left by `shift` pixels: by the width of
    the row labels, so that it starts at the chart's edge, as narrow charts have no room beside them."""
    import altair as alt

    plain: dict[str, Any] = {"symbolType": "square", "symbolSize": 130, "symbolStrokeWidth": 0, "symbolOpacity": 1}
    plain |= {
        "title": None,
        "orient": "bottom",
        "labelLimit": 230,
        "columnPadding": 8,
        "labelFontSize": 11,
        "direction": "horizontal",
    }
    plain |= {"symbolOffset": -shift}
    return alt.Legend(columns=columns, **(plain | options))


def lookup(labels: Mapping[str, str | list[str]]) -> str:
    """An expression that turns an axis value or legend entry into its label, which may have several lines.

    >>> lookup({"a": ["Some", "label"]})
    '({"a": ["Some", "label"]})[datum.value]'
    """
    told = {visible(name): readable(label) for name, label in labels.items()}
    return f"({json.dumps(told)})[datum.value]"


def rows_axis(labels: Mapping[str, str], headings: Collection[str] = (), **options: Any) -> Any:
    """An axis of rows by id that shows their labels, wrapped; headings among them are bold."""
    import altair as alt

    plain: dict[str, Any] = {"grid": False, "ticks": False, "domain": False, "labelLimit": LABEL_ROOM + 10}
    plain |= {"labelLineHeight": 13, "minExtent": LABEL_ROOM, "maxExtent": LABEL_ROOM}
    # Vega centres the first line of a label; labels of several lines are moved up by half of the others.
    lines = {key: two_lines(label) for key, label in labels.items()}
    tall = {"test": _among([key for key in lines if len(lines[key]) == 2]), "value": -6.5}
    plain["labelOffset"] = {"condition": tall, "value": 0}
    if headings:
        plain["labelFontWeight"] = {"condition": {"test": _among(headings), "value": "bold"}, "value": "normal"}
    return alt.Axis(labelExpr=lookup(lines), **(plain | options))


def two_lines(label: str) -> list[str]:
    """A label in at most two lines that fit beside a chart; where it has a line break, that is where it is parted.

    >>> two_lines("Rhetoric that denies statehood or demeans"), two_lines("Mass expulsion or entry refusals\\nLaos")
    (['Rhetoric that', 'denies statehood…'], ['Mass expulsion or…', 'Laos'])
    """
    parts = label.split("\n")
    most, width = (2, LABEL_WIDTH) if len(parts) == 1 else (1, LABEL_WIDTH + 1)
    found = [textwrap.wrap(part, width, max_lines=most, placeholder="…") or [part] for part in parts]
    return [line for lines in found for line in lines][:2]


def _among(keys: Collection[str]) -> str:
    return f"indexof({json.dumps(readable(list(keys)))}, datum.value) >= 0"


def dyad_label(dyad: DyadRisk) -> str:
    """A dyad as people read it: its partner's name, or its id."""
    return dyad.partner_name or dyad.id


def unit_label(case: Case, unit: str) -> str:
    """A dyad, the host, or all dyads as people read them."""
    if unit == case.host or unit == ALL_DYADS:
        return "all dyads"
    return case.name_of(unit)


def highest(risk: Risk, most: int = MOST_UNITS) -> tuple[tuple[DyadRisk, ...], str]:
    """Dyads with the highest scores first, and what to say where not all are shown."""
    ranked = sorted(risk.dyads, key=lambda dyad: -dyad.score.mean)
    return tuple(ranked[:most]), f"; the {most} highest of {len(ranked)} dyads" if len(ranked) > most else ""


def window_text(risk: Risk) -> str:
    """The horizon of a forecast, and its scenario where it is not the baseline."""
    first, last = risk.forecast.window
    name = risk.forecast.scenario_name
    scenario = "" if name == BASELINE else f", scenario “{risk.forecast.scenario.label}”"
    return f"{short_date(first)} to {short_date(last)}{scenario}"


def tips(**fields: str) -> list[Any]:
    """A tooltip of fields that are texts, by what to call them."""
    import altair as alt

    return [alt.Tooltip(f"{field}:N", title=name) for field, name in fields.items()]


def plot(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A chart of rows, without a mark as yet."""
    import altair as alt

    # Altair copies lists at every step of the making of a chart, and leaves a tuple alone.
    return alt.Chart(alt.Data(values=tuple(rows)))


def finish(
    layers: Sequence[Any],
    *,
    palette: Palette,
    width: Width,
    height: Any,
    title: str,
    subtitle: str,
    description: str,
    **options: Any,
) -> Any:
    """Layers as one chart in the house style; `width` is that of the whole chart, labels included; options: more of its
    properties."""
    import altair as alt

    heading = make_title(
        wrap(title, TITLE_WIDTH), *(line for part in subtitle.split("\n") for line in wrap(part, SUBTITLE_WIDTH))
    )
    heading.frame = "bounds"
    # Layers of the same rows are nested, so that the chart holds the rows once.
    groups = [list(group) for _, group in groupby(layers, key=lambda layer: id(layer.data))]
    nested = [alt.layer(*group) if len(group) > 1 else group[0] for group in groups]
    chart = alt.layer(
        *nested,
        width=width,
        height=height,
        title=heading,
        description=description,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        **options,
    )
    return style(chart, palette)
