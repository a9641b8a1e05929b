"""A log-linear pool of riskcast and its rivals, with weights that earlier origins have taught."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Bools, Floats

if TYPE_CHECKING:
    import pandas

# Chances are taken to be no nearer to 0 and 1.
NEAREST = 1e-6


def learned_weights(chances: Floats, came: Bools) -> Floats:
    """Weights w of the pool p ∝ prod over members of p_j^(w_j), at least 0 and 1 in all: (members,).

    They maximise sum over questions of the log of what the pool gave to what came, plus sum of log w_j: a prior that
    favours even weights, which they have where no question is answered. On the scale of log odds the pool is a mean, so
    that the sum is concave and has one top. Parameters: chances (questions, members); came (questions,). Raises
    OptionError for shapes that do not fit, or chances outside 0 to 1. Source: Genest and Zidek (1986), Combining
    probability distributions, for the pool.

    >>> learned_weights(np.zeros((0, 2)), np.zeros(0, dtype=bool)).tolist()
    [0.5, 0.5]
    >>> knows = np.tile([0.9, 0.1], 200)
    >>> learned_weights(np.stack([knows, np.full(400, 0.5)], axis=1), knows > 0.5).round(2).tolist()
    [0.99, 0.01]
    """
    if chances.ndim != 2 or len(came) != len(chances):
        raise OptionError(f"chances have shape {chances.shape} for {len(came)} answers; give a row for each answer")
    if not ((chances >= 0.0) & (chances <= 1.0)).all():
        raise OptionError("a chance is outside 0 to 1; give probabilities")
    members = chances.shape[1]
    if members == 1 or not len(chances):
        return np.full(members, 1.0 / members)
    from scipy.optimize import minimize

    toward = np.where(came, 1.0, -1.0)[:, None] * _log_odds(chances)

    def loss(free: Floats) -> tuple[float, Floats]:
        weights = _shares(free)
        margin = toward @ weights
        value = float(np.logaddexp(0.0, -margin).sum() - np.log(weights).sum())
        slope = -(toward.T @ _logistic(-margin)) - 1.0 / weights
        return value, (weights * (slope - weights @ slope))[:-1]

    found = minimize(loss, np.zeros(members - 1), jac=True, method="BFGS", options={"gtol": 1e-8})
    return _shares(found.x)


def pooled_chances(chances: Floats, weights: Floats) -> Floats:
    """The pool of members' chances (questions, members) at weights (members,): (questions,).

    >>> pooled_chances(np.array([[0.5, 0.9]]), np.array([0.5, 0.5])).round(3).tolist()
    [0.75]
    """
    return _logistic(_log_odds(chances) @ weights)


def pool_table(
    table: pandas.DataFrame, members: Sequence[str], ends: Callable[[dt.date], dt.date]
) -> tuple[Floats, Mapping[str, Floats]]:
    """The pool of a table's forecasters, (rows,), and its weights at each origin, (members,).

    The weights of an origin are learned from all rows of earlier origins of which the window had ended by then. table:
    columns origin, outcome and the members; ends: the last day of the window of an origin.
    """
    origin = table["origin"].to_numpy(dtype=str)
    chances, came = table[list(members)].to_numpy(dtype=float), table["outcome"].to_numpy(dtype=float) > 0.0
    days = [dt.date.fromisoformat(day) for day in np.unique(origin).tolist()]
    ended = {day.isoformat(): ends(day) for day in days}
    last = np.array([ended[day].isoformat() for day in origin.tolist()])
    pool, weights = np.empty(len(table)), {}
    for day in map(dt.date.isoformat, days):
        # Days as they are written stand in the order of time.
        known, now = last <= day, origin == day
        weights[day] = learned_weights(chances[known], came[known])
        pool[now] = pooled_chances(chances[now], weights[day])
    return pool, weights


def _shares(free: Floats) -> Floats:
    """Weights of which the log ratios to the last one are free."""
    logs = np.append(free, 0.0)
    # A weight that is nothing would have no log.
    raised = np.exp(np.clip(logs - logs.max(), -600.0, 0.0))
    return raised / raised.sum()


def _log_odds(chances: Floats) -> Floats:
    held = np.clip(chances, NEAREST, 1.0 - NEAREST)
    return np.log(held) - np.log1p(-held)


def _logistic(log_odds: Floats) -> Floats:
    from scipy.special import expit

    return expit(log_odds)
