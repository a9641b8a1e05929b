"""The language of claims: `xenophobia +1 step raises TJK:abuse_incident` as an assertion."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NoReturn

from riskcast.case.model import Case
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
from riskcast.errors import RiskcastError, shorten, suggest
from riskcast.forecasting.query_names import names_ahead
from riskcast.forecasting.query_parser import parse_query
from riskcast.forecasting.query_terms import Query, Vocabulary
from riskcast.forecasting.query_tokens import QueryError

_NAME, _WHO, _COUNT = r"[a-z][a-z0-9_]*", r"[A-Za-z][\w-]*", r"\d+(?:\.\d+)?"
_SUBJECT = (
    rf"(?:scenario (?P<scenario>{_NAME})|(?:(?P<at>{_WHO}):)?(?P<subject>{_NAME})(?: (?P<steps>[-+] ?{_COUNT}) steps?)?)"
)
_OBJECT = rf"(?:the score(?: of (?P<whose>{_WHO}))?|(?:(?P<whom>{_WHO}):)?(?P<object>{_NAME}))"
_SIZE = rf"(?: by at least (?P<size>{_COUNT}) ?(?P<unit>%|points?|steps?))?"
_VERB = r"(?P<verb>raises|lowers)"
_LIST = rf"(?:{_NAME}|\({_NAME}(?:, ?{_NAME})*\))"
_SHARES: Final = {"half of": 1 / 2, "a third of": 1 / 3, "a quarter of": 1 / 4, "a tenth of": 1 / 10, "twice": 2.0}
_SHARE = rf"(?P<share>half of|a third of|a quarter of|a tenth of|twice|{_COUNT}(?:/{_COUNT})? (?:times|of))"
_SIGNS: Final = {"≥": ">=", "≤": "<=", "−": "-", "–": "-"}
EXAMPLES: Final = (
    "xenophobia +1 step raises TJK:abuse_incident",
    "P(TJK:demarche in month 6) < P(TJK:demarche in month 1)",
    "labour_shortage shortens the memory of mass_expulsion",
)


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


def parse_assertion(text: str, names: Names) -> Assertion:
    """An assertion from its text; raises ClaimError with the column of what cannot be read.

    >>> from riskcast import load_case
    >>> names = Names.of(load_case("central_asia_2024"))
    >>> parse_assertion("xenophobia raises the rate of abuse_incident", names).parts[0].left
    Effect(source='xenophobia', target='abuse_incident', path=None)
    >>> parse_assertion("xenofobia raises the rate of abuse_incident", names)
    Traceback (most recent call last):
    ...
    riskcast.challenge.claim_parser.ClaimError: the assertion cannot be read: column 1: unknown indicator or event...
    """
    return _Reader(" ".join("".join(_SIGNS.get(c, c) for c in text).split()), names).read()


class _Reader:
    """Reads one assertion, by the first form that it has."""

    def __init__(self, text: str, names: Names) -> None:
        self._text, self._names, self._case = text, names, names.case

    def read(self) -> Assertion:
        """The whole assertion."""
        for form, build in self._forms:
            found = re.fullmatch(form, self._text)
            if found is not None:
                return Assertion(self._text, tuple(build(found)))
        comparison = self._comparison()
        if comparison is None:
            mend = f"write one of the forms of docs/claims.md, such as {'; or '.join(EXAMPLES)}"
            self._fail(1, "it has none of the forms that are known", mend)
        return Assertion(self._text, (comparison,))

    @property
    def _forms(self) -> tuple[tuple[str, Callable[[re.Match[str]], Iterable[Comparison | Alone]]], ...]:
        return (
            (rf"(?P<subject>{_NAME}) {_VERB} the rate of (?P<object>{_NAME})(?: through (?P<path>\w+))?{_SIZE}", self._rate),
            (rf"{_SUBJECT} {_VERB} {_OBJECT} more in (?P<one>{_WHO}) than (?:in (?P<two>{_WHO})|elsewhere)", self._more),
            (rf"{_SUBJECT} {_VERB} {_OBJECT}{_SIZE}", self._change),
            (rf"{_SUBJECT} leaves {_OBJECT} alone", self._alone),
            (
                rf"(?P<subject>{_NAME})(?: up:)? (?P<verb>shortens|lengthens|shorter|longer)(?: the)? memory of "
                rf"(?P<object>{_NAME}){_SIZE}",
                self._memory,
            ),
            (rf"(?P<object>{_NAME}) ends (?P<subject>{_NAME})", self._ends),
            (rf"(?P<subject>{_NAME}) works both ways", self._both_ways),
            (rf"in (?P<whom>{_WHO}),? (?P<one>{_LIST}) outweighs? (?P<two>{_LIST})", self._outweigh),
            (
                rf"(?P<one>{_LIST}) (?P<verb>adds?|takes?) (?:to|from) the score of (?P<whom>{_WHO}){_SIZE}",
                self._adds,
            ),
            (
                rf"(?P<query>P\(.*\)) (?P<verb>falls below|rises above)(?: {_SHARE})? (?P<period>\w+) (?P<first>\d+) "
                rf"by (?P=period) (?P<last>\d+)",
                self._falls,
            ),
        )  # fmt: skip

    def _rate(self, found: re.Match[str]) -> Iterable[Comparison]:
        source, target = self._source(found), self._event(found, "object")
        sign, threshold = self._ratio(found)
        yield Comparison(Effect(source, target, found["path"]), sign, Number(threshold))

    def _change(self, found: re.Match[str]) -> Iterable[Comparison]:
        sign: Sign = ">" if found["verb"] == "raises" else "<"
        size = float(found["size"] or 0.0)
        if found["object"] in self._case.indicators:
            self._unit(found, "step")
            if found["scenario"] or found["steps"] or found["at"] or found["whom"]:
                mend = "write it as `EVENT raises INDICATOR`, for one event or one step of a parent"
                self._fail(found.start("object") + 1, "what moves an indicator is an event or an indicator", mend)
            term: Term = Rise(self._source(found), found["object"])
        else:
            self._unit(found, "point")
            term = self._moved(found)
        yield Comparison(term, sign, Number(size if sign == ">" else -size))

    def _more(self, found: re.Match[str]) -> Iterable[Comparison]:
        if found["whom"] or found["whose"]:
            self._fail(found.start("verb") + 1, "it names dyads twice", "name them after `more in` alone")
        sign: Sign = ">" if found["verb"] == "raises" else "<"
        moved = self._moved(found)
        if moved.event is not None and self._case.events[moved.event].scope == "host":
            self._fail(found.start("object") + 1, f"{moved.event} is shared by all dyads", "name an event of dyads")
        one = self._dyad(found, "one")
        two = None if found["two"] is None else self._dyad(found, "two")
        other = Change(moved.subject, moved.event, two, one if two is None else None)
        yield Comparison(Change(moved.subject, moved.event, one), sign, other)

    def _alone(self, found: re.Match[str]) -> Iterable[Alone]:
        if found["object"] in self._case.indicators and not found["whom"]:
            yield Alone(Change(self._subject(found), None, None), found["object"])
        else:
            yield Alone(self._moved(found))

    def _memory(self, found: re.Match[str]) -> Iterable[Comparison]:
        indicator = self._known(found, "subject", "indicator", self._case.indicators)
        shorter = found["verb"] in ("shortens", "shorter")
        _, threshold = self._ratio(found, lower=shorter)
        yield Comparison(MemoryEffect(indicator, self._event(found, "object")), "<" if shorter else ">", Number(threshold))

    def _ends(self, found: re.Match[str]) -> Iterable[Comparison]:
        yield Comparison(Ending(self._event(found, "object"), self._event(found, "subject")), ">", Number(1.0))

    def _both_ways(self, found: re.Match[str]) -> Iterable[Comparison]:
        source = self._known(found, "subject", "indicator", self._case.indicators)
        yield Comparison(Extreme(source, True), ">", Number(1.0))
        yield Comparison(Extreme(source, False), "<", Number(1.0))

    def _outweigh(self, found: re.Match[str]) -> Iterable[Comparison]:
        drivers = (*self._drivers(found, "one"), *self._drivers(found, "two"))
        yield Comparison(Contribution(drivers, self._dyad(found, "whom")), ">", Number(0.0))

    def _adds(self, found: re.Match[str]) -> Iterable[Comparison]:
        self._unit(found, "point")
        adds, size = found["verb"].startswith("add"), float(found["size"] or 0.0)
        term = Contribution(self._drivers(found, "one"), self._dyad(found, "whom"))
        yield Comparison(term, ">" if adds else "<", Number(size if adds else -size))

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
        for place, character in enumerate(self._text):
            depth += (character == "(") - (character == ")")
            if depth or character not in "<>":
                continue
            sign = self._text[place : place + 2] if self._text[place + 1 : place + 2] == "=" else character
            start = place + len(sign)
            left = self._term(self._text[:place], 0)
            share = re.match(rf"\s*{_SHARE} ", self._text[start:])
            right = self._term(self._text[start + (share.end() if share else 0) :], start + (share.end() if share else 0))
            if isinstance(left, Number):
                self._fail(1, "a number stands on the left", "turn it around: the number comes last")
            if not isinstance(right, Number) and unit_of(left) != unit_of(right):
                wrong = f"{unit_of(left)} are held against {unit_of(right)}"
                self._fail(start + 2, wrong, "hold like against like")
            return Comparison(left, sign, right, self._factor(share["share"] if share else None))  # ty: ignore[invalid-argument-type]
        return None

    def _term(self, text: str, offset: int) -> Term:
        at = offset + len(text) - len(text.lstrip()) + 1
        text = text.strip()
        if re.fullmatch(r"P\(.*\)", text):
            return Chance(self._query(text, at - 1))
        forms: tuple[tuple[str, Callable[[re.Match[str]], Term]], ...] = (
            (rf"(?:the )?score of (?P<whom>{_WHO})", lambda m: ScoreOf(self._dyad(m, "whom", at))),
            (r"the score", lambda m: ScoreOf(None)),
            (rf"(?:the )?level of (?:(?P<whom>{_WHO}):)?(?P<name>{_NAME})", lambda m: self._level(m, at)),
            (
                rf"(?:the )?reference of (?P<name>{_NAME})",
                lambda m: Level(self._known(m, "name", "indicator", self._case.indicators, at), None, reference=True),
            ),
            (rf"(?:the )?base rate of (?P<name>{_NAME})", lambda m: Base(self._event(m, "name", at))),
            (rf"(?:the )?half-life of (?P<memory>{_NAME})(?: of (?P<name>{_NAME}))?", lambda m: self._fading(m, at)),
            (
                rf"(?:the )?records? of (?:(?P<whom>{_WHO}):)?(?P<name>{_NAME}) from (?P<first>[\d-]+)(?: to (?P<last>[\d-]+))?",
                lambda m: self._recorded(m, at),
            ),
            (
                rf"(?:the )?effect of (?P<subject>{_NAME}) on (?P<object>{_NAME})(?: through (?P<path>\w+))?",
                lambda m: Effect(self._source(m, at), self._event(m, "object", at), m["path"]),
            ),
            (
                rf"(?:the )?contribution of (?P<one>{_LIST}) to (?P<whom>{_WHO})",
                lambda m: Contribution(self._drivers(m, "one", at), self._dyad(m, "whom", at)),
            ),
            (rf"(?P<value>-?{_COUNT})(?P<percent> ?%)?(?: \w+)?", lambda m: _number(m)),
        )  # fmt: skip
        for form, build in forms:
            found = re.fullmatch(form, text)
            if found is not None:
                return build(found)
        mend = "write P(...), score of, level of, base rate of, half-life of, records of, effect of, contribution of, or a number"
        return self._fail(at, f"{shorten(repr(text), 60)} is no term", mend)

    def _level(self, found: re.Match[str], at: int) -> Level:
        name = self._known(found, "name", "indicator", self._case.indicators, at)
        shared = self._case.indicators[name].scope == "host"
        if shared == (found["whom"] is not None):
            mend = f"write level of {name}" if shared else f"write level of {self._names.dyads[0]}:{name}"
            self._fail(at, f"{name} is of {'the host' if shared else 'a dyad'}", mend)
        return Level(name, None if shared else self._dyad(found, "whom", at))

    def _fading(self, found: re.Match[str], at: int) -> Fading:
        memory = self._known(found, "memory", "memory", self._case.settings.memories, at)
        event = None if found["name"] is None else self._event(found, "name", at)
        if self._case.settings.memories[memory].half_life is None:
            self._fail(at, f"the memory {memory} has no half-life", "name one that fades by halves")
        return Fading(memory, event)

    def _recorded(self, found: re.Match[str], at: int) -> Recorded:
        event = self._event(found, "name", at)
        whom = None if found["whom"] is None else self._dyad(found, "whom", at)
        try:
            first = dt.date.fromisoformat(found["first"])
            last = dt.date.fromisoformat(found["last"] or self._case.as_of.isoformat())
        except ValueError:
            self._fail(at, "a day cannot be read", "write days as year-month-day, such as 2024-03-22")
        return Recorded(event, whom, first, last)

    def _moved(self, found: re.Match[str]) -> Change:
        """What a subject does to a probability or score."""
        event = None if found["object"] is None else self._event(found, "object")
        shared = event is not None and self._case.events[event].scope == "host"
        which = "whose" if found["whose"] else "whom"
        if shared and found["whom"]:
            self._fail(found.start("whom") + 1, f"{event} is shared by all dyads", f"write {event} alone")
        whom = self._case.host if shared else None if found[which] is None else self._dyad(found, which)
        return Change(self._subject(found), event, whom)

    def _subject(self, found: re.Match[str]) -> Subject:
        if found["scenario"]:
            return Assumed(self._known(found, "scenario", "scenario", self._case.scenarios))
        name = self._source(found)
        if name in self._case.indicators:
            if found["at"]:
                self._fail(found.start("at") + 1, "an indicator moves in all dyads at once", f"write {name} alone")
            steps = float((found["steps"] or "1").replace(" ", ""))
            return Step(name, steps if steps else self._fail(found.start("steps") + 1, "no step", "write +1 step"))
        if found["steps"]:
            self._fail(found.start("steps") + 1, f"{name} is an event, which has no steps", f"write {name} alone")
        if self._case.events[name].scope == "host":
            return Made(name, self._case.host)
        if not found["at"]:
            mend = f"say in which dyad it happens, such as {self._names.dyads[0]}:{name}"
            self._fail(found.start("subject") + 1, f"{name} happens in one dyad", mend)
        return Made(name, self._dyad(found, "at"))

    def _ratio(self, found: re.Match[str], lower: bool | None = None) -> tuple[Sign, float]:
        lower = found["verb"] == "lowers" if lower is None else lower
        self._unit(found, "%")
        size = float(found["size"] or 0.0) / 100.0
        if lower and size >= 1.0:
            self._fail(found.start("size") + 1, "nothing falls by all of itself", "give less than 100 %")
        return ("<", 1.0 - size) if lower else (">", 1.0 + size)

    def _unit(self, found: re.Match[str], wanted: str) -> None:
        if found["unit"] is not None and found["unit"].rstrip("s") != wanted:
            told = {"%": "%, as of a factor", "point": "points", "step": "steps"}[wanted]
            self._fail(found.start("unit") + 1, f"`{found['unit']}` is not what this is measured in", f"give {told}")

    def _drivers(self, found: re.Match[str], group: str, at: int = 1) -> tuple[str, ...]:
        named = tuple(name.strip() for name in found[group].strip("()").split(","))
        known = (*self._case.indicators, *self._case.events)
        for name in named:
            if name not in known:
                column = at + found.start(group) + found[group].index(name)
                self._fail(column, f"unknown indicator or event {name!r}", suggest(name, known))
        return named

    def _source(self, found: re.Match[str], at: int = 1) -> str:
        return self._known(found, "subject", "indicator or event", (*self._case.indicators, *self._case.events), at)

    def _event(self, found: re.Match[str], group: str, at: int = 1) -> str:
        return self._known(found, group, "event", self._case.events, at)

    def _dyad(self, found: re.Match[str], group: str, at: int = 1) -> str:
        return self._names.queries.dyads[self._known(found, group, "dyad", self._names.queries.dyads, at)]

    def _known(self, found: re.Match[str], group: str, what: str, known: Iterable[str], at: int = 1) -> str:
        name, known = found[group], tuple(known)
        if name not in known:
            self._fail(at + found.start(group), f"unknown {what} {name!r}", suggest(name, known))
        return name

    def _query(self, text: str, offset: int, shown: str = "") -> Query:
        try:
            return parse_query(text, self._names.queries)
        except QueryError as error:
            wrong, _, mend = error.wrong.partition("; ")
            self._fail(offset + min(error.column, len(text)), wrong, mend or "see docs/ask.md")

    def _factor(self, share: str | None) -> float:
        if share is None:
            return 1.0
        if share in _SHARES:
            return _SHARES[share]
        top, _, bottom = share.split()[0].partition("/")
        if not float(top) or not float(bottom or 1.0):
            self._fail(self._text.index(share) + 1, f"{share} nothing is left", "give a factor such as 1/3")
        return float(top) / float(bottom or 1.0)

    def _fail(self, column: int, wrong: str, mend: str) -> NoReturn:
        raise ClaimError(self._text, column, wrong, mend)


def _number(found: re.Match[str]) -> Number:
    value = float(found["value"])
    return Number(value / 100.0 if found["percent"] else value)
