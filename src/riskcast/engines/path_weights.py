"""One event type's draws at the centre of all paths, and how much each of them weighs on every path.

Draws are made once, at one tension and one trust. On another path a draw weighs its weight at the centre times the
likelihood ratio of the path,

    prod of hits (1 - exp(-r')) / (1 - exp(-r)) * exp(-(sum of E' - sum of E)),      E' = E exp(loading (g' - g)),

with E the expected events of a tension period and r the rates of rows with an event, dyad effects included. All paths
share one set of draws: what a set is off by is then off by the same on all paths, and leaves their weights alone. The
base rate moves with the path, by what keeps the expected events where the record holds them: a shift that does not
depend on the base rate itself, so that weights need no Jacobian but the ratio of its prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from riskcast.case.quantities import KNEE, stretch, unstretch
from riskcast.engines.draws import EventDraws, Unfitted, natural_draws, unfitted
from riskcast.engines.hazard import LOADING, EventModel, log_event, tension_shocks
from riskcast.engines.importance import Weights
from riskcast.engines.laplace import dyad_effects, weigh_proposal
from riskcast.engines.log_rates import CHUNK_CELLS, MemoryTable, Rates, free_cells, log_rates
from riskcast.engines.tension_paths import Paths
from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator

WORK = np.float32
# Draws in the order of their loadings are cut into so many groups; in each, what depends on the loading is interpolated
# between so many nodes.
GROUPS, LOADING_NODES = 8, 3
WIDEST = 0.25
TRUST_RANGES, TRUST_NODES = 4, 3
# Rows with an event whose rate is larger than this at one draw in twenty are evaluated one by one.
LOUD_RATE = 1.0


@dataclass(frozen=True)
class EventPaths:
    """Draws of one event type at the centre, in the order of their loadings, and what their weights on paths need.

    smoothed: weights at the centre; coefficients: acting ones on the link, (draws, coefficients); hyper, effects,
    shocks: of every draw, the last of years and without columns where there is tension; loading: (draws,). trusts:
    (ranges, nodes) of trust, one where it is fixed, in ranges of `edges`; slope: (draws,), by how much all log rates
    rise with trust. The rest is at nodes of trust, but for that slope: expected, (ranges, nodes, periods, draws),
    expected events and half the rates of quiet hits; second, fourth, (ranges, nodes, hit periods, draws), sums of
    r^2 / 24 and r^4 / 2880 over quiet hits, as log(1 - exp(-r)) = log r - r / 2 + r^2 / 24 - r^4 / 2880 + ...; counts:
    (periods,) of quiet hits; hits: how many there are; drift: (draws,), by how much the sum of their log rates rises
    with trust; loud: (hits, draws) log rates of the other hits, loud_drift how they rise with trust, loud_period
    (hits,). failed: why the draws are those of the priors.
    """

    model: EventModel
    center: tuple[Floats, float]
    trusts: Floats
    edges: Floats
    smoothed: Weights
    coefficients: Floats
    hyper: dict[str, Floats]
    effects: Floats
    shocks: Floats
    loading: Floats
    slope: Floats
    expected: Floats
    second: Floats
    fourth: Floats
    counts: Floats
    hits: int
    drift: Floats
    loud: Floats
    loud_drift: Floats
    loud_period: Ints
    failed: str = ""

    def __len__(self) -> int:
        return len(self.loading)

    @cached_property
    def pull(self) -> float:
        """How far the base rate follows what its record says, 0 to 1: hits over hits and the prior's precision."""
        spread = float(self.model.spread[0])
        return 0.0 if spread == 0.0 else self.hits / (self.hits + spread**-2)

    @cached_property
    def _log_prior(self) -> tuple[Floats, Floats]:
        """Standardised base rates and their log prior density, up to a constant."""
        score = self._score(self.coefficients[:, 0])
        return score, self._log_density(score)

    def _score(self, base: Floats) -> Floats:
        model = self.model
        if model.spread[0] == 0.0:
            return np.zeros_like(base)
        return unstretch((base - model.middle[0]) / model.spread[0], model.skew[0])

    def _log_density(self, score: Floats) -> Floats:
        out = -0.5 * score**2
        return out if self.model.skew[0] == 0.0 else out - np.log(stretch(score, self.model.skew[0])[1])

    @cached_property
    def _groups(self) -> list[tuple[slice, Floats, Floats]]:
        """Groups of draws with like loadings: the draws, nodes of the loading, and weights of nodes (nodes, draws)."""
        if self.loading[-1] == self.loading[0]:
            return [(slice(0, len(self)), self.loading[:1], np.ones((1, len(self)), dtype=WORK))]
        even = np.linspace(0, len(self), GROUPS + 1).astype(int)
        wide = np.arange(self.loading[0], self.loading[-1], WIDEST)
        cuts = np.unique([*even, *np.searchsorted(self.loading, wide)])
        found = []
        for begin, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            own = self.loading[begin:end]
            nodes = _nodes(float(own[0]), float(own[-1]), LOADING_NODES)
            found.append((slice(begin, end), nodes, _lagrange(nodes, own).T.astype(WORK)))
        return found

    def _along(self, table: Floats, lifts: Floats, shares: Floats, times: float) -> Floats:
        """Sums over periods of a table (trust nodes, periods, draws) times exp(times * loading * lift): (paths, draws);
        lifts: (paths, periods); shares: (paths, trust nodes)."""
        out = np.empty((len(lifts), len(self)), dtype=WORK)
        kept = np.flatnonzero(table.any(axis=(0, 2)))
        lifts = (times * lifts[:, kept]).astype(WORK)
        shares = shares.astype(WORK)
        trusts, periods = len(table), len(kept)
        for draws, nodes, weights in self._groups:
            left = np.empty((len(lifts), len(nodes), trusts, periods), dtype=WORK)
            for place, node in enumerate(nodes.tolist()):
                growth = np.exp(WORK(node) * lifts)
                if trusts == 1:
                    left[:, place, 0] = growth
                else:
                    np.multiply(growth[:, None], shares[:, :, None], out=left[:, place])
            right = weights[:, None, None] * table[:, kept][None, :, :, draws]
            np.matmul(left.reshape(len(lifts), -1), right.reshape(-1, right.shape[-1]), out=out[:, draws])
        return out

    def log_weights(self, paths: Paths) -> Floats:
        """Log of every draw's weight on every path, up to a constant: (paths, draws)."""
        return self.log_weights_and_shifts(paths)[0]

    def log_weights_and_shifts(self, paths: Paths) -> tuple[Floats, Floats]:
        """The same, and by how much every draw's base rate moves on every path: (paths, draws) both."""
        out, shift = (np.zeros((len(paths), len(self)), dtype=WORK) for _ in range(2))
        if self.failed:
            return out, shift
        if len(self.trusts) == 1:
            return self._log_weights(paths, 0)
        home = self._range_of(paths.trust)
        for place in np.unique(home).tolist():
            chosen = np.flatnonzero(home == place)
            out[chosen], shift[chosen] = self._log_weights(paths.take(chosen), place)
        return out, shift

    def _range_of(self, trust: Floats) -> Ints:
        """Which range of trust each one lies in."""
        return np.searchsorted(self.edges, trust)

    def _log_weights(self, paths: Paths, place: int) -> tuple[Floats, Floats]:
        """The same for paths of one range of trust."""
        lifts = paths.g - self.center[0] if self.model.has_tension else np.zeros((len(paths), 1))
        shares, ahead = self._shares(paths.trust, place), (paths.trust - self.center[1]).astype(WORK)
        loading, is_steep = self.loading.astype(WORK), self.trusts.size > 1
        with np.errstate(all="ignore"):
            total = self._along(self.expected[place], lifts, shares, 1.0)
            steep = np.exp(np.outer(ahead, self.slope.astype(WORK))) if is_steep else WORK(1.0)
            total *= steep
            shift = self._shifts(total)
            out = self._log_ratio(shift)
            out += np.log(self.smoothed.weights).astype(WORK) - self._at_center
            out += np.outer((lifts @ self.counts).astype(WORK), loading)
            out += shift * WORK(self.counts.sum())
            rise = np.exp(shift)
            out -= np.multiply(total, rise, out=total)
            if is_steep:
                out += np.outer(ahead, self.drift.astype(WORK))
                rise *= steep
            if self.second.any():
                near = lifts[:, self._hit_periods]
                bent = self._along(self.second[place], near, shares, 2.0)
                bent *= np.multiply(rise, rise, out=rise)
                less = np.maximum(self._along(self.fourth[place], near, shares, 4.0), WORK(0.0))
                bent -= np.multiply(less, np.multiply(rise, rise, out=rise), out=less)
                # What the series leaves of log(sinh(r / 2) / (r / 2)), which is positive.
                out += np.maximum(bent, WORK(0.0), out=bent)
            for log_rate, drift, period in zip(self.loud, self.loud_drift, self.loud_period.tolist(), strict=True):
                eta = np.outer(lifts[:, period].astype(WORK), loading)
                eta += shift
                eta += log_rate.astype(WORK)
                if is_steep:
                    eta += np.outer(ahead, drift.astype(WORK))
                add_log_events(out, eta)
            out[np.isnan(out)] = -np.inf
        return out, shift

    def _shares(self, trust: Floats, place: int) -> Floats:
        """Weights of the nodes of a range of trust, (..., nodes)."""
        return _lagrange(self.trusts[place], trust) if self.trusts.size > 1 else np.ones((len(trust), 1))

    @cached_property
    def _hit_periods(self) -> Ints:
        return np.flatnonzero(self.counts)

    @cached_property
    def _totals(self) -> Floats:
        """Expected events of every draw at the centre, by interpolation as on any path."""
        return self._along_here(self.expected, 1.0)

    def _along_here(self, tables: Floats, times: float) -> Floats:
        """Sums over periods of tables at the centre: (draws,)."""
        trust = np.array([self.center[1]])
        place = int(self._range_of(trust)[0])
        return self._along(tables[place], np.zeros((1, tables.shape[2])), self._shares(trust, place), times)[0]

    @cached_property
    def _at_center(self) -> Floats:
        """What the log likelihood that is written out in `log_weights` is at the centre: (draws,)."""
        out = -self._totals.astype(float)
        if self.second.any():
            out += np.maximum(self._along_here(self.second, 2.0) - self._along_here(self.fourth, 4.0), 0.0)
        out += log_event(np.exp(np.minimum(self.loud, 60.0)), lambda: self.loud).sum(axis=0)
        return out.astype(WORK)

    def _shifts(self, total: Floats) -> Floats:
        """By how much every draw's base rate moves on every path: (paths, draws)."""
        if self.pull == 0.0:
            return np.zeros_like(total)
        ratio = np.maximum(total, WORK(1e-30)) / np.maximum(self._totals, WORK(1e-30))
        return np.log(ratio) * WORK(-self.pull)

    def _log_ratio(self, shift: Floats) -> Floats:
        """Log of the prior density of shifted base rates over that of those at the centre."""
        if self.pull == 0.0:
            return np.zeros_like(shift)
        model = self.model
        score, before = self._log_prior
        if model.skew[0] == 0.0:
            step = shift * WORK(1.0 / model.spread[0])
            return -step * (score.astype(WORK) + WORK(0.5) * step)
        u = shift * WORK(1.0 / model.spread[0])
        u += ((self.coefficients[:, 0] - model.middle[0]) / model.spread[0]).astype(WORK)
        score, rise = _unstretch(u, float(model.skew[0]))
        score *= score
        score *= WORK(-0.5)
        score -= np.log(rise, out=rise)
        score -= before.astype(WORK)
        return score

    def draw(self, paths: Paths, path: Ints, chosen: Ints, ess: float) -> EventDraws:
        """Natural draws: of every one a path, and a draw at the centre that goes with it."""
        model, loading = self.model, self.loading[chosen]
        coefficients = self.coefficients[chosen]
        coefficients[:, 0] += self._shifts_of(paths, path, chosen)
        coefficients[:, 1 : model.indicators] *= (paths.trust[path] / self.center[1])[:, None]
        return EventDraws(
            event=model.event,
            coefficients=coefficients,
            hyper={name: values[chosen] for name, values in self.hyper.items()},
            shocks=tension_shocks(paths.g[path], loading) if model.has_tension else self.shocks[chosen],
            effects=self.effects[chosen],
            khat=math.inf if self.failed else self.smoothed.khat,
            ess=0.0 if self.failed else ess,
            failed=self.failed,
        )

    def _shifts_of(self, paths: Paths, path: Ints, chosen: Ints) -> Floats:
        """By how much the base rates of chosen draws move on chosen paths, one path for each draw."""
        if self.failed or self.pull == 0.0:
            return np.zeros(len(chosen))
        trust = paths.trust[path]
        ahead, home = trust - self.center[1], self._range_of(trust)
        expected = np.empty((len(chosen), self.expected.shape[2]))
        for place in np.unique(home).tolist():
            at = np.flatnonzero(home == place)
            tables = self.expected[place][:, :, chosen[at]].astype(float)
            expected[at] = np.einsum("im,mti->it", self._shares(trust[at], place), tables)
        if self.model.has_tension:
            # Paths may go on beyond what the draws were made on.
            lifts = paths.g[path, : len(self.center[0])] - self.center[0]
            expected *= np.exp(self.loading[chosen, None] * lifts)
        total = expected.sum(axis=1) * np.exp(ahead * self.slope[chosen])
        return -self.pull * np.log(np.maximum(total, 1e-30) / np.maximum(self._totals[chosen], 1e-30))


