"""Paths of what all event types share: the mode of tension, and proposals around it.

Given persistence and trust, tension and every event type's coefficients have one joint mode. Newton's method finds it
with the hyper-parameters of event types held: as event types meet in tension alone, each adds to a system in tension
the Schur complement of its own small curvature (Rue, Martino and Chopin, 2009, for the nested approximation of which
this is the outer part). Around the mode, paths are drawn from the Gaussian that this system tells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.quantities import stretch
from riskcast.engines.draws import Unfitted
from riskcast.engines.dyad_effects import Design, evaluate
from riskcast.engines.hazard import LOADING, EventModel, memory_columns, natural_hyper, tension_shocks
from riskcast.engines.laplace import Exploration, Memories, Mode, Proposal, design_at, explore_modes, propose
from riskcast.engines.linear_algebra import log_determinant, solve_uphill
from riskcast.engines.shared import PERSISTENCE, TRUST, Shared, tension_of
from riskcast.machinery.array_types import Floats, Ints

NEWTON_STEPS = 30
CONVERGED = 1e-3
LONGEST_STEP = 3.0
LEAST_STEP = 1e-6


@dataclass(frozen=True)
class Paths:
    """Proposed paths of what event types share.

    g: (paths, periods); trust, persistence: (paths,); log_ratio: (paths,), prior density over that of the proposal, in
    logarithms; center: the tension and the trust at which event types are explored.
    """

    g: Floats
    trust: Floats
    persistence: Floats
    log_ratio: Floats
    center: tuple[Floats, float]

    def __len__(self) -> int:
        return len(self.g)

    def take(self, index: Ints) -> Paths:
        """Some of the paths."""
        parts = (self.g, self.trust, self.persistence, self.log_ratio)
        return Paths(*(part[index] for part in parts), self.center)


@dataclass(frozen=True)
class _Part:
    """One event type for Newton's method: at fixed hyper-parameters, with tension open."""

    model: EventModel
    loading: float
    xi: Mapping[str, float]
    memories: Memories


@dataclass(frozen=True)
class _Bend:
    """An event type's log posterior at a point: its value, gradients and curvatures in z and in shocks."""

    value: float
    slope: Floats
    slope_b: Floats
    own: Floats
    cross: Floats
    shared: Floats
    effects: Floats | None


def _parts(models: Mapping[str, EventModel], xi: Mapping[str, Mapping[str, float]]) -> list[_Part]:
    parts = []
    for name, model in models.items():
        hyper = natural_hyper(model, dict(xi.get(name, {})))
        loading = float(hyper[LOADING]) if model.has_tension else 0.0
        at = {free: float(xi.get(name, {}).get(free, 0.0)) for free in model.free_hyper}
        columns = (memory_columns(model, rows, hyper) for rows in (model.free, model.hits))
        free, hits = columns if model.escalations else (np.zeros((len(r), 0)) for r in (model.free, model.hits))
        parts.append(_Part(model, loading, at, (free, hits)))
    return parts


def _bend(part: _Part, design: Design, factor: Floats, theta: Floats, g: Floats, effects: Floats | None) -> _Bend:
    """The log posterior of one event type given tension, its own shocks of years among its coordinates."""
    model = part.model
    p = len(model.middle)
    u, rise, _ = stretch(theta[:p], model.skew)
    b = tension_shocks(g, part.loading) if model.has_tension else factor @ theta[p:]
    value, gradient, negative, effects = evaluate(design, u, b, effects)
    own = negative[:p, :p] * rise * rise[:, None]
    slope = rise * gradient[:p]
    if model.has_tension:
        cross = rise[:, None] * negative[:p, p:] * part.loading
        shared = negative[p:, p:] * part.loading**2
        slope_b = gradient[p:] * part.loading
    else:
        side = rise[:, None] * (negative[:p, p:] @ factor)
        own = np.block([[own, side], [side.T, factor.T @ negative[p:, p:] @ factor]])
        slope = np.concatenate([slope, factor.T @ gradient[p:]])
        cross, shared, slope_b = np.zeros((len(theta), len(g))), np.zeros((len(g), len(g))), np.zeros(len(g))
    own[np.diag_indices_from(own)] += 1.0
    return _Bend(value - 0.5 * float(theta @ theta), slope - theta, slope_b, own, cross, shared, effects)


class _Joint:
    """The joint log posterior of tension and all coefficients at one persistence and trust."""

    def __init__(self, parts: list[_Part], trust: float, factor: Floats) -> None:
        self.factor = factor
        self.parts = [_Part(part.model.held(None, trust), part.loading, part.xi, part.memories) for part in parts]
        self.designs = [design_at(part.model, dict(part.xi), part.memories) for part in self.parts]

    def start(self) -> list[Floats]:
        """The medians of all coefficients."""
        return [
            np.zeros(len(part.model.middle) + factor.shape[1])
            for part, (_, factor) in zip(self.parts, self.designs, strict=True)
        ]

    def at(self, e: Floats, thetas: list[Floats], before: list[_Bend] | None = None) -> tuple[float, list[_Bend]]:
        """Its value and what Newton needs of every event type."""
        g = self.factor @ e
        known = [None] * len(self.parts) if before is None else [bend.effects for bend in before]
        bends = [
            _bend(part, design, factor, theta, g, effects)
            for part, (design, factor), theta, effects in zip(self.parts, self.designs, thetas, known, strict=True)
        ]
        return sum(bend.value for bend in bends) - 0.5 * float(e @ e), bends

    def system(self, e: Floats, bends: list[_Bend]) -> tuple[Floats, Floats]:
        """Curvature and gradient in e, every event type's coefficients following."""
        curvature, gradient = np.zeros((len(e), len(e))), np.zeros(len(e))
        for bend in bends:
            solved = np.linalg.solve(bend.own, np.concatenate([bend.cross, bend.slope[:, None]], axis=1))
            curvature += bend.shared - bend.cross.T @ solved[:, :-1]
            gradient += bend.slope_b - bend.cross.T @ solved[:, -1]
        curvature = self.factor.T @ curvature @ self.factor
        curvature[np.diag_indices_from(curvature)] += 1.0
        return curvature, self.factor.T @ gradient - e


