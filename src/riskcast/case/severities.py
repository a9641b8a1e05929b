"""What severities stand for: a scale of how much of ordinary relations an outcome takes away."""

from __future__ import annotations

from typing import Final

SCALE: Final = (
    (0.0, "words: fault is found in public, and nothing changes for anybody"),
    (10.0, "a formal step of diplomacy: a note, a summons, advice not to travel"),
    (20.0, "a measure that costs: a ban on some goods, a rule that burdens many"),
    (30.0, "harm to many people or firms at once, such as mass expulsion"),
    (40.0, "a link is cut or assets are taken, or a common institution is left; half of ordinary relations"),
    (60.0, "a break of relations as they were: treaties, visa-free travel or envoys go"),
    (95.0, "armed force, or the end of all relations"),
)


def severity_in_words(severity: float) -> str:
    """What a severity of 0 to 100 stands for; docs/scores.md has the scale and how to place an outcome on it.

    >>> severity_in_words(15.0)
    'a formal step of diplomacy: a note, a summons, advice not to travel'
    """
    return [words for start, words in SCALE if start <= severity][-1]
