"""Scores and calibration as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.numbers import p_value, share
from riskcast.terminal.tables import Part, rich_table, ruled_table
from riskcast.verification.calibration import Calibration
from riskcast.verification.evaluation import ALL, CONTINUATION, ONSET, Evaluation
from riskcast.verification.ranks import RankHistogram
from riskcast.verification.rival_words import rivals_in_words, rivals_table, steps_table
from riskcast.verification.score_tables import (
    disputed_table,
    forecaster_table,
    score_accuracy_table,
    score_bins_table,
    severity_table,
    types_table,
    vectors_table,
)
from riskcast.verification.verdicts import (
    PARTS,
    Verdict,
    calibration_verdict,
    disputed_in_words,
    part_in_words,
    resampling_in_words,
    scores_in_words,
    sentence,
    severity_in_words,
    shape_in_words,
    skill_verdict,
    vectors_in_words,
)

BLOCKS = "▁▂▃▄▅▆▇█"
MOST_BARS = 20
STYLES = {"better": "green", "worse": "red", "open": "yellow"}
NINETY = "90 %"
FORECASTERS = (Part(0, "Forecaster"), Part(1, "Brier", NINETY), Part(2, "Skill", NINETY), Part(8, "AUC", digits=2))
TYPES = (Part(0, "Event type"), Part(1, "Events", ""), Part(3, "Brier"), Part(5, "Skill", NINETY))
ACCURACY = (
    Part(0, "Forecaster"),
    Part(2, "Bias"),
    Part(3, "RMSE", NINETY),
    Part(4, "Corr."),
    Part(5, "Skill"),
    Part(7, "CRPS"),
)
BINS = (Part(0, "Forecast score"), Part(1, "Forecasts"), Part(2, "Mean forecast"), Part(3, "Mean that came"))
VECTORS = (Part(0, "Forecaster"), Part(1, "Log prob.", NINETY), Part(2, "Gain", NINETY))
DISPUTED = (Part(0, "Forecaster"), Part(1, "Brier"), Part(2, "Log score"), Part(3, "RPS"), Part(5, "Together"))
RIVALS = (Part(0, "Forecaster"), Part(1, "Log score"), Part(2, "Skill"), Part(3, "over dyads"), Part(4, "over years"))
SEVERITY = (Part(0, "Forecaster"), Part(1, "RPS", NINETY), Part(2, "Skill", NINETY))


def evaluation_view(
    title: str, evaluation: Evaluation, cautions: Sequence[str], period: str = "period"
) -> RenderableType:
    """Scores of a backtest: the verdict in words, scores of all forecasters, rivals, event types, severity, cautions;
    period: that of the case."""
    whole = evaluation.slices[ALL]
    counted = f"{whole.forecasts:,} forecasts on {whole.dyads:,} dyads, {whole.events:,} came true"
    if whole.forecasts:
        counted += f" ({share(whole.events / whole.forecasts)})"
    parts: list[RenderableType] = [Text(title, style="bold"), Text(counted, style="dim"), Text()]
    parts += [_verdict(skill_verdict(whole)), Text()]
    for name in (ONSET, CONTINUATION):
        if name in evaluation.slices:
            parts.append(Text(part_in_words(PARTS[name], evaluation.slices[name])))
    if evaluation.severity:
        parts.append(Text(severity_in_words(evaluation.severity)))
    if evaluation.scores:
        parts.append(Text(scores_in_words(evaluation.scores)))
    if evaluation.vectors:
        parts.append(Text(vectors_in_words(evaluation.vectors)))
    if evaluation.undisputed is not None:
        parts.append(Text(disputed_in_words(evaluation)))
    parts += [Text(), rich_table(forecaster_table(whole), FORECASTERS)]
    parts.append(Text(resampling_in_words(evaluation.resampling), style="dim"))
    if evaluation.rivals:
        parts += _beside_rivals(evaluation, period)
    types = {name: part for name, part in evaluation.slices.items() if name not in PARTS}
    if types:
        parts += [
            Text("By event type, against the best reference of each", style="bold"),
            rich_table(types_table(types, {}), TYPES),
        ]
    if evaluation.severity:
        parts += [
            Text("Peak severity (RPS, lower is better)", style="bold"),
            rich_table(severity_table(evaluation.severity), SEVERITY),
        ]
    if evaluation.scores:
        parts += [
            Text("Scores of dyads (points; RMSE: lower is better)", style="bold"),
            rich_table(score_accuracy_table(evaluation.scores), ACCURACY),
            rich_table(score_bins_table(next(iter(evaluation.scores.values()))), BINS),
        ]
    if evaluation.vectors:
        parts += [
            Text("All outcomes together (nats an origin, higher is better)", style="bold"),
            rich_table(vectors_table(evaluation.vectors), VECTORS),
        ]
    if evaluation.undisputed is not None:
        parts += [
            Text("Had no disputed event happened", style="bold"),
            rich_table(disputed_table(evaluation), DISPUTED),
        ]
    parts += _cautions(cautions)
    return Group(*parts)


def _beside_rivals(evaluation: Evaluation, period: str) -> list[RenderableType]:
    """What rivals with the same information did, as an expert reads it, and in tables."""
    parts: list[RenderableType] = [Text(), Text("Against rivals with the same information", style="bold")]
    parts += [Text(line) for line in rivals_in_words(evaluation, period)]
    parts += [Text(), rich_table(rivals_table(evaluation), RIVALS)]
    steps = steps_table(evaluation, period)
    if steps.rows:
        parts += [Text("By step of the horizon", style="bold"), rich_table(steps, RIVALS)]
    return parts


def calibration_view(calibration: Calibration) -> RenderableType:
    """Ranks of the truth block by block as bars, with what their unevenness means."""
    case = calibration.case
    counted = f"{calibration.records:,} simulated records, {calibration.fits:,} fits of {calibration.draws:,} draws"
    table = ruled_table()
    table.add_column("Parameters", ratio=1)
    table.add_column("Ranks, low to high", no_wrap=True)
    table.add_column("Bars (p)", no_wrap=True)
    table.add_column("Curve (p)", no_wrap=True)
    for one in calibration.histograms.values():
        label = Text(one.label)
        shape = shape_in_words(one)
        if shape:
            label.append(f"\n{shape}", style="red")
        table.add_row(label, bars(one), _state(one.inside, one.p_value), _state(one.ecdf.inside, one.ecdf.p_value))
    failed = "No fit failed the engine's checks."
    if calibration.unreliable:
        failed = (
            f"{calibration.unreliable:,} of {calibration.fits:,} fits failed the engine's checks; they are ranked too."
        )
    levels = " or ".join(sorted({share(one.level) for one in calibration.histograms.values()}))
    note = f"{levels} bands. Bars: how often the truth had each rank. Curve: the same, cumulated."
    return Group(
        Text(f"Calibration of {case.name}", style="bold"),
        Text(f"{counted}, seed {calibration.seed}", style="dim"),
        Text(),
        _verdict(calibration_verdict(calibration)),
        table,
        Text(note, style="dim"),
        Text(failed, style="dim" if not calibration.unreliable else "yellow"),
    )


def bars(histogram: RankHistogram) -> Text:
    """Counts as bars from zero to the highest of counts and band; those outside the band are red.

    >>> from riskcast.verification.ranks import EcdfDifference
    >>> zero = np.zeros(1)
    >>> none = EcdfDifference(zero, zero, zero, zero, 1.0)
    >>> ranks, counts, flat = np.array([0.1, 0.4, 0.6, 0.6]), np.array([1.0, 1.0, 2.0, 0.0]), np.ones(4)
    >>> bars(RankHistogram("a", "A", ranks, counts, 0 * flat, 4 * flat, 0.95, 0.5, none)).plain
    '▂▂▄▁'
    """
    counts, low, high = histogram.counts, histogram.low, histogram.high
    together = -(-counts.size // MOST_BARS)
    starts = np.arange(0, counts.size, together)
    outside = np.logical_or.reduceat((counts < low) | (counts > high), starts)
    heights = np.maximum.reduceat(counts, starts)
    top = max(float(heights.max()), float(high.max()), 1.0)
    text = Text()
    for height, out in zip(heights.tolist(), outside.tolist(), strict=True):
        place = min(max(round(height / top * len(BLOCKS)), 1), len(BLOCKS)) - 1
        text.append(BLOCKS[place], style="bold red" if out else "blue")
    return text


def _state(inside: bool, chance: float) -> Text:
    return Text(f"{'inside' if inside else 'outside'} ({p_value(chance, '')})", style="green" if inside else "red")


def _verdict(verdict: Verdict) -> Text:
    style = STYLES[verdict.kind if verdict.firm else "open"]
    return Text.assemble((sentence(verdict.headline), f"bold {style}"), "\n", verdict.detail)


def _cautions(cautions: Iterable[str]) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for caution in cautions:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=1)
        row.add_column(ratio=1)
        row.add_row("•", Text(sentence(caution)))
        lines.append(row)
    return [Text("Cautions", style="bold"), *lines] if lines else []
