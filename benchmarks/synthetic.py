"""Synthetic cases of any size, for measuring."""

from __future__ import annotations

import datetime as dt
import string
from typing import Any

import numpy as np

from riskcast.case.model import Case, EventRow

RESOLUTION = {"yes": "Drawn.", "no": "Not drawn.", "resolved_by": "The generator."}
ALPHABET = string.digits + string.ascii_uppercase


def quantity(median: float, factor: float) -> dict[str, Any]:
    """A quantity with an interval of so many times either way."""
    return {"median": median, "interval": [median / factor, median * factor]}


def state_id(number: int) -> str:
    """A code of four letters for a made-up partner."""
    code = ""
    for _ in range(3):
        number, digit = divmod(number, len(ALPHABET))
        code = ALPHABET[digit] + code
    return f"P{code}"


def make_case(dyads: int, periods: int, outcomes: int = 11, rate: float = 0.05, seed: int = 1) -> Case:
    """A monthly case with events drawn at `rate` a year per dyad and outcome; every outcome has two indicators, its
    own memory and spillover from the other dyads; half-lives are fixed, as large panels have them."""
    rng = np.random.default_rng(seed)
    as_of = dt.date(2020, 12, 31)
    start = dt.date(2020 - (periods - 1) // 12, 12 - (periods - 1) % 12, 1)
    names = [f"outcome_{number}" for number in range(outcomes)]
    events = {
        name: {
            "label": name,
            "kind": "outcome",
            "scope": "dyad",
            "initiator": "either",
            "severity": 10.0 + 80.0 * place / max(outcomes - 1, 1),
            "resolution": RESOLUTION,
            "base_rate": {"median": 0.05, "interval": [0.01, 0.2]},
        }
        for place, name in enumerate(names)
    }
    common = {
        "question": "Made up.",
        "unit": "points",
        "scale": "identity",
        "reference": 0.0,
        "step": 1.0,
        "history": "reference",
        "drift": quantity(0.3, 2.0),
        "now": {"median": 0.5, "interval": [-0.5, 1.5]},
    }
    indicators = {
        "mood": {"label": "Mood", "scope": "host", **common},
        "stake": {"label": "Stake", "scope": "dyad", **common},
    }
    effects = []
    for name in names:
        edge = {"to": name, "rationale": "Made up."}
        effects += [
            {"from": "mood", "rate_ratio": quantity(1.2, 1.4), **edge},
            {"from": "stake", "rate_ratio": quantity(1.1, 1.4), **edge},
            {"from": name, "rate_ratio": quantity(2.0, 2.0), "whose": "own", "memory": "fast", "acts": "next", **edge},
        ]
    effects.append(
        {
            "from": names[0],
            "to": names[-1],
            "path": "spillover",
            "rate_ratio": quantity(1.05, 1.2),
            "rationale": "Made up.",
            "whose": "others",
            "memory": "fast",
            "acts": "next",
        }
    )
    rows = []
    days = (as_of - start).days
    for name in names:
        count = rng.poisson(rate * dyads * periods / 12)
        for unit, day in zip(
            rng.integers(0, dyads, count).tolist(), rng.integers(0, days, count).tolist(), strict=True
        ):
            rows.append(
                EventRow.model_construct(
                    date=start + dt.timedelta(days=day),
                    precision="day",
                    type=name,
                    dyad=f"HST-{state_id(unit)}",
                    initiator="HST",
                    description="Drawn.",
                    sources=(),
                    status="judgement",
                )
            )
    return Case.model_validate(
        {
            "name": "synthetic",
            "settings": {
                "title": "Synthetic",
                "as_of": as_of,
                "host": {"id": "HST", "name": "Host"},
                "partners": [{"id": state_id(n), "name": f"Partner {n}"} for n in range(dyads)],
                "period": "month",
                "history_from": start,
                "recorded_until": as_of,
                "horizon": 12,
                "bands": [{"name": "any", "start": 0.0}],
                "memories": {"fast": {"label": "Fast", "half_life": {"value": 6.0}}},
                "hyperpriors": {
                    "sd_dyad": quantity(0.6, 2.0),
                    "sd_time": quantity(0.4, 2.0),
                    "persistence": {"value": 0.8},
                },
            },
            "indicators": indicators,
            "events": events,
            "effects": effects,
            "scenarios": {},
            "sources": {},
            "event_rows": rows,
        }
    )
