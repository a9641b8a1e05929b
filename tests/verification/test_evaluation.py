"""Slices, references, intervals and plain data of an evaluation, against hand-made tables and brute force."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pandas
import pytest

from riskcast.errors import OptionError
from riskcast.verification.evaluation import Evaluation, evaluate, evaluation_data
from riskcast.verification.forecasters import MODEL
from riskcast.verification.metrics import auc, average_precision, decompose, log_scores, murphy_curve, recalibrate

REPLICATES = 200


def tables(seed: int = 1, dyads: int = 40, origins: int = 5) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Forecasts and peaks in which dyads differ, the model knows it, and references know less."""
    rng = np.random.default_rng(seed)
    lean = rng.normal(size=dyads)
    forecasts, peaks = [], []
    for origin in range(origins):
        for dyad in range(dyads):
            unit, day = f"RUS-{dyad:03d}", f"{2010 + origin}-12-31"
            chances = 1 / (1 + np.exp(-(np.array([-1.0, -2.0]) + 1.5 * lean[dyad])))
            for event, chance in zip(("demarche", "sanction"), chances, strict=True):
                near = np.clip(chance + rng.normal(scale=0.1), 0.01, 0.99)
                happened, recent = rng.random(2) < (chance, chance)
                forecasts.append((day, event, unit, int(happened), bool(recent), chance, 0.3, near))
            worst = rng.random()
            for level, share in ((20.0, 1.0), (50.0, 0.6), (90.0, 0.2)):
                chance = share * chances[0]
                peaks.append((day, unit, level, int(worst < chance), chance, share * 0.3, chance**1.5))
    names = ["model", "pooled_rate", "dyad_rate"]
    return (
        pandas.DataFrame(forecasts, columns=["origin", "event", "unit", "outcome", "recent", *names]),
        pandas.DataFrame(peaks, columns=["origin", "unit", "level", "reached", *names]),
    )


@pytest.fixture(scope="module")
def evaluated() -> tuple[pandas.DataFrame, pandas.DataFrame, Evaluation]:
    forecasts, peaks = tables()
    return forecasts, peaks, evaluate(forecasts, peaks, replicates=REPLICATES)


def small(**columns: object) -> pandas.DataFrame:
    """Four forecasts of one event type from one origin, with columns replaced or left out (None)."""
    table = {
        "origin": "2020-12-31",
        "event": "demarche",
        "unit": ["A-B", "A-C", "A-D", "A-E"],
        "outcome": [1, 0, 0, 1],
        "recent": [True, False, False, False],
        "model": [0.8, 0.1, 0.3, 0.6],
        "pooled_rate": 0.5,
    } | columns
    return pandas.DataFrame({name: column for name, column in table.items() if column is not None})


def score_small(**columns: object) -> Evaluation:
    return evaluate(small(**columns), pandas.DataFrame(), replicates=50)


def test_scores_computed_by_hand() -> None:
    part = score_small().slices["all"]
    model, reference = part.performances["model"], part.performances["pooled_rate"]
    assert (part.forecasts, part.events, part.dyads, part.best_reference) == (4, 2, 4, "pooled_rate")
    assert model.brier.value == pytest.approx((0.04 + 0.01 + 0.09 + 0.16) / 4)
    assert model.log_score.value == pytest.approx(-np.log([0.8, 0.9, 0.7, 0.6]).mean())
    assert model.skill is not None
    assert model.skill.value == pytest.approx(1 - 0.075 / 0.25)
    assert model.auc is not None
    assert model.auc.value == 1.0
    assert model.mean_forecast == pytest.approx(0.45)
    assert reference.skill is not None
    assert (reference.skill.value, reference.skill.low, reference.skill.high) == (0.0, 0.0, 0.0)
    assert (reference.uncertainty, reference.discrimination, reference.miscalibration) == (0.25, 0.0, 0.0)


