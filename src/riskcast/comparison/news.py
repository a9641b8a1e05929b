"""What is new between two forecasts of a case, sorted by why: days, events, values, beliefs; each thing by name."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from riskcast.case.model import Case, EventRow, Indicator, StatedLevel
from riskcast.comparison.changes import Comparison, Step, compare_cases
from riskcast.errors import OptionError
from riskcast.names import ALL_DYADS, CONTEXT
from riskcast.numbers import MOST_NAMED, more, short_date

VERSION, DAYS, EVENTS, VALUES, RELEARNING, BELIEFS = "version", "days", "events", "values", "relearning", "beliefs"
GROUPS: Mapping[str, str] = {
    DAYS: "days that passed",
    EVENTS: "new events",
    VALUES: "new values and nowcasts",
    RELEARNING: "relearning",
    BELIEFS: "changed beliefs",
    VERSION: "version",
}
# Of more, those of one kind and pair, and then those of one kind, are one.
MOST_EVENTS = 30


@dataclass(frozen=True)
class New:
    """One thing that is new: a member of a group.

    event, units, days: of events, their type, where and when they happened; added, withdrawn: rows of the record;
    steps: other parts of the case.
    """

    group: str
    id: str
    label: str
    event: str = ""
    units: tuple[str, ...] = ()
    days: tuple[dt.date, ...] = ()
    added: tuple[EventRow, ...] = ()
    withdrawn: tuple[EventRow, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class News:
    """Two forecasts' cases, and what leads from the first to the second.

    rolled: the first on the second's day, with nothing new; comparison: from that, with the second's events, to the
    second; silent: steps that no score depends on.
    """

    first: Case
    second: Case
    rolled: Case
    comparison: Comparison
    events: tuple[New, ...]
    values: tuple[New, ...]
    beliefs: tuple[New, ...]
    silent: tuple[Step, ...] = field(default=())

    @property
    def moves_window(self) -> bool:
        """Whether the second looks ahead from another day, or as far as another."""
        return self.rolled is not self.first

    @cached_property
    def _cases(self) -> dict[Hashable, Case]:
        return {}

    def case_with(self, chosen: Iterable[New]) -> Case:
        """The rolled case with some of what is new; raises CaseError where such a case would not be valid."""
        kept = frozenset(new.id for new in chosen)
        others = [new for new in (*self.values, *self.beliefs) if new.id in kept]
        name: Hashable = frozenset(new.id for new in others)
        if name not in self._cases:
            steps = [*self.silent, *(step for new in others for step in new.steps)]
            whole = len(others) == len(self.values) + len(self.beliefs)
            # Values are valid one by one; of beliefs, some may hold only together.
            check = 0 < sum(new.group == BELIEFS for new in others) < len(self.beliefs)
            self._cases[name] = self.second if whole else self.comparison.between(steps, check=check)
        case = self._cases[name]
        away = [new for new in self.events if new.id not in kept]
        if not away:
            return case
        gone = Counter(_numbers(row) for new in away for row in new.added)
        rows = []
        for row in case.event_rows:
            if gone[_numbers(row)] > 0:
                gone[_numbers(row)] -= 1
            else:
                rows.append(row)
        rows += [row for new in away for row in new.withdrawn]
        return case.revised(event_rows=tuple(rows))

    def with_beliefs_as_one(self) -> News:
        """The same where all changed beliefs are one."""
        steps = tuple(step for new in self.beliefs for step in new.steps)
        label = f"{len(self.beliefs)} changes that hold together"
        return replace(self, beliefs=(New(BELIEFS, BELIEFS, label, steps=steps),))

    def learned_before(self, beliefs: Sequence[New]) -> Case:
        """What the first forecast learned from, under some of the second's beliefs."""
        if not beliefs:
            return self.first
        steps = (step for new in beliefs for step in new.steps)
        changed = self.comparison.between(steps, check=len(beliefs) < len(self.beliefs))
        then = self.first.settings
        settings = changed.settings.model_copy(update={"as_of": then.as_of, "recorded_until": then.recorded_until})
        return changed.revised(settings=settings, coverage=self.first.coverage, event_rows=self.first.event_rows)

    def learned_after(self, beliefs: Sequence[New]) -> Case:
        """What the second forecast learned from, under some of its beliefs."""
        return self.case_with((*self.events, *self.values, *beliefs))


