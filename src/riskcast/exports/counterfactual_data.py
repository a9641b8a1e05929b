"""A record retold without some of its events, as plain data."""

from __future__ import annotations

from typing import Any

from riskcast.challenge.retold import Counterfactual
from riskcast.forecasting.lineage import fit_provenance, rounded
from riskcast.forecasting.shares_of_paths import Share


def counterfactual_data(found: Counterfactual) -> dict[str, Any]:
    """A retold record as plain data: where the numbers come from, what is left out (`without`), every later recorded
    event with the probability that it had happened all the same, what would have happened `instead`, and `counts` by
    event type.

    Probabilities are from 0 to 1 and counts are of periods and units; `low` and `high` are the ends of the 90 %
    interval over what is not known of the parameters, `error` the Monte Carlo standard error.
    """
    return {
        **fit_provenance(found.posterior),
        "paths": found.paths,
        "counterfactual_seed": found.seed,
        "without": [
            {"id": one.id, "date": one.when, "event": one.event, "unit": one.unit, "description": one.description}
            for one in found.removed
        ],
        "events": [
            {
                "event": one.event,
                "unit": one.unit,
                "period": one.period,
                "dates": list(one.when),
                "descriptions": list(one.told),
                "all_the_same": _share(one.probability),
            }
            for one in found.events
        ],
        "instead": [
            {
                "event": one.event,
                "unit": one.unit,
                "at_least_one": _share(one.probability),
                "expected": _share(one.expected),
            }
            for one in found.instead
        ],
        "counts": [
            {"event": one.event, "recorded": one.recorded, "expected": _share(one.expected)} for one in found.counts
        ],
        "earlier": found.earlier,
        "unsearched": found.unsearched,
    }


def _share(share: Share) -> dict[str, float | None]:
    found = share.estimate
    return {
        "mean": rounded(found.mean),
        "low": rounded(found.low),
        "high": rounded(found.high),
        "error": rounded(share.error),
    }
