"""What changed between two cases: every kind of change, Shapley values by hand, and refusals."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import riskcast
from riskcast import (
    Case,
    Difference,
    apply_overlay,
    case_as_of,
    describe_changes,
    diff,
    fit,
    forecast,
    load_case,
    read_bundle,
    run as make_run,
    score,
    write_bundle,
)
from riskcast.case.panel import Panel
from riskcast.comparison import change_games
from riskcast.comparison.changes import compare_cases
from riskcast.comparison.parts import put_together, take_apart
from riskcast.comparison.shapley import antithetic_orders, coalitions, shapley_values
from riskcast.errors import OptionError
from riskcast.terminal.differences import FULL, value_text
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity
from tests.support.command_line import Run, runner
from tests.support.smallcase import EVENTS_CSV, FILES, write_files

DRAWS = 200
CHANGES: dict[str, Any] = {
    "indicators.mood.now": quantity(65.0, 60.0, 70.0),
    "effects.mood->protest": quantity(2.2, 1.6, 3.0),
    "outcomes.decree.base_rate": quantity(0.5, 0.3, 0.7),
    "effects.spark->protest": quantity(1.2, 0.8, 1.8),
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_case(write_files(tmp_path_factory.mktemp("small")))


def edited(folder: Path, **changed: str) -> Case:
    return load_case(write_files(folder, **changed))


def compare(first: Case, second: Case, **options: Any) -> Difference:
    return diff(first, second, draws=DRAWS, allow_unreliable=True, **options)


def scores(case: Case, scenario: str | None = None) -> dict[str, float]:
    risk = score(forecast(fit(case, draws=DRAWS, allow_unreliable=True), scenario))
    return {dyad.id: dyad.score.mean for dyad in risk.dyads}


def chosen(*names: str) -> dict[str, Any]:
    return {name: CHANGES[name] for name in names}


def points(difference: Difference, dyad: str) -> dict[str, float]:
    return {share.id: share.points for share in difference.contributions[dyad]}


def assert_adds_up(difference: Difference) -> None:
    assert difference.scores
    for dyad, (one, two) in difference.scores.items():
        assert sum(share.points for share in difference.contributions[dyad]) == pytest.approx(two - one, abs=1e-9)


def ids(first: Case, second: Case, moves: bool = True, **options: Any) -> list[str]:
    return [change.id for change in describe_changes(first, second, **options) if change.moves == moves]


def test_two_changes_share_as_four_forecasts_by_hand_say(case: Case) -> None:
    one, two = "indicators.mood.now", "effects.mood->protest"
    first, second = apply_overlay(case, chosen(one)), apply_overlay(case, chosen(two))
    both = apply_overlay(case, chosen(one, two))
    found = compare(case, both)
    none_, a, b, ab = (scores(each) for each in (case, first, second, both))
    assert found.exact
    assert found.forecasts == 4
    for dyad in case.dyads:
        own = points(found, dyad)
        assert own[one] == pytest.approx(((a[dyad] - none_[dyad]) + (ab[dyad] - b[dyad])) / 2, abs=1e-9)
        assert own[two] == pytest.approx(((b[dyad] - none_[dyad]) + (ab[dyad] - a[dyad])) / 2, abs=1e-9)
        assert found.scores[dyad] == pytest.approx((none_[dyad], ab[dyad]), abs=1e-12)
    assert_adds_up(found)


def test_sampled_orders_agree_with_all_coalitions(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = apply_overlay(case, CHANGES)
    exact = compare(case, changed)
    monkeypatch.setattr(change_games, "is_affordable", lambda k, permutations: False)
    sampled = compare(case, changed, permutations=24)
    assert exact.exact
    assert not sampled.exact
    assert sampled.permutations == 24
    assert_adds_up(exact)
    assert_adds_up(sampled)
    for dyad, own in sampled.contributions.items():
        for share in own:
            assert abs(share.points - points(exact, dyad)[share.id]) <= 4 * share.error + 1e-9
    assert max(share.error for own in sampled.contributions.values() for share in own) > 0


def test_values_and_errors_of_a_game_by_hand() -> None:
    """A glove game: player 0 has a left glove, 1 and 2 a right one; a pair is worth 1 (values 2/3, 1/6, 1/6)."""
    worth = {mask: np.array([float(mask & 1 and mask & 6 != 0)]) for mask in range(8)}
    exact, none_ = shapley_values(worth, 3, None, 1)
    assert exact.ravel() == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert not none_.any()
    orders = [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)]
    value, error = shapley_values(worth, 3, orders, 1)
    # Pairs add (1/2, 1/2, 0) and (1, 0, 0); the standard deviation of two numbers is their distance over sqrt(2).
    assert value.ravel() == pytest.approx([0.75, 0.25, 0.0])
    assert error.ravel() == pytest.approx([0.25, 0.25, 0.0])
    assert coalitions(3, orders) == (0, 1, 2, 4, 3, 5, 6, 7)
    assert antithetic_orders(5, 8, 1) == antithetic_orders(5, 8, 1)


def test_no_change_and_words_alone_cost_no_forecast(case: Case, tmp_path: Path) -> None:
    same = compare(case, case)
    assert (same.changes, same.silent, same.forecasts, same.scores) == ((), (), 0, {})
    words = {
        "outcomes_yaml": FILES["outcomes.yaml"].replace("label: Protest", "label: A protest"),
        "indicators_yaml": FILES["indicators.yaml"].replace("claim: As surveyed.", "claim: As surveyed in spring."),
        "sources_yaml": FILES["sources.yaml"].replace("Survey of opinion", "A survey"),
        "effects_yaml": FILES["effects.yaml"].replace("Decrees follow opinion.", "They do."),
        "scenarios_yaml": FILES["scenarios.yaml"].replace("shift: 5", "shift: 6"),
        "history_events_csv": EVENTS_CSV.replace("A note", "A long note").replace("A war elsewhere", "A war"),
    }
    told = compare(case, edited(tmp_path, **words))
    assert told.changes == ()
    assert told.forecasts == 0
    assert {change.id for change in told.silent} == {
        "outcomes.protest.label",
        "indicators.mood.now",
        "sources.survey",
        "effects.mood->decree.rationale",
        "scenarios.storm",
        "events.protest.HHH-AAA.2016-03-20",
        "events.context.ALL.2018-05-05",
    }
    assert next(c.after["claim"] for c in told.silent if c.id == "indicators.mood.now") == "As surveyed in spring."


def test_whom_a_shared_outcome_touches_and_what_is_grave_move_no_score(case: Case, tmp_path: Path) -> None:
    told = FILES["outcomes.yaml"].replace("  severity: 60", "  severity: 70\n  applies_to: [HHH-AAA]")
    settings = FILES["case.yaml"].replace("horizon: 12", "horizon: 12\ngrave: 50")
    found = compare(case, edited(tmp_path, outcomes_yaml=told, case_yaml=settings))
    assert (found.changes, found.forecasts) == ((), 0)
    silent = {"outcomes.decree.applies_to", "outcomes.decree.severity", "settings.grave"}
    assert {change.id for change in found.silent} == silent
    own = FILES["outcomes.yaml"].replace("  severity: 30", "  severity: 50")
    moved = compare(case, edited(tmp_path / "own", outcomes_yaml=own))
    assert [change.id for change in moved.changes] == ["outcomes.protest.severity"]
    assert all(after > before for before, after in moved.scores.values())


def test_parents_count_only_where_something_moves_them(case: Case) -> None:
    changed = apply_overlay(case, {"indicators.trade.parents.mood": quantity(-0.9, -1.2, -0.6)})
    assert ids(case, changed) == ["indicators.trade.parents.mood"]
    still, other = (apply_overlay(one, {"indicators.mood.drift": {"value": 0.0}}) for one in (case, changed))
    assert ids(still, other) == []
    assert ids(still, other, scenario="storm") == ["indicators.trade.parents.mood"]
    found = compare(case, changed, scenario="storm")
    assert_adds_up(found)
    assert found.scores["HHH-AAA"] == pytest.approx(
        (scores(case, "storm")["HHH-AAA"], scores(changed, "storm")["HHH-AAA"])
    )


RAISES = """\
  raises:
    spark:
      whose: any
      steps: {median: 1.2, interval: [0.4, 2], evidence: {basis: judgement, claim: Judged.}}
      half_life: {median: 3, interval: [1, 9], evidence: {basis: judgement, claim: Judged.}}