def find_news(first: Case, second: Case, scenario: str, horizon: int | None = None) -> News:
    """What is new in the second of two cases; raises OptionError for panels, whose rows come with the day, and where
    the second is of an earlier day than the first."""
    if first.panel is not None or second.panel is not None:
        raise OptionError("a panel's rows come with its periods, and are not told apart; compare panels with diff")
    if second.as_of < first.as_of:
        wrong = f"the first forecast is as of {first.as_of}, and the second of {second.as_of}, before it"
        raise OptionError(f"{wrong}; give the earlier one first")
    rolled = roll(first, second)
    before = [row for row in _known(first) if _stands_in_both(row, first, second)]
    after = [row for row in _known(second) if _stands_in_both(row, first, second)]
    events = _events(before, after, second)
    apart = [row for row in first.event_rows if not _stands_in_both(row, first, second)]
    ours = [row for row in second.event_rows if _stands_in_both(row, first, second)]
    start = rolled.revised(event_rows=(*ours, *apart))
    comparison = compare_cases(start, second, scenario, horizon)
    values: dict[str, list[Step]] = {}
    beliefs, silent = [], []
    for step in comparison.steps:
        name = _value_of(step)
        if name and _moves_level(start, second, name):
            values.setdefault(name, []).append(step)
        elif step.change.moves and not name:
            beliefs.append(New(BELIEFS, step.change.id, step.change.label, steps=(step,)))
        else:
            silent.append(step)
    told = tuple(
        New(VALUES, _id_of_values(name, steps), second.indicators[name].label, steps=tuple(steps))
        for name, steps in values.items()
    )
    return News(first, second, rolled, comparison, events, told, tuple(beliefs), tuple(silent))


def roll(first: Case, second: Case) -> Case:
    """The first case on the day of the second, with nothing new: itself where it looks ahead from the same day.

    What was searched reaches as far as in the second. A level that the first states of its own day, and the second does
    not state in the same way, is of that day, and ages from it.
    """
    then, now = first.settings, second.settings
    if (then.as_of, then.horizon) == (now.as_of, now.horizon):
        return first
    settings = then.model_copy(
        update={"as_of": now.as_of, "horizon": now.horizon, "recorded_until": now.recorded_until}
    )
    return first.revised(
        settings=settings,
        coverage=second.coverage if now.as_of > then.as_of else first.coverage,
        event_rows=tuple(row for row in first.event_rows if row.known_on <= then.as_of),
        series_rows=tuple(row for row in first.series_rows if row.published <= then.as_of),
        indicators={name: _dated(own, second.indicators.get(name), first) for name, own in first.indicators.items()},
    )


def _dated(own: Indicator, other: Indicator | None, case: Case) -> Indicator:
    """An indicator whose stated levels are of the day of a case, unless another edition states the same of its own."""

    def dated(unit: str, level: StatedLevel) -> StatedLevel:
        said = None if other is None else other.stated(unit)
        same = said is not None and said.dated is None and (said.center, said.range) == (level.center, level.range)
        return level if same or level.dated is not None else level.model_copy(update={"dated": case.as_of})

    if own.now is None:
        return own
    if isinstance(own.now, dict):
        return own.model_copy(update={"now": {unit: dated(unit, level) for unit, level in own.now.items()}})
    units = case.dyads if own.scope == "dyad" else (case.host,)
    of_all = [dated(unit, own.now) for unit in units]
    return own.model_copy(update={"now": next((level for level in of_all if level.dated is not None), own.now)})


def _known(case: Case) -> list[EventRow]:
    return [row for row in case.event_rows if row.type != CONTEXT and row.known_on <= case.as_of]


def _stands_in_both(row: EventRow, first: Case, second: Case) -> bool:
    """Whether both cases have the type and the unit of a row, which else comes with them."""
    if row.type == CONTEXT:
        return True
    return all(
        row.type in case.events and (row.dyad == ALL_DYADS or row.dyad in case.units(row.type))
        for case in (first, second)
    )


