"""Small cases made in code, for tests that need to know the truth."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from riskcast.case import Case, EventRow

RESOLUTION = {"yes": "It happened.", "no": "It did not.", "resolved_by": "The record."}


def quantity(median: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """A quantity as plain data; fixed where no interval is given."""
    if low is None or high is None:
        return {"value": float(median)}
    return {"median": float(median), "interval": (float(low), float(high))}


def event(base_rate: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An outcome as plain data."""
    plain = {
        "label": "Event",
        "kind": "outcome",
        "scope": "dyad",
        "initiator": "host",
        "severity": 50.0,
        "resolution": RESOLUTION,
        "base_rate": base_rate,
    }
    plain.update(changes)
    if plain["kind"] == "trigger":
        plain["severity"] = None
    return plain


def indicator(**changes: Any) -> dict[str, Any]:
    """An indicator of the host as plain data, at its reference with nothing uncertain."""
    plain = {
        "label": "Indicator",
        "question": "What is it?",
        "scope": "host",
        "unit": "points",
        "scale": "identity",
        "reference": 0.0,
        "step": 1.0,
        "history": "reference",
        "now": quantity(0.0),
        "drift": quantity(0.0),
    }
    plain.update(changes)
    return plain


def edge(source: str, target: str, ratio: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An edge as plain data."""
    return {"from": source, "to": target, "rate_ratio": ratio, "rationale": "A test.", **changes}


def make_case(
    events: dict[str, dict[str, Any]],
    effects: list[dict[str, Any]] | None = None,
    indicators: dict[str, dict[str, Any]] | None = None,
    partners: int = 3,
    years: int = 6,
    period: str = "month",
    horizon: int = 12,
    half_life: dict[str, Any] | None = None,
    sd_dyad: dict[str, Any] | None = None,
    sd_time: dict[str, Any] | None = None,
    persistence: dict[str, Any] | None = None,
    scenarios: dict[str, Any] | None = None,
    rows: tuple[EventRow, ...] = (),
    as_of: dt.date = dt.date(2020, 12, 31),
) -> Case:
    """A case with partners P001, P002, ... of host HHH."""
    states = [{"id": f"P{number:03d}", "name": f"Partner {number}"} for number in range(1, partners + 1)]
    return Case.model_validate(
        {
            "name": "toy",
            "settings": {
                "title": "Toy",
                "as_of": as_of,
                "host": {"id": "HHH", "name": "Host"},
                "partners": states,
                "period": period,
                "history_from": dt.date(as_of.year - years + 1, 1, 1),
                "horizon": horizon,
                "bands": [{"name": "low", "start": 0.0}, {"name": "high", "start": 50.0}],
                "memories": {"fast": {"label": "Fast", "half_life": half_life or quantity(3.0)}},
                "hyperpriors": {
                    "sd_dyad": sd_dyad or quantity(0.0),
                    "sd_time": sd_time or quantity(0.0),
                    "persistence": persistence or quantity(0.0),
                },
            },
            "indicators": indicators or {},
            "events": events,
            "effects": effects or [],
            "scenarios": scenarios or {},
            "sources": {},
            "event_rows": rows,
        }
    )


def event_row(day: dt.date, kind: str, dyad: str) -> EventRow:
    """One dated event."""
    return EventRow(
        date=day,
        precision="day",
        type=kind,
        dyad=dyad,
        initiator="HHH",
        description="A test.",
        sources=(),
        status="judgement",
    )


def random_case(seed: int, partners: int = 4, years: int = 6) -> Case:
    """A case with every part of the model in it and a record drawn at random."""
    rng = np.random.default_rng(seed)

    def ratio() -> dict[str, Any]:
        middle = float(np.exp(rng.normal(0.2, 0.3)))
        return quantity(middle, middle / 1.8, middle * 1.8)

    events = {
        "spark": event(quantity(0.4, 0.2, 0.7), kind="trigger"),
        "protest": event(quantity(0.3, 0.1, 0.6), severity=30.0),
        "break_off": event(quantity(0.1, 0.03, 0.3), severity=90.0),
        "decree": event(quantity(0.3, 0.1, 0.6), severity=40.0, scope="host"),
    }
    indicators = {
        "mood": indicator(now=quantity(0.5, -0.5, 1.5), drift=quantity(0.5, 0.2, 1.0)),
        "trade": indicator(
            scope="dyad",
            scale="log",
            reference=10.0,
            step=1.5,
            now=quantity(12.0, 8.0, 18.0),
            drift=quantity(0.3, 0.1, 0.9),
        ),
    }
    effects = [
        edge("mood", "protest", ratio()),
        edge("trade", "break_off", ratio()),
        edge("mood", "decree", ratio()),
        edge("spark", "protest", ratio(), whose="own", memory="fast", acts="same"),
        edge("protest", "protest", ratio(), whose="own", memory="fast", acts="next"),
        edge("protest", "protest", ratio(), whose="others", memory="fast", acts="next", path="spillover"),
        edge("spark", "decree", ratio(), whose="any", memory="fast", acts="same"),
        edge("decree", "break_off", ratio(), whose="host", memory="fast", acts="next"),
    ]
    first = dt.date(2020 - years + 1, 1, 1)
    rows = {}
    for number in range(1, partners + 1):
        for kind, count in (("spark", 4), ("protest", 5), ("break_off", 1)):
            for _ in range(rng.poisson(count)):
                day = first + dt.timedelta(days=int(rng.integers(0, 365 * years)))
                rows[day, kind, number] = event_row(day, kind, f"HHH-P{number:03d}")
    for _ in range(4):
        day = first + dt.timedelta(days=int(rng.integers(0, 365 * years)))
        rows[day, "decree", 0] = event_row(day, "decree", "HHH")
    return make_case(
        events,
        effects,
        indicators,
        partners=partners,
        years=years,
        half_life=quantity(3.0, 1.5, 6.0),
        sd_dyad=quantity(0.5, 0.2, 1.2),
        sd_time=quantity(0.4, 0.15, 1.0),
        persistence=quantity(0.7, 0.4, 0.9),
        rows=tuple(rows.values()),
        scenarios={
            "storm": {
                "label": "Storm",
                "story": "Mood sours and a spark flies.",
                "indicators": [{"indicator": "mood", "shift": 1.0, "start": 2, "over": 3}],
                "events": [{"event": "spark", "dyads": ["HHH-P001"], "month": 2}],
            }
        },
    )
