"""Charts hold the numbers that they are given, and their SVG stands alone."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from riskcast.charts import verification as charts
from riskcast.charts.theme import DARK, LIGHT
from riskcast.verification.evaluation import Evaluation, Measured, Reliability
from tests.support.scores import (
    calibration_of,
    origins_of,
    small_evaluation,
)


def data_of(chart: charts.Chart) -> list[list[dict[str, Any]]]:
    """Every set of rows of a chart once, however many layers show it."""
    found: list[list[dict[str, Any]]] = []

    def walk(part: object) -> None:
        if isinstance(part, dict):
            values = part.get("data", {}).get("values")
            if values is not None and values not in found:
                found.append(values)
            for child in part.values():
                walk(child)
        elif isinstance(part, list):
            for child in part:
                walk(child)

    walk(chart.to_dict())
    return found


def rows_with(chart: charts.Chart, field: str) -> list[dict[str, Any]]:
    return [row for rows in data_of(chart) for row in rows if field in row]


def charts_of_everything() -> dict[str, charts.Chart]:
    evaluation = small_evaluation()
    histogram = calibration_of().histograms["effects"]
    parts = charts.slices_chart(evaluation)
    assert parts is not None
    return {
        "riskcast": charts.reliability_chart(evaluation.slices["all"].reliability),
        "Murphy diagram": charts.murphy_chart(evaluation.slices["all"]),
        "Brier score by forecaster": charts.skill_chart(evaluation),
        "Skill by part of the test": parts,
        "Brier score by origin": charts.origins_chart(origins_of(evaluation, 6)),
        "Effects of indicators": charts.rank_chart(histogram),
        "Effects of indicators, cumulated": charts.ecdf_chart(histogram),
        "Log likelihood of the record": charts.rank_grid(calibration_of()),
    }


def test_every_chart_becomes_svg_that_stands_alone() -> None:
    for title, chart in charts_of_everything().items():
        svg = charts.to_svg(chart)
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("viewBox")
        heading = root.find("{http://www.w3.org/2000/svg}title")
        assert heading is not None
        assert title in (heading.text or "")
        assert title in " ".join(
            text for element in root.iter("{http://www.w3.org/2000/svg}text") for text in element.itertext()
        )
        assert not re.search(r'(?:href|src)="(?!#)', svg)
        assert "NaN" not in svg


def test_a_chart_is_drawn_alike_twice_and_its_ids_are_its_own() -> None:
    scores = small_evaluation().slices
    first, again = (charts.to_svg(charts.murphy_chart(scores["all"])) for _ in range(2))
    other = charts.to_svg(charts.murphy_chart(scores["onset"]))
    assert first == again
    ids, others = (set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, other))
    assert ids
    assert not ids & others
    assert set(re.findall(r"url\(#([^)]+)\)", first)) <= ids


def test_reliability_chart_holds_curve_band_and_histogram() -> None:
    item = small_evaluation().slices["all"].reliability["model"]
    chart = charts.reliability_chart({"model": item})
    points = {(row["forecast"], row["frequency"]) for row in rows_with(chart, "low")}
    assert points <= set(zip(item.forecast.tolist(), item.frequency.tolist(), strict=True))
    assert {row["high"] for row in rows_with(chart, "high")} <= set(item.high.tolist())
    assert (item.forecast[0], item.frequency[0]) in points
    assert (item.forecast[-1], item.frequency[-1]) in points
    assert sum(row["count"] for row in rows_with(chart, "count")) == item.counts.sum()


def test_thinning_keeps_the_steps_of_the_curve() -> None:
    size = 5000
    forecast = np.linspace(0, 1, size)
    frequency = np.where(forecast < 0.3, 0.1, np.where(forecast < 0.7, 0.4, 0.9))
    counts, edges = np.histogram(forecast, 20, (0, 1))
    item = Reliability(forecast, frequency, forecast, forecast, edges, counts.astype(float))
    rows = rows_with(charts.reliability_chart({"model": item}), "low")
    assert len(rows) < 400
    for before, after in ((0.1, 0.4), (0.4, 0.9)):
        last = max(row["forecast"] for row in rows if row["frequency"] == before)
        first = min(row["forecast"] for row in rows if row["frequency"] == after)
        assert first - last == pytest.approx(1 / (size - 1))


def test_rare_events_stretch_the_axes_and_common_ones_do_not() -> None:
    rare, common = (np.full(5, p) for p in (0.04, 0.4))
    edges = np.linspace(0, 1, 21)
    for p, kind in ((rare, "sqrt"), (common, "linear")):
        counts = np.histogram(p, edges)[0].astype(float)
        chart = charts.reliability_chart({"model": Reliability(p[:1], p[:1], p[:1], p[:1], edges, counts)})
        kinds = set(re.findall(r"'type': '(sqrt|linear)'", str(chart.to_dict())))
        assert kinds == {kind}


def test_forecasters_are_shown_by_label_and_unknown_ones_as_they_are() -> None:
    whole = small_evaluation().slices["all"]
    shown = replace(whole, murphy={"model": whole.murphy["model"], "oracle": whole.murphy["model"]})
    chart = charts.murphy_chart(shown)
    assert {row["forecaster"] for row in rows_with(chart, "score")} == {"riskcast", "oracle"}
    scale = chart.to_dict()["layer"][0]["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {"riskcast": LIGHT.model, "oracle": LIGHT.spare}


def test_murphy_chart_holds_every_elementary_score() -> None:
    whole = small_evaluation().slices["all"]
    rows = rows_with(charts.murphy_chart(whole), "score")
    assert [row["score"] for row in rows if row["forecaster"] == "riskcast"] == whole.murphy["model"].tolist()
    assert len(rows) == len(whole.murphy) * len(whole.thresholds)


def test_skill_chart_holds_scores_and_intervals_and_does_without_intervals() -> None:
    evaluation = small_evaluation()
    whole = evaluation.slices["all"]
    rows = rows_with(charts.skill_chart(evaluation), "value")
    expected = [(p.brier.value, p.brier.low, p.brier.high) for p in whole.performances.values()]
    assert [(row["value"], row["low"], row["high"]) for row in rows] == expected
    alone = replace(whole.performances["model"], brier=Measured(0.1, math.nan, math.nan))
    single = replace(evaluation, slices={"all": replace(whole, performances={"model": alone})})
    assert [(row["low"], row["high"]) for row in rows_with(charts.skill_chart(single), "value")] == [(0.1, 0.1)]


def test_slices_chart_tells_parts_of_one_label_apart_and_is_none_without_skill() -> None:
    evaluation = small_evaluation()
    chart = charts.slices_chart(evaluation, labels={"event_0": "Demarche", "event_1": "Demarche"})
    assert chart is not None
    labels = [row["label"] for row in rows_with(chart, "value")]
    assert labels == ["all", "onset", "continuation", "Demarche (event_0)", "Demarche (event_1)", "event_2"]
    whole = evaluation.slices["all"]
    bare = {name: replace(item, skill=None) for name, item in whole.performances.items()}
    assert charts.slices_chart(Evaluation({"all": replace(whole, performances=bare)}, {})) is None


def test_origins_chart_holds_scores_advantage_and_rates() -> None:
    frame = pd.DataFrame(
        [
            ("2019-01-01", "model", 0.04, 100, 5),
            ("2019-01-01", "dyad_rate", 0.05, 100, 5),
            ("2020-01-01", "model", 0.06, 100, 8),
            ("2020-01-01", "dyad_rate", 0.03, 100, 8),
        ],
        columns=["origin", "forecaster", "brier", "forecasts", "events"],
    )
    chart = charts.origins_chart(frame)
    assert [row["advantage"] for row in rows_with(chart, "advantage")] == pytest.approx([0.01, -0.03])
    assert [row["rate"] for row in rows_with(chart, "rate")] == [0.05, 0.08]
    assert {(row["origin"], row["brier"]) for row in rows_with(chart, "brier") if row["forecaster"] == "riskcast"} == {
        ("2019-01-01", 0.04),
        ("2020-01-01", 0.06),
    }
    lone = charts.origins_chart(frame[frame["forecaster"] == "model"].iloc[:1].drop(columns=["forecasts", "events"]))
    assert not rows_with(lone, "advantage")
    ElementTree.fromstring(charts.to_svg(lone))


def test_rank_chart_marks_bins_outside_the_band() -> None:
    histogram = calibration_of().histograms["dyad_effects"]
    rows = rows_with(charts.rank_chart(histogram), "outside")
    assert [row["count"] for row in rows] == histogram.counts.tolist()
    outside = (histogram.counts < histogram.low) | (histogram.counts > histogram.high)
    assert [row["outside"] for row in rows] == outside.tolist()
    assert outside.any()
    assert "outside the 95 % band, p < 0.001" in str(charts.rank_chart(histogram).to_dict())


def test_hostile_labels_stay_text() -> None:
    histogram = replace(calibration_of().histograms["effects"], label='<script>"x" & \\1</script>')
    svg = charts.to_svg(charts.rank_chart(histogram))
    root = ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert '<script>"x" & \\1</script>' in (root.get("aria-label") or "")


def test_colours_of_a_palette_differ_and_are_exchanged_one_by_one() -> None:
    for palette in (LIGHT, DARK):
        colours = list(asdict(palette).values())
        assert len(set(colours)) == len(colours)
    svg = charts.to_svg(charts.skill_chart(small_evaluation()))
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]{3,6})"', svg))
    assert used <= set(asdict(LIGHT).values())
