"""Results as files: tables as CSV, workbooks and JSON, an overlay, the case itself."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from results import Result

import riskcast

Form = Literal["text", "number", "score", "points", "share", "day"]
Cell = str | float | int | dt.date | None

# What spreadsheets take for the beginning of a formula, in wide letters too.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, what its cells are, and how wide a sheet shows it."""

    name: str
    form: Form = "text"
    width: int = 12


@dataclass(frozen=True)
class Table:
    """A table under a name, with rows of plain cells."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def records(self) -> list[dict[str, Cell]]:
        """The rows as mappings of column names to cells."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Report:
    """All that files are made of: the results, the published case, and how to explain the scores when asked."""

    result: Result
    published: riskcast.Case
    explain: Callable[[], riskcast.Explanation]


def provenance(report: Report) -> dict[str, Cell]:
    """Which case, overlay, scenario, engine and seed the numbers come from, as plain cells."""
    full = riskcast.provenance(report.result.forecast)
    engine = full["engine"]
    return {
        "case": full["case"]["name"],
        "as_of": full["case"]["as_of"],
        "case_hash": full["case"]["hash"],
        "overlay_hash": full["overlay_hash"] or "none",
        "scenario": full["scenario"],
        "engine": engine["name"],
        "draws": engine["draws"],
        "seed": engine["seed"],
        "checks": "passed" if engine["reliable"] else "FAILED: " + "; ".join(engine["failures"]),
        "riskcast_version": full["riskcast_version"],
    }


def score_table(report: Report) -> Table:
    """One row for each dyad: score with its interval, and band."""
    rows = tuple(
        (d.id, d.partner_name or d.partner, d.score.mean, d.score.low, d.score.high, d.band)
        for d in report.result.risk.dyads
    )
    scores = tuple(Column(name, "score") for name in ("score", "low", "high"))
    return Table("scores", (Column("dyad"), Column("partner", width=20), *scores, Column("band", width=14)), rows)


def probability_table(report: Report) -> Table:
    """One row for each event type and unit: probability of at least one event within the horizon, and its words."""
    forecast = report.result.forecast
    rows: list[tuple[Cell, ...]] = []
    for unit, name, event in _events(report):
        estimate = forecast.probability(name, unit)
        words = riskcast.estimative_words(estimate.mean)
        assumed = "yes" if forecast.is_assumed(name, unit) else "no"
        rows.append((unit, name, event.label, event.kind, estimate.mean, estimate.low, estimate.high, words, assumed))
    shares = tuple(Column(name, "share", 11) for name in ("probability", "low", "high"))
    front = (Column("unit"), Column("event", width=24), Column("label", width=34), Column("kind", width=10))
    return Table("probabilities", (*front, *shares, Column("words", width=20), Column("assumed", width=9)), tuple(rows))


def month_table(report: Report) -> Table:
    """One row for each event type, unit and period: probability of at least one event by the period's end."""
    forecast = report.result.forecast
    timeline = forecast.posterior.record.timeline
    ends = [timeline.end(place + 1) for place in range(forecast.horizon)]
    rows = tuple(
        (unit, name, event.label, place + 1, ends[place], probability)
        for unit, name, event in _events(report)
        for place, probability in enumerate(forecast.by_period(name, unit))
    )
    period = report.result.case.settings.period
    front = (Column("unit"), Column("event", width=24), Column("label", width=34))
    return Table(
        f"by_{period}",
        (*front, Column(period, "number", 8), Column("until", "day", 13), Column("probability", "share", 11)),
        rows,
    )


def contribution_table(report: Report) -> Table:
    """One row for each dyad and driver; with the row of the reference score, a dyad's points add up to its score."""
    explanation = report.explain()
    rows: list[tuple[Cell, ...]] = []
    for dyad, contributions in explanation.contributions.items():
        rows.append(
            (dyad, "reference", "All at reference, nothing recent", "reference", explanation.reference[dyad], None)
        )
        rows += [(dyad, c.driver, c.label, c.kind, c.points, c.error) for c in contributions]
    front = (Column("dyad"), Column("driver", width=28), Column("label", width=40), Column("kind", width=11))
    return Table("contributions", (*front, Column("points", "points"), Column("error", "score")), tuple(rows))


