"""A row that is missing ends nothing; what a record lacks is told."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from riskcast import CaseError, case_as_of, fit, forecast
from riskcast.record.arrays import build_record
from riskcast.record.gaps import find_gaps
from tests.support.cases import event, event_row, make_case, quantity
from tests.support.smallpanel import GONE, panel_case, table

STAY = ("case.yaml", "  ended_after: 1\n", "")


def test_a_dyad_that_lacks_its_last_row_is_forecast_from_the_one_before() -> None:
    rows = table()
    lacking = rows[~((rows["dyad"] == "AAA-CCC") & (rows["period"] >= "2012"))]
    whole, gappy = panel_case(rows, edits=(STAY,)), panel_case(lacking, edits=(STAY,))
    posterior = fit(gappy, draws=200, allow_unreliable=True)
    ahead = forecast(posterior)
    assert ahead.dyads == whole.dyads
    column = gappy.dyads.index("AAA-CCC")
    assert posterior.record.behind[column] == 2
    last = lacking[lacking["dyad"] == "AAA-CCC"].iloc[-1]
    assert posterior.record.today["mood"][column] == pytest.approx((last["mood"] - 50.0) / 10.0)
    probability = ahead.probability("clash", "AAA-CCC")
    assert 0.0 < probability.low < probability.mean < probability.high < 1.0
    held = find_gaps(gappy, posterior.record)
    assert (set(held.held), held.oldest) == ({"AAA-CCC", GONE}, 4)
    (told,) = posterior.cautions
    assert "2 dyads lack the panel's freshest row (AAA-CCC, CCC-DDD)" in told
    assert "up to 4 years old" in told
    assert told in posterior.warning


@pytest.mark.parametrize(
    ("edit", "present"),
    [
        ("  ended_after: 4\n", False),
        ("  ended_after: 5\n", True),
        ("  until: {CCC-DDD: '2009'}\n", False),
        ("  until: {CCC-DDD: '2012'}\n", False),
        ("  until: {CCC-DDD: '2013'}\n", True),
        ("", True),
    ],
)
def test_the_end_of_a_dyad_is_stated(edit: str, present: bool) -> None:
    case = panel_case(edits=(("case.yaml", "  ended_after: 1\n", edit),))
    record = build_record(case)
    assert record.present[case.dyads.index(GONE)] == present
    assert (GONE in find_gaps(case, record).ended) != present


def test_an_end_that_is_yet_to_come_is_not_known() -> None:
    case = panel_case(edits=(("case.yaml", "  ended_after: 1\n", "  until: {CCC-DDD: '2009'}\n"),))
    then = case_as_of(case, dt.date(2008, 12, 31))
    assert build_record(then).present.all()
    after = build_record(case_as_of(case, dt.date(2010, 12, 31)))
    assert not after.present[case.dyads.index(GONE)]


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("{CCC-DDE: '2009'}", "'CCC-DDE' is not a dyad of the panel; did you mean 'CCC-DDD'"),
        ("{CCC-DDD: '2009-05'}", "is '2009-05', not a year; write its last year as 1961"),
        ("{CCC-DDD: '2008'}", "is 2008, but the panel has a row of 2009; correct the period, or remove the rows"),
    ],
)
def test_an_end_that_cannot_be_meant_is_refused(until: str, words: str) -> None:
    with pytest.raises(CaseError) as refused:
        panel_case(edits=(("case.yaml", "  ended_after: 1\n", f"  until: {until}\n"),))
    assert words in str(refused.value)
    assert "panel.until" in str(refused.value)


def test_a_record_that_reaches_its_day_or_nearly_needs_no_words() -> None:
    rows = tuple(event_row(dt.date(2020, month, 5), "a", "HHH-P001") for month in range(1, 13))
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6))}, rows=rows)
    assert find_gaps(case, build_record(case)).told == ()
    unstated = case.settings.model_copy(update={"recorded_until": None})
    nearly = case.revised(settings=unstated)
    assert find_gaps(nearly, build_record(nearly)).told == ()
    later = unstated.model_copy(update={"as_of": dt.date(2022, 6, 7)})
    (told,) = fit(case.revised(settings=later), draws=100, allow_unreliable=True).cautions
    assert told.startswith("The record of events ends with its last row on 2020-12-05, 549 days before 2022-06-07.")


def test_what_is_not_searched_does_not_make_a_forecast_more_peaceful() -> None:
    rows = tuple(event_row(dt.date(2015 + n // 4, 1 + 3 * (n % 4), 5), "a", "HHH-P001") for n in range(24))
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6))}, rows=rows)
    later = {"as_of": dt.date(2023, 12, 31)}
    silent = case.revised(settings=case.settings.model_copy(update=later | {"recorded_until": None}))
    peace = case.revised(settings=case.settings.model_copy(update=later | {"recorded_until": dt.date(2023, 12, 31)}))
    now, unknown, quiet = (
        np.mean(forecast(fit(one, draws=400, allow_unreliable=True)).estimates["a"].mean)
        for one in (case, silent, peace)
    )
    assert unknown == pytest.approx(now, rel=0.05)
    assert quiet < 0.85 * now
