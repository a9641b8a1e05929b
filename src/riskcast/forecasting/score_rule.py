"""The rule of the score: what the outcomes of one dyad add up to, whether they occurred or may occur."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from riskcast.case.model import Case
from riskcast.machinery.array_types import Floats

# Ways in which outcomes that imply others can turn out, summed one by one: 2 to the power of so many.
MOST_IMPLYING = 12


@dataclass(frozen=True)
class Scored:
    """An outcome that adds to scores: its share of what is left of 100 points, and which outcomes imply it."""

    event: str
    share: float
    implied_by: tuple[str, ...] = ()


def scored_outcomes(case: Case) -> tuple[Scored, ...]:
    """The outcomes that add to a case's scores, in file order: those of one dyad; what dyads share stands apart."""
    return tuple(
        Scored(name, float(case.events[name].severity or 0.0) / 100.0, case.implied_by.get(name, ()))
        for name in case.own_outcomes
    )


def most_points(scored: Sequence[Scored]) -> float:
    """The score of a dyad that meets every outcome: 100 (1 - prod(1 - share)).

    >>> most_points((Scored("a", 0.5), Scored("b", 0.2)))
    60.0
    """
    return 100.0 * (1.0 - math.prod(1.0 - each.share for each in scored))


def points(scored: Sequence[Scored], counted: Mapping[str, Floats]) -> Floats:
    """The score 100 (1 - prod over outcomes that count of (1 - share)), from 1 where each counts, else 0, of any shape.

    Outcomes add up as chances do: each takes its share of what the others have left of 100 points. One that occurred
    counts unless all its periods hold an outcome that implies it (see `count_alone`).

    >>> points((Scored("a", 0.5), Scored("b", 0.2)), {"a": np.array([1.0, 1.0]), "b": np.array([0.0, 1.0])}).tolist()
    [50.0, 60.0]
    """
    left = math.prod((1.0 - each.share * counted[each.event] for each in scored), start=np.ones(()))
    return 100.0 * (1.0 - left)


def count_alone(implied: Floats, implying: Sequence[Floats]) -> Floats:
    """Where an outcome occurs in a period without any that implies it: arrays of 0 and 1 of one shape.

    >>> count_alone(np.array([1.0, 1.0, 0.0]), [np.array([0.0, 1.0, 1.0])]).tolist()
    [1.0, 0.0, 0.0]
    """
    alone = implied
    for other in implying:
        alone = alone * (1.0 - other)
    return alone


def can_enumerate(scored: Sequence[Scored]) -> bool:
    """Whether `expected_points` has few enough outcomes that imply others."""
    return all(len(_implying(part)) <= MOST_IMPLYING for part in _parts(scored))


def expected_points(scored: Sequence[Scored], chance: Mapping[str, Floats]) -> Floats:
    """The mean score over independent outcomes of one period, from the chance of each, of any one shape.

    100 (1 - prod(1 - share * chance)); outcomes of which some imply others are summed over all ways in which those
    can turn out.

    >>> implied = (Scored("note", 0.5), Scored("word", 0.2, ("note",)))
    >>> round(float(expected_points(implied, {"note": np.array(0.5), "word": np.array(1.0)})), 6)
    35.0
    """
    left: Floats = np.ones(())
    for part in _parts(scored):
        left = left * _left_of(part, chance)
    return 100.0 * (1.0 - left)


def _left_of(part: Sequence[Scored], chance: Mapping[str, Floats]) -> Floats:
    """What a group of outcomes, joined by implication, leaves of 1 on average."""
    implying = _implying(part)
    total: Floats = np.zeros(())
    for happen in product((False, True), repeat=len(implying)):
        on = {name for name, happens in zip(implying, happen, strict=True) if happens}
        weight: Floats = np.ones(())
        for name in implying:
            weight = weight * (chance[name] if name in on else 1.0 - chance[name])
        for each in part:
            if on.intersection(each.implied_by):
                continue
            occurs = float(each.event in on) if each.event in implying else chance[each.event]
            weight = weight * (1.0 - each.share * occurs)
        total = total + weight
    return total


def _implying(part: Sequence[Scored]) -> tuple[str, ...]:
    """Outcomes that imply others."""
    named = {name for each in part for name in each.implied_by}
    return tuple(each.event for each in part if each.event in named)


def _parts(scored: Sequence[Scored]) -> list[list[Scored]]:
    """Groups of outcomes of which none implies one of another group."""
    groups: list[list[Scored]] = []
    for each in scored:
        joined = [
            group
            for group in groups
            if any(other.event in each.implied_by or each.event in other.implied_by for other in group)
        ]
        groups = [group for group in groups if group not in joined]
        groups.append([*(one for group in joined for one in group), each])
    return groups
