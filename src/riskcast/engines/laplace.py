"""The default engine: nested Laplace with importance resampling, in numpy alone.

For fixed hyper-parameters (half-lives, standard deviations, persistence) an event type is a log-concave regression
with dyad effects integrated out (`collapse`). Newton finds its mode and curvature at each point of a small central
composite design over the hyper-parameters; a quadratic through the design gives their approximate posterior (Rue,
Martino and Chopin, 2009), and smooth interpolation of modes and Cholesky factors gives a joint proposal. Draws from
it are weighted by the exact log posterior, checked by Pareto k-hat, and resampled.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from riskcast.case.quantities import stretch, unstretch
from riskcast.engines.cells import Groups
from riskcast.engines.draws import EventDraws, Unfitted, fitted_or_prior, natural_draws
from riskcast.engines.dyad_effects import PLATEAU_SD, POINTS, Design, draw_effects, evaluate, log_marginal
from riskcast.engines.hazard import (
    LOADING,
    LOG_2PI,
    EventModel,
    Rows,
    bounded_rate,
    log_event,
    memory_columns,
    natural_hyper,
    tension_shocks,
    year_factor,
)
from riskcast.engines.importance import Weights, resample, smooth_weights
from riskcast.engines.linear_algebra import inverse_factor, log_determinant, lower_factor, solve_uphill
from riskcast.engines.log_rates import CHUNK_CELLS, Rates, rates
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import generator

PROPOSALS_PER_DRAW = 1.6
LEAST_PROPOSALS = 1600
FACTORIAL = 0.9
ROUNDS = 8
NEWTON_STEPS = 60
MOST_HALVINGS = 40
CONVERGED = 1e-4
LONGEST_STEP = 5.0
# By how much the quadrature of very wide dyad effects may be off.
PLATEAU_NOISE = 1e-3
# Below it, the rates of quiet periods are so large that Newton's steps, one logarithm long there, would not end.
HOPELESS = -1e9
STUDENT_DF = 10.0
INFLATION = 1.1
WIDE_SHARE = 0.2
WIDTH = 1.3
GUARD_WIDTH = 1.1
WIDE_REACH = 2.8
LOPSIDED = 0.5
REFINE_ABOVE = 0.6
# The limit that draws must meet: those which would fail it are proposed once more, from a wider place.
GUARD_ABOVE = 0.7
GUARDED_TIMES = 4
# From there, priors and record have nothing to say to one another.
FARTHEST = 1e4
# How much lower than the lowest a point of a design counts at which there is no mode.
SHUNNED = 20.0
LEAST_SCALE = 1e-3
# Below this spread of their standard scores, shocks of years are proposed as they are.
TOLD_SHOCKS = 0.5
MOST_MEMORY_CELLS = 20_000_000


@dataclass(frozen=True)
class Mode:
    """Mode of (z, e) at fixed hyper-parameters, its curvature, and the Laplace log marginal of the hyper-parameters."""

    theta: Floats
    curvature: Floats
    log_marginal: float


Memories = tuple[Floats, Floats]


def design_at(model: EventModel, xi: dict[str, float], memories: Memories | None = None) -> tuple[Design, Floats]:
    """The standardised regression at fixed hyper-parameters, and the factor of its year shocks.

    Tension at which an event type is held is part of the offsets, and the factor has no columns then; while it is open,
    the shocks are for others to make. `memories` are the memory columns of free rows and hits at these half-lives,
    where they are known already.
    """
    hyper = natural_hyper(model, xi)
    free, hits = memories or tuple(memory_columns(model, rows, hyper) for rows in (model.free, model.hits))

    known = None if model.g is None else tension_shocks(model.g, hyper[LOADING])

    def standardise(rows: Rows, columns: Floats) -> tuple[Floats, Floats]:
        x = np.concatenate([rows.x, columns], axis=1)
        offset = x @ model.middle
        return x * model.spread, offset if known is None else offset + known[rows.year]

    x_free, offset_free = standardise(model.free, free)
    x_hits, offset_hits = standardise(model.hits, hits)
    design = Design(
        x_free=x_free,
        offset_free=offset_free + np.log(model.free.exposure),
        year_free=model.free.year,
        free=Groups.of(model.free.unit),
        x_hits=x_hits,
        offset_hits=offset_hits + np.log(model.hits.exposure),
        year_hits=model.hits.year,
        hits=Groups.of(model.hits.unit),
        units=len(model.units),
        years=len(model.years) if known is None else 0,
        sd_dyad=float(hyper["sd_dyad"]) if model.has_dyad_effects else 0.0,
    )
    if model.has_tension:
        return design, np.zeros((design.years, 0))
    return design, year_factor(model.years, hyper["sd_time"], hyper["persistence"])


def find_mode(
    model: EventModel, xi: dict[str, float], start: Floats | None = None, memories: Memories | None = None
) -> Mode:
    """Newton's method with step halving for the mode of (z, e) at fixed hyper-parameters.

    The likelihood is concave in u(z), the rates' own coordinates. Its curvature in z is taken to be that in u times
    u'(z) on both sides (Gauss-Newton): always positive definite, and without the bend of a prior's knee, which is no
    part of the shape that a proposal should have.
    """
    design, factor = design_at(model, xi, memories)
    p = len(model.middle)
    theta = np.zeros(p + factor.shape[1]) if start is None else start

    def objective(theta: Floats, effects: Floats | None) -> tuple[float, Floats, Floats, Floats | None]:
        u, rise, _ = stretch(theta[:p], model.skew)
        value, gradient, negative, effects = evaluate(design, u, factor @ theta[p:], effects)
        gradient = np.concatenate([rise * gradient[:p], factor.T @ gradient[p:]]) - theta
        negative = np.concatenate([negative[:, :p], negative[:, p:] @ factor], axis=1)
        negative = np.concatenate([negative[:p], factor.T @ negative[p:]])
        negative[:, :p] *= rise
        negative[:p, :] *= rise[:, None]
        negative[np.diag_indices_from(negative)] += 1.0
        return value - 0.5 * float(theta @ theta), gradient, negative, effects

    with np.errstate(all="ignore"):
        value, gradient, negative, effects = objective(theta, None)
        if not math.isfinite(value):
            theta = np.zeros_like(theta)
            value, gradient, negative, effects = objective(theta, None)
        if not value > HOPELESS:
            nearer = quiet_start(design, factor)
            nearer[:p] = unstretch(nearer[:p], model.skew)
            trial = objective(nearer, None)
            if trial[0] > value or not math.isfinite(value):
                theta = nearer
                value, gradient, negative, effects = trial
        halvings = 0
        for _ in range(NEWTON_STEPS):
            step = solve_uphill(negative, gradient)
            if not float(gradient @ step) >= CONVERGED:
                break
            reach = max(LONGEST_STEP, float(np.abs(theta).max()))
            size = min(1.0, reach / max(float(np.abs(step).max()), 1e-12))
            trial = objective(theta + size * step, effects)
            slack = PLATEAU_NOISE if design.sd_dyad > PLATEAU_SD else 1e-10 * (1.0 + abs(value))
            while not trial[0] >= value - slack and size > 1e-10:
                size *= 0.5
                trial = objective(theta + size * step, None)
                halvings += 1
            if size <= 1e-10 or halvings > MOST_HALVINGS:
                break
            theta = theta + size * step
            value, gradient, negative, effects = trial
        if not (math.isfinite(value) and np.isfinite(theta).all() and np.isfinite(negative).all()):
            return Mode(np.zeros_like(theta), np.eye(len(theta)), -math.inf)
        hyper = np.array(list(xi.values()))
        return Mode(theta, negative, value - 0.5 * log_determinant(negative) - 0.5 * float(hyper @ hyper))


def quiet_start(design: Design, factor: Floats) -> Floats:
    """A place (u, e) for Newton to start from where no log rate is far beyond 0, by least squares with the prior as a
    ridge.

    Rows without the event are drawn down to a log rate of 0 where they stand above it, rows with it up to -30 where
    they stand below; then the base rate is lowered until no row without the event is above 0.
    """
    free, hits = (
        np.concatenate([x, factor[year]], axis=1) if design.years else x
        for x, year in ((design.x_free, design.year_free), (design.x_hits, design.year_hits))
    )
    x = np.concatenate([free, hits])
    wanted = np.concatenate([np.minimum(-design.offset_free, 0.0), np.maximum(-30.0 - design.offset_hits, 0.0)])
    # Columns in units of their own size: some are a million times another.
    size = np.maximum(np.abs(x).max(axis=0, initial=1.0), 1.0)
    rows = np.concatenate([x / size, np.diag(1.0 / size)])
    target = np.concatenate([wanted, np.zeros(len(size))])
    if not (np.isfinite(rows).all() and np.isfinite(target).all()):
        return np.zeros(len(size))
    theta = np.linalg.lstsq(rows, target, rcond=None)[0] / size
    above = float((design.offset_free + free @ theta).max(initial=0.0))
    base = float(np.abs(free[:, 0]).max(initial=0.0))
    if base > 0.0:
        theta[0] -= above / base
    return theta


def composite_design(dimensions: int) -> Floats:
    """Central composite design: the centre, axial points, and a (fraction of a) factorial; (points, dimensions).

    >>> len(composite_design(4))
    25
    """
    axial = math.sqrt(dimensions) * FACTORIAL * np.concatenate([np.eye(dimensions), -np.eye(dimensions)])
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=dimensions)))
    if dimensions >= 5:
        corners = corners[corners.prod(axis=1) > 0]
    parts = [np.zeros((1, dimensions)), axial] + ([FACTORIAL * corners] if dimensions > 1 else [])
    return np.concatenate(parts)


def wide_design(dimensions: int) -> Floats:
    """The composite design with further axial points, so that cubes along each axis can be told."""
    axes = np.eye(dimensions)
    return np.concatenate([composite_design(dimensions), WIDE_REACH * axes, -WIDE_REACH * axes])


def polynomial_basis(points: Floats, cubic: bool = False) -> Floats:
    """1, t, products of pairs, and cubes if asked for: (points, basis)."""
    d = points.shape[1]
    pairs = [points[:, i] * points[:, j] for i in range(d) for j in range(i, d)]
    cubes = list(points.T**3) if cubic else []
    return np.stack([np.ones(len(points)), *points.T, *pairs, *cubes], axis=1)


@dataclass(frozen=True)
class Exploration:
    """Modes over the design, and the Gaussian approximation of the hyper-parameters' posterior in design units;
    `cubic` says whether the design can tell cubes."""

    names: tuple[str, ...]
    center: Floats
    scale: Floats
    points: Floats
    modes: tuple[Mode, ...]
    offset: Floats
    covariance: Floats
    cubic: bool = False


ModesAt = Callable[[Floats, Floats | None], tuple[Mode, ...]]


def explore(model: EventModel) -> Exploration:
    """The posterior of one event type's hyper-parameters, and the modes of the rest."""
    names = model.free_hyper
    return explore_modes(names, lambda places, start: _modes_at(model, names, places, start))


