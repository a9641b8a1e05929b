"""Event types that share tension or trust, fitted together.

Paths of what is shared are proposed around their mode (`tension_paths`); every event type is drawn from once, and its
evidence on every path is the mean weight of its draws there (`path_weights`). The product of the evidences weighs
paths, and k-hat says whether that worked. A joint draw is a path, and for each event type one of its draws with
probability in proportion to its weight on that path: importance sampling within importance sampling (Tran, Scharth,
Pitt and Kohn, 2013), with one set of inner draws for all paths.

After a few changes, only the event types that changed are drawn from anew, on the paths that are there. Paths get new
weights, and joint draws move to others as seldom as these allow (maximal coupling; Thorisson, 2000).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from riskcast.engines.draws import EventDraws, Unfitted
from riskcast.engines.growth import Growth, grow
from riskcast.engines.importance import Weights, resample, smooth_weights
from riskcast.engines.jobs import Job, Joint
from riskcast.engines.path_weights import EventPaths, draws_at_center
from riskcast.engines.shared import TRUST, Shared, SharedDraws, prior_draws
from riskcast.engines.tension_paths import Paths, explore_shared, propose_paths
from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator
from riskcast.machinery.threads import single_thread

# Paths and draws on them, for each draw that is asked for, within what memory and time allow.
PATHS_PER_DRAW, FEWEST_PATHS, MOST_PATHS = 1.2, 1200, 3000
INNER_PER_DRAW, FEWEST_INNER, MOST_INNER = 0.5, 500, 1000
# One among many forecasts that stand beside one another may be a little noisier, within what a cache holds.
FEWEST_PATHS_OF_MANY, FEWEST_INNER_OF_MANY = 900, 450
# Beyond these, what was found is worth a second round around it; after a change, all is done anew.
REFINE_KHAT, REFINE_ESS = 0.6, 200.0
LEAST_INNER_ESS = 100.0
# Of all event types, so many may have changed for the paths of an earlier fit to be used again.
MOST_CHANGED = 3
# How often Newton's mode is centred anew on what was drawn around it.
ROUNDS = 3


@dataclass(frozen=True)
class Together:
    """A joint fit as it can be gone on from.

    paths, and every event type on them; evidence: of every event type, (paths,), in logarithms; weights: (paths,) of
    paths; chosen: the path of every joint draw; turns: by event type, which of its draws goes with each; inner: the
    effective sample sizes of every event type's draws; drawn: the joint draws; marks: what tells whether any of it has
    changed, none where paths and event types are of a shorter record; growth: what a longer record goes on from.
    """

    shared: Shared
    paths: Paths
    events: Mapping[str, EventPaths]
    evidence: Mapping[str, Floats]
    weights: Floats
    chosen: Ints
    turns: Mapping[str, Ints]
    inner: Mapping[str, float]
    drawn: Mapping[str, EventDraws]
    marks: Mapping[str, str]
    growth: Growth | None = None


@dataclass(frozen=True)
class _Weighed:
    """Paths with their weights, and what every event type says of them; shifts: as `Growth` has them, where asked."""

    paths: Paths
    events: Mapping[str, EventPaths]
    log_weights: Mapping[str, Floats]
    evidence: Mapping[str, Floats]
    smoothed: Weights
    shifts: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether there is no need to look further."""
        return self.smoothed.khat <= REFINE_KHAT and self.smoothed.ess >= REFINE_ESS


def fit_together(job: Job) -> Joint:
    """Posterior draws of all event types and of what they share."""
    with single_thread(), np.errstate(all="ignore"):
        again = _again(job)
        if again is not None:
            return again
        try:
            return _from_nothing(job)
        except (Unfitted, np.linalg.LinAlgError) as error:
            return _priors(job, f"{error}; all draws are those of the priors")


def _sizes(job: Job) -> tuple[int, int]:
    few = (FEWEST_PATHS_OF_MANY, FEWEST_INNER_OF_MANY) if job.grows else (FEWEST_PATHS, FEWEST_INNER)
    paths = min(max(int(PATHS_PER_DRAW * job.draws), few[0]), MOST_PATHS)
    return paths, min(max(int(INNER_PER_DRAW * job.draws), few[1]), MOST_INNER)


def _from_nothing(job: Job) -> Joint:
    best: _Weighed | None = None
    xi: dict[str, dict[str, float]] = {}
    for again in range(ROUNDS):
        found = _round(job, xi, again)
        if best is None or found.smoothed.khat < best.smoothed.khat:
            best = found
        if best.is_good:
            break
        xi = _hyper_means(found)
    assert best is not None
    joint = _join(job, best, _choose(job, best))
    if not job.grows:
        return joint
    growth = Growth(job.case, job.record, best.paths, best.events, best.log_weights, best.shifts)
    return replace(joint, kept=replace(joint.kept, growth=growth))


