"""Views of scores and calibration fit a terminal of 80 columns and say what the numbers say."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
from rich.console import Console, RenderableType

from riskcast.terminal.verification import BLOCKS, bars, calibration_view, evaluation_view
from riskcast.verification.evaluation import Evaluation, Measured
from tests.support.scores import calibration_of, small_evaluation

LONG = (
    "A caution that is long enough to be broken over several lines of a terminal, with a\u00a0label and [markup] in it"
)


def printed(view: RenderableType) -> str:
    out = io.StringIO()
    # Wider than 80 columns, so that a view which needs more shows it.
    Console(file=out, width=200, color_system=None).print(view)
    narrow = io.StringIO()
    Console(file=narrow, width=80, color_system=None).print(view)
    assert all(len(line.rstrip()) <= 80 for line in narrow.getvalue().splitlines())
    assert "…" not in narrow.getvalue()
    return out.getvalue()


def test_evaluation_view_holds_verdict_scores_and_cautions() -> None:
    evaluation = small_evaluation()
    text = printed(evaluation_view("Friction of made-up states", evaluation, [LONG]))
    whole = evaluation.slices["all"]
    model = whole.performances["model"]
    assert "Friction of made-up states" in text
    assert f"{whole.forecasts:,} forecasts on {whole.dyads:,} dyads" in text
    assert f"{model.brier.value:.3f}" in text
    assert model.auc is not None
    assert f"{model.auc.value:.2f}" in text
    assert "[markup]" in text
    assert "best reference" in text
    for name in ("event_0", "event_1", "event_2"):
        assert name in text
    scores = evaluation.scores["model"]
    assert f"Scores: {scores.mean_forecast:.1f} forecast on average, {scores.mean_came:.1f} came" in text
    assert "mean of past scores, pooled" in text
    assert f"{scores.rmse.value:.1f}" in text
    for one in scores.bins:
        assert f"{one.low:.1f}–{one.high:.1f}" in text


def test_evaluation_view_says_plainly_that_skill_is_not_shown() -> None:
    whole = small_evaluation().slices["all"]
    model = replace(whole.performances["model"], skill=Measured(0.01, -0.02, 0.04))
    unsure = replace(whole, performances=dict(whole.performances) | {"model": model})
    text = printed(evaluation_view("A test", Evaluation({"all": unsure}, {}), []))
    assert "Skill is not shown" in text
    assert "includes 0" in text
    assert "−2.0 to +4.0 %" in text


def test_evaluation_view_does_without_what_is_missing() -> None:
    whole = small_evaluation().slices["all"]
    model = replace(whole.performances["model"], skill=None, auc=None, brier=Measured(0.04, math.nan, math.nan))
    text = printed(
        evaluation_view("A test", Evaluation({"all": replace(whole, performances={"model": model})}, {}), [])
    )
    assert "Skill cannot be stated" in text
    assert "Peak severity" not in text
    assert "Scores of dyads" not in text
    assert "Cautions" not in text
    assert "nan" not in text


def test_calibration_view_names_blocks_and_what_is_wrong_with_them() -> None:
    calibration = calibration_of()
    text = printed(calibration_view(calibration))
    assert "Not calibrated" in text
    for histogram in calibration.histograms.values():
        assert histogram.label.split()[0] in text
    assert "posteriors too" in text
    assert "outside (< 0.001)" in text
    assert f"inside ({calibration.histograms['effects'].p_value:.2f})" in text
    assert f"2 of {300 * len(calibration.case.order):,} fits failed" in text


def test_bars_stand_for_counts_and_are_red_outside_the_band() -> None:
    histogram = calibration_of().histograms["dyad_effects"]
    text = bars(histogram)
    heights = [BLOCKS.index(mark) for mark in text.plain]
    assert len(heights) == histogram.counts.size
    assert heights[int(np.argmax(histogram.counts))] == max(heights)
    order = np.argsort(histogram.counts, kind="stable")
    assert np.all(np.diff(np.array(heights)[order]) >= 0)
    outside = (histogram.counts < histogram.low) | (histogram.counts > histogram.high)
    assert ["red" in str(span.style) for span in text.spans] == outside.tolist()


def test_many_bins_are_put_together() -> None:
    histogram = calibration_of().histograms["effects"]
    many = {name: np.repeat(getattr(histogram, name), 4) for name in ("counts", "low", "high")}
    assert len(bars(replace(histogram, **many)).plain) <= 20
