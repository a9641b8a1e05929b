"""Directed pairs: what A does to B and what B does to A are two dyads of one event type, and each sees the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from riskcast import Case, CaseError, fit, forecast, load_case
from riskcast.case.dyads import Dyad
from riskcast.case.model import AssumedEvent, Scenario
from riskcast.forecasting.edges_ahead import Drawn, EdgeAhead
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.remembered import counts_for
from riskcast.record.arrays import build_record
from riskcast.record.memory import SIDES, Neighbours, seen_events
from tests.support.smallpanel import JUDGED, panel_case, table, write_panel_case

DIRECTED = ("case.yaml", "  ended_after: 1", "  ended_after: 1\n  directed: true")
# Only the reverse is remembered, so that nothing else can move.
ANSWER = (
    "effects.yaml",
    "  to: clash\n  whose: own\n  memory: fast\n  acts: same\n  rate_ratio: {median: 2, interval: [1.2, 3.4]",
    "  to: clash\n  whose: reverse\n  memory: fast\n  acts: next\n  rate_ratio: {median: 2, interval: [1.9, 2.1]",
)
LONE = (
    "effects.yaml",
    "  whose: others\n  memory: fast\n  acts: next\n  rate_ratio: {median: 1.3, interval: [0.9, 1.9]",
    "  whose: others\n  memory: fast\n  acts: next\n  rate_ratio: {value: 1",
)


def _rows():
    rows = table()
    # BBB-CCC has no row in some years, and turned round stands for what the second does to the first.
    return rows.assign(dyad=rows["dyad"].replace({"BBB-CCC": "BBB-AAA"}))


@pytest.fixture(scope="module")
def case() -> Case:
    return panel_case(_rows(), edits=(DIRECTED, ANSWER))


def test_pairs_that_stand_both_ways_are_refused_unless_they_are_directed(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="directed: true"):
        load_case(write_panel_case(tmp_path / "undirected", _rows()))
    with pytest.raises(CaseError, match="no directed pairs"):
        load_case(write_panel_case(tmp_path / "unanswered", edits=(ANSWER,)))
    assert panel_case(edits=(DIRECTED,)).hash != panel_case().hash


def test_each_sees_what_the_other_did(case: Case) -> None:
    record = build_record(case)
    effect = next(one for one in case.effects if one.whose == "reverse")
    seen = seen_events(effect, case, record.occurred)
    for place, dyad in enumerate(case.dyads):
        turned = Dyad.parse(dyad).reverse.id
        wanted = record.occurred["raid"][:, case.dyads.index(turned)] if turned in case.dyads else np.zeros(len(seen))
        np.testing.assert_array_equal(seen[:, place], wanted)
    assert seen[:, case.dyads.index("BBB-AAA")].any()


def test_others_are_those_that_share_one_state() -> None:
    pairs = [Dyad.parse(id) for id in ("A-B", "B-A", "B-C", "C-D", "D-B")]
    events = np.array([[1.0, 2.0, 4.0, 8.0, 16.0]])
    wanted = [
        sum(events[0, j] for j, other in enumerate(pairs) if len({*one.states} & {*other.states}) == 1) for one in pairs
    ]
    assert Neighbours.of(pairs).others(events)[0].tolist() == wanted


SEEN = [("sender", 0, 0), ("receiver", 1, 1), ("against_sender", 1, 0), ("by_receiver", 0, 1)]


@pytest.mark.parametrize(("whose", "theirs", "own"), SEEN)
def test_a_memory_of_one_side_sees_what_its_state_does_or_suffers_elsewhere(whose: str, theirs: int, own: int) -> None:
    near = ("effects.yaml", "  to: clash\n  whose: own", f"  to: clash\n  whose: {whose}")
    case = panel_case(_rows(), edits=(DIRECTED, near))
    record = build_record(case)
    effect = next(one for one in case.effects if one.whose == whose)
    seen, raids = seen_events(effect, case, record.occurred), record.occurred["raid"]
    pairs = [Dyad.parse(dyad).states for dyad in case.dyads]
    for place, pair in enumerate(pairs):
        shared = [j for j, other in enumerate(pairs) if {*other} != {*pair} and other[theirs] == pair[own]]
        np.testing.assert_array_equal(seen[:, place], raids[:, shared].sum(axis=1))
    assert seen.any()


@pytest.mark.parametrize("whose", [*SIDES, "reverse", "others"])
def test_what_is_seen_ahead_is_what_would_be_seen_in_a_record(whose: str) -> None:
    pairs = [Dyad.parse(id) for id in ("A-B", "B-A", "A-C", "C-B", "C-A")]
    events = np.random.default_rng(4).integers(0, 2, (6, len(pairs))).astype(np.float32)
    found = Neighbours.of(pairs).seen(whose, events.copy())
    counted = [
        [sum(row[j] for j, other in enumerate(pairs) if counts_for(whose, other.id, one.id)) for one in pairs]
        for row in events
    ]
    assert found.dtype == events.dtype
    np.testing.assert_array_equal(found, counted)


def test_what_a_state_usually_does_is_a_mean_over_its_pairs_that_go_on() -> None:
    usual = (
        (
            "case.yaml",
            "memories:\n",
            f"memories:\n  usual: {{label: Usual, kind: mean, half_life: {{value: 4, {JUDGED}}}}}\n",
        ),
        (
            "effects.yaml",
            "  whose: own\n  memory: fast\n  acts: same",
            "  whose: others\n  memory: usual\n  acts: next",
        ),
    )
    case = panel_case(_rows().query("dyad != 'BBB-AAA'"), edits=usual)
    posterior = fit(case, draws=100, seed=2)
    plan = plan_simulation(posterior, 2, seed=2)
    p = next(one for one in plan.events if one.event == "clash")
    edge = next(one for one in p.edges if one.source == "raid")
    assert edge.beyond is not None
    record, decay = build_record(case), 2.0 ** (-1.0 / 4.0)
    raids, known, pairs = record.occurred["raid"], record.covered["raid"], [set(dyad.split("-")) for dyad in case.dyads]
    left = decay ** np.arange(len(raids))[::-1]
    now = {name: np.zeros((100, one.units), dtype=np.float32) for name, one in ((e.event, e) for e in plan.events)}
    ahead = EdgeAhead(plan, p, edge, edge.beyond, np.arange(100), now, {name: Drawn() for name in now}, None)
    ahead.step(0, {})
    felt = ahead.felt(1, {}) / edge.gain[:, None]
    for place, pair in enumerate(pairs):
        others = [j for j, other in enumerate(pairs) if len(pair & other) == 1]
        events = (left @ raids[:, others]).sum() * decay
        time = (left @ known[:, others]).sum() * decay + record.present[others].sum()
        np.testing.assert_allclose(felt[:, place], events / time, rtol=1e-5)
    assert not record.present.all()


def test_an_event_ahead_is_answered_by_the_other_alone(case: Case) -> None:
    posterior = fit(case, draws=100, seed=2)
    raid = AssumedEvent(event="raid", dyads=("AAA-BBB",), month=1)
    none = AssumedEvent(event="raid", dyads=("AAA-BBB",), happens=False)

    def chances(assumed: AssumedEvent) -> dict[str, float]:
        # Raids elsewhere would see one another's clashes over further periods.
        told = Scenario(label="Assumed", story="As it says.", events=(assumed,))
        found = forecast(posterior, told, horizon=2, seed=2).to_frame()
        clash = found[found["event"] == "clash"]
        return dict(zip(clash["dyad"], clash["probability"], strict=True))

    with_raid, without = chances(raid), chances(none)
    rise = {dyad: with_raid[dyad] - without[dyad] for dyad in with_raid}
    assert rise["BBB-AAA"] > 0.02
    assert all(abs(own) < rise["BBB-AAA"] / 4 for dyad, own in rise.items() if dyad != "BBB-AAA")
