"""Tables of neighbours of a panel case: one row for each two states that are tied, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskcast.case.panel import Ints, TieTable
from riskcast.case.panel_cells import is_outside, read_periods, read_states, state_as_written
from riskcast.case.settings import Settings
from riskcast.errors import CaseError, Problem, refusal
from riskcast.machinery.table_files import Dialect, TableFile, Wanted, read_table
from riskcast.names import STATE

OTHER: Final = "other"
FROM: Final = "from"
UNTIL: Final = "until"


def read_tie_table(folder: Path, settings: Settings, name: str) -> tuple[TieTable, Dialect]:
    """Read one of the tables that `panel.neighbours` names, with `state`, `other` and, where they are there, the first
    and last period of each tie: `from`, `until`, empty where it always was or still is.

    Rows that begin after `as_of` are not read. Raises CaseError with every problem found.
    """
    if is_outside(name):
        mend = "name a file within the case's folder, such as history/borders.csv"
        raise refusal(name, "lies outside the case", mend)
    if not (folder / name).is_file():
        raise refusal(name, "is missing", "add the file, or correct `panel.neighbours`")
    table = read_table(folder / name, name, Wanted((STATE, OTHER), optional=(FROM, UNTIL), others_ignored=True))
    problems: list[Problem] = []
    system = None if settings.panel is None else settings.panel.states
    ids = [read_states(table, column, system, problems) for column in (STATE, OTHER)]
    first = _ends(table, FROM, settings, problems, TieTable.ALWAYS)
    last = _ends(table, UNTIL, settings, problems, TieTable.STILL)
    alike = np.array([one == other and bool(one) for one, other in zip(*ids, strict=True)], dtype=bool)
    problems += table.problems(OTHER, alike, "is {}, the state itself", "name another state, or remove the row")
    problems += table.problems(UNTIL, last < first, "is {}, before the tie began", "correct one of the two")
    if problems:
        raise CaseError(problems)
    states = tuple(sorted({*ids[0], *ids[1]}))
    places = {id: place for place, id in enumerate(states)}
    pair = np.sort(np.array([[places[id] for id in own] for own in ids], dtype=np.int64).T.reshape(-1, 2), axis=1)
    order = np.lexsort((last, first, pair[:, 1], pair[:, 0]))
    made = TieTable(states, pair[order], first[order], last[order])
    return made.until(settings.calendar.number(settings.as_of)), table.dialect


def _ends(table: TableFile, column: str, settings: Settings, problems: list[Problem], open_end: int) -> Ints:
    if column not in table.columns:
        return np.full(len(table), open_end, dtype=np.int64)
    return read_periods(table, settings, problems, column, blank=open_end)


def tie_frame(table: TieTable, settings: Settings) -> Any:
    """A table of neighbours as it is written: columns state, other, from and until."""
    import pandas

    system = None if settings.panel is None else settings.panel.states
    states = np.array([state_as_written(id, system) for id in table.states], dtype=object)

    def labels(numbers: NDArray[np.int64], open_end: int) -> list[str]:
        return ["" if number == open_end else settings.calendar.label(number) for number in numbers.tolist()]

    return pandas.DataFrame(
        {
            STATE: states[table.pair[:, 0]],
            OTHER: states[table.pair[:, 1]],
            FROM: labels(table.first, TieTable.ALWAYS),
            UNTIL: labels(table.last, TieTable.STILL),
        }
    )
