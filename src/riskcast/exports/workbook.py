"""A dossier as an Excel workbook: a sheet to brief from, the tables, what their columns mean, where they come from."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from riskcast.charts import theme
from riskcast.charts.canvas import band_colours, ink_on
from riskcast.errors import visible
from riskcast.exports.dossier import Dossier
from riskcast.exports.files import write_all
from riskcast.exports.history_data import change_words
from riskcast.exports.tables import Value, assumption_table, make_tables, origin, told
from riskcast.forecasting.contributions import Contribution
from riskcast.forecasting.scoring import DyadRisk, OutcomeRisk
from riskcast.machinery.tables import Column, Form, Table
from riskcast.numbers import long_date, short_date, signed
from riskcast.verification.history_records import HINDSIGHT, ScoreHistory

MOST_LETTERS: Final = 32_767
MOST_SHEET_NAME: Final = 31
MOST_FOOTER: Final = 250
MOST_PAIRS: Final = 20
LINES: Final = 3
A4: Final = 9
LINE_HEIGHT: Final = 13.5
MOST_HEIGHT: Final = 409
BRIEF_HEIGHT: Final = 20
WRAPPED: Final = 40
LETTERS: Final = 170
CHANCE: Final = '[<0.01]"<1 %";[>0.99]">99 %";0 %'
FORMATS: Final[Mapping[Form, str]] = {
    "score": "0.0",
    "figure": "0.000",
    "points": "+0.0;−0.0;0.0",
    "share": "0.0 %",
    "change": "+0.0 %;−0.0 %;0.0 %",
    "count": "0",
    "day": "d mmm yyyy",
}
CELL: Final = {"font_name": "Arial", "font_size": 10, "valign": "top"}
ASIDE: Final[dict[str, Any]] = {"align": "left", "indent": 1}
METHOD: Final = (
    "How to read it. Score, 0 to 100: what a pair's own outcomes within the horizon add up to on average. Probability: "
    "of at least one such event within the horizon; in words after US ICD 203. 90 %: the interval that more "
    "knowledge of the parameters could narrow; that the model itself may be wrong is not in it. Drivers: points of the "
    "score that are due to them, against reference levels with nothing recent.",
    "Method. A Bayesian hazard model of every kind of event: analysts' priors, each with its evidence, moved by the "
    "record of past events; the horizon is simulated period by period.",
)
BRIEF: Final = (
    Column("Pair", "", width=18),
    Column("Score", "", "score", 7),
    Column("90 %\nfrom", "", "score", 7),
    Column("\nto", "", "score", 6),
    Column("Band", "", width=11),
    Column("Most likely outcomes", "", width=28),
    Column("Probability", "", "share", 11),
    Column("90 %\nfrom", "", "share", 7),
    Column("\nto", "", "share", 7),
    Column("In words", "", width=20),
    Column("Strongest drivers", "", width=28),
    Column("Points", "", "points", 7),
)
NUMBERS: Final = frozenset({"number", "figure", "count", "score", "points", "share", "change"})


def write_workbook(dossier: Dossier, folder: Path) -> None:
    """Write `forecast.xlsx`."""
    write_all(folder, {"forecast.xlsx": all_tables(dossier)})


def all_tables(dossier: Dossier) -> bytes:
    """Every table of a dossier, behind a sheet to brief from, as an Excel workbook (.xlsx)."""
    book = _Book(dossier)
    tables = make_tables(dossier)
    book.add_briefing()
    if len(dossier.risks) > 1:
        book.add_scenarios()
    if dossier.history is not None:
        book.add_history(dossier.history)
    for table in tables:
        book.add_table(table)
    book.add_table(_columns_table(tables))
    return book.finished()


def one_table(dossier: Dossier, table: Table) -> bytes:
    """One table, and where its numbers come from."""
    book = _Book(dossier)
    book.add_table(table)
    return book.finished()


def likeliest(dossier: Dossier, dyad: DyadRisk) -> list[OutcomeRisk]:
    """A dyad's outcomes with the highest probability, the highest first, the more severe one where two are equal."""
    events = dossier.case.events
    return sorted(dyad.outcomes, key=lambda o: (-o.probability.mean, -(events[o.id].severity or 0.0)))[:LINES]


