"""Levels that contradict one another: today's and dated ones, neighbours in a series, shares and per cent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Final

import numpy as np

from riskcast.case.judgements import Found
from riskcast.case.model import Case, Indicator, SeriesRow
from riskcast.case.nowcast import held_level, infer_steps, is_sound
from riskcast.case.periods import DAYS_PER_YEAR
from riskcast.case.plausibility.limits import is_derived, panel_file, row_words, written_levels
from riskcast.case.quantities import Z90, Quantity, check_domain
from riskcast.case.where import SERIES_FILE

MOST_SDS: Final = 4.0
LEAST_STEPS_TODAY: Final = 1.0
MOST_SDS_BETWEEN: Final = 5.0
LEAST_STEPS_BETWEEN: Final = 3.0
# Changes of a panel are held against its usual ones, as its drift is of the horizon and may be 0.
MOST_TIMES_USUAL: Final = 10.0
LEAST_STEPS_PANEL: Final = 5.0
FARTHEST: Final = 50.0
# Between these, one number is a hundredth of another, but for how much it can have changed.
HUNDREDTH: Final = (1 / 200, 1 / 50)


def _sd(indicator: Indicator, low: float, high: float) -> float:
    """The standard deviation, in steps, that a 90 % interval stands for."""
    return abs(float(indicator.steps(high)) - float(indicator.steps(low))) / (2 * Z90)


def _rows(case: Case) -> Iterator[tuple[str, str, list[tuple[int, SeriesRow]]]]:
    """Dated values by indicator, unit and series, oldest first, each with its place in the table."""
    rows = [
        (place, row)
        for place, row in enumerate(case.series_rows)
        if row.indicator in case.indicators
        and all(_fits(case.indicators[row.indicator], value) for value in (row.low, row.value, row.high))
    ]
    rows.sort(key=lambda item: (item[1].indicator, item[1].unit, item[1].series or "", item[1].date))
    for (name, unit, _), own in groupby(rows, key=lambda item: (item[1].indicator, item[1].unit, item[1].series)):
        yield name, unit, list(own)


def _fits(indicator: Indicator, value: float) -> bool:
    return check_domain(Quantity(value=value), indicator.link) is None


def jumps_today(case: Case) -> Iterator[Found]:
    """Today's level against the last dated value: by more than their errors and the drift since allow."""
    for name, unit, rows in _rows(case):
        indicator, (_, last) = case.indicators[name], rows[-1]
        now = None if indicator.series else indicator.stated(unit)
        if now is None or check_domain(now, indicator.link) is not None:
            continue
        years = max(((now.dated or case.as_of) - last.date).days, 0) / DAYS_PER_YEAR
        steps = float(indicator.steps(now.center)) - float(indicator.steps(last.value))
        drifted = indicator.drift.center * math.sqrt(years)
        sd = math.hypot(_sd(indicator, *now.range), _sd(indicator, last.low, last.high), drifted)
        if not abs(steps) < LEAST_STEPS_TODAY and not abs(steps) <= MOST_SDS * sd:
            wrong = f"is {now.center:g}, {_far(steps, sd)} from the last dated value of {unit}, {last.value:g}"
            wrong += f" on {last.date}: drift since then makes {drifted:.2g} steps"
            mend = "correct one of the two, add the values between, or widen the interval"
            yield Found("indicators", _path_of(case, name, unit), wrong, mend, (("indicators", name),))
    yield from _far_from_inferred(case)


def _far_from_inferred(case: Case) -> Iterator[Found]:
    """A level that is set beside several series, against what they say together."""
    for name, unit in dict.fromkeys((name, unit) for name, unit, _ in _rows(case) if case.indicators[name].series):
        indicator = case.indicators[name]
        now = indicator.stated(unit)
        if now is None or check_domain(now, indicator.link) is not None or not is_sound(case, name):
            continue
        mean, spread = infer_steps(case, name, unit)
        steps = float(indicator.steps(now.center)) - mean
        sd = math.hypot(_sd(indicator, *now.range), spread)
        if not abs(steps) < LEAST_STEPS_TODAY and not abs(steps) <= MOST_SDS * sd:
            inferred = held_level(indicator, float(indicator.level(mean)))
            wrong = f"is {now.center:g}, {_far(steps, sd)} from what the dated values of {unit} say"
            wrong += f" together, {inferred:.3g}"
            mend = "correct it or the values, or widen the interval"
            yield Found("indicators", _path_of(case, name, unit), wrong, mend, (("indicators", name),))


