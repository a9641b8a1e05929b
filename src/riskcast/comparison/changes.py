"""What differs between two cases: changes that can be made one by one, and the cases that lie between the two."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from riskcast.case.checks import find_problems
from riskcast.case.dyads import Dyad
from riskcast.case.model import Case, EventRow, SeriesRow, StatedLevel
from riskcast.case.nowcast import level_today
from riskcast.case.panel import Panel
from riskcast.case.quantities import Quantity
from riskcast.case.quantity_ids import RATE_RATIO, find_id
from riskcast.case.quantity_names import Labels
from riskcast.comparison.parts import PANEL, Key, merge_orders, put_together, take_apart
from riskcast.errors import CaseError, Problem
from riskcast.names import ALL_DYADS, BASELINE, CONTEXT

MOST_ROWS = 3
ORDER: Key = ("order",)
AS_OF: Key = ("settings", "as_of")
# What people read, and the engine does not.
TEXTS = {
    "settings": {"title", "note", "bands", "grave", "host", "allow"},
    "memories": {"label"},
    "indicators": {"label", "question", "unit", "missing", "allow"},
    "outcomes": {"label", "resolution", "initiator", "applies_to", "allow"},
    "effects": {"rationale", "allow"},
}
REDEFINING = ("scope", "scale", "history", "unit")
KINDS = {
    "settings": "setting",
    "hyperpriors": "setting",
    "tension": "setting",
    "trust": "setting",
    "dyads": "dyad",
    "indicators": "indicator",
    "outcomes": "outcome",
    "effects": "effect",
    "memories": "memory",
    "scenarios": "scenario",
    "sources": "source",
    "events": "event",
    "series": "series",
    "coverage": "coverage",
    "panel": "panel",
    "order": "order",
}


@dataclass(frozen=True)
class Change:
    """One thing that differs: `before` in the first case, `after` in the second, as plain data, None where it is
    not; `moves` is False where no score can depend on it."""

    id: str
    kind: str
    label: str
    before: Any
    after: Any
    moves: bool = True


@dataclass(frozen=True)
class Step:
    """A change with the parts of a case that it replaces."""

    change: Change
    keys: frozenset[Key]


@dataclass(frozen=True)
class Comparison:
    """Two cases taken apart, and the steps that lead from the first to the second."""

    first: Case
    second: Case
    scenario: str
    before: Mapping[Key, Any]
    after: Mapping[Key, Any]
    steps: tuple[Step, ...]

    @cached_property
    def _known(self) -> frozenset[str]:
        """Problems that one of the two cases has by itself, such as one as of a day before a series began."""
        ends = (self.first, self.second)
        return frozenset(_told(problem) for case in ends for problem in _problems(case))

    def between(self, steps: Iterable[Step], *, check: bool = True) -> Case:
        """The first case with some of the steps taken; raises CaseError where such a case would not be valid.

        Without `check`, only where its parts do not make a case at all: for steps of which each is valid alone.
        """
        chosen = frozenset[Key]().union(*(step.keys for step in steps))
        base = (self.after, self.before) if ORDER in chosen else (self.before, self.after)
        parts = {}
        for key in merge_orders(*base):
            if key[0] == "scenarios" and key[1] != self.scenario:
                continue
            side = self.after if key in chosen else self.before
            if key in side:
                parts[key] = side[key]
        try:
            case = put_together(parts, self.first, self.second)
        except ValidationError as error:
            found = [Problem("", None, str(item["loc"]), item["msg"], "merge the changes") for item in error.errors()]
            raise CaseError(found) from None
        wrong = [
            problem
            for problem in (_problems(case) if check else ())
            if _told(problem) not in self._known and problem.file != "sources.yaml"
        ]
        if wrong:
            raise CaseError(wrong)
        return case


def _problems(case: Case) -> list[Problem]:
    """The problems of a case, also those that are only looked for where all levels keep within their bounds."""
    free = {
        name: part if part.measure.needs_bounds else part.model_copy(update={"bounds": None})
        for name, part in case.indicators.items()
    }
    unbounded = case.model_copy(update={"indicators": free})
    return [*find_problems(case, evidence=False), *find_problems(unbounded, evidence=False)]


def _told(problem: Problem) -> str:
    return f"{problem.file}: {problem.key}: {problem.wrong}"


def describe_changes(first: Case, second: Case, scenario: str | None = None) -> tuple[Change, ...]:
    """Everything that differs between two cases: first what can move a score under the scenario, then what cannot.

    Settings come first, then dyads, memories, indicators, outcomes, effects, scenarios, sources and rows of the
    record, each in the order of the files.

    >>> from riskcast import apply_overlay, load_case
    >>> case = load_case("central_asia_2024")
    >>> likelier = apply_overlay(case, {"outcomes.rupture.base_rate": {"median": 0.02, "interval": (0.01, 0.04)}})
    >>> [(change.id, change.after) for change in describe_changes(case, likelier)]
    [('outcomes.rupture.base_rate', {'median': 0.02, 'interval': [0.01, 0.04]})]
    """
    changes = [step.change for step in compare_cases(first, second, scenario).steps]
    return tuple(sorted(changes, key=lambda change: not change.moves))


def compare_cases(first: Case, second: Case, scenario: str | None = None, horizon: int | None = None) -> Comparison:
    """The steps between two cases, and which of them can move a score under a scenario within a horizon.

    What is only valid together is one step: an indicator or outcome comes with its effects and its rows, a dyad with
    its levels and rows, a later `as_of` with the rows that only it may hold.
    """
    name = scenario or BASELINE
    before, after = take_apart(first), take_apart(second)
    if _orders_conflict(first, second):
        before[ORDER], after[ORDER] = _order(first), _order(second)
    differing = [key for key in merge_orders(before, after) if not _same(before.get(key), after.get(key))]
    finder = _Owners(first, second, before, after, frozenset(differing))
    names = _Names(first, second)
    groups: dict[Key, list[Key]] = {}
    for key in differing:
        groups.setdefault(finder.owner(key), []).append(key)
    judge = _Judge(first, second, name, horizon)
    moving = {key for key in differing if judge.moves(key, before.get(key), after.get(key))}
    groups = _few_rows(groups, frozenset(owner for owner, keys in groups.items() if not moving.isdisjoint(keys)))
    steps = tuple(
        Step(_change(owner, tuple(keys), before, after, names, not moving.isdisjoint(keys)), frozenset(keys))
        for owner, keys in groups.items()
    )
    return Comparison(first, second, name, before, after, steps)


def _order(case: Case) -> tuple[str, ...]:
    return (*case.dyads, *(effect.id for effect in case.effects))


def _orders_conflict(first: Case, second: Case) -> bool:
    """Whether dyads, or effects on one event type, stand in another order, which gives them other random numbers."""
    pairs = [(first.dyads, second.dyads)]
    pairs += [
        (
            tuple(e.id for e in first.effects if e.target == name),
            tuple(e.id for e in second.effects if e.target == name),
        )
        for name in first.events
    ]
    return any([x for x in one if x in two] != [x for x in two if x in one] for one, two in pairs)


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, Panel) and isinstance(two, Panel):
        return one.digest == two.digest
    return one == two


@dataclass(frozen=True)
class _Owners:
    """Which step every differing part belongs to."""

    first: Case
    second: Case
    before: Mapping[Key, Any]
    after: Mapping[Key, Any]
    differing: frozenset[Key]

    @cached_property
    def _replaced(self) -> dict[str, frozenset[str]]:
        """By section: what only one case has, or both have with another meaning."""

        def odd(one: Iterable[str], two: Iterable[str]) -> frozenset[str]:
            return frozenset(set(one) ^ set(two))

        a, b = self.first, self.second
        redefined = {key[1] for key in self.differing if key[0] == "indicators" and key[2] in REDEFINING}
        recast = {key[1] for key in self.differing if key[0] == "outcomes" and key[2] in ("kind", "scope")}
        return {
            "indicators": odd(a.indicators, b.indicators) | {name for name in redefined if self._is_redefined(name)},
            "outcomes": odd(a.events, b.events) | recast,
            "effects": odd((e.id for e in a.effects), (e.id for e in b.effects)),
            "memories": odd(a.settings.memories, b.settings.memories),
            "dyads": odd(a.dyads, b.dyads),
        }

    def _is_redefined(self, name: str) -> bool:
        changed = {key[2] for key in self.differing if key[:2] == ("indicators", name)}
        # Another word for the unit is a correction; with another reference too, levels are in another unit.
        return bool(changed & {"scope", "scale", "history"}) or {"unit", "reference"} <= changed

    def owner(self, key: Key) -> Key:
        """The step of one differing part."""
        section, name, odd = key[0], key[1] if len(key) > 1 else "", self._replaced
        if key == PANEL or self._in_panel(key):
            return PANEL
        if section == "dyads":
            return key
        if section == "tension" and (self.first.settings.tension is None) != (self.second.settings.tension is None):
            return key[:1]
        dyad = next((part for part in key[2:] if part in odd["dyads"]), None)
        if dyad is not None and section in ("indicators", "events", "series", "coverage"):
            return "dyads", dyad
        if section == "indicators":
            parent = key[3] if key[2] == "parents" else ""
            if name in odd["indicators"]:
                return key[:2]
            if parent in odd["indicators"]:
                return "indicators", parent
            if key[2] == "raises":
                event = key[3]
                raised = all(event in case.indicators[name].raises for case in (self.first, self.second))
                return ("outcomes", event) if event in odd["outcomes"] else key if raised else key[:4]
            if key[2] in ("now", "past") and self._other_levels(name):
                return "indicators", name, "now"
            return key
        if section == "outcomes":
            return key[:2] if name in odd["outcomes"] else key
        if section == "effects":
            return self._owner_of_effect(key)
        if section == "memories":
            return key[:2] if name in odd["memories"] else key
        if section == "coverage":
            return ("outcomes", name) if name in odd["outcomes"] else key
        if section in ("events", "series"):
            home = "outcomes" if section == "events" else "indicators"
            if name in odd[home]:
                return home, name
            if self._is_of_one_day(key):
                return AS_OF
        return key

    def _owner_of_effect(self, key: Key) -> Key:
        odd = self._replaced
        if key[1] not in odd["effects"]:
            return key[:2] if key[2] == "rate_ratio" else key
        effect = next(e for case in (self.first, self.second) for e in case.effects if e.id == key[1])
        for end in (effect.target, effect.source):
            for section in ("outcomes", "indicators"):
                if end in odd[section]:
                    return section, end
        return key[:2]

    def _other_levels(self, name: str) -> bool:
        """Whether levels of today are given for all dyads in one case and for each in the other, or inferred, and with
        them those of the past."""
        shapes = [
            (isinstance(one.now, dict), one.is_smoothed, one.past)
            for one in (case.indicators[name] for case in (self.first, self.second))
        ]
        return shapes[0] != shapes[1]

    def _is_of_one_day(self, key: Key) -> bool:
        """Whether a row can only stand in the case with the later `as_of`."""
        rows = [side[key] for side in (self.before, self.after) if key in side]
        days = [row.known_on if isinstance(row, EventRow) else row.published for row in rows]
        return AS_OF in self.differing and max(days) > min(self.first.as_of, self.second.as_of)

    def _in_panel(self, key: Key) -> bool:
        """Whether a part must change with the panel: its calendar, and the columns that it does or does not have."""
        if PANEL not in self.differing and ("settings", "panel") not in self.differing:
            return False
        if key in (AS_OF, ("settings", "panel"), ("settings", "period"), ("settings", "history_from")):
            return True
        return key[0] in ("indicators", "outcomes") and key[1] in self._replaced[key[0]]


# What the table is called, and which of its columns are passed over.
_NAMES_OF_PANEL = {"file": "", "ignore": ()}


@dataclass(frozen=True)
class _Judge:
    """Whether a difference can move a score under one scenario within one horizon."""

    first: Case
    second: Case
    scenario: str
    horizon: int | None

    def _levels_move(self, child: str) -> bool:
        """Whether anything moves an indicator's parents or theirs, so that changes pass on to it."""
        return any(_is_moved(case, self.scenario, child) for case in (self.first, self.second))

    def moves(self, key: Key, before: Any, after: Any) -> bool:
        """Whether a score can depend on the difference of one part."""
        section, name, field = (*key, "", "")[0], (*key, "", "")[1], (*key, "", "")[2]
        in_both = before is not None and after is not None
        if section == "sources" or (section == "scenarios" and name != self.scenario):
            return False
        if section == "scenarios":
            return not in_both or (before.indicators, before.events) != (after.indicators, after.events)
        if section == "dyads":
            return not in_both
        if key == ("settings", "horizon"):
            return self.horizon is None
        if key == ("settings", "panel") and in_both:
            return before.model_copy(update=_NAMES_OF_PANEL) != after.model_copy(update=_NAMES_OF_PANEL)
        if section == "indicators" and field == "parents" and not self._levels_move(name):
            return False
        if (name if section == "settings" else field) in TEXTS.get(section, ()):
            return False
        if section == "events" and name == CONTEXT:
            return False
        if section == "outcomes" and field == "severity":
            types = [case.events[name] for case in (self.first, self.second) if name in case.events]
            return any(one.is_scored for one in types)
        return not in_both or _numbers(before) != _numbers(after)


