"""What evidence is worth on small cases: against forecasts in which the belief is known, and what is refused."""

from __future__ import annotations

import json
from statistics import NormalDist

import numpy as np
import pytest

from riskcast import apply_overlay, fit, forecast
from riskcast.case.model import Case
from riskcast.case.quantities import Z90
from riskcast.challenge.beliefs import drawn_beliefs
from riskcast.challenge.evidence import Evidence, value_evidence
from riskcast.challenge.loss_rules import LossRule
from riskcast.challenge.placebos import find_placebos
from riskcast.challenge.plain_evidence import evidence_data
from riskcast.challenge.targets import Target
from riskcast.errors import UnknownNameError
from riskcast.forecasting.forecasts import Forecast
from tests.support.cases import edge, event, indicator, make_case, quantity, random_case

TARGET = Target("score:HHH-P001", "", "HHH-P001")


@pytest.fixture(scope="module")
def ahead() -> Forecast:
    return forecast(fit(random_case(3), draws=400, allow_unreliable=True), paths=4)


@pytest.fixture(scope="module")
def found(ahead: Forecast) -> Evidence:
    return value_evidence(ahead, [TARGET.id], rule=LossRule(1.0, 2.0), placebos=False)


def test_every_quantity_that_is_drawn_has_its_draws(ahead: Forecast) -> None:
    beliefs = {one.key: one for one in drawn_beliefs(ahead)}
    free = {key: q for key, q, _ in ahead.case.quantities() if not q.is_fixed}
    assert set(beliefs) == set(free)
    # What no record teaches is drawn from its prior: 90 % of the draws lie within its interval.
    for key in ("indicators.mood.now", "indicators.mood.drift", "indicators.trade.drift"):
        low, high = free[key].range
        inside = ((beliefs[key].values >= low) & (beliefs[key].values <= high)).mean()
        assert inside == pytest.approx(0.9, abs=0.06), key
    used = {effect.target for effect in ahead.case.effects if effect.memory == "fast"}
    assert set(beliefs["memories.fast.half_life"].of) == used


def test_what_would_be_told_is_what_a_forecast_tells_that_knows_the_value(ahead: Forecast, found: Evidence) -> None:
    best = next(one for one in found.of_kind("quantity") if one.key.startswith(("effects.", "outcomes.")))
    values = next(one.values for one in drawn_beliefs(ahead) if one.key == best.key)
    nested = []
    for end in np.quantile(values, (0.05, 0.95)):
        held = apply_overlay(ahead.case, {best.key: {"value": float(end)}})
        posterior = fit(held, draws=400, allow_unreliable=True, reuse=ahead.posterior)
        nested.append(forecast(posterior, paths=4).score(TARGET.unit).mean)
    told = best.responses[TARGET]
    assert abs(nested[1] - nested[0]) > 3.0
    assert told.low == pytest.approx(nested[0], abs=2.5)
    assert told.high == pytest.approx(nested[1], abs=2.5)


def test_places_hold_every_quantity_once_and_are_worth_no_less_than_their_best(found: Evidence) -> None:
    places = found.of_kind("place")
    members = [key for place in places for key in place.members]
    assert sorted(members) == sorted(one.key for one in found.of_kind("quantity"))
    for look in found.look_next:
        assert look.best.key in look.place.members
        assert found.is_told(look.place)
        gained, error = look.place.overall.explained.value, look.best.overall.explained.error
        assert gained > look.best.overall.explained.value - 4.0 * error
    ranked = [one.overall.saved.value for one in places if one.overall.saved is not None and found.saves(one)]
    assert ranked == sorted(ranked, reverse=True)
    assert [found.saves(one) for one in places] == [True] * len(ranked) + [False] * (len(places) - len(ranked))
    left = [one.overall.narrower.value for one in places if not found.saves(one)]
    assert left == sorted(left, reverse=True)


def test_data_and_frame_hold_the_same_numbers(found: Evidence) -> None:
    data = json.loads(json.dumps(evidence_data(found)))
    assert [one["belief"] for one in data["beliefs"]] == [one.key for one in found.beliefs]
    frame = found.to_frame()
    assert len(frame) == len(found.beliefs)
    first = data["beliefs"][0]["by_target"][0]
    assert first["narrower"]["value"] == pytest.approx(frame["narrower"][0])
    assert data["placebos"] is None
    assert found.look_next[0].place.label in repr(found) + found._repr_html_()


def test_targets_that_are_none_are_refused(ahead: Forecast) -> None:
    with pytest.raises(UnknownNameError, match="protest"):
        value_evidence(ahead, ["protesst:HHH-P001"])
    with pytest.raises(UnknownNameError):
        value_evidence(ahead, ["score:HHH-P099"])


def test_more_numbers_than_draws_can_tell_apart_are_not_judged() -> None:
    case = make_case(
        {"protest": event(quantity(0.3, 0.1, 0.6), severity=30.0)},
        [edge("mood", "protest", quantity(2.0, 1.0, 4.0))],
        {
            "mood": indicator(
                label="Mood", scope="dyad", now={f"HHH-P{place:03}": quantity(1.0, 0.5, 1.5) for place in range(1, 61)}
            )
        },
        partners=60,
        years=2,
    )
    ahead = forecast(fit(case, draws=100, prior_only=True), paths=2, horizon=2)
    found = value_evidence(ahead, [TARGET.id], placebos=False)
    assert found.unjudged == {"Mood": 122, "All of today's levels": 120}
    assert not {"mood", "levels"} & {one.key for one in found.beliefs}
    assert all(look.place.key != "mood" for look in found.look_next)
    told = {one["label"]: one["draws"] for one in evidence_data(found)["not_judged"]}
    assert told == found.unjudged