def _path_of(case: Case, name: str, unit: str) -> tuple[str, ...]:
    return (name, "now", unit) if isinstance(case.indicators[name].now, dict) else (name, "now")


def _far(steps: float, sd: float) -> str:
    away = f"{abs(steps):.3g} steps"
    return f"{away} ({abs(steps) / sd:.3g} standard deviations)" if sd > 0 else f"{away} (and nothing is uncertain)"


def jumps_in_series(case: Case) -> Iterator[Found]:
    for name, unit, rows in _rows(case):
        indicator = case.indicators[name]
        for (_, before), (place, after) in pairwise(rows):
            years = (after.date - before.date).days / DAYS_PER_YEAR
            steps = float(indicator.steps(after.value)) - float(indicator.steps(before.value))
            sd = math.hypot(
                _sd(indicator, before.low, before.high),
                _sd(indicator, after.low, after.high),
                indicator.drift.center * math.sqrt(years),
            )
            if not abs(steps) < LEAST_STEPS_BETWEEN and not abs(steps) <= MOST_SDS_BETWEEN * sd:
                wrong = f"{after.value:g} of {unit} lies {_far(steps, sd)} from {before.value:g} on {before.date}"
                mend = "check the value and its unit, or raise `drift:`"
                yield Found(SERIES_FILE, (place, "value"), wrong, mend, (("indicators", name),))
    yield from _panel_jumps(case)


def _panel_jumps(case: Case) -> Iterator[Found]:
    panel = case.panel
    if panel is None or len(panel) < 2:
        return
    follows = (np.diff(panel.unit) == 0) & (np.diff(panel.period) == 1)
    for name, values in panel.levels.items():
        indicator = case.indicators[name]
        if is_derived(case, name):
            continue
        change = np.abs(np.diff(np.asarray(indicator.steps(values), dtype=float)))
        moved = change[follows & np.isfinite(change) & (change > 0)]
        usual = max(float(np.median(moved)) if len(moved) else 0.0, indicator.drift.center)
        most = max(LEAST_STEPS_PANEL, MOST_TIMES_USUAL * usual)
        odd = np.flatnonzero(follows & ~(change <= most))
        if len(odd):
            first = int(odd[0])
            wrong = f"goes from {values[first]:g} to {values[first + 1]:g}, {change[first]:.3g} steps, for "
            wrong += f"{row_words(case, panel, first + 1)}: a usual change is one of {usual:.2g} steps"
            wrong += f" (and so {len(odd) - 1} more)" if len(odd) > 1 else ""
            yield Found(panel_file(case), (name,), wrong, "check the cell and its unit", (("indicators", name),))


def far_levels(case: Case) -> Iterator[Found]:
    mend = "check the unit, `reference:` and `step:`"
    for name, indicator in case.indicators.items():
        for path, quantity in written_levels(name, indicator):
            if check_domain(quantity, indicator.link) is None:
                steps = float(indicator.steps(quantity.center))
                if not abs(steps) <= FARTHEST:
                    wrong = f"{quantity.center:g} lies {steps:.3g} steps from the reference {indicator.reference:g}"
                    yield Found("indicators", path, wrong, mend, (("indicators", name),))
        if case.panel is not None and name in case.panel.levels:
            steps = np.asarray(indicator.steps(case.panel.levels[name]), dtype=float)
            far = np.flatnonzero(~(np.abs(steps) <= FARTHEST))
            if len(far):
                worst = int(far[np.argmax(np.abs(steps[far]))])
                wrong = f"{len(far)} of {len(steps)} values lie more than {FARTHEST:g} steps from the reference "
                wrong += f"{indicator.reference:g}, the farthest {case.panel.levels[name][worst]:g} of "
                wrong += row_words(case, case.panel, worst)
                yield Found(panel_file(case), (name,), wrong, mend, (("indicators", name),))
    for name, unit, rows in _rows(case):
        indicator = case.indicators[name]
        for place, row in rows:
            steps = float(indicator.steps(row.value))
            if not abs(steps) <= FARTHEST:
                wrong = f"{row.value:g} of {unit} lies {steps:.3g} steps from the reference {indicator.reference:g}"
                yield Found(SERIES_FILE, (place, "value"), wrong, mend, (("indicators", name),))


def is_hundredth(value: float, other: float) -> bool:
    """Whether a number looks like a share where the other is in per cent.

    >>> is_hundredth(0.54, 54.0), is_hundredth(0.15, 0.2), is_hundredth(0.0, 54.0)
    (True, False, False)
    """
    return 0 < value <= 1 < other <= 100 and HUNDREDTH[0] <= value / other <= HUNDREDTH[1]


