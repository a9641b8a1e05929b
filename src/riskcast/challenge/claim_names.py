"""The names that assertions can use, and what to say of those that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from riskcast.case.model import Case
from riskcast.errors import RiskcastError, shorten, suggest
from riskcast.forecasting.query_names import names_ahead
from riskcast.forecasting.query_terms import Vocabulary


class ClaimError(RiskcastError, ValueError):
    """An assertion that cannot be read; tells the column, what is wrong there and how to mend it."""

    def __init__(self, text: str, column: int, wrong: str, mend: str) -> None:
        self.column, self.wrong, self.mend = column, wrong, mend
        shown = f"{shorten(text, 300)}\n  {' ' * (column - 1)}^"
        super().__init__(f"the assertion cannot be read: column {column}: {wrong}; {mend}\n  {shown}")


@dataclass(frozen=True)
class Names:
    """The names that assertions of a case can use, in a forecast of so many periods."""

    case: Case
    queries: Vocabulary
    dyads: tuple[str, ...]

    @classmethod
    def of(cls, case: Case, horizon: int | None = None) -> Names:
        """Those of a case; the horizon is its own where none is given."""
        return cls(case, *names_ahead(case, case.settings.horizon if horizon is None else horizon))


class NameReader:
    """Reads names in the groups of a match; `at` is the column in which the text that was matched begins."""

    def __init__(self, text: str, names: Names) -> None:
        self.text, self.names, self.case = text, names, names.case

    def drivers(self, found: re.Match[str], group: str, at: int = 1) -> tuple[str, ...]:
        """Some indicators and events, in parentheses or one alone."""
        named = tuple(name.strip() for name in found[group].strip("()").split(","))
        known = (*self.case.indicators, *self.case.events)
        for name in named:
            if name not in known:
                column = at + found.start(group) + found[group].index(name)
                self.fail(column, f"unknown indicator or event {name!r}", suggest(name, known))
            if named.count(name) > 1:
                self.fail(at + found.start(group), f"{name} is named twice", "name it once")
        return named

    def source(self, found: re.Match[str], at: int = 1) -> str:
        """An indicator or event."""
        return self.known(found, "subject", "indicator or event", (*self.case.indicators, *self.case.events), at)

    def event(self, found: re.Match[str], group: str, at: int = 1) -> str:
        """An event."""
        return self.known(found, group, "event", self.case.events, at)

    def dyad(self, found: re.Match[str], group: str, at: int = 1) -> str:
        """A dyad, by its id or its partner's."""
        return self.names.queries.dyads[self.known(found, group, "dyad", self.names.queries.dyads, at)]

    def path(self, found: re.Match[str], at: int = 1) -> str | None:
        """The path of an edge, where one is named."""
        paths = dict.fromkeys(effect.path for effect in self.case.effects if effect.path)
        return None if found["path"] is None else self.known(found, "path", "path", paths, at)

    def known(self, found: re.Match[str], group: str, what: str, known: Iterable[str], at: int = 1) -> str:
        """A name that is known; raises ClaimError for any other."""
        name, known = found[group], tuple(known)
        if name not in known:
            self.fail(at + found.start(group), f"unknown {what} {name!r}", suggest(name, known))
        return name

    def fail(self, column: int, wrong: str, mend: str) -> NoReturn:
        """Raise ClaimError of what stands in a column."""
        raise ClaimError(self.text, column, wrong, mend)
