"""The quantities behind the number of a term, by id: those that somebody who doubts the number would look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from riskcast.case.model import Case
from riskcast.case.quantity_ids import BASE_RATE, HALF_LIFE, PASSED_ON, RISE, QuantityId
from riskcast.case.quantity_names import ids_behind_driver, level_ids
from riskcast.challenge.claim_paths import (
    effects_between,
    nodes_of,
    quantities_between,
    quantities_on_ways,
    rise_links,
)
from riskcast.challenge.claim_terms import (
    Alone,
    Assumed,
    Base,
    Chance,
    Change,
    Comparison,
    Contribution,
    Effect,
    Ending,
    Extreme,
    Fading,
    Level,
    Made,
    MemoryEffect,
    Rise,
    Step,
    Subject,
    Term,
)
from riskcast.forecasting.query_terms import Happens, LevelIs, Query, leaves

# So many are named behind one number.
MOST_QUANTITIES = 12
ITSELF = "itself"


def ways_of(case: Case, change: Change) -> tuple[str, ...]:
    """Ids of the quantities by which a subject acts on what is asked of; none where it does not."""
    own = change.whom if change.whom in case.dyads else change.beside
    starts = {
        node for name, whom in _beginnings(case, change.subject) for node in nodes_of(case, name, whom or None, own)
    }
    names = case.own_outcomes if change.event is None else (change.event,)
    asked = [own] if own is not None and change.beside is None else [d for d in case.dyads if d != own]
    ends = {node for name in names for node in nodes_of(case, name, asked, own)}
    direct = (ITSELF,) if starts & ends else ()
    return (*quantities_on_ways(case, starts, ends), *direct)


def starts_of(case: Case, subject: Subject) -> tuple[str, ...]:
    """The indicators and events with which a subject begins."""
    return tuple(dict.fromkeys(name for name, _ in _beginnings(case, subject)))


def _beginnings(case: Case, subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The indicators and events with which a subject begins, each with the dyads in which, none where in all."""
    match subject:
        case Step(indicator):
            yield indicator, ()
        case Made(event, whom):
            yield event, (whom,) if whom in case.dyads else ()
        case Assumed(name):
            assumed = case.scenario(name)
            yield from ((move.indicator, move.dyads or ()) for move in assumed.indicators)
            yield from ((each.event, each.dyads or ()) for each in assumed.events)


def told_subject(subject: Subject) -> str:
    """A subject as assertions name it."""
    match subject:
        case Made(event, whom):
            return f"{whom}:{event}"
        case Step(name) | Assumed(name):
            return name


def told_object(change: Change) -> str:
    """What a change is of, as assertions name it."""
    whom = f"{change.whom}:" if change.whom and change.event else ""
    return f"{whom}{change.event or 'a score'}"


def quantities_behind(case: Case, part: Comparison | Alone) -> tuple[str, ...]:
    if isinstance(part, Alone) and part.level is not None:
        return quantities_between(case, starts_of(case, part.change.subject), [part.level])[:MOST_QUANTITIES]
    found = dict.fromkeys(key for term in part.terms for key in _quantities(case, term))
    return tuple(key for key in found if key != ITSELF)[:MOST_QUANTITIES]


def _quantities(case: Case, term: Term) -> Sequence[str]:
    match term:
        case Change():
            return ways_of(case, term)
        case Effect(source, target, path):
            return [effect.quantity_id for effect in effects_between(case, source, target, path)]
        case Ending(answer, cause):
            return [effect.quantity_id for effect in effects_between(case, cause, answer)]
        case Extreme(source):
            return [effect.quantity_id for effect in case.effects if effect.source == source and effect.on == "rate"]
        case MemoryEffect(indicator, event, memory):
            edges = case.half_life_effects_on(event)
            return [edge.quantity_id for edge in edges if (edge.source, edge.memory) == (indicator, memory)]
        case Rise(source, indicator):
            return [
                str(QuantityId("indicators", PASSED_ON if of in case.indicators else RISE, name, of))
                for name, of in rise_links(case, source, indicator)
            ]
        case Base(event):
            return [str(QuantityId("outcomes", BASE_RATE, event))]
        case Fading(memory, event):
            return [str(QuantityId("memories", HALF_LIFE, memory))] if event is None else []
        case Level(indicator, whom, _):
            return level_ids(case, indicator, whom or case.dyads[0])
        case Contribution(drivers, whom):
            return [key for driver in drivers for key in ids_behind_driver(case, driver, whom)]
        case Chance(query):
            return _of_query(case, query)
        case _:
            return []


def _of_query(case: Case, query: Query) -> list[str]:
    found: list[str] = []
    for term in (query.event, query.given):
        for leaf in leaves(term) if term is not None else ():
            if isinstance(leaf, Happens):
                found.append(str(QuantityId("outcomes", BASE_RATE, leaf.event)))
                found += [effect.quantity_id for effect in case.effects_on(leaf.event) if effect.is_escalation]
            elif isinstance(leaf, LevelIs):
                found += level_ids(case, leaf.indicator, case.dyads[0])
    return found


def unit_label(case: Case, term: Term) -> str:
    """What the number is measured in, where that is the case's to say."""
    if isinstance(term, Level):
        return case.indicators[term.indicator].unit
    return f"{case.settings.period}s" if isinstance(term, Fading) else ""
