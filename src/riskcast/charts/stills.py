"""Charts in notebooks as still pictures: made on this machine, without scripts, on paper that suits light and dark."""

from __future__ import annotations

import io
from typing import Any, Final

from riskcast.charts.theme import LIGHT

RENDERER: Final = "riskcast"
WIDTH: Final = 680
SCALE: Final = 1.5
COLOURS: Final = 256
OPAQUE: Final = 255


def draw_stills(width: int = WIDTH) -> None:
    """From now on show every Altair chart as a PNG picture, `width` pixels wide where the chart asks for its container.

    Nothing is fetched from a network, and the picture stays in the notebook for whoever opens it, on GitHub and in a
    JupyterLab that does not trust it too. What a chart says in words goes along as its plain text.

    >>> draw_stills()
    >>> from riskcast import load_case
    >>> from riskcast.charts.assumptions import effects_matrix_chart
    >>> picture, size = effects_matrix_chart(load_case("central_asia_2024"))._repr_mimebundle_()
    >>> sorted(picture), size["image/png"]["width"]
    (['image/png', 'text/plain'], 680)
    """
    import altair as alt

    alt.renderers.register(RENDERER, _still)
    alt.renderers.enable(RENDERER, width=width)


def _still(spec: dict[str, Any], width: int = WIDTH, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    import altair as alt
    import vl_convert
    from PIL import Image

    drawn = spec | {"background": LIGHT.paper, "config": spec.get("config", {}) | {"background": LIGHT.paper}}
    if drawn.get("width") == "container":
        drawn["width"] = width
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    png = vl_convert.vegalite_to_png(drawn, vl_version=version, scale=SCALE, allowed_base_urls=[])
    across, down = Image.open(io.BytesIO(png)).size
    size = {"width": round(across / SCALE), "height": round(down / SCALE)}
    return {"image/png": shrink(png), "text/plain": str(spec.get("description", "A chart."))}, {"image/png": size}


def shrink(png: bytes) -> bytes:
    """A PNG of 24-bit colours as one of 256 that stand for them (median cut; Heckbert, 1982): a sixth in size.

    It is returned as it is where it is not an opaque RGBA picture, as vl-convert makes them.
    """
    from PIL import Image

    drawn = Image.open(io.BytesIO(png))
    if drawn.mode != "RGBA" or drawn.getchannel("A").getextrema() != (OPAQUE, OPAQUE):
        return png
    small = drawn.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    out = io.BytesIO()
    small.save(out, "png", optimize=True)
    return out.getvalue()
