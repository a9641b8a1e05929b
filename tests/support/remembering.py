"""A small case in which one event type is remembered in every way that there is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from riskcast.case.model import Case, Effect, EventRow
from riskcast.case.settings import Memory
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, series_row
from tests.support.smallpanel import panel_case

KINDS: dict[str, dict[str, Any]] = {
    "count": {"half_life": quantity(2.0, 1.0, 4.0)},
    "number": {"half_life": quantity(2.0, 1.0, 4.0), "weight": "count"},
    "log_number": {"half_life": quantity(2.0, 1.0, 4.0), "weight": "log_count"},
    "severity": {"half_life": quantity(2.0, 1.0, 4.0), "weight": "severity"},
    "immediate": {"kind": "immediate", "days": 40},
    "since": {"kind": "since"},
    "never": {"kind": "never"},
    "rate": {"kind": "rate", "half_life": quantity(4.0, 2.0, 8.0)},
    "mean": {"kind": "mean", "half_life": quantity(6.0, 3.0, 12.0), "weight": "log_count"},
}
SPENT = ("count", "number", "log_number", "immediate")


def remembering(rows: tuple[EventRow, ...] = (), partners: int = 2) -> Case:
    """Two dyads in which `a` calls forth `b`, remembered in every way; their own, and those of others."""
    edges = []
    for whose in ("own", "others"):
        for name in KINDS:
            for acts in ("same", "next"):
                for spent in (False, True) if name in SPENT else (False,):
                    if name not in ("rate", "mean") or whose == "own":
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


def needing(seed: int = 1, years: int = 8, **changes: Any) -> Case:
    """Two dyads whose quarrels call forth quarrels and notes, for the longer the less they need one another.

    `need` differs by dyad and month, `calm` is the host's; each acts on half-lives of quarrels.
    """
    rng = np.random.default_rng(seed)
    first = dt.date(2020 - years + 1, 1, 1)
    days = [first + dt.timedelta(days=int(day)) for day in rng.integers(0, 365 * years, size=22)]
    kinds = rng.choice(["quarrel", "note"], size=22)
    rows = [
        event_row(day, str(kind), f"HHH-P{1 + n % 2:03d}")
        for n, (day, kind) in enumerate(zip(days, kinds, strict=True))
    ]
    case = make_case(
        {
            "quarrel": event(quantity(0.5, 0.25, 0.8), label="Quarrel"),
            "note": event(quantity(0.4, 0.2, 0.7), label="Note"),
        },
        [
            edge("quarrel", "quarrel", quantity(2.5, 1.5, 4.0), whose="own", memory="fast", acts="next"),
            edge("note", "quarrel", quantity(1.5, 0.9, 2.5), whose="any", memory="fast", acts="same"),
            edge("quarrel", "note", quantity(2.0, 1.2, 3.3), whose="others", memory="fast", acts="next"),
            edge("need", "quarrel", quantity(0.6, 0.4, 0.9), memory="fast", on="half_life"),
            edge("calm", "quarrel", quantity(1.3, 0.9, 1.9), memory="fast", on="half_life", path="calming"),
            edge("need", "quarrel", quantity(0.9, 0.7, 1.2)),
        ],
        {
            "need": indicator(
                label="Need", scope="dyad", now=quantity(1.0, 0.4, 1.6), drift=quantity(0.4), history="series"
            ),
            "calm": indicator(label="Calm", now=quantity(-0.5), drift=quantity(0.0), history="series"),
        },
        partners=2,
        years=years,
        half_life=quantity(4.0, 2.0, 8.0),
        rows=tuple(rows),
        **changes,
    )
    series = [
        series_row(name, dt.date(year, month, 15), float(rng.normal())).model_copy(update={"unit": unit})
        for name, units in (("need", case.dyads), ("calm", (case.host,)))
        for unit in units
        for year in range(first.year, 2021)
        for month in (3, 9)
    ]
    return case.revised(series_rows=tuple(series))


def answering(years: int = 6) -> Case:
    """Two dyads in which sparks call forth notes that spend them; each kind of memory once."""
    ratio = quantity(2.0, 1.0, 4.0)
    case = make_case(
        {"spark": event(quantity(0.9, 0.7, 0.98), label="Spark"), "note": event(quantity(0.7, 0.4, 0.9), label="Note")},
        [
            edge("spark", "note", ratio, whose="own", memory="count", acts="same", spent=True),
            edge("spark", "note", ratio, whose="others", memory="immediate", acts="next", spent=True, path="echo"),
            edge("note", "note", ratio, whose="own", memory="since", acts="next"),
            edge("note", "note", ratio, whose="own", memory="never", acts="next", path="first"),
            edge("note", "spark", ratio, whose="own", memory="rate", acts="next"),
            edge("spark", "spark", quantity(1.2, 0.8, 1.8), whose="others", memory="number", acts="next", path="echo"),
        ],
        partners=2,
        years=years,
    )
    memories = {name: Memory.model_validate({"label": name, **told}) for name, told in KINDS.items()}
    return case.revised(settings=case.settings.model_copy(update={"memories": memories}))


def remembering_panel() -> Case:
    """The small panel, with memories that fit panels, answers, and a driver of a half-life."""
    case, ratio = panel_case(), quantity(1.5, 0.8, 2.8)
    names = ("since", "never", "rate", "mean")
    memories = {name: Memory.model_validate({"label": name, **KINDS[name]}) for name in names}
    edges = [edge("clash", "clash", ratio, whose="own", memory=name, acts="next", path=name) for name in names]
    edges += [
        edge("raid", "clash", ratio, whose="others", memory="since", acts="same", path="others"),
        edge("raid", "clash", ratio, whose="own", memory="fast", acts="same", spent=True, path="spent"),
        edge("mood", "clash", ratio, memory="fast", on="half_life"),
    ]
    settings = case.settings.model_copy(update={"memories": {**case.settings.memories, **memories}})
    return case.revised(settings=settings, effects=(*case.effects, *map(Effect.model_validate, edges)))
