"""Small cases made in code, for tests that need to know the truth."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case, CoverageRow, Effect, EventRow, SeriesRow
from riskcast.case.panel import Panel
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record

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
    panel: Panel | None = None,
) -> Case:
    """A case with partners P001, P002, ... of host HHH, or with a panel."""
    states = [{"id": f"P{number:03d}", "name": f"Partner {number}"} for number in range(1, partners + 1)]
    whom: dict[str, Any] = {"host": {"id": "HHH", "name": "Host"}, "partners": states}
    if panel is not None:
        whom = {"panel": {"file": "history/panel.csv", "covariates": "before", "ended_after": 1}}
    return Case.model_validate(
        {
            "name": "toy",
            "settings": {
                "title": "Toy",
                "as_of": as_of,
                **whom,
                "period": period,
                "history_from": dt.date(as_of.year - years + 1, 1, 1),
                "recorded_until": None if panel is not None else as_of,
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
            "panel": panel,
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


def series_row(name: str, day: dt.date, value: float, published: dt.date | None = None) -> SeriesRow:
    """One dated value of an indicator of the host, without an error, published on its day unless said."""
    return SeriesRow(
        indicator=name,
        unit="HHH",
        date=day,
        value=value,
        low=value,
        high=value,
        published=published or day,
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


def searched(case: Case, *rows: tuple[str, str, dt.date, dt.date, float]) -> Case:
    """The case with a table of what was searched: type, unit, first and last day, recall."""
    names = ("type", "unit", "from", "until", "recall")
    coverage = tuple(CoverageRow.model_validate(dict(zip(names, row, strict=True))) for row in rows)
    return case.revised(coverage=coverage)


def thinned_case(seed: int, partners: int = 4, years: int = 6) -> Case:
    """A random case of which searches found less than all, other shares of other types, units and times."""
    case = random_case(seed, partners, years)
    first, middle, last = case.settings.history_from, dt.date(2018, 4, 10), case.as_of
    after = middle + dt.timedelta(days=1)
    return searched(
        case,
        ("protest", "ALL", first, middle, 0.35),
        ("protest", "ALL", after, last, 0.8),
        ("spark", "HHH-P001", first, last, 0.25),
        *(("spark", dyad, first, last, 0.9) for dyad in case.dyads[1:]),
        ("break_off", "ALL", first, last, 1.0),
        ("decree", "HHH", first, last, 0.6),
    )


@dataclass(frozen=True)
class Exact:
    """A forecast by enumeration: probability[event] (periods, units), cumulative, and the mean score."""

    probability: dict[str, NDArray[np.float64]]
    score: NDArray[np.float64]


def enumerate_futures(
    case: Case,
    horizon: int,
    levels: Mapping[str, NDArray[np.float64]] | None = None,
    assumed: frozenset[tuple[int, str, int]] = frozenset(),
    excluded: frozenset[tuple[int, str, int]] = frozenset(),
) -> Exact:
    """Every possible future of a small case with its probability, from the model's definition and medians alone.

    levels[indicator]: (periods, units) steps, zero where missing; assumed, excluded: (period from 0, event, unit) that
    happen or do not.
    """
    record = build_record(case)
    cells = [(t, name, u) for t in range(horizon) for name in case.order for u in range(len(case.units(name)))]
    futures = (np.arange(2 ** len(cells))[:, None] >> np.arange(len(cells))) & 1
    happened = {name: np.zeros((len(futures), horizon, len(case.units(name)))) for name in case.order}
    for column, (t, name, u) in enumerate(cells):
        happened[name][:, t, u] = futures[:, column]

    def memory(effect: Effect, t: int, unit: int) -> NDArray[np.float64]:
        half_life = case.half_life(effect.target, str(effect.memory)).center
        left = np.zeros(len(futures))
        for u in range(len(case.units(effect.source))):
            if (effect.whose == "own" and u != unit) or (effect.whose == "others" and u == unit):
                continue
            freshest = t if effect.acts == "same" else t - 1
            past = record.occurred[effect.source][:, u]
            for gap, event_then in enumerate(past[::-1]):
                left += event_then * 2.0 ** (-(gap + freshest + 1) / half_life)
            for then in range(freshest + 1):
                left += happened[effect.source][:, then, u] * 2.0 ** (-(freshest - then) / half_life)
        return np.log2(1.0 + left)

    weight = np.ones(len(futures))
    for t, name, u in cells:
        if (t, name, u) in assumed:
            weight *= happened[name][:, t, u]
            continue
        if (t, name, u) in excluded:
            weight *= 1.0 - happened[name][:, t, u]
            continue
        rate = -math.log1p(-case.events[name].base_rate.center) / case.periods_per_year
        eta = np.full(len(futures), math.log(rate))
        for effect in case.effects_on(name):
            slope = math.log(effect.rate_ratio.center)
            if effect.is_escalation:
                eta += slope * memory(effect, t, u)
            elif levels is not None and effect.source in levels:
                level = levels[effect.source]
                eta += slope * level[t, min(u, level.shape[1] - 1)]
        chance = -np.expm1(-np.exp(eta))
        weight *= np.where(happened[name][:, t, u] > 0, chance, 1.0 - chance)
    assert abs(weight.sum() - 1.0) < 1e-9
    by_period = {name: np.maximum.accumulate(own, axis=1) for name, own in happened.items()}
    left = np.ones((len(futures), len(case.dyads)))
    for name, one in case.events.items():
        if one.severity is None or one.scope == "host":
            continue
        covered = np.zeros_like(happened[name])
        waiting, implying = list(one.implied_by), set()
        while waiting:
            implying.add(other := waiting.pop())
            waiting += case.events[other].implied_by
        for other in implying:
            covered = np.maximum(covered, happened[other])
        left[(happened[name] > covered).any(axis=1)] *= 1.0 - one.severity / 100.0
    return Exact(
        {name: np.tensordot(weight, own, 1) for name, own in by_period.items()}, weight @ (100.0 - 100.0 * left)
    )


def every_record(
    case: Case, horizon: int, recall: Mapping[tuple[str, int], float]
) -> tuple[Floats, dict[str, NDArray[np.int64]]]:
    """Every way in which each cell holds nothing (0), something that is missed (1), or something that is recorded (2):
    the probability of each, and by event type what it holds, (ways, periods, units); own and others' memories, medians
    alone, a record without events. recall: by event type and unit."""
    cells = [(t, name, u) for t in range(horizon) for name in case.order for u in range(len(case.units(name)))]
    kinds = (np.arange(3 ** len(cells))[:, None] // 3 ** np.arange(len(cells))) % 3
    state = {name: np.zeros((len(kinds), horizon, len(case.units(name))), dtype=int) for name in case.order}
    for column, (t, name, u) in enumerate(cells):
        state[name][:, t, u] = kinds[:, column]
    weight = np.ones(len(kinds))
    for t, name, u in cells:
        eta = np.full(len(kinds), math.log(-math.log1p(-case.events[name].base_rate.center) / 12))
        for effect in case.effects_on(name):
            half_life = case.half_life(name, str(effect.memory)).center
            left = np.zeros(len(kinds))
            for other in range(len(case.units(effect.source))):
                if (effect.whose == "own" and other != u) or (effect.whose == "others" and other == u):
                    continue
                freshest = t if effect.acts == "same" else t - 1
                for then in range(freshest + 1):
                    left += (state[effect.source][:, then, other] == 2) * 2.0 ** (-(freshest - then) / half_life)
            eta += math.log(effect.rate_ratio.center) * np.log2(1.0 + left)
        rate = np.exp(eta)
        recorded, nothing = -np.expm1(-recall[name, u] * rate), np.exp(-rate)
        now = state[name][:, t, u]
        weight *= np.where(now == 2, recorded, np.where(now == 0, nothing, 1.0 - nothing - recorded))
    assert abs(weight.sum() - 1.0) < 1e-9
    return weight, state


def assert_mean(draws: Floats, exact: Floats | float) -> None:
    """The mean over independent draws (draws, ...) is `exact` within five standard errors and single precision."""
    error = draws.std(axis=0, ddof=1) / math.sqrt(len(draws))
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - exact), 5.0 * error + 2e-6 * (1.0 + np.abs(exact)))


def assert_forecast(ahead: Forecast, exact: Exact) -> None:
    """Probabilities, their path by period and scores are those of an enumeration within five standard errors."""
    paths = ahead.posterior.draws * ahead.paths
    for name, probability in exact.probability.items():
        assert_mean(ahead.simulated.probability[name], probability[-1])
        # An average of 0/1 outcomes would have this error; averages of their chances have less.
        error = np.sqrt(np.maximum(probability * (1.0 - probability), 0.0) / paths)
        off = np.abs(ahead.simulated.by_period[name] - probability)
        np.testing.assert_array_less(off, 5.0 * error + 2e-6)
    assert_mean(ahead.simulated.score, exact.score)
