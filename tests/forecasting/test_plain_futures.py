"""The simulation against futures made one at a time in plain Python, with every mechanism of the model at work."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.engines.fitting import fit
from riskcast.forecasting.forecasts import forecast
from riskcast.machinery.array_types import Floats
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, searched
from tests.support.plain_futures import PlainWorld

HORIZON, DRAWS, FUTURES = 5, 100, 40


def everything(tension: bool) -> Case:
    """A case of two dyads in which every mechanism acts, and none weakly."""
    events = {
        "abuse": event(quantity(0.9, 0.7, 0.98), kind="trigger"),
        "protest": event(quantity(0.5, 0.3, 0.8), severity=30.0),
        "rupture": event(quantity(0.4, 0.2, 0.7), severity=80.0),
        "decree": event(quantity(0.6, 0.4, 0.8), severity=40.0, scope="host"),
    }
    indicators = {
        "rhetoric": indicator(
            now=quantity(0.3, -0.2, 0.8),
            drift=quantity(0.8, 0.4, 1.4),
            raises={
                "decree": {"steps": quantity(1.0, 0.5, 1.5), "half_life": quantity(3.0, 2.0, 5.0), "whose": "host"}
            },
        ),
        "mood": indicator(
            now=quantity(0.2, -0.3, 0.7),
            drift=quantity(1.0, 0.6, 1.6),
            parents={"rhetoric": quantity(0.6, 0.3, 0.9)},
            bounds=(-2.0, 2.0),
        ),
        "need": indicator(
            scope="dyad",
            now=quantity(0.5, -0.5, 1.5),
            drift=quantity(0.4, 0.2, 0.8),
            raises={
                "abuse": {"steps": quantity(-0.6, -1.0, -0.2), "half_life": quantity(2.0, 1.0, 4.0), "whose": "own"}
            },
        ),
    }
    strong = quantity(3.0, 2.0, 4.5)
    effects = [
        edge("mood", "abuse", quantity(1.5, 1.1, 2.0)),
        edge("need", "rupture", quantity(0.6, 0.4, 0.9)),
        edge("rhetoric", "decree", quantity(1.3, 0.9, 1.9)),
        edge("abuse", "protest", strong, whose="own", memory="fast", acts="same", spent=True),
        edge("abuse", "rupture", quantity(2.0, 1.3, 3.0), whose="own", memory="at_once", acts="same"),
        edge("protest", "rupture", strong, whose="own", memory="slow", acts="next"),
        edge("need", "rupture", quantity(0.6, 0.4, 0.9), on="half_life", memory="slow"),
        edge("rupture", "protest", quantity(1.5, 1.0, 2.2), whose="others", memory="fast", acts="next"),
        edge("rupture", "abuse", quantity(0.7, 0.5, 1.0), whose="own", memory="peace", acts="next"),
        edge("abuse", "abuse", quantity(1.4, 1.0, 2.0), whose="own", memory="habit", acts="next"),
        edge("rupture", "rupture", quantity(1.6, 1.0, 2.6), whose="own", memory="usual", acts="next"),
        edge("decree", "protest", quantity(1.8, 1.2, 2.7), whose="host", memory="at_once", acts="next"),
        edge("protest", "decree", quantity(1.3, 0.9, 1.9), whose="any", memory="fast", acts="next"),
    ]
    rows = tuple(
        event_row(dt.date(2020, month, day), kind, dyad)
        for month, day, kind, dyad in (
            (3, 4, "abuse", "HHH-P001"),
            (6, 10, "decree", "HHH"),
            (9, 20, "protest", "HHH-P002"),
            (11, 5, "abuse", "HHH-P002"),
            (12, 3, "rupture", "HHH-P002"),
            (12, 9, "abuse", "HHH-P001"),
            (12, 9, "protest", "HHH-P001"),
            (12, 24, "decree", "HHH"),
            (12, 28, "abuse", "HHH-P001"),
        )
    )
    case = make_case(
        events,
        effects,
        indicators,
        partners=2,
        years=3,
        horizon=HORIZON,
        half_life=quantity(2.0, 1.0, 4.0),
        sd_dyad=quantity(0.4, 0.2, 0.8),
        sd_time=quantity(0.4, 0.2, 0.8),
        persistence=quantity(0.6, 0.4, 0.8),
        rows=rows,
    )
    settings: dict[str, Any] = case.settings.model_dump(by_alias=True)
    settings["memories"] |= {
        "slow": {"label": "Slow", "half_life": quantity(4.0, 2.0, 8.0)},
        "at_once": {"label": "At once", "kind": "immediate", "days": 40},
        "peace": {"label": "Peace", "kind": "since"},
        "habit": {"label": "Habit", "kind": "rate", "half_life": quantity(5.0)},
        "usual": {"label": "Usual", "kind": "mean", "half_life": quantity(6.0)},
    }
    if tension:
        settings["tension"] = {
            "period": "quarter",
            "persistence": quantity(0.8, 0.6, 0.95),
            "loading": quantity(0.5, 0.3, 0.9),
        }
        settings["trust"] = quantity(0.8, 0.5, 1.2)
    case = case.revised(settings=settings)
    first, last = case.settings.history_from, case.as_of
    return searched(
        case,
        ("abuse", "ALL", first, last, 0.5),
        ("protest", "ALL", first, last, 0.8),
        ("rupture", "ALL", first, last, 1.0),
        ("decree", "HHH", first, last, 0.9),
    )


@pytest.mark.parametrize("tension", [False, True], ids=["shocks of years", "tension and trust"])
def test_futures_are_those_that_the_files_mean(tension: bool) -> None:
    case = everything(tension)
    posterior = fit(case, draws=DRAWS, seed=3, prior_only=True)
    ahead = forecast(posterior, horizon=HORIZON, seed=5, paths=64)
    happened, recorded = ({e: np.zeros((DRAWS, len(case.units(e)))) for e in case.events} for _ in range(2))
    scores = np.zeros((DRAWS, len(case.dyads)))
    own = {e: kind.severity for e, kind in case.events.items() if kind.scope == "dyad" and kind.severity is not None}
    world = PlainWorld(posterior, HORIZON, seed=11)
    for draw in range(DRAWS):
        for _ in range(FUTURES):
            future = world.future(draw)
            spared = np.ones(len(case.dyads))
            for name, unit in future.happened:
                happened[name][draw, unit] += 1.0 / FUTURES
                spared[unit] *= 1.0 - own.get(name, 0.0) / 100.0
            for name, unit in future.recorded:
                recorded[name][draw, unit] += 1.0 / FUTURES
            scores[draw] += 100.0 * (1.0 - spared) / FUTURES
    simulated = ahead.simulated
    for name in case.events:
        assert_alike(happened[name], simulated.probability[name], name)
        assert_alike(recorded[name], simulated.verifiable.probability[name], f"{name}, recorded")
    assert_alike(scores, simulated.score, "score")


def assert_alike(plain: Floats, simulated: Floats, what: str) -> None:
    """Averages of the same draws, (draws, units), differ by no more than futures and today's levels leave to chance."""
    off = plain - simulated
    error = off.std(axis=0, ddof=1) / np.sqrt(len(off))
    assert (np.abs(off.mean(axis=0)) < 4.5 * error).all(), (what, off.mean(axis=0) / error, off.mean(axis=0))
