"""The posterior of a case in which some quantities have other priors, mostly are held at a value, from that of the case
as it is: its draws are moved and weighed, and nothing is fitted.

Holding standardised coordinates h at v asks for draws of all others given h = v. A draw x = (h, r) is moved by the
regression of r on h over all draws, r' = r + B (v - h): what a Gaussian posterior would ask for. What that leaves wrong
is weighed,

    weight = p(v, r') q(h) / p(h, r),      q: the Gaussian with the mean and covariance that draws of h have,

which is importance sampling on a space that keeps h beside r' (the weights are unbiased for any density q). Event types
separate given what they share, so only those whose priors or rows are others move and weigh: their likelihoods are all
that is worked out anew. k-hat says whether that worked (Vehtari, Simpson, Gelman, Yao and Gabry, 2024).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantity_ids import LEVEL, parse_id
from riskcast.challenge.points import (
    Point,
    has_free_trust,
    log_gauss,
    log_likelihood,
    score_before,
    shifted,
    standardised,
)
from riskcast.engines.draws import EventDraws
from riskcast.engines.fitting import SHARED, fingerprint, fit
from riskcast.engines.hazard import (
    LOADING,
    EventModel,
    build_event_model,
    natural_hyper,
    tension_shocks,
    year_factor,
)
from riskcast.engines.importance import smooth_weights
from riskcast.engines.posterior import KHAT_LIMIT, Posterior
from riskcast.engines.shared import PERSISTENCE, TRUST, Shared, SharedDraws, acting, build_shared, tension_of
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import Record, build_record

# Weights that are worth less than this share of the draws are worse than a new fit, of a few event types or of many.
LEAST_SHARE, LEAST_SHARE_OF_MANY, FEW = 0.5, 0.2, 3
UNTOUCHED, WEIGHED, REFITTED = "untouched", "weighed", "refitted"


@dataclass(frozen=True)
class Relearned:
    """A posterior under other priors: draws with weights, (draws,) with mean 1.

    how: `untouched`, where no prior of the fit has changed, `weighed` or `refitted`; khat and ess: of the weights;
    is_good: whether they, or the new fit, can be relied on.
    """

    posterior: Posterior
    weights: Floats
    how: str
    khat: float
    ess: float
    is_good: bool = True


@dataclass
class Learned:
    """A posterior to start from, and what of it is worked out once."""

    posterior: Posterior
    _points: dict[str, Point] = field(default_factory=dict)
    _likelihoods: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, posterior: Posterior, draws: int | None = None) -> Learned:
        """A posterior, or the first of its draws, which stand in no order."""
        if draws is None or draws >= posterior.draws:
            return cls(posterior)
        part = slice(0, draws)
        shared = None if posterior.shared is None else posterior.shared.take(part)
        events = {name: own.take(part) for name, own in posterior.events.items()}
        return cls(replace(posterior, draws=draws, events=events, shared=shared, kept=None))

    def point(self, event: str) -> Point:
        """An event type's standardised draws."""
        if event not in self._points:
            self._points[event] = standardised(self.posterior, event)
        return self._points[event]

    def log_likelihood(self, event: str) -> Floats:
        """Log probability of an event type's record at every draw: (draws,)."""
        if event not in self._likelihoods:
            drawn = self.posterior.events[event]
            self._likelihoods[event] = log_likelihood(self.posterior.models[event], drawn, self.point(event).xi)
        return self._likelihoods[event]


