"""What every scale of indicators must keep, a stranger's too; and what is said of the logit scale."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import given, strategies as st

import riskcast
from riskcast import errors
from riskcast.case.model import Indicator, IndicatorMove, Scenario
from riskcast.case.moves import apply_move, middle_levels
from riskcast.case.quantities import Z90, Quantity, check_domain, elicit
from riskcast.case.scales import SCALES, VERBS, LogitScale, Scale
from riskcast.case.schemas import case_schemas
from tests.support.cases import edge, event, indicator, make_case, quantity
from tests.support.scales import AsinhScale, case_on_scale, write_on_scale
from tests.support.smallcase import INDICATORS, SCENARIOS, SERIES_CSV

NAMES = (*SCALES, "arsinh")
REFERENCE, STEP, BOUNDS = 40.0, 5.0, (0.0, 100.0)
LEVELS = np.linspace(1.0, 99.0, 50)


@pytest.fixture(autouse=True)
def stranger() -> Iterator[None]:
    """A scale of somebody else, registered as anybody would."""
    SCALES.add("arsinh", "for balances of either sign; a step is so much up from the reference", AsinhScale)
    yield
    SCALES.remove("arsinh")


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def scale(name: str) -> Scale:
    return SCALES.get(name)(REFERENCE, STEP, BOUNDS, "% agreeing")


def test_levels_become_steps_and_back_in_order(scale: Scale) -> None:
    steps = scale.steps(LEVELS)
    assert (np.diff(steps) > 0).all()
    np.testing.assert_allclose(scale.level(steps), LEVELS, rtol=1e-9)
    assert float(scale.steps(REFERENCE)) == pytest.approx(0.0, abs=1e-12)
    assert float(scale.link.forward(scale.level(1.0)) - scale.link.forward(REFERENCE)) == pytest.approx(scale.width)


def test_steps_of_a_prior_are_steps_of_its_levels_and_within_the_bounds_however_far_out(scale: Scale) -> None:
    prior = elicit(Quantity(median=47.0, interval=(31.0, 90.0)), scale.prior_link)
    np.testing.assert_allclose(scale.level(scale.steps_at(prior, [-Z90, 0.0, Z90])), [31.0, 47.0, 90.0], rtol=1e-12)
    scores = np.linspace(-8.0, 8.0, 33)
    np.testing.assert_allclose(scale.steps_at(prior, scores), scale.steps(prior.quantile(scores)), atol=1e-9)
    low, high = scale.limits
    far = scale.steps_at(prior, np.array([-20.0, 20.0]))
    assert np.isfinite(far[1])
    assert low <= far[0] < far[1] <= high


def test_its_limits_hold_what_lies_within_its_bounds(scale: Scale) -> None:
    low, high = scale.limits
    assert low < scale.steps(LEVELS).min() < scale.steps(LEVELS).max() < high
    endless = type(scale)(REFERENCE, STEP).limits
    assert endless[0] <= low < high <= endless[1]


def test_its_move_of_so_many_steps_takes_the_middle_that_far(scale: Scale) -> None:
    middle = float(scale.steps(47.0))
    path = np.full((1, 1, 1), middle)
    for steps in (-1.5, 2.0):
        verb, size = scale.step_move(steps, middle)
        np.testing.assert_allclose(getattr(scale, verb)(path, np.ones((1, 1, 1)), path, size), path + steps, atol=1e-9)


def test_a_move_takes_the_middle_level_to_what_was_said(scale: Scale) -> None:
    path = np.full((3, 1, 2), scale.steps(47.0))
    share = np.array([0.0, 0.5, 1.0])[:, None, None]
    for verb, size in (("set", 60.0), ("shift", 8.0), ("multiply", 1.2)):
        if verb not in scale.verbs:
            assert scale.refused[verb].wrong
            assert scale.refused[verb].mend
            continue
        moved = getattr(scale, verb)(path, share, path, size)
        np.testing.assert_allclose(moved[0], path[0])
        np.testing.assert_allclose(scale.level(moved[2]), scale.reached(verb, 47.0, size))
        assert (path[2] < moved[1]).all()
        assert (moved[1] < moved[2]).all()


def test_it_says_in_words_what_it_is_and_what_it_can_do(name: str, scale: Scale) -> None:
    assert SCALES.about(name)
    assert "5" in scale.step_words
    assert "agreeing" in scale.step_words
    assert scale.axis in ("linear", "log")
    assert "set" in scale.verbs
    assert set(scale.verbs) | set(scale.refused) == set(VERBS)
    assert all(scale.increment(verb) > 0 for verb in scale.verbs)
    assert not list(scale.problems())


def test_the_schema_and_the_refusal_of_another_name_list_it(name: str, tmp_path: Path) -> None:
    schema = case_schemas()["indicators.yaml"]
    case = case_on_scale(tmp_path / "case", name)
    plain = yaml.safe_load((tmp_path / "case" / "indicators.yaml").read_text())
    jsonschema.validate(plain, schema)
    assert case.indicators["mood"].scale == name
    plain["mood"]["scale"] = "lgo"
    assert not jsonschema.Draft202012Validator(schema).is_valid(plain)
    with pytest.raises(errors.CaseError, match=rf"'lgo'.*{name}"):
        case_on_scale(tmp_path / "wrong", "lgo")


def test_a_case_with_it_is_fitted_forecast_and_moved(name: str, tmp_path: Path) -> None:
    case = case_on_scale(tmp_path / "case", name)
    assert not riskcast.find_problems(case)
    posterior = riskcast.fit(case, draws=200, seed=1)
    base = riskcast.forecast(posterior, horizon=4, seed=1)
    mood = case.indicators["mood"]
    sizes = {"set": 75.0, "shift": 20.0, "multiply": 75 / 55}
    for verb in mood.measure.verbs:
        move = {"indicator": "mood", verb: sizes[verb]}
        higher = Scenario.model_validate({"label": "Higher", "story": "More.", "indicators": [move]})
        ahead = riskcast.forecast(posterior, higher, horizon=4, seed=1)
        for unit in case.dyads:
            assert base.probability("protest", unit).mean < ahead.probability("protest", unit).mean < 1.0
    earlier = riskcast.case_as_of(case, dt.date(2019, 6, 30))
    level = elicit(earlier.indicators["mood"].now_of(case.host), earlier.indicators["mood"].prior_link)
    assert float(level.quantile(0.0)) == pytest.approx(50.5)
    folder = tmp_path / "written"
    riskcast.write_case(case, folder)
    assert riskcast.load_case(folder).hash == case.hash


def test_a_case_says_its_scale_by_name_alone() -> None:
    told = Indicator.model_validate(indicator(scale="logit", bounds=(0.0, 1.0), reference=0.5, step=0.1))
    assert told.model_dump(mode="json")["scale"] == "logit"
    assert told.model_copy(update={"bounds": (0.0, 2.0)}).measure.bounds == (0.0, 2.0)


# What is said of logit alone.

LOGIT = LogitScale(reference=47.0, step=8.0, bounds=(0.0, 100.0), unit="% agreeing")


def test_a_step_on_the_logit_scale_is_the_step_at_the_reference_and_less_near_a_bound() -> None:
    assert float(LOGIT.level(1.0)) == pytest.approx(55.0)
    up = np.diff(LOGIT.level(np.arange(1.0, 12.0)))
    assert (np.diff(up) < 0).all()
    assert LOGIT.step_words == "8 points of % agreeing, from 47 to 55"
    assert LogitScale(0.2, 0.1, (0.0, 1.0), "share of votes").step_words == "0.1 share of votes, from 0.2 to 0.3"


@given(steps=st.floats(-15, 15), low=st.floats(-1e3, 1e3), width=st.floats(1e-3, 1e3))
def test_no_number_of_steps_on_the_logit_scale_leaves_the_bounds(steps: float, low: float, width: float) -> None:
    scale = LogitScale(low + width / 2, width / 8, (low, low + width))
    assert low <= float(scale.level(steps)) <= low + width
    assert scale.limits == (-np.inf, np.inf)


def test_a_prior_on_the_logit_scale_has_no_mass_beyond_its_bounds() -> None:
    prior = elicit(Quantity(median=47.0, interval=(38.0, 57.0)), LOGIT.link)
    low, middle, high = prior.quantile([-8.0, 0.0, 8.0])
    assert 0 < low < middle < high < 100
    assert middle == pytest.approx(47.0)
    assert check_domain(Quantity(value=100.0), LOGIT.link) == "100 must be strictly between 0 and 100"


def case_of_shares(**changes: object) -> riskcast.Case:
    """A dyad indicator on the logit scale with other levels for each dyad, and a parent that moves it."""
    share = indicator(
        scope="dyad",
        scale="logit",
        unit="% agreeing",
        bounds=(0.0, 100.0),
        reference=50.0,
        step=10.0,
        now={
            "HHH-P001": quantity(47.0, 38.0, 57.0),
            "HHH-P002": quantity(90.0, 80.0, 95.0),
        },
        drift=quantity(0.3),
    )
    return make_case(
        {"a": event(quantity(0.2))},
        [edge("share", "a", quantity(2.0))],
        {"up": indicator(), "share": {**share, "parents": {"up": quantity(1.0)}, **changes}},
        partners=2,
    )


def scenario_of(*moves: dict[str, object]) -> Scenario:
    return Scenario.model_validate({"label": "S", "story": "S.", "indicators": moves})


def middles_after(case: riskcast.Case, *moves: dict[str, object]) -> np.ndarray:
    """Middle levels of `share` after the last move, which is its own: (periods, units)."""
    told = scenario_of(*moves)
    riskcast.forecasting.resolve_scenario(case, told)
    middle = middle_levels(case, told, 4)[-1]
    assert middle is not None
    return case.indicators["share"].level(apply_move(case, told.indicators[-1], middle, middle))[:, 0]


def test_what_is_said_is_what_the_middle_level_does() -> None:
    case = case_of_shares()
    shifted = middles_after(case, {"indicator": "share", "shift": 8.0, "start": 2})
    np.testing.assert_allclose(shifted, [[47, 90], [55, 98], [55, 98], [55, 98]])
    raised = middles_after(case, {"indicator": "share", "multiply": 1.2, "dyads": ["HHH-P001"]})
    np.testing.assert_allclose(raised, [[56.4, 90]] * 4)
    after_set = middles_after(case, {"indicator": "share", "set": 80.0}, {"indicator": "share", "shift": 8.0})
    np.testing.assert_allclose(after_set, [[88, 88]] * 4)
    pushed = middles_after(case, {"indicator": "up", "shift": -1.0}, {"indicator": "share", "shift": 8.0})
    np.testing.assert_allclose(
        pushed[0], case.indicators["share"].level(case.indicators["share"].steps([47, 90]) - 1) + 8
    )


def test_every_path_moves_by_as_many_steps_as_the_middle_level_and_none_leaves_the_bounds() -> None:
    case = case_of_shares()
    move = IndicatorMove(indicator="share", shift=9.0)
    paths = np.random.default_rng(1).normal(0.0, 3.0, (4, 50, 2)).astype(np.float32)
    middle = middle_levels(case, scenario_of({"indicator": "share", "shift": 9.0}), 4)[0]
    change = apply_move(case, move, paths, middle) - paths
    assert change.dtype == np.float32
    np.testing.assert_allclose(change, np.broadcast_to(change[:1, :1], change.shape), atol=1e-5)


@pytest.mark.parametrize(
    ("move", "words"),
    [
        ({"shift": 10.0}, "10 takes share from 90 to 100, and it lies strictly between 0 and 100"),
        ({"shift": -50.0}, "-50 takes share from 47 to -3"),
        ({"multiply": 1.2}, "1.2 takes share from 90 to 108"),
        ({"set": 100.0}, "100 is outside what share can be"),
    ],
)
def test_what_cannot_be_expressed_is_refused(move: dict[str, float], words: str) -> None:
    with pytest.raises(errors.CaseError, match=words):
        riskcast.resolve_scenario(case_of_shares(), scenario_of({"indicator": "share", **move}))
    told = scenario_of({"indicator": "share", "set": 50.0}, {"indicator": "share", "shift": 10.0})
    riskcast.resolve_scenario(case_of_shares(), told)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  bounds: [0, 100]\n", "", ("mood.bounds", "is missing, but the scale is logit", "bounds: [0, 100]")),
        ("bounds: [0, 100]", "bounds: [50, 100]", ("mood.reference", "is not between the bounds 50 and 100")),
        ("bounds: [0, 100]", "bounds: [100, 0]", ("mood.bounds", "the higher end first", "write [0, 100]")),
        ("step: 5\n", "step: 50\n", ("mood.step", "reaches the upper bound 100", "give a step below 50")),
        ("interval: [48, 62]", "interval: [48, 100]", ("mood.now.interval", "strictly between 0 and 100")),
    ],
)
def test_a_logit_indicator_that_does_not_fit_its_bounds_is_refused(
    old: str, new: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    assert old in INDICATORS
    folder = write_on_scale(tmp_path, "logit", indicators_yaml=INDICATORS.replace(old, new, 1))
    with pytest.raises(errors.CaseError) as caught:
        riskcast.load_case(folder)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_dated_value_at_a_bound_of_the_logit_scale_is_refused(tmp_path: Path) -> None:
    series = SERIES_CSV.replace("54,51,57", "54,51,100")
    with pytest.raises(errors.CaseError, match=r"high: 100 is outside what mood can be"):
        riskcast.load_case(write_on_scale(tmp_path, "logit", history_indicators_csv=series))


def test_a_scenario_in_a_file_that_leaves_the_bounds_is_told_with_its_line(tmp_path: Path) -> None:
    text = SCENARIOS.replace("{indicator: mood, set: 45}", "{indicator: mood, shift: 60}")
    assert text != SCENARIOS
    line = text.splitlines().index("    - {indicator: mood, shift: 60}") + 1
    with pytest.raises(errors.CaseError, match=f"scenarios.yaml:{line}.*60 takes mood from 55 to 115"):
        riskcast.load_case(write_on_scale(tmp_path, "logit", scenarios_yaml=text))