def _choose(job: Job, found: _Weighed) -> Ints:
    """The path of every joint draw."""
    rng = generator(job.seed, "laplace", "tension draws")
    order_by = found.paths.g[:, -1] if job.shared.has_tension else found.paths.trust
    return resample(found.smoothed.weights, order_by, job.draws, 0.5)[rng.permutation(job.draws)]


def _round(job: Job, xi: Mapping[str, Mapping[str, float]], again: int) -> _Weighed:
    """Paths around the mode at these hyper-parameters, and every event type on them."""
    count, inner = _sizes(job)
    found = explore_shared(job.models, job.shared, xi)
    rng = generator(job.seed, "laplace", "tension", *([again] if again else []))
    paths = propose_paths(found, job.shared, count, rng)
    free = not job.shared.hyper[TRUST].is_fixed
    events = {}
    for done, (name, model) in enumerate(job.models.items()):
        job.progress(name, done, len(job.models))
        events[name] = draws_at_center(model, paths, free, inner, job.seed)
    job.progress("", len(job.models), len(job.models))
    return _weigh(paths, events, {}, job.grows)


def _weigh(paths: Paths, events: Mapping[str, EventPaths], known: Mapping[str, Floats], grows: bool) -> _Weighed:
    """Weigh paths by the evidence of every event type, as far as that is not known."""
    log_weights, shifts, evidence = {}, {}, dict(known)
    for name, event in events.items():
        if name not in evidence:
            log_weights[name], shift = event.log_weights_and_shifts(paths)
            evidence[name] = _log_mean(log_weights[name])
            if grows:
                shifts[name] = shift
    total = paths.log_ratio + sum(evidence[name] for name in events)
    return _Weighed(paths, events, log_weights, evidence, smooth_weights(total), shifts)


def _log_mean(log_weights: Floats) -> Floats:
    top = log_weights.max(axis=1)
    held = np.where(np.isfinite(top), top, 0.0)
    return held + np.log(np.exp(log_weights - held[:, None]).mean(axis=1, dtype=float))


def _hyper_means(found: _Weighed) -> dict[str, dict[str, float]]:
    """The posterior means of every event type's standardised hyper-parameters, from a first round."""
    means = {}
    for name, event in found.events.items():
        weights = _marginal(found.log_weights[name], found.smoothed.weights)
        priors = {free: event.model.hyper[free] for free in event.model.free_hyper}
        means[name] = {free: float(weights @ prior.score(event.hyper[free])) for free, prior in priors.items()}
    return means


