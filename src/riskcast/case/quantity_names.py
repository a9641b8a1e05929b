"""What every quantity of a case is called, in which unit it is, and where it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from riskcast.case.links import Link, base_rate_link
from riskcast.case.model import Case, Effect
from riskcast.case.quantity_ids import (
    BASE_RATE,
    DRIFT,
    HALF_LIFE,
    LEVEL,
    LOADING,
    OFFSET,
    OWN_LOADING,
    PASSED_ON,
    RATE_RATIO,
    REVERSION,
    RISE,
    RISE_HALF_LIFE,
    SERIES_SCALE,
    TENSION_PERSISTENCE,
    Kind,
    QuantityId,
    parse_id,
)
from riskcast.case.settings import MEAN, NEVER, RATE, SINCE
from riskcast.names import RAISED, TENSION_TODAY

TENSION_KINDS = (TENSION_PERSISTENCE, LOADING, OWN_LOADING)
HALF_LIFE_RATIO = "half-life ratio"
_PER_MEMORY = {
    SINCE: "2.7 times the time since the last event",
    NEVER: "that there was no event so far",
    RATE: "one fresh event on a long record",
    MEAN: "one event more in an average period",
}


@dataclass(frozen=True)
class QuantityName:
    """A quantity as people read it.

    owner: the label of the indicator, outcome or memory that has it, or of both ends of an effect; empty for what all
    share; what: what of it; of: the dyad, or the label of the parent or memory; unit, link: of its numbers.
    """

    id: QuantityId
    owner: str
    what: str
    of: str
    unit: str
    link: Link

    @property
    def label(self) -> str:
        """All of it in one line."""
        return _joined(self.id, self.owner, self.what, self.of)


@dataclass(frozen=True)
class Labels:
    """What indicators, event types and memories are called; a name without a label is its own."""

    drivers: Mapping[str, str]
    memories: Mapping[str, str]
    series: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, *cases: Case) -> Labels:
        """The labels of cases, as the last calls them that has them."""
        return cls(
            {name: part.label for case in cases for name, part in (*case.indicators.items(), *case.events.items())},
            {name: memory.label for case in cases for name, memory in case.settings.memories.items()},
            {
                (name, key): measure.label
                for case in cases
                for name, indicator in case.indicators.items()
                for key, measure in indicator.series.items()
            },
        )

    def driver(self, name: str) -> str:
        """The label of an indicator or event type."""
        return self.drivers.get(name, name)

    def effect(self, effect_id: str) -> str:
        """Both ends of an effect and its path.

        >>> Labels({"mood": "Mood", "a": "Protest"}, {}).effect("mood->a/by_way")
        'Mood → Protest (by way)'
        """
        ends, _, path = effect_id.partition("/")
        told = " → ".join(self.driver(end) for end in ends.split("->"))
        return told + (f" ({path.replace('_', ' ')})" if path else "")

    def owner(self, found: QuantityId) -> str:
        """The label of what has a quantity."""
        if found.section == "effects":
            return self.effect(found.name)
        return self.memories.get(found.name, found.name) if found.section == "memories" else self.driver(found.name)

    def part(self, found: QuantityId) -> str:
        """The label of a parent, event type, series or memory that a quantity is of; a dyad's id."""
        if found.kind is HALF_LIFE:
            return self.memories.get(found.of, found.of)
        if found.kind in (OFFSET, SERIES_SCALE):
            return self.series.get((found.name, found.of), found.of)
        return self.driver(found.of) if found.kind in (PASSED_ON, RISE, RISE_HALF_LIFE) else found.of

    def quantity(self, found: QuantityId) -> str:
        """A quantity in one line."""
        return _joined(found, self.owner(found), found.kind.what, self.part(found))


def name_quantity(case: Case, key: str) -> QuantityName:
    """What the quantity with an id is called, and in which unit its numbers are; raises ValueError for no such id.

    >>> from riskcast import load_case
    >>> named = name_quantity(load_case("central_asia_2024"), "indicators.xenophobia.now")
    >>> named.what, named.unit, named.link.name
    ("today's level", '% agreeing', 'logit')
    """
    found, labels = parse_id(key), Labels.of(case)
    return QuantityName(
        found, labels.owner(found), found.kind.what, labels.part(found), unit_of(case, found), link_of(case, found)
    )


def unit_of(case: Case, found: QuantityId) -> str:
    """The unit in which the numbers of a quantity are written.

    >>> from riskcast import load_case
    >>> unit_of(load_case("central_asia_2024"), parse_id("hyperpriors.sd_time"))
    'log rate'
    """
    if found.kind is LEVEL:
        return case.indicators[found.name].unit
    if any(effect.id == found.name and effect.on == "half_life" for effect in case.effects):
        return HALF_LIFE_RATIO
    return unit_of_kind(case, found.kind)


def unit_of_kind(case: Case, kind: Kind) -> str:
    """The unit of a kind of quantities other than levels."""
    return f"{case.settings.period}s" if kind in (HALF_LIFE, RISE_HALF_LIFE) else kind.unit


def link_of(case: Case, found: QuantityId) -> Link:
    """The link of what is believed of a quantity."""
    if found.kind is LEVEL:
        return case.indicators[found.name].prior_link
    return found.kind.link or base_rate_link(case.periods_per_year)


