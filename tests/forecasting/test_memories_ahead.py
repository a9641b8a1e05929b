"""Memories of every kind in a forecast, against an enumeration of all futures from their definitions."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from riskcast import acting, explain, fit, forecast, remembered_events
from riskcast.case.model import Case
from riskcast.case.settings import Memory
from tests.support.cases import edge, event, event_row, make_case, quantity
from tests.support.memories import enumerate_memories, memory_by_definition, of_record

DRAWS, PATHS = 4000, 16
KINDS: dict[str, dict[str, Any]] = {
    "count": {"half_life": quantity(2.0)},
    "count by number": {"half_life": quantity(2.0), "weight": "count"},
    "count by log number": {"half_life": quantity(2.0), "weight": "log_count"},
    "count by severity": {"half_life": quantity(2.0), "weight": "severity"},
    "immediate": {"kind": "immediate", "days": 10},
    "since": {"kind": "since"},
    "never": {"kind": "never"},
    "rate": {"kind": "rate", "half_life": quantity(4.0)},
    "rate by number": {"kind": "rate", "half_life": quantity(4.0), "weight": "count"},
    "rate by log number": {"kind": "rate", "half_life": quantity(4.0), "weight": "log_count"},
    "mean": {"kind": "mean", "half_life": quantity(4.0)},
    "mean by number": {"kind": "mean", "half_life": quantity(4.0), "weight": "count"},
}


def remembering(kind: str, acts: str, spent: bool, split: bool, whose: str = "own", partners: int = 1) -> Case:
    """Weeks in which `a` calls forth `b`; both have happened lately, where `split` in the week that runs too."""
    as_of = dt.date(2020, 12, 31) if split else dt.date(2021, 1, 3)
    rows = [
        event_row(dt.date(2020, 12, 9), "a", "HHH-P001"),
        event_row(dt.date(2020, 12, 15), "a", f"HHH-P00{partners}"),
        event_row(dt.date(2020, 12, 17), "b", "HHH-P001"),
        event_row(dt.date(2020, 12, 19), "a", "HHH-P001"),
    ]
    if split:
        rows += [event_row(dt.date(2020, 12, 28), "a", "HHH-P001"), event_row(dt.date(2020, 12, 29), "b", "HHH-P001")]
        rows += [event_row(dt.date(2020, 12, 30), "a", f"HHH-P00{partners}")]
    case = make_case(
        {"a": event(quantity(1.0 - 1e-6), severity=40.0), "b": event(quantity(1.0 - 1e-4))},
        [edge("a", "b", quantity(4.0), whose=whose, memory="fast", acts=acts, **({"spent": True} if spent else {}))],
        partners=partners,
        period="week",
        rows=tuple(rows),
        as_of=as_of,
        years=1 if split else 2,
    )
    settings = case.settings.model_copy(
        update={"memories": {"fast": Memory.model_validate({"label": "Fast", **KINDS[kind]})}}
    )
    return case.revised(settings=settings)


def assert_enumerated(case: Case, horizon: int, **how: Any) -> None:
    ahead = forecast(fit(case, draws=DRAWS, prior_only=True), horizon=horizon, paths=PATHS)
    for name, wanted in enumerate_memories(case, horizon, **how).items():
        error = 5.0 * np.sqrt(wanted * (1.0 - wanted) / (DRAWS * PATHS))
        np.testing.assert_array_less(np.abs(ahead.simulated.by_period[name] - wanted), error + 2e-6)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("acts", ["next", "same"])
@pytest.mark.parametrize(("kind", "spent"), [(kind, False) for kind in KINDS] + [("count", True), ("immediate", True)])
def test_a_forecast_is_what_an_enumeration_of_its_memories_says(kind: str, acts: str, spent: bool, split: bool) -> None:
    case = remembering(kind, acts, spent, split)
    how: dict[str, Any] = {"days": kind == "immediate", "most": 4 if "number" in kind else 1}
    assert_enumerated(case, 2 if split else 3, **how)


@pytest.mark.parametrize("whose", ["others", "any"])
@pytest.mark.parametrize("split", [False, True])
def test_what_others_did_is_spent_by_ones_own_answer(whose: str, split: bool) -> None:
    assert_enumerated(remembering("count", "same", True, split, whose, partners=2), 2)


def test_what_is_spent_is_no_longer_remembered_and_an_immediate_memory_tells_its_share() -> None:
    def told(kind: str, days: int | None, spent: bool) -> dict[str, float]:
        case = remembering(kind, "same", spent, split=False)
        memory = case.settings.memories["fast"].model_copy(update={} if days is None else {"days": days})
        case = case.revised(settings=case.settings.model_copy(update={"memories": {"fast": memory}}))
        posterior = fit(case, draws=200, prior_only=True)
        return {one.when: one.share for one in remembered_events(posterior, "HHH-P001", least=1e-9)}

    # Weeks end on Sundays: that of the 19th is two before the last.
    assert told("count", None, spent=True) == {"2020-12-19": pytest.approx(0.5)}
    assert set(told("count", None, spent=False)) == {"2020-12-09", "2020-12-15", "2020-12-19"}
    # From 19 December twenty days reach 8 January, the fifth day of the next week.
    assert told("immediate", 20, spent=True) == {"2020-12-19": pytest.approx(5 / 7)}
    assert told("immediate", 10, spent=False) == {}
    assert told("since", None, spent=False) == {}


def test_what_drives_now_and_what_explains_a_score_know_every_kind() -> None:
    for kind in KINDS:
        case = remembering(kind, "same", spent=False, split=False)
        ahead = forecast(fit(case, draws=200, prior_only=True), horizon=3, paths=4)
        last = ahead.posterior.record.timeline.complete - 1
        (one,) = [effect for effect in acting(ahead, "HHH-P001", "b") if effect.is_event]
        wanted = memory_by_definition(case, case.effects[0], 0, last, of_record(case))
        if kind not in ("immediate", "rate", "rate by number"):
            assert one.steps == pytest.approx(wanted, abs=1e-5), kind
        contributions = {each.id for each in explain(ahead, paths=100).contributions["HHH-P001"]}
        assert ("recent:a" in contributions) == (kind != "immediate"), kind
