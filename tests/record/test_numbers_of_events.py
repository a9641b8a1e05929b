"""Panels that say how many events there were: what happened of them, and what memories of numbers hold."""

from __future__ import annotations

import numpy as np
import pytest

from riskcast.case.raises import past_events
from riskcast.engines.hazard import build_event_model, edge_columns, natural_hyper
from riskcast.record.arrays import build_record
from riskcast.record.sights import numbers_of_events
from tests.support.numbered import RAIDS_FROM, number_memory_by_definition, numbered, numbers_table
from tests.support.smallpanel import panel_case, table


def test_the_event_of_a_period_happened_where_its_number_is_large_enough() -> None:
    case, rows = numbered(), numbers_table()
    record = build_record(case)
    assert rows["raid"].max() > 10.0
    assert ((rows["raid"] > 0) & (rows["raid"] < RAIDS_FROM)).any()
    for dyad, year, raids, summits in zip(rows["dyad"], rows["period"], rows["raid"], rows["summit"], strict=True):
        if int(year) > 2012:
            continue
        at, unit = int(year) - 2001, case.dyads.index(dyad)
        assert record.numbers["raid"][at, unit] == raids
        assert record.occurred["raid"][at, unit] == (raids >= RAIDS_FROM) == record.counted["raid"][at, unit]
        assert record.covered["raid"][at, unit] == 1.0
        assert record.occurred["summit"][at, 0] == (summits >= 1.0)
        assert record.numbers["summit"][at, 0] == summits
    known = numbers_of_events(case, record, "raid").tolist()
    assert known == sorted(number for number in rows["raid"] if number >= RAIDS_FROM)
    assert len(past_events(case, "raid").unit) == len(known)
    assert numbers_of_events(numbered(at_least=99), build_record(numbered(at_least=99)), "raid").tolist() == [99.0]


@pytest.mark.parametrize("seed", [1, 2])
def test_memories_of_numbers_are_what_the_table_says_of_every_row(seed: int) -> None:
    case, rows = numbered(seed), numbers_table(seed)
    record = build_record(case)
    for name in case.order:
        model = build_event_model(case, record, name)
        hyper = natural_hyper(model, {})
        effects = [effect for effect in case.effects_on(name) if effect.is_escalation]
        for effect, edge in zip(effects, model.escalations, strict=True):
            if not case.settings.memories[str(effect.memory)].is_numbered:
                continue
            columns = edge_columns(edge, hyper)
            for unit, dyad in enumerate(model.units):
                for year in range(2001, 2013):
                    wanted = number_memory_by_definition(case, effect, rows, dyad, year)
                    assert columns[year - 2001, unit] == pytest.approx(wanted, abs=1e-12), (effect.id, dyad, year)


def test_a_panel_of_ones_and_noughts_says_by_number_what_it_says_without() -> None:
    case = panel_case()
    by_number = panel_case(edits=(("case.yaml", "half_life: {", "weight: count, half_life: {"),))
    models = [build_event_model(own, build_record(own), "clash") for own in (case, by_number)]
    plain, numbers = ([edge_columns(edge, natural_hyper(m, {})) for edge in m.escalations] for m in models)
    assert len(plain) == 2
    for one, other in zip(plain, numbers, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-15)


def test_a_threshold_of_one_is_the_usual_one_and_keeps_the_hash() -> None:
    stated = (("outcomes.yaml", "raid:\n", "raid:\n  at_least: 1\n"),)
    assert panel_case(edits=stated).hash == panel_case().hash
    assert panel_case(edits=((*stated[0][:2], "raid:\n  at_least: 2\n"),)).hash != panel_case().hash
    doubled = table()
    doubled["raid"] = 2.0 * doubled["raid"]
    two = panel_case(doubled, edits=((*stated[0][:2], "raid:\n  at_least: 2\n"),))
    one = build_record(panel_case())
    np.testing.assert_array_equal(build_record(two).occurred["raid"], one.occurred["raid"])