def relearn(learned: Learned, case: Case, changed: Iterable[str]) -> Relearned:
    """The posterior of `case`, which differs from the learned one in the priors of some quantities, by their ids.

    Its draws stand in the order of the learned ones, so that both can be held against each other draw by draw.
    """
    base, ids = learned.posterior, tuple(changed)
    kinds = [parse_id(key) for key in ids]
    even = np.ones(base.draws)
    if all(kind.kind is LEVEL for kind in kinds):
        return Relearned(replace(base, case=case, kept=None), even, UNTOUCHED, 0.0, float(base.draws))
    record, models, others, shared = _rebuilt(base, case, ids)
    posed = replace(base, case=case, record=record, models=models, kept=None)
    common, own_ratio, touched = _moved_shared(base, shared)
    others = tuple(base.models) if touched else others
    if not others and common is base.shared:
        return Relearned(posed, even, UNTOUCHED, 0.0, float(base.draws))
    log_ratio, events = own_ratio, dict(base.events)
    with np.errstate(all="ignore"):
        for name in others:
            events[name], ratio = _moved(learned, models[name], common, as_stated(base, case, models[name]))
            log_ratio = log_ratio + ratio
    posed = replace(posed, events=events, shared=common)
    if base.prior_only:
        return Relearned(posed, even, UNTOUCHED, 0.0, float(base.draws))
    smoothed = smooth_weights(log_ratio)
    good = is_reliable(smoothed.khat, smoothed.ess / base.draws, len(others))
    return Relearned(posed, smoothed.weights * base.draws, WEIGHED, smoothed.khat, smoothed.ess, good)


def is_reliable(khat: float, share: float, types: int) -> bool:
    """Whether weights can be relied on: k-hat at most 0.7, and worth a `share` of the draws that makes a new fit of so
    many event types no better.

    >>> is_reliable(0.4, 0.3, 1), is_reliable(0.4, 0.3, 9)
    (False, True)
    """
    return khat <= KHAT_LIMIT and share >= (LEAST_SHARE if types <= FEW else LEAST_SHARE_OF_MANY)


def refit(original: Posterior, case: Case, draws: int) -> Relearned:
    """The same by a new fit, which reuses what it can of the original one, and may fail its checks."""
    found = fit(case, original.engine, original.draws, original.seed, reuse=original, allow_unreliable=True)
    thinned = Learned.of(found, draws).posterior
    khat = found.diagnostics.khat_max or 0.0
    return Relearned(thinned, np.ones(thinned.draws), REFITTED, khat, found.diagnostics.ess_min, found.is_reliable)


def _rebuilt(
    base: Posterior, case: Case, ids: tuple[str, ...]
) -> tuple[Record, dict[str, EventModel], tuple[str, ...], Shared | None]:
    """The record and models of the changed case, which event types differ, and what all share where that differs."""
    kinds = [parse_id(key) for key in ids]
    if all(kind.section in ("effects", "outcomes") for kind in kinds):
        # What acts on one event type, or is its own, bears on its regression alone.
        targets = {effect.id: effect.target for effect in case.effects}
        named = dict.fromkeys(targets[kind.name] if kind.section == "effects" else kind.name for kind in kinds)
        fresh = {name: build_event_model(case, base.record, name) for name in named}
        return base.record, {**base.models, **fresh}, tuple(named), None
    record = build_record(case)
    models = {name: build_event_model(case, record, name) for name in base.models}
    others = tuple(name for name, model in models.items() if _differs(base.models[name], model))
    shared = build_shared(case, record)
    before = build_shared(base.case, base.record)
    return record, models, others, shared if _differs(before, shared) else None


def _differs(one: EventModel | Shared, two: EventModel | Shared) -> bool:
    return fingerprint(SHARED, 0, 0, one) != fingerprint(SHARED, 0, 0, two)