def test_slices_hold_the_rows_that_their_names_say(evaluated) -> None:
    forecasts, _, evaluation = evaluated
    rows = {
        "all": forecasts,
        "onset": forecasts[~forecasts.recent],
        "continuation": forecasts[forecasts.recent],
        "demarche": forecasts[forecasts.event == "demarche"],
        "sanction": forecasts[forecasts.event == "sanction"],
    }
    assert list(evaluation.slices) == list(rows)
    for name, part in evaluation.slices.items():
        found = (part.name, part.forecasts, part.events, part.dyads)
        assert found == (name, len(rows[name]), rows[name].outcome.sum(), rows[name].unit.nunique())


def test_every_forecaster_of_a_slice_has_the_scores_of_its_rows(evaluated) -> None:
    forecasts, _, evaluation = evaluated
    rows, part = forecasts[~forecasts.recent], evaluation.slices["onset"]
    outcome = rows.outcome.to_numpy(dtype=float)
    assert list(part.performances) == ["model", "pooled_rate", "dyad_rate"]
    for name, performance in part.performances.items():
        forecast, parts = rows[name].to_numpy(), decompose(outcome, rows[name].to_numpy())
        assert performance.forecaster == name
        assert performance.brier.value == pytest.approx(((forecast - outcome) ** 2).mean())
        assert performance.log_score.value == pytest.approx(log_scores(outcome, forecast).mean())
        assert performance.auc.value == pytest.approx(auc(outcome, forecast))
        assert performance.average_precision.value == pytest.approx(average_precision(outcome, forecast))
        assert performance.miscalibration == pytest.approx(parts.miscalibration)
        assert performance.discrimination == pytest.approx(parts.discrimination)
        assert performance.uncertainty == pytest.approx(parts.uncertainty)
        np.testing.assert_allclose(part.murphy[name], murphy_curve(outcome, forecast, part.thresholds))
        curve = part.reliability[name]
        positions = [int(np.flatnonzero(forecast == p)[0]) for p in curve.forecast]
        np.testing.assert_allclose(curve.frequency, recalibrate(outcome, forecast)[positions])
        assert curve.counts.sum() == len(rows)
        np.testing.assert_allclose(curve.edges, np.linspace(0, 1, len(curve.counts) + 1))


def test_twice_the_area_under_the_murphy_curve_is_the_brier_score(evaluated) -> None:
    part = evaluated[2].slices["all"]
    for name, curve in part.murphy.items():
        area = np.trapezoid(curve, part.thresholds)
        assert 2 * area == pytest.approx(part.performances[name].brier.value, abs=0.003)


def test_the_best_reference_is_that_of_the_slice_and_never_the_model_or_left_out() -> None:
    evaluation = score_small(
        outcome=[1, 0, 0, 0],
        left_out=[1.0, 0.0, 0.0, 0.0],
        pooled_rate=[0.5, 0.3, 0.3, 0.3],
        persistence=[0.9, 0.5, 0.5, 0.5],
    )
    best = {name: part.best_reference for name, part in evaluation.slices.items()}
    assert best == {"all": "pooled_rate", "onset": "pooled_rate", "continuation": "persistence"}


def test_slices_without_rows_are_left_out() -> None:
    assert list(score_small(recent=False).slices) == ["all", "onset"]
    assert list(score_small(recent=True).slices) == ["all", "continuation"]


def test_a_score_that_is_undefined_is_none() -> None:
    quiet = score_small(outcome=0, pooled_rate=0.0).slices["all"].performances
    assert [quiet["model"].auc, quiet["model"].average_precision, quiet["model"].skill] == [None] * 3
    assert quiet["pooled_rate"].skill is None
    assert quiet["pooled_rate"].log_score.value == 0.0


def test_certainty_that_proves_wrong_makes_the_log_score_infinite_and_leaves_the_others() -> None:
    evaluation = score_small(model=[0.0, 0.1, 0.3, 0.6])
    model = evaluation.slices["all"].performances["model"]
    assert model.log_score.value == np.inf
    # Some replicates do not draw the dyad that was wrong.
    assert np.isfinite(model.log_score.low)
    assert model.log_score.high == np.inf
    assert np.isfinite([model.brier.value, model.brier.low, model.brier.high]).all()
    data = evaluation_data(evaluation)["slices"]["all"]["performances"]["model"]["log_score"]
    assert (data["value"], data["high"]) == (None, None)


