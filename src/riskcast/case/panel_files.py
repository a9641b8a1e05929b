"""A panel's table -> rows that a case can use, with every problem by row and column."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.derived_columns import Recipe, derive_columns
from riskcast.case.model import EventType, Indicator
from riskcast.case.panel import Floats, Inputs, Panel, Treated
from riskcast.case.panel_cells import (
    as_written,
    is_outside,
    marks_problems,
    outside,
    read_dyads,
    read_numbers,
    read_periods,
)
from riskcast.case.periods import Calendar
from riskcast.case.quantities import LARGEST
from riskcast.case.settings import PanelSettings, Settings
from riskcast.case.state_tables import read_state_table, state_frame
from riskcast.case.tie_tables import read_tie_table, tie_frame
from riskcast.errors import CaseError, OptionError, Problem, refusal
from riskcast.machinery.number_cells import in_rows
from riskcast.machinery.table_files import (
    READ,
    Dialect,
    TableFile,
    Wanted,
    find_table,
    read_table,
    suffix_of,
)
from riskcast.names import DYAD, PERIOD

_EVENT_MEND = "write how many there were, such as 1, 0 for none, and nothing where it is not known"


def read_panel(
    folder: Path,
    settings: Settings,
    indicators: Mapping[str, Indicator],
    events: Mapping[str, EventType],
    names: Mapping[str, str] | None = None,
) -> tuple[Panel, tuple[Dialect, ...]]:
    """Read and check the table that `panel.file` names, with columns dyad, period, covariates and event types.

    `names`: what the case's YAML files are called. Returns the panel, and how its files were read. Covariates that
    `panel.derive` names are worked out, and what they are made of is read as well.

    Missing covariates are refused unless their indicator says how they are treated, in this order of choice: `hold` the
    dyad's last earlier value, take the `reference`, or `drop` the row. Raises CaseError with every problem found.
    """
    if settings.panel is None:
        raise ValueError("the case has no panel")
    name = settings.panel.file
    recipe = Recipe.of(settings.panel, indicators, events)
    written = [key for key in recipe.indicators if key not in recipe.derive]
    covariates = [*written, *(key for key in recipe.columns if key not in written)]
    told = (*events, *(name for name in recipe.events if name not in events))
    columns = (DYAD, PERIOD, *covariates, *told)
    files = {document: f"{document}.yaml" for document in ("case", "indicators", "outcomes")} | dict(names or {})
    taken = [(files["indicators"], covariates), (files["outcomes"], list(events))]
    problems = [
        Problem(file, None, key, "is the id of another column of the panel", "choose another id")
        for file, keys in taken
        for key in keys
        if key in (DYAD, PERIOD)
    ]
    problems += _recipe_problems(settings.panel, indicators, events, files)
    if problems:
        raise CaseError(problems)
    table = _read(folder, name, columns, settings.panel.ignore)
    period = read_periods(table, settings, problems)
    dyads, dyad = read_dyads(table, settings.panel.states, problems, directed=settings.panel.directed)
    read = read_numbers(table, (*covariates, *told), settings, problems, frozenset(told))
    for key, values in read.values.items():
        problems += table.problems(key, np.isinf(values), "is {}, too large a number", "give a finite number")
        large = np.isfinite(values) & ~(np.abs(values) <= LARGEST)
        problems += table.problems(key, large, "is {}", f"give a number of at most {LARGEST:g}, in a larger unit")
    levels = {key: read.values[key] for key in covariates}
    happened = {key: read.values[key] for key in told}
    for key, values in happened.items():
        odd = np.isfinite(values) & ((values < 0.0) | (values != np.floor(values)))
        problems += marks_problems(table, key, values, odd, ", no number of events", _EVENT_MEND)
    for key, values in ((key, levels[key]) for key in written):
        beyond = outside(indicators[key], values) & (np.abs(values) <= LARGEST)
        problems += marks_problems(table, key, values, beyond, ", outside what it can be", "check the unit")
    if problems:
        raise CaseError(problems)
    places = {pair: place for place, pair in enumerate(dyads)}
    unit = np.fromiter(map(places.__getitem__, dyad), dtype=np.int64, count=len(dyad))
    order = np.lexsort((period, unit))
    calendar = settings.calendar
    problems += _repeats(table, unit, period, order, dyads, calendar)
    problems += _beyond(table, settings, period, happened)
    if problems:
        raise CaseError(problems)
    panel = Panel(
        dyads,
        unit[order].astype(np.int64),
        period[order],
        {key: values[order] for key, values in levels.items()},
        {key: happened[key][order] for key in events},
    )
    dialects = [replace(table.dialect, decimal=read.decimal)]
    if recipe.derive:
        states = None
        if recipe.state_columns:
            states, dialect = read_state_table(folder, settings, recipe.state_columns)
            dialects.append(dialect)
        all_told = {key: values[order] for key, values in happened.items()}
        inputs = Inputs(panel.dyads, panel.unit, panel.period, panel.levels, all_told, states)
        panel, problems = _derive(panel, recipe, inputs, table, order, calendar.number(settings.as_of))
        if problems:
            raise CaseError(problems)
    ties = {}
    for key, file in settings.panel.neighbours.items():
        ties[key], dialect = read_tie_table(folder, settings, file)
        dialects.append(dialect)
    panel, problems = _treat_missing(replace(panel, ties=ties), indicators, table, order, calendar, files["indicators"])
    problems += _shared(panel, indicators, events, name, calendar)
    lack = panel.lack(calendar.number(settings.as_of), calendar)
    if lack is not None and not problems:
        problems.append(Problem(name, None, *lack, "add what is missing, or move as_of"))
    if problems:
        raise CaseError(problems)
    return panel, tuple(dialects)


def _recipe_problems(
    settings: PanelSettings,
    indicators: Mapping[str, Indicator],
    events: Mapping[str, EventType],
    files: Mapping[str, str],
) -> list[Problem]:
    """What is wrong with the names of derived columns, and with what they take."""
    problems, file = [], files["case"]
    for name in settings.inputs:
        if name in indicators or name in events or name in settings.derive or name in (DYAD, PERIOD):
            wrong = f"names {name} as input events, and it is something else already"
            problems.append(Problem(file, None, "panel.inputs", wrong, "name another column, or remove it"))
    taken = {name for one in settings.derive.values() for name in one.of}
    for name, derivation in settings.derive.items():
        key = f"panel.derive.{name}"
        if name in events or name in (DYAD, PERIOD):
            problems.append(Problem(file, None, key, "is the id of another column of the panel", "choose another id"))
        own = indicators.get(name)
        if (own is None or own.history != "panel") and name not in taken:
            wrong = "is derived, but no indicator with `history: panel` bears its name and nothing is derived from it"
            problems.append(Problem(file, None, key, wrong, "add the indicator, or remove it"))
        elif own is not None and own.scope == "host":
            wrong, mend = "is host, and a derived column is every dyad's own", "set scope: dyad; all may have one value"
            problems.append(Problem(files["indicators"], None, f"{name}.scope", wrong, mend))
        for other in derivation.of:
            if other in (DYAD, PERIOD) or (other in indicators and indicators[other].history != "panel"):
                wrong = f"takes {other}, which is no column of the panel"
                problems.append(Problem(file, None, key, wrong, "name a column, a derived column or an event type"))
    return problems


def _derive(
    panel: Panel, recipe: Recipe, inputs: Inputs, table: TableFile, order: NDArray[Any], last: int
) -> tuple[Panel, list[Problem]]:
    """The panel with its derived columns, and what is wrong with their values, by row."""
    derived = derive_columns(recipe, inputs, last)
    problems: list[Problem] = []

    def told(key: str, rows: NDArray[np.bool_], wrong: str, mend: str) -> None:
        lines = np.sort(table.lines[order[rows]])
        if len(lines):
            problems.append(Problem(table.name, int(lines[0]), key, f"{wrong} {in_rows(rows)}", mend))

    for key, values in derived.columns.items():
        name = recipe.derive[key].do
        mend = (
            "add `plus:` to it, or take a column that is above 0" if name == "log" else "take a column that is never 0"
        )
        told(key, derived.undefined[key], f"is derived, and has no {name}", mend)
        told(key, ~np.isnan(values) & ~(np.abs(values) <= LARGEST), "is derived, and too large a number", "rescale it")
        if key in recipe.indicators:
            beyond = outside(recipe.indicators[key], values) & (np.abs(values) <= LARGEST)
            told(key, beyond, "is derived, and outside what it can be", "check its bounds and scale")
    # In the order of indicators, as of a table whose columns were all written.
    everything = {**panel.levels, **derived.columns}
    levels = {key: everything[key] for key in recipe.indicators}
    return replace(panel, levels=levels, inputs=inputs), problems


def write_panel(panel: Panel, settings: Settings, folder: Path) -> None:
    """Write a panel as the table that `panel.file` names; raises OptionError where that lies outside the folder."""
    import pandas

    if settings.panel is None:
        raise ValueError("the case has no panel")
    # What is derived is worked out anew from what it was made of.
    rows = panel if panel.inputs is None else panel.inputs
    columns = panel.levels if panel.inputs is None else panel.inputs.columns
    dyads = np.array([as_written(dyad, settings.panel.states) for dyad in rows.dyads], dtype=object)
    frame = pandas.DataFrame(
        {DYAD: dyads[rows.unit], PERIOD: [settings.calendar.label(p) for p in rows.period.tolist()]}
        | dict(columns)
        | dict(rows.events)
    )
    _write_frame(frame, folder, settings.panel.file)
    if panel.inputs is not None and panel.inputs.states is not None:
        _write_frame(state_frame(panel.inputs.states, settings), folder, str(settings.panel.state_table))
    for name, ties in panel.ties.items():
        _write_frame(tie_frame(ties, settings), folder, settings.panel.neighbours[name])


def _write_frame(frame: Any, folder: Path, name: str) -> None:
    """Write a table in the form that its name tells; raises OptionError where that lies outside the folder."""
    if is_outside(name):
        raise OptionError(f"the panel's file {name} lies outside the case; name one within its folder")
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    suffix = suffix_of(file.name)
    if suffix == ".parquet":
        frame.to_parquet(file, index=False)
    elif suffix == ".xlsx":
        _write_workbook(frame, file)
    else:
        text = frame.to_csv(index=False, lineterminator="\n", sep="\t" if ".tsv" in suffix else ",").encode()
        # Without the time of day: the same panel is the same file.
        file.write_bytes(gzip.compress(text, mtime=0) if suffix.endswith(".gz") else text)


def _write_workbook(frame: Any, file: Path) -> None:
    """A sheet with a table, every number with all its digits: as text where Excel would keep fifteen."""
    import xlsxwriter

    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet(file.name.partition(".")[0][:31])
        sheet.write_row(0, 0, list(frame.columns))
        for row, cells in enumerate(frame.itertuples(index=False), 1):
            for column, cell in enumerate(cells):
                if isinstance(cell, str):
                    sheet.write_string(row, column, cell)
                elif not np.isnan(cell):
                    exact = float(f"{cell:.16G}") == cell
                    (sheet.write_number if exact else sheet.write_string)(row, column, cell if exact else repr(cell))


def _read(folder: Path, name: str, columns: tuple[str, ...], ignored: tuple[str, ...]) -> TableFile:
    """The columns that matter."""
    place = Path(name)
    if is_outside(name):
        raise refusal(name, "lies outside the case", "name a file within the case's folder, such as history/panel.csv")
    suffix = suffix_of(name)
    if not suffix:
        raise refusal(name, "is no kind of table that is read", f"name a file that is {READ}")
    if not (folder / place).is_file():
        other = find_table(folder, name[: -len(suffix)])
        mend = "add the file, or correct `panel.file`" + ("" if other is None else f": {other} is there")
        raise refusal(name, "is missing", mend)
    table = read_table(folder / place, name, Wanted(columns, ignored, ", or list it under panel.ignore"))
    if not len(table):
        raise refusal(name, "has no rows", "add one row for every dyad and period")
    return table


def _repeats(
    table: TableFile,
    unit: NDArray[Any],
    period: NDArray[np.int64],
    order: NDArray[Any],
    dyads: tuple[str, ...],
    calendar: Calendar,
) -> list[Problem]:
    again = np.zeros(len(unit), dtype=bool)
    again[order[1:]] = (np.diff(unit[order]) == 0) & (np.diff(period[order]) == 0)
    if not again.any():
        return []
    first = int(np.flatnonzero(again)[0])
    what = f"repeats {dyads[unit[first]]} in {calendar.label(int(period[first]))}"
    return table.problems(PERIOD, again, what, "keep one row for each dyad and period")


def _beyond(
    table: TableFile, settings: Settings, period: NDArray[np.int64], happened: Mapping[str, Floats]
) -> list[Problem]:
    """Rows outside the record: none before it begins, and after `as_of` only covariates of the next period."""
    first, last = (settings.calendar.number(day) for day in (settings.history_from, settings.as_of))
    begin, end = (settings.calendar.label(number) for number in (first, last))
    problems = table.problems(PERIOD, period < first, f"is {{}}, before history_from ({begin})", "remove the row")
    ahead = int(settings.panel is not None and settings.panel.covariates == "before")
    mend = "remove the row, or move as_of"
    problems += table.problems(PERIOD, period > last + ahead, f"is {{}}, after as_of ({end})", mend)
    for key, values in happened.items():
        known = (last < period) & (period <= last + ahead) & np.isfinite(values)
        problems += table.problems(key, known, f"is {{}} after as_of ({end})", "leave the cell empty, or move as_of")
    return problems


def _treat_missing(
    panel: Panel,
    indicators: Mapping[str, Indicator],
    table: TableFile,
    order: NDArray[Any],
    calendar: Calendar,
    file: str,
) -> tuple[Panel, list[Problem]]:
    """Fill or drop missing covariates as their indicators say; what nothing is said about is a problem."""
    levels, treated, problems = dict(panel.levels), [], []
    filled = {key: np.isnan(values) for key, values in levels.items() if np.isnan(values).any()}
    dropped = np.zeros(len(panel), dtype=bool)
    for key, values in levels.items():
        missing = np.isnan(values)
        total = int(missing.sum())
        for treatment in indicators[key].missing:
            before = int(missing.sum())
            if treatment == "hold":
                values = _held(values, panel.unit)
            elif treatment == "reference":
                values = np.where(missing, indicators[key].reference, values)
            else:
                dropped |= missing
                values = np.where(missing, indicators[key].reference, values)
            missing = np.isnan(values)
            if before > missing.sum():
                treated.append(Treated(key, treatment, before - int(missing.sum())))
        levels[key] = values
        if missing.any():
            first = int(np.flatnonzero(missing)[0])
            row = int(table.lines[order[first]])
            place = f"{panel.dyads[panel.unit[first]]} in {calendar.label(int(panel.period[first]))}"
            rest = "" if total == missing.sum() else f" that no `{'`, `'.join(indicators[key].missing)}` treats"
            wrong = f"is missing {in_rows(missing)}{rest}, first for {place}"
            mend = f"fill the cells, or add to {key} in {file} one or more of `missing: [hold, reference, drop]`"
            problems.append(Problem(table.name, row, key, wrong, mend))
    kept = np.flatnonzero(~dropped)
    present, unit = np.unique(panel.unit[kept], return_inverse=True)
    done = Panel(
        tuple(panel.dyads[i] for i in present),
        unit.astype(np.int64),
        panel.period[kept],
        {key: values[kept] for key, values in levels.items()},
        {key: values[kept] for key, values in panel.events.items()},
        tuple(treated),
        {key: cells[kept] for key, cells in filled.items()},
        panel.inputs,
        panel.ties,
    )
    return done, problems


def _held(values: Floats, unit: NDArray[np.int64]) -> Floats:
    """Missing values replaced by the last earlier one of the same dyad."""
    rows = np.arange(len(values))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows))
    same = (last >= 0) & (unit[np.maximum(last, 0)] == unit)
    return np.where(same, values[np.maximum(last, 0)], np.nan)


def _shared(
    panel: Panel, indicators: Mapping[str, Indicator], events: Mapping[str, EventType], file: str, calendar: Calendar
) -> list[Problem]:
    """What all dyads share must be the same in all rows of a period."""
    columns = {key: values for key, values in panel.levels.items() if indicators[key].scope == "host"}
    columns |= {key: values for key, values in panel.events.items() if events[key].scope == "host"}
    problems = []
    for key, values in columns.items():
        order = np.argsort(panel.period, kind="stable")
        known = order[~np.isnan(values[order])]
        differs = (np.diff(panel.period[known]) == 0) & (np.diff(values[known]) != 0)
        if differs.any():
            at = calendar.label(int(panel.period[known[np.flatnonzero(differs)[0]]]))
            wrong = f"differs between dyads in {at}, but its scope is host"
            problems.append(Problem(file, None, key, wrong, "give all rows of a period one value, or set scope: dyad"))
    return problems
