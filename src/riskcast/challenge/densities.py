"""Log densities of priors and of every event type's record in each draw of a posterior."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.quantities import Prior, elicit, stretch
from riskcast.case.quantity_ids import LEVEL, TENSION_PERSISTENCE, TRUST
from riskcast.challenge.beliefs import Belief
from riskcast.engines.draws import standardise_hyper
from riskcast.engines.hazard import log_event
from riskcast.engines.log_rates import rates
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.drawn_ahead import STREAMS
from riskcast.machinery.array_types import Floats
from riskcast.machinery.threads import single_thread


@dataclass(frozen=True)
class Taught:
    """A quantity that the record can teach, of one event type, or of all (`event` empty).

    prior: what was believed; values: (draws,) in its own unit; scores: (draws,), at which standard normal score of the
    prior each value lies.
    """

    belief: Belief
    event: str
    prior: Prior
    values: Floats
    scores: Floats

    @property
    def log_prior(self) -> Floats:
        """Log density of the prior on its link, but for a constant: (draws,)."""
        return -0.5 * self.scores**2 - np.log(stretch(self.scores, self.prior.skew)[1])


def unfitted_events(posterior: Posterior) -> tuple[str, ...]:
    """Event types that could not be fitted: their draws tell nothing of what the record taught."""
    return tuple(name for name, drawn in posterior.events.items() if drawn.failed)


def taught_beliefs(beliefs: tuple[Belief, ...], without: Collection[str] = ()) -> tuple[Taught, ...]:
    """Quantities that the record can teach, one for each event type that has its own draws of it; `without` those of
    some event types."""
    found = []
    for one in beliefs:
        kind = one.named.id.kind
        if kind is LEVEL or kind in STREAMS:
            continue
        prior = elicit(one.quantity, one.named.link)
        shared = kind in (TRUST, TENSION_PERSISTENCE)
        for column, event in enumerate(one.of or ("",)):
            # Of a quantity of one event type alone.
            whose = "" if shared else event or one.named.id.target or one.named.id.name
            if whose in without:
                continue
            values = one.values[:, column]
            scores = prior.score(values) if one.on_link is None else prior.score_on_link(one.on_link)
            found.append(Taught(one, whose, prior, values, scores))
    return tuple(found)


def log_likelihoods(posterior: Posterior) -> Mapping[str, Floats]:
    """By event type that could be fitted: log probability of its record in each draw, but for a constant, (draws,)."""
    out, failed = {}, unfitted_events(posterior)
    for name, model in posterior.models.items():
        if name in failed:
            continue
        drawn = posterior.events[name]
        free = {hyper: drawn.hyper[hyper] for hyper in model.free_hyper}
        with single_thread(), np.errstate(over="ignore", under="ignore"):
            found = rates(model, drawn.coefficients, drawn.shocks, standardise_hyper(model, free))
            effects = drawn.effects.T
            hits = found.log_hits + effects[model.hits.unit]
            happened = log_event(np.exp(np.minimum(hits, 700.0)), lambda hits=hits: hits).sum(axis=0)
            out[name] = happened - (found.free * np.exp(effects)).sum(axis=0)
    return out
