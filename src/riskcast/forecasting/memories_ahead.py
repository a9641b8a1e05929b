"""What event types remember on every path of a block: what memories add to log rates, and how they fade."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from riskcast.forecasting.days_ahead import draw_day
from riskcast.forecasting.edge_plans import Edge
from riskcast.forecasting.edges_ahead import Drawn, EdgeAhead, draw_known_number, draw_number
from riskcast.forecasting.plan import EventPlan, Plan, Rise
from riskcast.forecasting.work_arrays import Active, full, work
from riskcast.machinery.array_types import Floats, Ints


class MemoriesAhead:
    """The states of all escalation edges on a block of paths, (paths, units) each, written over as cells go by.

    `happened`: by event type, what has happened in the cell so far, (paths, units) of 0 or 1, kept up to date by
    whoever simulates. In the rest of a period that runs edges see what has happened in it already as well, but for
    units in which the event that they drive has happened in it too: there it is answered.
    """

    def __init__(self, plan: Plan, draw: Ints, happened: Mapping[str, Floats], active: Active | None) -> None:
        self._happened = happened
        self._plain = {p.event: [edge for edge in p.edges if edge.beyond is None] for p in plan.events}
        self._gains = {name: [work(edge.gain[draw, None]) for edge in edges] for name, edges in self._plain.items()}
        self._decays = {name: [work(edge.decay[draw, None]) for edge in edges] for name, edges in self._plain.items()}
        self._states = {name: [work(edge.start[draw]) for edge in edges] for name, edges in self._plain.items()}
        if active is not None:
            for name, edges in self._plain.items():
                kept = [active.recent[edge.source][:, None] for edge in edges]
                states = zip(self._states[name], kept, strict=True)
                self._states[name] = [state * keep for state, keep in states]
        self._answered = {name: begun > 0.0 for name, begun in plan.begun.items() if begun.any()}
        self._marked = dict(happened)
        for name, begun in plan.begun.items():
            keep = active.recent[name][:, None] if active is not None and name in active.recent else 1.0
            self._marked[name] = work(np.broadcast_to(begun, happened[name].shape) * keep)
        self._days, self._shares = plan.days, plan.shares
        self._drawn = {p.event: Drawn() for p in plan.events}
        asking = [edge for p in plan.events for edge in p.edges if edge.beyond is not None]
        self._dated = {edge.source for edge in asking if edge.beyond and edge.beyond.later}
        self._numbers = plan.numbers
        self._special = {
            p.event: [
                EdgeAhead(plan, p, edge, edge.beyond, draw, happened, self._drawn, active)
                for edge in p.edges
                if edge.beyond is not None
            ]
            for p in plan.events
        }
        # Written over at every step: fresh arrays of this size cost more than the arithmetic.
        sizes = {1, len(plan.case.dyads), *(p.units for p in plan.events)}
        self._spare, self._unseen = ({units: full(len(draw), units, 0.0) for units in sizes} for _ in range(2))

    def add_to(self, log_rate: Floats, p: EventPlan, cell: int, levels: Mapping[str, Floats]) -> None:
        """Add what memories do to the log rates of an event type in a cell, (paths, units), at its levels in steps."""
        edges = zip(
            self._plain[p.event], self._gains[p.event], self._decays[p.event], self._states[p.event], strict=True
        )
        for edge, gain, decay, state in edges:
            if edge.same_period and cell == 0 and p.event in self._answered:
                alone, all_told = (
                    edge.memory.shape(edge.memory.step(state, decay, seen_now(edge, events, self._unseen[p.units])))
                    for events in (self._happened, self._marked)
                )
                log_rate += gain * np.where(self._answered[p.event], alone, all_told)
                continue
            felt = self._spare[state.shape[1]]
            if edge.same_period:
                seen = seen_now(edge, self._marked, self._unseen[p.units])
                state = edge.memory.step(state, decay, seen, out=felt)
            felt = edge.memory.shape(state, out=felt)
            log_rate += np.multiply(gain, felt, out=felt)
        for edge in self._special[p.event]:
            log_rate += edge.felt(cell, levels)

    def note(self, event: str, cell: int, uniform: Floats, chance: Floats, rate: Floats) -> None:
        """Take notice that an event type's events of a cell are drawn: they happened where uniform < chance."""
        marked, happened = self._marked[event], self._happened[event]
        if marked is not happened:
            np.maximum(marked, happened, out=marked)
        if event in self._dated:
            self._drawn[event].day = draw_day(uniform, chance, self._days, cell)
        if event in self._numbers:
            known = self._numbers[event]
            self._drawn[event].number = (
                draw_known_number(uniform, chance, known, happened > 0.0)
                if len(known)
                else draw_number(uniform, rate * self._shares[cell], happened > 0.0)
            )

    def step(self, plan: Plan, cell: int, levels: Mapping[str, Floats]) -> None:
        """Let the cell go by: memories fade, and take up its events."""
        for p in plan.events:
            edges = zip(self._plain[p.event], self._decays[p.event], self._states[p.event], strict=True)
            for edge, decay, state in edges:
                edge.memory.step(state, decay, seen_now(edge, self._marked, self._unseen[p.units]), out=state)
            for edge in self._special[p.event]:
                edge.step(cell, levels)
        self._marked.update(self._happened)


def seen_now(edge: Edge | Rise, happened: Mapping[str, Floats], out: Floats) -> Floats:
    """Events of this cell that an edge sees; `out` may be written over."""
    events = happened[edge.source]
    if edge.whose in ("own", "host"):
        return events
    if edge.whose == "any":
        return events.sum(axis=1, keepdims=True)
    return edge.neighbours.seen(edge.whose, events, out)
