"""What changed from one forecast to a later one, as tables for pages and briefs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from riskcast.comparison.change_sentences import part_label
from riskcast.comparison.change_splits import ChangeSplit, WhatChanged
from riskcast.comparison.news import GROUPS
from riskcast.machinery.tables import Column, Table
from riskcast.numbers import counted, number

MOST_PARTS: Final = 12
SMALL_PARTS: Final = 0.05


def groups_table(found: WhatChanged, most: int | None = None) -> Table:
    """Every score then and now, those that moved most first, and how many points each group has."""
    ranked = sorted(found.scores, key=lambda split: -abs(split.points))
    shown = ranked[:most]
    present = [group for group in GROUPS if any(group in split.groups for split in shown)]
    columns = (
        Column("Pair"),
        Column("Then", form="score", digits=1),
        Column("Now", form="score", digits=1),
        *(Column(GROUPS[group].capitalize(), form="points") for group in present),
        Column("Change", form="points"),
    )
    rows = [(s.name, s.before, s.after, *(s.groups.get(group, 0.0) for group in present), s.points) for s in shown]
    note = f"The {len(shown)} that moved most of {len(ranked):,} pairs." if len(shown) < len(ranked) else ""
    return Table("Scores, and what their change is due to, in points", columns, rows, note=note)


def parts_table(split: ChangeSplit, most: int = MOST_PARTS) -> Table:
    """One number from then to now: its parts, the largest first, with their Monte Carlo errors."""
    named = [part for part in split.parts if abs(part.points) >= SMALL_PARTS][:most]
    rows: list[tuple[str, str, float, float]] = [
        (part_label(part, split.unit), GROUPS[part.group], part.points, part.error) for part in named
    ]
    rest = [part for part in split.parts if part not in named]
    if rest:
        rows.append((counted(len(rest), "other part"), "", sum(part.points for part in rest), math.nan))
    what = f"{split.name}, score" if split.is_score else f"{split.label}, {split.name}, percent"
    columns = (
        Column("What changed it"),
        Column("Due to"),
        Column("Points", form="points"),
        Column("± MC", form="figure", digits=1),
    )
    return Table(f"{what}: {number(split.before, 1)} to {number(split.after, 1)}", columns, rows)


def moved_probabilities(found: WhatChanged, most: int) -> Sequence[ChangeSplit]:
    """The probabilities that moved most, as far as they moved."""
    return [split for split in found.probabilities if abs(split.points) >= SMALL_PARTS][:most]
