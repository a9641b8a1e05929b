"""What all event types share: tension, a level of how restless the times are, and trust in the effects of indicators.

Tension g is a stationary AR(1) with mean 0 and standard deviation 1 over the case's tension periods. It adds

    loading * g[t] - loading^2 / 2

to an event type's log rates, whose exponential is 1 on average: a base rate is that of the average over quiet and
restless times. Trust multiplies the coefficients of all indicators: what is stated times trust is what acts. Given
both, event types separate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from riskcast.case.links import LOG, LOGIT
from riskcast.case.model import Case
from riskcast.case.quantities import Prior, elicit
from riskcast.case.settings import FULL_TRUST
from riskcast.engines.draws import EventDraws, draw_prior
from riskcast.engines.hazard import (
    LARGEST_SHARE,
    LOADING,
    EventModel,
    log_likelihood,
    log_normal,
    natural_hyper,
    tension_periods,
    tension_shocks,
    year_factor,
)
from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator
from riskcast.record.arrays import Record

PERSISTENCE, TRUST = "persistence", "trust"


@dataclass(frozen=True)
class Shared:
    """Priors of what all event types share.

    periods: numbers of the tension's periods, none where the case has no tension; hyper: the prior of trust, and with
    tension that of its persistence.
    """

    periods: Ints
    hyper: Mapping[str, Prior]

    @property
    def has_tension(self) -> bool:
        """Whether the case has tension."""
        return len(self.periods) > 0

    @property
    def couples(self) -> bool:
        """Whether what one event type's record says bears on another."""
        return self.has_tension or not self.hyper[TRUST].is_fixed

    @property
    def free_hyper(self) -> tuple[str, ...]:
        """What is not fixed of persistence and trust."""
        return tuple(name for name, prior in self.hyper.items() if not prior.is_fixed)

    def natural(self, xi: Mapping[str, float | Floats]) -> dict[str, Floats]:
        """Persistence and trust at standardised values; those left out stand at their median."""
        found: dict[str, Floats] = {name: prior.quantile(xi.get(name, 0.0)) for name, prior in self.hyper.items()}
        if PERSISTENCE in found:
            found[PERSISTENCE] = np.minimum(found[PERSISTENCE], LARGEST_SHARE)
        return found

    def factor(self, persistence: float | Floats) -> Floats:
        """Lower-triangular F with g = F e, e standard normal: (S..., periods, periods)."""
        return year_factor(self.periods, 1.0, persistence)


@dataclass(frozen=True)
class SharedDraws:
    """Posterior draws of what all event types share, joined by draw number with those of every event type.

    tension: (draws, periods), without columns where there is none; trust, persistence: (draws,). khat and ess: of the
    weights of whole paths of tension; rhat, divergences: those of `nuts`; failed: why they are not to be relied on.
    """

    periods: Ints
    tension: Floats
    trust: Floats
    persistence: Floats
    khat: float = math.nan
    ess: float = math.nan
    rhat: float = math.nan
    divergences: int = 0
    failed: str = ""

    @property
    def has_tension(self) -> bool:
        """Whether there is tension."""
        return self.tension.shape[1] > 0

    @property
    def is_finite(self) -> bool:
        """Whether every draw is a number."""
        return all(bool(np.isfinite(part).all()) for part in (self.tension, self.trust, self.persistence))

    def take(self, part: Ints | slice) -> SharedDraws:
        """Some of the draws, with the health of all."""
        return replace(self, tension=self.tension[part], trust=self.trust[part], persistence=self.persistence[part])


NOTHING_SHARED = Shared(np.zeros(0, dtype=np.int64), {TRUST: elicit(FULL_TRUST, LOG)})


def build_shared(case: Case, record: Record) -> Shared:
    """What the event types of a case share, on the periods of its record."""
    numbers = tension_periods(case, record)
    hyper = {TRUST: elicit(case.settings.trust, LOG)}
    if case.settings.tension is None or numbers is None:
        return Shared(np.zeros(0, dtype=np.int64), hyper)
    hyper = {PERSISTENCE: elicit(case.settings.tension.persistence, LOGIT)} | hyper
    return Shared(np.arange(numbers[0], numbers[-1] + 1), hyper)


def fixed_trust(shared: Shared, draws: int) -> SharedDraws | None:
    """What all draws share where nothing couples event types; None where there is nothing to tell."""
    trust = float(shared.hyper[TRUST].quantile(0.0))
    if trust == 1.0:
        return None
    empty = np.zeros((draws, 0))
    return SharedDraws(shared.periods, empty, np.full(draws, trust), np.zeros(draws), khat=0.0, ess=float(draws))