def assumption_table(report: Report) -> Table:
    """One row for each quantity of the case: as published, as it is now, and the evidence for it."""
    published = {key: quantity for key, quantity, _ in report.published.quantities()}
    rows: list[tuple[Cell, ...]] = []
    for key, quantity, _ in report.result.case.quantities():
        before = published[key]
        evidence = quantity.evidence
        rows.append(
            (
                key,
                "yes" if _numbers(quantity) != _numbers(before) else "no",
                *_numbers(before),
                *_numbers(quantity),
                evidence.basis if evidence else "",
                evidence.claim if evidence else "",
                _sources(report.result.case, evidence.sources if evidence else ()),
            )
        )
    numbers = ("published", "published_low", "published_high", "now", "now_low", "now_high")
    front = (Column("quantity", width=44), Column("changed", width=9))
    back = (Column("basis", width=11), Column("claim", width=70), Column("sources", width=70))
    return Table("assumptions", (*front, *(Column(name, "number", 14) for name in numbers), *back), tuple(rows))


TABLES: Mapping[str, Callable[[Report], Table]] = {
    "scores": score_table,
    "probabilities": probability_table,
    "by period": month_table,
    "contributions": contribution_table,
    "assumptions": assumption_table,
}


def neutral(cell: Cell) -> Cell:
    """A cell whose text no spreadsheet runs as a formula.

    >>> neutral("=1+1"), neutral("fine"), neutral(-1.5)
    ("'=1+1", 'fine', -1.5)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def to_csv(report: Report, table: Table) -> bytes:
    """A table as CSV in UTF-8; every row ends with where its numbers come from, so that files can be joined."""
    origin = provenance(report)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*(column.name for column in table.columns), *origin])
    for row in table.rows:
        writer.writerow([neutral(cell) for cell in (*row, *origin.values())])
    return out.getvalue().encode()


def to_json(report: Report, table: Table) -> bytes:
    """A table as JSON: where its numbers come from, and its rows."""
    return _json({**riskcast.provenance(report.result.forecast), table.name: table.records()})


def all_csv(report: Report) -> bytes:
    """Every table as CSV, in one zip."""
    tables = [build(report) for build in TABLES.values()]
    return _zip({f"{table.name}.csv": to_csv(report, table) for table in tables})


def all_json(report: Report) -> bytes:
    """What `riskcast forecast --json` prints, with all assumptions beside it."""
    data = riskcast.forecast_data(report.result.risk, report.explain())
    return _json({**data, "assumptions": assumption_table(report).records()})


def case_zip(case: riskcast.Case) -> bytes:
    """A case as a zip of its folder."""
    with tempfile.TemporaryDirectory(prefix="riskcast-case-") as top:
        folder = Path(top) / case.name
        riskcast.write_case(case, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return _zip({path.relative_to(top).as_posix(): path.read_bytes() for path in files})


def file_stem(report: Report) -> str:
    """How files of a report are called: case, scenario, and the overlay's hash where there is one.

    Two forecasts that differ have files that differ in name.
    """
    origin = provenance(report)
    overlay = "" if origin["overlay_hash"] == "none" else f"-{str(origin['overlay_hash'])[:8]}"
    return safe_name(f"{origin['case']}-{origin['scenario']}{overlay}")


def safe_name(text: str) -> str:
    """Text as part of a file name.

    >>> safe_name("My view: 50 %"), safe_name("../..")
    ('My_view_50', 'overlay')
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")[:80] or "overlay"


def _events(report: Report) -> list[tuple[str, str, Any]]:
    """Unit, id and record of every event type that is forecast, unit by unit."""
    forecast = report.result.forecast
    case = forecast.case
    units = dict.fromkeys(unit for name in case.events for unit in forecast.units(name))
    return [
        (unit, name, event) for unit in units for name, event in case.events.items() if unit in forecast.units(name)
    ]


def _numbers(quantity: riskcast.Quantity) -> tuple[float, float | None, float | None]:
    """Median and ends of the interval; no ends where the quantity is held fixed."""
    return (quantity.center, None, None) if quantity.is_fixed else (quantity.center, *quantity.range)


def _sources(case: riskcast.Case, names: Sequence[str]) -> str:
    """Sources as people cite them."""
    found = [case.sources[name] for name in names if name in case.sources]
    return "; ".join(f"{s.title} ({s.publisher}, {s.date}){f' {s.url}' if s.url else ''}" for s in found)


def _json(data: Any) -> bytes:
    text = json.dumps(data, indent=2, ensure_ascii=False, default=lambda day: day.isoformat())
    return (text + "\n").encode()


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip; equal files give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
