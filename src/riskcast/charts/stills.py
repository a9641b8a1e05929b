"""Charts in notebooks as still pictures: made on this machine, without scripts, on paper that suits light and dark."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from riskcast.charts.theme import LIGHT

RENDERER: Final = "riskcast"
WIDTH: Final = 680
SCALE: Final = 1.5
COLOURS: Final = 256
SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
RGBA, PALETTE, LEFT_DIFFERENCE = 6, 3, 1


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

    drawn = spec | {"background": LIGHT.paper, "config": spec.get("config", {}) | {"background": LIGHT.paper}}
    if drawn.get("width") == "container":
        drawn["width"] = width
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    png = vl_convert.vegalite_to_png(drawn, vl_version=version, scale=SCALE, allowed_base_urls=[])
    across, down = struct.unpack(">II", png[16:24])
    size = {"width": round(across / SCALE), "height": round(down / SCALE)}
    return {"image/png": shrink(png), "text/plain": str(spec.get("description", "A chart."))}, {"image/png": size}


def shrink(png: bytes) -> bytes:
    """A PNG of 24-bit colours as one of the 256 commonest of them, the others replaced by the nearest: a sixth in size.

    It is returned as it is where it is not an opaque RGBA picture whose rows hold differences from the pixel to the
    left (filter 1 of the PNG specification, section 9), as vl-convert makes them.
    """
    parts = list(_chunks(png))
    across, down, depth, kind = struct.unpack(">IIBB", dict(parts)[b"IHDR"][:10])
    if (depth, kind) != (8, RGBA):
        return png
    packed = zlib.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    rows = np.frombuffer(packed, np.uint8).reshape(down, 1 + 4 * across)
    pixels = np.cumsum(rows[:, 1:].reshape(down, across, 4), axis=1, dtype=np.uint8)
    if (rows[:, 0] != LEFT_DIFFERENCE).any() or (pixels[..., 3] != 255).any():
        return png
    weights = np.array([1 << 16, 1 << 8, 1])
    found, place, count = np.unique((pixels[..., :3] @ weights).ravel(), return_inverse=True, return_counts=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    kept = np.argsort(-count, kind="stable")[:COLOURS]
    nearest = ((colours[:, None] - colours[kept]) ** 2).sum(axis=-1).argmin(axis=1).astype(np.uint8)
    plain = np.pad(nearest[place].reshape(down, across), ((0, 0), (1, 0)))
    made = {
        b"IHDR": struct.pack(">IIBBBBB", across, down, 8, PALETTE, 0, 0, 0),
        b"PLTE": colours[kept].astype(np.uint8).tobytes(),
        b"IDAT": zlib.compress(plain.tobytes(), 9),
        b"IEND": b"",
    }
    return SIGNATURE + _joined(made)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = len(SIGNATURE)
    while start < len(png):
        (length,) = struct.unpack(">I", png[start : start + 4])
        yield png[start + 4 : start + 8], png[start + 8 : start + 8 + length]
        start += 12 + length


def _joined(chunks: Mapping[bytes, bytes]) -> bytes:
    return b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks.items()
    )
