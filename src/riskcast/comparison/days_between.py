"""What days do to a forecast, nothing else being new: levels age, memories of past events fade, the window moves on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from riskcast.forecasting.edge_plans import Edge
from riskcast.forecasting.plan import Plan

LEVELS, WINDOW, FORGETTING = "levels", "window", "forgetting"
# The least change of a log rate for which memories of an event type are named; the others are one.
LEAST_FELT: Final = 0.02
OTHERS: Final = ""


def what_days_do(before: Plan, after: Plan) -> tuple[str, ...]:
    """Of a case and itself some days later: which of `levels`, `forgetting:TYPE`, `forgetting:` of all other types, and
    `window` are other ones."""
    found = [LEVELS] if any((before.today[name] != own).any() for name, own in after.today.items()) else []
    sizes = _felt_by_source(before, after)
    named = [source for source, size in sizes.items() if size >= LEAST_FELT]
    few = any(0.0 < size < LEAST_FELT for size in sizes.values())
    return (*found, *(f"{FORGETTING}:{source}" for source in named), *([f"{FORGETTING}:"] * few), WINDOW)


def _felt_by_source(before: Plan, after: Plan) -> dict[str, float]:
    """By event type: the largest change, over what it drives and units, of what is felt of it."""
    sizes: dict[str, float] = {}
    for p, q in zip(before.events, after.events, strict=True):
        for one, two in zip(p.edges, q.edges, strict=True):
            change = np.abs(_felt(one, two))
            sizes[one.source] = max(sizes.get(one.source, 0.0), float(change.max(initial=0.0)))
    for one, two in zip(before.raises, after.raises, strict=True):
        change = np.abs((one.steps[:, None] * (two.left - one.left)).mean(axis=0))
        sizes[one.source] = max(sizes.get(one.source, 0.0), float(change.max(initial=0.0)))
    return sizes


def _felt(one: Edge, two: Edge) -> np.ndarray:
    """By how much more a memory is felt, in the log rate's units, mean over draws: (units,)."""
    return (np.abs(one.gain)[:, None] * (two.felt - one.felt)).mean(axis=0)


def days_gone_by(before: Plan, after: Plan, done: Iterable[str], every: Iterable[str]) -> Plan:
    """A case under some of what days do: what is not `done` is as fresh, or stands where it stood, as on its own day.

    Without the window, the horizon is that of the case's own day, and so is the running period. every: all that days
    do, as `what_days_do` names it.
    """
    chosen = set(done)
    named = {what.partition(":")[2] for what in every if what.startswith(FORGETTING)} - {OTHERS}
    frame = after if WINDOW in chosen else before
    aged = after if LEVELS in chosen else before

    def felt(source: str) -> Plan:
        return after if f"{FORGETTING}:{source if source in named else OTHERS}" in chosen else before

    events = tuple(
        replace(p, edges=tuple(felt(edge.source).events[k].edges[n] for n, edge in enumerate(p.edges)))
        for k, p in enumerate(frame.events)
    )
    raises = tuple(felt(rise.source).raises[n] for n, rise in enumerate(frame.raises))
    begun = {name: felt(name).begun.get(name, np.zeros_like(own)) for name, own in frame.begun.items()}
    return replace(frame, events=events, raises=raises, begun=begun, today=dict(aged.today))


def felt_change(before: Plan, after: Plan, source: str) -> Mapping[str, float]:
    """By dyad, how much more, or less, of past events of a type is felt after some days, over all that it drives."""
    units = before.case.dyads
    total = np.zeros(len(units))
    for p, q in zip(before.events, after.events, strict=True):
        for one, two in zip(p.edges, q.edges, strict=True):
            if one.source == source:
                change = _felt(one, two)
                total += change if len(change) == len(units) else change.mean()
    return dict(zip(units, total.tolist(), strict=True))
