"""The factors of assertions, in every draw of a posterior: what an effect multiplies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskcast.challenge.claim_counts import NotEncodedError
from riskcast.challenge.claim_paths import effects_between
from riskcast.challenge.claim_terms import Effect, Ending, Extreme, MemoryEffect, Term
from riskcast.engines.hazard import half_life_ratio
from riskcast.engines.posterior import Posterior
from riskcast.machinery.array_types import Floats


@dataclass(frozen=True)
class Logs:
    """The logarithm of a factor in every draw, (draws,), and the event types that it is learned with; `flaw`: why it
    speaks against the assertion whatever its size, empty where it does not."""

    values: Floats | float
    events: tuple[str, ...]
    flaw: str = ""


def logs_of(posterior: Posterior, term: Term) -> Logs:
    """The logarithm of a factor in every draw; raises NotEncodedError where the case holds nothing of it."""
    case = posterior.case
    match term:
        case Effect(source, target, path):
            effects = effects_between(case, source, target, path)
            if not effects:
                raise NotEncodedError(f"no effect of {source} on the rate of {target}{_through(path)}")
            return Logs(sum(_log_ratio(posterior, target, effect.id) for effect in effects), (target,))
        case Extreme(source, highest):
            found = [e for e in case.effects if e.source == source and e.on == "rate"]
            if not found:
                raise NotEncodedError(f"no effect of {source} on a rate")
            sizes = [Logs(_log_ratio(posterior, effect.target, effect.id), (effect.target,)) for effect in found]
            return (max if highest else min)(sizes, key=lambda logs: float(np.median(logs.values)))
        case Ending(answer, cause):
            effects = effects_between(case, cause, answer)
            if not effects:
                raise NotEncodedError(f"no effect of {cause} on the rate of {answer}")
            lasting = any(not effect.spent for effect in effects)
            flaw = "the effect acts on after the answer (no `spent: true`)" if lasting else ""
            return Logs(sum(_log_ratio(posterior, answer, effect.id) for effect in effects), (answer,), flaw)
        case MemoryEffect(indicator, event, memory):
            edges = case.half_life_effects_on(event)
            effects = [edge for edge in edges if (edge.source, edge.memory) == (indicator, memory)]
            if not effects:
                raise NotEncodedError(f"no effect of {indicator} on a half-life of {event}")
            hyper = posterior.events[event].hyper
            return Logs(sum(np.log(hyper[half_life_ratio(effect)]) for effect in effects), (event,))
        case _:
            raise TypeError(f"{term} is no factor")


def _log_ratio(posterior: Posterior, event: str, effect: str) -> Floats:
    return posterior.events[event].coefficients[:, posterior.models[event].coefficients.index(effect)]


def _through(path: str | None) -> str:
    return f" through {path}" if path else ""
