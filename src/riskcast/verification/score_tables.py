"""Results -> tables of text: what each cell says, what stands beneath it, and what is marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskcast.verification.calibration import Calibration
from riskcast.verification.evaluation import FEW_EVENTS, Measured, Performance, SeverityScore, Slice
from riskcast.verification.verdicts import (
    LEAST_EVENTS,
    NOTHING,
    SUSPECT,
    between,
    chance_in_words,
    digits_of,
    is_reference,
    label_of,
    number,
    sentence,
    shape_in_words,
    share,
    skill_points,
    skill_verdict,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, what stands small beneath it, and how it is marked."""

    text: str
    small: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table; a group is a heading over the rows that follow."""

    head: Cell
    cells: Sequence[Cell] = ()
    first: bool = False
    group: bool = False


@dataclass(frozen=True)
class Table:
    """A table; groups: headings over several columns, with how many; texts: columns of words."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Row]
    groups: Sequence[tuple[str, int]] = ()
    texts: Sequence[str] = ()


def score_table(scores: Slice) -> Table:
    """Scores of every forecaster on one slice; the best of each column is marked."""
    performances = list(scores.performances.values())
    marks = _best_marks(performances)
    brier_digits = digits_of(item.brier for item in performances)
    log_digits = digits_of(item.log_score for item in performances)
    rows = []
    for item in performances:
        mark = {column: "best" if item.forecaster in best else "" for column, best in marks.items()}
        parts = [
            Cell(number(getattr(item, part), brier_digits))
            for part in ("miscalibration", "discrimination", "uncertainty")
        ]
        cells = [
            _measured(item.brier, brier_digits, mark["brier"]),
            _skill(item, scores.best_reference),
            _measured(item.log_score, log_digits, mark["log_score"]),
            Cell(share(item.mean_forecast)),
            *parts,
            _measured(item.auc, 3, mark["auc"]),
            _measured(item.average_precision, 3, mark["average_precision"]),
        ]
        note = "best reference" if item.forecaster == scores.best_reference else ""
        rows.append(Row(Cell(label_of(item.forecaster), note), cells, first=not rows))
    columns = ["Forecaster", "Brier", "Skill", "Log score", "Mean forecast", "MCB", "DSC", "UNC", "AUC", "AP"]
    groups = [("", 1), ("Accuracy", 4), ("Parts of the Brier score", 3), ("Secondary", 2)]
    seen = f"came true: {share(scores.events / scores.forecasts)}" if scores.forecasts else ""
    lower = "Lower is better, except for skill, DSC, AUC and AP."
    caption = f"{_size(scores)} ({seen}). {lower} Small: 90 % intervals. A dot marks the best value of a column."
    return Table(caption, columns, rows, groups)


def parts_table(parts: Mapping[str, Slice], named: Mapping[str, str]) -> Table:
    """Scores of every forecaster on several slices, one below the other."""
    rows = []
    for name, scores in parts.items():
        performances = list(scores.performances.values())
        marks, digits = _best_marks(performances), digits_of(item.brier for item in performances)
        came_true = share(scores.events / scores.forecasts)
        heading = Cell(sentence(named.get(name, name))[:-1], f"{_size(scores)} ({came_true} came true)")
        rows.append(Row(heading, group=True))
        for item in performances:
            cells = [
                _measured(item.brier, digits, "best" if item.forecaster in marks["brier"] else ""),
                _skill(item, scores.best_reference),
                Cell(share(item.mean_forecast)),
                Cell(number(item.miscalibration, digits)),
                Cell(number(item.discrimination, digits)),
                _measured(item.auc, 3, "best" if item.forecaster in marks["auc"] else ""),
            ]
            note = "best reference" if item.forecaster == scores.best_reference else ""
            rows.append(Row(Cell(label_of(item.forecaster), note), cells, first=item is performances[0]))
    columns = ["Forecaster", "Brier", "Skill", "Mean forecast", "MCB", "DSC", "AUC"]
    return Table("Scores with 90 % intervals; a dot marks the best of its part.", columns, rows)