def share_words(value: float, other: float) -> str | None:
    """What is wrong with a number beside another of its kind, where one is a share and the other in per cent."""
    if is_hundredth(value, other):
        return f"{value:g} looks like a share beside {other:g}"
    return f"{value:g} looks like per cent beside {other:g}" if is_hundredth(other, value) else None


def shares(case: Case) -> Iterator[Found]:
    mend = "write shares or per cent, not both, in the unit of the indicator"
    last: dict[tuple[str, str], float] = {}
    for name, unit, rows in _rows(case):
        values = [row.value for _, row in rows]
        last[name, unit] = values[-1]
        for at, (place, _) in enumerate(rows):
            # The first and the last are held against the two nearest, so that an odd neighbour is told alone.
            near = [at + away for away in (-1, 1, -2, 2) if 0 <= at + away < len(values)]
            beside = [values[other] for other in near[:2]]
            wrongs = [share_words(values[at], other) for other in beside]
            # Of two values alone, the one nearer to the reference is held to be right.
            if len(rows) == 2 and not _farther(case.indicators[name], values[at], beside):
                continue
            if wrongs and all(wrongs):
                wrong = f"{wrongs[0]} in the series of {unit}"
                yield Found(SERIES_FILE, (place, "value"), wrong, mend, (("indicators", name),))
    for name, indicator in case.indicators.items():
        for path, quantity in written_levels(name, indicator):
            unit = str(path[2]) if len(path) > 2 else case.host
            wrong = share_words(quantity.center, last.get((name, unit), indicator.reference))
            if wrong:
                kind = "the last dated value" if (name, unit) in last else "the reference"
                yield Found("indicators", path, f"{wrong}, {kind}", mend, (("indicators", name),))
        yield from _panel_shares(case, name, mend)
    starts = [band.start for band in case.settings.bands]
    if len(starts) > 1 and 0 < max(starts) <= 1:
        wrong = "are all shares, and scores reach from 0 to 100"
        yield Found("case", ("bands",), wrong, "write 30 for 30 of 100")
    for name, event in case.events.items():
        if event.severity is not None and not event.severity > 1:
            wrong = f"{event.severity:g} looks like a share"
            yield Found("outcomes", (name, "severity"), wrong, "write 60 for 60 of 100", (("outcomes", name),))


def _farther(indicator: Indicator, value: float, others: list[float]) -> bool:
    away = abs(value - indicator.reference)
    return any(away > abs(other - indicator.reference) for other in others)


def _panel_shares(case: Case, name: str, mend: str) -> Iterator[Found]:
    panel = case.panel
    if panel is None or name not in panel.levels or len(panel) < 3 or is_derived(case, name):
        return
    values = np.asarray(panel.levels[name], dtype=float)
    same = np.diff(panel.unit) == 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        up = values[1:] / values[:-1]
    low, high = HUNDREDTH
    share, per_cent = (values > 0) & (values <= 1), (values > 1) & (values <= 100)
    small = (low <= up) & (up <= high) & share[1:] & per_cent[:-1] & same
    large = (1 / high <= up) & (up <= 1 / low) & share[:-1] & per_cent[1:] & same
    # A cell counts whose neighbours on both sides are a hundred times as large, or as small.
    down_and_up, up_and_down = small[:-1] & large[1:], large[:-1] & small[1:]
    odd = np.flatnonzero(down_and_up | up_and_down)
    if len(odd):
        row = int(odd[0]) + 1
        words = share_words(float(values[row]), float(values[row - 1]))
        wrong = f"{words} for {row_words(case, panel, row)}" + (
            f" (and so {len(odd) - 1} more)" if len(odd) > 1 else ""
        )
        yield Found(panel_file(case), (name,), wrong, mend, (("indicators", name),))


def raised_fixed(case: Case) -> Iterator[Found]:
    """Indicators that events raise, though their level of today and their drift are held fixed."""
    for name, indicator in case.indicators.items():
        units = case.dyads if indicator.scope == "dyad" else (case.host,)
        stated = [indicator.stated(unit) for unit in units] if indicator.raises else []
        known = [now for now in stated if now is not None and now.is_fixed]
        if known and len(known) == len(units) and indicator.drift.is_fixed and indicator.drift.center == 0.0:
            wrong = "is raised by events, yet its level is held fixed and does not drift: only events would move it"
            mend = "give the level an interval or a drift, or remove `raises:`"
            yield Found("indicators", (name, "raises"), wrong, mend, (("indicators", name),))
