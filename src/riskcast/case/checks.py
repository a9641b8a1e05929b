"""What a case's parts must say about one another: every reference, range and order, each with its file and line."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, combinations, islice, pairwise

import numpy as np

from riskcast.case.coverage import find_clash
from riskcast.case.model import Case, Effect, EventRow, Indicator, IndicatorMove, Scenario, same_period_order
from riskcast.case.moves import middle_levels, moved_units, share_done
from riskcast.case.periods import PERIOD_EXAMPLES
from riskcast.case.plausibility.judge import refusals, scenario_refusals
from riskcast.case.quantities import MISSING_NUMBERS, Quantity, check_domain, find_misfit
from riskcast.case.quantity_ids import parse_id
from riskcast.case.quantity_names import locate
from riskcast.case.settings import COUNT, IMMEDIATE, NEVER, PER_TIME, SINCE, Memory
from riskcast.case.where import COVERAGE_FILE, EVENTS_FILE, SERIES_FILE, Where
from riskcast.errors import Problem, suggest
from riskcast.machinery.number_cells import mark_text
from riskcast.machinery.ordering import topological_order
from riskcast.names import ALL_DYADS, BASELINE, CONTEXT, OTHER_ACTOR

MOST_PROBLEMS = 200
# An offset that may lie this many steps apart leaves nothing of a single value: errors of values are a step or less.
WIDE_OFFSET = 4.0
MOST_FREE_HYPER = 8


def find_problems(case: Case, where: Where | None = None, evidence: bool = True) -> list[Problem]:
    """The problems of a case, up to 200 of them; with `evidence`, every quantity must carry some."""
    where = where or Where()
    parts = (_settings, _tension, _memories, _indicators, _events, _effects)
    problems = list(islice(chain.from_iterable(part(case, where) for part in parts), MOST_PROBLEMS))
    if not problems:
        rest = (_scenarios, _sources, _claims, _event_rows, _series_rows, _coverage)
        found = chain(
            _quantities(case, where, evidence),
            _free_hyper(case, where),
            chain.from_iterable(part(case, where) for part in rest),
            refusals(case, where),
        )
        problems = list(islice(found, MOST_PROBLEMS))
    return problems


def _settings(case: Case, where: Where) -> Iterator[Problem]:
    settings = case.settings
    if settings.history_from >= settings.as_of:
        yield where.problem("case", ("history_from",), "does not lie before as_of", "move one of the two")
    if settings.as_of.year - settings.history_from.year > 500:
        yield where.problem("case", ("history_from",), "lies more than 500 years back", "start the record later")
    if settings.panel is not None:
        end = case.calendar.last_day(case.calendar.number(settings.as_of))
        if end != settings.as_of:
            wrong = f"is {settings.as_of}, within a {settings.period} of the panel"
            yield where.problem("case", ("as_of",), wrong, f"give the last day of a {settings.period}, such as {end}")
        yield from _panel_ends(case, where)
    if settings.recorded_until and settings.recorded_until <= settings.history_from:
        wrong = "does not lie after history_from"
        yield where.problem("case", ("recorded_until",), wrong, "give the last day that was searched, or remove it")
    seen = {case.host}
    for index, partner in enumerate(settings.partners):
        if partner.id in seen:
            wrong = f"{partner.id} is named twice (as host or partner)"
            yield where.problem("case", ("partners", index, "id"), wrong, "keep one")
        seen.add(partner.id)
    if settings.bands[0].start != 0:
        yield where.problem("case", ("bands", 0, "start"), f"is {settings.bands[0].start:g}", "begin the bands at 0")
    for index, (below, band) in enumerate(pairwise(settings.bands), 1):
        if below.start >= band.start:
            wrong = f"is {band.start:g}, not above the {below.start:g} of {below.name}"
            yield where.problem("case", ("bands", index, "start"), wrong, "let every band start above the one before")


PERIODS_BY_LENGTH = ("week", "month", "quarter", "year")


def _tension(case: Case, where: Where) -> Iterator[Problem]:
    """What event types share: only where there is one host, and no finer than the case's periods."""
    settings, tension = case.settings, case.settings.tension
    if case.settings.panel is not None:
        why = (
            "in a panel there is no host whose restless times all dyads share, and nothing shows yet that one would do"
        )
        if tension is not None:
            yield where.problem("case", ("tension",), f"is given, but {why}", "remove `tension:`")
        if not settings.trust.is_fixed:
            wrong = "is uncertain, but a panel's fit takes event types one by one, and all would share it"
            yield where.problem("case", ("trust",), wrong, "give a `value:`")
        return
    if tension is None:
        for name, event in case.events.items():
            if event.tension is not None:
                wrong = "is a loading, but the case has no tension"
                mend = "add `tension:` to case.yaml, or remove it here"
                yield where.problem("outcomes", (name, "tension"), wrong, mend)
        return
    if PERIODS_BY_LENGTH.index(tension.period) < PERIODS_BY_LENGTH.index(settings.period):
        wrong = f"is {tension.period}, shorter than the {settings.period}s of the case"
        yield where.problem("case", ("tension", "period"), wrong, f"write {settings.period}")


