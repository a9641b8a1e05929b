"""Results -> tables: what stands in each cell and beneath it, and what is marked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from riskcast.machinery.tables import Cell, Column, Mark, Table
from riskcast.numbers import NOTHING, between, digits_of, number, p_value, share
from riskcast.verification.calibration import Calibration
from riskcast.verification.evaluation import ALL, FEW_EVENTS, Evaluation, Performance, SeverityScore, Slice
from riskcast.verification.measured import Measured
from riskcast.verification.score_accuracy import ScoreAccuracy
from riskcast.verification.vector_scores import VectorScore
from riskcast.verification.verdicts import (
    LEAST_EVENTS,
    SUSPECT,
    is_reference,
    label_of,
    sentence,
    shape_in_words,
    skill_verdict,
)

if TYPE_CHECKING:
    import pandas as pd

SIGNS: Final = {"brier": 1, "log_score": 1, "auc": -1, "average_precision": -1}
"""Scores that can be best, and whether low (1) or high (-1) is."""


def forecaster_table(scores: Slice) -> Table:
    """Scores of every forecaster on one slice; the best of each column is marked."""
    performances = list(scores.performances.values())
    marks, digits = _best_marks(performances), digits_of(item.brier for item in performances)
    parts = ("miscalibration", "discrimination", "uncertainty")
    rows = [
        (
            _forecaster(item, scores, first=place == 0),
            Cell(item.brier, mark=marks["brier"](item)),
            _skill(item, scores.best_reference),
            Cell(item.log_score, mark=marks["log_score"](item)),
            item.mean_forecast,
            *(getattr(item, part) for part in parts),
            Cell(item.auc, mark=marks["auc"](item)),
            Cell(item.average_precision, mark=marks["average_precision"](item)),
        )
        for place, item in enumerate(performances)
    ]
    columns = (
        Column("Forecaster"),
        Column("Brier", form="measured", digits=digits),
        Column("Skill", form="skill"),
        Column("Log score", form="measured", digits=digits_of(item.log_score for item in performances)),
        Column("Mean forecast", form="proportion"),
        *(Column(name, form="figure", digits=digits) for name in ("MCB", "DSC", "UNC")),
        Column("AUC", form="measured", digits=3),
        Column("AP", form="measured", digits=3),
    )
    groups = (("", 1), ("Accuracy", 4), ("Parts of the Brier score", 3), ("Secondary", 2))
    seen = f"came true: {share(scores.events / scores.forecasts)}" if scores.forecasts else ""
    lower = "Lower is better, except for skill, DSC, AUC and AP."
    about = f"{_size(scores)} ({seen}). {lower} Small: 90 % intervals. A dot marks the best value of a column."
    return Table(about, columns, rows, groups=groups)


def parts_table(parts: Mapping[str, Slice], named: Mapping[str, str]) -> Table:
    """Scores of every forecaster on several slices, one below the other."""
    rows: list[tuple[Any, ...]] = []
    for name, scores in parts.items():
        performances = list(scores.performances.values())
        marks, digits = _best_marks(performances), digits_of(item.brier for item in performances)
        came_true = share(scores.events / scores.forecasts)
        rows.append((Cell(sentence(named.get(name, name))[:-1], f"{_size(scores)} ({came_true} came true)"),))
        rows += [
            (
                _forecaster(item, scores, first=place == 0),
                # Each part has digits of its own.
                Cell(number(item.brier.value, digits), between(item.brier, digits), marks["brier"](item)),
                _skill(item, scores.best_reference),
                item.mean_forecast,
                number(item.miscalibration, digits),
                number(item.discrimination, digits),
                Cell(item.auc, mark=marks["auc"](item)),
            )
            for place, item in enumerate(performances)
        ]
    columns = (
        Column("Forecaster"),
        Column("Brier", form="measured"),
        Column("Skill", form="skill"),
        Column("Mean forecast", form="proportion"),
        Column("MCB", form="figure"),
        Column("DSC", form="figure"),
        Column("AUC", form="measured", digits=3),
    )
    return Table("Scores with 90 % intervals; a dot marks the best of its part.", columns, rows)


def types_table(types: Mapping[str, Slice], named: Mapping[str, str]) -> Table:
    """The first forecaster against the best reference, one row for each event type."""
    digits = digits_of(item.brier for part in types.values() for item in part.performances.values())
    rows = []
    for name, part in types.items():
        first, best = next(iter(part.performances.values())), part.performances.get(part.best_reference)
        rows.append(
            (
                named.get(name, name),
                Cell(part.events, f"of {part.forecasts:,}"),
                part.events / part.forecasts,
                first.brier,
                Cell(number(best.brier.value, digits) if best else NOTHING, label_of(part.best_reference)),
                _skill(first, part.best_reference),
                first.auc,
                _verdict(part),
            )
        )
    first_name = label_of(next(iter(next(iter(types.values())).performances)))
    columns = (
        Column("Event type"),
        Column("Events", form="count"),
        Column("Base rate", form="proportion"),
        Column(f"Brier, {first_name}", form="measured", digits=digits),
        Column("Brier, best reference", form="figure"),
        Column("Skill", form="skill"),
        Column("AUC", form="measured", digits=3),
        Column("Verdict", width=24),
    )
    missed = f"Of {len(types)} such intervals about {max(1, round(len(types) / 10))} will miss by chance."
    about = f"{sentence(first_name)[:-1]} against the best reference of each event type, with 90 % intervals. {missed}"
    return Table(about, columns, rows)


def _head(forecaster: str, is_best: bool, place: int) -> Cell:
    """The first cell of a forecaster's row, by its place in a table."""
    return Cell(label_of(forecaster), "best reference" if is_best else "", "" if place else "first")