def strongest(dossier: Dossier, dyad: DyadRisk) -> list[Contribution]:
    """A dyad's drivers with the most points, up or down, under the headline's scenario."""
    explanation = dossier.explanations[dossier.headline.forecast.scenario_name]
    return list(explanation.contributions[dyad.id][:LINES])


class _Book:
    """A workbook that is being written."""

    def __init__(self, dossier: Dossier) -> None:
        import xlsxwriter

        self._dossier = dossier
        self._out = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._out, {"in_memory": True})
        title = dossier.case.settings.title
        self._book.set_properties(
            {
                "title": title,
                "subject": f"Risk scores as of {long_date(dossier.case.as_of)}",
                "author": "riskcast",
                # Without it the day of writing stands there, and equal dossiers give other bytes.
                "created": dt.datetime.combine(dossier.case.as_of, dt.time()),
                "keywords": ", ".join(risk.forecast.scenario_name for risk in dossier.risks),
                "comments": told(dossier),
            }
        )
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        colours = band_colours(dossier.case, theme.LIGHT)
        self._bands: dict[str, dict[str, Any]] = {
            name: {"bg_color": colour, "font_color": ink_on(colour, theme.LIGHT), "bold": True, **ASIDE}
            for name, colour in colours.items()
        }

    def finished(self) -> bytes:
        """The workbook, closed by the sheet that says where its numbers come from."""
        sheet = self._sheet("provenance")
        sheet.set_column(0, 0, 20)
        sheet.set_column(1, 1, 76)
        scenarios = ", ".join(risk.forecast.scenario_name for risk in self._dossier.risks)
        for row, (name, value) in enumerate({**origin(self._dossier), "scenarios": scenarios}.items()):
            self._write(sheet, row, 0, name, bold=True)
            self._write(sheet, row, 1, value, align="left", text_wrap=True)
        self._book.close()
        return self._out.getvalue()

    def add_table(self, table: Table) -> None:
        """A sheet with a table beneath a header that stays in sight."""
        sheet = self._sheet(table.name)
        self._header(sheet, 0, table.columns)
        last = len(table.columns) - 1
        for row, cells in enumerate(table.rows, 1):
            lines = 1
            for place, (column, cell) in enumerate(zip(table.columns, cells, strict=True)):
                look = _beside(table.columns, place)
                if column.name.endswith("band"):
                    look = self._bands.get(str(cell), look)
                if column.width > WRAPPED:
                    look = {**look, "text_wrap": True}
                    lines = max(lines, -(-len(str(cell or "")) // column.width))
                shown = ("yes" if cell else "no") if isinstance(cell, bool) else cell
                self._write(sheet, row, place, shown, column.form, **look)
            if lines > 1:
                sheet.set_row(row, min(lines * LINE_HEIGHT, MOST_HEIGHT))
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(table.rows), 1), last)
        sheet.repeat_rows(0)

    def add_briefing(self) -> None:
        """A first sheet to brief from: who is at risk of what, how sure that is, and why."""
        sheet = self._sheet("briefing")
        sheet.hide_gridlines(2)
        row = self._heading(sheet, len(BRIEF))
        self._header(sheet, row, BRIEF, aside=True)
        sheet.freeze_panes(row + 1, 1)
        sheet.repeat_rows(row)
        dyads = sorted(self._dossier.headline.dyads, key=lambda dyad: -dyad.score.mean)
        first = row + 1
        for dyad in dyads[:MOST_PAIRS]:
            row = self._pair(sheet, row + 1, dyad)
        row = self._shared(sheet, row + 1)
        if row >= first:
            self._bars(sheet, first, row)
        if len(dyads) > MOST_PAIRS:
            row += 1
            rest = f"The {MOST_PAIRS} highest of {len(dyads)} pairs; the sheet scores holds all."
            self._write(sheet, row, 0, rest, italic=True)
        row += 1
        for place in range(len(BRIEF)):
            self._write(sheet, row, place, None, top=1, top_color=theme.LIGHT.rule)
        note = self._dossier.case.settings.note
        limits = (f"Limits. {note}",) if note else ()
        for text in (*METHOD, *limits, told(self._dossier)):
            row += 1
            self._across(sheet, row, len(BRIEF), text, font_size=9, font_color=theme.LIGHT.muted)
        sheet.activate()

    def add_scenarios(self) -> None:
        """A sheet that sets the scores of all scenarios side by side, each with its change against the headline."""
        risks, first = self._dossier.risks, self._dossier.headline.forecast
        sheet = self._sheet("scenarios")
        sheet.hide_gridlines(2)
        columns = [Column("Scenario", "", width=34)]
        columns += [Column("Pair", "", width=17), Column("Score", "", "score", 9), Column("Band", "", width=12)]
        columns += [Column(name, "", "points", 10) for name in ("Change", "90 %\nfrom", "\nto")]
        row = self._heading(sheet, len(columns), "Held against")
        self._header(sheet, row, columns)
        sheet.freeze_panes(row + 1, 2)
        sheet.repeat_rows(row)
        for risk in risks:
            change = self._dossier.contrasts.get(risk.forecast.scenario_name)
            dyads = sorted(risk.dyads, key=lambda dyad: -dyad.score.mean)[:MOST_PAIRS]
            for place, dyad in enumerate(dyads):
                row += 1
                edge: dict[str, Any] = {"top": 1, "top_color": theme.LIGHT.rule} if place == 0 else {}
                label = risk.forecast.scenario.label if place == 0 else ""
                self._write(sheet, row, 0, label, bold=True, text_wrap=True, **edge)
                self._write(sheet, row, 1, dyad.partner_name or dyad.id, **edge)
                self._write(sheet, row, 2, dyad.score.mean, "score", **edge)
                self._write(sheet, row, 3, dyad.band, **edge, **self._bands[dyad.band])
                moved = change.score[dyad.id] if change else None
                for column, cell in enumerate((moved.mean, moved.low, moved.high) if moved else (None,) * 3, 4):
                    self._write(sheet, row, column, cell, "points", **edge)
        text = (
            f"Change: score less that of the same pair under “{first.scenario.label}”, draw by draw under the same "
            "chance, with its 90 % interval."
        )
        row += 1
        for line in (text, told(self._dossier)):
            row += 1
            self._across(sheet, row, len(columns), line, 130, font_size=8, font_color=theme.LIGHT.muted)

    def add_history(self, history: ScoreHistory) -> None:
        """A sheet with every pair's line over the days, its place in its own past, and what changed."""
        from xlsxwriter.utility import xl_rowcol_to_cell

        sheet = self._sheet("scores over time")
        days = [Column(f"{day:%b %Y}" if day != history.days[-1] else "Now", "", "score", 8) for day in history.days]
        front = (
            Column("Pair", "", width=18),
            Column("How it went", "", width=26),
            Column("Above\nearlier", "", "share", 9),
            Column("Since a month", "", width=17),
            Column("Since a year", "", width=17),
        )
        self._header(sheet, 0, (*front, *days))
        first, last = len(front), len(front) + len(days) - 1
        for row, own in enumerate(history.ranked, 1):
            self._write(sheet, row, 0, history.case.name_of(own.dyad), bold=True)
            self._write(sheet, row, 2, own.percentile, "share")
            for place, change in ((3, own.since_month), (4, own.since_year)):
                self._write(sheet, row, place, change_words(change), **ASIDE)
            for place, value in enumerate(own.score.tolist(), first):
                self._write(sheet, row, place, value if math.isfinite(value) else None, "score")
            cells = f"{xl_rowcol_to_cell(row, first)}:{xl_rowcol_to_cell(row, last)}"
            look = {"weight": 1.5, "series_color": theme.LIGHT.model, "last_point": True, "min": 0}
            sheet.add_sparkline(row, 1, {"range": f"'{sheet.get_name()}'!{cells}", **look})
            sheet.set_row(row, BRIEF_HEIGHT)
        sheet.freeze_panes(1, 1)
        self._write(sheet, len(history.ranked) + 2, 0, HINDSIGHT, font_size=9, font_color=theme.LIGHT.muted)

    def _heading(self, sheet: Any, width: int, named: str = "Scenario") -> int:
        """Title, dates, scenario, and a warning where there is cause; the row beneath them."""
        ahead, case = self._dossier.headline.forecast, self._dossier.case
        first, last = ahead.window
        sheet.set_row(0, 26)
        self._write(sheet, 0, 0, case.settings.title, bold=True, font_size=18)
        changed = any(row[2] for row in assumption_table(self._dossier).rows)
        assumed = "Some assumptions are changed: see the sheet assumptions." if changed else "Assumptions as published."
        about = (
            f"As of {long_date(case.as_of)}. Forecast for {long_date(first)} to {long_date(last)}. "
            f"{named}: {ahead.scenario.label}. {assumed}"
        )
        self._write(sheet, 1, 0, about, font_color=theme.LIGHT.muted)
        warnings = []
        if not ahead.posterior.is_reliable:
            warnings.append("THE POSTERIOR FAILED ITS CHECKS: these numbers are not to be relied on.")
        if ahead.posterior.prior_only:
            warnings.append("From the priors alone: the record is left out.")
        warnings += ahead.cautions
        for row, warning in enumerate(warnings, 2):
            look: dict[str, Any] = {"bold": True, "font_color": theme.LIGHT.paper, "bg_color": theme.LIGHT.alarm}
            sheet.merge_range(row, 0, row, width - 1, "", self._format(**look))
            self._write(sheet, row, 0, warning, **look)
        return 3 + len(warnings)

    def _pair(self, sheet: Any, row: int, dyad: DyadRisk) -> int:
        """A pair's lines: its score beside its likeliest outcomes and its strongest drivers; the last of them."""
        outcomes, drivers = likeliest(self._dossier, dyad), strongest(self._dossier, dyad)
        band = self._bands[dyad.band]
        lines = max(len(outcomes), len(drivers), 1)
        for line in range(lines):
            edge: dict[str, Any] = {"top": 1, "top_color": theme.LIGHT.rule} if line == 0 else {}
            front: list[Value] = [None] * 5
            if line == 0:
                front = [dyad.partner_name or dyad.id, dyad.score.mean, dyad.score.low, dyad.score.high, dyad.band]
            looks: list[dict[str, Any]] = [
                {"bold": True, "font_size": 11},
                {"bold": True, "font_size": 11},
                {},
                {},
                band,
            ]
            for place, (cell, look) in enumerate(zip(front, looks, strict=True)):
                filled = look if line == 0 or place == 4 else {}
                self._write(sheet, row + line, place, cell, BRIEF[place].form, **edge, **filled)
            sheet.set_row(row + line, BRIEF_HEIGHT)
            if line < len(outcomes):
                self._outcome(sheet, row + line, outcomes[line], edge)
            if line < len(drivers):
                self._write(sheet, row + line, 10, drivers[line].label, shrink=True, **ASIDE, **edge)
                self._write(sheet, row + line, 11, drivers[line].points, "points", **edge)
        moved = self._moved(dyad)
        if moved and lines > 1:
            self._write(sheet, row + 1, 0, moved, font_size=8, font_color=theme.LIGHT.muted)
        return row + lines - 1

    def _moved(self, dyad: DyadRisk) -> str:
        """How far a pair's score has moved since the earlier run; nothing where there is none."""
        previous = self._dossier.previous
        old = next((d for d in previous.dyads if d.id == dyad.id), None) if previous else None
        if previous is None or old is None:
            return ""
        return f"{signed(dyad.score.mean - old.score.mean)} since run of {short_date(previous.forecast.case.as_of)}"

    def _shared(self, sheet: Any, row: int) -> int:
        """What pairs share, the likeliest first; the last line written."""
        shared = sorted(self._dossier.headline.shared, key=lambda outcome: -outcome.probability.mean)
        for line, outcome in enumerate(shared):
            edge: dict[str, Any] = {"top": 1, "top_color": theme.LIGHT.rule} if line == 0 else {}
            for place in range(len(BRIEF)):
                self._write(sheet, row + line, place, None, **edge, font_size=10)
            self._write(sheet, row + line, 0, self._whom(outcome, line), **edge, bold=True)
            self._outcome(sheet, row + line, outcome, edge)
            sheet.set_row(row + line, BRIEF_HEIGHT)
        return row + len(shared) - 1

    def _whom(self, outcome: OutcomeRisk, line: int) -> str:
        """Whom a shared outcome can touch; nothing where it is as on the line before: all pairs."""
        pairs, every = outcome.applies_to, self._dossier.headline.forecast.dyads
        if len(pairs) == len(every):
            return "All pairs" if line == 0 else ""
        return f"{len(pairs)} of {len(every)} pairs"

    def _outcome(self, sheet: Any, row: int, outcome: OutcomeRisk, edge: dict[str, Any]) -> None:
        chance = outcome.probability
        self._write(sheet, row, 5, outcome.label, shrink=True, **ASIDE, **edge)
        for place, value in enumerate((chance.mean, chance.low, chance.high), 6):
            self._write(sheet, row, place, value, "share", **edge, num_format=CHANCE)
        ruled = "ruled out by the scenario" if outcome.is_ruled_out else "assumed by the scenario"
        words = ruled if outcome.assumed else outcome.words
        self._write(sheet, row, 9, words, shrink=True, **ASIDE, **edge)

    def _bars(self, sheet: Any, first: int, last: int) -> None:
        """Bars behind the probabilities, from 0 to 1."""
        bar = {
            "type": "data_bar",
            "bar_solid": True,
            "bar_color": theme.LIGHT.band,
            "bar_border_color": theme.LIGHT.rule,
        }
        ends = {"min_type": "num", "max_type": "num", "min_value": 0, "max_value": 1}
        sheet.conditional_format(first, 6, last, 6, {**bar, **ends})

    def _across(self, sheet: Any, row: int, width: int, text: str, letters: int = LETTERS, **look: Any) -> None:
        """Text that runs over all columns, in a row as high as it needs."""
        look = {**look, "text_wrap": True}
        sheet.merge_range(row, 0, row, width - 1, "", self._format(**look))
        self._write(sheet, row, 0, text, **look)
        sheet.set_row(row, 4 + 12 * -(-len(text) // letters))

    def _sheet(self, name: str) -> Any:
        """A sheet that prints well: landscape A4, as wide as the page, with its page and origin at the foot."""
        sheet = self._book.add_worksheet(name[:MOST_SHEET_NAME])
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
        sheet.fit_to_pages(1, 0)
        alarm = "" if self._dossier.headline.forecast.posterior.is_reliable else "CHECKS FAILED · "
        foot = (alarm + told(self._dossier, scenarios=False)).replace("&", "&&")
        sheet.set_footer(f"&L&7{foot[: MOST_FOOTER - 40]}&R&7&A, page &P of &N")
        return sheet

    def _header(self, sheet: Any, row: int, columns: Sequence[Column], aside: bool = False) -> None:
        look: dict[str, Any] = {"bold": True, "bg_color": theme.LIGHT.band, "text_wrap": True, "valign": "vcenter"}
        for place, column in enumerate(columns):
            side: dict[str, Any] = {"align": "right"} if column.form in NUMBERS else {"align": "left"}
            if aside and place > 0 and column.form not in NUMBERS:
                side = ASIDE
            sheet.set_column(place, place, column.width)
            self._write(sheet, row, place, column.name, **{**look, **side, **_beside(columns, place)})
        sheet.set_row(row, 2.5 * LINE_HEIGHT)

    def _write(self, sheet: Any, row: int, place: int, cell: Value, form: Form = "text", **look: Any) -> None:
        """A cell of its own kind: text is never read as a number, a link or a formula."""
        if cell is None:
            if look:
                sheet.write_blank(row, place, None, self._format(**look))
        elif isinstance(cell, str):
            # Excel drops longer text without a word, and runs what looks like a formula once such a cell is edited.
            sheet.write_string(row, place, visible(cell)[:MOST_LETTERS], self._format(quote_prefix=True, **look))
        elif isinstance(cell, dt.date):
            sheet.write_datetime(
                row, place, cell, self._format(**{"num_format": FORMATS["day"], "align": "left", **look})
            )
        else:
            sheet.write_number(row, place, cell, self._format(**{"num_format": FORMATS.get(form, "General"), **look}))

    def _format(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({**CELL, "font_color": theme.LIGHT.ink, **look})
        return self._formats[key]


def _beside(columns: Sequence[Column], place: int) -> dict[str, Any]:
    """The look of text that stands right of a number: a little aside, so that the two do not run together."""
    after = place > 0 and columns[place - 1].form in NUMBERS
    return dict(ASIDE) if after and columns[place].form not in NUMBERS else {}


def _columns_table(tables: Sequence[Table]) -> Table:
    """What every column of the tables means, and its unit."""
    rows = tuple((table.name, c.name, c.unit or None, c.about) for table in tables for c in table.columns)
    columns = (
        Column("sheet", "Sheet of this workbook", width=22),
        Column("column", "Column of the sheet", width=20),
        Column("unit", "Unit of its cells; empty for text", width=30),
        Column("meaning", "What its cells mean", width=70),
    )
    return Table("What the columns mean", columns, rows, "columns", ("sheet", "column"))