def _memories(case: Case, where: Where) -> Iterator[Problem]:
    """What a panel, or a record of dated events, cannot tell of numbers and days."""
    for name, memory in case.settings.memories.items() if case.settings.panel is not None else ():
        if memory.kind == IMMEDIATE:
            wrong = "needs the day of every event, and a panel knows the period alone"
            yield where.problem("case", ("memories", name, "kind"), wrong, f"say kind: {COUNT}, with a half-life")
    for name, event in case.events.items() if case.settings.panel is None else ():
        if event.at_least > 1:
            wrong = f"is {event.at_least}, but in a record of dated events every row is one"
            yield where.problem("outcomes", (name, "at_least"), wrong, "remove it, or give numbers in a panel")


def _panel_ends(case: Case, where: Where) -> Iterator[Problem]:
    """Last periods of dyads that have ended."""
    if case.settings.panel is None:
        return
    known = frozenset(case.dyads)
    for dyad, label in case.settings.panel.until.items():
        path = ("panel", "until", dyad)
        last = case.calendar.read(label)
        if dyad not in known:
            yield where.problem("case", path, f"{dyad!r} is not a dyad of the panel", suggest(dyad, case.dyads))
        elif last is None:
            example = PERIOD_EXAMPLES[case.settings.period]
            wrong = f"is {label!r}, not a {case.settings.period}"
            yield where.problem("case", path, wrong, f"write its last {case.settings.period} as {example}")
        elif case.panel is not None:
            own = case.panel.period[case.panel.unit == case.dyads.index(dyad)]
            if own.max() > last:
                wrong = f"is {label}, but the panel has a row of {case.calendar.label(int(own.max()))}"
                yield where.problem("case", path, wrong, "correct the period, or remove the rows after it")


def _indicators(case: Case, where: Where) -> Iterator[Problem]:
    for name, indicator in case.indicators.items():
        first, last = indicator.bounds or (0.0, 0.0)
        turned = first > last
        if turned:
            wrong = f"is [{first:g}, {last:g}], with the higher end first"
            yield where.problem("indicators", (name, "bounds"), wrong, f"write [{last:g}, {first:g}]")
        for one in indicator.measure.problems() if not turned else ():
            yield where.problem("indicators", (name, one.field), one.wrong, one.mend)
        if name in case.events:
            yield where.problem("indicators", (name,), "is also an event type", "give one of them another id")
        yield from _indicator_levels(case, where, name, indicator, bounds=None if turned else indicator.bounds)
        for parent in indicator.parents:
            if parent not in case.indicators:
                wrong = f"{parent!r} is not an indicator"
                yield where.problem("indicators", (name, "parents", parent), wrong, suggest(parent, case.indicators))
            elif indicator.scope == "host" and case.indicators[parent].scope == "dyad":
                wrong = "a dyad's indicator cannot move the host's"
                yield where.problem("indicators", (name, "parents", parent), wrong, "remove the edge")
        yield from _derived(case, where, name, indicator)
        yield from _raises(case, where, name, indicator)
        yield from _dated(case, where, name, indicator)
        yield from _series(case, where, name, indicator)
    cycle = _cycle({name: set(indicator.parents) for name, indicator in case.indicators.items()})
    if cycle:
        wrong = f"parents form a cycle: {' -> '.join(cycle)}"
        yield where.problem("indicators", (cycle[0], "parents"), wrong, "remove one edge of it")


def _derived(case: Case, where: Where, name: str, indicator: Indicator) -> Iterator[Problem]:
    """What an indicator that is derived from others cannot have, as it moves with them alone."""
    derive = {} if case.settings.panel is None else case.settings.panel.derive
    for parent in indicator.parents:
        if parent in derive:
            wrong = f"{parent} is derived, and moves with what it is derived from"
            yield where.problem("indicators", (name, "parents", parent), wrong, "derive from it, or from what it takes")
    if name not in derive or indicator.history != "panel":
        return
    own = "is that of a derived column, which moves with what it is derived from"
    if not (indicator.drift.is_fixed and indicator.drift.center == 0.0):
        yield where.problem("indicators", (name, "drift"), own, "write a drift of value: 0, held fixed")
    for key in ("parents", "raises", "reversion"):
        if getattr(indicator, key):
            yield where.problem("indicators", (name, key), own, f"remove `{key}:`")


def _cycle(needs: Mapping[str, set[str]]) -> tuple[str, ...]:
    """The first circle in what each of some names needs of the others, empty where there is none."""
    try:
        topological_order({name: own & set(needs) for name, own in needs.items()})
    except ValueError as circle:
        return tuple(str(circle).split(" -> "))
    return ()


def _raises(case: Case, where: Where, name: str, indicator: Indicator) -> Iterator[Problem]:
    """Event types that raise an indicator."""
    for event, rise in indicator.raises.items():
        path = (name, "raises", event)
        if event not in case.events:
            wrong = f"{event!r} is not an outcome or trigger"
            yield where.problem("indicators", path, wrong, suggest(event, case.events))
            continue
        scopes = (case.events[event].scope, indicator.scope)
        if rise.whose not in _WHOSE[scopes]:
            wrong = f"is {rise.whose}, from a {scopes[0]}'s event to an indicator of the {scopes[1]}"
            yield where.problem("indicators", (*path, "whose"), wrong, f"use {' or '.join(_WHOSE[scopes])}")


