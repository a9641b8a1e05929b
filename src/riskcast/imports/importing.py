"""Tables with their maps -> the tables of a case, and a report of what was read, dropped and merged."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from riskcast.case.dyads import Dyad
from riskcast.case.files import COVERAGE_COLUMNS, EVENT_COLUMNS, SERIES_COLUMNS
from riskcast.errors import OptionError
from riskcast.imports.aggregation import Aggregate, aggregate
from riskcast.imports.cleaning import Clean, clean
from riskcast.imports.gathering import Source, follow, gather
from riskcast.imports.joining import join
from riskcast.imports.maps import TableMap
from riskcast.imports.reading import LINE, Rows, meets, place_of, read_rows
from riskcast.imports.reports import Column, Loss, Report
from riskcast.imports.row_columns import DAY, EXACT, PERIOD, TURNED, UNIT
from riskcast.imports.row_numbers import number_of, with_numbers
from riskcast.imports.searching import doubts, settle
from riskcast.names import DYAD, PERIOD as PERIOD_COLUMN

if TYPE_CHECKING:
    import polars

PANEL, EVENTS, SERIES = "history/panel", "history/events.csv", "history/indicators.csv"
COVERAGE: Final = "history/coverage.csv"
_RECORD_COLUMNS: Final = {EVENTS: EVENT_COLUMNS, SERIES: SERIES_COLUMNS, COVERAGE: COVERAGE_COLUMNS}
# From how many rows on a panel is written as Parquet.
PACKED_FROM: Final = 100_000


@dataclass(frozen=True, eq=False)
class Imported:
    """What became of one or several tables.

    table: one row for each pair and period, for a panel; record: dated events and values by file, for a case with a
    host; maps: as they were given; reports: one of each file; fetched: what was fetched, by the name it is kept under.
    """

    maps: tuple[TableMap, ...]
    reports: tuple[Report, ...]
    table: Aggregate | None
    record: dict[str, tuple[dict[str, Any], ...]]
    fetched: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def panel_name(self) -> str:
        """What the table of a panel is called."""
        rows = 0 if self.table is None else len(self.table.frame)
        return f"{PANEL}.{'parquet' if rows >= PACKED_FROM else 'csv'}"

    def files(self) -> dict[str, bytes]:
        """The tables of a case by name."""
        if self.table is not None:
            return {self.panel_name: _panel_bytes(self.table, self.panel_name)} | dict(self.fetched)
        made = {name: _csv(rows, _RECORD_COLUMNS[name]) for name, rows in self.record.items()}
        return made | dict(self.fetched)


def import_tables(files: Sequence[Path], maps: Sequence[TableMap]) -> Imported:
    """Tables, each with its map, as the tables of one case: further ones stand beside the pairs of the first. With one
    map, several files are parts of one table.

    A file may be a folder or a zip, whose files are parts of one table, or `worldbank:SERIES,SERIES`. Raises CaseError
    with rows that the maps do not fit, and OptionError where files do not go together.
    """
    with gather(files) as sources:
        return import_sources(sources, maps)


def import_sources(sources: Sequence[Source], maps: Sequence[TableMap]) -> Imported:
    """What `import_tables` does, of tables that are at hand."""
    if len(maps) == 1:
        sources = [follow(sources)]
    if len(sources) != len(maps) or not sources:
        wrong = f"{len(sources)} files have {len(maps)} maps"
        raise OptionError(
            f"{wrong}; give each file its own --map, in the same order, or one map for parts of one table"
        )
    if len({chart.is_record for chart in maps}) > 1:
        raise OptionError("some maps have a host, others none; give all the same `host:` and `partners:`, or none")
    fetched = {name: raw for source in sources for name, raw in source.fetched.items()}
    if maps[0].is_record:
        return _record(sources, maps, fetched)
    parts, reports = [], []
    for source, given in zip(sources, maps, strict=True):
        rows, cleaned, chart, notes = _cleaned(source, given)
        made = aggregate(Clean(with_numbers(cleaned.frame, rows, chart), cleaned.losses, cleaned.span), chart)
        made = replace(made, notes=(*notes, *made.notes))
        parts.append(made)
        doubted = doubts(chart, cleaned.span)
        reports.append(replace(_report(source.name, chart, rows.total, made), doubts=(*doubted, *_never(made))))
    whole = join(parts)
    if len(parts) > 1:
        first = _report(sources[0].name, maps[0], reports[0].read, whole, parts[0])
        reports[0] = replace(first, doubts=reports[0].doubts)
    return Imported(tuple(maps), tuple(reports), whole, {}, fetched)


def _cleaned(source: Source, given: TableMap) -> tuple[Rows, Clean, TableMap, tuple[str, ...]]:
    """The rows of a table with units and days, the map as it is used, and what was assumed."""
    rows = read_rows(source, given)
    cleaned = clean(rows, given)
    chart = settle(given, cleaned.span)
    notes = list(rows.notes)
    if chart.searched is not None and chart is not given:
        told = f"Searched until {chart.searched.end}, the last row"
        notes.append(f"{told}: say `searched.until` in the map if you know better")
    return rows, cleaned, chart, tuple(notes)


def _report(file: str, chart: TableMap, read: int, table: Aggregate, own: Aggregate | None = None) -> Report:
    """What is told of one file; of the first of several, its losses and the columns of the whole."""
    import polars

    frame, label = table.frame, table.calendar.label
    columns = []
    for kind, rules in (("event", table.events), ("covariate", table.covariates)):
        for id, rule in rules.items():
            source = getattr(rule, "column", None) or getattr(rule, "number", None) or "rows"
            cells = frame[id].drop_nulls()
            least, most = (float(cells.min()), float(cells.max())) if len(cells) else (None, None)  # ty: ignore
            nonzero = int((cells != 0).sum())
            columns.append(Column(id, kind, str(source), len(cells), nonzero, least, most))
    periods = frame[PERIOD]
    first, last = (label(int(periods.min())), label(int(periods.max()))) if len(frame) else ("", "")  # ty: ignore
    one = own or table
    return Report(
        file,
        chart.title,
        read,
        one.taken,
        one.merged,
        frame.select(polars.col(UNIT).n_unique()).item(),
        len(frame),
        first,
        last,
        one.losses,
        tuple(columns),
        table.notes,
    )


def _never(table: Aggregate) -> list[str]:
    """Event types that never occur, as where a code is not as the map has it."""
    never = [id for id, rule in table.events.items() if not (table.frame[id].fill_null(0) >= rule.at_least).any()]
    wrong = "no row that came in meets its conditions, or no number its `at_least`"
    return [f"There is no event of {id}: {wrong}; correct `events.{id}` of the map" for id in never]


def panel_frame(table: Aggregate) -> polars.DataFrame:
    """A panel's table as a case reads it: dyad, period, covariates, events."""
    import polars

    frame, calendar = table.frame, table.calendar
    labels = {number: calendar.label(number) for number in frame[PERIOD].unique().to_list()}
    period = polars.col(PERIOD).replace_strict(labels, return_dtype=polars.String).alias(PERIOD_COLUMN)
    return frame.select(
        polars.col(UNIT).alias(DYAD),
        period,
        *table.covariates,
        *(polars.col(id).round().cast(polars.Int64) for id in table.events),
    )


