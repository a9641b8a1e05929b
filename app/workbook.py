"""A report as an Excel workbook: a sheet to read, the tables, and where the numbers come from."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from typing import Any

from downloads import TABLES, Cell, Column, Form, Report, Table, provenance

from riskcast import forecast_charts, theme

MOST_LETTERS = 32_767
MOST_SHEET_NAME = 31
FORMATS: dict[Form, str] = {
    "number": "General",
    "score": "0.0",
    "points": "+0.0;-0.0;0.0",
    "share": "0.0%",
    "day": "d mmm yyyy",
}
LINE_HEIGHT = 15
READING = (
    "Score: expected severity, 0 to 100, of the worst outcome within the horizon.",
    "Probability: of at least one such event within the horizon.",
    "Low and high: 90 % interval, what more knowledge of the parameters could make of the number.",
)


def all_tables(report: Report) -> bytes:
    """Every table of a report, behind a first sheet to read."""
    book = _Book(report)
    book.add_summary()
    for build in TABLES.values():
        book.add_table(build(report))
    return book.finished()


def one_table(report: Report, table: Table) -> bytes:
    """One table, and where its numbers come from."""
    book = _Book(report)
    book.add_table(table)
    return book.finished()


class _Book:
    """A workbook that is being written."""

    def __init__(self, report: Report) -> None:
        import xlsxwriter

        self._report = report
        self._out = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._out, {"in_memory": True, "nan_inf_to_errors": True})
        title = report.result.case.settings.title
        self._book.set_properties({"title": title, "comments": _told(provenance(report)), "author": "riskcast"})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def finished(self) -> bytes:
        """The workbook, closed by the sheet that says where its numbers come from."""
        sheet = self._book.add_worksheet("provenance")
        sheet.set_column(0, 0, 20, self._format(bold=True, valign="top"))
        sheet.set_column(1, 1, 76)
        for row, (name, value) in enumerate(provenance(self._report).items()):
            self._write(sheet, row, 0, name, bold=True)
            self._write(sheet, row, 1, value, align="left")
        self._book.close()
        return self._out.getvalue()

    def add_table(self, table: Table) -> None:
        """A sheet with a table beneath a header that stays in sight."""
        sheet = self._book.add_worksheet(table.name[:MOST_SHEET_NAME])
        self._header(sheet, 0, table.columns)
        bands = self._bands()
        for row, cells in enumerate(table.rows, 1):
            for place, (column, cell) in enumerate(zip(table.columns, cells, strict=True)):
                look = bands.get(str(cell), {}) if column.name == "band" else {}
                self._write(sheet, row, place, cell, column.form, **look)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(table.rows), 1), len(table.columns) - 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)

    def add_summary(self) -> None:
        """A first sheet to read: who is at risk of what."""
        result = self._report.result
        case, (first, last) = result.case, result.forecast.window
        sheet = self._book.add_worksheet("summary")
        sheet.hide_gridlines(2)
        sheet.set_row(0, 26)
        self._write(sheet, 0, 0, case.settings.title, bold=True, font_size=18)
        told = (
            f"As of {case.as_of:%-d %B %Y}, forecast for {first:%-d %B %Y} to {last:%-d %B %Y}. "
            f"Scenario: {result.forecast.scenario.label}. {self._changes()}"
        )
        self._write(sheet, 1, 0, told, font_color=theme.LIGHT.muted)
        if not result.posterior.is_reliable:
            warning = "THE POSTERIOR FAILED ITS CHECKS: these numbers are not to be relied on."
            self._write(sheet, 2, 0, warning, bold=True, font_color=theme.LIGHT.alarm)
        end = self._add_overview(sheet, 3)
        for row, line in enumerate((*READING, _told(provenance(self._report))), end + 1):
            self._write(sheet, row, 0, line, font_color=theme.LIGHT.muted)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.activate()

    def _add_overview(self, sheet: Any, top: int) -> int:
        """Scores, bands and probabilities of every dyad, the highest first; the row beneath them."""
        risk, explanation = self._report.result.risk, self._report.explain()
        own = sorted(risk.dyads[0].outcomes, key=lambda o: -(self._severity(o.id))) if risk.dyads else []
        columns = (
            Column("Partner", width=22),
            Column("Score", "score", 8),
            Column("Low", "score", 8),
            Column("High", "score", 8),
            Column("Band", width=13),
            Column("Strongest driver (score points)", width=38),
            *(Column(outcome.label, "share", 13) for outcome in own),
            *(Column(f"{outcome.label} (all pairs)", "share", 13) for outcome in risk.shared),
        )
        self._header(sheet, top, columns)
        sheet.set_row(top, 4 * LINE_HEIGHT)
        bands = self._bands()
        row = top
        for row, dyad in enumerate(sorted(risk.dyads, key=lambda dyad: -dyad.score.mean), top + 1):
            driver = next(iter(explanation.contributions[dyad.id]), None)
            named = {outcome.id: outcome.probability.mean for outcome in (*dyad.outcomes, *risk.shared)}
            shares = [named[outcome.id] for outcome in (*own, *risk.shared)]
            front = [dyad.partner_name or dyad.id, dyad.score.mean, dyad.score.low, dyad.score.high, dyad.band]
            cells: list[Cell] = [*front, f"{driver.label} ({driver.points:+.1f})" if driver else "", *shares]
            for place, (column, cell) in enumerate(zip(columns, cells, strict=True)):
                look = bands[dyad.band] if place in (1, 4) else {"bold": place == 0}
                self._write(
                    sheet,
                    row,
                    place,
                    cell,
                    column.form,
                    bottom=1,
                    bottom_color=theme.LIGHT.grid,
                    valign="vcenter",
                    **look,
                )
            sheet.set_row(row, 1.5 * LINE_HEIGHT)
        if row > top and len(columns) > 6:
            scale = {
                "type": "2_color_scale",
                "min_color": theme.LIGHT.paper,
                "max_color": theme.LIGHT.left_out,
                "min_type": "num",
                "max_type": "num",
                "min_value": 0,
                "max_value": 1,
            }
            sheet.conditional_format(top + 1, 6, row, len(columns) - 1, scale)
        sheet.freeze_panes(top + 1, 1)
        sheet.repeat_rows(top)
        return row + 1

    def _severity(self, event: str) -> float:
        return self._report.result.case.events[event].severity or 0.0

    def _changes(self) -> str:
        report = self._report
        changed = report.result.case.overlay_hash is not None
        return "Some assumptions are changed: see the sheet assumptions." if changed else "Assumptions as published."

    def _bands(self) -> dict[str, dict[str, Any]]:
        """The look of a cell in each band."""
        colours = forecast_charts.band_colours(self._report.result.case, theme.LIGHT)
        return {
            name: {"bg_color": colour, "font_color": forecast_charts.ink_on(colour, theme.LIGHT), "bold": True}
            for name, colour in colours.items()
        }

    def _header(self, sheet: Any, row: int, columns: Sequence[Column]) -> None:
        look: dict[str, Any] = {
            "bold": True,
            "bg_color": theme.LIGHT.band,
            "font_color": theme.LIGHT.ink,
            "text_wrap": True,
        }
        for place, column in enumerate(columns):
            align = "left" if column.form == "text" else "right"
            sheet.set_column(place, place, column.width)
            self._write(sheet, row, place, column.name, align=align, valign="vcenter", **look)

    def _write(self, sheet: Any, row: int, place: int, cell: Cell, form: Form = "text", **look: Any) -> None:
        """A cell of its own kind: text is never read as a number, a link or a formula."""
        if cell is None:
            if look:
                sheet.write_blank(row, place, None, self._format(**look))
        elif isinstance(cell, str):
            # Excel drops longer text without a word, and runs what looks like a formula once such a cell is edited.
            sheet.write_string(row, place, cell[:MOST_LETTERS], self._format(quote_prefix=True, **look))
        elif isinstance(cell, dt.date):
            sheet.write_datetime(row, place, cell, self._format(num_format=FORMATS["day"], **look))
        else:
            number = FORMATS.get(form, FORMATS["number"])
            sheet.write_number(row, place, cell, self._format(num_format=number, **look))

    def _format(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"font_name": "Arial", "font_size": 10, **look})
        return self._formats[key]


def _told(origin: dict[str, Cell]) -> str:
    """Where numbers come from, in one line."""
    return " · ".join(f"{name.replace('_', ' ')} {value}" for name, value in origin.items())
