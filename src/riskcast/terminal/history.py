"""The history of scores as text for a terminal: sparklines, percentiles, what changed."""

from __future__ import annotations

import math

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from riskcast.charts.sparklines import sparkline
from riskcast.forecasting.scoring import band_of, score_text
from riskcast.numbers import NOTHING, long_date, number, percent, short_date, signed, signed_ends
from riskcast.terminal.forecasts import MOST_DYADS, band_style
from riskcast.terminal.tables import WIDTH
from riskcast.verification.history_records import HINDSIGHT, Change, ScoreHistory

SPARK = 14


def history_view(history: ScoreHistory) -> RenderableType:
    """Every dyad's score today, its way there, its place in its own past, and what changed since a month and a year."""
    case, found = history.case, tuple(history.of(dyad) for dyad in history.dyads)
    shown = history.ranked[:MOST_DYADS] if len(found) > MOST_DYADS else found
    ends = [end for own in shown for end in (float(np.nanmin(own.score)), float(np.nanmax(own.score)))]
    low, high = min(ends, default=0.0), max(ends, default=100.0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0, width=WIDTH)
    table.add_column("Dyad", no_wrap=True)
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column(_span(history), no_wrap=True, width=SPARK)
    table.add_column("Above", justify="right", no_wrap=True)
    table.add_column("Since a month", justify="right", no_wrap=True)
    table.add_column("Since a year", justify="right", no_wrap=True)
    table.add_column("Rank", justify="right", no_wrap=True)
    bands = case.settings.bands
    for own in shown:
        style = band_style(case, band_of(own.today.mean, bands))
        table.add_row(
            own.dyad,
            Text(score_text(own.today.mean, bands), style=f"bold {style}"),
            Text(sparkline(own.score.tolist(), SPARK, low, high), style="blue"),
            NOTHING if own.percentile is None else percent(own.percentile),
            change_text(own.since_month),
            change_text(own.since_year),
            number(float(own.rank[-1]), 1),
        )
    return Group(
        Text(case.settings.title, style="bold"),
        Text(f"scores as of {len(history.days)} days, the last of them {long_date(case.as_of)}", style="dim"),
        *(
            [Text(f"the {MOST_DYADS} highest scores of {len(found)} dyads; --json lists all", style="dim")]
            if len(found) > len(shown)
            else []
        ),
        table,
        Padding(Text(_note(history, low, high), style="dim"), (0, 0, 1, 0)),
        *(Text(f"UNRELIABLE as of {day}: its posterior failed its checks", style="red") for day in history.unreliable),
    )


def change_text(change: Change | None) -> Text:
    """A change with its interval, red or green where it can be told from none."""
    if change is None:
        return Text(NOTHING, style="dim")
    moved = change.difference
    style = "red" if moved.low > 0 else "green" if moved.high < 0 else ""
    text = Text(signed(moved.mean), style=style)
    if math.isfinite(moved.low):
        text.append(f" ({signed_ends(moved, 0)})", style="dim")
    return text


def _span(history: ScoreHistory) -> str:
    return f"Since {history.days[0]:%b %Y}"


def _note(history: ScoreHistory, low: float, high: float) -> str:
    own = history.of(history.dyads[0])
    since = [short_date(change.since) for change in (own.since_month, own.since_year) if change is not None]
    told = [
        f"Lines run from {low:.0f} to {high:.0f} points, the same for all. "
        "Above: share of earlier days with a lower score.",
        f"Changes are since {' and '.join(since)}, draw by draw, with 90 % intervals." if since else "",
        HINDSIGHT,
        f"{history.size} draws a day: Monte Carlo error of a score at most {number(history.error, 1)} points.",
    ]
    return "\n".join(line for line in told if line)