def bootstrap(forecasts: pandas.DataFrame, seed: int = 11, replicates: int = 1500) -> dict[str, np.ndarray]:
    """Intervals from tables put together again from the rows of the units drawn, with other random numbers."""
    rng = np.random.default_rng(seed)
    groups = [rows[["outcome", "model", "dyad_rate"]].to_numpy() for _, rows in forecasts.groupby("unit")]
    found = []
    for _ in range(replicates):
        outcome, model, reference = np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))]).T
        brier, other = ((model - outcome) ** 2).mean(), ((reference - outcome) ** 2).mean()
        pairs = np.sign(model[outcome == 1][:, None] - model[outcome == 0]) / 2 + 0.5
        found.append((brier, log_scores(outcome, model).mean(), 1 - brier / other, pairs.mean()))
    return dict(zip(("brier", "log_score", "skill", "auc"), np.quantile(found, [0.05, 0.95], axis=0).T, strict=True))


def test_intervals_are_those_of_tables_of_resampled_dyads() -> None:
    forecasts, peaks = tables()
    part = evaluate(forecasts, peaks, replicates=2000).slices["all"]
    assert part.best_reference == "dyad_rate"
    for score, (low, high) in bootstrap(forecasts).items():
        found = getattr(part.performances[MODEL], score)
        # AUC has a tenth of the replicates.
        slack = (0.25 if score == "auc" else 0.12) * (high - low)
        assert found.low == pytest.approx(low, abs=slack), score
        assert found.high == pytest.approx(high, abs=slack), score


def test_intervals_hold_their_scores(evaluated) -> None:
    frame = evaluated[2].to_frame().dropna()
    # The model has no skill against itself.
    assert len(frame) == 5 * (3 * 6 + 2 * 2) + 3 * 2 + 2
    assert (frame.low <= frame.value).all()
    assert (frame.value <= frame.high).all()
    assert (frame.high > frame.low)[frame.score.isin(["brier", "log_score", "rps"])].all()


def test_the_same_seed_gives_the_same_numbers_whatever_the_order_of_rows(evaluated) -> None:
    forecasts, peaks, evaluation = evaluated
    shuffled = [table.sample(frac=1, random_state=3) for table in (forecasts, peaks)]
    again = evaluate(*shuffled, replicates=REPLICATES)
    pandas.testing.assert_frame_equal(evaluation.to_frame(), again.to_frame(), rtol=1e-9, atol=1e-12)
    for name, part in evaluation.slices.items():
        for forecaster, curve in part.reliability.items():
            other = again.slices[name].reliability[forecaster]
            np.testing.assert_allclose(curve.low, other.low, atol=1e-9)
            np.testing.assert_allclose(curve.frequency, other.frequency, atol=1e-9)


def test_another_seed_moves_intervals_and_nothing_else(evaluated) -> None:
    forecasts, peaks, evaluation = evaluated
    one, two = evaluation.to_frame(), evaluate(forecasts, peaks, replicates=REPLICATES, seed=2).to_frame()
    np.testing.assert_array_equal(one.value, two.value)
    assert not np.array_equal(one.low, two.low, equal_nan=True)


def test_shared_events_are_one_cluster_of_the_host() -> None:
    rows = [small(origin=f"{year}-12-31") for year in range(2015, 2020)]
    shared = [small(origin=f"{year}-12-31", event="decree", unit="A").iloc[:1] for year in range(2015, 2020)]
    evaluation = evaluate(pandas.concat([*rows, *shared], ignore_index=True), pandas.DataFrame(), replicates=50)
    assert {name: part.dyads for name, part in evaluation.slices.items()} == {
        "all": 4,
        "onset": 3,
        "continuation": 1,
        "decree": 1,
        "demarche": 4,
    }
    decree = evaluation.slices["decree"]
    assert decree.performances["model"].brier.value == pytest.approx(0.04)
    assert np.isnan([decree.performances["model"].brier.low, decree.performances["model"].brier.high]).all()
    assert decree.caution == "only 1 dyad and 5 events in decree: nothing to resample, so scores have no interval"


