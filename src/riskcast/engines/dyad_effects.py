"""The likelihood with every dyad effect integrated out, one dyad at a time, by adaptive Gauss-Hermite quadrature.

Given everything else, a dyad's effect a ~ Normal(0, sd^2) meets only its own rows: the event-free ones through
exp(a) * E with E = sum of exposure * exp(eta), and each event through log(1 - exp(-exp(eta + a))). A joint Gaussian
approximation over thousands of such effects is visibly wrong, as most dyads have no event and a skewed effect;
one-dimensional quadrature is exact to its nodes (Liu and Pierce, 1994; Pinheiro and Bates, 1995).

Rates of rows with an event come with their logarithms, as some are too small to be written as numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from riskcast.engines.cells import Cells, Groups
from riskcast.engines.hazard import LARGEST_LOG_RATE, LOG_2PI, bounded_rate, event_slopes, log_event
from riskcast.engines.wide_effects import crossing, panel_edges, panel_nodes
from riskcast.machinery.array_types import Floats, Ints

NODES = 9
NODES_WIDE = 21
WIDE_SD = 1.0
# Beyond this spread, an effect's density is a plateau between walls, which no curvature tells.
PLATEAU_SD = 5.0
NEWTON_STEPS = 40
# From there, neither Newton's steps nor the nodes around it reach effects whose exponential has no number.
LARGEST_MODE = 500.0
POINTS = 31


@dataclass(frozen=True)
class Design:
    """Rows of a regression at fixed hyper-parameters: eta = offset + x @ z + b[year].

    x_free (free rows, P), x_hits (hits, P), sorted by unit and year; their years as indices, and their grouping by
    unit; sd_dyad 0 means that there are no dyad effects, and years 0 that there are no shocks b.
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

    @cached_property
    def cells(self) -> Cells:
        """Free rows by unit and year."""
        return Cells.of(self.free.unit, self.year_free if self.years else np.zeros_like(self.free.unit))


@cache
def _hermite(count: int) -> tuple[Floats, Floats]:
    # Eigenvalues of the recurrence's matrix (Golub and Welsch, 1969): numpy.polynomial takes long to import.
    beta = np.sqrt(np.arange(1, count) / 2.0)
    nodes, vectors = np.linalg.eigh(np.diag(beta, 1) + np.diag(beta, -1))
    return nodes, np.log(math.sqrt(math.pi) * vectors[0] ** 2) + nodes**2


def nodes_for(sd: float) -> tuple[Floats, Floats]:
    """Gauss-Hermite nodes and log weights; more of them where the effects spread widely."""
    return _hermite(NODES_WIDE if sd > WIDE_SD else NODES)


def _growth(effect: Floats) -> Floats:
    """exp(a), held to what is a number."""
    return np.exp(np.minimum(effect, LARGEST_LOG_RATE))


