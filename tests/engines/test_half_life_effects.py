"""Indicators that act on half-lives: columns, rates, forecast and checks against the definition."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from riskcast import acting, explain, fit, forecast, name_quantity, ratio_is_for
from riskcast.case.checks import MOST_FREE_HYPER, find_problems
from riskcast.case.model import Case, Effect
from riskcast.case.quantities import Quantity
from riskcast.charts import effects_matrix_chart
from riskcast.engines.draws import draw_prior, standardise_hyper
from riskcast.engines.fitting import fingerprint
from riskcast.engines.hazard import EventModel, build_event_model, half_life_ratio, memory_columns
from riskcast.engines.laplace import log_target
from riskcast.engines.log_rates import MemoryTable, log_rates
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from riskcast.record.half_lives import worn
from tests.support.cases import edge, event, indicator, make_case, quantity
from tests.support.remembering import needing


def model_of(case: Case, name: str = "quarrel") -> EventModel:
    return build_event_model(case, build_record(case), name)


def by_hand(case: Case, effect: Effect, t: int, unit: int, half_life: float, ratios: dict[str, float]) -> float:
    """log2(1 + sum of 2^(-sum over periods since of 1 / h)), event by event."""
    record = build_record(case)
    last, left = (t if effect.acts == "same" else t - 1), 0.0
    for then, source in itertools.product(range(last + 1), range(2)):
        if not record.occurred[effect.source][then, source]:
            continue
        if (effect.whose == "own" and source != unit) or (effect.whose == "others" and source == unit):
            continue
        age = 0.0
        for s in range(then + 1, last + 1):
            need, calm = record.levels["need"][s, unit], record.levels["calm"][s, 0]
            age += 1.0 / (half_life * ratios["need"] ** need * ratios["calm"] ** calm)
        left += 2.0**-age
    return math.log2(1.0 + left)


def test_every_period_fades_by_the_half_life_that_its_levels_make() -> None:
    case = needing()
    model = model_of(case)
    hyper = {"half_life.fast": np.array(3.0), "half_life_ratio.fast.need": np.array(0.7)}
    hyper["half_life_ratio.fast.calm.calming"] = np.array(1.4)
    columns = memory_columns(model, model.rows, hyper)
    edges = [one for one in case.effects_on("quarrel") if one.is_escalation]
    ratios = {"need": 0.7, "calm": 1.4}
    for row in range(0, len(model.rows), 7):
        t, unit = int(model.rows.period[row]), int(model.rows.unit[row])
        wanted = [by_hand(case, one, t, unit, 3.0, ratios) for one in edges]
        np.testing.assert_allclose(columns[row], wanted, rtol=1e-9, atol=1e-12)
    # Notes remember by a half-life of their own, on which nothing acts.
    assert not any(one.stretches for one in model_of(case, "note").escalations)


def test_log_rates_of_many_draws_are_those_of_each() -> None:
    model = model_of(needing())
    drawn = draw_prior(model, 40, 3)
    xi = standardise_hyper(model, drawn.hyper)
    together = log_rates(model, drawn.coefficients, drawn.shocks, MemoryTable.of(model, model.rows, xi))
    for i in (0, 17, 39):
        columns = memory_columns(model, model.rows, {name: np.array(own[i]) for name, own in drawn.hyper.items()})
        x = np.concatenate([model.rows.x, columns], axis=1)
        wanted = x @ drawn.coefficients[i] + drawn.shocks[i][model.rows.year]
        np.testing.assert_allclose(together[:, i], wanted, atol=1e-9)


def test_a_ratio_of_one_is_no_effect() -> None:
    case = needing()
    ones = [
        one.model_copy(update={"rate_ratio": Quantity(value=1.0)}) if one.on == "half_life" else one
        for one in case.effects
    ]
    still = case.revised(effects=tuple(ones))
    plain = case.revised(effects=tuple(one for one in case.effects if one.on == "rate"))
    model, without = model_of(still), model_of(plain)
    assert model.free_hyper == without.free_hyper
    rng = np.random.default_rng(1)
    theta = rng.normal(size=(5, len(model.middle) + len(model.years)))
    xi: dict[str, Floats] = {name: rng.normal(size=5) for name in model.free_hyper}
    np.testing.assert_allclose(log_target(model, theta, xi)[0], log_target(without, theta, xi)[0], rtol=1e-8)
    ahead = [forecast(fit(one, draws=300, prior_only=True), paths=4) for one in (still, plain)]
    found, wanted = (one.simulated.by_period["quarrel"] for one in ahead)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_record_and_the_levels_that_act_make_another_fingerprint() -> None:
    case = needing()
    moved = case.revised(
        series_rows=tuple(row.model_copy(update={"value": 0.1, "low": 0.1, "high": 0.1}) for row in case.series_rows)
    )
    marks = {fingerprint("laplace", 100, 1, model_of(one)) for one in (case, moved)}
    assert len(marks) == 2


def test_a_forecast_follows_the_half_lives_of_its_levels() -> None:
    """Against the exact recursion of a case in which one dyad's own events feed it, over all futures of four months."""
    case = make_case(
        {"a": event(quantity(0.95))},
        [
            edge("a", "a", quantity(4.0), whose="own", memory="fast", acts="next"),
            edge("need", "a", quantity(0.5), memory="fast", on="half_life"),
        ],
        {"need": indicator(now=quantity(1.5))},
        partners=1,
        half_life=quantity(3.0),
    )
    found = forecast(fit(case, draws=4000, prior_only=True), horizon=4, paths=16).simulated.by_period["a"][:, 0]
    decay = 2.0 ** (-1.0 / (3.0 * 0.5**1.5))
    wanted = np.zeros(4)
    for future in itertools.product((0, 1), repeat=4):
        left, weight = 0.0, 1.0
        for happens in future:
            p = -math.expm1(math.log1p(-0.95) / 12.0 * 4.0 ** math.log2(1.0 + left))
            weight *= p if happens else 1.0 - p
            left = left * decay + happens
        wanted += weight * np.maximum.accumulate(future)
    error = 5.0 * np.sqrt(wanted * (1.0 - wanted) / 64_000)
    np.testing.assert_array_less(np.abs(found - wanted), error)


