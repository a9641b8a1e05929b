"""Overlays: the same case as editing its files, in any order, and no more work than the change needs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings, strategies as st

from riskcast import (
    Case,
    CaseError,
    Forecast,
    Posterior,
    apply_overlay,
    case_as_of,
    fit,
    forecast,
    load_case,
    load_overlay,
    overlay_text,
)
from riskcast.case.overlays import Overlay, apply_overlays, nameless_overlays, overlay_doubts, parse_overlay
from riskcast.case.plain_settings import files_of_setting
from riskcast.case.quantity_names import locate
from riskcast.case.settings import FULL_TRUST
from riskcast.case.yaml_lines import parse_yaml
from tests.support.smallcase import write_files

DRAWS = 200
HOTTER = {"indicators.mood.now": {"median": 60.0, "interval": [52.0, 68.0]}}
STRONGER = {"effects.mood->protest": {"median": 1.8, "interval": [1.2, 2.7]}}
LIKELIER = {"outcomes.decree.base_rate": {"median": 0.4, "interval": [0.2, 0.6]}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def case(folder: Path) -> Case:
    return load_case(folder)


@pytest.fixture(scope="module")
def posterior(case: Case) -> Posterior:
    return fit(case, draws=DRAWS, allow_unreliable=True)


def ahead(case: Case, posterior: Posterior | None = None) -> Forecast:
    return forecast(posterior or fit(case, draws=DRAWS, allow_unreliable=True), scenario="storm")


def assert_same_digits(one: Forecast, other: Forecast) -> None:
    for event in one.case.events:
        np.testing.assert_array_equal(one.simulated.probability[event], other.simulated.probability[event])
        np.testing.assert_array_equal(one.simulated.by_period[event], other.simulated.by_period[event])
    np.testing.assert_array_equal(one.simulated.score, other.simulated.score)


def edited(folder: Path, case: Case, changes: dict[str, Any]) -> Case:
    """The case with its files edited by hand: what an overlay must amount to."""
    write_files(folder)
    for key, quantity in changes.items():
        name, path = locate(case, key)
        file = folder / f"{name}.yaml"
        data = parse_yaml(file.read_text(encoding="utf-8"), file.name).data
        place = data
        for part in path:
            place = place[part]
        evidence = quantity.get("evidence", place["evidence"])
        place.clear()
        place.update(quantity, evidence=evidence)
        file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return load_case(folder)


def save(file: Path, changes: dict[str, Any], label: str = "A change") -> Path:
    file.write_text(yaml.safe_dump({"label": label, "changes": changes}), encoding="utf-8")
    return file


QUANTITIES = {
    "memories.fast.half_life": {"median": 4.0, "interval": [2.0, 8.0]},
    "hyperpriors.sd_dyad": {"value": 0.0},
    "hyperpriors.sd_time": {"median": 0.3, "interval": [0.1, 0.9]},
    "hyperpriors.persistence": {"median": 0.6, "interval": [0.3, 0.8]},
    "indicators.mood.drift": {"value": 0.0},
    "indicators.trade.now.HHH-BBB": {"median": 9.0, "interval": [5.0, 14.0]},
    "indicators.trade.drift": {"median": 0.4, "interval": [0.2, 0.8]},
    "indicators.trade.parents.mood": {"value": -0.3},
    "indicators.trade.now.HHH-AAA": {"value": 11.0},
    "outcomes.protest.base_rate": {"median": 0.2, "interval": [0.1, 0.5]},
    "outcomes.protest.half_life.fast": {"value": 3.0},
    "outcomes.decree.sd_time": {"median": 0.2, "interval": [0.1, 0.4]},
    "outcomes.spark.base_rate": {"value": 0.35},
    "effects.trade->protest": {"median": 0.9, "interval": [0.7, 1.2]},
    "effects.mood->decree": {"median": 1.1, "interval": [0.9, 1.4]},
    "effects.spark->protest": {"value": 2.0},
    "effects.protest->protest/spillover": {"median": 1.4, "interval": [1.0, 2.0]},
    **HOTTER,
    **STRONGER,
    **LIKELIER,
}


def test_the_changes_below_name_every_quantity_of_the_case(case: Case) -> None:
    assert set(QUANTITIES) == {key for key, quantity, _ in case.quantities() if quantity != FULL_TRUST}


@pytest.mark.parametrize("key", QUANTITIES)
def test_an_overlay_gives_the_same_case_as_editing_the_file(key: str, case: Case, tmp_path: Path) -> None:
    change = {key: QUANTITIES[key]}
    laid_over = apply_overlay(case, *load_overlay(save(tmp_path / "overlay.yaml", change)))
    by_hand = edited(tmp_path / "edited", case, change)
    assert laid_over.hash == by_hand.hash != case.hash
    assert laid_over.published_hash == case.published_hash
    assert by_hand.overlay_hash is None


def test_an_overlay_gives_the_same_digits_as_editing_the_files(case: Case, tmp_path: Path) -> None:
    changes = {**HOTTER, **STRONGER, **LIKELIER, "memories.fast.half_life": QUANTITIES["memories.fast.half_life"]}
    laid_over = apply_overlay(case, *load_overlay(save(tmp_path / "overlay.yaml", changes)))
    by_hand = edited(tmp_path / "edited", case, changes)
    assert_same_digits(ahead(laid_over), ahead(by_hand))


@settings(deadline=None, max_examples=30)
@given(keys=st.lists(st.sampled_from(sorted(QUANTITIES)), min_size=2, max_size=6, unique=True), cut=st.integers(1, 5))
def test_two_overlays_compose_to_one_in_either_order(keys: list[str], cut: int, case: Case) -> None:
    first, second = ({key: QUANTITIES[key] for key in part} for part in (keys[:cut], keys[cut:]))
    at_once = apply_overlay(case, {**first, **second})
    assert apply_overlay(apply_overlay(case, first), second).hash == at_once.hash
    assert apply_overlay(apply_overlay(case, second), first).hash == at_once.hash


def test_the_later_of_two_overlays_of_one_quantity_counts(case: Case) -> None:
    milder = {"indicators.mood.now": {"value": 50.0}}
    both = apply_overlay(apply_overlay(case, HOTTER), milder)
    assert both.hash == apply_overlay(case, milder).hash
    assert both.overlay_hash not in (None, Overlay.model_validate({"changes": milder}).hash)


def test_an_overlay_and_its_undoing_give_the_case_back(case: Case) -> None:
    before = {"indicators.mood.now": case.indicators["mood"].now}
    assert apply_overlay(apply_overlay(case, HOTTER), before).hash == case.hash


def test_only_the_touched_event_type_is_fitted_again(case: Case, posterior: Posterior) -> None:
    changed = apply_overlay(case, STRONGER)
    again = fit(changed, draws=DRAWS, allow_unreliable=True, reuse=posterior)
    assert {event for event in case.events if again.events[event] is not posterior.events[event]} == {"protest"}
    assert_same_digits(ahead(changed, again), ahead(changed))


def test_a_changed_level_of_today_changes_the_forecast(case: Case, posterior: Posterior) -> None:
    changed = apply_overlay(case, HOTTER)
    again = fit(changed, draws=DRAWS, allow_unreliable=True, reuse=posterior)
    assert_same_digits(ahead(changed, again), ahead(changed))
    before, after = ahead(case, posterior), ahead(changed, again)
    assert after.probability("protest", "HHH-AAA").mean > before.probability("protest", "HHH-AAA").mean


@given(order=st.permutations(sorted(QUANTITIES)), label=st.text(max_size=5))
def test_the_hash_of_an_overlay_is_blind_to_order_and_label(order: list[str], label: str) -> None:
    one = Overlay.model_validate({"changes": QUANTITIES})
    other = Overlay.model_validate({"label": label, "changes": {key: QUANTITIES[key] for key in order}})
    assert one.hash == other.hash
    fewer = Overlay.model_validate({"changes": {key: QUANTITIES[key] for key in order[1:]}})
    assert one.hash != fewer.hash


def test_the_hash_of_an_overlay_is_blind_to_layout_and_sees_every_number(case: Case, tmp_path: Path) -> None:
    file = save(tmp_path / "one.yaml", HOTTER)
    one, _ = load_overlay(file)
    flow = tmp_path / "two.yaml"
    flow.write_text("# Hot\nchanges: {indicators.mood.now: {interval: [52, 68.0], median: 60}}\n", encoding="utf-8")
    two, _ = load_overlay(flow)
    assert one.hash == two.hash == apply_overlay(case, two).overlay_hash
    for change in ({"median": 60.1}, {"interval": [52.1, 68]}, {"interval": [52, 68.1]}):
        other = Overlay.model_validate({"changes": {"indicators.mood.now": HOTTER["indicators.mood.now"] | change}})
        assert other.hash != one.hash


def test_evidence_is_kept_unless_the_overlay_brings_its_own(case: Case) -> None:
    kept = apply_overlay(case, HOTTER).indicators["mood"].now_of(case.host)
    assert kept.evidence == case.indicators["mood"].now_of(case.host).evidence
    own = {"basis": "judgement", "claim": "A hunch."}
    brought = apply_overlay(case, {"indicators.mood.now": {**HOTTER["indicators.mood.now"], "evidence": own}})
    evidence = brought.indicators["mood"].now_of(case.host).evidence
    assert evidence is not None
    assert evidence.claim == "A hunch."


def test_the_case_that_an_overlay_is_laid_over_stays_as_it_was(case: Case, folder: Path) -> None:
    apply_overlay(case, QUANTITIES)
    assert case.hash == load_case(folder).hash
    assert case.overlay_hash is None


def test_an_overlay_may_be_laid_over_an_earlier_day_that_lacks_rows(case: Case) -> None:
    unpublished = case.revised(series_rows=tuple(row for row in case.series_rows if row.published.year > 2018))
    earlier = case_as_of(unpublished, dt.date(2018, 6, 30))
    assert earlier.series_rows == ()
    assert apply_overlay(earlier, STRONGER).effects_on("protest")[0].rate_ratio.median == 1.8
    with pytest.raises(CaseError, match="leaves the bounds"):
        apply_overlay(earlier, {"indicators.mood.now": {"value": 101.0}})


def named(case: Case) -> str:
    """An overlay that says which case it was made for."""
    said = f'case: {case.name}\ncase_hash: "{case.hash[:12]}"\n'
    return said + "changes:\n  indicators.mood.now: {median: 60, interval: [52, 68]}\n"


def read(text: str, file: str = "mine.yaml") -> tuple[Overlay, Any]:
    return parse_overlay(text, file)


def test_an_overlay_changes_the_case_that_it_was_made_for_and_no_other(case: Case) -> None:
    other = case.revised(settings={**case.settings.model_dump(), "title": "Another edition"})
    mine = read(named(case))
    assert apply_overlay(case, *mine).hash == apply_overlay(case, HOTTER).hash
    with pytest.raises(CaseError, match=r"^mine.yaml:2: case_hash: was made for small.*another edition"):
        apply_overlay(other, *mine)
    with pytest.raises(CaseError, match=r"^mine.yaml:1: case: was made for elsewhere, and"):
        apply_overlay(case, *read("case: elsewhere\nchanges: {}\n"))


def test_an_overlay_belongs_to_its_case_on_any_day_and_beside_other_overlays(case: Case) -> None:
    mine = read(named(case))
    earlier = case_as_of(case, dt.date(2019, 6, 30))
    assert apply_overlay(earlier, *mine).overlay_hash == mine[0].hash
    assert apply_overlay(apply_overlay(case, LIKELIER), *mine).hash == apply_overlay(case, {**HOTTER, **LIKELIER}).hash
    grown = case.revised(event_rows=case.event_rows[1:])
    with pytest.raises(CaseError, match="another edition"):
        apply_overlay(apply_overlay(grown, LIKELIER), *mine)
    text = overlay_text(HOTTER, case=grown)
    assert (
        apply_overlay(apply_overlay(grown, LIKELIER), *read(text)).hash
        == apply_overlay(grown, {**HOTTER, **LIKELIER}).hash
    )


def test_the_text_of_an_overlay_names_its_case(case: Case) -> None:
    text = overlay_text(HOTTER, "Mine", case)
    mine, document = read(text)
    assert (mine.label, mine.case) == ("Mine", case.name)
    assert case.hash.startswith(str(mine.case_hash))
    assert nameless_overlays(case, [(mine, document)]) == ()


@pytest.mark.parametrize(
    "label", ["true", "null", "nan", "Mine", "a: b", "#1", "12", "no", "Übersicht", "x" * 200, '"']
)
def test_a_label_reads_back_as_it_was(case: Case, label: str) -> None:
    assert read(overlay_text(HOTTER, label, case))[0].label == label


def test_two_overlays_that_disagree_are_refused_with_both_places(case: Case) -> None:
    other = "changes:\n  outcomes.decree.base_rate: {median: 0.4, interval: [0.2, 0.6]}\n"
    both = other + "  indicators.mood.now: {median: 40, interval: [35, 45]}\n"
    apart = [read(named(case), "a.yaml"), read(other, "b.yaml")]
    assert apply_overlays(case, apart).hash == apply_overlay(case, {**HOTTER, **LIKELIER}).hash
    with pytest.raises(CaseError) as caught:
        apply_overlays(case, [read(named(case), "a.yaml"), read(both, "b.yaml")])
    said = "b.yaml:3: changes.indicators.mood.now: is set in a.yaml:4 already, to something else; keep one of the two"
    assert str(caught.value) == said
    assert apply_overlays(case, [read(named(case), "a.yaml"), read(named(case), "b.yaml")]).hash == (
        apply_overlay(case, HOTTER).hash
    )


def test_an_overlay_that_names_no_case_is_told_unless_the_case_accepts_that(case: Case) -> None:
    overlay = read("changes:\n  indicators.mood.now: {median: 60, interval: [52, 68]}\n")
    [doubt] = nameless_overlays(case, [overlay])
    assert (doubt.judgement, doubt.file) == ("nameless-overlay", "mine.yaml")
    assert case.name in doubt.mend
    assert case.hash[:12] in doubt.mend
    assert doubt in overlay_doubts(case, [overlay])
    lenient = case.revised(settings={**case.settings.model_dump(), "allow": ("nameless-overlay",)})
    assert overlay_doubts(lenient, [overlay]) == ()


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("recall", "outcomes.yaml or history/coverage.csv"),
        ("outcomes.protest.recall", "outcomes.yaml or history/coverage.csv"),
        ("at_least", "outcomes.yaml"),
        ("outcomes.protest.at_least", "outcomes.yaml"),
        ("outcomes.decree.severity", "outcomes.yaml"),
        ("memories.fast.days", "case.yaml"),
        ("memories.fast.weight", "case.yaml"),
        ("days", "case.yaml"),
        ("horizon", "case.yaml"),
        ("grave", "case.yaml"),
        ("tension.period", "case.yaml"),
        ("indicators.mood.step", "indicators.yaml"),
        ("indicators.mood.now.dated", "indicators.yaml"),
        ("indicators.mood.series.polls.error", "indicators.yaml"),
        ("effects.spark->protest.spent", "effects.yaml"),
        ("scenarios.storm.shift", "scenarios.yaml"),
    ],
)
def test_a_setting_is_told_from_a_quantity_and_where_it_stands(case: Case, key: str, file: str) -> None:
    document = parse_yaml(f"changes:\n  {key}: {{value: 0.5}}\n", "mine.yaml")
    wrong = "is a setting, not an elicited quantity, and no overlay changes it"
    told = f"mine.yaml:2: changes.{key}: {wrong}; edit it in {file}"
    with pytest.raises(CaseError) as refused:
        apply_overlay(case, {key: {"value": 0.5}}, document)
    assert [str(problem) for problem in refused.value.problems] == [told]


@pytest.mark.parametrize(
    "key", ["indicators.moood.now", "outcomes.protest.sd_dyad", "nothing", "effects.a->b", "trust", ""]
)
def test_what_is_no_setting_is_met_with_the_quantities_that_are_near(case: Case, key: str) -> None:
    if key != "trust":
        with pytest.raises(CaseError, match=r"is not a quantity of the case; .*known: "):
            apply_overlay(case, {key: {"value": 0.5}})
    assert files_of_setting(case, key) == ()


def test_no_quantity_is_taken_for_a_setting() -> None:
    from tests.support.cases import random_case

    for known in (load_case("central_asia_2024"), random_case(1)):
        assert {
            key: files_of_setting(known, key) for key, _, _ in known.quantities() if files_of_setting(known, key)
        } == {}
        names = {key.rpartition(".")[2] for key, _, _ in known.quantities()} - {"scale"}
        assert [name for name in names if files_of_setting(known, name)] == []


def test_the_recall_of_a_case_with_a_table_of_what_was_searched_stands_there() -> None:
    from tests.support.cases import thinned_case

    assert files_of_setting(thinned_case(1), "outcomes.spark.recall") == ("history/coverage.csv",)