@dataclass(frozen=True)
class Conditional:
    """The density of every dyad's effect given the rest, up to a constant, from log rates: for wide spreads.

    log_free: (units, draws) log of E; log_hits: (hits, draws); sd: (draws,).
    """

    log_free: Floats
    log_hits: Floats
    hits: Groups
    sd: Floats

    @classmethod
    def of(cls, free_rate: Floats, log_hits: Floats, hits: Groups, sd: Floats) -> Conditional:
        """The density at these rates; zero is a rate too."""
        return cls(_logs(free_rate), log_hits, hits, sd)

    def log_density(self, a: Floats) -> Floats:
        """-a^2 / (2 sd^2) - exp(a) E + sum of log(1 - exp(-exp(a) rate)) at effects (units, draws)."""
        out = -0.5 * (a / self.sd) ** 2 - _growth(a + self.log_free)
        if len(self.hits.unit):
            eta = a[self.hits.unit] + self.log_hits
            self.hits.add(out, log_event(bounded_rate(eta), lambda: eta))
        return out

    def slope(self, a: Floats) -> Floats:
        """The derivative of the log density."""
        out = -a / self.sd**2 - _growth(a + self.log_free)
        if len(self.hits.unit):
            self.hits.add(out, event_slopes(bounded_rate(a[self.hits.unit] + self.log_hits))[0])
        return out

    def mode(self) -> Floats:
        """The mode of every effect, by halving between places on either side of it."""
        spread = self.sd**2
        low = -1.0 - np.maximum(self.log_free + np.log(spread), 0.0)
        struck = self.hits.sum(np.ones_like(self.log_hits), len(self.log_free))
        # An event of rate r pulls by r / (e^r - 1) < 2 exp(-r / 2), which is nothing once that is below 1 / (n sd^2).
        certain = np.log(2.0 * np.log(2.0 + 2.0 * struck * spread)) - self.log_hits.min(axis=0, initial=0.0)
        high = np.minimum(struck * spread, np.maximum(certain, 1.0))
        return crossing(lambda a: self.slope(a) > 0.0, low, high)

    def side_by_side(self) -> Conditional:
        """The density four times, for four places of every draw at once: (units, 4 draws)."""
        return Conditional(np.tile(self.log_free, 4), np.tile(self.log_hits, 4), self.hits, np.tile(self.sd, 4))

    def nodes(self) -> tuple[Floats, Floats, Floats]:
        """Nodes, log weights and log densities of an integral over every effect: (nodes, units, draws)."""
        mode, alike = self.mode(), self.side_by_side()
        places, weights = panel_nodes(panel_edges(alike.log_density, mode, self.sd), mode)
        heights = np.stack([alike.log_density(place) for place in places])
        # Panels side by side -> nodes from left to right.
        parts = (np.concatenate(np.split(each, 4, axis=2)) for each in (places, weights, heights))
        a, log_weights, log_density = parts
        return a, log_weights, log_density


def effect_modes(
    free_rate: Floats, hit_rate: Floats, hits: Groups, sd: Floats, start: Floats | None = None
) -> tuple[Floats, Floats]:
    """Mode and curvature scale of each unit's effect given the rest.

    Maximises -a^2 / (2 sd^2) - exp(a) E + sum of log_event(exp(a) rate). Shapes: free_rate (units, ...) = E; hit_rate
    (hits, ...); sd (...). Returns mode and scale, both (units, ...), scale = curvature^(-1/2).
    """
    precision = 1.0 / np.broadcast_to(sd, free_rate.shape[1:]) ** 2
    mode = -0.5 * np.log1p(free_rate / precision) if start is None else np.minimum(start, LARGEST_MODE)
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


def log_marginal(
    free_rate: Floats, hit_rate: Floats, hits: Groups, sd: Floats, log_hits: Floats | None = None
) -> Floats:
    """Log likelihood with the effects integrated out, summed over units; -inf where a rate has no number.

    Shapes: free_rate (units, draws), hit_rate and its logarithm (hits, draws), sd (draws,); returns (draws,).
    """
    log_hits = _logs(hit_rate) if log_hits is None else log_hits
    out = np.full(len(sd), -np.inf)
    written = np.isfinite(free_rate).all(axis=0)
    for chosen in (sd <= WIDE_SD, (sd > WIDE_SD) & (sd <= PLATEAU_SD)):
        chosen &= written
        if chosen.any():
            out[chosen] = _quadrature(free_rate[:, chosen], hit_rate[:, chosen], hits, sd[chosen], log_hits[:, chosen])
    chosen = (sd > PLATEAU_SD) & written
    if chosen.any():
        out[chosen] = _plateau(Conditional.of(free_rate[:, chosen], log_hits[:, chosen], hits, sd[chosen]))
    return out