def _find_mode(joint: _Joint, start: Floats, xi: Floats) -> Mode:
    """Newton's method with step halving for the joint mode; the mode of e, its curvature, and the Laplace marginal."""
    e, thetas = start, joint.start()
    value, bends = joint.at(e, thetas)
    if not math.isfinite(value):
        e = np.zeros_like(start)
        value, bends = joint.at(e, thetas)
    curvature = np.eye(len(e))
    for _ in range(NEWTON_STEPS):
        if not math.isfinite(value):
            break
        curvature, gradient = joint.system(e, bends)
        step = solve_uphill(curvature, gradient) if len(e) else e
        g_step = joint.factor @ step
        steps = [np.linalg.solve(bend.own, bend.slope - bend.cross @ g_step) for bend in bends]
        ascent = sum(
            float(bend.slope @ own) + float(bend.slope_b @ g_step) for bend, own in zip(bends, steps, strict=True)
        )
        ascent -= float(e @ step)
        if not ascent >= CONVERGED:
            break
        largest = max(float(np.abs(own).max(initial=0.0)) for own in (step, *steps))
        size = min(1.0, LONGEST_STEP / max(largest, 1e-12))
        while size > LEAST_STEP:
            ahead = [theta + size * own for theta, own in zip(thetas, steps, strict=True)]
            trial, found = joint.at(e + size * step, ahead, bends)
            if trial >= value - 1e-9 * (1.0 + abs(value)):
                break
            size *= 0.5
        else:
            break
        e, thetas, value, bends = e + size * step, ahead, trial, found
    if not math.isfinite(value):
        return Mode(np.zeros_like(start), np.eye(len(start)), -math.inf)
    curvature, _ = joint.system(e, bends)
    around = log_determinant(curvature) if len(e) else 0.0
    around += sum(log_determinant(bend.own) for bend in bends)
    return Mode(e, curvature, value - 0.5 * around - 0.5 * float(xi @ xi))


def explore_shared(
    models: Mapping[str, EventModel], shared: Shared, xi: Mapping[str, Mapping[str, float]]
) -> Exploration:
    """Modes of tension over a design in what is free of persistence and trust.

    `xi`: by event type, the hyper-parameters at which each is held, 0 where nothing is said. Raises Unfitted.
    """
    names = shared.free_hyper
    parts = _parts(models, xi)

    def modes_at(places: Floats, start: Floats | None) -> tuple[Mode, ...]:
        modes: list[Mode] = []
        for place in places:
            natural = shared.natural(dict(zip(names, place.tolist(), strict=True)))
            trust = 1.0 if shared.hyper[TRUST].is_fixed else float(natural[TRUST])
            factor = shared.factor(natural[PERSISTENCE]) if shared.has_tension else np.zeros((0, 0))
            joint = _Joint(parts, trust, factor)
            first = np.zeros(len(shared.periods)) if start is None else start
            modes.append(_find_mode(joint, modes[0].theta if modes else first, place))
        return tuple(modes)

    with np.errstate(all="ignore"):
        try:
            return explore_modes(names, modes_at)
        except Unfitted as error:
            raise Unfitted(f"no tension could be found that all event types share ({error})") from None


def propose_paths(found: Exploration, shared: Shared, count: int, rng: np.random.Generator) -> Paths:
    """Draw so many paths around the mode, with their prior density over that of the proposal."""
    drawn = propose(found, count, np.zeros(0), rng)
    prior = -0.5 * (drawn.theta**2).sum(axis=1) - sum((0.5 * own**2 for own in drawn.xi.values()), np.zeros(count))
    middle = found.center + found.scale * found.offset
    center = shared.natural(dict(zip(found.names, middle.tolist(), strict=True)))
    at = found.modes[0].theta
    if shared.has_tension:
        factor = shared.factor(shared.natural(dict(zip(found.names, found.center.tolist(), strict=True)))[PERSISTENCE])
        at = factor @ at
    return paths_of(shared, drawn, prior - drawn.log_density, (at, float(center[TRUST])))


def paths_of(shared: Shared, drawn: Proposal, log_ratio: Floats, center: tuple[Floats, float]) -> Paths:
    """Proposed coordinates in their natural units."""
    natural = shared.natural(drawn.xi)
    count = len(drawn.theta)
    kept = np.broadcast_to(natural.get(PERSISTENCE, np.zeros(())), (count,)).astype(float)
    trust = np.broadcast_to(natural[TRUST], (count,)).astype(float)
    return Paths(tension_of(shared, drawn.theta, kept), trust, kept, log_ratio, center)
