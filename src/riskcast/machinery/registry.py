"""Parts of one kind under names, in a fixed order, each imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from riskcast.errors import OptionError, UnknownNameError


@dataclass(frozen=True)
class Entry:
    """One line of a registry: what the part is, in a few words for help texts, and where it stands.

    `part` is the part itself, or `module:attribute` of a module that is imported when the part is asked for.
    """

    about: str
    part: Any


class Registry[Part]:
    """The parts of one kind by name.

    >>> engines = Registry[object]("engine", {"exact": Entry("counts all futures", "fractions:Fraction")})
    >>> engines.names, engines.about("exact"), engines.get("exact").__name__
    (('exact',), 'counts all futures', 'Fraction')
    """

    def __init__(self, kind: str, entries: dict[str, Entry]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order in which help and tables list them."""
        return tuple(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def check(self, name: str) -> str:
        """The name, if it is known; raises UnknownNameError with the nearest ones if not."""
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self.names)
        return name

    def about(self, name: str) -> str:
        """What the part is, in a few words."""
        return self._entries[self.check(name)].about

    def get(self, name: str) -> Part:
        """The part of that name; raises UnknownNameError where there is none."""
        part = self._entries[self.check(name)].part
        if not isinstance(part, str):
            return part
        module, _, attribute = part.partition(":")
        return getattr(import_module(module), attribute)

    def add(self, name: str, about: str, part: Part | str) -> None:
        """Add a part for this process, for plug-ins; raises OptionError where the name is taken."""
        if name in self._entries:
            raise OptionError(f"the {self.kind} {name!r} is there already; choose another name")
        self._entries[name] = Entry(about, part)

    def remove(self, name: str) -> None:
        """Take out a part that was added."""
        del self._entries[self.check(name)]
