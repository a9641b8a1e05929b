"""How probable a whole vector of outcomes was: which units met which outcomes within the horizon, and which did not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskcast.engines.posterior import Posterior
from riskcast.forecasting.futures import draw_chance, simulate_futures
from riskcast.forecasting.plan import EventPlan, Plan, plan_simulation
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.simulation import BLOCK_CELLS
from riskcast.forecasting.work_arrays import Block
from riskcast.machinery.array_types import Bools, Floats, Ints

PATHS = 16
# Less than any chance that rounding leaves.
LEAST = 1e-300
# Near a record, an event that it holds is drawn in its cell with at least this chance.
LEAN = 0.6
NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class VectorProbability:
    """The joint probability of a vector of outcomes, estimated from weighted futures.

    log_weights: (draws,), the logarithm of the mean weight of a draw's futures, each of which is an unbiased estimate
    of the vector's probability given the draw.
    """

    log_weights: Floats

    @cached_property
    def log_probability(self) -> float:
        """log of the mean weight over all draws, in nats; minus infinity where no future could hold the vector."""
        top = float(self.log_weights.max())
        return top if math.isinf(top) else top + math.log(float(np.exp(self.log_weights - top).mean()))

    @property
    def error(self) -> float:
        """Standard error that so few draws and futures leave in the log probability: sd(w) / (mean(w) sqrt(draws))."""
        if math.isinf(self.log_probability):
            return math.nan
        ratio = np.exp(self.log_weights - self.log_probability)
        return float(ratio.std(ddof=1) / math.sqrt(len(ratio))) if len(ratio) > 1 else math.nan

    @property
    def bias(self) -> float:
        """How far the log probability is to be expected below the truth: -error^2 / 2, as log is concave (the second
        term of its expansion about the mean)."""
        return -0.5 * self.error**2

    @property
    def of_halves(self) -> float:
        """Mean log probability by either half of the draws: what lies between it and that of all shows the bias, which
        falls by half as draws are doubled."""
        half = len(self.log_weights) // 2
        parts = (self.log_weights[:half], self.log_weights[half:])
        return float(np.mean([VectorProbability(part).log_probability for part in parts])) if half else math.nan

    @property
    def effective(self) -> float:
        """Kish's effective number of draws, (sum w)^2 / sum w^2."""
        if math.isinf(self.log_probability):
            return 0.0
        ratio = np.exp(self.log_weights - self.log_probability)
        return float(ratio.sum() ** 2 / np.square(ratio).sum())


