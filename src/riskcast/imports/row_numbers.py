"""Cells as numbers, in columns beside their text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskcast.errors import CaseError
from riskcast.imports.maps import TableMap
from riskcast.imports.reading import LINE, Rows, problem_at
from riskcast.machinery.number_cells import read_number_columns

if TYPE_CHECKING:
    import polars


def with_numbers(frame: polars.DataFrame, rows: Rows, chart: TableMap) -> polars.DataFrame:
    """Columns that the map takes numbers from, as numbers beside their text, under `number_of` their names.

    Raises CaseError with every cell that is none.
    """
    import numpy as np
    import polars

    named = [rule.number for rule in chart.events.values() if rule.number is not None]
    named += [rule.column for rule in chart.covariates.values()]
    columns = {name: frame[name].fill_null("").to_numpy().astype(object) for name in dict.fromkeys(named)}
    read = read_number_columns(
        columns, chart.read.na, truths=frozenset(named), semicolons=rows.dialect.separator == ";"
    )
    problems = []
    for one in read.unread:
        lines = frame[LINE].to_numpy()[np.flatnonzero(one.rows)]
        cells = columns[one.column][one.rows]
        many = f" in {len(lines)} rows" if len(lines) > 1 else ""
        mend = one.mend.replace("case.yaml", "`read:` of the map")
        wrong = one.wrong.replace("{}", repr(cells[0])) + many
        problems.append(problem_at(rows.names, int(lines[0]), one.column, wrong, mend))
    if problems:
        raise CaseError(problems)
    return frame.with_columns(polars.Series(number_of(c), v).fill_nan(None) for c, v in read.values.items())


def number_of(column: str) -> str:
    """What the numbers of a column are called beside its text."""
    return f"\0number {column}"
