"""What scores came to: of the days that followed an origin, and of windows of the past as references."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from riskcast.case.model import Case
from riskcast.forecasting.score_rule import count_alone, expected_points, points, scored_outcomes
from riskcast.machinery.array_types import Bools, Floats
from riskcast.record.arrays import Record
from riskcast.verification.crps import Ensemble
from riskcast.verification.forecasters import DYAD_MEAN, POOLED_MEAN, POOLED_RATE


def counted_outcomes(case: Case, happened: Mapping[str, Floats]) -> dict[str, Floats]:
    """Which outcomes count, (windows, dyads) of 0 or 1, from what happened, (windows, periods, dyads) of 0 or 1."""
    return {
        one.event: count_alone(happened[one.event], [happened[other] for other in one.implied_by]).max(
            axis=1, initial=0.0
        )
        for one in scored_outcomes(case)
    }


def past_scores(case: Case, record: Record, horizon: int) -> Floats:
    """Scores of past windows as long as the horizon, (windows, dyads), counted back from the end of the record without
    overlap; not a number where the record does not cover all of a window.

    >>> from riskcast import load_case
    >>> from riskcast.record.arrays import build_record
    >>> case = load_case("central_asia_2024")
    >>> past_scores(case, build_record(case), 12)[-1].round().tolist()
    [29.0, 25.0, 51.0, 5.0, 28.0]
    """
    happened, whole = {}, np.ones(())
    for name in case.own_outcomes:
        occurred, covered = record.completed(name)
        count = len(occurred) // horizon
        shape = (count, horizon, occurred.shape[1])
        happened[name] = (occurred[len(occurred) - count * horizon :] > 0.0).astype(float).reshape(shape)
        whole = whole * covered[len(covered) - count * horizon :].reshape(shape).all(axis=1)
    if not happened:
        return np.zeros((record.timeline.complete // horizon, len(case.dyads)))
    found = points(scored_outcomes(case), counted_outcomes(case, happened))
    return np.where(whole > 0.0, found, np.nan)


def score_references(
    case: Case, record: Record, horizon: int, rates: Mapping[str, Mapping[str, Floats]]
) -> dict[str, Floats]:
    """Scores that a sceptic would forecast, (dyads,) by forecaster: the mean of all dyads' past windows, and each
    dyad's own mean drawn towards it as by one more window.

    Where the record holds no whole window, both are what pooled base rates (`rates` by forecaster and event type) add
    up to, were outcomes independent.
    """
    past = past_scores(case, record, horizon)
    known = ~np.isnan(past)
    if known.any():
        pooled = np.full(past.shape[1], past[known].mean())
    else:
        pooled = np.broadcast_to(expected_points(scored_outcomes(case), rates[POOLED_RATE]), (len(case.dyads),))
    own = (np.where(known, past, 0.0).sum(axis=0) + pooled) / (known.sum(axis=0) + 1.0)
    return {POOLED_MEAN: np.array(pooled), DYAD_MEAN: own}


def past_ensembles(case: Case, record: Record, horizon: int) -> dict[str, Ensemble]:
    """What a sceptic holds possible, by forecaster, with the means of `score_references`: the scores of all dyads' past
    windows, and those of each dyad's own beside them, which weigh as one window more. Empty where there is none.
    """
    past = past_scores(case, record, horizon)
    known = ~np.isnan(past)
    if not known.any():
        return {}
    pool, dyads = past[known][:, None], past.shape[1]
    pooled = Ensemble.equal(np.repeat(pool, dyads, axis=1))
    count = known.sum(axis=0) + 1.0
    own = Ensemble(
        np.concatenate([pooled.values, np.where(known, past, 0.0)]),
        np.concatenate([pooled.weights / count, known / count]),
    )
    return {POOLED_MEAN: pooled, DYAD_MEAN: own}


def realised_scores(case: Case, record: Record, happened: Mapping[str, Bools], first: int, last: int) -> Floats:
    """The scores of what followed, (dyads,): `happened` by own outcome within the periods `first` to `last`, (dyads,);
    one that others imply counts where a period holds it alone."""
    grids = {name: (record.occurred[name][first : last + 1] > 0.0).astype(float)[None] for name in case.own_outcomes}
    alone = counted_outcomes(case, grids)
    implied = case.implied_by
    counted = {name: happened[name] * (alone[name][0] if name in implied else 1.0) for name in case.own_outcomes}
    return np.broadcast_to(points(scored_outcomes(case), counted), (len(case.dyads),))
