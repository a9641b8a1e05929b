"""Reference forecasts that need no model of conflict: rates of the past, and persistence of what happened last.

Each sees only the record up to its end, the origin. The past is cut into windows as long as the horizon, counted back
from the origin without overlap; a window counts for a unit that is at risk in all of its periods, and holds an event if
any of its periods does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats
from riskcast.machinery.threads import single_thread

FEWEST_WINDOWS = 20
RIDGE = 1.0


@dataclass(frozen=True)
class Persistence:
    """A forecast from what happened last: probability (units,) of at least one event within the horizon; `fitted` is
    False where the record held too little, so that `probability` is the pooled rate."""

    probability: Floats
    fitted: bool


def pooled_rate(occurred: ArrayLike, at_risk: ArrayLike, horizon: int) -> Floats:
    """The share of all units' past windows that hold an event, with half an event added to either side.

    p = (n + 1/2) / (N + 1), for n of N windows: the mean of the posterior under Jeffreys' prior, so never 0 or 1.

    Parameters: occurred (periods, units), above 0 where an event occurred; at_risk (periods, units) of bool; horizon in
    periods. Returns (units,) probabilities, all alike; 1/2 where there is no window. Raises OptionError for arrays of
    different shapes or a horizon that is not a whole number above 0.
    Source: Brown, Cai and DasGupta (2001), Interval estimation for a binomial proportion.

    >>> pooled_rate([[0, 1], [0, 0], [1, 0], [0, 0]], np.full((4, 2), True), horizon=2).tolist()
    [0.5, 0.5]
    >>> pooled_rate([[0, 1], [0, 0], [0, 0], [0, 0]], np.full((4, 2), True), horizon=1).round(3).tolist()
    [0.167, 0.167]
    """
    happened, whole, _ = _windows(*_checked(occurred, at_risk, horizon), horizon)
    return np.full(whole.shape[1], _jeffreys(happened, whole))


def recent_rate(occurred: ArrayLike, at_risk: ArrayLike, horizon: int) -> Floats:
    """The chance of an event within the horizon at the pooled rate per period, with half an event added.

    p = 1 - (1 - r)^horizon, r = (n + 1/2) / (N + 1), for n of N periods at risk of all units that hold an event. Made
    for a short stretch of record, such as the last two years, into which hardly a window as long as the horizon fits.

    Parameters, shapes, units and errors: as for `pooled_rate`. Returns (units,) probabilities, all alike.

    >>> occurred = np.zeros((24, 5))
    >>> occurred[[3, 20], 1] = 1
    >>> recent_rate(occurred, np.full((24, 5), True), horizon=12).round(3).tolist()
    [0.222, 0.222, 0.222, 0.222, 0.222]
    """
    events, exposed = _checked(occurred, at_risk, horizon)
    return np.full(events.shape[1], -np.expm1(horizon * np.log1p(-_jeffreys(events & exposed, exposed))))


def dyad_rate(occurred: ArrayLike, at_risk: ArrayLike, horizon: int) -> Floats:
    """Each unit's own share of past windows that hold an event, drawn towards the pooled rate as by one more window.

    p_u = (n_u + p) / (N_u + 1), for n_u of the unit's N_u windows and the pooled rate p: the mean of the posterior
    under a Beta(p, 1 - p) prior. A unit without any window has the pooled rate.

    Parameters, shapes, units and errors: as for `pooled_rate`. Returns (units,) probabilities.
    Source: Efron and Morris (1975), Data analysis using Stein's estimator, for the pull towards the mean of all.

    >>> dyad_rate([[1, 0], [1, 0], [0, 0]], [[True, True], [True, True], [True, False]], horizon=1).round(3).tolist()
    [0.604, 0.139]
    """
    happened, whole, _ = _windows(*_checked(occurred, at_risk, horizon), horizon)
    return (happened.sum(axis=0) + _jeffreys(happened, whole)) / (whole.sum(axis=0) + 1.0)


def persistence(occurred: ArrayLike, at_risk: ArrayLike, horizon: int, ridge: float = RIDGE) -> Persistence:
    """Logistic regression of an event in a window on what the unit's record held before it, looked up at the origin.

    logit p = a + b1 log(1 + q) + b2 log(1 + k) + b3 never, with q the periods without an event that lie between the
    unit's last one and the window, or since its record began where there was none (`never` = 1); k the number of
    earlier periods with an event. Gaps in a unit's record count as periods of q, as the calendar does; a unit whose
    record has not begun has q = k = 0. The b minimise the negative log likelihood of all windows of all units plus
    ridge / 2 times the sum of their squares, in standard deviations of the features over those windows.

    With fewer than 20 windows, or where all of them or none hold an event, it is the pooled rate, and `fitted` is
    False. With N windows, p is kept within (1/2) / (N + 1) of 0 and 1, as surely as N windows alike could tell.

    Parameters: ridge, at least 0; the others, with their shapes, units and errors, as for `pooled_rate`.
    Source: Beck, Katz and Tucker (1998), Taking time seriously, for time since the last event in binary panels.

    >>> occurred = np.zeros((30, 2))
    >>> occurred[15:, 1] = 1
    >>> ahead = persistence(occurred, np.full((30, 2), True), horizon=1)
    >>> ahead.fitted, ahead.probability.round(2).tolist()
    (True, [0.02, 0.99])
    """
    if not (np.isfinite(ridge) and ridge >= 0.0):
        raise OptionError(f"ridge is {ridge}; give a number from 0 up")
    events, exposed = _checked(occurred, at_risk, horizon)
    happened, whole, starts = _windows(events, exposed, horizon)
    total, hits = int(whole.sum()), int(happened.sum())
    if total < FEWEST_WINDOWS or hits in (0, total):
        return Persistence(np.full(whole.shape[1], _jeffreys(happened, whole)), fitted=False)
    past = quiet_times(events, exposed, np.append(starts, len(events)))
    cells, which = np.unique(past[:-1][whole], axis=0, return_inverse=True)
    tried = np.bincount(which, minlength=len(cells))
    came = np.bincount(which, weights=happened[whole], minlength=len(cells))
    chance = _regress(_features(cells), came, tried - came, _features(past[-1]), ridge)
    edge = 0.5 / (total + 1.0)
    return Persistence(np.clip(chance, edge, 1.0 - edge), fitted=True)


def persistence_rate(occurred: ArrayLike, at_risk: ArrayLike, horizon: int) -> Floats:
    """The probabilities of `persistence`, fitted or pooled, at its own ridge: (units,)."""
    return persistence(occurred, at_risk, horizon).probability


def _checked(occurred: ArrayLike, at_risk: ArrayLike, horizon: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    events, exposed = np.asarray(occurred) > 0, np.asarray(at_risk).astype(bool)
    if events.ndim != 2 or events.shape != exposed.shape:
        raise OptionError(f"occurred has shape {events.shape}, at_risk {exposed.shape}; give (periods, units) twice")
    if not isinstance(horizon, int | np.integer) or isinstance(horizon, bool) or horizon < 1:
        raise OptionError(f"horizon is {horizon!r}; give a whole number of periods above 0")
    return events, exposed


def _windows(
    events: NDArray[np.bool_], exposed: NDArray[np.bool_], horizon: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Whether a window counts and holds an event, whether it counts (both (windows, units)), and its first period."""
    periods, units = events.shape
    count = periods // horizon
    first = periods - count * horizon
    shape = (count, horizon, units)
    whole = exposed[first:].reshape(shape).all(axis=1)
    happened = events[first:].reshape(shape).any(axis=1) & whole
    return happened, whole, first + horizon * np.arange(count)