def severity_table(severity: Mapping[str, SeverityScore]) -> Table:
    """Ranked probability scores of the peak severity."""
    lowest = min(item.rps.value for item in severity.values())
    rows = []
    for place, item in enumerate(severity.values()):
        reference = is_reference(item.skill)
        head = _head(item.forecaster, reference, place)
        best = item.rps.value == lowest and len(severity) > 1
        rows.append((head, Cell(item.rps, mark="best" if best else ""), None if reference else item.skill))
    about = "Ranked probability score, lower is better, and skill against the best reference, with 90 % intervals."
    columns = (
        Column("Forecaster"),
        Column("RPS", form="measured", digits=digits_of(item.rps for item in severity.values())),
        Column("Skill", form="skill"),
    )
    return Table(about, columns, rows)


def vectors_table(vectors: Mapping[str, VectorScore]) -> Table:
    """Joint log scores: all that came after an origin, taken together."""
    most = max(item.log_probability.value for item in vectors.values())
    rows = [
        (
            Cell(label_of(item.forecaster), "jointly" if place == 0 else "", "" if place else "first"),
            Cell(item.log_probability, mark="best" if item.log_probability.value == most else ""),
            item.gain,
        )
        for place, item in enumerate(vectors.values())
    ]
    first = next(iter(vectors.values()))
    about = (
        f"Log probability of all that came after an origin, mean over {first.origins:,} origins in nats, higher is "
        "better, and by how much that of the first forecaster is above. The first is joint; the others multiply their "
        "probabilities as if outcomes were independent, so that its gain over itself outcome by outcome is what "
        f"dependence is worth. Chance in the estimate: ± {number(first.error, 2)}."
    )
    columns = (
        Column("Forecaster"),
        Column("Log probability", form="measured", digits=2),
        Column("Gain of the first", form="measured", digits=2),
    )
    return Table(about, columns, rows)


def disputed_table(evaluation: Evaluation) -> Table:
    """Scores of every forecaster as recorded, and beneath them had no disputed event happened."""
    other = evaluation.undisputed
    assert other is not None
    whole, less = evaluation.slices[ALL].performances, other.slices[ALL].performances

    def cell(one: Measured | None, two: Measured | None, digits: int) -> Cell:
        first, second = (NOTHING if score is None else number(score.value, digits) for score in (one, two))
        return Cell(first, second)

    def of(scores: Mapping[str, Any], name: str, part: str) -> Measured | None:
        return getattr(scores[name], part) if name in scores else None

    rows = [
        (
            Cell(label_of(name), "had none happened", "" if place else "first"),
            cell(whole[name].brier, less[name].brier, 4),
            cell(whole[name].log_score, less[name].log_score, 4),
            *(
                cell(of(one, name, part), of(two, name, part), digits)
                for one, two, part, digits in (
                    (evaluation.severity, other.severity, "rps", 4),
                    (evaluation.scores, other.scores, "rmse", 1),
                    (evaluation.vectors, other.vectors, "log_probability", 2),
                )
            ),
        )
        for place, name in enumerate(whole)
    ]
    columns = (Column("Forecaster"), *(Column(name) for name in ("Brier", "Log score", "RPS", "RMSE", "Jointly")))
    came = f"{evaluation.slices[ALL].events:,} events came as recorded, {other.slices[ALL].events:,} had none happened."
    about = f"Each score as recorded, and beneath it had no disputed event happened. {came}"
    return Table(about, columns, rows)


