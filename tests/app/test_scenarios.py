"""The page of scenarios: futures picked, combined and built, compared without chance between them; observed events."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from streamlit.testing.v1 import AppTest

import riskcast
from scenarios import words as scenario_words
from state import results, session
from state.kept_cases import short_hash
from state.session import View

CASE = "central_asia_2024"
PAIR = "RUS-TJK"


def page() -> None:
    import sidebar
    from state import session
    from views import scenarios

    session.view()
    sidebar.show()
    scenarios.show()
    session.write_address()


@pytest.fixture
def scenarios() -> AppTest:
    """The page in a fresh session."""
    return AppTest.from_function(page, default_timeout=60).run()


@pytest.fixture
def workbench(scenarios: AppTest) -> AppTest:
    """The page in a fresh session with no futures side by side, for tests that look at no numbers: it draws faster."""
    return compare(scenarios)


def seen(test: AppTest) -> View:
    assert not test.exception
    return test.session_state["view"]


def texts(elements: Any) -> str:
    return " ".join(element.value for element in elements)


def compare(test: AppTest, *names: str) -> AppTest:
    return test.multiselect(key="compare").set_value(list(names)).run()


def frame(test: AppTest, column: str) -> Any:
    """The table that has a column."""
    return next(element.value for element in test.dataframe if column in element.value.columns)


def add_move(test: AppTest, indicator: str, verb: str, value: float, **more: Any) -> AppTest:
    test.selectbox(key="move_indicator").set_value(indicator).run()
    test.segmented_control(key=f"move_verb:{indicator}").set_value(verb).run()
    test.number_input(key=f"move_value:{indicator}:{verb}").set_value(value)
    for key, given in more.items():
        find = test.multiselect if key == "dyads" else test.number_input
        find(key=f"move_{key}").set_value(given)
    test.run()
    return test.button(key="add_move").click().run()


def add_event(test: AppTest, event: str, month: int, dyads: tuple[str, ...] = ()) -> AppTest:
    test.selectbox(key="event_type").set_value(event).run()
    test.number_input(key="event_month").set_value(month)
    if dyads:
        test.multiselect(key="event_dyads").set_value(list(dyads))
    test.run()
    return test.button(key="add_event").click().run()


def save(test: AppTest, label: str) -> AppTest:
    test.text_input(key="draft_label").set_value(label).run()
    return test.button(key="save_draft").click().run()


def observe(test: AppTest, event: str, dyad: str, day: dt.date, words: str = "It was seen.") -> AppTest:
    test.selectbox(key="observed_type").set_value(event).run()
    scope = seen(test).case.events[event].scope
    test.selectbox(key=f"observed_dyad:{scope}").set_value(dyad)
    test.date_input(key="observed_day").set_value(day)
    test.text_input(key="observed_words").set_value(words)
    test.run()
    return test.button(key="add_observed").click().run()


def a_quiet_month(view: View, event: str, dyad: str) -> dt.date:
    """The last day of the latest month in which the record holds no such event."""
    record = results.current(view, "baseline").posterior.record
    column = view.case.units(event).index(dyad)
    quiet = next(t for t in reversed(range(record.timeline.length)) if not record.occurred[event][t, column])
    return record.timeline.ends[quiet].item()


def test_it_opens_with_the_baseline_and_a_scenario_of_the_case(scenarios: AppTest) -> None:
    case = seen(scenarios).case
    first = next(name for name in case.scenarios if name != "baseline")
    assert scenarios.multiselect(key="compare").value == ["baseline", first]
    assert case.scenario(first).story in texts(scenarios.caption)


def test_three_questions_are_kept_apart(scenarios: AppTest) -> None:
    told = texts(scenarios.markdown)
    for question in ("Change a belief", "Add an observed event", "Intervene"):
        assert question in told
    assert "teaches nothing" in texts(scenarios.caption)
    assert "learned from" in texts(scenarios.caption)
    link = scenarios.get("page_link")[0].proto
    assert (link.label, link.page) == ("To the assumptions", "assumptions")


def test_differences_are_those_of_contrast(scenarios: AppTest) -> None:
    compare(scenarios, "deescalation", "baseline", "second_attack")
    view = seen(scenarios)
    posterior = riskcast.fit(view.case, draws=results.DRAWS, seed=results.SEED)
    first, second = (riskcast.forecast(posterior, name) for name in ("deescalation", "second_attack"))
    change = riskcast.contrast(second, first)
    label = view.case.scenario("second_attack").label
    table = frame(scenarios, f"{label}: difference").set_index("Pair")
    for dyad in riskcast.score(second).dyads:
        e = change.score[dyad.id]
        told = f"{e.mean:+.1f} ({e.low:+.1f} to {e.high:+.1f})".replace("-", "−")
        assert table.loc[dyad.partner_name, f"{label}: difference"] == told
        assert table.loc[dyad.partner_name, label].startswith(f"{dyad.score.mean:.1f} (")
    moved = scenarios.dataframe[2].value
    largest = max(
        (
            (event, unit)
            for event, unit in change.probability
            if event in view.case.outcomes and not first.is_assumed(event, unit) and not second.is_assumed(event, unit)
        ),
        key=lambda key: abs(change.probability[key].mean),
    )
    row = moved.iloc[0]
    assert row["Outcome"] == view.case.events[largest[0]].label
    assert row["Difference, points (90 %)"].startswith(f"{100 * change.probability[largest].mean:+.1f} (")
    assert row[label] == riskcast.percent(second.probability(*largest).mean)


def test_what_is_assumed_is_marked_and_not_ranked(scenarios: AppTest) -> None:
    compare(scenarios, "baseline", "crackdown_visa_regime")
    assert ":orange-badge[assumed, not forecast]" in texts(scenarios.markdown)
    label = seen(scenarios).case.scenario("crackdown_visa_regime").label
    moved = frame(scenarios, "Difference, points (90 %)")
    rupture = seen(scenarios).case.events["rupture"].label
    assert not ((moved["Outcome"] == rupture) & moved["Pair"].isin(["Tajikistan", "Uzbekistan"])).any()
    scenarios.selectbox(key="scenario_dyad").set_value(PAIR)
    scenarios.selectbox(key="scenario_outcome").set_value("rupture").run()
    assert {metric.label: metric.value == "assumed" for metric in scenarios.metric} == {"Baseline": False, label: True}


def test_the_probability_of_a_pair_is_shown_for_every_future(scenarios: AppTest) -> None:
    compare(scenarios, "baseline", "second_attack")
    scenarios.selectbox(key="scenario_dyad").set_value("RUS-UZB")
    scenarios.selectbox(key="scenario_outcome").set_value("demarche").run()
    view = seen(scenarios)
    for metric, name in zip(scenarios.metric, ("baseline", "second_attack"), strict=True):
        assert metric.value == riskcast.percent(
            results.current(view, name).forecast.probability("demarche", "RUS-UZB").mean
        )


def test_four_at_most(scenarios: AppTest) -> None:
    names = [name for name in seen(scenarios).scenarios if name != "baseline"]
    assert scenarios.multiselect(key="compare").proto.max_selections == 4
    compare(scenarios, "baseline", *names[:3])
    assert len([column for column in frame(scenarios, "Baseline").columns if column.endswith("difference")]) == 3
    add_move(scenarios, "xenophobia", "shift", 5.0)
    save(scenarios, "A fifth")
    assert scenarios.multiselect(key="compare").value == ["baseline", *names[:3]]
    assert "take one out" in texts(scenarios.warning)
    assert "a_fifth" in seen(scenarios).built


def test_none_is_told_and_one_stands_alone(scenarios: AppTest) -> None:
    compare(scenarios)
    assert "Pick at least one" in texts(scenarios.info)
    compare(scenarios, "second_attack")
    assert not scenarios.exception
    assert not any("difference" in column for element in scenarios.dataframe for column in element.value.columns)


@pytest.mark.parametrize(
    ("indicator", "verb", "value", "more"),
    [
        ("xenophobia", "set", 60.0, {"start": 2, "over": 3}),
        ("xenophobia", "shift", -4.0, {"until": 6}),
        ("labour_shortage", "multiply", 2.0, {"over": 6}),
        ("migrant_exposure", "multiply", 0.7, {"start": 6, "over": 6, "dyads": [PAIR]}),
        ("labour_shortage", "set", 5.0, {}),
    ],
)
def test_a_built_move_forecasts_what_the_same_lines_of_a_case_would(
    workbench: AppTest, indicator: str, verb: str, value: float, more: dict[str, Any]
) -> None:
    add_move(workbench, indicator, verb, value, **more)
    save(workbench, "Mine, at last")
    view = seen(workbench)
    assert workbench.multiselect(key="compare").value[-1] == "mine_at_last"
    plain = {"label": "Mine, at last", "story": "S", "indicators": [{"indicator": indicator, verb: value, **more}]}
    case = view.case.revised(scenarios={**view.case.scenarios, "mine": riskcast.Scenario.model_validate(plain)})
    known = results.current(view, "baseline")
    posterior = riskcast.fit(case, draws=results.DRAWS, seed=results.SEED, reuse=known.posterior)
    expected = riskcast.forecast(posterior, "mine").to_frame()
    found = results.current(view, "mine_at_last").forecast
    assert found.to_frame().equals(expected)
    assert not expected.equals(known.forecast.to_frame())
    assert found.scenario_name == "mine_at_last"


@pytest.mark.parametrize("verb", ["set", "shift", "multiply"])
def test_number_fields_show_the_number_that_counts(verb: str, scenarios: AppTest) -> None:
    scenarios.segmented_control(key="move_verb:xenophobia").set_value(verb).run()
    # A browser shows in a number field what it can read as a number, and nothing else.
    for field in scenarios.number_input:
        assert re.fullmatch(r"-?\d+(\.\d+)?", (field.proto.format or "%d") % 1234567.8)
    shape = scenarios.number_input(key=f"move_value:xenophobia:{verb}").proto.format
    assert [float(shape % value) for value in (5.0, -0.125, 1234567.8)] == [5.0, -0.125, 1234567.8]


def test_shifting_is_not_offered_on_a_scale_of_ratios(scenarios: AppTest) -> None:
    scenarios.selectbox(key="move_indicator").set_value("labour_shortage").run()
    offered = [option.content for option in scenarios.segmented_control(key="move_verb:labour_shortage").proto.options]
    assert offered == ["Set to", "Multiply by"]


def test_an_assumed_event_happens_and_is_said_to_be_assumed(workbench: AppTest) -> None:
    add_event(workbench, "rupture", 3, (PAIR,))
    assert ":orange-badge[assumed]" in texts(workbench.markdown)
    save(workbench, "A rupture")
    ahead = results.current(seen(workbench), "a_rupture").forecast
    assert ahead.probability("rupture", PAIR).mean == pytest.approx(1.0)
    assert ahead.probability("rupture", "RUS-UZB").mean < 0.9


def rule_out(
    test: AppTest, event: str, start: int = 1, until: int | None = None, dyads: tuple[str, ...] = ()
) -> AppTest:
    test.selectbox(key="event_type").set_value(event).run()
    test.segmented_control(key="event_happens").set_value("does not happen").run()
    test.number_input(key="event_start").set_value(start)
    test.number_input(key="event_until").set_value(until)
    if seen(test).case.events[event].scope == "dyad":
        test.multiselect(key="event_dyads").set_value(list(dyads))
    test.run()
    return test.button(key="add_event").click().run()


def test_an_event_can_be_ruled_out_and_is_said_to_be(workbench: AppTest) -> None:
    rule_out(workbench, "mass_expulsion", dyads=(PAIR,))
    rule_out(workbench, "restrictive_act", 2, 4)
    rule_out(workbench, "rupture", 3)
    told = texts(workbench.markdown)
    assert "No mass expulsion or entry refusals for Tajikistan within the horizon" in told
    assert "No restrictive federal act from month 2 to 4" in told
    assert "No rupture for every pair from month 3 to 12" in told
    save(workbench, "Quiet")
    built = seen(workbench).scenarios["quiet"]
    assert [(e.event, e.happens, e.month, e.until) for e in built.events] == [
        ("mass_expulsion", False, None, None),
        ("restrictive_act", False, 2, 4),
        ("rupture", False, 3, 12),
    ]
    ahead = results.current(seen(workbench), "quiet").forecast
    assert ahead.probability("mass_expulsion", PAIR).mean == 0.0
    assert ahead.is_ruled_out("mass_expulsion", PAIR)
    assert not ahead.is_ruled_out("rupture", PAIR)


def test_an_event_that_happens_and_does_not_is_refused(workbench: AppTest) -> None:
    add_event(workbench, "rupture", 3, (PAIR,))
    rule_out(workbench, "rupture", 2, 5)
    assert "is assumed to happen in month 3 for RUS-TJK, and not to happen then" in texts(workbench.error)
    assert "No rupture" not in texts(workbench.markdown)


def test_a_line_can_be_taken_out_again(workbench: AppTest) -> None:
    add_move(workbench, "xenophobia", "shift", 5.0)
    add_event(workbench, "demarche", 2)
    workbench.button(key="remove:indicators:0").click().run()
    save(workbench, "Only an event")
    (built,) = seen(workbench).built.values()
    assert "indicators" not in built
    assert built["events"] == [{"event": "demarche", "month": 2}]


def test_a_move_that_cannot_be_is_refused_with_its_mend(workbench: AppTest) -> None:
    wrong = "Set: 120 is outside what xenophobia can be (% agreeing); correct the level"
    assert wrong in texts(add_move(workbench, "xenophobia", "set", 120.0).error)
    wrong = "Month 14 lies beyond the horizon of 12 months and would go unheard"
    assert wrong in texts(add_move(workbench, "xenophobia", "shift", 5.0, start=14).error)
    assert "ends (3) before it starts (5)" in texts(
        add_move(workbench, "xenophobia", "shift", 5.0, start=5, until=3).error
    )
    save(workbench, "Empty")
    assert "Nothing is assumed yet" in texts(workbench.error)
    assert not seen(workbench).built


def test_an_event_beyond_the_horizon_is_told(scenarios: AppTest) -> None:
    add_event(scenarios, "demarche", 13)
    assert "Month 13 lies beyond the horizon of 12 months" in texts(scenarios.error)


def test_a_move_that_the_horizon_cuts_short_is_told(workbench: AppTest) -> None:
    add_move(workbench, "xenophobia", "shift", 5.0, start=7, over=12)
    assert "in full only in month 18, beyond the horizon of 12 months: by then 50 %" in texts(workbench.warning)


def test_a_name_must_be_given_and_free(workbench: AppTest) -> None:
    add_move(workbench, "xenophobia", "shift", 5.0)
    for label, wrong in (
        ("", "has no name"),
        ("Baseline", "“Baseline” already"),
        ("A second attack", "“A second attack” already"),
    ):
        save(workbench, label)
        assert wrong in texts(workbench.error)
        assert not seen(workbench).built
        assert len(workbench.session_state["future_draft"].indicators) == 1


def test_a_built_future_is_edited_and_deleted(workbench: AppTest) -> None:
    add_move(workbench, "xenophobia", "shift", 5.0)
    save(workbench, "Mine")
    workbench.button(key="edit:mine").click().run()
    assert "You are changing **Mine**" in texts(workbench.info)
    add_event(workbench, "demarche", 2)
    save(workbench, "Ours")
    assert list(seen(workbench).built) == ["ours"]
    assert len(seen(workbench).scenarios["ours"].events) == 1
    assert workbench.multiselect(key="compare").value[-1] == "ours"
    workbench.button(key="delete:ours").click().run()
    assert not seen(workbench).built
    assert "ours" not in workbench.multiselect(key="compare").value
    workbench.button(key="undo_button").click().run()
    assert list(seen(workbench).built) == ["ours"]


def test_a_deleted_future_is_shown_nowhere(workbench: AppTest) -> None:
    add_move(workbench, "xenophobia", "shift", 5.0)
    save(workbench, "Mine")
    workbench.selectbox(key="scenario:baseline").set_value("mine").run()
    assert seen(workbench).scenario == "mine"
    workbench.button(key="delete:mine").click().run()
    assert seen(workbench).scenario == "baseline"


def test_a_future_can_start_from_a_copy(workbench: AppTest) -> None:
    workbench.selectbox(key="start_from").set_value("crackdown_visa_regime").run()
    workbench.button(key="start_button").click().run()
    workbench.button(key="remove:events:0").click().run()
    workbench.button(key="save_draft").click().run()
    own = seen(workbench).case.scenario("crackdown_visa_regime")
    copy = seen(workbench).scenarios["crackdown_with_a_visa_regime_changed"]
    assert (copy.indicators, copy.events) == (own.indicators, own.events[1:])


def test_stories_are_combined_and_forecast_as_one(scenarios: AppTest) -> None:
    scenarios.multiselect(key="combine").set_value(["second_attack", "remittance_fall"]).run()
    scenarios.button(key="save_combined").click().run()
    view = seen(scenarios)
    (name,) = view.built
    one, other, both = (view.scenarios[key] for key in ("second_attack", "remittance_fall", name))
    assert both.indicators == (*one.indicators, *other.indicators)
    assert both.events == (*one.events, *other.events)
    assert both.label == f"{one.label} + {other.label}"
    assert scenarios.multiselect(key="compare").value[-1] == name
    expected = riskcast.forecast(results.current(view, "baseline").posterior, both).to_frame()
    assert results.current(view, name).forecast.to_frame().equals(expected)


def test_stories_that_add_up_say_so(scenarios: AppTest) -> None:
    scenarios.multiselect(key="combine").set_value(["crackdown_visa_regime", "deescalation"]).run()
    told = "“Crackdown with a visa regime” shifts it by +1, “De-escalation” shifts it by −2. The two add up."
    assert told in texts(scenarios.warning)
    assert not scenarios.button(key="save_combined").disabled


def test_contradictions_are_told_and_not_resolved(workbench: AppTest) -> None:
    for label, level in (("High", 70.0), ("Low", 30.0)):
        add_move(workbench, "xenophobia", "set", level)
        save(workbench, label)
    workbench.multiselect(key="combine").set_value(["high", "low"]).run()
    told = texts(workbench.error)
    assert "contradict one another" in told
    assert "“High” sets it to 70, “Low” sets it to 30" in told
    assert workbench.button(key="save_combined").disabled
    workbench.button(key="open_combined").click().run()
    assert "cannot stand at two levels at once" in texts(workbench.warning)
    workbench.button(key="remove:indicators:0").click().run()
    assert "two levels" not in texts(workbench.warning)
    workbench.button(key="save_draft").click().run()
    assert seen(workbench).built["high_low"]["indicators"] == [{"indicator": "xenophobia", "set": 30.0}]


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        ({"set": 40.0}, {"set": 60.0}, [True]),
        ({"set": 40.0}, {"set": 40.0}, []),
        ({"set": 40.0, "until": 3}, {"set": 60.0, "start": 4}, []),
        ({"set": 40.0, "dyads": ["RUS-TJK"]}, {"set": 60.0, "dyads": ["RUS-UZB"]}, []),
        ({"set": 40.0, "dyads": ["RUS-TJK"]}, {"set": 60.0}, [True]),
        ({"set": 40.0}, {"shift": 3.0}, [False]),
        ({"shift": 3.0}, {"shift": 3.0}, [False]),
    ],
)
def test_moves_clash_where_they_meet(first: dict[str, Any], second: dict[str, Any], meet: list[bool]) -> None:
    case = riskcast.load_case(CASE)
    parts = {
        label: riskcast.Scenario.model_validate(
            {"label": label, "story": label, "indicators": [{"indicator": "poverty", **plain}]}
        ).indicators
        for label, plain in (("A", first), ("B", second))
    }
    assert [clash.is_contradiction for clash in scenario_words.find_clashes(case, parts)] == meet


@pytest.mark.parametrize(
    ("label", "name"),
    [("2nd attack, & visas!", "s_2nd_attack_visas"), ("Ärger", "arger"), (" ", ""), ("!!", "future_4a1ad1b5")],
)
def test_a_label_becomes_a_name(label: str, name: str) -> None:
    found = scenario_words.name_of(label)
    assert found == name or (name.startswith("future_") and found.startswith("future_"))


def test_the_downloaded_text_reads_back_in_a_case(workbench: AppTest, tmp_path: Path) -> None:
    add_move(workbench, "migrant_exposure", "multiply", 0.7, start=6, over=6, until=11, dyads=[PAIR])
    add_event(workbench, "restrictive_act", 3)
    workbench.text_area(key="draft_story").set_value('It "happened": no, 1e5 times.\nTwice.').run()
    save(workbench, "yes: №1 #")
    view = seen(workbench)
    assert [button.label for button in workbench.download_button] == ["Download as YAML"]
    (name,) = view.built
    riskcast.write_case(view.case, tmp_path)
    text = scenario_words.scenarios_text({name: view.scenarios[name]})
    assert list(yaml.safe_load(text)) == [name]
    with (tmp_path / "scenarios.yaml").open("a", encoding="utf-8") as file:
        file.write(text)
    assert riskcast.load_case(tmp_path).scenario(name) == view.scenarios[name]


def test_built_futures_and_added_events_are_in_the_address(workbench: AppTest) -> None:
    add_move(workbench, "xenophobia", "shift", 5.0, start=2)
    save(workbench, "Mine")
    observe(workbench, "trade_ban", PAIR, a_quiet_month(seen(workbench), "trade_ban", PAIR))
    workbench.selectbox(key="scenario:baseline").set_value("mine").run()
    colleague = AppTest.from_function(page, default_timeout=60)
    for key, value in workbench.query_params.items():
        colleague.query_params[key] = value
    colleague.run()
    assert seen(colleague) == seen(workbench)
    assert seen(colleague).changed.hash != seen(colleague).case.hash
    assert seen(colleague).scenario == "mine"


@pytest.mark.parametrize(
    ("key", "plain"),
    [
        ("built", {"baseline": {"label": "B", "story": "S"}}),
        ("built", {"Not a name": {"label": "B", "story": "S"}}),
        ("built", {"late": {"label": "L", "story": "S", "events": [{"event": "demarche", "month": 13}]}}),
        ("built", {"odd": {"label": "L", "story": "S", "indicators": [{"indicator": "nothing", "set": 1}]}}),
        ("built", {f"s{n}": {"label": "L", "story": "S"} for n in range(21)}),
        ("built", {"number": 3}),
        ("observed", [{"date": "2030-01-01"}]),
        ("observed", [3]),
        ("observed", {"one": {}}),
    ],
)
def test_an_address_that_cannot_be_used_is_told(key: str, plain: dict[str, Any]) -> None:
    test = AppTest.from_function(page, default_timeout=60)
    test.query_params["hash"] = short_hash(riskcast.load_case("central_asia_2024"))
    test.query_params[key] = session.encode(plain)
    test.run()
    assert not seen(test).built
    assert not seen(test).observed
    assert "in the address cannot be used" in texts(test.warning)


def test_an_event_after_the_day_of_the_case_is_refused_in_an_address(scenarios: AppTest) -> None:
    row = seen(scenarios).case.event_rows[-1].model_dump(mode="json")
    row |= {"date": "2024-05-07", "precision": "day", "published": None, "entered": None}
    test = AppTest.from_function(page, default_timeout=60)
    test.query_params["hash"] = short_hash(seen(scenarios).case)
    test.query_params["observed"] = session.encode([row])
    test.run()
    assert not seen(test).observed
    assert "added event 1: date: 2024-05-07 lies after as" in texts(test.warning)


def test_an_observed_event_is_learned_from_and_can_be_removed(scenarios: AppTest) -> None:
    view = seen(scenarios)
    before = results.current(view, "baseline")
    day = a_quiet_month(view, "trade_ban", "RUS-UZB")
    observe(scenarios, "trade_ban", "RUS-UZB", day, "Tomatoes are stopped at the border.")
    after = results.current(seen(scenarios), "baseline")
    assert after.case.hash != before.case.hash
    assert after.case.hash[:12] in texts(scenarios.info)
    expected = riskcast.fit(after.case, draws=results.DRAWS, seed=results.SEED, reuse=before.posterior)
    assert after.forecast.to_frame().equals(riskcast.forecast(expected, "baseline").to_frame())
    gain = (
        after.forecast.probability("trade_ban", "RUS-UZB").mean
        - before.forecast.probability("trade_ban", "RUS-UZB").mean
    )
    assert gain > 0.005
    change = riskcast.contrast(after.forecast, before.forecast).score["RUS-UZB"].mean
    table = frame(scenarios, "Score without").set_index("Pair")
    assert table.loc["Uzbekistan", "Change"] == pytest.approx(change)
    assert "1 event added to the record" in texts(scenarios.sidebar.caption)
    assert len(seen(scenarios).observed) == 1
    scenarios.button(key="forget:0").click().run()
    assert not seen(scenarios).observed
    assert results.current(seen(scenarios), "baseline").case.hash == before.case.hash


def test_an_event_without_words_is_refused(scenarios: AppTest) -> None:
    observe(scenarios, "trade_ban", PAIR, dt.date(2024, 5, 1), "  ")
    assert "Say in a sentence what happened" in texts(scenarios.error)
    assert not seen(scenarios).observed


def test_another_event_of_the_same_day_is_kept_and_the_same_one_refused(scenarios: AppTest) -> None:
    row = next(r for r in seen(scenarios).case.event_rows if r.precision == "day" and r.dyad == PAIR)
    before = results.current(seen(scenarios), "baseline")
    observe(scenarios, row.type, PAIR, row.date, "Another one, in another place.")
    assert "The record holds such an event in the same month already" in texts(scenarios.warning)
    assert len(seen(scenarios).observed) == 1
    after = results.current(seen(scenarios), "baseline")
    assert [dyad.score for dyad in after.risk.dyads] == [dyad.score for dyad in before.risk.dyads]
    observe(scenarios, row.type, PAIR, row.date, "Another one, in another place.")
    assert "This event is added already, word for word" in texts(scenarios.error)
    assert len(seen(scenarios).observed) == 1


def test_no_later_day_can_be_chosen(scenarios: AppTest) -> None:
    case = seen(scenarios).case
    assert scenarios.date_input(key="observed_day").max == case.as_of
    assert scenarios.date_input(key="observed_day").min == case.settings.history_from


def test_numbers_say_scenario_and_engine(scenarios: AppTest) -> None:
    told = texts(scenarios.caption)
    assert "Engine laplace" in told
    assert told.count("Scenarios: Baseline, A second attack · engine laplace") == 2
    assert "A second attack less Baseline · engine laplace" in told


def test_a_scenario_that_cannot_be_forecast_is_told_and_left_out(scenarios: AppTest) -> None:
    case = seen(scenarios).case
    late = {"label": "Late", "story": "S", "indicators": [{"indicator": "xenophobia", "shift": 1.0, "start": 20}]}
    changed = case.revised(scenarios={"late": riskcast.Scenario.model_validate(late)})
    scenarios.session_state["view"] = View(changed)
    compare(scenarios.run(), "baseline", "late")
    assert "**Late** cannot be forecast: scenario late reaches period 20" in texts(scenarios.error)
    assert "Baseline" in scenarios.dataframe[0].value.columns


def test_the_choice_follows_the_sidebar_and_survives_a_change_of_case(scenarios: AppTest) -> None:
    scenarios.selectbox(key="scenario:baseline").set_value("deescalation").run()
    assert "deescalation" in scenarios.multiselect(key="compare").value


def test_a_future_that_bounds_cut_short_says_what_is_used(workbench: AppTest) -> None:
    add_move(workbench, "remittance_dependency", "shift", -10.0)
    told = texts(workbench.warning)
    assert "would go from 0.15 to" in told
    assert "is used in place of" in told
