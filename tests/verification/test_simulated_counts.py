"""A simulated year ahead against the record: rates in closed form, years counted by hand, words and JSON."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from riskcast import fit, report_coverage
from riskcast.case.model import Case, EventRow
from riskcast.cli.commands import main
from riskcast.verification.coverage import coverage_data
from riskcast.verification.simulated_counts import BEYOND, FEWER, MORE, SimulatedCount, simulated_year
from tests.support.cases import edge, event, event_row, make_case, quantity, searched
from tests.support.smallpanel import PRESENT, panel_case

FIRST, LAST = dt.date(2011, 1, 1), dt.date(2020, 12, 31)


def rows(*years: tuple[int, int]) -> tuple[EventRow, ...]:
    """So many events in a year, each in a month of its own."""
    return tuple(
        event_row(dt.date(year, month + 1, 7), "a", "HHH-P001") for year, count in years for month in range(count)
    )


def small(base: float, *found: tuple[int, int], **changes: Any) -> Case:
    return make_case({"a": event(quantity(base))}, years=10, partners=2, rows=rows(*found), **changes)


def only(case: Case) -> SimulatedCount:
    (one,) = simulated_year(fit(case, draws=2000, prior_only=True), paths=4)
    return one


def test_a_constant_rate_has_its_closed_form() -> None:
    one = only(small(0.5))
    months = 24 * (1 - 0.5 ** (1 / 12))
    assert abs(one.mean - months) < 5 * math.sqrt(months / 8000)
    assert (one.low, one.a_year, one.lately, one.most) == (0.0, 0.0, 0.0, 0)


def test_years_of_the_record_are_counted() -> None:
    one = only(small(0.5, (2012, 3), (2016, 1), (2020, 2)))
    # Two months of ten years of two dyads in which the one or the other had an event.
    assert (one.a_year, one.lately, one.most) == (pytest.approx(0.6), pytest.approx(0.6), 3)
    one = only(small(0.5, (2012, 3)))
    assert (one.a_year, one.lately, one.most) == (pytest.approx(0.3), 0.0, 3)


def test_a_record_of_which_less_was_found_is_held_against_what_is_found_today() -> None:
    case = small(0.5, (2012, 4), (2019, 2))
    middle = dt.date(2015, 12, 31)
    case = searched(case, ("a", "ALL", FIRST, middle, 0.4), ("a", "ALL", middle + dt.timedelta(days=1), LAST, 0.8))
    one = only(case)
    # Five years at half of today's recall are as much as two and a half.
    assert (one.a_year, one.lately) == (pytest.approx(6 / 7.5), pytest.approx(2 / 5))
    months = 24 * (1 - 0.5 ** (0.8 / 12))
    assert abs(one.mean - months) < 5 * math.sqrt(months / 8000)


def test_what_was_never_searched_is_not_known() -> None:
    one = only(searched(small(0.5, (2011, 2)), ("a", "ALL", FIRST, dt.date(2012, 12, 31), 1.0)))
    assert one.a_year == pytest.approx(1.0)
    assert math.isnan(one.lately)
    assert one.recorded == one.a_year
    assert "the record has 1 a year: as recorded" in one.told("unit-months")
    silent = replace(one, a_year=math.nan)
    assert silent.verdict == ""
    assert silent.told("unit-months").endswith("the record is silent.")


@pytest.mark.parametrize(
    ("ahead", "record", "verdict"),
    [
        ((13.5, 0.0, 39.0), (0.16, 0.6, 3), "22 times as many"),
        ((5.0, 3.0, 9.0), (0.5, 0.2, 2), BEYOND),
        ((1.5, 0.0, 3.0), (0.0, 0.0, 0), MORE),
        ((0.2, 0.0, 1.0), (0.05, 0.0, 1), "as recorded"),
        ((0.2, 0.0, 1.0), (1.5, 0.4, 4), FEWER),
        ((4.0, 1.0, 8.0), (1.0, 2.2, 5), "as recorded"),
    ],
)
def test_the_verdict_is_by_the_larger_average_and_by_the_fullest_year(
    ahead: tuple[float, float, float], record: tuple[float, float, int], verdict: str
) -> None:
    assert SimulatedCount("a", "A", *ahead, *record).verdict == verdict


def test_dyads_that_are_gone_count_in_the_record_by_their_periods() -> None:
    case = panel_case()
    posterior = fit(case, draws=200, allow_unreliable=True)
    for one in simulated_year(posterior):
        record = posterior.record
        units = len(PRESENT) if case.events[one.event].scope == "dyad" else 1
        rate = record.counted[one.event].sum() / record.at_risk[one.event].sum()
        assert one.a_year == pytest.approx(rate * units * case.periods_per_year)


def test_excitement_that_runs_away_is_told_in_words_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    loop = edge("a", "a", quantity(7.0), whose="own", memory="fast", acts="next")
    case = make_case(
        {"a": event(quantity(0.9)), "calm": event(quantity(0.1), label="Calm")},
        [loop],
        years=10,
        partners=2,
        rows=rows((2012, 1)),
        half_life=quantity(9.0),
    )
    report = report_coverage(case, draws=200, simulate=True)
    found = {one.event: one.verdict for one in report.year_ahead}
    assert found == {"a": BEYOND, "calm": "as recorded"}
    data = json.loads(json.dumps(coverage_data(report)))
    (wild,) = [one for one in data["year_ahead"] if one["event"] == "a"]
    assert (wild["verdict"], wild["most"], data["year_ahead_unit"]) == (BEYOND, 1, "unit-months")
    assert not report_coverage(case, draws=200).year_ahead


def test_the_command_prints_both(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["check", "central_asia_2024", "--simulate"])
    assert done.value.code in (0, None)
    printed = " ".join(capsys.readouterr().out.split())
    assert "A simulated year ahead against the record" in printed
    assert "Travel advisory" in printed.partition("A simulated year ahead")[2]
    with pytest.raises(SystemExit):
        main(["check", "central_asia_2024", "--json"])
    data = json.loads(capsys.readouterr().out)
    assert data["year_ahead"] == []
    assert len(data["priors"]) == 16
    assert {one["measure"] for one in data["by_year"]} == {"busiest", "quiet"}
    assert "effects.abuse_incident->demarche" in data["drawn_from_record"]
    assert np.isfinite([one["median"] for one in data["priors"]]).all()
