"""The language of claims: `xenophobia +1 step raises TJK:abuse_incident` as an assertion."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from riskcast.challenge import claim_forms as forms
from riskcast.challenge.claim_names import Names
from riskcast.challenge.claim_numbers import Written
from riskcast.challenge.claim_term_reader import TermReader
from riskcast.challenge.claim_terms import (
    Alone,
    Assertion,
    Assumed,
    Chance,
    Change,
    Comparison,
    Contribution,
    Effect,
    Ending,
    Extreme,
    Made,
    MemoryEffect,
    Number,
    Rise,
    Sign,
    Step,
    Subject,
    Term,
)
from riskcast.forecasting.query_terms import Happens, Query, leaves, within

MOST_STEPS: Final = 10
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


class _Reader(TermReader):
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
        sign, threshold = self.ratio(found, found["verb"] == "lowers")
        yield Comparison(Effect(source, target, self.path(found)), sign, Number(threshold))

    def _change(self, found: re.Match[str]) -> Iterable[Comparison]:
        sign: Sign = ">" if found["verb"] == "raises" else "<"
        is_level = found["object"] in self.case.indicators
        size = self.size(found, "step" if is_level else "point")
        if is_level:
            if found["scenario"] or found["steps"] or found["at"] or found["whom"]:
                mend = "write it as `EVENT raises INDICATOR`, for one event or one step of a parent"
                self.fail(found.start("object") + 1, "what moves an indicator is an event or an indicator", mend)
            term: Term = Rise(self.source(found), found["object"])
        else:
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
        if len(self.names.dyads) < 2:
            self.fail(found.start("one") + 1, "there is no other dyad", "leave out `more in ... than ...`")
        if one == two:
            self.fail(found.start("two") + 1, f"it is held against {one} itself", "name another dyad, or `elsewhere`")
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
        event, sign = self.event(found, "object"), "<" if shorter else ">"
        _, threshold = self.ratio(found, shorter)
        effects = (effect for effect in self.case.half_life_effects_on(event) if effect.source == indicator)
        for memory in dict.fromkeys(effect.memory for effect in effects) or (None,):
            yield Comparison(MemoryEffect(indicator, event, memory), sign, Number(threshold))

    def _ends(self, found: re.Match[str]) -> Iterable[Comparison]:
        yield Comparison(Ending(self.event(found, "object"), self.event(found, "subject")), ">", Number(1.0))

    def _both_ways(self, found: re.Match[str]) -> Iterable[Comparison]:
        source = self.known(found, "subject", "indicator", self.case.indicators)
        yield Comparison(Extreme(source, True), ">", Number(1.0))
        yield Comparison(Extreme(source, False), "<", Number(1.0))

    def _outweigh(self, found: re.Match[str]) -> Iterable[Comparison]:
        one, two = self.drivers(found, "one"), self.drivers(found, "two")
        whom = self.dyad(found, "whom")
        if both := set(one) & set(two):
            self.fail(found.start("two") + 1, f"{min(both)} stands on both sides", "name it on one of them")
        yield Comparison(Contribution((*one, *two), whom), ">", Number(0.0))
        yield Comparison(Contribution(one, whom), ">", Contribution(two, whom))

    def _adds(self, found: re.Match[str]) -> Iterable[Comparison]:
        adds, size = found["adds"] is not None, self.size(found, "point")
        term = Contribution(self.drivers(found, "one"), self.dyad(found, "whom"))
        yield Comparison(term, ">" if adds else "<", Number(size if adds else 0.0 - size))

    def _falls(self, found: re.Match[str]) -> Iterable[Comparison]:
        at = found.start("query")
        query = self.query(found["query"], at)
        events = list(leaves(query.event))
        if not all(isinstance(leaf, Happens) for leaf in events):
            self.fail(at + 1, "scores and levels are those of the whole horizon", "name events alone in P(...)")
        if any((leaf.first, leaf.last) != (1, None) for leaf in events if isinstance(leaf, Happens)):
            self.fail(at + 1, "it says twice when something happens", "leave the time out of P(...)")
        first, last = self._period(found, "first"), self._period(found, "last")
        if last <= first:
            wrong = f"{found['period']} {last} is not after {found['period']} {first}"
            self.fail(found.start("last") + 1, wrong, "name the later one last")
        sign: Sign = "<" if found["verb"] == "falls below" else ">"
        early, late = (Chance(_in_period(query, found, number)) for number in (first, last))
        yield Comparison(late, sign, early, self.factor(found["share"], found.start("share") + 1))

    def _period(self, found: re.Match[str], group: str) -> int:
        """A period of the horizon."""
        word, number, most = self.case.settings.period, int(found[group]), len(self.names.queries.ends)
        if found["period"] not in (word, "period"):
            self.fail(found.start("period") + 1, f"the case counts {word}s", f"write {word} {number}")
        if not 1 <= number <= most:
            wrong = f"the horizon ends in {word} {most}"
            self.fail(found.start(group) + 1, wrong, f"give 1 to {most}, or --horizon")
        return number

    def _comparison(self) -> Comparison | None:
        """Two terms with a sign between them, which stands outside all parentheses."""
        depth = 0
        for place, character in enumerate(self.text):
            depth += (character == "(") - (character == ")")
            if depth or character not in "<>":
                continue
            sign = self.text[place : place + 2] if self.text[place + 1 : place + 2] == "=" else character
            start = place + len(sign)
            left = self.term(self.text[:place], 0)
            if isinstance(left, Written):
                self.fail(1, "a number stands on the left", "turn it around: the number comes last")
            share = re.match(rf"\s*{forms.SHARE} ", self.text[start:])
            behind = start + (share.end() if share else 0)
            right = self.term(self.text[behind:], behind)
            at = start + 2
            if isinstance(right, Written):
                if share is not None:
                    self.fail(at, f"{share['share']} a number is a number", "write what it comes to")
                right = self.measured(right, left)
            self.hold_alike(left, right, at)
            return Comparison(left, sign, right, self.factor(share["share"] if share else None, at))  # ty: ignore[invalid-argument-type]
        return None

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
            if not 0.0 < abs(steps) <= MOST_STEPS:
                self.fail(found.start("steps") + 1, "no step of that size", f"write +1 step, or up to {MOST_STEPS}")
            return Step(name, steps)
        if found["steps"]:
            self.fail(found.start("steps") + 1, f"{name} is an event, which has no steps", f"write {name} alone")
        if self.case.events[name].scope == "host":
            return Made(name, self.case.host)
        if not found["at"]:
            mend = f"say in which dyad it happens, such as {self.names.dyads[0]}:{name}"
            self.fail(found.start("subject") + 1, f"{name} happens in one dyad", mend)
        return Made(name, self.dyad(found, "at"))


def _in_period(query: Query, found: re.Match[str], number: int) -> Query:
    """A query of which every event is to happen in one period; its condition stays as it is."""
    plain = isinstance(query.event, Happens) and query.given is None
    when = f" in {found['period']} {number}"
    text = f"{found['query'][:-1]}{when})" if plain else f"{found['query']}{when}"
    return Query(within(query.event, number, number), query.given, text)
