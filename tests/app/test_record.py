"""The page Record: what is listed, what filters leave, and what record and priors say alone."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from parts import markdown
from state import results
from state.session import View
from tests.support.places import ROOT
from tests.support.smallcase import write_files
from tests.support.smallpanel import panel_case
from views import record

NAME = "central_asia_2024"
TJK = "RUS-TJK"
EVENTS = ROOT / "priors" / NAME / "history" / "events.csv"


def page() -> None:
    import sidebar
    from views import record

    sidebar.show()
    record.show()


def opened(view: View | None = None) -> AppTest:
    """The page in a fresh session, or one that looks at something."""
    app = AppTest.from_function(page, default_timeout=60)
    if view is not None:
        app.session_state["undo"], app.session_state["redo"], app.session_state["view"] = [], [], view
    app.run()
    assert not app.exception
    return app


def listed() -> list[dict[str, str]]:
    """The rows of the file, as the standard library reads them."""
    with EVENTS.open(encoding="utf-8", newline="") as opened_file:
        return list(csv.DictReader(opened_file))


def shown(app: AppTest) -> list[dict[str, str]]:
    return app.main.dataframe[0].value.to_dict("records")


@pytest.fixture(scope="module")
def view() -> View:
    return View(riskcast.load_case(NAME))


def test_the_page_lists_every_event_with_the_line_that_holds_it() -> None:
    app = opened()
    rows, lines = shown(app), EVENTS.read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(listed())
    for row in rows:
        file, _, line = row["Written in"].partition(":")
        assert file == "history/events.csv"
        cells = next(csv.reader([lines[int(line) - 1]]))
        assert cells[0].startswith(row["Date"])
        assert (cells[5], cells[7]) == (row["What"], row["Status"])
    assert len({row["Written in"] for row in rows}) == len(rows)
    assert [row["Date"] for row in rows][:1] == [max(row["date"] for row in listed())]


def test_the_page_says_that_absence_proves_nothing() -> None:
    assert any("no proof that nothing happened" in item.value for item in opened().main.info)


def test_filters_of_the_page_leave_what_they_say(view: View) -> None:
    app = opened()
    chosen = {"Type": ["demarche", "travel_advisory"], "Pair": [TJK, "RUS-KGZ"]}
    for label, values in chosen.items():
        next(item for item in app.main.multiselect if item.label == label).set_value(values)
    app.main.slider[0].set_value((2015, 2024))
    next(item for item in app.main.button_group if item.label == "Status").set_value(["located"])
    app.run()
    assert not app.exception
    expected = [
        row
        for row in listed()
        if row["type"] in chosen["Type"]
        and row["dyad"] in chosen["Pair"]
        and row["status"] == "located"
        and "2015" <= row["date"][:4] <= "2024"
    ]
    assert 0 < len(expected) < len(listed())
    assert sorted(row["What"] for row in shown(app)) == sorted(row["description"] for row in expected)
    assert f"{len(expected)} of {len(listed())} events." in [item.value for item in app.main.caption]


def test_filters_that_leave_nothing_say_so() -> None:
    app = opened()
    next(item for item in app.main.multiselect if item.label == "Type").set_value(["rupture"])
    next(item for item in app.main.multiselect if item.label == "Pair").set_value(["RUS-KAZ"])
    app.run()
    assert not app.exception
    assert any("No event passes" in item.value for item in app.main.warning)


def test_each_filter_alone(view: View) -> None:
    rows, written = view.case.event_rows, listed()
    assert record.filter_rows(rows) == list(rows)
    filters: dict[str, Callable[[str], list[Any]]] = {
        "type": lambda value: record.filter_rows(rows, types=[value]),
        "dyad": lambda value: record.filter_rows(rows, units=[value]),
        "status": lambda value: record.filter_rows(rows, statuses=[value]),
    }
    for column, filtered in filters.items():
        for value in {row[column] for row in written}:
            left = filtered(value)
            assert [row.description for row in left] == [row["description"] for row in written if row[column] == value]
    years = record.filter_rows(rows, years=(2014, 2016))
    assert len(years) == sum(row["date"][:4] in ("2014", "2015", "2016") for row in written)
    assert {row.date.year for row in years} == {2014, 2015, 2016}


def test_an_event_in_full_names_every_source_with_its_line(view: View) -> None:
    places = riskcast.find_places(view.case)
    assert places is not None
    row = next(row for row in view.case.event_rows if len(row.sources) > 1)
    card = record.event_card(view.case, row, places)
    assert markdown.escape(row.description) in card
    assert f"`{places.row(row)}`" in card
    for name in row.sources:
        source = view.case.sources[name]
        assert markdown.escape(source.title) in card
        assert f"`{places.source(name)}`" in card
        assert str(markdown.link(source.title, source.url)) in card


def test_an_event_added_in_the_app_is_listed_as_such(view: View) -> None:
    row = {
        "date": "2024-05-05",
        "precision": "day",
        "type": "demarche",
        "dyad": "RUS-UZB",
        "initiator": "UZB",
        "description": "A note heard of today",
        "sources": [],
        "status": "unverified",
    }
    app = opened(View(view.case, observed=(row,)))
    first = shown(app)[0]
    assert (first["What"], first["Written in"]) == ("A note heard of today", "added in the app")
    assert first["Date"] == "2024-05-05"
    assert shown(app)[1]["Written in"].startswith("history/events.csv:")


def test_coverage_is_that_of_the_package_and_each_series_can_be_drawn(view: View) -> None:
    app = opened()
    report = riskcast.report_coverage(view.case)
    with_values = [one for one in report.series if one.values]
    table = app.main.dataframe[1].value
    assert list(table["Indicator"]) == [one.label for one in with_values]
    assert list(table["Values"]) == [one.values for one in with_values]
    assert list(table["Covers"]) == pytest.approx([100 * one.share for one in with_values])
    for one in with_values:
        next(item for item in app.main.selectbox if item.label == "Series").set_value(one.indicator).run()
        assert not app.exception
        values = app.main.dataframe[2].value
        assert len(values) == one.values
        assert all(place.startswith("history/indicators.csv:") for place in values["Written in"])


def test_record_alone_is_the_share_of_past_windows(view: View) -> None:
    result, priors = results.current(view), results.priors_alone(view)
    line, as_of = result.posterior.record.timeline, view.case.as_of
    windows = line.complete // 12
    # A search that always found as much: what it will find is what it found.
    recalls = {event: {row.recall for row in view.case.coverage if row.type == event} for event in view.case.events}
    steady = {event for event, found in recalls.items() if len(found) == 1}
    assert len(steady) > 2
    for voices in record.compare(result, priors, TJK):
        if view.case.events[voices.past.event].recorded_from is not None or voices.past.event not in steady:
            continue
        hits: dict[str, set[int]] = {unit: set() for unit in view.case.units(voices.past.event)}
        for row in view.case.event_rows:
            window = (line.complete - 1 - line.index(row.placed_on)) // 12
            if row.type == voices.past.event and 0 <= window < windows and row.known_on <= as_of:
                for unit in hits if row.dyad == "ALL" else [row.dyad]:
                    hits[unit].add(window)
        pooled = (sum(map(len, hits.values())) + 0.5) / (windows * len(hits) + 1)
        assert voices.past.pooled == pytest.approx(pooled)
        assert voices.past.own == pytest.approx((len(hits[voices.past.unit]) + pooled) / (windows + 1))


def test_priors_alone_and_both_are_forecasts_of_the_package(view: View) -> None:
    case = view.case
    result, priors = results.current(view), results.priors_alone(view)
    alone = riskcast.forecast(riskcast.fit(case, draws=results.DRAWS, seed=results.SEED, prior_only=True))
    both = riskcast.forecast(riskcast.fit(case, draws=results.DRAWS, seed=results.SEED))
    for dyad in case.dyads:
        found = record.compare(result, priors, dyad)
        assert [one.past.event for one in found] == list(case.events)
        for one in found:
            assert one.priors == alone.recorded(one.past.event, one.past.unit)
            assert one.both == both.recorded(one.past.event, one.past.unit)


def test_priors_alone_follow_changes_and_scenario(view: View) -> None:
    changes = {"outcomes.demarche.base_rate": {"median": 0.4, "interval": [0.3, 0.5]}}
    changed = results.priors_alone(View(view.case, changes, "second_attack"))
    direct = riskcast.forecast(
        riskcast.fit(riskcast.apply_overlay(view.case, changes), draws=results.DRAWS, seed=1, prior_only=True),
        "second_attack",
    )
    assert changed.forecast.probability("demarche", TJK) == direct.probability("demarche", TJK)
    assert changed.posterior.prior_only
    plain = results.priors_alone(view).forecast.probability("demarche", TJK)
    assert changed.forecast.probability("demarche", TJK).mean > plain.mean


def test_the_table_shows_the_voices_of_the_chosen_pair(view: View) -> None:
    app = opened()
    pair = next(item for item in app.main.button_group if item.label == "Pair")
    pair.set_value("RUS-KAZ").run()
    assert not app.exception
    table = app.main.dataframe[-2].value
    for one, cells in zip(
        record.compare(results.current(view), results.priors_alone(view), "RUS-KAZ"),
        table.to_dict("records"),
        strict=True,
    ):
        assert cells["Record: pair"] == riskcast.percent(one.past.own)
        assert cells["Record: all"] == riskcast.percent(one.past.pooled)
        assert cells["Priors alone"].startswith(riskcast.percent(one.priors.mean))
        assert cells["Forecast"].startswith(riskcast.percent(one.both.mean))
        assert cells["Reading"] == record.reading(one)


def test_a_year_ahead_stands_beside_the_years_of_the_record(view: View) -> None:
    table = opened().main.dataframe[-1].value.to_dict("records")
    counts = riskcast.simulated_year(results.current(view).posterior)
    assert [row["Reading"] for row in table] == [one.verdict for one in counts]
    assert [row["Year ahead"] for row in table] == [record.year_cells(one)["Year ahead"] for one in counts]
    assert [row["Most"] for row in table] == [one.most for one in counts]


def test_a_prior_that_the_record_contradicts_is_marked(view: View) -> None:
    assert not [item for item in opened().main.warning if "Prior and record disagree" in item.value]
    changes = {"outcomes.rupture.base_rate": {"median": 0.9, "interval": [0.85, 0.95]}}
    app = opened(View(view.case, changes))
    checks = {check.event: check for check in riskcast.check_priors(riskcast.apply_overlay(view.case, changes))}
    assert checks["rupture"].verdict.startswith("conflict")
    assert [item for item in app.main.warning if checks["rupture"].verdict in item.value]
    marked = [row for row in app.main.dataframe[-2].value.to_dict("records") if row["Event"].startswith("⚠")]
    assert view.case.events["rupture"].label in [row["Event"].removeprefix("⚠ ") for row in marked]
    assert {row["Prior against record"] for row in marked} >= {f"⚠ {checks['rupture'].verdict}"}


@pytest.mark.parametrize(
    ("priors", "own", "both", "words"),
    [
        (0.20, 0.20, 0.21, "all agree"),
        (0.50, 0.10, 0.52, "as the priors, above the past rate"),
        (0.02, 0.30, 0.02, "as the priors, below the past rate"),
        (0.05, 0.30, 0.31, "as the record, above the priors"),
        (0.80, 0.30, 0.31, "as the record, below the priors"),
        (0.10, 0.60, 0.30, "between the two"),
        (0.10, 0.20, 0.60, "above both"),
        (0.50, 0.60, 0.10, "below both"),
    ],
)
def test_readings(priors: float, own: float, both: float, words: str) -> None:
    voices = record.Voices(
        riskcast.PastRate("e", "u", 1, own, own), SimpleNamespace(mean=priors), SimpleNamespace(mean=both)
    )
    assert record.reading(voices) == words


def test_small_and_panel_cases_are_shown(tmp_path: Path) -> None:
    small = riskcast.load_case(write_files(tmp_path / "small"))
    app = opened(View(small))
    assert len(shown(app)) == len(small.event_rows)
    assert {row["Written in"] for row in shown(app)} == {""}
    app.session_state["view"] = View(panel_case())
    app.run()
    assert not app.exception
    assert any("stand in the case's panel" in item.value for item in app.main.caption)
