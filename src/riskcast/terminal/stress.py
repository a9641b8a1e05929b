"""A reverse stress test as text for a terminal of 80 columns."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.challenge.event_ways import EventWay
from riskcast.challenge.way_records import Way, Ways
from riskcast.forecasting.query_terms import ANY
from riskcast.numbers import NOTHING, error_size, number, percent, plain_number, signed
from riskcast.terminal.tables import WIDTH


def ways_view(found: Ways) -> RenderableType:
    """Where the goal's targets stand, the ways there by beliefs, the least surprising first, and those by events."""
    parts: list[RenderableType] = [Text(found.case.settings.title, style="bold")]
    if found.warning:
        parts.append(Text(found.warning, style="red"))
    parts.append(Text.assemble("What it takes for ", (found.goal.text, "bold"), "\nToday: ", _standing(found)))
    if found.is_reached:
        parts.append(Text("It is reached already; ask for the other side to see what would undo it."))
    elif not found.ways:
        parts.append(Text("No belief moves it by more than chance does here; more --draws may tell."))
    for way in found.ways:
        parts += _way(way)
    for name, why in found.refused.items():
        parts.append(Text(f"\n{name[:1].upper()}{name[1:]}: {why}.", style="yellow"))
    return Group(*parts, *([] if found.is_reached else _events(found)), Text(_note(found), style="dim"))


def _standing(found: Ways) -> str:
    pairs = zip(found.goal.targets, found.values, found.errors, strict=True)
    return ", ".join(f"{target.id} {number(value, 1)} ±{error_size(error)}" for target, value, error in pairs)


def _way(way: Way) -> list[RenderableType]:
    there = ", ".join(f"{number(v, 1)} ±{error_size(e)}" for v, e in zip(way.values, way.errors, strict=True))
    if way.is_there:
        reached = f"gets there ({there})"
    else:
        reached = f"{'all but gets' if way.within_chance else 'does not get'} there ({there})"
    spread = "" if math.isnan(way.distance_error) else f" ±{error_size(way.distance_error)}"
    head = Text.assemble(
        "\n",
        (f"{way.name[:1].upper()}{way.name[1:]}", "bold"),
        f": {number(way.distance, 1)}{spread} prior sds, density {_density(way.density)}; ",
        (reached, "green" if way.is_there else "yellow"),
    )
    table = Table(box=None, pad_edge=False, padding=(0, 0, 0, 1), show_header=False, width=WIDTH)
    table.add_column("What is believed", ratio=1, overflow="fold")
    table.add_column("from", justify="right", no_wrap=True)
    table.add_column("to", justify="right", no_wrap=True)
    table.add_column("sds", justify="right", no_wrap=True, style="dim")
    for move in way.moves:
        table.add_row(
            move.label, plain_number(move.median, 3), f"→ {plain_number(move.value, 3)}", f"{signed(move.z)} sd"
        )
    failed = [] if way.is_good else [Text("It rests on a fit that failed its checks.", style="red")]
    return [head, table, *failed]


def _density(density: float) -> str:
    return number(density, 2) if density >= 0.01 else "<0.01"


def _events(found: Ways) -> list[RenderableType]:
    if not found.events:
        return [
            Text(f"\n{NOTHING} No up to three events that futures hold often enough bring it about two times of three.")
        ]
    lines: list[RenderableType] = [Text("\nBy events, the most probable first", style="bold")]
    for way in found.events:
        lines.append(Text(f" {percent(way.chance):>5} ±{number(100 * way.error, 1)}  {event_words(found, way)}"))
    return lines


def event_words(found: Ways, way: EventWay) -> str:
    """A way by events, such as `Demarche (RUS-TJK) and no Trade ban (RUS-TJK); then 92 % ±1 are there`."""
    words = [
        f"{'' if happens else 'no '}{found.case.events[event].label} ({'any pair' if unit == ANY else unit})"
        for event, unit, happens in way.events
    ]
    return f"{' and '.join(words)}; then {percent(way.reached)} ±{error_size(100 * way.reached_error)} are there"


def _note(found: Ways) -> str:
    return (
        "\nBeliefs held, the rest relearned from the record and forecast.\n"
        "sds: standard deviations of the prior; density: beside that of the medians.\n"
        f"{found.draws:,} draws, {found.paths} futures of each; a future's score is what its outcomes add up to."
    )
