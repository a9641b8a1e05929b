"""What leads from a belief to a forecast: edges between indicators and events, and the quantities behind them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from riskcast.case.model import Case, Effect
from riskcast.case.moves import indicator_order
from riskcast.case.quantity_ids import PASSED_ON, RISE, QuantityId

# How much longer than the shortest way from one end to the other a way may be.
DETOUR = 1
# What acts within its dyad alone: an indicator, or an event of one's own.
OWN = (None, "own")


class Edge(NamedTuple):
    """What moves what, the id of the quantity that says how much, and `whose` events do, None where it is no event."""

    source: str
    target: str
    quantity: str
    whose: str | None = None


class Node(NamedTuple):
    """An indicator or event type in one dyad, in one of the others, or of the host."""

    name: str
    place: Literal["own", "other", "host"]


class _Step(NamedTuple):
    source: Node
    target: Node
    quantity: str


def edges_of(case: Case) -> tuple[Edge, ...]:
    """Every edge of a case: effects on rates and half-lives, what indicators pass on, and what events raise."""
    found = [Edge(effect.source, effect.target, effect.quantity_id, effect.whose) for effect in case.effects]
    for name, indicator in case.indicators.items():
        found += [Edge(of, name, str(QuantityId("indicators", PASSED_ON, name, of))) for of in indicator.parents]
        for of, raised in indicator.raises.items():
            found.append(Edge(of, name, str(QuantityId("indicators", RISE, name, of)), raised.whose))
    return tuple(found)


def nodes_of(case: Case, name: str, whom: Collection[str] | None = None, own: str | None = None) -> frozenset[Node]:
    """Where an indicator or event type is, as one dyad, `own`, sees it, everywhere where none does; `whom`: in which
    dyads it is meant, in all where None."""
    scope = case.indicators[name].scope if name in case.indicators else case.events[name].scope
    if scope == "host":
        return frozenset([Node(name, "host")])
    found = set[Node]()
    if own is None or whom is None or own in whom:
        found.add(Node(name, "own"))
    if own is None or whom is None or set(whom) - {own}:
        found.add(Node(name, "other"))
    return frozenset(found)


def quantities_between(case: Case, sources: Collection[str], targets: Collection[str]) -> tuple[str, ...]:
    """Ids of the quantities on the shortest ways from one of some indicators or events to one of others, and on ways
    that are one edge longer; none where no way leads there.

    >>> from riskcast import load_case
    >>> quantities_between(load_case("central_asia_2024"), ["poverty"], ["domestic_crisis"])
    ('effects.poverty->domestic_crisis',)
    """
    starts, ends = ({node for name in names for node in nodes_of(case, name)} for names in (sources, targets))
    return quantities_on_ways(case, starts, ends)


def quantities_on_ways(case: Case, starts: Collection[Node], ends: Collection[Node]) -> tuple[str, ...]:
    """The same from where some stand to where others do: what happens in one dyad reaches another only by what the
    host shares and by edges of which others' events count."""
    # What leads back to where a way begins is on none.
    steps = [step for step in _steps(case) if step.target not in starts]
    ahead = _distances([(step.source, step.target) for step in steps], starts)
    behind = _distances([(step.target, step.source) for step in steps], ends)
    own = [
        (ahead[step.source] + 1 + behind[step.target], place, step.quantity)
        for place, step in enumerate(steps)
        if step.source in ahead and step.target in behind and step.source != step.target
    ]
    shortest = min((length for length, *_ in own), default=0)
    return tuple(dict.fromkeys(quantity for length, _, quantity in sorted(own) if length <= shortest + DETOUR))


def rise_links(case: Case, source: str, indicator: str) -> tuple[tuple[str, str], ...]:
    """What moves what, (indicator, by what), on every way by `raises:` and `parents:` from an event or indicator to an
    indicator, the nearest to it first; none where no way leads there.

    >>> from riskcast import load_case
    >>> rise_links(load_case("central_asia_2024"), "deescalation", "xenophobia")
    (('xenophobia', 'official_rhetoric'), ('official_rhetoric', 'deescalation'))
    """
    moved = set[str]()
    for name in indicator_order(case):
        one = case.indicators[name]
        if source in one.raises or source in one.parents or not moved.isdisjoint(one.parents):
            moved.add(name)
    found, waiting = dict[tuple[str, str], None](), [indicator]
    for name in waiting:
        one = case.indicators[name]
        for of in (*one.raises, *one.parents):
            if of == source or (of in one.parents and of in moved):
                found[name, of] = None
                waiting += [of] if of != source and of not in waiting else []
    return tuple(found)


def effects_between(case: Case, source: str, target: str, path: str | None = None) -> tuple[Effect, ...]:
    """The effects on a rate from an indicator or event of one's own, or those of a path alone."""
    found = [effect for effect in case.effects_on(target) if effect.source == source]
    if path is not None:
        return tuple(effect for effect in found if effect.path == path)
    return tuple(effect for effect in found if not effect.is_escalation or effect.whose in ("own", "host", "any"))


def _steps(case: Case) -> Iterator[_Step]:
    """Every edge between the places that it joins."""
    for source, target, quantity, whose in edges_of(case):
        for one in nodes_of(case, source):
            for other in nodes_of(case, target):
                crosses = one.place != other.place and "host" not in (one.place, other.place)
                stays = one.place == other.place == "own"
                if not (crosses and whose in OWN) and not (stays and whose not in (*OWN, "any", "host")):
                    yield _Step(one, other, quantity)


def _distances(steps: list[tuple[Node, Node]], starts: Collection[Node]) -> dict[Node, int]:
    found, edge = dict.fromkeys(starts, 0), list(starts)
    while edge:
        reached = [b for a, b in steps if a in edge and b not in found]
        found |= dict.fromkeys(reached, found[edge[0]] + 1)
        edge = list(dict.fromkeys(reached))
    return found
