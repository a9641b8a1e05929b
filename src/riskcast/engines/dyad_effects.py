"""The likelihood with every dyad effect integrated out, one dyad at a time, by adaptive Gauss-Hermite quadrature.

Given everything else, a dyad's effect a ~ Normal(0, sd^2) meets only its own rows: the event-free ones through
exp(a) * E with E = sum of exposure * exp(eta), and each event through log(1 - exp(-exp(eta + a))). A joint Gaussian
approximation over thousands of such effects is visibly wrong, as most dyads have no event and a skewed effect;
one-dimensional quadrature is exact to its nodes (Liu and Pierce, 1994; Pinheiro and Bates, 1995).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from riskcast.engines.hazard import event_slopes, log_event
from riskcast.machinery.array_types import Floats

NODES = 9
NODES_WIDE = 21
WIDE_SD = 1.0
NEWTON_STEPS = 40
POINTS = 31


@dataclass(frozen=True)
class Design:
    """Rows of a regression at fixed hyper-parameters: eta = offset + x @ z + b[year].

    x_free (free rows, P), x_hits (hits, P), their years as indices, and their grouping by unit; sd_dyad 0 means that
    there are no dyad effects.
    """

    x_free: Floats
    offset_free: Floats
    year_free: NDArray[np.int64]
    free: Groups
    x_hits: Floats
    offset_hits: Floats
    year_hits: NDArray[np.int64]
    hits: Groups
    units: int
    years: int
    sd_dyad: float


@dataclass(frozen=True)
class Groups:
    """Rows sorted by unit: each row's unit, the first row of every unit that has any, and those units."""

    unit: NDArray[np.int64]
    starts: NDArray[np.int64]
    present: NDArray[np.int64]

    @classmethod
    def of(cls, unit: NDArray[np.int64]) -> Groups:
        """The groups of rows with these units."""
        starts = np.flatnonzero(np.diff(unit, prepend=-1))
        return cls(unit, starts, unit[starts])

    def add(self, out: Floats, values: Floats) -> None:
        """Add rows (rows, ...) to their units in `out` (units, ...)."""
        if len(self.starts):
            out[self.present] += np.add.reduceat(values, self.starts, axis=0)

    def sum(self, values: Floats, units: int) -> Floats:
        """Sum rows (rows, ...) into (units, ...)."""
        out = np.zeros((units, *values.shape[1:]))
        self.add(out, values)
        return out


@cache
def _hermite(count: int) -> tuple[Floats, Floats]:
    # Eigenvalues of the recurrence's matrix (Golub and Welsch, 1969): numpy.polynomial takes long to import.
    beta = np.sqrt(np.arange(1, count) / 2.0)
    nodes, vectors = np.linalg.eigh(np.diag(beta, 1) + np.diag(beta, -1))
    return nodes, np.log(math.sqrt(math.pi) * vectors[0] ** 2) + nodes**2


def nodes_for(sd: float) -> tuple[Floats, Floats]:
    """Gauss-Hermite nodes and log weights; more of them where the effects spread widely."""
    return _hermite(NODES_WIDE if sd > WIDE_SD else NODES)


def effect_modes(
    free_rate: Floats, hit_rate: Floats, hits: Groups, sd: Floats, start: Floats | None = None
) -> tuple[Floats, Floats]:
    """Mode and curvature scale of each unit's effect given the rest.

    Maximises -a^2 / (2 sd^2) - exp(a) E + sum of log_event(exp(a) rate). Shapes: free_rate (units, ...) = E; hit_rate
    (hits, ...); sd (...). Returns mode and scale, both (units, ...), scale = curvature^(-1/2).
    """
    precision = 1.0 / np.broadcast_to(sd, free_rate.shape[1:]) ** 2
    mode = -0.5 * np.log1p(free_rate / precision) if start is None else start
    curvature = np.empty_like(mode)
    for _ in range(NEWTON_STEPS):
        growth = np.exp(mode)
        slope = -mode * precision - growth * free_rate
        curvature = precision + growth * free_rate
        if len(hits.unit):
            first, second = event_slopes(hit_rate * growth[hits.unit])
            hits.add(slope, first)
            hits.add(curvature, -second)
        step = np.clip(slope / curvature, -2.0, 2.0)
        mode = mode + step
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
    return mode, 1.0 / np.sqrt(curvature)