def _series(case: Case, where: Where, name: str, indicator: Indicator) -> Iterator[Problem]:
    """Series that measure one indicator."""
    plain = [key for key, measure in indicator.series.items() if measure.offset is None]
    if len(plain) > 1:
        wrong = f"measures the same as {plain[0]}, without an offset on one of them"
        mend = "add `offset:`, by how many steps its values lie above the level"
        yield where.problem("indicators", (name, "series", plain[1]), wrong, mend)
    counts = Counter((row.series, row.unit) for row in case.series_rows if row.indicator == name)
    for key, measure in indicator.series.items():
        if measure.offset is None:
            continue
        low, high = measure.offset.range
        seen_once = [unit for (series, unit), count in counts.items() if series == key and count == 1]
        if high - low > WIDE_OFFSET and seen_once:
            wrong = f"leaves {high - low:.3g} steps open, and {seen_once[0]} has one value of {key}, which says nothing"
            mend = f"narrow the offset to {WIDE_OFFSET:g} steps or less, add values, or remove the series"
            yield where.problem("indicators", (name, "series", key, "offset"), wrong, mend)


def _dated(case: Case, where: Where, name: str, indicator: Indicator) -> Iterator[Problem]:
    """Days of stated levels."""
    for unit, level in indicator.now.items() if isinstance(indicator.now, dict) else [("", indicator.now)]:
        if level is not None and level.dated is not None and level.dated > case.as_of:
            path = (name, "now", *([unit] if unit else []), "dated")
            wrong = f"is {level.dated}, after as_of {case.as_of}"
            yield where.problem(
                "indicators", path, wrong, "give a day up to as_of, or leave it out for a level of today"
            )


def _indicator_levels(
    case: Case, where: Where, name: str, indicator: Indicator, bounds: tuple[float, float] | None
) -> Iterator[Problem]:
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    if indicator.history == "panel" and case.panel is None:
        wrong = "is panel, but the case has none"
        yield where.problem(
            "indicators", (name, "history"), wrong, "add `panel:` to case.yaml, or say series or reference"
        )
        return
    if indicator.history == "series" and case.panel is not None:
        wrong = "is series, but the record of this case is its panel"
        yield where.problem("indicators", (name, "history"), wrong, "say panel, and add a column, or say reference")
    if isinstance(indicator.now, dict):
        if indicator.scope == "host":
            wrong = "is given per dyad, but the scope is host"
            yield where.problem("indicators", (name, "now"), wrong, "give one quantity, or set scope: dyad")
            return
        for unit in indicator.now:
            if unit not in units:
                wrong = f"{unit!r} is not a dyad"
                yield where.problem("indicators", (name, "now", unit), wrong, suggest(unit, units))
        for unit in units:
            if unit not in indicator.now and not indicator.is_smoothed:
                yield where.problem("indicators", (name, "now"), f"has no level for {unit}", "add it, or say value")
    if bounds is None:
        return
    low, high = bounds
    if not low <= indicator.reference <= high:
        wrong = f"{indicator.reference:g} lies outside bounds {low:g}..{high:g}"
        yield where.problem("indicators", (name, "reference"), wrong, "correct one of the two")
    levels = indicator.now.items() if isinstance(indicator.now, dict) else [(None, indicator.now)]
    for unit, quantity in levels:
        if quantity is not None and not (low <= quantity.range[0] and quantity.range[1] <= high):
            path = (name, "now") if unit is None else (name, "now", unit)
            is_inside = low <= quantity.center <= high
            path = (*path, "interval" if is_inside else "value" if quantity.is_fixed else "median")
            told = f"{quantity.range[0]:g}..{quantity.range[1]:g}" if is_inside else f"{quantity.center:g}"
            wrong = f"{told} leaves the bounds {low:g}..{high:g} ({indicator.unit})"
            mend = f"check the unit, give numbers from {low:g} to {high:g}, or widen bounds"
            yield where.problem("indicators", path, wrong, mend)


def _events(case: Case, where: Where) -> Iterator[Problem]:
    if not case.outcomes:
        yield where.problem("outcomes", (), "has no outcome", "add at least one entry with kind: outcome")
    for name, event in case.events.items():
        if name == CONTEXT:
            yield where.problem("outcomes", (name,), "is a reserved name", "choose another id")
        for memory in event.half_life:
            if memory not in case.settings.memories:
                wrong = f"{memory!r} is not a memory of case.yaml"
                mend = suggest(memory, case.settings.memories)
                yield where.problem("outcomes", (name, "half_life", memory), wrong, mend)
            elif not case.settings.memories[memory].fades:
                wrong = f"is of a memory of the kind {case.settings.memories[memory].kind}, which has no half-life"
                yield where.problem("outcomes", (name, "half_life", memory), wrong, "remove it")
        if event.recorded_from and not case.settings.history_from <= event.recorded_from < case.as_of:
            wrong = "lies outside history_from .. as_of"
            yield where.problem("outcomes", (name, "recorded_from"), wrong, "move it into the record")
        first = event.recorded_from or case.settings.history_from
        if event.recorded_until and event.recorded_until <= first:
            wrong = "does not lie after the record of the event type begins"
            yield where.problem("outcomes", (name, "recorded_until"), wrong, f"give a day after {first}")
        yield from _touched(case, where, name)
        yield from _implied(case, where, name)
    cycle = _cycle({name: set(event.implied_by) for name, event in case.events.items()})
    if cycle:
        wrong = f"outcomes imply one another in a circle: {' -> '.join(cycle)}"
        yield where.problem("outcomes", (cycle[0], "implied_by"), wrong, "remove one of them")


