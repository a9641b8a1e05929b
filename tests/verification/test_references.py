"""Reference forecasts against counts by hand, plain loops and other people's regressions; rivals see no later label."""

from __future__ import annotations

import importlib.util
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from riskcast.errors import OptionError
from riskcast.verification.references import dyad_rate, persistence, pooled_rate
from tests.support.places import ROOT

REFERENCES = {
    "pooled": pooled_rate,
    "dyad": dyad_rate,
    "persistence": lambda *record: persistence(*record).probability,
}
every_reference = pytest.mark.parametrize("reference", REFERENCES.values(), ids=REFERENCES)


def load_rivals() -> Any:
    path = ROOT / "benchmarks" / "russett_oneal" / "rivals.py"
    spec = importlib.util.spec_from_file_location("rivals", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rivals = load_rivals()


def draw_record(seed: int, periods: int, units: int, rate: float = 0.2) -> tuple[Any, Any]:
    """Events that make events likelier, units that begin late, a gap that all share, and gaps of each."""
    rng = np.random.default_rng(seed)
    occurred = np.zeros((periods, units))
    for t in range(periods):
        before = occurred[t - 1] if t else np.zeros(units)
        occurred[t] = rng.random(units) < np.where(before > 0, min(3.0 * rate, 0.9), rate)
    at_risk = np.arange(periods)[:, None] >= rng.integers(0, max(periods // 2, 1), units)
    at_risk &= rng.random((periods, units)) > 0.05
    at_risk[periods // 3 : periods // 3 + 2] = False
    return occurred * at_risk, at_risk


@st.composite
def records(draw: st.DrawFn) -> tuple[Any, Any, int]:
    periods, units = draw(st.integers(0, 40)), draw(st.integers(1, 6))
    rate = draw(st.sampled_from([0.0, 0.02, 0.2, 0.6, 1.0]))
    record = draw_record(draw(st.integers(0, 10**6)), periods, units, rate)
    return *record, draw(st.integers(1, 4))


def loop_features(occurred: Any, at_risk: Any, unit: int, start: int) -> list[float]:
    """What one unit's record holds before one period, read backwards period by period."""
    known = [t for t in range(start) if at_risk[t][unit]]
    events = [t for t in range(start) if occurred[t][unit]]
    quiet = start - 1 - max(events, default=min(known, default=start) - 1)
    return [np.log(1 + quiet), np.log(1 + len(events)), float(not events)]


def loop_rows(occurred: Any, at_risk: Any, horizon: int) -> tuple[Any, Any, Any]:
    """Features and labels of all past windows, one after the other, and features at the origin."""
    periods, units = np.shape(occurred)
    rows, labels = [], []
    for unit in range(units):
        end = periods
        while end - horizon >= 0:
            window = range(end - horizon, end)
            if all(at_risk[t][unit] for t in window):
                rows.append(loop_features(occurred, at_risk, unit, end - horizon))
                labels.append(float(any(occurred[t][unit] for t in window)))
            end -= horizon
    ahead = [loop_features(occurred, at_risk, unit, periods) for unit in range(units)]
    return np.array(rows), np.array(labels), np.array(ahead)


def test_pooled_rate_by_hand() -> None:
    occurred = np.zeros((7, 3))
    occurred[0, 0] = occurred[2, 1] = occurred[6, 1] = occurred[5, 2] = 1
    at_risk = np.full((7, 3), True)
    at_risk[4, 2] = False
    # Windows are periods 1-3 and 4-6: period 0 is outside both, the last window of unit 2 is not whole.
    np.testing.assert_allclose(pooled_rate(occurred, at_risk, 3), [2.5 / 6.0] * 3)
    np.testing.assert_allclose(pooled_rate(occurred, at_risk, 1), [4.5 / 21.0] * 3)


def test_dyad_rate_by_hand() -> None:
    occurred = np.zeros((7, 3))
    occurred[0, 0] = occurred[2, 1] = occurred[6, 1] = occurred[5, 2] = 1
    at_risk = np.full((7, 3), True)
    at_risk[4, 2] = False
    pooled = 2.5 / 6.0
    np.testing.assert_allclose(dyad_rate(occurred, at_risk, 3), [pooled / 3.0, (2.0 + pooled) / 3.0, pooled / 2.0])


@every_reference
def test_a_record_without_windows_gives_even_odds(reference: Any) -> None:
    nothing = np.zeros((3, 2))
    np.testing.assert_array_equal(reference(nothing, nothing == 0, 4), [0.5, 0.5])
    np.testing.assert_array_equal(reference(nothing, nothing > 0, 1), [0.5, 0.5])


def test_a_new_unit_has_the_pooled_rate_and_nothing_behind_it() -> None:
    occurred, at_risk = draw_record(3, 40, 5)
    more, exposed = np.pad(occurred, ((0, 0), (0, 1))), np.pad(at_risk, ((0, 0), (0, 1)))
    assert dyad_rate(more, exposed, 1)[-1] == pooled_rate(occurred, at_risk, 1)[0]
    begun = exposed.copy()
    begun[-1, -1] = True
    seen_once = dyad_rate(more, begun, 1)[-1]
    assert seen_once == pytest.approx(pooled_rate(more, begun, 1)[0] / 2.0)


def test_persistence_follows_a_recent_event() -> None:
    occurred, at_risk = draw_record(5, 80, 8, rate=0.1)
    occurred[-1], at_risk[-6:] = 0, True
    occurred[-6:] = 0
    occurred[-1, 0] = 1
    ahead = persistence(occurred, at_risk, 1)
    assert ahead.fitted
    assert ahead.probability[0] > 2.0 * ahead.probability[1:].max()


@pytest.mark.parametrize("horizon", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_persistence_is_the_regression_that_loops_and_statsmodels_find(seed: int, horizon: int) -> None:
    occurred, at_risk = draw_record(seed, 91, 6, rate=0.12)
    # The last unit is new: nothing is known of it yet.
    occurred, at_risk = (np.pad(x, ((0, 0), (0, 1))) for x in (occurred, at_risk))
    rows, labels, ahead = loop_rows(occurred, at_risk, horizon)
    fit = sm.Logit(labels, sm.add_constant(rows, has_constant="add")).fit(disp=0, tol=1e-10, maxiter=100)
    expected = fit.predict(sm.add_constant(ahead, has_constant="add"))
    found = persistence(occurred, at_risk, horizon, ridge=1e-9)
    assert found.fitted
    np.testing.assert_allclose(found.probability, expected, atol=1e-6)


@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize("ridge", [0.5, 1.0, 20.0])
def test_persistence_minimises_the_penalised_likelihood(ridge: float, horizon: int) -> None:
    occurred, at_risk = draw_record(11, 63, 5)
    rows, labels, ahead = loop_rows(occurred, at_risk, horizon)
    middle, spread = rows.mean(axis=0), rows.std(axis=0)
    z = (rows - middle) / spread

    def cost(b: Any) -> float:
        eta = b[0] + z @ b[1:]
        return float(np.logaddexp(0.0, np.where(labels > 0, -eta, eta)).sum() + 0.5 * ridge * (b[1:] ** 2).sum())

    best = minimize(cost, np.zeros(4), method="BFGS", options={"gtol": 1e-7}).x
    expected = expit(best[0] + (ahead - middle) / spread @ best[1:])
    np.testing.assert_allclose(persistence(occurred, at_risk, horizon, ridge).probability, expected, atol=1e-5)


def test_persistence_knows_events_from_before_the_record_was_kept() -> None:
    occurred, at_risk = draw_record(2, 60, 4, rate=0.1)
    occurred[:20], at_risk[:20] = 0, False
    occurred[4, 0] = 1
    rows, labels, ahead = loop_rows(occurred, at_risk, 1)
    fit = sm.Logit(labels, sm.add_constant(rows)).fit(disp=0, tol=1e-10, maxiter=100)
    expected = fit.predict(sm.add_constant(ahead, has_constant="add"))
    np.testing.assert_allclose(persistence(occurred, at_risk, 1, ridge=1e-9).probability, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("periods", "rate", "fitted"), [(19, 0.5, False), (20, 0.5, True), (40, 0.0, False), (40, 1.0, False)]
)
def test_persistence_falls_back_on_the_pooled_rate(periods: int, rate: float, fitted: bool) -> None:
    occurred = (np.arange(periods)[:, None] % 2 < 2.0 * rate).astype(float)
    found = persistence(occurred, np.full((periods, 1), True), 1)
    assert found.fitted is fitted
    same = bool(found.probability[0] == pooled_rate(occurred, np.full((periods, 1), True), 1)[0])
    assert same is not fitted


def test_persistence_is_no_surer_than_its_windows_allow() -> None:
    occurred = np.zeros((40, 2))
    occurred[:, 0] = 1
    probability = persistence(occurred, np.full((40, 2), True), 1, ridge=1e-6).probability
    np.testing.assert_allclose(probability, [80.5 / 81.0, 0.5 / 81.0])


@every_reference
@given(record=records())
def test_probabilities_lie_between_0_and_1(reference: Any, record: tuple[Any, Any, int]) -> None:
    probability = reference(*record)
    assert probability.shape == (record[0].shape[1],)
    assert ((probability > 0.0) & (probability < 1.0)).all()


@every_reference
@given(record=records(), seed=st.integers(0, 1000))
def test_units_keep_their_forecasts_in_any_order(reference: Any, record: tuple[Any, Any, int], seed: int) -> None:
    occurred, at_risk, horizon = record
    order = np.random.default_rng(seed).permutation(occurred.shape[1])
    moved = reference(occurred[:, order], at_risk[:, order], horizon)
    # Matrix products round by the place of a row.
    np.testing.assert_allclose(moved, reference(occurred, at_risk, horizon)[order], rtol=1e-12)


@every_reference
@given(record=records())
def test_a_unit_never_at_risk_changes_nothing(reference: Any, record: tuple[Any, Any, int]) -> None:
    occurred, at_risk, horizon = record
    more = reference(np.pad(occurred, ((0, 0), (0, 1))), np.pad(at_risk, ((0, 0), (0, 1))), horizon)
    np.testing.assert_allclose(more[:-1], reference(occurred, at_risk, horizon), rtol=1e-12)


@every_reference
def test_a_record_that_cannot_be_read_is_refused(reference: Any) -> None:
    fine = np.zeros((4, 2))
    with pytest.raises(OptionError, match=r"\(4, 2\), at_risk \(4, 3\)"):
        reference(fine, np.full((4, 3), True), 1)
    with pytest.raises(OptionError, match=r"\(4,\)"):
        reference(fine[:, 0], np.full(4, True), 1)
    for horizon in (0, -1, 1.5, True):
        with pytest.raises(OptionError, match="horizon"):
            reference(fine, fine == 0, horizon)


@pytest.mark.parametrize("ridge", [-1.0, np.nan, np.inf])
def test_a_ridge_below_zero_is_refused(ridge: float) -> None:
    with pytest.raises(OptionError, match="ridge"):
        persistence(np.zeros((4, 2)), np.full((4, 2), True), 1, ridge)


def test_a_century_of_a_thousand_dyads_takes_a_moment() -> None:
    occurred, at_risk = draw_record(1, 107, 1186, rate=0.03)
    persistence(occurred[:40], at_risk[:40], 1)
    seconds = []
    for _ in range(3):
        began = time.process_time()
        persistence(occurred, at_risk, 1)
        seconds.append(time.process_time() - began)
    assert min(seconds) < 0.3


def dyad_years(seed: int = 0) -> pd.DataFrame:
    """A small file of dyad-years with the columns that the rivals read, late starters and missing years."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(30):
        hot, began = rng.random() < 0.3, 1940 + 3 * (number % 5)
        for year in range(began, 1976):
            if 1950 <= year < 1953 or rng.random() < 0.03:
                continue
            rows.append(
                {
                    "statea": 2 + number // 6,
                    "stateb": 100 + number,
                    "year": year,
                    "dependa": rng.random() / 50,
                    "dependb": rng.random() / 50,
                    "demauta": int(rng.integers(-10, 11)),
                    "demautb": int(rng.integers(-10, 11)),
                    "allies": int(rng.integers(0, 2)),
                    "dispute1": int(rng.random() < (0.4 if hot else 0.03)),
                    "logdstab": rng.normal(7.6, 1.2),
                    "lcaprat2": abs(rng.normal(3.0, 1.8)),
                    "smigoabi": int(rng.integers(0, 60)),
                    "minrpwrs": -float(rng.random() < 0.7),
                    "noncontg": -float(rng.random() < 0.4),
                }
            )
    return pd.DataFrame(rows).sample(frac=1.0, random_state=seed)


RIVALS = ["base_rate", "logit", "logit_peace_years", "logit_memory", "boosting"]


def test_rivals_see_no_label_and_no_covariate_from_after_the_origin() -> None:
    data = dyad_years()
    rng = np.random.default_rng(1)
    changed = data.copy()
    # The labels of row year 1970 and later say what happened from 1971 on, after the origin at the end of 1970.
    late = (changed["year"] >= 1970).to_numpy()
    changed.loc[late, "dispute1"] = 1 - changed.loc[late, "dispute1"]
    later = (changed["year"] > 1970).to_numpy()
    for name in changed.columns.difference(["statea", "stateb", "year", "dispute1"]):
        changed.loc[later, name] = rng.permutation(changed.loc[later, name])
    before, after = (rivals.rivals(frame, range(1968, 1973)) for frame in (data, changed))
    assert list(before.columns) == ["dyad", "period", "outcome", *RIVALS]
    blind, sighted = (before["period"] <= 1971).to_numpy(), (before["period"] == 1972).to_numpy()
    pd.testing.assert_frame_equal(before.loc[blind].drop(columns="outcome"), after.loc[blind].drop(columns="outcome"))
    for name in RIVALS:
        assert (before.loc[sighted, name] != after.loc[sighted, name]).all(), name


def test_rivals_forecast_every_row_of_the_origin_year_once() -> None:
    data = dyad_years()
    seen = []
    found = rivals.rivals(data, range(1970, 1973), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    rows = data[data["year"].between(1970, 1972)].sort_values(["year", "statea", "stateb"])
    assert found["dyad"].tolist() == [f"C{a:03d}-C{b:03d}" for a, b in zip(rows.statea, rows.stateb, strict=True)]
    assert found["period"].tolist() == (rows["year"] + 1).tolist()
    assert found["outcome"].tolist() == rows["dispute1"].tolist()
    past = data[data["year"] < 1971]
    assert found.loc[found["period"] == 1972, "base_rate"].unique() == pytest.approx(
        [(past["dispute1"].sum() + 0.5) / (len(past) + 1)]
    )


def test_memories_count_by_the_calendar() -> None:
    # Row year, label -> years since the last dispute or the first row, dispute ongoing now, earlier disputes.
    rows = [
        (1910, 0, [0, 0, 0]),
        (1911, 1, [1, 0, 0]),
        (1912, 1, [0, 1, 1]),
        (1913, 0, [0, 1, 2]),
        (1920, 1, [7, 0, 2]),
        (1922, 0, [1, 0, 3]),
    ]
    data = pd.DataFrame({"dyad": "X", "year": [r[0] for r in rows], "dispute1": [r[1] for r in rows]})
    expected = np.array([r[2] for r in rows], dtype=float)
    np.testing.assert_array_equal(rivals.memories(data), expected)
    other = data.assign(dyad="W", dispute1=0, year=data["year"] + 1)
    both = pd.concat([data, other], ignore_index=True).sample(frac=1.0, random_state=3)
    alone = rivals.memories(both)[np.argsort(both.index)]
    np.testing.assert_array_equal(alone[:6], expected)
    np.testing.assert_array_equal(alone[6:, 1:], 0.0)


def test_rivals_score_what_is_easy_to_score() -> None:
    forecasts = pd.DataFrame({"dyad": "X", "period": 1, "outcome": [0, 1], "sure": [0.2, 0.8], "even": [0.5, 0.5]})
    found = rivals.scores(forecasts)
    np.testing.assert_allclose(found.loc["sure"], [0.04, 1.0, -np.log(0.8)])
    np.testing.assert_allclose(found.loc["even"], [0.25, 0.5, np.log(2.0)])


def test_rivals_refuse_what_they_cannot_use() -> None:
    data = dyad_years()
    with pytest.raises(ValueError, match="more than one row"):
        rivals.rivals(pd.concat([data, data.iloc[:1]]), range(1970, 1971))
    with pytest.raises(ValueError, match="before 1940"):
        rivals.rivals(data, range(1940, 1941))
