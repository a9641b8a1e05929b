"""The page Why: numbers that add up, effects as they are, and sources down to the line."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import riskcast
from assumptions import editor
from parts import markdown, reasons
from riskcast.case.quantities import Evidence
from state import results
from state.session import View
from tests.support.smallcase import SOURCES, write_files
from tests.support.smallpanel import panel_case

NAME = "central_asia_2024"
TJK = "RUS-TJK"


def page() -> None:
    import sidebar
    from views import why

    sidebar.show()
    why.show()


def opened(view: View | None = None) -> AppTest:
    """The page in a fresh session, or one that looks at something."""
    app = AppTest.from_function(page, default_timeout=60)
    if view is not None:
        app.session_state["undo"], app.session_state["redo"], app.session_state["view"] = [], [], view
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(item.value for item in (*app.main.markdown, *app.main.caption))


def drivers_offered(app: AppTest) -> int:
    return len([one for one in app.main.toggle if one.key is not None and one.key.startswith("why_open:")])


def choose(app: AppTest, label: str, value: str) -> AppTest:
    found = next(item for item in (*app.main.selectbox, *app.main.button_group) if item.label == label)
    found.set_value(value).run()
    assert not app.exception
    return app


@pytest.fixture(scope="module")
def view() -> View:
    return View(riskcast.load_case(NAME))


@pytest.fixture(scope="module")
def result(view: View) -> results.Result:
    return results.current(view)


def drawn_points(app: AppTest) -> list[dict[str, Any]]:
    """The rows that the page's chart draws."""
    spec = json.loads(app.main.get("vega_lite_chart")[0].proto.spec)
    values: list[dict[str, Any]] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("values"), list):
                values.extend(row for row in part["values"] if isinstance(row, dict))
            for inner in part.values():
                walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(spec)
    return values


def test_the_numbers_add_up_and_are_those_of_the_package(view: View, result: results.Result) -> None:
    shown = results.explained(view)
    direct = riskcast.explain(riskcast.forecast(riskcast.fit(view.case, draws=results.DRAWS, seed=results.SEED)))
    for dyad in view.case.dyads:
        assert shown.contributions[dyad] == direct.contributions[dyad]
        total = shown.reference[dyad] + sum(one.points for one in shown.contributions[dyad])
        assert total == pytest.approx(shown.score[dyad], abs=1e-9)
        assert shown.score[dyad] == pytest.approx(result.forecast.score(dyad).mean)


def test_the_page_opens_with_the_highest_score_and_its_drivers_in_words(view: View) -> None:
    app, shown = opened(), results.explained(view)
    highest = max(shown.score, key=lambda dyad: shown.score[dyad])
    text = said(app)
    assert f"scores **{shown.score[highest]:.0f}** of 100" in text
    assert f"it would be {shown.reference[highest]:.1f}" in text
    for one in shown.contributions[highest][:6]:
        verb = "adds" if one.points > 0 else "takes away"
        assert f"{verb} {abs(one.points):.1f} point" in text
    bars = {row["row"]: row for row in drawn_points(app) if "points" in row}
    total = shown.reference[highest] + sum(row["points"] for row in bars.values())
    assert len(bars) > 6
    assert total == pytest.approx(shown.score[highest])
    ends = {row["value"] for row in drawn_points(app) if "value" in row}
    assert ends == {shown.reference[highest], shown.score[highest]}


def test_another_pair_has_its_own_numbers(view: View) -> None:
    app, shown = opened(), results.explained(view)
    for dyad in view.case.dyads[:2]:
        choose(app, "Pair", dyad)
        assert f"it would be {shown.reference[dyad]:.1f}" in said(app)
        assert re.search(rf"\b{abs(shown.contributions[dyad][0].points):.1f} points", said(app))


