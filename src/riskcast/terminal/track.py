"""A track record as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.text import Text

from riskcast.errors import visible
from riskcast.machinery.tables import Table
from riskcast.terminal.tables import Part, rich_table
from riskcast.terminal.verification import NINETY, STYLES
from riskcast.verification.track_rows import By, TrackRecord
from riskcast.verification.track_tables import HEADINGS, forecasters_table, misses_table, pairs_table, slices_table
from riskcast.verification.track_words import (
    bias_in_words,
    disputed_in_track,
    left_out_in_words,
    misses_in_words,
    track_verdict,
)

FORECASTERS = (Part(0, "Forecaster"), Part(1, "Questions"), Part(2, "Brier", NINETY), Part(3, "Log"), Part(6, "Bias"))
PAIRS = (Part(0, "Forecaster"), Part(1, "Questions"), Part(2, "Skill", NINETY), Part(4, "More"))
MISSES = (Part(0, "Question"), Part(1, "Forecaster"), Part(2, "Said"), Part(3, "Answer"))
SLICES = (Part(0, "Forecaster"), Part(1, "Questions"), Part(2, "Brier", NINETY), Part(3, "Bias"))
MOST_MISSES = 10


def track_view(
    record: TrackRecord, place: str, names: Mapping[str, str] | None = None, parts: tuple[By, ...] = ()
) -> RenderableType:
    """A track record: last month's misses first, then the verdict, forecasters, pairs, and the slices asked for."""
    shown: list[RenderableType] = [
        Text("Track record", style="bold"),
        Text(visible(f"{place}, as of {record.as_of}"), style="dim"),
        Text(),
    ]
    verdict = track_verdict(record)
    if record.forecasters:
        shown.append(Text(misses_in_words(record)))
    if record.misses:
        table = misses_table(record)
        shown.append(rich_table(replace(table, rows=table.rows[:MOST_MISSES]), MISSES))
        if len(record.misses) > MOST_MISSES:
            shown.append(Text(f"and {len(record.misses) - MOST_MISSES} more", style="dim"))
    shown += [Text(), Text(verdict.headline, style=f"bold {STYLES[verdict.kind]}"), Text(visible(verdict.detail))]
    if record.forecasters:
        others = [each for each in record.forecasters if each.kind in ("person", "crowd")]
        shown += [Text(visible(bias_in_words(each))) for each in others if each is not record.forecasters[0]]
        told = disputed_in_track(record.forecasters[0])
        shown += [Text(visible(told))] if told else []
        shown += [Text(), rich_table(forecasters_table(record), FORECASTERS)]
        if record.pairs:
            shown += [
                Text("Who beats whom, on what both answered", style="bold"),
                rich_table(pairs_table(record), PAIRS),
            ]
        for by in parts:
            shown.append(Text(HEADINGS[by], style="bold"))
            shown.append(rich_table(_flat(slices_table(record, by, names)), SLICES))
    left = left_out_in_words(record)
    if left:
        shown.append(Text(left, style="dim"))
    return Group(*shown)


def _flat(table: Table) -> Table:
    """A table whose headings over rows have cells for every column, and whose other rows are set in beneath them."""
    blank = ("",) * (len(table.columns) - 1)
    rows = [(row[0], *blank) if len(row) == 1 else (f"  {row[0]}", *row[1:]) for row in table.rows]
    return replace(table, rows=rows)
