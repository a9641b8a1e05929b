"""Results as people see them in a notebook: small tables that hold the numbers, and frames that hold all of them."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import riskcast
from riskcast.forecasting.estimates import Estimate
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import signed_range
from tests.support.cases import event, indicator, make_case, quantity

CASE = "central_asia_2024"


class Reader(HTMLParser):
    """Reads the cells, captions and notes of a table, and every tag there is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.notes: list[str] = []
        self.caption = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "p":
            self.notes.append("")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        inside = next(tag for tag in reversed(self.tags) if not tag.startswith("/"))
        if inside in ("td", "th"):
            self.rows[-1][-1] += data
        elif inside == "p":
            self.notes[-1] += data
        elif inside == "caption":
            self.caption += data


def read(shown: Any) -> Reader:
    found = Reader(shown._repr_html_())
    assert "script" not in found.tags
    assert not [name for name, _ in found.attributes if name in ("src", "href") or name.startswith("on")]
    return found


@pytest.fixture(scope="module")
def case() -> riskcast.Case:
    return riskcast.load_case(CASE)


@pytest.fixture(scope="module")
def ahead(case: riskcast.Case) -> riskcast.Forecast:
    return riskcast.forecast(riskcast.fit(case, draws=200, seed=1), "second_attack")


def test_a_case_shows_what_it_holds(case: riskcast.Case) -> None:
    cells = {row[0]: row[1] for row in read(case).rows if len(row) == 2}
    assert cells["Dyads"].startswith("5: RUS-KAZ, RUS-KGZ")
    assert cells["Outcomes"].startswith("11: ")
    assert cells["Record"] == f"{len(case.event_rows)} rows"
    assert cells["Hash"] == case.hash[:12]
    frame = case.to_frame().set_index("quantity")
    assert list(frame.index) == [key for key, _, _ in case.quantities()]
    now = case.now_of("xenophobia", case.host)
    assert tuple(frame.loc["indicators.xenophobia.now", ["center", "low", "high"]]) == (now.center, *now.range)


def test_a_posterior_shows_its_health_and_hands_on_every_shared_parameter(ahead: riskcast.Forecast) -> None:
    posterior = ahead.posterior
    rows = {row[0]: row[1:] for row in read(posterior).rows[1:]}
    drawn = posterior.events["demarche"]
    assert rows[posterior.case.events["demarche"].label] == [f"{drawn.khat:.2f}", f"{drawn.ess:,.0f}", "–"]
    frame = posterior.to_frame().set_index(["event", "parameter"])
    own = sum(d.coefficients.shape[1] + len(d.hyper) for d in posterior.events.values())
    shared = set(frame.index.get_level_values("event")) - set(posterior.events)
    assert len(shared) == 1
    assert len(frame) == own + len(frame.loc[shared.pop()])
    first = posterior.models["demarche"].coefficients[0]
    assert frame.loc[("demarche", first), "mean"] == pytest.approx(np.exp(drawn.coefficients[:, 0]).mean())
    assert frame.loc[("demarche", first), "low"] == pytest.approx(np.quantile(np.exp(drawn.coefficients[:, 0]), 0.05))


def test_a_forecast_shows_the_probabilities_of_its_frame(ahead: riskcast.Forecast) -> None:
    found = read(ahead)
    frame = ahead.to_frame().set_index(["event", "dyad"])
    row = next(r for r in found.rows if r[:2] == [ahead.case.events["demarche"].label, "RUS-TJK"])
    assert row[2] == riskcast.percent(frame.loc[("demarche", "RUS-TJK"), "probability"])
    (note,) = found.notes
    assert "second attack" in note
    assert "as of 2024-05-06" in note
    assert ahead.case.hash[:12] in note


def test_scores_and_explanations_show_the_same_points(ahead: riskcast.Forecast) -> None:
    risk = riskcast.score(ahead)
    rows = {row[0]: row for row in read(risk).rows[1:]}
    for dyad in risk.dyads:
        assert rows[dyad.partner_name][1] == dyad.band
        assert rows[dyad.partner_name][3:] == [f"{dyad.score.mean:.0f}", f"{dyad.score.low:.0f}–{dyad.score.high:.0f}"]
    explanation = riskcast.explain(ahead, paths=200)
    shown = read(explanation).rows[1:]
    parts = [float(cell.replace("−", "-").replace("+", "")) for *_, cell in shown]
    ends = [place for place, row in enumerate(shown) if row[1] == "score"]
    for begin, end in zip([0, *(place + 1 for place in ends)], ends, strict=False):
        assert sum(parts[begin:end]) == pytest.approx(parts[end], abs=0.05 * (end - begin + 1))


def test_a_contrast_says_which_way_it_goes(ahead: riskcast.Forecast) -> None:
    change = riskcast.contrast(ahead, riskcast.forecast(ahead.posterior))
    found = read(change)
    assert found.caption == "second_attack less baseline"
    assert [row[2] for row in found.rows[1:6]] == [signed_range(e) for e in change.score.values()]


def test_scenarios_show_and_tell_what_they_assume(case: riskcast.Case) -> None:
    assumed = case.scenario("second_attack")
    frame = assumed.to_frame()
    assert len(frame) == len(assumed.indicators) + len(assumed.events)
    assert set(frame["verb"]) <= {"set", "shift", "multiply", "happens"}
    assert [row[0] for row in read(assumed).rows[1:]] == frame["what"].tolist()
    assert read(case.scenario("baseline")).rows[1][0] == "nothing is assumed"