def vector_probability(
    posterior: Posterior,
    came: Mapping[str, Bools],
    told: Mapping[str, Bools],
    horizon: int | None = None,
    *,
    near: Mapping[str, Bools] | None = None,
    paths: int = PATHS,
    seed: int | None = None,
    cells: int = BLOCK_CELLS,
) -> VectorProbability:
    """Joint predictive probability that outcomes are recorded within the horizon in exactly the units in which they
    `came`, among the units `told`: (units,) of bool each, by event type; other units and event types are free.

    Futures are drawn as in a forecast, one cell after the other, but held to the vector: with c[t] the chance that a
    unit's event is recorded in cell t given the path so far, it is

        ruled out where it did not come, with weight 1 - c[t];
        drawn with chance q[t] until it has come, with weight c[t] / q[t] if drawn and (1 - c[t]) / (1 - q[t]) if not,
        q[t] = c[t] / A(left[t]), A(s) = 1 - exp(-rate s), left[t] the periods from t to the horizon's end.

    The product of weights along a path has the vector's probability given the draw as its mean, whatever feeds back on
    what (sequential importance sampling; Kong, Liu and Wong, 1994); were rates constant, every path would have exactly
    this weight. So the mean over draws and paths of weights is unbiased, dependence through shared parameters, tension,
    levels and events included. A draw's paths share its parameters; shocks and levels ahead are each path's own.

    Paths that hold what led to the outcomes weigh most and are rare. `near`, (cells, units) by event type, names cells
    in which events are drawn with a chance of at least .6 on half of the paths, those that in fact held some say; all
    paths are weighed by the mixture of both ways of drawing (Hesterberg, 1995), so that the mean stays what it is and
    no weight is more than twice what it would be.
    Raises UnknownNameError for an event type that the case does not have.

    >>> from riskcast import fit, load_case
    >>> posterior = fit(load_case("central_asia_2024"), draws=200)
    >>> never, known = {"rupture": np.zeros(5, dtype=bool)}, {"rupture": np.ones(5, dtype=bool)}
    >>> -1.0 < vector_probability(posterior, never, known, horizon=12).log_probability < 0.0
    True
    """
    _, baseline = resolve_scenario(posterior.case, None)
    plan = plan_simulation(
        posterior, horizon or posterior.case.settings.horizon, posterior.seed if seed is None else seed
    )
    nothing = {p.event: np.zeros((plan.cells, p.units), dtype=bool) for p in plan.events}
    recorded = {**nothing, **(near or {})}
    per_block = max(1, cells // (len(plan.case.dyads) * paths))
    logs = []
    for first in range(0, plan.draws, per_block):
        draws = np.arange(first, min(first + per_block, plan.draws))
        block = Block(np.repeat(draws, paths), first * paths)
        held = _Held(plan, came, told, recorded, len(block.draw))
        simulate_futures(plan, draw_chance(plan, baseline, block), baseline, score_only=True, steer=held)
        own = held.log_weights().reshape(len(draws), paths)
        top = own.max(axis=1)
        safe = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            logs.append(safe + np.log(np.exp(own - safe[:, None]).mean(axis=1)))
    return VectorProbability(np.concatenate(logs))


class _Held:
    """Uniforms that hold a block of paths to a vector of outcomes, and the weights of the paths.

    Every other path is drawn `near` a record. `plain` is the logarithm of the weight were all paths drawn without it,
    `other` that of the chance of a path drawn near it over that of one that is not.
    """

    def __init__(
        self, plan: Plan, came: Mapping[str, Bools], told: Mapping[str, Bools], near: Mapping[str, Bools], count: int
    ) -> None:
        self._shares, self._near = plan.shares, near
        self._left = np.append(np.cumsum(plan.shares[::-1])[::-1], 0.0)
        asked = [p.event for p in plan.events if p.event in came]
        self._never = {name: np.flatnonzero(told[name] & ~came[name]) for name in asked}
        self._once = {name: np.flatnonzero(told[name] & came[name]) for name in asked}
        self._met = {name: np.zeros((count, len(units)), dtype=bool) for name, units in self._once.items()}
        self._plain, self._other = np.zeros(count), np.zeros(count)
        self._leans = np.arange(count) % 2 == 1

    def log_weights(self) -> Floats:
        """The logarithm of the weight of every path under the mixture of both ways of drawing: (paths,)."""
        return self._plain - np.logaddexp(0.0, self._other) + math.log(2.0)

    def __call__(self, p: EventPlan, cell: int, rate: Floats, uniform: Floats) -> Floats:
        """The uniforms of one event type in one cell."""
        name = p.event
        never, once = self._never.get(name, NONE), self._once.get(name, NONE)
        held = {*never.tolist(), *once.tolist()}
        free = [unit for unit in np.flatnonzero(self._near[name][cell]).tolist() if unit not in held]
        if not held and not free:
            return uniform
        found = rate * p.recall.astype(rate.dtype) if p.is_thinned else rate
        # As in the simulation, to the last digit: what is held just below a chance must be below it there.
        chance = -np.expm1(found * -self._shares[cell]).astype(float)
        out = np.array(uniform, dtype=float)
        out[:, never] = chance[:, never] + out[:, never] * (1.0 - chance[:, never])
        self._plain -= (found[:, never].astype(float) * self._shares[cell]).sum(axis=1)
        every = np.arange(len(out))
        for unit in free:
            self._draw(chance[:, unit], chance[:, unit], LEAN, out, every, unit)
        for place, unit in enumerate(once.tolist()):
            met = self._met[name][:, place]
            waiting = np.flatnonzero(~met)
            if not len(waiting):
                continue
            of, own = found[waiting, unit].astype(float), chance[waiting, unit]
            ahead, after = (np.maximum(-np.expm1(-of * left), LEAST) for left in self._left[cell : cell + 2])
            last = cell + 1 == len(self._shares)
            drawn = np.ones_like(own) if last else np.minimum(own / ahead, 1.0)
            lean = LEAN if self._near[name][cell, unit] and not last else 0.0
            hit = self._draw(own, drawn, lean, out, waiting, unit)
            with np.errstate(divide="ignore"):
                self._plain[waiting] += np.where(hit, np.log(own if last else ahead), np.log(ahead) - np.log(after))
            met[waiting[hit]] = True
        return out

    def _draw(self, chance: Floats, plain: Floats, lean: float, out: Floats, paths: Ints, unit: int) -> Bools:
        """Draw whether a unit's event comes on some paths, with chance `plain` or at least `lean`, write the uniforms
        that say so, and how much the two ways of drawing differ."""
        leant = np.maximum(plain, lean)
        drawn = np.where(self._leans[paths], leant, plain)
        own = out[paths, unit]
        hit = own < drawn
        within = own / np.maximum(drawn, LEAST) * chance
        beyond = chance + (own - drawn) / np.maximum(1.0 - drawn, LEAST) * (1.0 - chance)
        out[paths, unit] = np.where(hit, within, beyond)
        if lean:
            with np.errstate(divide="ignore"):
                ratio = np.where(hit, np.log(leant) - np.log(plain), np.log1p(-leant) - np.log1p(-plain))
            self._other[paths] += ratio
        return hit