def test_need_shortens_quarrels_in_a_forecast_and_is_told_among_the_drivers() -> None:
    case = needing()
    posterior = fit(case, draws=400, seed=2)
    ahead = forecast(posterior)
    told = [one for one in acting(ahead, case.dyads[0], "quarrel") if one.on == "half_life"]
    assert [(one.source, one.path) for one in told] == [("need", "half_life"), ("calm", "calming")]
    ratio = posterior.events["quarrel"].hyper["half_life_ratio.fast.need"]
    assert told[0].posterior.median == pytest.approx(float(np.median(ratio)))
    assert told[0].steps == pytest.approx(1.0, abs=0.1)
    assert {"need", "calm"} <= {one.id for one in explain(ahead, paths=100).contributions[case.dyads[0]]}
    named = name_quantity(case, "effects.need->quarrel/half_life")
    assert (named.unit, named.link.name) == ("half-life ratio", "log")
    assert half_life_ratio(case.effects[3]) == "half_life_ratio.fast.need"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "note"}, "is half_life, but note is no indicator"),
        ({"memory": None}, "is missing on an edge that acts on a half-life"),
        ({"memory": "slow"}, "'slow' is not a memory of case.yaml"),
        ({"target": "note", "source": "calm", "memory": "spare"}, "note remembers nothing by spare"),
        ({"memory": "held"}, "the half-life of held is held fixed for quarrel"),
        ({"memory": "ever"}, "ever is of the kind never; indicators act on half-lives of the kind count"),
        ({"spent": True}, "belongs to edges that start from an event"),
    ],
)
def test_an_effect_on_a_half_life_that_cannot_act_is_refused_with_the_mend(
    changes: dict[str, Any], message: str
) -> None:
    case = needing()
    fast = case.settings.memories["fast"]
    memories = {
        "fast": fast,
        "spare": fast.model_copy(update={"label": "Spare"}),
        "held": fast.model_copy(update={"label": "Held", "half_life": Quantity(value=3.0)}),
        "ever": type(fast).model_validate({"label": "Ever", "kind": "never"}),
    }
    own = case.effects[0].model_copy(update={"memory": "held", "path": "held"})
    effects = (own, *case.effects[:3], case.effects[3].model_copy(update=changes))
    odd = case.revised(settings=case.settings.model_copy(update={"memories": memories}), effects=effects)
    told = [str(problem) for problem in find_problems(odd, evidence=False)]
    assert any(message in line for line in told), told


def test_an_indicator_without_history_may_act_on_a_half_life() -> None:
    case = needing()
    quiet = {name: one.model_copy(update={"history": "reference"}) for name, one in case.indicators.items()}
    assert not find_problems(case.revised(indicators=quiet, series_rows=()), evidence=False)


def test_free_hyper_parameters_have_an_end() -> None:
    case = needing()
    more = [
        case.effects[3].model_copy(update={"path": f"way_{n}", "source": "calm"}) for n in range(MOST_FREE_HYPER + 1)
    ]
    told = [str(one) for one in find_problems(case.revised(effects=(*case.effects, *more)), evidence=False)]
    assert any("free hyper-parameter of quarrel" in line and "hold some fixed" in line for line in told), told


def test_shown_as_a_ratio_of_half_lives() -> None:
    case = needing()
    assert [ratio_is_for(case, one) for one in case.effects[:4]] == ["one fresh event"] * 3 + ["one step"]
    # The matrix is of rate ratios: an effect on a half-life is no path beside them.
    drawn = str(effects_matrix_chart(case).to_dict())
    assert "0.9 (0.7–1.2)" in drawn
    assert "0.6 (0.4–0.9)" not in drawn


@pytest.mark.parametrize("ratio", [np.array(1.4), np.array([0.7, 1.0, 1.6])])
def test_what_all_units_have_in_common_wears_each_as_it_would_alone(ratio: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    common = np.repeat(rng.normal(size=(6, 1)), 3, axis=1)
    apart = common + np.array([0.0, 0.0, 1e-9])
    together = worn(2.0, [(ratio, common)])
    assert together.shape == (6, 3, *ratio.shape)
    np.testing.assert_allclose(together, worn(2.0, [(ratio, apart)]), rtol=1e-7)
    np.testing.assert_array_equal(together[:, 1], worn(2.0, [(ratio, common[:, 1:2])])[:, 0])