@pytest.mark.parametrize(
    ("dyads", "events", "words"),
    [
        (20, 30, None),
        (19, 30, "only 19 dyads in all: the intervals are themselves uncertain and likely too narrow"),
        (20, 29, "only 29 events in all: the intervals are themselves uncertain and likely too narrow"),
        (2, 1, "only 2 dyads and 1 event in all: the intervals are themselves uncertain and likely too narrow"),
    ],
)
def test_few_dyads_or_events_bring_a_caution(evaluated, dyads: int, events: int, words: str | None) -> None:
    part = dataclasses.replace(evaluated[2].slices["all"], dyads=dyads, events=events)
    assert part.caution == words


def test_severity_computed_by_hand() -> None:
    peaks = pandas.DataFrame(
        {
            "origin": "2020-12-31",
            "unit": ["A-B", "A-B", "A-C"],
            "level": [20.0, 90.0, 20.0],
            "reached": [1, 0, 0],
            "model": [0.6, 0.2, 0.4],
            "pooled_rate": [0.5, 0.5, 0.5],
            "persistence": [0.5, 0.1, 0.9],
        }
    )
    severity = evaluate(small(persistence=0.4), peaks, replicates=50).severity
    assert list(severity) == ["model", "pooled_rate", "persistence"]
    # Cases count alike, whatever the number of their levels.
    assert severity["model"].rps.value == pytest.approx(((0.16 + 0.04) / 2 + 0.16) / 2)
    assert severity["model"].skill is not None
    assert severity["model"].skill.value == pytest.approx(1 - 0.13 / 0.25)
    assert (severity["model"].rps.low, severity["model"].rps.high) == pytest.approx((0.1, 0.16))
    assert severity["persistence"].skill is not None
    assert severity["persistence"].skill.value == pytest.approx(1 - ((0.25 + 0.01) / 2 + 0.81) / 2 / 0.25)


def test_no_peaks_bring_no_severity() -> None:
    assert score_small().severity == {}


def test_the_table_has_each_score_once_with_its_interval(evaluated) -> None:
    evaluation = evaluated[2]
    frame = evaluation.to_frame()
    assert list(frame.columns) == ["slice", "forecaster", "score", "value", "low", "high", "undisputed"]
    assert not frame.duplicated(["slice", "forecaster", "score"]).any()
    indexed = frame.set_index(["slice", "forecaster", "score"])
    brier = evaluation.slices["onset"].performances["dyad_rate"].brier
    assert tuple(indexed.loc[("onset", "dyad_rate", "brier")]) == (brier.value, brier.low, brier.high, brier.value)
    rps = evaluation.severity["model"].rps
    assert tuple(indexed.loc[("all", "model", "rps")]) == (rps.value, rps.low, rps.high, rps.value)
    assert np.isnan(indexed.loc[("all", "model", "uncertainty"), "low"])
    parts = indexed.value.unstack()
    total = parts.miscalibration - parts.discrimination + parts.uncertainty
    np.testing.assert_allclose(parts.brier, total, atol=1e-12)


def test_plain_data_is_json_with_ten_digits_and_says_what_is_undefined(evaluated) -> None:
    evaluation = evaluated[2]
    data = json.loads(json.dumps(evaluation_data(evaluation), allow_nan=False))
    part = data["slices"]["onset"]
    assert set(part) == {field.name for field in dataclasses.fields(evaluation.slices["onset"])} | {"caution"}
    assert part["performances"]["model"]["brier"]["value"] == round(
        evaluation.slices["onset"].performances["model"].brier.value, 10
    )
    assert part["murphy"]["model"] == evaluation.slices["onset"].murphy["model"].round(10).tolist()
    assert data["severity"]["model"]["rps"]["low"] == round(evaluation.severity["model"].rps.low, 10)
    alone = evaluation_data(score_small(recent=False, unit="A", origin=["1", "2", "3", "4"]))["slices"]["all"]
    assert alone["performances"]["model"]["brier"] == {"value": 0.075, "low": None, "high": None}
    assert alone["caution"].startswith("only 1 dyad and 2 events in all")