def _jeffreys(happened: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    return (int(happened.sum()) + 0.5) / (int(whole.sum()) + 1.0)


def quiet_times(events: NDArray[np.bool_], exposed: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """What lay before each start: quiet periods, earlier periods with an event, and whether there was none.

    Events that the record holds from before it was kept count as known. Returns (starts, units, 3), with a meaning at
    the record's end and where the unit is at risk in the period that begins.
    """
    periods, units = events.shape
    now = np.arange(periods)[:, None]
    begun = np.where(exposed.any(axis=0), exposed.argmax(axis=0), periods)
    last = np.full((periods + 1, units), -1)
    np.maximum.accumulate(np.where(events, now, -1), axis=0, out=last[1:])
    number = np.zeros((periods + 1, units), dtype=int)
    np.cumsum(events, axis=0, out=number[1:])
    last, number = last[starts], number[starts]
    since = np.where(last >= 0, last + 1, begun)
    quiet = starts[:, None] - since
    return np.stack([quiet, number, last < 0], axis=-1)


def _features(past: NDArray[np.int64]) -> Floats:
    return np.column_stack([np.log1p(past[..., :2]), past[..., 2].astype(float)])


def _regress(cells: Floats, came: Floats, stayed: Floats, asked: Floats, ridge: float) -> Floats:
    """Chances of the rows `asked` by a logistic regression on cells (cells, features) with counts of either outcome."""
    from sklearn.linear_model import LogisticRegression

    weight = came + stayed
    middle = np.average(cells, axis=0, weights=weight)
    spread = np.sqrt(np.average((cells - middle) ** 2, axis=0, weights=weight))
    # A feature that never varied says nothing, and would stretch without bound what it is at the origin.
    vary = spread > 1e-9
    rows, ahead = ((x[:, vary] - middle[vary]) / spread[vary] for x in (cells, asked))
    if not vary.any():
        return np.full(len(asked), came.sum() / weight.sum())
    labels = np.repeat([1, 0], len(rows))
    counts = np.concatenate([came, stayed])
    held = counts > 0
    strength = 1.0 / ridge if ridge > 0.0 else np.inf
    model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-8, max_iter=100)
    with single_thread():
        model.fit(np.concatenate([rows, rows])[held], labels[held], sample_weight=counts[held])
        return model.predict_proba(ahead)[:, 1]
