"""Numbers of events within a horizon: those of a panel are drawn from its record, against all futures gone through."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from riskcast import fit, forecast
from riskcast.case.model import Case
from riskcast.case.panel import Panel
from riskcast.case.settings import Memory
from riskcast.forecasting.edges_ahead import draw_known_number
from riskcast.forecasting.remembered import remembered_events
from tests.support.cases import edge, event, make_case, quantity

DRAWS, PATHS = 4000, 16
RAIDS = {"P001-P002": [9.0, 2.0, 0.0, 4.0, 1.0], "P001-P003": [0.0, 3.0, 1.0, 0.0, 9.0]}
LEAST = 3
BASE = {"raid": 0.55, "war": 0.1}
HALF_LIFE = 2.0


def raiding(whose: str, acts: str, **memory: Any) -> Case:
    """Two dyads that share a state, in which numbers of raids lead to raids and wars."""
    years, dyads = 5, tuple(RAIDS)
    numbers = np.concatenate([RAIDS[dyad] for dyad in dyads])
    panel = Panel(
        dyads,
        np.repeat(np.arange(2), years),
        np.tile(np.arange(2016, 2021), 2),
        {},
        {"raid": numbers, "war": np.zeros(10)},
    )
    case = make_case(
        {"raid": event(quantity(BASE["raid"])), "war": event(quantity(BASE["war"]))},
        [
            edge("raid", "war", quantity(1.6), whose=whose, memory="fast", acts=acts),
            edge("raid", "raid", quantity(1.3), whose="own", memory="fast", acts="next"),
        ],
        period="year",
        years=years,
        panel=panel,
    )
    fast = Memory.model_validate({"label": "Fast", "half_life": quantity(HALF_LIFE), **memory})
    events = {**case.events, "raid": case.events["raid"].model_copy(update={"at_least": LEAST})}
    return case.revised(events=events, settings=case.settings.model_copy(update={"memories": {"fast": fast}}))


def wars(whose: str, same: bool, weight: str, horizon: int) -> np.ndarray:
    """Probability of war by the end of each year, (years, dyads), by going through numbers of raids of all years."""
    known = [number for numbers in RAIDS.values() for number in numbers if number >= LEAST]
    found = np.zeros((horizon, 2))

    def memory(numbers: list[list[float]], dyads: tuple[int, ...], newest: int) -> float:
        total = time = 0.0
        for dyad in dyads:
            for t, number in enumerate(numbers[dyad][: newest + 1]):
                size = math.log2(1.0 + number) if weight == "log_count" else number
                total += size * 2.0 ** (-(newest - t) / HALF_LIFE)
                time += 2.0 ** (-(newest - t) / HALF_LIFE)
        return total / time if weight == "mean" else math.log2(1.0 + total)

    def rate(name: str, ratio: float, m: float) -> float:
        return -math.log1p(-BASE[name]) * ratio**m

    def futures(numbers: list[list[float]]) -> Iterator[tuple[float, list[float]]]:
        """Numbers of raids of both dyads in the next year, and how likely they are."""
        one, two = (
            -math.expm1(-rate("raid", 1.3, memory(numbers, (dyad,), len(numbers[dyad]) - 1))) for dyad in (0, 1)
        )
        chances = [[(1.0 - p, 0.0), *[(p / len(known), number) for number in known]] for p in (one, two)]
        for p, first in chances[0]:
            for q, second in chances[1]:
                yield p * q, [first, second]

    def go_on(t: int, weight_of: float, numbers: list[list[float]], peace: list[float]) -> None:
        if t == horizon:
            return
        for p, drawn in futures(numbers):
            now = [[*past, new] for past, new in zip(numbers, drawn, strict=True)]
            newest = len(now[0]) - (1 if same else 2)
            left = []
            for dyad in (0, 1):
                seen = {"own": (dyad,), "others": (1 - dyad,), "any": (0, 1)}[whose]
                quiet = peace[dyad] * math.exp(-rate("war", 1.6, memory(now, seen, newest)))
                found[t, dyad] += weight_of * p * (1.0 - quiet)
                left.append(quiet)
            go_on(t + 1, weight_of * p, now, left)

    go_on(0, 1.0, [list(numbers) for numbers in RAIDS.values()], [1.0, 1.0])
    return found


@pytest.mark.parametrize(
    ("whose", "acts", "weight"),
    [
        ("own", "next", "count"),
        ("own", "same", "log_count"),
        ("others", "same", "count"),
        ("any", "next", "log_count"),
        ("others", "next", "mean"),
    ],
)
def test_a_forecast_is_what_going_through_all_numbers_says(whose: str, acts: str, weight: str) -> None:
    case = raiding(whose, acts, **({"kind": "mean", "weight": "count"} if weight == "mean" else {"weight": weight}))
    ahead = forecast(fit(case, draws=DRAWS, prior_only=True), horizon=2, paths=PATHS)
    wanted = wars(whose, acts == "same", weight, 2)
    error = 5.0 * np.sqrt(wanted * (1.0 - wanted) / (DRAWS * PATHS))
    assert (wanted[1] > wanted[0] + 0.05).all()
    np.testing.assert_array_less(np.abs(ahead.simulated.by_period["war"] - wanted), error + 1e-6)


def remembered_raids(**memory: Any) -> list[tuple[str, int, bool, float]]:
    posterior = fit(raiding("own", "next", **memory), draws=100, prior_only=True)
    told = remembered_events(posterior, "P001-P002", least=0.0)
    return [(event.when, event.number, event.happened, round(event.share, 6)) for event in told]


@pytest.mark.parametrize("weight", ["count", "log_count"])
def test_what_is_remembered_tells_how_many_there_were(weight: str) -> None:
    left = {year: round(2.0 ** (-(2020 - year) / HALF_LIFE), 6) for year in (2016, 2017, 2019, 2020)}
    assert remembered_raids(weight=weight) == [
        ("2020", 1, False, left[2020]),
        ("2019", 4, True, left[2019]),
        ("2017", 2, False, left[2017]),
        ("2016", 9, True, left[2016]),
    ]


def test_a_memory_of_events_remembers_none_where_too_few_came() -> None:
    assert [(when, number) for when, number, _, _ in remembered_raids()] == [("2019", 4), ("2016", 9)]


def test_how_many_there_were_is_told_in_words() -> None:
    posterior = fit(raiding("own", "next", weight="log_count"), draws=100, prior_only=True)
    told = [event.what for event in remembered_events(posterior, "P001-P002", least=0.0)]
    assert told[:2] == ["Event: 1, fewer than count as an event.", "Event, 4 of them."]


def test_known_numbers_are_drawn_equally_often_and_more_come_of_likelier_events() -> None:
    known = np.array([3.0, 4.0, 4.0, 9.0])
    uniform = (np.arange(400) + 0.5) / 1000.0
    drawn = draw_known_number(uniform, np.full(400, 0.4), known, np.ones(400, dtype=bool))
    values, counts = np.unique(drawn, return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {3.0: 100, 4.0: 200, 9.0: 100}
    likelier = draw_known_number(uniform, np.full(400, 0.8), known, np.ones(400, dtype=bool))
    assert (likelier >= drawn).all()
    assert draw_known_number(uniform, np.full(400, 0.4), known, uniform < 0.0).max() == 0.0
