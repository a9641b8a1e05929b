"""Names in an order in which what others need comes first."""

from __future__ import annotations

from collections.abc import Mapping


def topological_order(parents: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Names so ordered that parents come first, else as given; raises ValueError that names a cycle."""
    order: list[str] = []
    waiting = dict(parents)
    while waiting:
        ready = next((name for name, needs in waiting.items() if needs.isdisjoint(waiting)), None)
        if ready is None:
            raise ValueError(" -> ".join(_cycle(waiting)))
        order.append(ready)
        del waiting[ready]
    return tuple(order)


def _cycle(waiting: Mapping[str, set[str]]) -> list[str]:
    trail = [next(iter(waiting))]
    while True:
        nearest = sorted(waiting[trail[-1]] & set(waiting))[0]
        if nearest in trail:
            return [*trail[trail.index(nearest) :], nearest][::-1]
        trail.append(nearest)