def add_log_events(out: Floats, log_rate: Floats) -> None:
    """Add the log chance of an event at log rates, which are written over, in working precision."""
    # A rate so small is its own chance, and one so large is certain.
    rate = np.exp(np.clip(log_rate, WORK(-9.0), WORK(4.0)))
    out += np.log(-np.expm1(-rate))
    out += np.minimum(log_rate + WORK(9.0), WORK(0.0), out=log_rate)


def draws_at_center(model: EventModel, paths: Paths, trust_is_free: bool, count: int, seed: int) -> EventPaths:
    """Explore an event type at the centre of paths and draw from it; where that cannot be done, from its priors."""
    with np.errstate(all="ignore"):
        center = paths.center
        held = model.held(center[0] if model.has_tension else None, center[1] if trust_is_free else 1.0)
        rng = generator(seed, "laplace", model.event)
        trusts, edges = np.array([[center[1]]]), np.zeros(0)
        if trust_is_free and model.indicators > 1:
            ends = np.linspace(float(paths.trust.min()), float(paths.trust.max()) + 1e-9, TRUST_RANGES + 1)
            trusts = np.array([_nodes(*pair, TRUST_NODES) for pair in pairwise(ends.tolist())])
            edges = ends[1:-1]
        try:
            weighed = weigh_proposal(held, count, rng)
        except (Unfitted, np.linalg.LinAlgError) as error:
            return _from_priors(held, center, count, seed, str(error))
        proposal, smoothed = weighed.proposal, weighed.smoothed
        coefficients, hyper, shocks = natural_draws(held, proposal.theta, proposal.xi)
        effects = np.zeros((len(coefficients), len(model.units)))
        if model.has_dyad_effects:
            effects = dyad_effects(held, weighed.at, hyper["sd_dyad"], rng.random(effects.shape))
        loading = hyper.get(LOADING, np.zeros(len(coefficients)))
        order = np.argsort(loading, kind="stable")
        smoothed = Weights(smoothed.weights[order], smoothed.khat, smoothed.ess, smoothed.unknown)
        xi = {name: values[order] for name, values in proposal.xi.items()}
        hyper = {name: values[order] for name, values in hyper.items()}
        coefficients, shocks, effects, loading = (part[order] for part in (coefficients, shocks, effects, loading))
        known = shocks[:, :0] if model.has_tension else shocks
        drawn = _Drawn(held, coefficients, shocks, xi, effects, weighed.at.take(order))
        sums = _sum_rates(drawn, trusts, center[1], paths.g.shape[1] if model.has_tension else 1)
        return EventPaths(model, center, trusts, edges, smoothed, coefficients, hyper, effects, known, loading, *sums)