def log_marginal(free_rate: Floats, hit_rate: Floats, hits: Groups, sd: Floats) -> Floats:
    """Log likelihood with the effects integrated out, summed over units.

    Shapes: free_rate (units, draws), hit_rate (hits, draws), sd (draws,); returns (draws,).
    """
    out = np.empty(len(sd))
    for chosen in (sd <= WIDE_SD, sd > WIDE_SD):
        if chosen.any():
            out[chosen] = _quadrature(free_rate[:, chosen], hit_rate[:, chosen], hits, sd[chosen])
    return out


def _quadrature(free_rate: Floats, hit_rate: Floats, hits: Groups, sd: Floats) -> Floats:
    mode, scale = effect_modes(free_rate, hit_rate, hits, sd)
    nodes, log_weights = nodes_for(float(sd[0]))
    total = np.full(mode.shape, -np.inf)
    for node, log_weight in zip(nodes, log_weights, strict=True):
        a = mode + math.sqrt(2.0) * scale * node
        growth = np.exp(a)
        term = log_weight - 0.5 * (a / sd) ** 2 - growth * free_rate
        if len(hits.unit):
            hits.add(term, log_event(hit_rate * growth[hits.unit]))
        total = np.logaddexp(total, term)
    return (total + np.log(scale / sd) - 0.5 * math.log(math.pi)).sum(axis=0)


def evaluate(
    design: Design, z: Floats, b: Floats, start: Floats | None = None
) -> tuple[float, Floats, Floats, Floats | None]:
    """Collapsed log likelihood at (z, b), its gradient, and the negative of its Hessian, in the order (z, b).

    The negative Hessian is the mean weight of the rows less the covariance, between quadrature nodes, of the gradient
    given the effect (Louis, 1982). Last come the modes of the dyad effects, from which the next evaluation nearby may
    `start`.
    """
    p, years = design.x_free.shape[1], design.years
    rate = np.exp(design.offset_free + design.x_free @ z + b[design.year_free])
    hit_eta = design.offset_hits + design.x_hits @ z + b[design.year_hits]
    hit_rate = np.exp(hit_eta)
    if design.sd_dyad == 0.0:
        slope, bend = event_slopes(hit_rate)
        value = log_event(hit_rate).sum() - rate.sum()
        gradient, negative = _sums(design, -rate, rate, slope, -bend)
        return float(value), gradient, negative, None

    free_rate = design.free.sum(rate, design.units)
    sd = np.asarray(design.sd_dyad)
    mode, scale = effect_modes(free_rate, hit_rate, design.hits, sd, start)
    nodes, log_weights = nodes_for(design.sd_dyad)
    a = mode[:, None] + math.sqrt(2.0) * scale[:, None] * nodes
    growth = np.exp(a)
    term = log_weights - 0.5 * (a / sd) ** 2 - growth * free_rate[:, None]
    at_hits = hit_rate[:, None] * growth[design.hits.unit]
    design.hits.add(term, log_event(at_hits))
    peak = term.max(axis=1, keepdims=True)
    share = np.exp(term - peak)
    mass = share.sum(axis=1, keepdims=True)
    share /= mass
    value = (peak[:, 0] + np.log(mass[:, 0]) + np.log(scale / sd) - 0.5 * math.log(math.pi)).sum()

    mean_growth = (share * growth).sum(axis=1)
    hit_share = share[design.hits.unit]
    slope, bend = event_slopes(at_hits)
    weight = rate * mean_growth[design.free.unit]
    gradient, negative = _sums(
        design, -weight, weight, (hit_share * slope).sum(axis=1), -(hit_share * bend).sum(axis=1)
    )

    # One row per unit: its summed gradient from event-free rows at effect zero, over (z, b).
    by_unit = np.zeros((design.units, p + years))
    by_unit[:, :p] = design.free.sum(design.x_free * rate[:, None], design.units)
    cell = design.free.unit * years + design.year_free
    by_unit[:, p:] = np.bincount(cell, rate, minlength=design.units * years).reshape(design.units, years)
    eventful = design.hits.present
    quiet = np.ones(design.units, dtype=bool)
    quiet[eventful] = False
    spread = (share * growth**2).sum(axis=1) - mean_growth**2
    calm = by_unit[quiet]
    negative -= (calm * spread[quiet, None]).T @ calm
    if len(eventful):
        position = np.full(design.units, -1)
        position[eventful] = np.arange(len(eventful))
        scores = -growth[eventful][:, :, None] * by_unit[eventful][:, None, :]
        place = position[design.hits.unit]
        np.add.at(scores[:, :, :p], place, slope[:, :, None] * design.x_hits[:, None, :])
        hits = np.arange(len(place))
        np.add.at(
            scores,
            (place[:, None], np.arange(scores.shape[1])[None, :], p + design.year_hits[:, None]),
            slope[hits],
        )
        weights = share[eventful]
        centred = scores - (weights[:, :, None] * scores).sum(axis=1, keepdims=True)
        centred *= np.sqrt(weights)[:, :, None]
        flat = centred.reshape(-1, p + years)
        negative -= flat.T @ flat
    return float(value), gradient, negative, mode