def _touched(case: Case, where: Where, name: str) -> Iterator[Problem]:
    """The dyads that a shared outcome applies to."""
    event = case.events[name]
    if event.applies_to is None:
        return
    if event.scope != "host" or event.kind != "outcome":
        wrong = "belongs to outcomes that dyads share"
        mend = "remove it" if event.kind != "outcome" else "remove it, or write scope: host"
        yield where.problem("outcomes", (name, "applies_to"), wrong, mend)
        return
    known = frozenset(case.dyads)
    for index, dyad in enumerate(event.applies_to):
        path = (name, "applies_to", index)
        if dyad not in known:
            yield where.problem("outcomes", path, f"{dyad!r} is not a dyad", suggest(dyad, case.dyads))
        elif dyad in event.applies_to[:index]:
            yield where.problem("outcomes", path, f"names {dyad} twice", "keep one")


def _implied(case: Case, where: Where, name: str) -> Iterator[Problem]:
    """The outcomes that imply another."""
    event = case.events[name]
    if event.implied_by and not event.is_scored:
        wrong = "belongs to outcomes of one dyad, which add to its score"
        yield where.problem("outcomes", (name, "implied_by"), wrong, "remove it")
        return
    for index, other in enumerate(event.implied_by):
        path = (name, "implied_by", index)
        if other not in case.events:
            yield where.problem("outcomes", path, f"unknown outcome {other!r}", suggest(other, case.own_outcomes))
        elif not case.events[other].is_scored:
            wrong = f"{other} adds nothing to a dyad's score"
            yield where.problem("outcomes", path, wrong, "name outcomes of scope dyad only")
        elif other == name:
            yield where.problem("outcomes", path, "names the outcome itself", "remove it")
        elif other in event.implied_by[:index]:
            yield where.problem("outcomes", path, f"names {other} twice", "keep one")


_WHOSE = {
    ("dyad", "dyad"): ("own", "others", "any"),
    ("host", "dyad"): ("host",),
    ("dyad", "host"): ("any",),
    ("host", "host"): ("own",),
}
# Between dyads that A-B and B-A both are.
_OF_DIRECTED = ("reverse", "sender", "receiver", "against_sender", "by_receiver")
# Between dyads of a panel, by a table of neighbours.
_TIED = ("neighbours", "in_place")


def _effects(case: Case, where: Where) -> Iterator[Problem]:
    ids: set[str] = set()
    for index, effect in enumerate(case.effects):
        if effect.id in ids:
            wrong = f"{effect.id} stands twice"
            yield where.problem("effects", (index,), wrong, "give each a `path:` of its own, or keep one")
        ids.add(effect.id)
        if effect.by is not None and effect.whose not in _TIED:
            wrong = "names a table of neighbours, by which the edge does not see"
            yield where.problem("effects", (index, "by"), wrong, f"remove it, or write whose: {' or '.join(_TIED)}")
        if effect.target not in case.events:
            wrong = f"{effect.target!r} is not an outcome or trigger"
            yield where.problem("effects", (index, "to"), wrong, suggest(effect.target, case.events))
        elif effect.on == "half_life":
            yield from _half_life_edge(case, where, index, effect)
        elif effect.source in case.indicators:
            yield from _indicator_edge(case, where, index, effect)
        elif effect.source in case.events:
            yield from _escalation_edge(case, where, index, effect)
        else:
            known = [*case.indicators, *case.events]
            wrong = f"{effect.source!r} is neither an indicator nor an event type"
            yield where.problem("effects", (index, "from"), wrong, suggest(effect.source, known))
    try:
        same_period_order(tuple(case.events), tuple(e for e in case.effects if e.target in case.events))
    except ValueError as cycle:
        edges = set(pairwise(str(cycle).split(" -> ")))
        index = next(i for i, e in enumerate(case.effects) if e.acts == "same" and (e.source, e.target) in edges)
        wrong = f"same-period edges form a cycle: {cycle}"
        yield where.problem("effects", (index, "acts"), wrong, "let one of them act: next")


def _indicator_edge(case: Case, where: Where, index: int, effect: Effect) -> Iterator[Problem]:
    for key in ("whose", "memory", "acts", "spent"):
        if getattr(effect, key):
            wrong = "belongs to edges that start from an event"
            yield where.problem("effects", (index, key), wrong, f"remove it, as {effect.source} is an indicator")
    if case.indicators[effect.source].scope == "dyad" and case.events[effect.target].scope == "host":
        wrong = f"{effect.source} differs by dyad, but {effect.target} is shared by all"
        yield where.problem("effects", (index,), wrong, "use an indicator of the host")