def types_table(types: Mapping[str, Slice], named: Mapping[str, str]) -> Table:
    """The first forecaster against the best reference, one row for each event type."""
    digits = digits_of(item.brier for part in types.values() for item in part.performances.values())
    rows = []
    for name, part in types.items():
        first, best = next(iter(part.performances.values())), part.performances.get(part.best_reference)
        verdict = skill_verdict(part)
        small = "few events: uncertain" if LEAST_EVENTS <= part.events < FEW_EVENTS else ""
        few = part.events < LEAST_EVENTS
        told = "not shown" if verdict.kind == "open" else verdict.kind if verdict.firm else f"seems {verdict.kind}"
        words = "too few events" if few else told
        cells = [
            Cell(f"{part.events:,}", f"of {part.forecasts:,}"),
            Cell(share(part.events / part.forecasts)),
            _measured(first.brier, digits),
            Cell(number(best.brier.value, digits) if best else NOTHING, label_of(part.best_reference)),
            _skill(first, part.best_reference),
            _measured(first.auc, 3),
            Cell(
                words, small, {"better": "text wrap good", "worse": "text wrap bad"}.get(verdict.kind, "text wrap open")
            ),
        ]
        rows.append(Row(Cell(named.get(name, name)), cells))
    first_name = label_of(next(iter(next(iter(types.values())).performances)))
    columns = [
        "Event type",
        "Events",
        "Base rate",
        f"Brier, {first_name}",
        "Brier, best reference",
        "Skill",
        "AUC",
        "Verdict",
    ]
    missed = f"Of {len(types)} such intervals about {max(1, round(len(types) / 10))} will miss by chance."
    caption = (
        f"{sentence(first_name)[:-1]} against the best reference of each event type, with 90 % intervals. {missed}"
    )
    return Table(caption, columns, rows, texts=("Verdict",))


def severity_table(severity: Mapping[str, SeverityScore]) -> Table:
    """Ranked probability scores of the peak severity."""
    digits = digits_of(item.rps for item in severity.values())
    lowest = min(item.rps.value for item in severity.values())
    rows = []
    for item in severity.values():
        reference = is_reference(item.skill)
        value, small = skill_points(item.skill) if item.skill and not reference else (NOTHING, "")
        best = "best" if item.rps.value == lowest and len(severity) > 1 else ""
        cells = [_measured(item.rps, digits, best), Cell(value, small)]
        rows.append(Row(Cell(label_of(item.forecaster), "best reference" if reference else ""), cells, first=not rows))
    caption = "Ranked probability score, lower is better, and skill against the best reference, with 90 % intervals."
    return Table(caption, ["Forecaster", "RPS", "Skill"], rows)


def conflicts_table(conflicts: pd.DataFrame, named: Mapping[str, str]) -> Table:
    """What the priors expected of the record, and what it holds."""
    rows = [
        Row(
            Cell(named.get(str(row["event"]), str(row["event"]))),
            [
                Cell(number(float(row["recorded"]), 0)),
                Cell(number(float(row["median"]), 0)),
                Cell(f"{number(float(row['low']), 0)}–{number(float(row['high']), 0)}"),
                Cell(str(row["verdict"]), kind="text wrap bad" if "conflict" in str(row["verdict"]) else "text wrap"),
            ],
        )
        for row in conflicts.to_dict("records")
    ]
    columns = ["Event type", "Recorded", "Prior expects", "90 % interval", "Verdict"]
    return Table("Events in the record, and how many the priors alone expect there.", columns, rows, texts=("Verdict",))


def health_table(health: pd.DataFrame) -> Table:
    """How long each origin took, and whether its posterior can be relied on."""
    rows = [
        Row(
            Cell(day_in_words(row["origin"])),
            [
                Cell(number(_float(row["seconds"]), 1)),
                Cell(number(_float(row["khat"]), 2)),
                Cell(number(_float(row["ess"]), 0)),
                Cell("passed" if row["reliable"] else "FAILED", kind="text" if row["reliable"] else "text bad"),
            ],
        )
        for row in health.to_dict("records")
    ]
    return Table(
        "Fits by origin.", ["Origin", "Seconds", "k-hat, largest", "ESS, smallest", "Checks"], rows, texts=("Checks",)
    )


