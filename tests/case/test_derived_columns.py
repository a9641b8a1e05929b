"""Derived columns of a panel: against pandas and scipy, blind to what comes later, and refused in words."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given, settings, strategies as st
from scipy.interpolate import CubicSpline

from riskcast import Case, CaseError, load_case
from riskcast.case.derived_columns import Recipe, derive_columns
from riskcast.case.derived_steps import spline_part
from riskcast.case.doubts import find_doubts
from riskcast.case.files import write_case
from riskcast.case.panel import Inputs, StateTable
from riskcast.case.vintage import case_as_of
from tests.support.derivedpanel import (
    DERIVE,
    TABLE_OF_STATES,
    derived_case,
    states_table,
    talks_table,
    write_derived_case,
)
from tests.support.smallpanel import FIRST, PERIODS, panel_case


@pytest.fixture(scope="module")
def case() -> Case:
    return derived_case()


@pytest.fixture(scope="module")
def raw(case: Case) -> dict[str, np.ndarray]:
    """Derived columns before anything is done about missing cells."""
    panel = case.panel
    assert panel is not None
    assert panel.inputs is not None
    assert case.settings.panel is not None
    recipe = Recipe.of(case.settings.panel, case.indicators, case.events)
    return dict(derive_columns(recipe, panel.inputs, case.calendar.number(case.as_of)).columns)


@pytest.fixture(scope="module")
def grids() -> dict[str, pandas.DataFrame]:
    """The tables as period by dyad, from the period of the first row on, NaN where there is no row."""
    rows = talks_table().assign(period=lambda frame: frame["period"].astype(int))
    wide = {name: rows.pivot(index="period", columns="dyad", values=name) for name in rows.columns[2:]}
    states = states_table().assign(period=lambda frame: frame["period"].astype(int))
    for name in ("free", "armed", "coup"):
        own = states.pivot(index="period", columns="state", values=name)
        for side in (0, 1):
            dyads = wide["mood"].columns
            wide[f"{name}{side}"] = pandas.DataFrame({dyad: own[dyad.split("-")[side]] for dyad in dyads})
    return wide


def _of_rows(case: Case, grid: pandas.DataFrame) -> np.ndarray:
    panel = case.panel
    assert panel is not None
    return np.array([grid[panel.dyads[u]][p] for u, p in zip(panel.unit.tolist(), panel.period.tolist(), strict=True)])


def test_each_operation_is_what_pandas_makes_of_the_table(case: Case, raw: dict, grids: dict) -> None:
    trade, mood = grids["trade"], grids["mood"]
    window = mood.rolling(3, min_periods=1)
    clash, raid, talks = (grids[name].shift(1) for name in ("clash", "raid", "talks"))
    coup = grids["coup0"].shift(1)
    expected = {
        "trade_before": trade.shift(1),
        "log_trade": np.log(trade),
        "trade_change": np.log(trade) - np.log(trade).shift(2),
        "mean_mood": window.mean(),
        "least_mood": window.min(),
        "most_mood": window.max(),
        "heat": mood * np.log(trade),
        "mood_of_trade": mood / trade,
        "clashes": clash.fillna(0.0).cumsum(),
        "raided_before": grids["raid"].shift(2),
        "fading_raids": raid.fillna(0.0).apply(lambda own: _faded(own.to_numpy(), 2.0), axis=0),
        "fading_talks": talks.fillna(0.0).apply(lambda own: _faded(own.to_numpy(), 3.0), axis=0),
        "coup_first": coup,
        "least_free": np.minimum(grids["free0"], grids["free1"]),
        "most_free": np.maximum(grids["free0"], grids["free1"]),
        "free_first": grids["free0"],
        "free_apart": grids["free0"] - grids["free1"],
    }
    for name, grid in expected.items():
        np.testing.assert_allclose(raw[name], _of_rows(case, grid), rtol=1e-12, err_msg=name)


def _faded(events: np.ndarray, half_life: float) -> np.ndarray:
    gaps = np.arange(len(events))
    return np.array([(events[: t + 1] * 2.0 ** (-(t - gaps[: t + 1]) / half_life)).sum() for t in gaps])


def test_either_and_both_know_what_a_missing_value_leaves_open(case: Case, raw: dict, grids: dict) -> None:
    armed = (grids["armed0"] > 0.0) | (grids["armed1"] > 0.0)
    np.testing.assert_array_equal(raw["either_armed"], _of_rows(case, armed.astype(float)))
    first, second = _of_rows(case, grids["free0"]), _of_rows(case, grids["free1"])
    for one, other, told in zip(first, second, raw["both_free"], strict=True):
        known = [value for value in (one, other) if not np.isnan(value)]
        wanted = 0.0 if 0.0 in known else 1.0 if len(known) == 2 else np.nan
        assert told == wanted or (np.isnan(told) and np.isnan(wanted))
    assert np.isnan(raw["both_free"]).any()


def test_time_since_counts_by_the_calendar_from_where_the_record_of_a_dyad_begins(case: Case, raw: dict) -> None:
    panel = case.panel
    assert panel is not None
    for row, (unit, period) in enumerate(zip(panel.unit.tolist(), panel.period.tolist(), strict=True)):
        own = panel.unit == unit
        met = panel.period[own & (panel.period < period) & (panel.events["clash"] > 0.0)]
        began = int(panel.period[own].min())
        wanted = period - 1 - int(met.max()) if len(met) else period - began
        assert raw["peace"][row] == wanted


def test_standardised_columns_know_the_rows_of_all_dyads_so_far(case: Case, raw: dict) -> None:
    panel = case.panel
    assert panel is not None
    mood = panel.levels["mood"]
    for row, period in enumerate(panel.period.tolist()):
        known = mood[panel.period <= period]
        assert raw["usual_mood"][row] == pytest.approx((mood[row] - known.mean()) / known.std(ddof=1), abs=1e-9)


def test_parts_of_a_spline_span_what_natural_splines_are() -> None:
    knots, x = (0.0, 1.0, 4.0, 6.0), np.linspace(-2.0, 9.0, 45)
    heights = np.array([1.0, -2.0, 0.5, 3.0])
    natural = CubicSpline(knots, heights, bc_type="natural")
    # Beyond the outer knots a natural spline goes straight on.
    ends = {0.0: (x < 0.0), 6.0: (x > 6.0)}
    wanted = natural(x)
    for knot, beyond in ends.items():
        wanted[beyond] = natural(knot) + natural(knot, 1) * (x[beyond] - knot)
    parts = np.column_stack([np.ones_like(x), x, *(spline_part(x, knots, part) for part in (1, 2))])
    found, *_ = np.linalg.lstsq(parts, wanted, rcond=None)
    np.testing.assert_allclose(parts @ found, wanted, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), last=st.integers(0, PERIODS - 2))
def test_whatever_comes_later_changes_nothing(case: Case, seed: int, last: int) -> None:
    panel = case.panel
    assert panel is not None
    assert panel.inputs is not None
    assert panel.inputs.states is not None
    assert case.settings.panel is not None
    recipe = Recipe.of(case.settings.panel, case.indicators, case.events)
    until = case.calendar.number(FIRST) + last
    rng = np.random.default_rng(seed)
    own, states = panel.inputs, panel.inputs.states

    def shuffled(values: np.ndarray, later: np.ndarray) -> np.ndarray:
        out = values.copy()
        out[later] = rng.permutation(values[later]) + rng.choice([0.0, 1.0, np.nan], later.sum())
        return out

    # The row of a period knows its covariates, and the events of the period before it.
    later, events_later, states_later = own.period > until, own.period >= until, states.period > until
    other = Inputs(
        own.dyads,
        own.unit,
        own.period,
        {name: shuffled(values, later) for name, values in own.columns.items()},
        {name: shuffled(values, events_later) for name, values in own.events.items()},
        StateTable(
            states.states,
            states.state,
            states.period,
            {name: shuffled(values, states_later) for name, values in states.columns.items()},
        ),
    )
    with np.errstate(invalid="ignore"):
        found, wanted = (derive_columns(recipe, inputs, until).columns for inputs in (other, own))
    for name in recipe.derive:
        np.testing.assert_array_equal(found[name][~later], wanted[name][~later], err_msg=name)


# In the first of these years not all dyads have begun.
@pytest.mark.parametrize("years", [1, 3, 7])
def test_a_case_of_an_earlier_day_has_the_columns_that_its_tables_give(case: Case, years: int) -> None:
    day = dt.date(FIRST.year + years, 12, 31)
    then = case_as_of(case, day)
    rows, states = talks_table(), states_table()
    rows, states = (frame[frame["period"].astype(int) <= day.year + 1].copy() for frame in (rows, states))
    rows.loc[rows["period"].astype(int) > day.year, ["clash", "raid", "summit", "talks"]] = np.nan
    read = derived_case(rows=rows, states=states, edits=(("case.yaml", "2012-12-31", day.isoformat()),))
    assert then.panel is not None
    assert read.panel is not None
    assert then.panel.dyads == read.panel.dyads
    for name in case.indicators:
        if case.indicators[name].history == "panel":
            np.testing.assert_allclose(then.panel.levels[name], read.panel.levels[name], rtol=1e-12, err_msg=name)
    assert then.panel.digest == read.panel.digest


def test_a_written_case_reads_back_to_the_same(case: Case, tmp_path: Path) -> None:
    write_case(case, tmp_path / "again")
    assert (tmp_path / "again" / TABLE_OF_STATES).is_file()
    assert load_case(tmp_path / "again").hash == case.hash


def test_the_hash_tells_what_derived_columns_are_made_of(case: Case) -> None:
    states = states_table()
    states.loc[0, "free"] += 1.0
    assert derived_case(states=states).hash != case.hash
    assert derived_case({"peace": DERIVE["peace"]}).hash != panel_case().hash


def test_dropped_rows_are_still_remembered(case: Case, raw: dict) -> None:
    dropping = derived_case({"trade_before": DERIVE["trade_before"], "peace": DERIVE["peace"]}, edits=DROPPED)
    assert dropping.panel is not None
    assert case.panel is not None
    lacks = np.isnan(raw["trade_before"])
    assert lacks.any()
    assert len(dropping.panel) == len(case.panel) - lacks.sum()
    np.testing.assert_array_equal(dropping.panel.levels["peace"], raw["peace"][~lacks])


DROPPED = (("indicators.yaml", "  missing: [hold, reference]\n", "  missing: [drop]\n"),)


@pytest.mark.parametrize(
    ("derive", "words"),
    [
        ({"a": "{do: lag, of: b}", "b": "{do: log, of: a}"}, "in a circle"),
        ({"a": "{do: lag, of: trade, half_life: 2}"}, "does not use; remove it"),
        ({"a": "{do: ratio, of: trade}"}, "takes 1 columns, and `do: ratio` takes 2"),
        ({"a": "{do: log, of: states.free}"}, "takes 2 columns"),
        ({"a": "{do: mean, of: trade}"}, "add `periods:`"),
        ({"a": "{do: fading, of: clash}"}, "add `half_life:`"),
        ({"a": "{do: spline, of: trade, knots: [1, 1, 2], part: 1}"}, "knots that do not rise"),
        ({"a": "{do: spline, of: trade, knots: [1, 2, 4], part: 2}"}, "from 1 to 1"),
        ({"a": "{do: first, of: [trade, mood]}"}, "write `of: states.NAME`"),
        ({"a": "{do: lag, of: climate}"}, "which is no column of the panel"),
        ({"a": "{do: lag, of: trede}"}, "trede"),
        ({"a": "{do: min, of: states.fre}"}, "fre"),
        ({"a": "{do: log, of: states_first}", "states_first": "{do: first, of: states.free}"}, "has no log"),
        ({"a": "{do: ratio, of: [mood, f]}", "f": "{do: second, of: states.free}"}, "has no ratio"),
        ({"clash": "{do: lag, of: trade}"}, "is the id of another column"),
    ],
)
def test_what_cannot_be_derived_is_refused_in_words(tmp_path: Path, derive: dict[str, str], words: str) -> None:
    with pytest.raises(CaseError) as error:
        load_case(write_derived_case(tmp_path, derive))
    assert words in str(error.value)
    assert "Traceback" not in str(error.value)


@pytest.mark.parametrize(("inputs", "words"), [("trade", "something else already"), ("talks", "nothing is derived")])
def test_input_events_are_columns_from_which_something_is_derived(tmp_path: Path, inputs: str, words: str) -> None:
    edit = ("case.yaml", "  derive:", f"  inputs: [{inputs}]\n  derive:")
    with pytest.raises(CaseError, match=words):
        load_case(write_derived_case(tmp_path, {"a_lag": "{do: lag, of: trade}"}, edits=(edit,)))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            ("indicators.yaml", "  drift: {value: 0, evidence", "  drift: {value: 0.2, evidence"),
            "moves with what it is",
        ),
        (("indicators.yaml", "  scope: dyad", "  scope: host"), "every dyad's own"),
        (("indicators.yaml", "  missing: [hold, reference]\n", ""), "missing: [hold, reference, drop]"),
    ],
)
def test_an_indicator_that_is_derived_has_no_life_of_its_own(
    tmp_path: Path, edit: tuple[str, str, str], words: str
) -> None:
    with pytest.raises(CaseError) as error:
        load_case(_with_first(tmp_path, edit))
    assert words in str(error.value)


def _with_first(folder: Path, edit: tuple[str, str, str]) -> Path:
    """The case with one derived indicator, edited in its own part of the file."""
    write_derived_case(folder, {"a_lag": "{do: lag, of: trade}"})
    file = folder / edit[0]
    before, own = file.read_text(encoding="utf-8").split("a_lag:\n", 1)
    assert edit[1] in own
    file.write_text(before + "a_lag:\n" + own.replace(edit[1], edit[2], 1), encoding="utf-8")
    return folder


def test_an_edited_case_keeps_its_table_of_states(tmp_path: Path) -> None:
    from riskcast.updates.case_files import read_files

    folder = write_derived_case(tmp_path)
    assert TABLE_OF_STATES in read_files(folder).contents


def test_cells_that_nobody_wrote_are_not_judged_as_mistyped(case: Case) -> None:
    steep = derived_case({"steep": "{do: ratio, of: [mood, trade]}"})
    assert not [one for one in find_doubts(steep, quick=True) if one.judgement == "series-jumps" and one.key == "steep"]
    jumps = [one for one in find_doubts(_written(steep), quick=True) if one.judgement == "series-jumps"]
    assert [one for one in jumps if one.key == "steep"]


def _written(case: Case) -> Case:
    """The same panel as if its derived column had been written into its table."""
    assert case.settings.panel is not None
    panel = case.settings.panel.model_copy(update={"derive": {}})
    return case.revised(settings=case.settings.model_copy(update={"panel": panel}))