def score_accuracy_table(scores: Mapping[str, ScoreAccuracy]) -> Table:
    """How scores of dyads did against what followed, one row for each forecaster."""
    least = min(item.rmse.value for item in scores.values())
    rows = []
    for place, item in enumerate(scores.values()):
        reference = is_reference(item.skill)
        head = _head(item.forecaster, reference, place)
        best = item.rmse.value == least and len(scores) > 1
        rows.append(
            (
                head,
                item.mean_forecast,
                item.bias,
                Cell(item.rmse, mark="best" if best else ""),
                item.correlation,
                None if reference else item.skill,
                item.ratio,
                Cell(item.crps, mark="best" if _is_least(item, scores) else ""),
                item.crps_skill,
            )
        )
    came = next(iter(scores.values())).mean_came
    about = (
        f"Scores of dyads, in points; {number(came, 1)} came on average. Bias: forecast less what came. RMSE: root "
        "mean square error. CRPS: how far what was held possible lay from what came, lower is better; its skill is "
        "against the best reference by it. With 90 % intervals."
    )
    columns = (
        Column("Forecaster"),
        Column("Mean", form="figure", digits=1),
        Column("Bias", form="measured", digits=1),
        Column("RMSE", form="measured", digits=1),
        Column("Correlation", form="measured", digits=2),
        Column("Skill", form="skill"),
        Column("Forecast / came", form="measured", digits=2),
        Column("CRPS", form="measured", digits=1),
        Column("CRPS skill", form="skill"),
    )
    return Table(about, columns, rows)


def _is_least(item: ScoreAccuracy, scores: Mapping[str, ScoreAccuracy]) -> bool:
    """Whether a forecaster has the lowest CRPS of several."""
    known = [one.crps.value for one in scores.values() if one.crps is not None]
    return item.crps is not None and len(known) > 1 and item.crps.value == min(known)


def score_bins_table(accuracy: ScoreAccuracy) -> Table:
    """Calibration of one forecaster's scores: what came where so much was forecast."""
    rows = [
        (f"{number(one.low, 1)}–{number(one.high, 1)}", one.forecasts, one.mean_forecast, one.mean_came)
        for one in accuracy.bins
    ]
    columns = (
        Column("Forecast score"),
        Column("Forecasts", form="count"),
        *(Column(name, form="figure", digits=1) for name in ("Mean forecast", "Mean that came")),
    )
    return Table(f"Scores of {label_of(accuracy.forecaster)}, from low to high, and what came.", columns, rows)


def conflicts_table(conflicts: pd.DataFrame, named: Mapping[str, str]) -> Table:
    """What the priors expected of the record, and what it holds."""
    rows = [
        (
            named.get(str(row["event"]), str(row["event"])),
            float(row["recorded"]),
            float(row["median"]),
            f"{number(float(row['low']), 0)}–{number(float(row['high']), 0)}",
            Cell(str(row["verdict"]), mark="bad" if "conflict" in str(row["verdict"]) else ""),
        )
        for row in conflicts.to_dict("records")
    ]
    columns = (
        Column("Event type"),
        *(Column(name, form="figure", digits=0) for name in ("Recorded", "Prior expects", "90 % interval")),
        Column("Verdict", width=24),
    )
    return Table("Events in the record, and how many the priors alone expect there.", columns, rows)


def health_table(health: pd.DataFrame) -> Table:
    """How long each origin took, and whether its posterior can be relied on."""
    rows = [
        (
            day_in_words(row["origin"]),
            *(_float(row[name]) for name in ("seconds", "khat", "ess")),
            Cell("passed" if row["reliable"] else "FAILED", mark="" if row["reliable"] else "bad"),
        )
        for row in health.to_dict("records")
    ]
    forms = (("Seconds", 1), ("k-hat, largest", 2), ("ESS, smallest", 0))
    figures = (Column(name, form="figure", digits=digits) for name, digits in forms)
    return Table("Fits by origin.", (Column("Origin"), *figures, Column("Checks")), rows)


def health_in_words(health: pd.DataFrame) -> str:
    """How many origins passed the engine's checks, and the worst of their numbers."""
    passed, khat, ess = int(health["reliable"].sum()), health["khat"].max(), health["ess"].min()
    parts = [f"{passed:,} of {len(health):,} origins passed the engine's checks"]
    if math.isfinite(_float(khat)) and health["khat"].notna().all():
        parts.append(f"k-hat at most {number(_float(khat), 2)}")
    if math.isfinite(_float(ess)):
        parts.append(f"effective sample size at least {number(_float(ess), 0)}")
    return "; ".join([*parts, f"{number(_float(health['seconds'].sum()), 0)} seconds in all"]) + "."