def test_progress_counts_every_forecaster_of_every_slice_and_of_severity() -> None:
    forecasts, peaks = tables(dyads=6, origins=2)
    calls: list[tuple[int, int]] = []
    evaluate(forecasts, peaks, replicates=50, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done + 1, 5 * 3 + 3) for done in range(18)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"recent": None}, "forecasts has no column 'recent'; it needs origin, event, unit, outcome, recent, model"),
        ({"model": None}, "forecasts has no column 'model'"),
        ({"pooled_rate": None, "left_out": 0.5}, "no reference to compare with; give one of pooled_rate, dyad_rate"),
        ({"outcome": [1, 0, 2, 0]}, "outcome is neither 0 nor 1"),
        ({"recent": [0.5, 0.0, 0.0, 0.0]}, "recent is neither 0 nor 1"),
        ({"model": [0.1, 0.2, 0.3, 1.1]}, "model is outside 0 to 1"),
        ({"pooled_rate": [0.1, 0.2, 0.3, np.nan]}, "pooled_rate is outside 0 to 1"),
        ({"unit": ["A-B", "A-C", "A-D", "A-C"]}, "two rows for origin 2020-12-31, event demarche, unit A-C; give one"),
        ({"event": "onset"}, "event type 'onset' has the name of a slice; give it another id"),
    ],
)
def test_forecasts_that_cannot_be_scored_are_refused(columns: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        score_small(**columns)


def test_options_and_tables_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(OptionError, match="forecasts has no row"):
        evaluate(small().iloc[:0], pandas.DataFrame())
    with pytest.raises(OptionError, match="replicates is 49; give at least 50"):
        evaluate(small(), pandas.DataFrame(), replicates=49)
    with pytest.raises(OptionError, match="seed is -1"):
        evaluate(small(), pandas.DataFrame(), seed=-1)
    with pytest.raises(OptionError, match="peaks has no column 'reached'"):
        evaluate(small(), small(level=20.0))


def test_one_forecast_is_scored() -> None:
    part = evaluate(small().iloc[:1], pandas.DataFrame(), replicates=50).slices["all"]
    assert part.performances["model"].brier.value == pytest.approx(0.04)
    assert part.performances["model"].miscalibration == pytest.approx(0.04)


def test_importing_loads_no_scoring_library() -> None:
    code = "import sys, riskcast.verification.evaluation; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["pandas", "sklearn", "scipy"]
    run = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_rivals_are_references_like_the_others() -> None:
    forecasts = pandas.DataFrame(
        {
            "origin": "2020-12-31",
            "event": "demarche",
            "unit": ["A-B", "A-C", "A-D", "A-E"],
            "outcome": [1, 0, 0, 1],
            "recent": [True, False, False, False],
            "model": [0.8, 0.1, 0.3, 0.6],
            "pooled_rate": 0.5,
            "boosting": [0.9, 0.1, 0.1, 0.9],
        }
    )
    part = evaluate(forecasts, pandas.DataFrame(), rivals=("boosting",), replicates=100).slices["all"]
    assert list(part.performances) == ["model", "pooled_rate", "boosting"]
    assert part.best_reference == "boosting"
    assert part.performances["boosting"].brier.value == pytest.approx(0.01)
    with pytest.raises(OptionError, match="no column 'logit'"):
        evaluate(forecasts, pandas.DataFrame(), rivals=("logit",))


def dyad_scores(rng: np.random.Generator) -> pandas.DataFrame:
    units = [f"A-{letter}" for letter in "BCDEF"]
    origins = [f"{year}-12-31" for year in range(2001, 2013)]
    level = rng.uniform(10, 60, len(units))
    rows = [(origin, unit, level[place]) for origin in origins for place, unit in enumerate(units)]
    table = pandas.DataFrame(rows, columns=["origin", "unit", "level"])
    table["came"] = np.clip(table["level"] + rng.normal(0, 15, len(table)), 0, 100)
    table["model"] = np.clip(table["level"] + 6.0 + rng.normal(0, 3, len(table)), 0, 100)
    table["pooled_mean"] = table["came"].mean()
    return table.drop(columns="level")


def test_scores_of_dyads_are_held_against_what_came() -> None:
    table = dyad_scores(np.random.default_rng(3))
    evaluation = evaluate(small(), pandas.DataFrame(), table, replicates=200)
    model, pooled = evaluation.scores["model"], evaluation.scores["pooled_mean"]
    error = table["model"] - table["came"]
    assert model.bias.value == pytest.approx(error.mean())
    assert model.bias.low < model.bias.value < model.bias.high
    assert model.rmse.value == pytest.approx(math.sqrt((error**2).mean()))
    assert model.rmse.low < model.rmse.value < model.rmse.high
    assert model.correlation is not None
    assert model.correlation.value == pytest.approx(np.corrcoef(table["model"], table["came"])[0, 1])
    assert model.correlation.low < model.correlation.value < model.correlation.high <= 1.0
    assert model.skill is not None
    other = table["pooled_mean"] - table["came"]
    assert model.skill.value == pytest.approx(1 - (error**2).mean() / (other**2).mean())
    assert pooled.correlation is None
    assert pooled.bias.value == pytest.approx(0.0, abs=1e-9)
    assert [one.forecasts for one in pooled.bins] == [len(table)]
    counts = [one.forecasts for one in model.bins]
    assert sum(counts) == len(table)
    assert min(counts) >= 8
    assert len(counts) == 5
    for one in model.bins:
        inside = table["model"].between(one.low, one.high)
        assert inside.sum() == one.forecasts
        assert one.mean_forecast == pytest.approx(table["model"][inside].mean())
        assert one.mean_came == pytest.approx(table["came"][inside].mean())
    frame = evaluation.to_frame()
    row = frame[(frame["score"] == "score_rmse") & (frame["forecaster"] == "model")].iloc[0]
    assert (row["slice"], row["value"], row["low"]) == ("all", model.rmse.value, model.rmse.low)
    data = json.loads(json.dumps(evaluation_data(evaluation), allow_nan=False))["scores"]["model"]
    assert data["rmse"]["value"] == round(model.rmse.value, 10)
    assert [one["forecasts"] for one in data["bins"]] == counts
    shuffled = evaluate(small(), pandas.DataFrame(), table.sample(frac=1, random_state=1), replicates=200)
    assert shuffled.scores["model"].rmse.low == pytest.approx(model.rmse.low)


def test_scores_of_one_dyad_have_no_interval() -> None:
    table = dyad_scores(np.random.default_rng(4))
    alone = evaluate(small(), pandas.DataFrame(), table[table["unit"] == "A-B"], replicates=100).scores["model"]
    assert math.isnan(alone.rmse.low)
    assert alone.correlation is not None
    assert math.isnan(alone.correlation.high)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.drop(columns="came"), "scores has no column 'came'"),
        (lambda table: table.drop(columns="pooled_mean"), "no reference to compare with; give one of prior_only"),
        (lambda table: pandas.concat([table, table.head(1)]), "two rows for one origin and unit"),
        (lambda table: table.assign(model=-1.0), "model is outside 0 to 100"),
        (lambda table: table.assign(came=np.nan), "came is outside 0 to 100"),
    ],
)
def test_a_table_of_scores_that_cannot_be_used_is_refused(change: Any, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        evaluate(small(), pandas.DataFrame(), change(dyad_scores(np.random.default_rng(5))), replicates=50)
