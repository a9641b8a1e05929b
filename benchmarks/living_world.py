"""A small world whose truth is known: a case's files, and events drawn month by month from its own priors.

Nothing here is taken from the package but what a prior's quantiles are: rates, memories and levels are sums over a list
of what happened, and chance is Python's own. Each event is found on its day, late, or never.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import dataclass
from pathlib import Path

from riskcast import Case, load_case
from riskcast.case.links import LOG, Link
from riskcast.case.quantities import Quantity, elicit

HISTORY = dt.date(2008, 1, 1)
FIRST = dt.date(2019, 12, 29)
RECALL = 0.9
# Of what is found, so much is found weeks after its day.
LATE = 0.25
SETTLED_STEP = 5.0
REFERENCE = 50.0
ERROR = 1.0
MONTHS = 12

_WHY = "evidence: {basis: judgement, claim: Made up.}"
_RULE = "resolution: {yes: It is recorded., no: Anything less., resolved_by: The record}"
CASE = f"""\
# A world made up; what is true of it is drawn from these priors.
title: A world made up
as_of: {FIRST}
host: {{id: HHH, name: Host}}
partners:
PARTNERS
period: month
history_from: {HISTORY}
recorded_until: {FIRST}
horizon: 3
bands:
  - {{name: low, start: 0}}
  - {{name: high, start: 30}}
memories:
  fast: {{label: Fast, half_life: {{median: 3, interval: [1.5, 6], {_WHY}}}}}
hyperpriors:
  sd_dyad: {{median: 0.4, interval: [0.2, 0.8], {_WHY}}}
  sd_time: {{median: 0.25, interval: [0.12, 0.5], {_WHY}}}
  persistence: {{value: 0.6, {_WHY}}}
"""
INDICATORS = f"""\
mood:
  label: Mood
  question: How hostile is opinion?
  scope: host
  unit: points
  scale: identity
  reference: {REFERENCE:g}
  step: {SETTLED_STEP:g}
  history: series
  drift: {{value: 0.5, {_WHY}}}
"""
OUTCOMES = f"""\
protest:
  label: Protest
  kind: outcome
  scope: dyad
  initiator: partner
  severity: 30
  recall: {RECALL}
  {_RULE}
  base_rate: {{median: 0.7, interval: [0.4, 0.92], {_WHY}}}
ban:
  label: Ban
  kind: outcome
  scope: dyad
  initiator: host
  severity: 50
  recall: {RECALL}
  {_RULE}
  base_rate: {{median: 0.5, interval: [0.2, 0.85], {_WHY}}}
decree:
  label: Decree
  kind: outcome
  scope: host
  initiator: host
  severity: 60
  recall: {RECALL}
  {_RULE}
  base_rate: {{median: 0.6, interval: [0.3, 0.9], {_WHY}}}
"""
EFFECTS = f"""\
- from: mood
  to: protest
  rate_ratio: {{median: 1.3, interval: [0.9, 1.9], {_WHY}}}
  rationale: Hostility breeds protest.
- from: mood
  to: decree
  rate_ratio: {{median: 1.3, interval: [0.9, 1.9], {_WHY}}}
  rationale: Decrees follow opinion.
- from: protest
  to: ban
  whose: own
  memory: fast
  acts: next
  rate_ratio: {{median: 1.8, interval: [1.1, 3], {_WHY}}}
  rationale: Protests are answered by bans.
"""
SOURCES = "wire: {title: The wire, publisher: Wire, date: 2008-01-01}\n"
EVENT_HEAD = "date,precision,type,dyad,initiator,description,sources,status,published,entered\n"
VALUE_HEAD = "indicator,unit,date,value,low,high,published,sources,status\n"


@dataclass(frozen=True)
class Happening:
    """One event: its number, type, unit, day, and the day on which it is found, None where it never is."""

    number: int
    type: str
    unit: str
    day: dt.date
    found: dt.date | None


@dataclass(frozen=True)
class Reading:
    """A value of the indicator, and the day on which it is published."""

    day: dt.date
    value: float
    published: dt.date


@dataclass(frozen=True)
class World:
    """All that happens and is measured from the history's first day to the last, by day."""

    happenings: tuple[Happening, ...]
    readings: tuple[Reading, ...]

    def found(self, after: dt.date, until: dt.date) -> list[Happening]:
        """What is found after one day and until another, whenever it was."""
        return [one for one in self.happenings if one.found is not None and after < one.found <= until]

    def measured(self, after: dt.date, until: dt.date) -> list[Reading]:
        """Values that are published after one day and until another."""
        return [one for one in self.readings if after < one.published <= until]

    def comes(self, type: str, unit: str, first: dt.date, last: dt.date, until: dt.date) -> bool:
        """Whether such an event lies within a window and is found until a day."""
        return any(
            (one.type, one.unit) == (type, unit) and first <= one.day <= last and one.found and one.found <= until
            for one in self.happenings
        )