def _marginal(log_weights: Floats, path_weights: Floats) -> Floats:
    """Weights of an event type's draws over all paths: (draws,)."""
    kept = np.flatnonzero(path_weights > 1e-9)
    rows = log_weights[kept]
    share = np.exp(rows - rows.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    weights = path_weights[kept] @ share
    return weights / weights.sum()


def _join(job: Job, found: _Weighed, chosen: Ints, before: Together | None = None) -> Joint:
    """Joint draws on chosen paths: of every event type, the draw whose turn it is on its path.

    Of an event type that has not changed since `before`, draws that stay on their path stay what they were.
    """
    paths, smoothed = found.paths, found.smoothed
    drawn, turns, inner = {}, {}, {}
    for name, event in found.events.items():
        uniform = generator(job.seed, "laplace", "joint draws", name).random(job.draws)
        if before is None or name in found.log_weights:
            rows = found.log_weights[name]
            weights = _marginal(rows, smoothed.weights)
            inner[name] = float(1.0 / (weights @ weights))
            moving, turns[name] = np.arange(job.draws), np.empty(job.draws, dtype=np.int64)
        else:
            inner[name] = before.inner[name]
            moving, turns[name] = np.flatnonzero(chosen != before.chosen), before.turns[name].copy()
        used, place = np.unique(chosen[moving], return_inverse=True)
        if len(used):
            rows = found.log_weights[name][used] if name in found.log_weights else event.log_weights(paths.take(used))
            turns[name][moving] = _turns(rows, event.coefficients[:, 0], place, uniform[moving])
        known = None if before is None or len(moving) == job.draws else before.drawn[name]
        drawn[name] = _draw(event, paths, chosen, turns[name], inner[name], moving, known)
    shared = SharedDraws(
        periods=job.shared.periods,
        tension=paths.g[chosen],
        trust=paths.trust[chosen],
        persistence=paths.persistence[chosen],
        khat=smoothed.khat,
        ess=smoothed.ess,
        failed=f"the weights of {smoothed.unknown:,} paths could not be evaluated" if smoothed.unknown else "",
    )
    kept = Together(
        job.shared, paths, found.events, found.evidence, smoothed.weights, chosen, turns, inner, drawn, job.marks
    )
    return Joint({name: drawn[name] for name in job.models}, shared, kept)


def _draw(
    event: EventPaths, paths: Paths, chosen: Ints, turns: Ints, ess: float, moving: Ints, known: EventDraws | None
) -> EventDraws:
    """Natural draws; where some are `known`, those that are not moving are these."""
    if known is None:
        return event.draw(paths, chosen, turns, ess)
    if not len(moving):
        return known
    fresh = event.draw(paths, chosen[moving], turns[moving], ess)

    def mended(old: Floats, new: Floats) -> Floats:
        out = old.copy()
        out[moving] = new
        return out

    return replace(
        known,
        coefficients=mended(known.coefficients, fresh.coefficients),
        hyper={name: mended(values, fresh.hyper[name]) for name, values in known.hyper.items()},
        shocks=mended(known.shocks, fresh.shocks),
        effects=mended(known.effects, fresh.effects),
    )


def _turns(log_weights: Floats, order_by: Floats, place: Ints, uniform: Floats) -> Ints:
    """For every joint draw, which of an event type's draws has its turn on its path: (joint draws,).

    The distribution of each path is inverted at `uniform` along the order of a summary, so that a small change of
    weights moves draws but a little, and none where nothing changed.
    """
    order = np.argsort(order_by, kind="stable")
    share = np.exp(log_weights[:, order] - log_weights.max(axis=1, keepdims=True))
    reached = share.cumsum(axis=1, dtype=float)
    out = np.empty(len(place), dtype=np.int64)
    for draw, (path, target) in enumerate(zip(place.tolist(), uniform.tolist(), strict=True)):
        total = reached[path]
        out[draw] = np.searchsorted(total, target * total[-1])
    return order[np.minimum(out, len(order) - 1)]


def _again(job: Job) -> Joint | None:
    """Go on from an earlier fit, where few event types have changed and its paths still serve; else None."""
    before = job.before
    if not isinstance(before, Together) or job.draws != len(before.chosen):
        return None
    if job.grows:
        return None if before.growth is None else _grown(job, before.growth)
    if not before.marks:
        return None
    same = [name for name, mark in job.marks.items() if before.marks.get(name) == mark]
    changed = [name for name in job.models if name not in same]
    alike = set(before.events) == set(job.models) and before.marks.get("") == job.marks.get("")
    if not alike or len(changed) > MOST_CHANGED:
        return None
    _, inner = _sizes(job)
    free = not job.shared.hyper[TRUST].is_fixed
    events = dict(before.events)
    for done, name in enumerate(changed):
        job.progress(name, done, len(changed))
        events[name] = draws_at_center(job.models[name], before.paths, free, inner, job.seed)
    job.progress("", len(changed), len(changed))
    known = {name: before.evidence[name] for name in job.models if name not in changed}
    found = _weigh(before.paths, events, known, grows=False)
    if changed and not found.is_good:
        return None
    if not changed:
        chosen = before.chosen
    else:
        rng = generator(job.seed, "laplace", "coupling", *(job.marks[name] for name in changed))
        chosen = couple(before.chosen, before.weights, found.smoothed.weights, rng)
    joint = _join(job, found, chosen, before)
    # Around another tension the same draws may be worth more.
    is_thin = any(not joint.events[name].ess >= LEAST_INNER_ESS for name in changed)
    return None if is_thin else joint


def _grown(job: Job, before: Growth) -> Joint | None:
    """Go on from an earlier fit whose record goes on in this one, where its draws still serve; else None."""
    growth = grow(before, job)
    if growth is None:
        return None
    evidence = {name: _log_mean(own) for name, own in growth.log_weights.items()}
    smoothed = smooth_weights(growth.paths.log_ratio + sum(evidence.values()))
    found = _Weighed(growth.paths, growth.events, growth.log_weights, evidence, smoothed)
    if not found.is_good:
        return None
    joint = _join(job, found, _choose(job, found))
    if any(not own.ess >= LEAST_INNER_ESS for own in joint.events.values()):
        return None
    return replace(joint, kept=replace(joint.kept, marks={}, growth=growth))


def couple(chosen: Ints, before: Floats, weights: Floats, rng: np.random.Generator) -> Ints:
    """Paths of joint draws under new weights, of which as many as these allow stay where they were.

    A draw on a path stays with probability min(1, new weight / old weight), and else moves to one with probability in
    proportion to what its weight has gained. Parameters: chosen (draws,), the paths so far; before, weights (paths,).

    >>> couple(np.array([0, 1, 2]), np.full(3, 1 / 3), np.array([0.5, 0.5, 0.0]), np.random.default_rng(1))[:2].tolist()
    [0, 1]
    """
    moving = np.flatnonzero(rng.random(len(chosen)) * before[chosen] >= weights[chosen])
    out = chosen.copy()
    if len(moving):
        gained = np.maximum(weights - before, 0.0)
        out[moving] = rng.permutation(resample(gained, np.arange(len(gained), dtype=float), len(moving), rng.random()))
    return out


def _priors(job: Job, why: str) -> Joint:
    """Draws of all priors, marked as failed, where event types could not be fitted together."""
    events, shared = prior_draws(job.models, job.shared, job.draws, job.seed)
    failed = {name: replace(own, khat=math.inf, ess=0.0, failed=why) for name, own in events.items()}
    return Joint(failed, replace(shared, khat=math.inf, ess=0.0, failed=why))
