"""What leads from a belief to a forecast: edges between indicators and events, and the quantities behind them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from riskcast.case.model import Case, Effect
from riskcast.case.quantity_ids import PASSED_ON, RISE, QuantityId

# How much longer than the shortest way from one end to the other a way may be.
DETOUR = 1


class Edge(NamedTuple):
    """What moves what, and the id of the quantity that says how much."""

    source: str
    target: str
    quantity: str


def edges_of(case: Case) -> tuple[Edge, ...]:
    """Every edge of a case: effects on rates and half-lives, what indicators pass on, and what events raise."""
    found = [Edge(effect.source, effect.target, effect.quantity_id) for effect in case.effects]
    for name, indicator in case.indicators.items():
        found += [Edge(of, name, str(QuantityId("indicators", PASSED_ON, name, of))) for of in indicator.parents]
        found += [Edge(of, name, str(QuantityId("indicators", RISE, name, of))) for of in indicator.raises]
    return tuple(found)


def quantities_between(case: Case, sources: Collection[str], targets: Collection[str]) -> tuple[str, ...]:
    """Ids of the quantities on the shortest ways from one of some indicators or events to one of others, and on ways
    that are one edge longer; none where no way leads there.

    >>> from riskcast import load_case
    >>> quantities_between(load_case("central_asia_2024"), ["poverty"], ["domestic_crisis"])
    ('effects.poverty->domestic_crisis',)
    """
    edges = edges_of(case)
    ahead = _distances([(edge.source, edge.target) for edge in edges], sources)
    behind = _distances([(edge.target, edge.source) for edge in edges], targets)
    whole = {edge: ahead[edge.source] + 1 + behind[edge.target] for edge in _joined(edges, ahead, behind)}
    # An event that drives itself begins no way.
    own = {edge: length for edge, length in whole.items() if edge.source != edge.target}
    shortest = min(own.values(), default=0)
    ranked = sorted((length, place, edge) for place, (edge, length) in enumerate(own.items()))
    return tuple(dict.fromkeys(edge.quantity for length, _, edge in ranked if length <= shortest + DETOUR))


def effects_between(case: Case, source: str, target: str, path: str | None = None) -> tuple[Effect, ...]:
    """The effects on a rate from an indicator or event of one's own, or those of a path alone."""
    found = [effect for effect in case.effects_on(target) if effect.source == source]
    if path is not None:
        return tuple(effect for effect in found if effect.path == path)
    return tuple(effect for effect in found if not effect.is_escalation or effect.whose in ("own", "host"))


def _distances(steps: list[tuple[str, str]], starts: Collection[str]) -> dict[str, int]:
    found, edge = dict.fromkeys(starts, 0), list(starts)
    while edge:
        reached = [b for a, b in steps if a in edge and b not in found]
        found |= dict.fromkeys(reached, found[edge[0]] + 1)
        edge = list(dict.fromkeys(reached))
    return found


def _joined(edges: tuple[Edge, ...], ahead: dict[str, int], behind: dict[str, int]) -> Iterator[Edge]:
    return (edge for edge in edges if edge.source in ahead and edge.target in behind)
