"""A panel is heard: parts of disagreement against the sums by hand, against `diff`, and what blanks are taken for."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from riskcast import (
    Case,
    Hearing,
    Request,
    Together,
    acting,
    apply_overlay,
    consult_panel,
    diff,
    export,
    find_sensitivities,
    find_ways,
    fit,
    forecast,
    load_case,
    mix_forecasts,
    pool_panel,
    provenance,
    read_bundle,
    report_learning,
    retell,
    score as forecast_score,
    value_evidence,
    with_panel,
    write_bundle,
)
from riskcast.case.links import LOG
from riskcast.case.overlays import Overlay, parse_overlay
from riskcast.case.quantities import elicit
from riskcast.case.yaml_lines import Document
from riskcast.engines.mixtures import shares_of_draws
from riskcast.errors import OptionError, UnknownNameError
from riskcast.experts.disagreement import disagreement_of
from riskcast.experts.panels import Expert, ExpertPanel
from riskcast.runs.making import run_request
from tests.support.cases import quantity
from tests.support.smallcase import write_files

DRAWS = 100
SAID: dict[str, dict[str, Any]] = {
    "Ann": {"indicators.mood.now": quantity(65.0, 60.0, 70.0), "effects.mood->protest": quantity(2.2, 1.6, 3.0)},
    "Bo": {"indicators.mood.now": quantity(45.0, 40.0, 50.0), "outcomes.decree.base_rate": quantity(0.5, 0.3, 0.7)},
    "Cy": {"effects.mood->protest": quantity(1.1, 0.9, 1.4)},
}
WEIGHTS = {"Ann": 2.0, "Bo": 1.0, "Cy": 1.0}


def panel_of(*names: str, **options: Any) -> ExpertPanel:
    return ExpertPanel(
        tuple(
            Expert(
                Overlay.model_validate({"who": name, "when": "2020-12-01", "why": "Invented.", "changes": SAID[name]}),
                Document(name, {}),
                WEIGHTS[name],
            )
            for name in names
        ),
        **options,
    )


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_case(write_files(tmp_path_factory.mktemp("small")))


def asked_of(case: Case, **options: Any) -> Request:
    return Request(case, draws=DRAWS, allow_unreliable=True, **options)


@pytest.fixture(scope="module")
def heard(case: Case) -> Hearing:
    return consult_panel(asked_of(case), panel_of("Ann", "Bo", "Cy"), use_cache=False)


@pytest.fixture(scope="module")
def together(heard: Hearing) -> Together:
    return pool_panel(heard)


def test_parts_add_up_and_are_those_of_diff(case: Case, heard: Hearing) -> None:
    weights = np.array([0.5, 0.25, 0.25])
    assert heard.exact
    alone = diff(case, apply_overlay(case, SAID["Bo"]), draws=DRAWS, allow_unreliable=True)
    for dyad in heard.dyads:
        found = heard.disagreement(dyad)
        own = {cause.id: cause.by_expert[1] for cause in found.causes if cause.by_expert[1]}
        assert (found.center, found.values[1]) == pytest.approx(alone.scores[dyad], abs=1e-9)
        assert own == pytest.approx(
            {each.id: each.points for each in alone.contributions[dyad] if each.points}, abs=1e-9
        )
        for place in range(3):
            added = sum(cause.by_expert[place] for cause in found.causes)
            assert found.center + added == pytest.approx(found.values[place], abs=1e-9)
    for of in ("score", "protest", "decree"):
        found = heard.disagreement("HHH-AAA", of)
        said = np.array(found.values)
        assert found.spread == pytest.approx(np.sqrt(np.cov(said, aweights=weights, ddof=0)))
        assert sum(cause.points for cause in found.causes) == pytest.approx(found.spread)
        assert found.mean == pytest.approx(weights @ said)
        assert all(cause.error >= 0.0 for cause in found.causes)
    assert (heard.units(), heard.units("decree")) == (heard.dyads, ("HHH",))
    assert heard.disagreement("HHH", "decree") == heard.disagreement("HHH-AAA", "decree")
    assert len(heard.places()) == len(heard.numbers)
    frame = heard.to_frame()
    assert frame.groupby(["dyad", "expert"]).points.sum().shape == (6,)


def test_numbers_are_those_of_the_forecasts(heard: Hearing) -> None:
    for place, voice in enumerate(heard.voices):
        for dyad in heard.dyads:
            assert heard.disagreement(dyad).values[place] == pytest.approx(voice.forecast.score(dyad).mean)
            chance = voice.forecast.probability("protest", dyad).mean
            assert heard.disagreement(dyad, "protest").values[place] == pytest.approx(100 * chance)


def test_every_number_has_its_interval(heard: Hearing) -> None:
    for of in ("score", "protest", "decree"):
        for value, one in zip(heard.disagreement("HHH-AAA", of).values, heard.estimates("HHH-AAA", of), strict=True):
            assert one.mean == pytest.approx(value)
            assert one.low < value < one.high


def test_two_are_held_against_one_another(case: Case) -> None:
    panel = panel_of("Ann", "Cy")
    heard = consult_panel(asked_of(case), panel, weights="equal", use_cache=False)
    one, two = (apply_overlay(case, SAID[name]) for name in panel.names)
    between = diff(one, two, draws=DRAWS, allow_unreliable=True)
    assert heard.against == "Ann"
    for dyad in heard.dyads:
        found = heard.disagreement(dyad)
        assert {cause.id: cause.by_expert[1] for cause in found.causes} == pytest.approx(
            {share.id: share.points for share in between.contributions[dyad]}, abs=1e-9
        )
        assert 2.0 * found.spread == pytest.approx(abs(between.scores[dyad][1] - between.scores[dyad][0]))


def test_blanks_are_told_and_filled_as_chosen(case: Case, heard: Hearing) -> None:
    published = {key: value for key, value, _ in case.quantities()}
    cy = heard.voices[2]
    assert [blank.id for blank in cy.blanks] == ["indicators.mood.now", "outcomes.decree.base_rate"]
    assert all(blank.used == published[blank.id] and blank.of == "published" for blank in cy.blanks)
    others = consult_panel(
        asked_of(case), panel_of("Ann", "Bo", "Cy"), blanks="others", against="pool", use_cache=False
    )
    used = {blank.id: blank.used for blank in others.voices[2].blanks}
    # Mood is counted in even steps: the mean of both, Ann's twice.
    assert used["indicators.mood.now"].center == pytest.approx((2 * 65 + 45) / 3, rel=1e-2)
    assert used["outcomes.decree.base_rate"].center == 0.5
    assert (heard.is_chosen, others.is_chosen) == (False, True)
    assert others.voices[2].case.hash != cy.case.hash
    found = others.disagreement("HHH-AAA")
    # All are taken to believe of it what the one does who spoke of it.
    assert {cause.id for cause in found.causes} == {"indicators.mood.now", "effects.mood->protest"}


def test_who_agrees_is_not_apart(case: Case) -> None:
    panel = panel_of("Ann", "Cy")
    same = ExpertPanel(
        (panel.experts[0], Expert(panel.experts[0].overlay.model_copy(update={"who": "Di"}), Document("", {})))
    )
    found = consult_panel(asked_of(case), same, use_cache=False).disagreement("HHH-AAA")
    assert (found.spread, found.error, found.causes, found.is_noise) == (0.0, 0.0, (), True)


def test_a_mixture_takes_each_draw_from_one_expert(heard: Hearing, together: Together, case: Case) -> None:
    mixture, whose = together.mixture, shares_of_draws(heard.weights.tolist(), DRAWS, 1)
    assert np.bincount(whose).tolist() == [50, 25, 25]
    for place, voice in enumerate(heard.voices):
        rows = whose == place
        for mixed, own in zip(mixture.plan.events, voice.forecast.plan.events, strict=True):
            assert np.array_equal(mixed.intercept[rows], own.intercept[rows])
            assert all(np.array_equal(a[1][rows], b[1][rows]) for a, b in zip(mixed.slopes, own.slopes, strict=True))
        assert np.array_equal(mixture.plan.today["mood"][rows], voice.forecast.plan.today["mood"][rows])
        posterior = voice.forecast.posterior.events["protest"]
        assert np.array_equal(mixture.posterior.events["protest"].coefficients[rows], posterior.coefficients[rows])
    for dyad in heard.dyads:
        number = together.number(dyad)
        drawn = np.concatenate([v.forecast.simulated.score[whose == i] for i, v in enumerate(heard.voices)])[
            :, heard.dyads.index(dyad)
        ]
        noise = drawn.std() / np.sqrt(len(drawn))
        assert number.mixture.mean == pytest.approx(number.linear, abs=4.0 * noise)
        assert number.mixture.low < number.linear < number.mixture.high
    assert mixture.case.hash == case.hash
    assert forecast_score(mixture).dyads
    told = provenance(mixture)
    assert [(one["who"], one["share"]) for one in told["experts"]] == [("Ann", 0.5), ("Bo", 0.25), ("Cy", 0.25)]
    assert [one["overlay_hash"] for one in told["experts"]] == [v.case.overlay_hash for v in heard.voices]
    assert len({one["overlay_hash"] for one in told["experts"]}) == 3
    assert "Mixture of the forecasts of 3 experts: Ann 50 % (overlay " in mixture.cautions[0]


def test_a_group_goes_on_as_a_request(heard: Hearing, together: Together, case: Case, tmp_path: Path) -> None:
    group = with_panel(asked_of(case, scenarios=("baseline", "storm")), panel_of("Ann", "Bo", "Cy"))
    assert [(one.who, one.share) for one in group.request.experts] == [("Ann", 0.5), ("Bo", 0.25), ("Cy", 0.25)]
    assert group.told[2].startswith("left blank by Cy, stand as published, as nobody has chosen: indicators.mood.now, ")
    kept = run_request(group.request)
    asked, mixture = kept.risks[0].forecast, together.mixture
    # The same digits as where the panel is heard.
    for dyad in heard.dyads:
        assert asked.score(dyad) == mixture.score(dyad)
    again = read_bundle(write_bundle(kept, tmp_path))
    assert provenance(again.risks[1].forecast)["experts"] == provenance(mixture)["experts"]
    assert [plan.intercept.tolist() for plan in again.risks[0].forecast.plan.events] == [
        plan.intercept.tolist() for plan in asked.plan.events
    ]
    assert np.array_equal(again.risks[0].forecast.plan.today["mood"], asked.plan.today["mood"])
    assert again.request.id == kept.request.id != asked_of(case, scenarios=("baseline", "storm")).id
    written = {path.name: path for path in export(list(again.risks), tmp_path / "out", ["json", "html"])}
    [told] = [json.loads(path.read_text("utf-8")) for name, path in written.items() if name == "forecast.json"]
    mood = next(one for one in told["assumptions"] if one["quantity"] == "indicators.mood.now")
    assert len(told["experts"]) == 3
    assert 45.0 < mood["now"] < 65.0
    page = next(path for name, path in written.items() if name.endswith(".html")).read_text("utf-8")
    assert "--panel PANEL" in page
    assert "Expert Ann, 50" in page
    # What is believed is the mixture of priors, by their distribution functions.
    effect = acting(asked, "HHH-AAA", "protest").of("mood")[0]
    priors = [elicit(voice.beliefs["effects.mood->protest"], LOG) for voice in heard.voices]
    for end, chance in ((effect.prior.low, 0.05), (effect.prior.median, 0.5), (effect.prior.high, 0.95)):
        below = [NormalDist().cdf(float(prior.score(np.array(end)))) for prior in priors]
        assert heard.weights @ below == pytest.approx(chance, abs=2e-3)
    for refused in (
        lambda: value_evidence(asked),
        lambda: report_learning(asked),
        lambda: find_sensitivities(group.request),
        lambda: find_ways(group.request, "score:HHH-AAA > 50"),
        lambda: diff(case, again),
        lambda: retell(asked.posterior, "2019-01-01:protest"),
        lambda: consult_panel(group.request, panel_of("Ann", "Bo")),
    ):
        with pytest.raises(OptionError, match="a mixture of experts has no one prior"):
            refused()


def test_pools_and_leaving_one_out_are_sums_by_hand(heard: Hearing, together: Together, case: Case) -> None:
    weights = heard.weights
    said = np.array([voice.forecast.probability("protest", "HHH-BBB").mean for voice in heard.voices])
    number = together.number("HHH-BBB", "protest")
    assert number.linear == pytest.approx(100.0 * weights @ said)
    odds = np.log(said / (1.0 - said))
    assert number.log == pytest.approx(100.0 / (1.0 + np.exp(-weights @ odds)))
    assert together.number("HHH-BBB").log is None
    for place, without in enumerate(number.without):
        rest = np.delete(weights, place)
        assert without.value == pytest.approx(100.0 * rest @ np.delete(said, place) / rest.sum())
        assert without.change == pytest.approx(without.value - number.linear)
    published = {key: value for key, value, _ in case.quantities()}
    overlay, document = parse_overlay(together.overlay_text(), "group.yaml")
    assert apply_overlay(case, overlay, document).hash == together.case.hash
    assert together.quantities["indicators.mood.now"].center == pytest.approx(
        0.5 * 65 + 0.25 * 45 + 0.25 * published["indicators.mood.now"].center,
        rel=1e-2,  # type: ignore[union-attr]
    )
    assert together.to_frame().shape == (5, 10)


def test_a_hearing_goes_on_where_it_was_interrupted(case: Case, heard: Hearing, tmp_path: Path) -> None:
    panel = panel_of("Ann", "Bo", "Cy")

    def stop(done: int, total: int) -> None:
        if done == total - 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consult_panel(asked_of(case), panel, cache=tmp_path, workers_count=1, progress=stop)
    kept = list(tmp_path.rglob("*.zip"))
    assert kept
    again = consult_panel(asked_of(case), panel, cache=tmp_path, workers_count=1)
    assert len(list(tmp_path.rglob("*.zip"))) > len(kept)
    for dyad in heard.dyads:
        assert again.disagreement(dyad) == heard.disagreement(dyad)


def test_a_spread_of_many_is_noise_one_time_in_ten_unless_they_are_apart() -> None:
    weights = np.full(6, 1 / 6)

    def told(apart: float) -> int:
        rng = np.random.default_rng(3)
        found = 0
        for _ in range(400):
            batches = rng.normal(size=(6, 25)) + apart * np.arange(6)[:, None]
            said = np.concatenate([batches.mean(axis=1, keepdims=True), batches], axis=1)
            found += not disagreement_of(said, weights, [], 0, list("ABCDEF"), 0.0).is_noise
        return found

    # 40 of 400, 6 either way; batches are few, so that some more are.
    assert 25 <= told(0.0) <= 64
    assert told(1.0) == 400
    one = disagreement_of(np.array([[3.0, 2.0, 4.0], [1.0, 1.0, 1.0]]), np.array([0.5, 0.5]), [], 0, ["A", "B"], 0.0)
    wider = disagreement_of(
        np.array([[3.0, 2.0, 4.0], [1.0, 1.0, 1.0]]), np.array([0.5, 0.5]), [], 0, ["A", "B"], 0.0, 2.0
    )
    assert (one.is_noise, wider.is_noise, wider.error) == (False, True, 2.0 * one.error)


def test_who_has_no_weight_does_not_move_the_group(case: Case) -> None:
    heard = consult_panel(asked_of(case), panel_of("Ann", "Cy"), weights="ledger", earned=[0.4, 0.0], permutations=0)
    together = pool_panel(heard)
    number = together.number("HHH-AAA")
    assert number.linear == heard.disagreement("HHH-AAA").values[0] == number.mixture.mean
    assert [without.name for without in number.without] == ["Cy"]
    assert number.without[0].change == 0.0


def test_cases_of_another_structure_are_not_mixed(heard: Hearing, case: Case) -> None:
    fixed = apply_overlay(case, {"effects.mood->protest": {"value": 1.0}})
    other = forecast(fit(fixed, draws=DRAWS, allow_unreliable=True))
    ahead = heard.voices[0].forecast
    assert mix_forecasts([ahead, other.with_paths(ahead.paths)], [0.5, 0.5], case).dyads == heard.dyads
    with pytest.raises(OptionError, match="differ in draws, seed, horizon"):
        mix_forecasts([ahead, forecast(other.posterior, horizon=3)], [0.5, 0.5], case)


def test_what_cannot_be_is_refused(case: Case, heard: Hearing) -> None:
    panel = panel_of("Ann", "Cy")
    with pytest.raises(UnknownNameError, match="center"):
        consult_panel(asked_of(case), panel, against="nobody")
    with pytest.raises(OptionError, match="permutations is 7"):
        consult_panel(asked_of(case), panel, permutations=7)
    with pytest.raises(UnknownNameError, match="unknown outcome 'riot'"):
        heard.disagreement("HHH-AAA", "riot")
    with pytest.raises(UnknownNameError, match="unknown dyad"):
        heard.disagreement("HHH-CCC")
    with pytest.raises(UnknownNameError, match="unknown dyad"):
        heard.disagreement("HHH", "protest")
    with pytest.raises(OptionError, match="not all 0"):
        mix_forecasts([heard.voices[0].forecast], [0.0], case)