def test_a_driver_opens_down_to_its_effects_and_sources(view: View, result: results.Result) -> None:
    app = choose(opened(), "Pair", TJK)
    driver = next(one for one in results.explained(view).contributions[TJK] if one.kind == "indicator")
    app.toggle(key=f"why_open:{driver.id}").set_value(True).run()
    assert not app.exception
    acting = riskcast.acting(result.forecast, TJK).of(driver.id)
    table = next(frame.value for frame in app.main.dataframe if "Written in" in frame.value)
    assert list(table["Now"]) == [f"×{reasons.ratio(one.now)}" for one in acting]
    assert list(table["Written in"]) == [str(riskcast.find_place(NAME, one.key)) for one in acting]
    for key in reasons.driver_keys(result, driver.id, TJK):
        evidence = next(q.evidence for name, q, _ in view.case.quantities() if name == key)
        assert evidence is not None
        assert markdown.escape(evidence.claim) in said(app)
        assert f"`{riskcast.find_place(NAME, key)}`" in said(app)


def test_the_smaller_drivers_are_a_click_away(view: View) -> None:
    app = opened()
    count = len(results.explained(view).contributions[TJK])
    assert drivers_offered(app) == 6
    app.toggle(key="why_rest").set_value(True).run()
    assert not app.exception
    assert drivers_offered(app) == count


def test_every_assumption_behind_an_outcome_or_driver_is_one_of_the_case(result: results.Result) -> None:
    known = {key for key, _, _ in result.case.quantities()}
    for event in result.case.events:
        for dyad in result.case.dyads:
            assert set(reasons.outcome_keys(result, event, dyad)) <= known
    for driver in (*result.case.indicators, *result.case.events):
        assert set(riskcast.ids_behind_driver(result.case, driver, TJK)) <= known


def test_words_and_badges_are_there_for_whatever_a_prior_rests_on() -> None:
    bases = set(get_args(Evidence.model_fields["basis"].annotation))
    assert set(reasons.BASIS) == set(editor.BASES) == bases != set()


def test_all_effects_on_an_outcome_are_told_those_on_half_lives_too(result: results.Result) -> None:
    case = result.case
    now = riskcast.acting(result.forecast, TJK, "demarche")
    on_half_lives = {f"effects.{one.id}" for one in case.effects if (one.on, one.target) == ("half_life", "demarche")}
    assert {one.key for one in now if one.on == "half_life"} == on_half_lives != set()
    assert {one.key for one in now if one.on == "rate"} == {f"effects.{one.id}" for one in case.effects_on("demarche")}


# Pairs and event types whose memories all fade, and with half-lives that nothing acts on.
@pytest.mark.parametrize(
    ("event", "dyad"), [("trade_ban", "RUS-KAZ"), ("deescalation", TJK), ("hostile_rhetoric", TJK)]
)
def test_effects_have_the_size_that_level_and_ratio_give_them(result: results.Result, event: str, dyad: str) -> None:
    case, posterior = result.case, result.posterior
    now = riskcast.acting(result.forecast, dyad, event)
    found = {one.key: one for one in now}
    assert len(found) == len(case.effects_on(event))
    sizes = [abs(math.log(one.now.median)) for one in now]
    assert sizes == sorted(sizes, reverse=True)
    quantities = {key: quantity for key, quantity, _ in case.quantities()}
    for effect in case.effects_on(event):
        one = found[f"effects.{effect.id}"]
        place = posterior.models[event].coefficients.index(effect.id)
        draws = posterior.events[event].coefficients[:, place]
        assert one.posterior.median == pytest.approx(math.exp(float(np.median(draws))))
        prior = riskcast.elicit(effect.rate_ratio, next(k for n, _, k in case.quantities() if n == one.key))
        assert list(one.prior) == pytest.approx(prior.quantile([0.0, -1.6448536, 1.6448536]).tolist(), rel=1e-6)
        if effect.is_escalation:
            assert one.steps == pytest.approx(memory_by_hand(result, effect, event, dyad), rel=1e-4, abs=1e-6)
        else:
            indicator = case.indicators[effect.source]
            level = (
                quantities.get(f"indicators.{effect.source}.now")
                or quantities[f"indicators.{effect.source}.now.{dyad}"]
            )
            assert one.steps == pytest.approx(float(indicator.steps(level.center)), abs=0.15)
        assert one.now.median == pytest.approx(math.exp(float(draws.mean()) * one.steps))


