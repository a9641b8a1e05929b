"""Futures of a case one at a time, in plain Python from what its files mean: an independent answer to the simulation.

Nothing here is taken from the plan, the work arrays or the memories of the package: events are a list of what happened
when, memories and levels are sums over it, and chance is Python's own.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from riskcast.case.links import IDENTITY, LOG, Link
from riskcast.case.model import Effect, Raise
from riskcast.case.periods import Timeline, calendar_of
from riskcast.case.quantities import Quantity, elicit
from riskcast.engines.hazard import half_life_ratio
from riskcast.engines.posterior import Posterior


@dataclass(frozen=True)
class Happened:
    """One event: its type, unit and period, counted from the record's first; on which day of its period; whether it is
    recorded, and whether it is of the future."""

    type: str
    unit: int
    period: int
    day: int
    recorded: bool = True
    ahead: bool = False


@dataclass
class Future:
    """What happened on one path, and what of it is recorded: (event type, unit)."""

    happened: set[tuple[str, int]] = field(default_factory=set)
    recorded: set[tuple[str, int]] = field(default_factory=set)


class PlainWorld:
    """A case with a whole number of periods until its day, and draws of its parameters."""

    def __init__(self, posterior: Posterior, horizon: int, seed: int) -> None:
        self.posterior, self.case, self.horizon = posterior, posterior.case, horizon
        self.line = Timeline(self.case.as_of, self.case.calendar, self.case.settings.history_from)
        self.cells = self.line.cells(horizon)
        assert not self.cells.split
        self.now = self.line.complete
        self.random = random.Random(seed)
        self.past = list(self._past())

    def _past(self) -> Iterator[Happened]:
        for row in self.case.event_rows:
            if row.type not in self.case.events:
                continue
            number = self.case.calendar.number(row.date)
            day = (row.date - self.case.calendar.first_day(number)).days + 1
            for unit, name in enumerate(self.case.units(row.type)):
                if row.dyad == name:
                    yield Happened(row.type, unit, number - self.line.first, day)

    def drawn(self, quantity: Quantity, link: Link) -> float:
        """A value of a quantity by its prior."""
        prior = elicit(quantity, link)
        return float(prior.quantile(0.0 if prior.is_fixed else self.random.gauss(0.0, 1.0)))

    def future(self, draw: int) -> Future:
        """A future of one draw of the parameters, with levels, drifts and what is passed on of its own."""
        case = self.case
        today: dict[tuple[str, int], float] = {}
        drift, passed, rises = {}, {}, {}
        for name, indicator in case.indicators.items():
            units = case.dyads if indicator.scope == "dyad" else (case.host,)
            for place, unit in enumerate(units):
                level = self.drawn(indicator.now_of(unit), indicator.prior_link)
                today[name, place] = float(indicator.steps(level))
            drift[name] = self.drawn(indicator.drift, LOG)
            for parent, quantity in indicator.parents.items():
                passed[name, parent] = self.drawn(quantity, IDENTITY)
            for source, rise in indicator.raises.items():
                rises[name, source] = (self.drawn(rise.steps, IDENTITY), self.drawn(rise.half_life, LOG))
        return self._go_on(draw, today, self._own_drift(drift, passed), passed, rises)

    def _own_drift(self, drift: dict[str, float], passed: dict[tuple[str, str], float]) -> dict[str, float]:
        """What is left of each drift after what parents pass on, where each has one ancestor at most."""
        own = {}
        for name, total in drift.items():
            given = sum((weight * drift[parent]) ** 2 for (child, parent), weight in passed.items() if child == name)
            own[name] = math.sqrt(max(total**2 - given, 0.0))
        return own

    def _go_on(
        self,
        draw: int,
        today: dict[tuple[str, int], float],
        drift: dict[str, float],
        passed: dict[tuple[str, str], float],
        rises: dict[tuple[str, str], tuple[float, float]],
    ) -> Future:
        case, chance = self.case, self.random
        events, found = list(self.past), Future()
        walks = dict.fromkeys(today, 0.0)
        history: list[dict[tuple[str, int], float]] = []
        shocks = self._shocks(draw)
        for cell in range(self.horizon):
            period = self.now + cell
            for name, unit in walks:
                walks[name, unit] += drift[name] * chance.gauss(0.0, 1.0) / math.sqrt(case.periods_per_year)
            levels = self._levels(cell, today, walks, passed, rises, events)
            history.append(levels)
            for name in case.order:
                for unit in range(len(case.units(name))):
                    eta = self._log_rate(draw, name, unit, period, levels, history, events) + shocks[name][cell]
                    mean = math.exp(eta)
                    if chance.random() >= -math.expm1(-mean):
                        continue
                    length = (
                        case.calendar.first_day(self.line.first + period + 1)
                        - case.calendar.first_day(self.line.first + period)
                    ).days
                    found_of = float(self.posterior.record.recall[name][unit])
                    # Of a Poisson number of events each is found by itself, and one is enough.
                    recorded = chance.random() < math.expm1(-found_of * mean) / math.expm1(-mean)
                    one = Happened(name, unit, period, 1 + chance.randrange(length), recorded, ahead=True)
                    events.append(one)
                    found.happened.add((name, unit))
                    if recorded:
                        found.recorded.add((name, unit))
        return found

    def _shocks(self, draw: int) -> dict[str, list[float]]:
        """The shock of the year, or tension, of every cell."""
        shared, gauss = self.posterior.shared, self.random.gauss
        out: dict[str, list[float]] = {}
        if self.case.settings.tension is not None and shared is not None:
            calendar = calendar_of(self.case.settings.tension.period)
            level, number, rho = (
                float(shared.tension[draw, -1]),
                int(shared.periods[-1]),
                float(shared.persistence[draw]),
            )
            path = []
            for first in self.cells.first:
                while number < calendar.number(first):
                    number += 1
                    level = rho * level + math.sqrt(1.0 - rho**2) * gauss(0.0, 1.0)
                path.append(level)
            for name, model in self.posterior.models.items():
                loading = float(self.posterior.events[name].hyper["loading"][draw]) if model.has_tension else 0.0
                out[name] = [loading * g - loading**2 / 2.0 for g in path]
            return out
        for name, drawn in self.posterior.events.items():
            shock, year = float(drawn.shocks[draw, -1]), int(self.posterior.models[name].years[-1])
            sd, rho = float(drawn.hyper["sd_time"][draw]), float(drawn.hyper["persistence"][draw])
            out[name] = []
            for first in self.cells.first:
                while year < first.year:
                    year += 1
                    shock = rho * shock + sd * math.sqrt(1.0 - rho**2) * gauss(0.0, 1.0)
                out[name].append(shock)
        return out

    def _levels(
        self,
        cell: int,
        today: dict[tuple[str, int], float],
        walks: dict[tuple[str, int], float],
        passed: dict[tuple[str, str], float],
        rises: dict[tuple[str, str], tuple[float, float]],
        events: list[Happened],
    ) -> dict[tuple[str, int], float]:
        """Steps of every indicator and unit in a cell, parents before children."""
        levels: dict[tuple[str, int], float] = {}
        waiting = list(self.case.indicators)
        while waiting:
            name = waiting.pop(0)
            indicator = self.case.indicators[name]
            if any(parent in waiting for parent in indicator.parents):
                waiting.append(name)
                continue
            for (own, unit), level in today.items():
                if own != name:
                    continue
                total = level + walks[name, unit]
                for parent in indicator.parents:
                    at = unit if (parent, unit) in levels else 0
                    total += passed[name, parent] * (levels[parent, at] - today[parent, at])
                for source, rise in indicator.raises.items():
                    total += self._risen(cell, unit, source, rise, *rises[name, source], events)
                low, high = indicator.measure.limits if indicator.bounds is not None else (-math.inf, math.inf)
                levels[name, unit] = min(max(total, float(low)), float(high))
        return levels

    def _risen(
        self, cell: int, unit: int, source: str, rise: Raise, steps: float, half_life: float, events: list[Happened]
    ) -> float:
        """What events add to an indicator in a cell: those of the future from the next cell on; those of the record
        stand in today's level, and fade from it."""
        total, seen = 0.0, set()
        for one in events:
            if one.type != source or (rise.whose == "own" and one.unit != unit) or (one.period, one.unit) in seen:
                continue
            if rise.whose == "others" and one.unit == unit:
                continue
            seen.add((one.period, one.unit))
            middle = self.now + cell + 0.5
            if one.ahead:
                gap = middle - (one.period + 0.5)
                total += steps * 2.0 ** (-gap / half_life) if one.period < self.now + cell else 0.0
                continue
            number = self.line.first + one.period
            length = (self.case.calendar.first_day(number + 1) - self.case.calendar.first_day(number)).days
            moment = one.period + (one.day - 0.5) / length
            total += steps * (2.0 ** (-(middle - moment) / half_life) - 2.0 ** (-(self.now - moment) / half_life))
        return total

    def _log_rate(
        self,
        draw: int,
        name: str,
        unit: int,
        period: int,
        levels: dict[tuple[str, int], float],
        history: list[dict[tuple[str, int], float]],
        events: list[Happened],
    ) -> float:
        drawn, model = self.posterior.events[name], self.posterior.models[name]
        sizes = dict(zip(model.coefficients, drawn.coefficients[draw].tolist(), strict=True))
        eta = drawn.coefficients[draw, 0] + drawn.effects[draw, unit]
        for effect in self.case.effects_on(name):
            if effect.is_escalation:
                eta += sizes[effect.id] * self._memory(draw, effect, unit, period, history, events)
            else:
                at = unit if (effect.source, unit) in levels else 0
                eta += sizes[effect.id] * levels[effect.source, at]
        return float(eta)

    def _memory(
        self,
        draw: int,
        effect: Effect,
        unit: int,
        period: int,
        history: list[dict[tuple[str, int], float]],
        events: list[Happened],
    ) -> float:
        """The m of an edge in a period of the future, from what is recorded so far."""
        settings, same = self.case.settings.memories[str(effect.memory)], effect.acts == "same"
        last = period if same else period - 1
        seen = [one for one in events if one.type == effect.source and one.recorded and one.period <= last]
        if effect.whose == "own":
            seen = [one for one in seen if one.unit == unit]
        if effect.whose == "others":
            seen = [one for one in seen if one.unit != unit]
        if effect.spent:
            answers = [one for one in events if one.type == effect.target and one.unit == unit and one.recorded]
            seen = [one for one in seen if not any(_answers(effect, answer, one) for answer in answers)]
        kind = settings.kind
        periods = sorted({(one.period, one.unit) for one in seen})
        if kind == "since":
            return math.log(1.0 + (last - periods[-1][0] if periods else last + 1))
        if kind == "never":
            return 0.0 if periods else 1.0
        if kind == "immediate":
            return math.log2(1.0 + sum(self._reach(settings.days or 0, one, period) for one in _latest(seen)))
        total = 0.0
        for then, _ in periods:
            total += math.prod(self._left(draw, effect, unit, t, history) for t in range(then + 1, last + 1))
        if kind in ("rate", "mean"):
            shares = [self._left(draw, effect, unit, t, history) for t in range(last + 1)]
            time = sum((1.0 - shares[0]) * shares[0] ** gap for gap in range(last + 1))
            total /= time
            if kind == "mean":
                return total * (1.0 - shares[0])
        return math.log2(1.0 + total)

    def _left(
        self, draw: int, effect: Effect, unit: int, period: int, history: list[dict[tuple[str, int], float]]
    ) -> float:
        """What a period leaves of what was there before it."""
        drawn = self.posterior.events[effect.target]
        log_half_life = math.log(drawn.hyper[f"half_life.{effect.memory}"][draw])
        for other in self.case.half_life_effects_on(effect.target):
            if other.memory == effect.memory:
                if period < self.now:
                    grid = self.posterior.record.levels[other.source]
                    level = float(grid[period, min(unit, grid.shape[1] - 1)])
                else:
                    levels = history[period - self.now]
                    level = levels[other.source, unit if (other.source, unit) in levels else 0]
                log_half_life += math.log(drawn.hyper[half_life_ratio(other)][draw]) * level
        return 2.0 ** (-1.0 / math.exp(log_half_life))

    def _reach(self, days: int, one: Happened, period: int) -> float:
        """The share of a period that an event reaches within so many days."""
        if one.period == period:
            return 1.0
        first = self.case.calendar.first_day
        begin, end = (first(self.line.first + period + step) for step in (0, 1))
        day = first(self.line.first + one.period).toordinal() + one.day - 1
        reached = min(day + days, end.toordinal() - 1) - begin.toordinal() + 1
        return max(0, reached) / (end - begin).days


def _latest(seen: list[Happened]) -> list[Happened]:
    """The last event of each unit and period."""
    found: dict[tuple[int, int], Happened] = {}
    for one in seen:
        before = found.get((one.period, one.unit))
        if before is None or before.day < one.day:
            found[one.period, one.unit] = one
    return list(found.values())


def _answers(effect: Effect, answer: Happened, trigger: Happened) -> bool:
    """Whether an answer comes at or after a trigger."""
    if answer.period != trigger.period:
        return answer.period > trigger.period
    return effect.acts == "same" if trigger.ahead else answer.day >= trigger.day