def _panel_bytes(table: Aggregate, name: str) -> bytes:
    frame, out = panel_frame(table), io.BytesIO()
    if name.endswith(".parquet"):
        frame.write_parquet(out)
    else:
        frame.write_csv(out)
    return out.getvalue()


def _csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _record(sources: Sequence[Source], maps: Sequence[TableMap], fetched: Mapping[str, bytes]) -> Imported:
    """Dated events and values of a host and its partners."""
    events: list[dict[str, Any]] = []
    values: list[dict[str, Any]] = []
    reports, settled = [], []
    for source, given in zip(sources, maps, strict=True):
        rows, cleaned, chart, notes = _cleaned(source, given)
        settled.append(chart)
        frame, losses = _of_host(with_numbers(cleaned.frame, rows, chart), chart, cleaned.losses)
        own_events = _dated_events(frame, chart, rows.names)
        own_values = _dated_values(Clean(frame, losses, cleaned.span), chart)
        events += own_events
        values += own_values
        report = _record_report(source.name, chart, rows.total, frame, losses, own_events, own_values)
        reports.append(replace(report, notes=notes, doubts=tuple(doubts(chart, cleaned.span))))
    events = sorted(events, key=lambda row: (row["date"], row["type"], row["dyad"], row["description"]))
    values = sorted(values, key=lambda row: (row["indicator"], row["unit"], row["date"]))
    record = {EVENTS: tuple(events), SERIES: tuple(values), COVERAGE: tuple(_searched(settled))}
    return Imported(tuple(maps), tuple(reports), None, {name: rows for name, rows in record.items() if rows}, fetched)


