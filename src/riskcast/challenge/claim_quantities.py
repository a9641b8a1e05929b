"""The quantities behind the number of a term, by id: those that somebody who doubts the number would look at."""

from __future__ import annotations

from collections.abc import Sequence

from riskcast.case.model import Case
from riskcast.case.quantity_ids import BASE_RATE, HALF_LIFE, QuantityId
from riskcast.case.quantity_names import ids_behind_driver, level_ids
from riskcast.challenge.claim_paths import effects_between, quantities_between
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
ITSELF = "the event itself"


def ways_of(case: Case, change: Change) -> tuple[str, ...]:
    """Ids of the quantities by which a subject acts on what is asked of; none where it does not."""
    targets = case.own_outcomes if change.event is None else (change.event,)
    starts = starts_of(case, change.subject)
    direct = tuple(ITSELF for start in starts if start in targets)
    return (*quantities_between(case, starts, targets), *direct)


def starts_of(case: Case, subject: Subject) -> tuple[str, ...]:
    match subject:
        case Step(indicator):
            return (indicator,)
        case Made(event):
            return (event,)
        case Assumed(name):
            assumed = case.scenario(name)
            return tuple(
                dict.fromkeys([*(m.indicator for m in assumed.indicators), *(e.event for e in assumed.events)])
            )


def name_of(subject: Subject) -> str:
    match subject:
        case Step(name) | Made(name) | Assumed(name):
            return name


def quantities_behind(case: Case, part: Comparison | Alone) -> tuple[str, ...]:
    if isinstance(part, Alone) and part.level is not None:
        return quantities_between(case, starts_of(case, part.change.subject), [part.level])[:MOST_QUANTITIES]
    terms = (part.change,) if isinstance(part, Alone) else (part.left, part.right)
    found = dict.fromkeys(key for term in terms for key in _quantities(case, term))
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
        case MemoryEffect(indicator, event):
            return [e.quantity_id for e in case.half_life_effects_on(event) if e.source == indicator]
        case Rise(source, indicator):
            return quantities_between(case, [source], [indicator])[:1]
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
