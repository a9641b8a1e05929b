"""The language of claims: `xenophobia +1 step raises TJK:abuse_incident` as an assertion."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Final

from riskcast.challenge import claim_forms as forms
from riskcast.challenge.claim_names import NameReader, Names
from riskcast.challenge.claim_terms import (
    Alone,
    Assertion,
    Assumed,
    Base,
    Chance,
    Change,
    Comparison,
    Contribution,
    Effect,
    Ending,
    Extreme,
    Fading,
    Level,
    Made,
    MemoryEffect,
    Number,
    Recorded,
    Rise,
    ScoreOf,
    Sign,
    Step,
    Subject,
    Term,
    unit_of,
)
from riskcast.errors import shorten
from riskcast.forecasting.query_parser import parse_query
from riskcast.forecasting.query_terms import Query
from riskcast.forecasting.query_tokens import QueryError

_SIGNS: Final = {"≥": ">=", "≤": "<=", "−": "-", "–": "-"}


def parse_assertion(text: str, names: Names) -> Assertion:
    """An assertion from its text; raises ClaimError with the column of what cannot be read.

    >>> from riskcast import load_case
    >>> names = Names.of(load_case("central_asia_2024"))
    >>> parse_assertion("xenophobia raises the rate of abuse_incident", names).parts[0].left
    Effect(source='xenophobia', target='abuse_incident', path=None)
    >>> parse_assertion("xenofobia raises the rate of abuse_incident", names)
    Traceback (most recent call last):
    ...
    riskcast.challenge.claim_names.ClaimError: the assertion cannot be read: column 1: unknown indicator or event...
    """
    return _Reader(" ".join("".join(_SIGNS.get(c, c) for c in text).split()), names).read()


class _Reader(NameReader):
    """Reads one assertion, by the first form that it has."""

    def read(self) -> Assertion:
        """The whole assertion."""
        for form, build in self._forms:
            found = re.fullmatch(form, self.text)
            if found is not None:
                return Assertion(self.text, tuple(build(found)))
        comparison = self._comparison()
        if comparison is None:
            mend = f"write one of the forms of docs/claims.md, such as {'; or '.join(forms.EXAMPLES)}"
            self.fail(1, "it has none of the forms that are known", mend)
        return Assertion(self.text, (comparison,))

    @property
    def _forms(self) -> tuple[tuple[str, Callable[[re.Match[str]], Iterable[Comparison | Alone]]], ...]:
        return (
            (forms.RATE, self._rate),
            (forms.MORE, self._more),
            (forms.CHANGE, self._change),
            (forms.ALONE, self._alone),
            (forms.MEMORY, self._memory),
            (forms.ENDS, self._ends),
            (forms.BOTH_WAYS, self._both_ways),
            (forms.OUTWEIGH, self._outweigh),
            (forms.ADDS, self._adds),
            (forms.FALLS, self._falls),
        )

    def _rate(self, found: re.Match[str]) -> Iterable[Comparison]:
        source, target = self.source(found), self.event(found, "object")
        sign, threshold = self._ratio(found)
        yield Comparison(Effect(source, target, found["path"]), sign, Number(threshold))

    def _change(self, found: re.Match[str]) -> Iterable[Comparison]:
        sign: Sign = ">" if found["verb"] == "raises" else "<"
        size = float(found["size"] or 0.0)
        if found["object"] in self.case.indicators:
            self._unit(found, "step")
            if found["scenario"] or found["steps"] or found["at"] or found["whom"]:
                mend = "write it as `EVENT raises INDICATOR`, for one event or one step of a parent"
                self.fail(found.start("object") + 1, "what moves an indicator is an event or an indicator", mend)
            term: Term = Rise(self.source(found), found["object"])
        else:
            self._unit(found, "point")
            term = self._moved(found)
        yield Comparison(term, sign, Number(size if sign == ">" else 0.0 - size))

    def _more(self, found: re.Match[str]) -> Iterable[Comparison]:
        if found["whom"] or found["whose"]:
            self.fail(found.start("verb") + 1, "it names dyads twice", "name them after `more in` alone")
        sign: Sign = ">" if found["verb"] == "raises" else "<"
        moved = self._moved(found)
        if moved.event is not None and self.case.events[moved.event].scope == "host":
            self.fail(found.start("object") + 1, f"{moved.event} is shared by all dyads", "name an event of dyads")
        one = self.dyad(found, "one")
        two = None if found["two"] is None else self.dyad(found, "two")
        other = Change(moved.subject, moved.event, two, one if two is None else None)
        yield Comparison(Change(moved.subject, moved.event, one), sign, other)

    def _alone(self, found: re.Match[str]) -> Iterable[Alone]:
        if found["object"] in self.case.indicators and not found["whom"]:
            yield Alone(Change(self._subject(found), None, None), found["object"])
        else:
            yield Alone(self._moved(found))

    def _memory(self, found: re.Match[str]) -> Iterable[Comparison]:
        indicator = self.known(found, "subject", "indicator", self.case.indicators)
        shorter = found["verb"] in ("shortens", "shorter")
        _, threshold = self._ratio(found, lower=shorter)
        yield Comparison(
            MemoryEffect(indicator, self.event(found, "object")), "<" if shorter else ">", Number(threshold)
        )

    def _ends(self, found: re.Match[str]) -> Iterable[Comparison]:
        yield Comparison(Ending(self.event(found, "object"), self.event(found, "subject")), ">", Number(1.0))

    def _both_ways(self, found: re.Match[str]) -> Iterable[Comparison]:
        source = self.known(found, "subject", "indicator", self.case.indicators)
        yield Comparison(Extreme(source, True), ">", Number(1.0))
        yield Comparison(Extreme(source, False), "<", Number(1.0))

    def _outweigh(self, found: re.Match[str]) -> Iterable[Comparison]:
        drivers = (*self.drivers(found, "one"), *self.drivers(found, "two"))
        yield Comparison(Contribution(drivers, self.dyad(found, "whom")), ">", Number(0.0))

    def _adds(self, found: re.Match[str]) -> Iterable[Comparison]:
        self._unit(found, "point")
        adds, size = found["verb"].startswith("add"), float(found["size"] or 0.0)
        term = Contribution(self.drivers(found, "one"), self.dyad(found, "whom"))
        yield Comparison(term, ">" if adds else "<", Number(size if adds else 0.0 - size))

    def _falls(self, found: re.Match[str]) -> Iterable[Comparison]:
        inner, period = found["query"][2:-1], found["period"]
        early, late = (
            self._query(f"P({inner} in {period} {found[which]})", found.start("query"), found[which])
            for which in ("first", "last")
        )
        sign: Sign = "<" if found["verb"] == "falls below" else ">"
        yield Comparison(Chance(late), sign, Chance(early), self._factor(found["share"]))

    def _comparison(self) -> Comparison | None:
        """Two terms with a sign between them, which stands outside all parentheses."""
        depth = 0
        for place, character in enumerate(self.text):
            depth += (character == "(") - (character == ")")
            if depth or character not in "<>":
                continue
            sign = self.text[place : place + 2] if self.text[place + 1 : place + 2] == "=" else character
            start = place + len(sign)
            left = self._term(self.text[:place], 0)
            share = re.match(rf"\s*{forms.SHARE} ", self.text[start:])
            right = self._term(
                self.text[start + (share.end() if share else 0) :], start + (share.end() if share else 0)
            )
            if isinstance(left, Number):
                self.fail(1, "a number stands on the left", "turn it around: the number comes last")
            if not isinstance(right, Number) and unit_of(left) != unit_of(right):
                wrong = f"a number of {unit_of(left)} is held against one of {unit_of(right)}"
                self.fail(start + 2, wrong, "hold like against like")
            return Comparison(left, sign, right, self._factor(share["share"] if share else None))  # ty: ignore[invalid-argument-type]
        return None

    def _term(self, text: str, offset: int) -> Term:
        at = offset + len(text) - len(text.lstrip()) + 1
        text = text.strip()
        if re.fullmatch(forms.CHANCE, text):
            return Chance(self._query(text, at - 1))
        known: tuple[tuple[str, Callable[[re.Match[str], int], Term]], ...] = (
            (forms.SCORE, self._score),
            (forms.LEVEL, self._level),
            (forms.REFERENCE, self._reference),
            (forms.BASE, lambda found, at: Base(self.event(found, "name", at))),
            (forms.HALF_LIFE, self._fading),
            (forms.RECORDS, self._recorded),
            (forms.EFFECT, self._effect),
            (forms.CONTRIBUTION, self._contribution),
            (forms.NUMBER, _number),
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
        return Effect(self.source(found, at), self.event(found, "object", at), found["path"])

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
        whom = None if found["whom"] is None else self.dyad(found, "whom", at)
        try:
            first = dt.date.fromisoformat(found["first"])
            last = dt.date.fromisoformat(found["last"] or self.case.as_of.isoformat())
        except ValueError:
            self.fail(at, "a day cannot be read", "write days as year-month-day, such as 2024-03-22")
        return Recorded(event, whom, first, last)

    def _moved(self, found: re.Match[str]) -> Change:
        """What a subject does to a probability or score."""
        event = None if found["object"] is None else self.event(found, "object")
        shared = event is not None and self.case.events[event].scope == "host"
        which = "whose" if found["whose"] else "whom"
        if shared and found["whom"]:
            self.fail(found.start("whom") + 1, f"{event} is shared by all dyads", f"write {event} alone")
        whom = self.case.host if shared else None if found[which] is None else self.dyad(found, which)
        return Change(self._subject(found), event, whom)

    def _subject(self, found: re.Match[str]) -> Subject:
        if found["scenario"]:
            return Assumed(self.known(found, "scenario", "scenario", self.case.scenarios))
        name = self.source(found)
        if name in self.case.indicators:
            if found["at"]:
                self.fail(found.start("at") + 1, "an indicator moves in all dyads at once", f"write {name} alone")
            steps = float((found["steps"] or "1").replace(" ", ""))
            return Step(name, steps if steps else self.fail(found.start("steps") + 1, "no step", "write +1 step"))
        if found["steps"]:
            self.fail(found.start("steps") + 1, f"{name} is an event, which has no steps", f"write {name} alone")
        if self.case.events[name].scope == "host":
            return Made(name, self.case.host)
        if not found["at"]:
            mend = f"say in which dyad it happens, such as {self.names.dyads[0]}:{name}"
            self.fail(found.start("subject") + 1, f"{name} happens in one dyad", mend)
        return Made(name, self.dyad(found, "at"))

    def _ratio(self, found: re.Match[str], lower: bool | None = None) -> tuple[Sign, float]:
        lower = found["verb"] == "lowers" if lower is None else lower
        self._unit(found, "%")
        size = float(found["size"] or 0.0) / 100.0
        if lower and size >= 1.0:
            self.fail(found.start("size") + 1, "nothing falls by all of itself", "give less than 100 %")
        return ("<", 1.0 - size) if lower else (">", 1.0 + size)

    def _unit(self, found: re.Match[str], wanted: str) -> None:
        if found["unit"] is not None and found["unit"].rstrip("s") != wanted:
            told = {"%": "%, as of a factor", "point": "points", "step": "steps"}[wanted]
            self.fail(found.start("unit") + 1, f"`{found['unit']}` is not what this is measured in", f"give {told}")

    def _query(self, text: str, offset: int, shown: str = "") -> Query:
        try:
            return parse_query(text, self.names.queries)
        except QueryError as error:
            wrong, _, mend = error.wrong.partition("; ")
            self.fail(offset + min(error.column, len(text)), wrong, mend or "see docs/ask.md")

    def _factor(self, share: str | None) -> float:
        if share is None:
            return 1.0
        if share in forms.SHARES:
            return forms.SHARES[share]
        top, _, bottom = share.split()[0].partition("/")
        if not float(top) or not float(bottom or 1.0):
            self.fail(self.text.index(share) + 1, f"{share} nothing is left", "give a factor such as 1/3")
        return float(top) / float(bottom or 1.0)


def _number(found: re.Match[str], at: int) -> Number:
    value = float(found["value"])
    return Number(value / 100.0 if found["percent"] else value)
