"""A forecast from weighted futures, so that a few events have the probabilities that others give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from riskcast.errors import OptionError
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.kept_paths import KeptPaths
from riskcast.forecasting.outside_numbers import Outside, OutsideProbability, WeighedNumber, check_outside
from riskcast.forecasting.query_names import read_query
from riskcast.forecasting.query_paths import PathRecord
from riskcast.forecasting.query_terms import Term
from riskcast.forecasting.shares_of_paths import LEAST_DRAWS, LEAST_PATHS
from riskcast.forecasting.simulation import BLOCK_CELLS
from riskcast.forecasting.soft_evidence import pooled, tilts
from riskcast.machinery.array_types import Floats
from riskcast.names import BASELINE

# Futures of each draw where their number was not asked for.
PATHS = 16


def weigh_in(
    forecast: Forecast,
    numbers: Sequence[OutsideProbability],
    weights: float | Mapping[str, float] = 0.0,
    *,
    cells: int = BLOCK_CELLS,
    progress: Callable[[int, int], None] | None = None,
) -> Forecast:
    """The forecast with probabilities from outside weighed in, so that all else moves with them.

    Each number is pooled with the model's own probability (`pooled`), with a weight of its own, else by its forecaster
    in `weights`, else 0. Futures are then weighted so that every event asked about has its pooled probability and
    weights are otherwise as equal as can be (`tilts`): whatever is conditional on one such event stays as it was.
    Probabilities and scores are shares and means of weighted futures; intervals are over draws with the weights of
    their futures. With no weight above 0 the forecast is the same, to the last digit.
    Raises OptionError for a scenario, which is no world that others bet on, for a number that was not known on the day
    of the forecast, for numbers that no weights hold together, or where they leave too few futures; QueryError for a
    question that cannot be read.

    >>> import datetime as dt
    >>> from riskcast import fit, forecast, load_case
    >>> ahead = forecast(fit(load_case("central_asia_2024"), draws=200), horizon=3, paths=4)
    >>> crowd = OutsideProbability("RUS-TJK:demarche", 0.5, "crowd", dt.date(2024, 5, 1))
    >>> adjusted = weigh_in(ahead, [crowd], {"crowd": 1.0})
    >>> round(adjusted.probability("demarche", "RUS-TJK").mean, 6)
    0.5
    """
    if not numbers:
        return forecast
    if forecast.scenario_name != BASELINE:
        wrong = f"numbers from outside are of the world as it is, not of the scenario {forecast.scenario_name}"
        raise OptionError(f"{wrong}; leave out the scenario, or the numbers")
    check_outside(tuple(numbers), forecast.case.as_of)
    terms = [_term(forecast, one) for one in numbers]
    used = [_weight(one, weights) for one in numbers]
    paths = forecast.paths if forecast.paths_given and forecast.paths else max(forecast.paths, PATHS)
    kept = KeptPaths.of(forecast.plan, terms, paths)
    kept.simulate(forecast, cells, progress)
    own = kept.holds.mean(axis=0)
    targets = np.array([pooled(p, n.probability, w) for p, n, w in zip(own.tolist(), numbers, used, strict=True)])
    acting = np.array(used) > 0.0
    if not acting.any():
        found = zip(numbers, own.tolist(), used, own.tolist(), [0.0] * len(used), strict=True)
        many, draws = len(kept.holds), float(forecast.plan.draws)
        own = tuple(WeighedNumber(*one) for one in found)
        return replace(forecast, outside=Outside(own, float(many), many, draws, forecast.simulated))
    for place in np.flatnonzero(acting).tolist():
        if not 0.0 < own[place] < 1.0:
            told = "no" if own[place] == 0.0 else "every"
            wrong = f"{told} one of {len(kept.holds):,} futures holds {numbers[place].question}"
            raise OptionError(f"{wrong}, so that none can be weighed; leave the number out, or give more --paths")
    found = tilts(kept.holds[:, acting], targets[acting])
    if found is None:
        said = "; ".join(f"{numbers[i].question} {targets[i]:.3f}" for i in np.flatnonzero(acting).tolist())
        raise OptionError(f"no weights of futures hold these probabilities together: {said}; leave one out")
    tilt = np.zeros(len(numbers))
    tilt[acting] = found
    weight = np.exp(kept.holds @ tilt)
    weight /= weight.mean()
    by_draw = weight.reshape(forecast.plan.draws, -1).sum(axis=1)
    effective, effective_draws = (float(w.sum() ** 2 / np.square(w).sum()) for w in (weight, by_draw))
    if effective < LEAST_PATHS or effective_draws < LEAST_DRAWS:
        worth = f"{len(weight):,} futures of {len(by_draw):,} draws are worth {effective:.0f} of {effective_draws:.0f}"
        raise OptionError(
            f"numbers from outside lie so far from the model's that {worth}, too few to tell; give them less weight, "
            "or more --paths or --draws"
        )
    weighed = zip(numbers, own.tolist(), used, targets.tolist(), tilt.tolist(), strict=True)
    told = tuple(WeighedNumber(*one) for one in weighed)
    outside = Outside(told, effective, len(weight), effective_draws, forecast.simulated)
    return replace(forecast, simulated=kept.summed(weight), paths=paths, outside=outside)


def outside_tilts(forecast: Forecast) -> tuple[tuple[Term, float], ...]:
    """What the numbers that a forecast was adjusted by are of, and how much more a path weighs that holds it, in
    logarithms."""
    outside = forecast.outside
    acting = () if outside is None else (one for one in outside.numbers if one.weight)
    return tuple((_term(forecast, one.number), one.tilt) for one in acting)


def path_weights(tilted: Sequence[tuple[Term, float]], record: PathRecord) -> Floats:
    """How much each path of a block counts in an adjusted forecast, from what it holds: (paths,)."""
    logs = [tilt * record.holds(term) for term, tilt in tilted]
    return np.exp(np.sum(logs, axis=0)) if logs else np.ones(record.points.shape[0])


def _term(forecast: Forecast, number: OutsideProbability) -> Term:
    """What an outside number is of."""
    query = read_query(forecast, number.question)
    if query.given is not None or query.is_open:
        wrong = f"the outside number for {number.question} is of {'a condition' if query.given else 'no dyad'}"
        mend = "give one for an event alone" if query.given else "name the dyad, such as RUS-TJK:demarche"
        raise OptionError(f"{wrong}; {mend}")
    return query.event


def _weight(number: OutsideProbability, weights: float | Mapping[str, float]) -> float:
    """The weight of a number: its own, else its forecaster's, else 0."""
    given = weights.get(number.forecaster, 0.0) if isinstance(weights, Mapping) else weights
    weight = given if number.weight is None else number.weight
    if not 0.0 <= weight <= 1.0:
        raise OptionError(f"the weight of {number.forecaster} is {weight}; give a number from 0 to 1")
    return weight