def explore_modes(names: tuple[str, ...], modes_at: ModesAt) -> Exploration:
    """Move and scale the design until a quadratic through it has its top near the centre and unit spread.

    `modes_at` gives the modes at places of the hyper-parameters `names`, from a place to start from.
    """
    d = len(names)
    center, scale = np.zeros(d), np.ones(d)
    points = composite_design(d) if d else np.zeros((1, 0))
    start = None
    for _ in range(ROUNDS):
        modes = modes_at(center + scale * points, start)
        start = modes[0].theta
        away = float(np.abs(start).max(initial=0.0))
        if away > FARTHEST:
            raise Unfitted(f"its record lies {away:.2g} prior standard deviations away from its priors")
        if d == 0 and not math.isfinite(modes[0].log_marginal):
            raise Unfitted("Newton's method found no mode of its log posterior")
        if d == 0:
            return Exploration(names, center, scale, points, modes, center, np.zeros((0, 0)))
        heights = np.array([mode.log_marginal for mode in modes])
        found = np.isfinite(heights)
        if not found.any():
            raise Unfitted("Newton's method found no mode of its log posterior")
        heights[~found] = heights[found].min() - SHUNNED
        fit = np.linalg.lstsq(polynomial_basis(points), heights, rcond=None)[0]
        bend = np.zeros((d, d))
        for value, (i, j) in zip(fit[1 + d :], itertools.combinations_with_replacement(range(d), 2), strict=True):
            bend[i, j] -= value
            bend[j, i] -= value
        sizes, axes = np.linalg.eigh(bend)
        covariance = axes @ np.diag(1.0 / np.clip(sizes, 0.2, 25.0)) @ axes.T
        offset = covariance @ fit[1 : 1 + d]
        offset = offset * min(1.0, 2.0 / max(float(np.linalg.norm(offset)), 1e-12))
        spread = np.sqrt(np.diag(covariance))
        if np.abs(offset).max() < 0.75 and spread.min() > 0.55 and spread.max() < 1.8:
            break
        center = center + scale * offset
        scale = scale * np.clip(spread, 0.35, 2.0)
    else:
        offset, covariance = np.zeros(d), np.eye(d)
    return Exploration(names, center, scale, points, modes, offset, covariance)


