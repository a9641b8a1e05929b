"""A small panel case as the text of its files and a table made in code, for tests of panels."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import pandas

from riskcast import Case, load_case
from riskcast.case.periods import calendar_of

FIRST = dt.date(2001, 1, 1)
PERIODS = 12
# (dyad, first and last period, periods that the table lacks); the one after the last of the record is the next.
SPELLS = (
    ("AAA-BBB", 0, PERIODS, ()),
    ("AAA-CCC", 4, PERIODS, ()),
    ("BBB-CCC", 0, PERIODS, (5, 6)),
    ("BBB-DDD", 2, PERIODS, ()),
    ("CCC-DDD", 0, 8, ()),
)
GONE = "CCC-DDD"
PRESENT = tuple(dyad for dyad, _, last, _ in SPELLS if last == PERIODS)
COVARIATES = ("mood", "trade", "tension")
EVENTS = ("clash", "raid", "summit")

JUDGED = "evidence: {basis: judgement, claim: Judged.}"

CASE = """\
title: Small panel
as_of: AS_OF
panel:
  file: history/panel.csv
  covariates: before
  ended_after: 1
period: UNIT
history_from: 2001-01-01
horizon: 3
bands:
  - {name: low, start: 0}
  - {name: high, start: 30}
memories:
  fast: {label: Fast, half_life: {median: 2, interval: [1, 4], JUDGED}}
hyperpriors:
  sd_dyad: {median: 0.5, interval: [0.2, 1.2], JUDGED}
  sd_time: {median: 0.4, interval: [0.15, 1], JUDGED}
  persistence: {value: 0.7, JUDGED}
"""

INDICATORS = """\
mood:
  label: Mood
  question: How hostile is opinion?
  scope: dyad
  unit: points
  scale: identity
  reference: 50
  step: 10
  bounds: [0, 100]
  history: panel
  drift: {value: 0.1, JUDGED}
trade:
  label: Trade
  question: How much is traded?
  scope: dyad
  unit: billion dollars
  scale: log
  reference: 10
  step: 2
  history: panel
  drift: {value: 0, JUDGED}
tension:
  label: Tension of the system
  question: How tense is the world?
  scope: host
  unit: index
  scale: identity
  reference: 0
  step: 1
  history: panel
  drift: {value: 0, JUDGED}
climate:
  label: Climate
  question: How warm is it?
  scope: host
  unit: index
  scale: identity
  reference: 0
  step: 1
  history: reference
  now: {median: 1, interval: [0.5, 1.5], JUDGED}
  drift: {value: 0, JUDGED}
"""

OUTCOMES = """\
clash:
  label: Clash
  kind: outcome
  scope: dyad
  initiator: either
  severity: 60
  resolution: {"yes": It is fought., "no": Anything less., resolved_by: The table}
  base_rate: {median: 0.2, interval: [0.05, 0.5], JUDGED}
raid:
  label: Raid
  kind: outcome
  scope: dyad
  initiator: either
  severity: 30
  resolution: {"yes": It is ridden., "no": Anything less., resolved_by: The table}
  base_rate: {median: 0.3, interval: [0.1, 0.6], JUDGED}
summit:
  label: Summit
  kind: trigger
  scope: host
  initiator: other
  resolution: {"yes": It is held., "no": It is not., resolved_by: The table}
  base_rate: {median: 0.4, interval: [0.2, 0.7], JUDGED}
"""

EFFECTS = """\
- {from: mood, to: clash, rate_ratio: {median: 1.5, interval: [1, 2.2], JUDGED}, rationale: Words come first.}
- {from: trade, to: clash, rate_ratio: {median: 0.8, interval: [0.6, 1.1], JUDGED}, rationale: Traders wait.}
- {from: tension, to: raid, rate_ratio: {median: 1.3, interval: [0.9, 1.9], JUDGED}, rationale: It is in the air.}
- {from: climate, to: raid, rate_ratio: {median: 1.2, interval: [0.8, 1.8], JUDGED}, rationale: Heat.}
- from: raid
  to: clash
  whose: own
  memory: fast
  acts: same
  rate_ratio: {median: 2, interval: [1.2, 3.4], JUDGED}
  rationale: Raids are answered.
