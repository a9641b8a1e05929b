"""An event type's draws in standardised coordinates, and what moving some of them needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.quantities import unstretch
from riskcast.engines.draws import EventDraws, standardise_hyper
from riskcast.engines.hazard import EventModel, bounded_rate, log_event
from riskcast.engines.log_rates import rates
from riskcast.engines.posterior import Posterior
from riskcast.machinery.array_types import Floats

# Slopes of a regression that lie within so many standard errors of 0 are taken for none: their noise would add up.
TELLING = 2.5
# Of more units, dyad effects stay where they are.
MOST_UNITS = 40


@dataclass(frozen=True)
class Point:
    """An event type's draws in standardised coordinates: z (draws, coefficients), xi by name of what is not fixed,
    d (draws, units) of dyad effects."""

    z: Floats
    xi: Mapping[str, Floats]
    d: Floats

    def columns(self) -> dict[str, Floats]:
        """Every coordinate by a name of its own."""
        found = {f"z{i}": column for i, column in enumerate(self.z.T)} | dict(self.xi)
        return found | {f"d{i}": column for i, column in enumerate(self.d.T)}

    def moved(self, columns: Mapping[str, Floats]) -> Point:
        """The point with some coordinates replaced."""
        own = self.columns() | dict(columns)
        z, d = (
            np.stack([own[f"{letter}{i}"] for i in range(part.shape[1])], axis=1) if part.shape[1] else part
            for letter, part in (("z", self.z), ("d", self.d))
        )
        return Point(z, {name: own[name] for name in self.xi}, d)


def standardised(posterior: Posterior, event: str) -> Point:
    """An event type's draws in the coordinates of its priors."""
    model, drawn = posterior.models[event], posterior.events[event]
    stated = _stated(posterior, event)
    spread = np.where(model.spread > 0.0, model.spread, 1.0)
    z = np.where(model.spread > 0.0, unstretch((stated - model.middle) / spread, model.skew), 0.0)
    sd = drawn.hyper.get("sd_dyad")
    few = model.has_dyad_effects and sd is not None and drawn.effects.shape[1] <= MOST_UNITS
    d = drawn.effects / sd[:, None] if few and sd is not None else np.zeros((len(z), 0))
    return Point(z, standardise_hyper(model, drawn.hyper), d)


def has_free_trust(posterior: Posterior) -> bool:
    """Whether coefficients of indicators are multiplied by a trust that is drawn."""
    return not posterior.case.settings.trust.is_fixed


def _stated(posterior: Posterior, event: str) -> Floats:
    """Coefficients in the coordinates of the model's priors, in which a trust that is fixed stands already."""
    return posterior.stated(event) if has_free_trust(posterior) else posterior.events[event].coefficients


def score_before(before: EventModel, model: EventModel, held: str) -> float:
    """Where the value at which a coordinate is held stands on its prior before that."""
    if held in before.hyper:
        return float(before.hyper[held].score(model.hyper[held].quantile(0.0)))
    i = int(held[1:])
    return float(unstretch((model.middle[i] - before.middle[i]) / before.spread[i], before.skew[i]))


def shifted(columns: Mapping[str, Floats], held: list[str], at: list[float]) -> dict[str, Floats]:
    """All other coordinates moved by their regression on those that are held, where it tells."""
    x = np.stack([columns[h] for h in held], axis=1)
    centred = x - x.mean(axis=0)
    inverse = np.linalg.pinv(centred.T @ centred)
    away = np.array(at) - x
    moved = {}
    for name, column in columns.items():
        if name in held:
            continue
        slope = inverse @ (centred.T @ column)
        rest = column - column.mean() - centred @ slope
        error = np.sqrt(np.maximum(np.diag(inverse), 0.0) * rest.var())
        slope = np.where(np.abs(slope) > TELLING * error, slope, 0.0)
        moved[name] = column + away @ slope
    return moved


def log_gauss(x: Floats) -> Floats:
    """Log density, up to a constant, of the Gaussian with the mean and covariance of draws x (draws, coordinates)."""
    away = x - x.mean(axis=0)
    inverse = np.linalg.pinv(np.cov(away.T).reshape(x.shape[1], x.shape[1]))
    return -0.5 * np.einsum("ij,jk,ik->i", away, inverse, away)


def log_likelihood(model: EventModel, drawn: EventDraws, xi: Mapping[str, Floats]) -> Floats:
    """Log probability of an event type's record at many draws, dyad effects included: (draws,)."""
    at = rates(model, drawn.coefficients, drawn.shocks, xi)
    effects = drawn.effects.T
    with np.errstate(over="ignore", invalid="ignore"):
        log_hits = at.log_hits + effects[model.hits.unit]
        happened = log_event(bounded_rate(log_hits), lambda: log_hits).sum(axis=0)
        return happened - (at.free * np.exp(effects)).sum(axis=0)