def blocks_table(calibration: Calibration) -> Table:
    """Tests of uniformity of each block over all event types."""
    rows = []
    for block, one in calibration.histograms.items():
        event, chance = calibration.worst(block) if calibration.by_event else ("", math.nan)
        label = calibration.case.events[event].label if event in calibration.case.events else event
        stands_out = (label if not chance >= SUSPECT else "none stands out") if event else NOTHING
        shape = shape_in_words(one)
        rows.append(
            (
                one.label,
                len(one.ranks),
                _state(one.p_value, one.inside),
                _state(one.ecdf.p_value, one.ecdf.inside),
                100 * one.ecdf.largest,
                Cell(one.joint_p_value, mark="" if one.joint_p_value >= SUSPECT else "bad"),
                Cell(shape or "even", mark="bad" if shape else ""),
                Cell(stands_out, p_value(chance) if event else ""),
            )
        )
    columns = (
        Column("Parameters"),
        Column("Ranks", form="count"),
        Column("Bars", form="p"),
        Column("Curve", form="p"),
        Column("Largest difference", form="figure", digits=1),
        Column("Joint p", form="p"),
        Column("Shape", width=24),
        Column("Least even event type", width=24),
    )
    about = "P-values of even ranks, and whether they stay inside their bands; differences in percentage points."
    return Table(about, columns, rows)


def events_table(calibration: Calibration) -> Table:
    """Joint p-values by event type and block."""
    blocks = list(calibration.histograms)
    tests = sum(len(own) for own in calibration.by_event.values())
    rows = []
    for event, own in calibration.by_event.items():
        item = calibration.case.events.get(event)
        chances = [own[block].joint_p_value if block in own else math.nan for block in blocks]
        odd = [block in own and not own[block].joint_p_value >= SUSPECT / tests for block in blocks]
        cells = [Cell(chance, mark="bad" if bad else "") for chance, bad in zip(chances, odd, strict=True)]
        rows.append((item.label if item else event, *cells, calibration.unreliable_by_event.get(event, 0)))
    about = (
        f"Joint p-values. About one in twenty of these {tests:,} is below {SUSPECT} by chance; "
        f"red: below {SUSPECT / tests:.1g}, which chance does not explain."
    )
    named = (Column(calibration.histograms[block].label, form="p") for block in blocks)
    return Table(about, (Column("Event type"), *named, Column("Failed fits", form="count")), rows)


def _state(chance: float, inside: bool) -> Cell:
    return Cell(chance, "inside" if inside else "outside", "" if inside else "bad")


def _forecaster(item: Performance, scores: Slice, first: bool) -> Cell:
    note = "best reference" if item.forecaster == scores.best_reference else ""
    return Cell(label_of(item.forecaster), note, "first" if first else "")


def _verdict(part: Slice) -> Cell:
    """What a slice shows in two words, and whether it has events enough to say so."""
    verdict = skill_verdict(part)
    known = verdict.kind if verdict.firm else f"seems {verdict.kind}"
    told = "not shown" if verdict.kind == "open" else known
    small = "few events: uncertain" if LEAST_EVENTS <= part.events < FEW_EVENTS else ""
    mark: Mark = "good" if verdict.kind == "better" else "bad" if verdict.kind == "worse" else "open"
    return Cell("too few events" if part.events < LEAST_EVENTS else told, small, mark)


def _best_marks(performances: Sequence[Performance]) -> dict[str, Callable[[Performance], Mark]]:
    """For each column, the mark of a forecaster: nobody is best where there is nothing to compare."""

    def marked(field: str, sign: int) -> Callable[[Performance], Mark]:
        scores = {item.forecaster: getattr(item, field) for item in performances}
        values = {name: sign * score.value for name, score in scores.items() if score is not None}
        best = min(values.values()) if len(values) > 1 else math.nan
        return lambda item: "best" if values.get(item.forecaster) == best else ""

    return {field: marked(field, sign) for field, sign in SIGNS.items()}


def _skill(item: Performance, best_reference: str) -> Cell:
    if item.skill is None or item.forecaster == best_reference:
        return Cell(None)
    return Cell(item.skill, mark="good" if item.skill.low > 0 else "bad" if item.skill.high < 0 else "")


def _size(scores: Slice) -> str:
    counted = f"{scores.forecasts:,} forecasts, {scores.events:,} event{'' if scores.events == 1 else 's'}"
    return f"{counted}, {scores.dyads:,} dyad{'' if scores.dyads == 1 else 's'}"


def day_in_words(value: Any) -> str:
    """A day as year, month and day.

    >>> from datetime import date
    >>> day_in_words(date(2024, 5, 6)), day_in_words("2024-05-06")
    ('2024-05-06', '2024-05-06')
    """
    return value.strftime("%Y-%m-%d") if hasattr(value, "strftime") else str(value)


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
