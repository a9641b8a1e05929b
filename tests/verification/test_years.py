"""Intervals from resampled years, against tables put together again by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas
import pytest

from riskcast.case.vintage import case_as_of
from riskcast.errors import OptionError
from riskcast.verification.backtesting import backtest, choose_origins
from riskcast.verification.evaluation import evaluate
from riskcast.verification.measured import BY_DYADS, Resampling, begun_in, resample_rows
from riskcast.verification.metrics import resample_blocks
from riskcast.verification.verdicts import skill_verdict
from tests.support.origins import panel_case, small_case


def quarters(seed: int = 2, years: int = 12, dyads: int = 5) -> pandas.DataFrame:
    """Forecasts from quarters of years that differ as a whole, and dyads that do not."""
    rng = np.random.default_rng(seed)
    rows = []
    for year in range(2012, 2012 + years):
        level = float(np.clip(rng.beta(1.0, 4.0), 0.02, 0.98))
        for day in (f"{year - 1}-12-31", f"{year}-03-31", f"{year}-06-30", f"{year}-09-30"):
            for dyad in range(dyads):
                rows.append((day, "note", f"RUS-{dyad:03d}", int(rng.random() < level), False, 0.25, level))
    return pandas.DataFrame(rows, columns=["origin", "event", "unit", "outcome", "recent", "model", "pooled_rate"])


def test_a_window_belongs_to_the_year_in_which_it_begins() -> None:
    days = pandas.Series(["2011-12-31", "2012-01-01", "2012-12-30", "2012-12-31"])
    assert begun_in(days).tolist() == [2012, 2012, 2012, 2013]


@pytest.mark.parametrize("block", [1, 2, 3, 12])
def test_blocks_are_runs_in_a_circle(block: int) -> None:
    counts = resample_blocks(12, block, 3000, np.random.default_rng(1))
    assert (counts.sum(axis=1) == 12).all()
    # Every year is drawn as often as any other.
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=5 * counts.std(axis=0).max() / np.sqrt(3000))
    # The variance of a mean over runs, by its closed form: 12 / block draws of one of 12 runs.
    values = np.random.default_rng(2).normal(size=12)
    runs = np.array([values[(start + np.arange(block)) % 12].mean() for start in range(12)])
    assert (counts @ values / 12).var() == pytest.approx(runs.var() * block / 12, rel=0.1, abs=1e-12)


@pytest.mark.parametrize(("clusters", "block"), [(0, 1), (3, 0), (3, 4)])
def test_blocks_that_cannot_be_drawn_are_refused(clusters: int, block: int) -> None:
    with pytest.raises(OptionError, match=r"clusters is 0|give a number from 1 to 3"):
        resample_blocks(clusters, block, 10, np.random.default_rng(1))


def by_hand(table: pandas.DataFrame, block: int, replicates: int = 3000) -> tuple[float, float]:
    """The interval of the Brier skill from tables put together again, with other random numbers."""
    rng = np.random.default_rng(77)
    years = [rows for _, rows in table.groupby(begun_in(table["origin"]))]
    found = []
    for _ in range(replicates):
        starts = rng.integers(0, len(years), -(-len(years) // block))
        chosen = [(start + step) % len(years) for start in starts for step in range(block)][: len(years)]
        rows = pandas.concat([years[k][["outcome", "model", "pooled_rate"]] for k in chosen])
        error, other = ((rows[name] - rows["outcome"]) ** 2 for name in ("model", "pooled_rate"))
        found.append(1 - error.mean() / other.mean())
    low, high = np.quantile(found, [0.05, 0.95])
    return float(low), float(high)


@pytest.mark.parametrize("block", [1, 2])
def test_intervals_are_those_of_tables_of_resampled_years(block: int) -> None:
    table = quarters()
    part = evaluate(table, pandas.DataFrame(), resampling=Resampling("years", block), replicates=3000).slices["all"]
    skill = part.performances["model"].skill
    low, high = by_hand(table, block, 600)
    assert skill is not None
    assert skill.low == pytest.approx(low, abs=0.15 * (high - low))
    assert skill.high == pytest.approx(high, abs=0.15 * (high - low))
    assert part.clusters == 12
    assert part.caution is not None
    assert part.caution.startswith("only 12 years in all")
    # Dyads are alike here and years are not: intervals of dyads pretend to know more.
    other = (
        evaluate(table, pandas.DataFrame(), resampling=BY_DYADS, replicates=3000).slices["all"].performances["model"]
    )
    assert other.skill is not None
    assert other.skill.high - other.skill.low < 0.7 * (skill.high - skill.low)


def test_where_no_more_years_are_there_than_stay_together_nothing_is_resampled() -> None:
    table = quarters(years=2)
    evaluation = evaluate(table, pandas.DataFrame(), resampling=Resampling("years", 2), replicates=60)
    part = evaluation.slices["all"]
    assert np.isnan([part.performances["model"].brier.low, part.performances["model"].brier.high]).all()
    assert part.caution is not None
    assert "nothing to resample" in part.caution
    told = skill_verdict(dataclasses.replace(part)).detail
    assert "there are too few years for an interval" in told
    cluster, counts = resample_rows(table, Resampling("years", 2), 60, 1, "all")
    assert (set(cluster.tolist()), counts.shape) == ({0}, (60, 1))


def test_the_ratio_is_what_was_forecast_over_what_came() -> None:
    table = quarters()
    found = evaluate(table, pandas.DataFrame(), resampling=Resampling("years"), replicates=500).slices["all"]
    ratio = found.performances["model"].ratio
    assert ratio is not None
    assert ratio.value == pytest.approx(0.25 * len(table) / table["outcome"].sum())
    assert ratio.low < ratio.value < ratio.high
    logs = found.performances["pooled_rate"].model_log_skill
    model, pooled = (found.performances[name].log_score.value for name in ("model", "pooled_rate"))
    assert logs is not None
    assert logs.value == pytest.approx(1 - model / pooled)
    assert found.performances["model"].model_log_skill is None
    none = evaluate(table.assign(outcome=0), pandas.DataFrame(), replicates=60).slices["all"].performances["model"]
    assert none.ratio is None


def test_origins_go_by_the_calendar() -> None:
    case = small_case()
    found, unscored = choose_origins(case, dt.date(2017, 1, 1), None, "quarter", 12)
    assert [(day.year, day.month) for day in found] == [(y, m) for y in (2017, 2018, 2019) for m in (3, 6, 9, 12)]
    assert unscored == tuple(dt.date(2020, m, d) for m, d in ((3, 31), (6, 30), (9, 30), (12, 31)))
    # A record that ends within a quarter is scored as far as it goes.
    earlier = case_as_of(case, dt.date(2020, 8, 20))
    found, _ = choose_origins(earlier, dt.date(2018, 10, 1), None, "quarter", 12)
    assert found == (dt.date(2018, 12, 31), dt.date(2019, 3, 31), dt.date(2019, 6, 30))
    years, _ = choose_origins(earlier, dt.date(2016, 1, 1), None, "year", 12)
    assert [day.year for day in years] == [2016, 2017, 2018]
    assert all((day.month, day.day) == (12, 31) for day in years)


def test_steps_that_a_case_cannot_take_are_refused() -> None:
    with pytest.raises(
        OptionError, match="every is 'fortnight'; give a number of periods, or one of month, quarter, year"
    ):
        choose_origins(small_case(), None, None, "fortnight", 12)
    with pytest.raises(OptionError, match="the case's periods are years; give a longer one"):
        choose_origins(panel_case(), None, None, "quarter", 1)
    assert choose_origins(panel_case(), None, None, "year", 1) == choose_origins(panel_case(), None, None, 1, 1)


def test_intervals_of_a_case_of_one_host_are_those_of_years_and_of_a_panel_of_dyads() -> None:
    tested = backtest(small_case(), dt.date(2018, 12, 31), every="quarter", draws=100, workers_count=1, joint=False)
    assert tested.resampling == Resampling("years", 2)
    assert not len(tested.vectors)
    ends = tested.at([dt.date(2018, 12, 31), dt.date(2019, 12, 31)])
    assert ends.resampling == Resampling("years", 1)
    assert len(ends.forecasts) == (tested.forecasts["origin"].str.endswith("12-31")).sum() > 0
    assert set(ends.peaks["origin"]) == set(ends.health["origin"]) == {"2018-12-31", "2019-12-31"}
    assert ends.evaluate().slices["all"].clusters == 2
    with pytest.raises(OptionError, match="2019-01-31 is no origin of this backtest"):
        tested.at([dt.date(2019, 1, 31)])
    with pytest.raises(OptionError, match="no origin is named"):
        tested.at([])
    panel = backtest(panel_case(), dt.date(2018, 12, 31), draws=100, workers_count=1)
    assert panel.resampling == BY_DYADS
    assert not len(panel.vectors)