def refine(model: EventModel, found: Exploration, proposal: Proposal, weights: Floats) -> Exploration:
    """Explore again around the weighted mean and spread of a first proposal's hyper-parameters, further out.

    Where the record is large, the mode of (z, e) bends with the hyper-parameters by more than its own spread, and a
    quadratic through the first design is too stiff to follow.
    """
    hyper = np.stack([proposal.xi[name] for name in found.names], axis=1)
    center = weights @ hyper
    spread = (hyper - center) * np.sqrt(weights)[:, None]
    return explore_around(model, found, center, spread.T @ spread)


def explore_around(model: EventModel, found: Exploration, center: Floats, covariance: Floats) -> Exploration:
    """Modes on the wide design around a mean of the hyper-parameters, in the units of their covariance."""
    scale = np.maximum(np.sqrt(np.diag(covariance)), LEAST_SCALE)
    points = wide_design(len(found.names))
    modes = _modes_at(model, found.names, center + scale * points, found.modes[0].theta)
    return Exploration(
        found.names,
        center,
        scale,
        points,
        modes,
        np.zeros_like(center),
        covariance / np.outer(scale, scale),
        cubic=True,
    )


def _modes_at(model: EventModel, names: tuple[str, ...], places: Floats, start: Floats | None) -> tuple[Mode, ...]:
    """Modes at the points of a design, the first of which is its centre and the start of the others."""
    memories = _memories_at(model, names, places)
    modes: list[Mode] = []
    for i, place in enumerate(places.tolist()):
        modes.append(find_mode(model, dict(zip(names, place, strict=True)), start, memories(i)))
        start = modes[0].theta
    return tuple(modes)