def _half_life_edge(case: Case, where: Where, index: int, effect: Effect) -> Iterator[Problem]:
    """An edge on a half-life: from an indicator, on one that a memory of the target has and the record can move."""
    if effect.source not in case.indicators:
        wrong = f"is half_life, but {effect.source} is no indicator"
        yield where.problem("effects", (index, "on"), wrong, suggest(effect.source, case.indicators))
        return
    for key in ("whose", "acts", "spent"):
        if getattr(effect, key):
            wrong = "belongs to edges that start from an event"
            yield where.problem("effects", (index, key), wrong, f"remove it, as {effect.source} is an indicator")
    if case.indicators[effect.source].scope == "dyad" and case.events[effect.target].scope == "host":
        wrong = f"{effect.source} differs by dyad, but {effect.target} is shared by all"
        yield where.problem("effects", (index,), wrong, "use an indicator of the host")
    memories = [e.memory for e in case.effects_on(effect.target) if e.is_escalation]
    if effect.memory is None:
        mend = f"add it: {', '.join(dict.fromkeys(filter(None, memories))) or ', '.join(case.settings.memories)}"
        yield where.problem("effects", (index, "memory"), "is missing on an edge that acts on a half-life", mend)
    elif effect.memory not in case.settings.memories:
        wrong = f"{effect.memory!r} is not a memory of case.yaml"
        yield where.problem("effects", (index, "memory"), wrong, suggest(effect.memory, case.settings.memories))
    elif (kind := case.settings.memories[effect.memory].kind) != COUNT:
        wrong = f"{effect.memory} is of the kind {kind}; indicators act on half-lives of the kind {COUNT}"
        yield where.problem("effects", (index, "memory"), wrong, f"use a memory of the kind {COUNT}")
    elif effect.memory not in memories:
        wrong = f"{effect.target} remembers nothing by {effect.memory}"
        mend = "name the memory of an edge from an event to it, or remove the edge"
        yield where.problem("effects", (index, "memory"), wrong, mend)
    elif case.half_life(effect.target, effect.memory).is_fixed:
        wrong = f"the half-life of {effect.memory} is held fixed for {effect.target}, so that nothing can act on it"
        mend = f"give it a median and an interval, in case.yaml or as `half_life: {{{effect.memory}: ...}}` of "
        yield where.problem("effects", (index, "memory"), wrong, f"{mend}{effect.target}, or remove the edge")


def _free_hyper(case: Case, where: Where) -> Iterator[Problem]:
    """Event types with effects on half-lives and too many free hyper-parameters: with d, a fit looks for 2^d modes."""
    for name, event in case.events.items():
        acting = case.half_life_effects_on(name)
        memories = {str(edge.memory) for edge in case.effects_on(name) if edge.is_escalation}
        quantities = [edge.rate_ratio for edge in acting]
        quantities += [case.half_life(name, memory) for memory in memories if case.settings.memories[memory].fades]
        loading = case.loading(name)
        over_time = [case.sd_time(name), case.settings.hyperpriors.persistence] if loading is None else [loading]
        quantities += over_time
        quantities += [case.sd_dyad(name)] if event.scope == "dyad" else []
        free = sum(not quantity.is_fixed for quantity in quantities)
        if acting and free > MOST_FREE_HYPER:
            index = next(i for i, edge in enumerate(case.effects) if edge.id == acting[-1].id)
            wrong = f"is the {free}th free hyper-parameter of {name} (half-lives, what acts on them, spreads and "
            wrong += f"persistence), and the work of a fit doubles with each beyond {MOST_FREE_HYPER}"
            mend = "hold some fixed with `value:`, or let fewer indicators act on half-lives"
            yield where.problem("effects", (index, "rate_ratio"), wrong, mend)


def _escalation_edge(case: Case, where: Where, index: int, effect: Effect) -> Iterator[Problem]:
    for key, mend in (("whose", "own, others, host or any"), ("memory", ", ".join(case.settings.memories))):
        if getattr(effect, key) is None:
            yield where.problem("effects", (index, key), "is missing on an edge from an event", f"add it: {mend}")
    if effect.memory is not None and effect.memory not in case.settings.memories:
        wrong = f"{effect.memory!r} is not a memory of case.yaml"
        yield where.problem("effects", (index, "memory"), wrong, suggest(effect.memory, case.settings.memories))
    if effect.whose is not None:
        scopes = (case.events[effect.source].scope, case.events[effect.target].scope)
        directed = case.settings.panel is not None and case.settings.panel.directed
        if effect.whose in _OF_DIRECTED and scopes == ("dyad", "dyad"):
            if not directed:
                wrong = f"is {effect.whose}, but the case has no directed pairs"
                yield where.problem("effects", (index, "whose"), wrong, "say `directed: true` beneath `panel:`")
        elif effect.whose in _TIED and scopes == ("dyad", "dyad"):
            yield from _tied_edge(case, where, index, effect)
        elif effect.whose not in _WHOSE[scopes]:
            wrong = f"is {effect.whose}, from a {scopes[0]}'s event to a {scopes[1]}'s"
            yield where.problem("effects", (index, "whose"), wrong, f"use {' or '.join(_WHOSE[scopes])}")
    if effect.memory in case.settings.memories:
        yield from _remembering_edge(case, where, index, effect, case.settings.memories[str(effect.memory)])


