"""What changed from one forecast to a later one, as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.comparison.change_sentences import part_label
from riskcast.comparison.change_splits import METHOD, ChangeSplit, WhatChanged
from riskcast.comparison.news import GROUPS
from riskcast.numbers import error_size, long_date, number, signed
from riskcast.terminal.forecasts import MOST_DYADS
from riskcast.terminal.tables import ruled_table

MOST_PARTS = 8
MOST_PROBABILITIES = 8


def changed_view(found: WhatChanged, most: int | None = None) -> RenderableType:
    """A sentence on every score; then scores by group, the parts of each, and the probabilities that moved most.

    `most` limits the parts of each number that are shown.
    """
    one, two = (long_date(day) for day in found.days)
    head = Text.assemble(("From ", "dim"), (f"{found.first}", "bold"), (" to ", "dim"), (f"{found.second}", "bold"))
    parts: list[RenderableType] = [head]
    parts += [Text(f"UNRELIABLE: {failure}", style="bold red") for failure in found.failures]
    parts += [Text(f"{one} to {two}, scores from 0 to 100", style="dim"), Text()]
    ranked = sorted(found.scores, key=lambda split: -abs(split.points))
    for split in ranked[:MOST_DYADS]:
        parts += [Text(split.sentence), Text()]
    if ranked[MOST_DYADS:]:
        parts.append(Text(f"{len(ranked) - MOST_DYADS} more pairs; --json has all", style="dim"))
    present = [group for group in GROUPS if any(group in split.groups for split in found.splits)]
    if not present:
        return Group(*parts, Text("Nothing that can move a number has changed.", style="bold"), *_footer(found))
    parts += [Text("By what it is due to", style="bold"), _by_group(ranked[:MOST_DYADS], present)]
    parts += [Text("Part by part", style="bold"), _by_part(ranked[:MOST_DYADS], most or MOST_PARTS)]
    moved = [split for split in found.probabilities if abs(split.points) >= 0.05][:MOST_PROBABILITIES]
    if moved:
        parts += [Text("The probabilities that moved most, in percent", style="bold"), _by_part(moved, 3, "Outcome")]
    gone = (("first", found.only_first), ("second", found.only_second))
    for where, dyads in gone:
        if dyads:
            listed = ", ".join(dyads[:MOST_DYADS]) + ", ..." * (len(dyads) > MOST_DYADS)
            parts.append(Text(f"Only in the {where}, and not compared: {listed}"))
    parts += [Text(note, style="magenta") for note in found.notes]
    return Group(*parts, *_footer(found))


def _by_group(splits: Sequence[ChangeSplit], present: Sequence[str]) -> Table:
    """Scores, and how many points each group has."""
    table = ruled_table()
    table.add_column("Pair", ratio=1, min_width=12, overflow="fold")
    for heading in ("From", "To", "Change", *(HEADINGS[group] for group in present)):
        table.add_column(heading, justify="right")
    for split in splits:
        own = split.groups
        cells = [_points(own[group]) if group in own else Text("0.0", style="dim") for group in present]
        total = Text(signed(split.points), style="bold")
        table.add_row(split.name, number(split.before, 1), number(split.after, 1), total, *cells)
    return table


HEADINGS = {
    "days": "days\npassed",
    "events": "new\nevents",
    "values": "new\nvalues",
    "relearning": "re-\nlearning",
    "beliefs": "beliefs",
    "version": "version",
}


def _by_part(splits: Sequence[ChangeSplit], most: int, heading: str = "Pair") -> Table:
    """The largest parts of every number, and the others together."""
    table = ruled_table()
    table.add_column(f"{heading}, and what moved it", ratio=1, overflow="fold")
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("± MC", justify="right", no_wrap=True, style="dim")
    for split in splits:
        what = split.name if split.is_score else f"{split.label}, {split.name}"
        ends = f"{number(split.before, 1)} to {number(split.after, 1)}"
        table.add_row(Text.assemble((what, "bold"), (f"  {ends}", "dim")), Text(signed(split.points), style="bold"), "")
        for part in split.parts[:most]:
            table.add_row(f"  {part_label(part, split.unit)}", _points(part.points), error_size(part.error))
        rest = split.parts[most:]
        if rest:
            told = f"  {len(rest)} other part{'s' if len(rest) > 1 else ''}"
            table.add_row(Text(told, style="dim"), Text(signed(sum(part.points for part in rest)), style="dim"), "")
    return table


def _points(points: float) -> Text:
    return Text(signed(points), style="red" if points > 0 else "green")


def _footer(found: WhatChanged) -> list[Text]:
    told = [f"scenario {found.scenario}", f"{found.draws} draws", f"seed {found.seed}", f"{found.forecasts} forecasts"]
    lines = [METHOD, " · ".join(told), f"cases {found.hashes[0][:12]} and {found.hashes[1][:12]}"]
    if found.is_sampled:
        lines.insert(1, "Members of large groups are told apart by sampled orders; ± MC says how well.")
    return [Text(line, style="dim") for line in lines]
