"""What the record taught, as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from riskcast.challenge.learning import NOT_LEARNED, Lean, Learned, Learning
from riskcast.challenge.target_draws import is_score, name_target
from riskcast.challenge.targets import Target
from riskcast.numbers import NOTHING, between, counted, factor_text, figure, number, signed, span
from riskcast.terminal.forecasts import footer, heading
from riskcast.terminal.tables import ruled_table
from riskcast.verification.coverage import AGREE, DRAWN, PARTLY_DRAWN

MOST_LEANS = 6
MOST_TARGETS = 10


def learning_view(found: Learning, shown: int) -> RenderableType:
    """What priors and record say jointly, what the record moved, where the two pull apart, what numbers lean on."""
    parts: list[RenderableType] = [heading(found.forecast), Text(), *_jointly(found), Text()]
    parts += [Text("What the record moved furthest", style="bold"), _moved(found, shown)]
    parts += _conflicts(found)
    parts.append(Text("By how many points a number would change, did it count twice as much", style="bold"))
    parts += [_leans(found, target) for target in islice(found.targets, MOST_TARGETS)]
    return Group(*parts, *(Text(line, style="dim") for line in _notes(found)), footer(found.forecast))


def _jointly(found: Learning) -> Iterator[Text]:
    """The priors jointly against the record, and event types of which they say something else."""
    check = found.jointly
    told = f"{check.recorded} events in the record, the priors expect {number(check.median, 0)} ({between(check)})"
    yield Text.assemble(("All priors together: ", "bold"), f"{told}: {check.verdict}")
    apart = [one for one in found.checks if one.verdict not in (AGREE, DRAWN, PARTLY_DRAWN)]
    if apart:
        named = "; ".join(f"{one.label} {one.verdict}" for one in apart)
        yield Text(f"Not as expected: {named}", style="yellow")
    own = dict.fromkeys(one.key for one in found.from_record)
    if own:
        many = counted(len(own), "quantity", "quantities")
        yield Text(f"{many} rest on this very record, which cannot confirm them: marked “this record”", style="yellow")


def _moved(found: Learning, shown: int) -> Table:
    table = ruled_table()
    table.add_column("Quantity", ratio=1)
    for title in ("Before", "After", "Moved"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in found.quantities[:shown]:
        label = Text.assemble(one.label, "\n", (one.verdict, "yellow" if one.is_conflict else "dim"))
        if one.rests_on:
            label.append(f" · {one.rests_on}", style="yellow" if one.from_record else "dim")
        moved = f"{signed(one.moved.value)} ± {number(one.moved.error, 2)}"
        table.add_row(label, _points(one, one.before), _points(one, one.after), moved)
    return table


def _points(one: Learned, points: tuple[float, float, float]) -> str:
    text = factor_text if one.unit.endswith("ratio") else lambda value: figure(value, 2)
    low, middle, high = map(text, points)
    return f"{middle} ({span(low, high)})"


def _conflicts(found: Learning) -> Iterator[Text]:
    conflicts = found.conflicts
    if not conflicts:
        yield Text(f"Prior and record pull apart {found.nowhere}.\n", style="green")
        return
    for one in conflicts:
        side = "above" if one.moved.value > 0 else "below"
        told = f"{one.label}: the record puts it {number(abs(one.moved.value), 1)} prior standard deviations {side}"
        mend = "; was it judged of another thing than what is recorded?" if not one.from_record else ""
        yield Text(f"{told} ({one.verdict}){mend}", style="yellow")
    yield Text()


def _leans(found: Learning, target: Target) -> Table:
    """All priors and all of the record, then event types of which either can be told."""
    table = ruled_table()
    drawn = found.targets[target]
    unit = "" if is_score(target) else " %"
    table.add_column(f"{name_target(found.case, target)}, now {number(drawn.estimate.mean, 0)}{unit}", ratio=1)
    for title in ("Its priors", "± MC", "Its record", "± MC"):
        table.add_column(title, justify="right", no_wrap=True, style="dim" if title == "± MC" else "")
    rows: dict[str, dict[str, Lean]] = {}
    for lean in found.leans[target]:
        rows.setdefault(lean.event, {})[lean.part] = lean
    table.add_row("All event types", *_cells(rows.pop("")))
    told = {event: own for event, own in rows.items() if any(lean.is_told for lean in own.values())}
    size = {event: max(abs(lean.change.value) for lean in own.values() if lean.is_told) for event, own in told.items()}
    for event in sorted(told, key=lambda name: -size[name])[:MOST_LEANS]:
        table.add_row(found.case.events[event].label, *_cells(told[event]))
    return table


def _cells(own: dict[str, Lean]) -> list[str | Text]:
    cells: list[str | Text] = []
    for part in ("priors", "record"):
        lean = own.get(part)
        if lean is None or not lean.is_good:
            cells += [Text(NOTHING if lean is None else f"k-hat {lean.khat:.1f}", style="dim"), ""]
            continue
        style = "bold" if lean.is_told else "dim"
        cells += [Text(signed(lean.change.value), style=style), number(lean.change.error, 1)]
    return cells


def _notes(found: Learning) -> Iterator[str]:
    if len(found.targets) > MOST_TARGETS:
        yield f"The first {MOST_TARGETS} of {len(found.targets)} numbers are shown; --json lists all."
    left = sum(one.verdict == NOT_LEARNED for one in found.quantities)
    many = len(found.quantities)
    yield (
        f"Of {many} numbers that a record can teach (one for each event type that has its own), it has left {left} as "
        "they were. Before, after: median and 90 %. Moved: in standard deviations of the prior, with the Monte Carlo "
        "error. Bold: can be told from nothing."
    )
    if found.unfitted:
        named = ", ".join(found.case.events[event].label for event in found.unfitted)
        yield f"Could not be fitted, so that nothing is told of their own quantities: {named}."
    yield (
        "Outside the prior: the posterior's centre lies beyond the prior's own 90 % interval. Pull apart: both bear on "
        "it, and it moved by more than a standard deviation. Both count, prior decides, record speaks: which of them "
        "its distribution moves with. Cannot be told: with neither by more than chance has it, or the weights "
        "that would say it fail; more draws (--draws) tell more."
    )