def test_an_effect_that_moves_nothing_is_named_and_no_other() -> None:
    wide = quantity(2.0, 1.0, 4.0)
    case = make_case(
        {"protest": event(quantity(0.3, 0.1, 0.6), severity=30.0)},
        [edge("idle", "protest", wide), edge("mood", "protest", wide)],
        {"idle": indicator(), "mood": indicator(now=quantity(1.0, 0.5, 1.5))},
        partners=2,
        years=2,
    )
    ahead = forecast(fit(case, draws=200, prior_only=True), paths=2)
    [placebo] = find_placebos(ahead)
    assert placebo.is_told
    assert placebo.effect == "effects.idle->protest"
    assert placebo.points == 0.0
    assert placebo.why == "its level stands at the reference"
    assert 0.8 < placebo.low < 1.3
    assert 3.0 < placebo.high < 5.0


def rare_case(chance: float) -> Case:
    """A raid follows a shock fifty times as often; shocks are rare, and raids without them all but impossible."""
    return make_case(
        {
            "shock": event(quantity(chance, 0.5 * chance, 2.0 * chance), kind="trigger"),
            "raid": event(quantity(0.01, 0.005, 0.02), severity=80.0),
        },
        [edge("shock", "raid", quantity(50.0, 1.0, 2500.0), memory="fast", acts="same", whose="own")],
        partners=1,
        years=2,
    )


def test_an_effect_whose_source_hardly_happens_cannot_be_told_to_move_nothing() -> None:
    ahead = forecast(fit(rare_case(1.0 / 500.0), draws=100, prior_only=True), paths=4)
    unsure = find_placebos(ahead)
    assert all(not one.is_told for one in unsure)
    # One that will never be met, on whatever draws, can do no harm.
    never = forecast(fit(rare_case(1.0 / 50_000.0), draws=100, prior_only=True), paths=4)
    assert all(one.is_told for one in find_placebos(never))
    found = value_evidence(never, ["score:HHH-P001"])
    assert found.placebos == find_placebos(never)
    assert evidence_data(found)["too_rare_to_tell"] == []


def test_effects_on_how_long_is_remembered_and_of_events_are_held_too() -> None:
    """With nothing remembered and no source, half-lives move nothing; with both, what they act on moves."""
    told = {}
    for chance in (0.5, 1e-6):
        case = make_case(
            {
                "shock": event(quantity(chance, 0.8 * chance, 1.2 * chance), kind="trigger"),
                "raid": event(quantity(0.1, 0.05, 0.2), severity=80.0),
            },
            [
                edge("shock", "raid", quantity(3.0, 1.0, 9.0), memory="fast", acts="next", whose="own"),
                edge("mood", "shock", quantity(1.0)),
                edge("mood", "raid", quantity(3.0, 1.0, 9.0), on="half_life", memory="fast"),
            ],
            {"mood": indicator(now=quantity(1.0, 0.5, 1.5))},
            partners=1,
            years=2,
        )
        ahead = forecast(fit(case, draws=200, prior_only=True), paths=4)
        told[chance] = {one.effect for one in find_placebos(ahead) if one.is_told}
    assert told[0.5] == set()
    assert len(told[1e-6]) == 2


def test_what_would_save_nothing_is_noise_and_one_is_told_to_act_the_same(ahead: Forecast) -> None:
    from io import StringIO

    from rich.console import Console

    from riskcast.terminal.evidence import evidence_view

    score = ahead.score(TARGET.unit).mean
    # To act costs next to nothing beside the loss: one always acts.
    always = value_evidence(ahead, [TARGET.id], rule=LossRule(1.0, 100_000.0), placebos=False)
    assert score > 1.0
    assert not any(always.saves(one) for one in always.beliefs)
    page = StringIO()
    Console(file=page, width=80).print(evidence_view(always, 5))
    text = page.getvalue()
    assert "One would act the same whatever one learned" in text
    assert "noise" in text


def test_what_a_number_would_save_is_what_forecasts_say_that_know_it() -> None:
    """A level known beforehand, and one act to settle: the worth of knowing it by hand over its whole range."""
    case = make_case(
        {"raid": event(quantity(0.3), severity=50.0)},
        [edge("mood", "raid", quantity(4.0))],
        {"mood": indicator(now=quantity(0.0, -1.5, 1.5))},
        partners=1,
        years=2,
    )
    posterior = fit(case, draws=2000, prior_only=True)
    rule = LossRule(1.0, 3.0)
    drawn = forecast(posterior, paths=4)
    [belief] = value_evidence(drawn, ["raid:HHH-P001"], rule=rule, placebos=False).of_kind("quantity")
    # The model in one line: twelve months at the level that today's is, which stays.
    mood = 1.5 / Z90 * np.array([NormalDist().inv_cdf((i + 0.5) / 2000) for i in range(2000)])
    chance = 1.0 - np.exp(np.log(0.7) * 4.0**mood)
    losses = np.minimum(rule.cost, chance * rule.loss)
    exact = min(rule.cost, float(chance.mean()) * rule.loss) - float(losses.mean())
    saved = belief.overall.saved
    assert saved is not None
    assert exact > 0.1
    assert saved.value == pytest.approx(exact, abs=0.03 + 2.0 * saved.error)
