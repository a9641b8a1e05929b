"""Terms of assertions, each from its own text: `score of TJK`, `records of TJK:demarche from 2024-03-22`, `50 %`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from riskcast.challenge import claim_forms as forms
from riskcast.challenge.claim_numbers import NumberReader, Written
from riskcast.challenge.claim_terms import (
    Base,
    Chance,
    Contribution,
    Effect,
    Fading,
    Level,
    Number,
    Recorded,
    ScoreOf,
    Term,
    unit_of,
)
from riskcast.errors import shorten
from riskcast.forecasting.query_parser import parse_query
from riskcast.forecasting.query_terms import Query
from riskcast.forecasting.query_tokens import QueryError


class TermReader(NumberReader):
    """Reads terms; `at` is the column in which the text of one begins."""

    def hold_alike(self, left: Term, right: Term, at: int) -> None:
        """Raise ClaimError where two terms are measured in different units."""
        if isinstance(right, Number):
            return
        units = [unit_of(term) for term in (left, right)]
        if isinstance(left, Level) and isinstance(right, Level):
            units = [self.case.indicators[term.indicator].unit for term in (left, right)]
        if units[0] != units[1]:
            self.fail(at, f"a number of {units[0]} is held against one of {units[1]}", "hold like against like")

    def term(self, text: str, offset: int) -> Term | Written:
        """A term, or a number, from its text; `offset`: how many characters stand before it."""
        at = offset + len(text) - len(text.lstrip()) + 1
        text = text.strip()
        if re.fullmatch(forms.CHANCE, text):
            return Chance(self.query(text, at - 1))
        known: tuple[tuple[str, Callable[[re.Match[str], int], Term | Written]], ...] = (
            (forms.SCORE, self._score),
            (forms.LEVEL, self._level),
            (forms.REFERENCE, self._reference),
            (forms.BASE, lambda found, at: Base(self.event(found, "name", at))),
            (forms.HALF_LIFE, self._fading),
            (forms.RECORDS, self._recorded),
            (forms.EFFECT, self._effect),
            (forms.CONTRIBUTION, self._contribution),
            (forms.NUMBER, _written),
        )
        for form, build in known:
            found = re.fullmatch(form, text)
            if found is not None:
                return build(found, at)
        return self.fail(at, f"{shorten(repr(text), 60)} is no term", f"write {forms.KNOWN_TERMS}")

    def _score(self, found: re.Match[str], at: int) -> ScoreOf:
        return ScoreOf(None if found["whom"] is None else self.dyad(found, "whom", at))

    def _reference(self, found: re.Match[str], at: int) -> Level:
        return Level(self.known(found, "name", "indicator", self.case.indicators, at), None, reference=True)

    def _effect(self, found: re.Match[str], at: int) -> Effect:
        return Effect(self.source(found, at), self.event(found, "object", at), self.path(found, at))

    def _contribution(self, found: re.Match[str], at: int) -> Contribution:
        return Contribution(self.drivers(found, "one", at), self.dyad(found, "whom", at))

    def _level(self, found: re.Match[str], at: int) -> Level:
        name = self.known(found, "name", "indicator", self.case.indicators, at)
        shared = self.case.indicators[name].scope == "host"
        if shared == (found["whom"] is not None):
            mend = f"write level of {name}" if shared else f"write level of {self.names.dyads[0]}:{name}"
            self.fail(at, f"{name} is of {'the host' if shared else 'a dyad'}", mend)
        return Level(name, None if shared else self.dyad(found, "whom", at))

    def _fading(self, found: re.Match[str], at: int) -> Fading:
        memory = self.known(found, "memory", "memory", self.case.settings.memories, at)
        event = None if found["name"] is None else self.event(found, "name", at)
        if self.case.settings.memories[memory].half_life is None:
            self.fail(at, f"the memory {memory} has no half-life", "name one that fades by halves")
        return Fading(memory, event)

    def _recorded(self, found: re.Match[str], at: int) -> Recorded:
        event = self.event(found, "name", at)
        if self.case.panel is not None:
            self.fail(at, "a panel holds no events with their days", "ask for a level, an effect or a probability")
        if found["whom"] is not None and self.case.events[event].scope == "host":
            self.fail(at, f"{event} is shared by all dyads", f"write records of {event}")
        whom = None if found["whom"] is None else self.dyad(found, "whom", at)
        try:
            first = dt.date.fromisoformat(found["first"])
            last = None if found["last"] is None else dt.date.fromisoformat(found["last"])
        except ValueError:
            self.fail(at, "a day cannot be read", "write days as year-month-day, such as 2024-03-22")
        if last is not None and first > last:
            self.fail(at, f"{last} comes before {first}", "name the earlier day first")
        return Recorded(event, whom, first, last or self.case.as_of)

    def query(self, text: str, offset: int) -> Query:
        """A query in the language of `riskcast ask`; `offset`: how many characters stand before it."""
        try:
            return parse_query(text, self.names.queries)
        except QueryError as error:
            wrong, _, mend = error.wrong.partition("; ")
            self.fail(offset + min(error.column, len(text)), wrong, mend or "see docs/ask.md")


def _written(found: re.Match[str], at: int) -> Written:
    return Written(float(found["value"]), (found["unit"] or "").strip(), at)