"""


def test_what_events_raise_is_one_change_where_it_comes_or_goes_and_else_quantity_by_quantity(
    case: Case, tmp_path: Path
) -> None:
    plain = FILES["indicators.yaml"]
    raised = edited(
        tmp_path / "raised", indicators_yaml=plain.replace("  bounds: [0, 100]\n", "  bounds: [0, 100]\n" + RAISES)
    )
    (change,) = describe_changes(case, raised)
    assert (change.id, change.label, change.before) == ("indicators.mood.raises.spark", "Mood: raised by Spark", None)
    found = compare(case, raised)
    assert_adds_up(found)
    assert points(found, "HHH-AAA")["indicators.mood.raises.spark"] != 0.0
    stronger = apply_overlay(raised, {"indicators.mood.raises.spark.steps": quantity(1.6, 0.8, 2.4)})
    (change,) = describe_changes(raised, stronger)
    assert (change.id, change.label, change.kind) == (
        "indicators.mood.raises.spark.steps",
        "Mood: raised by Spark",
        "quantity",
    )
    assert riskcast.name_quantity(raised, "indicators.mood.raises.spark.half_life").unit == "months"


def test_a_changed_scenario_counts_where_it_is_forecast(case: Case, tmp_path: Path) -> None:
    changed = edited(tmp_path, scenarios_yaml=FILES["scenarios.yaml"].replace("shift: 5", "shift: 15"))
    assert ids(case, changed) == []
    assert ids(case, changed, moves=False) == ["scenarios.storm"]
    assert ids(case, changed, scenario="storm") == ["scenarios.storm"]
    assert_adds_up(compare(case, changed, scenario="storm"))


def test_events_and_series_one_by_one(case: Case, tmp_path: Path) -> None:
    more = EVENTS_CSV.replace("2020-10-01,month,protest,HHH-AAA,AAA,A late protest,survey,located\n", "")
    more += "2020-12-05,day,spark,HHH-BBB,other,A new spark,archive,located\n"
    series = FILES["history/indicators.csv"].replace("2018-01-31,50.5,48,53", "2018-01-31,58,55,61")
    changed = edited(tmp_path, history_events_csv=more, history_indicators_csv=series)
    removed, added, moved = (
        "events.protest.HHH-AAA.2020-10-01",
        "events.spark.HHH-BBB.2020-12-05",
        "series.mood.HHH.2018-01-31",
    )
    assert set(ids(case, changed)) == {removed, added, moved}
    found = compare(case, changed)
    by_id = {change.id: change for change in found.changes}
    assert by_id[removed].after is None
    assert by_id[added].before is None
    assert by_id[added].after["description"] == "A new spark"
    assert (by_id[moved].before["value"], by_id[moved].after["value"]) == (50.5, 58.0)
    assert_adds_up(found)
    assert points(found, "HHH-BBB")[added] > 0
    assert points(found, "HHH-AAA")[removed] < 0


def test_many_rows_of_one_event_type_are_one_change(case: Case, tmp_path: Path) -> None:
    rows = "".join(f"2020-0{month}-05,day,spark,HHH-BBB,other,A spark,archive,located\n" for month in range(1, 6))
    (change,) = describe_changes(case, edited(tmp_path, history_events_csv=EVENTS_CSV + rows))
    assert (change.id, change.label) == ("events.spark", "spark, with 5 events".capitalize())
    assert len(change.after) == 5


def test_a_later_day_brings_the_rows_that_only_it_allows(case: Case) -> None:
    earlier = case_as_of(case, dt.date(2019, 12, 31))
    found = compare(earlier, case)
    day = found.changes[0]
    assert (day.id, day.before, day.after) == ("settings.as_of", "2019-12-31", "2020-12-31")
    assert day.label == "As of, with 1 event and 1 series value"
    assert found.notes == ()
    assert "indicators.mood.now" in {change.id for change in found.changes}
    assert_adds_up(found)


def test_an_indicator_comes_with_its_effects_and_series(case: Case, tmp_path: Path) -> None:
    """Without mood, trade has no parent and two effects are gone; scenarios that are not forecast may name it."""
    kept = [part for part in FILES["effects.yaml"].split("- from: ") if part and not part.startswith("mood")]
    without = edited(
        tmp_path,
        indicators_yaml="trade:" + FILES["indicators.yaml"].split("\ntrade:")[1].split("  parents:")[0],
        effects_yaml="".join(f"- from: {part}" for part in kept),
        scenarios_yaml="{}\n",
        history_indicators_csv=FILES["history/indicators.csv"].splitlines()[0] + "\n",
    )
    (change,) = (change for change in describe_changes(case, without) if change.moves)
    assert (change.id, change.kind, change.after) == ("indicators.mood", "indicator", None)
    assert change.label == "Mood, with 2 effects and 3 series values"
    back = compare(without, case)
    assert [each.id for each in back.changes] == ["indicators.mood"]
    assert_adds_up(back)


def test_what_is_only_valid_together_shares_one_value() -> None:
    """A new memory and the half-life and effect that use it; without the memory neither would be valid."""
    events = {"spark": event(quantity(0.4), kind="trigger"), "a": event(quantity(0.2))}
    rows = (event_row(dt.date(2020, 11, 20), "spark", "HHH-P001"),)
    first = make_case(events, [edge("spark", "a", quantity(4.0), whose="own", memory="fast", acts="next")], rows=rows)
    memories = {**first.settings.memories, "slow": first.settings.memories["fast"].model_copy(update={"label": "Slow"})}
    slow = make_case(events, [edge("spark", "a", quantity(4.0), whose="own", memory="slow", acts="next")], rows=rows)
    second = slow.revised(settings=first.settings.model_copy(update={"memories": memories, "horizon": 6}))
    found = compare(first, second)
    assert {change.id for change in found.changes} == {"settings.horizon", "memories.slow", "effects.spark->a.memory"}
    (share,) = (s for s in found.contributions["HHH-P001"] if len(s.parts) > 1)
    assert set(share.parts) == {"memories.slow", "effects.spark->a.memory"}
    assert "would not be valid" in found.notes[0]
    assert found.horizons == (12, 6)
    assert_adds_up(found)


def test_too_many_changes_are_grouped() -> None:
    def crowd(shift: float) -> Case:
        indicators = {f"x{i}": indicator(label=f"X {i}", now=quantity(shift + i / 30)) for i in range(26)}
        return make_case(
            {"a": event(quantity(0.2))}, [edge(f"x{i}", "a", quantity(1.1)) for i in range(26)], indicators
        )

    found = compare(crowd(0.0), crowd(0.5))
    assert len(found.changes) == 26
    (share,) = found.contributions["HHH-P001"]
    assert len(share.parts) == 26
    assert share.label == "indicators.yaml: 26 changes"
    assert found.notes == ("26 changes are more than 24: those of one file share one value.",)
    assert_adds_up(found)


def test_changes_are_grouped_as_asked(case: Case) -> None:
    """A group's share in a game of two groups is that of the four forecasts by hand."""
    changed = apply_overlay(case, CHANGES)
    by_file = compare(case, changed, group="file")
    assert by_file.notes == ("4 changes: those of one file share one value.",)
    effects = [name for name in CHANGES if name.startswith("effects")]
    assert {share.parts for share in by_file.contributions["HHH-AAA"]} == {
        ("indicators.mood.now",),
        ("outcomes.decree.base_rate",),
        tuple(effects),
    }
    assert_adds_up(by_file)
    (one,) = compare(case, changed, group="kind").contributions["HHH-AAA"]
    assert (len(one.parts), one.label) == (4, "4 changes of kind quantity")
    pair = chosen("indicators.mood.now", *effects)
    two = compare(case, apply_overlay(case, pair), group="file")
    mood = {name: CHANGES[name] for name in effects}
    ends = [scores(apply_overlay(case, some)) for some in ({}, chosen("indicators.mood.now"), mood, pair)]
    for dyad in case.dyads:
        none_, a, b, ab = (end[dyad] for end in ends)
        assert points(two, dyad)["indicators.mood.now"] == pytest.approx(((a - none_) + (ab - b)) / 2, abs=1e-9)
    apart = compare(case, changed, group="part")
    assert (len(apart.contributions["HHH-AAA"]), apart.notes) == (4, ())
    with pytest.raises(OptionError, match="give one of part, file, kind"):
        compare(case, changed, group="sort")


