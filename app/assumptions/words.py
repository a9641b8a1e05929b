"""Every quantity of a case in plain words: what it is called, what it means, in which table it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import riskcast
from parts.markdown import Markdown

LEVELS, EFFECTS, AFTERMATH = "Indicators today", "Effects of indicators", "Effects of events"
RATES, MEMORY, DRIFT = "Base rates", "Memories and spreads", "Drift and links"
GROUPS = (LEVELS, EFFECTS, AFTERMATH, RATES, MEMORY, DRIFT)
EVERY = "All event types"
WHOSE = {
    "own": "in the same pair",
    "others": "in another pair",
    "host": "by the host",
    "any": "in any pair",
    "reverse": "in the same pair, the other way round",
    "sender": "of the same state to another",
    "receiver": "of another state to the same",
    "against_sender": "of another state to the one that acts",
    "neighbours": "of a neighbour elsewhere",
    "in_place": "of a neighbour in the place of one of the two",
    "by_receiver": "of the state that is acted on to another",
}
MEDIAN = "As likely to be too high as too low."
INTERVAL = "90 % interval: the true value is believed to lie within it nine times in ten."
RATE_RATIO = (
    "Rate ratio: the factor by which the rate of the event is multiplied. 1 changes nothing, 2 doubles it, 0.5 "
    "halves it."
)
STEP = "Step: the unit in which effects of this indicator are told; about what it moves now and then."
HALF_LIFE = "Half-life: after so long, a past event counts half of what it counted when it was fresh."
SPREAD = (
    "Spread: a standard deviation of logarithms of rates. 0.7 means that a factor of two either way is usual, 0 that "
    "there is no difference."
)

TENSION = (
    "Tension: how restless the times are, a level with standard deviation 1 that all event types and pairs share. A "
    "loading of 0.7 doubles rates where tension is one standard deviation up."
)


@dataclass(frozen=True)
class Subject:
    """A quantity in words; `row` and `column` say where it stands in its group's table, `event` whose record it meets.

    `bounds`: closed, in the natural unit; `scale`: what one natural unit is in the unit shown (100 for percent);
    `room`: how far, on its own scale, a value that is held fixed may plausibly lie off.
    """

    key: str
    group: str
    label: Markdown
    short: str
    row: str
    column: str
    unit: str
    help: str
    link: Any
    claim: str
    room: float = 0.35
    may_be_zero: bool = False
    scale: float = 1.0
    bounds: tuple[float, float] = (-math.inf, math.inf)
    event: str | None = None

    @property
    def is_effect(self) -> bool:
        """Whether it multiplies a rate."""
        return self.group in (EFFECTS, AFTERMATH)

    def matches(self, search: str) -> bool:
        """Whether all words of a search occur in label, id, unit or claim."""
        text = f"{self.label} {self.short} {self.key} {self.unit} {self.claim}".replace("*", "").lower()
        return all(word in text for word in search.lower().split())


class Words(TypedDict):
    """What a quantity's section alone tells of its subject; what it leaves out stands as the quantity's name has it."""

    group: str
    label: Markdown
    short: str
    row: str
    column: str
    help: str
    unit: NotRequired[str]
    room: NotRequired[float]
    scale: NotRequired[float]
    bounds: NotRequired[tuple[float, float]]
    event: NotRequired[str]


def subjects(case: riskcast.Case) -> dict[str, Subject]:
    """All quantities of a case, in words, by id."""
    edges = {effect.id: effect for effect in case.effects}
    told = {"indicators": _indicator, "outcomes": _event, "memories": _memory}
    found = {}
    for key, quantity, link in case.quantities():
        named = riskcast.name_quantity(case, key)
        if named.id.section == "effects":
            words = _effect(case, edges[named.id.name])
        elif named.id.section == "hyperpriors":
            words = _hyper(named.id.kind.field)
        elif named.id.section in ("tension", "trust"):
            words = _shared(named.id.kind.field)
        else:
            words = told[named.id.section](case, named)
        claim = quantity.evidence.claim if quantity.evidence else ""
        whole: Words = {"unit": named.unit, **words}
        found[key] = Subject(key=key, link=link, claim=claim, may_be_zero=named.id.kind.may_be_zero, **whole)
    return found


def _indicator(case: riskcast.Case, named: riskcast.QuantityName) -> Words:
    indicator, what, of = case.indicators[named.id.name], named.id.kind.field, named.id.of
    step = indicator.measure.step_words
    if what == "now":
        unit = of or case.host
        who = case.name_of(unit)
        return {
            "group": LEVELS,
            "label": Markdown("**{}** today", indicator.label) + (f": {who}" if of else ""),
            "short": f"{indicator.label}: {who}" if of else indicator.label,
            "row": indicator.label,
            "column": who,
            "help": indicator.question,
            "room": float(indicator.measure.width) / 2,
            "bounds": indicator.bounds or (-math.inf, math.inf),
        }
    if what == "drift":
        return {
            "group": DRIFT,
            "label": Markdown("How far **{}** moves within a year, in steps ({})", indicator.label, step),
            "short": f"{indicator.label}: drift",
            "row": indicator.label,
            "column": "Drift in a year",
            "help": f"Drift: the standard deviation of a year's change. {STEP}",
        }
    if what == "raises":
        return _rise(case, named)
    if what == "reversion":
        return {
            "group": DRIFT,
            "label": Markdown(
                "Years after which half of the distance of **{}** from its reference is left", indicator.label
            ),
            "short": f"{indicator.label}: return",
            "row": indicator.label,
            "column": "Return to the reference",
            "help": "Half-life, in years, of the level's distance from its reference.",
        }
    if what == "series":
        measure, is_offset = indicator.series[of], named.id.kind.part == "offset"
        told = "offset" if is_offset else "scale"
        offset = Markdown("By how many steps **{}** lies above **{}**", measure.label, indicator.label)
        scale = Markdown("How many steps **{}** moves when **{}** moves by one", measure.label, indicator.label)
        return {
            "group": DRIFT,
            "label": offset if is_offset else scale,
            "short": f"{indicator.label}: {told} of {measure.label}",
            "row": indicator.label,
            "column": f"{measure.label}: {told}",
            "help": f"What a series measures of the level: value = offset + scale × level, in steps. {STEP}",
        }
    parent = case.indicators[of]
    return {
        "group": DRIFT,
        "label": Markdown("How many steps **{}** moves when **{}** moves by one", indicator.label, parent.label),
        "short": f"{parent.label} → {indicator.label}",
        "row": indicator.label,
        "column": f"Follows {parent.label}",
        "help": f"Link: only changes are passed on, and only in this direction. {STEP}",
    }


def _rise(case: riskcast.Case, named: riskcast.QuantityName) -> Words:
    indicator, event = case.indicators[named.id.name], case.events[named.id.of]
    is_size = named.id.kind.part == "steps"
    size = Markdown("How many steps one **{}** lifts **{}**", event.label, indicator.label)
    fading = Markdown("Half-life of the rise of **{}** by **{}**", indicator.label, event.label)
    told = "steps" if is_size else "half-life"
    return {
        "group": DRIFT,
        "label": size if is_size else fading,
        "short": f"{event.label} → {indicator.label}: {told}",
        "row": indicator.label,
        "column": f"Raised by {event.label}: {told}",
        "help": f"From the {case.settings.period} after the event on; after so many {case.settings.period}s half of "
        f"the rise is left. {STEP}",
    }


def _event(case: riskcast.Case, named: riskcast.QuantityName) -> Words:
    name, what = named.id.name, named.id.kind.field
    event = case.events[name]
    if what == "half_life":
        words = _half_life(case, named.id.of, Markdown(" by **{}**", event.label))
        return words | {"row": event.label, "short": f"{event.label}: {words['short']}", "event": name}
    if what == "tension":
        words = _shared("loading", event.label)
        return words | {"row": event.label, "short": f"{event.label}: {words['short']}", "event": name}
    if what != "base_rate":
        words = _hyper(what, event.label)
        label = words["label"]
        return words | {"label": label, "row": event.label, "short": f"{event.label}: {words['short']}", "event": name}
    whom = "for one pair" if event.scope == "dyad" else "shared by all pairs"
    return {
        "group": RATES,
        "label": Markdown("Chance of **{}** within a year, {}, in calm times", event.label, whom),
        "short": f"{event.label}: base rate",
        "row": event.label,
        "column": "Chance in a year",
        "unit": "%",
        "help": "Base rate: the chance of at least one such event within twelve months, with every indicator at its "
        "reference level and nothing recent to remember.",
        "scale": 100.0,
        "room": 0.5,
        "bounds": (0.0, 1.0),
        "event": name,
    }


def _half_life(case: riskcast.Case, memory: str, who: Markdown | str = "") -> Words:
    label = case.settings.memories[memory].label
    return {
        "group": MEMORY,
        "label": Markdown(
            "How long past events are remembered{} ({}): half-life in {}s", who, label, case.settings.period
        ),
        "short": f"Half-life: {label}",
        "row": EVERY,
        "column": f"Half-life: {label}",
        "help": HALF_LIFE,
    }


def _memory(case: riskcast.Case, named: riskcast.QuantityName) -> Words:
    return _half_life(case, named.id.name)


def _hyper(field: str, event: str = "") -> Words:
    """A spread or its persistence, of all event types or of one."""
    differ = Markdown("the rate of **{}** differs", event) if event else "rates differ"
    label, short, tip = {
        "sd_dyad": (
            Markdown("How much {} between pairs beyond what the indicators say", differ),
            "Spread: pairs",
            SPREAD,
        ),
        "sd_time": (Markdown("How much {} between years, for all pairs at once", differ), "Spread: years", SPREAD),
        "persistence": (
            Markdown("How much of a restless year lasts into the next (0 nothing, 1 all)"),
            "Persistence of years",
            "Persistence: the share of one year's common shock that is still there in the next.",
        ),
    }[field]
    return {
        "group": MEMORY,
        "label": label,
        "short": short,
        "row": EVERY,
        "column": short,
        "help": tip,
        "room": 0.5,
    }


def _shared(field: str, event: str = "") -> Words:
    """Of what all event types share: tension, or trust in the effects of indicators; a loading may be of one alone."""
    rises = Markdown("the rate of **{}** rises", event) if event else "rates rise"
    label, short, tip = {
        "persistence": (
            Markdown("How much of tension is kept from one of its periods to the next"),
            "Tension kept",
            TENSION,
        ),
        "loading": (
            Markdown("How far {} with one standard deviation of tension", rises),
            "Loading of tension",
            TENSION,
        ),
        "trust": (
            Markdown("How much of what effects of indicators are said to do they do (1: all of it)"),
            "Trust in effects",
            "Trust multiplies the logarithms of all rate ratios of indicators: how much drivers are worth as a body.",
        ),
    }[field]
    return {"group": MEMORY, "label": label, "short": short, "row": EVERY, "column": short, "help": tip, "room": 0.5}


def _effect(case: riskcast.Case, effect: Any) -> Words:
    target = case.events[effect.target]
    way = f" ({effect.path.replace('_', ' ')})" if effect.path else ""
    if effect.is_escalation:
        source = case.events[effect.source].label
        memory = case.settings.memories[effect.memory]
        cause = Markdown("{} of **{}** {}", riskcast.ratio_is_for(case, effect), source, WHOSE[effect.whose])
        tip = f"{RATE_RATIO} It is remembered by {memory.label!r}."
        if memory.half_life is not None:
            tip = f"{RATE_RATIO} It fades with the memory {memory.label!r}. {HALF_LIFE}"
        if effect.spent:
            tip += f" What came before the last event of {target.label!r} is answered, and acts no more."
    else:
        indicator = case.indicators[effect.source]
        source = indicator.label
        cause = Markdown("one step of **{}** ({})", source, indicator.measure.step_words)
        tip = f"{RATE_RATIO} {STEP}"
    acted_on = "the rate"
    if effect.on == "half_life":
        acted_on = f"the half-life {case.settings.memories[effect.memory].label!r}"
        tip = f"Half-life ratio: above 1 what is remembered lasts longer, below 1 it is over sooner. {HALF_LIFE} {STEP}"
        way = way or " (half-life)"
    return {
        "group": AFTERMATH if effect.is_escalation else EFFECTS,
        "label": Markdown("How much {} multiplies {} of: **{}**{}", cause, acted_on, target.label, way),
        "short": f"{source} → {target.label}{way}",
        "row": source,
        "column": target.label,
        "help": tip,
        "event": effect.target,
    }
