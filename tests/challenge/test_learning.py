"""What the record taught: quantities before and after, conflict, and what is drawn from the record."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest

from riskcast import fit, forecast
from riskcast.challenge.learning import NOT_LEARNED, OUTSIDE, Learning, report_learning
from riskcast.challenge.plain_learning import learning_data
from riskcast.errors import OptionError
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity


def says(median: float, low: float, high: float, basis: str = "judgement") -> dict[str, object]:
    return quantity(median, low, high) | {"evidence": {"basis": basis, "claim": "A test.", "sources": ["a_source"]}}


@pytest.fixture(scope="module")
def found() -> Learning:
    """Quarrels come every month, where one in a hundred years was thought likely; spats as was thought."""
    rows = [
        event_row(dt.date(year, month, 5), "quarrel", "HHH-P001") for year in (2019, 2020) for month in range(1, 13)
    ]
    rows.append(event_row(dt.date(2020, 3, 3), "spat", "HHH-P002"))
    case = make_case(
        {
            "quarrel": event(says(0.01, 0.004, 0.03), severity=30.0),
            "spat": event(says(0.3, 0.1, 0.6, basis="record"), severity=10.0),
        },
        [edge("idle", "spat", says(1.5, 1.0, 2.2))],
        {"idle": indicator()},
        partners=2,
        years=2,
        rows=tuple(rows),
    )
    return report_learning(forecast(fit(case, draws=400, allow_unreliable=True), paths=2), ["score:HHH-P001"])


def test_what_the_record_contradicts_is_a_conflict(found: Learning) -> None:
    by_key = {one.key: one for one in found.quantities}
    quarrel = by_key["outcomes.quarrel.base_rate"]
    assert quarrel.verdict == OUTSIDE
    assert quarrel.moved.value > 3.0
    assert quarrel.after[0] > quarrel.before[2]
    assert [one.key for one in found.conflicts] == [quarrel.key]
    assert found.quantities[0] is quarrel
    check = next(one for one in found.checks if one.event == "quarrel")
    assert "more than expected" in check.verdict


def test_what_the_record_says_nothing_of_stays(found: Learning) -> None:
    idle = next(one for one in found.quantities if one.key == "effects.idle->spat")
    assert idle.verdict == NOT_LEARNED
    assert idle.of_record < 0.05
    assert np.log(idle.after) == pytest.approx(np.log(idle.before), abs=0.12)


def test_what_rests_on_the_record_is_marked(found: Learning) -> None:
    assert [one.key for one in found.from_record] == ["outcomes.spat.base_rate"]


def test_a_score_leans_on_the_record_that_taught_it(found: Learning) -> None:
    [leans] = found.leans.values()
    size = {(lean.part, lean.event): lean.change for lean in leans}
    assert {("priors", ""), ("record", ""), ("record", "quarrel"), ("priors", "spat")} <= set(size)
    quarrel = size["record", "quarrel"]
    assert quarrel.value > 3.0 * quarrel.error
    assert size["priors", "quarrel"].value < 0.0
    # Given the record event types separate: what all of it does is the sum of what each does.
    parts = sum(size["record", name].value for name in ("quarrel", "spat"))
    assert size["record", ""].value == pytest.approx(parts, abs=0.3)


def test_data_holds_every_quantity_and_the_joint_check(found: Learning) -> None:
    data = json.loads(json.dumps(learning_data(found)))
    assert [one["quantity"] for one in data["quantities"]] == [one.key for one in found.quantities]
    assert data["jointly"]["recorded"] == found.jointly.recorded
    assert OUTSIDE in found._repr_html_()


def test_priors_alone_have_learned_nothing(found: Learning) -> None:
    with pytest.raises(OptionError, match="learned nothing"):
        report_learning(forecast(fit(found.case, draws=100, prior_only=True), paths=2))
