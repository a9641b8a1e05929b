"""The history of scores: which days, each from its vintage alone, kept and gone on with, and what is told of it."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from rich.console import Console

import riskcast
from riskcast import charts
from riskcast.errors import OptionError, UnknownNameError
from riskcast.exports.brief.history import history_part
from riskcast.exports.history_data import history_data, history_table
from riskcast.machinery.checkpoints import FINISHED
from riskcast.terminal.history import history_view
from riskcast.verification import history as module
from riskcast.verification.history_records import ScoreHistory, nearest, percentile
from tests.support.cases import event_row
from tests.support.histories import made_up
from tests.support.origins import panel_case, small_case, tense_case

SETTINGS: dict[str, Any] = {"draws": 100, "horizon": 2, "workers_count": 1}


def short_case() -> riskcast.Case:
    """A case of fourteen months, so that its history has four days."""
    case = small_case(years=2)
    return riskcast.case_as_of(case, dt.date(2020, 3, 10))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def found(folder: Path) -> ScoreHistory:
    return riskcast.score_history(short_case(), 1, cache=folder, **SETTINGS)


def test_days_are_month_ends_and_the_cases_own_day() -> None:
    case = small_case(years=4)
    days = riskcast.history_days(case, 2)
    assert days[-1] == case.as_of == dt.date(2020, 12, 31)
    assert days[:2] == (dt.date(2018, 12, 31), dt.date(2019, 1, 31))
    assert len(days) == 25
    assert all((day + dt.timedelta(days=1)).day == 1 for day in days)
    assert riskcast.history_days(short_case(), 5) == (
        *(dt.date(2020, 1, 31), dt.date(2020, 2, 29)),
        dt.date(2020, 3, 10),
    )
    with pytest.raises(OptionError, match="years is 0"):
        riskcast.history_days(case, 0)


def test_a_panels_days_are_ends_of_its_periods() -> None:
    days = riskcast.history_days(panel_case(), 1)
    assert days == tuple(dt.date(year, 12, 31) for year in range(2000, 2021))


def test_every_day_is_what_a_forecast_as_of_it_says(found: ScoreHistory) -> None:
    for day in (found.days[0], found.days[-1]):
        request = riskcast.Request(short_case(), as_of=day, horizon=2, draws=100, allow_unreliable=True)
        [ahead] = riskcast.forecast_requested(request, riskcast.fit_requested(request))
        for dyad in ahead.dyads:
            place = found.days.index(day)
            own = found.of(dyad)
            assert (own.score[place], own.low[place], own.high[place]) == (
                ahead.score(dyad).mean,
                ahead.score(dyad).low,
                ahead.score(dyad).high,
            )
        assert found.probability("rupture", dyad)[place] == ahead.probability("rupture", dyad)


def test_a_second_call_works_nothing_out_and_a_later_event_only_the_days_after_it(
    found: ScoreHistory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {name: SETTINGS[name] for name in ("draws", "horizon")}
    assert riskcast.days_to_do(short_case(), 1, cache=folder, **settings) == 0
    assert riskcast.days_to_do(short_case(), 1, cache=folder, draws=101, horizon=2) == len(found.days)
    later = event_row(dt.date(2020, 3, 5), "rupture", "HHH-P001")
    more = short_case().revised(event_rows=(*short_case().event_rows, later))
    assert riskcast.days_to_do(more, 1, cache=folder, **settings) == 1

    def never(*_: object) -> None:
        raise AssertionError("worked out again")

    monkeypatch.setattr(module, "forecast_in_turn", never)
    again = riskcast.score_history(short_case(), 1, cache=folder, **SETTINGS)
    assert again.scores.equals(found.scores)
    assert again.probabilities.equals(found.probabilities)
    for day in found.days:
        np.testing.assert_array_equal(again.draws[day], found.draws[day])


def test_one_that_was_interrupted_goes_on(folder: Path, found: ScoreHistory, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        riskcast.score_history(short_case(), 1, cache=tmp_path, progress=stop, **SETTINGS)
    kept = list(tmp_path.rglob(f"{FINISHED}/*.zip"))
    assert len(kept) == 1
    before = kept[0].stat().st_mtime_ns
    heard: list[tuple[int, int]] = []
    again = riskcast.score_history(
        short_case(), 1, cache=tmp_path, progress=lambda *told: heard.append(told), **SETTINGS
    )
    assert heard[0] == (1, len(found.days))
    assert kept[0].stat().st_mtime_ns == before
    assert again.scores.equals(found.scores)


def test_days_whose_fits_go_on_from_one_another_have_the_same_digits_one_by_one(tmp_path: Path) -> None:
    case = riskcast.case_as_of(tense_case(years=2), dt.date(2020, 3, 10))
    whole = riskcast.score_history(case, 1, cache=tmp_path, **SETTINGS)
    day = whole.days[1]
    [of_day] = tmp_path.rglob(f"{FINISHED}/{day}*.zip")
    of_day.unlink()
    # With a day less at its end the same days come before it.
    earlier = riskcast.case_as_of(case, day)
    settings: dict[str, Any] = {name: SETTINGS[name] for name in ("draws", "horizon")}
    assert riskcast.days_to_do(case, 1, cache=tmp_path, **settings) == 1
    for again in (riskcast.score_history(one, 1, cache=tmp_path, **SETTINGS) for one in (earlier, case)):
        np.testing.assert_array_equal(again.draws[day], whole.draws[day])
    # That is the posterior of the day's own vintage, as far as so few draws can tell.
    request = riskcast.Request(earlier, horizon=2, draws=100, allow_unreliable=True)
    [alone] = riskcast.forecast_requested(request, riskcast.fit_requested(request))
    for dyad in alone.dyads:
        spread = float(whole.draws[day][:, whole.dyads.index(dyad)].std())
        assert whole.of(dyad).score[1] == pytest.approx(alone.score(dyad).mean, abs=max(0.5, 0.5 * spread))


def test_changes_are_of_paired_draws(found: ScoreHistory) -> None:
    for dyad in found.dyads:
        own = found.of(dyad)
        assert own.since_year is None
        change = own.since_month
        assert change is not None
        assert change.since == dt.date(2020, 1, 31)
        assert change.difference.mean == pytest.approx(own.score[-1] - change.then)
        assert change.difference.low <= change.difference.mean <= change.difference.high
        # Draws have the score as their mean, so that the interval is about the difference of scores.
        place = found.dyads.index(dyad)
        for day, score in zip(found.days, own.score, strict=True):
            assert found.draws[day][:, place].mean() == pytest.approx(score, abs=0.2)


def test_a_day_that_is_no_different_is_no_change() -> None:
    case = small_case(years=4)
    days = riskcast.history_days(case, 2)
    history = made_up(case, days, np.full((len(days), 3), 20.0))
    object.__setattr__(history, "draws", dict.fromkeys(days, np.full((50, 3), 20.0)))
    own = history.of("HHH-P001")
    assert own.percentile == 0.5
    for change, since in (
        (own.since_month, dt.date(2020, 11, 30)),
        (own.since_year, dt.date(2019, 12, 31)),
    ):
        assert change is not None
        assert (change.difference.mean, change.difference.low, change.difference.high) == (0.0, 0.0, 0.0)
        assert change.since == since


@given(st.lists(st.integers(0, 4), min_size=2, max_size=20))
def test_the_percentile_is_what_counting_gives(scores: list[int]) -> None:
    *earlier, now = scores
    counted = sum(1.0 if one < now else 0.5 if one == now else 0.0 for one in earlier) / len(earlier)
    assert percentile(np.array(scores, dtype=float)) == pytest.approx(counted)


def test_without_a_past_there_is_no_percentile_and_no_change() -> None:
    assert percentile(np.array([3.0])) is None
    assert nearest([dt.date(2024, 5, 6)], 1) is None


def shown() -> ScoreHistory:
    case = small_case(years=8)
    days = riskcast.history_days(case, 5)
    rise = np.linspace(10.0, 60.0, len(days))
    return made_up(case, days, np.stack([rise, rise[::-1], np.full(len(days), 30.0)], axis=1))


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_tells_every_dyad_in_its_columns(width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(history_view(shown()))
    text = out.getvalue()
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    for dyad in shown().dyads:
        assert dyad in text
    assert "…" not in text
    assert "▁" in text
    assert "█" in text
    assert "knew what came later" in " ".join(text.split())
    assert "2015-12-31" in text


@pytest.mark.parametrize("palette", [charts.LIGHT, charts.DARK])
def test_the_chart_holds_the_line_and_the_others_behind(palette: charts.Palette) -> None:
    history = shown()
    spec = charts.history_chart(history, "HHH-P002", palette=palette).to_dict()
    text = json.dumps(spec)
    own = history.of("HHH-P002")
    assert text.count('"day"') >= 2 * len(own.days)
    assert f"{own.today.mean:.0f} today" in spec["description"]
    with pytest.raises(UnknownNameError):
        charts.history_chart(history, "HHH-ZZZ")


def test_files_hold_the_same_numbers() -> None:
    history = shown()
    plain = history_data(history)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert [row["dyad"] for row in plain["dyads"]] == list(history.dyads)
    assert plain["dyads"][0]["score"] == pytest.approx(history.of("HHH-P001").score.tolist())
    assert plain["unreliable"] == [history.days[0].isoformat()]
    table = history_table(history)
    assert len(table.rows) == len(history.days) * 3
    part = history_part(history)
    assert [row[0] for row in part.rows] == ["Partner 1", "Partner 3", "Partner 2"]
    assert "Checks failed" in part.note