def _memories_at(model: EventModel, names: tuple[str, ...], places: Floats) -> Callable[[int], Memories | None]:
    """Memory columns at all points of a design at once, unless they would take too much room."""
    points, rows = len(places), len(model.free) + len(model.hits)
    if rows * len(model.escalations) * points > MOST_MEMORY_CELLS:
        return lambda point: None
    hyper = natural_hyper(model, dict(zip(names, places.T, strict=True)))
    free, hits = (memory_columns(model, part, hyper) for part in (model.free, model.hits))
    return lambda point: (free, hits) if free.ndim == 2 else (free[point], hits[point])


@dataclass(frozen=True)
class Proposal:
    """Draws from the proposal with their log density: theta = (z, e) and xi by name."""

    theta: Floats
    xi: dict[str, Floats]
    log_density: Floats


def propose(
    found: Exploration,
    count: int,
    skew: Floats,
    rng: np.random.Generator,
    guarded: bool = False,
    straight: bool = False,
) -> Proposal:
    """Draw hyper-parameters from a Student t around their mode, and the rest from the interpolated Gaussian.

    That Gaussian is of z, but of u(z) for coefficients whose mode lies on the long side of a lopsided prior: there z is
    squeezed, and what reaches over to the short side would have tails that a Gaussian of z has not.

    `straight`: it is of u(z) for every coefficient, as a large record's narrow ridges are straight there and not in z.

    `guarded`: half of the rest from a Gaussian of z around the mode as wide as the priors. As the likelihood is
    log-concave, no posterior at fixed hyper-parameters falls more slowly than that, however lopsided: where every month
    has its event, the curvature at the mode is that of a wall on one side of it.
    """
    d, q, coefficients = len(found.names), len(found.modes[0].theta), len(skew)
    long = (skew * found.modes[0].theta[:coefficients] > 0) & (np.abs(skew) > LOPSIDED)
    lean = np.where((long | straight) & (not guarded), skew, 0.0)
    thetas = np.array([mode.theta for mode in found.modes])
    rises = np.ones_like(thetas)
    thetas[:, :coefficients], rises[:, :coefficients], _ = stretch(thetas[:, :coefficients], lean)
    lower = np.tril_indices(q, -1)
    factors = [inverse_factor(mode.curvature) * rise for mode, rise in zip(found.modes, rises, strict=True)]
    log_diagonals = np.array([np.log(np.diag(factor)) for factor in factors])
    rests = np.array([factor[lower] for factor in factors])

    normal = rng.standard_normal((count, d))
    mixing = np.sqrt(STUDENT_DF / rng.chisquare(STUDENT_DF, count)) if d else np.ones(count)
    noise = rng.standard_normal((count, q))
    wide = int(WIDE_SHARE * count)
    noise[:wide, :coefficients] *= WIDTH
    log_density = np.zeros(count) if guarded else _log_mixture(noise, coefficients, wide / count)
    if d:
        root = INFLATION * lower_factor(found.covariance)
        student = normal * mixing[:, None]
        t = found.offset + student @ root.T
        distance = (student**2).sum(axis=1)
        log_density += (
            math.lgamma((STUDENT_DF + d) / 2)
            - math.lgamma(STUDENT_DF / 2)
            - 0.5 * d * math.log(STUDENT_DF * math.pi)
            - 0.5 * (STUDENT_DF + d) * np.log1p(distance / STUDENT_DF)
            - np.log(np.diag(root)).sum()
            - np.log(found.scale).sum()
        )
        # Beyond the design the quadratics are not to be trusted: hold them at its edge.
        reach = np.linalg.norm(t, axis=1)
        edge = 1.25 * max(float(np.linalg.norm(found.points, axis=1).max()), 1.0)
        inside = t * np.minimum(1.0, edge / np.maximum(reach, 1e-12))[:, None]
        solver = np.linalg.pinv(polynomial_basis(found.points, found.cubic))
        basis = polynomial_basis(inside, found.cubic)
        hyper = found.center + found.scale * t
    else:
        solver, basis, hyper = np.ones((1, 1)), np.ones((count, 1)), np.zeros((count, 0))
    mode = basis @ (solver @ thetas)
    log_diagonal = basis @ (solver @ log_diagonals)
    # theta = mode + L^-T noise, with L^-1 interpolated: column j of L^-1 holds the weights of noise on theta[j].
    theta = mode + np.exp(log_diagonal) * noise
    rest_fit = solver @ rests
    block = max(1, CHUNK_CELLS // max(q * q, 1))
    for first in range(0, count, block):
        part = slice(first, first + block)
        factor = np.zeros((len(theta[part]), q, q))
        factor[:, lower[0], lower[1]] = basis[part] @ rest_fit
        theta[part] += np.matmul(noise[part, None, :], factor)[:, 0]
        if guarded:
            away = _guard(theta[part], mode[part], slice(0 if first >= count // 2 else count // 2 - first, None), rng)
            factor[:, np.arange(q), np.arange(q)] = np.exp(log_diagonal[part])
            standard = np.linalg.solve(factor.transpose(0, 2, 1), away[:, :, None])[:, :, 0]
            narrow = _log_mixture(standard, coefficients, wide / count) - log_diagonal[part].sum(axis=1)
            broad = -0.5 * ((away / GUARD_WIDTH) ** 2).sum(axis=1) - q * (0.5 * LOG_2PI + math.log(GUARD_WIDTH))
            log_density[part] += np.logaddexp(narrow, broad) - math.log(2.0)
    if not guarded:
        log_density -= log_diagonal.sum(axis=1)
    leaning = np.flatnonzero(lean)
    if len(leaning):
        theta[:, leaning] = unstretch(theta[:, leaning], lean[leaning])
        log_density += np.log(stretch(theta[:, leaning], lean[leaning])[1]).sum(axis=1)
    return Proposal(theta, dict(zip(found.names, hyper.T, strict=True)), log_density)


def _guard(theta: Floats, mode: Floats, chosen: slice, rng: np.random.Generator) -> Floats:
    """Draw some rows of theta anew, from the Gaussian that is as wide as the priors; how far all are from the mode."""
    drawn = theta[chosen]
    theta[chosen] = mode[chosen] + GUARD_WIDTH * rng.standard_normal(drawn.shape)
    return theta - mode


def _log_mixture(noise: Floats, coefficients: int, wide: float) -> Floats:
    """Log density of standardised draws, of which a share is from a Gaussian that is wider in the coefficients, as the
    posterior's tails can be heavier than its mode's curvature says (defensive sampling, Hesterberg, 1995)."""
    inner = (noise[:, :coefficients] ** 2).sum(axis=1)
    log_density = -0.5 * (noise**2).sum(axis=1) - 0.5 * noise.shape[1] * LOG_2PI
    widened = 0.5 * inner * (1.0 - WIDTH**-2) - coefficients * math.log(WIDTH)
    return log_density + np.logaddexp(math.log1p(-wide), math.log(wide) + widened)


def propose_draws(model: EventModel, found: Exploration, count: int, rng: np.random.Generator) -> Proposal:
    """`propose` for an event type: where its record tells the shocks of years, of these, and not of their standard
    scores.

    A large record holds b = F(sd_time, persistence) e fast, so that e = F^-1 b bends with the hyper-parameters by many
    times its own spread, which no quadratic through a design follows, while b hardly moves (partial centring:
    Papaspiliopoulos, Roberts and Sköld, 2007).
    """
    p = len(model.middle)
    if not _tells_shocks(model, found):
        return propose(found, count, model.skew, rng)

    def factors_at(xi: Mapping[str, Floats]) -> Floats:
        hyper = natural_hyper(model, dict(xi))
        return year_factor(model.years, *np.broadcast_arrays(hyper["sd_time"], hyper["persistence"]))

    places = found.center + found.scale * found.points
    factors = factors_at(dict(zip(found.names, places.T, strict=True)))
    modes = tuple(_with_shocks(mode, factor, p) for mode, factor in zip(found.modes, factors, strict=True))
    drawn = propose(replace(found, modes=modes), count, model.skew, rng, straight=True)
    theta, sizes = drawn.theta.copy(), np.empty(count)
    block = max(1, CHUNK_CELLS // len(model.years) ** 2)
    for first in range(0, count, block):
        part = slice(first, first + block)
        factor = factors_at({name: value[part] for name, value in drawn.xi.items()})
        theta[part, p:] = np.linalg.solve(factor, theta[part, p:, None])[:, :, 0]
        sizes[part] = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    return Proposal(theta, drawn.xi, drawn.log_density + sizes)


def _tells_shocks(model: EventModel, found: Exploration) -> bool:
    """Whether the record leaves the standard scores of years' shocks less than half of the spread of their priors."""
    if model.has_tension or not {"sd_time", "persistence"} & set(found.names):
        return False
    factor = inverse_factor(found.modes[0].curvature)[:, len(model.middle) :]
    return bool(np.sqrt((factor**2).sum(axis=0)).mean() < TOLD_SHOCKS)


def _with_shocks(mode: Mode, factor: Floats, p: int) -> Mode:
    """A mode of (z, e) as one of (z, b = factor e)."""
    turn = np.eye(len(mode.theta))
    turn[p:, p:] = np.linalg.inv(factor)
    theta = np.concatenate([mode.theta[:p], factor @ mode.theta[p:]])
    return Mode(theta, turn.T @ mode.curvature @ turn, mode.log_marginal)


def log_target(model: EventModel, theta: Floats, xi: Mapping[str, Floats]) -> tuple[Floats, Rates]:
    """Exact log posterior of (z, e, xi) with dyad effects integrated out, up to a constant, (draws,); and the rates."""
    coefficients, hyper, shocks = natural_draws(model, theta, xi)
    out = -0.5 * (theta**2).sum(axis=1) - 0.5 * sum((value**2 for value in xi.values()), np.zeros(len(theta)))
    at = rates(model, coefficients, shocks, xi)
    with np.errstate(over="ignore", invalid="ignore"):
        if model.has_dyad_effects:
            block = max(16, CHUNK_CELLS // len(model.units))
            for first in range(0, len(theta), block):
                part = slice(first, first + block)
                rate, sd = at.take(part), hyper["sd_dyad"][part]
                hits = bounded_rate(rate.log_hits)
                out[part] += log_marginal(rate.free, hits, Groups.of(model.hits.unit), sd, rate.log_hits)
        else:
            out += log_event(bounded_rate(at.log_hits), lambda: at.log_hits).sum(axis=0) - at.free.sum(axis=0)
    return out, at


def dyad_effects(model: EventModel, at: Rates, sd_dyad: Floats, uniform: Floats) -> Floats:
    """Draw every dyad effect from its conditional given the other parameters; (draws, units)."""
    out = np.empty(uniform.shape)
    block = max(8, CHUNK_CELLS // (POINTS * len(model.units)))
    for first in range(0, len(out), block):
        part = slice(first, first + block)
        rate, groups = at.take(part), Groups.of(model.hits.unit)
        hits = bounded_rate(rate.log_hits)
        drawn = draw_effects(rate.free, hits, groups, sd_dyad[part], uniform[part].T, log_hits=rate.log_hits)
        out[part] = drawn.T
    return out


def fit_event(model: EventModel, draws: int, seed: int) -> EventDraws:
    """Posterior draws of one event type by nested Laplace and importance resampling.

    Where that cannot be done, its priors' draws, with the reason in `failed`.
    """
    with np.errstate(all="ignore"):
        return fitted_or_prior(model, draws, seed, _fit_event)


@dataclass(frozen=True)
class Weighed:
    """Draws from a proposal with their importance weights, and the rates of their rows."""

    proposal: Proposal
    at: Rates
    smoothed: Weights


def weigh_proposal(model: EventModel, count: int, rng: np.random.Generator) -> Weighed:
    """Draw so many from the best proposal for one event type, and weigh them by its exact log posterior.

    Raises Unfitted where that cannot be done.
    """
    found = explore(model)
    if _tells_shocks(model, found):
        # What bends so much is explored further out at once.
        middle, units = found.center + found.scale * found.offset, np.outer(found.scale, found.scale)
        found = explore_around(model, found, middle, found.covariance * units)
    proposal = propose_draws(model, found, count, rng)
    target, at = log_target(model, proposal.theta, proposal.xi)
    smoothed = smooth_weights(target - proposal.log_density)
    best = found
    if smoothed.khat > REFINE_ABOVE and found.names and smoothed.ess > len(found.names) + 1:
        refined = refine(model, found, proposal, smoothed.weights)
        again = propose_draws(model, refined, count, rng)
        target, at_again = log_target(model, again.theta, again.xi)
        weighed = smooth_weights(target - again.log_density)
        if weighed.khat < smoothed.khat:
            best, proposal, at, smoothed = refined, again, at_again, weighed
    if not smoothed.khat <= GUARD_ABOVE:
        again = propose(best, GUARDED_TIMES * count, model.skew, rng, guarded=True)
        target, at_again = log_target(model, again.theta, again.xi)
        weighed = smooth_weights(target - again.log_density)
        if weighed.khat < smoothed.khat:
            proposal, at, smoothed = again, at_again, weighed
    if not smoothed.ess > 0.0:
        raise Unfitted("its log posterior could not be evaluated")
    return Weighed(proposal, at, smoothed)


def _fit_event(model: EventModel, draws: int, seed: int) -> EventDraws:
    rng = generator(seed, "laplace", model.event)
    count = max(int(PROPOSALS_PER_DRAW * draws), LEAST_PROPOSALS)
    weighed = weigh_proposal(model, count, rng)
    proposal, at, smoothed = weighed.proposal, weighed.at, weighed.smoothed
    coefficients, hyper, shocks = natural_draws(model, proposal.theta, proposal.xi)
    last = model.free.x[-1] if len(model.free) else np.zeros(model.indicators)
    summary = coefficients[:, : model.indicators] @ last + shocks[:, -1:].sum(axis=1)
    # Sorted by rate, then shuffled the same way whatever the weights: draw i keeps its place among its neighbours.
    chosen = resample(smoothed.weights, summary, draws, 0.5)[rng.permutation(draws)]
    hyper = {name: value[chosen] for name, value in hyper.items()}
    effects = np.zeros((draws, len(model.units)))
    if model.has_dyad_effects:
        uniform = rng.random((draws, len(model.units)))
        effects = dyad_effects(model, at.take(chosen), hyper["sd_dyad"], uniform)
    health = smoothed.khat, smoothed.ess
    failed = ""
    if smoothed.unknown:
        failed = f"its log posterior could not be evaluated at {smoothed.unknown:,} of {count:,} proposed draws"
    return EventDraws(model.event, coefficients[chosen], hyper, shocks[chosen], effects, *health, failed=failed)
