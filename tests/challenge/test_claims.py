"""Claims held against the model: the language, numbers against independent answers, and what claims leave alone."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import riskcast
from riskcast.case.claims import Claim
from riskcast.case.files import load_case_with_lines
from riskcast.case.model import Case, Scenario
from riskcast.challenge.claim_data import claims_data, digest_of_claims
from riskcast.challenge.claim_judging import judge_claims
from riskcast.challenge.claim_paths import Edge, edges_of, quantities_between
from riskcast.challenge.claim_quantities import ways_of
from riskcast.challenge.claim_reading import read_claims
from riskcast.challenge.claim_records import Finding, judge, judge_alone, overall
from riskcast.challenge.claim_terms import Change, Made, Step
from riskcast.challenge.claim_values import Value
from riskcast.errors import CaseError, OptionError, UnknownNameError
from riskcast.exports.brief.claims_section import MOST_CLAIMS, claims_part
from riskcast.exports.brief.files import brief_html
from riskcast.exports.claims_page import claims_page
from riskcast.forecasting.contrasts import contrast
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.questions import ask
from tests.support.smallcase import INDICATORS, write_files

ROOT = Path(__file__).parents[2]
FIRST = Path(__file__).with_name("central_asia_2024_0_1_0.zip")
ASSERTED: Mapping[str, tuple[str, ...]] = {
    "moods": ("mood +1 step raises the score of AAA", "mood raises AAA:protest", "mood raises decree"),
    "rates": ("mood raises the rate of protest", "spark raises the rate of protest by at least 20 %"),
    "pairs": ("effect of spark on protest > twice effect of mood on protest",),
    "worlds": ("scenario storm raises AAA:protest", "AAA:spark raises protest more in AAA than elsewhere"),
    "chances": ("P(AAA:protest | AAA:spark) > P(AAA:protest)", "P(protest in month 2) < twice P(protest in month 1)"),
    "others": ("score of AAA > score of BBB", "level of AAA:trade > 5", "half-life of fast of protest < 12 months"),
    "records": ("records of protest from 2016-01-01 to 2020-12-31 >= 4", "base rate of protest < 99 %"),
    "drivers": ("mood adds to the score of AAA", "in AAA, (mood, spark) outweigh trade", "trade works both ways"),
    "ends": ("protest ends spark",),
    "nothing": ("trade raises decree", "trade leaves decree alone", "mood shortens the memory of protest"),
    "moved": ("scenario storm leaves mood alone",),
    "parents": ("mood lowers trade", "spark lowers trade", "trade leaves mood alone"),
}

_WHY = "evidence: {basis: judgement, claim: Judged.}"
RAISES = f"  raises: {{spark: {{whose: any, steps: {{value: 2, {_WHY}}}, half_life: {{value: 20, {_WHY}}}}}}}\n"


def claims_yaml(asserted: Mapping[str, tuple[str, ...]]) -> str:
    lines = []
    for id, texts in asserted.items():
        lines += [f"{id}:", "  claim: It is said.", "  source: survey", "  at: page 1", "  asserts:"]
        lines += [f"    - '{text}'" for text in texts]
    return "\n".join(
        [*lines, "idle:", "  claim: It was a day.", "  source: survey", "  at: page 2", "  untested: Idle.", ""]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raised = INDICATORS.replace("  bounds: [0, 100]\n", f"  bounds: [0, 100]\n{RAISES}", 1)
    made = write_files(tmp_path_factory.mktemp("claims") / "small", indicators_yaml=raised)
    (made / "claims.yaml").write_text(claims_yaml(ASSERTED), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def ahead(folder: Path) -> Forecast:
    case = riskcast.load_case(folder)
    return riskcast.forecast(riskcast.fit(case, draws=200, allow_unreliable=True), horizon=4, paths=8)


@pytest.fixture(scope="module")
def found(ahead: Forecast) -> riskcast.JudgedClaims:
    return judge_claims(ahead)


def of(found: riskcast.JudgedClaims, text: str) -> Finding:
    return next(each for one in found.claims for each in one.findings if each.text == text)


def test_a_change_is_the_contrast_of_the_two_forecasts(ahead: Forecast, found: riskcast.JudgedClaims) -> None:
    shifted = Scenario.model_validate({"label": "s", "story": "s", "indicators": [{"indicator": "mood", "shift": 5.0}]})
    moved = contrast(riskcast.forecast(ahead.posterior, shifted, 4, paths=8), ahead)
    for text, expected in (
        ("mood +1 step raises the score of AAA", moved.score["HHH-AAA"]),
        ("mood raises AAA:protest", moved.probability["protest", "HHH-AAA"].times(100.0)),
        ("mood raises decree", moved.probability["decree", "HHH"].times(100.0)),
    ):
        number = of(found, text).number
        assert number is not None
        assert (number.mean, number.low, number.high) == pytest.approx(
            (expected.mean, expected.low, expected.high), abs=1e-5
        )


def test_a_probability_is_the_one_that_ask_gives(ahead: Forecast, found: riskcast.JudgedClaims) -> None:
    one = of(found, "P(AAA:protest | AAA:spark) > P(AAA:protest)")
    answer = ask(ahead, "P(AAA:protest | AAA:spark)", paths=8).answers[0]
    assert answer.given is not None
    assert one.number == answer.given.estimate
    assert one.against is not None
    assert one.against.mean == pytest.approx(answer.alone.mean)


def test_a_factor_has_the_quantiles_of_its_draws(ahead: Forecast, found: riskcast.JudgedClaims) -> None:
    drawn, model = ahead.posterior.events["protest"], ahead.posterior.models["protest"]
    factors = np.exp(drawn.coefficients[:, model.coefficients.index("mood->protest")])
    number = of(found, "mood raises the rate of protest").number
    assert number is not None
    assert (number.low, number.mean, number.high) == pytest.approx(
        tuple(np.quantile(factors, (0.05, 0.5, 0.95))), rel=0.01
    )


def test_what_is_counted_in_the_record_is_counted_by_hand(ahead: Forecast, found: riskcast.JudgedClaims) -> None:
    rows = [row for row in ahead.case.event_rows if row.type == "protest"]
    number = of(found, "records of protest from 2016-01-01 to 2020-12-31 >= 4").number
    assert number is not None
    assert number.mean == len(rows)


def test_what_the_case_lacks_is_not_encoded_and_what_leads_nowhere_is_left_alone(found: riskcast.JudgedClaims) -> None:
    assert of(found, "trade raises decree").status == "not encoded"
    assert of(found, "mood shortens the memory of protest").status == "not encoded"
    assert of(found, "trade leaves decree alone").status == "reproduced"
    assert of(found, "trade leaves mood alone").status == "reproduced"
    assert of(found, "scenario storm leaves mood alone").status == "contradicted"
    # A trigger that acts on after its answer, and an indicator with one edge alone.
    assert of(found, "trade raises decree").told == "no way leads from trade to HHH:decree"
    assert (of(found, "protest ends spark").status, of(found, "protest ends spark").reason) == ("contradicted", "flaw")
    assert "contradicted" in {each.status for one in found.claims for each in one.findings if "both ways" in each.text}
    assert set(found.untested) == {"idle"}
    assert sum(found.counts.values()) == len(ASSERTED)


def test_subjects_that_are_moved_alike_share_a_world(found: riskcast.JudgedClaims) -> None:
    asserted = read_claims(found.forecast.case, 4).values()
    changes = [change for many in asserted for one in many for change in one.changes]
    moved = {change.subject for change in changes if ways_of(found.forecast.case, change)}
    assert found.worlds == len(moved) == 3
    assert len([change for change in changes if change.subject in moved]) > 3


def test_a_factor_is_held_against_so_many_times_another_draw_by_draw(
    ahead: Forecast, found: riskcast.JudgedClaims
) -> None:
    drawn, model = ahead.posterior.events["protest"], ahead.posterior.models["protest"]
    spark, mood = (drawn.coefficients[:, model.coefficients.index(f"{name}->protest")] for name in ("spark", "mood"))
    one = of(found, "effect of spark on protest > twice effect of mood on protest")
    assert one.difference is not None
    low, middle, high = np.exp(np.quantile(spark - mood - np.log(2.0), (0.05, 0.5, 0.95)))
    assert (one.difference.low, one.difference.mean, one.difference.high) == pytest.approx((low, middle, high))
    # The error is that of a median, of as many draws as they count for.
    number = of(found, "mood raises the rate of protest")
    count = min(drawn.ess, ahead.posterior.draws)
    error = np.exp(np.median(mood)) * np.sqrt(np.pi / 2.0) * mood.std() / np.sqrt(count)
    assert number.error == pytest.approx(error, rel=1e-6)


def test_what_moves_an_indicator_by_way_of_another_is_multiplied_along_the_way(
    ahead: Forecast, found: riskcast.JudgedClaims
) -> None:
    one = of(found, "spark lowers trade")
    steps = 2.0 * ahead.plan.passed_on["trade", "mood"]
    assert one.number is not None
    assert (one.number.mean, one.number.low) == pytest.approx(tuple(np.quantile(steps, (0.5, 0.05))))
    assert one.quantities == ("indicators.trade.parents.mood", "indicators.mood.raises.spark.steps")


def test_what_happens_in_one_dyad_leads_to_another_only_where_others_count(ahead: Forecast) -> None:
    case = ahead.case
    effects = [effect for effect in case.effects if effect.whose != "others"]
    calm = {name: one.model_copy(update={"raises": {}}) for name, one in case.indicators.items()}
    alone = case.revised(effects=effects, indicators=calm)
    spark = Made("spark", "HHH-AAA")
    for whom, beside, event, is_there in (
        ("HHH-AAA", None, "protest", True),
        ("HHH-BBB", None, "protest", False),
        (None, "HHH-AAA", "protest", False),
        (None, None, "protest", True),
        ("HHH-BBB", None, "spark", False),
        ("HHH-AAA", None, "spark", True),
    ):
        change = Change(spark, event, whom, beside)
        assert bool(ways_of(alone, change)) == is_there, change
    assert ways_of(case, Change(spark, "protest", "HHH-BBB"))
    # What the host shares reaches everybody.
    assert ways_of(alone, Change(Step("mood", 1.0), "protest", "HHH-BBB"))
    assert ways_of(case.revised(effects=effects), Change(spark, "protest", "HHH-BBB"))


def test_plain_data_and_the_page_hold_every_assertion(found: riskcast.JudgedClaims) -> None:
    data, page = claims_data(found), claims_page(found)
    told = [each["assertion"] for one in data["claims"] for each in one["assertions"]]
    assert {*told} == {text for texts in ASSERTED.values() for text in texts}
    assert all(f"`{text}`" in page for text in told)
    assert data["counts"]["untested"] == 1
    assert len(found.to_frame()) == len(told)


def test_the_brief_tells_what_is_contradicted(ahead: Forecast, found: riskcast.JudgedClaims) -> None:
    page = brief_html(riskcast.make_dossier(riskcast.score(ahead), claims=found))
    assert "What the sources say" in page
    assert "1 untested" in page
    many = claims_part(replace(found, claims=found.of("contradicted") * 9))
    assert many.note is not None
    assert f"{len(found.of('contradicted')) * 9 - MOST_CLAIMS} more are contradicted or weak." in many.note


@pytest.mark.parametrize(
    ("value", "sign", "small", "expected"),
    [
        (Estimate(2.0, 0.5, 4.0), ">", 0.5, ("reproduced", "clear")),
        (Estimate(2.0, 0.5, 4.0), "<", 0.5, ("contradicted", "opposite")),
        (Estimate(0.3, 0.1, 0.6), ">", 0.5, ("weak", "small")),
        (Estimate(-0.3, -0.6, -0.1), ">", 0.5, ("weak", "small")),
        (Estimate(1.0, -0.1, 2.0), ">", 0.5, ("weak", "open")),
        (Estimate(-1.0, -2.0, 0.1), ">", 0.5, ("contradicted", "opposite")),
        (Estimate(0.0, 0.0, 0.0), ">=", 0.0, ("reproduced", "clear")),
        (Estimate(0.0, 0.0, 0.0), ">", 0.0, ("weak", "open")),
    ],
)
def test_the_rule(value: Estimate, sign: str, small: float, expected: tuple[str, str]) -> None:
    assert judge(Value(value), sign, small) == expected  # ty: ignore[invalid-argument-type]
    # What Monte Carlo error could turn round is called neither.
    assert judge(Value(value, error=10.0), sign, small)[0] == "weak" or value.low == value.high  # ty: ignore[invalid-argument-type]


def test_no_more_and_no_less_is_told_of_what_is_known() -> None:
    same = Value(Estimate(0.0, 0.0, 0.0))
    assert judge(same, ">", 0.0, is_counted=False) == ("contradicted", "equal")
    assert judge(same, "<=", 0.0, is_counted=False) == ("reproduced", "clear")


@pytest.mark.parametrize(
    ("mean", "error", "expected"), [(0.6, 0.2, "weak"), (1.0, 0.2, "contradicted"), (0.1, 0.0, "reproduced")]
)
def test_what_is_left_alone_is_contradicted_beyond_chance_alone(mean: float, error: float, expected: str) -> None:
    assert judge_alone(Value(Estimate(mean, mean - 0.1, mean + 0.1), error), 0.5)[0] == expected


def test_a_claim_is_as_good_as_the_worst_of_its_assertions() -> None:
    one = Finding("t", "reproduced", "clear", "points", ">")
    weak, missing = replace(one, status="weak"), replace(one, status="not encoded")
    assert overall((one, one)) == "reproduced"
    assert overall((one, missing)) == overall((one, weak)) == "weak"
    assert overall((weak, replace(one, status="contradicted"))) == "contradicted"
    assert overall((missing,)) == overall(()) == "not encoded"


def test_the_interval_of_a_difference_is_that_of_joint_draws() -> None:
    rng, correlation = np.random.default_rng(5), 0.7
    joint = rng.multivariate_normal([2.0, 1.0], [[1.0, 1.4], [1.4, 4.0]], 200_000)
    one, two = (
        Value(Estimate(mean, *np.quantile(v, (0.05, 0.95)))) for mean, v in zip((2.0, 1.0), joint.T, strict=True)
    )
    low, high = np.quantile(joint[:, 0] - 0.5 * joint[:, 1], (0.05, 0.95))
    found = one.less(two, 0.5, correlation).estimate
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_quantities_between_are_those_of_every_short_way(ahead: Forecast) -> None:
    case = riskcast.load_case("central_asia_2024")
    edges = edges_of(case)

    def ways(source: str, target: str) -> list[tuple[Edge, ...]]:
        own = [edge for edge in edges if edge.source != edge.target]
        found = [(one,) for one in own if (one.source, one.target) == (source, target)]
        first, last = [e for e in own if e.source == source], [e for e in own if e.target == target]
        return found + [(a, b) for a in first for b in last if a.target == b.source]

    for source, target in (("xenophobia", "travel_advisory"), ("security_pressure", "demarche")):
        short = ways(source, target)
        fewest = min(len(way) for way in short)
        every = {edge.quantity for way in short if len(way) <= fewest + 1 for edge in way}
        assert every <= set(quantities_between(case, [source], [target]))
    assert quantities_between(case, ["labour_shortage"], ["security_pressure"]) == ()
    assert all(len(set(pair)) == 2 for pair in permutations(("a", "b")))


def test_problems_of_the_file_name_file_line_and_mend(folder: Path, tmp_path: Path) -> None:
    made = write_files(tmp_path / "bad")
    text = claims_yaml({"one": ("mood raises protest", "mod raises protest")})
    (made / "claims.yaml").write_text(text, encoding="utf-8")
    case, where = load_case_with_lines(made)
    with pytest.raises(CaseError, match=r"^claims\.yaml:7: one\.asserts\.1: column 1: unknown .*did you mean 'mood'"):
        read_claims(case, where=where)
    for broken, told in (
        (text.replace("source: survey", "source: survy"), r"claims\.yaml:3: one\.source: unknown source 'survy'; did"),
        (text.replace("  untested: Idle.\n", ""), r"claims\.yaml:8: idle: asserts nothing; add `asserts:`"),
        (text.replace("  untested:", "  untold:"), r"claims\.yaml:12: idle\.untold: is an unknown key"),
        (text + "  missing: All.\n", r"claims\.yaml:8: idle: says more than one of"),
    ):
        (made / "claims.yaml").write_text(broken, encoding="utf-8")
        with pytest.raises(CaseError, match=told):
            riskcast.load_case(made)


def test_claims_move_nothing_and_nothing_moves_claims(folder: Path, tmp_path: Path) -> None:
    with_claims = riskcast.load_case(folder)
    text = (folder / "indicators.yaml").read_text(encoding="utf-8")
    without = riskcast.load_case(write_files(tmp_path / "small", indicators_yaml=text))
    assert with_claims.hash == without.hash
    assert set(with_claims.claims) == {*ASSERTED, "idle"}
    riskcast.write_case(with_claims, tmp_path / "written")
    assert riskcast.load_case(tmp_path / "written").claims == with_claims.claims
    copied = riskcast.copy_case(folder, tmp_path / "copied")
    kept = (copied / "claims.yaml").read_bytes()
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("label: Mine\ncase: small\nchanges:\n  effects.mood->protest: {median: 2, interval: [1, 4]}\n")
    changed = riskcast.apply_overlays(with_claims, [riskcast.load_overlay(overlay)])
    assert changed.claims == with_claims.claims
    riskcast.set_quantity(copied, "effects.mood->protest", 2.0, (1.0, 4.0), claim="Why not.")
    assert (copied / "claims.yaml").read_bytes() == kept


def test_what_is_asked_for_is_there(ahead: Forecast, folder: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'moods'"):
        judge_claims(ahead, ["mods"])
    with pytest.raises(OptionError, match=r"write claims\.yaml"):
        judge_claims(replace(ahead, posterior=replace(ahead.posterior, case=_silent(ahead.case))))
    stormy = riskcast.forecast(ahead.posterior, "storm", 4, paths=4)
    with pytest.raises(OptionError, match="held against the baseline"):
        judge_claims(stormy)
    with pytest.raises(OptionError, match="numbers from outside"):
        judge_claims(replace(ahead, outside=SimpleNamespace(acts=True)))


def test_claims_of_another_forecast_do_not_go_into_a_brief(ahead: Forecast, found: riskcast.JudgedClaims) -> None:
    risk = riskcast.score(ahead)
    for wrong, told in (({"horizon": 3}, "another horizon"), ({"seed": 7}, "another seed")):
        with pytest.raises(OptionError, match=told):
            riskcast.make_dossier(risk, claims=replace(found, forecast=replace(ahead, **wrong)))


def _silent(case: Case) -> Case:
    return case.model_copy(update={"claims": {}})


def test_the_first_edition_of_the_first_case_is_found_out(tmp_path: Path) -> None:
    """On the files of version 0.1.0: xenophobia has the wrong sign, remittances do next to nothing, and security
    diversification works one way alone, all of which the first case's claims say otherwise."""
    with zipfile.ZipFile(FIRST) as packed:
        packed.extractall(tmp_path)
    case = riskcast.load_case(tmp_path / "central_asia_2024")
    claims = riskcast.load_case("central_asia_2024").claims
    wanted = ("xenophobia_brings_friction", "tajikistan_needs_the_way_open", "many_vectors_keep_stability")
    # The first edition has neither.
    new = ("scenario", "domestic_crisis")
    told = {
        id: claims[id].model_copy(
            update={"asserts": tuple(t for t in claims[id].asserts if not any(n in t for n in new))}
        )
        for id in wanted
    }
    fall = "scenario remittance_fall raises the score of TJK"
    told["fall"] = Claim(claim="A cut is felt.", source="umarov_2024", at="D4", asserts=(fall,))
    stated = case.model_copy(update={"claims": told})
    found = judge_claims(riskcast.forecast(riskcast.fit(stated, draws=500, seed=1), paths=4))
    sign = of(found, "xenophobia adds to the score of TJK")
    assert sign.status == "contradicted"
    assert sign.number is not None
    assert sign.number.mean < 0.0
    assert of(found, "remittance_dependency lowers TJK:demarche").reason == "small"
    assert of(found, fall).reason == "small"
    assert of(found, "remittance_dependency up: shorter memory of demarche").status == "not encoded"
    both = [each for one in found.claims for each in one.findings if "works both ways" in each.text]
    assert [each.status for each in both] == ["reproduced", "contradicted"]


def test_the_claims_of_the_first_case_can_be_read_and_its_page_is_of_them() -> None:
    case = riskcast.load_case("central_asia_2024")
    asserted = read_claims(case)
    reasons = [claim for claim in case.claims.values() if not claim.asserts]
    assert len(case.claims) == len(asserted) + len(reasons)
    page = (ROOT / "docs" / "central_asia_2024_claims.md").read_text(encoding="utf-8")
    assert case.hash in page, "run: riskcast claims central_asia_2024 --page docs/central_asia_2024_claims.md"
    assert digest_of_claims(case) in page
    assert all(f"`{one.text}`" in page for many in asserted.values() for one in many)