def _sums(
    design: Design, free_slope: Floats, free_weight: Floats, hit_slope: Floats, hit_weight: Floats
) -> tuple[Floats, Floats]:
    """Gradient X' slope and weighted cross product X' W X over (z, b), b entering through each row's year."""
    p, years = design.x_free.shape[1], design.years
    gradient = np.zeros(p + years)
    cross = np.zeros((p + years, p + years))
    parts = (
        (design.x_free, design.year_free, free_slope, free_weight),
        (design.x_hits, design.year_hits, hit_slope, hit_weight),
    )
    for x, year, slope, weight in parts:
        weighted = x * weight[:, None]
        gradient[:p] += x.T @ slope
        gradient[p:] += np.bincount(year, slope, minlength=years)
        cross[:p, :p] += x.T @ weighted
        for column in range(p):
            cross[column, p:] += np.bincount(year, weighted[:, column], minlength=years)
        diagonal = np.arange(p, p + years)
        cross[diagonal, diagonal] += np.bincount(year, weight, minlength=years)
    cross[p:, :p] = cross[:p, p:].T
    return gradient, cross


def draw_effects(
    free_rate: Floats, hit_rate: Floats, hits: Groups, sd: Floats, uniform: Floats, points: int = POINTS
) -> Floats:
    """Draw every dyad effect from its one-dimensional conditional, by inverting its distribution at `uniform`.

    The log density is tabulated at equal steps over six scales either side of the mode, or six prior standard
    deviations where that is less; the distribution function is exact for the piecewise log-linear interpolant.
    Shapes: free_rate, uniform and the result (units, draws); hit_rate (hits, draws); sd (draws,).
    """
    mode, scale = effect_modes(free_rate, hit_rate, hits, sd)
    reach = np.minimum(6.0 * scale, 6.0 * sd)
    step = 2.0 * reach / (points - 1)
    log_density = np.empty((points, *mode.shape))
    for k in range(points):
        a = mode - reach + k * step
        growth = np.exp(a)
        log_density[k] = -0.5 * (a / sd) ** 2 - growth * free_rate
        if len(hits.unit):
            hits.add(log_density[k], log_event(hit_rate * growth[hits.unit]))
    log_density -= log_density.max(axis=0)
    density = np.exp(log_density)
    rise = np.diff(log_density, axis=0)
    flat = np.abs(rise) < 1e-6
    safe = np.where(flat, 1.0, rise)
    area = np.where(flat, density[:-1] * (1 + 0.5 * rise), np.diff(density, axis=0) / safe)
    total = area.cumsum(axis=0)
    target = uniform * total[-1]
    cell = np.minimum((total < target).sum(axis=0), points - 2)[None]
    before = np.take_along_axis(total - area, cell, axis=0)[0]
    here = np.take_along_axis(area, cell, axis=0)[0]
    slope = np.take_along_axis(rise, cell, axis=0)[0]
    fraction = np.clip((target - before) / np.maximum(here, 1e-300), 0.0, 1.0)
    bent = np.abs(slope) > 1e-6
    curve = np.where(
        bent, np.log1p(fraction * np.expm1(np.where(bent, slope, 1.0))) / np.where(bent, slope, 1.0), fraction
    )
    return mode - reach + (cell[0] + curve) * step
