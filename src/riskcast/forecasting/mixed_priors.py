"""What a group believes of a quantity: the mixture of its experts' priors, weighed by their shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.links import Link
from riskcast.case.quantities import Quantity, elicit, quantity_text
from riskcast.case.quantity_ids import parse_id
from riskcast.case.quantity_names import link_of
from riskcast.engines.mixtures import Mixture
from riskcast.engines.posterior import Posterior
from riskcast.machinery.array_types import Floats

STEPS = 2001


@dataclass(frozen=True)
class Believed:
    """A prior: mean and standard deviation on its link scale, median and ends of the 90 % interval in its unit."""

    mean: float
    sd: float
    median: float
    low: float
    high: float


def believed(posterior: Posterior, key: str, quantity: Quantity, link: Link) -> Believed:
    """What is believed of a quantity: as the case says, or of a mixture what all of its experts do.

    The quantiles of a mixture are those of an even grid of quantiles of every expert, weighed by shares.

    >>> import riskcast
    >>> from riskcast.case.links import base_rate_link
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=100, prior_only=True)
    >>> rate = posterior.case.events["demarche"].base_rate
    >>> found = believed(posterior, "outcomes.demarche.base_rate", rate, base_rate_link(12.0))
    >>> found.median == rate.center
    True
    """
    mixture = posterior.mixture
    own = [] if mixture is None else [quantities_of(mixture, place)[key] for place in range(len(mixture.parts))]
    if mixture is None or all(one == own[0] for one in own):
        chosen = own[0] if own else quantity
        prior = elicit(chosen, link)
        return Believed(prior.mean, prior.sd, chosen.center, *chosen.range)
    values, weights = _grid(own, link, np.array([part.share for part in mixture.parts]))
    mean = float(weights @ values)
    sd = float(np.sqrt(weights @ np.square(values - mean)))
    order = np.argsort(values)
    ends = np.interp((0.5, 0.05, 0.95), np.cumsum(weights[order]) - weights[order] / 2.0, values[order])
    return Believed(mean, sd, *(float(end) for end in np.asarray(link.inverse(ends)).tolist()))


def mixed_quantities(posterior: Posterior) -> Mapping[str, tuple[Believed, str]]:
    """By id, what a mixture believes of the quantities that its experts see differently from its case, and what each of
    them says; nothing where it is no mixture."""
    mixture = posterior.mixture
    if mixture is None:
        return {}
    every = [quantities_of(mixture, place) for place in range(len(mixture.parts))]
    found = {}
    for key, quantity, _ in posterior.case.quantities():
        own = [quantities[key] for quantities in every]
        if any(_numbers(one) != _numbers(quantity) for one in own):
            told = "; ".join(f"{part.name} {quantity_text(one)}" for part, one in zip(mixture.parts, own, strict=True))
            found[key] = believed(posterior, key, quantity, link_of(posterior.case, parse_id(key))), told
    return found


def quantities_of(mixture: Mixture, place: int) -> dict[str, Quantity]:
    """By id, every quantity of an expert's case."""
    return {key: quantity for key, quantity, _ in mixture.parts[place].case.quantities()}


def _grid(quantities: list[Quantity], link: Link, shares: Floats) -> tuple[Floats, Floats]:
    """Values on the link scale, as many of every expert, and their weights: (experts * STEPS,) each."""
    from scipy.special import ndtri

    scores = ndtri((np.arange(STEPS) + 0.5) / STEPS)
    values = [np.broadcast_to(elicit(one, link).on_link(scores), STEPS) for one in quantities]
    return np.concatenate(values), np.repeat(shares / STEPS, STEPS)


def _numbers(quantity: Quantity) -> tuple[float, float, float]:
    return (quantity.center, *quantity.range)