def _is_moved(case: Case, scenario: str, child: str) -> bool:
    """Whether a parent of an indicator, near or far, drifts, is raised by events, or is moved by a scenario."""
    moved = {move.indicator for move in case.scenario(scenario).indicators}
    ahead, seen = list(case.indicators[child].parents if child in case.indicators else ()), set[str]()
    while ahead:
        name = ahead.pop()
        one = case.indicators[name]
        if name in moved or one.raises or one.drift.range[1] > 0.0:
            return True
        seen.add(name)
        ahead += [parent for parent in one.parents if parent not in seen]
    return False


def _numbers(value: Any) -> Any:
    """Of a part, what the engine reads."""
    if isinstance(value, StatedLevel):
        return value.median, value.interval, value.value, value.dated
    if isinstance(value, Quantity):
        return value.median, value.interval, value.value
    if isinstance(value, EventRow):
        return value.placed_on, value.known_on
    if isinstance(value, SeriesRow):
        return value.value
    if isinstance(value, Panel):
        return value.digest
    return value


def _few_rows(groups: Mapping[Key, list[Key]], moving: frozenset[Key]) -> dict[Key, list[Key]]:
    """The groups, in which many rows of one event type or indicator are one; what moves stays apart."""

    def together(owner: Key) -> Key:
        return owner[:2] if owner in moving else (*owner[:2], "texts")

    rows = Counter(together(owner) for owner in groups if owner[0] in ("events", "series"))
    out: dict[Key, list[Key]] = {}
    for owner, keys in groups.items():
        many = rows[together(owner)] > MOST_ROWS
        out.setdefault(together(owner) if many else owner, []).extend(keys)
    return out


