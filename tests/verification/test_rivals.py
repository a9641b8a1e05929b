"""Rivals see what the model sees and nothing later, learn as their libraries do, and are scored pair by pair."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator

import numpy as np
import pandas
import pytest
import statsmodels.api as sm
from hypothesis import given, strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from riskcast.case.vintage import case_as_of
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from riskcast.verification.evaluation import evaluate
from riskcast.verification.forecasters import MODEL, POOL, RIVALS, forecaster_label, rival_names
from riskcast.verification.measured import BY_YEARS
from riskcast.verification.rival_forecasts import check_rivals, forecast_rivals
from riskcast.verification.rival_pool import learned_weights, pool_table, pooled_chances
from riskcast.verification.rival_rows import levels_known, rival_rows
from riskcast.verification.rival_scores import score_rivals
from riskcast.verification.rival_words import rivals_in_words, rivals_table, steps_table
from riskcast.verification.rivals import LOGIT, Learned, Rival, Setting, choose_setting, learn_chances, time_splits
from tests.support.origins import panel_case, small_case

ORIGIN = dt.date(2015, 12, 31)


class Mean(Rival):
    """A stranger's rival: the mean of all rows."""

    grid = ({"none": 0.0},)

    def learn(self, x: Floats, y: Floats, setting: Setting, seed: int) -> Learned:
        return lambda asked: np.full(len(asked), y.mean())


@pytest.fixture
def stranger() -> Iterator[str]:
    RIVALS.add("mean", "the mean", Mean())
    yield "mean"
    RIVALS.remove("mean")


def rows(seed: int, count: int = 240) -> tuple[Floats, Floats, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3))
    y = (rng.random(count) < 1.0 / (1.0 + np.exp(1.0 - x[:, 0]))).astype(float)
    return x, y, np.repeat(np.arange(count // 6), 6)


@pytest.mark.parametrize("name", [*RIVALS, "mean"])
def test_a_rival_gives_probabilities_and_the_same_ones_again(name: str, stranger: str) -> None:
    rival = RIVALS.get(name)
    x, y, _ = rows(1)
    first, again = (learn_chances(rival, x, y, rival.grid[0], 3)(x[:40]) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert ((first > 0.0) & (first < 1.0)).all()
    if name != stranger:
        # It learns: events had higher chances.
        assert first[y[:40] > 0].mean() > first[y[:40] == 0].mean() + 0.05
    for few, alike in ((x[:5], y[:5]), (x, np.zeros(len(x)))):
        pooled = (alike.sum() + 0.5) / (len(alike) + 1.0)
        np.testing.assert_allclose(learn_chances(rival, few, alike, rival.grid[0], 3)(x[:2]), pooled)
    assert forecaster_label(name)
    assert name in rival_names()


def test_a_faint_ridge_leaves_what_statsmodels_finds() -> None:
    x, y, _ = rows(2)
    found = LOGIT.learn(x, y, {"ridge": 1e-6}, 1)(x)
    theirs = sm.Logit(y, sm.add_constant(x)).fit(disp=0)
    np.testing.assert_allclose(found, theirs.predict(), rtol=1e-5)


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=80).map(sorted),
    st.integers(1, 8),
)
def test_splits_by_time_never_teach_what_is_judged(periods: list[int], ahead: int) -> None:
    when = np.array(periods)
    judged_before = np.zeros(len(when), dtype=bool)
    for learned, judged in time_splits(when, ahead):
        assert not (judged & judged_before).any()
        judged_before |= judged
        if learned.any() and judged.any():
            assert when[learned].max() + ahead - 1 < when[judged].min()


def test_a_setting_is_the_one_that_did_best_on_later_parts() -> None:
    x, y, when = rows(3)
    losses = []
    for setting in LOGIT.grid:
        total = 0.0
        for first, last in ((20, 26), (26, 33), (33, 40)):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / setting["ridge"], tol=1e-8))
            model.fit(x[when + 2 <= first], y[when + 2 <= first])
            part = (when >= first) & (when < last)
            chance = model.predict_proba(x[part])
            total -= np.log(chance[np.arange(part.sum()), y[part].astype(int)]).sum()
        losses.append(total)
    assert choose_setting(LOGIT, x, y, when, 2, 1) == LOGIT.grid[int(np.argmin(losses))]
    assert choose_setting(LOGIT, x, np.zeros(len(y)), when, 2, 1) == LOGIT.grid[2]


