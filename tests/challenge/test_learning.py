"""What the record taught: quantities before and after, conflict, and what is drawn from the record."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

from riskcast import fit, forecast
from riskcast.case.quantities import elicit
from riskcast.challenge.beliefs import drawn_beliefs
from riskcast.challenge.densities import taught_beliefs
from riskcast.challenge.learning import (
    BOTH,
    NOT_LEARNED,
    OUTSIDE,
    PRIOR_DECIDES,
    UNTOLD,
    Learning,
    report_learning,
)
from riskcast.challenge.plain_learning import learning_data
from riskcast.challenge.power_scaling import Hang
from riskcast.challenge.worth import Known
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
    assert not idle.of_record.is_told
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
    frame = found.to_frame()
    assert frame["narrowed_error"].gt(0.0).all()
    assert data["quantities"][0]["prior_sensitivity"]["by_chance"] == pytest.approx(frame["of_prior_floor"][0])
    assert OUTSIDE in found._repr_html_()


def test_weights_that_fail_tell_nothing(found: Learning) -> None:
    idle = next(one for one in found.quantities if one.key == "effects.idle->spat")
    told = replace(idle, moved=Known(0.6, 0.1), of_prior=Hang(0.5, 0.01, 0.2), of_record=Hang(0.5, 0.01, 0.2))
    failed = replace(told, of_record=Hang(0.5, 0.01, 0.9))
    assert (told.verdict, failed.verdict) == (BOTH, UNTOLD)
    assert replace(told, of_record=Hang(0.04, 0.01, 0.2)).verdict == PRIOR_DECIDES
    assert replace(told, of_record=Hang(0.2, 0.3, 0.2), of_prior=Hang(0.2, 0.3, 0.2)).verdict == UNTOLD
    # Where it lies is told without them.
    assert replace(failed, moved=Known(2.5, 0.1)).verdict == OUTSIDE
    some = replace(found, quantities=(failed,))
    assert np.isnan(some.to_frame()["of_record"]).all()
    [data] = learning_data(some)["quantities"]
    assert data["record_sensitivity"] == {"value": None, "by_chance": None, "khat": 0.9}
    assert data["prior_sensitivity"]["value"] == 0.5


def test_of_an_event_type_that_could_not_be_fitted_nothing_is_told(found: Learning) -> None:
    posterior = found.forecast.posterior
    events = {**posterior.events, "spat": replace(posterior.events["spat"], failed="its draws are those of its priors")}
    ahead = replace(found.forecast, posterior=replace(posterior, events=events))
    left = report_learning(ahead, ["score:HHH-P001"])
    assert left.unfitted == ("spat",)
    assert {one.key for one in left.quantities} == {"outcomes.quarrel.base_rate"}
    assert {lean.event for lean in left.leans[next(iter(left.targets))]} == {"", "quarrel"}
    assert learning_data(left)["unfitted"] == ["spat"]


def test_what_happens_every_week_is_measured_where_probabilities_end(found: Learning) -> None:
    posterior = found.forecast.posterior
    drawn = posterior.events["quarrel"]
    # Sixty a year: no number tells their probability within a year from 1.
    often = drawn.coefficients.copy()
    often[:, 0] += np.log(5.0) - often[:, 0].mean()
    events = {**posterior.events, "quarrel": replace(drawn, coefficients=often)}
    ahead = replace(found.forecast, posterior=replace(posterior, events=events))
    one = next(one for one in taught_beliefs(drawn_beliefs(ahead)) if one.belief.key == "outcomes.quarrel.base_rate")
    assert one.values.mean() > 1.0 - 1e-9
    assert len(np.unique(one.scores)) > 100
    middle, spread = (prior := elicit(one.belief.quantity, one.belief.named.link)).middle, prior.spread
    assert prior.score_on_link(prior.on_link(one.scores)) == pytest.approx(one.scores)
    assert 3.0 < one.scores.mean() < 1.5 * (often[:, 0].mean() - middle) / spread
    assert np.isfinite(one.log_prior).all()


def test_priors_alone_have_learned_nothing(found: Learning) -> None:
    with pytest.raises(OptionError, match="learned nothing"):
        report_learning(forecast(fit(found.case, draws=100, prior_only=True), paths=2))
