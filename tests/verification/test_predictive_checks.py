"""Records drawn from a posterior, against closed forms and statistics made by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.engines.fitting import fit
from riskcast.engines.hazard import build_event_model
from riskcast.engines.posterior import Posterior
from riskcast.engines.shared import build_shared
from riskcast.errors import OptionError
from riskcast.machinery.random_streams import generator
from riskcast.record.arrays import build_record
from riskcast.verification.predictive_checks import (
    ALIKE,
    DYAD_YEARS,
    LABELS,
    SHARE,
    SPREAD,
    TOGETHER,
    _new_shocks,
    _new_tension,
    _placed,
    check_predictive,
    replicate,
    statistics,
)
from tests.support.cases import event, event_row, make_case, quantity, random_case, searched

SINCE = dt.date(2019, 1, 1)


def plain_case(rate: float = 0.6) -> Case:
    """Two event types of three dyads with known rates, of which nothing feeds back, over six years."""
    rows = tuple(event_row(dt.date(2016, m, 3), "a", "HHH-P001") for m in (2, 5, 9))
    return make_case({"a": event(quantity(rate)), "b": event(quantity(0.3), kind="trigger")}, rows=rows)


def column(drawn: np.ndarray, name: str) -> np.ndarray:
    return drawn[:, list(LABELS).index(name)]


def test_statistics_by_hand() -> None:
    rows = (
        event_row(dt.date(2015, 3, 3), "a", "HHH-P001"),
        event_row(dt.date(2015, 4, 3), "a", "HHH-P001"),
        event_row(dt.date(2015, 4, 9), "a", "HHH-P001"),
        event_row(dt.date(2015, 4, 3), "b", "HHH-P002"),
        event_row(dt.date(2017, 4, 3), "a", "HHH-P002"),
        event_row(dt.date(2019, 7, 3), "b", "HHH-P003"),
        event_row(dt.date(2020, 7, 3), "a", "HHH-P001"),
    )
    case = plain_case().revised(event_rows=rows)
    posterior = fit(case, draws=100, prior_only=True)
    found = statistics(posterior, build_record(case), posterior.record.timeline.index(SINCE))
    # Two events of one type and dyad in one month are one unit-month.
    yearly = np.array([3, 0, 1, 0, 1, 1])
    assert found[SHARE] == pytest.approx(2 / 6)
    assert found[SPREAD] == pytest.approx(yearly.var(ddof=1))
    # Of the dyad-years with an own outcome, those with a trigger alone are none.
    assert found[DYAD_YEARS] == 3
    dyads = np.array([[2, 0, 0, 0, 0, 1], [1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0]])
    assert found[ALIKE] == pytest.approx(np.corrcoef(dyads)[np.triu_indices(3, 1)].mean())
    types = np.array([[2, 0, 1, 0, 0, 1], [1, 0, 0, 0, 1, 0]])
    assert found[TOGETHER] == pytest.approx(np.corrcoef(types)[0, 1])


def test_years_of_which_the_record_has_a_part_are_no_years() -> None:
    case = plain_case()
    early = case.revised(settings={**case.settings.model_dump(), "as_of": dt.date(2020, 4, 30), "recorded_until": None})
    early = searched(early, ("ALL", "ALL", dt.date(2015, 1, 1), dt.date(2020, 4, 30), 1.0))
    posterior = fit(early, draws=100, prior_only=True)
    found = statistics(posterior, posterior.record, posterior.record.timeline.index(SINCE))
    assert found[SPREAD] == pytest.approx(np.array([0, 3, 0, 0, 0]).var(ddof=1))


def test_drawn_records_have_the_moments_of_independent_months() -> None:
    case = plain_case()
    posterior = fit(case, draws=400, prior_only=True)
    drawn = replicate(posterior, range(400), posterior.record.timeline.index(SINCE), True, 1)
    chance = {name: 1 - (1 - p) ** (1 / 12) for name, p in (("a", 0.6), ("b", 0.3))}
    wanted = {
        SHARE: 2 / 6,
        SPREAD: 36 * sum(p * (1 - p) for p in chance.values()),
        DYAD_YEARS: 3 * 6 * 0.6,
        ALIKE: 0.0,
        TOGETHER: 0.0,
    }
    for name, mean in wanted.items():
        own = column(drawn, name)
        own = own[~np.isnan(own)]
        assert own.mean() == pytest.approx(mean, abs=5 * own.std() / math.sqrt(len(own))), name


def tense(loading: float) -> Posterior:
    events = {name: event(quantity(0.5), tension=quantity(loading)) for name in ("a", "b")}
    case = make_case(events, years=10)
    tension = {"period": "quarter", "persistence": quantity(0.9), "loading": quantity(0.5)}
    case = case.revised(settings={**case.settings.model_dump(), "tension": tension}, events=case.events)
    return fit(case, draws=200, prior_only=True)


def test_tension_drawn_anew_makes_years_and_types_alike() -> None:
    calm, restless = (replicate(posterior, range(200), 100, True, 1) for posterior in (tense(0.0), tense(1.0)))
    assert np.nanmean(column(restless, SPREAD)) > 3 * np.nanmean(column(calm, SPREAD))
    assert np.nanmean(column(restless, TOGETHER)) > np.nanmean(column(calm, TOGETHER)) + 0.3
    assert np.nanmean(column(restless, ALIKE)) > np.nanmean(column(calm, ALIKE)) + 0.2


def test_new_shocks_follow_the_process_and_kept_ones_the_posterior() -> None:
    posterior = tense(0.7)
    model = build_event_model(posterior.case, posterior.record, "a")
    shared = build_shared(posterior.case, posterior.record)
    one, rng = posterior.events["a"].take(slice(7, 8)), generator(3, "a test")
    g = np.concatenate([_new_tension(shared, posterior.shared, 7, rng) for _ in range(6000)])
    wanted = 0.9 ** np.abs(np.arange(4)[:, None] - np.arange(4))
    np.testing.assert_allclose(np.cov(g[:, :4].T), wanted, atol=0.1)
    np.testing.assert_allclose(_new_shocks(model, one, g[:1], rng), 0.7 * g[:1] - 0.245)
    case = random_case(2)
    drawn = fit(case, draws=200, prior_only=True)
    model, own = drawn.models["protest"], drawn.events["protest"].take(slice(3, 4))
    many = np.concatenate([_new_shocks(model, own, None, rng) for _ in range(6000)])
    sd, rho = float(own.hyper["sd_time"][0]), float(own.hyper["persistence"][0])
    assert many.std(axis=0) == pytest.approx(sd, rel=0.1)
    assert np.corrcoef(many[:, 0], many[:, 1])[0, 1] == pytest.approx(rho, abs=0.08)
    np.testing.assert_array_equal(drawn.events["protest"].take(slice(3, 4)).shocks, drawn.events["protest"].shocks[3:4])


def test_a_burst_that_the_model_cannot_make_is_odd() -> None:
    rows = tuple(event_row(dt.date(2020, m, d), "a", f"HHH-P00{d}") for m in range(1, 13) for d in (1, 2, 3))
    case = make_case({"a": event(quantity(0.6, 0.2, 0.9))}, rows=rows)
    posterior = fit(case, draws=200, allow_unreliable=True)
    found = {one.statistic: one for one in check_predictive(posterior, dt.date(2020, 1, 1), 50)}
    assert found[SHARE].recorded == 1.0
    assert found[SHARE].p_value < 0.02
    assert found[SHARE].is_odd
    assert found[SPREAD].p_value < 0.05
    assert found[DYAD_YEARS].p_value > 0.95
    assert found[SHARE].label == "Share of events since 2020-01-01"


def test_ties_count_half_and_what_is_undefined_not_at_all() -> None:
    found = _placed("a", "A", 2.0, np.array([1.0, 2.0, 2.0, 3.0, np.nan]))
    assert (found.p_value, found.median, found.drawn, found.is_odd) == (0.5, 2.0, 4, False)
    none = _placed("a", "A", 2.0, np.array([np.nan]))
    assert none.drawn == 0
    assert math.isnan(none.p_value)


def test_the_same_digits_on_any_workers_and_progress_is_told() -> None:
    posterior = dataclasses.replace(fit(random_case(1), draws=100, allow_unreliable=True))
    calls: list[tuple[int, int]] = []
    here = check_predictive(posterior, SINCE, 20, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(10, 20), (20, 20)]
    assert here == check_predictive(posterior, SINCE, 20, workers_count=2)
    assert here != check_predictive(posterior, SINCE, 20, new_years=False)


@pytest.mark.parametrize(
    ("since", "records", "message"),
    [
        (SINCE, 19, "records is 19; give a number from 20 to the 100 draws"),
        (SINCE, 101, "records is 101"),
        (
            dt.date(2015, 1, 1),
            20,
            "since is 2015-01-01; give a day of the record, after 2015-01-01 and up to 2020-12-31",
        ),
        (dt.date(2021, 1, 1), 20, "since is 2021-01-01"),
    ],
)
def test_bad_options_are_told(since: dt.date, records: int, message: str) -> None:
    posterior = fit(plain_case(), draws=100, prior_only=True)
    with pytest.raises(OptionError, match=message):
        check_predictive(posterior, since, records)
