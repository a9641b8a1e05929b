"""Days of a history whose fits go on from one another: which these are, and what was forecast on each of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from riskcast.case.model import Case
from riskcast.case.vintage import case_as_of
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.requests import Request, fit_requested, forecast_requested
from riskcast.forecasting.scoring import score
from riskcast.forecasting.standings import score_draws
from riskcast.machinery.threads import single_thread

if TYPE_CHECKING:
    import pandas

# Of more dyads, draws are not kept: changes have no intervals then.
MOST_KEPT: Final = 50
MONTHS: Final = 12


@dataclass(frozen=True)
class AsOf:
    """What one day's forecast said: tables `scores`, `probabilities` and `draws`, and the health of its posterior."""

    frames: Mapping[str, pandas.DataFrame]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """Days whose fits go on from one another: the key of each, and its vintage."""

    keys: tuple[str, ...]
    vintages: tuple[Case, ...]


def turns_of(case: Case, all_days: Sequence[dt.date]) -> list[Turn]:
    """The days of a history by half years; a day's digits depend on its vintage and on those before it in its turn."""
    turns = []
    for _, days in itertools.groupby(all_days, lambda day: (day.year, day.month > MONTHS // 2)):
        keys, vintages, digest = [], [], hashlib.sha256()
        for day in days:
            then = case_as_of(case, day)
            digest.update(then.hash.encode())
            keys.append(f"{day.isoformat()} {digest.hexdigest()}")
            vintages.append(then)
        turns.append(Turn(tuple(keys), tuple(vintages)))
    return turns


def forecast_in_turn(
    vintages: Sequence[Case], wanted: Sequence[bool], horizon: int, draws: int, seed: int
) -> tuple[AsOf | None, ...]:
    """What the forecasts of some days said, one day after the other, None of days that are not wanted; a posterior that
    failed its checks is used, and said to have failed."""
    made: list[AsOf | None] = []
    posterior: Posterior | None = None
    last = max((place for place, asked in enumerate(wanted) if asked), default=-1)
    with single_thread():
        for then, asked in zip(vintages[: last + 1], wanted, strict=False):
            request = Request(then, horizon=horizon, draws=draws, seed=seed, allow_unreliable=True)
            posterior = fit_requested(request, reuse=posterior, grows=last > 0)
            made.append(_forecast(request, posterior) if asked else None)
    return (*made, *(None for _ in vintages[last + 1 :]))


def _forecast(request: Request, posterior: Posterior) -> AsOf:
    """One day's scores, probabilities and ranks."""
    import pandas

    then = request.case
    [ahead] = forecast_requested(request, posterior)
    risk = score(ahead)
    drawn = score_draws(ahead) if len(ahead.dyads) <= MOST_KEPT else np.zeros((0, len(ahead.dyads)))
    standings = risk.standings
    day = then.as_of.isoformat()
    rows = [
        (day, d.id, d.score.mean, d.score.low, d.score.high, standings[d.id].first, standings[d.id].expected, d.grave)
        for d in risk.dyads
    ]
    scores = pandas.DataFrame(rows, columns=["day", "dyad", "score", "low", "high", "first", "rank", "grave"])
    scores["grave"] = scores["grave"].astype(float)
    chances = [
        (day, event, unit, e.mean, e.low, e.high)
        for event in then.outcomes
        for unit, e in zip(ahead.units(event), ahead.estimates[event], strict=True)
    ]
    probabilities = pandas.DataFrame(chances, columns=["day", "event", "unit", "probability", "low", "high"])
    kept = pandas.DataFrame(drawn.astype(np.float32), columns=list(ahead.dyads))
    facts = {
        "day": day,
        "reliable": posterior.is_reliable,
        "failures": "; ".join(posterior.diagnostics.failures),
        "error": ahead.accuracy.score,
        "paths": ahead.paths,
    }
    return AsOf({"scores": scores, "probabilities": probabilities, "draws": kept}, facts)