- from: clash
  to: clash
  path: spillover
  whose: others
  memory: fast
  acts: next
  rate_ratio: {median: 1.3, interval: [0.9, 1.9], JUDGED}
  rationale: Neighbours are drawn in.
- from: summit
  to: raid
  whose: host
  memory: fast
  acts: next
  rate_ratio: {median: 0.7, interval: [0.4, 1.2], JUDGED}
  rationale: Summits calm.
- from: clash
  to: summit
  whose: any
  memory: fast
  acts: next
  rate_ratio: {median: 1.5, interval: [0.9, 2.5], JUDGED}
  rationale: Clashes are talked over.
"""

SCENARIOS = """\
storm:
  label: Storm
  story: Opinion sours everywhere and one pair raids.
  indicators:
    - {indicator: mood, shift: 10, start: 1, over: 2}
  events:
    - {event: raid, dyads: [AAA-BBB], month: 1}
"""


def table(unit: str = "year", seed: int = 1) -> pandas.DataFrame:
    """Rows of the small panel, with those of the period after the record, whose events are not known yet."""
    rng = np.random.default_rng(seed)
    first = calendar_of(unit).number(FIRST)
    tension, summit = rng.normal(size=PERIODS + 1).round(2), rng.integers(0, 2, PERIODS + 1)
    rows = []
    for dyad, begin, end, lacking in SPELLS:
        for t in range(begin, end + 1):
            if t in lacking:
                continue
            known = t < PERIODS
            rows.append(
                {
                    "dyad": dyad,
                    "period": calendar_of(unit).label(first + t),
                    "mood": float(rng.integers(10, 90)),
                    "trade": float(np.exp(rng.normal(2.0, 1.0)).round(3)),
                    "tension": tension[t],
                    "clash": float(rng.random() < 0.25) if known else np.nan,
                    "raid": float(rng.random() < 0.3) if known else np.nan,
                    "summit": float(summit[t]) if known else np.nan,
                }
            )
    return pandas.DataFrame(rows)


def as_of(unit: str = "year") -> dt.date:
    """The last day of the small panel's record."""
    return calendar_of(unit).last_day(calendar_of(unit).number(FIRST) + PERIODS - 1)


def texts(unit: str = "year") -> dict[str, str]:
    """The YAML files of the small panel case by name."""
    files = {
        "case.yaml": CASE.replace("AS_OF", as_of(unit).isoformat()).replace("UNIT", unit),
        "indicators.yaml": INDICATORS,
        "outcomes.yaml": OUTCOMES,
        "effects.yaml": EFFECTS,
        "scenarios.yaml": SCENARIOS,
        "sources.yaml": "{}\n",
    }
    return {name: text.replace("JUDGED", JUDGED) for name, text in files.items()}


def write_panel_case(
    folder: Path,
    rows: pandas.DataFrame | bytes | None = None,
    *,
    unit: str = "year",
    suffix: str = "csv",
    edits: tuple[tuple[str, str, str], ...] = (),
) -> Path:
    """Write the small panel case into a folder; `edits` are (file, old text, new text), `rows` replace the table."""
    files = texts(unit)
    for name, old, new in (("case.yaml", "panel.csv", f"panel.{suffix}"), *edits):
        assert files[name].count(old) >= 1, f"{old!r} is not in {name}"
        files[name] = files[name].replace(old, new, 1)
    (folder / "history").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    rows = table(unit) if rows is None else rows
    file = folder / "history" / f"panel.{suffix}"
    if isinstance(rows, bytes):
        file.write_bytes(rows)
    elif suffix == "parquet":
        rows.to_parquet(file, index=False)
    else:
        rows.to_csv(file, index=False, lineterminator="\n")
    return folder


def panel_case(
    rows: pandas.DataFrame | None = None, unit: str = "year", edits: tuple[tuple[str, str, str], ...] = ()
) -> Case:
    """The small panel case, read from a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return load_case(write_panel_case(Path(folder), rows, unit=unit, edits=edits))
