"""What escalation edges see of a record: events by period, by the day where a memory or an answer asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case, Effect
from riskcast.case.periods import Timeline
from riskcast.case.settings import IMMEDIATE, NEVER, PER_TIME, SINCE, Memory
from riskcast.machinery.array_types import Bools, Floats, Ints
from riskcast.record.arrays import Dated, Record, day_number
from riskcast.record.memory import Sight, reached, seen_of

# Four years hold the shortest month and quarter of any calendar.
PERIODS_OF_FOUR_YEARS = 48


def sight_of(effect: Effect, case: Case, record: Record) -> Sight:
    """What an escalation edge sees of a record; what a trigger's day cannot tell is told by the order within a period.

    A trigger is answered by an event of the target in the same unit at or after it. Where days leave open which of two
    in one period came first, a same-period edge takes the trigger to have come first, and a next-period edge the
    answer, as in a simulated period.
    """
    memory = settings_of(effect, case)
    grid = source_grid(effect, case, record)
    seen = seen_of(effect, case, grid)
    blank = _blank(effect, case, record) if memory.kind in (SINCE, NEVER) else None
    if not effect.spent:
        return Sight(seen, blank=blank)
    answered = record.occurred[effect.target] > 0.0
    upto, after = np.array(seen), np.zeros_like(seen)
    if effect.acts != "same":
        upto, after = after, upto
    if record.dated:
        triggers, answers = record.dated[effect.source], record.dated[effect.target]
        # Where nothing was triggered there is nothing to part, but for time on record.
        busy = set(triggers.period.tolist())
        for t, unit in np.argwhere(answered).tolist():
            if t not in busy and memory.kind not in PER_TIME:
                continue
            here = np.flatnonzero(triggers.period == t)
            before = came_before(triggers, here, answers, t, unit, effect.acts == "same")
            for part, chosen in ((upto, here[before]), (after, here[~before])):
                own = source_grid(effect, case, record, (t, chosen))
                part[t, ..., unit] = seen_of(effect, case, own)[0, ..., unit]
    return Sight(seen, answered, upto, after)


def is_answered(effect: Effect, record: Record, unit: int, trigger: Dated) -> bool:
    """Whether one trigger of an edge that spends them is answered in a unit of the target, by the end of the record."""
    if not effect.spent:
        return False
    answered, period = record.occurred[effect.target][:, unit] > 0.0, int(trigger.period[0])
    if not answered[period]:
        return bool(answered[period:].any())
    if bool(answered[period + 1 :].any()) or not record.dated:
        return bool(answered[period + 1 :].any()) or effect.acts == "same"
    first = effect.acts == "same"
    return bool(came_before(trigger, np.zeros(1, dtype=np.int64), record.dated[effect.target], period, unit, first)[0])


def share_reached(case: Case, record: Record, trigger: Dated, days: int) -> float:
    """The share of the first period of the horizon that one event reaches in so many days; 1 within its own period."""
    complete, period = record.timeline.complete, int(trigger.period[0])
    if period >= complete:
        return 1.0
    bounds = period_starts(case, record.timeline, period, complete - period + 2)
    day = np.array(trigger.placed[0] - bounds[0] + 1.0)
    return float(reached(day, np.diff(bounds).tolist(), days)[-1])


def sees_coverage(memory: Memory) -> bool:
    """Whether what a memory sees depends on how far the record reaches, and not on its events alone."""
    return memory.kind in (SINCE, NEVER, *PER_TIME)


@dataclass(frozen=True)
class Begun:
    """What an edge's source has had in the period that runs, as `source_grid` gives it for one period.

    grid: all of it; left: by unit of the target in which it is answered, what came after the answer; answered: (units
    of the target,) whether the target has happened in the period.
    """

    grid: Floats
    left: Mapping[int, Floats]
    answered: Bools


def begun_of(effect: Effect, case: Case, record: Record) -> Begun:
    """What the source of an edge has had in the last period of a record; of triggers that are spent, what is left."""
    last = record.timeline.length - 1
    grid, answered = source_grid(effect, case, record)[last], record.occurred[effect.target][last] > 0.0
    left = {}
    for unit in np.flatnonzero(answered).tolist() if effect.spent else ():
        if record.dated:
            triggers, answers = record.dated[effect.source], record.dated[effect.target]
            here = np.flatnonzero(triggers.period == last)
            before = came_before(triggers, here, answers, last, unit, effect.acts == "same")
            left[unit] = source_grid(effect, case, record, (last, here[~before]))[0]
        else:
            left[unit] = np.zeros_like(grid) if effect.acts == "same" else grid
    return Begun(grid, left, answered)


def is_plain(effect: Effect, case: Case) -> bool:
    """Whether an edge sees no more of a record than whether events happened, period by period."""
    memory = settings_of(effect, case)
    return not effect.spent and memory.weight is None and memory.kind not in (IMMEDIATE, SINCE, NEVER, *PER_TIME)


def settings_of(effect: Effect, case: Case) -> Memory:
    """The memory of an escalation edge as the case describes it."""
    return case.settings.memories[str(effect.memory)]


def came_before(triggers: Dated, here: Ints, answers: Dated, period: int, unit: int, first: bool) -> Bools:
    """Which of some triggers of a period are answered by the last answer of a unit in it; `first`: whether they come
    first where days leave it open."""
    mine = np.flatnonzero((answers.period == period) & (answers.unit == unit))
    last = mine[np.argmax(answers.latest[mine])]
    if first:
        return triggers.earliest[here] <= answers.latest[last]
    return triggers.latest[here] <= answers.earliest[last]


def source_grid(effect: Effect, case: Case, record: Record, only: tuple[int, Ints] | None = None) -> Floats:
    """What happened of an edge's source as its memory counts it: (periods, units), or (periods, parts, units).

    `only`: a period, and which of the record's dated events to see in it; the result is of this period alone, and so
    are the arrays of a record that knows no days.
    """
    memory, source = settings_of(effect, case), effect.source
    grid = record.occurred[source]
    dated = record.dated.get(source)
    if only is not None and dated is not None:
        chosen = only[1]
        one = np.zeros_like(chosen)
        dated = Dated(one, dated.unit[chosen], dated.earliest[chosen], dated.latest[chosen], dated.placed[chosen])
        grid = np.zeros((1, grid.shape[1]))
        grid[0, dated.unit] = 1.0
    begin = 0 if only is None else only[0]
    if memory.kind == IMMEDIATE:
        return _reaching(case, record.timeline, grid, dated, begin, int(memory.days or 0))
    numbers = grid
    if memory.is_numbered:
        numbers = record.numbers.get(source, grid) if dated is None else _numbers(grid, dated)
    grid = weighed(case, effect, grid, numbers)
    if memory.kind not in PER_TIME:
        return grid
    covered = record.covered[source][begin : begin + len(grid)]
    return np.stack([np.where(covered > 0.0, grid, 0.0), covered], axis=1)


def weighed(case: Case, effect: Effect, happened: Floats, numbers: Floats) -> Floats:
    """Events as a memory weighs them, from whether they happened and how many did; numbers count where they are too
    few for the event of the period to have happened, too."""
    weight = settings_of(effect, case).weight
    if weight == "severity":
        return happened * float(case.events[effect.source].severity or 0.0) / 100.0
    if weight == "log_count":
        return np.log2(1.0 + numbers)
    return numbers if weight == "count" else happened


def numbers_of_events(case: Case, record: Record, event: str) -> Floats:
    """How many there were in each period of a panel in which an event happened, from the least; the least that makes
    one where it never did; none where the record knows dated events. (periods with the event,)"""
    if event not in record.numbers:
        return np.zeros(0)
    least, numbers = float(case.events[event].at_least), record.numbers[event]
    found = np.sort(numbers[numbers >= least])
    return found if len(found) else np.array([least])


def _numbers(grid: Floats, dated: Dated) -> Floats:
    out = np.zeros_like(grid)
    np.add.at(out, (dated.period, dated.unit), 1.0)
    return out


def _reaching(case: Case, timeline: Timeline, grid: Floats, dated: Dated | None, begin: int, days: int) -> Floats:
    """Events as an immediate memory sees them: themselves, and the shares of later periods that they reach."""
    later = periods_reached(case, days)
    out = np.zeros((len(grid), 1 + later, grid.shape[1]))
    out[:, 0] = grid
    bounds = period_starts(case, timeline, begin, len(grid) + later + 1)
    if dated is not None:
        lengths = [bounds[dated.period + 1 + t] - bounds[dated.period + t] for t in range(later + 1)]
        shares = reached(dated.placed - bounds[dated.period] + 1.0, lengths, days)
        for part, share in enumerate(shares, 1):
            np.maximum.at(out[:, part], (dated.period, dated.unit), share)
    return out


def period_starts(case: Case, timeline: Timeline, begin: int, count: int) -> Ints:
    """The first days of some whole periods of a case's calendar, counted from 1970: (count,)."""
    first = timeline.first + begin
    return np.array([day_number(case.calendar.first_day(first + t)) for t in range(count)])


def periods_reached(case: Case, days: int) -> int:
    """Into how many periods after its own an event can reach in so many days."""
    now = case.calendar.number(case.as_of)
    starts = [day_number(case.calendar.first_day(now + t)) for t in range(PERIODS_OF_FOUR_YEARS + 1)]
    return -(-days // int(np.diff(starts).min()))


def _blank(effect: Effect, case: Case, record: Record) -> Bools:
    """Where the record that an edge sees has not begun, (periods, units): nothing is covered yet, nothing happened."""
    known = (record.covered[effect.source] > 0.0) | (record.occurred[effect.source] > 0.0)
    return np.cumsum(seen_of(effect, case, known.astype(float)), axis=0) <= 0.0