def acting(model: EventModel, coefficients: Floats, trust: Floats | float) -> Floats:
    """Coefficients as they act where those of indicators are multiplied by trust: (..., coefficients)."""
    out = np.array(coefficients, dtype=float)
    out[..., 1 : model.indicators] *= np.asarray(trust, dtype=float)[..., None]
    return out


@dataclass(frozen=True)
class Coordinates:
    """A point of the joint posterior, every coordinate standard normal a priori.

    By event type: z (coefficients,), e (years,) where there is no tension, d (units,) or empty, xi by name of the
    hyper-parameter. Shared: tension (periods,), and `own` by name of what is not fixed of persistence and trust.
    """

    z: Mapping[str, Floats]
    e: Mapping[str, Floats]
    d: Mapping[str, Floats]
    xi: Mapping[str, Mapping[str, float]]
    tension: Floats
    own: Mapping[str, float]


def log_joint(models: Mapping[str, EventModel], shared: Shared, at: Coordinates) -> float:
    """Log of the joint posterior density of all event types in standardised coordinates, with all constants.

    The sum of every event type's log likelihood at its own coefficients, in which those of indicators are multiplied by
    trust, and at shocks loading * g - loading^2 / 2, g = F(persistence) e; and a standard normal log density for every
    coordinate. The models are open ones.
    """
    hyper = shared.natural(at.own)
    g = shared.factor(hyper[PERSISTENCE]) @ at.tension if shared.has_tension else at.tension
    trust = 1.0 if shared.hyper[TRUST].is_fixed else hyper[TRUST]
    out = log_normal(np.concatenate([at.tension, [at.own[name] for name in shared.free_hyper]]))
    for name, model in models.items():
        own = natural_hyper(model, at.xi[name])
        if model.has_tension:
            shocks = tension_shocks(g, own[LOADING])
        else:
            shocks = year_factor(model.years, own["sd_time"], own["persistence"]) @ at.e[name]
        coefficients = acting(model, model.natural(at.z[name]), trust)
        out += log_likelihood(model, coefficients, shocks, at.d[name], own)
        free = [at.xi[name][hyper] for hyper in model.free_hyper]
        out += log_normal(np.concatenate([at.z[name], at.e[name], at.d[name], free]))
    return out


def draw_shared_prior(shared: Shared, draws: int, seed: int) -> SharedDraws:
    """Draws of what event types share from its priors."""
    rng = generator(seed, "prior", "tension")
    e = rng.standard_normal((draws, len(shared.periods)))
    natural = shared.natural({name: rng.standard_normal(draws) for name in shared.free_hyper})
    kept = np.broadcast_to(natural.get(PERSISTENCE, np.zeros(())), (draws,)).astype(float)
    return SharedDraws(
        periods=shared.periods,
        tension=tension_of(shared, e, kept),
        trust=np.broadcast_to(natural[TRUST], (draws,)).astype(float),
        persistence=kept,
        khat=0.0,
        ess=float(draws),
    )


def tension_of(shared: Shared, e: Floats, persistence: Floats) -> Floats:
    """g = F(persistence) e for many draws: e (draws, periods), persistence (draws,).

    >>> two = Shared(np.arange(2), {})
    >>> tension_of(two, np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0.5, 0.9])).tolist()
    [[1.0, 0.5], [1.0, 0.9]]
    """
    g = np.array(e, dtype=float)
    fresh = np.sqrt(1.0 - persistence**2)
    for t in range(1, g.shape[1]):
        g[:, t] = persistence * g[:, t - 1] + fresh * e[:, t]
    return g


def draw_event_prior(model: EventModel, common: SharedDraws, draws: int, seed: int, scaled: bool) -> EventDraws:
    """Draws of one event type from its priors, beside draws of what all share; `scaled`: trust is no part of them yet.

    Its shocks are those of the tension that all share, and its coefficients those that act.
    """
    held = model.held(common.tension) if model.has_tension else model
    drawn = draw_prior(held, draws, seed)
    return replace(drawn, coefficients=acting(model, drawn.coefficients, common.trust)) if scaled else drawn


def prior_draws(
    models: Mapping[str, EventModel], shared: Shared, draws: int, seed: int
) -> tuple[dict[str, EventDraws], SharedDraws]:
    """Draws of all event types and of what they share from the priors."""
    common = draw_shared_prior(shared, draws, seed)
    free = not shared.hyper[TRUST].is_fixed
    events = {name: draw_event_prior(model, common, draws, seed, scaled=free) for name, model in models.items()}
    return events, common
