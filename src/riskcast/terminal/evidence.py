"""What evidence would be worth, as text for a terminal of 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from riskcast.case.quantities import quantity_text
from riskcast.case.quantity_names import with_unit
from riskcast.challenge.belief_groups import Kind
from riskcast.challenge.evidence import Belief, Evidence
from riskcast.challenge.placebos import Placebo
from riskcast.challenge.target_draws import is_score, name_target
from riskcast.challenge.targets import Target
from riskcast.challenge.worth import BY_CHANCE, Known
from riskcast.numbers import NOTHING, between, counted, factor_text, figure, number, share, span
from riskcast.terminal.forecasts import footer, heading
from riskcast.terminal.tables import ruled_table

MOST_TURNS = 3
MOST_TARGETS = 20


def evidence_view(found: Evidence, shown: int) -> RenderableType:
    """The numbers as they stand, what knowing beliefs would do to them, where to look next, and what moves nothing."""
    parts: list[RenderableType] = [heading(found.forecast), Text(), _standing(found)]
    titles: tuple[tuple[Kind, str], ...] = (
        ("quantity", "One number known exactly"),
        ("kind", "All of a kind known"),
        ("state", "What no file can tell"),
    )
    for kind, title in titles:
        told = [one for one in found.of_kind(kind) if kind != "quantity" or found.is_told(one)][:shown]
        if told:
            parts += [Text(title, style="bold"), _table(found, told)]
    parts += _look_next(found, shown)
    parts += _placebos(found)
    notes = [Text(line, style="dim") for line in _notes(found)]
    return Group(*parts, *notes, footer(found.forecast))


def _standing(found: Evidence) -> Table:
    table = ruled_table()
    for title in ("Of what", "Now", "90 %", "Stands"):
        table.add_column(title, justify="right" if title in ("Now", "90 %") else "left")
    for target, drawn in islice(found.targets.items(), MOST_TARGETS):
        unit = "" if is_score(target) else " %"
        table.add_row(
            name_target(found.case, target),
            f"{number(drawn.estimate.mean, 0)}{unit}",
            f"{between(drawn.estimate)}{unit}",
            drawn.stands,
        )
    return table


def _table(found: Evidence, beliefs: list[Belief]) -> Table:
    table = ruled_table()
    table.add_column("Belief", ratio=1, overflow="fold")
    table.add_column("Narrower", justify="right", no_wrap=True)
    table.add_column("± MC", justify="right", no_wrap=True, style="dim")
    table.add_column("Other band", justify="right", no_wrap=True)
    if found.rule is not None:
        table.add_column("Saved", justify="right", no_wrap=True)
        table.add_column("± MC", justify="right", no_wrap=True, style="dim")
    for one in beliefs:
        worth = one.overall
        saved = [] if worth.saved is None else [_saved(found, one), _loss(found, worth.saved.error)]
        label = Text(one.label)
        if one.basis:
            label.append(f" ({one.basis})", style="dim")
        table.add_row(
            label, _points(worth.narrower), number(worth.narrower.error, 1), share(worth.other_band.value), *saved
        )
    return table


def _points(known: Known) -> str:
    return number(max(known.value, 0.0), 1)


def _loss(found: Evidence, value: float) -> str:
    """A loss with three digits after the first of what acting costs."""
    cost = 1.0 if found.rule is None else found.rule.cost
    return number(value, max(0, 3 - math.floor(math.log10(cost))))


def _saved(found: Evidence, one: Belief) -> str | Text:
    """What a belief would save; where that cannot be told from nothing, that it cannot."""
    saved = one.overall.saved
    told = saved is not None and found.saves(one)
    return _loss(found, saved.value) if saved is not None and told else Text("noise", style="dim")


def _look_next(found: Evidence, shown: int) -> Iterator[RenderableType]:
    looks = found.look_next[:shown]
    yield Text("Look here next", style="bold")
    yield Text()
    if not looks:
        yield Text(
            "Nothing that can be told apart from noise; more draws (--draws) tell smaller things.\n", style="dim"
        )
    if looks and found.rule is not None and not any(found.saves(one) for one in found.beliefs):
        yield Text("One would act the same whatever one learned, as far as so many draws tell.\n", style="yellow")
    for place, look in enumerate(looks, 1):
        worth, best = look.place.overall, look.best
        told = f"{place}. {look.place.label}: {_points(worth.narrower)} points narrower"
        if worth.saved is not None and found.saves(look.place):
            told += f", {_loss(found, worth.saved.value)} saved"
        yield Text(told)
        lines = [f"{best.label}: {_stated(found, best)}", *_turns(found, best)]
        yield from (Padding(Text(line, style="dim"), (0, 0, 0, 3)) for line in lines)
    yield Text()


def _stated(found: Evidence, best: Belief) -> str:
    """What is believed of a quantity, and what that rests on."""
    quantity = next(q for key, q, _ in found.case.quantities() if key == best.key)
    basis = f"; rests on {best.basis}" if best.basis else ""
    return f"{with_unit(quantity_text(quantity), found.unit_of(best))}{basis}"


def _turns(found: Evidence, best: Belief) -> Iterator[str]:
    """What a new value would have to be to change a band, the most probable first."""
    unit = found.unit_of(best)
    turns = [(turn.chance, target, turn) for target in best.turns for turn in best.turns[target]]
    for chance, target, turn in sorted(turns, key=lambda each: -each[0])[:MOST_TURNS]:
        side = "above" if turn.above else "below"
        yield f"{side} {_value(turn.value, unit)} ({share(chance)} likely): {_named(target)} would be {turn.band}"
    if not turns:
        yield "no value within 98 % of what is believed would change a band"


def _named(target: Target) -> str:
    return target.unit if is_score(target) else target.id


def _value(value: float, unit: str) -> str:
    return factor_text(value) if unit.endswith("ratio") else figure(value)


def _placebos(found: Evidence) -> Iterator[RenderableType]:
    if found.placebos:
        many = counted(len(found.placebos), "effect")
        yield Text(f"Placebos: {many} of which the whole range moves nothing\n", style="bold")
        yield from (Text(_placebo(one), style="yellow") for one in found.placebos)
        yield Text()
    if found.unsure:
        many = counted(len(found.unsure), "effect")
        yield Text(f"Too rare, or too small, to tell: {many} of which nothing moves as far as was seen\n", style="bold")
        yield from (Text(_placebo(one), style="dim") for one in found.unsure)
        yield Text()


def _placebo(one: Placebo) -> str:
    moved = f"{number(one.points, 2)} ± {number(one.error, 2)} points"
    chance = f"{number(100.0 * one.chance, 1)} ± {number(100.0 * one.chance_error, 1)} %"
    why = f"; {one.why}" if one.why else ""
    return f"{one.label}: {span(factor_text(one.low), factor_text(one.high))} moves {moved}, {chance}{why}"


def _notes(found: Evidence) -> Iterator[str]:
    several = ", the mean over all numbers above" if len(found.targets) > 1 else ""
    yield (
        "Narrower: by how many points the 90 % interval would be, on average, were this known exactly. Other band: "
        f"how often band or word would be another{several}. ± MC: for want of draws. What they cannot tell from "
        "nothing is left out. Known in the model's sense: that the model is right is not part of it."
    )
    quantities = found.of_kind("quantity")
    told, by_chance = sum(map(found.is_told, quantities)), math.ceil(BY_CHANCE * len(quantities))
    yield (
        f"Single numbers weighed: {len(quantities)}, of which {told} can be told from nothing; as many as "
        f"{min(told, by_chance)} of these may be chance. More draws (--draws) tell more."
    )
    if found.rule is not None:
        first = islice(found.most_saved.items(), MOST_TARGETS)
        most = ", ".join(f"{_named(target)} {_loss(found, value)}" for target, value in first)
        yield (
            f"Saved: expected loss, where one acts at {figure(found.rule.threshold)} or more (cost "
            f"{figure(found.rule.cost)}, loss {figure(found.rule.loss)}). To know all would save: {most or NOTHING}."
        )
    if found.unjudged:
        names, draws = "; ".join(found.unjudged), max(found.unjudged.values())
        yield f"Not judged, as they are too many numbers for so few draws (--draws {draws} for all): {names}."
    if len(found.targets) > MOST_TARGETS:
        yield f"The first {MOST_TARGETS} of {len(found.targets)} numbers are shown; all are judged, and in --json."
    if found.undrawn:
        held = counted(len(found.undrawn), "quantity", "quantities")
        yield f"{held} held at the median (offsets and scales of series) are not judged."