def test_dyads_of_one_case_are_told_and_not_scored() -> None:
    small, large = (make_case({"a": event(quantity(0.2))}, partners=n) for n in (2, 3))
    found = compare(small, large)
    assert found.only_second == ("HHH-P003",)
    assert set(found.scores) == {"HHH-P001", "HHH-P002"}
    assert [change.kind for change in found.changes] == ["dyad"]
    assert_adds_up(found)


def test_a_longer_panel_is_one_change_with_its_calendar() -> None:
    def panel_case(years: int) -> Case:
        grid = np.arange(years)
        panel = Panel(
            ("A-B", "A-C"),
            np.repeat([0, 1], years),
            np.tile(1990 + grid, 2),
            {},
            {"war": np.tile((grid % 5 == 0).astype(float), 2)},
        )
        day = dt.date(1990 + years - 1, 12, 31)
        return make_case({"war": event(quantity(0.2, 0.1, 0.4))}, years=years, period="year", panel=panel, as_of=day)

    found = compare(panel_case(21), panel_case(23))
    assert "panel" in {change.id for change in found.changes}
    assert "settings.as_of" not in {change.id for change in found.changes}
    assert_adds_up(found)


def test_a_case_is_its_parts(case: Case) -> None:
    assert put_together(take_apart(case), case, case).hash == case.hash
    changed = apply_overlay(case, CHANGES)
    comparison = compare_cases(case, changed)
    assert list(comparison.between(comparison.steps).quantities()) == list(changed.quantities())
    assert [step.change.id for step in comparison.steps] == [c.id for c in describe_changes(case, changed)]


