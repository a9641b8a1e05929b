"""Answers to queries as plain data."""

from __future__ import annotations

import math
from typing import Any

from riskcast.forecasting.lineage import provenance, rounded
from riskcast.forecasting.questions import Answer, Answers
from riskcast.forecasting.shares_of_paths import Share


def answers_data(answers: Answers) -> dict[str, Any]:
    """Answers as plain data: where the numbers come from, the query, and for each dyad `given` (the probability where
    the condition holds), `unconditional`, their `ratio`, the `condition`, and `made_to_happen`; probabilities are from
    0 to 1, with 90 % intervals and `error`, the Monte Carlo standard error; `refused` says why there is no answer."""
    return {
        **provenance(answers.forecast),
        "query": answers.text,
        "paths_of_each_draw": answers.paths,
        "answers": [_answer(one) for one in answers.answers],
    }


def _answer(one: Answer) -> dict[str, Any]:
    ratio, error = one.ratio
    return {
        "dyad": one.dyad,
        "read_as": str(one.query),
        "given": _share(one.given),
        "unconditional": _share(one.alone),
        "ratio": None if math.isnan(ratio) else {"mean": rounded(ratio), "error": rounded(error)},
        "condition": _share(one.condition),
        "made_to_happen": _share(one.intervened),
        "futures": one.paths,
        "futures_held": one.held,
        "effective_futures": rounded(one.effective),
        "effective_draws": rounded(one.effective_draws),
        "refused": one.refusal or None,
    }


def _share(share: Share | None) -> dict[str, float | None] | None:
    if share is None:
        return None
    found = share.estimate
    return {
        "mean": rounded(found.mean),
        "low": rounded(found.low),
        "high": rounded(found.high),
        "error": rounded(share.error),
    }