def health_in_words(health: pd.DataFrame) -> str:
    """How many origins passed the engine's checks, and the worst of their numbers."""
    passed, khat, ess = int(health["reliable"].sum()), health["khat"].max(), health["ess"].min()
    parts = [f"{passed:,} of {len(health):,} origins passed the engine's checks"]
    if math.isfinite(_float(khat)):
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
        stands_out = label if chance < SUSPECT else "none stands out" if event else NOTHING
        cells = [
            Cell(f"{len(one.ranks):,}"),
            _state(one.p_value, one.inside),
            _state(one.ecdf.p_value, one.ecdf.inside),
            Cell(number(100 * one.ecdf.largest, 1)),
            Cell(_p(one.joint_p_value), kind="bad" if one.joint_p_value < SUSPECT else ""),
            Cell(shape_in_words(one) or "even", kind="text wrap bad" if shape_in_words(one) else "text wrap"),
            Cell(stands_out, chance_in_words(chance) if event else "", "text wrap"),
        ]
        rows.append(Row(Cell(one.label), cells))
    columns = [
        "Parameters",
        "Ranks",
        "Bars",
        "Curve",
        "Largest difference",
        "Joint p",
        "Shape",
        "Least even event type",
    ]
    caption = "P-values of even ranks, and whether they stay inside their bands; differences in percentage points."
    return Table(caption, columns, rows, texts=("Shape", "Least even event type"))


def events_table(calibration: Calibration) -> Table:
    """Joint p-values by event type and block."""
    blocks = list(calibration.histograms)
    tests = sum(len(own) for own in calibration.by_event.values())
    rows = []
    for event, own in calibration.by_event.items():
        failed = calibration.unreliable_by_event.get(event, 0)
        cells = [
            Cell(_p(own[block].joint_p_value), kind="bad" if own[block].joint_p_value < SUSPECT / tests else "")
            if block in own
            else Cell(NOTHING)
            for block in blocks
        ]
        item = calibration.case.events.get(event)
        rows.append(Row(Cell(item.label if item else event), [*cells, Cell(f"{failed:,}")]))
    caption = (
        f"Joint p-values. About one in twenty of these {tests:,} is below {SUSPECT} by chance; "
        f"red: below {SUSPECT / tests:.1g}, which chance does not explain."
    )
    columns = ["Event type", *(calibration.histograms[block].label for block in blocks), "Failed fits"]
    return Table(caption, columns, rows)


def _state(p_value: float, inside: bool) -> Cell:
    return Cell(_p(p_value), "inside" if inside else "outside", "" if inside else "bad")


def _p(p_value: float) -> str:
    return chance_in_words(p_value).removeprefix("p = ").removeprefix("p ")


def _best_marks(performances: Sequence[Performance]) -> dict[str, set[str]]:
    """For each column, who is best; nobody where there is nothing to compare."""

    def values(field: str, sign: float) -> dict[str, float]:
        found = {item.forecaster: getattr(item, field) for item in performances}
        return {
            name: sign * (value.value if isinstance(value, Measured) else value)
            for name, value in found.items()
            if value is not None
        }

    signs = {"brier": 1, "log_score": 1, "auc": -1, "average_precision": -1}
    marks = {}
    for field, sign in signs.items():
        own = values(field, sign)
        marks[field] = {name for name, value in own.items() if value == min(own.values())} if len(own) > 1 else set()
    return marks


def _measured(score: Measured | None, digits: int, kind: str = "") -> Cell:
    return Cell(NOTHING) if score is None else Cell(number(score.value, digits), between(score, digits), kind)


def _skill(item: Performance, best_reference: str) -> Cell:
    if item.skill is None or item.forecaster == best_reference:
        return Cell(NOTHING)
    kind = "good" if item.skill.low > 0 else "bad" if item.skill.high < 0 else ""
    return Cell(*skill_points(item.skill), kind)


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