@pytest.mark.parametrize("case", [small_case(), panel_case()], ids=["events", "panel"])
def test_rows_hold_what_had_happened_before_a_period_began(case) -> None:
    known = case_as_of(case, ORIGIN)
    record = build_record(known)
    event = "war" if known.panel is not None else "quarrel"
    seen = rival_rows(known, record, event)
    x = dict(zip(seen.columns, np.moveaxis(seen.x, -1, 0), strict=True))
    occurred = record.occurred[event]
    periods, units = occurred.shape
    own = next(edge for edge in known.effects_on(event) if edge.whose == "others")
    half = known.half_life(event, "fast").center
    decay = 2.0 ** (-1.0 / half)
    for start, unit in itertools.product((0, 1, periods // 2, periods), range(units)):
        others = [
            sum(occurred[t, v] for v in range(units) if v != unit and shares_state(known, unit, v))
            for t in range(start)
        ]
        felt = sum(count * decay ** (start - 1 - t) for t, count in enumerate(others))
        assert x[own.id][start, unit] == pytest.approx(np.log2(1.0 + felt), abs=1e-6)
        past = np.flatnonzero(occurred[:start, unit])
        assert x["never"][start, unit] == float(not len(past))
        assert x["number"][start, unit] == pytest.approx(np.log1p(len(past)))
    # Windows, one by one.
    ahead = 2
    taught, came, when = seen.taught(ahead)
    expected = [
        (start, unit)
        for start in range(periods - ahead + 1)
        for unit in range(units)
        if seen.whole[start : start + ahead, unit].all()
    ]
    assert when.tolist() == [start for start, _ in expected]
    assert came.tolist() == [float(occurred[s : s + ahead, u].any()) for s, u in expected]
    np.testing.assert_array_equal(taught, np.array([seen.x[s, u] for s, u in expected]))
    assert len(seen.taught(periods + 1)[0]) == 0


def shares_state(case, one: int, other: int) -> bool:
    pairs = list(case.pairs.values())
    return bool(set(pairs[one].states) & set(pairs[other].states))


def test_levels_are_those_that_were_known_as_a_period_began() -> None:
    case = case_as_of(panel_case(), ORIGIN)
    assert case.panel is not None
    record = build_record(case)
    steps = case.indicators["mood"].steps(case.panel.levels["mood"])
    before, settings_ = levels_known(case, record, "mood"), case.settings.panel
    assert settings_ is not None
    panel = settings_.model_copy(update={"covariates": "during"})
    late = case.revised(settings=case.settings.model_copy(update={"panel": panel}))
    during = levels_known(late, record, "mood")
    for unit in range(len(case.dyads)):
        rows_ = case.panel.unit == unit
        at = dict(zip((case.panel.period[rows_] - record.timeline.first).tolist(), steps[rows_].tolist(), strict=True))
        for place in range(max(1, min(at)), record.timeline.complete + 1):
            assert before[place, unit] == pytest.approx(at[max(t for t in at if t <= place)]), (place, unit)
        for place in range(max(2, min(at) + 1), record.timeline.complete):
            assert during[place, unit] == pytest.approx(at[max(t for t in at if t < place)]), (place, unit)


def test_the_logit_of_an_origin_is_that_of_scikit_learn_on_the_same_matrix() -> None:
    case = case_as_of(panel_case(), ORIGIN)
    record = build_record(case)
    found = forecast_rivals(case, record, ("logit",), 1, 1)["logit"][1]["war"]
    seen = rival_rows(case, record, "war")
    x, y, when = seen.taught(1)
    ridge = choose_setting(LOGIT, x, y, when, 1, 1)["ridge"]
    vary = x.std(axis=0) > 1e-9
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0 / ridge, tol=1e-10, max_iter=1000))
    theirs = model.fit(x[:, vary], y).predict_proba(seen.x[-1][:, vary])[:, 1]
    edge = 0.5 / (len(y) + 1.0)
    np.testing.assert_allclose(found, np.clip(theirs, edge, 1.0 - edge), rtol=1e-4)


