"""Draws of one event type's parameters: what both engines give, and what the priors alone say."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from riskcast.engines.hazard import LOADING, EventModel, natural_hyper, tension_shocks, year_factor
from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator


@dataclass(frozen=True)
class EventDraws:
    """Posterior draws of one event type's parameters, in natural units but for the link-scale coefficients.

    coefficients (draws, P): log base rate per period, then log rate ratios; hyper: (draws,) each; shocks (draws,
    years): log-rate shocks of the years in `years`; effects (draws, units): log-rate effects of dyads (zeros for an
    event of the host). khat and ess are the importance sampler's; rhat and divergences those of `nuts`. failed: why
    the event type could not be fitted, in words; its draws may be its priors' then, as the words say.
    """

    event: str
    coefficients: Floats
    hyper: dict[str, Floats]
    shocks: Floats
    effects: Floats
    khat: float = math.nan
    ess: float = math.nan
    rhat: float = math.nan
    divergences: int = 0
    failed: str = ""

    @property
    def is_finite(self) -> bool:
        """Whether every draw of every parameter is a number."""
        parts = (self.coefficients, self.shocks, self.effects, *self.hyper.values())
        return all(bool(np.isfinite(part).all()) for part in parts)

    def take(self, part: Ints | slice) -> EventDraws:
        """Some of the draws, with the health of all."""
        return replace(
            self,
            coefficients=self.coefficients[part],
            hyper={name: values[part] for name, values in self.hyper.items()},
            shocks=self.shocks[part],
            effects=self.effects[part],
        )


class Unfitted(Exception):
    """Why an event type could not be fitted, in words that follow its name: caught where it is fitted."""


def natural_draws(
    model: EventModel, theta: Floats, xi: Mapping[str, Floats]
) -> tuple[Floats, dict[str, Floats], Floats]:
    """Standardised draws -> link-scale coefficients, natural hyper-parameters, and shocks of years or of tension.

    A model with tension must be held at one, (periods,) or (draws, periods).
    """
    p, draws = len(model.middle), len(theta)
    hyper = {k: np.broadcast_to(v, draws).astype(float) for k, v in natural_hyper(model, dict(xi)).items()}
    coefficients = model.natural(theta[:, :p])
    if model.g is not None:
        return coefficients, hyper, tension_shocks(model.g, hyper[LOADING])
    rho = model.hyper["persistence"]
    if rho.is_fixed:
        factor = year_factor(model.years, 1.0, hyper["persistence"][0])
        shocks = (theta[:, p:] @ factor.T) * hyper["sd_time"][:, None]
    else:
        factors = year_factor(model.years, hyper["sd_time"], hyper["persistence"])
        shocks = np.einsum("sij,sj->si", factors, theta[:, p:])
    return coefficients, hyper, shocks


def draw_prior(model: EventModel, draws: int, seed: int) -> EventDraws:
    """Draws of one event type from its priors: what the assumptions say without the record."""
    rng = generator(seed, "prior", model.event)
    own = 0 if model.has_tension else len(model.years)
    theta = rng.standard_normal((draws, len(model.middle) + own))
    xi: dict[str, Floats] = {name: rng.standard_normal(draws) for name in model.free_hyper}
    coefficients, hyper, shocks = natural_draws(model, theta, xi)
    effects = np.zeros((draws, len(model.units)))
    if model.has_dyad_effects:
        effects = rng.standard_normal(effects.shape) * hyper["sd_dyad"][:, None]
    return EventDraws(model.event, coefficients, hyper, shocks, effects, khat=0.0, ess=float(draws))


def unfitted(model: EventModel, draws: int, seed: int, why: str) -> EventDraws:
    """Draws that stand in for those of an event type that could not be fitted: its priors', marked as failed."""
    failed = f"{why}; its draws are those of its priors"
    return replace(draw_prior(model, draws, seed), khat=math.inf, ess=0.0, failed=failed)


def fitted_or_prior(
    model: EventModel, draws: int, seed: int, fit_one: Callable[[EventModel, int, int], EventDraws]
) -> EventDraws:
    """What `fit_one` draws, or draws of the priors with the reason in `failed` where it cannot."""
    try:
        found = fit_one(model, draws, seed)
    except Unfitted as error:
        return unfitted(model, draws, seed, str(error))
    except np.linalg.LinAlgError as error:
        return unfitted(model, draws, seed, f"linear algebra failed ({str(error).lower()})")
    return found if found.is_finite else unfitted(model, draws, seed, "some of its draws are not numbers")


def standardise_hyper(model: EventModel, hyper: dict[str, Floats]) -> dict[str, Floats]:
    """Natural hyper-parameters -> standardised ones, for those that are not fixed; the inverse of `natural_hyper`."""
    return {name: model.hyper[name].score(hyper[name]) for name in model.free_hyper}
