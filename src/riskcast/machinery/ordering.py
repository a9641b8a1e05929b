"""Names in an order in which what others need comes first."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush


def topological_order(parents: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Names so ordered that parents come first, else as given; raises ValueError that names a cycle.

    >>> topological_order({"c": {"a"}, "b": set(), "a": set()})
    ('b', 'a', 'c')
    """
    names = list(parents)
    sorter = TopologicalSorter({name: sorted(needs & parents.keys()) for name, needs in parents.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise ValueError(" -> ".join(error.args[1])) from None
    order: list[str] = []
    ready: list[int] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(ready, names.index(name))
        order.append(names[heappop(ready)])
        sorter.done(order[-1])
    return tuple(order)