def _from_priors(held: EventModel, center: tuple[Floats, float], count: int, seed: int, why: str) -> EventPaths:
    """Draws that stand in for those of an event type that could not be fitted, on every path alike."""
    drawn = unfitted(held, count, seed, why)
    order = np.argsort(drawn.hyper.get(LOADING, np.zeros(count)), kind="stable")
    hyper = {name: values[order] for name, values in drawn.hyper.items()}
    shocks = drawn.shocks[:, :0] if held.has_tension else drawn.shocks
    none, empty = np.zeros(count), np.zeros((0, count))
    weights = Weights(np.full(count, 1.0 / count), math.inf, 0.0)
    parts = (np.zeros((1, 1, 0, count)),) * 3
    sums = (none, *parts, np.zeros(0), 0, none, empty, empty, np.zeros(0, dtype=np.int64))
    trusts, edges = np.array([[center[1]]]), np.zeros(0)
    coefficients, effects, loading = drawn.coefficients[order], drawn.effects[order], hyper.get(LOADING, none)
    return EventPaths(
        held, center, trusts, edges, weights, coefficients, hyper, effects, shocks[order], loading, *sums, drawn.failed
    )


@dataclass(frozen=True)
class _Drawn:
    """Draws of one event type at the centre, and the rates of its rows there, without dyad effects."""

    held: EventModel
    coefficients: Floats
    shocks: Floats
    xi: dict[str, Floats]
    effects: Floats
    at: Rates


