"""Charts as notebooks show them: still pictures, and which assumption matters."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import altair as alt
import numpy as np
import pytest
from PIL import Image

import riskcast
from riskcast.charts import forecast as forecast_charts, stills
from riskcast.forecasting.estimates import Estimate


@pytest.fixture(autouse=True)
def renderer_as_it_was() -> Iterator[None]:
    with alt.renderers.enable("default"):  # ty: ignore[invalid-context-manager]  # altair's __exit__ forgets None
        yield


def chart(width: object = "container") -> alt.Chart:
    rows = [{"x": x, "y": (x * 7) % 5, "kind": str(x % 3)} for x in range(20)]
    mark = alt.MarkDef("circle", size=90)
    points = alt.Chart(alt.Data(values=rows), mark=mark).encode(x="x:Q", y="y:Q", color="kind:N")
    return points.properties(width=width, height=150, description="Twenty points in three colours.")


def shown(chart: alt.Chart | alt.LayerChart) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a notebook gets of a chart: data and their sizes, by kind."""
    bundle = chart._repr_mimebundle_()
    assert isinstance(bundle, tuple)
    return bundle


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)


def test_a_shrunk_picture_looks_as_it_did() -> None:
    import vl_convert

    spec = chart(400).to_dict() | {"background": "#ffffff"}
    whole = vl_convert.vegalite_to_png(spec, scale=1.5)
    small = stills.shrink(whole)
    assert len(small) < len(whole) / 2
    off = np.abs(pixels(small) - pixels(whole)).max(axis=2)
    assert off.max() < 40
    assert (off == 0).mean() > 0.99


def test_a_picture_of_another_kind_is_left_alone() -> None:
    plain, see_through = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(plain, "png")
    Image.new("RGBA", (20, 10), (255, 0, 0, 100)).save(see_through, "png")
    for picture in (plain, see_through):
        assert stills.shrink(picture.getvalue()) == picture.getvalue()


def test_charts_become_pictures_of_the_width_that_is_asked_for() -> None:
    riskcast.draw_stills(500)
    data, size = shown(chart())
    assert set(data) == {"image/png", "text/plain"}
    assert data["text/plain"] == "Twenty points in three colours."
    width, height = struct.unpack(">II", data["image/png"][16:24])
    assert size["image/png"] == {"width": round(width / stills.SCALE), "height": round(height / stills.SCALE)}
    drawn = pixels(data["image/png"])
    # White paper on all sides, whatever the colours of the notebook.
    assert (drawn[0] == 255).all()
    assert (drawn[-1] == 255).all()
    _, narrow = shown(chart(200))
    assert narrow["image/png"]["width"] < 400


def test_the_house_charts_fill_the_width() -> None:
    riskcast.draw_stills()
    case = riskcast.load_case("central_asia_2024")
    data, size = shown(forecast_charts.timeline_chart(case))
    assert size["image/png"]["width"] == stills.WIDTH
    assert len(data["image/png"]) < 60_000


def test_the_same_chart_is_the_same_picture() -> None:
    riskcast.draw_stills()
    assert shown(chart()) == shown(chart())


def test_tornado_puts_the_widest_first_and_leaves_out_the_rest() -> None:
    swings = {
        "narrow": (Estimate(-0.2, -0.3, -0.1), Estimate(0.1, 0.0, 0.2)),
        "wide": (Estimate(3.0, 2.0, 4.0), Estimate(-1.0, -2.0, 0.0)),
        "middle": (Estimate(-1.0, -1.5, -0.5), Estimate(1.5, 1.0, 2.0)),
    }
    spec = forecast_charts.tornado_chart(swings, most=2).to_dict()
    bars = spec["layer"][0]["layer"][0]["encoding"] if "layer" in spec["layer"][0] else spec["layer"][0]["encoding"]
    assert bars["y"]["sort"] == ["wide", "middle"]
    assert "2 widest of 3" in " ".join(spec["title"]["subtitle"])
    assert "wide +3.0 and −1.0; middle −1.0 and +1.5." in spec["description"]
    found = next(layer["data"]["values"] for layer in spec["layer"] if "quantity" in layer["data"]["values"][0])
    rows = [(row["quantity"], row["end"], row["change"], row["interval"]) for row in found]
    assert ("wide", "at its low end", 3.0, "+2.0 to +4.0") in rows
    assert ("wide", "at its high end", -1.0, "−2.0 to 0.0") in rows
    low, high = bars["x"]["scale"]["domain"]
    assert low == -high < -3.0


def test_tornado_of_nothing_is_a_chart_all_the_same() -> None:
    forecast_charts.tornado_chart({}).to_dict()


def test_a_contrast_may_have_a_title_of_its_own() -> None:
    change = riskcast.Contrast("baseline", "baseline", {}, {"RUS-TJK": Estimate(1.0, 0.5, 1.5)})
    case = riskcast.load_case("central_asia_2024")
    drawn = forecast_charts.contrast_chart(change, case, title="One poll more").to_dict()
    assert drawn["title"]["text"] in ("One poll more", ["One poll more"])
