"""Memories by their definitions, event by event, and forecasts by going through every future."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case, Effect
from riskcast.case.periods import Timeline


@dataclass(frozen=True)
class Happening:
    """One event, or several of a day: period counts from the record's first; day is that of its period, from 1."""

    type: str
    unit: int
    period: int
    day: int
    number: int = 1
    simulated: bool = False


def of_record(case: Case) -> list[Happening]:
    """The rows of a case as happenings, each on its day."""
    line = Timeline(case.as_of, case.calendar, case.settings.history_from)
    found = []
    for row in case.event_rows:
        number = case.calendar.number(row.date)
        day = (row.date - case.calendar.first_day(number)).days + 1
        units = case.units(row.type)
        found += [Happening(row.type, u, number - line.first, day) for u, id in enumerate(units) if row.dyad == id]
    return found


def visible(case: Case, effect: Effect, unit: int, events: list[Happening]) -> list[Happening]:
    """Events of an edge's source that a unit of its target sees, where all dyads share a host."""
    whose = effect.whose
    mine = [one for one in events if one.type == effect.source]
    if whose in ("any", "host"):
        return mine
    return [one for one in mine if (one.unit == unit) == (whose == "own")]


def is_spent(effect: Effect, trigger: Happening, answer: Happening) -> bool:
    """Whether an answer comes at or after a trigger."""
    if trigger.period != answer.period:
        return trigger.period < answer.period
    if trigger.simulated and answer.simulated:
        return effect.acts == "same"
    return answer.simulated if trigger.simulated != answer.simulated else trigger.day <= answer.day


def memory_by_definition(
    case: Case,
    effect: Effect,
    unit: int,
    now: int,
    events: list[Happening],
    simulated: bool = True,
) -> float:
    """The m of an edge for a unit in a period, from all events so far, in the period those that it may feel; of a
    simulated period, before which all of the record has happened, or of a row of the record."""
    settings, same = case.settings.memories[str(effect.memory)], effect.acts == "same"
    last = now if same else now - 1
    seen = [one for one in visible(case, effect, unit, events) if one.period <= last]
    if effect.spent:
        answers = [one for one in events if one.type == effect.target and one.unit == unit and one.period <= now]
        own = [one for one in answers if one.period == now and one.simulated == simulated]
        answers = [one for one in answers if one not in own]
        if own and not simulated:
            # A row in which the answer happened feels the triggers up to it.
            seen = [one for one in seen if one.period < now or any(is_spent(effect, one, answer) for answer in own)]
        seen = [one for one in seen if not any(is_spent(effect, one, answer) for answer in answers)]
    by_period: dict[tuple[int, int], list[Happening]] = {}
    for one in seen:
        by_period.setdefault((one.period, one.unit), []).append(one)
    if settings.kind == "since":
        return math.log(1.0 + (last - max(p for p, _ in by_period) if by_period else last + 1))
    if settings.kind == "never":
        return 0.0 if by_period else 1.0
    if settings.kind == "immediate":
        total = 0.0
        line = Timeline(case.as_of, case.calendar, case.settings.history_from)
        for (period, _), together in by_period.items():
            if period == now:
                total += 1.0
                continue
            begin = case.calendar.first_day(line.first + now)
            length = (case.calendar.first_day(line.first + now + 1) - begin).days
            happened = case.calendar.first_day(line.first + period) + dt.timedelta(max(e.day for e in together) - 1)
            days = {happened + dt.timedelta(n) for n in range(1, int(settings.days or 0) + 1)}
            total += len(days & {begin + dt.timedelta(n) for n in range(length)}) / length
        return math.log2(1.0 + total)
    half_life = case.half_life(effect.target, str(effect.memory)).center
    left = 0.0
    for (period, _), together in by_period.items():
        weight = {
            None: 1.0,
            "severity": float(case.events[effect.source].severity or 0.0) / 100.0,
            "count": float(sum(one.number for one in together)),
            "log_count": math.log2(1.0 + sum(one.number for one in together)),
        }[settings.weight]
        left += weight * 2.0 ** (-(last - period) / half_life)
    if settings.kind in ("rate", "mean"):
        decay = 2.0 ** (-1.0 / half_life)
        time = sum(decay**gap for gap in range(last + 1))
        if settings.kind == "mean":
            return left / time if last >= 0 else 0.0
        left = left / (time * (1.0 - decay)) if last >= 0 else 0.0
    return math.log2(1.0 + left)


def enumerate_memories(
    case: Case,
    horizon: int,
    days: bool = False,
    most: int = 1,
    level: Callable[[str, int], float] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Probability of each event type by the end of every cell, (cells, units), going through every future.

    `days`: each event on every day that it can have; `most`: up to so many events of one period, in a Poisson number;
    level(indicator, cell): steps from the reference. Every quantity stands at its centre.
    """
    line = Timeline(case.as_of, case.calendar, case.settings.history_from)
    cells = line.cells(horizon)
    record = of_record(case)
    places = [(t, name, u) for t in range(len(cells)) for name in case.order for u in range(len(case.units(name)))]
    found = {name: np.zeros((len(cells), len(case.units(name)))) for name in case.order}

    def log_rate(name: str, unit: int, t: int, events: list[Happening]) -> float:
        eta = math.log(-math.log1p(-case.events[name].base_rate.center) / case.periods_per_year)
        for effect in case.effects_on(name):
            slope = math.log(effect.rate_ratio.center)
            if effect.is_escalation:
                now = line.complete + t
                if t == 0 and cells.split and not effect.spent and effect.acts == "same":
                    begun = [e for e in events if e.period == now and not e.simulated]
                    if any(e.type == name and e.unit == unit for e in begun):
                        events = [e for e in events if e not in begun]
                eta += slope * memory_by_definition(case, effect, unit, now, events)
            elif level is not None:
                eta += slope * level(effect.source, t)
        return eta

    def go_on(place: int, weight: float, events: list[Happening], since: Mapping[tuple[str, int], int]) -> None:
        if place == len(places):
            for (name, unit), t in since.items():
                found[name][t:, unit] += weight
            return
        t, name, unit = places[place]
        mean = math.exp(log_rate(name, unit, t, events)) * float(cells.shares[t])
        go_on(place + 1, weight * math.exp(-mean), events, since)
        first = (cells.first[t] - case.calendar.first_day(line.first + line.complete + t)).days + 1
        span = (cells.last[t] - cells.first[t]).days + 1
        chosen = range(first, first + span) if days else (first,)
        numbers = [math.exp(-mean) * mean**n / math.factorial(n) for n in range(1, most)]
        numbers.append(-math.expm1(-mean) - sum(numbers))
        later = since if (name, unit) in since else {**since, (name, unit): t}
        for day in chosen:
            for number, chance in enumerate(numbers, 1):
                one = Happening(name, unit, line.complete + t, day, number, simulated=True)
                go_on(place + 1, weight * chance / len(chosen), [*events, one], later)

    go_on(0, 1.0, record, {})
    return found
