"""What changed a number, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from riskcast.comparison.news import BELIEFS, DAYS, EVENTS, RELEARNING, VALUES, VERSION
from riskcast.numbers import number, signed

if TYPE_CHECKING:
    from riskcast.comparison.change_splits import ChangePart, ChangeSplit

MOST_NAMED: Final = 4
# Points below which a part is not named, and a number has not moved.
LEAST: Final = 0.05


def sentence_of(split: ChangeSplit) -> str:
    """What a number was, what it is, and what that is due to: the largest parts, then the others together.

    >>> from riskcast.comparison.change_splits import ChangePart, ChangeSplit
    >>> parts = (ChangePart("values", "indicators.mood", "Mood", 2.0, 0.1), ChangePart("relearning", "r", "", 0.6, 0.1))
    >>> ChangeSplit("score", "Score", "HHH-AAA", "Aland", 38.4, 41.0, parts).sentence
    'Aland rose from 38.4 to 41.0 (+2.6): +2.0 for new values of Mood; relearning adds +0.6.'
    """
    what = split.name if split.is_score else f"{split.label}, {split.name},"
    one, two = (f"{number(value, 1)}{'' if split.is_score else ' %'}" for value in (split.before, split.after))
    if abs(split.points) < LEAST:
        head = f"{what} stayed at {two}"
    else:
        head = f"{what} {'rose' if split.points > 0 else 'fell'} from {one} to {two} ({signed(split.points)})"
    others = [part for part in split.parts if part.group != RELEARNING]
    named = [part for part in others if abs(part.points) >= LEAST][:MOST_NAMED]
    rest = [part for part in others if part not in named]
    told = [f"{signed(part.points)} {reason_of(part, split.unit)}" for part in named]
    left = sum(part.points for part in rest)
    if rest and (abs(left) >= LEAST or named):
        many = f"{len(rest)} smaller part{'s' if len(rest) > 1 else ''}"
        told.append(f"{signed(left)} {'in' if named else 'in all in'} {many}")
    clauses = [", ".join(told)] if told else []
    clauses += _relearning(split)
    return f"{head}: {'; '.join(clauses)}." if clauses else f"{head}."


def _relearning(split: ChangeSplit) -> list[str]:
    """What relearning does, how much of it through tension, and whether it is a ripple."""
    again = [part for part in split.parts if part.group == RELEARNING]
    points = sum(part.points for part in again)
    if abs(points) < LEAST:
        return []
    told = f"relearning {'adds' if points > 0 else 'takes'} {signed(points)}"
    through = sum(part.points for part in again if part.id.endswith(".tension"))
    if abs(through) >= LEAST:
        told += f" ({signed(through)} through how restless the times are)"
    if split.ripple:
        told += f", a ripple, as the record has no new event of {split.name if split.is_score else 'the kind'}"
    return [told]


def reason_of(part: ChangePart, unit: str = "") -> str:
    """Why a part moved a number, to follow its points."""
    if part.group == EVENTS:
        return f"for {part.label}{_where(part, unit)}"
    if part.group == DAYS:
        if part.event:
            return f"as {_lowered(part.label)} {'fade' if part.fades else 'set in'}"
        return f"as {_lowered(part.label)}"
    if part.group == VALUES:
        told = "another level today" if part.id.endswith(".now") else "new values"
        return f"for {told} of {part.label}"
    if part.group == BELIEFS:
        return f"for another belief, {part.label}"
    return {RELEARNING: "by relearning", VERSION: f"from {_lowered(part.label)}"}[part.group]


def _where(part: ChangePart, unit: str) -> str:
    """Where an event happened, if elsewhere."""
    return "" if part.units == (unit,) or len(part.units) > 1 else f" in {part.units[0]}"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def part_label(part: ChangePart, unit: str) -> str:
    """What a part is called beside a number of one unit.

    >>> from riskcast.comparison.change_splits import ChangePart
    >>> part_label(ChangePart("events", "e", "Attack, 3 May 2020", 1.0, 0.1, "attack", ("HHH-AAA",)), "HHH-BBB")
    'Attack, 3 May 2020, HHH-AAA'
    """
    if part.group == VALUES:
        return f"{part.label}: {'another level today' if part.id.endswith('.now') else 'new values'}"
    if part.event and not part.units:
        return f"{part.label} {'fade' if part.fades else 'set in'}"
    return part.label if len(part.units) != 1 or part.units == (unit,) else f"{part.label}, {part.units[0]}"
