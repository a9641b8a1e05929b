"""Every kind of memory, and a stranger's, is the same in the fit, in the simulation, and at the record's end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pytest
from pydantic import ValidationError

from riskcast import fit, forecast, remembered_events
from riskcast.case.model import Case
from riskcast.case.settings import MEMORY_KINDS, Memory as MemorySettings
from riskcast.engines.fitting import fingerprint
from riskcast.engines.hazard import build_event_model, memory_columns, natural_hyper
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import build_record
from riskcast.record.memory import COUNT, Memory
from tests.support.cases import edge, event, event_row, make_case, quantity

STRANGER = "freshest"


class Freshest(Memory):
    """Only the freshest event counts: m = 2^(-gap / half-life), however many there were."""

    def step(self, state: Floats, decay: Floats, seen: Floats, out: Floats | None = None) -> Floats:
        return np.maximum(np.multiply(state, decay, out=out), np.minimum(seen, 1.0), out=out)

    def shape(self, state: Floats, out: Floats | None = None) -> Floats:
        return np.multiply(state, 1.0, out=out)


@pytest.fixture
def stranger() -> Iterator[str]:
    MEMORY_KINDS.add(STRANGER, "the freshest event alone", Freshest())
    yield STRANGER
    MEMORY_KINDS.remove(STRANGER)


@pytest.fixture(params=["count", STRANGER])
def kind(request: pytest.FixtureRequest, stranger: str) -> str:
    return request.param


def quarrels(kind: str = "count") -> Case:
    """Two dyads whose quarrels remember their own, and those of the other within the month."""
    case = make_case(
        {"quarrel": event(quantity(0.5, 0.2, 0.8)), "clash": event(quantity(0.3, 0.1, 0.6))},
        [
            edge("quarrel", "quarrel", quantity(3.0, 2.0, 5.0), whose="own", memory="fast", acts="next"),
            edge("quarrel", "clash", quantity(2.0, 1.2, 4.0), whose="any", memory="fast", acts="same"),
        ],
        years=6,
        sd_time=quantity(0.3),
        persistence=quantity(0.5),
    )
    months = [3, 4, 4, 20, 41, 42, 66, 71]
    rows = [event_row(dt.date(2015 + m // 12, m % 12 + 1, 10), "quarrel", case.dyads[m % 2]) for m in months]
    memories = {name: memory.model_copy(update={"kind": kind}) for name, memory in case.settings.memories.items()}
    return case.revised(event_rows=tuple(rows), settings=case.settings.model_copy(update={"memories": memories}))


def test_a_memory_is_what_its_steps_make_of_it(kind: str) -> None:
    memory: Memory = MEMORY_KINDS.get(kind)
    rng = np.random.default_rng(0)
    seen = (rng.random((30, 2)) < 0.2).astype(float)
    half_lives = np.array([1.5, 6.0])
    for same_period in (False, True):
        columns = memory.columns(seen, half_lives, same_period)
        assert columns.shape == (2, 30, 2)
        for place, half_life in enumerate(half_lives):
            state = np.zeros(2)
            for t, now in enumerate(seen):
                before, state = state, memory.step(state, memory.decay(half_life), now)
                expected = memory.value(state if same_period else before)
                np.testing.assert_allclose(columns[place, t], expected, atol=1e-12)
    np.testing.assert_allclose(memory.residue(seen, half_lives), memory.states(seen, half_lives)[:, -1], atol=1e-12)


def test_a_memory_writes_where_it_is_told_in_the_precision_that_is_given(kind: str) -> None:
    memory: Memory = MEMORY_KINDS.get(kind)
    state, decay, seen = (np.array(values, dtype=np.float32) for values in ([0.5, 2.0], [0.7, 0.7], [1.0, 0.0]))
    expected = memory.step(state, decay, seen), memory.shape(state)
    out = np.empty_like(state)
    assert memory.step(state, decay, seen, out=out) is out
    np.testing.assert_array_equal(out, expected[0])
    assert memory.shape(state, out=out) is out
    np.testing.assert_array_equal(out, expected[1])
    assert out.dtype == np.float32
    kept = state.copy()
    memory.step(state, decay, seen, out=state)
    np.testing.assert_array_equal(state, memory.step(kept, decay, seen))


def test_one_fresh_event_counts_one_and_nothing_counts_none(kind: str) -> None:
    memory: Memory = MEMORY_KINDS.get(kind)
    fresh = memory.step(np.zeros(1), memory.decay(3.0), np.ones(1))
    assert memory.value(fresh)[0] == pytest.approx(1.0)
    assert memory.shape(fresh)[0] == pytest.approx(memory.unit)
    assert memory.value(np.zeros(1))[0] == 0.0
    assert memory.left(0, 3.0) == 1.0
    assert memory.left(3.0, 3.0) == pytest.approx(0.5)


def test_a_kind_runs_through_fit_forecast_and_reasons(kind: str) -> None:
    case = quarrels(kind)
    record = build_record(case)
    model = build_event_model(case, record, "quarrel")
    columns = memory_columns(model, model.rows, natural_hyper(model, {}))
    expected = MEMORY_KINDS.get(kind).columns(
        model.escalations[0].seen, model.hyper["half_life.fast"].quantile(0.0), False
    )
    np.testing.assert_allclose(columns[:, 0], expected[model.rows.period, model.rows.unit])
    posterior = fit(case, draws=200, allow_unreliable=True)
    ahead = forecast(posterior, horizon=6)
    assert 0.0 < ahead.probability("quarrel", case.dyads[1]).mean < 1.0
    assert remembered_events(posterior, case.dyads[1])[0].share > 0.9


def test_kinds_lead_to_other_forecasts(stranger: str) -> None:
    found = [
        forecast(fit(quarrels(kind), draws=400, allow_unreliable=True, prior_only=True), horizon=12)
        for kind in ("count", stranger)
    ]
    dyad = found[0].dyads[0]
    assert found[0].probability("quarrel", dyad).mean != found[1].probability("quarrel", dyad).mean


def test_the_usual_kind_says_nothing_in_hashes_and_fingerprints(stranger: str) -> None:
    memory = {"label": "Shock", "half_life": quantity(2.0, 1.0, 4.0)}
    assert "kind" not in MemorySettings.model_validate(memory).model_dump()
    assert MemorySettings.model_validate({**memory, "kind": stranger}).model_dump()["kind"] == stranger
    marks = set()
    for kind in ("count", stranger):
        case = quarrels(kind)
        marks.add(fingerprint("laplace", 100, 1, build_event_model(case, build_record(case), "quarrel")))
    assert len(marks) == 2
    assert quarrels("count").hash != quarrels(stranger).hash


def test_unknown_kinds_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="count"):
        MemorySettings.model_validate({"label": "Shock", "half_life": quantity(2.0, 1.0, 4.0), "kind": "sum"})


def test_the_reference_engine_says_that_it_does_not_know_a_kind(stranger: str) -> None:
    with pytest.raises(OptionError, match="memory fast is of the kind freshest, which the engine nuts does not know"):
        fit(quarrels(stranger), engine="nuts", draws=200)


def test_the_count_is_the_sum_that_the_formula_says() -> None:
    seen = np.zeros((10, 1))
    seen[[2, 5]] = [[1.0], [2.0]]
    left = 2.0 ** (-7 / 3.0) + 2 * 2.0 ** (-4 / 3.0)
    assert COUNT.columns(seen, 3.0, same_period=True)[-1, 0] == pytest.approx(np.log2(1 + left))