def _numbers(row: EventRow) -> Hashable:
    """What memories and the fit read of a row."""
    return row.type, row.dyad, row.date, row.precision, row.published


def _events(before: Sequence[EventRow], after: Sequence[EventRow], case: Case) -> tuple[New, ...]:
    """Events that were added, withdrawn or corrected, in the order of their days."""
    then, now = Counter(map(_numbers, before)), Counter(map(_numbers, after))
    added, withdrawn = _only(after, now - then), _only(before, then - now)
    found = []
    for row in added:
        same = [old for old in withdrawn if (old.type, old.dyad) == (row.type, row.dyad)]
        if same:
            nearest = min(same, key=lambda old: abs((old.date - row.date).days))
            withdrawn.remove(nearest)
            found.append(_event("corrected", case, (row,), (nearest,)))
        else:
            found.append(_event("", case, (row,), ()))
    found += [_event("withdrawn", case, (), (row,)) for row in withdrawn]
    found.sort(key=lambda new: (new.days[0], new.id))
    for by_pair in (True, False):
        if len(found) > MOST_EVENTS:
            found = _together(found, by_pair, case)
    twice = Counter(new.id for new in found)
    seen: Counter[str] = Counter()
    for place, new in enumerate(found):
        if twice[new.id] > 1:
            seen[new.id] += 1
            found[place] = replace(new, id=f"{new.id}.{seen[new.id]}")
    return tuple(found)


def _only(rows: Iterable[EventRow], wanted: Counter[Hashable]) -> list[EventRow]:
    found = []
    for row in rows:
        if wanted[_numbers(row)] > 0:
            wanted[_numbers(row)] -= 1
            found.append(row)
    return found


def _event(told: str, case: Case, added: tuple[EventRow, ...], withdrawn: tuple[EventRow, ...]) -> New:
    row = (*added, *withdrawn)[0]
    when = short_date(row.date) if row.precision == "day" else row.when
    label = f"{case.events[row.type].label}, {when}" + (f" ({told})" if told else "")
    name = f"events.{row.type}.{row.dyad}.{row.date.isoformat()}"
    return New(EVENTS, name, label, row.type, (row.dyad,), (row.date,), added, withdrawn)


def _together(found: Sequence[New], by_pair: bool, case: Case) -> list[New]:
    """Events of one type as one, those of each pair apart or not."""
    groups: dict[Hashable, list[New]] = {}
    for new in found:
        groups.setdefault((new.event, new.units if by_pair else ()), []).append(new)
    return [own[0] if len(own) == 1 else _joined(own, case) for own in groups.values()]


def _joined(own: Sequence[New], case: Case) -> New:
    event, units = own[0].event, tuple(dict.fromkeys(unit for new in own for unit in new.units))
    days = tuple(day for new in own for day in new.days)
    where = ", ".join(units[:MOST_NAMED]) + more(units)
    return New(
        EVENTS,
        ".".join(("events", event, *(units if len(units) == 1 else ()))),
        f"{case.events[event].label}, {len(days)} events ({where})",
        event,
        units,
        days,
        tuple(row for new in own for row in new.added),
        tuple(row for new in own for row in new.withdrawn),
    )


def _id_of_values(name: str, steps: Sequence[Step]) -> str:
    """`indicators.NAME` where dated values are new, `indicators.NAME.now` where today's level is stated anew alone."""
    return f"indicators.{name}" + ("" if any(step.change.kind == "series" for step in steps) else ".now")


def _value_of(step: Step) -> str:
    """The indicator of which a step is a new value, or another level of today."""
    section, _, rest = step.change.id.partition(".")
    name, _, what = rest.partition(".")
    is_level = section == "indicators" and what.partition(".")[0] in ("now", "past")
    return name if is_level or (section == "series" and name) else ""


def _moves_level(start: Case, second: Case, name: str) -> bool:
    """Whether an indicator's level of today is another one, the same events told."""
    if not all(name in case.indicators for case in (start, second)):
        return False
    if start.indicators[name].history == "panel":
        return False
    units = start.units_of(name)
    return any(
        (one.center, one.range) != (two.center, two.range)
        for unit in units
        if unit in second.units_of(name)
        for one, two in [(start.now_of(name, unit), second.now_of(name, unit))]
    )