def test_pool_weights_are_those_of_a_search_over_a_grid() -> None:
    rng = np.random.default_rng(5)
    odds = rng.normal(-1.0, 1.5, 60)
    came = rng.random(60) < 1 / (1 + np.exp(-odds))
    chances = 1 / (1 + np.exp(-np.stack([odds + rng.normal(0, s, 60) for s in (0.3, 1.0, 2.0)], axis=1)))
    found = learned_weights(chances, came)

    def total(weights: Floats) -> float:
        pooled = pooled_chances(chances, weights)
        return float(np.log(np.where(came, pooled, 1 - pooled)).sum() + np.log(weights).sum())

    grid = np.arange(1, 100) / 100
    points = [np.array([a, b, 1 - a - b]) for a in grid for b in grid if a + b < 0.995]
    best = max(points, key=total)
    np.testing.assert_allclose(found, best, atol=0.011)
    assert total(found) >= total(best)
    np.testing.assert_allclose(found.sum(), 1.0)
    with pytest.raises(OptionError, match="give a row for each answer"):
        learned_weights(chances, came[:3])


def test_a_pool_learns_from_windows_that_had_ended_alone() -> None:
    rng = np.random.default_rng(6)
    origins = [f"{year}-12-31" for year in range(2000, 2008)]
    table = pandas.DataFrame({"origin": np.repeat(origins, 30)})
    table["model"], table["logit"] = rng.uniform(0.05, 0.95, (2, len(table)))
    table["outcome"] = (rng.random(len(table)) < table["logit"]).astype(int)

    def ends(day: dt.date) -> dt.date:
        return day.replace(year=day.year + 2)

    pool, weights = pool_table(table, ("model", "logit"), ends)
    np.testing.assert_allclose(weights["2001-12-31"], [0.5, 0.5])
    assert weights["2007-12-31"][1] > 0.8
    known = (table["origin"] <= "2004-12-31").to_numpy()
    expected = learned_weights(
        table.loc[known, ["model", "logit"]].to_numpy(), table.loc[known, "outcome"].to_numpy() > 0
    )
    np.testing.assert_array_equal(weights["2006-12-31"], expected)
    # What came of windows that had not ended changes nothing.
    other = table.assign(outcome=np.where(known, table["outcome"], 1 - table["outcome"]))
    again, _ = pool_table(other, ("model", "logit"), ends)
    earlier = (table["origin"] <= "2006-12-31").to_numpy()
    np.testing.assert_array_equal(pool[earlier], again[earlier])
    assert (pool[~earlier] != again[~earlier]).any()


def made_up(seed: int = 0, noise: float = 1.2, origins: int = 24) -> pandas.DataFrame:
    """Forecasts of a model that knows, and of two that know less."""
    rng = np.random.default_rng(seed)
    units = [f"A-B{i:02d}" for i in range(30)]
    keys = itertools.product([f"{1990 + k}-12-31" for k in range(origins)], units)
    table = pandas.DataFrame(keys, columns=["origin", "unit"])
    odds = rng.normal(-1.5, 1.5, len(table))
    names = {MODEL: 0.2, "logit": noise, "boosting": 2 * noise, POOL: 0.15}
    for name, spread in names.items():
        table[name] = 1 / (1 + np.exp(-odds - rng.normal(0, spread, len(table))))
    table["outcome"] = (rng.random(len(table)) < 1 / (1 + np.exp(-odds))).astype(int)
    return table.assign(event="war", recent=False, pooled_rate=0.25)


