"""Cases with records long enough to be forecast from many origins."""

from __future__ import annotations

import datetime as dt

import numpy as np

from riskcast.case.model import Case
from riskcast.case.panel import Panel
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity


def small_case(seed: int = 0, years: int = 8) -> Case:
    """Three dyads, two outcomes and one event of the host, with events at random."""
    rng = np.random.default_rng(seed)
    case = make_case(
        {
            "quarrel": event(quantity(0.5, 0.2, 0.8), severity=30.0),
            "rupture": event(quantity(0.2, 0.05, 0.5), severity=90.0),
            "decree": event(quantity(0.3, 0.1, 0.6), severity=40.0, scope="host"),
        },
        [
            edge("quarrel", "rupture", quantity(2.0, 1.0, 4.0), whose="own", memory="fast", acts="next"),
            edge("quarrel", "quarrel", quantity(1.5, 0.8, 2.5), whose="others", memory="fast", acts="next"),
            edge("mood", "quarrel", quantity(1.3, 0.8, 2.1)),
        ],
        {"mood": indicator(now=quantity(0.0, -0.5, 0.5))},
        years=years,
        sd_dyad=quantity(0.5, 0.2, 1.2),
        sd_time=quantity(0.3),
        persistence=quantity(0.5),
    )
    rows = {}
    for name, rate in (("quarrel", 0.12), ("rupture", 0.03), ("decree", 0.05)):
        for unit in case.units(name):
            for month in np.flatnonzero(rng.random(years * 12) < rate).tolist():
                day = dt.date(2020 - years + 1 + month // 12, month % 12 + 1, 10)
                rows[name, unit, day] = event_row(day, name, unit)
    return case.revised(event_rows=tuple(rows.values()))


def tense_case(seed: int = 0, years: int = 8) -> Case:
    """The same with tension."""
    case = small_case(seed, years)
    tension = {"period": "quarter", "loading": quantity(0.6, 0.25, 1.2), "persistence": quantity(0.8, 0.6, 0.95)}
    return case.revised(settings=case.settings.model_dump() | {"tension": tension})


def panel_case(seed: int = 0, years: int = 25, dyads: int = 12) -> Case:
    """A yearly panel of pairs among six states with one covariate that is known ahead."""
    rng = np.random.default_rng(seed)
    states = [f"S{i:02d}" for i in range(6)]
    pairs = [f"{a}-{b}" for i, a in enumerate(states) for b in states[i + 1 :]][:dyads]
    unit = np.repeat(np.arange(dyads), years)
    period = np.tile(np.arange(2020 - years + 1, 2021), dyads)
    kept = rng.random(len(unit)) < 0.95
    unit, period = unit[kept], period[kept]
    mood = rng.normal(size=len(unit))
    happened = (rng.random(len(unit)) < 0.15 * np.exp(0.3 * mood)).astype(float)
    return make_case(
        {"war": event(quantity(0.1, 0.03, 0.3))},
        [
            edge("mood", "war", quantity(1.2, 0.8, 1.8)),
            edge("war", "war", quantity(1.5, 0.8, 3.0), whose="own", memory="fast", acts="next"),
            edge("war", "war", quantity(1.1, 0.8, 1.5), whose="others", memory="fast", acts="next", path="near"),
        ],
        {"mood": indicator(scope="dyad", history="panel", now=None)},
        period="year",
        horizon=1,
        years=years,
        sd_dyad=quantity(0.5, 0.2, 1.2),
        panel=Panel(tuple(pairs), unit, period, {"mood": mood}, {"war": happened}),
    )