def memory_by_hand(result: results.Result, effect: Any, event: str, dyad: str) -> float:
    """What an effect on an event type remembers in a dyad: mean of log2(1 + sum of 2^(-gap / half-life))."""
    case, line = result.case, result.posterior.record.timeline
    half_life = result.posterior.events[event].hyper[f"half_life.{effect.memory}"]
    gaps = set()
    answers = [row.date for row in case.event_rows if (row.type, row.dyad) == (event, dyad)]
    for row in case.event_rows:
        if effect.spent and answers and row.date <= max(answers):
            continue
        own = row.dyad in (dyad, "ALL")
        if row.type == effect.source and (own if effect.whose == "own" else not own or row.dyad == "ALL"):
            whose = "own" if effect.whose == "own" else row.dyad
            gap = line.complete - 1 - line.index(row.placed_on)
            # What the running month has had is felt by the next.
            if gap >= 0:
                gaps.add((whose, gap))
    left = sum(np.exp2(-gap / half_life) for _, gap in gaps)
    return float(np.log2(1.0 + left).mean()) if gaps else 0.0


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ((0.1, 0.5), "hardly"),
        ((0.1, 0.3), "narrowed it"),
        ((0.3, 0.3), "raised it"),
        ((-0.3, 0.5), "lowered it"),
        ((0.6, 0.2), "raised it much"),
    ],
)
def test_whether_the_record_moved_a_prior(after: tuple[float, float], words: str) -> None:
    assert reasons.moved_words(riskcast.moved_by_record(0.0, 0.5, *after)) == words
    assert reasons.moved_words(riskcast.moved_by_record(0.0, 0.0, *after)) == "held fixed"


def test_an_outcome_shows_its_probability_its_effects_and_what_is_remembered(result: results.Result) -> None:
    app = choose(choose(opened(), "Pair", TJK), "What to explain", "demarche")
    estimate, text = result.forecast.probability("demarche", TJK), said(app)
    assert f"**{riskcast.percent(estimate.mean)}** ({riskcast.percent(estimate.low)} to" in text
    assert f"*{riskcast.estimative_words(estimate.mean)}*" in text
    moved = [reasons.moved_words(one.moved) for one in riskcast.acting(result.forecast, TJK, "demarche")]
    assert list(app.main.dataframe[0].value["Record moved it"]) == moved
    rate = result.posterior.events["demarche"].coefficients[:, 0]
    after = 1.0 - math.exp(-12.0 * math.exp(float(np.median(rate))))
    assert f"after the record **{riskcast.percent(after)} (" in text
    places = riskcast.find_places(result.case)
    assert places is not None
    for row in result.case.event_rows:
        if row.type == "demarche" and row.dyad == TJK and row.date.year >= 2023:
            assert markdown.escape(row.description) in text
            assert f"`{places.row(row)}`" in text


def test_each_effect_opens_down_to_its_prior_events_and_sources(result: results.Result) -> None:
    app = choose(opened(), "What to explain", "demarche")
    for effect in result.case.effects_on("demarche"):
        choose(app, "Look into one of them", f"effects.{effect.id}")
        now = riskcast.acting(result.forecast, TJK, "demarche")
        one = next(each for each in now if each.key == f"effects.{effect.id}")
        believed, after = reasons.ratio(one.prior), reasons.ratio(one.posterior)
        assert f"multiplies the rate by **{believed}**. After the record: **{after}**" in said(app)
        assert markdown.escape(effect.rationale) in said(app)