def test_scores_beside_rivals_are_paired_over_dyads_and_years() -> None:
    table = made_up(origins=8)
    scores = score_rivals(table, table.assign(step=2), ("logit", POOL), BY_YEARS, 200, 1)
    assert list(scores) == ["logit", POOL]
    whole, step = scores["logit"]
    assert (whole.step, step.step, whole.dyads, whole.years) == (None, 2, 30, 8)
    logs = {n: -np.log(np.where(table["outcome"] == 1, table[n], 1 - table[n])).mean() for n in (MODEL, "logit")}
    assert whole.log_score == pytest.approx(logs["logit"])
    assert whole.log_skill.value == pytest.approx(1 - logs[MODEL] / logs["logit"])
    rng = np.random.default_rng(9)
    for by, interval in (("unit", whole.log_skill.by_dyads), ("origin", whole.log_skill.by_years)):
        loss = {n: -np.log(np.where(table["outcome"] == 1, table[n], 1 - table[n])) for n in logs}
        sums = {n: pandas.Series(own).groupby(table[by].to_numpy()).sum().to_numpy() for n, own in loss.items()}
        drawn = rng.integers(0, len(sums[MODEL]), (4000, len(sums[MODEL])))
        skill = 1 - sums[MODEL][drawn].sum(axis=1) / sums["logit"][drawn].sum(axis=1)
        low, high = np.quantile(skill, [0.05, 0.95])
        width = high - low
        assert abs(interval.low - low) < 0.25 * width
        assert abs(interval.high - high) < 0.25 * width
    same = score_rivals(table.assign(logit=table[MODEL]), None, ("logit",), BY_YEARS, 200, 1)["logit"][0]
    assert same.log_skill.by_dyads.low == same.log_skill.by_years.high == 0.0
    assert not same.is_told


def test_the_reading_says_who_leads_at_which_steps_and_whether_it_is_chance() -> None:
    table, other = made_up(), made_up(3, noise=0.05)
    swapped = other.rename(columns={MODEL: "boosting", "boosting": MODEL})
    steps = pandas.concat([table.assign(step=1), swapped.assign(step=3)], ignore_index=True)
    weights = pandas.DataFrame({"origin": ["a"], MODEL: [0.6], "logit": [0.4]})
    found = evaluate(table, pandas.DataFrame(), steps=steps, weights=weights, replicates=100)
    lead, by_step, pool = rivals_in_words(found, "month")[:3]
    skill = found.rivals["logit"][0].log_skill
    assert skill.is_told
    assert lead.startswith(f"riskcast leads: its log score is {100 * skill.value:.1f} % lower than that of logistic")
    assert "the best of 2 rivals" in lead
    assert "It is better than boosted trees by more than chance would do." in lead
    assert by_step.startswith("Step by step, against the rival that is best there, riskcast is ahead within 1 month (+")
    assert "weighs riskcast 60 % and logistic regression 40 %." in pool
    assert POOL != found.slices["all"].best_reference == "logit"
    assert [row[0] for row in rivals_table(found).rows][1:] == [
        forecaster_label(n) for n in ("logit", "boosting", POOL)
    ]
    assert len(steps_table(found, "month").rows) == 2 * 4
    names = set(found.to_frame()["score"])
    assert {"rival_log_skill_by_dyads", "rival_brier_skill_by_years"} <= names
    # One that does as well, and few years, are told.
    few = evaluate(made_up(noise=0.2, origins=6).drop(columns=["boosting", POOL]), pandas.DataFrame(), replicates=100)
    told = rivals_in_words(few, "month")
    assert "That may be chance." in told[0]
    assert "Only 6 years: intervals" in told[-1]
    two = evaluate(made_up(noise=3.0, origins=2), pandas.DataFrame(), replicates=100)
    assert two.rivals["boosting"][0].log_skill.is_told
    assert not two.rivals["boosting"][0].is_told
    assert "Only 2 years: too few to tell anybody apart." in rivals_in_words(two, "month")
    assert (
        rivals_in_words(
            evaluate(table[["origin", "event", "unit", "outcome", "recent", MODEL, "pooled_rate"]], pandas.DataFrame()),
            "month",
        )
        == ()
    )


def test_what_is_no_rival_is_told() -> None:
    assert check_rivals(()) == ()
    for names, message in ((("oracle",), "choose among logit, boosting, forest, pool"), ((POOL,), "needs rivals")):
        with pytest.raises(OptionError, match=message):
            check_rivals(names)
