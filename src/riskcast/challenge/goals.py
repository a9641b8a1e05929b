"""What a conclusion is that could fall: a number past another one, or past that of somebody else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case
from riskcast.challenge.targets import QUERY, Target, find_targets
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Bools, Floats

EXAMPLES = '"score:RUS-TJK > 60", "score:RUS-TJK > high", "score:RUS-KAZ > score:RUS-TJK", "demarche:RUS-TJK < 20 %"'
_GOAL = re.compile(r"(?P<left>.+?)\s*(?P<sign>[<>])\s*(?P<right>[^<>]+)", re.S)
_NUMBER = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<percent>%)?")


@dataclass(frozen=True)
class Goal:
    """That a target lies above, or below, a number or another target, in points of 100.

    targets: the one that is asked about, and the other one if there is one; bound: the number, 0 beside another target;
    is_above: whether above; is_strict: whether a tie is not there yet, as it is but at the start of a band.
    """

    text: str
    targets: tuple[Target, ...]
    bound: float
    is_above: bool
    is_strict: bool = True

    def gap(self, values: Floats) -> Floats:
        """How far beyond the goal values are, (..., targets) to (...,): negative where something is missing."""
        away = values[..., 0] - (self.bound if len(self.targets) == 1 else values[..., 1])
        return away if self.is_above else -away

    def is_reached(self, values: Floats) -> Bools:
        """Whether values reach it: (..., targets) to (...,). They are told apart from the fourth digit on, as those of
        queries are: single futures are kept in single precision."""
        away = np.round(self.gap(values), 4)
        return away > 0.0 if self.is_strict else away >= 0.0


def read_goal(case: Case, horizon: int, text: str) -> Goal:
    """A goal in words: a target as `find_targets` takes it, `>` or `<`, and a number, a band's name or a target.

    Raises OptionError for what is no goal, or can never be reached, and what `find_targets` raises.

    >>> from riskcast import load_case
    >>> read_goal(load_case("central_asia_2024"), 12, "demarche:RUS-TJK < 20 %").bound
    20.0
    """
    found = _GOAL.fullmatch(text.strip())
    if found is None:
        raise OptionError(f"{text!r} is no goal; write one such as {EXAMPLES}")
    if QUERY in text:
        raise OptionError(f"{text!r} asks a query, and goals are of scores and outcomes; write one such as {EXAMPLES}")
    left, right = found["left"].strip(), found["right"].strip()
    above = found["sign"] == ">"
    first = _one(case, horizon, left)
    number = _NUMBER.fullmatch(right)
    if number is not None:
        bound = float(number["number"])
        if not 0.0 < bound < 100.0:
            raise OptionError(
                f"{bound:g} lies outside of 0 to 100, where no {left} can be; give points of 100, or per cent"
            )
        if bound < 1.0 and first.event and number["percent"] is None:
            raise OptionError(f"{bound:g} is in points of 100; write {100 * bound:g} % for a probability of {bound:g}")
        return Goal(text.strip(), (first,), bound, above)
    bands = _bands(case)
    if first.event == "" and right in bands:
        # Above a band's name is in it; below is beneath its start.
        if not bands[right] > 0.0:
            known = ", ".join(name for name, start in bands.items() if start > 0.0)
            raise OptionError(f"{right} begins at 0, and no score lies beneath; name a number, or one of {known}")
        return Goal(text.strip(), (first,), bands[right], above, is_strict=not above)
    if ":" not in right:
        raise OptionError(f"{right!r} is no number, band ({', '.join(bands)}) or target; write one such as {EXAMPLES}")
    second = _one(case, horizon, right)
    if second == first:
        raise OptionError(f"{text!r} holds {second.id} against itself; name two, or a number")
    return Goal(text.strip(), (first, second), 0.0, above)


def _bands(case: Case) -> Mapping[str, float]:
    return {band.name: band.start for band in case.settings.bands}


def _one(case: Case, horizon: int, text: str) -> Target:
    found = find_targets(case, horizon, [text])
    if len(found) != 1:
        raise OptionError(f"{text} is of {len(found)} pairs; name one, as in {found[0].id}")
    return found[0]
