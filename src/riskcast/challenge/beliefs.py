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
from riskcast.engines.posterior import Posterior, widening
from riskcast.forecasting.drawn_ahead import STREAMS, ahead_scores
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats

SPREADS = {SD_DYAD: "sd_dyad", SD_TIME: "sd_time", PERSISTENCE: "persistence", LOADING: LOADING_NAME}


@dataclass(frozen=True)
class Belief:
    """A quantity that is not fixed, in every draw.

    values: (draws, columns) in its own unit; several columns where it is drawn anew for every event type, or for every
    dyad; of: what each column is of, empty where there is one alone; on_link: (draws,) the same on its link, where that
    is what is fitted: of an event type that comes every week, a probability within a year is 1.
    """

    key: str
    named: QuantityName
    quantity: Quantity
    values: Floats
    of: tuple[str, ...] = ()
    on_link: Floats | None = None


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
    found = []
    for key, quantity, link in case.quantities():
        if quantity.is_fixed:
            continue
        id, effect = parse_id(key), effects.get(key)
        linked = _on_link(ahead, id, effect)
        columns = _columns(ahead, id, quantity, link, effect) if linked is None else {"": link.inverse(linked)}
        if columns:
            values = np.stack(list(columns.values()), axis=1)
            found.append(Belief(key, name_quantity(case, key), quantity, values, _whose(columns), linked))
    return tuple(found)


def undrawn(case: Case) -> tuple[str, ...]:
    """Ids of quantities that are not fixed, and that a forecast holds at their medians."""
    keys = (key for key, quantity, _ in case.quantities() if not quantity.is_fixed)
    return tuple(key for key in keys if parse_id(key).kind in (OFFSET, SERIES_SCALE))


def widening_of(posterior: Posterior) -> float:
    """By how much errors are wider as a posterior's draws were weighed, by the event type whose count for fewest; those
    of priors were not."""
    return 1.0 if posterior.prior_only else widening(posterior.draws, max(posterior.diagnostics.ess_min, 1.0))


def _whose(columns: Mapping[str, Floats]) -> tuple[str, ...]:
    return tuple(columns) if len(columns) > 1 else ()


def _on_link(ahead: Forecast, found: QuantityId, effect: Effect | None) -> Floats | None:
    """A quantity that is fitted as a coefficient, on its link: (draws,); None of others."""
    posterior, rows = ahead.posterior, ahead.simulated.rows
    if found.kind is BASE_RATE:
        return posterior.events[found.name].coefficients[rows, 0]
    if found.kind is RATE_RATIO and effect is not None and effect.on != "half_life":
        place = posterior.models[effect.target].coefficients.index(effect.id)
        return posterior.stated(effect.target)[rows, place]
    return None


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
    return {name: values[rows] for name, values in _fitted(posterior, found, effect)}


def _levels(ahead: Forecast, found: QuantityId) -> Iterator[tuple[str, Floats]]:
    """A level of today in its own unit, by dyad."""
    case, indicator = ahead.case, ahead.case.indicators[found.name]
    steps = ahead.plan.today[found.name]
    units = case.dyads if indicator.scope == "dyad" else (case.host,)
    for place, unit in enumerate(units):
        if found.of in ("", unit):
            yield unit, np.asarray(indicator.level(steps[:, place]), dtype=float)


def _fitted(posterior: Posterior, found: QuantityId, effect: Effect | None) -> Iterator[tuple[str, Floats]]:
    """What else the record teaches, by the event type that it is of."""
    case, shared = posterior.case, posterior.shared
    if found.kind is TRUST and shared is not None:
        yield "", shared.trust
    elif found.kind is TENSION_PERSISTENCE and shared is not None and shared.has_tension:
        yield "", shared.persistence
    elif found.kind is RATE_RATIO and effect is not None:
        yield "", posterior.events[effect.target].hyper[half_life_ratio(effect)]
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