def with_unit(number: str, unit: str) -> str:
    """A number and its unit, as a sentence can hold them.

    >>> with_unit("47", "% agreeing"), with_unit("7", "index 0-10"), with_unit("1", "0 or 1")
    ('47 % agreeing', '7 on an index 0-10', '1 (of 0 or 1)')
    """
    if unit.startswith("index"):
        return f"{number} on an {unit}"
    return f"{number} (of {unit})" if unit[:1].isdigit() else f"{number} {unit}"


def ratio_is_for(case: Case, effect: Effect) -> str:
    """What a ratio of an effect stands for: one step of an indicator, or how much of what its memory tells of events.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> ratio_is_for(case, case.effects[0]), ratio_is_for(case, case.effects[-1])
    ('one step', 'one fresh event')
    """
    if not effect.is_escalation:
        return "one step"
    return _PER_MEMORY.get(case.settings.memories[str(effect.memory)].kind, "one fresh event")


def driver_label(case: Case, name: str) -> str:
    """The label of an indicator or event type."""
    return case.indicators[name].label if name in case.indicators else case.events[name].label


def level_ids(case: Case, driver: str, dyad: str) -> tuple[str, ...]:
    """The id of an indicator's level today in a dyad; none for an event type, or where a panel holds the level."""
    indicator = case.indicators.get(driver)
    if indicator is None or indicator.history == "panel":
        return ()
    is_own = indicator.scope == "dyad" and (indicator.now is None or isinstance(indicator.now, dict))
    return (str(QuantityId("indicators", LEVEL, driver, dyad if is_own else "")),)


def ids_behind_driver(case: Case, driver: str, dyad: str) -> tuple[str, ...]:
    """Ids of the quantities behind a driver: of an indicator its level, its drift, what moves and raises it, and its
    effects; of an event type its effects and how long it is remembered, or, behind `raised:`, what it raises."""
    kind, _, event = driver.partition(":")
    if kind == RAISED:
        raised = [name for name, indicator in case.indicators.items() if event in indicator.raises]
        return tuple(str(QuantityId("indicators", k, name, event)) for name in raised for k in (RISE, RISE_HALF_LIFE))
    if driver == TENSION_TODAY:
        return tuple(key for key, _, _ in case.quantities() if parse_id(key).kind in TENSION_KINDS)
    effects = [effect for effect in case.effects if effect.source == driver]
    own = tuple(effect.quantity_id for effect in effects)
    if driver not in case.indicators:
        return (*_half_lives(case, effects), *own)
    indicator = case.indicators[driver]
    moving = [QuantityId("indicators", PASSED_ON, driver, parent) for parent in indicator.parents]
    moving += [QuantityId("indicators", kind, driver, e) for e in indicator.raises for kind in (RISE, RISE_HALF_LIFE)]
    moving += [QuantityId("indicators", REVERSION, driver)] if indicator.reversion is not None else []
    for key, measure in indicator.series.items():
        said = ((OFFSET, measure.offset), (SERIES_SCALE, measure.scale))
        moving += [QuantityId("indicators", kind, driver, key) for kind, own in said if own is not None]
    drift = str(QuantityId("indicators", DRIFT, driver))
    return (*level_ids(case, driver, dyad), drift, *map(str, moving), *own)


def ids_behind_outcome(case: Case, event: str, dyad: str) -> tuple[str, ...]:
    """Ids of the quantities behind an event type's probability: base rate, effects, levels, half-lives."""
    effects = (*case.effects_on(event), *case.half_life_effects_on(event))
    levels = [key for effect in effects for key in level_ids(case, effect.source, dyad)]
    keys = [str(QuantityId("outcomes", BASE_RATE, event)), *(effect.quantity_id for effect in effects), *levels]
    return tuple(dict.fromkeys([*keys, *_half_lives(case, effects)]))


def locate(case: Case, key: str) -> tuple[str, tuple[str | int, ...]]:
    """The YAML file and path of a quantity id."""
    found = parse_id(key)
    if found.section == "effects":
        index = next(i for i, effect in enumerate(case.effects) if effect.id == found.name)
        return "effects", (index, found.kind.field)
    if found.section == "trust":
        return "case", (found.section,)
    in_settings = found.section in ("memories", "hyperpriors", "tension")
    path = tuple(part for part in (found.name, found.kind.field, found.of, found.kind.part) if part)
    return ("case", (found.section, *path)) if in_settings else (found.section, path)


def id_at(case: Case, document: str, path: tuple[str | int, ...]) -> str:
    """The id of the quantity at a path of a YAML file; the inverse of `locate`."""
    if document == "effects" and path and isinstance(path[0], int):
        rest = path[2:] if path[1:2] == (RATE_RATIO.field,) else path[1:]
        return ".".join(map(str, (case.effects[path[0]].quantity_id, *rest)))
    head = () if document == "case" else (document,)
    return ".".join(map(str, (*head, *path)))


def _half_lives(case: Case, effects: Iterable[Effect]) -> list[str]:
    keys = []
    for effect in effects:
        own = effect.memory in case.events[effect.target].half_life
        if own or (effect.memory is not None and case.settings.memories[effect.memory].half_life is not None):
            keys.append(
                QuantityId("outcomes", HALF_LIFE, effect.target, effect.memory)
                if own
                else QuantityId("memories", HALF_LIFE, effect.memory)
            )
    return [str(key) for key in dict.fromkeys(keys)]


def _joined(found: QuantityId, owner: str, what: str, of: str) -> str:
    if not owner:
        return what[:1].upper() + what[1:]
    is_by = found.kind is PASSED_ON or bool(found.kind.part)
    told = f"{what} {of}" if is_by else f"{what} ({of})" if of else what
    return f"{owner}: {told}" if told else owner
