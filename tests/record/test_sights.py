"""What edges see of a record: every kind of memory row by row from its definition, and answers that spend triggers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from riskcast.case.checks import find_problems
from riskcast.case.files import load_case, write_case
from riskcast.case.model import Case
from riskcast.case.settings import Memory
from riskcast.engines.hazard import build_event_model, edge_columns, natural_hyper
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from riskcast.record.memory import reached
from riskcast.record.sights import sight_of
from tests.support.cases import event_row, quantity
from tests.support.memories import memory_by_definition, of_record
from tests.support.remembering import KINDS, remembering, some_rows
from tests.support.smallpanel import panel_case, table, write_panel_case


def columns_of(case: Case) -> dict[str, Floats]:
    """By edge: (periods, units), at the medians."""
    model = build_event_model(case, build_record(case), "b")
    ids = [name for name in model.coefficients if "->" in name]
    hyper = natural_hyper(model, {})
    return {name: edge_columns(one, hyper) for name, one in zip(ids, model.escalations, strict=True)}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_columns_are_what_the_definition_says_of_every_row(seed: int) -> None:
    case = remembering(some_rows(seed))
    events, columns = of_record(case), columns_of(case)
    for effect in case.effects_on("b"):
        for t in range(0, 72):
            for unit in range(2):
                wanted = memory_by_definition(case, effect, unit, t, events, simulated=False)
                assert columns[effect.id][t, unit] == pytest.approx(wanted, abs=1e-12), (effect.id, t, unit)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), days=st.integers(0, 500), after=st.integers(0, 60))
def test_an_answered_trigger_leaves_the_term_what_it_would_be_without_it(seed: int, days: int, after: int) -> None:
    trigger = event_row(dt.date(2019, 6, 1) + dt.timedelta(days=days), "a", "HHH-P001")
    answer = event_row(trigger.date + dt.timedelta(days=after), "b", "HHH-P001")
    rest = some_rows(seed)
    without, spent = columns_of(remembering((*rest, answer))), columns_of(remembering((*rest, answer, trigger)))
    month = (answer.date.year - 2015) * 12 + answer.date.month - 1
    for name, column in spent.items():
        if "/own" in name and name.endswith("spent"):
            np.testing.assert_array_equal(column[month + 1 :, 0], without[name][month + 1 :, 0])


def test_the_row_of_the_answer_feels_the_triggers_up_to_it_and_no_others() -> None:
    def term(*days: int) -> Floats:
        rows = [event_row(dt.date(2020, 3, day), "a", "HHH-P001") for day in days]
        case = remembering((*rows, event_row(dt.date(2020, 3, 10), "b", "HHH-P001")))
        return columns_of(case)["a->b/own_count_same_spent"][61:65, 0]

    assert term(5).round(6).tolist() == [0.0, 1.0, 0.0, 0.0]
    assert term(10).round(6).tolist() == [0.0, 1.0, 0.0, 0.0]
    later = np.log2(1.0 + 2.0 ** (-np.arange(1, 3) / 2.0))
    np.testing.assert_allclose(term(15), [0.0, 0.0, *later])
    np.testing.assert_allclose(term(5, 15), [0.0, 1.0, *later])


def test_a_trigger_whose_day_leaves_the_order_open_came_first_within_its_month() -> None:
    answer = event_row(dt.date(2020, 3, 10), "b", "HHH-P001")

    def term(precision: str, month: int) -> Floats:
        row = event_row(dt.date(2020, month, 1), "a", "HHH-P001").model_copy(update={"precision": precision})
        columns = columns_of(remembering((row, answer)))
        return np.stack([columns[f"a->b/own_count_{acts}_spent"][62:64, 0] for acts in ("same", "next")])

    assert term("month", 3).round(6).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert term("month", 2)[:, 1].tolist() == [0.0, 0.0]
    # A year's event stands in July, after the answer.
    assert term("year", 1).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_an_event_reaches_so_many_days_and_no_further() -> None:
    lengths = (30, 31, 30, 31)
    np.testing.assert_allclose(
        reached(np.array([1.0, 24.0, 30.0]), lengths, 14), [[0, 8 / 31, 14 / 31], [0] * 3, [0] * 3]
    )
    np.testing.assert_allclose(reached(np.array(30.0), lengths, 70), [1.0, 1.0, 9 / 31])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "immediate"}, "is immediate, but does not say how many days it reaches; add `days:`"),
        ({"kind": "since", "half_life": quantity(2.0)}, "is of the kind since, which has no half-life"),
        ({"kind": "count"}, "is of the kind count and has no half-life; add `half_life:`"),
        ({"half_life": quantity(2.0), "days": 3}, "has no days; remove `days:`, or say kind: immediate"),
        ({"kind": "never", "weight": "count"}, "does not weigh events; remove `weight:`, or say kind: count, rate"),
    ],
)
def test_a_memory_that_does_not_fit_its_kind_is_refused_with_the_mend(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Memory.model_validate({"label": "One", **changes})


@pytest.mark.parametrize(
    ("changes", "memory", "message"),
    [
        ({"spent": True}, "since", "is of the kind since, which no answer ends"),
        ({"spent": True}, "mean", "is of the kind mean, which no answer ends"),
        ({"target": "a", "spent": True}, "count", "lets an event type spend itself"),
        ({"source": "c"}, "severity", "c is a trigger, which has none"),
    ],
)
def test_an_edge_that_its_memory_cannot_serve_is_refused(changes: dict[str, Any], memory: str, message: str) -> None:
    case = remembering()
    one = case.effects[0].model_copy(update={"memory": memory, "path": None, **changes})
    events = {**case.events, "c": case.events["a"].model_copy(update={"kind": "trigger", "severity": None})}
    told = [str(problem) for problem in find_problems(case.revised(effects=(one,), events=events), evidence=False)]
    assert any(message in line for line in told), told


def test_a_panel_knows_no_days_and_dated_events_no_threshold() -> None:
    case = panel_case()
    memories = {**case.settings.memories, "odd": Memory.model_validate({"label": "Odd", **KINDS["immediate"]})}
    odd = case.revised(settings=case.settings.model_copy(update={"memories": memories}))
    told = [str(problem) for problem in find_problems(odd, evidence=False)]
    assert any("needs the day of every event" in line for line in told), told
    case = remembering()
    events = {**case.events, "a": case.events["a"].model_copy(update={"at_least": 2})}
    told = [str(problem) for problem in find_problems(case.revised(events=events), evidence=False)]
    assert any("a.at_least: is 2, but in a record of dated events every row is one" in line for line in told), told


def test_a_panel_may_say_how_many_events_there_were(tmp_path: Path) -> None:
    counting = ("case.yaml", "fast: {label: Fast,", "fast: {label: Fast, weight: count,")
    frame = table()
    row = frame.index[(frame["dyad"] == "AAA-BBB") & (frame["raid"] == 1)][0]
    frame["raid"] = frame["raid"].astype(float)
    frame.loc[row, "raid"] = 3.0
    case = load_case(write_panel_case(tmp_path / "two", frame, edits=(counting,)))
    record = build_record(case)
    number = case.calendar.read(str(frame.loc[row, "period"]))
    assert number is not None
    place = number - record.timeline.first
    assert (record.occurred["raid"][place, 0], record.numbers["raid"][place, 0]) == (1.0, 3.0)
    effect = next(one for one in case.effects if one.source == "raid" and one.whose == "own")
    assert sight_of(effect, case, record).seen[place, 0] == 3.0
    write_case(case, tmp_path / "again")
    assert load_case(tmp_path / "again").hash == case.hash


def test_what_is_not_said_changes_no_hash() -> None:
    case = remembering()
    plain = case.effects[0].model_dump(by_alias=True, mode="json")
    assert "spent" not in plain
    assert "days" not in case.settings.memories["count"].model_dump()