def _tied_edge(case: Case, where: Where, index: int, effect: Effect) -> Iterator[Problem]:
    """What an edge that sees by a table of neighbours asks for."""
    tables = {} if case.settings.panel is None else case.settings.panel.neighbours
    if not tables:
        wrong, mend = (
            f"is {effect.whose}, but the case has no table of neighbours",
            "name one: `neighbours: {border: FILE}`",
        )
        yield where.problem("effects", (index, "whose"), wrong, f"{mend} beneath `panel:`")
    elif effect.by is None:
        wrong = f"is missing on an edge that is {effect.whose}"
        yield where.problem("effects", (index, "by"), wrong, f"add it: {' or '.join(tables)}")
    elif effect.by not in tables:
        wrong = f"{effect.by!r} is no table of neighbours"
        yield where.problem("effects", (index, "by"), wrong, suggest(effect.by, tables))


def _remembering_edge(case: Case, where: Where, index: int, effect: Effect, memory: Memory) -> Iterator[Problem]:
    """What an edge asks of its memory, and what its memory asks of it."""
    if effect.spent and effect.source == effect.target:
        wrong = "lets an event type spend itself"
        yield where.problem("effects", (index, "spent"), wrong, "remove it: an answer is another event type")
    if effect.spent and memory.kind in (SINCE, NEVER, *PER_TIME):
        wrong = f"is true, but the memory {effect.memory} is of the kind {memory.kind}, which no answer ends"
        mend = f"remove it, or use a memory of the kind {COUNT} or {IMMEDIATE}"
        yield where.problem("effects", (index, "spent"), wrong, mend)
    if memory.weight == "severity" and case.events[effect.source].severity is None:
        wrong = f"weighs events by their severity, and {effect.source} is a trigger, which has none"
        mend = "use a memory without `weight: severity`"
        yield where.problem("effects", (index, "memory"), wrong, mend)


def _quantities(case: Case, where: Where, evidence: bool) -> Iterator[Problem]:
    for key, quantity, link in case.quantities():
        document, path = locate(case, key)
        may_be_zero = quantity.is_fixed and quantity.center == 0 and parse_id(key).kind.may_be_zero
        misfit = None if may_be_zero else find_misfit(quantity, link)
        if misfit:
            yield where.problem(document, (*path, misfit.part), misfit.wrong, misfit.mend)
        if evidence and quantity.evidence is None:
            yield where.problem(document, path, "has no evidence", "add `evidence: {basis:, claim:, sources:}`")
        for index, source in enumerate(quantity.evidence.sources if quantity.evidence else ()):
            if source not in case.sources:
                wrong = f"unknown source {source!r}"
                here = (*path, "evidence", "sources", index)
                yield where.problem(document, here, wrong, suggest(source, case.sources))


def _scenarios(case: Case, where: Where) -> Iterator[Problem]:
    for name, scenario in case.scenarios.items():
        if name == BASELINE and (scenario.indicators or scenario.events):
            yield where.problem("scenarios", (name,), "assumes something", "leave the baseline without assumptions")
        yield from scenario_problems(case, name, scenario, where)


def scenario_problems(case: Case, name: str, scenario: Scenario, where: Where) -> Iterator[Problem]:
    """What does not fit between one scenario and its case."""
    fits = True
    for index, move in enumerate(scenario.indicators):
        path = (name, "indicators", index)
        if move.indicator not in case.indicators:
            wrong = f"{move.indicator!r} is not an indicator"
            here = (*path, "indicator")
            fits = False
            yield where.problem("scenarios", here, wrong, suggest(move.indicator, case.indicators))
            continue
        found = [
            *_move(case, where, path, move),
            *_scenario_dyads(case, where, path, move.dyads, case.indicators[move.indicator].scope),
        ]
        fits &= not found
        yield from found
    if fits:
        yield from _reached(case, name, scenario, where)
    for index, assumed in enumerate(scenario.events):
        path = (name, "events", index)
        if assumed.event not in case.events:
            wrong = f"{assumed.event!r} is not an event type"
            yield where.problem("scenarios", (*path, "event"), wrong, suggest(assumed.event, case.events))
            continue
        if (assumed.month or 1) > case.settings.horizon:
            wrong = f"is {assumed.month}, beyond the horizon of {case.settings.horizon}"
            yield where.problem("scenarios", (*path, "month"), wrong, "move it into the horizon")
        yield from _scenario_dyads(case, where, path, assumed.dyads, case.events[assumed.event].scope)
    yield from _contradicted(case, name, scenario, where)
    if fits:
        yield from scenario_refusals(case, name, scenario, where)


def _contradicted(case: Case, name: str, scenario: Scenario, where: Where) -> Iterator[Problem]:
    """Events that are assumed to happen, and not to, at one time in one unit."""
    longest = max((each.month or 1 for each in scenario.events), default=1)
    for first, second in combinations(range(len(scenario.events)), 2):
        one, other = scenario.events[first], scenario.events[second]
        happens, not_ = (one, other) if one.happens else (other, one)
        if one.event != other.event or one.happens == other.happens or happens.month is None:
            continue
        begin, end = not_.span(longest)
        named = [set(each.dyads) for each in (one, other) if each.dyads is not None]
        shared = set.intersection(*named) if named else None
        if begin <= happens.month <= end and shared != set():
            whom = f" for {min(shared)}" if shared else ""
            wrong = f"{one.event} is assumed to happen in month {happens.month}{whom}, and not to happen then"
            path = (name, "events", second, "happens" if second != first and not other.happens else "month")
            yield where.problem("scenarios", path, wrong, "keep one of the two, or let them differ in month or dyads")