FIELDS = {
    "recorded_from": "recorded from",
    "recorded_until": "recorded until",
    "fiscal_year": "fiscal year",
    "as_of": "as of",
    "history_from": "record from",
    "whose": "whose events count",
    "acts": "when it acts",
}


@dataclass(frozen=True)
class _Names:
    """What the parts of two cases are called, as the second calls them where it has them."""

    first: Case
    second: Case

    @cached_property
    def _labels(self) -> Labels:
        found = Labels.of(self.first, self.second)
        return Labels({CONTEXT: "Context", **found.drivers}, found.memories)

    def of(self, key: Key) -> str:
        """One part in words."""
        section, rest = key[0], key[1:]
        if key in (ORDER, PANEL):
            return {ORDER: "Order of dyads and effects", PANEL: "Panel"}[key]
        quantity = find_id(".".join(_without_ratio(key)))
        if quantity is not None:
            return self._labels.quantity(quantity)
        if section == "tension":
            return ": ".join(("Tension", *rest))
        if section == "settings":
            words = FIELDS.get(rest[0], rest[0])
            return words[0].upper() + words[1:]
        if section == "dyads":
            partner = Dyad.parse(rest[0]).second
            return f"{rest[0]} {({**self.first.state_names, **self.second.state_names}).get(partner, '')}".rstrip()
        if section == "memories":
            return ": ".join((f"Memory {rest[0]}", *(FIELDS.get(part, part) for part in rest[1:])))
        if section == "sources":
            return f"Source {rest[0]}"
        if section == "scenarios":
            return f"Scenario {rest[0]}"
        if section == "effects":
            return ": ".join((self._labels.effect(rest[0]), *(FIELDS.get(part, part) for part in rest[1:])))
        if section == "coverage":
            what = "all events" if rest[0] == ALL_DYADS else self._labels.driver(rest[0])
            return f"Searched for {what}, {rest[1]}"
        label = self._labels.driver(rest[0])
        if section in ("events", "series"):
            return ", ".join((label, *rest[1:3])) if rest[1:2] != ("texts",) else label
        if rest[1:2] == ("raises",):
            return ": ".join(
                (f"{label}: raised by {self._labels.driver(rest[2])}", *(FIELDS[part] for part in rest[3:]))
            )
        words = [FIELDS.get(part, part) for part in rest[1:2]] + [f"({part})" for part in rest[2:]]
        return f"{label}: {' '.join(words)}" if words else label