def _sum_rates(drawn: _Drawn, trusts: Floats, trust: float, periods: int) -> tuple[Any, ...]:
    """Of `EventPaths`: slope, expected, second, fourth, counts, hits, drift, loud, loud_drift, loud_period."""
    model = drawn.held
    draws, effects = len(drawn.coefficients), drawn.effects.T
    at_hits, rise_hits = drawn.at.log_hits + effects[model.hits.unit], np.zeros((len(model.hits), draws))
    nodes = [(place, node, at) for place, row in enumerate(trusts.tolist()) for node, at in enumerate(row)]
    if len(nodes) == 1:
        slope, expected = np.zeros(draws), free_cells(model).by_period(drawn.at.cells, effects, periods)[None, None]
    else:
        rise_hits = model.hits.x[:, 1:] @ (drawn.coefficients[:, 1 : model.indicators] / trust).T
        slope, expected = _along_trust(drawn, trusts, trust, periods)
    where = model.hits.year if model.has_tension else np.zeros_like(model.hits.year)
    loud = np.quantile(at_hits, 0.95, axis=1) > math.log(LOUD_RATE) if len(where) else np.zeros(0, dtype=bool)
    counts = np.bincount(where[~loud], minlength=periods).astype(float)
    hit_periods = np.flatnonzero(counts)
    place_of = np.searchsorted(hit_periods, where)
    second, fourth = (np.zeros((*trusts.shape, len(hit_periods), draws), dtype=WORK) for _ in range(2))
    for hit in np.flatnonzero(~loud).tolist():
        for place, node, at in nodes:
            rate = np.exp(np.minimum(at_hits[hit] + (at - trust) * (rise_hits[hit] - slope), 20.0))
            expected[place, node, where[hit]] += 0.5 * rate
            second[place, node, place_of[hit]] += rate**2 / 24.0
            fourth[place, node, place_of[hit]] += rate**4 / 2880.0
    drift = rise_hits[~loud].sum(axis=0)
    return slope, expected, second, fourth, counts, len(where), drift, at_hits[loud], rise_hits[loud], where[loud]