def _move(case: Case, where: Where, path: tuple[str | int, ...], move: IndicatorMove) -> Iterator[Problem]:
    indicator = case.indicators[move.indicator]
    refusal = indicator.measure.refused.get(move.verb)
    if refusal is not None:
        yield where.problem("scenarios", (*path, move.verb), refusal.wrong, refusal.mend)
    if move.set is not None:
        low, high = indicator.bounds or (-math.inf, math.inf)
        outside = not low <= move.set <= high
        if outside or check_domain(Quantity(value=move.set), indicator.link):
            wrong = f"{move.set:g} is outside what {move.indicator} can be ({indicator.unit})"
            yield where.problem("scenarios", (*path, "set"), wrong, "correct the level or its unit")


def _reached(case: Case, name: str, scenario: Scenario, where: Where) -> Iterator[Problem]:
    """Moves of a middle level to where it cannot be."""
    last = max((move.start + move.over for move in scenario.indicators), default=1)
    for index, (move, middle) in enumerate(zip(scenario.indicators, middle_levels(case, scenario, last), strict=True)):
        indicator = case.indicators[move.indicator]
        scale = indicator.measure
        if middle is None or not scale.moves_middle or move.verb == "set":
            continue
        before = scale.level(middle)[share_done(move, last) > 0][:, 0, moved_units(case, move)].ravel()
        after = scale.reached(move.verb, before, move.size)
        low, high = scale.link.domain
        # A level that is an edge but for the rounding of steps is one.
        inside = (low < after.round(9)) & (after.round(9) < high)
        outside = np.flatnonzero(~inside)
        if len(outside):
            first = outside[0]
            wrong = f"{move.size:g} takes {move.indicator} from {before[first]:.4g} to {after[first]:.4g}, and it lies"
            wrong += f" strictly between {low:g} and {high:g} ({indicator.unit})"
            yield where.problem("scenarios", (name, "indicators", index, move.verb), wrong, "give less, or set a level")


def _scenario_dyads(
    case: Case, where: Where, path: tuple[str | int, ...], dyads: tuple[str, ...] | None, scope: str
) -> Iterator[Problem]:
    if dyads is not None and scope == "host":
        yield where.problem("scenarios", (*path, "dyads"), "makes no sense for the host", "remove it")
    known = frozenset(case.dyads if dyads else ())
    for index, dyad in enumerate(dyads or ()):
        if dyad not in known:
            wrong = f"{dyad!r} is not a dyad"
            yield where.problem("scenarios", (*path, "dyads", index), wrong, suggest(dyad, case.dyads))


def _sources(case: Case, where: Where) -> Iterator[Problem]:
    for name, source in case.sources.items():
        if source.date > case.as_of:
            wrong = f"is dated {source.date}, after as_of {case.as_of}"
            yield where.problem("sources", (name, "date"), wrong, "use what was published by then")


def _claims(case: Case, where: Where) -> Iterator[Problem]:
    for name, claim in case.claims.items():
        if claim.source not in case.sources:
            wrong = f"unknown source {claim.source!r}"
            yield where.problem("claims", (name, "source"), wrong, suggest(claim.source, case.sources))


def _row_sources(
    case: Case, where: Where, file: str, index: int, sources: tuple[str, ...], status: str
) -> Iterator[Problem]:
    if not sources and status == "located":
        yield where.row(file, index, "sources", "is empty on a located row", "name a source, or another status")
    for source in sources:
        if source not in case.sources:
            yield where.row(file, index, "sources", f"unknown source {source!r}", suggest(source, case.sources))


def _event_rows(case: Case, where: Where) -> Iterator[Problem]:
    actors = {case.host, OTHER_ACTOR, *(partner.id for partner in case.settings.partners)}
    seen: dict[EventRow, int] = {}
    for index, row in enumerate(case.event_rows):

        def wrong(key: str, what: str, mend: str, index: int = index) -> Problem:
            return where.row(EVENTS_FILE, index, key, what, mend)

        if row.date < case.settings.history_from:
            yield wrong("date", f"{row.date} lies before history_from", "remove the row or move history_from")
        if row.date > case.as_of:
            yield wrong("date", f"{row.date} lies after as_of {case.as_of}", "remove the row")
        elif row.published is not None and row.published > case.as_of:
            what = f"{row.published} lies after as_of {case.as_of}, so that nobody knew of it"
            yield wrong("published", what, "remove the row")
        elif row.known_on > case.as_of:
            what = f"{row.date} known to the {row.precision} may lie after as_of {case.as_of}"
            yield wrong("precision", what, "give the day, or remove the row")
        if row.initiator not in actors:
            yield wrong("initiator", f"unknown actor {row.initiator!r}", suggest(row.initiator, sorted(actors)))
        yield from _row_sources(case, where, EVENTS_FILE, index, row.sources, row.status)
        if row in seen:
            first = where.row(EVENTS_FILE, seen[row], "", "", "").line
            what = f"repeats {row.type} of {row.dyad} on {row.date} in every cell of row {first}"
            yield wrong("", what, "keep one of the rows, or describe what sets the two events apart")
        seen.setdefault(row, index)
        if row.type == CONTEXT:
            units: tuple[str, ...] = (*case.dyads, ALL_DYADS, case.host)
        elif row.type not in case.events:
            yield wrong("type", f"unknown event type {row.type!r}", suggest(row.type, [*case.events, CONTEXT]))
            continue
        else:
            host_wide = case.events[row.type].scope == "host"
            units = (case.host,) if host_wide else (*case.dyads, ALL_DYADS)
        if row.dyad not in units:
            yield wrong("dyad", f"{row.dyad!r} cannot have {row.type}", suggest(row.dyad, units))