def _change(
    owner: Key, keys: tuple[Key, ...], before: Mapping[Key, Any], after: Mapping[Key, Any], names: _Names, moves: bool
) -> Change:
    """A step as people and programs read it."""
    single = owner if owner == AS_OF else keys[0] if len(keys) == 1 and keys[0][: len(owner)] == owner else None
    section = owner[0]
    name = ".".join(owner[:-1] if owner[-1] == "texts" else _without_ratio(owner))
    if single is not None:
        one, two = before.get(single), after.get(single)
        is_quantity = isinstance(one if two is None else two, Quantity)
        kind = "quantity" if is_quantity else KINDS[section]
        plain = _evidence if is_quantity and _numbers(one) == _numbers(two) else _plain
        extra = _together(owner, keys, before, after)
        return Change(name, kind, names.of(owner) + extra, plain(one), plain(two), moves)
    sides = [
        {".".join(key): _plain(side[key]) for key in keys if side.get(key) is not None} for side in (before, after)
    ]
    label = names.of(owner) + _together(owner, keys, before, after)
    if owner[2:] == ("now",) and all(_is_one_level(case, owner[1]) for case in (names.first, names.second)):
        one, two = (_plain(level_today(case, owner[1], case.host)) for case in (names.first, names.second))
        return Change(name, "quantity", label, one, two, moves)
    kind = "quantity" if owner[2:] == ("now",) else KINDS[section]
    return Change(name, kind, label, sides[0] or None, sides[1] or None, moves)


