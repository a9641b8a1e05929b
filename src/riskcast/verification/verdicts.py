"""Results in plain words: verdicts, and what the words mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from riskcast.numbers import between, has_ends, leaves_out_zero, number, p_value, skill as skill_text
from riskcast.verification.calibration import Calibration
from riskcast.verification.evaluation import ALL, CONTINUATION, ONSET, Evaluation, Measured, SeverityScore, Slice
from riskcast.verification.forecasters import forecaster_label, reference_names
from riskcast.verification.measured import Resampling
from riskcast.verification.ranks import RankHistogram
from riskcast.verification.score_accuracy import ScoreAccuracy
from riskcast.verification.vector_scores import VectorScore

PARTS: Final = {ALL: "all forecasts", ONSET: "onset", CONTINUATION: "continuation"}
SUSPECT: Final = 0.05
LEAST_EVENTS: Final = 5
COARSE: Final = 0.05
BACKTEST_WORDS: Final = (
    ("Brier score", "Mean squared distance between the probability and what happened (1 or 0). 0 is perfect."),
    ("Log score", "Penalty that grows without bound as something happens that was called impossible. 0 is perfect."),
    (
        "Skill",
        "By how much the Brier score is below that of the best reference: 0 % is no better, 100 % perfect, less than "
        "0 % worse. The best reference is chosen after the event, which favours it.",
    ),
    (
        "Reference",
        "A forecast that needs no theory: past frequencies, or a regression on what happened last. Who cannot beat "
        "it adds nothing.",
    ),
    (
        "90 % interval",
        "Roughly where the score would lie in nine of ten tests with other dyads, or other years, like these. It is "
        "found by drawing dyads again and again, with all their forecasts; or, where all dyads share a host and so "
        "whatever befalls it, calendar years in which windows begin, as many in a row as a window reaches into.",
    ),
    (
        "All outcomes together",
        "The log probability, in nats, that was given to all that came after an origin, every outcome of every dyad at "
        "once. What outcomes share (an uncertain rate, a bad year) shows here and in no score of single forecasts.",
    ),
    (
        "MCB, DSC, UNC",
        "Brier score = miscalibration − discrimination + uncertainty. MCB: what wrong probabilities cost (low is "
        "good). DSC: what telling cases apart gains (high is good). UNC: how uncertain events are by themselves.",
    ),
    ("AUC", "Chance that an event had a higher forecast than a non-event; 0.5 is guessing. It ignores probabilities."),
    ("AP", "Average precision: share of true alarms, averaged over the ranking. Guessing earns the base rate."),
    ("k-hat", "Health of the engine's weights at an origin; up to 0.7 they can be relied on."),
)
CALIBRATION_WORDS: Final = (
    ("Rank", "Place of the truth among the posterior draws, from below all of them to above all of them."),
    (
        "Band",
        "Where all bars, or the whole curve, lie with the stated probability if the engine is right. It holds for "
        "all places at once, so one bar outside it counts.",
    ),
    ("p", "How often chance alone gives ranks at least as uneven. Of twenty sound blocks, one has p below 0.05."),
    (
        "Joint p",
        "The smaller p of bars and curve, doubled, as there were two tries. For all blocks together it is multiplied "
        "by their number in the same way.",
    ),
    (
        "Largest difference",
        "How far, in percentage points, a stated probability may be from the true one, chance included.",
    ),
    (
        "Log likelihood",
        "A measure of fit that is ranked as well: an engine that hands back its priors would pass in every "
        "parameter, but not here.",
    ),
)


@dataclass(frozen=True)
class Verdict:
    """What a comparison shows, in words; kind: better, worse or open; firm: whether the data suffice to say so."""

    kind: str
    headline: str
    detail: str
    firm: bool = True


def label_of(forecaster: str) -> str:
    """A forecaster as people read it.

    >>> label_of("pooled_rate"), label_of("oracle")
    ('base rate, pooled', 'oracle')
    """
    return forecaster_label(forecaster)


def is_reference(skill: Measured | None) -> bool:
    """Whether a skill is that of the best reference against itself.

    >>> is_reference(Measured(0.0, 0.0, 0.0)), is_reference(Measured(0.0, -0.1, 0.1))
    (True, False)
    """
    return skill is not None and skill.value == 0 and not skill.low < skill.high


def sentence(text: str) -> str:
    """A text that starts with a capital and ends with a full stop.

    >>> sentence("only 5 dyads in all")
    'Only 5 dyads in all.'
    """
    return text[:1].upper() + text[1:].rstrip(". ") + "."


def resampling_in_words(resampling: Resampling) -> str:
    """What intervals are made of, in a sentence.

    >>> resampling_in_words(Resampling("years", 2))
    '90 % intervals: from calendar years drawn again and again, 2 in a row as windows reach into the next.'
    """
    if resampling.by == "dyads":
        return "90 % intervals: from dyads drawn again and again, each with all its forecasts."
    whole = "each with all its forecasts"
    rows = f"{resampling.block} in a row as windows reach into the next" if resampling.block > 1 else whole
    return f"90 % intervals: from calendar years drawn again and again, {rows}."


def skill_verdict(scores: Slice) -> Verdict:
    """Whether the first forecaster beat the best reference; no more is claimed than the interval allows."""
    first = next(iter(scores.performances.values()))
    name, best = label_of(first.forecaster), label_of(scores.best_reference)
    if first.skill is None or not math.isfinite(first.skill.value) or not scores.best_reference:
        return Verdict("open", "Skill cannot be stated", "There is no reference with an error to compare with.")
    skill = first.skill
    size = f"{100 * abs(skill.value):.1f} % {'lower' if skill.value >= 0 else 'higher'}"
    compared = f"The Brier score of {name} was {size} than that of {best}, the best reference"
    if not has_ends(skill):
        return Verdict(
            "open", "Skill is not shown", f"{compared}; there are too few {scores.resampling.by} for an interval."
        )
    span = f"90 % interval of the skill: {skill_text(skill)[1]}"
    caution = f" {sentence(scores.caution)}" if scores.caution else ""
    name = name[:1].upper() + name[1:]
    if scores.events < LEAST_EVENTS:
        headline = f"Too few events to tell: {scores.events} in {scores.forecasts:,} forecasts"
        return Verdict("open", headline, f"{compared} ({span}).{caution}", firm=False)
    if leaves_out_zero(skill):
        kind = "better" if skill.low > 0 else "worse"
        did = "seems to have forecast" if caution else "forecast"
        headline = f"{name} {did} {kind} than the best reference"
        return Verdict(kind, headline, f"{compared} ({span}).{caution}", firm=not caution)
    headline = "Skill is not shown: the difference from the best reference may be chance"
    return Verdict("open", headline, f"{compared}, but the interval includes 0 ({span}).{caution}")


def part_in_words(name: str, scores: Slice) -> str:
    """One line on a part of a test: its verdict, and the skill where there is one."""
    verdict, skill = skill_verdict(scores), next(iter(scores.performances.values())).skill
    known = f"{'' if verdict.firm else 'seems '}{verdict.kind} than the best reference"
    told = "skill is not shown" if verdict.kind == "open" else known
    told = "too few events to tell" if scores.events < LEAST_EVENTS else told
    if skill is None:
        return f"{sentence(name)[:-1]}: {told}."
    value, interval = skill_text(skill)
    return f"{sentence(name)[:-1]}: {told} (skill {', '.join(part for part in (value, interval) if part)})."


def severity_in_words(severity: Mapping[str, SeverityScore]) -> str:
    """One line on the peak severity: whether the first forecaster beat the best reference, and the skill."""
    skill = next(iter(severity.values())).skill
    if skill is None or not has_ends(skill):
        return "Worst outcome: skill cannot be stated."
    kind = "better" if skill.low > 0 else "worse" if skill.high < 0 else ""
    told = f"{kind} than the best reference" if kind else "skill is not shown"
    return f"Worst outcome: {told} (ranked probability skill {', '.join(skill_text(skill))})."


def scores_in_words(scores: Mapping[str, ScoreAccuracy]) -> str:
    """One line on the scores of dyads: bias, correlation, and whether they beat the best reference."""
    found = next(iter(scores.values()))
    told = f"Scores: {number(found.mean_forecast, 1)} forecast on average, {number(found.mean_came, 1)} came"
    if found.correlation is not None:
        told += f"; correlation {number(found.correlation.value, 2)}"
    if found.crps is not None:
        told += f"; CRPS {number(found.crps.value, 1)} points"
    if found.skill is None or not has_ends(found.skill):
        return f"{told}; skill cannot be stated."
    kind = "better" if found.skill.low > 0 else "worse" if found.skill.high < 0 else ""
    against = f"{kind} than the best reference" if kind else "skill is not shown"
    return f"{told}; {against} (skill of squared errors {', '.join(skill_text(found.skill))})."


def vectors_in_words(vectors: Mapping[str, VectorScore]) -> str:
    """One line on joint log scores: by how much the first forecaster beat the best of the others that are no part of
    it."""
    others = {name: one for name, one in vectors.items() if one.gain is not None and name in reference_names()}
    best = min(others.values(), key=lambda one: -one.log_probability.value, default=None)
    if best is None or best.gain is None:
        return "All outcomes together: there is no reference to compare with."
    gain = best.gain
    kind = "worse" if gain.value < 0 else "better"
    name = label_of(best.forecaster)
    told = f"{kind} than {name}" if leaves_out_zero(gain) else f"no sure difference from {name}"
    span = f" ({between(gain, 2)})" if has_ends(gain) else ""
    return f"All outcomes together: {told}, by {number(gain.value, 2)} nats an origin{span}."


def disputed_in_words(evaluation: Evaluation) -> str:
    """One line on disputed events: the first forecaster's main scores as recorded, and had none of them happened; empty
    where that changes nothing."""
    other = evaluation.undisputed
    if other is None:
        return ""
    one, two = (next(iter(each.slices[ALL].performances.values())) for each in (evaluation, other))
    told = f"Brier score {number(one.brier.value, 4)}; {number(two.brier.value, 4)} if disputed events did not happen"
    logs = f"log score {number(one.log_score.value, 4)}; {number(two.log_score.value, 4)} if they did not"
    return f"Disputed events count as having happened: {told}; {logs}."


def calibration_verdict(calibration: Calibration) -> Verdict:
    """Whether chance alone explains the ranks, and how small an error the test could have seen."""
    blocks = calibration.histograms.values()
    outside = [one.label for one in blocks if not (one.inside and one.ecdf.inside)]
    reach = max(float(np.abs(one.ecdf.high).max()) for one in blocks)
    seen = f"Errors of stated probabilities below about {100 * reach:.0f} percentage points could have gone unseen."
    chance = p_value(calibration.p_value)
    where = f"Outside their bands: {', '.join(outside)}." if outside else "All ranks lie inside their bands."
    if calibration.is_calibrated:
        where = f"{where[:-1]}, which chance allows among so many tests." if outside else where
        firm = reach <= COARSE
        headline = "Calibrated, as far as this test can see: chance alone explains the ranks"
        if not firm:
            headline = "No sign of miscalibration, but this test is too small to see much"
        return Verdict("better", headline, f"{where} All blocks together: {chance}. {seen}", firm)
    worst = min(blocks, key=lambda one: one.joint_p_value)
    headline = "Not calibrated: chance alone does not explain the ranks"
    least = f"Least even: {worst.label}, {shape_in_words(worst) or 'uneven'}."
    return Verdict("worse", headline, f"{where} {least} All blocks together: {chance}. {seen}")


def shape_in_words(histogram: RankHistogram) -> str:
    """What uneven ranks mean for the posteriors; empty where chance alone explains them."""
    if histogram.joint_p_value >= SUSPECT:
        return ""
    centred = histogram.ranks - 0.5
    shift = float(centred.mean()) * math.sqrt(12 * centred.size)
    spread = float((centred**2).mean() - 1 / 12) * math.sqrt(180 * centred.size)
    if max(abs(shift), abs(spread)) < 2:
        return "uneven"
    if abs(shift) >= abs(spread):
        return "posteriors lie too low" if shift > 0 else "posteriors lie too high"
    return "posteriors too narrow" if spread > 0 else "posteriors too wide"
