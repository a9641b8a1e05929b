"""A small case in which one event type is remembered in every way that there is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from riskcast.case.model import Case, EventRow
from riskcast.case.settings import Memory
from tests.support.cases import edge, event, event_row, make_case, quantity

KINDS: dict[str, dict[str, Any]] = {
    "count": {"half_life": quantity(2.0, 1.0, 4.0)},
    "number": {"half_life": quantity(2.0, 1.0, 4.0), "weight": "count"},
    "severity": {"half_life": quantity(2.0, 1.0, 4.0), "weight": "severity"},
    "immediate": {"kind": "immediate", "days": 40},
    "since": {"kind": "since"},
    "never": {"kind": "never"},
    "rate": {"kind": "rate", "half_life": quantity(4.0, 2.0, 8.0)},
}
SPENT = ("count", "number", "immediate")


def remembering(rows: tuple[EventRow, ...] = (), partners: int = 2) -> Case:
    """Two dyads in which `a` calls forth `b`, remembered in every way; their own, and those of others."""
    edges = []
    for whose in ("own", "others"):
        for name in KINDS:
            for acts in ("same", "next"):
                for spent in (False, True) if name in SPENT else (False,):
                    if name != "rate" or whose == "own":
                        told: dict[str, Any] = {"whose": whose, "memory": name, "acts": acts}
                        path = f"{whose}_{name}_{acts}_{'spent' if spent else 'kept'}"
                        told |= {"spent": True} if spent else {}
                        edges.append(edge("a", "b", quantity(1.2, 0.8, 1.8), path=path, **told))
    case = make_case(
        {"a": event(quantity(0.9), severity=40.0), "b": event(quantity(0.8))}, edges, partners=partners, rows=rows
    )
    memories = {name: Memory.model_validate({"label": name, **told}) for name, told in KINDS.items()}
    return case.revised(settings=case.settings.model_copy(update={"memories": memories}))


def some_rows(seed: int, partners: int = 2, count: int = 14) -> tuple[EventRow, ...]:
    """Rows of a year and a half, so dense that triggers and answers share months."""
    rng = np.random.default_rng(seed)
    rows = []
    for kind in ("a", "b"):
        for _ in range(count):
            day = dt.date(2019, 6, 1) + dt.timedelta(days=int(rng.integers(0, 570)))
            rows.append(event_row(day, kind, f"HHH-P{int(rng.integers(1, partners + 1)):03d}"))
    return tuple(rows)