def test_bad_options_and_strangers_are_refused(case: Case) -> None:
    stranger = make_case({"a": event(quantity(0.2))}, partners=2)
    with pytest.raises(OptionError, match="no dyad in common"):
        compare(case, stranger)
    with pytest.raises(OptionError, match="even number"):
        compare(case, case, permutations=9)
    with pytest.raises(LookupError, match="unknown scenario"):
        compare(case, case, scenario="strom")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `riskcast diff`: exit status, standard output, standard error."""
    return runner(capsys, "diff")


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, Path]:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("changes:\n  indicators.mood.now: {median: 65, interval: [60, 70]}\n")
    other = tmp_path / "yours.yaml"
    other.write_text("changes:\n  outcomes.decree.base_rate: {median: 0.5, interval: [0.3, 0.7]}\n")
    return {"case": write_files(tmp_path / "small"), "mine": overlay, "yours": other}


QUICK = ("--draws", DRAWS, "--allow-unreliable")


def test_the_command_shows_old_and_new_within_80_columns(run: Run, files: Mapping[str, Path]) -> None:
    status, out, _ = run(files["case"], files["mine"], *QUICK)
    assert status == 0
    assert "55 (48–62)   65 (60–70)" in out
    assert "indicators.mood.now" in out
    assert max(len(line) for line in out.splitlines()[1:]) <= 80
    status, out, _ = run(files["mine"], files["yours"], "--case", files["case"], "--json", *QUICK)
    told = json.loads(out)
    assert [change["id"] for change in told["changes"]] == ["indicators.mood.now", "outcomes.decree.base_rate"]
    for dyad in told["dyads"]:
        assert sum(s["points"] for s in dyad["shares"]) == pytest.approx(dyad["second"] - dyad["first"], abs=1e-9)


def test_the_command_shows_as_much_as_is_asked_for(run: Run, files: Mapping[str, Path], tmp_path: Path) -> None:
    both = tmp_path / "both.yaml"
    both.write_text(files["mine"].read_text() + files["yours"].read_text().partition("\n")[2])
    _, out, _ = run(files["case"], both, *QUICK)
    assert "indicators.mood.now" in out
    assert "outcomes.decree.base_rate" in out
    assert "HHH-BBB" in out
    status, out, _ = run(files["case"], both, "--shown", 1, *QUICK)
    assert status == 0
    assert "indicators.mood.now" in out
    assert "outcomes.decree.base_rate" not in out
    assert "1 more; --json lists all" in out
    assert "the 1 that move most of 2 dyads" in out
    assert "1 other" in out
    _, out, _ = run(files["case"], both, "--group", "kind", "--json", *QUICK)
    assert json.loads(out)["notes"] == ["2 changes: those of one kind share one value."]


def test_runs_on_disk_are_compared(run: Run, files: Mapping[str, Path], tmp_path: Path) -> None:
    """What was kept is used as it is, and an overlay changes the case before the run's own overlay."""
    published = load_case(files["case"])
    folders = [
        write_bundle(make_run(published, ["storm"], overlays=overlays, draws=DRAWS, seed=5), tmp_path / "runs")
        for overlays in ([], [files["mine"].read_text()])
    ]
    kept = [read_bundle(folder) for folder in folders]
    status, out, err = run(*folders, "--json")
    assert status == 0, err
    told = json.loads(out)
    assert [change["id"] for change in told["changes"]] == ["indicators.mood.now"]
    assert (told["draws"], told["seed"], told["scenario"]) == (DRAWS, 5, "storm")
    for i, dyad in enumerate(told["dyads"]):
        assert (dyad["first"], dyad["second"]) == tuple(each.risks[0].dyads[i].score.mean for each in kept)
    assert [each.forecasts[0] for each in kept] == [each.risks[0].forecast for each in kept]
    _, out, _ = run(folders[1], files["yours"], "--json")
    assert [each["id"] for each in json.loads(out)["changes"]] == ["indicators.mood.now", "outcomes.decree.base_rate"]
    other = write_bundle(make_run(published, draws=DRAWS, seed=6), tmp_path / "runs")
    status, _, err = run(folders[0], other)
    assert status == 2
    assert "the two runs differ in their scenario (storm and baseline)" in err
    (folders[0] / "draws.npz").write_bytes(b"")
    status, _, err = run(*folders)
    assert status == 2
    assert "draws.npz has 0 bytes" in " ".join(err.split())


