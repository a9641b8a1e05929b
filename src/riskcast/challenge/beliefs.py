"""Every quantity of a case in every draw of a forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.links import Link
from riskcast.case.model import Case, Effect
from riskcast.case.quantities import Quantity, elicit
from riskcast.case.quantity_ids import (
    BASE_RATE,
    HALF_LIFE,
    LEVEL,
    LOADING,
    OFFSET,
    PASSED_ON,
    PERSISTENCE,
    RATE_RATIO,
    RISE,
    RISE_HALF_LIFE,
    SD_DYAD,
    SD_TIME,
    SERIES_SCALE,
    TENSION_PERSISTENCE,
    TRUST,
    QuantityId,
    parse_id,
)
from riskcast.case.quantity_names import QuantityName, name_quantity
from riskcast.engines.hazard import LOADING as LOADING_NAME, half_life_ratio
from riskcast.engines.mixing import refuse_mixture
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.drawn_ahead import STREAMS, ahead_scores
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats

SPREADS = {SD_DYAD: "sd_dyad", SD_TIME: "sd_time", PERSISTENCE: "persistence", LOADING: LOADING_NAME}


@dataclass(frozen=True)
class Belief:
    """A quantity that is not fixed, in every draw.

    values: (draws, columns) in its own unit; several columns where it is drawn anew for every event type, or for every
    dyad; of: what each column is of, empty where there is one alone.
    """

    key: str
    named: QuantityName
    quantity: Quantity
    values: Floats
    of: tuple[str, ...] = ()


def drawn_beliefs(ahead: Forecast) -> tuple[Belief, ...]:
    """Every quantity of a case that a forecast draws, in every draw; what is fixed, or moves nothing, is left out.

    Offsets and scales of series are not: a nowcast holds them at their medians.

    >>> from riskcast import fit, forecast, load_case
    >>> case = load_case("central_asia_2024")
    >>> found = drawn_beliefs(forecast(fit(case, draws=200, prior_only=True), horizon=3))
    >>> next(one.values.shape for one in found if one.key == "outcomes.demarche.base_rate")
    (200, 1)
    """
    refuse_mixture(ahead.posterior, "value or learning of a belief")
    case = ahead.case
    effects = {effect.quantity_id: effect for effect in case.effects}
    return tuple(
        Belief(key, name_quantity(case, key), quantity, np.stack(list(columns.values()), axis=1), _whose(columns))
        for key, quantity, link in case.quantities()
        if not quantity.is_fixed and (columns := _columns(ahead, parse_id(key), quantity, link, effects.get(key)))
    )


def undrawn(case: Case) -> tuple[str, ...]:
    """Ids of quantities that are not fixed, and that a forecast holds at their medians."""
    keys = (key for key, quantity, _ in case.quantities() if not quantity.is_fixed)
    return tuple(key for key in keys if parse_id(key).kind in (OFFSET, SERIES_SCALE))


def _whose(columns: Mapping[str, Floats]) -> tuple[str, ...]:
    return tuple(columns) if len(columns) > 1 else ()


def _columns(
    ahead: Forecast, found: QuantityId, quantity: Quantity, link: Link, effect: Effect | None
) -> Mapping[str, Floats]:
    """A quantity's draws by what they are of: (draws,) each; none where nothing draws it."""
    posterior, plan, rows = ahead.posterior, ahead.plan, ahead.simulated.rows
    if found.kind is LEVEL:
        return {unit: level[rows] for unit, level in _levels(ahead, found)}
    if found.kind in STREAMS:
        names = (found.name, found.of) if found.kind in (PASSED_ON, RISE, RISE_HALF_LIFE) else (found.name,)
        prior = elicit(quantity, link)
        return {"": prior.quantile(ahead_scores(prior, plan.draws, plan.seed, found.kind, *names))[rows]}
    return {name: values[rows] for name, values in _fitted(posterior, found, link, effect)}


def _levels(ahead: Forecast, found: QuantityId) -> Iterator[tuple[str, Floats]]:
    """A level of today in its own unit, by dyad."""
    case, indicator = ahead.case, ahead.case.indicators[found.name]
    steps = ahead.plan.today[found.name]
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    for place, unit in enumerate(units):
        if found.of in ("", unit):
            yield unit, np.asarray(indicator.level(steps[:, place]), dtype=float)


def _fitted(posterior: Posterior, found: QuantityId, link: Link, effect: Effect | None) -> Iterator[tuple[str, Floats]]:
    """What the record teaches, by the event type that it is of."""
    case, shared = posterior.case, posterior.shared
    if found.kind is TRUST and shared is not None:
        yield "", shared.trust
    elif found.kind is TENSION_PERSISTENCE and shared is not None and shared.has_tension:
        yield "", shared.persistence
    elif found.kind is BASE_RATE:
        yield "", link.inverse(posterior.events[found.name].coefficients[:, 0])
    elif found.kind is RATE_RATIO and effect is not None:
        place = posterior.models[effect.target].coefficients.index(effect.id) if effect.on != "half_life" else -1
        drawn = posterior.events[effect.target]
        yield (
            "",
            drawn.hyper[half_life_ratio(effect)] if place < 0 else np.exp(posterior.stated(effect.target)[:, place]),
        )
    elif found.kind not in (OFFSET, SERIES_SCALE):
        name = (
            f"half_life.{found.of or found.name}" if found.kind is HALF_LIFE else SPREADS.get(found.kind, LOADING_NAME)
        )
        for event in [found.name] if found.section == "outcomes" else case.order:
            hyper = posterior.events[event].hyper
            if name in hyper and (found.section == "outcomes" or not _is_own(case, found, event)):
                yield event, hyper[name]


def _is_own(case: Case, found: QuantityId, event: str) -> bool:
    """Whether an event type has a quantity of its own in place of the one that all share."""
    own = case.events[event]
    if found.kind is HALF_LIFE:
        return found.name in own.half_life
    fields = {SD_DYAD: own.sd_dyad, SD_TIME: own.sd_time, LOADING: own.tension}
    return fields.get(found.kind) is not None