def _along_trust(drawn: _Drawn, trusts: Floats, trust: float, periods: int) -> tuple[Floats, Floats]:
    """Of `EventPaths` where trust is free: slope, and expected events without those of hits."""
    model, cells, effects = drawn.held, free_cells(drawn.held), drawn.effects.T
    count, draws = len(model.free), len(drawn.coefficients)
    expected, slope = np.zeros((*trusts.shape, periods, draws), dtype=WORK), np.zeros(draws)
    table = MemoryTable.of(model, model.rows, drawn.xi)
    block = max(16, 4 * CHUNK_CELLS // max(len(model.rows), 1))
    for first in range(0, draws, block):
        part = slice(first, min(first + block, draws))
        eta = log_rates(model, drawn.coefficients[part], drawn.shocks[part], table.take(part))[:count]
        rate = np.exp((eta + np.log(model.free.exposure)[:, None]).astype(WORK))
        here = cells.by_period(cells.sum(rate), effects[:, part], periods)
        steep = model.free.x[:, 1:] @ (drawn.coefficients[part, 1 : model.indicators] / trust).T
        steep = steep.astype(WORK)
        moving = cells.by_period(cells.sum(rate * steep), effects[:, part], periods)
        slope[part] = moving.sum(axis=0) / np.maximum(here.sum(axis=0), 1e-30)
        steep -= slope[part].astype(WORK)
        for (place, node), at in np.ndenumerate(trusts):
            grown = cells.sum(rate * np.exp(WORK(at - trust) * steep))
            expected[place, node, :, part] = cells.by_period(grown, effects[:, part], periods)
    return slope, expected


def _nodes(low: float, high: float, count: int) -> Floats:
    """Chebyshev nodes between two ends that lie a little apart."""
    high = max(high, low + 1e-6 * max(1.0, abs(low)))
    angles = (2 * np.arange(count) + 1) * math.pi / (2 * count)
    return 0.5 * (low + high) - 0.5 * (high - low) * np.cos(angles)


def _unstretch(u: Floats, skew: float) -> tuple[Floats, Floats]:
    """`unstretch` in working precision, and the derivative of `stretch` there; u may be written over."""
    knee, steep = WORK(KNEE), WORK(1.0 - skew**2)
    skewed = WORK(skew)
    shifted = u + skewed * knee
    root = np.sqrt(shifted * shifted + knee * knee * steep)
    root *= skewed
    far = shifted * skewed > 0
    z = np.where(
        far, u * (shifted + skewed * knee) / np.where(far, shifted + root, WORK(1.0)), (shifted - root) / steep
    )
    rise = z / np.sqrt(z * z + knee * knee)
    rise *= skewed
    rise += WORK(1.0)
    return z, rise


def _lagrange(nodes: Floats, at: Floats) -> Floats:
    """Weights of the values at nodes in the polynomial through them: (places, nodes).

    >>> _lagrange(np.array([0.0, 1.0]), np.array([0.25])).tolist()
    [[0.75, 0.25]]
    """
    out = np.ones((len(at), len(nodes)))
    for i, node in enumerate(nodes):
        for other in np.delete(nodes, i):
            out[:, i] *= (at - other) / (node - other)
    return out
