"""The small panel case with derived columns and a table of states."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas

from riskcast import Case, load_case
from riskcast.case.periods import calendar_of
from tests.support.smallpanel import FIRST, JUDGED, PERIODS, table, write_panel_case

STATES = ("AAA", "BBB", "CCC", "DDD")
TABLE_OF_STATES = "history/states.csv"
# What is derived in the small panel; each of them is an indicator that acts on clashes.
DERIVE: Mapping[str, str] = {
    "trade_before": "{do: lag, of: trade}",
    "log_trade": "{do: log, of: trade}",
    "trade_change": "{do: difference, of: log_trade, periods: 2}",
    "mean_mood": "{do: mean, of: mood, periods: 3}",
    "least_mood": "{do: min, of: mood, periods: 3}",
    "most_mood": "{do: max, of: mood, periods: 3}",
    "heat": "{do: product, of: [mood, log_trade]}",
    "mood_of_trade": "{do: ratio, of: [mood, trade]}",
    "peace": "{do: since, of: clash}",
    "peace_bent": "{do: spline, of: peace, knots: [0, 2, 5, 9], part: 2}",
    "clashes": "{do: cumulative, of: clash}",
    "fading_raids": "{do: fading, of: raid, half_life: 2}",
    "raided_before": "{do: lag, of: raid}",
    "usual_mood": "{do: standardise, of: mood}",
    "least_free": "{do: min, of: states.free}",
    "most_free": "{do: max, of: states.free}",
    "both_free": "{do: both, of: states.free}",
    "either_armed": "{do: either, of: states.armed}",
    "free_first": "{do: first, of: states.free}",
    "free_apart": "{do: difference, of: states.free}",
    "quarrel": "{do: product, of: [fading_raids, mean_mood]}",
    "since_talks": "{do: since, of: talks}",
    "fading_talks": "{do: fading, of: talks, half_life: 3}",
    "coup_first": "{do: first, of: states.coup}",
    "coups": "{do: cumulative, of: coup_first}",
}
# Of these columns, those that hold events which are neither learned nor forecast.
INPUTS = ("talks", "states.coup")
_INDICATOR = """\
NAME:
  label: NAME
  question: What is NAME?
  scope: dyad
  unit: units
  scale: identity
  reference: 0
  step: 20
  history: panel
  missing: [hold, reference]
  drift: {value: 0, JUDGED}
"""
_EFFECT = "- {from: NAME, to: clash, rate_ratio: {median: 1.1, interval: [0.9, 1.35], JUDGED}, rationale: It acts.}\n"


def states_table(unit: str = "year", seed: int = 5) -> pandas.DataFrame:
    """Rows of the table of states, from two periods before the panel's to the one after the record."""
    rng = np.random.default_rng(seed)
    calendar, rows = calendar_of(unit), []
    for state in STATES:
        for t in range(-2, PERIODS + 1):
            free = float(rng.integers(0, 3))
            rows.append(
                {
                    "state": state,
                    "period": calendar.label(calendar.number(FIRST) + t),
                    "free": np.nan if state == "CCC" and t == 3 else free,
                    "armed": float(rng.random() < 0.4),
                    "coup": float(t % (3 + len(rows) % 3) == 0) if t < PERIODS else np.nan,
                    "not_read": "text",
                }
            )
    return pandas.DataFrame(rows)


def talks_table(rows: pandas.DataFrame | None = None) -> pandas.DataFrame:
    """The rows of the small panel with numbers of talks, unknown in the period after the record and in one before."""
    rows = table() if rows is None else rows
    place = np.arange(len(rows))
    talks = np.where(place % 4 == 1, 1.0 + place % 3, 0.0)
    return rows.assign(talks=np.where(rows["clash"].isna() | (place == 7), np.nan, talks))


def write_derived_case(
    folder: Path,
    derive: Mapping[str, str] = DERIVE,
    rows: pandas.DataFrame | None = None,
    states: pandas.DataFrame | None = None,
    *,
    edits: tuple[tuple[str, str, str], ...] = (),
) -> Path:
    """Write the small panel case with derived columns; `rows`, `states` replace its tables, `edits` as there."""
    takes_states = any("states." in one for one in derive.values())
    lines = [f"    {name}: {one}" for name, one in derive.items()]
    inputs = [name for name in INPUTS if any(name in one for one in derive.values())]
    lines += [f"  inputs: [{', '.join(inputs)}]"] if inputs else []
    told = "\n".join(["  derive:", *lines, *(["  state_table: " + TABLE_OF_STATES] if takes_states else [])])
    if "talks" in inputs:
        rows = talks_table(rows) if rows is None or "talks" not in rows else rows
    indicators, effects = (
        "".join(part.replace("NAME", name) for name in derive).replace("JUDGED", JUDGED)
        for part in (_INDICATOR, _EFFECT)
    )
    made: tuple[tuple[str, str, str], ...] = (
        ("case.yaml", "  ended_after: 1", f"  ended_after: 1\n{told}"),
        ("indicators.yaml", "climate:\n", f"{indicators}climate:\n"),
        ("effects.yaml", "- {from: tension", f"{effects}- {{from: tension"),
    )
    write_panel_case(folder, rows, edits=(*made, *edits))
    if takes_states:
        known = states_table() if states is None else states
        known.to_csv(folder / TABLE_OF_STATES, index=False, lineterminator="\n")
    return folder


def derived_case(
    derive: Mapping[str, str] = DERIVE,
    rows: pandas.DataFrame | None = None,
    states: pandas.DataFrame | None = None,
    *,
    edits: tuple[tuple[str, str, str], ...] = (),
) -> Case:
    """The small panel case with derived columns, read from a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return load_case(write_derived_case(Path(folder), derive, rows, states, edits=edits))
