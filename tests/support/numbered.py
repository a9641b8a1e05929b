"""The small panel with numbers of events, remembered by number, and what its memories are by their definitions."""

from __future__ import annotations

import math

import numpy as np
import pandas

from riskcast.case.model import Case, Effect
from tests.support.smallpanel import JUDGED, panel_case, table

RAIDS_FROM = 3

MEMORIES = f"""\
memories:
  numbers: {{label: Numbers, weight: count, half_life: {{median: 2, interval: [1, 4], {JUDGED}}}}}
  logs: {{label: Logs, weight: log_count, half_life: {{median: 3, interval: [1.5, 6], {JUDGED}}}}}
  pace: {{label: Pace, kind: rate, weight: log_count, half_life: {{median: 4, interval: [2, 8], {JUDGED}}}}}
  usual: {{label: Usual, kind: mean, weight: log_count, half_life: {{median: 9, interval: [5, 16], {JUDGED}}}}}
"""
EDGES = (
    ("raid", "clash", "own", "numbers", "next", False),
    ("raid", "clash", "own", "logs", "same", False),
    ("raid", "clash", "others", "logs", "next", False),
    ("raid", "clash", "own", "logs", "next", True),
    ("raid", "clash", "own", "numbers", "same", True),
    ("raid", "raid", "own", "pace", "next", False),
    ("raid", "clash", "own", "usual", "next", False),
    ("raid", "clash", "others", "usual", "next", False),
    ("raid", "summit", "any", "logs", "next", False),
    ("summit", "raid", "host", "numbers", "next", False),
)


def numbers_table(seed: int = 1, largest: float = 40.0) -> pandas.DataFrame:
    """The rows of the small panel with heavy-tailed numbers of raids, of summits, and a clash or none."""
    rows, rng = table(seed=seed), np.random.default_rng(seed)
    raids = np.minimum(np.floor(np.exp(rng.normal(0.8, 1.4, size=len(rows)))), largest)
    rows["raid"] = np.where(rows["raid"].isna(), np.nan, raids)
    order = {period: place for place, period in enumerate(sorted(set(rows["period"])))}
    rows["summit"] = rows["summit"] * (1.0 + rows["period"].map(order) % 3)
    return rows


def numbered(seed: int = 1, at_least: int = RAIDS_FROM) -> Case:
    """The small panel in which a clash is called forth by numbers of raids; a raid is one of `at_least` so many."""
    return panel_case(numbers_table(seed), edits=number_edits(str(at_least)))


def number_edits(at_least: str) -> tuple[tuple[str, str, str], ...]:
    """What makes the files of the small panel those of `numbered`."""
    edges = "".join(
        f"- {{from: {source}, to: {target}, path: p{place}, whose: {whose}, memory: {memory}, acts: {acts}, "
        f"spent: {str(spent).lower()}, rate_ratio: {{median: 1.3, interval: [0.9, 1.9], {JUDGED}}}, rationale: R.}}\n"
        for place, (source, target, whose, memory, acts, spent) in enumerate(EDGES)
    )
    return (
        ("case.yaml", "memories:\n", MEMORIES),
        ("effects.yaml", "- {from: mood", edges + "- {from: mood"),
        ("outcomes.yaml", "raid:\n", f"raid:\n  at_least: {at_least}\n"),
    )


def number_memory_by_definition(case: Case, effect: Effect, rows: pandas.DataFrame, dyad: str, year: int) -> float:
    """The m of an edge in a row of the small panel, from the numbers in its table, at the median half-life."""
    memory = case.settings.memories[str(effect.memory)]
    half_life = case.half_life(effect.target, str(effect.memory)).center
    newest = year if effect.acts == "same" else year - 1
    years, mine = rows["period"].astype(int), set(dyad.split("-"))
    is_host = case.events[effect.source].scope == "host"

    def happened(name: str, numbers: pandas.Series) -> pandas.Series:
        return numbers >= case.events[name].at_least

    answers = rows[(rows["dyad"] == dyad) & happened(effect.target, rows[effect.target])]
    answered = set(answers["period"].astype(int)) if effect.spent else set()
    total = covered = 0.0
    decay = 2.0 ** (-1.0 / half_life)
    for at in range(2001, newest + 1):
        here = rows[(years == at) & rows[effect.source].notna()]
        if is_host:
            here = here.head(1)
        elif effect.whose == "own":
            here = here[here["dyad"] == dyad]
        elif effect.whose == "others":
            here = here[[id != dyad and bool(mine & set(id.split("-"))) for id in here["dyad"]]]
        covered += (1.0 - decay) * len(here) * decay ** (newest - at)
        # An answer of the period comes after its triggers on a same-period edge, and before them on another.
        later = range(at, year) if effect.acts == "same" else range(at + 1, year)
        if any(t in answered for t in later):
            continue
        for number in here[effect.source].tolist():
            total += (number if memory.weight == "count" else math.log2(1.0 + number)) * decay ** (newest - at)
    if memory.kind == "mean":
        return (1.0 - decay) * total / covered if covered else 0.0
    if memory.kind == "rate":
        return math.log2(1.0 + (total / covered if covered else 0.0))
    return math.log2(1.0 + total)
