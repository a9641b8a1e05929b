"""The posteriors of several experts as one, whose draws are shared out among them by weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import EventModel, build_event_model
from riskcast.engines.mixtures import Mixture, Part, mix_records, shares_of_draws
from riskcast.engines.posterior import Posterior, judge
from riskcast.engines.shared import SharedDraws
from riskcast.errors import OptionError
from riskcast.record.arrays import Record, build_record

HEALTH: Final = ("khat", "ess", "rhat", "divergences", "failed")


def mix_posteriors(
    case: Case, posteriors: Sequence[Posterior], weights: Sequence[float], names: Sequence[str]
) -> Posterior:
    """The linear pool of experts' posteriors (Stone, 1961): each draw of all parameters is one expert's, by weight.

    It is not the posterior of the mixture of their priors, in which the record would move the weights (Genest and
    Zidek, 1986). `case`: the one that all are editions of. A forecast from it takes each draw's levels, and all else
    that no record teaches, from the case of the same expert. Its health is that of the worst. Raises OptionError for
    posteriors of other cases, draws or engines, and for cases that differ in more than numbers.

    >>> import riskcast
    >>> case = riskcast.load_case("central_asia_2024")
    >>> one = riskcast.fit(case, draws=100, allow_unreliable=True)
    >>> [part.share for part in mix_posteriors(case, [one, one], [3.0, 1.0], ["A", "B"]).mixture.parts]
    [0.75, 0.25]
    """
    if not posteriors or len(weights) != len(posteriors) or not sum(weights) > 0.0 or min(weights) < 0.0:
        told = f"{list(weights)} for {len(posteriors)} experts"
        raise OptionError(f"weights are {told}; give one of at least 0 for each, not all 0")
    first = posteriors[0]
    for name, one in zip(names, posteriors, strict=True):
        own = one.case
        if (own.name, own.original_hash, own.as_of) != (case.name, case.original_hash, case.as_of):
            raise OptionError(
                f"the case of {name} is no edition of {case.name} as of {case.as_of}; give its own numbers"
            )
        if _made(one) != _made(first) or one.mixture is not None:
            raise OptionError(f"the forecast of {name} differs in draws, seed or engine; make all alike")
    whose = shares_of_draws(weights, first.draws, first.seed)
    events: dict[str, EventDraws] = {}
    for name in first.events:
        every = [posterior.events[name] for posterior in posteriors]
        events[name] = _worst(mix_records([_numbers_of(one) for one in every], whose, name), every)
    shared: SharedDraws | None = None
    if first.shared is not None:
        common = [one for posterior in posteriors if (one := posterior.shared) is not None]
        shared = _worst(mix_records([_numbers_of(one) for one in common], whose, "what is shared"), common)
    record, models = _read(case)
    mixed = replace(
        first,
        case=case,
        record=record,
        models=models,
        events=events,
        shared=shared,
        diagnostics=judge(first.engine, events, first.draws, shared),
        fingerprints=None,
        kept=None,
        chains=None,
    )
    return with_mixture(mixed, [one.case for one in posteriors], weights, names)


def with_mixture(
    posterior: Posterior, cases: Sequence[Case], weights: Sequence[float], names: Sequence[str]
) -> Posterior:
    """A posterior whose draws are those of a mixture, with what tells whose each is: experts' cases, weights, names."""
    total = float(sum(weights))
    parts = tuple(
        Part(name, float(weight) / total, case, *_read(case))
        for name, weight, case in zip(names, weights, cases, strict=True)
    )
    whose = shares_of_draws(weights, posterior.draws, posterior.seed)
    return replace(posterior, mixture=Mixture(parts, whose))


def _read(case: Case) -> tuple[Record, dict[str, EventModel]]:
    record = build_record(case)
    return record, {event: build_event_model(case, record, event) for event in case.order}


def part_of(posterior: Posterior, place: int) -> Posterior:
    """The posterior of one expert of a mixture, of which only that expert's draws count."""
    assert posterior.mixture is not None
    part = posterior.mixture.parts[place]
    return replace(posterior, case=part.case, record=part.record, models=part.models, mixture=None)


def refuse_mixture(posterior: Posterior, what: str) -> None:
    """Raise OptionError for a mixture, where `what` needs one prior."""
    if posterior.mixture is not None:
        raise OptionError(no_one_prior(what))


def no_one_prior(what: str) -> str:
    """Why a mixture has no such thing, and what to do."""
    return f"a mixture of experts has no one prior, so there is no {what} of it; ask for that of each expert's overlay"


def _made(posterior: Posterior) -> tuple[str, int, int, bool]:
    return posterior.engine, posterior.draws, posterior.seed, posterior.prior_only


def _numbers_of[T: (EventDraws, SharedDraws)](drawn: T) -> T:
    """Draws without what is said of their health, which is no part of what is mixed."""
    return replace(drawn, khat=0.0, ess=0.0, rhat=0.0, divergences=0, failed="")


def _worst[T: (EventDraws, SharedDraws)](mixed: T, every: Sequence[T]) -> T:
    khats, esses, rhats = ([getattr(one, name) for one in every] for name in HEALTH[:3])
    return replace(
        mixed,
        khat=float(np.max(khats)),
        ess=float(np.min(esses)),
        rhat=float(np.max(rhats)),
        divergences=max(one.divergences for one in every),
        failed=next((one.failed for one in every if one.failed), ""),
    )
