"""A table of somebody's forecasts -> numbers from outside, as `--outside` takes them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from riskcast.errors import CaseError, OptionError, Problem
from riskcast.imports.forecast_maps import ForecastMap, columns_in
from riskcast.imports.gathering import follow, gather
from riskcast.imports.reading import LINE, Rows, place_of, problem_at, read_rows
from riskcast.imports.reports import MOST_EXAMPLES, Column, Loss, Report
from riskcast.machinery.number_cells import read_number_columns

OUTSIDE: Final = "outside.csv"
COLUMNS: Final = ("question", "probability", "forecaster", "date")
# Hubs begin the name of a file with its day.
_DATED: Final = re.compile(r"\d{4}-\d{2}-\d{2}-(.+)")


@dataclass(frozen=True)
class ImportedForecasts:
    """Numbers from outside, one row each, and what became of the file."""

    rows: tuple[Mapping[str, str], ...]
    report: Report

    def content(self) -> bytes:
        """The table that `--outside` takes."""
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue().encode()


def import_forecasts(files: Sequence[Path], chart: ForecastMap) -> ImportedForecasts:
    """The forecasts of a table, in one file or several, as numbers from outside.

    Raises CaseError where a probability is none or lies outside 0 to 1, or a day is none, and OptionError where two
    rows give one question, forecaster and day different numbers, or no row is left.
    """
    with gather(files) as sources:
        source = follow(sources)
        read = read_rows(source, chart)
    losses: list[Loss] = []
    short = read.total - len(read.frame)
    if short:
        losses.append(Loss(short, "did not meet `where` of the map"))
    needed = (*columns_in(chart.question), *columns_in(chart.forecaster or ""), chart.probability, chart.date)
    whole = read.frame.drop_nulls(list(dict.fromkeys(needed)))
    if len(whole) < len(read.frame):
        # Whoever leaves a cell out has said nothing.
        losses.append(Loss(len(read.frame) - len(whole), "had an empty cell where the map needs one"))
    if not len(whole):
        why = "; ".join(f"{loss.rows} {loss.why}" for loss in losses)
        raise OptionError(f"no row of the table is left: {why}; correct the map")
    values = _probabilities(read, whole[LINE].to_list(), whole[chart.probability].to_list(), chart)
    found: dict[tuple[str, str, str], float] = {}
    for place, row in enumerate(whole.iter_rows(named=True)):
        key = (_filled(chart.question, row, chart), _forecaster(read.names, row, chart), _day(read.names, row, chart))
        if found.setdefault(key, values[place]) != values[place]:
            wrong = f"{key[1]} gives {key[0]} two probabilities on {key[2]}, {found[key]:g} and {values[place]:g}"
            name, line = place_of(read.names, row[LINE])
            raise OptionError(f"{name}:{line}: {wrong}; tell the rows apart by `where:` or `question:`")
    rows = tuple(
        dict(zip(COLUMNS, (question, f"{value!r}", forecaster, day), strict=True))
        for (question, forecaster, day), value in found.items()
    )
    return ImportedForecasts(rows, _report(source.name, read.notes, chart, read, len(whole), rows, tuple(losses)))


def _probabilities(read: Rows, lines: list[int], cells: list[str], chart: ForecastMap) -> list[float]:
    column = chart.probability
    numbers = read_number_columns({column: np.array(cells, dtype=object)}, chart.read.na)
    values = numbers.values[column]

    def problem(place: int, wrong: str, mend: str) -> Problem:
        return problem_at(read.names, lines[place], column, wrong.replace("{}", repr(cells[place])), mend)

    problems = [problem(int(np.flatnonzero(one.rows)[0]), one.wrong, one.mend) for one in numbers.unread]
    if not problems:
        odd = np.flatnonzero(~((values >= 0.0) & (values <= 1.0))).tolist()
        mend = "give a probability from 0 to 1"
        problems = [problem(place, f"is {cells[place]}", mend) for place in odd[:MOST_EXAMPLES]]
    if problems:
        raise CaseError(problems)
    return values.tolist()


def _filled(text: str, row: Mapping[str, Any], chart: ForecastMap) -> str:
    """A text with cells in the place of their columns."""
    cells = {name: chart.cells.get(name, {}).get(str(row[name]), str(row[name])) for name in columns_in(text)}
    # Replaced one by one: a cell may hold braces of its own.
    return re.sub(r"\{([^{}]+)\}", lambda found: cells[found[1]], text)


def _forecaster(names: Sequence[str], row: Mapping[str, Any], chart: ForecastMap) -> str:
    if chart.forecaster is not None:
        return _filled(chart.forecaster, row, chart)
    stem = Path(place_of(names, row[LINE])[0]).name.partition(".")[0]
    dated = _DATED.fullmatch(stem)
    return dated[1] if dated else stem


def _day(names: Sequence[str], row: Mapping[str, Any], chart: ForecastMap) -> str:
    cell = str(row[chart.date])
    try:
        return dt.date.fromisoformat(cell[:10]).isoformat()
    except ValueError:
        mend = "write the day as YYYY-MM-DD"
        raise CaseError([problem_at(names, int(row[LINE]), chart.date, f"is {cell!r}, no day", mend)]) from None


def _report(
    file: str,
    notes: tuple[str, ...],
    chart: ForecastMap,
    read: Rows,
    taken: int,
    rows: tuple[Mapping[str, str], ...],
    losses: tuple[Loss, ...],
) -> Report:
    values, days = [float(row["probability"]) for row in rows], sorted(row["date"] for row in rows)
    questions = len({row["question"] for row in rows})
    nonzero = sum(value > 0 for value in values)
    column = Column("probability", "forecast", chart.probability, len(values), nonzero, min(values), max(values))
    return Report(
        file,
        chart.title,
        read.total,
        taken,
        taken - len(rows),
        questions,
        len(rows),
        days[0],
        days[-1],
        losses,
        (column,),
        notes,
    )
