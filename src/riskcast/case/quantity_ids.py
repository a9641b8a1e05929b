"""Ids of quantities, such as `indicators.mood.now` or `effects.mood->protest`: written and read here alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from riskcast.case.links import IDENTITY, LOG, LOGIT, Link

Section = Literal["memories", "hyperpriors", "tension", "trust", "indicators", "outcomes", "effects"]


@dataclass(frozen=True)
class Kind:
    """What quantities of one kind have in common.

    field: what the files call it; what: what people call it; unit, link: of its numbers, empty or None where they are
    the case's to say; may_be_zero: whether it may be held at 0, outside the link, for what there is none of; part: its
    key within an entry of the field, such as the steps of one event type among `raises`.
    """

    field: str
    what: str
    unit: str = ""
    link: Link | None = None
    may_be_zero: bool = False
    part: str = ""


LEVEL = Kind("now", "today's level")
DRIFT = Kind("drift", "drift", "steps", LOG, may_be_zero=True)
PASSED_ON = Kind("parents", "moved by", "steps", IDENTITY)
REVERSION = Kind("reversion", "half-life of its distance from the reference", "years", LOG)
OFFSET = Kind("series", "offset of", "steps", IDENTITY, part="offset")
SERIES_SCALE = Kind("series", "scale of", "steps for a step", LOG, part="scale")
RISE = Kind("raises", "raised by", "steps", IDENTITY, part="steps")
RISE_HALF_LIFE = Kind("raises", "half-life of the rise by", "", LOG, part="half_life")
BASE_RATE = Kind("base_rate", "base rate", "probability in a year")
HALF_LIFE = Kind("half_life", "half-life", "", LOG)
SD_DYAD = Kind("sd_dyad", "spread between dyads", "log rate", LOG, may_be_zero=True)
SD_TIME = Kind("sd_time", "spread between years", "log rate", LOG, may_be_zero=True)
PERSISTENCE = Kind("persistence", "persistence of a year's shock", "share, 0 to 1", LOGIT, may_be_zero=True)
RATE_RATIO = Kind("rate_ratio", "", "rate ratio", LOG)
TENSION_PERSISTENCE = Kind("persistence", "persistence of tension", "share, 0 to 1", LOGIT, may_be_zero=True)
LOADING = Kind("loading", "loading of tension", "log rate", LOG, may_be_zero=True)
OWN_LOADING = Kind("tension", "loading of tension", "log rate", LOG, may_be_zero=True)
TRUST = Kind("trust", "trust in the effects of indicators", "factor", LOG)

_KINDS: dict[Section, tuple[Kind, ...]] = {
    "memories": (HALF_LIFE,),
    "hyperpriors": (SD_DYAD, SD_TIME, PERSISTENCE),
    "tension": (TENSION_PERSISTENCE, LOADING),
    "indicators": (LEVEL, DRIFT, REVERSION, PASSED_ON, RISE, RISE_HALF_LIFE, OFFSET, SERIES_SCALE),
    "outcomes": (BASE_RATE, HALF_LIFE, SD_DYAD, SD_TIME, OWN_LOADING),
}
# Sections of which the case has one, so that their quantities go by no name.
_NAMELESS: tuple[Section, ...] = ("hyperpriors", "tension")


@dataclass(frozen=True)
class QuantityId:
    """Which quantity of a case: `str()` gives its id.

    name: the memory, indicator, outcome or effect that has it, empty for what the case has one of; of: the dyad of a
    level, the parent that moves an indicator, the event type that raises it, the series that measures it, or the
    memory of an outcome's own half-life; empty where there is none.

    >>> str(QuantityId("indicators", LEVEL, "trade", "HHH-AAA")), str(QuantityId("effects", RATE_RATIO, "a->b"))
    ('indicators.trade.now.HHH-AAA', 'effects.a->b')
    """

    section: Section
    kind: Kind
    name: str = ""
    of: str = ""

    @property
    def source(self) -> str:
        """The indicator or event type that an effect starts from; empty for a quantity of no effect.

        >>> parse_id("effects.a->b/path").source, parse_id("effects.a->b/path").target
        ('a', 'b')
        """
        return self.name.partition("->")[0] if self.section == "effects" else ""

    @property
    def target(self) -> str:
        """The event type that an effect acts on; empty for a quantity of no effect."""
        return self.name.partition("->")[2].partition("/")[0] if self.section == "effects" else ""

    def __str__(self) -> str:
        if self.section == "effects":
            return f"effects.{self.name}"
        if self.section == "trust":
            return self.section
        parts = (self.section, self.name, self.kind.field, self.of, self.kind.part)
        return ".".join(part for part in parts if part)


def parse_id(text: str) -> QuantityId:
    """Which quantity an id means; raises ValueError for what is none.

    >>> parse_id("memories.fast.half_life").name, parse_id("effects.a->b/path").name
    ('fast', 'a->b/path')
    >>> parse_id("indicators.mood.raises.protest.half_life").of
    'protest'
    """
    found = find_id(text)
    if found is None:
        raise ValueError(f"{text!r} is no id of a quantity; write one such as indicators.mood.now or effects.a->b")
    return found


def find_id(text: str) -> QuantityId | None:
    """Which quantity an id means; None where it is the id of something else."""
    if text == "trust":
        return QuantityId("trust", TRUST)
    section, _, rest = text.partition(".")
    if section == "effects":
        return QuantityId("effects", RATE_RATIO, rest) if "->" in rest and "." not in rest else None
    name, _, rest = ("", "", rest) if section in _NAMELESS else rest.partition(".")
    field, _, of = rest.partition(".")
    for home, kinds in _KINDS.items():
        for kind in kinds if home == section and bool(name) == (home not in _NAMELESS) else ():
            # A level is of all dyads or of one; what passes on is of a parent, an outcome's own half-life of a memory.
            whose, _, part = of.rpartition(".") if kind.part else (of, "", "")
            is_of = kind is PASSED_ON or bool(kind.part) or (kind is HALF_LIFE and home == "outcomes")
            if kind.field == field and kind.part == part and (kind is LEVEL or bool(whose) == is_of):
                return QuantityId(home, kind, name, whose)
    return None
