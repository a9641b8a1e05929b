"""What an import read, dropped and merged, as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from riskcast.errors import visible
from riskcast.imports.reports import Column, Report
from riskcast.numbers import counted, figure
from riskcast.terminal.tables import ruled_table


def import_view(reports: tuple[Report, ...]) -> RenderableType:
    """The report of each file: rows in and out, why rows were dropped, what became of the columns."""
    return Group(*(part for report in reports for part in _one(report)))


def _one(report: Report) -> Iterator[RenderableType]:
    yield Text(visible(f"{report.file}: {report.title}"), style="bold")
    yield Text(f"{counted(report.read, 'row')} read, {report.taken:,} taken, {report.dropped:,} dropped")
    if report.merged:
        yield Text(f"{counted(report.merged, 'row')} merged with others of the same unit and period")
    span = f", {report.first} to {report.last}" if report.first else ""
    yield Text(f"{counted(report.rows, 'row')} made, of {counted(report.units, 'unit')}{span}")
    for loss in report.losses:
        yield Text()
        rows = f"{counted(loss.rows, 'row')} " if loss.rows else ""
        mend = f" ({loss.mend})" if loss.mend else ""
        yield Text(f"Dropped: {rows}{visible(loss.why)}{mend}", style="yellow")
        if loss.examples:
            yield Padding(Text("\n".join(map(visible, loss.examples)), style="dim"), (0, 0, 0, 2))
    for doubt in report.doubts:
        yield Text()
        yield Text(visible(doubt), style="yellow")
    yield _columns(report.columns)
    for note in report.notes:
        yield Text(visible(note), style="dim")


def _columns(columns: tuple[Column, ...]) -> RenderableType:
    table = ruled_table()
    table.add_column("Column", ratio=1, overflow="fold")
    table.add_column("From", overflow="fold", max_width=22)
    for title in ("Known", "Not zero", "Least", "Most"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in columns:
        ends = ["" if end is None else figure(end) for end in (one.least, one.most)]
        label = Text(one.id).append(f" ({one.kind})", style="dim")
        table.add_row(label, visible(one.source), f"{one.cells:,}", f"{one.nonzero:,}", *ends)
    return table