def test_numbers_are_short_and_never_equal_where_they_differ() -> None:
    def change(value: float) -> dict[str, Any]:
        return {"median": value, "interval": [value / 3, value * 1.00001]}

    assert value_text(change(1.0)) == "1 (0.3333–1)"
    assert value_text(change(120000.0)) == "120000 (40000–120000)"
    assert value_text(change(120000.0), digits=FULL) == "120000 (40000–120001.2)"


def test_a_run_stands_for_its_case_and_options(run: Run, files: Mapping[str, Path], tmp_path: Path) -> None:
    """The overlay of the other side changes the run's published case, and seed and draws are those of the run."""
    published = load_case(files["case"])
    changed = apply_overlay(published, {"outcomes.decree.base_rate": CHANGES["outcomes.decree.base_rate"]})
    kept = riskcast.run(changed, ["storm"], published=published, horizon=9, draws=DRAWS, seed=7, allow_unreliable=True)
    folder = riskcast.write_bundle(kept, tmp_path)
    status, out, err = run(folder, files["mine"], "--json", "--allow-unreliable")
    assert status == 0, err
    told = json.loads(out)
    assert [change["id"] for change in told["changes"]] == ["indicators.mood.now", "outcomes.decree.base_rate"]
    assert (told["draws"], told["seed"], told["scenario"], told["horizons"]) == (DRAWS, 7, "storm", [9, 9])
    own = {dyad.id: dyad.score.mean for dyad in kept.risks[0].dyads}
    assert {dyad["id"]: dyad["first"] for dyad in told["dyads"]} == pytest.approx(own, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("mine", "yours"), "are both overlays; name the case"),
        (("case", "case", "--case", "central_asia_2024"), "neither"),
        (("case", "nothing_like_it"), "unknown case"),
        (("case", "gone.yaml"), "gone.yaml: is missing"),
        (("central_asia_2024", "mine"), "is not a quantity of the case"),
        (("case", "mine", "--permutations", "3"), "even number from 8"),
        (("case", "mine", "--horizon", "0"), "horizon is 0"),
        (("case", "mine", "--shown", "0"), "shown is 0"),
        (("case", "mine", "--draws", "7"), "draws is 7"),
        (("case", "central_asia_2024"), "no dyad in common"),
    ],
)
def test_bad_input_is_refused_in_a_line(
    run: Run, files: Mapping[str, Path], arguments: tuple[str, ...], told: str
) -> None:
    status, out, err = run(*(files.get(name, name) for name in arguments))
    assert status == 2
    assert out == ""
    assert told in err
    assert "Traceback" not in err