def _searched(maps: Sequence[TableMap]) -> Iterator[dict[str, Any]]:
    """What was searched for events, as far as the maps say so."""
    for chart in maps:
        searched = chart.searched
        if searched is not None:
            days = {"from": searched.start.isoformat(), "until": searched.end.isoformat()}
            yield from ({"unit": "ALL", "type": id} | days for id in chart.events)


def _of_host(
    frame: polars.DataFrame, chart: TableMap, losses: tuple[Loss, ...]
) -> tuple[polars.DataFrame, tuple[Loss, ...]]:
    """Rows of the host with a partner, or of one of them alone; a partner's own rows become those of its pair."""
    import polars

    host = "" if chart.host is None else chart.host.id
    pairs = {partner.id: Dyad(host, partner.id).id for partner in chart.partners}
    unit = polars.col(UNIT)
    if chart.units.state is not None:
        frame = frame.with_columns(unit.replace(list(pairs), list(pairs.values())))
    known = [*pairs.values()] + ([host] if chart.units.state is not None else [])
    lost = len(frame) - len(frame.filter(unit.is_in(known)))
    if lost:
        losses = (*losses, Loss(lost, "were not of the host with one of its partners"))
    return frame.filter(unit.is_in(known)), losses


def _dated_events(frame: polars.DataFrame, chart: TableMap, names: Sequence[str]) -> list[dict[str, Any]]:
    """One event of the record for each row that a rule takes; a number above one stays one event."""
    import polars

    source, found = [chart.source.id] if chart.source else [], []
    short = [Path(name).name for name in names]
    for id, rule in chart.events.items():
        rows = frame.filter(meets(rule.where))
        if rule.number is not None:
            rows = rows.filter(polars.col(number_of(rule.number)) >= rule.at_least)
        for row in rows.iter_rows(named=True):
            file, line = place_of(short, row[LINE])
            told = "; ".join(str(row[column]) for column in rule.description if row[column] is not None)
            found.append(
                {
                    "date": row[DAY].isoformat(),
                    "precision": row[EXACT],
                    "type": id,
                    "dyad": row[UNIT],
                    "initiator": Dyad.parse(row[UNIT]).states[int(row[TURNED])],
                    # The line tells apart events that are alike in all else.
                    "description": f"{told or rule.label or id} ({file}, line {line})",
                    "sources": " ".join(source),
                    "status": "located" if source else "unverified",
                }
            )
    return found


def _dated_values(cleaned: Clean, chart: TableMap) -> list[dict[str, Any]]:
    """One value of an indicator for each unit and period, dated on the last day of it."""
    if not chart.covariates:
        return []
    plain = {id: rule.model_copy(update={"lag": 0}) for id, rule in chart.covariates.items()}
    table = aggregate(cleaned, chart.model_copy(update={"events": {}, "covariates": plain, "rows": "periods"}))
    source, found = " ".join([chart.source.id] if chart.source else []), []
    for id in plain:
        for row in table.frame.select(UNIT, PERIOD, id).drop_nulls().iter_rows(named=True):
            day = table.calendar.last_day(row[PERIOD])
            value = repr(float(row[id]))
            found.append(
                {
                    "indicator": id,
                    "unit": row[UNIT],
                    "date": day.isoformat(),
                    "value": value,
                    "low": value,
                    "high": value,
                    "published": day.isoformat(),
                    "sources": source,
                    "status": "located" if source else "unverified",
                }
            )
    return found


def _record_report(
    file: str,
    chart: TableMap,
    read: int,
    frame: polars.DataFrame,
    losses: tuple[Loss, ...],
    events: Sequence[dict[str, Any]],
    values: Sequence[dict[str, Any]],
) -> Report:
    columns = []
    for id, rule in chart.events.items():
        own = sum(row["type"] == id for row in events)
        columns.append(Column(id, "event", rule.number or "rows", own, own, None, None))
    for id, rule in chart.covariates.items():
        numbers = [float(row["value"]) for row in values if row["indicator"] == id]
        ends = (min(numbers), max(numbers)) if numbers else (None, None)
        columns.append(Column(id, "covariate", rule.column, len(numbers), sum(n != 0 for n in numbers), *ends))
    days = sorted(row["date"] for row in (*events, *values))
    units = {row["dyad"] for row in events} | {row["unit"] for row in values}
    first, last = (days[0], days[-1]) if days else ("", "")
    return Report(
        file,
        chart.title,
        read,
        len(frame),
        0,
        len(units),
        len(events) + len(values),
        first,
        last,
        losses,
        tuple(columns),
    )