def test_every_outcome_can_be_explained(view: View) -> None:
    app = opened()
    for event in view.case.outcomes:
        choose(app, "What to explain", event)
        assert markdown.escape(view.case.events[event].resolution.yes) in said(app)


def test_an_outcome_remembers_only_what_its_effects_can_see(result: results.Result) -> None:
    case, past = result.case, riskcast.remembered_events(result.posterior, TJK)
    assert all(one.row is not None and one.row.type == one.type for one in past)
    for event in case.outcomes:
        effects = [effect for effect in case.effects_on(event) if effect.is_escalation]
        for one in past.by(effect.id for effect in effects):
            whose = {effect.whose for effect in effects if effect.source == one.type}
            assert whose
            if one.unit not in (TJK, "ALL", case.host):
                assert whose & {"others", "any"}
    assert past.by(()) == ()


def test_events_that_read_alike_in_two_pairs_have_their_own_sources(view: View) -> None:
    case = view.case
    (one, *_), (first, second, *_) = [row for row in case.event_rows if row.type == "demarche"], case.sources
    twins = [
        one.model_copy(
            update={
                "date": case.as_of,
                "precision": "day",
                "dyad": dyad,
                "description": "A note.",
                "sources": (source,),
            }
        )
        for dyad, source in ((TJK, first), ("RUS-UZB", second))
    ]
    changed = case.revised(event_rows=(*case.event_rows, *twins))
    app = choose(choose(opened(View(changed)), "Pair", TJK), "What to explain", "demarche")
    shown = [item.value for item in app.main.markdown]
    for place, twin in (("", twins[0]), ("RUS-UZB: ", twins[1])):
        lead = f"left. {markdown.escape(place + case.events['demarche'].label)}. A note."
        (told,) = {words for words in shown if lead in words}
        assert reasons.source_words(changed, twin.sources[0], None) in told


def test_a_label_with_a_colon_in_a_panel_is_shown() -> None:
    case = panel_case()
    clash = case.events["clash"].model_copy(update={"label": "Clash: at the border"})
    app = opened(View(case.revised(events={**case.events, "clash": clash})))
    choose(app, "Pair", "AAA-BBB")
    choose(app, "What to explain", "clash")
    assert "BBB-CCC: Clash: at the border." in said(app)


def test_what_a_scenario_takes_as_given_is_said(view: View) -> None:
    scenario = riskcast.Scenario.model_validate(
        {"label": "Noted", "story": "A note is handed over.", "events": [{"event": "demarche", "month": 1}]}
    )
    plain = scenario.model_dump(mode="json", exclude_defaults=True)
    app = opened(replace(view, scenario="noted", built={"noted": plain}))
    choose(app, "What to explain", "demarche")
    assert "is taken as given by the scenario" in said(app)


def test_a_case_in_code_or_a_panel_is_explained_without_lines(tmp_path: Path) -> None:
    for case in (riskcast.load_case(write_files(tmp_path / "small")), panel_case()):
        app = opened(View(case))
        assert "no file and line can be given" in said(app)
        for event in case.outcomes:
            choose(app, "What to explain", event)


def test_the_page_follows_from_case_to_case(tmp_path: Path, view: View) -> None:
    app = choose(opened(), "What to explain", "demarche")
    app.session_state["view"] = View(riskcast.load_case(write_files(tmp_path / "small")))
    app.run()
    assert not app.exception
    assert "scores" in said(app)


def test_text_of_a_case_is_shown_as_it_stands_and_opens_nothing(tmp_path: Path) -> None:
    hostile = SOURCES.replace("https://example.org/survey", "javascript:alert(1)").replace(
        "title: Survey of opinion", "title: '![x](https://example.org/x.png) :red[y]'"
    )
    case = riskcast.load_case(write_files(tmp_path / "small", sources_yaml=hostile))
    words = reasons.source_words(case, "survey", None)
    assert "javascript" not in words
    assert not re.search(r"(?<!\\)\]\(", words)