def _moved_shared(base: Posterior, shared: Shared | None) -> tuple[SharedDraws | None, Floats, bool]:
    """What all share under other priors of it, the log ratio of its density, and whether all event types feel it."""
    nothing = np.zeros(base.draws)
    if shared is None or base.shared is None:
        return base.shared, nothing, False
    drawn, ratio = base.shared, nothing
    before = build_shared(base.case, base.record)
    natural = {PERSISTENCE: drawn.persistence, TRUST: drawn.trust}
    fresh = dict(natural)
    for name, prior in shared.hyper.items():
        known = before.hyper[name]
        if prior == known:
            continue
        score = known.score(natural[name]) if not known.is_fixed else nothing
        fresh[name] = np.broadcast_to(shared.natural({name: score})[name], nothing.shape).astype(float)
        if prior.is_fixed and not known.is_fixed:
            ratio = ratio + 0.5 * score**2 + log_gauss(score[:, None])
    tension = drawn.tension
    if drawn.has_tension and fresh[PERSISTENCE] is not natural[PERSISTENCE]:
        e = np.array(tension)
        kept = drawn.persistence[:, None]
        e[:, 1:] = (tension[:, 1:] - kept * tension[:, :-1]) / np.sqrt(1.0 - kept**2)
        tension = tension_of(shared, e, fresh[PERSISTENCE])
    return replace(drawn, tension=tension, persistence=fresh[PERSISTENCE], trust=fresh[TRUST]), ratio, True


def as_stated(base: Posterior, case: Case, model: EventModel) -> EventModel:
    """A model with the priors as they are stated, where the case holds a trust that is free in the base: its priors
    have the trust in them, and draws are multiplied by it as the base's are."""
    trust = case.settings.trust
    return model.held(model.g, 1.0 / trust.center) if has_free_trust(base) and trust.is_fixed else model


def _moved(
    learned: Learned, model: EventModel, common: SharedDraws | None, stated: EventModel
) -> tuple[EventDraws, Floats]:
    """An event type's draws under another model, beside what all share; and the log ratio of their densities."""
    base, name = learned.posterior, model.event
    before, drawn, point = base.models[name], base.events[name], learned.point(name)
    columns = point.columns()
    held = [f"z{i}" for i in np.flatnonzero((model.spread == 0.0) & (before.spread > 0.0)).tolist()]
    held += [h for h in point.xi if model.hyper[h].is_fixed]
    ratio = np.zeros(base.draws)
    if held and not base.prior_only:
        at = [score_before(before, stated, h) for h in held]
        moved = shifted(columns, held, at)
        ratio = 0.5 * sum((columns[h] ** 2 for h in (*held, *moved)), ratio)
        ratio -= 0.5 * sum((column**2 for column in moved.values()), np.zeros(base.draws))
        ratio += log_gauss(np.stack([columns[h] for h in held], axis=1))
        point = point.moved(moved)
    xi = {h: value for h, value in point.xi.items() if not model.hyper[h].is_fixed}
    hyper = {h: np.broadcast_to(v, (base.draws,)).astype(float) for h, v in natural_hyper(model, xi).items()}
    coefficients = stated.natural(point.z)
    if has_free_trust(base) and common is not None:
        coefficients = acting(model, coefficients, common.trust)
    effects = drawn.effects
    if model.has_dyad_effects and "sd_dyad" in drawn.hyper:
        # Beside few units their standardised effects have moved; of many, they keep what they are in spreads.
        scaled = drawn.effects / drawn.hyper["sd_dyad"][:, None]
        effects = (point.d if point.d.shape[1] else scaled) * hyper["sd_dyad"][:, None]
    shocks = _shocks(before, model, drawn, hyper, common)
    new = replace(drawn, coefficients=coefficients, hyper=hyper, effects=effects, shocks=shocks)
    if base.prior_only:
        return new, ratio
    return new, ratio + log_likelihood(model, new, xi) - learned.log_likelihood(name)


def _shocks(
    before: EventModel,
    model: EventModel,
    drawn: EventDraws,
    hyper: Mapping[str, Floats],
    common: SharedDraws | None,
) -> Floats:
    """Shocks of years or of tension under other hyper-parameters: what stands behind them stays."""
    if model.has_tension:
        return drawn.shocks if common is None else tension_shocks(common.tension, hyper[LOADING])
    names = ("sd_time", "persistence")
    if all(np.array_equal(drawn.hyper[name], hyper[name]) for name in names):
        return drawn.shocks
    old, new = (year_factor(before.years, *(h[name] for name in names)) for h in (drawn.hyper, hyper))
    return np.einsum("sij,sj->si", new, np.linalg.solve(old, drawn.shocks[..., None])[..., 0])
