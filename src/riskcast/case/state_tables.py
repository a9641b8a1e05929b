"""The table of states of a panel case: one row for each state and period, of which derived columns take some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from riskcast.case.panel import StateTable
from riskcast.case.panel_cells import (
    is_outside,
    read_numbers,
    read_periods,
    read_states,
    state_as_written,
)
from riskcast.case.quantities import LARGEST
from riskcast.case.settings import Settings
from riskcast.errors import CaseError, Problem, refusal
from riskcast.machinery.table_files import Dialect, Wanted, read_table
from riskcast.names import PERIOD, STATE


def read_state_table(folder: Path, settings: Settings, columns: Sequence[str]) -> tuple[StateTable, Dialect]:
    """Read the columns that are taken of the table that `panel.state_table` names, with `state` and `period`.

    Rows after `as_of`, or after the next period where covariates are known before it, and all other columns are not
    read. Raises CaseError with every problem found.
    """
    if settings.panel is None or settings.panel.state_table is None:
        raise ValueError("the case has no table of states")
    name = settings.panel.state_table
    if is_outside(name):
        raise refusal(name, "lies outside the case", "name a file within the case's folder, such as history/states.csv")
    if not (folder / name).is_file():
        raise refusal(name, "is missing", "add the file, or correct `panel.state_table`")
    table = read_table(folder / name, name, Wanted((STATE, PERIOD, *columns), others_ignored=True))
    problems: list[Problem] = []
    period = read_periods(table, settings, problems)
    ids = read_states(table, STATE, settings.panel.states, problems)
    read = read_numbers(table, columns, settings, problems)
    for key, values in read.values.items():
        large = ~np.isnan(values) & ~(np.abs(values) <= LARGEST)
        problems += table.problems(key, large, "is {}", f"give a number of at most {LARGEST:g}, in a larger unit")
    if problems:
        raise CaseError(problems)
    states = tuple(sorted(set(ids)))
    places = {id: place for place, id in enumerate(states)}
    state = np.fromiter((places[id] for id in ids), dtype=np.int64, count=len(ids))
    order = np.lexsort((period, state))
    again = np.zeros(len(order), dtype=bool)
    again[order[1:]] = (np.diff(state[order]) == 0) & (np.diff(period[order]) == 0)
    if again.any():
        first = int(np.flatnonzero(again)[0])
        wrong = f"repeats {states[state[first]]} in {settings.calendar.label(int(period[first]))}"
        raise CaseError(table.problems(PERIOD, again, wrong, "keep one row for each state and period"))
    last = settings.calendar.number(settings.as_of) + int(settings.panel.covariates == "before")
    made = StateTable(states, state[order], period[order], {key: read.values[key][order] for key in columns})
    return made.until(last), table.dialect


def state_frame(table: StateTable, settings: Settings) -> Any:
    """A table of states as it is written: columns state, period and those that are taken."""
    import pandas

    system = None if settings.panel is None else settings.panel.states
    states = np.array([state_as_written(id, system) for id in table.states], dtype=object)
    labels = [settings.calendar.label(number) for number in table.period.tolist()]
    return pandas.DataFrame({STATE: states[table.state], PERIOD: labels} | dict(table.columns))