def test_priors_against_the_record_show_their_verdicts(case: riskcast.Case) -> None:
    report = riskcast.report_coverage(case, draws=200)
    rows = {row[0]: row for row in read(report).rows[1:]}
    for check in report.priors:
        assert rows[check.label][1:3] == [check.verdict, str(check.recorded)]
    assert report.to_frame()["recorded"].tolist() == [check.recorded for check in (*report.priors, report.jointly)]


def test_backtests_and_their_scores_are_shown() -> None:
    case = make_case({"a": event(quantity(0.4, 0.2, 0.7))}, years=8, sd_dyad=quantity(0.5, 0.2, 1.2))
    tested = riskcast.backtest(case, draws=200, workers_count=1)
    frame = tested.to_frame()
    (row,) = read(tested).rows[1:]
    assert row == ["a", f"{len(frame)}", f"{frame['outcome'].sum():.0f}", f"{frame['model'].sum():,.1f}"]
    evaluation = tested.evaluate()
    rows = {row[0]: row for row in read(evaluation).rows[1:]}
    brier = ((frame["model"] - frame["outcome"]) ** 2).mean()
    assert rows["model"][1] == f"{brier:.4f}"


def test_a_calibration_shows_its_blocks() -> None:
    case = make_case({"a": event(quantity(0.6, 0.3, 0.9))}, years=3, sd_dyad=quantity(0.5, 0.2, 1.2))
    found = riskcast.calibrate(case, 20, draws=100, seed=7)
    shown = read(found)
    assert [row[0] for row in shown.rows[1:]] == [one.label for one in found.histograms.values()]
    assert f"p = {found.p_value:.2f}" in shown.notes[0]


def test_a_posterior_that_failed_its_checks_is_marked_wherever_its_numbers_stand(ahead: riskcast.Forecast) -> None:
    health = replace(ahead.posterior.diagnostics, failures=("demarche: Pareto k-hat 0.91 is above 0.7",))
    failed = replace(ahead, posterior=replace(ahead.posterior, diagnostics=health))
    for shown in (failed.posterior, failed, riskcast.score(failed)):
        assert "do not rely on these numbers: demarche: Pareto k-hat 0.91" in read(shown).notes[0]


def test_texts_of_a_case_stay_texts() -> None:
    hostile = '<script>alert("1")</script>'
    case = make_case(
        {"a": event(quantity(0.6, 0.3, 0.9), label=hostile)},
        indicators={"x": indicator(label=hostile)},
    )
    ahead = riskcast.forecast(riskcast.fit(case, draws=200, seed=1))
    for shown in (case, ahead.posterior, ahead, riskcast.score(ahead), riskcast.explain(ahead, paths=100)):
        read(shown)
    assert any(hostile in cell for row in read(ahead).rows for cell in row)


def test_long_tables_are_cut_and_counted() -> None:
    found = Reader(to_html(Table("Many", (Column("n", form="count"),), [(each,) for each in range(20_000)]), most=10))
    assert len(found.rows) == 11
    assert found.notes == ["19,990 more rows: see to_frame(). "]


def test_a_difference_that_rounds_to_nothing_has_no_sign() -> None:
    assert signed_range(Estimate(0.01, -0.04, 0.26)) == "0.0 (0.0 to +0.3)"


def test_a_forecast_of_many_pairs_is_cut_and_counted() -> None:
    partners = 100
    case = make_case({"quarrel": event(quantity(0.3), severity=30.0)}, partners=partners, years=1)
    found = read(riskcast.forecast(riskcast.fit(case, draws=100, prior_only=True), horizon=2))
    assert len(found.rows) == 1 + 60
    assert f"{partners - 60} more rows" in found.notes[0]


def test_results_tell_themselves_in_one_short_line(ahead: riskcast.Forecast) -> None:
    risk = riskcast.score(ahead)
    change = riskcast.contrast(ahead, ahead)
    explanation = riskcast.explain(ahead, paths=50)
    shown = [repr(x) for x in (ahead.case, ahead.posterior, ahead, risk, change, explanation)]
    assert all("\n" not in line and len(line) < 500 for line in shown)
    worst = max(risk.dyads, key=lambda dyad: dyad.score.mean)
    assert (
        f"{worst.id} {riskcast.score_text(worst.score.mean, risk.forecast.case.settings.bands)} ({worst.band})"
        in repr(risk)
    )
    assert "checks passed" in repr(risk)
    failed = replace(ahead.posterior, diagnostics=replace(ahead.posterior.diagnostics, failures=("a: k-hat",)))
    assert "CHECKS FAILED" in repr(failed)


def test_remembered_events_and_quantities_are_tables_too(ahead: riskcast.Forecast) -> None:
    events = riskcast.remembered_events(ahead.posterior, "RUS-TJK")
    frame = events.to_frame()
    assert frame["day"].tolist() == [event.when for event in events]
    assert frame["left"].between(5, 100).all()
    assert [row[0] for row in read(events).rows[1:]] == frame["day"].tolist()[:30]
    now = ahead.case.now_of("unpredictability", ahead.case.host)
    assert read(now).rows[1] == ["7.5", "6 to 9"]
    assert now.to_frame().loc[0, ["center", "low", "high"]].tolist() == [7.5, 6.0, 9.0]