def _is_one_level(case: Case, name: str) -> bool:
    """Whether an indicator has one level of today, stated or inferred."""
    one = case.indicators.get(name)
    return one is not None and one.scope == "host" and one.history != "panel"


def _without_ratio(key: Key) -> Key:
    """The path of a part as its id has it, in which a rate ratio is its effect."""
    return key[:-1] if key[-1] == RATE_RATIO.field else key


def _together(owner: Key, keys: Iterable[Key], before: Mapping[Key, Any], after: Mapping[Key, Any]) -> str:
    """What else a step holds, in words."""
    counts: Counter[str] = Counter()
    for section, *_ in {key[:2] if key[0] == "effects" else key for key in keys}:
        if section == owner[0] and section not in ("events", "series"):
            continue
        if section in ("effects", "events", "series", "indicators"):
            counts[section] += 1
    words = {"effects": "effect", "events": "event", "series": "series value", "indicators": "level"}
    if owner[0] in ("events", "series") and len(owner) == 4:
        return ""
    told = [f"{n} {words[part]}{'s' if n > 1 else ''}" for part, n in sorted(counts.items())]
    return f", with {' and '.join(told)}" if told else ""


def _evidence(quantity: Quantity | None) -> Any:
    told = None if quantity is None else quantity.evidence
    return None if told is None else told.model_dump(mode="json")


def _plain(value: Any) -> Any:
    """A part as plain data; of a quantity its numbers."""
    if isinstance(value, Quantity):
        return value.model_dump(mode="json", exclude={"evidence"}, exclude_none=True)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Panel):
        return {"rows": len(value), "dyads": len(value.dyads), "sha256": value.digest}
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value
