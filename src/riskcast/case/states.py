"""States of the world as one table: their codes in several systems, names in use, years of existence, and capitals."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, Literal

from riskcast.errors import UnknownNameError

type CodeSystem = Literal["iso3166", "cow", "gw"]

SYSTEMS: Final[Mapping[CodeSystem, str]] = {
    "iso3166": "ISO 3166",
    "cow": "Correlates of War",
    "gw": "Gleditsch-Ward",
}
# Where lists of states begin: who is on them from then on is older.
FIRST_YEAR: Final = 1816
_NUMBER: Final = re.compile(r"0*([0-9]+)(?:\.0*)?")
_BRACKETS: Final = re.compile(r"\([^()]*\)")
_GOVERNMENT: Final = re.compile(r"^(?:\w+ )*?(?:republic|kingdom|state|commonwealth|emirate) of (?:the )?")


@dataclass(frozen=True)
class KnownState:
    """A state of the table, or a territory with a code of its own.

    id: by which the table knows it, its ISO 3166 alpha-3 code (also one that was withdrawn) where it has one; alpha2,
    alpha3, cow_code: empty where it has none; other_codes: three letters in use that are neither; cow, gw: numbers of
    the Correlates of War project and of Gleditsch and Ward; spells: first and last years of existence, None where it
    goes on, none at all where nothing is known of it as a state of its own; capital: empty where it has none; place:
    longitude and latitude of the capital, degrees.
    """

    id: str
    alpha2: str
    alpha3: str
    other_codes: tuple[str, ...]
    cow: int | None
    cow_code: str
    gw: int | None
    spells: tuple[tuple[int, int | None], ...]
    name: str
    other_names: tuple[str, ...]
    capital: str
    place: tuple[float, float] | None

    @property
    def exists(self) -> bool:
        """Whether it exists today."""
        return not self.spells or self.spells[-1][1] is None

    @property
    def years(self) -> str:
        """Its years of existence in words; empty where they are not known.

        >>> states()["LVA"].years, states()["SUN"].years
        ('1918–1940 and since 1991', '1922–1991')
        """
        return " and ".join(f"since {first}" if last is None else f"{first}–{last}" for first, last in self.spells)

    def existed(self, first: int, last: int) -> bool:
        """Whether it existed in any of the years from `first` to `last`, as far as is known.

        >>> states()["SUN"].existed(2005, 2005), states()["SUN"].existed(1991, 1991)
        (False, True)
        """
        spells = [(begin if begin > FIRST_YEAR else 0, end) for begin, end in self.spells]
        return not spells or any(begin <= last and (end is None or first <= end) for begin, end in spells)

    def code_in(self, system: CodeSystem) -> str:
        """Its code in a system, as people write it; empty where it has none.

        >>> [states()["AUT"].code_in(system) for system in ("iso3166", "cow", "gw")]
        ['AUT', 'AUS', '305']
        """
        return {"iso3166": self.alpha3, "cow": self.cow_code, "gw": "" if self.gw is None else str(self.gw)}[system]

    def is_kin(self, other: KnownState) -> bool:
        """Whether some list takes both for one state, as it does with Russia and the Soviet Union.

        >>> states()["RUS"].is_kin(states()["SUN"]), states()["AUT"].is_kin(states()["AUS"])
        (True, False)
        """
        numbers = ((self.cow, other.cow), (self.gw, other.gw))
        return self == other or any(own is not None and own == theirs for own, theirs in numbers)


@cache
def states() -> Mapping[str, KnownState]:
    """All states of the table by id; what stands in it and where it comes from: `riskcast/data/README.md`.

    >>> states()["CIV"].capital, len(states()) > 250
    ('Yamoussoukro', True)
    """
    text = resources.files("riskcast").joinpath("data", "states.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["id"]: _state(row) for row in csv.DictReader(text.splitlines())})


def find_state(text: str, system: CodeSystem | None = None) -> KnownState:
    """The state of a code or a name in use; `system` takes a code of that system alone.

    Without a system an ISO 3166 code goes before a name, and a name before a code of another system. Several states of
    one number are told apart by who bears it today. Raises UnknownNameError where there is none, or where several
    states go by the name.

    Sources: ISO 3166-1 and 3166-3; Correlates of War Project, State System Membership List, v2016 (2017); Gleditsch and
    Ward, A revised list of independent states since the congress of Vienna, International Interactions 25 (1999).

    >>> find_state("Ivory Coast").alpha3, find_state("AUS").name, find_state("AUS", "cow").name, find_state("365").name
    ('CIV', 'Australia', 'Austria', 'Russia')
    """
    systems: tuple[CodeSystem, ...] = tuple(SYSTEMS) if system is None else (system,)
    found = of_code(text, systems[0])
    if system is None and found is None:
        named = states_named(text)
        found = named[0] if len(named) == 1 else None
    for other in systems[1:]:
        found = found or of_code(text, other)
    if found is None:
        names = () if system is not None else (state.name for state in states().values())
        raise UnknownNameError("state", text, [*_codes()[systems[0]], *names])
    return found


def of_code(code: str, system: CodeSystem) -> KnownState | None:
    """The state of a code in a system; ISO 3166 alpha-2 and withdrawn codes too, and both numbers and letters of the
    Correlates of War.

    >>> of_code("KSV", "iso3166").name, of_code("2", "cow").name, of_code("GMY", "iso3166")
    ('Kosovo', 'United States', None)
    """
    plain = code.strip().upper()
    # Programs pad whole numbers with zeros, or write them with decimals.
    number = _NUMBER.fullmatch(plain)
    return _codes()[system].get(number[1] if number else plain)


def states_named(name: str) -> tuple[KnownState, ...]:
    """The states that go by a name, whatever its capitals, accents and article; where there is none, those that go by
    it without what stands in brackets and without its form of government.

    >>> [state.id for state in states_named("turkiye")], [state.id for state in states_named("Korea")]
    (['TUR'], ['KRA', 'PRK', 'KOR'])
    >>> [state.id for state in states_named("Republic of Burkina Faso (Upper Volta)")]
    ['BFA']
    """
    known, whole, bare = _names(), _plain(name), _plain(_BRACKETS.sub("", name))
    return known.get(whole) or known.get(bare) or known.get(_GOVERNMENT.sub("", bare), ())


def recognise(id: str, name: str | None = None) -> KnownState | None:
    """Which state somebody means who writes this id and this name: the name tells, as far as it is one, else ISO 3166.

    >>> recognise("AUS", "Austria").id, recognise("AUS", "Terra Australis").id, recognise("HHH", "Host")
    ('AUT', 'AUS', None)
    """
    named = () if name is None else states_named(name)
    by_code = of_code(id, "iso3166") if len(id) > 2 else None
    if by_code is not None and (not named or any(state.is_kin(by_code) for state in named)):
        return by_code
    return named[0] if len(named) == 1 else None


def offer(text: str) -> str:
    """What to write in place of an id that is no three to eight capitals, where the table knows what it means.

    >>> offer("2"), offer("kz"), offer("?")
    ('USA for United States (2 in Correlates of War and Gleditsch-Ward)', 'KAZ for Kazakhstan', '')
    """
    readings: dict[str, list[str]] = {}
    for system, name in SYSTEMS.items():
        state = of_code(text, system)
        if state is not None and (state.alpha3 or state.id):
            readings.setdefault(state.id, []).append(name)
    if not readings and len(named := states_named(text)) == 1:
        readings[named[0].id] = [SYSTEMS["iso3166"]]
    told = []
    for id, systems in readings.items():
        where = "" if SYSTEMS["iso3166"] in systems else f" ({text} in {' and '.join(systems)})"
        told.append(f"{id} for {states()[id].name}{where}")
    return ", or ".join(told)


def bearers(state: KnownState, system: CodeSystem) -> tuple[KnownState, ...]:
    """All states that bear a state's code in a system, such as Serbia and Yugoslavia.

    >>> [state.id for state in bearers(states()["SRB"], "cow")]
    ['SRB', 'YUG', 'SCG']
    """
    code = state.code_in(system)
    return tuple(other for other in states().values() if code and other.code_in(system) == code)


def _state(row: Mapping[str, str]) -> KnownState:
    def listed(column: str) -> tuple[str, ...]:
        return tuple(filter(None, row[column].split(";")))

    def number(column: str) -> int | None:
        return int(row[column]) if row[column] else None

    spells = [spell.split("-") for spell in row["years"].split()]
    return KnownState(
        id=row["id"],
        alpha2=row["alpha2"],
        alpha3=row["alpha3"],
        other_codes=listed("other_codes"),
        cow=number("cow"),
        cow_code=row["cow_code"],
        gw=number("gw"),
        spells=tuple((int(first), int(last) if last else None) for first, last in spells),
        name=row["name"],
        other_names=listed("other_names"),
        capital=row["capital"],
        place=(float(row["longitude"]), float(row["latitude"])) if row["latitude"] else None,
    )


@cache
def _codes() -> Mapping[CodeSystem, Mapping[str, KnownState]]:
    # Who bears a code today goes before who bore it once.
    known = sorted(states().values(), key=lambda state: not state.exists)
    return {
        "iso3166": _first((code, s) for s in known for code in (s.alpha3, s.alpha2, *s.other_codes)),
        "cow": _first((code, s) for s in known for code in (s.cow_code, "" if s.cow is None else str(s.cow))),
        "gw": _first(("" if s.gw is None else str(s.gw), s) for s in known),
    }


def _first(pairs: Iterable[tuple[str, KnownState]]) -> Mapping[str, KnownState]:
    found: dict[str, KnownState] = {}
    for code, state in pairs:
        if code:
            found.setdefault(code, state)
    return found


@cache
def _names() -> Mapping[str, tuple[KnownState, ...]]:
    found: dict[str, tuple[KnownState, ...]] = {}
    for state in states().values():
        for name in dict.fromkeys(_plain(one) for one in (state.name, *state.other_names)):
            found[name] = (*found.get(name, ()), state)
    return found


def _plain(name: str) -> str:
    """A name without accents, capitals, blanks and article."""
    letters = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    plain = (c for c in letters if not unicodedata.combining(c) and c not in "'’.")
    words = "".join(c if c.isalnum() else " " for c in plain).split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)
