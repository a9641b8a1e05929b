"""A dyad as a value: two states, and the id that files and results know it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SEPARATOR: Final = "-"


@dataclass(frozen=True)
class Dyad:
    """A pair of states; `first` is the host where a case has one, else the order is that of the id.

    >>> Dyad.parse("RUS-TJK")
    Dyad(first='RUS', second='TJK')
    """

    first: str
    second: str

    @classmethod
    def parse(cls, id: str) -> Dyad:
        """The dyad of an id, FIRST-SECOND; raises ValueError where the text names no two states."""
        first, _, second = id.partition(SEPARATOR)
        if not first or not second:
            raise ValueError(f"{id!r} names no two states; write FIRST{SEPARATOR}SECOND")
        return cls(first, second)

    @staticmethod
    def names_one(unit: str) -> bool:
        """Whether a unit's id names a dyad, and not a host.

        >>> Dyad.names_one("RUS-TJK"), Dyad.names_one("RUS")
        (True, False)
        """
        return SEPARATOR in unit

    @property
    def id(self) -> str:
        """The id, FIRST-SECOND.

        >>> Dyad("RUS", "TJK").id
        'RUS-TJK'
        """
        return f"{self.first}{SEPARATOR}{self.second}"

    @property
    def states(self) -> tuple[str, str]:
        """Both states, as the id has them."""
        return self.first, self.second

    @property
    def reverse(self) -> Dyad:
        """The same two states the other way round.

        >>> Dyad("RUS", "TJK").reverse.id
        'TJK-RUS'
        """
        return Dyad(self.second, self.first)

    def touches(self, other: Dyad) -> bool:
        """Whether the two dyads have a state in common.

        >>> Dyad("RUS", "TJK").touches(Dyad("TJK", "KGZ"))
        True
        """
        return not {*self.states}.isdisjoint(other.states)


def states_of(unit: str) -> tuple[str, ...]:
    """The states of a unit: both of a dyad, or the host alone.

    >>> states_of("RUS-TJK"), states_of("RUS")
    (('RUS', 'TJK'), ('RUS',))
    """
    return Dyad.parse(unit).states if Dyad.names_one(unit) else (unit,)
