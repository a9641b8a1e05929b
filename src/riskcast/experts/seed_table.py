"""A table of answers to seed questions, read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from riskcast.errors import CaseError, Problem, show
from riskcast.experts.seed_scores import SeedAnswers
from riskcast.machinery.table_files import TableFile, Wanted, parse_table, read_table

COLUMNS: Final = ("question", "expert", "low", "median", "high", "answer")
SCALES: Final = ("linear", "log")


def read_seeds(file: str | Path) -> SeedAnswers:
    """Answers to seed questions: a row for each question and expert, with columns question, expert, low, median, high
    (the 5, 50 and 95 % quantiles), answer (what is true) and, where it is there, scale (linear or log).

    Raises CaseError with the row of what cannot be used; every expert answers every question.

    >>> seeds = read_seeds("docs/panel_2024/seeds.csv")
    >>> len(seeds.experts), seeds.quantiles.shape[1:]
    (3, (10, 3))
    """
    return _seeds(read_table(Path(file), str(file), Wanted(COLUMNS, optional=("scale",))))


def seeds_of_table(raw: bytes, name: str) -> SeedAnswers:
    """Answers to seed questions from the bytes of a table, as `read_seeds` reads them."""
    return _seeds(parse_table(raw, name, Wanted(COLUMNS, optional=("scale",))))


def _seeds(table: TableFile) -> SeedAnswers:
    name = table.name
    texts = {column: table.texts(column) for column in table.columns}
    values = table.numbers(("low", "median", "high", "answer"))
    problems: list[Problem] = []
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    truth: dict[str, tuple[float, str]] = {}
    for place, line in enumerate(table.lines.tolist()):
        question, expert = texts["question"][place].strip(), texts["expert"][place].strip()
        row = {column: float(values[column][place]) for column in ("low", "median", "high", "answer")}
        scale = texts["scale"][place].strip() if "scale" in texts else ""
        found = _row_problem(row, {column: own[place] for column, own in texts.items()}, scale)
        if found is not None:
            problems.append(Problem(name, line, *found))
            continue
        if (question, expert) in rows:
            problems.append(Problem(name, line, "expert", f"{expert} answers {question} twice", "keep one row"))
        known = truth.setdefault(question, (row["answer"], scale or "linear"))
        if known != (row["answer"], scale or "linear"):
            wrong = f"{question} has another answer or scale than above"
            problems.append(Problem(name, line, "answer", wrong, "a question has one of each"))
        rows[question, expert] = row
    experts = tuple(dict.fromkeys(expert for _, expert in rows))
    if not problems:
        lacking = [(question, expert) for question in truth for expert in experts if (question, expert) not in rows]
        mend = "add the row, or leave the question out"
        problems += [
            Problem(name, None, "", f"{expert} does not answer {question}", mend) for question, expert in lacking
        ]
    if not rows and not problems:
        problems.append(Problem(name, None, "", "holds no answer", "write a row for each question and expert"))
    if problems:
        raise CaseError(problems)
    said = [[[rows[q, e][column] for column in ("low", "median", "high")] for q in truth] for e in experts]
    answers, scales = zip(*truth.values(), strict=True)
    return SeedAnswers(
        experts, tuple(truth), np.array(said), np.array(answers), np.array([scale == "log" for scale in scales])
    )


def _row_problem(row: Mapping[str, float], texts: Mapping[str, str], scale: str) -> tuple[str, str, str] | None:
    """Key, what is wrong and how to mend it."""
    for column in ("question", "expert"):
        if not texts[column].strip():
            return column, "is empty", "say which question, and who answers it"
    for column, value in row.items():
        if not math.isfinite(value):
            return column, f"is {show(texts[column])}", "give a number"
    if not row["low"] < row["median"] < row["high"]:
        return "median", f"{row['low']:g}, {row['median']:g}, {row['high']:g} do not rise", "give low < median < high"
    if scale not in ("", *SCALES):
        return "scale", f"is {show(scale)}", f"write {' or '.join(SCALES)}"
    if scale == "log" and not min(row.values()) > 0.0:
        return "scale", "is log, and a number is not above 0", "write linear, or correct the number"
    return None