def test_what_either_record_lacks_is_told_beside_what_changed() -> None:
    rows = tuple(event_row(dt.date(2015 + n // 2, 2 + 6 * (n % 2), 5), "a", "HHH-P001") for n in range(10))
    case = make_case({"a": event(quantity(0.3, 0.1, 0.6))}, rows=rows)
    silent = case.revised(settings=case.settings.model_copy(update={"recorded_until": None}))
    found = riskcast.diff(case, silent, draws=DRAWS)
    assert [change.id for change in found.changes] == ["settings.recorded_until"]
    assert any("ends with its last row on 2019-08-05" in note for note in found.notes)
    assert not any("ends" in note for note in riskcast.diff(case, case, draws=DRAWS).notes)


def test_what_was_searched_is_a_change(tmp_path: Path) -> None:
    plain = riskcast.load_case(write_files(tmp_path / "plain"))
    folder = write_files(tmp_path / "searched")
    rows = "unit,type,from,until\nALL,ALL,2016-01-01,2018-12-31\nHHH-AAA,protest,2019-01-01,2020-12-31\n"
    (folder / "history" / "coverage.csv").write_text(rows, encoding="utf-8")
    searched = riskcast.load_case(folder)
    assert put_together(take_apart(searched), searched, searched).hash == searched.hash
    found = riskcast.diff(plain, searched, draws=DRAWS, permutations=8)
    assert {change.label for change in found.changes} == {
        "Searched for all events, ALL",
        "Searched for Protest, HHH-AAA",
    }
    gains = {one.id: one.points for one in found.contributions["HHH-BBB"]}
    assert sum(gains.values()) == pytest.approx(found.scores["HHH-BBB"][1] - found.scores["HHH-BBB"][0])
    assert any(abs(points) > 0.0 for points in gains.values())


def test_a_level_that_is_set_is_told_beside_the_one_that_was_inferred() -> None:
    case = load_case("central_asia_2024")
    key = "indicators.xenophobia.now"
    [inferred] = [quantity for name, quantity, _ in case.quantities() if name == key]
    wanted = {"median": 60.0, "interval": [52.0, 67.0]}
    there = describe_changes(case, apply_overlay(case, {key: wanted}))
    back = describe_changes(apply_overlay(case, {key: wanted}), case)
    was = {"median": inferred.center, "interval": list(inferred.range)}
    told = [(each.id, each.kind, _quantity(each.before), _quantity(each.after)) for each in (*there, *back)]
    assert told == [(key, "quantity", was, wanted), (key, "quantity", wanted, was)]


def _quantity(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: plain[name] for name in ("median", "interval")}