def write_world(folder: Path, seed: int, dyads: int, last: dt.date) -> World:
    """Write the case as it stands on its first day, with what was found by then, and give all that is to come."""
    (folder / "history").mkdir(parents=True)
    codes = [f"P{chr(ord('A') + number // 26)}{chr(ord('A') + number % 26)}" for number in range(dyads)]
    partners = "".join(f"  - {{id: {code}, name: Partner {code}}}\n" for code in codes)
    texts = {
        "case.yaml": CASE.replace("PARTNERS\n", partners),
        "indicators.yaml": INDICATORS,
        "outcomes.yaml": OUTCOMES,
        "effects.yaml": EFFECTS,
        "scenarios.yaml": "{}\n",
        "sources.yaml": SOURCES,
        "history/events.csv": EVENT_HEAD,
        "history/indicators.csv": VALUE_HEAD + f"mood,HHH,{HISTORY},{REFERENCE:g},49,51,{HISTORY},wire,located\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    world = draw_world(load_case(folder), seed, last)
    before = dt.date.min
    rows = [
        f"{one.day},day,{one.type},{one.unit},{starter(one)},{words(one)},wire,located,{one.found},{one.found}\n"
        for one in world.found(before, FIRST)
    ]
    (folder / "history/events.csv").write_text(EVENT_HEAD + "".join(sorted(rows)), encoding="utf-8")
    values = [
        f"mood,HHH,{one.day},{one.value:.3f},{one.value - 1.645 * ERROR:.3f},{one.value + 1.645 * ERROR:.3f},"
        f"{one.published},wire,located\n"
        for one in world.measured(before, FIRST)
    ]
    (folder / "history/indicators.csv").write_text(VALUE_HEAD + "".join(values), encoding="utf-8")
    return world


def starter(one: Happening) -> str:
    """Who began it."""
    return one.unit.removeprefix("HHH-") if one.type == "protest" else "HHH"


def words(one: Happening) -> str:
    """What the record says of it."""
    return f"Dispatch {one.number}: a {one.type} in {one.unit}"


def draw_world(case: Case, seed: int, last: dt.date) -> World:
    """Events month by month from one draw of every prior, until a day.

    log rate = base rate + mood + memory of own protests + dyad effect + shock of the year, and the number of a month is
    Poisson; days are uniform in their month.
    """
    chance = random.Random(seed)

    def drawn(quantity: Quantity, link: Link) -> float:
        prior = elicit(quantity, link)
        return float(prior.quantile(0.0 if prior.is_fixed else chance.gauss(0.0, 1.0)))

    months = (last.year - HISTORY.year) * MONTHS + last.month
    drift = drawn(case.indicators["mood"].drift, LOG)
    mood, walk = [], 0.0
    for _ in range(months):
        mood.append(walk)
        walk += drift * chance.gauss(0.0, 1.0) / math.sqrt(MONTHS)
    happened: list[Happening] = []
    protests: dict[str, list[int]] = {unit: [] for unit in case.dyads}
    for name in ("protest", "ban", "decree"):
        event = case.events[name]
        base = case.base_rate_prior(name)
        alpha = math.log(-math.log1p(-float(base.quantile(chance.gauss(0.0, 1.0)))) / MONTHS)
        slopes = {edge.source: math.log(drawn(edge.rate_ratio, LOG)) for edge in case.effects_on(name)}
        sd_dyad = drawn(case.sd_dyad(name), LOG) if event.scope == "dyad" else 0.0
        sd_time, rho = drawn(case.sd_time(name), LOG), 0.6
        fast = case.settings.memories["fast"].half_life
        assert fast is not None
        half_life = drawn(fast, LOG)
        shock, shocks = chance.gauss(0.0, sd_time), []
        for _ in range(months // MONTHS + 1):
            shocks.append(shock)
            shock = rho * shock + math.sqrt(1.0 - rho**2) * chance.gauss(0.0, sd_time)
        for unit in case.units(name):
            apart = sd_dyad * chance.gauss(0.0, 1.0)
            for month in range(months):
                eta = alpha + apart + shocks[month // MONTHS] + slopes.get("mood", 0.0) * mood[month]
                if name == "ban":
                    left = sum(2.0 ** (-(month - 1 - then) / half_life) for then in protests[unit] if then < month)
                    eta += slopes["protest"] * math.log2(1.0 + left)
                count = _poisson(math.exp(eta), chance)
                new = [_placed(len(happened) + own, name, unit, month, chance) for own in range(count)]
                happened += new
                if name == "protest" and any(one.found is not None for one in new):
                    protests[unit].append(month)
    readings = []
    for month in range(0, months, 2):
        middle = _first(month) + dt.timedelta(days=14)
        value = REFERENCE + SETTLED_STEP * mood[month] + chance.gauss(0.0, ERROR)
        readings.append(Reading(middle, round(value, 3), middle + dt.timedelta(days=20)))
    return World(tuple(sorted(happened, key=lambda one: (one.day, one.type, one.unit))), tuple(readings))


def _placed(number: int, name: str, unit: str, month: int, chance: random.Random) -> Happening:
    first, after = _first(month), _first(month + 1)
    day = first + dt.timedelta(days=chance.randrange((after - first).days))
    if chance.random() >= RECALL:
        return Happening(number, name, unit, day, None)
    delay = chance.randrange(14, 70) if chance.random() < LATE else chance.randrange(2)
    return Happening(number, name, unit, day, day + dt.timedelta(days=delay))


def _poisson(mean: float, chance: random.Random) -> int:
    """A Poisson number, by what is left of e^-mean (Knuth, 1969)."""
    number, left = 0, chance.random()
    while left > math.exp(-mean):
        number, left = number + 1, left * chance.random()
    return number


def _first(month: int) -> dt.date:
    return dt.date(HISTORY.year + month // MONTHS, month % MONTHS + 1, 1)
