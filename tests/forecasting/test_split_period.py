"""The rest of a running period: its share, what it remembers of its own past, against an enumeration of all futures."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from riskcast import case_as_of, explain, fit, forecast, score
from riskcast.case.model import Case
from riskcast.forecasting.closed_form import is_closed, solve
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.simulation import simulate
from tests.support.cases import assert_mean, edge, event, event_row, make_case, quantity

BASE = {"a": 0.3, "b": 0.2}
ONWARDS, AT_ONCE, HALF_LIFE = 3.0, 5.0, 3.0
DAY = dt.date(2020, 12, 10)
# What is left of December, January, and February up to the 10th.
SHARES = (21 / 31, 1.0, 10 / 28)


def running_case(answered: bool) -> Case:
    """A case whose last period has had `a` by its day, and `b` too where it is answered."""
    rows = [event_row(dt.date(2020, 10, 20), "a", "HHH-P001"), event_row(dt.date(2020, 12, 5), "a", "HHH-P001")]
    rows += [event_row(dt.date(2020, 12, 7), "b", "HHH-P001")] if answered else []
    effects = [
        edge("a", "a", quantity(ONWARDS), whose="own", memory="fast", acts="next"),
        edge("a", "b", quantity(AT_ONCE), whose="own", memory="fast", acts="same"),
    ]
    events = {name: event(quantity(base)) for name, base in BASE.items()}
    return make_case(events, effects, partners=1, half_life=quantity(HALF_LIFE), rows=tuple(rows), as_of=DAY, horizon=2)


def exact(answered: bool) -> dict[str, list[float]]:
    """Probability of at least one event by the end of every cell, from the definition."""
    decay = 2.0 ** (-1.0 / HALF_LIFE)
    rate = {name: -math.log1p(-base) / 12.0 for name, base in BASE.items()}
    found = {name: [0.0] * len(SHARES) for name in BASE}
    for future in itertools.product((0, 1), repeat=2 * len(SHARES)):
        # At the end of November, the event of October is one period old.
        state, chance, seen = decay, 1.0, {"a": 0, "b": 0}
        came: dict[str, list[int]] = {"a": [], "b": []}
        for cell, share in enumerate(SHARES):
            for name, happens in zip("ab", future[2 * cell : 2 * cell + 2], strict=True):
                begun = 1 if cell == 0 else 0
                if name == "a":
                    ratio = ONWARDS ** math.log2(1.0 + state)
                else:
                    now = max(begun if not answered else 0, future[2 * cell])
                    ratio = AT_ONCE ** math.log2(1.0 + state * decay + now)
                p = -math.expm1(-rate[name] * ratio * share)
                chance *= p if happens else 1.0 - p
                seen[name] |= happens
                came[name].append(seen[name])
            state = state * decay + max(1 if cell == 0 else 0, future[2 * cell])
        for name, own in came.items():
            for cell, by_then in enumerate(own):
                found[name][cell] += chance * by_then
    return found


@pytest.mark.parametrize("answered", [False, True])
def test_the_rest_of_a_period_is_forecast_as_an_enumeration_has_it(answered: bool) -> None:
    ahead = forecast(fit(running_case(answered), draws=4000, prior_only=True), paths=16)
    assert [ahead.days_of(cell) for cell in (1, 2, 3)] == [
        (dt.date(2020, 12, 11), dt.date(2020, 12, 31)),
        (dt.date(2021, 1, 1), dt.date(2021, 1, 31)),
        (dt.date(2021, 2, 1), dt.date(2021, 2, 10)),
    ]
    for name, wanted in exact(answered).items():
        error = 5.0 * np.sqrt(np.array(wanted) * (1.0 - np.array(wanted)) / (4000 * 16))
        np.testing.assert_array_less(np.abs(np.array(ahead.by_period(name, "HHH-P001")) - wanted), error)
        assert ahead.probability(name, "HHH-P001").mean == pytest.approx(wanted[-1], abs=2 * error[-1])


def test_what_the_running_period_has_had_is_among_the_drivers() -> None:
    case = running_case(answered=False)
    alone = case.revised(event_rows=tuple(row for row in case.event_rows if row.date.month == 12))
    ahead = forecast(fit(alone, draws=200, prior_only=True))
    drivers = {one.id for one in explain(ahead).contributions["HHH-P001"]}
    assert "recent:a" in drivers
    assert score(ahead).dyads[0].score.mean > 0.0


@pytest.mark.parametrize("period", ["week", "month", "quarter"])
def test_a_day_without_events_hardly_moves_a_forecast(period: str) -> None:
    rows = tuple(event_row(dt.date(2015 + n // 3, 2 + 4 * (n % 3), 11), "a", "HHH-P001") for n in range(17))
    loop = edge("a", "a", quantity(1.5, 1.1, 2.0), whose="own", memory="fast", acts="next")
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6))}, [loop], rows=rows)
    horizon = {"week": 52, "month": 12, "quarter": 4}[period]
    settings = case.settings.model_copy(update={"period": period, "horizon": horizon})
    case = case.revised(settings=settings)
    days = [dt.date(2020, 11, 27) + dt.timedelta(days=n) for n in range(8)]
    chances = [
        forecast(fit(case_as_of(case, day), draws=1000, seed=3), paths=8).probability("a", "HHH-P001").mean
        for day in days
    ]
    assert max(abs(later - earlier) for earlier, later in itertools.pairwise(chances)) < 0.02
    assert max(chances) - min(chances) < 0.03


def test_an_outcome_adds_nothing_in_a_period_that_has_held_what_implies_it() -> None:
    base = {"note": 0.6, "word": 0.8}
    events = {
        "note": event(quantity(base["note"]), severity=40.0),
        "word": event(quantity(base["word"]), severity=10.0, implied_by=("note",)),
    }
    rows = (event_row(dt.date(2020, 12, 5), "note", "HHH-P001"),)
    case = make_case(events, partners=2, rows=rows, as_of=DAY, horizon=2)
    posterior = fit(case, draws=4000, prior_only=True)
    plan = plan_simulation(posterior, 2, 1)
    rate = {name: -math.log1p(-each) / 12.0 for name, each in base.items()}

    def mean_score(shares: tuple[float, ...], begun: bool) -> float:
        total = 0.0
        for future in itertools.product((0, 1), repeat=2 * len(shares)):
            notes, words = future[::2], future[1::2]
            weight = 1.0
            for share, note, word in zip(shares, notes, words, strict=True):
                for name, happens in (("note", note), ("word", word)):
                    p = -math.expm1(-rate[name] * share)
                    weight *= p if happens else 1.0 - p
            alone = any(
                word and not note and not (begun and cell == 0)
                for cell, (note, word) in enumerate(zip(notes, words, strict=True))
            )
            total += weight * 100.0 * (1.0 - (1.0 - 0.4 * max(notes)) * (1.0 - 0.1 * alone))
        return total

    # The forecast's own shares: what is left of December, January, ten days of February.
    assert plan.shares == pytest.approx(SHARES)
    for column, begun in enumerate((True, False)):
        assert_mean(simulate(plan, case.scenario("baseline"), 4).score[:, column], mean_score(SHARES, begun))
    one = replace(plan, shares=plan.shares[:1], years=plan.years[:1])
    assert is_closed(one)
    solved = solve(one, case.scenario("baseline"), 1000).score
    for column, begun in enumerate((True, False)):
        np.testing.assert_allclose(solved[:, column], mean_score(SHARES[:1], begun), rtol=1e-5)