def _series_rows(case: Case, where: Where) -> Iterator[Problem]:
    seen: set[tuple[str, str, dt.date, str | None]] = set()
    covered: set[tuple[str, str]] = set()
    marks: set[tuple[str, float]] = set()
    for index, row in enumerate(case.series_rows):

        def wrong(key: str, what: str, mend: str, index: int = index) -> Problem:
            return where.row(SERIES_FILE, index, key, what, mend)

        indicator = case.indicators.get(row.indicator)
        if indicator is None:
            yield wrong("indicator", f"unknown indicator {row.indicator!r}", suggest(row.indicator, case.indicators))
            continue
        units = case.dyads if indicator.scope == "dyad" else (case.host,)
        if indicator.history != "series":
            yield wrong(
                "indicator", f"{row.indicator} has history: reference", "set history: series, or remove the row"
            )
        if row.unit not in units:
            yield wrong("unit", f"{row.unit!r} cannot have {row.indicator}", suggest(row.unit, units))
        if row.series is None and indicator.series:
            yield wrong(
                "series", f"is empty, but {row.indicator} has several", f"name one of {', '.join(indicator.series)}"
            )
        elif row.series is not None and row.series not in indicator.series:
            what = f"{row.series!r} is not a series of {row.indicator}"
            yield wrong("series", what, suggest(row.series, indicator.series))
        if row.published > case.as_of:
            yield wrong("published", f"{row.published} lies after as_of {case.as_of}", "remove the row")
        if row.published < row.date:
            yield wrong("published", f"{row.published} lies before the date {row.date}", "correct one of the two")
        low, high = indicator.bounds or (-math.inf, math.inf)
        for column, number in (("value", row.value), ("low", row.low), ("high", row.high)):
            if check_domain(Quantity(value=number), indicator.link) or not low <= number <= high:
                mend, is_mark = "check the unit", column == "value" and number in MISSING_NUMBERS
                if is_mark:
                    mend += f", or add `{mark_text([number])}` to case.yaml where it marks a missing value"
                if (row.indicator, number) not in marks:
                    yield wrong(column, f"{number:g} is outside what {row.indicator} can be", mend)
                if is_mark:
                    marks.add((row.indicator, number))
                break
        key = (row.indicator, row.unit, row.date, row.series)
        if key in seen:
            yield wrong("", f"repeats {row.indicator} of {row.unit} at {row.date}", "keep one of the rows")
        seen.add(key)
        covered.add((row.indicator, row.unit))
        yield from _row_sources(case, where, SERIES_FILE, index, row.sources, row.status)
    for name, indicator in case.indicators.items():
        for unit in (
            (case.dyads if indicator.scope == "dyad" else (case.host,)) if indicator.history == "series" else ()
        ):
            if (name, unit) not in covered:
                wrong_ = f"has history: series, but {where.table(SERIES_FILE)} has no row for {unit}"
                yield where.problem("indicators", (name, "history"), wrong_, "add a row, or say history: reference")


def _coverage(case: Case, where: Where) -> Iterator[Problem]:
    named: set[str] = set()
    for index, row in enumerate(case.coverage):

        def wrong(key: str, what: str, mend: str, index: int = index) -> Problem:
            return where.row(COVERAGE_FILE, index, key, what, mend)

        if row.type == ALL_DYADS:
            units = {*case.dyads, case.host, ALL_DYADS}
            named.update(case.events)
        elif row.type in case.events:
            units = {*case.units(row.type), ALL_DYADS}
            named.add(row.type)
        else:
            yield wrong("type", f"unknown event type {row.type!r}", suggest(row.type, [*case.events, ALL_DYADS]))
            continue
        if row.unit not in units:
            yield wrong("unit", f"{row.unit!r} cannot have {row.type}", suggest(row.unit, sorted(units)))
        if row.until < case.settings.history_from:
            yield wrong("until", f"{row.until} lies before history_from", "remove the row or move history_from")
    clash = find_clash(case)
    if clash is not None:
        first, second, event, unit = clash
        one, two = case.coverage[first], case.coverage[second]
        line = where.row(COVERAGE_FILE, first, "", "", "").line
        what = f"is {two.recall:g} for {event} of {unit} on days of which row {line} says {one.recall:g}"
        yield where.row(COVERAGE_FILE, second, "recall", what, "let each day be in one of the two rows")
    for event, kind in case.events.items() if case.coverage else ():
        if kind.recall < 1.0:
            what = f"stands beside {where.table(COVERAGE_FILE)}, which says how much was found"
            mend = f"give it in its column recall, in rows for {event}"
            yield where.problem("outcomes", (event, "recall"), what, mend)
        if event not in named:
            what = f"says nothing of {event}, so that its whole record is missing"
            mend = f"add a row for it, or for {ALL_DYADS} types"
            yield Problem(where.table(COVERAGE_FILE), None, "type", what, mend)
