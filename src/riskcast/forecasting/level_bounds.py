"""Levels of indicators that lie at a bound: today, as believed, and once they have drifted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from riskcast.case.links import LOG
from riskcast.case.model import Case, Indicator
from riskcast.case.moves import levels_today
from riskcast.case.nowcast import motion_of
from riskcast.case.quantities import Prior, elicit
from riskcast.case.quantity_ids import LEVEL, QuantityId
from riskcast.case.raises import moment, raised_at
from riskcast.case.state_space import Motion
from riskcast.machinery.array_types import Floats

LEAST = 0.01
SCORES, DRIFTS = 200, 20


@dataclass(frozen=True)
class HeldLevel:
    """The share of futures in which an indicator's level in one unit is held at one of its bounds, 0 to 1.

    key: id of the level, as overlays write it, empty where a panel holds it; unit: the dyad, or the host; bound in
    `measure`; today, ahead: the share today, and at the end of the horizon without a scenario.
    """

    key: str
    indicator: str
    label: str
    unit: str
    bound: float
    measure: str
    today: float
    ahead: float


def held_levels(case: Case, horizon: int | None = None, least: float = LEAST) -> tuple[HeldLevel, ...]:
    """Where levels are held at their bounds in at least one future in a hundred, those that most often are first.

    A level in steps drifts as x + s W, W Normal with variance the years gone by; beyond a bound it is held there, and
    leaves it once x + s W comes back; what past events had raised fades, and where it goes back to the reference x does
    too. Ahead, its share at an upper bound h is the mean of
    Phi((x - h) / (s sqrt(years))) over x and s as believed. What is held fixed and does not drift is left out.

    Parameters: horizon in periods, the case's own if None; least: the smallest share that is told.

    >>> from riskcast import load_case
    >>> found = held_levels(load_case("central_asia_2024"))[0]
    >>> found.indicator, found.unit, found.bound
    ('remittance_dependency', 'RUS-KAZ', 0.0)
    """
    years = (horizon or case.settings.horizon) / case.periods_per_year
    found = (one for name in case.indicators for one in _held(case, name, years))
    return tuple(sorted((one for one in found if one.ahead >= least), key=lambda one: -one.ahead))


def _held(case: Case, name: str, years: float) -> Iterator[HeldLevel]:
    indicator = case.indicators[name]
    drift = elicit(indicator.drift, LOG)
    motion = motion_of(indicator)
    # In drifts of a year: what a return to the reference leaves of so many years' drift.
    spread = math.sqrt(Motion(1.0, motion.half_life).variance(years))
    moves = drift.quantile(_scores(DRIFTS)) * spread
    if indicator.bounds is None:
        return
    for unit, key, steps in _levels(case, name, indicator):
        if len(steps) == 1 and not moves.any():
            continue
        for side, limit, bound in zip((-1, 1), indicator.measure.limits, indicator.bounds, strict=True):
            if not math.isfinite(limit):
                continue
            today = float((side * (steps - limit) >= 0).mean())
            beyond = side * (_ahead(case, name, unit, steps, years) - limit)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(moves > 0, beyond[:, None] / moves, np.where(beyond[:, None] >= 0, np.inf, -np.inf))
            ahead = float(_below(ratio).mean())
            yield HeldLevel(key, name, indicator.label, unit, bound, indicator.unit, today, ahead)


def _ahead(case: Case, name: str, unit: str, steps: Floats, years: float) -> Floats:
    """Middle levels so many years ahead, in steps, without further events: what they had raised fades, and the rest
    goes back to the reference where it does."""
    indicator, kept = case.indicators[name], motion_of(case.indicators[name]).kept(years)
    if not indicator.raises:
        return steps * kept
    on = moment(case.calendar, case.as_of, 1.0) + np.array([0.0, years * case.periods_per_year])
    past = raised_at(case, name, on)[:, case.units_of(name).index(unit)]
    return (steps - past[0]) * kept + past[1]


def _levels(case: Case, name: str, indicator: Indicator) -> Iterator[tuple[str, str, Floats]]:
    """Today's level in every unit, in steps, at scores that stand for equal shares of what is believed."""
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    if indicator.history == "panel":
        for unit, level in zip(units, levels_today(case, name).tolist(), strict=True):
            yield unit, "", np.atleast_1d(indicator.steps(level))
        return
    for unit in units:
        prior: Prior = elicit(case.now_of(name, unit), indicator.prior_link)
        key = str(QuantityId("indicators", LEVEL, name, unit if isinstance(indicator.now, dict) else ""))
        scores = np.zeros(1) if prior.is_fixed else _scores(SCORES)
        yield unit, key, np.asarray(indicator.measure.steps_at(prior, scores))


@cache
def _scores(count: int) -> Floats:
    """Standard normal scores that stand for so many equal shares."""
    return np.array([NormalDist().inv_cdf((place + 0.5) / count) for place in range(count)])


def _below(score: Floats) -> Floats:
    """Phi at standard normal scores."""
    return np.array([0.5 * math.erfc(-each / math.sqrt(2.0)) for each in score.ravel().tolist()]).reshape(score.shape)