def _logs(rate: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(rate)


def _quadrature(free_rate: Floats, hit_rate: Floats, hits: Groups, sd: Floats, log_hits: Floats) -> Floats:
    mode, scale = effect_modes(free_rate, hit_rate, hits, sd)
    nodes, log_weights = nodes_for(float(sd[0]))
    total = np.full(mode.shape, -np.inf)
    for node, log_weight in zip(nodes, log_weights, strict=True):
        a = mode + math.sqrt(2.0) * scale * node
        growth = np.exp(a)
        term = log_weight - 0.5 * (a / sd) ** 2 - growth * free_rate
        if len(hits.unit):
            hits.add(term, log_event(hit_rate * growth[hits.unit], lambda a=a: log_hits + a[hits.unit]))
        total = np.logaddexp(total, term)
    return (total + np.log(scale / sd) - 0.5 * math.log(math.pi)).sum(axis=0)


def _plateau(density: Conditional) -> Floats:
    _, log_weights, log_density = density.nodes()
    total = np.logaddexp.reduce(log_weights + log_density)
    return (total - np.log(density.sd) - 0.5 * LOG_2PI).sum(axis=0)


def evaluate(
    design: Design, z: Floats, b: Floats, start: Floats | None = None
) -> tuple[float, Floats, Floats, Floats | None]:
    """Collapsed log likelihood at (z, b), its gradient, and the negative of its Hessian, in the order (z, b).

    The negative Hessian is the mean weight of the rows less the covariance, between quadrature nodes, of the gradient
    given the effect (Louis, 1982). Last come the modes of the dyad effects, from which the next evaluation nearby may
    `start`.
    """
    p, years = design.x_free.shape[1], design.years
    hit_eta = design.offset_hits + design.x_hits @ z
    if years:
        hit_eta += b[design.year_hits]
    hit_rate = bounded_rate(hit_eta)
    quiet = QuietRates.of(design, z, b)
    if design.sd_dyad == 0.0:
        slope, bend = event_slopes(hit_rate)
        value = log_event(hit_rate, lambda: hit_eta).sum() - quiet.cells[:, 0].sum()
        gradient, negative = _sums(design, quiet, np.ones(design.units), slope, -bend)
        return float(value), gradient, negative, None

    free_rate = np.bincount(design.cells.unit, quiet.cells[:, 0], minlength=design.units)
    sd = np.asarray(design.sd_dyad)
    if design.sd_dyad > PLATEAU_SD:
        density = Conditional.of(free_rate[:, None], hit_eta[:, None], design.hits, sd[None])
        a, log_weights, _ = (part[:, :, 0].T for part in density.nodes())
        outside, constant = -np.log(sd), 0.5 * LOG_2PI
        growth = _growth(a)
        at_hits = bounded_rate(hit_eta[:, None] + a[design.hits.unit])
    else:
        start, scale = effect_modes(free_rate, hit_rate, design.hits, sd, start)
        nodes, log_weights = nodes_for(design.sd_dyad)
        a = start[:, None] + math.sqrt(2.0) * scale[:, None] * nodes
        outside, constant = np.log(scale / sd), 0.5 * math.log(math.pi)
        growth = np.exp(a)
        at_hits = hit_rate[:, None] * growth[design.hits.unit]
    term = log_weights - 0.5 * (a / sd) ** 2 - growth * free_rate[:, None]
    design.hits.add(term, log_event(at_hits, lambda: hit_eta[:, None] + a[design.hits.unit]))
    peak = term.max(axis=1, keepdims=True)
    share = np.exp(term - peak)
    mass = share.sum(axis=1, keepdims=True)
    share /= mass
    if design.sd_dyad > PLATEAU_SD:
        # Nodes without weight, and units without quiet periods, add nothing, however large exp(a) is there; and where
        # it is large, rates are small: only their product is near 1.
        size = np.where(free_rate > 0.0, free_rate, 1.0)
        growth = np.where((share > 0.0) & (free_rate[:, None] > 0.0), growth * size[:, None], 0.0)
        quiet = quiet.over(design, size)
    value = (peak[:, 0] + np.log(mass[:, 0]) + outside - constant).sum()

    mean_growth = (share * growth).sum(axis=1)
    hit_share = share[design.hits.unit]
    slope, bend = event_slopes(at_hits)
    gradient, negative = _sums(
        design, quiet, mean_growth, (hit_share * slope).sum(axis=1), -(hit_share * bend).sum(axis=1)
    )

    # One row per unit: its summed gradient from event-free rows at effect zero, over (z, b).
    by_unit = np.zeros((design.units, p + years))
    Groups.of(design.cells.unit).add(by_unit[:, :p], quiet.cells[:, 1:])
    if years:
        by_unit[design.cells.unit, p + design.cells.period] = quiet.cells[:, 0]
    eventful = design.hits.present
    calm = np.ones(design.units, dtype=bool)
    calm[eventful] = False
    spread = (share * growth**2).sum(axis=1) - mean_growth**2
    negative -= (by_unit[calm] * spread[calm, None]).T @ by_unit[calm]
    if len(eventful):
        scores = -growth[eventful][:, :, None] * by_unit[eventful][:, None, :]
        scores[:, :, :p] += np.add.reduceat(slope[:, :, None] * design.x_hits[:, None, :], design.hits.starts, axis=0)
        if years:
            struck = Cells.of(design.hits.unit, design.year_hits)
            scores[np.searchsorted(eventful, struck.unit), :, p + struck.period] += struck.sum(slope)
        weights = share[eventful]
        centred = scores - (weights[:, :, None] * scores).sum(axis=1, keepdims=True)
        centred *= np.sqrt(weights)[:, :, None]
        flat = centred.reshape(-1, p + years)
        negative -= flat.T @ flat
    return float(value), gradient, negative, start


@dataclass(frozen=True)
class QuietRates:
    """Rates of event-free rows at one place: of every row, (rows,), and of every cell with its columns, summed: (cells,
    1 + P), rates first."""

    rows: Floats
    cells: Floats

    @classmethod
    def of(cls, design: Design, z: Floats, b: Floats) -> QuietRates:
        """The rates of a design's free rows at (z, b)."""
        rows, cells = np.empty(len(design.free.unit)), np.empty((len(design.cells.unit), 1 + len(z)))
        for block, part, own in design.cells.blocks():
            x = design.x_free[block]
            eta = design.offset_free[block] + x @ z
            if design.years:
                eta += b[design.year_free[block]]
            rows[block] = np.exp(eta, out=eta)
            cells[part, 0] = own.sum(eta)
            cells[part, 1:] = own.sum(x * eta[:, None])
        return cls(rows, cells)

    def over(self, design: Design, size: Floats) -> QuietRates:
        """The same over a number of every unit: (units,)."""
        return QuietRates(self.rows / size[design.free.unit], self.cells / size[design.cells.unit][:, None])


def _sums(
    design: Design, quiet: QuietRates, growth: Floats, hit_slope: Floats, hit_weight: Floats
) -> tuple[Floats, Floats]:
    """Gradient X' slope and weighted cross product X' W X over (z, b), b entering through each row's year.

    Event-free rows weigh their rate times the `growth` of their unit, (units,), and slope by as much downwards.
    """
    p, years = design.x_free.shape[1], design.years
    gradient, cross = np.zeros(p + years), np.zeros((p + years, p + years))
    for block, _, _ in design.cells.blocks():
        x = design.x_free[block]
        cross[:p, :p] += x.T @ (x * (quiet.rows[block] * growth[design.free.unit[block]])[:, None])
    cells = quiet.cells * growth[design.cells.unit][:, None]
    gradient[:p] = design.x_hits.T @ hit_slope - cells[:, 1:].sum(axis=0)
    weighted = design.x_hits * hit_weight[:, None]
    cross[:p, :p] += design.x_hits.T @ weighted
    if years:

        def by_year(of_cells: Floats, of_hits: Floats) -> Floats:
            free = np.bincount(design.cells.period, of_cells, minlength=years)
            return free + np.bincount(design.year_hits, of_hits, minlength=years)

        gradient[p:] = by_year(-cells[:, 0], hit_slope)
        for column in range(p):
            cross[column, p:] = by_year(cells[:, 1 + column], weighted[:, column])
        diagonal = np.arange(p, p + years)
        cross[diagonal, diagonal] = by_year(cells[:, 0], hit_weight)
    cross[p:, :p] = cross[:p, p:].T
    return gradient, cross


def draw_effects(
    free_rate: Floats,
    hit_rate: Floats,
    hits: Groups,
    sd: Floats,
    uniform: Floats,
    points: int = POINTS,
    log_hits: Floats | None = None,
) -> Floats:
    """Draw every dyad effect from its one-dimensional conditional, by inverting its distribution at `uniform`.

    The log density is tabulated at equal steps over six scales either side of the mode, or six prior standard
    deviations where that is less; the distribution function is exact for the piecewise log-linear interpolant.
    Shapes: free_rate, uniform and the result (units, draws); hit_rate and its logarithm (hits, draws); sd (draws,).
    """
    log_hits = _logs(hit_rate) if log_hits is None else log_hits
    wide = sd > PLATEAU_SD
    if not wide.any():
        return _draw_tabulated(free_rate, hit_rate, hits, sd, uniform, points, log_hits)
    out = np.empty(uniform.shape)
    if not wide.all():
        near = ~wide
        parts = (free_rate[:, near], hit_rate[:, near], hits, sd[near], uniform[:, near], points, log_hits[:, near])
        out[:, near] = _draw_tabulated(*parts)
    density = Conditional.of(free_rate[:, wide], log_hits[:, wide], hits, sd[wide])
    out[:, wide] = _draw_plateau(density, uniform[:, wide])
    return out


def _draw_plateau(density: Conditional, uniform: Floats) -> Floats:
    places, _, log_density = density.nodes()
    width = np.diff(places, axis=0)
    cell, share = _invert(log_density, uniform, width)
    begin, size = (np.take_along_axis(each, cell, axis=0)[0] for each in (places, width))
    return begin + share * size


def _draw_tabulated(
    free_rate: Floats, hit_rate: Floats, hits: Groups, sd: Floats, uniform: Floats, points: int, log_hits: Floats
) -> Floats:
    mode, scale = effect_modes(free_rate, hit_rate, hits, sd)
    reach = np.minimum(6.0 * scale, 6.0 * sd)
    step = 2.0 * reach / (points - 1)
    log_density = np.empty((points, *mode.shape))
    for k in range(points):
        a = mode - reach + k * step
        growth = np.exp(a)
        log_density[k] = -0.5 * (a / sd) ** 2 - growth * free_rate
        if len(hits.unit):
            hits.add(log_density[k], log_event(hit_rate * growth[hits.unit], lambda a=a: log_hits + a[hits.unit]))
    cell, share = _invert(log_density, uniform)
    return mode - reach + (cell[0] + share) * step


def _invert(log_density: Floats, uniform: Floats, width: Floats | float = 1.0) -> tuple[Ints, Floats]:
    """The cell of a table in which a distribution reaches `uniform`, (1, ...), and how far into it; cells are between
    neighbouring points, all as wide as one another or of a given width, and log-linear."""
    log_density -= log_density.max(axis=0)
    density = np.exp(log_density)
    rise = np.diff(log_density, axis=0)
    flat = np.abs(rise) < 1e-6
    safe = np.where(flat, 1.0, rise)
    area = np.where(flat, density[:-1] * (1 + 0.5 * rise), np.diff(density, axis=0) / safe) * width
    total = area.cumsum(axis=0)
    target = uniform * total[-1]
    cell = np.minimum((total < target).sum(axis=0), len(area) - 1)[None]
    before = np.take_along_axis(total - area, cell, axis=0)[0]
    here = np.take_along_axis(area, cell, axis=0)[0]
    slope = np.take_along_axis(rise, cell, axis=0)[0]
    fraction = np.clip((target - before) / np.maximum(here, 1e-300), 0.0, 1.0)
    return cell, _along(fraction, slope)


def _along(fraction: Floats, slope: Floats) -> Floats:
    """How far into a log-linear cell so much of its mass lies."""
    bent = np.abs(slope) > 1e-6
    slope = np.where(bent, slope, 1.0)
    return np.where(bent, np.log1p(fraction * np.expm1(slope)) / slope, fraction)
